/* See support.h. Temporary folders are remembered in a fixed table and removed by one atexit function. */
#include "tests/support/support.h"

#include "core/mem.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define TEMP_DIRS_MAX 512
#define TEMP_PATH_MAX 256

static char temp_dirs[TEMP_DIRS_MAX][TEMP_PATH_MAX];
static size_t temp_dir_count;
static pid_t temp_dir_owner;

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at) {
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

/* A forked child that exits must leave its parent's folders alone. */
static void remove_temp_dirs(void) {
    for (size_t i = 0; i < temp_dir_count && getpid() == temp_dir_owner; i++) {
        (void)nftw(temp_dirs[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

const char *floe_test_temp_dir(void) {
    if (temp_dir_count == 0) {
        temp_dir_owner = getpid();
        (void)atexit(remove_temp_dirs);
    }
    assert_true(temp_dir_count < TEMP_DIRS_MAX);
    const char *parent = getenv("TMPDIR");
    char *path = temp_dirs[temp_dir_count];
    int len = snprintf(path, TEMP_PATH_MAX, "%s/floe-test-XXXXXX", parent != NULL ? parent : "/tmp");
    assert_true(len > 0 && len < TEMP_PATH_MAX);
    assert_non_null(mkdtemp(path));
    temp_dir_count++;
    return path;
}

uint64_t floe_test_seed(void) {
    static uint64_t seed;
    static bool is_set;
    if (!is_set) {
        const char *given = getenv("FLOE_SEED");
        if (given != NULL) {
            seed = strtoull(given, NULL, 0);
        } else {
            assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
        }
        is_set = true;
        print_message("FLOE_SEED=%" PRIu64 "\n", seed);
    }
    return seed;
}

floe_test_rng floe_test_rng_of(uint64_t seed) {
    return (floe_test_rng){seed};
}

/* Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014 (splitmix64). */
uint64_t floe_test_next(floe_test_rng *rng) {
    rng->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = rng->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

uint64_t floe_test_below(floe_test_rng *rng, uint64_t bound) {
    return floe_test_next(rng) % bound;
}

int64_t floe_test_between(floe_test_rng *rng, int64_t low, int64_t high) {
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    uint64_t step = span == 0 ? floe_test_next(rng) : floe_test_below(rng, span);
    return (int64_t)((uint64_t)low + step);
}

void floe_test_fill(floe_test_rng *rng, void *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)floe_test_next(rng);
    }
}

void floe_test_check_ok(floe_status status, const floe_error *err, const char *expression, const char *file, int line) {
    if (!floe_failed(status)) {
        return;
    }
    print_error("%s gave %s: %s (%s:%d)\n", expression, floe_code_describe(status.code)->name,
                err == NULL ? "" : err->message, err == NULL || err->file == NULL ? "?" : err->file,
                err == NULL ? 0 : err->line);
    _fail(file, line);
}

void floe_test_check_code(floe_status status, floe_code code, const char *expression, const char *file, int line) {
    if (status.code == code) {
        return;
    }
    print_error("%s gave %s instead of %s\n", expression, floe_code_describe(status.code)->name,
                floe_code_describe(code)->name);
    _fail(file, line);
}

void floe_test_check_message(const floe_error *err, const char *part, const char *file, int line) {
    if (strstr(err->message, part) != NULL) {
        return;
    }
    print_error("the message \"%s\" does not contain \"%s\"\n", err->message, part);
    _fail(file, line);
}

static void check_failing_run(uint64_t nth, floe_status status, const floe_error *err) {
    bool is_allowed = status.code == FLOE_NOMEM || status.code == FLOE_LIMIT || status.code == FLOE_CODE_OK;
    if (!is_allowed || (floe_failed(status) && err->code != status.code)) {
        print_error("with allocation %" PRIu64 " failing: status %s, error %s: %s\n", nth,
                    floe_code_describe(status.code)->name, floe_code_describe(err->code)->name, err->message);
        _fail(__FILE__, __LINE__);
    }
}

uint64_t floe_test_alloc_sweep(floe_test_fallible fn, void *context) {
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        floe_mem_fail_at(nth);
        floe_status status = fn(context, &err);
        bool was_hit = floe_mem_fail_count() >= nth;
        floe_mem_fail_off();
        if (!was_hit) {
            floe_test_check_ok(status, &err, "the run without a failing allocation", __FILE__, __LINE__);
            return nth - 1;
        }
        check_failing_run(nth, status, &err);
    }
}
