/*
 * Rows of a sync: from the source's Arrow batches into the store's parts, and what arrived meanwhile from the old
 * generation into the new one.
 */
#include "core/limits.h"
#include "core/time.h"
#include "online/sync_int.h"
#include "proto/key.h"

#define ROW_ARENA_BYTES FLOE_MIB(64)

/* The stream's columns, found once; views of the batch at hand. */
typedef struct sync_reader {
    floe_sync *sync;
    const floe_sync_need *need;
    const struct ArrowSchema *schema;
    floe_arena row_arena;
    int64_t *key_columns;
    int64_t times[3]; /* __event_ts, __created_ts, __end_ts; -1: not asked */
    int64_t *as_of_columns;
    int64_t *aggregates_columns;
    floe_arrow_view *views; /* one per column of the schema */
    floe_value *keys;
    floe_value *values;
} sync_reader;

/* ---- columns ---- */

static floe_status find_column(sync_reader *reader, floe_str name, floe_type type, int64_t *ret_index,
                               floe_error *err) {
    int64_t index = floe_arrow_find(reader->schema, name);
    FLOE_ENSURE(index >= 0, err, FLOE_INTERNAL, "the rows to sync have no column %.*s", FLOE_STR_BRIEF(name));
    floe_type found = {0};
    char want[FLOE_TYPE_NAME_MAX];
    char have[FLOE_TYPE_NAME_MAX];
    FLOE_TRY(floe_arrow_type(reader->schema->children[index], &found, err));
    floe_value probe = floe_value_widened(floe_value_null(found), type);
    FLOE_ENSURE(
        floe_type_equal(probe.type, type), err, FLOE_INVALID,
        "the table's column for %.*s is of type %s now, but the definition says %s; run floe plan and floe apply",
        FLOE_STR_BRIEF(name), floe_type_name(found, have), floe_type_name(type, want));
    *ret_index = index;
    return FLOE_OK;
}

static floe_status find_outputs(sync_reader *reader, bool aggregates, int64_t *columns, floe_error *err) {
    const floe_view *view = reader->sync->view;
    size_t count = 0;
    for (size_t i = 0; i < view->output_count; i++) {
        if ((view->outputs[i].function != FLOE_FN_NONE) == aggregates) {
            FLOE_TRY(find_column(reader, view->outputs[i].about.name, view->outputs[i].type, &columns[count], err));
            count++;
        }
    }
    return FLOE_OK;
}

static floe_status find_columns(sync_reader *reader, floe_error *err) {
    static const char *const time_names[] = {"__event_ts", "__created_ts", "__end_ts"};
    const floe_entity *entity = reader->sync->view->entity;
    for (size_t k = 0; k < entity->key_count; k++) {
        FLOE_TRY(find_column(reader, entity->keys[k].name, entity->keys[k].type, &reader->key_columns[k], err));
    }
    if (reader->need->want_as_of) {
        for (size_t i = 0; i < 3; i++) {
            FLOE_TRY(find_column(reader, floe_str_of(time_names[i]), (floe_type){.kind = FLOE_KIND_TIMESTAMP},
                                 &reader->times[i], err));
        }
        FLOE_TRY(find_outputs(reader, false, reader->as_of_columns, err));
    }
    return reader->need->want_aggregates ? find_outputs(reader, true, reader->aggregates_columns, err) : FLOE_OK;
}

static floe_status set_up(sync_reader *reader, floe_error *err) {
    floe_sync *sync = reader->sync;
    floe_arena *arena = sync->arena;
    reader->key_columns = floe_arena_alloc(arena, sync->view->entity->key_count, sizeof(int64_t));
    reader->as_of_columns = floe_arena_alloc(arena, sync->as_of->count, sizeof(int64_t));
    reader->aggregates_columns = floe_arena_alloc(arena, sync->aggregates->count, sizeof(int64_t));
    reader->views = floe_arena_alloc(arena, (size_t)reader->schema->n_children, sizeof(floe_arrow_view));
    reader->keys = floe_arena_alloc(arena, sync->view->entity->key_count, sizeof(floe_value));
    reader->values = floe_arena_alloc(arena, sync->view->output_count, sizeof(floe_value));
    FLOE_TRY(floe_arena_check(arena, err));
    return find_columns(reader, err);
}

/* ---- batches into the store ---- */

static floe_status flush(floe_sync *sync, bool keep_on_tie, floe_error *err) {
    size_t count = 0;
    const floe_batch *batch = &sync->store->batch;
    FLOE_TRY(floe_batch_flush(sync->store, keep_on_tie, &count, err));
    for (size_t i = 0; i < count && !keep_on_tie; i++) {
        if (batch->puts[i].parts[0].kind == FLOE_PART_AS_OF) {
            sync->result->written += batch->outcomes[i] == FLOE_WRITE_DONE ? 1 : 0;
            sync->result->older += batch->outcomes[i] == FLOE_WRITE_OLDER ? 1 : 0;
        }
    }
    return floe_sync_check_cancelled(sync, err);
}

static floe_status add(floe_sync *sync, const floe_batch_row *row, floe_error *err) {
    if (floe_batch_full(sync->store)) {
        FLOE_TRY(flush(sync, false, err));
    }
    return floe_batch_add(sync->store, row, err);
}

/* ---- rows ---- */

static floe_status get(sync_reader *reader, int64_t column, int64_t row, floe_type type, floe_value *ret_value,
                       floe_error *err) {
    floe_value value = {0};
    FLOE_TRY(floe_arrow_get(&reader->views[column], row, &reader->row_arena, &value, err));
    *ret_value = floe_value_widened(value, type);
    return FLOE_OK;
}

/* *ret_null: one of the keys is null, and a row without keys is nobody's. */
static floe_status get_keys(sync_reader *reader, int64_t row, bool *ret_null, floe_error *err) {
    const floe_entity *entity = reader->sync->view->entity;
    *ret_null = false;
    for (size_t k = 0; k < entity->key_count; k++) {
        FLOE_TRY(get(reader, reader->key_columns[k], row, entity->keys[k].type, &reader->keys[k], err));
        *ret_null = *ret_null || reader->keys[k].is_null;
    }
    return *ret_null ? FLOE_OK : floe_key_check(entity->keys, reader->keys, entity->key_count, err);
}

static floe_status get_time(sync_reader *reader, size_t which, int64_t row, int64_t null_us, int64_t *ret_us,
                            floe_error *err) {
    floe_value value = {0};
    FLOE_TRY(get(reader, reader->times[which], row, (floe_type){.kind = FLOE_KIND_TIMESTAMP}, &value, err));
    *ret_us = value.is_null ? null_us : value.as.integer;
    return FLOE_OK;
}

static floe_status get_values(sync_reader *reader, const int64_t *columns, const floe_row_layout *layout, int64_t row,
                              floe_error *err) {
    for (size_t c = 0; c < layout->count; c++) {
        FLOE_TRY(get(reader, columns[c], row, layout->types[c], &reader->values[c], err));
    }
    return FLOE_OK;
}

static floe_batch_row row_of(const sync_reader *reader, const floe_row_layout *layout, const floe_part *part) {
    const floe_entity *entity = reader->sync->view->entity;
    return (floe_batch_row){.entity = entity->about.name,
                            .keys = reader->keys,
                            .key_count = entity->key_count,
                            .layout = layout,
                            .header = {0, INT64_MIN, INT64_MAX, false},
                            .values = reader->values,
                            .parts = part,
                            .part_count = 1};
}

static floe_status write_as_of(sync_reader *reader, int64_t row, floe_error *err) {
    floe_sync *sync = reader->sync;
    floe_value event = {0};
    FLOE_TRY(get(reader, reader->times[0], row, (floe_type){.kind = FLOE_KIND_TIMESTAMP}, &event, err));
    if (event.is_null) {
        return FLOE_OK; /* aggregates without a newest row */
    }
    floe_part part = {FLOE_PART_AS_OF, sync->generation_id};
    floe_batch_row added = row_of(reader, sync->as_of, &part);
    added.header.event_us = event.as.integer;
    FLOE_TRY(get_time(reader, 1, row, INT64_MIN, &added.header.created_us, err));
    FLOE_TRY(get_time(reader, 2, row, INT64_MAX, &added.header.end_us, err));
    FLOE_TRY(get_values(reader, reader->as_of_columns, sync->as_of, row, err));
    sync->youngest_us = event.as.integer > sync->youngest_us ? event.as.integer : sync->youngest_us;
    return add(sync, &added, err);
}

static floe_status write_aggregates(sync_reader *reader, int64_t row, floe_error *err) {
    floe_sync *sync = reader->sync;
    floe_part part = {FLOE_PART_AGGREGATES, sync->aggregates_id};
    floe_batch_row added = row_of(reader, sync->aggregates, &part);
    added.header.event_us = sync->as_of_us;
    FLOE_TRY(get_values(reader, reader->aggregates_columns, sync->aggregates, row, err));
    return add(sync, &added, err);
}

static floe_status write_row(sync_reader *reader, int64_t row, floe_error *err) {
    bool null_key = false;
    floe_arena_reset(&reader->row_arena);
    FLOE_TRY(get_keys(reader, row, &null_key, err));
    if (null_key) {
        return FLOE_OK;
    }
    reader->sync->result->rows++;
    if (reader->need->want_as_of) {
        FLOE_TRY(write_as_of(reader, row, err));
    }
    return reader->need->want_aggregates ? write_aggregates(reader, row, err) : FLOE_OK;
}

static floe_status write_batch(sync_reader *reader, const struct ArrowArray *batch, floe_error *err) {
    for (int64_t c = 0; c < reader->schema->n_children; c++) {
        FLOE_TRY(floe_arrow_view_of(reader->schema, batch, c, &reader->views[c], err));
    }
    for (int64_t row = 0; row < batch->length; row++) {
        FLOE_TRY(write_row(reader, row, err));
    }
    return FLOE_OK;
}

static floe_status write_batches(sync_reader *reader, struct ArrowArrayStream *stream, floe_error *err) {
    FLOE_TRY(set_up(reader, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "rows to sync", &batch, err));
        if (batch.release == NULL) {
            return flush(reader->sync, false, err);
        }
        FLOE_TRY(write_batch(reader, &batch, err));
    }
}

floe_status floe_sync_write_stream(floe_sync *sync, struct ArrowArrayStream *stream, const floe_sync_need *need,
                                   floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "rows to sync", &schema, err));
    sync_reader reader = {.sync = sync, .need = need, .schema = &schema, .times = {-1, -1, -1}};
    floe_arena_init(&reader.row_arena, ROW_ARENA_BYTES);
    sync->store->batch.count = 0;
    floe_status status = write_batches(&reader, stream, err);
    floe_arena_close(&reader.row_arena);
    return status;
}

/* ---- what arrived ---- */

static floe_status copy_row(void *context, floe_str key, floe_str row, floe_error *err) {
    floe_sync *sync = context;
    floe_row_header header;
    FLOE_TRY(floe_row_header_read(row, &header, err));
    if (!header.arrived || header.event_us <= sync->youngest_us) {
        return FLOE_OK;
    }
    if (floe_batch_full(sync->store)) {
        FLOE_TRY(flush(sync, true, err));
    }
    return floe_batch_add_raw(sync->store, sync->view->entity->about.name, key, row,
                              (floe_part){FLOE_PART_AS_OF, sync->generation_id}, err);
}

floe_status floe_sync_copy_arrived(floe_sync *sync, floe_error *err) {
    if (sync->copied_id == 0) {
        return FLOE_OK;
    }
    floe_backend *backend = &sync->store->backend;
    FLOE_TRY(backend->vtable->scan(backend->impl, sync->view->entity->about.name,
                                   (floe_part){FLOE_PART_AS_OF, sync->copied_id}, copy_row, sync, err));
    return flush(sync, true, err);
}
