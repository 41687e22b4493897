/*
 * Splitting and folding. The rules are those published for identifiers in schema search: a break in [a-z0-9][A-Z], in
 * [A-Z]+[A-Z][a-z], between letter and digit, at underscores and punctuation.
 */
#include "tests/support/support.h"

#include "vector/words/text_int.h"

#include <stdio.h>

/* The words of a text, joined by a bar. */
static const char *split(floe_str text, char *out, size_t out_len) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    size_t len = 0;
    out[0] = '\0';
    while (floe_words_next(&words, &word)) {
        assert_true(word.len > 0 && word.len <= FLOE_WORD_MAX);
        int added = snprintf(out + len, out_len - len, "%s%.*s", len > 0 ? "|" : "", FLOE_STR_ARG(word));
        assert_true(added > 0 && (size_t)added < out_len - len);
        len += (size_t)added;
    }
    return out;
}

typedef struct example {
    const char *text;
    const char *words;
} example;

static void check(const example *examples, size_t count) {
    char out[1024];
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(split(floe_str_of(examples[i].text), out, sizeof(out)), examples[i].words);
    }
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof((examples)[0]))

static void split__identifier_styles__meet(void **state) {
    (void)state;
    static const example examples[] = {
        {"user_id", "user|id"},
        {"userId", "user|id"},
        {"UserID", "user|id"},
        {"USER_ID", "user|id"},
        {"user-id", "user|id"},
        {"user id", "user|id"},
        {"user.id", "user|id"},
        {"CustomerID", "customer|id"},
        {"customerIDNumber", "customer|id|number"},
        {"HTTPServer", "http|server"},
        {"parseHTTPResponse", "parse|http|response"},
        {"getX", "get|x"},
        {"XAxis", "x|axis"},
        {"Song_release_year", "song|release|year"},
        {"delay", "delay"},
    };
    CHECK(examples);
}

static void split__digits__begin_a_word_after_letters_and_end_none(void **state) {
    (void)state;
    static const example examples[] = {
        {"address2", "address|2"},
        {"Q1", "q|1"},
        {"transactions_1k", "transactions|1k"},
        {"delay_mean_7d", "delay|mean|7d"},
        {"2001", "2001"},
        {"p95", "p|95"},
        {"7dMean", "7d|mean"},
        {"k12Schools", "k|12|schools"},
        {"ISO8601Date", "iso|8601|date"},
    };
    CHECK(examples);
}

static void split__plural_of_an_acronym__is_one_word(void **state) {
    (void)state;
    static const example examples[] = {
        {"IDs", "ids"},
        {"CustomerIDs", "customer|ids"},
        {"IDsOfUsers", "ids|of|users"},
        {"URLs_seen", "urls|seen"},
        {"ASimple", "a|simple"},
    };
    CHECK(examples);
}

static void split__possessive__is_dropped(void **state) {
    (void)state;
    static const example examples[] = {
        {"airport's delay", "airport|delay"},
        {"airport\xe2\x80\x99s delay", "airport|delay"},
        {"it's", "it"},
        {"'special' case", "special|case"},
        {"o'sullivan", "o|sullivan"},
    };
    CHECK(examples);
}

static void split__punctuation_only__gives_no_word(void **state) {
    (void)state;
    static const example examples[] = {
        {"", ""},
        {"   ", ""},
        {"_-./:;()[]{}\"'*^", ""},
        {"\xe2\x80\x94 \xe2\x82\xac \xe2\x86\x92", ""},
        {"Percent (%) Eligible Free (K-12)", "percent|eligible|free|k|12"},
    };
    CHECK(examples);
}

static void fold__latin_letters__lose_marks_and_case(void **state) {
    (void)state;
    static const example examples[] = {
        {"S\xc3\xa3o Paulo", "sao|paulo"}, /* ã */
        {"\xc3\x89tat", "etat"},           /* É */
        {"stra\xc3\x9f"
         "e",
         "strasse"},                            /* ß */
        {"\xc3\x85ngstr\xc3\xb6m", "angstrom"}, /* Å ö */
        {"\xc5\x81\xc3\xb3"
         "d\xc5\xba",
         "lodz"},                           /* Ł ó ź */
        {"cafe\xcc\x81 menu", "cafe|menu"}, /* e and a combining acute */
        {"n\xc3\xba"
         "meroVuelo",
         "numero|vuelo"},                                             /* ú; and a camel hump after it */
        {"vol\xc3\x89tat", "vol|etat"},                               /* an accented capital is a hump too */
        {"\xef\xbc\xb5\xef\xbd\x93\xef\xbd\x85\xef\xbd\x92", "user"}, /* full-width User */
    };
    CHECK(examples);
}

static void fold__other_scripts__keep_their_letters(void **state) {
    (void)state;
    static const example examples[] = {
        /* Cyrillic: upper case meets lower case. */
        {"\xd0\xa0\xd0\x95\xd0\x99\xd0\xa1", "\xd1\x80\xd0\xb5\xd0\xb9\xd1\x81"},
        /* Greek: final sigma is sigma. */
        {"\xce\xa4\xce\xb9\xce\xbc\xce\xad\xcf\x82", "\xcf\x84\xce\xb9\xce\xbc\xce\xad\xcf\x83"},
        /* Ideographs are words of their own, as nothing tells where a word ends. */
        {"\xe8\x88\xaa\xe7\x8f\xad"
         "delay",
         "\xe8\x88\xaa|\xe7\x8f\xad|delay"},
        {"delay\xe8\x88\xaa", "delay|\xe8\x88\xaa"},
        /* Hangul syllables too. */
        {"\xed\x95\xad\xea\xb3\xb5", "\xed\x95\xad|\xea\xb3\xb5"},
    };
    CHECK(examples);
}

static void split__bytes_that_are_not_utf8__separate(void **state) {
    (void)state;
    char out[256];
    floe_str text = {"fl\xff"
                     "ight\xc3",
                     8};
    assert_string_equal(split(text, out, sizeof(out)), "fl|ight");
    floe_str nul = {"a\0b", 3};
    assert_string_equal(split(nul, out, sizeof(out)), "a|b");
    /* An overlong slash and a surrogate are not UTF-8 either. */
    floe_str overlong = {"a\xc0\xaf"
                         "b\xed\xa0\x80"
                         "c",
                         8};
    assert_string_equal(split(overlong, out, sizeof(out)), "a|b|c");
}

static void split__long_word__is_cut_at_a_character(void **state) {
    (void)state;
    char text[401];
    for (size_t i = 0; i < 200; i++) {
        memcpy(text + 2 * i, "\xd1\x84", 2);
    }
    floe_words words = floe_words_of((floe_str){text, 399 - 1});
    floe_str word = {0};
    assert_true(floe_words_next(&words, &word));
    assert_int_equal(word.len, FLOE_WORD_MAX);
    assert_true(floe_str_is_utf8(word));
    assert_false(floe_words_next(&words, &word));
}

/* Whatever the bytes, the splitter ends, and every word is UTF-8, folded, and splits into itself. */
static void split__random_bytes__give_words_that_are_stable(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 20000; round++) {
        char text[48];
        size_t len = floe_test_below(&rng, sizeof(text));
        floe_test_fill(&rng, text, len);
        for (size_t i = 0; i < len; i++) {
            /* Mostly letters, so that words are long enough to matter. */
            text[i] = floe_test_below(&rng, 3) == 0 ? text[i] : "aZ9_b C'sE"[floe_test_below(&rng, 10)];
        }
        floe_words words = floe_words_of((floe_str){text, len});
        floe_str word = {0};
        while (floe_words_next(&words, &word)) {
            assert_true(floe_str_is_utf8(word));
            char first[FLOE_WORD_MAX];
            memcpy(first, word.ptr, word.len);
            floe_words again = floe_words_of((floe_str){first, word.len});
            floe_str whole = {0};
            assert_true(floe_words_next(&again, &whole));
            /* Digits that follow no letter and letters after digits stay together, so a word is one word again. */
            assert_true(floe_str_equal(whole, (floe_str){first, word.len}));
        }
    }
}

/* ---- an oracle for ASCII: one character at a time, by the rules as the header says them ---- */

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

/* Whether a word begins at `at`, which is a letter or digit behind another; the text ends in zeros. */
static bool begins_at(const char *text, size_t at) {
    char before = text[at - 1];
    char c = text[at];
    bool digit = !is_upper(c) && !is_lower(c);
    bool goes_on = is_lower(text[at + 1]) && (text[at + 1] != 's' || is_lower(text[at + 2]));
    return digit ? is_upper(before) || is_lower(before) : is_upper(c) && (!is_upper(before) || goes_on);
}

/* Words in order with a bar behind each. */
static void split_slowly(const char *text, char *out) {
    size_t len = 0;
    size_t kept = 0;
    for (size_t at = 0; text[at] != '\0';) {
        if (!is_word(text[at])) {
            at++;
            continue;
        }
        do {
            out[len] = (char)(is_upper(text[at]) ? text[at] + 32 : text[at]);
            len += kept++ < FLOE_WORD_MAX ? 1 : 0;
            at++;
        } while (is_word(text[at]) && !begins_at(text, at));
        at += text[at] == '\'' && text[at + 1] == 's' && !is_word(text[at + 2]) ? 2 : 0;
        out[len++] = '|';
        kept = 0;
    }
    out[len] = '\0';
}

static void split__random_ascii__is_what_one_character_at_a_time_gives(void **state) {
    (void)state;
    static const char letters[] = "aabcsszABSSZ019_ .'--";
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 60000; round++) {
        char text[256] = {0};
        char wants[512];
        char got[512];
        size_t len = floe_test_below(&rng, round % 50 == 0 ? 250 : 14);
        size_t kinds = round % 100 == 0 ? 4 : sizeof(letters) - 1; /* long words of small letters too */
        for (size_t i = 0; i < len; i++) {
            text[i] = letters[floe_test_below(&rng, kinds)];
        }
        size_t at = 0;
        floe_words words = floe_words_of(floe_str_of(text));
        floe_str word = {0};
        while (floe_words_next(&words, &word)) {
            memcpy(got + at, word.ptr, word.len);
            at += word.len;
            got[at++] = '|';
        }
        got[at] = '\0';
        split_slowly(text, wants);
        if (strcmp(got, wants) != 0) {
            print_message("\"%s\"\n%s\nwanted %s\n", text, got, wants);
            fail();
        }
    }
}

static void stop_words__function_words__are_known(void **state) {
    (void)state;
    static const char *const words[] = {"a",    "about", "the",   "of",      "which", "how",
                                        "many", "show",  "yours", "because", "with"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_true(floe_word_is_stop(floe_str_of(words[i])));
    }
}

static void stop_words__words_that_name_data__are_not_among_them(void **state) {
    (void)state;
    static const char *const words[] = {"state",  "name",  "number", "year", "first", "last",
                                        "flight", "delay", "",       "thee", "th"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_false(floe_word_is_stop(floe_str_of(words[i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split__identifier_styles__meet),
        cmocka_unit_test(split__digits__begin_a_word_after_letters_and_end_none),
        cmocka_unit_test(split__plural_of_an_acronym__is_one_word),
        cmocka_unit_test(split__possessive__is_dropped),
        cmocka_unit_test(split__punctuation_only__gives_no_word),
        cmocka_unit_test(fold__latin_letters__lose_marks_and_case),
        cmocka_unit_test(fold__other_scripts__keep_their_letters),
        cmocka_unit_test(split__bytes_that_are_not_utf8__separate),
        cmocka_unit_test(split__long_word__is_cut_at_a_character),
        cmocka_unit_test(split__random_bytes__give_words_that_are_stable),
        cmocka_unit_test(split__random_ascii__is_what_one_character_at_a_time_gives),
        cmocka_unit_test(stop_words__function_words__are_known),
        cmocka_unit_test(stop_words__words_that_name_data__are_not_among_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
