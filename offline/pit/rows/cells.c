/*
 * Reading batches column by column. Nearly every column of nearly every source is a plain array of int64, int32, double, bits
 * or text; those are read straight from Arrow's buffers. Everything else (dictionaries, other widths and time units, lists,
 * decimals, a batch with nulls of its own) goes cell by cell through core/arrow.h, with the same result.
 */
#include "offline/pit/rows/cells.h"

#include <string.h>

static pit_layout plain_layout(const struct ArrowSchema *schema) {
    const char *format = schema->format;
    if (schema->dictionary) {
        return PIT_CELL_ANY;
    }
    if (strcmp(format, "l") == 0 || strncmp(format, "tsu:", 4) == 0) {
        return PIT_CELL_I64;
    }
    if (strcmp(format, "i") == 0 || strcmp(format, "tdD") == 0) {
        return PIT_CELL_I32;
    }
    if (strcmp(format, "u") == 0 || strcmp(format, "z") == 0) {
        return PIT_CELL_BYTES;
    }
    return strcmp(format, "g") == 0 ? PIT_CELL_F64 : strcmp(format, "b") == 0 ? PIT_CELL_BIT : PIT_CELL_ANY;
}

floe_status floe_pit_cells_open(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t index,
                                pit_cells *ret_cells, floe_error *err) {
    *ret_cells = (pit_cells){0};
    FLOE_TRY(floe_arrow_view_of(schema, batch, index, &ret_cells->view, err));
    const struct ArrowArray *array = ret_cells->view.array;
    bool batch_nulls = batch->n_buffers > 0 && batch->buffers[0];
    ret_cells->layout = batch_nulls ? PIT_CELL_ANY : plain_layout(ret_cells->view.schema);
    if (ret_cells->layout == PIT_CELL_ANY) {
        return FLOE_OK;
    }
    bool text = ret_cells->layout == PIT_CELL_BYTES;
    ret_cells->valid = array->buffers[0];
    ret_cells->offset = batch->offset + array->offset;
    ret_cells->data = array->buffers[text ? 2 : 1];
    ret_cells->offsets = text ? array->buffers[1] : NULL;
    return FLOE_OK;
}

static inline bool bit_at(const uint8_t *bits, int64_t at) {
    return (bits[at >> 3] >> (at & 7)) & 1;
}

static inline bool is_null(const pit_cells *cells, int64_t row) {
    return cells->valid && !bit_at(cells->valid, cells->offset + row);
}

static inline int64_t whole_at(const pit_cells *cells, int64_t row) {
    return cells->layout == PIT_CELL_I64 ? ((const int64_t *)cells->data)[cells->offset + row]
                                         : ((const int32_t *)cells->data)[cells->offset + row];
}

/* Text of a cell that is not null; the offsets are checked, as floe_arrow_get does. */
static floe_status bytes_at(const pit_cells *cells, int64_t row, floe_str *ret_bytes, floe_error *err) {
    int32_t start = cells->offsets[cells->offset + row], end = cells->offsets[cells->offset + row + 1];
    FLOE_ENSURE(start >= 0 && end >= start && (end == start || cells->data), err, FLOE_CORRUPT,
                "column \"%s\" of an Arrow batch has offsets that go backwards", cells->view.schema->name);
    *ret_bytes =
        end == start ? (floe_str){"", 0} : (floe_str){(const char *)cells->data + start, (size_t)(end - start)};
    return FLOE_OK;
}

static bool is_whole(const pit_cells *cells) {
    return cells->layout == PIT_CELL_I64 || cells->layout == PIT_CELL_I32;
}

floe_status floe_pit_cells_i64(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t null_value,
                               int64_t *values, floe_error *err) {
    if (is_whole(cells)) {
        for (size_t i = 0; i < count; i++) {
            values[i] = is_null(cells, rows[i]) ? null_value : whole_at(cells, rows[i]);
        }
        return FLOE_OK;
    }
    for (size_t i = 0; i < count; i++) {
        floe_value value;
        FLOE_TRY(floe_arrow_get(&cells->view, rows[i], NULL, &value, err));
        values[i] = value.is_null ? null_value : value.as.integer;
    }
    return FLOE_OK;
}

floe_status floe_pit_cells_pick(const pit_cells *cells, bool truth, uint32_t *rows, size_t *count, floe_error *err) {
    bool direct = cells->layout != PIT_CELL_ANY && (!truth || cells->layout == PIT_CELL_BIT);
    if (direct && !truth && !cells->valid) {
        return FLOE_OK; /* None is null. */
    }
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        int64_t row = rows[i];
        bool keep;
        if (direct) {
            keep = !is_null(cells, row) && (!truth || bit_at(cells->data, cells->offset + row));
        } else {
            floe_value value;
            FLOE_TRY(floe_arrow_get(&cells->view, row, NULL, &value, err));
            keep = !value.is_null && (!truth || value.as.boolean);
        }
        rows[kept] = (uint32_t)row;
        kept += keep;
    }
    *count = kept;
    return FLOE_OK;
}

floe_status floe_pit_cells_numbers(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t *values,
                                   uint8_t *is_null_of, floe_error *err) {
    if (is_whole(cells)) {
        for (size_t i = 0; i < count; i++) {
            is_null_of[i] = is_null(cells, rows[i]);
            values[i] = is_null_of[i] ? 0 : whole_at(cells, rows[i]);
        }
        return FLOE_OK;
    }
    for (size_t i = 0; i < count; i++) {
        floe_value value;
        FLOE_TRY(floe_arrow_get(&cells->view, rows[i], NULL, &value, err));
        is_null_of[i] = value.is_null;
        values[i] = value.is_null ? 0 : value.as.integer;
    }
    return FLOE_OK;
}

/* One part of a key, read into a value. */
static floe_status key_part(const pit_cells *cells, floe_type declared, int64_t row, floe_value *ret_value,
                            floe_error *err) {
    if (!is_whole(cells) && cells->layout != PIT_CELL_BYTES) {
        FLOE_TRY(floe_arrow_get(&cells->view, row, NULL, ret_value, err));
        *ret_value = floe_value_widen(*ret_value, declared);
        return FLOE_OK;
    }
    *ret_value = (floe_value){.type = declared, .is_null = is_null(cells, row)};
    if (ret_value->is_null) {
        return FLOE_OK;
    }
    if (cells->layout == PIT_CELL_BYTES) {
        return bytes_at(cells, row, &ret_value->as.bytes, err);
    }
    ret_value->as.integer = whole_at(cells, row);
    return FLOE_OK;
}

floe_status floe_pit_cells_key(const pit_cells *const *cells, const floe_column *keys, size_t key_count, int64_t row,
                               floe_buf *out, bool *ret_complete, floe_error *err) {
    size_t before = out->len;
    *ret_complete = true;
    for (size_t i = 0; i < key_count && *ret_complete; i++) {
        floe_value value;
        FLOE_TRY(key_part(cells[i], keys[i].type, row, &value, err));
        *ret_complete = !value.is_null;
        floe_pit_key_append(out, &value);
    }
    FLOE_TRY(floe_buf_check(out, err));
    out->len = *ret_complete ? out->len : before;
    return FLOE_OK;
}

static void keep_whole(const pit_cells *cells, const uint32_t *rows, uint8_t *const *records, size_t count,
                       const pit_column *column) {
    for (size_t i = 0; i < count; i++) {
        bool null = is_null(cells, rows[i]);
        int64_t value = null ? 0 : whole_at(cells, rows[i]);
        records[i][column->null_at] = null;
        memcpy(records[i] + column->data_at, &value, sizeof(value));
    }
}

static void keep_real(const pit_cells *cells, const uint32_t *rows, uint8_t *const *records, size_t count,
                      const pit_column *column) {
    for (size_t i = 0; i < count; i++) {
        bool null = is_null(cells, rows[i]);
        double value = null ? 0 : ((const double *)cells->data)[cells->offset + rows[i]];
        records[i][column->null_at] = null;
        memcpy(records[i] + column->data_at, &value, sizeof(value));
    }
}

static floe_status keep_any(const pit_cells *cells, uint32_t row, uint8_t *record, floe_arena *arena,
                            pit_column *column, floe_error *err) {
    floe_value value = {.type = column->type};
    uint32_t symbol = 0;
    bool symbols = column->symbol_at != PIT_NOWHERE;
    pit_cell cell = {record + column->data_at, symbols ? &symbol : NULL, record + column->null_at};
    if (column->class == PIT_SYMBOL && cells->layout == PIT_CELL_BYTES) {
        value.is_null = is_null(cells, row);
        FLOE_TRY(value.is_null ? FLOE_OK : bytes_at(cells, row, &value.as.bytes, err));
    } else {
        FLOE_TRY(floe_arrow_get(&cells->view, row, arena, &value, err));
    }
    FLOE_TRY(floe_pit_cell_set(column, &cell, &value, err));
    if (symbols) {
        memcpy(record + column->symbol_at, &symbol, sizeof(symbol));
    }
    return FLOE_OK;
}

floe_status floe_pit_cells_memo_text(const pit_cells *cells, int64_t row, pit_memo_key *ret_key, bool *ret_takes,
                                     floe_error *err) {
    floe_str text = {"", 0};
    bool null = is_null(cells, row);
    FLOE_TRY(null ? FLOE_OK : bytes_at(cells, row, &text, err));
    *ret_takes = !null && floe_pit_memo_takes(text);
    *ret_key = *ret_takes ? floe_pit_memo_text(text) : (pit_memo_key){0};
    return FLOE_OK;
}

/* The same of any cell that a column with symbols keeps, whose number's bits are the key's `low`. */
static floe_status memo_key(const pit_cells *cells, uint32_t row, const pit_column *column, pit_memo_key *ret_key,
                            bool *ret_takes, floe_error *err) {
    if (column->class == PIT_SYMBOL) {
        return floe_pit_cells_memo_text(cells, row, ret_key, ret_takes, err);
    }
    uint64_t bits = column->class == PIT_I64 ? (uint64_t)whole_at(cells, row)
                                             : ((const uint64_t *)cells->data)[cells->offset + row];
    *ret_key = floe_pit_memo_bits(bits);
    *ret_takes = !is_null(cells, row);
    return FLOE_OK;
}

/* Cells that have symbols. */
static floe_status keep_known(const pit_cells *cells, uint32_t row, uint8_t *record, floe_arena *arena, pit_memo *memo,
                              pit_column *column, floe_error *err) {
    pit_memo_key key;
    bool takes;
    uint32_t symbol;
    FLOE_TRY(memo_key(cells, row, column, &key, &takes, err));
    if (takes && floe_pit_memo_find(memo, key, &symbol)) {
        record[column->null_at] = false;
        memcpy(record + column->data_at, &key.low, floe_pit_cell_len(column->class));
        memcpy(record + column->symbol_at, &symbol, sizeof(symbol));
        return FLOE_OK;
    }
    FLOE_TRY(keep_any(cells, row, record, arena, column, err));
    if (takes) {
        memcpy(&symbol, record + column->symbol_at, sizeof(symbol));
        floe_pit_memo_put(memo, key, symbol);
    }
    return FLOE_OK;
}

static bool memo_fits(const pit_cells *cells, const pit_column *column) {
    bool whole = column->class == PIT_I64 && is_whole(cells), real = column->class == PIT_F64;
    bool text = column->class == PIT_SYMBOL && cells->layout == PIT_CELL_BYTES;
    return text || whole || (real && cells->layout == PIT_CELL_F64);
}

floe_status floe_pit_cells_keep(const pit_cells *cells, const uint32_t *rows, uint8_t *const *records, size_t count,
                                floe_arena *arena, pit_memo *memo, pit_column *column, floe_error *err) {
    bool plain = column->symbol_at == PIT_NOWHERE;
    if (!plain && memo && memo_fits(cells, column)) {
        for (size_t i = 0; i < count; i++) {
            FLOE_TRY(keep_known(cells, rows[i], records[i], arena, memo, column, err));
        }
        return FLOE_OK;
    }
    if (plain && column->class == PIT_I64 && is_whole(cells)) {
        keep_whole(cells, rows, records, count, column);
        return FLOE_OK;
    }
    if (plain && column->class == PIT_F64 && cells->layout == PIT_CELL_F64) {
        keep_real(cells, rows, records, count, column);
        return FLOE_OK;
    }
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(keep_any(cells, rows[i], records[i], arena, column, err));
    }
    return FLOE_OK;
}
