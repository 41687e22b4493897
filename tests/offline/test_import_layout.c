/*
 * Imports into partitions, with descriptions, under names that are wrong.
 */
#include "tests/offline/import_expect.h"

/* ---- partitions ---- */

static void partition__several_fields__prune_and_read_back(void **state) {
    (void)state;
    floe_error err = {0};
    floe_import_request request = {.partition = "month(d), bucket(4, n), truncate[1](s), k"};
    import_rows_of(
        &fixture,
        "SELECT range AS n, DATE '2001-01-15' + range::INTEGER AS d, chr(97 + range::INTEGER % 3) || 'x' AS s, "
        "if(range = 5, NULL, range % 2 = 0) AS k FROM range(60)",
        request);
    const floe_node *spec =
        floe_node_get(floe_node_get(table_document(&fixture), "partition-specs")->items[0], "fields");
    static const char *const EXPECTED[][2] = {
        {"d_month", "month"}, {"n_bucket", "bucket[4]"}, {"s_trunc", "truncate[1]"}, {"k", "identity"}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(floe_str_is(floe_node_get(spec->items[i], "name")->text, EXPECTED[i][0]));
        assert_true(floe_str_is(floe_node_get(spec->items[i], "transform")->text, EXPECTED[i][1]));
        assert_int_equal(floe_node_get(spec->items[i], "field-id")->as.integer, 1000 + (int64_t)i);
    }
    floe_table *table = NULL;
    floe_scan_plan plan;
    must(floe_table_open(fixture.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    floe_scan_request scan = {.where = "d >= DATE '2001-03-01'", .limit = -1};
    must(floe_table_plan(table, &scan, &fixture.sql.arena, &plan, &err), &err);
    assert_true(plan.files_pruned_by_partition > 0);
    assert_true(plan.files_read > 0 && plan.files_read < plan.files_total);
    floe_table_close(&table);
}

static void partition__append__uses_the_tables(void **state) {
    (void)state;
    floe_import_request request = {.partition = "k"};
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", request);
    import_rows_of(&fixture, "SELECT range::INTEGER AS n, if(range < 3, 'b', 'a') AS k FROM range(5)", APPEND);
    assert_int_equal(fixture.result.files, 2);
    request.mode = FLOE_IMPORT_APPEND;
    import_rows_of(&fixture, "SELECT 9 AS n, 'c' AS k", request); /* the same, spelled again */
    request.partition = "n";
    expect_refused(input_file(&fixture, "x.parquet", "SELECT 1 AS n, 'x' AS k"), request, FLOE_INVALID, "--partition");
}

static void partition__replace__keeps_them_unless_told(void **state) {
    (void)state;
    floe_import_request request = {.partition = "k"};
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", request);
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", REPLACE);
    assert_int_equal(floe_node_get(table_document(&fixture), "default-spec-id")->as.integer, 0);
    request = (floe_import_request){.mode = FLOE_IMPORT_REPLACE, .partition = "n, k"};
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", request);
    const floe_node *root = table_document(&fixture);
    assert_int_equal(floe_node_get(root, "default-spec-id")->as.integer, 1);
    const floe_node *spec = floe_node_get(floe_node_get(root, "partition-specs")->items[1], "fields");
    assert_int_equal(floe_node_get(spec->items[0], "field-id")->as.integer, 1001);
    assert_int_equal(floe_node_get(spec->items[1], "field-id")->as.integer, 1000); /* identity(k) was there before */
    request.partition = "";
    import_rows_of(&fixture, "SELECT 1 AS n, 'a' AS k", request);
    assert_string_equal(table_text(&fixture), "1|a");
    expect_refused(input_file(&fixture, "x.parquet", "SELECT 'a' AS k"),
                   (floe_import_request){.mode = FLOE_IMPORT_REPLACE, .partition = "n"}, FLOE_NOT_FOUND, "\"n\"");
}

static void partition__replace_with_another_type__says_that_the_type_changed(void **state) {
    (void)state;
    floe_import_request request = {.partition = "month(d)"};
    import_rows_of(&fixture, "SELECT 1 AS n, DATE '2001-01-01' AS d", request);
    const char *as_text = input_file(&fixture, "x.parquet", "SELECT 1 AS n, 'first of may' AS d");
    expect_refused(as_text, REPLACE, FLOE_INVALID,
                   "month of the column \"d\", whose type changes from date to string: say with --partition");
    expect_refused(input_file(&fixture, "y.parquet", "SELECT 1 AS n"), REPLACE, FLOE_INVALID, "not there any more");
    floe_error err = {0};
    request = (floe_import_request){.mode = FLOE_IMPORT_REPLACE, .partition = "d"};
    must(import_one(&fixture, as_text, request, &err), &err);
    assert_string_equal(table_text(&fixture), "1|first of may");
}

static void partition__value_that_a_transform_cannot_hold__is_named(void **state) {
    (void)state;
    floe_import_request request = {.partition = "truncate(10, n)"};
    expect_refused(input_file(&fixture, "x.parquet", "SELECT (-2147483648)::INTEGER AS n"), request, FLOE_INVALID,
                   "--partition: column \"n\" has the value -2147483648, which truncate[10] ");
    import_rows_of(&fixture, "SELECT (-2147483640)::INTEGER AS n", request); /* the least that is its own floor */
    assert_string_equal(table_text(&fixture), "-2147483640");
}

static void partition__mistakes__are_refused_with_the_form(void **state) {
    (void)state;
    const char *file = input_file(&fixture, "x.parquet", "SELECT 1 AS n, 'a' AS s, 1.5::DOUBLE AS g");
    static const struct {
        const char *text;
        floe_code code;
        const char *part;
    } CASES[] = {
        {"month(nope)", FLOE_NOT_FOUND, "\"nope\""},
        {"nope", FLOE_NOT_FOUND, "\"nope\""},
        {"month(n)", FLOE_INVALID, "column n"},
        {"bucket(4, g)", FLOE_INVALID, "column g"},
        {"weekly(n)", FLOE_INVALID, "weekly(n)"},
        {"bucket(n)", FLOE_INVALID, "bucket(16, c)"},
        {"bucket(0, n)", FLOE_INVALID, "between 1"},
        {"bucket(x, n)", FLOE_INVALID, "no number"},
        {"truncate(99999999999, s)", FLOE_INVALID, "between 1"},
        {"month(n", FLOE_INVALID, "not understood"},
        {"n,,s", FLOE_INVALID, "not understood"},
        {"n, identity(n)", FLOE_INVALID, "twice"},
        {"month()", FLOE_INVALID, "not understood"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_refused(file, (floe_import_request){.partition = CASES[i].text}, CASES[i].code, CASES[i].part);
    }
}

static void partition__too_many__is_limit(void **state) {
    (void)state;
    const char *file = input_file(&fixture, "x.parquet", "SELECT range AS n FROM range(10001)");
    expect_refused(file, (floe_import_request){.partition = "n"}, FLOE_LIMIT, "10000");
}

static void partition__name_of_a_column__is_avoided(void **state) {
    (void)state;
    floe_import_request request = {.partition = "year(d)"};
    import_rows_of(&fixture, "SELECT DATE '2001-01-01' AS d, 5 AS d_year", request);
    const floe_node *spec =
        floe_node_get(floe_node_get(table_document(&fixture), "partition-specs")->items[0], "fields");
    assert_true(floe_str_is(floe_node_get(spec->items[0], "name")->text, "d_year_2"));
    assert_string_equal(table_text(&fixture), "2001-01-01|5");
}

/* ---- descriptions ---- */

static void describe__data_package__gives_comment_and_docs(void **state) {
    (void)state;
    floe_error err = {0};
    char package[400];
    snprintf(package, sizeof package, "%s/datapackage.json", fixture.sql.folder);
    must(floe_file_write(
             package,
             FLOE_STR("{\"resources\":[{\"name\":\"other\",\"path\":\"other.csv\"},{\"name\":\"x\",\"path\":"
                      "\"data/r.csv\",\"description\":\" All of it. \",\"schema\":{\"fields\":[{\"name\":\"n\","
                      "\"description\":\"how many\"},{\"name\":\"m\"},{\"name\":\"gone\",\"description\":\"?\"}"
                      "]}}]}"),
             false, &err),
         &err);
    floe_import_request request = {.describe = package};
    must(import_one(&fixture, input_file(&fixture, "r.csv", "SELECT 1 AS n, 2 AS m"), request, &err), &err);
    const floe_node *root = table_document(&fixture);
    assert_true(floe_str_is(floe_node_get(floe_node_get(root, "properties"), "comment")->text, "All of it."));
    const floe_node *fields = schema_fields(0);
    assert_true(floe_str_is(floe_node_get(fields->items[0], "doc")->text, "how many"));
    assert_null(floe_node_get(fields->items[1], "doc"));

    request.mode = FLOE_IMPORT_APPEND;
    expect_refused(input_file(&fixture, "r.csv", "SELECT 1 AS n, 2 AS m"), request, FLOE_INVALID, "--describe");
    request.mode = FLOE_IMPORT_REPLACE;
    expect_refused(input_file(&fixture, "s.csv", "SELECT 1 AS n"), request, FLOE_NOT_FOUND, "s.csv");
    request.describe = "/no/such/datapackage.json";
    expect_refused(input_file(&fixture, "s.csv", "SELECT 1 AS n"), request, FLOE_NOT_FOUND, "datapackage.json");
    must(floe_file_write(package, FLOE_STR("{\"resources\": ["), false, &err), &err);
    request.describe = package;
    expect_refused(input_file(&fixture, "s.csv", "SELECT 1 AS n"), request, FLOE_INVALID, "datapackage.json");
}

/* A replacement without descriptions keeps the docs of columns that stay. */
static void describe__replace_without__keeps_docs(void **state) {
    (void)state;
    floe_error err = {0};
    char package[400];
    snprintf(package, sizeof package, "%s/datapackage.json", fixture.sql.folder);
    must(floe_file_write(package,
                         FLOE_STR("{\"resources\":[{\"name\":\"r\",\"path\":\"r.csv\",\"title\":\"T\",\"schema\":{"
                                  "\"fields\":[{\"name\":\"n\",\"description\":\"how many\"}]}}]}"),
                         false, &err),
         &err);
    floe_import_request request = {.describe = package};
    must(import_one(&fixture, input_file(&fixture, "r.csv", "SELECT 1 AS n"), request, &err), &err);
    import_rows_of(&fixture, "SELECT 2::BIGINT AS n", REPLACE);
    const floe_node *root = table_document(&fixture);
    assert_true(floe_str_is(floe_node_get(floe_node_get(root, "properties"), "comment")->text, "T"));
    assert_true(floe_str_is(floe_node_get(schema_fields(0)->items[0], "doc")->text, "how many"));
}

/* ---- names ---- */

static void table_name__mistakes__are_refused(void **state) {
    (void)state;
    const char *file = input_file(&fixture, "x.parquet", "SELECT 1 AS n");
    expect_refused(file, (floe_import_request){.table = "t"}, FLOE_INVALID, "catalog.namespace.table");
    expect_refused(file, (floe_import_request){.table = "pond.ns.t"}, FLOE_NOT_FOUND, "pond");
    floe_error err = {0};
    assert_true(floe_failed(import_one(&fixture, file, (floe_import_request){.table = "lake.ns.../../t"}, &err)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IMPORT_TEST(partition__several_fields__prune_and_read_back),
        IMPORT_TEST(partition__append__uses_the_tables),
        IMPORT_TEST(partition__replace__keeps_them_unless_told),
        IMPORT_TEST(partition__replace_with_another_type__says_that_the_type_changed),
        IMPORT_TEST(partition__value_that_a_transform_cannot_hold__is_named),
        IMPORT_TEST(partition__mistakes__are_refused_with_the_form),
        IMPORT_TEST(partition__too_many__is_limit),
        IMPORT_TEST(partition__name_of_a_column__is_avoided),
        IMPORT_TEST(describe__data_package__gives_comment_and_docs),
        IMPORT_TEST(describe__replace_without__keeps_docs),
        IMPORT_TEST(table_name__mistakes__are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
