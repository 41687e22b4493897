/*
 * Sketches of columns: exact counts, hashes against a slow oracle that keeps every value, containment of small columns exact
 * and of large ones near the truth. The seed is printed.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/sketch.h"

#include <stdio.h>
#include <stdlib.h>

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(1));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

/* The sketch of first, first + step, … */
static const floe_sketch *counted(int64_t first, int64_t step, int64_t count, bool whole) {
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    for (int64_t i = 0; i < count; i++) {
        floe_sketcher_int(&sketcher, first + i * step);
    }
    return floe_sketcher_finish(&sketcher, whole);
}

static const floe_sketch *of_texts(const char *const *texts, bool whole) {
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    for (size_t i = 0; texts[i]; i++) {
        floe_sketcher_text(&sketcher, floe_str_of(texts[i]));
    }
    return floe_sketcher_finish(&sketcher, whole);
}

/* ---- one sketch ---- */

static void sketch__nothing_but_nulls__is_none(void **state) {
    (void)state;
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    assert_null(floe_sketcher_finish(&sketcher, true));
    floe_sketcher_null(&sketcher);
    floe_sketcher_text(&sketcher, FLOE_STR("   "));
    assert_null(floe_sketcher_finish(&sketcher, true));
}

static void sketch__values_twice_and_nulls__are_counted_apart(void **state) {
    (void)state;
    static const char *const texts[] = {"a", "b", " a ", "", "c", "b", NULL};
    const floe_sketch *sketch = of_texts(texts, true);
    assert_int_equal(sketch->rows, 6);
    assert_int_equal(sketch->values, 5);
    assert_int_equal(sketch->distinct, 3);
    assert_int_equal(sketch->hash_count, 3);
    assert_true(sketch->whole);
    assert_false(sketch->is_integer);
    assert_false(floe_sketch_is_unique(sketch));
}

static void sketch__text_of_integers__is_that_of_the_integers(void **state) {
    (void)state;
    static const char *const texts[] = {"7", " 12", "-3", "0", NULL};
    static const int64_t numbers[] = {7, 12, -3, 0};
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    for (size_t i = 0; i < 4; i++) {
        floe_sketcher_int(&sketcher, numbers[i]);
    }
    const floe_sketch *a = of_texts(texts, true);
    const floe_sketch *b = floe_sketcher_finish(&sketcher, true);
    assert_true(a->is_integer && b->is_integer);
    assert_int_equal(a->is_counter, b->is_counter);
    assert_int_equal(a->hash_count, b->hash_count);
    assert_memory_equal(a->hashes, b->hashes, a->hash_count * sizeof(*a->hashes));
}

/* A zero in front, a sign of plus, and what an int64 cannot hold are text: as numbers they would be told to be another value. */
static void sketch__text_that_is_no_plain_integer__is_text(void **state) {
    (void)state;
    static const char *const cases[] = {"007", "+7", "-", "1.0", "12345678901234567890", "--1", "1 2", "-0", "x"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const texts[] = {cases[i], NULL};
        assert_false(of_texts(texts, true)->is_integer);
    }
}

static void sketch__extreme_integers__are_no_counter_and_do_not_overflow(void **state) {
    (void)state;
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    floe_sketcher_int(&sketcher, INT64_MIN);
    floe_sketcher_int(&sketcher, INT64_MAX);
    const floe_sketch *sketch = floe_sketcher_finish(&sketcher, true);
    assert_false(sketch->is_counter);
}

static void sketch__counters__are_told_from_scattered_integers(void **state) {
    (void)state;
    assert_true(counted(1, 1, 500, true)->is_counter);
    assert_true(counted(900000, 1, 20, true)->is_counter);
    assert_true(counted(0, 10, 100, true)->is_counter);
    assert_false(counted(0, 1000, 100, true)->is_counter);
}

static void sketch__more_distinct_values_than_it_may_have__is_none(void **state) {
    (void)state;
    assert_non_null(counted(0, 1, FLOE_SKETCH_DISTINCT_MAX, true));
    assert_null(counted(0, 1, FLOE_SKETCH_DISTINCT_MAX + 1, true));
}

static void sketch__many_values__keeps_the_smallest_hashes_in_order(void **state) {
    (void)state;
    const floe_sketch *all = counted(0, 1, FLOE_SKETCH_HASHES, true);
    const floe_sketch *more = counted(0, 1, 5000, true);
    assert_int_equal(all->hash_count, FLOE_SKETCH_HASHES);
    assert_int_equal(more->hash_count, FLOE_SKETCH_HASHES);
    assert_int_equal(more->distinct, 5000);
    for (size_t i = 1; i < more->hash_count; i++) {
        assert_true(more->hashes[i] > more->hashes[i - 1]);
    }
    /* The smallest of more values are no larger. */
    for (size_t i = 0; i < more->hash_count; i++) {
        assert_true(more->hashes[i] <= all->hashes[i]);
    }
}

/* ---- two ---- */

static void contains__a_part_of_a_table__shows_no_lack(void **state) {
    (void)state;
    size_t found = 9;
    assert_int_equal(floe_sketch_contains(counted(0, 1, 10, false), counted(0, 1, 10, true), &found), 0);
    assert_int_equal(found, 0);
}

static void contains__small_columns__is_exact(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        bool in[2][128] = {0};
        floe_sketcher sketchers[2];
        size_t distinct[2] = {0};
        size_t both = 0;
        for (int side = 0; side < 2; side++) {
            floe_sketcher_init(&sketchers[side], &arena);
            size_t count = 1 + floe_test_below(&rng, 60);
            for (size_t i = 0; i < count; i++) {
                size_t value = floe_test_below(&rng, 128);
                char text[16];
                (void)snprintf(text, sizeof(text), "v%zu", value);
                distinct[side] += in[side][value] ? 0 : 1;
                in[side][value] = true;
                floe_sketcher_text(&sketchers[side], floe_str_of(text));
            }
        }
        for (size_t i = 0; i < 128; i++) {
            both += in[0][i] && in[1][i] ? 1 : 0;
        }
        size_t found = 0;
        const floe_sketch *whole = floe_sketcher_finish(&sketchers[0], true);
        const floe_sketch *part = floe_sketcher_finish(&sketchers[1], true);
        assert_int_equal(part->distinct, distinct[1]);
        assert_int_equal(floe_sketch_contains(whole, part, &found), distinct[1]);
        assert_int_equal(found, both);
    }
}

/*
 * Of 20,000 values of a column with 200,000, those below the horizon of its 256 hashes are comparable: 20,000 · 256 / 200,000 = 26
 * on the average, with a spread of about 5; of a column that has half of its values elsewhere, half of those are found, with
 * a spread of about 0.1. Four spreads are allowed, and the values are the same in every run.
 */
static void contains__large_columns__is_near_the_truth(void **state) {
    (void)state;
    const floe_sketch *whole = counted(0, 1, 200000, true);
    size_t found = 0;
    size_t comparable = floe_sketch_contains(whole, counted(0, 10, 20000, true), &found);
    assert_in_range(comparable, 6, 46);
    assert_int_equal(found, comparable);
    comparable = floe_sketch_contains(whole, counted(190000, 1, 20000, true), &found);
    assert_true((double)found > 0.1 * (double)comparable && (double)found < 0.9 * (double)comparable);
    (void)floe_sketch_contains(whole, counted(1000000, 1, 20000, true), &found);
    assert_int_equal(found, 0);
}

static floe_status sketch_one(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA own;
    floe_sketcher sketcher;
    floe_arena_init(&own, FLOE_MIB(16));
    floe_sketcher_init(&sketcher, &own);
    for (int64_t i = 0; i < 2000; i++) {
        floe_sketcher_int(&sketcher, i);
    }
    const floe_sketch *sketch = floe_sketcher_finish(&sketcher, true);
    FLOE_TRY(floe_arena_check(&own, err));
    assert_int_equal(sketch->distinct, 2000);
    return FLOE_OK;
}

static void sketch__no_memory__is_said(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(sketch_one, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sketch__nothing_but_nulls__is_none),
        cmocka_unit_test(sketch__values_twice_and_nulls__are_counted_apart),
        cmocka_unit_test(sketch__text_of_integers__is_that_of_the_integers),
        cmocka_unit_test(sketch__text_that_is_no_plain_integer__is_text),
        cmocka_unit_test(sketch__extreme_integers__are_no_counter_and_do_not_overflow),
        cmocka_unit_test(sketch__counters__are_told_from_scattered_integers),
        cmocka_unit_test(sketch__more_distinct_values_than_it_may_have__is_none),
        cmocka_unit_test(sketch__many_values__keeps_the_smallest_hashes_in_order),
        cmocka_unit_test(contains__a_part_of_a_table__shows_no_lack),
        cmocka_unit_test(contains__small_columns__is_exact),
        cmocka_unit_test(contains__large_columns__is_near_the_truth),
        cmocka_unit_test(sketch__no_memory__is_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
