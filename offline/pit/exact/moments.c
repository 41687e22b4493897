/*
 * Sums and squares of values that come and go, exactly: what sum, mean, variance and stddev are read from.
 *
 * Small integers are summed in 128 bits, everything else in wide numbers. Invariant: every quantity depends on the values
 * that are in alone, not on their order nor on what was in before.
 */
#include "offline/pit/exact/moments.h"

#include "core/mem.h"

#include <math.h>

static floe_status open_wide(floe_wide **wide, floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**wide), wide, err));
    (*wide)->low = FLOE_WIDE_LIMBS;
    (*wide)->high = -1;
    return FLOE_OK;
}

floe_status floe_moments_want(floe_moments *moments, floe_type type, bool squares, floe_error *err) {
    moments->type = type;
    if (!moments->wide) {
        FLOE_TRY(open_wide(&moments->wide, err));
    }
    if (squares && !moments->wide_squares) {
        FLOE_TRY(open_wide(&moments->wide_squares, err));
    }
    return FLOE_OK;
}

void floe_moments_reset(floe_moments *moments) {
    moments->count = 0;
    moments->exponent = 0;
    moments->whole = moments->high = moments->square_sum = 0;
    moments->low = 0;
    moments->wide_count = moments->nan_count = moments->inf_count = moments->negative_inf_count = 0;
    if (moments->wide) {
        floe_wide_reset(moments->wide);
    }
    if (moments->wide_squares) {
        floe_wide_reset(moments->wide_squares);
    }
}

void floe_moments_of(floe_moments *moments, int64_t count, __int128 total, int exponent, __int128 square_sum) {
    bool decimal = moments->type.kind == FLOE_KIND_DECIMAL;
    moments->count = count;
    moments->exponent = exponent;
    moments->whole = decimal ? 0 : total;
    moments->high = decimal ? total >> 64 : 0;
    moments->low = decimal ? (uint64_t)total : 0;
    moments->square_sum = square_sum;
    moments->wide_count = moments->nan_count = moments->inf_count = moments->negative_inf_count = 0;
}

void floe_moments_close(floe_moments *moments) {
    floe_free(moments->wide);
    floe_free(moments->wide_squares);
    moments->wide = moments->wide_squares = NULL;
}

/* ---- values in and out ---- */

void floe_moments_large_square(floe_moments *moments, __int128 value, bool take) {
    floe_wide_add_int_square(moments->wide_squares, value, take);
    moments->wide_count += take ? -1 : 1;
}

void floe_moments_decimal(floe_moments *moments, __int128 value, bool take) {
    __int128 high = value >> 64;
    uint64_t low = (uint64_t)value;
    moments->count += take ? -1 : 1;
    moments->high += take ? -high : high;
    moments->low += take ? -(unsigned __int128)low : (unsigned __int128)low;
    if (moments->wide_squares) {
        floe_moments_square(moments, value, take);
    }
}

void floe_moments_odd_real(floe_moments *moments, double value, bool take) {
    int64_t step = take ? -1 : 1;
    moments->count += step;
    if (isnan(value)) {
        moments->nan_count += step;
    } else if (isinf(value)) {
        *(value > 0 ? &moments->inf_count : &moments->negative_inf_count) += step;
    } else {
        floe_wide_add_double(moments->wide, value, take);
        if (moments->wide_squares) {
            floe_wide_add_square(moments->wide_squares, value, take);
        }
        moments->wide_count += step;
    }
}

/* ---- what is in ---- */

/* The total of what is whole; false when it leaves int128. */
bool floe_moments_total(const floe_moments *moments, __int128 *ret_total) {
    if (moments->type.kind != FLOE_KIND_DECIMAL) {
        *ret_total = moments->whole;
        return true;
    }
    __int128 high = moments->high + (__int128)(moments->low >> 64);
    if (high > INT64_MAX || high < INT64_MIN) {
        return false;
    }
    *ret_total = (__int128)(((unsigned __int128)high << 64) | (uint64_t)moments->low);
    return true;
}

/* Everything finite that is in the window, as a wide number. */
static void wide_total(const floe_moments *moments, floe_wide *total) {
    *total = *moments->wide;
    floe_wide_add_int(total, moments->whole, false);
    floe_wide_add(total, moments->low, 0, false);
    __int128 high = moments->high;
    floe_wide_add(total, (unsigned __int128)(high < 0 ? -high : high), 64, high < 0);
}

static double power_of_ten(unsigned exponent) {
    double power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

static unsigned scale_of(const floe_moments *moments) {
    return moments->type.kind == FLOE_KIND_DECIMAL ? moments->type.scale : 0;
}

static bool is_real(const floe_moments *moments) {
    return moments->type.kind == FLOE_KIND_FLOAT || moments->type.kind == FLOE_KIND_DOUBLE;
}

/* Of whole numbers and decimals: their exact sum over n. */
static double exact_over(const floe_moments *moments, int64_t n) {
    __int128 total;
    if (floe_moments_total(moments, &total)) {
        return floe_int_quotient(total, n, scale_of(moments));
    }
    floe_wide wide;
    wide_total(moments, &wide);
    return floe_wide_quotient(&wide, n, scale_of(moments));
}

double floe_moments_sum(const floe_moments *moments) {
    if (!is_real(moments)) {
        return exact_over(moments, 1);
    }
    if (moments->nan_count > 0 || (moments->inf_count > 0 && moments->negative_inf_count > 0)) {
        return NAN;
    }
    if (moments->inf_count > 0 || moments->negative_inf_count > 0) {
        return moments->inf_count > 0 ? INFINITY : -INFINITY;
    }
    if (moments->wide_count == 0) {
        /* Rounded once: whatever is too small for all its bits is exact already, for a double's lowest bit is counted. */
        double whole = (double)moments->whole;
        return moments->exponent == 0 ? whole : ldexp(whole, moments->exponent);
    }
    floe_wide wide;
    wide_total(moments, &wide);
    return floe_wide_value(&wide);
}

double floe_moments_mean(const floe_moments *moments) {
    return is_real(moments) ? floe_moments_sum(moments) / (double)moments->count : exact_over(moments, moments->count);
}

/* n * square_sum - sum^2 of what is in, times 2^*ret_exponent; what decimals are scaled by is still in it. */
static double spread_of(const floe_moments *moments, int *ret_exponent) {
    __int128 total;
    *ret_exponent = 0;
    if (moments->wide_count == 0 && floe_moments_total(moments, &total)) {
        return (double)((__int128)moments->count * moments->square_sum - total * total);
    }
    floe_wide sum, squares = *moments->wide_squares;
    wide_total(moments, &sum);
    floe_wide_add_int(&squares, moments->square_sum, false);
    return floe_wide_spread(&squares, &sum, moments->count, ret_exponent);
}

double floe_moments_variance(const floe_moments *moments, bool population, bool root) {
    if (moments->nan_count + moments->inf_count + moments->negative_inf_count > 0) {
        return NAN;
    }
    int exponent;
    double spread = spread_of(moments, &exponent);
    double n = (double)moments->count;
    double unit = power_of_ten(scale_of(moments));
    double variance = spread / ((population ? n * n : n * (n - 1)) * unit * unit); /* The divisor is mostly exact. */
    return root ? ldexp(sqrt(variance), exponent / 2) : ldexp(variance, exponent);
}

/* Between a and b, neither of them the answer itself; exact ends where they are equal, IEEE where they are not finite. */
double floe_pit_between(double a, double b, double part) {
    if (part == 0 || a == b) {
        return a == 0 ? 0 : a;
    }
    double step = b - a;
    return isfinite(step) ? a + step * part : a * (1 - part) + b * part;
}
