/*
 * Moments in order of time, ties by row, against qsort: every length around where the way of sorting changes, and the
 * shapes that have ways of their own (sorted, few runs, many equal, the ends of time).
 */
#include "offline/pit/question/sort.h"
#include "tests/support/support.h"

#include <stdlib.h>

static int compare(const void *a, const void *b) {
    const pit_moment *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

enum { SHAPES = 8, MOST = 5000 };

static int64_t draw(floe_test_rng *rng, int shape, size_t i, size_t count) {
    switch (shape) {
    case 0:
        return (int64_t)i; /* sorted */
    case 1:
        return (int64_t)(count - i); /* falling */
    case 2:
        return (int64_t)(i % (count / 3 + 1)); /* three runs */
    case 3:
        return 5;
    case 4:
        return floe_test_between(rng, 0, 3);
    case 5:
        return floe_test_below(rng, 2) ? INT64_MIN : INT64_MAX;
    case 6:
        return floe_test_between(rng, -1000000000000, 1000000000000);
    default:
        return (int64_t)floe_test_next(rng) >> floe_test_below(rng, 63);
    }
}

static void check(floe_test_rng *rng, int shape, size_t count, bool rising, uint64_t seed) {
    static pit_moment moments[MOST], want[MOST], spare[MOST];
    for (size_t i = 0; i < count; i++) {
        uint32_t row = rising ? (uint32_t)i * 3 : (uint32_t)floe_test_below(rng, 1000);
        moments[i] = want[i] = (pit_moment){draw(rng, shape, i, count), row};
    }
    qsort(want, count, sizeof(*want), compare);
    floe_pit_sort_moments(moments, count, spare);
    for (size_t i = 0; i < count; i++) {
        if (moments[i].at != want[i].at || moments[i].row != want[i].row) {
            fail_msg("seed %llu: %zu moments of shape %d, place %zu", (unsigned long long)seed, count, shape, i);
        }
    }
}

static void sort__every_shape_and_length__is_what_qsort_gives(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 31, 32, 33, 64, 65, 100, 1023, 1024, 1025, 2047, 4096, MOST};
    uint64_t seed = floe_test_seed();
    floe_test_rng rng = floe_test_rng_of(seed);
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t l = 0; l < sizeof(lengths) / sizeof(lengths[0]); l++) {
            check(&rng, shape, lengths[l], true, seed);
            check(&rng, shape, lengths[l], false, seed);
        }
    }
}

/* Sorted stretches one after the other: around the number that are merged, one fewer and one more. */
static void sort__runs__are_merged(void **state) {
    (void)state;
    static pit_moment moments[MOST], want[MOST], spare[MOST];
    for (size_t runs = 1; runs <= 12; runs++) {
        size_t each = 200, count = runs * each;
        for (size_t i = 0; i < count; i++) {
            moments[i] = want[i] = (pit_moment){(int64_t)(i % each) * 10 + (int64_t)(i / each) % 3, (uint32_t)i};
        }
        qsort(want, count, sizeof(*want), compare);
        floe_pit_sort_moments(moments, count, spare);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(moments[i].at, want[i].at);
            assert_int_equal(moments[i].row, want[i].row);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort__every_shape_and_length__is_what_qsort_gives),
        cmocka_unit_test(sort__runs__are_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
