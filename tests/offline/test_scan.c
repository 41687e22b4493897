/*
 * Scans over real Parquet files: columns by field id, constants from partitions, name mappings, filters, outputs. Files
 * are written by the engine with the ids given; expected rows are what was written.
 * timeout: 300
 */
#include "tests/offline/ice_support.h"
#include "tests/offline/sql_support.h"

#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <sys/stat.h>

#define FIELD(id, name, type) "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type "}"
#define SCHEMA(id, fields) "{\"schema-id\":" id ",\"type\":\"struct\",\"fields\":[" fields "]}"
#define UNPARTITIONED "[{\"spec-id\":0,\"fields\":[]}]"

static floe_arena arena;
static floe_lake *lake;
static floe_session *session;
static ice_table built;

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_engine *engine = NULL;
    floe_arena_init(&arena, FLOE_MIB(256));
    lake = ice_lake();
    assert_ok(floe_lake_engine(lake, &engine, &err), &err);
    assert_ok(floe_session_open(engine, NULL, &session, &err), &err);
    ice_table_init(&built, "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]",
                   UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_session_close(&session);
    floe_lake_close(&lake);
    ice_table_close(&built);
    floe_arena_close(&arena);
    return 0;
}

static void run(const char *sql) {
    floe_error err = {0};
    assert_ok(floe_session_run(session, sql, NULL, NULL, &err), &err);
}

/* Writes `select` into a file of the table's folder; ids: "a: 1, b: 2", "" for none. Returns its path. */
static const char *parquet(const char *name, const char *select, const char *ids) {
    const char *path = ice_path(built.folder, name);
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_printf(&sql, "COPY (%s) TO ", select);
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_printf(&sql, " (FORMAT parquet%s%s%s)", ids[0] ? ", FIELD_IDS {" : "", ids, ids[0] ? "}" : "");
    run(sql.ptr);
    return path;
}

static ice_entry added(const char *path) {
    return (ice_entry){
        .status = 1, .snapshot_id = -1, .sequence_number = -1, .path = path, .record_count = 2, .file_len = 100};
}

static void add_file(const char *path) {
    ice_entry entry = added(path);
    ice_table_add(&built, "append", 0, &entry, 1);
}

static floe_status scan(const floe_scan_request *request, const char **ret_text, floe_error *err) {
    struct ArrowArrayStream stream = {0};
    floe_table *table = NULL;
    FLOE_TRY(floe_table_open(lake, built.folder, NULL, NULL, &table, err));
    floe_status status = floe_table_scan(table, request, &stream, err);
    if (!floe_failed(status)) {
        *ret_text = stream_text(&stream, &arena);
    }
    floe_table_close(&table);
    return status;
}

/* Rows as "a|b;c|d": see sql_support.h. */
static void expect_rows(const char *where, const char *rows) {
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = where, .engine_where = true};
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, rows);
}

static void expect_refused(const char *where, floe_code code, const char *part) {
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = where};
    assert_code(scan(&request, &text, &err), code);
    assert_message(&err, part);
}

/* The same through a CSV file, for types that only printers know. */
static void expect_csv(const floe_scan_request *request, const char *want) {
    floe_error err = {0};
    int64_t rows = 0;
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    const char *path = ice_path(built.folder, "out.csv");
    floe_table *table = ice_open(lake, built.folder);
    assert_ok(floe_table_scan_to(table, request, path, &rows, &err), &err);
    assert_ok(floe_file_read(path, &text, &err), &err);
    assert_string_equal(text.ptr, want);
    floe_table_close(&table);
}

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

/* ---- names ---- */

static void names__that_differ_only_in_case__work_where_the_format_allows(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "id", "\"long\"") "," FIELD("2", "ID", "\"long\"") "," FIELD(
                                        "3", "a\\\"b", "\"long\"") "," FIELD("4", "select", "\"long\"")) "]";
    add_file(parquet("1.parquet", "SELECT 1::BIGINT AS a, 2::BIGINT AS b, 3::BIGINT AS c, 4::BIGINT AS d",
                     "a: 1, b: 2, c: 3, d: 4"));
    ice_table_write(&built);
    expect_rows(NULL, "1|2|3|4");
    expect_rows("\"ID\" = 2 AND id = 1 AND \"a\"\"b\" = 3", "1|2|3|4");
    expect_rows("\"ID\" = 1", "");
    floe_scan_request request = {.limit = -1};
    floe_table *table = ice_open(lake, built.folder);
    static const char *const FILES[] = {"o.jsonl", "o.csv", "o.parquet"};
    for (size_t i = 0; i < 3; i++) { /* in a file the second would become ID_1 */
        floe_error err = {0};
        int64_t rows = 0;
        const char *path = ice_path(built.folder, FILES[i]);
        assert_code(floe_table_scan_to(table, &request, path, &rows, &err), FLOE_UNSUPPORTED);
        assert_message(&err, "\"id\" and \"ID\" differ only in case");
        assert_false(floe_file_exists(path));
    }
    static const floe_str ONE[] = {{"ID", 2}};
    floe_error fresh = {0};
    int64_t rows = 0;
    request.columns = ONE;
    request.column_count = 1;
    assert_ok(floe_table_scan_to(table, &request, ice_path(built.folder, "o.parquet"), &rows, &fresh), &fresh);
    assert_int_equal(rows, 1);
    floe_table_close(&table);
    floe_error raw = {0};
    const char *text = NULL;
    floe_scan_request by_engine = {.limit = -1, .where = "bit_count(id) = 1", .engine_where = true};
    assert_code(scan(&by_engine, &text, &raw), FLOE_UNSUPPORTED); /* the engine could not tell which is meant */
}

static void paths__with_every_kind_of_character__are_opened_as_they_are(void **state) {
    (void)state;
    static const char *const NAMES[] = {
        "a[1].parquet",       "b*?.parquet", "c%20d.parquet", "it's.parquet", "\xe4\xb8\xad \xc3\xa9.parquet",
        "back\\slash.parquet"};
    (void)parquet("bxx.parquet", "SELECT 99::BIGINT AS k, 'glob' AS s", "k: 1, s: 2"); /* what b*? would match */
    for (size_t i = 0; i < 6; i++) {
        add_file(parquet(NAMES[i], floe_arena_printf(&arena, "SELECT %zu::BIGINT AS k, 's' AS s", i), "k: 1, s: 2"));
    }
    ice_table_write(&built);
    expect_rows(NULL, "0|s;1|s;2|s;3|s;4|s;5|s");
    /* Two marks at once have no spelling that the engine would take for one file. */
    const char *both = ice_path(built.folder, "back\\sl*.parquet");
    ice_write_file(both, FLOE_STR("x"));
    add_file(both);
    ice_table_write(&built);
    expect_refused(NULL, FLOE_UNSUPPORTED, "back\\sl*.parquet");
}

static void files__missing__are_named(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT 1::BIGINT AS k, 's' AS s", "k: 1, s: 2"));
    add_file("/nowhere/2.parquet");
    ice_table_write(&built);
    expect_refused(NULL, FLOE_NOT_FOUND, "/nowhere/2.parquet is not there; a table that was moved");
}

static void files__that_are_no_parquet__are_named(void **state) {
    (void)state;
    const char *path = ice_path(built.folder, "1.parquet");
    ice_write_file(path, FLOE_STR("this is not Parquet at all, whatever its name says"));
    add_file(path);
    ice_table_write(&built);
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1};
    assert_true(floe_failed(scan(&request, &text, &err)));
    assert_message(&err, "1.parquet");
}

/* ---- requests ---- */

static void many_files(size_t count) {
    ice_entry *entries = floe_arena_alloc(&arena, count, sizeof(*entries));
    for (size_t i = 0; i < count; i++) {
        entries[i] = added(
            parquet(floe_arena_printf(&arena, "f%04zu.parquet", i),
                    floe_arena_printf(&arena, "SELECT unnest([%zu, %zu])::BIGINT AS k, 's' AS s", i * 2, i * 2 + 1),
                    "k: 1, s: 2"));
    }
    ice_table_add(&built, "append", 0, entries, count);
    ice_table_write(&built);
}

static void requests__many_files__go_to_the_engine_as_a_value(void **state) {
    (void)state;
    many_files(100);
    floe_error err = {0};
    const char *text = NULL;
    static const floe_str K[] = {{"k", 1}};
    floe_scan_request request = {.limit = -1, .columns = K, .column_count = 1, .where = "k IN (0, 7, 199)"};
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, "0;7;199");
}

static void requests__columns_limit_and_metadata_columns__as_asked(void **state) {
    (void)state;
    add_file(
        parquet("1.parquet", "SELECT unnest([10, 11, 12])::BIGINT AS k, unnest(['a','b','c']) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    floe_error err = {0};
    const char *text = NULL;
    static const floe_str COLUMNS[] = {{"_pos", 4}, {"s", 1}, {"_file", 5}, {"s", 1}};
    floe_scan_request request = {.limit = -1, .columns = COLUMNS, .column_count = 4, .where = "k = 11"};
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, floe_arena_printf(&arena, "1|b|%s|b", ice_path(built.folder, "1.parquet")));
    request.where = NULL;
    request.column_count = 1;
    request.limit = 2;
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, "0;1");
    request.limit = 0;
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, "");
}

static void requests__empty_tables__have_the_right_columns(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA(
        "0", FIELD("1", "k", "\"long\"") "," FIELD("2", "t", "\"timestamptz\"") "," FIELD("3", "u", "\"uuid\"")) "]";
    ice_table_write(&built);
    floe_scan_request request = {.limit = -1};
    expect_csv(&request, "k,t,u\n");
    request.where = "k = 1";
    expect_csv(&request, "k,t,u\n");
}

static void requests__filters_of_the_engine__filter_rows(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k, unnest(['abc','de']) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    expect_rows("strlen(s) = 3", "1|abc");
    expect_rows("k + 1 = 3", "2|de");
    expect_rows("K = 2", "2|de"); /* the engine ignores case; floe does not know K */
    expect_refused("strlen(s) = 3", FLOE_INVALID, "where: ");
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = "nothing(s) = 3", .engine_where = true};
    assert_code(scan(&request, &text, &err), FLOE_INVALID);
    assert_message(&err, "nothing");
}

static void requests__nan__is_found_whatever_the_statistics_say(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "f", "\"double\"")) "]";
    add_file(parquet("1.parquet", "SELECT unnest([1.0, 'nan'::DOUBLE]) AS f", "f: 1"));
    ice_table_write(&built);
    expect_rows("f > 5", "NaN");
    expect_rows("f < 5", "1.0");
}

static void times__with_zone__keep_it_in_scans_and_lose_it_in_feature_sql(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "a", "\"timestamptz\"") "," FIELD("2", "b", "\"timestamp\"")) "]";
    add_file(parquet("1.parquet",
                     "SELECT '2020-01-01 12:00:00+02'::TIMESTAMPTZ AS a, '2020-01-01 12:00:00'::TIMESTAMP AS b",
                     "a: 1, b: 2"));
    ice_table_write(&built);
    floe_scan_request request = {.limit = -1, .where = "a = TIMESTAMP '2020-01-01 10:00:00'"};
    expect_csv(&request, "a,b\n2020-01-01T10:00:00Z,2020-01-01T12:00:00Z\n");
    floe_table *table = ice_open(lake, built.folder);
    floe_table_scan_files files;
    floe_error err = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT typeof(a), a::VARCHAR FROM ");
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &arena, &files, &err), &err);
    assert_ok(floe_table_scan_sql(table, &files, NULL, 0, false, session, &sql, &err), &err);
    struct ArrowArrayStream stream = {0};
    assert_ok(floe_session_stream(session, sql.ptr, NULL, &stream, &err), &err);
    assert_string_equal(stream_text(&stream, &arena), "TIMESTAMP|2020-01-01 10:00:00");
    floe_table_close(&table);
}

static const char *position_text(const floe_str *columns, size_t count) {
    floe_table *table = ice_open(lake, built.folder);
    floe_table_scan_files files;
    floe_error err = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_scan_request request = {.limit = -1};
    floe_buf_text(&sql, "SELECT __seq, __pos, k FROM ");
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &arena, &files, &err), &err);
    assert_ok(floe_table_scan_sql(table, &files, columns, count, true, session, &sql, &err), &err);
    floe_buf_text(&sql, " ORDER BY __seq, __pos");
    struct ArrowArrayStream stream = {0};
    assert_ok(floe_session_stream(session, sql.ptr, NULL, &stream, &err), &err);
    const char *text = stream_text(&stream, &arena);
    floe_table_close(&table);
    return text;
}

/* Three ways of reading in one table, so that the ranks of one group are not contiguous. */
static void positions__over_several_groups__rank_files_by_sequence_and_path(void **state) {
    (void)state;
    static const floe_str K[] = {{"k", 1}};
    built.properties = "{\"schema.name-mapping.default\":\"[{\\\"field-id\\\":1,\\\"names\\\":[\\\"n\\\"]}]\"}";
    add_file(parquet("z.parquet", "SELECT unnest([1, 2])::BIGINT AS k", "k: 1"));
    add_file(parquet("y.parquet", "SELECT unnest([3, 4])::BIGINT AS n", ""));
    ice_entry both[2] = {added(parquet("x.parquet", "SELECT 6::BIGINT AS k", "k: 1")),
                         added(parquet("w.parquet", "SELECT 5::BIGINT AS k", "k: 1"))};
    ice_table_add(&built, "append", 0, both, 2);
    ice_table_write(&built);
    assert_string_equal(position_text(K, 1), "0|0|1;0|1|2;1|0|3;1|1|4;2|0|5;3|0|6");
}

static void positions__of_an_empty_table__are_typed(void **state) {
    (void)state;
    ice_table_write(&built);
    assert_string_equal(position_text(NULL, 0), "");
}

static void feature_sql__names_that_clash__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *schemas, *part;
    } CASES[] = {
        {"[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "K", "\"long\"")) "]",
         "\"k\" and \"K\" differ only in case"},
        {"[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "__POS", "\"long\"")) "]", "\"__POS\""},
    };
    for (size_t i = 0; i < 2; i++) {
        built.schemas = CASES[i].schemas;
        ice_table_write(&built);
        floe_table *table = ice_open(lake, built.folder);
        floe_table_scan_files files;
        floe_error err = {0};
        FLOE_AUTO_BUF sql = {0};
        floe_buf_init(&sql, FLOE_MIB(1));
        floe_scan_request request = {.limit = -1};
        assert_ok(floe_table_scan_plan_files(table, &request, NULL, &arena, &files, &err), &err);
        assert_code(floe_table_scan_sql(table, &files, NULL, 0, true, session, &sql, &err), FLOE_UNSUPPORTED);
        assert_message(&err, CASES[i].part);
        floe_table_close(&table);
    }
}

static void requests__engine_filters_that_are_no_expression__are_refused(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k, unnest(['a', 'x']) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    static const char *const WRONG[] = {"abs(k) = 9) OR (abs(k) = 1",
                                        "abs(k) = 1 -- and more",
                                        "abs(k) = 1 /* x */",
                                        "abs(k) IN (SELECT 1)",
                                        "k IN (FROM range(3))",
                                        "abs(k) = 1; DROP TABLE t",
                                        "EXISTS ( (VALUES (1)))",
                                        "abs(k = 1",
                                        "lower(s) = 'a",
                                        "E'\\'' = s OR abs(k) = 1 -- '",
                                        "abs(k) = (\xc2\xa0SELECT 1)", /* the engine takes that space for one */
                                        "abs(k) > 0, abs(k) > 1",
                                        "COLUMNS(*) IS NOT NULL",
                                        "row_number() OVER () = 1",
                                        "count(*) > 0",
                                        "sum(k) > 0",
                                        "unnest([true])",
                                        "abs(k) = ?",
                                        "range(1)",
                                        "abs(__pos) = 0"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        floe_error err = {0};
        int64_t rows = 0;
        floe_scan_request request = {.limit = -1, .where = WRONG[i], .engine_where = true};
        assert_true(floe_failed(floe_table_scan_to(table, &request, ice_path(built.folder, "w.csv"), &rows, &err)));
        assert_message(&err, "where: ");
    }
    static const char *const RIGHT[] = {"lower(s) = 'a' OR s = '--;('", "abs(\"k\") = 1", "lower(s) = E'\\x61'",
                                        "len(list_filter([k], x -> x > 1)) > 0", "k IS DISTINCT FROM 2 AND abs(k) > 0"};
    for (size_t i = 0; i < sizeof(RIGHT) / sizeof(RIGHT[0]); i++) {
        floe_error err = {0};
        int64_t rows = 0;
        floe_scan_request request = {.limit = -1, .where = RIGHT[i], .engine_where = true};
        assert_ok(floe_table_scan_to(table, &request, ice_path(built.folder, "w.csv"), &rows, &err), &err);
        assert_int_equal(rows, 1);
    }
    floe_table_close(&table);
}

/* WHERE would take any number that is not zero, and any text that reads like a truth value, for true. */
static void requests__engine_filters_that_are_not_boolean__are_refused_with_their_type(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT unnest([1, 0])::BIGINT AS k, unnest(['true', 'f']) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    static const struct {
        const char *where, *type;
    } CASES[] = {{"k", "int64"},
                 {"abs(k)", "int64"},
                 {"strlen(s)", "BIGINT"},
                 {"strlen(s) + 0.5", "DECIMAL"},
                 {"reverse(s)", "VARCHAR"},
                 {"[k = 1]", "BOOLEAN[]"},
                 {"(abs(k) = 1, s = 'f')", "STRUCT(BOOLEAN, BOOLEAN)"},
                 {"CASE WHEN strlen(s) = 1 THEN 1 END", "INTEGER"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_scan_request request = {.limit = -1, .where = CASES[i].where, .engine_where = true};
        struct ArrowArrayStream stream = {0};
        floe_scan_plan plan;
        int64_t rows = 0;
        floe_error streamed = {0}, planned = {0}, written = {0};
        assert_code(floe_table_scan(table, &request, &stream, &streamed), FLOE_INVALID);
        assert_code(floe_table_plan(table, &request, &arena, &plan, &planned), FLOE_INVALID);
        assert_code(floe_table_scan_to(table, &request, ice_path(built.folder, "w.csv"), &rows, &written),
                    FLOE_INVALID);
        assert_message(&streamed, "where: ");
        assert_message(&streamed, CASES[i].type);
        assert_string_equal(planned.message, streamed.message);
        assert_string_equal(written.message, streamed.message);
    }
    floe_table_close(&table);
}

static void requests__a_misspelled_column__is_told_with_the_nearest(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "delay", "\"long\"")) "]";
    add_file(parquet("1.parquet", "SELECT 1::BIGINT AS delay", "delay: 1"));
    ice_table_write(&built);
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = "delai > 3", .engine_where = true};
    assert_code(scan(&request, &text, &err), FLOE_INVALID);
    assert_message(&err, "where: ");
    assert_message(&err, "did you mean delay");
}

/* ---- files out ---- */

static void outputs__each_ending__is_written_whole(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k, unnest(['a,b', NULL]) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    floe_scan_request request = {.limit = -1};
    static const struct {
        const char *name, *want;
    } CASES[] = {{"o.csv", "k,s\n1,\"a,b\"\n2,\n"}, {"o.jsonl", "{\"k\":1,\"s\":\"a,b\"}\n{\"k\":2,\"s\":null}\n"}};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        int64_t rows = 0;
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_MIB(1));
        const char *path = ice_path(built.folder, CASES[i].name);
        assert_ok(floe_table_scan_to(table, &request, path, &rows, &err), &err);
        assert_int_equal(rows, 2);
        assert_ok(floe_file_read(path, &text, &err), &err);
        assert_string_equal(text.ptr, CASES[i].want);
    }
    floe_error err = {0};
    int64_t rows = 0;
    const char *path = ice_path(built.folder, "o.parquet");
    assert_ok(floe_table_scan_to(table, &request, path, &rows, &err), &err);
    struct ArrowArrayStream stream = {0};
    assert_ok(floe_session_stream(session, floe_arena_printf(&arena, "FROM '%s'", path), NULL, &stream, &err), &err);
    assert_string_equal(stream_text(&stream, &arena), "1|a,b;2|∅");
    floe_table_close(&table);
}

static void outputs__that_fail__leave_nothing_behind(void **state) {
    (void)state;
    add_file(parquet("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k, unnest(['a', 'x']) AS s", "k: 1, s: 2"));
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    const char *folder = ice_path(built.folder, "out");
    const char *path = ice_path(folder, "o.csv");
    floe_error err = {0};
    int64_t rows = 7;
    assert_ok(floe_file_mkdirs(folder, &err), &err);
    ice_write_file(path, FLOE_STR("before"));
    floe_scan_request failing = {
        .limit = -1, .where = "CASE WHEN s = 'x' THEN error('boom') ELSE true END", .engine_where = true};
    assert_true(floe_failed(floe_table_scan_to(table, &failing, path, &rows, &err)));
    assert_int_equal(rows, 7);
    const char *const *names = NULL;
    size_t count = 0;
    floe_error listing = {0};
    assert_ok(floe_file_list(folder, &arena, &names, &count, &listing), &listing);
    assert_int_equal(count, 1);
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, 100);
    assert_ok(floe_file_read(path, &text, &listing), &listing);
    assert_string_equal(text.ptr, "before"); /* the earlier file stands */
    floe_scan_request request = {.limit = -1};
    floe_error ending = {0};
    assert_code(floe_table_scan_to(table, &request, ice_path(folder, "o.xlsx"), &rows, &ending), FLOE_UNSUPPORTED);
    assert_message(&ending, ".parquet, .arrow, .feather, .arrows, .csv or .jsonl");
    floe_error missing = {0};
    assert_true(floe_failed(floe_table_scan_to(table, &request, "/nowhere/at/all/o.csv", &rows, &missing)));
    floe_table_close(&table);
}

static void moved__tables__are_read_where_they_are(void **state) {
    (void)state;
    (void)parquet("1.parquet", "SELECT 1::BIGINT AS k, 'a' AS s", "k: 1, s: 2");
    add_file("s3://bucket/t/1.parquet");
    ice_table_write(&built);
    expect_refused(NULL, FLOE_UNSUPPORTED, "s3://bucket/t/1.parquet: floe does not know how to read");
    floe_table *table = NULL;
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    floe_scan_request request = {.limit = -1};
    assert_ok(floe_table_open(lake, built.folder, "s3://bucket/t", built.folder, &table, &err), &err);
    assert_ok(floe_table_scan(table, &request, &stream, &err), &err);
    assert_string_equal(stream_text(&stream, &arena), "1|a");
    floe_table_close(&table);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        T(names__that_differ_only_in_case__work_where_the_format_allows),
        T(paths__with_every_kind_of_character__are_opened_as_they_are),
        T(files__missing__are_named),
        T(files__that_are_no_parquet__are_named),
        T(requests__many_files__go_to_the_engine_as_a_value),
        T(requests__columns_limit_and_metadata_columns__as_asked),
        T(requests__empty_tables__have_the_right_columns),
        T(requests__filters_of_the_engine__filter_rows),
        T(requests__nan__is_found_whatever_the_statistics_say),
        T(times__with_zone__keep_it_in_scans_and_lose_it_in_feature_sql),
        T(positions__over_several_groups__rank_files_by_sequence_and_path),
        T(positions__of_an_empty_table__are_typed),
        T(feature_sql__names_that_clash__are_refused),
        T(requests__engine_filters_that_are_no_expression__are_refused),
        T(requests__engine_filters_that_are_not_boolean__are_refused_with_their_type),
        T(requests__a_misspelled_column__is_told_with_the_nearest),
        T(outputs__each_ending__is_written_whole),
        T(outputs__that_fail__leave_nothing_behind),
        T(moved__tables__are_read_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
