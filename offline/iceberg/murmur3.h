/*
 * The hash behind Iceberg's bucket transform: MurmurHash3, 32 bits, x86 variant, seed 0.
 * Source: github.com/aappleby/smhasher, MurmurHash3_x86_32; Iceberg table spec, Appendix B, for what is hashed.
 */
#ifndef FLOE_OFFLINE_ICEBERG_MURMUR3_H
#define FLOE_OFFLINE_ICEBERG_MURMUR3_H

#include <stddef.h>
#include <stdint.h>

uint32_t floe_ice_murmur3(const void *bytes, size_t len);
/* Integers of every width, dates and timestamps (µs): as eight bytes, little endian. */
uint32_t floe_ice_murmur3_i64(int64_t value);
/* Decimals: the unscaled value as the fewest bytes of two's complement, big endian. */
uint32_t floe_ice_murmur3_decimal(__int128 unscaled);

/* The fewest bytes of two's complement, big endian, at the start of ret_bytes; returns how many (1…16). */
size_t floe_ice_decimal_bytes(__int128 unscaled, uint8_t ret_bytes[16]);

#endif
