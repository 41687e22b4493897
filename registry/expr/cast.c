/*
 * cast(x AS type): null where the value does not fit. Numbers are rounded half away from zero where digits are cut.
 */
#include "core/limits.h"
#include "core/time.h"
#include "registry/expr/expr_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_time(floe_kind kind) {
    return kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP;
}

bool floe_expr_castable(floe_type from, floe_type to) {
    bool scalar = to.kind != FLOE_KIND_NONE && to.kind != FLOE_KIND_LIST;
    if (from.kind == FLOE_KIND_NONE || (scalar && floe_type_equal(from, to))) {
        return scalar;
    }
    if (from.kind == FLOE_KIND_LIST || from.kind == FLOE_KIND_BYTES || to.kind == FLOE_KIND_BYTES || !scalar) {
        return false;
    }
    if (from.kind == FLOE_KIND_STRING || to.kind == FLOE_KIND_STRING) {
        return true;
    }
    bool from_number = floe_kind_is_number(from.kind) || from.kind == FLOE_KIND_BOOL;
    return (from_number && floe_kind_is_number(to.kind)) || (is_time(from.kind) && is_time(to.kind));
}

/* ---- to text and from it ---- */

static floe_value to_text(const floe_value *value, floe_arena *scratch) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(4));
    floe_value_print(value, &text);
    floe_str copy = scratch != NULL ? floe_arena_str(scratch, floe_buf_view(&text)) : (floe_str){NULL, 0};
    floe_value result = floe_value_string(copy);
    result.is_null = text.failed || copy.ptr == NULL;
    return result;
}

static floe_value from_text(floe_str text, floe_type type) {
    floe_value value = floe_value_null(type);
    floe_error ignored = {0};
    if (floe_failed(floe_value_parse(text, type, NULL, &value, &ignored))) {
        return floe_value_null(type);
    }
    return value;
}

/* ---- numbers ---- */

static floe_value whole_or_null(__int128 whole, floe_type type) {
    __int128 low = type.kind == FLOE_KIND_INT32 ? INT32_MIN : INT64_MIN;
    __int128 high = type.kind == FLOE_KIND_INT32 ? INT32_MAX : INT64_MAX;
    return (floe_value){.type = type, .is_null = whole < low || whole > high, .as.integer = (int64_t)whole};
}

static floe_value to_whole(const floe_value *value, floe_type type) {
    if (value->type.kind == FLOE_KIND_DECIMAL) {
        __int128 whole = 0;
        bool fits = floe_expr_rescale(value->as.decimal, value->type.scale, 0, &whole);
        return fits ? whole_or_null(whole, type) : floe_value_null(type);
    }
    if (floe_kind_is_integer(value->type.kind)) {
        return whole_or_null(value->as.integer, type);
    }
    double real = round(value->as.real);
    bool fits = real >= -0x1p63 && real < 0x1p63; /* NaN is neither. */
    return fits ? whole_or_null((int64_t)real, type) : floe_value_null(type);
}

/* The digits of a finite double up to `scale` after the point, rounded half away from zero. printf writes all of a
 * double's digits exactly when it is asked for enough of them, and the digit after the last decides. */
static bool decimal_of_real(double real, unsigned scale, __int128 *ret_unscaled) {
    char text[64 + 1100];
    __int128 limit = 1;
    if (fabs(real) >= 1e38) {
        return false;
    }
    for (int i = 0; i < 38; i++) {
        limit *= 10;
    }
    snprintf(text, sizeof text, "%.1080f", fabs(real));
    __int128 unscaled = 0;
    unsigned after = 0;
    bool point = false;
    const char *at = text;
    for (; *at != '\0' && !(point && after == scale); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        if (unscaled >= limit / 10) {
            return false;
        }
        unscaled = unscaled * 10 + (*at - '0');
        after += point;
    }
    at += *at == '.';
    unscaled += *at >= '5' && *at <= '9';
    *ret_unscaled = real < 0 ? -unscaled : unscaled;
    return true;
}

static floe_value to_decimal(const floe_value *value, floe_type type) {
    __int128 unscaled = 0, limit = 1;
    bool fits;
    if (value->type.kind == FLOE_KIND_FLOAT || value->type.kind == FLOE_KIND_DOUBLE) {
        fits = isfinite(value->as.real) && decimal_of_real(value->as.real, type.scale, &unscaled);
    } else {
        bool decimal = value->type.kind == FLOE_KIND_DECIMAL;
        fits = floe_expr_rescale(decimal ? value->as.decimal : value->as.integer, decimal ? value->type.scale : 0,
                                 type.scale, &unscaled);
    }
    for (unsigned i = 0; i < type.precision; i++) {
        limit *= 10;
    }
    fits = fits && unscaled < limit && unscaled > -limit;
    return (floe_value){.type = type, .is_null = !fits, .as.decimal = unscaled};
}

static floe_value to_real(const floe_value *value, floe_type type) {
    double real = floe_expr_real(value);
    double cut = type.kind == FLOE_KIND_FLOAT ? (double)(float)real : real;
    return (floe_value){.type = type, .is_null = isfinite(real) && !isfinite(cut), .as.real = cut};
}

static floe_value to_date(const floe_value *value, floe_type type) {
    int64_t days = value->as.integer / FLOE_US_PER_DAY - (value->as.integer % FLOE_US_PER_DAY < 0);
    return (floe_value){.type = type, .as.integer = days};
}

floe_value floe_expr_cast(const floe_value *value, floe_type type, floe_arena *scratch) {
    floe_value number = *value;
    if (value->is_null || floe_type_equal(value->type, type)) {
        number.type = type;
        return number;
    }
    if (value->type.kind == FLOE_KIND_STRING) {
        return from_text(value->as.bytes, type);
    }
    if (value->type.kind == FLOE_KIND_BOOL) {
        number = floe_value_int64(value->as.boolean);
    }
    switch (type.kind) {
    case FLOE_KIND_STRING:
        return to_text(value, scratch);
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        return to_whole(&number, type);
    case FLOE_KIND_DECIMAL:
        return to_decimal(&number, type);
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return to_real(&number, type);
    case FLOE_KIND_DATE:
        return to_date(value, type);
    default:
        return floe_expr_to_common(value, type);
    }
}
