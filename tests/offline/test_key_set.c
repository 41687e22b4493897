/*
 * Sets of equality deletes' keys against a plain list that is gone through for every row: keys of every kind and of several
 * columns, nulls, texts, sequence numbers, keys close together and far apart; what does not fit; every allocation failing.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "offline/iceberg/key_set.h"

#include <math.h>

enum { ROWS = 600, KINDS = 8 };

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static floe_str text_at(const void *cells, size_t row) {
    return ((const floe_str *)cells)[row];
}

static floe_key_cells longs(const int64_t *cells, const uint64_t *validity) {
    return (floe_key_cells){.kind = FLOE_KEY_WHOLE_8, .cells = cells, .validity = validity};
}

static floe_key_set *make(const floe_key_cells *columns, size_t column_count, const int64_t *sequences, size_t count) {
    floe_key_set *set = NULL;
    floe_error err = {0};
    assert_ok(floe_key_set_make(&arena, column_count, 0, &set, &err), &err);
    assert_ok(floe_key_set_add(set, columns, sequences, count, &err), &err);
    assert_ok(floe_key_set_seal(set, &err), &err);
    return set;
}

/* The rows that are left, by their numbers. */
static void expect(const floe_key_set *set, const floe_key_cells *columns, const int64_t *sequences, size_t count,
                   const char *alive) {
    bool found[FLOE_KEY_ROWS_MAX];
    char text[FLOE_KEY_ROWS_MAX + 1];
    floe_key_set_look(set, columns, sequences, count, found);
    for (size_t i = 0; i < count; i++) {
        text[i] = found[i] ? '1' : '0';
    }
    text[count] = 0;
    assert_string_equal(text, alive);
}

/* ---- single cases ---- */

static void set__of_nothing__deletes_nothing(void **state) {
    (void)state;
    floe_key_set *set = NULL;
    floe_error err = {0};
    assert_ok(floe_key_set_make(&arena, 1, 0, &set, &err), &err);
    assert_ok(floe_key_set_seal(set, &err), &err);
    static const int64_t CELLS[] = {0, -1, 7};
    static const uint64_t SECOND_IS_NULL = 5;
    floe_key_cells column = longs(CELLS, &SECOND_IS_NULL);
    expect(set, &column, NULL, 3, "111");
    assert_int_equal(floe_key_set_count(set), 0);
}

static void key__larger_sequence_number__deletes(void **state) {
    (void)state;
    static const int64_t KEYS[] = {7, 7, 8};
    static const int64_t DELETED_AT[] = {5, 3, 0};
    static const int64_t CELLS[] = {7, 7, 7, 8, 9};
    static const int64_t WRITTEN_AT[] = {4, 5, 6, 0, 1};
    floe_key_cells keys = longs(KEYS, NULL);
    floe_key_cells rows = longs(CELLS, NULL);
    floe_key_set *set = make(&keys, 1, DELETED_AT, 3);
    assert_int_equal(floe_key_set_count(set), 2);
    expect(set, &rows, WRITTEN_AT, 5, "01111"); /* 8 was deleted at 0, by which nothing is older */
    expect(set, &rows, NULL, 5, "00001");
}

static void key__null__is_a_value_beside_the_cell_that_looks_like_it(void **state) {
    (void)state;
    static const int64_t KEYS[] = {0, 5};
    static const int64_t ZEROS[] = {0, 0, 0};
    static const uint64_t SECOND = 2;
    static const int64_t CELLS[] = {0, 0, 0x6E756C6C6E756C6C}; /* what stands for a null inside the set */
    static const uint64_t LAST_TWO = 6;
    floe_key_cells null_key = longs(KEYS, &SECOND); /* null and 5 */
    floe_key_cells rows = longs(CELLS, &LAST_TWO);
    expect(make(&null_key, 1, ZEROS, 2), &rows, NULL, 3, "011");
    static const uint64_t FIRST = 1;
    floe_key_cells zero_and_null = longs(KEYS, &FIRST);
    expect(make(&zero_and_null, 1, ZEROS, 2), &rows, NULL, 3, "001");
    floe_key_cells look_alike = longs(CELLS, NULL);
    floe_key_cells nulls = longs(CELLS, &SECOND);
    expect(make(&look_alike, 1, ZEROS, 3), &nulls, NULL, 3, "101");
}

static void key__real__nan_is_nan_and_zeros_differ(void **state) {
    (void)state;
    static const int64_t ZEROS[] = {0, 0, 0};
    const double keys[] = {(double)NAN, -0.0, 1.5};
    const double cells[] = {-(double)NAN, 0.0, -0.0, 1.5, -1.5, (double)INFINITY};
    floe_key_cells column = {.kind = FLOE_KEY_REAL_8, .cells = keys};
    floe_key_cells rows = {.kind = FLOE_KEY_REAL_8, .cells = cells};
    expect(make(&column, 1, ZEROS, 3), &rows, NULL, 6, "010011");
    const float small_keys[] = {NAN, -0.0F, 1.5F};
    const float small_cells[] = {-NAN, 0.0F, -0.0F, 1.5F, -1.5F, INFINITY};
    column = (floe_key_cells){.kind = FLOE_KEY_REAL_4, .cells = small_keys};
    rows = (floe_key_cells){.kind = FLOE_KEY_REAL_4, .cells = small_cells};
    expect(make(&column, 1, ZEROS, 3), &rows, NULL, 6, "010011");
}

static void key__texts__of_two_columns_are_not_run_together(void **state) {
    (void)state;
    static const int64_t ZEROS[] = {0, 0};
    const floe_str first[] = {FLOE_STR("ab"), FLOE_STR("")};
    const floe_str second[] = {FLOE_STR("c"), FLOE_STR("x")};
    const floe_str looked_first[] = {FLOE_STR("a"), FLOE_STR("ab"), FLOE_STR(""), FLOE_STR("x"), FLOE_STR("abc")};
    const floe_str looked_second[] = {FLOE_STR("bc"), FLOE_STR("c"), FLOE_STR("x"), FLOE_STR(""), FLOE_STR("")};
    const floe_key_cells keys[] = {{.kind = FLOE_KEY_TEXT, .cells = first, .text_at = text_at},
                                   {.kind = FLOE_KEY_TEXT, .cells = second, .text_at = text_at}};
    const floe_key_cells rows[] = {{.kind = FLOE_KEY_TEXT, .cells = looked_first, .text_at = text_at},
                                   {.kind = FLOE_KEY_TEXT, .cells = looked_second, .text_at = text_at}};
    expect(make(keys, 2, ZEROS, 2), rows, NULL, 5, "10011");
}

static void key__text_longer_than_a_piece__is_kept(void **state) {
    (void)state;
    static const int64_t ZEROS[] = {0, 0, 0};
    size_t len = FLOE_MIB(3);
    char *large = floe_arena_alloc(&arena, len, 1);
    memset(large, 'a', len);
    const floe_str keys[] = {{large, len}, FLOE_STR("b"), {large, len - 1}};
    const floe_str cells[] = {{large, len - 2}, {large, len}, FLOE_STR("b"), {large, len - 1}, FLOE_STR("")};
    floe_key_cells column = {.kind = FLOE_KEY_TEXT, .cells = keys, .text_at = text_at};
    floe_key_cells rows = {.kind = FLOE_KEY_TEXT, .cells = cells, .text_at = text_at};
    expect(make(&column, 1, ZEROS, 3), &rows, NULL, 5, "10001");
}

/* The ends of the range that a dense set keeps bits for, and what lies just outside and a whole turn of 2^64 away. */
static void key__whole__at_the_ends_of_the_range(void **state) {
    (void)state;
    int64_t keys[100];
    int64_t zeros[100] = {0};
    for (int i = 0; i < 100; i++) {
        keys[i] = INT64_MAX - 99 + i;
    }
    floe_key_cells column = longs(keys, NULL);
    static const int64_t CELLS[] = {INT64_MAX - 100, INT64_MAX - 99, INT64_MAX, INT64_MIN, 0, -1};
    floe_key_cells rows = longs(CELLS, NULL);
    expect(make(&column, 1, zeros, 100), &rows, NULL, 6, "100111");
    static const int64_t ENDS[] = {INT64_MIN, INT64_MAX, -1, 0};
    static const int64_t LOOKED[] = {INT64_MIN, INT64_MIN + 1, -2, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    column = longs(ENDS, NULL);
    rows = longs(LOOKED, NULL);
    expect(make(&column, 1, zeros, 4), &rows, NULL, 8, "01100110");
}

static void key__negative_sequence_number__is_corrupt(void **state) {
    (void)state;
    static const int64_t KEY = 1;
    static const int64_t NEGATIVE = -1;
    floe_key_set *set = NULL;
    floe_error err = {0};
    floe_key_cells column = longs(&KEY, NULL);
    assert_ok(floe_key_set_make(&arena, 1, 0, &set, &err), &err);
    assert_code(floe_key_set_add(set, &column, &NEGATIVE, 1, &err), FLOE_CORRUPT);
}

/* ---- any keys ---- */

/* Rows of up to three columns. */
typedef struct table {
    floe_key_cells columns[3];
    uint64_t validity[3][(ROWS + 63) / 64];
    uint8_t numbers[3][ROWS * 16];
    floe_str texts[3][ROWS];
    int64_t sequences[ROWS];
} table;

static void fill_column(floe_test_rng *rng, table *rows, size_t c, floe_key_kind kind, uint64_t bound) {
    static const size_t WIDTHS[] = {1, 2, 4, 8, 16, 4, 8, 0};
    static const char *const TEXTS[] = {
        "", "a", "aa", "b", "long enough to be no short text", "long enough to be no short texu"};
    memset(rows->numbers[c], 0, sizeof(rows->numbers[c]));
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t number = floe_test_below(rng, bound) * (bound > 100 ? UINT64_C(0x100000001B3) : 1);
        memcpy(rows->numbers[c] + i * WIDTHS[kind], &number, WIDTHS[kind] < 8 ? WIDTHS[kind] : 8);
        rows->texts[c][i] = floe_str_of(TEXTS[number % 6]);
        if (floe_test_below(rng, 5) == 0) {
            rows->validity[c][i / 64] &= ~(UINT64_C(1) << (i % 64));
        } else {
            rows->validity[c][i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    rows->columns[c] =
        (floe_key_cells){.kind = kind,
                         .cells = kind == FLOE_KEY_TEXT ? (const void *)rows->texts[c] : rows->numbers[c],
                         .text_at = text_at,
                         .validity = floe_test_below(rng, 4) == 0 ? NULL : rows->validity[c]};
}

static void fill(floe_test_rng *rng, table *rows, size_t column_count, const floe_key_kind *kinds, uint64_t bound) {
    for (size_t c = 0; c < column_count; c++) {
        fill_column(rng, rows, c, kinds[c], bound);
    }
    for (size_t i = 0; i < ROWS; i++) {
        rows->sequences[i] = (int64_t)floe_test_below(rng, 4);
    }
}

static bool null_at(const floe_key_cells *column, size_t row) {
    return column->validity != NULL && (column->validity[row / 64] >> (row % 64) & 1) == 0;
}

/* Numbers here are small or wholly random, never NaN of two kinds: bytes tell. */
static bool same_cell(const floe_key_cells *a, size_t x, const floe_key_cells *b, size_t y) {
    static const size_t WIDTHS[] = {1, 2, 4, 8, 16, 4, 8, 0};
    if (null_at(a, x) || null_at(b, y)) {
        return null_at(a, x) && null_at(b, y);
    }
    if (a->kind == FLOE_KEY_TEXT) {
        return floe_str_equal(text_at(a->cells, x), text_at(b->cells, y));
    }
    size_t width = WIDTHS[a->kind];
    return memcmp((const char *)a->cells + x * width, (const char *)b->cells + y * width, width) == 0;
}

static bool plainly_alive(const table *keys, const table *rows, size_t column_count, size_t row, bool by_sequence) {
    for (size_t k = 0; k < ROWS; k++) {
        bool same = !by_sequence || keys->sequences[k] > rows->sequences[row];
        for (size_t c = 0; c < column_count && same; c++) {
            same = same_cell(&keys->columns[c], k, &rows->columns[c], row);
        }
        if (same) {
            return false;
        }
    }
    return true;
}

static void any__keys__answer_as_a_plain_list(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    table *keys = floe_arena_alloc(&arena, 1, sizeof(*keys));
    table *rows = floe_arena_alloc(&arena, 1, sizeof(*rows));
    static const uint64_t BOUNDS[] = {3, 40, 1000, 1000000};
    for (int round = 0; round < 120; round++) {
        floe_key_kind kinds[3];
        size_t column_count = 1 + (size_t)floe_test_below(&rng, 3);
        column_count = round < KINDS * 4 ? 1 : column_count;
        for (size_t c = 0; c < 3; c++) {
            kinds[c] = (floe_key_kind)(round < KINDS * 4 ? (uint64_t)round % KINDS : floe_test_below(&rng, KINDS));
        }
        uint64_t bound = BOUNDS[round < KINDS * 4 ? round / KINDS : (int)floe_test_below(&rng, 4)];
        fill(&rng, keys, column_count, kinds, bound);
        fill(&rng, rows, column_count, kinds, bound);
        floe_key_set *set = make(keys->columns, column_count, keys->sequences, ROWS);
        for (int by_sequence = 0; by_sequence < 2; by_sequence++) {
            bool alive[ROWS];
            floe_key_set_look(set, rows->columns, by_sequence ? rows->sequences : NULL, ROWS, alive);
            for (size_t i = 0; i < ROWS; i++) {
                assert_int_equal(alive[i], plainly_alive(keys, rows, column_count, i, by_sequence));
            }
        }
    }
}

/* Many more keys than were expected: every one is found, and nothing else. */
static void many__keys__close_together_and_apart(void **state) {
    (void)state;
    for (int64_t apart = 1; apart <= INT64_C(1000000007); apart += 1000000006) {
        floe_key_set *set = NULL;
        floe_error err = {0};
        int64_t cells[FLOE_KEY_ROWS_MAX];
        int64_t zeros[FLOE_KEY_ROWS_MAX] = {0};
        bool alive[FLOE_KEY_ROWS_MAX];
        floe_key_cells column = longs(cells, NULL);
        assert_ok(floe_key_set_make(&arena, 1, 10, &set, &err), &err);
        for (int64_t chunk = 0; chunk < 40; chunk++) {
            for (int64_t i = 0; i < FLOE_KEY_ROWS_MAX; i++) {
                cells[i] = (chunk * FLOE_KEY_ROWS_MAX + i - 40000) * 2 * apart;
            }
            assert_ok(floe_key_set_add(set, &column, zeros, FLOE_KEY_ROWS_MAX, &err), &err);
        }
        assert_ok(floe_key_set_seal(set, &err), &err);
        assert_int_equal(floe_key_set_count(set), 40 * FLOE_KEY_ROWS_MAX);
        for (int64_t chunk = 0; chunk < 80; chunk++) {
            for (int64_t i = 0; i < FLOE_KEY_ROWS_MAX; i++) {
                cells[i] = (chunk * FLOE_KEY_ROWS_MAX + i - 80000) * apart;
            }
            floe_key_set_look(set, &column, NULL, FLOE_KEY_ROWS_MAX, alive);
            for (size_t i = 0; i < FLOE_KEY_ROWS_MAX; i++) {
                assert_int_equal(alive[i], cells[i] / apart % 2 != 0);
            }
        }
    }
}

/* ---- memory ---- */

static floe_status fill_small(floe_arena *memory, floe_error *err) {
    floe_key_set *set = NULL;
    int64_t cells[FLOE_KEY_ROWS_MAX];
    floe_str texts[FLOE_KEY_ROWS_MAX];
    int64_t zeros[FLOE_KEY_ROWS_MAX] = {0};
    const floe_key_cells columns[] = {{.kind = FLOE_KEY_WHOLE_8, .cells = cells},
                                      {.kind = FLOE_KEY_TEXT, .cells = texts, .text_at = text_at}};
    FLOE_TRY(floe_key_set_make(memory, 2, 0, &set, err));
    for (int64_t chunk = 0; chunk < 30; chunk++) {
        for (size_t i = 0; i < FLOE_KEY_ROWS_MAX; i++) {
            cells[i] = chunk * FLOE_KEY_ROWS_MAX + (int64_t)i;
            texts[i] = FLOE_STR("some text that takes room");
        }
        FLOE_TRY(floe_key_set_add(set, columns, zeros, FLOE_KEY_ROWS_MAX, err));
    }
    return floe_key_set_seal(set, err);
}

static floe_status fill_in_arena(void *context, floe_error *err) {
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, *(const size_t *)context);
    return fill_small(&memory, err);
}

static void memory__every_allocation__may_fail(void **state) {
    (void)state;
    size_t cap = FLOE_MIB(64);
    assert_true(floe_test_alloc_sweep(fill_in_arena, &cap) > 0);
}

static void memory__more_than_the_cap__is_refused_as_limit(void **state) {
    (void)state;
    size_t cap = FLOE_MIB(2);
    floe_error err = {0};
    assert_code(fill_in_arena(&cap, &err), FLOE_LIMIT);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(set__of_nothing__deletes_nothing),
        T(key__larger_sequence_number__deletes),
        T(key__null__is_a_value_beside_the_cell_that_looks_like_it),
        T(key__real__nan_is_nan_and_zeros_differ),
        T(key__texts__of_two_columns_are_not_run_together),
        T(key__text_longer_than_a_piece__is_kept),
        T(key__whole__at_the_ends_of_the_range),
        T(key__negative_sequence_number__is_corrupt),
        T(any__keys__answer_as_a_plain_list),
        T(many__keys__close_together_and_apart),
        T(memory__every_allocation__may_fail),
        T(memory__more_than_the_cap__is_refused_as_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
