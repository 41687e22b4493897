/*
 * The HTTP engine: libmicrohttpd without threads of its own, run by our loop. Nobody else includes its header.
 *
 * What had to be learned about it in this mode: there is no wake-up pipe, so MHD_run must follow every resume, and its
 * timeout must bound the loop's sleep; stopping it while a connection is suspended aborts; a client that leaves while
 * suspended is noticed after the resume; a response is accepted before any of the body is read or after all of it, so a
 * request that is refused early is read to its end first, unless it waits for "100 Continue" or announces too much.
 */
#include "api/http_int.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEADER_BYTES_MAX FLOE_KIB(32)     /* of one connection: request line, headers, and room to read a body */
#define IDLE_S 30U                        /* a connection without any traffic */
#define BODY_US (60 * FLOE_US_PER_SECOND) /* a body that trickles in */
#define DISCARD_MAX FLOE_MIB(64)          /* of a body that is refused, read so that the answer arrives */
#define KEEP_MAX FLOE_KIB(256)            /* memory of a request that is kept for later ones */
#define RUNS_PER_TURN 4
#define PARAMS_MAX 64

typedef struct exchange {
    floe_http_request request; /* first: one pointer is both */
    floe_http *http;
    struct MHD_Connection *connection;
    struct exchange *next_free;
    size_t discarded;
    bool handled;
    bool answered;
    bool suspended;
} exchange;

struct floe_http {
    struct MHD_Daemon *daemon;
    floe_watch *watch;
    floe_http_hooks hooks;
    exchange *free_exchanges;
    size_t in_flight;
    int64_t last_us;
    int listener; /* -1: closed */
    bool draining;
};

/* ---- requests ---- */

static exchange *take_exchange(floe_http *http) {
    exchange *taken = http->free_exchanges;
    if (taken != NULL) {
        http->free_exchanges = taken->next_free;
        return taken;
    }
    if (floe_failed(floe_alloc(1, sizeof(*taken), &taken, NULL))) {
        return NULL;
    }
    floe_arena_init(&taken->request.arena, FLOE_LIMIT_REQUEST_ARENA);
    floe_buf_init(&taken->request.body, FLOE_LIMIT_HTTP_BODY_BYTES);
    floe_buf_init(&taken->request.out, FLOE_LIMIT_REQUEST_ARENA);
    return taken;
}

static void trim_buf(floe_buf *buf) {
    if (buf->capacity > KEEP_MAX) {
        size_t cap = buf->cap;
        floe_buf_close(buf);
        floe_buf_init(buf, cap);
    }
    floe_buf_clear(buf);
}

static void give_exchange(floe_http *http, exchange *given) {
    floe_http_request *request = &given->request;
    if (request->arena.used > KEEP_MAX) {
        floe_arena_close(&request->arena);
    }
    floe_arena_reset(&request->arena);
    trim_buf(&request->body);
    trim_buf(&request->out);
    floe_http_request empty = {.arena = request->arena, .body = request->body, .out = request->out};
    *given = (exchange){.request = empty, .next_free = http->free_exchanges};
    http->free_exchanges = given;
}

static void close_exchange(exchange *closed) {
    floe_arena_close(&closed->request.arena);
    floe_buf_close(&closed->request.body);
    floe_buf_close(&closed->request.out);
    floe_free(closed);
}

static unsigned method_of(const char *method) {
    static const struct {
        const char *name;
        unsigned method;
    } known[] = {{MHD_HTTP_METHOD_GET, FLOE_HTTP_GET},
                 {MHD_HTTP_METHOD_HEAD, FLOE_HTTP_HEAD},
                 {MHD_HTTP_METHOD_POST, FLOE_HTTP_POST}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i].name) == 0) {
            return known[i].method;
        }
    }
    return FLOE_HTTP_OTHER;
}

typedef struct param_list {
    exchange *owner;
    floe_http_param *items;
    size_t count;
} param_list;

static enum MHD_Result take_param(void *context, enum MHD_ValueKind kind, const char *key, size_t key_len,
                                  const char *value, size_t value_len) {
    (void)kind;
    param_list *list = context;
    if (list->items == NULL) {
        list->items = floe_arena_alloc(&list->owner->request.arena, PARAMS_MAX, sizeof(*list->items));
    }
    if (list->items == NULL || list->count == PARAMS_MAX) {
        return MHD_NO;
    }
    list->items[list->count++] = (floe_http_param){{key, key_len}, {value, value == NULL ? 0 : value_len}};
    return MHD_YES;
}

static floe_str header_of(exchange *begun, const char *name) {
    return floe_str_of(MHD_lookup_connection_value(begun->connection, MHD_HEADER_KIND, name));
}

static void fill_request(exchange *begun, const char *path, const char *method) {
    floe_http_request *request = &begun->request;
    param_list params = {.owner = begun};
    (void)MHD_get_connection_values_n(begun->connection, MHD_GET_ARGUMENT_KIND, take_param, &params);
    request->method = method_of(method);
    request->path = floe_str_of(path);
    request->params = params.items;
    request->param_count = params.count;
    request->content_type = header_of(begun, MHD_HTTP_HEADER_CONTENT_TYPE);
    request->accept = header_of(begun, MHD_HTTP_HEADER_ACCEPT);
    request->started_us = floe_monotonic_us();
}

/* ---- answers ---- */

static bool add_headers(const exchange *answered, struct MHD_Response *response) {
    const floe_http_request *request = &answered->request;
    char seconds[16];
    bool ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->answer_type) == MHD_YES;
    if (ok && request->allow != NULL) {
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allow) == MHD_YES;
    }
    if (ok && request->retry_after_s > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%d", request->retry_after_s);
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds) == MHD_YES;
    }
    if (ok && answered->http->draining) {
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close") == MHD_YES;
    }
    return ok;
}

/* The library reads the body from request.out until the request has ended. */
static enum MHD_Result queue_answer(exchange *answered) {
    floe_str body = floe_buf_view(&answered->request.out);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result queued = MHD_NO;
    if (add_headers(answered, response)) {
        queued = MHD_queue_response(answered->connection, (unsigned)answered->request.status, response);
    }
    MHD_destroy_response(response);
    return queued;
}

void floe_http_answer(floe_http_request *request) {
    exchange *answered = (exchange *)request;
    FLOE_ASSERT(!answered->answered);
    FLOE_DCHECK(request->status != 0 && request->answer_type != NULL && !request->out.failed);
    answered->answered = true;
    if (answered->suspended) {
        answered->suspended = false;
        MHD_resume_connection(answered->connection);
    }
}

/* ---- the way of a request ---- */

/* Whether nothing of the body will be read: the client waits for a go-ahead, or announces more than we throw away. */
static bool answer_before_body(exchange *begun) {
    floe_str expect = header_of(begun, MHD_HTTP_HEADER_EXPECT);
    floe_str len = header_of(begun, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return floe_str_is_nocase(expect, "100-continue") || (len.ptr != NULL && strtoull(len.ptr, NULL, 10) > DISCARD_MAX);
}

/* A body that is announced gets its room at once, within reason: announcing costs a client nothing. One that is announced
 * as too large is refused before any of it is read. */
static void expect_body(exchange *begun) {
    floe_str len = header_of(begun, MHD_HTTP_HEADER_CONTENT_LENGTH);
    unsigned long long announced = len.ptr == NULL ? 0 : strtoull(len.ptr, NULL, 10);
    floe_http_request *request = &begun->request;
    if (announced > request->body.cap) {
        request->body.failed = true;
        request->body.out_of_cap = true;
    } else if (announced > 0) {
        (void)floe_buf_reserve(&request->body, announced < KEEP_MAX ? (size_t)announced : KEEP_MAX);
    }
}

static enum MHD_Result begin(floe_http *http, struct MHD_Connection *connection, const char *path, const char *method,
                             void **ret_exchange) {
    exchange *begun = take_exchange(http);
    if (begun == NULL) {
        return MHD_NO;
    }
    begun->http = http;
    begun->connection = connection;
    *ret_exchange = begun;
    fill_request(begun, path, method);
    http->in_flight++;
    http->last_us = begun->request.started_us;
    expect_body(begun);
    http->hooks.begin(http->hooks.context, &begun->request);
    return begun->answered && answer_before_body(begun) ? queue_answer(begun) : MHD_YES;
}

static enum MHD_Result take_body(exchange *taken, const char *bytes, size_t len) {
    floe_http_request *request = &taken->request;
    if (floe_monotonic_us() - request->started_us > BODY_US) {
        return MHD_NO;
    }
    if (!taken->answered) {
        floe_buf_append(&request->body, bytes, len);
    }
    if (!taken->answered && request->body.failed) {
        taken->http->hooks.handle(taken->http->hooks.context, request);
    }
    taken->discarded += taken->answered ? len : 0;
    return taken->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes, size_t *bytes_len,
                                  void **exchange_slot) {
    (void)version;
    floe_http *http = context;
    exchange *current = *exchange_slot;
    if (current == NULL) {
        return begin(http, connection, path, method, exchange_slot);
    }
    if (*bytes_len > 0) {
        size_t len = *bytes_len;
        *bytes_len = 0;
        return take_body(current, bytes, len);
    }
    if (!current->handled && !current->answered) {
        current->handled = true;
        http->hooks.handle(http->hooks.context, &current->request);
    }
    if (!current->answered) {
        current->suspended = true;
        MHD_suspend_connection(connection);
        return MHD_YES;
    }
    return queue_answer(current);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **exchange_slot,
                         enum MHD_RequestTerminationCode code) {
    (void)connection;
    (void)code;
    floe_http *http = context;
    exchange *ended = *exchange_slot;
    *exchange_slot = NULL;
    if (ended == NULL) {
        return;
    }
    http->hooks.end(http->hooks.context, &ended->request, ended->answered);
    http->in_flight--;
    http->last_us = floe_monotonic_us();
    give_exchange(http, ended);
}

/* ---- the loop ---- */

/* Everything happens in floe_http_run, once per turn, so that new requests and answers go out together. */
static void on_ready(void *context, unsigned events) {
    (void)context;
    (void)events;
}

static int64_t sleep_limit_us(void *context) {
    const floe_http *http = context;
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (MHD_get_timeout(http->daemon, &ms) != MHD_YES) {
        return -1;
    }
    return (int64_t)(ms > INT32_MAX ? INT32_MAX : ms) * 1000;
}

void floe_http_run(floe_http *http) {
    for (int i = 0; i < RUNS_PER_TURN; i++) {
        if (MHD_run(http->daemon) != MHD_YES || sleep_limit_us(http) != 0) {
            return;
        }
    }
}

/* ---- the engine ---- */

static floe_status open_daemon(floe_http *http, int listener, unsigned connection_max, floe_error *err) {
    http->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
                                    MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, connection_max,
                                    MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                    HEADER_BYTES_MAX, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_END);
    FLOE_ENSURE(http->daemon != NULL, err, FLOE_IO, "the HTTP engine does not start (%u connections)", connection_max);
    return FLOE_OK;
}

floe_status floe_http_open(floe_loop *loop, int listener, unsigned connection_max, const floe_http_hooks *hooks,
                           floe_http **ret_http, floe_error *err) {
    floe_http *http = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*http), &http, err));
    *http = (floe_http){.hooks = *hooks, .listener = -1};
    floe_status status = open_daemon(http, listener, connection_max, err);
    if (!floe_failed(status)) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        status = info == NULL
                     ? FLOE_FAIL(err, FLOE_INTERNAL, "the HTTP engine has no epoll descriptor")
                     : floe_watch_open(loop, info->epoll_fd, FLOE_LOOP_READ, on_ready, http, &http->watch, err);
    }
    if (floe_failed(status)) {
        if (http->daemon != NULL) {
            (void)MHD_quiesce_daemon(http->daemon); /* the socket stays the caller's */
        }
        floe_http_close(&http);
        return status;
    }
    http->listener = listener;
    floe_loop_on_sleep(loop, sleep_limit_us, http);
    *ret_http = http;
    return FLOE_OK;
}

void floe_http_close(floe_http **http_pointer) {
    floe_http *http = http_pointer == NULL ? NULL : *http_pointer;
    if (http == NULL) {
        return;
    }
    *http_pointer = NULL;
    floe_watch_close(&http->watch);
    if (http->daemon != NULL) {
        if (http->listener >= 0) {
            (void)MHD_quiesce_daemon(http->daemon);
            (void)close(http->listener);
        }
        MHD_stop_daemon(http->daemon);
    }
    while (http->free_exchanges != NULL) {
        exchange *next = http->free_exchanges->next_free;
        close_exchange(http->free_exchanges);
        http->free_exchanges = next;
    }
    floe_free(http);
}

/* ---- stopping ---- */

void floe_http_drain(floe_http *http) {
    http->draining = true;
    if (http->listener >= 0) {
        floe_listen_shut(http->listener);
    }
}

bool floe_http_stop_accepting(floe_http *http) {
    if (http->listener < 0) {
        return true;
    }
    struct pollfd waiting = {.fd = http->listener, .events = POLLIN};
    if (poll(&waiting, 1, 0) > 0) {
        return false;
    }
    (void)MHD_quiesce_daemon(http->daemon);
    (void)close(http->listener);
    http->listener = -1;
    return true;
}

unsigned floe_http_connections(const floe_http *http) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info == NULL ? 0 : info->num_connections;
}

size_t floe_http_in_flight(const floe_http *http) {
    return http->in_flight;
}

int64_t floe_http_last_us(const floe_http *http) {
    return http->last_us;
}
