/*
 * JSON-RPC 2.0 as the Model Context Protocol uses it: one message a text, an id that is a text or an integer,
 * parameters that are an object. Pure functions over bytes that anybody may send.
 */
#ifndef FLOE_API_JSONRPC_INT_H
#define FLOE_API_JSONRPC_INT_H

#include "core/buf.h"
#include "core/json.h"

#define FLOE_RPC_PARSE_ERROR (-32700)
#define FLOE_RPC_INVALID_REQUEST (-32600)
#define FLOE_RPC_METHOD_NOT_FOUND (-32601)
#define FLOE_RPC_INVALID_PARAMS (-32602)
#define FLOE_RPC_INTERNAL_ERROR (-32603)
#define FLOE_RPC_HEADER_MISMATCH (-32020)     /* of MCP */
#define FLOE_RPC_UNSUPPORTED_VERSION (-32022) /* of MCP */

typedef enum floe_rpc_kind { FLOE_RPC_REQUEST, FLOE_RPC_NOTIFICATION, FLOE_RPC_RESPONSE } floe_rpc_kind;

typedef struct floe_rpc_message {
    floe_rpc_kind kind;
    const floe_node *id;     /* of requests and responses: STRING or INT. NULL: none */
    floe_str method;         /* of requests and notifications */
    const floe_node *params; /* an OBJECT; NULL: none were sent */
} floe_rpc_message;

/* Reads one message. Owns: it lies in the arena. On failure *ret_code is the JSON-RPC code to answer with, and
 * ret_message->id the message's id, when that much could be read. Errors: INVALID, LIMIT, NOMEM; a batch is INVALID. */
floe_status floe_rpc_parse(floe_str text, floe_arena *arena, floe_rpc_message *ret_message, int *ret_code,
                           floe_error *err);

/* {"jsonrpc":"2.0","id":…,"result": and the closing brace behind what the caller writes in between. */
void floe_rpc_result_begin(const floe_node *id, floe_json_writer *json);
void floe_rpc_result_end(floe_json_writer *json);
/* A whole error answer. `data`: JSON, or empty for none. `id` NULL: null. */
void floe_rpc_error(const floe_node *id, int code, const char *message, floe_str data, floe_buf *out);

#endif
