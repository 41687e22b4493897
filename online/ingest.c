/*
 * A stream's events into the store: poll → decode for every view over the source → write if newer → commit.
 *
 * A batch is decoded whole, written view by view, and its offsets are committed after the last write: a crash in
 * between makes the next run read it again, which changes nothing. An event that one of the views cannot take is
 * refused by all.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/kafka_int.h"
#include "online/online.h"

#include <time.h>

#define BATCH_MESSAGES 1000
#define POLL_MS 100
#define AWAY_STEP_MS 50
#define PARTITIONS_MAX 4096
#define ARENA_BYTES FLOE_MIB(512)

/* One view's rows of the batch at hand. */
typedef struct ingest_view {
    const floe_view *view;
    floe_online_row *rows;
    size_t *messages; /* which message each row came from */
    floe_write_outcome *outcomes;
    size_t count;
} ingest_view;

typedef struct ingest {
    const floe_ingest_request *request;
    floe_ingest_result *result;
    floe_kafka *kafka;
    floe_arena views_arena;
    floe_arena batch_arena;
    ingest_view *views;
    size_t view_count;
    floe_kafka_message *messages;
    bool *refused; /* of each message */
    size_t message_count;
    int64_t newest_us[PARTITIONS_MAX]; /* of each partition; INT64_MIN: nothing yet */
} ingest;

static bool is_cancelled(const ingest *run) {
    return run->request->cancelled != NULL && atomic_load(run->request->cancelled);
}

static void pause_ms(long milliseconds) {
    struct timespec pause = {.tv_nsec = milliseconds * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* ---- refusals ---- */

static floe_status refuse(ingest *run, size_t index, const char *reason, floe_error *err) {
    const floe_kafka_message *message = &run->messages[index];
    if (run->refused[index]) {
        return FLOE_OK;
    }
    run->refused[index] = true;
    run->result->refused++;
    if (floe_kafka_has_dead_letter(run->kafka)) {
        return floe_kafka_dead_letter(run->kafka, message, reason, err);
    }
    if (run->request->refused != NULL) {
        run->request->refused(run->request->refused_context, message->partition, message->offset, reason);
    }
    return FLOE_OK;
}

/* ---- decode ---- */

static floe_status check_time(const ingest *run, const floe_kafka_message *message, int64_t event_us, floe_error *err) {
    char event[FLOE_TIME_TEXT_MAX];
    char limit[FLOE_TIME_TEXT_MAX];
    const floe_stream_def *stream = run->request->stream;
    int64_t latest_us = 0;
    int64_t earliest_us = 0;
    if (__builtin_add_overflow(floe_now_us(), stream->source->max_future_us, &latest_us)) {
        latest_us = INT64_MAX;
    }
    FLOE_ENSURE(event_us <= latest_us, err, FLOE_INVALID,
                "the event time %s is in the future, further than the source's max_future allows (%s)",
                floe_time_format(event_us, event), floe_time_format(latest_us, limit));
    int64_t newest_us = run->newest_us[(size_t)message->partition % PARTITIONS_MAX];
    if (stream->allowed_lateness_us > 0 && newest_us != INT64_MIN &&
        !__builtin_sub_overflow(newest_us, stream->allowed_lateness_us, &earliest_us)) {
        FLOE_ENSURE(event_us >= earliest_us, err, FLOE_INVALID,
                    "the event time %s is late: the stream's allowed_lateness ends at %s",
                    floe_time_format(event_us, event), floe_time_format(earliest_us, limit));
    }
    return FLOE_OK;
}

static floe_status decode_views(ingest *run, size_t index, bool *pass, floe_error *err) {
    const floe_kafka_message *message = &run->messages[index];
    FLOE_ENSURE(message->payload.ptr != NULL && message->payload.len <= FLOE_LIMIT_EVENT_BYTES, err, FLOE_INVALID,
                "an event of %zu bytes; at most %zu are allowed, and none is no event", message->payload.len,
                FLOE_LIMIT_EVENT_BYTES);
    for (size_t v = 0; v < run->view_count; v++) {
        floe_online_row *row = &run->views[v].rows[run->views[v].count];
        FLOE_TRY(floe_event_row(run->views[v].view, message->payload, &run->batch_arena, row, &pass[v], err));
        if (pass[v]) {
            FLOE_TRY(check_time(run, message, row->event_us, err));
        }
    }
    return FLOE_OK;
}

static void keep_rows(ingest *run, size_t index, const bool *pass) {
    int64_t *newest_us = &run->newest_us[(size_t)run->messages[index].partition % PARTITIONS_MAX];
    for (size_t v = 0; v < run->view_count; v++) {
        ingest_view *view = &run->views[v];
        if (!pass[v]) {
            run->result->filtered++;
            continue;
        }
        int64_t event_us = view->rows[view->count].event_us;
        *newest_us = event_us > *newest_us ? event_us : *newest_us;
        view->messages[view->count++] = index;
    }
}

static floe_status decode_message(ingest *run, size_t index, bool *pass, floe_error *err) {
    floe_error reason;
    floe_error_clear(&reason);
    floe_status status = decode_views(run, index, pass, &reason);
    if (!floe_failed(status)) {
        keep_rows(run, index, pass);
        return FLOE_OK;
    }
    FLOE_ENSURE(status.code != FLOE_NOMEM, err, FLOE_NOMEM, "%s", reason.message);
    return refuse(run, index, reason.message, err);
}

static floe_status decode_batch(ingest *run, floe_error *err) {
    bool *pass = floe_arena_alloc(&run->batch_arena, run->view_count, sizeof(*pass));
    FLOE_TRY(floe_arena_check(&run->batch_arena, err));
    for (size_t v = 0; v < run->view_count; v++) {
        run->views[v].count = 0;
    }
    for (size_t i = 0; i < run->message_count; i++) {
        run->result->events++;
        run->refused[i] = false;
        FLOE_TRY(decode_message(run, i, pass, err));
    }
    return FLOE_OK;
}

/* ---- write ---- */

/* A store that is away is waited for: the stream stands still, nothing is lost. */
static floe_status write_rows(ingest *run, ingest_view *view, size_t first, size_t count, floe_error *err) {
    for (;;) {
        floe_error failed;
        floe_error_clear(&failed);
        floe_status status = floe_store_write(run->request->store, view->view, view->rows + first, count,
                                              view->outcomes + first, &failed);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        if (status.code != FLOE_UNAVAILABLE || is_cancelled(run)) {
            return floe_error_set(err, failed.code, failed.sys_errno, failed.file, failed.line, "%s", failed.message);
        }
        pause_ms(AWAY_STEP_MS);
    }
}

static floe_status count_outcomes(ingest *run, const ingest_view *view, floe_error *err) {
    for (size_t i = 0; i < view->count; i++) {
        run->result->written += view->outcomes[i] == FLOE_WRITE_DONE ? 1 : 0;
        run->result->older += view->outcomes[i] == FLOE_WRITE_OLDER ? 1 : 0;
        if (view->outcomes[i] == FLOE_WRITE_REFUSED) {
            FLOE_TRY(refuse(run, view->messages[i], "the store refused the row", err));
        }
    }
    return FLOE_OK;
}

/* A batch with a row that cannot be stored (too large) is written row by row, to find it. */
static floe_status write_singly(ingest *run, ingest_view *view, floe_error *err) {
    for (size_t i = 0; i < view->count; i++) {
        floe_error reason;
        floe_error_clear(&reason);
        floe_status status = write_rows(run, view, i, 1, &reason);
        if (status.code == FLOE_LIMIT || status.code == FLOE_INVALID) {
            view->outcomes[i] = FLOE_WRITE_REFUSED;
            FLOE_TRY(refuse(run, view->messages[i], reason.message, err));
        } else if (floe_failed(status)) {
            return FLOE_FAIL(err, status.code, "%s", reason.message);
        }
    }
    return FLOE_OK;
}

static floe_status write_view(ingest *run, ingest_view *view, floe_error *err) {
    floe_error reason;
    floe_error_clear(&reason);
    floe_status status = write_rows(run, view, 0, view->count, &reason);
    if (status.code == FLOE_LIMIT || status.code == FLOE_INVALID) {
        FLOE_TRY(write_singly(run, view, err));
    } else if (floe_failed(status)) {
        return FLOE_FAIL(err, status.code, "%s", reason.message);
    }
    return count_outcomes(run, view, err);
}

/* ---- the run ---- */

static floe_status commit(ingest *run, floe_error *err) {
    for (;;) {
        floe_error failed;
        floe_error_clear(&failed);
        floe_status status = floe_kafka_commit(run->kafka, &failed);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        if (status.code != FLOE_UNAVAILABLE || is_cancelled(run)) {
            return FLOE_FAIL(err, status.code, "%s", failed.message);
        }
        pause_ms(AWAY_STEP_MS);
    }
}

static floe_status apply_batch(ingest *run, floe_error *err) {
    floe_arena_reset(&run->batch_arena);
    FLOE_TRY(decode_batch(run, err));
    for (size_t v = 0; v < run->view_count; v++) {
        if (run->views[v].count > 0) {
            FLOE_TRY(write_view(run, &run->views[v], err));
        }
    }
    return commit(run, err);
}

static floe_status run_once(ingest *run, bool *ret_end, floe_error *err) {
    FLOE_TRY(floe_kafka_poll(run->kafka, POLL_MS, run->messages, BATCH_MESSAGES, &run->message_count, err));
    if (run->message_count > 0) {
        floe_status status = apply_batch(run, err);
        floe_kafka_release(run->messages, run->message_count);
        FLOE_TRY(status);
    }
    if (!run->request->until_end) {
        return FLOE_OK;
    }
    floe_error away;
    floe_error_clear(&away);
    floe_status status = floe_kafka_at_end(run->kafka, ret_end, &away);
    FLOE_ENSURE(!floe_failed(status) || status.code == FLOE_UNAVAILABLE, err, status.code, "%s", away.message);
    return FLOE_OK;
}

static bool has_as_of(const floe_view *view) {
    for (size_t i = 0; i < view->output_count; i++) {
        if (view->outputs[i].function == FLOE_FN_NONE) {
            return true;
        }
    }
    return false;
}

/* The online views over the stream's source that have something an event can change. */
static floe_status list_views(ingest *run, floe_error *err) {
    const floe_definitions *definitions = run->request->definitions;
    floe_arena *arena = &run->views_arena;
    run->views = floe_arena_alloc(arena, definitions->view_count, sizeof(*run->views));
    run->messages = floe_arena_alloc(arena, BATCH_MESSAGES, sizeof(*run->messages));
    run->refused = floe_arena_alloc(arena, BATCH_MESSAGES, sizeof(*run->refused));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < definitions->view_count; i++) {
        const floe_view *view = &definitions->views[i];
        if (view->online && has_as_of(view) &&
            floe_str_equal(view->source->about.name, run->request->stream->source->about.name)) {
            run->views[run->view_count++] =
                (ingest_view){.view = view,
                              .rows = floe_arena_alloc(arena, BATCH_MESSAGES + 1, sizeof(floe_online_row)),
                              .messages = floe_arena_alloc(arena, BATCH_MESSAGES, sizeof(size_t)),
                              .outcomes = floe_arena_alloc(arena, BATCH_MESSAGES, sizeof(floe_write_outcome))};
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(run->view_count > 0, err, FLOE_INVALID,
                "stream %.*s: no online view with a feature (other than aggregates) reads the source %.*s",
                FLOE_STR_BRIEF(run->request->stream->about.name),
                FLOE_STR_BRIEF(run->request->stream->source->about.name));
    return FLOE_OK;
}

static floe_status run_all(ingest *run, floe_error *err) {
    const floe_ingest_request *request = run->request;
    for (size_t i = 0; i < PARTITIONS_MAX; i++) {
        run->newest_us[i] = INT64_MIN;
    }
    FLOE_TRY(list_views(run, err));
    const floe_kafka_start start = {.options = request->kafka_options,
                                    .wait_us = FLOE_KAFKA_START_US,
                                    .cancelled = request->cancelled,
                                    .waiting = request->waiting,
                                    .waiting_context = request->waiting_context};
    FLOE_TRY(floe_kafka_open(request->stream, &start, &run->kafka, err));
    for (bool end = false; !end && !is_cancelled(run);) {
        FLOE_TRY(run_once(run, &end, err));
    }
    return FLOE_OK;
}

floe_status floe_ingest_run(const floe_ingest_request *request, floe_ingest_result *ret_result, floe_error *err) {
    ingest *run = NULL;
    floe_ingest_result result = {0};
    FLOE_TRY(floe_alloc(1, sizeof(*run), &run, err));
    run->request = request;
    run->result = &result;
    floe_arena_init(&run->views_arena, ARENA_BYTES);
    floe_arena_init(&run->batch_arena, ARENA_BYTES);
    floe_status status = run_all(run, err);
    bool stopped = is_cancelled(run) && (status.code == FLOE_CANCELLED || status.code == FLOE_UNAVAILABLE);
    floe_kafka_close(&run->kafka);
    floe_arena_close(&run->views_arena);
    floe_arena_close(&run->batch_arena);
    floe_free(run);
    if (floe_failed(status) && !stopped) {
        return floe_error_prefix(err, status, "stream %.*s", FLOE_STR_BRIEF(request->stream->about.name));
    }
    *ret_result = result;
    return FLOE_OK;
}
