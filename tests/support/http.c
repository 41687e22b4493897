/* See http.h. */
#include "tests/support/http.h"

#include "core/limits.h"
#include "tests/support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_TIMEOUT_S 30
#define READ_LEN 65536

bool floe_test_http_try(floe_test_http *http, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval timeout = {.tv_sec = READ_TIMEOUT_S};
    int one = 1;
    *http = (floe_test_http){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(http->fd >= 0);
    floe_buf_init(&http->in, FLOE_MIB(256));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(http->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
    assert_int_equal(setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
    if (connect(http->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        floe_test_http_close(http);
        return false;
    }
    return true;
}

void floe_test_http_open(floe_test_http *http, int port) {
    assert_true(floe_test_http_try(http, port));
}

void floe_test_http_close(floe_test_http *http) {
    if (http->fd >= 0) {
        (void)close(http->fd);
    }
    http->fd = -1;
    floe_buf_close(&http->in);
}

bool floe_test_http_try_send(floe_test_http *http, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t sent = send(http->fd, bytes, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

void floe_test_http_send(floe_test_http *http, const char *bytes, size_t len) {
    assert_true(floe_test_http_try_send(http, bytes, len));
}

/* Reads more; false at the end of the connection. */
static bool receive(floe_test_http *http) {
    char *room = floe_buf_reserve(&http->in, READ_LEN);
    assert_non_null(room);
    ssize_t got = recv(http->fd, room, READ_LEN, 0);
    if (got < 0) {
        assert_int_equal(errno, ECONNRESET); /* anything else is no end: a timeout, for instance */
        return false;
    }
    floe_buf_advance(&http->in, (size_t)got);
    return got > 0;
}

static floe_str unread(const floe_test_http *http) {
    return (floe_str){http->in.ptr + http->taken, http->in.len - http->taken};
}

/* The length of the head with its empty line; 0: not all there. */
static size_t head_len(floe_str text) {
    const char *end = text.len == 0 ? NULL : memmem(text.ptr, text.len, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - text.ptr) + 4;
}

floe_str floe_test_http_header(const floe_test_response *response, const char *lower_name) {
    floe_str rest = response->head;
    floe_str line = {NULL, 0};
    while (floe_str_split(&rest, '\n', &line)) {
        floe_str name = {NULL, 0};
        floe_str value = line;
        if (floe_str_split(&value, ':', &name) && floe_str_is_nocase(name, lower_name)) {
            return floe_str_trim(value);
        }
    }
    return (floe_str){"", 0};
}

static size_t body_len_of(const floe_test_response *response) {
    floe_str text = floe_test_http_header(response, "content-length");
    int64_t len = 0;
    assert_true(text.len > 0); /* floe always knows the length */
    assert_ok(floe_str_to_i64(text, &len, NULL), NULL);
    return (size_t)len;
}

/* Where the buffer moved to while it grew. */
static void view_response(floe_test_http *http, size_t head, size_t body, floe_test_response *response) {
    response->head = (floe_str){unread(http).ptr, head};
    response->body = (floe_str){unread(http).ptr + head, body};
}

static bool read_response(floe_test_http *http, bool has_body, floe_test_response *ret_response) {
    if (http->taken == http->in.len) {
        floe_buf_clear(&http->in);
        http->taken = 0;
    }
    size_t head = 0;
    while ((head = head_len(unread(http))) == 0) {
        if (!receive(http)) {
            assert_int_equal(unread(http).len, 0);
            return false;
        }
    }
    floe_test_response response = {0};
    view_response(http, head, 0, &response);
    assert_true(floe_str_starts_with(response.head, FLOE_STR("HTTP/1.1 ")));
    response.status = atoi(response.head.ptr + strlen("HTTP/1.1 "));
    size_t body = has_body && response.status != 100 ? body_len_of(&response) : 0;
    while (unread(http).len < head + body) {
        assert_true(receive(http));
    }
    view_response(http, head, body, &response);
    response.closes = floe_str_is_nocase(floe_test_http_header(&response, "connection"), "close");
    http->taken += head + body;
    *ret_response = response;
    return true;
}

bool floe_test_http_read(floe_test_http *http, floe_test_response *ret_response) {
    return read_response(http, true, ret_response);
}

bool floe_test_http_read_head(floe_test_http *http, floe_test_response *ret_response) {
    return read_response(http, false, ret_response);
}

void floe_test_http_print(floe_buf *out, const char *method, const char *target, const char *json) {
    floe_buf_printf(out, "%s %s HTTP/1.1\r\nHost: floe\r\n", method, target);
    if (json != NULL) {
        floe_buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(json));
    }
    floe_buf_printf(out, "\r\n");
    floe_buf_text(out, json == NULL ? "" : json);
    assert_false(out->failed);
}

void floe_test_http_ask(floe_test_http *http, const char *method, const char *target, const char *json,
                        floe_test_response *ret_response) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    floe_test_http_print(&out, method, target, json);
    floe_test_http_send(http, out.ptr, out.len);
    assert_true(read_response(http, strcmp(method, "HEAD") != 0, ret_response));
}

int floe_test_http_port(const char *url) {
    const char *colon = strrchr(url, ':');
    assert_non_null(colon);
    return atoi(colon + 1);
}
