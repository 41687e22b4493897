/*
 * Sums and squares of values that come and go, exactly. Shared by the kernel's windows and by the aggregates that floe adds
 * to the SQL engine, so that both round alike: once, from the exact sums.
 * Thread: none shared.
 */
#ifndef FLOE_OFFLINE_PIT_EXACT_MOMENTS_H
#define FLOE_OFFLINE_PIT_EXACT_MOMENTS_H

#include "core/value.h"
#include "offline/pit/exact/wide.h"

#include <math.h>

typedef struct floe_moments {
    floe_type type; /* of the values */
    int64_t count;  /* values that are in */
    /* Integers (and floats that are small integers): whole, and for decimals high * 2^64 + low. */
    __int128 whole;
    int exponent; /* whole counts 2^exponent; 0 but for floats from floe_moments_of */
    __int128 high;
    unsigned __int128 low;
    __int128 square_sum; /* of small numbers */
    /* Everything else. */
    floe_wide *wide, *wide_squares; /* NULL: not wanted */
    int64_t wide_count;
    int64_t nan_count, inf_count, negative_inf_count;
} floe_moments;

/* Before any value: what will be asked. Zeroed memory is an empty floe_moments. Errors: NOMEM. */
floe_status floe_moments_want(floe_moments *moments, floe_type type, bool squares, floe_error *err);
void floe_moments_reset(floe_moments *moments);
void floe_moments_close(floe_moments *moments);
/* As if `count` values had been added whose sum is total * 2^exponent (0 but for floats), of decimals the unscaled total, and
 * whose squares, where they are asked for, add up to square_sum (then the exponent is 0). */
void floe_moments_of(floe_moments *moments, int64_t count, __int128 total, int exponent, __int128 square_sum);

/* ---- one value in, or one that is in out again; the common cases in place, because a window does this for every row ---- */

#define FLOE_MOMENTS_SMALL                                                                                             \
    (INT64_C(1) << 31) /* squares of smaller numbers, 2^32 of them and times 2^32, fit 127 bits */

void floe_moments_large_square(floe_moments *moments, __int128 value, bool take);
void floe_moments_odd_real(floe_moments *moments, double value, bool take);

static inline void floe_moments_square(floe_moments *moments, __int128 value, bool take) {
    if (value < FLOE_MOMENTS_SMALL && value > -FLOE_MOMENTS_SMALL) {
        int64_t square = (int64_t)value * (int64_t)value;
        moments->square_sum += take ? -square : square;
    } else {
        floe_moments_large_square(moments, value, take);
    }
}

static inline void floe_moments_whole(floe_moments *moments, int64_t value, bool take) {
    moments->count += take ? -1 : 1;
    moments->whole += take ? -(__int128)value : (__int128)value;
    if (moments->wide_squares) {
        floe_moments_square(moments, value, take);
    }
}

static inline void floe_moments_real(floe_moments *moments, double value, bool take) {
    if (fabs(value) < (double)FLOE_MOMENTS_SMALL && value == (double)(int64_t)value) {
        floe_moments_whole(moments, (int64_t)value, take);
    } else {
        floe_moments_odd_real(moments, value, take);
    }
}

void floe_moments_decimal(floe_moments *moments, __int128 value, bool take);

/* The total of integers or of unscaled decimals; false when it leaves int128. */
bool floe_moments_total(const floe_moments *moments, __int128 *ret_total);
/* The sum rounded once; IEEE where something is not finite. */
double floe_moments_sum(const floe_moments *moments);
/* Of whole numbers and decimals: the exact sum over the count, rounded once. Of floats: their sum, rounded once, over the count. */
double floe_moments_mean(const floe_moments *moments);
/* Variance, or its root, over n - 1 or over n (population); NaN where something is not finite. Needs squares, and two
 * values (population: one). */
double floe_moments_variance(const floe_moments *moments, bool population, bool root);

/* Between a and b by linear interpolation; `part` 0: a. */
double floe_pit_between(double a, double b, double part);

#endif
