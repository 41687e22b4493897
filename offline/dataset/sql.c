/*
 * A dataset's question as SQL, over the spine and the scans of the sources: for people to read, and as the second way to
 * build. The first part of the way (spine, key types, the time range that labels reach) is the same as for the kernel.
 */
#include "offline/pit/sql.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <string.h>

static void scan_cleanup(source_scan *scan) {
    floe_source_close(scan);
}

floe_status floe_dataset_source_item(const dataset_job *job, const floe_pit_need *need, source_use *ret_use,
                                     const char **ret_item, floe_error *err) {
    FLOE_CLEANUP(scan_cleanup) source_scan scan = {0};
    const floe_dataset_pin *pin;
    FLOE_TRY(floe_source_pin(job->request, need->source, &pin, err));
    FLOE_TRY(floe_source_plan(job->lake, need, pin, job->arena, &scan, err));
    *ret_use = floe_source_used(&scan);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "(");
    FLOE_TRY(floe_source_sql(&scan, job->session, &sql, err));
    floe_buf_text(&sql, ")");
    FLOE_TRY(floe_buf_check(&sql, err));
    *ret_item = floe_arena_strndup(job->arena, sql.ptr, sql.len);
    return floe_arena_check(job->arena, err);
}

/* The CTEs up to `answer`; the labels come from `spine_from`. */
static floe_status question_sql(const dataset_job *job, const char *spine_from, source_use *uses, floe_buf *out,
                                floe_error *err) {
    size_t key_count, need_count;
    const floe_column *keys = floe_pit_keys(job->pit, &key_count);
    const floe_pit_need *needs = floe_pit_needs(job->pit, &need_count);
    const char **items = floe_arena_alloc(job->arena, need_count, sizeof(*items));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < need_count; i++) {
        FLOE_TRY(floe_dataset_source_item(job, &needs[i], &uses[i], &items[i], err));
    }
    FLOE_AUTO_BUF labels;
    floe_buf_init(&labels, FLOE_GIB(1));
    floe_buf_text(&labels, "(");
    FLOE_TRY(floe_spine_labels_sql(job->request, &job->spine, keys, key_count, spine_from, &labels, err));
    floe_buf_text(&labels, ")");
    FLOE_TRY(floe_buf_check(&labels, err));
    return floe_pit_sql(job->pit, &(floe_pit_sql_from){labels.ptr, items}, out, err);
}

/* The sum of __ties, and the table without what is not asked for. */
static floe_status take_ties(floe_session *session, int64_t *ret_ties, floe_error *err) {
    {
        FLOE_AUTO_STREAM stream = {0};
        FLOE_AUTO_SCHEMA schema = {0};
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_session_stream(session, "SELECT CAST(coalesce(sum(__ties), 0) AS BIGINT) FROM answer", NULL,
                                     &stream, err));
        FLOE_TRY(floe_arrow_stream_schema(&stream, "ties", &schema, err));
        FLOE_TRY(floe_arrow_stream_next(&stream, "ties", &batch, err));
        floe_arrow_view view;
        floe_value ties;
        FLOE_TRY(floe_arrow_view_of(&schema, &batch, 0, &view, err));
        FLOE_TRY(floe_arrow_get(&view, 0, NULL, &ties, err));
        *ret_ties = ties.as.integer;
    }
    return floe_session_run(session, "ALTER TABLE answer DROP COLUMN __ties", NULL, NULL, err);
}

floe_status floe_dataset_answer_by_sql(const dataset_job *job, source_use *uses, int64_t *ret_ties, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "CREATE TEMP TABLE answer AS ");
    FLOE_TRY(question_sql(job, "spine", uses, &sql, err));
    floe_buf_text(&sql, "SELECT * EXCLUDE (__row) FROM answer ORDER BY __row");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_run(job->session, sql.ptr, NULL, NULL, err));
    return take_ties(job->session, ret_ties, err);
}

static floe_status write_sql(dataset_job *job, floe_buf *out, floe_error *err) {
    size_t need_count;
    (void)floe_pit_needs(job->pit, &need_count);
    FLOE_TRY(floe_dataset_load_spine(job, err));
    const char *from = floe_arena_strndup(job->arena, job->spine.from.ptr, job->spine.from.len);
    source_use *uses = floe_arena_alloc(job->arena, need_count, sizeof(*uses));
    FLOE_TRY(floe_arena_check(job->arena, err));
    size_t began = out->len;
    FLOE_TRY(question_sql(job, from, uses, out, err));
    floe_buf_text(out, "SELECT s.* EXCLUDE (__row), a.* EXCLUDE (__row, __ties)\n"
                       "FROM (SELECT *, row_number() OVER () - 1 AS __row FROM ");
    floe_buf_text(out, from);
    floe_buf_text(out, ") s JOIN answer a USING (__row)\nORDER BY s.__row\n");
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_ENSURE(!strstr(out->ptr + began, "getvariable('floe_files_"), err, FLOE_UNSUPPORTED,
                "a source of this dataset has so many files that their list is no readable SQL");
    return FLOE_OK;
}

floe_status floe_dataset_sql(floe_lake *lake, const floe_dataset_request *request, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = request->as_known, .ignore_at = request->ignore_at};
    for (size_t i = 0; i < request->ref_count; i++) {
        FLOE_ENSURE(!request->refs[i].output->request, err, FLOE_UNSUPPORTED,
                    "request features as SQL that other engines read; leave %.*s out",
                    FLOE_STR_ARG(request->refs[i].output->about.name));
    }
    FLOE_TRY(floe_pit_open(request->refs, request->ref_count, &options, &pit, err));
    floe_engine *engine;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, NULL, &session, err));
    dataset_job job = {
        .lake = lake, .session = session, .request = request, .asked = request, .arena = &arena, .pit = pit};
    return write_sql(&job, out, err);
}
