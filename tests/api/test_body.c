/* Reading a lookup's body by itself: what HTTP cannot show, limits of memory, and every allocation failing once. */
#include "api/body_int.h"
#include "core/limits.h"
#include "tests/support/support.h"

static const floe_column two_keys[] = {{FLOE_STR("id"), {.kind = FLOE_KIND_INT64}},
                                       {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}}};

static floe_status parse(const char *json, floe_arena *arena, floe_lookup_body *ret_body, floe_error *err) {
    return floe_lookup_body_parse(floe_str_of(json), arena, ret_body, err);
}

static void body__with_everything__is_read(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    floe_lookup_body body;
    const floe_value *const *keys = NULL;
    assert_ok(parse("{\"features\":[\"a:b\",\"c\"],\"entities\":{\"day\":[\"1970-01-02\",null],\"id\":[-5,6]},"
                    "\"include\":[\"event_times\",\"statuses\"],\"as_of\":\"1970-01-01T00:00:01Z\"}",
                    &arena, &body, &err),
              &err);
    assert_null(body.service.ptr);
    assert_int_equal(body.feature_count, 2);
    assert_true(floe_str_is(body.features[0], "a:b"));
    assert_int_equal(body.entity_count, 2);
    assert_true(body.statuses && body.event_times);
    assert_int_equal(body.as_of_us, 1000000);
    assert_ok(floe_lookup_body_keys(&body, two_keys, 2, &arena, &keys, &err), &err);
    assert_int_equal(keys[0][0].as.integer, -5);
    assert_int_equal(keys[0][1].as.integer, 6);
    assert_int_equal(keys[1][0].as.integer, 1);
    assert_int_equal(keys[1][0].type.kind, FLOE_KIND_DATE);
    assert_true(keys[1][1].is_null);
}

static void as_of__the_epoch_itself__is_told_from_now(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    floe_lookup_body body = {.as_of_us = 42};
    assert_ok(parse("{\"service\":\"s\",\"entities\":{},\"as_of\":\"1970-01-01T00:00:00Z\"}", &arena, &body, &err),
              &err);
    assert_int_equal(body.as_of_us, 0);
    assert_true(body.as_of_epoch);
    assert_ok(parse("{\"service\":\"s\",\"entities\":{}}", &arena, &body, &err), &err);
    assert_int_equal(body.as_of_us, 0);
    assert_false(body.as_of_epoch);
    floe_error_clear(&err);
    assert_ok(
        parse("{\"service\":\"s\",\"entities\":{},\"as_of\":\"1969-12-31T23:59:59.999999Z\"}", &arena, &body, &err),
        &err);
    assert_int_equal(body.as_of_us, -1);
    assert_false(body.as_of_epoch);
}

/* Every type that an input can have, each beside a null; and what the lists may not be. */
static void request__values_of_every_type__are_read_beside_the_entities(void **state) {
    (void)state;
    static const struct {
        floe_type type;
        const char *json, *print;
    } cases[] = {
        {{.kind = FLOE_KIND_BOOL}, "true", "true"},
        {{.kind = FLOE_KIND_INT32}, "-7", "-7"},
        {{.kind = FLOE_KIND_INT64}, "9223372036854775807", "9223372036854775807"},
        {{.kind = FLOE_KIND_FLOAT}, "0.5", "0.5"},
        {{.kind = FLOE_KIND_DOUBLE}, "\"NaN\"", "\"NaN\""},
        {{.kind = FLOE_KIND_DOUBLE}, "3", "3.0"},
        {{.kind = FLOE_KIND_STRING}, "\"a\\u0000b\"", "\"a\\u0000b\""},
        {{.kind = FLOE_KIND_DATE}, "\"2001-09-09\"", "\"2001-09-09\""},
        {{.kind = FLOE_KIND_TIMESTAMP}, "\"2001-09-09T01:46:40Z\"", "\"2001-09-09T01:46:40Z\""},
        {{.kind = FLOE_KIND_DECIMAL, .precision = 5, .scale = 2}, "\"12.50\"", "\"12.50\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF printed;
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_buf_init(&printed, FLOE_KIB(1));
        floe_error err = {0};
        floe_lookup_body body;
        const floe_value *const *values = NULL;
        const floe_column input = {FLOE_STR("x"), cases[i].type};
        const char *json = floe_arena_printf(
            &arena, "{\"request\":{\"x\":[%s,null]},\"features\":[\"r\"],\"entities\":{\"id\":[1,2]}}", cases[i].json);
        assert_ok(parse(json, &arena, &body, &err), &err);
        assert_ok(floe_lookup_body_request(&body, &input, 1, &arena, &values, &err), &err);
        assert_true(floe_type_equal(values[0][0].type, cases[i].type));
        floe_value_print_json(&values[0][0], &printed);
        assert_string_equal(printed.ptr, cases[i].print);
        assert_true(values[0][1].is_null);
        assert_code(floe_lookup_body_request(&body, NULL, 0, &arena, &values, &err), FLOE_INVALID);
        assert_message(&err, "request.x is no input of the features asked for");
    }
}

static void request__lists_that_do_not_fit__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *json, *part;
    } cases[] = {
        {"{\"features\":[\"r\"],\"entities\":{\"id\":[1,2]},\"request\":{\"x\":[1]}}",
         "request.x has 1 values, and 2 entities"},
        {"{\"features\":[\"r\"],\"request\":{\"x\":[1],\"y\":[1,2]}}", "request.y has 2 values, and 1 entities"},
        {"{\"features\":[\"r\"],\"request\":{\"x\":{}}}", "request.x must be a list"},
        {"{\"features\":[\"r\"],\"request\":[]}", "request must be an object of lists"},
        {"{\"features\":[\"r\"]}", "entities is missing"},
        {"{\"features\":[\"r\"],\"request\":null}", "entities is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_error err = {0};
        floe_lookup_body body;
        assert_code(parse(cases[i].json, &arena, &body, &err), FLOE_INVALID);
        assert_message(&err, cases[i].part);
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    floe_lookup_body body;
    assert_ok(parse("{\"features\":[\"r\"],\"request\":{\"x\":[1,2,3]}}", &arena, &body, &err), &err);
    assert_int_equal(body.entity_count, 3);
    assert_ok(parse("{\"features\":[\"r\"],\"entities\":{\"id\":[7]},\"request\":{}}", &arena, &body, &err), &err);
    assert_int_equal(body.entity_count, 1);
}

static void body__past_the_arena__is_a_limit(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 600);
    floe_error err = {0};
    floe_lookup_body body;
    assert_code(parse("{\"features\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\"],\"entities\":{"
                      "\"id\":[1,2,3,4,5,"
                      "6,7,8,9,10,11,12]}}",
                      &arena, &body, &err),
                FLOE_LIMIT);
}

static void hint__near_far_and_without_candidates(void **state) {
    (void)state;
    static const char *const known[] = {"statuses", "event_times"};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    assert_string_equal(floe_body_hint(FLOE_STR("event_time"), known, 2, &arena), "; did you mean event_times?");
    assert_string_equal(floe_body_hint(FLOE_STR("zzzzzzzzz"), known, 2, &arena), "");
    assert_string_equal(floe_body_hint(FLOE_STR("x"), known, 0, &arena), "");
}

static floe_status parse_all(void *context, floe_error *err) {
    const char *json = context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_lookup_body body;
    const floe_value *const *keys = NULL;
    FLOE_TRY(parse(json, &arena, &body, err));
    return floe_lookup_body_keys(&body, two_keys, 2, &arena, &keys, err);
}

static void body__with_any_allocation_failing__says_so(void **state) {
    (void)state;
    static char json[] = "{\"features\":[\"a:b\"],\"entities\":{\"day\":[\"1970-01-02\"],\"id\":[7]}}";
    assert_true(floe_test_alloc_sweep(parse_all, json) > 0);
}

/* Cut anywhere, the text is refused, and nothing is read past its end (which the address sanitizer would see). */
static void body__cut_anywhere__is_invalid(void **state) {
    (void)state;
    static const char json[] = "{\"features\":[\"a:b\"],\"entities\":{\"id\":[7]},\"include\":[\"statuses\"]}";
    for (size_t len = 0; len < strlen(json); len++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_error err = {0};
        floe_lookup_body body;
        char *copy = floe_arena_alloc(&arena, len, 1);
        memcpy(copy, json, len);
        assert_code(floe_lookup_body_parse((floe_str){copy, len}, &arena, &body, &err), FLOE_INVALID);
        assert_message(&err, "the body: ");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body__with_everything__is_read),
        cmocka_unit_test(as_of__the_epoch_itself__is_told_from_now),
        cmocka_unit_test(request__values_of_every_type__are_read_beside_the_entities),
        cmocka_unit_test(request__lists_that_do_not_fit__are_refused),
        cmocka_unit_test(body__past_the_arena__is_a_limit),
        cmocka_unit_test(hint__near_far_and_without_candidates),
        cmocka_unit_test(body__with_any_allocation_failing__says_so),
        cmocka_unit_test(body__cut_anywhere__is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
