/*
 * An immutable index: built from vectors, searched by whatever is cheapest (part.c).
 *
 * Build: check the options → sort by id into memory of its own → check the rows → FAISS, for a graph with the beam measured on
 * a sample.
 */
#include "vector/ann/ann_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define EF_CONSTRUCTION 40
#define LENGTH_SLACK 0.01
#define ROWS_ALIGN 64

const char *floe_ann_kind_name(floe_ann_kind kind) {
    switch (kind) {
    case FLOE_ANN_AUTO:
        return "auto";
    case FLOE_ANN_SCAN:
        return "scan";
    case FLOE_ANN_FLAT:
        return "flat";
    case FLOE_ANN_HNSW:
        return "hnsw";
    }
    return "?";
}

/* ---- making and closing ---- */

floe_status floe_ann_make(size_t dim, floe_str fingerprint, floe_ann **ret_ann, floe_error *err) {
    floe_ann *ann = NULL;
    FLOE_ENSURE(dim >= 1 && dim <= FLOE_ANN_DIM_MAX, err, FLOE_INVALID,
                "vectors have %zu dimensions; 1 to %d are possible", dim, FLOE_ANN_DIM_MAX);
    FLOE_ENSURE(fingerprint.len < FLOE_ANN_FINGERPRINT_MAX, err, FLOE_LIMIT,
                "the model's fingerprint has %zu bytes; %d are possible", fingerprint.len,
                FLOE_ANN_FINGERPRINT_MAX - 1);
    FLOE_TRY(floe_alloc(1, sizeof(*ann), &ann, err));
    if (fingerprint.len > 0) {
        memcpy(ann->fingerprint, fingerprint.ptr, fingerprint.len);
    }
    ann->info = (floe_ann_info){
        .kind = FLOE_ANN_SCAN, .dim = dim, .sample_recall = 1, .fingerprint = {ann->fingerprint, fingerprint.len}};
    *ret_ann = ann;
    return FLOE_OK;
}

void floe_ann_close(floe_ann **ann) {
    if (*ann == NULL) {
        return;
    }
    floe_codes *codes = atomic_load(&(*ann)->codes);
    floe_codes_close(&codes);
    floe_faiss_close(&(*ann)->faiss);
    floe_block_close(&(*ann)->block);
    floe_free(*ann);
    *ann = NULL;
}

floe_status floe_ann_reserve(floe_ann *ann, size_t count, uint64_t **ret_ids, float **ret_rows, floe_error *err) {
    FLOE_ENSURE(count <= FLOE_ANN_COUNT_MAX, err, FLOE_LIMIT, "%zu vectors are more than the %zu that one index takes",
                count, FLOE_ANN_COUNT_MAX);
    /* Both fit size_t: 2^27 rows of 2^13 floats are 2^42 bytes. */
    size_t ids_len = (count * sizeof(uint64_t) + ROWS_ALIGN - 1) / ROWS_ALIGN * ROWS_ALIGN;
    FLOE_TRY(floe_block_open(ids_len + count * ann->info.dim * sizeof(float), &ann->block, err));
    *ret_ids = (uint64_t *)(void *)ann->block.begin;
    *ret_rows = (float *)(void *)(ann->block.begin + ids_len);
    ann->ids = *ret_ids;
    ann->rows = *ret_rows;
    ann->info.ids = ann->ids;
    ann->info.count = count;
    return FLOE_OK;
}

static double length_of(const float *row, size_t dim) {
    return sqrt((double)floe_dot_best()->product(row, row, dim));
}

floe_status floe_ann_check_rows(const floe_ann *ann, floe_code code, floe_error *err) {
    for (size_t i = 0; i < ann->info.count; i++) {
        FLOE_ENSURE(i == 0 || ann->ids[i - 1] < ann->ids[i], err, code, "the id %" PRIu64 " is there twice",
                    ann->ids[i]);
        double length = length_of(ann->rows + i * ann->info.dim, ann->info.dim);
        /* Said this way round, a length that is not a number fails too. */
        FLOE_ENSURE(fabs(length - 1) <= LENGTH_SLACK, err, code,
                    "the vector of id %" PRIu64 " has the length %g instead of 1", ann->ids[i], length);
    }
    return FLOE_OK;
}

/* Two that prepare one index at once both make the codes, and the first one's stay. */
floe_status floe_ann_prepare(floe_ann *ann, floe_error *err) {
    floe_codes *none = NULL;
    FLOE_CLEANUP(floe_codes_close) floe_codes *made = NULL;
    if (atomic_load(&ann->codes) != NULL || ann->info.count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_codes_make(ann->rows, ann->info.count, ann->info.dim, &made, err));
    if (atomic_compare_exchange_strong(&ann->codes, &none, made)) {
        made = NULL;
    }
    return FLOE_OK;
}

/* ---- sorting in ---- */

typedef struct place {
    uint64_t id;
    size_t at;
} place;

static int compare_places(const void *a, const void *b) {
    const place *x = a;
    const place *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static floe_status copy_sorted(floe_ann *ann, const floe_ann_vectors *vectors, floe_error *err) {
    FLOE_AUTO_FREE place *order = NULL;
    uint64_t *ids = NULL;
    float *rows = NULL;
    size_t dim = ann->info.dim;
    FLOE_TRY(floe_ann_reserve(ann, vectors->count, &ids, &rows, err));
    FLOE_TRY(floe_alloc(vectors->count, sizeof(*order), &order, err));
    for (size_t i = 0; i < vectors->count; i++) {
        order[i] = (place){vectors->ids[i], i};
    }
    qsort(order, vectors->count, sizeof(*order), compare_places);
    for (size_t i = 0; i < vectors->count; i++) {
        ids[i] = order[i].id;
        memcpy(rows + i * dim, vectors->rows + order[i].at * dim, dim * sizeof(float));
    }
    return floe_ann_check_rows(ann, FLOE_INVALID, err);
}

/* ---- looking ---- */

const floe_ann_info *floe_ann_describe(const floe_ann *ann) {
    return &ann->info;
}

bool floe_ann_find(const floe_ann *ann, uint64_t id, uint32_t *ret_slot) {
    size_t low = 0;
    size_t high = ann->info.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ann->ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == ann->info.count || ann->ids[low] != id) {
        return false;
    }
    *ret_slot = (uint32_t)low;
    return true;
}

const float *floe_ann_row(const floe_ann *ann, uint32_t slot) {
    FLOE_ASSERT(slot < ann->info.count);
    return ann->rows + (size_t)slot * ann->info.dim;
}

/* ---- searching ---- */

floe_status floe_ann_check_query(const floe_ann_query *query, size_t dim, size_t slot_count, floe_error *err) {
    FLOE_ENSURE(query->k >= 1 && query->k <= FLOE_ANN_K_MAX, err, FLOE_INVALID,
                "1 to %d neighbours can be asked for, not %zu", FLOE_ANN_K_MAX, query->k);
    FLOE_ENSURE(query->allowed == NULL || query->candidates == NULL, err, FLOE_INVALID,
                "a question has a bitmap or a list of candidates, not both");
    for (size_t i = 0; i < dim; i++) {
        FLOE_ENSURE(isfinite(query->vector[i]), err, FLOE_INVALID, "the question's vector is not finite at %zu", i);
    }
    for (size_t i = 0; query->candidates != NULL && i < query->candidate_count; i++) {
        FLOE_ENSURE(query->candidates[i] < slot_count, err, FLOE_INVALID,
                    "the candidate %" PRIu32 " is no slot; there are %zu", query->candidates[i], slot_count);
    }
    return FLOE_OK;
}

static void give(const floe_ann *ann, floe_top *top, floe_ann_hit *ret_hits, size_t *ret_count) {
    floe_top_sort(top);
    for (size_t i = 0; i < top->count; i++) {
        ret_hits[i] = (floe_ann_hit){ann->ids[top->items[i].slot], top->items[i].slot, top->items[i].score};
    }
    *ret_count = top->count;
}

floe_status floe_ann_search(const floe_ann *ann, const floe_ann_query *query, floe_ann_hit *ret_hits, size_t *ret_count,
                            floe_error *err) {
    FLOE_CLEANUP(floe_top_close) floe_top top = {0};
    FLOE_TRY(floe_ann_check_query(query, ann->info.dim, ann->info.count, err));
    FLOE_TRY(floe_top_open(&top, query->k, err));
    if (query->candidates != NULL) {
        floe_ann_part part = {.ann = ann};
        floe_scan scan = floe_ann_part_scan_of(&part, query->vector);
        floe_scan_list(&scan, query->candidates, query->candidate_count, &top);
    } else {
        size_t count = ann->info.count;
        floe_ann_part part = {.ann = ann,
                              .bits = query->allowed,
                              .survivors = query->allowed != NULL ? floe_bits_count(query->allowed, count) : count,
                              .may_graph = query->allowed == NULL || query->may_approximate};
        FLOE_TRY(floe_ann_part_search(&part, query, &top, err));
    }
    give(ann, &top, ret_hits, ret_count);
    return FLOE_OK;
}

/* ---- building ---- */

static floe_ann_kind choose_kind(const floe_ann_options *options, size_t count) {
    if (options->kind != FLOE_ANN_AUTO) {
        return options->kind;
    }
    size_t graph_min = options->graph_min != 0 ? options->graph_min : FLOE_ANN_GRAPH_MIN;
    return count >= graph_min && floe_faiss_usable() ? FLOE_ANN_HNSW : FLOE_ANN_SCAN;
}

static floe_status check_options(const floe_ann_options *options, floe_error *err) {
    FLOE_ENSURE((unsigned)options->kind <= FLOE_ANN_HNSW, err, FLOE_INVALID, "%d is no kind of index",
                (int)options->kind);
    FLOE_ENSURE(options->thread_count <= 256, err, FLOE_INVALID, "an index is built by 1 to 256 threads, not %zu",
                options->thread_count);
    FLOE_ENSURE(options->ef_construction <= FLOE_ANN_EF_MAX && options->ef_search <= FLOE_ANN_EF_MAX, err, FLOE_INVALID,
                "the beam of a graph is 1 to %d wide", FLOE_ANN_EF_MAX);
    return FLOE_OK;
}

floe_status floe_ann_build(const floe_ann_options *options, const floe_ann_vectors *vectors, floe_ann **ret_ann,
                           floe_error *err) {
    FLOE_CLEANUP(floe_ann_close) floe_ann *ann = NULL;
    FLOE_TRY(check_options(options, err));
    FLOE_TRY(floe_ann_make(options->dim, options->fingerprint, &ann, err));
    FLOE_TRY(copy_sorted(ann, vectors, err));
    floe_ann_kind kind = choose_kind(options, vectors->count);
    if (kind != FLOE_ANN_SCAN && vectors->count > 0) {
        floe_faiss_plan plan = {.kind = kind,
                                .dim = options->dim,
                                .count = vectors->count,
                                .thread_count = options->thread_count != 0 ? options->thread_count : 1,
                                .ef_construction =
                                    options->ef_construction != 0 ? options->ef_construction : EF_CONSTRUCTION};
        FLOE_TRY(floe_faiss_build(&plan, ann->rows, &ann->faiss, err));
        ann->info.kind = kind;
    }
    if (ann->info.kind == FLOE_ANN_HNSW) {
        FLOE_TRY(floe_ann_choose_beam(ann, options->ef_search, err));
    }
    *ret_ann = ann;
    ann = NULL;
    return FLOE_OK;
}
