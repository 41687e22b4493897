/*
 * What the files of this folder share of an index: where its parts lie, and the two ways it comes to be.
 */
#ifndef FLOE_VECTOR_ANN_ANN_INT_H
#define FLOE_VECTOR_ANN_ANN_INT_H

#include "vector/ann/ann.h"
#include "vector/ann/block_int.h"
#include "vector/ann/codes_int.h"
#include "vector/ann/faiss_int.h"
#include "vector/ann/scan_int.h"

#include <stdatomic.h>

/* So many rows are scanned in the time that one more row in the beam of a graph costs: some 30 while all lies in the caches,
 * over 100 for a million rows (bench/ann.sh). */
#define FLOE_ANN_ROWS_PER_BEAM 100
#define FLOE_ANN_EF_MAX 4096
#define FLOE_ANN_EF_MIN 64

struct floe_ann {
    floe_ann_info info;
    char fingerprint[FLOE_ANN_FINGERPRINT_MAX];
    const uint64_t *ids; /* ascending */
    const float *rows;
    floe_faiss *faiss; /* FLAT and HNSW */
    floe_block block;  /* holds ids and rows */
    /* Of the rows; NULL until they are prepared, and never changed then. */
    _Atomic(floe_codes *) codes;
};

/* Makes the codes, once. Thread: any. Cost: one pass over the rows. Errors: NOMEM. */
floe_status floe_ann_prepare(floe_ann *ann, floe_error *err);

/* An index without rows. Errors: INVALID or LIMIT of the fingerprint and dim. */
floe_status floe_ann_make(size_t dim, floe_str fingerprint, floe_ann **ret_ann, floe_error *err);

/* Memory for `count` ids and rows, in one block; the rows begin at a multiple of 64 bytes. */
floe_status floe_ann_reserve(floe_ann *ann, size_t count, uint64_t **ret_ids, float **ret_rows, floe_error *err);

/* Ids ascending, each once; rows of length 1. Errors: `code`, naming the id. */
floe_status floe_ann_check_rows(const floe_ann *ann, floe_code code, floe_error *err);

/* Of a query, everything but `allowed` of a view. `slot_count` bounds the candidates. */
floe_status floe_ann_check_query(const floe_ann_query *query, size_t dim, size_t slot_count, floe_error *err);

/* Offers the best of the rows to `top`, as slots from `base` on; bits NULL: all. The answer is exact unless `may_graph`. */
typedef struct floe_ann_part {
    const floe_ann *ann;
    const uint64_t *bits;
    const floe_shelf *shelf; /* of the bits; NULL: none */
    size_t survivors;        /* set bits; all rows without bits */
    uint32_t base;
    bool may_graph;
} floe_ann_part;
floe_scan floe_ann_part_scan_of(const floe_ann_part *part, const float *vector);
/* Through the codes, where there are some; `top` is empty. Errors: NOMEM. */
floe_status floe_ann_part_scan(const floe_ann_part *part, const floe_ann_query *query, floe_top *top, floe_error *err);
/* By FAISS, with this beam (FLAT: 0), which offers nothing unless it found min(k, survivors). */
floe_status floe_ann_part_faiss(const floe_ann_part *part, const floe_ann_query *query, size_t beam, floe_top *top,
                                bool *ret_enough, floe_error *err);
/* By what costs less. */
floe_status floe_ann_part_search(const floe_ann_part *part, const floe_ann_query *query, floe_top *top,
                                 floe_error *err);

/* The shelf of one index of a view; NULL of none. */
const floe_shelf *floe_ann_shelf_part(const floe_ann_shelf *shelf, size_t part);

/* Sets ef_search and sample_recall of a graph: `wanted`, or (0) what a sample of questions needs (beam.c). */
floe_status floe_ann_choose_beam(floe_ann *ann, unsigned wanted, floe_error *err);

#endif
