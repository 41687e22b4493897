/*
 * The tokenizer on a vocabulary small enough to see through: each stage by itself, its options, its limits and its errors.
 * That it equals the reference on all of Unicode is what test_golden.c holds it to.
 */
#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/support.h"
#include "vector/embed/tokenizer_int.h"
#include "vector/embed/unicode_int.h"

#include <stdlib.h>

/* Ids are line numbers: 0 [PAD], 1 [UNK], 2 [CLS], 3 [SEP], 4 [MASK]. */
static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
                            "flight\n##s\ndelay\n##ed\n,\n.\na\n##a\nb\n##b\ncafe\nCafe\ncaf\xc3\xa9\n\xe4\xb8\x9c\n"
                            "\xe4\xba\xac\n\xe4\xb8\x9c\xe4\xba\xac\nf\nfl\ni\xcc\x87\ni\n";
enum {
    PAD,
    UNK,
    CLS,
    SEP,
    MASK,
    FLIGHT,
    _S,
    DELAY,
    _ED,
    COMMA,
    DOT,
    A,
    _A,
    B,
    _B,
    CAFE,
    CAFE_UPPER,
    CAFE_ACCENT,
    EAST,
    CAPITAL,
    EAST_CAPITAL,
    F,
    FL,
    I_DOT,
    I
};

static floe_tokenizer *open_with(bool lower_case, bool strip_accents, bool chinese_spaces) {
    floe_tokenizer *tokenizer = NULL;
    floe_tokenizer_options options = {lower_case, strip_accents, chinese_spaces};
    floe_error err = {0};
    assert_ok(floe_tokenizer_open(FLOE_STR(vocab), &options, &tokenizer, &err), &err);
    return tokenizer;
}

/* The ids between [CLS] and [SEP] are the listed ones, which end with -1. */
static void check(const floe_tokenizer *tokenizer, floe_str text, const int32_t *want) {
    int32_t ids[64];
    size_t count = floe_tokenizer_encode(tokenizer, FLOE_STR(""), text, ids, 64);
    size_t at = 0;
    assert_int_equal(ids[0], CLS);
    assert_int_equal(ids[count - 1], SEP);
    for (; want[at] >= 0; at++) {
        if (at + 2 > count || ids[at + 1] != want[at]) {
            fail_msg("\"%.*s\": id %zu is %d, not %d", FLOE_STR_ARG(text), at, ids[at + 1], want[at]);
        }
    }
    if (count != at + 2) {
        fail_msg("\"%.*s\": %zu ids, not %zu", FLOE_STR_ARG(text), count - 2, at);
    }
}

#define CHECK(tokenizer, text, ...) check((tokenizer), FLOE_STR(text), (const int32_t[]){__VA_ARGS__, -1})
#define CHECK_NONE(tokenizer, text) check((tokenizer), FLOE_STR(text), (const int32_t[]){-1})

static void tokenizer__words__are_cut_into_longest_pieces(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, "flight", FLIGHT);
    CHECK(tokenizer, "flights delayed", FLIGHT, _S, DELAY, _ED);
    CHECK(tokenizer, "fl f", FL, F);
    CHECK(tokenizer, "abab", A, _B, _A, _B);
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__missing_piece__makes_the_word_unknown(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, "flightx", UNK);
    CHECK(tokenizer, "x flight", UNK, FLIGHT);
    CHECK(tokenizer, "abx ab", UNK, A, _B);
    CHECK(tokenizer, "sflight", UNK);
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__space_and_punctuation__separate(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, " a\tb\na\r\nb ", A, B, A, B);
    CHECK(tokenizer,
          "a\xc2\xa0"
          "b\xe3\x80\x80"
          "a\xe2\x80\xa8"
          "b",
          A, B, A, B);
    CHECK(tokenizer, "flights,delayed.", FLIGHT, _S, COMMA, DELAY, _ED, DOT);
    CHECK(tokenizer, ",,", COMMA, COMMA);
    CHECK(tokenizer, "a-b", A, UNK, B);
    CHECK(tokenizer,
          "a\xe2\x80\x94"
          "b",
          A, UNK, B);
    CHECK_NONE(tokenizer, "");
    CHECK_NONE(tokenizer, " \t\n");
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__control_characters__vanish(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, "fli\0ght", FLIGHT);
    CHECK(tokenizer, "fli\x01\x1b\x7fght", FLIGHT);
    CHECK(tokenizer, "fli\xe2\x80\x8bght", FLIGHT); /* zero width space */
    CHECK(tokenizer, "fli\xef\xbf\xbdght", FLIGHT); /* U+FFFD */
    CHECK(tokenizer, "fli\xef\xbb\xbfght", FLIGHT); /* byte order mark */
    CHECK(tokenizer, "fli\xee\x80\x80ght", FLIGHT); /* private use */
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__bytes_that_are_not_utf8__vanish(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, "fli\xffght", FLIGHT);
    CHECK(tokenizer,
          "fli\xc0\xaf"
          "ght",
          FLIGHT); /* an overlong slash */
    CHECK(tokenizer, "flight\xe4\xb8", FLIGHT);
    CHECK(tokenizer, "fli\xed\xa0\x80ght", FLIGHT); /* a surrogate */
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__case_and_accents__go_when_asked(void **state) {
    (void)state;
    floe_tokenizer *both = open_with(true, true, true);
    floe_tokenizer *none = open_with(false, false, true);
    floe_tokenizer *lower = open_with(true, false, true);
    floe_tokenizer *strip = open_with(false, true, true);
    CHECK(both, "Caf\xc3\xa9 CAFE cafe\xcc\x81", CAFE, CAFE, CAFE);
    CHECK(none, "Cafe cafe caf\xc3\xa9", CAFE_UPPER, CAFE, CAFE_ACCENT);
    CHECK(lower, "Cafe CAF\xc3\x89", CAFE, CAFE_ACCENT);
    CHECK(strip, "Caf\xc3\xa9 caf\xc3\xa9", CAFE_UPPER, CAFE);
    /* U+0130: with accents off it is i, else i and a dot above. */
    CHECK(both, "\xc4\xb0", I);
    CHECK(lower, "\xc4\xb0", I_DOT);
    floe_tokenizer_close(&both);
    floe_tokenizer_close(&none);
    floe_tokenizer_close(&lower);
    floe_tokenizer_close(&strip);
}

static void tokenizer__chinese_characters__stand_alone_when_asked(void **state) {
    (void)state;
    floe_tokenizer *apart = open_with(true, true, true);
    floe_tokenizer *together = open_with(true, true, false);
    CHECK(apart,
          "a\xe4\xb8\x9c\xe4\xba\xac"
          "b",
          A, EAST, CAPITAL, B);
    CHECK(together, "\xe4\xb8\x9c\xe4\xba\xac", EAST_CAPITAL);
    floe_tokenizer_close(&apart);
    floe_tokenizer_close(&together);
}

static void tokenizer__special_tokens_in_text__are_taken_as_such(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    CHECK(tokenizer, "a[SEP]b", A, SEP, B);
    CHECK(tokenizer, "[CLS][MASK][UNK][PAD]", CLS, MASK, UNK, PAD);
    CHECK(tokenizer, "[sep]", UNK, UNK, UNK);
    CHECK(tokenizer, "[SEP", UNK, UNK);
    floe_tokenizer_close(&tokenizer);
}

static void repeat(char *to, char letter, size_t count) {
    memset(to, letter, count);
    to[count] = '\0';
}

static void tokenizer__word_of_101_characters__is_unknown(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    char word[200];
    int32_t ids[200];
    repeat(word, 'a', 100);
    assert_int_equal(floe_tokenizer_encode(tokenizer, FLOE_STR(""), floe_str_of(word), ids, 200), 102);
    assert_int_equal(ids[1], A);
    assert_int_equal(ids[100], _A);
    repeat(word, 'a', 101);
    assert_int_equal(floe_tokenizer_encode(tokenizer, FLOE_STR(""), floe_str_of(word), ids, 200), 3);
    assert_int_equal(ids[1], UNK);
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__max__cuts_but_keeps_the_end(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    for (size_t max = 2; max <= 8; max++) {
        int32_t ids[9] = {0};
        const int32_t whole[] = {FLIGHT, _S, COMMA, DELAY, _ED};
        size_t want = max - 2 < 5 ? max - 2 : 5;
        ids[max] = 99;
        assert_int_equal(floe_tokenizer_encode(tokenizer, FLOE_STR(""), FLOE_STR("flights,delayed"), ids, max),
                         want + 2);
        assert_int_equal(ids[0], CLS);
        assert_memory_equal(ids + 1, whole, want * sizeof(int32_t));
        assert_int_equal(ids[want + 1], SEP);
        assert_int_equal(ids[max], 99);
    }
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__prefix_and_text__are_one(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    floe_str whole = FLOE_STR("a flights caf\xc3\xa9, b\xe4\xb8\x9c delayed");
    int32_t want[64];
    size_t count = floe_tokenizer_encode(tokenizer, FLOE_STR(""), whole, want, 64);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        int32_t ids[64];
        if (cut < whole.len && ((uint8_t)whole.ptr[cut] & 0xC0u) == 0x80u) {
            continue;
        }
        floe_str prefix = {whole.ptr, cut};
        floe_str rest = {whole.ptr + cut, whole.len - cut};
        assert_int_equal(floe_tokenizer_encode(tokenizer, prefix, rest, ids, 64), count);
        assert_memory_equal(ids, want, count * sizeof(ids[0]));
    }
    floe_tokenizer_close(&tokenizer);
}

/* Bytes of all kinds: whatever comes, the ids are of the vocabulary and the two ends stand. */
static void tokenizer__random_bytes__give_ids_of_the_vocabulary(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_tokenizer *tokenizers[] = {open_with(true, true, true), open_with(false, false, false)};
    for (size_t round = 0; round < 5000; round++) {
        char text[64];
        int32_t ids[32];
        size_t len = (size_t)floe_test_below(&rng, sizeof(text));
        size_t max = 2 + (size_t)floe_test_below(&rng, 30);
        floe_test_fill(&rng, text, len);
        size_t count = floe_tokenizer_encode(tokenizers[round % 2], FLOE_STR("a"), (floe_str){text, len}, ids, max);
        assert_in_range(count, 2, max);
        assert_int_equal(ids[count - 1], SEP);
        for (size_t i = 0; i < count; i++) {
            assert_in_range(ids[i], 0, I);
        }
    }
    floe_tokenizer_close(&tokenizers[0]);
    floe_tokenizer_close(&tokenizers[1]);
}

/* ---- marks ---- */

/* Canonical ordering (Unicode Standard, 3.11): U+1D165 (class 216) comes before U+1D16D (226), whichever was written first.
 * Both are spacing marks, which stay; the ids of both orders must be the same. */
static void tokenizer__marks__are_put_in_canonical_order(void **state) {
    (void)state;
    static const char both[] = "[UNK]\n[CLS]\n[SEP]\na\xf0\x9d\x85\xa5\xf0\x9d\x85\xad\n";
    floe_tokenizer *tokenizer = NULL;
    floe_tokenizer_options options = {true, true, true};
    floe_error err = {0};
    int32_t ids[8];
    assert_ok(floe_tokenizer_open(FLOE_STR(both), &options, &tokenizer, &err), &err);
    assert_int_equal(floe_unicode_order(0x1D165), 216);
    assert_int_equal(floe_unicode_order(0x1D16D), 226);
    assert_int_equal(
        floe_tokenizer_encode(tokenizer, FLOE_STR(""), FLOE_STR("a\xf0\x9d\x85\xa5\xf0\x9d\x85\xad"), ids, 8), 3);
    assert_int_equal(ids[1], 3);
    assert_int_equal(
        floe_tokenizer_encode(tokenizer, FLOE_STR(""), FLOE_STR("a\xf0\x9d\x85\xad\xf0\x9d\x85\xa5"), ids, 8), 3);
    assert_int_equal(ids[1], 3);
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__endless_marks__are_one_unknown_word(void **state) {
    (void)state;
    floe_tokenizer *tokenizer = open_with(true, true, true);
    FLOE_AUTO_BUF text;
    int32_t ids[8];
    floe_buf_init(&text, FLOE_MIB(1));
    for (size_t i = 0; i < 20000; i++) {
        floe_buf_text(&text, i % 3 == 0 ? "\xf0\x9d\x85\xad" : "\xf0\x9d\x85\xa5");
    }
    assert_int_equal(floe_tokenizer_encode(tokenizer, FLOE_STR(""), floe_buf_view(&text), ids, 8), 3);
    assert_int_equal(ids[1], UNK);
    floe_tokenizer_close(&tokenizer);
}

static void unicode__decomposition__is_full(void **state) {
    (void)state;
    uint32_t parts[FLOE_UNICODE_PARTS_MAX];
    assert_int_equal(floe_unicode_decompose('a', parts), 1);
    assert_int_equal(floe_unicode_decompose(0xE9, parts), 2);
    assert_true(parts[0] == 'e' && parts[1] == 0x301);
    /* U+1E69: s, dot below, dot above; its own decomposition names U+1E63 first. */
    assert_int_equal(floe_unicode_decompose(0x1E69, parts), 3);
    assert_true(parts[0] == 's' && parts[1] == 0x323 && parts[2] == 0x307);
    /* The Unicode Standard, 3.12: U+D4DB is U+1111 U+1171 U+11B6; U+AC00 has no tail. */
    assert_int_equal(floe_unicode_decompose(0xD4DB, parts), 3);
    assert_true(parts[0] == 0x1111 && parts[1] == 0x1171 && parts[2] == 0x11B6);
    assert_int_equal(floe_unicode_decompose(0xAC00, parts), 2);
    assert_true(parts[0] == 0x1100 && parts[1] == 0x1161);
    assert_int_equal(floe_unicode_decompose(0xD7A4, parts), 1);
}

static void unicode__lower_case__knows_runs_and_pairs(void **state) {
    (void)state;
    static const uint32_t pairs[][2] = {{'A', 'a'},       {'Z', 'z'},         {'[', '['},          {0xC0, 0xE0},
                                        {0xD7, 0xD7},     {0x100, 0x101},     {0x101, 0x101},      {0x3A3, 0x3C3},
                                        {0x410, 0x430},   {0x1E9E, 0xDF},     {0x2126, 0x3C9},     {0x212A, 'k'},
                                        {0xFF21, 0xFF41}, {0x10400, 0x10428}, {0x10FFFF, 0x10FFFF}};
    uint32_t parts[FLOE_UNICODE_PARTS_MAX];
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_int_equal(floe_unicode_lower(pairs[i][0], parts), 1);
        assert_int_equal(parts[0], pairs[i][1]);
    }
}

static void unicode__sets__have_their_ends(void **state) {
    (void)state;
    assert_true(floe_unicode_in(&floe_unicode_chinese, 0x4E00));
    assert_true(floe_unicode_in(&floe_unicode_chinese, 0x9FFF));
    assert_false(floe_unicode_in(&floe_unicode_chinese, 0x4DFF));
    assert_false(floe_unicode_in(&floe_unicode_chinese, 0xA000));
    assert_true(floe_unicode_in(&floe_unicode_chinese, 0x2FA1F));
    assert_false(floe_unicode_in(&floe_unicode_chinese, 0x10FFFF));
    assert_true(floe_unicode_in(&floe_unicode_removed, 0));
    assert_false(floe_unicode_in(&floe_unicode_removed, '\t'));
    assert_true(floe_unicode_in(&floe_unicode_space, '\t'));
    assert_true(floe_unicode_in(&floe_unicode_punctuation, '$'));
    assert_true(floe_unicode_in(&floe_unicode_stripped, 0x300));
    assert_true(floe_unicode_in(&floe_unicode_stripped, 0x36F));
    assert_false(floe_unicode_in(&floe_unicode_stripped, 0x370));
}

/* ---- vocabularies ---- */

static void check_vocab(floe_str text, floe_code code, const char *why) {
    floe_tokenizer *tokenizer = NULL;
    floe_tokenizer_options options = {true, true, true};
    floe_error err = {0};
    assert_code(floe_tokenizer_open(text, &options, &tokenizer, &err), code);
    if (code != FLOE_CODE_OK) {
        assert_null(tokenizer);
        assert_message(&err, why);
    }
    floe_tokenizer_close(&tokenizer);
}

static void tokenizer__bad_vocabularies__are_refused(void **state) {
    (void)state;
    check_vocab(FLOE_STR(""), FLOE_INVALID, "[UNK]");
    check_vocab(FLOE_STR("[UNK]\n[CLS]\n"), FLOE_INVALID, "[SEP]");
    check_vocab(FLOE_STR("[UNK]\n[CLS]\n[SEP]\na\nb\na\n"), FLOE_INVALID, "in line 4 and in line 6");
    check_vocab(FLOE_STR("[UNK]\n[CLS]\n[SEP]\n##a\na\n##a\n"), FLOE_INVALID, "##a");
    check_vocab((floe_str){"", FLOE_TOKENIZER_VOCAB_BYTES + 1}, FLOE_LIMIT, "bytes");
}

static void tokenizer__line_ends__do_not_matter(void **state) {
    (void)state;
    check_vocab(FLOE_STR("[UNK]\n[CLS]\n[SEP]"), FLOE_CODE_OK, "");
    floe_tokenizer *tokenizer = NULL;
    floe_tokenizer_options options = {true, true, true};
    floe_error err = {0};
    int32_t ids[4];
    assert_ok(floe_tokenizer_open(FLOE_STR("[UNK]\r\n[CLS]\r\n[SEP]\r\na\r\n"), &options, &tokenizer, &err), &err);
    assert_int_equal(floe_tokenizer_vocab_count(tokenizer), 4);
    assert_int_equal(floe_tokenizer_encode(tokenizer, FLOE_STR(""), FLOE_STR("a"), ids, 4), 3);
    assert_int_equal(ids[1], 3);
    floe_tokenizer_close(&tokenizer);
}

static floe_status open_once(void *context, floe_error *err) {
    floe_tokenizer *tokenizer = NULL;
    FLOE_TRY(floe_tokenizer_open(FLOE_STR(vocab), context, &tokenizer, err));
    floe_tokenizer_close(&tokenizer);
    return FLOE_OK;
}

static void tokenizer__every_allocation_may_fail(void **state) {
    (void)state;
    floe_tokenizer_options options = {true, true, true};
    assert_true(floe_test_alloc_sweep(open_once, &options) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokenizer__words__are_cut_into_longest_pieces),
        cmocka_unit_test(tokenizer__missing_piece__makes_the_word_unknown),
        cmocka_unit_test(tokenizer__space_and_punctuation__separate),
        cmocka_unit_test(tokenizer__control_characters__vanish),
        cmocka_unit_test(tokenizer__bytes_that_are_not_utf8__vanish),
        cmocka_unit_test(tokenizer__case_and_accents__go_when_asked),
        cmocka_unit_test(tokenizer__chinese_characters__stand_alone_when_asked),
        cmocka_unit_test(tokenizer__special_tokens_in_text__are_taken_as_such),
        cmocka_unit_test(tokenizer__word_of_101_characters__is_unknown),
        cmocka_unit_test(tokenizer__max__cuts_but_keeps_the_end),
        cmocka_unit_test(tokenizer__prefix_and_text__are_one),
        cmocka_unit_test(tokenizer__random_bytes__give_ids_of_the_vocabulary),
        cmocka_unit_test(tokenizer__marks__are_put_in_canonical_order),
        cmocka_unit_test(tokenizer__endless_marks__are_one_unknown_word),
        cmocka_unit_test(unicode__decomposition__is_full),
        cmocka_unit_test(unicode__lower_case__knows_runs_and_pairs),
        cmocka_unit_test(unicode__sets__have_their_ends),
        cmocka_unit_test(tokenizer__bad_vocabularies__are_refused),
        cmocka_unit_test(tokenizer__line_ends__do_not_matter),
        cmocka_unit_test(tokenizer__every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
