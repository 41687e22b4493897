/*
 * The directory catalog: newest metadata, listing, locating, and commits that race.
 */
#include "tests/offline/ice_support.h"

#include "offline/catalog/catalog.h"

#include <pthread.h>
#include <stdio.h>

static floe_arena arena;
static const char *warehouse;
static floe_catalog *catalog;
static floe_catalog_def definition;

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    warehouse = floe_test_temp_dir();
    definition = (floe_catalog_def){
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(warehouse)};
    assert_ok(floe_catalog_open(&definition, NULL, &catalog, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_catalog_close(&catalog);
    floe_arena_close(&arena);
    return 0;
}

static void put(const char *name) {
    ice_write_file(ice_path(warehouse, name), FLOE_STR("{}"));
}

static void put_text(const char *name, const char *text) {
    ice_write_file(ice_path(warehouse, name), floe_str_of(text));
}

/* ---- newest metadata ---- */

static void expect_newest(const char *table, const char *name) {
    const char *path = NULL;
    floe_error err = {0};
    assert_ok(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, table), &arena, &path, &err), &err);
    assert_string_equal(path, ice_path(warehouse, name));
}

static void versions__of_file_names__are_read(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t version;
    } CASES[] = {
        {"v1.metadata.json", 1},
        {"v12.gz.metadata.json", 12},
        {"v12.metadata.json.gz", 12},
        {"00003-abc.metadata.json", 3},
        {"00003-abc-def.gz.metadata.json", 3},
        {"v1749025517.metadata.json", 1749025517},
        {"v3.1.metadata.json", -1},
        {"vfinal.metadata.json", -1},
        {"00003.metadata.json", -1},
        {"v-1.metadata.json", -1},
        {"v+1.metadata.json", -1},
        {"-abc.metadata.json", -1},
        {"v99999999999999999999.metadata.json", -1},
        {"snap-1.avro", -1},
        {".metadata.json", -1},
        {"v1.metadata.json.crc", -1},
        {"version-hint.text", -1},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int64_t version = floe_catalog_metadata_version(floe_str_of(CASES[i].name));
        if (version != CASES[i].version) {
            fail_msg("%s: %lld", CASES[i].name, (long long)version);
        }
    }
}

static void newest__without_a_hint__is_the_highest_number(void **state) {
    (void)state;
    put("t/metadata/v2.metadata.json");
    put("t/metadata/v10.metadata.json");
    put("t/metadata/v9.gz.metadata.json");
    put("t/metadata/.v11.metadata.json.crc");
    expect_newest("t", "t/metadata/v10.metadata.json");
    put("u/metadata/00002-b.metadata.json");
    put("u/metadata/00010-a.metadata.json");
    expect_newest("u", "u/metadata/00010-a.metadata.json");
}

static void newest__hint__is_followed_and_rolled_forward(void **state) {
    (void)state;
    for (int i = 1; i <= 4; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "t/metadata/v%d.metadata.json", i);
        put(name);
    }
    put("t/metadata/v9.metadata.json");
    put_text("t/metadata/version-hint.text", "2\n");
    expect_newest("t", "t/metadata/v4.metadata.json"); /* forward while there is a next one; 9 is not it */
    put_text("t/metadata/version-hint.text", "9");
    expect_newest("t", "t/metadata/v9.metadata.json");
}

static void newest__hint_by_name__is_followed(void **state) {
    (void)state;
    put("t/metadata/00001-abc.metadata.json");
    put("t/metadata/00002-def.metadata.json");
    put_text("t/metadata/version-hint.text", "00001-abc");
    expect_newest("t", "t/metadata/00001-abc.metadata.json");
    put("t/metadata/vfinal.metadata.json");
    put_text("t/metadata/version-hint.text", "vfinal");
    expect_newest("t", "t/metadata/vfinal.metadata.json");
}

static void newest__hint_that_is_wrong__is_ignored(void **state) {
    (void)state;
    static const char *const HINTS[] = {"", "7", "-1", "nothing", "../../v1", "99999999999999999999"};
    put("t/metadata/v1.metadata.json");
    for (size_t i = 0; i < sizeof(HINTS) / sizeof(HINTS[0]); i++) {
        put_text("t/metadata/version-hint.text", HINTS[i]);
        expect_newest("t", "t/metadata/v1.metadata.json");
    }
}

static void newest__gzip_under_both_names__is_found_by_the_hint(void **state) {
    (void)state;
    put("t/metadata/v1.gz.metadata.json");
    put("u/metadata/v1.metadata.json.gz");
    put_text("t/metadata/version-hint.text", "1");
    put_text("u/metadata/version-hint.text", "1");
    expect_newest("t", "t/metadata/v1.gz.metadata.json");
    expect_newest("u", "u/metadata/v1.metadata.json.gz");
}

static void newest__nothing_there__says_what_was_looked_for(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    assert_code(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, "t"), &arena, &path, &err),
                FLOE_NOT_FOUND);
    assert_message(&err, "no folder metadata");
    put("t/metadata/other.txt");
    floe_error second = {0};
    assert_code(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, "t"), &arena, &path, &second),
                FLOE_NOT_FOUND);
    assert_message(&second, "holds no metadata file");
}

/* ---- list and locate ---- */

static void list__nested_namespaces__sorted_and_nothing_else(void **state) {
    (void)state;
    const floe_catalog_entry *entries = NULL;
    size_t count = 99;
    floe_error err = {0};
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    put("b/t2/metadata/v1.metadata.json");
    put("b/t1/metadata/v3.metadata.json");
    put("a/deep/t/metadata/v1.metadata.json");
    put("b/.hidden/metadata/v1.metadata.json");
    put("b/not_a_table/readme.txt");
    put("outside/metadata/v1.metadata.json");       /* in no namespace */
    put("b/t1/data/x=1/metadata/v1.metadata.json"); /* inside a table */
    put("file.txt");
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_true(floe_str_is(entries[0].namespace_name, "a.deep") && floe_str_is(entries[0].table, "t"));
    assert_true(floe_str_is(entries[1].namespace_name, "b") && floe_str_is(entries[1].table, "t1"));
    assert_true(floe_str_is(entries[2].table, "t2"));
    assert_true(floe_str_ends_with(floe_str_of(entries[1].metadata_path), FLOE_STR("b/t1/metadata/v3.metadata.json")));
}

static void list__missing_warehouse__is_empty(void **state) {
    (void)state;
    const floe_catalog_entry *entries = NULL;
    size_t count = 9;
    floe_error err = {0};
    floe_catalog *other = NULL;
    floe_catalog_def elsewhere = definition;
    elsewhere.warehouse = floe_str_of(ice_path(warehouse, "not/yet"));
    assert_ok(floe_catalog_open(&elsewhere, NULL, &other, &err), &err);
    assert_ok(floe_catalog_list(other, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    floe_catalog_close(&other);
}

static void locate__found_and_missing__is_precise(void **state) {
    (void)state;
    floe_catalog_entry entry;
    floe_error err = {0};
    put("a/deep/t/metadata/v1.metadata.json");
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("a.deep"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(entry.location), FLOE_STR("/a/deep/t")));
    assert_code(floe_catalog_locate(catalog, FLOE_STR("a"), FLOE_STR("t"), &arena, &entry, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no table lake.a.t");
}

static void names__that_leave_the_warehouse__are_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {"", "..", ".", ".x", "a/b", "/etc", "x/../../y"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        const char *location = NULL;
        floe_error err = {0};
        assert_code(floe_catalog_location(catalog, FLOE_STR("ok"), floe_str_of(BAD[i]), &arena, &location, &err),
                    FLOE_INVALID);
        floe_error second = {0};
        assert_code(floe_catalog_location(catalog, floe_str_of(BAD[i]), FLOE_STR("ok"), &arena, &location, &second),
                    FLOE_INVALID);
    }
    const char *location = NULL;
    floe_error err = {0};
    assert_code(floe_catalog_location(catalog, FLOE_STR("a..b"), FLOE_STR("t"), &arena, &location, &err), FLOE_INVALID);
    floe_error fresh = {0};
    assert_ok(floe_catalog_location(catalog, FLOE_STR("a.b"), FLOE_STR("T able"), &arena, &location, &fresh), &fresh);
    assert_true(floe_str_ends_with(floe_str_of(location), FLOE_STR("/a/b/T able")));
}

static void open__other_type__is_unsupported_by_name(void **state) {
    (void)state;
    floe_catalog *other = NULL;
    floe_error err = {0};
    floe_catalog_def rest = definition;
    rest.type = FLOE_STR("hive");
    assert_code(floe_catalog_open(&rest, NULL, &other, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "\"hive\"");
    assert_null(other);
}

/* ---- commit ---- */

static floe_status commit(const char *base, const char *json, const char **ret_path, floe_error *err) {
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path = base,
                                           .metadata_json = floe_str_of(json)};
    return floe_catalog_commit(catalog, &request, &arena, ret_path, err);
}

static void commit__create_then_follow__moves_the_newest(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "{\"n\":1}", &first, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(first), FLOE_STR("ns/t/metadata/v1.metadata.json")));
    assert_ok(commit(first, "{\"n\":2}", &second, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(second), FLOE_STR("v2.metadata.json")));
    floe_catalog_entry entry;
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_string_equal(entry.metadata_path, second);
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, 100);
    assert_ok(floe_file_read(second, &text, &err), &err);
    assert_string_equal(text.ptr, "{\"n\":2}");
    floe_buf_clear(&text);
    assert_ok(floe_file_read(ice_path(entry.location, "metadata/version-hint.text"), &text, &err), &err);
    assert_string_equal(text.ptr, "2");
}

static void commit__from_a_stale_base__is_conflict_and_changes_nothing(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    const char *third = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    assert_code(commit(first, "3", &third, &err), FLOE_CONFLICT);
    assert_message(&err, "lake.ns.t was changed by somebody else");
    floe_error again = {0};
    assert_code(commit(NULL, "3", &third, &again), FLOE_CONFLICT);
    assert_message(&again, "exists already");
    floe_error found = {0};
    floe_catalog_entry entry;
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &found), &found);
    assert_string_equal(entry.metadata_path, second);
    assert_null(third);
}

static void commit__over_another_writers_names__counts_on(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    floe_catalog_entry entry;
    put("ns/t/metadata/00041-abc.metadata.json");
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_ok(commit(entry.metadata_path, "x", &path, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(path), FLOE_STR("v42.metadata.json")));
}

static void commit__base_without_a_version__is_refused(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    put("ns/t/metadata/vfinal.metadata.json");
    put_text("ns/t/metadata/version-hint.text", "vfinal");
    assert_code(commit(ice_path(warehouse, "ns/t/metadata/vfinal.metadata.json"), "x", &path, &err), FLOE_UNSUPPORTED);
}

static void commit__base_that_is_gone__is_not_found(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    assert_code(commit("/gone/v1.metadata.json", "x", &path, &err), FLOE_NOT_FOUND);
}

/* Killed between the metadata file and the hint: the next reader and the next writer see the new version. */
static void commit__hint_left_behind__is_rolled_forward(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    const char *third = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    put_text("ns/t/metadata/version-hint.text", "1");
    assert_code(commit(first, "3", &third, &err), FLOE_CONFLICT);
    floe_error fresh = {0};
    assert_ok(commit(second, "3", &third, &fresh), &fresh);
    assert_true(floe_str_ends_with(floe_str_of(third), FLOE_STR("v3.metadata.json")));
}

static void commit__full_disk_at_any_call__leaves_the_old_state(void **state) {
    (void)state;
    const char *first = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    unsigned failures = 0;
    for (uint64_t nth = 1; nth < 50; nth++) {
        const char *path = NULL;
        floe_error failed = {0};
        floe_file_fail_at(nth, 28 /* ENOSPC */);
        floe_status status = commit(first, "2", &path, &failed);
        floe_file_fail_off();
        if (!floe_failed(status)) { /* only the hint, or nothing, failed */
            break;
        }
        failures++;
        floe_error found = {0};
        floe_catalog_entry entry;
        assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &found), &found);
        bool renamed = !floe_str_ends_with(floe_str_of(entry.metadata_path), FLOE_STR("v1.metadata.json"));
        if (renamed) { /* the rename had happened before the call that failed: the state is whole, and new */
            break;
        }
    }
    assert_true(failures > 0);
}

/* Eight writers from one base: one wins. */
typedef struct racer {
    const char *base;
    floe_code code;
} racer;

static void *race(void *context) {
    racer *self = context;
    floe_error err = {0};
    floe_catalog *own = NULL;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(1));
    const char *path = NULL;
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path = self->base,
                                           .metadata_json = FLOE_STR("2")};
    floe_status status = floe_catalog_open(&definition, NULL, &own, &err);
    if (!floe_failed(status)) {
        status = floe_catalog_commit(own, &request, &memory, &path, &err);
    }
    floe_catalog_close(&own);
    self->code = status.code;
    return NULL;
}

static void commit__eight_at_once__exactly_one_wins(void **state) {
    (void)state;
    const char *first = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    const char *bases[] = {NULL, first};
    for (int round = 0; round < 10; round++) {
        pthread_t threads[8];
        racer racers[8];
        int won = 0;
        floe_catalog_entry entry;
        assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
        bases[1] = entry.metadata_path;
        for (size_t i = 0; i < 8; i++) {
            racers[i] = (racer){bases[1], FLOE_CODE_OK};
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            won += racers[i].code == FLOE_CODE_OK ? 1 : 0;
            assert_true(racers[i].code == FLOE_CODE_OK || racers[i].code == FLOE_CONFLICT);
        }
        assert_int_equal(won, 1);
    }
}

static floe_status list_all(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(16));
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    floe_catalog *own = NULL;
    FLOE_TRY(floe_catalog_open(&definition, NULL, &own, err));
    floe_status status = floe_catalog_list(own, &memory, &entries, &count, err);
    floe_catalog_close(&own);
    return status;
}

static void memory__any_allocation_failing__is_reported(void **state) {
    (void)state;
    put("a/t/metadata/v1.metadata.json");
    put_text("a/t/metadata/version-hint.text", "1");
    assert_true(floe_test_alloc_sweep(list_all, NULL) > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(versions__of_file_names__are_read),
        T(newest__without_a_hint__is_the_highest_number),
        T(newest__hint__is_followed_and_rolled_forward),
        T(newest__hint_by_name__is_followed),
        T(newest__hint_that_is_wrong__is_ignored),
        T(newest__gzip_under_both_names__is_found_by_the_hint),
        T(newest__nothing_there__says_what_was_looked_for),
        T(list__nested_namespaces__sorted_and_nothing_else),
        T(list__missing_warehouse__is_empty),
        T(locate__found_and_missing__is_precise),
        T(names__that_leave_the_warehouse__are_refused),
        T(open__other_type__is_unsupported_by_name),
        T(commit__create_then_follow__moves_the_newest),
        T(commit__from_a_stale_base__is_conflict_and_changes_nothing),
        T(commit__over_another_writers_names__counts_on),
        T(commit__base_without_a_version__is_refused),
        T(commit__base_that_is_gone__is_not_found),
        T(commit__hint_left_behind__is_rolled_forward),
        T(commit__full_disk_at_any_call__leaves_the_old_state),
        T(commit__eight_at_once__exactly_one_wins),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
