/*
 * A message of the Model Context Protocol, and the headers that come with it: whatever the bytes are, they are answered with
 * one JSON-RPC message on one line, not answered, or a tool is named; and what a tool gives makes such a message too.
 */
#include "api/headers_int.h"
#include "api/mcp_int.h"
#include "core/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

/* One JSON object with the version, an id, and either a result or an error. */
static const floe_node *check_answer(const floe_buf *out, floe_arena *arena) {
    const floe_node *root = NULL;
    FLOE_ASSERT(!out->failed && memchr(out->ptr, '\n', out->len) == NULL);
    FLOE_ASSERT(!floe_failed(floe_json_parse_any_text(arena, floe_buf_view(out), &root, NULL)));
    FLOE_ASSERT(floe_node_get(root, "jsonrpc") != NULL && floe_node_get(root, "id") != NULL);
    FLOE_ASSERT((floe_node_get(root, "result") != NULL) != (floe_node_get(root, "error") != NULL));
    return root;
}

static void check_tool(const floe_mcp_call *call, floe_buf *out, floe_arena *arena) {
    floe_error err = {0};
    FLOE_ASSERT(out->len == 0 && call->id != NULL);
    FLOE_ASSERT(floe_mcp_arguments(call)->kind == FLOE_NODE_OBJECT);
    floe_mcp_finish(call, FLOE_OK, NULL, FLOE_STR("{}"), FLOE_STR(""), out);
    (void)check_answer(out, arena);
    floe_buf_clear(out);
    floe_status status = FLOE_FAIL(&err, FLOE_INVALID, "no");
    floe_mcp_finish(call, status, &err, FLOE_STR(""), FLOE_STR(""), out);
    (void)check_answer(out, arena);
}

static void check_message(floe_str text, const floe_mcp_headers *headers) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_ARENA answer;
    FLOE_AUTO_BUF out;
    floe_mcp_call call;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_arena_init(&answer, FLOE_MIB(16));
    floe_buf_init(&out, FLOE_MIB(16));
    floe_mcp_begin(text, headers, &arena, &out, &call);
    if (call.step == FLOE_MCP_ANSWERED) {
        const floe_node *root = check_answer(&out, &answer);
        bool failed = floe_node_get(root, "error") != NULL;
        FLOE_ASSERT(failed || call.http_status == 200);
        FLOE_ASSERT(call.http_status == 200 || call.http_status == 400 || call.http_status == 404);
    } else if (call.step == FLOE_MCP_TOOL) {
        check_tool(&call, &out, &answer);
    } else {
        FLOE_ASSERT(out.len == 0);
    }
}

/* Header values are judged without reading past their ends, and alike each time. */
static void check_headers(floe_str text) {
    FLOE_ASSERT(floe_accept_admits(text, "application/json") == floe_accept_admits(text, "application/json"));
    FLOE_ASSERT(!floe_accept_names(text, "application/json") || text.len >= strlen("application/json"));
    (void)floe_media_type_is(text, "application/json");
    (void)floe_charset_is_utf8(text);
    (void)floe_encoding_is_identity(text);
    (void)floe_mcp_origin_allowed(text, FLOE_STR("floe.example"));
    if (text.len > 0 && floe_http_target_problem(text) == NULL) {
        FLOE_ASSERT(memmem(text.ptr, text.len, "%00", 3) == NULL);
        floe_str path = floe_http_target_path(text);
        FLOE_ASSERT(path.len > 0 && (path.ptr[0] == '/' || path.ptr[0] == '*'));
    }
}

/* The first three lines are headers, the rest is the message; without three lines all of it is the message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    floe_str rest = {(const char *)data, data_len};
    floe_str lines[3] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    size_t count = 0;
    while (count < 3 && rest.len > 0 && memchr(rest.ptr, '\n', rest.len) != NULL) {
        (void)floe_str_split(&rest, '\n', &lines[count++]);
    }
    if (count < 3) {
        check_message((floe_str){(const char *)data, data_len}, NULL);
    } else {
        floe_mcp_headers headers = {lines[0], lines[1], lines[2]};
        check_message(rest, &headers);
    }
    for (size_t i = 0; i < count; i++) {
        check_headers(lines[i]);
    }
    return 0;
}
