/*
 * Arithmetic of expressions, and values brought to a common type.
 *
 * Integers compute in int64, mixed with decimals exactly in 128 bits, with floats in double. What leaves int64 or 38
 * digits is null, and so is a double that is not finite although all arguments are.
 */
#include "core/time.h"
#include "registry/expr/expr_int.h"

#include <math.h>

#define DIGITS_MAX 38

static __int128 digits_limit(void) {
    __int128 limit = 1;
    for (int i = 0; i < DIGITS_MAX; i++) {
        limit *= 10;
    }
    return limit;
}

static bool fits_digits(__int128 unscaled) {
    __int128 limit = digits_limit();
    return unscaled < limit && unscaled > -limit;
}

bool floe_expr_rescale(__int128 unscaled, unsigned from, unsigned to, __int128 *ret_unscaled) {
    for (; from < to; from++) {
        if (!fits_digits(unscaled)) {
            return false;
        }
        if (unscaled > digits_limit() / 10 || unscaled < -(digits_limit() / 10)) {
            return false;
        }
        unscaled *= 10;
    }
    int last = 0; /* the digit cut off last decides */
    for (; from > to; from--) {
        last = (int)(unscaled % 10);
        unscaled /= 10;
    }
    unscaled += last >= 5 ? 1 : last <= -5 ? -1 : 0;
    *ret_unscaled = unscaled;
    return fits_digits(unscaled);
}

floe_value floe_expr_finite(double value, bool finite_arguments) {
    floe_value real = floe_value_double(value);
    real.is_null = finite_arguments && !isfinite(value);
    return real;
}

static unsigned scale_of(const floe_value *value) {
    return value->type.kind == FLOE_KIND_DECIMAL ? value->type.scale : 0;
}

static __int128 unscaled_of(const floe_value *value) {
    return value->type.kind == FLOE_KIND_DECIMAL ? value->as.decimal : value->as.integer;
}

static floe_value decimal_or_null(bool fits, __int128 unscaled, floe_type type) {
    return (floe_value){.type = type, .is_null = !fits || !fits_digits(unscaled), .as.decimal = unscaled};
}

/* ---- a common type ---- */

static floe_value to_timestamp(const floe_value *value, floe_type type) {
    floe_value time = {.type = type};
    time.is_null = __builtin_mul_overflow(value->as.integer, FLOE_US_PER_DAY, &time.as.integer);
    return time;
}

floe_value floe_expr_to_common(const floe_value *value, floe_type type) {
    if (value->is_null || type.kind == FLOE_KIND_NONE) {
        return floe_value_null(type);
    }
    floe_value same = *value;
    same.type = type;
    switch (type.kind) {
    case FLOE_KIND_DECIMAL: {
        __int128 unscaled = 0;
        bool fits = floe_expr_rescale(unscaled_of(value), scale_of(value), type.scale, &unscaled);
        return decimal_or_null(fits, unscaled, type);
    }
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        same.as.real = floe_expr_real(value);
        return same;
    case FLOE_KIND_TIMESTAMP:
        return value->type.kind == FLOE_KIND_DATE ? to_timestamp(value, type) : same;
    default:
        return same;
    }
}

/* ---- operators ---- */

static floe_value whole_result(const floe_expr *expr, int64_t a, int64_t b) {
    floe_value result = {.type = expr->type};
    switch (expr->op) {
    case FLOE_EXPR_NEG:
        result.is_null = __builtin_sub_overflow((int64_t)0, a, &result.as.integer);
        break;
    case FLOE_EXPR_ADD:
        result.is_null = __builtin_add_overflow(a, b, &result.as.integer);
        break;
    case FLOE_EXPR_SUB:
        result.is_null = __builtin_sub_overflow(a, b, &result.as.integer);
        break;
    case FLOE_EXPR_MUL:
        result.is_null = __builtin_mul_overflow(a, b, &result.as.integer);
        break;
    default:
        result.is_null = b == 0;
        result.as.integer = b == 0 || b == -1 ? 0 : a % b; /* The smallest number % -1 would trap. */
        break;
    }
    return result;
}

/* a * b within 38 digits. */
static bool multiply(__int128 a, __int128 b, __int128 *ret_product) {
    unsigned __int128 x = a < 0 ? -(unsigned __int128)a : (unsigned __int128)a;
    unsigned __int128 y = b < 0 ? -(unsigned __int128)b : (unsigned __int128)b;
    if (x != 0 && y > (unsigned __int128)digits_limit() / x) {
        return false;
    }
    *ret_product = a * b;
    return true;
}

static floe_value decimal_result(const floe_expr *expr, const floe_value *a, const floe_value *b) {
    __int128 x = unscaled_of(a), y = unscaled_of(b), result = 0;
    if (expr->op == FLOE_EXPR_NEG) {
        return decimal_or_null(true, -x, expr->type);
    }
    if (expr->op == FLOE_EXPR_MUL) {
        bool fits = multiply(x, y, &result);
        return decimal_or_null(fits, result, expr->type);
    }
    bool fits = floe_expr_rescale(x, scale_of(a), expr->type.scale, &x) &&
                floe_expr_rescale(y, scale_of(b), expr->type.scale, &y);
    if (expr->op == FLOE_EXPR_MOD) {
        fits = fits && y != 0;
        return decimal_or_null(fits, fits ? x % y : 0, expr->type);
    }
    /* Two numbers of 38 digits may leave 128 bits together. */
    bool left =
        expr->op == FLOE_EXPR_ADD ? __builtin_add_overflow(x, y, &result) : __builtin_sub_overflow(x, y, &result);
    return decimal_or_null(fits && !left, left ? 0 : result, expr->type);
}

static floe_value real_result(const floe_expr *expr, double a, double b) {
    bool finite = isfinite(a) && isfinite(b);
    switch (expr->op) {
    case FLOE_EXPR_NEG:
        return floe_value_double(-a);
    case FLOE_EXPR_ADD:
        return floe_expr_finite(a + b, finite);
    case FLOE_EXPR_SUB:
        return floe_expr_finite(a - b, finite);
    case FLOE_EXPR_MUL:
        return floe_expr_finite(a * b, finite);
    default:
        if (b == 0) {
            return floe_value_null(expr->type);
        }
        return floe_expr_finite(expr->op == FLOE_EXPR_DIV ? a / b : fmod(a, b), finite);
    }
}

floe_value floe_expr_eval_arithmetic(const floe_expr *expr, const floe_expr_run *run) {
    floe_value a = floe_expr_node(expr->args[0], run);
    floe_value b = expr->arg_count > 1 ? floe_expr_node(expr->args[1], run) : a;
    if (a.is_null || b.is_null) {
        return floe_value_null(expr->type);
    }
    if (expr->type.kind == FLOE_KIND_DOUBLE) {
        return real_result(expr, floe_expr_real(&a), floe_expr_real(&b));
    }
    return expr->type.kind == FLOE_KIND_DECIMAL ? decimal_result(expr, &a, &b)
                                                : whole_result(expr, a.as.integer, b.as.integer);
}
