/*
 * Small results as values: what the files of offline ask the engine about itself and about files, where a stream would be
 * more than is needed.
 */
#include "offline/engine/engine.h"

#include "core/limits.h"

typedef struct value_list {
    floe_value *values;
    size_t count, capacity;
} value_list;

/* A value whose bytes outlive the batch. */
static void keep_value(floe_arena *arena, floe_value *value) {
    bool text = value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES;
    if (!value->is_null && text) {
        value->as.bytes = floe_arena_str(arena, value->as.bytes);
    }
}

static floe_status keep_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch, floe_arena *arena,
                              value_list *list, floe_error *err) {
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t column = 0; column < schema->n_children; column++) {
            floe_arrow_view view;
            floe_value *value = FLOE_ARENA_PUSH(arena, list->values, list->count, list->capacity);
            FLOE_TRY(floe_arena_check(arena, err));
            FLOE_TRY(floe_arrow_view_of(schema, batch, column, &view, err));
            FLOE_TRY(floe_arrow_get(&view, row, arena, value, err));
            keep_value(arena, value);
        }
    }
    return floe_arena_check(arena, err);
}

floe_status floe_session_query(floe_session *session, const char *sql, const floe_sql_params *params, floe_arena *arena,
                               floe_query_rows *ret_rows, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    value_list list = {0};
    FLOE_TRY(floe_session_stream(session, sql, params, &stream, err));
    FLOE_TRY(floe_arrow_stream_schema(&stream, "query", &schema, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(&stream, "query", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(keep_batch(&schema, &batch, arena, &list, err));
    }
    size_t columns = (size_t)schema.n_children;
    *ret_rows = (floe_query_rows){list.values, list.count / columns, columns};
    return FLOE_OK;
}

floe_status floe_session_describe(floe_session *session, const char *query, floe_arena *arena,
                                  const floe_query_column **ret_columns, size_t *ret_count, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "SELECT column_name, column_type FROM (DESCRIBE ");
    floe_buf_text(&sql, query);
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    floe_query_column *columns = floe_arena_alloc(arena, rows.row_count + 1, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < rows.row_count; i++) {
        columns[i] = (floe_query_column){rows.values[2 * i].as.bytes, rows.values[2 * i + 1].as.bytes};
    }
    *ret_columns = columns;
    *ret_count = rows.row_count;
    return FLOE_OK;
}
