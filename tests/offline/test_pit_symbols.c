/*
 * Numbers for byte strings and for whole numbers: the same again for the same, another for every other, none for what was
 * never seen, through every growth of the tables.
 */
#include "core/hash.h"
#include "offline/pit/memory/memo.h"
#include "offline/pit/memory/symbols.h"
#include "tests/support/support.h"

#include <stdio.h>

static uint32_t find(const pit_symbols *symbols, const char *text) {
    return floe_pit_symbol_find(symbols, floe_str_of(text), floe_xxh64(text, strlen(text), 0));
}

static void symbols__texts__keep_their_number_while_the_table_grows(void **state) {
    (void)state;
    pit_symbols symbols;
    floe_error err = {0};
    floe_pit_symbols_init(&symbols);
    assert_int_equal(find(&symbols, "x"), PIT_NO_KEY); /* of an empty table */
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            char text[32];
            uint32_t symbol;
            bool is_new;
            snprintf(text, sizeof(text), "key %u", i);
            assert_ok(floe_pit_symbol(&symbols, floe_str_of(text), &symbol, &is_new, &err), &err);
            assert_int_equal(symbol, i);
            assert_int_equal(is_new, round == 0);
            assert_int_equal(find(&symbols, text), i);
        }
    }
    assert_int_equal(find(&symbols, "key 5000"), PIT_NO_KEY);
    assert_int_equal(find(&symbols, ""), PIT_NO_KEY);
    assert_int_equal(symbols.count, 5000);
    floe_pit_symbols_close(&symbols);
}

/* A number's place is made of the top bits of a product: rows of numbers, steps of powers of two, and both ends. */
static void numbers__any_step__are_found_and_no_other(void **state) {
    (void)state;
    for (unsigned shift = 0; shift < 60; shift += 3) {
        pit_numbers numbers = {0};
        floe_error err = {0};
        assert_int_equal(floe_pit_number_find(&numbers, 0), PIT_NO_KEY);
        uint32_t count = shift > 50 ? 8 : 1000;
        for (uint32_t i = 0; i < count; i++) {
            assert_ok(floe_pit_number_add(&numbers, (int64_t)((uint64_t)i << shift), i, &err), &err);
        }
        assert_ok(floe_pit_number_add(&numbers, INT64_MIN + 1, count, &err), &err);
        assert_ok(floe_pit_number_add(&numbers, INT64_MAX, count + 1, &err), &err);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(floe_pit_number_find(&numbers, (int64_t)((uint64_t)i << shift)), i);
            assert_int_equal(floe_pit_number_find(&numbers, -1 - (int64_t)i), PIT_NO_KEY);
        }
        assert_int_equal(floe_pit_number_find(&numbers, INT64_MIN + 1), count);
        assert_int_equal(floe_pit_number_find(&numbers, INT64_MAX), count + 1);
        assert_int_equal(floe_pit_number_find(&numbers, INT64_MIN), PIT_NO_KEY);
        floe_pit_number_prefetch(&numbers, 3);
        floe_pit_numbers_close(&numbers);
    }
}

static floe_status add_some(void *context, floe_error *err) {
    (void)context;
    pit_symbols symbols;
    pit_numbers numbers = {0};
    floe_status status = FLOE_OK;
    floe_pit_symbols_init(&symbols);
    for (uint32_t i = 0; i < 40 && !floe_failed(status); i++) { /* past the first growth of each */
        uint32_t symbol;
        char text[8];
        snprintf(text, sizeof(text), "%u", i);
        status = floe_pit_symbol(&symbols, floe_str_of(text), &symbol, NULL, err);
        if (!floe_failed(status)) {
            status = floe_pit_number_add(&numbers, i, i, err);
        }
    }
    floe_pit_symbols_close(&symbols);
    floe_pit_numbers_close(&numbers);
    return status;
}

static void symbols__every_allocation__may_fail(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(add_some, NULL) > 5);
}

/* Texts of two letters and NUL, alike but for a byte somewhere: what is remembered is always the number of that very text. */
static void memo__texts__are_never_taken_for_others(void **state) {
    (void)state;
    static pit_memo memo;
    pit_symbols symbols;
    floe_error err = {0};
    uint64_t seed = 11, known = 0;
    floe_pit_symbols_init(&symbols);
    for (int i = 0; i < 400000; i++) {
        char bytes[PIT_MEMO_TEXT];
        memset(bytes, 'a', sizeof(bytes));
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
        floe_str text = {bytes, (size_t)(seed >> 33) % (PIT_MEMO_TEXT + 1)};
        bytes[(seed >> 40) % PIT_MEMO_TEXT] = (seed >> 50) & 1 ? 'b' : 0;
        bytes[(seed >> 55) % PIT_MEMO_TEXT] = 'b';
        uint32_t symbol, number;
        assert_ok(floe_pit_symbol(&symbols, text, &symbol, NULL, &err), &err);
        assert_true(floe_pit_memo_takes(text));
        pit_memo_key key = floe_pit_memo_text(text);
        if (floe_pit_memo_find(&memo, key, &number)) {
            assert_int_equal(number, symbol);
            known++;
        }
        floe_pit_memo_put(&memo, key, symbol);
    }
    assert_true(known > 100000);
    assert_false(floe_pit_memo_takes((floe_str){"", PIT_MEMO_TEXT + 1}));
    uint32_t number;
    assert_false(floe_pit_memo_find(&memo, floe_pit_memo_bits(0), &number));
    floe_pit_symbols_close(&symbols);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols__texts__keep_their_number_while_the_table_grows),
        cmocka_unit_test(numbers__any_step__are_found_and_no_other),
        cmocka_unit_test(symbols__every_allocation__may_fail),
        cmocka_unit_test(memo__texts__are_never_taken_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
