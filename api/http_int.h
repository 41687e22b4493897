/*
 * HTTP as the routes see it: a request that is complete, an answer to fill, and nothing of the library below. One
 * floe_http serves one listening socket on one thread's loop; http_mhd.c is the only file that knows how.
 *
 * Way of a request: headers → hooks.begin (may answer at once; what else the client sends is then read and thrown away,
 * so that it gets to read the answer) → body gathered up to its limit → hooks.handle → answered there or later, by
 * floe_http_answer on the same thread → hooks.end when the last byte is sent or the client is gone. A request that is
 * not answered when hooks.handle returns is suspended and costs nothing until it is answered.
 * Memory: a request brings an arena and two buffers that are used again by later requests, so a warmed-up server takes
 * nothing from the heap for them.
 */
#ifndef FLOE_API_HTTP_INT_H
#define FLOE_API_HTTP_INT_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/loop.h"

#include <stdint.h>

#define FLOE_HTTP_GET 1U
#define FLOE_HTTP_HEAD 2U
#define FLOE_HTTP_POST 4U
#define FLOE_HTTP_OTHER 8U

typedef struct floe_http_param {
    floe_str name; /* decoded */
    floe_str value;
} floe_http_param;

typedef struct floe_http_request {
    /* What came; borrowed until hooks.end. */
    unsigned method; /* one of FLOE_HTTP_* */
    floe_str path;   /* decoded, without the query */
    const floe_http_param *params;
    size_t param_count;
    floe_str content_type; /* empty: none was sent */
    floe_str accept;
    floe_buf body;
    int64_t started_us; /* monotonic */
    /* For the routes. */
    floe_arena arena;
    const void *route;
    void *owner;
    /* The answer. */
    int status;
    const char *answer_type; /* literal */
    const char *allow;       /* literal for the header Allow, or NULL */
    int retry_after_s;       /* 0: no such header */
    floe_buf out;            /* becomes the body without being copied */
} floe_http_request;

typedef struct floe_http_hooks {
    void (*begin)(void *context, floe_http_request *request);
    void (*handle)(void *context, floe_http_request *request);
    /* After the answer, or without one when the client left or the thread ends. */
    void (*end)(void *context, floe_http_request *request, bool answered);
    void *context;
} floe_http_hooks;

typedef struct floe_http floe_http;

/* Serves connections of `listener`, a listening socket, on the loop. Owns: the socket, from success on. */
floe_status floe_http_open(floe_loop *loop, int listener, unsigned connection_max, const floe_http_hooks *hooks,
                           floe_http **ret_http, floe_error *err);
/* Every request must have been answered. Connections are closed as they are. */
void floe_http_close(floe_http **http);

/* Runs whatever is ready; called once per turn of the loop and again while there is more to do. */
void floe_http_run(floe_http *http);

/* The answer in the request is complete; exactly once per request. */
void floe_http_answer(floe_http_request *request);

/* From now on every answer ends its connection. */
void floe_http_drain(floe_http *http);
/* Accepts what the kernel has queued already and then stops accepting: false while there may be more. */
bool floe_http_stop_accepting(floe_http *http);
unsigned floe_http_connections(const floe_http *http);
/* Requests between hooks.begin and hooks.end. */
size_t floe_http_in_flight(const floe_http *http);
/* Monotonic time of the last request's begin or end; 0: none yet. */
int64_t floe_http_last_us(const floe_http *http);

/* Listening sockets (listen.c). */

/* Resolves the host; *ret_loopback tells whether only this machine can connect. Opens `count` non-blocking sockets that
 * share one port among them, in `ret_sockets`; *ret_port is the real one. Errors: UNAVAILABLE when the address is in use
 * or not of this machine, naming it; NOT_FOUND for a host that does not resolve; DENIED for a port of the system. */
floe_status floe_listen_open(const char *host, uint16_t port, size_t count, int *ret_sockets, uint16_t *ret_port,
                             floe_error *err);
floe_status floe_listen_is_loopback(const char *host, bool *ret_loopback, floe_error *err);
/* Lets connections that are being set up in, and keeps new ones out. Where the kernel will not, does nothing. */
void floe_listen_shut(int listener);

#endif
