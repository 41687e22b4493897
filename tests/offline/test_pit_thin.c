/*
 * Rows that can win for no label are left out while others still come in: the answers and the counted ties are those of a
 * loop over all rows; memory follows the labels, not the rows.
 */
#include "offline/pit/pit.h"
#include "tests/offline/pit_world.h"

#include <stdlib.h>
#include <string.h>

/* Leaves only the as-of features in the question. */
static void ask_as_of(world *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->ref_count; i++) {
        if (w->refs[i].output->function == FLOE_FN_NONE) {
            w->refs[kept++] = w->refs[i];
        }
    }
    w->ref_count = kept;
}

static bool same_value(const floe_value *a, const floe_value *b) {
    return a->is_null == b->is_null && (a->is_null || floe_value_compare(a, b) == 0);
}

static void check_against_loop(const world *w, const floe_pit_options *options, const floe_value *answers,
                               uint64_t seed) {
    for (size_t r = 0; r < w->ref_count; r++) {
        for (size_t l = 0; l < w->label_count; l++) {
            floe_value want;
            const floe_value *got = &answers[r * w->label_count + l];
            world_oracle(w, options, &w->refs[r], l, &want);
            if (!same_value(got, &want)) {
                world_fail(w, &w->refs[r], l, got, &want, "thinned", seed);
            }
        }
    }
}

static void thin__random_worlds__equal_the_loop_and_count_the_same_ties(void **state) {
    (void)state;
    const char *cases_text = getenv("FLOE_PIT_CASES");
    uint64_t cases = cases_text ? strtoull(cases_text, NULL, 10) : 300;
    uint64_t first = floe_test_seed();
    int64_t ties = 0;
    uint64_t asked = 0;
    for (uint64_t i = 0; i < cases; i++) {
        world w;
        floe_error err = {0};
        floe_value *answers;
        floe_pit_stats thinned;
        world_random(&w, first + i);
        floe_pit_options options = {.as_known = i % 3 == 1, .ignore_at = i % 7 == 3};
        ask_as_of(&w);
        if (w.ref_count > 0) {
            assert_ok(world_run(&w, &options, 1 + (int)(i % 3), first + i, &answers, &thinned, &err), &err);
            check_against_loop(&w, &options, answers, first + i);
            assert_int_equal(thinned.ties, world_oracle_ties(&w, &options));
            ties += thinned.ties;
            asked++;
        }
        world_close(&w);
    }
    assert_true(asked > cases / 4); /* or nothing was proved */
    assert_true(ties > 0);
}

/* One key; rows every 10 µs, labels every 1,000: of a hundred rows between two labels only one stays. */
static void thin__many_rows_between_labels__one_of_them_stays(void **state) {
    (void)state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
    for (int i = 0; i < 10000; i++) {
        world_set_i(world_add_row(&w, "a", 0, i * 10), i);
    }
    for (int i = 1; i <= 100; i++) {
        world_add_label(&w, "a", 0, i * 1000);
    }
    world_ask_all(&w);
    for (int threads = 1; threads <= 4; threads++) {
        floe_error err = {0};
        floe_value *answers;
        floe_pit_stats stats;
        floe_pit_options options = {0};
        assert_ok(world_run(&w, &options, threads, 3, &answers, &stats, &err), &err);
        for (int i = 1; i <= 100; i++) { /* the row at the label itself; after the last one there is none */
            assert_int_equal(answers[i - 1].as.integer, i == 100 ? 9999 : i * 100);
        }
        assert_int_equal(stats.rows_kept, 100);
    }
    world_close(&w);
}

static void thin__rows_after_the_last_label__are_not_kept(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    for (int i = 0; i < 50; i++) {
        world_set_i(world_add_row(&w, "a", 0, 100 + i), i);
    }
    world_add_label(&w, "a", 0, 99);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    floe_pit_stats stats;
    assert_ok(world_run(&w, &(floe_pit_options){0}, 1, 1, &answers, &stats, &err), &err);
    assert_true(answers[0].is_null);
    assert_int_equal(stats.rows_kept, 0);
    /* `before`: a row at the label's own time is the future too, and one microsecond earlier is not. */
    view->at_before = true;
    world_add_label(&w, "a", 0, 101);
    assert_ok(world_run(&w, &(floe_pit_options){0}, 1, 1, &answers, &stats, &err), &err);
    assert_int_equal(answers[1].as.integer, 0);
    assert_int_equal(stats.rows_kept, 1);
    world_close(&w);
}

/* The mark of a tie must live through the next look, and die with a better row. */
static void thin__ties__are_remembered_after_their_rows_are_gone(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        world w;
        world_init(&w);
        world_output(&w, world_view(&w, "v", false), FLOE_FN_NONE, WORLD_I, 0);
        for (int i = 0; i < 3; i++) {
            world_set_i(world_add_row(&w, "a", 0, 50), i); /* three that only file order tells apart */
        }
        world_set_i(world_add_row(&w, "a", 0, 150), 3);
        for (int i = 0; i < 20; i++) {
            world_set_i(world_add_row(&w, "a", 0, i), 100 + i); /* older ones, fed anywhere between */
        }
        world_add_label(&w, "a", 0, 60);  /* tied */
        world_add_label(&w, "a", 0, 149); /* the same winner, tied */
        world_add_label(&w, "a", 0, 200); /* the better row, not tied */
        world_ask_all(&w);
        floe_error err = {0};
        floe_value *answers;
        floe_pit_stats stats;
        for (uint64_t seed = 1; seed < 30; seed++) {
            assert_ok(world_run(&w, &(floe_pit_options){0}, threads, seed, &answers, &stats, &err), &err);
            assert_int_equal(answers[0].as.integer, 2);
            assert_int_equal(answers[1].as.integer, 2);
            assert_int_equal(answers[2].as.integer, 3);
            assert_int_equal(stats.ties, 2);
        }
        world_close(&w);
    }
}

/* An aggregate beside the feature needs every row; views of both kinds of `at` do, too. */
static void thin__questions_that_need_every_row__keep_them(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        world w;
        world_init(&w);
        floe_view *view = world_view(&w, "v", false);
        world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
        if (kind == 0) {
            world_output(&w, view, FLOE_FN_COUNT, -1, 0);
        } else {
            floe_view *other = world_view(&w, "u", false);
            other->at_before = true;
            world_output(&w, other, FLOE_FN_NONE, WORLD_I, 0);
        }
        for (int i = 0; i < 30; i++) {
            world_set_i(world_add_row(&w, "a", 0, i), i);
        }
        world_add_label(&w, "a", 0, 100);
        world_ask_all(&w);
        floe_error err = {0};
        floe_value *answers;
        floe_pit_stats stats;
        assert_ok(world_run(&w, &(floe_pit_options){0}, 1, 1, &answers, &stats, &err), &err);
        assert_int_equal(answers[0].as.integer, 29);
        assert_int_equal(answers[1].as.integer, kind == 0 ? 30 : 29);
        assert_int_equal(stats.rows_kept, 30);
        world_close(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thin__random_worlds__equal_the_loop_and_count_the_same_ties),
        cmocka_unit_test(thin__many_rows_between_labels__one_of_them_stays),
        cmocka_unit_test(thin__rows_after_the_last_label__are_not_kept),
        cmocka_unit_test(thin__ties__are_remembered_after_their_rows_are_gone),
        cmocka_unit_test(thin__questions_that_need_every_row__keep_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
