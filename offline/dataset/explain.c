/*
 * What a build would do, without doing it: the spine is read and the sources are planned, because only then the times are
 * known that prune partitions, files and row groups.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

#define KEY_BYTES                                                                                                      \
    144 /* of one key, which every label may have for itself: its bytes, its number, and room to find it by */
#define FOOTERS_MAX 2000 /* more files are not opened only to count their row groups */

typedef struct explanation {
    floe_arena *arena;
    floe_dataset_step *steps;
    size_t count, capacity;
} explanation;

static floe_status add_step(explanation *e, floe_dataset_step step, floe_error *err) {
    floe_dataset_step *added = FLOE_ARENA_PUSH(e->arena, e->steps, e->count, e->capacity);
    FLOE_TRY(floe_arena_check(e->arena, err));
    *added = step;
    return FLOE_OK;
}

static floe_dataset_step empty_step(const char *step) {
    return (floe_dataset_step){.step = floe_str_of(step),
                               .rows = -1,
                               .bytes = -1,
                               .files_read = -1,
                               .files_total = -1,
                               .files_pruned_by_partition = -1,
                               .files_pruned_by_bounds = -1,
                               .row_groups_read = -1,
                               .row_groups_total = -1,
                               .memory_bytes = -1,
                               .time_us = -1};
}

/* ---- row groups ---- */

static void append_files(const source_scan *scan, floe_buf *sql) {
    floe_buf_text(sql, "[");
    for (size_t i = 0; i < scan->files.file_count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        floe_sql_quote_path(sql, floe_str_of(scan->files.local_paths[i]));
    }
    floe_buf_text(sql, "]");
}

/* Objects without a copy here are not fetched only to count their row groups. */
static bool are_here(const source_scan *scan) {
    bool here = scan->files.file_count > 0 && scan->files.file_count <= FOOTERS_MAX;
    for (size_t i = 0; here && i < scan->files.file_count; i++) {
        here = floe_file_exists(scan->files.local_paths[i]);
    }
    return here;
}

/* Row groups whose range of event times meets the range that is needed. The column is looked for by its name; a file that
 * knows it by another, or has no statistics, counts as read. */
static floe_status count_row_groups(const dataset_job *job, const source_scan *scan, floe_dataset_step *step,
                                    floe_error *err) {
    if (!are_here(scan)) {
        return FLOE_OK;
    }
    char first[FLOE_TIME_TEXT_MAX], last[FLOE_TIME_TEXT_MAX];
    const floe_pit_need *need = scan->need;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "WITH g AS (SELECT file_name, row_group_id, min(coalesce(stats_min_value, stats_min)) FILTER "
                        "(path_in_schema = ");
    floe_sql_quote_text(&sql, need->source->event_time);
    floe_buf_text(&sql, ") AS low, max(coalesce(stats_max_value, stats_max)) FILTER (path_in_schema = ");
    floe_sql_quote_text(&sql, need->source->event_time);
    floe_buf_text(&sql, ") AS high FROM parquet_metadata(");
    append_files(scan, &sql);
    floe_buf_text(&sql, ") GROUP BY ALL) SELECT count(*), count(*) FILTER (coalesce(true");
    if (need->earliest_us != INT64_MIN) {
        floe_buf_printf(&sql, " AND TRY_CAST(TRY_CAST(high AS TIMESTAMPTZ) AS TIMESTAMP) >= TIMESTAMP '%s'",
                        floe_time_format(need->earliest_us, first));
    }
    if (need->latest_us != INT64_MAX && need->latest_us != INT64_MIN) {
        floe_buf_printf(&sql, " AND TRY_CAST(TRY_CAST(low AS TIMESTAMPTZ) AS TIMESTAMP) <= TIMESTAMP '%s'",
                        floe_time_format(need->latest_us, last));
    }
    floe_buf_text(&sql, ", true)) FROM g");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(job->session, sql.ptr, NULL, job->arena, &rows, err));
    step->row_groups_total = rows.values[0].as.integer;
    step->row_groups_read = rows.values[1].as.integer;
    return FLOE_OK;
}

/* ---- steps ---- */

static const char *time_text(floe_arena *arena, int64_t micros, const char *unbounded) {
    char text[FLOE_TIME_TEXT_MAX];
    bool bounded = micros != INT64_MIN && micros != INT64_MAX;
    return floe_arena_strdup(arena, bounded ? floe_time_format(micros, text) : unbounded);
}

static const char *events_text(floe_arena *arena, const floe_pit_need *need) {
    if (need->latest_us == INT64_MIN) {
        return "no events, because no row of the spine has a time";
    }
    const char *first = time_text(arena, need->earliest_us, "the first");
    return floe_arena_printf(arena, "events from %s to %s", first, time_text(arena, need->latest_us, "the last"));
}

static floe_status explain_source(const dataset_job *job, const source_scan *scan, explanation *e, floe_error *err) {
    const floe_pit_need *need = scan->need;
    const floe_scan_plan *plan = &scan->files.plan;
    floe_dataset_step step = empty_step("source");
    int64_t threads, all;
    floe_str *columns;
    size_t column_count;
    FLOE_TRY(floe_threads_of_scan(job, scan, &threads, &all, err));
    FLOE_TRY(floe_source_columns(scan, e->arena, &columns, &column_count, err));
    const char *fewer =
        threads < all ? floe_arena_printf(e->arena, ", by %" PRId64 " of %" PRId64 " threads", threads, all) : "";
    FLOE_TRY(floe_arena_check(e->arena, err));
    step.what = floe_str_of(floe_arena_printf(
        e->arena, "%.*s (%.*s at %" PRId64 "), %zu of %zu columns, %s%s%.*s%s%s%.*s",
        FLOE_STR_ARG(need->source->about.name), FLOE_STR_ARG(need->source->table), plan->snapshot_id, column_count,
        scan->files.schema ? scan->files.schema->field_count : need->source->column_count, events_text(e->arena, need),
        need->shared_where.len > 0 ? ", where " : "", FLOE_STR_ARG(need->shared_where), fewer,
        plan->note.len > 0 ? "; " : "", FLOE_STR_ARG(plan->note)));
    step.table = floe_str_of(floe_arena_strndup(e->arena, need->source->table.ptr, need->source->table.len));
    step.rows = plan->rows;
    step.bytes = plan->bytes;
    step.files_read = plan->files_read;
    step.files_total = plan->files_total;
    step.files_pruned_by_partition = plan->files_pruned_by_partition;
    step.files_pruned_by_bounds = plan->files_pruned_by_bounds;
    FLOE_TRY(count_row_groups(job, scan, &step, err));
    return add_step(e, step, err);
}

static floe_status explain_join(const dataset_job *job, explanation *e, floe_error *err) {
    floe_dataset_step step = empty_step("join");
    size_t parts = floe_partition_parts(job);
    const char *how = job->pit ? "generated SQL on the engine" : "request features alone, over the spine";
    if (job->pit && !job->request->by_sql) {
        FLOE_TRY(floe_partition_text(job, e->arena, &how, err));
    }
    step.what = floe_str_of(floe_arena_printf(e->arena, "%zu %s, %s", job->asked->ref_count,
                                              job->asked->ref_count == 1 ? "feature" : "features", how));
    step.rows = job->label_count;
    uint64_t bytes = floe_partition_estimate(job) + (uint64_t)job->label_count * KEY_BYTES;
    step.memory_bytes = (int64_t)(parts > 1 || job->request->by_sql ? job->kernel_bytes : bytes);
    return add_step(e, step, err);
}

static floe_status explain(dataset_job *job, void *context, floe_error *err) {
    explanation *e = context;
    floe_dataset_progress(job, "reading the spine", -1);
    int64_t started_us = floe_monotonic_us();
    FLOE_TRY(floe_dataset_load_spine(job, err));
    int64_t spine_us = floe_monotonic_us() - started_us;
    FLOE_TRY(floe_dataset_plan_scans(job, err));
    floe_str time = job->spine.time_column.len > 0 ? job->spine.time_column : FLOE_STR("none");
    floe_dataset_step step = empty_step("spine");
    step.what = floe_str_of(floe_arena_printf(e->arena, "%s, time %.*s, %zu columns", job->request->spine,
                                              FLOE_STR_ARG(time), job->spine.column_count));
    step.rows = job->label_count;
    step.time_us = spine_us;
    FLOE_TRY(add_step(e, step, err));
    for (size_t i = 0; i < job->scan_count; i++) {
        FLOE_TRY(explain_source(job, &job->scans[i], e, err));
    }
    FLOE_TRY(explain_join(job, e, err));
    step = empty_step("write");
    step.what = floe_str_of(job->request->out);
    step.rows = job->label_count;
    step.memory_bytes = (int64_t)job->engine_bytes;
    FLOE_TRY(add_step(e, step, err));
    return floe_arena_check(e->arena, err);
}

floe_status floe_dataset_explain(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                                 floe_arena *arena, floe_dataset_step **ret_steps, size_t *ret_count, floe_error *err) {
    explanation e = {.arena = arena};
    FLOE_TRY(floe_dataset_job_run(lake, request, run, arena, explain, &e, err));
    *ret_steps = e.steps;
    *ret_count = e.count;
    return FLOE_OK;
}
