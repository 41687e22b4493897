/* The products of every machine against double precision, and the scans and the list of the best against sorting. */
#include "tests/vector/ann/vectors.h"
#include "core/mem.h"
#include "vector/ann/scan_int.h"

#include <math.h>

static const floe_dot *tables(size_t number) {
    return number == 0 ? floe_dot_portable() : number == 1 ? floe_dot_avx2() : floe_dot_avx512();
}

/* The sum of n products of numbers below 1 is off by at most n rounding errors of 2^-24 each. */
static void dot__any_dimension__is_the_double_precision_product(void **state) {
    (void)state;
    uint64_t seed = 7;
    for (size_t dim = 1; dim <= 1030; dim += dim < 70 ? 1 : 160) {
        /* Exactly as large as needed, so that AddressSanitizer sees a read beyond the end. */
        float *query = test_malloc(dim * sizeof(float));
        float *rows[FLOE_DOT_ROWS];
        vectors_random_row(dim, &seed, query);
        for (size_t r = 0; r < FLOE_DOT_ROWS; r++) {
            rows[r] = test_malloc(dim * sizeof(float));
            vectors_random_row(dim, &seed, rows[r]);
        }
        const float *borrowed[FLOE_DOT_ROWS] = {rows[0], rows[1], rows[2], rows[3]};
        for (size_t t = 0; t < 3; t++) {
            float scores[FLOE_DOT_ROWS];
            if (tables(t) == NULL) {
                continue;
            }
            tables(t)->rows(query, borrowed, dim, scores);
            for (size_t r = 0; r < FLOE_DOT_ROWS; r++) {
                assert_true(fabs(scores[r] - vectors_dot(query, rows[r], dim)) <= (double)dim * 6e-8);
            }
        }
        for (size_t r = 0; r < FLOE_DOT_ROWS; r++) {
            test_free(rows[r]);
        }
        test_free(query);
    }
}

static void dot__best__is_one_that_this_machine_has(void **state) {
    (void)state;
    assert_non_null(floe_dot_best());
    if (floe_dot_avx512() != NULL) {
        assert_ptr_equal(floe_dot_best(), floe_dot_avx512());
    } else if (floe_dot_avx2() != NULL) {
        assert_ptr_equal(floe_dot_best(), floe_dot_avx2());
    } else {
        assert_ptr_equal(floe_dot_best(), floe_dot_portable());
    }
}

static int by_rank(const void *a, const void *b) {
    const floe_scored *x = a;
    const floe_scored *y = b;
    if (x->score != y->score) {
        return x->score > y->score ? -1 : 1;
    }
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* Few distinct scores, so that many are equal: the smaller slot must win. */
static void top__any_order_of_offers__is_the_head_of_the_sorted_list(void **state) {
    (void)state;
    uint64_t seed = 99;
    for (size_t round = 0; round < 300; round++) {
        floe_top top;
        floe_error err = {0};
        floe_scored offers[64];
        size_t count = random_below(&seed, 64);
        size_t k = 1 + random_below(&seed, 70);
        assert_ok(floe_top_open(&top, k, &err), &err);
        for (size_t i = 0; i < count; i++) {
            offers[i] = (floe_scored){(float)random_below(&seed, 5), (uint32_t)(i * 37 % 64)};
            floe_top_offer(&top, offers[i].score, offers[i].slot);
        }
        floe_top_sort(&top);
        qsort(offers, count, sizeof(offers[0]), by_rank);
        assert_int_equal(top.count, count < k ? count : k);
        for (size_t i = 0; i < top.count; i++) {
            assert_int_equal(top.items[i].slot, offers[i].slot);
        }
        floe_top_close(&top);
    }
}

/* All three scans offer each row that they shall once, whatever is left over for the last batch. */
static void scans__every_length_of_the_rest__offer_each_row_once(void **state) {
    (void)state;
    uint64_t seed = 5;
    for (size_t count = 0; count <= 140; count++) {
        vectors made = vectors_make(count, 8, 3);
        bool may[141] = {0};
        uint64_t bits[3] = {0};
        uint32_t list[141];
        size_t listed = 0;
        float query[8];
        vectors_random_row(8, &seed, query);
        for (size_t i = 0; i < count; i++) {
            may[i] = random_below(&seed, 3) == 0;
            bits[i / 64] |= (uint64_t)may[i] << (i % 64);
            if (may[i]) {
                list[listed++] = (uint32_t)i;
            }
        }
        /* Bits behind the last row do not matter. */
        bits[2] |= ~UINT64_C(0) << 20;
        floe_scan scan = {floe_dot_best(), query, made.rows, 8, count, 1000};
        floe_top all, some, these;
        floe_error err = {0};
        assert_ok(floe_top_open(&all, 200, &err), &err);
        assert_ok(floe_top_open(&some, 200, &err), &err);
        assert_ok(floe_top_open(&these, 200, &err), &err);
        floe_scan_all(&scan, &all);
        floe_scan_bitmap(&scan, bits, &some);
        floe_scan_list(&scan, list, listed, &these);
        assert_int_equal(all.count, count);
        assert_int_equal(some.count, listed);
        assert_int_equal(these.count, listed);
        bool seen[141] = {0};
        for (size_t i = 0; i < some.count; i++) {
            uint32_t row = some.items[i].slot - 1000;
            assert_true(row < count && may[row] && !seen[row]);
            seen[row] = true;
        }
        floe_top_close(&all);
        floe_top_close(&some);
        floe_top_close(&these);
        vectors_free(&made);
    }
}

static void bits_count__any_count__ignores_bits_behind_it(void **state) {
    (void)state;
    uint64_t bits[3] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
    for (size_t count = 0; count <= 192; count++) {
        assert_int_equal(floe_bits_count(bits, count), count);
    }
}

static void top_open__no_memory__is_nomem(void **state) {
    (void)state;
    floe_top top;
    floe_error err = {0};
    floe_mem_fail_at(1);
    floe_status status = floe_top_open(&top, 10, &err);
    floe_mem_fail_off();
    assert_fails(status, &err, FLOE_NOMEM);
    floe_top_close(&top);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot__any_dimension__is_the_double_precision_product),
        cmocka_unit_test(dot__best__is_one_that_this_machine_has),
        cmocka_unit_test(top__any_order_of_offers__is_the_head_of_the_sorted_list),
        cmocka_unit_test(scans__every_length_of_the_rest__offer_each_row_once),
        cmocka_unit_test(bits_count__any_count__ignores_bits_behind_it),
        cmocka_unit_test(top_open__no_memory__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
