/*
 * The products of codes for AVX2 and for AVX-512: a row's bytes are widened to 16 bits, and neighbours multiplied and added in
 * one instruction; for four questions at once where VNNI adds up in the same. Bounds are the portable ones, eight at a time. The functions carry their target themselves, as those of scan_x86.c.
 */
#include "vector/ann/codes_int.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx2")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vnni,avx2")))
#define INLINE static inline __attribute__((always_inline))

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

/* ---- four questions at once ---- */

/* The sums of four registers, side by side. */
INLINE AVX512 __m128i sum_four(__m512i x, __m512i y, __m512i z, __m512i w) {
    __m256i left = _mm256_hadd_epi32(_mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1)),
                                     _mm256_add_epi32(_mm512_castsi512_si256(y), _mm512_extracti64x4_epi64(y, 1)));
    __m256i right = _mm256_hadd_epi32(_mm256_add_epi32(_mm512_castsi512_si256(z), _mm512_extracti64x4_epi64(z, 1)),
                                      _mm256_add_epi32(_mm512_castsi512_si256(w), _mm512_extracti64x4_epi64(w, 1)));
    __m256i both = _mm256_hadd_epi32(left, right);
    return _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
}

INLINE VNNI __m512i step_vnni(__m512i sum, __m512i codes, const int16_t *query) {
    return _mm512_dpwssd_epi32(sum, codes, _mm512_loadu_si512(query));
}

/* The row's codes are widened once for the four. */
static VNNI void four_vnni(const int16_t *const queries[4], const int8_t *row, size_t stride, int32_t ret_products[4]) {
    __m512i sum0 = _mm512_setzero_si512();
    __m512i sum1 = sum0;
    __m512i sum2 = sum0;
    __m512i sum3 = sum0;
    for (size_t i = 0; i < stride; i += 32) {
        __m512i codes = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i)));
        sum0 = step_vnni(sum0, codes, queries[0] + i);
        sum1 = step_vnni(sum1, codes, queries[1] + i);
        sum2 = step_vnni(sum2, codes, queries[2] + i);
        sum3 = step_vnni(sum3, codes, queries[3] + i);
    }
    _mm_storeu_si128((__m128i *)(void *)ret_products, sum_four(sum0, sum1, sum2, sum3));
}

static VNNI int32_t product_vnni(const int16_t *query, const int8_t *row, size_t stride) {
    __m512i sum0 = _mm512_setzero_si512();
    __m512i sum1 = sum0;
    size_t i = 0;
    for (; i + 64 <= stride; i += 64) {
        __m512i low = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i)));
        __m512i high = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i + 32)));
        sum0 = step_vnni(sum0, low, query + i);
        sum1 = step_vnni(sum1, high, query + i + 32);
    }
    if (i < stride) {
        sum0 = step_vnni(sum0, _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)(row + i))),
                         query + i);
    }
    return _mm512_reduce_add_epi32(_mm512_add_epi32(sum0, sum1));
}

static bool has_vnni(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

floe_code_product floe_code_product_vnni(void) {
    return has_vnni() ? product_vnni : NULL;
}

floe_code_four floe_code_four_vnni(void) {
    return has_vnni() ? four_vnni : NULL;
}

/* ---- making ---- */

/* Squares of what eight codes leave of their numbers. */
INLINE AVX512 __m512d add_squares(__m512d sum, __m256 numbers, __m256i codes, __m512d step) {
    __m512d left = _mm512_sub_pd(_mm512_cvtps_pd(numbers), _mm512_mul_pd(step, _mm512_cvtepi32_pd(codes)));
    return _mm512_add_pd(sum, _mm512_mul_pd(left, left));
}

static AVX512 void encode_avx512(const float *row, size_t dim, int8_t *ret_codes, floe_code_scale *ret_scale) {
    __m512 largest = _mm512_setzero_ps();
    for (size_t i = 0; i < dim; i += 16) {
        largest = _mm512_max_ps(_mm512_abs_ps(_mm512_loadu_ps(row + i)), largest);
    }
    float most = _mm512_reduce_max_ps(largest);
    float step = most / FLOE_CODE_MAX;
    __m512 per_step = _mm512_set1_ps(most > 0 ? FLOE_CODE_MAX / most : 0);
    __m512d steps = _mm512_set1_pd((double)step);
    __m512d low = _mm512_setzero_pd();
    __m512d high = low;
    for (size_t i = 0; i < dim; i += 16) {
        __m512 numbers = _mm512_loadu_ps(row + i);
        __m512 wanted = _mm512_mul_ps(numbers, per_step);
        __mmask16 below = _mm512_cmp_ps_mask(wanted, _mm512_setzero_ps(), _CMP_LT_OQ);
        __m512 half = _mm512_mask_blend_ps(below, _mm512_set1_ps(0.5F), _mm512_set1_ps(-0.5F));
        __m512i codes = _mm512_cvttps_epi32(_mm512_add_ps(wanted, half));
        codes = _mm512_max_epi32(_mm512_min_epi32(codes, _mm512_set1_epi32(FLOE_CODE_MAX)),
                                 _mm512_set1_epi32(-FLOE_CODE_MAX));
        _mm_storeu_si128((__m128i *)(void *)(ret_codes + i), _mm512_cvtepi32_epi8(codes));
        __m256 upper = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(numbers), 1));
        low = add_squares(low, _mm512_castps512_ps256(numbers), _mm512_castsi512_si256(codes), steps);
        high = add_squares(high, upper, _mm512_extracti64x4_epi64(codes, 1), steps);
    }
    double square = _mm512_reduce_add_pd(_mm512_add_pd(low, high));
    *ret_scale = (floe_code_scale){step, (float)(sqrt(square) * (1 + 1e-6))};
}

floe_code_encoder floe_code_encoder_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? encode_avx512 : NULL;
}

/* ---- bounds ---- */

/* Two halves of eight floats each. */
INLINE AVX512 __m512 join_floats(__m256 low, __m256 high) {
    return _mm512_castpd_ps(
        _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_castps_pd(low)), _mm256_castps_pd(high), 1));
}

static AVX512 uint64_t bound_avx512(const floe_code_block *rows, const int32_t *products, const floe_code_question *by,
                                    float *ret_least, float *ret_most) {
    uint64_t reach = 0;
    __m512d step = _mm512_set1_pd(by->step);
    __m512d by_distance = _mm512_set1_pd(by->by_distance);
    __m512d always = _mm512_set1_pd(by->always);
    for (size_t i = 0; i < FLOE_CODES_BLOCK; i += 16) {
        __m256 least[2];
        __m256 most[2];
        for (size_t half = 0; half < 2; half++) {
            size_t at = i + 8 * half;
            __m512d whole = _mm512_cvtepi32_pd(_mm256_loadu_si256((const __m256i *)(const void *)(products + at)));
            __m512d middle = _mm512_mul_pd(_mm512_mul_pd(_mm512_loadu_pd(rows->steps + at), step), whole);
            __m512d off = _mm512_add_pd(_mm512_mul_pd(by_distance, _mm512_loadu_pd(rows->distances + at)), always);
            least[half] = _mm512_cvtpd_ps(_mm512_sub_pd(middle, off));
            most[half] = _mm512_cvtpd_ps(_mm512_add_pd(middle, off));
        }
        __m512 leasts = join_floats(least[0], least[1]);
        _mm512_storeu_ps(ret_least + i, leasts);
        _mm512_storeu_ps(ret_most + i, join_floats(most[0], most[1]));
        reach |= (uint64_t)_mm512_cmp_ps_mask(leasts, _mm512_set1_ps(by->cut), _CMP_GE_OQ) << i;
    }
    return reach;
}

floe_code_bound floe_code_bound_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? bound_avx512 : NULL;
}

#else

floe_code_encoder floe_code_encoder_avx512(void) {
    return NULL;
}

floe_code_bound floe_code_bound_avx512(void) {
    return NULL;
}

floe_code_product floe_code_product_vnni(void) {
    return NULL;
}

floe_code_four floe_code_four_vnni(void) {
    return NULL;
}

floe_code_product floe_code_product_avx2(void) {
    return NULL;
}

floe_code_product floe_code_product_avx512(void) {
    return NULL;
}

#endif
