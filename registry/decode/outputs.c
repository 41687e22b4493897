/*
 * The outputs of a feature view: as-of features, then every aggregate's functions by its windows.
 */
#include "core/limits.h"
#include "core/time.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

typedef struct output_list {
    const floe_decoder *decoder;
    const char *what; /* the view, for messages */
    floe_output *items;
    size_t count;
    size_t capacity;
    floe_map lines; /* name → the floe_about of the output that has it; in new definitions whatever the case */
} output_list;

/* One entry of `aggregates:` while it is multiplied out. */
typedef struct aggregate {
    const char *what;
    floe_output output;     /* column, description, owner, tags, place */
    floe_output *functions; /* function and parameter of each */
    size_t function_count;
    floe_str *windows;
    int64_t *windows_us;
    size_t window_count;
} aggregate;

/* Two outputs that would be one column of a training set. */
static void find_same(const output_list *list, const floe_about *earlier, const floe_about *about) {
    if (floe_str_equal(earlier->name, about->name)) {
        FLOE_FIND(list->decoder, about->pos.line, FLOE_INVALID,
                  "%s has two outputs named %.*s (the other is at line %d); give one another with `name:`", list->what,
                  FLOE_STR_ARG(about->name), earlier->pos.line);
        return;
    }
    FLOE_FIND(
        list->decoder, about->pos.line, FLOE_INVALID,
        "%s: the outputs %.*s and %.*s (at line %d) differ only in case, and would be one column of a training set; "
        "rename one",
        list->what, FLOE_STR_ARG(about->name), FLOE_STR_ARG(earlier->name), earlier->pos.line);
}

static void append(output_list *list, const floe_output *output) {
    const floe_decoder *decoder = list->decoder;
    const char *problem = floe_name_problem(output->about.name);
    if (problem != NULL) {
        FLOE_FIND(decoder, output->about.pos.line, FLOE_INVALID,
                  "%s: output %.*s: %s; give it one with name:", list->what, FLOE_STR_ARG(output->about.name), problem);
        return;
    }
    floe_about *about = floe_arena_alloc(decoder->arena, 1, sizeof *about);
    floe_str key = decoder->stored ? output->about.name : floe_name_folded(decoder->arena, output->about.name);
    if (about == NULL || key.len == 0) {
        return;
    }
    *about = output->about;
    const floe_about *earlier = floe_map_get(&list->lines, key);
    if (earlier != NULL) {
        find_same(list, earlier, &output->about);
        return;
    }
    (void)floe_map_put(&list->lines, key, about);
    floe_output *slot = FLOE_ARENA_PUSH(decoder->arena, list->items, list->count, list->capacity);
    if (slot != NULL) {
        *slot = *output;
    }
}

/* ---- as-of features ---- */

static void decode_feature(output_list *list, const floe_node *node) {
    static const char *const known[] = {"name", "column", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = list->decoder;
    floe_output output = {0};
    const char *name =
        node->kind == FLOE_NODE_OBJECT
            ? floe_decode_about(decoder, node, floe_decoder_printf(decoder, "%s: feature", list->what), &output.about)
            : NULL;
    const char *what = name != NULL ? name : floe_decoder_printf(decoder, "%s: a feature", list->what);
    if (!floe_decode_object(decoder, node, what, known) || name == NULL ||
        !floe_decode_need_text(decoder, node, "column", what, &output.column)) {
        return;
    }
    if (floe_str_is(output.column, "*")) {
        FLOE_FIND(decoder, floe_decode_line(node, "column"), FLOE_INVALID,
                  "%s: `*` is not a column; only the aggregate count takes it", what);
        return;
    }
    append(list, &output);
}

/* ---- aggregates ---- */

static void find_function(const floe_decoder *decoder, int line, const char *what, floe_str name) {
    const char *nearest = floe_function_nearest(name);
    FLOE_FIND(decoder, line, FLOE_INVALID, "%s: there is no function %.*s%s", what, FLOE_STR_ARG(name),
              nearest != NULL ? floe_name_hint(decoder->arena, nearest) : "; there are " FLOE_FUNCTION_NAMES);
}

/* A function's name: text, or the only key of a mapping such as {percentile: 0.95}. */
static bool function_name(const floe_decoder *decoder, const floe_node *node, const char *what, floe_str *ret_name) {
    if (node->kind != FLOE_NODE_OBJECT) {
        return floe_decode_text_node(decoder, node, floe_decoder_printf(decoder, "%s: a function", what), ret_name);
    }
    if (node->count != 1) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID,
                  "%s: a function with a parameter is a mapping of one key, as {percentile: 0.95}", what);
        return false;
    }
    *ret_name = node->members[0].key;
    return true;
}

/* The k of {top_k: 3}, or the q of {percentile: 0.95}; false with a finding. */
static bool decode_parameter(const floe_decoder *decoder, const floe_node *node, const char *what,
                             floe_output *function) {
    const char *name = floe_function_name(function->function);
    const floe_node *value = node->kind == FLOE_NODE_OBJECT ? node->members[0].value : NULL;
    bool percentile = function->function == FLOE_FN_PERCENTILE;
    if (value == NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: %s needs a parameter, as in {%s: %s}", what, name, name,
                  percentile ? "0.95" : "3");
        return false;
    }
    if (percentile) {
        bool number = value->kind == FLOE_NODE_INT || value->kind == FLOE_NODE_REAL ||
                      (decoder->stored && value->kind == FLOE_NODE_STRING);
        if (number && floe_quantile_parse(decoder->arena, value->text, &function->quantile_text, &function->quantile)) {
            return true;
        }
        FLOE_FIND(decoder, value->line, FLOE_INVALID,
                  "%s: the parameter of percentile is a plain decimal from 0 to 1, as in {percentile: 0.95}", what);
        return false;
    }
    if (value->kind != FLOE_NODE_INT || value->as.integer < 1 || value->as.integer > FLOE_FUNCTION_K_MAX) {
        FLOE_FIND(decoder, value->line, FLOE_INVALID,
                  "%s: the parameter of %s is a whole number from 1 to %d, as in {%s: 3}", what, name,
                  FLOE_FUNCTION_K_MAX, name);
        return false;
    }
    function->k = (uint32_t)value->as.integer;
    return true;
}

static void decode_function(const floe_decoder *decoder, const floe_node *node, aggregate *entry) {
    floe_str name = {0};
    floe_output function = {0};
    if (!function_name(decoder, node, entry->what, &name)) {
        return;
    }
    if (!floe_function_parse(name, &function.function)) {
        find_function(decoder, node->line, entry->what, name);
    } else if (function.function != FLOE_FN_COUNT && floe_str_is(entry->output.column, "*")) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: only count can be taken of `*`, not %.*s", entry->what,
                  FLOE_STR_ARG(name));
    } else if (floe_function_takes_parameter(function.function)) {
        if (decode_parameter(decoder, node, entry->what, &function)) {
            entry->functions[entry->function_count++] = function;
        }
    } else if (node->kind == FLOE_NODE_OBJECT) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: %.*s takes no parameter", entry->what, FLOE_STR_ARG(name));
    } else {
        entry->functions[entry->function_count++] = function;
    }
}

static bool decode_functions(const floe_decoder *decoder, const floe_node *node, aggregate *entry) {
    const floe_node *list = floe_decode_opt_list(decoder, node, "functions", entry->what);
    if (list == NULL || list->count == 0) {
        if (list != NULL || floe_decode_member(node, "functions") == NULL) {
            FLOE_FIND(decoder, floe_decode_line(node, "functions"), FLOE_INVALID,
                      "%s needs at least one function, as in functions: [mean]", entry->what);
        }
        return false;
    }
    entry->functions = floe_arena_alloc(decoder->arena, list->count, sizeof *entry->functions);
    for (size_t i = 0; entry->functions != NULL && i < list->count; i++) {
        decode_function(decoder, list->items[i], entry);
    }
    return entry->functions != NULL;
}

static void decode_window(const floe_decoder *decoder, const floe_node *node, aggregate *entry) {
    const char *what = floe_decoder_printf(decoder, "%s: a window", entry->what);
    floe_str text = {0};
    floe_error error = {0};
    if (node->kind == FLOE_NODE_INT) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s is a duration and needs a unit (s m h d w), as in %.*sd", what,
                  FLOE_STR_ARG(node->text));
        return;
    }
    if (!floe_decode_text_node(decoder, node, what, &text)) {
        return;
    }
    if (floe_failed(floe_duration_parse(text, &entry->windows_us[entry->window_count], &error))) {
        FLOE_FIND(decoder, node->line, error.code, "%s: %s", what, error.message);
        return;
    }
    entry->windows[entry->window_count++] = text;
}

/* No `windows:` is one window over all time. */
static bool decode_windows(const floe_decoder *decoder, const floe_node *node, aggregate *entry) {
    const floe_node *list = floe_decode_opt_list(decoder, node, "windows", entry->what);
    size_t count = list != NULL ? list->count : 1;
    if (count == 0) {
        FLOE_FIND(decoder, list->line, FLOE_INVALID, "%s: windows is empty; leave it out to aggregate over all time",
                  entry->what);
        return false;
    }
    entry->windows = floe_arena_alloc(decoder->arena, count, sizeof *entry->windows);
    entry->windows_us = floe_arena_alloc(decoder->arena, count, sizeof *entry->windows_us);
    if (entry->windows == NULL || entry->windows_us == NULL) {
        return false;
    }
    if (list == NULL) {
        entry->window_count = 1;
        return floe_decode_member(node, "windows") == NULL;
    }
    for (size_t i = 0; i < count; i++) {
        decode_window(decoder, list->items[i], entry);
    }
    return true;
}

/* Functions by windows. A name of one's own needs exactly one of each, as written. */
static void multiply(output_list *list, const floe_node *node, const aggregate *entry) {
    const floe_decoder *decoder = list->decoder;
    floe_str name = {0};
    bool named = floe_decode_opt_text(decoder, node, "name", entry->what, &name);
    const floe_node *functions = floe_decode_member(node, "functions");
    const floe_node *windows = floe_decode_member(node, "windows");
    if (named && (functions->count != 1 || (windows != NULL && windows->count != 1))) {
        FLOE_FIND(decoder, floe_decode_line(node, "name"), FLOE_INVALID,
                  "%s: name: is only for one function and one window", entry->what);
        return;
    }
    for (size_t f = 0; f < entry->function_count; f++) {
        for (size_t w = 0; w < entry->window_count && list->count <= FLOE_LIMIT_VIEW_FEATURES; w++) {
            floe_output output = entry->output;
            output.function = entry->functions[f].function;
            output.k = entry->functions[f].k;
            output.quantile = entry->functions[f].quantile;
            output.quantile_text = entry->functions[f].quantile_text;
            output.window_text = entry->windows[w];
            output.window_us = entry->windows_us[w];
            output.about.name = named ? name : floe_output_default_name(decoder->arena, &output);
            append(list, &output);
        }
    }
}

/* description, owner, tags and the place of an aggregate; its name is optional and is read by multiply. */
static void decode_aggregate_about(const floe_decoder *decoder, const floe_node *node, const char *what,
                                   floe_about *about) {
    floe_decode_notes(decoder, node, what, about);
    about->pos = floe_decoder_at(decoder, node->line);
}

static void decode_aggregate(output_list *list, const floe_node *node) {
    static const char *const known[] = {"column", "functions", "windows", "name", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = list->decoder;
    aggregate entry = {.what = floe_decoder_printf(decoder, "%s: an aggregate", list->what)};
    if (node->kind == FLOE_NODE_OBJECT &&
        floe_decode_need_text(decoder, node, "column", entry.what, &entry.output.column)) {
        entry.what =
            floe_decoder_printf(decoder, "%s: aggregate of %.*s", list->what, FLOE_STR_ARG(entry.output.column));
    }
    if (!floe_decode_object(decoder, node, entry.what, known) || entry.output.column.len == 0) {
        return;
    }
    decode_aggregate_about(decoder, node, entry.what, &entry.output.about);
    bool functions = decode_functions(decoder, node, &entry);
    bool windows = decode_windows(decoder, node, &entry);
    if (functions && windows) {
        multiply(list, node, &entry);
    }
}

static void check_count(const output_list *list, const floe_node *node, size_t given) {
    if (list->count > FLOE_LIMIT_VIEW_FEATURES) {
        FLOE_FIND(list->decoder, node->line, FLOE_LIMIT, "%s has more than %d outputs", list->what,
                  FLOE_LIMIT_VIEW_FEATURES);
    } else if (given == 0) {
        FLOE_FIND(list->decoder, node->line, FLOE_INVALID,
                  "%s has no output; give it features: or aggregates:", list->what);
    }
}

void floe_decode_outputs(floe_loading *loading, const floe_node *node, const char *what, floe_view *view) {
    const floe_decoder *decoder = &loading->decoder;
    output_list list = {.decoder = decoder, .what = what};
    floe_map_init(&list.lines, decoder->arena);
    const floe_node *features = floe_decode_opt_list(decoder, node, "features", what);
    const floe_node *aggregates = floe_decode_opt_list(decoder, node, "aggregates", what);
    for (size_t i = 0; features != NULL && i < features->count; i++) {
        decode_feature(&list, features->items[i]);
    }
    for (size_t i = 0; aggregates != NULL && i < aggregates->count; i++) {
        decode_aggregate(&list, aggregates->items[i]);
    }
    bool wrong_shape = (features == NULL && floe_decode_member(node, "features") != NULL) ||
                       (aggregates == NULL && floe_decode_member(node, "aggregates") != NULL);
    size_t given = (features != NULL ? features->count : 0) + (aggregates != NULL ? aggregates->count : 0);
    check_count(&list, node, given + wrong_shape);
    view->outputs = list.items;
    view->output_count = list.count;
}
