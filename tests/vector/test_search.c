/*
 * Ranking: what must hold for every answer, on small catalogs and on random ones.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "vector/rank/weights_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(256))

static floe_search *open_lake(const char *name) {
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = make_folder(name), .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, NULL, &search, &err), &err);
    return search;
}

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
    floe_search *search = open_lake("demo");
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
    floe_search *search = open_lake("room");
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
    floe_search *search = open_lake("prose");
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
    floe_search *search = open_lake("services");
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

/* ---- exact names ---- */

/* "orders" stands in the names and columns of many tables; one table is called just that. */
static const char *crowded(void) {
    static char text[20000];
    size_t len = 0;
    for (int i = 0; i < 80; i++) {
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            "{\"database\":\"orders_%d\",\"table\":\"orders_order_%d\",\"columns\":[{\"name\":\"orders\"},"
            "{\"name\":\"order_orders\"}]}\n",
            i, i);
    }
    (void)snprintf(text + len, sizeof(text) - len,
                   "{\"database\":\"archive\",\"table\":\"Orders\",\"columns\":[{\"name\":\"x\"},{\"name\":\"y\"},{"
                   "\"name\":\"z\"}]}\n"
                   "{\"database\":\"archive\",\"table\":\"who\",\"columns\":[{\"name\":\"of\"}]}\n");
    return text;
}

static void exact__table_name__is_first_in_any_spelling(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("crowded", crowded());
    static const char *const spellings[] = {
        "Orders", "orders", "ORDERS", " orders ", "archive.Orders", "archive orders", "rows in archive.orders please"};
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        floe_answer answer = ask(search, &arena, spellings[i], 5, FLOE_HIT_TABLE, "");
        assert_int_equal(rank_of(&answer, "archive.Orders"), 1);
        assert_true(share_of(&answer.hits[0], "exact name") > 0);
        assert_string_equal(words_of(&answer.hits[0], "exact name", &arena), "Orders");
    }
    floe_answer answer = ask(search, &arena, "order", 5, FLOE_HIT_TABLE, "");
    assert_true(share_of(&answer.hits[0], "exact name") == 0);
    floe_search_close(&search);
}

/* Names that are one to a person who types, but not to one who writes SQL. */
static const char spellings[] =
    "{\"database\":\"d\",\"table\":\"ORDERS\",\"columns\":[{\"name\":\"Ship_Date\"},{\"name\":\"ship date\"}]}\n"
    "{\"database\":\"d\",\"table\":\"Orders\",\"description\":\"all orders\",\"columns\":[{\"name\":\"ship_date\"}]}\n"
    "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"orders\"},{\"name\":\"ShipDate\"}]}\n"
    "{\"database\":\"d\",\"table\":\"order-s\",\"columns\":[{\"name\":\"id\"}]}\n"
    "{\"database\":\"e.f\",\"table\":\"orders\",\"columns\":[{\"name\":\"na\xC3\xAFve\"},{\"name\":\"naive\"}]}\n"
    "{\"database\":\"d\",\"table\":\"\xF0\x9F\x93\x8A\",\"columns\":[{\"name\":\"#\"},{\"name\":\"%\"}]}\n"
    "{\"database\":\"d\",\"table\":\"\xF0\x9F\x8E\x89\",\"columns\":[{\"name\":\"x\"}]}\n";

static void exact__name_in_its_own_letters__is_before_those_of_other_letters(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"ORDERS", "d.ORDERS"},       {"Orders", "d.Orders"},       {"d.Orders", "d.Orders"},
        {"d.orders", "d.orders"},     {"d.\"Orders\"", "d.Orders"}, {"`d`.`ORDERS`", "d.ORDERS"},
        {"e.f.orders", "e.f.orders"}, {"order-s", "d.order-s"},     {"\"e.f\".\"orders\"", "e.f.orders"},
        {" Orders ", "d.Orders"},     {"from d.Orders", "d.Orders"}};
    static const char *const columns[][2] = {
        {"ship_date", "d.Orders.ship_date"},         {"Ship_Date", "d.ORDERS.Ship_Date"},
        {"ship date", "d.ORDERS.ship date"},         {"ShipDate", "d.orders.ShipDate"},
        {"orders.ShipDate", "d.orders.ShipDate"},    {"d.ORDERS.Ship_Date", "d.ORDERS.Ship_Date"},
        {"na\xC3\xAFve", "e.f.orders.na\xC3\xAFve"}, {"naive", "e.f.orders.naive"}};
    ARENA(arena);
    floe_search *search = make_search("spellings", spellings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_answer answer = ask(search, &arena, rows[i][0], 10, FLOE_HIT_TABLE, "");
        check_answer(&answer);
        assert_int_equal(rank_of(&answer, rows[i][1]), 1);
    }
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        floe_answer answer = ask(search, &arena, columns[i][0], 10, FLOE_HIT_COLUMN, "");
        check_answer(&answer);
        assert_int_equal(rank_of(&answer, columns[i][1]), 1);
    }
    /* The others of the name come next, before what is none: four tables are "orders". */
    floe_answer answer = ask(search, &arena, "ORDERS", 10, FLOE_HIT_TABLE, "");
    for (size_t i = 0; i < 4; i++) {
        assert_true(share_of(&answer.hits[i], "exact name") > 0);
    }
    floe_search_close(&search);
}

static void exact__name_without_words__is_found_by_itself_alone(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("bare", spellings);
    floe_answer answer = ask(search, &arena, "\xF0\x9F\x93\x8A", 10, FLOE_HIT_ANY, "");
    check_answer(&answer);
    assert_int_equal(rank_of(&answer, "d.\xF0\x9F\x93\x8A"), 1);
    assert_int_equal(rank_of(&answer, "d.\xF0\x9F\x8E\x89"), 0);
    assert_true(share_of(&answer.hits[0], "exact name") > 0);
    answer = ask(search, &arena, " # ", 10, FLOE_HIT_ANY, "");
    assert_int_equal(rank_of(&answer, "d.\xF0\x9F\x93\x8A.#"), 1);
    assert_int_equal(rank_of(&answer, "d.\xF0\x9F\x93\x8A.%"), 0);
    /* A namespace is none of its tables that have no words. */
    answer = ask(search, &arena, "d", 10, FLOE_HIT_TABLE, "");
    assert_true(answer.hit_count == 0 || share_of(&answer.hits[0], "exact name") == 0);
    assert_int_equal(ask(search, &arena, "?!", 10, FLOE_HIT_ANY, "").hit_count, 0);
    floe_search_close(&search);
}

static void exact__name_of_stop_words__is_found(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("stop", crowded());
    floe_answer answer = ask(search, &arena, "who", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "archive.who"), 1);
    answer = ask(search, &arena, "of", 5, FLOE_HIT_COLUMN, "");
    assert_int_equal(rank_of(&answer, "archive.who.of"), 1);
    floe_search_close(&search);
}

static void exact__column_and_feature__are_first_among_all_kinds(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("exact");
    static const struct {
        const char *question, *place;
    } cases[] = {{"flights.delay", "lake.aviation.flights.delay"},
                 {"lake.aviation.flights.delay", "lake.aviation.flights.delay"},
                 {"celsius", "lake.climate.stations.celsius"},
                 {"release date", "films.movies.release_date"},
                 {"airport_delays:delay_mean_7d", "airport_delays:delay_mean_7d"},
                 {"delay_mean_7d", "airport_delays:delay_mean_7d"},
                 {"airport_delays", "airport_delays"},
                 {"Airport Delays", "airport_delays"},
                 {"delay_model", "delay_model"},
                 {"lake.aviation.flights", "lake.aviation.flights"},
                 {"movies", "films.movies"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_answer answer = ask(search, &arena, cases[i].question, 10, FLOE_HIT_ANY, "");
        if (rank_of(&answer, cases[i].place) != 1) {
            fail_msg("%s: %s is at %zu", cases[i].question, cases[i].place, rank_of(&answer, cases[i].place));
        }
    }
    floe_search_close(&search);
}

/* ---- filters ---- */

static void filter__kind_and_namespace__are_applied_before_the_cut(void **state) {
    (void)state;
    static char text[60000];
    size_t len = 0;
    for (int i = 0; i < 300; i++) {
        /* In the namespace "far" the words are worse hidden: every table matches less than any of the others. */
        len += (size_t)snprintf(
            text + len, sizeof(text) - len,
            "{\"database\":\"%s\",\"table\":\"%s_%d\",\"columns\":[{\"name\":\"delay\"},{\"name\":\"c\"}]}\n",
            i < 290 ? "near" : "far", i < 290 ? "flight_delay" : "x_y_z_q_delays", i);
    }
    ARENA(arena);
    floe_search *search = make_search("filter", text);
    for (size_t k = 1; k <= 10; k++) {
        floe_answer answer = ask(search, &arena, "flight delay", k, FLOE_HIT_TABLE, "far");
        assert_int_equal(answer.hit_count, k);
        for (size_t i = 0; i < k; i++) {
            assert_true(floe_str_is(answer.hits[i].database, "far"));
        }
        answer = ask(search, &arena, "flight delay", k, FLOE_HIT_COLUMN, "far");
        assert_int_equal(answer.hit_count, k);
        for (size_t i = 0; i < k; i++) {
            assert_int_equal(answer.hits[i].kind, FLOE_HIT_COLUMN);
        }
        answer = ask(search, &arena, "flight delay", k, FLOE_HIT_FEATURE, "");
        assert_int_equal(answer.hit_count, 0);
    }
    assert_int_equal(ask(search, &arena, "flight delay", 1000, FLOE_HIT_TABLE, "").hit_count, 300);
    floe_search_close(&search);
}

static void filter__leading_part__is_cut_at_a_dot(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("prefix", "{\"database\":\"lake.a\",\"table\":\"delay\"}\n"
                                                "{\"database\":\"lake.b\",\"table\":\"delay\"}\n"
                                                "{\"database\":\"lakeside\",\"table\":\"delay\"}\n");
    assert_int_equal(ask(search, &arena, "delay", 9, FLOE_HIT_TABLE, "lake").hit_count, 2);
    assert_int_equal(ask(search, &arena, "delay", 9, FLOE_HIT_TABLE, "lake.a").hit_count, 1);
    assert_int_equal(ask(search, &arena, "delay", 9, FLOE_HIT_TABLE, "lakeside").hit_count, 1);
    assert_int_equal(ask(search, &arena, "delay", 9, FLOE_HIT_TABLE, "").hit_count, 3);
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

static void same_answer(const floe_answer *a, const floe_answer *b) {
    ARENA(arena);
    assert_int_equal(a->hit_count, b->hit_count);
    for (size_t i = 0; i < a->hit_count; i++) {
        assert_string_equal(place_of(&a->hits[i], &arena), place_of(&b->hits[i], &arena));
        assert_true(fabs(a->hits[i].score - b->hits[i].score) < 1e-12);
        assert_int_equal(a->hits[i].reason_count, b->hits[i].reason_count);
        for (size_t j = 0; j < a->hits[i].reason_count; j++) {
            assert_true(floe_str_equal(a->hits[i].reasons[j].signal, b->hits[i].reasons[j].signal));
            assert_true(fabs(a->hits[i].reasons[j].score - b->hits[i].reasons[j].score) < 1e-12);
        }
    }
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
            same_answer(&within, &without);
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
        same_answer(&small, &again);
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
    floe_search *search = open_lake("evidence");
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

/* ---- questions of every shape ---- */

static void question__syntax_of_query_languages__is_harmless(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_lake("syntax");
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
    floe_search *search = open_lake("bytes");
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
    floe_search *search = open_lake("longest");
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
    floe_search *search = open_lake("nothing");
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
    floe_search *search = open_lake("wrong");
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
    floe_search *search = open_lake("nomem");
    floe_answer before = ask(search, &arena, "flight delay", 10, FLOE_HIT_ANY, "");
    assert_true(floe_test_alloc_sweep(query_once, search) > 0);
    floe_answer after = ask(search, &arena, "flight delay", 10, FLOE_HIT_ANY, "");
    same_answer(&before, &after);
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
        cmocka_unit_test(any__flight_delay__finds_table_column_and_features),
        cmocka_unit_test(any__many_features_of_one_view__leave_room_for_other_kinds),
        cmocka_unit_test(any__ties__go_in_turn_through_the_kinds),
        cmocka_unit_test(feature__description_owner_and_tags__are_searched),
        cmocka_unit_test(service__in_a_namespace__is_found_when_all_its_views_are_there),
        cmocka_unit_test(exact__table_name__is_first_in_any_spelling),
        cmocka_unit_test(exact__name_in_its_own_letters__is_before_those_of_other_letters),
        cmocka_unit_test(exact__name_without_words__is_found_by_itself_alone),
        cmocka_unit_test(exact__name_of_stop_words__is_found),
        cmocka_unit_test(exact__column_and_feature__are_first_among_all_kinds),
        cmocka_unit_test(filter__kind_and_namespace__are_applied_before_the_cut),
        cmocka_unit_test(filter__leading_part__is_cut_at_a_dot),
        cmocka_unit_test(scope__random_catalogs__answer_as_if_the_rest_did_not_exist),
        cmocka_unit_test(unrelated_tables__added__remove_no_hit),
        cmocka_unit_test(k__smaller__is_the_beginning_of_a_larger),
        cmocka_unit_test(join__linked_table__comes_with_the_one_that_matches),
        cmocka_unit_test(coherence__table_of_a_matching_database__comes_before_its_twin),
        cmocka_unit_test(coverage__table_with_the_missing_word__comes_second),
        cmocka_unit_test(evidence__description_and_values__find_what_names_do_not),
        cmocka_unit_test(weights__exact_name__is_above_everything_else_together),
        cmocka_unit_test(question__syntax_of_query_languages__is_harmless),
        cmocka_unit_test(question__random_bytes__is_harmless),
        cmocka_unit_test(question__longest_allowed__is_answered),
        cmocka_unit_test(question__nothing_matches__is_an_empty_answer),
        cmocka_unit_test(question__wrong__is_refused),
        cmocka_unit_test(query__any_allocation_fails__is_nomem_and_leaves_the_handle_whole),
        cmocka_unit_test(json__one_hit__is_as_documented),
        cmocka_unit_test(kind__names__are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
