/*
 * Files that are followed while they are written: they hold what was written, whether they were there when it began, came later or
 * never; the end comes at once.
 */
#include "offline/write_behind.h"

#include "core/file.h"
#include "tests/support/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static void path_of(const char *name, char path[128]) {
    snprintf(path, 128, "%s/%s", folder, name);
}

static void write_block(int fd, int value) {
    char block[4096];
    memset(block, value, sizeof(block));
    assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
}

/* 2,000 blocks, of which each has bytes of its own. */
static void check_blocks(const char *path) {
    char block[4096];
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(read(fd, block, sizeof(block)), sizeof(block));
        assert_int_equal((unsigned char)block[0], i % 251);
        assert_int_equal((unsigned char)block[4095], i % 251);
    }
    assert_int_equal(read(fd, block, 1), 0);
    close(fd);
}

static void behind__file_that_grows__holds_what_was_written(void **state) {
    (void)state;
    char path[128];
    path_of("grows", path);
    for (int began_before = 0; began_before < 2; began_before++) {
        write_behind behind;
        int fd = -1;
        if (began_before) {
            fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        }
        floe_write_behind_start(&behind, path);
        fd = fd >= 0 ? fd : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_true(fd >= 0);
        for (int i = 0; i < 2000; i++) {
            write_block(fd, i % 251);
        }
        floe_write_behind_end(&behind);
        close(fd);
        check_blocks(path);
        assert_int_equal(unlink(path), 0);
    }
}

static void behind__file_that_never_is__is_not_made(void **state) {
    (void)state;
    char path[128];
    path_of("never", path);
    for (int i = 0; i < 50; i++) {
        write_behind behind;
        floe_write_behind_start(&behind, path);
        floe_write_behind_end(&behind);
    }
    assert_int_equal(access(path, F_OK), -1);
}

/* As a build does that fails: the part file is removed by another while it is followed. */
static void behind__file_that_goes__stays_gone(void **state) {
    (void)state;
    char path[128];
    path_of("goes", path);
    write_behind behind;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    floe_write_behind_start(&behind, path);
    write_block(fd, 1);
    assert_int_equal(unlink(path), 0);
    floe_write_behind_end(&behind);
    close(fd);
    assert_int_equal(access(path, F_OK), -1);
}

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/floe-behind-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind__file_that_grows__holds_what_was_written),
        cmocka_unit_test(behind__file_that_never_is__is_not_made),
        cmocka_unit_test(behind__file_that_goes__stays_gone),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
