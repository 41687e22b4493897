/*
 * Keys in messages: none is left, whole or cut, and nothing else is touched. Expected texts are written out by hand.
 */
#include "tests/support/support.h"
#include "vector/secret_int.h"

#include <stdio.h>

static const char *hidden(const char *message, const char *key) {
    static floe_error err;
    (void)snprintf(err.message, sizeof(err.message), "%s", message);
    floe_secret_hide(floe_str_of(key), &err);
    return err.message;
}

static void hide__a_key__is_stars_wherever_it_stands(void **state) {
    (void)state;
    assert_string_equal(hidden("bad sk-12345 here", "sk-12345"), "bad ******** here");
    assert_string_equal(hidden("sk-12345", "sk-12345"), "********");
    assert_string_equal(hidden("sk-12345sk-12345 and \"sk-12345\"", "sk-12345"), "**************** and \"********\"");
    assert_string_equal(hidden("aaaaa", "aa"), "****a");
}

static void hide__a_key_that_the_message_cuts__is_stars_too(void **state) {
    (void)state;
    assert_string_equal(hidden("bad sk-12", "sk-12345"), "bad *****");
    assert_string_equal(hidden("bad sk-1", "sk-12345"), "bad ****");
    /* So little of it is as good as nothing. */
    assert_string_equal(hidden("bad sk-", "sk-12345"), "bad sk-");
}

static void hide__no_key_and_no_message__is_nothing(void **state) {
    (void)state;
    assert_string_equal(hidden("bad sk-12345", ""), "bad sk-12345");
    assert_string_equal(hidden("", "sk-12345"), "");
    assert_string_equal(hidden("sk-1234 sk-1235 ", "sk-12345"), "sk-1234 sk-1235 ");
    floe_secret_hide(FLOE_STR("sk-12345"), NULL);
}

/* Every message of letters of the key and others, against a search from every place by hand. */
static void hide__random_messages__hold_no_key(void **state) {
    (void)state;
    static const char letters[] = "ab-";
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 20000; round++) {
        char message[24] = {0};
        size_t len = (size_t)floe_test_below(&rng, 23);
        for (size_t i = 0; i < len; i++) {
            message[i] = letters[(size_t)floe_test_below(&rng, 3)];
        }
        const char *got = hidden(message, "abab-a");
        if (strstr(got, "abab-a") != NULL || strlen(got) != len) {
            print_message("round %d: %s → %s\n", round, message, got);
            fail();
        }
        for (size_t i = 0; i < len; i++) {
            assert_true(got[i] == message[i] || got[i] == '*');
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hide__a_key__is_stars_wherever_it_stands),
        cmocka_unit_test(hide__a_key_that_the_message_cuts__is_stars_too),
        cmocka_unit_test(hide__no_key_and_no_message__is_nothing),
        cmocka_unit_test(hide__random_messages__hold_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
