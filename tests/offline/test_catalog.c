/*
 * The directory catalog: newest metadata, listing, locating, and commits that race.
 */
#include "tests/offline/catalog_support.h"

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

static void located_at(const char *namespace_name, const char *table, const char *folders) {
    floe_catalog_entry entry;
    floe_error err = {0};
    assert_ok(floe_catalog_locate(catalog, floe_str_of(namespace_name), floe_str_of(table), &arena, &entry, &err),
              &err);
    assert_string_equal(entry.location, ice_path(warehouse, folders));
}

/* As Spark names a warehouse's folders. A name's last part is taken for the table: so is one of a table with a dot. */
static void names__with_dots__are_found_in_the_folders_that_are_there(void **state) {
    (void)state;
    put("default.db/t/metadata/v1.metadata.json");
    put("a/b.c/d/t.v2/metadata/v1.metadata.json");
    put("x.y/t/metadata/v1.metadata.json");
    put("x/y/u/metadata/v1.metadata.json");
    put("two..dots./t/metadata/v1.metadata.json");
    located_at("default.db", "t", "default.db/t");
    located_at("a.b.c.d.t", "v2", "a/b.c/d/t.v2");
    located_at("x.y", "t", "x.y/t"); /* x/y is there, without such a table */
    located_at("x.y", "u", "x/y/u");
    located_at("two..dots.", "t", "two..dots./t");
    floe_catalog_entry entry;
    floe_error err = {0};
    assert_code(floe_catalog_locate(catalog, FLOE_STR("default.db"), FLOE_STR("u"), &arena, &entry, &err),
                FLOE_NOT_FOUND);
    assert_message(&err, "no table lake.default.db.u");
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    floe_error fresh = {0};
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &fresh), &fresh);
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) { /* What is listed is found by the name that it is listed by. */
        const char *full = floe_arena_printf(&arena, "%.*s.%.*s", FLOE_STR_ARG(entries[i].namespace_name),
                                             FLOE_STR_ARG(entries[i].table));
        const char *last = strrchr(full, '.');
        assert_ok(floe_catalog_locate(catalog, (floe_str){full, (size_t)(last - full)}, floe_str_of(last + 1), &arena,
                                      &entry, &fresh),
                  &fresh);
        assert_string_equal(entry.location, entries[i].location);
    }
}

static void names__of_a_nested_and_of_a_dotted_folder__are_the_nested_ones(void **state) {
    (void)state;
    put("a.b/t/metadata/v1.metadata.json");
    put("a/b/t/metadata/v1.metadata.json");
    located_at("a.b", "t", "a/b/t");
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].location, ice_path(warehouse, "a/b/t"));
}

static void new_table__of_a_dotted_name__lies_where_its_namespace_does(void **state) {
    (void)state;
    const char *location = NULL;
    floe_error err = {0};
    put("default.db/t/metadata/v1.metadata.json");
    assert_ok(floe_catalog_location(catalog, FLOE_STR("default.db"), FLOE_STR("new"), &arena, &location, &err), &err);
    assert_string_equal(location, ice_path(warehouse, "default.db/new"));
    assert_ok(floe_catalog_location(catalog, FLOE_STR("other.db"), FLOE_STR("new"), &arena, &location, &err), &err);
    assert_string_equal(location, ice_path(warehouse, "other/db/new"));
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("default.db"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path =
                                               ice_path(warehouse, "default.db/t/metadata/v1.metadata.json"),
                                           .metadata_json = FLOE_STR("{}")};
    assert_ok(floe_catalog_commit(catalog, &request, &arena, &location, &err), &err);
    assert_string_equal(location, ice_path(warehouse, "default.db/t/metadata/v2.metadata.json"));
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

/* From v1 on, the same through every door: nobody commits over the loss. */
static void commit__after_a_lost_version__is_corrupt(void **state) {
    (void)state;
    const char *first = NULL, *second = NULL, *third = NULL;
    floe_error err = {0};
    floe_catalog_entry entry;
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    assert_int_equal(remove(second), 0);
    assert_code(commit(first, "other", &third, &err), FLOE_CORRUPT);
    assert_message(&err, "v2.metadata.json");
    floe_error located = {0}, listed = {0}, created = {0};
    assert_code(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &located), FLOE_CORRUPT);
    assert_message(&located, "lake.ns.t");
    /* It is listed, so that one damaged table hides no other. */
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &listed), &listed);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].metadata_path, entries[0].location);
    assert_code(commit(NULL, "other", &third, &created), FLOE_CORRUPT);
    assert_false(floe_file_exists(second));
}

/* A committer that never rests, and readers who open the table a thousand times each and more: a hint that is ahead of a
 * reader's listing is a commit in between. Each reader sees versions that only grow. */
enum { COMMITS = 40 };

typedef struct reading {
    const char *folder;
    atomic_bool *is_over;
    int refused;
    int64_t last;
    char message[2048];
} reading;

static void *read_on(void *context) {
    reading *self = context;
    for (int i = 0; i < 1000 || !atomic_load(self->is_over); i++) {
        FLOE_AUTO_ARENA memory = {0};
        floe_arena_init(&memory, FLOE_MIB(16));
        const char *path = NULL;
        floe_error err = {0};
        floe_status status = floe_catalog_newest_metadata(floe_fs_local(), self->folder, &memory, &path, &err);
        int64_t version = floe_failed(status) ? -1 : floe_catalog_metadata_version(floe_path_basename(path));
        if (version < self->last) {
            self->refused++;
            (void)snprintf(self->message, sizeof(self->message), "%" PRId64 " after %" PRId64 ": %s", version,
                           self->last, err.message);
        }
        self->last = version;
    }
    return NULL;
}

static void *commit_on(void *context) {
    reading *self = context;
    floe_error err = {0};
    floe_catalog *own = NULL;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(64));
    floe_status status = floe_catalog_open(&definition, NULL, &own, &err);
    const char *base = NULL;
    for (int64_t n = 1; !floe_failed(status) && n <= COMMITS; n++) {
        const char *path = NULL;
        floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                               .table = FLOE_STR("t"),
                                               .base_metadata_path = base,
                                               .metadata_json = FLOE_STR("2")};
        status = floe_catalog_commit(own, &request, &memory, &path, &err);
        base = path;
        self->last = n;
        const char *old = floe_arena_printf(&memory, "%s/metadata/v%" PRId64 ".metadata.json", self->folder, n - 8);
        (void)remove(old); /* as an expiry does, so that the folder stays small */
        (void)sched_yield();
    }
    self->refused = floe_failed(status) ? 1 : 0;
    (void)snprintf(self->message, sizeof(self->message), "%s", err.message);
    atomic_store(self->is_over, true);
    floe_catalog_close(&own);
    return NULL;
}

static void commit__while_readers_open__no_reader_is_refused(void **state) {
    (void)state;
    atomic_bool is_over = false;
    const char *path = NULL;
    const char *folder = ice_path(warehouse, "ns/t");
    reading writer = {.folder = folder, .is_over = &is_over};
    reading readers[3];
    pthread_t threads[3], committer;
    assert_int_equal(pthread_create(&committer, NULL, commit_on, &writer), 0);
    floe_status status;
    do { /* until the first commit is there */
        floe_error err = {0};
        status = floe_catalog_newest_metadata(floe_fs_local(), folder, &arena, &path, &err);
    } while (status.code == FLOE_NOT_FOUND && !atomic_load(&is_over));
    for (size_t i = 0; i < 3; i++) {
        readers[i] = (reading){.folder = folder, .is_over = &is_over, .last = 0};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_join(committer, NULL), 0);
    if (writer.refused) {
        fail_msg("the committer, after %lld commits: %s", (long long)writer.last, writer.message);
    }
    for (size_t i = 0; i < 3; i++) {
        if (readers[i].refused) {
            fail_msg("reader %zu was refused %d times: %s", i, readers[i].refused, readers[i].message);
        }
    }
    assert_int_equal(writer.last, COMMITS);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        T(list__nested_namespaces__sorted_and_nothing_else),
        T(list__missing_warehouse__is_empty),
        T(locate__found_and_missing__is_precise),
        T(names__that_leave_the_warehouse__are_refused),
        T(names__with_dots__are_found_in_the_folders_that_are_there),
        T(names__of_a_nested_and_of_a_dotted_folder__are_the_nested_ones),
        T(new_table__of_a_dotted_name__lies_where_its_namespace_does),
        T(open__other_type__is_unsupported_by_name),
        T(commit__create_then_follow__moves_the_newest),
        T(commit__from_a_stale_base__is_conflict_and_changes_nothing),
        T(commit__over_another_writers_names__counts_on),
        T(commit__base_without_a_version__is_refused),
        T(commit__base_that_is_gone__is_not_found),
        T(commit__hint_left_behind__is_rolled_forward),
        T(commit__full_disk_at_any_call__leaves_the_old_state),
        T(commit__eight_at_once__exactly_one_wins),
        T(commit__while_readers_open__no_reader_is_refused),
        T(commit__after_a_lost_version__is_corrupt),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
