/*
 * The products for AVX2 with FMA and for AVX-512: four rows at once share each load of the question, and keep four chains of
 * multiply-adds under way. The functions carry their target themselves, so that the rest of the program still runs on any
 * x86-64.
 */
#include "vector/ann/scan_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx2,fma")))

static inline AVX2 float sum8(__m256 x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    half = _mm_add_ss(half, _mm_movehdup_ps(half));
    return _mm_cvtss_f32(half);
}

static AVX2 void dot_avx2(const float *query, const float *const rows[FLOE_DOT_ROWS], size_t dim, float *ret_scores) {
    __m256 sum0 = _mm256_setzero_ps();
    __m256 sum1 = sum0;
    __m256 sum2 = sum0;
    __m256 sum3 = sum0;
    size_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        __m256 q = _mm256_loadu_ps(query + i);
        sum0 = _mm256_fmadd_ps(q, _mm256_loadu_ps(rows[0] + i), sum0);
        sum1 = _mm256_fmadd_ps(q, _mm256_loadu_ps(rows[1] + i), sum1);
        sum2 = _mm256_fmadd_ps(q, _mm256_loadu_ps(rows[2] + i), sum2);
        sum3 = _mm256_fmadd_ps(q, _mm256_loadu_ps(rows[3] + i), sum3);
    }
    ret_scores[0] = sum8(sum0);
    ret_scores[1] = sum8(sum1);
    ret_scores[2] = sum8(sum2);
    ret_scores[3] = sum8(sum3);
    for (; i < dim; i++) {
        for (size_t r = 0; r < FLOE_DOT_ROWS; r++) {
            ret_scores[r] += query[i] * rows[r][i];
        }
    }
}

const floe_dot *floe_dot_avx2(void) {
    static const floe_dot dot = {"avx2", dot_avx2};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &dot : NULL;
}

static AVX512 void dot_avx512(const float *query, const float *const rows[FLOE_DOT_ROWS], size_t dim,
                              float *ret_scores) {
    __m512 sum0 = _mm512_setzero_ps();
    __m512 sum1 = sum0;
    __m512 sum2 = sum0;
    __m512 sum3 = sum0;
    for (size_t i = 0; i < dim; i += 16) {
        __mmask16 lanes = (__mmask16)(dim - i >= 16 ? 0xffffu : (1u << (dim - i)) - 1);
        __m512 q = _mm512_maskz_loadu_ps(lanes, query + i);
        sum0 = _mm512_fmadd_ps(q, _mm512_maskz_loadu_ps(lanes, rows[0] + i), sum0);
        sum1 = _mm512_fmadd_ps(q, _mm512_maskz_loadu_ps(lanes, rows[1] + i), sum1);
        sum2 = _mm512_fmadd_ps(q, _mm512_maskz_loadu_ps(lanes, rows[2] + i), sum2);
        sum3 = _mm512_fmadd_ps(q, _mm512_maskz_loadu_ps(lanes, rows[3] + i), sum3);
    }
    ret_scores[0] = _mm512_reduce_add_ps(sum0);
    ret_scores[1] = _mm512_reduce_add_ps(sum1);
    ret_scores[2] = _mm512_reduce_add_ps(sum2);
    ret_scores[3] = _mm512_reduce_add_ps(sum3);
}

const floe_dot *floe_dot_avx512(void) {
    static const floe_dot dot = {"avx512", dot_avx512};
    return __builtin_cpu_supports("avx512f") ? &dot : NULL;
}

#else

const floe_dot *floe_dot_avx2(void) {
    return NULL;
}

const floe_dot *floe_dot_avx512(void) {
    return NULL;
}

#endif
