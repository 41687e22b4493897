/* MurmurHash3_x86_32 with seed 0, and the byte forms that Iceberg hashes. See the header. */
#include "offline/iceberg/murmur3.h"

static uint32_t rotate(uint32_t value, unsigned bits) {
    return (value << bits) | (value >> (32 - bits));
}

static uint32_t mix_block(uint32_t block) {
    return rotate(block * UINT32_C(0xcc9e2d51), 15) * UINT32_C(0x1b873593);
}

static uint32_t block_at(const uint8_t *bytes, size_t len) {
    uint32_t block = 0;
    for (size_t i = 0; i < len; i++) {
        block |= (uint32_t)bytes[i] << (8 * i);
    }
    return block;
}

uint32_t floe_ice_murmur3(const void *bytes, size_t len) {
    const uint8_t *at = bytes;
    uint32_t hash = 0;
    size_t left = len;
    for (; left >= 4; left -= 4, at += 4) {
        hash = rotate(hash ^ mix_block(block_at(at, 4)), 13) * 5 + UINT32_C(0xe6546b64);
    }
    if (left > 0) {
        hash ^= mix_block(block_at(at, left));
    }
    hash ^= (uint32_t)len;
    hash = (hash ^ (hash >> 16)) * UINT32_C(0x85ebca6b);
    hash = (hash ^ (hash >> 13)) * UINT32_C(0xc2b2ae35);
    return hash ^ (hash >> 16);
}

uint32_t floe_ice_murmur3_i64(int64_t value) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    }
    return floe_ice_murmur3(bytes, sizeof bytes);
}

size_t floe_ice_decimal_bytes(__int128 unscaled, uint8_t ret_bytes[16]) {
    size_t len = 1;
    while (len < 16 && (unscaled >> (8 * len - 1)) != 0 && (unscaled >> (8 * len - 1)) != -1) {
        len++;
    }
    for (size_t i = 0; i < len; i++) {
        ret_bytes[i] = (uint8_t)(unscaled >> (8 * (len - 1 - i)));
    }
    return len;
}

uint32_t floe_ice_murmur3_decimal(__int128 unscaled) {
    uint8_t bytes[16];
    size_t len = floe_ice_decimal_bytes(unscaled, bytes);
    return floe_ice_murmur3(bytes, len);
}
