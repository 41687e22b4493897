/*
 * Random unit vectors, and the oracle: inner products in double precision, one after the other, sorted.
 * The vectors lie in clumps, as those of texts do, so that neighbours are near and a graph has something to find.
 */
#ifndef FLOE_TESTS_VECTOR_ANN_VECTORS_H
#define FLOE_TESTS_VECTOR_ANN_VECTORS_H

#include "tests/core/scratch.h"
#include "vector/ann/ann.h"

typedef struct vectors {
    uint64_t *ids;
    float *rows;
    size_t count, dim;
} vectors;

/* Ids are distinct and in no order. Freed by vectors_free. */
vectors vectors_make(size_t count, size_t dim, uint64_t seed);
void vectors_free(vectors *made);
floe_ann_vectors vectors_view(const vectors *made);

/* A question near one of the vectors, of length 1. */
void vectors_question(const vectors *made, uint64_t *state, float *ret_query);
/* A vector of length 1 in no clump. */
void vectors_random_row(size_t dim, uint64_t *state, float *ret_row);

double vectors_dot(const float *a, const float *b, size_t dim);

/* The k best scores among the rows for which `may` is set (NULL: all), best first; returns how many there are. */
size_t oracle_scores(const vectors *made, const float *query, const bool *may, size_t k, double *ret_scores);

/* Holds hits against the oracle: well-formed (sorted, no id twice, each score that of its id, each id allowed), as many as
 * there can be; returns how many are as good as the oracle's k-th. */
size_t oracle_check(const vectors *made, const float *query, const bool *may, size_t k, const floe_ann_hit *hits,
                    size_t count);

/* Bits by slot from flags by row, as `ids` (ascending) numbers them. Freed by the caller with test_free. */
uint64_t *vectors_bitmap(const vectors *made, const bool *may, const uint64_t *ids);

#endif
