/*
 * A dataset's question as SQL, over the spine and the scans of the sources: for people to read, and as the second way to
 * build. The first part of the way (spine, key types, the time range that labels reach) is the same as for the kernel.
 */
#include "offline/pit/sql/sql.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/ipc/ipc.h"

#include <string.h>

floe_status floe_dataset_source_item(const dataset_job *job, const floe_pit_need *need, source_use *ret_use,
                                     const char **ret_item, floe_error *err) {
    FLOE_CLEANUP(floe_source_close) source_scan scan = {0};
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

/* The sum of __floe_ties, and the table without what is not asked for. */
static floe_status take_ties(floe_session *session, int64_t *ret_ties, floe_error *err) {
    {
        FLOE_AUTO_STREAM stream = {0};
        FLOE_AUTO_SCHEMA schema = {0};
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_session_stream(session, "SELECT CAST(coalesce(sum(__floe_ties), 0) AS BIGINT) FROM answer", NULL,
                                     &stream, err));
        FLOE_TRY(floe_arrow_stream_schema(&stream, "ties", &schema, err));
        FLOE_TRY(floe_arrow_stream_next(&stream, "ties", &batch, err));
        floe_arrow_view view;
        floe_value ties;
        FLOE_TRY(floe_arrow_view_of(&schema, &batch, 0, &view, err));
        FLOE_TRY(floe_arrow_get(&view, 0, NULL, &ties, err));
        *ret_ties = ties.as.integer;
    }
    return floe_session_run(session, "ALTER TABLE answer DROP COLUMN __floe_ties", NULL, NULL, err);
}

floe_status floe_dataset_answer_by_sql(const dataset_job *job, source_use *uses, int64_t *ret_ties, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "CREATE TEMP TABLE answer AS ");
    FLOE_TRY(question_sql(job, "spine", uses, &sql, err));
    floe_buf_text(&sql, "SELECT * EXCLUDE (__floe_row) FROM answer ORDER BY __floe_row");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_run(job->session, sql.ptr, NULL, NULL, err));
    return take_ties(job->session, ret_ties, err);
}

/* ---- for people and other programs ---- */

/* A long list of files lies in a variable of the session, getvariable('floe_files_N'), which others do not have: here it is
 * written out. */
static floe_status append_spelled_out(const dataset_job *job, floe_str text, floe_buf *out, floe_error *err) {
    const floe_str call = FLOE_STR("getvariable('floe_files_");
    for (size_t at = 0; at < text.len;) {
        const char *found = memmem(text.ptr + at, text.len - at, call.ptr, call.len);
        size_t begin = found ? (size_t)(found - text.ptr) : text.len;
        const char *close = found ? memchr(found, ')', text.len - begin) : NULL;
        floe_buf_append(out, text.ptr + at, begin - at);
        at = close ? (size_t)(close - text.ptr) + 1 : text.len;
        if (close) {
            floe_query_rows rows;
            const char *ask = floe_arena_printf(job->arena, "SELECT unnest(%.*s)", (int)(at - begin), found);
            FLOE_TRY(floe_arena_check(job->arena, err));
            FLOE_TRY(floe_session_query(job->session, ask, NULL, job->arena, &rows, err));
            for (size_t i = 0; i < rows.row_count; i++) {
                floe_buf_text(out, i == 0 ? "[" : ", ");
                floe_sql_quote_text(out, rows.values[i].as.bytes);
            }
            floe_buf_text(out, rows.row_count > 0 ? "]" : "[]");
        }
    }
    return floe_buf_check(out, err);
}

static floe_status write_sql(dataset_job *job, floe_buf *out, floe_error *err) {
    size_t need_count;
    FLOE_AUTO_BUF from, text;
    floe_buf_init(&from, FLOE_GIB(1));
    floe_buf_init(&text, FLOE_GIB(1));
    (void)floe_dataset_needs(job, &need_count);
    FLOE_ENSURE(!floe_ipc_is_path(job->request->spine), err, FLOE_UNSUPPORTED,
                "no SQL reads the Arrow file %s by itself; write the spine as .parquet", job->request->spine);
    FLOE_TRY(floe_dataset_load_spine(job, err));
    const char *spine = floe_arena_strndup(job->arena, job->spine.from.ptr, job->spine.from.len);
    source_use *uses = floe_arena_alloc(job->arena, need_count + 1, sizeof(*uses));
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_TRY(job->pit ? question_sql(job, spine, uses, &text, err) : FLOE_OK);
    floe_buf_text(&text, "SELECT s.* EXCLUDE (__floe_row), ");
    floe_buf_text(&from, "\nFROM (SELECT *, row_number() OVER () - 1 AS __floe_row FROM ");
    floe_buf_text(&from, spine);
    floe_buf_text(&from, job->pit ? ") s JOIN answer a USING (__floe_row)" : ") s");
    FLOE_TRY(floe_buf_check(&from, err));
    FLOE_TRY(floe_dataset_write_asked(job, from.ptr, &text, err));
    floe_buf_text(&text, "\nORDER BY s.__floe_row\n");
    FLOE_TRY(floe_buf_check(&text, err));
    return append_spelled_out(job, floe_buf_view(&text), out, err);
}

static floe_status write_sql_job(dataset_job *job, void *context, floe_error *err) {
    return write_sql(job, context, err);
}

floe_status floe_dataset_sql(floe_lake *lake, const floe_dataset_request *request, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    return floe_dataset_job_run(lake, request, NULL, &arena, write_sql_job, out, err);
}
