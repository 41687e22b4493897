/*
 * Feature views: what they are about, and whose rows they read. Their outputs are in decode_outputs.c.
 */
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

static const floe_entity *find_entity(const floe_loading *loading, const floe_node *node, const char *what) {
    const floe_decoder *decoder = &loading->decoder;
    floe_str name = {0};
    if (!floe_decode_need_text(decoder, node, "entity", what, &name)) {
        return NULL;
    }
    const floe_definitions *definitions = &loading->definitions;
    const floe_entity *entity = floe_definitions_entity(definitions, name);
    floe_str *names = floe_arena_alloc(decoder->arena, definitions->entity_count, sizeof *names);
    if (entity != NULL || names == NULL) {
        return entity;
    }
    for (size_t i = 0; i < definitions->entity_count; i++) {
        names[i] = definitions->entities[i].about.name;
    }
    const char *nearest = floe_name_nearest(decoder->arena, name, names, definitions->entity_count);
    FLOE_FIND(decoder, floe_decode_line(node, "entity"), FLOE_NOT_FOUND, "%s: there is no entity %.*s%s", what,
              FLOE_STR_ARG(name), floe_name_hint(decoder->arena, nearest));
    return NULL;
}

static void decode_key_columns(const floe_decoder *decoder, const floe_node *node, const char *what, floe_view *view) {
    const floe_node *map = floe_decode_member(node, "keys");
    size_t count = view->entity->key_count;
    const char **known = floe_arena_alloc(decoder->arena, count + 1, sizeof *known);
    floe_str *columns = floe_arena_alloc(decoder->arena, count, sizeof *columns);
    if (known == NULL || columns == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        columns[i] = view->entity->keys[i].name;
        known[i] = floe_arena_strndup(decoder->arena, columns[i].ptr, columns[i].len);
        if (known[i] == NULL) {
            return;
        }
    }
    view->key_columns = columns;
    const char *keys_what = floe_decoder_printf(decoder, "%s: keys", what);
    if (map == NULL || !floe_decode_object(decoder, map, keys_what, known)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        floe_decode_opt_text(decoder, map, known[i], keys_what, &columns[i]);
    }
}

static void decode_where(const floe_decoder *decoder, const floe_node *node, const char *what, floe_view *view) {
    floe_error error = {0};
    if (!floe_decode_opt_text(decoder, node, "where", what, &view->where_text)) {
        return;
    }
    view->where_text = floe_str_trim(view->where_text);
    if (floe_failed(floe_expr_parse(decoder->arena, view->where_text, &view->where, &error))) {
        FLOE_FIND(decoder, view->where_line, error.code, "%s: where: %s", what, error.message);
    }
}

static void decode_at(const floe_decoder *decoder, const floe_node *node, const char *what, floe_view *view) {
    static const char *const words[] = {"before", "at_or_before"};
    floe_str text = {0};
    if (!floe_decode_opt_text(decoder, node, "at", what, &text)) {
        return;
    }
    view->at_before = floe_str_is(text, "before");
    if (!view->at_before && !floe_str_is(text, "at_or_before")) {
        FLOE_FIND(decoder, floe_decode_line(node, "at"), FLOE_INVALID,
                  "%s: at is `before` or `at_or_before`, not `%.*s`%s", what, FLOE_STR_ARG(text),
                  floe_name_hint(decoder->arena, floe_str_nearest(text, words, 2)));
    }
}

const floe_source *floe_decode_source_name(const floe_loading *loading, const floe_node *node, const char *what) {
    const floe_decoder *decoder = &loading->decoder;
    floe_str name = {0};
    if (!floe_decode_need_text(decoder, node, "source", what, &name)) {
        return NULL;
    }
    const floe_definitions *definitions = &loading->definitions;
    const floe_source *source = floe_definitions_source(definitions, name);
    floe_str *names = floe_arena_alloc(decoder->arena, definitions->source_count, sizeof *names);
    if (source != NULL || names == NULL) {
        return source;
    }
    for (size_t i = 0; i < definitions->source_count; i++) {
        names[i] = definitions->sources[i].about.name;
    }
    const char *nearest = floe_name_nearest(decoder->arena, name, names, definitions->source_count);
    FLOE_FIND(decoder, floe_decode_line(node, "source"), FLOE_NOT_FOUND, "%s: there is no source %.*s%s", what,
              FLOE_STR_ARG(name), floe_name_hint(decoder->arena, nearest));
    return NULL;
}

static void decode_body(floe_loading *loading, const floe_node *node, const char *what, floe_view *view) {
    const floe_decoder *decoder = &loading->decoder;
    view->where_line = floe_decode_line(node, "where");
    view->keys_line = floe_decode_line(node, "keys");
    view->online = true;
    view->entity = find_entity(loading, node, what);
    view->source = floe_decode_source_name(loading, node, what);
    if (view->entity != NULL) {
        decode_key_columns(decoder, node, what, view);
    }
    decode_where(decoder, node, what, view);
    floe_decode_opt_duration(decoder, node, "ttl", what, &view->ttl_us);
    decode_at(decoder, node, what, view);
    floe_decode_opt_bool(decoder, node, "online", what, &view->online);
    floe_decode_outputs(loading, node, what, view);
}

void floe_decode_view(floe_loading *loading, const floe_node *node) {
    static const char *const known[] = {"name",   "entity",   "source",     "keys",        "where", "ttl",  "at",
                                        "online", "features", "aggregates", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = &loading->decoder;
    size_t found_before = loading->findings.count + loading->findings.uncounted;
    floe_view view = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "feature view", &view.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "a feature view", known) || what == NULL) {
        return;
    }
    decode_body(loading, node, what, &view);
    floe_loading_name(loading, FLOE_OBJECT_VIEW, &view.about);
    floe_view *slot =
        FLOE_ARENA_PUSH(decoder->arena, loading->views, loading->definitions.view_count, loading->view_capacity);
    if (slot == NULL) {
        return;
    }
    *slot = view;
    loading->definitions.views = loading->views;
    if (loading->findings.count + loading->findings.uncounted > found_before) {
        (void)floe_map_put(&loading->broken_views, view.about.name, slot);
    }
}
