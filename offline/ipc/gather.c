/*
 * Pieces of columns put together, so that the batches that are written do not depend on the pieces that came.
 */
#include "offline/ipc/ipc_int.h"

#include "core/mem.h"

#include <string.h>

#define COLUMN_MAX FLOE_GIB(8)
#define UUID_LEN 16
#define IPC_FIXED_BINARY 15 /* of the union Type */

static bool has_offsets(const ipc_column *column, bool *ret_wide) {
    ipc_layout layout = column->type.layout;
    *ret_wide = layout == IPC_TEXT64 || layout == IPC_LIST64;
    return *ret_wide || layout == IPC_TEXT || layout == IPC_LIST || layout == IPC_MAP;
}

void floe_ipc_column_clear(ipc_column *column) {
    bool wide;
    floe_buf_clear(&column->validity);
    floe_buf_clear(&column->offsets);
    floe_buf_clear(&column->data);
    column->length = column->null_count = 0;
    if (has_offsets(column, &wide)) {
        floe_buf_append(&column->offsets, (const char[8]){0}, wide ? 8 : 4);
    }
    for (size_t i = 0; i < column->child_count; i++) {
        floe_ipc_column_clear(&column->children[i]);
    }
}

floe_status floe_ipc_column_open(const struct ArrowSchema *schema, unsigned depth, ipc_column *ret_column,
                                 floe_error *err) {
    FLOE_ENSURE(depth < IPC_DEPTH_MAX, err, FLOE_LIMIT, "the columns are nested more than %d levels deep",
                IPC_DEPTH_MAX);
    *ret_column = (ipc_column){.schema = schema};
    floe_buf_init(&ret_column->validity, COLUMN_MAX);
    floe_buf_init(&ret_column->offsets, COLUMN_MAX);
    floe_buf_init(&ret_column->data, COLUMN_MAX);
    FLOE_TRY(floe_ipc_type(schema, &ret_column->type, err));
    FLOE_TRY(floe_alloc((size_t)schema->n_children, sizeof(ipc_column), &ret_column->children, err));
    for (int64_t i = 0; i < schema->n_children; i++) {
        ret_column->child_count++;
        FLOE_TRY(floe_ipc_column_open(schema->children[i], depth + 1, &ret_column->children[i], err));
    }
    floe_ipc_column_clear(ret_column);
    return FLOE_OK;
}

void floe_ipc_column_close(ipc_column *column) {
    for (size_t i = 0; i < column->child_count; i++) {
        floe_ipc_column_close(&column->children[i]);
    }
    floe_buf_close(&column->validity);
    floe_buf_close(&column->offsets);
    floe_buf_close(&column->data);
    floe_free(column->children);
    *column = (ipc_column){0};
}

void floe_ipc_column_of_uuids(ipc_column *column) {
    column->is_uuid = true;
    column->type = (ipc_type){
        .kind = IPC_FIXED_BINARY, .layout = IPC_FIXED, .width = UUID_LEN, .slots = {{4, UUID_LEN}}, .slot_count = 1};
    floe_ipc_column_clear(column);
}

size_t floe_ipc_column_bytes(const ipc_column *column) {
    size_t bytes = column->validity.len + column->offsets.len + column->data.len;
    for (size_t i = 0; i < column->child_count; i++) {
        bytes += floe_ipc_column_bytes(&column->children[i]);
    }
    return bytes;
}

/* ---- pieces ---- */

/* Bits [first, first + count) of `bits` (NULL: ones) behind the `have` bits that are there. Returns how many are 0. */
static int64_t add_bits(floe_buf *out, int64_t have, const uint8_t *bits, int64_t first, int64_t count) {
    int64_t zeros = 0, bytes = (have + count + 7) / 8;
    while ((int64_t)out->len < bytes && !out->failed) {
        floe_buf_byte(out, 0);
    }
    for (int64_t i = 0; i < count && !out->failed; i++) {
        int64_t from = first + i, to = have + i;
        unsigned bit = bits ? bits[from / 8] >> (from % 8) & 1u : 1u;
        out->ptr[to / 8] = (char)((uint8_t)out->ptr[to / 8] | bit << (to % 8));
        zeros += bit == 0;
    }
    return zeros;
}

/* Offsets of a piece behind those that are there: they go on at `base`. *ret_first and *ret_count: what the piece's values are. */
static floe_status add_offsets(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                               int64_t base, int64_t ret_range[2], floe_error *err) {
    bool wide;
    (void)has_offsets(column, &wide);
    const int64_t *longs = array->buffers[1];
    const int32_t *shorts = array->buffers[1];
    int64_t begin = count == 0 ? 0 : wide ? longs[at] : shorts[at];
    int64_t end = count == 0 ? 0 : wide ? longs[at + count] : shorts[at + count];
    FLOE_ENSURE(wide || base + end - begin <= INT32_MAX, err, FLOE_LIMIT,
                "the column \"%.120s\" has more than 2 GiB in a few rows", column->schema->name);
    for (int64_t i = 1; i <= count; i++) {
        int64_t next = base + (wide ? longs[at + i] : shorts[at + i]) - begin;
        if (wide) {
            floe_buf_u64(&column->offsets, (uint64_t)next);
        } else {
            floe_buf_u32(&column->offsets, (uint32_t)next);
        }
    }
    ret_range[0] = begin;
    ret_range[1] = end - begin;
    return FLOE_OK;
}

static floe_status add_text(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                            floe_error *err) {
    int64_t range[2];
    FLOE_TRY(add_offsets(column, array, at, count, (int64_t)column->data.len, range, err));
    if (range[1] > 0) {
        floe_buf_append(&column->data, (const char *)array->buffers[2] + range[0], (size_t)range[1]);
    }
    return FLOE_OK;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* 32 digits, whatever dashes between them. */
static bool read_uuid(floe_str text, uint8_t *out) {
    size_t digits = 0;
    for (size_t i = 0; i < text.len && digits <= 2 * UUID_LEN; i++) {
        int digit = hex_digit(text.ptr[i]);
        if (digit >= 0 && digits < 2 * UUID_LEN) {
            out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | digit);
        }
        digits += digit >= 0;
    }
    return digits == 2 * UUID_LEN;
}

static floe_status add_uuids(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                             floe_error *err) {
    const int32_t *offsets = array->buffers[1];
    const char *data = array->buffers[2];
    const uint8_t *bits = array->buffers[0];
    for (int64_t row = at; row < at + count; row++) {
        uint8_t uuid[UUID_LEN] = {0};
        bool is_null = bits && (bits[row / 8] >> (row % 8) & 1) == 0;
        floe_str text =
            is_null ? (floe_str){0} : (floe_str){data + offsets[row], (size_t)(offsets[row + 1] - offsets[row])};
        FLOE_ENSURE(is_null || read_uuid(text, uuid), err, FLOE_INTERNAL,
                    "the column \"%.120s\" has a UUID that is none", column->schema->name);
        floe_buf_append(&column->data, uuid, sizeof uuid);
    }
    return FLOE_OK;
}

static floe_status add_list(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                            floe_error *err) {
    int64_t range[2];
    FLOE_TRY(add_offsets(column, array, at, count, column->children[0].length, range, err));
    return floe_ipc_column_add(&column->children[0], array->children[0], range[0], range[1], err);
}

static floe_status add_members(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                               floe_error *err) {
    int64_t each = column->type.layout == IPC_FIXED_LIST ? column->type.width : 1;
    for (size_t i = 0; i < column->child_count; i++) {
        FLOE_TRY(floe_ipc_column_add(&column->children[i], array->children[i], at * each, count * each, err));
    }
    return FLOE_OK;
}

/* What lies under a null is nobody's value, and may be anything: it is zero in every file. */
static void forget_nulls(ipc_column *column, int64_t count) {
    const uint8_t *bits = (const uint8_t *)column->validity.ptr;
    uint8_t *data = (uint8_t *)column->data.ptr;
    for (int64_t row = column->length; row < column->length + count; row++) {
        bool is_null = (bits[row / 8] >> (row % 8) & 1) == 0;
        if (is_null && column->type.layout == IPC_FIXED) {
            memset(data + row * column->type.width, 0, (size_t)column->type.width);
        } else if (is_null) {
            data[row / 8] = (uint8_t)(data[row / 8] & ~(1u << (row % 8)));
        }
    }
}

static floe_status add_values(ipc_column *column, const struct ArrowArray *array, int64_t at, int64_t count,
                              floe_error *err) {
    if (column->is_uuid) {
        return add_uuids(column, array, at, count, err);
    }
    switch (column->type.layout) {
    case IPC_BITS:
        (void)add_bits(&column->data, column->length, array->buffers[1], at, count);
        return FLOE_OK;
    case IPC_FIXED:
        if (count > 0) {
            floe_buf_append(&column->data, (const char *)array->buffers[1] + at * column->type.width,
                            (size_t)(count * column->type.width));
        }
        return FLOE_OK;
    case IPC_TEXT:
    case IPC_TEXT64:
        return add_text(column, array, at, count, err);
    case IPC_STRUCT:
    case IPC_FIXED_LIST:
        return add_members(column, array, at, count, err);
    default:
        return add_list(column, array, at, count, err);
    }
}

floe_status floe_ipc_column_add(ipc_column *column, const struct ArrowArray *array, int64_t first, int64_t count,
                                floe_error *err) {
    int64_t at = array->offset + first;
    if (column->type.layout == IPC_NULL) {
        column->length += count;
        column->null_count += count;
        return FLOE_OK;
    }
    int64_t nulls = add_bits(&column->validity, column->length, array->buffers[0], at, count);
    FLOE_TRY(add_values(column, array, at, count, err));
    FLOE_TRY(floe_buf_check(&column->validity, err));
    FLOE_TRY(floe_buf_check(&column->offsets, err));
    FLOE_TRY(floe_buf_check(&column->data, err));
    if (nulls > 0 && (column->type.layout == IPC_FIXED || column->type.layout == IPC_BITS)) {
        forget_nulls(column, count);
    }
    column->null_count += nulls;
    column->length += count;
    return FLOE_OK;
}
