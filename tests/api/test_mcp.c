/*
 * What a message of the Model Context Protocol is answered with, without a transport: expected answers are written from
 * the specification's revisions 2025-06-18, 2025-11-25 and 2026-07-28.
 */
#include "api/mcp_int.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/support.h"

#include <stdio.h>

typedef struct stand {
    floe_arena arena;
    floe_arena answers; /* the answer, read */
    floe_buf out;
    floe_mcp_call call;
} stand;

static int set_up(void **state) {
    static stand s;
    s = (stand){0};
    floe_arena_init(&s.arena, FLOE_MIB(4));
    floe_arena_init(&s.answers, FLOE_MIB(4));
    floe_buf_init(&s.out, FLOE_MIB(4));
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    stand *s = *state;
    floe_arena_close(&s->arena);
    floe_arena_close(&s->answers);
    floe_buf_close(&s->out);
    return 0;
}

#define META                                                                                                           \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                           \
    "\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* The answer read as JSON, or NULL when nothing was answered. It is one line. */
static const floe_node *begin_with(stand *s, const char *text, const floe_mcp_headers *headers) {
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_arena_reset(&s->arena);
    floe_arena_reset(&s->answers);
    floe_buf_clear(&s->out);
    floe_mcp_begin(floe_str_of(text), headers, &s->arena, &s->out, &s->call);
    if (s->call.step != FLOE_MCP_ANSWERED) {
        assert_int_equal(s->out.len, 0);
        return NULL;
    }
    assert_null(memchr(s->out.ptr, '\n', s->out.len));
    assert_ok(floe_json_parse(&s->answers, floe_buf_view(&s->out), &root, &err), &err);
    return root;
}

static const floe_node *begin(stand *s, const char *text) {
    return begin_with(s, text, NULL);
}

/* A member of a member …; "result.tools". */
static const floe_node *at(const floe_node *root, const char *path) {
    floe_str rest = floe_str_of(path);
    floe_str name = {NULL, 0};
    while (root != NULL && floe_str_split(&rest, '.', &name)) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%.*s", FLOE_STR_ARG(name));
        root = floe_node_get(root, key);
    }
    return root;
}

static void check_text(const floe_node *root, const char *path, const char *expected) {
    const floe_node *node = at(root, path);
    assert_non_null(node);
    assert_int_equal(node->kind, FLOE_NODE_STRING);
    if (!floe_str_is(node->text, expected)) {
        fail_msg("%s is %.*s, not %s", path, FLOE_STR_ARG(node->text), expected);
    }
}

static void check_error(const stand *s, const floe_node *root, int http_status, int64_t code, const char *part) {
    const floe_node *got = at(root, "error.code");
    const floe_node *message = at(root, "error.message");
    assert_non_null(got);
    if (got->as.integer != code || s->call.http_status != http_status ||
        memmem(message->text.ptr, message->text.len, part, strlen(part)) == NULL) {
        fail_msg("%d %lld %.*s", s->call.http_status, (long long)got->as.integer, FLOE_STR_ARG(message->text));
    }
    assert_null(floe_node_get(root, "result"));
}

/* ---- the handshake ---- */

static void initialize__answers_with_the_version_asked_or_the_newest_of_its_kind(void **state) {
    static const struct {
        const char *asked, *got;
    } cases[] = {{"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"}, {"2024-11-05", "2025-11-25"},
                 {"2025-03-26", "2025-11-25"}, {"2026-07-28", "2025-11-25"}, {"1", "2025-11-25"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\","
                       "\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}",
                       cases[i].asked);
        const floe_node *root = begin(*state, text);
        check_text(root, "result.protocolVersion", cases[i].got);
        check_text(root, "result.serverInfo.name", "floe");
        assert_non_null(at(root, "result.serverInfo.version"));
        assert_non_null(at(root, "result.capabilities.tools"));
        assert_non_null(at(root, "result.instructions"));
        assert_int_equal(at(root, "id")->as.integer, 1);
    }
}

static void ping__is_answered_with_nothing_in_it(void **state) {
    stand *s = *state;
    (void)begin(s, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}");
    assert_string_equal(s->out.ptr, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":{}}");
    assert_int_equal(s->call.http_status, 200);
}

static void notifications_and_answers__are_not_answered(void **state) {
    static const char *const texts[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard-of\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\"}", "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}"};
    stand *s = *state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_null(begin(s, texts[i]));
        assert_int_equal(s->call.step, FLOE_MCP_NOTHING);
    }
}

static void unknown_methods__are_named(void **state) {
    check_error(*state, begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/list\"}"), 200, -32601,
                "resources/list");
    check_error(*state, begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}"), 200, -32601,
                "server/discover"); /* a method of the newer rules only */
}

static void what_is_no_message__is_a_bad_request(void **state) {
    check_error(*state, begin(*state, "{"), 400, -32700, "JSON");
    check_error(*state, begin(*state, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"), 400, -32600, "batch");
    check_error(*state, begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":7}"), 400, -32602,
                "params");
}

/* ---- since 2026-07-28 ---- */

static void discover__names_versions_capabilities_and_the_server(void **state) {
    const floe_node *root =
        begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{" META "}}");
    const floe_node *versions = at(root, "result.supportedVersions");
    static const char *const expected[] = {"2026-07-28", "2025-11-25", "2025-06-18"};
    assert_int_equal(versions->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(floe_str_is(versions->items[i]->text, expected[i]));
    }
    check_text(root, "result.resultType", "complete");
    check_text(root, "result.cacheScope", "public");
    assert_true(at(root, "result.ttlMs")->as.integer > 0);
    assert_non_null(at(root, "result.capabilities.tools"));
    const floe_node *server = floe_node_get(at(root, "result._meta"), "io.modelcontextprotocol/serverInfo");
    check_text(server, "name", "floe");
}

static void newer_requests__without_what_they_must_say__are_bad_requests(void **state) {
    static const struct {
        const char *params;
        int code;
        const char *part;
    } cases[] = {
        {"{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}", -32602, "capabilities"},
        {"{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
         "\"io.modelcontextprotocol/clientCapabilities\":[]}}",
         -32602, "capabilities"},
        {"{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":20260728,"
         "\"io.modelcontextprotocol/clientCapabilities\":{}}}",
         -32602, "protocol version"},
        {"{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"1900-01-01\","
         "\"io.modelcontextprotocol/clientCapabilities\":{}}}",
         -32022, "Unsupported protocol version"},
        {"{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2025-11-25\","
         "\"io.modelcontextprotocol/clientCapabilities\":{}}}",
         -32022, "Unsupported protocol version"},
    };
    stand *s = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":%s}",
                       cases[i].params);
        check_error(s, begin(s, text), 400, cases[i].code, cases[i].part);
    }
}

static void unsupported_version__lists_those_that_are(void **state) {
    const floe_node *root =
        begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":{"
                      "\"io.modelcontextprotocol/protocolVersion\":\"1900-01-01\","
                      "\"io.modelcontextprotocol/clientCapabilities\":{}}}}");
    check_text(root, "error.data.requested", "1900-01-01");
    assert_int_equal(at(root, "error.data.supported")->count, 3);
}

/* Those that the newer rules took away. */
static void newer_requests__find_no_handshake(void **state) {
    static const char *const methods[] = {"initialize", "ping", "subscriptions/listen", "logging/setLevel"};
    stand *s = *state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{" META "}}",
                       methods[i]);
        check_error(s, begin(s, text), 404, -32601, methods[i]);
    }
}

#define LIST "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META "}}"
#define CALL                                                                                                           \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"search_tables\",\"arguments\":"    \
    "{\"query\":\"x\"}," META "}}"

/* What is in the headers must be what is in the body; "c2VhcmNoX3RhYmxlcw==" is search_tables in Base64. */
static void headers__that_differ_from_the_body__are_refused(void **state) {
    static const struct {
        const char *version, *method, *name, *text, *part; /* part NULL: fine */
    } cases[] = {
        {"2026-07-28", "tools/list", NULL, LIST, NULL},
        {"2026-07-28", "tools/call", "search_tables", CALL, NULL},
        {"2026-07-28", "tools/call", "=?base64?c2VhcmNoX3RhYmxlcw==?=", CALL, NULL},
        {NULL, "tools/list", NULL, LIST, "MCP-Protocol-Version is missing"},
        {"2026-07-28", NULL, NULL, LIST, "Mcp-Method is missing"},
        {"2026-07-28", "tools/call", NULL, CALL, "Mcp-Name is missing"},
        {"2025-11-25", "tools/list", NULL, LIST, "MCP-Protocol-Version is not"},
        {"2026-07-28", "tools/call", NULL, LIST, "Mcp-Method is not"},
        {"2026-07-28", "Tools/List", NULL, LIST, "Mcp-Method is not"},
        {"2026-07-28", "tools/call", "describe_table", CALL, "Mcp-Name is not"},
        {"2026-07-28", "tools/call", "=?base64?!?=", CALL, "Mcp-Name is no Base64"},
        {"2026-07-28", "tools/call", "=?base64?c2VhcmNo?=", CALL, "Mcp-Name is not"},
        {"2026-07-28", "tools/call", "=?base64?=", CALL, "Mcp-Name is not"},
    };
    stand *s = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_mcp_headers headers = {floe_str_of(cases[i].version), floe_str_of(cases[i].method),
                                    floe_str_of(cases[i].name)};
        const floe_node *root = begin_with(s, cases[i].text, &headers);
        if (cases[i].part != NULL) {
            check_error(s, root, 400, -32020, cases[i].part);
        } else {
            assert_int_equal(s->call.http_status, 200);
            assert_true(s->call.modern);
        }
    }
}

static void older_requests__may_say_their_version_in_the_header(void **state) {
    static const char list[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
    static const struct {
        const char *version;
        int code; /* 0: fine */
    } cases[] = {{NULL, 0},
                 {"2025-06-18", 0},
                 {"2025-11-25", 0},
                 {"2025-03-26", -32022},
                 {"1900-01-01", -32022},
                 {"not-a-version", -32022},
                 {"", -32022},
                 {"2026-07-28", -32602}};
    stand *s = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_mcp_headers headers = {.version = floe_str_of(cases[i].version)};
        const floe_node *root = begin_with(s, list, &headers);
        if (cases[i].code == 0) {
            assert_non_null(at(root, "result.tools"));
        } else {
            check_error(s, root, 400, cases[i].code, "rotocol version");
        }
    }
}

/* ---- tools ---- */

/* Five tools, each with what it takes and gives, that only read; what is listed is what can be called. */
static void tools__are_listed_with_schemas_and_can_be_called(void **state) {
    stand *s = *state;
    const floe_node *tools = at(begin(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}"), "result.tools");
    static const char *const names[] = {"search_tables", "describe_table", "get_context", "search_features",
                                        "get_online_features"};
    assert_int_equal(tools->count, FLOE_MCP_TOOL_COUNT);
    for (size_t i = 0; i < FLOE_MCP_TOOL_COUNT; i++) {
        const floe_node *tool = tools->items[i];
        check_text(tool, "name", names[i]);
        assert_string_equal(names[i], floe_mcp_tool_name((floe_mcp_tool)i));
        assert_non_null(at(tool, "description"));
        check_text(tool, "inputSchema.type", "object");
        assert_false(at(tool, "inputSchema.additionalProperties")->as.boolean);
        check_text(tool, "outputSchema.type", "object");
        assert_true(at(tool, "annotations.readOnlyHint")->as.boolean);
        assert_false(at(tool, "annotations.destructiveHint")->as.boolean);
    }
    for (size_t i = 0; i < FLOE_MCP_TOOL_COUNT; i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"%s\"}}",
                       names[i]);
        assert_null(begin(s, text));
        assert_int_equal(s->call.step, FLOE_MCP_TOOL);
        assert_int_equal(s->call.tool, i);
        assert_int_equal(floe_mcp_arguments(&s->call)->count, 0);
    }
}

static void list__by_the_newer_rules__may_be_kept(void **state) {
    const floe_node *root = begin(*state, LIST);
    check_text(root, "result.resultType", "complete");
    check_text(root, "result.cacheScope", "public");
    assert_int_equal(at(root, "result.tools")->count, FLOE_MCP_TOOL_COUNT);
    root = begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    assert_null(at(root, "result.resultType"));
}

/* All are on one page: a cursor is none of ours. */
static void list__with_a_cursor__is_refused(void **state) {
    check_error(*state,
                begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"2\"}}"),
                200, -32602, "cursor");
    assert_non_null(
        at(begin(*state, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}"), "result.tools"));
}

static void calls__that_are_none__are_protocol_errors(void **state) {
    static const struct {
        const char *params, *part;
    } cases[] = {{"{}", "name of a tool"},
                 {"{\"name\":5}", "name of a tool"},
                 {"{\"name\":\"drop_table\"}", "drop_table"},
                 {"{\"name\":\"search_tables\",\"arguments\":[]}", "must be an object"},
                 {"{\"name\":\"search_tables\",\"arguments\":\"x\"}", "must be an object"}};
    stand *s = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":%s}",
                       cases[i].params);
        check_error(s, begin(s, text), 200, -32602, cases[i].part);
    }
    check_error(s, begin(s, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"), 200, -32602, "name of a tool");
}

static const floe_node *finish(stand *s, floe_status status, const floe_error *tool_error, const char *structured,
                               const char *text) {
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_buf_clear(&s->out);
    floe_arena_reset(&s->answers);
    floe_mcp_finish(&s->call, status, tool_error, floe_str_of(structured), floe_str_of(text), &s->out);
    assert_ok(floe_json_parse(&s->answers, floe_buf_view(&s->out), &root, &err), &err);
    return root;
}

static void result__is_given_as_json_and_as_text(void **state) {
    stand *s = *state;
    (void)begin(s, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{\"name\":\"search_tables\"}}");
    (void)finish(s, FLOE_OK, NULL, "{\"hits\":[1]}", "");
    assert_string_equal(s->out.ptr,
                        "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
                        "\"{\\\"hits\\\":[1]}\"}],\"structuredContent\":{\"hits\":[1]},\"isError\":false}}");
    const floe_node *root = finish(s, FLOE_OK, NULL, "{\"a\":1}", "for a model");
    check_text(at(root, "result.content")->items[0], "text", "for a model");
    (void)begin(s, CALL);
    root = finish(s, FLOE_OK, NULL, "{}", "");
    check_text(root, "result.resultType", "complete");
    assert_non_null(at(root, "result._meta"));
    assert_null(at(root, "result.ttlMs"));
}

static void failure__is_a_result_that_says_so(void **state) {
    stand *s = *state;
    floe_error tool_error = {0};
    floe_status status = FLOE_FAIL(&tool_error, FLOE_NOT_FOUND, "there is no \"x\"");
    (void)begin(s, CALL);
    const floe_node *root = finish(s, status, &tool_error, "", "");
    assert_true(at(root, "result.isError")->as.boolean);
    check_text(at(root, "result.content")->items[0], "text", "NOT_FOUND: there is no \"x\"");
    assert_null(at(root, "result.structuredContent"));
    assert_null(floe_node_get(root, "error"));
}

/* ---- origins ---- */

static void origins__of_this_machine_and_the_address_listened_on__are_welcome(void **state) {
    (void)state;
    static const struct {
        const char *origin;
        bool welcome;
    } cases[] = {{NULL, true},
                 {"http://localhost", true},
                 {"http://localhost:3000", true},
                 {"https://LOCALHOST:1", true},
                 {"http://127.0.0.1:6566", true},
                 {"http://[::1]:80", true},
                 {"http://floe.example:6566", true},
                 {"https://Floe.Example", true},
                 {"http://evil.example", false},
                 {"http://localhost.evil.example", false},
                 {"http://127.0.0.1.evil.example", false},
                 {"http://evil.example:127", false},
                 {"http://evil.example/localhost", false},
                 {"http://[::1", false},
                 {"http://[::2]", false},
                 {"http://", false},
                 {"http://:80", false},
                 {"localhost", false},
                 {"null", false},
                 {"", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (floe_mcp_origin_allowed(floe_str_of(cases[i].origin), FLOE_STR("floe.example")) != cases[i].welcome) {
            fail_msg("Origin: %s", cases[i].origin == NULL ? "-" : cases[i].origin);
        }
    }
    assert_false(floe_mcp_origin_allowed(FLOE_STR("http://"), FLOE_STR("")));
}

/* ---- memory ---- */

/* Whatever allocation fails, what is answered is a whole answer, or the buffer says that it is none; and what must be
 * refused is never done. The memory of reading is our fault, not the client's. */
static void check_begin(const char *text, const floe_mcp_headers *headers, bool refused, uint64_t nth, bool *was_hit) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_ARENA read;
    FLOE_AUTO_BUF out;
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_mcp_call call;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_arena_init(&read, FLOE_MIB(4));
    floe_buf_init(&out, FLOE_MIB(4));
    floe_mem_fail_at(nth);
    floe_mcp_begin(floe_str_of(text), headers, &arena, &out, &call);
    *was_hit = floe_mem_fail_count() >= nth;
    floe_mem_fail_off();
    assert_true(!refused || call.step == FLOE_MCP_ANSWERED);
    if (call.step == FLOE_MCP_ANSWERED && !out.failed) {
        assert_ok(floe_json_parse(&read, floe_buf_view(&out), &root, &err), &err);
        assert_true(!refused || floe_node_get(root, "error") != NULL);
        const floe_node *code = at(root, "error.code");
        assert_true(code == NULL || code->as.integer != -32700);
    }
}

static void begin__with_any_allocation_failing__answers_whole_or_not_at_all(void **state) {
    static const floe_mcp_headers other_tool = {
        {"2026-07-28", 10}, {"tools/call", 10}, {"=?base64?Z2V0X2NvbnRleHQ=?=", 27}}; /* get_context */
    static const struct {
        const char *text;
        const floe_mcp_headers *headers;
        bool refused;
    } cases[] = {{LIST, NULL, false},
                 {CALL, NULL, false},
                 {CALL, &other_tool, true},
                 {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", NULL, false},
                 {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}", NULL, true}};
    (void)state;
    unsigned failures = 0;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool was_hit = true;
        for (uint64_t nth = 1; was_hit; nth++) {
            check_begin(cases[i].text, cases[i].headers, cases[i].refused, nth, &was_hit);
            failures += was_hit ? 1 : 0;
        }
    }
    assert_true(failures > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialize__answers_with_the_version_asked_or_the_newest_of_its_kind),
        cmocka_unit_test(ping__is_answered_with_nothing_in_it),
        cmocka_unit_test(notifications_and_answers__are_not_answered),
        cmocka_unit_test(unknown_methods__are_named),
        cmocka_unit_test(what_is_no_message__is_a_bad_request),
        cmocka_unit_test(discover__names_versions_capabilities_and_the_server),
        cmocka_unit_test(newer_requests__without_what_they_must_say__are_bad_requests),
        cmocka_unit_test(unsupported_version__lists_those_that_are),
        cmocka_unit_test(newer_requests__find_no_handshake),
        cmocka_unit_test(headers__that_differ_from_the_body__are_refused),
        cmocka_unit_test(older_requests__may_say_their_version_in_the_header),
        cmocka_unit_test(tools__are_listed_with_schemas_and_can_be_called),
        cmocka_unit_test(list__by_the_newer_rules__may_be_kept),
        cmocka_unit_test(list__with_a_cursor__is_refused),
        cmocka_unit_test(calls__that_are_none__are_protocol_errors),
        cmocka_unit_test(result__is_given_as_json_and_as_text),
        cmocka_unit_test(failure__is_a_result_that_says_so),
        cmocka_unit_test(origins__of_this_machine_and_the_address_listened_on__are_welcome),
        cmocka_unit_test(begin__with_any_allocation_failing__answers_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
