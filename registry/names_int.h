/*
 * Private to registry: what things may be called, and what the language of definitions calls them.
 */
#ifndef FLOE_REGISTRY_NAMES_INT_H
#define FLOE_REGISTRY_NAMES_INT_H

#include "registry/model.h"

/* NULL when the name is allowed, else what is wrong with it. */
const char *floe_name_problem(floe_str name);
/* The same for a view's name, which must also leave `view__feature` unambiguous. */
const char *floe_view_name_problem(floe_str name);

/* The known word nearest to `word`, or NULL; words need no terminator. */
const char *floe_name_nearest(floe_arena *arena, floe_str word, const floe_str *words, size_t count);
const char *floe_column_nearest(floe_arena *arena, floe_str word, const floe_column *columns, size_t count);

/* "; did you mean x?" in the arena, or "" for NULL. */
const char *floe_name_hint(floe_arena *arena, const char *nearest);

typedef enum floe_function_state {
    FLOE_FUNCTION_KNOWN,
    FLOE_FUNCTION_LATER,
    FLOE_FUNCTION_UNKNOWN
} floe_function_state;

/* Whether this version computes a function, knows its name only, or has never heard of it. */
floe_function_state floe_function_parse(floe_str name, floe_function *ret_function);
const char *floe_function_nearest(floe_str name);

/* The name of an aggregate's output: column_function_window; `*` has no column, all time no window. */
floe_str floe_output_default_name(floe_arena *arena, floe_str column, floe_function function, floe_str window);

/* The column of a table by exact name, or NULL. */
const floe_column *floe_column_find(const floe_column *columns, size_t count, floe_str name);

#endif
