/*
 * Rows in, by several threads: this one reads the stream, and hands batches to feeders (feeder.c) through a queue of a few;
 * where the queue is full it takes a batch itself. One batch, or one thread asked for, starts none.
 *
 * Threads: a feeder thread owns its feeder and the batch it took; the queue is under one lock. What they write together,
 * slots and symbols, is under locks of theirs. No answer depends on who took what (pit.h).
 */
#include "offline/pit/feed.h"

#include "core/limits.h"
#include "core/mem.h"

#define QUEUE_PER_THREAD 2
#define FEEDERS_MAX 16

typedef struct feeding {
    floe_pit *pit;
    pit_feeder *feeders[FEEDERS_MAX]; /* the first is the reader's */
    pthread_t threads[FEEDERS_MAX];
    int wanted, started; /* feeders; threads */
    struct ArrowArray queue[FEEDERS_MAX * QUEUE_PER_THREAD];
    size_t first, count, room;
    bool done; /* nothing comes any more */
    floe_status status;
    floe_error err;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} feeding;

/* One that a thread starts as. */
typedef struct feeder_start {
    feeding *feeding;
    pit_feeder *feeder;
} feeder_start;

static floe_status columns_of(const floe_pit_need *need, floe_arena *arena, struct ArrowSchema *schema,
                              pit_row_columns *columns, pit_batch *batch, floe_error *err) {
    *columns = (pit_row_columns){
        .need = need, .has_created = need->source->created_time.len > 0, .has_end = need->source->end_time.len > 0};
    floe_str *names = floe_arena_alloc(arena, need->column_count + 5 + need->where_count, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < need->column_count; i++) {
        names[count++] = need->columns[i];
    }
    names[columns->event = count++] = FLOE_STR("__event");
    names[columns->seq = count++] = FLOE_STR("__seq");
    names[columns->pos = count++] = FLOE_STR("__pos");
    if (columns->has_created) {
        names[columns->created = count++] = FLOE_STR("__created");
    }
    if (columns->has_end) {
        names[columns->end = count++] = FLOE_STR("__end");
    }
    columns->where = count;
    for (size_t i = 0; i < need->where_count; i++) {
        names[count++] = floe_str_of(floe_arena_printf(arena, "__where_%zu", i));
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_pit_batch_columns(arena, schema, names, count, batch, err);
}

/* ---- the queue ---- */

static void fail(feeding *f, floe_status status, const floe_error *err) {
    pthread_mutex_lock(&f->lock);
    if (!floe_failed(f->status)) {
        f->status = status;
        f->err = *err;
    }
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

/* The next batch, waited for; false: there is none any more. */
static bool pop(feeding *f, struct ArrowArray *ret_batch) {
    pthread_mutex_lock(&f->lock);
    while (f->count == 0 && !f->done && !floe_failed(f->status)) {
        pthread_cond_wait(&f->changed, &f->lock);
    }
    bool some = f->count > 0 && !floe_failed(f->status);
    if (some) {
        *ret_batch = f->queue[f->first];
        f->first = (f->first + 1) % f->room;
        f->count--;
    }
    pthread_mutex_unlock(&f->lock);
    return some;
}

/* Hands the batch over; false: the queue is full. */
static bool push(feeding *f, struct ArrowArray *batch) {
    pthread_mutex_lock(&f->lock);
    bool fits = f->count < f->room;
    if (fits) {
        f->queue[(f->first + f->count++) % f->room] = *batch;
        batch->release = NULL;
        pthread_cond_signal(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return fits;
}

static bool has_failed(feeding *f) {
    pthread_mutex_lock(&f->lock);
    bool failed = floe_failed(f->status);
    pthread_mutex_unlock(&f->lock);
    return failed;
}

static void *feeder_thread(void *context) {
    feeder_start *start = context;
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        if (!pop(start->feeding, &batch)) {
            return NULL;
        }
        floe_error err = {0};
        floe_status status = floe_pit_feeder_take(start->feeder, &batch, &err);
        if (floe_failed(status)) {
            fail(start->feeding, status, &err);
            return NULL;
        }
    }
}

/* ---- one stream ---- */

static void start_threads(feeding *f, feeder_start *starts) {
    for (int i = 1; i < f->wanted; i++) {
        starts[i] = (feeder_start){f, f->feeders[i]};
        if (pthread_create(&f->threads[f->started], NULL, feeder_thread, &starts[i]) != 0) {
            return; /* A system that gives no more threads is only slower. */
        }
        f->started++;
    }
}

static floe_status read_batches(feeding *f, struct ArrowArrayStream *stream, feeder_start *starts, floe_error *err) {
    for (size_t batches = 0;; batches++) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "source", &batch, err));
        if (!batch.release || has_failed(f)) {
            return FLOE_OK;
        }
        f->pit->rows_fed += batch.length;
        if (batches == 1) {
            start_threads(f, starts); /* There is more than one batch. */
        }
        if (f->started == 0 || !push(f, &batch)) {
            FLOE_TRY(floe_pit_feeder_take(f->feeders[0], &batch, err));
        }
    }
}

/* Lets the threads take what is left, or leave it after a failure. */
static void end_threads(feeding *f) {
    pthread_mutex_lock(&f->lock);
    f->done = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < f->started; i++) {
        pthread_join(f->threads[i], NULL);
    }
    for (; f->count > 0; f->count--) {
        floe_arrow_array_release(&f->queue[f->first]);
        f->first = (f->first + 1) % f->room;
    }
}

static floe_status feed_stream(feeding *f, struct ArrowArrayStream *stream, floe_error *err) {
    feeder_start starts[FEEDERS_MAX];
    floe_error own = {0};
    floe_status status = read_batches(f, stream, starts, &own);
    if (floe_failed(status)) {
        fail(f, status, &own);
    }
    end_threads(f);
    if (floe_failed(f->status) && err && err->code == FLOE_CODE_OK) {
        *err = f->err;
    }
    return f->status;
}

static floe_status open_groups(floe_pit *pit, size_t need_index, floe_error *err) {
    for (size_t g = 0; g < pit->group_count; g++) {
        pit_group *group = &pit->groups[g];
        if (group->source_index == need_index) {
            FLOE_TRY(group->thins ? floe_pit_slots_open(pit, group, err) : floe_pit_parts_open(pit, group, err));
        }
    }
    return FLOE_OK;
}

static void feeding_cleanup(feeding *f) {
    for (int i = 0; i < f->wanted; i++) {
        floe_pit_feeder_close(&f->feeders[i]);
    }
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

floe_status floe_pit_feed(floe_pit *pit, size_t need_index, struct ArrowArrayStream *stream, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "source", &schema, err));
    pit_row_columns columns;
    pit_batch batch;
    FLOE_TRY(columns_of(&pit->needs[need_index], &arena, &schema, &columns, &batch, err));
    FLOE_TRY(open_groups(pit, need_index, err));
    FLOE_CLEANUP(feeding_cleanup) feeding f = {.pit = pit, .status = FLOE_OK};
    pthread_mutex_init(&f.lock, NULL);
    pthread_cond_init(&f.changed, NULL);
    int wanted = pit->threads < FEEDERS_MAX ? pit->threads : FEEDERS_MAX;
    f.room = (size_t)wanted * QUEUE_PER_THREAD;
    while (f.wanted < wanted) {
        FLOE_TRY(floe_pit_feeder_open(pit, need_index, &columns, &batch, &f.feeders[f.wanted], err));
        f.wanted++;
    }
    return feed_stream(&f, stream, err);
}
