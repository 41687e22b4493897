/*
 * Rows of a query into a question, on the engine's threads, and how far that has come.
 *
 * Thread: the engine calls from several; progress is told by one at a time, and one that finds another telling goes on.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <pthread.h>

typedef struct feeding {
    floe_pit *pit;
    size_t need_index;
    const row_progress *progress;
    struct ArrowSchema schema;
    floe_pit_feed *feed;
    pthread_mutex_t telling;
    atomic_int_least64_t done; /* rows */
} feeding;

static floe_status begin(void *context, struct ArrowSchema *schema, floe_error *err) {
    feeding *f = context;
    f->schema = *schema; /* The feed needs it to its end. */
    schema->release = NULL;
    return floe_pit_feed_open(f->pit, f->need_index, &f->schema, &f->feed, err);
}

static floe_status take(void *context, const struct ArrowArray *batch, floe_error *err) {
    feeding *f = context;
    FLOE_TRY(floe_pit_feed_take(f->feed, batch, err));
    int64_t done = atomic_fetch_add(&f->done, batch->length) + batch->length;
    done += f->progress ? f->progress->before : 0;
    if (f->progress && pthread_mutex_trylock(&f->telling) == 0) {
        floe_dataset_progress_rows(f->progress->job, f->progress->step, done, f->progress->total);
        pthread_mutex_unlock(&f->telling);
    }
    return FLOE_OK;
}

static void feeding_cleanup(feeding *f) {
    floe_pit_feed_close(&f->feed);
    floe_arrow_schema_release(&f->schema);
    pthread_mutex_destroy(&f->telling);
}

floe_status floe_dataset_feed_query(floe_session *session, const char *sql, const row_progress *progress, floe_pit *pit,
                                    size_t need_index, floe_error *err) {
    FLOE_CLEANUP(feeding_cleanup)
    feeding f = {.pit = pit, .need_index = need_index, .progress = progress};
    pthread_mutex_init(&f.telling, NULL);
    const floe_row_taker taker = {&f, begin, take};
    return floe_session_visit(session, sql, &taker, err);
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
