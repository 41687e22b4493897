/*
 * Both tables of kernels against double precision: every width from 1 to 40 (whole and partial vectors), wide ranges of
 * values, and the accuracy of erf and exp, value by value.
 */
#include "tests/support/support.h"
#include "vector/embed/kernels_int.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 3
#define WIDTH_MAX 40

static const floe_kernels *tables[2];
static size_t table_count;

static int pick_tables(void **state) {
    (void)state;
    tables[table_count++] = floe_kernels_portable();
    if (floe_kernels_avx2() != NULL) {
        tables[table_count++] = floe_kernels_avx2();
    }
    return 0;
}

static void fill(floe_test_rng *rng, float *values, size_t count, double range) {
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)((double)floe_test_between(rng, -1000000, 1000000) / 1e6 * range);
    }
}

static void check_near(float got, double want, double tolerance, const char *what, size_t width) {
    if (!(fabs((double)got - want) <= tolerance)) {
        fail_msg("%s, width %zu: got %.9g, want %.9g", what, width, (double)got, want);
    }
}

/* A guard behind the last row shows a kernel that writes too far. */
#define GUARD 12345.0f

static void kernels__add_bias_and_add__are_sums(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t width = 1; width <= WIDTH_MAX; width++) {
        float rows[ROWS * WIDTH_MAX + 1];
        float more[ROWS * WIDTH_MAX];
        float bias[WIDTH_MAX];
        fill(&rng, more, ROWS * width, 10);
        fill(&rng, bias, width, 10);
        for (size_t t = 0; t < table_count; t++) {
            float before[ROWS * WIDTH_MAX];
            fill(&rng, rows, ROWS * width, 10);
            memcpy(before, rows, sizeof(before));
            rows[ROWS * width] = GUARD;
            tables[t]->add_bias(rows, ROWS, width, bias);
            for (size_t i = 0; i < ROWS * width; i++) {
                check_near(rows[i], (double)before[i] + (double)bias[i % width], 4e-6, "add_bias", width);
            }
            memcpy(rows, before, ROWS * width * sizeof(float));
            tables[t]->add(rows, more, ROWS, width, bias);
            for (size_t i = 0; i < ROWS * width; i++) {
                check_near(rows[i], (double)before[i] + (double)more[i] + (double)bias[i % width], 8e-6, "add", width);
            }
            assert_true(rows[ROWS * width] == GUARD);
        }
    }
}

static void check_gelu(const floe_kernels *table, float *values, size_t width) {
    float before[WIDTH_MAX];
    static const float zero[WIDTH_MAX];
    memcpy(before, values, width * sizeof(float));
    table->gelu(values, 1, width, zero);
    for (size_t i = 0; i < width; i++) {
        double x = (double)before[i];
        double want = x / 2 * (1 + erf(x / sqrt(2)));
        /* 1 + erf cancels for negative x, so the error is one of 1 + erf, times x. */
        check_near(values[i], want, 6e-7 * (1 + fabs(x)), table->name, width);
    }
}

static void kernels__gelu__is_exact_over_its_range(void **state) {
    (void)state;
    for (size_t t = 0; t < table_count; t++) {
        for (double x = -12; x < 12; x += 0.0005 * WIDTH_MAX) {
            float values[WIDTH_MAX];
            for (size_t i = 0; i < WIDTH_MAX; i++) {
                values[i] = (float)(x + 0.0005 * (double)i);
            }
            check_gelu(tables[t], values, WIDTH_MAX);
        }
    }
}

static void kernels__gelu__far_out_is_zero_or_itself(void **state) {
    (void)state;
    for (size_t t = 0; t < table_count; t++) {
        float values[] = {-1e30f, -1000, -50, 0, 50, 1000, 1e30f, -0.0f, 5};
        float bias[9] = {0};
        tables[t]->gelu(values, 1, 9, bias);
        assert_true(fabsf(values[0]) <= 1e24f && fabsf(values[1]) <= 1e-3f && fabsf(values[2]) <= 1e-4f);
        assert_true(values[3] == 0 && values[4] == 50 && values[5] == 1000 && values[6] == 1e30f);
    }
}

static void kernels__gelu__adds_the_bias_first(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t width = 1; width <= WIDTH_MAX; width++) {
        for (size_t t = 0; t < table_count; t++) {
            float rows[ROWS * WIDTH_MAX + 1];
            float before[ROWS * WIDTH_MAX];
            float bias[WIDTH_MAX];
            fill(&rng, rows, ROWS * width, 3);
            fill(&rng, bias, width, 3);
            memcpy(before, rows, sizeof(before));
            rows[ROWS * width] = GUARD;
            tables[t]->gelu(rows, ROWS, width, bias);
            for (size_t i = 0; i < ROWS * width; i++) {
                double x = (double)before[i] + (double)bias[i % width];
                check_near(rows[i], x / 2 * (1 + erf(x / sqrt(2))), 4e-6, "gelu", width);
            }
            assert_true(rows[ROWS * width] == GUARD);
        }
    }
}

static void check_norm_row(const float *before, const float *after, const floe_norm *norm, size_t width) {
    double mean = 0;
    double variance = 0;
    for (size_t i = 0; i < width; i++) {
        mean += (double)before[i] / (double)width;
    }
    for (size_t i = 0; i < width; i++) {
        variance += ((double)before[i] - mean) * ((double)before[i] - mean) / (double)width;
    }
    /* The mean of values up to 4 is off by a few units of the last place of a float, and the division by a small deviation
     * magnifies that. */
    double deviation = sqrt(variance + (double)norm->epsilon);
    for (size_t i = 0; i < width; i++) {
        double want = ((double)before[i] - mean) / deviation * (double)norm->weight[i] + (double)norm->bias[i];
        check_near(after[i], want, 2e-5 + 4e-6 / deviation, "layer_norm", width);
    }
}

static void kernels__layer_norm__has_mean_0_and_variance_1(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t width = 2; width <= WIDTH_MAX; width++) {
        float weight[WIDTH_MAX];
        float bias[WIDTH_MAX];
        floe_norm norm = {weight, bias, 1e-5f};
        fill(&rng, weight, width, 2);
        fill(&rng, bias, width, 2);
        for (size_t t = 0; t < table_count; t++) {
            float rows[ROWS * WIDTH_MAX + 1];
            float before[ROWS * WIDTH_MAX];
            fill(&rng, rows, ROWS * width, 4);
            memcpy(before, rows, sizeof(before));
            rows[ROWS * width] = GUARD;
            tables[t]->layer_norm(rows, ROWS, width, &norm);
            for (size_t row = 0; row < ROWS; row++) {
                check_norm_row(before + row * width, rows + row * width, &norm, width);
            }
            assert_true(rows[ROWS * width] == GUARD);
        }
    }
}

/* All values equal: variance 0, and the epsilon alone keeps the division sound. */
static void kernels__layer_norm__of_equal_values_is_the_bias(void **state) {
    (void)state;
    for (size_t t = 0; t < table_count; t++) {
        float row[11];
        float weight[11];
        float bias[11];
        floe_norm norm = {weight, bias, 1e-12f};
        for (size_t i = 0; i < 11; i++) {
            row[i] = 2;
            weight[i] = 3;
            bias[i] = (float)i;
        }
        tables[t]->layer_norm(row, 1, 11, &norm);
        for (size_t i = 0; i < 11; i++) {
            assert_true(row[i] == (float)i);
        }
    }
}

static void check_softmax_row(const float *before, const float *after, size_t width, double scale) {
    double sum = 0;
    double largest = -INFINITY;
    for (size_t i = 0; i < width; i++) {
        largest = fmax(largest, (double)before[i] * scale);
    }
    for (size_t i = 0; i < width; i++) {
        sum += exp((double)before[i] * scale - largest);
    }
    for (size_t i = 0; i < width; i++) {
        double want = exp((double)before[i] * scale - largest) / sum;
        check_near(after[i], want, 1e-6 * want + 1e-12, "softmax", width);
    }
}

static void kernels__softmax__is_the_quotient_of_exponentials(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t width = 1; width <= WIDTH_MAX; width++) {
        for (size_t t = 0; t < table_count; t++) {
            float rows[ROWS * WIDTH_MAX + 1];
            float before[ROWS * WIDTH_MAX];
            fill(&rng, rows, ROWS * width, 20);
            memcpy(before, rows, sizeof(before));
            rows[ROWS * width] = GUARD;
            tables[t]->softmax(rows, ROWS, width, 0.25f);
            for (size_t row = 0; row < ROWS; row++) {
                check_softmax_row(before + row * width, rows + row * width, width, 0.25);
            }
            assert_true(rows[ROWS * width] == GUARD);
        }
    }
}

static void kernels__softmax__does_not_overflow(void **state) {
    (void)state;
    for (size_t t = 0; t < table_count; t++) {
        float row[] = {1e30f, -1e30f, 0, 1e30f, -5, 3, 2, 1, 0};
        tables[t]->softmax(row, 1, 9, 1);
        check_near(row[0], 0.5, 1e-6, "softmax", 9);
        check_near(row[3], 0.5, 1e-6, "softmax", 9);
        for (size_t i = 4; i < 9; i++) {
            check_near(row[i], 0, 1e-30, "softmax", 9);
        }
    }
}

static void kernels__best__is_the_fast_table_where_there_is_one(void **state) {
    (void)state;
    assert_ptr_equal(floe_kernels_best(), tables[table_count - 1]);
    assert_string_equal(floe_kernels_portable()->name, "portable");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels__add_bias_and_add__are_sums),
        cmocka_unit_test(kernels__gelu__is_exact_over_its_range),
        cmocka_unit_test(kernels__gelu__far_out_is_zero_or_itself),
        cmocka_unit_test(kernels__gelu__adds_the_bias_first),
        cmocka_unit_test(kernels__layer_norm__has_mean_0_and_variance_1),
        cmocka_unit_test(kernels__layer_norm__of_equal_values_is_the_bias),
        cmocka_unit_test(kernels__softmax__is_the_quotient_of_exponentials),
        cmocka_unit_test(kernels__softmax__does_not_overflow),
        cmocka_unit_test(kernels__best__is_the_fast_table_where_there_is_one),
    };
    return cmocka_run_group_tests(tests, pick_tables, NULL);
}
