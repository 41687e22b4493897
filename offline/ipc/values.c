/*
 * The values of an array that was read: looked through before anybody walks them who checks nothing.
 */
#include "offline/ipc/ipc_int.h"

#include <stdlib.h>
#include <string.h>

static floe_status damaged(const ipc_field *field, const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "the column \"%.*s\" has %s", FLOE_STR_BRIEF(field->name), what);
}

bool floe_ipc_is_null(const struct ArrowArray *array, int64_t row) {
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;
    return bits && (bits[row / 8] >> (row % 8) & 1) == 0;
}

static bool is_wide(const ipc_field *field) {
    return field->layout == IPC_TEXT64 || field->layout == IPC_LIST64;
}

static int64_t offset_of(const ipc_field *field, const struct ArrowArray *array, int64_t row) {
    return is_wide(field) ? ((const int64_t *)array->buffers[1])[row] : ((const int32_t *)array->buffers[1])[row];
}

floe_status floe_ipc_check_offsets(const ipc_field *field, const struct ArrowArray *array, int64_t most,
                                   floe_error *err) {
    int64_t before = offset_of(field, array, 0);
    bool ok = before >= 0;
    for (int64_t row = 1; row <= array->length && ok; row++) {
        int64_t next = offset_of(field, array, row);
        ok = next >= before;
        before = next;
    }
    return ok && before <= most ? FLOE_OK : damaged(field, "offsets that lead outside its values", err);
}

/* The rows of a member that a row of what it is a part of has; not of a map, whose entries and keys are never null. */
static void rows_below(const ipc_above *above, int64_t row, int64_t *ret_first, int64_t *ret_end) {
    const ipc_field *field = above->field;
    bool list = field->layout == IPC_LIST || field->layout == IPC_LIST64;
    int64_t each = field->layout == IPC_FIXED_LIST ? field->width : 1;
    *ret_first = list ? offset_of(field, above->array, row) : row * each;
    *ret_end = list ? offset_of(field, above->array, row + 1) : (row + 1) * each;
}

floe_status floe_ipc_mask(const ipc_above *above, floe_arena *arena, struct ArrowArray *array, floe_error *err) {
    size_t len = ((size_t)array->length + 7) / 8;
    uint8_t *bits = floe_arena_alloc(arena, len + 1, 1);
    FLOE_TRY(floe_arena_check(arena, err));
    memset(bits, 0xFF, len);
    if (array->buffers[0] != NULL) {
        memcpy(bits, array->buffers[0], len);
    }
    int64_t first, end = 0, before = 0;
    for (int64_t row = 0; row < above->array->length && end < array->length; row++, before = end) {
        rows_below(above, row, &first, &end);
        if (first < before || end < first) { /* Offsets are not looked through yet, and will be refused. */
            break;
        }
        for (int64_t i = first; floe_ipc_is_null(above->array, row) && i < end && i < array->length; i++) {
            bits[i / 8] = (uint8_t)(bits[i / 8] & ~(1U << (i % 8)));
        }
    }
    array->buffers[0] = bits;
    array->null_count = -1;
    return FLOE_OK;
}

/* Of Utf8View: length, then up to 12 bytes in place or 4 bytes, buffer and offset. */
typedef struct view {
    int32_t len;
    char start[4];
    int32_t buffer, offset;
} view;

floe_status floe_ipc_check_views(const ipc_field *field, const struct ArrowArray *array, const int64_t *lens,
                                 size_t len_count, floe_error *err) {
    const view *views = array->buffers[1];
    for (int64_t row = 0; row < array->length; row++) {
        const view *v = &views[row];
        bool inside =
            v->len >= 0 && (v->len <= 12 || (v->buffer >= 0 && (size_t)v->buffer < len_count && v->offset >= 0 &&
                                             (int64_t)v->offset + v->len <= lens[v->buffer]));
        if (!inside && !floe_ipc_is_null(array, row)) {
            return damaged(field, "views that lead outside its values", err);
        }
        if (inside && v->len > 12) { /* Readers compare the first bytes without looking further. */
            const char *text = (const char *)array->buffers[2 + v->buffer] + v->offset;
            FLOE_TRY(memcmp(text, v->start, 4) == 0 ? FLOE_OK
                                                    : damaged(field, "views that differ from their text", err));
        }
    }
    return FLOE_OK;
}

static floe_str view_cell(const struct ArrowArray *array, int64_t row) {
    const view *v = (const view *)array->buffers[1] + row;
    if (v->len <= 12) {
        return (floe_str){v->start, (size_t)v->len};
    }
    return (floe_str){(const char *)array->buffers[2 + v->buffer] + v->offset, (size_t)v->len};
}

floe_str floe_ipc_cell(const ipc_field *field, const struct ArrowArray *array, int64_t row) {
    static const char truth[] = "\0\1";
    if (field->layout == IPC_NULL || floe_ipc_is_null(array, row)) {
        return (floe_str){0};
    }
    if (field->layout == IPC_VIEW) {
        return view_cell(array, row);
    }
    const char *data = array->buffers[field->layout == IPC_FIXED || field->layout == IPC_BITS ? 1 : 2];
    if (field->layout == IPC_FIXED) {
        return (floe_str){data + row * field->width, (size_t)field->width};
    }
    if (field->layout == IPC_BITS) {
        return (floe_str){truth + ((uint8_t)data[row / 8] >> (row % 8) & 1), 1};
    }
    int64_t first = offset_of(field, array, row);
    return (floe_str){data + first, (size_t)(offset_of(field, array, row + 1) - first)};
}

floe_status floe_ipc_check_text(const ipc_field *field, const struct ArrowArray *array, floe_error *err) {
    for (int64_t row = 0; row < array->length && field->is_text; row++) {
        floe_str text = floe_ipc_cell(field, array, row);
        if (text.ptr && !floe_str_is_utf8(text)) {
            return damaged(field, "text that is not UTF-8", err);
        }
    }
    return FLOE_OK;
}

/* ---- values of a width ---- */

/* What the values of a column may be: from `low` to below `end`, and a multiple of `step`. */
typedef struct value_range {
    __int128 low, end, step;
    const char *otherwise;
} value_range;

/* Whether not every value of the width is one of the type. */
static bool range_of(const ipc_field *field, value_range *ret_range) {
    static const int64_t per_second[] = {['s'] = 1, ['m'] = 1000, ['u'] = 1000000, ['n'] = 1000000000};
    const int64_t day_ms = 86400000;
    const char *format = field->format;
    if (format[0] == 'd' && format[1] == ':') {
        __int128 end = floe_power_of_ten((unsigned)strtoul(format + 2, NULL, 10));
        *ret_range = (value_range){1 - end, end, 1, "a decimal of more digits than its type has"};
        return true;
    }
    if (format[0] == 't' && format[1] == 't') {
        *ret_range = (value_range){0, per_second[(unsigned char)format[2]] * 86400, 1, "a time that no day has"};
        return true;
    }
    *ret_range = (value_range){-floe_power_of_ten(19), floe_power_of_ten(19), day_ms, "a date that is no whole day"};
    return strcmp(format, "tdm") == 0;
}

static __int128 number_of(floe_str cell) {
    int32_t narrow;
    int64_t wide;
    __int128 widest;
    if (cell.len == sizeof(narrow)) {
        memcpy(&narrow, cell.ptr, sizeof(narrow));
        return narrow;
    }
    if (cell.len == sizeof(wide)) {
        memcpy(&wide, cell.ptr, sizeof(wide));
        return wide;
    }
    memcpy(&widest, cell.ptr, sizeof(widest));
    return widest;
}

floe_status floe_ipc_check_fixed(const ipc_field *field, const struct ArrowArray *array, floe_error *err) {
    value_range range;
    if (!range_of(field, &range)) {
        return FLOE_OK;
    }
    for (int64_t row = 0; row < array->length; row++) {
        floe_str cell = floe_ipc_cell(field, array, row);
        __int128 number = cell.ptr ? number_of(cell) : 0;
        if (number < range.low || number >= range.end || number % range.step != 0) {
            return damaged(field, range.otherwise, err);
        }
    }
    return FLOE_OK;
}
