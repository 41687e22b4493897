/*
 * As-of features larger than memory: the labels a stretch at a time, and for each a scan of the source.
 *
 * The kernel holds one row per label at most, however large the source is, so where few stretches are enough nothing is written down:
 * scanning again is cheaper. Stretches are rows of the spine in their order, whatever their keys and times. So answers come in the
 * order of the labels, a key that has most of them is no special case, and a stretch of a spine that is ordered by time reads only
 * the row groups that its own times reach.
 *
 * Memory: meanwhile the engine has little, as it only scans, and adds to a table.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>
#include <stdio.h>

static floe_status feed_labels(const dataset_job *job, floe_pit *pit, int64_t first, int64_t last, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    char rows[128];
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_STREAM labels = {0};
    snprintf(rows, sizeof(rows), "(SELECT * FROM spine LIMIT %" PRId64 " OFFSET %" PRId64 ")", last - first, first);
    floe_buf_init(&sql, FLOE_MIB(4));
    FLOE_TRY(floe_spine_labels_sql(job->request, &job->spine, keys, key_count, rows, &sql, err));
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &labels, err));
    return floe_pit_labels(pit, &labels, err);
}

/* Little for the engine, and what it held for what went before goes back to the system. */
static floe_status give_memory(dataset_job *job, const dataset_rescan *of, floe_error *err) {
    uint64_t least = of->engine_bytes > DATASET_ENGINE_LEAST ? of->engine_bytes : DATASET_ENGINE_LEAST;
    bool little = job->request->memory_bytes > 0 && least <= job->engine_bytes;
    return little ? floe_dataset_set_engine(job, least, err) : FLOE_OK;
}

static floe_status feed_rows(dataset_job *job, const dataset_rescan *of, size_t stretch, floe_pit *pit,
                             floe_error *err) {
    floe_pit_need need;
    source_scan scan = floe_partition_scan(of->whole, pit, &need);
    int64_t rows = scan.files.plan.rows;
    const row_progress progress = {job, DATASET_READING, (int64_t)stretch * rows, (int64_t)of->stretches * rows};
    floe_dataset_progress(job, DATASET_READING, (double)stretch / (double)of->stretches);
    return floe_dataset_feed(job, &scan, &progress, pit, 0, err);
}

static floe_status keep_answers(const dataset_job *job, const dataset_rescan *of, floe_pit *pit, bool begins,
                                floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    return begins ? floe_session_load(job->session, of->table, &stream, err)
                  : floe_session_load_more(job->session, of->table, &stream, err);
}

static floe_status answer_stretch(dataset_job *job, const dataset_rescan *of, size_t stretch, floe_pit_stats *stats,
                                  floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = job->request->as_known,
                                .ignore_at = job->request->ignore_at,
                                .threads = job->run ? job->run->threads : 0,
                                .memory_bytes = job->kernel_bytes};
    floe_pit_stats found;
    int64_t each = job->label_count / (int64_t)of->stretches + 1, first = (int64_t)stretch * each;
    first = first < job->label_count ? first : job->label_count;
    int64_t last = job->label_count - first > each ? first + each : job->label_count;
    FLOE_TRY(floe_pit_open(of->refs, of->ref_count, &options, &pit, err));
    FLOE_TRY(feed_labels(job, pit, first, last, err));
    FLOE_TRY(give_memory(job, of, err));
    FLOE_TRY(feed_rows(job, of, stretch, pit, err));
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_pit_run(pit, job->run, err));
    floe_pit_stats_get(pit, &found);
    FLOE_ENSURE(found.label_count == last - first, err, FLOE_INTERNAL, "the spine has not the rows that it had");
    stats->ties += found.ties;
    stats->rows_kept += found.rows_kept;
    stats->rows_fed = found.rows_fed > stats->rows_fed ? found.rows_fed : stats->rows_fed;
    return keep_answers(job, of, pit, stretch == 0, err);
}

floe_status floe_rescan_answer(dataset_job *job, const dataset_rescan *of, floe_pit_stats *ret_stats, floe_error *err) {
    uint64_t before = job->engine_bytes;
    *ret_stats = (floe_pit_stats){.label_count = job->label_count};
    for (size_t stretch = 0; stretch < of->stretches; stretch++) {
        FLOE_TRY(answer_stretch(job, of, stretch, ret_stats, err));
    }
    return job->engine_bytes < before ? floe_dataset_set_engine(job, before, err) : FLOE_OK;
}
