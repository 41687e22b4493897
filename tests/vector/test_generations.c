/*
 * Generations under fire: an indexing process killed at any moment, and readers while indexes are replaced.
 *
 * Every generation here is written with all tables of one of two databases' versions, so a mixture would be seen.
 * timeout: 600
 */
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "vector/store_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TABLES 60
#define KILLS 60

/* All tables of a version: database "d", tables t0…, each with a column that names the version. */
static const char *lines_of(int version) {
    static char text[TABLES * 160];
    size_t len = 0;
    for (int i = 0; i < TABLES; i++) {
        int added = snprintf(
            text + len, sizeof(text) - len,
            "{\"database\":\"d\",\"table\":\"t_%d_v%d\",\"columns\":[{\"name\":\"mark\"},{\"name\":\"version_%d\"}]}\n",
            i, version, version);
        assert_true(added > 0 && (size_t)added < sizeof(text) - len);
        len += (size_t)added;
    }
    return text;
}

static floe_status build(const char *folder, const char *import, floe_error *err) {
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    floe_index_result result = {0};
    return floe_index_build(&request, &result, err);
}

/* The version that an open index holds, after checking that it holds all of it and nothing else. */
static int version_of(floe_search *search) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_answer answer = ask(search, &arena, "mark", 1000, FLOE_HIT_COLUMN, "");
    assert_int_equal(answer.hit_count, TABLES);
    int version = -1;
    for (size_t i = 0; i < answer.hit_count; i++) {
        const char *table = floe_arena_strndup(&arena, answer.hits[i].table.ptr, answer.hits[i].table.len);
        int number = 0;
        int own = 0;
        assert_int_equal(sscanf(table, "t_%d_v%d", &number, &own), 2);
        assert_true(version < 0 || own == version);
        version = own;
    }
    return version;
}

static int open_and_check(const char *folder) {
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    int version = version_of(search);
    floe_search_close(&search);
    return version;
}

static void sleep_us(int64_t micros) {
    struct timespec pause = {.tv_sec = micros / 1000000, .tv_nsec = (micros % 1000000) * 1000};
    while (nanosleep(&pause, &pause) != 0) {
    }
}

static size_t count_index_files(const char *folder) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *const *names = NULL;
    size_t count = 0;
    size_t found = 0;
    floe_error err = {0};
    assert_ok(floe_file_list(folder, &arena, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        found += strncmp(names[i], "index-", 6) == 0;
    }
    return found;
}

/* The child builds and exits; the parent kills it after a random part of what a build takes. The kill is the event; when
 * it comes too late the build is simply complete. */
static void kill_child(const char *folder, const char *import, int64_t after_us) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        floe_error err = {0};
        _exit(floe_failed(build(folder, import, &err)) ? 1 : 0);
    }
    sleep_us(after_us);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static void build__killed_anywhere__leaves_a_complete_generation(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    const char *folder = make_folder("killed");
    const char *imports[] = {make_file("v0.jsonl", lines_of(0)), make_file("v1.jsonl", lines_of(1))};
    floe_error err = {0};
    assert_ok(build(folder, imports[0], &err), &err);
    int64_t started_us = floe_monotonic_us();
    assert_ok(build(folder, imports[1], &err), &err);
    int64_t whole_us = floe_monotonic_us() - started_us;
    int version = 1;
    int changed = 0;
    for (int i = 0; i < KILLS; i++) {
        int next = 1 - version;
        kill_child(folder, imports[next], floe_test_between(&rng, 0, 2 * whole_us));
        int now = open_and_check(folder);
        assert_true(now == version || now == next);
        changed += now != version;
        version = now;
    }
    print_message("%d of %d builds were published before the kill\n", changed, KILLS);
    /* What the killed ones left behind is removed by the next whole build, which works as ever. */
    assert_ok(build(folder, imports[1 - version], &err), &err);
    assert_int_equal(open_and_check(folder), 1 - version);
    assert_int_equal(count_index_files(folder), 1);
}

/* Every call to the operating system that core/file makes fails once: the build fails and the old index stays, or what
 * failed was only the removal of what is not needed any more. */
static void build__nth_file_call_fails__leaves_a_complete_generation(void **state) {
    (void)state;
    const char *folder = make_folder("failing");
    const char *imports[] = {make_file("v0.jsonl", lines_of(0)), make_file("v1.jsonl", lines_of(1))};
    floe_error err = {0};
    assert_ok(build(folder, imports[0], &err), &err);
    int version = 0;
    uint64_t failures = 0;
    for (uint64_t nth = 1;; nth++) {
        floe_error failure = {0};
        floe_file_fail_at(nth, ENOSPC);
        floe_status status = build(folder, imports[1 - version], &failure);
        bool reached = floe_file_fail_count() >= nth;
        floe_file_fail_off();
        int now = open_and_check(folder);
        /* A failed build may still have published: the folder's fsync can be what failed. */
        assert_true(now == version || now == 1 - version);
        assert_true(floe_failed(status) || now == 1 - version);
        version = now;
        failures += floe_failed(status);
        if (!reached) {
            break;
        }
    }
    assert_true(failures > 0);
    assert_ok(build(folder, imports[1 - version], &err), &err);
    assert_int_equal(count_index_files(folder), 1);
}

/* The child replaces the index again and again; the parent opens it all the while. */
static void readers__while_indexes_are_replaced__see_old_or_new(void **state) {
    (void)state;
    const char *folder = make_folder("replaced");
    const char *imports[] = {make_file("v0.jsonl", lines_of(0)), make_file("v1.jsonl", lines_of(1))};
    floe_error err = {0};
    assert_ok(build(folder, imports[0], &err), &err);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool failed = false;
        for (int i = 1; i <= 40 && !failed; i++) {
            floe_error own = {0};
            failed = floe_failed(build(folder, imports[i % 2], &own));
        }
        _exit(failed ? 1 : 0);
    }
    int status = 0;
    int opened = 0;
    int seen[2] = {0};
    while (waitpid(child, &status, WNOHANG) == 0) {
        seen[open_and_check(folder)]++;
        opened++;
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(opened > 0);
    print_message("%d opens during 40 builds: %d of one version, %d of the other\n", opened, seen[0], seen[1]);
    assert_int_equal(open_and_check(folder), 0);
}

typedef struct attempt {
    const char *folder;
    const char *import;
} attempt;

static floe_status open_once(void *context, floe_error *err) {
    const attempt *run = context;
    floe_search *search = NULL;
    floe_status status = floe_search_open(run->folder, NULL, &search, err);
    floe_search_close(&search);
    return status;
}

/* SQLite frees and asks anew in ways that make the sweep long; a small index keeps it short. */
static void open__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    attempt run = {
        .folder = make_folder("sweep"),
        .import = make_file("small.jsonl", "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"c\"}]}\n")};
    floe_error err = {0};
    assert_ok(build(run.folder, run.import, &err), &err);
    assert_true(floe_test_alloc_sweep(open_once, &run) > 0);
}

static floe_status build_once(void *context, floe_error *err) {
    const attempt *run = context;
    return build(run->folder, run->import, err);
}

/* Whatever fails, a complete index stays live, and the last run, in which nothing fails, publishes the new one. */
static void build__any_allocation_fails__is_nomem_and_keeps_the_old(void **state) {
    (void)state;
    attempt run = {.folder = make_folder("build-sweep"),
                   .import = make_file("new.jsonl", "{\"database\":\"d\",\"table\":\"new_table\"}\n")};
    floe_error err = {0};
    const char *old = make_file("old.jsonl", "{\"database\":\"d\",\"table\":\"old_table\"}\n");
    assert_ok(build(run.folder, old, &err), &err);
    assert_true(floe_test_alloc_sweep(build_once, &run) > 0);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_search *search = NULL;
    assert_ok(floe_search_open(run.folder, NULL, &search, &err), &err);
    assert_int_equal(ask(search, &arena, "table", 10, FLOE_HIT_TABLE, "").hit_count, 1);
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build__killed_anywhere__leaves_a_complete_generation),
        cmocka_unit_test(build__nth_file_call_fails__leaves_a_complete_generation),
        cmocka_unit_test(readers__while_indexes_are_replaced__see_old_or_new),
        cmocka_unit_test(open__any_allocation_fails__is_nomem),
        cmocka_unit_test(build__any_allocation_fails__is_nomem_and_keeps_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
