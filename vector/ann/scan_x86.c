/*
 * The products for AVX2 with FMA and for AVX-512: four chains of multiply-adds under way at once. The functions carry their
 * target themselves, so that the rest of the program still runs on any x86-64.
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

static AVX2 float product_avx2(const float *query, const float *row, size_t dim) {
    __m256 sum0 = _mm256_setzero_ps();
    __m256 sum1 = sum0;
    __m256 sum2 = sum0;
    __m256 sum3 = sum0;
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        sum0 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), _mm256_loadu_ps(row + i), sum0);
        sum1 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 8), _mm256_loadu_ps(row + i + 8), sum1);
        sum2 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 16), _mm256_loadu_ps(row + i + 16), sum2);
        sum3 = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 24), _mm256_loadu_ps(row + i + 24), sum3);
    }
    float score = sum8(_mm256_add_ps(_mm256_add_ps(sum0, sum1), _mm256_add_ps(sum2, sum3)));
    for (; i < dim; i++) {
        score += query[i] * row[i];
    }
    return score;
}

const floe_dot *floe_dot_avx2(void) {
    static const floe_dot dot = {"avx2", product_avx2};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &dot : NULL;
}

static AVX512 float product_avx512(const float *query, const float *row, size_t dim) {
    __m512 sum0 = _mm512_setzero_ps();
    __m512 sum1 = sum0;
    __m512 sum2 = sum0;
    __m512 sum3 = sum0;
    size_t i = 0;
    for (; i + 64 <= dim; i += 64) {
        sum0 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), _mm512_loadu_ps(row + i), sum0);
        sum1 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 16), _mm512_loadu_ps(row + i + 16), sum1);
        sum2 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 32), _mm512_loadu_ps(row + i + 32), sum2);
        sum3 = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 48), _mm512_loadu_ps(row + i + 48), sum3);
    }
    for (; i < dim; i += 16) {
        __mmask16 lanes = (__mmask16)(dim - i >= 16 ? 0xffffu : (1u << (dim - i)) - 1);
        sum0 = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, query + i), _mm512_maskz_loadu_ps(lanes, row + i), sum0);
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum0, sum1), _mm512_add_ps(sum2, sum3)));
}

const floe_dot *floe_dot_avx512(void) {
    static const floe_dot dot = {"avx512", product_avx512};
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
