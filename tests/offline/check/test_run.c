/*
 * Running checked SQL: rows are those of the tables' permitted columns, limits hold, and the database that runs it can reach
 * nothing but the tables' files, even with SQL that the checker would never let through.
 */
#include "tests/offline/import_support.h"
#include "tests/support/support.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <stdio.h>

static import_fixture fixture;

static int set_up(void **state) {
    (void)state;
    import_fixture_open(&fixture);
    import_rows_of(
        &fixture,
        "SELECT i::BIGINT AS id, (i % 3)::BIGINT AS kind, 'name ' || i AS name, i * 1.5 AS amount FROM range(30) r(i)",
        (floe_import_request){0});
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    import_fixture_close(&fixture);
    return 0;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
static const floe_str seen[] = {{"id", 2}, {"kind", 4}, {"amount", 6}};

/* lake.ns.t without its names, under three names. */
static floe_asking *open_asking(const floe_query_limits *limits, const floe_run *run) {
    const floe_query_source sources[] = {
        {{{0}, {0}, FLOE_STR("t")}, FLOE_STR("lake.ns.t"), seen, COUNT(seen)},
        {{{0}, FLOE_STR("ns"), FLOE_STR("t")}, FLOE_STR("lake.ns.t"), seen, COUNT(seen)},
        {{FLOE_STR("lake"), FLOE_STR("ns"), FLOE_STR("t")}, FLOE_STR("lake.ns.t"), seen, COUNT(seen)}};
    floe_asking *asking = NULL;
    floe_error err = {0};
    assert_ok(floe_asking_open(fixture.lake, sources, COUNT(sources), limits, run, &asking, &err), &err);
    return asking;
}

static floe_status rows_of(floe_asking *asking, const char *sql, const char **ret_text, floe_error *err) {
    struct ArrowArrayStream stream = {0};
    FLOE_TRY(floe_asking_rows(asking, floe_str_of(sql), &stream, err));
    *ret_text = stream_text(&stream, &fixture.sql.arena);
    return FLOE_OK;
}

static void rows__queries__are_answered_from_the_table(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"SELECT count(*) FROM t", "30"},
        {"SELECT kind, count(*), min(id) FROM lake.ns.t GROUP BY kind ORDER BY kind", "0|10|0;1|10|1;2|10|2"},
        {"SELECT sum(amount) FROM ns.t WHERE id < 4", "9.0"},
        {"SELECT * FROM t WHERE id = 7", "7|1|10.5"},
        {"SELECT a.id FROM t a JOIN ns.t b ON a.id = b.id + 28 ORDER BY 1", "28;29"},
        {"WITH w AS (SELECT max(id) AS m FROM t) SELECT m FROM w -- a comment", "29"},
        {"SELECT id FROM t WHERE false", ""},
        /* What no reader knows comes as text, as JSON where it is nested, in the query's order. */
        {"SELECT id, INTERVAL 2 DAY AS i, {'a': id} AS s FROM t ORDER BY id DESC LIMIT 2",
         "29|2 days|{\"a\":29};28|2 days|{\"a\":28}"},
        {"SELECT 1::TINYINT, 2::UBIGINT, 3::UINTEGER, TIME '10:00:00', [[1]], [1.5::DECIMAL(3, 1)]; -- the end",
         "1|2|3|10:00:00|[[1]]|[\"1.5\"]"},
        {"SELECT id, id, INTERVAL 1 DAY FROM t WHERE id = 3", "3|3|1 day"},
    };
    floe_asking *asking = open_asking(&(floe_query_limits){0}, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = NULL;
        floe_error err = {0};
        assert_ok(rows_of(asking, cases[i][0], &text, &err), &err);
        assert_string_equal(text, cases[i][1]);
        assert_false(floe_asking_was_cut(asking));
    }
    floe_asking_close(&asking);
    assert_null(asking);
    floe_asking_close(&asking);
}

static void rows__a_column_that_is_not_permitted__is_not_there(void **state) {
    (void)state;
    static const char *const texts[] = {"SELECT name FROM t", "SELECT t.name FROM lake.ns.t",
                                        "SELECT columns('name') FROM t", "SELECT id FROM t ORDER BY name"};
    floe_asking *asking = open_asking(&(floe_query_limits){0}, NULL);
    for (size_t i = 0; i < COUNT(texts); i++) {
        const char *text = NULL;
        floe_error err = {0};
        assert_code(rows_of(asking, texts[i], &text, &err), FLOE_INVALID);
    }
    floe_asking_close(&asking);
}

/* The checker refuses all of these; the database behind it would too, but for reading the table's own files. */
static void rows__what_reaches_out__is_refused_by_the_database_too(void **state) {
    (void)state;
    const char *outside = floe_arena_printf(&fixture.sql.arena, "%s/outside.csv", floe_test_temp_dir());
    floe_error err = {0};
    assert_ok(floe_file_write(outside, FLOE_STR("a\n1\n"), false, &err), &err);
    const char *texts[] = {
        floe_arena_printf(&fixture.sql.arena, "SELECT * FROM read_csv('%s')", outside),
        floe_arena_printf(&fixture.sql.arena, "SELECT * FROM '%s'", outside),
        floe_arena_printf(&fixture.sql.arena, "COPY (SELECT 1) TO '%s.out'", outside),
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '/tmp/floe-test-never.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '100GB'",
        "SET lock_configuration = false",
        "RESET enable_external_access",
    };
    floe_asking *asking = open_asking(&(floe_query_limits){0}, NULL);
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct ArrowArrayStream stream = {0};
        floe_error cause = {0};
        floe_status status = floe_asking_rows(asking, floe_str_of(texts[i]), &stream, &cause);
        if (!floe_failed(status)) {
            print_message("%s ran\n", texts[i]);
            fail();
        }
    }
    floe_asking_close(&asking);
    assert_false(floe_file_exists(floe_arena_printf(&fixture.sql.arena, "%s.out", outside)));
    assert_false(floe_file_exists("/tmp/floe-test-never.db"));
}

static void rows__more_than_the_limit__are_cut_and_said(void **state) {
    (void)state;
    static const int64_t limits[] = {1, 29, 30, 31};
    for (size_t i = 0; i < COUNT(limits); i++) {
        floe_asking *asking = open_asking(&(floe_query_limits){.row_max = limits[i]}, NULL);
        const char *text = NULL;
        floe_error err = {0};
        assert_ok(rows_of(asking, "SELECT 1 FROM t", &text, &err), &err);
        int64_t rows = 1;
        for (const char *at = text; *at; at++) {
            rows += *at == ';';
        }
        assert_int_equal(rows, limits[i] < 30 ? limits[i] : 30);
        assert_int_equal(floe_asking_was_cut(asking), limits[i] < 30);
        floe_asking_close(&asking);
    }
}

/* 30^9 rows take longer than anybody waits; the time is over long before, and the next query runs as if nothing was. */
static void rows__a_query_without_end__ends_when_its_time_is_over(void **state) {
    (void)state;
    static const char endless[] = "SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i WHERE a.amount + "
                                  "b.amount * c.amount > d.amount + e.id * f.id - g.id * h.id + i.id";
    floe_asking *asking = open_asking(&(floe_query_limits){.time_us = FLOE_US_PER_SECOND}, NULL);
    const char *text = NULL;
    floe_error err = {0};
    assert_code(rows_of(asking, endless, &text, &err), FLOE_TIMEOUT);
    assert_message(&err, "longer than 1 s");
    floe_asking_close(&asking);
    asking = open_asking(&(floe_query_limits){0}, NULL);
    assert_ok(rows_of(asking, "SELECT count(*) FROM t", &text, NULL), NULL);
    assert_string_equal(text, "30");
    floe_asking_close(&asking);
}

static void rows__cancelled__end_as_cancelled(void **state) {
    (void)state;
    atomic_bool cancelled = false;
    floe_run run = {.cancelled = &cancelled};
    floe_asking *asking = open_asking(&(floe_query_limits){0}, &run);
    const char *text = NULL;
    floe_error err = {0};
    atomic_store(&cancelled, true);
    assert_code(rows_of(asking,
                        "SELECT count(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i WHERE a.amount + b.amount * "
                        "c.amount > d.amount + e.id * f.id - g.id * h.id + i.id",
                        &text, &err),
                FLOE_CANCELLED);
    floe_asking_close(&asking);
}

static void rows__more_memory_than_allowed__is_a_limit(void **state) {
    (void)state;
    floe_asking *asking = open_asking(&(floe_query_limits){.memory_bytes = FLOE_MIB(20)}, NULL);
    const char *text = NULL;
    floe_error err = {0};
    floe_status status = rows_of(asking,
                                 "SELECT count(DISTINCT a.id * 1000000 + b.id * 30000 + c.id * 900 + d.id * 30 + e.id) "
                                 "FROM t a, t b, t c, t d, t e",
                                 &text, &err);
    /* The engine may spill to disk and finish; then the answer is 30^5 or fewer, never a wrong one. */
    if (floe_failed(status)) {
        assert_int_equal(status.code, FLOE_LIMIT);
    } else {
        assert_true(strlen(text) > 0);
    }
    floe_asking_close(&asking);
}

/* The statistics are the table's: 30 rows, a product of 900 or 27,000. */
static void estimate__products__grow_with_the_tables(void **state) {
    (void)state;
    floe_asking *asking = open_asking(&(floe_query_limits){0}, NULL);
    floe_error err = {0};
    int64_t one = 0;
    int64_t two = 0;
    int64_t eight = 0;
    assert_ok(floe_asking_estimate(asking, FLOE_STR("SELECT id FROM t"), &one, &err), &err);
    assert_ok(floe_asking_estimate(asking, FLOE_STR("SELECT a.id FROM t a, t b"), &two, &err), &err);
    assert_ok(
        floe_asking_estimate(asking, FLOE_STR("SELECT a.id FROM t a, t b, t c, t d, t e, t f, t g, t h"), &eight, &err),
        &err);
    assert_int_equal(one, 30);
    assert_int_equal(two, 900);
    assert_true(eight >= INT64_C(600000000000)); /* 30^8 = 6.6e11 */
    /* The engine says nothing of a product that only a count stands above, and guesses at joins that compare all pairs. */
    static const char *const products[] = {"SELECT count(*) FROM t a, t b", "SELECT count(*) FROM t a, t b ORDER BY 1",
                                           "SELECT count(*) FROM t a JOIN t b ON a.id <> b.id",
                                           "SELECT count(*) FROM t a JOIN t b ON a.id + b.id > 3 OR a.id < b.id"};
    for (size_t i = 0; i < COUNT(products); i++) {
        assert_ok(floe_asking_estimate(asking, floe_str_of(products[i]), &two, &err), &err);
        assert_true(two >= 900);
    }
    assert_ok(floe_asking_estimate(asking, FLOE_STR("SELECT count(*) FROM t a, t b, t c"), &two, &err), &err);
    assert_true(two >= 27000);
    assert_ok(floe_asking_estimate(asking, FLOE_STR("SELECT count(*) FROM t a JOIN t b USING (id)"), &two, &err), &err);
    assert_true(two <= 900);
    assert_code(floe_asking_estimate(asking, FLOE_STR("SELECT nothing FROM t"), &one, &err), FLOE_INVALID);
    floe_asking_close(&asking);
}

static void open__a_table_that_is_not_there__is_not_found(void **state) {
    (void)state;
    const floe_query_source source = {{{0}, {0}, FLOE_STR("u")}, FLOE_STR("lake.ns.u"), seen, COUNT(seen)};
    floe_asking *asking = NULL;
    floe_error err = {0};
    assert_code(floe_asking_open(fixture.lake, &source, 1, &(floe_query_limits){0}, NULL, &asking, &err),
                FLOE_NOT_FOUND);
    assert_null(asking);
    const floe_query_source none = {{{0}, {0}, FLOE_STR("t")}, FLOE_STR("lake.ns.t"), NULL, 0};
    floe_error_clear(&err);
    assert_code(floe_asking_open(fixture.lake, &none, 1, &(floe_query_limits){0}, NULL, &asking, &err), FLOE_DENIED);
}

static void open__no_table_at_all__runs_what_needs_none(void **state) {
    (void)state;
    floe_asking *asking = NULL;
    const char *text = NULL;
    floe_error err = {0};
    assert_ok(floe_asking_open(fixture.lake, NULL, 0, &(floe_query_limits){0}, NULL, &asking, &err), &err);
    assert_ok(rows_of(asking, "SELECT 1 + 1", &text, &err), &err);
    assert_string_equal(text, "2");
    floe_asking_close(&asking);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__queries__are_answered_from_the_table),
        cmocka_unit_test(rows__a_column_that_is_not_permitted__is_not_there),
        cmocka_unit_test(rows__what_reaches_out__is_refused_by_the_database_too),
        cmocka_unit_test(rows__more_than_the_limit__are_cut_and_said),
        cmocka_unit_test(rows__a_query_without_end__ends_when_its_time_is_over),
        cmocka_unit_test(rows__cancelled__end_as_cancelled),
        cmocka_unit_test(rows__more_memory_than_allowed__is_a_limit),
        cmocka_unit_test(estimate__products__grow_with_the_tables),
        cmocka_unit_test(open__a_table_that_is_not_there__is_not_found),
        cmocka_unit_test(open__no_table_at_all__runs_what_needs_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
