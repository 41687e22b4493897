/*
 * api: the HTTP server. One reactor thread per core: libmicrohttpd with an external epoll loop and SO_REUSEPORT, one
 * store connection per thread; a request is suspended while its read is in flight. Searches go to a small worker pool.
 * It serves what is applied in the registry and follows new versions within a second; it never reads a table.
 */
#ifndef FLOE_API_API_H
#define FLOE_API_API_H

#include "online/online.h"
#include "registry/registry.h"
#include "vector/vector.h"

typedef struct floe_server floe_server;

typedef struct floe_server_config {
    const floe_project *project;
    const char *host; /* NULL: the project's */
    int port;         /* -1: the project's; 0: any free one */
    int threads;      /* 0: one per core */
    const char *search_folder;
    int64_t drain_us; /* how long a stop waits for requests in flight; 0: 10 s */
} floe_server_config;

/* Binds and starts the threads. Errors: DENIED for a listener off loopback without `access:` (says what to write),
 * UNAVAILABLE (address in use, naming it), NOT_FOUND when nothing is applied. */
floe_status floe_server_open(const floe_server_config *config, floe_server **ret_server, floe_error *err);
/* "http://127.0.0.1:6566" */
const char *floe_server_url(const floe_server *server);
/* Whether everything is open to everyone who can connect; said at start. */
bool floe_server_is_open(const floe_server *server);
/* Stops accepting, answers what is in flight, ends the threads. No request that was accepted is lost. */
floe_status floe_server_close(floe_server **server, floe_error *err);

#endif
