/*
 * YAML in, through libyaml: the JSON-shaped subset with line numbers. yaml.c holds the structure (and is the one file
 * that includes libyaml), yaml_scalar.c what a scalar means.
 *
 * Scalars follow the YAML 1.2 core schema: "yes" is text, 010 is ten (octal is 0o10), 1:30 is text. Quoted and block
 * scalars are text. ${VAR} and ${VAR:-default} are expanded inside scalars, keys too, after parsing, and $$ is a dollar
 * sign. The default counts when the variable is unset or empty. A plain scalar that is one variable and nothing else is
 * resolved like any plain scalar (${PORT} may be an integer); one that holds more is text. A comma, a bracket or a
 * brace inside [ ] or { } ends a plain scalar, so a variable in there must be quoted.
 * Aliases, anchors, merge keys, tags other than !!str and several documents are refused.
 */
#ifndef FLOE_CORE_YAML_H
#define FLOE_CORE_YAML_H

#include "core/tree.h"

/* Looks a variable up; NULL when it is unset. */
typedef const char *(*floe_env_lookup)(const char *name, void *context);

/* Parses `text`; `file` is for messages ("features/delays.yaml:12: …"). An empty document is a NULL node. `env` may be
 * NULL: getenv. Owns: the tree lies in the arena. Errors, with file:line:column in front: INVALID (syntax, duplicate
 * key, a number past 64 bits, unset variables: all of them, one a line); UNSUPPORTED; LIMIT (bytes, depth, arena);
 * NOMEM. */
floe_status floe_yaml_parse(floe_arena *arena, floe_str text, const char *file, floe_env_lookup env, void *env_context,
                            const floe_node **ret_root, floe_error *err);

#endif
