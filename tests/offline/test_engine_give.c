/*
 * Rows of floe beside a table's: every type, nulls, order whatever the threads, in queries and in files; who has no such row, who
 * fails, and that nobody is asked when it has ended. Values are functions of the row's number that SQL computes too.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "tests/offline/sql_support.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static sql_fixture *fixture;

static const floe_column COLUMNS[] = {
    {{"whole", 5}, {.kind = FLOE_KIND_INT64}},
    {{"narrow", 6}, {.kind = FLOE_KIND_INT32}},
    {{"real", 4}, {.kind = FLOE_KIND_DOUBLE}},
    {{"single", 6}, {.kind = FLOE_KIND_FLOAT}},
    {{"truth", 5}, {.kind = FLOE_KIND_BOOL}},
    {{"a \"text\"", 8}, {.kind = FLOE_KIND_STRING}},
    {{"bytes", 5}, {.kind = FLOE_KIND_BYTES}},
    {{"day", 3}, {.kind = FLOE_KIND_DATE}},
    {{"time", 4}, {.kind = FLOE_KIND_TIMESTAMP}},
    {{"money", 5}, {.kind = FLOE_KIND_DECIMAL, .precision = 12, .scale = 2}},
    {{"large", 5}, {.kind = FLOE_KIND_DECIMAL, .precision = 30, .scale = 0}},
};
enum { COLUMN_COUNT = sizeof(COLUMNS) / sizeof(COLUMNS[0]) };

typedef struct source {
    floe_row_giver giver;
    atomic_int calls;
    int64_t fail_at; /* row; -1: none */
} source;

/* Row i: null where i % 7 == 3 (in every column), else what SQL below says. */
static void fill_row(int64_t i, floe_value *row, char *text) {
    bool null = i % 7 == 3;
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        row[c] = (floe_value){.type = COLUMNS[c].type, .is_null = null};
    }
    snprintf(text, 32, "row %lld, a longer text", (long long)(i % 1000));
    row[0].as.integer = i * 3;
    row[1].as.integer = i % 1000;
    row[2].as.real = (double)i / 8;
    row[3].as.real = (double)(i % 100) / 4;
    row[4].as.boolean = i % 2 == 0;
    row[5].as.bytes = floe_str_of(text);
    row[6].as.bytes = (floe_str){text, 5};
    row[7].as.integer = i % 10000;
    row[8].as.integer = i * 1000;
    row[9].as.decimal = i % 1000;
    row[10].as.decimal = (__int128)i * 10000000000;
}

static floe_status give(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch, floe_error *err) {
    source *s = context;
    atomic_fetch_add(&s->calls, 1);
    floe_arrow_builder *builder = NULL;
    FLOE_TRY(floe_arrow_builder_open(COLUMNS + piece->first_column, piece->column_count, &builder, err));
    floe_status status = FLOE_OK;
    for (int64_t i = piece->first_row; i < piece->first_row + piece->row_count && !floe_failed(status); i++) {
        floe_value row[COLUMN_COUNT];
        char text[32];
        fill_row(i, row, text);
        status = i == s->fail_at ? FLOE_FAIL(err, FLOE_CORRUPT, "row %d cannot be given", (int)i)
                                 : floe_arrow_builder_row(builder, row + piece->first_column, err);
    }
    status = floe_failed(status) ? status : floe_arrow_builder_finish(builder, ret_batch, err);
    floe_arrow_builder_close(&builder);
    return status;
}

static source make_source(int64_t rows) {
    return (source){.giver = {.columns = COLUMNS, .column_count = COLUMN_COUNT, .row_count = rows, .give = give},
                    .fail_at = -1};
}

static void make_table(int64_t rows) {
    char sql[200];
    snprintf(sql, sizeof(sql),
             "CREATE OR REPLACE TEMP TABLE t AS SELECT range AS i, 'x' || range AS label FROM range(%lld)",
             (long long)rows);
    sql_run(fixture, sql);
}

/* How many rows of `from` are not as they must be, in which order they came, and how many there are. */
static const char *judge(const char *from) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE judged AS %s", from); /* keeps their order */
    sql_run(fixture, sql.ptr);
    const char *judgement =
        "SELECT count(*), count(*) FILTER (i <> rowid), count(*) FILTER (label <> 'x' || i), "
        "count(*) FILTER (i % 7 = 3 AND NOT (whole IS NULL AND narrow IS NULL AND \"real\" IS NULL AND single IS "
        "NULL AND truth IS NULL AND \"a \"\"text\"\"\" IS NULL AND bytes IS NULL AND day IS NULL AND time IS "
        "NULL AND money IS NULL AND large IS NULL)), count(*) FILTER (i % 7 <> 3 AND NOT (whole = i * 3 AND "
        "narrow = i % 1000 AND \"real\" = i / 8 AND single = (i % 100) / 4 AND truth = (i % 2 = 0) AND "
        "\"a \"\"text\"\"\" = 'row ' || (i % 1000) || ', a longer text' AND bytes = "
        "substr('row ' || (i % 1000), 1, 5)::BLOB AND day = DATE '1970-01-01' + (i % 10000)::INTEGER AND "
        "time = make_timestamp(i * 1000) AND money = ((i % 1000)::DECIMAL(12, 2) / 100)::DECIMAL(12, 2) AND "
        "large = i::DECIMAL(30, 0) * 10000000000)) FROM judged";
    return sql_text(fixture, judgement, NULL);
}

static void check_rows(int64_t rows) {
    source s = make_source(rows);
    s.giver.context = &s;
    floe_error err = {0};
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF select, copy;
    char want[64];
    floe_buf_init(&select, FLOE_MIB(1));
    floe_buf_init(&copy, FLOE_MIB(1));
    make_table(rows);
    must(floe_session_give(fixture->session, "t", &s.giver, &select, &given, &err), &err);
    snprintf(want, sizeof(want), "%lld|0|0|0|0", (long long)rows);
    assert_string_equal(judge(select.ptr), want);
    floe_buf_printf(&copy, "COPY (%s) TO '%s/given.parquet' (FORMAT parquet, ROW_GROUP_SIZE 4096)", select.ptr,
                    fixture->folder);
    sql_run(fixture, copy.ptr);
    floe_buf_clear(&copy);
    floe_buf_printf(&copy, "SELECT * FROM '%s/given.parquet'", fixture->folder);
    assert_string_equal(judge(copy.ptr), want);
}

static void give__any_number_of_rows__stand_beside_their_own(void **state) {
    (void)state;
    static const int64_t counts[] = {0, 1, 7, 8, 2047, 2048, 2049, 122880, 122881, 400001};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        check_rows(counts[i]);
    }
}

/* A filter leaves numbers that do not follow one another. */
static void give__rows_with_gaps__are_given_run_by_run(void **state) {
    (void)state;
    source s = make_source(10000);
    s.giver.context = &s;
    floe_error err = {0};
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF select, sql;
    floe_buf_init(&select, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_MIB(1));
    make_table(10000);
    must(floe_session_give(fixture->session, "t", &s.giver, &select, &given, &err), &err);
    floe_buf_printf(&sql,
                    "SELECT count(*), sum(whole), count(*) FILTER (whole <> 3 * i) FROM (%s WHERE hash(i) %% 3 = 0)",
                    select.ptr);
    const char *want =
        "SELECT count(*), sum(3 * range) FILTER (range % 7 <> 3), 0 FROM range(10000) WHERE hash(range) % 3 = 0";
    const char *expected = floe_arena_strdup(&fixture->arena, sql_text(fixture, want, NULL));
    assert_string_equal(sql_text(fixture, sql.ptr, NULL), expected);
}

static void give__the_same_types_again__cost_no_function(void **state) {
    (void)state;
    make_table(10);
    const char *count =
        "SELECT count(DISTINCT function_name) FROM duckdb_functions() WHERE function_name LIKE 'floe_give_%'";
    const char *before = floe_arena_strdup(&fixture->arena, sql_text(fixture, count, NULL));
    for (int i = 0; i < 5; i++) {
        source s = make_source(10);
        s.giver.context = &s;
        floe_error err = {0};
        FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
        FLOE_AUTO_BUF select;
        floe_buf_init(&select, FLOE_MIB(1));
        must(floe_session_give(fixture->session, "t", &s.giver, &select, &given, &err), &err);
        assert_string_equal(judge(select.ptr), "10|0|0|0|0");
    }
    assert_string_equal(sql_text(fixture, count, NULL), before);
}

static void give__two_givers_at_once__do_not_meet(void **state) {
    (void)state;
    source s = make_source(5000);
    source half = make_source(5000);
    s.giver.context = &s;
    half.giver.context = &half;
    half.giver.column_count = 2;
    floe_error err = {0};
    FLOE_CLEANUP(floe_given_end) floe_given *one = NULL;
    FLOE_CLEANUP(floe_given_end) floe_given *other = NULL;
    FLOE_AUTO_BUF first, second, sql;
    floe_buf_init(&first, FLOE_MIB(1));
    floe_buf_init(&second, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_MIB(1));
    make_table(5000);
    must(floe_session_give(fixture->session, "t", &s.giver, &first, &one, &err), &err);
    must(floe_session_give(fixture->session, "t", &half.giver, &second, &other, &err), &err);
    floe_buf_printf(&sql, "SELECT count(*) FROM (%s) a JOIN (%s) b ON a.whole = b.whole AND a.narrow = b.narrow",
                    first.ptr, second.ptr);
    assert_string_equal(sql_text(fixture, sql.ptr, NULL), "4286"); /* 5,000 - 714 nulls */
}

/* ---- many columns ---- */

enum { MANY = 300 };

/* Column c of row i: null where (i + c) % 7 = 3, else 1000 i + c. */
static floe_status give_many(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch,
                             floe_error *err) {
    const floe_row_giver *giver = context;
    floe_arrow_builder *builder = NULL;
    floe_value row[MANY];
    FLOE_TRY(floe_arrow_builder_open(giver->columns + piece->first_column, piece->column_count, &builder, err));
    floe_status status = FLOE_OK;
    for (int64_t i = piece->first_row; i < piece->first_row + piece->row_count && !floe_failed(status); i++) {
        for (int64_t c = (int64_t)piece->first_column, n = 0; n < (int64_t)piece->column_count; c++, n++) {
            row[n] = (floe_value){.type = {.kind = FLOE_KIND_INT64}, .is_null = (i + c) % 7 == 3};
            row[n].as.integer = i * 1000 + c;
        }
        status = floe_arrow_builder_row(builder, row, err);
    }
    status = floe_failed(status) ? status : floe_arrow_builder_finish(builder, ret_batch, err);
    floe_arrow_builder_close(&builder);
    return status;
}

static void give__more_columns_than_one_struct_has__each_in_its_place(void **state) {
    (void)state;
    floe_error err = {0};
    floe_column columns[MANY];
    char names[MANY][8];
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF select, sql;
    floe_buf_init(&select, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_MIB(1));
    for (int c = 0; c < MANY; c++) {
        snprintf(names[c], sizeof(names[c]), "n%d", c);
        columns[c] = (floe_column){floe_str_of(names[c]), {.kind = FLOE_KIND_INT64}};
    }
    floe_row_giver giver = {.columns = columns, .column_count = MANY, .row_count = 5000, .give = give_many};
    giver.context = &giver;
    make_table(5000);
    must(floe_session_give(fixture->session, "t", &giver, &select, &given, &err), &err);
    floe_buf_text(&sql, "SELECT count(*), min(i), max(i)");
    for (int c = 0; c < MANY; c++) {
        floe_buf_printf(
            &sql,
            "%s count(*) FILTER (n%d IS DISTINCT FROM CASE WHEN (i + %d) %% 7 = 3 THEN NULL ELSE i * 1000 + %d END)",
            c == 0 ? "," : " +", c, c, c);
    }
    floe_buf_printf(&sql, " FROM (%s)", select.ptr);
    must(floe_buf_check(&sql, &err), &err);
    assert_string_equal(sql_text(fixture, sql.ptr, NULL), "5000|0|4999|0");
}

static floe_status run_failing(source *s, const char *table, int64_t end_before, floe_error *err) {
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF select, sql;
    floe_buf_init(&select, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_MIB(1));
    s->giver.context = s;
    FLOE_TRY(floe_session_give(fixture->session, table, &s->giver, &select, &given, err));
    floe_buf_printf(&sql, "CREATE OR REPLACE TEMP TABLE u AS %s", select.ptr);
    if (end_before) {
        floe_given_end(&given);
    }
    return floe_session_run(fixture->session, sql.ptr, NULL, NULL, err);
}

static void give__giver_fails__ends_the_query_with_its_words(void **state) {
    (void)state;
    floe_error err = {0};
    source s = make_source(300000);
    make_table(300000);
    s.fail_at = 200000;
    assert_int_equal(run_failing(&s, "t", 0, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "row 200000 cannot be given"));
    s.fail_at = -1;
    floe_error_clear(&err);
    must(run_failing(&s, "t", 0, &err), &err);
}

static void give__table_with_more_rows__fails(void **state) {
    (void)state;
    floe_error err = {0};
    source s = make_source(99);
    make_table(100);
    assert_true(floe_failed(run_failing(&s, "t", 0, &err)));
    assert_non_null(strstr(err.message, "row 99 of 99 is asked for"));
}

static void give__ended__nobody_is_asked(void **state) {
    (void)state;
    floe_error err = {0};
    source s = make_source(100);
    make_table(100);
    assert_true(floe_failed(run_failing(&s, "t", 1, &err)));
    assert_non_null(strstr(err.message, "nobody gives these rows"));
    assert_int_equal(atomic_load(&s.calls), 0);
}

static void give__names_in_the_way__are_refused(void **state) {
    (void)state;
    static const char *const names[] = {"rowid", "ROWID", "__floe_given", "__FLOEx"};
    for (size_t i = 0; i < 4; i++) {
        floe_error err = {0};
        char sql[100];
        source s = make_source(1);
        snprintf(sql, sizeof(sql), "CREATE OR REPLACE TEMP TABLE t AS SELECT 1 AS \"%s\"", names[i]);
        sql_run(fixture, sql);
        assert_int_equal(run_failing(&s, "t", 0, &err).code, FLOE_UNSUPPORTED);
        assert_non_null(strstr(err.message, names[i]));
    }
    floe_error err = {0};
    source s = make_source(1);
    assert_true(floe_failed(run_failing(&s, "no_such_table", 0, &err)));
}

static int open_fixture(void **state) {
    (void)state;
    static sql_fixture opened;
    fixture = &opened;
    sql_fixture_open(fixture);
    return 0;
}

static int close_fixture(void **state) {
    (void)state;
    sql_fixture_close(fixture);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(give__any_number_of_rows__stand_beside_their_own),
        cmocka_unit_test(give__rows_with_gaps__are_given_run_by_run),
        cmocka_unit_test(give__the_same_types_again__cost_no_function),
        cmocka_unit_test(give__two_givers_at_once__do_not_meet),
        cmocka_unit_test(give__more_columns_than_one_struct_has__each_in_its_place),
        cmocka_unit_test(give__giver_fails__ends_the_query_with_its_words),
        cmocka_unit_test(give__table_with_more_rows__fails),
        cmocka_unit_test(give__ended__nobody_is_asked),
        cmocka_unit_test(give__names_in_the_way__are_refused),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
