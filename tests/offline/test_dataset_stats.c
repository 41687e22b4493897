/*
 * Statistics of a column: the one-pass histogram against counting in two passes with the bounds known, extremes, moments and
 * texts; every kind of value.
 */
#include "offline/dataset/content/stats.h"

#include "core/limits.h"
#include "tests/support/support.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const floe_type REAL = {.kind = FLOE_KIND_DOUBLE};
static const floe_type WHOLE = {.kind = FLOE_KIND_INT64};
static const floe_type TEXT = {.kind = FLOE_KIND_STRING};

static column_stats stats;
static floe_arena arena;

static int open_arena(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(16));
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static void begin(floe_type type) {
    floe_stats_init(&stats, type, &arena);
}

static void add_real(double real) {
    floe_value value = floe_value_double(real);
    floe_stats_add(&stats, &value);
}

static void add_whole(int64_t whole) {
    floe_value value = floe_value_int64(whole);
    floe_stats_add(&stats, &value);
}

static void add_text(const char *text) {
    floe_value value = floe_value_string(floe_str_of(text));
    floe_stats_add(&stats, &value);
}

static void settle(void) {
    const stats_moments last = floe_stats_stretch(&stats);
    floe_stats_follow(&stats, &last);
}

static const char *printed(void) {
    static floe_buf out;
    floe_buf_close(&out);
    floe_buf_init(&out, FLOE_MIB(1));
    floe_json_writer json = floe_json_writer_of(&out);
    floe_json_object_begin(&json);
    floe_stats_print(&stats, &json);
    floe_json_object_end(&json);
    assert_false(out.failed);
    return out.ptr;
}

static int64_t binned(void) {
    int64_t sum = 0;
    for (int i = 0; i < STATS_BINS; i++) {
        sum += stats.bins[i];
    }
    return sum;
}

/* Counts again, now that the bins are known, by comparing with their edges. */
static void check_bins(const double *values, size_t count) {
    double width = ldexp(1, stats.exponent);
    for (int b = 0; b < STATS_BINS; b++) {
        double low = ldexp((double)(stats.first + b), stats.exponent);
        int64_t inside = 0;
        for (size_t i = 0; i < count; i++) {
            inside += values[i] >= low && values[i] - low < width;
        }
        assert_int_equal(stats.bins[b], inside);
    }
    assert_int_equal(binned(), count);
}

/* ---- several ---- */

/* A number, a null, NaN, an infinity or a zero of either sign; of few magnitudes or of many. */
static double draw_real(floe_test_rng *rng, int spread) {
    static const double odd[] = {0, -0.0, NAN, INFINITY, -INFINITY, DBL_MAX, -DBL_MAX, 5e-324};
    uint64_t kind = floe_test_next(rng) % 40;
    return kind < 8 ? odd[kind]
                    : ldexp((double)((int64_t)(floe_test_next(rng) % 8192) - 4096),
                            (int)(floe_test_next(rng) % 64) % spread);
}

static char *stats_text_of(void) {
    char *copy = strdup(printed());
    assert_non_null(copy);
    return copy;
}

/* What three saw, each cells of its own, is what one saw of all. */
static void stats__merged__are_those_of_one(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        static column_stats parts[3];
        static double values[400];
        size_t count = floe_test_next(&rng) % 400;
        int spread = 1 + (int)(floe_test_next(&rng) % 63);
        bool texts = round % 3 == 2;
        floe_type type = texts ? TEXT : REAL;
        begin(type);
        for (size_t i = 0; i < count; i++) {
            values[i] = draw_real(&rng, spread);
            char text[32];
            snprintf(text, sizeof(text), "%g", values[i]);
            texts ? add_text(text) : add_real(values[i]);
        }
        settle();
        const stats_moments moments = stats.all;
        char *want = stats_text_of();
        for (int p = 0; p < 3; p++) {
            floe_stats_init(&parts[p], type, &arena);
        }
        for (size_t i = count; i-- > 0;) {
            char text[32];
            snprintf(text, sizeof(text), "%g", values[i]);
            floe_value value = texts ? floe_value_string(floe_str_of(text)) : floe_value_double(values[i]);
            floe_stats_add(&parts[floe_test_next(&rng) % 3], &value);
        }
        begin(type);
        for (int p = 2; p >= 0; p--) {
            floe_stats_merge(&stats, &parts[p]);
        }
        floe_stats_follow(&stats, &moments);
        assert_string_equal(printed(), want);
        free(want);
    }
}

/* ---- numbers ---- */

static void stats__histogram__counts_what_two_passes_count(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 400; round++) {
        double values[300];
        size_t count = 1 + floe_test_next(&rng) % 300;
        int shift = (int)(floe_test_next(&rng) % 40) - 20;
        double offset = (double)((int64_t)(floe_test_next(&rng) % 2000) - 1000);
        begin(REAL);
        for (size_t i = 0; i < count; i++) {
            /* Multiples of a power of two, so that edges are hit and differences are exact. */
            values[i] = ldexp((double)((int64_t)(floe_test_next(&rng) % 4096) - 2048), shift) + ldexp(offset, shift);
            add_real(values[i]);
        }
        check_bins(values, count);
    }
}

static void stats__histogram__does_not_depend_on_order(void **state) {
    (void)state;
    begin(REAL);
    for (int i = 1; i <= 1000; i++) {
        add_real(i);
    }
    column_stats up = stats;
    begin(REAL);
    for (int i = 1000; i >= 1; i--) {
        add_real(i);
    }
    assert_int_equal(up.exponent, 6); /* 1000 / 64 = 15.6: 16 bins; with 32 there would be 32 */
    assert_int_equal(stats.exponent, up.exponent);
    assert_int_equal(stats.first, up.first);
    assert_memory_equal(stats.bins, up.bins, sizeof(up.bins));
    assert_int_equal(up.bins[0], 63);  /* 1 … 63 */
    assert_int_equal(up.bins[15], 41); /* 960 … 1000 */
}

static void stats__extreme_numbers__all_have_a_bin(void **state) {
    (void)state;
    static const double hard[] = {0, -0.0, DBL_MAX, -DBL_MAX, DBL_MIN, 5e-324, -5e-324, 1, -1, 1e300, 1e-300};
    size_t count = sizeof(hard) / sizeof(hard[0]);
    for (size_t start = 0; start < count; start++) {
        begin(REAL);
        for (size_t i = 0; i < count; i++) {
            add_real(hard[(start + i) % count]);
            assert_int_equal(binned(), i + 1);
        }
        assert_true(stats.max.as.real == DBL_MAX);
        assert_true(stats.min.as.real == -DBL_MAX);
    }
    begin(WHOLE);
    add_whole(INT64_MAX);
    add_whole(INT64_MIN);
    add_whole(0);
    assert_int_equal(binned(), 3);
    assert_true(stats.min.as.integer == INT64_MIN && stats.max.as.integer == INT64_MAX);
}

static void stats__one_value__has_no_deviation(void **state) {
    (void)state;
    begin(WHOLE);
    add_whole(7);
    assert_null(strstr(printed(), "stddev"));
    assert_non_null(strstr(printed(), "\"min\":7,\"max\":7,\"mean\":7.0"));
}

static void stats__moments__are_those_of_the_textbook(void **state) {
    (void)state;
    /* Mean 5; squared deviations 9 1 1 1 0 0 4 16 = 32; 32 / 7. */
    static const int values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    begin(WHOLE);
    for (size_t i = 0; i < 8; i++) {
        add_whole(values[i]);
    }
    settle();
    assert_true(fabs(stats.all.mean - 5) < 1e-12);
    assert_true(fabs(stats.all.m2 - 32) < 1e-12);
    begin(REAL); /* far from zero, where a sum of squares would keep nothing */
    for (size_t i = 0; i < 8; i++) {
        add_real(1e9 + values[i]);
    }
    settle();
    assert_true(fabs(stats.all.m2 - 32) < 1e-5);
}

/* Numbers are taken in many at a time, the last of them when they are asked for. */
static void stats__moments_of_many__are_those_of_all(void **state) {
    (void)state;
    double count = 3 * STATS_PENDING + 7;
    begin(REAL);
    for (double i = 0; i < count; i++) {
        add_real(1e6 + i);
    }
    settle();
    assert_true(fabs(stats.all.mean - (1e6 + (count - 1) / 2)) < 1e-9);
    assert_true(fabs(stats.all.m2 - count * (count * count - 1) / 12) < 1e-3);
    begin(REAL);
    for (size_t i = 0; i < 2 * STATS_PENDING + 1; i++) {
        add_real(0.1);
    }
    settle();
    assert_true(stats.all.mean == 0.1 && stats.all.m2 == 0);
    begin(REAL); /* their squares are no ordinary numbers, their mean is */
    for (size_t i = 0; i < 2 * STATS_PENDING; i++) {
        add_real(1e200);
        add_real(3e200);
    }
    settle();
    assert_true(fabs(stats.all.mean - 2e200) < 1e188);
}

static void stats__what_is_no_number__is_counted_apart(void **state) {
    (void)state;
    begin(REAL);
    floe_value null = floe_value_null(REAL);
    floe_stats_add(&stats, &null);
    add_real(NAN);
    add_real(INFINITY);
    add_real(-INFINITY);
    add_real(2);
    assert_int_equal(stats.null_count, 1);
    assert_int_equal(stats.count, 4);
    assert_int_equal(stats.nan_count, 1);
    assert_int_equal(stats.infinite_count, 2);
    assert_int_equal(binned(), 1);
    assert_non_null(strstr(printed(), "\"min\":\"-Infinity\",\"max\":\"Infinity\",\"mean\":2.0"));
}

static void stats__nothing__prints_only_counts(void **state) {
    (void)state;
    begin(WHOLE);
    floe_value null = floe_value_null(WHOLE);
    floe_stats_add(&stats, &null);
    assert_string_equal(printed(), "{\"nulls\":1,\"count\":0}");
}

/* ---- other kinds ---- */

static void stats__texts__most_frequent_first_then_by_bytes(void **state) {
    (void)state;
    begin(TEXT);
    static const char *const texts[] = {"b", "a", "c", "b", "", "a", "d", "e", "f"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        add_text(texts[i]);
    }
    assert_non_null(
        strstr(printed(), "\"distinct\":7,\"top\":[{\"value\":\"a\",\"count\":2},{\"value\":\"b\",\"count\":2},"
                          "{\"value\":\"\",\"count\":1},{\"value\":\"c\",\"count\":1},{\"value\":\"d\",\"count\":1}]"));
}

static void stats__many_texts__are_only_said_to_be_many(void **state) {
    (void)state;
    char text[16];
    for (int distinct = STATS_DISTINCT_MAX; distinct <= STATS_DISTINCT_MAX + 1; distinct++) {
        begin(TEXT);
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < distinct; i++) {
                snprintf(text, sizeof(text), "t%d", i);
                add_text(text);
            }
        }
        bool many = distinct > STATS_DISTINCT_MAX;
        assert_int_equal(stats.many_texts, many);
        assert_int_equal(stats.count, 2 * distinct);
        assert_non_null(strstr(printed(), many ? "\"distinct\":null" : "\"distinct\":256,\"top\""));
    }
}

static void stats__texts__do_not_fill_the_arena(void **state) {
    (void)state;
    char text[64];
    begin(TEXT);
    for (int i = 0; i < 200000; i++) { /* ever larger ones: each would be a new extreme */
        snprintf(text, sizeof(text), "%060d", i);
        add_text(text);
    }
    assert_true(arena.used < FLOE_MIB(1));
    assert_ok(floe_arena_check(&arena, NULL), NULL);
}

static void stats__times_decimals_and_truths__are_numbers(void **state) {
    (void)state;
    begin((floe_type){.kind = FLOE_KIND_TIMESTAMP});
    floe_value time = floe_value_timestamp(0);
    floe_stats_add(&stats, &time);
    assert_non_null(strstr(printed(), "\"min\":\"1970-01-01T00:00:00Z\""));
    floe_type decimal = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2};
    begin(decimal);
    floe_value cents = {.type = decimal, .as.decimal = -150};
    floe_stats_add(&stats, &cents);
    settle();
    assert_true(stats.all.mean == -1.5);
    assert_non_null(strstr(printed(), "\"max\":\"-1.50\""));
    begin((floe_type){.kind = FLOE_KIND_BOOL});
    for (int i = 0; i < 4; i++) {
        floe_value truth = {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = i == 0};
        floe_stats_add(&stats, &truth);
    }
    settle();
    assert_true(stats.all.mean == 0.25);
}

static void stats__lists__are_only_counted(void **state) {
    (void)state;
    floe_type type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64};
    begin(type);
    floe_value list = {.type = type};
    floe_stats_add(&stats, &list);
    assert_string_equal(printed(), "{\"nulls\":0,\"count\":1}");
}

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 11;
}

/* Mostly near one another, now and then what tries every branch: both zeros, both infinities, NaN, ends of the range. */
static double some_real(uint64_t *seed) {
    static const double rare[] = {0.0,      -0.0,    INFINITY, -INFINITY, NAN,   DBL_MAX,
                                  -DBL_MAX, DBL_MIN, 5e-324,   -5e-324,   1e-300};
    uint64_t random = next_random(seed);
    if (random % 50 == 0) {
        return rare[random / 50 % (sizeof(rare) / sizeof(rare[0]))];
    }
    return (double)(int64_t)(random % 2000001 - 1000000) / 64;
}

static void stats__reals_by_themselves__are_those_of_values(void **state) {
    (void)state;
    char expected[8192];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        size_t count = 1 + seed * 7 % 500;
        uint64_t random = seed;
        begin(REAL);
        for (size_t i = 0; i < count; i++) {
            add_real(some_real(&random));
        }
        snprintf(expected, sizeof(expected), "%s", printed());
        random = seed;
        begin(REAL);
        for (size_t i = 0; i < count; i++) {
            floe_stats_add_real(&stats, some_real(&random));
        }
        if (strcmp(printed(), expected) != 0) {
            print_error("seed %d\n", (int)seed);
        }
        assert_string_equal(printed(), expected);
    }
}

static void stats__wholes_by_themselves__are_those_of_values(void **state) {
    (void)state;
    static const int64_t ends[] = {INT64_MIN, INT64_MAX, 0, -1, (INT64_C(1) << 53) + 1};
    char expected[8192];
    for (uint64_t seed = 1; seed <= 200; seed++) {
        for (int typed = 0; typed < 2; typed++) {
            uint64_t random = seed;
            begin(WHOLE);
            for (size_t i = 0; i < 1 + seed * 3 % 200; i++) {
                uint64_t r = next_random(&random);
                int64_t number = r % 40 == 0 ? ends[r / 40 % 5] : (int64_t)(r % 1000) - 300;
                if (typed == 0) {
                    add_whole(number);
                } else {
                    floe_stats_add_whole(&stats, number);
                }
            }
            if (typed == 0) {
                snprintf(expected, sizeof(expected), "%s", printed());
            }
        }
        assert_string_equal(printed(), expected);
    }
}

#define with_arena(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats__merged__are_those_of_one),
        with_arena(stats__histogram__counts_what_two_passes_count),
        with_arena(stats__histogram__does_not_depend_on_order),
        with_arena(stats__extreme_numbers__all_have_a_bin),
        with_arena(stats__one_value__has_no_deviation),
        with_arena(stats__moments__are_those_of_the_textbook),
        with_arena(stats__moments_of_many__are_those_of_all),
        with_arena(stats__what_is_no_number__is_counted_apart),
        with_arena(stats__nothing__prints_only_counts),
        with_arena(stats__texts__most_frequent_first_then_by_bytes),
        with_arena(stats__many_texts__are_only_said_to_be_many),
        with_arena(stats__texts__do_not_fill_the_arena),
        with_arena(stats__times_decimals_and_truths__are_numbers),
        with_arena(stats__lists__are_only_counted),
        with_arena(stats__reals_by_themselves__are_those_of_values),
        with_arena(stats__wholes_by_themselves__are_those_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
