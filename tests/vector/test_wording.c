/*
 * What of a unit is embedded: each text with its link, in full, for tables and for views. Expected texts are read off the rules in
 * meaning_int.h: names are split, abbreviations read, marks before a name left out (not of the words by themselves).
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/meaning_int.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS_MAX 256

typedef struct noted {
    char lines[TEXTS_MAX][200];
    size_t count;
} noted;

static const char *const link_names[FLOE_LINK_COUNT] = {"table",        "column",      "feature",     "table word",
                                                        "table phrase", "column word", "feature word"};

static floe_status note(void *context, floe_link_id link, size_t part, floe_str text, floe_error *err) {
    noted *all = context;
    (void)err;
    assert_in_range(all->count, 0, TEXTS_MAX - 1);
    (void)snprintf(all->lines[all->count++], sizeof(all->lines[0]), "%s %d: %.*s", link_names[link],
                   part == SIZE_MAX ? -1 : (int)part, FLOE_STR_ARG(text));
    return FLOE_OK;
}

static int compare_lines(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Texts of one link and part may come repeatedly, and links in any order. */
static size_t settle(noted *all) {
    qsort(all->lines, all->count, sizeof(all->lines[0]), compare_lines);
    size_t unique = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (i == 0 || strcmp(all->lines[i], all->lines[unique - 1]) != 0) {
            memmove(all->lines[unique++], all->lines[i], sizeof(all->lines[0]));
        }
    }
    return unique;
}

static void check(const floe_unit *unit, const char *const *wanted, size_t count) {
    static noted all;
    FLOE_AUTO_ARENA arena;
    floe_speller speller;
    floe_error err = {0};
    floe_wording_sink sink = {note, &all};
    floe_arena_init(&arena, FLOE_MIB(64));
    all.count = 0;
    assert_ok(floe_speller_init(&speller, &arena, FLOE_STR("cust customer\n"), &err), &err);
    assert_ok(floe_wording_each(unit, &speller, &sink, &err), &err);
    size_t unique = settle(&all);
    for (size_t i = 0; i < unique || i < count; i++) {
        const char *got = i < unique ? all.lines[i] : "(nothing)";
        const char *want = i < count ? wanted[i] : "(nothing)";
        if (strcmp(got, want) != 0) {
            fail_msg("text %zu is \"%s\", not \"%s\"", i, got, want);
        }
    }
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void wording__a_table__gives_document_columns_words_and_names(void **state) {
    (void)state;
    floe_part columns[] = {{.name = FLOE_STR("cust_name"), .description = FLOE_STR("Who bought.")},
                           {.name = FLOE_STR("orderDate")},
                           {.name = FLOE_STR("the_of")}};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE,
                      .space = FLOE_STR("shop"),
                      .name = FLOE_STR("tbl_orders"),
                      .description = FLOE_STR("All orders."),
                      .parts = columns,
                      .part_count = 3};
    static const char *const wanted[] = {
        "column 0: orders customer name. Who bought.",
        "column 1: orders order date",
        "column 2: orders the of",
        "column word 0: customer",
        "column word 0: name",
        "column word 1: date",
        "column word 1: order",
        "column word 2: of",
        "column word 2: the",
        "table -1: orders. All orders.: customer name, order date, the of",
        "table phrase -1: orders",
        "table phrase 0: customer name",
        "table phrase 1: order date",
        "table phrase 2: the of",
        "table word -1: orders",
        "table word -1: shop",
        "table word -1: tbl",
        "table word 0: customer",
        "table word 0: name",
        "table word 1: date",
        "table word 1: order",
        "table word 2: of",
        "table word 2: the",
    };
    check(&unit, wanted, COUNT(wanted));
}

/* A name that is a mark alone stands for itself; one without words gives none. */
static void wording__odd_names__give_what_they_have(void **state) {
    (void)state;
    floe_part columns[] = {{.name = FLOE_STR("x")}, {.name = FLOE_STR("#")}, {.name = FLOE_STR("c_name")}};
    floe_unit unit = {
        .kind = FLOE_UNIT_TABLE, .space = FLOE_STR(""), .name = FLOE_STR("T_A"), .parts = columns, .part_count = 3};
    static noted all;
    FLOE_AUTO_ARENA arena;
    floe_speller speller;
    floe_error err = {0};
    floe_wording_sink sink = {note, &all};
    floe_arena_init(&arena, FLOE_MIB(64));
    all.count = 0;
    assert_ok(floe_speller_init(&speller, &arena, FLOE_STR(""), &err), &err);
    assert_ok(floe_wording_each(&unit, &speller, &sink, &err), &err);
    size_t unique = settle(&all);
    bool phrase = false;
    for (size_t i = 0; i < unique; i++) {
        assert_true(strncmp(all.lines[i], "table phrase 1:", 15) != 0);
        assert_true(strncmp(all.lines[i], "column word 1:", 14) != 0);
        phrase = phrase || strcmp(all.lines[i], "table phrase 2: name") == 0;
    }
    assert_true(phrase);
}

static floe_status refuse(void *context, floe_link_id link, size_t part, floe_str text, floe_error *err) {
    size_t *left = context;
    (void)link;
    (void)part;
    (void)text;
    return *left > 0 ? ((*left)--, FLOE_OK) : FLOE_FAIL(err, FLOE_LIMIT, "enough");
}

/* Whatever text the sink refuses, the call ends with its error and gives back what it holds. */
static void wording__a_sink_that_refuses__ends_the_call(void **state) {
    (void)state;
    floe_part columns[] = {{.name = FLOE_STR("a_b")}, {.name = FLOE_STR("c_d")}};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE,
                      .space = FLOE_STR("shop"),
                      .name = FLOE_STR("orders"),
                      .parts = columns,
                      .part_count = 2};
    bool ended = false;
    for (size_t most = 0; !ended; most++) {
        FLOE_AUTO_ARENA arena;
        floe_speller speller;
        floe_error err = {0};
        size_t left = most;
        floe_wording_sink sink = {refuse, &left};
        floe_arena_init(&arena, FLOE_MIB(64));
        assert_ok(floe_speller_init(&speller, &arena, FLOE_STR(""), &err), &err);
        floe_status status = floe_wording_each(&unit, &speller, &sink, &err);
        ended = !floe_failed(status);
        assert_true(ended || err.code == FLOE_LIMIT);
        assert_in_range(most, 0, 100);
    }
}

static floe_status word_once(void *context, floe_error *err) {
    floe_part columns[] = {{.name = FLOE_STR("order_date")}};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE, .name = FLOE_STR("orders"), .parts = columns, .part_count = 1};
    size_t left = SIZE_MAX;
    floe_wording_sink sink = {refuse, &left};
    return floe_wording_each(&unit, context, &sink, err);
}

static void wording__any_allocation_fails__is_nomem_and_nothing_leaks(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_speller speller;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    assert_ok(floe_speller_init(&speller, &arena, FLOE_STR(""), &err), &err);
    assert_ok(word_once(&speller, &err), &err);
    assert_true(floe_test_alloc_sweep(word_once, &speller) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wording__a_table__gives_document_columns_words_and_names),
        cmocka_unit_test(wording__odd_names__give_what_they_have),
        cmocka_unit_test(wording__a_sink_that_refuses__ends_the_call),
        cmocka_unit_test(wording__any_allocation_fails__is_nomem_and_nothing_leaks),
    };
    return cmocka_run_group_tests_name("vector/wording", tests, NULL, NULL);
}
