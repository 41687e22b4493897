/*
 * LZ4 frames, unpacked. Sizes that a frame claims are never believed: what is written is bounded by the buffer's cap, what is
 * copied by what was written before. Checksums are passed over: the lengths are held against the metadata anyhow.
 */
#include "offline/ipc/ipc_int.h"

#define LZ4_MAGIC UINT32_C(0x184D2204)
#define WHAT "an LZ4 frame"

/* A length whose first part was 15 goes on until a byte is not 255. */
static floe_status read_length(floe_reader *block, size_t first, size_t *ret_len, floe_error *err) {
    size_t len = first;
    uint8_t more = 255;
    while (first == 15 && more == 255) {
        FLOE_TRY(floe_read_u8(block, &more, WHAT, err));
        len += more;
    }
    *ret_len = len;
    return FLOE_OK;
}

/* Copies what was written `distance` bytes ago; it may overlap what it writes. */
static floe_status copy_match(floe_buf *out, size_t base, size_t distance, size_t len, floe_error *err) {
    FLOE_ENSURE(distance > 0 && distance <= out->len - base, err, FLOE_CORRUPT, WHAT " refers to before its beginning");
    char *to = floe_buf_reserve(out, len);
    if (!to) {
        return floe_buf_check(out, err);
    }
    const char *from = to - distance;
    for (size_t i = 0; i < len; i++) {
        to[i] = from[i];
    }
    floe_buf_advance(out, len);
    return FLOE_OK;
}

static floe_status read_block(floe_str bytes, floe_buf *out, size_t base, floe_error *err) {
    floe_reader block = floe_reader_of(bytes.ptr, bytes.len);
    while (floe_reader_left(&block) > 0) {
        uint8_t token;
        uint16_t distance;
        size_t literals, match;
        const uint8_t *text;
        FLOE_TRY(floe_read_u8(&block, &token, WHAT, err));
        FLOE_TRY(read_length(&block, token >> 4, &literals, err));
        FLOE_TRY(floe_read_bytes(&block, literals, &text, WHAT, err));
        floe_buf_append(out, text, literals);
        FLOE_TRY(floe_buf_check(out, err));
        if (floe_reader_left(&block) == 0) {
            return FLOE_OK; /* The last sequence has no match. */
        }
        FLOE_TRY(floe_read_u16(&block, &distance, WHAT, err));
        FLOE_TRY(read_length(&block, token & 15, &match, err));
        FLOE_TRY(copy_match(out, base, distance, match + 4, err));
    }
    return FLOE_OK;
}

static floe_status read_header(floe_reader *reader, bool *ret_blocks_have_sums, floe_error *err) {
    uint32_t magic;
    uint8_t flags, descriptor;
    const uint8_t *skipped;
    FLOE_TRY(floe_read_u32(reader, &magic, WHAT, err));
    FLOE_ENSURE(magic == LZ4_MAGIC, err, FLOE_CORRUPT, WHAT " begins with something else");
    FLOE_TRY(floe_read_u8(reader, &flags, WHAT, err));
    FLOE_TRY(floe_read_u8(reader, &descriptor, WHAT, err));
    FLOE_ENSURE(flags >> 6 == 1, err, FLOE_CORRUPT, WHAT " is of version %u", (unsigned)flags >> 6);
    size_t beside =
        (flags & 8 ? 8u : 0u) + (flags & 1 ? 4u : 0u) + 1u; /* content size, dictionary id, header's checksum */
    FLOE_TRY(floe_read_bytes(reader, beside, &skipped, WHAT, err));
    *ret_blocks_have_sums = (flags & 16) != 0;
    return FLOE_OK;
}

floe_status floe_lz4_decompress(floe_str frame, floe_buf *out, floe_error *err) {
    floe_reader reader = floe_reader_of(frame.ptr, frame.len);
    bool blocks_have_sums = false;
    size_t base = out->len;
    FLOE_TRY(read_header(&reader, &blocks_have_sums, err));
    for (;;) {
        uint32_t head;
        const uint8_t *bytes;
        FLOE_TRY(floe_read_u32(&reader, &head, WHAT, err));
        if (head == 0) {
            return FLOE_OK;
        }
        size_t len = head & UINT32_C(0x7FFFFFFF);
        FLOE_TRY(floe_read_bytes(&reader, len, &bytes, WHAT, err));
        if (head >> 31) {
            floe_buf_append(out, bytes, len);
            FLOE_TRY(floe_buf_check(out, err));
        } else {
            FLOE_TRY(read_block((floe_str){(const char *)bytes, len}, out, base, err));
        }
        FLOE_TRY(blocks_have_sums ? floe_read_bytes(&reader, 4, &bytes, WHAT, err) : FLOE_OK);
    }
}
