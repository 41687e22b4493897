/*
 * Arrays of a record batch. The metadata lists nodes (length, nulls) and buffers (place, length) in the order in which a walk
 * over the fields meets them; each is held against the bytes that are there before it becomes part of an array.
 */
#include "offline/ipc/ipc_int.h"

#include "core/mem.h"
#include "core/zstd.h"

#include <inttypes.h>
#include <string.h>

#define LENGTH_MAX (INT64_C(1) << 40)
/* A column of nothing takes no bytes of the file, so nothing else bounds its rows. */
#define NULLS_MAX (INT64_C(1) << 24)
/* Structs have no values of their own: the rows they say they have are believed up to so many for a byte of the batch. */
#define ROWS_PER_BYTE 1024
#define CODEC_LZ4 0
#define CODEC_ZSTD 1

/* What a reader may find where nothing is: the single offset of no rows. */
static const uint64_t NOTHING[8];

static floe_status damaged(const ipc_batch *batch, const ipc_field *field, const char *what) {
    return FLOE_FAIL(batch->err, FLOE_CORRUPT, "the column \"%.*s\" has %s", FLOE_STR_BRIEF(field->name), what);
}

/* ---- memory ---- */

floe_status floe_ipc_memory_open(uint64_t body_len, ipc_memory **ret_memory, floe_error *err) {
    FLOE_CLEANUP(floe_ipc_memory_close) ipc_memory *memory = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *memory, &memory, err));
    floe_arena_init(&memory->arena, IPC_BATCH_MAX);
    FLOE_TRY(floe_alloc((size_t)body_len, 1, &memory->body, err));
    *ret_memory = memory;
    memory = NULL;
    return FLOE_OK;
}

void floe_ipc_memory_close(ipc_memory **memory) {
    if (*memory) {
        for (size_t i = 0; i < (*memory)->unpacked_count; i++) {
            floe_buf_close(&(*memory)->unpacked[i]);
        }
        floe_arena_close(&(*memory)->arena);
        floe_free((*memory)->body);
        floe_free(*memory);
        *memory = NULL;
    }
}

static void release_child(struct ArrowArray *array) {
    array->release = NULL;
}

static void release_batch(struct ArrowArray *array) {
    ipc_memory *memory = array->private_data;
    floe_ipc_memory_close(&memory);
    array->release = NULL;
}

/* ---- buffers ---- */

static floe_status unpack(ipc_batch *batch, floe_str packed, floe_str *ret_bytes) {
    int64_t len;
    FLOE_ENSURE(packed.len >= 8, batch->err, FLOE_CORRUPT, "a compressed buffer is too short to be one");
    memcpy(&len, packed.ptr, sizeof len);
    floe_str rest = {packed.ptr + 8, packed.len - 8};
    if (len == -1) {
        *ret_bytes = rest;
        return FLOE_OK;
    }
    FLOE_ENSURE(len >= 0 && (uint64_t)len <= IPC_BATCH_MAX - batch->unpacked, batch->err, FLOE_LIMIT,
                "a record batch unpacks to more than %" PRIu64 " bytes", (uint64_t)IPC_BATCH_MAX);
    ipc_memory *memory = batch->memory;
    floe_buf *out =
        FLOE_ARENA_PUSH(&memory->arena, memory->unpacked, memory->unpacked_count, memory->unpacked_capacity);
    FLOE_TRY(floe_arena_check(&memory->arena, batch->err));
    floe_buf_init(out, (size_t)len + 1);
    floe_status status = batch->codec == CODEC_LZ4 ? floe_lz4_decompress(rest, out, batch->err)
                                                   : floe_zstd_decompress(rest, out, batch->err);
    FLOE_TRY(floe_error_prefix(batch->err, status, "a compressed buffer"));
    FLOE_ENSURE(out->len == (size_t)len, batch->err, FLOE_CORRUPT,
                "a compressed buffer unpacks to %zu bytes and says %" PRId64, out->len, len);
    batch->unpacked += (uint64_t)len;
    *ret_bytes = floe_buf_view(out);
    return FLOE_OK;
}

/* The next buffer, which must have `least` bytes. */
static floe_status take_buffer(ipc_batch *batch, const ipc_field *field, int64_t least, floe_str *ret_bytes) {
    if (batch->buffer_at >= batch->buffers.count) {
        return damaged(batch, field, "fewer buffers than its type");
    }
    int64_t offset = floe_ipc_struct(batch->buffers, batch->buffer_at, 16, 0);
    int64_t len = floe_ipc_struct(batch->buffers, batch->buffer_at, 16, 8);
    batch->buffer_at++;
    if (len < 0 || offset < 0 || (uint64_t)len > batch->body.len ||
        (uint64_t)offset > batch->body.len - (uint64_t)len) {
        return damaged(batch, field, "a buffer outside its batch");
    }
    floe_str bytes = {batch->body.ptr + offset, (size_t)len};
    FLOE_TRY(len > 0 && batch->codec >= 0 ? unpack(batch, bytes, &bytes) : FLOE_OK);
    if (bytes.len < (uint64_t)least) {
        return damaged(batch, field, "fewer values than rows");
    }
    if (bytes.len == 0) {
        bytes.ptr = (const char *)NOTHING;
    } else if ((uintptr_t)bytes.ptr % 8 != 0) {
        char *moved = floe_arena_alloc(&batch->memory->arena, bytes.len, 1);
        FLOE_TRY(floe_arena_check(&batch->memory->arena, batch->err));
        bytes.ptr = memcpy(moved, bytes.ptr, bytes.len);
    }
    *ret_bytes = bytes;
    return FLOE_OK;
}

static floe_status take_data(ipc_batch *batch, const ipc_field *field, int64_t least, struct ArrowArray *array,
                             int64_t *ret_len) {
    floe_str bytes = {0};
    FLOE_TRY(take_buffer(batch, field, least, &bytes));
    array->buffers[array->n_buffers++] = bytes.ptr;
    *ret_len = (int64_t)bytes.len;
    return FLOE_OK;
}

static floe_status take_validity(ipc_batch *batch, const ipc_field *field, struct ArrowArray *array) {
    int64_t len, least = array->null_count > 0 ? (array->length + 7) / 8 : 0;
    FLOE_TRY(take_data(batch, field, least, array, &len));
    if (array->null_count == 0) {
        array->buffers[0] = NULL;
    }
    array->null_count = array->null_count == 0 ? 0 : -1;
    return FLOE_OK;
}

/* Rows that have less than a bit each of bytes that are there are believed only so far: a mask takes memory for them. */
static floe_status mask(ipc_batch *batch, const ipc_field *field, int64_t bytes, struct ArrowArray *array) {
    const ipc_above *above = &batch->above;
    if (above->array->buffers[0] == NULL || above->field->layout == IPC_MAP) { /* A map's entries are never null. */
        return FLOE_OK;
    }
    batch->unseen += bytes >= (array->length + 7) / 8 ? 0 : array->length;
    FLOE_ENSURE(batch->unseen <= NULLS_MAX + ROWS_PER_BYTE * (int64_t)batch->body.len, batch->err, FLOE_LIMIT,
                "the column \"%.*s\" has %" PRId64 " rows inside others, too many for a batch of %zu bytes",
                FLOE_STR_BRIEF(field->name), array->length, batch->body.len);
    return floe_ipc_mask(above, &batch->memory->arena, array, batch->err);
}

/* What a column has for each row, then its mask. */
static floe_status take_rows(ipc_batch *batch, const ipc_field *field, int64_t least, struct ArrowArray *array) {
    int64_t len;
    FLOE_TRY(take_data(batch, field, least, array, &len));
    return mask(batch, field, least, array);
}

static floe_status take_node(ipc_batch *batch, const ipc_field *field, size_t buffers, struct ArrowArray *array) {
    if (batch->node_at >= batch->nodes.count) {
        return damaged(batch, field, "no length");
    }
    int64_t length = floe_ipc_struct(batch->nodes, batch->node_at, 16, 0);
    int64_t nulls = floe_ipc_struct(batch->nodes, batch->node_at, 16, 8);
    batch->node_at++;
    if (length < 0 || length > LENGTH_MAX || nulls < 0 || nulls > length) {
        return damaged(batch, field, "a length that cannot be");
    }
    *array = (struct ArrowArray){.length = length,
                                 .null_count = nulls,
                                 .buffers = floe_arena_alloc(&batch->memory->arena, buffers + 1, sizeof(void *)),
                                 .release = release_child};
    return floe_arena_check(&batch->memory->arena, batch->err);
}

/* ---- layouts ---- */

static floe_status take_offsets(ipc_batch *batch, const ipc_field *field, int64_t width, struct ArrowArray *array) {
    FLOE_TRY(take_rows(batch, field, array->length > 0 ? (array->length + 1) * width : 0, array));
    if (array->length == 0) { /* There may be fewer bytes than an offset has. */
        array->buffers[array->n_buffers - 1] = NOTHING;
    }
    return FLOE_OK;
}

static floe_status take_text(ipc_batch *batch, const ipc_field *field, struct ArrowArray *array) {
    int64_t len;
    FLOE_TRY(take_offsets(batch, field, field->layout == IPC_TEXT ? 4 : 8, array));
    FLOE_TRY(take_data(batch, field, 0, array, &len));
    FLOE_TRY(floe_ipc_check_offsets(field, array, len, batch->err));
    return floe_ipc_check_text(field, array, batch->err);
}

static floe_status take_views(ipc_batch *batch, const ipc_field *field, size_t count, struct ArrowArray *array) {
    int64_t *lens = floe_arena_alloc(&batch->memory->arena, count + 1, sizeof *lens);
    FLOE_TRY(floe_arena_check(&batch->memory->arena, batch->err));
    FLOE_TRY(take_rows(batch, field, array->length * 16, array));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(take_data(batch, field, 0, array, &lens[i]));
    }
    array->buffers[array->n_buffers++] = lens;
    FLOE_TRY(floe_ipc_check_views(field, array, lens, count, batch->err));
    return floe_ipc_check_text(field, array, batch->err);
}

static floe_status take_children(ipc_batch *batch, const ipc_field *field, unsigned depth, struct ArrowArray *array) {
    floe_arena *arena = &batch->memory->arena;
    array->children = floe_arena_alloc(arena, field->child_count + 1, sizeof *array->children);
    FLOE_TRY(floe_arena_check(arena, batch->err));
    for (size_t i = 0; i < field->child_count; i++) {
        batch->above = (ipc_above){field, array};
        array->children[i] = floe_arena_alloc(arena, 1, sizeof **array->children);
        FLOE_TRY(floe_arena_check(arena, batch->err));
        FLOE_TRY(floe_ipc_array(batch, &field->children[i], depth + 1, array->children[i]));
        array->n_children++;
    }
    return FLOE_OK;
}

static floe_status check_members(const ipc_batch *batch, const ipc_field *field, const struct ArrowArray *array) {
    int64_t each = field->layout == IPC_FIXED_LIST ? field->width : 1;
    for (size_t i = 0; i < field->child_count; i++) {
        if (array->length > 0 && array->children[i]->length / each < array->length) {
            return damaged(batch, field, "members that are shorter than itself");
        }
    }
    return FLOE_OK;
}

static floe_status take_list(ipc_batch *batch, const ipc_field *field, unsigned depth, struct ArrowArray *array) {
    FLOE_TRY(take_offsets(batch, field, field->layout == IPC_LIST64 ? 8 : 4, array));
    FLOE_TRY(take_children(batch, field, depth, array));
    return floe_ipc_check_offsets(field, array, array->children[0]->length, batch->err);
}

/* How many buffers a column's texts lie in. */
static floe_status count_views(ipc_batch *batch, const ipc_field *field, size_t *ret_count) {
    bool is_view = field->layout == IPC_VIEW && !field->is_encoded;
    int64_t count = is_view ? floe_ipc_struct(batch->variadic, batch->variadic_at++, 8, 0) : 0;
    if (count < 0 || (uint64_t)count > batch->buffers.count) {
        return damaged(batch, field, "a number of buffers that cannot be");
    }
    *ret_count = (size_t)count;
    return FLOE_OK;
}

static floe_status take_values(ipc_batch *batch, const ipc_field *field, unsigned depth, size_t views,
                               struct ArrowArray *array) {
    switch (field->layout) {
    case IPC_BITS:
        return take_rows(batch, field, (array->length + 7) / 8, array);
    case IPC_FIXED:
        FLOE_TRY(take_rows(batch, field, array->length * field->width, array));
        return floe_ipc_check_fixed(field, array, batch->err);
    case IPC_TEXT:
    case IPC_TEXT64:
        return take_text(batch, field, array);
    case IPC_VIEW:
        return take_views(batch, field, views, array);
    case IPC_STRUCT:
    case IPC_FIXED_LIST:
        FLOE_TRY(mask(batch, field, 0, array));
        FLOE_TRY(take_children(batch, field, depth, array));
        return check_members(batch, field, array);
    default:
        return take_list(batch, field, depth, array);
    }
}

floe_status floe_ipc_array(ipc_batch *batch, const ipc_field *field, unsigned depth, struct ArrowArray *ret_array) {
    size_t views = 0;
    FLOE_ENSURE(depth < IPC_DEPTH_MAX, batch->err, FLOE_LIMIT, "the columns are nested more than %d levels deep",
                IPC_DEPTH_MAX);
    FLOE_TRY(count_views(batch, field, &views));
    FLOE_TRY(take_node(batch, field, 4 + views, ret_array));
    if (field->layout == IPC_NULL && !field->is_encoded) {
        FLOE_ENSURE(ret_array->length <= NULLS_MAX, batch->err, FLOE_LIMIT,
                    "the column \"%.*s\" of nothing has %lld rows in one batch; the most is %lld",
                    FLOE_STR_BRIEF(field->name), (long long)ret_array->length, (long long)NULLS_MAX);
        ret_array->null_count = ret_array->length;
        return FLOE_OK;
    }
    if (field->layout == IPC_FIXED && field->width > INT64_MAX / LENGTH_MAX) {
        return damaged(batch, field, "values that are too wide");
    }
    FLOE_TRY(take_validity(batch, field, ret_array));
    if (!field->is_encoded) {
        return take_values(batch, field, depth, views, ret_array);
    }
    FLOE_TRY(take_rows(batch, field, ret_array->length * (int64_t)field->index_width, ret_array));
    return floe_ipc_decode(batch, field, ret_array);
}

/* ---- a record batch ---- */

static floe_status take_codec(ipc_table record, int *ret_codec, floe_error *err) {
    ipc_table compression = floe_ipc_table(record, 3);
    int64_t codec = floe_ipc_int(compression, 0, 1, 0), method = floe_ipc_int(compression, 1, 1, 0);
    *ret_codec = compression.at > 0 ? (int)codec : -1;
    FLOE_ENSURE(compression.at == 0 || (method == 0 && (codec == CODEC_LZ4 || codec == CODEC_ZSTD)), err,
                FLOE_UNSUPPORTED, "it is compressed by a codec other than LZ4 and zstd");
    return FLOE_OK;
}

floe_status floe_ipc_batch(const ipc_record *record, ipc_memory **memory, struct ArrowArray *ret_batch,
                           floe_error *err) {
    int64_t length = floe_ipc_int(record->table, 0, 8, 0);
    ipc_batch batch = {.flat = record->table.flat,
                       .nodes = floe_ipc_items(record->table, 1, 16),
                       .buffers = floe_ipc_items(record->table, 2, 16),
                       .variadic = floe_ipc_items(record->table, 4, 8),
                       .body = {(*memory)->body, (size_t)record->body_len},
                       .memory = *memory,
                       .dictionaries = record->dictionaries,
                       .err = err};
    ipc_field all = {.name = FLOE_STR("(all)"),
                     .layout = IPC_STRUCT,
                     .children = (ipc_field *)(uintptr_t)record->fields,
                     .child_count = record->field_count};
    FLOE_TRY(take_codec(record->table, &batch.codec, err));
    FLOE_ENSURE(length >= 0 && length <= LENGTH_MAX, err, FLOE_CORRUPT, "a record batch has %" PRId64 " rows", length);
    struct ArrowArray array = {.length = length, .n_buffers = 1, .release = release_batch, .private_data = *memory};
    array.buffers = floe_arena_alloc(&(*memory)->arena, 1, sizeof(void *));
    FLOE_TRY(take_children(&batch, &all, 0, &array));
    for (int64_t i = 0; i < array.n_children; i++) {
        FLOE_ENSURE(array.children[i]->length == length, err, FLOE_CORRUPT,
                    "the column \"%.*s\" has %" PRId64 " rows in a batch of %" PRId64,
                    FLOE_STR_BRIEF(record->fields[i].name), array.children[i]->length, length);
    }
    FLOE_ENSURE(!batch.flat->corrupt, err, FLOE_CORRUPT, "a record batch's metadata points outside itself");
    *ret_batch = array;
    *memory = NULL;
    return FLOE_OK;
}
