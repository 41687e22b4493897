/*
 * What every way to a dataset begins with: a session whose engine keeps to its share of the memory (memory.c), the question, the spine,
 * and the scans of its sources, planned within the times that the spine reaches.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <string.h>

/* The answer's columns may not hide the spine's. The engine's names do not know case, so neither does this. */
static floe_status check_names(const floe_dataset_request *request, const spine_table *spine, floe_error *err) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(1));
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_ref *ref = &request->refs[i];
        char text[FLOE_REF_NAME_MAX];
        floe_buf_clear(&name);
        floe_buf_text(&name, floe_ref_name(ref, "__", text));
        FLOE_TRY(floe_buf_check(&name, err));
        for (size_t c = 0; c < spine->column_count; c++) {
            FLOE_ENSURE(spine->columns[c].name.len != name.len ||
                            strncasecmp(spine->columns[c].name.ptr, name.ptr, name.len) != 0,
                        err, FLOE_INVALID, "the spine already has a column \"%s\"; rename or drop it", name.ptr);
        }
    }
    return FLOE_OK;
}

floe_status floe_dataset_labels_sql(const dataset_job *job, const floe_pit *pit, floe_buf *out, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    return floe_spine_labels_sql(job->request, &job->spine, keys, key_count, "spine", out, err);
}

static floe_status feed(const dataset_job *job, const char *sql, floe_pit *pit, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_session_stream(job->session, sql, NULL, &stream, err));
    return floe_pit_labels(pit, &stream, err);
}

floe_status floe_dataset_feed_bounds(const dataset_job *job, floe_pit *pit, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(4));
    floe_buf_text(&sql, "WITH l AS (");
    FLOE_TRY(floe_dataset_labels_sql(job, pit, &sql, err));
    floe_buf_text(&sql, ") (SELECT * FROM l WHERE __floe_time = (SELECT min(__floe_time) FROM l) LIMIT 1) UNION ALL "
                        "(SELECT * FROM l WHERE __floe_time = (SELECT max(__floe_time) FROM l) LIMIT 1)");
    FLOE_TRY(floe_buf_check(&sql, err));
    return feed(job, sql.ptr, pit, err);
}

const floe_column *floe_dataset_keys(const dataset_job *job, size_t *ret_count) {
    *ret_count = 0;
    return job->pit ? floe_pit_keys(job->pit, ret_count) : NULL;
}

const floe_pit_need *floe_dataset_needs(const dataset_job *job, size_t *ret_count) {
    *ret_count = 0;
    return job->pit ? floe_pit_needs(job->pit, ret_count) : NULL;
}

static floe_status ask_spine(dataset_job *job, const char *select, const char *from, floe_query_rows *ret_rows,
                             floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_buf_printf(&sql, "SELECT %s FROM (SELECT ", select);
    floe_str time = job->spine.time_column;
    if (time.len > 0) {
        floe_sql_quote_name(&sql, time);
    }
    floe_buf_printf(&sql, "%s AS t%s FROM spine)", time.len > 0 ? "" : "0", from);
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_query(job->session, sql.ptr, NULL, job->arena, ret_rows, err);
}

/* The rows, and those that have no time, which nothing can match. */
static floe_status count_labels(dataset_job *job, floe_error *err) {
    floe_query_rows rows;
    FLOE_TRY(ask_spine(job, "count(*), count(*) FILTER (t IS NULL)", "", &rows, err));
    job->label_count = rows.values[0].as.integer;
    job->null_times = job->pit ? rows.values[1].as.integer : 0; /* Request features alone ask for no time. */
    if (job->null_times > 0) {
        FLOE_TRY(ask_spine(job, "min(r) FILTER (t IS NULL)", ", row_number() OVER () AS r", &rows, err));
        job->null_time_row = rows.values[0].as.integer;
    }
    return FLOE_OK;
}

static floe_status read_spine(dataset_job *job, const floe_column *keys, size_t key_count, floe_error *err) {
    uint64_t share = job->engine_bytes;
    FLOE_TRY(floe_dataset_memory_for_spine(job, err));
    FLOE_TRY(floe_spine_load(job->lake, job->session, job->request, keys, key_count, job->arena, &job->spine, err));
    FLOE_TRY(floe_threads_back(job, err));
    return floe_dataset_set_engine(job, share, err);
}

floe_status floe_dataset_load_spine(dataset_job *job, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_dataset_keys(job, &key_count);
    FLOE_TRY(read_spine(job, keys, key_count, err));
    FLOE_TRY(check_names(job->asked, &job->spine, err));
    FLOE_TRY(floe_dataset_check_inputs(job, err));
    FLOE_TRY(floe_spine_check_keys(job->session, job->request, err));
    FLOE_TRY(count_labels(job, err));
    return job->pit ? floe_dataset_feed_bounds(job, job->pit, err) : FLOE_OK;
}

static void close_scans(dataset_job *job) {
    for (size_t i = 0; i < job->scan_count; i++) {
        floe_source_close(&job->scans[i]);
    }
    job->scan_count = 0;
}

floe_pit_options floe_dataset_pit_options(const dataset_job *job) {
    return (floe_pit_options){.as_known = job->request->as_known,
                              .ignore_at = job->request->ignore_at,
                              .threads = job->run ? job->run->threads : 0,
                              .memory_bytes = job->kernel_bytes};
}

floe_status floe_dataset_plan_scans(dataset_job *job, floe_error *err) {
    size_t count;
    const floe_pit_need *needs = floe_dataset_needs(job, &count);
    job->scans = floe_arena_alloc(job->arena, count + 1, sizeof(*job->scans));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < count; i++) {
        const floe_dataset_pin *pin;
        FLOE_TRY(floe_source_pin(job->request, needs[i].source, &pin, err));
        FLOE_TRY(floe_source_plan(job->lake, &needs[i], pin, job->arena, &job->scans[i], err));
        job->scan_count++;
    }
    return FLOE_OK;
}

static void job_cleanup(dataset_job *job) {
    floe_dataset_answers_close(&job->answers);
    close_scans(job);
}

floe_status floe_dataset_job_run(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                                 floe_arena *arena, floe_dataset_work work, void *context, floe_error *err) {
    floe_engine *engine;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, run, &session, err));
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = request->as_known, .ignore_at = request->ignore_at};
    floe_dataset_request views;
    FLOE_TRY(floe_dataset_of_views(request, arena, &views, err));
    if (views.ref_count > 0) {
        FLOE_TRY(floe_pit_open(views.refs, views.ref_count, &options, &pit, err));
    }
    FLOE_CLEANUP(job_cleanup)
    dataset_job job = {
        .lake = lake, .session = session, .request = &views, .asked = request, .run = run, .arena = arena, .pit = pit};
    FLOE_TRY(floe_dataset_share_memory(&job, err));
    floe_status status = work(&job, context, err);
    floe_status again = floe_threads_back(&job, floe_failed(status) ? NULL : err);
    status = floe_failed(status) ? status : again;
    if (floe_failed(status) && run && run->cancelled && atomic_load(run->cancelled)) {
        /* What an interrupted engine says of the file it was reading ("decompression failure") is not about the file. */
        floe_error_clear(err);
        return FLOE_FAIL(err, FLOE_CANCELLED, "cancelled");
    }
    return floe_dataset_tell_memory(&job, floe_drift_status(status, err), err);
}
