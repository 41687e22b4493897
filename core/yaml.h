/*
 * YAML in, through libyaml (yaml.c, the one file that includes it): the JSON-shaped subset with line numbers. Scalars
 * follow the YAML 1.2 core schema (no "yes", no octal, no sexagesimals). ${VAR} and ${VAR:-default} are expanded inside
 * scalars after parsing. Aliases, anchors, tags other than !!str and several documents are refused.
 */
#ifndef FLOE_CORE_YAML_H
#define FLOE_CORE_YAML_H

#include "core/tree.h"

/* Looks a variable up; NULL when it is unset. */
typedef const char *(*floe_env_lookup)(const char *name, void *context);

/* Parses `text`; `file` is for messages ("features/delays.yaml:12: …"). An empty document is a NULL node. `env` may be
 * NULL: getenv. Owns: the tree lies in the arena. Errors: INVALID with file and line (syntax, duplicate key, unset
 * variable); LIMIT. */
floe_status floe_yaml_parse(floe_arena *arena, floe_str text, const char *file, floe_env_lookup env, void *env_context,
                            const floe_node **ret_root, floe_error *err);

#endif
