/*
 * Visits: what takers get is held against what a stream of the same query gives, cell by cell, for every layout; who fails, and what
 * is said; that nothing is called when a visit has ended.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "tests/offline/sql_support.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static sql_fixture *fixture;

/* Rows as lines of text; of any thread. */
typedef struct taken {
    pthread_mutex_t lock;
    struct ArrowSchema schema;
    floe_buf lines;
    int64_t rows;
    int begins;
    int64_t fail_at; /* the row with which `take` fails; 0: none */
    atomic_bool *cancel;
} taken;

static floe_status begin(void *context, struct ArrowSchema *schema, floe_error *err) {
    taken *t = context;
    t->begins++;
    t->schema = *schema;
    schema->release = NULL;
    FLOE_ENSURE(t->fail_at >= 0, err, FLOE_CONFLICT, "not these columns");
    return FLOE_OK;
}

static floe_status write_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch, floe_buf *lines,
                              floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t i = 0; i < schema->n_children; i++) {
            floe_arrow_view view;
            floe_value value;
            FLOE_TRY(floe_arrow_view_of(schema, batch, i, &view, err));
            FLOE_TRY(floe_arrow_get(&view, row, &arena, &value, err));
            floe_buf_text(lines, i > 0 ? "|" : "");
            floe_value_print(&value, lines);
        }
        floe_buf_byte(lines, '\n');
    }
    return floe_buf_check(lines, err);
}

static floe_status take(void *context, const struct ArrowArray *batch, floe_error *err) {
    taken *t = context;
    pthread_mutex_lock(&t->lock);
    t->rows += batch->length;
    bool fails = t->fail_at > 0 && t->rows >= t->fail_at;
    floe_status status = fails ? FLOE_FAIL(err, FLOE_CORRUPT, "row %d is not to my liking", (int)t->fail_at)
                               : write_rows(&t->schema, batch, &t->lines, err);
    if (t->cancel) {
        atomic_store(t->cancel, true);
    }
    pthread_mutex_unlock(&t->lock);
    return status;
}

static void taken_open(taken *t) {
    *t = (taken){0};
    pthread_mutex_init(&t->lock, NULL);
    floe_buf_init(&t->lines, FLOE_MIB(256));
}

static void taken_close(taken *t) {
    floe_buf_close(&t->lines);
    floe_arrow_schema_release(&t->schema);
    pthread_mutex_destroy(&t->lock);
}

static floe_status visit(taken *t, const char *sql, floe_error *err) {
    const floe_row_taker taker = {t, begin, take};
    return floe_session_visit(fixture->session, sql, &taker, err);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in order, as one text. */
static const char *sorted(const floe_buf *lines) {
    char *text = floe_arena_strndup(&fixture->arena, lines->ptr ? lines->ptr : "", lines->len);
    size_t count = 0;
    for (const char *at = text; *at; at++) {
        count += *at == '\n';
    }
    char **starts = floe_arena_alloc(&fixture->arena, count + 1, sizeof(*starts));
    char *out = floe_arena_alloc(&fixture->arena, lines->len + 1, 1), *to = out;
    assert_non_null(out);
    size_t i = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        starts[i++] = line;
    }
    assert_int_equal(i, count);
    qsort(starts, count, sizeof(*starts), by_text);
    for (i = 0; i < count; i++) {
        to = stpcpy(stpcpy(to, starts[i]), "\n");
    }
    return out;
}

/* The same rows through a stream. */
static void stream_lines(const char *sql, floe_buf *lines) {
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    must(floe_session_stream(fixture->session, sql, NULL, &stream, &err), &err);
    must(floe_arrow_stream_schema(&stream, "rows", &schema, &err), &err);
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        must(floe_arrow_stream_next(&stream, "rows", &batch, &err), &err);
        if (!batch.release) {
            return;
        }
        must(write_rows(&schema, &batch, lines, &err), &err);
    }
}

static void check_same(const char *sql, int64_t rows) {
    taken t;
    taken_open(&t);
    floe_error err = {0};
    must(visit(&t, sql, &err), &err);
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(256));
    stream_lines(sql, &lines);
    assert_int_equal(t.begins, 1);
    assert_int_equal(t.rows, rows);
    if (strcmp(sorted(&t.lines), sorted(&lines)) != 0) {
        fail_msg("%s\n gives takers\n%.500s\nand a stream\n%.500s", sql, sorted(&t.lines), sorted(&lines));
    }
    taken_close(&t);
}

/* Every third cell is null; 5,000 rows are more than two chunks. */
#define OF_ROWS(expression) "SELECT i, CASE WHEN i % 3 = 1 THEN NULL ELSE " expression " END AS x FROM range(5000) t(i)"

static void visit__every_layout__gives_what_a_stream_gives(void **state) {
    (void)state;
    static const char *const queries[] = {
        OF_ROWS("i % 2 = 0"),
        OF_ROWS("(i % 100)::TINYINT"),
        OF_ROWS("(i % 100)::UTINYINT"),
        OF_ROWS("i::SMALLINT"),
        OF_ROWS("i::INTEGER"),
        OF_ROWS("i::UINTEGER"),
        OF_ROWS("-i"),
        OF_ROWS("i::FLOAT / 3"),
        OF_ROWS("i::DOUBLE / 7"),
        OF_ROWS("DATE '1969-12-01' + i::INTEGER"),
        OF_ROWS("TIMESTAMP '1969-12-31' + to_microseconds(i * 86399999999)"),
        OF_ROWS("(TIMESTAMP '2024-02-29' + to_hours(i))::TIMESTAMPTZ"),
        OF_ROWS("repeat('ä', (i % 40)::INTEGER)"),
        OF_ROWS("concat('longer than twelve bytes ', i)"),
        OF_ROWS("''"),
        OF_ROWS("encode(concat('bytes', i))"),
        OF_ROWS("i::DECIMAL(4, 0)"),
        OF_ROWS("(i * 1.001)::DECIMAL(18, 3)"),
        OF_ROWS("(i * 1.00001)::DECIMAL(38, 5)"),
        OF_ROWS("[i, NULL, -i]"),
        OF_ROWS("[concat('a', i)]"),
    };
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        check_same(queries[i], 5000);
    }
}

/* A filter leaves vectors that point into others, an ordering makes one thread of several. */
static void visit__filtered_joined_ordered__gives_what_a_stream_gives(void **state) {
    (void)state;
    check_same("SELECT i, concat('t', i) AS t, i % 4 = 0 AS b FROM range(40000) t(i) WHERE i % 7 = 0", 5715);
    check_same("SELECT a.i, b.t FROM range(9000) a(i) LEFT JOIN (SELECT i * 2 AS k, concat('k', i) AS t FROM "
               "range(3000) t(i)) b ON a.i = b.k",
               9000);
    check_same("SELECT i, 1.5 AS same, 'x' AS text FROM range(3000) t(i) ORDER BY i DESC LIMIT 2500", 2500);
    check_same("SELECT 1 AS \"A\", 2 AS \"a\", 3 AS \"a b\"\"c\"", 1);
    check_same("SELECT i FROM range(2049) t(i) UNION ALL SELECT i FROM range(3) t(i)", 2052);
}

/* Equal rows count each. */
static void visit__equal_rows__come_each(void **state) {
    (void)state;
    check_same("SELECT 7 AS x, NULL::VARCHAR AS y FROM range(300000)", 300000);
}

static void visit__no_rows__tells_the_columns(void **state) {
    (void)state;
    check_same("SELECT i, 'x' AS x FROM range(10) t(i) WHERE i > 100", 0);
}

static void visit__taker_fails__ends_the_query_with_its_words(void **state) {
    (void)state;
    static const char *const queries[] = {"SELECT i FROM range(3000000) t(i)",
                                          "SELECT [i] AS l FROM range(300000) t(i)"};
    for (size_t i = 0; i < 2; i++) {
        taken t;
        taken_open(&t);
        t.fail_at = 5000;
        floe_error err = {0};
        assert_int_equal(visit(&t, queries[i], &err).code, FLOE_CORRUPT);
        assert_string_equal(err.message, "row 5000 is not to my liking");
        assert_true(t.rows < 300000); /* The rest was never made. */
        taken_close(&t);
    }
    assert_string_equal(sql_text(fixture, "SELECT 1", NULL), "1"); /* The session goes on. */
}

static void visit__begin_fails__runs_nothing(void **state) {
    (void)state;
    taken t;
    taken_open(&t);
    t.fail_at = -1;
    floe_error err = {0};
    assert_int_equal(visit(&t, "SELECT 1", &err).code, FLOE_CONFLICT);
    assert_string_equal(err.message, "not these columns");
    assert_int_equal(t.rows, 0);
    taken_close(&t);
}

static void visit__query_fails__says_what_the_engine_says(void **state) {
    (void)state;
    taken t;
    taken_open(&t);
    floe_error err = {0};
    assert_int_equal(visit(&t, "SELECT nothing FROM range(3)", &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "nothing"));
    assert_int_equal(t.begins, 0);
    floe_error_clear(&err);
    assert_true(floe_failed(
        visit(&t, "SELECT CASE WHEN i = 2500 THEN error('stop here') ELSE 'x' END FROM range(5000) t(i)", &err)));
    assert_non_null(strstr(err.message, "stop here"));
    taken_close(&t);
}

static void visit__cancelled__stops(void **state) {
    (void)state;
    taken t;
    taken_open(&t);
    t.cancel = &fixture->cancelled;
    floe_error err = {0};
    assert_int_equal(visit(&t, "SELECT i FROM range(100000000) t(i)", &err).code, FLOE_CANCELLED);
    assert_true(t.rows < 100000000);
    atomic_store(&fixture->cancelled, false);
    taken_close(&t);
}

/* The function is no way in for whoever writes SQL. */
static void visit__called_by_hand__finds_nobody(void **state) {
    (void)state;
    floe_error err = {0};
    assert_true(floe_failed(floe_session_run(fixture->session, "SELECT floe_visit(1, 2)", NULL, NULL, &err)));
    assert_non_null(strstr(err.message, "nobody takes these rows"));
}

static void visit__while_a_stream_is_open__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    must(floe_session_stream(fixture->session, "SELECT 1", NULL, &stream, &err), &err);
    taken t;
    taken_open(&t);
    assert_int_equal(visit(&t, "SELECT 1", &err).code, FLOE_INVALID);
    taken_close(&t);
}

static void no_rows__is_a_file_that_adds_nothing(void **state) {
    (void)state;
    const char *path = floe_session_no_rows_path(fixture->session);
    assert_non_null(path);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(4));
    floe_buf_printf(&sql, "SELECT count(*) FROM read_parquet('%s')", path);
    assert_string_equal(sql_text(fixture, sql.ptr, NULL), "0");
    floe_buf_clear(&sql);
    floe_buf_printf(&sql, "COPY (SELECT i AS x FROM range(9) t(i)) TO '%s/nine.parquet' (FIELD_IDS {x: 1})",
                    fixture->folder);
    sql_run(fixture, sql.ptr);
    floe_buf_clear(&sql);
    floe_buf_printf(&sql,
                    "SELECT sum(c1), count(*), max(file_index), min(file_row_number), max(file_row_number) FROM "
                    "read_parquet(['%s/nine.parquet', '%s'], schema = MAP {1: {'name': 'c1', 'type': 'BIGINT', "
                    "'default_value': NULL::VARCHAR}})",
                    fixture->folder, path);
    assert_string_equal(sql_text(fixture, sql.ptr, NULL), "36|9|0|0|8");
}

static int open_all(void **state) {
    static sql_fixture all;
    fixture = &all;
    sql_fixture_open(fixture);
    *state = fixture;
    return 0;
}

static int close_all(void **state) {
    (void)state;
    sql_fixture_close(fixture);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visit__every_layout__gives_what_a_stream_gives),
        cmocka_unit_test(visit__filtered_joined_ordered__gives_what_a_stream_gives),
        cmocka_unit_test(visit__equal_rows__come_each),
        cmocka_unit_test(visit__no_rows__tells_the_columns),
        cmocka_unit_test(visit__taker_fails__ends_the_query_with_its_words),
        cmocka_unit_test(visit__begin_fails__runs_nothing),
        cmocka_unit_test(visit__query_fails__says_what_the_engine_says),
        cmocka_unit_test(visit__cancelled__stops),
        cmocka_unit_test(visit__called_by_hand__finds_nobody),
        cmocka_unit_test(visit__while_a_stream_is_open__is_refused),
        cmocka_unit_test(no_rows__is_a_file_that_adds_nothing),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
