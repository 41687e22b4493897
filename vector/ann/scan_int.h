/*
 * The exact scan: inner products of a question with rows, the k best kept. One product for every machine, one for AVX2 with
 * FMA, one for AVX-512, chosen once at run time; all pass one test against double precision.
 *
 * Whatever way a row is come by, its product is the same sum in the same order, so that equal is equal: a filtered answer is
 * bit for bit that of an index that never held the rest.
 * Thread: any; nothing but a top list's floe_top_open allocates.
 */
#ifndef FLOE_VECTOR_ANN_SCAN_INT_H
#define FLOE_VECTOR_ANN_SCAN_INT_H

#include "vector/ann/ann.h"

typedef struct floe_dot {
    const char *name;
    float (*product)(const float *query, const float *row, size_t dim);
} floe_dot;

/* The fastest that this machine can run. */
const floe_dot *floe_dot_best(void);
const floe_dot *floe_dot_portable(void);
/* NULL where the machine has not got it, or is no x86-64. */
const floe_dot *floe_dot_avx2(void);
const floe_dot *floe_dot_avx512(void);

typedef struct floe_scored {
    float score;
    uint32_t slot;
} floe_scored;

/* The k best of what was offered: a heap whose root is the worst of them. */
typedef struct floe_top {
    floe_scored *items;
    size_t count, k;
} floe_top;

floe_status floe_top_open(floe_top *top, size_t k, floe_error *err);
void floe_top_close(floe_top *top);
void floe_top_offer(floe_top *top, float score, uint32_t slot);
/* Best first, equal scores by slot; nothing may be offered afterwards. */
void floe_top_sort(floe_top *top);

/* What is scanned, and as which slots it is offered. */
typedef struct floe_scan {
    const floe_dot *dot;
    const float *query;
    const float *rows;
    size_t dim, count;
    uint32_t base; /* slot of row 0 */
} floe_scan;

void floe_scan_all(const floe_scan *scan, floe_top *top);
/* Rows whose bit is set; bits from `count` on do not matter. */
void floe_scan_bitmap(const floe_scan *scan, const uint64_t *bits, floe_top *top);
/* The same for several questions, each row read once for all of them: question i is offered to tops[i]; scan->query is not
 * looked at. */
void floe_scan_bitmap_batch(const floe_scan *scan, const uint64_t *bits, const float *const *queries, size_t count,
                            floe_top *tops);
/* These rows, each smaller than `count`. */
void floe_scan_list(const floe_scan *scan, const uint32_t *list, size_t list_count, floe_top *top);

/* ---- bitmaps ---- */

#define FLOE_BITS_WORDS(count) (((count) + 63) / 64)
static inline bool floe_bit(const uint64_t *bits, size_t at) {
    return (bits[at / 64] >> (at % 64) & 1) != 0;
}
/* Set bits among the first `count`. */
size_t floe_bits_count(const uint64_t *bits, size_t count);

#endif
