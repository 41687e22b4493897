/*
 * What every way to a dataset begins with: a session whose engine keeps to its share of the memory, the question, the spine,
 * and the scans of its sources, planned within the times that the spine reaches.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/spill.h"
#include "offline/together.h"

#include <string.h>

#define ENGINE_COLUMN FLOE_KIB(40) /* of each column beyond that: its cells of a chunk, three times */
#define WRITER_BESIDE FLOE_MIB(16)
#define MUCH_MEMORY FLOE_GIB(4) /* of which three eighths are all that the engine uses */
#define ENGINE_BESIDE FLOE_MIB(48)
#define TEXT_READER_BYTES FLOE_MIB(72) /* of one thread of the engine that reads text */
#define PROCESS_LEAST FLOE_MIB(40)     /* before any work */

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

/* The engine's own setting is that of the whole process, and stays. */
floe_status floe_dataset_set_engine(dataset_job *job, uint64_t bytes, floe_error *err) {
    job->engine_bytes = bytes;
    return floe_session_limit_memory(job->session, bytes, err);
}

static uint64_t memory_of(const dataset_job *job) {
    return job->request->memory_bytes > 0 ? job->request->memory_bytes : floe_memory_total() / 2;
}

/* The kernel has nothing yet, and text is read by buffers of 32 MB, several for each thread: meanwhile the engine has the kernel's memory
 * too, and no more threads than can read with it. */
static floe_status read_spine(dataset_job *job, const floe_column *keys, size_t key_count, floe_error *err) {
    uint64_t share = job->engine_bytes, bytes = memory_of(job), beside = PROCESS_LEAST + ENGINE_BESIDE;
    FLOE_TRY(floe_dataset_set_engine(job, bytes > share + beside ? bytes - beside : share, err));
    FLOE_TRY(floe_threads_at_most(job, (int64_t)(job->engine_bytes / TEXT_READER_BYTES), err));
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

floe_status floe_dataset_feed(const dataset_job *job, const source_scan *scan, const row_progress *progress,
                              floe_pit *pit, size_t need_index, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_TRY(floe_source_sql(scan, job->session, &sql, err));
    floe_status status = floe_dataset_feed_query(job->session, sql.ptr, progress, pit, need_index, err);
    return floe_failed(status)
               ? floe_error_prefix(err, status, "source %.*s", FLOE_STR_ARG(scan->need->source->about.name))
               : FLOE_OK;
}

static void close_scans(dataset_job *job) {
    for (size_t i = 0; i < job->scan_count; i++) {
        floe_source_close(&job->scans[i]);
    }
    job->scan_count = 0;
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

/* What the engine counts as its own. */
static floe_status count_engine(const dataset_job *job, uint64_t *ret_bytes, floe_error *err) {
    floe_query_rows rows;
    FLOE_TRY(floe_session_query(job->session,
                                "SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT) FROM duckdb_memory()",
                                NULL, job->arena, &rows, err));
    *ret_bytes = (uint64_t)rows.values[0].as.integer;
    return FLOE_OK;
}

static uint64_t at_least_nothing(uint64_t bytes, uint64_t used) {
    return bytes > used ? bytes - used : 0;
}

/* What is beside the answers, and beside what the engine counts, while it writes. */
static uint64_t beside_writer(const dataset_job *job, uint64_t columns) {
    return WRITER_BESIDE + floe_rows_writer_bytes(columns, job->label_count) +
           floe_given_hash_bytes(columns, job->label_count);
}

floe_status floe_dataset_share_run(dataset_job *job, floe_error *err) {
    uint64_t columns = job->spine.column_count + job->asked->ref_count, engine, bytes = memory_of(job);
    uint64_t threads = (uint64_t)floe_thread_count(job->run ? job->run->threads : 0);
    uint64_t writers =
        floe_pit_spilled_bytes(job->kernel_bytes) + DATASET_ENGINE_LEAST + threads * columns * DATASET_WRITER_BYTES;
    FLOE_TRY(count_engine(job, &engine, err));
    uint64_t run = at_least_nothing(bytes, PROCESS_LEAST + ENGINE_BESIDE + engine);
    job->run_bytes = run > job->kernel_bytes ? run : job->kernel_bytes;
    job->answers_bytes = at_least_nothing(bytes, PROCESS_LEAST + engine + beside_writer(job, columns) + writers);
    return FLOE_OK;
}

/* The engine has what the process, the kernel's answers and the writer beside it leave; not less than it cannot write with. */
floe_status floe_dataset_kernel_done(dataset_job *job, floe_error *err) {
    uint64_t columns = job->spine.column_count + job->asked->ref_count, engine, resident;
    FLOE_TRY(count_engine(job, &engine, err));
    resident = floe_mem_resident();
    resident = resident > engine + PROCESS_LEAST ? resident - engine : PROCESS_LEAST;
    uint64_t readback = job->answers.pieces ? floe_pit_readback_bytes(job->answers.pit) : 0;
    /* Answers in tables of the engine's are sorted yet, for which it needs what it does not count. */
    uint64_t sort = job->answers.pieces ? 0 : ENGINE_BESIDE;
    uint64_t beside = resident + readback + sort + beside_writer(job, columns);
    uint64_t bytes = memory_of(job), least = DATASET_ENGINE_LEAST + columns * ENGINE_COLUMN;
    least += job->answers.pieces ? 0 : floe_partition_table_bytes(job) / 2;
    return floe_dataset_set_engine(job, bytes > beside + least ? bytes - beside : least, err);
}

floe_status floe_dataset_engine_alone(dataset_job *job, floe_error *err) {
    uint64_t bytes = memory_of(job), beside = PROCESS_LEAST + ENGINE_BESIDE;
    if (job->request->memory_bytes > 0) {
        floe_mem_return_early();
    }
    return floe_dataset_set_engine(job, bytes > beside + DATASET_ENGINE_LEAST ? bytes - beside : DATASET_ENGINE_LEAST,
                                   err);
}

/* Half of the memory is the kernel's, and more of much, the rest the engine's, which also needs some beside what it counts. */
static floe_status share_memory(dataset_job *job, floe_error *err) {
    uint64_t bytes = memory_of(job);
    job->kernel_bytes = bytes < MUCH_MEMORY ? bytes / 2 : bytes / 8 * 5;
    uint64_t rest = bytes - job->kernel_bytes;
    uint64_t engine = rest > DATASET_ENGINE_LEAST + ENGINE_BESIDE ? rest - ENGINE_BESIDE : DATASET_ENGINE_LEAST;
    if (job->request->memory_bytes > 0) {
        floe_mem_return_early();
    }
    return floe_dataset_set_engine(job, engine, err);
}

static void job_cleanup(dataset_job *job) {
    floe_dataset_answers_close(&job->answers);
    close_scans(job);
}

/* The engine says how much of what it could not have, but not who gave it how much. */
static floe_status tell_memory(const dataset_job *job, floe_status status, floe_error *err) {
    bool engine = status.code == FLOE_LIMIT && err &&
                  (strstr(err->message, "could not allocate") || strstr(err->message, "failed to pin block"));
    return engine
               ? floe_error_prefix(
                     err, status, "%llu MB of memory do not do; give more (--memory) or take fewer threads (--threads)",
                     (unsigned long long)(memory_of(job) / 1000000))
               : status;
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
    FLOE_TRY(share_memory(&job, err));
    floe_status status = work(&job, context, err);
    floe_status again = floe_threads_back(&job, floe_failed(status) ? NULL : err);
    status = floe_failed(status) ? status : again;
    if (floe_failed(status) && run && run->cancelled && atomic_load(run->cancelled)) {
        /* What an interrupted engine says of the file it was reading ("decompression failure") is not about the file. */
        floe_error_clear(err);
        return FLOE_FAIL(err, FLOE_CANCELLED, "cancelled");
    }
    return tell_memory(&job, floe_drift_status(status, err), err);
}
