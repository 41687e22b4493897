/*
 * The point-in-time rule, boundary by boundary on both sides, and the kernel against the slow oracle on random worlds.
 * Times are small numbers of microseconds, so that ties and boundaries are hit all the time.
 */
#include "tests/offline/pit_world.h"

#include <math.h>
#include <stdlib.h>

static const floe_pit_options plain = {0};
static const floe_pit_options as_known = {.as_known = true};

/* One view with one as-of output over column i, or one aggregate. */
static floe_view *simple_world(world *w, floe_function function, int64_t window_us, bool before) {
    world_init(w);
    floe_view *view = world_view(w, "v", false);
    view->at_before = before;
    world_output(w, view, function, WORLD_I, window_us);
    return view;
}

static floe_value only_answer(world *w, const floe_pit_options *options) {
    floe_error err = {0};
    floe_value *answers;
    world_ask_all(w);
    assert_ok(world_run(w, options, 1, 1, &answers, NULL, &err), &err);
    assert_int_equal(w->label_count, 1);
    return answers[0];
}

static void add(world *w, int64_t event, int64_t value) {
    world_set_i(world_add_row(w, "a", 0, event), value);
}

#define assert_i64(answer, want)                                                                                       \
    do {                                                                                                               \
        floe_value answer_ = (answer);                                                                                 \
        assert_false(answer_.is_null);                                                                                 \
        assert_int_equal(answer_.as.integer, (want));                                                                  \
    } while (0)

static void pit__event_at_label_time__is_visible(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 100, 7);
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &plain), 7);
    world_close(&w);
}

static void pit__event_at_label_time__is_invisible_before(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, true);
    add(&w, 100, 7);
    world_add_label(&w, "a", 0, 100);
    assert_true(only_answer(&w, &plain).is_null);
    w.labels[0].time = 101;
    assert_i64(only_answer(&w, &plain), 7);
    world_close(&w);
}

static void pit__ignoring_at__answers_at_or_before(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, true);
    add(&w, 100, 7);
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &(floe_pit_options){.ignore_at = true}), 7);
    world_close(&w);
}

static void pit__event_one_microsecond_later__is_the_future(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 101, 7);
    world_add_label(&w, "a", 0, 100);
    assert_true(only_answer(&w, &plain).is_null);
    world_close(&w);
}

static void pit__ttl__holds_its_edge_and_no_more(void **state) {
    (void)state;
    world w;
    floe_view *view = simple_world(&w, FLOE_FN_NONE, 0, false);
    view->ttl_us = 50;
    add(&w, 100, 7);
    world_add_label(&w, "a", 0, 150);
    assert_i64(only_answer(&w, &plain), 7);
    w.labels[0].time = 151;
    assert_true(only_answer(&w, &plain).is_null);
    world_close(&w);
}

static void pit__window__is_open_at_its_start_and_closed_at_the_label(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_SUM, 50, false);
    add(&w, 50, 1);    /* t - w: out */
    add(&w, 51, 10);   /* in */
    add(&w, 100, 100); /* t: in */
    add(&w, 101, 1000);
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &plain), 110);
    world_close(&w);
}

static void pit__window_before__is_closed_at_its_start_and_open_at_the_label(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_SUM, 50, true);
    add(&w, 49, 1);
    add(&w, 50, 10);    /* t - w: in */
    add(&w, 99, 100);   /* in */
    add(&w, 100, 1000); /* t: out */
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &plain), 110);
    world_close(&w);
}

static void pit__winner__is_decided_by_event_then_created_then_file_order(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 90, 1);
    w.rows[0].created = 99; /* a later created time does not lift an older event */
    add(&w, 95, 2);
    w.rows[1].created = 96;
    add(&w, 95, 3);
    w.rows[2].created = 95;
    add(&w, 95, 4); /* null created is the smallest */
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &plain), 2);
    w.rows[2].created = 96; /* now a full tie: the later position wins */
    assert_i64(only_answer(&w, &plain), 3);
    w.rows[1].seq = 5; /* and the later sequence before the position */
    assert_i64(only_answer(&w, &plain), 2);
    world_close(&w);
}

static void pit__file_order_ties__are_counted(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *answers;
    floe_pit_stats stats;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 95, 1);
    add(&w, 95, 2);
    add(&w, 96, 3);
    world_add_label(&w, "a", 0, 95); /* tied */
    world_add_label(&w, "a", 0, 96); /* not */
    world_ask_all(&w);
    assert_ok(world_run(&w, &plain, 1, 1, &answers, &stats, &err), &err);
    assert_int_equal(stats.ties, 1);
    world_close(&w);
}

static int64_t ties_of_ends(floe_function function, uint32_t k, int64_t time) {
    world w;
    floe_error err = {0};
    floe_value *answers;
    floe_pit_stats stats;
    simple_world(&w, function, 0, false);
    world_parameter(&w.outputs[0][0], k, 0);
    add(&w, 90, 1);
    add(&w, 91, 2); /* these two only file order tells apart */
    add(&w, 91, 3);
    add(&w, 92, 4);
    world_add_row(&w, "a", 0, 92); /* of the same time, but without a value */
    add(&w, 93, 5);
    add(&w, 93, 6);
    w.rows[6].created = 50; /* created decides */
    world_add_label(&w, "a", 0, time);
    world_ask_all(&w);
    assert_ok(world_run(&w, &plain, 1, 1, &answers, &stats, &err), &err);
    world_close(&w);
    return stats.ties;
}

static void pit__ends_that_file_order_decided__are_counted(void **state) {
    (void)state;
    assert_int_equal(ties_of_ends(FLOE_FN_LAST, 0, 91), 1);
    assert_int_equal(ties_of_ends(FLOE_FN_LAST, 0, 92), 0); /* a null is no value to choose */
    assert_int_equal(ties_of_ends(FLOE_FN_LAST, 0, 93), 0);
    assert_int_equal(ties_of_ends(FLOE_FN_FIRST, 0, 93), 0);
    assert_int_equal(ties_of_ends(FLOE_FN_FIRST_K, 1, 93), 0);
    assert_int_equal(ties_of_ends(FLOE_FN_FIRST_K, 2, 93), 1); /* the one taken or the one left out */
    assert_int_equal(ties_of_ends(FLOE_FN_FIRST_K, 3, 93), 1); /* their order */
    assert_int_equal(ties_of_ends(FLOE_FN_LAST_K, 3, 93), 0);
    assert_int_equal(ties_of_ends(FLOE_FN_LAST_K, 4, 93), 1);
    assert_int_equal(ties_of_ends(FLOE_FN_LAST_K, 9, 93), 1); /* once for the list */
}

static void pit__as_known__hides_what_was_not_known(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 80, 1);
    w.rows[0].created = 85;
    add(&w, 90, 2);
    w.rows[1].created = 101;
    add(&w, 95, 3); /* never known */
    world_add_label(&w, "a", 0, 100);
    assert_i64(only_answer(&w, &as_known), 1);
    w.labels[0].time = 101; /* created at the label's time is known, for both settings of at */
    assert_i64(only_answer(&w, &as_known), 2);
    w.views[0].at_before = true;
    assert_i64(only_answer(&w, &as_known), 2);
    world_close(&w);
}

static void pit__row_known_after_it_left_the_window__is_never_counted(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_COUNT, 10, false);
    add(&w, 100, 1);
    w.rows[0].created = 200;
    int64_t times[] = {105, 150, 205, 300};
    for (size_t i = 0; i < 4; i++) {
        world_add_label(&w, "a", 0, times[i]);
    }
    world_ask_all(&w);
    world_check(&w, &as_known, 1, 1);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &as_known, 1, 1, &answers, NULL, &err), &err);
    for (size_t i = 0; i < 4; i++) {
        assert_i64(answers[i], 0);
    }
    world_close(&w);
}

static void pit__as_known_without_created_time__names_the_views(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *answers;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    w.source.created_time = (floe_str){0};
    world_ask_all(&w);
    assert_code(world_run(&w, &as_known, 1, 1, &answers, NULL, &err), FLOE_INVALID);
    assert_message(&err, "v");
    assert_message(&err, "created_time");
    world_close(&w);
}

static void pit__ended_winner__is_null_and_no_older_row_steps_in(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 80, 1);
    add(&w, 90, 2);
    w.rows[1].end = 100;
    world_add_label(&w, "a", 0, 100);
    assert_true(only_answer(&w, &plain).is_null); /* end <= t */
    w.labels[0].time = 99;
    assert_i64(only_answer(&w, &plain), 2);
    w.views[0].at_before = true; /* end < t only */
    w.labels[0].time = 100;
    assert_i64(only_answer(&w, &plain), 2);
    w.labels[0].time = 101;
    assert_true(only_answer(&w, &plain).is_null);
    world_close(&w);
}

static void pit__nulls__match_nothing_and_counts_are_zero(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    world_output(&w, view, FLOE_FN_COUNT, -1, 50);
    world_output(&w, view, FLOE_FN_COUNT_DISTINCT, WORLD_S, 0);
    world_output(&w, view, FLOE_FN_SUM, WORLD_I, 0);
    world_set_i(world_add_row(&w, NULL, 0, 10), 1); /* a null key */
    world_set_i(world_add_row(&w, "a", 0, WORLD_NULL_TIME), 2);
    world_add_label(&w, NULL, 0, 100);
    world_add_label(&w, "a", 0, WORLD_NULL_TIME);
    world_add_label(&w, "a", 0, 100);
    world_add_label(&w, "nobody", 0, 100);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 2, 1, &answers, NULL, &err), &err);
    for (size_t label = 0; label < 4; label++) {
        assert_true(answers[label].is_null);
        assert_i64(answers[4 + label], 0);
        assert_i64(answers[8 + label], 0);
        assert_true(answers[12 + label].is_null);
    }
    world_close(&w);
}

static void pit__composite_keys__do_not_run_together(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", true);
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    world_set_i(world_add_row(&w, "1", 11, 10), 1);
    world_set_i(world_add_row(&w, "11", 1, 10), 2);
    world_add_label(&w, "1", 11, 10);
    world_add_label(&w, "11", 1, 10);
    world_add_label(&w, "1", 1, 10);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_i64(answers[0], 1);
    assert_i64(answers[1], 2);
    assert_true(answers[2].is_null);
    world_close(&w);
}

static void pit__labels__come_out_in_order_duplicates_included(void **state) {
    (void)state;
    world w;
    simple_world(&w, FLOE_FN_NONE, 0, false);
    add(&w, 10, 1);
    add(&w, 20, 2);
    int64_t times[] = {25, 15, 25, 5, 15};
    for (size_t i = 0; i < 5; i++) {
        world_add_label(&w, "a", 0, times[i]);
    }
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_i64(answers[0], 2);
    assert_i64(answers[1], 1);
    assert_i64(answers[2], 2);
    assert_true(answers[3].is_null);
    assert_i64(answers[4], 1);
    world_close(&w);
}

static void pit__times_far_out__are_exact(void **state) {
    (void)state;
    const int64_t year_9999 = INT64_C(253402300799999999), year_1 = -INT64_C(62135596800000000);
    world w;
    simple_world(&w, FLOE_FN_SUM, INT64_C(86400000000), false);
    add(&w, year_9999, 1);
    add(&w, year_1, 2);
    add(&w, -1, 4); /* before 1970 */
    world_add_label(&w, "a", 0, year_9999);
    world_add_label(&w, "a", 0, year_1);
    world_add_label(&w, "a", 0, -1);
    world_add_label(&w, "a", 0, -2);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_i64(answers[0], 1);
    assert_i64(answers[1], 2);
    assert_i64(answers[2], 4);
    assert_true(answers[3].is_null);
    world_close(&w);
}

static void pit__integer_sum_outside_int64__names_feature_key_and_time(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *answers;
    simple_world(&w, FLOE_FN_SUM, 0, false);
    add(&w, 10, INT64_MAX);
    add(&w, 11, 1);
    add(&w, 12, -5);
    world_add_label(&w, "a", 0, 10);
    world_add_label(&w, "a", 0, 12); /* passes beyond on the way and comes back: nobody's business */
    world_ask_all(&w);
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_i64(answers[0], INT64_MAX);
    assert_i64(answers[1], INT64_MAX - 4);
    world_add_label(&w, "a", 0, 11);
    assert_code(world_run(&w, &plain, 1, 1, &answers, NULL, &err), FLOE_INVALID);
    assert_message(&err, "v:o1 of k1=a at 1970-01-01T00:00:00.000011Z");
    world_close(&w);
}

/* math.fsum([1e300, 1.0, -1e300]) is 1.0 and math.fsum([1e16, 1.0, 1e-16]) is 1.0000000000000002e16 (CPython). */
static void pit__float_sums__are_exact_and_leave_nothing_behind(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_SUM, WORLD_D, 10);
    double values[] = {1e300, 1.0, -1e300, 1e16, 1.0, 1e-16};
    for (int i = 0; i < 6; i++) {
        world_set_d(world_add_row(&w, "a", 0, i < 3 ? i : 20 + i), values[i]);
    }
    world_add_label(&w, "a", 0, 5);
    world_add_label(&w, "a", 0, 30); /* the first three have left */
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_true(answers[0].as.real == 1.0);
    assert_true(answers[1].as.real == 10000000000000002.0);
    world_close(&w);
}

static void pit__not_finite__follows_ieee(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    floe_function functions[] = {FLOE_FN_SUM, FLOE_FN_MEAN, FLOE_FN_STDDEV,
                                 FLOE_FN_MIN, FLOE_FN_MAX,  FLOE_FN_COUNT_DISTINCT};
    for (size_t i = 0; i < 6; i++) {
        world_output(&w, view, functions[i], WORLD_D, 3);
    }
    double values[] = {INFINITY, 1, -INFINITY, NAN, NAN, -0.0, 0.0, 2};
    for (int i = 0; i < 8; i++) {
        world_set_d(world_add_row(&w, "a", 0, i), values[i]);
        world_add_label(&w, "a", 0, i);
    }
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_true(answers[1].as.real == INFINITY); /* inf + 1 */
    assert_true(isnan(answers[2].as.real));      /* inf - inf */
    assert_true(isnan(answers[3].as.real));
    assert_true(answers[7].as.real == 2);           /* -0.0 + 0.0 + 2: the NaNs have left */
    assert_true(isnan(answers[2 * 8 + 1].as.real)); /* stddev over inf */
    assert_true(isnan(answers[4 * 8 + 3].as.real)); /* NaN is the largest */
    assert_true(answers[3 * 8 + 3].as.real == -INFINITY);
    assert_i64(answers[5 * 8 + 4], 2); /* -inf and NaN, once */
    assert_i64(answers[5 * 8 + 6], 2); /* NaN, and zero once */
    world_close(&w);
}

static void pit__equal_values__have_no_deviation(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_STDDEV, WORLD_D, 0);
    for (int i = 0; i < 1000; i++) {
        world_set_d(world_add_row(&w, "a", 0, i), 0.1);
    }
    world_add_label(&w, "a", 0, 0);
    world_add_label(&w, "a", 0, 999);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    assert_ok(world_run(&w, &plain, 1, 1, &answers, NULL, &err), &err);
    assert_true(answers[0].is_null); /* of one value */
    assert_true(answers[1].as.real == 0.0);
    world_close(&w);
}

/* ---- random worlds ---- */

/* Without lists answers leave column by column, else row by row. */
/* FLOE_PIT_CASES raises the number for long runs. */
static void pit__kernel__equals_the_nested_loop(void **state) {
    (void)state;
    const char *cases_text = getenv("FLOE_PIT_CASES");
    uint64_t cases = cases_text ? strtoull(cases_text, NULL, 10) : 300;
    uint64_t first = floe_test_seed();
    for (uint64_t i = 0; i < cases; i++) {
        world w;
        world_random(&w, first + i);
        uint64_t seed = first + i;
        floe_pit_options options = {.as_known = seed % 3 == 1, .ignore_at = seed % 7 == 3};
        if (seed % 2) {
            world_ask_no_lists(&w);
        }
        world_check(&w, &options, 1 + (int)(seed % 4), seed);
        world_close(&w);
    }
}

/* The same world in other row orders, batches and thread counts: the same bits. */
static void pit__answers__do_not_depend_on_order_or_threads(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 77);
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    floe_function functions[] = {FLOE_FN_SUM, FLOE_FN_MEAN, FLOE_FN_STDDEV, FLOE_FN_MAX};
    for (size_t i = 0; i < 4; i++) {
        world_output(&w, view, functions[i], WORLD_D, 500);
    }
    for (int i = 0; i < 2000; i++) {
        double value =
            ldexp((double)floe_test_between(&rng, -1000000007, 1000000007), (int)floe_test_between(&rng, -900, 900));
        world_set_d(world_add_row(&w, i % 3 ? "a" : "b", 0, floe_test_between(&rng, 0, 3000)), value);
    }
    for (int i = 0; i < 200; i++) {
        world_add_label(&w, i % 2 ? "a" : "b", 0, floe_test_between(&rng, 0, 3500));
    }
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *first, *other;
    assert_ok(world_run(&w, &plain, 1, 1, &first, NULL, &err), &err);
    for (int threads = 1; threads <= 4; threads++) {
        assert_ok(world_run(&w, &plain, threads, 100 + (uint64_t)threads, &other, NULL, &err), &err);
        for (size_t i = 0; i < w.ref_count * w.label_count; i++) {
            assert_int_equal(first[i].is_null, other[i].is_null);
            assert_memory_equal(&first[i].as.real, &other[i].as.real, sizeof(double));
        }
    }
    world_close(&w);
}

static floe_status run_small(void *context, floe_error *err) {
    world *w = context;
    floe_value *answers;
    return world_run(w, &plain, 1, 5, &answers, NULL, err);
}

static void pit__every_allocation__may_fail(void **state) {
    (void)state;
    world w;
    world_random(&w, 4242);
    assert_true(floe_test_alloc_sweep(run_small, &w) > 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pit__event_at_label_time__is_visible),
        cmocka_unit_test(pit__event_at_label_time__is_invisible_before),
        cmocka_unit_test(pit__ignoring_at__answers_at_or_before),
        cmocka_unit_test(pit__event_one_microsecond_later__is_the_future),
        cmocka_unit_test(pit__ttl__holds_its_edge_and_no_more),
        cmocka_unit_test(pit__window__is_open_at_its_start_and_closed_at_the_label),
        cmocka_unit_test(pit__window_before__is_closed_at_its_start_and_open_at_the_label),
        cmocka_unit_test(pit__winner__is_decided_by_event_then_created_then_file_order),
        cmocka_unit_test(pit__file_order_ties__are_counted),
        cmocka_unit_test(pit__ends_that_file_order_decided__are_counted),
        cmocka_unit_test(pit__as_known__hides_what_was_not_known),
        cmocka_unit_test(pit__row_known_after_it_left_the_window__is_never_counted),
        cmocka_unit_test(pit__as_known_without_created_time__names_the_views),
        cmocka_unit_test(pit__ended_winner__is_null_and_no_older_row_steps_in),
        cmocka_unit_test(pit__nulls__match_nothing_and_counts_are_zero),
        cmocka_unit_test(pit__composite_keys__do_not_run_together),
        cmocka_unit_test(pit__labels__come_out_in_order_duplicates_included),
        cmocka_unit_test(pit__times_far_out__are_exact),
        cmocka_unit_test(pit__integer_sum_outside_int64__names_feature_key_and_time),
        cmocka_unit_test(pit__float_sums__are_exact_and_leave_nothing_behind),
        cmocka_unit_test(pit__not_finite__follows_ieee),
        cmocka_unit_test(pit__equal_values__have_no_deviation),
        cmocka_unit_test(pit__kernel__equals_the_nested_loop),
        cmocka_unit_test(pit__answers__do_not_depend_on_order_or_threads),
        cmocka_unit_test(pit__every_allocation__may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
