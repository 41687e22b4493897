/*
 * Arrays in a file: they hold what was written, go with the last reference, and few of their pages are in memory.
 */
#include "core/mem.h"
#include "core/paged.h"
#include "core/limits.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static floe_paged *open_paged(uint64_t resident_bytes) {
    floe_error err = {0};
    floe_paged *paged = NULL;
    assert_ok(floe_paged_open(floe_test_temp_dir(), resident_bytes, &paged, &err), &err);
    floe_paged_use(paged);
    return paged;
}

static uint32_t *array_of(size_t count) {
    floe_error err = {0};
    uint32_t *array = NULL;
    assert_ok(floe_alloc(count, sizeof(*array), &array, &err), &err);
    return array;
}

static void paged__large_blocks__lie_in_the_file_and_small_ones_do_not(void **state) {
    (void)state;
    floe_paged *paged = open_paged(FLOE_MIB(1));
    uint32_t *small = array_of(FLOE_PAGED_LEAST / 4 - 1), *large = array_of(FLOE_PAGED_LEAST / 4);
    assert_int_equal(floe_paged_bytes(), FLOE_PAGED_LEAST);
    for (size_t i = 0; i < FLOE_PAGED_LEAST / 4; i++) {
        assert_int_equal(large[i], 0);
    }
    floe_paged_use(NULL);
    uint32_t *heap = array_of(FLOE_PAGED_LEAST);
    assert_int_equal(floe_paged_bytes(), FLOE_PAGED_LEAST);
    floe_free(small);
    floe_free(heap);
    assert_int_equal(floe_paged_bytes(), FLOE_PAGED_LEAST);
    floe_free(large);
    assert_int_equal(floe_paged_bytes(), 0);
    floe_paged_close(&paged);
    assert_null(paged);
}

/* From the heap into the file, longer there, and shorter. */
static void paged__a_block_that_grows__keeps_what_it_held(void **state) {
    (void)state;
    floe_error err = {0};
    floe_paged *paged = open_paged(0);
    uint32_t *array = NULL;
    size_t held = 0;
    static const size_t lengths[] = {100, 20000, 20001, 3000000, 5000, 100000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_ok(floe_realloc(&array, lengths[i], sizeof(*array), &err), &err);
        held = held < lengths[i] ? held : lengths[i];
        for (size_t at = 0; at < held; at++) {
            assert_int_equal(array[at], at * 7);
        }
        for (; held < lengths[i]; held++) {
            array[held] = (uint32_t)held * 7;
        }
    }
    assert_true(floe_paged_bytes() >= 400000);
    FLOE_AUTO_FREE uint32_t *last = array;
    floe_paged_close(&paged);
    assert_int_equal(last[99999], 99999 * 7); /* A block outlives the place. */
}

static void paged__after_the_last_block__nothing_is_left(void **state) {
    (void)state;
    assert_int_equal(floe_paged_bytes(), 0);
}

static uint64_t resident_bytes(void) {
    unsigned long all, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &resident), 2);
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void paged__loops_that_ease__keep_few_pages_in_memory(void **state) {
    (void)state;
    floe_paged *paged = open_paged(FLOE_MIB(4));
    size_t count = FLOE_MIB(64) / sizeof(uint32_t);
    uint64_t before = resident_bytes(), most = 0;
    uint32_t *array = array_of(count);
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < count; i++) {
            floe_paged_ease_at(i);
            assert_int_equal(array[i], turn == 0 ? 0 : (uint32_t)i);
            array[i] = (uint32_t)i;
            if (i % 100000 == 0) {
                uint64_t now = resident_bytes();
                most = now > most ? now : most;
            }
        }
    }
    floe_free(array);
    floe_paged_close(&paged);
    assert_true(most < before + FLOE_MIB(24)); /* The array is 64. */
}

/* Nobody eases; the watcher has time. */
static void paged__the_watcher__lets_go_by_itself(void **state) {
    (void)state;
    floe_paged *paged = open_paged(FLOE_MIB(1));
    uint64_t before = resident_bytes();
    uint32_t *array = array_of(FLOE_MIB(64) / sizeof(uint32_t));
    memset(array, 1, FLOE_MIB(64));
    bool few = false;
    for (int i = 0; i < 2000 && !few; i++) {
        (void)usleep(5000);
        few = resident_bytes() < before + FLOE_MIB(16);
    }
    assert_true(few);
    assert_int_equal(array[1000], 0x01010101);
    floe_free(array);
    floe_paged_close(&paged);
}

static void *allocate_elsewhere(void *context) {
    uint32_t *array = array_of(FLOE_PAGED_LEAST);
    *(uint64_t *)context = floe_paged_bytes();
    floe_free(array);
    return NULL;
}

static void paged__another_thread__has_its_heap(void **state) {
    (void)state;
    floe_paged *paged = open_paged(FLOE_MIB(1));
    uint64_t bytes = 1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, allocate_elsewhere, &bytes), 0);
    pthread_join(thread, NULL);
    assert_int_equal(bytes, 0);
    floe_paged_close(&paged);
}

static void paged__no_such_folder__is_named(void **state) {
    (void)state;
    floe_error err = {0};
    floe_paged *paged = NULL;
    uint32_t *array = NULL;
    assert_ok(floe_paged_open("/nowhere/at/all", 0, &paged, &err), &err);
    floe_paged_use(paged);
    assert_int_equal(floe_alloc(FLOE_PAGED_LEAST, 1, &array, &err).code, FLOE_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(array);
    floe_paged_close(&paged);
}

/* A file may be a megabyte and no longer: what there is no room for is an error, and what was there stays. */
static void paged__no_room_on_disk__is_an_error_and_no_signal(void **state) {
    (void)state;
    floe_error err = {0};
    struct rlimit before, little;
    floe_paged *paged = open_paged(FLOE_MIB(1));
    uint32_t *array = array_of(FLOE_KIB(128));
    array[5] = 55;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little = (struct rlimit){FLOE_MIB(1), before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    floe_status status = floe_realloc(&array, FLOE_MIB(1), sizeof(*array), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status.code, FLOE_IO);
    assert_non_null(strstr(err.message, "TMPDIR"));
    assert_int_equal(array[5], 55);
    floe_free(array);
    floe_paged_close(&paged);
}

static void paged__a_told_failure__is_no_memory(void **state) {
    (void)state;
    floe_error err = {0};
    floe_paged *paged = open_paged(FLOE_MIB(1));
    uint32_t *array = NULL;
    for (uint64_t nth = 1; nth <= 2; nth++) { /* The block, and what is kept of it. */
        floe_error_clear(&err);
        floe_mem_fail_at(nth);
        assert_int_equal(floe_alloc(FLOE_PAGED_LEAST, 1, &array, &err).code, FLOE_NOMEM);
        floe_mem_fail_off();
    }
    assert_int_equal(floe_paged_bytes(), 0);
    floe_paged_close(&paged);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paged__large_blocks__lie_in_the_file_and_small_ones_do_not),
        cmocka_unit_test(paged__a_block_that_grows__keeps_what_it_held),
        cmocka_unit_test(paged__after_the_last_block__nothing_is_left),
        cmocka_unit_test(paged__loops_that_ease__keep_few_pages_in_memory),
        cmocka_unit_test(paged__the_watcher__lets_go_by_itself),
        cmocka_unit_test(paged__another_thread__has_its_heap),
        cmocka_unit_test(paged__no_such_folder__is_named),
        cmocka_unit_test(paged__no_room_on_disk__is_an_error_and_no_signal),
        cmocka_unit_test(paged__a_told_failure__is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
