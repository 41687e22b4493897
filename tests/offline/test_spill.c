/*
 * Spill folders: made, private and removed; what killed processes left goes with the next one, what the living hold stays.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/spill.h"
#include "tests/support/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[300];

static int own_base(void **state) {
    (void)state;
    static int count;
    static const char *parent;
    parent = parent ? parent : floe_test_temp_dir();
    snprintf(base, sizeof(base), "%s/%d", parent, count++);
    assert_ok(floe_file_mkdirs(base, NULL), NULL);
    setenv("TMPDIR", base, 1);
    return 0;
}

static size_t folders(void) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *const *names;
    size_t count;
    assert_ok(floe_file_list(base, &arena, &names, &count, NULL), NULL);
    return count;
}

static void write_into(const floe_spill *spill) {
    char path[FLOE_SPILL_PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/deep/folder", spill->path);
    assert_ok(floe_file_mkdirs(path, NULL), NULL);
    snprintf(path, sizeof(path), "%s/deep/folder/file", spill->path);
    assert_ok(floe_file_write(path, FLOE_STR("rows"), false, NULL), NULL);
}

/* A process that holds a folder with something in it until it is killed; it says when it does. */
static pid_t start_holder(void) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        floe_spill spill;
        char path[FLOE_SPILL_PATH_MAX + 64];
        if (floe_failed(floe_spill_open(&spill, NULL))) {
            _exit(1);
        }
        snprintf(path, sizeof(path), "%s/file", spill.path);
        FLOE_IGNORE(floe_file_write(path, FLOE_STR("rows"), false, NULL));
        if (write(ready[1], "x", 1) != 1) {
            _exit(2);
        }
        for (;;) {
            pause();
        }
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

static void kill_holder(pid_t child) {
    int status;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void spill__closed__leaves_nothing(void **state) {
    (void)state;
    floe_spill spill;
    floe_error err = {0};
    assert_ok(floe_spill_open(&spill, &err), &err);
    struct stat info;
    assert_int_equal(stat(spill.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700); /* nobody else's business */
    write_into(&spill);
    assert_int_equal(folders(), 1);
    floe_spill_close(&spill);
    assert_int_equal(folders(), 0);
    floe_spill_close(&spill);
    floe_spill none = {0};
    floe_spill_close(&none);
}

static void spill__two_of_one_process__do_not_meet(void **state) {
    (void)state;
    floe_spill a, b;
    assert_ok(floe_spill_open(&a, NULL), NULL);
    assert_ok(floe_spill_open(&b, NULL), NULL);
    assert_string_not_equal(a.path, b.path);
    assert_int_equal(folders(), 2);
    floe_spill_close(&a);
    write_into(&b);
    floe_spill_close(&b);
    assert_int_equal(folders(), 0);
}

static void spill__killed_process__is_cleaned_up_by_the_next(void **state) {
    (void)state;
    pid_t dead[3];
    for (int i = 0; i < 3; i++) {
        dead[i] = start_holder();
    }
    pid_t living = start_holder();
    assert_int_equal(folders(), 4);
    for (int i = 0; i < 3; i++) {
        kill_holder(dead[i]);
    }
    assert_int_equal(folders(), 4);
    floe_spill spill;
    assert_ok(floe_spill_open(&spill, NULL), NULL);
    assert_int_equal(folders(), 2); /* this one's and the living one's */
    floe_spill_close(&spill);
    assert_int_equal(folders(), 1);
    kill_holder(living);
    assert_ok(floe_spill_open(&spill, NULL), NULL);
    assert_int_equal(folders(), 1);
    floe_spill_close(&spill);
}

static void spill__what_is_not_ours__stays(void **state) {
    (void)state;
    char path[400];
    static const char *const names[] = {"floe-temp-1-0", "floe-tempo", "other"};
    for (size_t i = 0; i < 3; i++) { /* the first has no lock: it may be in the making */
        snprintf(path, sizeof(path), "%s/%s", base, names[i]);
        assert_ok(floe_file_mkdirs(path, NULL), NULL);
    }
    floe_spill spill;
    assert_ok(floe_spill_open(&spill, NULL), NULL);
    floe_spill_close(&spill);
    assert_int_equal(folders(), 3);
}

static void spill__names_that_are_taken__are_passed_over(void **state) {
    (void)state;
    floe_spill spill;
    assert_ok(floe_spill_open(&spill, NULL), NULL);
    unsigned number = (unsigned)strtoul(strrchr(spill.path, '-') + 1, NULL, 10);
    floe_spill_close(&spill);
    char path[400];
    for (unsigned next = number + 1; next < number + 4; next++) {
        snprintf(path, sizeof(path), "%s/floe-temp-%ld-%u", base, (long)getpid(), next);
        assert_ok(floe_file_mkdirs(path, NULL), NULL);
    }
    assert_ok(floe_spill_open(&spill, NULL), NULL);
    assert_int_equal(strtoul(strrchr(spill.path, '-') + 1, NULL, 10), number + 4);
    floe_spill_close(&spill);
}

static void spill__no_place__is_said(void **state) {
    (void)state;
    floe_error err = {0};
    floe_spill spill;
    char path[1000];
    snprintf(path, sizeof(path), "%s/nowhere", base);
    setenv("TMPDIR", path, 1);
    assert_code(floe_spill_open(&spill, &err), FLOE_IO);
    assert_message(&err, "TMPDIR");
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    setenv("TMPDIR", path, 1);
    floe_error_clear(&err);
    assert_code(floe_spill_open(&spill, &err), FLOE_LIMIT);
}

static void spill__many_at_once__none_takes_anothers(void **state) {
    (void)state;
    enum { PROCESSES = 12, ROUNDS = 40 };
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        for (int round = 0; children[i] == 0; round++) {
            floe_spill spill;
            char path[FLOE_SPILL_PATH_MAX + 16];
            if (round == ROUNDS) {
                _exit(0);
            }
            if (floe_failed(floe_spill_open(&spill, NULL))) {
                _exit(1);
            }
            snprintf(path, sizeof(path), "%s/file", spill.path);
            if (floe_failed(floe_file_write(path, FLOE_STR("x"), false, NULL)) || !floe_file_exists(path)) {
                _exit(2);
            }
            floe_spill_close(&spill);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(folders(), 0);
}

static void memory__total__is_what_the_system_says(void **state) {
    (void)state;
    uint64_t total = floe_memory_total();
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    assert_true(total > FLOE_MIB(64));
    assert_true(total <= machine);
}

#define with_base(test) cmocka_unit_test_setup(test, own_base)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_base(spill__closed__leaves_nothing),
        with_base(spill__two_of_one_process__do_not_meet),
        with_base(spill__killed_process__is_cleaned_up_by_the_next),
        with_base(spill__what_is_not_ours__stays),
        with_base(spill__names_that_are_taken__are_passed_over),
        with_base(spill__no_place__is_said),
        with_base(spill__many_at_once__none_takes_anothers),
        with_base(memory__total__is_what_the_system_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
