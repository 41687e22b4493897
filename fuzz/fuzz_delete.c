/*
 * The bitmaps of a deletion vector: the input is what lies between magic and checksum, and gets a right frame, so that
 * the decoder of bitmaps is reached by every input.
 */
#include "core/buf.h"
#include "core/limits.h"
#include "offline/iceberg/codec.h"
#include "offline/iceberg/deletion_vector.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void put_big(floe_buf *out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        floe_buf_byte(out, (uint8_t)(value >> shift));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF blob = {0};
    floe_error err = {0};
    floe_positions set = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&blob, FLOE_MIB(64));
    put_big(&blob, (uint32_t)len + 4);
    floe_buf_append(&blob, "\xD1\xD3\x39\x64", 4);
    floe_buf_append(&blob, bytes, len);
    put_big(&blob, floe_crc32((floe_str){blob.ptr + 4, blob.len - 4}));
    floe_status status = floe_deletion_vector_decode(floe_buf_view(&blob), &arena, &set, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_CORRUPT || status.code == FLOE_LIMIT);
    FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
    uint64_t count = 0;
    for (size_t i = 0; i < set.block_count; i++) {
        FLOE_ASSERT(i == 0 || set.blocks[i].key > set.blocks[i - 1].key);
        FLOE_ASSERT(set.blocks[i].key <= INT64_MAX / FLOE_POSITION_BLOCK);
        count += set.blocks[i].count;
    }
    FLOE_ASSERT(count == set.count);
    return 0;
}
