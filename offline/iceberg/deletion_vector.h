/*
 * Deletion vectors: a set of row positions as the blob `deletion-vector-v1` of a Puffin file.
 *
 * Layout: length of magic and vector (4 bytes, big endian), magic D1 D3 39 64, count of 32-bit bitmaps (8 bytes, little
 * endian), for each its key (4 bytes, little endian, ascending) and the bitmap in the portable form of Roaring, CRC-32 of
 * magic and vector (4 bytes, big endian). Offset and length of the blob come from the manifest, so that the file around
 * it is never looked at: it may be a Puffin file with many blobs or hold nothing but the one.
 * Source: Iceberg Puffin spec, "deletion-vector-v1 blob type"; Roaring bitmap format specification.
 */
#ifndef FLOE_OFFLINE_ICEBERG_DELETION_VECTOR_H
#define FLOE_OFFLINE_ICEBERG_DELETION_VECTOR_H

#include "offline/iceberg/positions.h"

/* Decodes a whole blob. Owns: the arena. Errors: CORRUPT saying what is wrong and at which byte; NOMEM, LIMIT. */
floe_status floe_deletion_vector_decode(floe_str blob, floe_arena *arena, floe_positions *ret_positions,
                                        floe_error *err);

/* The blob at [offset, offset + len) of a file. Errors: CORRUPT where the file ends before it. */
floe_status floe_deletion_vector_slice(floe_str file, int64_t offset, int64_t len, floe_str *ret_blob, floe_error *err);

#endif
