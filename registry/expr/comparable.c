/*
 * Which types of expressions can be compared, and how messages call an expression.
 */
#include "registry/expr/expr_int.h"

const char *floe_expr_describe(const floe_expr_binder *binder, const floe_expr *expr) {
    char name[FLOE_TYPE_NAME_MAX];
    const char *type = expr->type.kind == FLOE_KIND_NONE ? "null" : floe_type_name(expr->type, name);
    const char *text = NULL;
    if (expr->op == FLOE_EXPR_COLUMN) {
        text = floe_arena_printf(binder->arena, "%.*s (%s)", FLOE_STR_ARG(expr->column), type);
    } else if (expr->op == FLOE_EXPR_LITERAL && expr->type.kind == FLOE_KIND_STRING) {
        floe_str shown = expr->literal.as.bytes;
        shown.len = shown.len > 60 ? 60 : shown.len;
        text = floe_arena_printf(binder->arena, "'%.*s' (%s)", FLOE_STR_ARG(shown), type);
    } else {
        text = floe_arena_printf(binder->arena, "%s of type %s",
                                 expr->op == FLOE_EXPR_LITERAL       ? "a value"
                                 : expr->type.kind == FLOE_KIND_BOOL ? "a condition"
                                                                     : "an expression",
                                 type);
    }
    return text != NULL ? text : "a value"; /* The arena is full: the message says less. */
}

static bool is_time(floe_kind kind) {
    return kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP;
}

static bool comparable(floe_kind a, floe_kind b) {
    if (a == FLOE_KIND_LIST || b == FLOE_KIND_LIST) {
        return false;
    }
    return a == FLOE_KIND_NONE || b == FLOE_KIND_NONE || a == b || (floe_kind_is_number(a) && floe_kind_is_number(b)) ||
           (is_time(a) && is_time(b));
}

static const char *mix_hint(floe_kind a, floe_kind b) {
    bool text = a == FLOE_KIND_STRING || b == FLOE_KIND_STRING;
    if (text && (a == FLOE_KIND_DATE || b == FLOE_KIND_DATE)) {
        return "; write DATE '…'";
    }
    if (text && (is_time(a) || is_time(b))) {
        return "; write TIMESTAMP '…'";
    }
    return a == FLOE_KIND_LIST || b == FLOE_KIND_LIST ? "; a list can only be tested with IS NULL" : "";
}

floe_status floe_expr_check_comparable(const floe_expr_binder *binder, const floe_expr *left, const floe_expr *right) {
    if (comparable(left->type.kind, right->type.kind)) {
        return FLOE_OK;
    }
    return FLOE_FAIL(binder->err, FLOE_INVALID, "expression, character %u: cannot compare %s with %s%s", right->at,
                     floe_expr_describe(binder, left), floe_expr_describe(binder, right),
                     mix_hint(left->type.kind, right->type.kind));
}
