/*
 * Matrix products with few rows on the left: a question has some ten tokens, and a library that first copies a layer's weights
 * into an order of its own spends more on the copying than on the product. Here the weights are read once, as they lie.
 * Thread: any; nothing allocates.
 */
#ifndef FLOE_VECTOR_EMBED_FEW_INT_H
#define FLOE_VECTOR_EMBED_FEW_INT_H

#include "vector/embed/gemm_int.h"

typedef struct floe_few {
    const char *name;
    size_t lanes; /* the inner dimension is a multiple of it */
    /* As floe_gemm_transposed, with a and b without gaps; `columns` is a multiple of FLOE_FEW_COLUMNS. */
    void (*product)(const float *a, const float *b, float *out, size_t out_stride, floe_gemm_shape shape);
} floe_few;

#define FLOE_FEW_COLUMNS 4
/* More rows than these are better multiplied by the library. */
#define FLOE_FEW_ROWS 40

/* The fastest that this machine can run for such an inner dimension; NULL: none. */
const floe_few *floe_few_best(size_t inner);
/* NULL where the machine has no AVX2 with FMA or no AVX-512, or is no x86-64. */
const floe_few *floe_few_avx2(void);
const floe_few *floe_few_avx512(void);

#endif
