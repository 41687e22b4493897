/*
 * See reactor_int.h. A turn of the loop: store answers and new definitions come in → floe_http_run takes requests in
 * and sends answers → the store connection writes what those requests ask, all in one write (it registers for the
 * turn's end after us).
 *
 * The end of a thread: serving → (floe_reactor_stop) draining: nothing new is accepted, every answer ends its
 * connection; over when no connection is left, or when all is quiet, or at the deadline → the store connection is
 * closed, which answers what is still in flight with CANCELLED → connections are closed.
 */
#include "api/reactor_int.h"

#include "core/log.h"
#include "core/mem.h"
#include "core/time.h"

#include <signal.h>

#define DRAIN_TICK_US 2000
/* A client that holds its connection open and sends now and then gets this long to send once more and be told. */
#define QUIET_US (1000 * 1000)

/* ---- definitions and keys ---- */

static void take_keys(floe_reactor *reactor) {
    floe_keyring *incoming = atomic_exchange(&reactor->incoming_keys, NULL);
    if (incoming != NULL) {
        floe_keyring_release(&reactor->keyring);
        reactor->keyring = incoming;
    }
}

static void take_incoming(void *context) {
    floe_reactor *reactor = context;
    take_keys(reactor);
    floe_snapshot *incoming = atomic_exchange(&reactor->incoming, NULL);
    if (incoming == NULL) {
        return;
    }
    floe_plans_clear(&reactor->plans);
    floe_snapshot_release(&reactor->snapshot);
    reactor->snapshot = incoming;
}

void floe_reactor_publish(floe_reactor *reactor, floe_snapshot *snapshot) {
    floe_snapshot *overtaken = atomic_exchange(&reactor->incoming, floe_snapshot_hold(snapshot));
    floe_snapshot_release(&overtaken);
    /* Without memory for a message, the next turn with one brings it. */
    FLOE_IGNORE(floe_loop_post(reactor->loop, take_incoming, reactor, NULL));
}

void floe_reactor_publish_keys(floe_reactor *reactor, floe_keyring *keyring) {
    floe_keyring *overtaken = atomic_exchange(&reactor->incoming_keys, floe_keyring_hold(keyring));
    floe_keyring_release(&overtaken);
    FLOE_IGNORE(floe_loop_post(reactor->loop, take_incoming, reactor, NULL));
}

/* ---- draining ---- */

static bool is_drained(const floe_reactor *reactor, bool accepted_all, int64_t now_us) {
    if (now_us >= reactor->drain_deadline_us) {
        return true;
    }
    if (!accepted_all || reactor->jobs > 0 || floe_http_in_flight(reactor->http) > 0) {
        return false;
    }
    int64_t last_us = floe_http_last_us(reactor->http);
    last_us = last_us < reactor->drain_begin_us ? reactor->drain_begin_us : last_us;
    return floe_http_connections(reactor->http) == 0 || now_us - last_us >= QUIET_US;
}

static void on_drain(void *context) {
    floe_reactor *reactor = context;
    bool accepted_all = floe_http_stop_accepting(reactor->http);
    if (is_drained(reactor, accepted_all, floe_monotonic_us())) {
        floe_loop_stop(reactor->loop);
        return;
    }
    floe_timer_set(reactor->drain_timer, DRAIN_TICK_US);
}

static void begin_drain(floe_reactor *reactor) {
    reactor->drain_begin_us = floe_monotonic_us();
    reactor->drain_deadline_us = reactor->drain_begin_us + reactor->shared->drain_us;
    floe_http_drain(reactor->http);
    floe_timer_set(reactor->drain_timer, 0);
}

/* ---- the thread ---- */

static void on_turn(void *context) {
    floe_reactor *reactor = context;
    floe_http_run(reactor->http);
}

static void run_loop(floe_reactor *reactor) {
    floe_error err = {0};
    if (floe_failed(floe_loop_run(reactor->loop, &err))) {
        floe_log_error("a reactor's loop failed", &err);
    }
}

/* Answers whatever is left, so that no connection is suspended when the engine stops. */
static void finish(floe_reactor *reactor) {
    floe_online_close(&reactor->online);
    while (reactor->jobs > 0) {
        FLOE_IGNORE(floe_loop_turn(reactor->loop, DRAIN_TICK_US, NULL));
    }
    floe_http_run(reactor->http);
    floe_http_close(&reactor->http);
}

static void *run_thread(void *context) {
    floe_reactor *reactor = context;
    run_loop(reactor);
    begin_drain(reactor);
    run_loop(reactor);
    finish(reactor);
    return NULL;
}

floe_status floe_reactor_start(floe_reactor *reactor, floe_error *err) {
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&reactor->thread, NULL, run_thread, reactor);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    FLOE_ENSURE(failure == 0, err, FLOE_UNAVAILABLE, "a server thread does not start: %s", strerror(failure));
    reactor->running = true;
    return FLOE_OK;
}

void floe_reactor_stop(floe_reactor *reactor) {
    floe_loop_stop(reactor->loop);
}

void floe_reactor_join(floe_reactor *reactor) {
    if (reactor->running) {
        (void)pthread_join(reactor->thread, NULL);
        reactor->running = false;
    }
}

/* ---- open and close ---- */

static floe_status open_parts(floe_reactor *reactor, int listener, unsigned connection_max, floe_error *err) {
    const floe_project *project = reactor->shared->project;
    floe_http_hooks hooks = {floe_routes_begin, floe_routes_handle, floe_routes_end, reactor};
    FLOE_TRY(floe_loop_open(&reactor->loop, err));
    FLOE_TRY(floe_timer_open(reactor->loop, on_drain, reactor, &reactor->drain_timer, err));
    FLOE_TRY(floe_loop_on_turn(reactor->loop, on_turn, reactor, err));
    FLOE_TRY(floe_online_open(&project->online, project->name, reactor->loop, &reactor->online, err));
    return floe_http_open(reactor->loop, listener, connection_max, &hooks, &reactor->http, err);
}

floe_status floe_reactor_open(floe_shared *shared, int listener, unsigned connection_max, floe_snapshot *snapshot,
                              floe_reactor **ret_reactor, floe_error *err) {
    floe_reactor *reactor = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*reactor), &reactor, err));
    reactor->shared = shared;
    reactor->snapshot = floe_snapshot_hold(snapshot);
    atomic_init(&reactor->incoming, NULL);
    atomic_init(&reactor->incoming_keys, NULL);
    floe_status status = open_parts(reactor, listener, connection_max, err);
    if (floe_failed(status)) {
        floe_reactor_close(&reactor);
        return status;
    }
    *ret_reactor = reactor;
    return FLOE_OK;
}

void floe_reactor_close(floe_reactor **reactor_pointer) {
    floe_reactor *reactor = *reactor_pointer;
    *reactor_pointer = NULL;
    if (reactor == NULL) {
        return;
    }
    floe_reactor_join(reactor);
    floe_online_close(&reactor->online);
    floe_http_close(&reactor->http);
    floe_timer_close(&reactor->drain_timer);
    floe_loop_close(&reactor->loop);
    floe_plans_clear(&reactor->plans);
    floe_snapshot *incoming = atomic_exchange(&reactor->incoming, NULL);
    floe_snapshot_release(&incoming);
    floe_snapshot_release(&reactor->snapshot);
    floe_keyring *incoming_keys = atomic_exchange(&reactor->incoming_keys, NULL);
    floe_keyring_release(&incoming_keys);
    floe_keyring_release(&reactor->keyring);
    floe_free(reactor);
}
