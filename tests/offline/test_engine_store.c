/*
 * Which stores the engine reaches by itself. What it reads from them is held by the scripts that run one (test_s3_ranges.py).
 */
#include "core/limits.h"
#include "offline/engine/engine.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>

static floe_engine *engine;
static floe_session *session;
static char extension[4096];

static int open_engine(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(floe_engine_open(1, 0, NULL, &engine, &err), &err);
    assert_ok(floe_session_open(engine, NULL, &session, &err), &err);
    return 0;
}

static int close_engine(void **state) {
    (void)state;
    floe_session_close(&session);
    floe_engine_close(&engine);
    (void)setenv("FLOE_HTTPFS", extension, 1);
    return 0;
}

static bool reaches_part(const char *bucket, const char *prefix, const char *endpoint) {
    floe_engine_store store = {.bucket = floe_str_of(bucket),
                               .prefix = floe_str_of(prefix),
                               .endpoint = floe_str_of(endpoint),
                               .path_style = true,
                               .access_key = FLOE_STR("k"),
                               .secret_key = FLOE_STR("s'\";--")};
    floe_error err = {0};
    bool able = false;
    assert_ok(floe_session_reach(session, &store, &able, &err), &err);
    return able;
}

static bool reaches(const char *bucket, const char *endpoint) {
    return reaches_part(bucket, "", endpoint);
}

/* The secret that holds for a path, by the engine's own word. */
static void expect_secret(const char *path, const char *want) {
    FLOE_AUTO_ARENA arena = {0};
    floe_query_rows rows = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *sql = floe_arena_printf(&arena, "SELECT coalesce(max(name), '') FROM which_secret('%s', 's3')", path);
    assert_ok(floe_session_query(session, sql, NULL, &arena, &rows, &err), &err);
    assert_int_equal(rows.row_count, 1);
    assert_true(floe_str_is(rows.values[0].as.bytes, want));
}

static void reach__with_the_extension__holds_for_the_bucket_alone(void **state) {
    (void)state;
    assert_true(reaches("b", "http://127.0.0.1:1"));
    expect_secret("s3://b/x.parquet", "floe_store_0");
    expect_secret("s3://b2/x.parquet", "");
    expect_secret("s3://other/x.parquet", "");
    assert_true(reaches("b2", "https://example.com/"));
    expect_secret("s3://b2/x.parquet", "floe_store_1");
    expect_secret("s3://b/x.parquet", "floe_store_0");
}

static void reach__of_parts_of_a_bucket__the_narrowest_holds(void **state) {
    (void)state;
    assert_true(reaches_part("b", "wh/t/", "http://127.0.0.1:1"));
    expect_secret("s3://b/wh/t/data/x.parquet", "floe_store_0");
    expect_secret("s3://b/wh/t2/data/x.parquet", "");
    assert_true(reaches_part("b", "wh/t2/", "http://127.0.0.1:2")); /* another endpoint is in nobody's way here */
    assert_true(reaches("b", "http://127.0.0.1:3"));
    assert_true(reaches_part("b", "wh/t/inner/", "http://127.0.0.1:1"));
    expect_secret("s3://b/wh/t/data/x.parquet", "floe_store_0");
    expect_secret("s3://b/wh/t2/data/x.parquet", "floe_store_1");
    expect_secret("s3://b/elsewhere.parquet", "floe_store_2");
    expect_secret("s3://b/wh/t/inner/x.parquet", "floe_store_3");
    assert_false(reaches_part("b", "wh/t2/", "http://127.0.0.1:1"));
    assert_true(reaches_part("b", "wh/t/", "http://127.0.0.1:1"));
    expect_secret("s3://b/wh/t/data/x.parquet", "floe_store_0");
}

static void reach__certificates_of_its_own__is_left_to_copies(void **state) {
    (void)state;
    floe_engine_store store = {.bucket = FLOE_STR("b"), .own_ca = true};
    floe_error err = {0};
    bool able = true;
    assert_ok(floe_session_reach(session, &store, &able, &err), &err);
    assert_false(able);
}

/* New credentials take the place of the old ones: those of a catalog last an hour. */
static void reach__again__is_the_same_bucket(void **state) {
    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_true(reaches("b", "http://127.0.0.1:1"));
    }
    expect_secret("s3://b/x.parquet", "floe_store_0");
}

static void reach__a_name_that_another_endpoint_has__is_left_to_copies(void **state) {
    (void)state;
    assert_true(reaches("b", "http://127.0.0.1:1"));
    assert_false(reaches("b", "http://127.0.0.1:2"));
    assert_false(reaches("b", ""));
    assert_true(reaches("b", "http://127.0.0.1:1"));
}

static void reach__an_endpoint_with_a_path__is_left_to_copies(void **state) {
    (void)state;
    assert_false(reaches("b", "http://127.0.0.1:1/store"));
    assert_true(reaches("b", "http://127.0.0.1:1/"));
}

static void reach__more_buckets_than_it_keeps__is_left_to_copies(void **state) {
    (void)state;
    size_t count = 0;
    for (int i = 0; i < 1100; i++) {
        char bucket[16];
        (void)snprintf(bucket, sizeof(bucket), "b%d", i);
        count += reaches(bucket, "");
    }
    assert_int_equal(count, 1024);
}

static void reach__without_the_extension__is_unable(void **state) {
    (void)state;
    (void)setenv("FLOE_HTTPFS", "", 1);
    assert_false(reaches("b", "http://127.0.0.1:1"));
    assert_false(reaches("b", "http://127.0.0.1:1"));
}

static void reach__an_extension_that_is_none__is_named(void **state) {
    (void)state;
    floe_engine_store store = {.bucket = FLOE_STR("b")};
    floe_error err = {0};
    bool able = true;
    (void)setenv("FLOE_HTTPFS", "/nowhere/httpfs.duckdb_extension", 1);
    assert_true(floe_failed(floe_session_reach(session, &store, &able, &err)));
    assert_false(able);
    assert_message(&err, "httpfs");
}

/* Keys never come out in words: neither where the store is away nor in what the engine tells of its secrets. */
static void reach__a_store_that_is_away__is_unavailable(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_query_rows rows = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    assert_true(reaches("b", "http://127.0.0.1:1"));
    assert_ok(floe_session_run(session, "SET GLOBAL http_retries = 0", NULL, NULL, &err), &err);
    floe_status status =
        floe_session_query(session, "SELECT * FROM read_parquet(['s3://b/x.parquet'])", NULL, &arena, &rows, &err);
    assert_true(status.code == FLOE_UNAVAILABLE || status.code == FLOE_IO);
    assert_null(strstr(err.message, "s'\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reach__with_the_extension__holds_for_the_bucket_alone, open_engine,
                                        close_engine),
        cmocka_unit_test_setup_teardown(reach__again__is_the_same_bucket, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__of_parts_of_a_bucket__the_narrowest_holds, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__certificates_of_its_own__is_left_to_copies, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__a_name_that_another_endpoint_has__is_left_to_copies, open_engine,
                                        close_engine),
        cmocka_unit_test_setup_teardown(reach__an_endpoint_with_a_path__is_left_to_copies, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__more_buckets_than_it_keeps__is_left_to_copies, open_engine,
                                        close_engine),
        cmocka_unit_test_setup_teardown(reach__without_the_extension__is_unable, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__an_extension_that_is_none__is_named, open_engine, close_engine),
        cmocka_unit_test_setup_teardown(reach__a_store_that_is_away__is_unavailable, open_engine, close_engine),
    };
    const char *given = getenv("FLOE_HTTPFS");
    (void)snprintf(extension, sizeof(extension), "%s", given == NULL ? "" : given);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
