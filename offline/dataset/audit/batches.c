/*
 * The rows of an audit, as many at a time as their answers fit into memory beside what the engine holds anyway.
 *
 * An answer by SQL takes as much memory as it has cells, and the engine does not write the state of its aggregates to disk. So the
 * session's tables "spine", "built" and "picked" are put aside, and each batch is a cut of the three under those names, asked and
 * compared like a whole. Where a batch proves too large it is halved, and what it left behind is dropped.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/audit/audit.h"

#include <inttypes.h>

#define LEAST_ROWS 64 /* of a batch: of fewer it is not the rows that take the memory */

static const char *const cut[] = {"spine", "built", "picked", "framed"};

static size_t cut_count(const audit_rows *rows) {
    return rows->framed ? 4 : 3;
}

static floe_status run(const dataset_job *job, floe_buf *sql, floe_error *err) {
    FLOE_TRY(floe_buf_check(sql, err));
    return floe_session_run(job->session, sql->ptr, NULL, NULL, err);
}

static floe_status put_aside(const dataset_job *job, const audit_rows *rows, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(4));
    for (size_t i = 0; i < cut_count(rows); i++) {
        floe_buf_printf(&sql, "%sALTER TABLE %s RENAME TO whole_%s", i > 0 ? "; " : "", cut[i], cut[i]);
    }
    return run(job, &sql, err);
}

static floe_status make_batch(const dataset_job *job, const audit_rows *rows, int64_t first, int64_t count,
                              floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(4));
    for (size_t i = 0; i < cut_count(rows); i++) {
        floe_buf_printf(&sql, "%sCREATE TEMP TABLE %s AS SELECT * FROM whole_%s LIMIT %" PRId64 " OFFSET %" PRId64,
                        i > 0 ? "; " : "", cut[i], cut[i], count, first);
    }
    return run(job, &sql, err);
}

/* The batch's tables, and those that its answer was made of, also of one that failed midway. */
static floe_status drop_batch(const dataset_job *job, floe_error *err) {
    floe_query_rows rows;
    FLOE_TRY(floe_session_query(
        job->session,
        "SELECT table_name FROM duckdb_tables() WHERE temporary AND (table_name IN ('spine', "
        "'built', 'picked', 'framed') OR starts_with(table_name, 'answer') OR starts_with(table_name, 'slice_'))",
        NULL, job->arena, &rows, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    for (size_t i = 0; i < rows.row_count; i++) {
        floe_buf_text(&sql, i > 0 ? "; DROP TABLE temp." : "DROP TABLE temp.");
        floe_sql_quote_name(&sql, rows.values[i].as.bytes);
    }
    return rows.row_count > 0 ? run(job, &sql, err) : FLOE_OK;
}

floe_status floe_audit_batches(dataset_job *job, const audit_rows *rows, audit_work work, void *context,
                               floe_error *err) {
    uint64_t fit = job->engine_bytes / 2 / (rows->row_bytes + 1);
    int64_t batch = fit < LEAST_ROWS ? LEAST_ROWS : fit > (uint64_t)INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)fit;
    FLOE_TRY(put_aside(job, rows, err));
    for (int64_t first = 0; first < rows->count || first == 0;) {
        int64_t count = rows->count - first < batch ? rows->count - first : batch;
        floe_dataset_progress(job, "recomputing", rows->count > batch ? (double)first / (double)rows->count : -1);
        floe_status status = make_batch(job, rows, first, count, err);
        status = floe_failed(status) ? status : work(context, err);
        bool halves = status.code == FLOE_LIMIT && count > LEAST_ROWS;
        if (floe_failed(status) && !halves) {
            return status;
        }
        FLOE_TRY(drop_batch(job, halves ? NULL : err));
        if (halves) {
            floe_error_clear(err);
            batch = count / 2;
        } else {
            first += count > 0 ? count : 1;
        }
    }
    return FLOE_OK;
}
