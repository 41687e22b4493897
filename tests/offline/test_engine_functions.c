/*
 * Aggregates and the evaluator that floe adds to SQL, asked directly: over one group, many groups on several threads (which merge
 * states), no rows and nulls. Exact sums are held against figures that hold by construction, statistics against Python's.
 */
#include "tests/offline/sql_support.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <string.h>

static sql_fixture *fixture;

static void check(const char *sql, const char *want) {
    const char *got = sql_text(fixture, sql, NULL);
    if (strcmp(got, want) != 0) {
        fail_msg("%s\n gives %s, not %s", sql, got, want);
    }
}

static void sum__hostile_order__is_exact(void **state) {
    (void)state;
    check("SELECT floe_sum(x) FROM (VALUES (1e300), (1e0), (-1e300)) t(x)", "1.0");
    check("SELECT floe_sum(x) FROM (VALUES (5e-324), (1e0), (-1e0)) t(x)", "5e-324");
    check("SELECT floe_sum(x) FROM (VALUES ('Infinity'::DOUBLE), ('-Infinity'::DOUBLE)) t(x)", "NaN");
    check("SELECT floe_sum(x) FROM (VALUES ('Infinity'::DOUBLE), (1e308)) t(x)", "Infinity");
    /* Ten tenths, each a little more than a tenth, are one when rounded once (math.fsum). */
    check("SELECT floe_sum(0.1::DOUBLE) FROM range(10)", "1.0");
}

static void aggregates__no_values__are_null_or_zero(void **state) {
    (void)state;
    check("SELECT floe_sum(x), floe_mean(x), floe_stddev(x), floe_variance_pop(x), floe_percentile(x, 0.5), "
          "floe_approx_count_distinct(x) FROM (SELECT NULL::DOUBLE AS x FROM range(3))",
          "∅|∅|∅|∅|∅|0");
    check("SELECT floe_decimal_sum(x), floe_decimal_sum(x) FILTER (WHERE x > 0), floe_decimal_sum(-x) FILTER (WHERE x "
          "< 0), "
          "floe_decimal_sum(x) FILTER (WHERE x = 1) FROM (VALUES "
          "(99999999999999999999999999999999999.999::DECIMAL(38,3)), "
          "(99999999999999999999999999999999999.999), (-99999999999999999999999999999999999.999)) t(x)",
          "99999999999999999999999999999999999.999||99999999999999999999999999999999999.999|∅");
    check("SELECT floe_sum(x), floe_approx_count_distinct(x) FROM (SELECT 1::DOUBLE AS x) WHERE x > 1", "∅|0");
    check("SELECT floe_variance(x), floe_stddev(x), floe_variance_pop(x), floe_stddev_pop(x) FROM (VALUES (7.5)) t(x)",
          "∅|∅|0.0|0.0");
}

/* statistics.variance([2, 4, 4, 4, 5, 5, 7, 9]) = 32/7, pvariance 4, pstdev 2. */
static void deviations__of_every_number_type__agree(void **state) {
    (void)state;
    static const char *const types[] = {"INTEGER",      "BIGINT",       "FLOAT",         "DOUBLE",
                                        "DECIMAL(4,1)", "DECIMAL(9,2)", "DECIMAL(18,3)", "DECIMAL(38,4)"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char sql[400];
        snprintf(sql, sizeof sql,
                 "SELECT floe_variance(x::%s), floe_variance_pop(x::%s), floe_stddev_pop(x::%s), floe_mean(x::%s) FROM "
                 "(SELECT unnest([2, 4, 4, 4, 5, 5, 7, 9]) AS x)",
                 types[i], types[i], types[i], types[i]);
        check(sql, "4.571428571428571|4.0|2.0|5.0");
    }
    check("SELECT floe_stddev(x), floe_mean(x) FROM (VALUES ('Infinity'::DOUBLE), (1.0)) t(x)", "NaN|Infinity");
    check("SELECT floe_stddev(x) FROM (VALUES (1e15 + 0.25), (1e15 + 0.25)) t(x)", "0.0");
}

static void percentile__ranks__are_interpolated(void **state) {
    (void)state;
    check("SELECT floe_percentile(x, 0), floe_percentile(x, 0.5), floe_percentile(x, 0.25), floe_percentile(x, 1) FROM "
          "(SELECT unnest([40, 10, 30, 20])::DOUBLE AS x)",
          "10.0|25.0|17.5|40.0");
    check("SELECT floe_percentile(x, 1) FROM (VALUES (1.0), ('NaN'::DOUBLE), (3.0)) t(x)", "NaN");
}

/* 1.6 % of error is published; five times that is never reached. DuckDB's own says 1,249 of a thousand. */
static void approx_count_distinct__of_many__is_near(void **state) {
    (void)state;
    check("SELECT abs(floe_approx_count_distinct(i) - 1000) < 80 FROM range(1000) t(i)", "true");
    check("SELECT abs(floe_approx_count_distinct(i % 50000) - 50000) < 4000 FROM range(500000) t(i)", "true");
    check("SELECT floe_approx_count_distinct(x) FROM (VALUES (0.0), (-0.0), ('NaN'::DOUBLE), (-'NaN'::DOUBLE)) t(x)",
          "2");
    check("SELECT floe_approx_count_distinct(x) FROM (VALUES ('a'), ('b'), ('a'), (NULL)) t(x)", "2");
}

/* Groups over many rows are gathered by several threads and merged; each way must be the same value. */
static void aggregates__merged_states__are_one(void **state) {
    (void)state;
    check("SELECT count(*) FROM (SELECT i % 7 AS g, floe_sum(i * 0.1) AS s, floe_stddev(i * 0.1) AS d, "
          "floe_approx_count_distinct(i) AS c, floe_percentile(i, 0.3) AS p FROM range(400000) t(i) GROUP BY g) a JOIN "
          "(SELECT i % 7 AS g, floe_sum(i * 0.1) AS s, floe_stddev(i * 0.1) AS d, floe_approx_count_distinct(i) AS c, "
          "floe_percentile(i, 0.3) AS p FROM (SELECT i FROM range(400000) t(i) ORDER BY hash(i)) GROUP BY g) b "
          "ON a.g = b.g AND a.s = b.s AND a.d = b.d AND a.c = b.c AND a.p = b.p",
          "7");
}

static void eval__columns__are_fields_of_the_struct(void **state) {
    (void)state;
    check("SELECT floe_eval_int('\"c0\" * 2 + \"c1\"', {'c0': i, 'c1': 1}) FROM range(3) t(i)", "1;3;5");
    check("SELECT floe_eval_bool('\"c0\" IS NULL', {'c0': x}) FROM (VALUES (1), (NULL)) t(x)", "false;true");
    check("SELECT floe_eval_text('concat(\"c0\", ''!'')', {'c0': x}) FROM (VALUES ('a'), (NULL)) t(x)", "a!;∅");
    check("SELECT floe_eval_real('\"c0\" / 4', {'c0': x}) FROM (VALUES (1.5::DECIMAL(4,2))) t(x)", "0.375");
    check(
        "SELECT count(*) FROM (SELECT floe_eval_int('\"c0\" % 3', {'c0': i}) AS r FROM range(10000) t(i)) WHERE r = 1",
        "3333");
}

static void eval__wrong_text__is_an_error_of_the_query(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(floe_session_run(fixture->session, "SELECT floe_eval_int('1 +', {'c0': 1})", NULL, NULL, &err),
                FLOE_INVALID);
    assert_message(&err, "expression, character 4");
    floe_error_clear(&err);
    assert_code(floe_session_run(fixture->session, "SELECT floe_eval_int('\"c7\"', {'c0': 1})", NULL, NULL, &err),
                FLOE_INVALID);
    assert_message(&err, "no column c7");
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
        cmocka_unit_test(sum__hostile_order__is_exact),
        cmocka_unit_test(aggregates__no_values__are_null_or_zero),
        cmocka_unit_test(deviations__of_every_number_type__agree),
        cmocka_unit_test(percentile__ranks__are_interpolated),
        cmocka_unit_test(approx_count_distinct__of_many__is_near),
        cmocka_unit_test(aggregates__merged_states__are_one),
        cmocka_unit_test(eval__columns__are_fields_of_the_struct),
        cmocka_unit_test(eval__wrong_text__is_an_error_of_the_query),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
