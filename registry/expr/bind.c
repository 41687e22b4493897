/*
 * Expressions, third phase: columns found, types checked, literals brought to the type of the column they meet.
 *
 * A literal changes its type only where the comparison stays the same: always towards a double (numbers meet floats as
 * doubles), elsewhere only when the value is exact in the other type. Evaluation handles every mix, so the conversion
 * serves readers of the tree (pruning, SQL), not correctness.
 */
#include "core/time.h"
#include "registry/expr/expr_int.h"

static floe_status bind_node(const floe_expr_binder *binder, floe_expr *expr);

static floe_status fail_column(const floe_expr_binder *binder, const floe_expr *expr) {
    const char **names = floe_arena_alloc(binder->arena, binder->column_count, sizeof *names);
    for (size_t i = 0; names != NULL && i < binder->column_count; i++) {
        names[i] = floe_arena_strndup(binder->arena, binder->columns[i].name.ptr, binder->columns[i].name.len);
    }
    FLOE_TRY(floe_arena_check(binder->arena, binder->err));
    const char *nearest = floe_str_nearest(expr->column, names, binder->column_count);
    return FLOE_FAIL(binder->err, FLOE_NOT_FOUND, "expression, character %u: there is no column %.*s%s%s%s", expr->at,
                     FLOE_STR_ARG(expr->column), FLOE_HINT(nearest));
}

static floe_status bind_column(const floe_expr_binder *binder, floe_expr *expr) {
    for (size_t i = 0; i < binder->column_count; i++) {
        if (!floe_str_equal(binder->columns[i].name, expr->column)) {
            continue;
        }
        FLOE_ENSURE(binder->columns[i].type.kind != FLOE_KIND_NONE, binder->err, FLOE_UNSUPPORTED,
                    "expression, character %u: column %.*s has a type that floe cannot compare", expr->at,
                    FLOE_STR_ARG(expr->column));
        expr->column_index = (uint32_t)i;
        expr->type = binder->columns[i].type;
        return FLOE_OK;
    }
    return fail_column(binder, expr);
}

/* ---- literals ---- */

static bool decimal_limit(uint8_t digits, __int128 *ret_limit) {
    __int128 limit = 1;
    for (unsigned i = 0; i < digits; i++) {
        limit *= 10;
    }
    *ret_limit = limit;
    return digits <= 38;
}

/* An integer or decimal value as decimal(p,s), when that is exact. */
static bool to_decimal(const floe_value *value, floe_type type, floe_value *ret_value) {
    __int128 unscaled = value->type.kind == FLOE_KIND_DECIMAL ? value->as.decimal : value->as.integer;
    unsigned scale = value->type.kind == FLOE_KIND_DECIMAL ? value->type.scale : 0;
    __int128 limit = 0;
    if (!decimal_limit(type.precision, &limit)) {
        return false;
    }
    for (; scale > type.scale; scale--) {
        if (unscaled % 10 != 0) {
            return false;
        }
        unscaled /= 10;
    }
    for (; scale < type.scale; scale++) {
        if (unscaled >= limit / 10 || unscaled <= -(limit / 10)) {
            return unscaled == 0 && (*ret_value = (floe_value){.type = type}, true);
        }
        unscaled *= 10;
    }
    *ret_value = (floe_value){.type = type, .as.decimal = unscaled};
    return unscaled < limit && unscaled > -limit;
}

static bool to_integer(const floe_value *value, floe_type type, floe_value *ret_value) {
    floe_value whole = {0};
    floe_type wide = {.kind = FLOE_KIND_DECIMAL, .precision = 38};
    if (value->type.kind == FLOE_KIND_FLOAT || value->type.kind == FLOE_KIND_DOUBLE ||
        !to_decimal(value, wide, &whole)) {
        return false;
    }
    __int128 low = type.kind == FLOE_KIND_INT32 ? INT32_MIN : INT64_MIN;
    __int128 high = type.kind == FLOE_KIND_INT32 ? INT32_MAX : INT64_MAX;
    if (whole.as.decimal < low || whole.as.decimal > high) {
        return false;
    }
    *ret_value = (floe_value){.type = type, .as.integer = (int64_t)whole.as.decimal};
    return true;
}

static floe_value to_float(const floe_value *value, floe_kind kind) {
    floe_value real = floe_value_double(floe_expr_real(value));
    if (kind == FLOE_KIND_FLOAT && (double)(float)real.as.real == real.as.real) {
        real.type.kind = FLOE_KIND_FLOAT;
    }
    return real;
}

static bool to_time(const floe_value *value, floe_type type, floe_value *ret_value) {
    if (type.kind == FLOE_KIND_TIMESTAMP) {
        *ret_value = (floe_value){.type = type, .as.integer = value->as.integer * FLOE_US_PER_DAY};
        return true; /* A date literal lies within years 1…9999, far from overflow. */
    }
    *ret_value = (floe_value){.type = type, .as.integer = value->as.integer / FLOE_US_PER_DAY};
    return value->as.integer % FLOE_US_PER_DAY == 0;
}

static bool convert(const floe_value *value, floe_type type, floe_value *ret_value) {
    switch (type.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        return to_integer(value, type, ret_value);
    case FLOE_KIND_DECIMAL:
        return value->type.kind != FLOE_KIND_DOUBLE && value->type.kind != FLOE_KIND_FLOAT &&
               to_decimal(value, type, ret_value);
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        *ret_value = to_float(value, type.kind);
        return true;
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
        return value->type.kind != type.kind && to_time(value, type, ret_value);
    default:
        return false;
    }
}

static void adapt_literal(floe_expr *literal, const floe_expr *column) {
    floe_value converted = {0};
    if (literal->op == FLOE_EXPR_LITERAL && !literal->literal.is_null && column->op == FLOE_EXPR_COLUMN &&
        convert(&literal->literal, column->type, &converted)) {
        literal->literal = converted;
        literal->type = converted.type;
    }
}

/* ---- nodes ---- */

static floe_status bind_comparison(const floe_expr_binder *binder, floe_expr *expr) {
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        FLOE_TRY(floe_expr_check_comparable(binder, expr->args[0], expr->args[i]));
        adapt_literal(expr->args[i], expr->args[0]);
    }
    if (expr->arg_count == 2) {
        adapt_literal(expr->args[0], expr->args[1]);
    } else if (expr->args[0]->type.kind == FLOE_KIND_LIST) {
        return floe_expr_check_comparable(binder, expr->args[0], expr->args[0]);
    }
    return FLOE_OK;
}

static floe_status bind_like(const floe_expr_binder *binder, const floe_expr *expr) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_kind kind = expr->args[i]->type.kind;
        FLOE_ENSURE(kind == FLOE_KIND_STRING || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: LIKE compares text, not %s", expr->args[i]->at,
                    floe_expr_describe(binder, expr->args[i]));
    }
    return FLOE_OK;
}

static floe_status bind_logic(const floe_expr_binder *binder, const floe_expr *expr) {
    const char *name = expr->op == FLOE_EXPR_NOT ? "NOT" : expr->op == FLOE_EXPR_AND ? "AND" : "OR";
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_kind kind = expr->args[i]->type.kind;
        FLOE_ENSURE(kind == FLOE_KIND_BOOL || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: %s needs conditions (bool), not %s", expr->args[i]->at, name,
                    floe_expr_describe(binder, expr->args[i]));
    }
    return FLOE_OK;
}

static bool is_constant(const floe_expr *expr) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr->args[i]->op != FLOE_EXPR_LITERAL) {
            return false;
        }
    }
    return expr->arg_count > 0;
}

/* An operation on constants becomes its value, so that `x > 60 * 60` can be planned with. Bytes have no literal. */
static floe_status fold(const floe_expr_binder *binder, floe_expr *expr) {
    if (!is_constant(expr) || expr->type.kind == FLOE_KIND_BYTES || expr->type.kind == FLOE_KIND_NONE) {
        return FLOE_OK;
    }
    floe_value value = floe_expr_eval(expr, NULL, binder->arena);
    FLOE_TRY(floe_arena_check(binder->arena, binder->err));
    *expr = (floe_expr){.op = FLOE_EXPR_LITERAL, .at = expr->at, .type = expr->type, .literal = value};
    return FLOE_OK;
}

static floe_status bind_operation(const floe_expr_binder *binder, floe_expr *expr) {
    switch (expr->op) {
    case FLOE_EXPR_NEG:
    case FLOE_EXPR_ADD:
    case FLOE_EXPR_SUB:
    case FLOE_EXPR_MUL:
    case FLOE_EXPR_DIV:
    case FLOE_EXPR_MOD:
        FLOE_TRY(floe_expr_bind_arithmetic(binder, expr));
        break;
    case FLOE_EXPR_CALL:
        FLOE_TRY(floe_expr_bind_call(binder, expr));
        break;
    default:
        FLOE_TRY(floe_expr_bind_case(binder, expr));
        break;
    }
    return fold(binder, expr);
}

static floe_status bind_node(const floe_expr_binder *binder, floe_expr *expr) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        FLOE_TRY(bind_node(binder, expr->args[i]));
    }
    if (expr->op >= FLOE_EXPR_NEG) {
        return bind_operation(binder, expr);
    }
    expr->type = (floe_type){.kind = FLOE_KIND_BOOL};
    switch (expr->op) {
    case FLOE_EXPR_LITERAL:
        expr->type = expr->literal.type;
        return FLOE_OK;
    case FLOE_EXPR_COLUMN:
        return bind_column(binder, expr);
    case FLOE_EXPR_LIKE:
        return bind_like(binder, expr);
    case FLOE_EXPR_IS_NULL:
        return FLOE_OK;
    case FLOE_EXPR_NOT:
    case FLOE_EXPR_AND:
    case FLOE_EXPR_OR:
        return bind_logic(binder, expr);
    default:
        return bind_comparison(binder, expr);
    }
}

floe_status floe_expr_bind_value(floe_expr *expr, floe_arena *arena, const floe_column *columns, size_t column_count,
                                 floe_error *err) {
    floe_expr_binder binder = {arena, columns, column_count, err};
    FLOE_TRY(bind_node(&binder, expr));
    return floe_arena_check(arena, err);
}

floe_status floe_expr_bind(floe_expr *expr, floe_arena *arena, const floe_column *columns, size_t column_count,
                           floe_error *err) {
    floe_expr_binder binder = {arena, columns, column_count, err};
    FLOE_TRY(floe_expr_bind_value(expr, arena, columns, column_count, err));
    FLOE_ENSURE(expr->type.kind == FLOE_KIND_BOOL || expr->type.kind == FLOE_KIND_NONE, err, FLOE_INVALID,
                "expression, character %u: a filter must be a condition (bool), not %s", expr->at,
                floe_expr_describe(&binder, expr));
    expr->type.kind = FLOE_KIND_BOOL; /* of NULL alone as well */
    return FLOE_OK;
}
