/*
 * Making halves, and their products for AVX2 with F16C and for AVX-512. See halves_int.h; the tiles are those of few.c.
 */
#include "vector/embed/halves_int.h"

#include "core/mem.h"

#include <math.h>
#include <stdbool.h>

/* A line of the cache. */
#define LINE 64

struct floe_halves {
    size_t columns, inner; /* columns of the product: rows of the matrix */
    const uint16_t *values;
};

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,fma,f16c")))
#define AVX512 __attribute__((target("avx512f,avx2,fma,f16c")))
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define AT_ONCE_AVX2 3
#define AT_ONCE_AVX512 6
#define HALF_MAX 65504.0f

/* ---- making ---- */

/* Half precision is asked of the processor itself: not every compiler knows its name. That the system keeps wide registers is
 * part of the answer about AVX2. */
static bool can_widen(void) {
    unsigned a, b, c = 0, d;
    bool halves = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
    return halves && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool fit(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(values[i]) <= HALF_MAX)) {
            return false;
        }
    }
    return true;
}

static AVX2 void narrow(const float *from, uint16_t *to) {
    for (size_t i = 0; i < FLOE_HALVES_BLOCK; i += 8) {
        __m128i halves = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128((__m128i *)(void *)(to + i), halves);
    }
}

static void pack(const float *rows, size_t count, size_t inner, uint16_t *to) {
    for (size_t column = 0; column < count; column += FLOE_FEW_COLUMNS) {
        for (size_t k = 0; k < inner; k += FLOE_HALVES_BLOCK) {
            for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++, to += FLOE_HALVES_BLOCK) {
                narrow(rows + (column + j) * inner + k, to);
            }
        }
    }
}

const floe_halves *floe_halves_make(const float *rows, size_t count, size_t inner, floe_halves_room *room,
                                    floe_arena *arena) {
    size_t len = count * inner;
    if (!can_widen() || count % FLOE_FEW_COLUMNS != 0 || inner % FLOE_HALVES_BLOCK != 0 || !fit(rows, len)) {
        return NULL;
    }
    floe_halves *made = floe_arena_alloc(arena, 1, sizeof(*made));
    if (made == NULL || len > room->len) {
        return NULL;
    }
    pack(rows, count, inner, room->next);
    *made = (floe_halves){count, inner, room->next};
    room->next += len;
    room->len -= len;
    return made;
}

/* ---- products ---- */

/* Four rows of the matrix, all rows of a. */
typedef struct tile {
    const float *a;
    const uint16_t *halves;
    float *out;
    size_t stride, inner;
} tile;

/* The sums of four registers, side by side. */
INLINE AVX2 __m128 sum_four(__m256 x, __m256 y, __m256 z, __m256 w) {
    __m256 pairs = _mm256_hadd_ps(_mm256_hadd_ps(x, y), _mm256_hadd_ps(z, w));
    return _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
}

INLINE AVX512 __m256 fold(__m512 x) {
    return _mm256_add_ps(_mm512_castps512_ps256(x), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)));
}

/* `rows` is a constant where this is inlined. */
INLINE AVX2 void tile_avx2(const tile *at, size_t rows) {
    __m256 sums[AT_ONCE_AVX2][FLOE_FEW_COLUMNS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            sums[i][j] = _mm256_setzero_ps();
        }
    }
    for (size_t k = 0; k < at->inner; k += 8) {
        const uint16_t *block =
            at->halves + k / FLOE_HALVES_BLOCK * FLOE_HALVES_BLOCK * FLOE_FEW_COLUMNS + k % FLOE_HALVES_BLOCK;
        __m256 left[AT_ONCE_AVX2];
        UNROLL for (size_t i = 0; i < rows; i++) {
            left[i] = _mm256_loadu_ps(at->a + i * at->inner + k);
        }
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            const void *halves = block + j * FLOE_HALVES_BLOCK;
            __m256 right = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
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

static AVX2 void strip_avx2(tile at, size_t rows) {
    for (; rows >= AT_ONCE_AVX2; rows -= AT_ONCE_AVX2) {
        tile_avx2(&at, AT_ONCE_AVX2);
        step(&at, AT_ONCE_AVX2);
    }
    if (rows == 2) {
        tile_avx2(&at, 2);
    } else if (rows == 1) {
        tile_avx2(&at, 1);
    }
}

static AVX2 void product_avx2(const floe_halves *halves, const float *a, size_t rows, float *out, size_t out_stride) {
    for (size_t column = 0; column < halves->columns; column += FLOE_FEW_COLUMNS) {
        strip_avx2((tile){a, halves->values + column * halves->inner, out + column, out_stride, halves->inner}, rows);
    }
}

/* Which lines of what is read after this strip are fetched while rows are multiplied: each second one, the others, or all. What lies
 * behind the end is fetched in vain, which is allowed. */
typedef enum fetch { FETCH_NONE = 0, FETCH_EVEN = 1, FETCH_ODD = 2, FETCH_ALL = 3 } fetch;

/* `rows` and `fetched` are constants where this is inlined. */
INLINE AVX512 void tile_avx512(const tile *at, size_t rows, fetch fetched) {
    __m512 sums[AT_ONCE_AVX512][FLOE_FEW_COLUMNS];
    UNROLL for (size_t i = 0; i < rows; i++) {
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            sums[i][j] = _mm512_setzero_ps();
        }
    }
    for (size_t k = 0; k < at->inner; k += FLOE_HALVES_BLOCK) {
        const uint16_t *block = at->halves + k * FLOE_FEW_COLUMNS;
        __m512 left[AT_ONCE_AVX512];
        if ((fetched & FETCH_EVEN) != 0) {
            __builtin_prefetch(block + at->inner * FLOE_FEW_COLUMNS);
        }
        if ((fetched & FETCH_ODD) != 0) {
            __builtin_prefetch(block + at->inner * FLOE_FEW_COLUMNS + LINE / sizeof(*block));
        }
        UNROLL for (size_t i = 0; i < rows; i++) {
            left[i] = _mm512_loadu_ps(at->a + i * at->inner + k);
        }
        UNROLL for (size_t j = 0; j < FLOE_FEW_COLUMNS; j++) {
            const void *halves = block + j * FLOE_HALVES_BLOCK;
            __m512 right = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
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

/* The fetching is shared out among the first rows, so that memory is read all the while. Returns how many rows are done. */
INLINE AVX512 size_t begin_avx512(tile *at, size_t rows) {
    if (rows < AT_ONCE_AVX512) {
        tile_avx512(at, 1, FETCH_ALL);
        step(at, 1);
        return 1;
    }
    if (rows < 2 * AT_ONCE_AVX512) {
        tile_avx512(at, AT_ONCE_AVX512, FETCH_ALL);
        step(at, AT_ONCE_AVX512);
        return AT_ONCE_AVX512;
    }
    tile_avx512(at, AT_ONCE_AVX512, FETCH_EVEN);
    step(at, AT_ONCE_AVX512);
    tile_avx512(at, AT_ONCE_AVX512, FETCH_ODD);
    step(at, AT_ONCE_AVX512);
    return 2 * AT_ONCE_AVX512;
}

static AVX512 void strip_avx512(tile at, size_t rows) {
    rows -= begin_avx512(&at, rows);
    for (; rows >= AT_ONCE_AVX512; rows -= AT_ONCE_AVX512) {
        tile_avx512(&at, AT_ONCE_AVX512, FETCH_NONE);
        step(&at, AT_ONCE_AVX512);
    }
    for (; rows >= 2; rows -= 2) {
        tile_avx512(&at, 2, FETCH_NONE);
        step(&at, 2);
    }
    if (rows == 1) {
        tile_avx512(&at, 1, FETCH_NONE);
    }
}

static AVX512 void product_avx512(const floe_halves *halves, const float *a, size_t rows, float *out,
                                  size_t out_stride) {
    for (size_t column = 0; column < halves->columns; column += FLOE_FEW_COLUMNS) {
        strip_avx512((tile){a, halves->values + column * halves->inner, out + column, out_stride, halves->inner}, rows);
    }
}

floe_halves_kernel floe_halves_avx2(void) {
    return can_widen() ? product_avx2 : NULL;
}

floe_halves_kernel floe_halves_avx512(void) {
    return can_widen() && __builtin_cpu_supports("avx512f") ? product_avx512 : NULL;
}

#else

const floe_halves *floe_halves_make(const float *rows, size_t count, size_t inner, floe_halves_room *room,
                                    floe_arena *arena) {
    (void)rows;
    (void)count;
    (void)inner;
    (void)room;
    (void)arena;
    return NULL;
}

floe_halves_kernel floe_halves_avx2(void) {
    return NULL;
}

floe_halves_kernel floe_halves_avx512(void) {
    return NULL;
}

#endif

floe_halves_room floe_halves_reserve(size_t len, floe_arena *arena) {
    size_t more = LINE / sizeof(uint16_t);
    uint16_t *values = floe_arena_alloc(arena, len + more, sizeof(*values));
    floe_mem_advise_huge(values, (len + more) * sizeof(*values));
    size_t past = (uintptr_t)values % LINE;
    return values != NULL ? (floe_halves_room){values + (LINE - past) / sizeof(*values), len} : (floe_halves_room){0};
}

void floe_halves_product(const floe_halves *halves, const float *a, size_t rows, float *out, size_t out_stride) {
    floe_halves_kernel wide = floe_halves_avx512();
    floe_halves_kernel kernel = wide != NULL ? wide : floe_halves_avx2();
    FLOE_ASSERT(kernel != NULL);
    kernel(halves, a, rows, out, out_stride);
}
