/*
 * Matrix products over OpenBLAS (gemm.c, the one file that includes it). Row-major floats; `stride` is the distance between
 * the beginnings of two rows. Thread: any; each product runs on the calling thread alone.
 */
#ifndef FLOE_VECTOR_EMBED_GEMM_INT_H
#define FLOE_VECTOR_EMBED_GEMM_INT_H

#include <stddef.h>

typedef struct floe_matrix {
    const float *ptr;
    size_t stride;
} floe_matrix;

typedef struct floe_gemm_shape {
    size_t rows, columns, inner;
} floe_gemm_shape;

/* Makes OpenBLAS, for the whole process, leave threads to us. Once, before the first product. */
void floe_gemm_start(void);

/* out[rows × columns] = a[rows × inner] · b[columns × inner]ᵀ */
void floe_gemm_transposed(floe_matrix a, floe_matrix b, float *out, size_t out_stride, floe_gemm_shape shape);
/* out[rows × columns] = a[rows × inner] · b[inner × columns] */
void floe_gemm(floe_matrix a, floe_matrix b, float *out, size_t out_stride, floe_gemm_shape shape);

/* The kernel that OpenBLAS chose for this machine; for benchmarks. */
const char *floe_gemm_kernel(void);

#endif
