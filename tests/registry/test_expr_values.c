/*
 * What expressions compute, against oracles that share nothing with the evaluator: 128-bit arithmetic, identities
 * between functions, and counting by hand, over random values with every edge among them.
 */
#include "core/time.h"
#include "registry/registry.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static floe_arena arena;

static const floe_column columns[] = {
    {FLOE_STR("a"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("b"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("p"), {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = 3}},
    {FLOE_STR("q"), {.kind = FLOE_KIND_DECIMAL, .precision = 15, .scale = 5}},
    {FLOE_STR("x"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("y"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("s"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("t"), {.kind = FLOE_KIND_TIMESTAMP}},
};
enum { A, B, P, Q, X, Y, S, DAY, T, COLUMNS };

static floe_value evaluate(const char *text, const floe_value *row) {
    floe_expr *expr = NULL;
    floe_error err = {0};
    assert_ok(floe_expr_parse(&arena, floe_str_of(text), &expr, &err), &err);
    assert_ok(floe_expr_bind_value(expr, &arena, columns, COLUMNS, &err), &err);
    return floe_expr_eval(expr, row, &arena);
}

static void expect_true(const char *text, const floe_value *row, uint64_t seed) {
    floe_value value = evaluate(text, row);
    if (value.is_null || !value.as.boolean) {
        fail_msg("seed %llu: %s is not true", (unsigned long long)seed, text);
    }
}

static int64_t random_whole(floe_test_rng *rng) {
    static const int64_t edges[] = {0,         1,        -1, 2, -2, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1,
                                    INT32_MAX, INT32_MIN};
    switch (floe_test_below(rng, 3)) {
    case 0:
        return edges[floe_test_below(rng, 11)];
    case 1:
        return floe_test_between(rng, -20, 20);
    default:
        return floe_test_between(rng, -(INT64_C(1) << 40), INT64_C(1) << 40);
    }
}

static double random_real(floe_test_rng *rng) {
    static const double edges[] = {0, -0.0, 1, -1, 1e308, -1e308, 5e-324, INFINITY, -INFINITY, NAN, 0.5, -2.5, 1e15};
    return floe_test_below(rng, 2) ? edges[floe_test_below(rng, 13)]
                                   : ldexp((double)floe_test_between(rng, -4096, 4096), -5);
}

static void random_row(floe_test_rng *rng, floe_value *row) {
    static const char *const texts[] = {"",   "a",     "Abc", "\xc3\x84\xc3\xb6 x", "\xd0\x96\xd0\xb6", "12",
                                        " 7", "-3.50", "z_%"};
    for (int i = 0; i < COLUMNS; i++) {
        row[i] = (floe_value){.type = columns[i].type};
    }
    row[A].as.integer = random_whole(rng);
    row[B].as.integer = random_whole(rng);
    row[P].as.decimal = floe_test_between(rng, -(INT64_C(1) << 62), INT64_C(1) << 62);
    row[Q].as.decimal = floe_test_between(rng, -300000, 300000);
    row[X].as.real = random_real(rng);
    row[Y].as.real = random_real(rng);
    row[S].as.bytes = floe_str_of(texts[floe_test_below(rng, 9)]);
    row[DAY].as.integer = floe_test_between(rng, -200000, 200000);
    row[T].as.integer = floe_test_between(rng, -(INT64_C(1) << 53), INT64_C(1) << 53);
}

/* ---- integers ---- */

static void check_whole(const char *text, const floe_value *row, bool defined, __int128 want, uint64_t seed) {
    floe_value got = evaluate(text, row);
    bool fits = defined && want >= INT64_MIN && want <= INT64_MAX;
    if (got.is_null == fits || (fits && got.as.integer != (int64_t)want)) {
        fail_msg("seed %llu: %s of %lld and %lld gives %lld%s", (unsigned long long)seed, text,
                 (long long)row[A].as.integer, (long long)row[B].as.integer, (long long)got.as.integer,
                 got.is_null ? " (null)" : "");
    }
}

static void arithmetic__integers__are_those_of_128_bits_or_null(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 2000; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_value row[COLUMNS];
        random_row(&rng, row);
        __int128 a = row[A].as.integer, b = row[B].as.integer;
        check_whole("a + b", row, true, a + b, seed + i);
        check_whole("a - b", row, true, a - b, seed + i);
        check_whole("a * b", row, true, a * b, seed + i);
        check_whole("a % b", row, b != 0, b != 0 ? a % b : 0, seed + i);
        check_whole("-a", row, true, -a, seed + i);
        check_whole("abs(a)", row, true, a < 0 ? -a : a, seed + i);
        check_whole("cast(cast(a AS string) AS int64)", row, true, a, seed + i);
        check_whole("cast(cast(a AS decimal(19,0)) AS int64)", row, true, a, seed + i);
        check_whole("clip(a, -5, 5)", row, true, a < -5 ? -5 : a > 5 ? 5 : a, seed + i);
        check_whole("least(a, b)", row, true, a < b ? a : b, seed + i);
        check_whole("greatest(a, b)", row, true, a > b ? a : b, seed + i);
        check_whole("bucketize(a, [b, 0])", row, true, (b <= a) + (a >= 0), seed + i);
        check_whole("CASE WHEN a > b THEN a ELSE b END", row, true, a > b ? a : b, seed + i);
        check_whole("if(a = b, 1, 0)", row, true, a == b, seed + i);
        check_whole("floor(a) + ceil(a) - round(a)", row, a + a >= INT64_MIN && a + a <= INT64_MAX, a, seed + i);
        floe_arena_reset(&arena);
    }
}

/* ---- decimals: as whole numbers of the smallest unit ---- */

static void check_decimal(const char *text, const floe_value *row, unsigned scale, __int128 want, uint64_t seed) {
    floe_value got = evaluate(text, row);
    if (got.is_null || got.type.kind != FLOE_KIND_DECIMAL || got.type.scale != scale || got.as.decimal != want) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, text);
    }
}

/* Half away from zero, in units of 10^digits. */
static __int128 rounded(__int128 value, __int128 unit) {
    __int128 rest = value % unit, whole = value / unit;
    __int128 twice = rest < 0 ? -2 * rest : 2 * rest;
    return whole + (twice >= unit ? (value < 0 ? -1 : 1) : 0);
}

static void arithmetic__decimals__are_exact(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 1000; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_value row[COLUMNS];
        random_row(&rng, row);
        __int128 p = row[P].as.decimal, q = row[Q].as.decimal;
        check_decimal("p + q", row, 5, p * 100 + q, seed + i);
        check_decimal("p - q", row, 5, p * 100 - q, seed + i);
        check_decimal("p * q", row, 8, p * q, seed + i);
        check_decimal("-p", row, 3, -p, seed + i);
        check_decimal("abs(q)", row, 5, q < 0 ? -q : q, seed + i);
        if (q != 0) {
            check_decimal("p % q", row, 5, p * 100 % q, seed + i);
        }
        check_decimal("round(q)", row, 0, rounded(q, 100000), seed + i);
        check_decimal("round(q, 2)", row, 2, rounded(q, 1000), seed + i);
        check_decimal("floor(q)", row, 0, q / 100000 - (q % 100000 < 0), seed + i);
        check_decimal("ceil(q)", row, 0, q / 100000 + (q % 100000 > 0), seed + i);
        check_decimal("cast(q AS decimal(12,1))", row, 1, rounded(q, 10000), seed + i);
        check_decimal("cast(cast(p AS string) AS decimal(20,3))", row, 3, p, seed + i);
        check_decimal("coalesce(p, 0)", row, 3, p, seed + i);
        expect_true("(p < q) = (p - q < 0)", row, seed + i);
        expect_true("cast(round(q) AS int64) = cast(q AS int64)", row, seed + i);
        floe_arena_reset(&arena);
    }
}

/* ---- doubles ---- */

static void check_real(const char *text, const floe_value *row, bool null, double want, uint64_t seed) {
    floe_value got = evaluate(text, row);
    bool same = got.is_null == null && (null || got.as.real == want || (isnan(got.as.real) && isnan(want)));
    if (!same) {
        fail_msg("seed %llu: %s of %g and %g gives %g%s, not %g%s", (unsigned long long)seed, text, row[X].as.real,
                 row[Y].as.real, got.as.real, got.is_null ? " (null)" : "", want, null ? " (null)" : "");
    }
}

/* Null where the machine gives what is not finite though both arguments are, or where the function is not defined. */
static void arithmetic__doubles__are_the_machines_or_null(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 2000; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_value row[COLUMNS];
        random_row(&rng, row);
        double x = row[X].as.real, y = row[Y].as.real;
        bool both = isfinite(x) && isfinite(y);
        check_real("x + y", row, both && !isfinite(x + y), x + y, seed + i);
        check_real("x - y", row, both && !isfinite(x - y), x - y, seed + i);
        check_real("x * y", row, both && !isfinite(x * y), x * y, seed + i);
        check_real("x / y", row, y == 0 || (both && !isfinite(x / y)), x / y, seed + i);
        check_real("x % y", row, y == 0 || (both && !isfinite(fmod(x, y))), fmod(x, y), seed + i);
        check_real("-x", row, false, -x, seed + i);
        check_real("abs(x)", row, false, fabs(x), seed + i);
        check_real("floor(x)", row, false, floor(x), seed + i);
        check_real("ceil(x)", row, false, ceil(x), seed + i);
        check_real("round(x)", row, false, round(x), seed + i);
        check_real("sqrt(x)", row, x < 0, sqrt(x), seed + i);
        check_real("ln(x)", row, x <= 0, log(x), seed + i);
        check_real("log10(x)", row, x <= 0, log10(x), seed + i);
        check_real("exp(x)", row, isfinite(x) && !isfinite(exp(x)), exp(x), seed + i);
        check_real("cast(cast(x AS string) AS double)", row, false, x, seed + i);
        check_real("greatest(x, y)", row, false, isnan(x) || isnan(y) ? NAN : x >= y ? x : y, seed + i);
        check_real("least(x, y)", row, false, isnan(x) ? y : isnan(y) ? x : x <= y ? x : y, seed + i);
        check_real("if(x = y, x, y)", row, false, x == y || (isnan(x) && isnan(y)) ? x : y, seed + i);
        floe_arena_reset(&arena);
    }
}

/* A double as a decimal is its exact value rounded once: 0.125 is a tie, 0.1 lies above a tenth. */
static void cast__double_to_decimal__rounds_the_exact_value(void **state) {
    (void)state;
    static const struct {
        double real;
        const char *type, *want;
    } cases[] = {
        {0.125, "decimal(5,2)", "0.13"},
        {-0.125, "decimal(5,2)", "-0.13"},
        {0.1, "decimal(30,25)", "0.1000000000000000055511151"},
        {2.5, "decimal(3,0)", "3"},
        {-2.5, "decimal(3,0)", "-3"},
        {0.5, "decimal(1,0)", "1"},
        {0.49999999999999994, "decimal(1,0)", "0"},
        {1e22, "decimal(38,0)", "10000000000000000000000"},
        {5e-324, "decimal(38,38)", "0.00000000000000000000000000000000000000"},
        {999.995, "decimal(5,2)", NULL}, /* rounds to 1000.00, which has six digits; the double lies above the tie */
        {1e38, "decimal(38,0)", NULL},
        {INFINITY, "decimal(38,0)", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_value row[COLUMNS] = {0};
        char text[80];
        row[X] = floe_value_double(cases[i].real);
        snprintf(text, sizeof text, "cast(x AS %s)", cases[i].type);
        floe_value got = evaluate(text, row);
        FLOE_AUTO_BUF printed;
        floe_buf_init(&printed, 1000);
        floe_value_print(&got, &printed);
        if (got.is_null != (cases[i].want == NULL) || (!got.is_null && strcmp(printed.ptr, cases[i].want) != 0)) {
            fail_msg("%s of %.17g gives %s", text, cases[i].real, got.is_null ? "null" : printed.ptr);
        }
    }
}

/* ---- text ---- */

static void text__identities__hold(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 400; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_value row[COLUMNS];
        random_row(&rng, row);
        row[A].as.integer = floe_test_between(&rng, 1, 8);
        expect_true("concat(substr(s, 1, a), substr(s, a + 1)) = s", row, seed + i);
        expect_true("length(concat(s, s)) = 2 * length(s)", row, seed + i);
        expect_true("lower(upper(s)) = lower(s) AND upper(lower(s)) = upper(s)", row, seed + i);
        expect_true("length(lower(s)) = length(s)", row, seed + i);
        expect_true("length(substr(s, a)) = greatest(length(s) - a + 1, 0)", row, seed + i);
        expect_true("hash(s) = hash(concat(s, ''))", row, seed + i);
        expect_true("s LIKE concat(substr(s, 1, a), '%')", row, seed + i);
        expect_true("s LIKE '%' AND (s LIKE '_%') = (length(s) > 0)", row, seed + i);
        expect_true("s IN (s, 'no') AND NOT s NOT IN (s)", row, seed + i);
        expect_true("cast(s AS string) = s", row, seed + i);
        floe_arena_reset(&arena);
    }
}

/* Scratch that is full gives null and says so; it never gives half a text. */
static void text__full_scratch__is_null_and_said(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    floe_error err = {0};
    floe_arena small;
    floe_value row[COLUMNS] = {0};
    row[S] = floe_value_string(FLOE_STR("some text that is longer than the scratch"));
    assert_ok(floe_expr_parse(&arena, FLOE_STR("concat(s, upper(s))"), &expr, &err), &err);
    assert_ok(floe_expr_bind_value(expr, &arena, columns, COLUMNS, &err), &err);
    assert_true(floe_expr_makes_text(expr));
    floe_arena_init(&small, 16);
    assert_true(floe_expr_eval(expr, row, &small).is_null);
    assert_code(floe_arena_check(&small, &err), FLOE_LIMIT);
    floe_arena_close(&small);
    assert_ok(floe_expr_parse(&arena, FLOE_STR("s = 'x' AND length(s) > 3"), &expr, NULL), NULL);
    assert_ok(floe_expr_bind(expr, &arena, columns, COLUMNS, NULL), NULL);
    assert_false(floe_expr_makes_text(expr));
    assert_false(floe_expr_passes(expr, row, NULL));
}

/* ---- time ---- */

static void time__parts__put_together_are_the_day(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 1000; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        floe_value row[COLUMNS];
        random_row(&rng, row);
        int64_t day = row[DAY].as.integer;
        floe_value year = evaluate("year(day)", row), month = evaluate("month(day)", row),
                   of = evaluate("day(day)", row);
        assert_int_equal(floe_days_from_civil(year.as.integer, (unsigned)month.as.integer, (unsigned)of.as.integer),
                         day);
        /* 1970-01-05 was a Monday. */
        assert_int_equal(evaluate("day_of_week(day)", row).as.integer, ((day - 4) % 7 + 7) % 7 + 1);
        expect_true("cast(cast(day AS timestamp) AS date) = day", row, seed + i);
        expect_true("cast(t AS date) <= t AND hour(day) = 0 AND minute(cast(day AS timestamp)) = 0", row, seed + i);
        expect_true("year(t) = year(cast(t AS date)) AND day_of_week(t) = day_of_week(cast(t AS date))", row, seed + i);
        expect_true("cast(cast(t AS string) AS timestamp) = t", row, seed + i);
        expect_true("hour(t) BETWEEN 0 AND 23 AND minute(t) BETWEEN 0 AND 59", row, seed + i);
        floe_arena_reset(&arena);
    }
}

/* ---- nulls ---- */

/* Every operation of null is null, but for those that FACE names. */
static void nulls__go_through__everything_but_choices(void **state) {
    (void)state;
    static const char *const null[] = {"a + 1",
                                       "1 - a",
                                       "a * 0",
                                       "a / 1",
                                       "a % 1",
                                       "-a",
                                       "a < 1",
                                       "p + q",
                                       "x * y",
                                       "abs(a)",
                                       "floor(x)",
                                       "round(p, 1)",
                                       "sqrt(x)",
                                       "ln(x)",
                                       "exp(x)",
                                       "lower(s)",
                                       "length(s)",
                                       "substr(s, 1)",
                                       "concat(s, 'a')",
                                       "hash(s)",
                                       "year(day)",
                                       "hour(t)",
                                       "cast(a AS string)",
                                       "clip(a, 0, 1)",
                                       "clip(1, a, 1)",
                                       "bucketize(a, [1])",
                                       "bucketize(1, [a])",
                                       "a BETWEEN 0 AND 1",
                                       "a + 1 BETWEEN 0 AND 1",
                                       "a IN (1)",
                                       "s LIKE '%'",
                                       "NOT (a = 1)",
                                       "coalesce(a, b)",
                                       "least(a, b)",
                                       "greatest(a, b)",
                                       "CASE WHEN a = 1 THEN 1 END",
                                       "CASE a WHEN 1 THEN 1 END",
                                       "if(a = 1, 1, b)"};
    static const char *const value[] = {"coalesce(a, 1) = 1",
                                        "least(a, 1) = 1",
                                        "greatest(a, 1, b) = 1",
                                        "a IS NULL",
                                        "(a = 1) IS NULL",
                                        "a = 1 OR 1 = 1",
                                        "NOT (a = 1 AND 1 = 2)",
                                        "if(a = 1, false, true)",
                                        "CASE WHEN a = 1 THEN false ELSE true END",
                                        "CASE a WHEN NULL THEN false ELSE true END"};
    floe_value row[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        row[i] = floe_value_null(columns[i].type);
    }
    for (size_t i = 0; i < sizeof null / sizeof *null; i++) {
        if (!evaluate(null[i], row).is_null) {
            fail_msg("%s is not null", null[i]);
        }
    }
    for (size_t i = 0; i < sizeof value / sizeof *value; i++) {
        expect_true(value[i], row, 0);
    }
}

/* A branch that is not taken is not looked at for its errors: there are none, and its null does not matter. */
static void choices__untaken_branches__do_not_matter(void **state) {
    (void)state;
    floe_value row[COLUMNS] = {0};
    row[A] = floe_value_int64(0);
    row[B] = floe_value_int64(7);
    expect_true("if(a = 0, -1, b / a) = -1", row, 0);
    expect_true("CASE WHEN a <> 0 THEN b / a ELSE 0 END = 0", row, 0);
    expect_true("a = 0 OR b / a > 1", row, 0);
    expect_true("NOT (a <> 0 AND b / a > 1)", row, 0);
    expect_true("coalesce(b / a, b) = 7", row, 0);
}

static int open_arena(void **state) {
    (void)state;
    floe_arena_init(&arena, 256 << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic__integers__are_those_of_128_bits_or_null),
        cmocka_unit_test(arithmetic__decimals__are_exact),
        cmocka_unit_test(arithmetic__doubles__are_the_machines_or_null),
        cmocka_unit_test(cast__double_to_decimal__rounds_the_exact_value),
        cmocka_unit_test(text__identities__hold),
        cmocka_unit_test(text__full_scratch__is_null_and_said),
        cmocka_unit_test(time__parts__put_together_are_the_day),
        cmocka_unit_test(nulls__go_through__everything_but_choices),
        cmocka_unit_test(choices__untaken_branches__do_not_matter),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
