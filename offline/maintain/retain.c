/*
 * Which snapshots stay.
 *
 * Rule: of a branch its head, then ancestors as long as there are fewer than it keeps or they are young enough; of a tag
 *       its snapshot; of what no branch or tag leads to what is young enough; and what datasets were built from. A
 *       branch's and a tag's own retention goes before what was asked for. A tag, or a branch other than main, that is
 *       older than it says goes.
 * Source: Iceberg table spec, "Snapshot Retention Policy"; Java's RemoveSnapshots.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"

#include <stdlib.h>

static char present;

static floe_str id_key(const int64_t *snapshot_id) {
    return (floe_str){(const char *)snapshot_id, sizeof *snapshot_id};
}

bool floe_expire_keeps(const expiry *state, int64_t snapshot_id) {
    return floe_map_get(&state->kept, id_key(&snapshot_id)) != NULL;
}

static void keep(expiry *state, const floe_ice_snapshot *snapshot) {
    floe_map_put(&state->kept, id_key(&snapshot->snapshot_id), &present);
}

/* ---- branches and tags ---- */

static int64_t setting(const expiry *state, floe_str ref, const char *key, int64_t fallback) {
    const floe_node *refs = floe_node_get(state->import->table->metadata.root, "refs");
    for (size_t i = 0; refs && refs->kind == FLOE_NODE_OBJECT && i < refs->count; i++) {
        const floe_node *node =
            floe_str_equal(refs->members[i].key, ref) ? floe_node_get(refs->members[i].value, key) : NULL;
        if (node && node->kind == FLOE_NODE_INT) {
            return node->as.integer;
        }
    }
    return fallback;
}

static bool ref_is_too_old(const expiry *state, const floe_ice_ref *ref, const floe_ice_snapshot *snapshot) {
    int64_t most_ms = setting(state, ref->name, "max-ref-age-ms", INT64_MAX);
    int64_t age_ms = state->now_us / 1000 - snapshot->timestamp_ms;
    return !floe_str_is(ref->name, "main") && age_ms > most_ms;
}

static void keep_branch(expiry *state, const floe_ice_ref *ref, const floe_ice_snapshot *head, floe_map *reached) {
    const floe_ice_metadata *metadata = &state->import->table->metadata;
    int64_t fallback = state->request->keep_last > 0 ? state->request->keep_last : 1;
    int64_t least = setting(state, ref->name, "min-snapshots-to-keep", fallback);
    int64_t age_ms = setting(state, ref->name, "max-snapshot-age-ms", -1);
    int64_t cutoff_ms = age_ms >= 0 ? state->now_us / 1000 - age_ms : state->cutoff_ms;
    int64_t count = 0;
    bool stays = true;
    for (const floe_ice_snapshot *at = head; at; count++) {
        if (floe_map_put(reached, id_key(&at->snapshot_id), &present) && count > (int64_t)metadata->snapshot_count) {
            return; /* a circle of parents */
        }
        stays = stays && (count < least || count == 0 || at->timestamp_ms >= cutoff_ms);
        if (stays) {
            keep(state, at);
        }
        at = at->parent_id == -1 ? NULL : floe_ice_snapshot_by_id(metadata, at->parent_id);
    }
}

static void keep_ref(expiry *state, const floe_ice_ref *ref, floe_map *reached) {
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(&state->import->table->metadata, ref->snapshot_id);
    if (!snapshot) { /* what it pointed to is gone: there is nothing left to keep */
        floe_map_put(&state->kept_refs, ref->name, &present);
        return;
    }
    if (ref_is_too_old(state, ref, snapshot)) {
        floe_ptrs_append(&state->dropped_refs, state->arena, (void *)(uintptr_t)ref);
        return;
    }
    floe_map_put(&state->kept_refs, ref->name, &present);
    if (ref->is_branch) {
        keep_branch(state, ref, snapshot, reached);
    } else {
        keep(state, snapshot);
        floe_map_put(reached, id_key(&snapshot->snapshot_id), &present);
    }
}

/* ---- datasets ---- */

/* A snapshot may be named by several datasets: each is told. */
static void hold_pinned(expiry *state) {
    const floe_expire_request *request = state->request;
    floe_ptrs held = {0};
    for (size_t i = 0; i < request->pinned_count; i++) {
        const floe_pinned_snapshot *pinned = &request->pinned[i];
        bool there = floe_ice_snapshot_by_id(&state->import->table->metadata, pinned->snapshot_id) != NULL;
        if (there && !floe_expire_keeps(state, pinned->snapshot_id)) {
            floe_ptrs_append(&held, state->arena, (void *)(uintptr_t)pinned);
        }
    }
    for (size_t i = 0; i < held.count && !request->force; i++) {
        const floe_pinned_snapshot *pinned = held.items[i];
        keep(state, floe_ice_snapshot_by_id(&state->import->table->metadata, pinned->snapshot_id));
    }
    state->held = held;
}

/* ---- the whole ---- */

static int compare_snapshots(const void *a, const void *b) {
    const floe_ice_snapshot *x = *(const floe_ice_snapshot *const *)a;
    const floe_ice_snapshot *y = *(const floe_ice_snapshot *const *)b;
    if (x->timestamp_ms != y->timestamp_ms) {
        return x->timestamp_ms < y->timestamp_ms ? -1 : 1;
    }
    return x->sequence_number < y->sequence_number ? -1 : x->sequence_number > y->sequence_number;
}

floe_status floe_expire_retain(expiry *state, floe_error *err) {
    const floe_ice_metadata *metadata = &state->import->table->metadata;
    floe_map reached; /* by branches and tags that stay */
    floe_map_init(&reached, state->arena);
    for (size_t i = 0; i < metadata->ref_count; i++) {
        keep_ref(state, &metadata->refs[i], &reached);
    }
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const floe_ice_snapshot *snapshot = &metadata->snapshots[i];
        bool current = snapshot->snapshot_id == metadata->current_snapshot_id;
        bool young = snapshot->timestamp_ms >= state->cutoff_ms;
        if (current || (young && !floe_map_get(&reached, id_key(&snapshot->snapshot_id)))) {
            keep(state, snapshot);
        }
    }
    hold_pinned(state);
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (!floe_expire_keeps(state, metadata->snapshots[i].snapshot_id)) {
            floe_ptrs_append(&state->dropped, state->arena, (void *)(uintptr_t)&metadata->snapshots[i]);
        }
    }
    if (state->dropped.count > 0) {
        qsort(state->dropped.items, state->dropped.count, sizeof *state->dropped.items, compare_snapshots);
    }
    return floe_arena_check(state->arena, err);
}
