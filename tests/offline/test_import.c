/*
 * Importing into Iceberg tables: modes, inputs, schemas, partitions. Tables are read back by floe's own scan; other
 * engines' readers are asked in test_interop_*.py.
 */
#include "tests/offline/import_expect.h"

static int64_t field_id(const floe_node *fields, size_t index) {
    return floe_node_get(fields->items[index], "id")->as.integer;
}

/* ---- modes ---- */

static void create__table_and_namespace__are_made(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT range AS n, 'x' || range AS s FROM range(3)", CREATE);
    assert_string_equal(table_text(&fixture), "0|x0;1|x1;2|x2");
    assert_int_equal(fixture.result.rows, 3);
    assert_int_equal(fixture.result.files, 1);
    assert_true(fixture.result.bytes > 0);
    assert_true(floe_file_exists(fixture.result.metadata_path));
}

static void create__table_exists__is_conflict_and_names_the_flags(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    expect_refused(input_file(&fixture, "x.parquet", "SELECT 2 AS n"), CREATE, FLOE_CONFLICT, "--append");
    assert_string_equal(table_text(&fixture), "1");
}

static void append__rows_follow__and_history_grows(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    import_rows_of(&fixture, "SELECT 2 AS n", APPEND);
    import_rows_of(&fixture, "SELECT 3 AS n", APPEND);
    assert_string_equal(table_text(&fixture), "1;2;3");
    const floe_node *root = table_document(&fixture);
    assert_int_equal(floe_node_get(root, "snapshots")->count, 3);
    assert_int_equal(floe_node_get(root, "last-sequence-number")->as.integer, 3);
    assert_int_equal(floe_node_get(root, "metadata-log")->count, 2);
    const floe_node *summary = floe_node_get(floe_node_get(root, "snapshots")->items[2], "summary");
    assert_true(floe_str_is(floe_node_get(summary, "operation")->text, "append"));
    assert_true(floe_str_is(floe_node_get(summary, "total-records")->text, "3"));
    assert_true(floe_str_is(floe_node_get(summary, "total-data-files")->text, "3"));
    assert_true(floe_str_is(floe_node_get(summary, "added-records")->text, "1"));
}

static void append__no_such_table__is_not_found(void **state) {
    (void)state;
    expect_refused(input_file(&fixture, "x.parquet", "SELECT 2 AS n"), APPEND, FLOE_NOT_FOUND, "lake.ns.t");
}

static void replace__rows_are_these_alone__and_history_is_kept(void **state) {
    (void)state;
    floe_error err = {0};
    floe_table *table = NULL;
    struct ArrowArrayStream stream = {0};
    import_rows_of(&fixture, "SELECT 1 AS n UNION ALL SELECT 11", CREATE);
    int64_t first = fixture.result.snapshot_id;
    import_rows_of(&fixture, "SELECT 2 AS n", REPLACE);
    assert_string_equal(table_text(&fixture), "2");
    const floe_node *root = table_document(&fixture);
    const floe_node *summary = floe_node_get(floe_node_get(root, "snapshots")->items[1], "summary");
    assert_true(floe_str_is(floe_node_get(summary, "operation")->text, "overwrite"));
    assert_true(floe_str_is(floe_node_get(summary, "deleted-records")->text, "2"));
    assert_true(floe_str_is(floe_node_get(summary, "deleted-data-files")->text, "1"));
    assert_true(floe_str_is(floe_node_get(summary, "total-records")->text, "1"));
    floe_scan_request request = {.at = FLOE_AT_ID, .snapshot_id = first, .limit = -1};
    must(floe_table_open(fixture.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    must(floe_table_scan(table, &request, &stream, &err), &err);
    assert_string_equal(stream_text(&stream, &fixture.sql.arena), "1;11");
    floe_table_close(&table);
}

static void replace__no_such_table__creates_it(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 2 AS n", REPLACE);
    assert_string_equal(table_text(&fixture), "2");
}

static void replace__twice__lists_only_the_last_files(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    import_rows_of(&fixture, "SELECT 2 AS n", REPLACE);
    import_rows_of(&fixture, "SELECT 3 AS n", REPLACE);
    import_rows_of(&fixture, "SELECT 4 AS n", APPEND);
    assert_string_equal(table_text(&fixture), "3;4");
}

static void empty_input__makes_a_table_without_files(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS n WHERE false", CREATE);
    assert_int_equal(fixture.result.rows, 0);
    assert_int_equal(fixture.result.files, 0);
    assert_string_equal(table_text(&fixture), "");
    import_rows_of(&fixture, "SELECT 5 AS n", APPEND);
    assert_string_equal(table_text(&fixture), "5");
}

/* ---- inputs ---- */

static void input__csv_and_json__are_read_by_their_ending(void **state) {
    (void)state;
    floe_error err = {0};
    const char *query =
        "SELECT range AS n, 'a,b \"' || range AS s, DATE '2001-01-01' + range::INTEGER AS d FROM range(2)";
    static const char *const NAMES[] = {"x.csv", "x.json", "x.jsonl", "x.ndjson", "x.parquet"};
    for (size_t i = 0; i < 5; i++) {
        must(import_one(&fixture, input_file(&fixture, NAMES[i], query), REPLACE, &err), &err);
        assert_string_equal(table_text(&fixture), "0|a,b \"0|2001-01-01;1|a,b \"1|2001-01-02");
    }
}

static void input__several_files__are_one_in_their_order(void **state) {
    (void)state;
    floe_error err = {0};
    const char *files[] = {input_file(&fixture, "b.csv", "SELECT 1 AS n"),
                           input_file(&fixture, "c.csv", "SELECT 2 AS n"),
                           input_file(&fixture, "a.csv", "SELECT 3 AS n")};
    floe_import_request request = {.files = files, .file_count = 3, .table = "lake.ns.t"};
    must(floe_table_import(fixture.lake, &request, NULL, &fixture.result, &err), &err);
    assert_string_equal(table_text(&fixture), "1;2;3");
}

static void input__order_of_many_rows__is_kept(void **state) {
    (void)state;
    floe_import_request request = {.partition = "bucket(3, k)"};
    import_rows_of(&fixture, "SELECT range AS n, range % 7 AS k FROM range(600000)", request);
    assert_int_equal(fixture.result.files, 3);
    floe_error err = {0};
    floe_table *table = NULL;
    FLOE_AUTO_STREAM stream = {0};
    floe_scan_request scan = {.limit = -1};
    must(floe_table_open(fixture.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    must(floe_table_scan(table, &scan, &stream, &err), &err);
    must(floe_session_load(fixture.sql.session, "back", &stream, &err), &err);
    floe_arrow_stream_release(&stream);
    floe_table_close(&table);
    assert_string_equal(sql_text(&fixture.sql,
                                 "SELECT count(*), count(DISTINCT n), count(*) FILTER (n <= p) FROM (SELECT n, "
                                 "lag(n) OVER (PARTITION BY floe_murmur3(k) % 3 ORDER BY rowid) AS p FROM back)",
                                 NULL),
                        "600000|600000|0");
}

/* Folders of other systems are named column=value; what a table gets is what is in the files. */
static void input__folder_named_like_a_partition__adds_no_column(void **state) {
    (void)state;
    floe_error err = {0};
    char folder[400];
    static const char *const NAMES[] = {"n=7/x.parquet", "n=7/x.csv", "k=8/x.json"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(folder, sizeof folder, "%s/%.3s", fixture.sql.folder, NAMES[i]);
        must(floe_file_mkdirs(folder, &err), &err);
        must(import_one(&fixture, input_file(&fixture, NAMES[i], "SELECT 1 AS n"), REPLACE, &err), &err);
        assert_string_equal(table_text(&fixture), "1");
    }
}

static void input__what_cannot_be_read__is_refused_by_name(void **state) {
    (void)state;
    expect_refused("/no/such/file.csv", CREATE, FLOE_NOT_FOUND, "/no/such/file.csv");
    expect_refused("/no/such/file.xlsx", CREATE, FLOE_UNSUPPORTED, "file.xlsx");
    expect_refused("/tmp/*.csv", CREATE, FLOE_INVALID, "pattern");
    floe_error err = {0};
    char path[400];
    snprintf(path, sizeof path, "%s/broken.parquet", fixture.sql.folder);
    must(floe_file_write(path, FLOE_STR("not a Parquet file, whatever its name says"), false, &err), &err);
    expect_refused(path, CREATE, FLOE_CORRUPT, "broken.parquet");
    snprintf(path, sizeof path, "%s/broken.json", fixture.sql.folder);
    must(floe_file_write(path, FLOE_STR("{\"a\": 1}\n{\"a\": "), false, &err), &err);
    expect_refused(path, CREATE, FLOE_INVALID, "JSON");
    static const char *const EMPTY[] = {"empty.csv", "empty.json", "empty.parquet"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", fixture.sql.folder, EMPTY[i]);
        must(floe_file_write(path, FLOE_STR(""), false, &err), &err);
        expect_refused(path, CREATE, FLOE_INVALID, EMPTY[i]);
    }
}

static void input__two_formats__are_refused(void **state) {
    (void)state;
    floe_error err = {0};
    const char *files[] = {input_file(&fixture, "a.csv", "SELECT 1 AS n"),
                           input_file(&fixture, "a.parquet", "SELECT 1 AS n")};
    floe_import_request request = {.files = files, .file_count = 2, .table = "lake.ns.t"};
    assert_int_equal(floe_table_import(fixture.lake, &request, NULL, &fixture.result, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "a.parquet"));
}

static void input__bad_csv_cell__names_line_and_column(void **state) {
    (void)state;
    floe_error err = {0};
    char path[400];
    snprintf(path, sizeof path, "%s/bad.csv", fixture.sql.folder);
    must(floe_file_write(path, FLOE_STR("n,m\n1,1\nx,2\n"), false, &err), &err);
    floe_import_request request = {.types = "n=int"};
    expect_refused(path, request, FLOE_INVALID, "Line: 3");
    expect_refused(path, request, FLOE_INVALID, "\"n\"");
}

/* ---- --types and --select ---- */

static void types__csv__keep_what_guessing_would_lose(void **state) {
    (void)state;
    floe_error err = {0};
    char path[400];
    snprintf(path, sizeof path, "%s/z.csv", fixture.sql.folder);
    must(floe_file_write(path, FLOE_STR("zip,price,at\n00501,1.10,2001-01-01 00:00:00+01\n"), false, &err), &err);
    floe_import_request request = {.types = " zip = string , price=decimal(10,2),at=timestamptz"};
    must(import_one(&fixture, path, request, &err), &err);
    assert_string_equal(table_text(&fixture), "00501|1.10|2000-12-31T23:00:00Z");
}

static void types__parquet_and_json__are_cast(void **state) {
    (void)state;
    floe_error err = {0};
    floe_import_request request = {.mode = FLOE_IMPORT_REPLACE, .types = "n=string,l=list<long>"};
    const char *query = "SELECT 7 AS n, [1, 2] AS l";
    must(import_one(&fixture, input_file(&fixture, "t.parquet", query), request, &err), &err);
    const floe_node *fields = schema_fields(0);
    assert_true(floe_str_is(floe_node_get(fields->items[0], "type")->text, "string"));
    must(import_one(&fixture, input_file(&fixture, "t.json", query), request, &err), &err);
    fields = schema_fields(0);
    assert_true(floe_str_is(floe_node_get(fields->items[0], "type")->text, "string"));
}

/* JSON has one kind of number: a column of whole numbers is long, whatever their signs, while int64 holds them. */
static void types__whole_numbers_of_json__are_long_while_they_fit(void **state) {
    (void)state;
    floe_error err = {0};
    const char *query = "SELECT i AS n, [i, -1] AS l FROM (VALUES (0), (-1), (9007199254740993)) t(i)";
    must(import_one(&fixture, input_file(&fixture, "t.json", query), REPLACE, &err), &err);
    assert_true(floe_str_is(floe_node_get(schema_fields(0)->items[0], "type")->text, "long"));
    assert_true(floe_str_is(floe_node_get(floe_node_get(schema_fields(0)->items[1], "type"), "element")->text, "long"));
    assert_string_equal(table_text(&fixture), "0|[0,-1];-1|[-1,-1];9007199254740993|[9007199254740993,-1]");
    query = "SELECT i AS n FROM (VALUES (-1::HUGEINT), (9223372036854775808)) t(i)";
    must(import_one(&fixture, input_file(&fixture, "t.json", query), REPLACE, &err), &err);
    assert_string_equal(table_text(&fixture), "-1;9223372036854775808");
}

static void types__values_that_would_change__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *types, *value, *kept; /* SQL of a value that changes, and of one that does not */
    } CASES[] = {
        {"n=int64", "0.4", "-7"},
        {"n=int", "1.5", "4"},
        {"n=decimal(10,2)", "1.239", "1.2"},
        {"n=date", "TIMESTAMP '2020-01-01 10:00:00'", "DATE '2020-01-01'"},
    };
    static const char *const FILES[] = {"t.csv", "t.json", "t.parquet"};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        for (size_t f = 0; f < 3; f++) {
            char query[200];
            floe_error err = {0};
            floe_import_request request = {.mode = FLOE_IMPORT_REPLACE, .types = CASES[i].types};
            snprintf(query, sizeof query, "SELECT unnest([%s, %s]) AS n", CASES[i].kept, CASES[i].value);
            expect_refused(input_file(&fixture, FILES[f], query), request, FLOE_INVALID, "column \"n\" has the value");
            snprintf(query, sizeof query, "SELECT unnest([%s, %s]) AS n", CASES[i].kept, CASES[i].kept);
            must(import_one(&fixture, input_file(&fixture, FILES[f], query), request, &err), &err);
        }
    }
}

static void types__mistakes__name_the_column(void **state) {
    (void)state;
    const char *file = input_file(&fixture, "t.csv", "SELECT 7 AS n");
    expect_refused(file, (floe_import_request){.types = "m=int"}, FLOE_NOT_FOUND, "\"m\"");
    expect_refused(file, (floe_import_request){.types = "n=imt"}, FLOE_INVALID, "\"n\"");
    expect_refused(file, (floe_import_request){.types = "n"}, FLOE_INVALID, "column=type");
    expect_refused(file, (floe_import_request){.types = "n=decimal(50,2)"}, FLOE_INVALID, "\"n\"");
}

static void select__list__makes_the_columns(void **state) {
    (void)state;
    floe_import_request request = {.select = "*, n * 2 AS double_n -- the end of this comment is the line's"};
    import_rows_of(&fixture, "SELECT range::INTEGER AS n FROM range(2)", request);
    assert_string_equal(table_text(&fixture), "0|0;1|2");
}

static void select__mistakes__are_one_message(void **state) {
    (void)state;
    const char *file = input_file(&fixture, "t.csv", "SELECT 7 AS n");
    expect_refused(file, (floe_import_request){.select = "m"}, FLOE_INVALID, "--select: Referenced column \"m\"");
    expect_refused(file, (floe_import_request){.select = "n FROM"}, FLOE_INVALID, "--select");
    expect_refused(file, (floe_import_request){.select = "n, n AS N"}, FLOE_INVALID, "two columns are named");
    expect_refused(file, (floe_import_request){.select = "1 AS a); CREATE TABLE x (i INTEGER); SELECT (2"},
                   FLOE_INVALID, "--select");
    expect_refused(file, (floe_import_request){.select = "n AS __floe_row"}, FLOE_INVALID, "__floe_row");
}

/* ---- types ---- */

static void schema__every_type__has_its_iceberg_type(void **state) {
    (void)state;
    import_rows_of(
        &fixture,
        "SELECT true AS c0, 1::TINYINT AS c1, 1::SMALLINT AS c2, 1::INTEGER AS c3, 1::UTINYINT AS c4, "
        "1::USMALLINT AS c5, 1::UINTEGER AS c6, 1::BIGINT AS c7, 18446744073709551615::UBIGINT AS c8, "
        "1::FLOAT AS c9, 1::DOUBLE AS c10, 1::DECIMAL(9,3) AS c11, 'x' AS c12, 'x'::BLOB AS c13, "
        "DATE '2001-01-01' AS c14, TIME '01:02:03' AS c15, TIMESTAMP '2001-01-01' AS c16, "
        "TIMESTAMPTZ '2001-01-01 00:00:00Z' AS c17, uuid() AS c18, [1] AS c19, {'a': 1, 'b c': ['x']} AS c20, "
        "MAP {'k': 1.5::DOUBLE} AS c21, TIMESTAMP_S '2001-01-01 00:00:00' AS c22, "
        "[1, 2]::INTEGER[2] AS c23, 'v'::ENUM('v', 'w)x') AS c24",
        CREATE);
    static const char *const TYPES[] = {
        "boolean",        "int",         "int",    "int",           "int",    "int",    "long", "long",
        "decimal(20, 0)", "float",       "double", "decimal(9, 3)", "string", "binary", "date", "time",
        "timestamp",      "timestamptz", "uuid"};
    const floe_node *fields = schema_fields(0);
    assert_int_equal(fields->count, 25);
    for (size_t i = 0; i < 19; i++) {
        assert_true(floe_str_is(floe_node_get(fields->items[i], "type")->text, TYPES[i]));
        assert_int_equal(field_id(fields, i), i + 1);
    }
    /* Ids inside follow those of the top level: 25 columns, then list element, struct members, element, key, value. */
    const floe_node *list = floe_node_get(fields->items[19], "type");
    assert_int_equal(floe_node_get(list, "element-id")->as.integer, 26);
    const floe_node *members = floe_node_get(floe_node_get(fields->items[20], "type"), "fields");
    assert_int_equal(field_id(members, 0), 27);
    assert_int_equal(field_id(members, 1), 28);
    assert_true(floe_str_is(floe_node_get(members->items[1], "name")->text, "b c"));
    const floe_node *map = floe_node_get(fields->items[21], "type");
    assert_int_equal(floe_node_get(map, "key-id")->as.integer, 30);
    assert_int_equal(floe_node_get(map, "value-id")->as.integer, 31);
    assert_true(floe_str_is(floe_node_get(fields->items[22], "type")->text, "timestamp"));
    assert_true(floe_str_is(floe_node_get(fields->items[24], "type")->text, "string"));
    assert_int_equal(floe_node_get(table_document(&fixture), "last-column-id")->as.integer, 32);
}

static void schema__field_ids__stand_in_the_file(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1 AS \"odd 'name\", {'a': 1, 'l': [1]} AS s, MAP {'k': 1} AS m", CREATE);
    const char *sql = floe_arena_printf(&fixture.sql.arena,
                                        "SELECT string_agg(name || '=' || field_id, ' ' ORDER BY field_id) FROM "
                                        "parquet_schema('%s/ns/t/data/*.parquet') WHERE field_id IS NOT NULL",
                                        fixture.warehouse);
    assert_string_equal(sql_text(&fixture.sql, sql, NULL), "odd 'name=1 s=2 m=3 a=4 l=5 element=6 key=7 value=8");
}

static void schema__what_iceberg_has_no_type_for__is_refused_by_column(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"INTERVAL 1 DAY", "INTERVAL"},
        {"TIMESTAMP_NS '2001-01-01 00:00:00'", "TIMESTAMP_NS"},
        {"TIMETZ '01:02:03+00'", "TIME WITH TIME ZONE"},
        {"1::UHUGEINT", "UHUGEINT"},
        {"'101'::BIT", "BIT"},
        {"row(1, 'a')", "without a name"},
        {"[INTERVAL 1 DAY]", "INTERVAL"},
        {"{'a': [{'b': INTERVAL 1 DAY}]}", "INTERVAL"},
    };
    const char *file = input_file(&fixture, "t.csv", "SELECT 7 AS n");
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_import_request request = {.select =
                                           floe_arena_printf(&fixture.sql.arena, "%s AS \"bad col\"", CASES[i][0])};
        expect_refused(file, request, FLOE_UNSUPPORTED, "column \"bad col\"");
        expect_refused(file, request, FLOE_UNSUPPORTED, CASES[i][1]);
    }
}

static void append__columns_by_name__widen_and_reorder(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::BIGINT AS n, 1.5::DOUBLE AS g, 1::DECIMAL(12,2) AS d, 'a' AS s", CREATE);
    import_rows_of(&fixture, "SELECT 'b' AS s, 2::DECIMAL(5,2) AS d, 2.5::FLOAT AS g, 2::INTEGER AS n", APPEND);
    assert_string_equal(table_text(&fixture), "1|1.5|1.00|a;2|2.5|2.00|b");
}

static void append__columns_that_do_not_match__are_named(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS n, 'a' AS s", CREATE);
    static const char *const CASES[][2] = {
        {"SELECT 1::BIGINT AS n, 'a' AS s", "\"n\": the input's type is long, the table's int"},
        {"SELECT 'x' AS n, 'a' AS s", "\"n\""},
        {"SELECT 1::INTEGER AS n", "\"s\""},
        {"SELECT 1::INTEGER AS n, 'a' AS s, 1 AS extra", "\"extra\""},
        {"SELECT 1::INTEGER AS N, 'a' AS s", "\"N\""},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_refused(input_file(&fixture, "a.parquet", CASES[i][0]), APPEND, FLOE_INVALID, CASES[i][1]);
    }
    assert_string_equal(table_text(&fixture), "1|a");
}

static void replace__columns_that_stay__keep_their_ids(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS a, 2 AS b, {'x': 1, 'y': 2} AS c, 'q' AS d", CREATE);
    import_rows_of(&fixture, "SELECT {'y': 5, 'z': 6} AS c, 3::BIGINT AS a, 'new' AS e, 4::DOUBLE AS d", REPLACE);
    const floe_node *root = table_document(&fixture);
    assert_int_equal(floe_node_get(root, "schemas")->count, 2);
    assert_int_equal(floe_node_get(root, "current-schema-id")->as.integer, 1);
    const floe_node *fields = schema_fields(1);
    assert_int_equal(field_id(fields, 0), 3);
    assert_int_equal(field_id(fields, 1), 1); /* int to long is a promotion */
    assert_int_equal(field_id(fields, 2), 7); /* 1 to 4 and, inside c, 5 and 6 were taken */
    assert_int_equal(field_id(fields, 3), 8); /* text to double is another column */
    const floe_node *members = floe_node_get(floe_node_get(fields->items[0], "type"), "fields");
    assert_int_equal(field_id(members, 0), 6);
    assert_int_equal(field_id(members, 1), 9);
}

static void replace__same_columns__adds_no_schema(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT 1::INTEGER AS a", CREATE);
    import_rows_of(&fixture, "SELECT 2::INTEGER AS a", REPLACE);
    assert_int_equal(floe_node_get(table_document(&fixture), "schemas")->count, 1);
}

/* ---- partitions ---- */

/* The engine's readers would give the second of two equal names another, and so would a query around them. */
static void input__names_twice__are_refused_with_file_and_place(void **state) {
    (void)state;
    static const struct {
        const char *file, *text, *part;
    } CASES[] = {{"a.csv", "a,b,a\n1,2,3\n", "a.csv: two columns are named \"a\", the 1. and the 3."},
                 {"b.csv", "b;A;a\n1;2;3\n", "b.csv: the columns \"A\" and \"a\" differ only in case"},
                 {"c.csv", "\"x,y\",z,\"x,y\"\n1,2,3\n", "two columns are named \"x,y\", the 1. and the 3."},
                 {"d.tsv", "a\ta_1\ta\n1\t2\t3\n", "two columns are named \"a\", the 1. and the 3."},
                 {"e.jsonl", "{\"a\":1}\n{\"A\":2}\n", "the columns \"A\" and \"a\" differ only in case"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        const char *path = floe_arena_printf(&fixture.sql.arena, "%s/%s", fixture.sql.folder, CASES[i].file);
        must(floe_file_write(path, floe_str_of(CASES[i].text), false, &err), &err);
        expect_refused(path, CREATE, FLOE_INVALID, CASES[i].part);
    }
}

static void input__names_that_only_look_given__stay(void **state) {
    (void)state;
    static const struct {
        const char *file, *text;
    } CASES[] = {{"a.csv", "a,a_1,b_1\n1,2,3\n"}, {"b.jsonl", "{\"a\":1,\"a_1\":2,\"b_1\":3}\n"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        const char *path = floe_arena_printf(&fixture.sql.arena, "%s/%s", fixture.sql.folder, CASES[i].file);
        must(floe_file_write(path, floe_str_of(CASES[i].text), false, &err), &err);
        must(import_one(&fixture, path, (floe_import_request){.mode = i ? FLOE_IMPORT_APPEND : FLOE_IMPORT_CREATE},
                        &err),
             &err);
    }
    assert_string_equal(table_text(&fixture), "1|2|3;1|2|3");
    const char *file =
        input_file(&fixture, "n.parquet", "SELECT {'s': 1, 's_1': 2} AS a, 2 AS a_1, {'a': {'a': 1}} AS b");
    import_rows_of(&fixture, floe_arena_printf(&fixture.sql.arena, "FROM '%s'", file), REPLACE);
    assert_true(floe_str_is(floe_node_get(schema_fields(1)->items[1], "name")->text, "a_1"));
}

static const char *text_file(const char *name, const char *text) {
    floe_error err = {0};
    const char *path = floe_arena_printf(&fixture.sql.arena, "%s/%s", fixture.sql.folder, name);
    must(floe_file_write(path, floe_str_of(text), false, &err), &err);
    return path;
}

/* The reader would take every line for one column, or leave out those before the last. */
static void input__csv_of_lines_that_differ__is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } CASES[] = {
        {"a,b\n1,2\n3\n", "x.csv: the lines have not as many fields as the first, \"a,b\", cut at every \",\""},
        {"a;b;c\n1;2;3\n4;5\n6;7;8\n", "as the first, \"a;b;c\", cut at every \";\""},
        {"a,b\n1,2\nx,3,4,5\n", "the first 2 lines have not as many fields as those after them, beginning with \"x,3"},
        {"title\na,b,c\n1,2,3\n4,5,6\n", "the first 1 lines"},
        {"# note\na,b,c\n1,2,3\n4,5,6\n", "beginning with \"a,b,c\""}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_refused(text_file("x.csv", CASES[i].text), CREATE, FLOE_INVALID, CASES[i].part);
    }
}

static void input__csv_of_odd_but_whole_lines__keeps_them_all(void **state) {
    (void)state;
    static const struct {
        const char *text, *rows;
    } CASES[] = {{"a,b\n#1,2\n3,4\n", "#1|2;3|4"}, /* no comments: every line is a row */
                 {"\n\na,b\n1,2\n", "1|2"},
                 {"word\n\"hello, world\"\nx\n", "hello, world;x"},
                 {"\"a,b\"\n1\n2\n", "1;2"},
                 {"a,b\n1,2\n\n3,4\n", "1|2;3|4"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        must(import_one(&fixture, text_file("y.csv", CASES[i].text), REPLACE, &err), &err);
        assert_string_equal(table_text(&fixture), CASES[i].rows);
    }
}

/* The reader would cast 1.5 to 2, drop a column, or take values by their place. */
static void input__several_files_of_other_columns__are_refused_by_file(void **state) {
    (void)state;
    static const struct {
        const char *first, *second, *ending, *part;
    } CASES[] = {
        {"SELECT 1 AS a, 2 AS b", "SELECT 1.5::DOUBLE AS a, 2 AS b", "parquet",
         "2.parquet: the column \"a\" is DOUBLE and INTEGER in"},
        {"SELECT 1 AS a", "SELECT 1 AS a, 2 AS b", "parquet", "2.parquet: the column \"b\" is not in"},
        {"SELECT 1 AS a, 2 AS b", "SELECT 1 AS a", "parquet", "2.parquet has no column \"b\", which is in"},
        {"SELECT 1 AS a, 2 AS b", "SELECT 2 AS b, 1 AS a", "csv", "2.csv: the column \"b\" stands at another place in"},
        {"SELECT 1 AS a, 2 AS b", "SELECT 1 AS a, 2 AS b, 3 AS c", "csv", "2.csv: the column \"c\" is not in"},
        {"SELECT 1 AS a, 2 AS b", "SELECT 1 AS a", "csv", "2.csv has no column \"b\", which is in"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *names[] = {floe_arena_printf(&fixture.sql.arena, "1.%s", CASES[i].ending),
                               floe_arena_printf(&fixture.sql.arena, "2.%s", CASES[i].ending)};
        const char *files[] = {input_file(&fixture, names[0], CASES[i].first),
                               input_file(&fixture, names[1], CASES[i].second)};
        floe_import_request request = {.files = files, .file_count = 2, .table = "lake.ns.t"};
        floe_error err = {0};
        assert_code(floe_table_import(fixture.lake, &request, NULL, &fixture.result, &err), FLOE_INVALID);
        assert_message(&err, CASES[i].part);
        assert_int_equal(count_files(fixture.warehouse), 0);
    }
}

static void input__several_files_of_columns_that_fit__are_one(void **state) {
    (void)state;
    const char *files[] = {input_file(&fixture, "1.parquet", "SELECT 1::BIGINT AS a, 2.5::DOUBLE AS b"),
                           input_file(&fixture, "2.parquet", "SELECT 0.5::FLOAT AS b, 3::INTEGER AS a")};
    floe_import_request request = {.files = files, .file_count = 2, .table = "lake.ns.t"};
    floe_error err = {0};
    must(floe_table_import(fixture.lake, &request, NULL, &fixture.result, &err), &err);
    assert_string_equal(table_text(&fixture), "1|2.5;3|0.5");
    request.mode = FLOE_IMPORT_REPLACE;
    files[0] = text_file("1.csv", "a,b\n1,2\n");
    files[1] = text_file("2.csv", "a,b\n1.5,x\n"); /* the types of text are found over all files */
    must(floe_table_import(fixture.lake, &request, NULL, &fixture.result, &err), &err);
    assert_string_equal(table_text(&fixture), "1.0|2;1.5|x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IMPORT_TEST(create__table_and_namespace__are_made),
        IMPORT_TEST(create__table_exists__is_conflict_and_names_the_flags),
        IMPORT_TEST(append__rows_follow__and_history_grows),
        IMPORT_TEST(append__no_such_table__is_not_found),
        IMPORT_TEST(replace__rows_are_these_alone__and_history_is_kept),
        IMPORT_TEST(replace__no_such_table__creates_it),
        IMPORT_TEST(replace__twice__lists_only_the_last_files),
        IMPORT_TEST(empty_input__makes_a_table_without_files),
        IMPORT_TEST(input__csv_and_json__are_read_by_their_ending),
        IMPORT_TEST(input__several_files__are_one_in_their_order),
        IMPORT_TEST(input__order_of_many_rows__is_kept),
        IMPORT_TEST(input__folder_named_like_a_partition__adds_no_column),
        IMPORT_TEST(input__what_cannot_be_read__is_refused_by_name),
        IMPORT_TEST(input__two_formats__are_refused),
        IMPORT_TEST(input__bad_csv_cell__names_line_and_column),
        IMPORT_TEST(types__csv__keep_what_guessing_would_lose),
        IMPORT_TEST(types__parquet_and_json__are_cast),
        IMPORT_TEST(types__whole_numbers_of_json__are_long_while_they_fit),
        IMPORT_TEST(types__values_that_would_change__are_refused),
        IMPORT_TEST(types__mistakes__name_the_column),
        IMPORT_TEST(select__list__makes_the_columns),
        IMPORT_TEST(select__mistakes__are_one_message),
        IMPORT_TEST(schema__every_type__has_its_iceberg_type),
        IMPORT_TEST(schema__field_ids__stand_in_the_file),
        IMPORT_TEST(schema__what_iceberg_has_no_type_for__is_refused_by_column),
        IMPORT_TEST(append__columns_by_name__widen_and_reorder),
        IMPORT_TEST(append__columns_that_do_not_match__are_named),
        IMPORT_TEST(replace__columns_that_stay__keep_their_ids),
        IMPORT_TEST(replace__same_columns__adds_no_schema),
        IMPORT_TEST(input__names_twice__are_refused_with_file_and_place),
        IMPORT_TEST(input__names_that_only_look_given__stay),
        IMPORT_TEST(input__csv_of_lines_that_differ__is_refused),
        IMPORT_TEST(input__csv_of_odd_but_whole_lines__keeps_them_all),
        IMPORT_TEST(input__several_files_of_other_columns__are_refused_by_file),
        IMPORT_TEST(input__several_files_of_columns_that_fit__are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
