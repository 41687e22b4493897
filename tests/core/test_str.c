/* core/str: comparison, cutting, UTF-8, numbers, edit distance. */
#include "tests/support/support.h"

#include "core/str.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void compare__bytes__are_ordered_unsigned_and_shorter_first(void **state) {
    (void)state;
    static const char *const ordered[] = {"", "A", "AA", "AB", "B", "a", "\x7f", "\x80", "\xff"};
    for (size_t i = 0; i < 9; i++) {
        for (size_t j = 0; j < 9; j++) {
            int order = floe_str_compare(floe_str_of(ordered[i]), floe_str_of(ordered[j]));
            assert_int_equal(order, i < j ? -1 : i > j ? 1 : 0);
        }
    }
    assert_int_equal(floe_str_compare((floe_str){NULL, 0}, FLOE_STR("")), 0);
}

static void equal__embedded_nul__counts(void **state) {
    (void)state;
    assert_false(floe_str_equal((floe_str){"a\0b", 3}, (floe_str){"a\0c", 3}));
    assert_true(floe_str_equal((floe_str){"a\0b", 3}, (floe_str){"a\0b", 3}));
    assert_true(floe_str_equal((floe_str){NULL, 0}, FLOE_STR("")));
    assert_true(floe_str_is(FLOE_STR("x"), "x"));
    assert_int_equal(floe_str_of(NULL).len, 0);
}

static void is_nocase__only_ascii_case__is_ignored(void **state) {
    (void)state;
    assert_true(floe_str_is_nocase(FLOE_STR("TrUe"), "true"));
    assert_false(floe_str_is_nocase(FLOE_STR("tru"), "true"));
    assert_false(floe_str_is_nocase(FLOE_STR("truex"), "true"));
    assert_false(floe_str_is_nocase(FLOE_STR("@"), "`")); /* 32 apart, but no letters */
}

static void starts_and_ends_with__boundaries(void **state) {
    (void)state;
    assert_true(floe_str_starts_with(FLOE_STR("floe"), FLOE_STR("")));
    assert_true(floe_str_starts_with(FLOE_STR("floe"), FLOE_STR("floe")));
    assert_false(floe_str_starts_with(FLOE_STR("floe"), FLOE_STR("floes")));
    assert_false(floe_str_starts_with(FLOE_STR(""), FLOE_STR("x")));
    assert_true(floe_str_ends_with(FLOE_STR("a.parquet"), FLOE_STR(".parquet")));
    assert_false(floe_str_ends_with(FLOE_STR("parquet"), FLOE_STR(".parquet")));
    assert_true(floe_str_ends_with((floe_str){NULL, 0}, FLOE_STR("")));
    assert_true(floe_str_ends_nocase(FLOE_STR("A.CSV"), ".csv"));
    assert_true(floe_str_ends_nocase(FLOE_STR(".cSv"), ".csv"));
    assert_false(floe_str_ends_nocase(FLOE_STR("CSV"), ".csv"));
    assert_false(floe_str_ends_nocase(FLOE_STR("A.CSVX"), ".csv"));
    assert_false(floe_str_ends_nocase((floe_str){NULL, 0}, ".csv"));
}

static void trim__ascii_space__goes_from_both_ends_only(void **state) {
    (void)state;
    assert_true(floe_str_is(floe_str_trim(FLOE_STR(" \t\n\r\v\f a b \n")), "a b"));
    assert_int_equal(floe_str_trim(FLOE_STR("   ")).len, 0);
    assert_int_equal(floe_str_trim((floe_str){NULL, 0}).len, 0);
    assert_int_equal(floe_str_trim(FLOE_STR("\xC2\xA0")).len, 2); /* a no-break space is no ASCII space */
}

static void check_split(const char *text, const char *const *pieces, size_t count) {
    floe_str rest = floe_str_of(text);
    floe_str head = {0};
    for (size_t i = 0; i < count; i++) {
        assert_true(floe_str_split(&rest, ',', &head));
        assert_true(floe_str_is(head, pieces[i]));
    }
    assert_false(floe_str_split(&rest, ',', &head));
    assert_false(floe_str_split(&rest, ',', &head));
}

static void split__empty_pieces__are_kept_except_in_empty_text(void **state) {
    (void)state;
    check_split("", NULL, 0);
    check_split("a", (const char *const[]){"a"}, 1);
    check_split("a,,b", (const char *const[]){"a", "", "b"}, 3);
    check_split(",", (const char *const[]){"", ""}, 2);
    check_split("a,", (const char *const[]){"a", ""}, 2);
    check_split(",a", (const char *const[]){"", "a"}, 2);
    check_split(",,", (const char *const[]){"", "", ""}, 3);
}

static void split__rest__can_be_read_between(void **state) {
    (void)state;
    floe_str rest = FLOE_STR("key=a=b");
    floe_str head = {0};
    assert_true(floe_str_split(&rest, '=', &head));
    assert_true(floe_str_is(head, "key"));
    assert_true(floe_str_is(rest, "a=b"));
}

/* Cases from The Unicode Standard, table 3-7, each on both sides of a boundary. */
static void is_utf8__boundaries_of_table_3_7(void **state) {
    (void)state;
    static const char *const good[] = {"",
                                       "ascii",
                                       "\x7f",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC2",
                                      "\xC2\x41",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x82",
                                      "\xE2\x82\x41",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xF0\x9F\x98",
                                      "\xF0\x9F\x98\x41",
                                      "\xFF",
                                      "a\xFE"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(floe_str_is_utf8(floe_str_of(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(floe_str_is_utf8(floe_str_of(bad[i])));
    }
    assert_true(floe_str_is_utf8((floe_str){"a\0b", 3}));
}

/* The encoding of every code point, written from the bit patterns of table 3-6. */
static size_t encode(uint32_t point, char bytes[4]) {
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    bytes[0] = (char)((0xF00 >> len) | point);
    return len;
}

static void utf8_sequence__every_code_point__has_its_length_unless_a_surrogate(void **state) {
    (void)state;
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        char bytes[4] = {0};
        size_t len = encode(point, bytes);
        bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        assert_int_equal(floe_utf8_sequence((floe_str){bytes, len}), is_surrogate ? 0 : len);
        assert_int_equal(floe_utf8_sequence((floe_str){bytes, len - 1}), 0);
    }
}

static void check_i64(const char *text, bool ok, int64_t expected) {
    floe_error err = {0};
    int64_t value = 42;
    floe_status status = floe_str_to_i64(floe_str_of(text), &value, &err);
    assert_int_equal(status.code, ok ? FLOE_CODE_OK : FLOE_INVALID);
    assert_int_equal(value, ok ? expected : 42);
    if (!ok) {
        assert_message(&err, text);
    }
}

static void to_i64__limits_and_junk(void **state) {
    (void)state;
    check_i64("0", true, 0);
    check_i64("-0", true, 0);
    check_i64("+7", true, 7);
    check_i64("007", true, 7);
    check_i64("9223372036854775807", true, INT64_MAX);
    check_i64("-9223372036854775808", true, INT64_MIN);
    check_i64("9223372036854775808", false, 0);
    check_i64("-9223372036854775809", false, 0);
    check_i64("99999999999999999999999", false, 0);
    static const char *const junk[] = {"", "-", "+", "--1", "1 ", " 1", "1.0", "1e3", "0x10", "1_000", "a"};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        check_i64(junk[i], false, 0);
    }
    assert_code(floe_str_to_i64((floe_str){"1\0", 2}, &(int64_t){0}, NULL), FLOE_INVALID);
    assert_code(floe_str_to_i64((floe_str){NULL, 0}, &(int64_t){0}, NULL), FLOE_INVALID);
}

static void to_i64__random_numbers__read_back(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 20000; i++) {
        int64_t number = (int64_t)floe_test_next(&rng) >> floe_test_below(&rng, 64);
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, number);
        check_i64(text, true, number);
    }
}

static void to_f64__forms__are_read_exactly(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double value;
    } rows[] = {{"0", 0},
                {"1.", 1},
                {".5", 0.5},
                {"-2.25e2", -225},
                {"1E+2", 100},
                {"+3", 3},
                {"1e-400", 0},
                {"5e-324", 0x1p-1074},
                {"0.1", 0x1.999999999999ap-4},
                {"inf", INFINITY},
                {"-Infinity", -INFINITY},
                {"+INF", INFINITY},
                {"1.7976931348623157e308", DBL_MAX}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_error err = {0};
        double value = 42;
        assert_ok(floe_str_to_f64(floe_str_of(rows[i].text), &value, &err), &err);
        assert_true(value == rows[i].value);
    }
    double nan_value = 0;
    assert_ok(floe_str_to_f64(FLOE_STR("NaN"), &nan_value, NULL), NULL);
    assert_true(isnan(nan_value));
    double negative_zero = 1;
    assert_ok(floe_str_to_f64(FLOE_STR("-0.0"), &negative_zero, NULL), NULL);
    assert_true(negative_zero == 0 && signbit(negative_zero));
}

static void to_f64__junk_and_overflow__are_refused(void **state) {
    (void)state;
    static const char *const junk[] = {"",    ".",     "-",      "e5",     "1e",      "1e+",   "0x1p3", " 1", "1 ",
                                       "1,5", "1e999", "-1e999", "nan(1)", "infinit", "1.2.3", "--1",   "1f"};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        floe_error err = {0};
        double value = 42;
        float narrow = 42;
        assert_code(floe_str_to_f64(floe_str_of(junk[i]), &value, &err), FLOE_INVALID);
        assert_message(&err, junk[i]);
        assert_true(value == 42);
        assert_code(floe_str_to_f32(floe_str_of(junk[i]), &narrow, NULL), FLOE_INVALID);
        assert_true(narrow == 42);
    }
    char longest[402];
    memset(longest, '1', sizeof(longest));
    assert_code(floe_str_to_f64((floe_str){longest, 401}, &(double){0}, NULL), FLOE_INVALID);
}

/* 1 + 2^-24 + 2^-60 lies just above the middle between the floats 1 and 1 + 2^-23. Rounded to a double first it falls
 * on the middle, and from there to even, which is 1: wrong. */
static void to_f32__just_above_the_middle__is_rounded_once(void **state) {
    (void)state;
    float value = 0;
    assert_ok(floe_str_to_f32(FLOE_STR("1.000000059604644776257986"), &value, NULL), NULL);
    assert_true(value == 1.0F + 0x1p-23F);
    assert_ok(floe_str_to_f32(FLOE_STR("3.4028235e38"), &value, NULL), NULL);
    assert_true(value == FLT_MAX);
    assert_code(floe_str_to_f32(FLOE_STR("3.5e38"), &value, NULL), FLOE_INVALID);
    assert_ok(floe_str_to_f32(FLOE_STR("-inf"), &value, NULL), NULL);
    assert_true(isinf(value) && value < 0);
}

/* The textbook recursion, exponential but obviously right. */
static unsigned slow_distance(floe_str a, floe_str b) {
    if (a.len == 0 || b.len == 0) {
        return (unsigned)(a.len + b.len);
    }
    floe_str a_rest = {a.ptr + 1, a.len - 1};
    floe_str b_rest = {b.ptr + 1, b.len - 1};
    if (a.ptr[0] == b.ptr[0]) {
        return slow_distance(a_rest, b_rest);
    }
    unsigned replaced = slow_distance(a_rest, b_rest);
    unsigned removed = slow_distance(a_rest, b);
    unsigned added = slow_distance(a, b_rest);
    unsigned least = replaced < removed ? replaced : removed;
    return 1 + (least < added ? least : added);
}

static void distance__random_words__equals_the_recursion(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 2000; i++) {
        char bytes[2][6];
        floe_str words[2];
        for (size_t w = 0; w < 2; w++) {
            size_t len = floe_test_below(&rng, 7);
            for (size_t k = 0; k < len; k++) {
                bytes[w][k] = (char)('a' + floe_test_below(&rng, 3));
            }
            words[w] = (floe_str){bytes[w], len};
        }
        unsigned exact = slow_distance(words[0], words[1]);
        unsigned limit = (unsigned)floe_test_below(&rng, 8);
        assert_int_equal(floe_str_distance(words[0], words[1], limit), exact > limit ? limit + 1 : exact);
    }
}

static void distance__long_text__is_too_far(void **state) {
    (void)state;
    char text[300];
    memset(text, 'a', sizeof(text));
    assert_int_equal(floe_str_distance((floe_str){text, 255}, (floe_str){text, 255}, 3), 0);
    assert_int_equal(floe_str_distance((floe_str){text, 256}, (floe_str){text, 256}, 3), 4);
}

static void nearest__close_word__is_found_and_a_far_one_is_not(void **state) {
    (void)state;
    static const char *const names[] = {"delay", "distance", "origin", "destination"};
    assert_string_equal(floe_str_nearest(FLOE_STR("dealy"), names, 4), "delay");
    assert_string_equal(floe_str_nearest(FLOE_STR("orign"), names, 4), "origin");
    assert_string_equal(floe_str_nearest(FLOE_STR("distance"), names, 4), "distance");
    assert_null(floe_str_nearest(FLOE_STR("carrier"), names, 4));
    assert_null(floe_str_nearest(FLOE_STR("x"), names, 0));
    /* Distance 1 + 4 / 4 = 2 is near enough for four letters, 3 is not. */
    assert_string_equal(floe_str_nearest(FLOE_STR("abcd"), (const char *const[]){"abxy"}, 1), "abxy");
    assert_null(floe_str_nearest(FLOE_STR("abcd"), (const char *const[]){"axyz"}, 1));
}

static void is_among__names__are_whole_and_exact(void **state) {
    (void)state;
    const floe_str names[] = {FLOE_STR("a"), FLOE_STR("Ab"), FLOE_STR("")};
    assert_true(floe_str_is_among(FLOE_STR("Ab"), names, 3));
    assert_true(floe_str_is_among(FLOE_STR(""), names, 3));
    assert_false(floe_str_is_among(FLOE_STR(""), names, 2));
    assert_false(floe_str_is_among(FLOE_STR("ab"), names, 3));
    assert_false(floe_str_is_among(FLOE_STR("a"), names, 0));
}

static void str_hint__ends_a_message_or_says_nothing(void **state) {
    (void)state;
    char text[100];
    const char *nearest = "delay";
    snprintf(text, sizeof(text), "no column dealy%s%s%s", FLOE_HINT(nearest));
    assert_string_equal(text, "no column dealy; did you mean delay?");
    nearest = NULL;
    snprintf(text, sizeof(text), "no column x%s%s%s", FLOE_HINT(nearest));
    assert_string_equal(text, "no column x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compare__bytes__are_ordered_unsigned_and_shorter_first),
        cmocka_unit_test(equal__embedded_nul__counts),
        cmocka_unit_test(is_nocase__only_ascii_case__is_ignored),
        cmocka_unit_test(starts_and_ends_with__boundaries),
        cmocka_unit_test(trim__ascii_space__goes_from_both_ends_only),
        cmocka_unit_test(split__empty_pieces__are_kept_except_in_empty_text),
        cmocka_unit_test(split__rest__can_be_read_between),
        cmocka_unit_test(is_utf8__boundaries_of_table_3_7),
        cmocka_unit_test(utf8_sequence__every_code_point__has_its_length_unless_a_surrogate),
        cmocka_unit_test(to_i64__limits_and_junk),
        cmocka_unit_test(to_i64__random_numbers__read_back),
        cmocka_unit_test(to_f64__forms__are_read_exactly),
        cmocka_unit_test(to_f64__junk_and_overflow__are_refused),
        cmocka_unit_test(to_f32__just_above_the_middle__is_rounded_once),
        cmocka_unit_test(distance__random_words__equals_the_recursion),
        cmocka_unit_test(distance__long_text__is_too_far),
        cmocka_unit_test(nearest__close_word__is_found_and_a_far_one_is_not),
        cmocka_unit_test(is_among__names__are_whole_and_exact),
        cmocka_unit_test(str_hint__ends_a_message_or_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
