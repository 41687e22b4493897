/*
 * A reactor: one thread with its loop, its HTTP engine, its connection to the store, its definitions and its plans.
 * Only that thread touches them, but for the fields that say otherwise.
 */
#ifndef FLOE_API_REACTOR_INT_H
#define FLOE_API_REACTOR_INT_H

#include "api/auth_int.h"
#include "api/http_int.h"
#include "api/plans_int.h"
#include "api/asker_int.h"
#include "api/search_int.h"
#include "api/stats_int.h"
#include "core/pool.h"

#include <pthread.h>
#include <stdatomic.h>

/* What all reactors share. Immutable while they run, but for what is atomic. */
typedef struct floe_shared {
    const floe_project *project;
    const char *host; /* that is listened on */
    bool is_loopback; /* only this machine can connect there */
    floe_pool *pool;
    floe_searchers *searchers;
    floe_asker *asker;
    floe_stats stats;
    atomic_bool registry_ok; /* the last look at the registry succeeded */
    int64_t drain_us;
} floe_shared;

typedef struct floe_reactor {
    floe_shared *shared;
    floe_loop *loop;
    floe_http *http;
    floe_online *online; /* NULL once it is closed, when the thread ends */
    floe_snapshot *snapshot;
    floe_keyring *keyring;             /* NULL: the project has no roles */
    _Atomic(floe_snapshot *) incoming; /* put there by any thread, taken by this one */
    _Atomic(floe_keyring *) incoming_keys;
    floe_plans plans;
    floe_timer *drain_timer;
    int64_t drain_deadline_us; /* monotonic; 0: not draining */
    int64_t drain_begin_us;
    size_t jobs; /* requests that a worker is at */
    pthread_t thread;
    bool running;
} floe_reactor;

/* Owns: the listener from success on; its own hold on the snapshot. */
floe_status floe_reactor_open(floe_shared *shared, int listener, unsigned connection_max, floe_snapshot *snapshot,
                              floe_reactor **ret_reactor, floe_error *err);
/* Starts the thread; signals are left to the caller's thread. */
floe_status floe_reactor_start(floe_reactor *reactor, floe_error *err);
/* Thread: any. New definitions, from the next request on. */
void floe_reactor_publish(floe_reactor *reactor, floe_snapshot *snapshot);
/* The same of keys. */
void floe_reactor_publish_keys(floe_reactor *reactor, floe_keyring *keyring);
/* Thread: any, once. Stop accepting, answer what is there, end. */
void floe_reactor_stop(floe_reactor *reactor);
/* Waits for the thread, when it was started, and frees everything. */
void floe_reactor_join(floe_reactor *reactor);
void floe_reactor_close(floe_reactor **reactor);

/* The routes. */
void floe_routes_begin(void *context, floe_http_request *request);
void floe_routes_handle(void *context, floe_http_request *request);
void floe_routes_end(void *context, floe_http_request *request, bool answered);

/* The route at a place of the table: its path, and the methods it answers to as in the header Allow. False past the
 * last. */
bool floe_routes_get(size_t at, const char **ret_path, const char **ret_allow);

/* One route each: answers the request, now or later. */
void floe_route_lookup(floe_reactor *reactor, floe_http_request *request);
void floe_route_search(floe_reactor *reactor, floe_http_request *request);
void floe_route_context(floe_reactor *reactor, floe_http_request *request);
void floe_route_ask(floe_reactor *reactor, floe_http_request *request);
void floe_route_mcp(floe_reactor *reactor, floe_http_request *request);

#endif
