/*
 * Pruning compares values of one kind by itself where it may: it must agree with the expressions that filter rows, for every kind, every
 * operator and every two values, or a file would be pruned that has a row which passes.
 */
#include "tests/offline/ice_support.h"

#include "core/time.h"
#include "offline/iceberg/prune.h"

#include <math.h>

#define NUMBER(k, n)                                                                                                   \
    { .type = {.kind = FLOE_KIND_##k}, .as.integer = (n) }
#define REAL(k, n)                                                                                                     \
    { .type = {.kind = FLOE_KIND_##k}, .as.real = (n) }
#define TEXT(k, t)                                                                                                     \
    {                                                                                                                  \
        .type = {.kind = FLOE_KIND_##k}, .as.bytes = { t, sizeof(t) - 1 }                                              \
    }
#define DECIMALS(s, n)                                                                                                 \
    { .type = {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = (s)}, .as.decimal = (n) }

static const floe_value VALUES[] = {
    NUMBER(INT32, -1),
    NUMBER(INT32, 0),
    NUMBER(INT32, INT32_MAX),
    NUMBER(INT64, INT64_MIN),
    NUMBER(INT64, 0),
    NUMBER(INT64, INT64_MAX),
    NUMBER(DATE, -1),
    NUMBER(DATE, 0),
    NUMBER(DATE, 18262),
    NUMBER(TIMESTAMP, -1),
    NUMBER(TIMESTAMP, 0),
    NUMBER(TIMESTAMP, 18262 * FLOE_US_PER_DAY),
    REAL(FLOAT, -1.5),
    REAL(FLOAT, 0.0),
    REAL(FLOAT, NAN),
    REAL(DOUBLE, -0.0),
    REAL(DOUBLE, 0.0),
    REAL(DOUBLE, NAN),
    REAL(DOUBLE, INFINITY),
    TEXT(STRING, ""),
    TEXT(STRING, "a"),
    TEXT(STRING, "ab"),
    TEXT(STRING, "\xc3\xa9"),
    TEXT(STRING, "a\0b"),
    TEXT(BYTES, ""),
    TEXT(BYTES, "a"),
    TEXT(BYTES, "\xff"),
    TEXT(BYTES, "\0"),
    DECIMALS(2, -150),
    DECIMALS(2, 0),
    DECIMALS(1, 15),
    DECIMALS(2, 150),
    {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = false},
    {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = true},
};
enum { VALUE_COUNT = sizeof(VALUES) / sizeof(VALUES[0]) };
static const floe_expr_op OPS[] = {FLOE_EXPR_LT, FLOE_EXPR_LE, FLOE_EXPR_GT, FLOE_EXPR_GE, FLOE_EXPR_EQ, FLOE_EXPR_NE};

static bool is_number(floe_kind kind) {
    return floe_kind_is_number(kind);
}

static bool is_time(floe_kind kind) {
    return kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP;
}

/* What a filter may compare. */
static bool are_comparable(const floe_value *a, const floe_value *b) {
    return a->type.kind == b->type.kind || (is_number(a->type.kind) && is_number(b->type.kind)) ||
           (is_time(a->type.kind) && is_time(b->type.kind));
}

/* A column of which everything is known: each of its values is `stored`. */
static unsigned outcomes_of(floe_expr_op op, const floe_value *stored, const floe_value *literal) {
    static const floe_ice_field FIELD = {.id = 1, .name = {"c", 1}};
    floe_prune_column column = {.name = {"c", 1}, .field = &FIELD, .type = stored->type};
    column.range = floe_range_unknown(stored->type);
    column.range.maybe_null = column.range.maybe_nan = false;
    column.range.exact = column.range.has_lower = column.range.has_upper = true;
    column.range.lower = column.range.upper = *stored;
    floe_expr sides[2] = {{.op = FLOE_EXPR_COLUMN, .type = stored->type, .column = {"c", 1}},
                          {.op = FLOE_EXPR_LITERAL, .type = literal->type, .literal = *literal}};
    floe_expr *const args[2] = {&sides[0], &sides[1]};
    floe_expr filter = {.op = op, .type = {.kind = FLOE_KIND_BOOL}, .args = args, .arg_count = 2};
    floe_pruner pruner = {.filter = &filter, .columns = &column, .column_count = 1};
    return floe_prune_outcomes(&pruner, &filter);
}

static bool filter_passes(floe_expr_op op, const floe_value *left, const floe_value *right) {
    floe_expr sides[2] = {{.op = FLOE_EXPR_LITERAL, .type = left->type, .literal = *left},
                          {.op = FLOE_EXPR_LITERAL, .type = right->type, .literal = *right}};
    floe_expr *const args[2] = {&sides[0], &sides[1]};
    floe_expr filter = {.op = op, .type = {.kind = FLOE_KIND_BOOL}, .args = args, .arg_count = 2};
    return floe_expr_passes(&filter, NULL, NULL);
}

static void comparisons__of_every_two_values__are_those_of_filters(void **state) {
    (void)state;
    size_t compared = 0;
    for (size_t a = 0; a < VALUE_COUNT; a++) {
        for (size_t b = 0; b < VALUE_COUNT; b++) {
            for (size_t op = 0; op < sizeof(OPS) / sizeof(OPS[0]) && are_comparable(&VALUES[a], &VALUES[b]); op++) {
                bool passes = filter_passes(OPS[op], &VALUES[a], &VALUES[b]);
                assert_int_equal(outcomes_of(OPS[op], &VALUES[a], &VALUES[b]), passes ? FLOE_MAY_TRUE : FLOE_MAY_FALSE);
                compared++;
            }
        }
    }
    assert_true(compared > 1000);
}

/* A null on the other side is neither true nor false. */
static void comparisons__with_null__are_null(void **state) {
    (void)state;
    for (size_t a = 0; a < VALUE_COUNT; a++) {
        floe_value null = floe_value_null(VALUES[a].type);
        for (size_t op = 0; op < sizeof(OPS) / sizeof(OPS[0]); op++) {
            assert_int_equal(outcomes_of(OPS[op], &VALUES[a], &null), FLOE_MAY_NULL);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons__of_every_two_values__are_those_of_filters),
        cmocka_unit_test(comparisons__with_null__are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
