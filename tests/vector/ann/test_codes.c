/*
 * The sieve of codes: its products against 64-bit sums, its bounds against the sums written out, its distances against double precision, and its answers against those of
 * the scan without it, which must be the same bit for bit.
 */
#include "core/mem.h"
#include "tests/vector/ann/vectors.h"
#include "vector/ann/ann_int.h"
#include "vector/helper_int.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>

#define DIM_MAX 400
#define QUESTIONS_MAX 5

static floe_code_product product_of(size_t number) {
    return number == 0   ? floe_code_product_portable()
           : number == 1 ? floe_code_product_avx2()
           : number == 2 ? floe_code_product_avx512()
                         : floe_code_product_vnni();
}

/* The four questions are one question and three other products of it: each must come out at its own place. */
static void assert_four(const int16_t *query, const int8_t *row, size_t stride, int64_t truth) {
    int16_t *none = test_malloc(stride * sizeof(*none));
    int16_t *first = test_malloc(stride * sizeof(*first));
    memset(none, 0, stride * sizeof(*none));
    memset(first, 0, stride * sizeof(*first));
    first[0] = query[0];
    for (size_t at = 0; at < 4 && floe_code_four_vnni() != NULL; at++) {
        const int16_t *queries[4] = {none, none, none, none};
        int32_t products[4];
        queries[at] = query;
        queries[(at + 1) % 4] = first;
        floe_code_four_vnni()(queries, row, stride, products);
        assert_int_equal(products[at], truth);
        assert_int_equal(products[(at + 1) % 4], query[0] * row[0]);
        assert_int_equal(products[(at + 2) % 4], 0);
        assert_int_equal(products[(at + 3) % 4], 0);
    }
    test_free(first);
    test_free(none);
}

/* ---- products ---- */

/* Buffers exactly as large as needed, so that AddressSanitizer sees a read beyond the end. */
static void assert_products(size_t stride, int16_t largest, uint64_t *seed) {
    int16_t *query = test_malloc(stride * sizeof(*query));
    int8_t *row = test_malloc(stride);
    int64_t truth = 0;
    for (size_t i = 0; i < stride; i++) {
        bool extreme = random_below(seed, 3) == 0;
        query[i] = extreme ? largest : (int16_t)((int)random_below(seed, (uint64_t)largest * 2 + 1) - largest);
        row[i] = extreme ? 127 : (int8_t)((int)random_below(seed, 255) - 127);
        truth += (int64_t)query[i] * row[i];
    }
    for (size_t t = 0; t < 4; t++) {
        if (product_of(t) != NULL) {
            assert_int_equal(product_of(t)(query, row, stride), truth);
        }
    }
    assert_four(query, row, stride, truth);
    test_free(row);
    test_free(query);
}

static void code_product__any_stride_and_extreme_numbers__is_the_sum(void **state) {
    (void)state;
    uint64_t seed = 17;
    for (size_t stride = 32; stride <= 8192; stride += stride < 512 ? 32 : 1536) {
        /* The largest for which no sum leaves 32 bits: 127 × largest × stride < 2^31. */
        size_t most = (size_t)INT32_MAX / (127 * stride);
        assert_products(stride, (int16_t)(most < INT16_MAX ? most : INT16_MAX), &seed);
    }
}

static void code_product__all_at_their_largest__does_not_overflow(void **state) {
    (void)state;
    /* 8192 × 127 × 2064 = 2,147,352,576, which is below 2^31 = 2,147,483,648. */
    int16_t *query = test_malloc(8192 * sizeof(*query));
    int8_t *row = test_malloc(8192);
    for (size_t i = 0; i < 8192; i++) {
        query[i] = 2064;
        row[i] = -127;
    }
    assert_four(query, row, 8192, -2147352576);
    for (size_t t = 0; t < 4; t++) {
        if (product_of(t) != NULL) {
            assert_int_equal(product_of(t)(query, row, 8192), -2147352576);
        }
    }
    test_free(row);
    test_free(query);
}

static void code_product__best__is_one_that_this_machine_has(void **state) {
    (void)state;
    floe_code_product best = floe_code_product_best();
    size_t number = 3;
    while (product_of(number) == NULL) {
        number--;
    }
    assert_true(best == product_of(number));
}

/* ---- codes ---- */

/* ---- encoders ---- */

static void encoders__any_row__give_the_same_codes_and_nearly_the_same_distance(void **state) {
    (void)state;
    uint64_t seed = 29;
    floe_code_encoder fast = floe_code_encoder_avx512();
    float row[DIM_MAX];
    int8_t plain[DIM_MAX], other[DIM_MAX];
    for (size_t round = 0; round < 2000 && fast != NULL; round++) {
        size_t dim = 16 * (1 + random_below(&seed, DIM_MAX / 16));
        floe_code_scale scale, fast_scale;
        for (size_t i = 0; i < dim; i++) {
            row[i] = round == 0 ? 0 : ((float)random_below(&seed, 2000001) - 1000000) / 1e6F;
        }
        /* Numbers halfway between two codes, of either sign. */
        for (size_t i = 0; round % 3 == 1 && i < dim; i++) {
            row[i] = ((float)random_below(&seed, 255) - 127 + (i % 2 == 0 ? 0.5F : 0)) / 128;
        }
        floe_code_encoder_portable()(row, dim, plain, &scale);
        fast(row, dim, other, &fast_scale);
        assert_memory_equal(plain, other, dim);
        assert_true(scale.step == fast_scale.step);
        assert_true(fabsf(scale.distance - fast_scale.distance) <= 2e-7F * scale.distance);
    }
}

/* ---- bounds ---- */

static double random_size(uint64_t *seed) {
    return (double)random_below(seed, 1000001) / 1e6;
}

/* Least and most are the same two sums and roundings in every kernel, in doubles and then to the next float. */
static void code_bound__any_block__is_the_sums_and_which_reach_the_cut(void **state) {
    (void)state;
    uint64_t seed = 23;
    const floe_code_bound bounds[] = {floe_code_bound_portable(), floe_code_bound_avx512(), floe_code_bound_best()};
    const float cuts[] = {-INFINITY, INFINITY, 0, 0.1F, -0.1F};
    for (int round = 0; round < 200; round++) {
        floe_code_block rows;
        int32_t products[FLOE_CODES_BLOCK];
        float least[FLOE_CODES_BLOCK], most[FLOE_CODES_BLOCK];
        floe_code_question by = {random_size(&seed) / 1e4, 1 + random_size(&seed), random_size(&seed) / 100,
                                 cuts[round % 5]};
        for (size_t i = 0; i < FLOE_CODES_BLOCK; i++) {
            rows.steps[i] = random_size(&seed) / 100;
            rows.distances[i] = random_size(&seed) / 50;
            products[i] = (int32_t)random_below(&seed, 2000000001) - 1000000000;
        }
        for (size_t b = 0; b < sizeof(bounds) / sizeof(bounds[0]); b++) {
            if (bounds[b] == NULL) {
                continue;
            }
            uint64_t reach = bounds[b](&rows, products, &by, least, most);
            for (size_t i = 0; i < FLOE_CODES_BLOCK; i++) {
                double middle = rows.steps[i] * by.step * products[i];
                double off = by.by_distance * rows.distances[i] + by.always;
                assert_true(least[i] == (float)(middle - off));
                assert_true(most[i] == (float)(middle + off));
                assert_true((reach >> i & 1) == (least[i] >= by.cut));
            }
        }
    }
}

static void code_bound__a_least_that_is_the_cut__reaches_it(void **state) {
    (void)state;
    floe_code_block rows = {.steps = {1}, .distances = {0}};
    int32_t products[FLOE_CODES_BLOCK] = {3};
    float least[FLOE_CODES_BLOCK], most[FLOE_CODES_BLOCK];
    floe_code_question by = {.step = 1, .by_distance = 1, .always = 0, .cut = 3};
    assert_true(floe_code_bound_portable()(&rows, products, &by, least, most) == 1);
    assert_true(floe_code_bound_best()(&rows, products, &by, least, most) == 1);
    by.cut = nextafterf(3, 4);
    assert_true(floe_code_bound_portable()(&rows, products, &by, least, most) == 0);
    assert_true(floe_code_bound_best()(&rows, products, &by, least, most) == 0);
}

static void codes__any_row__is_no_further_than_its_distance(void **state) {
    (void)state;
    for (size_t dim = 1; dim <= DIM_MAX; dim += dim < 70 ? 1 : 110) {
        vectors made = vectors_make(20, dim, dim);
        floe_codes *codes = NULL;
        floe_error err = {0};
        assert_ok(floe_codes_make(made.rows, made.count, dim, &codes, &err), &err);
        assert_int_equal(codes->stride % FLOE_CODES_ALIGN, 0);
        assert_true(codes->stride >= dim);
        for (size_t row = 0; row < made.count; row++) {
            const int8_t *code = codes->rows + row * codes->stride;
            double square = 0;
            for (size_t i = 0; i < dim; i++) {
                double left = (double)made.rows[row * dim + i] - (double)codes->scales[row].step * code[i];
                square += left * left;
                /* Half a step, and what the rounding of a float may add. */
                assert_true(fabs(left) <= 0.5001 * (double)codes->scales[row].step);
            }
            assert_true(sqrt(square) <= (double)codes->scales[row].distance);
            assert_true((double)codes->scales[row].distance <= sqrt(square) * 1.0001 + 1e-12);
            for (size_t i = dim; i < codes->stride; i++) {
                assert_int_equal(code[i], 0);
            }
        }
        floe_codes_close(&codes);
        floe_codes_close(&codes);
        vectors_free(&made);
    }
}

/* ---- the sieve ---- */

/* A world for the sieve: rows, some of them equal or all but equal, a filter, and questions. */
typedef struct world {
    vectors made;
    uint64_t *bits;
    float queries[QUESTIONS_MAX][DIM_MAX];
    const float *asked[QUESTIONS_MAX];
    size_t question_count, k;
    floe_codes *codes;
    floe_shelf coarse, fine;
} world;

static void alter_rows(vectors *made, uint64_t *seed) {
    for (size_t i = 1; i < made->count; i++) {
        float *row = made->rows + i * made->dim;
        uint64_t kind = random_below(seed, 8);
        if (kind == 0) {
            memcpy(row, made->rows + random_below(seed, i) * made->dim, made->dim * sizeof(float));
        } else if (kind == 1) {
            /* One rounding away from another: codes cannot tell them apart. */
            memcpy(row, made->rows + random_below(seed, i) * made->dim, made->dim * sizeof(float));
            row[0] = nextafterf(row[0], 2);
        } else if (kind == 2) {
            memset(row, 0, made->dim * sizeof(float));
            row[random_below(seed, made->dim)] = random_below(seed, 2) == 0 ? 1.0F : -1.0F;
        }
    }
}

static void ask_questions(world *w, uint64_t *seed, float length) {
    for (size_t q = 0; q < w->question_count; q++) {
        if (w->made.count > 0 && random_below(seed, 3) > 0) {
            vectors_question(&w->made, seed, w->queries[q]);
        } else {
            vectors_random_row(w->made.dim, seed, w->queries[q]);
        }
        for (size_t i = 0; i < w->made.dim; i++) {
            w->queries[q][i] *= length;
        }
        w->asked[q] = w->queries[q];
    }
}

static void world_make(world *w, uint64_t *seed, size_t count, size_t dim, float length) {
    *w = (world){.made = vectors_make(count, dim, *seed)};
    floe_error err = {0};
    alter_rows(&w->made, seed);
    w->bits = test_malloc((FLOE_BITS_WORDS(count) + 1) * sizeof(uint64_t));
    /* Bits behind the last row do not matter. */
    memset(w->bits, 0xff, (FLOE_BITS_WORDS(count) + 1) * sizeof(uint64_t));
    uint64_t share = 1 + random_below(seed, 6);
    for (size_t i = 0; i < count; i++) {
        if (random_below(seed, share) > 0) {
            w->bits[i / 64] &= ~(UINT64_C(1) << i % 64);
        }
    }
    w->k = 1 + random_below(seed, count + 5);
    w->question_count = 1 + random_below(seed, QUESTIONS_MAX);
    ask_questions(w, seed, length);
    floe_scan scan = {NULL, NULL, w->made.rows, dim, count, 0};
    assert_ok(floe_codes_make(w->made.rows, count, dim, &w->codes, &err), &err);
    assert_ok(floe_shelf_open(&scan, w->bits, false, &w->coarse, &err), &err);
    assert_ok(floe_shelf_open(&scan, w->bits, true, &w->fine, &err), &err);
}

static void world_close(world *w) {
    floe_shelf_close(&w->coarse);
    floe_shelf_close(&w->fine);
    floe_codes_close(&w->codes);
    test_free(w->bits);
    vectors_free(&w->made);
}

static void open_tops(floe_top *tops, const world *w) {
    floe_error err = {0};
    for (size_t q = 0; q < w->question_count; q++) {
        assert_ok(floe_top_open(&tops[q], w->k, &err), &err);
    }
}

static void close_tops(floe_top *tops, const world *w) {
    for (size_t q = 0; q < w->question_count; q++) {
        floe_top_close(&tops[q]);
    }
}

static floe_scan scan_of(const world *w, const floe_dot *dot) {
    return (floe_scan){dot, NULL, w->made.rows, w->made.dim, w->made.count, 5000};
}

static void assert_same_as(const world *w, const floe_dot *dot, const floe_sifting *by, const floe_top *plain) {
    floe_top sifted[QUESTIONS_MAX];
    floe_error err = {0};
    floe_scan scan = scan_of(w, dot);
    open_tops(sifted, w);
    assert_ok(floe_sift_bitmap_batch(&scan, by, w->asked, w->question_count, sifted, &err), &err);
    for (size_t q = 0; q < w->question_count; q++) {
        floe_top_sort(&sifted[q]);
        assert_int_equal(sifted[q].count, plain[q].count);
        for (size_t i = 0; i < plain[q].count; i++) {
            assert_int_equal(sifted[q].items[i].slot, plain[q].items[i].slot);
            assert_memory_equal(&sifted[q].items[i].score, &plain[q].items[i].score, sizeof(float));
        }
    }
    close_tops(sifted, w);
}

/* By codes where the rows lie, and by both kinds of shelf; alone, and with the helper if there is one. */
static void assert_same(const world *w, const floe_dot *dot, floe_helper *helper) {
    floe_top plain[QUESTIONS_MAX];
    floe_scan scan = scan_of(w, dot);
    open_tops(plain, w);
    floe_scan_bitmap_batch(&scan, w->bits, w->asked, w->question_count, plain);
    for (size_t q = 0; q < w->question_count; q++) {
        floe_top_sort(&plain[q]);
    }
    const floe_sifting ways[] = {
        {w->codes, NULL, helper, w->bits}, {w->codes, &w->coarse, helper, w->bits}, {NULL, &w->fine, helper, w->bits}};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        assert_same_as(w, dot, &ways[i], plain);
    }
    close_tops(plain, w);
}

static void sift__any_rows_filter_and_questions__answers_as_the_scan_bit_for_bit(void **state) {
    (void)state;
    uint64_t seed = 20261126;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t round = 0; round < 400; round++) {
        size_t count = random_below(&seed, 300);
        size_t dim = 1 + random_below(&seed, round % 4 == 0 ? DIM_MAX : 40);
        world w;
        world_make(&w, &seed, count, dim, 1);
        assert_same(&w, floe_dot_best(), NULL);
        assert_same(&w, floe_dot_portable(), NULL);
        world_close(&w);
    }
}

/* Rows enough to be shared, and few enough wanted that the second codes are looked at: all alike, and anywhere. */
static void sift__many_rows_shared_with_a_helper__answers_as_the_scan_bit_for_bit(void **state) {
    (void)state;
    uint64_t seed = 90210;
    floe_helper *helper = floe_helper_open();
    for (size_t round = 0; round < 40; round++) {
        world w;
        world_make(&w, &seed, 3000 + random_below(&seed, 4000), 1 + random_below(&seed, 40), 1);
        w.k = 1 + random_below(&seed, round % 2 == 0 ? 30 : 2000);
        assert_same(&w, floe_dot_best(), helper);
        assert_same(&w, floe_dot_best(), NULL);
        world_close(&w);
    }
    floe_helper_close(&helper);
}

static void shelf__any_row__is_no_further_than_its_distances(void **state) {
    (void)state;
    uint64_t seed = 5;
    world w;
    world_make(&w, &seed, 200, 100, 1);
    assert_int_equal(w.fine.count, floe_bits_count(w.bits, 200));
    assert_null(w.coarse.fine);
    for (size_t at = 0; at < w.fine.count; at++) {
        const float *row = w.made.rows + w.fine.rows[at] * w.made.dim;
        const floe_code_scale *scales = w.fine.scales + 2 * at;
        double square = 0;
        assert_true(floe_bit(w.bits, w.fine.rows[at]));
        assert_int_equal(w.coarse.rows[at], w.fine.rows[at]);
        assert_memory_equal(w.coarse.coarse + at * w.coarse.stride, w.fine.coarse + at * w.fine.stride, w.fine.stride);
        for (size_t i = 0; i < w.made.dim; i++) {
            double kept = (double)scales[0].step * w.fine.coarse[at * w.fine.stride + i] +
                          (double)scales[1].step * w.fine.fine[at * w.fine.stride + i];
            square += ((double)row[i] - kept) * ((double)row[i] - kept);
        }
        assert_true(sqrt(square) <= (double)scales[1].distance);
        /* A code of 255 numbers leaves out at most a 254th of the largest of what the first left, which is half its step. */
        assert_true((double)scales[1].distance <= (double)scales[0].step / 254 / 2 * sqrt(100) * 1.01 + 2e-8);
    }
    world_close(&w);
}

static void shelf_open__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    uint64_t seed = 6;
    world w;
    world_make(&w, &seed, 50, 16, 1);
    floe_scan scan = scan_of(&w, floe_dot_best());
    for (uint64_t n = 1; n <= 2; n++) {
        floe_shelf shelf = {0};
        floe_error err = {0};
        floe_mem_fail_at(n);
        floe_status status = floe_shelf_open(&scan, w.bits, true, &shelf, &err);
        floe_mem_fail_off();
        assert_fails(status, &err, FLOE_NOMEM);
        floe_shelf_close(&shelf);
    }
    world_close(&w);
}

/* Up to the largest and the smallest floats, where products overflow or vanish and a bound says nothing. */
static void sift__questions_of_any_length__answers_as_the_scan(void **state) {
    (void)state;
    static const float lengths[] = {0, 1e-38F, 1e-6F, 0.9e-3F, 1.1e-3F, 0.1F, 10, 0.9e3F, 1.1e3F, 1e6F, 1e20F, 3e38F};
    uint64_t seed = 3;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t round = 0; round < 8; round++) {
            world w;
            world_make(&w, &seed, 150, 24, lengths[i]);
            w.k = 1 + random_below(&seed, 20);
            assert_same(&w, floe_dot_best(), NULL);
            world_close(&w);
        }
    }
}

/* Rows that a code says are far away are not looked at: a best row with the codes of another is not found. So the tests
 * above compare the sieve, and not the scan with itself. */
static void sift__a_row_whose_codes_are_of_another__is_left_out(void **state) {
    (void)state;
    uint64_t seed = 8;
    world w;
    world_make(&w, &seed, 200, 64, 1);
    floe_top top;
    floe_error err = {0};
    w.k = 3;
    w.question_count = 1;
    memset(w.bits, 0xff, FLOE_BITS_WORDS(200) * sizeof(uint64_t));
    memcpy(w.queries[0], w.made.rows + 77 * 64, 64 * sizeof(float));
    floe_scan scan = scan_of(&w, floe_dot_best());
    memset((int8_t *)(uintptr_t)w.codes->rows + 77 * w.codes->stride, 0, w.codes->stride);
    ((floe_code_scale *)(uintptr_t)w.codes->scales)[77] = (floe_code_scale){-1, -1};
    assert_ok(floe_top_open(&top, 3, &err), &err);
    floe_sifting by = {w.codes, NULL, NULL, w.bits};
    assert_ok(floe_sift_bitmap_batch(&scan, &by, w.asked, 1, &top, &err), &err);
    assert_int_equal(top.count, 3);
    for (size_t i = 0; i < top.count; i++) {
        assert_int_not_equal(top.items[i].slot, 5077);
    }
    floe_top_close(&top);
    world_close(&w);
}

static void sift__nth_allocation_fails__is_nomem_and_nothing_leaks(void **state) {
    (void)state;
    uint64_t seed = 4;
    world w;
    world_make(&w, &seed, 200, 32, 1);
    w.k = 2;
    memset(w.bits, 0xff, FLOE_BITS_WORDS(200) * sizeof(uint64_t));
    floe_scan scan = scan_of(&w, floe_dot_best());
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        floe_top tops[QUESTIONS_MAX];
        floe_error err = {0};
        open_tops(tops, &w);
        floe_mem_fail_at(n);
        floe_sifting by = {w.codes, NULL, NULL, w.bits};
        floe_status status = floe_sift_bitmap_batch(&scan, &by, w.asked, w.question_count, tops, &err);
        floe_mem_fail_off();
        done = !floe_failed(status);
        if (!done) {
            assert_fails(status, &err, FLOE_NOMEM);
        } else {
            /* Rows, three of each question, and what is left of the rows: n is one more. */
            assert_int_equal(n, 1 + 3 * w.question_count + 1 + 1);
        }
        close_tops(tops, &w);
    }
    world_close(&w);
}

static void codes_make__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    vectors made = vectors_make(10, 16, 1);
    for (uint64_t n = 1; n <= 2; n++) {
        floe_codes *codes = NULL;
        floe_error err = {0};
        floe_mem_fail_at(n);
        floe_status status = floe_codes_make(made.rows, made.count, made.dim, &codes, &err);
        floe_mem_fail_off();
        assert_fails(status, &err, FLOE_NOMEM);
        assert_null(codes);
    }
    vectors_free(&made);
}

/* ---- views ---- */

static const floe_ann_view *view_of(const scratch *folder, const vectors *made, floe_ann_store **ret_store) {
    floe_error err = {0};
    floe_ann_options options = {.kind = FLOE_ANN_SCAN, .dim = made->dim, .fingerprint = FLOE_STR("codes/1")};
    floe_ann_vectors first = {made->ids, made->rows, made->count / 2};
    floe_ann_vectors second = {made->ids + made->count / 2, made->rows + made->count / 2 * made->dim,
                               made->count - made->count / 2};
    assert_ok(floe_ann_store_open(folder->folder, &options, ret_store, &err), &err);
    assert_ok(floe_ann_store_put(*ret_store, &first, &err), &err);
    assert_ok(floe_ann_store_put(*ret_store, &second, &err), &err);
    assert_ok(floe_ann_store_remove(*ret_store, made->ids, 20, &err), &err);
    return floe_ann_store_view(*ret_store);
}

typedef struct answers {
    floe_ann_hit hits[3][30];
    size_t counts[3];
} answers;

static void ask_view(const floe_ann_view *view, const vectors *made, answers *ret_answers) {
    static const size_t rows[3] = {30, 400, 799};
    const float *asked[3];
    floe_error err = {0};
    floe_ann_view_info info;
    floe_ann_view_describe(view, &info);
    uint64_t *bits = test_malloc(info.slot_count / 8);
    memset(bits, 0x5f, info.slot_count / 8);
    for (size_t i = 0; i < 3; i++) {
        asked[i] = made->rows + rows[i] * made->dim;
    }
    floe_ann_query query = {.k = 30, .allowed = bits};
    floe_ann_batch batch = {asked, 3, ret_answers->hits[0], ret_answers->counts};
    assert_ok(floe_ann_view_search_batch(view, &query, &batch, &err), &err);
    query.vector = asked[2];
    assert_ok(floe_ann_view_search(view, &query, ret_answers->hits[2], &ret_answers->counts[2], &err), &err);
    test_free(bits);
}

static void *prepare_in_thread(void *context) {
    const floe_ann_view *view = context;
    return floe_failed(floe_ann_view_prepare(view, NULL)) ? context : NULL;
}

/* Several prepare it while one asks; run it under ThreadSanitizer too. */
static void view_prepare__by_several_threads__changes_no_answer(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(800, 48, 12);
    floe_ann_store *store = NULL;
    const floe_ann_view *view = view_of(&folder, &made, &store);
    static answers before, meanwhile, after;
    pthread_t threads[3];
    ask_view(view, &made, &before);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, prepare_in_thread, (void *)(uintptr_t)view), 0);
    }
    ask_view(view, &made, &meanwhile);
    for (size_t i = 0; i < 3; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    ask_view(view, &made, &after);
    assert_int_equal(before.counts[0], 30);
    assert_memory_equal(before.hits, meanwhile.hits, sizeof(before.hits));
    assert_memory_equal(before.hits, after.hits, sizeof(before.hits));
    assert_memory_equal(before.counts, after.counts, sizeof(before.counts));
    floe_ann_view_release(&view);
    floe_ann_store_close(&store);
    scratch_close(&folder);
    vectors_free(&made);
}

static void view_prepare__no_memory__is_nomem_and_can_be_tried_again(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(800, 48, 13);
    floe_ann_store *store = NULL;
    const floe_ann_view *view = view_of(&folder, &made, &store);
    static answers before, after;
    floe_error err = {0};
    ask_view(view, &made, &before);
    floe_mem_fail_at(2);
    floe_status status = floe_ann_view_prepare(view, &err);
    floe_mem_fail_off();
    assert_fails(status, &err, FLOE_NOMEM);
    assert_ok(floe_ann_view_prepare(view, &err), &err);
    assert_ok(floe_ann_view_prepare(view, &err), &err);
    ask_view(view, &made, &after);
    assert_memory_equal(before.hits, after.hits, sizeof(before.hits));
    floe_ann_view_release(&view);
    floe_ann_store_close(&store);
    scratch_close(&folder);
    vectors_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_product__any_stride_and_extreme_numbers__is_the_sum),
        cmocka_unit_test(code_product__all_at_their_largest__does_not_overflow),
        cmocka_unit_test(code_product__best__is_one_that_this_machine_has),
        cmocka_unit_test(encoders__any_row__give_the_same_codes_and_nearly_the_same_distance),
        cmocka_unit_test(code_bound__any_block__is_the_sums_and_which_reach_the_cut),
        cmocka_unit_test(code_bound__a_least_that_is_the_cut__reaches_it),
        cmocka_unit_test(codes__any_row__is_no_further_than_its_distance),
        cmocka_unit_test(sift__any_rows_filter_and_questions__answers_as_the_scan_bit_for_bit),
        cmocka_unit_test(sift__questions_of_any_length__answers_as_the_scan),
        cmocka_unit_test(sift__many_rows_shared_with_a_helper__answers_as_the_scan_bit_for_bit),
        cmocka_unit_test(shelf__any_row__is_no_further_than_its_distances),
        cmocka_unit_test(shelf_open__nth_allocation_fails__is_nomem),
        cmocka_unit_test(sift__a_row_whose_codes_are_of_another__is_left_out),
        cmocka_unit_test(sift__nth_allocation_fails__is_nomem_and_nothing_leaks),
        cmocka_unit_test(codes_make__nth_allocation_fails__is_nomem),
        cmocka_unit_test(view_prepare__by_several_threads__changes_no_answer),
        cmocka_unit_test(view_prepare__no_memory__is_nomem_and_can_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
