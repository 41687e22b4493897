/*
 * What the checker lets through and what it refuses, by the text alone. Each hostile statement is refused for the reason that
 * its line names; each harmless one gives exactly the tables a reader finds in it.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/offline.h"

#include <stdio.h>
#include <stdlib.h>

static floe_checker *checker;

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(floe_checker_open(&checker, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_checker_close(&checker);
    assert_null(checker);
    return 0;
}

/* The names that are found, "catalog.schema.table" with empty parts left out, joined by spaces; or "CODE: message". */
static const char *parsed(const char *sql, floe_arena *arena) {
    const floe_query_name *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    if (floe_failed(floe_checker_parse(checker, floe_str_of(sql), arena, &names, &count, &err))) {
        return floe_arena_printf(arena, "%s: %s", floe_code_describe(err.code)->name, err.message);
    }
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        const floe_query_name *name = &names[i];
        text = floe_arena_printf(arena, "%s%s%.*s%s%.*s%s%.*s", text, i > 0 ? " " : "", FLOE_STR_ARG(name->catalog),
                                 name->catalog.len ? "." : "", FLOE_STR_ARG(name->schema), name->schema.len ? "." : "",
                                 FLOE_STR_ARG(name->table));
    }
    return text;
}

typedef struct parse_case {
    const char *sql, *wants;
} parse_case;

static void check_names(const parse_case *cases, size_t count) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(parsed(cases[i].sql, &arena), cases[i].wants);
    }
}

static void check_refusals(const char *code, const parse_case *cases, size_t count) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t i = 0; i < count; i++) {
        const char *got = parsed(cases[i].sql, &arena);
        if (strncmp(got, code, strlen(code)) != 0 || strstr(got, cases[i].wants) == NULL) {
            print_message("%s\n→ %s\nwanted %s … %s\n", cases[i].sql, got, code, cases[i].wants);
            fail();
        }
    }
}
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- what is let through ---- */

static void parse__selects__give_the_tables_they_name(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"SELECT 1", ""},
        {"select * from flights", "flights"},
        {"FROM flights SELECT delay", "flights"},
        {"TABLE flights", "flights"},
        {"SELECT * FROM flights;", "flights"},
        {"SELECT * FROM flights -- a comment; DROP TABLE x", "flights"},
        {"SELECT /* DROP TABLE x */ * FROM flights", "flights"},
        {"SELECT * FROM lake.aviation.flights, aviation.airports a", "lake.aviation.flights aviation.airports"},
        {"SELECT * FROM \"lake.aviation\".\"a\"\"b\"", "lake.aviation.a\"b"},
        {"SELECT * FROM t JOIN t AS u USING (a) NATURAL JOIN T", "t T"},
        {"SELECT * FROM a WHERE x IN (SELECT y FROM b WHERE EXISTS (SELECT 1 FROM c))", "a b c"},
        {"SELECT (SELECT max(x) FROM d), * FROM (SELECT * FROM e) s, LATERAL (SELECT * FROM f WHERE f.x = s.x) l",
         "d e f"},
        {"SELECT a FROM t1 UNION ALL SELECT b FROM t2 EXCEPT SELECT c FROM t3 ORDER BY 1 LIMIT 3", "t1 t2 t3"},
        {"SELECT DISTINCT ON (a) a, b FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1", "t"},
        {"SELECT count(*) FILTER (WHERE x > 1), list_transform(l, lambda y: y + 1) FROM t GROUP BY ALL", "t"},
        {"SELECT * EXCLUDE (a) REPLACE (b AS c), s.field, m['k'], l[1:2] FROM t", "t"},
        {"SELECT columns('d.*') FROM t TABLESAMPLE 10%", "t"},
        {"SELECT CASE WHEN a THEN 1 END, CAST(a AS DECIMAL(10, 2)), a::STRUCT(x INT), a COLLATE nocase FROM t", "t"},
        {"SELECT date '2001-01-01' + INTERVAL 3 DAY, extract(year FROM d), current_date FROM t", "t"},
        {"SELECT * FROM (VALUES (1, 'FROM secret')) v(a, b)", ""},
        {"SELECT unnest([1, 2]) FROM unnest([1]) u(x)", ""},
        {"SELECT 'it''s from secret', $$ from secret $$", ""},
        {"SELECT 99999999999999999999999999999999", ""},
        {"UNPIVOT t ON a, b INTO NAME n VALUE v", "t"},
    };
    check_names(cases, COUNT(cases));
}

static void parse__names_of_with__are_no_tables_where_they_hold(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"WITH w AS (SELECT * FROM t) SELECT * FROM w", "t"},
        {"WITH w AS (SELECT * FROM t), v AS (SELECT * FROM W) SELECT * FROM v JOIN w USING (x)", "t"},
        {"WITH w AS (SELECT 1) SELECT * FROM (SELECT * FROM (SELECT * FROM w))", ""},
        {"SELECT * FROM (WITH w AS (SELECT 1) SELECT * FROM w) s, w", "w"},
        {"WITH w AS (SELECT 1) SELECT * FROM s.w", "s.w"},
        {"WITH w AS MATERIALIZED (SELECT * FROM t) SELECT * FROM w UNION SELECT * FROM u", "t u"},
        {"SELECT (WITH w AS (SELECT 1) SELECT * FROM w), * FROM w", "w"},
        /* In its own query, and in those before it, the name is still the table's, or that of a view of the engine's own. */
        {"WITH w AS (SELECT * FROM w) SELECT * FROM w", "w"},
        {"WITH v AS (SELECT * FROM w), w AS (SELECT 1) SELECT * FROM v", "w"},
        {"WITH duckdb_views AS (SELECT * FROM duckdb_views) SELECT sql FROM duckdb_views", "duckdb_views"},
        {"WITH a AS (SELECT * FROM sqlite_master), sqlite_master AS (SELECT 1) SELECT * FROM a", "sqlite_master"},
        {"WITH a AS (SELECT (SELECT 1 FROM b WHERE EXISTS (FROM b))), b AS (SELECT 1) SELECT * FROM a", "b"},
        {"WITH a AS (SELECT 1), b AS (WITH c AS (FROM a) SELECT * FROM c, a) SELECT * FROM b", ""},
        {"WITH w AS (WITH w AS (SELECT 7) SELECT * FROM w) SELECT * FROM w", ""},
        {"WITH w AS (WITH w AS (SELECT * FROM w) SELECT * FROM w) SELECT * FROM w", "w"},
        {"WITH a AS (SELECT * FROM (WITH b AS (FROM b) FROM b) x), b AS (SELECT 1) FROM a UNION FROM b", "b"},
    };
    check_names(cases, COUNT(cases));
}

/* ---- what is refused ---- */

static void parse__other_statements__are_denied(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"DROP TABLE t", "SELECT"},
        {"DELETE FROM t", "SELECT"},
        {"INSERT INTO t VALUES (1)", "SELECT"},
        {"UPDATE t SET a = 1", "SELECT"},
        {"MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", "SELECT"},
        {"CREATE TABLE x AS SELECT * FROM t", "SELECT"},
        {"CREATE VIEW x AS SELECT * FROM t", "SELECT"},
        {"CREATE MACRO f(x) AS x", "SELECT"},
        {"ALTER TABLE t ADD COLUMN x INT", "SELECT"},
        {"TRUNCATE t", "SELECT"},
        {"COPY t TO '/tmp/x.csv'", "SELECT"},
        {"COPY (SELECT * FROM t) TO '/tmp/x.parquet'", "SELECT"},
        {"COPY t FROM '/etc/passwd'", "SELECT"},
        {"EXPORT DATABASE '/tmp/x'", "SELECT"},
        {"IMPORT DATABASE '/tmp/x'", "SELECT"},
        {"ATTACH '/tmp/x.db'", "SELECT"},
        {"DETACH lake", "SELECT"},
        {"USE lake", "SELECT"},
        {"INSTALL httpfs", "SELECT"},
        {"LOAD httpfs", "SELECT"},
        {"SET memory_limit = '1TB'", "SELECT"},
        {"SET VARIABLE x = 1", "SELECT"},
        {"RESET threads", "SELECT"},
        {"PRAGMA database_list", "SELECT"},
        {"PRAGMA table_info('t')", "SELECT"},
        {"CALL pragma_version()", "SELECT"},
        {"EXPLAIN SELECT * FROM t", "SELECT"},
        {"EXPLAIN ANALYZE SELECT * FROM t", "SELECT"},
        {"BEGIN TRANSACTION", "SELECT"},
        {"CHECKPOINT", "SELECT"},
        {"VACUUM", "SELECT"},
        {"PREPARE p AS SELECT 1", "SELECT"},
        {"EXECUTE p", "SELECT"},
        {"COMMENT ON TABLE t IS 'x'", "SELECT"},
        {"CREATE SECRET s (TYPE s3)", "SELECT"},
        {"PIVOT t ON a USING sum(b)", "SELECT"},
        {"WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "SELECT"},
        {"SHOW TABLES", "SHOW"},
        {"SHOW ALL TABLES", "SHOW"},
        {"DESCRIBE t", "SHOW"},
        {"SUMMARIZE t", "SHOW"},
        {"SELECT * FROM (DESCRIBE t)", "SHOW"},
        {"SELECT * FROM (SHOW TABLES)", "SHOW"},
        {"SELECT * FROM (SUMMARIZE SELECT * FROM t)", "SHOW"},
    };
    check_refusals("DENIED", cases, COUNT(cases));
}

static void parse__several_statements_none_or_nonsense__are_invalid(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"", "no statement"},
        {"  -- nothing", "no statement"},
        {";", "no statement"},
        {"SELECT 1; SELECT 2", "2 statements"},
        {"SELECT 1;;SELECT 2;", "2 statements"},
        {"SELEC 1", "syntax error"},
        {"SELECT * FROM", "syntax error"},
        {"SELECT 'open", "unterminated"},
        {"SELECT \"open", "unterminated"},
        {"I cannot answer that.", "syntax error"},
    };
    check_refusals("INVALID", cases, COUNT(cases));
    static const parse_case mixed[] = {
        {"SELECT 1; DROP TABLE t", "SELECT"},
        {"SELECT 1; COPY t TO 'x'", "SELECT"},
    };
    check_refusals("DENIED", mixed, COUNT(mixed));
}

static void parse__table_functions__are_denied_by_name(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"SELECT * FROM read_csv('/etc/passwd')", "read_csv"},
        {"SELECT * FROM read_csv_auto('/etc/passwd')", "read_csv_auto"},
        {"SELECT * FROM read_parquet('s3://x/y')", "read_parquet"},
        {"SELECT * FROM parquet_scan(['a', 'b'])", "parquet_scan"},
        {"SELECT * FROM read_json('http://127.0.0.1/')", "read_json"},
        {"SELECT * FROM read_text('/etc/passwd')", "read_text"},
        {"SELECT * FROM read_blob('/etc/shadow')", "read_blob"},
        {"SELECT * FROM glob('/*')", "glob"},
        {"SELECT * FROM parquet_metadata('x')", "parquet_metadata"},
        {"SELECT * FROM sniff_csv('/etc/passwd')", "sniff_csv"},
        {"SELECT * FROM query('DROP TABLE t')", "query"},
        {"SELECT * FROM query_table('secret')", "query_table"},
        {"SELECT * FROM duckdb_tables()", "duckdb_tables"},
        {"SELECT * FROM duckdb_settings()", "duckdb_settings"},
        {"SELECT * FROM duckdb_secrets()", "duckdb_secrets"},
        {"SELECT * FROM pragma_table_info('t')", "pragma_table_info"},
        {"SELECT * FROM range(1000000000000)", "range"},
        {"SELECT * FROM generate_series(1, 10)", "generate_series"},
        {"SELECT * FROM repeat_row(1, num_rows = 1000000)", "repeat_row"},
        {"SELECT * FROM test_all_types()", "test_all_types"},
        {"SELECT * FROM json_execute_serialized_sql('{}')", "json_execute_serialized_sql"},
        {"SELECT * FROM sqlite_scan('x', 'y')", "sqlite_scan"},
        {"SELECT * FROM postgres_query('x', 'y')", "postgres_query"},
        {"SELECT * FROM floe_file_of(1, 'x')", "floe_file_of"},
        {"SELECT * FROM t, LATERAL read_csv(t.path)", "read_csv"},
        {"SELECT * FROM t WHERE a IN (SELECT content FROM read_text('/etc/passwd'))", "read_text"},
        {"WITH w AS (FROM \"read_csv\"('/etc/passwd')) SELECT * FROM w", "read_csv"},
        {"SELECT * FROM READ_CSV('/etc/passwd')", "read_csv"},
        {"SELECT * FROM/**/read_csv/**/('/etc/passwd')", "read_csv"},
    };
    check_refusals("DENIED", cases, COUNT(cases));
}

static void parse__functions_that_are_not_on_the_list__are_denied_wherever_they_stand(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"SELECT getenv('HOME')", "getenv"},
        {"SELECT current_setting('memory_limit')", "current_setting"},
        {"SELECT getvariable('floe_files_0')", "getvariable"},
        {"SELECT version()", "version"},
        {"SELECT nextval('s')", "nextval"},
        {"SELECT setseed(0.5)", "setseed"},
        {"SELECT random()", "random"},
        {"SELECT sleep_ms(100000)", "sleep_ms"},
        {"SELECT pg_sleep(100)", "pg_sleep"},
        {"SELECT write_log('x')", "write_log"},
        {"SELECT repeat('x', 1000000000)", "repeat"},
        {"SELECT lpad('x', 1000000000, 'y')", "lpad"},
        {"SELECT generate_series(1, 1000000000)", "generate_series"},
        {"SELECT list_resize([1], 1000000000)", "list_resize"},
        {"SELECT json_deserialize_sql('x')", "json_deserialize_sql"},
        {"SELECT json_serialize_plan('SELECT 1')", "json_serialize_plan"},
        {"SELECT floe_live(0, 0)", "floe_live"},
        {"SELECT parse_duckdb_log_message('a', 'b')", "parse_duckdb_log_message"},
        {"SELECT has_table_privilege('secret', 'select')", "has_table_privilege"},
        {"SELECT pg_get_viewdef(1)", "pg_get_viewdef"},
        {"SELECT a FROM t WHERE current_query() = ''", "current_query"},
        {"SELECT a FROM t GROUP BY a HAVING max(getenv('X')) > ''", "getenv"},
        {"SELECT a FROM t ORDER BY getenv('X')", "getenv"},
        {"SELECT a FROM t LIMIT (SELECT getenv('X')::INT)", "getenv"},
        {"SELECT sum(a) OVER (ORDER BY getenv('X')) FROM t", "getenv"},
        {"SELECT list_transform([1], lambda x: getenv('X'))", "getenv"},
        {"SELECT {'a': getenv('X')}", "getenv"},
        {"SELECT [getenv('X')]", "getenv"},
        {"SELECT CASE WHEN true THEN getenv('X') END", "getenv"},
        {"SELECT count(*) FILTER (WHERE getenv('X') = '') FROM t", "getenv"},
        {"SELECT * REPLACE (getenv('X') AS a) FROM t", "getenv"},
        {"SELECT columns(x -> getenv(x) = '') FROM t", "getenv"},
        {"SELECT * FROM (VALUES (getenv('X'))) v", "getenv"},
        {"SELECT * FROM t JOIN u ON getenv('X') = t.a", "getenv"},
        {"SELECT GetEnv('X')", "getenv"},
        {"SELECT \"getenv\"('X')", "getenv"},
        {"SELECT ('X').getenv()", "getenv"},
        {"SELECT system.main.getenv('X')", "bare name"},
        {"SELECT lake.f(1)", "bare name"},
        {"SELECT unknown_function(1)", "unknown_function"},
    };
    check_refusals("DENIED", cases, COUNT(cases));
}

static void parse__what_has_no_bound_or_no_value__is_denied(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r) SELECT * FROM r", "recursive"},
        {"SELECT * FROM t WHERE a = $1", "parameter"},
        {"SELECT * FROM t WHERE a = ?", "parameter"},
        {"SELECT $name", "parameter"},
        {"SELECT * FROM t AT (VERSION => 3)", "another time"},
        {"SELECT * FROM t AT (TIMESTAMP => DATE '2001-01-01')", "another time"},
    };
    check_refusals("DENIED", cases, COUNT(cases));
}

/* A path as a table is a name like any other here, so the index does not know it. */
static void parse__files_as_tables__are_names_that_nobody_has(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"SELECT * FROM '/etc/passwd'", "/etc/passwd"},
        {"SELECT * FROM \"s3://bucket/x.parquet\"", "s3://bucket/x.parquet"},
        {"FROM 'x.csv' SELECT *", "x.csv"},
        {"SELECT * FROM information_schema.tables", "information_schema.tables"},
        {"SELECT * FROM pg_catalog.pg_class", "pg_catalog.pg_class"},
        {"SELECT * FROM sqlite_master", "sqlite_master"},
        {"SELECT * FROM system.information_schema.columns", "system.information_schema.columns"},
    };
    check_names(cases, COUNT(cases));
}

/* Quotes that only look like quotes are part of names, and white space of other kinds separates or not, as the engine says:
 * none of it hides a table. */
static void parse__unicode_tricks__hide_no_table(void **state) {
    (void)state;
    static const parse_case cases[] = {
        {"SELECT * FROM \xE2\x80\x9Csecret\xE2\x80\x9D", "\xE2\x80\x9Csecret\xE2\x80\x9D"},
        {"SELECT '\xE2\x80\x99' FROM secret", "secret"},
        {"SELECT\xC2\xA0*\xC2\xA0"
         "FROM\xC2\xA0secret",
         "secret"},
        {"SELECT * FROM s\xD0\xB5"
         "cret",
         "s\xD0\xB5"
         "cret"},
        {"SELECT * FROM U&\"secret\"", "secret"},
        {"SELECT 1 --\xE2\x80\xA8"
         " FROM secret",
         ""},
    };
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = parsed(cases[i].sql, &arena);
        if (strncmp(got, "INVALID", 7) != 0 && strncmp(got, "DENIED", 6) != 0) {
            assert_string_equal(got, cases[i].wants);
        }
    }
}

static void parse__texts_that_are_none__are_invalid(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_query_name *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_str zero = {"SELECT 1\0; DROP TABLE t", 22};
    assert_code(floe_checker_parse(checker, zero, &arena, &names, &count, &err), FLOE_INVALID);
    floe_error_clear(&err);
    assert_code(floe_checker_parse(checker, FLOE_STR("SELECT '\xff'"), &arena, &names, &count, &err), FLOE_INVALID);
}

static void parse__a_text_at_its_limit__is_read_and_one_beyond_is_refused(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_query_name *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    char *sql = floe_arena_alloc(&arena, FLOE_QUERY_BYTES_MAX + 2, 1);
    memset(sql, ' ', FLOE_QUERY_BYTES_MAX + 1);
    memcpy(sql, "SELECT * FROM t", 15);
    floe_str text = {sql, FLOE_QUERY_BYTES_MAX};
    assert_ok(floe_checker_parse(checker, text, &arena, &names, &count, &err), &err);
    assert_int_equal(count, 1);
    text.len++;
    assert_code(floe_checker_parse(checker, text, &arena, &names, &count, &err), FLOE_LIMIT);
}

/* Depth and width: an answer, an error, never a crash. */
static void parse__deep_and_wide_texts__end_in_an_answer(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF sql;
    floe_arena_init(&arena, FLOE_MIB(512));
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT ");
    for (int i = 0; i < 5000; i++) {
        floe_buf_byte(&sql, '(');
    }
    floe_buf_text(&sql, "1");
    for (int i = 0; i < 5000; i++) {
        floe_buf_byte(&sql, ')');
    }
    const char *deep = parsed(floe_buf_view(&sql).ptr, &arena);
    assert_true(deep[0] == '\0' || strncmp(deep, "INVALID", 7) == 0 || strncmp(deep, "LIMIT", 5) == 0);
    floe_buf_clear(&sql);
    floe_buf_text(&sql, "SELECT 1 FROM t0");
    for (int i = 1; i < 300; i++) {
        floe_buf_printf(&sql, ", t%d", i);
    }
    const floe_query_name *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_checker_parse(checker, floe_buf_view(&sql), &arena, &names, &count, &err), &err);
    assert_int_equal(count, 300);
}

/* Functions that the list has must be functions that the engine has, or the list is a wish. Names that the parser makes of
 * syntax (grouping, coalesce …) have no entry there. */
static void functions__case__does_not_matter_and_length_ends(void **state) {
    (void)state;
    assert_true(floe_query_function_allowed(FLOE_STR("sum")));
    assert_true(floe_query_function_allowed(FLOE_STR("SUM")));
    assert_true(floe_query_function_allowed(FLOE_STR("->>")));
    assert_true(floe_query_function_allowed(FLOE_STR("~~~")));
    assert_true(floe_query_function_allowed(FLOE_STR("yearweek")));
    assert_false(floe_query_function_allowed(FLOE_STR("")));
    assert_false(floe_query_function_allowed(FLOE_STR("su")));
    assert_false(floe_query_function_allowed(FLOE_STR("summ")));
    assert_false(floe_query_function_allowed((floe_str){"sum\0x", 5}));
    char lengthy[200];
    memset(lengthy, 'a', sizeof(lengthy));
    assert_false(floe_query_function_allowed((floe_str){lengthy, sizeof(lengthy)}));
}

static floe_status parse_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    const floe_query_name *names = NULL;
    size_t count = 0;
    (void)context;
    floe_arena_init(&arena, FLOE_MIB(64));
    return floe_checker_parse(checker, FLOE_STR("WITH w AS (SELECT * FROM a) SELECT * FROM w, b"), &arena, &names,
                              &count, err);
}

static void parse__any_allocation_fails__is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(parse_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__selects__give_the_tables_they_name),
        cmocka_unit_test(parse__names_of_with__are_no_tables_where_they_hold),
        cmocka_unit_test(parse__other_statements__are_denied),
        cmocka_unit_test(parse__several_statements_none_or_nonsense__are_invalid),
        cmocka_unit_test(parse__table_functions__are_denied_by_name),
        cmocka_unit_test(parse__functions_that_are_not_on_the_list__are_denied_wherever_they_stand),
        cmocka_unit_test(parse__what_has_no_bound_or_no_value__is_denied),
        cmocka_unit_test(parse__files_as_tables__are_names_that_nobody_has),
        cmocka_unit_test(parse__unicode_tricks__hide_no_table),
        cmocka_unit_test(parse__texts_that_are_none__are_invalid),
        cmocka_unit_test(parse__a_text_at_its_limit__is_read_and_one_beyond_is_refused),
        cmocka_unit_test(parse__deep_and_wide_texts__end_in_an_answer),
        cmocka_unit_test(functions__case__does_not_matter_and_length_ends),
        cmocka_unit_test(parse__any_allocation_fails__is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
