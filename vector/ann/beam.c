/*
 * How wide the beam of a graph must be: measured on the vectors themselves, when the graph is built, because it depends on them
 * far more than on their number.
 *
 * A question of the sample lies in the middle between a row and its tenth neighbour: where vectors are, but no vector itself,
 * as a further text would. Its true neighbours come from a scan.
 */
#include "core/mem.h"
#include "vector/ann/ann_int.h"

#include <math.h>

#define SAMPLE_QUERIES 200
#define SAMPLE_K 10
/* Above the 0.99 that is promised, since a sample is one. */
#define SAMPLE_RECALL 0.998
#define SAMPLED_MAX 1024
#define IN_VAIN_MAX 3

typedef struct sample {
    const floe_ann *ann;
    float *queries;
    float least[SAMPLE_QUERIES]; /* the score of the last true neighbour */
    floe_top top;
} sample;

static void sample_close(sample *of) {
    floe_free(of->queries);
    floe_top_close(&of->top);
}

static void scan(sample *of, const float *query) {
    floe_ann_part part = {.ann = of->ann};
    floe_scan all = floe_ann_part_scan_of(&part, query);
    of->top.count = 0;
    floe_scan_all(&all, &of->top);
    floe_top_sort(&of->top);
}

static void make_query(sample *of, size_t number, float *ret_query) {
    size_t dim = of->ann->info.dim;
    const float *row = of->ann->rows + number * of->ann->info.count / SAMPLE_QUERIES * dim;
    scan(of, row);
    const float *other = of->ann->rows + (size_t)of->top.items[SAMPLE_K - 1].slot * dim;
    for (size_t i = 0; i < dim; i++) {
        ret_query[i] = row[i] + other[i];
    }
    float length = sqrtf(floe_dot_best()->product(ret_query, ret_query, dim));
    /* Two rows that are each other's opposite have no middle. */
    for (size_t i = 0; i < dim; i++) {
        ret_query[i] = length > 0 ? ret_query[i] / length : row[i];
    }
}

static floe_status sample_open(const floe_ann *ann, sample *ret_sample, floe_error *err) {
    size_t dim = ann->info.dim;
    ret_sample->ann = ann;
    FLOE_TRY(floe_alloc(SAMPLE_QUERIES * dim, sizeof(float), &ret_sample->queries, err));
    FLOE_TRY(floe_top_open(&ret_sample->top, SAMPLE_K, err));
    for (size_t i = 0; i < SAMPLE_QUERIES; i++) {
        make_query(ret_sample, i, ret_sample->queries + i * dim);
        scan(ret_sample, ret_sample->queries + i * dim);
        ret_sample->least[i] = ret_sample->top.items[SAMPLE_K - 1].score;
    }
    return FLOE_OK;
}

/* A score as good as the last true one counts, so that one of several equal vectors is as good as the other. */
static floe_status measure(sample *of, size_t beam, double *ret_recall, floe_error *err) {
    size_t good = 0;
    for (size_t i = 0; i < SAMPLE_QUERIES; i++) {
        bool enough = false;
        floe_ann_query asked = {.vector = of->queries + i * of->ann->info.dim, .k = SAMPLE_K};
        floe_ann_part part = {.ann = of->ann, .survivors = of->ann->info.count};
        of->top.count = 0;
        FLOE_TRY(floe_ann_part_faiss(&part, &asked, beam, &of->top, &enough, err));
        for (size_t h = 0; h < of->top.count; h++) {
            good += of->top.items[h].score >= of->least[i];
        }
    }
    *ret_recall = (double)good / (SAMPLE_QUERIES * SAMPLE_K);
    return FLOE_OK;
}

/* The narrowest that reaches the recall; where rows are cut off from the graph, no width does, and then the narrowest that a few
 * wider ones do not better. */
static floe_status widen(sample *of, unsigned *beam, double *recall, floe_error *err) {
    unsigned wider = *beam;
    size_t in_vain = 0;
    while (*recall < SAMPLE_RECALL && wider < SAMPLED_MAX && in_vain < IN_VAIN_MAX) {
        double found = 0;
        /* 64, 96, 128, 192, … */
        wider += (wider & (wider - 1)) == 0 ? wider / 2 : wider / 3;
        FLOE_TRY(measure(of, wider, &found, err));
        in_vain = found > *recall ? 0 : in_vain + 1;
        if (found > *recall) {
            *recall = found;
            *beam = wider;
        }
    }
    return FLOE_OK;
}

floe_status floe_ann_choose_beam(floe_ann *ann, unsigned wanted, floe_error *err) {
    FLOE_CLEANUP(sample_close) sample of = {0};
    unsigned beam = wanted != 0 ? wanted : FLOE_ANN_EF_MIN;
    double recall = 1;
    if (ann->info.count >= SAMPLE_K) {
        FLOE_TRY(sample_open(ann, &of, err));
        FLOE_TRY(measure(&of, beam, &recall, err));
        if (wanted == 0) {
            FLOE_TRY(widen(&of, &beam, &recall, err));
            /* Questions lie further from the vectors than the sample does, and need more: measured in bench/ann.c, whose own
             * are further points. Of 200,000 vectors 24 gave 0.9945 on the sample and 0.973 on them; of a million 128 gave
             * 0.998 and 0.989. */
            beam *= 4;
            FLOE_TRY(measure(&of, beam, &recall, err));
        }
    }
    ann->info.ef_search = beam;
    ann->info.sample_recall = recall;
    return FLOE_OK;
}
