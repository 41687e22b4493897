/*
 * The products of codes for AVX2 and for AVX-512: a row's bytes are widened to 16 bits, and neighbours multiplied and added in
 * one instruction. The functions carry their target themselves, as those of scan_x86.c.
 */
#include "vector/ann/codes_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx2")))

static AVX2 int32_t product_avx2(const int16_t *query, const int8_t *row, size_t stride) {
    __m256i sum0 = _mm256_setzero_si256();
    __m256i sum1 = sum0;
    for (size_t i = 0; i < stride; i += 32) {
        __m256i low = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(row + i)));
        __m256i high = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(row + i + 16)));
        __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)(query + i));
        __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(query + i + 16));
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(low, first));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(high, second));
    }
    sum0 = _mm256_add_epi32(sum0, sum1);
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum0), _mm256_extracti128_si256(sum0, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(1, 0, 3, 2)));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(half);
}

floe_code_product floe_code_product_avx2(void) {
    return __builtin_cpu_supports("avx2") ? product_avx2 : NULL;
}

static AVX512 int32_t product_avx512(const int16_t *query, const int8_t *row, size_t stride) {
    __m512i sum0 = _mm512_setzero_si512();
    __m512i sum1 = sum0;
    size_t i = 0;
    for (; i + 64 <= stride; i += 64) {
        __m512i low = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i)));
        __m512i high = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i + 32)));
        sum0 = _mm512_add_epi32(sum0, _mm512_madd_epi16(low, _mm512_loadu_si512(query + i)));
        sum1 = _mm512_add_epi32(sum1, _mm512_madd_epi16(high, _mm512_loadu_si512(query + i + 32)));
    }
    if (i < stride) {
        __m512i low = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i)));
        sum0 = _mm512_add_epi32(sum0, _mm512_madd_epi16(low, _mm512_loadu_si512(query + i)));
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(sum0, sum1));
}

floe_code_product floe_code_product_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? product_avx512 : NULL;
}

#else

floe_code_product floe_code_product_avx2(void) {
    return NULL;
}

floe_code_product floe_code_product_avx512(void) {
    return NULL;
}

#endif
