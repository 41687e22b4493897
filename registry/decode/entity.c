/*
 * Entities and sources.
 */
#include "core/limits.h"
#include "core/time.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

static bool is_key_kind(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES || kind == FLOE_KIND_BOOL || kind == FLOE_KIND_DATE ||
           kind == FLOE_KIND_TIMESTAMP || kind == FLOE_KIND_DECIMAL || floe_kind_is_integer(kind);
}

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
    return true;
}

static void decode_key(const floe_decoder *decoder, const floe_node *node, const char *what, floe_entity *entity,
                       floe_column *keys) {
    static const char *const known[] = {"name", "type", NULL};
    const char *key_what = floe_decoder_printf(decoder, "%s: a key", what);
    floe_column key = {0};
    if (!floe_decode_object(decoder, node, key_what, known) ||
        !floe_decode_need_text(decoder, node, "name", key_what, &key.name)) {
        return;
    }
    key_what = floe_decoder_printf(decoder, "%s: key %.*s", what, FLOE_STR_ARG(key.name));
    const char *problem = floe_name_problem(key.name);
    if (problem != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: %s", key_what, problem);
        return;
    }
    if (!decoder->stored && floe_name_is_own(key.name)) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID,
                  "%s: names that begin with __floe are floe's own; name it otherwise", key_what);
        return;
    }
    if (floe_column_find(keys, entity->key_count, key.name) != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s is there twice", key_what);
        return;
    }
    const floe_column *alike = floe_column_find_folded(keys, entity->key_count, key.name);
    if (!decoder->stored && alike != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s differs only in case from the key %.*s; rename one", key_what,
                  FLOE_STR_ARG(alike->name));
        return;
    }
    if (decode_type(decoder, node, key_what, &key.type) && !is_key_kind(key.type.kind)) {
        char name[FLOE_TYPE_NAME_MAX];
        FLOE_FIND(decoder, floe_decode_line(node, "type"), FLOE_INVALID,
                  "%s cannot be %s; a key is string, int32, int64, decimal(p,s), bool, date, timestamp or bytes",
                  key_what, floe_type_name(key.type, name));
        return;
    }
    keys[entity->key_count++] = key;
}

static void decode_keys(const floe_decoder *decoder, const floe_node *node, const char *what, floe_entity *entity) {
    const floe_node *list = floe_decode_opt_list(decoder, node, "keys", what);
    if (list == NULL || list->count == 0) {
        if (floe_decode_member(node, "keys") == NULL || list != NULL) {
            FLOE_FIND(decoder, floe_decode_line(node, "keys"), FLOE_INVALID,
                      "%s needs at least one key, as in keys: [{name: origin, type: string}]", what);
        }
        return;
    }
    if (list->count > FLOE_LIMIT_ENTITY_KEYS) {
        FLOE_FIND(decoder, list->line, FLOE_LIMIT, "%s has %zu keys; at most %d are allowed", what, list->count,
                  FLOE_LIMIT_ENTITY_KEYS);
        return;
    }
    floe_column *keys = floe_arena_alloc(decoder->arena, list->count, sizeof *keys);
    for (size_t i = 0; keys != NULL && i < list->count; i++) {
        decode_key(decoder, list->items[i], what, entity, keys);
    }
    entity->keys = keys;
}

void floe_decode_entity(floe_loading *loading, const floe_node *node) {
    static const char *const known[] = {"name", "keys", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = &loading->decoder;
    floe_entity entity = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "entity", &entity.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "an entity", known) || what == NULL) {
        return;
    }
    decode_keys(decoder, node, what, &entity);
    floe_loading_name(loading, FLOE_OBJECT_ENTITY, &entity.about);
    floe_entity *slot =
        FLOE_ARENA_PUSH(decoder->arena, loading->entities, loading->definitions.entity_count, loading->entity_capacity);
    if (slot != NULL) {
        *slot = entity;
    }
    loading->definitions.entities = loading->entities;
}

/* ---- sources ---- */

/* catalog.namespace.table, its catalog among those of floe.yaml. */
static void check_table(const floe_loading *loading, const floe_source *source, const char *what) {
    const floe_decoder *decoder = &loading->decoder;
    floe_str rest = source->table;
    floe_str catalog = {0};
    floe_str part = {0};
    size_t parts = 0;
    bool empty = source->table.ptr[source->table.len - 1] == '.';
    while (floe_str_split(&rest, '.', &part)) {
        catalog = parts++ == 0 ? part : catalog;
        empty = empty || part.len == 0;
    }
    if (parts < 3 || empty) {
        FLOE_FIND(decoder, source->table_line, FLOE_INVALID, "%s: table %.*s must be catalog.namespace.table", what,
                  FLOE_STR_ARG(source->table));
        return;
    }
    const floe_project *project = loading->project;
    size_t count = project != NULL ? project->catalog_count : 0;
    floe_str *names = floe_arena_alloc(decoder->arena, count, sizeof *names);
    for (size_t i = 0; names != NULL && i < count; i++) {
        names[i] = project->catalogs[i].name;
        if (floe_str_equal(names[i], catalog)) {
            return;
        }
    }
    if (project != NULL && names != NULL) {
        FLOE_FIND(decoder, source->table_line, FLOE_NOT_FOUND, "%s: floe.yaml has no catalog %.*s%s", what,
                  FLOE_STR_ARG(catalog),
                  floe_name_hint(decoder->arena, floe_name_nearest(decoder->arena, catalog, names, count)));
    }
}

static bool decode_column_type(const floe_decoder *decoder, const floe_node *node, const char *what,
                               floe_type *ret_type) {
    const floe_node *type = floe_decode_member(node, "type");
    bool text = type != NULL && type->kind == FLOE_NODE_STRING;
    bool zoned = text && floe_str_is(type->text, "timestamptz_ns");
    if (zoned || (text && floe_str_is(type->text, "timestamp_ns"))) {
        *ret_type = floe_type_nanoseconds(zoned);
        return true;
    }
    return decode_type(decoder, node, what, ret_type);
}

/* The columns that resolve found, in the stored form. */
static void decode_columns(const floe_decoder *decoder, const floe_node *node, const char *what, floe_source *source) {
    static const char *const known[] = {"name", "type", NULL};
    const floe_node *list = floe_decode_opt_list(decoder, node, "columns", what);
    floe_column *columns = list != NULL ? floe_arena_alloc(decoder->arena, list->count, sizeof *columns) : NULL;
    for (size_t i = 0; columns != NULL && i < list->count; i++) {
        floe_column *column = &columns[source->column_count];
        source->column_count += floe_decode_object(decoder, list->items[i], what, known) &&
                                floe_decode_need_text(decoder, list->items[i], "name", what, &column->name) &&
                                decode_column_type(decoder, list->items[i], what, &column->type);
    }
    source->columns = columns;
}

static void decode_source_body(const floe_loading *loading, const floe_node *node, const char *what,
                               floe_source *source) {
    const floe_decoder *decoder = &loading->decoder;
    source->table_line = floe_decode_line(node, "table");
    source->event_line = floe_decode_line(node, "event_time");
    source->created_line = floe_decode_line(node, "created_time");
    source->end_line = floe_decode_line(node, "end_time");
    if (floe_decode_need_text(decoder, node, "table", what, &source->table)) {
        check_table(loading, source, what);
    }
    floe_decode_need_text(decoder, node, "event_time", what, &source->event_time);
    floe_decode_opt_text(decoder, node, "created_time", what, &source->created_time);
    floe_decode_opt_text(decoder, node, "end_time", what, &source->end_time);
    source->max_future_us = 60 * FLOE_US_PER_SECOND;
    floe_decode_opt_duration(decoder, node, "max_future", what, &source->max_future_us);
    if (decoder->stored) {
        decode_columns(decoder, node, what, source);
    }
}

void floe_decode_source(floe_loading *loading, const floe_node *node) {
    static const char *const written[] = {"name",       "table",       "event_time", "created_time", "end_time",
                                          "max_future", "description", "owner",      "tags",         NULL};
    static const char *const kept[] = {"name",        "table", "event_time", "created_time", "end_time", "max_future",
                                       "description", "owner", "tags",       "columns",      NULL};
    const floe_decoder *decoder = &loading->decoder;
    const char *const *known = decoder->stored ? kept : written;
    floe_source source = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "source", &source.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "a source", known) || what == NULL) {
        return;
    }
    decode_source_body(loading, node, what, &source);
    floe_loading_name(loading, FLOE_OBJECT_SOURCE, &source.about);
    floe_source *slot =
        FLOE_ARENA_PUSH(decoder->arena, loading->sources, loading->definitions.source_count, loading->source_capacity);
    if (slot != NULL) {
        *slot = source;
    }
    loading->definitions.sources = loading->sources;
}
