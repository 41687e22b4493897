/* See mcp_int.h. Here: versions, methods and answers; the tools are in mcp_tools.c, what they take and give in
 * mcp_tools.json. */
#include "api/mcp_int.h"

#include "api/embedded_int.h"

#include "core/base64.h"
#include "core/limits.h"

#include <stdio.h>

#ifndef FLOE_VERSION
#define FLOE_VERSION "0"
#endif

#define META_VERSION "io.modelcontextprotocol/protocolVersion"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define META_SERVER "io.modelcontextprotocol/serverInfo"
#define MODERN_VERSION "2026-07-28"
#define CACHE_MS 3600000

/* The versions that begin with a handshake, newest first. */
static const char *const older_versions[] = {"2025-11-25", "2025-06-18"};
#define OLDER_COUNT (sizeof(older_versions) / sizeof(older_versions[0]))

static const char instructions[] =
    "floe knows an organisation's tables and features. To write SQL: get_context with the question gives the schema "
    "that "
    "matters, within a number of tokens; search_tables and describe_table look further. For machine-learning features: "
    "search_features finds their names, get_online_features reads the newest values of entities by them.";

/* A message on its way to an answer. */
typedef struct dispatch {
    floe_rpc_message message;
    const floe_mcp_headers *headers; /* NULL: not by HTTP */
    floe_arena *arena;
    floe_buf *out;
    floe_mcp_call *call;
} dispatch;

/* ---- answers ---- */

static void answer_error(dispatch *at, int http_status, int code, const char *message, floe_str data) {
    at->call->step = FLOE_MCP_ANSWERED;
    at->call->http_status = http_status;
    floe_rpc_error(at->message.id, code, message, data, at->out);
}

static void put_server(floe_json_writer *json) {
    floe_json_object_begin(json);
    floe_json_key(json, "name");
    floe_json_text(json, "floe");
    floe_json_key(json, "title");
    floe_json_text(json, "floe: feature store and dataset search");
    floe_json_key(json, "version");
    floe_json_text(json, FLOE_VERSION);
    floe_json_object_end(json);
}

static void put_capabilities(floe_json_writer *json) {
    floe_json_key(json, "capabilities");
    floe_json_object_begin(json);
    floe_json_key(json, "tools");
    floe_json_object_begin(json);
    floe_json_object_end(json);
    floe_json_object_end(json);
    floe_json_key(json, "instructions");
    floe_json_text(json, instructions);
}

/* What every result says since 2026-07-28. */
static void put_modern(const floe_mcp_call *call, bool cacheable, floe_json_writer *json) {
    if (!call->modern) {
        return;
    }
    floe_json_key(json, "resultType");
    floe_json_text(json, "complete");
    if (cacheable) {
        floe_json_key(json, "ttlMs");
        floe_json_int(json, CACHE_MS);
        floe_json_key(json, "cacheScope");
        floe_json_text(json, "public");
    }
    floe_json_key(json, "_meta");
    floe_json_object_begin(json);
    floe_json_key(json, META_SERVER);
    put_server(json);
    floe_json_object_end(json);
}

/* ---- methods ---- */

static void put_versions(floe_json_writer *json) {
    floe_json_array_begin(json);
    floe_json_text(json, MODERN_VERSION);
    for (size_t i = 0; i < OLDER_COUNT; i++) {
        floe_json_text(json, older_versions[i]);
    }
    floe_json_array_end(json);
}

static void discover(dispatch *at, floe_json_writer *json) {
    floe_json_object_begin(json);
    floe_json_key(json, "supportedVersions");
    put_versions(json);
    put_capabilities(json);
    put_modern(at->call, true, json);
    floe_json_object_end(json);
}

static const char *older_version(floe_str version) {
    for (size_t i = 0; i < OLDER_COUNT; i++) {
        if (floe_str_is(version, older_versions[i])) {
            return older_versions[i];
        }
    }
    return NULL;
}

/* A client that asks for a version we do not speak is told the newest that begins as it does, and may leave. */
static void initialize(dispatch *at, floe_json_writer *json) {
    const floe_node *asked = at->message.params == NULL ? NULL : floe_node_get(at->message.params, "protocolVersion");
    const char *version = asked != NULL && asked->kind == FLOE_NODE_STRING ? older_version(asked->text) : NULL;
    floe_json_object_begin(json);
    floe_json_key(json, "protocolVersion");
    floe_json_text(json, version == NULL ? older_versions[0] : version);
    put_capabilities(json);
    floe_json_key(json, "serverInfo");
    put_server(json);
    floe_json_object_end(json);
}

static void ping(dispatch *at, floe_json_writer *json) {
    (void)at;
    floe_json_object_begin(json);
    floe_json_object_end(json);
}

static void list_tools(dispatch *at, floe_json_writer *json) {
    floe_str text = {(const char *)floe_mcp_tools_bytes, floe_mcp_tools_bytes_len};
    const floe_node *tools = NULL;
    FLOE_AUTO_BUF compact;
    floe_buf_init(&compact, FLOE_MIB(1));
    if (!floe_failed(floe_json_parse(at->arena, text, &tools, NULL))) {
        floe_json_print(tools, &compact);
    }
    if (compact.len == 0 || compact.failed) {
        at->out->failed = true;
        return;
    }
    floe_json_object_begin(json);
    floe_json_key(json, "tools");
    floe_json_raw(json, floe_buf_view(&compact));
    put_modern(at->call, true, json);
    floe_json_object_end(json);
}

static const struct {
    const char *name;
    bool older, modern; /* by which rules there is such a method */
    void (*put)(dispatch *at, floe_json_writer *json);
} methods[] = {
    {"initialize", true, false, initialize},
    {"ping", true, false, ping},
    {"server/discover", false, true, discover},
    {"tools/list", true, true, list_tools},
};

/* ---- tools/call ---- */

static bool find_tool(floe_str name, floe_mcp_tool *ret_tool) {
    for (int i = 0; i < FLOE_MCP_TOOL_COUNT; i++) {
        if (floe_str_is(name, floe_mcp_tool_name((floe_mcp_tool)i))) {
            *ret_tool = (floe_mcp_tool)i;
            return true;
        }
    }
    return false;
}

static void answer_params(dispatch *at, const char *message) {
    answer_error(at, at->call->modern ? 400 : 200, FLOE_RPC_INVALID_PARAMS,
                 message == NULL ? "the params are not understood" : message, FLOE_STR(""));
}

static void call_tool(dispatch *at) {
    const floe_node *name = at->message.params == NULL ? NULL : floe_node_get(at->message.params, "name");
    const floe_node *arguments = at->message.params == NULL ? NULL : floe_node_get(at->message.params, "arguments");
    if (name == NULL || name->kind != FLOE_NODE_STRING) {
        answer_params(at, "tools/call needs the name of a tool");
        return;
    }
    if (!find_tool(name->text, &at->call->tool)) {
        answer_params(at, floe_arena_printf(at->arena, "there is no tool `%.*s`; tools/list names them",
                                            FLOE_STR_BRIEF(name->text)));
        return;
    }
    if (arguments != NULL && arguments->kind != FLOE_NODE_NULL && arguments->kind != FLOE_NODE_OBJECT) {
        answer_params(at, "the arguments of a tool must be an object");
        return;
    }
    at->call->step = FLOE_MCP_TOOL;
    at->call->arguments = arguments != NULL && arguments->kind == FLOE_NODE_OBJECT ? arguments : NULL;
}

/* ---- versions ---- */

static const floe_node *meta_of(const dispatch *at, const char *key) {
    const floe_node *meta = at->message.params == NULL ? NULL : floe_node_get(at->message.params, "_meta");
    return meta == NULL ? NULL : floe_node_get(meta, key);
}

static void answer_version(dispatch *at, floe_str requested) {
    FLOE_AUTO_BUF data;
    floe_buf_init(&data, FLOE_MIB(1));
    floe_json_writer json = floe_json_writer_of(&data);
    floe_json_object_begin(&json);
    floe_json_key(&json, "supported");
    put_versions(&json);
    floe_json_key(&json, "requested");
    floe_json_string(&json, (floe_str){requested.ptr, requested.len < FLOE_LIMIT_NAME_BYTES ? requested.len : 0});
    floe_json_object_end(&json);
    answer_error(at, 400, FLOE_RPC_UNSUPPORTED_VERSION, "Unsupported protocol version", floe_buf_view(&data));
}

/* Words about a header, whatever memory there is for them: without words a mismatch would pass for none. */
static const char *mismatch(floe_arena *arena, const char *name, const char *what) {
    const char *words = floe_arena_printf(arena, "Header mismatch: the header %s %s", name, what);
    return words == NULL ? "Header mismatch" : words;
}

/* NULL: the header says what the body says. A value that is no plain ASCII comes as =?base64?…?=. */
static const char *mismatch_of(floe_str header, floe_str body, const char *name, floe_arena *arena) {
    static const char begin[] = "=?base64?";
    floe_str value = header;
    if (header.ptr == NULL) {
        return mismatch(arena, name, "is missing");
    }
    bool encoded = floe_str_starts_with(header, FLOE_STR(begin)) && floe_str_ends_with(header, FLOE_STR("?=")) &&
                   header.len >= sizeof(begin) + 1;
    if (encoded) {
        floe_str inner = {header.ptr + sizeof(begin) - 1, header.len - sizeof(begin) - 1};
        if (floe_failed(floe_base64_decode(inner, arena, &value, NULL))) {
            return mismatch(arena, name, "is no Base64");
        }
    }
    return floe_str_equal(value, body) ? NULL : mismatch(arena, name, "is not what the body says");
}

/* What intermediaries route by must be what is done. False: answered. */
static bool check_headers(dispatch *at, floe_str version) {
    const floe_mcp_headers *headers = at->headers;
    const floe_node *name = floe_node_get(at->message.params, "name");
    if (headers == NULL) {
        return true;
    }
    const char *problem = mismatch_of(headers->version, version, "MCP-Protocol-Version", at->arena);
    if (problem == NULL) {
        problem = mismatch_of(headers->method, at->message.method, "Mcp-Method", at->arena);
    }
    if (problem == NULL && floe_str_is(at->message.method, "tools/call") && name != NULL &&
        name->kind == FLOE_NODE_STRING) {
        problem = mismatch_of(headers->name, name->text, "Mcp-Name", at->arena);
    }
    if (problem != NULL) {
        answer_error(at, 400, FLOE_RPC_HEADER_MISMATCH, problem, FLOE_STR(""));
    }
    return problem == NULL;
}

/* Which rules the message is read by. False: answered. */
static bool check_version(dispatch *at) {
    const floe_node *version = meta_of(at, META_VERSION);
    floe_str header = at->headers == NULL ? (floe_str){NULL, 0} : at->headers->version;
    at->call->modern = version != NULL || floe_str_is(header, MODERN_VERSION);
    if (!at->call->modern) {
        bool fine = header.ptr == NULL || older_version(header) != NULL;
        if (!fine) {
            answer_version(at, header);
        }
        return fine;
    }
    const floe_node *capabilities = meta_of(at, META_CAPABILITIES);
    if (version == NULL || version->kind != FLOE_NODE_STRING) {
        answer_params(at, "params._meta must name the protocol version as a text, under \"" META_VERSION "\"");
        return false;
    }
    if (!check_headers(at, version->text)) {
        return false;
    }
    if (!floe_str_is(version->text, MODERN_VERSION)) {
        answer_version(at, version->text);
        return false;
    }
    if (capabilities == NULL || capabilities->kind != FLOE_NODE_OBJECT) {
        answer_params(at,
                      "params._meta must give the client's capabilities as an object, under \"" META_CAPABILITIES "\"");
        return false;
    }
    return true;
}

/* ---- dispatch ---- */

/* All tools are on the first page, so there is no other to ask for. */
static bool asks_for_a_page(const dispatch *at) {
    const floe_node *cursor = at->message.params == NULL ? NULL : floe_node_get(at->message.params, "cursor");
    return cursor != NULL && floe_str_is(at->message.method, "tools/list");
}

static void answer_method(dispatch *at) {
    if (asks_for_a_page(at)) {
        answer_params(at, "there is no such cursor; all tools are on the first page");
        return;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (floe_str_is(at->message.method, methods[i].name) &&
            (at->call->modern ? methods[i].modern : methods[i].older)) {
            floe_json_writer json = floe_json_writer_of(at->out);
            at->call->step = FLOE_MCP_ANSWERED;
            at->call->http_status = 200;
            floe_rpc_result_begin(at->message.id, &json);
            methods[i].put(at, &json);
            if (!at->out->failed) {
                floe_rpc_result_end(&json);
            }
            return;
        }
    }
    if (floe_str_is(at->message.method, "tools/call")) {
        call_tool(at);
        return;
    }
    const char *message = floe_arena_printf(at->arena, "Method not found: %.*s", FLOE_STR_BRIEF(at->message.method));
    answer_error(at, at->call->modern ? 404 : 200, FLOE_RPC_METHOD_NOT_FOUND,
                 message == NULL ? "Method not found" : message, FLOE_STR(""));
}

void floe_mcp_begin(floe_str text, const floe_mcp_headers *headers, floe_arena *arena, floe_buf *out,
                    floe_mcp_call *ret_call) {
    floe_error err = {0};
    int code = 0;
    dispatch at = {.headers = headers, .arena = arena, .out = out, .call = ret_call};
    *ret_call = (floe_mcp_call){.http_status = 200};
    floe_status status = floe_rpc_parse(text, arena, &at.message, &code, &err);
    ret_call->id = at.message.id;
    if (floe_failed(status)) {
        answer_error(&at, code == FLOE_RPC_INTERNAL_ERROR ? 503 : 400, code, err.message, FLOE_STR(""));
    } else if (at.message.kind == FLOE_RPC_REQUEST && check_version(&at)) {
        answer_method(&at);
    }
}

/* ---- tool results ---- */

static void put_text(floe_str text, floe_json_writer *json) {
    floe_json_key(json, "content");
    floe_json_array_begin(json);
    floe_json_object_begin(json);
    floe_json_key(json, "type");
    floe_json_text(json, "text");
    floe_json_key(json, "text");
    floe_json_string(json, text);
    floe_json_object_end(json);
    floe_json_array_end(json);
}

void floe_mcp_finish(const floe_mcp_call *call, floe_status status, const floe_error *tool_error, floe_str structured,
                     floe_str text, floe_buf *out) {
    floe_json_writer json = floe_json_writer_of(out);
    floe_rpc_result_begin(call->id, &json);
    floe_json_object_begin(&json);
    if (floe_failed(status)) {
        char words[FLOE_ERROR_MESSAGE_MAX + 32];
        (void)snprintf(words, sizeof(words), "%s: %s", floe_code_describe(tool_error->code)->name, tool_error->message);
        put_text(floe_str_of(words), &json);
    } else {
        put_text(text.len > 0 ? text : structured, &json);
        floe_json_key(&json, "structuredContent");
        floe_json_raw(&json, structured);
    }
    floe_json_key(&json, "isError");
    floe_json_bool(&json, floe_failed(status));
    put_modern(call, false, &json);
    floe_json_object_end(&json);
    floe_rpc_result_end(&json);
}
