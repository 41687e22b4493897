/*
 * Reading Arrow batches: from a column's format to a floe type and a layout, and from a cell to a value.
 *
 * The layout says how the values lie in memory; several layouts give one type (narrow integers, three units of time,
 * 32- and 64-bit offsets). Positions: a cell of row r lies at batch offset + r + column offset; an item i of a list at
 * i + the offset of the list's child. Lengths of data buffers are not part of the C interface, so offsets inside a
 * buffer can only be checked for order, not for range: batches come from engines in this process, never from the
 * network.
 */
#include "core/arrow.h"

#include "core/arrow_int.h"
#include "core/time.h"

#include <inttypes.h>

enum layout {
    LAYOUT_NONE = 0,
    LAYOUT_BIT,
    LAYOUT_I8,
    LAYOUT_U8,
    LAYOUT_I16,
    LAYOUT_U16,
    LAYOUT_I32,
    LAYOUT_U32,
    LAYOUT_I64,
    LAYOUT_U64,
    LAYOUT_F32,
    LAYOUT_F64,
    LAYOUT_BYTES32, /* offsets of 32 bits, then bytes */
    LAYOUT_BYTES64,
    LAYOUT_DAYS_MS, /* a date as milliseconds */
    LAYOUT_TIME_S,
    LAYOUT_TIME_MS,
    LAYOUT_TIME_NS,
    LAYOUT_I128,
    LAYOUT_LIST32,
    LAYOUT_LIST64
};

typedef struct format_row {
    const char *format;
    floe_kind kind;
    enum layout layout;
    bool is_prefix; /* a time zone may follow */
} format_row;

static const format_row format_table[] = {
    {"b", FLOE_KIND_BOOL, LAYOUT_BIT, false},
    {"c", FLOE_KIND_INT32, LAYOUT_I8, false},
    {"C", FLOE_KIND_INT32, LAYOUT_U8, false},
    {"s", FLOE_KIND_INT32, LAYOUT_I16, false},
    {"S", FLOE_KIND_INT32, LAYOUT_U16, false},
    {"i", FLOE_KIND_INT32, LAYOUT_I32, false},
    {"I", FLOE_KIND_INT64, LAYOUT_U32, false},
    {"l", FLOE_KIND_INT64, LAYOUT_I64, false},
    {"L", FLOE_KIND_INT64, LAYOUT_U64, false},
    {"f", FLOE_KIND_FLOAT, LAYOUT_F32, false},
    {"g", FLOE_KIND_DOUBLE, LAYOUT_F64, false},
    {"u", FLOE_KIND_STRING, LAYOUT_BYTES32, false},
    {"U", FLOE_KIND_STRING, LAYOUT_BYTES64, false},
    {"z", FLOE_KIND_BYTES, LAYOUT_BYTES32, false},
    {"Z", FLOE_KIND_BYTES, LAYOUT_BYTES64, false},
    {"tdD", FLOE_KIND_DATE, LAYOUT_I32, false},
    {"tdm", FLOE_KIND_DATE, LAYOUT_DAYS_MS, false},
    {"tss:", FLOE_KIND_TIMESTAMP, LAYOUT_TIME_S, true},
    {"tsm:", FLOE_KIND_TIMESTAMP, LAYOUT_TIME_MS, true},
    {"tsu:", FLOE_KIND_TIMESTAMP, LAYOUT_I64, true},
    {"tsn:", FLOE_KIND_TIMESTAMP, LAYOUT_TIME_NS, true},
    {"+l", FLOE_KIND_LIST, LAYOUT_LIST32, false},
    {"+L", FLOE_KIND_LIST, LAYOUT_LIST64, false},
};

/* "d:19,4" or "d:19,4,128". */
static bool read_decimal_format(floe_str format, floe_type *ret_type) {
    if (!floe_str_starts_with(format, FLOE_STR("d:"))) {
        return false;
    }
    int64_t numbers[3] = {0, 0, 128}; /* precision, scale, bits */
    floe_str rest = {format.ptr + 2, format.len - 2};
    floe_str part = {0};
    size_t count = 0;
    while (floe_str_split(&rest, ',', &part)) {
        if (count == 3 || floe_failed(floe_str_to_i64(part, &numbers[count], NULL))) {
            return false;
        }
        count++;
    }
    if (count < 2 || numbers[2] != 128 || numbers[0] < 1 || numbers[0] > 38 || numbers[1] < 0 ||
        numbers[1] > numbers[0]) {
        return false;
    }
    *ret_type = (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = (uint8_t)numbers[0], .scale = (uint8_t)numbers[1]};
    return true;
}

/* Type and layout of one format; false when floe does not read it. */
static bool read_format(const char *text, floe_type *ret_type, uint8_t *ret_layout) {
    floe_str format = floe_str_of(text);
    for (size_t i = 0; i < sizeof(format_table) / sizeof(format_table[0]); i++) {
        const format_row *row = &format_table[i];
        floe_str known = floe_str_of(row->format);
        if (floe_str_equal(format, known) || (row->is_prefix && floe_str_starts_with(format, known))) {
            *ret_type = (floe_type){.kind = row->kind};
            *ret_layout = (uint8_t)row->layout;
            return true;
        }
    }
    *ret_layout = LAYOUT_I128;
    return read_decimal_format(format, ret_type);
}

static floe_status unsupported_column(const struct ArrowSchema *column, const char *format, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "column \"%s\" has the Arrow format \"%s\", which floe does not read",
                     column->name == NULL ? "" : column->name, format);
}

static bool is_index_layout(uint8_t layout) {
    return layout >= LAYOUT_I8 && layout <= LAYOUT_U64;
}

/* A scalar, or the values behind a dictionary's indices. `column` is named in the message. */
static floe_status read_scalar_schema(const struct ArrowSchema *column, const struct ArrowSchema *node,
                                      floe_type *ret_type, uint8_t *ret_layout, uint8_t *ret_index_layout,
                                      floe_error *err) {
    const struct ArrowSchema *values = node->dictionary != NULL ? node->dictionary : node;
    uint8_t index_layout = LAYOUT_NONE;
    floe_type index_type = {0};
    if (node->dictionary != NULL &&
        (!read_format(node->format, &index_type, &index_layout) || !is_index_layout(index_layout))) {
        return unsupported_column(column, node->format, err);
    }
    if (!read_format(values->format, ret_type, ret_layout) || ret_type->kind == FLOE_KIND_LIST ||
        (node->dictionary != NULL && values->dictionary != NULL)) {
        return unsupported_column(column, values->format, err);
    }
    *ret_index_layout = index_layout;
    return FLOE_OK;
}

/* Fills type and layouts of the view from its schema. */
static floe_status read_schema(floe_arrow_view *view, floe_error *err) {
    const struct ArrowSchema *column = view->schema;
    bool is_list = column->dictionary == NULL && read_format(column->format, &view->type, &view->layout) &&
                   view->type.kind == FLOE_KIND_LIST;
    if (!is_list) {
        return read_scalar_schema(column, column, &view->type, &view->layout, &view->index_layout, err);
    }
    if (column->n_children != 1) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "column \"%s\" is an Arrow list of %" PRId64 " children instead of one",
                         column->name == NULL ? "" : column->name, column->n_children);
    }
    floe_type item = {0};
    FLOE_TRY(read_scalar_schema(column, column->children[0], &item, &view->item_layout, &view->item_index_layout, err));
    view->type = item;
    view->type.kind = FLOE_KIND_LIST;
    view->type.element = item.kind;
    return FLOE_OK;
}

floe_status floe_arrow_type(const struct ArrowSchema *column, floe_type *ret_type, floe_error *err) {
    floe_arrow_view view = {.schema = column};
    FLOE_TRY(read_schema(&view, err));
    *ret_type = view.type;
    return FLOE_OK;
}

static floe_status corrupt_column(const floe_arrow_view *view, const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "column \"%s\" of an Arrow batch %s",
                     view->schema->name == NULL ? "" : view->schema->name, what);
}

/* Counts and presence of the buffers that cells of `layout` are read from. */
static floe_status check_buffers(const floe_arrow_view *view, const struct ArrowArray *array, uint8_t layout,
                                 floe_error *err) {
    bool has_bytes = layout == LAYOUT_BYTES32 || layout == LAYOUT_BYTES64;
    if (array->n_buffers != (has_bytes ? 3 : 2) || array->length < 0 || array->offset < 0) {
        return corrupt_column(view, "has the wrong number of buffers or a negative length", err);
    }
    if (array->length > 0 && array->buffers[1] == NULL) {
        return corrupt_column(view, "lacks its data", err);
    }
    return FLOE_OK;
}

/* One array of scalars with the dictionary behind it. */
static floe_status check_array(const floe_arrow_view *view, const struct ArrowArray *array, uint8_t layout,
                               uint8_t index_layout, floe_error *err) {
    if (index_layout == LAYOUT_NONE) {
        return check_buffers(view, array, layout, err);
    }
    FLOE_TRY(check_buffers(view, array, index_layout, err));
    if (array->dictionary == NULL) {
        return corrupt_column(view, "lacks its dictionary", err);
    }
    return check_buffers(view, array->dictionary, layout, err);
}

floe_status floe_arrow_view_of(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t index,
                               floe_arrow_view *ret_view, floe_error *err) {
    FLOE_ASSERT(index >= 0);
    FLOE_ENSURE(strcmp(schema->format, "+s") == 0, err, FLOE_UNSUPPORTED,
                "an Arrow batch must be a struct (\"+s\"), not \"%s\"", schema->format);
    FLOE_ENSURE(index < schema->n_children && schema->n_children == batch->n_children, err, FLOE_CORRUPT,
                "an Arrow batch has %" PRId64 " columns, its schema %" PRId64 ", and column %" PRId64 " was asked for",
                batch->n_children, schema->n_children, index);
    floe_arrow_view view = {.schema = schema->children[index], .array = batch->children[index], .batch = batch};
    FLOE_TRY(read_schema(&view, err));
    if (batch->offset < 0 || batch->length < 0 || view.array->length < batch->length ||
        view.array->length - batch->length < batch->offset) {
        return corrupt_column(&view, "is shorter than the batch", err);
    }
    FLOE_TRY(check_array(&view, view.array, view.layout, view.index_layout, err));
    if (view.type.kind == FLOE_KIND_LIST) {
        if (view.array->n_children != 1) {
            return corrupt_column(&view, "is a list without items", err);
        }
        FLOE_TRY(check_array(&view, view.array->children[0], view.item_layout, view.item_index_layout, err));
    }
    *ret_view = view;
    return FLOE_OK;
}

static bool bit_at(const void *bits, int64_t at) {
    return ((const uint8_t *)bits)[at / 8] >> (at % 8) & 1;
}

static bool is_valid(const struct ArrowArray *array, int64_t at) {
    return array->n_buffers < 1 || array->buffers[0] == NULL || bit_at(array->buffers[0], at);
}

/* Reads an integer of any width; a uint64 past int64 comes out negative. */
static int64_t integer_at(const void *data, uint8_t layout, int64_t at) {
    switch (layout) {
    case LAYOUT_I8:
        return ((const int8_t *)data)[at];
    case LAYOUT_U8:
        return ((const uint8_t *)data)[at];
    case LAYOUT_I16:
        return ((const int16_t *)data)[at];
    case LAYOUT_U16:
        return ((const uint16_t *)data)[at];
    case LAYOUT_I32:
        return ((const int32_t *)data)[at];
    case LAYOUT_U32:
        return ((const uint32_t *)data)[at];
    default:
        return ((const int64_t *)data)[at];
    }
}

static floe_status rescaled_time(const floe_arrow_view *view, int64_t raw, uint8_t layout, int64_t *ret_value,
                                 floe_error *err) {
    if (layout == LAYOUT_DAYS_MS) {
        *ret_value = floe_floor_div(raw, FLOE_US_PER_DAY / 1000);
        return FLOE_OK;
    }
    if (layout == LAYOUT_TIME_NS) {
        *ret_value = floe_floor_div(raw, 1000);
        return FLOE_OK;
    }
    int64_t factor = layout == LAYOUT_TIME_S ? FLOE_US_PER_SECOND : 1000;
    FLOE_ENSURE(!__builtin_mul_overflow(raw, factor, ret_value), err, FLOE_INVALID,
                "column \"%s\": the time %" PRId64 " does not fit 64 bits of microseconds", view->schema->name, raw);
    return FLOE_OK;
}

/* The half-open range of a list or a text. */
static floe_status range_at(const floe_arrow_view *view, const struct ArrowArray *array, bool is_wide, int64_t at,
                            int64_t ret_range[2], floe_error *err) {
    const void *offsets = array->buffers[1];
    ret_range[0] = is_wide ? ((const int64_t *)offsets)[at] : ((const int32_t *)offsets)[at];
    ret_range[1] = is_wide ? ((const int64_t *)offsets)[at + 1] : ((const int32_t *)offsets)[at + 1];
    if (ret_range[0] < 0 || ret_range[1] < ret_range[0]) {
        return corrupt_column(view, "has offsets that go backwards", err);
    }
    return FLOE_OK;
}

static floe_status bytes_at(const floe_arrow_view *view, const struct ArrowArray *array, bool is_wide, int64_t at,
                            floe_str *ret_bytes, floe_error *err) {
    int64_t range[2];
    FLOE_TRY(range_at(view, array, is_wide, at, range, err));
    if (range[1] > range[0] && array->buffers[2] == NULL) {
        return corrupt_column(view, "lacks its data", err);
    }
    const char *data = array->buffers[2] == NULL ? "" : (const char *)array->buffers[2] + range[0];
    *ret_bytes = (floe_str){data, (size_t)(range[1] - range[0])};
    return FLOE_OK;
}

static floe_status unsigned_at(const floe_arrow_view *view, const void *data, int64_t at, int64_t *ret_value,
                               floe_error *err) {
    uint64_t raw = ((const uint64_t *)data)[at];
    FLOE_ENSURE(raw <= INT64_MAX, err, FLOE_INVALID, "column \"%s\": %" PRIu64 " does not fit int64",
                view->schema->name, raw);
    *ret_value = (int64_t)raw;
    return FLOE_OK;
}

/* The value of a valid cell at physical position `at`; value->type is set. */
static floe_status scalar_at(const floe_arrow_view *view, const struct ArrowArray *array, uint8_t layout, int64_t at,
                             floe_value *value, floe_error *err) {
    const void *data = array->buffers[1];
    switch (layout) {
    case LAYOUT_BIT:
        value->as.boolean = bit_at(data, at);
        return FLOE_OK;
    case LAYOUT_F32:
        value->as.real = ((const float *)data)[at];
        return FLOE_OK;
    case LAYOUT_F64:
        value->as.real = ((const double *)data)[at];
        return FLOE_OK;
    case LAYOUT_BYTES32:
    case LAYOUT_BYTES64:
        return bytes_at(view, array, layout == LAYOUT_BYTES64, at, &value->as.bytes, err);
    case LAYOUT_I128:
        memcpy(&value->as.decimal, (const char *)data + at * 16, 16);
        return FLOE_OK;
    case LAYOUT_U64:
        return unsigned_at(view, data, at, &value->as.integer, err);
    case LAYOUT_DAYS_MS:
    case LAYOUT_TIME_S:
    case LAYOUT_TIME_MS:
    case LAYOUT_TIME_NS:
        return rescaled_time(view, ((const int64_t *)data)[at], layout, &value->as.integer, err);
    default:
        value->as.integer = integer_at(data, layout, at);
        return FLOE_OK;
    }
}

/* The cell at logical position `at` of the array, through its dictionary if it has one. */
static floe_status cell_at(const floe_arrow_view *view, const struct ArrowArray *array, const uint8_t layouts[2],
                           int64_t at, floe_value *value, floe_error *err) {
    at += array->offset;
    value->is_null = !is_valid(array, at);
    if (!value->is_null && layouts[1] != LAYOUT_NONE) {
        int64_t index = integer_at(array->buffers[1], layouts[1], at);
        array = array->dictionary;
        if (index < 0 || index >= array->length) {
            return corrupt_column(view, "has an index outside its dictionary", err);
        }
        at = index + array->offset;
        value->is_null = !is_valid(array, at);
    }
    return value->is_null ? FLOE_OK : scalar_at(view, array, layouts[0], at, value, err);
}

static floe_status list_at(const floe_arrow_view *view, int64_t at, floe_arena *arena, floe_value *value,
                           floe_error *err) {
    at += view->array->offset;
    value->is_null = !is_valid(view->array, at);
    if (value->is_null) {
        return FLOE_OK;
    }
    int64_t range[2];
    FLOE_TRY(range_at(view, view->array, view->layout == LAYOUT_LIST64, at, range, err));
    const struct ArrowArray *child = view->array->children[0];
    if (range[1] > child->length) {
        return corrupt_column(view, "has a list that ends behind its items", err);
    }
    size_t count = (size_t)(range[1] - range[0]);
    floe_value *items = floe_arena_alloc(arena, count, sizeof(*items));
    if (items == NULL) {
        return floe_arena_check(arena, err);
    }
    const uint8_t layouts[2] = {view->item_layout, view->item_index_layout};
    for (size_t i = 0; i < count; i++) {
        items[i].type = floe_arrow_item_type(view->type);
        FLOE_TRY(cell_at(view, child, layouts, range[0] + (int64_t)i, &items[i], err));
    }
    value->as.list.items = items;
    value->as.list.count = count;
    return FLOE_OK;
}

floe_status floe_arrow_get(const floe_arrow_view *view, int64_t row, floe_arena *arena, floe_value *ret_value,
                           floe_error *err) {
    FLOE_ASSERT(row >= 0 && row < view->batch->length);
    int64_t at = view->batch->offset + row;
    floe_value value = {.type = view->type, .is_null = !is_valid(view->batch, at)};
    if (!value.is_null) {
        const uint8_t layouts[2] = {view->layout, view->index_layout};
        FLOE_TRY(view->type.kind == FLOE_KIND_LIST ? list_at(view, at, arena, &value, err)
                                                   : cell_at(view, view->array, layouts, at, &value, err));
    }
    *ret_value = value;
    return FLOE_OK;
}

floe_arrow_plain floe_arrow_plain_of(const floe_arrow_view *view) {
    const struct ArrowArray *array = view->array;
    bool four = view->layout == LAYOUT_I32 || view->layout == LAYOUT_F32;
    bool eight = view->layout == LAYOUT_I64 || view->layout == LAYOUT_F64;
    bool batch_nulls = view->batch->n_buffers > 0 && view->batch->buffers[0] != NULL;
    if (batch_nulls || view->index_layout != LAYOUT_NONE || !(four || eight) || array->n_buffers != 2) {
        return (floe_arrow_plain){0};
    }
    return (floe_arrow_plain){.valid = array->buffers[0],
                              .data = array->buffers[1],
                              .offset = view->batch->offset + array->offset,
                              .cell_len = four ? 4 : 8};
}
