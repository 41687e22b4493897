/*
 * What the footer of a Parquet file says about columns that the engine's reader would change: times in nanoseconds with a zone
 * and times of day in nanoseconds are cut to microseconds, so are the old INT96, decimals of more than 38 digits become doubles. All but
 * the last can be read whole from a copy in which a few bytes of the footer are others.
 *
 * The footer is Thrift's compact protocol, where a boolean is one half of its field's first byte. So "adjusted to UTC" becomes
 * "not adjusted", and the member TIME of a logical type becomes TIMESTAMP, whose inside is laid out alike, without any byte
 * moving. INT96 becomes twelve bytes of a fixed length, which is one more field: the footer behind it moves, but it is the file's end,
 * so that pages and their index stay where they are.
 */
#ifndef FLOE_OFFLINE_IO_PARQUET_H
#define FLOE_OFFLINE_IO_PARQUET_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdatomic.h>
#include <stdint.h>

typedef enum floe_parquet_kind {
    FLOE_PARQUET_TIMESTAMP_NS,   /* without a zone: the engine reads it as it is */
    FLOE_PARQUET_TIMESTAMPTZ_NS, /* adjusted to UTC */
    FLOE_PARQUET_TIME_NS,        /* of day */
    FLOE_PARQUET_INT96,          /* nanoseconds of the day, eight bytes, and the Julian day, four; little-endian */
    FLOE_PARQUET_WIDE_DECIMAL    /* more than 38 digits */
} floe_parquet_kind;

/* A byte of the footer that is another in a copy. */
typedef struct floe_parquet_patch {
    uint64_t at; /* from the footer's first byte */
    uint8_t from, to;
    uint8_t before[3]; /* bytes that are put in front of it */
    uint8_t before_len;
} floe_parquet_patch;

typedef struct floe_parquet_column {
    floe_str column; /* at the top of the schema */
    floe_str node;   /* which is it, or lies somewhere in it */
    floe_parquet_kind kind;
    bool nested;                   /* the node is not the column itself */
    int64_t digits;                /* of a decimal */
    floe_parquet_patch patches[2]; /* after them the engine reads the nanoseconds as TIMESTAMP_NS, an INT96 as BLOB */
    size_t patch_count;
} floe_parquet_column;

/* The columns of these kinds in a footer, in its order. Owns: the arena; names are borrowed from the footer.
 * Errors: CORRUPT for what is no footer, LIMIT (100,000 nodes). */
floe_status floe_parquet_footer_find(floe_str footer, floe_arena *arena, const floe_parquet_column **ret_columns,
                                     size_t *ret_count, floe_error *err);

/* Appends the footer of a file; *ret_at is where it begins there. Errors: CORRUPT (no Parquet file), UNSUPPORTED (an encrypted
 * footer), LIMIT (FLOE_LIMIT_PARQUET_FOOTER_BYTES), NOT_FOUND, DENIED, IO, each naming the file. */
floe_status floe_parquet_footer_read(const char *path, floe_buf *out, uint64_t *ret_at, floe_error *err);

/* A copy of a file in which the footer's bytes are patched, in rising order; it shares the disk's blocks where the file system can. On failure
 * there is none. `cancelled` may be NULL. Errors: CONFLICT (the file is no longer the one whose footer was read, or the copy
 * exists), CANCELLED, NOT_FOUND, DENIED, IO (a full disk is named). */
typedef struct floe_parquet_copy {
    const char *from, *to;
    uint64_t footer_at;
    const floe_parquet_patch *patches;
    size_t patch_count;
    const atomic_bool *cancelled;
} floe_parquet_copy;
floe_status floe_parquet_copy_make(const floe_parquet_copy *copy, floe_error *err);

#endif
