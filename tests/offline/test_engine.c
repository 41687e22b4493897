/*
 * The contract of the engine seam (offline/engine/engine.h). Expected values are constants of SQL itself.
 * timeout: 300
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/sql_support.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sql_fixture fixture;

static int set_up(void **state) {
    (void)state;
    sql_fixture_open(&fixture);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sql_fixture_close(&fixture);
    return 0;
}

static void expect_failure(const char *sql, floe_code code, const char *part) {
    floe_error err = {0};
    floe_status status = floe_session_run(fixture.session, sql, NULL, NULL, &err);
    if (status.code != code || !strstr(err.message, part)) {
        fail_msg("%s: %s: %s", sql, floe_code_describe(status.code)->name, err.message);
    }
    assert_null(strchr(err.message, '\n'));
}

/* ---- running ---- */

static void run__several_statements__all_run_in_order(void **state) {
    (void)state;
    sql_run(&fixture, "CREATE TEMP TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3);");
    assert_string_equal(sql_text(&fixture, "SELECT sum(a)::BIGINT FROM t", NULL), "6");
}

static void run__changed_rows__are_those_of_the_last_statement(void **state) {
    (void)state;
    floe_error err = {0};
    int64_t changed = -1;
    must(floe_session_run(fixture.session, "CREATE TEMP TABLE t (a INTEGER); INSERT INTO t SELECT range FROM range(5)",
                          NULL, &changed, &err),
         &err);
    assert_int_equal(changed, 5);
    char sql[400];
    snprintf(sql, sizeof sql, "COPY (SELECT * FROM range(11)) TO '%s/x.parquet' (FORMAT parquet)", fixture.folder);
    must(floe_session_run(fixture.session, sql, NULL, &changed, &err), &err);
    assert_int_equal(changed, 11);
}

static void run__statement_that_fails__stops_the_rest_and_keeps_the_first(void **state) {
    (void)state;
    floe_error err = {0};
    floe_status status = floe_session_run(
        fixture.session, "CREATE TEMP TABLE a1 (x INTEGER); SELECT no_such; CREATE TEMP TABLE a2 (x INTEGER)", NULL,
        NULL, &err);
    assert_int_equal(status.code, FLOE_INVALID);
    assert_string_equal(sql_text(&fixture, "SELECT count(*) FROM a1", NULL), "0");
    expect_failure("SELECT * FROM a2", FLOE_INVALID, "a2");
}

static void run__parameters_with_two_statements__are_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_value one = floe_value_int64(1);
    floe_sql_params params = {&one, 1};
    floe_status status = floe_session_run(fixture.session, "SELECT $1; SELECT $1", &params, NULL, &err);
    assert_int_equal(status.code, FLOE_INVALID);
}

static void run__too_few_and_too_many_parameters__are_refused(void **state) {
    (void)state;
    floe_value values[] = {floe_value_int64(1), floe_value_int64(2)};
    for (size_t count = 0; count <= 2; count++) {
        floe_error err = {0};
        floe_sql_params params = {values, count};
        floe_status status = floe_session_run(fixture.session, "SELECT $1::BIGINT", &params, NULL, &err);
        assert_int_equal(status.code, count == 1 ? FLOE_CODE_OK : FLOE_INVALID);
    }
}

static void run__empty_text__is_invalid(void **state) {
    (void)state;
    expect_failure("", FLOE_INVALID, "no statement");
    expect_failure("  -- only a comment\n", FLOE_INVALID, "no statement");
}

/* ---- failures ---- */

static void fail__bad_sql__is_invalid_with_one_line(void **state) {
    (void)state;
    expect_failure("SELEC 1", FLOE_INVALID, "syntax error");
    expect_failure("SELECT dealy FROM (SELECT 1 AS delay)", FLOE_INVALID, "dealy");
    expect_failure("SELECT CAST('x' AS INTEGER)", FLOE_INVALID, "'x'");
    expect_failure("SELECT no_such_function(1)", FLOE_INVALID, "no_such_function");
}

static void fail__missing_file__is_not_found(void **state) {
    (void)state;
    expect_failure("SELECT * FROM read_parquet('/no/such/file.parquet')", FLOE_NOT_FOUND, "/no/such/file.parquet");
    expect_failure("SELECT * FROM read_csv('/no/such/file.csv')", FLOE_NOT_FOUND, "/no/such/file.csv");
}

static void fail__file_that_is_no_parquet__is_corrupt(void **state) {
    (void)state;
    floe_error err = {0};
    char path[300];
    char sql[400];
    snprintf(path, sizeof path, "%s/no.parquet", fixture.folder);
    must(floe_file_write(path, FLOE_STR("this is certainly not a Parquet file"), false, &err), &err);
    snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s')", path);
    expect_failure(sql, FLOE_CORRUPT, "no.parquet");
}

static void fail__full_disk__is_named(void **state) {
    (void)state;
    floe_error err = {0};
    floe_status status = floe_session_run(
        fixture.session, "COPY (SELECT range AS a FROM range(1000000)) TO '/dev/full' (FORMAT csv)", NULL, NULL, &err);
    assert_int_equal(status.code, FLOE_IO);
    assert_non_null(strstr(err.message, "the disk is full"));
    assert_int_equal(err.sys_errno, 28); /* ENOSPC */
}

static void fail__out_of_memory__is_limit(void **state) {
    (void)state;
    floe_error err = {0};
    sql_run(&fixture, "SET memory_limit = '20MB'; SET max_temp_directory_size = '0B'");
    floe_status status = floe_session_run(
        fixture.session, "SELECT list(range ORDER BY hash(range)) FROM range(20000000)", NULL, NULL, &err);
    assert_true(status.code == FLOE_LIMIT || status.code == FLOE_IO);
    assert_string_equal(sql_text(&fixture, "SELECT 1", NULL), "1");
}

static void fail__engine_settings__are_checked(void **state) {
    (void)state;
    floe_error err = {0};
    floe_engine *engine = NULL;
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = 0;
    assert_int_equal(floe_engine_open(1, 0, path, &engine, &err).code, FLOE_LIMIT);
    assert_null(engine);
}

static void extension__load_and_install__are_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_status status = floe_session_run(
        fixture.session, "SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')", NULL, NULL, &err);
    assert_true(floe_failed(status)); /* no extension for it is loaded by itself */
    assert_string_equal(
        sql_text(&fixture, "SELECT value FROM duckdb_settings() WHERE name = 'autoinstall_known_extensions'", NULL),
        "false");
    assert_string_equal(
        sql_text(&fixture, "SELECT value FROM duckdb_settings() WHERE name = 'autoload_known_extensions'", NULL),
        "false");
}

/* ---- values ---- */

static void params__every_type__arrives_exactly(void **state) {
    (void)state;
    floe_value items[] = {floe_value_string(FLOE_STR("a'b")), floe_value_null((floe_type){.kind = FLOE_KIND_STRING}),
                          floe_value_string(FLOE_STR(""))};
    __int128 wide = ((__int128)9999999999999999999u) * 10000000000000000000u + 9999999999999999999u;
    floe_value values[] = {
        {.type.kind = FLOE_KIND_BOOL, .as.boolean = true},
        {.type.kind = FLOE_KIND_INT32, .as.integer = INT32_MIN},
        {.type.kind = FLOE_KIND_INT64, .as.integer = INT64_MIN},
        {.type.kind = FLOE_KIND_FLOAT, .as.real = 0.1f},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = 0.1},
        floe_value_string((floe_str){"\xc3\xa9\0x", 4}),
        {.type.kind = FLOE_KIND_BYTES, .as.bytes = {"\xff\0", 2}},
        {.type.kind = FLOE_KIND_DATE, .as.integer = -1},
        floe_value_timestamp(-1),
        {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 2}, .as.decimal = -wide},
        {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, .as.list = {items, 3}},
        floe_value_null((floe_type){.kind = FLOE_KIND_INT64}),
    };
    floe_sql_params params = {values, sizeof values / sizeof *values};
    assert_string_equal(
        sql_text(
            &fixture,
            "SELECT $1 = true AND $2 = -2147483648 AND $3 = CAST('-9223372036854775808' AS BIGINT) "
            "AND typeof($3) = 'BIGINT' AND $4 = CAST('0.1' AS FLOAT) AND typeof($4) = 'FLOAT' AND $5 = CAST('0.1' AS "
            "DOUBLE) AND $6 = chr(233) || chr(0) || 'x' AND $7 = from_hex('ff00') AND $8 = DATE '1969-12-31' "
            "AND $9 = TIMESTAMP '1969-12-31 23:59:59.999999' "
            "AND $10 = CAST('-999999999999999999999999999999999999.99' AS DECIMAL(38,2)) "
            "AND typeof($10) = 'DECIMAL(38,2)' AND $11[1] = 'a''b' AND $11[2] IS NULL AND $11[3] = '' "
            "AND len($11) = 3 AND $12 IS NULL",
            &params),
        "true");
}

static void params__list_of_paths__feeds_read_parquet(void **state) {
    (void)state;
    char sql[300];
    floe_value paths[2];
    for (int i = 0; i < 2; i++) {
        char *path = floe_arena_printf(&fixture.arena, "%s/%d.parquet", fixture.folder, i);
        snprintf(sql, sizeof sql, "COPY (SELECT %d AS n) TO '%s' (FORMAT parquet)", i, path);
        sql_run(&fixture, sql);
        paths[1 - i] = floe_value_string(floe_str_of(path));
    }
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, .as.list = {paths, 2}};
    floe_sql_params params = {&list, 1};
    assert_string_equal(sql_text(&fixture, "SELECT n FROM read_parquet($1)", &params), "1;0");
}

static void stream__types__are_those_of_the_contract(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    must(floe_session_stream(
             fixture.session,
             "SELECT true AS a, 1::INTEGER AS b, 1::BIGINT AS c, 1::FLOAT AS d, 1::DOUBLE AS e, 'x' AS f, "
             "'x'::BLOB AS g, DATE '2001-01-01' AS h, TIMESTAMP '2001-01-01' AS i, "
             "TIMESTAMPTZ '2001-01-01 00:00:00+02' AS j, 1::DECIMAL(10,2) AS k, [1] AS l, "
             "sum(1::BIGINT) OVER () AS m",
             NULL, &stream, &err),
         &err);
    must(floe_arrow_stream_schema(&stream, "test", &schema, &err), &err);
    floe_arrow_stream_release(&stream);
    FLOE_AUTO_BUF formats;
    floe_buf_init(&formats, 1000);
    for (int64_t i = 0; i < schema.n_children; i++) {
        floe_buf_printf(&formats, "%s ", schema.children[i]->format);
    }
    assert_string_equal(formats.ptr, "b i l f g u z tdD tsu: tsu:UTC d:10,2,128 +l d:38,0 ");
}

static void stream__timestamptz__is_utc(void **state) {
    (void)state;
    assert_string_equal(sql_text(&fixture,
                                 "SELECT TIMESTAMPTZ '2001-06-01 00:30:00+02', "
                                 "CAST(TIMESTAMPTZ '2001-06-01 00:30:00+02' AS TIMESTAMP)",
                                 NULL),
                        "2001-05-31T22:30:00Z|2001-05-31T22:30:00Z");
}

/* ---- streams ---- */

static void stream__no_rows__has_a_schema_and_ends(void **state) {
    (void)state;
    assert_string_equal(sql_text(&fixture, "SELECT 1 AS a WHERE false", NULL), "");
    assert_string_equal(sql_text(&fixture, "SELECT 2", NULL), "2");
}

static void stream__query_beside_an_open_stream__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    must(floe_session_stream(fixture.session, "SELECT range FROM range(100000)", NULL, &stream, &err), &err);
    assert_int_equal(floe_session_run(fixture.session, "SELECT 1", NULL, NULL, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "still open"));
    floe_error_clear(&err);
    struct ArrowArrayStream second = {0};
    assert_int_equal(floe_session_stream(fixture.session, "SELECT 1", NULL, &second, &err).code, FLOE_INVALID);
    floe_arrow_stream_release(&stream);
    sql_run(&fixture, "SELECT 1");
}

static int64_t count_rows(struct ArrowArrayStream *stream, int64_t *ret_largest_kb) {
    floe_error err = {0};
    int64_t rows = 0;
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        must(floe_arrow_stream_next(stream, "test", &batch, &err), &err);
        if (!batch.release) {
            return rows;
        }
        rows += batch.length;
        if (ret_largest_kb && rows % (2048 * 256) < 2048) {
            FILE *file = fopen("/proc/self/statm", "r");
            long pages = 0, resident = 0;
            assert_int_equal(fscanf(file, "%ld %ld", &pages, &resident), 2);
            fclose(file);
            *ret_largest_kb = *ret_largest_kb > resident * 4 ? *ret_largest_kb : resident * 4;
        }
    }
}

/* 20 million rows of 8 + 24 bytes are more than 600 MB; a stream must not hold a quarter of it. */
static void stream__large_result__memory_stays_bounded(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    int64_t before_kb = 0, largest_kb = 0;
    FLOE_AUTO_STREAM warm = {0};
    must(floe_session_stream(fixture.session, "SELECT range, 'text number ' || range FROM range(600000)", NULL, &warm,
                             &err),
         &err);
    assert_int_equal(count_rows(&warm, &before_kb), 600000);
    floe_arrow_stream_release(&warm);
    must(floe_session_stream(fixture.session, "SELECT range, 'text number ' || range FROM range(20000000)", NULL,
                             &stream, &err),
         &err);
    assert_int_equal(count_rows(&stream, &largest_kb), 20000000);
    if (!getenv("FLOE_SANITIZE") || !getenv("FLOE_SANITIZE")[0]) { /* a sanitizer keeps freed memory aside */
        assert_true(largest_kb < before_kb + 150 * 1024);
    }
}

static void stream__failure_after_many_rows__is_reported_not_an_end(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    floe_status status = floe_session_stream(
        fixture.session, "SELECT CAST(if(range = 1500000, 'x', range::VARCHAR) AS INTEGER) FROM range(3000000)", NULL,
        &stream, &err);
    for (int i = 0; i < 3000000 && !floe_failed(status); i++) {
        FLOE_AUTO_ARRAY batch = {0};
        status = floe_arrow_stream_next(&stream, "rows", &batch, &err);
        if (!floe_failed(status)) {
            assert_non_null(batch.release); /* an end here would be a silently short answer */
        }
    }
    assert_int_equal(status.code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "'x'"));
}

static void stream__released_half_way__session_goes_on(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        floe_error err = {0};
        FLOE_AUTO_STREAM stream = {0};
        FLOE_AUTO_ARRAY batch = {0};
        must(floe_session_stream(fixture.session, "SELECT range FROM range(10000000)", NULL, &stream, &err), &err);
        must(floe_arrow_stream_next(&stream, "rows", &batch, &err), &err);
        assert_true(batch.length > 0);
        floe_arrow_stream_release(&stream);
        assert_string_equal(sql_text(&fixture, "SELECT 3", NULL), "3");
    }
}

static void stream__insertion_order__is_kept(void **state) {
    (void)state;
    char sql[600];
    snprintf(sql, sizeof sql, "COPY (SELECT range AS n FROM range(1000000)) TO '%s/o.parquet' (FORMAT parquet)",
             fixture.folder);
    sql_run(&fixture, sql);
    snprintf(sql, sizeof sql, "CREATE TEMP TABLE t AS SELECT n FROM read_parquet('%s/o.parquet') WHERE n %% 3 <> 0",
             fixture.folder);
    sql_run(&fixture, sql);
    assert_string_equal(
        sql_text(&fixture, "SELECT count(*) FROM (SELECT n, lag(n) OVER (ORDER BY rowid) AS p FROM t) WHERE p >= n",
                 NULL),
        "0");
}

/* ---- cancelling ---- */

static void *cancel_soon(void *context) {
    atomic_bool *started = context;
    while (!atomic_load(started)) {
        usleep(1000);
    }
    atomic_store(&fixture.cancelled, true);
    return NULL;
}

/* The query would take hours: it ends because somebody asked. */
static void run__cancelled_while_running__stops_and_session_lives(void **state) {
    (void)state;
    floe_error err = {0};
    atomic_bool started = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &started), 0);
    atomic_store(&started, true);
    floe_status status = floe_session_run(
        fixture.session, "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE hash(a.range, b.range) = 1",
        NULL, NULL, &err);
    pthread_join(thread, NULL);
    assert_int_equal(status.code, FLOE_CANCELLED);
    atomic_store(&fixture.cancelled, false);
    assert_string_equal(sql_text(&fixture, "SELECT 4", NULL), "4");
}

static void stream__cancelled_between_batches__stops(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_ARRAY batch = {0};
    FLOE_AUTO_ARRAY next = {0};
    must(floe_session_stream(fixture.session, "SELECT range FROM range(100000000)", NULL, &stream, &err), &err);
    must(floe_arrow_stream_next(&stream, "rows", &batch, &err), &err);
    atomic_store(&fixture.cancelled, true);
    assert_int_equal(floe_arrow_stream_next(&stream, "rows", &next, &err).code, FLOE_CANCELLED);
    floe_arrow_stream_release(&stream);
    atomic_store(&fixture.cancelled, false);
    assert_string_equal(sql_text(&fixture, "SELECT 5", NULL), "5");
}

/* ---- sessions ---- */

static void session__temporary_tables__are_its_own(void **state) {
    (void)state;
    floe_error err = {0};
    floe_session *other = NULL;
    must(floe_session_open(fixture.engine, NULL, &other, &err), &err);
    sql_run(&fixture, "CREATE TEMP TABLE mine AS SELECT 1 AS a");
    assert_int_equal(floe_session_run(other, "SELECT * FROM mine", NULL, NULL, &err).code, FLOE_INVALID);
    floe_error_clear(&err);
    must(floe_session_run(other, "CREATE TEMP TABLE mine AS SELECT 2 AS a", NULL, NULL, &err), &err);
    assert_string_equal(sql_text(&fixture, "SELECT a FROM mine", NULL), "1");
    floe_session_close(&other);
    floe_session_close(&other);
}

static void session__spill_folder__is_removed_at_the_end(void **state) {
    (void)state;
    floe_error err = {0};
    floe_engine *engine = NULL;
    floe_session *session = NULL;
    char *spill = floe_arena_printf(&fixture.arena, "%s/spill", fixture.folder);
    must(floe_engine_open(1, 150u << 20, spill, &engine, &err), &err);
    must(floe_session_open(engine, NULL, &session, &err), &err);
    must(floe_session_run(session,
                          "CREATE TEMP TABLE t AS SELECT hash(range) AS h, range::VARCHAR || 'abcdefghijklmnop' AS s "
                          "FROM range(8000000) ORDER BY h",
                          NULL, NULL, &err),
         &err);
    assert_true(floe_file_is_dir(spill));
    floe_session_close(&session);
    floe_engine_close(&engine);
    assert_false(floe_file_is_dir(spill));
}

/* ---- loading ---- */

static const floe_column COLUMNS[] = {
    {{"b", 1}, {.kind = FLOE_KIND_BOOL}},
    {{"i", 1}, {.kind = FLOE_KIND_INT32}},
    {{"l", 1}, {.kind = FLOE_KIND_INT64}},
    {{"f", 1}, {.kind = FLOE_KIND_FLOAT}},
    {{"g", 1}, {.kind = FLOE_KIND_DOUBLE}},
    {{"s", 1}, {.kind = FLOE_KIND_STRING}},
    {{"z", 1}, {.kind = FLOE_KIND_BYTES}},
    {{"d", 1}, {.kind = FLOE_KIND_DATE}},
    {{"t", 1}, {.kind = FLOE_KIND_TIMESTAMP}},
    {{"d4", 2}, {.kind = FLOE_KIND_DECIMAL, .precision = 4, .scale = 1}},
    {{"d9", 2}, {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2}},
    {{"d18", 3}, {.kind = FLOE_KIND_DECIMAL, .precision = 18, .scale = 3}},
    {{"d38", 3}, {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 4}},
    {{"ls", 2}, {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
    {{"ld", 2}, {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_DECIMAL, .precision = 5, .scale = 2}},
    {{"odd \"name\"", 10}, {.kind = FLOE_KIND_INT64}},
};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof *COLUMNS)

/* Row n: null in every column whose number plus n is divisible by 5. */
static void fill_row(int64_t n, floe_value *row, floe_value items[8]) {
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        row[c] = floe_value_null(COLUMNS[c].type);
        row[c].is_null = ((int64_t)c + n) % 5 == 0;
    }
    row[0].as.boolean = n % 2 == 0;
    row[1].as.integer = n % 1000 - 500;
    row[2].as.integer = n * 1000000007;
    row[3].as.real = (double)(float)((double)n / 4);
    row[4].as.real = n % 7 == 0 ? NAN : (double)n / 3;
    row[5].as.bytes = floe_str_of(floe_arena_printf(&fixture.arena, "text é %d", (int)n));
    row[6].as.bytes = (floe_str){"\0\xff", 2};
    row[7].as.integer = n - 5000;
    row[8].as.integer = n * 86400000003 - 7;
    for (int c = 9; c <= 12; c++) {
        row[c].as.decimal = (n % 3 ? 1 : -1) * (__int128)(n % 9000);
    }
    row[12].as.decimal *= (__int128)1000000000000000000 * 1000000000;
    items[0] = floe_value_string(FLOE_STR("one"));
    items[1] = floe_value_null((floe_type){.kind = FLOE_KIND_STRING});
    items[2] = floe_value_string(FLOE_STR("a much longer text than fits inline"));
    row[13].as.list.items = items;
    row[13].as.list.count = (size_t)(n % 4);
    for (int i = 4; i < 7; i++) {
        items[i] =
            (floe_value){.type = {.kind = FLOE_KIND_DECIMAL, .precision = 5, .scale = 2}, .as.decimal = i * n % 999};
    }
    row[14].as.list.items = items + 4;
    row[14].as.list.count = (size_t)(n % 3);
    row[15].as.integer = n;
}

static void make_stream(int64_t rows, int64_t batch_rows, struct ArrowArrayStream *ret_stream) {
    floe_error err = {0};
    floe_arrow_builder *builder = NULL;
    struct ArrowSchema schema = {0};
    struct ArrowArray batches[64] = {0};
    size_t count = 0;
    must(floe_arrow_builder_open(COLUMNS, COLUMN_COUNT, &builder, &err), &err);
    for (int64_t n = 0; n < rows; n++) {
        floe_value row[COLUMN_COUNT];
        floe_value items[8];
        fill_row(n, row, items);
        must(floe_arrow_builder_row(builder, row, &err), &err);
        if (floe_arrow_builder_rows(builder) == batch_rows || n == rows - 1) {
            must(floe_arrow_builder_finish(builder, &batches[count++], &err), &err);
        }
    }
    floe_arrow_builder_close(&builder);
    must(floe_arrow_schema_make(COLUMNS, COLUMN_COUNT, &schema, &err), &err);
    must(floe_arrow_stream_of_batches(&schema, batches, count, ret_stream, &err), &err);
}

/* What was loaded is what the same stream prints; batches do not meet the engine's chunks of 2048 rows. */
static void load__every_type_over_chunk_borders__comes_back_in_order(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    struct ArrowArrayStream same = {0};
    make_stream(10000, 3000, &stream);
    make_stream(10000, 3000, &same);
    must(floe_session_load(fixture.session, "loaded \"x\"", &stream, &err), &err);
    const char *expected = stream_text(&same, &fixture.arena);
    assert_string_equal(sql_text(&fixture, "SELECT * FROM \"loaded \"\"x\"\"\" ORDER BY rowid", NULL), expected);
    assert_string_equal(sql_text(&fixture,
                                 "SELECT string_agg(DISTINCT data_type, ' ' ORDER BY data_type) FROM duckdb_columns() "
                                 "WHERE table_name = 'loaded \"x\"' AND data_type LIKE '%[]'",
                                 NULL),
                        "DECIMAL(5,2)[] VARCHAR[]");
}

static void load__empty_stream__is_an_empty_table(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    make_stream(0, 10, &stream);
    must(floe_session_load(fixture.session, "e", &stream, &err), &err);
    assert_string_equal(sql_text(&fixture, "SELECT count(*) FROM e", NULL), "0");
}

static void load__stream_of_this_engine__copies_timestamptz_as_timestamp(void **state) {
    (void)state;
    floe_error err = {0};
    floe_session *other = NULL;
    FLOE_AUTO_STREAM stream = {0};
    must(floe_session_open(fixture.engine, NULL, &other, &err), &err);
    must(floe_session_stream(other, "SELECT TIMESTAMPTZ '2001-01-01 02:00:00+02' AS t, 3::TINYINT AS n", NULL, &stream,
                             &err),
         &err);
    must(floe_session_load(fixture.session, "t", &stream, &err), &err);
    floe_arrow_stream_release(&stream);
    floe_session_close(&other);
    assert_string_equal(sql_text(&fixture, "SELECT t, typeof(t), n, typeof(n) FROM t", NULL),
                        "2001-01-01T00:00:00Z|TIMESTAMP|3|INTEGER");
}

static floe_status failing_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    (void)context;
    return floe_arrow_schema_make(COLUMNS, COLUMN_COUNT, ret_schema, err);
}

static floe_status failing_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    (void)context;
    (void)ret_batch;
    return FLOE_FAIL(err, FLOE_UNAVAILABLE, "the source went away");
}

static void nothing_to_close(void *context) {
    (void)context;
}

static void load__stream_that_fails__leaves_no_table(void **state) {
    (void)state;
    static const floe_stream_source SOURCE = {failing_schema, failing_next, nothing_to_close};
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    must(floe_arrow_stream_make(&SOURCE, NULL, &stream, &err), &err);
    floe_status status = floe_session_load(fixture.session, "gone", &stream, &err);
    assert_int_equal(status.code, FLOE_UNAVAILABLE);
    assert_non_null(strstr(err.message, "the source went away"));
    expect_failure("SELECT * FROM gone", FLOE_INVALID, "gone");
}

static void load__text_that_is_not_utf8__is_corrupt_and_names_the_column(void **state) {
    (void)state;
    floe_error err = {0};
    static const floe_column COLUMN = {{"name", 4}, {.kind = FLOE_KIND_STRING}};
    floe_arrow_builder *builder = NULL;
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    FLOE_AUTO_STREAM stream = {0};
    floe_value value = floe_value_string(FLOE_STR("\xc3("));
    must(floe_arrow_builder_open(&COLUMN, 1, &builder, &err), &err);
    must(floe_arrow_builder_row(builder, &value, &err), &err);
    must(floe_arrow_builder_finish(builder, &batch, &err), &err);
    floe_arrow_builder_close(&builder);
    must(floe_arrow_schema_make(&COLUMN, 1, &schema, &err), &err);
    must(floe_arrow_stream_of_batches(&schema, &batch, 1, &stream, &err), &err);
    assert_int_equal(floe_session_load(fixture.session, "t", &stream, &err).code, FLOE_CORRUPT);
    assert_non_null(strstr(err.message, "name"));
}

static void load__cancelled__leaves_no_table(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    make_stream(10, 10, &stream);
    atomic_store(&fixture.cancelled, true);
    assert_int_equal(floe_session_load(fixture.session, "c", &stream, &err).code, FLOE_CANCELLED);
    atomic_store(&fixture.cancelled, false);
    expect_failure("SELECT * FROM c", FLOE_INVALID, "c");
}

/* Every allocation of floe's own fails once; the call reports it and the session still answers. */
static void stream_and_load__nth_allocation_fails__is_reported(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 500; nth++) {
        floe_error err = {0};
        FLOE_AUTO_STREAM stream = {0};
        make_stream(10, 10, &stream);
        floe_mem_fail_at(nth);
        floe_status status = floe_session_load(fixture.session, "n", &stream, &err);
        floe_mem_fail_off();
        if (!floe_failed(status)) {
            assert_string_equal(sql_text(&fixture, "SELECT count(*) FROM n", NULL), "10");
            return;
        }
        assert_int_equal(status.code, FLOE_NOMEM);
        sql_run(&fixture, "DROP TABLE IF EXISTS n");
    }
    fail_msg("never succeeded");
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(run__several_statements__all_run_in_order),
        ENGINE_TEST(run__changed_rows__are_those_of_the_last_statement),
        ENGINE_TEST(run__statement_that_fails__stops_the_rest_and_keeps_the_first),
        ENGINE_TEST(run__parameters_with_two_statements__are_refused),
        ENGINE_TEST(run__too_few_and_too_many_parameters__are_refused),
        ENGINE_TEST(run__empty_text__is_invalid),
        ENGINE_TEST(fail__bad_sql__is_invalid_with_one_line),
        ENGINE_TEST(fail__missing_file__is_not_found),
        ENGINE_TEST(fail__file_that_is_no_parquet__is_corrupt),
        ENGINE_TEST(fail__full_disk__is_named),
        ENGINE_TEST(fail__out_of_memory__is_limit),
        ENGINE_TEST(fail__engine_settings__are_checked),
        ENGINE_TEST(extension__load_and_install__are_refused),
        ENGINE_TEST(params__every_type__arrives_exactly),
        ENGINE_TEST(params__list_of_paths__feeds_read_parquet),
        ENGINE_TEST(stream__types__are_those_of_the_contract),
        ENGINE_TEST(stream__timestamptz__is_utc),
        ENGINE_TEST(stream__no_rows__has_a_schema_and_ends),
        ENGINE_TEST(stream__query_beside_an_open_stream__is_refused),
        ENGINE_TEST(stream__large_result__memory_stays_bounded),
        ENGINE_TEST(stream__failure_after_many_rows__is_reported_not_an_end),
        ENGINE_TEST(stream__released_half_way__session_goes_on),
        ENGINE_TEST(stream__insertion_order__is_kept),
        ENGINE_TEST(run__cancelled_while_running__stops_and_session_lives),
        ENGINE_TEST(stream__cancelled_between_batches__stops),
        ENGINE_TEST(session__temporary_tables__are_its_own),
        ENGINE_TEST(session__spill_folder__is_removed_at_the_end),
        ENGINE_TEST(load__every_type_over_chunk_borders__comes_back_in_order),
        ENGINE_TEST(load__empty_stream__is_an_empty_table),
        ENGINE_TEST(load__stream_of_this_engine__copies_timestamptz_as_timestamp),
        ENGINE_TEST(load__stream_that_fails__leaves_no_table),
        ENGINE_TEST(load__text_that_is_not_utf8__is_corrupt_and_names_the_column),
        ENGINE_TEST(load__cancelled__leaves_no_table),
        ENGINE_TEST(stream_and_load__nth_allocation_fails__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
