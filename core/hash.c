/*
 * Hashes, written from their specifications (see hash.h); both are portable C without tables from elsewhere.
 */
#include "core/hash.h"

#include <string.h>

#define PRIME1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME3 UINT64_C(0x165667B19E3779F9)
#define PRIME4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate_left64(uint64_t value, unsigned bits) {
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t load64_le(const uint8_t *bytes) {
    uint64_t value = 0;
    memcpy(&value, bytes, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint32_t load32_le(const uint8_t *bytes) {
    uint32_t value = 0;
    memcpy(&value, bytes, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

static uint64_t xxh_round(uint64_t lane, uint64_t input) {
    return rotate_left64(lane + input * PRIME2, 31) * PRIME1;
}

static uint64_t xxh_merge(uint64_t hash, uint64_t lane) {
    return (hash ^ xxh_round(0, lane)) * PRIME1 + PRIME4;
}

/* Steps 1 to 3 of the specification: four lanes over stripes of 32 bytes. Moves *at behind the last whole stripe. */
static uint64_t xxh_stripes(const uint8_t *bytes, size_t len, uint64_t seed, size_t *at) {
    uint64_t lanes[4] = {seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1};
    for (; len - *at >= 32; *at += 32) {
        for (size_t i = 0; i < 4; i++) {
            lanes[i] = xxh_round(lanes[i], load64_le(bytes + *at + 8 * i));
        }
    }
    uint64_t hash = rotate_left64(lanes[0], 1) + rotate_left64(lanes[1], 7) + rotate_left64(lanes[2], 12) +
                    rotate_left64(lanes[3], 18);
    for (size_t i = 0; i < 4; i++) {
        hash = xxh_merge(hash, lanes[i]);
    }
    return hash;
}

static uint64_t xxh_avalanche(uint64_t hash) {
    hash = (hash ^ (hash >> 33)) * PRIME2;
    hash = (hash ^ (hash >> 29)) * PRIME3;
    return hash ^ (hash >> 32);
}

uint64_t floe_xxh64(const void *data, size_t len, uint64_t seed) {
    const uint8_t *bytes = data;
    size_t at = 0;
    uint64_t hash = len >= 32 ? xxh_stripes(bytes, len, seed, &at) : seed + PRIME5;
    hash += len;
    for (; len - at >= 8; at += 8) {
        hash = rotate_left64(hash ^ xxh_round(0, load64_le(bytes + at)), 27) * PRIME1 + PRIME4;
    }
    if (len - at >= 4) {
        hash = rotate_left64(hash ^ (load32_le(bytes + at) * PRIME1), 23) * PRIME2 + PRIME3;
        at += 4;
    }
    for (; at < len; at++) {
        hash = rotate_left64(hash ^ (bytes[at] * PRIME5), 11) * PRIME1;
    }
    return xxh_avalanche(hash);
}

static const uint32_t sha_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate_right32(uint32_t value, unsigned bits) {
    return (value >> bits) | (value << (32 - bits));
}

/* FIPS 180-4, 6.2.2 step 1: the message schedule. */
static void sha_schedule(const uint8_t block[64], uint32_t words[64]) {
    for (size_t i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
                   block[4 * i + 3];
    }
    for (size_t i = 16; i < 64; i++) {
        uint32_t w15 = words[i - 15];
        uint32_t w2 = words[i - 2];
        uint32_t sigma0 = rotate_right32(w15, 7) ^ rotate_right32(w15, 18) ^ (w15 >> 3);
        uint32_t sigma1 = rotate_right32(w2, 17) ^ rotate_right32(w2, 19) ^ (w2 >> 10);
        words[i] = words[i - 16] + sigma0 + words[i - 7] + sigma1;
    }
}

/* FIPS 180-4, 6.2.2 steps 2 to 4; v[0…7] are its a…h. */
static void sha_compress(uint32_t state[8], const uint8_t block[64]) {
    uint32_t words[64];
    uint32_t v[8];
    sha_schedule(block, words);
    memcpy(v, state, sizeof(v));
    for (size_t i = 0; i < 64; i++) {
        uint32_t sum1 = rotate_right32(v[4], 6) ^ rotate_right32(v[4], 11) ^ rotate_right32(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t first = v[7] + sum1 + choice + sha_constants[i] + words[i];
        uint32_t sum0 = rotate_right32(v[0], 2) ^ rotate_right32(v[0], 13) ^ rotate_right32(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += first;
        v[0] = first + sum0 + majority;
    }
    for (size_t i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}

void floe_sha256_init(floe_sha256 *hash) {
    *hash = (floe_sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void floe_sha256_update(floe_sha256 *hash, const void *data, size_t len) {
    const uint8_t *bytes = data;
    hash->total_len += len;
    while (len > 0) {
        size_t room = sizeof(hash->block) - hash->block_len;
        size_t part = len < room ? len : room;
        memcpy(hash->block + hash->block_len, bytes, part);
        hash->block_len += part;
        bytes += part;
        len -= part;
        if (hash->block_len == sizeof(hash->block)) {
            sha_compress(hash->state, hash->block);
            hash->block_len = 0;
        }
    }
}

void floe_sha256_final(floe_sha256 *hash, uint8_t ret_digest[32]) {
    static const uint8_t padding[64] = {0x80};
    uint64_t total_bits = hash->total_len * 8;
    size_t padding_len = hash->block_len < 56 ? 56 - hash->block_len : 120 - hash->block_len;
    floe_sha256_update(hash, padding, padding_len);
    uint8_t length_bytes[8];
    for (size_t i = 0; i < 8; i++) {
        length_bytes[i] = (uint8_t)(total_bits >> (56 - 8 * i));
    }
    floe_sha256_update(hash, length_bytes, sizeof(length_bytes));
    for (size_t i = 0; i < 32; i++) {
        ret_digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

void floe_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_digest[32]) {
    uint8_t block[64] = {0};
    uint8_t inner[32];
    floe_sha256 hash;
    if (key_len > sizeof(block)) {
        floe_sha256_init(&hash);
        floe_sha256_update(&hash, key, key_len);
        floe_sha256_final(&hash, block);
    } else if (key_len > 0) {
        memcpy(block, key, key_len);
    }
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] ^= 0x36;
    }
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, block, sizeof(block));
    floe_sha256_update(&hash, bytes, len);
    floe_sha256_final(&hash, inner);
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, block, sizeof(block));
    floe_sha256_update(&hash, inner, sizeof(inner));
    floe_sha256_final(&hash, ret_digest);
}

void floe_sha256_hex(const uint8_t digest[32], char ret_hex[65]) {
    static const char digits[17] = "0123456789abcdef";
    for (size_t i = 0; i < 32; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[64] = '\0';
}
