/*
 * The functions of the expression language: names, how many arguments they take, and of which types.
 */
#include "registry/expr/expr_int.h"

#include <stdio.h>

/* What a function does with its arguments' types. */
typedef enum signature {
    OF_CHOICE,  /* arguments of one common type, which is the result's; the first of `if` is a condition */
    OF_NUMBERS, /* numbers, which come out as double */
    OF_ROUND,   /* a number, whole or exact as it came; a second argument is a constant number of digits */
    OF_BUCKETS, /* numbers → int64 */
    OF_TEXT,    /* text → text */
    OF_LENGTH,  /* text or bytes → int64 */
    OF_SUBSTR,  /* text, then whole numbers → text */
    OF_HASH,    /* text or bytes → int64 */
    OF_TIME,    /* a date or timestamp → int64 */
    OF_CAST
} signature;

static const struct {
    const char *name;
    uint8_t least, most; /* arguments; most 0: any number */
    signature signature;
} functions[FLOE_CALL_END] = {
    [FLOE_CALL_IF] = {"if", 3, 3, OF_CHOICE},
    [FLOE_CALL_COALESCE] = {"coalesce", 1, 0, OF_CHOICE},
    [FLOE_CALL_LN] = {"ln", 1, 1, OF_NUMBERS},
    [FLOE_CALL_LOG10] = {"log10", 1, 1, OF_NUMBERS},
    [FLOE_CALL_EXP] = {"exp", 1, 1, OF_NUMBERS},
    [FLOE_CALL_SQRT] = {"sqrt", 1, 1, OF_NUMBERS},
    [FLOE_CALL_ABS] = {"abs", 1, 1, OF_ROUND},
    [FLOE_CALL_FLOOR] = {"floor", 1, 1, OF_ROUND},
    [FLOE_CALL_CEIL] = {"ceil", 1, 1, OF_ROUND},
    [FLOE_CALL_ROUND] = {"round", 1, 2, OF_ROUND},
    [FLOE_CALL_LEAST] = {"least", 1, 0, OF_CHOICE},
    [FLOE_CALL_GREATEST] = {"greatest", 1, 0, OF_CHOICE},
    [FLOE_CALL_CLIP] = {"clip", 3, 3, OF_CHOICE},
    [FLOE_CALL_BUCKETIZE] = {"bucketize", 2, 0, OF_BUCKETS},
    [FLOE_CALL_LOWER] = {"lower", 1, 1, OF_TEXT},
    [FLOE_CALL_UPPER] = {"upper", 1, 1, OF_TEXT},
    [FLOE_CALL_LENGTH] = {"length", 1, 1, OF_LENGTH},
    [FLOE_CALL_SUBSTR] = {"substr", 2, 3, OF_SUBSTR},
    [FLOE_CALL_CONCAT] = {"concat", 1, 0, OF_TEXT},
    [FLOE_CALL_CAST] = {"cast", 1, 1, OF_CAST},
    [FLOE_CALL_HASH] = {"hash", 1, 1, OF_HASH},
    [FLOE_CALL_YEAR] = {"year", 1, 1, OF_TIME},
    [FLOE_CALL_MONTH] = {"month", 1, 1, OF_TIME},
    [FLOE_CALL_DAY] = {"day", 1, 1, OF_TIME},
    [FLOE_CALL_HOUR] = {"hour", 1, 1, OF_TIME},
    [FLOE_CALL_MINUTE] = {"minute", 1, 1, OF_TIME},
    [FLOE_CALL_DAY_OF_WEEK] = {"day_of_week", 1, 1, OF_TIME},
};

bool floe_expr_function_find(floe_str name, floe_expr_function *ret_function) {
    for (unsigned i = 0; i < FLOE_CALL_END; i++) {
        if (floe_expr_same_word(name, functions[i].name)) {
            *ret_function = (floe_expr_function)i;
            return true;
        }
    }
    return false;
}

const char *floe_expr_function_name(floe_expr_function function) {
    return (unsigned)function < FLOE_CALL_END ? functions[function].name : "";
}

const char *floe_expr_function_nearest(floe_str name) {
    const char *names[FLOE_CALL_END];
    for (unsigned i = 0; i < FLOE_CALL_END; i++) {
        names[i] = functions[i].name;
    }
    return floe_str_nearest(name, names, FLOE_CALL_END);
}

const char *floe_expr_function_arity(floe_expr_function function, size_t arg_count, char buf[40]) {
    unsigned least = functions[function].least, most = functions[function].most;
    if (arg_count >= least && (most == 0 || arg_count <= most)) {
        return NULL;
    }
    if (most == 0) {
        snprintf(buf, 40, "at least %u argument%s", least, least == 1 ? "" : "s");
    } else if (least == most) {
        snprintf(buf, 40, "%u argument%s", least, least == 1 ? "" : "s");
    } else {
        snprintf(buf, 40, "%u or %u arguments", least, most);
    }
    return buf;
}

/* ---- common types ---- */

static bool is_real(floe_kind kind) {
    return kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
}

/* Digits before the point that hold every value of an integer's or decimal's type. */
static unsigned whole_digits(floe_type type) {
    return type.kind == FLOE_KIND_DECIMAL ? (unsigned)(type.precision - type.scale)
           : type.kind == FLOE_KIND_INT32 ? 10
                                          : 19;
}

static unsigned scale_of(floe_type type) {
    return type.kind == FLOE_KIND_DECIMAL ? type.scale : 0;
}

static floe_type decimal_of(unsigned whole, unsigned scale) {
    unsigned digits = whole + scale > 38 ? 38 : whole + scale;
    return (floe_type){
        .kind = FLOE_KIND_DECIMAL, .precision = (uint8_t)(digits > 0 ? digits : 1), .scale = (uint8_t)scale};
}

static unsigned larger(unsigned a, unsigned b) {
    return a > b ? a : b;
}

/* The type that both can be brought to; false when there is none. */
static bool common_type(floe_type a, floe_type b, floe_type *ret_type) {
    if (a.kind == FLOE_KIND_NONE || b.kind == FLOE_KIND_NONE || floe_type_equal(a, b)) {
        *ret_type = a.kind == FLOE_KIND_NONE ? b : a;
        return ret_type->kind != FLOE_KIND_LIST;
    }
    if (floe_kind_is_number(a.kind) && floe_kind_is_number(b.kind)) {
        if (is_real(a.kind) || is_real(b.kind)) {
            *ret_type = (floe_type){.kind = FLOE_KIND_DOUBLE};
        } else if (a.kind == FLOE_KIND_DECIMAL || b.kind == FLOE_KIND_DECIMAL) {
            *ret_type = decimal_of(larger(whole_digits(a), whole_digits(b)), larger(scale_of(a), scale_of(b)));
        } else {
            *ret_type = (floe_type){.kind = FLOE_KIND_INT64};
        }
        return true;
    }
    bool times = (a.kind == FLOE_KIND_DATE && b.kind == FLOE_KIND_TIMESTAMP) ||
                 (a.kind == FLOE_KIND_TIMESTAMP && b.kind == FLOE_KIND_DATE);
    *ret_type = (floe_type){.kind = FLOE_KIND_TIMESTAMP};
    return times;
}

/* The common type of args[first], args[first + step] …, in the node's type. */
static floe_status bind_common(const floe_expr_binder *binder, floe_expr *expr, uint32_t first, uint32_t step,
                               const char *name) {
    floe_type type = {0};
    for (uint32_t i = first; i < expr->arg_count; i += step) {
        if (!common_type(type, expr->args[i]->type, &type)) {
            return FLOE_FAIL(binder->err, FLOE_INVALID,
                             "expression, character %u: %s gives %s and %s, which have no common type",
                             expr->args[i]->at, name, floe_expr_describe(binder, expr->args[first]),
                             floe_expr_describe(binder, expr->args[i]));
        }
    }
    expr->type = type;
    return FLOE_OK;
}

/* ---- arithmetic ---- */

static floe_status check_number(const floe_expr_binder *binder, const floe_expr *arg, const char *what) {
    FLOE_ENSURE(floe_kind_is_number(arg->type.kind) || arg->type.kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                "expression, character %u: %s needs numbers, not %s", arg->at, what, floe_expr_describe(binder, arg));
    return FLOE_OK;
}

static floe_status decimal_result(const floe_expr_binder *binder, floe_expr *expr, floe_type a, floe_type b) {
    unsigned scale = larger(scale_of(a), scale_of(b));
    unsigned whole = larger(whole_digits(a), whole_digits(b)) + 1;
    if (expr->op == FLOE_EXPR_MUL) {
        scale = scale_of(a) + scale_of(b);
        whole = whole_digits(a) + whole_digits(b);
        FLOE_ENSURE(scale <= 38, binder->err, FLOE_INVALID,
                    "expression, character %u: a product with %u digits after the point; at most 38 are kept, so cast "
                    "one side first",
                    expr->at, scale);
    }
    expr->type = decimal_of(whole, scale);
    return FLOE_OK;
}

floe_status floe_expr_bind_arithmetic(const floe_expr_binder *binder, floe_expr *expr) {
    static const char *const symbols[] = {[FLOE_EXPR_NEG] = "unary -", [FLOE_EXPR_ADD] = "+", [FLOE_EXPR_SUB] = "-",
                                          [FLOE_EXPR_MUL] = "*",       [FLOE_EXPR_DIV] = "/", [FLOE_EXPR_MOD] = "%"};
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        FLOE_TRY(check_number(binder, expr->args[i], symbols[expr->op]));
    }
    floe_type a = expr->args[0]->type, b = expr->args[expr->arg_count - 1]->type;
    a = a.kind == FLOE_KIND_NONE ? b : a;
    b = b.kind == FLOE_KIND_NONE ? a : b;
    if (expr->op == FLOE_EXPR_DIV || is_real(a.kind) || is_real(b.kind)) {
        expr->type = (floe_type){.kind = FLOE_KIND_DOUBLE};
    } else if (expr->op == FLOE_EXPR_NEG && a.kind == FLOE_KIND_DECIMAL) {
        expr->type = a;
    } else if (a.kind == FLOE_KIND_DECIMAL || b.kind == FLOE_KIND_DECIMAL) {
        return decimal_result(binder, expr, a, b);
    } else {
        expr->type = (floe_type){.kind = FLOE_KIND_INT64};
    }
    return FLOE_OK;
}

/* ---- calls ---- */

static floe_status check_kinds(const floe_expr_binder *binder, const floe_expr *expr, uint32_t first, floe_kind a,
                               floe_kind b, const char *what) {
    for (uint32_t i = first; i < expr->arg_count; i++) {
        floe_kind kind = expr->args[i]->type.kind;
        FLOE_ENSURE(kind == a || kind == b || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: %s() needs %s, not %s", expr->args[i]->at, functions[expr->call].name,
                    what, floe_expr_describe(binder, expr->args[i]));
    }
    return FLOE_OK;
}

/* floor, ceil and round of decimals are whole decimals; of integers nothing changes. */
static floe_status bind_round(const floe_expr_binder *binder, floe_expr *expr) {
    FLOE_TRY(check_number(binder, expr->args[0], functions[expr->call].name));
    unsigned digits = 0;
    if (expr->arg_count == 2) {
        const floe_expr *count = expr->args[1];
        FLOE_ENSURE(count->op == FLOE_EXPR_LITERAL && count->type.kind == FLOE_KIND_INT64 &&
                        count->literal.as.integer >= 0 && count->literal.as.integer <= 15,
                    binder->err, FLOE_INVALID,
                    "expression, character %u: the digits of round() are a number from 0 to 15", count->at);
        digits = (unsigned)count->literal.as.integer;
    }
    floe_type type = expr->args[0]->type;
    if (is_real(type.kind)) {
        type = (floe_type){.kind = FLOE_KIND_DOUBLE};
    } else if (floe_kind_is_integer(type.kind)) {
        type = (floe_type){.kind = FLOE_KIND_INT64};
    } else if (type.kind == FLOE_KIND_DECIMAL && expr->call != FLOE_CALL_ABS && digits < type.scale) {
        type = decimal_of(whole_digits(type) + 1, digits);
    }
    expr->type = type;
    return FLOE_OK;
}

static floe_status bind_choice(const floe_expr_binder *binder, floe_expr *expr) {
    bool is_if = expr->call == FLOE_CALL_IF;
    if (is_if) {
        floe_kind kind = expr->args[0]->type.kind;
        FLOE_ENSURE(kind == FLOE_KIND_BOOL || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: the first argument of if() is a condition (bool), not %s",
                    expr->args[0]->at, floe_expr_describe(binder, expr->args[0]));
    }
    return bind_common(binder, expr, is_if ? 1 : 0, 1, functions[expr->call].name);
}

static floe_status bind_cast(const floe_expr_binder *binder, const floe_expr *expr) {
    char type[FLOE_TYPE_NAME_MAX];
    FLOE_ENSURE(floe_expr_castable(expr->args[0]->type, expr->type), binder->err, FLOE_INVALID,
                "expression, character %u: %s cannot be cast to %s", expr->args[0]->at,
                floe_expr_describe(binder, expr->args[0]), floe_type_name(expr->type, type));
    return FLOE_OK;
}

floe_status floe_expr_bind_call(const floe_expr_binder *binder, floe_expr *expr) {
    static const floe_type text = {.kind = FLOE_KIND_STRING}, whole = {.kind = FLOE_KIND_INT64};
    switch (functions[expr->call].signature) {
    case OF_CHOICE:
        return bind_choice(binder, expr);
    case OF_NUMBERS:
        expr->type = (floe_type){.kind = FLOE_KIND_DOUBLE};
        return check_number(binder, expr->args[0], functions[expr->call].name);
    case OF_ROUND:
        return bind_round(binder, expr);
    case OF_BUCKETS:
        expr->type = whole;
        for (uint32_t i = 0; i < expr->arg_count; i++) {
            FLOE_TRY(check_number(binder, expr->args[i], functions[expr->call].name));
        }
        return FLOE_OK;
    case OF_TEXT:
        expr->type = text;
        return check_kinds(binder, expr, 0, FLOE_KIND_STRING, FLOE_KIND_STRING, "text; cast(x AS string) makes text");
    case OF_LENGTH:
    case OF_HASH:
        expr->type = whole;
        return check_kinds(binder, expr, 0, FLOE_KIND_STRING, FLOE_KIND_BYTES, "text or bytes");
    case OF_SUBSTR: {
        floe_kind kind = expr->args[0]->type.kind;
        FLOE_ENSURE(kind == FLOE_KIND_STRING || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: substr() needs text, not %s", expr->args[0]->at,
                    floe_expr_describe(binder, expr->args[0]));
        expr->type = text;
        return check_kinds(binder, expr, 1, FLOE_KIND_INT32, FLOE_KIND_INT64, "whole numbers after the text");
    }
    case OF_TIME:
        expr->type = whole;
        return check_kinds(binder, expr, 0, FLOE_KIND_DATE, FLOE_KIND_TIMESTAMP, "a date or a timestamp");
    case OF_CAST:
        return bind_cast(binder, expr);
    }
    return FLOE_FAIL(binder->err, FLOE_INTERNAL, "expression: unknown function %d", (int)expr->call);
}

/* ---- CASE ---- */

floe_status floe_expr_bind_case(const floe_expr_binder *binder, floe_expr *expr) {
    bool looks_at = expr->op == FLOE_EXPR_SWITCH;
    uint32_t first = looks_at ? 1 : 0;
    for (uint32_t i = first; i + 1 < expr->arg_count; i += 2) {
        floe_kind kind = expr->args[i]->type.kind;
        if (looks_at) {
            FLOE_TRY(floe_expr_check_comparable(binder, expr->args[0], expr->args[i]));
            continue;
        }
        FLOE_ENSURE(kind == FLOE_KIND_BOOL || kind == FLOE_KIND_NONE, binder->err, FLOE_INVALID,
                    "expression, character %u: WHEN needs a condition (bool), not %s", expr->args[i]->at,
                    floe_expr_describe(binder, expr->args[i]));
    }
    /* Values stand after each condition, and last alone. */
    floe_type type = {0};
    for (uint32_t i = first + 1; i <= expr->arg_count; i += 2) {
        const floe_expr *value = expr->args[i < expr->arg_count ? i : expr->arg_count - 1];
        if (!common_type(type, value->type, &type)) {
            return FLOE_FAIL(binder->err, FLOE_INVALID,
                             "expression, character %u: CASE gives %s and %s, which have no common type", value->at,
                             floe_expr_describe(binder, expr->args[first + 1]), floe_expr_describe(binder, value));
        }
    }
    expr->type = type;
    return FLOE_OK;
}
