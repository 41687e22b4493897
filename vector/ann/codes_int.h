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
#define FLOE_CODE_MAX 127

typedef struct floe_code_scale {
    float step, distance; /* distance: length of what the codes leave out, rounded up */
} floe_code_scale;

typedef struct floe_codes {
    size_t stride;
    const int8_t *rows;
    const floe_code_scale *scales;
    floe_block block; /* holds both */
} floe_codes;

/* One row: `dim` codes. All encoders give the same codes; their distances may differ in the last bits of a double, far below what they are
 * rounded up by. */
typedef void (*floe_code_encoder)(const float *row, size_t dim, int8_t *ret_codes, floe_code_scale *ret_scale);
void floe_codes_encode(const float *row, size_t dim, int8_t *ret_codes, floe_code_scale *ret_scale);
floe_code_encoder floe_code_encoder_portable(void);
floe_code_encoder floe_code_encoder_avx512(void); /* NULL where the machine has not got it; dim is a multiple of 16 */
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
floe_code_product floe_code_product_vnni(void); /* AVX-512 with VNNI */

/* Those of four questions at once; NULL where four by themselves are as good. Questions may be the same. */
typedef void (*floe_code_four)(const int16_t *const queries[4], const int8_t *row, size_t stride,
                               int32_t ret_products[4]);
floe_code_four floe_code_four_vnni(void);

/* Rows whose products with one question are bounded at once: a block of them, those that a last one lacks zeros. */
enum { FLOE_CODES_BLOCK = 64 };
typedef struct floe_code_block {
    double steps[FLOE_CODES_BLOCK], distances[FLOE_CODES_BLOCK];
} floe_code_block;
/* The product is step × a row's step × the product of the codes, give or take `by_distance` × the row's distance + `always`. */
typedef struct floe_code_question {
    double step, by_distance, always;
    float cut;
} floe_code_question;
/* The least and the most that each product may be. Returns a bit for each row whose least is not below the cut. */
typedef uint64_t (*floe_code_bound)(const floe_code_block *rows, const int32_t *products, const floe_code_question *by,
                                    float *ret_least, float *ret_most);
floe_code_bound floe_code_bound_best(void);
floe_code_bound floe_code_bound_portable(void);
floe_code_bound floe_code_bound_avx512(void); /* NULL where the machine has not got it */

/* Rows that are often looked through together, side by side: their codes, and codes of what those leave out, which tell a row's product
 * some two hundred times more closely. See shelf.c. */
typedef struct floe_shelf {
    size_t count, stride;
    const uint32_t *rows;          /* by place, ascending */
    const int8_t *coarse, *fine;   /* by place */
    const floe_code_scale *scales; /* of both, by place: 2 × place, 2 × place + 1 */
    floe_block block;
} floe_shelf;
/* Of the rows of a scan whose bits are set. Owns: the caller, until floe_shelf_close, which is safe on a zeroed one. Errors: NOMEM. */
floe_status floe_shelf_open(const floe_scan *scan, const uint64_t *bits, bool is_fine, floe_shelf *ret_shelf,
                            floe_error *err);
void floe_shelf_close(floe_shelf *shelf);

/* Which rows are sifted, and how. */
typedef struct floe_sifting {
    const floe_codes *codes;    /* NULL: by floe_scan_bitmap_batch */
    const floe_shelf *shelf;    /* of the same rows as `bits`; NULL: none */
    struct floe_helper *helper; /* shares the work; NULL: the calling thread alone */
    const uint64_t *bits;
} floe_sifting;

/* As floe_scan_bitmap_batch into tops that are empty, which then hold the same. Errors: NOMEM. */
floe_status floe_sift_bitmap_batch(const floe_scan *scan, const floe_sifting *by, const float *const *queries,
                                   size_t count, floe_top *tops, floe_error *err);

#endif
