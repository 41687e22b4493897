/*
 * Snappy blocks through the C interface of libsnappy; the only file that includes it.
 */
#include "offline/iceberg/codec.h"

#include <snappy-c.h>

floe_status floe_snappy_decompress(floe_str bytes, floe_buf *out, floe_error *err) {
    size_t len = 0;
    FLOE_ENSURE(snappy_uncompressed_length(bytes.ptr, bytes.len, &len) == SNAPPY_OK, err, FLOE_CORRUPT,
                "the snappy data is damaged or cut off");
    FLOE_ENSURE(len <= out->cap - out->len, err, FLOE_LIMIT, "decompressed data is larger than %zu bytes", out->cap);
    /* A length that no input of this size can expand to (64 bytes from 3) is refused before memory is asked for. */
    FLOE_ENSURE(len / 64 <= bytes.len, err, FLOE_CORRUPT, "the snappy data claims %zu bytes, more than it can hold",
                len);
    char *at = floe_buf_reserve(out, len);
    if (at == NULL) {
        return floe_buf_check(out, err);
    }
    FLOE_ENSURE(snappy_uncompress(bytes.ptr, bytes.len, at, &len) == SNAPPY_OK, err, FLOE_CORRUPT,
                "the snappy data is damaged or cut off");
    floe_buf_advance(out, len);
    return FLOE_OK;
}
