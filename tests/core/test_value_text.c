/* core/value_text: values from texts and JSON, and back. */
#include "tests/core/values.h"
#include "tests/support/support.h"

#include "core/json.h"
#include "core/time.h"
#include "core/value.h"

#include <math.h>
#include <stdio.h>

static floe_type type_of(const char *name) {
    floe_type type = {0};
    assert_ok(floe_type_parse(floe_str_of(name), &type, NULL), NULL);
    return type;
}

static void check_print(const floe_value *value, const char *text, const char *json) {
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 10000);
    floe_value_print(value, &buf);
    assert_string_equal(floe_buf_view(&buf).ptr, text);
    floe_buf_clear(&buf);
    floe_value_print_json(value, &buf);
    assert_string_equal(floe_buf_view(&buf).ptr, json);
}

/* One row per type: its text, how it prints again, and its JSON by the rule of the REST answers. */
static void parse_and_print__every_type(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *text;
        const char *printed;
        const char *json;
    } rows[] = {
        {"bool", "True", "true", "true"},
        {"bool", "false", "false", "false"},
        {"int32", "-2147483648", "-2147483648", "-2147483648"},
        {"int64", "9223372036854775807", "9223372036854775807", "9223372036854775807"},
        {"float", "0.1", "0.1", "0.1"},
        {"float", "16777217", "16777216.0", "16777216.0"}, /* 2^24 + 1 is no float */
        {"double", "0.1", "0.1", "0.1"},
        {"double", "3", "3.0", "3.0"},
        {"double", "nan", "NaN", "\"NaN\""},
        {"double", "inf", "Infinity", "\"Infinity\""},
        {"float", "-inf", "-Infinity", "\"-Infinity\""},
        {"string", "", "", "\"\""},
        {"string", "say \"hi\"\n", "say \"hi\"\n", "\"say \\\"hi\\\"\\n\""},
        {"bytes", "AAH/", "AAH/", "\"AAH/\""},
        {"bytes", "", "", "\"\""},
        {"date", "2001-01-15", "2001-01-15", "\"2001-01-15\""},
        {"timestamp", "2001-01-15T10:00:00+01:00", "2001-01-15T09:00:00Z", "\"2001-01-15T09:00:00Z\""},
        {"timestamp", "2001-01-15", "2001-01-15T00:00:00Z", "\"2001-01-15T00:00:00Z\""},
        {"decimal(10,2)", "1.5", "1.50", "\"1.50\""},
        {"list<int64>", "[1, null, 3]", "[1,null,3]", "[1,null,3]"},
        {"list<string>", "[\"a,b\", \"\"]", "[\"a,b\",\"\"]", "[\"a,b\",\"\"]"},
        {"list<decimal(5,1)>", "[\"1.5\", 2]", "[\"1.5\",\"2.0\"]", "[\"1.5\",\"2.0\"]"},
        {"list<bool>", "[]", "[]", "[]"},
        {"list<double>", "[1, 2.5, \"NaN\"]", "[1.0,2.5,\"NaN\"]", "[1.0,2.5,\"NaN\"]"},
        {"list<date>", "[\"2001-01-15\"]", "[\"2001-01-15\"]", "[\"2001-01-15\"]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 100000);
        floe_error err = {0};
        floe_value value = {0};
        assert_ok(floe_value_parse(floe_str_of(rows[i].text), type_of(rows[i].type), &arena, &value, &err), &err);
        assert_true(floe_type_equal(value.type, type_of(rows[i].type)));
        check_print(&value, rows[i].printed, rows[i].json);
    }
}

static void print__null__is_empty_or_null(void **state) {
    (void)state;
    floe_value value = floe_value_null(type_of("int64"));
    check_print(&value, "", "null");
    value = floe_value_null(type_of("list<string>"));
    check_print(&value, "", "null");
    value = floe_value_null((floe_type){0});
    check_print(&value, "", "null");
}

static void print__invalid_utf8__is_replaced_in_json(void **state) {
    (void)state;
    floe_value value = floe_value_string(FLOE_STR("a\xFFz"));
    check_print(&value, "a\xFFz", "\"a\xEF\xBF\xBDz\"");
}

static void parse__wrong_text__names_text_and_type(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *text;
        const char *part;
    } rows[] = {
        {"bool", "yes", "reading a bool"},
        {"bool", "", "not true or false"},
        {"bool", "1", "not true or false"},
        {"int32", "2147483648", "does not fit a 32-bit integer"},
        {"int32", "x", "reading an int32"},
        {"int64", "1.0", "is not an integer"},
        {"int64", "", "is not an integer"},
        {"float", "1e39", "range of a float"},
        {"double", "1e309", "range of a double"},
        {"double", "", "is not a number"},
        {"string", "\xFF", "UTF-8"},
        {"bytes", "a", "is not base64"},
        {"date", "2001-01-15T00:00:00Z", "is not a date"},
        {"timestamp", "noon", "is not a time"},
        {"decimal(10,2)", "1.505", "reading a decimal(10,2)"},
        {"list<int64>", "1", "is not a list"},
        {"list<int64>", "[1", "JSON, line 1"},
        {"list<int64>", "[1, \"2\"]", "item 2 of a list"},
        {"list<int32>", "[3000000000]", "32-bit"},
        {"list<int64>", "[[1]]", "not a list"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 100000);
        floe_error err = {0};
        floe_value value = floe_value_int64(42);
        assert_code(floe_value_parse(floe_str_of(rows[i].text), type_of(rows[i].type), &arena, &value, &err),
                    FLOE_INVALID);
        assert_message(&err, rows[i].part);
        assert_true(value.as.integer == 42);
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1000);
    assert_code(floe_value_parse(FLOE_STR("x"), (floe_type){0}, &arena, &(floe_value){0}, NULL), FLOE_INVALID);
}

static floe_status value_from_json(const char *json, const char *type, floe_arena *arena, floe_value *ret_value,
                                   floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(floe_json_parse(arena, floe_str_of(json), &node, err));
    return floe_value_from_node(node, type_of(type), arena, ret_value, err);
}

static void from_node__accepted_pairs__give_the_value(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *json;
        const char *printed;
    } rows[] = {
        {"int64", "9223372036854775807", "9223372036854775807"},
        {"int32", "-5", "-5"},
        {"double", "5", "5.0"},
        {"double", "\"-Infinity\"", "-Infinity"},
        {"float", "0.1", "0.1"},
        {"float", "\"Infinity\"", "Infinity"},
        {"decimal(10,2)", "\"1.5\"", "1.50"},
        {"decimal(10,2)", "-7", "-7.00"},
        {"string", "\"x\"", "x"},
        {"bytes", "\"AAH/\"", "AAH/"},
        {"timestamp", "\"2001-01-15T10:00:00Z\"", "2001-01-15T10:00:00Z"},
        {"bool", "true", "true"},
        {"int64", "null", ""},
        {"list<string>", "null", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 100000);
        floe_error err = {0};
        floe_value value = {0};
        assert_ok(value_from_json(rows[i].json, rows[i].type, &arena, &value, &err), &err);
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 1000);
        floe_value_print(&value, &buf);
        assert_string_equal(floe_buf_view(&buf).ptr, rows[i].printed);
        assert_true(floe_type_equal(value.type, type_of(rows[i].type)));
    }
}

/* Nothing is turned silently: no text for a number, no fraction for an integer or, inexactly, for a decimal. */
static void from_node__other_pairs__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *type;
        const char *json;
        const char *part;
    } rows[] = {
        {"int64", "1.0", "an int64 is needed here, not a number"},
        {"int64", "\"1\"", "an int64 is needed here, not text"},
        {"int64", "true", "not true or false"},
        {"int32", "2147483648", "32-bit"},
        {"double", "\"1.5\"", "a number is needed here"},
        {"double", "\"nan\"", "a number is needed here"},
        {"float", "1e39", "range of a float"},
        {"decimal(10,2)", "1.5", "as text, which is exact"},
        {"decimal(3,2)", "10", "too many digits"},
        {"string", "1", "a string is needed here, not a whole number"},
        {"bool", "1", "a bool is needed here"},
        {"date", "11337", "a date is needed here"},
        {"timestamp", "{}", "not an object"},
        {"list<int64>", "{}", "not an object"},
        {"list<int64>", "1", "not a whole number"},
        {"int64", "[1]", "not a list"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 100000);
        floe_error err = {0};
        floe_value value = floe_value_int64(42);
        assert_code(value_from_json(rows[i].json, rows[i].type, &arena, &value, &err), FLOE_INVALID);
        assert_message(&err, rows[i].part);
        assert_true(value.as.integer == 42);
    }
}

static void check_same(const floe_value *a, const floe_value *b) {
    assert_true(floe_type_equal(a->type, b->type));
    assert_int_equal(floe_value_compare(a, b), 0);
    if ((a->type.kind == FLOE_KIND_DOUBLE || a->type.kind == FLOE_KIND_FLOAT) && !a->is_null && !isnan(a->as.real)) {
        assert_int_equal(signbit(a->as.real), signbit(b->as.real));
    }
}

static void print_parse__random_values__round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 20000; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 1000000);
        floe_type type = random_type(&rng, true);
        floe_value value = random_value(&rng, type, type.kind == FLOE_KIND_LIST, &arena);
        if (value.is_null) {
            continue;
        }
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 100000);
        floe_value_print(&value, &buf);
        assert_ok(floe_buf_check(&buf, NULL), NULL);
        floe_error err = {0};
        floe_value back = {0};
        assert_ok(floe_value_parse(floe_buf_view(&buf), type, &arena, &back, &err), &err);
        check_same(&value, &back);
    }
}

static void print_json_from_node__random_values__round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 20000; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 1000000);
        floe_type type = random_type(&rng, true);
        floe_value value = random_value(&rng, type, true, &arena);
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 100000);
        floe_value_print_json(&value, &buf);
        floe_error err = {0};
        const floe_node *node = NULL;
        floe_value back = {0};
        assert_ok(floe_json_parse(&arena, floe_buf_view(&buf), &node, &err), &err);
        assert_ok(floe_value_from_node(node, type, &arena, &back, &err), &err);
        check_same(&value, &back);
    }
}

static floe_status parse_some(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100000);
    floe_value value = {0};
    FLOE_TRY(floe_value_parse(FLOE_STR("[\"a\",\"b\",null]"), type_of("list<string>"), &arena, &value, err));
    FLOE_TRY(floe_value_parse(FLOE_STR("AAH/"), type_of("bytes"), &arena, &value, err));
    return floe_value_parse(FLOE_STR("1.50"), type_of("decimal(10,2)"), &arena, &value, err);
}

static void parse__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(parse_some, NULL) > 0);
}

static void parse__arena_cap_passed__is_limit(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 3);
    floe_value value = {0};
    assert_code(floe_value_parse(FLOE_STR("AAH/AAH/"), type_of("bytes"), &arena, &value, NULL), FLOE_LIMIT);
    assert_code(floe_value_parse(FLOE_STR("[1]"), type_of("list<int64>"), &arena, &value, NULL), FLOE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_and_print__every_type),
        cmocka_unit_test(print__null__is_empty_or_null),
        cmocka_unit_test(print__invalid_utf8__is_replaced_in_json),
        cmocka_unit_test(parse__wrong_text__names_text_and_type),
        cmocka_unit_test(from_node__accepted_pairs__give_the_value),
        cmocka_unit_test(from_node__other_pairs__are_refused),
        cmocka_unit_test(print_parse__random_values__round_trip),
        cmocka_unit_test(print_json_from_node__random_values__round_trip),
        cmocka_unit_test(parse__nth_allocation_fails__is_nomem),
        cmocka_unit_test(parse__arena_cap_passed__is_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
