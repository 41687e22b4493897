/* See jsonrpc_int.h. */
#include "api/jsonrpc_int.h"

/* Whatever is wrong with a message, its id comes first, so that the answer can name it. */
static const floe_node *id_of(const floe_node *root) {
    const floe_node *id = floe_node_get(root, "id");
    bool fine = id != NULL && (id->kind == FLOE_NODE_STRING || id->kind == FLOE_NODE_INT);
    return fine ? id : NULL;
}

static floe_status read_id(const floe_node *root, floe_rpc_message *message, floe_error *err) {
    const floe_node *id = floe_node_get(root, "id");
    message->id = id_of(root);
    FLOE_ENSURE(id == NULL || message->id != NULL, err, FLOE_INVALID,
                "the id of a message must be a text or an integer, not %s", floe_node_kind_name(id->kind));
    return FLOE_OK;
}

static floe_status read_version(const floe_node *root, floe_error *err) {
    const floe_node *version = floe_node_get(root, "jsonrpc");
    FLOE_ENSURE(version != NULL && version->kind == FLOE_NODE_STRING && floe_str_is(version->text, "2.0"), err,
                FLOE_INVALID, "a message must say \"jsonrpc\": \"2.0\"");
    return FLOE_OK;
}

/* A message without a method is an answer to a request, of which this side sends none. */
static floe_status read_answer(const floe_node *root, floe_rpc_message *message, floe_error *err) {
    bool result = floe_node_get(root, "result") != NULL;
    bool error = floe_node_get(root, "error") != NULL;
    FLOE_ENSURE(result != error && message->id != NULL, err, FLOE_INVALID,
                "a message must have a method, or be the answer to a request");
    message->kind = FLOE_RPC_RESPONSE;
    return FLOE_OK;
}

static floe_status read_message(const floe_node *root, floe_rpc_message *message, int *ret_code, floe_error *err) {
    *ret_code = FLOE_RPC_INVALID_REQUEST;
    FLOE_ENSURE(root->kind != FLOE_NODE_ARRAY, err, FLOE_INVALID,
                "a batch of messages is not part of the protocol; send one message at a time");
    FLOE_ENSURE(root->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "a message must be a JSON object, not %s",
                floe_node_kind_name(root->kind));
    FLOE_TRY(read_id(root, message, err));
    FLOE_TRY(read_version(root, err));
    const floe_node *method = floe_node_get(root, "method");
    if (method == NULL) {
        return read_answer(root, message, err);
    }
    FLOE_ENSURE(method->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "the method must be a text, not %s",
                floe_node_kind_name(method->kind));
    message->kind = message->id == NULL ? FLOE_RPC_NOTIFICATION : FLOE_RPC_REQUEST;
    message->method = method->text;
    const floe_node *params = floe_node_get(root, "params");
    *ret_code = FLOE_RPC_INVALID_PARAMS;
    FLOE_ENSURE(params == NULL || params->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID,
                "the params must be an object, not %s", floe_node_kind_name(params->kind));
    message->params = params;
    return FLOE_OK;
}

floe_status floe_rpc_parse(floe_str text, floe_arena *arena, floe_rpc_message *ret_message, int *ret_code,
                           floe_error *err) {
    const floe_node *root = NULL;
    *ret_message = (floe_rpc_message){0};
    *ret_code = FLOE_RPC_PARSE_ERROR;
    floe_status status = floe_json_parse_any_text(arena, text, &root, err);
    if (floe_failed(status)) {
        *ret_code = status.code == FLOE_NOMEM ? FLOE_RPC_INTERNAL_ERROR : FLOE_RPC_PARSE_ERROR;
        return status;
    }
    return read_message(root, ret_message, ret_code, err);
}

/* ---- answers ---- */

static void begin_answer(const floe_node *id, floe_json_writer *json) {
    floe_json_object_begin(json);
    floe_json_key(json, "jsonrpc");
    floe_json_text(json, "2.0");
    floe_json_key(json, "id");
    if (id == NULL) {
        floe_json_null(json);
    } else if (id->kind == FLOE_NODE_INT) {
        floe_json_int(json, id->as.integer);
    } else {
        floe_json_string(json, id->text);
    }
}

void floe_rpc_result_begin(const floe_node *id, floe_json_writer *json) {
    begin_answer(id, json);
    floe_json_key(json, "result");
}

void floe_rpc_result_end(floe_json_writer *json) {
    floe_json_object_end(json);
}

void floe_rpc_error(const floe_node *id, int code, const char *message, floe_str data, floe_buf *out) {
    floe_json_writer json = floe_json_writer_of(out);
    begin_answer(id, &json);
    floe_json_key(&json, "error");
    floe_json_object_begin(&json);
    floe_json_key(&json, "code");
    floe_json_int(&json, code);
    floe_json_key(&json, "message");
    floe_json_text(&json, message);
    if (data.len > 0) {
        floe_json_key(&json, "data");
        floe_json_raw(&json, data);
    }
    floe_json_object_end(&json);
    floe_json_object_end(&json);
}
