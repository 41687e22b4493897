/*
 * floe_table_compact: many small files become fewer, deletes become rows that are not there.
 *
 * The rows stay what they were, in their order, so the snapshot calls itself `replace`. What other writers committed
 * meanwhile is built upon: appends and equality deletes need nothing (they are younger than the new files), but a file of
 * a run that was deleted, rewritten or given position deletes, or a neighbour that came between, makes the rewriting
 * worthless: CONFLICT. Delete files that apply to nothing any more go with the files that they applied to.
 * Source: Iceberg table spec, "Snapshots" (replace), "Sequence Numbers"; Java's RewriteFiles.dataSequenceNumber.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"
#include "offline/iceberg/deletes.h"

#include <inttypes.h>

#define TARGET_BYTES INT64_C(536870912) /* as other writers have it */

/* ---- delete files ---- */

floe_status floe_compact_delete_key(const floe_ice_data_file *file, floe_arena *arena, floe_str *ret_key,
                                    floe_error *err) {
    *ret_key = file->path;
    if (floe_ice_is_deletion_vector(file)) {
        *ret_key =
            floe_str_of(floe_arena_printf(arena, "%.*s#%" PRId64, FLOE_STR_ARG(file->path), file->content_offset));
    }
    return floe_arena_check(arena, err);
}

static char present;

static floe_status keep_deletes(compaction *state, const floe_ice_data_file *const *files, size_t count,
                                floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        floe_str key = {0};
        FLOE_TRY(floe_compact_delete_key(files[i], state->arena, &key, err));
        floe_map_put(&state->kept_deletes, key, &present);
    }
    return floe_arena_check(state->arena, err);
}

/* The delete files of the plan that apply to a file which no run replaces. */
static floe_status find_kept_deletes(compaction *state, const floe_table_scan_files *plan, floe_error *err) {
    floe_map_init(&state->kept_deletes, state->arena);
    for (size_t i = 0; i < plan->file_count; i++) {
        const floe_ice_deletes *deletes = plan->files[i]->deletes;
        if (!deletes || floe_map_get(&state->replaced, plan->files[i]->path)) {
            continue;
        }
        FLOE_TRY(keep_deletes(state, &deletes->vector, deletes->vector != NULL, err));
        FLOE_TRY(keep_deletes(state, deletes->own_positions.files, deletes->own_positions.count, err));
        FLOE_TRY(keep_deletes(state, deletes->positions.files, deletes->positions.count, err));
        FLOE_TRY(keep_deletes(state, deletes->equalities.files, deletes->equalities.count, err));
        FLOE_TRY(keep_deletes(state, deletes->everywhere.files, deletes->everywhere.count, err));
    }
    return FLOE_OK;
}

static floe_status know_deletes(compaction *state, floe_error *err) {
    floe_map_init(&state->known_deletes, state->arena);
    for (size_t i = 0; i < state->plan.delete_count; i++) {
        floe_str key = {0};
        FLOE_TRY(floe_compact_delete_key(state->plan.deletes[i], state->arena, &key, err));
        floe_map_put(&state->known_deletes, key, &present);
    }
    return floe_arena_check(state->arena, err);
}

static bool goes(const compaction *state, floe_str key) {
    return floe_map_get(&state->known_deletes, key) && !floe_map_get(&state->kept_deletes, key);
}

static floe_status removes(void *context, const floe_ice_data_file *file, bool *ret_removes, floe_error *err) {
    compaction *state = context;
    floe_str key = {0};
    if (file->content == 0) {
        *ret_removes = floe_map_get(&state->replaced, file->path) != NULL;
        return FLOE_OK;
    }
    FLOE_TRY(floe_compact_delete_key(file, state->arena, &key, err));
    *ret_removes = goes(state, key);
    return FLOE_OK;
}

/* ---- what others did meanwhile ---- */

static floe_status conflict(const compaction *state, const floe_ice_data_file *file, const char *what,
                            floe_error *err) {
    return FLOE_FAIL(err, FLOE_CONFLICT,
                     "%s: the data file %.*s %s during the compaction; nothing was changed, try again",
                     state->request->table, FLOE_STR_ARG(file->path), what);
}

static bool same_deletes(floe_ice_delete_files a, floe_ice_delete_files b) {
    bool same = a.count == b.count;
    for (size_t i = 0; same && i < a.count; i++) {
        same = floe_str_equal(a.files[i]->path, b.files[i]->path);
    }
    return same;
}

static bool same_vector(const floe_ice_data_file *a, const floe_ice_data_file *b) {
    return a == b || (a && b && floe_str_equal(a->path, b->path) && a->content_offset == b->content_offset);
}

/* Deletes by position are about rows where they lay; those by value are younger than the new file and apply to it. */
static bool same_positions(const floe_ice_data_file *then, const floe_ice_data_file *now) {
    static const floe_ice_deletes none;
    const floe_ice_deletes *a = then->deletes ? then->deletes : &none;
    const floe_ice_deletes *b = now->deletes ? now->deletes : &none;
    return same_vector(a->vector, b->vector) && same_deletes(a->own_positions, b->own_positions) &&
           same_deletes(a->positions, b->positions);
}

/* Whether the files at the places are the run's, one after the other, and still as they were. */
static floe_status check_run(const compaction *state, const compact_run *run, const floe_table_scan_files *now,
                             const compact_partition *partition, size_t first, floe_error *err) {
    for (size_t i = 0; i < run->file_count; i++) {
        const floe_ice_data_file *then = state->plan.files[run->files[i]];
        const floe_ice_data_file *found =
            first + i < partition->file_count ? now->files[partition->files[first + i]] : NULL;
        if (!found || !floe_str_equal(found->path, then->path) || found->sequence_number != then->sequence_number) {
            return conflict(state, then, "was deleted, rewritten or given a new neighbour", err);
        }
        if (!same_positions(then, found)) {
            return conflict(state, then, "was given deletes", err);
        }
    }
    return FLOE_OK;
}

static bool same_sequence(const floe_ice_data_file *a, const floe_ice_data_file *b) {
    return a->sequence_number == b->sequence_number;
}

/* Whether the new file would still be read where its run is: after the file before it, before the one after it. */
static floe_status check_place(const compaction *state, const compact_run *run, const floe_table_scan_files *now,
                               const compact_partition *partition, size_t first, floe_error *err) {
    const floe_ice_data_file *last = state->plan.files[run->files[run->file_count - 1]];
    const floe_ice_data_file *before = first > 0 ? now->files[partition->files[first - 1]] : NULL;
    size_t after_at = first + run->file_count;
    const floe_ice_data_file *after = after_at < partition->file_count ? now->files[partition->files[after_at]] : NULL;
    bool replaced = before && floe_map_get(&state->replaced, before->path);
    bool fits = !before || replaced || !same_sequence(before, last) || floe_str_compare(before->path, run->path) < 0;
    fits = fits && (!after || floe_map_get(&state->replaced, after->path) || !same_sequence(after, last) ||
                    floe_str_compare(run->path, after->path) < 0);
    return fits || !run->path.ptr ? FLOE_OK : conflict(state, last, "was given a new neighbour", err);
}

static floe_status check_partition(const compaction *state, const floe_table_scan_files *now,
                                   const compact_partition *partition, size_t *ret_found, floe_error *err) {
    const compact_run *former = NULL;
    for (size_t i = 0; i < partition->file_count; i++) {
        const compact_run *run = floe_map_get(&state->replaced, now->files[partition->files[i]]->path);
        if (run && run != former) {
            FLOE_TRY(check_run(state, run, now, partition, i, err));
            FLOE_TRY(check_place(state, run, now, partition, i, err));
            (*ret_found)++;
        }
        former = run;
    }
    return FLOE_OK;
}

/* Before another attempt, on the table as somebody else left it. */
static floe_status check(void *context, floe_table *table, floe_error *err) {
    compaction *state = context;
    floe_table_scan_files now;
    floe_ptrs partitions = {0};
    size_t found = 0;
    floe_scan_request request = {.at = FLOE_AT_CURRENT, .limit = -1};
    FLOE_TRY(floe_table_scan_plan_files(table, &request, NULL, state->arena, &now, err));
    FLOE_TRY(floe_compact_partitions(&now, state->arena, &partitions, err));
    for (size_t i = 0; i < partitions.count; i++) {
        FLOE_TRY(check_partition(state, &now, partitions.items[i], &found, err));
    }
    FLOE_ENSURE(found == state->run_count, err, FLOE_CONFLICT,
                "%s: data files were deleted or rewritten during the compaction; nothing was changed, try again",
                state->request->table);
    return find_kept_deletes(state, &now, err);
}

/* ---- the whole ---- */

static floe_status choose_target(compaction *state, floe_error *err) {
    const floe_node *properties = state->import->table->metadata.properties;
    const floe_node *text = properties ? floe_node_get(properties, "write.target-file-size-bytes") : NULL;
    state->target_bytes = TARGET_BYTES;
    if (state->request->target_bytes > 0) {
        state->target_bytes = state->request->target_bytes;
    } else if (text && text->kind == FLOE_NODE_STRING) {
        FLOE_TRY(floe_str_to_i64(text->text, &state->target_bytes, err));
    }
    FLOE_ENSURE(state->target_bytes > 0, err, FLOE_INVALID, "the target size must be positive");
    return FLOE_OK;
}

static floe_status plan(compaction *state, floe_error *err) {
    floe_import *import = state->import;
    floe_scan_request request = {.at = FLOE_AT_CURRENT, .limit = -1};
    FLOE_TRY(floe_import_open(import, err));
    FLOE_TRY(choose_target(state, err));
    FLOE_TRY(floe_table_scan_plan_files(import->table, &request, NULL, state->arena, &state->plan, err));
    const floe_ice_metadata *metadata = &import->table->metadata;
    const floe_ice_spec *spec = floe_ice_spec_by_id(metadata, metadata->default_spec_id);
    FLOE_ENSURE(spec, err, FLOE_CORRUPT, "%s: the default partition spec is not in the metadata",
                import->table->metadata_path);
    import->schema = *state->plan.schema;
    import->spec = *spec;
    import->last_column_id = metadata->last_column_id;
    import->last_partition_id = metadata->last_partition_id;
    import->with_lineage = metadata->format_version >= 3;
    import->operation = "replace";
    import->removes = removes;
    import->check = check;
    import->change = state;
    FLOE_TRY(floe_compact_find_runs(state, err));
    FLOE_TRY(know_deletes(state, err));
    return find_kept_deletes(state, &state->plan, err);
}

static void count_removed_deletes(compaction *state) {
    for (size_t i = 0; i < state->plan.delete_count; i++) {
        floe_str key = {0};
        floe_error ignored = {0};
        if (!floe_failed(floe_compact_delete_key(state->plan.deletes[i], state->arena, &key, &ignored))) {
            state->result.delete_files += goes(state, key);
        }
    }
}

static floe_status compact(compaction *state, floe_error *err) {
    floe_import_result committed = {0};
    state->result.snapshot_id = -1;
    FLOE_TRY(plan(state, err));
    count_removed_deletes(state);
    if (state->run_count == 0 && state->result.delete_files == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_compact_rewrite(state, err));
    FLOE_TRY(floe_import_commit(state->import, &committed, err));
    state->result.snapshot_id = committed.snapshot_id;
    return FLOE_OK;
}

floe_status floe_table_compact(floe_lake *lake, const floe_compact_request *request, const floe_run *run,
                               floe_compact_result *ret_result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(8));
    floe_import_request writing = {.table = request->table, .mode = FLOE_IMPORT_APPEND};
    floe_import import = {.lake = lake, .request = &writing, .run = run ? run : lake->run, .arena = &arena};
    compaction state = {.lake = lake, .request = request, .import = &import, .arena = &arena};
    floe_import_uuid(import.uuid);
    floe_map_init(&state.replaced, &arena);
    floe_status status = compact(&state, err);
    floe_session_close(&import.session);
    floe_table_close(&import.table);
    floe_table_close(&import.origin);
    if (floe_failed(status)) {
        floe_import_discard(&import);
        return status;
    }
    *ret_result = state.result;
    return FLOE_OK;
}
