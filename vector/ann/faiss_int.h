/*
 * FAISS behind one file (faiss.c): flat and HNSW indexes by its C API, its exceptions turned into errors, its threads bounded.
 * What it reads has been checked before (links.c), because its reader trusts every number in a file.
 * Thread: any for searches, any number at once.
 */
#ifndef FLOE_VECTOR_ANN_FAISS_INT_H
#define FLOE_VECTOR_ANN_FAISS_INT_H

#include "vector/ann/ann.h"

typedef struct floe_faiss floe_faiss;

/* Whether this processor has the instructions that FAISS was compiled for. */
bool floe_faiss_usable(void);

typedef struct floe_faiss_plan {
    floe_ann_kind kind; /* FLAT or HNSW */
    size_t dim, count, thread_count;
    unsigned ef_construction; /* HNSW */
} floe_faiss_plan;

floe_status floe_faiss_build(const floe_faiss_plan *plan, const float *rows, floe_faiss **ret_faiss, floe_error *err);
void floe_faiss_close(floe_faiss **faiss);

typedef struct floe_faiss_query {
    const float *vector;
    size_t k;
    unsigned ef;          /* HNSW: the beam; a search waits for those with a narrower one to end */
    const uint64_t *bits; /* rows that may be found; NULL: all */
    size_t count;         /* rows of the index */
} floe_faiss_query;

/* Shape: k rows and scores, row -1 where none was found. Scores of HNSW are those of half-precision copies. */
floe_status floe_faiss_search(floe_faiss *faiss, const floe_faiss_query *query, int64_t *ret_rows, float *ret_scores,
                              floe_error *err);

/* FAISS's own bytes, piece by piece; a failure of the sink ends the writing and is what is returned. */
typedef struct floe_faiss_sink {
    floe_status (*write)(void *context, const void *bytes, size_t len, floe_error *err);
    void *context;
} floe_faiss_sink;
floe_status floe_faiss_write(const floe_faiss *faiss, const floe_faiss_sink *sink, floe_error *err);

/* Reads bytes that floe_links_check has found good. */
floe_status floe_faiss_read(floe_str bytes, floe_faiss **ret_faiss, floe_error *err);

/* ---- the check (links.c) ---- */

/* Whether the bytes are an HNSW index of FAISS as floe writes it, of `count` rows of `dim`, in which every level, offset and
 * link stays inside: no search can then leave the index. Errors: CORRUPT naming what is wrong; NOMEM. Cost: one pass. */
floe_status floe_links_check(floe_str bytes, size_t dim, size_t count, floe_error *err);

#endif
