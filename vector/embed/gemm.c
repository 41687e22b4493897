/*
 * OpenBLAS behind two functions. Its own threads are switched off: batches are split among ours, which scales better than
 * many small products split each.
 */
#include "vector/embed/few_int.h"

#include <cblas.h>
#include <pthread.h>
#include <stdbool.h>

static void set_threads(void) {
    openblas_set_num_threads(1);
}

void floe_gemm_start(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_threads);
}

static void multiply(floe_matrix a, floe_matrix b, enum CBLAS_TRANSPOSE transpose_b, float *out, size_t out_stride,
                     const floe_gemm_shape *shape) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, transpose_b, (blasint)shape->rows, (blasint)shape->columns,
                (blasint)shape->inner, 1.0f, a.ptr, (blasint)a.stride, b.ptr, (blasint)b.stride, 0.0f, out,
                (blasint)out_stride);
}

/* What multiplies few rows; NULL: the library is better. */
static const floe_few *few_for(floe_matrix a, floe_matrix b, floe_gemm_shape shape) {
    bool fits = shape.rows <= FLOE_FEW_ROWS && shape.columns % FLOE_FEW_COLUMNS == 0 && a.stride == shape.inner &&
                b.stride == shape.inner;
    return fits ? floe_few_best(shape.inner) : NULL;
}

void floe_gemm_transposed(floe_matrix a, floe_matrix b, float *out, size_t out_stride, floe_gemm_shape shape) {
    const floe_few *few = few_for(a, b, shape);
    if (few != NULL) {
        few->product(a.ptr, b.ptr, out, out_stride, shape);
        return;
    }
    multiply(a, b, CblasTrans, out, out_stride, &shape);
}

void floe_gemm(floe_matrix a, floe_matrix b, float *out, size_t out_stride, floe_gemm_shape shape) {
    multiply(a, b, CblasNoTrans, out, out_stride, &shape);
}

const char *floe_gemm_kernel(void) {
    return openblas_get_corename();
}
