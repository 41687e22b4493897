/*
 * Exact moments: against sums in 128 bits and in long double over values that both hold, whatever came and went before; and the
 * figures of Python's statistics and math.fsum.
 */
#include "offline/pit/exact/moments.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdlib.h>

static const floe_type whole_type = {.kind = FLOE_KIND_INT64};
static const floe_type real_type = {.kind = FLOE_KIND_DOUBLE};
static const floe_type money_type = {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = 2};

static floe_moments opened(floe_type type) {
    floe_moments moments = {0};
    floe_error err = {0};
    assert_ok(floe_moments_want(&moments, type, true, &err), &err);
    floe_moments_reset(&moments);
    return moments;
}

static void check_near(double got, long double want) {
    if (fabsl((long double)got - want) > 1e-12L * fabsl(want)) {
        fail_msg("%.17g, not %.17Lg", got, want);
    }
}

/* Values of any size; half of them leave again in another order. */
static void moments__integers__are_those_of_what_is_in(void **state) {
    (void)state;
    uint64_t seed = floe_test_seed();
    for (uint64_t round = 0; round < 200; round++) {
        floe_test_rng rng = floe_test_rng_of(seed + round);
        floe_moments moments = opened(whole_type);
        int64_t values[60];
        __int128 total = 0;
        long double mean = 0, spread = 0;
        for (int i = 0; i < 60; i++) {
            int bits = (int)floe_test_between(&rng, 1, 62);
            values[i] = floe_test_between(&rng, -(INT64_C(1) << bits), INT64_C(1) << bits);
            floe_moments_whole(&moments, values[i], false);
        }
        for (int i = 59; i >= 30; i--) {
            floe_moments_whole(&moments, values[i], true);
        }
        for (int i = 0; i < 30; i++) {
            total += values[i];
            mean += (long double)values[i] / 30;
        }
        for (int i = 0; i < 30; i++) {
            spread += ((long double)values[i] - mean) * ((long double)values[i] - mean);
        }
        __int128 got;
        assert_int_equal(moments.count, 30);
        assert_true(floe_moments_total(&moments, &got) && got == total);
        assert_true(floe_moments_sum(&moments) == (double)total);
        assert_true(floe_moments_mean(&moments) == floe_int_quotient(total, 30, 0));
        check_near(floe_moments_variance(&moments, false, false), spread / 29);
        check_near(floe_moments_variance(&moments, true, false), spread / 30);
        check_near(floe_moments_variance(&moments, false, true), sqrtl(spread / 29));
        check_near(floe_moments_variance(&moments, true, true), sqrtl(spread / 30));
        floe_moments_close(&moments);
    }
}

/* Multiples of 2^-20 below 2^30: long double holds their sums exactly. */
static void moments__doubles__do_not_remember_what_left(void **state) {
    (void)state;
    static const double hostile[] = {1e300, -1e300, 5e-324, INFINITY, -INFINITY, NAN, 1e-200};
    uint64_t seed = floe_test_seed();
    for (uint64_t round = 0; round < 200; round++) {
        floe_test_rng rng = floe_test_rng_of(seed + round);
        floe_moments moments = opened(real_type);
        long double total = 0;
        double values[20];
        for (int i = 0; i < 20; i++) {
            values[i] = ldexp((double)floe_test_between(&rng, -(INT64_C(1) << 49), INT64_C(1) << 49), -20);
            total += (long double)values[i];
            floe_moments_real(&moments, hostile[floe_test_below(&rng, 7)], false);
            floe_moments_real(&moments, values[i], false);
        }
        floe_test_rng again = floe_test_rng_of(seed + round);
        for (int i = 0; i < 20; i++) {
            (void)floe_test_between(&again, -(INT64_C(1) << 49), INT64_C(1) << 49);
            floe_moments_real(&moments, hostile[floe_test_below(&again, 7)], true);
        }
        assert_int_equal(moments.count, 20);
        assert_true(floe_moments_sum(&moments) == (double)total);
        floe_moments_close(&moments);
    }
}

/* statistics.variance([2.75, 1.75, 1.25, 0.25, 0.5, 1.25, 3.5]) is 1.3720238095238095 (its documentation). */
static void moments__published_figures__are_met(void **state) {
    (void)state;
    static const double data[] = {2.75, 1.75, 1.25, 0.25, 0.5, 1.25, 3.5};
    floe_moments moments = opened(real_type);
    for (size_t i = 0; i < 7; i++) {
        floe_moments_real(&moments, data[i], false);
    }
    assert_true(floe_moments_variance(&moments, false, false) == 1.3720238095238095);
    floe_moments_reset(&moments);
    /* statistics.pvariance([0.0, 0.25, 0.25, 1.25, 1.5, 1.75, 2.75, 3.25]) is 1.25. */
    static const double others[] = {0.0, 0.25, 0.25, 1.25, 1.5, 1.75, 2.75, 3.25};
    for (size_t i = 0; i < 8; i++) {
        floe_moments_real(&moments, others[i], false);
    }
    assert_true(floe_moments_variance(&moments, true, false) == 1.25);
    floe_moments_close(&moments);
}

static void moments__decimals__are_scaled_once(void **state) {
    (void)state;
    floe_moments moments = opened(money_type);
    static const int64_t cents[] = {10, 20, 30, 1999999999999999999};
    __int128 total = 0, got;
    for (size_t i = 0; i < 4; i++) {
        floe_moments_decimal(&moments, cents[i], false);
        total += cents[i];
    }
    assert_true(floe_moments_total(&moments, &got) && got == total);
    assert_true(floe_moments_sum(&moments) == 2e16 + 0.59);
    floe_moments_decimal(&moments, cents[3], true);
    check_near(floe_moments_mean(&moments), 0.2L);
    check_near(floe_moments_variance(&moments, false, false), 0.01L);
    check_near(floe_moments_variance(&moments, false, true), 0.1L);
    /* 10^38 - 1 a thousand times is more than 128 bits hold; it comes back when they leave. */
    __int128 huge = 1;
    for (int i = 0; i < 38; i++) {
        huge *= 10;
    }
    for (int i = 0; i < 1000; i++) {
        floe_moments_decimal(&moments, huge - 1, false);
    }
    assert_false(floe_moments_total(&moments, &got));
    check_near(floe_moments_sum(&moments), 1e39L);
    for (int i = 0; i < 1000; i++) {
        floe_moments_decimal(&moments, huge - 1, true);
    }
    assert_true(floe_moments_total(&moments, &got) && got == 60);
    floe_moments_close(&moments);
}

/* Equal values spread by exactly nothing, however large; nearly equal ones by what they do. */
static void moments__cancellation__loses_nothing(void **state) {
    (void)state;
    static const double bases[] = {1e15, 1e16, 123456789.123, 1e-300, 3e200};
    for (size_t b = 0; b < 5; b++) {
        floe_moments moments = opened(real_type);
        for (int i = 0; i < 1000; i++) {
            floe_moments_real(&moments, bases[b], false);
        }
        assert_true(floe_moments_variance(&moments, false, true) == 0);
        floe_moments_close(&moments);
    }
    floe_moments moments = opened(real_type);
    floe_moments_real(&moments, 1e15, false);
    floe_moments_real(&moments, 1e15 + 0.5, false);
    assert_true(floe_moments_variance(&moments, true, true) == 0.25);
    floe_moments_close(&moments);
}

static void moments__not_finite__follow_ieee(void **state) {
    (void)state;
    floe_moments moments = opened(real_type);
    floe_moments_real(&moments, INFINITY, false);
    floe_moments_real(&moments, 1, false);
    assert_true(floe_moments_sum(&moments) == INFINITY);
    assert_true(isnan(floe_moments_variance(&moments, true, false)));
    floe_moments_real(&moments, -INFINITY, false);
    assert_true(isnan(floe_moments_sum(&moments)));
    floe_moments_real(&moments, INFINITY, true);
    assert_true(floe_moments_mean(&moments) == -INFINITY);
    floe_moments_real(&moments, -INFINITY, true);
    assert_true(floe_moments_sum(&moments) == 1);
    floe_moments_close(&moments);
}

static void between__ends_and_infinities__follow_ieee(void **state) {
    (void)state;
    assert_true(floe_pit_between(1, 3, 0) == 1);
    assert_true(floe_pit_between(1, 3, 0.25) == 1.5);
    assert_true(floe_pit_between(INFINITY, INFINITY, 0.5) == INFINITY);
    assert_true(floe_pit_between(-INFINITY, 1, 0.5) == -INFINITY);
    assert_true(floe_pit_between(1, INFINITY, 0.5) == INFINITY);
    assert_true(isnan(floe_pit_between(-INFINITY, INFINITY, 0.5)));
    assert_true(isnan(floe_pit_between(1, NAN, 0.5)));
    assert_true(floe_pit_between(-1e308, 1e308, 0.5) == 0); /* The step alone would be infinite. */
    assert_false(signbit(floe_pit_between(-0.0, 5, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments__integers__are_those_of_what_is_in),
        cmocka_unit_test(moments__doubles__do_not_remember_what_left),
        cmocka_unit_test(moments__published_figures__are_met),
        cmocka_unit_test(moments__decimals__are_scaled_once),
        cmocka_unit_test(moments__cancellation__loses_nothing),
        cmocka_unit_test(moments__not_finite__follow_ieee),
        cmocka_unit_test(between__ends_and_infinities__follow_ieee),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
