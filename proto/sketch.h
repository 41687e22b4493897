/*
 * HyperLogLog sketches: how many distinct values there are, approximately, in 4,096 registers. What approx_count_distinct
 * counts with, offline, online and in SQL; the bytes and the estimator stand in FORMATS.md.
 *
 * A sketch of a union is the larger register of two, so sketches of parts can be merged in any order.
 * Units: the standard error is 1.04 / sqrt(4096) = 1.6 %; small numbers are nearly exact.
 * Source: Flajolet et al., "HyperLogLog" (2007); the estimator is O. Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches" (2017), algorithm 6, which needs neither bias tables nor a switch between regimes.
 * Thread: none shared.
 */
#ifndef FLOE_PROTO_SKETCH_H
#define FLOE_PROTO_SKETCH_H

#include "core/value.h"

#define FLOE_SKETCH_REGISTERS 4096
#define FLOE_SKETCH_RANK_MAX 53 /* 52 zero bits after the register's number, and one */

typedef struct floe_sketch {
    uint8_t registers[FLOE_SKETCH_REGISTERS]; /* the largest rank seen; 0: none */
} floe_sketch;

/* XXH64 (seed 0) of a scalar's bytes as a feature row holds them; -0.0 counts as 0.0 and every NaN as one. The value must
 * not be null nor a list. */
uint64_t floe_sketch_hash(const floe_value *value);

/* The register of a hash: its top 12 bits. */
static inline uint32_t floe_sketch_register(uint64_t hash) {
    return (uint32_t)(hash >> 52);
}

/* Its rank: the number of the first one bit among the other 52, counted from 1; 53 where there is none. */
static inline uint32_t floe_sketch_rank(uint64_t hash) {
    return (uint32_t)__builtin_clzll((hash << 12) | UINT64_C(0x800)) + 1;
}

void floe_sketch_add(floe_sketch *sketch, uint64_t hash);
void floe_sketch_merge(floe_sketch *into, const floe_sketch *from);
int64_t floe_sketch_count(const floe_sketch *sketch);

/* The estimate from how many registers have each rank; counts sum up to FLOE_SKETCH_REGISTERS. */
int64_t floe_sketch_estimate(const uint32_t counts[FLOE_SKETCH_RANK_MAX + 1]);

#endif
