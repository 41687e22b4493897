/*
 * One view, offline → online.
 *
 * Full: announce the new generation → wait until every writer has seen it → the source pins its snapshot and streams
 * the newest row per key → copy what arrived meanwhile → switch → wait until every reader has seen it → delete the old
 * generation → move the mark. Incremental: the newest rows of what was appended go into the live generation by the same
 * conditional write; aggregates are rewritten for every key into a part of their own, which then replaces the old one,
 * so that a key that is no longer reported keeps nothing and all aggregates are as of one time.
 *
 * Why full: asked for, nothing live, no mark for this store (its identity is new when it was emptied), another
 * definition, rows deleted or rewritten. The mark moves last; until then a rerun does everything again, and every write
 * is conditional or into a part of its own, so it loses and changes nothing.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/sync_int.h"

/* ---- full or incremental ---- */

static floe_status read_mark(floe_sync *sync, floe_error *err) {
    floe_error missing;
    floe_error_clear(&missing);
    FLOE_TRY(floe_store_identity(sync->store, sync->arena, &sync->store_id, err));
    floe_status status = floe_registry_mark_get(sync->request->registry, sync->view->about.name, sync->store_id,
                                                sync->arena, &sync->mark, &missing);
    if (floe_failed(status) && status.code != FLOE_NOT_FOUND) {
        return FLOE_FAIL(err, status.code, "%s", missing.message);
    }
    if (floe_failed(status)) {
        sync->mark = (floe_sync_mark){0};
    }
    return FLOE_OK;
}

/* Empty: an incremental sync is possible. */
static floe_str why_full(const floe_sync *sync, const floe_generation *generation) {
    if (sync->request->full) {
        return FLOE_STR("asked for");
    }
    if (generation->live_shape == 0) {
        return FLOE_STR("first sync");
    }
    if (sync->mark.view.len == 0) {
        return FLOE_STR("first sync into this store");
    }
    if (generation->live_shape != sync->shape || sync->mark.fingerprint != sync->view->fingerprint) {
        return FLOE_STR("definition changed");
    }
    return (floe_str){"", 0};
}

static floe_status prepare(floe_sync *sync, floe_error *err) {
    const floe_view *view = sync->view;
    FLOE_TRY(floe_generation_definition(view, sync->arena, &sync->definition, err));
    FLOE_TRY(floe_generation_shape(&sync->definition, view->fingerprint, &sync->shape, err));
    FLOE_TRY(floe_generation_layout(&sync->definition, false, sync->arena, &sync->as_of, err));
    FLOE_TRY(floe_generation_layout(&sync->definition, true, sync->arena, &sync->aggregates, err));
    return read_mark(sync, err);
}

static floe_status look(floe_sync *sync, floe_error *err) {
    floe_generation *generation = NULL;
    FLOE_TRY(floe_generation_read(&sync->store->backend, sync->view->about.name, &generation, err));
    sync->result->why_full = why_full(sync, generation);
    sync->result->full = sync->result->why_full.len > 0;
    sync->copied_id = generation->live_shape == sync->shape ? generation->state.live.id : 0;
    sync->generation_id = sync->copied_id;
    floe_generation_release(&generation);
    return FLOE_OK;
}

/* ---- rows ---- */

/* Asks the source once and writes what it gives. Without a stream, *ret_got says why. */
static floe_status ask(floe_sync *sync, const floe_sync_need *need, floe_sync_got *ret_got, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    const floe_sync_source *source = sync->request->source;
    *ret_got = (floe_sync_got){0};
    FLOE_TRY(floe_sync_check_cancelled(sync, err));
    FLOE_TRY(source->newest(source->context, need, &stream, ret_got, err));
    if (ret_got->rewritten || ret_got->unchanged) {
        FLOE_ENSURE(need->since_snapshot_id >= 0, err, FLOE_INTERNAL, "a source gave no rows where all were asked for");
        return FLOE_OK;
    }
    return floe_sync_write_stream(sync, &stream, need, err);
}

static floe_status fill(floe_sync *sync, floe_error *err) {
    floe_sync_got got;
    FLOE_TRY(floe_sync_wait(sync, sync->request->announce_wait_us, err));
    sync->as_of_us = floe_now_us();
    sync->youngest_us = INT64_MIN;
    floe_sync_need need = {.view = sync->view,
                           .as_of_us = sync->as_of_us,
                           .since_snapshot_id = -1,
                           .want_as_of = floe_sync_has_as_of(sync),
                           .want_aggregates = floe_sync_has_aggregates(sync)};
    FLOE_TRY(ask(sync, &need, &got, err));
    sync->result->snapshot_id = got.snapshot_id;
    FLOE_TRY(floe_sync_copy_arrived(sync, err));
    return floe_sync_switch(sync, err);
}

static floe_status run_full(floe_sync *sync, floe_error *err) {
    FLOE_TRY(floe_sync_announce(sync, err));
    floe_status status = fill(sync, err);
    if (floe_failed(status)) {
        FLOE_IGNORE(floe_sync_discard(sync, NULL));
    }
    return status;
}

static floe_status write_appended(floe_sync *sync, floe_sync_got *ret_got, floe_error *err) {
    floe_sync_need need = {.view = sync->view,
                           .as_of_us = sync->as_of_us,
                           .since_snapshot_id = sync->mark.snapshot_id,
                           .since_us = sync->mark.synced_us,
                           .want_as_of = true};
    return ask(sync, &need, ret_got, err);
}

static floe_status rewrite_aggregates(floe_sync *sync, floe_sync_got *ret_got, floe_error *err) {
    floe_sync_need need = {
        .view = sync->view, .as_of_us = sync->as_of_us, .since_snapshot_id = -1, .want_aggregates = true};
    FLOE_TRY(ask(sync, &need, ret_got, err));
    return floe_sync_switch_aggregates(sync, err);
}

/* *ret_rewritten: only a full sync is right after all; nothing was written. */
static floe_status run_incremental(floe_sync *sync, bool *ret_rewritten, floe_error *err) {
    floe_sync_got got = {0};
    sync->as_of_us = floe_now_us();
    FLOE_TRY(floe_sync_announce_aggregates(sync, err));
    if (floe_sync_has_as_of(sync)) {
        FLOE_TRY(write_appended(sync, &got, err));
        *ret_rewritten = got.rewritten;
        if (got.rewritten) {
            return FLOE_OK;
        }
        sync->result->unchanged = got.unchanged && !floe_sync_has_aggregates(sync);
        sync->result->snapshot_id = got.snapshot_id;
    }
    if (floe_sync_has_aggregates(sync)) {
        FLOE_TRY(rewrite_aggregates(sync, &got, err));
        sync->result->snapshot_id = floe_sync_has_as_of(sync) ? sync->result->snapshot_id : got.snapshot_id;
    }
    sync->switched_us = floe_now_us();
    return FLOE_OK;
}

/* ---- the end ---- */

/* *ret_youngest_us: when the newest of the retired parts was retired; INT64_MIN: there is none. */
static floe_status youngest_retired(const floe_sync *sync, int64_t *ret_youngest_us, floe_error *err) {
    floe_generation *generation = NULL;
    FLOE_TRY(floe_generation_read(&sync->store->backend, sync->view->about.name, &generation, err));
    *ret_youngest_us = INT64_MIN;
    for (size_t i = 0; i < generation->state.retired_count; i++) {
        int64_t retired_us = generation->state.retired[i].retired_us;
        *ret_youngest_us = retired_us > *ret_youngest_us ? retired_us : *ret_youngest_us;
    }
    floe_generation_release(&generation);
    return FLOE_OK;
}

/* Waits until nobody reads what was retired any more, and deletes it. */
static floe_status retire(floe_sync *sync, floe_error *err) {
    int64_t youngest_us;
    FLOE_TRY(youngest_retired(sync, &youngest_us, err));
    if (youngest_us == INT64_MIN) {
        return FLOE_OK;
    }
    int64_t left_us = youngest_us + sync->request->retire_wait_us - floe_now_us();
    left_us = left_us > sync->request->retire_wait_us ? sync->request->retire_wait_us : left_us;
    FLOE_TRY(floe_sync_wait(sync, left_us, err));
    return floe_sync_sweep(sync, youngest_us, err);
}

/* With a negative wait floe_sync_retire or the next sync deletes what this one retired. */
static floe_status sweep_after(floe_sync *sync, floe_error *err) {
    return sync->request->retire_wait_us < 0 ? FLOE_OK : retire(sync, err);
}

/* Whoever emptied the store meanwhile took away what the mark would stand for. */
static floe_status move_mark(floe_sync *sync, floe_error *err) {
    floe_str id = {NULL, 0};
    FLOE_TRY(floe_store_identity(sync->store, sync->arena, &id, err));
    FLOE_ENSURE(floe_str_equal(id, sync->store_id), err, FLOE_CONFLICT,
                "the online store was emptied during the sync of view %.*s; run it again",
                FLOE_STR_BRIEF(sync->view->about.name));
    floe_sync_mark mark = {.view = sync->view->about.name,
                           .fingerprint = sync->view->fingerprint,
                           .store_id = sync->store_id,
                           .snapshot_id = sync->result->snapshot_id,
                           .synced_us = sync->as_of_us,
                           .rows = sync->result->rows};
    return floe_registry_mark_put(sync->request->registry, &mark, err);
}

static int64_t retire_wait_us(const floe_sync *sync) {
    return sync->request->retire_wait_us < 0 ? FLOE_SYNC_RETIRE_US : sync->request->retire_wait_us;
}

static floe_status run(floe_sync *sync, floe_error *err) {
    FLOE_TRY(prepare(sync, err));
    FLOE_TRY(floe_sync_sweep(sync, floe_now_us() - retire_wait_us(sync), err));
    FLOE_TRY(look(sync, err));
    if (!sync->result->full) {
        bool rewritten = false;
        FLOE_TRY(run_incremental(sync, &rewritten, err));
        if (rewritten) {
            sync->result->full = true;
            sync->result->why_full = FLOE_STR("rows were rewritten");
        }
    }
    if (sync->result->full) {
        FLOE_TRY(run_full(sync, err));
    }
    FLOE_TRY(sweep_after(sync, err));
    return move_mark(sync, err);
}

/* Names the view, unless the message begins with it. */
static floe_status in_view(const floe_view *view, floe_status status, floe_error *err) {
    floe_str name = view->about.name;
    floe_str message = floe_str_of(err ? err->message : "");
    bool named = floe_str_starts_with(message, FLOE_STR("view ")) &&
                 floe_str_starts_with((floe_str){message.ptr + 5, message.len - 5}, name) &&
                 strncmp(message.ptr + 5 + name.len, ": ", 2) == 0;
    return named ? floe_error_prefix(err, status, "sync")
                 : floe_error_prefix(err, status, "sync of view %.*s", FLOE_STR_BRIEF(name));
}

floe_status floe_sync_run(const floe_sync_request *request, floe_sync_result *ret_result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_sync_result result = {.why_full = {"", 0}};
    floe_sync sync = {
        .request = request, .view = request->view, .store = request->store, .arena = &arena, .result = &result};
    int64_t start_us = floe_monotonic_us();
    FLOE_TRY(in_view(request->view, run(&sync, err), err));
    result.elapsed_us = floe_monotonic_us() - start_us;
    *ret_result = result;
    return FLOE_OK;
}

floe_status floe_sync_retire(const floe_sync_request *request, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_sync_result result = {.why_full = {"", 0}};
    floe_sync sync = {
        .request = request, .view = request->view, .store = request->store, .arena = &arena, .result = &result};
    return in_view(request->view, retire(&sync, err), err);
}
