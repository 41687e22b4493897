/*
 * api: the HTTP server.
 *
 * One reactor thread per core, each with its own event loop, HTTP engine, listening socket (SO_REUSEPORT) and
 * asynchronous connection to the store; a request is suspended while its read is in flight. Searches go to a small
 * worker pool. The server serves what is applied in the registry and follows new versions within about a second; it
 * never reads a table.
 *
 * Routes: POST /v1/lookup, GET and POST /v1/search, POST /mcp, GET /livez /readyz /metrics /openapi.json; the last
 * describes them all. Everything else is refused as application/problem+json: what a later version will serve with
 * UNSUPPORTED, the rest as not found. The Model Context Protocol is also served to one client on a pipe (floe_mcp).
 * Access: with roles in the project every route but /livez and /readyz needs an API key, and /metrics where other
 * machines can connect; what the key's role does not see is answered as if it did not exist. Keys are followed as
 * definitions are, within a second; roles are those of floe.yaml when the server started.
 * Way through the code: server.c opens reactors (reactor.c) → http_mhd.c gives them complete requests → routes.c → one
 * of route_*.c → the answer. Threads and locks: docs/THREADS.md.
 */
#ifndef FLOE_API_API_H
#define FLOE_API_API_H

#include "online/online.h"
#include "registry/registry.h"
#include "vector/vector.h"

typedef struct floe_server floe_server;

typedef struct floe_server_config {
    const floe_project *project; /* must live as long as the server */
    const char *host;            /* NULL: the project's */
    int port;                    /* -1: the project's; 0: any free one */
    int threads;                 /* 1…256; 0: one per core */
    const char *search_folder;   /* of the index; need not exist: then searches are told to run `floe index` */
    int64_t drain_us;            /* how long a stop waits for requests in flight; 0: 10 s */
    const floe_sql_check *check; /* of the SQL of /v1/ask; must live as long. NULL: that route is refused */
} floe_server_config;

/* Binds and starts the threads. A store that does not answer is no failure: lookups are then UNAVAILABLE until it does.
 * Errors: DENIED for a listener off loopback without `access:` (says what to write); UNAVAILABLE for an address that
 * is in use or not of this machine, naming it; NOT_FOUND when nothing is applied or the host does not resolve;
 * INVALID. */
floe_status floe_server_open(const floe_server_config *config, floe_server **ret_server, floe_error *err);

/* "http://127.0.0.1:6566", with the real port. Thread: any. */
const char *floe_server_url(const floe_server *server);

/* Whether everything is open to everyone who can connect, because the project has no roles; said at start. */
bool floe_server_is_open(const floe_server *server);

/* Stops accepting, answers what is in flight, ends the threads. Rule: a request on an accepted connection is answered,
 * and its connection then ends with `Connection: close`; a connection without any request is closed when nothing came
 * for a second; after drain_us what is still in flight is answered CANCELLED. NULL-safe. Thread: the one that opened
 * it. */
floe_status floe_server_close(floe_server **server, floe_error *err);

/* ---- the Model Context Protocol on a pipe ---- */

typedef struct floe_mcp floe_mcp;

typedef struct floe_mcp_config {
    const floe_project *project; /* must live as long, and so must all the rest */
    const char *search_folder;   /* of the index; need not exist */
    const floe_role *role;       /* NULL: sees everything */
} floe_mcp_config;

/* Opens nothing but memory: what is missing is said by the tool that needs it. Thread: one at a time. */
floe_status floe_mcp_open(const floe_mcp_config *config, floe_mcp **ret_mcp, floe_error *err);
void floe_mcp_close(floe_mcp **mcp);

/* One message, without its newline; its answer, one line without its newline, is appended to `out`, or nothing when
 * none is due. Errors: those of the buffer; what is wrong with the message, or with a tool, is an answer. */
floe_status floe_mcp_handle(floe_mcp *mcp, floe_str message, floe_buf *out, floe_error *err);
/* The answer to a message that is longer than FLOE_LIMIT_HTTP_BODY_BYTES and was not read. */
void floe_mcp_refuse(floe_buf *out);

#endif
