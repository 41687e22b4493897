/*
 * Expressions, last phase: a bound tree over one row. Nothing here fails; only functions that make text allocate, in
 * the caller's scratch arena.
 */
#include "registry/expr/expr_int.h"

static floe_value truth(bool value) {
    return (floe_value){.type.kind = FLOE_KIND_BOOL, .as.boolean = value};
}

static floe_value unknown(void) {
    return floe_value_null((floe_type){.kind = FLOE_KIND_BOOL});
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
