/*
 * Ranges against what they stand for: the values of [low, high) added one by one to an empty floe_moments (which
 * test_moments.c holds against exact sums), the best of them by a loop, the k-th by counting. To the last bit.
 */
#include "offline/pit/window/ranges.h"
#include "offline/pit/window/slide.h"
#include "tests/support/support.h"

#include <math.h>

enum { ROWS = 200, ROOM = ROWS + 8 };

typedef struct column_world {
    pit_column column;
    __int128 data[ROOM];
    uint8_t is_null[ROOM];
    pit_ranges ranges;
    pit_range *range;
} column_world;

static void open_world(column_world *w, floe_type type, bool squares) {
    floe_error err = {0};
    *w = (column_world){0};
    w->column.type = type;
    w->column.class = floe_pit_class(type);
    w->column.data.i128 = w->data;
    w->column.is_null = w->is_null;
    assert_ok(floe_pit_ranges_of(&w->ranges, &w->column, &w->range, &err), &err);
    pit_range *again;
    assert_ok(floe_pit_ranges_of(&w->ranges, &w->column, &again, &err), &err);
    assert_ptr_equal(w->range, again);
    w->range->wants_sums = true;
    w->range->wants_squares = squares;
    w->range->smallest.wanted = w->range->largest.wanted = true;
}

static void put(column_world *w, size_t row, double real, __int128 whole) {
    if (w->column.class == PIT_F64) {
        w->column.data.f64[row] = real;
    } else if (w->column.class == PIT_I64) {
        w->column.data.i64[row] = (int64_t)whole;
    } else {
        w->column.data.i128[row] = whole;
    }
}

static void add_one(const column_world *w, floe_moments *moments, uint32_t row) {
    if (w->column.class == PIT_F64) {
        floe_moments_real(moments, w->column.data.f64[row], false);
    } else if (w->column.class == PIT_I64) {
        floe_moments_whole(moments, w->column.data.i64[row], false);
    } else {
        floe_moments_decimal(moments, w->column.data.i128[row], false);
    }
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static void check_sums(const column_world *w, uint32_t low, uint32_t high, bool squares) {
    floe_moments one_by_one = {0}, by_range = {0};
    floe_error err = {0};
    assert_ok(floe_moments_want(&one_by_one, w->column.type, squares, &err), &err);
    assert_ok(floe_moments_want(&by_range, w->column.type, squares, &err), &err);
    for (uint32_t row = low; row < high; row++) {
        if (!w->is_null[row]) {
            add_one(w, &one_by_one, row);
        }
    }
    assert_int_equal(floe_pit_range_count(w->range, low, high), one_by_one.count);
    if (w->range->sums_fit && one_by_one.count > 0) {
        floe_pit_range_moments(w->range, low, high, &by_range);
        assert_int_equal(by_range.count, one_by_one.count);
        assert_true(same_bits(floe_moments_sum(&by_range), floe_moments_sum(&one_by_one)));
        assert_true(same_bits(floe_moments_mean(&by_range), floe_moments_mean(&one_by_one)));
        __int128 a = 0, b = 0;
        if (w->column.class != PIT_F64) {
            assert_true(floe_moments_total(&by_range, &a) && floe_moments_total(&one_by_one, &b) && a == b);
        }
        if (squares && w->range->squares_fit && one_by_one.count > 1) {
            assert_true(same_bits(floe_moments_variance(&by_range, false, true),
                                  floe_moments_variance(&one_by_one, false, true)));
            assert_true(same_bits(floe_moments_variance(&by_range, true, false),
                                  floe_moments_variance(&one_by_one, true, false)));
        }
    }
    floe_moments_close(&one_by_one);
    floe_moments_close(&by_range);
}

static void check_places(const column_world *w, uint32_t low, uint32_t high) {
    uint64_t count = (uint64_t)floe_pit_range_count(w->range, low, high), k = 0;
    for (uint32_t row = low; row < high; row++) {
        if (!w->is_null[row]) {
            assert_int_equal(floe_pit_range_row(w->range, low, high, k, false), row);
            assert_int_equal(floe_pit_range_row(w->range, low, high, count - 1 - k, true), row);
            k++;
        }
    }
    assert_int_equal(k, count);
}

/* The best by a loop; equal ones are any of them, so the cells are compared. */
static void check_peaks(const column_world *w, uint32_t low, uint32_t high) {
    uint32_t small = PIT_NO_ROW, large = PIT_NO_ROW;
    for (uint32_t row = low; row < high; row++) {
        if (w->is_null[row]) {
            continue;
        }
        small = small == PIT_NO_ROW || floe_pit_compare_cells(&w->column, row, small) < 0 ? row : small;
        large = large == PIT_NO_ROW || floe_pit_compare_cells(&w->column, row, large) > 0 ? row : large;
    }
    if (small != PIT_NO_ROW) {
        uint32_t got = floe_pit_peaks_best(&w->range->smallest, low);
        assert_true(got >= low && got < high);
        assert_int_equal(floe_pit_compare_cells(&w->column, got, small), 0);
        got = floe_pit_peaks_best(&w->range->largest, low);
        assert_true(got >= low && got < high);
        assert_int_equal(floe_pit_compare_cells(&w->column, got, large), 0);
    }
}

/* A key whose rows begin at `first`, let in a few at a time, with windows of every start. */
static void check_key(column_world *w, floe_test_rng *rng, uint32_t first, uint32_t last, bool squares) {
    floe_error err = {0};
    assert_ok(floe_pit_ranges_make(&w->ranges, first, last, &err), &err);
    for (uint32_t high = first; high < last;) {
        uint32_t next = high + 1 + (uint32_t)floe_test_below(rng, 9);
        next = next > last ? last : next;
        assert_ok(floe_pit_ranges_enter(&w->ranges, high, next, &err), &err);
        high = next;
        for (int i = 0; i < 4; i++) {
            uint32_t low = first + (uint32_t)floe_test_below(rng, high - first + 1);
            check_sums(w, low, high, squares);
            check_places(w, low, high);
            check_peaks(w, low, high);
        }
    }
}

static double draw_real(floe_test_rng *rng, uint64_t kind) {
    double part = ldexp((double)floe_test_between(rng, -(INT64_C(1) << 53), INT64_C(1) << 53), -53);
    switch (kind) {
    case 0:
        return part * 100; /* anything about as large */
    case 1:
        return (double)floe_test_between(rng, -1000, 1000); /* whole: squares fit */
    case 2:
        return ldexp(part, (int)floe_test_between(rng, -1074, -1000)); /* below the smallest normal */
    case 3:
        return ldexp(part, (int)floe_test_between(rng, 960, 1023)); /* sums beyond the largest */
    case 4:
        return floe_test_below(rng, 2) ? -0.0 : 0.0;
    default:
        return ldexp(part, (int)floe_test_between(rng, -30, 30));
    }
}

static void draw_cells(column_world *w, floe_test_rng *rng, uint64_t kind, uint64_t nulls) {
    for (size_t row = 0; row < ROWS; row++) {
        int64_t bits = (int64_t)floe_test_next(rng) >> (kind * 12);
        w->is_null[row] = nulls > 0 && floe_test_below(rng, nulls) == 0;
        put(w, row, draw_real(rng, kind), w->column.class == PIT_I128 && kind == 5 ? (__int128)bits * bits : bits);
    }
}

static void ranges__any_values__are_what_adding_one_by_one_gives(void **state) {
    (void)state;
    static const floe_type types[] = {{.kind = FLOE_KIND_DOUBLE},
                                      {.kind = FLOE_KIND_INT64},
                                      {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 2}};
    uint64_t first = floe_test_seed();
    static column_world w;
    for (uint64_t i = 0; i < 108; i++) {
        floe_test_rng rng = floe_test_rng_of(first + i);
        open_world(&w, types[i % 3], i % 2);
        draw_cells(&w, &rng, i / 3 % 6, i / 18 % 3 * 2);
        check_key(&w, &rng, 0, 60, i % 2);
        check_key(&w, &rng, 60, 61, i % 2);
        check_key(&w, &rng, 61, 61, i % 2); /* a key without rows */
        check_key(&w, &rng, 61, ROWS, i % 2);
        floe_pit_ranges_close(&w.ranges);
    }
}

/* Of these no sum of 128 bits is exact: they are left to windows that add one by one. */
static void ranges__values_too_far_apart__do_not_fit(void **state) {
    (void)state;
    static column_world w;
    floe_error err = {0};
    static const double pairs[][2] = {{1e300, 1}, {1, 0x1p-130}, {NAN, 1}, {INFINITY, 1}, {-INFINITY, 0}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        open_world(&w, (floe_type){.kind = FLOE_KIND_DOUBLE}, true);
        put(&w, 0, pairs[i][0], 0);
        put(&w, 1, pairs[i][1], 0);
        assert_ok(floe_pit_ranges_make(&w.ranges, 0, 2, &err), &err);
        assert_false(w.range->sums_fit);
        assert_false(w.range->squares_fit);
        w.is_null[0] = 1; /* what is null does not count */
        assert_ok(floe_pit_ranges_make(&w.ranges, 0, 2, &err), &err);
        assert_true(w.range->sums_fit);
        floe_pit_ranges_close(&w.ranges);
    }
}

/* 2^k and 1: two values need k + 1 bits and two more for their sums; 126 is the most that is let in. */
static void ranges__the_widest_that_fit__are_exact(void **state) {
    (void)state;
    static column_world w;
    floe_error err = {0};
    for (int k = 100; k < 127; k++) {
        open_world(&w, (floe_type){.kind = FLOE_KIND_DOUBLE}, false);
        put(&w, 0, ldexp(1, k), 0);
        put(&w, 1, 1, 0);
        assert_ok(floe_pit_ranges_make(&w.ranges, 0, 2, &err), &err);
        assert_int_equal(w.range->sums_fit, k + 1 + 2 <= 126);
        if (w.range->sums_fit) {
            check_sums(&w, 0, 2, false);
            check_sums(&w, 1, 2, false); /* 1 is left whole when 2^k goes */
        }
        floe_pit_ranges_close(&w.ranges);
    }
}

static void ranges__decimals_of_38_digits__are_left_alone_where_sums_may_wrap(void **state) {
    (void)state;
    static column_world w;
    floe_error err = {0};
    open_world(&w, (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 0}, true);
    __int128 most = 1;
    for (int i = 0; i < 38; i++) {
        most *= 10;
    }
    put(&w, 0, 0, most - 1);
    put(&w, 1, 0, 1 - most);
    assert_ok(floe_pit_ranges_make(&w.ranges, 0, 2, &err), &err);
    assert_false(w.range->sums_fit);
    put(&w, 0, 0, 5);
    put(&w, 1, 0, -7);
    assert_ok(floe_pit_ranges_make(&w.ranges, 0, 2, &err), &err);
    assert_true(w.range->sums_fit && w.range->squares_fit);
    check_sums(&w, 0, 2, true);
    floe_pit_ranges_close(&w.ranges);
}

static floe_status make_some(void *context, floe_error *err) {
    column_world *w = context;
    w->ranges = (pit_ranges){0};
    floe_status status = floe_pit_ranges_of(&w->ranges, &w->column, &w->range, err);
    if (!floe_failed(status)) {
        w->range->wants_sums = w->range->wants_squares = w->range->largest.wanted = true;
        status = floe_pit_ranges_make(&w->ranges, 0, ROWS, err);
    }
    if (!floe_failed(status)) {
        status = floe_pit_ranges_enter(&w->ranges, 0, ROWS, err);
    }
    floe_pit_ranges_close(&w->ranges);
    return status;
}

static void ranges__every_allocation__may_fail(void **state) {
    (void)state;
    static column_world w;
    open_world(&w, (floe_type){.kind = FLOE_KIND_INT64}, false);
    floe_pit_ranges_close(&w.ranges);
    for (size_t row = 0; row < ROWS; row++) {
        put(&w, row, 0, -(__int128)row); /* falling: every one is a peak */
    }
    assert_true(floe_test_alloc_sweep(make_some, &w) > 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges__any_values__are_what_adding_one_by_one_gives),
        cmocka_unit_test(ranges__values_too_far_apart__do_not_fit),
        cmocka_unit_test(ranges__the_widest_that_fit__are_exact),
        cmocka_unit_test(ranges__decimals_of_38_digits__are_left_alone_where_sums_may_wrap),
        cmocka_unit_test(ranges__every_allocation__may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
