/* POST /v1/context and /v1/ask over a real index, with a scripted endpoint and a scripted checker. */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "tests/api/world.h"
#include "tests/support/http_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static answer got;

static const char concerts[] = "{\"database\":\"music\",\"table\":\"singer\",\"columns\":[{\"name\":\"id\"},{\"name\":"
                               "\"birth_year\"}],\"primary_key\":[\"id\"]}\n"
                               "{\"database\":\"music\",\"table\":\"concert\",\"columns\":[{\"name\":\"singer_id\"},{"
                               "\"name\":\"year\"}],\"foreign_keys\":[{"
                               "\"columns\":[\"singer_id\"],\"table\":\"singer\",\"references\":[\"id\"]}]}\n";

/* ---- the endpoint and the checker ---- */

static const char *model_answer = "SELECT year FROM concert";
static atomic_bool hangs;

static void complete(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    (void)context;
    (void)nth;
    (void)request;
    reply->action = atomic_load(&hangs) ? FLOE_TEST_HANG : FLOE_TEST_ANSWER;
    floe_buf_text(reply->body, "{\"choices\":[{\"message\":{\"content\":");
    floe_json_quote(reply->body, floe_str_of(model_answer));
    floe_buf_text(reply->body, "}}]}");
}

/* Knows one table, whatever the text; a text that does not begin with SELECT is refused. */
static floe_status parse(void *context, floe_str sql, floe_arena *arena, const floe_sql_ref **ret_refs,
                         size_t *ret_count, floe_error *err) {
    floe_sql_ref *refs = floe_arena_alloc(arena, 1, sizeof(*refs));
    (void)context;
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(sql.len > 6 && strncasecmp(sql.ptr, "select", 6) == 0, err, FLOE_DENIED,
                "another statement than SELECT");
    refs[0] = (floe_sql_ref){.table = FLOE_STR("concert")};
    *ret_refs = refs;
    *ret_count = 1;
    return FLOE_OK;
}

static floe_status bind(void *context, floe_str sql, const floe_sql_bound_table *tables, size_t count,
                        floe_error *err) {
    (void)context;
    (void)sql;
    (void)err;
    return count == 1 && tables[0].column_count == 2 ? FLOE_OK : FLOE_FAIL(err, FLOE_INVALID, "not the table");
}

static const floe_sql_check check = {.parse = parse, .bind = bind};
static floe_test_server *endpoint;

static void build_index(world *w) {
    floe_error err = {0};
    floe_index_result result;
    const char *file = floe_path_join(&w->arena, w->root, "import.jsonl");
    const char *imports[] = {file};
    assert_ok(floe_file_write(file, FLOE_STR(concerts), false, &err), &err);
    floe_index_request request = {.folder = floe_path_join(&w->arena, w->root, ".floe/search"),
                                  .definitions = w->definitions,
                                  .imports = imports,
                                  .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
}

static void add_question(world *w, const char *question, const char *sql, const char *table) {
    FLOE_CLEANUP(floe_registry_close) floe_registry *registry = NULL;
    floe_question_table tables = {FLOE_STR("music"), floe_str_of(table)};
    floe_question_entry entry = {
        .question = floe_str_of(question), .sql = floe_str_of(sql), .tables = &tables, .table_count = 1};
    floe_error err = {0};
    assert_ok(floe_registry_open(w->project->registry, false, &registry, &err), &err);
    assert_ok(floe_registry_questions_put(registry, &entry, 1, NULL, &err), &err);
}

/* A server of its own, because the world's has no checker. */
static void serve(world *w, const floe_ask_def *ask, const floe_sql_check *checker) {
    static floe_project project;
    floe_error err = {0};
    project = *w->project;
    project.ask = ask;
    floe_server_config config = {.project = &project,
                                 .port = 0,
                                 .threads = 2,
                                 .check = checker,
                                 .search_folder = floe_path_join(&w->arena, w->root, ".floe/search")};
    world_stop(w);
    assert_ok(floe_server_open(&config, &w->server, &err), &err);
    w->port = atoi(strrchr(floe_server_url(w->server), ':') + 1);
}

static floe_ask_def ask_def;

static int set_up(void **state) {
    static world w;
    world_open(&w, FLOE_STORE_EMBEDDED);
    build_index(&w);
    endpoint = floe_test_server_open(complete, NULL);
    ask_def = (floe_ask_def){.url = floe_str_of(floe_test_server_url(endpoint, "/v1/chat/completions")),
                             .model = FLOE_STR("m")};
    serve(&w, &ask_def, &check);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    floe_test_server_close(&endpoint);
    return 0;
}

static const floe_node *body(floe_arena *arena) {
    const floe_node *root = NULL;
    floe_error err = {0};
    assert_int_equal(got.status, 200);
    assert_ok(floe_json_parse(arena, floe_str_of(got.body), &root, &err), &err);
    return root;
}

/* ---- contexts ---- */

static void context__a_question__is_answered_within_its_tokens(void **state) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(8));
    world_ask(*state, "POST", "/v1/context", "{\"question\":\"year of a concert\",\"tokens\":200,\"in\":\"music\"}",
              &got);
    const floe_node *root = body(&arena);
    assert_true(floe_node_get(root, "tokens")->as.integer <= 200);
    assert_int_equal(floe_node_get(root, "token_max")->as.integer, 200);
    assert_non_null(strstr(got.body, "CREATE TABLE \\\"music\\\".\\\"concert\\\""));
    assert_true(floe_node_get(root, "tables")->count >= 1);
    assert_non_null(floe_node_get(root, "left_out"));
}

static void context__a_question_added_while_it_serves__comes_to_be_known(void **state) {
    world *w = *state;
    add_question(w, "which singers are older", "SELECT 42 FROM singer", "singer");
    /* Nothing announces it; it is asked for until it is there, and for no longer than anybody would wait. */
    for (int64_t end_us = floe_monotonic_us() + 60 * FLOE_US_PER_SECOND; floe_monotonic_us() < end_us;) {
        world_ask(w, "POST", "/v1/context", "{\"question\":\"which singers are older\"}", &got);
        assert_int_equal(got.status, 200);
        if (strstr(got.body, "SELECT 42 FROM singer")) {
            return;
        }
    }
    fail_msg("the question never came");
}

static void context__bad_bodies__are_problems_that_name_the_member(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *code, *part;
    } cases[] = {
        {"", 400, "INVALID", "the body"},
        {"[]", 400, "INVALID", "object"},
        {"{}", 400, "INVALID", "question"},
        {"{\"question\":\" \"}", 400, "INVALID", "question"},
        {"{\"question\":7}", 400, "INVALID", "question must be a text"},
        {"{\"question\":\"a\",\"tokens\":\"9\"}", 400, "INVALID", "tokens must be a whole number"},
        {"{\"question\":\"a\",\"tokens\":99}", 400, "INVALID", "100 to 200000"},
        {"{\"question\":\"a\",\"tokens\":200001}", 400, "INVALID", "100 to 200000"},
        {"{\"question\":\"a\",\"qestion\":\"b\"}", 400, "INVALID", "did you mean"},
        {"{\"question\":\"a\",\"in\":3}", 400, "INVALID", "in must be a text"},
        {"{\"question\":\"a\",\"in\":\"nowhere\"}", 404, "NOT_FOUND", "nowhere"},
    };
    static const char *const routes[] = {"/v1/context", "/v1/ask"};
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            world_ask(*state, "POST", routes[r], cases[i].body, &got);
            assert_problem(&got, cases[i].status, cases[i].code, cases[i].part);
        }
        world_ask(*state, "GET", routes[r], NULL, &got);
        assert_int_equal(got.status, 405);
        world_ask(*state, "POST", floe_arena_printf(&((world *)*state)->arena, "%s?question=a", routes[r]),
                  "{\"question\":\"a\"}", &got);
        assert_problem(&got, 400, "INVALID", "query parameters");
    }
}

static void context__a_question_that_is_too_long__is_a_limit(void **state) {
    world *w = *state;
    char *text = floe_arena_alloc(&w->arena, FLOE_LIMIT_QUERY_BYTES + 64, 1);
    memcpy(text, "{\"question\":\"", 13);
    memset(text + 13, 'a', FLOE_LIMIT_QUERY_BYTES + 1);
    memcpy(text + 13 + FLOE_LIMIT_QUERY_BYTES + 1, "\"}", 3);
    world_ask(w, "POST", "/v1/context", text, &got);
    assert_problem(&got, 413, "LIMIT", "8193 bytes");
}

/* ---- asking ---- */

static void ask__checked_sql__is_answered_and_not_run(void **state) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(8));
    model_answer = "SELECT year FROM concert";
    world_ask(*state, "POST", "/v1/ask", "{\"question\":\"years of concerts\"}", &got);
    const floe_node *root = body(&arena);
    assert_true(floe_node_get(root, "ok")->as.boolean);
    assert_true(floe_str_is(floe_node_get(root, "sql")->text, "SELECT year FROM concert"));
    assert_true(floe_str_is(floe_node_get(floe_node_get(root, "tables")->items[0], "table")->text, "concert"));
    assert_null(floe_node_get(root, "rows"));
}

static void ask__refused_sql__is_an_answer_that_says_why(void **state) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(8));
    model_answer = "```sql\nDROP TABLE concert\n```";
    world_ask(*state, "POST", "/v1/ask", "{\"question\":\"years of concerts\"}", &got);
    const floe_node *root = body(&arena);
    assert_false(floe_node_get(root, "ok")->as.boolean);
    assert_int_equal(floe_node_get(root, "rounds")->as.integer, 2);
    assert_non_null(strstr(floe_node_get(root, "problem")->text.ptr, "SELECT"));
    assert_int_equal(floe_node_get(root, "tables")->count, 0);
}

static void ask__no_endpoint__answers_the_context(void **state) {
    FLOE_AUTO_ARENA arena;
    world *w = *state;
    floe_arena_init(&arena, FLOE_MIB(8));
    serve(w, NULL, NULL);
    world_ask(w, "POST", "/v1/ask", "{\"question\":\"years of concerts\"}", &got);
    const floe_node *root = body(&arena);
    assert_false(floe_node_get(root, "asked")->as.boolean);
    assert_non_null(strstr(got.body, "CREATE TABLE"));
    serve(w, &ask_def, NULL);
    world_ask(w, "POST", "/v1/ask", "{\"question\":\"years of concerts\"}", &got);
    assert_problem(&got, 501, "UNSUPPORTED", "checker");
    serve(w, &ask_def, &check);
}

/* The endpoint has the question and says nothing; the server is told to stop, ends the question and answers it so. */
static void ask__the_server_stops__ends_the_question(void **state) {
    world *w = *state;
    FLOE_AUTO_BUF bytes;
    floe_test_http http;
    floe_test_response response;
    size_t before = floe_test_server_count(endpoint);
    floe_buf_init(&bytes, FLOE_KIB(4));
    atomic_store(&hangs, true);
    floe_test_http_print(&bytes, "POST", "/v1/ask", "{\"question\":\"years of concerts\"}");
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, bytes.ptr, bytes.len);
    for (int64_t end_us = floe_monotonic_us() + 60 * FLOE_US_PER_SECOND; floe_test_server_count(endpoint) == before;) {
        assert_true(floe_monotonic_us() < end_us);
    }
    world_stop(w);
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 503);
    assert_non_null(memmem(response.body.ptr, response.body.len, "CANCELLED", 9));
    floe_test_http_close(&http);
    atomic_store(&hangs, false);
    world_serve(w, 2);
}

/* ---- many at once ---- */

typedef struct asker {
    world *w;
    int failures;
} asker;

static void *ask_often(void *context) {
    asker *own = context;
    for (int i = 0; i < 25; i++) {
        floe_test_http http;
        floe_test_response response;
        const char *route = i % 3 == 0 ? "/v1/search" : i % 3 == 1 ? "/v1/context" : "/v1/ask";
        const char *body = i % 3 == 0 ? "{\"query\":\"singers by year\"}" : "{\"question\":\"singers by year\"}";
        floe_test_http_open(&http, own->w->port);
        floe_test_http_ask(&http, "POST", route, body, &response);
        own->failures += response.status == 200 ? 0 : 1;
        floe_test_http_close(&http);
    }
    return NULL;
}

static void all_routes__while_questions_come_and_go__are_answered(void **state) {
    world *w = *state;
    pthread_t threads[4];
    asker askers[4];
    model_answer = "SELECT year FROM concert";
    serve(w, &ask_def, &check);
    for (size_t i = 0; i < 4; i++) {
        askers[i] = (asker){.w = w};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &askers[i]), 0);
    }
    for (int i = 0; i < 10; i++) {
        add_question(w, i % 2 ? "singers by year of birth" : "which year had most concerts", "SELECT 1",
                     i % 2 ? "singer" : "concert");
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].failures, 0);
    }
}

static void metrics__count_both_routes(void **state) {
    world_ask(*state, "GET", "/metrics", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "route=\"context\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context__a_question__is_answered_within_its_tokens),
        cmocka_unit_test(context__a_question_added_while_it_serves__comes_to_be_known),
        cmocka_unit_test(context__bad_bodies__are_problems_that_name_the_member),
        cmocka_unit_test(context__a_question_that_is_too_long__is_a_limit),
        cmocka_unit_test(ask__checked_sql__is_answered_and_not_run),
        cmocka_unit_test(ask__refused_sql__is_an_answer_that_says_why),
        cmocka_unit_test(ask__no_endpoint__answers_the_context),
        cmocka_unit_test(all_routes__while_questions_come_and_go__are_answered),
        cmocka_unit_test(metrics__count_both_routes),
        cmocka_unit_test(ask__the_server_stops__ends_the_question),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
