/*
 * Building Arrow batches row by row.
 *
 * A row goes in two phases: every value is checked (type, range, room below 2 GiB of text) before any is appended, so
 * that a refused row leaves the builder as it was. Finishing allocates all nodes of the batch first and only then moves
 * the buffers into them, which cannot fail.
 */
#include "core/arrow.h"

#include "core/arrow_int.h"
#include "core/buf.h"
#include "core/mem.h"

#include <inttypes.h>

typedef struct column_builder {
    floe_type type;
    floe_str name;    /* owned */
    floe_buf valid;   /* one bit per slot */
    floe_buf offsets; /* of text, bytes and lists: int32, one more than slots */
    floe_buf data;    /* fixed-width values, bits of bools, or text */
    int64_t slots;
    int64_t nulls;
    struct column_builder *item; /* of a list */
} column_builder;

struct floe_arrow_builder {
    column_builder *columns;
    size_t count;
    int64_t rows;
    bool failed; /* memory ended within a row */
};

static bool has_offsets(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES || kind == FLOE_KIND_LIST;
}

static void init_column(column_builder *column, floe_type type) {
    column->type = type;
    floe_buf_init(&column->valid, SIZE_MAX);
    floe_buf_init(&column->offsets, SIZE_MAX);
    floe_buf_init(&column->data, SIZE_MAX);
}

static void close_column(column_builder *column) {
    if (column->item != NULL) {
        close_column(column->item);
        floe_free(column->item);
    }
    floe_buf_close(&column->valid);
    floe_buf_close(&column->offsets);
    floe_buf_close(&column->data);
    floe_free((void *)(uintptr_t)column->name.ptr);
}

void floe_arrow_builder_close(floe_arrow_builder **builder) {
    if (*builder == NULL) {
        return;
    }
    for (size_t i = 0; i < (*builder)->count; i++) {
        close_column(&(*builder)->columns[i]);
    }
    floe_free((*builder)->columns);
    floe_free(*builder);
    *builder = NULL;
}

static floe_status open_column(const floe_column *from, column_builder *column, floe_error *err) {
    init_column(column, from->type);
    char *name = NULL;
    FLOE_TRY(floe_strndup(from->name.ptr, from->name.len, &name, err));
    column->name = (floe_str){name, from->name.len};
    if (from->type.kind == FLOE_KIND_LIST) {
        FLOE_TRY(floe_alloc(1, sizeof(*column->item), &column->item, err));
        init_column(column->item, floe_arrow_item_type(from->type));
    }
    return FLOE_OK;
}

floe_status floe_arrow_builder_open(const floe_column *columns, size_t count, floe_arrow_builder **ret_builder,
                                    floe_error *err) {
    FLOE_CLEANUP(floe_arrow_builder_close) floe_arrow_builder *builder = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*builder), &builder, err));
    FLOE_TRY(floe_alloc(count, sizeof(*builder->columns), &builder->columns, err));
    builder->count = count;
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(open_column(&columns[i], &builder->columns[i], err));
    }
    *ret_builder = builder;
    builder = NULL;
    return FLOE_OK;
}

int64_t floe_arrow_builder_rows(const floe_arrow_builder *builder) {
    return builder->rows;
}

static floe_status check_type(const column_builder *column, floe_type wanted, const floe_value *value,
                              floe_error *err) {
    if (value->is_null || floe_type_equal(value->type, wanted)) {
        return FLOE_OK;
    }
    char got[FLOE_TYPE_NAME_MAX];
    char need[FLOE_TYPE_NAME_MAX];
    return FLOE_FAIL(err, FLOE_INVALID, "column \"%.*s\" holds %s, not %s", FLOE_STR_BRIEF(column->name),
                     floe_type_name(wanted, need), floe_type_name(value->type, got));
}

static floe_status check_scalar(const column_builder *column, floe_type wanted, const floe_value *value,
                                floe_error *err) {
    FLOE_TRY(check_type(column, wanted, value, err));
    bool is_narrow = wanted.kind == FLOE_KIND_INT32 || wanted.kind == FLOE_KIND_DATE;
    FLOE_ENSURE(value->is_null || !is_narrow || (value->as.integer >= INT32_MIN && value->as.integer <= INT32_MAX), err,
                FLOE_INVALID, "column \"%.*s\": %" PRId64 " does not fit 32 bits", FLOE_STR_BRIEF(column->name),
                value->as.integer);
    return FLOE_OK;
}

static floe_status check_room(const column_builder *column, size_t used, size_t more, const char *what,
                              floe_error *err) {
    FLOE_ENSURE(more <= (size_t)INT32_MAX - used, err, FLOE_LIMIT,
                "column \"%.*s\" would hold more than %d %s in one batch", FLOE_STR_BRIEF(column->name), INT32_MAX,
                what);
    return FLOE_OK;
}

static size_t text_len(const floe_value *value) {
    bool is_text = value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES;
    return is_text && !value->is_null ? value->as.bytes.len : 0;
}

static floe_status check_list(const column_builder *column, const floe_value *value, floe_error *err) {
    FLOE_TRY(check_type(column, column->type, value, err));
    if (value->is_null) {
        return FLOE_OK;
    }
    size_t total_len = 0;
    for (size_t i = 0; i < value->as.list.count; i++) {
        FLOE_TRY(check_scalar(column, column->item->type, &value->as.list.items[i], err));
        size_t len = text_len(&value->as.list.items[i]);
        total_len = len > SIZE_MAX - total_len ? SIZE_MAX : total_len + len;
    }
    FLOE_TRY(check_room(column, (size_t)column->item->slots, value->as.list.count, "items", err));
    return check_room(column, column->item->data.len > INT32_MAX ? INT32_MAX : column->item->data.len,
                      text_len(value) + total_len, "bytes", err);
}

static floe_status check_value(const column_builder *column, const floe_value *value, floe_error *err) {
    if (column->type.kind == FLOE_KIND_LIST) {
        return check_list(column, value, err);
    }
    FLOE_TRY(check_scalar(column, column->type, value, err));
    return has_offsets(column->type.kind) ? check_room(column, column->data.len, text_len(value), "bytes", err)
                                          : FLOE_OK;
}

/* One bit at position `at` of a bitmap that has a bit for every position before it. */
static void append_bit(floe_buf *bits, int64_t at, bool bit) {
    if (at % 8 == 0) {
        floe_buf_byte(bits, 0);
    }
    if (bit && !bits->failed) {
        bits->ptr[bits->len - 1] = (char)((uint8_t)bits->ptr[bits->len - 1] | 1U << (at % 8));
    }
}

static void append_offset(floe_buf *offsets, size_t end) {
    int32_t offset = (int32_t)end;
    floe_buf_append(offsets, &offset, sizeof(offset));
}

/* The bytes of a fixed-width value as they lie in memory; all zero for null. Returns their number. */
static size_t fixed_bytes(floe_kind kind, const floe_value *value, char bytes[16]) {
    floe_value zero = {0};
    const floe_value *source = value->is_null ? &zero : value;
    int32_t narrow = (int32_t)source->as.integer;
    float single = kind == FLOE_KIND_FLOAT ? (float)source->as.real : 0;
    switch (kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        memcpy(bytes, &narrow, sizeof(narrow));
        return sizeof(narrow);
    case FLOE_KIND_FLOAT:
        memcpy(bytes, &single, sizeof(single));
        return sizeof(single);
    case FLOE_KIND_DOUBLE:
        memcpy(bytes, &source->as.real, sizeof(double));
        return sizeof(double);
    case FLOE_KIND_DECIMAL:
        memcpy(bytes, &source->as.decimal, 16);
        return 16;
    default:
        memcpy(bytes, &source->as.integer, sizeof(int64_t));
        return sizeof(int64_t);
    }
}

static void append_items(column_builder *column, const floe_value *value);

/* Appends without checks; a failure stays in a buffer's flag. */
static void append_value(column_builder *column, const floe_value *value) {
    floe_kind kind = column->type.kind;
    if (has_offsets(kind) && column->slots == 0) {
        append_offset(&column->offsets, 0);
    }
    append_bit(&column->valid, column->slots, !value->is_null);
    if (kind == FLOE_KIND_BOOL) {
        append_bit(&column->data, column->slots, !value->is_null && value->as.boolean);
    } else if (kind == FLOE_KIND_LIST) {
        append_items(column, value);
    } else if (has_offsets(kind)) {
        floe_buf_append(&column->data, value->is_null ? NULL : value->as.bytes.ptr, text_len(value));
        append_offset(&column->offsets, column->data.len);
    } else {
        char bytes[16];
        size_t len = fixed_bytes(kind, value, bytes);
        floe_buf_append(&column->data, bytes, len);
    }
    column->slots++;
    column->nulls += value->is_null ? 1 : 0;
}

static void append_items(column_builder *column, const floe_value *value) {
    for (size_t i = 0; !value->is_null && i < value->as.list.count; i++) {
        append_value(column->item, &value->as.list.items[i]);
    }
    append_offset(&column->offsets, (size_t)column->item->slots);
}

static bool column_failed(const column_builder *column) {
    return column->valid.failed || column->offsets.failed || column->data.failed ||
           (column->item != NULL && column_failed(column->item));
}

static floe_status check_builder(const floe_arrow_builder *builder, floe_error *err) {
    FLOE_ENSURE(!builder->failed, err, FLOE_NOMEM, "out of memory while building an Arrow batch of %" PRId64 " rows",
                builder->rows);
    return FLOE_OK;
}

floe_status floe_arrow_builder_row(floe_arrow_builder *builder, const floe_value *values, floe_error *err) {
    FLOE_TRY(check_builder(builder, err));
    for (size_t i = 0; i < builder->count; i++) {
        FLOE_TRY(check_value(&builder->columns[i], &values[i], err));
    }
    for (size_t i = 0; i < builder->count; i++) {
        append_value(&builder->columns[i], &values[i]);
        builder->failed = builder->failed || column_failed(&builder->columns[i]);
    }
    FLOE_TRY(check_builder(builder, err));
    builder->rows++;
    return FLOE_OK;
}

/* What an array of ours owns: its buffers, which `pointers` repeats in Arrow's order. */
typedef struct owned_buffers {
    floe_buf valid;
    floe_buf offsets;
    floe_buf data;
    const void *pointers[3];
} owned_buffers;

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i] != NULL) {
            floe_arrow_array_release(array->children[i]);
            floe_free(array->children[i]);
        }
    }
    floe_free(array->children);
    owned_buffers *owned = array->private_data;
    if (owned != NULL) {
        floe_buf_close(&owned->valid);
        floe_buf_close(&owned->offsets);
        floe_buf_close(&owned->data);
        floe_free(owned);
    }
    *array = (struct ArrowArray){0};
}

/* Starts an array without buffers in zeroed storage; from here on it can be released whatever else fails. */
static floe_status start_array(struct ArrowArray *array, size_t n_children, floe_error *err) {
    array->release = release_array;
    FLOE_TRY(floe_alloc(1, sizeof(owned_buffers), &array->private_data, err));
    if (n_children > 0) {
        FLOE_TRY(floe_alloc(n_children, sizeof(struct ArrowArray *), &array->children, err));
        array->n_children = (int64_t)n_children;
    }
    for (size_t i = 0; i < n_children; i++) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowArray), &array->children[i], err));
    }
    return FLOE_OK;
}

/* Allocates the nodes of one column, and the first offset that even an empty column must have. */
static floe_status start_column_array(column_builder *column, struct ArrowArray *array, floe_error *err) {
    if (has_offsets(column->type.kind) && column->slots == 0 && column->offsets.len == 0) {
        append_offset(&column->offsets, 0);
        FLOE_TRY(floe_buf_check(&column->offsets, err));
    }
    FLOE_TRY(start_array(array, column->item != NULL ? 1 : 0, err));
    return column->item != NULL ? start_column_array(column->item, array->children[0], err) : FLOE_OK;
}

static floe_buf take_buf(floe_buf *buf) {
    floe_buf taken = *buf;
    floe_buf_init(buf, SIZE_MAX);
    return taken;
}

/* Moves the column's buffers into its prepared array and leaves the column empty. */
static void move_column(column_builder *column, struct ArrowArray *array) {
    owned_buffers *owned = array->private_data;
    owned->valid = take_buf(&column->valid);
    owned->offsets = take_buf(&column->offsets);
    owned->data = take_buf(&column->data);
    bool variable = has_offsets(column->type.kind);
    bool is_list = column->type.kind == FLOE_KIND_LIST;
    owned->pointers[0] = column->nulls == 0 ? NULL : owned->valid.ptr;
    owned->pointers[1] = variable ? owned->offsets.ptr : owned->data.ptr;
    owned->pointers[2] = variable && !is_list ? owned->data.ptr : NULL;
    array->buffers = owned->pointers;
    array->n_buffers = variable && !is_list ? 3 : 2;
    array->length = column->slots;
    array->null_count = column->nulls;
    column->slots = 0;
    column->nulls = 0;
    if (is_list) {
        move_column(column->item, array->children[0]);
    }
}

floe_status floe_arrow_builder_finish(floe_arrow_builder *builder, struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_TRY(check_builder(builder, err));
    FLOE_AUTO_ARRAY batch = {0};
    FLOE_TRY(start_array(&batch, builder->count, err));
    for (size_t i = 0; i < builder->count; i++) {
        FLOE_TRY(start_column_array(&builder->columns[i], batch.children[i], err));
    }
    for (size_t i = 0; i < builder->count; i++) {
        move_column(&builder->columns[i], batch.children[i]);
    }
    batch.buffers = ((owned_buffers *)batch.private_data)->pointers;
    batch.n_buffers = 1;
    batch.length = builder->rows;
    builder->rows = 0;
    *ret_batch = batch;
    batch.release = NULL;
    return FLOE_OK;
}
