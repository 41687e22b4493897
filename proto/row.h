/*
 * Feature rows as bytes: what a store keeps of one view for one entity.
 *
 * A row is a header of fixed length, which a store can compare without knowing anything else, and a body of values
 * whose types the reader knows from the definition that is kept with the generation. Reading one column costs the same
 * whatever the number of columns. Bodies of FLOE_ROW_COMPRESS_BYTES and more are kept as zstd when that is shorter. The
 * exact bytes stand in proto/FORMATS.md (feature row, format 1). Bytes from a store are not trusted: whatever they are,
 * reading ends in values or in an error. Thread: any; a layout is immutable.
 */
#ifndef FLOE_PROTO_ROW_H
#define FLOE_PROTO_ROW_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/value.h"

#define FLOE_ROW_FORMAT 1
#define FLOE_ROW_HEADER_BYTES 26
#define FLOE_ROW_ORDER_AT 2     /* offset of the bytes that decide which row is newer */
#define FLOE_ROW_ORDER_BYTES 16 /* event time, created time; a larger memcmp is newer */

typedef struct floe_row_header {
    int64_t event_us;
    int64_t created_us; /* INT64_MIN: null, the smallest */
    int64_t end_us;     /* INT64_MAX: never ends */
    bool arrived;       /* pushed or streamed: the table it belongs to may not hold it yet */
} floe_row_header;

/* Where each column of a row lies, prepared once per list of types. */
typedef struct floe_row_layout {
    size_t count;
    const floe_type *types;
    const uint32_t *slots;  /* offset of each column's slot in the fixed area */
    const uint32_t *starts; /* of a column of variable length: offset of the slot that holds its start, or
                                FLOE_ROW_STARTS_AT_ZERO */
    uint32_t fixed_len;     /* bytes of the fixed area */
    uint32_t last_slot;     /* slot that holds the end of the variable area, or FLOE_ROW_STARTS_AT_ZERO */
    uint32_t check;         /* of the types: a row written with others is found out */
} floe_row_layout;
#define FLOE_ROW_STARTS_AT_ZERO UINT32_MAX

/* Owns: layout and a copy of the types lie in the arena. Errors: INVALID for a type that is none; LIMIT past
 * FLOE_LIMIT_VIEW_FEATURES columns. */
floe_status floe_row_layout_make(const floe_type *types, size_t count, floe_arena *arena,
                                 const floe_row_layout **ret_layout, floe_error *err);

/* Appends one row of layout->count values, each null or of its column's type. Errors: INVALID naming the column; LIMIT
 * past FLOE_LIMIT_ROW_BYTES. On failure what was appended is undefined. */
floe_status floe_row_encode(const floe_row_layout *layout, const floe_row_header *header, const floe_value *values,
                            floe_buf *out, floe_error *err);

/* Reads only the header. Errors: CORRUPT, UNSUPPORTED for another format. */
floe_status floe_row_header_read(floe_str bytes, floe_row_header *ret_header, floe_error *err);

/* An opened row: borrows from the bytes, or from `scratch` when the body was compressed. */
typedef struct floe_row {
    floe_row_header header;
    const floe_row_layout *layout;
    floe_str nulls; /* bit i set: column i is null */
    floe_str fixed;
    floe_str variable;
} floe_row;

/* Opens a row. `scratch` is overwritten only for a compressed body; its cap bounds nothing, FLOE_LIMIT_ROW_BYTES does.
 * Errors: CORRUPT (also for a row of other types than the layout's), UNSUPPORTED for another format. */
floe_status floe_row_open(const floe_row_layout *layout, floe_str bytes, floe_buf *scratch, floe_row *ret_row,
                          floe_error *err);

/* One column's value. Text and bytes borrow from what the row borrows from; list items lie in the arena (and may be
 * NULL's only use: a layout without lists never touches it). Errors: CORRUPT naming the column's number. */
floe_status floe_row_get(const floe_row *row, size_t column, floe_arena *arena, floe_value *ret_value, floe_error *err);

#endif
