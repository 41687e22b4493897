/*
 * Catalogs of more columns than are all compared with a question: columns near in meaning are still found, and the answer for
 * tables is that of comparing all of them.
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/rank/weights_int.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

#define COLUMNS 20
#define TABLES (FLOE_DENSE_COLUMNS_ALL / COLUMNS + 100)

/* Three letters from a number, pronounceable so that no two numbers below 900 share them. */
static void put_word(floe_buf *out, unsigned number) {
    static const char consonants[] = "bdfgklmnpr";
    static const char vowels[] = "aeiou";
    floe_buf_printf(out, "%c%c%c%c", consonants[number % 10], vowels[number / 10 % 5], consonants[number / 50 % 10],
                    vowels[number / 500 % 5]);
}

static floe_search *open_large(floe_embedder *embedder) {
    FLOE_AUTO_BUF lines;
    floe_test_rng rng = floe_test_rng_of(11);
    floe_search *search = NULL;
    floe_error err = {0};
    floe_buf_init(&lines, FLOE_MIB(64));
    for (unsigned t = 0; t < TABLES; t++) {
        floe_buf_printf(&lines, "{\"database\":\"s%u\",\"table\":\"", t % 7);
        put_word(&lines, t);
        floe_buf_printf(&lines, "_%u\",\"columns\":[", t);
        for (unsigned c = 0; c < COLUMNS; c++) {
            floe_buf_text(&lines, c > 0 ? ",{\"name\":\"" : "{\"name\":\"");
            if (t == 500 && c == 13) {
                floe_buf_text(&lines, "temperature_celsius");
            } else {
                put_word(&lines, (unsigned)floe_test_below(&rng, 900));
                floe_buf_printf(&lines, "_%u", c);
            }
            floe_buf_text(&lines, "\"}");
        }
        floe_buf_text(&lines, "]}\n");
    }
    floe_buf_byte(&lines, '\0');
    const char *import = make_file("large.jsonl", lines.ptr);
    const char *folder = make_folder("large");
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = embedder};
    floe_index_result result = make_request(&request);
    assert_int_equal(result.columns, TABLES * COLUMNS);
    assert_true(result.columns > FLOE_DENSE_COLUMNS_ALL);
    assert_ok(floe_search_open(folder, embedder, &search, &err), &err);
    return search;
}

static void large__column_near_in_meaning__is_found_with_its_table(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *search = open_large(&embedder.base);
    /* The words share letters with the column's, and no word of the catalog equals them or is a typo away. */
    static const char *const questions[] = {"temperatures in celsius", "temperat celsi", "temperaturemeasurements"};
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        floe_answer tables = ask(search, &arena, questions[i], TABLES / 20, FLOE_HIT_TABLE, "");
        floe_answer columns = ask(search, &arena, questions[i], 10, FLOE_HIT_COLUMN, "");
        check_answer(&tables);
        check_answer(&columns);
        assert_true(columns.hit_count > 0);
        assert_true(floe_str_is(columns.hits[0].column, "temperature_celsius"));
        /* Vectors of twenty-four numbers are crude, and one near column in twenty says little of a table: it is among the
         * first twentieth. */
        bool found = false;
        for (size_t h = 0; h < tables.hit_count; h++) {
            found = found || floe_str_equal(tables.hits[h].table, columns.hits[0].table);
        }
        assert_true(found);
    }
    floe_search_close(&search);
}

static void large__answers__are_within_the_namespace_asked(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *search = open_large(&embedder.base);
    floe_answer answer = ask(search, &arena, "temperature", 50, FLOE_HIT_ANY, "s2");
    check_answer(&answer);
    for (size_t i = 0; i < answer.hit_count; i++) {
        assert_true(floe_str_is(answer.hits[i].database, "s2"));
    }
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large__column_near_in_meaning__is_found_with_its_table),
        cmocka_unit_test(large__answers__are_within_the_namespace_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
