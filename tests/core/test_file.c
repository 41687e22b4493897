/*
 * Reading and writing files: what a reader sees, what a writer leaves behind, and what happens when each single call to
 * the operating system fails.
 */
#include "tests/core/scratch.h"

#include "core/file.h"
#include "core/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static floe_str str(const char *text) {
    return floe_str_of(text);
}

/* ---- Reading ---- */

static void file_read__appends_the_whole_file(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    scratch_put(&s, "a", "b\0c", 3);
    floe_buf_text(&out, "a");
    assert_ok(floe_file_read(scratch_path(&s, "a"), &out, &err), &err);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.ptr, "ab\0c", 4);
    scratch_close(&s);
}

static void file_read__file_of_several_chunks__is_whole(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    size_t len = (size_t)1024 * 1024 + 7;
    unsigned char *bytes = test_malloc(len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (unsigned char)(i * 31 >> 3);
    }
    scratch_put(&s, "large", bytes, len);
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, len);
    assert_ok(floe_file_read(scratch_path(&s, "large"), &out, &err), &err);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.ptr, bytes, len);
    test_free(bytes);
    scratch_close(&s);
}

static void file_read__empty_file__gives_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 10);
    scratch_put(&s, "empty", "", 0);
    assert_ok(floe_file_read(scratch_path(&s, "empty"), &out, &err), &err);
    assert_int_equal(out.len, 0);
    scratch_close(&s);
}

static void file_read__file_of_exactly_the_cap__is_read(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 5);
    scratch_put(&s, "five", "12345", 5);
    assert_ok(floe_file_read(scratch_path(&s, "five"), &out, &err), &err);
    assert_int_equal(out.len, 5);
    scratch_close(&s);
}

static void file_read__file_one_byte_past_the_cap__is_limit_and_appends_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 5);
    floe_buf_text(&out, "x");
    scratch_put(&s, "five", "12345", 5);
    assert_fails(floe_file_read(scratch_path(&s, "five"), &out, &err), &err, FLOE_LIMIT);
    assert_message_has(&err, "five");
    assert_message_has(&err, "5 bytes");
    assert_string_equal(out.ptr, "x");
    assert_int_equal(out.len, 1);
    scratch_close(&s);
}

static void file_read__endless_device__is_limit(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 1000);
    assert_fails(floe_file_read("/dev/zero", &out, &err), &err, FLOE_LIMIT);
}

static void file_read__missing__is_not_found_and_names_the_path(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 10);
    assert_fails(floe_file_read("/tmp/floe-no-such/x", &out, &err), &err, FLOE_NOT_FOUND);
    assert_message_has(&err, "/tmp/floe-no-such/x");
    assert_int_equal(err.sys_errno, ENOENT);
}

static void file_read__folder__is_invalid(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 10);
    assert_fails(floe_file_read("/tmp", &out, &err), &err, FLOE_INVALID);
}

static void file_read__any_call_failing__sets_the_error_and_appends_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    scratch_put(&s, "a", "content", 7);
    scratch_path(&s, "a");
    size_t before = count_descriptors();
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 7);
        floe_file_fail_at(nth, EIO);
        floe_status status = floe_file_read(s.path, &out, &err);
        uint64_t count = floe_file_fail_count();
        floe_file_fail_off();
        assert_int_equal(count_descriptors(), before);
        if (nth > count) {
            assert_ok(status, &err);
            assert_true(nth >= 4); /* open, read, read of the end, close */
            break;
        }
        if (floe_failed(status)) {
            assert_fails(status, &err, FLOE_IO);
            assert_int_equal(err.sys_errno, EIO);
            assert_int_equal(out.len, 0);
        } else {
            assert_int_equal(nth, count); /* only the close of a file that was read is of no importance */
        }
    }
    scratch_close(&s);
}

static void file_read__interrupted__goes_on(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    scratch_put(&s, "a", "content", 7);
    floe_file_fail_at(2, EINTR);
    assert_ok(floe_file_read(scratch_path(&s, "a"), &out, &err), &err);
    floe_file_fail_off();
    assert_string_equal(out.ptr, "content");
    scratch_close(&s);
}

static void file_read__no_memory__is_nomem(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    scratch_put(&s, "a", "content", 7);
    floe_mem_fail_at(1);
    floe_status status = floe_file_read(scratch_path(&s, "a"), &out, &err);
    floe_mem_fail_off();
    assert_fails(status, &err, FLOE_NOMEM);
    scratch_close(&s);
}

/* ---- Writing ---- */

static void file_write__new_file__holds_the_bytes_and_nothing_else_is_there(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_ok(floe_file_write(scratch_path(&s, "a"), (floe_str){"x\0y", 3}, false, &err), &err);
    assert_true(scratch_holds(&s, "a", "x\0y", 3));
    assert_int_equal(count_entries(s.folder), 1);
    scratch_close(&s);
}

static void file_write__existing_file__is_replaced_and_keeps_its_permissions(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    struct stat found;
    scratch_put(&s, "secret", "old", 3);
    assert_int_equal(chmod(scratch_path(&s, "secret"), 0600), 0);
    assert_ok(floe_file_write(s.path, str("newer"), false, &err), &err);
    assert_int_equal(stat(s.path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_true(scratch_holds(&s, "secret", "newer", 5));
    scratch_close(&s);
}

static void file_write__empty__makes_an_empty_file(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_ok(floe_file_write(scratch_path(&s, "a"), (floe_str){NULL, 0}, false, &err), &err);
    assert_true(scratch_holds(&s, "a", "", 0));
    scratch_close(&s);
}

static void file_write__path_without_a_folder__is_written_here(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(s.folder), 0);
    assert_ok(floe_file_write("here", str("x"), false, &err), &err);
    assert_int_equal(chdir(before), 0);
    assert_true(scratch_holds(&s, "here", "x", 1));
    scratch_close(&s);
}

static void file_write__symbolic_link__is_replaced_itself(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    scratch_put(&s, "target", "old", 3);
    assert_int_equal(symlink("target", scratch_path(&s, "link")), 0);
    assert_ok(floe_file_write(s.path, str("new"), false, &err), &err);
    assert_true(scratch_holds(&s, "target", "old", 3));
    assert_true(scratch_holds(&s, "link", "new", 3));
    scratch_close(&s);
}

static void file_write__exclusive_on_an_existing_file__is_conflict_and_leaves_it(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    scratch_put(&s, "a", "old", 3);
    assert_fails(floe_file_write(scratch_path(&s, "a"), str("new"), true, &err), &err, FLOE_CONFLICT);
    assert_true(scratch_holds(&s, "a", "old", 3));
    assert_int_equal(count_entries(s.folder), 1);
    scratch_close(&s);
}

static void file_write__exclusive_on_a_dangling_link__is_conflict(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    assert_int_equal(symlink("nowhere", scratch_path(&s, "link")), 0);
    assert_fails(floe_file_write(s.path, str("new"), true, &err), &err, FLOE_CONFLICT);
    assert_int_equal(count_entries(s.folder), 1);
    scratch_close(&s);
}

static void file_write__bad_targets__are_named(void **state) {
    (void)state;
    scratch s = scratch_open();
    static char long_path[9000];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[8000] = '/';
    const struct {
        const char *path;
        floe_code code;
    } cases[] = {
        {"", FLOE_INVALID},
        {"/", FLOE_INVALID},
        {"folder/", FLOE_INVALID},
        {"/tmp/..", FLOE_INVALID},
        {".", FLOE_INVALID},
        {long_path, FLOE_INVALID},
        {"/tmp/floe-no-such-folder/a", FLOE_NOT_FOUND},
        {"/etc/passwd/a", FLOE_NOT_FOUND},
        {s.folder, FLOE_INVALID}, /* a folder stands there */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        assert_fails(floe_file_write(cases[i].path, str("x"), false, &err), &err, cases[i].code);
    }
    scratch_close(&s);
}

static void file_write__name_longer_than_the_file_system_allows__leaves_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    char name[300];
    memset(name, 'n', sizeof(name));
    name[256] = '\0';
    assert_fails(floe_file_write(scratch_path(&s, name), str("x"), false, &err), &err, FLOE_INVALID);
    assert_int_equal(count_entries(s.folder), 0);
    name[255] = '\0';
    err = (floe_error){0};
    assert_ok(floe_file_write(scratch_path(&s, name), str("x"), false, &err), &err);
    scratch_close(&s);
}

/* Runs a write with the n-th call failing, for every n; `old` may be NULL. Returns how often a failed write left the
 * new content, which may only be the fsync of the folder after the rename. */
static int sweep_write(const char *old, bool exclusive, int sys_errno, floe_code expected) {
    int replaced = 0;
    int tolerated = 0; /* closing the folder at the end; and the first try to remove the name that was linked from */
    for (uint64_t nth = 1;; nth++) {
        scratch s = scratch_open();
        size_t before = count_descriptors();
        floe_error err = {0};
        if (old) {
            scratch_put(&s, "a", old, strlen(old));
        }
        floe_file_fail_at(nth, sys_errno);
        floe_status status = floe_file_write(scratch_path(&s, "a"), str("new content"), exclusive, &err);
        uint64_t count = floe_file_fail_count();
        floe_file_fail_off();
        bool is_new = scratch_holds(&s, "a", "new content", 11);
        assert_int_equal(count_descriptors(), before);
        if (floe_failed(status)) {
            assert_fails(status, &err, expected);
            assert_int_equal(err.sys_errno, sys_errno);
            assert_message_has(&err, "/a");
            assert_true(is_new || (old ? scratch_holds(&s, "a", old, strlen(old)) : !floe_file_exists(s.path)));
            replaced += is_new;
        } else {
            assert_true(is_new);
            tolerated += nth <= count;
        }
        /* Nothing but the file itself. */
        assert_int_equal(count_entries(s.folder), is_new || old ? 1 : 0);
        scratch_close(&s);
        if (nth > count) {
            assert_ok(status, &err);
            assert_true(nth > 7);
            assert_int_equal(tolerated, exclusive ? 2 : 1);
            return replaced;
        }
    }
}

static void file_write__any_call_failing__leaves_the_old_content_and_nothing_else(void **state) {
    (void)state;
    assert_int_equal(sweep_write("old", false, EIO, FLOE_IO), 1);
    assert_int_equal(sweep_write("old", false, EACCES, FLOE_DENIED), 1);
    assert_int_equal(sweep_write("old", false, ENOSPC, FLOE_IO), 1);
    assert_int_equal(sweep_write(NULL, false, EIO, FLOE_IO), 1);
}

static void file_write__exclusive_with_any_call_failing__leaves_nothing(void **state) {
    (void)state;
    assert_int_equal(sweep_write(NULL, true, EIO, FLOE_IO), 0);
    assert_int_equal(sweep_write(NULL, true, ENOSPC, FLOE_IO), 0);
}

static void file_write__disk_full__is_named(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_file_fail_at(4, ENOSPC); /* open the folder, create, look at the old file, write */
    floe_status status = floe_file_write(scratch_path(&s, "a"), str("x"), false, &err);
    floe_file_fail_off();
    assert_fails(status, &err, FLOE_IO);
    assert_message_has(&err, "cannot write");
    assert_message_has(&err, "disk is full");
    assert_int_equal(err.sys_errno, ENOSPC);
    scratch_close(&s);
}

static void file_write__interrupted__goes_on(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_file_fail_at(4, EINTR);
    assert_ok(floe_file_write(scratch_path(&s, "a"), str("x"), false, &err), &err);
    floe_file_fail_off();
    assert_true(scratch_holds(&s, "a", "x", 1));
    scratch_close(&s);
}

static void file_write__folder_that_cannot_be_synced__is_written_all_the_same(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_file_fail_at(8, EINVAL); /* … write, fsync, close, rename, and then the fsync of the folder */
    assert_ok(floe_file_write(scratch_path(&s, "a"), str("x"), false, &err), &err);
    assert_true(floe_file_fail_count() >= 8);
    floe_file_fail_off();
    assert_true(scratch_holds(&s, "a", "x", 1));
    scratch_close(&s);
}

/* A write that the kernel itself stops halfway: the first MiB is taken, the rest refused. */
static void file_write__kernel_stops_it_halfway__leaves_the_old_content(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    size_t len = (size_t)2 * 1024 * 1024;
    char *bytes = test_calloc(len, 1);
    struct rlimit before;
    scratch_put(&s, "a", "old", 3);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {1024 * 1024, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    floe_status status = floe_file_write(scratch_path(&s, "a"), (floe_str){bytes, len}, false, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_fails(status, &err, FLOE_IO);
    assert_int_equal(err.sys_errno, EFBIG);
    assert_true(scratch_holds(&s, "a", "old", 3));
    assert_int_equal(count_entries(s.folder), 1);
    test_free(bytes);
    scratch_close(&s);
}

#define WRITERS 8

typedef struct writer {
    const char *path;
    char text[32];
    floe_status status;
    bool exclusive;
} writer;

static void *write_one(void *context) {
    writer *w = context;
    w->status = floe_file_write(w->path, floe_str_of(w->text), w->exclusive, NULL);
    return NULL;
}

static void run_writers(scratch *s, writer writers[WRITERS], bool exclusive) {
    pthread_t threads[WRITERS];
    scratch_path(s, "a");
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.path = s->path, .exclusive = exclusive};
        snprintf(writers[i].text, sizeof(writers[i].text), "content of writer %zu", i);
        assert_int_equal(pthread_create(&threads[i], NULL, write_one, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void file_write__many_exclusive_writers__exactly_one_wins(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        scratch s = scratch_open();
        writer writers[WRITERS];
        int winners = 0;
        run_writers(&s, writers, true);
        for (size_t i = 0; i < WRITERS; i++) {
            if (writers[i].status.code == FLOE_CODE_OK) {
                winners++;
                assert_true(scratch_holds(&s, "a", writers[i].text, strlen(writers[i].text)));
            } else {
                assert_int_equal(writers[i].status.code, FLOE_CONFLICT);
            }
        }
        assert_int_equal(winners, 1);
        assert_int_equal(count_entries(s.folder), 1);
        scratch_close(&s);
    }
}

static void file_write__many_writers__leave_one_whole_content(void **state) {
    (void)state;
    scratch s = scratch_open();
    writer writers[WRITERS];
    size_t matches = 0;
    run_writers(&s, writers, false);
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(writers[i].status.code, FLOE_CODE_OK);
        matches += scratch_holds(&s, "a", writers[i].text, strlen(writers[i].text));
    }
    assert_int_equal(matches, 1);
    assert_int_equal(count_entries(s.folder), 1);
    scratch_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_read__appends_the_whole_file),
        cmocka_unit_test(file_read__file_of_several_chunks__is_whole),
        cmocka_unit_test(file_read__empty_file__gives_nothing),
        cmocka_unit_test(file_read__file_of_exactly_the_cap__is_read),
        cmocka_unit_test(file_read__file_one_byte_past_the_cap__is_limit_and_appends_nothing),
        cmocka_unit_test(file_read__endless_device__is_limit),
        cmocka_unit_test(file_read__missing__is_not_found_and_names_the_path),
        cmocka_unit_test(file_read__folder__is_invalid),
        cmocka_unit_test(file_read__any_call_failing__sets_the_error_and_appends_nothing),
        cmocka_unit_test(file_read__interrupted__goes_on),
        cmocka_unit_test(file_read__no_memory__is_nomem),
        cmocka_unit_test(file_write__new_file__holds_the_bytes_and_nothing_else_is_there),
        cmocka_unit_test(file_write__existing_file__is_replaced_and_keeps_its_permissions),
        cmocka_unit_test(file_write__empty__makes_an_empty_file),
        cmocka_unit_test(file_write__path_without_a_folder__is_written_here),
        cmocka_unit_test(file_write__symbolic_link__is_replaced_itself),
        cmocka_unit_test(file_write__exclusive_on_an_existing_file__is_conflict_and_leaves_it),
        cmocka_unit_test(file_write__exclusive_on_a_dangling_link__is_conflict),
        cmocka_unit_test(file_write__bad_targets__are_named),
        cmocka_unit_test(file_write__name_longer_than_the_file_system_allows__leaves_nothing),
        cmocka_unit_test(file_write__any_call_failing__leaves_the_old_content_and_nothing_else),
        cmocka_unit_test(file_write__exclusive_with_any_call_failing__leaves_nothing),
        cmocka_unit_test(file_write__disk_full__is_named),
        cmocka_unit_test(file_write__interrupted__goes_on),
        cmocka_unit_test(file_write__folder_that_cannot_be_synced__is_written_all_the_same),
        cmocka_unit_test(file_write__kernel_stops_it_halfway__leaves_the_old_content),
        cmocka_unit_test(file_write__many_exclusive_writers__exactly_one_wins),
        cmocka_unit_test(file_write__many_writers__leave_one_whole_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
