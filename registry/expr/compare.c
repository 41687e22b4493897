/*
 * Two values of an expression against each other, exactly, whatever their types.
 */
#include "core/time.h"
#include "registry/expr/expr_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int sign_i128(__int128 a, __int128 b) {
    return (a > b) - (a < b);
}

/* NaN equals NaN and is above every number; -0.0 equals 0.0. */
static int compare_real(double a, double b) {
    if (isnan(a) || isnan(b)) {
        return (int)(isnan(a) != 0) - (int)(isnan(b) != 0);
    }
    return (a > b) - (a < b);
}

double floe_expr_decimal_real(__int128 unscaled, uint8_t scale) {
    const __int128 exact = (__int128)1 << 53;
    if (unscaled <= exact && unscaled >= -exact && scale <= 22) {
        return (double)unscaled / (double)floe_power_of_ten(scale); /* Both are exact, so the quotient rounds once. */
    }
    /* Digits and exponent go through strtod, which rounds correctly; without a point no locale plays in. */
    char text[64];
    size_t at = sizeof text - 8;
    snprintf(text + at, 8, "e-%u", scale);
    unsigned __int128 rest = unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    do {
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0);
    double magnitude = strtod(text + at, NULL);
    return unscaled < 0 ? -magnitude : magnitude;
}

double floe_expr_real(const floe_value *value) {
    if (floe_kind_is_integer(value->type.kind)) {
        return (double)value->as.integer;
    }
    return value->type.kind == FLOE_KIND_DECIMAL ? floe_expr_decimal_real(value->as.decimal, value->type.scale)
                                                 : value->as.real;
}

/* Whole part by floor, and the fraction in units of 10^-38: exact for every pair of scales, without overflow. */
static void split_decimal(const floe_value *value, __int128 *ret_whole, __int128 *ret_fraction) {
    bool decimal = value->type.kind == FLOE_KIND_DECIMAL;
    __int128 unscaled = decimal ? value->as.decimal : value->as.integer;
    unsigned scale = decimal ? value->type.scale : 0;
    __int128 unit = floe_power_of_ten(scale);
    __int128 whole = unscaled / unit;
    __int128 fraction = unscaled % unit;
    if (fraction < 0) {
        whole--;
        fraction += unit;
    }
    *ret_whole = whole;
    *ret_fraction = fraction * floe_power_of_ten(38 - scale);
}

static int compare_decimal(const floe_value *a, const floe_value *b) {
    __int128 whole_a = 0;
    __int128 whole_b = 0;
    __int128 fraction_a = 0;
    __int128 fraction_b = 0;
    split_decimal(a, &whole_a, &fraction_a);
    split_decimal(b, &whole_b, &fraction_b);
    return whole_a != whole_b ? sign_i128(whole_a, whole_b) : sign_i128(fraction_a, fraction_b);
}

static __int128 as_micros(const floe_value *value) {
    return value->type.kind == FLOE_KIND_DATE ? (__int128)value->as.integer * FLOE_US_PER_DAY : value->as.integer;
}

static bool is_real(floe_kind kind) {
    return kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
}

int floe_expr_compare(const floe_value *a, const floe_value *b) {
    floe_kind kind = a->type.kind;
    if (is_real(kind) || is_real(b->type.kind)) {
        return compare_real(floe_expr_real(a), floe_expr_real(b));
    }
    if (kind == FLOE_KIND_DECIMAL || b->type.kind == FLOE_KIND_DECIMAL) {
        return compare_decimal(a, b);
    }
    if (floe_kind_is_integer(kind)) {
        return sign_i128(a->as.integer, b->as.integer);
    }
    if (kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP) {
        return sign_i128(as_micros(a), as_micros(b));
    }
    if (kind == FLOE_KIND_BOOL) {
        return (int)a->as.boolean - (int)b->as.boolean;
    }
    return floe_str_compare(a->as.bytes, b->as.bytes);
}
