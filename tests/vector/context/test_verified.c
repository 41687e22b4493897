/*
 * Verified questions: what is similar, what a role sees of them, and reading files of them.
 */
#include "tests/vector/context/asking.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

static floe_arena arena;
static floe_search *search;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    search = make_search("verified", shop_lines());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const triples[] = {"How many orders were placed last month?",
                                      "SELECT count(*) FROM orders",
                                      "shop.orders",
                                      "How many customers live in Oslo?",
                                      "SELECT count(*) FROM customers WHERE city = 'Oslo'",
                                      "shop.customers",
                                      "Which customers ordered the most products?",
                                      "SELECT 1",
                                      "shop.customers shop.orders shop.order_lines",
                                      "What do people earn on average?",
                                      "SELECT avg(amount) FROM salaries",
                                      "hr.salaries",
                                      "What do people earn by badge?",
                                      "SELECT badge FROM people JOIN salaries",
                                      "hr.people hr.salaries",
                                      NULL};

/* The ids that are found, best first, as "3 1". */
static const char *found(const floe_verified *verified, const char *question, const floe_role *role, size_t k,
                         double *ret_best) {
    const floe_verified_hit *hits = NULL;
    size_t count = 0;
    floe_error err = {0};
    const char *text = "";
    assert_ok(floe_verified_find(verified, floe_str_of(question), role, k, &arena, &hits, &count, &err), &err);
    assert_true(count <= k);
    for (size_t i = 0; i < count; i++) {
        assert_true(hits[i].score >= FLOE_VERIFIED_SCORE_MIN && hits[i].score <= 1);
        assert_true(i == 0 || hits[i].score <= hits[i - 1].score);
        text = floe_arena_printf(&arena, "%s%s%lld", text, i > 0 ? " " : "", (long long)hits[i].entry->id);
    }
    if (ret_best) {
        *ret_best = count > 0 ? hits[0].score : 0;
    }
    return text;
}

static void find__the_same_question__scores_one_in_any_spelling(void **state) {
    (void)state;
    static const char *const spellings[] = {"How many orders were placed last month?",
                                            "how many orders were placed last month", "ORDERS PLACED LAST MONTH",
                                            "last month: how many placed orders"};
    floe_verified *verified = verified_of(&arena, triples);
    assert_int_equal(floe_verified_count(verified), 5);
    for (size_t i = 0; i < COUNT(spellings); i++) {
        double best = 0;
        const char *ids = found(verified, spellings[i], NULL, 1, &best);
        assert_string_equal(ids, "1");
        assert_true(best == 1);
    }
    floe_verified_close(&verified);
    assert_null(verified);
    floe_verified_close(&verified);
}

static void find__a_similar_question__comes_before_a_distant_one(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    double best = 0;
    assert_string_equal(found(verified, "customers in Oslo", NULL, 1, &best), "2");
    assert_true(best < 1);
    assert_string_equal(found(verified, "barometer", NULL, 5, NULL), "");
    assert_string_equal(found(verified, "", NULL, 5, NULL), "");
    assert_string_equal(found(NULL, "orders", NULL, 5, NULL), "");
    floe_verified_close(&verified);
}

static void find__hidden_tables_and_columns__hide_the_question(void **state) {
    (void)state;
    floe_verified *verified = verified_of(&arena, triples);
    assert_string_equal(found(verified, "what do people earn", role_of(&arena, "hr", NULL, NULL), 5, NULL), "5 4");
    assert_string_equal(found(verified, "what do people earn", role_of(&arena, NULL, "hr.salaries", NULL), 5, NULL),
                        "4");
    assert_string_equal(found(verified, "what do people earn", role_of(&arena, "hr", NULL, "hr.people.badge"), 5, NULL),
                        "4");
    assert_string_equal(found(verified, "what do people earn", role_of(&arena, "shop", NULL, NULL), 5, NULL), "");
    assert_string_equal(found(verified, "what do people earn", role_of(&arena, NULL, NULL, NULL), 5, NULL), "");
    floe_verified_close(&verified);
}

/* The answer for a role is that of a set which never held what it does not see: the same ids, and the same scores to the
 * last bit. */
static void find__for_a_role__is_the_answer_of_a_set_without_the_rest(void **state) {
    (void)state;
    static const char *const seen_triples[] = {"How many orders were placed last month?",
                                               "SELECT count(*) FROM orders",
                                               "shop.orders",
                                               "How many customers live in Oslo?",
                                               "SELECT count(*) FROM customers WHERE city = 'Oslo'",
                                               "shop.customers",
                                               "Which customers ordered the most products?",
                                               "SELECT 1",
                                               "shop.customers shop.orders shop.order_lines",
                                               NULL};
    static const char *const questions[] = {"orders of customers last month", "people who live in Oslo", "earn most",
                                            "how many products", "Oslo Oslo Oslo"};
    floe_verified *all = verified_of(&arena, triples);
    floe_verified *part = verified_of(&arena, seen_triples);
    const floe_role *role = role_of(&arena, "shop", NULL, NULL);
    for (size_t i = 0; i < COUNT(questions); i++) {
        double with = 0;
        double without = 0;
        assert_string_equal(found(all, questions[i], role, 5, &with), found(part, questions[i], NULL, 5, &without));
        assert_true(with == without);
    }
    floe_verified_close(&all);
    floe_verified_close(&part);
}

/* ---- files ---- */

typedef struct gathered {
    char text[8192];
    size_t count;
} gathered;

static floe_status gather(void *context, const floe_question_source *source, floe_error *err) {
    gathered *all = context;
    (void)err;
    all->count++;
    size_t at = strlen(all->text);
    int len = snprintf(all->text + at, sizeof(all->text) - at, "%.*s|%.*s|%.*s", FLOE_STR_ARG(source->question),
                       FLOE_STR_ARG(source->sql), FLOE_STR_ARG(source->database));
    for (size_t i = 0; i < source->table_count; i++) {
        at = strlen(all->text);
        len = snprintf(all->text + at, sizeof(all->text) - at, "|%.*s", FLOE_STR_ARG(source->tables[i]));
    }
    (void)len;
    strcat(all->text, ";");
    return FLOE_OK;
}

static floe_status read_text(const char *text, gathered *all, floe_error *err) {
    floe_question_sink sink = {.question = gather, .context = all};
    int64_t count = -1;
    *all = (gathered){0};
    FLOE_TRY(floe_questions_read(floe_str_of(text), "q.jsonl", &sink, &count, err));
    assert_int_equal(count, all->count);
    return FLOE_OK;
}

static void read__known_shapes__give_question_sql_and_tables(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"\n\n", ""},
        {"[]", ""},
        {"{\"question\":\"a\",\"sql\":\"b\"}", "a|b|;"},
        {"{\"question\":\"a\",\"sql\":\"b\"}\n\n{\"question\":\"c\",\"sql\":\"d\",\"tables\":[\"x.y\",\"z\"]}\n",
         "a|b|;c|d||x.y|z;"},
        {"{\"question\":\"a\",\"sql\":\"b\",\"database\":\"shop\",\"tables\":null}", "a|b|shop;"},
        /* BIRD's form, and Spider's, whose "sql" is a tree. */
        {"[{\"question_id\":0,\"db_id\":\"d\",\"question\":\"a\",\"evidence\":\"e\",\"SQL\":\"b\",\"difficulty\":"
         "\"simple\"}]",
         "a|b|d;"},
        {" \n[{\"db_id\":\"d\",\"query\":\"b\",\"question\":\"a\",\"query_toks\":[\"b\"],\"question_toks\":[],"
         "\"query_toks_no_value\":[],\"sql\":{\"from\":{}}},{\"question\":\"c\",\"query\":\"d\"}]",
         "a|b|d;c|d|;"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        gathered all;
        floe_error err = {0};
        assert_ok(read_text(cases[i][0], &all, &err), &err);
        assert_string_equal(all.text, cases[i][1]);
    }
}

static void read__bad_entries__are_told_by_their_place_and_nothing_is_given(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"question\":\"a\",\"sql\":\"b\"}\n{", "q.jsonl:2: "},
        {"{\"question\":\"a\"}", "no \"sql\""},
        {"{\"question\":\"a\",\"sql\":\" \"}", "no \"sql\""},
        {"{\"question\":\"a\",\"sql\":{}}", "no \"sql\""},
        {"{\"sql\":\"b\"}", "no \"question\""},
        {"{\"question\":\"  \",\"sql\":\"b\"}", "empty \"question\""},
        {"{\"question\":1,\"sql\":\"b\"}", "question"},
        {"{\"question\":\"a\",\"sql\":\"b\",\"table\":[]}", "did you mean tables"},
        {"{\"question\":\"a\",\"sql\":\"b\",\"tables\":\"x\"}", "not a list"},
        {"{\"question\":\"a\",\"sql\":\"b\",\"tables\":[1]}", "not only names"},
        {"[1]", "entry 1: "},
        {"[{\"question\":\"a\",\"sql\":\"b\"},{\"question\":\"c\"}]", "entry 2: "},
        {"[", "q.jsonl"},
        {"17", "q.jsonl:1: "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        gathered all;
        floe_error err = {0};
        assert_code(read_text(cases[i][0], &all, &err), FLOE_INVALID);
        assert_message(&err, cases[i][1]);
        assert_int_equal(all.count, 0);
    }
}

static void read__many_bad_entries__tell_ten_and_how_many_more(void **state) {
    (void)state;
    char text[2000] = "";
    for (int i = 0; i < 13; i++) {
        strcat(text, "{}\n");
    }
    gathered all;
    floe_error err = {0};
    assert_code(read_text(text, &all, &err), FLOE_INVALID);
    assert_message(&err, "q.jsonl:1: ");
    assert_message(&err, "q.jsonl:10: ");
    assert_message(&err, "and 3 more");
    assert_null(strstr(err.message, "q.jsonl:11: "));
    char array[2000] = "[";
    for (int i = 0; i < 12; i++) {
        strcat(array, i ? ",{}" : "{}");
    }
    strcat(array, "]");
    floe_error_clear(&err);
    assert_code(read_text(array, &all, &err), FLOE_INVALID);
    assert_message(&err, "and 2 more");
}

/* ---- resolving ---- */

static const char *resolved(const floe_question_source *source, const floe_sql_check *check) {
    floe_question_entry entry = {0};
    floe_error err = {0};
    if (floe_failed(floe_question_resolve(search, source, check, &arena, &entry, &err))) {
        return floe_arena_printf(&arena, "%s: %s", floe_code_describe(err.code)->name, err.message);
    }
    const char *text = "";
    for (size_t i = 0; i < entry.table_count; i++) {
        text = floe_arena_printf(&arena, "%s%s%.*s.%.*s", text, i > 0 ? " " : "",
                                 FLOE_STR_ARG(entry.tables[i].database), FLOE_STR_ARG(entry.tables[i].table));
    }
    return text;
}

static void resolve__tables__are_those_of_the_index(void **state) {
    (void)state;
    fake_checker fake = {0};
    floe_sql_check check = fake_check(&fake);
    const floe_str given[] = {FLOE_STR("customers"), FLOE_STR("shop.products"), FLOE_STR("CUSTOMERS")};
    floe_question_source source = {.question = FLOE_STR("q"),
                                   .sql = FLOE_STR("select * from customers join salaries s")};
    assert_string_equal(resolved(&source, &check), "shop.customers hr.salaries");
    assert_string_equal(resolved(&source, NULL), "INVALID: the question \"q\": name the tables that the SQL reads");
    source.tables = given;
    source.table_count = 3;
    assert_string_equal(resolved(&source, NULL), "shop.customers shop.products");
    assert_int_equal(fake.parse_count, 1);
    floe_question_source two = {.question = FLOE_STR("q"), .sql = FLOE_STR("select * from orders")};
    assert_non_null(strstr(resolved(&two, &check), "CONFLICT"));
    two.database = FLOE_STR("other");
    assert_string_equal(resolved(&two, &check), "other.orders");
    floe_question_source gone = {.question = FLOE_STR("q"), .sql = FLOE_STR("select * from custmers")};
    const char *message = resolved(&gone, &check);
    assert_non_null(strstr(message, "NOT_FOUND"));
    assert_non_null(strstr(message, "did you mean shop.customers?"));
    floe_question_source none = {.question = FLOE_STR("q"), .sql = FLOE_STR("select 1")};
    assert_non_null(strstr(resolved(&none, &check), "reads no table"));
    floe_question_source drop = {.question = FLOE_STR("q"), .sql = FLOE_STR("drop table customers")};
    assert_non_null(strstr(resolved(&drop, &check), "DENIED"));
}

/* ---- personal data ---- */

/* A question is found by the words it was asked with; what is shown of it, and of its SQL, is masked. */
static void find__personal_literals__are_masked_in_what_is_shown(void **state) {
    (void)state;
    static const char *const asked[] = {"What did jane@example.com order?",
                                        "SELECT * FROM orders WHERE mail = 'jane@example.com' -- +44 20 7946 0958",
                                        "shop.orders", NULL};
    floe_verified *verified = verified_of(&arena, asked);
    const floe_verified_hit *hits = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(
        floe_verified_find(verified, FLOE_STR("what did jane@example.com order"), NULL, 5, &arena, &hits, &count, &err),
        &err);
    assert_int_equal(count, 1);
    assert_true(hits[0].score == 1);
    assert_true(floe_str_is(hits[0].entry->question, "What did <e-mail> order?"));
    assert_true(floe_str_is(hits[0].entry->sql, "SELECT * FROM orders WHERE mail = '<e-mail>' -- <phone>"));
    floe_verified_close(&verified);
}

/* Nowhere in a context, as text or as JSON, nor in the reasons of a search. */
static void answers__with_a_personal_question__do_not_repeat_it(void **state) {
    (void)state;
    static const char *const asked[] = {"Which orders did jane@example.com place?",
                                        "SELECT * FROM orders WHERE mail = 'jane@example.com'", "shop.orders", NULL};
    floe_verified *verified = verified_of(&arena, asked);
    floe_context_request request = {.question = FLOE_STR("which orders did jane place"), .verified = verified};
    floe_context context = context_of(search, &arena, &request);
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_context_print_json(&context, &out);
    floe_buf_byte(&out, '\0');
    if (!strstr(out.ptr, "e-mail>") || strstr(out.ptr, "jane@")) {
        fail_msg("%s", out.ptr);
    }
    floe_query query = {.text = FLOE_STR("which orders did jane place"), .k = 5, .verified = verified};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    assert_string_equal(words_of(&answer.hits[0], "verified question", &arena), "Which orders did <e-mail> place?");
    floe_verified_close(&verified);
}

/* ---- memory ---- */

static floe_status open_and_find(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    FLOE_CLEANUP(floe_verified_close) floe_verified *verified = NULL;
    floe_question_table table = {FLOE_STR("d"), FLOE_STR("t")};
    floe_question_entry entry = {1, FLOE_STR("how many rows"), FLOE_STR("SELECT 1"), &table, 1, 0};
    const floe_verified_hit *hits = NULL;
    size_t count = 0;
    (void)context;
    floe_arena_init(&own, FLOE_MIB(1));
    FLOE_TRY(floe_verified_open(&entry, 1, &verified, err));
    return floe_verified_find(verified, FLOE_STR("rows"), NULL, 3, &own, &hits, &count, err);
}

static floe_status read_both(void *context, floe_error *err) {
    gathered all;
    (void)context;
    FLOE_TRY(read_text("{\"question\":\"a\",\"sql\":\"b\",\"tables\":[\"t\"]}", &all, err));
    return read_text("[{\"question\":\"a\",\"sql\":\"b\",\"tables\":[\"t\"]}]", &all, err);
}

static void verified__any_allocation_fails__is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(open_and_find, NULL) > 0);
    assert_true(floe_test_alloc_sweep(read_both, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__the_same_question__scores_one_in_any_spelling),
        cmocka_unit_test(find__a_similar_question__comes_before_a_distant_one),
        cmocka_unit_test(find__hidden_tables_and_columns__hide_the_question),
        cmocka_unit_test(find__for_a_role__is_the_answer_of_a_set_without_the_rest),
        cmocka_unit_test(read__known_shapes__give_question_sql_and_tables),
        cmocka_unit_test(read__bad_entries__are_told_by_their_place_and_nothing_is_given),
        cmocka_unit_test(read__many_bad_entries__tell_ten_and_how_many_more),
        cmocka_unit_test(resolve__tables__are_those_of_the_index),
        cmocka_unit_test(find__personal_literals__are_masked_in_what_is_shown),
        cmocka_unit_test(answers__with_a_personal_question__do_not_repeat_it),
        cmocka_unit_test(verified__any_allocation_fails__is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
