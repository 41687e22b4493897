/*
 * Where there are many of something: exact names, tables that refer to one, words that share a place of a cache.
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/context/context.h"
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&name, FLOE_MIB(64))

#define SPACES 100
#define SPOKES 100

static void exact_names__more_than_the_pool_holds__all_come_first(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    for (int i = 0; i < SPACES; i++) {
        floe_buf_printf(
            &lines,
            "{\"database\":\"s%02d\",\"table\":\"orders\",\"columns\":[{\"name\":\"customer\"}],\"foreign_keys\":[{"
            "\"columns\":[\"customer\"],\"table\":\"customers\",\"references\":[\"id\"]}]}\n"
            "{\"database\":\"s%02d\",\"table\":\"customers\",\"columns\":[{\"name\":\"id\"}]}\n",
            i, i);
    }
    floe_buf_byte(&lines, '\0');
    floe_search *search = make_search("exact", lines.ptr);
    floe_answer answer = ask(search, &arena, "orders", SPACES + 20, FLOE_HIT_TABLE, "");
    check_answer(&answer);
    assert_int_equal(answer.hit_count, SPACES + FLOE_GREEDY_FRONT); /* and whom the first of them refer to */
    for (size_t i = 0; i < answer.hit_count; i++) {
        assert_int_equal(floe_str_is(answer.hits[i].table, "orders"), i < SPACES);
        assert_int_equal(share_of(&answer.hits[i], "exact name") > 0, i < SPACES);
    }
    floe_search_close(&search);
}

/* "zebra" is the last of a hundred in the order of names. */
static floe_search *open_hub(void) {
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    floe_buf_text(
        &lines,
        "{\"database\":\"d\",\"table\":\"hub\",\"columns\":[{\"name\":\"hub_key\"},{\"name\":\"area\"}],\"primary_"
        "key\":["
        "\"hub_key\"],\"foreign_keys\":[{\"columns\":[\"area\"],\"table\":\"zones\",\"references\":[\"code\"]}]}\n"
        "{\"database\":\"d\",\"table\":\"zones\",\"columns\":[{\"name\":\"code\"}]}\n");
    for (int i = 0; i < SPOKES; i++) {
        floe_buf_printf(
            &lines,
            "{\"database\":\"d\",\"table\":\"%s%02d\",\"columns\":[{\"name\":\"of_hub\"}],\"foreign_keys\":[{"
            "\"columns\":[\"of_hub\"],\"table\":\"hub\",\"references\":[\"hub_key\"]}]}\n",
            i == SPOKES - 1 ? "zebra" : "spoke", i);
    }
    floe_buf_byte(&lines, '\0');
    return make_search("hub", lines.ptr);
}

static void join__of_a_table_that_many_refer_to__counts_for_each(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_hub();
    floe_answer answer = ask(search, &arena, "hub zebra", 5, FLOE_HIT_TABLE, "");
    size_t hub = rank_of(&answer, "d.hub");
    size_t zebra = rank_of(&answer, "d.zebra99");
    assert_in_range(hub, 1, 2);
    assert_in_range(zebra, 1, 2);
    const floe_hit *second = &answer.hits[1];
    assert_true(share_of(second, "join") > 0);
    floe_search_close(&search);
}

static void described__table_that_many_refer_to__has_its_own_key(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_hub();
    floe_described_table table = {0};
    floe_error err = {0};
    assert_ok(floe_search_describe(search, FLOE_STR("d.hub"), NULL, &arena, &table, &err), &err);
    bool own = false;
    for (size_t i = 0; i < table.join_count; i++) {
        own = own || floe_str_is(table.joins[i].other_table, "zones") || floe_str_is(table.joins[i].table, "zones");
    }
    assert_true(own);
    floe_search_close(&search);
}

/* The cache of words has 4096 places; of a hundred made words some share one. */
static void question__words_of_one_place__keep_their_near_words(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    const char *import =
        make_file("words.jsonl", "{\"database\":\"d\",\"table\":\"words\",\"columns\":[{\"name\":\"wabcde\"}]}\n"
                                 "{\"database\":\"d\",\"table\":\"others\",\"columns\":[{\"name\":\"wbcdea\"}]}\n");
    floe_index_request request = {
        .folder = make_folder("words"), .imports = &import, .import_count = 1, .embedder = &embedder.base};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, &embedder.base, &search, &err), &err);
    char words[400][8];
    size_t pairs = 0;
    for (size_t i = 0; i < 400; i++) {
        (void)snprintf(words[i], sizeof(words[i]), "w%c%c%c%c", (int)('a' + i % 20), (int)('a' + i / 20 % 20),
                       (int)('b' + i % 7), (int)('c' + i % 11));
        for (size_t k = 0; k < i && pairs < 5; k++) {
            if (floe_wording_id(floe_str_of(words[i])) % 4096 != floe_wording_id(floe_str_of(words[k])) % 4096) {
                continue;
            }
            const char *one = floe_arena_printf(&arena, "%s %s", words[i], words[k]);
            const char *same = floe_arena_printf(&arena, " %s  %s ", words[i], words[k]); /* kept answers are by text */
            floe_answer first = ask(search, &arena, one, 4, FLOE_HIT_ANY, "");
            floe_answer again = ask(search, &arena, same, 4, FLOE_HIT_ANY, "");
            assert_int_equal(first.hit_count, again.hit_count);
            for (size_t h = 0; h < first.hit_count; h++) {
                assert_string_equal(place_of(&first.hits[h], &arena), place_of(&again.hits[h], &arena));
                assert_string_equal(words_of(&first.hits[h], "similar words", &arena),
                                    words_of(&again.hits[h], "similar words", &arena));
            }
            pairs++;
        }
    }
    assert_true(pairs > 0);
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_names__more_than_the_pool_holds__all_come_first),
        cmocka_unit_test(join__of_a_table_that_many_refer_to__counts_for_each),
        cmocka_unit_test(described__table_that_many_refer_to__has_its_own_key),
        cmocka_unit_test(question__words_of_one_place__keep_their_near_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
