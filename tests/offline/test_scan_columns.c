/*
 * Which column of a file is which column of the table: evolution, partition values, files without ids.
 */
#include "tests/offline/scan_support.h"

/* ---- evolution ---- */

static void evolution__rename_reorder_drop_add__goes_by_id(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "a", "\"long\"") "," FIELD("2", "b", "\"string\"")) "," SCHEMA(
        "1", FIELD("3", "a", "\"long\"") "," FIELD("2", "c", "\"string\"") "," FIELD("1", "b", "\"long\"")) "]";
    add_file(parquet("1.parquet", "SELECT 10::BIGINT AS a, 'x' AS b", "a: 1, b: 2"));
    built.current_schema = 1;
    add_file(parquet("2.parquet", "SELECT 7::BIGINT AS a, 'y' AS c, 20::BIGINT AS b", "a: 3, c: 2, b: 1"));
    ice_table_write(&built);
    /* The first file's `a` is today's `b`; today's `a` came later. */
    expect_rows(NULL, "∅|x|10;7|y|20");
    expect_rows("b = 10", "∅|x|10");
    expect_rows("a IS NULL", "∅|x|10");
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request old = {.limit = -1, .at = FLOE_AT_ID, .snapshot_id = 1};
    assert_ok(scan(&old, &text, &err), &err);
    assert_string_equal(text, "10|x"); /* with the snapshot's own schema */
}

static void evolution__promotions__widen_old_files(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "i", "\"long\"") "," FIELD("2", "f", "\"double\"") "," FIELD(
                                        "3", "d", "\"decimal(12,2)\"")) "]";
    add_file(
        parquet("1.parquet", "SELECT 1::INTEGER AS i, 0.5::FLOAT AS f, 1.25::DECIMAL(5,2) AS d", "i: 1, f: 2, d: 3"));
    add_file(parquet("2.parquet", "SELECT 5000000000 AS i, 0.1::DOUBLE AS f, 9999999999.99::DECIMAL(12,2) AS d",
                     "i: 1, f: 2, d: 3"));
    ice_table_write(&built);
    expect_rows(NULL, "1|0.5|1.25;5000000000|0.1|9999999999.99");
    expect_rows("i > 4", "5000000000|0.1|9999999999.99");
}

static void evolution__types_that_do_not_fit__are_refused_by_file_and_column(void **state) {
    (void)state;
    static const struct {
        const char *type, *value, *part;
    } CASES[] = {
        {"\"string\"", "5::BIGINT", "\"v\" is of type string, but the file holds BIGINT"},
        {"\"int\"", "5::BIGINT", "the file holds BIGINT"},
        {"\"long\"", "'5'", "the file holds VARCHAR"},
        {"\"float\"", "0.5::DOUBLE", "the file holds DOUBLE"},
        {"\"decimal(9,3)\"", "1.25::DECIMAL(9,2)", "the file holds DECIMAL(9,2)"},
        {"\"decimal(4,2)\"", "1.25::DECIMAL(9,2)", "the file holds DECIMAL(9,2)"},
        {"\"timestamp\"", "DATE '2020-01-01'", "the file holds DATE"},
        {"\"fixed[1]\"", "'a'", "the file holds VARCHAR"},
        {"\"string\"", "['a'::BLOB]", "\"v\" is of type string"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        ice_table_close(&built);
        ice_table_init(&built, floe_arena_printf(&arena, "[" SCHEMA("0", FIELD("1", "v", "%s")) "]", CASES[i].type),
                       UNPARTITIONED, "");
        add_file(parquet("1.parquet", floe_arena_printf(&arena, "SELECT %s AS v", CASES[i].value), "v: 1"));
        ice_table_write(&built);
        expect_refused(NULL, FLOE_UNSUPPORTED, CASES[i].part);
        expect_refused(NULL, FLOE_UNSUPPORTED, "1.parquet");
    }
}

/* ---- partitions ---- */

#define BY_S                                                                                                           \
    "[{\"spec-id\":0,\"fields\":[{\"name\":\"s\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1000}]}]"
#define PART_S "{\"name\":\"s\",\"type\":[\"null\",\"string\"],\"field-id\":1000}"

static void partitions__identity_value__fills_a_column_that_the_file_lacks(void **state) {
    (void)state;
    built.specs = BY_S;
    built.partition_fields = PART_S;
    ice_entry entries[4];
    entries[0] = added(parquet("1.parquet", "SELECT 1::BIGINT AS k", "k: 1"));
    entries[0].partition = FLOE_STR("\x02\x0ait's\x22"); /* it's" */
    entries[1] = added(parquet("2.parquet", "SELECT 2::BIGINT AS k", "k: 1"));
    entries[1].partition = FLOE_STR("\x02\x02z");
    entries[2] = added(parquet("3.parquet", "SELECT 3::BIGINT AS k", "k: 1"));
    entries[2].partition = (floe_str){"\0", 1}; /* null: nothing to fill with */
    entries[3] = added(parquet("4.parquet", "SELECT 4::BIGINT AS k, 'own' AS s", "k: 1, s: 2"));
    entries[3].partition = FLOE_STR("\x02\x04no"); /* the file has the column: its own value counts */
    ice_table_add(&built, "append", 0, entries, 4);
    ice_table_write(&built);
    expect_rows("k <= 2", "1|it's\";2|z");
    expect_rows("k >= 3", "3|∅;4|own");
    expect_rows("s = 'z'", "2|z");
    expect_rows("s IS NULL", "3|∅");
}

static void partitions__void_and_other_transforms__fill_nothing(void **state) {
    (void)state;
    static const char *const TRANSFORMS[] = {"void", "truncate[3]", "zorder"};
    for (size_t i = 0; i < 3; i++) {
        ice_table_close(&built);
        ice_table_init(
            &built, "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]",
            floe_arena_printf(&arena,
                              "[{\"spec-id\":0,\"fields\":[{\"name\":\"s\",\"transform\":\"%s\",\"source-id\":2,"
                              "\"field-id\":1000}]}]",
                              TRANSFORMS[i]),
            PART_S);
        ice_entry entry = added(parquet("1.parquet", "SELECT 1::BIGINT AS k", "k: 1"));
        entry.partition = FLOE_STR("\x02\x02z");
        ice_table_add(&built, "append", 0, &entry, 1);
        ice_table_write(&built);
        expect_rows(NULL, "1|∅");
    }
}

static void partitions__every_type__comes_back_as_written(void **state) {
    (void)state;
    static const struct {
        const char *type, *avro, *stored;
        size_t len;
        const char *csv;
    } CASES[] = {
        {"\"boolean\"", "\"boolean\"", "\x01", 1, "true"},
        {"\"int\"", "\"int\"", "\x0d", 1, "-7"},
        {"\"long\"", "\"int\"", "\x0d", 1, "-7"}, /* promoted since */
        {"\"float\"", "\"float\"", "\0\0\x20\x40", 4, "2.5"},
        {"\"double\"", "\"double\"", "\0\0\0\0\0\0\xf8\x7f", 8, "NaN"},
        {"\"double\"", "\"float\"", "\0\0\x80\xff", 4, "-Infinity"},
        {"\"date\"", "{\"type\":\"int\",\"logicalType\":\"date\"}", "\x01", 1, "1969-12-31"},
        {"\"time\"", "{\"type\":\"long\",\"logicalType\":\"time-micros\"}", "\x80\x89\x7a", 3, "00:00:01"},
        {"\"timestamp\"", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", "\x01", 1,
         "1969-12-31T23:59:59.999999Z"},
        {"\"timestamptz\"", "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":true}", "\x02",
         1, "1970-01-01T00:00:00.000001Z"},
        {"\"string\"", "\"string\"", "\x06\xe4\xb8\xad", 4, "\xe4\xb8\xad"},
        {"\"binary\"", "\"bytes\"", "\x04\x00\xff", 3, "AP8="},
        {"\"fixed[2]\"", "{\"type\":\"fixed\",\"name\":\"f\",\"size\":2}", "\x01\x02", 2, "AQI="},
        {"\"uuid\"", "{\"type\":\"fixed\",\"name\":\"u\",\"size\":16,\"logicalType\":\"uuid\"}",
         "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16,
         "00112233-4455-6677-8899-aabbccddeeff"},
        {"\"decimal(9,2)\"",
         "{\"type\":\"fixed\",\"name\":\"d\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,"
         "\"scale\":2}",
         "\xff\xff\xff\xff", 4, "-0.01"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        ice_table_close(&built);
        ice_table_init(&built,
                       floe_arena_printf(&arena,
                                         "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "v", "%s")) "]",
                                         CASES[i].type),
                       "[{\"spec-id\":0,\"fields\":[{\"name\":\"p\",\"transform\":\"identity\",\"source-id\":2,"
                       "\"field-id\":1000}]}]",
                       floe_arena_printf(&arena, "{\"name\":\"p\",\"type\":%s,\"field-id\":1000}", CASES[i].avro));
        ice_entry entry = added(parquet("1.parquet", "SELECT 1::BIGINT AS k", "k: 1"));
        entry.partition = (floe_str){CASES[i].stored, CASES[i].len};
        ice_table_add(&built, "append", 0, &entry, 1);
        ice_table_write(&built);
        floe_scan_request request = {.limit = -1};
        expect_csv(&request, floe_arena_printf(&arena, "k,v\n1,%s\n", CASES[i].csv));
    }
}

static void partitions__value_of_an_impossible_kind__is_refused(void **state) {
    (void)state;
    built.specs = BY_S;
    built.partition_fields = "{\"name\":\"s\",\"type\":\"int\",\"field-id\":1000}"; /* a string column */
    ice_entry entry = added(parquet("1.parquet", "SELECT 1::BIGINT AS k", "k: 1"));
    entry.partition = FLOE_STR("\x02");
    ice_table_add(&built, "append", 0, &entry, 1);
    ice_table_write(&built);
    expect_refused(NULL, FLOE_UNSUPPORTED,
                   "column \"s\" (string) is not in the file, and its partition value is stored as int32");
}

/* ---- files without ids ---- */

static void mapping__names__find_columns_and_position_never_does(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT 'first' AS t, 5::BIGINT AS n, 'second' AS old", ""));
    ice_table_write(&built);
    expect_refused(NULL, FLOE_UNSUPPORTED,
                   "1.parquet: its columns have no field ids, and the table has no name mapping");
    built.properties = "{\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"k\\\",\\\"n\\\"]},"
                       "{\\\"field-id\\\":2,\\\"names\\\":[\\\"new\\\",\\\"old\\\"]}]\"}";
    ice_table_write(&built);
    expect_rows(NULL, "5|second");
    built.properties = "{\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"n\\\"]}]\"}";
    ice_table_write(&built);
    expect_rows(NULL, "5|∅"); /* s is mapped to nothing */
    built.properties = "{\"schema.name-mapping.default\":\"[{\"}";
    ice_table_write(&built);
    expect_refused(NULL, FLOE_INVALID, "schema.name-mapping.default");
}

static void mapping__beside_files_with_ids__each_its_own_way(void **state) {
    (void)state;
    built.properties = "{\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"n\\\"]},"
                       "{\\\"field-id\\\":2,\\\"names\\\":[\\\"t\\\"]}]\"}";
    add_file(parquet("1.parquet", "SELECT 'x' AS t, 1::BIGINT AS n", ""));
    add_file(parquet("2.parquet", "SELECT 'y' AS n, 2::BIGINT AS t", "n: 2, t: 1")); /* names lie, ids do not */
    add_file(parquet("3.parquet", "SELECT 3::BIGINT AS n, 'z' AS t", ""));
    ice_table_write(&built);
    expect_rows("k > 0", "1|x;2|y;3|z");
    expect_rows("k = 2", "2|y");
}

/* DuckDB stops looking for ids at the first column without one: a later column must be found all the same. */
static void ids__only_on_some_columns__are_still_found(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT 'x' AS none, 1::BIGINT AS k, 'y' AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    expect_rows(NULL, "1|y");
}

static void nested__structs_lists_maps__are_read_when_they_never_changed(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA(
        "0",
        FIELD("1", "p",
              "{\"type\":\"struct\",\"fields\":[" FIELD("2", "x", "\"int\"") "," FIELD(
                  "3", "y", "\"string\"") "]}") "," FIELD("4", "l",
                                                          "{\"type\":\"list\",\"element-id\":5,\"element\":"
                                                          "\"long\"}") "," FIELD("6", "m",
                                                                                 "{\"type\":\"map\",\"key-id\":7,"
                                                                                 "\"key\":\"string\",\"value-id\":8,"
                                                                                 "\"value\":\"int\"}")) "]";
    add_file(parquet("1.parquet",
                     "SELECT {'x': 1::INTEGER, 'y': 'a'} AS p, [1::BIGINT, NULL, 3] AS l, MAP {'k': 2::INTEGER} AS m",
                     "p: {__duckdb_field_id: 1, x: 2, y: 3}, l: {__duckdb_field_id: 4, element: 5}, "
                     "m: {__duckdb_field_id: 6, key: 7, value: 8}"));
    ice_table_write(&built);
    floe_scan_request request = {.limit = -1};
    expect_csv(&request, "p,l,m\n\"{\"\"x\"\":1,\"\"y\"\":\"\"a\"\"}\",\"[1,null,3]\",\"{\"\"k\"\":2}\"\n");
    request.where = "p.x = 1";
    request.engine_where = true;
    expect_csv(&request, "p,l,m\n\"{\"\"x\"\":1,\"\"y\"\":\"\"a\"\"}\",\"[1,null,3]\",\"{\"\"k\"\":2}\"\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(evolution__rename_reorder_drop_add__goes_by_id),
        T(evolution__promotions__widen_old_files),
        T(evolution__types_that_do_not_fit__are_refused_by_file_and_column),
        T(partitions__identity_value__fills_a_column_that_the_file_lacks),
        T(partitions__void_and_other_transforms__fill_nothing),
        T(partitions__every_type__comes_back_as_written),
        T(partitions__value_of_an_impossible_kind__is_refused),
        T(mapping__names__find_columns_and_position_never_does),
        T(mapping__beside_files_with_ids__each_its_own_way),
        T(ids__only_on_some_columns__are_still_found),
        T(nested__structs_lists_maps__are_read_when_they_never_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
