/*
 * What the file-system seam says of local files: one by one, and of a whole folder.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/io/io.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static floe_arena arena;
static char folder[256];

static int set_up(void **state) {
    (void)state;
    static int number;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(4));
    (void)snprintf(folder, sizeof(folder), "%s/walk-%d", floe_test_temp_dir(), number++);
    assert_ok(floe_file_mkdirs(folder, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static const char *at(const char *name) {
    return floe_arena_printf(&arena, "%s/%s", folder, name);
}

static void put(const char *name, const char *text) {
    floe_error err = {0};
    floe_fs *fs = floe_fs_local();
    assert_ok(fs->ops->write(fs, at(name), floe_str_of(text), true, &err), &err);
}

static const floe_fs_file *walk(size_t *ret_count) {
    const floe_fs_file *files = NULL;
    floe_error err = {0};
    assert_ok(floe_fs_local()->ops->walk(floe_fs_local(), folder, &arena, &files, ret_count, &err), &err);
    return files;
}

static void stat__a_file__is_its_length_time_and_identity(void **state) {
    (void)state;
    floe_fs_file file = {0};
    floe_error err = {0};
    put("a", "12345");
    struct timeval times[2] = {{.tv_sec = 1000, .tv_usec = 7}, {.tv_sec = 1000, .tv_usec = 7}};
    assert_int_equal(utimes(at("a"), times), 0);
    const char *path = at("a");
    assert_ok(floe_fs_local()->ops->stat(floe_fs_local(), path, &file, &err), &err);
    assert_ptr_equal(file.path, path);
    assert_int_equal(file.len, 5);
    assert_int_equal(file.changed_us, 1000000007);
    assert_true(file.inode != 0);
}

static void stat__through_a_link__is_the_file(void **state) {
    (void)state;
    floe_fs_file file = {0};
    floe_fs_file link = {0};
    floe_error err = {0};
    put("a", "x");
    assert_int_equal(symlink(at("a"), at("b")), 0);
    assert_ok(floe_fs_local()->ops->stat(floe_fs_local(), at("a"), &file, &err), &err);
    assert_ok(floe_fs_local()->ops->stat(floe_fs_local(), at("b"), &link, &err), &err);
    assert_true(file.inode == link.inode && file.device == link.device);
}

static void stat__what_is_no_file__is_not_found(void **state) {
    (void)state;
    static const char *const NAMES[] = {"nothing", "folder", "a/below", "lost"};
    put("a", "x");
    put("folder/in", "x");
    assert_int_equal(symlink(at("nothing"), at("lost")), 0);
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        floe_fs_file file = {.len = 77};
        floe_error err = {0};
        assert_code(floe_fs_local()->ops->stat(floe_fs_local(), at(NAMES[i]), &file, &err), FLOE_NOT_FOUND);
        assert_int_equal(file.len, 77);
    }
}

static void walk__files_at_every_depth__come_by_path(void **state) {
    (void)state;
    static const char *const WANT[] = {"a", "b/c", "b/d/e", "b/d/f/.hidden"};
    size_t count = 0;
    for (size_t i = 4; i-- > 0;) {
        put(WANT[i], "xy");
    }
    const floe_fs_file *files = walk(&count);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(files[i].path, at(WANT[i]));
        assert_int_equal(files[i].len, 2);
        assert_true(files[i].inode != 0 && files[i].changed_us > 0);
    }
}

/* A link to a folder would lead out of the table, or round in circles. */
static void walk__links_pipes_and_folders__are_left_out(void **state) {
    (void)state;
    size_t count = 0;
    put("real", "x");
    assert_int_equal(symlink(at("real"), at("link")), 0);
    assert_int_equal(symlink(folder, at("circle")), 0);
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(mkdir(at("empty"), 0700), 0);
    const floe_fs_file *files = walk(&count);
    assert_int_equal(count, 1);
    assert_string_equal(files[0].path, at("real"));
}

static void walk__of_nothing__has_no_files(void **state) {
    (void)state;
    size_t count = 7;
    assert_int_equal(rmdir(folder), 0);
    (void)walk(&count);
    assert_int_equal(count, 0);
}

static void remove_all__missing_ones__are_no_error(void **state) {
    (void)state;
    floe_error err = {0};
    size_t count = 0;
    put("a", "x");
    put("b", "x");
    const char *const paths[] = {at("a"), at("nothing"), at("b")};
    assert_ok(floe_fs_local()->ops->remove_all(floe_fs_local(), paths, 3, &err), &err);
    (void)walk(&count);
    assert_int_equal(count, 0);
}

/* What is missing is told with what to do about moved tables; every other failure is told as it is. */
static void read__by_a_tables_path__says_what_is_wrong(void **state) {
    (void)state;
    floe_moved here = {0};
    floe_str bytes = {0};
    floe_error err = {0};
    put("a", "12345");
    floe_str path = floe_str_of(at("a"));
    assert_ok(floe_fs_read_moved(floe_fs_local(), &here, path, 10, &arena, NULL, &bytes, &err), &err);
    assert_true(floe_str_is(bytes, "12345"));
    assert_code(floe_fs_read_moved(floe_fs_local(), &here, path, 4, &arena, NULL, &bytes, &err), FLOE_LIMIT);
    err = (floe_error){0};
    path = floe_str_of(at("nothing"));
    assert_code(floe_fs_read_moved(floe_fs_local(), &here, path, 10, &arena, NULL, &bytes, &err), FLOE_NOT_FOUND);
    assert_message(&err, "--moved-from");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stat__a_file__is_its_length_time_and_identity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stat__through_a_link__is_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stat__what_is_no_file__is_not_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walk__files_at_every_depth__come_by_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walk__links_pipes_and_folders__are_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(walk__of_nothing__has_no_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(remove_all__missing_ones__are_no_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read__by_a_tables_path__says_what_is_wrong, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
