/*
 * The case table of the expression language through the generated SQL, and random expressions over random rows: the engine
 * gives the value that the C evaluator gives, of the same type.
 */
#include "core/limits.h"
#include "tests/offline/sql_support.h"
#include "tests/support/expr_cases.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sql_fixture *fixture;

static void load_row(const floe_value *row) {
    floe_error err = {0};
    floe_arrow_builder *builder = NULL;
    struct ArrowArray batch = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_STREAM stream = {0};
    must(floe_arrow_builder_open(expr_columns, EXPR_COLUMNS, &builder, &err), &err);
    must(floe_arrow_builder_row(builder, row, &err), &err);
    must(floe_arrow_builder_finish(builder, &batch, &err), &err);
    floe_arrow_builder_close(&builder);
    must(floe_arrow_schema_make(expr_columns, EXPR_COLUMNS, &schema, &err), &err);
    must(floe_arrow_stream_of_batches(&schema, &batch, 1, &stream, &err), &err);
    sql_run(fixture, "DROP TABLE IF EXISTS data");
    must(floe_session_load(fixture->session, "data", &stream, &err), &err);
}

/* The first cell of the only row, in the arena. */
static floe_value ask(const char *sql) {
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_ARRAY batch = {0};
    floe_arrow_view view;
    floe_value value;
    must(floe_session_stream(fixture->session, sql, NULL, &stream, &err), &err);
    must(floe_arrow_stream_schema(&stream, "answer", &schema, &err), &err);
    must(floe_arrow_stream_next(&stream, "answer", &batch, &err), &err);
    must(floe_arrow_view_of(&schema, &batch, 0, &view, &err), &err);
    must(floe_arrow_get(&view, 0, &fixture->arena, &value, &err), &err);
    if (!value.is_null && (value.type.kind == FLOE_KIND_STRING || value.type.kind == FLOE_KIND_BYTES)) {
        value.as.bytes = floe_arena_str(&fixture->arena, value.as.bytes);
    }
    return value;
}

static floe_expr *bind(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    must(floe_expr_parse(&fixture->arena, floe_str_of(text), &expr, &err), &err);
    must(floe_expr_bind_value(expr, &fixture->arena, expr_columns, EXPR_COLUMNS, &err), &err);
    return expr;
}

static floe_value by_sql(const floe_expr *expr) {
    floe_error err = {0};
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(4));
    floe_buf_text(&sql, "SELECT ");
    must(floe_sql_from_expr(expr, "x.", &sql, &err), &err);
    floe_buf_text(&sql, " FROM data AS x");
    return ask(sql.ptr);
}

static void expr_cases__table__is_what_the_sql_gives(void **state) {
    (void)state;
    floe_value row[EXPR_COLUMNS];
    size_t count = 0;
    expr_row(row);
    load_row(row);
    const expr_case *cases = expr_cases_read(&fixture->arena, "tests/registry/data/expr_cases.txt", &count);
    for (size_t i = 0; i < count; i++) {
        const floe_expr *expr = bind(cases[i].text);
        floe_value value = by_sql(expr);
        const char *got = expr_result(&fixture->arena, value.type, &value);
        const char *want = floe_arena_printf(&fixture->arena, "%s %s", cases[i].type, cases[i].value);
        if (strcmp(got, want) != 0) {
            fail_msg("line %d: %s: the SQL gives %s, not %s", cases[i].line, cases[i].text, got, want);
        }
    }
}

/* ---- random expressions ---- */

static void put_value(floe_test_rng *rng, int depth, char kind, floe_buf *out);

static const char *pick(floe_test_rng *rng, const char *const *words, size_t count) {
    return words[floe_test_below(rng, (uint32_t)count)];
}
#define PICK(rng, words) pick((rng), (words), sizeof(words) / sizeof *(words))

/* A leaf of a kind: number, text, condition, time. */
static void put_leaf(floe_test_rng *rng, char kind, floe_buf *out) {
    static const char *const numbers[] = {"i",   "l",    "n", "d",  "e",   "f",   "r",
                                          "nan", "zero", "0", "-1", "2.5", "3e0", "big"};
    static const char *const texts[] = {"s", "u", "x", "blank", "'a'", "'12'", "'Abc'"};
    static const char *const conditions[] = {"b", "true", "NULL", "i > 3", "x IS NULL"};
    static const char *const times[] = {"day", "t", "old", "DATE '2001-09-09'"};
    floe_buf_text(out, kind == 'n'   ? PICK(rng, numbers)
                       : kind == 's' ? PICK(rng, texts)
                       : kind == 'b' ? PICK(rng, conditions)
                                     : PICK(rng, times));
}

/* A form such as "(n + n)": letters after $ stand for values of their kind. */
static void put_form(floe_test_rng *rng, int depth, const char *form, floe_buf *out) {
    for (; *form; form++) {
        if (*form == '$') {
            put_value(rng, depth - 1, *++form, out);
        } else {
            floe_buf_byte(out, (uint8_t)*form);
        }
    }
}

static void put_value(floe_test_rng *rng, int depth, char kind, floe_buf *out) {
    static const char *const numbers[] = {"($n + $n)",
                                          "($n - $n)",
                                          "$n * $n",
                                          "($n / $n)",
                                          "($n % $n)",
                                          "-$n",
                                          "abs($n)",
                                          "floor($n)",
                                          "ceil($n)",
                                          "round($n)",
                                          "sqrt($n)",
                                          "ln($n)",
                                          "if($b, $n, $n)",
                                          "least($n, $n)",
                                          "greatest($n, $n)",
                                          "clip($n, $n, $n)",
                                          "length($s)",
                                          "hash($s)",
                                          "bucketize($n, [$n, $n])",
                                          "year($t)",
                                          "minute($t)",
                                          "day_of_week($t)",
                                          "cast($n AS int64)",
                                          "cast($s AS double)",
                                          "coalesce($n, $n)",
                                          "CASE WHEN $b THEN $n ELSE $n END",
                                          "cast($n AS decimal(12,3))",
                                          "exp($n)"};
    static const char *const texts[] = {"lower($s)",        "upper($s)",         "concat($s, $s)",
                                        "substr($s, 2)",    "if($b, $s, $s)",    "cast($n AS string)",
                                        "coalesce($s, $s)", "cast($t AS string)"};
    static const char *const conditions[] = {
        "$n < $n",    "$n = $n",       "$s <= $s", "($b AND $b)",    "($b OR $b)",           "NOT $b",
        "$n IS NULL", "$s LIKE '%a_'", "$t < $t",  "$n IN ($n, $n)", "$n BETWEEN $n AND $n", "$n >= $n"};
    static const char *const times[] = {"if($b, $t, $t)", "coalesce($t, $t)", "cast($t AS date)", "least($t, $t)"};
    if (depth <= 0) {
        put_leaf(rng, kind, out);
        return;
    }
    bool operation = kind == 'b' || kind == 'n';
    floe_buf_text(out, operation ? "(" : "");
    put_form(rng, depth,
             kind == 'n'   ? PICK(rng, numbers)
             : kind == 's' ? PICK(rng, texts)
             : kind == 'b' ? PICK(rng, conditions)
                           : PICK(rng, times),
             out);
    floe_buf_text(out, operation ? ")" : "");
}

/* A row of other values of the same types, nulls among them. */
static void random_row(floe_test_rng *rng, floe_value row[EXPR_COLUMNS]) {
    expr_row(row);
    for (int i = 0; i < EXPR_COLUMNS; i++) {
        floe_kind kind = row[i].type.kind;
        row[i].is_null = row[i].is_null || floe_test_below(rng, 6) == 0;
        if (floe_kind_is_integer(kind) && floe_test_below(rng, 2)) {
            row[i].as.integer = floe_test_between(rng, -4, 4);
        } else if (kind == FLOE_KIND_DOUBLE && floe_test_below(rng, 3) == 0) {
            row[i].as.real = (double)floe_test_between(rng, -9, 9) / 4;
        } else if (kind == FLOE_KIND_DECIMAL && row[i].type.precision == 10) {
            row[i].as.decimal = floe_test_between(rng, -500, 500);
        }
    }
}

/* FLOE_EXPR_CASES raises the number for long runs. An expression may be refused when it is bound (types that do not meet). */
static void expr__random_trees__have_one_value_in_c_and_sql(void **state) {
    (void)state;
    const char *cases_text = getenv("FLOE_EXPR_CASES");
    uint64_t cases = cases_text ? strtoull(cases_text, NULL, 10) : 400, bound = 0, seed = floe_test_seed();
    for (uint64_t i = 0; i < cases; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_error err = {0};
        floe_expr *expr = NULL;
        floe_value row[EXPR_COLUMNS];
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(1));
        if (i % 20 == 0) {
            random_row(&rng, row);
            load_row(row);
        }
        static const char kinds[] = "nsbt";
        put_value(&rng, 3, kinds[floe_test_below(&rng, 4)], &text);
        if (floe_failed(floe_expr_parse(&fixture->arena, floe_buf_view(&text), &expr, &err)) ||
            floe_failed(floe_expr_bind_value(expr, &fixture->arena, expr_columns, EXPR_COLUMNS, &err))) {
            continue;
        }
        bound++;
        floe_value got = by_sql(expr), want = floe_expr_eval(expr, row, &fixture->arena);
        if (got.is_null != want.is_null || (!got.is_null && floe_value_compare(&got, &want) != 0)) {
            fail_msg("seed %llu: %.*s: the SQL gives %s, C %s", (unsigned long long)(seed + i),
                     FLOE_STR_ARG(floe_buf_view(&text)), expr_result(&fixture->arena, got.type, &got),
                     expr_result(&fixture->arena, want.type, &want));
        }
    }
    assert_true(bound > cases / 4);
}

static int open_engine(void **state) {
    static sql_fixture opened;
    (void)state;
    sql_fixture_open(&opened);
    fixture = &opened;
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    sql_fixture_close(fixture);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr_cases__table__is_what_the_sql_gives),
        cmocka_unit_test(expr__random_trees__have_one_value_in_c_and_sql),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
