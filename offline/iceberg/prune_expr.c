/*
 * Filters over ranges: which of TRUE, FALSE and NULL an expression may give.
 *
 * Comparisons of concrete values are left to floe_expr_eval, so that pruning and filtering cannot disagree about types
 * and NaN; only where two values of one kind have one order anywhere are they compared here, which a test holds to the other. A range is used through four questions: may a value below, at or below, above, at or above a literal be
 * there? Each is answered yes unless a bound rules it out.
 */
#include "offline/iceberg/prune.h"

/* Whether both are of one kind that floe_value_compare orders as expressions do: not reals, whose NaN and zeros differ there, and no
 * decimals of two scales. */
static bool compare_plainly(const floe_value *left, const floe_value *right) {
    floe_kind kind = left->type.kind;
    bool plain = floe_kind_is_integer(kind) || kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES ||
                 kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP;
    return plain && kind == right->type.kind && !left->is_null && !right->is_null;
}

static bool order_holds(floe_expr_op op, int order) {
    switch (op) {
    case FLOE_EXPR_LT:
        return order < 0;
    case FLOE_EXPR_LE:
        return order <= 0;
    case FLOE_EXPR_GT:
        return order > 0;
    case FLOE_EXPR_GE:
        return order >= 0;
    case FLOE_EXPR_EQ:
        return order == 0;
    default:
        return order != 0;
    }
}

static bool holds(floe_expr_op op, const floe_value *left, const floe_value *right) {
    if (op != FLOE_EXPR_LIKE && compare_plainly(left, right)) {
        return order_holds(op, floe_value_compare(left, right));
    }
    floe_expr sides[2] = {{.op = FLOE_EXPR_LITERAL, .type = left->type, .literal = *left},
                          {.op = FLOE_EXPR_LITERAL, .type = right->type, .literal = *right}};
    floe_expr *const args[2] = {&sides[0], &sides[1]};
    floe_expr node = {.op = op, .type = {.kind = FLOE_KIND_BOOL}, .args = args, .arg_count = 2};
    return floe_expr_passes(&node, NULL, NULL);
}

/* A literal's first bytes, as many as the cut upper bound has. */
static floe_value cut_like(const floe_value *literal, const floe_value *upper) {
    floe_value cut = *literal;
    if (cut.as.bytes.len > upper->as.bytes.len) {
        cut.as.bytes.len = upper->as.bytes.len;
    }
    return cut;
}

static bool may_lt(const floe_range *range, const floe_value *literal) {
    return !range->has_lower || holds(FLOE_EXPR_LT, &range->lower, literal);
}

static bool may_le(const floe_range *range, const floe_value *literal) {
    return !range->has_lower || holds(FLOE_EXPR_LE, &range->lower, literal);
}

static bool reaches(const floe_range *range, floe_expr_op op, const floe_value *literal) {
    if (range->maybe_nan || !range->has_upper) {
        return true;
    }
    if (range->upper_is_prefix) { /* Anything may follow the cut. */
        floe_value cut = cut_like(literal, &range->upper);
        return holds(FLOE_EXPR_GE, &range->upper, &cut);
    }
    return holds(op, &range->upper, literal);
}

static bool may_gt(const floe_range *range, const floe_value *literal) {
    return reaches(range, FLOE_EXPR_GT, literal);
}

static bool may_ge(const floe_range *range, const floe_value *literal) {
    return reaches(range, FLOE_EXPR_GE, literal);
}

static bool may_hash_like(const floe_prune_column *column, const floe_value *literal) {
    const floe_range *range = &column->range;
    if (range->bucket_count == 0 || column->field == NULL) {
        return true;
    }
    int32_t bucket = floe_transform_bucket(column->field->type, literal, range->bucket_count);
    return bucket < 0 || (bucket >= range->bucket_low && bucket <= range->bucket_high);
}

static bool may_eq(const floe_prune_column *column, const floe_value *literal) {
    return may_le(&column->range, literal) && may_ge(&column->range, literal) && may_hash_like(column, literal);
}

static unsigned outcomes(bool may_true, bool may_false) {
    return (may_true ? FLOE_MAY_TRUE : 0u) | (may_false ? FLOE_MAY_FALSE : 0u);
}

static unsigned compare_values(const floe_prune_column *column, floe_expr_op op, const floe_value *literal) {
    const floe_range *range = &column->range;
    if (range->exact) {
        bool passes = holds(op, &range->lower, literal);
        return outcomes(passes, !passes);
    }
    switch (op) {
    case FLOE_EXPR_LT:
        return outcomes(may_lt(range, literal), may_ge(range, literal));
    case FLOE_EXPR_LE:
        return outcomes(may_le(range, literal), may_gt(range, literal));
    case FLOE_EXPR_GT:
        return outcomes(may_gt(range, literal), may_le(range, literal));
    case FLOE_EXPR_GE:
        return outcomes(may_ge(range, literal), may_lt(range, literal));
    case FLOE_EXPR_EQ: /* Bounds may be cut, so two equal ones do not make a value certain. */
        return outcomes(may_eq(column, literal), true);
    case FLOE_EXPR_NE:
        return outcomes(true, may_eq(column, literal));
    default:
        return FLOE_MAY_TRUE | FLOE_MAY_FALSE;
    }
}

static const floe_prune_column *find(const floe_pruner *pruner, const floe_expr *expr) {
    for (size_t i = 0; expr->op == FLOE_EXPR_COLUMN && i < pruner->column_count; i++) {
        if (floe_str_equal(pruner->columns[i].name, expr->column)) {
            return &pruner->columns[i];
        }
    }
    return NULL;
}

/* Partition and statistics that contradict each other leave nothing possible: then nothing is believed. */
static bool contradicts(const floe_range *range) {
    return !range->maybe_null && !range->maybe_value;
}

static unsigned compare_column(const floe_prune_column *column, floe_expr_op op, const floe_value *literal) {
    if (literal->is_null) {
        return FLOE_MAY_NULL;
    }
    if (column->field == NULL || contradicts(&column->range)) {
        return FLOE_MAY_ALL;
    }
    unsigned result = column->range.maybe_null ? FLOE_MAY_NULL : 0;
    return column->range.maybe_value ? result | compare_values(column, op, literal) : result;
}

static floe_expr_op mirrored(floe_expr_op op) {
    switch (op) {
    case FLOE_EXPR_LT:
        return FLOE_EXPR_GT;
    case FLOE_EXPR_LE:
        return FLOE_EXPR_GE;
    case FLOE_EXPR_GT:
        return FLOE_EXPR_LT;
    case FLOE_EXPR_GE:
        return FLOE_EXPR_LE;
    default:
        return op;
    }
}

static unsigned comparison(const floe_pruner *pruner, floe_expr_op op, const floe_expr *left, const floe_expr *right) {
    const floe_prune_column *column = find(pruner, left);
    if (column != NULL && right->op == FLOE_EXPR_LITERAL) {
        return compare_column(column, op, &right->literal);
    }
    column = find(pruner, right);
    if (column != NULL && left->op == FLOE_EXPR_LITERAL) {
        return compare_column(column, mirrored(op), &left->literal);
    }
    return FLOE_MAY_ALL;
}

/* ---- logic ---- */

static unsigned negated(unsigned a) {
    return (a & FLOE_MAY_TRUE ? FLOE_MAY_FALSE : 0u) | (a & FLOE_MAY_FALSE ? FLOE_MAY_TRUE : 0u) | (a & FLOE_MAY_NULL);
}

static unsigned both(unsigned a, unsigned b) {
    unsigned result = (a | b) & FLOE_MAY_FALSE;
    result |= a & b & FLOE_MAY_TRUE;
    bool null = ((a & FLOE_MAY_NULL) && (b & (FLOE_MAY_TRUE | FLOE_MAY_NULL))) ||
                ((b & FLOE_MAY_NULL) && (a & (FLOE_MAY_TRUE | FLOE_MAY_NULL)));
    return result | (null ? FLOE_MAY_NULL : 0u);
}

static unsigned either(unsigned a, unsigned b) {
    return negated(both(negated(a), negated(b)));
}

static unsigned in_list(const floe_pruner *pruner, const floe_expr *expr) {
    unsigned result = FLOE_MAY_FALSE;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        result = either(result, comparison(pruner, FLOE_EXPR_EQ, expr->args[0], expr->args[i]));
    }
    return result;
}

/* ---- LIKE, IS NULL, bare columns ---- */

static floe_str literal_prefix(floe_str pattern) {
    size_t len = 0;
    while (len < pattern.len && pattern.ptr[len] != '%' && pattern.ptr[len] != '_') {
        len++;
    }
    return (floe_str){pattern.ptr, len};
}

/* Whether a text that begins with the prefix may lie in the range. */
static bool may_begin(const floe_range *range, floe_str prefix) {
    floe_value begin = {.type = {.kind = FLOE_KIND_STRING}, .as.bytes = prefix};
    bool below = !range->has_lower;
    if (!below) {
        floe_str lower = range->lower.as.bytes;
        floe_str cut = {lower.ptr, lower.len < prefix.len ? lower.len : prefix.len};
        below = floe_str_compare(cut, prefix) <= 0;
    }
    return below && may_ge(range, &begin);
}

static unsigned like(const floe_pruner *pruner, const floe_expr *expr) {
    const floe_prune_column *column = find(pruner, expr->args[0]);
    const floe_expr *pattern = expr->args[1];
    if (column == NULL || column->field == NULL || pattern->op != FLOE_EXPR_LITERAL || contradicts(&column->range)) {
        return FLOE_MAY_ALL;
    }
    if (pattern->literal.is_null) {
        return FLOE_MAY_NULL;
    }
    const floe_range *range = &column->range;
    unsigned result = range->maybe_null ? FLOE_MAY_NULL : 0;
    if (range->maybe_value && range->exact) {
        bool passes = holds(FLOE_EXPR_LIKE, &range->lower, &pattern->literal);
        result |= outcomes(passes, !passes);
    } else if (range->maybe_value) {
        result |= outcomes(may_begin(range, literal_prefix(pattern->literal.as.bytes)), true);
    }
    return result;
}

static unsigned is_null(const floe_pruner *pruner, const floe_expr *arg) {
    const floe_prune_column *column = find(pruner, arg);
    if (column != NULL) {
        const floe_range *range = &column->range;
        return contradicts(range) ? FLOE_MAY_TRUE | FLOE_MAY_FALSE : outcomes(range->maybe_null, range->maybe_value);
    }
    if (arg->op == FLOE_EXPR_LITERAL) {
        return outcomes(arg->literal.is_null, !arg->literal.is_null);
    }
    unsigned inner = floe_prune_outcomes(pruner, arg);
    return outcomes(inner & FLOE_MAY_NULL, inner & (FLOE_MAY_TRUE | FLOE_MAY_FALSE));
}

static unsigned leaf(const floe_pruner *pruner, const floe_expr *expr) {
    static const floe_value YES = {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = true};
    const floe_prune_column *column = find(pruner, expr);
    bool boolean = expr->type.kind == FLOE_KIND_BOOL;
    if (column != NULL && boolean) {
        /* TRUE where the column equals TRUE; FALSE where it lies below. */
        return compare_column(column, FLOE_EXPR_GE, &YES);
    }
    if (expr->op == FLOE_EXPR_LITERAL) {
        return expr->literal.is_null ? FLOE_MAY_NULL
               : boolean             ? outcomes(expr->literal.as.boolean, !expr->literal.as.boolean)
                                     : FLOE_MAY_ALL;
    }
    return FLOE_MAY_ALL;
}

unsigned floe_prune_outcomes(const floe_pruner *pruner, const floe_expr *expr) {
    switch (expr->op) {
    case FLOE_EXPR_AND:
    case FLOE_EXPR_OR: {
        unsigned result = floe_prune_outcomes(pruner, expr->args[0]);
        for (uint32_t i = 1; i < expr->arg_count; i++) {
            unsigned next = floe_prune_outcomes(pruner, expr->args[i]);
            result = expr->op == FLOE_EXPR_AND ? both(result, next) : either(result, next);
        }
        return result;
    }
    case FLOE_EXPR_NOT:
        return negated(floe_prune_outcomes(pruner, expr->args[0]));
    case FLOE_EXPR_IS_NULL:
        return is_null(pruner, expr->args[0]);
    case FLOE_EXPR_IN:
        return in_list(pruner, expr);
    case FLOE_EXPR_LIKE:
        return like(pruner, expr);
    case FLOE_EXPR_LITERAL:
    case FLOE_EXPR_COLUMN:
        return leaf(pruner, expr);
    case FLOE_EXPR_EQ:
    case FLOE_EXPR_NE:
    case FLOE_EXPR_LT:
    case FLOE_EXPR_LE:
    case FLOE_EXPR_GT:
    case FLOE_EXPR_GE:
        return comparison(pruner, expr->op, expr->args[0], expr->args[1]);
    default: /* Arithmetic, CASE, functions: nothing is known. */
        return FLOE_MAY_ALL;
    }
}
