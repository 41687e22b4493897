/*
 * Sketches: the hash against XXH64's published vectors, the estimator against exact counts within its error, and
 * merging.
 */
#include "core/hash.h"
#include "proto/sketch.h"
#include "tests/support/support.h"

#include <math.h>

static floe_value whole(floe_kind kind, int64_t integer) {
    return (floe_value){.type.kind = kind, .as.integer = integer};
}

static floe_value real(floe_kind kind, double value) {
    return (floe_value){.type.kind = kind, .as.real = value};
}

static uint64_t hash_of(floe_value value) {
    return floe_sketch_hash(&value);
}

/* XXH64 of nothing and of "abc" with seed 0 as the specification's test values have them. */
static void hash__text__is_xxh64_of_its_bytes(void **state) {
    (void)state;
    assert_true(hash_of(floe_value_string(FLOE_STR(""))) == UINT64_C(0xEF46DB3751D8E999));
    assert_true(hash_of(floe_value_string(FLOE_STR("abc"))) == UINT64_C(0x44BC2CF5AD770999));
    floe_value bytes = {.type.kind = FLOE_KIND_BYTES, .as.bytes = FLOE_STR("abc")};
    assert_true(hash_of(bytes) == UINT64_C(0x44BC2CF5AD770999));
}

/* The bytes of FORMATS.md: little-endian, as wide as the type. */
static void hash__every_type__is_of_its_fixed_width_bytes(void **state) {
    (void)state;
    static const uint8_t minus_two[16] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t one_and_a_half[8] = {0, 0, 0, 0, 0, 0, 0xf8, 0x3f};
    static const uint8_t narrow[4] = {0, 0, 0xc0, 0x3f};
    static const uint8_t yes[1] = {1};
    assert_true(hash_of(whole(FLOE_KIND_INT32, -2)) == floe_xxh64(minus_two, 4, 0));
    assert_true(hash_of(whole(FLOE_KIND_DATE, -2)) == floe_xxh64(minus_two, 4, 0));
    assert_true(hash_of(whole(FLOE_KIND_INT64, -2)) == floe_xxh64(minus_two, 8, 0));
    assert_true(hash_of(whole(FLOE_KIND_TIMESTAMP, -2)) == floe_xxh64(minus_two, 8, 0));
    floe_value decimal = {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 5, .scale = 1}, .as.decimal = -2};
    assert_true(hash_of(decimal) == floe_xxh64(minus_two, 16, 0));
    assert_true(hash_of(real(FLOE_KIND_DOUBLE, 1.5)) == floe_xxh64(one_and_a_half, 8, 0));
    assert_true(hash_of(real(FLOE_KIND_FLOAT, 1.5)) == floe_xxh64(narrow, 4, 0));
    floe_value truth = {.type.kind = FLOE_KIND_BOOL, .as.boolean = true};
    assert_true(hash_of(truth) == floe_xxh64(yes, 1, 0));
}

static void hash__zero_and_nan__are_one_value_each(void **state) {
    (void)state;
    static const floe_kind kinds[] = {FLOE_KIND_FLOAT, FLOE_KIND_DOUBLE};
    for (size_t i = 0; i < 2; i++) {
        assert_true(hash_of(real(kinds[i], -0.0)) == hash_of(real(kinds[i], 0.0)));
        assert_true(hash_of(real(kinds[i], -NAN)) == hash_of(real(kinds[i], NAN)));
        assert_true(hash_of(real(kinds[i], NAN)) != hash_of(real(kinds[i], INFINITY)));
    }
}

static void rank__bits_after_the_register__are_counted(void **state) {
    (void)state;
    assert_int_equal(floe_sketch_register(UINT64_C(0xABC0000000000000)), 0xABC);
    assert_int_equal(floe_sketch_rank(UINT64_C(0x0008000000000000)), 1);
    assert_int_equal(floe_sketch_rank(UINT64_C(0xFFF0000000000001)), 52);
    assert_int_equal(floe_sketch_rank(UINT64_C(0xFFF0000000000000)), 53);
}

static int64_t count_of(int64_t from, int64_t to, floe_sketch *sketch) {
    for (int64_t i = from; i < to; i++) {
        floe_sketch_add(sketch, hash_of(whole(FLOE_KIND_INT64, i)));
    }
    return floe_sketch_count(sketch);
}

/* Nothing is 0, one is 1, and five standard errors (5 · 1.6 %) hold everywhere between. */
static void count__many_values__is_within_the_published_error(void **state) {
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 3, 10, 100, 1000, 3000, 4096, 10000, 12000, 50000, 1000000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        floe_sketch sketch = {{0}};
        int64_t estimate = count_of(0, counts[i], &sketch);
        double away = fabs((double)(estimate - counts[i]));
        if (away > 0.5 + 5 * 1.04 / 64 * (double)counts[i] || (counts[i] <= 3 && estimate != counts[i])) {
            fail_msg("%lld values are counted as %lld", (long long)counts[i], (long long)estimate);
        }
    }
}

static void count__repeated_values__count_once(void **state) {
    (void)state;
    floe_sketch sketch = {{0}};
    int64_t once = count_of(0, 700, &sketch);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(count_of(0, 700, &sketch), once);
    }
}

static void merge__parts_in_any_order__are_the_whole(void **state) {
    (void)state;
    floe_sketch whole_sketch = {{0}}, a = {{0}}, b = {{0}}, ab = {{0}}, ba = {{0}};
    count_of(0, 5000, &whole_sketch);
    count_of(0, 3000, &a);
    count_of(2000, 5000, &b);
    floe_sketch_merge(&ab, &a);
    floe_sketch_merge(&ab, &b);
    floe_sketch_merge(&ba, &b);
    floe_sketch_merge(&ba, &a);
    assert_memory_equal(&ab, &whole_sketch, sizeof ab);
    assert_memory_equal(&ba, &whole_sketch, sizeof ba);
}

/* Every register full: no number is that large, and the answer is one all the same. */
static void estimate__saturated__is_finite(void **state) {
    (void)state;
    uint32_t counts[FLOE_SKETCH_RANK_MAX + 1] = {0};
    counts[FLOE_SKETCH_RANK_MAX] = FLOE_SKETCH_REGISTERS;
    assert_true(floe_sketch_estimate(counts) > INT64_C(1) << 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__text__is_xxh64_of_its_bytes),
        cmocka_unit_test(hash__every_type__is_of_its_fixed_width_bytes),
        cmocka_unit_test(hash__zero_and_nan__are_one_value_each),
        cmocka_unit_test(rank__bits_after_the_register__are_counted),
        cmocka_unit_test(count__many_values__is_within_the_published_error),
        cmocka_unit_test(count__repeated_values__count_once),
        cmocka_unit_test(merge__parts_in_any_order__are_the_whole),
        cmocka_unit_test(estimate__saturated__is_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
