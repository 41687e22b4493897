/*
 * Rows in, by several threads: whoever brings a batch takes a feeder (feeder.c) that nobody uses, or makes one.
 *
 * Threads: a feeder belongs to the thread that took it. What feeders write together, slots and symbols, is under locks of
 * theirs. A question of one thread takes one batch at a time, whoever brings it. No answer depends on who took what (pit.h).
 */
#include "offline/pit/rows/feed.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/together.h"

#include <inttypes.h>

#define DISTINCT_LEAST FLOE_MIB(16) /* of texts, however little memory there is */

struct floe_pit_feed {
    floe_pit *pit;
    size_t need_index;
    floe_arena arena;
    pit_row_columns columns;
    pit_batch batch;
    pthread_mutex_t lock; /* feeders */
    pit_feeder **feeders; /* that nobody uses */
    size_t count, room;
    size_t made;
    pthread_mutex_t turn; /* of a question of one thread */
};

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
    names[columns->event = count++] = FLOE_STR("__floe_event");
    names[columns->seq = count++] = FLOE_STR("__floe_seq");
    names[columns->pos = count++] = FLOE_STR("__floe_pos");
    if (columns->has_created) {
        names[columns->created = count++] = FLOE_STR("__floe_created");
    }
    if (columns->has_end) {
        names[columns->end = count++] = FLOE_STR("__floe_end");
    }
    columns->where = count;
    for (size_t i = 0; i < need->where_count; i++) {
        names[count++] = floe_str_of(floe_arena_printf(arena, "__floe_where_%zu", i));
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_pit_batch_columns(arena, schema, names, count, batch, err);
}

/* The sheets of the answers, which lend their memory to the rows: of a question whose labels are known and whose rows all stay. */
static floe_status open_sheets(const floe_pit *pit, pit_group *group, floe_error *err) {
    bool lend = !pit->spill && !group->thins && !pit->newest_labels && !pit->options.newest;
    for (size_t v = 0; lend && v < group->view_count; v++) {
        if (!group->views[v].sheet.rows) {
            FLOE_TRY(floe_pit_sheet_open(pit, group, &group->views[v], pit->label_count, err));
        }
    }
    return FLOE_OK;
}

/* Each group has the times of its labels in its own order. */
static bool are_indexed(const floe_pit *pit) {
    bool indexed = true;
    for (size_t g = 0; g < pit->group_count; g++) {
        indexed = indexed && pit->groups[g].label_at;
    }
    return indexed;
}

static floe_status open_groups(floe_pit *pit, size_t need_index, floe_error *err) {
    for (size_t g = 0; g < pit->group_count; g++) {
        pit_group *group = &pit->groups[g];
        if (group->source_index == need_index) {
            FLOE_TRY(pit->spill ? floe_pit_index_labels(pit, group, err) : FLOE_OK); /* Which takes less memory. */
            FLOE_TRY(open_sheets(pit, group, err));
            FLOE_TRY(group->thins ? floe_pit_slots_open(pit, group, err) : floe_pit_parts_open(pit, group, err));
        }
    }
    if (are_indexed(pit)) {
        floe_free(pit->label_time);
        pit->label_time = NULL;
    }
    return FLOE_OK;
}

static floe_status fill(floe_pit_feed *feed, struct ArrowSchema *schema, floe_error *err) {
    const floe_pit_need *need = &feed->pit->needs[feed->need_index];
    FLOE_TRY(columns_of(need, &feed->arena, schema, &feed->columns, &feed->batch, err));
    return open_groups(feed->pit, feed->need_index, err);
}

floe_status floe_pit_feed_open(floe_pit *pit, size_t need_index, struct ArrowSchema *schema, floe_pit_feed **ret_feed,
                               floe_error *err) {
    FLOE_CLEANUP(floe_pit_feed_close) floe_pit_feed *feed = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*feed), &feed, err));
    feed->pit = pit;
    feed->need_index = need_index;
    floe_arena_init(&feed->arena, FLOE_MIB(1));
    pthread_mutex_init(&feed->lock, NULL);
    pthread_mutex_init(&feed->turn, NULL);
    FLOE_TRY(fill(feed, schema, err));
    *ret_feed = feed;
    feed = NULL;
    return FLOE_OK;
}

void floe_pit_feed_close(floe_pit_feed **feed) {
    floe_pit_feed *f = *feed;
    if (!f) {
        return;
    }
    FLOE_ASSERT(f->count == f->made);
    for (size_t i = 0; i < f->count; i++) {
        floe_pit_feeder_close(&f->feeders[i]);
    }
    floe_free(f->feeders);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->turn);
    floe_arena_close(&f->arena);
    floe_free(f);
    *feed = NULL;
}

/* ---- one batch ---- */

/* Makes room for all feeders, so that giving one back cannot fail. */
static floe_status make_feeder(floe_pit_feed *feed, pit_feeder **ret_feeder, floe_error *err) {
    if (feed->made == feed->room) {
        FLOE_TRY(floe_realloc(&feed->feeders, 2 * feed->room + 4, sizeof(pit_feeder *), err));
        feed->room = 2 * feed->room + 4;
    }
    FLOE_TRY(floe_pit_feeder_open(feed->pit, feed->need_index, &feed->columns, &feed->batch, ret_feeder, err));
    feed->made++;
    return FLOE_OK;
}

static floe_status take_feeder(floe_pit_feed *feed, int64_t rows, pit_feeder **ret_feeder, floe_error *err) {
    pthread_mutex_lock(&feed->lock);
    feed->pit->rows_fed += rows;
    floe_status status = FLOE_OK;
    if (feed->count > 0) {
        *ret_feeder = feed->feeders[--feed->count];
    } else {
        status = make_feeder(feed, ret_feeder, err);
    }
    pthread_mutex_unlock(&feed->lock);
    return status;
}

static void give_back(floe_pit_feed *feed, pit_feeder *feeder) {
    pthread_mutex_lock(&feed->lock);
    feed->feeders[feed->count++] = feeder;
    pthread_mutex_unlock(&feed->lock);
}

/* The first feature that asks for the distinct values of a column. */
static const floe_output *asks_for(const pit_group *group, size_t column, const floe_view **ret_view) {
    for (size_t v = 0; v < group->view_count; v++) {
        const pit_view *view = &group->views[v];
        for (size_t i = 0; i < view->view->output_count; i++) {
            const floe_output *output = &view->view->outputs[i];
            bool counts = output->function == FLOE_FN_COUNT_DISTINCT || group->columns[column].class == PIT_SYMBOL;
            if (view->wanted[i] && view->output_columns[i] == column && counts) {
                *ret_view = view->view;
                return output;
            }
        }
    }
    return NULL;
}

/* What all distinct values take, and which column has most. */
typedef struct distinct {
    uint64_t bytes, most_bytes, values; /* values: of that column */
    const pit_group *group;
    size_t column;
} distinct;

static void count_column(pit_group *group, size_t at, distinct *d) {
    pit_column *column = &group->columns[at];
    pthread_mutex_lock(&column->lock);
    uint64_t values = column->symbols.count, bytes = floe_pit_symbols_bytes(&column->symbols);
    pthread_mutex_unlock(&column->lock);
    d->bytes += bytes;
    if (bytes > d->most_bytes) {
        *d = (distinct){d->bytes, bytes, values, group, at};
    }
}

static floe_status fail_distinct(const distinct *d, floe_error *err) {
    const floe_view *view = NULL;
    const floe_output *output = asks_for(d->group, d->column, &view);
    FLOE_ASSERT(output);
    return FLOE_FAIL(
        err, FLOE_LIMIT,
        "%.*s:%.*s: the distinct values of column \"%.*s\" stay in memory, are %" PRIu64
        " so far and take with those of other columns %" PRIu64
        " MB, more than half of the kernel's share; give at least --memory %" PRIu64 "MB, or leave the feature out",
        FLOE_STR_BRIEF(view->about.name), FLOE_STR_BRIEF(output->about.name),
        FLOE_STR_BRIEF(d->group->columns[d->column].name), d->values, d->bytes / 1000000, 4 * d->bytes / 1000000 + 1);
}

/* Rows and answers of a question that spills are written down; what its texts and other distinct values are is not. */
static floe_status check_distinct(const floe_pit_feed *feed, floe_error *err) {
    const floe_pit *pit = feed->pit;
    uint64_t most = pit->options.memory_bytes / 2;
    distinct d = {0};
    for (size_t g = 0; pit->spill && g < pit->group_count; g++) {
        for (size_t i = 0; i < pit->groups[g].column_count; i++) {
            count_column(&pit->groups[g], i, &d);
        }
    }
    return d.bytes > (most > DISTINCT_LEAST ? most : DISTINCT_LEAST) ? fail_distinct(&d, err) : FLOE_OK;
}

static floe_status take(floe_pit_feed *feed, const struct ArrowArray *batch, floe_error *err) {
    pit_feeder *feeder;
    FLOE_TRY(take_feeder(feed, batch->length, &feeder, err));
    floe_status status = floe_pit_feeder_take(feeder, batch, err);
    give_back(feed, feeder);
    return floe_failed(status) ? status : check_distinct(feed, err);
}

floe_status floe_pit_feed_take(floe_pit_feed *feed, const struct ArrowArray *batch, floe_error *err) {
    if (feed->pit->threads > 1) {
        return take(feed, batch, err);
    }
    pthread_mutex_lock(&feed->turn);
    floe_status status = take(feed, batch, err);
    pthread_mutex_unlock(&feed->turn);
    return status;
}

/* ---- a stream ---- */

typedef struct streaming {
    floe_pit_feed *feed;
    struct ArrowArrayStream *stream;
    pthread_mutex_t lock; /* the stream */
    atomic_bool stop;
} streaming;

static floe_status next_batch(streaming *s, struct ArrowArray *ret_batch, floe_error *err) {
    pthread_mutex_lock(&s->lock);
    floe_status status = atomic_load(&s->stop) ? FLOE_OK : floe_arrow_stream_next(s->stream, "source", ret_batch, err);
    if (floe_failed(status) || !ret_batch->release) {
        atomic_store(&s->stop, true);
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

static floe_status take_batches(void *context, floe_error *err) {
    streaming *s = context;
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(next_batch(s, &batch, err));
        if (!batch.release) {
            return FLOE_OK;
        }
        FLOE_TRY(floe_pit_feed_take(s->feed, &batch, err));
    }
}

floe_status floe_pit_feed_stream(floe_pit *pit, size_t need_index, struct ArrowArrayStream *rows, floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(rows, "source", &schema, err));
    FLOE_CLEANUP(floe_pit_feed_close) floe_pit_feed *feed = NULL;
    FLOE_TRY(floe_pit_feed_open(pit, need_index, &schema, &feed, err));
    streaming s = {.feed = feed, .stream = rows};
    pthread_mutex_init(&s.lock, NULL);
    floe_status status = floe_together(pit->threads, take_batches, &s, &s.stop, err);
    pthread_mutex_destroy(&s.lock);
    return status;
}
