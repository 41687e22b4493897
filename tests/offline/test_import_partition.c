/*
 * Partition transforms as SQL, against the figures of the Iceberg table spec (Appendix B and "Partition Transforms"), and
 * the folder names made from their values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "offline/iceberg/metadata.h"
#include "offline/import/import_int.h"
#include "tests/offline/sql_support.h"
#include "tests/support/support.h"

#include "core/limits.h"

#include <math.h>
#include <string.h>

static sql_fixture fixture;

static int set_up(void **state) {
    (void)state;
    sql_fixture_open(&fixture);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sql_fixture_close(&fixture);
    return 0;
}

/* The transform of a constant, as the import computes it: the SQL type is found as the import finds it. */
static const char *transformed(const char *transform, const char *constant) {
    floe_error err = {0};
    const floe_ice_type *type = NULL;
    const char *name = sql_text(&fixture, floe_arena_printf(&fixture.arena, "SELECT typeof(%s)", constant), NULL);
    must(floe_import_type_parse(floe_str_of(name), &fixture.arena, &type, &err), &err);
    floe_ice_field source = {.id = 1, .name = FLOE_STR("a \"b"), .type = type};
    floe_ice_partition_field field = {.source_id = 1, .name = FLOE_STR("p")};
    floe_ice_type result;
    floe_ice_transform_parse(floe_str_of(transform), &field);
    field.transform_text = floe_str_of(transform);
    must(floe_ice_transform_type(&field, &source, &result, &err), &err);
    FLOE_AUTO_BUF sql, result_type;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_init(&result_type, 100);
    floe_import_type_sql(&result_type, &result);
    floe_buf_text(&sql, "SELECT p, typeof(p) FROM (SELECT ");
    floe_import_transform_sql(&field, &source, &sql);
    floe_buf_printf(&sql, " AS p FROM (SELECT %s AS \"a \"\"b\"))", constant);
    char *answer = floe_arena_strdup(&fixture.arena, sql_text(&fixture, floe_buf_view(&sql).ptr, NULL));
    char *bar = strrchr(answer, '|');
    assert_string_equal(bar + 1, result_type.ptr); /* what the manifest says is what the engine gives */
    *bar = 0;
    return answer;
}

typedef struct transform_case {
    const char *transform, *constant, *expected;
} transform_case;

static void check(const transform_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *answer = transformed(cases[i].transform, cases[i].constant);
        if (strcmp(answer, cases[i].expected) != 0) {
            fail_msg("%s of %s: %s, the spec says %s", cases[i].transform, cases[i].constant, answer,
                     cases[i].expected);
        }
    }
}

/* (hash & 0x7fffffff) mod N, from the hashes of Appendix B: with N = 2^31 - 1 the bucket of a positive hash is the hash;
 * -500754589 & 0x7fffffff = 1646729059, -653330422 → 1494153226, -2047944441 → 99539207, -188683207 → 1958800441,
 * -662762989 → 1484720659, -1207196810 → 940286838. */
static void bucket__appendix_b__matches_for_every_type(void **state) {
    (void)state;
    static const transform_case CASES[] = {
        {"bucket[2147483647]", "34::INTEGER", "2017239379"},
        {"bucket[2147483647]", "34::BIGINT", "2017239379"},
        {"bucket[2147483647]", "14.20::DECIMAL(9,2)", "1646729059"},
        {"bucket[2147483647]", "14.20::DECIMAL(38,2)", "1646729059"},
        {"bucket[2147483647]", "DATE '2017-11-16'", "1494153226"},
        {"bucket[2147483647]", "TIME '22:31:08'", "1484720659"},
        {"bucket[2147483647]", "TIMESTAMP '2017-11-16 22:31:08'", "99539207"},
        {"bucket[2147483647]", "TIMESTAMP '2017-11-16 22:31:08.000001'", "940286838"},
        {"bucket[2147483647]", "TIMESTAMPTZ '2017-11-16 14:31:08-08:00'", "99539207"},
        {"bucket[2147483647]", "'iceberg'", "1210000089"},
        {"bucket[2147483647]", "UUID 'f79c3e09-677c-4bbd-a479-3f349cb785e7'", "1488055340"},
        {"bucket[2147483647]", "from_hex('00010203')", "1958800441"},
        {"bucket[16]", "34::INTEGER", "3"}, /* 2017239379 mod 16 */
        {"bucket[1]", "'iceberg'", "0"},
        {"bucket[10]", "CAST(NULL AS VARCHAR)", "∅"},
    };
    check(CASES, sizeof CASES / sizeof *CASES);
}

/* Small fractions and negatives: the unscaled value must keep its sign. 0.05 and -0.05 are unscaled 5 and -5, so that their
 * buckets are those of decimals (5, 0) and (-5, 0). */
static void bucket__decimal__hashes_the_unscaled_value(void **state) {
    (void)state;
    assert_string_equal(transformed("bucket[1000]", "0.05::DECIMAL(9,2)"),
                        transformed("bucket[1000]", "5::DECIMAL(9,0)"));
    assert_string_equal(transformed("bucket[1000]", "(-0.05)::DECIMAL(9,2)"),
                        transformed("bucket[1000]", "(-5)::DECIMAL(9,0)"));
}

static void truncate__spec_examples__match(void **state) {
    (void)state;
    static const transform_case CASES[] = {
        {"truncate[10]", "1::INTEGER", "0"},
        {"truncate[10]", "(-1)::INTEGER", "-10"},
        {"truncate[10]", "1::BIGINT", "0"},
        {"truncate[10]", "(-1)::BIGINT", "-10"},
        {"truncate[10]", "(-10)::BIGINT", "-10"},
        {"truncate[50]", "10.65::DECIMAL(9,2)", "10.50"},
        {"truncate[10]", "(-0.05)::DECIMAL(9,2)", "-0.10"}, /* -5 - (((-5 % 10) + 10) % 10) = -10 */
        {"truncate[1]", "10.65::DECIMAL(38,2)", "10.65"},
        {"truncate[3]", "'iceberg'", "ice"},
        {"truncate[3]", "'ic'", "ic"},
        {"truncate[2]", "'é€😀'", "é€"}, /* characters, not bytes */
        {"truncate[2]", "from_hex('010203')", "AQI="},
        {"truncate[10]", "9223372036854775807::BIGINT", "9223372036854775800"},
        {"truncate[10]", "CAST(NULL AS INTEGER)", "∅"},
    };
    check(CASES, sizeof CASES / sizeof *CASES);
}

/* What the transform refuses: -2147483648 - (-2147483648 mod 10 = 2) = -2147483650 is below int32, and so for the others; hour
 * 2^31 begins in the year 246953. */
static void transforms__whose_result_does_not_fit__name_column_and_value(void **state) {
    (void)state;
    static const struct {
        const char *transform, *type, *value;
    } CASES[] = {{"truncate[10]", "INTEGER", "-2147483648"},
                 {"truncate[10]", "BIGINT", "-9223372036854775808"},
                 {"truncate[10]", "DECIMAL(4,2)", "-99.99"},
                 {"hour", "TIMESTAMP", "246953-11-09 00:00:00"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        floe_query_rows rows;
        const floe_ice_type *type = NULL;
        must(floe_import_type_parse(floe_str_of(CASES[i].type), &fixture.arena, &type, &err), &err);
        floe_ice_field source = {.id = 1, .name = FLOE_STR("it's"), .type = type};
        floe_ice_partition_field field = {.source_id = 1, .transform_text = floe_str_of(CASES[i].transform)};
        floe_ice_transform_parse(floe_str_of(CASES[i].transform), &field);
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, FLOE_MIB(1));
        floe_buf_text(&sql, "SELECT ");
        floe_import_transform_sql(&field, &source, &sql);
        floe_buf_printf(&sql, " FROM (SELECT CAST(unnest(['%s', NULL]) AS %s) AS \"it's\")", CASES[i].value,
                        CASES[i].type);
        assert_code(floe_session_query(fixture.session, sql.ptr, NULL, &fixture.arena, &rows, &err), FLOE_INVALID);
        assert_message(&err, "--partition: column \"it's\" has the value ");
        assert_message(&err, CASES[i].value);
        assert_message(&err, CASES[i].transform);
    }
}

/* 2017 is year 47; 2017-11 is month 47 * 12 + 10 = 574; 2017-11-16 is day 17486; 22:31:08 of it hour 17486 * 24 + 22. */
static void times__spec_and_floor__match(void **state) {
    (void)state;
    static const transform_case CASES[] = {
        {"year", "DATE '2017-11-16'", "47"},
        {"month", "DATE '2017-11-16'", "574"},
        {"day", "DATE '2017-11-16'", "2017-11-16"},
        {"year", "TIMESTAMP '2017-11-16 22:31:08'", "47"},
        {"month", "TIMESTAMP '2017-11-16 22:31:08'", "574"},
        {"day", "TIMESTAMP '2017-11-16 22:31:08'", "2017-11-16"},
        {"hour", "TIMESTAMP '2017-11-16 22:31:08'", "419686"},
        {"hour", "TIMESTAMPTZ '2017-11-16 14:31:08-08:00'", "419686"},
        {"year", "TIMESTAMP '1969-12-31 23:59:59.999999'", "-1"},
        {"month", "TIMESTAMP '1969-12-31 23:59:59.999999'", "-1"},
        {"day", "TIMESTAMP '1969-12-31 23:59:59.999999'", "1969-12-31"},
        {"hour", "TIMESTAMP '1969-12-31 23:59:59.999999'", "-1"},
        {"hour", "TIMESTAMP '1969-12-31 23:00:00'", "-1"},
        {"hour", "TIMESTAMP '1969-12-31 22:59:59'", "-2"},
        {"year", "DATE '1970-01-01'", "0"},
        {"month", "DATE '1968-02-29'", "-23"},
        {"year", "DATE '0001-01-01'", "-1969"},
        {"day", "CAST(NULL AS TIMESTAMP)", "∅"},
        {"month", "TIMESTAMPTZ '2001-02-01 00:30:00+01'", "372"}, /* still January in UTC: 31 * 12 */
    };
    check(CASES, sizeof CASES / sizeof *CASES);
}

static void identity_and_void__keep_the_type(void **state) {
    (void)state;
    static const transform_case CASES[] = {
        {"identity", "'x'", "x"},
        {"identity", "1.5::DOUBLE", "1.5"},
        {"void", "1.50::DECIMAL(9,2)", "∅"},
        {"void", "DATE '2001-01-01'", "∅"},
    };
    check(CASES, sizeof CASES / sizeof *CASES);
}

/* ---- folders ---- */

static const char *folder(const char *transform, floe_value value) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_ice_partition_field field = {.name = FLOE_STR("a b")};
    floe_ice_transform_parse(floe_str_of(transform), &field);
    floe_ice_spec spec = {.fields = &field, .field_count = 1};
    floe_import_partition_path(&spec, &value, &out);
    return floe_arena_strndup(&fixture.arena, floe_buf_view(&out).ptr, out.len);
}

static floe_value int_value(int32_t value) {
    return (floe_value){.type.kind = FLOE_KIND_INT32, .as.integer = value};
}

static void path__periods__read_as_dates(void **state) {
    (void)state;
    assert_string_equal(folder("year", int_value(47)), "a%20b=2017");
    assert_string_equal(folder("month", int_value(574)), "a%20b=2017-11");
    assert_string_equal(folder("month", int_value(-1)), "a%20b=1969-12");
    assert_string_equal(folder("month", int_value(0)), "a%20b=1970-01");
    assert_string_equal(folder("hour", int_value(419686)), "a%20b=2017-11-16-22");
    assert_string_equal(folder("hour", int_value(-1)), "a%20b=1969-12-31-23");
    assert_string_equal(folder("bucket[4]", int_value(3)), "a%20b=3");
    assert_string_equal(folder("day", (floe_value){.type.kind = FLOE_KIND_DATE, .as.integer = 17486}),
                        "a%20b=2017-11-16");
    assert_string_equal(folder("year", floe_value_null((floe_type){.kind = FLOE_KIND_INT32})), "a%20b=null");
}

static void path__odd_text__stays_one_plain_component(void **state) {
    (void)state;
    assert_string_equal(folder("identity", floe_value_string(FLOE_STR("../../etc"))), "a%20b=%2E.%2F..%2Fetc");
    assert_string_equal(folder("identity", floe_value_string(FLOE_STR(""))), "a%20b=");
    assert_string_equal(folder("identity", floe_value_string(FLOE_STR("a=b/*?[é"))), "a%20b=a%3Db%2F%2A%3F%5B%C3%A9");
    char long_text[2000];
    memset(long_text, '/', sizeof long_text);
    const char *path = folder("identity", floe_value_string((floe_str){long_text, sizeof long_text}));
    assert_true(strlen(path) < 200); /* below the 255 bytes of a file name */
}

#define PARTITION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PARTITION_TEST(bucket__appendix_b__matches_for_every_type),
        PARTITION_TEST(bucket__decimal__hashes_the_unscaled_value),
        PARTITION_TEST(truncate__spec_examples__match),
        PARTITION_TEST(transforms__whose_result_does_not_fit__name_column_and_value),
        PARTITION_TEST(times__spec_and_floor__match),
        PARTITION_TEST(identity_and_void__keep_the_type),
        PARTITION_TEST(path__periods__read_as_dates),
        PARTITION_TEST(path__odd_text__stays_one_plain_component),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
