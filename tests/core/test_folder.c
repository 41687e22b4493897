/*
 * Folders: making, listing and removing them, also when each single call to the operating system fails.
 */
#include "tests/core/scratch.h"

#include "core/file.h"
#include "core/mem.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 100000

static void file_mkdirs__makes_every_part_and_may_be_repeated(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    for (int i = 0; i < 2; i++) {
        assert_ok(floe_file_mkdirs(scratch_path(&s, "a/b//c/"), &err), &err);
        assert_true(floe_file_is_dir(scratch_path(&s, "a/b/c")));
    }
    assert_ok(floe_file_mkdirs("/", &err), &err);
    assert_ok(floe_file_mkdirs(".", &err), &err);
    scratch_close(&s);
}

static void file_mkdirs_of__makes_the_folder_and_not_the_file(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_ok(floe_file_mkdirs_of(scratch_path(&s, "a/b/file"), &err), &err);
    assert_true(floe_file_is_dir(scratch_path(&s, "a/b")));
    assert_false(floe_file_exists(scratch_path(&s, "a/b/file")));
    assert_ok(floe_file_mkdirs_of("file", &err), &err);
    assert_ok(floe_file_mkdirs_of("/file", &err), &err);
    assert_false(floe_file_exists("file"));
    scratch_close(&s);
}

static void file_mkdirs__part_is_a_file__is_conflict_and_named(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    scratch_put(&s, "f", "", 0);
    assert_fails(floe_file_mkdirs(scratch_path(&s, "f"), &err), &err, FLOE_CONFLICT);
    assert_message_has(&err, "/f is not a folder");
    err = (floe_error){0};
    assert_fails(floe_file_mkdirs(scratch_path(&s, "f/x"), &err), &err, FLOE_CONFLICT);
    err = (floe_error){0};
    assert_fails(floe_file_mkdirs("", &err), &err, FLOE_INVALID);
    scratch_close(&s);
}

static void file_mkdirs__any_call_failing__sets_the_error_and_a_second_try_works(void **state) {
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        scratch s = scratch_open();
        floe_error err = {0};
        scratch_path(&s, "a/b/c");
        floe_file_fail_at(nth, ENOSPC);
        floe_status status = floe_file_mkdirs(s.path, &err);
        uint64_t count = floe_file_fail_count();
        floe_file_fail_off();
        if (nth <= count) {
            /* Of the existing parents, whose mkdir answers EEXIST, ENOSPC is an error as well. */
            assert_fails(status, &err, FLOE_IO);
            assert_message_has(&err, "disk is full");
            assert_false(floe_file_exists(s.path));
        }
        err = (floe_error){0};
        assert_ok(floe_file_mkdirs(s.path, &err), &err);
        assert_true(floe_file_is_dir(s.path));
        scratch_close(&s);
        if (nth > count) {
            assert_true(nth > 5);
            break;
        }
    }
}

static void file_mkdirs__parent_on_a_read_only_file_system__is_passed_over(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_file_fail_at(1, EROFS); /* the mkdir of /tmp */
    assert_ok(floe_file_mkdirs(scratch_path(&s, "a"), &err), &err);
    floe_file_fail_off();
    scratch_close(&s);
}

static void file_len__tells_bytes_and_refuses_folders(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    uint64_t len = 99;
    scratch_put(&s, "a", "12345", 5);
    assert_ok(floe_file_len(scratch_path(&s, "a"), &len, &err), &err);
    assert_int_equal(len, 5);
    assert_fails(floe_file_len(s.folder, &len, &err), &err, FLOE_INVALID);
    err = (floe_error){0};
    assert_fails(floe_file_len(scratch_path(&s, "b"), &len, &err), &err, FLOE_NOT_FOUND);
    assert_int_equal(len, 5);
    err = (floe_error){0};
    floe_file_fail_at(1, EIO);
    assert_fails(floe_file_len(scratch_path(&s, "a"), &len, &err), &err, FLOE_IO);
    floe_file_fail_off();
    scratch_close(&s);
}

static void file_exists__tells_files_from_folders_from_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    scratch_put(&s, "a", "", 0);
    assert_true(floe_file_exists(scratch_path(&s, "a")));
    assert_false(floe_file_is_dir(s.path));
    assert_true(floe_file_exists(s.folder));
    assert_true(floe_file_is_dir(s.folder));
    assert_false(floe_file_exists(scratch_path(&s, "b")));
    assert_false(floe_file_is_dir(s.path));
    scratch_close(&s);
}

static void file_remove__files_empty_folders_and_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    scratch_put(&s, "a", "", 0);
    assert_int_equal(mkdir(scratch_path(&s, "d"), 0777), 0);
    assert_ok(floe_file_remove(scratch_path(&s, "a"), &err), &err);
    assert_ok(floe_file_remove(scratch_path(&s, "d"), &err), &err);
    assert_ok(floe_file_remove(scratch_path(&s, "missing"), &err), &err);
    assert_ok(floe_file_remove(scratch_path(&s, "missing/deeper"), &err), &err);
    assert_int_equal(count_entries(s.folder), 0);
    scratch_close(&s);
}

static void file_remove__full_folder__is_refused_and_kept(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_int_equal(mkdir(scratch_path(&s, "d"), 0777), 0);
    scratch_put(&s, "d/a", "x", 1);
    assert_fails(floe_file_remove(scratch_path(&s, "d"), &err), &err, FLOE_IO);
    assert_int_equal(err.sys_errno, ENOTEMPTY);
    assert_true(scratch_holds(&s, "d/a", "x", 1));
    scratch_close(&s);
}

static void make_tree(scratch *s) {
    static const char *const folders[] = {"t", "t/a", "t/a/b", "t/empty"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mkdir(scratch_path(s, folders[i]), 0777), 0);
    }
    scratch_put(s, "t/1", "x", 1);
    scratch_put(s, "t/a/2", "x", 1);
    scratch_put(s, "t/a/b/3", "x", 1);
    scratch_put(s, "t/a/b/.hidden", "x", 1);
}

static void file_remove_all__removes_everything_and_follows_no_link(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    make_tree(&s);
    assert_int_equal(mkdir(scratch_path(&s, "outside"), 0777), 0);
    scratch_put(&s, "outside/kept", "x", 1);
    assert_int_equal(symlink("../outside", scratch_path(&s, "t/link")), 0);
    assert_ok(floe_file_remove_all(scratch_path(&s, "t"), &err), &err);
    assert_false(floe_file_exists(s.path));
    assert_true(scratch_holds(&s, "outside/kept", "x", 1));
    assert_ok(floe_file_remove_all(scratch_path(&s, "t"), &err), &err); /* missing: fine */
    assert_int_equal(symlink("outside", scratch_path(&s, "top")), 0);
    assert_ok(floe_file_remove_all(s.path, &err), &err); /* a link at the top goes, its target stays */
    assert_true(scratch_holds(&s, "outside/kept", "x", 1));
    assert_int_equal(count_entries(s.folder), 1);
    scratch_close(&s);
}

/* A link that takes the place of a folder between two calls: the unlink still saw a folder, the open sees the link. */
static void file_remove_all__folder_swapped_for_a_link__is_not_followed(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_int_equal(mkdir(scratch_path(&s, "outside"), 0777), 0);
    scratch_put(&s, "outside/kept", "x", 1);
    assert_int_equal(symlink("outside", scratch_path(&s, "link")), 0);
    floe_file_fail_at(1, EISDIR);
    floe_status status = floe_file_remove_all(s.path, &err);
    floe_file_fail_off();
    assert_true(floe_failed(status));
    assert_true(scratch_holds(&s, "outside/kept", "x", 1));
    scratch_close(&s);
}

static void file_remove_all__many_entries__are_all_removed(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    char name[32];
    assert_int_equal(mkdir(scratch_path(&s, "t"), 0777), 0);
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "t/%d", i);
        scratch_put(&s, name, "", 0);
    }
    assert_ok(floe_file_remove_all(scratch_path(&s, "t"), &err), &err);
    assert_false(floe_file_exists(s.path));
    scratch_close(&s);
}

static void file_remove_all__any_call_failing__sets_the_error_and_a_second_try_works(void **state) {
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        scratch s = scratch_open();
        size_t before = count_descriptors();
        floe_error err = {0};
        make_tree(&s);
        scratch_path(&s, "t");
        floe_file_fail_at(nth, EIO);
        floe_status status = floe_file_remove_all(s.path, &err);
        uint64_t count = floe_file_fail_count();
        floe_file_fail_off();
        assert_int_equal(count_descriptors(), before);
        if (nth <= count) {
            assert_fails(status, &err, FLOE_IO);
            assert_true(floe_file_exists(s.path));
            err = (floe_error){0};
            assert_ok(floe_file_remove_all(s.path, &err), &err);
        }
        assert_false(floe_file_exists(s.path));
        scratch_close(&s);
        if (nth > count) {
            assert_ok(status, &err);
            assert_true(nth > 20);
            break;
        }
    }
}

static void file_list__names_are_sorted_by_byte(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_ARENA arena;
    const char *const *names = NULL;
    size_t count = 0;
    floe_arena_init(&arena, MANY);
    static const char *const made[] = {"b", "B", "a10", "a9", ".h", "\xc3\xa4", "a", "Z"};
    for (size_t i = 0; i < 8; i++) {
        scratch_put(&s, made[i], "", 0);
    }
    assert_ok(floe_file_list(s.folder, &arena, &names, &count, &err), &err);
    static const char *const expected[] = {".h", "B", "Z", "a", "a10", "a9", "b", "\xc3\xa4"};
    assert_int_equal(count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(names[i], expected[i]);
    }
    scratch_close(&s);
}

static void file_list__empty_missing_and_no_folder(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_ARENA arena;
    const char *const *names = NULL;
    size_t count = 99;
    floe_arena_init(&arena, MANY);
    assert_ok(floe_file_list(s.folder, &arena, &names, &count, &err), &err);
    assert_int_equal(count, 0);
    count = 99;
    assert_fails(floe_file_list(scratch_path(&s, "none"), &arena, &names, &count, &err), &err, FLOE_NOT_FOUND);
    scratch_put(&s, "f", "", 0);
    err = (floe_error){0};
    assert_fails(floe_file_list(scratch_path(&s, "f"), &arena, &names, &count, &err), &err, FLOE_NOT_FOUND);
    assert_int_equal(count, 99);
    scratch_close(&s);
}

static void file_list__any_call_failing__sets_the_error_and_returns_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    make_tree(&s);
    scratch_path(&s, "t");
    size_t before = count_descriptors();
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        FLOE_AUTO_ARENA arena;
        const char *const *names = NULL;
        size_t count = 99;
        floe_arena_init(&arena, MANY);
        floe_file_fail_at(nth, EIO);
        floe_status status = floe_file_list(s.path, &arena, &names, &count, &err);
        uint64_t calls = floe_file_fail_count();
        floe_file_fail_off();
        assert_int_equal(count_descriptors(), before);
        if (nth > calls) {
            assert_ok(status, &err);
            assert_int_equal(count, 3);
            assert_true(nth > 5);
            break;
        }
        assert_fails(status, &err, FLOE_IO);
        assert_int_equal(count, 99);
        assert_null(names);
    }
    scratch_close(&s);
}

static void file_list__any_allocation_failing__is_nomem(void **state) {
    (void)state;
    scratch s = scratch_open();
    make_tree(&s);
    scratch_path(&s, "t");
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        FLOE_AUTO_ARENA arena;
        const char *const *names = NULL;
        size_t count = 99;
        floe_arena_init(&arena, MANY);
        floe_mem_fail_at(nth);
        floe_status status = floe_file_list(s.path, &arena, &names, &count, &err);
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (nth > asked) {
            assert_ok(status, &err);
            assert_true(nth > 1);
            break;
        }
        assert_fails(status, &err, FLOE_NOMEM);
        assert_int_equal(count, 99);
    }
    scratch_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_mkdirs__makes_every_part_and_may_be_repeated),
        cmocka_unit_test(file_mkdirs_of__makes_the_folder_and_not_the_file),
        cmocka_unit_test(file_mkdirs__part_is_a_file__is_conflict_and_named),
        cmocka_unit_test(file_mkdirs__any_call_failing__sets_the_error_and_a_second_try_works),
        cmocka_unit_test(file_mkdirs__parent_on_a_read_only_file_system__is_passed_over),
        cmocka_unit_test(file_len__tells_bytes_and_refuses_folders),
        cmocka_unit_test(file_exists__tells_files_from_folders_from_nothing),
        cmocka_unit_test(file_remove__files_empty_folders_and_nothing),
        cmocka_unit_test(file_remove__full_folder__is_refused_and_kept),
        cmocka_unit_test(file_remove_all__removes_everything_and_follows_no_link),
        cmocka_unit_test(file_remove_all__folder_swapped_for_a_link__is_not_followed),
        cmocka_unit_test(file_remove_all__many_entries__are_all_removed),
        cmocka_unit_test(file_remove_all__any_call_failing__sets_the_error_and_a_second_try_works),
        cmocka_unit_test(file_list__names_are_sorted_by_byte),
        cmocka_unit_test(file_list__empty_missing_and_no_folder),
        cmocka_unit_test(file_list__any_call_failing__sets_the_error_and_returns_nothing),
        cmocka_unit_test(file_list__any_allocation_failing__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
