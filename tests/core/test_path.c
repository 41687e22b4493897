/* Paths as text. The oracles are dirname(3), basename(3) and realpath(3) of the C library. */
#include "tests/core/scratch.h"

#include "core/file.h"
#include "core/mem.h"

#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_CAP 1000000

static void path_join__joins_with_one_slash_and_keeps_absolute_paths(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"},         {"", "b", "b"},
        {"a", "", "a"},    {"/", "b", "/b"},   {"a/b", "c/d", "a/b/c/d"},
    };
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_CAP);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(floe_path_join(&arena, cases[i][0], cases[i][1]), cases[i][2]);
    }
}

static void path_functions__full_arena__give_null(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1);
    assert_null(floe_path_join(&arena, "aaa", "bbb"));
    assert_null(floe_path_dirname(&arena, "aaa/bbb"));
    floe_error err = {0};
    const char *path = "untouched";
    assert_fails(floe_path_absolute(&arena, "/tmp", &path, &err), &err, FLOE_LIMIT);
    assert_string_equal(path, "untouched");
}

/* Random paths over '/', '.', and letters. */
static void random_path(uint64_t *seed, char path[24]) {
    size_t len = 1 + random_below(seed, 20);
    for (size_t i = 0; i < len; i++) {
        path[i] = "//./ab"[random_below(seed, 6)];
    }
    path[len] = '\0';
}

static void path_dirname_and_basename__agree_with_the_c_library(void **state) {
    (void)state;
    uint64_t seed = 20240229;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 20000; i++) {
        FLOE_AUTO_ARENA arena;
        char path[24];
        char for_dirname[24];
        char for_basename[24];
        floe_arena_init(&arena, ARENA_CAP);
        random_path(&seed, path);
        memcpy(for_dirname, path, sizeof(path));
        memcpy(for_basename, path, sizeof(path));
        /* POSIX leaves two leading slashes to the system; glibc keeps them for "//x", for us they are one. */
        const char *folder = dirname(for_dirname);
        assert_string_equal(floe_path_dirname(&arena, path), strcmp(folder, "//") == 0 ? "/" : folder);
        floe_str base = floe_path_basename(path);
        /* basename(3) calls the last part of the root "/"; for us it is empty. */
        const char *expected = basename(for_basename);
        expected = strcmp(expected, "/") == 0 ? "" : expected;
        if (!floe_str_is(base, expected)) {
            fail_msg("basename of %s: %.*s, expected %s", path, FLOE_STR_ARG(base), expected);
        }
    }
}

static void path_absolute__existing_paths__agree_with_realpath(void **state) {
    (void)state;
    scratch s = scratch_open();
    assert_int_equal(mkdir(scratch_path(&s, "a"), 0777), 0);
    assert_int_equal(mkdir(scratch_path(&s, "a/b"), 0777), 0);
    assert_int_equal(symlink("a/b", scratch_path(&s, "link")), 0);
    static const char *const parts[] = {"a", "a/b", "link", "link/..", "a/../a/./b", ".", "a//b/", "link/../b"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        FLOE_AUTO_ARENA arena;
        char expected[PATH_MAX];
        const char *path = NULL;
        floe_error err = {0};
        floe_arena_init(&arena, ARENA_CAP);
        assert_non_null(realpath(scratch_path(&s, parts[i]), expected));
        assert_ok(floe_path_absolute(&arena, s.path, &path, &err), &err);
        assert_string_equal(path, expected);
    }
    scratch_close(&s);
}

/* Making the missing part afterwards must not change the answer: then realpath gives it. */
static void path_absolute__missing_paths__are_what_they_will_be(void **state) {
    (void)state;
    scratch s = scratch_open();
    assert_int_equal(mkdir(scratch_path(&s, "a"), 0777), 0);
    assert_int_equal(symlink("a", scratch_path(&s, "link")), 0);
    static const char *const parts[] = {"new", "link/new", "link/new/deeper", "a/../new2/./x", "n1//n2///n3"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        FLOE_AUTO_ARENA arena;
        char expected[PATH_MAX];
        const char *path = NULL;
        floe_error err = {0};
        floe_arena_init(&arena, ARENA_CAP);
        assert_ok(floe_path_absolute(&arena, scratch_path(&s, parts[i]), &path, &err), &err);
        assert_ok(floe_file_mkdirs(s.path, &err), &err);
        assert_non_null(realpath(s.path, expected));
        assert_string_equal(path, expected);
    }
    scratch_close(&s);
}

static void path_absolute__relative_and_missing__starts_at_the_working_folder(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    char cwd[PATH_MAX];
    char expected[PATH_MAX + 32];
    const char *path = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, ARENA_CAP);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_ok(floe_path_absolute(&arena, "no-such/./x/../y", &path, &err), &err);
    snprintf(expected, sizeof(expected), "%s/no-such/y", cwd);
    assert_string_equal(path, expected);
    assert_ok(floe_path_absolute(&arena, "/floe-none/../..", &path, &err), &err);
    assert_string_equal(path, "/");
}

static void path_absolute__empty_too_long_and_looping__are_refused(void **state) {
    (void)state;
    scratch s = scratch_open();
    FLOE_AUTO_ARENA arena;
    static char long_path[PATH_MAX + 1];
    const char *path = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, ARENA_CAP);
    memset(long_path, 'a', PATH_MAX);
    assert_fails(floe_path_absolute(&arena, "", &path, &err), &err, FLOE_INVALID);
    err = (floe_error){0};
    assert_fails(floe_path_absolute(&arena, long_path, &path, &err), &err, FLOE_INVALID);
    for (size_t i = 0; i + 1 < PATH_MAX; i++) {
        long_path[i] = i % 2 ? '/' : 'a'; /* each part is fine; only the absolute form is too long */
    }
    long_path[PATH_MAX - 1] = '\0';
    err = (floe_error){0};
    assert_fails(floe_path_absolute(&arena, long_path, &path, &err), &err, FLOE_INVALID);
    assert_int_equal(symlink("loop", scratch_path(&s, "loop")), 0);
    err = (floe_error){0};
    assert_fails(floe_path_absolute(&arena, s.path, &path, &err), &err, FLOE_IO);
    assert_null(path);
    scratch_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_join__joins_with_one_slash_and_keeps_absolute_paths),
        cmocka_unit_test(path_functions__full_arena__give_null),
        cmocka_unit_test(path_dirname_and_basename__agree_with_the_c_library),
        cmocka_unit_test(path_absolute__existing_paths__agree_with_realpath),
        cmocka_unit_test(path_absolute__missing_paths__are_what_they_will_be),
        cmocka_unit_test(path_absolute__relative_and_missing__starts_at_the_working_folder),
        cmocka_unit_test(path_absolute__empty_too_long_and_looping__are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
