/*
 * Products with weights in half precision against sums in double precision of weights that are rounded to 11 bits by the
 * definition of the format: every number of rows, dimensions of one block and of many; what cannot be made so is refused.
 */
#include "core/limits.h"
#include "tests/support/support.h"
#include "vector/embed/halves_int.h"

#include <math.h>
#include <stdlib.h>

#define ROWS_MAX FLOE_FEW_ROWS
#define COLUMNS_MAX 24
#define STRIDE (COLUMNS_MAX + 3)
#define GUARD 12345.0f

static floe_halves_kernel kernels[2];
static size_t kernel_count;

static int pick_kernels(void **state) {
    (void)state;
    if (floe_halves_avx2() != NULL) {
        kernels[kernel_count++] = floe_halves_avx2();
    }
    if (floe_halves_avx512() != NULL) {
        kernels[kernel_count++] = floe_halves_avx512();
    }
    return 0;
}

static float *made(floe_test_rng *rng, size_t count, double scale) {
    float *values = test_malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(scale * (double)floe_test_between(rng, -1000000, 1000000) / 1000000.0);
    }
    return values;
}

/* IEEE 754 binary16: 11 bits from 2⁻¹⁴ on, below that steps of 2⁻²⁴; to nearest, ties to even. */
static double rounded(double value) {
    int exponent = 0;
    (void)frexp(value, &exponent);
    int step = exponent - 11 < -24 ? -24 : exponent - 11;
    return ldexp(nearbyint(ldexp(value, -step)), step);
}

static double product_of(const float *a, const float *b, size_t inner) {
    double sum = 0;
    for (size_t i = 0; i < inner; i++) {
        sum += (double)a[i] * rounded((double)b[i]);
    }
    return sum;
}

static void check(floe_halves_kernel kernel, const floe_halves *halves, const float *a, const float *b,
                  floe_gemm_shape shape) {
    static float out[(ROWS_MAX + 1) * STRIDE];
    for (size_t i = 0; i < (ROWS_MAX + 1) * STRIDE; i++) {
        out[i] = GUARD;
    }
    kernel(halves, a, shape.rows, out, STRIDE);
    for (size_t i = 0; i < (ROWS_MAX + 1) * STRIDE; i++) {
        size_t row = i / STRIDE;
        size_t column = i % STRIDE;
        if (row >= shape.rows || column >= shape.columns) {
            assert_true(out[i] == GUARD);
            continue;
        }
        double want = product_of(a + row * shape.inner, b + column * shape.inner, shape.inner);
        /* As of few.c: n products of at most 1, each rounded to 2⁻²⁴ of a partial sum. */
        if (!(fabs((double)out[i] - want) <= 2e-7 * (double)shape.inner)) {
            fail_msg("%zu x %zu x %zu at %zu, %zu: %.9g, not %.9g", shape.rows, shape.columns, shape.inner, row, column,
                     (double)out[i], want);
        }
    }
}

static const floe_halves *make(const float *rows, size_t count, size_t inner, floe_arena *arena) {
    floe_halves_room room = floe_halves_reserve(count * inner, arena);
    return floe_halves_make(rows, count, inner, &room, arena);
}

static void halves__every_number_of_rows__is_the_product_of_rounded_weights(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    static const size_t inners[] = {16, 32, 48, 384, 400, 1536};
    for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
        float *a = made(&rng, ROWS_MAX * inners[i], 1);
        float *b = made(&rng, COLUMNS_MAX * inners[i], 1);
        for (size_t rows = 1; rows <= ROWS_MAX; rows++) {
            FLOE_AUTO_ARENA arena;
            floe_arena_init(&arena, FLOE_MIB(4));
            size_t columns = FLOE_FEW_COLUMNS * (1 + rows % (COLUMNS_MAX / FLOE_FEW_COLUMNS));
            const floe_halves *halves = make(b, columns, inners[i], &arena);
            assert_true((halves != NULL) == (kernel_count > 0));
            for (size_t k = 0; k < kernel_count; k++) {
                check(kernels[k], halves, a, b, (floe_gemm_shape){rows, columns, inners[i]});
            }
            if (halves != NULL) {
                check(floe_halves_product, halves, a, b, (floe_gemm_shape){rows, columns, inners[i]});
            }
        }
        test_free(a);
        test_free(b);
    }
}

/* Weights near nothing become multiples of 2⁻²⁴, those near the largest half stay below it. */
static void halves__smallest_and_largest_weights__are_rounded_as_the_format_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    float *a = made(&rng, 16, 1);
    float *tiny = made(&rng, 4 * 16, 1e-6);
    float *huge = made(&rng, 4 * 16, 65504);
    huge[0] = 65504.0f;
    huge[1] = -65504.0f;
    const floe_halves *small = make(tiny, 4, 16, &arena);
    const floe_halves *large = make(huge, 4, 16, &arena);
    for (size_t k = 0; k < kernel_count; k++) {
        float out[4];
        check(kernels[k], small, a, tiny, (floe_gemm_shape){1, 4, 16});
        kernels[k](large, a, 1, out, 4);
        for (size_t j = 0; j < 4; j++) {
            assert_true(fabs((double)out[j] - product_of(a, huge + j * 16, 16)) <= 65504 * 16 * 2e-7);
        }
    }
    test_free(a);
    test_free(tiny);
    test_free(huge);
}

static void halves__what_does_not_fit__is_not_made(void **state) {
    (void)state;
    static const float bad[] = {65520.0f, -65520.0f, INFINITY, NAN};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    float *values = test_malloc(8 * 64 * sizeof(float));
    for (size_t i = 0; i < 8 * 64; i++) {
        values[i] = 0.5f;
    }
    for (size_t columns = 1; columns <= 8; columns++) {
        for (size_t inner = 1; inner <= 64; inner++) {
            bool fits = columns % FLOE_FEW_COLUMNS == 0 && inner % FLOE_HALVES_BLOCK == 0 && kernel_count > 0;
            assert_true((make(values, columns, inner, &arena) != NULL) == fits);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        values[100] = bad[i];
        assert_null(make(values, 4, 32, &arena));
    }
    assert_false(arena.overflow);
    FLOE_AUTO_ARENA full;
    floe_arena_init(&full, 64);
    values[100] = 0.5f;
    assert_null(make(values, 8, 64, &full));
    assert_true(kernel_count == 0 || full.overflow);
    test_free(values);
}

/* Each matrix of a room is as if it were alone there; what has no room left is not made, and takes nothing from the others. */
static void halves__several_in_one_room__do_not_touch_each_other(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const size_t inners[] = {16, 48, 32};
    float *a = made(&rng, 48, 1);
    float *b[3];
    const floe_halves *halves[3];
    floe_halves_room room = floe_halves_reserve(8 * (16 + 48 + 32), &arena);
    for (size_t i = 0; i < 3; i++) {
        b[i] = made(&rng, 8 * inners[i], 1);
        halves[i] = floe_halves_make(b[i], 8, inners[i], &room, &arena);
        assert_true((halves[i] != NULL) == (kernel_count > 0));
    }
    assert_int_equal(room.len, kernel_count > 0 ? 0 : 8 * (16 + 48 + 32));
    if (kernel_count > 0) {
        assert_null(floe_halves_make(b[0], 8, 16, &room, &arena));
        assert_false(arena.overflow);
    }
    for (size_t i = 0; i < 3 && kernel_count > 0; i++) {
        check(floe_halves_product, halves[i], a, b[i], (floe_gemm_shape){1, 8, inners[i]});
    }
    for (size_t i = 0; i < 3; i++) {
        test_free(b[i]);
    }
    test_free(a);
}

static void halves_reserve__begins_at_a_line_of_the_cache(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t len = 0; len < 100; len++) {
        (void)floe_arena_alloc(&arena, 1, 1);
        floe_halves_room room = floe_halves_reserve(len, &arena);
        assert_int_equal((uintptr_t)room.next % 64, 0);
        assert_int_equal(room.len, len);
        memset(room.next, 0xff, len * sizeof(*room.next));
    }
    FLOE_AUTO_ARENA full;
    floe_arena_init(&full, 64);
    floe_halves_room none = floe_halves_reserve(1000, &full);
    assert_int_equal(none.len, 0);
    assert_true(full.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves__every_number_of_rows__is_the_product_of_rounded_weights),
        cmocka_unit_test(halves__several_in_one_room__do_not_touch_each_other),
        cmocka_unit_test(halves_reserve__begins_at_a_line_of_the_cache),
        cmocka_unit_test(halves__smallest_and_largest_weights__are_rounded_as_the_format_says),
        cmocka_unit_test(halves__what_does_not_fit__is_not_made),
    };
    return cmocka_run_group_tests(tests, pick_kernels, NULL);
}
