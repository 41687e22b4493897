/*
 * The vectors of a part: file and extra texts together find what one file of both finds.
 */
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/meaning_int.h"

#include <math.h>
#include <stdio.h>

#define DIM 8
#define ROWS_MAX 200

typedef struct rows {
    uint64_t ids[ROWS_MAX];
    float values[ROWS_MAX * DIM];
    size_t count;
} rows;

/* Few directions, so that equal scores are common and their order matters. */
static void add_row(floe_test_rng *rng, rows *all, uint64_t id) {
    float *row = all->values + all->count * DIM;
    double square = 0;
    for (size_t i = 0; i < DIM; i++) {
        row[i] = (float)floe_test_between(rng, -1, 1);
        square += (double)row[i] * (double)row[i];
    }
    row[0] += square == 0 ? 1 : 0;
    square += square == 0 ? 1 : 0;
    for (size_t i = 0; i < DIM; i++) {
        row[i] = (float)((double)row[i] / sqrt(square));
    }
    all->ids[all->count++] = id;
}

static floe_ann *build(const rows *all) {
    floe_ann_options options = {.kind = FLOE_ANN_SCAN, .dim = DIM, .fingerprint = FLOE_STR("f")};
    floe_ann_vectors vectors = {all->ids, all->values, all->count};
    floe_ann *ann = NULL;
    floe_error err = {0};
    assert_ok(floe_ann_build(&options, &vectors, &ann, &err), &err);
    return ann;
}

typedef struct pair {
    floe_meaning split;
    floe_ann *whole;
    uint64_t of_split[(2 * ROWS_MAX + 128) / 64], of_whole[(2 * ROWS_MAX) / 64 + 1];
    rows base, extra, both;
} pair;

static void set_bit(uint64_t *mask, uint32_t slot) {
    mask[slot / 64] |= UINT64_C(1) << slot % 64;
}

static void make_pair(floe_test_rng *rng, pair *made) {
    *made = (pair){.whole = NULL};
    size_t count = 2 + floe_test_below(rng, ROWS_MAX - 2);
    for (size_t i = 0; i < count; i++) {
        bool is_extra = i == 0 || (i > 1 && floe_test_below(rng, 3) == 0);
        uint64_t id = floe_test_next(rng);
        floe_test_rng same = *rng;
        add_row(&same, is_extra ? &made->extra : &made->base, id);
        add_row(rng, &made->both, id);
    }
    made->whole = build(&made->both);
    made->split = (floe_meaning){.ann = build(&made->base), .extra = build(&made->extra), .is_part = true};
    made->split.extra_slot = (made->base.count + 63) / 64 * 64;
    made->split.slot_count = made->split.extra_slot + made->extra.count;
}

static void close_pair(pair *made) {
    floe_ann_close(&made->whole);
    floe_ann_close(&made->split.ann);
    floe_ann_close(&made->split.extra);
}

/* Every id and row is found in both, and the same rows are allowed in both. */
static void allow_some(floe_test_rng *rng, pair *made) {
    uint64_t most = 1 + floe_test_below(rng, 4);
    for (size_t i = 0; i < made->both.count; i++) {
        uint32_t split = 0;
        uint32_t whole = 0;
        assert_true(floe_meaning_find(&made->split, made->both.ids[i], &split));
        assert_true(floe_ann_find(made->whole, made->both.ids[i], &whole));
        assert_true(split < made->split.slot_count);
        assert_memory_equal(floe_meaning_row(&made->split, split), floe_ann_row(made->whole, whole),
                            DIM * sizeof(float));
        if (floe_test_below(rng, most) == 0) {
            set_bit(made->of_split, split);
            set_bit(made->of_whole, whole);
        }
    }
}

static void compare(const pair *made, const float *vector, size_t k) {
    floe_ann_hit split[ROWS_MAX];
    floe_ann_hit whole[ROWS_MAX];
    size_t split_count = 0;
    size_t whole_count = 0;
    floe_error err = {0};
    floe_ann_query of_split = {.vector = vector, .k = k, .allowed = made->of_split};
    floe_ann_query of_whole = {.vector = vector, .k = k, .allowed = made->of_whole};
    assert_ok(floe_meaning_near(&made->split, &of_split, split, &split_count, &err), &err);
    assert_ok(floe_ann_search(made->whole, &of_whole, whole, &whole_count, &err), &err);
    assert_int_equal(split_count, whole_count);
    for (size_t i = 0; i < whole_count; i++) {
        uint32_t slot = 0;
        assert_true(split[i].id == whole[i].id);
        assert_true(split[i].score == whole[i].score);
        assert_true(floe_meaning_find(&made->split, split[i].id, &slot));
        assert_int_equal(split[i].slot, slot);
    }
}

static void near__in_file_and_extra_texts__is_that_of_one_file_for_every_k(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 60; round++) {
        pair made;
        make_pair(&rng, &made);
        allow_some(&rng, &made);
        for (int i = 0; i < 20; i++) {
            const float *vector = made.both.values + floe_test_below(&rng, made.both.count) * DIM;
            compare(&made, vector, 1 + floe_test_below(&rng, i < 10 ? 6 : ROWS_MAX - 1));
        }
        close_pair(&made);
    }
}

static void find__an_id_that_neither_has__is_not_found(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    pair made;
    make_pair(&rng, &made);
    uint32_t slot = 7;
    assert_false(floe_meaning_find(&made.split, 12345, &slot));
    assert_int_equal(slot, 7);
    close_pair(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near__in_file_and_extra_texts__is_that_of_one_file_for_every_k),
        cmocka_unit_test(find__an_id_that_neither_has__is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
