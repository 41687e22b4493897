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
#define FLOE_HTTP_OPTIONS 16U

/* The headers of a request that anybody looks at, in no order that matters. */
typedef enum floe_http_header {
    FLOE_HEADER_ACCEPT,
    FLOE_HEADER_AUTHORIZATION,
    FLOE_HEADER_CONTENT_ENCODING,
    FLOE_HEADER_CONTENT_LENGTH,
    FLOE_HEADER_CONTENT_TYPE,
    FLOE_HEADER_EXPECT,
    FLOE_HEADER_HOST,
    FLOE_HEADER_MCP_METHOD,
    FLOE_HEADER_MCP_NAME,
    FLOE_HEADER_MCP_PROTOCOL_VERSION,
    FLOE_HEADER_ORIGIN,
    FLOE_HEADER_TRANSFER_ENCODING,
    FLOE_HEADER_X_API_KEY,
    FLOE_HEADER_COUNT
} floe_http_header;

/* As it is written in messages. */
const char *floe_http_header_name(floe_http_header header);

#define FLOE_HTTP_ANSWER_HEADERS_MAX 4

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
    floe_str headers
        [FLOE_HEADER_COUNT]; /* ptr NULL: not sent. Accept and Content-Encoding that came in several lines are joined */
    const char *malformed;   /* NULL, or what is wrong with the request as HTTP, as a sentence; then refuse it */
    int malformed_status;    /* with what */
    floe_buf body;
    int64_t started_us; /* monotonic */
    /* For the routes. */
    floe_arena arena;
    const void *route;
    void *owner;
    const struct floe_role *role; /* of the API key; NULL: sees everything. Lives as long as the request */
    /* The answer. */
    int status;
    const char *answer_type; /* literal; NULL: an answer without a body */
    const char *allow;       /* literal for the header Allow, or NULL */
    int retry_after_s;       /* 0: no such header */
    struct {
        const char *name;  /* literal */
        const char *value; /* literal or in the arena */
    } answer_headers[FLOE_HTTP_ANSWER_HEADERS_MAX];
    size_t answer_header_count;
    floe_buf out; /* becomes the body without being copied */
} floe_http_request;

/* One header more on the answer, of at most FLOE_HTTP_ANSWER_HEADERS_MAX; both texts as said there. */
void floe_http_answer_header(floe_http_request *request, const char *name, const char *value);

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

/* How long a client may take over its part: what a connection sends now and then keeps its place no longer than
 * this. */
typedef struct floe_http_patience {
    int64_t head_us; /* from the connection's begin, or the end of its last answer, to a complete head */
    int64_t body_us; /* from there to the end of the body */
    int64_t send_us; /* to take the whole answer */
} floe_http_patience;
/* Replaces the ordinary figures (http_mhd.c), for tests. */
void floe_http_be_patient(floe_http *http, const floe_http_patience *patience);

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

/* What is wrong with a request target as it came ("/path?query", or "*"), as a sentence, or NULL: an escape that is
 * none, an escaped NUL, a space or control character, a target that is no path (target.c). */
const char *floe_http_target_problem(floe_str target);
/* The path of a target: of one in absolute form ("http://host/path") what follows the host. */
floe_str floe_http_target_path(floe_str target);

/* Listening sockets (listen.c). */

/* Resolves the host; *ret_loopback tells whether only this machine can connect. Opens `count` non-blocking sockets that
 * share one port among them, in `ret_sockets`; *ret_port is the real one. Errors: UNAVAILABLE when the address is in
 * use or not of this machine, naming it; NOT_FOUND for a host that does not resolve; DENIED for a port of the
 * system. */
floe_status floe_listen_open(const char *host, uint16_t port, size_t count, int *ret_sockets, uint16_t *ret_port,
                             floe_error *err);
floe_status floe_listen_is_loopback(const char *host, bool *ret_loopback, floe_error *err);
/* Lets connections that are being set up in, and keeps new ones out. False where the kernel does not let this user filter:
 * nothing is done then, and a connection that comes between the last accept and the close is reset. */
bool floe_listen_shut(int listener);

#endif
