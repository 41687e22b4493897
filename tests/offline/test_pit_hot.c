/*
 * One key with most of all labels: its slices, which several threads answer, give what one thread gives that answers it whole, bit
 * for bit; and every key is somebody's exactly once.
 */
#include "core/limits.h"
#include "offline/pit/run/divide.h"
#include "tests/offline/pit_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOT_ROWS 20000
#define HOT_LABELS 24000

static void hot_rows(world *w, floe_test_rng *rng) {
    for (int i = 0; i < HOT_ROWS; i++) {
        world_row *row = world_add_row(w,
                                       floe_test_below(rng, 5)   ? "a"
                                       : floe_test_below(rng, 2) ? "b"
                                                                 : "c",
                                       floe_test_between(rng, 0, 1), floe_test_between(rng, 0, 5000));
        row->seq = floe_test_between(rng, 0, 2);
        row->created = floe_test_below(rng, 9) == 0 ? WORLD_NULL_TIME : row->event + floe_test_between(rng, 0, 400);
        row->end = floe_test_below(rng, 3) == 0 ? row->event + floe_test_between(rng, 0, 300) : WORLD_NO_END;
        if (floe_test_below(rng, 6) > 0) {
            world_set_i(row, floe_test_between(rng, -9, 9));
            world_set_d(row, floe_test_below(rng, 50) ? (double)floe_test_between(rng, -99, 99) / 7 : 1e300);
            world_set_s(w, row, floe_test_below(rng, 2) ? "x" : floe_test_below(rng, 2) ? "y" : "zz");
            world_set_m(row, floe_test_between(rng, -900, 900));
        }
    }
    for (int i = 0; i < HOT_LABELS; i++) {
        int64_t time = i % 101 == 0 ? WORLD_NULL_TIME : floe_test_between(rng, -10, 5100);
        world_add_label(w,
                        floe_test_below(rng, 5)   ? "a"
                        : floe_test_below(rng, 2) ? "b"
                                                  : "none",
                        floe_test_between(rng, 0, 1), time);
    }
}

/* As-of features alone, which are answered out of slots. */
static void make_newest(world *w, uint64_t seed) {
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    floe_view *plain = world_view(w, "plain", false), *ttl = world_view(w, "ttl", false);
    ttl->ttl_us = 40;
    for (int column = WORLD_I; column <= WORLD_M; column++) {
        world_output(w, plain, FLOE_FN_NONE, column, 0);
        world_output(w, ttl, FLOE_FN_NONE, column, 0);
    }
    world_output(w, world_view(w, "pair", true), FLOE_FN_NONE, WORLD_I, 0);
    world_ask_all(w);
    hot_rows(w, &rng);
}

/* Windows that are ranges, and those that rows enter and leave. */
static void make_windows(world *w, uint64_t seed) {
    static const floe_function functions[] = {FLOE_FN_COUNT, FLOE_FN_SUM,    FLOE_FN_MEAN, FLOE_FN_MIN,
                                              FLOE_FN_MAX,   FLOE_FN_STDDEV, FLOE_FN_LAST, FLOE_FN_FIRST};
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    floe_view *view = world_view(w, "v", false), *before = world_view(w, "before", false);
    before->at_before = true;
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        world_output(w, view, functions[i], WORLD_D, 60);
        world_output(w, view, functions[i], WORLD_I, 0);
        world_output(w, before, functions[i], WORLD_M, 900);
    }
    world_output(w, view, FLOE_FN_COUNT_DISTINCT, WORLD_S, 60);
    world_parameter(world_output(w, view, FLOE_FN_PERCENTILE, WORLD_I, 60), 0, 0.3);
    world_parameter(world_output(w, view, FLOE_FN_LAST_K, WORLD_I, 60), 3, 0);
    world_parameter(world_output(w, view, FLOE_FN_TOP_K, WORLD_D, 60), 3, 0);
    world_output(w, before, FLOE_FN_NONE, WORLD_S, 0);
    world_ask_all(w);
    hot_rows(w, &rng);
}

static bool is_same(const floe_value *a, const floe_value *b) {
    bool real = a->type.kind == FLOE_KIND_DOUBLE || a->type.kind == FLOE_KIND_FLOAT;
    return a->is_null == b->is_null && (a->is_null || (real ? memcmp(&a->as.real, &b->as.real, sizeof(double)) == 0
                                                            : floe_value_compare(a, b) == 0));
}

/* One thread divides nothing. */
static void check_threads(void (*make)(world *w, uint64_t seed), uint64_t seed) {
    for (int known = 0; known < 2; known++) {
        world w;
        floe_error err = {0};
        floe_value *whole, *shared;
        floe_pit_stats all, stats;
        const floe_pit_options options = {.as_known = known == 1};
        make(&w, seed + (uint64_t)known);
        assert_ok(world_run(&w, &options, 1, 1, &whole, &all, &err), &err);
        for (int threads = 2; threads <= 5; threads += 3) {
            assert_ok(world_run(&w, &options, threads, 2, &shared, &stats, &err), &err);
            for (size_t i = 0; i < w.ref_count * w.label_count; i++) {
                if (!is_same(&shared[i], &whole[i])) {
                    world_fail(&w, &w.refs[i / w.label_count], i % w.label_count, &shared[i], &whole[i], "one thread",
                               seed);
                }
            }
            assert_int_equal(stats.ties, all.ties);
            assert_int_equal(stats.rows_kept, all.rows_kept);
        }
        world_close(&w);
    }
}

static void pit__as_of_of_one_hot_key__is_the_same_by_any_threads(void **state) {
    (void)state;
    check_threads(make_newest, 10);
}

static void pit__windows_of_one_hot_key__are_the_same_by_any_threads(void **state) {
    (void)state;
    check_threads(make_windows, 20);
}

/* ---- who takes what ---- */

typedef struct taker {
    pit_shares *shares;
    uint8_t *taken; /* per label; threads write different ones */
    int twice;
} taker;

static void *take_all(void *context) {
    taker *t = context;
    pit_slice slices[PIT_SHARE_MOST];
    for (size_t count; (count = floe_pit_shares_take(t->shares, slices)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            for (uint32_t label = slices[i].first; label < slices[i].last; label++) {
                t->twice += t->taken[label]++ > 0;
            }
        }
    }
    return NULL;
}

/* Labels per key, the ends of stretches among them; `part` of 4 parts of the keys, 4: all. Returns how many slices there are. */
static size_t check_shares(const uint32_t *labels, size_t keys, int threads, uint32_t part) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    uint32_t *start = calloc(keys + 1, sizeof(*start));
    for (size_t k = 0; k < keys; k++) {
        start[k + 1] = start[k] + labels[k];
    }
    const pit_group group = {.keys = {.count = keys}, .label_start = start};
    const pit_stint stint = part < 4 ? (pit_stint){.mask = 3, .first = part, .last = part + 1} : (pit_stint){.last = 1};
    pit_shares shares;
    assert_ok(floe_pit_shares_make(&group, &stint, threads, &arena, &shares, &err), &err);
    uint8_t *taken = calloc(start[keys] + 1, 1);
    taker takers[4];
    pthread_t others[4];
    for (int i = 0; i < 4; i++) {
        takers[i] = (taker){&shares, taken, 0};
        assert_int_equal(pthread_create(&others[i], NULL, take_all, &takers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(others[i], NULL);
        assert_int_equal(takers[i].twice, 0);
    }
    for (size_t k = 0; k < keys; k++) {
        bool asked = floe_pit_stint_has(&stint, (uint32_t)k);
        for (uint32_t label = start[k]; label < start[k + 1]; label++) {
            assert_int_equal(taken[label], asked ? 1 : 0);
        }
    }
    free(taken);
    free(start);
    return shares.slice_count;
}

static void shares__any_keys__are_each_taken_once(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(5);
    for (int round = 0; round < 60; round++) {
        uint32_t labels[200];
        size_t keys = 1 + floe_test_below(&rng, 200);
        for (size_t k = 0; k < keys; k++) {
            labels[k] = (uint32_t)floe_test_below(&rng, 8) == 0 ? (uint32_t)floe_test_below(&rng, 20000)
                                                                : (uint32_t)floe_test_below(&rng, 3);
        }
        (void)check_shares(labels, keys, 1 + (int)floe_test_below(&rng, 6), (uint32_t)floe_test_below(&rng, 5));
    }
}

/* 4 threads: a key stays whole up to a sixteenth of all labels. */
static void shares__keys_beyond_their_share__are_divided_and_no_others(void **state) {
    (void)state;
    const uint32_t half[] = {5, 80000, 70000, 10000, 0}, even[] = {10000, 10000, 10000, 10000};
    const uint32_t few[] = {4096, 1}, more[] = {4097, 1};
    assert_int_equal(check_shares(half, 5, 4, 4), 2 * 4);
    assert_int_equal(check_shares(half, 5, 1, 4), 0);
    assert_int_equal(check_shares(even, 4, 2, 4), 4 * 2);
    assert_int_equal(check_shares(few, 2, 4, 4), 0);
    assert_int_equal(check_shares(more, 2, 4, 4), 4);
    assert_int_equal(check_shares(half, 5, 4, 1), 4); /* the second key alone */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pit__as_of_of_one_hot_key__is_the_same_by_any_threads),
        cmocka_unit_test(pit__windows_of_one_hot_key__are_the_same_by_any_threads),
        cmocka_unit_test(shares__any_keys__are_each_taken_once),
        cmocka_unit_test(shares__keys_beyond_their_share__are_divided_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
