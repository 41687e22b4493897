/*
 * Arrow files and streams, written.
 *
 * Pieces are gathered until a batch has BATCH_ROWS rows or, at a multiple of PIECE_ROWS, BATCH_BYTES bytes: where batches end
 * depends on the rows alone.
 */
#include "offline/ipc/ipc_int.h"

#include "core/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BATCH_ROWS 65536
#define PIECE_ROWS 1024
#define BATCH_BYTES FLOE_MIB(64)
#define VERSION 4 /* is "V5" */

enum { HEADER_SCHEMA = 1, HEADER_RECORD = 3 };

/* Of File.fbs. */
typedef struct block {
    uint64_t at, body_len;
    uint32_t metadata_len;
} block;

typedef struct ipc_writer {
    int fd;
    bool bare;
    uint64_t at; /* bytes written */
    const struct ArrowSchema *schema;
    ipc_column rows; /* a struct of the columns */
    floe_buf metadata;
    floe_buf pieces, nodes; /* of the batch that is written */
    floe_buf blocks;        /* of block */
    int64_t row_count;
} ipc_writer;

static void writer_close(ipc_writer *writer) {
    floe_ipc_column_close(&writer->rows);
    floe_buf_close(&writer->metadata);
    floe_buf_close(&writer->pieces);
    floe_buf_close(&writer->nodes);
    floe_buf_close(&writer->blocks);
}

/* ---- bytes ---- */

static floe_status put(ipc_writer *writer, const void *bytes, size_t len, floe_error *err) {
    for (size_t done = 0; done < len;) {
        ssize_t wrote = write(writer->fd, (const char *)bytes + done, len - done);
        if (wrote < 0 && errno != EINTR) {
            return FLOE_FAIL_ERRNO(err, FLOE_IO, "%s", errno == ENOSPC ? "the disk is full" : strerror(errno));
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    writer->at += len;
    return FLOE_OK;
}

static size_t padded(size_t len) {
    return (len + 7) / 8 * 8;
}

static floe_status put_padded(ipc_writer *writer, const void *bytes, size_t len, floe_error *err) {
    static const char ZEROS[8];
    FLOE_TRY(put(writer, bytes, len, err));
    return put(writer, ZEROS, padded(len) - len, err);
}

static floe_status put_u32(ipc_writer *writer, uint32_t value, floe_error *err) {
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    return put(writer, bytes, sizeof bytes, err);
}

/* ---- the schema ---- */

static size_t put_field(floe_buf *out, const ipc_column *column);

static size_t put_children(floe_buf *out, const ipc_column *column) {
    size_t vector = floe_ipc_put_vector(out, column->child_count, false);
    for (size_t i = 0; i < column->child_count; i++) {
        floe_buf_u32(out, 0);
    }
    for (size_t i = 0; i < column->child_count; i++) {
        floe_ipc_patch(out, vector + 4 + 4 * i, put_field(out, &column->children[i]));
    }
    return vector;
}

static size_t put_type(floe_buf *out, const ipc_type *type) {
    size_t slots[IPC_SLOTS_MAX];
    size_t table = floe_ipc_put_table(out, type->slots, type->slot_count, slots);
    if (type->zone.len > 0) {
        floe_ipc_patch(out, slots[1], floe_ipc_put_text(out, type->zone));
    }
    return table;
}

/* [{key, value}]: that 16 bytes are a UUID is all that is said of any column. */
static size_t put_uuid(floe_buf *out) {
    size_t slots[2], vector = floe_ipc_put_vector(out, 1, false);
    floe_buf_u32(out, 0);
    floe_ipc_patch(out, vector + 4, floe_ipc_put_table(out, (ipc_slot[]){IPC_OFFSET, IPC_OFFSET}, 2, slots));
    floe_ipc_patch(out, slots[0], floe_ipc_put_text(out, FLOE_STR("ARROW:extension:name")));
    floe_ipc_patch(out, slots[1], floe_ipc_put_text(out, FLOE_STR("arrow.uuid")));
    return vector;
}

static size_t put_field(floe_buf *out, const ipc_column *column) {
    size_t slots[7];
    bool uuid = column->is_uuid;
    bool nullable = (column->schema->flags & ARROW_FLAG_NULLABLE) != 0;
    ipc_slot field[7] = {IPC_OFFSET,
                         {1, nullable},
                         {1, column->type.kind},
                         IPC_OFFSET,
                         {0, 0},
                         IPC_OFFSET,
                         uuid ? IPC_OFFSET : (ipc_slot){0, 0}};
    size_t table = floe_ipc_put_table(out, field, 7, slots);
    floe_ipc_patch(out, slots[0], floe_ipc_put_text(out, floe_str_of(column->schema->name)));
    floe_ipc_patch(out, slots[3], put_type(out, &column->type));
    floe_ipc_patch(out, slots[5], put_children(out, column));
    if (uuid) {
        floe_ipc_patch(out, slots[6], put_uuid(out));
    }
    return table;
}

static size_t put_schema(floe_buf *out, const ipc_column *rows) {
    size_t slots[2];
    size_t table = floe_ipc_put_table(out, (ipc_slot[]){{2, 0}, IPC_OFFSET}, 2, slots);
    floe_ipc_patch(out, slots[1], put_children(out, rows));
    return table;
}

/* ---- messages ---- */

/* Begins a message in `metadata`; the header is patched at what comes back. */
static size_t begin_message(ipc_writer *writer, int header, uint64_t body_len) {
    size_t slots[4];
    ipc_slot message[4] = {{2, VERSION}, {1, header}, IPC_OFFSET, {8, (int64_t)body_len}};
    floe_buf_clear(&writer->metadata);
    floe_buf_u32(&writer->metadata, 0);
    floe_ipc_patch(&writer->metadata, 0, floe_ipc_put_table(&writer->metadata, message, 4, slots));
    return slots[2];
}

static floe_status end_message(ipc_writer *writer, floe_error *err) {
    floe_ipc_pad(&writer->metadata);
    FLOE_TRY(floe_buf_check(&writer->metadata, err));
    FLOE_TRY(put_u32(writer, UINT32_MAX, err));
    FLOE_TRY(put_u32(writer, (uint32_t)writer->metadata.len, err));
    return put(writer, writer->metadata.ptr, writer->metadata.len, err);
}

static floe_status write_schema(ipc_writer *writer, floe_error *err) {
    if (!writer->bare) {
        FLOE_TRY(put_padded(writer, IPC_MAGIC, strlen(IPC_MAGIC), err));
    }
    size_t slot = begin_message(writer, HEADER_SCHEMA, 0);
    floe_ipc_patch(&writer->metadata, slot, put_schema(&writer->metadata, &writer->rows));
    return end_message(writer, err);
}

/* ---- record batches ---- */

/* A buffer as it is written. */
typedef struct piece {
    const char *ptr;
    size_t len;
} piece;

static void add_piece(floe_buf *pieces, const floe_buf *buffer, bool is_there) {
    piece p = {buffer->ptr ? buffer->ptr : "", is_there ? buffer->len : 0};
    floe_buf_append(pieces, &p, sizeof p);
}

/* The buffers of a column and its children, in the order of the format; `nodes` gets their lengths and nulls. */
static void collect(const ipc_column *column, floe_buf *pieces, floe_buf *nodes) {
    ipc_layout layout = column->type.layout;
    bool has_data = layout == IPC_BITS || layout == IPC_FIXED || layout == IPC_TEXT || layout == IPC_TEXT64;
    floe_buf_u64(nodes, (uint64_t)column->length);
    floe_buf_u64(nodes, (uint64_t)column->null_count);
    if (layout != IPC_NULL) {
        add_piece(pieces, &column->validity, column->null_count > 0);
    }
    if (column->offsets.len > 0) {
        add_piece(pieces, &column->offsets, true);
    }
    if (has_data) {
        add_piece(pieces, &column->data, true);
    }
    for (size_t i = 0; i < column->child_count; i++) {
        collect(&column->children[i], pieces, nodes);
    }
}

static void collect_all(ipc_writer *writer) {
    floe_buf_clear(&writer->pieces);
    floe_buf_clear(&writer->nodes);
    for (size_t i = 0; i < writer->rows.child_count; i++) {
        collect(&writer->rows.children[i], &writer->pieces, &writer->nodes);
    }
}

/* Where the buffers lie in the body: {offset, length} each. Returns the body's length. */
static uint64_t put_places(const ipc_writer *writer, floe_buf *out) {
    uint64_t at = 0;
    for (size_t i = 0; i < writer->pieces.len; i += sizeof(piece)) {
        piece p;
        memcpy(&p, writer->pieces.ptr + i, sizeof p);
        if (out) {
            floe_buf_u64(out, at);
            floe_buf_u64(out, p.len);
        }
        at += padded(p.len);
    }
    return at;
}

static floe_status write_body(ipc_writer *writer, floe_error *err) {
    for (size_t i = 0; i < writer->pieces.len; i += sizeof(piece)) {
        piece p;
        memcpy(&p, writer->pieces.ptr + i, sizeof p);
        FLOE_TRY(put_padded(writer, p.ptr, p.len, err));
    }
    return FLOE_OK;
}

static floe_status write_batch(ipc_writer *writer, floe_error *err) {
    floe_buf *out = &writer->metadata;
    size_t slots[3];
    collect_all(writer);
    FLOE_TRY(floe_buf_check(&writer->pieces, err));
    FLOE_TRY(floe_buf_check(&writer->nodes, err));
    block place = {.at = writer->at, .body_len = put_places(writer, NULL)};
    size_t slot = begin_message(writer, HEADER_RECORD, place.body_len);
    ipc_slot record[3] = {{8, writer->rows.length}, IPC_OFFSET, IPC_OFFSET};
    floe_ipc_patch(out, slot, floe_ipc_put_table(out, record, 3, slots));
    floe_ipc_patch(out, slots[1], floe_ipc_put_vector(out, writer->nodes.len / 16, true));
    floe_buf_str(out, floe_buf_view(&writer->nodes));
    floe_ipc_patch(out, slots[2], floe_ipc_put_vector(out, writer->pieces.len / sizeof(piece), true));
    (void)put_places(writer, out);
    FLOE_TRY(end_message(writer, err));
    place.metadata_len = (uint32_t)(writer->at - place.at);
    FLOE_TRY(write_body(writer, err));
    floe_buf_append(&writer->blocks, &place, sizeof place);
    floe_ipc_column_clear(&writer->rows);
    return floe_buf_check(&writer->blocks, err);
}

/* ---- the end ---- */

static floe_status write_end(ipc_writer *writer, floe_error *err) {
    FLOE_TRY(put_u32(writer, UINT32_MAX, err));
    FLOE_TRY(put_u32(writer, 0, err));
    if (writer->bare) {
        return FLOE_OK;
    }
    floe_buf *out = &writer->metadata;
    size_t slots[4], count = writer->blocks.len / sizeof(block);
    floe_buf_clear(out);
    floe_buf_u32(out, 0);
    ipc_slot footer[4] = {{2, VERSION}, IPC_OFFSET, IPC_OFFSET, IPC_OFFSET};
    floe_ipc_patch(out, 0, floe_ipc_put_table(out, footer, 4, slots));
    floe_ipc_patch(out, slots[1], put_schema(out, &writer->rows));
    floe_ipc_patch(out, slots[2], floe_ipc_put_vector(out, 0, true));
    floe_ipc_patch(out, slots[3], floe_ipc_put_vector(out, count, true));
    for (size_t i = 0; i < count; i++) {
        block place;
        memcpy(&place, writer->blocks.ptr + i * sizeof place, sizeof place);
        floe_buf_u64(out, place.at);
        floe_buf_u64(out, place.metadata_len);
        floe_buf_u64(out, place.body_len);
    }
    floe_ipc_pad(out);
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_TRY(put(writer, out->ptr, out->len, err));
    FLOE_TRY(put_u32(writer, (uint32_t)out->len, err));
    return put(writer, IPC_MAGIC, strlen(IPC_MAGIC), err);
}

/* ---- all of it ---- */

static bool is_full(const ipc_writer *writer) {
    const ipc_column *rows = &writer->rows;
    return rows->length >= BATCH_ROWS ||
           (rows->length % PIECE_ROWS == 0 && rows->length > 0 && floe_ipc_column_bytes(rows) >= BATCH_BYTES);
}

static floe_status add_batch(ipc_writer *writer, const struct ArrowArray *batch, floe_error *err) {
    for (int64_t first = 0; first < batch->length;) {
        int64_t room = PIECE_ROWS - writer->rows.length % PIECE_ROWS, left = batch->length - first;
        int64_t count = left < room ? left : room;
        FLOE_TRY(floe_ipc_column_add(&writer->rows, batch, first, count, err));
        first += count;
        FLOE_TRY(is_full(writer) ? write_batch(writer, err) : FLOE_OK);
    }
    writer->row_count += batch->length;
    return FLOE_OK;
}

floe_status floe_ipc_write(struct ArrowArrayStream *stream, int fd, const ipc_form *form, int64_t *ret_rows,
                           floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_CLEANUP(writer_close) ipc_writer writer = {.fd = fd, .bare = form->bare, .schema = &schema};
    floe_buf_init(&writer.metadata, IPC_METADATA_MAX);
    floe_buf_init(&writer.pieces, FLOE_MIB(64));
    floe_buf_init(&writer.nodes, FLOE_MIB(64));
    floe_buf_init(&writer.blocks, FLOE_GIB(1));
    FLOE_TRY(floe_arrow_stream_schema(stream, "rows", &schema, err));
    FLOE_TRY(floe_ipc_column_open(&schema, 0, &writer.rows, err));
    for (size_t i = 0; form->is_uuid && i < writer.rows.child_count; i++) {
        if (form->is_uuid[i]) {
            FLOE_ASSERT(writer.rows.children[i].type.layout == IPC_TEXT);
            floe_ipc_column_of_uuids(&writer.rows.children[i]);
        }
    }
    FLOE_TRY(write_schema(&writer, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "rows", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(add_batch(&writer, &batch, err));
    }
    FLOE_TRY(writer.rows.length > 0 ? write_batch(&writer, err) : FLOE_OK);
    FLOE_TRY(write_end(&writer, err));
    *ret_rows = writer.row_count;
    return FLOE_OK;
}
