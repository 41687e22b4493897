/*
 * The kernels for every machine, as plain as they can be said, and the choice between the tables.
 */
#include "vector/embed/kernels_int.h"

#include <math.h>

static void add_bias(float *rows, size_t row_count, size_t width, const float *bias) {
    for (size_t i = 0; i < row_count * width; i++) {
        rows[i] += bias[i % width];
    }
}

static void gelu(float *rows, size_t row_count, size_t width, const float *bias) {
    for (size_t i = 0; i < row_count * width; i++) {
        float x = rows[i] + bias[i % width];
        rows[i] = 0.5f * x * (1.0f + erff(x * 0.70710678f));
    }
}

static void norm_row(float *row, size_t width, const floe_norm *norm) {
    float sum = 0;
    float squares = 0;
    for (size_t i = 0; i < width; i++) {
        sum += row[i];
    }
    float mean = sum / (float)width;
    for (size_t i = 0; i < width; i++) {
        float distance = row[i] - mean;
        squares += distance * distance;
    }
    float scale = 1.0f / sqrtf(squares / (float)width + norm->epsilon);
    for (size_t i = 0; i < width; i++) {
        row[i] = (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
    }
}

static void layer_norm(float *rows, size_t row_count, size_t width, const floe_norm *norm) {
    for (size_t row = 0; row < row_count; row++) {
        norm_row(rows + row * width, width, norm);
    }
}

static void add(float *rows, const float *more, size_t row_count, size_t width, const float *bias) {
    for (size_t i = 0; i < row_count * width; i++) {
        rows[i] += more[i] + bias[i % width];
    }
}

/* The largest is taken off first, so that no exponential overflows. */
static void softmax_row(float *row, size_t width, float scale) {
    float largest = -INFINITY;
    float sum = 0;
    for (size_t i = 0; i < width; i++) {
        largest = row[i] > largest ? row[i] : largest;
    }
    for (size_t i = 0; i < width; i++) {
        row[i] = expf((row[i] - largest) * scale);
        sum += row[i];
    }
    for (size_t i = 0; i < width; i++) {
        row[i] /= sum;
    }
}

static void softmax(float *rows, size_t row_count, size_t width, float scale) {
    for (size_t row = 0; row < row_count; row++) {
        softmax_row(rows + row * width, width, scale);
    }
}

const floe_kernels *floe_kernels_portable(void) {
    static const floe_kernels table = {"portable", add_bias, gelu, layer_norm, add, softmax};
    return &table;
}

const floe_kernels *floe_kernels_best(void) {
    const floe_kernels *fast = floe_kernels_avx2();
    return fast != NULL ? fast : floe_kernels_portable();
}
