/* One contract over every kind of index: our scan, FAISS's flat index, FAISS's graph; each against the oracle. */
#include "core/mem.h"
#include "tests/vector/ann/vectors.h"

#include <math.h>

#define K_MOST 64
#define QUESTIONS 20

static const floe_ann_kind kinds[] = {FLOE_ANN_SCAN, FLOE_ANN_FLAT, FLOE_ANN_HNSW};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static floe_ann *build(const vectors *made, floe_ann_kind kind) {
    floe_ann *ann = NULL;
    floe_error err = {0};
    floe_ann_options options = {.kind = kind, .dim = made->dim, .fingerprint = FLOE_STR("test/1")};
    floe_ann_vectors given = vectors_view(made);
    assert_ok(floe_ann_build(&options, &given, &ann, &err), &err);
    return ann;
}

static size_t ask(const floe_ann *ann, const floe_ann_query *query, floe_ann_hit *hits) {
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_ann_search(ann, query, hits, &count, &err), &err);
    return count;
}

typedef struct shape {
    size_t count, dim;
} shape;
static const shape shapes[] = {{1, 1}, {9, 1}, {5, 3}, {64, 16}, {65, 17}, {300, 24}, {2000, 48}, {1500, 384}};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* ---- without a filter ---- */

static void search__exact_kinds__are_the_oracle(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPES * 2; i++) {
        vectors made = vectors_make(shapes[i / 2].count, shapes[i / 2].dim, 11);
        floe_ann *ann = build(&made, kinds[i % 2]);
        uint64_t seed = 17;
        for (size_t q = 0; q < QUESTIONS; q++) {
            float query[384];
            floe_ann_hit hits[K_MOST];
            size_t k = 1 + random_below(&seed, K_MOST);
            vectors_question(&made, &seed, query);
            size_t count = ask(ann, &(floe_ann_query){.vector = query, .k = k}, hits);
            assert_int_equal(oracle_check(&made, query, NULL, k, hits, count), count);
        }
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

/* The promise of the header: recall@10 of 0.99, on questions that the build has not seen; and always k hits. */
static void search__graph__finds_99_of_100_neighbours(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        vectors made = vectors_make(shapes[i].count, shapes[i].dim, 12);
        floe_ann *ann = build(&made, FLOE_ANN_HNSW);
        uint64_t seed = 18;
        size_t good = 0;
        size_t all = 0;
        for (size_t q = 0; q < 5 * QUESTIONS; q++) {
            float query[384];
            floe_ann_hit hits[10];
            vectors_question(&made, &seed, query);
            size_t count = ask(ann, &(floe_ann_query){.vector = query, .k = 10}, hits);
            good += oracle_check(&made, query, NULL, 10, hits, count);
            all += count;
        }
        print_message("%zu x %zu: recall %.4f, beam %u\n", made.count, made.dim, (double)good / (double)all,
                      floe_ann_describe(ann)->ef_search);
        assert_true((double)good >= 0.985 * (double)all);
        assert_int_equal(floe_ann_describe(ann)->kind, FLOE_ANN_HNSW);
        assert_true(floe_ann_describe(ann)->sample_recall >= 0.99);
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

/* k far above the beam: the beam is widened, and narrower searches go on afterwards. */
static void search__graph_and_large_k__gives_k_good_hits(void **state) {
    (void)state;
    vectors made = vectors_make(3000, 24, 3);
    floe_ann *ann = build(&made, FLOE_ANN_HNSW);
    floe_ann_hit *hits = test_malloc(FLOE_ANN_K_MAX * sizeof(*hits));
    float query[24];
    uint64_t seed = 4;
    const size_t ks[] = {500, 5, 3000, 10, FLOE_ANN_K_MAX};
    for (size_t i = 0; i < sizeof(ks) / sizeof(ks[0]); i++) {
        vectors_question(&made, &seed, query);
        size_t count = ask(ann, &(floe_ann_query){.vector = query, .k = ks[i]}, hits);
        size_t expected = ks[i] < made.count ? ks[i] : made.count;
        assert_int_equal(count, expected);
        assert_true((double)oracle_check(&made, query, NULL, ks[i], hits, count) >= 0.97 * (double)expected);
    }
    test_free(hits);
    floe_ann_close(&ann);
    vectors_free(&made);
}

/* ---- with a filter ---- */

/* Shares of rows that may be found, in thousandths; 0 is one row alone. */
static const size_t shares[] = {0, 10, 100, 500, 999, 1000};

static void make_filter(const vectors *made, size_t share, uint64_t *seed, bool *ret_may) {
    for (size_t i = 0; i < made->count; i++) {
        ret_may[i] = random_below(seed, 1000) < share;
    }
    if (share == 0) {
        ret_may[random_below(seed, made->count)] = true;
    }
}

/* Recall 1.0: the filtered answer is that of an index that never held the rest, for every kind. */
static void search__filtered__is_exact_within_the_scope(void **state) {
    (void)state;
    uint64_t seed = 23;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < SHAPES * KINDS; i++) {
        vectors made = vectors_make(shapes[i / KINDS].count, shapes[i / KINDS].dim, 13);
        floe_ann *ann = build(&made, kinds[i % KINDS]);
        bool *may = test_malloc(made.count);
        for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
            float query[384];
            floe_ann_hit hits[K_MOST];
            make_filter(&made, shares[s], &seed, may);
            uint64_t *bits = vectors_bitmap(&made, may, floe_ann_describe(ann)->ids);
            size_t k = 1 + random_below(&seed, K_MOST);
            vectors_question(&made, &seed, query);
            size_t count = ask(ann, &(floe_ann_query){.vector = query, .k = k, .allowed = bits}, hits);
            assert_int_equal(oracle_check(&made, query, may, k, hits, count), count);
            test_free(bits);
        }
        test_free(may);
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

static void search__candidates__is_exact_among_them(void **state) {
    (void)state;
    uint64_t seed = 29;
    for (size_t i = 0; i < KINDS; i++) {
        vectors made = vectors_make(700, 20, 14);
        floe_ann *ann = build(&made, kinds[i]);
        bool may[700];
        uint32_t list[700];
        for (size_t round = 0; round < 30; round++) {
            size_t listed = 0;
            float query[20];
            floe_ann_hit hits[K_MOST];
            make_filter(&made, 30 * round, &seed, may);
            /* From the last to the first: the order does not matter. */
            for (size_t row = made.count; row-- > 0;) {
                uint32_t slot = 0;
                assert_true(floe_ann_find(ann, made.ids[row], &slot));
                if (may[row]) {
                    list[listed++] = slot;
                }
            }
            vectors_question(&made, &seed, query);
            floe_ann_query asked = {.vector = query, .k = K_MOST, .candidates = list, .candidate_count = listed};
            size_t count = ask(ann, &asked, hits);
            assert_int_equal(oracle_check(&made, query, may, K_MOST, hits, count), count);
        }
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

/* The graph may be asked: then k hits still come whenever k exist, all of them allowed. */
static void search__approximate_filter__gives_k_hits_if_k_exist(void **state) {
    (void)state;
    uint64_t seed = 31;
    vectors made = vectors_make(2500, 32, 15);
    floe_ann *ann = build(&made, FLOE_ANN_HNSW);
    bool *may = test_malloc(made.count);
    for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        size_t good = 0;
        size_t all = 0;
        for (size_t q = 0; q < QUESTIONS; q++) {
            float query[32];
            floe_ann_hit hits[10];
            make_filter(&made, shares[s], &seed, may);
            uint64_t *bits = vectors_bitmap(&made, may, floe_ann_describe(ann)->ids);
            vectors_question(&made, &seed, query);
            floe_ann_query asked = {.vector = query, .k = 10, .allowed = bits, .may_approximate = true};
            size_t count = ask(ann, &asked, hits);
            good += oracle_check(&made, query, may, 10, hits, count);
            all += count;
            test_free(bits);
        }
        /* Measured within the graph alone, one row of a hundred would give 0.36 to 0.94. */
        assert_true((double)good >= 0.97 * (double)all);
    }
    test_free(may);
    floe_ann_close(&ann);
    vectors_free(&made);
}

/* ---- odd data ---- */

/* Many equal vectors, as column names that are everywhere have: every hit is one of them, and the slots decide. */
static void search__equal_vectors__are_told_apart_by_slot(void **state) {
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        vectors made = vectors_make(400, 16, 16);
        for (size_t row = 0; row < made.count; row++) {
            memcpy(made.rows + row * 16, made.rows, 16 * sizeof(float));
        }
        floe_ann *ann = build(&made, kinds[i]);
        floe_ann_hit hits[50];
        size_t count = ask(ann, &(floe_ann_query){.vector = made.rows, .k = 50}, hits);
        assert_int_equal(oracle_check(&made, made.rows, NULL, 50, hits, count), 50);
        for (size_t h = 1; h < count; h++) {
            assert_true(hits[h].slot > hits[h - 1].slot);
        }
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

static void search__no_rows__finds_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        vectors made = vectors_make(0, 8, 1);
        floe_ann *ann = build(&made, kinds[i]);
        float query[8] = {1};
        floe_ann_hit hits[3];
        uint64_t none = 0;
        assert_int_equal(ask(ann, &(floe_ann_query){.vector = query, .k = 3}, hits), 0);
        assert_int_equal(ask(ann, &(floe_ann_query){.vector = query, .k = 3, .allowed = &none}, hits), 0);
        floe_ann_close(&ann);
        vectors_free(&made);
    }
}

static void build__auto__takes_the_graph_from_the_stated_size_on(void **state) {
    (void)state;
    vectors made = vectors_make(200, 8, 2);
    floe_ann *ann = NULL;
    floe_error err = {0};
    floe_ann_options options = {.dim = 8, .graph_min = 200};
    floe_ann_vectors given = vectors_view(&made);
    assert_ok(floe_ann_build(&options, &given, &ann, &err), &err);
    assert_int_equal(floe_ann_describe(ann)->kind, FLOE_ANN_HNSW);
    floe_ann_close(&ann);
    options.graph_min = 201;
    assert_ok(floe_ann_build(&options, &given, &ann, &err), &err);
    assert_int_equal(floe_ann_describe(ann)->kind, FLOE_ANN_SCAN);
    floe_ann_close(&ann);
    vectors_free(&made);
}

static void describe__after_build__tells_ids_ascending_and_rows_as_given(void **state) {
    (void)state;
    vectors made = vectors_make(100, 12, 5);
    floe_ann *ann = build(&made, FLOE_ANN_SCAN);
    const floe_ann_info *info = floe_ann_describe(ann);
    assert_int_equal(info->count, 100);
    assert_int_equal(info->dim, 12);
    assert_true(floe_str_is(info->fingerprint, "test/1"));
    for (size_t row = 0; row < made.count; row++) {
        uint32_t slot = 0;
        assert_true(floe_ann_find(ann, made.ids[row], &slot));
        assert_true(slot == 0 || info->ids[slot - 1] < info->ids[slot]);
        assert_memory_equal(floe_ann_row(ann, slot), made.rows + row * 12, 12 * sizeof(float));
        uint32_t other = 0;
        assert_false(floe_ann_find(ann, made.ids[row] + 1, &other));
    }
    floe_ann_close(&ann);
    vectors_free(&made);
}

/* ---- what is refused ---- */

static void refuse_build(const floe_ann_options *options, const vectors *made, floe_code code, const char *part) {
    floe_ann *ann = NULL;
    floe_error err = {0};
    floe_ann_vectors given = vectors_view(made);
    assert_fails(floe_ann_build(options, &given, &ann, &err), &err, code);
    assert_null(ann);
    assert_message_has(&err, part);
}

static void build__wrong_input__is_refused_by_name(void **state) {
    (void)state;
    vectors made = vectors_make(10, 4, 6);
    floe_ann_options options = {.dim = 4};
    float kept = made.rows[9];
    made.rows[9] = NAN;
    refuse_build(&options, &made, FLOE_INVALID, "length");
    made.rows[9] = INFINITY;
    refuse_build(&options, &made, FLOE_INVALID, "length");
    made.rows[9] = kept + 1;
    refuse_build(&options, &made, FLOE_INVALID, "length");
    made.rows[9] = kept;
    memset(made.rows, 0, 4 * sizeof(float));
    refuse_build(&options, &made, FLOE_INVALID, "length 0");
    made.rows[0] = 1;
    uint64_t id = made.ids[3];
    made.ids[3] = made.ids[7];
    refuse_build(&options, &made, FLOE_INVALID, "twice");
    made.ids[3] = id;
    refuse_build(&(floe_ann_options){.dim = 0}, &made, FLOE_INVALID, "dimensions");
    refuse_build(&(floe_ann_options){.dim = FLOE_ANN_DIM_MAX + 1}, &made, FLOE_INVALID, "dimensions");
    refuse_build(&(floe_ann_options){.dim = 4, .kind = (floe_ann_kind)9}, &made, FLOE_INVALID, "kind");
    refuse_build(&(floe_ann_options){.dim = 4, .thread_count = 257}, &made, FLOE_INVALID, "threads");
    refuse_build(&(floe_ann_options){.dim = 4, .ef_search = 1 << 20}, &made, FLOE_INVALID, "beam");
    char longest[FLOE_ANN_FINGERPRINT_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    options.fingerprint = (floe_str){longest, FLOE_ANN_FINGERPRINT_MAX};
    refuse_build(&options, &made, FLOE_LIMIT, "fingerprint");
    vectors_free(&made);
}

static void refuse_search(const floe_ann *ann, const floe_ann_query *query, const char *part) {
    floe_ann_hit hits[4];
    size_t count = 77;
    floe_error err = {0};
    assert_fails(floe_ann_search(ann, query, hits, &count, &err), &err, FLOE_INVALID);
    assert_int_equal(count, 77);
    assert_message_has(&err, part);
}

static void search__wrong_question__is_refused_by_name(void **state) {
    (void)state;
    vectors made = vectors_make(10, 2, 6);
    floe_ann *ann = build(&made, FLOE_ANN_SCAN);
    float query[2] = {1, 0};
    float bad[2] = {0, NAN};
    uint64_t bits = 1;
    uint32_t list[2] = {0, 10};
    refuse_search(ann, &(floe_ann_query){.vector = query, .k = 0}, "not 0");
    refuse_search(ann, &(floe_ann_query){.vector = query, .k = FLOE_ANN_K_MAX + 1}, "neighbours");
    refuse_search(ann, &(floe_ann_query){.vector = bad, .k = 1}, "finite");
    refuse_search(ann, &(floe_ann_query){.vector = query, .k = 1, .candidates = list, .candidate_count = 2},
                  "candidate 10");
    refuse_search(
        ann, &(floe_ann_query){.vector = query, .k = 1, .candidates = list, .candidate_count = 1, .allowed = &bits},
        "not both");
    floe_ann_close(&ann);
    vectors_free(&made);
}

/* ---- memory ---- */

static floe_status build_and_ask(const vectors *made, floe_ann_kind kind, floe_error *err) {
    FLOE_CLEANUP(floe_ann_close) floe_ann *ann = NULL;
    floe_ann_options options = {.kind = kind, .dim = made->dim};
    floe_ann_vectors given = vectors_view(made);
    floe_ann_hit hits[5];
    size_t count = 0;
    FLOE_TRY(floe_ann_build(&options, &given, &ann, err));
    return floe_ann_search(ann, &(floe_ann_query){.vector = made->rows, .k = 5}, hits, &count, err);
}

static void build_and_search__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    vectors made = vectors_make(40, 8, 8);
    for (size_t i = 0; i < KINDS; i++) {
        uint64_t nth = 1;
        for (;; nth++) {
            floe_error err = {0};
            floe_mem_fail_at(nth);
            floe_status status = build_and_ask(&made, kinds[i], &err);
            floe_mem_fail_off();
            if (!floe_failed(status)) {
                break;
            }
            assert_fails(status, &err, FLOE_NOMEM);
        }
        assert_true(nth > 4);
    }
    vectors_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__exact_kinds__are_the_oracle),
        cmocka_unit_test(search__graph__finds_99_of_100_neighbours),
        cmocka_unit_test(search__graph_and_large_k__gives_k_good_hits),
        cmocka_unit_test(search__filtered__is_exact_within_the_scope),
        cmocka_unit_test(search__candidates__is_exact_among_them),
        cmocka_unit_test(search__approximate_filter__gives_k_hits_if_k_exist),
        cmocka_unit_test(search__equal_vectors__are_told_apart_by_slot),
        cmocka_unit_test(search__no_rows__finds_nothing),
        cmocka_unit_test(build__auto__takes_the_graph_from_the_stated_size_on),
        cmocka_unit_test(describe__after_build__tells_ids_ascending_and_rows_as_given),
        cmocka_unit_test(build__wrong_input__is_refused_by_name),
        cmocka_unit_test(search__wrong_question__is_refused_by_name),
        cmocka_unit_test(build_and_search__any_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
