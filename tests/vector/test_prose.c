/*
 * Catalogs whose names say nothing, and are described in another language than the model's: words that only descriptions have
 * find what they stand at, with vectors and without; words that names have find names, whatever descriptions say.
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <stdio.h>

typedef struct described {
    const char *name, *description, *column, *column_description;
} described;

/* Of each, words of the description that no other has. */
static const described tables[] = {
    {"VBAK", "Verkaufsbeleg: Kopfdaten", "AUART", "Verkaufsbelegart"},
    {"VBAP", "Positionsdaten", "POSNR", "Belegposition"},
    {"VBRK", "Faktura", "FKDAT", "Fakturadatum"},
    {"KNA1", "Kundenstamm (allgemeiner Teil)", "PSTLZ", "Postleitzahl"},
    {"BSID", "Sekundärindex für Debitoren (offene Posten)", "ZFBDT", "Fälligkeit"},
    {"BSIK", "Sekundärindex für Kreditoren (offene Posten)", "LIFNR", "Lieferant"},
    {"MAKT", "Kurztexte", "SPRAS", "Sprache"},
    {"TCURR", "Umrechnungskurse", "UKURS", "Kurswert"},
    {"PA0008", "Basisbezüge", "BET01", "Betrag"},
    {"STPO", "Stückliste", "IDNRK", "Komponente"},
    {"CDHDR", "Änderungsbelege", "UDATE", "Erstellungsdatum"},
    {"EQUI", "Equipmentstammdaten", "EQUNR", "Seriennummer"},
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static void put_tables(floe_buf *out) {
    for (size_t i = 0; i < TABLES; i++) {
        floe_buf_printf(
            out,
            "{\"database\":\"sap\",\"table\":\"%s\",\"description\":\"%s\",\"columns\":[{\"name\":\"MANDT\"},"
            "{\"name\":\"%s\",\"description\":\"%s\"}]}\n",
            tables[i].name, tables[i].description, tables[i].column, tables[i].column_description);
    }
}

static floe_search *open_index(const char *name, const char *more, floe_embedder *embedder) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_search *search = NULL;
    floe_buf_init(&lines, FLOE_MIB(1));
    put_tables(&lines);
    floe_buf_text(&lines, more);
    floe_buf_byte(&lines, '\0');
    const char *folder = make_folder(name);
    const char *import = make_file(name, lines.ptr);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = embedder};
    (void)make_request(&request);
    assert_ok(floe_search_open(folder, embedder, &search, &err), &err);
    return search;
}

/* One of the first `most`. */
static void check_among(floe_search *search, const char *question, const char *table, size_t most) {
    FLOE_AUTO_ARENA arena;
    char place[128];
    floe_arena_init(&arena, FLOE_MIB(64));
    (void)snprintf(place, sizeof(place), "%s%s", strchr(table, '.') ? "" : "sap.", table);
    floe_answer answer = ask(search, &arena, question, 5, FLOE_HIT_TABLE, "");
    size_t rank = rank_of(&answer, place);
    if (rank == 0 || rank > most) {
        fail_msg("%s found %s as number %zu (0: not at all), not among the first %zu", question, place, rank, most);
    }
}

static void check_descriptions(floe_search *search, size_t most) {
    static const char *const asked[][2] = {
        {"Kopfdaten", "VBAK"},
        {"Positionsdaten", "VBAP"},
        {"Kundenstamm", "KNA1"},
        {"Debitoren", "BSID"},
        {"offene Posten der Debitoren", "BSID"},
        {"Kreditoren offene Posten", "BSIK"},
        {"Kurztexte", "MAKT"},
        {"Umrechnungskurse", "TCURR"},
        {"die Basisbezüge", "PA0008"},
        {"BASISBEZÜGE", "PA0008"},
        {"Stückliste", "STPO"},
        {"Änderungsbelege", "CDHDR"},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        check_among(search, asked[i][0], asked[i][1], most);
    }
}

static void prose__words_that_no_name_has__find_their_table(void **state) {
    (void)state;
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_embedder *const embedders[] = {NULL, &embedder.base};
    for (size_t i = 0; i < 2; i++) {
        floe_search *search = open_index(i == 0 ? "lexical" : "hybrid", "", embedders[i]);
        /* With vectors of letters a name with much the same letters may come before. */
        check_descriptions(search, i == 0 ? 1 : 2);
        floe_search_close(&search);
    }
}

static void prose__words_of_a_columns_description__find_column_and_table(void **state) {
    (void)state;
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *search = open_index("columns", "", &embedder.base);
    static const size_t places[] = {2, 3, 4, 6, 9, 11};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(64));
        const described *one = &tables[places[i]];
        floe_answer answer = ask(search, &arena, one->column_description, 5, FLOE_HIT_COLUMN, "");
        assert_true(answer.hit_count > 0);
        assert_true(floe_str_is(answer.hits[0].column, one->column));
        check_among(search, one->column_description, one->name, 1);
    }
    floe_search_close(&search);
}

/* A name that has the word is what is asked for; a description elsewhere that has it too is only said of something else. */
static void prose__words_that_a_name_has__find_the_name(void **state) {
    (void)state;
    static const char more[] =
        "{\"database\":\"dwh\",\"table\":\"debitoren_liste\",\"columns\":[{\"name\":\"betrag\"}]}\n"
        "{\"database\":\"dwh\",\"table\":\"faktura_kopf\",\"columns\":[{\"name\":\"summe\"}]}\n";
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *search = open_index("names", more, &embedder.base);
    check_among(search, "Debitoren", "dwh.debitoren_liste", 1);
    check_among(search, "faktura", "dwh.faktura_kopf", 1);
    /* With a word that only a description has beside one of a name, both tables are there. */
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_answer answer = ask(search, &arena, "faktura und Umrechnungskurse", 5, FLOE_HIT_TABLE, "");
    size_t named = rank_of(&answer, "dwh.faktura_kopf");
    size_t said = rank_of(&answer, "sap.TCURR");
    assert_true(named >= 1 && named <= 2);
    assert_true(said >= 1 && said <= 2);
    floe_search_close(&search);
}

/* What is weighed for one question is not kept for the next. */
static void prose__questions_in_turn__do_not_touch_each_other(void **state) {
    (void)state;
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *alone = open_index("alone", "", &embedder.base);
    floe_search *after = open_index("after", "", &embedder.base);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (int i = 0; i < 3; i++) {
        (void)ask(after, &arena, i == 1 ? "Umrechnungskurse" : "Basisbezüge", 5, FLOE_HIT_ANY, "");
    }
    floe_answer one = ask(alone, &arena, "MANDT Fälligkeit", 20, FLOE_HIT_ANY, "");
    floe_answer two = ask(after, &arena, "MANDT Fälligkeit", 20, FLOE_HIT_ANY, "");
    assert_int_equal(one.hit_count, two.hit_count);
    for (size_t i = 0; i < one.hit_count; i++) {
        assert_true(one.hits[i].score == two.hits[i].score);
        assert_true(floe_str_equal(one.hits[i].table, two.hits[i].table));
        assert_true(floe_str_equal(one.hits[i].column, two.hits[i].column));
    }
    floe_search_close(&alone);
    floe_search_close(&after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prose__words_that_no_name_has__find_their_table),
        cmocka_unit_test(prose__words_of_a_columns_description__find_column_and_table),
        cmocka_unit_test(prose__words_that_a_name_has__find_the_name),
        cmocka_unit_test(prose__questions_in_turn__do_not_touch_each_other),
    };
    return cmocka_run_group_tests_name("vector/prose", tests, NULL, NULL);
}
