/*
 * Questions of every shape and length, wrong ones among them, and how an answer is printed.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(256))

/* ---- questions of every shape ---- */

static void question__syntax_of_query_languages__is_harmless(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("syntax");
    static const char *const questions[] = {"flight AND delay",
                                            "flight OR",
                                            "NOT delay",
                                            "flight NEAR(delay, 2)",
                                            "\"flight delay\"",
                                            "\"flight",
                                            "flight*",
                                            "^flight",
                                            "table:flight",
                                            "{a b}:delay",
                                            "flight + delay",
                                            "(flight",
                                            ")",
                                            "-delay",
                                            "flight'; DROP TABLE unit; --",
                                            "%s%n%d",
                                            "\\",
                                            "delay\ndelay\tdelay",
                                            "a\xc2\xa0 delay",
                                            "\xff\xfe delay",
                                            "delay -- ?",
                                            "*",
                                            "'",
                                            "AND"};
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        (void)ask(search, &arena, questions[i], 5, FLOE_HIT_ANY, "");
    }
    floe_answer answer = ask(search, &arena, "flight's \"delay*\" (AND)", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    floe_search_close(&search);
}

static void question__random_bytes__is_harmless(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_search *search = search_lake("bytes");
    for (int round = 0; round < 3000; round++) {
        ARENA(arena);
        char text[300] = " ";
        size_t len = 1 + floe_test_below(&rng, sizeof(text) - 1);
        floe_test_fill(&rng, text, len);
        floe_query query = {
            .text = {text, len}, .k = 1 + floe_test_below(&rng, 1000), .kind = (floe_hit_kind)floe_test_below(&rng, 4)};
        floe_answer answer = {0};
        floe_error err = {0};
        floe_status status = floe_search_query(search, &query, &arena, &answer, &err);
        if (floe_failed(status)) {
            assert_int_equal(err.code, FLOE_INVALID); /* nothing but white space */
        } else {
            check_answer(&answer);
        }
    }
    floe_search_close(&search);
}

static void question__longest_allowed__is_answered(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("longest");
    static char text[FLOE_LIMIT_QUERY_BYTES + 2];
    memset(text, ' ', sizeof(text) - 1);
    for (size_t i = 0; i + 8 < FLOE_LIMIT_QUERY_BYTES; i += 8) {
        (void)memcpy(text + i, "delay w", 7);
        text[i + 7] = (char)('a' + i / 8 % 26);
    }
    floe_query query = {.text = {text, FLOE_LIMIT_QUERY_BYTES}, .k = 5};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    assert_true(answer.hit_count > 0);
    query.text.len++;
    assert_code(floe_search_query(search, &query, &arena, &answer, &err), FLOE_LIMIT);
    assert_message(&err, "8193 bytes");
    floe_search_close(&search);
}

static void question__nothing_matches__is_an_empty_answer(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("nothing");
    assert_int_equal(ask(search, &arena, "xylophone", 5, FLOE_HIT_ANY, "").hit_count, 0);
    assert_int_equal(ask(search, &arena, "the of", 5, FLOE_HIT_ANY, "").hit_count, 0);
    assert_int_equal(ask(search, &arena, "???", 5, FLOE_HIT_ANY, "").hit_count, 0);
    /* The word is known, but not there. */
    assert_int_equal(ask(search, &arena, "delay", 5, FLOE_HIT_TABLE, "films").hit_count, 0);
    floe_search_close(&search);
    search = make_search("void", "");
    assert_int_equal(ask(search, &arena, "anything", 5, FLOE_HIT_ANY, "").hit_count, 0);
    floe_search_close(&search);
}

static void question__wrong__is_refused(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("wrong");
    static const struct {
        floe_query query;
        floe_code code;
        const char *message;
    } cases[] = {
        {{.text = {"", 0}, .k = 5}, FLOE_INVALID, "empty"},
        {{.text = {" \t\n", 3}, .k = 5}, FLOE_INVALID, "empty"},
        {{.text = {"delay", 5}, .k = 0}, FLOE_INVALID, "k is 0"},
        {{.text = {"delay", 5}, .k = 1001}, FLOE_LIMIT, "k is 1001; the most is 1000"},
        {{.text = {"delay", 5}, .k = 5, .in = {"lake.aviatoin", 13}}, FLOE_NOT_FOUND, "did you mean lake.aviation?"},
        {{.text = {"delay", 5}, .k = 5, .in = {"la", 2}}, FLOE_NOT_FOUND, "no namespace or database la"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_answer answer = {.hit_count = 77};
        floe_error err = {0};
        assert_code(floe_search_query(search, &cases[i].query, &arena, &answer, &err), cases[i].code);
        assert_message(&err, cases[i].message);
        assert_int_equal(answer.hit_count, 77);
    }
    floe_search_close(&search);
}

static floe_status query_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_query query = {.text = FLOE_STR("flight delay"), .k = 10};
    floe_answer answer = {0};
    return floe_search_query(context, &query, &arena, &answer, err);
}

static void query__any_allocation_fails__is_nomem_and_leaves_the_handle_whole(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("nomem");
    floe_answer before = ask(search, &arena, "flight delay", 10, FLOE_HIT_ANY, "");
    assert_true(floe_test_alloc_sweep(query_once, search) > 0);
    floe_answer after = ask(search, &arena, "flight delay", 10, FLOE_HIT_ANY, "");
    check_same_answer(&before, &after);
    floe_search_close(&search);
}

/* ---- print ---- */

static void json__one_hit__is_as_documented(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(16));
    floe_reason reason = {.signal = FLOE_STR("names"), .score = 0.5, .words = FLOE_STR("flight, delay")};
    floe_hit hits[] = {{.kind = FLOE_HIT_TABLE,
                        .database = FLOE_STR("lake.a"),
                        .table = FLOE_STR("t \"x\""),
                        .description = FLOE_STR("d"),
                        .score = 0.5,
                        .reasons = &reason,
                        .reason_count = 1},
                       {.kind = FLOE_HIT_COLUMN,
                        .database = FLOE_STR("b"),
                        .table = FLOE_STR("t"),
                        .column = FLOE_STR("c"),
                        .score = 1.0 / 3},
                       {.kind = FLOE_HIT_FEATURE, .feature = FLOE_STR("v:f"), .score = 0.25}};
    floe_answer answer = {.mode = FLOE_STR("lexical"), .hits = hits, .hit_count = 3};
    floe_answer_print_json(&answer, &out);
    assert_string_equal(
        out.ptr,
        "{\"mode\":\"lexical\",\"hits\":["
        "{\"kind\":\"table\",\"database\":\"lake.a\",\"table\":\"t \\\"x\\\"\",\"description\":\"d\",\"score\":0.5,"
        "\"why\":[{\"signal\":\"names\",\"score\":0.5,\"words\":\"flight, delay\"}]},"
        "{\"kind\":\"column\",\"database\":\"b\",\"table\":\"t\",\"column\":\"c\",\"description\":\"\",\"score\":0."
        "333333,"
        "\"why\":[]},"
        "{\"kind\":\"feature\",\"feature\":\"v:f\",\"description\":\"\",\"score\":0.25,\"why\":[]}]}");
}

static void kind__names__are_read_back(void **state) {
    (void)state;
    floe_error err = {0};
    for (int i = FLOE_HIT_TABLE; i <= FLOE_HIT_FEATURE; i++) {
        floe_hit_kind kind = FLOE_HIT_ANY;
        assert_ok(floe_hit_kind_parse(floe_str_of(floe_hit_kind_name((floe_hit_kind)i)), &kind, &err), &err);
        assert_int_equal(kind, i);
    }
    static const char *const wrong[] = {"", "any", "Table", "tables", "view"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        floe_hit_kind kind = FLOE_HIT_ANY;
        floe_error_clear(&err);
        assert_code(floe_hit_kind_parse(floe_str_of(wrong[i]), &kind, &err), FLOE_INVALID);
        assert_message(&err, "table, column and feature");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(question__syntax_of_query_languages__is_harmless),
        cmocka_unit_test(question__random_bytes__is_harmless),
        cmocka_unit_test(question__longest_allowed__is_answered),
        cmocka_unit_test(question__nothing_matches__is_an_empty_answer),
        cmocka_unit_test(question__wrong__is_refused),
        cmocka_unit_test(query__any_allocation_fails__is_nomem_and_leaves_the_handle_whole),
        cmocka_unit_test(json__one_hit__is_as_documented),
        cmocka_unit_test(kind__names__are_read_back),
    };
    return cmocka_run_group_tests_name("vector/search_asked", tests, NULL, NULL);
}
