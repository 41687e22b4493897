/*
 * A training set, from request to file and manifest. Nothing is left behind by a build that fails or is cancelled: the
 * output is prepared beside its place, then the manifest is written, last the output is renamed into place; the session's
 * temporary tables go with it.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"
#include "offline/spill.h"

#include <inttypes.h>
#include <stdio.h>

#define ENGINE_LEAST FLOE_MIB(64) /* with less the engine cannot write a file */
#define ENGINE_BESIDE FLOE_MIB(48)

void floe_dataset_progress(const dataset_job *job, const char *step, double fraction) {
    if (job->run && job->run->progress) {
        job->run->progress(job->run->progress_context, step, fraction);
    }
}

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
        for (size_t other = 0; other < i; other++) {
            FLOE_ENSURE(request->refs[other].output != ref->output, err, FLOE_INVALID,
                        "the feature %s is asked for twice", floe_ref_name(ref, ":", text));
        }
    }
    return FLOE_OK;
}

/* SELECT … AS labels, of the whole spine. */
static floe_status labels_sql(const dataset_job *job, const floe_pit *pit, floe_buf *out, floe_error *err) {
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
    FLOE_TRY(labels_sql(job, pit, &sql, err));
    floe_buf_text(&sql, ") (SELECT * FROM l WHERE __time = (SELECT min(__time) FROM l) LIMIT 1) UNION ALL "
                        "(SELECT * FROM l WHERE __time = (SELECT max(__time) FROM l) LIMIT 1)");
    FLOE_TRY(floe_buf_check(&sql, err));
    return feed(job, sql.ptr, pit, err);
}

floe_status floe_dataset_load_spine(dataset_job *job, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(job->pit, &key_count);
    floe_query_rows rows;
    FLOE_TRY(floe_spine_load(job->lake, job->session, job->request, keys, key_count, job->arena, &job->spine, err));
    FLOE_TRY(check_names(job->asked, &job->spine, err));
    FLOE_TRY(floe_session_query(job->session, "SELECT count(*) FROM spine", NULL, job->arena, &rows, err));
    job->label_count = rows.values[0].as.integer;
    return floe_dataset_feed_bounds(job, job->pit, err);
}

/* The engine types that the content hash reads as they are; others are hashed as their text. */
static bool is_plain(floe_str type) {
    static const char *const plain[] = {"BOOLEAN",  "TINYINT",   "SMALLINT", "INTEGER",   "BIGINT",
                                        "FLOAT",    "DOUBLE",    "VARCHAR",  "BLOB",      "DATE",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (floe_str_is(type, plain[i])) {
            return true;
        }
    }
    return floe_str_starts_with(type, FLOE_STR("DECIMAL(")) && !floe_str_ends_with(type, FLOE_STR("]"));
}

floe_status floe_dataset_hash_rows(const dataset_job *job, const char *rest, size_t first_stats, content_hash *ret_hash,
                                   floe_error *err) {
    const spine_table *spine = &job->spine;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(16));
    floe_buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < spine->column_count; i++) {
        bool plain = is_plain(spine->columns[i].type);
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_buf_text(&sql, plain ? "s." : "CAST(s.");
        floe_sql_quote_name(&sql, spine->columns[i].name);
        if (!plain) {
            floe_buf_text(&sql, " AS VARCHAR) AS ");
            floe_sql_quote_name(&sql, spine->columns[i].name);
        }
    }
    floe_buf_text(&sql, rest);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &stream, err));
    return floe_content_hash(&stream, first_stats, job->arena, ret_hash, err);
}

/* The table "answer", by the kernel, everything at once. */
static floe_status answer_at_once(const dataset_job *job, floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = job->request->as_known, .ignore_at = job->request->ignore_at};
    FLOE_TRY(floe_pit_open(job->request->refs, job->request->ref_count, &options, &pit, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    FLOE_TRY(labels_sql(job, pit, &sql, err));
    FLOE_TRY(feed(job, sql.ptr, pit, err));
    for (size_t i = 0; i < job->scan_count; i++) {
        floe_dataset_progress(job, "reading sources", (double)i / (double)job->scan_count);
        FLOE_TRY(floe_source_feed(&job->scans[i], job->session, pit, i, err));
    }
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_pit_run(pit, job->run, err));
    floe_pit_stats_get(pit, ret_stats);
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    return floe_session_load(job->session, "answer", &stream, err);
}

static void close_scans(dataset_job *job) {
    for (size_t i = 0; i < job->scan_count; i++) {
        floe_source_close(&job->scans[i]);
    }
    job->scan_count = 0;
}

static floe_status plan_scans(dataset_job *job, floe_error *err) {
    size_t count;
    const floe_pit_need *needs = floe_pit_needs(job->pit, &count);
    job->scans = floe_arena_alloc(job->arena, count, sizeof(*job->scans));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < count; i++) {
        const floe_dataset_pin *pin;
        FLOE_TRY(floe_source_pin(job->request, needs[i].source, &pin, err));
        FLOE_TRY(floe_source_plan(job->lake, &needs[i], pin, job->arena, &job->scans[i], err));
        job->scan_count++;
    }
    return FLOE_OK;
}

static floe_status answer_by_kernel(dataset_job *job, source_use *uses, floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_TRY(plan_scans(job, err));
    for (size_t i = 0; i < job->scan_count; i++) {
        uses[i] = floe_source_used(&job->scans[i]);
    }
    return floe_partition_estimate(job) <= job->kernel_bytes ? answer_at_once(job, ret_stats, err)
                                                             : floe_partition_answer(job, ret_stats, err);
}

/* The table "answer". */
static floe_status answer(dataset_job *job, dataset_facts *facts, floe_error *err) {
    size_t need_count;
    (void)floe_pit_needs(job->pit, &need_count);
    source_use *uses = floe_arena_alloc(job->arena, need_count, sizeof(*uses));
    FLOE_TRY(floe_arena_check(job->arena, err));
    facts->sources = uses;
    facts->source_count = need_count;
    if (!job->request->by_sql) {
        return answer_by_kernel(job, uses, &facts->stats, err);
    }
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_dataset_answer_by_sql(job, uses, &facts->stats.ties, err));
    for (size_t i = 0; i < need_count; i++) {
        facts->stats.rows_fed += uses[i].plan.rows;
    }
    return FLOE_OK;
}

/* The spine's hash, before any work is done for a spine that is not the one that was kept. */
static floe_status hash_spine(const dataset_job *job, content_hash *ret_hash, floe_error *err) {
    FLOE_TRY(floe_dataset_hash_rows(job, " FROM spine s", SIZE_MAX, ret_hash, err));
    const char *expected = job->request->expect_spine;
    FLOE_ENSURE(
        !expected || strcmp(expected, ret_hash->hex) == 0, err, FLOE_CORRUPT,
        "the kept spine %s is not the one that the dataset was built for: its content hash is %s, the manifest says "
        "%s",
        job->request->spine, ret_hash->hex, expected);
    return FLOE_OK;
}

static floe_status check_content(const floe_dataset_request *request, const content_hash *content, floe_error *err) {
    FLOE_ENSURE(
        !request->expect_content || strcmp(request->expect_content, content->hex) == 0, err, FLOE_CONFLICT,
        "what comes out is not what was built: the content hash is %s, the manifest says %s; nothing was written",
        content->hex, request->expect_content);
    return FLOE_OK;
}

static floe_status finish(dataset_job *job, dataset_facts *facts, floe_dataset_result *result, floe_error *err) {
    const floe_dataset_request *request = job->request;
    content_hash content;
    FLOE_TRY(floe_dataset_hash_rows(job, ", a.* FROM spine s POSITIONAL JOIN answer a", job->spine.column_count,
                                    &content, err));
    FLOE_TRY(check_content(request, &content, err));
    facts->content = &content;
    result->row_count = content.row_count;
    FLOE_ASSERT(content.row_count == job->label_count); /* Every spine row exactly once. */
    snprintf(result->content_hash, sizeof(result->content_hash), "%s", content.hex);
    int64_t written = 0;
    FLOE_TRY(floe_rows_prepare(job->session, "SELECT s.*, a.* FROM spine s POSITIONAL JOIN answer a", request->out,
                               &written, err));
    floe_status status = floe_manifest_write(facts, result, err);
    if (floe_failed(status)) {
        floe_rows_discard(request->out);
        return status;
    }
    status = floe_rows_publish(request->out, err);
    if (floe_failed(status)) {
        floe_manifest_remove(request, result);
    }
    return status;
}

static floe_status build(dataset_job *job, floe_dataset_result *result, floe_error *err) {
    floe_dataset_progress(job, "reading the spine", -1);
    FLOE_TRY(floe_dataset_load_spine(job, err));
    dataset_facts facts = {.request = job->asked,
                           .view_refs = job->request->refs,
                           .view_ref_count = job->request->ref_count,
                           .spine = &job->spine,
                           .session = job->session,
                           .created_us = floe_now_us()};
    content_hash spine_hash;
    FLOE_TRY(hash_spine(job, &spine_hash, err));
    facts.spine_hash = spine_hash.hex;
    FLOE_TRY(answer(job, &facts, err));
    FLOE_TRY(floe_dataset_answer_requests(job, err));
    floe_dataset_progress(job, "writing", -1);
    result->source_rows = facts.stats.rows_fed;
    result->ties = facts.stats.ties;
    return finish(job, &facts, result, err);
}

/* Half of the memory is the kernel's, the rest the engine's, which also needs some beside what it counts. The engine's own
 * setting is that of the whole process, and stays. */
static floe_status share_memory(dataset_job *job, floe_error *err) {
    uint64_t asked = job->request->memory_bytes;
    uint64_t bytes = asked > 0 ? asked : floe_memory_total() / 2;
    job->kernel_bytes = bytes / 2;
    uint64_t engine = bytes / 2 > ENGINE_LEAST + ENGINE_BESIDE ? bytes / 2 - ENGINE_BESIDE : ENGINE_LEAST;
    const char *set = floe_arena_printf(job->arena, "SET memory_limit = '%" PRIu64 "B'", engine);
    FLOE_TRY(floe_arena_check(job->arena, err));
    return floe_session_run(job->session, set, NULL, NULL, err);
}

static void job_cleanup(dataset_job *job) {
    close_scans(job);
}

static floe_status open_and_build(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                                  floe_dataset_result *result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    floe_engine *engine;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, run, &session, err));
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = request->as_known, .ignore_at = request->ignore_at};
    floe_dataset_request views;
    FLOE_TRY(floe_dataset_of_views(request, &arena, &views, err));
    FLOE_TRY(floe_pit_open(views.refs, views.ref_count, &options, &pit, err));
    FLOE_CLEANUP(job_cleanup)
    dataset_job job = {
        .lake = lake, .session = session, .request = &views, .asked = request, .run = run, .arena = &arena, .pit = pit};
    FLOE_TRY(share_memory(&job, err));
    return build(&job, result, err);
}

floe_status floe_dataset_build(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                               floe_dataset_result *ret_result, floe_error *err) {
    int64_t started_us = floe_monotonic_us();
    FLOE_TRY(floe_rows_check(request->out, err));
    floe_dataset_result result = {0};
    FLOE_TRY(open_and_build(lake, request, run, &result, err));
    result.elapsed_us = floe_monotonic_us() - started_us;
    *ret_result = result;
    return FLOE_OK;
}
