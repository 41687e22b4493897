/*
 * The blocking store: one handle over a backend, with what a caller of it remembers between calls. A lookup reads the
 * view's state every time; a writer believes what it read for FLOE_STATE_FRESH_US, which is what a sync waits out.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/lookup_int.h"
#include "online/online_int.h"

floe_status floe_backend_open(const floe_online_def *store, floe_str project, floe_backend *ret_backend,
                              floe_error *err) {
    if (store->kind == FLOE_STORE_REDIS) {
        return floe_redis_open(store->url, project, ret_backend, err);
    }
    return floe_lmdb_open(store->path, project, ret_backend, err);
}

void floe_backend_close(floe_backend *backend) {
    if (backend->vtable != NULL) {
        backend->vtable->close(backend->impl);
    }
    *backend = (floe_backend){NULL, NULL};
}

floe_status floe_store_open(const floe_online_def *store, floe_str project, floe_store **ret_store, floe_error *err) {
    floe_store *opened = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*opened), &opened, err));
    floe_arena_init(&opened->arena, FLOE_MIB(64));
    floe_arena_init(&opened->batch.arena, FLOE_MIB(256));
    floe_buf_init(&opened->scratch, FLOE_LIMIT_ROW_BYTES);
    floe_buf_init(&opened->key, FLOE_LIMIT_KEY_BYTES * 2);
    floe_buf_init(&opened->row, FLOE_LIMIT_ROW_BYTES * 2);
    floe_status status = floe_backend_open(store, project, &opened->backend, err);
    if (floe_failed(status)) {
        floe_store_close(&opened);
        return status;
    }
    *ret_store = opened;
    return FLOE_OK;
}

void floe_store_close(floe_store **store_pointer) {
    floe_store *store = *store_pointer;
    *store_pointer = NULL;
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < store->known_count; i++) {
        floe_generation_release(&store->known[i].generation);
    }
    floe_backend_close(&store->backend);
    floe_buf_close(&store->scratch);
    floe_buf_close(&store->key);
    floe_buf_close(&store->row);
    floe_arena_close(&store->batch.arena);
    floe_arena_close(&store->arena);
    floe_free(store);
}

floe_status floe_store_identity(floe_store *store, floe_arena *arena, floe_str *ret_id, floe_error *err) {
    FLOE_AUTO_BUF id;
    floe_buf_init(&id, 256);
    FLOE_TRY(store->backend.vtable->identity(store->backend.impl, &id, err));
    floe_str copy = floe_arena_str(arena, floe_buf_view(&id));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_id = copy;
    return FLOE_OK;
}

/* ---- what a writer knows ---- */

static floe_status known_of(floe_store *store, floe_str view, floe_known_state **ret_known, floe_error *err) {
    for (size_t i = 0; i < store->known_count; i++) {
        if (floe_str_equal(store->known[i].view, view)) {
            *ret_known = &store->known[i];
            return FLOE_OK;
        }
    }
    floe_str name = floe_arena_str(&store->arena, view);
    floe_known_state *known = FLOE_ARENA_PUSH(&store->arena, store->known, store->known_count, store->known_capacity);
    FLOE_TRY(floe_arena_check(&store->arena, err));
    known->view = name;
    *ret_known = known;
    return FLOE_OK;
}

floe_status floe_store_state(floe_store *store, floe_str view, const floe_generation **ret_generation,
                             floe_error *err) {
    floe_known_state *known = NULL;
    FLOE_TRY(known_of(store, view, &known, err));
    int64_t now_us = floe_monotonic_us();
    if (known->generation == NULL || now_us - known->read_us >= FLOE_STATE_FRESH_US) {
        floe_generation *read = NULL;
        FLOE_TRY(floe_generation_read(&store->backend, view, &read, err));
        floe_generation_release(&known->generation);
        known->generation = read;
        known->read_us = now_us;
    }
    *ret_generation = known->generation;
    return FLOE_OK;
}

void floe_store_forget(floe_store *store, floe_str view) {
    for (size_t i = 0; i < store->known_count; i++) {
        if (floe_str_equal(store->known[i].view, view)) {
            floe_generation_release(&store->known[i].generation);
        }
    }
}

/* How many of the view's outputs a lookup does not find in the live generation, as floe_lookup_bind decides. */
static floe_status count_unserved(const floe_generation *generation, const floe_view *view, size_t *ret_count,
                                  floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(8));
    floe_stored_definition definition;
    uint64_t shape = 0;
    FLOE_TRY(floe_generation_definition(view, &arena, &definition, err));
    FLOE_TRY(floe_generation_shape(&definition, view->fingerprint, &shape, err));
    bool same_shape = generation->live_shape == shape;
    bool same_rows = floe_generation_same_rows(generation, view);
    size_t column = 0;
    *ret_count = 0;
    for (size_t i = 0; i < view->output_count && !same_shape; i++) {
        bool found = same_rows && floe_generation_find(generation, &view->outputs[i], &column);
        *ret_count += found ? 0 : 1;
    }
    return FLOE_OK;
}

floe_status floe_store_view_state_get(floe_store *store, const floe_view *view, floe_store_view_state *ret_state,
                                      floe_error *err) {
    floe_generation *generation = NULL;
    FLOE_TRY(floe_generation_read(&store->backend, view->about.name, &generation, err));
    const floe_stored_state *state = &generation->state;
    *ret_state = (floe_store_view_state){.live = state->live.id != 0,
                                         .generation = state->live.id,
                                         .fingerprint = state->live.fingerprint,
                                         .as_of_us = state->live.as_of_us,
                                         .filling = state->filling.id != 0};
    floe_status status = count_unserved(generation, view, &ret_state->unserved, err);
    floe_generation_release(&generation);
    return status;
}

/* ---- a blocking lookup ---- */

static floe_status bind_all(floe_store *store, floe_lookup_run *run, floe_error *err) {
    for (size_t v = 0; v < run->lookup->plan->view_count; v++) {
        floe_generation *generation = NULL;
        FLOE_TRY(floe_generation_read(&store->backend, run->views[v].plan->view->about.name, &generation, err));
        floe_status status = floe_lookup_bind(run, v, generation, err);
        floe_generation_release(&generation);
        FLOE_TRY(status);
    }
    return FLOE_OK;
}

static floe_status take_one(void *context, size_t get, const floe_str *values, floe_error *err) {
    return floe_lookup_take(context, get, values, err);
}

static floe_status run_lookup(floe_store *store, floe_lookup_run *run, floe_error *err) {
    FLOE_TRY(bind_all(store, run, err));
    FLOE_TRY(floe_lookup_gets(run, err));
    return store->backend.vtable->read(store->backend.impl, run->gets, run->get_count, take_one, run, err);
}

floe_status floe_store_lookup(floe_store *store, floe_lookup *lookup, floe_error *err) {
    floe_lookup_run *run = NULL;
    FLOE_TRY(floe_lookup_begin(lookup, &store->scratch, &store->key, &run, err));
    floe_status status = run_lookup(store, run, err);
    floe_lookup_finish(run, status, err);
    return status;
}
