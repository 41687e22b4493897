/*
 * Names: what is allowed, what is nearest, and how outputs are called.
 */
#include "registry/names_int.h"

#include "core/limits.h"

#include <ctype.h>

const char *floe_name_problem(floe_str name) {
    if (name.len == 0) {
        return "a name cannot be empty";
    }
    if (name.len > FLOE_LIMIT_NAME_BYTES) {
        return "a name has at most 128 bytes";
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c > 127 || !(isalpha(c) || c == '_' || (i > 0 && isdigit(c)))) {
            return "a name has only letters (A-Z, a-z), digits and _, and does not begin with a digit";
        }
    }
    return NULL;
}

const char *floe_view_name_problem(floe_str name) {
    const char *problem = floe_name_problem(name);
    if (problem != NULL) {
        return problem;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '_' && (i + 1 == name.len || name.ptr[i + 1] == '_')) {
            return "a feature view's name has no `__` and does not end in _, because its columns are called "
                   "view__feature";
        }
    }
    return NULL;
}

const char *floe_name_nearest(floe_arena *arena, floe_str word, const floe_str *words, size_t count) {
    const char *best = NULL;
    unsigned best_distance = 2 + (unsigned)(word.len > 1024 ? 1024 : word.len) / 4;
    for (size_t i = 0; i < count && word.len <= 1024; i++) {
        if (words[i].len == 0) {
            continue; /* a dataset without a name */
        }
        const char *copy = floe_arena_strndup(arena, words[i].ptr, words[i].len);
        if (copy == NULL) {
            return NULL;
        }
        const char *near = floe_str_nearest(word, &copy, 1);
        unsigned distance = near != NULL ? floe_str_distance(word, words[i], best_distance) : best_distance;
        if (distance < best_distance) {
            best = copy;
            best_distance = distance;
        }
    }
    return best;
}

const char *floe_column_nearest(floe_arena *arena, floe_str word, const floe_column *columns, size_t count) {
    floe_str *words = floe_arena_alloc(arena, count, sizeof *words);
    for (size_t i = 0; words != NULL && i < count; i++) {
        words[i] = columns[i].name;
    }
    return words != NULL ? floe_name_nearest(arena, word, words, count) : NULL;
}

const char *floe_name_hint(floe_arena *arena, const char *nearest) {
    const char *hint = nearest != NULL ? floe_arena_printf(arena, "; did you mean %s?", nearest) : NULL;
    return hint != NULL ? hint : "";
}

static const char *const function_names[] = {[FLOE_FN_NONE] = "",         [FLOE_FN_COUNT] = "count",
                                             [FLOE_FN_SUM] = "sum",       [FLOE_FN_MEAN] = "mean",
                                             [FLOE_FN_MIN] = "min",       [FLOE_FN_MAX] = "max",
                                             [FLOE_FN_STDDEV] = "stddev", [FLOE_FN_COUNT_DISTINCT] = "count_distinct"};

enum { FUNCTION_COUNT = sizeof function_names / sizeof *function_names };

static const char *const later_names[] = {"stddev_pop", "variance", "variance_pop",          "first",      "last",
                                          "first_k",    "last_k",   "approx_count_distinct", "percentile", "top_k"};

enum { LATER_COUNT = sizeof later_names / sizeof *later_names };

const char *floe_function_name(floe_function function) {
    return (unsigned)function < FUNCTION_COUNT ? function_names[function] : "";
}

floe_function_state floe_function_parse(floe_str name, floe_function *ret_function) {
    for (unsigned i = FLOE_FN_COUNT; i < FUNCTION_COUNT; i++) {
        if (floe_str_is(name, function_names[i])) {
            *ret_function = (floe_function)i;
            return FLOE_FUNCTION_KNOWN;
        }
    }
    for (size_t i = 0; i < LATER_COUNT; i++) {
        if (floe_str_is(name, later_names[i])) {
            return FLOE_FUNCTION_LATER;
        }
    }
    return FLOE_FUNCTION_UNKNOWN;
}

const char *floe_function_nearest(floe_str name) {
    const char *all[FUNCTION_COUNT + LATER_COUNT];
    size_t count = 0;
    for (unsigned i = FLOE_FN_COUNT; i < FUNCTION_COUNT; i++) {
        all[count++] = function_names[i];
    }
    for (size_t i = 0; i < LATER_COUNT; i++) {
        all[count++] = later_names[i];
    }
    return floe_str_nearest(name, all, count);
}

floe_str floe_output_default_name(floe_arena *arena, floe_str column, floe_function function, floe_str window) {
    bool all_rows = floe_str_is(column, "*");
    const char *name =
        floe_arena_printf(arena, "%.*s%s%s%s%.*s", FLOE_STR_ARG(all_rows ? FLOE_STR("") : column), all_rows ? "" : "_",
                          floe_function_name(function), window.len > 0 ? "_" : "", FLOE_STR_ARG(window));
    return floe_str_of(name);
}

const floe_column *floe_column_find(const floe_column *columns, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(columns[i].name, name)) {
            return &columns[i];
        }
    }
    return NULL;
}
