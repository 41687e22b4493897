/*
 * Scalars of YAML, between yaml.c (structure) and yaml_scalar.c (variables and types): the file to change when a scalar
 * is read differently.
 */
#ifndef FLOE_CORE_YAML_INT_H
#define FLOE_CORE_YAML_INT_H

#include "core/yaml.h"

/* Where the text comes from and what its variables mean. */
typedef struct floe_yaml_source {
    const char *file;
    floe_env_lookup env; /* NULL: getenv */
    void *env_context;
    floe_status unset; /* the failure of the first unset variable, or OK */
} floe_yaml_source;

/* A place in the text, both from 1. */
typedef struct floe_yaml_mark {
    int line;
    int column; /* in characters */
} floe_yaml_mark;

typedef struct floe_yaml_scalar {
    floe_str text;
    bool plain; /* neither quoted nor a block nor tagged: its type is resolved */
    floe_yaml_mark mark;
} floe_yaml_scalar;

/* Replaces ${VAR}, ${VAR:-default} and $$ in the scalar's text. Rule: a default counts when the variable is unset or
 * empty, as in a shell; it takes $$ but no further variable. A plain scalar stays plain only when it was left alone or
 * is one variable and nothing else. An unset variable is noted in source->unset and in err, one line each, and reads as
 * empty text. Owns: new text lies in the arena. Errors: INVALID for a "${" that is not closed or holds no name. */
floe_status floe_yaml_expand(floe_yaml_source *source, floe_arena *arena, floe_yaml_scalar *scalar, floe_error *err);

/* Fills the node. Rule: the core schema for plain scalars, text for all others. Owns: the text is copied to the arena.
 * Errors: INVALID for a number that does not fit. */
floe_status floe_yaml_resolve(const floe_yaml_source *source, floe_arena *arena, const floe_yaml_scalar *scalar,
                              floe_node *node, floe_error *err);

bool floe_yaml_is_null(floe_str text);

#endif
