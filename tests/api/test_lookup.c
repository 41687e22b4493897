/* POST /v1/lookup: the shape of an answer, each kind of value in it, and everything that is refused. */
#include "tests/api/world.h"

#include "core/limits.h"

static int set_up(void **state) {
    static world w;
    world_open(&w, FLOE_STORE_EMBEDDED);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    return 0;
}

static answer got;

#define assert_answer(world_pointer, json, expected)                                                                   \
    do {                                                                                                               \
        world_lookup((world_pointer), (json), &got);                                                                   \
        assert_string_equal(got.body, (expected));                                                                     \
        assert_int_equal(got.status, 200);                                                                             \
    } while (0)
#define assert_refused(world_pointer, json, status, code, part)                                                        \
    do {                                                                                                               \
        world_lookup((world_pointer), (json), &got);                                                                   \
        assert_problem(&got, (status), (code), (part));                                                                \
    } while (0)

/* ---- answers ---- */

static void service__gives_its_features_by_column(void **state) {
    assert_answer(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1,-2]}}",
                  "{\"features\":[\"facts:whole\",\"facts:name\"],\"values\":[[9007199254740993,-20],"
                  "[\"G\xc3\xb6teborg \\\"x\\\"\\n\",\"n-2\"]]}");
    assert_non_null(strstr(got.head, "Content-Type: application/json\r"));
}

/* The rule of FACE.md: int64 exact, decimals as strings, bytes base64, dates and timestamps RFC 3339. 11574 days after
 * the epoch is 2001-09-09; base64 of 00 ff is AP8=. */
static void every_kind_of_value__is_written_by_the_rule(void **state) {
    assert_answer(
        *state, "{\"features\":[\"facts\"],\"entities\":{\"id\":[1]}}",
        "{\"features\":[\"facts:whole\",\"facts:half\",\"facts:name\",\"facts:flag\",\"facts:at\",\"facts:day\","
        "\"facts:price\",\"facts:raw\",\"facts:words\"],\"values\":[[9007199254740993],[-0.5],"
        "[\"G\xc3\xb6teborg \\\"x\\\"\\n\"],[true],[\"2001-09-09T01:46:40.500Z\"],[\"2001-09-09\"],"
        "[\"-12.05\"],[\"AP8=\"],[[\"a\\\"b\",\"\"]]]}");
}

static void include__adds_statuses_and_event_times(void **state) {
    assert_answer(*state,
                  "{\"features\":[\"facts:whole\",\"facts:half\"],\"entities\":{\"id\":[-2,77]},"
                  "\"include\":[\"statuses\",\"event_times\"]}",
                  "{\"features\":[\"facts:whole\",\"facts:half\"],\"values\":[[-20,null],[null,null]],"
                  "\"statuses\":[[\"PRESENT\",\"NOT_FOUND\"],[\"NULL_VALUE\",\"NOT_FOUND\"]],"
                  "\"event_times\":[[\"" T0_TEXT "\",null],[\"" T0_TEXT "\",null]]}");
    assert_answer(*state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"include\":[\"event_times\"]}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[-20]],\"event_times\":[[\"" T0_TEXT "\"]]}");
    assert_answer(*state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"include\":[]}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}");
}

static void features__keep_the_order_asked_and_repetitions(void **state) {
    assert_answer(*state,
                  "{\"features\":[\"facts:name\",\"facts:whole\",\"facts:name\"],\"entities\":{\"id\":[-2,-2]}}",
                  "{\"features\":[\"facts:name\",\"facts:whole\",\"facts:name\"],\"values\":[[\"n-2\",\"n-2\"],"
                  "[-20,-20],[\"n-2\",\"n-2\"]]}");
}

/* Two entities in one question: each view is found by its own keys. */
static void views_of_two_entities__need_the_keys_of_both(void **state) {
    assert_answer(*state,
                  "{\"features\":[\"legs:delay\",\"facts:whole\"],\"entities\":{\"destination\":[\"JFK\",\"SFO\"],"
                  "\"id\":[-2,-2],\"origin\":[\"SFO\",\"JFK\"]}}",
                  "{\"features\":[\"legs:delay\",\"facts:whole\"],\"values\":[[12,null],[-20,-20]]}");
}

static void null_key__finds_nothing(void **state) {
    assert_answer(
        *state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[null,-2]},\"include\":[\"statuses\"]}",
        "{\"features\":[\"facts:whole\"],\"values\":[[null,-20]],\"statuses\":[[\"NOT_FOUND\",\"PRESENT\"]]}");
}

static void no_entity__gives_empty_columns(void **state) {
    assert_answer(*state, "{\"service\":\"model\",\"entities\":{\"id\":[]}}",
                  "{\"features\":[\"facts:whole\",\"facts:name\"],\"values\":[[],[]]}");
}

static void null_member__counts_as_missing(void **state) {
    assert_answer(*state,
                  "{\"service\":null,\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"include\":null,"
                  "\"as_of\":null,\"request\":null}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}");
}

static void as_of__at_the_row_sees_it_and_before_it_is_refused(void **state) {
    assert_answer(*state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"as_of\":\"" T0_TEXT "\"}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}");
    assert_refused(
        *state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"as_of\":\"2001-09-09T01:46:39.999999Z\"}",
        400, "INVALID", "as_of 2001-09-09T01:46:39.999999Z is earlier than");
    assert_refused(*state,
                   "{\"service\":\"routes\",\"entities\":{\"origin\":[],\"destination\":[]},\"as_of\":\"2020-01-01\"}",
                   501, "UNSUPPORTED", "aggregate");
}

static void int64_key__is_exact_at_both_ends(void **state) {
    world *w = *state;
    world_put_fact(w, INT64_MAX, 7, "max");
    world_put_fact(w, INT64_MIN, 8, "min");
    assert_answer(w,
                  "{\"features\":[\"facts:name\"],\"entities\":{\"id\":[9223372036854775807,-9223372036854775808,"
                  "9223372036854775806]}}",
                  "{\"features\":[\"facts:name\"],\"values\":[[\"max\",\"min\",null]]}");
}

/* A row is visible at its own microsecond (at_or_before) and from then on; an earlier time is refused, since the store
 * keeps the newest only. The epoch is a time like any other. */
static void as_of__the_epoch__is_that_time_and_not_now(void **state) {
    world *w = *state;
    world_put_fact_at(w, 501, 1, "before", -1);
    world_put_fact_at(w, 502, 2, "at", 0);
    world_put_fact_at(w, 503, 3, "after", 1);
    assert_answer(w,
                  "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[501,502]},\"as_of\":\"1970-01-01T00:00:00Z\"}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[1,2]]}");
    assert_answer(w, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[502]},\"as_of\":\"1970-01-01\"}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[2]]}");
    assert_refused(w, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[503]},\"as_of\":\"1970-01-01T00:00:00Z\"}",
                   400, "INVALID", "as_of 1970-01-01T00:00:00Z is earlier than");
    assert_refused(*state,
                   "{\"service\":\"routes\",\"entities\":{\"origin\":[],\"destination\":[]},\"as_of\":\"1970-01-01\"}",
                   501, "UNSUPPORTED", "aggregate");
}

/* A string of FORMATS.md is UTF-8 with its length before it: U+0000 is a character like any other, and ends nothing. */
static void string_key__with_a_nul__is_found_whole(void **state) {
    world *w = *state;
    world_put_leg_of(w, (floe_str){"A\0B", 3}, FLOE_STR("X"), 77);
    world_put_leg_of(w, FLOE_STR("A"), FLOE_STR("X"), 78);
    world_put_leg_of(w, (floe_str){"A\0", 2}, FLOE_STR("X"), 79);
    assert_answer(
        w,
        "{\"features\":[\"legs:delay\"],\"entities\":{\"origin\":[\"A\\u0000B\",\"A\",\"A\\u0000\",\"A\\u0000C\"],"
        "\"destination\":[\"X\",\"X\",\"X\",\"X\"]}}",
        "{\"features\":[\"legs:delay\"],\"values\":[[77,78,79,null]]}");
}

/* Nor does it cut a name, a time or a member short. */
static void other_texts__with_a_nul__are_what_they_are(void **state) {
    assert_refused(*state, "{\"features\":[\"facts:whole\\u0000\"],\"entities\":{\"id\":[1]}}", 404, "NOT_FOUND",
                   "whole");
    assert_refused(*state, "{\"service\":\"model\\u0000\",\"entities\":{\"id\":[1]}}", 404, "NOT_FOUND", "model");
    assert_refused(
        *state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[1]},\"as_of\":\"2020-01-01T00:00:00Z\\u0000\"}",
        400, "INVALID", "as_of");
    assert_refused(*state,
                   "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[1]},\"include\":[\"statuses\\u0000\"]}", 400,
                   "INVALID", "include[0]");
    assert_refused(*state, "{\"features\\u0000\":[\"facts:whole\"],\"entities\":{\"id\":[1]}}", 400, "INVALID", "NUL");
}

static void thousand_entities__are_one_lookup_and_one_more_is_too_many(void **state) {
    FLOE_AUTO_BUF json;
    floe_buf_init(&json, FLOE_MIB(1));
    floe_buf_text(&json, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2");
    for (int i = 1; i < 1000; i++) {
        floe_buf_text(&json, ",-2");
    }
    size_t thousand = json.len;
    floe_buf_text(&json, "]}}");
    world_lookup(*state, json.ptr, &got);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "[[-20,-20,"));
    json.len = thousand;
    floe_buf_text(&json, ",-2]}}");
    assert_refused(*state, json.ptr, 413, "LIMIT", "1001 entities in one lookup; at most 1000");
}

/* ---- refusals ---- */

static void unknown_names__are_named_with_the_nearest(void **state) {
    assert_refused(*state, "{\"service\":\"modle\",\"entities\":{\"id\":[1]}}", 404, "NOT_FOUND",
                   "`modle` in what is applied; did you mean model?");
    assert_refused(*state, "{\"features\":[\"facts:hole\"],\"entities\":{\"id\":[1]}}", 404, "NOT_FOUND", "whole");
    assert_refused(*state, "{\"features\":[\"fact:whole\"],\"entities\":{\"id\":[1]}}", 404, "NOT_FOUND", "facts");
    assert_refused(*state, "{\"features\":[\"\"],\"entities\":{\"id\":[1]}}", 400, "INVALID", "");
    assert_refused(*state, "{\"feature\":[\"facts:whole\"],\"entities\":{\"id\":[1]}}", 400, "INVALID",
                   "no member `feature`; did you mean features?");
}

static void keys__missing_unknown_and_of_unlike_length__are_refused(void **state) {
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{}}", 400, "INVALID",
                   "entities.id is missing: the features asked for need this entity key, of type int64");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"idd\":[1]}}", 400, "INVALID",
                   "entities.idd is no entity key of the features asked for; did you mean id?");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1],\"origin\":[\"x\"]}}", 400, "INVALID",
                   "entities.origin is no entity key");
    assert_refused(*state, "{\"service\":\"routes\",\"entities\":{\"origin\":[\"a\",\"b\"],\"destination\":[\"c\"]}}",
                   400, "INVALID", "entities.origin has 2 values and entities.destination has 1");
    assert_refused(*state, "{\"service\":\"routes\",\"entities\":{\"origin\":[\"a\"]}}", 400, "INVALID",
                   "entities.destination is missing");
}

static void key_of_the_wrong_type__is_named_with_its_place(void **state) {
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1,\"2\"]}}", 400, "INVALID",
                   "entities.id[1], an entity key of type int64");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1.5]}}", 400, "INVALID", "entities.id[0]");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[true]}}", 400, "INVALID", "entities.id[0]");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[9223372036854775808]}}", 400, "INVALID", "");
    assert_refused(*state, "{\"service\":\"routes\",\"entities\":{\"origin\":[7],\"destination\":[\"x\"]}}", 400,
                   "INVALID", "entities.origin[0], an entity key of type string");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":7}}", 400, "INVALID",
                   "entities.id must be a list, one value per entity");
}

static void view_that_is_not_kept_online__is_refused(void **state) {
    assert_refused(*state, "{\"features\":[\"secret:whole\"],\"entities\":{\"id\":[1]}}", 400, "INVALID",
                   "secret is not kept online");
}

static void request_data__that_no_feature_asks_for__is_refused(void **state) {
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1]},\"request\":{\"distance\":[3]}}", 400,
                   "INVALID", "request.distance is no input of the features asked for");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1]},\"request\":{\"distance\":[3,4]}}", 400,
                   "INVALID", "request.distance has 2 values, and 1 entities are asked for");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1]},\"request\":{\"distance\":3}}", 400,
                   "INVALID", "request.distance must be a list");
    assert_refused(*state, "{\"service\":\"model\",\"entities\":{\"id\":[1]},\"request\":[]}", 400, "INVALID",
                   "request must be an object of lists");
    assert_answer(*state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"request\":{}}",
                  "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}");
}

static void query_parameters__are_refused(void **state) {
    world_ask(*state, "POST", "/v1/lookup?service=model", "{\"service\":\"model\",\"entities\":{\"id\":[1]}}", &got);
    assert_problem(&got, 400, "INVALID", "not as query parameters");
}

static void body_that_is_no_lookup__is_refused(void **state) {
    static const struct {
        const char *json, *part;
    } cases[] = {
        {"", "the body"},
        {"{", "the body"},
        {"{} x", "the body"},
        {"{\"service\":\"a\",\"service\":\"b\"}", "the body"},
        {"\xff", "the body"},
        {"[1]", "must be a JSON object, not"},
        {"\"x\"", "must be a JSON object, not"},
        {"{}", "what to look up is missing"},
        {"{\"service\":\"model\"}", "entities is missing"},
        {"{\"service\":\"model\",\"features\":[\"facts\"],\"entities\":{}}", "not both"},
        {"{\"service\":1,\"entities\":{}}", "service must be a text"},
        {"{\"features\":\"facts\",\"entities\":{}}", "features must be a list"},
        {"{\"features\":[],\"entities\":{}}", "features is empty"},
        {"{\"features\":[1],\"entities\":{}}", "features[0] must be a text"},
        {"{\"service\":\"model\",\"entities\":[]}", "entities must be an object"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"include\":\"statuses\"}", "include must be a list"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"include\":[2]}", "include[0] must be a text"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"include\":[\"status\"]}", "did you mean statuses?"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"as_of\":1}", "as_of must be a time"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"as_of\":\"soon\"}", "as_of"},
        {"{\"service\":\"model\",\"entities\":{\"id\":[1]},\"request\":3}", "request must be an object"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_lookup(*state, cases[i].json, &got);
        assert_problem(&got, 400, "INVALID", cases[i].part);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(service__gives_its_features_by_column),
        cmocka_unit_test(every_kind_of_value__is_written_by_the_rule),
        cmocka_unit_test(include__adds_statuses_and_event_times),
        cmocka_unit_test(features__keep_the_order_asked_and_repetitions),
        cmocka_unit_test(views_of_two_entities__need_the_keys_of_both),
        cmocka_unit_test(null_key__finds_nothing),
        cmocka_unit_test(no_entity__gives_empty_columns),
        cmocka_unit_test(null_member__counts_as_missing),
        cmocka_unit_test(as_of__at_the_row_sees_it_and_before_it_is_refused),
        cmocka_unit_test(int64_key__is_exact_at_both_ends),
        cmocka_unit_test(as_of__the_epoch__is_that_time_and_not_now),
        cmocka_unit_test(string_key__with_a_nul__is_found_whole),
        cmocka_unit_test(other_texts__with_a_nul__are_what_they_are),
        cmocka_unit_test(thousand_entities__are_one_lookup_and_one_more_is_too_many),
        cmocka_unit_test(unknown_names__are_named_with_the_nearest),
        cmocka_unit_test(keys__missing_unknown_and_of_unlike_length__are_refused),
        cmocka_unit_test(key_of_the_wrong_type__is_named_with_its_place),
        cmocka_unit_test(view_that_is_not_kept_online__is_refused),
        cmocka_unit_test(request_data__that_no_feature_asks_for__is_refused),
        cmocka_unit_test(query_parameters__are_refused),
        cmocka_unit_test(body_that_is_no_lookup__is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
