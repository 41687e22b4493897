/*
 * Binding to empty tables: what the role does not see is not there, by whatever way a text tries to reach it; and types of
 * catalogs become types that the engine computes with.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/offline.h"

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
    return 0;
}

#define S(text) FLOE_STR(text)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* people as a role sees it that may not see its e-mail column; visits whole. Both under every name that the texts use. */
static const floe_query_field people[] = {{{"id", 2}, {"long", 4}},
                                          {{"name", 4}, {"string", 6}},
                                          {{"born", 4}, {"date", 4}},
                                          {{"home", 4}, {"struct<city: string, zip: int>", 30}}};
static const floe_query_field visits[] = {
    {{"person", 6}, {"long", 4}}, {{"seen", 4}, {"timestamptz", 11}}, {{"paid", 4}, {"decimal(10, 2)", 14}}};

static floe_status bind(const char *sql, floe_error *err) {
    const floe_query_table tables[] = {
        {{{0}, {0}, S("people")}, people, COUNT(people)},
        {{{0}, S("hr"), S("people")}, people, COUNT(people)},
        {{S("lake"), S("hr"), S("people")}, people, COUNT(people)},
        {{{0}, {0}, S("visits")}, visits, COUNT(visits)},
        {{{0}, S("a.b"), S("odd \"name\"")}, visits, COUNT(visits)},
    };
    return floe_checker_bind(checker, floe_str_of(sql), tables, COUNT(tables), err);
}

static void bind__what_is_seen__binds_under_every_name(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SELECT * FROM people",
        "SELECT id, upper(name), year(born), home.city FROM lake.hr.people",
        "SELECT hr.people.id FROM hr.people",
        "SELECT lake.hr.people.id FROM lake.hr.people",
        ("SELECT p.id, sum(v.paid) FROM people p JOIN visits v ON v.person = p.id GROUP BY p.id "
         "HAVING sum(v.paid) > 1.5"),
        "SELECT * FROM \"a.b\".\"odd \"\"name\"\"\"",
        "SELECT columns('i.*') FROM people",
        "SELECT * EXCLUDE (name) FROM people ORDER BY id DESC LIMIT 3",
        "SELECT date_trunc('month', seen), avg(paid) FROM visits GROUP BY ALL",
        "WITH w AS (SELECT id FROM people) SELECT count(*) FROM w",
        "SELECT median(paid), stddev(paid), quantile_cont(paid, 0.5) FROM visits",
        "SELECT row_number() OVER (PARTITION BY person ORDER BY seen) FROM visits",
        "SELECT 1",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        floe_error err = {0};
        assert_ok(bind(texts[i], &err), &err);
    }
}

static void bind__a_hidden_column__is_not_there_by_any_way(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SELECT email FROM people",
        "SELECT p.email FROM people p",
        "SELECT people.email FROM people",
        "SELECT lake.hr.people.email FROM lake.hr.people",
        "SELECT \"email\" FROM people",
        "SELECT EMAIL FROM people",
        "SELECT e FROM (SELECT email AS e FROM people)",
        "WITH w AS (SELECT * FROM people) SELECT email FROM w",
        "SELECT x.email FROM (SELECT * FROM people) x",
        "SELECT * FROM people WHERE email LIKE 'a%'",
        "SELECT id FROM people ORDER BY email",
        "SELECT count(*) FROM people GROUP BY email",
        "SELECT max(email) FROM people",
        "SELECT id FROM people QUALIFY row_number() OVER (PARTITION BY email) = 1",
        "SELECT * FROM people JOIN people q USING (email)",
        "SELECT * FROM people p JOIN people q ON p.email = q.email",
        "SELECT (SELECT email FROM people LIMIT 1)",
        "SELECT * FROM visits, LATERAL (SELECT email FROM people WHERE id = person) l",
        "SELECT * FROM visits WHERE EXISTS (SELECT 1 FROM people WHERE id = person AND email = 'x')",
        "SELECT * REPLACE (1 AS email) FROM people",
        "SELECT columns('email') FROM people",
        "SELECT columns(['email']) FROM people",
        "SELECT columns(lambda c: c = 'email') FROM people",
        "SELECT people['email'] FROM people",
        "SELECT struct_extract(people, 'email') FROM people",
        "SELECT home.email FROM people",
        "SELECT (people).email FROM people",
        "SELECT DISTINCT ON (email) id FROM people",
        "SELECT id FROM people GROUP BY CUBE (email)",
        "SELECT list(email ORDER BY id) FROM people",
        "SELECT count(*) FILTER (WHERE email = '') FROM people",
        "SELECT id, email FROM people UNION ALL SELECT id, name FROM people",
        "FROM people SELECT email",
        "UNPIVOT people ON email",
        "SELECT * FROM people WHERE (id, email) IN (SELECT 1, 'x')",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        floe_error err = {0};
        floe_status status = bind(texts[i], &err);
        if (status.code != FLOE_INVALID && status.code != FLOE_DENIED) {
            print_message("%s was not refused\n", texts[i]);
            fail();
        }
    }
}

/* A whole row, or a natural join, holds what is seen and no more: that it binds is no leak. */
static void bind__whole_rows__hold_no_hidden_column(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(bind("SELECT people FROM people", &err), &err);
    assert_ok(bind("SELECT * FROM people NATURAL JOIN hr.people q", &err), &err);
    /* Four columns and no fifth: names are given to them in their order. */
    assert_ok(bind("SELECT a, b, c, d FROM people AS t(a, b, c, d)", &err), &err);
    assert_code(bind("SELECT e FROM people AS t(a, b, c, d, e)", &err), FLOE_INVALID);
}

static void bind__a_table_that_was_not_given__is_not_there(void **state) {
    (void)state;
    static const char *const texts[] = {
        "SELECT * FROM secret",
        "SELECT * FROM lake.hr.secret",
        "SELECT * FROM lake.visits",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/etc/hostname.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM people; SELECT 1",
        "ATTACH '/tmp/x.db'",
        "INSERT INTO people VALUES (1)",
        "DROP TABLE people",
        "CREATE TABLE t (a INT)",
        "SET enable_external_access = true",
        "COPY people TO '/tmp/floe-test-never.csv'",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        floe_error err = {0};
        floe_status status = bind(texts[i], &err);
        if (!floe_failed(status)) {
            print_message("%s was not refused\n", texts[i]);
            fail();
        }
    }
}

static void bind__wrong_types_and_functions__are_told(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(bind("SELECT sum(name) FROM people", &err), FLOE_INVALID);
    assert_message(&err, "sum");
    floe_error_clear(&err);
    assert_code(bind("SELECT nmae FROM people", &err), FLOE_INVALID);
    assert_message(&err, "nmae");
    floe_error_clear(&err);
    assert_code(bind("SELECT id FROM people GROUP BY name", &err), FLOE_INVALID);
}

/* Constants are not computed: what would take an hour or all memory binds at once. */
static void bind__dear_constants__are_not_computed(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(bind("SELECT factorial(20) * 1000000, length(concat('x', 'y')) FROM visits a, visits b, visits c", &err),
              &err);
}

static void bind__names_of_the_engine_itself__fail_and_do_not_crash(void **state) {
    (void)state;
    static const floe_query_name names[] = {
        {{"system", 6}, {"main", 4}, {"t", 1}},     {{"temp", 4}, {"main", 4}, {"t", 1}},
        {{"memory", 6}, {"main", 4}, {"t", 1}},     {{0}, {"information_schema", 18}, {"tables", 6}},
        {{0}, {"pg_catalog", 10}, {"pg_class", 8}}, {{"", 0}, {"", 0}, {"", 0}}};
    for (size_t i = 0; i < COUNT(names); i++) {
        floe_error err = {0};
        floe_query_table table = {names[i], visits, COUNT(visits)};
        FLOE_IGNORE(floe_checker_bind(checker, S("SELECT 1"), &table, 1, &err));
        assert_int_not_equal(err.code, FLOE_INTERNAL);
    }
}

static void bind__a_table_without_columns__is_refused_by_name(void **state) {
    (void)state;
    floe_error err = {0};
    floe_query_table table = {{{0}, {0}, S("empty")}, NULL, 0};
    assert_code(floe_checker_bind(checker, S("SELECT count(*) FROM empty"), &table, 1, &err), FLOE_INVALID);
    assert_message(&err, "empty");
}

/* ---- types ---- */

static const char *type_of(const char *type, floe_arena *arena) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(64));
    floe_query_type_sql(floe_str_of(type), &out);
    return floe_arena_strndup(arena, floe_buf_view(&out).ptr, out.len);
}

static void types__catalog_names__become_the_engines(void **state) {
    (void)state;
    /* Iceberg's by its specification; others as their systems document them. */
    static const char *const types[][2] = {
        {"boolean", "BOOLEAN"},
        {"int", "INTEGER"},
        {"long", "BIGINT"},
        {"double", "DOUBLE"},
        {"decimal(9, 2)", "DECIMAL(9,2)"},
        {"decimal(38,38)", "DECIMAL(38,38)"},
        {"decimal(39,2)", "DOUBLE"},
        {"NUMERIC", "DOUBLE"},
        {"numeric(5)", "DECIMAL(5,0)"},
        {"date", "DATE"},
        {"time", "TIME"},
        {"timestamp", "TIMESTAMP"},
        {"timestamptz", "TIMESTAMPTZ"},
        {"string", "VARCHAR"},
        {"uuid", "UUID"},
        {"fixed[16]", "BLOB"},
        {"binary", "BLOB"},
        {"list<long>", "BIGINT[]"},
        {"list<list<string>>", "VARCHAR[][]"},
        {"map<string, int>", "MAP(VARCHAR, INTEGER)"},
        {"struct<a: int, b c: list<double>>", "STRUCT(\"a\" INTEGER, \"b c\" DOUBLE[])"},
        {"VARCHAR(20)", "VARCHAR"},
        {"character varying", "VARCHAR"},
        {"INTEGER", "INTEGER"},
        {"BIGINT UNSIGNED", "BIGINT"},
        {"Text", "VARCHAR"},
        {"", "VARCHAR"},
        {"geometry", "VARCHAR"},
        {"struct<", "VARCHAR"},
        {"list<int", "VARCHAR"},
        {"map<int>", "VARCHAR"},
        {"struct<a>", "VARCHAR"},
        {"int); DROP TABLE x; --", "INTEGER"},
        {"struct<a\": int, b\"); DROP TABLE x; -- : int>",
         "STRUCT(\"a\"\"\" INTEGER, \"b\"\"); DROP TABLE x; --\" INTEGER)"},
    };
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_string_equal(type_of(types[i][0], &arena), types[i][1]);
    }
}

static void types__nesting_without_end__is_a_text(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF deep;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_init(&deep, FLOE_MIB(4));
    for (int i = 0; i < 100000; i++) {
        floe_buf_text(&deep, "list<");
    }
    assert_string_equal(type_of(floe_buf_view(&deep).ptr, &arena), "VARCHAR");
}

/* Whatever a type's text is, a table with it can be made, and so the text has closed nothing and added nothing. */
static void types__random_texts__always_make_a_table(void **state) {
    (void)state;
    static const char *const parts[] = {"int",  "list<", ">",  "struct<", "a: ", ",", "map<", "decimal(", "9",
                                        ", 2)", "\"",    ");", "--",      "'",   " ", "x",    "\\",       "(:)"};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 60; round++) {
        char type[200] = "";
        uint64_t count = floe_test_below(&rng, 9);
        for (uint64_t i = 0; i < count; i++) {
            strcat(type, parts[floe_test_below(&rng, COUNT(parts))]);
        }
        floe_query_field fields[] = {{S("first"), floe_str_of(type)}, {S("second"), S("int")}};
        floe_query_table table = {{{0}, {0}, S("t")}, fields, 2};
        floe_error err = {0};
        floe_status status = floe_checker_bind(checker, S("SELECT first, second + 1 FROM t"), &table, 1, &err);
        if (floe_failed(status)) {
            print_message("the type was %s\n", type);
        }
        assert_ok(status, &err);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind__what_is_seen__binds_under_every_name),
        cmocka_unit_test(bind__a_hidden_column__is_not_there_by_any_way),
        cmocka_unit_test(bind__whole_rows__hold_no_hidden_column),
        cmocka_unit_test(bind__a_table_that_was_not_given__is_not_there),
        cmocka_unit_test(bind__wrong_types_and_functions__are_told),
        cmocka_unit_test(bind__dear_constants__are_not_computed),
        cmocka_unit_test(bind__names_of_the_engine_itself__fail_and_do_not_crash),
        cmocka_unit_test(bind__a_table_without_columns__is_refused_by_name),
        cmocka_unit_test(types__catalog_names__become_the_engines),
        cmocka_unit_test(types__nesting_without_end__is_a_text),
        cmocka_unit_test(types__random_texts__always_make_a_table),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
