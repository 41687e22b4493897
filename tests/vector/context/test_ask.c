/*
 * Asking: a scripted endpoint on this machine answers as a model would, well and badly; what it is sent, what its SQL must
 * pass, and what happens when it does not.
 */
#include "tests/support/http_server.h"
#include "tests/vector/context/asking.h"

#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

static floe_arena arena;
static floe_search *search;
static fake_checker fake;
static floe_sql_check check;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(512));
    search = make_search("ask", shop_lines());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

/* ---- the endpoint ---- */

typedef struct script {
    const char *const *answers; /* contents, in turn; the last one again and again */
    size_t count;
    const char *raw; /* instead of a completion */
    int status;
} script;

static void answer(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    const script *lines = context;
    (void)request;
    reply->status = lines->status > 0 ? lines->status : reply->status;
    if (lines->raw) {
        floe_buf_text(reply->body, lines->raw);
        return;
    }
    floe_json_writer writer = floe_json_writer_of(reply->body);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "choices");
    floe_json_array_begin(&writer);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "message");
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "content");
    floe_json_text(&writer, lines->answers[nth < lines->count ? nth : lines->count - 1]);
    floe_json_object_end(&writer);
    floe_json_object_end(&writer);
    floe_json_array_end(&writer);
    floe_json_object_end(&writer);
}

static floe_ask_def endpoint_of(floe_test_server *server) {
    return (floe_ask_def){.url = floe_str_of(floe_test_server_url(server, "/v1/chat/completions")),
                          .model = FLOE_STR("a-model"),
                          .api_key = FLOE_STR("sk-very-secret")};
}

/* A question with these answers of the model. What the server was sent stays until it is closed. */
static floe_status ask_with(const script *lines, const floe_ask_request *request, floe_test_server **ret_server,
                            floe_ask_answer *ret_answer, floe_error *err) {
    static script current; /* of the one server that runs at a time */
    current = *lines;
    *ret_server = floe_test_server_open(answer, &current);
    floe_ask_def endpoint = endpoint_of(*ret_server);
    floe_ask_request full = *request;
    full.endpoint = &endpoint;
    fake = (fake_checker){.refused_word = fake.refused_word};
    check = fake_check(&fake);
    full.check = &check;
    if (full.context.question.len == 0) {
        full.context.question = FLOE_STR("how many orders of customers");
    }
    return floe_ask(search, &full, &arena, ret_answer, err);
}

#define ASK(...)                                                                                                       \
    static const char *const answers[] = {__VA_ARGS__};                                                                \
    script lines = {answers, sizeof(answers) / sizeof(answers[0]), NULL, 0};                                           \
    floe_test_server *server = NULL;                                                                                   \
    floe_ask_answer got = {0};                                                                                         \
    floe_error err = {0}

/* ---- good answers ---- */

static void ask__good_sql__is_the_answer_of_one_round(void **state) {
    (void)state;
    ASK("Here:\n```sql\nSELECT count(*) FROM shop.orders\n```");
    floe_ask_request request = {0};
    fake.refused_word = NULL;
    assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
    assert_true(got.asked && got.ok);
    assert_int_equal(got.rounds, 1);
    assert_true(floe_str_is(got.sql, "SELECT count(*) FROM shop.orders"));
    assert_int_equal(got.table_count, 1);
    assert_true(floe_str_is(got.tables[0].database, "shop") && floe_str_is(got.tables[0].name, "orders"));
    assert_int_equal(got.tables[0].column_count, 4);
    assert_true(got.tables[0].imported);
    assert_string_equal(fake.bound, "orders(id,customer_id,placed,discount)");
    floe_test_server_close(&server);
}

static void ask__what_is_sent__is_the_context_the_question_and_the_model(void **state) {
    (void)state;
    ASK("SELECT 1 FROM orders x");
    floe_ask_request request = {
        .context = {.question = FLOE_STR("when did \"customers\" order?\n"), .in = FLOE_STR("shop")}};
    fake.refused_word = NULL;
    assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
    const char *head = floe_test_server_head(server, 0);
    assert_non_null(strstr(head, "POST /v1/chat/completions"));
    assert_non_null(strstr(head, "Authorization: Bearer sk-very-secret"));
    const floe_node *body = NULL;
    assert_ok(floe_json_parse(&arena, floe_str_of(floe_test_server_body(server, 0)), &body, &err), &err);
    assert_true(floe_str_is(floe_node_get(body, "model")->text, "a-model"));
    const floe_node *messages = floe_node_get(body, "messages");
    assert_int_equal(messages->count, 2);
    floe_str user = floe_node_get(messages->items[1], "content")->text;
    assert_non_null(memmem(user.ptr, user.len, got.context.text.ptr, got.context.text.len));
    assert_non_null(memmem(user.ptr, user.len, "Question: when did \"customers\" order?", 37));
    assert_null(memmem(user.ptr, user.len, "sk-very-secret", 14));
    floe_test_server_close(&server);
}

/* ---- repair ---- */

static void ask__refused_sql__is_repaired_once_with_the_reason(void **state) {
    (void)state;
    ASK("SELECT nothing FROM orders x JOIN shop.customers y", "```sql\nSELECT id FROM shop.orders\n```");
    floe_ask_request request = {0};
    fake.refused_word = "nothing";
    assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
    assert_true(got.ok);
    assert_int_equal(got.rounds, 2);
    assert_int_equal(floe_test_server_count(server), 2);
    const char *second = floe_test_server_body(server, 1);
    /* orders is in two databases: that is the reason of the first refusal. */
    assert_non_null(strstr(second, "may be other.orders or shop.orders"));
    assert_non_null(strstr(second, "SELECT nothing FROM orders"));
    assert_non_null(strstr(second, "\"role\":\"assistant\""));
    floe_test_server_close(&server);
}

static void ask__refused_twice__is_an_answer_that_says_why(void **state) {
    (void)state;
    static const struct {
        const char *sql, *problem;
    } cases[] = {{"DROP TABLE shop.orders", "no SQL"},
                 {"```sql\nDROP TABLE shop.orders\n```", "SELECT"},
                 {"SELECT nothing FROM shop.orders", "no column nothing"},
                 {"SELECT 1 FROM secrets", "no table secrets"},
                 {"I do not know.", "no SQL"},
                 {"", "no SQL"}};
    fake.refused_word = "nothing";
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        script lines = {&cases[i].sql, 1, NULL, 0};
        floe_test_server *server = NULL;
        floe_ask_answer got = {0};
        floe_error err = {0};
        floe_ask_request request = {0};
        assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
        assert_true(got.asked && !got.ok);
        assert_int_equal(got.rounds, 2);
        assert_int_equal(got.table_count, 0);
        assert_non_null(memmem(got.problem.ptr, got.problem.len, cases[i].problem, strlen(cases[i].problem)));
        assert_true(got.context.text.len > 0);
        floe_test_server_close(&server);
    }
}

/* ---- roles ---- */

static void ask__for_a_role__sends_and_takes_only_what_it_sees(void **state) {
    (void)state;
    ASK("SELECT 1 FROM hr.salaries", "SELECT 1 FROM shop.orders JOIN shop.customers");
    floe_ask_request request = {
        .context = {.question = FLOE_STR("discount of orders by what people earn"),
                    .role = role_of(&arena, NULL, "shop.orders,shop.customers", "shop.orders.discount")}};
    fake.refused_word = NULL;
    assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        const char *body = floe_test_server_body(server, i);
        assert_null(strstr(body, "\\\"discount\\\""));
        assert_null(strstr(body, "amount"));
        assert_null(strstr(body, "order_lines"));
    }
    /* The reason names what the model wrote, and no more. */
    assert_non_null(strstr(floe_test_server_body(server, 1), "no table hr.salaries is indexed"));
    assert_true(got.ok);
    assert_string_equal(fake.bound, "orders(id,customer_id,placed) customers(id,name,city)");
    floe_test_server_close(&server);
}

/* ---- the caller's judge ---- */

static floe_status refuse_first(void *context, floe_str sql, const floe_sql_table *tables, size_t count,
                                floe_error *err) {
    size_t *calls = context;
    (void)sql;
    assert_int_equal(count, 1);
    assert_true(floe_str_is(tables[0].name, "orders"));
    FLOE_ENSURE(++*calls > 1, err, FLOE_LIMIT, "a step is expected to have 99 rows");
    return FLOE_OK;
}

static void ask__what_the_judge_refuses__is_repaired_too(void **state) {
    (void)state;
    ASK("SELECT 1 FROM shop.orders");
    size_t calls = 0;
    floe_ask_request request = {.judge = refuse_first, .judge_context = &calls};
    fake.refused_word = NULL;
    assert_ok(ask_with(&lines, &request, &server, &got, &err), &err);
    assert_true(got.ok);
    assert_int_equal(calls, 2);
    assert_non_null(strstr(floe_test_server_body(server, 1), "expected to have 99 rows"));
    floe_test_server_close(&server);
}

static floe_status fail_hard(void *context, floe_str sql, const floe_sql_table *tables, size_t count, floe_error *err) {
    (void)context;
    (void)sql;
    (void)tables;
    (void)count;
    return FLOE_FAIL(err, FLOE_CORRUPT, "a file of the table is damaged");
}

static void ask__a_failure_that_is_not_the_models__is_an_error(void **state) {
    (void)state;
    ASK("SELECT 1 FROM shop.orders");
    floe_ask_request request = {.judge = fail_hard};
    fake.refused_word = NULL;
    assert_code(ask_with(&lines, &request, &server, &got, &err), FLOE_CORRUPT);
    assert_int_equal(floe_test_server_count(server), 1);
    floe_test_server_close(&server);
}

/* ---- endpoints that fail ---- */

static void ask__a_bad_endpoint__is_an_error_without_the_key(void **state) {
    (void)state;
    static const struct {
        const char *raw;
        int status;
        floe_code code;
    } cases[] = {{"{\"error\":{\"message\":\"Incorrect API key provided: sk-very-secret\"}}", 401, FLOE_DENIED},
                 {"no such model", 404, FLOE_NOT_FOUND},
                 {"too long", 413, FLOE_LIMIT},
                 {"wrong", 400, FLOE_INVALID},
                 {"<html>", 200, FLOE_CORRUPT},
                 {"{}", 200, FLOE_CORRUPT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        script lines = {.raw = cases[i].raw, .status = cases[i].status};
        floe_test_server *server = NULL;
        floe_ask_answer got = {0};
        floe_error err = {0};
        floe_ask_request request = {0};
        assert_code(ask_with(&lines, &request, &server, &got, &err), cases[i].code);
        assert_null(strstr(err.message, "secret"));
        floe_test_server_close(&server);
    }
}

static void ask__no_endpoint__answers_the_context_and_says_so(void **state) {
    (void)state;
    floe_ask_request request = {.context = {.question = FLOE_STR("orders of customers")}};
    floe_ask_answer got = {0};
    floe_error err = {0};
    assert_ok(floe_ask(search, &request, &arena, &got, &err), &err);
    assert_false(got.asked || got.ok);
    assert_int_equal(got.rounds, 0);
    assert_true(got.context.text.len > 0);
    assert_non_null(memmem(got.problem.ptr, got.problem.len, "ask:", 4));
    FLOE_AUTO_BUF out;
    const floe_node *root = NULL;
    floe_buf_init(&out, FLOE_MIB(4));
    floe_ask_print_json(&got, &out);
    assert_ok(floe_json_parse(&arena, floe_buf_view(&out), &root, &err), &err);
    assert_false(floe_node_get(root, "asked")->as.boolean);
    assert_true(floe_str_equal(floe_node_get(floe_node_get(root, "context"), "context")->text, got.context.text));
    assert_non_null(floe_node_get(root, "problem"));
}

static void probe__an_endpoint__answers_or_says_why(void **state) {
    (void)state;
    static const char *const answers[] = {"ok"};
    script lines = {answers, 1, NULL, 0};
    floe_test_server *server = floe_test_server_open(answer, &lines);
    floe_ask_def endpoint = endpoint_of(server);
    floe_error err = {0};
    assert_ok(floe_ask_probe(&endpoint, NULL, &err), &err);
    assert_non_null(strstr(floe_test_server_body(server, 0), "the word ok"));
    floe_test_server_close(&server);
    script refuses = {.raw = "bad key sk-very-secret", .status = 401};
    server = floe_test_server_open(answer, &refuses);
    endpoint = endpoint_of(server);
    assert_code(floe_ask_probe(&endpoint, NULL, &err), FLOE_DENIED);
    assert_null(strstr(err.message, "secret"));
    floe_test_server_close(&server);
    /* Nobody listens there any more. */
    floe_error_clear(&err);
    endpoint.url = FLOE_STR("http://127.0.0.1:1/v1/chat/completions");
    assert_code(floe_ask_probe(&endpoint, NULL, &err), FLOE_UNAVAILABLE);
}

static void ask__cancelled__ends_as_cancelled(void **state) {
    (void)state;
    ASK("SELECT 1 FROM shop.orders");
    atomic_bool cancelled = true;
    floe_ask_request request = {.cancelled = &cancelled};
    assert_code(ask_with(&lines, &request, &server, &got, &err), FLOE_CANCELLED);
    floe_test_server_close(&server);
}

/* ---- verifying alone ---- */

static void verify__tables_of_the_role__are_bound_by_their_own_columns(void **state) {
    (void)state;
    const floe_sql_table *tables = NULL;
    size_t count = 0;
    floe_error err = {0};
    fake = (fake_checker){0};
    check = fake_check(&fake);
    assert_ok(floe_sql_verify(search, NULL, &check, FLOE_STR("select * from HR.People p join shop.products x"), &arena,
                              &tables, &count, &err),
              &err);
    assert_int_equal(count, 2);
    assert_true(floe_str_is(tables[0].name, "people") && floe_str_is(tables[0].ref.table, "People"));
    assert_string_equal(fake.bound, "People(id,nickname,badge) products(id,title,category_id)");
    const floe_role *role = role_of(&arena, "hr", NULL, "hr.people.badge");
    assert_ok(floe_sql_verify(search, role, &check, FLOE_STR("select * from people"), &arena, &tables, &count, &err),
              &err);
    assert_string_equal(fake.bound, "people(id,nickname)");
    size_t bound = fake.bind_count;
    assert_code(
        floe_sql_verify(search, role, &check, FLOE_STR("select * from products"), &arena, &tables, &count, &err),
        FLOE_NOT_FOUND);
    assert_int_equal(fake.bind_count, bound);
    assert_null(strstr(err.message, "did you mean"));
}

/* An engine that folds case would take none of these tables: of columns that are one to it the first is bound. */
static void verify__columns_that_differ_in_case_alone__are_bound_once(void **state) {
    (void)state;
    static const char lines[] = "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"},"
                                "{\"name\":\"A\"},{\"name\":\"a\"},{\"name\":\"ab\"},{\"name\":\"B\"}]}\n";
    floe_search *twice = make_search("twice", lines);
    const floe_sql_table *tables = NULL;
    size_t count = 0;
    floe_error err = {0};
    fake = (fake_checker){0};
    check = fake_check(&fake);
    assert_ok(floe_sql_verify(twice, NULL, &check, FLOE_STR("select * from t"), &arena, &tables, &count, &err), &err);
    assert_string_equal(fake.bound, "t(a,b,ab)");
    assert_int_equal(tables[0].column_count, 3);
    /* The first that the role sees, so that a hidden one hides no other. */
    const floe_role *role = role_of(&arena, "d", NULL, "d.t.a,d.t.B");
    assert_ok(floe_sql_verify(twice, role, &check, FLOE_STR("select * from t"), &arena, &tables, &count, &err), &err);
    assert_string_equal(fake.bound, "t(b,A,ab)");
    floe_search_close(&twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ask__good_sql__is_the_answer_of_one_round),
        cmocka_unit_test(ask__what_is_sent__is_the_context_the_question_and_the_model),
        cmocka_unit_test(ask__refused_sql__is_repaired_once_with_the_reason),
        cmocka_unit_test(ask__refused_twice__is_an_answer_that_says_why),
        cmocka_unit_test(ask__for_a_role__sends_and_takes_only_what_it_sees),
        cmocka_unit_test(ask__what_the_judge_refuses__is_repaired_too),
        cmocka_unit_test(ask__a_failure_that_is_not_the_models__is_an_error),
        cmocka_unit_test(ask__a_bad_endpoint__is_an_error_without_the_key),
        cmocka_unit_test(ask__no_endpoint__answers_the_context_and_says_so),
        cmocka_unit_test(probe__an_endpoint__answers_or_says_why),
        cmocka_unit_test(ask__cancelled__ends_as_cancelled),
        cmocka_unit_test(verify__tables_of_the_role__are_bound_by_their_own_columns),
        cmocka_unit_test(verify__columns_that_differ_in_case_alone__are_bound_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
