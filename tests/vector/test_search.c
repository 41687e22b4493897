/*
 * Ranking: what must hold for every answer, on small catalogs and on random ones. What is asked for by name is in test_search_exact.c, questions of
 * every shape in test_search_asked.c.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/rank/weights_int.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(256))

static bool has_kind(const floe_answer *answer, floe_hit_kind kind, size_t within) {
    for (size_t i = 0; i < answer->hit_count && i < within; i++) {
        if (answer->hits[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* ---- the demo ---- */

static void any__flight_delay__finds_table_column_and_features(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("demo");
    floe_answer answer = ask(search, &arena, "flight delay", 10, FLOE_HIT_ANY, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    assert_true(rank_of(&answer, "lake.aviation.flights.delay") > 0 &&
                rank_of(&answer, "lake.aviation.flights.delay") <= 4);
    assert_true(has_kind(&answer, FLOE_HIT_FEATURE, 4));
    assert_true(rank_of(&answer, "airport_delays:delay_mean_7d") > 0);
    assert_true(rank_of(&answer, "airport_delays:last_delay") > 0);
    assert_int_equal(rank_of(&answer, "films.movies"), 0);
    /* A sentence about the same finds the same. */
    answer = ask(search, &arena, "Which flights were delayed most?", 10, FLOE_HIT_ANY, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    floe_search_close(&search);
}

static void any__many_features_of_one_view__leave_room_for_other_kinds(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("room");
    floe_answer answer = ask(search, &arena, "delay", 5, FLOE_HIT_ANY, "");
    assert_true(has_kind(&answer, FLOE_HIT_TABLE, 5));
    assert_true(has_kind(&answer, FLOE_HIT_COLUMN, 5));
    assert_true(has_kind(&answer, FLOE_HIT_FEATURE, 5));
    floe_search_close(&search);
}

/* Nine tables with the same column, and the features: the best of each kind comes before the second of any. */
static void any__ties__go_in_turn_through_the_kinds(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    floe_buf_text(&lines, make_lake);
    for (int i = 0; i < 9; i++) {
        floe_buf_printf(&lines,
                        "{\"database\":\"copies\",\"table\":\"flights_%d\",\"columns\":[{\"name\":\"delay\"}]}\n", i);
    }
    const char *import = make_file("ties.jsonl", lines.ptr);
    floe_index_request request = {
        .folder = make_folder("ties"), .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, NULL, &search, &err), &err);
    floe_answer answer = ask(search, &arena, "flight delay", 3, FLOE_HIT_ANY, "");
    assert_int_equal(answer.hits[0].kind, FLOE_HIT_TABLE);
    assert_int_equal(answer.hits[1].kind, FLOE_HIT_COLUMN);
    assert_int_equal(answer.hits[2].kind, FLOE_HIT_FEATURE);
    floe_search_close(&search);
}

static void feature__description_owner_and_tags__are_searched(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("prose");
    floe_answer answer = ask(search, &arena, "punctuality", 10, FLOE_HIT_FEATURE, "");
    assert_true(rank_of(&answer, "airport_delays") > 0);
    assert_int_equal(rank_of(&answer, "weather"), 0);
    answer = ask(search, &arena, "meteo", 10, FLOE_HIT_FEATURE, "");
    assert_true(rank_of(&answer, "weather") > 0);
    assert_int_equal(rank_of(&answer, "airport_delays"), 0);
    answer = ask(search, &arena, "minutes over a week", 10, FLOE_HIT_FEATURE, "");
    assert_int_equal(rank_of(&answer, "airport_delays:delay_mean_7d"), 1);
    assert_true(share_of(&answer.hits[0], "description") > 0);
    assert_string_equal(words_of(&answer.hits[0], "description", &arena), "minutes, week");
    assert_true(floe_str_is(answer.hits[0].description, "mean minutes over a week"));
    floe_search_close(&search);
}

static void service__in_a_namespace__is_found_when_all_its_views_are_there(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("services");
    floe_answer answer = ask(search, &arena, "delay model airports only", 20, FLOE_HIT_FEATURE, "");
    assert_true(rank_of(&answer, "delay_model") > 0);
    assert_true(rank_of(&answer, "airports_only") > 0);
    answer = ask(search, &arena, "delay model airports only", 20, FLOE_HIT_FEATURE, "lake.aviation");
    assert_int_equal(rank_of(&answer, "delay_model"), 0);
    assert_true(rank_of(&answer, "airports_only") > 0);
    answer = ask(search, &arena, "delay model airports only", 20, FLOE_HIT_FEATURE, "lake");
    assert_true(rank_of(&answer, "delay_model") > 0);
    floe_search_close(&search);
}

/* ---- random catalogs ---- */

static const char *const nouns[] = {"flight", "delay", "airport", "order", "user", "price", "city", "weather", "film",
                                    "actor",  "score", "stock",   "trade", "team", "match", "goal", "country", "year"};
#define NOUNS (sizeof(nouns) / sizeof(nouns[0]))

static const char *noun(floe_test_rng *rng) {
    return nouns[floe_test_below(rng, NOUNS)];
}

/* A catalog of some databases as lines; tables of database d are appended to `own` too when d is `wanted`. */
static void random_catalog(floe_test_rng *rng, floe_buf *all, int wanted, floe_buf *own) {
    int databases = (int)floe_test_between(rng, 2, 5);
    for (int d = 0; d < databases; d++) {
        int tables = (int)floe_test_between(rng, 1, 8);
        for (int t = 0; t < tables; t++) {
            FLOE_AUTO_BUF line;
            floe_buf_init(&line, FLOE_KIB(16));
            floe_buf_printf(&line,
                            "{\"database\":\"db%d\",\"table\":\"%s_%s_%d\",\"description\":\"%s of %s\",\"columns\":[",
                            d, noun(rng), noun(rng), t, noun(rng), noun(rng));
            int columns = (int)floe_test_between(rng, 0, 6);
            for (int c = 0; c < columns; c++) {
                floe_buf_printf(&line, "%s{\"name\":\"%s%d\",\"samples\":[\"%s\"]}", c > 0 ? "," : "", noun(rng), c,
                                noun(rng));
            }
            floe_buf_printf(&line, "],\"foreign_keys\":[{\"table\":\"%s_%s_%d\"}]}\n", noun(rng), noun(rng),
                            (int)floe_test_below(rng, 8));
            floe_buf_str(all, floe_buf_view(&line));
            if (d == wanted) {
                floe_buf_str(own, floe_buf_view(&line));
            }
        }
    }
}

static void random_question(floe_test_rng *rng, char *out, size_t out_len) {
    (void)snprintf(out, out_len, "which %s has the %s by %s", noun(rng), noun(rng), noun(rng));
}

/* The heart of filters and, later, of permissions: nothing outside the scope shows, not even in a score. */
static void scope__random_catalogs__answer_as_if_the_rest_did_not_exist(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 25; round++) {
        FLOE_AUTO_BUF all;
        FLOE_AUTO_BUF own;
        floe_buf_init(&all, FLOE_MIB(1));
        floe_buf_init(&own, FLOE_MIB(1));
        int wanted = (int)floe_test_below(&rng, 2);
        random_catalog(&rng, &all, wanted, &own);
        floe_search *whole = make_search("whole", all.ptr);
        floe_search *alone = make_search("alone", own.ptr);
        for (int i = 0; i < 20; i++) {
            ARENA(arena);
            char question[128];
            random_question(&rng, question, sizeof(question));
            floe_hit_kind kind = (floe_hit_kind)floe_test_below(&rng, 3);
            size_t k = 1 + floe_test_below(&rng, 12);
            floe_answer within = ask(whole, &arena, question, k, kind, wanted == 0 ? "db0" : "db1");
            floe_answer without = ask(alone, &arena, question, k, kind, "");
            check_same_answer(&within, &without);
        }
        floe_search_close(&whole);
        floe_search_close(&alone);
    }
}

/* Whether a hit matches by itself; one that only a join brings depends on which tables stand in front. */
static bool has_evidence(const floe_hit *hit) {
    return share_of(hit, "join") < hit->score - 1e-8;
}

static void unrelated_tables__added__remove_no_hit(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 15; round++) {
        FLOE_AUTO_BUF lines;
        FLOE_AUTO_BUF unused;
        floe_buf_init(&lines, FLOE_MIB(1));
        floe_buf_init(&unused, FLOE_MIB(1));
        random_catalog(&rng, &lines, -1, &unused);
        floe_search *before = make_search("before", lines.ptr);
        for (int i = 0; i < 50; i++) {
            floe_buf_printf(&lines,
                            "{\"database\":\"zoo%d\",\"table\":\"elephant_%d\",\"columns\":[{\"name\":\"trunk\"}]}\n",
                            i % 7, i);
        }
        floe_search *after = make_search("after", lines.ptr);
        for (int i = 0; i < 10; i++) {
            ARENA(arena);
            char question[128];
            random_question(&rng, question, sizeof(question));
            floe_answer few = ask(before, &arena, question, 1000, FLOE_HIT_TABLE, "");
            floe_answer many = ask(after, &arena, question, 1000, FLOE_HIT_TABLE, "");
            for (size_t j = 0; j < few.hit_count; j++) {
                assert_true(!has_evidence(&few.hits[j]) || rank_of(&many, place_of(&few.hits[j], &arena)) > 0);
            }
            for (size_t j = 0; j < many.hit_count; j++) {
                assert_false(strncmp(place_of(&many.hits[j], &arena), "zoo", 3) == 0);
            }
        }
        floe_search_close(&before);
        floe_search_close(&after);
    }
}

static void k__smaller__is_the_beginning_of_a_larger(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_BUF lines;
    FLOE_AUTO_BUF unused;
    floe_buf_init(&lines, FLOE_MIB(1));
    floe_buf_init(&unused, FLOE_MIB(1));
    for (int i = 0; i < 6; i++) {
        random_catalog(&rng, &lines, -1, &unused);
    }
    floe_search *search = make_search("prefixes", lines.ptr);
    for (int round = 0; round < 60; round++) {
        ARENA(arena);
        char question[128];
        random_question(&rng, question, sizeof(question));
        floe_hit_kind kind = (floe_hit_kind)floe_test_below(&rng, 3);
        floe_answer large = ask(search, &arena, question, 200, kind, "");
        size_t k = 1 + floe_test_below(&rng, 60);
        floe_answer small = ask(search, &arena, question, k, kind, "");
        assert_int_equal(small.hit_count, k < large.hit_count ? k : large.hit_count);
        for (size_t i = 0; i < small.hit_count; i++) {
            assert_string_equal(place_of(&small.hits[i], &arena), place_of(&large.hits[i], &arena));
            assert_int_equal(rank_of(&large, place_of(&large.hits[i], &arena)), i + 1); /* nothing twice */
        }
        /* The same question again: nothing of the last one is left in the handle. */
        floe_answer again = ask(search, &arena, question, k, kind, "");
        check_same_answer(&small, &again);
    }
    floe_search_close(&search);
}

/* ---- signals ---- */

static void join__linked_table__comes_with_the_one_that_matches(void **state) {
    (void)state;
    ARENA(arena);
    static const char lines[] =
        "{\"database\":\"d\",\"table\":\"singer_in_concert\",\"columns\":[{\"name\":\"song\"}],"
        "\"foreign_keys\":[{\"table\":\"stadium\"},{\"table\":\"no_such_table\"},{\"table\":\"singer_in_concert\"}]}\n"
        "{\"database\":\"d\",\"table\":\"stadium\",\"columns\":[{\"name\":\"capacity\"}]}\n"
        "{\"database\":\"d\",\"table\":\"ticket\",\"columns\":[{\"name\":\"fee\"}]}\n"
        "{\"database\":\"e\",\"table\":\"stadium\",\"columns\":[{\"name\":\"capacity\"}]}\n";
    floe_search *search = make_search("join", lines);
    floe_answer answer = ask(search, &arena, "singer concert song", 10, FLOE_HIT_TABLE, "");
    assert_int_equal(answer.hit_count, 2);
    assert_int_equal(rank_of(&answer, "d.singer_in_concert"), 1);
    assert_int_equal(rank_of(&answer, "d.stadium"), 2);
    assert_true(share_of(&answer.hits[0], "join") == 0);
    assert_true(share_of(&answer.hits[1], "join") > 0);
    assert_string_equal(words_of(&answer.hits[1], "join", &arena), "singer_in_concert");
    /* Two stadiums match alike; the one that is linked to the first pick wins. */
    answer = ask(search, &arena, "singer concert stadium capacity", 10, FLOE_HIT_TABLE, "");
    assert_true(rank_of(&answer, "d.stadium") < rank_of(&answer, "e.stadium"));
    floe_search_close(&search);
}

static void coherence__table_of_a_matching_database__comes_before_its_twin(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search =
        make_search("coherence", "{\"database\":\"a\",\"table\":\"person\",\"columns\":[{\"name\":\"age\"}]}\n"
                                 "{\"database\":\"b\",\"table\":\"person\",\"columns\":[{\"name\":\"age\"}]}\n"
                                 "{\"database\":\"b\",\"table\":\"hospital\",\"columns\":[{\"name\":\"beds\"}]}\n");
    floe_answer answer = ask(search, &arena, "age of a person in a hospital", 3, FLOE_HIT_TABLE, "");
    assert_true(rank_of(&answer, "b.person") < rank_of(&answer, "a.person"));
    const floe_hit *hit = &answer.hits[rank_of(&answer, "b.person") - 1];
    assert_true(share_of(hit, "namespace") > 0);
    assert_string_equal(words_of(hit, "namespace", &arena), "b");
    floe_search_close(&search);
}

static void coverage__table_with_the_missing_word__comes_second(void **state) {
    (void)state;
    ARENA(arena);
    /* Each of the first two matches "flight delay minutes"; only the third has "weather". */
    floe_search *search =
        make_search("coverage", "{\"database\":\"a\",\"table\":\"flight_delay\",\"columns\":[{\"name\":\"minutes\"}]}\n"
                                "{\"database\":\"b\",\"table\":\"flight_delay\",\"columns\":[{\"name\":\"minutes\"}]}\n"
                                "{\"database\":\"c\",\"table\":\"weather\",\"columns\":[{\"name\":\"wind\"}]}\n");
    floe_answer answer = ask(search, &arena, "minutes of flight delay and weather", 3, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "c.weather"), 2);
    assert_string_equal(words_of(&answer.hits[1], "coverage", &arena), "weather");
    floe_search_close(&search);
}

static void evidence__description_and_values__find_what_names_do_not(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = search_lake("evidence");
    floe_answer answer = ask(search, &arena, "2001", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    assert_string_equal(words_of(&answer.hits[0], "description", &arena), "2001");
    answer = ask(search, &arena, "JFK", 5, FLOE_HIT_COLUMN, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights.origin"), 1);
    assert_string_equal(words_of(&answer.hits[0], "values", &arena), "jfk");
    answer = ask(search, &arena, "jfk", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    answer = ask(search, &arena, "minutes", 5, FLOE_HIT_COLUMN, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights.delay"), 1);
    assert_true(floe_str_is(answer.hits[0].description, "minutes late"));
    floe_search_close(&search);
}

static void weights__exact_name__is_above_everything_else_together(void **state) {
    (void)state;
    /* A table without it has at most 1 (coherent score) + coverage + join. */
    assert_true(FLOE_WEIGHT_EXACT > 1 + floe_weights_lexical.coverage + floe_weights_lexical.join);
    assert_true(FLOE_WEIGHT_EXACT > floe_weights_lexical.column_names + floe_weights_lexical.column_table +
                                        floe_weights_lexical.column_description + floe_weights_lexical.column_values);
    /* The least an exact name can have in a mixed answer, and the most of another kind. */
    double least = FLOE_WEIGHT_EXACT /
                   (FLOE_WEIGHT_EXACT + 1 + floe_weights_lexical.coverage + floe_weights_lexical.join) * FLOE_MIX_FLOOR;
    assert_true(least > FLOE_MIX_INEXACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any__flight_delay__finds_table_column_and_features),
        cmocka_unit_test(any__many_features_of_one_view__leave_room_for_other_kinds),
        cmocka_unit_test(any__ties__go_in_turn_through_the_kinds),
        cmocka_unit_test(feature__description_owner_and_tags__are_searched),
        cmocka_unit_test(service__in_a_namespace__is_found_when_all_its_views_are_there),
        cmocka_unit_test(scope__random_catalogs__answer_as_if_the_rest_did_not_exist),
        cmocka_unit_test(unrelated_tables__added__remove_no_hit),
        cmocka_unit_test(k__smaller__is_the_beginning_of_a_larger),
        cmocka_unit_test(join__linked_table__comes_with_the_one_that_matches),
        cmocka_unit_test(coherence__table_of_a_matching_database__comes_before_its_twin),
        cmocka_unit_test(coverage__table_with_the_missing_word__comes_second),
        cmocka_unit_test(evidence__description_and_values__find_what_names_do_not),
        cmocka_unit_test(weights__exact_name__is_above_everything_else_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
