/* Access to parsed documents. Look-up is a walk over the members: objects of definitions and requests are small. */
#include "core/tree.h"

const floe_node *floe_node_get(const floe_node *object, const char *key) {
    if (object == NULL || object->kind != FLOE_NODE_OBJECT) {
        return NULL;
    }
    size_t key_len = strlen(key);
    for (size_t i = 0; i < object->count; i++) {
        floe_str candidate = object->members[i].key;
        if (candidate.len == key_len && memcmp(candidate.ptr, key, key_len) == 0) {
            return object->members[i].value;
        }
    }
    return NULL;
}

const char *floe_node_kind_name(floe_node_kind kind) {
    static const char *const names[] = {
        [FLOE_NODE_NULL] = "null",        [FLOE_NODE_BOOL] = "true or false", [FLOE_NODE_INT] = "a whole number",
        [FLOE_NODE_REAL] = "a number",    [FLOE_NODE_STRING] = "text",        [FLOE_NODE_ARRAY] = "a list",
        [FLOE_NODE_OBJECT] = "an object",
    };
    FLOE_ASSERT((unsigned)kind < sizeof(names) / sizeof(names[0]));
    return names[kind];
}

/* The member when it is there and not null; *ret_node stays NULL otherwise. A wrong kind is INVALID. */
static floe_status find(const floe_node *object, const char *key, const char *what, floe_node_kind kind,
                        const floe_node **ret_node, floe_error *err) {
    const floe_node *node = floe_node_get(object, key);
    if (node == NULL || node->kind == FLOE_NODE_NULL) {
        return FLOE_OK;
    }
    if (node->kind != kind) {
        if (node->line > 0) {
            return FLOE_FAIL(err, FLOE_INVALID, "line %d: \"%s\" of %s must be %s, not %s", node->line, key, what,
                             floe_node_kind_name(kind), floe_node_kind_name(node->kind));
        }
        return FLOE_FAIL(err, FLOE_INVALID, "\"%s\" of %s must be %s, not %s", key, what, floe_node_kind_name(kind),
                         floe_node_kind_name(node->kind));
    }
    *ret_node = node;
    return FLOE_OK;
}

static floe_status find_needed(const floe_node *object, const char *key, const char *what, floe_node_kind kind,
                               const floe_node **ret_node, floe_error *err) {
    if (object == NULL || object->kind != FLOE_NODE_OBJECT) {
        return FLOE_FAIL(err, FLOE_INVALID, "%s must be an object with \"%s\", not %s", what, key,
                         object == NULL ? "missing" : floe_node_kind_name(object->kind));
    }
    FLOE_TRY(find(object, key, what, kind, ret_node, err));
    if (*ret_node == NULL && object->line > 0) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "line %d: %s has no \"%s\"", object->line, what, key);
    }
    FLOE_ENSURE(*ret_node != NULL, err, FLOE_NOT_FOUND, "%s has no \"%s\"", what, key);
    return FLOE_OK;
}

floe_status floe_node_need_str(const floe_node *object, const char *key, const char *what, floe_str *ret_text,
                               floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(find_needed(object, key, what, FLOE_NODE_STRING, &node, err));
    *ret_text = node->text;
    return FLOE_OK;
}

floe_status floe_node_need_i64(const floe_node *object, const char *key, const char *what, int64_t *ret_value,
                               floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(find_needed(object, key, what, FLOE_NODE_INT, &node, err));
    *ret_value = node->as.integer;
    return FLOE_OK;
}

floe_status floe_node_opt_str(const floe_node *object, const char *key, const char *what, floe_str *ret_text,
                              floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(find(object, key, what, FLOE_NODE_STRING, &node, err));
    if (node != NULL) {
        *ret_text = node->text;
    }
    return FLOE_OK;
}

floe_status floe_node_opt_i64(const floe_node *object, const char *key, const char *what, int64_t *ret_value,
                              floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(find(object, key, what, FLOE_NODE_INT, &node, err));
    if (node != NULL) {
        *ret_value = node->as.integer;
    }
    return FLOE_OK;
}

floe_status floe_node_opt_bool(const floe_node *object, const char *key, const char *what, bool *ret_value,
                               floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(find(object, key, what, FLOE_NODE_BOOL, &node, err));
    if (node != NULL) {
        *ret_value = node->as.boolean;
    }
    return FLOE_OK;
}
