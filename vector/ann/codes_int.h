/*
 * Rows in a byte per dimension, and how far such a row may be from what it stands for: a sieve in front of the exact scan.
 *
 * A row x is kept as step × code with whole numbers of -127…127, a question q as its own step × whole numbers. Their product is
 * one sum of whole numbers, exact in 32 bits, and by Cauchy and Schwarz the product of x and q differs from it by at most
 * |q| × |x - step × code| + |q - its step × whole numbers| × |step × code|; both differences are measured, not estimated. A row whose product
 * can at best be less than the k-th best of what all are at least is not among the k best. The others are multiplied as ever, so that
 * answers are bit for bit those of the scan, for a quarter of the memory that it reads.
 * Thread: any.
 */
#ifndef FLOE_VECTOR_ANN_CODES_INT_H
#define FLOE_VECTOR_ANN_CODES_INT_H

#include "vector/ann/block_int.h"
#include "vector/ann/scan_int.h"

/* A row's codes begin at a multiple of so many, the last of them zeros. */
#define FLOE_CODES_ALIGN 32

typedef struct floe_code_scale {
    float step, distance; /* distance: length of what the codes leave out, rounded up */
} floe_code_scale;

typedef struct floe_codes {
    size_t stride;
    const int8_t *rows;
    const floe_code_scale *scales;
    floe_block block; /* holds both */
} floe_codes;

/* Of `count` rows of length 1 within 1 %. Owns: the caller, until floe_codes_close. Errors: NOMEM. */
floe_status floe_codes_make(const float *rows, size_t count, size_t dim, floe_codes **ret_codes, floe_error *err);
/* Safe on NULL. */
void floe_codes_close(floe_codes **codes);

/* Sum of products of `stride` codes with whole numbers of a question. */
typedef int32_t (*floe_code_product)(const int16_t *query, const int8_t *row, size_t stride);
floe_code_product floe_code_product_best(void);
floe_code_product floe_code_product_portable(void);
/* NULL where the machine has not got it, or is no x86-64. */
floe_code_product floe_code_product_avx2(void);
floe_code_product floe_code_product_avx512(void);

/* As floe_scan_bitmap_batch into tops that are empty, which then hold the same; `codes` NULL: by floe_scan_bitmap_batch. Errors:
 * NOMEM. */
floe_status floe_sift_bitmap_batch(const floe_scan *scan, const floe_codes *codes, const uint64_t *bits,
                                   const float *const *queries, size_t count, floe_top *tops, floe_error *err);

#endif
