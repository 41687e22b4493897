/* A store's folder for one test, and a model of what the store must hold: for each id, the vector put last. */
#ifndef FLOE_TESTS_VECTOR_ANN_STORE_HELP_H
#define FLOE_TESTS_VECTOR_ANN_STORE_HELP_H

#include "tests/vector/ann/vectors.h"

#define MODEL_IDS 256
#define MODEL_DIM 12

typedef struct model {
    bool has[MODEL_IDS];
    float rows[MODEL_IDS][MODEL_DIM];
} model;

static inline uint64_t model_id(size_t number) {
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* The vector of a number at a version: the same in every process. */
static inline void model_row(size_t number, uint64_t version, float *ret_row) {
    uint64_t seed = number * 7919 + version * 104729 + 1;
    vectors_random_row(MODEL_DIM, &seed, ret_row);
}

static inline floe_ann_options model_options(void) {
    /* A graph from 100 rows on, so that a compaction makes one. */
    return (floe_ann_options){.dim = MODEL_DIM, .fingerprint = FLOE_STR("test/1"), .graph_min = 100};
}

static inline floe_ann_store *store_open(const char *folder) {
    floe_ann_store *store = NULL;
    floe_error err = {0};
    floe_ann_options options = model_options();
    assert_ok(floe_ann_store_open(folder, &options, &store, &err), &err);
    return store;
}

/* Puts numbers from…to-1 at a version, in the store and in the model (NULL: not). */
static inline floe_status model_put(floe_ann_store *store, model *expected, size_t from, size_t to, uint64_t version,
                                    floe_error *err) {
    uint64_t ids[MODEL_IDS];
    float rows[MODEL_IDS][MODEL_DIM];
    for (size_t i = from; i < to; i++) {
        ids[i - from] = model_id(i);
        model_row(i, version, rows[i - from]);
    }
    floe_ann_vectors given = {ids, rows[0], to - from};
    FLOE_TRY(floe_ann_store_put(store, &given, err));
    for (size_t i = from; expected != NULL && i < to; i++) {
        expected->has[i] = true;
        memcpy(expected->rows[i], rows[i - from], sizeof(rows[0]));
    }
    return FLOE_OK;
}

static inline floe_status model_remove(floe_ann_store *store, model *expected, size_t from, size_t to,
                                       floe_error *err) {
    uint64_t ids[MODEL_IDS] = {0};
    for (size_t i = from; i < to; i++) {
        ids[i - from] = model_id(i);
    }
    FLOE_TRY(floe_ann_store_remove(store, ids, to - from, err));
    for (size_t i = from; i < to; i++) {
        expected->has[i] = false;
    }
    return FLOE_OK;
}

/* Whether the view holds exactly the model: each id with its vector, and no other. */
static inline bool model_is(const floe_ann_view *view, const model *expected) {
    floe_ann_view_info info;
    size_t alive = 0;
    floe_ann_view_describe(view, &info);
    for (size_t i = 0; i < MODEL_IDS; i++) {
        uint32_t slot = 0;
        bool found = floe_ann_view_find(view, model_id(i), &slot);
        if (found != expected->has[i]) {
            return false;
        }
        if (found && memcmp(floe_ann_view_row(view, slot), expected->rows[i], sizeof(expected->rows[i])) != 0) {
            return false;
        }
        alive += found;
    }
    return alive == info.alive;
}

static inline void assert_store_is(floe_ann_store *store, const model *expected) {
    const floe_ann_view *view = floe_ann_store_view(store);
    assert_true(model_is(view, expected));
    floe_ann_view_release(&view);
}

/* The model's living vectors, for the oracle. */
static inline vectors model_vectors(const model *expected) {
    vectors made = {.ids = test_malloc(MODEL_IDS * sizeof(uint64_t)),
                    .rows = test_malloc(sizeof(expected->rows)),
                    .dim = MODEL_DIM};
    for (size_t i = 0; i < MODEL_IDS; i++) {
        if (expected->has[i]) {
            made.ids[made.count] = model_id(i);
            memcpy(made.rows + made.count++ * MODEL_DIM, expected->rows[i], sizeof(expected->rows[i]));
        }
    }
    return made;
}

/* What a reader finds committed. */
static inline void assert_committed_is(const char *folder, const model *expected) {
    const floe_ann_view *view = NULL;
    floe_error err = {0};
    floe_ann_options options = model_options();
    assert_ok(floe_ann_view_open(folder, &options, &view, &err), &err);
    assert_true(model_is(view, expected));
    floe_ann_view_release(&view);
}

#endif
