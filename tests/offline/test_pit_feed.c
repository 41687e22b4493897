/*
 * Rows in by several threads: worlds larger than a batch, a chunk and a part, with a key that has most of the rows, fed in
 * any order, in order of time, and by one to eight threads, give the same bits; a failure in a thread ends the feed.
 */
#include "core/mem.h"
#include "tests/offline/pit_world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const floe_pit_options plain = {0};

/* Keys "0"…: a third of the rows have key 0. Values need many bits, so that an order that mattered would show. */
static void fill_world(world *w, floe_test_rng *rng, size_t rows, size_t keys) {
    for (size_t i = 0; i < rows; i++) {
        char key[24];
        size_t k = floe_test_below(rng, 3) == 0 ? 0 : floe_test_below(rng, keys);
        snprintf(key, sizeof(key), "%zu", k);
        world_row *row =
            world_add_row(w, floe_arena_strdup(&w->arena, key), (int64_t)(k % 2), floe_test_between(rng, 0, 5000));
        row->seq = floe_test_between(rng, 0, 2);
        row->created = row->event + floe_test_between(rng, 0, 40);
        if (floe_test_below(rng, 7) > 0) {
            world_set_d(row, ldexp((double)floe_test_between(rng, -1000000007, 1000000007),
                                   (int)floe_test_between(rng, -20, 20)));
        }
        if (floe_test_below(rng, 7) > 0) {
            world_set_i(row, floe_test_between(rng, -100, 100));
        }
        world_set_s(w, row, floe_test_below(rng, 2) ? "left" : "right");
    }
}

static void fill_labels(world *w, floe_test_rng *rng, size_t labels, size_t keys) {
    for (size_t i = 0; i < labels; i++) {
        char key[24];
        size_t k = floe_test_below(rng, keys + 2); /* the last two have no rows */
        snprintf(key, sizeof(key), "%zu", k);
        world_add_label(w, floe_arena_strdup(&w->arena, key), (int64_t)(k % 2), floe_test_between(rng, -5, 5100));
    }
}

static void ask(world *w, bool aggregates, bool lists) {
    floe_view *view = world_view(w, "v", true);
    view->ttl_us = 900;
    world_output(w, view, FLOE_FN_NONE, WORLD_I, 0);
    world_output(w, view, FLOE_FN_NONE, WORLD_D, 0);
    world_output(w, view, FLOE_FN_NONE, WORLD_S, 0);
    static const floe_function functions[] = {
        FLOE_FN_COUNT,  FLOE_FN_SUM,        FLOE_FN_MEAN,        FLOE_FN_MIN,
        FLOE_FN_MAX,    FLOE_FN_FIRST,      FLOE_FN_LAST,        FLOE_FN_COUNT_DISTINCT,
        FLOE_FN_STDDEV, FLOE_FN_PERCENTILE, FLOE_FN_VARIANCE_POP};
    for (size_t f = 0; aggregates && f < sizeof(functions) / sizeof(functions[0]); f++) {
        for (int64_t window = 0; window < 1000; window += 300) {
            floe_output *output = world_output(w, view, functions[f], f % 2 ? WORLD_D : WORLD_I, window);
            world_parameter(output, 3, 0.25);
        }
    }
    if (lists) {
        world_parameter(world_output(w, view, FLOE_FN_LAST_K, WORLD_I, 400), 3, 0);
    }
    world_ask_all(w);
}

static void assert_same(const world *w, const floe_value *a, const floe_value *b, uint64_t seed) {
    for (size_t r = 0; r < w->ref_count; r++) {
        for (size_t l = 0; l < w->label_count; l++) {
            const floe_value *x = &a[r * w->label_count + l], *y = &b[r * w->label_count + l];
            bool reals = x->type.kind == FLOE_KIND_DOUBLE;
            bool same = x->is_null == y->is_null &&
                        (x->is_null || (reals ? memcmp(&x->as.real, &y->as.real, sizeof(double)) == 0
                                              : floe_value_compare(x, y) == 0));
            if (!same) {
                world_fail(w, &w->refs[r], l, x, y, "another feed", seed);
            }
        }
    }
}

static void check_feeds(bool aggregates, bool lists, bool known) {
    uint64_t seed = floe_test_seed();
    floe_test_rng rng = floe_test_rng_of(seed);
    floe_pit_options options = {.as_known = known};
    world w;
    world_init(&w);
    fill_world(&w, &rng, 6000, 300);
    fill_labels(&w, &rng, 700, 300);
    ask(&w, aggregates, lists);
    floe_error err = {0};
    floe_value *first, *other;
    floe_pit_stats stats, again;
    assert_ok(world_run(&w, &options, 1, seed, &first, &stats, &err), &err);
    for (size_t r = 0; r < w.ref_count; r += 5) { /* and right: against the loop, a part of them */
        for (size_t l = 0; l < w.label_count; l += 29) {
            floe_value want;
            world_oracle(&w, &options, &w.refs[r], l, &want);
            if (!world_rounds(w.refs[r].output->function) && w.refs[r].output->function != FLOE_FN_SUM &&
                w.refs[r].output->function != FLOE_FN_MEAN &&
                !world_same(&w.refs[r], &first[r * w.label_count + l], &want)) {
                world_fail(&w, &w.refs[r], l, &first[r * w.label_count + l], &want, "the rule", seed);
            }
        }
    }
    for (int threads = 2; threads <= 8; threads += 3) {
        assert_ok(world_run(&w, &options, threads, seed + (uint64_t)threads, &other, &again, &err), &err);
        assert_same(&w, first, other, seed);
        assert_int_equal(stats.ties, again.ties);
        assert_int_equal(stats.rows_kept, again.rows_kept);
    }
    world_close(&w);
}

static void feed__as_of_alone__gives_the_same_bits_by_any_threads(void **state) {
    (void)state;
    check_feeds(false, false, false);
    check_feeds(false, false, true);
}

static void feed__windows__give_the_same_bits_by_any_threads(void **state) {
    (void)state;
    check_feeds(true, false, false);
    check_feeds(true, false, true);
}

static void feed__windows_and_lists__give_the_same_bits_by_any_threads(void **state) {
    (void)state;
    check_feeds(true, true, false);
}

static int by_event(const void *a, const void *b) {
    const world_row *x = a, *y = b;
    return (x->event > y->event) - (x->event < y->event);
}

/* Sources sorted by time skip the sort; whether they do must not show. Rows keep their positions. */
static void feed__rows_in_order_of_time__give_the_same_bits(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    floe_test_rng rng = floe_test_rng_of(seed);
    world w;
    world_init(&w);
    fill_world(&w, &rng, 4000, 50);
    fill_labels(&w, &rng, 300, 50);
    ask(&w, true, true);
    floe_error err = {0};
    floe_value *shuffled, *sorted;
    assert_ok(world_run(&w, &plain, 3, seed, &shuffled, NULL, &err), &err);
    qsort(w.rows, w.row_count, sizeof(*w.rows), by_event);
    for (int threads = 1; threads <= 4; threads += 3) {
        FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
        floe_pit_options options = {.threads = threads};
        size_t count, *order = world_shuffled(&w, &rng);
        for (size_t i = 0; i < w.row_count; i++) {
            order[i] = i;
        }
        assert_ok(floe_pit_open(w.refs, w.ref_count, &options, &pit, &err), &err);
        FLOE_AUTO_STREAM labels = {0};
        FLOE_AUTO_STREAM rows = {0};
        FLOE_AUTO_STREAM answers = {0};
        assert_ok(world_labels(&w, false, &labels, &err), &err);
        assert_ok(floe_pit_labels(pit, &labels, &err), &err);
        assert_ok(world_rows(&w, floe_pit_needs(pit, &count), order, w.row_count, &rows, &err), &err);
        assert_ok(floe_pit_feed_stream(pit, 0, &rows, &err), &err);
        assert_ok(floe_pit_run(pit, NULL, &err), &err);
        assert_ok(floe_pit_stream(pit, &answers, &err), &err);
        assert_ok(world_read(&w, &answers, &sorted, &err), &err);
        assert_same(&w, shuffled, sorted, seed);
    }
    world_close(&w);
}

/* A stream of good batches and then one whose text goes backwards: whichever thread meets it, the feed fails. */
typedef struct bad_stream {
    struct ArrowArrayStream inner;
    int batches;
} bad_stream;

static floe_status bad_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    bad_stream *stream = context;
    return floe_arrow_stream_schema(&stream->inner, "rows", ret_schema, err);
}

static floe_status bad_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    bad_stream *stream = context;
    FLOE_TRY(floe_arrow_stream_next(&stream->inner, "rows", ret_batch, err));
    if (ret_batch->release && ++stream->batches == 3) {
        int32_t *offsets = (int32_t *)(uintptr_t)ret_batch->children[WORLD_K1]->buffers[1];
        offsets[1] = offsets[0] + 5;
        offsets[2] = offsets[0];
    }
    return FLOE_OK;
}

static void bad_close(void *context) {
    bad_stream *stream = context;
    floe_arrow_stream_release(&stream->inner);
}

static void feed__failure_in_a_thread__ends_the_feed_with_its_message(void **state) {
    (void)state;
    static const floe_stream_source source = {bad_schema, bad_next, bad_close};
    floe_test_rng rng = floe_test_rng_of(1);
    world w;
    world_init(&w);
    fill_world(&w, &rng, 2000, 20);
    fill_labels(&w, &rng, 100, 20);
    ask(&w, true, false);
    for (int threads = 1; threads <= 5; threads++) {
        floe_error err = {0};
        FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
        floe_pit_options options = {.threads = threads};
        bad_stream bad = {.batches = 0};
        size_t count;
        assert_ok(floe_pit_open(w.refs, w.ref_count, &options, &pit, &err), &err);
        FLOE_AUTO_STREAM labels = {0};
        FLOE_AUTO_STREAM rows = {0};
        assert_ok(world_labels(&w, false, &labels, &err), &err);
        assert_ok(floe_pit_labels(pit, &labels, &err), &err);
        size_t *order = world_shuffled(&w, &rng);
        assert_ok(world_rows(&w, floe_pit_needs(pit, &count), order, w.row_count, &bad.inner, &err), &err);
        assert_ok(floe_arrow_stream_make(&source, &bad, &rows, &err), &err);
        assert_true(floe_failed(floe_pit_feed_stream(pit, 0, &rows, &err)));
        assert_int_equal(err.code, FLOE_CORRUPT);
        assert_non_null(strstr(err.message, "offsets that go backwards"));
    }
    world_close(&w);
}

/* No batch, and batches without rows, are a source without rows. */
static void feed__nothing__leaves_counts_zero(void **state) {
    (void)state;
    for (int threads = 1; threads <= 4; threads += 3) {
        world w;
        world_init(&w);
        ask(&w, true, true);
        world_add_label(&w, "0", 0, 10);
        floe_error err = {0};
        floe_value *answers;
        floe_pit_stats stats;
        assert_ok(world_run(&w, &plain, threads, 1, &answers, &stats, &err), &err);
        for (size_t r = 0; r < w.ref_count; r++) {
            floe_function function = w.refs[r].output->function;
            assert_int_equal(answers[r].is_null, !floe_function_counts(function));
        }
        assert_int_equal(stats.rows_kept, 0);
        world_close(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feed__as_of_alone__gives_the_same_bits_by_any_threads),
        cmocka_unit_test(feed__windows__give_the_same_bits_by_any_threads),
        cmocka_unit_test(feed__windows_and_lists__give_the_same_bits_by_any_threads),
        cmocka_unit_test(feed__rows_in_order_of_time__give_the_same_bits),
        cmocka_unit_test(feed__failure_in_a_thread__ends_the_feed_with_its_message),
        cmocka_unit_test(feed__nothing__leaves_counts_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
