/*
 * Products of few rows for AVX2 and AVX-512. Four rows of b are multiplied with a few rows of a at once, each pair in a register
 * of its own that is summed up at the end, so that a row of b is loaded once for all of them. The functions carry their target
 * themselves, so that the rest of the program still runs on any x86-64.
 */
#include "vector/embed/few_int.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx2,fma")))
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Rows of a that are multiplied at once: as many as there are registers for. */
#define AT_ONCE_AVX2 3
#define AT_ONCE_AVX512 6

/* The sums of four registers, side by side. */
INLINE AVX2 __m128 sum_four(__m256 x, __m256 y, __m256 z, __m256 w) {
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(x, y), _mm256_hadd_ps(z, w));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

INLINE AVX512 __m256 fold(__m512 x) {
    return _mm256_add_ps(_mm512_castps512_ps256(x), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
}

/* Where a tile of the product lies. */
typedef struct tile {
    const float *a, *b;
    float *out;
    size_t stride, inner;
} tile;

/* While the first rows of a are multiplied, the next four of b are fetched: b is larger than the caches, and read only once.
 * A line holds 16 floats; what lies behind the end is fetched in vain, which is allowed. */
INLINE void fetch_next(const tile *at, size_t column, size_t k) {
    __builtin_prefetch(at->b + (column + FLOE_FEW_COLUMNS) * at->inner + k);
}

/* `rows` and `fetches` are constants where this is inlined. */
INLINE AVX2 void tile_avx2(const tile *at, size_t rows, bool fetches) {
    __m256 sums[AT_ONCE_AVX2][FLOE_FEW_COLUMNS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            sums[i][j] = _mm256_setzero_ps();
        }
    }
    for (size_t k = 0; k < at->inner; k += 8) {
        __m256 left[AT_ONCE_AVX2];
        UNROLL for (size_t i = 0; i < rows; i++) {
            left[i] = _mm256_loadu_ps(at->a + i * at->inner + k);
        }
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            __m256 right = _mm256_loadu_ps(at->b + j * at->inner + k);
            if (fetches && k % 16 == 0) {
                fetch_next(at, j, k);
            }
            UNROLL for (size_t i = 0; i < rows; i++) {
                sums[i][j] = _mm256_fmadd_ps(left[i], right, sums[i][j]);
            }
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
        _mm_storeu_ps(at->out + i * at->stride, sum_four(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    }
}

static void step(tile *at, size_t rows) {
    at->a += rows * at->inner;
    at->out += rows * at->stride;
}

/* All rows of a with four of b. */
static AVX2 void strip_avx2(tile at, size_t rows) {
    size_t first = rows < AT_ONCE_AVX2 ? 1 : AT_ONCE_AVX2;
    if (first == 1) {
        tile_avx2(&at, 1, true);
    } else {
        tile_avx2(&at, AT_ONCE_AVX2, true);
    }
    step(&at, first);
    rows -= first;
    for (; rows >= AT_ONCE_AVX2; rows -= AT_ONCE_AVX2) {
        tile_avx2(&at, AT_ONCE_AVX2, false);
        step(&at, AT_ONCE_AVX2);
    }
    if (rows == 2) {
        tile_avx2(&at, 2, false);
    } else if (rows == 1) {
        tile_avx2(&at, 1, false);
    }
}

static AVX2 void product_avx2(const float *a, const float *b, float *out, size_t out_stride, floe_gemm_shape shape) {
    for (size_t column = 0; column < shape.columns; column += FLOE_FEW_COLUMNS) {
        strip_avx2((tile){a, b + column * shape.inner, out + column, out_stride, shape.inner}, shape.rows);
    }
}

INLINE AVX512 void tile_avx512(const tile *at, size_t rows, bool fetches) {
    __m512 sums[AT_ONCE_AVX512][FLOE_FEW_COLUMNS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            sums[i][j] = _mm512_setzero_ps();
        }
    }
    for (size_t k = 0; k < at->inner; k += 16) {
        __m512 left[AT_ONCE_AVX512];
        UNROLL for (size_t i = 0; i < rows; i++) {
            left[i] = _mm512_loadu_ps(at->a + i * at->inner + k);
        }
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            __m512 right = _mm512_loadu_ps(at->b + j * at->inner + k);
            if (fetches) {
                fetch_next(at, j, k);
            }
            UNROLL for (size_t i = 0; i < rows; i++) {
                sums[i][j] = _mm512_fmadd_ps(left[i], right, sums[i][j]);
            }
        }
    }
    UNROLL for (size_t i = 0; i < rows; i++) {
        _mm_storeu_ps(at->out + i * at->stride,
                      sum_four(fold(sums[i][0]), fold(sums[i][1]), fold(sums[i][2]), fold(sums[i][3])));
    }
}

static AVX512 void strip_avx512(tile at, size_t rows) {
    size_t first = rows < AT_ONCE_AVX512 ? 1 : AT_ONCE_AVX512;
    if (first == 1) {
        tile_avx512(&at, 1, true);
    } else {
        tile_avx512(&at, AT_ONCE_AVX512, true);
    }
    step(&at, first);
    rows -= first;
    for (; rows >= AT_ONCE_AVX512; rows -= AT_ONCE_AVX512) {
        tile_avx512(&at, AT_ONCE_AVX512, false);
        step(&at, AT_ONCE_AVX512);
    }
    for (; rows >= 2; rows -= 2) {
        tile_avx512(&at, 2, false);
        step(&at, 2);
    }
    if (rows == 1) {
        tile_avx512(&at, 1, false);
    }
}

static AVX512 void product_avx512(const float *a, const float *b, float *out, size_t out_stride,
                                  floe_gemm_shape shape) {
    for (size_t column = 0; column < shape.columns; column += FLOE_FEW_COLUMNS) {
        strip_avx512((tile){a, b + column * shape.inner, out + column, out_stride, shape.inner}, shape.rows);
    }
}

const floe_few *floe_few_avx2(void) {
    static const floe_few few = {"avx2", 8, product_avx2};
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &few : NULL;
}

const floe_few *floe_few_avx512(void) {
    static const floe_few few = {"avx512", 16, product_avx512};
    return __builtin_cpu_supports("avx512f") ? &few : NULL;
}

#else

const floe_few *floe_few_avx2(void) {
    return NULL;
}

const floe_few *floe_few_avx512(void) {
    return NULL;
}

#endif

const floe_few *floe_few_best(size_t inner) {
    const floe_few *wide = floe_few_avx512();
    const floe_few *few = wide != NULL && inner % wide->lanes == 0 ? wide : floe_few_avx2();
    return few != NULL && inner % few->lanes == 0 ? few : NULL;
}
