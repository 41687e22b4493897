/*
 * Cases of other feature stores as facts: the rows and the answers that their own tests state, and what floe says to the same
 * question. Where the rule differs on purpose, a comment names the difference, and a setting that gives the other's answer where
 * there is one.
 */
#include "tests/offline/pit_world.h"

#include <math.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const floe_pit_options plain = {0};

static floe_value *answers_of(world *w, const floe_pit_options *options) {
    floe_error err = {0};
    floe_value *answers;
    world_ask_all(w);
    assert_ok(world_run(w, options, 2, 1, &answers, NULL, &err), &err);
    return answers;
}

static void check_ints(const floe_value *answers, const int64_t *want, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(answers[i].is_null, want[i] == INT64_MIN);
        if (!answers[i].is_null) {
            assert_int_equal(answers[i].as.integer, want[i]);
        }
    }
}
#define NOTHING INT64_MIN

static void check_texts(const floe_value *list, const char *const *want, size_t count) {
    assert_false(list->is_null);
    assert_int_equal(list->as.list.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(floe_str_is(list->as.list.items[i].as.bytes, want[i]));
    }
}

/* ---- OpenMLDB: cases/function/window/test_window_row_range.yaml, ids 0 and 12 ---- */

/* aa at seconds 990 … 993 with 30 … 33, bb at 994 with 34; each row is a question too. */
static void openmldb_rows(world *w) {
    static const char *const keys[] = {"aa", "aa", "aa", "aa", "bb"};
    for (int i = 0; i < 5; i++) {
        int64_t at = (INT64_C(1590738990) + i) * SECOND;
        world_set_i(world_add_row(w, keys[i], 0, at), 30 + i);
        world_add_label(w, keys[i], 0, at);
    }
}

/* ROWS_RANGE BETWEEN 2s PRECEDING AND CURRENT ROW is closed at both ends, [t - 2s, t]: 30 61 93 96 and 34. floe's windows are
 * half open, so that neighbours share no row: 2 s hold two of these rows, and what holds three is a microsecond longer. */
static void openmldb__rows_range__is_closed_where_ours_is_half_open(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_SUM, WORLD_I, 2 * SECOND + 1);
    world_output(&w, view, FLOE_FN_SUM, WORLD_I, 2 * SECOND);
    openmldb_rows(&w);
    const floe_value *answers = answers_of(&w, &plain);
    check_ints(answers, (const int64_t[]){30, 61, 93, 96, 34}, 5);
    check_ints(answers + 5, (const int64_t[]){30, 61, 63, 65, 34}, 5);
    world_close(&w);
}

/* With EXCLUDE CURRENT_TIME the frame is [t - 2s, t), which is `at: before` exactly. */
static void openmldb__exclude_current_time__is_at_before(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->at_before = true;
    world_output(&w, view, FLOE_FN_SUM, WORLD_I, 2 * SECOND);
    openmldb_rows(&w);
    check_ints(answers_of(&w, &plain), (const int64_t[]){NOTHING, 30, 61, 63, NOTHING}, 5);
    world_close(&w);
}

/* Two partition keys: id 12, sums 30 61 93 96 34 35. */
static void openmldb__two_partition_keys__do_not_mix(void **state) {
    (void)state;
    static const char *const keys[] = {"aa", "aa", "aa", "aa", "aa", "bb"};
    static const int64_t seconds[] = {20, 20, 20, 20, 24, 24};
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", true), FLOE_FN_SUM, WORLD_I, 2 * SECOND + 1);
    for (int i = 0; i < 6; i++) {
        int64_t at = (INT64_C(1590738990) + i) * SECOND;
        world_set_i(world_add_row(&w, keys[i], seconds[i], at), 30 + i);
        world_add_label(&w, keys[i], seconds[i], at);
    }
    check_ints(answers_of(&w, &plain), (const int64_t[]){30, 61, 93, 96, 34, 35}, 6);
    world_close(&w);
}

/* LAST JOIN orders ORDER BY orders.ts ON orders.k = left.k AND orders.ts <= left.ts: one row on the right at most, the last by its
 * time, nulls where there is none, and no left row twice. A null time on either side joins nothing. */
static void openmldb__last_join__is_one_row_at_or_before(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    static const int64_t rights[] = {1, 3, 3, 5};
    for (int64_t i = 0; i < 4; i++) {
        world_set_i(world_add_row(&w, "a", 0, rights[i] * SECOND), i);
    }
    world_set_i(world_add_row(&w, "a", 0, WORLD_NULL_TIME), 9);
    for (int64_t t = 0; t <= 6; t++) {
        world_add_label(&w, "a", 0, t * SECOND);
    }
    world_add_label(&w, "b", 0, 5 * SECOND);
    world_add_label(&w, "a", 0, WORLD_NULL_TIME);
    /* Of the two at 3 s OpenMLDB takes either; here the later row. */
    check_ints(answers_of(&w, &plain), (const int64_t[]){NOTHING, 0, 0, 2, 2, 3, 3, NOTHING, NOTHING}, 9);
    world_close(&w);
}

/* Its functions over 4, 1, null, 3, 2: median 2.5, avg 2.5, var_samp 5/3, var_pop 5/4, stddev the roots, nulls left out; of one
 * value the sample's deviations are null, the population's 0. */
static void openmldb__median_and_deviations__are_the_same_functions(void **state) {
    (void)state;
    static const floe_function functions[] = {FLOE_FN_PERCENTILE,   FLOE_FN_MEAN,   FLOE_FN_VARIANCE,
                                              FLOE_FN_VARIANCE_POP, FLOE_FN_STDDEV, FLOE_FN_STDDEV_POP};
    const double of_four[] = {2.5, 2.5, 5.0 / 3, 1.25, sqrt(5.0 / 3), sqrt(1.25)};
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    for (size_t i = 0; i < 6; i++) {
        world_parameter(world_output(&w, view, functions[i], WORLD_I, 0), 0, 0.5);
    }
    static const int64_t values[] = {4, 1, 0, 3, 2};
    for (int64_t i = 0; i < 5; i++) {
        world_row *row = world_add_row(&w, "a", 0, i);
        if (i != 2) {
            world_set_i(row, values[i]);
        }
    }
    world_add_label(&w, "a", 0, 4);
    world_add_label(&w, "a", 0, 0);
    const floe_value *answers = answers_of(&w, &plain);
    for (size_t i = 0; i < 6; i++) {
        assert_true(fabs(answers[2 * i].as.real - of_four[i]) <= 1e-15);
        bool of_sample = functions[i] == FLOE_FN_VARIANCE || functions[i] == FLOE_FN_STDDEV;
        assert_int_equal(answers[2 * i + 1].is_null, of_sample);
        assert_true(of_sample || answers[2 * i + 1].as.real == (i < 2 ? 4 : 0));
    }
    world_close(&w);
}

/* ---- Chronon: RowAggregatorTest, NaiveAggregator ---- */

/* Titles A B D A B at 1 … 5: last B, last_k [B, A], first_k [A, B], first A, min A, max D, three distinct, approximately
 * as well. Chronon's TOP_K is the largest values, [D, B]; floe's is the most frequent, ties by the smaller: [A, B]. */
static void chronon__row_aggregator__first_last_and_distinct_agree(void **state) {
    (void)state;
    static const char *const titles[] = {"A", "B", "D", "A", "B"};
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    static const floe_function functions[] = {FLOE_FN_LAST, FLOE_FN_FIRST, FLOE_FN_MIN, FLOE_FN_MAX};
    static const floe_function lists[] = {FLOE_FN_LAST_K, FLOE_FN_FIRST_K, FLOE_FN_TOP_K};
    static const floe_function counts[] = {FLOE_FN_COUNT_DISTINCT, FLOE_FN_APPROX_COUNT_DISTINCT};
    for (int i = 0; i < 4; i++) {
        world_output(&w, view, functions[i], WORLD_S, 0);
    }
    for (int i = 0; i < 3; i++) {
        world_parameter(world_output(&w, view, lists[i], WORLD_S, 0), 2, 0);
    }
    for (int i = 0; i < 2; i++) {
        world_output(&w, view, counts[i], WORLD_S, 0);
    }
    for (int i = 0; i < 5; i++) {
        world_set_s(&w, world_add_row(&w, "a", 0, i + 1), titles[i]);
    }
    world_add_label(&w, "a", 0, 5);
    const floe_value *answers = answers_of(&w, &plain);
    static const char *const ends[] = {"B", "A", "A", "D"};
    for (int i = 0; i < 4; i++) {
        assert_true(floe_str_is(answers[i].as.bytes, ends[i]));
    }
    check_texts(&answers[4], (const char *const[]){"B", "A"}, 2);
    check_texts(&answers[5], (const char *const[]){"A", "B"}, 2);
    check_texts(&answers[6], (const char *const[]){"A", "B"}, 2);
    check_ints(&answers[7], (const int64_t[]){3, 3}, 2);
    world_close(&w);
}

/* The naive aggregator takes windowStart <= ts < queryTime: start inside, end outside, which is `at: before`. */
static void chronon__naive_window__has_its_start_and_not_its_end(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->at_before = true;
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, HOUR);
    for (int64_t at = 0; at <= 2 * HOUR; at += HOUR) {
        world_set_i(world_add_row(&w, "a", 0, at), 1);
        world_add_label(&w, "a", 0, at);
    }
    check_ints(answers_of(&w, &plain), (const int64_t[]){0, 1, 1}, 3);
    world_close(&w);
}

/* Its tail is rounded down to a hop, five minutes for an hour: asked at 12:07, a row of 11:06 counts, and at 12:10 no longer.
 * floe's windows are exact: the row left at 12:06. */
static void chronon__sawtooth_tail__is_not_ours(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->at_before = true;
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, HOUR);
    world_set_i(world_add_row(&w, "a", 0, 11 * HOUR + 6 * MINUTE), 1);
    world_add_label(&w, "a", 0, 12 * HOUR + 6 * MINUTE);
    world_add_label(&w, "a", 0, 12 * HOUR + 7 * MINUTE);
    world_add_label(&w, "a", 0, 12 * HOUR + 10 * MINUTE);
    check_ints(answers_of(&w, &plain), (const int64_t[]){1, 0, 0}, 3); /* Chronon: 1 1 0 */
    world_close(&w);
}

/* LAST on equal times keeps the first seen there; here the later row wins, offline and online. */
static void chronon__last_of_equal_times__is_the_later_row_here(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_LAST, WORLD_I, 0);
    world_set_i(world_add_row(&w, "a", 0, 7), 1);
    world_set_i(world_add_row(&w, "a", 0, 7), 2);
    world_add_label(&w, "a", 0, 7);
    check_ints(answers_of(&w, &plain), (const int64_t[]){2}, 1); /* Chronon: 1 */
    world_close(&w);
}

/* SNAPSHOT accuracy answers as of the midnight before the question, TEMPORAL as of it. floe's answer is the second; the first is
 * what a label at midnight gets. Without a window everything counts in both. */
static void chronon__snapshot_accuracy__is_a_label_at_midnight(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->at_before = true;
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, 0);
    world_output(&w, view, FLOE_FN_SUM, WORLD_I, DAY);
    static const int64_t hours[] = {-30, -10, 0, 14};
    for (size_t i = 0; i < 4; i++) {
        world_set_i(world_add_row(&w, "a", 0, hours[i] * HOUR), (int64_t)1 << i);
    }
    world_add_label(&w, "a", 0, 15 * HOUR);
    world_add_label(&w, "a", 0, 0);
    /* At 15:00 the day before has -9:00 … 15:00: hours 0 and 14. At midnight it has -24:00 … 0:00: the row of -10 alone. */
    check_ints(answers_of(&w, &plain), (const int64_t[]){4, 2, 4 + 8, 2}, 4);
    world_close(&w);
}

/* ---- Feast: test_historical_features_containing_backfills, and where its engines differ ---- */

static world_row *stats(world *w, const char *driver, int64_t trips, int64_t event, int64_t created) {
    world_row *row = world_add_row(w, driver, 0, event);
    world_set_i(row, trips);
    row->created = created;
    return row;
}

/* 1001: two rows of one time, the one created later wins, 20. 1002: an older time created later loses, 40. */
static void feast__backfills__are_decided_by_event_then_created(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    stats(&w, "1001", 20, 0, DAY);
    stats(&w, "1002", 30, 0, DAY);
    stats(&w, "1002", 40, DAY, 0);
    world_add_label(&w, "1001", 0, 2 * DAY);
    world_add_label(&w, "1002", 0, 2 * DAY);
    check_ints(answers_of(&w, &plain), (const int64_t[]){20, 40}, 2);
    world_close(&w);
}

/* event >= t - ttl, the edge included, as in Feast; one microsecond more is outside. */
static void feast__ttl__includes_its_edge(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->ttl_us = DAY;
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    world_add_label(&w, "1001", 0, DAY);
    world_add_label(&w, "1001", 0, DAY + 1);
    check_ints(answers_of(&w, &plain), (const int64_t[]){10, NOTHING}, 2);
    world_close(&w);
}

/* First divergence: its file engine collapses spine rows of one key and time into one. Here every row comes out. */
static void feast__equal_spine_rows__stay_apart(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    for (int i = 0; i < 3; i++) {
        world_add_label(&w, "1001", 0, DAY);
    }
    check_ints(answers_of(&w, &plain), (const int64_t[]){10, 10, 10}, 3);
    world_close(&w);
}

/* Second: its file engine drops a spine row whose only rows lie outside the ttl. Here it is null. */
static void feast__only_rows_outside_the_ttl__give_null_and_no_missing_row(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    view->ttl_us = HOUR;
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    world_add_label(&w, "1001", 0, DAY);
    world_add_label(&w, "1002", 0, DAY);
    world_add_label(&w, "1001", 0, HOUR);
    check_ints(answers_of(&w, &plain), (const int64_t[]){NOTHING, NOTHING, 10}, 3);
    world_close(&w);
}

/* Third: SQL engines join the latest rows back by time, and a full tie of two rows makes two rows of every label. Here one
 * wins, and the tie is counted. */
static void feast__full_ties__do_not_multiply_rows(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    stats(&w, "1001", 20, 0, 0);
    stats(&w, "1001", 30, 0, 0);
    world_add_label(&w, "1001", 0, DAY);
    floe_error err = {0};
    floe_value *answers;
    floe_pit_stats counted;
    world_ask_all(&w);
    assert_ok(world_run(&w, &plain, 1, 1, &answers, &counted, &err), &err);
    check_ints(answers, (const int64_t[]){30}, 1);
    assert_int_equal(counted.ties, 1);
    world_close(&w);
}

/* Composite keys put together without a separator: ("1", 11) would meet ("11", 1). */
static void feast__composite_keys__are_compared_part_by_part(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", true), FLOE_FN_NONE, WORLD_I, 0);
    world_set_i(world_add_row(&w, "1", 11, 0), 5);
    world_add_label(&w, "11", 1, DAY);
    world_add_label(&w, "1", 11, DAY);
    check_ints(answers_of(&w, &plain), (const int64_t[]){NOTHING, 5}, 2);
    world_close(&w);
}

/* filter_by_created_timestamp: rows created after the label, or with a null created time, are not there. */
static void feast__created_cutoff__is_as_known(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    stats(&w, "1001", 10, 0, 0);
    stats(&w, "1001", 20, 1, 2 * DAY);
    stats(&w, "1001", 30, 2, WORLD_NULL_TIME);
    world_add_label(&w, "1001", 0, DAY);
    check_ints(answers_of(&w, &(floe_pit_options){.as_known = true}), (const int64_t[]){10}, 1);
    check_ints(answers_of(&w, &plain), (const int64_t[]){30}, 1);
    world_close(&w);
}

/* Null join keys never match, not even each other, and their spine row stays, as one without a time does. */
static void feast__null_keys__match_nothing_and_keep_their_row(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", true), FLOE_FN_NONE, WORLD_I, 0);
    world_row *row = world_add_row(&w, "a", 1, 0);
    world_set_i(row, 5);
    row->cells[WORLD_K2].is_null = true;
    world_set_i(world_add_row(&w, "a", 1, 0), 6);
    world_label *label = world_add_label(&w, "a", 1, DAY);
    label->k2.is_null = true;
    world_add_label(&w, "a", 1, DAY);
    world_add_label(&w, "a", 1, WORLD_NULL_TIME);
    check_ints(answers_of(&w, &plain), (const int64_t[]){NOTHING, 6, NOTHING}, 3);
    world_close(&w);
}

/* Its file engine drops duplicates by the keys of all views joined so far, so that one view's answer depends on those before it.
 * Here each is asked for itself: in either order, and alone. */
static void feast__several_views__do_not_see_each_other(void **state) {
    (void)state;
    for (int order = 0; order < 3; order++) {
        world w;
        world_init(&w);
        for (int i = 0; i < (order == 2 ? 1 : 2); i++) {
            bool pair = order == 1 ? i == 0 : i == 1;
            floe_view *view = world_view(&w, pair ? "by_both" : "by_one", pair);
            view->ttl_us = pair ? HOUR : 0;
            world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
        }
        world_set_i(world_add_row(&w, "a", 1, 0), 1);
        world_set_i(world_add_row(&w, "a", 2, HOUR), 2);
        world_add_label(&w, "a", 1, HOUR);
        world_add_label(&w, "a", 2, HOUR);
        world_add_label(&w, "a", 1, 3 * HOUR);
        world_add_label(&w, "a", 1, HOUR);
        static const int64_t by_one[] = {2, 2, 2, 2}, by_both[] = {1, 2, NOTHING, 1};
        const floe_value *answers = answers_of(&w, &plain);
        check_ints(answers, order == 1 ? by_both : by_one, 4);
        if (order < 2) {
            check_ints(answers + 4, order == 1 ? by_one : by_both, 4);
        }
        world_close(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openmldb__rows_range__is_closed_where_ours_is_half_open),
        cmocka_unit_test(openmldb__exclude_current_time__is_at_before),
        cmocka_unit_test(openmldb__two_partition_keys__do_not_mix),
        cmocka_unit_test(openmldb__last_join__is_one_row_at_or_before),
        cmocka_unit_test(openmldb__median_and_deviations__are_the_same_functions),
        cmocka_unit_test(chronon__snapshot_accuracy__is_a_label_at_midnight),
        cmocka_unit_test(chronon__row_aggregator__first_last_and_distinct_agree),
        cmocka_unit_test(chronon__naive_window__has_its_start_and_not_its_end),
        cmocka_unit_test(chronon__sawtooth_tail__is_not_ours),
        cmocka_unit_test(chronon__last_of_equal_times__is_the_later_row_here),
        cmocka_unit_test(feast__backfills__are_decided_by_event_then_created),
        cmocka_unit_test(feast__ttl__includes_its_edge),
        cmocka_unit_test(feast__equal_spine_rows__stay_apart),
        cmocka_unit_test(feast__only_rows_outside_the_ttl__give_null_and_no_missing_row),
        cmocka_unit_test(feast__full_ties__do_not_multiply_rows),
        cmocka_unit_test(feast__composite_keys__are_compared_part_by_part),
        cmocka_unit_test(feast__created_cutoff__is_as_known),
        cmocka_unit_test(feast__null_keys__match_nothing_and_keep_their_row),
        cmocka_unit_test(feast__several_views__do_not_see_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
