/*
 * Files of this folder's own: written beside their name and renamed over it, read, and held to a checksum that is taken
 * while the bytes go by.
 */
#ifndef FLOE_VECTOR_ANN_FILE_INT_H
#define FLOE_VECTOR_ANN_FILE_INT_H

#include "core/error.h"
#include "core/str.h"
#include "vector/ann/block_int.h"

#include <stdint.h>

#define FLOE_OUT_CHUNK ((size_t)1 << 20)

/* The checksum of a stream: XXH64 of each chunk, seeded by that of the chunk before it. */
uint64_t floe_chunks_hash(const void *bytes, size_t len);

typedef struct floe_out {
    char *path, *temporary;
    char *chunk; /* what is not written yet */
    size_t chunk_len;
    uint64_t len, hash; /* of what was written */
    int file;           /* -1: none */
} floe_out;

/* Makes the temporary file; `head_len` bytes at its beginning are left for floe_out_end. */
floe_status floe_out_begin(const char *path, size_t head_len, floe_out *out, floe_error *err);
floe_status floe_out_write(floe_out *out, const void *bytes, size_t len, floe_error *err);
/* Writes what waits, so that len and hash are those of all. */
floe_status floe_out_flush(floe_out *out, floe_error *err);
/* Writes the head, makes all durable and renames it. */
floe_status floe_out_end(floe_out *out, const void *head, size_t head_len, floe_error *err);
/* Removes what was not ended. Safe on a zeroed struct whose file is -1, and twice. */
void floe_out_close(floe_out *out);

/* Reads a whole file into a block of its own, so that what is checked is what is used, whatever happens to the file then.
 * Errors: NOT_FOUND, DENIED, IO, CORRUPT (no file, shorter than `least`), NOMEM. */
floe_status floe_read_block(const char *path, size_t least, floe_block *ret_block, floe_error *err);

#endif
