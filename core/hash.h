/*
 * Hashes: XXH64 for content and feature values, SHA-256 for content addresses, CRC-32C not needed yet.
 * Source: XXH64 as specified at github.com/Cyan4973/xxHash (doc/xxhash_spec.md); SHA-256 by FIPS 180-4.
 */
#ifndef FLOE_CORE_HASH_H
#define FLOE_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t floe_xxh64(const void *bytes, size_t len, uint64_t seed);

typedef struct floe_sha256 {
    uint32_t state[8];
    uint64_t total_len;
    uint8_t block[64];
    size_t block_len;
} floe_sha256;

void floe_sha256_init(floe_sha256 *hash);
void floe_sha256_update(floe_sha256 *hash, const void *bytes, size_t len);
void floe_sha256_final(floe_sha256 *hash, uint8_t ret_digest[32]);
/* Keyed digest. Source: RFC 2104 over SHA-256. */
void floe_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t ret_digest[32]);
/* Lower-case hex of the digest, NUL-terminated. */
void floe_sha256_hex(const uint8_t digest[32], char ret_hex[65]);

#endif
