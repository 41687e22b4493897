/*
 * Which files a compaction puts together.
 *
 * Rule: a run is made of neighbours of one partition in the order in which a scan reads them; it ends before the target
 *       size is passed. A file belongs to a run when it is small (under three quarters of the target) or deletes apply to
 *       it, and the filter keeps it. A run of one file is rewritten only where deletes apply.
 * Invariant: the new file has the largest data sequence number of its run and a path between those of the run's
 *            neighbours, so that no two rows of a partition change their order.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"
#include "offline/iceberg/deletes.h"
#include "offline/iceberg/prune.h"

#include <inttypes.h>

/* ---- partitions ---- */

floe_status floe_compact_partitions(const floe_table_scan_files *plan, floe_arena *arena, floe_ptrs *ret_partitions,
                                    floe_error *err) {
    floe_map by_key;
    floe_map_init(&by_key, arena);
    for (size_t i = 0; i < plan->file_count; i++) {
        floe_str key = {0};
        FLOE_TRY(floe_import_partition_key(plan->files[i], arena, &key, err));
        compact_partition *partition = floe_map_get(&by_key, key);
        if (!partition) {
            partition = floe_arena_alloc(arena, 1, sizeof *partition);
            FLOE_TRY(floe_arena_check(arena, err));
            floe_map_put(&by_key, key, partition);
            floe_ptrs_append(ret_partitions, arena, partition);
        }
        size_t *slot = FLOE_ARENA_PUSH(arena, partition->files, partition->file_count, partition->file_capacity);
        FLOE_TRY(floe_arena_check(arena, err));
        *slot = i;
    }
    return FLOE_OK;
}

/* ---- which files ---- */

static floe_status make_pruner(compaction *state, floe_pruner *ret_pruner, floe_error *err) {
    const floe_ice_schema *schema = state->plan.schema;
    floe_expr *filter = NULL;
    if (state->request->where) {
        floe_column *columns = floe_arena_alloc(state->arena, schema->field_count + 1, sizeof *columns);
        FLOE_TRY(floe_arena_check(state->arena, err));
        for (size_t i = 0; i < schema->field_count; i++) {
            columns[i] = (floe_column){schema->fields[i].name, floe_ice_type_to_floe(schema->fields[i].type)};
        }
        floe_status status = floe_expr_parse(state->arena, floe_str_of(state->request->where), &filter, err);
        if (!floe_failed(status)) {
            status = floe_expr_bind(filter, state->arena, columns, schema->field_count, err);
        }
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "--where");
        }
    }
    return floe_pruner_init(ret_pruner, filter, schema, state->arena, err);
}

typedef struct run_finder {
    compaction *state;
    floe_pruner pruner;
    const compact_partition *partition;
    floe_str low; /* path of the file before the run, as it will be; ptr NULL: none of the same sequence number */
    int64_t low_sequence;
} run_finder;

static bool is_candidate(const run_finder *finder, const floe_ice_data_file *file) {
    const compaction *state = finder->state;
    const floe_ice_spec *spec = floe_ice_spec_by_id(state->plan.metadata, file->spec_id);
    bool small = file->file_len < state->target_bytes / 4 * 3;
    return (small || file->deletes) && floe_prune_file(&finder->pruner, file, spec) == FLOE_PRUNE_KEEP;
}

/* ---- runs ---- */

static const floe_ice_data_file *file_at(const run_finder *finder, size_t at) {
    return finder->state->plan.files[finder->partition->files[at]];
}

static bool is_worth_it(const run_finder *finder, size_t from, size_t to) {
    return to - from > 1 || file_at(finder, from)->deletes != NULL;
}

/* The file before the next run is now this one. */
static void pass(run_finder *finder, floe_str path, int64_t sequence_number) {
    finder->low = path;
    finder->low_sequence = sequence_number;
}

static floe_status keep_run(run_finder *finder, size_t from, size_t to, floe_str path, floe_error *err) {
    compaction *state = finder->state;
    compact_run *run = FLOE_ARENA_PUSH(state->arena, state->runs, state->run_count, state->run_capacity);
    FLOE_TRY(floe_arena_check(state->arena, err));
    *run = (compact_run){.files = finder->partition->files + from, .file_count = to - from, .path = path};
    for (size_t i = from; i < to; i++) {
        state->result.bytes_before += file_at(finder, i)->file_len;
        state->result.rows_before += file_at(finder, i)->record_count;
    }
    state->result.files_before += (int64_t)(to - from);
    pass(finder, path, file_at(finder, to - 1)->sequence_number);
    return FLOE_OK;
}

/* Where no path lies between the neighbours the files stay as they are. */
static floe_status add_run(run_finder *finder, size_t from, size_t to, floe_error *err) {
    compaction *state = finder->state;
    const floe_ice_data_file *last = file_at(finder, to - 1);
    floe_str low = finder->low_sequence == last->sequence_number ? finder->low : (floe_str){0};
    floe_str high = {0}, path = {0};
    char mark[37];
    if (to < finder->partition->file_count && file_at(finder, to)->sequence_number == last->sequence_number) {
        high = file_at(finder, to)->path;
    }
    floe_import_uuid(mark);
    FLOE_TRY(floe_compact_path_between(low, high, last->path, mark, state->arena, &path, err));
    if (path.ptr) {
        return keep_run(finder, from, to, path, err);
    }
    state->result.runs_left_out++;
    pass(finder, last->path, last->sequence_number);
    return FLOE_OK;
}

/* The end of the run that begins at `from`. */
static size_t run_end(const run_finder *finder, size_t from) {
    int64_t bytes = 0;
    size_t to = from;
    while (to < finder->partition->file_count && is_candidate(finder, file_at(finder, to))) {
        bytes += file_at(finder, to)->file_len;
        if (to > from && bytes > finder->state->target_bytes) {
            break;
        }
        to++;
    }
    return to;
}

static floe_status find_in_partition(run_finder *finder, floe_error *err) {
    finder->low = (floe_str){0};
    finder->low_sequence = -1;
    for (size_t from = 0; from < finder->partition->file_count;) {
        size_t to = run_end(finder, from);
        if (to > from && is_worth_it(finder, from, to)) {
            FLOE_TRY(add_run(finder, from, to, err));
        } else {
            to = to > from ? to : from + 1;
            pass(finder, file_at(finder, to - 1)->path, file_at(finder, to - 1)->sequence_number);
        }
        from = to;
    }
    return FLOE_OK;
}

static floe_status remember(compaction *state, floe_error *err) {
    for (size_t r = 0; r < state->run_count; r++) {
        for (size_t i = 0; i < state->runs[r].file_count; i++) {
            floe_map_put(&state->replaced, state->plan.files[state->runs[r].files[i]]->path, &state->runs[r]);
        }
    }
    return floe_arena_check(state->arena, err);
}

floe_status floe_compact_find_runs(compaction *state, floe_error *err) {
    run_finder finder = {.state = state};
    FLOE_TRY(make_pruner(state, &finder.pruner, err));
    FLOE_TRY(floe_compact_partitions(&state->plan, state->arena, &state->partitions, err));
    for (size_t i = 0; i < state->partitions.count; i++) {
        finder.partition = state->partitions.items[i];
        FLOE_TRY(find_in_partition(&finder, err));
    }
    state->result.partitions = (int64_t)state->partitions.count;
    return remember(state, err);
}
