#include "tests/vector/ann/vectors.h"

#include <math.h>

#define SCORE_SLACK 2e-6

static double uniform(uint64_t *state) {
    return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

/* Box and Muller. */
static double normal(uint64_t *state) {
    return sqrt(-2 * log(uniform(state) + 1e-300)) * cos(6.283185307179586 * uniform(state));
}

static void scale(float *row, size_t dim) {
    double length = sqrt(vectors_dot(row, row, dim));
    for (size_t i = 0; i < dim; i++) {
        row[i] = (float)(row[i] / length);
    }
}

double vectors_dot(const float *a, const float *b, size_t dim) {
    double sum = 0;
    for (size_t i = 0; i < dim; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

void vectors_random_row(size_t dim, uint64_t *state, float *ret_row) {
    for (size_t i = 0; i < dim; i++) {
        ret_row[i] = (float)normal(state);
    }
    scale(ret_row, dim);
}

static void near(const float *middle, size_t dim, uint64_t *state, float *ret_row) {
    for (size_t i = 0; i < dim; i++) {
        ret_row[i] = (float)(middle[i] + 0.8 * normal(state) / sqrt((double)dim));
    }
    scale(ret_row, dim);
}

vectors vectors_make(size_t count, size_t dim, uint64_t seed) {
    uint64_t state = seed * 2 + 1;
    size_t clumps = count / 50 + 1;
    float *middles = test_malloc(clumps * dim * sizeof(float));
    vectors made = {.ids = test_malloc((count + 1) * sizeof(uint64_t)),
                    .rows = test_malloc((count + 1) * dim * sizeof(float)),
                    .count = count,
                    .dim = dim};
    for (size_t i = 0; i < clumps; i++) {
        vectors_random_row(dim, &state, middles + i * dim);
    }
    for (size_t i = 0; i < count; i++) {
        /* An odd factor makes distinct numbers of distinct numbers. */
        made.ids[i] = (i + seed * 1000003) * UINT64_C(0x9e3779b97f4a7c15);
        near(middles + random_below(&state, clumps) * dim, dim, &state, made.rows + i * dim);
    }
    test_free(middles);
    return made;
}

void vectors_free(vectors *made) {
    test_free(made->ids);
    test_free(made->rows);
    *made = (vectors){0};
}

floe_ann_vectors vectors_view(const vectors *made) {
    return (floe_ann_vectors){made->ids, made->rows, made->count};
}

void vectors_question(const vectors *made, uint64_t *state, float *ret_query) {
    near(made->rows + random_below(state, made->count) * made->dim, made->dim, state, ret_query);
}

static int descending(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x > y ? -1 : x < y;
}

size_t oracle_scores(const vectors *made, const float *query, const bool *may, size_t k, double *ret_scores) {
    double *scores = test_malloc((made->count + 1) * sizeof(double));
    size_t count = 0;
    for (size_t i = 0; i < made->count; i++) {
        if (may == NULL || may[i]) {
            scores[count++] = vectors_dot(query, made->rows + i * made->dim, made->dim);
        }
    }
    qsort(scores, count, sizeof(double), descending);
    count = count < k ? count : k;
    memcpy(ret_scores, scores, count * sizeof(double));
    test_free(scores);
    return count;
}

static size_t row_of(const vectors *made, uint64_t id) {
    for (size_t i = 0; i < made->count; i++) {
        if (made->ids[i] == id) {
            return i;
        }
    }
    fail_msg("the id %llu was never given", (unsigned long long)id);
    return 0;
}

size_t oracle_check(const vectors *made, const float *query, const bool *may, size_t k, const floe_ann_hit *hits,
                    size_t count) {
    double *truth = test_malloc((k + 1) * sizeof(double));
    size_t good = 0;
    size_t expected = oracle_scores(made, query, may, k, truth);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        size_t row = row_of(made, hits[i].id);
        assert_true(may == NULL || may[row]);
        assert_true(fabs(hits[i].score - vectors_dot(query, made->rows + row * made->dim, made->dim)) < SCORE_SLACK);
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
        for (size_t j = 0; j < i; j++) {
            assert_true(hits[i].id != hits[j].id && hits[i].slot != hits[j].slot);
        }
        good += hits[i].score >= truth[count - 1] - SCORE_SLACK;
    }
    test_free(truth);
    return good;
}

uint64_t *vectors_bitmap(const vectors *made, const bool *may, const uint64_t *ids) {
    uint64_t *bits = test_calloc(made->count / 64 + 1, sizeof(uint64_t));
    for (size_t slot = 0; slot < made->count; slot++) {
        if (may[row_of(made, ids[slot])]) {
            bits[slot / 64] |= UINT64_C(1) << (slot % 64);
        }
    }
    return bits;
}
