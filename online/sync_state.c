/*
 * How a sync changes a view's state. Every part it writes is named in the state before its first row is: as `filling`,
 * or among the retired until it goes live. So a sync that is killed anywhere leaves nothing that the next one does not
 * find and delete. Each change can be done twice without harm, because an answer of the store may get lost.
 */
#include "core/time.h"
#include "online/sync_int.h"

/* ---- the list of retired parts ---- */

static bool is_retired(const floe_stored_state *state, uint64_t id) {
    for (size_t i = 0; i < state->retired_count; i++) {
        if (state->retired[i].part.id == id) {
            return true;
        }
    }
    return false;
}

/* Adds one part; the list is copied, for it is borrowed. */
static void retire(floe_stored_state *state, floe_part_kind kind, uint64_t id, floe_str entity, floe_arena *arena) {
    if (id == 0 || is_retired(state, id)) {
        return;
    }
    floe_retired_part *list = floe_arena_alloc(arena, state->retired_count + 1, sizeof(*list));
    if (list == NULL) {
        return; /* the arena remembers */
    }
    for (size_t i = 0; i < state->retired_count; i++) {
        list[i] = state->retired[i];
    }
    list[state->retired_count] = (floe_retired_part){{kind, id}, entity, floe_now_us()};
    state->retired = list;
    state->retired_count++;
}

static void retire_generation(floe_stored_state *state, const floe_stored_generation *generation, floe_arena *arena) {
    retire(state, FLOE_PART_AS_OF, generation->id, generation->definition.entity, arena);
    retire(state, FLOE_PART_AGGREGATES, generation->aggregates_id, generation->definition.entity, arena);
}

static void unretire(floe_stored_state *state, uint64_t id, floe_arena *arena) {
    floe_retired_part *list = floe_arena_alloc(arena, state->retired_count, sizeof(*list));
    size_t kept = 0;
    for (size_t i = 0; list != NULL && i < state->retired_count; i++) {
        if (state->retired[i].part.id != id) {
            list[kept++] = state->retired[i];
        }
    }
    state->retired = list;
    state->retired_count = kept;
}

/* ---- announce ---- */

static floe_status change_announce(void *context, floe_stored_state *state, floe_arena *arena, floe_error *err) {
    const floe_sync *sync = context;
    if (state->filling.id != sync->generation_id) {
        retire_generation(state, &state->filling, arena);
    }
    state->filling = (floe_stored_generation){.id = sync->generation_id,
                                              .aggregates_id = sync->aggregates_id,
                                              .fingerprint = sync->view->fingerprint,
                                              .definition = sync->definition};
    return floe_arena_check(arena, err);
}

static floe_status change(floe_sync *sync, floe_state_change_fn edit, floe_error *err) {
    return floe_generation_change(&sync->store->backend, sync->view->about.name, edit, sync, err);
}

floe_status floe_sync_announce(floe_sync *sync, floe_error *err) {
    FLOE_TRY(floe_generation_new_id(&sync->generation_id, err));
    if (floe_sync_has_aggregates(sync)) {
        FLOE_TRY(floe_generation_new_id(&sync->aggregates_id, err));
    }
    return change(sync, change_announce, err);
}

static floe_status change_announce_aggregates(void *context, floe_stored_state *state, floe_arena *arena,
                                              floe_error *err) {
    const floe_sync *sync = context;
    retire_generation(state, &state->filling, arena);
    state->filling = (floe_stored_generation){0};
    if (state->live.id == sync->generation_id) {
        state->live.definition = sync->definition; /* the same; its meanings are new to a state of format 1 */
    }
    retire(state, FLOE_PART_AGGREGATES, sync->aggregates_id, sync->definition.entity, arena);
    return floe_arena_check(arena, err);
}

floe_status floe_sync_announce_aggregates(floe_sync *sync, floe_error *err) {
    if (floe_sync_has_aggregates(sync)) {
        FLOE_TRY(floe_generation_new_id(&sync->aggregates_id, err));
    }
    return change(sync, change_announce_aggregates, err);
}

/* ---- switch ---- */

static floe_status taken_over(const floe_sync *sync, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CONFLICT, "another sync of view %.*s began meanwhile and took over; this one stops",
                     FLOE_STR_BRIEF(sync->view->about.name));
}

static floe_status change_switch(void *context, floe_stored_state *state, floe_arena *arena, floe_error *err) {
    const floe_sync *sync = context;
    if (state->live.id == sync->generation_id) {
        return FLOE_OK;
    }
    if (state->filling.id != sync->generation_id) {
        return taken_over(sync, err);
    }
    retire_generation(state, &state->live, arena);
    state->live = state->filling;
    state->live.as_of_us = sync->aggregates_id != 0 ? sync->as_of_us : 0;
    state->filling = (floe_stored_generation){0};
    return floe_arena_check(arena, err);
}

floe_status floe_sync_switch(floe_sync *sync, floe_error *err) {
    FLOE_TRY(change(sync, change_switch, err));
    sync->switched_us = floe_now_us();
    floe_store_forget(sync->store, sync->view->about.name);
    return FLOE_OK;
}

static floe_status change_switch_aggregates(void *context, floe_stored_state *state, floe_arena *arena,
                                            floe_error *err) {
    const floe_sync *sync = context;
    if (sync->aggregates_id == 0 || state->live.aggregates_id == sync->aggregates_id) {
        return FLOE_OK;
    }
    if (state->live.id != sync->generation_id || !is_retired(state, sync->aggregates_id)) {
        return taken_over(sync, err);
    }
    unretire(state, sync->aggregates_id, arena);
    retire(state, FLOE_PART_AGGREGATES, state->live.aggregates_id, state->live.definition.entity, arena);
    state->live.aggregates_id = sync->aggregates_id;
    state->live.as_of_us = sync->as_of_us;
    return floe_arena_check(arena, err);
}

floe_status floe_sync_switch_aggregates(floe_sync *sync, floe_error *err) {
    FLOE_TRY(change(sync, change_switch_aggregates, err));
    sync->switched_us = floe_now_us();
    floe_store_forget(sync->store, sync->view->about.name);
    return FLOE_OK;
}

/* ---- what is left behind ---- */

static floe_status change_discard(void *context, floe_stored_state *state, floe_arena *arena, floe_error *err) {
    const floe_sync *sync = context;
    if (sync->generation_id != 0 && state->filling.id == sync->generation_id) {
        retire_generation(state, &state->filling, arena);
        state->filling = (floe_stored_generation){0};
    }
    return floe_arena_check(arena, err);
}

floe_status floe_sync_discard(floe_sync *sync, floe_error *err) {
    floe_store_forget(sync->store, sync->view->about.name);
    return change(sync, change_discard, err);
}

/* The parts that were deleted are taken off the list, whoever deleted them. */
typedef struct sweep {
    const floe_retired_part *gone;
    size_t gone_count;
} sweep;

static floe_status change_swept(void *context, floe_stored_state *state, floe_arena *arena, floe_error *err) {
    const sweep *swept = context;
    for (size_t i = 0; i < swept->gone_count; i++) {
        unretire(state, swept->gone[i].part.id, arena);
    }
    return floe_arena_check(arena, err);
}

static floe_status sweep_state(floe_sync *sync, const floe_stored_state *state, int64_t before_us, floe_error *err) {
    floe_backend *backend = &sync->store->backend;
    floe_retired_part *gone = floe_arena_alloc(sync->arena, state->retired_count, sizeof(*gone));
    FLOE_TRY(floe_arena_check(sync->arena, err));
    sweep swept = {gone, 0};
    for (size_t i = 0; i < state->retired_count; i++) {
        const floe_retired_part *retired = &state->retired[i];
        if (retired->retired_us <= before_us && retired->part.id != sync->aggregates_id) {
            FLOE_TRY(backend->vtable->drop(backend->impl, retired->entity, retired->part, err));
            gone[swept.gone_count++] = *retired;
        }
    }
    return swept.gone_count == 0 ? FLOE_OK
                                 : floe_generation_change(backend, sync->view->about.name, change_swept, &swept, err);
}

floe_status floe_sync_sweep(floe_sync *sync, int64_t before_us, floe_error *err) {
    floe_generation *generation = NULL;
    FLOE_TRY(floe_generation_read(&sync->store->backend, sync->view->about.name, &generation, err));
    floe_status status = sweep_state(sync, &generation->state, before_us, err);
    floe_generation_release(&generation);
    return status;
}
