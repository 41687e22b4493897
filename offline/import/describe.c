/*
 * Descriptions from a Frictionless data package: the resource that is the imported file gives the table its comment and
 * the columns their docs.
 * Source: specs.frictionlessdata.io, Data Package, Data Resource ("path", "name", "description") and Table Schema
 * ("fields" with "name" and "description").
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"

/* A resource's path may be a list of paths. */
static bool path_is(const floe_node *path, floe_str file_name, floe_arena *arena) {
    if (path && path->kind == FLOE_NODE_ARRAY) {
        for (size_t i = 0; i < path->count; i++) {
            if (path_is(path->items[i], file_name, arena)) {
                return true;
            }
        }
        return false;
    }
    const char *text =
        path && path->kind == FLOE_NODE_STRING ? floe_arena_strndup(arena, path->text.ptr, path->text.len) : NULL;
    return text && floe_str_equal(floe_path_basename(text), file_name);
}

static floe_str stem_of(floe_str file_name) {
    size_t len = file_name.len;
    for (size_t i = 1; i < file_name.len && len == file_name.len; i++) {
        len = file_name.ptr[i] == '.' ? i : len;
    }
    return (floe_str){file_name.ptr, len};
}

static bool name_is(const floe_node *name, floe_str file_name) {
    return name && name->kind == FLOE_NODE_STRING &&
           (floe_str_equal(name->text, file_name) || floe_str_equal(name->text, stem_of(file_name)));
}

static const floe_node *find_resource(const floe_node *package, floe_str file_name, floe_arena *arena) {
    const floe_node *resources = floe_node_get(package, "resources");
    size_t count = resources && resources->kind == FLOE_NODE_ARRAY ? resources->count : 0;
    for (size_t i = 0; i < count; i++) {
        if (path_is(floe_node_get(resources->items[i], "path"), file_name, arena)) {
            return resources->items[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (name_is(floe_node_get(resources->items[i], "name"), file_name)) {
            return resources->items[i];
        }
    }
    return NULL;
}

static floe_str text_of(const floe_node *object, const char *key) {
    const floe_node *node = object ? floe_node_get(object, key) : NULL;
    return node && node->kind == FLOE_NODE_STRING ? floe_str_trim(node->text) : (floe_str){0};
}

static void describe_fields(const floe_node *resource, floe_ice_field *fields, size_t field_count) {
    const floe_node *schema = floe_node_get(resource, "schema");
    const floe_node *described = schema ? floe_node_get(schema, "fields") : NULL;
    size_t count = described && described->kind == FLOE_NODE_ARRAY ? described->count : 0;
    for (size_t i = 0; i < count; i++) {
        floe_str name = text_of(described->items[i], "name");
        floe_str doc = text_of(described->items[i], "description");
        for (size_t f = 0; f < field_count; f++) {
            if (doc.len > 0 && floe_str_equal(fields[f].name, name)) {
                fields[f].doc = doc;
            }
        }
    }
}

floe_status floe_import_describe(floe_import *import, floe_ice_field *fields, size_t field_count, floe_error *err) {
    const char *path = import->request->describe;
    floe_str bytes = {0};
    const floe_node *package = NULL;
    FLOE_TRY(floe_fs_read_arena(floe_fs_local(), path, FLOE_LIMIT_METADATA_BYTES, import->arena, &bytes, err));
    floe_status status = floe_json_parse(import->arena, bytes, &package, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%s", path);
    }
    floe_str file_name = floe_path_basename(import->request->files[0]);
    const floe_node *resource = find_resource(package, file_name, import->arena);
    FLOE_ENSURE(resource, err, FLOE_NOT_FOUND, "%s: no resource has the path or name %.*s", path,
                FLOE_STR_BRIEF(file_name));
    import->comment = text_of(resource, "description");
    if (!import->comment.ptr) {
        import->comment = text_of(resource, "title");
    }
    describe_fields(resource, fields, field_count);
    return floe_arena_check(import->arena, err);
}
