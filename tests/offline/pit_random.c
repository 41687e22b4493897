/*
 * Random worlds: small numbers for times and values, so that ties, boundaries, nulls and duplicates are hit all the time.
 */
#include "tests/offline/pit_world.h"

#include <math.h>

static const char *const key_names[] = {"a", "b", "c", NULL};
static const char *const texts[] = {"", "x", "longer than what is kept in two words", "zz"};

static void set(world *w, world_row *row, int column, floe_value value) {
    row->cells[column] = value;
    row->cells[column].type = w->columns[column].type;
}

/* The types that only values of every kind tell apart. */
static void random_rest(world *w, floe_test_rng *rng, world_row *row) {
    if (floe_test_below(rng, 5) > 0) {
        set(w, row, WORLD_F, (floe_value){.as.real = ldexp((double)floe_test_between(rng, -9, 9), -1)});
    }
    if (floe_test_below(rng, 5) > 0) {
        set(w, row, WORLD_J, (floe_value){.as.integer = floe_test_between(rng, -3, 3)});
    }
    if (floe_test_below(rng, 5) > 0) {
        set(w, row, WORLD_X, (floe_value){.as.bytes = floe_str_of(texts[floe_test_below(rng, 4)])});
    }
    if (floe_test_below(rng, 5) > 0) {
        set(w, row, WORLD_Y, (floe_value){.as.integer = floe_test_between(rng, -2, 2)});
    }
    if (floe_test_below(rng, 5) > 0) {
        set(w, row, WORLD_T, (floe_value){.as.integer = floe_test_between(rng, -2, 2)});
    }
}

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
    random_rest(w, rng, row);
}

static const double quantiles[] = {0, 0.5, 0.95, 0.25, 1, 0.999};

static void random_view(world *w, floe_test_rng *rng, const char *name) {
    static const char *const wheres[] = {"i > 0", "s = 'x' OR d < 0", "b", "i IS NOT NULL AND NOT (m > 10)"};
    floe_view *view = world_view(w, name, floe_test_below(rng, 2));
    view->at_before = floe_test_below(rng, 2);
    view->ttl_us = floe_test_below(rng, 2) ? floe_test_between(rng, 1, 30) : 0;
    if (floe_test_below(rng, 2)) {
        world_where(w, view, wheres[floe_test_below(rng, 4)]);
    }
    static const int columns[] = {WORLD_I, WORLD_D, WORLD_S, WORLD_M, WORLD_B,
                                  WORLD_F, WORLD_J, WORLD_X, WORLD_Y, WORLD_T};
    for (int i = 0; i < 10; i++) {
        world_output(w, view, FLOE_FN_NONE, columns[i], 0);
    }
    int64_t windows[] = {0, floe_test_between(rng, 1, 10), floe_test_between(rng, 10, 60)};
    for (int i = 0; i < 2 * (FLOE_FN_END - FLOE_FN_COUNT); i++) {
        floe_function function = (floe_function)(FLOE_FN_COUNT + i / 2);
        bool numeric = floe_function_type(function, w->columns[WORLD_B].type).kind == FLOE_KIND_DOUBLE;
        static const int numbers[] = {WORLD_I, WORLD_D, WORLD_M, WORLD_J, WORLD_F};
        int column = numeric ? numbers[floe_test_below(rng, 5)] : columns[floe_test_below(rng, 10)];
        column = function == FLOE_FN_SUM ? numbers[floe_test_below(rng, 3)] : column;
        if (function == FLOE_FN_COUNT && floe_test_below(rng, 2)) {
            column = -1;
        }
        floe_output *output = world_output(w, view, function, column, windows[floe_test_below(rng, 3)]);
        world_parameter(output, (uint32_t)floe_test_between(rng, 1, 5), quantiles[floe_test_below(rng, 6)]);
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
