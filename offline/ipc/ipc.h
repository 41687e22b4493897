/*
 * Arrow's interprocess format (apache/arrow, docs/source/format/Columnar.rst, format/{Schema,Message,File}.fbs): files of
 * tables with magic and footer, and bare streams, as every Arrow library reads and writes them.
 *
 * Read are metadata versions 4 and 5 with either framing, several record batches, dictionaries (first, in between, replaced and
 * extended), buffers as they are or compressed with LZ4 or zstd, and every layout but those that the reader refuses by name
 * (unions, run ends, list views, half floats, 256-bit decimals). Nothing a file says is believed: what leaves the reader
 * may be walked by code that checks nothing. Written is version 5, little-endian, uncompressed, without dictionaries.
 *
 * Rule: batches are cut by the rows alone, so the same rows give the same bytes whatever pieces they came in.
 * Thread: a stream belongs to one thread at a time.
 */
#ifndef FLOE_OFFLINE_IPC_H
#define FLOE_OFFLINE_IPC_H

#include "core/arrow.h"
#include "core/buf.h"

/* Whether a path ends like an Arrow file: .arrow, .feather (both with a footer) or .arrows (a bare stream). */
bool floe_ipc_is_path(const char *path);

/* Opens a file of either form, whatever its ending says, and reads its schema. Dictionary-encoded columns come as plain ones;
 * finer times than microseconds that have a zone come without it, as the engine has no such type.
 * Errors: NOT_FOUND, DENIED, IO; CORRUPT naming what does not add up; UNSUPPORTED naming the column and what it is; INVALID for
 * two columns of one name. The stream's too. */
floe_status floe_ipc_open(const char *path, struct ArrowArrayStream *ret_stream, floe_error *err);
/* The same of bytes, which must outlive the stream. */
floe_status floe_ipc_open_bytes(floe_str bytes, struct ArrowArrayStream *ret_stream, floe_error *err);

/* How rows are written. */
typedef struct ipc_form {
    bool bare;           /* a stream, without magic and footer */
    const bool *is_uuid; /* per column: text that is a UUID, to be arrow.uuid; NULL: none */
} ipc_form;

/* Writes a stream's rows to an open file. The stream is read to its end, not released.
 * Errors: UNSUPPORTED naming column and format; LIMIT for 1,024 rows of more than 2 GiB; IO (a full disk is named); those of the
 * stream. */
floe_status floe_ipc_write(struct ArrowArrayStream *stream, int fd, const ipc_form *form, int64_t *ret_rows,
                           floe_error *err);

#endif
