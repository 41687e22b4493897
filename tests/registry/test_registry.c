/*
 * The registry as a file: opening, damage, several processes at once, what a kill leaves behind, failing allocations.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/registry/stored.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- opening ---- */

static void registry_open__missing_file__says_what_to_run(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *path = floe_path_join(&arena, test_folder(&arena), "none.db");
    floe_registry *registry = NULL;
    floe_error err = {0};
    assert_code(floe_registry_open(path, false, &registry, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe apply");
    assert_message(&err, path);
    assert_false(floe_file_exists(path));
    assert_null(registry);
}

static void registry_open__created__is_there_for_the_next(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    int64_t version = -1;
    assert_ok(floe_registry_version(store.registry, &version, &store.err), &store.err);
    assert_int_equal(version, 0);
    floe_registry *second = NULL;
    assert_ok(floe_registry_open(store.path, false, &second, &store.err), &store.err);
    floe_registry_close(&second);
    floe_registry_close(&second);
    test_store_close(&store);
}

static void registry_open__newer_schema__is_refused_by_name(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    floe_registry_close(&store.registry);
    test_sql_run(store.path, "PRAGMA user_version = 3");
    assert_code(floe_registry_open(store.path, true, &store.registry, &store.err), FLOE_UNSUPPORTED);
    assert_message(&store.err, "schema version 3");
    assert_message(&store.err, store.path);
    test_store_close(&store);
}

static void registry_open__database_of_somebody_else__is_left_alone(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    const char *path = floe_path_join(&store.arena, floe_path_dirname(&store.arena, store.path), "other.db");
    test_sql_run(path, "CREATE TABLE t(x)");
    floe_registry *registry = NULL;
    assert_code(floe_registry_open(path, true, &registry, &store.err), FLOE_INVALID);
    assert_message(&store.err, "not a registry");
    floe_error_clear(&store.err);
    test_sql_run(path, "PRAGMA user_version = 1; DROP TABLE t");
    assert_code(floe_registry_open(path, true, &registry, &store.err), FLOE_INVALID);
    test_store_close(&store);
}

static void registry_open__file_that_is_no_database__is_corrupt(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    FLOE_AUTO_BUF junk;
    floe_buf_init(&junk, 8192);
    for (int i = 0; i < 500; i++) {
        floe_buf_text(&junk, "not a database ");
    }
    test_write(floe_path_dirname(&store.arena, store.path), "junk.db", junk.ptr);
    const char *path = floe_path_join(&store.arena, floe_path_dirname(&store.arena, store.path), "junk.db");
    floe_registry *registry = NULL;
    assert_code(floe_registry_open(path, false, &registry, &store.err), FLOE_CORRUPT);
    assert_message(&store.err, "junk.db");
    assert_message(&store.err, "run floe apply");
    test_store_close(&store);
}

static void registry_open__empty_file_of_a_killed_creation__is_filled_by_the_next(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    const char *folder = floe_path_dirname(&store.arena, store.path);
    test_write(folder, "empty.db", "");
    const char *path = floe_path_join(&store.arena, folder, "empty.db");
    floe_registry *registry = NULL;
    assert_code(floe_registry_open(path, false, &registry, &store.err), FLOE_NOT_FOUND);
    assert_message(&store.err, "floe apply");
    floe_error_clear(&store.err);
    assert_ok(floe_registry_open(path, true, &registry, &store.err), &store.err);
    floe_registry_close(&registry);
    test_store_close(&store);
}

/* Damage past the first page shows when the page is read; the first holds the schema, so the file opens. */
static void registry__damage_found_late__says_what_to_do_as_well(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS);
    floe_registry_close(&store.registry);
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FLOE_MIB(64));
    assert_ok(floe_file_read(store.path, &bytes, &store.err), &store.err);
    assert_true(bytes.len > 8192);
    memset(bytes.ptr + 4096, 0x5a, bytes.len - 4096);
    assert_ok(floe_file_write(store.path, floe_buf_view(&bytes), false, &store.err), &store.err);
    floe_error err = {0};
    const floe_definitions *definitions = NULL;
    floe_status status = floe_registry_open(store.path, false, &store.registry, &err);
    if (!floe_failed(status)) {
        status = floe_registry_load(store.registry, 0, &store.arena, &definitions, &err);
    }
    assert_code(status, FLOE_CORRUPT);
    assert_message(&err, "registry is damaged");
    assert_message(&err, "run floe apply");
    assert_message(&err, "floe sync");
    test_store_close(&store);
}

/* ---- several processes ---- */

/* A definition whose owner tells who wrote it. */
static const char *owned_yaml(floe_arena *arena, int owner, int count) {
    FLOE_AUTO_BUF yaml;
    floe_buf_init(&yaml, FLOE_MIB(1));
    floe_buf_text(&yaml, "entities:\n");
    for (int i = 0; i < count; i++) {
        floe_buf_printf(&yaml, "  - {name: e%d, owner: w%d, keys: [{name: k, type: int64}]}\n", i, owner);
    }
    return floe_arena_strndup(arena, yaml.ptr, yaml.len);
}

/* In a child: applies the project's definitions; the exit code says how it went. */
static pid_t fork_apply(const test_store *store, const test_project *project) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        floe_registry *registry = NULL;
        int64_t version = 0;
        bool failed = floe_failed(floe_registry_open(store->path, true, &registry, NULL)) ||
                      floe_failed(floe_registry_apply(registry, project->definitions, &version, NULL));
        _exit(failed ? 1 : 0);
    }
    return child;
}

static void apply__by_eight_processes_at_once__gives_every_one_its_version(void **state) {
    (void)state;
    enum { WRITERS = 8 };
    test_store store;
    test_project projects[WRITERS];
    pid_t children[WRITERS];
    test_store_open(&store);
    floe_registry_close(&store.registry);
    for (int i = 0; i < WRITERS; i++) {
        test_project_resolved(&projects[i], owned_yaml(&store.arena, i, 20));
    }
    for (int i = 0; i < WRITERS; i++) {
        children[i] = fork_apply(&store, &projects[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        test_project_close(&projects[i]);
    }
    assert_ok(floe_registry_open(store.path, false, &store.registry, &store.err), &store.err);
    /* Every writer's definitions differ from every other's, so each made one version; none mixes two writers. */
    for (int64_t version = 1; version <= WRITERS; version++) {
        const floe_definitions *definitions = NULL;
        assert_ok(floe_registry_load(store.registry, version, &store.arena, &definitions, &store.err), &store.err);
        assert_int_equal(definitions->entity_count, 20);
        for (size_t i = 1; i < definitions->entity_count; i++) {
            assert_true(floe_str_equal(definitions->entities[i].about.owner, definitions->entities[0].about.owner));
        }
    }
    int64_t newest = 0;
    assert_ok(floe_registry_version(store.registry, &newest, NULL), NULL);
    assert_int_equal(newest, WRITERS);
    test_store_close(&store);
}

/* In a child: applies one set after the other until it is killed; says when the first is in. */
static void apply_forever(const test_store *store, const test_project *projects, int ready) {
    floe_registry *registry = NULL;
    int64_t version = 0;
    if (floe_failed(floe_registry_open(store->path, true, &registry, NULL))) {
        _exit(1);
    }
    for (int i = 0;; i = 1 - i) {
        if (floe_failed(floe_registry_apply(registry, projects[i].definitions, &version, NULL)) ||
            write(ready, "x", 1) != 1) {
            _exit(1);
        }
    }
}

static void apply__killed_anywhere__leaves_the_old_or_the_new(void **state) {
    (void)state;
    test_store store;
    test_project projects[2];
    test_store_open(&store);
    floe_registry_close(&store.registry);
    for (int i = 0; i < 2; i++) {
        test_project_resolved(&projects[i], owned_yaml(&store.arena, i, 200));
    }
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    int64_t before = 0;
    for (int round = 0; round < 15; round++) {
        int ends[2];
        char byte = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            apply_forever(&store, projects, ends[1]);
        }
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 1);     /* It is at work now. */
        usleep((useconds_t)floe_test_below(&rng, 20000)); /* Where the kill falls; nothing waits for it. */
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ends[0]);
        assert_ok(floe_registry_open(store.path, false, &store.registry, &store.err), &store.err);
        const floe_definitions *definitions = NULL;
        floe_arena arena;
        floe_arena_init(&arena, FLOE_MIB(64));
        assert_ok(floe_registry_load(store.registry, 0, &arena, &definitions, &store.err), &store.err);
        assert_true(definitions->version >= before && definitions->version > 0);
        before = definitions->version;
        assert_int_equal(definitions->entity_count, 200);
        for (size_t i = 0; i < 200; i++) {
            assert_true(floe_str_equal(definitions->entities[i].about.owner, definitions->entities[0].about.owner));
        }
        floe_arena_close(&arena);
        floe_registry_close(&store.registry);
    }
    test_project_close(&projects[0]);
    test_project_close(&projects[1]);
    test_store_close(&store);
}

static void apply__read_only_reader__sees_versions_appear(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    floe_registry *reader = NULL;
    int64_t version = -1;
    assert_ok(floe_registry_open(store.path, false, &reader, &store.err), &store.err);
    assert_ok(floe_registry_version(reader, &version, NULL), NULL);
    assert_int_equal(version, 0);
    test_store_apply(&store, TEST_HEAD);
    assert_ok(floe_registry_version(reader, &version, NULL), NULL);
    assert_int_equal(version, 1);
    floe_registry_close(&reader);
    test_store_close(&store);
}

/* ---- failures ---- */

typedef struct sweep {
    const char *path;
    const floe_definitions *definitions;
} sweep;

static floe_status use_registry(void *context, floe_error *err) {
    const sweep *what = context;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_registry *registry = NULL;
    const floe_change *changes = NULL;
    const floe_definitions *loaded = NULL;
    const floe_history_entry *entries = NULL;
    size_t count = 0;
    int64_t version = 0;
    FLOE_TRY(floe_registry_open(what->path, true, &registry, err));
    floe_status status = floe_registry_plan(registry, what->definitions, &arena, &changes, &count, err);
    if (!floe_failed(status)) {
        status = floe_registry_apply(registry, what->definitions, &version, err);
    }
    if (!floe_failed(status)) {
        status = floe_registry_load(registry, 0, &arena, &loaded, err);
    }
    if (!floe_failed(status)) {
        status = floe_registry_history(registry, &arena, &entries, &count, err);
    }
    floe_registry_close(&registry);
    return status;
}

static void registry__any_failing_allocation__is_reported_and_leaves_a_whole_registry(void **state) {
    (void)state;
    test_store store;
    test_project project;
    test_store_open(&store);
    test_store_apply(&store, TEST_HEAD);
    test_project_resolved(&project, TEST_HEAD TEST_VIEW TEST_OUTPUTS);
    sweep what = {store.path, project.definitions};
    assert_true(floe_test_alloc_sweep(use_registry, &what) > 0);
    int64_t version = 0;
    assert_ok(floe_registry_version(store.registry, &version, &store.err), &store.err);
    assert_int_equal(version, 2);
    const floe_definitions *definitions = NULL;
    assert_ok(floe_registry_load(store.registry, 1, &store.arena, &definitions, &store.err), &store.err);
    assert_int_equal(definitions->view_count, 0);
    test_project_close(&project);
    test_store_close(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_open__missing_file__says_what_to_run),
        cmocka_unit_test(registry_open__created__is_there_for_the_next),
        cmocka_unit_test(registry_open__newer_schema__is_refused_by_name),
        cmocka_unit_test(registry_open__database_of_somebody_else__is_left_alone),
        cmocka_unit_test(registry_open__file_that_is_no_database__is_corrupt),
        cmocka_unit_test(registry_open__empty_file_of_a_killed_creation__is_filled_by_the_next),
        cmocka_unit_test(registry__damage_found_late__says_what_to_do_as_well),
        cmocka_unit_test(apply__by_eight_processes_at_once__gives_every_one_its_version),
        cmocka_unit_test(apply__killed_anywhere__leaves_the_old_or_the_new),
        cmocka_unit_test(apply__read_only_reader__sees_versions_appear),
        cmocka_unit_test(registry__any_failing_allocation__is_reported_and_leaves_a_whole_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
