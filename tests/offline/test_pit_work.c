/*
 * How much the kernel does, counted and not timed: rows that come in order of time are not sorted, and what was known late costs
 * steps in proportion to the rows, in whatever order it became known and however many labels ask.
 */
#include "core/mem.h"
#include "tests/offline/pit_world.h"

enum { EVERY = 10 /* µs between events */, WINDOWS = 3 };

/* Of n rows of one key. When was the i-th known? */
typedef int64_t (*known_fn)(int64_t i, int64_t n, floe_test_rng *rng);

static int64_t known_at_once(int64_t i, int64_t n, floe_test_rng *rng) {
    (void)n;
    (void)rng;
    return i * EVERY;
}
static int64_t known_soon(int64_t i, int64_t n, floe_test_rng *rng) { /* before the next label, in any order */
    (void)n;
    return i * EVERY + floe_test_between(rng, 0, 10 * EVERY);
}
static int64_t known_backwards(int64_t i, int64_t n, floe_test_rng *rng) {
    (void)rng;
    return (2 * n - i) * EVERY;
}
static int64_t known_together(int64_t i, int64_t n, floe_test_rng *rng) {
    (void)i;
    (void)rng;
    return n * EVERY;
}
static int64_t known_any_time(int64_t i, int64_t n, floe_test_rng *rng) {
    return i * EVERY + floe_test_between(rng, 0, n * EVERY);
}
static int64_t known_by_halves(int64_t i, int64_t n, floe_test_rng *rng) { /* every other as late as all rows take */
    (void)rng;
    return i * EVERY + (i % 2) * n * EVERY;
}

static void make_world(world *w, int64_t rows, int64_t labels, known_fn known, uint64_t seed) {
    static const int64_t values[] = {5, 3, 9, 1, 7};
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    floe_view *view = world_view(w, "v", false);
    world_output(w, view, FLOE_FN_SUM, WORLD_I, rows * EVERY / 2);
    world_output(w, view, FLOE_FN_MAX, WORLD_I, rows * EVERY / 2);
    world_output(w, view, FLOE_FN_MIN, WORLD_I, rows * EVERY);
    world_output(w, view, FLOE_FN_STDDEV, WORLD_I, 0);
    world_output(w, view, FLOE_FN_NONE, WORLD_I, 0);
    for (int64_t i = 0; i < rows; i++) {
        world_row *row = world_add_row(w, "a", 0, i * EVERY);
        world_set_i(row, i + values[i % 5]);
        row->created = known(i, rows, &rng);
    }
    for (int64_t i = 0; i < labels; i++) {
        world_add_label(w, "a", 0, 2 * rows * EVERY * i / labels);
    }
    world_ask_all(w);
}

static floe_status run(const world *w, const size_t *order, bool as_known, floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    FLOE_AUTO_STREAM labels = {0};
    FLOE_AUTO_STREAM rows = {0};
    size_t needs;
    floe_pit_options options = {.as_known = as_known, .threads = 1};
    FLOE_TRY(floe_pit_open(w->refs, w->ref_count, &options, &pit, err));
    FLOE_TRY(world_labels(w, false, &labels, err));
    FLOE_TRY(floe_pit_labels(pit, &labels, err));
    FLOE_TRY(world_rows(w, floe_pit_needs(pit, &needs), order, w->row_count, &rows, err));
    FLOE_TRY(floe_pit_feed_stream(pit, 0, &rows, err));
    FLOE_TRY(floe_pit_run(pit, &(floe_run){.threads = 1}, err));
    floe_pit_stats_get(pit, ret_stats);
    return FLOE_OK;
}

static size_t *in_order(world *w, bool falling) {
    size_t *order = floe_arena_alloc(&w->arena, w->row_count, sizeof(*order));
    for (size_t i = 0; i < w->row_count; i++) {
        order[i] = falling ? w->row_count - 1 - i : i;
    }
    return order;
}

static floe_pit_stats work_of(world *w, const size_t *order, bool as_known) {
    floe_pit_stats stats;
    floe_error err = {0};
    assert_ok(run(w, order, as_known, &stats, &err), &err);
    return stats;
}

static void source_in_order_of_time__is_neither_sorted_nor_stepped_through(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 31, 33, 1000, 5000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        world w;
        make_world(&w, counts[i], 40, known_at_once, 1);
        for (int as_known = 0; as_known < 2; as_known++) {
            floe_pit_stats stats = work_of(&w, in_order(&w, false), as_known);
            assert_int_equal(stats.rows_moved, 0);
            assert_int_equal(stats.rows_stepped, 0);
        }
        world_close(&w);
    }
}

/* Moves are counted at all: those of a source in another order, by every way of sorting. */
static void source_in_another_order__is_sorted_in_moves_that_follow_its_rows(void **state) {
    (void)state;
    static const int64_t counts[] = {31, 33, 1000, 5000, 40000};
    uint64_t seed = floe_test_seed();
    floe_test_rng rng = floe_test_rng_of(seed);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        world w;
        make_world(&w, counts[i], 40, known_at_once, seed);
        const size_t *orders[] = {in_order(&w, true), world_shuffled(&w, &rng)};
        for (size_t k = 0; k < 2; k++) {
            floe_pit_stats stats = work_of(&w, orders[k], false);
            assert_true(stats.rows_moved >= counts[i] / 2);
            assert_true(stats.rows_moved <=
                        counts[i] * 25); /* twelve halvings of 1.5 n, and 16 within thirty-two rows */
            assert_int_equal(stats.rows_stepped, 0);
        }
        world_close(&w);
    }
}

typedef struct shape {
    const char *name;
    known_fn known;
    int64_t most; /* steps and moves a row, in all windows together */
} shape;

/* Every row goes into each of the windows once and out at most once; a sort by digits moves it six times at most. Beyond that a
 * late row passes at most 65 others of a queue, or as many of a heap as it has levels, in two windows; and once all rows become a heap. */
enum { IN_AND_OUT = 2 * WINDOWS, SORT = 6, PASSED = 2 * (65 + 2 * 17 + 1) };
static const shape shapes[] = {{"soon", known_soon, IN_AND_OUT + SORT + 2 * 11 * 2},
                               {"backwards", known_backwards, IN_AND_OUT + SORT + PASSED},
                               {"together", known_together, IN_AND_OUT + SORT + PASSED},
                               {"any time", known_any_time, IN_AND_OUT + SORT + PASSED},
                               {"by halves", known_by_halves, IN_AND_OUT + SORT + PASSED}};

static int64_t steps_of(const shape *s, int64_t rows, int64_t labels, uint64_t seed) {
    world w;
    make_world(&w, rows, labels, s->known, seed);
    floe_pit_stats stats = work_of(&w, in_order(&w, false), true);
    world_close(&w);
    return stats.rows_moved + stats.rows_stepped;
}

static void known_late__costs_steps_in_proportion_to_rows_whatever_the_labels(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        static const int64_t rows[] = {4000, 40000};
        for (size_t n = 0; n < 2; n++) {
            int64_t few = steps_of(&shapes[i], rows[n], rows[n] / 100, seed);
            int64_t many = steps_of(&shapes[i], rows[n], rows[n], seed);
            if (few > shapes[i].most * rows[n] || many > shapes[i].most * rows[n]) {
                fail_msg("seed %llu, known %s: %lld rows cost %lld steps with few labels, %lld with many",
                         (unsigned long long)seed, shapes[i].name, (long long)rows[n], (long long)few, (long long)many);
            }
        }
        assert_true(steps_of(&shapes[i], 4000, 40, seed) > 0 || shapes[i].known == known_together);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_in_order_of_time__is_neither_sorted_nor_stepped_through),
        cmocka_unit_test(source_in_another_order__is_sorted_in_moves_that_follow_its_rows),
        cmocka_unit_test(known_late__costs_steps_in_proportion_to_rows_whatever_the_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
