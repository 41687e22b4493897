/*
 * An Arrow stream into a temporary table, through DuckDB's appender.
 *
 * Cells go by way of floe's own values, so that whatever core/arrow.h reads (narrow integers, large text, other time
 * units) arrives as the one DuckDB type of its floe type. A data chunk holds a fixed number of rows (2048); batches are
 * cut to it.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <string.h>

#define LOAD_ARENA_CAP FLOE_GIB(1)
#define LOAD_SQL_CAP FLOE_MIB(16)
#define FLUSH_CELLS                                                                                                    \
    ((int64_t)1 << 20) /* The appender keeps what it is given beside what the engine counts until it is flushed. */

typedef struct loader {
    floe_session *session;
    const char *name;
    struct ArrowArrayStream *stream;
    struct ArrowSchema schema;
    int64_t column_count;
    floe_type *types;
    duckdb_appender appender;
    duckdb_data_chunk chunk;
    int64_t cells;    /* since it was flushed */
    floe_arena arena; /* items of lists, per chunk */
} loader;

static void loader_close(loader *load) {
    if (load->appender) {
        (void)duckdb_appender_destroy(&load->appender);
    }
    if (load->chunk) {
        duckdb_destroy_data_chunk(&load->chunk);
    }
    floe_arrow_schema_release(&load->schema);
    floe_free(load->types);
    floe_arena_close(&load->arena);
}

/* ---- one cell ---- */

static void put_decimal(void *data, idx_t row, const floe_value *value) {
    __int128 unscaled = value->as.decimal;
    if (value->type.precision <= 4) {
        ((int16_t *)data)[row] = (int16_t)unscaled;
    } else if (value->type.precision <= 9) {
        ((int32_t *)data)[row] = (int32_t)unscaled;
    } else if (value->type.precision <= 18) {
        ((int64_t *)data)[row] = (int64_t)unscaled;
    } else {
        ((duckdb_hugeint *)data)[row] =
            (duckdb_hugeint){.lower = (uint64_t)unscaled, .upper = (int64_t)(unscaled >> 64)};
    }
}

static floe_status put_plain(duckdb_vector vector, idx_t row, const floe_value *value, floe_error *err) {
    void *data = duckdb_vector_get_data(vector);
    floe_str bytes = value->as.bytes;
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        ((bool *)data)[row] = value->as.boolean;
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        ((int32_t *)data)[row] = (int32_t)value->as.integer;
        break;
    case FLOE_KIND_INT64:
    case FLOE_KIND_TIMESTAMP:
        ((int64_t *)data)[row] = value->as.integer;
        break;
    case FLOE_KIND_FLOAT:
        ((float *)data)[row] = (float)value->as.real;
        break;
    case FLOE_KIND_DOUBLE:
        ((double *)data)[row] = value->as.real;
        break;
    case FLOE_KIND_STRING:
        FLOE_ENSURE(floe_str_is_utf8(bytes), err, FLOE_CORRUPT, "text that is not UTF-8");
        duckdb_vector_assign_string_element_len(vector, row, bytes.ptr ? bytes.ptr : "", bytes.len);
        break;
    case FLOE_KIND_BYTES:
        duckdb_vector_assign_string_element_len(vector, row, bytes.ptr ? bytes.ptr : "", bytes.len);
        break;
    case FLOE_KIND_DECIMAL:
        put_decimal(data, row, value);
        break;
    case FLOE_KIND_NONE:
    case FLOE_KIND_LIST:
    default:
        return FLOE_FAIL(err, FLOE_INTERNAL, "no plain value of kind %d", (int)value->type.kind);
    }
    return FLOE_OK;
}

static void put_null(duckdb_vector vector, idx_t row) {
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

static floe_status put_list(duckdb_vector vector, idx_t row, const floe_value *value, floe_error *err) {
    size_t count = value->as.list.count;
    idx_t start = duckdb_list_vector_get_size(vector);
    FLOE_ENSURE(duckdb_list_vector_reserve(vector, start + count) == DuckDBSuccess &&
                    duckdb_list_vector_set_size(vector, start + count) == DuckDBSuccess,
                err, FLOE_NOMEM, "no memory for %zu list items", count);
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    for (size_t i = 0; i < count; i++) {
        const floe_value *item = &value->as.list.items[i];
        if (item->is_null) {
            put_null(child, start + i);
        } else {
            FLOE_TRY(put_plain(child, start + i, item, err));
        }
    }
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){start, count};
    return FLOE_OK;
}

static floe_status put_cell(duckdb_vector vector, idx_t row, const floe_value *value, floe_error *err) {
    if (value->is_null) {
        if (value->type.kind == FLOE_KIND_LIST) {
            ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] =
                (duckdb_list_entry){duckdb_list_vector_get_size(vector), 0};
        }
        put_null(vector, row);
        return FLOE_OK;
    }
    return value->type.kind == FLOE_KIND_LIST ? put_list(vector, row, value, err) : put_plain(vector, row, value, err);
}

/* ---- a batch ---- */

/* Bits of rows that are valid lie in Arrow as in a vector, but may begin within a byte. */
static void put_validity(duckdb_vector vector, const floe_arrow_plain *plain, const floe_cells_move *move) {
    int64_t first = plain->offset + move->first, row = 0;
    duckdb_vector_ensure_validity_writable(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (first % 8 == 0 && move->at % 8 == 0) {
        memcpy((uint8_t *)validity + move->at / 8, plain->valid + first / 8, (size_t)move->count / 8);
        row = move->count / 8 * 8;
    }
    for (; row < move->count; row++) {
        if (floe_arrow_plain_is_null(plain, move->first + row)) {
            duckdb_validity_set_row_invalid(validity, move->at + (idx_t)row);
        }
    }
}

/* Cells that lie in Arrow as in a vector. */
static void put_same(duckdb_vector vector, const floe_arrow_plain *plain, const floe_cells_move *move) {
    memcpy((uint8_t *)duckdb_vector_get_data(vector) + move->at * plain->cell_len,
           plain->data + (size_t)(plain->offset + move->first) * plain->cell_len,
           (size_t)move->count * plain->cell_len);
    if (plain->valid) {
        put_validity(vector, plain, move);
    }
}

floe_status floe_duckdb_put_column(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t column,
                                   const floe_cells_move *move, duckdb_vector vector, floe_arena *arena,
                                   floe_error *err) {
    floe_arrow_view view;
    FLOE_TRY(floe_arrow_view_of(schema, batch, column, &view, err));
    floe_arrow_plain plain = floe_arrow_plain_of(&view);
    if (plain.data) {
        put_same(vector, &plain, move);
        return FLOE_OK;
    }
    for (int64_t row = 0; row < move->count; row++) {
        floe_value value;
        floe_status status = floe_arrow_get(&view, move->first + row, arena, &value, err);
        if (!floe_failed(status)) {
            status = put_cell(vector, move->at + (idx_t)row, &value, err);
        }
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "column \"%.120s\"", schema->children[column]->name);
        }
    }
    return FLOE_OK;
}

static floe_status append_rows(loader *load, const struct ArrowArray *batch, int64_t first, int64_t count,
                               floe_error *err) {
    duckdb_data_chunk_reset(load->chunk);
    floe_arena_reset(&load->arena);
    for (int64_t column = 0; column < load->column_count; column++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(load->chunk, (idx_t)column);
        const floe_cells_move move = {first, count, 0};
        FLOE_TRY(floe_duckdb_put_column(&load->schema, batch, column, &move, vector, &load->arena, err));
    }
    duckdb_data_chunk_set_size(load->chunk, (idx_t)count);
    if (duckdb_append_data_chunk(load->appender, load->chunk) != DuckDBSuccess) {
        return floe_duckdb_take(duckdb_appender_error_data(load->appender), err);
    }
    load->cells += count * load->column_count;
    if (load->cells < FLUSH_CELLS) {
        return FLOE_OK;
    }
    load->cells = 0;
    return duckdb_appender_flush(load->appender) == DuckDBSuccess
               ? FLOE_OK
               : floe_duckdb_take(duckdb_appender_error_data(load->appender), err);
}

static floe_status append_batch(loader *load, const struct ArrowArray *batch, floe_error *err) {
    int64_t step = (int64_t)duckdb_vector_size();
    for (int64_t first = 0; first < batch->length; first += step) {
        FLOE_TRY(floe_duckdb_check_cancelled(load->session, err));
        int64_t left = batch->length - first;
        FLOE_TRY(append_rows(load, batch, first, left < step ? left : step, err));
    }
    return FLOE_OK;
}

/* ---- the table ---- */

/* A table is made or dropped as a whole: a request to stop must leave neither half of it nor a doubt whether it is
 * there. */
static floe_status run_uninterrupted(floe_session *session, const char *sql, floe_error *err) {
    const atomic_bool *cancelled = session->cancelled;
    session->cancelled = NULL;
    floe_status status = floe_session_run(session, sql, NULL, NULL, err);
    session->cancelled = cancelled;
    return status;
}

static floe_status create_table(loader *load, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, LOAD_SQL_CAP);
    floe_buf_text(&sql, "CREATE TEMP TABLE ");
    floe_sql_quote_name(&sql, floe_str_of(load->name));
    floe_buf_text(&sql, " (");
    for (int64_t i = 0; i < load->column_count; i++) {
        FLOE_TRY(floe_arrow_type(load->schema.children[i], &load->types[i], err));
        floe_buf_text(&sql, i ? ", " : "");
        floe_sql_quote_name(&sql, floe_str_of(load->schema.children[i]->name));
        floe_buf_byte(&sql, ' ');
        floe_sql_type_name(&sql, load->types[i]);
    }
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    return run_uninterrupted(load->session, sql.ptr, err);
}

static floe_status open_chunk(loader *load, floe_error *err) {
    if (duckdb_appender_create_ext(load->session->connection, "temp", "main", load->name, &load->appender) !=
        DuckDBSuccess) {
        return floe_duckdb_take(duckdb_appender_error_data(load->appender), err);
    }
    idx_t count = (idx_t)load->column_count;
    FLOE_AUTO_FREE duckdb_logical_type *types = NULL;
    FLOE_TRY(floe_alloc(count, sizeof *types, &types, err));
    for (idx_t i = 0; i < count; i++) {
        types[i] = duckdb_appender_column_type(load->appender, i);
    }
    load->chunk = duckdb_create_data_chunk(types, count);
    for (idx_t i = 0; i < count; i++) {
        duckdb_destroy_logical_type(&types[i]);
    }
    FLOE_ENSURE(load->chunk, err, FLOE_INTERNAL, "the engine gave no data chunk");
    return FLOE_OK;
}

static floe_status load_rows(loader *load, floe_error *err) {
    FLOE_TRY(open_chunk(load, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(load->stream, load->name, &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(append_batch(load, &batch, err));
    }
    if (duckdb_appender_close(load->appender) != DuckDBSuccess) {
        return floe_duckdb_take(duckdb_appender_error_data(load->appender), err);
    }
    return FLOE_OK;
}

static void drop_table(floe_session *session, const char *name) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, LOAD_SQL_CAP);
    floe_buf_text(&sql, "DROP TABLE IF EXISTS temp.main.");
    floe_sql_quote_name(&sql, floe_str_of(name));
    if (!sql.failed) {
        FLOE_IGNORE(run_uninterrupted(session, sql.ptr, NULL));
    }
}

static floe_status load_stream(floe_session *session, const char *name, bool more, struct ArrowArrayStream *stream,
                               floe_error *err) {
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    FLOE_CLEANUP(loader_close) loader load = {.session = session, .name = name, .stream = stream};
    floe_arena_init(&load.arena, LOAD_ARENA_CAP);
    FLOE_TRY(floe_arrow_stream_schema(stream, name, &load.schema, err));
    load.column_count = load.schema.n_children;
    FLOE_ENSURE(load.column_count > 0, err, FLOE_INVALID, "%s: a stream without columns makes no table", name);
    FLOE_TRY(floe_alloc((size_t)load.column_count, sizeof *load.types, &load.types, err));
    FLOE_TRY(more ? FLOE_OK : create_table(&load, err));
    floe_status status = load_rows(&load, err);
    if (floe_failed(status)) {
        if (load.appender) {
            (void)duckdb_appender_destroy(&load.appender);
            load.appender = NULL;
        }
        drop_table(session, name);
    }
    return status;
}

floe_status floe_session_load(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                              floe_error *err) {
    return load_stream(session, name, false, stream, err);
}

floe_status floe_session_load_more(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                                   floe_error *err) {
    return load_stream(session, name, true, stream, err);
}
