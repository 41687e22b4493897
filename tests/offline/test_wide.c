/*
 * Exact sums. Expected values: CPython's math.fsum and fractions (named where used), and random cases whose terms are
 * multiples of one power of two, so that their exact sum is an __int128, which the compiler rounds to nearest even.
 */
#include "offline/pit/exact/wide.h"
#include "tests/support/support.h"

#include <float.h>
#include <math.h>

static floe_wide fresh(void) {
    floe_wide wide = {.low = 0, .high = FLOE_WIDE_LIMBS - 1};
    floe_wide_reset(&wide);
    return wide;
}

static double sum_of(const double *values, size_t count) {
    floe_wide wide = fresh();
    for (size_t i = 0; i < count; i++) {
        floe_wide_add_double(&wide, values[i], false);
    }
    return floe_wide_value(&wide);
}

static void assert_same(double got, double want) {
    if (memcmp(&got, &want, sizeof(got)) != 0) {
        fail_msg("got %.17g (%a), want %.17g (%a)", got, got, want, want);
    }
}

/* Each line: python3 -c "import math; print(math.fsum([…]).hex())". */
static void wide__hostile_sums__are_fsum(void **state) {
    (void)state;
    static const struct {
        double values[6];
        size_t count;
        double want;
    } cases[] = {
        {{1e300, 1.0, -1e300}, 3, 1.0},
        {{1e16, 1.0, 1e-16}, 3, 0x1.1c37937e08001p+53},  /* above the tie of 1e16 + 1: up */
        {{1e16, 1.0, -1e-16}, 3, 0x1.1c37937e08000p+53}, /* below it: down */
        {{1e16, 1.0}, 2, 0x1.1c37937e08000p+53},         /* on it: to even */
        {{0x1.0000000000001p+53, 1.0}, 2, 0x1.0000000000002p+53},
        {{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, 6, 0x1.3333333333334p-1},
        {{DBL_MAX, DBL_MAX, -DBL_MAX}, 3, DBL_MAX},
        {{0x1p-1074, 0x1p-1074}, 2, 0x1p-1073},
        {{0x1p-1022, -0x1p-1074}, 2, 0x0.fffffffffffffp-1022},
        {{0x1p-1074, 1e300, -1e300}, 3, 0x1p-1074},
        {{1.0, 0x1p-53, 0x1p-1074}, 3, 0x1.0000000000001p+0}, /* the smallest number there is breaks the tie */
        {{-1.0, -0x1p-53, -0x1p-1074}, 3, -0x1.0000000000001p+0},
        {{-0.0, -0.0}, 2, 0.0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_same(sum_of(cases[i].values, cases[i].count), cases[i].want);
    }
}

static void wide__more_than_a_double_holds__is_infinite_and_comes_back(void **state) {
    (void)state;
    floe_wide wide = fresh();
    for (int i = 0; i < 1000; i++) {
        floe_wide_add_double(&wide, DBL_MAX, false);
    }
    assert_same(floe_wide_value(&wide), INFINITY);
    for (int i = 0; i < 999; i++) {
        floe_wide_add_double(&wide, DBL_MAX, true);
    }
    assert_same(floe_wide_value(&wide), DBL_MAX);
    floe_wide_add_double(&wide, -DBL_MAX, false);
    floe_wide_add_double(&wide, -DBL_MAX, false);
    assert_same(floe_wide_value(&wide), -DBL_MAX);
}

/* Half a unit above DBL_MAX rounds to infinity (ties to even), anything less to DBL_MAX. */
static void wide__edge_of_double__rounds_as_ieee_says(void **state) {
    (void)state;
    double half_ulp = 0x1p+970;
    assert_same(sum_of((double[]){DBL_MAX, half_ulp}, 2), INFINITY);
    assert_same(sum_of((double[]){DBL_MAX, half_ulp, -1.0}, 3), DBL_MAX);
    assert_same(sum_of((double[]){-DBL_MAX, -half_ulp}, 2), -INFINITY);
}

static void wide__random_terms__round_once(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        int base = (int)floe_test_between(&rng, -1074, 850);
        size_t count = 1 + floe_test_below(&rng, 30);
        floe_wide wide = fresh();
        __int128 exact = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t mantissa = floe_test_between(&rng, -(INT64_C(1) << 53), INT64_C(1) << 53);
            int shift = (int)floe_test_below(&rng, 64);
            exact += (__int128)mantissa * ((__int128)1 << shift);
            floe_wide_add_double(&wide, ldexp((double)mantissa, base + shift), false);
        }
        /* Above 2^-1022 a double keeps 53 bits, so scaling the rounded integer is exact. */
        double want = ldexp((double)exact, base);
        if (exact == 0 || fabs(want) >= 0x1p-1021) {
            assert_same(floe_wide_value(&wide), want);
        }
    }
}

/* 10^5 terms of every size in any order, taken away in another order: nothing is left. */
static void wide__what_left__leaves_nothing(void **state) {
    (void)state;
    enum { TERMS = 100000 };
    static double values[TERMS];
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 1);
    floe_wide sum = fresh(), squares = fresh();
    for (size_t i = 0; i < TERMS; i++) {
        double mantissa = (double)floe_test_between(&rng, -(INT64_C(1) << 53), INT64_C(1) << 53);
        values[i] = ldexp(mantissa, (int)floe_test_between(&rng, -1120, 960));
        floe_wide_add_double(&sum, values[i], false);
        floe_wide_add_square(&squares, values[i], false);
    }
    floe_wide_add_double(&sum, 0.25, false);
    for (size_t i = TERMS; i-- > 0;) {
        size_t other = floe_test_below(&rng, i + 1);
        floe_wide_add_double(&sum, values[other], true);
        floe_wide_add_square(&squares, values[other], true);
        values[other] = values[i];
    }
    assert_same(floe_wide_value(&sum), 0.25);
    assert_same(floe_wide_value(&squares), 0.0);
}

static double spread_of(const double *values, size_t count, int *exponent) {
    floe_wide sum = fresh(), squares = fresh();
    for (size_t i = 0; i < count; i++) {
        floe_wide_add_double(&sum, values[i], false);
        floe_wide_add_square(&squares, values[i], false);
    }
    return floe_wide_spread(&squares, &sum, (int64_t)count, exponent);
}

static double root_of_spread(const double *values, size_t count) {
    int exponent;
    double spread = spread_of(values, count, &exponent);
    assert_int_equal(exponent % 2, 0);
    return ldexp(sqrt(spread), exponent / 2);
}

/* n·Σx² − (Σx)² of integers fits __int128; at other scales the root scales with them. */
static void wide__spread__is_exact_at_every_scale(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 2);
    for (int round = 0; round < 1000; round++) {
        int scale = (int)floe_test_between(&rng, -1070, 980);
        size_t count = 2 + floe_test_below(&rng, 20);
        double values[22];
        __int128 total = 0, squares = 0;
        int64_t offset = floe_test_between(&rng, -(INT64_C(1) << 40), INT64_C(1) << 40);
        for (size_t i = 0; i < count; i++) {
            int64_t value = offset + floe_test_between(&rng, -3, 3); /* nearly equal: a plain sum would cancel */
            values[i] = ldexp((double)value, scale);
            total += value;
            squares += (__int128)value * value;
        }
        double want = ldexp(sqrt((double)((__int128)count * squares - total * total)), scale);
        double got = root_of_spread(values, count);
        if (fabs(want) >= 0x1p-1021 || want == 0) {
            assert_true(fabs(got - want) <= 1e-15 * want);
        }
    }
}

static void wide__spread__of_equal_values_is_zero(void **state) {
    (void)state;
    static const double values[] = {0.1, 1e300, 0x1p-1074, -DBL_MAX, 3.7};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        double equal[7];
        for (size_t k = 0; k < 7; k++) {
            equal[k] = values[i];
        }
        assert_same(root_of_spread(equal, 7), 0.0);
    }
}

/* 2·(a² + a²) − 0 = 4a²: its root is 2a, also where a² is outside double's range. */
static void wide__spread__of_the_largest_and_smallest_is_not_lost(void **state) {
    (void)state;
    assert_same(root_of_spread((double[]){1e300, -1e300}, 2), 2e300);
    assert_same(root_of_spread((double[]){1e-300, -1e-300}, 2), 2e-300);
    assert_same(root_of_spread((double[]){0x1p-1074, -0x1p-1074}, 2), 0x1p-1073);
    assert_same(root_of_spread((double[]){0x1p+1022, -0x1p+1022}, 2), 0x1p+1023);
}

static void wide__integers__are_taken_whole(void **state) {
    (void)state;
    floe_wide wide = fresh(), squares = fresh();
    __int128 large = ((__int128)INT64_MAX << 60) + 12345;
    floe_wide_add_int(&wide, large, false);
    floe_wide_add_int(&wide, -large + 7, false);
    assert_same(floe_wide_value(&wide), 7.0);
    floe_wide_add_int_square(&squares, large, false);
    floe_wide_add_int_square(&squares, -large, true);
    assert_same(floe_wide_value(&squares), 0.0);
    floe_wide_add_int_square(&squares, INT64_MIN, false);
    assert_same(floe_wide_value(&squares), 0x1p+126);
    floe_wide_add_int_square(&squares, (__int128)1 << 100, false);
    floe_wide_add_int_square(&squares, INT64_MIN, true);
    assert_same(floe_wide_value(&squares), 0x1p+200);
}

static floe_wide wide_of(__int128 value) {
    floe_wide wide = fresh();
    floe_wide_add_int(&wide, value, false);
    return wide;
}

/* Each line: |sum| as two halves, its sign, n, the scale; float(fractions.Fraction(sum, n * 10**scale)).hex(). */
static void wide__quotients__round_once(void **state) {
    (void)state;
    static const struct {
        uint64_t high, low;
        bool negative;
        int64_t n;
        unsigned scale;
        double want;
    } cases[] = {
        {0x0, 0x0, false, 3, 38, 0x0.0p+0},
        {0x0, 0x1, false, 1, 38, 0x1.b38fb9daa78e4p-127},
        {0x0, 0x1, true, 3, 38, -0x1.225fd13c6fb43p-128},
        {0x4b3b4ca85a86c47a, 0x98a223fffffffff, false, 1, 0, 0x1.2ced32a16a1b1p+126},
        {0x4b3b4ca85a86c47a, 0x98a223fffffffff, false, 1, 38, 0x1.0000000000000p+0},
        {0x4b3b4ca85a86c47a, 0x98a223fffffffff, true, 3, 0, -0x1.913c4381e2cecp+124},
        {0x4b3b4ca85a86c47a, 0x98a223fffffffff, false, 7, 20, 0x1.fb87d085a0925p+56},
        {0x0, 0x20000000000001, false, 1, 0, 0x1.0000000000000p+53},                          /* on the tie: to even */
        {0x0, 0x20000000000003, false, 1, 0, 0x1.0000000000002p+53},                          /* on the tie: to even */
        {0x0, 0x40000000000002, false, 2, 0, 0x1.0000000000000p+53},                          /* on the tie */
        {0x77359, 0x400000003b9aca00, false, 1, 9, 0x1.0000000000000p+53},                    /* on the tie */
        {0x19fa83, 0x72200000cfd41b91, false, INT64_C(3486784401), 0, 0x1.0000000000000p+53}, /* on the tie */
        {0x19fa83, 0x72200000cfd41b92, false, INT64_C(3486784401), 0, 0x1.0000000000001p+53}, /* above it */
        {0x19fa83, 0x72200000cfd41b90, false, INT64_C(3486784401), 0, 0x1.0000000000000p+53}, /* below it */
        {0xad78ebc5ac6205, 0x6bc75e2d63100000, false, 1, 20, 0x1.0000000000000p+53},
        {0xad78ebc5ac6205, 0x6bc75e2d63100001, false, 1, 20, 0x1.0000000000001p+53}, /* above */
        {0xad78ebc5ac6205, 0x6bc75e2d630fffff, false, 1, 20, 0x1.0000000000000p+53}, /* below */
        {0x8000000000000, 0x3fdfffffffffffff, false, INT64_C(4611686018427387903), 0,
         0x1.0000000000000p+53}, /* on the tie */
        {0x8000000000000, 0x3fe0000000000000, false, INT64_C(4611686018427387903), 0,
         0x1.0000000000001p+53}, /* above it */
        {0x8000000000000, 0x3fdffffffffffffe, false, INT64_C(4611686018427387903), 0,
         0x1.0000000000000p+53},                                                     /* below it */
        {0x0, 0x1, false, INT64_C(9223372036854775807), 38, 0x1.b38fb9daa78e4p-190}, /* the smallest there is */
        {0x7fffffffffffffff, 0xffffffffffffffff, false, 1, 0, 0x1.0000000000000p+127},
        {0x7fffffffffffffff, 0xffffffffffffffff, true, INT64_C(9223372036854775807), 38, -0x1.b38fb9daa78e4p-63},
        {0x7fffffffffffffff, 0xffffffffffffffff, false, INT64_C(9223372036854775807), 0, 0x1.0000000000000p+64},
        {0x0, 0xf, false, 3, 1, 0x1.0000000000000p-1},
        {0x0, 0x20000000000003, true, 3, 2, -0x1.b4e81b4e81b51p+44},
        {0x60ef6b1a, 0xba6f072330000001, false, 30, 4, 0x1.52d02c7e14af7p+76},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        __int128 magnitude = (__int128)(((unsigned __int128)cases[i].high << 64) | cases[i].low);
        __int128 sum = cases[i].negative ? -magnitude : magnitude;
        floe_wide wide = wide_of(sum);
        assert_same(floe_int_quotient(sum, cases[i].n, cases[i].scale), cases[i].want);
        assert_same(floe_wide_quotient(&wide, cases[i].n, cases[i].scale), cases[i].want);
    }
}

/* Sums of floats; float(sum(map(fractions.Fraction, values)) / n).hex(). */
static void wide__quotients__are_not_rounded_again_where_doubles_end(void **state) {
    (void)state;
    static const struct {
        double values[4];
        int64_t n;
        double want;
    } cases[] = {
        {{0x1p-1074, 0x1p-1074, 0x1p-1074}, 2, 0x0.0000000000002p-1022}, /* 1.5 units: on the tie, to even */
        {{0x1p-1074, 0x1p-1073, 0x1p-1073}, 2, 0x0.0000000000002p-1022}, /* 2.5 units */
        {{-0x1p-1074, -0x1p-1073, -0x1p-1073}, 2, -0x0.0000000000002p-1022},
        {{0x1p-1074}, 2, 0.0},
        {{0x1p-1074}, INT64_MAX, 0.0},
        {{0x1p-1022}, 3, 0x0.5555555555555p-1022},
        {{0x1p-1022, 0x1p-1074}, 2, 0x0.8000000000000p-1022}, /* on the tie */
        {{DBL_MAX, DBL_MAX}, 2, DBL_MAX},
        {{DBL_MAX, DBL_MAX, DBL_MAX}, 2, INFINITY},
        {{1.0, 0x1p-1074}, 3, 0x1.5555555555555p-2},
        {{0.1, 0.2, 0.3}, 3, 0x1.999999999999ap-3},
        {{1e300, 1.0, -1e300}, 3, 0x1.5555555555555p-2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_wide wide = fresh();
        for (size_t v = 0; v < 4; v++) {
            floe_wide_add_double(&wide, cases[i].values[v], false);
        }
        assert_same(floe_wide_quotient(&wide, cases[i].n, 0), cases[i].want);
    }
}

/* The short ways of small sums and divisors against the long division of everything else. */
static void wide__quotients__are_the_same_by_every_way(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 3);
    for (int round = 0; round < 20000; round++) {
        __int128 sum = floe_test_between(&rng, INT64_MIN, INT64_MAX);
        sum = (sum * ((__int128)1 << floe_test_below(&rng, 63)) + floe_test_between(&rng, -9, 9)) >>
              floe_test_below(&rng, 110);
        int64_t n = 1 + (int64_t)floe_test_below(&rng, UINT64_C(1) << floe_test_below(&rng, 63));
        unsigned scale = (unsigned)floe_test_below(&rng, 39);
        floe_wide wide = wide_of(sum);
        assert_same(floe_int_quotient(sum, n, scale), floe_wide_quotient(&wide, n, scale));
    }
}

static void wide__reset__forgets(void **state) {
    (void)state;
    floe_wide wide = fresh();
    floe_wide_add_double(&wide, 1e300, false);
    floe_wide_add_double(&wide, 0x1p-1074, true);
    floe_wide_reset(&wide);
    assert_same(floe_wide_value(&wide), 0.0);
    floe_wide_add_double(&wide, 2.5, false);
    assert_same(floe_wide_value(&wide), 2.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide__hostile_sums__are_fsum),
        cmocka_unit_test(wide__more_than_a_double_holds__is_infinite_and_comes_back),
        cmocka_unit_test(wide__edge_of_double__rounds_as_ieee_says),
        cmocka_unit_test(wide__random_terms__round_once),
        cmocka_unit_test(wide__what_left__leaves_nothing),
        cmocka_unit_test(wide__spread__is_exact_at_every_scale),
        cmocka_unit_test(wide__spread__of_equal_values_is_zero),
        cmocka_unit_test(wide__spread__of_the_largest_and_smallest_is_not_lost),
        cmocka_unit_test(wide__integers__are_taken_whole),
        cmocka_unit_test(wide__quotients__round_once),
        cmocka_unit_test(wide__quotients__are_not_rounded_again_where_doubles_end),
        cmocka_unit_test(wide__quotients__are_the_same_by_every_way),
        cmocka_unit_test(wide__reset__forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
