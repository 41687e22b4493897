/*
 * A scripted HTTP/1.1 server on 127.0.0.1 for tests of clients: a thread that answers each request as the test's handler
 * says, and remembers what it was asked. It closes each connection after its answer, so that many clients may take turns.
 */
#ifndef FLOE_TESTS_SUPPORT_HTTP_SERVER_H
#define FLOE_TESTS_SUPPORT_HTTP_SERVER_H

#include "core/buf.h"

#include <stddef.h>

typedef enum floe_test_action {
    FLOE_TEST_ANSWER,
    FLOE_TEST_CLOSE, /* closes the connection without a byte */
    FLOE_TEST_CUT,   /* sends the head and half of the body, then closes */
    FLOE_TEST_HANG   /* says nothing until the client gives up */
} floe_test_action;

typedef struct floe_test_reply {
    floe_test_action action;
    int status;          /* 200 unless set */
    const char *headers; /* further lines, each with its \r\n; NULL: none */
    floe_buf *body;      /* empty at first */
} floe_test_reply;

typedef struct floe_test_request {
    floe_str head; /* request line and headers */
    floe_str body;
} floe_test_request;

/* Called on the server's thread, one request after the other: it must not assert. `nth` counts from 0. */
typedef void (*floe_test_handler)(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply);

typedef struct floe_test_server floe_test_server;
floe_test_server *floe_test_server_open(floe_test_handler handler, void *context);
/* Waits for the thread, so that what the handler wrote may be read afterwards. */
void floe_test_server_close(floe_test_server **server);

/* "http://127.0.0.1:PORT" and the path; lives as long as the server. */
const char *floe_test_server_url(floe_test_server *server, const char *path);
/* How many requests were read so far. Thread: any. */
size_t floe_test_server_count(const floe_test_server *server);
/* A copy of the nth request, head and body, NUL-terminated; lives as long as the server. Of requests that were answered. */
const char *floe_test_server_head(floe_test_server *server, size_t nth);
const char *floe_test_server_body(floe_test_server *server, size_t nth);

#endif
