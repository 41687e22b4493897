/*
 * The asynchronous side: what a reactor thread asks. A lookup waits, if it must, until the state of each of its views
 * is known and at most FLOE_STATE_FRESH_US old; then all its gets go out; the last answer ends it.
 *
 * A timer reads the states again before they are too old, as long as lookups come in, so that a lookup rarely waits. A
 * lookup that had to wait goes on with the answers it waited for, however long they took: a sync leaves a generation
 * readable for ten times as long.
 * Invariants: a lookup is in `flying` from start to end; `issuing` is set while requests go out, and a lookup whose
 * answers all came meanwhile is ended afterwards, never inside a store's callback. Thread: the loop's.
 */
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/lookup_int.h"

#define REFRESH_US (FLOE_STATE_FRESH_US / 2)

/* One view as this thread knows it. */
typedef struct watched_view {
    struct watched_view *next;
    floe_online *online;
    floe_str name;
    floe_generation *generation; /* NULL: not read yet */
    int64_t read_us;             /* monotonic */
    int64_t asked_us;            /* of the reading under way; 0: none */
    int64_t used_us;             /* when a lookup last wanted it */
    floe_status status;          /* of the last reading */
    floe_error error;
} watched_view;

typedef struct flight flight;

/* One get under way. */
typedef struct flight_get {
    flight *owner;
    size_t index;
} flight_get;

struct flight {
    flight *next;
    flight *previous;
    floe_online *online;
    floe_lookup *lookup;
    floe_lookup_run *run;
    watched_view **views; /* one per view of the plan */
    flight_get *gets;
    size_t outstanding;
    bool waiting; /* for states */
    bool issuing;
    floe_status status;
    floe_error error;
};

struct floe_online {
    floe_async store;
    floe_loop *loop;
    floe_timer *refresh;
    bool refresh_set;
    bool closing;
    floe_arena arena; /* watched views */
    floe_map by_name;
    watched_view *views;
    flight *flying;
    size_t waiting_count;
    floe_buf scratch;
    floe_buf key;
};

/* ---- ends ---- */

static void unlink_flight(flight *ended) {
    *(ended->previous != NULL ? &ended->previous->next : &ended->online->flying) = ended->next;
    if (ended->next != NULL) {
        ended->next->previous = ended->previous;
    }
}

static void end_flight(flight *ended) {
    floe_lookup *lookup = ended->lookup;
    unlink_flight(ended);
    if (ended->waiting) {
        ended->online->waiting_count--;
    }
    floe_lookup_finish(ended->run, ended->status, &ended->error);
    lookup->done(lookup);
}

static void note_failure(flight *failed, floe_status status, const floe_error *err) {
    if (floe_failed(status) && !floe_failed(failed->status)) {
        failed->status = status;
        failed->error = *err;
    }
}

/* ---- reads ---- */

static void got_row(void *context, floe_status status, const floe_str *values, const floe_error *err) {
    flight_get *get = context;
    flight *owner = get->owner;
    floe_error taken;
    floe_error_clear(&taken);
    note_failure(owner, status, err);
    if (!floe_failed(status) && !floe_failed(owner->status)) {
        note_failure(owner, floe_lookup_take(owner->run, get->index, values, &taken), &taken);
    }
    owner->outstanding--;
    if (owner->outstanding == 0 && !owner->issuing) {
        end_flight(owner);
    }
}

static floe_status prepare_reads(flight *ready, floe_error *err) {
    for (size_t v = 0; v < ready->lookup->plan->view_count; v++) {
        FLOE_TRY(floe_lookup_bind(ready->run, v, ready->views[v]->generation, err));
    }
    FLOE_TRY(floe_lookup_gets(ready->run, err));
    ready->gets = floe_arena_alloc(ready->lookup->arena, ready->run->get_count, sizeof(*ready->gets));
    return floe_arena_check(ready->lookup->arena, err);
}

static void start_reads(flight *ready) {
    floe_error err;
    floe_error_clear(&err);
    floe_async *store = &ready->online->store;
    floe_status status = prepare_reads(ready, &err);
    note_failure(ready, status, &err);
    ready->issuing = true;
    for (size_t i = 0; !floe_failed(status) && i < ready->run->get_count; i++) {
        ready->gets[i] = (flight_get){ready, i};
        ready->outstanding++;
        store->vtable->read(store->impl, &ready->run->gets[i], got_row, &ready->gets[i]);
    }
    ready->issuing = false;
    if (ready->outstanding == 0) {
        end_flight(ready);
    }
}

/* ---- states ---- */

static bool is_fresh(const watched_view *view, int64_t now_us) {
    return view->generation != NULL && now_us - view->read_us < FLOE_STATE_FRESH_US;
}

static bool all_fresh(const flight *waiting, int64_t now_us) {
    for (size_t v = 0; v < waiting->lookup->plan->view_count; v++) {
        if (!is_fresh(waiting->views[v], now_us)) {
            return false;
        }
    }
    return true;
}

static bool wants(const flight *waiting, const watched_view *view) {
    for (size_t v = 0; v < waiting->lookup->plan->view_count; v++) {
        if (waiting->views[v] == view) {
            return true;
        }
    }
    return false;
}

/* Whether a lookup that had to wait has what it waited for. */
static bool all_read(const flight *waiting) {
    for (size_t v = 0; v < waiting->lookup->plan->view_count; v++) {
        if (waiting->views[v]->generation == NULL || waiting->views[v]->asked_us != 0) {
            return false;
        }
    }
    return true;
}

/* The first lookup that an answer about `view` lets go on. */
static flight *find_movable(floe_online *online, const watched_view *view) {
    for (flight *waiting = online->flying; waiting != NULL; waiting = waiting->next) {
        if (waiting->waiting && wants(waiting, view) && (floe_failed(view->status) || all_read(waiting))) {
            return waiting;
        }
    }
    return NULL;
}

/* Ending a lookup calls its owner, who may start others or change the list: it is walked from the start each time. */
static void move_waiting(floe_online *online, const watched_view *view) {
    flight *movable = NULL;
    while (online->waiting_count > 0 && (movable = find_movable(online, view)) != NULL) {
        movable->waiting = false;
        online->waiting_count--;
        note_failure(movable, view->status, &view->error);
        if (floe_failed(movable->status)) {
            end_flight(movable);
        } else {
            start_reads(movable);
        }
    }
}

static floe_status take_state(watched_view *view, floe_str state, floe_error *err) {
    if (view->generation == NULL || !floe_str_equal(view->generation->bytes, state)) {
        floe_generation *read = NULL;
        FLOE_TRY(
            floe_error_prefix(err, floe_generation_open(state, &read, err), "view %.*s", FLOE_STR_BRIEF(view->name)));
        floe_generation_release(&view->generation);
        view->generation = read;
    }
    view->read_us = floe_monotonic_us();
    return FLOE_OK;
}

static void got_state(void *context, floe_status status, floe_str state, const floe_error *err) {
    watched_view *view = context;
    view->asked_us = 0;
    floe_error_clear(&view->error);
    if (floe_failed(status)) {
        view->status = status;
        view->error = *err;
    } else {
        view->status = take_state(view, state, &view->error);
    }
    move_waiting(view->online, view);
}

static void ask_state(watched_view *view) {
    if (view->asked_us == 0) {
        floe_async *store = &view->online->store;
        view->asked_us = floe_monotonic_us();
        store->vtable->state_get(store->impl, view->name, got_state, view);
    }
}

static void set_refresh(floe_online *online) {
    if (!online->refresh_set && !online->closing) {
        online->refresh_set = true;
        floe_timer_set(online->refresh, REFRESH_US);
    }
}

/* Views that nobody asked for since the last time are left alone. */
static void refresh_states(void *context) {
    floe_online *online = context;
    int64_t now_us = floe_monotonic_us();
    bool used = false;
    online->refresh_set = false;
    for (watched_view *view = online->views; view != NULL; view = view->next) {
        if (now_us - view->used_us < 2 * FLOE_STATE_FRESH_US) {
            used = true;
            ask_state(view);
        }
    }
    if (used) {
        set_refresh(online);
    }
}

static floe_status watch_view(floe_online *online, floe_str name, watched_view **ret_view, floe_error *err) {
    watched_view *view = floe_map_get(&online->by_name, name);
    if (view == NULL) {
        view = floe_arena_alloc(&online->arena, 1, sizeof(*view));
        floe_str copy = floe_arena_str(&online->arena, name);
        FLOE_TRY(floe_arena_check(&online->arena, err));
        *view = (watched_view){.next = online->views, .online = online, .name = copy};
        floe_map_put(&online->by_name, copy, view);
        FLOE_TRY(floe_arena_check(&online->arena, err));
        online->views = view;
    }
    *ret_view = view;
    return FLOE_OK;
}

size_t floe_online_behind(floe_online *online, const floe_view *views, size_t view_count) {
    size_t behind = 0;
    int64_t now_us = floe_monotonic_us();
    for (size_t i = 0; i < view_count; i++) {
        watched_view *view = NULL;
        floe_error err;
        floe_error_clear(&err);
        if (!views[i].online || floe_failed(watch_view(online, views[i].about.name, &view, &err))) {
            continue;
        }
        if (!is_fresh(view, now_us)) {
            ask_state(view);
        }
        const floe_stored_generation *live = view->generation == NULL ? NULL : &view->generation->state.live;
        behind += live != NULL && live->id != 0 && live->fingerprint != views[i].fingerprint ? 1 : 0;
    }
    return behind;
}

/* ---- lookups ---- */

static floe_status begin_flight(floe_online *online, floe_lookup *lookup, flight **ret_flight, floe_error *err) {
    floe_lookup_run *run = NULL;
    FLOE_TRY(floe_lookup_begin(lookup, &online->scratch, &online->key, &run, err));
    flight *begun = floe_arena_alloc(lookup->arena, 1, sizeof(*begun));
    watched_view **views = floe_arena_alloc(lookup->arena, lookup->plan->view_count, sizeof(watched_view *));
    FLOE_TRY(floe_arena_check(lookup->arena, err));
    *begun = (flight){.online = online, .lookup = lookup, .run = run, .views = views, .next = online->flying};
    int64_t now_us = floe_monotonic_us();
    for (size_t v = 0; v < lookup->plan->view_count; v++) {
        FLOE_TRY(watch_view(online, run->views[v].plan->view->about.name, &views[v], err));
        views[v]->used_us = now_us;
    }
    if (online->flying != NULL) {
        online->flying->previous = begun;
    }
    online->flying = begun;
    *ret_flight = begun;
    return FLOE_OK;
}

/* Asks for the states that are missing or too old. The lookup is not waiting yet, so answers that come at once leave it
 * alone. A view that is stale and not asked for afterwards has failed. */
static void ask_states(flight *begun) {
    size_t view_count = begun->lookup->plan->view_count;
    int64_t now_us = floe_monotonic_us();
    for (size_t v = 0; v < view_count; v++) {
        if (!is_fresh(begun->views[v], now_us)) {
            ask_state(begun->views[v]);
        }
    }
    for (size_t v = 0; v < view_count; v++) {
        const watched_view *view = begun->views[v];
        if (view->asked_us == 0 && !is_fresh(view, now_us)) {
            note_failure(begun, view->status, &view->error);
        }
    }
}

static void start_flight(flight *begun) {
    if (!all_fresh(begun, floe_monotonic_us())) {
        ask_states(begun);
    }
    if (floe_failed(begun->status)) {
        end_flight(begun);
    } else if (all_fresh(begun, floe_monotonic_us())) {
        start_reads(begun);
    } else {
        begun->waiting = true;
        begun->online->waiting_count++;
    }
}

void floe_online_lookup(floe_online *online, floe_lookup *lookup) {
    flight *begun = NULL;
    floe_error_clear(&lookup->error);
    lookup->status = online->closing
                         ? FLOE_FAIL(&lookup->error, FLOE_CANCELLED, "the connection to the online store was closed")
                         : begin_flight(online, lookup, &begun, &lookup->error);
    if (floe_failed(lookup->status)) {
        lookup->done(lookup);
        return;
    }
    set_refresh(online);
    start_flight(begun);
}

bool floe_online_ready(const floe_online *online) {
    return online->store.vtable->ready(online->store.impl);
}

/* ---- open and close ---- */

static floe_status open_async(const floe_online_def *store, floe_str project, floe_online *online, floe_error *err) {
    FLOE_TRY(floe_timer_open(online->loop, refresh_states, online, &online->refresh, err));
    if (store->kind == FLOE_STORE_REDIS) {
        return floe_redis_async_open(store->url, project, online->loop, &online->store, err);
    }
    return floe_lmdb_async_open(store->path, project, &online->store, err);
}

floe_status floe_online_open(const floe_online_def *store, floe_str project, floe_loop *loop, floe_online **ret_online,
                             floe_error *err) {
    floe_online *online = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*online), &online, err));
    online->loop = loop;
    floe_arena_init(&online->arena, FLOE_MIB(64));
    floe_map_init(&online->by_name, &online->arena);
    floe_buf_init(&online->scratch, FLOE_LIMIT_ROW_BYTES);
    floe_buf_init(&online->key, FLOE_LIMIT_KEY_BYTES * 2);
    floe_status status = open_async(store, project, online, err);
    if (floe_failed(status)) {
        floe_online_close(&online);
        return status;
    }
    *ret_online = online;
    return FLOE_OK;
}

static void cancel_waiting(floe_online *online) {
    floe_error err;
    floe_error_clear(&err);
    floe_status cancelled = FLOE_FAIL(&err, FLOE_CANCELLED, "the connection to the online store was closed");
    while (online->flying != NULL) {
        flight *left = online->flying;
        note_failure(left, cancelled, &err);
        end_flight(left);
    }
}

void floe_online_close(floe_online **online_pointer) {
    floe_online *online = *online_pointer;
    *online_pointer = NULL;
    if (online == NULL) {
        return;
    }
    online->closing = true;
    if (online->store.vtable != NULL) {
        online->store.vtable->close(online->store.impl);
    }
    cancel_waiting(online);
    floe_timer_close(&online->refresh);
    for (watched_view *view = online->views; view != NULL; view = view->next) {
        floe_generation_release(&view->generation);
    }
    floe_buf_close(&online->scratch);
    floe_buf_close(&online->key);
    floe_arena_close(&online->arena);
    floe_free(online);
}
