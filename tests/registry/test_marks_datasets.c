/*
 * Sync marks and datasets.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/registry/helpers.h"

static floe_arena arena;
static floe_registry *registry;
static const char *path;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    path = floe_path_join(&arena, test_folder(&arena), "r.db");
    return floe_failed(floe_registry_open(path, true, &registry, NULL));
}

static int teardown(void **state) {
    (void)state;
    floe_registry_close(&registry);
    floe_arena_close(&arena);
    return 0;
}

static floe_sync_mark mark_of(const char *view, const char *store) {
    return (floe_sync_mark){.view = floe_str_of(view),
                            .fingerprint = UINT64_C(0xFEDCBA9876543210),
                            .store_id = floe_str_of(store),
                            .snapshot_id = INT64_C(8744736658442914487),
                            .synced_us = -5,
                            .rows = INT64_C(3000000000)};
}

static void mark__put__comes_back_whole_and_negative_numbers_too(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sync_mark mark = mark_of("v", "s1");
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    floe_sync_mark found = {0};
    assert_ok(floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s1"), &arena, &found, &err), &err);
    assert_str(found.view, "v");
    assert_str(found.store_id, "s1");
    assert_true(found.fingerprint == UINT64_C(0xFEDCBA9876543210));
    assert_int_equal(found.snapshot_id, INT64_C(8744736658442914487));
    assert_int_equal(found.synced_us, -5);
    assert_int_equal(found.rows, INT64_C(3000000000));
}

static void mark__another_store_or_view__is_another_mark(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sync_mark mark = mark_of("v", "s1");
    floe_sync_mark found = {0};
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    assert_code(floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s2"), &arena, &found, &err), FLOE_NOT_FOUND);
    assert_message(&err, "feature view v");
    assert_message(&err, "floe sync");
    floe_error_clear(&err);
    assert_code(floe_registry_mark_get(registry, FLOE_STR("w"), FLOE_STR("s1"), &arena, &found, &err), FLOE_NOT_FOUND);
    mark = mark_of("v", "s2");
    mark.rows = 7;
    floe_error_clear(&err);
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    assert_ok(floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s1"), &arena, &found, &err), &err);
    assert_int_equal(found.rows, INT64_C(3000000000));
}

static void mark__put_again__replaces(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sync_mark mark = mark_of("v", "s1");
    floe_sync_mark found = {0};
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    mark.snapshot_id = 1;
    mark.fingerprint = 2;
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    assert_ok(floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s1"), &arena, &found, &err), &err);
    assert_int_equal(found.snapshot_id, 1);
    assert_int_equal(found.fingerprint, 2);
}

static void mark__another_handle__sees_it(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sync_mark mark = mark_of("v", "s1");
    floe_sync_mark found = {0};
    assert_ok(floe_registry_mark_put(registry, &mark, &err), &err);
    floe_registry *second = NULL;
    assert_ok(floe_registry_open(path, false, &second, &err), &err);
    assert_ok(floe_registry_mark_get(second, FLOE_STR("v"), FLOE_STR("s1"), &arena, &found, &err), &err);
    floe_registry_close(&second);
}

/* ---- datasets ---- */

static floe_dataset_entry entry_of(const char *id, const char *name, int64_t created_us) {
    return (floe_dataset_entry){.id = floe_str_of(id),
                                .name = floe_str_of(name),
                                .created_us = created_us,
                                .row_count = 100000,
                                .content_hash = FLOE_STR("abc123"),
                                .manifest_path = FLOE_STR("/data/m.json"),
                                .manifest = FLOE_STR("{\"a\":\"it's\"}")};
}

static void put(const char *id, const char *name, int64_t created_us) {
    floe_error err = {0};
    floe_dataset_entry entry = entry_of(id, name, created_us);
    assert_ok(floe_registry_dataset_put(registry, &entry, &err), &err);
}

static void dataset__put__comes_back_whole(void **state) {
    (void)state;
    floe_error err = {0};
    floe_dataset_entry found = {0};
    put("d1", "train", 5);
    assert_ok(floe_registry_dataset_get(registry, FLOE_STR("d1"), &arena, &found, &err), &err);
    assert_str(found.id, "d1");
    assert_str(found.name, "train");
    assert_int_equal(found.created_us, 5);
    assert_int_equal(found.row_count, 100000);
    assert_str(found.content_hash, "abc123");
    assert_str(found.manifest_path, "/data/m.json");
    assert_str(found.manifest, "{\"a\":\"it's\"}");
}

static void dataset__same_id_again__is_a_conflict_and_changes_nothing(void **state) {
    (void)state;
    floe_error err = {0};
    put("d1", "train", 5);
    floe_dataset_entry other = entry_of("d1", "other", 6);
    assert_code(floe_registry_dataset_put(registry, &other, &err), FLOE_CONFLICT);
    assert_message(&err, "dataset d1");
    floe_dataset_entry found = {0};
    floe_error_clear(&err);
    assert_ok(floe_registry_dataset_get(registry, FLOE_STR("d1"), &arena, &found, &err), &err);
    assert_str(found.name, "train");
}

static void dataset__by_name__is_the_newest_and_an_id_goes_first(void **state) {
    (void)state;
    floe_error err = {0};
    floe_dataset_entry found = {0};
    put("d1", "train", 5);
    put("d2", "train", 9);
    put("d3", "train", 7);
    put("d4", "d1", 100); /* named like an id */
    assert_ok(floe_registry_dataset_get(registry, FLOE_STR("train"), &arena, &found, &err), &err);
    assert_str(found.id, "d2");
    assert_ok(floe_registry_dataset_get(registry, FLOE_STR("d1"), &arena, &found, &err), &err);
    assert_str(found.id, "d1");
    assert_str(found.name, "train");
}

static void dataset__list__is_newest_first(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_dataset_entry *entries = NULL;
    size_t count = 9;
    assert_ok(floe_registry_datasets(registry, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    put("d1", "a", 5);
    put("d2", "b", 9);
    put("d3", "c", 7);
    assert_ok(floe_registry_datasets(registry, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_str(entries[0].id, "d2");
    assert_str(entries[1].id, "d3");
    assert_str(entries[2].id, "d1");
}

static void dataset__unknown__names_the_nearest(void **state) {
    (void)state;
    floe_error err = {0};
    floe_dataset_entry found = {0};
    assert_code(floe_registry_dataset_get(registry, FLOE_STR("trian"), &arena, &found, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe dataset ls");
    put("d1", "train", 5);
    floe_error_clear(&err);
    assert_code(floe_registry_dataset_get(registry, FLOE_STR("trian"), &arena, &found, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no dataset trian; did you mean train?");
}

/* No name is near to every short word, and no help. */
static void dataset__without_a_name__is_no_hint(void **state) {
    (void)state;
    floe_error err = {0};
    floe_dataset_entry found = {0};
    put("b4b03a66b900", "", 5);
    assert_code(floe_registry_dataset_get(registry, FLOE_STR("1"), &arena, &found, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no dataset 1; `floe dataset ls` lists them");
}

static floe_status use_all(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(8));
    floe_dataset_entry entry = entry_of("sweep", "train", 1);
    floe_sync_mark mark = mark_of("v", "s");
    const floe_dataset_entry *entries = NULL;
    size_t count = 0;
    floe_status put_status = floe_registry_dataset_put(registry, &entry, err);
    if (put_status.code == FLOE_CONFLICT) { /* An earlier run of the sweep came this far. */
        floe_error_clear(err);
    } else {
        FLOE_TRY(put_status);
    }
    FLOE_TRY(floe_registry_datasets(registry, &own, &entries, &count, err));
    FLOE_TRY(floe_registry_dataset_get(registry, FLOE_STR("train"), &own, &entry, err));
    FLOE_TRY(floe_registry_mark_put(registry, &mark, err));
    return floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s"), &own, &mark, err);
}

static void marks_and_datasets__any_failing_allocation__is_reported(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(use_all, NULL) > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(mark__put__comes_back_whole_and_negative_numbers_too),
        TEST(mark__another_store_or_view__is_another_mark),
        TEST(mark__put_again__replaces),
        TEST(mark__another_handle__sees_it),
        TEST(dataset__put__comes_back_whole),
        TEST(dataset__same_id_again__is_a_conflict_and_changes_nothing),
        TEST(dataset__by_name__is_the_newest_and_an_id_goes_first),
        TEST(dataset__list__is_newest_first),
        TEST(dataset__unknown__names_the_nearest),
        TEST(dataset__without_a_name__is_no_hint),
        TEST(marks_and_datasets__any_failing_allocation__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
