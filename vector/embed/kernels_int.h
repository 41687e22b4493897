/*
 * The arithmetic of a BERT layer that is no matrix product: bias, GELU, layer norm, softmax, over rows of floats. One table
 * for every machine and one for AVX2 with FMA, chosen once at run time; both pass one test against double precision.
 * Shape: `rows` holds row_count rows of `width` floats without gaps. Thread: any; nothing allocates.
 */
#ifndef FLOE_VECTOR_EMBED_KERNELS_INT_H
#define FLOE_VECTOR_EMBED_KERNELS_INT_H

#include <stddef.h>

typedef struct floe_norm {
    const float *weight, *bias;
    float epsilon;
} floe_norm;

typedef struct floe_kernels {
    const char *name;
    /* row += bias */
    void (*add_bias)(float *rows, size_t row_count, size_t width, const float *bias);
    /* x = gelu(x + bias), gelu(x) = x/2 · (1 + erf(x/√2)): the exact one, to float's precision. */
    void (*gelu)(float *rows, size_t row_count, size_t width, const float *bias);
    /* row = norm(row): mean 0 and variance 1, then weight and bias. */
    void (*layer_norm)(float *rows, size_t row_count, size_t width, const floe_norm *norm);
    /* row += more + bias */
    void (*add)(float *rows, const float *more, size_t row_count, size_t width, const float *bias);
    /* row = softmax(scale · row) */
    void (*softmax)(float *rows, size_t row_count, size_t width, float scale);
} floe_kernels;

/* The fastest table that this machine can run. */
const floe_kernels *floe_kernels_best(void);
const floe_kernels *floe_kernels_portable(void);
/* NULL where the machine has no AVX2 with FMA, or is no x86-64. */
const floe_kernels *floe_kernels_avx2(void);

#endif
