/*
 * How many of the engine's threads work at a time where its memory is little. They are those of the whole process, so they are given back
 * when the job ends.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

#define SCAN_BYTES FLOE_MIB(8) /* of one thread that reads a source */
#define SCAN_COLUMN_BYTES                                                                                              \
    FLOE_KIB(2560) /* and of each column: a row group's block as it lies in the file, and unpacked */

static floe_status set_threads(const dataset_job *job, int64_t threads, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(1));
    floe_buf_printf(&sql, "SET threads = %" PRId64, threads);
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}

static floe_status count_threads(const dataset_job *job, int64_t *ret_threads, floe_error *err) {
    floe_query_rows rows;
    FLOE_TRY(floe_session_query(job->session, "SELECT CAST(current_setting('threads') AS BIGINT)", NULL, job->arena,
                                &rows, err));
    *ret_threads = rows.values[0].as.integer;
    return FLOE_OK;
}

floe_status floe_threads_at_most(dataset_job *job, int64_t most, floe_error *err) {
    int64_t now;
    FLOE_TRY(count_threads(job, &now, err));
    job->threads_before = job->threads_before > 0 ? job->threads_before : now;
    int64_t want = most < 1 ? 1 : most < job->threads_before ? most : job->threads_before;
    return want == now ? FLOE_OK : set_threads(job, want, err);
}

floe_status floe_threads_back(dataset_job *job, floe_error *err) {
    int64_t before = job->threads_before;
    job->threads_before = 0;
    return before > 0 ? set_threads(job, before, err) : FLOE_OK;
}

floe_status floe_threads_of_scan(const dataset_job *job, const source_scan *scan, int64_t *ret_threads,
                                 int64_t *ret_all, floe_error *err) {
    uint64_t each = SCAN_BYTES + (scan->need->column_count + 3) * SCAN_COLUMN_BYTES;
    uint64_t fit = job->engine_bytes / each;
    FLOE_TRY(count_threads(job, ret_all, err));
    *ret_all = job->threads_before > *ret_all ? job->threads_before : *ret_all;
    *ret_threads = fit < 1 ? 1 : fit < (uint64_t)*ret_all ? (int64_t)fit : *ret_all;
    return FLOE_OK;
}

floe_status floe_threads_for_scans(dataset_job *job, floe_error *err) {
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < job->scan_count; i++) {
        int64_t fit, all;
        FLOE_TRY(floe_threads_of_scan(job, &job->scans[i], &fit, &all, err));
        least = fit < least ? fit : least;
    }
    return job->scan_count > 0 ? floe_threads_at_most(job, least, err) : FLOE_OK;
}

floe_status floe_threads_alone(dataset_job *job, bool *ret_fewer, floe_error *err) {
    int64_t now;
    FLOE_TRY(count_threads(job, &now, err));
    *ret_fewer = now > 1;
    return floe_threads_at_most(job, 1, err);
}
