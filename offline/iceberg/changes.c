/*
 * What was added between two snapshots of one history.
 *
 * Phases: walk from the later snapshot to the earlier one by parents → of each append between them, the files that it
 * added, read from its own manifest list, because a later rewrite may have dropped them from the newest.
 * Rule: an append that lists deleted data files or added delete files is none, whatever it calls itself; a snapshot
 *       without an operation, as early writers made them, is an append if it only added.
 */
#include "offline/iceberg/plan_int.h"

#include "core/map.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/prune.h"
#include "offline/lake_int.h"

#include <inttypes.h>

/* ---- the snapshots between ---- */

typedef struct change_range {
    const floe_ice_snapshot **snapshots; /* oldest first */
    size_t count;
} change_range;

static floe_status check_ends(const floe_ice_metadata *metadata, int64_t from, int64_t to, floe_error *err) {
    const int64_t ends[] = {from, to};
    for (size_t i = 0; i < 2; i++) {
        FLOE_ENSURE(floe_ice_snapshot_by_id(metadata, ends[i]), err, FLOE_NOT_FOUND,
                    "the snapshot %" PRId64 ", where the range %s, has expired or was never there: what was added "
                    "since cannot be told; see `floe table snapshots` for what is left",
                    ends[i], i == 0 ? "starts" : "ends");
    }
    return FLOE_OK;
}

static floe_status walk_back(const floe_ice_metadata *metadata, int64_t from, int64_t to, floe_arena *arena,
                             change_range *ret_range, floe_error *err) {
    const floe_ice_snapshot **found = floe_arena_alloc(arena, metadata->snapshot_count + 1, sizeof(*found));
    size_t count = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(check_ends(metadata, from, to, err));
    for (const floe_ice_snapshot *at = floe_ice_snapshot_by_id(metadata, to); at->snapshot_id != from;) {
        FLOE_ENSURE(count < metadata->snapshot_count, err, FLOE_CORRUPT, "the snapshot %" PRId64 " is its own ancestor",
                    at->snapshot_id);
        found[count++] = at;
        FLOE_ENSURE(at->parent_id != -1, err, FLOE_INVALID,
                    "the snapshot %" PRId64 " is no ancestor of %" PRId64 ": nothing leads from one to the other", from,
                    to);
        const floe_ice_snapshot *parent = floe_ice_snapshot_by_id(metadata, at->parent_id);
        FLOE_ENSURE(parent, err, FLOE_NOT_FOUND,
                    "the snapshot %" PRId64 ", the parent of %" PRId64 ", has expired: what was added between %" PRId64
                    " and %" PRId64 " cannot be told",
                    at->parent_id, at->snapshot_id, from, to);
        at = parent;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const floe_ice_snapshot *other = found[i];
        found[i] = found[count - 1 - i];
        found[count - 1 - i] = other;
    }
    *ret_range = (change_range){found, count};
    return FLOE_OK;
}

/* ---- what one snapshot did ---- */

typedef struct snapshot_change {
    floe_table *table;
    const floe_ice_snapshot *snapshot;
    floe_arena *arena;
    floe_manifest_stats stats;
    floe_ptrs added; /* data files */
    bool removes;    /* data files, or rows by delete files */
} snapshot_change;

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    snapshot_change *change = context;
    if (file->snapshot_id != change->snapshot->snapshot_id || file->status == 0) {
        return FLOE_OK;
    }
    if (file->content != 0 || file->status == 2) {
        change->removes = true;
        return FLOE_OK;
    }
    floe_ice_data_file *copy = floe_arena_alloc(change->arena, 1, sizeof(*copy));
    FLOE_TRY(floe_arena_check(change->arena, err));
    *copy = *file;
    floe_ptrs_append(&change->added, change->arena, copy);
    return floe_arena_check(change->arena, err);
}

static floe_status read_change(snapshot_change *change, floe_error *err) {
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    FLOE_TRY(floe_manifest_list_read(change->table->fs, &change->table->moved, change->snapshot, change->arena,
                                     &manifests, &count, err));
    floe_manifest_reader reader = {.metadata = &change->table->metadata,
                                   .stats = change->stats,
                                   .arena = change->arena,
                                   .visit = visit,
                                   .context = change};
    for (size_t i = 0; i < count; i++) {
        bool own = manifests[i].spec_id < 0 || manifests[i].added_snapshot_id == change->snapshot->snapshot_id;
        FLOE_TRY(own ? floe_manifest_read(change->table->fs, &change->table->moved, &manifests[i], &reader, err)
                     : FLOE_OK);
    }
    return FLOE_OK;
}

/* ---- notes ---- */

static const char *forces_of(floe_str operation) {
    if (floe_str_is(operation, "delete")) {
        return "it deleted rows: a copy of the rows must drop them, and only the table at the end of the range says "
               "which are left";
    }
    return "it replaced or deleted rows, and what it added is not among the added rows: a copy of the rows must be "
           "made "
           "anew from the table at the end of the range";
}

static bool may_be_append(const floe_ice_snapshot *snapshot) {
    return snapshot->operation.len == 0 || floe_str_is(snapshot->operation, "append");
}

floe_status floe_table_changes(floe_table *table, int64_t from_snapshot_id, int64_t to_snapshot_id, floe_arena *arena,
                               const floe_change_note **ret_notes, size_t *ret_count, floe_error *err) {
    change_range range = {0};
    size_t count = 0;
    FLOE_TRY(walk_back(&table->metadata, from_snapshot_id, to_snapshot_id, arena, &range, err));
    floe_change_note *notes = floe_arena_alloc(arena, range.count + 1, sizeof(*notes));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < range.count; i++) {
        const floe_ice_snapshot *snapshot = range.snapshots[i];
        snapshot_change change = {.table = table, .snapshot = snapshot, .arena = arena};
        bool append = may_be_append(snapshot);
        FLOE_TRY(append ? read_change(&change, err) : FLOE_OK);
        if ((append && change.removes) || (!append && !floe_str_is(snapshot->operation, "replace"))) {
            notes[count++] =
                (floe_change_note){snapshot->snapshot_id, snapshot->operation, forces_of(snapshot->operation)};
        }
    }
    *ret_notes = notes;
    *ret_count = count;
    return FLOE_OK;
}

/* ---- the scan ---- */

typedef struct change_plan {
    floe_table *table;
    floe_arena *arena;
    floe_pruner pruner;
    floe_map seen;
    floe_ptrs kept;
    floe_scan_plan *plan;
} change_plan;

static floe_status add_file(change_plan *state, floe_ice_data_file *file, floe_error *err) {
    static char present;
    const floe_ice_spec *spec = floe_ice_spec_by_id(&state->table->metadata, file->spec_id);
    void *earlier = floe_map_put(&state->seen, floe_path_plain(file->path), &present);
    FLOE_TRY(floe_arena_check(state->arena, err));
    FLOE_ENSURE(!earlier, err, FLOE_CORRUPT, "table %.*s: the file %.*s is added twice",
                FLOE_STR_BRIEF(state->table->name), FLOE_STR_ARG(file->path));
    state->plan->files_total++;
    floe_prune_verdict verdict = floe_prune_file(&state->pruner, file, spec);
    state->plan->files_pruned_by_partition += verdict == FLOE_PRUNE_BY_PARTITION;
    state->plan->files_pruned_by_bounds += verdict == FLOE_PRUNE_BY_BOUNDS;
    if (verdict != FLOE_PRUNE_KEEP) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_scan_check_file(state->table, file, err));
    state->plan->files_read++;
    state->plan->bytes += file->file_len;
    state->plan->rows += file->record_count;
    floe_ptrs_append(&state->kept, state->arena, file);
    return floe_arena_check(state->arena, err);
}

static floe_status add_snapshot(change_plan *state, const floe_ice_snapshot *snapshot, floe_error *err) {
    snapshot_change change = {.table = state->table,
                              .snapshot = snapshot,
                              .arena = state->arena,
                              .stats = {.field_ids = state->pruner.field_ids,
                                        .field_count = state->pruner.field_count,
                                        .no_nans = !state->pruner.of_reals}};
    if (!may_be_append(snapshot)) {
        return FLOE_OK;
    }
    FLOE_TRY(read_change(&change, err));
    for (size_t i = 0; i < change.added.count && !change.removes; i++) {
        FLOE_TRY(add_file(state, change.added.items[i], err));
    }
    return FLOE_OK;
}

floe_status floe_scan_plan_changes(floe_table *table, const floe_scan_request *request, const floe_expr *filter,
                                   floe_arena *arena, floe_table_scan_files *ret_files, floe_error *err) {
    floe_table_scan_files files = {.metadata = &table->metadata};
    change_plan state = {.table = table, .arena = arena, .plan = &files.plan};
    change_range range = {0};
    FLOE_ENSURE(!floe_metadata_is_encrypted(&table->metadata), err, FLOE_UNSUPPORTED,
                "table %.*s is encrypted; floe reads tables without encryption", FLOE_STR_BRIEF(table->name));
    FLOE_TRY(floe_snapshot_choose(&table->metadata, request, &files.snapshot, &files.schema, err));
    FLOE_ENSURE(files.snapshot, err, FLOE_NOT_FOUND, "table %.*s has no snapshot", FLOE_STR_BRIEF(table->name));
    FLOE_TRY(floe_scan_check_columns(request, files.schema, arena, err));
    FLOE_TRY(floe_pruner_init(&state.pruner, filter, files.schema, arena, err));
    floe_map_init(&state.seen, arena);
    FLOE_TRY(walk_back(&table->metadata, request->since_snapshot_id, files.snapshot->snapshot_id, arena, &range, err));
    files.plan.snapshot_id = files.snapshot->snapshot_id;
    files.plan.note = FLOE_STR("");
    for (size_t i = 0; i < range.count; i++) {
        FLOE_TRY(add_snapshot(&state, range.snapshots[i], err));
    }
    FLOE_TRY(floe_scan_order_files(table, &state.kept, arena, &files, err));
    *ret_files = files;
    return FLOE_OK;
}
