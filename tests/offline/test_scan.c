/*
 * Scans over real Parquet files: columns by field id, constants from partitions, name mappings, filters, outputs. Files
 * are written by the engine with the ids given; expected rows are what was written.
 * timeout: 300
 */
#include "tests/offline/scan_support.h"

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
    floe_buf_text(&sql, "SELECT __floe_seq, __floe_pos, k FROM ");
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &arena, &files, &err), &err);
    assert_ok(floe_table_scan_sql(table, &files, columns, count, true, session, &sql, &err), &err);
    floe_buf_text(&sql, " ORDER BY __floe_seq, __floe_pos");
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
        {"[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "__FLOE_POS", "\"long\"")) "]", "\"__FLOE_POS\""},
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
                                        "abs(__floe_pos) = 0"};
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

int main(void) {
    const struct CMUnitTest tests[] = {
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
