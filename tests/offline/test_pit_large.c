/*
 * One key with most of the rows, in less memory than they take: its answers are those that memory gives, cell for cell, whatever
 * is asked, however often its labels are cut, and by however many threads.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/paged.h"
#include "tests/offline/pit_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 40000
#define LABELS 20000

static void ask(world *w) {
    static const int numbers[] = {WORLD_I, WORLD_D, WORLD_M};
    static const floe_function functions[] = {
        FLOE_FN_COUNT,  FLOE_FN_SUM,          FLOE_FN_MEAN,  FLOE_FN_MIN,  FLOE_FN_MAX,
        FLOE_FN_STDDEV, FLOE_FN_VARIANCE_POP, FLOE_FN_FIRST, FLOE_FN_LAST, FLOE_FN_APPROX_COUNT_DISTINCT};
    floe_view *slides = world_view(w, "slides", false), *whole = world_view(w, "whole", false);
    floe_view *newest = world_view(w, "newest", false);
    slides->at_before = true;
    for (size_t f = 0; f < sizeof(functions) / sizeof(functions[0]); f++) {
        for (size_t c = 0; c < 3; c++) {
            world_output(w, slides, functions[f], numbers[c], f % 2 ? 300 : 20);
            world_output(w, whole, functions[f], numbers[c], 0);
        }
    }
    for (size_t c = 0; c < 3; c++) {
        world_parameter(world_output(w, slides, FLOE_FN_PERCENTILE, numbers[c], 70), 0, 0.3);
        world_parameter(world_output(w, whole, FLOE_FN_PERCENTILE, numbers[c], 0), 0, 0.9);
    }
    world_output(w, slides, FLOE_FN_COUNT_DISTINCT, WORLD_S, 50);
    for (int column = WORLD_I; column < WORLD_COLUMNS; column++) {
        world_output(w, newest, FLOE_FN_NONE, column, 0);
    }
    world_ask_all(w);
}

/* Key 7 has nine of ten rows; `late`: rows are known long after their event. */
static void make(world *w, uint64_t seed, bool late) {
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    ask(w);
    for (int i = 0; i < ROWS; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", floe_test_below(&rng, 10) > 0 ? 7 : (int)floe_test_below(&rng, 60));
        world_row *row = world_add_row(w, floe_arena_strdup(&w->arena, key), 0, floe_test_between(&rng, 0, 9000));
        if (floe_test_below(&rng, 20) > 0) {
            world_set_i(row, floe_test_between(&rng, -9, 9));
            world_set_d(row, (double)floe_test_between(&rng, -99, 99) / 8);
            world_set_m(row, floe_test_between(&rng, -900, 900));
        }
        world_set_s(w, row, floe_test_below(&rng, 2) ? "a" : "bcd");
        row->created = row->event + floe_test_between(&rng, 0, late ? 3000 : 2);
    }
    for (int i = 0; i < LABELS; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", floe_test_below(&rng, 5) > 0 ? 7 : (int)floe_test_below(&rng, 70));
        world_add_label(w, i % 89 == 0 ? NULL : floe_arena_strdup(&w->arena, key), 0,
                        i % 97 == 0 ? WORLD_NULL_TIME : floe_test_between(&rng, -10, 9100));
    }
}

static void assert_answers_equal(const world *w, const floe_value *got, const floe_value *want) {
    for (size_t c = 0; c < w->ref_count; c++) {
        for (size_t label = 0; label < w->label_count; label++) {
            const floe_value *a = &got[c * w->label_count + label], *b = &want[c * w->label_count + label];
            bool real = a->type.kind == FLOE_KIND_DOUBLE || a->type.kind == FLOE_KIND_FLOAT;
            bool same =
                a->is_null == b->is_null && (a->is_null || (real ? memcmp(&a->as.real, &b->as.real, sizeof(double)) == 0
                                                                 : floe_value_compare(a, b) == 0));
            if (!same) {
                world_fail(w, &w->refs[c], label, a, b, "memory", 0);
            }
        }
    }
}

/* With 0 bytes labels are cut most often, and every page is let go of at every look. */
static void compare(bool as_known, bool late, uint64_t seed) {
    static const uint64_t memories[] = {0, 4000000, 9000000};
    world w;
    floe_error err = {0};
    floe_value *want, *got;
    floe_pit_stats all, stats;
    make(&w, seed, late);
    floe_pit_options options = {.as_known = as_known};
    assert_ok(world_run(&w, &options, 2, seed, &want, &all, &err), &err);
    for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
        options.spill_folder = floe_test_temp_dir();
        options.memory_bytes = memories[i];
        assert_ok(world_run(&w, &options, 1 + (int)i, seed + i, &got, &stats, &err), &err);
        assert_answers_equal(&w, got, want);
        assert_int_equal(stats.ties, all.ties);
        assert_int_equal(stats.rows_kept, all.rows_kept);
        assert_int_equal(floe_paged_bytes(), 0);
    }
    world_close(&w);
}

static void pit__a_key_that_does_not_fit__gives_what_memory_gives(void **state) {
    (void)state;
    compare(false, false, 21);
}

static void pit__a_key_that_does_not_fit__as_known(void **state) {
    (void)state;
    compare(true, false, 22);
}

static void pit__a_key_that_does_not_fit__of_rows_known_late(void **state) {
    (void)state;
    compare(true, true, 23);
}

/* All rows at one time: nothing to cut between. */
static void pit__a_key_whose_rows_are_of_one_time__is_ordered_too(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *want, *got;
    floe_pit_stats all, stats;
    make(&w, 24, false);
    for (size_t i = 0; i < w.row_count; i++) {
        w.rows[i].event = 500;
        w.rows[i].created = (int64_t)(i % 5);
    }
    floe_pit_options options = {0};
    assert_ok(world_run(&w, &options, 2, 1, &want, &all, &err), &err);
    options.spill_folder = floe_test_temp_dir();
    assert_ok(world_run(&w, &options, 2, 2, &got, &stats, &err), &err);
    assert_answers_equal(&w, got, want);
    assert_true(all.ties > 0);
    assert_int_equal(stats.ties, all.ties);
    world_close(&w);
}

/* A sum that leaves int64 is said as ever, and nothing is left behind. */
static void pit__a_key_that_does_not_fit__fails_clean(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *got;
    make(&w, 25, false);
    for (size_t i = 0; i < w.row_count; i++) {
        world_set_i(&w.rows[i], INT64_MAX / 2);
    }
    const floe_pit_options options = {.spill_folder = floe_test_temp_dir()};
    assert_int_equal(world_run(&w, &options, 1, 1, &got, NULL, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "does not fit int64"));
    assert_int_equal(floe_paged_bytes(), 0);
    uint8_t *after = NULL;
    floe_error_clear(&err);
    assert_ok(floe_alloc(FLOE_PAGED_LEAST, 1, &after, &err), &err);
    assert_int_equal(floe_paged_bytes(), 0); /* The thread has its heap again. */
    floe_free(after);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pit__a_key_that_does_not_fit__gives_what_memory_gives),
        cmocka_unit_test(pit__a_key_that_does_not_fit__as_known),
        cmocka_unit_test(pit__a_key_that_does_not_fit__of_rows_known_late),
        cmocka_unit_test(pit__a_key_whose_rows_are_of_one_time__is_ordered_too),
        cmocka_unit_test(pit__a_key_that_does_not_fit__fails_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
