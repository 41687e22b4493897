/*
 * Deflate and gzip through zlib; the only file that includes it.
 *
 * Both directions work in steps of a fixed size into the caller's buffer, so that its cap bounds the memory, not a
 * length that the data claims.
 */
#include "offline/iceberg/codec.h"

#include "core/mem.h"

#include <limits.h>
#include <zlib.h>

enum { RAW_WINDOW = -MAX_WBITS, GZIP_WINDOW = MAX_WBITS + 16, STEP_BYTES = 65536 };

static voidpf zlib_alloc(voidpf opaque, uInt items, uInt item_len) {
    (void)opaque;
    void *memory = NULL;
    floe_error ignored = {0};
    return floe_failed(floe_alloc(items, item_len, &memory, &ignored)) ? Z_NULL : memory;
}

static void zlib_free(voidpf opaque, voidpf memory) {
    (void)opaque;
    floe_free(memory);
}

static z_stream stream_of(floe_str bytes) {
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_free};
    stream.next_in = (Bytef *)(uintptr_t)bytes.ptr; /* zlib takes no const; it does not write its input. */
    stream.avail_in = (uInt)bytes.len;
    return stream;
}

static floe_status check_len(floe_str bytes, floe_error *err) {
    FLOE_ENSURE(bytes.len < UINT_MAX, err, FLOE_LIMIT, "compressed data of %zu bytes is too long", bytes.len);
    return FLOE_OK;
}

/* Points the stream's output at fresh room in `out`. */
static floe_status give_room(z_stream *stream, floe_buf *out, size_t *ret_room, floe_error *err) {
    size_t left = out->cap - out->len;
    size_t room = left < STEP_BYTES ? left : STEP_BYTES;
    if (room == 0) {
        return FLOE_FAIL(err, FLOE_LIMIT, "decompressed data is larger than %zu bytes", out->cap);
    }
    char *at = floe_buf_reserve(out, room);
    if (at == NULL) {
        return floe_buf_check(out, err);
    }
    stream->next_out = (Bytef *)at;
    stream->avail_out = (uInt)room;
    *ret_room = room;
    return FLOE_OK;
}

static floe_status inflate_failed(int code, floe_error *err) {
    return code == Z_MEM_ERROR ? FLOE_FAIL(err, FLOE_NOMEM, "out of memory while decompressing")
                               : FLOE_FAIL(err, FLOE_CORRUPT, "the compressed data is damaged or cut off");
}

/* Runs one member of `stream` to its end. */
static floe_status inflate_member(z_stream *stream, floe_buf *out, floe_error *err) {
    int code = Z_OK;
    while (code != Z_STREAM_END) {
        /* A full buffer may still lack the end marker: one byte of scratch tells an end from too much. */
        uint8_t scratch = 0;
        size_t room = 0;
        bool full = out->len == out->cap;
        if (full) {
            stream->next_out = &scratch;
            stream->avail_out = 1;
        } else {
            FLOE_TRY(give_room(stream, out, &room, err));
        }
        code = inflate(stream, Z_NO_FLUSH);
        FLOE_ENSURE(!full || stream->avail_out == 1, err, FLOE_LIMIT, "decompressed data is larger than %zu bytes",
                    out->cap);
        if (!full) {
            floe_buf_advance(out, room - stream->avail_out);
        }
        bool stuck = code == Z_BUF_ERROR || (code == Z_OK && stream->avail_in == 0 && stream->avail_out != 0);
        if ((code != Z_OK && code != Z_STREAM_END) || stuck) {
            return inflate_failed(code, err);
        }
    }
    return FLOE_OK;
}

floe_status floe_inflate_raw(floe_str bytes, floe_buf *out, floe_error *err) {
    FLOE_TRY(check_len(bytes, err));
    z_stream stream = stream_of(bytes);
    if (inflateInit2(&stream, RAW_WINDOW) != Z_OK) {
        return FLOE_FAIL(err, FLOE_NOMEM, "out of memory while decompressing");
    }
    floe_status status = inflate_member(&stream, out, err);
    (void)inflateEnd(&stream);
    return status;
}

floe_status floe_inflate_gzip(floe_str bytes, floe_buf *out, floe_error *err) {
    FLOE_TRY(check_len(bytes, err));
    z_stream stream = stream_of(bytes);
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        return FLOE_FAIL(err, FLOE_NOMEM, "out of memory while decompressing");
    }
    floe_status status = inflate_member(&stream, out, err);
    while (!floe_failed(status) && stream.avail_in > 0) {
        status = inflateReset(&stream) == Z_OK ? inflate_member(&stream, out, err) : inflate_failed(Z_DATA_ERROR, err);
    }
    (void)inflateEnd(&stream);
    return status;
}

static floe_status deflate_all(floe_str bytes, int level, int window, floe_buf *out, floe_error *err) {
    FLOE_TRY(check_len(bytes, err));
    z_stream stream = stream_of(bytes);
    if (deflateInit2(&stream, level, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return FLOE_FAIL(err, FLOE_NOMEM, "out of memory while compressing");
    }
    int code = Z_OK;
    floe_status status = FLOE_OK;
    while (code == Z_OK && !floe_failed(status)) {
        size_t room = 0;
        status = give_room(&stream, out, &room, err);
        if (!floe_failed(status)) {
            code = deflate(&stream, Z_FINISH);
            floe_buf_advance(out, room - stream.avail_out);
        }
    }
    (void)deflateEnd(&stream);
    return status;
}

floe_status floe_deflate_raw(floe_str bytes, int level, floe_buf *out, floe_error *err) {
    return deflate_all(bytes, level, RAW_WINDOW, out, err);
}

floe_status floe_deflate_gzip(floe_str bytes, int level, floe_buf *out, floe_error *err) {
    return deflate_all(bytes, level, GZIP_WINDOW, out, err);
}

uint32_t floe_crc32(floe_str bytes) {
    return (uint32_t)crc32_z(0, (const Bytef *)bytes.ptr, bytes.len);
}
