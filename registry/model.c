/*
 * The domain model: lookups and references.
 */
#include "registry/model.h"

#include "core/map.h"
#include "registry/names_int.h"

#include <stdio.h>

/* The element of an array of definitions (each begins with its floe_about) whose name is `name`, or NULL. */
static const void *find(const void *items, size_t count, size_t element_len, floe_str name) {
    const char *item = items;
    for (size_t i = 0; i < count; i++, item += element_len) {
        if (floe_str_equal(((const floe_about *)(const void *)item)->name, name)) {
            return item;
        }
    }
    return NULL;
}

const floe_entity *floe_definitions_entity(const floe_definitions *definitions, floe_str name) {
    return find(definitions->entities, definitions->entity_count, sizeof *definitions->entities, name);
}

const floe_source *floe_definitions_source(const floe_definitions *definitions, floe_str name) {
    return find(definitions->sources, definitions->source_count, sizeof *definitions->sources, name);
}

const floe_view *floe_definitions_view(const floe_definitions *definitions, floe_str name) {
    return find(definitions->views, definitions->view_count, sizeof *definitions->views, name);
}

const floe_request_feature *floe_definitions_request(const floe_definitions *definitions, floe_str name) {
    return find(definitions->requests, definitions->request_count, sizeof *definitions->requests, name);
}

const floe_service *floe_definitions_service(const floe_definitions *definitions, floe_str name) {
    return find(definitions->services, definitions->service_count, sizeof *definitions->services, name);
}

const floe_stream_def *floe_definitions_stream(const floe_definitions *definitions, floe_str name) {
    return find(definitions->streams, definitions->stream_count, sizeof *definitions->streams, name);
}

const floe_output *floe_view_output(const floe_view *view, floe_str name) {
    return find(view->outputs, view->output_count, sizeof *view->outputs, name);
}

/* ---- references ---- */

typedef struct ref_list {
    floe_arena *arena;
    floe_ref *items;
    size_t count;
    size_t capacity;
} ref_list;

static void append(ref_list *list, const floe_view *view, const floe_output *output) {
    floe_ref *ref = FLOE_ARENA_PUSH(list->arena, list->items, list->count, list->capacity);
    if (ref != NULL) {
        *ref = (floe_ref){view, output};
    }
}

/* Names of views and request features, for what is near. */
static floe_status fail_view(const floe_definitions *definitions, floe_arena *arena, floe_str name, floe_str text,
                             floe_error *err) {
    bool bare = floe_str_equal(name, text);
    size_t count = 0, most = definitions->view_count + (bare ? definitions->request_count : 0);
    FLOE_ENSURE(most > 0, err, FLOE_NOT_FOUND, "%.*s: there is no feature view %.*s; no feature view is defined at all",
                FLOE_STR_ARG(text), FLOE_STR_ARG(name));
    floe_str *names = floe_arena_alloc(arena, most, sizeof *names);
    for (size_t i = 0; names != NULL && i < definitions->view_count; i++) {
        names[count++] = definitions->views[i].about.name;
    }
    for (size_t i = 0; names != NULL && bare && i < definitions->request_count; i++) {
        names[count++] = definitions->requests[i].about.name;
    }
    const char *nearest = names != NULL ? floe_name_nearest(arena, name, names, count) : NULL;
    FLOE_TRY(floe_arena_check(arena, err));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "%.*s: there is no feature view%s %.*s%s", FLOE_STR_ARG(text),
                     bare && definitions->request_count > 0 ? " and no request feature" : "", FLOE_STR_ARG(name),
                     floe_name_hint(arena, nearest));
}

static floe_status fail_output(const floe_view *view, floe_arena *arena, floe_str name, floe_error *err) {
    floe_str *names = floe_arena_alloc(arena, view->output_count, sizeof *names);
    for (size_t i = 0; names != NULL && i < view->output_count; i++) {
        names[i] = view->outputs[i].about.name;
    }
    const char *nearest = names != NULL ? floe_name_nearest(arena, name, names, view->output_count) : NULL;
    FLOE_TRY(floe_arena_check(arena, err));
    const char *whole =
        nearest != NULL ? floe_arena_printf(arena, "%.*s:%s", FLOE_STR_ARG(view->about.name), nearest) : NULL;
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "feature view %.*s has no feature %.*s%s", FLOE_STR_ARG(view->about.name),
                     FLOE_STR_ARG(name), floe_name_hint(arena, whole));
}

static floe_status parse_one(const floe_definitions *definitions, floe_str text, ref_list *list, floe_error *err) {
    FLOE_ENSURE(text.len > 0, err, FLOE_INVALID,
                "an empty feature reference; write view:feature, or a view's name for all of it");
    const char *colon = memchr(text.ptr, ':', text.len);
    floe_str view_name = {text.ptr, colon != NULL ? (size_t)(colon - text.ptr) : text.len};
    const floe_view *view = floe_definitions_view(definitions, view_name);
    const floe_request_feature *request =
        view == NULL && colon == NULL ? floe_definitions_request(definitions, view_name) : NULL;
    if (request != NULL) {
        append(list, NULL, &request->output);
        return FLOE_OK;
    }
    if (view == NULL) {
        return fail_view(definitions, list->arena, view_name, text, err);
    }
    if (colon == NULL) {
        for (size_t i = 0; i < view->output_count; i++) {
            append(list, view, &view->outputs[i]);
        }
        return FLOE_OK;
    }
    floe_str name = {colon + 1, text.len - view_name.len - 1};
    const floe_output *output = floe_view_output(view, name);
    if (output == NULL) {
        return fail_output(view, list->arena, name, err);
    }
    append(list, view, output);
    return FLOE_OK;
}

floe_status floe_refs_parse(const floe_definitions *definitions, floe_arena *arena, const floe_str *texts,
                            size_t text_count, floe_ref **ret_refs, size_t *ret_count, floe_error *err) {
    ref_list list = {.arena = arena};
    for (size_t i = 0; i < text_count; i++) {
        floe_str rest = texts[i];
        do {
            const char *comma = rest.len > 0 ? memchr(rest.ptr, ',', rest.len) : NULL;
            floe_str one = {rest.ptr, comma != NULL ? (size_t)(comma - rest.ptr) : rest.len};
            rest = comma != NULL ? (floe_str){comma + 1, rest.len - one.len - 1} : (floe_str){NULL, 0};
            FLOE_TRY(parse_one(definitions, floe_str_trim(one), &list, err));
        } while (rest.ptr != NULL);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_refs = list.items;
    *ret_count = list.count;
    return FLOE_OK;
}

/* ---- request features ---- */

const char *floe_ref_name(const floe_ref *ref, const char *seam, char buf[FLOE_REF_NAME_MAX]) {
    bool request = ref->output->request != NULL;
    snprintf(buf, FLOE_REF_NAME_MAX, "%.*s%s%.*s", FLOE_STR_ARG(request ? FLOE_STR("") : ref->view->about.name),
             request ? "" : seam, FLOE_STR_ARG(ref->output->about.name));
    return buf;
}

static floe_status fail_columns(const floe_ref *first, const floe_ref *second, floe_error *err) {
    char a[FLOE_REF_NAME_MAX], b[FLOE_REF_NAME_MAX], column[FLOE_REF_NAME_MAX];
    floe_ref_name(first, ":", a);
    floe_ref_name(second, ":", b);
    FLOE_ENSURE(first->output != second->output, err, FLOE_INVALID, "the feature %s is asked for twice", b);
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "%s and %s would be one column, %s, of a training set, where case makes no difference; ask for them "
        "apart, or rename one",
        a, b, floe_ref_name(second, "__", column));
}

floe_status floe_refs_columns_check(floe_arena *arena, const floe_ref *refs, size_t ref_count, floe_error *err) {
    floe_map columns;
    floe_map_init(&columns, arena);
    for (size_t i = 0; i < ref_count; i++) {
        char name[FLOE_REF_NAME_MAX];
        floe_str column = floe_name_folded(arena, floe_str_of(floe_ref_name(&refs[i], "__", name)));
        FLOE_TRY(floe_arena_check(arena, err));
        const floe_ref *earlier = floe_map_get(&columns, column);
        if (earlier != NULL) {
            return fail_columns(earlier, &refs[i], err);
        }
        (void)floe_map_put(&columns, column, (void *)(uintptr_t)&refs[i]);
    }
    return floe_arena_check(arena, err);
}

static void append_once(ref_list *list, const floe_ref *ref) {
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].output == ref->output) {
            return;
        }
    }
    append(list, ref->view, ref->output);
}

floe_status floe_refs_of_views(floe_arena *arena, const floe_ref *refs, size_t ref_count, floe_ref **ret_refs,
                               size_t *ret_count, floe_error *err) {
    ref_list list = {.arena = arena};
    for (size_t i = 0; i < ref_count; i++) {
        if (refs[i].output->request == NULL) {
            append(&list, refs[i].view, refs[i].output);
        }
    }
    for (size_t i = 0; i < ref_count; i++) {
        const floe_request_feature *request = refs[i].output->request;
        for (size_t in = 0; request != NULL && in < request->input_count; in++) {
            if (request->inputs[in].feature.output != NULL) {
                append_once(&list, &request->inputs[in].feature);
            }
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_refs = list.items;
    *ret_count = list.count;
    return FLOE_OK;
}

typedef struct input_list {
    floe_column *items;
    size_t count;
    size_t capacity;
} input_list;

static floe_status add_input(input_list *list, const floe_request_input *input, floe_arena *arena, floe_error *err) {
    for (size_t i = 0; i < list->count; i++) {
        if (floe_str_equal(list->items[i].name, input->name)) {
            char first[FLOE_TYPE_NAME_MAX];
            char second[FLOE_TYPE_NAME_MAX];
            FLOE_ENSURE(
                floe_type_equal(list->items[i].type, input->type), err, FLOE_INVALID,
                "two of the request features asked for need the input %.*s, one as %s and one as %s; ask for them "
                "apart, or give the inputs one type",
                FLOE_STR_ARG(input->name), floe_type_name(list->items[i].type, first),
                floe_type_name(input->type, second));
            return FLOE_OK;
        }
    }
    floe_column *added = FLOE_ARENA_PUSH(arena, list->items, list->count, list->capacity);
    FLOE_TRY(floe_arena_check(arena, err));
    *added = (floe_column){input->name, input->type};
    return FLOE_OK;
}

floe_status floe_refs_request_inputs(floe_arena *arena, const floe_ref *refs, size_t ref_count,
                                     const floe_column **ret_inputs, size_t *ret_count, floe_error *err) {
    input_list list = {0};
    for (size_t i = 0; i < ref_count; i++) {
        const floe_request_feature *request = refs[i].output->request;
        for (size_t in = 0; request != NULL && in < request->input_count; in++) {
            if (request->inputs[in].feature.output == NULL) {
                FLOE_TRY(add_input(&list, &request->inputs[in], arena, err));
            }
        }
    }
    *ret_inputs = list.items;
    *ret_count = list.count;
    return FLOE_OK;
}

floe_value floe_request_value(const floe_request_feature *request, const floe_value *inputs, floe_arena *scratch) {
    floe_value value = floe_expr_eval(request->expression, inputs, scratch);
    return value.is_null ? floe_value_null(request->output.type)
                         : floe_expr_cast(&value, request->output.type, scratch);
}
