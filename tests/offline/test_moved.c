/*
 * Paths of tables: one spelling of local files, and prefixes of tables that were moved.
 */
#include "tests/offline/ice_support.h"

#include "offline/io/io.h"

static const char *resolve(const char *from, const char *to, const char *path, floe_arena *arena) {
    floe_moved moved = {.from = floe_str_of(from), .to = floe_str_of(to)};
    const char *local = NULL;
    floe_error err = {0};
    assert_ok(floe_path_resolve(&moved, floe_str_of(path), arena, &local, &err), &err);
    return local;
}

static void plain__spellings_of_a_local_file__are_one(void **state) {
    (void)state;
    static const struct {
        const char *path, *plain;
    } CASES[] = {
        {"/x/y", "/x/y"},
        {"file:/x/y", "/x/y"},
        {"file:///x/y", "/x/y"},
        {"file://localhost/x/y", "/x/y"},
        {"file:////x", "//x"},
        {"file://host/x", "file://host/x"}, /* another machine's file */
        {"file://localhostile/x", "file://localhostile/x"},
        {"s3://b/x", "s3://b/x"},
        {"x/y", "x/y"},
        {"", ""},
        {"/x/100%25/a%20b", "/x/100%25/a%20b"}, /* never decoded */
        {"FILE:/x", "FILE:/x"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_true(floe_str_is(floe_path_plain(floe_str_of(CASES[i].path)), CASES[i].plain));
    }
}

static void moved__by_whole_components__in_every_spelling(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    static const struct {
        const char *from, *to, *path, *local;
    } CASES[] = {
        {"/a/b", "/c", "/a/b/d", "/c/d"},
        {"/a/b", "/c", "/a/b", "/c"},
        {"/a/b", "/c", "/a/bc/d", "/a/bc/d"}, /* ends inside a component */
        {"/a/b/", "/c/", "/a/b/d", "/c/d"},
        {"/a/b//", "/c", "/a/b/d", "/c/d"},
        {"file:///a/b", "file:/c", "/a/b/d", "/c/d"},
        {"/a/b", "file://localhost/c", "file:///a/b/d", "/c/d"},
        {"s3://bucket/w", "/local", "s3://bucket/w/t/f.parquet", "/local/t/f.parquet"},
        {"s3://bucket", "/local", "s3://bucket/w", "/local/w"},
        {"/", "/root", "/a", "/root/a"},
        {"/a", "/", "/a/b", "/b"},
        {"data/persistent", "/f", "data/persistent/x=%2F/y", "/f/x=%2F/y"},
        {"/a/b", "/c", "/other/d", "/other/d"},
        {"/\xc3\xa9", "/e", "/\xc3\xa9/\xe4\xb8\xad", "/e/\xe4\xb8\xad"},
        {"", "", "file:///x", "/x"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_string_equal(resolve(CASES[i].from, CASES[i].to, CASES[i].path, &arena), CASES[i].local);
    }
}

static void resolve__what_is_not_local__is_refused_by_scheme(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    static const struct {
        const char *from, *to, *path;
        floe_code code;
        const char *part;
    } CASES[] = {
        {"", "", "s3://b/x", FLOE_UNSUPPORTED, "\"s3\""},
        {"", "", "gs://b/x", FLOE_UNSUPPORTED, "--moved-from"},
        {"", "", "file://host/x", FLOE_UNSUPPORTED, "file://host/x"},
        {"s3://b", "gs://c", "s3://b/x", FLOE_UNSUPPORTED, "\"gs\""},
        {"s3://other", "/c", "s3://b/x", FLOE_UNSUPPORTED, "s3://b/x"},
        {"", "", "", FLOE_CORRUPT, "empty path"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_moved moved = {.from = floe_str_of(CASES[i].from), .to = floe_str_of(CASES[i].to)};
        const char *local = NULL;
        floe_error err = {0};
        assert_code(floe_path_resolve(&moved, floe_str_of(CASES[i].path), &arena, &local, &err), CASES[i].code);
        assert_message(&err, CASES[i].part);
        assert_null(local);
    }
    const char *local = NULL;
    floe_error err = {0};
    floe_moved moved = {0};
    assert_code(floe_path_resolve(&moved, (floe_str){"/a\0b", 4}, &arena, &local, &err), FLOE_CORRUPT);
}

static void local_files__through_the_seam__write_read_list(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_fs *fs = floe_fs_local();
    const char *folder = floe_test_temp_dir();
    const char *path = ice_path(folder, "a/b/c.txt");
    const char *const *names = NULL;
    size_t count = 0;
    floe_str bytes = {0};
    floe_error err = {0};
    assert_ok(fs->ops->write(fs, path, FLOE_STR("one"), true, &err), &err); /* folders are made */
    assert_code(fs->ops->write(fs, path, FLOE_STR("two"), true, &err), FLOE_CONFLICT);
    floe_error fresh = {0};
    assert_ok(floe_fs_read_arena(fs, path, 3, &arena, &bytes, &fresh), &fresh);
    assert_true(floe_str_is(bytes, "one"));
    assert_code(floe_fs_read_arena(fs, path, 2, &arena, &bytes, &fresh), FLOE_LIMIT);
    floe_error listing = {0};
    assert_ok(fs->ops->list(fs, ice_path(folder, "a/b"), &arena, &names, &count, &listing), &listing);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "c.txt");
    assert_true(fs->ops->exists(fs, path) && !fs->ops->is_dir(fs, path));
    assert_true(fs->ops->is_dir(fs, folder));
}

static void read__what_is_not_there__asks_for_the_prefixes_unless_they_were_given(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_fs *fs = floe_fs_local();
    const char *path = ice_path(floe_test_temp_dir(), "m.avro"), *local = NULL;
    floe_str bytes = {0};
    floe_moved here = {0}, moved = {.from = FLOE_STR("/was"), .to = floe_str_of(floe_test_temp_dir())};
    floe_error plain = {0}, with = {0}, err = {0};
    assert_code(floe_fs_read_moved(fs, &here, floe_str_of(path), 100, &arena, &local, &bytes, &plain), FLOE_NOT_FOUND);
    assert_message(&plain, "m.avro is not there; a table that was moved needs --moved-from and --moved-to");
    assert_code(floe_fs_read_moved(fs, &moved, FLOE_STR("/was/n.avro"), 100, &arena, &local, &bytes, &with),
                FLOE_NOT_FOUND);
    assert_message(&with, "n.avro is not there");
    assert_null(strstr(with.message, "--moved-from"));
    assert_null(local);
    ice_write_file(path, FLOE_STR("bytes"));
    assert_ok(floe_fs_read_moved(fs, &here, floe_str_of(path), 100, &arena, &local, &bytes, &err), &err);
    assert_string_equal(local, path);
    assert_true(floe_str_is(bytes, "bytes"));
    assert_ok(floe_fs_read_moved(fs, &here, floe_str_of(path), 100, &arena, NULL, &bytes, &err), &err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain__spellings_of_a_local_file__are_one),
        cmocka_unit_test(moved__by_whole_components__in_every_spelling),
        cmocka_unit_test(resolve__what_is_not_local__is_refused_by_scheme),
        cmocka_unit_test(local_files__through_the_seam__write_read_list),
        cmocka_unit_test(read__what_is_not_there__asks_for_the_prefixes_unless_they_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
