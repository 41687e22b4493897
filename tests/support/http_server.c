/* See http_server.h. `lock` guards the remembered requests and `connection`. */
#include "tests/support/http_server.h"

#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 4096

typedef struct remembered {
    char *head, *body;
} remembered;

struct floe_test_server {
    floe_test_handler handler;
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    int listener, connection;
    char url[256];
    atomic_bool stopping;
    atomic_size_t count;
    remembered requests[REQUESTS_MAX];
    floe_buf in, body, out;
};

/* ---- reading ---- */

static bool read_more(floe_test_server *server) {
    char *room = floe_buf_reserve(&server->in, 65536);
    ssize_t len = room != NULL ? recv(server->connection, room, 65536, 0) : -1;
    if (len <= 0) {
        return false;
    }
    floe_buf_advance(&server->in, (size_t)len);
    return true;
}

static size_t content_length(const char *head) {
    const char *line = strcasestr(head, "\ncontent-length:");
    return line != NULL ? (size_t)strtoull(line + 16, NULL, 10) : 0;
}

/* One whole request at the beginning of `in`. */
static bool read_request(floe_test_server *server, floe_test_request *ret_request) {
    const char *end = NULL;
    while (server->in.len == 0 || (end = strstr(server->in.ptr, "\r\n\r\n")) == NULL) {
        if (!read_more(server)) {
            return false;
        }
    }
    size_t head_len = (size_t)(end - server->in.ptr) + 4;
    char *head = strndup(server->in.ptr, head_len);
    size_t body_len = content_length(head);
    free(head);
    while (server->in.len < head_len + body_len) {
        if (!read_more(server)) {
            return false;
        }
    }
    ret_request->head = (floe_str){server->in.ptr, head_len};
    ret_request->body = (floe_str){server->in.ptr + head_len, body_len};
    return true;
}

/* ---- answering ---- */

static bool send_all(int connection, floe_str bytes) {
    while (bytes.len > 0) {
        ssize_t sent = send(connection, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes.ptr += sent;
        bytes.len -= (size_t)sent;
    }
    return true;
}

static void answer(floe_test_server *server, const floe_test_reply *reply) {
    size_t body_len = reply->action == FLOE_TEST_CUT ? server->body.len / 2 : server->body.len;
    if (reply->action == FLOE_TEST_CLOSE) {
        return;
    }
    if (reply->action == FLOE_TEST_HANG) {
        char byte;
        while (recv(server->connection, &byte, 1, 0) > 0) {
        }
        return;
    }
    floe_buf_clear(&server->out);
    floe_buf_printf(&server->out, "HTTP/1.1 %d Scripted\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                    reply->status, server->body.len, reply->headers != NULL ? reply->headers : "");
    floe_buf_append(&server->out, server->body.ptr, body_len);
    (void)send_all(server->connection, floe_buf_view(&server->out));
}

static void serve_request(floe_test_server *server) {
    floe_test_request request;
    floe_test_reply reply = {.status = 200, .body = &server->body};
    if (!read_request(server, &request)) {
        return;
    }
    size_t nth = atomic_load(&server->count);
    (void)pthread_mutex_lock(&server->lock);
    if (nth < REQUESTS_MAX) {
        server->requests[nth] =
            (remembered){strndup(request.head.ptr, request.head.len), strndup(request.body.ptr, request.body.len)};
    }
    (void)pthread_mutex_unlock(&server->lock);
    atomic_fetch_add(&server->count, 1);
    floe_buf_clear(&server->body);
    server->handler(server->context, nth, &request, &reply);
    answer(server, &reply);
}

static void set_connection(floe_test_server *server, int connection) {
    (void)pthread_mutex_lock(&server->lock);
    if (server->connection >= 0) {
        (void)close(server->connection);
    }
    server->connection = connection;
    (void)pthread_mutex_unlock(&server->lock);
}

static void *serve(void *context) {
    floe_test_server *server = context;
    while (!atomic_load(&server->stopping)) {
        int connection = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0) {
            continue;
        }
        set_connection(server, connection);
        floe_buf_clear(&server->in);
        serve_request(server);
        set_connection(server, -1);
    }
    return NULL;
}

/* ---- opening ---- */

floe_test_server *floe_test_server_open(floe_test_handler handler, void *context) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    floe_test_server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    server->handler = handler;
    server->context = context;
    server->connection = -1;
    floe_buf_init(&server->in, FLOE_MIB(64));
    floe_buf_init(&server->body, FLOE_MIB(64));
    floe_buf_init(&server->out, FLOE_MIB(65));
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 128), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(pthread_mutex_init(&server->lock, NULL), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return server;
}

void floe_test_server_close(floe_test_server **server_pointer) {
    floe_test_server *server = *server_pointer;
    atomic_store(&server->stopping, true);
    (void)pthread_mutex_lock(&server->lock);
    (void)shutdown(server->listener, SHUT_RDWR);
    if (server->connection >= 0) {
        (void)shutdown(server->connection, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&server->lock);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->listener);
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        free(server->requests[i].head);
        free(server->requests[i].body);
    }
    floe_buf_close(&server->in);
    floe_buf_close(&server->body);
    floe_buf_close(&server->out);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
    *server_pointer = NULL;
}

const char *floe_test_server_url(floe_test_server *server, const char *path) {
    char *end = strchr(server->url + 7, '/');
    size_t len = end != NULL ? (size_t)(end - server->url) : strlen(server->url);
    (void)snprintf(server->url + len, sizeof(server->url) - len, "%s", path);
    return server->url;
}

size_t floe_test_server_count(const floe_test_server *server) {
    return atomic_load(&server->count);
}

const char *floe_test_server_head(floe_test_server *server, size_t nth) {
    assert_true(nth < floe_test_server_count(server));
    (void)pthread_mutex_lock(&server->lock);
    const char *head = server->requests[nth].head;
    (void)pthread_mutex_unlock(&server->lock);
    return head;
}

const char *floe_test_server_body(floe_test_server *server, size_t nth) {
    assert_true(nth < floe_test_server_count(server));
    (void)pthread_mutex_lock(&server->lock);
    const char *body = server->requests[nth].body;
    (void)pthread_mutex_unlock(&server->lock);
    return body;
}
