/*
 * Distances between misspelt words: known pairs, and a slow reading of the definition.
 */
#include "tests/support/support.h"

#include "vector/words/spell_int.h"

#include <stdio.h>

static size_t typos(const char *a, const char *b) {
    return floe_typos(floe_str_of(a), floe_str_of(b), FLOE_TYPOS_MAX);
}

static void typos__one_letter__is_one_however_it_came(void **state) {
    (void)state;
    assert_int_equal(typos("customer", "customer"), 0);
    assert_int_equal(typos("custmer", "customer"), 1);   /* left out */
    assert_int_equal(typos("custoomer", "customer"), 1); /* twice */
    assert_int_equal(typos("cuztomer", "customer"), 1);  /* another */
    assert_int_equal(typos("cusotmer", "customer"), 1);  /* swapped */
    assert_int_equal(typos("ustomer", "customer"), 1);
    assert_int_equal(typos("customers", "customer"), 1);
}

static void typos__two_letters__are_two(void **state) {
    (void)state;
    assert_int_equal(typos("csutoemr", "customer"), 2);
    assert_int_equal(typos("custme", "customer"), 2);
    assert_int_equal(typos("addres", "adress"), 2);
    assert_int_equal(typos("", "ab"), 2);
    assert_int_equal(typos("ab", ""), 2);
}

static void typos__more_than_asked__are_one_more(void **state) {
    (void)state;
    assert_int_equal(typos("invoice", "customer"), FLOE_TYPOS_MAX + 1);
    assert_int_equal(typos("a", "abcd"), FLOE_TYPOS_MAX + 1);
    assert_int_equal(floe_typos(FLOE_STR("custmer"), FLOE_STR("customer"), 0), 1);
    assert_int_equal(floe_typos(FLOE_STR("customer"), FLOE_STR("customer"), 0), 0);
    assert_int_equal(floe_typos(FLOE_STR("csutoemr"), FLOE_STR("customer"), 1), 2);
}

static void typos__longest_words__are_read_to_the_end(void **state) {
    (void)state;
    char a[FLOE_WORD_MAX + 1];
    char b[FLOE_WORD_MAX + 1];
    memset(a, 'a', sizeof(a));
    memset(b, 'a', sizeof(b));
    b[FLOE_WORD_MAX - 1] = 'b';
    assert_int_equal(floe_typos((floe_str){a, FLOE_WORD_MAX}, (floe_str){b, FLOE_WORD_MAX}, 2), 1);
    /* Longer ones are no words of ours. */
    assert_int_equal(floe_typos((floe_str){a, FLOE_WORD_MAX + 1}, (floe_str){a, FLOE_WORD_MAX + 1}, 2), 3);
}

static void allowed__grows_with_the_word(void **state) {
    (void)state;
    assert_int_equal(floe_typos_allowed(FLOE_STR("")), 0);
    assert_int_equal(floe_typos_allowed(FLOE_STR("sky")), 0);
    assert_int_equal(floe_typos_allowed(FLOE_STR("city")), 1);
    assert_int_equal(floe_typos_allowed(FLOE_STR("country")), 1);
    assert_int_equal(floe_typos_allowed(FLOE_STR("customer")), 2);
    /* Numbers and other scripts are not guessed at. */
    assert_int_equal(floe_typos_allowed(FLOE_STR("2021")), 0);
    assert_int_equal(floe_typos_allowed(FLOE_STR("m\xc3\xbcnchen")), 0);
}

/* The definition, word by word: what is cheapest of the four edits at the ends of the two beginnings. */
static size_t slow(const char *a, size_t i, const char *b, size_t j) {
    if (i == 0 || j == 0) {
        return i + j;
    }
    size_t best = slow(a, i - 1, b, j - 1) + (a[i - 1] != b[j - 1]);
    size_t removed = slow(a, i - 1, b, j) + 1;
    size_t added = slow(a, i, b, j - 1) + 1;
    best = removed < best ? removed : best;
    best = added < best ? added : best;
    if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        size_t swapped = slow(a, i - 2, b, j - 2) + 1;
        best = swapped < best ? swapped : best;
    }
    return best;
}

static size_t random_word(floe_test_rng *rng, char *word) {
    size_t len = floe_test_below(rng, 7);
    for (size_t i = 0; i < len; i++) {
        word[i] = (char)('a' + floe_test_below(rng, 3));
    }
    return len;
}

static void typos__random_words__are_what_the_definition_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 3000; i++) {
        char a[8];
        char b[8];
        size_t a_len = random_word(&rng, a);
        size_t b_len = random_word(&rng, b);
        size_t want = slow(a, a_len, b, b_len);
        for (size_t most = 0; most <= FLOE_TYPOS_MAX; most++) {
            size_t got = floe_typos((floe_str){a, a_len}, (floe_str){b, b_len}, most);
            assert_int_equal(got, want > most ? most + 1 : want);
            assert_int_equal(got, floe_typos((floe_str){b, b_len}, (floe_str){a, a_len}, most));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typos__one_letter__is_one_however_it_came),
        cmocka_unit_test(typos__two_letters__are_two),
        cmocka_unit_test(typos__more_than_asked__are_one_more),
        cmocka_unit_test(typos__longest_words__are_read_to_the_end),
        cmocka_unit_test(allowed__grows_with_the_word),
        cmocka_unit_test(typos__random_words__are_what_the_definition_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
