/*
 * Planning over many manifests, which several threads read: the same files, counts and refusals as on one thread, worked out here from
 * what was written. No data file exists.
 */
#include "tests/offline/ice_support.h"

#include "core/limits.h"
#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <string.h>

#define PLAIN                                                                                                          \
    "[{\"schema-id\":0,\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"k\",\"required\":false,\"type\":\"long\"}" \
    "]}]"
#define UNPARTITIONED "[{\"spec-id\":0,\"fields\":[]}]"

enum { MANIFESTS = 96, FILES_MAX = 40 };

static floe_arena arena;
static floe_lake *lake;
static ice_table built;
static atomic_bool cancelled;
static floe_run run = {.cancelled = &cancelled};

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(256));
    atomic_store(&cancelled, false);
    run.threads = 8;
    assert_ok(floe_lake_open(NULL, 0, &run, &lake, &err), &err);
    ice_table_init(&built, PLAIN, UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_lake_close(&lake);
    ice_table_close(&built);
    floe_arena_close(&arena);
    return 0;
}

static const char *path_of(int64_t number) {
    return floe_arena_printf(&arena, "/d/%06lld.parquet", (long long)number);
}

/* A file of one row whose k is its number. */
static ice_entry file(int64_t number) {
    ice_bound *bound = floe_arena_alloc(&arena, 1, sizeof(*bound));
    int64_t *cell = floe_arena_alloc(&arena, 1, sizeof(*cell));
    *cell = number;
    *bound = (ice_bound){.field_id = 1, .bytes = cell, .len = sizeof(*cell)};
    return (ice_entry){.status = 1,
                       .snapshot_id = -1,
                       .sequence_number = -1,
                       .path = path_of(number),
                       .record_count = 1,
                       .file_len = 10,
                       .lower = bound,
                       .upper = bound,
                       .lower_count = 1,
                       .upper_count = 1};
}

/* Manifests of 1 … FILES_MAX files with numbers counting up, every seventh deleted; the numbers given out. */
static int64_t fill(void) {
    int64_t next = 0;
    for (int m = 0; m < MANIFESTS; m++) {
        ice_entry entries[FILES_MAX];
        size_t count = 1 + (size_t)(m * 7) % FILES_MAX;
        for (size_t i = 0; i < count; i++) {
            entries[i] = file(next);
            entries[i].status = next % 7 == 3 ? 2 : 1;
            next++;
        }
        ice_table_add(&built, "append", 0, entries, count);
    }
    return next;
}

static floe_status plan(const char *where, floe_scan_plan *ret_plan, floe_error *err) {
    floe_scan_request request = {.limit = -1, .where = where};
    floe_table *table = ice_open(lake, built.folder);
    floe_status status = floe_table_plan(table, &request, &arena, ret_plan, err);
    floe_table_close(&table);
    return status;
}

static void expect_range(int64_t low, int64_t high, int64_t total) {
    floe_scan_plan result;
    floe_error err = {0};
    char where[64];
    (void)snprintf(where, sizeof(where), "k >= %lld and k < %lld", (long long)low, (long long)high);
    assert_ok(plan(where, &result, &err), &err);
    int64_t live = 0;
    size_t wanted = 0;
    for (int64_t i = 0; i < total; i++) {
        live += i % 7 != 3;
        if (i >= low && i < high && i % 7 != 3) {
            assert_true(wanted < result.path_count);
            assert_true(floe_str_is(result.paths[wanted++], path_of(i))); /* sequence and path order is number order */
        }
    }
    assert_int_equal(result.path_count, wanted);
    assert_int_equal(result.files_read, wanted);
    assert_int_equal(result.rows, wanted);
    assert_int_equal(result.bytes, 10 * wanted);
    assert_int_equal(result.files_total, live);
    assert_int_equal(result.files_pruned_by_bounds, live - (int64_t)wanted);
    assert_int_equal(result.manifests_total, MANIFESTS);
    assert_int_equal(result.manifests_read, MANIFESTS);
}

static void plan__many_manifests__gives_what_was_written(void **state) {
    (void)state;
    int64_t total = fill();
    ice_table_write(&built);
    expect_range(0, total, total);
    expect_range(total / 2, total / 2 + 1, total);
    expect_range(100, 700, total);
    expect_range(total, total + 5, total);
}

static void plan__many_times__is_the_same_each_time(void **state) {
    (void)state;
    int64_t total = fill();
    ice_table_write(&built);
    for (int i = 0; i < 20; i++) {
        run.threads = 1 + i % 9;
        expect_range(300, 900, total);
    }
}

static void plan__file_of_two_manifests__is_corrupt_even_where_pruned(void **state) {
    (void)state;
    (void)fill();
    ice_entry again = file(18);
    ice_table_add(&built, "append", 0, &again, 1);
    ice_table_write(&built);
    static const char *const WHERE[] = {NULL, "k = 18", "k = -1"};
    for (size_t i = 0; i < 3; i++) {
        floe_scan_plan result;
        floe_error err = {0};
        assert_code(plan(WHERE[i], &result, &err), FLOE_CORRUPT);
        assert_message(&err, "lists the file /d/000018.parquet twice");
    }
}

/* Files that were deleted and added anew under the same path are listed once. */
static void plan__file_deleted_in_one_manifest_and_added_in_another__is_listed_once(void **state) {
    (void)state;
    int64_t total = fill();
    ice_entry again = file(3); /* which `fill` lists as deleted */
    again.path = path_of(3);
    ice_table_add(&built, "append", 0, &again, 1);
    ice_table_write(&built);
    floe_scan_plan result;
    floe_error err = {0};
    assert_ok(plan("k = 3", &result, &err), &err);
    assert_int_equal(result.path_count, 1);
    assert_true(total > 3);
}

static void damage(size_t index) {
    const ice_listed *listed = built.lists.items[index];
    ice_write_file(listed->path, FLOE_STR("no Avro file"));
}

static void plan__damaged_manifests__first_of_the_list_is_named(void **state) {
    (void)state;
    (void)fill();
    ice_table_write(&built);
    const char *first = ((const ice_listed *)built.lists.items[40])->path;
    damage(40);
    damage(41);
    damage(90);
    for (int i = 0; i < 10; i++) {
        floe_scan_plan result;
        floe_error err = {0};
        assert_code(plan("k = 5", &result, &err), FLOE_CORRUPT);
        assert_message(&err, first);
    }
}

static void plan__cancelled__stops(void **state) {
    (void)state;
    (void)fill();
    ice_table_write(&built);
    atomic_store(&cancelled, true);
    floe_scan_plan result;
    floe_error err = {0};
    assert_code(plan(NULL, &result, &err), FLOE_CANCELLED);
}

static void copy__of_a_file__stands_on_its_own(void **state) {
    (void)state;
    char path[] = "/d/a.parquet";
    char bound[] = "low";
    char part[] = "value";
    static const floe_ice_count_entry COUNTS[] = {{1, 2}, {3, 4}};
    static const int32_t IDS[] = {5, 6};
    const floe_ice_bytes_entry bounds[] = {{7, {bound, 3}}, {8, {NULL, 0}}};
    const floe_value partition[] = {{.type = {.kind = FLOE_KIND_STRING}, .as.bytes = {part, 5}},
                                    {.type = {.kind = FLOE_KIND_STRING}, .is_null = true}};
    const floe_ice_data_file file = {.path = {path, 12},
                                     .format = FLOE_STR("parquet"),
                                     .partition = partition,
                                     .partition_count = 2,
                                     .null_counts = COUNTS,
                                     .null_count_count = 2,
                                     .lower_bounds = bounds,
                                     .lower_count = 2,
                                     .equality_ids = IDS,
                                     .equality_id_count = 2,
                                     .record_count = 9,
                                     .first_row_id = -1};
    floe_ice_data_file *copy = NULL;
    floe_error err = {0};
    assert_ok(floe_ice_data_file_copy(&file, &arena, &copy, &err), &err);
    memset(path, 'x', sizeof(path));
    memset(bound, 'x', sizeof(bound));
    memset(part, 'x', sizeof(part));
    assert_true(floe_str_is(copy->path, "/d/a.parquet"));
    assert_true(floe_str_is(copy->format, "parquet"));
    assert_true(floe_str_is(copy->partition[0].as.bytes, "value"));
    assert_true(copy->partition[1].is_null);
    assert_int_equal(copy->null_counts[1].count, 4);
    assert_true(floe_str_is(copy->lower_bounds[0].bytes, "low"));
    assert_null(copy->lower_bounds[1].bytes.ptr);
    assert_null(copy->upper_bounds);
    assert_null(copy->referenced_path.ptr); /* which says "any" */
    assert_int_equal(copy->equality_ids[1], 6);
    assert_int_equal(copy->record_count, 9);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(plan__many_manifests__gives_what_was_written),
        T(plan__many_times__is_the_same_each_time),
        T(plan__file_of_two_manifests__is_corrupt_even_where_pruned),
        T(plan__file_deleted_in_one_manifest_and_added_in_another__is_listed_once),
        T(plan__damaged_manifests__first_of_the_list_is_named),
        T(plan__cancelled__stops),
        T(copy__of_a_file__stands_on_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
