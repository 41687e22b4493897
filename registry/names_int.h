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

/* Whether it begins like those of the columns that floe puts beside others: __floe, whatever the case. */
bool floe_name_is_own(floe_str name);
/* The name with ASCII letters in lower case, in the arena, whose flag says whether it was full: what the engine and most readers of
 * training sets tell columns apart by. */
floe_str floe_name_folded(floe_arena *arena, floe_str name);

/* "; did you mean x?" in the arena, or "" for NULL. */
const char *floe_name_hint(floe_arena *arena, const char *nearest);

/* Finds a function by its name; false when there is none. */
bool floe_function_parse(floe_str name, floe_function *ret_function);
const char *floe_function_nearest(floe_str name);
/* All names, comma-separated, for messages. */
#define FLOE_FUNCTION_NAMES                                                                                            \
    "count, sum, mean, min, max, stddev, stddev_pop, variance, variance_pop, first, last, first_k, last_k, "           \
    "count_distinct, approx_count_distinct, percentile, top_k"

/* Whether the function is written with a parameter, as {percentile: 0.95} and {top_k: 3}. */
bool floe_function_takes_parameter(floe_function function);

/* A plain decimal between 0 and 1 → its shortest form and its value. False when the text is none. */
bool floe_quantile_parse(floe_arena *arena, floe_str text, floe_str *ret_text, double *ret_quantile);

/* The name of an aggregate's output: column_function_window; `*` has no column, all time no window. A percentile is
 * called p and 100·q (p95, p99_9), the lists top_3, first_5, last_5. */
floe_str floe_output_default_name(floe_arena *arena, const floe_output *output);

/* The column of a table by exact name, or NULL. */
const floe_column *floe_column_find(const floe_column *columns, size_t count, floe_str name);
/* The first whose name is this one but for its case, or NULL. */
const floe_column *floe_column_find_folded(const floe_column *columns, size_t count, floe_str name);

#endif
