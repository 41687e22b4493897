/*
 * The Model Context Protocol without its transports: what a message means, and what is answered. HTTP (route_mcp.c) and
 * stdio (mcp_stdio.c) bring messages and run the tools; nothing here waits for anything.
 *
 * Two kinds of clients are served. Since 2026-07-28 a message says its protocol version in params._meta and stands for
 * itself; before, a client begins with `initialize` and later says the version in a header or not at all. A message
 * with a version in its _meta is read by the newer rules, any other by the older ones, so no state is kept for either.
 *
 * Way of a message: floe_mcp_begin → answered, nothing to answer, or a tool to run → floe_mcp_run, or for
 * get_online_features a lookup (lookup_int.h) → floe_mcp_finish.
 * Source: the specification's revisions 2025-06-18, 2025-11-25 and 2026-07-28.
 */
#ifndef FLOE_API_MCP_INT_H
#define FLOE_API_MCP_INT_H

#include "api/asker_int.h"
#include "api/jsonrpc_int.h"
#include "api/search_int.h"

typedef enum floe_mcp_tool {
    FLOE_MCP_SEARCH_TABLES,
    FLOE_MCP_DESCRIBE_TABLE,
    FLOE_MCP_GET_CONTEXT,
    FLOE_MCP_SEARCH_FEATURES,
    FLOE_MCP_GET_ONLINE_FEATURES,
    FLOE_MCP_TOOL_COUNT
} floe_mcp_tool;

const char *floe_mcp_tool_name(floe_mcp_tool tool);

/* What HTTP says beside the body; a NULL pointer: the header was not sent. */
typedef struct floe_mcp_headers {
    floe_str version; /* MCP-Protocol-Version */
    floe_str method;  /* Mcp-Method */
    floe_str name;    /* Mcp-Name */
} floe_mcp_headers;

typedef enum floe_mcp_step {
    FLOE_MCP_NOTHING,  /* a notification or an answer: nothing is sent back */
    FLOE_MCP_ANSWERED, /* the whole answer is in `out` */
    FLOE_MCP_TOOL      /* run the tool, then floe_mcp_finish */
} floe_mcp_step;

typedef struct floe_mcp_call {
    floe_mcp_step step;
    int http_status; /* of an answer */
    bool modern;     /* by the rules since 2026-07-28 */
    const floe_node *id;
    floe_mcp_tool tool;
    const floe_node *arguments; /* NULL: none */
} floe_mcp_call;

/* One message. `headers` NULL: it did not come by HTTP. Owns: what the call points to lies in the arena. Errors: none;
 * what is wrong with the message is an answer. Afterwards `out` may have failed (floe_buf_check). */
void floe_mcp_begin(floe_str text, const floe_mcp_headers *headers, floe_arena *arena, floe_buf *out,
                    floe_mcp_call *ret_call);

/* The answer to a tool that ran: `structured`, its result as JSON, and `text`, the same for a model (empty: the JSON
 * itself). A failure becomes a result with isError and the error's words. */
void floe_mcp_finish(const floe_mcp_call *call, floe_status status, const floe_error *tool_error, floe_str structured,
                     floe_str text, floe_buf *out);

/* Whether a page from this Origin (ptr NULL: no browser said one) may speak to a server that listens on
 * `listen_host`. */
bool floe_mcp_origin_allowed(floe_str origin, floe_str listen_host);

/* ---- tools ---- */

/* What the tools that only read the index stand on. */
typedef struct floe_mcp_services {
    floe_searchers *searchers;
    floe_asker *asker;     /* of verified questions; NULL: there are none */
    const floe_role *role; /* NULL: sees everything */
} floe_mcp_services;

/* Runs any tool but get_online_features; blocks. Shape: the result as JSON is appended to `out`; *ret_text is as
 * floe_mcp_finish takes it, in the arena. Errors: INVALID naming the argument; those of the search. Thread: any. */
floe_status floe_mcp_run(const floe_mcp_call *call, const floe_mcp_services *services, floe_arena *arena, floe_buf *out,
                         floe_str *ret_text, floe_error *err);

/* The arguments as an object, which a lookup reads; an empty one when there are none. */
const floe_node *floe_mcp_arguments(const floe_mcp_call *call);

#endif
