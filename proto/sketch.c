/*
 * HyperLogLog sketches.
 */
#include "proto/sketch.h"

#include "core/hash.h"

#include <math.h>

#define ALPHA 0.7213475204444817 /* 1 / (2 ln 2) */

static size_t put_bits(unsigned __int128 bits, size_t len, uint8_t *bytes) {
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    return len;
}

static size_t put_real(double real, bool narrow, uint8_t *bytes) {
    uint64_t wide_bits = 0;
    uint32_t narrow_bits = 0;
    real = isnan(real) ? NAN : real == 0 ? 0.0 : real;
    float small = (float)real;
    memcpy(&wide_bits, &real, sizeof(wide_bits));
    memcpy(&narrow_bits, &small, sizeof(narrow_bits));
    return narrow ? put_bits(narrow_bits, 4, bytes) : put_bits(wide_bits, 8, bytes);
}

/* The fixed-width bytes of a value; its kind is known to have them. */
static size_t put_fixed(const floe_value *value, uint8_t *bytes) {
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        return put_bits(value->as.boolean, 1, bytes);
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        return put_bits((uint32_t)(int32_t)value->as.integer, 4, bytes);
    case FLOE_KIND_FLOAT:
        return put_real(value->as.real, true, bytes);
    case FLOE_KIND_DOUBLE:
        return put_real(value->as.real, false, bytes);
    case FLOE_KIND_DECIMAL:
        return put_bits((unsigned __int128)value->as.decimal, 16, bytes);
    default:
        return put_bits((uint64_t)value->as.integer, 8, bytes);
    }
}

uint64_t floe_sketch_hash(const floe_value *value) {
    uint8_t bytes[16];
    if (value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES) {
        return floe_xxh64(value->as.bytes.ptr, value->as.bytes.len, 0);
    }
    return floe_xxh64(bytes, put_fixed(value, bytes), 0);
}

void floe_sketch_add(floe_sketch *sketch, uint64_t hash) {
    uint8_t *slot = &sketch->registers[floe_sketch_register(hash)];
    uint32_t rank = floe_sketch_rank(hash);
    *slot = rank > *slot ? (uint8_t)rank : *slot;
}

void floe_sketch_merge(floe_sketch *into, const floe_sketch *from) {
    for (size_t i = 0; i < FLOE_SKETCH_REGISTERS; i++) {
        into->registers[i] = from->registers[i] > into->registers[i] ? from->registers[i] : into->registers[i];
    }
}

int64_t floe_sketch_count(const floe_sketch *sketch) {
    uint32_t counts[FLOE_SKETCH_RANK_MAX + 1] = {0};
    for (size_t i = 0; i < FLOE_SKETCH_REGISTERS; i++) {
        counts[sketch->registers[i]]++;
    }
    return floe_sketch_estimate(counts);
}

/* x + sum of x^(2^k) * 2^(k-1): what the empty registers tell; infinite when all are empty. */
static double sigma(double x) {
    double power = 1, sum = x, before;
    if (x == 1) {
        return INFINITY;
    }
    do {
        x *= x;
        before = sum;
        sum += x * power;
        power += power;
    } while (sum != before);
    return sum;
}

/* (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k) / 3: what the full registers tell. */
static double tau(double x) {
    double power = 1, sum = 1 - x, before;
    if (x == 0 || x == 1) {
        return 0;
    }
    do {
        x = sqrt(x);
        before = sum;
        power *= 0.5;
        sum -= (1 - x) * (1 - x) * power;
    } while (sum != before);
    return sum / 3;
}

int64_t floe_sketch_estimate(const uint32_t counts[FLOE_SKETCH_RANK_MAX + 1]) {
    const double m = FLOE_SKETCH_REGISTERS;
    double z = m * tau(1 - counts[FLOE_SKETCH_RANK_MAX] / m);
    for (int rank = FLOE_SKETCH_RANK_MAX - 1; rank >= 1; rank--) {
        z = 0.5 * (z + counts[rank]);
    }
    z += m * sigma(counts[0] / m);
    double estimate = ALPHA * m * m / z;
    return estimate < 0x1p62 ? llround(estimate) : INT64_C(1) << 62;
}
