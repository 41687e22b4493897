/*
 * A folder for one test, and the few file operations of a test that must not go through the code under test.
 * Invariant: every scratch folder is removed by scratch_close, with `rm -rf`, which is another engine than ours.
 */
#ifndef FLOE_TESTS_CORE_SCRATCH_H
#define FLOE_TESTS_CORE_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

typedef struct scratch {
    char folder[64];
    char path[512]; /* of the last scratch_path */
} scratch;

static inline scratch scratch_open(void) {
    scratch made = {.folder = "/tmp/floe-test-XXXXXX"};
    assert_non_null(mkdtemp(made.folder));
    return made;
}

static inline void scratch_close(scratch *s) {
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
    assert_int_equal(system(command), 0);
}

/* The path of `name` in the folder, until the next call. */
static inline const char *scratch_path(scratch *s, const char *name) {
    snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, name);
    return s->path;
}

static inline void scratch_put(scratch *s, const char *name, const void *bytes, size_t len) {
    FILE *file = fopen(scratch_path(s, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Whether the file holds exactly these bytes. */
static inline bool scratch_holds(scratch *s, const char *name, const void *bytes, size_t len) {
    FILE *file = fopen(scratch_path(s, name), "rb");
    if (!file) {
        return false;
    }
    char *content = test_malloc(len + 1);
    bool same = fread(content, 1, len + 1, file) == len && memcmp(content, bytes, len) == 0;
    test_free(content);
    fclose(file);
    return same;
}

/* How many entries the folder at `path` has. */
static inline size_t count_entries(const char *path) {
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(dir);
    return count;
}

/* How many descriptors the process has open: a test compares before and after. */
static inline size_t count_descriptors(void) {
    return count_entries("/proc/self/fd");
}

static inline void assert_message_has(const floe_error *err, const char *part) {
    if (!strstr(err->message, part)) {
        fail_msg("the message '%s' does not say '%s'", err->message, part);
    }
}

static inline void assert_ok(floe_status status, const floe_error *err) {
    if (floe_failed(status)) {
        fail_msg("%s: %s", floe_code_describe(status.code)->name, err->message);
    }
}

static inline void assert_fails(floe_status status, const floe_error *err, floe_code code) {
    if (status.code != code || err->code != code) {
        fail_msg("expected %s, got %s: %s", floe_code_describe(code)->name, floe_code_describe(status.code)->name,
                 err->message);
    }
    assert_true(err->message[0] != '\0');
}

/* A small generator, so that a seed printed by one machine means the same on another (xorshift64*). */
static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static inline size_t random_below(uint64_t *state, size_t bound) {
    return (size_t)(random_next(state) >> 33) % bound;
}

#endif
