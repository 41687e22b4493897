/*
 * Products of few rows against sums in double precision: every number of rows that they are asked for, and one more than fits at
 * once; inner dimensions of one vector and of many; and nothing is written beside the product.
 */
#include "tests/support/support.h"
#include "vector/embed/few_int.h"

#include <math.h>
#include <stdlib.h>

#define ROWS_MAX FLOE_FEW_ROWS
#define COLUMNS_MAX 24
#define STRIDE (COLUMNS_MAX + 3)
#define GUARD 12345.0f

static const floe_few *kernels[2];
static size_t kernel_count;

static int pick_kernels(void **state) {
    (void)state;
    if (floe_few_avx2() != NULL) {
        kernels[kernel_count++] = floe_few_avx2();
    }
    if (floe_few_avx512() != NULL) {
        kernels[kernel_count++] = floe_few_avx512();
    }
    return 0;
}

static float *made(floe_test_rng *rng, size_t count) {
    float *values = test_malloc(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)floe_test_between(rng, -1000, 1000) / 1000.0f;
    }
    return values;
}

static double product_of(const float *a, const float *b, size_t inner) {
    double sum = 0;
    for (size_t i = 0; i < inner; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

static void check(const floe_few *few, const float *a, const float *b, floe_gemm_shape shape) {
    static float out[(ROWS_MAX + 1) * STRIDE];
    for (size_t i = 0; i < (ROWS_MAX + 1) * STRIDE; i++) {
        out[i] = GUARD;
    }
    few->product(a, b, out, STRIDE, shape);
    for (size_t i = 0; i < (ROWS_MAX + 1) * STRIDE; i++) {
        size_t row = i / STRIDE;
        size_t column = i % STRIDE;
        if (row >= shape.rows || column >= shape.columns) {
            assert_true(out[i] == GUARD);
            continue;
        }
        double want = product_of(a + row * shape.inner, b + column * shape.inner, shape.inner);
        /* A sum of n products of at most 1, each rounded to 2⁻²⁴ of a partial sum that grows like √n. */
        double tolerance = 2e-7 * (double)shape.inner;
        if (!(fabs((double)out[i] - want) <= tolerance)) {
            fail_msg("%s, %zu x %zu x %zu at %zu, %zu: %.9g, not %.9g", few->name, shape.rows, shape.columns,
                     shape.inner, row, column, (double)out[i], want);
        }
    }
}

static void few__every_number_of_rows__is_the_product(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    static const size_t inners[] = {16, 32, 48, 384, 400, 1536};
    for (size_t i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
        float *a = made(&rng, ROWS_MAX * inners[i]);
        float *b = made(&rng, COLUMNS_MAX * inners[i]);
        for (size_t rows = 1; rows <= ROWS_MAX; rows++) {
            for (size_t k = 0; k < kernel_count; k++) {
                size_t columns = FLOE_FEW_COLUMNS * (1 + rows % (COLUMNS_MAX / FLOE_FEW_COLUMNS));
                check(kernels[k], a, b, (floe_gemm_shape){rows, columns, inners[i]});
            }
        }
        test_free(a);
        test_free(b);
    }
}

static void few__of_an_inner_dimension_that_does_not_fit__is_narrower_or_none(void **state) {
    (void)state;
    for (size_t inner = 1; inner <= 64; inner++) {
        const floe_few *few = floe_few_best(inner);
        assert_true(few == NULL || inner % few->lanes == 0);
        assert_true(inner % 8 == 0 || few == NULL);
        /* 8 lanes are there wherever 16 are. */
        assert_true(inner % 8 != 0 || kernel_count == 0 || few != NULL);
    }
    if (floe_few_avx512() != NULL) {
        assert_ptr_equal(floe_few_best(32), floe_few_avx512());
        assert_ptr_equal(floe_few_best(24), floe_few_avx2());
    }
}

/* What chooses between the library and these kernels gives the product for all of them: rows on both sides of the border,
 * columns and strides that only the library takes. */
static void gemm_transposed__whichever_computes_it__is_the_product(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    static const size_t rows[] = {1, 2, 7, FLOE_FEW_ROWS, FLOE_FEW_ROWS + 1};
    static const size_t columns[] = {1, 4, 5, 24};
    static const size_t inners[] = {1, 7, 8, 16, 31, 40};
    float *a = made(&rng, (FLOE_FEW_ROWS + 1) * 48);
    float *b = made(&rng, COLUMNS_MAX * 48);
    float *out = test_malloc((FLOE_FEW_ROWS + 1) * STRIDE * sizeof(float));
    floe_gemm_start();
    for (size_t i = 0; i < 5 * 4 * 6 * 2; i++) {
        floe_gemm_shape shape = {rows[i % 5], columns[i / 5 % 4], inners[i / 20 % 6]};
        size_t stride = shape.inner + (i < 120 ? 0 : 3);
        floe_gemm_transposed((floe_matrix){a, stride}, (floe_matrix){b, stride}, out, STRIDE, shape);
        for (size_t at = 0; at < shape.rows * shape.columns; at++) {
            size_t row = at / shape.columns;
            size_t column = at % shape.columns;
            double want = product_of(a + row * stride, b + column * stride, shape.inner);
            assert_true(fabs((double)out[row * STRIDE + column] - want) <= 1e-5);
        }
    }
    test_free(a);
    test_free(b);
    test_free(out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few__every_number_of_rows__is_the_product),
        cmocka_unit_test(few__of_an_inner_dimension_that_does_not_fit__is_narrower_or_none),
        cmocka_unit_test(gemm_transposed__whichever_computes_it__is_the_product),
    };
    return cmocka_run_group_tests(tests, pick_kernels, NULL);
}
