/*
 * Names: what is allowed, what is nearest, and how outputs are called.
 */
#include "registry/names_int.h"

#include "core/limits.h"

#include <ctype.h>
#include <strings.h>

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

bool floe_name_is_own(floe_str name) {
    return name.len >= 6 && strncasecmp(name.ptr, "__floe", 6) == 0;
}

floe_str floe_name_folded(floe_arena *arena, floe_str name) {
    char *folded = floe_arena_strndup(arena, name.ptr, name.len);
    for (size_t i = 0; folded != NULL && i < name.len; i++) {
        bool upper = folded[i] >= 'A' && folded[i] <= 'Z';
        folded[i] = upper ? (char)(folded[i] - 'A' + 'a') : folded[i];
    }
    return folded != NULL ? (floe_str){folded, name.len} : FLOE_STR("");
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
    const char *hint = nearest != NULL ? floe_arena_printf(arena, "%s%s%s", FLOE_HINT(nearest)) : NULL;
    return hint != NULL ? hint : "";
}

static const char *const function_names[FLOE_FN_END] = {
    [FLOE_FN_NONE] = "",
    [FLOE_FN_COUNT] = "count",
    [FLOE_FN_SUM] = "sum",
    [FLOE_FN_MEAN] = "mean",
    [FLOE_FN_MIN] = "min",
    [FLOE_FN_MAX] = "max",
    [FLOE_FN_STDDEV] = "stddev",
    [FLOE_FN_COUNT_DISTINCT] = "count_distinct",
    [FLOE_FN_STDDEV_POP] = "stddev_pop",
    [FLOE_FN_VARIANCE] = "variance",
    [FLOE_FN_VARIANCE_POP] = "variance_pop",
    [FLOE_FN_FIRST] = "first",
    [FLOE_FN_LAST] = "last",
    [FLOE_FN_FIRST_K] = "first_k",
    [FLOE_FN_LAST_K] = "last_k",
    [FLOE_FN_APPROX_COUNT_DISTINCT] = "approx_count_distinct",
    [FLOE_FN_PERCENTILE] = "percentile",
    [FLOE_FN_TOP_K] = "top_k",
};

const char *floe_function_name(floe_function function) {
    return (unsigned)function < FLOE_FN_END ? function_names[function] : "";
}

bool floe_function_counts(floe_function function) {
    return function == FLOE_FN_COUNT || function == FLOE_FN_COUNT_DISTINCT || function == FLOE_FN_APPROX_COUNT_DISTINCT;
}

bool floe_function_lists(floe_function function) {
    return function == FLOE_FN_FIRST_K || function == FLOE_FN_LAST_K || function == FLOE_FN_TOP_K;
}

bool floe_function_takes_parameter(floe_function function) {
    return floe_function_lists(function) || function == FLOE_FN_PERCENTILE;
}

bool floe_function_parse(floe_str name, floe_function *ret_function) {
    for (unsigned i = FLOE_FN_COUNT; i < FLOE_FN_END; i++) {
        if (floe_str_is(name, function_names[i])) {
            *ret_function = (floe_function)i;
            return true;
        }
    }
    return false;
}

const char *floe_function_nearest(floe_str name) {
    return floe_str_nearest(name, function_names + FLOE_FN_COUNT, FLOE_FN_END - FLOE_FN_COUNT);
}

/* ---- quantiles ---- */

enum { QUANTILE_DIGITS_MAX = 15 };

/* Digits after the point without trailing zeros; false where the text is no plain decimal of at most 15 of them. */
static bool split_quantile(floe_str text, bool *ret_one, floe_str *ret_fraction) {
    size_t at = 0;
    bool one = false;
    for (; at < text.len && isdigit((unsigned char)text.ptr[at]); at++) {
        if (text.ptr[at] > '1' || one) {
            return false;
        }
        one = text.ptr[at] == '1';
    }
    bool digits = at > 0;
    floe_str fraction = {"", 0};
    if (at < text.len && text.ptr[at] == '.') {
        fraction = (floe_str){text.ptr + at + 1, text.len - at - 1};
        digits = digits || fraction.len > 0;
        at = text.len;
    }
    for (size_t i = 0; i < fraction.len; i++) {
        if (!isdigit((unsigned char)fraction.ptr[i])) {
            return false;
        }
    }
    while (fraction.len > 0 && fraction.ptr[fraction.len - 1] == '0') {
        fraction.len--;
    }
    *ret_one = one;
    *ret_fraction = fraction;
    return digits && at == text.len && fraction.len <= QUANTILE_DIGITS_MAX && !(one && fraction.len > 0);
}

bool floe_quantile_parse(floe_arena *arena, floe_str text, floe_str *ret_text, double *ret_quantile) {
    bool one = false;
    floe_str fraction = {"", 0};
    if (!split_quantile(text, &one, &fraction)) {
        return false;
    }
    double digits = 0, unit = 1; /* both exact, so that the quotient is the nearest double */
    for (size_t i = 0; i < fraction.len; i++) {
        digits = digits * 10 + (fraction.ptr[i] - '0');
        unit *= 10;
    }
    *ret_quantile = one ? 1 : digits / unit;
    *ret_text = floe_str_of(
        floe_arena_printf(arena, "%d%s%.*s", (int)one, fraction.len > 0 ? "." : "", FLOE_STR_ARG(fraction)));
    return ret_text->ptr != NULL;
}

/* 100·q of a shortest decimal, `_` for the point: 0.95 → 95, 0.999 → 99_9, 0.05 → 5, 1 → 100. */
static const char *percent_text(floe_arena *arena, floe_str quantile) {
    if (quantile.len <= 1) {
        return quantile.len == 1 && quantile.ptr[0] == '1' ? "100" : "0";
    }
    floe_str fraction = {quantile.ptr + 2, quantile.len - 2};
    char tens = fraction.ptr[0];
    char ones = fraction.len > 1 ? fraction.ptr[1] : '0';
    floe_str rest = fraction.len > 2 ? (floe_str){fraction.ptr + 2, fraction.len - 2} : (floe_str){"", 0};
    const char *whole =
        tens == '0' ? floe_arena_printf(arena, "%c", ones) : floe_arena_printf(arena, "%c%c", tens, ones);
    const char *text =
        whole == NULL ? NULL : floe_arena_printf(arena, "%s%s%.*s", whole, rest.len > 0 ? "_" : "", FLOE_STR_ARG(rest));
    return text != NULL ? text : "";
}

/* What a function is called in a name: its own name, or a short form with its parameter. */
static const char *short_name(floe_arena *arena, const floe_output *output) {
    const char *text = floe_function_name(output->function);
    if (output->function == FLOE_FN_PERCENTILE) {
        text = floe_arena_printf(arena, "p%s", percent_text(arena, output->quantile_text));
    } else if (floe_function_lists(output->function)) {
        const char *word = output->function == FLOE_FN_TOP_K     ? "top"
                           : output->function == FLOE_FN_FIRST_K ? "first"
                                                                 : "last";
        text = floe_arena_printf(arena, "%s_%u", word, (unsigned)output->k);
    }
    return text != NULL ? text : "";
}

floe_str floe_output_default_name(floe_arena *arena, const floe_output *output) {
    bool all_rows = floe_str_is(output->column, "*");
    const char *name = floe_arena_printf(
        arena, "%.*s%s%s%s%.*s", FLOE_STR_ARG(all_rows ? FLOE_STR("") : output->column), all_rows ? "" : "_",
        short_name(arena, output), output->window_text.len > 0 ? "_" : "", FLOE_STR_ARG(output->window_text));
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

const floe_column *floe_column_find_folded(const floe_column *columns, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i].name.len == name.len && strncasecmp(columns[i].name.ptr, name.ptr, name.len) == 0) {
            return &columns[i];
        }
    }
    return NULL;
}
