/*
 * Imports into tables that are there: overwriting by partition, changing the schema, sorting, and tables of every format
 * version made by other hands. Expected rows follow from the input and the rule of each option.
 * timeout: 600
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/import_support.h"

#include "core/file.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static import_fixture fixture;

static int set_up(void **state) {
    (void)state;
    import_fixture_open(&fixture);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    import_fixture_close(&fixture);
    return 0;
}

#define CREATE ((floe_import_request){.mode = FLOE_IMPORT_CREATE})
#define APPEND ((floe_import_request){.mode = FLOE_IMPORT_APPEND})
#define OVERWRITE ((floe_import_request){.mode = FLOE_IMPORT_OVERWRITE})
#define EVOLVE ((floe_import_request){.mode = FLOE_IMPORT_APPEND, .evolve = true})

static void refused(const char *query, floe_import_request request, floe_code code, const char *part) {
    floe_error err = {0};
    size_t files = count_files(fixture.warehouse);
    const char *before = table_text(&fixture);
    floe_status status = import_one(&fixture, input_file(&fixture, "r.parquet", query), request, &err);
    assert_int_equal(status.code, code);
    if (!strstr(err.message, part)) {
        fail_msg("%s does not say %s", err.message, part);
    }
    assert_int_equal(count_files(fixture.warehouse), files);
    assert_string_equal(table_text(&fixture), before);
}

static const char *summary(const char *key) {
    const floe_node *snapshots = floe_node_get(table_document(&fixture), "snapshots");
    const floe_node *last = floe_node_get(snapshots->items[snapshots->count - 1], "summary");
    const floe_node *text = floe_node_get(last, key);
    return text ? floe_arena_str(&fixture.sql.arena, text->text).ptr : "absent";
}

static int64_t number(const char *key) {
    return floe_node_get(table_document(&fixture), key)->as.integer;
}

/* ---- overwrite ---- */

static void overwrite__partitions_of_the_input__are_replaced_and_no_others(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'a')) t(n, k)",
                   (floe_import_request){.partition = "k"});
    import_rows_of(&fixture, "SELECT * FROM (VALUES (5, 'a'), (6, 'd')) t(n, k)", APPEND);
    import_rows_of(&fixture, "SELECT * FROM (VALUES (7, 'a'), (8, 'e')) t(n, k)", OVERWRITE);
    assert_string_equal(table_text(&fixture), "2|b;3|c;6|d;7|a;8|e");
    assert_string_equal(summary("operation"), "overwrite");
    assert_string_equal(summary("deleted-data-files"), "2");
    assert_string_equal(summary("deleted-records"), "3");
    assert_string_equal(summary("total-records"), "5");
    assert_string_equal(summary("total-data-files"), "5");
}

static void overwrite__null_partition__is_one_of_them(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) t(n, k)",
                   (floe_import_request){.partition = "k"});
    import_rows_of(&fixture, "SELECT 3 AS n, NULL::VARCHAR AS k", OVERWRITE);
    assert_string_equal(table_text(&fixture), "1|a;3|∅");
}

static void overwrite__transforms__are_compared_by_their_values(void **state) {
    (void)state;
    floe_import_request create = {.partition = "month(d), bucket(4, n), truncate(10, n)"};
    import_rows_of(&fixture,
                   "SELECT n, d FROM (VALUES (1, DATE '2020-01-05'), (1, DATE '2020-02-05'), (12, DATE '2020-01-06')) "
                   "t(n, d)",
                   create);
    /* bucket[4] of 1 and 2 differ or not; the same n lies in the same three partitions as before, whatever they are */
    import_rows_of(&fixture, "SELECT 1 AS n, DATE '2020-01-31' AS d", OVERWRITE);
    const char *text = table_text(&fixture);
    assert_null(strstr(text, "1|2020-01-05"));
    assert_non_null(strstr(text, "1|2020-02-05"));
    assert_non_null(strstr(text, "12|2020-01-06"));
    assert_non_null(strstr(text, "1|2020-01-31"));
}

static void overwrite__table_without_partitions__replaces_all(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT range AS n FROM range(3)", CREATE);
    import_rows_of(&fixture, "SELECT 9::BIGINT AS n", OVERWRITE);
    assert_string_equal(table_text(&fixture), "9");
    assert_string_equal(summary("total-records"), "1");
}

static void overwrite__no_rows__replaces_nothing(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", (floe_import_request){.partition = "k"});
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k WHERE false", OVERWRITE);
    assert_string_equal(table_text(&fixture), "1|a");
}

static void overwrite__table_that_is_not_there__is_said(void **state) {
    (void)state;
    floe_error err = {0};
    const char *file = input_file(&fixture, "r.parquet", "SELECT 1 AS n");
    assert_int_equal(import_one(&fixture, file, OVERWRITE, &err).code, FLOE_NOT_FOUND);
    assert_non_null(strstr(err.message, "--overwrite"));
}

static void overwrite__other_partitions_given__is_refused(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", (floe_import_request){.partition = "k"});
    refused("SELECT 1 AS n, 'a' AS k", (floe_import_request){.mode = FLOE_IMPORT_OVERWRITE, .partition = "n"},
            FLOE_INVALID, "--partition differs");
}

/* Random inputs against a list of rows by partition. */
static void overwrite__random_inputs__leave_what_a_list_of_rows_has(void **state) {
    (void)state;
    unsigned seed = getenv("FLOE_TEST_SEED") ? (unsigned)atoi(getenv("FLOE_TEST_SEED")) : 20012;
    print_message("seed %u\n", seed);
    sql_run(&fixture.sql, "CREATE TEMP TABLE expected (n BIGINT, k BIGINT)");
    for (int round = 0; round < 8; round++) {
        char query[400], sql[900];
        unsigned salt = (unsigned)rand_r(&seed) % 100000;
        snprintf(query, sizeof query,
                 "SELECT range + %d AS n, nullif(hash(range + %u) %% 6, 5)::BIGINT AS k FROM range(%d)", round * 100,
                 salt, 1 + rand_r(&seed) % 4);
        bool overwrite = round > 0 && rand_r(&seed) % 2;
        floe_import_request request = {.mode = round == 0  ? FLOE_IMPORT_CREATE
                                               : overwrite ? FLOE_IMPORT_OVERWRITE
                                                           : FLOE_IMPORT_APPEND,
                                       .partition = round == 0 ? "k" : NULL};
        import_rows_of(&fixture, query, request);
        if (overwrite) {
            snprintf(
                sql, sizeof sql,
                "DELETE FROM expected WHERE EXISTS (SELECT 1 FROM (%s) i WHERE i.k IS NOT DISTINCT FROM expected.k)",
                query);
            sql_run(&fixture.sql, sql);
        }
        snprintf(sql, sizeof sql, "INSERT INTO expected %s", query);
        sql_run(&fixture.sql, sql);
        const char *got = table_text(&fixture);
        const char *want = sql_text(&fixture.sql, "SELECT * FROM expected ORDER BY n", NULL);
        /* both sets: every row of one is in the other, and they are of one length */
        assert_int_equal(strlen(got), strlen(want));
        char *copy = floe_arena_strdup(&fixture.sql.arena, got), *rest = copy;
        for (char *row = strtok_r(copy, ";", &rest); row; row = strtok_r(NULL, ";", &rest)) {
            char bounded[100];
            snprintf(bounded, sizeof bounded, ";%s;", row);
            char *whole = floe_arena_printf(&fixture.sql.arena, ";%s;", want);
            assert_non_null(strstr(whole, bounded));
        }
    }
}

/* ---- evolve ---- */

static void evolve__new_column__is_null_in_older_rows(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    import_rows_of(&fixture, "SELECT 'x' AS added, 2 AS n", EVOLVE);
    assert_string_equal(table_text(&fixture), "1|∅;2|x"); /* at the end, whatever the input's order */
    assert_int_equal(number("current-schema-id"), 1);
    assert_int_equal(number("last-column-id"), 2);
    assert_int_equal(floe_node_get(table_document(&fixture), "schemas")->count, 2);
}

static void evolve__missing_column__is_left_empty(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n, 'x' AS s", CREATE);
    import_rows_of(&fixture, "SELECT 2 AS n", EVOLVE);
    assert_string_equal(table_text(&fixture), "1|x;2|∅");
    assert_int_equal(number("current-schema-id"), 0); /* nothing of the schema changed */
}

static void evolve__wider_types__are_taken_over(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS i, 1.5::FLOAT AS f, 1.25::DECIMAL(5,2) AS d", CREATE);
    import_rows_of(&fixture, "SELECT 5000000000::BIGINT AS i, 0.1::DOUBLE AS f, 99999.99::DECIMAL(9,2) AS d", EVOLVE);
    assert_string_equal(table_text(&fixture), "1|1.5|1.25;5000000000|0.1|99999.99");
    import_rows_of(&fixture, "SELECT 2::INTEGER AS i, 2.5::FLOAT AS f, 2::DECIMAL(3,2) AS d", EVOLVE);
    assert_string_equal(table_text(&fixture), "1|1.5|1.25;5000000000|0.1|99999.99;2|2.5|2.00");
    assert_int_equal(floe_node_get(table_document(&fixture), "schemas")->count, 2); /* narrower ones fit as it is */
}

/* The partitions' values are of the promoted column's type in every manifest that is written anew. */
static void evolve__partition_column__stays_one(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS k, 1 AS n", (floe_import_request){.partition = "k"});
    import_rows_of(&fixture, "SELECT 1::BIGINT AS k, 2 AS n", EVOLVE);
    assert_string_equal(table_text(&fixture), "1|1;1|2");
    import_rows_of(&fixture, "SELECT 1::BIGINT AS k, 3 AS n", OVERWRITE);
    assert_string_equal(table_text(&fixture), "1|3");
}

static void evolve__incompatible__is_refused_naming_column_and_types(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n, 'x' AS s, 1.25::DECIMAL(5,2) AS d", CREATE);
    refused("SELECT 'a' AS n, 'x' AS s, 1.25::DECIMAL(5,2) AS d", EVOLVE, FLOE_INVALID, "column \"n\"");
    refused("SELECT 1 AS n, 2 AS s", EVOLVE, FLOE_INVALID, "string");
    refused("SELECT 1 AS n, 1.250::DECIMAL(6,3) AS d", EVOLVE, FLOE_INVALID, "column \"d\"");
    refused("SELECT [1] AS n", EVOLVE, FLOE_INVALID, "list<int>");
    refused("SELECT true AS n", EVOLVE, FLOE_INVALID, "neither holds all values");
}

static void evolve__without_the_flag__is_refused_as_before(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS n", CREATE);
    refused("SELECT 1::BIGINT AS n", APPEND, FLOE_INVALID, "column \"n\"");
    refused("SELECT 1::INTEGER AS n, 2 AS m", APPEND, FLOE_INVALID, "no column \"m\"");
}

static void evolve__nested__grows_inside(void **state) {
    (void)state;
    import_rows_of(
        &fixture, "SELECT {'a': 1::INTEGER, 'b': [{'x': 1::INTEGER}], 'm': MAP {'k': {'y': 1::INTEGER}}} AS s", CREATE);
    import_rows_of(&fixture,
                   "SELECT {'b': [{'x': 2::BIGINT, 'z': 'new'}], 'a': 2::INTEGER, 'c': true, "
                   "'m': MAP {'k': {'y': 2::INTEGER, 'w': 1.5::DOUBLE}}} AS s",
                   EVOLVE);
    const char *out = floe_arena_printf(&fixture.sql.arena, "%s/out.parquet", fixture.sql.folder);
    floe_error err = {0};
    floe_table *table = NULL;
    int64_t rows = 0;
    must(floe_table_open(fixture.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    must(floe_table_scan_to(table, &(floe_scan_request){.limit = -1}, out, &rows, &err), &err);
    floe_table_close(&table);
    char sql[500];
    snprintf(sql, sizeof sql, "SELECT s.a, s.c, s.b[1].x, s.b[1].z, s.m['k'].y, s.m['k'].w FROM '%s' ORDER BY 1", out);
    assert_string_equal(sql_text(&fixture.sql, sql, NULL), "1|∅|1|∅|1|∅;2|true|2|new|2|1.5");
    snprintf(sql, sizeof sql, "SELECT typeof(s.b[1].x) FROM '%s' LIMIT 1", out);
    assert_string_equal(sql_text(&fixture.sql, sql, NULL), "BIGINT");
}

static void evolve__keys_of_a_map__stay(void **state) {
    (void)state;
    floe_error err = {0};
    import_rows_of(&fixture, "SELECT MAP {1::INTEGER: 'x'} AS m", CREATE);
    const char *file = input_file(&fixture, "r.parquet", "SELECT MAP {1::BIGINT: 'x'} AS m");
    assert_int_equal(import_one(&fixture, file, EVOLVE, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "column \"m\""));
    import_rows_of(&fixture, "SELECT MAP {{'a': 1}: 'x'} AS m", (floe_import_request){.mode = FLOE_IMPORT_REPLACE});
    file = input_file(&fixture, "s.parquet", "SELECT MAP {{'a': 1, 'b': 2}: 'x'} AS m");
    floe_error grown = {0};
    assert_int_equal(import_one(&fixture, file, EVOLVE, &grown).code, FLOE_INVALID);
    assert_non_null(strstr(grown.message, "\"b\""));
}

static void evolve__member_called_key__is_no_key(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT {'key': 1::INTEGER} AS s", CREATE);
    import_rows_of(&fixture, "SELECT {'key': 5000000000::BIGINT} AS s", EVOLVE);
    assert_int_equal(number("current-schema-id"), 1);
}

/* ---- sort ---- */

static void sort__whole_input__is_stable(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT * FROM (VALUES (2, 'a'), (1, 'b'), (NULL, 'c'), (2, 'd'), (1, 'e')) t(n, s)",
                   (floe_import_request){.sort = "n"});
    assert_string_equal(table_text(&fixture), "∅|c;1|b;1|e;2|a;2|d"); /* nulls first, as the format has it */
    const floe_node *root = table_document(&fixture);
    assert_int_equal(floe_node_get(root, "default-sort-order-id")->as.integer, 1);
    assert_int_equal(floe_node_get(root, "sort-orders")->count, 2);
}

static void sort__directions_and_nulls__are_as_said(void **state) {
    (void)state;
    const char *rows = "SELECT * FROM (VALUES (2, 'a'), (1, 'b'), (NULL, 'c'), (2, NULL)) t(n, s)";
    static const struct {
        const char *sort, *rows;
    } CASES[] = {
        {"n desc, s", "2|∅;2|a;1|b;∅|c"}, /* descending: nulls last */
        {"n DESC NULLS FIRST, s desc", "∅|c;2|a;2|∅;1|b"},
        {" n  asc nulls last ,s asc", "1|b;2|∅;2|a;∅|c"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        import_rows_of(
            &fixture, rows,
            (floe_import_request){.mode = i ? FLOE_IMPORT_REPLACE : FLOE_IMPORT_CREATE, .sort = CASES[i].sort});
        assert_string_equal(table_text(&fixture), CASES[i].rows);
        assert_int_equal(number("default-sort-order-id"), (int64_t)i + 1);
    }
    import_rows_of(&fixture, rows, (floe_import_request){.mode = FLOE_IMPORT_REPLACE, .sort = "n desc, s"});
    assert_int_equal(number("default-sort-order-id"), 1); /* the order of the first is known */
    assert_int_equal(floe_node_get(table_document(&fixture), "sort-orders")->count, 4);
}

static void sort__within_partitions__only(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT * FROM (VALUES (3, 'b'), (1, 'a'), (2, 'b'), (0, 'a')) t(n, k)",
                   (floe_import_request){.sort = "n", .partition = "k"});
    assert_string_equal(table_text(&fixture), "0|a;1|a;2|b;3|b");
}

/* The table's own order is what all its rows promise; rows that are added in another say so in their files alone. */
static void sort__append__leaves_the_table_its_order(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 2 AS n UNION ALL SELECT 1", CREATE);
    import_rows_of(&fixture, "SELECT * FROM (VALUES (9), (8)) t(n)",
                   (floe_import_request){.mode = FLOE_IMPORT_APPEND, .sort = "n"});
    assert_string_equal(table_text(&fixture), "2;1;8;9");
    assert_int_equal(number("default-sort-order-id"), 0);
    assert_int_equal(floe_node_get(table_document(&fixture), "sort-orders")->count, 2);
}

static void sort__not_understood__is_refused(void **state) {
    (void)state;
    static const struct {
        const char *sort, *part;
    } CASES[] = {{"", "not understood"},       {"n,", "not understood"},       {"nowhere", "no column \"nowhere\""},
                 {"n last", "not understood"}, {"n, n desc", "named twice"},   {"l", "nested"},
                 {"n upward", "no column"},    {"desc", "no column \"desc\""}, {"n nulls", "no column \"n nulls\""}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        const char *file = input_file(&fixture, "r.parquet", "SELECT 1 AS n, [1] AS l");
        assert_true(floe_failed(import_one(&fixture, file, (floe_import_request){.sort = CASES[i].sort}, &err)));
        if (!strstr(err.message, CASES[i].part) || !strstr(err.message, "--sort")) {
            fail_msg("--sort '%s': %s", CASES[i].sort, err.message);
        }
        assert_int_equal(count_files(fixture.warehouse), 0);
    }
}

static void sort__random_rows__are_as_the_engine_orders_them(void **state) {
    (void)state;
    unsigned seed = getenv("FLOE_TEST_SEED") ? (unsigned)atoi(getenv("FLOE_TEST_SEED")) : 20013;
    print_message("seed %u\n", seed);
    char query[300], sql[600];
    snprintf(query, sizeof query,
             "SELECT nullif(hash(range + %u) %% 7, 3)::BIGINT AS a, (hash(range + %u) %% 5)::BIGINT AS b, range AS i "
             "FROM range(3000)",
             seed, seed / 3);
    import_rows_of(&fixture, query, (floe_import_request){.sort = "a desc nulls last, b"});
    snprintf(sql, sizeof sql, "SELECT * FROM (%s) ORDER BY a DESC NULLS LAST, b ASC NULLS FIRST, i", query);
    assert_string_equal(table_text(&fixture), sql_text(&fixture.sql, sql, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(overwrite__partitions_of_the_input__are_replaced_and_no_others, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(overwrite__null_partition__is_one_of_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__transforms__are_compared_by_their_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__table_without_partitions__replaces_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__no_rows__replaces_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__table_that_is_not_there__is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__other_partitions_given__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__random_inputs__leave_what_a_list_of_rows_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__new_column__is_null_in_older_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__missing_column__is_left_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__wider_types__are_taken_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__partition_column__stays_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__incompatible__is_refused_naming_column_and_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__without_the_flag__is_refused_as_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__nested__grows_inside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__keys_of_a_map__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evolve__member_called_key__is_no_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__whole_input__is_stable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__directions_and_nulls__are_as_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__within_partitions__only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__append__leaves_the_table_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__not_understood__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sort__random_rows__are_as_the_engine_orders_them, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
