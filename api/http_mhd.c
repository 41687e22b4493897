/*
 * The HTTP engine: libmicrohttpd without threads of its own, run by our loop. Nobody else includes its header.
 *
 * What had to be learned about it in this mode: there is no wake-up pipe, so MHD_run must follow every resume, and its
 * timeout must bound the loop's sleep; stopping it while a connection is suspended aborts; a client that leaves while
 * suspended is noticed after the resume; a response is accepted before any of the body is read or after all of it, so a
 * request that is refused early is read to its end first, unless it waits for "100 Continue" or announces too much. It
 * shows the target before it decodes it, which is when a request gets its memory; what it refuses by itself
 * (docs/http.md lists it) ends there. It is content with requests that are framed in two ways or have no Host; those
 * are found here.
 */
#include "api/headers_int.h"
#include "api/patience_int.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ENGINE_BYTES_MAX FLOE_KIB(32) /* of one connection: request line, headers, and room to read a body */
#define HEAD_BYTES_MAX FLOE_KIB(16)   /* of a head that is served; above what the engine holds it answers by itself */
#define IDLE_S 30U                    /* a connection without any traffic */
#define DISCARD_MAX FLOE_MIB(64)      /* of a body that is refused, read so that the answer arrives */
#define KEEP_MAX FLOE_KIB(256)        /* memory of a request that is kept for later ones */
#define SWEEP_US FLOE_US_PER_SECOND
#define SWEEPS_PER_LIMIT 4
#define RUNS_PER_TURN 4
#define PARAMS_MAX 64

static const floe_http_patience ordinary_patience = {
    .head_us = 30 * FLOE_US_PER_SECOND, .body_us = 60 * FLOE_US_PER_SECOND, .send_us = 120 * FLOE_US_PER_SECOND};

typedef struct exchange {
    floe_http_request request; /* first: one pointer is both */
    floe_http *http;
    struct MHD_Connection *connection;
    floe_peer *peer;
    struct exchange *next_free;
    const char *target; /* as it came, until the engine decodes it in its place */
    size_t target_len;
    size_t discarded;
    bool begun;
    bool unframed;        /* where its body ends is not known: the answer ends the connection */
    const char *line_end; /* of the last line of the head that was looked at; NULL: not known */
    bool handled;
    bool answered;
    bool suspended;
} exchange;

struct floe_http {
    struct MHD_Daemon *daemon;
    floe_watch *watch;
    floe_http_hooks hooks;
    exchange *free_exchanges;
    floe_peers peers;
    floe_http_patience patience;
    floe_timer *sweep_timer;
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
                 {MHD_HTTP_METHOD_POST, FLOE_HTTP_POST},
                 {MHD_HTTP_METHOD_OPTIONS, FLOE_HTTP_OPTIONS}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i].name) == 0) {
            return known[i].method;
        }
    }
    return FLOE_HTTP_OTHER;
}

static void refuse_as(exchange *begun, int status, const char *malformed) {
    floe_http_request *request = &begun->request;
    if (request->malformed == NULL) {
        request->malformed = malformed;
        request->malformed_status = status;
    }
}

static enum MHD_Result take_param(void *context, enum MHD_ValueKind kind, const char *key, size_t key_len,
                                  const char *value, size_t value_len) {
    (void)kind;
    exchange *begun = context;
    floe_http_request *request = &begun->request;
    floe_http_param *params = (floe_http_param *)(uintptr_t)request->params;
    if (params == NULL) {
        params = floe_arena_alloc(&request->arena, PARAMS_MAX, sizeof(*params));
        request->params = params;
    }
    if (params == NULL) {
        refuse_as(begun, 503, "no memory is left for the query parameters");
        return MHD_NO;
    }
    if (request->param_count == PARAMS_MAX) {
        refuse_as(begun, 400, "the request has more than 64 query parameters");
        return MHD_NO;
    }
    params[request->param_count++] = (floe_http_param){{key, key_len}, {value, value == NULL ? 0 : value_len}};
    return MHD_YES;
}

static void refuse_head(exchange *begun, const char *problem) {
    begun->unframed = true;
    refuse_as(begun, 400, problem);
}

#if MHD_VERSION < 0x01000000
/* Before 1.0 the engine loses what it cannot read: a line that begins with a blank becomes a part of the name before
 * it, a NUL byte ends a value, a line without a name ends the head. Whoever forwarded the request may have read a
 * length there. Lines stay where they were received, so what was lost is a gap between them. */
static void judge_gap(exchange *begun, const char *next, size_t most) {
    uintptr_t end = (uintptr_t)begun->line_end, at = (uintptr_t)next;
    if (end != 0 && (at <= end || at - end > most)) {
        refuse_head(begun, "the head holds a line that goes on in the next, has no name, or holds a NUL byte");
    }
}

static void judge_line(exchange *begun, floe_str name, floe_str value) {
    judge_gap(begun, name.ptr, 2);
    begun->line_end = value.ptr == NULL ? name.ptr + name.len : value.ptr + value.len;
}

/* The last line and the empty one. */
static void judge_end(exchange *begun, const char *method, size_t head_len) {
    judge_gap(begun, method + head_len, 4);
}

static const char *end_of_request_line(const char *method, const char *version) {
    uintptr_t start = (uintptr_t)method, end = (uintptr_t)version;
    return end > start && end - start < ENGINE_BYTES_MAX ? version + strlen(version) : NULL;
}
#else
static void judge_line(exchange *begun, floe_str name, floe_str value) {
    (void)begun, (void)name, (void)value;
}

static void judge_end(exchange *begun, const char *method, size_t head_len) {
    (void)begun, (void)method, (void)head_len;
}

static const char *end_of_request_line(const char *method, const char *version) {
    (void)method, (void)version;
    return NULL;
}
#endif

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *key, size_t key_len,
                                   const char *value, size_t value_len) {
    (void)kind;
    exchange *begun = context;
    floe_http_request *request = &begun->request;
    floe_http_header header = FLOE_HEADER_COUNT;
    floe_str name = {key, key_len}, came = {value == NULL ? "" : value, value == NULL ? 0 : value_len};
    const char *problem = floe_http_line_problem(name, came);
    judge_line(begun, name, (floe_str){value, came.len});
    if (problem != NULL) {
        refuse_head(begun, problem);
    }
    if (!floe_http_header_find(name, &header)) {
        return MHD_YES;
    }
    floe_str *slot = &request->headers[header];
    const char *text = NULL;
    if (slot->ptr == NULL) {
        *slot = came;
    } else if (floe_http_header_is_list(header)) {
        text = floe_arena_printf(&request->arena, "%.*s,%.*s", FLOE_STR_ARG(*slot), FLOE_STR_ARG(came));
        *slot = floe_str_of(text == NULL ? "" : text);
    } else {
        text = floe_arena_printf(&request->arena, "the header %s is there twice", floe_http_header_name(header));
        refuse_head(begun, text == NULL ? "a header is there twice" : text);
    }
    return MHD_YES;
}

static floe_str header_of(const exchange *begun, floe_http_header header) {
    return begun->request.headers[header];
}

/* How long the body is, and that there is one way to tell: two readers that differ in this see different requests. */
static void judge_framing(exchange *begun) {
    floe_str coding = header_of(begun, FLOE_HEADER_TRANSFER_ENCODING);
    if (coding.ptr == NULL) {
        return;
    }
    if (header_of(begun, FLOE_HEADER_CONTENT_LENGTH).ptr != NULL) {
        refuse_head(begun, "the request has both Transfer-Encoding and Content-Length; send one of them");
    } else if (!floe_str_is_nocase(coding, "chunked")) {
        begun->unframed = true;
        refuse_as(begun, 501, "the only Transfer-Encoding that is understood is chunked");
    }
}

static void judge_head(exchange *begun, const char *method, const char *version) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(begun->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    floe_str expect = header_of(begun, FLOE_HEADER_EXPECT);
    if (info != NULL) {
        judge_end(begun, method, info->header_size);
    }
#if MHD_VERSION < 0x01000000
    /* Before 1.0 a NUL byte in the request line ends the target for the engine. The version stands right behind it. */
    if (begun->target != NULL && version > begun->target &&
        (size_t)(version - begun->target) != begun->target_len + 1) {
        refuse_as(begun, 400, "the request line holds a NUL byte or a blank too many");
    }
#endif
    judge_framing(begun);
    if (strcmp(version, MHD_HTTP_VERSION_1_0) != 0 && header_of(begun, FLOE_HEADER_HOST).ptr == NULL) {
        refuse_as(begun, 400, "the header Host is missing");
    }
    if (expect.ptr != NULL && !floe_str_is_nocase(expect, "100-continue")) {
        refuse_as(begun, 417, "the only Expect that is understood is 100-continue");
    }
    if (info != NULL && info->header_size > HEAD_BYTES_MAX) {
        refuse_as(begun, 431,
                  "the request line and headers are longer than 16 KiB together; put the question in a body");
    }
}

static void fill_request(exchange *begun, const char *path, const char *method, const char *version) {
    floe_http_request *request = &begun->request;
    (void)MHD_get_connection_values_n(begun->connection, MHD_GET_ARGUMENT_KIND, take_param, begun);
    begun->line_end = end_of_request_line(method, version);
    (void)MHD_get_connection_values_n(begun->connection, MHD_HEADER_KIND, take_header, begun);
    request->method = method_of(method);
    request->path = floe_http_target_path(floe_str_of(path));
    request->started_us = floe_monotonic_us();
    judge_head(begun, method, version);
}

/* The request line is there; its target is looked at before the engine decodes it. */
static void *on_target(void *context, const char *target, struct MHD_Connection *connection) {
    exchange *announced = take_exchange(context);
    if (announced == NULL) {
        return NULL;
    }
    announced->http = context;
    announced->connection = connection;
    announced->target = target;
    announced->target_len = target == NULL ? 0 : strlen(target);
    const char *problem = floe_http_target_problem((floe_str){target, announced->target_len});
    if (problem != NULL) {
        refuse_as(announced, 400, problem);
    }
    return announced;
}

/* ---- answers ---- */

static bool add_headers(const exchange *answered, struct MHD_Response *response) {
    const floe_http_request *request = &answered->request;
    char seconds[16];
    bool ok = request->answer_type == NULL ||
              MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, request->answer_type) == MHD_YES;
    if (ok && request->allow != NULL) {
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, request->allow) == MHD_YES;
    }
    if (ok && request->retry_after_s > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%d", request->retry_after_s);
        ok = MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds) == MHD_YES;
    }
    for (size_t i = 0; ok && i < request->answer_header_count; i++) {
        ok = MHD_add_response_header(response, request->answer_headers[i].name, request->answer_headers[i].value) ==
             MHD_YES;
    }
    if (ok && (answered->http->draining || answered->unframed)) {
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
        floe_peer_enter(answered->peer, FLOE_PEER_SEND, floe_monotonic_us());
        queued = MHD_queue_response(answered->connection, (unsigned)answered->request.status, response);
    }
    MHD_destroy_response(response);
    return queued;
}

void floe_http_answer_header(floe_http_request *request, const char *name, const char *value) {
    FLOE_ASSERT(request->answer_header_count < FLOE_HTTP_ANSWER_HEADERS_MAX);
    request->answer_headers[request->answer_header_count].name = name;
    request->answer_headers[request->answer_header_count].value = value;
    request->answer_header_count++;
}

void floe_http_answer(floe_http_request *request) {
    exchange *answered = (exchange *)request;
    FLOE_ASSERT(!answered->answered);
    FLOE_DCHECK(request->status != 0 && !request->out.failed &&
                (request->answer_type != NULL || request->out.len == 0));
    answered->answered = true;
    if (answered->suspended) {
        answered->suspended = false;
        MHD_resume_connection(answered->connection);
    }
}

/* ---- the way of a request ---- */

/* Whether nothing of the body will be read: the client waits for a go-ahead, announces more than we throw away, or does
 * not say where it ends. */
static bool answer_before_body(const exchange *begun) {
    floe_str expect = header_of(begun, FLOE_HEADER_EXPECT);
    floe_str len = header_of(begun, FLOE_HEADER_CONTENT_LENGTH);
    return begun->unframed || expect.ptr != NULL || (len.ptr != NULL && strtoull(len.ptr, NULL, 10) > DISCARD_MAX);
}

/* A body that is announced gets its room at once, within reason: announcing costs a client nothing. One that is
 * announced as too large is refused before any of it is read. */
static void expect_body(exchange *begun) {
    floe_str len = header_of(begun, FLOE_HEADER_CONTENT_LENGTH);
    unsigned long long announced = len.ptr == NULL ? 0 : strtoull(len.ptr, NULL, 10);
    floe_http_request *request = &begun->request;
    if (announced > request->body.cap) {
        request->body.failed = true;
        request->body.out_of_cap = true;
    } else if (announced > 0) {
        (void)floe_buf_reserve(&request->body, announced < KEEP_MAX ? (size_t)announced : KEEP_MAX);
    }
}

static floe_peer *peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

static enum MHD_Result begin(exchange *begun, const char *path, const char *method, const char *version) {
    floe_http *http = begun->http;
    begun->begun = true;
    begun->peer = peer_of(begun->connection);
    fill_request(begun, path, method, version);
    floe_peer_enter(begun->peer, FLOE_PEER_BODY, begun->request.started_us);
    http->in_flight++;
    http->last_us = begun->request.started_us;
    expect_body(begun);
    http->hooks.begin(http->hooks.context, &begun->request);
    return begun->answered && answer_before_body(begun) ? queue_answer(begun) : MHD_YES;
}

static enum MHD_Result take_body(exchange *taken, const char *bytes, size_t len) {
    floe_http_request *request = &taken->request;
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
    floe_http *http = context;
    exchange *current = *exchange_slot;
    if (current == NULL) {
        return MHD_NO; /* there was no memory for it */
    }
    if (!current->begun) {
        return begin(current, path, method, version);
    }
    if (*bytes_len > 0) {
        size_t len = *bytes_len;
        *bytes_len = 0;
        return take_body(current, bytes, len);
    }
    if (!current->handled && !current->answered) {
        current->handled = true;
        floe_peer_enter(current->peer, FLOE_PEER_OURS, 0);
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
    if (ended->begun) {
        http->hooks.end(http->hooks.context, &ended->request, ended->answered);
        http->in_flight--;
        http->last_us = floe_monotonic_us();
        floe_peer_enter(ended->peer, FLOE_PEER_HEAD, http->last_us);
    }
    give_exchange(http, ended);
}

/* ---- slow clients ---- */

static void arm_sweep(floe_http *http) {
    const floe_http_patience *patience = &http->patience;
    int64_t least_us = patience->head_us < patience->body_us ? patience->head_us : patience->body_us;
    least_us = (least_us < patience->send_us ? least_us : patience->send_us) / SWEEPS_PER_LIMIT;
    floe_timer_set(http->sweep_timer, least_us < SWEEP_US ? least_us : SWEEP_US);
}

static void on_sweep(void *context) {
    floe_http *http = context;
    (void)floe_peers_sweep(&http->peers, &http->patience, floe_monotonic_us());
    if (http->peers.first != NULL) {
        arm_sweep(http);
    }
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    floe_http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        floe_peer_close(&http->peers, *socket_context);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    bool alone = http->peers.first == NULL;
    *socket_context = info == NULL ? NULL : floe_peer_open(&http->peers, info->connect_fd, floe_monotonic_us());
    if (alone && http->peers.first != NULL) {
        arm_sweep(http);
    }
}

void floe_http_be_patient(floe_http *http, const floe_http_patience *patience) {
    http->patience = *patience;
    arm_sweep(http);
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

#if MHD_VERSION >= 0x01000000
/* From 1.0 on the engine itself refuses what two readers may read in two ways (folded lines, a bare LF, tabs between the
 * parts of a request line), where it is told to be strict. */
#define ENGINE_STRICTNESS MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#else
#define ENGINE_STRICTNESS MHD_OPTION_STRICT_FOR_CLIENT, 0
#endif

static floe_status open_daemon(floe_http *http, int listener, unsigned connection_max, floe_error *err) {
    http->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, http,
                         MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, connection_max,
                         MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, ENGINE_BYTES_MAX,
                         MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
                         http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, ENGINE_STRICTNESS, MHD_OPTION_END);
    FLOE_ENSURE(http->daemon != NULL, err, FLOE_IO, "the HTTP engine does not start (%u connections)", connection_max);
    return FLOE_OK;
}

floe_status floe_http_open(floe_loop *loop, int listener, unsigned connection_max, const floe_http_hooks *hooks,
                           floe_http **ret_http, floe_error *err) {
    floe_http *http = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*http), &http, err));
    *http = (floe_http){.hooks = *hooks, .listener = -1, .patience = ordinary_patience};
    floe_status status = floe_timer_open(loop, on_sweep, http, &http->sweep_timer, err);
    if (!floe_failed(status)) {
        status = open_daemon(http, listener, connection_max, err);
    }
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
    floe_timer_close(&http->sweep_timer);
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
        (void)floe_listen_shut(http->listener);
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
