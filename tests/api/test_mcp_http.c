/*
 * POST /mcp and `floe_mcp`: the same messages over a real server and on a pipe, over a real index and a real store.
 * What a tool gives must be what the route of the same purpose gives.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "tests/api/world.h"

#include <pthread.h>
#include <stdio.h>

static const char concerts[] =
    "{\"database\":\"music\",\"table\":\"singer\",\"description\":\"People who "
    "sing.\",\"columns\":[{\"name\":\"singer_id\","
    "\"type\":\"int\"},{\"name\":\"birth_year\",\"type\":\"int\"},{\"name\":\"country\",\"type\":\"text\"}],\"primary_"
    "key\":"
    "[\"singer_id\"]}\n"
    "{\"database\":\"music\",\"table\":\"concert\",\"columns\":[{\"name\":\"singer_id\",\"type\":\"int\"},{\"name\":"
    "\"year\","
    "\"type\":\"int\"}],\"foreign_keys\":[{\"columns\":[\"singer_id\"],\"table\":\"singer\",\"references\":"
    "[\"singer_id\"]}]}\n"
    "{\"database\":\"sport\",\"table\":\"stadium\",\"columns\":[{\"name\":\"team\"},{\"name\":\"capacity\"}]}\n";

typedef struct mcp_world {
    world w;
    floe_mcp *pipe;
    floe_buf line;
    floe_arena arena; /* of the answer read last */
} mcp_world;

static void build_index(world *w) {
    floe_index_result result;
    const char *file = floe_path_join(&w->arena, w->root, "import.jsonl");
    const char *imports[] = {file};
    assert_ok(floe_file_write(file, floe_str_of(concerts), false, &w->err), &w->err);
    floe_index_request request = {.folder = floe_path_join(&w->arena, w->root, ".floe/search"),
                                  .definitions = w->definitions,
                                  .imports = imports,
                                  .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &w->err), &w->err);
}

static void open_pipe(mcp_world *m, const floe_role *role) {
    floe_mcp_config config = {
        .project = m->w.project, .search_folder = floe_path_join(&m->w.arena, m->w.root, ".floe/search"), .role = role};
    assert_ok(floe_mcp_open(&config, &m->pipe, &m->w.err), &m->w.err);
}

static int set_up(void **state) {
    static mcp_world m;
    m = (mcp_world){0};
    world_open(&m.w, FLOE_STORE_EMBEDDED);
    build_index(&m.w);
    open_pipe(&m, NULL);
    floe_buf_init(&m.line, FLOE_MIB(16));
    floe_arena_init(&m.arena, FLOE_MIB(64));
    *state = &m;
    return 0;
}

static int tear_down(void **state) {
    mcp_world *m = *state;
    floe_mcp_close(&m->pipe);
    floe_buf_close(&m->line);
    floe_arena_close(&m->arena);
    world_close(&m->w);
    return 0;
}

static answer got;

#define JSON_HEADERS "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"

/* One POST with these header lines, on a connection of its own. */
static void post_with(mcp_world *m, const char *headers, const char *body) {
    floe_test_http http;
    floe_test_response response;
    const char *text = floe_arena_printf(
        &m->w.arena, "POST /mcp HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s", headers, strlen(body), body);
    floe_test_http_open(&http, m->w.port);
    floe_test_http_send(&http, text, strlen(text));
    assert_true(floe_test_http_read(&http, &response));
    got.status = response.status;
    (void)snprintf(got.head, sizeof(got.head), "%.*s", FLOE_STR_ARG(response.head));
    (void)snprintf(got.body, sizeof(got.body), "%.*s", FLOE_STR_ARG(response.body));
    floe_test_http_close(&http);
}

static const floe_node *read_json(mcp_world *m, floe_str text) {
    const floe_node *root = NULL;
    floe_arena_reset(&m->arena);
    floe_error err = {0};
    if (floe_failed(floe_json_parse(&m->arena, text, &root, &err))) {
        fail_msg("%s in %.*s", err.message, FLOE_STR_ARG(text));
    }
    return root;
}

static const floe_node *post(mcp_world *m, const char *body) {
    post_with(m, JSON_HEADERS, body);
    return got.body[0] == '\0' ? NULL : read_json(m, floe_str_of(got.body));
}

/* The same message on the pipe; NULL: no answer. */
static const floe_node *say(mcp_world *m, const char *message) {
    floe_buf_clear(&m->line);
    assert_ok(floe_mcp_handle(m->pipe, floe_str_of(message), &m->line, &m->w.err), &m->w.err);
    assert_true(m->line.len == 0 || memchr(m->line.ptr, '\n', m->line.len) == NULL);
    return m->line.len == 0 ? NULL : read_json(m, floe_buf_view(&m->line));
}

static const char *call_text(mcp_world *m, const char *tool, const char *arguments) {
    return floe_arena_printf(&m->w.arena,
                             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
                             "\"arguments\":%s}}",
                             tool, arguments);
}

static const floe_node *member(const floe_node *root, const char *first, const char *second) {
    const floe_node *node = floe_node_get(root, first);
    assert_non_null(node);
    node = second == NULL ? node : floe_node_get(node, second);
    assert_non_null(node);
    return node;
}

static floe_str text_of(const floe_node *root) {
    return member(member(root, "result", "content")->items[0], "text", NULL)->text;
}

/* A tool by both transports; both must say the same. Returns the answer. */
static const floe_node *call(mcp_world *m, const char *tool, const char *arguments) {
    const char *message = call_text(m, tool, arguments);
    (void)post(m, message);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.head, "Content-Type: application/json\r"));
    const floe_node *root = say(m, message);
    assert_string_equal(m->line.ptr, got.body);
    return root;
}

static const floe_node *call_ok(mcp_world *m, const char *tool, const char *arguments) {
    const floe_node *root = call(m, tool, arguments);
    if (member(root, "result", "isError")->as.boolean) {
        fail_msg("%s", got.body);
    }
    return member(root, "result", "structuredContent");
}

static void check_failure(mcp_world *m, const char *tool, const char *arguments, const char *part) {
    const floe_node *root = call(m, tool, arguments);
    floe_str text = text_of(root);
    if (!member(root, "result", "isError")->as.boolean || memmem(text.ptr, text.len, part, strlen(part)) == NULL) {
        fail_msg("%s", got.body);
    }
}

/* ---- tools ---- */

static void search_tables__is_a_search_for_tables(void **state) {
    mcp_world *m = *state;
    const floe_node *result = call_ok(m, "search_tables", "{\"query\":\"singer birth year\",\"k\":1}");
    assert_int_equal(member(result, "hits", NULL)->count, 1);
    assert_true(floe_str_is(member(member(result, "hits", NULL)->items[0], "table", NULL)->text, "singer"));
    result = call_ok(m, "search_tables", "{\"query\":\"stadium capacity\",\"in\":\"sport\",\"k\":null}");
    assert_true(floe_str_is(member(member(result, "hits", NULL)->items[0], "database", NULL)->text, "sport"));
}

/* The same words as /v1/search gives for that kind, byte for byte. */
static void search__says_what_the_route_says(void **state) {
    mcp_world *m = *state;
    answer route;
    world_ask(&m->w, "GET", "/v1/search?q=singer&kind=table&k=3", NULL, &route);
    const floe_node *root = call(m, "search_tables", "{\"query\":\"singer\",\"k\":3}");
    assert_true(floe_str_is(text_of(root), route.body));
    world_ask(&m->w, "GET", "/v1/search?q=whole&kind=feature", NULL, &route);
    root = call(m, "search_features", "{\"query\":\"whole\"}");
    assert_true(floe_str_is(text_of(root), route.body));
}

static void search_features__finds_what_can_be_looked_up(void **state) {
    mcp_world *m = *state;
    const floe_node *hits = member(call_ok(m, "search_features", "{\"query\":\"leg delay\"}"), "hits", NULL);
    bool found = false;
    for (size_t i = 0; i < hits->count; i++) {
        found = found || floe_str_is(member(hits->items[i], "feature", NULL)->text, "legs:delay");
    }
    assert_true(found);
}

static void describe_table__gives_columns_and_joins(void **state) {
    mcp_world *m = *state;
    const floe_node *result = call_ok(m, "describe_table", "{\"table\":\"music.concert\"}");
    assert_true(floe_str_is(member(result, "database", NULL)->text, "music"));
    assert_int_equal(member(result, "columns", NULL)->count, 2);
    assert_int_equal(member(result, "joins", NULL)->count, 1);
    assert_true(floe_str_is(member(member(result, "joins", NULL)->items[0], "other_table", NULL)->text, "singer"));
    check_failure(m, "describe_table", "{\"table\":\"music.singr\"}", "NOT_FOUND: ");
}

static void get_context__fits_and_its_text_is_the_context(void **state) {
    mcp_world *m = *state;
    const floe_node *root =
        call(m, "get_context", "{\"question\":\"in which year was each singer's concert\",\"tokens\":400}");
    const floe_node *result = member(root, "result", "structuredContent");
    assert_true(member(result, "tokens", NULL)->as.integer <= 400);
    assert_int_equal(member(result, "token_max", NULL)->as.integer, 400);
    floe_str text = member(result, "context", NULL)->text;
    assert_true(floe_str_equal(text_of(root), text));
    assert_non_null(memmem(text.ptr, text.len, "concert", 7));
}

/* "The same code as /v1/lookup": values of every kind, statuses and times come out alike. */
static void get_online_features__says_what_the_lookup_says(void **state) {
    static const char *const bodies[] = {
        "{\"service\":\"model\",\"entities\":{\"id\":[1,-2,77]}}",
        "{\"features\":[\"facts\"],\"entities\":{\"id\":[1]},\"include\":[\"statuses\",\"event_times\"]}",
        "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]},\"as_of\":\"" T0_TEXT "\"}",
        "{\"service\":\"model\",\"entities\":{\"id\":[]}}"};
    mcp_world *m = *state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        answer route;
        world_lookup(&m->w, bodies[i], &route);
        assert_int_equal(route.status, 200);
        const floe_node *root = call(m, "get_online_features", bodies[i]);
        assert_true(floe_str_is(text_of(root), route.body));
        assert_false(member(root, "result", "isError")->as.boolean);
    }
}

/* A question that somebody vouches for is evidence for its tables and part of a context, by every way in. No word of it
 * is in the catalog, so nothing else finds the table. The set is read again within half a second: the answers are asked
 * for until they have it. */
static void verified_question__is_found_by_tools_as_by_the_routes(void **state) {
    mcp_world *m = *state;
    static const floe_question_table arena_table = {{"sport", 5}, {"stadium", 7}};
    const floe_question_entry entry = {.question = FLOE_STR("whose arena seats everybody"),
                                       .sql = FLOE_STR("SELECT team FROM stadium"),
                                       .tables = &arena_table,
                                       .table_count = 1};
    floe_registry *registry = NULL;
    answer route;
    assert_ok(floe_registry_open(m->w.project->registry, true, &registry, &m->w.err), &m->w.err);
    assert_ok(floe_registry_questions_put(registry, &entry, 1, NULL, &m->w.err), &m->w.err);
    floe_registry_close(&registry);
    const char *search = call_text(m, "search_tables", "{\"query\":\"whose arena seats everybody\"}");
    do {
        world_ask(&m->w, "POST", "/v1/search", "{\"query\":\"whose arena seats everybody\",\"kind\":\"table\"}",
                  &route);
        assert_int_equal(route.status, 200);
    } while (strstr(route.body, "verified question") == NULL);
    do {
        (void)say(m, search);
    } while (strstr(m->line.ptr, "verified question") == NULL);
    const floe_node *root = call(m, "search_tables", "{\"query\":\"whose arena seats everybody\"}");
    assert_true(floe_str_is(text_of(root), route.body));
    const floe_node *result = call_ok(m, "get_context", "{\"question\":\"whose arena seats everybody\"}");
    assert_int_equal(member(result, "questions", NULL)->count, 1);
    assert_true(floe_str_is(member(member(result, "questions", NULL)->items[0], "sql", NULL)->text,
                            "SELECT team FROM stadium"));
}

static void wrong_arguments__are_named(void **state) {
    static const struct {
        const char *tool, *arguments, *part;
    } cases[] = {
        {"search_tables", "{}", "INVALID: search_tables needs the argument query"},
        {"search_tables", "{\"query\":\"x\",\"limit\":5}", "INVALID: search_tables has no argument `limit`"},
        {"search_tables", "{\"quer\":\"x\"}", "did you mean query?"},
        {"search_tables", "{\"query\":5}", "INVALID: query must be a text, not "},
        {"search_tables", "{\"query\":\"x\",\"k\":\"5\"}", "INVALID: k must be a whole number, not "},
        {"search_tables", "{\"query\":\"x\",\"k\":0}", "INVALID: k is 0; it must be 1 to 1000"},
        {"search_tables", "{\"query\":\"x\",\"k\":1001}", "INVALID: k is 1001"},
        {"search_tables", "{\"query\":\"x\",\"in\":\"nowhere\"}", "nowhere"},
        {"search_tables", "{\"query\":\"\"}", "INVALID: "},
        {"search_features", "{}", "INVALID: search_features needs the argument query"},
        {"describe_table", "{}", "INVALID: describe_table needs the argument table"},
        {"describe_table", "{\"table\":\"x\",\"k\":1}", "has no argument `k`"},
        {"get_context", "{\"question\":\"x\",\"tokens\":99}", "INVALID: tokens is 99; it must be 100 to 200000"},
        {"get_context", "{}", "INVALID: get_context needs the argument question"},
        {"get_online_features", "{}", "INVALID: what to look up is missing"},
        {"get_online_features", "{\"service\":\"nobody\",\"entities\":{}}",
         "NOT_FOUND: there is no feature service `nobody`"},
        {"get_online_features", "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[\"x\"]}}",
         "INVALID: entities.id[0]"},
        {"get_online_features", "{\"features\":[\"facts:whole\"],\"entitie\":{\"id\":[1]}}", "did you mean entities?"},
    };
    mcp_world *m = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_failure(m, cases[i].tool, cases[i].arguments, cases[i].part);
    }
}

static void question__longer_than_eight_kilobytes__is_refused(void **state) {
    mcp_world *m = *state;
    static char arguments[FLOE_LIMIT_QUERY_BYTES + 64];
    size_t at = (size_t)snprintf(arguments, sizeof(arguments), "{\"query\":\"");
    memset(arguments + at, 'a', FLOE_LIMIT_QUERY_BYTES + 1);
    memcpy(arguments + at + FLOE_LIMIT_QUERY_BYTES + 1, "\"}", 3);
    check_failure(m, "search_tables", arguments, "LIMIT: query has 8193 bytes");
}

/* ---- HTTP ---- */

#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

static void origin__of_another_site__is_denied(void **state) {
    mcp_world *m = *state;
    post_with(m, JSON_HEADERS "Origin: http://evil.example\r\n", PING);
    assert_problem(&got, 403, "DENIED", "evil.example");
    post_with(m, JSON_HEADERS "Origin: null\r\n", PING);
    assert_problem(&got, 403, "DENIED", "null");
    post_with(m, JSON_HEADERS "Origin: http://localhost:5173\r\n", PING);
    assert_int_equal(got.status, 200);
    assert_null(strstr(got.head, "Access-Control"));
}

static void content_type__must_be_json(void **state) {
    mcp_world *m = *state;
    post_with(m, "Content-Type: text/plain\r\n", PING);
    assert_problem(&got, 415, "INVALID", "application/json");
    post_with(m, "Content-Type: application/x-www-form-urlencoded\r\n", PING);
    assert_problem(&got, 415, "INVALID", "application/json");
    post_with(m, "", PING);
    assert_problem(&got, 415, "INVALID", "application/json");
    post_with(m, "Content-Type: application/json\r\nAccept: text/event-stream\r\n", PING);
    assert_problem(&got, 406, "INVALID", "application/json");
    post_with(m, "Content-Type: application/json; charset=utf-8\r\n", PING);
    assert_string_equal(got.body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}

static void get_and_delete__have_no_stream_and_no_session(void **state) {
    static const char *const methods[] = {"GET", "DELETE", "PUT"};
    mcp_world *m = *state;
    for (size_t i = 0; i < 3; i++) {
        world_ask(&m->w, methods[i], "/mcp", NULL, &got);
        assert_problem(&got, 405, "INVALID", "/mcp");
        assert_non_null(strstr(got.head, "Allow: POST, OPTIONS\r"));
    }
}

static void notification__is_accepted_without_a_body(void **state) {
    mcp_world *m = *state;
    assert_null(post(m, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
    assert_int_equal(got.status, 202);
    assert_non_null(strstr(got.head, "Content-Length: 0\r"));
    assert_null(strstr(got.head, "Content-Type"));
    assert_null(say(m, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
}

static void no_session__is_given_and_one_that_is_sent_is_ignored(void **state) {
    mcp_world *m = *state;
    post_with(m, JSON_HEADERS "Mcp-Session-Id: abc\r\nLast-Event-ID: 7\r\n", PING);
    assert_int_equal(got.status, 200);
    assert_null(strstr(got.head, "Mcp-Session-Id"));
}

static void versions_and_batches__are_refused_as_bad_requests(void **state) {
    mcp_world *m = *state;
    post_with(m, JSON_HEADERS "MCP-Protocol-Version: 1900-01-01\r\n", PING);
    assert_int_equal(got.status, 400);
    assert_non_null(strstr(got.body, "\"code\":-32022"));
    post_with(m, JSON_HEADERS "MCP-Protocol-Version: 2025-06-18\r\n", PING);
    assert_int_equal(got.status, 200);
    (void)post(m, "[" PING "]");
    assert_int_equal(got.status, 400);
    assert_non_null(strstr(got.body, "\"code\":-32600"));
    (void)post(m, "{");
    assert_int_equal(got.status, 400);
    assert_non_null(strstr(got.body, "\"code\":-32700"));
}

static void newer_request__with_its_headers__is_answered_by_the_newer_rules(void **state) {
    mcp_world *m = *state;
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"search_tables\",\"arguments\":"
        "{\"query\":\"singer\"},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
    post_with(m,
              JSON_HEADERS "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: search_tables\r\n",
              body);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "\"resultType\":\"complete\""));
    post_with(m,
              JSON_HEADERS "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\nMcp-Name: search_tables\r\n",
              body);
    assert_int_equal(got.status, 400);
    assert_non_null(strstr(got.body, "\"code\":-32020"));
    post_with(m, JSON_HEADERS "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: nope\r\n",
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\",\"params\":{\"_meta\":{"
              "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
              "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    assert_int_equal(got.status, 404);
    assert_non_null(strstr(got.body, "\"code\":-32601"));
}

static void calls_of_one_connection__are_answered_in_order(void **state) {
    mcp_world *m = *state;
    floe_test_http http;
    floe_test_response response;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(1));
    for (int i = 0; i < 30; i++) {
        char body[256];
        (void)snprintf(
            body, sizeof(body),
            "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\",\"arguments\":%s}}",
            i, i % 2 == 0 ? "search_tables" : "get_online_features",
            i % 2 == 0 ? "{\"query\":\"singer\"}" : "{\"service\":\"model\",\"entities\":{\"id\":[1]}}");
        floe_test_http_print(&text, "POST", "/mcp", body);
    }
    floe_test_http_open(&http, m->w.port);
    floe_test_http_send(&http, text.ptr, text.len);
    for (int i = 0; i < 30; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "\"id\":%d,\"result\"", i);
        assert_true(floe_test_http_read(&http, &response));
        assert_int_equal(response.status, 200);
        assert_non_null(memmem(response.body.ptr, response.body.len, id, strlen(id)));
    }
    floe_test_http_close(&http);
}

/* ---- many at once ---- */

#define CLIENTS 6
#define CALLS_EACH 40

typedef struct client {
    pthread_t thread;
    int port;
    int number;
    int right;
} client;

/* Tools of all kinds on one connection, right ones and wrong ones; the number of the client is in each id. */
static void *run_client(void *context) {
    client *c = context;
    static const char *const calls[][2] = {
        {"search_tables", "{\"query\":\"singer\"}"},
        {"get_online_features", "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}"},
        {"describe_table", "{\"table\":\"nowhere\"}"},
        {"get_online_features", "{\"service\":\"nobody\",\"entities\":{}}"},
        {"get_context", "{\"question\":\"singer\",\"tokens\":200}"},
    };
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, c->port);
    for (int i = 0; i < CALLS_EACH; i++) {
        char body[512];
        char id[64];
        bool wrong = i % 5 == 2 || i % 5 == 3;
        (void)snprintf(body, sizeof(body),
                       "{\"jsonrpc\":\"2.0\",\"id\":\"%d/%d\",\"method\":\"tools/call\",\"params\":{\"name\":\"%s\","
                       "\"arguments\":%s}}",
                       c->number, i, calls[i % 5][0], calls[i % 5][1]);
        (void)snprintf(id, sizeof(id), "\"id\":\"%d/%d\",\"result\"", c->number, i);
        floe_test_http_ask(&http, "POST", "/mcp", body, &response);
        const char *error = wrong ? "\"isError\":true" : "\"isError\":false";
        c->right += response.status == 200 && memmem(response.body.ptr, response.body.len, id, strlen(id)) != NULL &&
                    memmem(response.body.ptr, response.body.len, error, strlen(error)) != NULL;
    }
    floe_test_http_close(&http);
    return NULL;
}

static void clients_at_once__each_get_their_own_answers(void **state) {
    mcp_world *m = *state;
    client clients[CLIENTS] = {0};
    for (int i = 0; i < CLIENTS; i++) {
        clients[i].port = m->w.port;
        clients[i].number = i;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].right, CALLS_EACH);
    }
}

/* ---- roles ---- */

/* What a role does not see is answered as what does not exist, word for word but for the name. */
static void role__on_the_pipe__sees_its_own_and_nothing_of_the_rest(void **state) {
    mcp_world *m = *state;
    static const floe_str namespaces[] = {{"music", 5}};
    static const floe_str views[] = {{"facts", 5}};
    static const floe_role role = {
        .name = {"analyst", 7}, .namespaces = namespaces, .namespace_count = 1, .views = views, .view_count = 1};
    floe_mcp_close(&m->pipe);
    open_pipe(m, &role);
    const floe_node *root =
        say(m, call_text(m, "get_online_features", "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]}}"));
    assert_false(member(root, "result", "isError")->as.boolean);
    static const char *const hidden[][2] = {
        {"get_online_features", "{\"features\":[\"legs:delay\"],\"entities\":{\"origin\":[],\"destination\":[]}}"},
        {"get_online_features", "{\"features\":[\"facts:whole\",\"legs\"],\"entities\":{\"id\":[]}}"},
        {"get_online_features", "{\"service\":\"routes\",\"entities\":{\"origin\":[],\"destination\":[]}}"},
        {"describe_table", "{\"table\":\"sport.stadium\"}"},
    };
    static const char *const absent[][2] = {
        {"get_online_features", "{\"features\":[\"lxgs:delay\"],\"entities\":{\"origin\":[],\"destination\":[]}}"},
        {"get_online_features", "{\"features\":[\"facts:whole\",\"lxgs\"],\"entities\":{\"id\":[]}}"},
        {"get_online_features", "{\"service\":\"rxutes\",\"entities\":{\"origin\":[],\"destination\":[]}}"},
        {"describe_table", "{\"table\":\"sport.stxdium\"}"},
    };
    for (size_t i = 0; i < 4; i++) {
        char first[2048];
        char second[2048];
        root = say(m, call_text(m, hidden[i][0], hidden[i][1]));
        assert_true(member(root, "result", "isError")->as.boolean);
        (void)snprintf(first, sizeof(first), "%.*s", FLOE_STR_ARG(text_of(root)));
        root = say(m, call_text(m, absent[i][0], absent[i][1]));
        (void)snprintf(second, sizeof(second), "%.*s", FLOE_STR_ARG(text_of(root)));
        for (char *x = strchr(second, 'x'); x != NULL; x = strchr(x + 1, 'x')) {
            *x = first[x - second]; /* the letter that makes the name another one */
        }
        assert_string_equal(first, second);
        assert_non_null(strstr(first, "NOT_FOUND: "));
    }
    const floe_node *hits =
        member(member(say(m, call_text(m, "search_tables", "{\"query\":\"stadium capacity team\"}")), "result",
                      "structuredContent"),
               "hits", NULL);
    for (size_t i = 0; i < hits->count; i++) {
        assert_true(floe_str_is(member(hits->items[i], "database", NULL)->text, "music"));
    }
    floe_mcp_close(&m->pipe);
    open_pipe(m, NULL);
}

/* ---- what is missing ---- */

/* Without an index and with nothing applied each tool says what to do, and the others go on. */
static void pipe__without_index_and_definitions__says_what_to_run(void **state) {
    (void)state;
    static mcp_world m;
    m = (mcp_world){0};
    world_make(&m.w, FLOE_STORE_EMBEDDED);
    floe_buf_init(&m.line, FLOE_MIB(16));
    floe_arena_init(&m.arena, FLOE_MIB(64));
    open_pipe(&m, NULL);
    floe_str text = text_of(say(&m, call_text(&m, "search_tables", "{\"query\":\"x\"}")));
    assert_non_null(memmem(text.ptr, text.len, "floe index", 10));
    const floe_node *root =
        say(&m, call_text(&m, "get_online_features", "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}"));
    assert_false(member(root, "result", "isError")->as.boolean);
    /* New definitions are seen by the next call. */
    (void)world_apply(&m.w, "entities:\n  - {name: thing, keys: [{name: id, type: int64}]}\n");
    text = text_of(say(&m, call_text(&m, "get_online_features", "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}")));
    assert_non_null(memmem(text.ptr, text.len, "there is no feature service `model`", 35));
    assert_ok(floe_file_remove(m.w.project->registry, &m.w.err), &m.w.err);
    text = text_of(say(&m, call_text(&m, "get_online_features", "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}")));
    assert_non_null(memmem(text.ptr, text.len, "floe apply", 10));
    floe_mcp_close(&m.pipe);
    floe_buf_close(&m.line);
    floe_arena_close(&m.arena);
    floe_store_close(&m.w.store);
    floe_arena_close(&m.w.arena);
}

static void pipe__with_its_store_away__is_unavailable_and_comes_back(void **state) {
    (void)state;
    static mcp_world m;
    m = (mcp_world){0};
    world_make(&m.w, FLOE_STORE_REDIS);
    floe_buf_init(&m.line, FLOE_MIB(16));
    floe_arena_init(&m.arena, FLOE_MIB(64));
    open_pipe(&m, NULL);
    const char *message = call_text(&m, "get_online_features", "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}");
    assert_false(member(say(&m, message), "result", "isError")->as.boolean);
    floe_test_redis_stop(&m.w.redis);
    floe_str text = text_of(say(&m, message));
    assert_non_null(memmem(text.ptr, text.len, "UNAVAILABLE: ", 13));
    text = text_of(say(&m, message));
    assert_non_null(memmem(text.ptr, text.len, "UNAVAILABLE: ", 13));
    floe_mcp_close(&m.pipe);
    floe_buf_close(&m.line);
    floe_arena_close(&m.arena);
    floe_store_close(&m.w.store);
    floe_arena_close(&m.w.arena);
}

static void refusal__of_a_line_that_is_too_long__is_an_answer(void **state) {
    mcp_world *m = *state;
    floe_buf_clear(&m->line);
    floe_mcp_refuse(&m->line);
    const floe_node *root = read_json(m, floe_buf_view(&m->line));
    assert_int_equal(member(root, "error", "code")->as.integer, -32600);
    assert_int_equal(member(root, "id", NULL)->kind, FLOE_NODE_NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_tables__is_a_search_for_tables),
        cmocka_unit_test(search__says_what_the_route_says),
        cmocka_unit_test(search_features__finds_what_can_be_looked_up),
        cmocka_unit_test(describe_table__gives_columns_and_joins),
        cmocka_unit_test(get_context__fits_and_its_text_is_the_context),
        cmocka_unit_test(get_online_features__says_what_the_lookup_says),
        cmocka_unit_test(verified_question__is_found_by_tools_as_by_the_routes),
        cmocka_unit_test(wrong_arguments__are_named),
        cmocka_unit_test(question__longer_than_eight_kilobytes__is_refused),
        cmocka_unit_test(origin__of_another_site__is_denied),
        cmocka_unit_test(content_type__must_be_json),
        cmocka_unit_test(get_and_delete__have_no_stream_and_no_session),
        cmocka_unit_test(notification__is_accepted_without_a_body),
        cmocka_unit_test(no_session__is_given_and_one_that_is_sent_is_ignored),
        cmocka_unit_test(versions_and_batches__are_refused_as_bad_requests),
        cmocka_unit_test(newer_request__with_its_headers__is_answered_by_the_newer_rules),
        cmocka_unit_test(calls_of_one_connection__are_answered_in_order),
        cmocka_unit_test(clients_at_once__each_get_their_own_answers),
        cmocka_unit_test(role__on_the_pipe__sees_its_own_and_nothing_of_the_rest),
        cmocka_unit_test(pipe__without_index_and_definitions__says_what_to_run),
        cmocka_unit_test(pipe__with_its_store_away__is_unavailable_and_comes_back),
        cmocka_unit_test(refusal__of_a_line_that_is_too_long__is_an_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
