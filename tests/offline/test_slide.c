/*
 * The structures that slide, each against counting by hand: the k-th smallest, the most frequent, a sketch from which values
 * leave; and rankings of every class of column.
 */
#include "core/mem.h"
#include "offline/pit/window/slide.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS_MAX = 40 };

/* A random multiset over ranks: one entry in or out. */
static bool change(floe_test_rng *rng, uint32_t *counts, size_t ranks, uint32_t *ret_rank) {
    *ret_rank = (uint32_t)floe_test_below(rng, (uint32_t)ranks);
    bool take = counts[*ret_rank] > 0 && floe_test_below(rng, 2) > 0;
    counts[*ret_rank] += take ? UINT32_MAX : 1;
    return take;
}

static uint32_t kth(const uint32_t *counts, uint64_t k) {
    uint32_t rank = 0;
    while (k >= counts[rank]) {
        k -= counts[rank++];
    }
    return rank;
}

static void ladder__any_history__gives_the_kth_smallest(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    floe_error err = {0};
    pit_ladder ladder = {0};
    for (size_t round = 0; round < 60; round++) {
        floe_test_rng rng = floe_test_rng_of(seed + round);
        size_t ranks = 1 + floe_test_below(&rng, RANKS_MAX);
        uint32_t counts[RANKS_MAX] = {0};
        assert_ok(floe_pit_ladder_reset(&ladder, ranks, &err), &err);
        for (int step = 0; step < 200; step++) {
            uint32_t rank;
            bool take = change(&rng, counts, ranks, &rank);
            floe_pit_ladder_add(&ladder, rank, take);
            uint64_t total = 0;
            for (size_t i = 0; i < ranks; i++) {
                total += counts[i];
            }
            for (uint64_t k = 0; k < total; k++) {
                assert_int_equal(floe_pit_ladder_at(&ladder, k), kth(counts, k));
            }
        }
    }
    floe_pit_ladder_close(&ladder);
}

/* The k most frequent by taking the best of what is left, k times. */
static size_t top(const uint32_t *counts, size_t ranks, size_t k, uint32_t *ret_ranks) {
    uint32_t left[RANKS_MAX];
    size_t listed = 0;
    memcpy(left, counts, sizeof left);
    while (listed < k) {
        size_t best = 0;
        for (size_t i = 1; i < ranks; i++) {
            best = left[i] > left[best] ? i : best;
        }
        if (left[best] == 0) {
            break;
        }
        left[best] = 0;
        ret_ranks[listed++] = (uint32_t)best;
    }
    return listed;
}

static void contest__any_history__lists_the_most_frequent(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    floe_error err = {0};
    pit_contest contest = {0};
    for (size_t round = 0; round < 60; round++) {
        floe_test_rng rng = floe_test_rng_of(seed + round);
        size_t ranks = 1 + floe_test_below(&rng, RANKS_MAX);
        uint32_t counts[RANKS_MAX] = {0};
        assert_ok(floe_pit_contest_reset(&contest, ranks, &err), &err);
        for (int step = 0; step < 200; step++) {
            uint32_t rank, got[RANKS_MAX + 2], want[RANKS_MAX + 2];
            size_t count = 0, k = 1 + floe_test_below(&rng, RANKS_MAX + 1);
            bool take = change(&rng, counts, ranks, &rank);
            floe_pit_contest_add(&contest, rank, take);
            assert_ok(floe_pit_contest_top(&contest, k, got, &count, &err), &err);
            assert_int_equal(count, top(counts, ranks, k, want));
            assert_memory_equal(got, want, count * sizeof *got);
        }
    }
    floe_pit_contest_close(&contest);
}

/* A sketch of what is in, made anew, has the same registers as the one that values came into and left. Cells are few, so that
 * registers are shared and ranks cover each other. */
static void sketch__values_that_left__leave_nothing_behind(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    floe_error err = {0};
    pit_sketch sketch = {0};
    for (size_t round = 0; round < 40; round++) {
        floe_test_rng rng = floe_test_rng_of(seed + round);
        size_t ranks = 1 + floe_test_below(&rng, RANKS_MAX);
        uint32_t counts[RANKS_MAX] = {0}, cells[RANKS_MAX];
        for (size_t i = 0; i < ranks; i++) { /* A ranking's cells differ. */
            cells[i] = (uint32_t)((i % 3) * 64 + 1 + i / 3 * 3 + floe_test_below(&rng, 3));
        }
        pit_ranking ranking = {.kind = PIT_BY_HASH, .cell_of = cells, .count = ranks};
        assert_ok(floe_pit_sketch_reset(&sketch, ranks, &err), &err);
        for (int step = 0; step < 150; step++) {
            uint32_t rank;
            bool take = change(&rng, counts, ranks, &rank);
            floe_pit_sketch_add(&sketch, &ranking, rank, take);
            uint32_t largest[FLOE_SKETCH_REGISTERS] = {0}, want[FLOE_SKETCH_RANK_MAX + 1] = {0};
            for (size_t i = 0; i < ranks; i++) {
                uint32_t *slot = &largest[cells[i] / 64];
                *slot = counts[i] > 0 && cells[i] % 64 > *slot ? cells[i] % 64 : *slot;
            }
            for (size_t i = 0; i < FLOE_SKETCH_REGISTERS; i++) {
                want[largest[i]]++;
            }
            assert_memory_equal(sketch.registers, want, sizeof want);
        }
        floe_pit_sketch_clear(&sketch, &ranking);
    }
    floe_pit_sketch_close(&sketch);
}

/* ---- rankings ---- */

enum { ROWS = 300 };

typedef struct column_world {
    pit_group group;
    pit_column column;
} column_world;

static void fill(column_world *w, floe_type type, floe_test_rng *rng) {
    static const double reals[] = {-INFINITY, -1.5, -0.0, 0.0, 2, INFINITY, NAN};
    static const char *const texts[] = {"", "a", "ab", "b", "\xc3\xa9"};
    floe_error err = {0};
    *w = (column_world){0};
    w->column.type = type;
    w->column.class = floe_pit_class(type);
    floe_pit_symbols_init(&w->column.symbols);
    w->column.symbols.has_values = w->column.class == PIT_SYMBOL;
    pthread_mutex_init(&w->column.lock, NULL);
    assert_ok(floe_pit_column_reserve(&w->column, ROWS, &err), &err);
    for (size_t row = 0; row < ROWS; row++) {
        floe_value value = {.type = type, .is_null = floe_test_below(rng, 5) == 0};
        if (type.kind == FLOE_KIND_STRING) {
            value.as.bytes = floe_str_of(texts[floe_test_below(rng, 5)]);
        } else if (type.kind == FLOE_KIND_DOUBLE) {
            value.as.real = reals[floe_test_below(rng, 7)];
        } else if (type.kind == FLOE_KIND_DECIMAL) {
            value.as.decimal = floe_test_between(rng, -3, 3);
        } else {
            value.as.integer = floe_test_between(rng, -3, 3);
        }
        bool symbols = w->column.class == PIT_SYMBOL;
        size_t len = floe_pit_cell_len(w->column.class);
        pit_cell cell = {(char *)w->column.data.i64 + row * len, symbols ? &w->column.symbol[row] : NULL,
                         &w->column.is_null[row]};
        assert_ok(floe_pit_cell_set(&w->column, &cell, &value, &err), &err);
    }
}

static void ranking__every_class__orders_as_values_compare(void **state) {
    (void)state;
    static const floe_type types[] = {{.kind = FLOE_KIND_INT64},
                                      {.kind = FLOE_KIND_DOUBLE},
                                      {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2},
                                      {.kind = FLOE_KIND_STRING}};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_error err = {0};
    for (size_t t = 0; t < 4; t++) {
        column_world w;
        fill(&w, types[t], &rng);
        pit_ranking ranking = {.kind = PIT_BY_VALUE, .group = &w.group, .column = &w.column};
        for (uint32_t first = 0; first < 120; first += 40) {
            uint32_t last = first + 90;
            assert_ok(floe_pit_ranking_make(&ranking, first, last, &err), &err);
            for (uint32_t a = first; a < last; a++) {
                for (uint32_t b = first; b < last; b++) {
                    floe_value x, y;
                    floe_pit_column_get(&w.column, a, &x);
                    floe_pit_column_get(&w.column, b, &y);
                    if (x.is_null || y.is_null) {
                        continue;
                    }
                    int order = floe_value_compare(&x, &y);
                    uint32_t ra = ranking.rank[a - first], rb = ranking.rank[b - first];
                    assert_int_equal((ra > rb) - (ra < rb), (order > 0) - (order < 0));
                    assert_true(ra < ranking.count);
                }
            }
        }
        floe_pit_ranking_close(&ranking);
        floe_pit_column_close(&w.column);
    }
}

/* By event, then created, then file order, as the winner is picked. */
static void ranking__by_order__is_that_of_the_winner(void **state) {
    (void)state;
    int64_t event[] = {5, 7, 7, 7, 7, 9}, created[] = {9, 1, INT64_MIN, 1, 1, 0}, seq[] = {0, 2, 9, 1, 2, 0},
            pos[] = {0, 1, 9, 7, 0, 0};
    static const uint32_t want[] = {0, 4, 1, 2, 3, 5};
    pit_group group = {.event = event, .created = created, .seq = seq, .pos = pos};
    pit_ranking ranking = {.kind = PIT_BY_ORDER, .group = &group};
    floe_error err = {0};
    assert_ok(floe_pit_ranking_make(&ranking, 0, 6, &err), &err);
    assert_int_equal(ranking.count, 6);
    assert_memory_equal(ranking.rank, want, sizeof want);
    for (uint32_t row = 0; row < 6; row++) {
        assert_int_equal(ranking.row_of[want[row]], row);
    }
    floe_pit_ranking_close(&ranking);
}

static floe_status make_all(void *context, floe_error *err) {
    (void)context;
    pit_contest contest = {0};
    pit_ladder ladder = {0};
    pit_sketch sketch = {0};
    uint32_t ranks[4];
    size_t count;
    floe_status status = floe_pit_contest_reset(&contest, 9, err);
    status = floe_failed(status) ? status : floe_pit_contest_top(&contest, 3, ranks, &count, err);
    status = floe_failed(status) ? status : floe_pit_ladder_reset(&ladder, 9, err);
    status = floe_failed(status) ? status : floe_pit_sketch_reset(&sketch, 9, err);
    floe_pit_contest_close(&contest);
    floe_pit_ladder_close(&ladder);
    floe_pit_sketch_close(&sketch);
    return status;
}

static void slide__every_allocation__may_fail(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(make_all, NULL) >= 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladder__any_history__gives_the_kth_smallest),
        cmocka_unit_test(contest__any_history__lists_the_most_frequent),
        cmocka_unit_test(sketch__values_that_left__leave_nothing_behind),
        cmocka_unit_test(ranking__every_class__orders_as_values_compare),
        cmocka_unit_test(ranking__by_order__is_that_of_the_winner),
        cmocka_unit_test(slide__every_allocation__may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
