/*
 * What questions leave behind: words of a question asked within a namespace are looked for among that namespace's words, whatever
 * nearer ones others have; and words that nobody has leave nothing in a handle, however many are asked.
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/words/spell_int.h"

#include <stdio.h>

/* More than are kept of a word. */
#define NEARER 700

static const char own[] = "{\"database\":\"mine\",\"table\":\"delivered\",\"columns\":[{\"name\":\"zebra\"}]}\n"
                          "{\"database\":\"mine\",\"table\":\"quux\",\"columns\":[{\"name\":\"mop\"}]}\n";

static void put_name(floe_buf *out, int number) {
    floe_buf_printf(out, "deliveries%c%c", 'a' + number % 26, 'a' + number / 26);
}

/* Tables of a namespace beside, whose names have nearly all letters of the question's word. */
static floe_search *open_index(const char *name, bool with_others, hash_embedder *embedder) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_search *search = NULL;
    floe_buf_init(&lines, FLOE_MIB(4));
    floe_buf_text(&lines, own);
    for (int i = 0; with_others && i < NEARER; i++) {
        floe_buf_text(&lines, "{\"database\":\"theirs\",\"table\":\"");
        put_name(&lines, i);
        floe_buf_text(&lines, "\",\"columns\":[]}\n");
    }
    floe_buf_byte(&lines, '\0');
    const char *folder = make_folder(name);
    const char *import = make_file(name, lines.ptr);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder->base};
    (void)make_request(&request);
    assert_ok(floe_search_open(folder, &embedder->base, &search, &err), &err);
    return search;
}

static void same_answer(const floe_answer *a, const floe_answer *b) {
    assert_int_equal(a->hit_count, b->hit_count);
    for (size_t i = 0; i < a->hit_count; i++) {
        assert_true(floe_str_equal(a->hits[i].table, b->hits[i].table));
        assert_true(a->hits[i].score == b->hits[i].score);
        assert_int_equal(a->hits[i].reason_count, b->hits[i].reason_count);
    }
}

static void in__others_have_nearer_words__its_own_are_found_all_the_same(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_search *whole = open_index("whole", true, &embedder);
    floe_search *part = open_index("part", false, &embedder);
    /* In either order of everything and of one namespace: what is remembered of a word is remembered of where it was looked for. */
    for (int i = 0; i < 4; i++) {
        floe_answer all = ask(whole, &arena, "deliveries", 20, FLOE_HIT_TABLE, i < 2 ? "mine" : "");
        floe_answer in = ask(whole, &arena, "deliveries", 20, FLOE_HIT_TABLE, "mine");
        floe_answer alone = ask(part, &arena, "deliveries", 20, FLOE_HIT_TABLE, "");
        assert_true(all.hit_count > 0);
        same_answer(&in, &alone);
        assert_true(in.hit_count > 0 && share_of(&in.hits[0], "similar words") > 0);
        assert_true(floe_str_is(in.hits[0].table, "delivered"));
    }
    floe_search_close(&whole);
    floe_search_close(&part);
}

static void ask__a_number__is_like_no_other_number(void **state) {
    (void)state;
    static const char lines[] = "{\"database\":\"d\",\"table\":\"sales_20231\",\"columns\":[{\"name\":\"amount\"}]}\n"
                                "{\"database\":\"d\",\"table\":\"sales_20232\",\"columns\":[{\"name\":\"amount\"}]}\n"
                                "{\"database\":\"d\",\"table\":\"delivered\",\"columns\":[{\"name\":\"day\"}]}\n";
    FLOE_AUTO_ARENA arena;
    hash_embedder embedder;
    floe_search *search = NULL;
    floe_arena_init(&arena, FLOE_MIB(64));
    hash_embedder_init(&embedder);
    const char *import = make_file("numbers.jsonl", lines);
    const char *folder = make_folder("numbers");
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder.base};
    (void)make_request(&request);
    assert_ok(floe_search_open(folder, &embedder.base, &search, NULL), NULL);
    /* The embedder puts them near, as their letters are; of words that counts, of numbers not. */
    floe_answer words = ask(search, &arena, "deliver", 5, FLOE_HIT_TABLE, "");
    assert_true(words.hit_count > 0 && floe_str_is(words.hits[0].table, "delivered"));
    floe_answer other = ask(search, &arena, "20233", 5, FLOE_HIT_TABLE, "");
    for (size_t i = 0; i < other.hit_count; i++) {
        assert_true(share_of(&other.hits[i], "similar words") == 0);
    }
    floe_answer same = ask(search, &arena, "20232", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&same, "d.sales_20232"), 1);
    assert_true(share_of(&same.hits[0], "similar words") > 0);
    assert_string_equal(words_of(&same.hits[0], "similar words", &arena), "20232");
    floe_search_close(&search);
}

/* A service that refuses our key refuses nothing to who asks; what is ours, and what the asker may try again, stays. */
static void ask__an_embedder_that_fails__is_no_fault_of_the_question(void **state) {
    (void)state;
    static const floe_code codes[][2] = {{FLOE_DENIED, FLOE_UNAVAILABLE},    {FLOE_INVALID, FLOE_UNAVAILABLE},
                                         {FLOE_NOT_FOUND, FLOE_UNAVAILABLE}, {FLOE_CORRUPT, FLOE_UNAVAILABLE},
                                         {FLOE_IO, FLOE_UNAVAILABLE},        {FLOE_UNAVAILABLE, FLOE_UNAVAILABLE},
                                         {FLOE_CANCELLED, FLOE_CANCELLED},   {FLOE_TIMEOUT, FLOE_TIMEOUT},
                                         {FLOE_NOMEM, FLOE_NOMEM},           {FLOE_CONFLICT, FLOE_UNAVAILABLE}};
    FLOE_AUTO_ARENA arena;
    hash_embedder embedder;
    floe_arena_init(&arena, FLOE_MIB(64));
    hash_embedder_init(&embedder);
    floe_search *search = open_index("failing", true, &embedder);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        floe_query query = {.text = FLOE_STR("deliveries"), .k = 5};
        floe_answer answer = {0};
        floe_error err = {0};
        embedder.fails = true;
        embedder.code = codes[i][0];
        assert_code(floe_search_query(search, &query, &arena, &answer, &err), codes[i][1]);
        assert_message(&err, "the question could not be embedded: the embedder is told to fail");
        assert_int_equal(answer.hit_count, 0);
    }
    embedder.fails = false;
    assert_true(ask(search, &arena, "deliveries", 5, FLOE_HIT_TABLE, "").hit_count > 0);
    floe_search_close(&search);
}

static void peek__words_without_end__leave_nothing_and_read_as_kept_ones(void **state) {
    (void)state;
    static const char *const words[] = {"orderlines", "custmr", "xqzzy", "qty", "delivery", "flightno"};
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_ARENA asking;
    floe_speller speller;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_arena_init(&asking, FLOE_MIB(64));
    assert_ok(floe_speller_init(&speller, &arena, FLOE_STR(""), &err), &err);
    size_t before = arena.used;
    for (int i = 0; i < 20000; i++) {
        char word[32];
        (void)snprintf(word, sizeof(word), "unheard%c%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26, 'q');
        assert_non_null(floe_speller_peek(&speller, FLOE_STR(""), floe_str_of(word), &asking));
        floe_arena_reset(&asking);
    }
    assert_int_equal(arena.used, before);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const floe_reading *peeked = floe_speller_peek(&speller, FLOE_STR(""), floe_str_of(words[i]), &asking);
        const floe_reading *kept = floe_speller_read(&speller, FLOE_STR(""), floe_str_of(words[i]));
        assert_int_equal(peeked->count, kept->count);
        assert_int_equal(peeked->known, kept->known);
        for (size_t k = 0; k < kept->count; k++) {
            assert_true(floe_str_equal(peeked->words[k], kept->words[k]));
        }
        assert_ptr_equal(floe_speller_peek(&speller, FLOE_STR(""), floe_str_of(words[i]), &asking), kept);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in__others_have_nearer_words__its_own_are_found_all_the_same),
        cmocka_unit_test(ask__a_number__is_like_no_other_number),
        cmocka_unit_test(ask__an_embedder_that_fails__is_no_fault_of_the_question),
        cmocka_unit_test(peek__words_without_end__leave_nothing_and_read_as_kept_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
