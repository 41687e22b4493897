/*
 * Compaction, expiry and changes when memory runs out: whichever allocation of floe's own fails, the call says so or did not
 * need it, and the table and its folder are as they were or as they become. (The engine's memory is its own.)
 * timeout: 900
 */
#include "tests/offline/maintain_support.h"

#include "core/mem.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/write/write.h"

#include <stdio.h>
#include <string.h>

static maintain_world world;

static int set_up(void **state) {
    (void)state;
    maintain_open(&world, 2, true);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    maintain_close(&world);
    return 0;
}

/* Two partitions, deletes of both kinds. */
static void make_table(void) {
    maintain_append(&world, maintain_rows(&world, "1.parquet", "(1, 'a'), (2, 'a')", "a"));
    maintain_append(&world, maintain_rows(&world, "2.parquet", "(3, 'b')", "b"));
    maintain_delete_position(&world, "d1.parquet", "1.parquet", 0, "a");
    maintain_append(&world, maintain_rows(&world, "3.parquet", "(4, 'a')", "a"));
    maintain_delete_key(&world, "d2.parquet", 3, "b");
    maintain_append(&world, maintain_rows(&world, "4.parquet", "(5, 'b')", "b"));
    maintain_write(&world);
}

typedef floe_status (*maintained)(floe_error *err);

static floe_status run_compact(floe_error *err) {
    floe_compact_result result = {0};
    floe_compact_request request = {.table = "lake.ns.t", .where = "k > 0"};
    return floe_table_compact(world.lake, &request, &world.run, &result, err);
}

static floe_status run_dry_expire(floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_expire_result result = {0};
    floe_expire_request request = {.table = "lake.ns.t", .dry_run = true};
    return floe_table_expire(world.lake, &request, &world.run, &arena, &result, err);
}

static floe_status run_expire(floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_expire_result result = {0};
    floe_expire_request request = {.table = "lake.ns.t", .orphan_age_us = INT64_MAX};
    return floe_table_expire(world.lake, &request, &world.run, &arena, &result, err);
}

static floe_status run_changes(floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    const floe_change_note *notes = NULL;
    size_t count = 0;
    floe_table *table = NULL;
    FLOE_TRY(floe_table_open(world.lake, "lake.ns.t", NULL, NULL, &table, err));
    floe_status status = floe_table_changes(table, 1, 6, &arena, &notes, &count, err);
    floe_table_close(&table);
    return status;
}

static floe_status run_added(floe_error *err) {
    struct ArrowArrayStream stream = {0};
    floe_table *table = NULL;
    FLOE_TRY(floe_table_open(world.lake, "lake.ns.t", NULL, NULL, &table, err));
    floe_scan_request request = {
        .limit = -1, .at = FLOE_AT_ID, .snapshot_id = 6, .added_since = true, .since_snapshot_id = 1};
    floe_status status = floe_table_scan(table, &request, &stream, err);
    if (!floe_failed(status)) {
        floe_arrow_stream_release(&stream);
    }
    floe_table_close(&table);
    return status;
}

/* The first allocations one by one, later ones in growing steps. *ret_refused: how often the call failed. After a failure the
 * folder holds what it held. */
static void sweep(maintained run, int *ret_refused) {
    const char *before = maintain_listing(&world);
    *ret_refused = 0;
    for (uint64_t nth = 1, step = 1; nth < 100000; nth += step) {
        floe_error err = {0};
        floe_mem_fail_at(nth);
        floe_status status = run(&err);
        floe_mem_fail_off();
        step = nth < 30 ? 1 : nth / 10;
        if (!floe_failed(status)) {
            return; /* it needed fewer, or nobody needed to know of this one */
        }
        (*ret_refused)++;
        assert_true(status.code == FLOE_NOMEM || status.code == FLOE_LIMIT);
        assert_true(strlen(err.message) > 0);
        assert_string_equal(maintain_listing(&world), before);
    }
    fail_msg("the call never came to its end");
}

static void compact__nth_allocation_fails__leaves_the_table(void **state) {
    (void)state;
    int refused = 0;
    make_table();
    maintain_expect_set(&world, "2|a;4|a;5|b");
    sweep(run_compact, &refused);
    assert_true(refused > 20);
    assert_string_equal(maintain_text(&world, NULL), "2|a;4|a;5|b");
    assert_string_equal(maintain_files(&world), "3-c:4 4-c:6 | 0");
}

static void expire__nth_allocation_fails__removes_nothing(void **state) {
    (void)state;
    int refused = 0;
    make_table();
    sweep(run_dry_expire, &refused);
    assert_true(refused > 20);
    sweep(run_expire, &refused);
    assert_true(refused > 20);
    assert_int_equal(maintain_metadata(&world)->snapshot_count, 1);
    maintain_expect_set(&world, "2|a;4|a;5|b");
}

static void changes__nth_allocation_fails__is_said(void **state) {
    (void)state;
    int refused = 0;
    make_table();
    sweep(run_changes, &refused);
    assert_true(refused > 10);
    sweep(run_added, &refused);
    assert_true(refused > 10);
}

/* ---- the document ---- */

static bool keep_all(void *context, int64_t snapshot_id) {
    (void)context;
    return snapshot_id > 3;
}

static bool keep_ref(void *context, floe_str name) {
    (void)context;
    (void)name;
    return true;
}

static bool keep_log(void *context, floe_str path, int64_t timestamp_ms) {
    (void)context;
    (void)path;
    (void)timestamp_ms;
    return true;
}

static void kept__buffer_too_small__is_said(void **state) {
    (void)state;
    make_table();
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    floe_ice_keep keep = {.base = metadata,
                          .base_path = FLOE_STR("/t/metadata/v1.metadata.json"),
                          .timestamp_ms = 5,
                          .snapshot = keep_all,
                          .ref = keep_ref,
                          .log_file = keep_log};
    for (size_t cap = 0; cap < 4096; cap += 97) {
        floe_error err = {0};
        FLOE_AUTO_BUF out = {0};
        floe_buf_init(&out, cap);
        floe_status status = floe_ice_write_kept(&keep, &out, &err);
        if (!floe_failed(status)) {
            floe_ice_metadata back;
            assert_ok(floe_metadata_decode(floe_buf_view(&out), &world.ice.arena, &back, &err), &err);
            assert_int_equal(back.snapshot_count, 3);
            return;
        }
        assert_int_equal(status.code, FLOE_LIMIT);
    }
    fail_msg("4 KiB were not enough");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(compact__nth_allocation_fails__leaves_the_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expire__nth_allocation_fails__removes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes__nth_allocation_fails__is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept__buffer_too_small__is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
