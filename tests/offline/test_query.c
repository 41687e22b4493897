/*
 * Small results of the engine as values: rows in order, texts that outlive their batch, and the columns of a query or table.
 */
#include "tests/offline/sql_support.h"
#include "tests/support/support.h"

#include <stdio.h>

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

static floe_query_rows query(const char *sql, const floe_sql_params *params) {
    floe_error err = {0};
    floe_query_rows rows;
    must(floe_session_query(fixture.session, sql, params, &fixture.arena, &rows, &err), &err);
    return rows;
}

/* A batch of the engine holds 2048 rows: 5000 come in three. */
static void query__rows_of_several_batches__come_in_order_and_outlive_them(void **state) {
    (void)state;
    floe_query_rows rows = query("SELECT range, 'text number ' || range FROM range(5000) ORDER BY range", NULL);
    assert_int_equal(rows.row_count, 5000);
    assert_int_equal(rows.column_count, 2);
    for (size_t i = 0; i < rows.row_count; i++) {
        char want[32];
        snprintf(want, sizeof(want), "text number %zu", i);
        assert_int_equal(rows.values[2 * i].as.integer, i);
        assert_true(floe_str_is(rows.values[2 * i + 1].as.bytes, want));
    }
}

static void query__without_rows__has_columns(void **state) {
    (void)state;
    floe_query_rows rows = query("SELECT 1 AS a, 2 AS b WHERE false", NULL);
    assert_int_equal(rows.row_count, 0);
    assert_int_equal(rows.column_count, 2);
}

static void query__nulls_and_parameters__arrive(void **state) {
    (void)state;
    floe_value text = {.type = {.kind = FLOE_KIND_STRING}, .as.bytes = FLOE_STR("it's")};
    floe_query_rows rows = query("SELECT CAST($1 AS VARCHAR), CAST(NULL AS BIGINT)", &(floe_sql_params){&text, 1});
    assert_true(floe_str_is(rows.values[0].as.bytes, "it's"));
    assert_true(rows.values[1].is_null);
}

static void query__that_fails__says_why_and_leaves_the_session_usable(void **state) {
    (void)state;
    floe_error err = {0};
    floe_query_rows rows;
    assert_code(floe_session_query(fixture.session, "SELECT nothing", NULL, &fixture.arena, &rows, &err), FLOE_INVALID);
    assert_message(&err, "nothing");
    assert_int_equal(query("SELECT 7", NULL).values[0].as.integer, 7);
}

static void describe__of_a_query_and_of_a_table__are_names_and_types(void **state) {
    (void)state;
    sql_run(&fixture, "CREATE TEMP TABLE t(\"odd 'name\" DECIMAL(9,2), l BIGINT[])");
    static const char *const QUERIES[] = {"t", "SELECT * FROM t", "FROM t LIMIT 0"};
    for (size_t i = 0; i < sizeof(QUERIES) / sizeof(QUERIES[0]); i++) {
        floe_error err = {0};
        const floe_query_column *columns = NULL;
        size_t count = 0;
        must(floe_session_describe(fixture.session, QUERIES[i], &fixture.arena, &columns, &count, &err), &err);
        assert_int_equal(count, 2);
        assert_true(floe_str_is(columns[0].name, "odd 'name") && floe_str_is(columns[0].type, "DECIMAL(9,2)"));
        assert_true(floe_str_is(columns[1].name, "l") && floe_str_is(columns[1].type, "BIGINT[]"));
    }
}

static void describe__of_what_is_not_there__fails(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_query_column *columns = NULL;
    size_t count = 0;
    assert_code(floe_session_describe(fixture.session, "no_such", &fixture.arena, &columns, &count, &err),
                FLOE_INVALID);
    assert_message(&err, "no_such");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(query__rows_of_several_batches__come_in_order_and_outlive_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(query__without_rows__has_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(query__nulls_and_parameters__arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(query__that_fails__says_why_and_leaves_the_session_usable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(describe__of_a_query_and_of_a_table__are_names_and_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(describe__of_what_is_not_there__fails, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
