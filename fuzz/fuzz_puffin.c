/*
 * Deletion vectors anywhere in any file: the first 16 bytes say offset and length, as a manifest would; the rest is the
 * file. What is decoded must be a set that counts and answers alike; what is not must be refused as damage.
 */
#include "core/limits.h"
#include "offline/iceberg/deletion_vector.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_set(const floe_positions *set) {
    uint64_t count = 0;
    for (size_t i = 0; i < set->block_count; i++) {
        const floe_position_block *block = &set->blocks[i];
        FLOE_ASSERT(i == 0 || block->key > set->blocks[i - 1].key);
        FLOE_ASSERT(block->count > 0 && block->count <= FLOE_POSITION_BLOCK);
        uint64_t found = 0;
        size_t hint = i;
        for (uint64_t at = 0; at < FLOE_POSITION_BLOCK; at++) {
            found += floe_positions_has(set, block->key * FLOE_POSITION_BLOCK + at, &hint) ? 1 : 0;
        }
        FLOE_ASSERT(found == block->count);
        count += found;
    }
    FLOE_ASSERT(count == set->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    floe_str blob = {0};
    floe_positions set = {0};
    int64_t place[2] = {0, 0};
    if (len < sizeof(place)) {
        return 0;
    }
    memcpy(place, bytes, sizeof(place));
    floe_str file = {(const char *)bytes + sizeof(place), len - sizeof(place)};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_status status = floe_deletion_vector_slice(file, place[0], place[1], &blob, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_CORRUPT);
    if (floe_failed(status)) {
        return 0;
    }
    status = floe_deletion_vector_decode(blob, &arena, &set, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_CORRUPT || status.code == FLOE_LIMIT);
    FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
    if (!floe_failed(status) && set.block_count <= 64) {
        check_set(&set);
    }
    return 0;
}
