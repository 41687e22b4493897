/*
 * Cells of kept rows: whole numbers and times as int64, floats as double, decimals as int128, text,
 * bytes and lists as symbols. Keys of entities as unambiguous bytes.
 */
#include "offline/pit/memory/columns.h"

#include "core/mem.h"

#include <math.h>

pit_class floe_pit_class(floe_type type) {
    switch (type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return PIT_F64;
    case FLOE_KIND_DECIMAL:
        return PIT_I128;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
    case FLOE_KIND_LIST:
        return PIT_SYMBOL;
    default:
        return PIT_I64;
    }
}

size_t floe_pit_cell_len(pit_class class) {
    static const size_t cell_len[] = {sizeof(int64_t), sizeof(double), sizeof(__int128), 0};
    return cell_len[class];
}

floe_status floe_pit_column_reserve(pit_column *column, size_t room, floe_error *err) {
    FLOE_TRY(floe_realloc(&column->is_null, room, sizeof(*column->is_null), err));
    if (column->class != PIT_SYMBOL) {
        FLOE_TRY(floe_realloc(&column->data, room, floe_pit_cell_len(column->class), err));
    }
    if (column->class == PIT_SYMBOL || column->want_symbols) {
        FLOE_TRY(floe_realloc(&column->symbol, room, sizeof(*column->symbol), err));
    }
    return FLOE_OK;
}

void floe_pit_column_forget(pit_column *column) {
    floe_free(column->data.i64);
    floe_free(column->symbol);
    floe_free(column->is_null);
    column->data.i64 = NULL;
    column->symbol = NULL;
    column->is_null = NULL;
}

void floe_pit_column_close(pit_column *column) {
    floe_pit_column_forget(column);
    floe_pit_symbols_close(&column->symbols);
    pthread_mutex_destroy(&column->lock);
}

/* One value as bytes that are equal exactly when the values are equal: NaN is one value, -0.0 is 0.0. */
static void append_scalar(floe_buf *out, const floe_value *value) {
    double real;
    switch (floe_pit_class(value->type)) {
    case PIT_I64:
        floe_buf_u64(out, (uint64_t)(value->type.kind == FLOE_KIND_BOOL ? value->as.boolean : value->as.integer));
        break;
    case PIT_F64:
        real = isnan(value->as.real) ? NAN : value->as.real;
        floe_buf_f64(out, real == 0 ? 0.0 : real);
        break;
    case PIT_I128:
        floe_buf_append(out, &value->as.decimal, sizeof(value->as.decimal));
        break;
    case PIT_SYMBOL:
        floe_buf_append(out, value->as.bytes.ptr, value->as.bytes.len);
        break;
    }
}

static void append_list(floe_buf *out, const floe_value *list) {
    for (size_t i = 0; i < list->as.list.count; i++) {
        floe_pit_key_append(out, &list->as.list.items[i]);
    }
}

void floe_pit_key_append(floe_buf *out, const floe_value *value) {
    floe_buf_byte(out, value->is_null ? 0 : (uint8_t)value->type.kind);
    if (value->is_null) {
        return;
    }
    size_t len_at = out->len;
    floe_buf_u32(out, 0);
    append_scalar(out, value);
    if (!out->failed) {
        uint32_t len = (uint32_t)(out->len - len_at - 4);
        memcpy(out->ptr + len_at, &len, sizeof(len)); /* The bytes never leave this process. */
    }
}

floe_status floe_pit_key_decode(floe_str bytes, const floe_column *keys, size_t key_count, floe_value *ret_values,
                                floe_error *err) {
    floe_reader reader = floe_reader_of(bytes.ptr, bytes.len);
    for (size_t i = 0; i < key_count; i++) {
        uint8_t kind;
        uint32_t len;
        const uint8_t *cell;
        FLOE_TRY(floe_read_u8(&reader, &kind, "key", err));
        FLOE_TRY(floe_read_bytes(&reader, sizeof(len), &cell, "key", err));
        memcpy(&len, cell, sizeof(len));
        FLOE_TRY(floe_read_bytes(&reader, len, &cell, "key", err));
        ret_values[i] = (floe_value){.type = keys[i].type};
        if (floe_pit_class(keys[i].type) == PIT_SYMBOL) {
            ret_values[i].as.bytes = (floe_str){(const char *)cell, len};
        } else {
            memcpy(&ret_values[i].as, cell, len);
            if (keys[i].type.kind == FLOE_KIND_BOOL) {
                ret_values[i].as.boolean = cell[0] != 0;
            }
        }
    }
    return FLOE_OK;
}

/* A deep copy of a value into the arena of the column's symbols. */
static floe_value copy_value(floe_arena *arena, const floe_value *value) {
    floe_value copy = *value;
    if (value->type.kind == FLOE_KIND_LIST) {
        floe_value *items = floe_arena_alloc(arena, value->as.list.count, sizeof(*items));
        for (size_t i = 0; items && i < value->as.list.count; i++) {
            items[i] = copy_value(arena, &value->as.list.items[i]);
        }
        copy.as.list.items = items;
    } else if (value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES) {
        copy.as.bytes = floe_arena_str(arena, value->as.bytes);
    }
    return copy;
}

static floe_status set_locked(pit_column *column, uint32_t *symbol, const floe_value *value, floe_str key,
                              floe_error *err) {
    bool is_new = false;
    FLOE_TRY(floe_pit_symbol(&column->symbols, key, symbol, &is_new, err));
    if (is_new && column->class == PIT_SYMBOL) {
        column->symbols.values[*symbol] = copy_value(&column->symbols.arena, value);
        FLOE_TRY(floe_arena_check(&column->symbols.arena, err));
    }
    return FLOE_OK;
}

static floe_status set_symbol(pit_column *column, uint32_t *symbol, const floe_value *value, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, SIZE_MAX / 4);
    floe_str key = value->as.bytes;
    if (value->type.kind == FLOE_KIND_LIST) {
        append_list(&bytes, value);
        key = floe_buf_view(&bytes);
    } else if (column->class != PIT_SYMBOL) {
        append_scalar(&bytes, value);
        key = floe_buf_view(&bytes);
    }
    FLOE_TRY(floe_buf_check(&bytes, err));
    pthread_mutex_lock(&column->lock);
    floe_status status = set_locked(column, symbol, value, key, err);
    pthread_mutex_unlock(&column->lock);
    return status;
}

static void set_data(const pit_column *column, void *data, const floe_value *value) {
    int64_t whole;
    switch (column->class) {
    case PIT_I64:
        whole = value->is_null ? 0 : value->type.kind == FLOE_KIND_BOOL ? value->as.boolean : value->as.integer;
        memcpy(data, &whole, sizeof(whole));
        break;
    case PIT_F64:
        memcpy(data, &(double){value->is_null ? 0 : value->as.real}, sizeof(double));
        break;
    case PIT_I128:
        memcpy(data, &(__int128){value->is_null ? 0 : value->as.decimal}, sizeof(__int128));
        break;
    case PIT_SYMBOL:
        break;
    }
}

floe_status floe_pit_cell_set(pit_column *column, const pit_cell *cell, const floe_value *value, floe_error *err) {
    *cell->is_null = value->is_null;
    set_data(column, cell->data, value);
    if (cell->symbol) {
        *cell->symbol = 0;
        return value->is_null ? FLOE_OK : set_symbol(column, cell->symbol, value, err);
    }
    return FLOE_OK;
}

void floe_pit_column_get(const pit_column *column, size_t row, floe_value *ret_value) {
    *ret_value = (floe_value){.type = column->type, .is_null = column->is_null[row] != 0};
    if (ret_value->is_null) {
        return;
    }
    switch (column->class) {
    case PIT_I64:
        if (column->type.kind == FLOE_KIND_BOOL) {
            ret_value->as.boolean = column->data.i64[row] != 0;
        } else {
            ret_value->as.integer = column->data.i64[row];
        }
        break;
    case PIT_F64:
        ret_value->as.real = column->data.f64[row];
        break;
    case PIT_I128:
        ret_value->as.decimal = column->data.i128[row];
        break;
    case PIT_SYMBOL:
        ret_value->as = column->symbols.values[column->symbol[row]].as;
        break;
    }
}
