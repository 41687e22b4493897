#include "tests/online/table.h"

#include "core/mem.h"

static void assert_stream(floe_status status) {
    assert_int_equal(status.code, FLOE_CODE_OK);
}

void table_open(table *t) {
    *t = (table){.snapshot_id = 1};
    t->rows = test_calloc(TABLE_ROWS_MAX, sizeof(*t->rows));
}

void table_close(table *t) {
    test_free(t->rows);
}

void table_add(table *t, const char *key, int64_t event_us, int64_t value) {
    assert_true(t->count < TABLE_ROWS_MAX);
    table_row *row = &t->rows[t->count++];
    *row = (table_row){
        .event_us = event_us, .created_us = NO_CREATED, .end_us = NEVER, .value = value, .snapshot_id = t->snapshot_id};
    snprintf(row->key, sizeof(row->key), "%s", key);
}

void table_commit(table *t) {
    t->snapshot_id++;
}

void table_delete(table *t, const char *key) {
    size_t kept = 0;
    table_commit(t);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].key, key) != 0) {
            t->rows[kept++] = t->rows[i];
        }
    }
    t->count = kept;
    t->rewritten_at = t->snapshot_id;
}

/* ---- the answer to one need ---- */

static bool visible(const table_row *row, const floe_sync_need *need) {
    return row->event_us <= need->as_of_us;
}

static bool appended(const table_row *row, const floe_sync_need *need) {
    return need->since_snapshot_id < 0 || row->snapshot_id > need->since_snapshot_id || row->event_us > need->since_us;
}

static bool newer(const table_row *a, const table_row *b) {
    return a->event_us > b->event_us || (a->event_us == b->event_us && a->created_us >= b->created_us);
}

/* Keys in order of first appearance: a row is a key's first when no earlier row has the key. */
static bool is_first(const table *t, size_t index, const floe_sync_need *need) {
    for (size_t i = 0; i < index; i++) {
        if (strcmp(t->rows[i].key, t->rows[index].key) == 0 && visible(&t->rows[i], need)) {
            return false;
        }
    }
    return visible(&t->rows[index], need);
}

typedef struct answer {
    const table_row *newest;
    int64_t n;
    int64_t s;
    bool any_s;
} answer;

static answer answer_for(const table *t, const char *key, const floe_sync_need *need) {
    answer found = {0};
    for (size_t i = 0; i < t->count; i++) {
        const table_row *row = &t->rows[i];
        if (strcmp(row->key, key) != 0 || !visible(row, need)) {
            continue;
        }
        found.n++;
        if (row->event_us > need->as_of_us - TABLE_WINDOW_US) {
            found.s += row->value;
            found.any_s = true;
        }
        if (appended(row, need) && (found.newest == NULL || newer(row, found.newest))) {
            found.newest = row;
        }
    }
    return found;
}

static floe_value time_value(int64_t micros, bool is_null) {
    return is_null ? null_of(FLOE_KIND_TIMESTAMP) : floe_value_timestamp(micros);
}

static size_t row_values(const answer *found, const char *key, const floe_sync_need *need, floe_value *values) {
    size_t count = 0;
    values[count++] = text(key);
    if (need->want_as_of) {
        const table_row *row = found->newest;
        values[count++] = floe_value_timestamp(row->event_us);
        values[count++] = time_value(row->created_us, row->created_us == NO_CREATED);
        values[count++] = time_value(row->end_us, row->end_us == NEVER);
        values[count++] = floe_value_int64(row->value);
    }
    if (need->want_aggregates) {
        values[count++] = floe_value_int64(found->n);
        values[count++] = found->any_s ? floe_value_int64(found->s) : null_of(FLOE_KIND_INT64);
    }
    return count;
}

static size_t list_columns(const floe_sync_need *need, floe_column *columns) {
    size_t count = 0;
    columns[count++] = (floe_column){FLOE_STR("thing"), type_of(FLOE_KIND_STRING)};
    if (need->want_as_of) {
        columns[count++] = (floe_column){FLOE_STR("__event_ts"), type_of(FLOE_KIND_TIMESTAMP)};
        columns[count++] = (floe_column){FLOE_STR("__created_ts"), type_of(FLOE_KIND_TIMESTAMP)};
        columns[count++] = (floe_column){FLOE_STR("__end_ts"), type_of(FLOE_KIND_TIMESTAMP)};
        columns[count++] = (floe_column){FLOE_STR("value"), type_of(FLOE_KIND_INT64)};
    }
    if (need->want_aggregates) {
        columns[count++] = (floe_column){FLOE_STR("n"), type_of(FLOE_KIND_INT64)};
        columns[count++] = (floe_column){FLOE_STR("s"), type_of(FLOE_KIND_INT64)};
    }
    return count;
}

/* ---- the stream ---- */

typedef struct table_stream {
    table *from;
    floe_sync_need need;
    floe_column columns[8];
    size_t column_count;
    floe_arrow_builder *builder;
    size_t at;
} table_stream;

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    table_stream *stream = context;
    return floe_arrow_schema_make(stream->columns, stream->column_count, ret_schema, err);
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    table_stream *stream = context;
    table *t = stream->from;
    for (; stream->at < t->count && floe_arrow_builder_rows(stream->builder) < 100; stream->at++) {
        if (!is_first(t, stream->at, &stream->need)) {
            continue;
        }
        floe_value values[8];
        answer found = answer_for(t, t->rows[stream->at].key, &stream->need);
        if (stream->need.want_as_of && found.newest == NULL) {
            continue;
        }
        (void)row_values(&found, t->rows[stream->at].key, &stream->need, values);
        FLOE_TRY(floe_arrow_builder_row(stream->builder, values, err));
    }
    if (floe_arrow_builder_rows(stream->builder) > 0) {
        return floe_arrow_builder_finish(stream->builder, ret_batch, err);
    }
    if (t->on_end != NULL) {
        t->on_end(t->hook_context);
    }
    ret_batch->release = NULL;
    return FLOE_OK;
}

static void stream_close(void *context) {
    table_stream *stream = context;
    floe_arrow_builder_close(&stream->builder);
    floe_free(stream);
}

static void drop_column(table_stream *stream, const char *name) {
    for (size_t i = 0; i < stream->column_count; i++) {
        if (floe_str_is(stream->columns[i].name, name)) {
            stream->columns[i].name = FLOE_STR("renamed");
        }
    }
}

static floe_status make_stream(table *t, const floe_sync_need *need, struct ArrowArrayStream *ret_stream,
                               floe_error *err) {
    static const floe_stream_source source = {stream_schema, stream_next, stream_close};
    table_stream *stream = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*stream), &stream, err));
    stream->from = t;
    stream->need = *need;
    stream->column_count = list_columns(need, stream->columns);
    assert_stream(floe_arrow_builder_open(stream->columns, stream->column_count, &stream->builder, err));
    if (t->drop_column != NULL) {
        drop_column(stream, t->drop_column);
    }
    return floe_arrow_stream_make(&source, stream, ret_stream, err);
}

static bool any_appended(const table *t, const floe_sync_need *need) {
    for (size_t i = 0; i < t->count; i++) {
        if (appended(&t->rows[i], need)) {
            return true;
        }
    }
    return false;
}

static floe_status newest(void *context, const floe_sync_need *need, struct ArrowArrayStream *ret_stream,
                          floe_sync_got *ret_got, floe_error *err) {
    table *t = context;
    t->asks++;
    t->last_need = *need;
    if (t->on_ask != NULL) {
        t->on_ask(t->hook_context);
    }
    if (t->fail_with != FLOE_CODE_OK) {
        return FLOE_FAIL(err, t->fail_with, "%s", t->fail_words ? t->fail_words : "the table is not in the mood");
    }
    ret_got->snapshot_id = t->snapshot_id;
    if (need->since_snapshot_id >= 0) {
        ret_got->rewritten = t->rewritten_at > need->since_snapshot_id;
        ret_got->unchanged = !ret_got->rewritten && !any_appended(t, need);
    }
    if (ret_got->rewritten || ret_got->unchanged) {
        return FLOE_OK;
    }
    return make_stream(t, need, ret_stream, err);
}

floe_sync_source table_source(table *t) {
    return (floe_sync_source){newest, t};
}

floe_view *table_view(world *w) {
    floe_output outputs[] = {as_of_output("value", type_of(FLOE_KIND_INT64)),
                             aggregate_output("n", FLOE_FN_COUNT, type_of(FLOE_KIND_INT64)),
                             aggregate_output("s", FLOE_FN_SUM, type_of(FLOE_KIND_INT64))};
    return make_view(w, "both", make_simple_entity(w, "thing"), outputs, 3);
}

floe_view *table_value_view(world *w) {
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    return make_view(w, "values", make_simple_entity(w, "thing"), &output, 1);
}
