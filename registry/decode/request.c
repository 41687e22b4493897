/*
 * Request features: inputs that come with a request or are features of views, and an expression over them.
 */
#include "core/limits.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

#include <strings.h>

static bool decode_type(const floe_decoder *decoder, const floe_node *node, const char *what, floe_type *ret_type) {
    floe_str text = {0};
    floe_error error = {0};
    if (!floe_decode_need_text(decoder, node, "type", what, &text)) {
        return false;
    }
    if (floe_failed(floe_type_parse(text, ret_type, &error))) {
        FLOE_FIND(decoder, floe_decode_line(node, "type"), error.code, "%s: %s", what, error.message);
        return false;
    }
    if (ret_type->kind == FLOE_KIND_LIST) {
        FLOE_FIND(decoder, floe_decode_line(node, "type"), FLOE_UNSUPPORTED,
                  "%s: expressions compute no lists; name a scalar type", what);
        return false;
    }
    return true;
}

/* `feature: view:feature`. What only echoes a broken view is not said again. */
static bool decode_source(const floe_loading *loading, const floe_node *node, const char *what,
                          floe_request_input *input) {
    const floe_decoder *decoder = &loading->decoder;
    floe_ref *refs = NULL;
    size_t count = 0;
    floe_error error = {0};
    if (!floe_decode_need_text(decoder, node, "feature", what, &input->feature_text)) {
        return false;
    }
    int line = floe_decode_line(node, "feature");
    if (memchr(input->feature_text.ptr, ':', input->feature_text.len) == NULL) {
        FLOE_FIND(decoder, line, FLOE_INVALID, "%s: feature: is view:feature, not %.*s", what,
                  FLOE_STR_ARG(input->feature_text));
        return false;
    }
    if (floe_failed(
            floe_refs_parse(&loading->definitions, decoder->arena, &input->feature_text, 1, &refs, &count, &error))) {
        floe_str rest = input->feature_text, view = input->feature_text;
        floe_str_split(&rest, ':', &view);
        if (floe_map_get(&loading->broken_views, view) == NULL) {
            FLOE_FIND(decoder, line, error.code, "%s: %s", what, error.message);
        }
        return false;
    }
    input->feature = refs[0];
    return count == 1;
}

static bool decode_input(const floe_loading *loading, const floe_node *node, const char *what,
                         floe_request_input *ret_input) {
    static const char *const known[] = {"name", "type", "feature", NULL};
    const floe_decoder *decoder = &loading->decoder;
    const char *input_what = floe_decoder_printf(decoder, "%s: an input", what);
    if (!floe_decode_object(decoder, node, input_what, known) ||
        !floe_decode_need_text(decoder, node, "name", input_what, &ret_input->name)) {
        return false;
    }
    input_what = floe_decoder_printf(decoder, "%s: input %.*s", what, FLOE_STR_ARG(ret_input->name));
    const char *problem = floe_name_problem(ret_input->name);
    if (problem != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: %s", input_what, problem);
        return false;
    }
    bool typed = floe_decode_member(node, "type") != NULL;
    if (typed == (floe_decode_member(node, "feature") != NULL)) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID,
                  "%s has either a type (the request brings it) or a feature, as in feature: view:feature", input_what);
        return false;
    }
    return typed ? decode_type(decoder, node, input_what, &ret_input->type)
                 : decode_source(loading, node, input_what, ret_input);
}

static bool has_input(const floe_request_feature *request, floe_str name) {
    for (size_t i = 0; i < request->input_count; i++) {
        if (floe_str_equal(request->inputs[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool has_input_alike(const floe_request_feature *request, floe_str name) {
    for (size_t i = 0; i < request->input_count; i++) {
        floe_str other = request->inputs[i].name;
        if (other.len == name.len && strncasecmp(other.ptr, name.ptr, name.len) == 0) {
            return true;
        }
    }
    return false;
}

/* False when something is wrong with one of them. */
static bool decode_inputs(const floe_loading *loading, const floe_node *node, const char *what,
                          floe_request_feature *request) {
    const floe_decoder *decoder = &loading->decoder;
    const floe_node *list = floe_decode_opt_list(decoder, node, "inputs", what);
    bool good = list != NULL || floe_decode_member(node, "inputs") == NULL;
    if (list == NULL) {
        return good;
    }
    if (list->count > FLOE_LIMIT_VIEW_FEATURES) {
        FLOE_FIND(decoder, list->line, FLOE_LIMIT, "%s has more than %d inputs", what, FLOE_LIMIT_VIEW_FEATURES);
        return false;
    }
    floe_request_input *inputs = floe_arena_alloc(decoder->arena, list->count, sizeof *inputs);
    request->inputs = inputs;
    for (size_t i = 0; inputs != NULL && i < list->count; i++) {
        floe_request_input input = {0};
        if (!decode_input(loading, list->items[i], what, &input)) {
            good = false;
        } else if (has_input(request, input.name)) {
            FLOE_FIND(decoder, list->items[i]->line, FLOE_INVALID, "%s: input %.*s is there twice", what,
                      FLOE_STR_ARG(input.name));
            good = false;
        } else if (!decoder->stored && has_input_alike(request, input.name)) {
            FLOE_FIND(decoder, list->items[i]->line, FLOE_INVALID,
                      "%s: input %.*s differs only in case from another; rename one", what, FLOE_STR_ARG(input.name));
            good = false;
        } else {
            inputs[request->input_count++] = input;
        }
    }
    return good;
}

static bool decode_expression(const floe_decoder *decoder, const floe_node *node, const char *what,
                              floe_request_feature *request) {
    floe_error error = {0};
    if (!floe_decode_need_text(decoder, node, "expression", what, &request->expression_text)) {
        return false;
    }
    request->expression_line = floe_decode_line(node, "expression");
    request->expression_text = floe_str_trim(request->expression_text);
    if (floe_failed(floe_expr_parse(decoder->arena, request->expression_text, &request->expression, &error))) {
        FLOE_FIND(decoder, request->expression_line, error.code, "%s: %s", what, error.message);
        return false;
    }
    return true;
}

static void name_request(floe_loading *loading, const floe_request_feature *request) {
    const floe_decoder *decoder = &loading->decoder;
    floe_loading_name(loading, FLOE_OBJECT_REQUEST, &request->about);
    if (floe_map_get(&loading->names[FLOE_OBJECT_VIEW], request->about.name) != NULL) {
        FLOE_FIND(decoder, request->about.pos.line, FLOE_INVALID,
                  "request feature %.*s has the name of a feature view; both are asked for by their bare name",
                  FLOE_STR_ARG(request->about.name));
    }
}

void floe_decode_request(floe_loading *loading, const floe_node *node) {
    static const char *const known[] = {"name", "inputs", "expression", "type", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = &loading->decoder;
    floe_request_feature request = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "request feature", &request.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "a request feature", known) || what == NULL) {
        return;
    }
    bool inputs = decode_inputs(loading, node, what, &request);
    bool expression = decode_expression(decoder, node, what, &request);
    bool type = decode_type(decoder, node, what, &request.output.type);
    name_request(loading, &request);
    if (!inputs || !expression || !type) {
        (void)floe_map_put(&loading->broken_requests, request.about.name, loading);
        return;
    }
    floe_request_feature *slot = floe_arena_alloc(decoder->arena, 1, sizeof *slot);
    if (slot != NULL) {
        *slot = request;
        floe_ptrs_append(&loading->requests, decoder->arena, slot);
    }
}
