/* core/value: types and their names, the total order, decimals. */
#include "tests/support/support.h"

#include "core/value.h"

#include <math.h>
#include <stdio.h>

#define TEN_TO_18 ((__int128)INT64_C(1000000000000000000))

static void check_type(const char *text, floe_type expected) {
    floe_error err = {0};
    floe_type type = {0};
    assert_ok(floe_type_parse(floe_str_of(text), &type, &err), &err);
    assert_true(floe_type_equal(type, expected));
}

static void type_parse__every_type(void **state) {
    (void)state;
    check_type("bool", (floe_type){.kind = FLOE_KIND_BOOL});
    check_type("int32", (floe_type){.kind = FLOE_KIND_INT32});
    check_type("int64", (floe_type){.kind = FLOE_KIND_INT64});
    check_type("float", (floe_type){.kind = FLOE_KIND_FLOAT});
    check_type("double", (floe_type){.kind = FLOE_KIND_DOUBLE});
    check_type("string", (floe_type){.kind = FLOE_KIND_STRING});
    check_type("bytes", (floe_type){.kind = FLOE_KIND_BYTES});
    check_type("date", (floe_type){.kind = FLOE_KIND_DATE});
    check_type("timestamp", (floe_type){.kind = FLOE_KIND_TIMESTAMP});
    check_type("decimal(10,2)", (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2});
    check_type("decimal(38,38)", (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 38});
    check_type("decimal(1,0)", (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 1});
    check_type(" decimal( 10 , 2 ) ", (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2});
    check_type("list<string>", (floe_type){.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING});
    check_type("list< decimal(5,1) >",
               (floe_type){.kind = FLOE_KIND_LIST, .element = FLOE_KIND_DECIMAL, .precision = 5, .scale = 1});
}

static void type_parse__junk__is_refused_with_a_hint(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"", "the types are"},
        {"int6", "did you mean int64?"},
        {"strng", "did you mean string?"},
        {"timestmp", "did you mean timestamp?"},
        {"INT64", "the types are"},
        {"varchar", "the types are"},
        {"decimal", "precision and scale"},
        {"decimal()", "decimal(10,2)"},
        {"decimal(10)", "decimal(10,2)"},
        {"decimal(a,b)", "decimal(10,2)"},
        {"decimal(1,2,3)", "decimal(10,2)"},
        {"decimal(0,0)", "1 to 38"},
        {"decimal(39,0)", "1 to 38"},
        {"decimal(10,11)", "the scale 0 to"},
        {"decimal(10,-1)", "the scale 0 to"},
        {"decimal(10,2", "unknown type"},
        {"list", "the types are"},
        {"list<>", "unknown type"},
        {"list<foo>", "unknown type"},
        {"list<list<int64>>", "list of lists"},
        {"list<int64", "unknown type"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_error err = {0};
        floe_type type = {.kind = FLOE_KIND_DATE};
        assert_code(floe_type_parse(floe_str_of(rows[i].text), &type, &err), FLOE_INVALID);
        assert_message(&err, rows[i].part);
        assert_int_equal(type.kind, FLOE_KIND_DATE);
    }
}

static void type_name__every_type__is_read_back(void **state) {
    (void)state;
    for (unsigned kind = FLOE_KIND_BOOL; kind <= FLOE_KIND_LIST; kind++) {
        for (unsigned element = FLOE_KIND_BOOL; element < FLOE_KIND_LIST; element++) {
            floe_type type = {.kind = (floe_kind)kind};
            type.element = kind == FLOE_KIND_LIST ? (floe_kind)element : FLOE_KIND_NONE;
            if (kind == FLOE_KIND_DECIMAL || type.element == FLOE_KIND_DECIMAL) {
                type.precision = 38;
                type.scale = 17;
            }
            char buf[FLOE_TYPE_NAME_MAX];
            check_type(floe_type_name(type, buf), type);
        }
    }
}

static void type_equal__each_part_counts(void **state) {
    (void)state;
    floe_type decimal = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2};
    floe_type other = decimal;
    other.scale = 3;
    assert_false(floe_type_equal(decimal, other));
    other = decimal;
    other.precision = 11;
    assert_false(floe_type_equal(decimal, other));
    floe_type a = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT32};
    floe_type b = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64};
    assert_false(floe_type_equal(a, b));
    /* Precision means nothing outside decimals. */
    floe_type c = {.kind = FLOE_KIND_BOOL, .precision = 3};
    assert_true(floe_type_equal(c, (floe_type){.kind = FLOE_KIND_BOOL}));
}

/* Checks that values[0…count) are strictly increasing, each equal to itself. */
static __int128 ten_to(unsigned digits) {
    return digits == 0 ? 1 : 10 * ten_to(digits - 1);
}

/* Every value fits where the largest does, and the smallest step is one too: 10^-s is a multiple of 10^-s'. */
static void type_widens__decimals__exactly_where_every_value_fits(void **state) {
    (void)state;
    for (unsigned p = 1; p <= 7; p++) {
        for (unsigned s = 0; s <= p; s++) {
            for (unsigned to_p = 1; to_p <= 7; to_p++) {
                for (unsigned to_s = 0; to_s <= to_p; to_s++) {
                    floe_type from = {.kind = FLOE_KIND_DECIMAL, .precision = (uint8_t)p, .scale = (uint8_t)s};
                    floe_type to = {.kind = FLOE_KIND_DECIMAL, .precision = (uint8_t)to_p, .scale = (uint8_t)to_s};
                    bool fits = to_s >= s && (ten_to(p) - 1) * ten_to(to_s - s) < ten_to(to_p);
                    assert_int_equal(floe_type_widens(from, to), fits);
                }
            }
        }
    }
}

static void type_widens__others__only_int32_to_int64(void **state) {
    (void)state;
    for (unsigned from = FLOE_KIND_NONE; from <= FLOE_KIND_TIMESTAMP; from++) {
        for (unsigned to = FLOE_KIND_NONE; to <= FLOE_KIND_TIMESTAMP; to++) {
            bool widens = from == to || (from == FLOE_KIND_INT32 && to == FLOE_KIND_INT64);
            assert_int_equal(floe_type_widens((floe_type){.kind = from}, (floe_type){.kind = to}), widens);
        }
        floe_type decimal = {.kind = FLOE_KIND_DECIMAL, .precision = 38};
        assert_false(floe_type_widens((floe_type){.kind = from}, decimal));
        assert_false(floe_type_widens(decimal, (floe_type){.kind = from}));
    }
}

static void check_widened(const char *text, floe_type from, floe_type to, const char *expected) {
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    floe_value value = {.type = from};
    assert_ok(floe_decimal_parse(floe_str_of(text), from.precision, from.scale, &value.as.decimal, &err), &err);
    floe_value wide = floe_value_widen(value, to);
    assert_true(floe_type_equal(wide.type, to));
    floe_decimal_print(wide.as.decimal, to.scale, &out);
    assert_true(floe_str_is(floe_buf_view(&out), expected));
}

static void value_widen__keeps_the_number(void **state) {
    (void)state;
    floe_type money = {.kind = FLOE_KIND_DECIMAL, .precision = 4, .scale = 2};
    floe_type wide = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 36};
    check_widened("-12.34", money, money, "-12.34");
    check_widened("-12.34", money, wide, "-12.340000000000000000000000000000000000");
    check_widened("99.99", money, wide, "99.990000000000000000000000000000000000");
    check_widened("0", money, wide, "0.000000000000000000000000000000000000");
    floe_value narrow = {.type = {.kind = FLOE_KIND_INT32}, .as.integer = INT32_MIN};
    narrow = floe_value_widen(narrow, (floe_type){.kind = FLOE_KIND_INT64});
    assert_true(narrow.type.kind == FLOE_KIND_INT64 && narrow.as.integer == INT32_MIN);
    floe_value null = floe_value_widen(floe_value_null(money), wide);
    assert_true(null.is_null && floe_type_equal(null.type, wide));
}

static void check_order(const floe_value *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = floe_value_compare(&values[i], &values[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void compare__numbers__null_lowest_nan_highest(void **state) {
    (void)state;
    floe_type type = {.kind = FLOE_KIND_DOUBLE};
    const floe_value values[] = {floe_value_null(type),      floe_value_double(-INFINITY), floe_value_double(-1.5),
                                 floe_value_double(-5e-324), floe_value_double(0.0),       floe_value_double(5e-324),
                                 floe_value_double(1e300),   floe_value_double(INFINITY),  floe_value_double(NAN)};
    check_order(values, sizeof(values) / sizeof(values[0]));
    floe_value minus_zero = floe_value_double(-0.0);
    floe_value zero = floe_value_double(0.0);
    assert_int_equal(floe_value_compare(&minus_zero, &zero), 0);
    floe_value negative_nan = floe_value_double(-NAN);
    floe_value nan_value = floe_value_double(NAN);
    assert_int_equal(floe_value_compare(&negative_nan, &nan_value), 0);
}

static void compare__widths_of_one_family__compare_with_each_other(void **state) {
    (void)state;
    floe_value narrow = {.type = {.kind = FLOE_KIND_INT32}, .as.integer = 5};
    floe_value wide = floe_value_int64(INT64_C(5000000000));
    floe_value equal = floe_value_int64(5);
    assert_true(floe_value_compare(&narrow, &wide) < 0);
    assert_int_equal(floe_value_compare(&narrow, &equal), 0);
    floe_value single = {.type = {.kind = FLOE_KIND_FLOAT}, .as.real = 0.5};
    floe_value both = floe_value_double(0.5);
    assert_int_equal(floe_value_compare(&single, &both), 0);
}

static void compare__text_bytes_bool_and_decimal(void **state) {
    (void)state;
    const floe_value texts[] = {floe_value_null((floe_type){.kind = FLOE_KIND_STRING}),
                                floe_value_string(FLOE_STR("")),
                                floe_value_string(FLOE_STR("B")),
                                floe_value_string(FLOE_STR("a")),
                                floe_value_string(FLOE_STR("aa")),
                                floe_value_string(FLOE_STR("\xC3\xA9"))};
    check_order(texts, sizeof(texts) / sizeof(texts[0]));
    const floe_value bools[] = {{.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = false},
                                {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = true}};
    check_order(bools, 2);
    floe_type type = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 2};
    const floe_value decimals[] = {{.type = type, .as.decimal = -(TEN_TO_18 * TEN_TO_18)},
                                   {.type = type, .as.decimal = -1},
                                   {.type = type, .as.decimal = 0},
                                   {.type = type, .as.decimal = TEN_TO_18},
                                   {.type = type, .as.decimal = TEN_TO_18 * TEN_TO_18}};
    check_order(decimals, sizeof(decimals) / sizeof(decimals[0]));
    const floe_value times[] = {floe_value_timestamp(INT64_MIN), floe_value_timestamp(-1), floe_value_timestamp(0),
                                floe_value_timestamp(INT64_MAX)};
    check_order(times, 4);
}

static floe_value list_of(const floe_value *items, size_t count) {
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64}};
    list.as.list.items = items;
    list.as.list.count = count;
    return list;
}

static void compare__lists__item_by_item_then_length(void **state) {
    (void)state;
    const floe_value one = floe_value_int64(1);
    const floe_value two = floe_value_int64(2);
    const floe_value none = floe_value_null(one.type);
    const floe_value with_null[] = {none, two};
    const floe_value ones[] = {one, one};
    const floe_value one_two[] = {one, two};
    const floe_value lists[] = {floe_value_null((floe_type){.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64}),
                                list_of(NULL, 0),
                                list_of(with_null, 1),
                                list_of(with_null, 2),
                                list_of(ones, 1),
                                list_of(ones, 2),
                                list_of(one_two, 2),
                                list_of(&two, 1)};
    check_order(lists, sizeof(lists) / sizeof(lists[0]));
}

static void check_decimal(const char *text, uint8_t precision, uint8_t scale, __int128 expected) {
    floe_error err = {0};
    __int128 unscaled = 42;
    assert_ok(floe_decimal_parse(floe_str_of(text), precision, scale, &unscaled, &err), &err);
    assert_true(unscaled == expected);
}

static void decimal_parse__forms(void **state) {
    (void)state;
    check_decimal("0", 10, 2, 0);
    check_decimal("-0.00", 10, 2, 0);
    check_decimal("1.5", 10, 2, 150);
    check_decimal("+1.50", 10, 2, 150);
    check_decimal("-12345678.99", 10, 2, -1234567899);
    check_decimal(".5", 10, 2, 50);
    check_decimal("5.", 10, 2, 500);
    check_decimal("000000000000000000000000000000000000000000001", 1, 0, 1);
    check_decimal("9", 1, 0, 9);
    check_decimal("0.9", 1, 1, 9);
}

/* 10^38 − 1 = (10^18 · 10^18) · 100 − 1 is the largest decimal there is. */
static void decimal_parse__38_digits__are_exact(void **state) {
    (void)state;
    __int128 largest = TEN_TO_18 * TEN_TO_18 * 100 - 1;
    check_decimal("99999999999999999999999999999999999999", 38, 0, largest);
    check_decimal("-99999999999999999999999999999999999999", 38, 0, -largest);
    check_decimal("0.99999999999999999999999999999999999999", 38, 38, largest);
    check_decimal("-99999999999999999999.999999999999999999", 38, 18, -largest);
    check_decimal("1", 38, 37, TEN_TO_18 * TEN_TO_18 * 10);
}

static void decimal_parse__junk_and_overflow__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"", "not a decimal"},
        {"-", "not a decimal"},
        {".", "not a decimal"},
        {"1e3", "not a decimal"},
        {"1,5", "not a decimal"},
        {" 1", "not a decimal"},
        {"1.2.3", "not a decimal"},
        {"NaN", "not a decimal"},
        {"--1", "not a decimal"},
        {"1.234", "3 digits after the point"},
        {"1.000", "3 digits after the point"},
        {"1000", "too many digits"},
        {"-1000", "too many digits"},
        {"100000000000000000000000000000000000000", "too many digits"},
        {"340282366920938463463374607431768211456", "too many digits"}, /* 2^128 */
        {"999999999999999999999999999999999999999999999999999999", "too many digits"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_error err = {0};
        __int128 unscaled = 42;
        assert_code(floe_decimal_parse(floe_str_of(rows[i].text), 5, 2, &unscaled, &err), FLOE_INVALID);
        assert_message(&err, rows[i].part);
        assert_true(unscaled == 42);
    }
    __int128 unscaled = 42;
    assert_code(floe_decimal_parse(FLOE_STR("100000000000000000000000000000000000000"), 38, 0, &unscaled, NULL),
                FLOE_INVALID);
    assert_code(floe_decimal_parse(FLOE_STR("10"), 38, 37, &unscaled, NULL), FLOE_INVALID);
}

static void check_decimal_text(__int128 unscaled, uint8_t scale, const char *expected) {
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    floe_decimal_print(unscaled, scale, &buf);
    assert_string_equal(floe_buf_view(&buf).ptr, expected);
}

static void decimal_print__keeps_the_scale(void **state) {
    (void)state;
    check_decimal_text(0, 0, "0");
    check_decimal_text(0, 2, "0.00");
    check_decimal_text(5, 2, "0.05");
    check_decimal_text(-5, 2, "-0.05");
    check_decimal_text(150, 2, "1.50");
    check_decimal_text(-100, 0, "-100");
    check_decimal_text(1, 38, "0.00000000000000000000000000000000000001");
    __int128 largest = TEN_TO_18 * TEN_TO_18 * 100 - 1;
    check_decimal_text(largest, 0, "99999999999999999999999999999999999999");
    check_decimal_text(-largest, 38, "-0.99999999999999999999999999999999999999");
    /* −2^127, which no decimal type holds but a careless sum might. */
    check_decimal_text((__int128)((unsigned __int128)1 << 127), 0, "-170141183460469231731687303715884105728");
}

/* Random digits are the oracle themselves: the text is made from digits, and must come back as it was. */
static void decimal__random_digits__round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 5000; i++) {
        uint8_t precision = (uint8_t)floe_test_between(&rng, 1, 38);
        uint8_t scale = (uint8_t)floe_test_between(&rng, 0, precision);
        char text[64] = "";
        size_t len = 0;
        if (floe_test_below(&rng, 2) == 0) {
            text[len++] = '-';
        }
        size_t whole = precision - scale;
        text[len++] = (char)(whole == 0 ? '0' : '1' + floe_test_below(&rng, 9));
        for (size_t d = 1; d < whole; d++) {
            text[len++] = (char)('0' + floe_test_below(&rng, 10));
        }
        if (scale > 0) {
            text[len++] = '.';
        }
        for (size_t d = 0; d < scale; d++) {
            text[len++] = (char)('0' + floe_test_below(&rng, 10));
        }
        text[scale > 0 ? len - 1 : len] = scale > 0 ? '7' : '\0'; /* never minus zero */
        __int128 unscaled = 0;
        assert_ok(floe_decimal_parse(floe_str_of(text), precision, scale, &unscaled, NULL), NULL);
        check_decimal_text(unscaled, scale, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_parse__every_type),
        cmocka_unit_test(type_parse__junk__is_refused_with_a_hint),
        cmocka_unit_test(type_name__every_type__is_read_back),
        cmocka_unit_test(type_equal__each_part_counts),
        cmocka_unit_test(type_widens__decimals__exactly_where_every_value_fits),
        cmocka_unit_test(type_widens__others__only_int32_to_int64),
        cmocka_unit_test(value_widen__keeps_the_number),
        cmocka_unit_test(compare__numbers__null_lowest_nan_highest),
        cmocka_unit_test(compare__widths_of_one_family__compare_with_each_other),
        cmocka_unit_test(compare__text_bytes_bool_and_decimal),
        cmocka_unit_test(compare__lists__item_by_item_then_length),
        cmocka_unit_test(decimal_parse__forms),
        cmocka_unit_test(decimal_parse__38_digits__are_exact),
        cmocka_unit_test(decimal_parse__junk_and_overflow__are_refused),
        cmocka_unit_test(decimal_print__keeps_the_scale),
        cmocka_unit_test(decimal__random_digits__round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
