/*
 * What is asked for by its name comes first, in any spelling; and filters by kind and namespace.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(256))

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
    floe_search *search = search_lake("exact");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact__table_name__is_first_in_any_spelling),
        cmocka_unit_test(exact__name_in_its_own_letters__is_before_those_of_other_letters),
        cmocka_unit_test(exact__name_without_words__is_found_by_itself_alone),
        cmocka_unit_test(exact__name_of_stop_words__is_found),
        cmocka_unit_test(exact__column_and_feature__are_first_among_all_kinds),
        cmocka_unit_test(filter__kind_and_namespace__are_applied_before_the_cut),
        cmocka_unit_test(filter__leading_part__is_cut_at_a_dot),
    };
    return cmocka_run_group_tests_name("vector/search_exact", tests, NULL, NULL);
}
