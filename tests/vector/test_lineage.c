/*
 * Features as evidence for their tables.
 *
 * Of the definitions the view airport_delays over lake.aviation.flights says "How late flights from an airport arrive." and its
 * entity "a place where planes land"; the tables say nothing of it.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"

#include <math.h>
#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(64))

static const char more[] = "{\"database\":\"lake.aviation\",\"table\":\"planes\",\"columns\":[{\"name\":\"tail\"}]}\n"
                           "{\"database\":\"films\",\"table\":\"plane_crashes\",\"columns\":[{\"name\":\"title\"}]}\n";

static floe_search *open_lake(const char *name, const floe_definitions *definitions) {
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    floe_buf_text(&lines, make_lake);
    floe_buf_text(&lines, more);
    const char *import = make_file("lake.jsonl", lines.ptr);
    floe_index_request request = {
        .folder = make_folder(name), .imports = &import, .import_count = 1, .definitions = definitions};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, NULL, &search, &err), &err);
    return search;
}

static const floe_hit *hit_of(const floe_answer *answer, const char *place) {
    size_t rank = rank_of(answer, place);
    assert_true(rank > 0);
    return &answer->hits[rank - 1];
}

static void table__that_only_its_features_describe__is_found_and_says_so(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("described", make_definitions());
    floe_answer answer = ask(search, &arena, "arrive punctuality", 10, FLOE_HIT_TABLE, "");
    assert_int_equal(answer.hit_count, 2); /* and the one that a key of it leads to */
    assert_string_equal(place_of(&answer.hits[0], &arena), "lake.aviation.flights");
    assert_string_equal(words_of(&answer.hits[0], "features", &arena), "arrive, punctuality");
    assert_true(share_of(&answer.hits[0], "features") > 0);
    check_answer(&answer);
    floe_search_close(&search);
    search = open_lake("bare", NULL);
    assert_int_equal(ask(search, &arena, "arrive punctuality", 10, FLOE_HIT_TABLE, "").hit_count, 0);
    floe_search_close(&search);
}

/* In a mixed answer the table begins where its features do: at the whole question. */
static void any__question_in_words_of_features__has_the_table_among_the_first(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("mixed", make_definitions());
    floe_answer answer = ask(search, &arena, "how late do they arrive", 10, FLOE_HIT_ANY, "");
    assert_in_range(rank_of(&answer, "lake.aviation.flights"), 1, 2);
    assert_true(fabs(hit_of(&answer, "lake.aviation.flights")->score - 1) < 1e-9);
    check_answer(&answer);
    floe_search_close(&search);
}

/* "planes" is the name of two tables and in the description of the view's entity: names outweigh it. */
static void features__weigh_less_than_a_name(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("less", make_definitions());
    floe_answer answer = ask(search, &arena, "the planes", 10, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.planes"), 1);
    assert_true(rank_of(&answer, "lake.aviation.flights") > rank_of(&answer, "films.plane_crashes"));
    check_answer(&answer);
    floe_search_close(&search);
}

/* Of one word in two, which weigh the same where nothing else has either, comes half of what comes of both. */
static void features__are_worth_the_share_of_the_question_that_they_match(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("share", make_definitions());
    floe_answer whole = ask(search, &arena, "flights arrive", 10, FLOE_HIT_TABLE, "");
    floe_answer part = ask(search, &arena, "flights gross", 10, FLOE_HIT_TABLE, "");
    const floe_hit *all = hit_of(&whole, "lake.aviation.flights");
    const floe_hit *half = hit_of(&part, "lake.aviation.flights");
    assert_true(share_of(all, "features") / all->score > share_of(half, "features") / half->score);
    assert_string_equal(words_of(half, "features", &arena), "flights");
    floe_search_close(&search);
}

static void features__in_another_namespace__say_nothing(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("spaces", make_definitions());
    assert_int_equal(ask(search, &arena, "arrive late", 10, FLOE_HIT_TABLE, "films").hit_count, 0);
    assert_int_equal(ask(search, &arena, "arrive late", 10, FLOE_HIT_TABLE, "lake.climate").hit_count, 0);
    floe_answer answer = ask(search, &arena, "arrive late", 10, FLOE_HIT_TABLE, "lake.aviation");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    floe_search_close(&search);
}

/* A role without the view, or without the table, learns nothing from the one of the other. */
static void features__that_a_role_does_not_see__say_nothing(void **state) {
    (void)state;
    ARENA(arena);
    static const floe_str spaces[] = {{"lake.aviation", 13}};
    static const floe_str other_spaces[] = {{"films", 5}};
    static const floe_str names[] = {{"airport_delays", 14}};
    const floe_role roles[] = {
        {.name = FLOE_STR("both"), .namespaces = spaces, .namespace_count = 1, .views = names, .view_count = 1},
        {.name = FLOE_STR("tables"), .namespaces = spaces, .namespace_count = 1},
        {.name = FLOE_STR("views"), .namespaces = other_spaces, .namespace_count = 1, .views = names, .view_count = 1},
    };
    const size_t tables[] = {1, 0, 0};
    floe_search *search = open_lake("roles", make_definitions());
    for (size_t i = 0; i < 3; i++) {
        floe_query query = {.text = FLOE_STR("arrive"), .k = 10, .kind = FLOE_HIT_TABLE, .role = &roles[i]};
        floe_answer answer = {0};
        floe_error err = {0};
        assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
        assert_int_equal(rank_of(&answer, "lake.aviation.flights"), tables[i]);
    }
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table__that_only_its_features_describe__is_found_and_says_so),
        cmocka_unit_test(any__question_in_words_of_features__has_the_table_among_the_first),
        cmocka_unit_test(features__weigh_less_than_a_name),
        cmocka_unit_test(features__are_worth_the_share_of_the_question_that_they_match),
        cmocka_unit_test(features__in_another_namespace__say_nothing),
        cmocka_unit_test(features__that_a_role_does_not_see__say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
