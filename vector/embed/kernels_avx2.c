/*
 * The kernels for AVX2 with FMA: eight floats at a time, the rest of a row through a buffer of eight. The functions carry
 * their target themselves, so that the rest of the program still runs on any x86-64.
 *
 * erf is the rational approximation of Eigen (generic_fast_erf_float), exp the polynomial of Cephes (expf); both are within
 * a few units of float's last place, which test_kernels.c holds them to.
 */
#include "vector/embed/kernels_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define LANES 8

/* Horner's rule, highest power first. */
static inline AVX2 __m256 polynomial(__m256 x, const float *factors, size_t count) {
    __m256 value = _mm256_set1_ps(factors[0]);
    for (size_t i = 1; i < count; i++) {
        value = _mm256_fmadd_ps(value, x, _mm256_set1_ps(factors[i]));
    }
    return value;
}

static inline AVX2 __m256 erf8(__m256 x) {
    static const float above[] = {-2.72614225801306e-10f, 2.77068142495902e-08f,  -2.10102402082508e-06f,
                                  -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                                  -1.60960333262415e-02f};
    static const float below[] = {-1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f,
                                  -7.37332916720468e-03f, -1.42647390514189e-02f};
    x = _mm256_max_ps(_mm256_min_ps(x, _mm256_set1_ps(4.0f)), _mm256_set1_ps(-4.0f));
    __m256 square = _mm256_mul_ps(x, x);
    __m256 top = _mm256_mul_ps(x, polynomial(square, above, sizeof(above) / sizeof(above[0])));
    return _mm256_div_ps(top, polynomial(square, below, sizeof(below) / sizeof(below[0])));
}

/* For x <= 0; below -87 it is 0 as near as can be told. */
static inline AVX2 __m256 exp8(__m256 x) {
    static const float factors[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                    4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    x = _mm256_max_ps(x, _mm256_set1_ps(-87.0f));
    __m256 power = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504088896341f)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    x = _mm256_fnmadd_ps(power, _mm256_set1_ps(0.693359375f), x);
    x = _mm256_fnmadd_ps(power, _mm256_set1_ps(-2.12194440e-4f), x);
    __m256 tail = polynomial(x, factors, sizeof(factors) / sizeof(factors[0]));
    __m256 value = _mm256_add_ps(_mm256_fmadd_ps(tail, _mm256_mul_ps(x, x), x), _mm256_set1_ps(1.0f));
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(value), exponent));
}

static inline AVX2 float sum8(__m256 x) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    half = _mm_add_ss(half, _mm_movehdup_ps(half));
    return _mm_cvtss_f32(half);
}

static inline AVX2 float max8(__m256 x) {
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    half = _mm_max_ss(half, _mm_movehdup_ps(half));
    return _mm_cvtss_f32(half);
}

/* Lanes below `count` are on. */
static inline AVX2 __m256i mask_of(size_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline AVX2 void add_bias_row(float *row, size_t width, const float *bias) {
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        _mm256_storeu_ps(row + i, _mm256_add_ps(_mm256_loadu_ps(row + i), _mm256_loadu_ps(bias + i)));
    }
    for (; i < width; i++) {
        row[i] += bias[i];
    }
}

static AVX2 void add_bias(float *rows, size_t row_count, size_t width, const float *bias) {
    for (size_t row = 0; row < row_count; row++) {
        add_bias_row(rows + row * width, width, bias);
    }
}

static inline AVX2 __m256 gelu8(__m256 x) {
    __m256 half = _mm256_mul_ps(x, _mm256_set1_ps(0.5f));
    return _mm256_fmadd_ps(half, erf8(_mm256_mul_ps(x, _mm256_set1_ps(0.70710678f))), half);
}

static inline AVX2 void gelu_row(float *row, size_t width, const float *bias) {
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        _mm256_storeu_ps(row + i, gelu8(_mm256_add_ps(_mm256_loadu_ps(row + i), _mm256_loadu_ps(bias + i))));
    }
    if (i < width) {
        __m256i mask = mask_of(width - i);
        __m256 x = _mm256_add_ps(_mm256_maskload_ps(row + i, mask), _mm256_maskload_ps(bias + i, mask));
        _mm256_maskstore_ps(row + i, mask, gelu8(x));
    }
}

static AVX2 void gelu(float *rows, size_t row_count, size_t width, const float *bias) {
    for (size_t row = 0; row < row_count; row++) {
        gelu_row(rows + row * width, width, bias);
    }
}

static inline AVX2 float mean_of(const float *row, size_t width) {
    __m256 sums = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        sums = _mm256_add_ps(sums, _mm256_loadu_ps(row + i));
    }
    float sum = sum8(sums);
    for (; i < width; i++) {
        sum += row[i];
    }
    return sum / (float)width;
}

static inline AVX2 float variance_of(const float *row, size_t width, float mean) {
    __m256 squares = _mm256_setzero_ps();
    __m256 centre = _mm256_set1_ps(mean);
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        __m256 distance = _mm256_sub_ps(_mm256_loadu_ps(row + i), centre);
        squares = _mm256_fmadd_ps(distance, distance, squares);
    }
    float sum = sum8(squares);
    for (; i < width; i++) {
        sum += (row[i] - mean) * (row[i] - mean);
    }
    return sum / (float)width;
}

static inline AVX2 void norm_row(float *row, size_t width, const floe_norm *norm) {
    float mean = mean_of(row, width);
    float scale = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(variance_of(row, width, mean) + norm->epsilon)));
    __m256 centre = _mm256_set1_ps(mean);
    __m256 scales = _mm256_set1_ps(scale);
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        __m256 x = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(row + i), centre), scales);
        x = _mm256_fmadd_ps(x, _mm256_loadu_ps(norm->weight + i), _mm256_loadu_ps(norm->bias + i));
        _mm256_storeu_ps(row + i, x);
    }
    for (; i < width; i++) {
        row[i] = (row[i] - mean) * scale * norm->weight[i] + norm->bias[i];
    }
}

static AVX2 void layer_norm(float *rows, size_t row_count, size_t width, const floe_norm *norm) {
    for (size_t row = 0; row < row_count; row++) {
        norm_row(rows + row * width, width, norm);
    }
}

static inline AVX2 void add_row(float *row, const float *more, size_t width, const float *bias) {
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        __m256 both = _mm256_add_ps(_mm256_loadu_ps(more + i), _mm256_loadu_ps(bias + i));
        _mm256_storeu_ps(row + i, _mm256_add_ps(_mm256_loadu_ps(row + i), both));
    }
    for (; i < width; i++) {
        row[i] += more[i] + bias[i];
    }
}

static AVX2 void add(float *rows, const float *more, size_t row_count, size_t width, const float *bias) {
    for (size_t row = 0; row < row_count; row++) {
        add_row(rows + row * width, more + row * width, width, bias);
    }
}

static inline AVX2 float largest_of(const float *row, size_t width) {
    __m256 largest = _mm256_set1_ps(row[0]);
    size_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        largest = _mm256_max_ps(largest, _mm256_loadu_ps(row + i));
    }
    float value = max8(largest);
    for (; i < width; i++) {
        value = row[i] > value ? row[i] : value;
    }
    return value;
}

static inline AVX2 void softmax_row(float *row, size_t width, float scale) {
    __m256 largest = _mm256_set1_ps(largest_of(row, width));
    __m256 scales = _mm256_set1_ps(scale);
    __m256 sums = _mm256_setzero_ps();
    for (size_t i = 0; i < width; i += LANES) {
        __m256i mask = mask_of(width - i < LANES ? width - i : LANES);
        __m256 x = _mm256_mul_ps(_mm256_sub_ps(_mm256_maskload_ps(row + i, mask), largest), scales);
        x = _mm256_and_ps(exp8(x), _mm256_castsi256_ps(mask));
        sums = _mm256_add_ps(sums, x);
        _mm256_maskstore_ps(row + i, mask, x);
    }
    __m256 factor = _mm256_set1_ps(1.0f / sum8(sums));
    for (size_t i = 0; i < width; i += LANES) {
        __m256i mask = mask_of(width - i < LANES ? width - i : LANES);
        _mm256_maskstore_ps(row + i, mask, _mm256_mul_ps(_mm256_maskload_ps(row + i, mask), factor));
    }
}

static AVX2 void softmax(float *rows, size_t row_count, size_t width, float scale) {
    for (size_t row = 0; row < row_count; row++) {
        softmax_row(rows + row * width, width, scale);
    }
}

const floe_kernels *floe_kernels_avx2(void) {
    static const floe_kernels table = {"avx2", add_bias, gelu, layer_norm, add, softmax};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &table : NULL;
}

#else

const floe_kernels *floe_kernels_avx2(void) {
    return NULL;
}

#endif
