/*
 * The domain model: lookups and references.
 */
#include "registry/model.h"

#include "registry/names_int.h"

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

static floe_status fail_view(const floe_definitions *definitions, floe_arena *arena, floe_str name, floe_str text,
                             floe_error *err) {
    FLOE_ENSURE(definitions->view_count > 0, err, FLOE_NOT_FOUND,
                "%.*s: there is no feature view %.*s; no feature view is defined at all", FLOE_STR_ARG(text),
                FLOE_STR_ARG(name));
    floe_str *names = floe_arena_alloc(arena, definitions->view_count, sizeof *names);
    for (size_t i = 0; names != NULL && i < definitions->view_count; i++) {
        names[i] = definitions->views[i].about.name;
    }
    const char *nearest = names != NULL ? floe_name_nearest(arena, name, names, definitions->view_count) : NULL;
    FLOE_TRY(floe_arena_check(arena, err));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "%.*s: there is no feature view %.*s%s", FLOE_STR_ARG(text),
                     FLOE_STR_ARG(name), floe_name_hint(arena, nearest));
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
