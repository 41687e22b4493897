/*
 * An exact sum: a fixed-point number wide enough for any double and the square of any double, so that adding and taking
 * away again leaves nothing behind, and reading rounds once (to nearest, ties to even).
 *
 * Shape: 32-bit digits in 64-bit signed limbs; carries are resolved only every 2^30 additions and on reading.
 * Source: R. M. Neal, "Fast exact summation using small and large superaccumulators" (2015), the small one, widened.
 * Thread: none shared.
 */
#ifndef FLOE_OFFLINE_PIT_EXACT_WIDE_H
#define FLOE_OFFLINE_PIT_EXACT_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#define FLOE_WIDE_LIMBS 138     /* 32-bit digits: 2^-2148 … 2^2268 */
#define FLOE_WIDE_EXPONENT 2148 /* digit 0 counts units of 2^-2148 */

typedef struct floe_wide {
    int64_t limbs[FLOE_WIDE_LIMBS];
    int low, high;    /* limbs outside [low, high] are zero; low > high: the value is zero */
    uint32_t pending; /* additions since carries were resolved */
} floe_wide;

void floe_wide_reset(floe_wide *wide);

/* Adds (negative: takes away) magnitude * 2^exponent. -2148 <= exponent <= 2100. */
void floe_wide_add(floe_wide *wide, unsigned __int128 magnitude, int exponent, bool negative);

/* Adds a finite double, or its exact square. */
void floe_wide_add_double(floe_wide *wide, double value, bool negative);
void floe_wide_add_square(floe_wide *wide, double value, bool negative);
void floe_wide_add_int(floe_wide *wide, __int128 value, bool negative);
void floe_wide_add_int_square(floe_wide *wide, __int128 value, bool negative);

/* Adds another wide number. */
void floe_wide_merge(floe_wide *wide, const floe_wide *other);

/* The value rounded once to double; ±infinity when it is too large. */
double floe_wide_value(const floe_wide *wide);

/* sum / (n * 10^scale), rounded once; n > 0, scale <= 38. */
double floe_wide_quotient(const floe_wide *sum, int64_t n, unsigned scale);

/* The same of a sum that 128 bits hold. */
double floe_int_quotient(__int128 sum, int64_t n, unsigned scale);

/* n * square_sum - sum * sum, formed exactly and rounded once: the numerator of a variance. Never negative. The value is
 * result * 2^*ret_exponent, the exponent even: squares of doubles do not fit a double. */
double floe_wide_spread(const floe_wide *square_sum, const floe_wide *sum, int64_t n, int *ret_exponent);

#endif
