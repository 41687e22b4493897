/*
 * A small HTTP/1.1 client over one real socket, for tests: it sends exactly the bytes it is given and reads one response at
 * a time. A read that takes 30 seconds fails the test.
 */
#ifndef FLOE_TESTS_SUPPORT_HTTP_H
#define FLOE_TESTS_SUPPORT_HTTP_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct floe_test_http {
    int fd;
    floe_buf in;  /* what was received */
    size_t taken; /* how much of it belongs to responses that were read */
} floe_test_http;

/* Valid until the next read or the close. */
typedef struct floe_test_response {
    int status;
    floe_str head; /* status line and headers */
    floe_str body;
    bool closes; /* "Connection: close" was said */
} floe_test_response;

/* Connects to 127.0.0.1; fails the test when nobody listens. */
void floe_test_http_open(floe_test_http *http, int port);
/* The same, but false when the connection is refused or reset. */
bool floe_test_http_try(floe_test_http *http, int port);
void floe_test_http_close(floe_test_http *http);

void floe_test_http_send(floe_test_http *http, const char *bytes, size_t len);
/* false: the connection broke before all was sent. */
bool floe_test_http_try_send(floe_test_http *http, const char *bytes, size_t len);
/* One response. false: the connection ended before its first byte; one that ends in its middle fails the test. */
bool floe_test_http_read(floe_test_http *http, floe_test_response *ret_response);
/* The same for the answer to a HEAD, which has no body whatever its Content-Length. */
bool floe_test_http_read_head(floe_test_http *http, floe_test_response *ret_response);

/* A request and its response; the method, the target and a JSON body (NULL: none). */
void floe_test_http_ask(floe_test_http *http, const char *method, const char *target, const char *json,
                        floe_test_response *ret_response);
/* The request's bytes, for those who send many at once. */
void floe_test_http_print(floe_buf *out, const char *method, const char *target, const char *json);

/* The value of a header, or an empty text. */
floe_str floe_test_http_header(const floe_test_response *response, const char *lower_name);
/* The port at the end of "http://host:port". */
int floe_test_http_port(const char *url);

#endif
