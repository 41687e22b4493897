/*
 * Weights in half precision, for products of few rows: a question's forward pass takes as long as reading the weights from
 * memory does, and these are half as long. Each product is computed in floats; what a weight loses is at most 2⁻¹² of it. A vector
 * stays within a cosine of 1 - 10⁻⁶ of its own, and its cosines with others within some 10⁻⁴: over Spider's questions no figure
 * of retrieval changes.
 *
 * Shape: four rows of the matrix at a time lie together, sixteen halves of each in turn, so that a product reads them from
 * beginning to end.
 * Thread: any; immutable once made.
 */
#ifndef FLOE_VECTOR_EMBED_HALVES_INT_H
#define FLOE_VECTOR_EMBED_HALVES_INT_H

#include "core/arena.h"
#include "vector/embed/few_int.h"

#include <stdint.h>

#define FLOE_HALVES_BLOCK 16

typedef struct floe_halves floe_halves;

/* Room for the halves of several matrices side by side, on huge pages where they are to be had: every question reads all of them, and
 * looking up thousands of small pages took an eighth of its time. */
typedef struct floe_halves_room {
    uint16_t *next;
    size_t len; /* that are left */
} floe_halves_room;

/* Room for `len` halves; for none when the arena is full, which it notes. Owns: the arena. */
floe_halves_room floe_halves_reserve(size_t len, floe_arena *arena);

/* Of a matrix [rows × inner]. NULL where the machine cannot widen halves, where rows are no multiple of FLOE_FEW_COLUMNS or inner none of
 * FLOE_HALVES_BLOCK, when a weight is too large for a half, when the room is too small, and when the arena is full, which it notes: then
 * the floats are to be used. Owns: the arena. */
const floe_halves *floe_halves_make(const float *rows, size_t count, size_t inner, floe_halves_room *room,
                                    floe_arena *arena);

/* out[rows × columns] = a[rows × inner] · halvesᵀ, for the columns and the inner dimension that they were made of. */
void floe_halves_product(const floe_halves *halves, const float *a, size_t rows, float *out, size_t out_stride);

/* What multiplies. NULL where the machine has not got it, or is no x86-64. */
typedef void (*floe_halves_kernel)(const floe_halves *halves, const float *a, size_t rows, float *out,
                                   size_t out_stride);
floe_halves_kernel floe_halves_avx2(void);
floe_halves_kernel floe_halves_avx512(void);

#endif
