/*
 * Nearest neighbours: which of many unit vectors have the largest inner product with a question's.
 *
 * Two layers. An *index* (floe_ann) is immutable: built from vectors, written to one file, read back from it. A *store*
 * (floe_ann_store) is a folder of indexes: one large, a few small ones beside it with what was added since, and tombstones.
 * It is changed and compacted while others search *views* of it; a view never changes.
 *
 * Ids are the caller's: opaque, unique 64-bit numbers, meant to be hashes of the embedded text, so that a text is embedded
 * once, whichever documents have it. Slots are places inside one index or view, 0…slot_count-1; filters are bitmaps over
 * them, so a caller maps ids to slots once per view and not per question.
 *
 * What answers, by cost: our own scan (AVX-512, AVX2 or portable, chosen at run time) for few rows and for filtered
 * questions, FAISS's HNSW graph for many rows. Scores are always exact inner products of the stored floats; the graph can
 * only miss a neighbour, never misjudge one.
 *
 * Order for an indexer that publishes something beside the store (it must stay right when it is killed in between): put the
 * new vectors, commit, publish the documents, remove the vectors nobody needs, commit. A reader opens the documents first, and
 * when it then lacks a vector, it was overtaken and begins again.
 * One store holds vectors of one model; those of another go to another folder.
 */
#ifndef FLOE_VECTOR_ANN_ANN_H
#define FLOE_VECTOR_ANN_ANN_H

#include "core/error.h"
#include "core/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOE_ANN_DIM_MAX 8192
#define FLOE_ANN_COUNT_MAX ((size_t)1 << 27)
#define FLOE_ANN_K_MAX 10000
#define FLOE_ANN_FINGERPRINT_MAX 192 /* bytes, the NUL included; as the embedder's */
/* Rows from which a graph answers faster than a scan by more than its build is worth (bench/ann.sh). */
#define FLOE_ANN_GRAPH_MIN 32768

/* Written to disk: never reuse a number. */
typedef enum floe_ann_kind {
    FLOE_ANN_AUTO = 0, /* SCAN below graph_min rows, HNSW from there on */
    FLOE_ANN_SCAN = 1, /* our own exact scan */
    FLOE_ANN_FLAT = 2, /* FAISS's exact scan; the peer in tests and benchmarks */
    FLOE_ANN_HNSW = 3  /* FAISS's HNSW graph, M = 32, over half-precision copies; filtered questions are scanned */
} floe_ann_kind;
const char *floe_ann_kind_name(floe_ann_kind kind);

typedef struct floe_ann_options {
    floe_ann_kind kind;
    size_t dim;               /* floats of a vector, 1…FLOE_ANN_DIM_MAX */
    floe_str fingerprint;     /* of the model; kept in the file and compared when it is opened */
    size_t graph_min;         /* of AUTO; 0: FLOE_ANN_GRAPH_MIN */
    size_t thread_count;      /* of building a graph; 0: 1 */
    unsigned ef_construction; /* 0: 40 */
    unsigned
        ef_search; /* 0: four times the smallest of 64, 96, 128 … 1024 whose recall@10 on a sample reaches 0.998 or cannot be bettered */
} floe_ann_options;

/* Borrowed vectors. Shape: `rows` is count × dim, row-major, each of length 1 within 1 %. */
typedef struct floe_ann_vectors {
    const uint64_t *ids;
    const float *rows;
    size_t count;
} floe_ann_vectors;

typedef struct floe_ann_query {
    const float *vector; /* dim finite floats; of length 1 if scores shall be cosines */
    size_t k;            /* 1…FLOE_ANN_K_MAX */
    /* At most one of the two; without, every row may be found. */
    const uint64_t
        *allowed; /* bitmap: slot s may be found when bit s % 64 of word s / 64 is set; slot_count bits, rounded
                                   up to whole words, whose spare bits do not matter */
    const uint32_t *candidates; /* these slots, each once, in any order */
    size_t candidate_count;     /* 0 with candidates that are not NULL: nothing is found */
    /* A filter that leaves so many rows that scanning them costs more than the graph may be answered by the graph, with its
     * beam widened by what the filter takes away. Without it a filtered answer is exact: recall 1. */
    bool may_approximate;
    const struct floe_ann_shelf *shelf; /* of the view and of `allowed`; NULL: none. The answer is the same, sooner */
    struct floe_helper *helper; /* shares the work of a filtered scan through codes; NULL: the calling thread alone */
} floe_ann_query;

typedef struct floe_ann_hit {
    uint64_t id;
    uint32_t slot;
    float score; /* inner product */
} floe_ann_hit;

/* ---- an index ---- */

typedef struct floe_ann floe_ann;

typedef struct floe_ann_info {
    floe_ann_kind kind; /* never AUTO */
    size_t dim, count;
    unsigned ef_search;   /* HNSW; otherwise 0 */
    double sample_recall; /* recall@10 of HNSW as measured when it was built, with this ef_search; otherwise 1 */
    floe_str fingerprint;
    const uint64_t *ids; /* by slot: ascending */
} floe_ann_info;

/* Copies the vectors and builds. Owns: the caller, until floe_ann_close. Errors: INVALID (an id twice, a row whose length is
 * not 1, named by its id; options); LIMIT; NOMEM; UNSUPPORTED for FLAT and HNSW where the processor lacks what FAISS was
 * compiled for (AUTO then scans). Thread: any. Cost: SCAN sorts and copies; HNSW some minute of one core per 100,000 × 384. */
floe_status floe_ann_build(const floe_ann_options *options, const floe_ann_vectors *vectors, floe_ann **ret_ann,
                           floe_error *err);

/* Writes the index to a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs the folder. On failure
 * nothing is left behind. Errors: IO, DENIED, NOT_FOUND (no such folder), NOMEM. */
floe_status floe_ann_write(const floe_ann *ann, const char *path, floe_error *err);

/* Reads a file. Everything in it is checked first: checksums, sizes, ids, lengths of rows, and each link of the graph before
 * FAISS sees it. The file is not needed afterwards. Errors: NOT_FOUND; CORRUPT when it is damaged,
 * foreign or of another version: build it anew; CONFLICT when `dim` (not 0) or `fingerprint` (not empty) are others.
 * Cost: reads all of it once, some 0.5 s per GB. */
floe_status floe_ann_open(const char *path, size_t dim, floe_str fingerprint, floe_ann **ret_ann, floe_error *err);
void floe_ann_close(floe_ann **ann);

/* Valid until the close. Thread: any. */
const floe_ann_info *floe_ann_describe(const floe_ann *ann);
/* The slot of an id, by bisection. */
bool floe_ann_find(const floe_ann *ann, uint64_t id, uint32_t *ret_slot);
/* The stored vector of a slot; borrowed until the close. */
const float *floe_ann_row(const floe_ann *ann, uint32_t slot);

/* Finds the best. Shape: `ret_hits` has room for k; best first, equal scores by slot. Rule: min(k, rows that may be found)
 * hits, always. Errors: INVALID (k, a vector that is not finite, a candidate that is no slot), NOMEM. Thread: any, any number
 * at once; runs on the calling thread alone. */
floe_status floe_ann_search(const floe_ann *ann, const floe_ann_query *query, floe_ann_hit *ret_hits, size_t *ret_count,
                            floe_error *err);

/* ---- a store ---- */

typedef struct floe_ann_store floe_ann_store;
typedef struct floe_ann_view floe_ann_view;

/* Opens a folder to change it, which is made when missing; holds its lock until the close. `options` says what new indexes are
 * built like; dim and fingerprint must be those of the folder. Owns: the caller, until floe_ann_store_close. Errors: CORRUPT:
 * remove the folder and build anew; CONFLICT (another model's vectors, or another writer). Thread: any. */
floe_status floe_ann_store_open(const char *folder, const floe_ann_options *options, floe_ann_store **ret_store,
                                floe_error *err);
/* No other call may run or follow; views live on. What was not committed is lost. */
void floe_ann_store_close(floe_ann_store **store);

/* Adds vectors; one whose id is there replaces it. All or nothing, visible to views taken from now on, durable by the next
 * commit. Errors: as floe_ann_build. Thread: any; changes run one after the other. */
floe_status floe_ann_store_put(floe_ann_store *store, const floe_ann_vectors *vectors, floe_error *err);
/* Removes ids; those that are not there are OK. */
floe_status floe_ann_store_remove(floe_ann_store *store, const uint64_t *ids, size_t count, floe_error *err);
/* Makes everything so far durable: new files first, then one rename of `current`. A kill at any point leaves the state of
 * the last commit. */
floe_status floe_ann_store_commit(floe_ann_store *store, floe_error *err);

/* Whether it is time: the small indexes together are no longer small, or more than a fifth of the rows is dead. */
bool floe_ann_store_compaction_due(floe_ann_store *store);
/* Builds one index of all living rows; the caller runs it on a thread of its own. Searches and changes go on meanwhile, and
 * those changes are kept. In memory until the next commit. Errors: as floe_ann_build. Thread: any; one at a time. */
floe_status floe_ann_store_compact(floe_ann_store *store, floe_error *err);

/* ---- a view: what a store held at one moment ---- */

/* Never NULL; the caller releases it. Thread: any; cost: one uncontended lock. */
const floe_ann_view *floe_ann_store_view(floe_ann_store *store);
void floe_ann_view_release(const floe_ann_view **view);
/* What was committed last to a folder, which may be changed meanwhile. Of `options` dim and fingerprint matter. Owns: the caller,
 * until the release. Errors: NOT_FOUND (nothing committed yet); CORRUPT; CONFLICT (another model's vectors). Thread: any. */
floe_status floe_ann_view_open(const char *folder, const floe_ann_options *options, const floe_ann_view **ret_view,
                               floe_error *err);
/* The same rows under the same slots, and further ones behind them, whose ids the view has not got; perhaps none. Shares the
 * rows. Errors: as floe_ann_build. */
floe_status floe_ann_view_extend(const floe_ann_view *view, const floe_ann_vectors *more,
                                 const floe_ann_view **ret_view, floe_error *err);
/* Makes what lets filtered questions read a quarter of the bytes: answers stay the same, bit for bit. Worth it for a view that is
 * asked more than a few times. Cost: one pass over the rows, a byte per dimension of memory, shared by all views of a part. Errors:
 * NOMEM. Thread: any, also while others search. */
floe_status floe_ann_view_prepare(const floe_ann_view *view, floe_error *err);

/* Rows of a view that are often looked through together, laid side by side for it; `is_fine`: and more closely told apart, for rows that
 * are much alike. Shape: `allowed` as in floe_ann_query. Owns: the
 * caller, until the close; needs the view only while it is made. Errors: NOMEM. Thread: any. Cost: one byte per dimension and
 * row of memory, fine two, and one pass over the rows. */
typedef struct floe_ann_shelf floe_ann_shelf;
floe_status floe_ann_shelf_open(const floe_ann_view *view, const uint64_t *allowed, bool is_fine,
                                floe_ann_shelf **ret_shelf, floe_error *err);
/* Safe on NULL. */
void floe_ann_shelf_close(floe_ann_shelf **shelf);

typedef struct floe_ann_view_info {
    size_t dim;
    size_t slot_count; /* a multiple of 64; some slots are empty or dead */
    size_t alive;      /* rows that can be found */
    size_t parts;      /* indexes */
    floe_str fingerprint;
} floe_ann_view_info;
void floe_ann_view_describe(const floe_ann_view *view, floe_ann_view_info *ret_info);

/* The id of a slot; false when the slot is empty or dead. */
bool floe_ann_view_id(const floe_ann_view *view, uint32_t slot, uint64_t *ret_id);
/* The slot of a living id. Cost: a bisection per part. */
bool floe_ann_view_find(const floe_ann_view *view, uint64_t id, uint32_t *ret_slot);
/* The vector of a slot that is not empty; borrowed until the release. */
const float *floe_ann_view_row(const floe_ann_view *view, uint32_t slot);

/* As floe_ann_search, over the living rows of all parts; slots are the view's. Equal scores by id, so that the answer does not
 * depend on how the rows lie in parts. */
floe_status floe_ann_view_search(const floe_ann_view *view, const floe_ann_query *query, floe_ann_hit *ret_hits,
                                 size_t *ret_count, floe_error *err);

/* Several questions of one filter, which is a bitmap. Shape: `hits` holds count × k, question i's from i × k on, counts[i] of
 * them. */
typedef struct floe_ann_batch {
    const float *const *vectors; /* as floe_ann_query.vector */
    size_t count;                /* 1…FLOE_ANN_BATCH_MAX */
    floe_ann_hit *hits;
    size_t *counts;
} floe_ann_batch;
#define FLOE_ANN_BATCH_MAX 64

/* As an exact floe_ann_view_search for each of the batch, but every row is read once for all of them, which is what most of the
 * time goes into. The query's own vector is not looked at. Errors: as floe_ann_search; INVALID without a bitmap. */
floe_status floe_ann_view_search_batch(const floe_ann_view *view, const floe_ann_query *query,
                                       const floe_ann_batch *batch, floe_error *err);

#endif
