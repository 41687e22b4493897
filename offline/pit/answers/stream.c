/*
 * Answers out: batches of the asked columns in label order. Column by column (columnar.c), but for lists and the newest
 * rows, which go row by row.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/columnar.h"
#include "offline/pit/answers/sheet.h"

#define BATCH_ROWS ((size_t)8192)
#define BATCH_CELLS ((size_t)1 << 20) /* of numbers, which several threads bring together */

/* One asked column and where its answers lie. */
typedef struct answer_column {
    pit_asked asked;
    floe_value *items; /* room for a list */
} answer_column;

typedef struct answer_stream {
    const floe_pit *pit;
    floe_arena arena;
    answer_column *answers;
    floe_column *columns;
    size_t lead; /* columns before the answers: keys and times of the newest rows */
    size_t column_count;
    pit_answers *columnar;   /* NULL: row by row */
    floe_pit_pieces *pieces; /* of a question that spills */
    size_t batch_rows;
    floe_value *row;
    floe_arrow_builder *builder;
    size_t at; /* next label */
} answer_stream;

/* Keys and times of the newest row of a key. */
static floe_status lead_cells(answer_stream *stream, size_t label, uint32_t winner, floe_error *err) {
    const pit_group *group = &stream->pit->groups[0];
    size_t key_count = group->entity->key_count;
    FLOE_TRY(floe_pit_key_decode(group->keys.keys[label], group->entity->keys, key_count, stream->row, err));
    int64_t created = group->created ? group->created[winner] : INT64_MIN;
    int64_t end = group->end ? group->end[winner] : INT64_MAX;
    stream->row[key_count] = floe_value_timestamp(group->event[winner]);
    stream->row[key_count + 1] = floe_value_timestamp(created);
    stream->row[key_count + 1].is_null = created == INT64_MIN;
    stream->row[key_count + 2] = floe_value_timestamp(end);
    stream->row[key_count + 2].is_null = end == INT64_MAX;
    return FLOE_OK;
}

static floe_status append_label(answer_stream *stream, size_t label, floe_error *err) {
    if (stream->lead > 0) {
        const pit_group *group = &stream->pit->groups[0];
        uint32_t winner = group->views[0].winner[label];
        if (winner == PIT_NO_ROW) {
            return FLOE_OK; /* Nothing of this key is visible. */
        }
        FLOE_TRY(lead_cells(stream, label, winner, err));
    }
    for (size_t i = 0; i < stream->pit->ref_count; i++) {
        const answer_column *answer = &stream->answers[i];
        floe_pit_sheet_get(answer->asked.group, answer->asked.view, answer->asked.output, label, answer->items,
                           &stream->row[stream->lead + i]);
    }
    return floe_arrow_builder_row(stream->builder, stream->row, err);
}

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    answer_stream *stream = context;
    return floe_arrow_schema_make(stream->columns, stream->column_count, ret_schema, err);
}

static floe_status next_columns(answer_stream *stream, struct ArrowArray *ret_batch, floe_error *err) {
    size_t left = stream->pit->label_count - stream->at, count = left < stream->batch_rows ? left : stream->batch_rows;
    if (count > 0 && stream->pieces) {
        const floe_pit_piece piece = {0, stream->column_count, stream->at, count};
        FLOE_TRY(floe_pit_pieces_get(stream->pieces, &piece, ret_batch, err));
        stream->at += count;
    } else if (count > 0) {
        FLOE_TRY(floe_pit_columnar_batch(stream->columnar, stream->column_count, stream->at, count,
                                         stream->pit->threads, ret_batch, err));
        stream->at += count;
    }
    return FLOE_OK;
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    answer_stream *stream = context;
    ret_batch->release = NULL;
    if (stream->columnar) {
        return next_columns(stream, ret_batch, err);
    }
    while (stream->at < stream->pit->label_count && floe_arrow_builder_rows(stream->builder) < (int64_t)BATCH_ROWS) {
        FLOE_TRY(append_label(stream, stream->at, err));
        stream->at++;
    }
    if (floe_arrow_builder_rows(stream->builder) == 0) {
        return FLOE_OK;
    }
    return floe_arrow_builder_finish(stream->builder, ret_batch, err);
}

static void stream_close(void *context) {
    answer_stream *stream = context;
    floe_pit_pieces_close(&stream->pieces);
    floe_arrow_builder_close(&stream->builder);
    floe_arena_close(&stream->arena);
    floe_free(stream);
}

static void name_columns(answer_stream *stream) {
    size_t count = 0;
    if (stream->lead > 0) {
        const floe_entity *entity = stream->pit->groups[0].entity;
        for (size_t i = 0; i < entity->key_count; i++) {
            stream->columns[count++] = entity->keys[i];
        }
        floe_type time = {.kind = FLOE_KIND_TIMESTAMP};
        stream->columns[count++] = (floe_column){FLOE_STR("__event_ts"), time};
        stream->columns[count++] = (floe_column){FLOE_STR("__created_ts"), time};
        stream->columns[count++] = (floe_column){FLOE_STR("__end_ts"), time};
    }
    for (size_t i = 0; i < stream->pit->ref_count; i++) {
        const floe_ref *ref = &stream->pit->refs[i];
        stream->answers[i].asked = floe_pit_asked_of(stream->pit, ref);
        stream->answers[i].items = floe_arena_alloc(&stream->arena, ref->output->k, sizeof(*stream->answers[i].items));
        const char *name = stream->lead > 0
                               ? floe_arena_printf(&stream->arena, "%.*s", FLOE_STR_ARG(ref->output->about.name))
                               : floe_arena_printf(&stream->arena, "%.*s__%.*s", FLOE_STR_ARG(ref->view->about.name),
                                                   FLOE_STR_ARG(ref->output->about.name));
        stream->columns[count++] = (floe_column){floe_str_of(name), ref->output->type};
    }
}

/* Leaves stream->columnar NULL where a column is not made so. */
static floe_status stream_columns(answer_stream *stream, floe_error *err) {
    bool takes = stream->lead == 0, texts = false;
    for (size_t i = 0; i < stream->column_count; i++) {
        floe_kind kind = stream->columns[i].type.kind;
        takes = takes && floe_pit_columnar_takes(stream->columns[i].type);
        texts = texts || kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES;
    }
    size_t most = BATCH_CELLS / (stream->column_count + 1);
    stream->batch_rows = texts || stream->pit->spill || most < BATCH_ROWS
                             ? BATCH_ROWS
                             : most; /* A batch holds no more than 2 GiB of text. */
    if (!takes) {
        return FLOE_OK;
    }
    stream->columnar = floe_arena_alloc(&stream->arena, stream->column_count, sizeof(*stream->columnar));
    FLOE_TRY(floe_arena_check(&stream->arena, err));
    for (size_t i = 0; i < stream->column_count; i++) {
        floe_pit_answers_find(stream->pit, &stream->pit->refs[i], &stream->columns[i], &stream->columnar[i]);
    }
    return stream->pit->spill ? floe_pit_pieces_open(stream->pit, &stream->pieces, err) : FLOE_OK;
}

static floe_status stream_fill(answer_stream *stream, floe_error *err) {
    const floe_pit *pit = stream->pit;
    stream->lead = pit->newest_labels ? pit->groups[0].entity->key_count + 3 : 0;
    stream->column_count = stream->lead + pit->ref_count;
    stream->answers = floe_arena_alloc(&stream->arena, pit->ref_count, sizeof(*stream->answers));
    stream->columns = floe_arena_alloc(&stream->arena, stream->column_count, sizeof(*stream->columns));
    stream->row = floe_arena_alloc(&stream->arena, stream->column_count, sizeof(*stream->row));
    FLOE_TRY(floe_arena_check(&stream->arena, err));
    name_columns(stream);
    FLOE_TRY(floe_arena_check(&stream->arena, err));
    FLOE_TRY(stream_columns(stream, err));
    return floe_arrow_builder_open(stream->columns, stream->column_count, &stream->builder, err);
}

floe_status floe_pit_stream(floe_pit *pit, struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source source = {stream_schema, stream_next, stream_close};
    answer_stream *stream = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*stream), &stream, err));
    stream->pit = pit;
    floe_arena_init(&stream->arena, FLOE_MIB(256));
    floe_status status = stream_fill(stream, err);
    if (!floe_failed(status)) {
        status = floe_arrow_stream_make(&source, stream, ret_stream, err);
    }
    if (floe_failed(status)) {
        stream_close(stream);
    }
    return status;
}
