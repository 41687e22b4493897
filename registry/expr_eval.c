/*
 * Expressions, last phase: a bound tree over one row. Nothing here fails; only functions that make text allocate, in
 * the caller's scratch arena.
 */
#include "core/time.h"
#include "registry/expr_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static floe_value truth(bool value) {
    return (floe_value){.type.kind = FLOE_KIND_BOOL, .as.boolean = value};
}

static floe_value unknown(void) {
    return floe_value_null((floe_type){.kind = FLOE_KIND_BOOL});
}

/* ---- comparison of two values ---- */

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

static __int128 power_of_ten(unsigned exponent) {
    __int128 power = 1;
    for (unsigned i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

double floe_expr_decimal_real(__int128 unscaled, uint8_t scale) {
    const __int128 exact = (__int128)1 << 53;
    if (unscaled <= exact && unscaled >= -exact && scale <= 22) {
        return (double)unscaled / (double)power_of_ten(scale); /* Both are exact, so the quotient rounds once. */
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
    __int128 unit = power_of_ten(scale);
    __int128 whole = unscaled / unit;
    __int128 fraction = unscaled % unit;
    if (fraction < 0) {
        whole--;
        fraction += unit;
    }
    *ret_whole = whole;
    *ret_fraction = fraction * power_of_ten(38 - scale);
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

/* ---- LIKE ---- */

static size_t character_len(floe_str text, size_t at) {
    size_t len = 1;
    while (at + len < text.len && ((unsigned char)text.ptr[at + len] & 0xC0) == 0x80) {
        len++;
    }
    return len;
}

/* Greedy with one point of return: when the text after a % fails to match, the % takes one character more. Only the
 * last % ever needs that, so the cost is at most text × pattern. */
bool floe_expr_like(floe_str text, floe_str pattern) {
    size_t t = 0;
    size_t p = 0;
    size_t star = SIZE_MAX; /* in the pattern, after the last % */
    size_t resume = 0;      /* in the text, where that % ends */
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '%') {
            star = ++p;
            resume = t;
        } else if (p < pattern.len && pattern.ptr[p] == '_') {
            t += character_len(text, t);
            p++;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            t++;
            p++;
        } else if (star != SIZE_MAX) {
            resume += character_len(text, resume);
            t = resume;
            p = star;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '%') {
        p++;
    }
    return p == pattern.len;
}

/* ---- the tree ---- */

static bool holds(floe_expr_op op, int order) {
    switch (op) {
    case FLOE_EXPR_EQ:
        return order == 0;
    case FLOE_EXPR_NE:
        return order != 0;
    case FLOE_EXPR_LT:
        return order < 0;
    case FLOE_EXPR_LE:
        return order <= 0;
    case FLOE_EXPR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static floe_value eval_comparison(const floe_expr *expr, const floe_expr_run *run) {
    floe_value left = floe_expr_node(expr->args[0], run);
    floe_value right = floe_expr_node(expr->args[1], run);
    if (left.is_null || right.is_null) {
        return unknown();
    }
    return truth(holds(expr->op, floe_expr_compare(&left, &right)));
}

/* TRUE when one item is equal; else null when an item is null; a null on the left is null. */
static floe_value eval_in(const floe_expr *expr, const floe_expr_run *run) {
    floe_value left = floe_expr_node(expr->args[0], run);
    if (left.is_null) {
        return unknown();
    }
    bool saw_null = false;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        floe_value item = floe_expr_node(expr->args[i], run);
        if (item.is_null) {
            saw_null = true;
        } else if (floe_expr_compare(&left, &item) == 0) {
            return truth(true);
        }
    }
    return saw_null ? unknown() : truth(false);
}

static floe_value eval_like(const floe_expr *expr, const floe_expr_run *run) {
    floe_value text = floe_expr_node(expr->args[0], run);
    floe_value pattern = floe_expr_node(expr->args[1], run);
    if (text.is_null || pattern.is_null) {
        return unknown();
    }
    return truth(floe_expr_like(text.as.bytes, pattern.as.bytes));
}

/* AND and OR: the deciding value wins over null, null over the other. */
static floe_value eval_chain(const floe_expr *expr, const floe_expr_run *run, bool deciding) {
    bool saw_null = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_value arg = floe_expr_node(expr->args[i], run);
        if (arg.is_null) {
            saw_null = true;
        } else if (arg.as.boolean == deciding) {
            return truth(deciding);
        }
    }
    return saw_null ? unknown() : truth(!deciding);
}

static floe_value eval_between(const floe_expr *expr, const floe_expr_run *run) {
    floe_value value = floe_expr_node(expr->args[0], run);
    floe_value low = floe_expr_node(expr->args[1], run), high = floe_expr_node(expr->args[2], run);
    bool below = !value.is_null && !low.is_null && floe_expr_compare(&value, &low) < 0;
    bool above = !value.is_null && !high.is_null && floe_expr_compare(&value, &high) > 0;
    if (below || above) {
        return truth(false);
    }
    return value.is_null || low.is_null || high.is_null ? unknown() : truth(true);
}

/* The first branch whose condition is TRUE, or whose text equals what is looked at; else the last argument. */
static floe_value eval_case(const floe_expr *expr, const floe_expr_run *run) {
    bool looks_at = expr->op == FLOE_EXPR_SWITCH;
    floe_value seen = looks_at ? floe_expr_node(expr->args[0], run) : unknown();
    uint32_t i = looks_at ? 1 : 0;
    for (; i + 1 < expr->arg_count; i += 2) {
        floe_value when = floe_expr_node(expr->args[i], run);
        bool taken =
            !when.is_null && (looks_at ? !seen.is_null && floe_expr_compare(&seen, &when) == 0 : when.as.boolean);
        if (taken) {
            break;
        }
    }
    bool taken = i + 1 < expr->arg_count;
    floe_value value = floe_expr_node(expr->args[taken ? i + 1 : expr->arg_count - 1], run);
    return floe_expr_to_common(&value, expr->type);
}

static floe_value eval_not(const floe_expr *expr, const floe_expr_run *run) {
    floe_value arg = floe_expr_node(expr->args[0], run);
    return arg.is_null ? unknown() : truth(!arg.as.boolean);
}

floe_value floe_expr_node(const floe_expr *expr, const floe_expr_run *run) {
    switch (expr->op) {
    case FLOE_EXPR_LITERAL:
        return expr->literal;
    case FLOE_EXPR_COLUMN:
        return run->row[expr->column_index];
    case FLOE_EXPR_IN:
        return eval_in(expr, run);
    case FLOE_EXPR_LIKE:
        return eval_like(expr, run);
    case FLOE_EXPR_IS_NULL:
        return truth(floe_expr_node(expr->args[0], run).is_null);
    case FLOE_EXPR_NOT:
        return eval_not(expr, run);
    case FLOE_EXPR_AND:
        return eval_chain(expr, run, false);
    case FLOE_EXPR_OR:
        return eval_chain(expr, run, true);
    case FLOE_EXPR_BETWEEN:
        return eval_between(expr, run);
    case FLOE_EXPR_NEG:
    case FLOE_EXPR_ADD:
    case FLOE_EXPR_SUB:
    case FLOE_EXPR_MUL:
    case FLOE_EXPR_DIV:
    case FLOE_EXPR_MOD:
        return floe_expr_eval_arithmetic(expr, run);
    case FLOE_EXPR_CASE:
    case FLOE_EXPR_SWITCH:
        return eval_case(expr, run);
    case FLOE_EXPR_CALL:
        return floe_expr_eval_call(expr, run);
    default:
        return eval_comparison(expr, run);
    }
}

floe_value floe_expr_eval(const floe_expr *expr, const floe_value *row, floe_arena *scratch) {
    floe_value value = floe_expr_node(expr, &(floe_expr_run){row, scratch});
    return value.is_null ? floe_value_null(expr->type) : value;
}

bool floe_expr_passes(const floe_expr *expr, const floe_value *row, floe_arena *scratch) {
    floe_value value = floe_expr_eval(expr, row, scratch);
    return !value.is_null && value.as.boolean;
}

bool floe_expr_makes_text(const floe_expr *expr) {
    bool makes = expr->op == FLOE_EXPR_CALL && expr->type.kind == FLOE_KIND_STRING;
    for (uint32_t i = 0; i < expr->arg_count && !makes; i++) {
        makes = floe_expr_makes_text(expr->args[i]);
    }
    return makes;
}

/* ---- columns ---- */

typedef struct name_list {
    floe_arena *arena;
    floe_str *items;
    size_t count;
    size_t capacity;
} name_list;

static void collect(const floe_expr *expr, name_list *list) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        collect(expr->args[i], list);
    }
    if (expr->op != FLOE_EXPR_COLUMN) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (floe_str_equal(list->items[i], expr->column)) {
            return;
        }
    }
    floe_str *item = FLOE_ARENA_PUSH(list->arena, list->items, list->count, list->capacity);
    if (item != NULL) {
        *item = expr->column;
    }
}

void floe_expr_columns(const floe_expr *expr, floe_arena *arena, floe_str **ret_names, size_t *ret_count) {
    name_list list = {.arena = arena};
    collect(expr, &list);
    *ret_names = list.items;
    *ret_count = list.count;
}
