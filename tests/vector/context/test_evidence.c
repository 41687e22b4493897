/*
 * Verified questions as evidence in a search: their tables are found by them, they say so, and without them, or for a role that
 * does not see them, an answer is what it was.
 */
#include "tests/vector/context/asking.h"

#include "core/limits.h"

static floe_arena arena;
static floe_search *search;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    search = make_search("evidence", shop_lines());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

static const char *const triples[] = {"Which articles sell best?",
                                      "SELECT 1",
                                      "shop.products shop.order_lines",
                                      "Who buys?",
                                      "SELECT 2",
                                      "shop.customers",
                                      NULL};

static floe_answer search_for(const char *text, floe_hit_kind kind, const floe_verified *verified,
                              const floe_role *role) {
    floe_query query = {.text = floe_str_of(text), .k = 10, .kind = kind, .role = role, .verified = verified};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    check_answer(&answer);
    return answer;
}

static void search__a_question_like_a_verified_one__finds_its_tables(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    floe_answer without = search_for("best selling articles", FLOE_HIT_TABLE, NULL, NULL);
    assert_int_equal(without.hit_count, 0); /* no word of it is in the catalog */
    floe_answer with = search_for("best selling articles", FLOE_HIT_TABLE, verified, NULL);
    assert_true(rank_of(&with, "shop.products") > 0 && rank_of(&with, "shop.products") <= 2);
    assert_true(rank_of(&with, "shop.order_lines") > 0 && rank_of(&with, "shop.order_lines") <= 2);
    const floe_hit *first = &with.hits[0];
    assert_true(share_of(first, "verified question") > 0);
    assert_string_equal(words_of(first, "verified question", &arena), "Which articles sell best?");
    assert_true(first->score > 0);
    floe_verified_close(&verified);
}

static void search__an_exact_name__stays_first(void **state) {
    (void)state;
    static const char *const named[] = {"salaries", "SELECT 1", "shop.customers", NULL};
    floe_verified *verified = verified_of(&arena, named);
    floe_answer answer = search_for("salaries", FLOE_HIT_TABLE, verified, NULL);
    assert_int_equal(rank_of(&answer, "hr.salaries"), 1);
    assert_true(rank_of(&answer, "shop.customers") > 1);
    floe_verified_close(&verified);
}

static void search__hidden_questions__say_nothing(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    const floe_role *role = role_of(&arena, NULL, "shop.products,shop.customers", NULL);
    floe_answer answer = search_for("best selling articles", FLOE_HIT_TABLE, verified, role);
    assert_int_equal(answer.hit_count, 0);
    floe_verified_close(&verified);
}

static void search__a_question_that_is_like_none__is_answered_as_without(void **state) {
    (void)state;
    static const char *const questions[] = {"barometer", "orders of customers", "amount people earn"};
    floe_verified *verified = verified_of(&arena, triples);
    for (size_t i = 0; i < 3; i++) {
        floe_answer with = search_for(questions[i], FLOE_HIT_ANY, verified, NULL);
        floe_answer without = search_for(questions[i], FLOE_HIT_ANY, NULL, NULL);
        assert_int_equal(with.hit_count, without.hit_count);
        for (size_t k = 0; k < with.hit_count; k++) {
            assert_string_equal(place_of(&with.hits[k], &arena), place_of(&without.hits[k], &arena));
            assert_true(with.hits[k].score == without.hits[k].score);
        }
    }
    floe_verified_close(&verified);
}

/* Answers are kept by a handle; a question that was added since must not be missed, nor one that was removed be heard. */
static void search__questions_that_come_and_go__are_never_answered_from_before(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(search_for("best selling articles", FLOE_HIT_TABLE, NULL, NULL).hit_count, 0);
        assert_true(search_for("best selling articles", FLOE_HIT_TABLE, verified, NULL).hit_count >= 2);
    }
    floe_verified_close(&verified);
}

static void search__only_in_what_is_asked(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    floe_query query = {.text = FLOE_STR("best selling articles"),
                        .k = 5,
                        .kind = FLOE_HIT_TABLE,
                        .in = FLOE_STR("hr"),
                        .verified = verified};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    assert_int_equal(answer.hit_count, 0);
    floe_verified_close(&verified);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__a_question_like_a_verified_one__finds_its_tables),
        cmocka_unit_test(search__an_exact_name__stays_first),
        cmocka_unit_test(search__hidden_questions__say_nothing),
        cmocka_unit_test(search__a_question_that_is_like_none__is_answered_as_without),
        cmocka_unit_test(search__questions_that_come_and_go__are_never_answered_from_before),
        cmocka_unit_test(search__only_in_what_is_asked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
