/*
 * As-of features larger than memory: the labels a stretch at a time, and for each a scan of the source.
 *
 * The kernel holds one row per label at most, however large the source is, so where few stretches are enough nothing is written down:
 * scanning again is cheaper. Stretches are rows of the spine in their order, whatever their keys and times. So answers come in the
 * order of the labels, a key that has most of them is no special case, and a stretch of a spine that is ordered by time reads only
 * the row groups that its own times reach. How many keys there are is not known before: a stretch whose labels turn out to take too
 * much is made shorter before anything is read for it.
 *
 * Memory: meanwhile the engine has little, as it only scans, and adds to a table.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>
#include <stdio.h>

#define STRETCH_LEAST 4096 /* labels: fewer are not made fewer still */

/* Labels [first, last) of the spine. */
typedef struct stretch {
    int64_t first, last;
    int64_t each; /* labels of this one and the next */
} stretch;

static floe_status feed_labels(const dataset_job *job, const stretch *s, floe_pit *pit, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    char rows[128];
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_STREAM labels = {0};
    if (floe_spine_names_clash(&job->spine)) { /* The engine holds all rows of a limit. */
        snprintf(rows, sizeof(rows), "(FROM spine LIMIT %" PRId64 " OFFSET %" PRId64 ")", s->last - s->first, s->first);
    } else {
        snprintf(rows, sizeof(rows), "(FROM spine WHERE rowid >= %" PRId64 " AND rowid < %" PRId64 ")", s->first,
                 s->last);
    }
    floe_buf_init(&sql, FLOE_MIB(4));
    FLOE_TRY(floe_spine_labels_sql(job->request, &job->spine, keys, key_count, rows, &sql, err));
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &labels, err));
    return floe_pit_labels(pit, &labels, err);
}

static floe_status open_stretch(const dataset_job *job, const dataset_rescan *of, stretch *s, floe_pit **ret_pit,
                                floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = floe_dataset_pit_options(job);
    for (;;) {
        s->last = job->label_count - s->first > s->each ? s->first + s->each : job->label_count;
        FLOE_TRY(floe_pit_open(of->refs, of->ref_count, &options, &pit, err));
        FLOE_TRY(feed_labels(job, s, pit, err));
        uint64_t held = floe_pit_slots_bytes(pit);
        if (held <= of->room_bytes || s->each <= STRETCH_LEAST) {
            break;
        }
        int64_t fit = (int64_t)((double)(s->last - s->first) * (double)of->room_bytes / (double)held);
        s->each = fit > STRETCH_LEAST ? fit : STRETCH_LEAST;
        floe_pit_close(&pit);
    }
    *ret_pit = pit;
    pit = NULL;
    return FLOE_OK;
}

/* Little for the engine, and what it held for what went before goes back to the system. */
static floe_status give_memory(dataset_job *job, const dataset_rescan *of, floe_error *err) {
    uint64_t least = of->engine_bytes > DATASET_ENGINE_LEAST ? of->engine_bytes : DATASET_ENGINE_LEAST;
    bool little = job->request->memory_bytes > 0 && least <= job->engine_bytes;
    return little ? floe_dataset_set_engine(job, least, err) : FLOE_OK;
}

static floe_status feed_rows(dataset_job *job, const dataset_rescan *of, const stretch *s, floe_pit *pit,
                             floe_error *err) {
    floe_pit_need need;
    source_scan scan = floe_source_part(of->whole, pit, &need);
    int64_t rows = scan.files.plan.rows, before = s->first / s->each, left = job->label_count - s->first;
    const row_progress progress = {job, DATASET_READING, before * rows,
                                   (before + (left + s->each - 1) / s->each) * rows};
    floe_dataset_progress(job, DATASET_READING, (double)s->first / (double)job->label_count);
    return floe_dataset_feed(job, &scan, &progress, pit, 0, err);
}

static floe_status keep_answers(const dataset_job *job, const dataset_rescan *of, floe_pit *pit, bool begins,
                                floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    return begins ? floe_session_load(job->session, of->table, &stream, err)
                  : floe_session_load_more(job->session, of->table, &stream, err);
}

static floe_status answer_stretch(dataset_job *job, const dataset_rescan *of, stretch *s, floe_pit_stats *stats,
                                  floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_stats found;
    FLOE_TRY(open_stretch(job, of, s, &pit, err));
    FLOE_TRY(give_memory(job, of, err));
    FLOE_TRY(feed_rows(job, of, s, pit, err));
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_pit_run(pit, job->run, err));
    floe_pit_stats_get(pit, &found);
    FLOE_ENSURE(found.label_count == s->last - s->first, err, FLOE_INTERNAL, "the spine has not the rows that it had");
    stats->ties += found.ties;
    stats->rows_kept += found.rows_kept;
    stats->rows_fed = found.rows_fed > stats->rows_fed ? found.rows_fed : stats->rows_fed;
    return keep_answers(job, of, pit, s->first == 0, err);
}

floe_status floe_rescan_answer(dataset_job *job, const dataset_rescan *of, floe_pit_stats *ret_stats, floe_error *err) {
    uint64_t before = job->engine_bytes;
    *ret_stats = (floe_pit_stats){.label_count = job->label_count};
    stretch s = {.each = job->label_count / (int64_t)of->stretches + 1};
    do { /* Of no labels there is a table, too. */
        FLOE_TRY(answer_stretch(job, of, &s, ret_stats, err));
        s.first = s.last;
    } while (s.first < job->label_count);
    return job->engine_bytes < before ? floe_dataset_set_engine(job, before, err) : FLOE_OK;
}
