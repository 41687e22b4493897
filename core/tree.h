/*
 * A parsed YAML or JSON document: an immutable tree of nodes in an arena. YAML nodes know their line.
 */
#ifndef FLOE_CORE_TREE_H
#define FLOE_CORE_TREE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

typedef enum floe_node_kind {
    FLOE_NODE_NULL,
    FLOE_NODE_BOOL,
    FLOE_NODE_INT,
    FLOE_NODE_REAL,
    FLOE_NODE_STRING,
    FLOE_NODE_ARRAY,
    FLOE_NODE_OBJECT
} floe_node_kind;

typedef struct floe_node floe_node;
typedef struct floe_member {
    floe_str key;
    int line; /* of the key; 0 in JSON */
    const floe_node *value;
} floe_member;

struct floe_node {
    floe_node_kind kind;
    int line; /* 1-based line in the YAML text; 0 in JSON */
    union {
        bool boolean;
        int64_t integer;
        double real;
    } as;
    floe_str text;                 /* STRING: the text; YAML: also the plain scalar as written, for other kinds */
    const floe_node *const *items; /* ARRAY */
    const floe_member *members;    /* OBJECT, in document order */
    size_t count;
};

/* The member's value, or NULL when the node is no object or has no such key. */
const floe_node *floe_node_get(const floe_node *object, const char *key);
const char *floe_node_kind_name(floe_node_kind kind);

/* Typed access to members. `what` names the object for the message. A missing member: NOT_FOUND for _need, the default
 * untouched and OK for _opt. A wrong kind: INVALID. JSON null counts as missing. */
floe_status floe_node_need_str(const floe_node *object, const char *key, const char *what, floe_str *ret_text,
                               floe_error *err);
floe_status floe_node_need_i64(const floe_node *object, const char *key, const char *what, int64_t *ret_value,
                               floe_error *err);
floe_status floe_node_opt_str(const floe_node *object, const char *key, const char *what, floe_str *ret_text,
                              floe_error *err);
floe_status floe_node_opt_i64(const floe_node *object, const char *key, const char *what, int64_t *ret_value,
                              floe_error *err);
floe_status floe_node_opt_bool(const floe_node *object, const char *key, const char *what, bool *ret_value,
                               floe_error *err);

#endif
