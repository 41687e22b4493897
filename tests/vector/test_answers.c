/*
 * Kept answers: the same question has the same answer, another question has another, and what is kept is a copy.
 */
#include "tests/vector/maker.h"

#include "core/limits.h"
#include "vector/answers_int.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

/* An answer of one hit whose texts are made of `name`, in memory that the caller may overwrite. */
typedef struct example {
    char name[32];
    floe_reason reason;
    floe_hit hit;
    floe_answer answer;
} example;

static void make_example(example *e, const char *name) {
    (void)snprintf(e->name, sizeof(e->name), "%s", name);
    floe_str text = floe_str_of(e->name);
    e->reason = (floe_reason){.signal = FLOE_STR("names"), .score = 0.5, .words = text};
    e->hit = (floe_hit){.kind = FLOE_HIT_COLUMN,
                        .database = text,
                        .table = text,
                        .column = text,
                        .description = text,
                        .score = 0.5,
                        .reasons = &e->reason,
                        .reason_count = 1};
    e->answer = (floe_answer){.mode = FLOE_STR("lexical"), .hits = &e->hit, .hit_count = 1};
}

static floe_query query_of(const char *text) {
    return (floe_query){.text = floe_str_of(text), .k = 5, .kind = FLOE_HIT_ANY};
}

static bool get(const floe_answers *answers, floe_query query, floe_arena *arena, floe_answer *ret_answer) {
    return floe_answers_get(answers, &query, arena, ret_answer);
}

static void answers__nothing_kept__gives_nothing(void **state) {
    (void)state;
    ARENA(arena);
    floe_answer answer = {.hit_count = 77};
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    assert_false(get(answers, query_of("a"), &arena, &answer));
    assert_false(get(NULL, query_of("a"), &arena, &answer));
    assert_int_equal(answer.hit_count, 77);
}

static void answers__kept__is_a_copy(void **state) {
    (void)state;
    ARENA(arena);
    example e;
    floe_answer answer = {0};
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    char text[] = "flight delay";
    floe_query query = query_of(text);
    make_example(&e, "flights");
    floe_answers_put(answers, &query, &e.answer);
    memset(&e, 'x', sizeof(e));
    memset(text, 'x', sizeof(text) - 1);
    assert_true(get(answers, query_of("flight delay"), &arena, &answer));
    assert_int_equal(answer.hit_count, 1);
    const floe_hit *hit = &answer.hits[0];
    const floe_str texts[] = {hit->database, hit->table, hit->column, hit->description, hit->reasons[0].words};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_true(floe_str_is(texts[i], "flights"));
    }
    assert_true(floe_str_is(hit->reasons[0].signal, "names"));
    assert_true(floe_str_is(answer.mode, "lexical"));
    assert_true(hit->score == 0.5 && hit->reasons[0].score == 0.5);
    /* What was got is the caller's own, too. */
    floe_answers_close(&answers);
    assert_true(floe_str_is(hit->table, "flights"));
}

static void answers__another_question__has_none(void **state) {
    (void)state;
    ARENA(arena);
    example e;
    floe_answer answer = {0};
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    floe_query query = query_of("a question");
    make_example(&e, "t");
    floe_answers_put(answers, &query, &e.answer);
    floe_query others[] = {query, query, query, query, query};
    others[0].text = FLOE_STR("a questioN");
    others[1].k = 6;
    others[2].kind = FLOE_HIT_TABLE;
    others[3].in = FLOE_STR("lake");
    others[4].stage = FLOE_STAGE_FUSED;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(get(answers, others[i], &arena, &answer));
    }
    assert_true(get(answers, query, &arena, &answer));
}

static void answers__many__are_right_or_gone(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    size_t kept = 0;
    for (int i = 0; i < 4 * FLOE_ANSWERS_KEPT; i++) {
        char name[32];
        example e;
        (void)snprintf(name, sizeof(name), "question %d", i);
        make_example(&e, name);
        floe_query query = query_of(name);
        floe_answers_put(answers, &query, &e.answer);
        floe_answer answer = {0};
        assert_true(get(answers, query, &arena, &answer));
    }
    for (int i = 0; i < 4 * FLOE_ANSWERS_KEPT; i++) {
        char name[32];
        floe_answer answer = {0};
        (void)snprintf(name, sizeof(name), "question %d", i);
        if (get(answers, query_of(name), &arena, &answer)) {
            assert_true(floe_str_is(answer.hits[0].table, name));
            kept++;
        }
    }
    assert_in_range(kept, 1, FLOE_ANSWERS_KEPT);
}

static void answers__too_large__is_not_kept(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    static char large[2 * 1024 * 1024];
    memset(large, 'a', sizeof(large));
    floe_hit hit = {.kind = FLOE_HIT_TABLE, .description = {large, sizeof(large)}};
    floe_answer answer = {.mode = FLOE_STR("lexical"), .hits = &hit, .hit_count = 1};
    floe_query query = query_of("large");
    floe_answers_put(answers, &query, &answer);
    assert_false(get(answers, query, &arena, &answer));
    /* The place is usable again. */
    example e;
    make_example(&e, "small");
    floe_answers_put(answers, &query, &e.answer);
    assert_true(get(answers, query, &arena, &answer));
}

static void answers__empty_answer__is_kept(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_CLEANUP(floe_answers_close) floe_answers *answers = floe_answers_open();
    floe_answer empty = {.mode = FLOE_STR("lexical")};
    floe_answer answer = {.hit_count = 3};
    floe_query query = query_of("nothing");
    floe_answers_put(answers, &query, &empty);
    assert_true(get(answers, query, &arena, &answer));
    assert_int_equal(answer.hit_count, 0);
}

/* ---- through a handle ---- */

static const char lake[] = "{\"database\":\"a\",\"table\":\"flights\",\"columns\":[{\"name\":\"delay\"}]}\n"
                           "{\"database\":\"b\",\"table\":\"delays\",\"columns\":[{\"name\":\"flight\"}]}\n";

static void search__asked_again__says_the_same(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF first;
    FLOE_AUTO_BUF again;
    floe_buf_init(&first, FLOE_MIB(1));
    floe_buf_init(&again, FLOE_MIB(1));
    floe_search *search = make_search("again", lake);
    floe_answer one = ask(search, &arena, "flight delay", 9, FLOE_HIT_ANY, "");
    (void)ask(search, &arena, "flights", 9, FLOE_HIT_ANY, "b");
    floe_answer two = ask(search, &arena, "flight delay", 9, FLOE_HIT_ANY, "");
    floe_answer_print_json(&one, &first);
    floe_answer_print_json(&two, &again);
    assert_int_equal(first.len, again.len);
    assert_memory_equal(first.ptr, again.ptr, first.len);
    floe_search_close(&search);
}

static void search__wrong_question_after_a_kept_one__is_still_refused(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("refused", lake);
    floe_answer answer = ask(search, &arena, "delay", 9, FLOE_HIT_ANY, "");
    floe_query query = {.text = FLOE_STR("delay"), .k = 9, .in = FLOE_STR("c")};
    floe_error err = {0};
    assert_true(answer.hit_count > 0);
    assert_code(floe_search_query(search, &query, &arena, &answer, &err), FLOE_NOT_FOUND);
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers__nothing_kept__gives_nothing),
        cmocka_unit_test(answers__kept__is_a_copy),
        cmocka_unit_test(answers__another_question__has_none),
        cmocka_unit_test(answers__many__are_right_or_gone),
        cmocka_unit_test(answers__too_large__is_not_kept),
        cmocka_unit_test(answers__empty_answer__is_kept),
        cmocka_unit_test(search__asked_again__says_the_same),
        cmocka_unit_test(search__wrong_question_after_a_kept_one__is_still_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
