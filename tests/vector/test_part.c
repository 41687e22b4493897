/*
 * Vectors that lie in parts (a store's, and behind them the texts that only a role has) find what one index of all of them
 * finds, in the same order.
 */
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "vector/ann/ann.h"

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

/* Puts the rows of `base` in a store, in some puts, and extends the view of what was committed. */
static const floe_ann_view *store_and_extend(floe_test_rng *rng, const rows *base, const rows *extra) {
    floe_ann_options options = {.kind = FLOE_ANN_SCAN, .dim = DIM, .fingerprint = FLOE_STR("f")};
    floe_ann_store *store = NULL;
    const floe_ann_view *view = NULL;
    const floe_ann_view *wider = NULL;
    floe_error err = {0};
    const char *folder = make_folder("parts");
    floe_ann_vectors more = {extra->ids, extra->values, extra->count};
    assert_ok(floe_ann_store_open(folder, &options, &store, &err), &err);
    for (size_t from = 0; from < base->count;) {
        size_t some = 1 + floe_test_below(rng, base->count - from);
        floe_ann_vectors vectors = {base->ids + from, base->values + from * DIM, some};
        assert_ok(floe_ann_store_put(store, &vectors, &err), &err);
        from += some;
    }
    assert_ok(floe_ann_store_commit(store, &err), &err);
    floe_ann_store_close(&store);
    assert_ok(floe_ann_view_open(folder, &options, &view, &err), &err);
    assert_ok(floe_ann_view_extend(view, &more, &wider, &err), &err);
    floe_ann_view_release(&view);
    assert_ok(floe_file_remove_all(folder, &err), &err);
    return wider;
}

typedef struct pair {
    const floe_ann_view *split;
    floe_ann *whole;
    uint64_t of_split[(ROWS_MAX + 64 * 16) / 64], of_whole[(2 * ROWS_MAX) / 64 + 1];
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
    made->split = store_and_extend(rng, &made->base, &made->extra);
}

static void close_pair(pair *made) {
    floe_ann_close(&made->whole);
    floe_ann_view_release(&made->split);
}

/* Every id and row is found in both, and the same rows are allowed in both. */
static void allow_some(floe_test_rng *rng, pair *made) {
    uint64_t most = 1 + floe_test_below(rng, 4);
    for (size_t i = 0; i < made->both.count; i++) {
        uint32_t split = 0;
        uint32_t whole = 0;
        assert_true(floe_ann_view_find(made->split, made->both.ids[i], &split));
        assert_true(floe_ann_find(made->whole, made->both.ids[i], &whole));
        floe_ann_view_info info;
        floe_ann_view_describe(made->split, &info);
        assert_true(split < info.slot_count && info.slot_count / 64 <= sizeof(made->of_split) / sizeof(uint64_t));
        assert_memory_equal(floe_ann_view_row(made->split, split), floe_ann_row(made->whole, whole),
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
    assert_ok(floe_ann_view_search(made->split, &of_split, split, &split_count, &err), &err);
    assert_ok(floe_ann_search(made->whole, &of_whole, whole, &whole_count, &err), &err);
    assert_int_equal(split_count, whole_count);
    for (size_t i = 0; i < whole_count; i++) {
        uint32_t slot = 0;
        assert_true(split[i].id == whole[i].id);
        assert_true(split[i].score == whole[i].score);
        assert_true(floe_ann_view_find(made->split, split[i].id, &slot));
        assert_int_equal(split[i].slot, slot);
    }
}

static void search__in_parts_and_what_extends_them__is_that_of_one_index_for_every_k(void **state) {
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
    assert_false(floe_ann_view_find(made.split, 12345, &slot));
    assert_int_equal(slot, 7);
    close_pair(&made);
}

static void extend__by_nothing_or_by_an_id_that_is_there__is_the_same_or_invalid(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    pair made;
    make_pair(&rng, &made);
    floe_ann_view_info info;
    floe_ann_view_info same_info;
    const floe_ann_view *same = NULL;
    floe_error err = {0};
    floe_ann_vectors none = {NULL, NULL, 0};
    assert_ok(floe_ann_view_extend(made.split, &none, &same, &err), &err);
    floe_ann_view_describe(made.split, &info);
    floe_ann_view_describe(same, &same_info);
    assert_int_equal(info.slot_count, same_info.slot_count);
    assert_int_equal(info.alive, same_info.alive);
    floe_ann_view_release(&same);
    floe_ann_vectors twice = {made.both.ids, made.both.values, 1};
    assert_code(floe_ann_view_extend(made.split, &twice, &same, &err), FLOE_INVALID);
    assert_null(same);
    close_pair(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__in_parts_and_what_extends_them__is_that_of_one_index_for_every_k),
        cmocka_unit_test(find__an_id_that_neither_has__is_not_found),
        cmocka_unit_test(extend__by_nothing_or_by_an_id_that_is_there__is_the_same_or_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
