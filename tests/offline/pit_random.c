/*
 * Random worlds: small numbers for times and values, so that ties, boundaries, nulls and duplicates are hit all the time.
 */
#include "tests/offline/pit_world.h"

#include <math.h>

static const char *const key_names[] = {"a", "b", "c", NULL};
static const char *const texts[] = {"", "x", "y", "zz"};

static void random_row(world *w, floe_test_rng *rng) {
    int64_t event = floe_test_below(rng, 40) == 0 ? WORLD_NULL_TIME : floe_test_between(rng, -20, 60);
    world_row *row = world_add_row(w, key_names[floe_test_below(rng, 4)], floe_test_between(rng, 0, 1), event);
    row->seq = floe_test_between(rng, 0, 3);
    if (floe_test_below(rng, 4) > 0) {
        row->created = (event == WORLD_NULL_TIME ? 0 : event) + floe_test_between(rng, -3, 25);
    }
    if (floe_test_below(rng, 3) == 0) {
        row->end = floe_test_between(rng, -20, 70);
    }
    if (floe_test_below(rng, 5) > 0) {
        world_set_i(row, floe_test_below(rng, 6) == 0 ? floe_test_between(rng, -(INT64_C(1) << 55), INT64_C(1) << 55)
                                                      : floe_test_between(rng, -5, 5));
    }
    if (floe_test_below(rng, 5) > 0) {
        /* Multiples of 2^-10 below 2^20: sums of hundreds of them are exact in double, so the oracle may add plainly. */
        world_set_d(row, ldexp((double)floe_test_between(rng, -(1 << 20), 1 << 20), -10));
    }
    if (floe_test_below(rng, 5) > 0) {
        world_set_s(w, row, texts[floe_test_below(rng, 4)]);
    }
    if (floe_test_below(rng, 5) > 0) {
        world_set_m(row, floe_test_between(rng, -100000, 100000));
    }
    if (floe_test_below(rng, 5) > 0) {
        row->cells[WORLD_B] = (floe_value){.type = w->columns[WORLD_B].type, .as.boolean = floe_test_below(rng, 2)};
    }
}

static void random_view(world *w, floe_test_rng *rng, const char *name) {
    static const char *const wheres[] = {"i > 0", "s = 'x' OR d < 0", "b", "i IS NOT NULL AND NOT (m > 10)"};
    floe_view *view = world_view(w, name, floe_test_below(rng, 2));
    view->at_before = floe_test_below(rng, 2);
    view->ttl_us = floe_test_below(rng, 2) ? floe_test_between(rng, 1, 30) : 0;
    if (floe_test_below(rng, 2)) {
        world_where(w, view, wheres[floe_test_below(rng, 4)]);
    }
    static const int columns[] = {WORLD_I, WORLD_D, WORLD_S, WORLD_M, WORLD_B};
    for (int i = 0; i < 5; i++) {
        world_output(w, view, FLOE_FN_NONE, columns[i], 0);
    }
    int64_t windows[] = {0, floe_test_between(rng, 1, 10), floe_test_between(rng, 10, 60)};
    for (int i = 0; i < 12; i++) {
        floe_function function = (floe_function)floe_test_between(rng, FLOE_FN_COUNT, FLOE_FN_COUNT_DISTINCT);
        bool numeric = function == FLOE_FN_SUM || function == FLOE_FN_MEAN || function == FLOE_FN_STDDEV;
        static const int numbers[] = {WORLD_I, WORLD_D, WORLD_M};
        int column = numeric ? numbers[floe_test_below(rng, 3)] : columns[floe_test_below(rng, 5)];
        if (function == FLOE_FN_COUNT && floe_test_below(rng, 2)) {
            column = -1;
        }
        world_output(w, view, function, column, windows[floe_test_below(rng, 3)]);
    }
}

void world_random(world *w, uint64_t seed) {
    static const char *const names[] = {"v0", "v1", "v2"};
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    size_t rows = floe_test_below(&rng, 120), labels = floe_test_below(&rng, 60);
    for (size_t i = 0; i < rows; i++) {
        random_row(w, &rng);
    }
    for (size_t i = 0; i < labels; i++) {
        int64_t time = floe_test_below(&rng, 30) == 0 ? WORLD_NULL_TIME : floe_test_between(&rng, -25, 80);
        world_add_label(w, key_names[floe_test_below(&rng, 4)], floe_test_between(&rng, 0, 1), time);
    }
    size_t views = 1 + floe_test_below(&rng, 3);
    for (size_t i = 0; i < views; i++) {
        random_view(w, &rng, names[i]);
    }
    world_ask_all(w);
}
