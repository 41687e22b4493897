/*
 * `catalogs:` of floe.yaml: where tables are. A secret is in no message.
 */
#include "core/file.h"
#include "registry/names_int.h"
#include "registry/project_int.h"

/* ---- paths ---- */

const char *floe_decode_local_path(const floe_decoder *decoder, const char *root, floe_str text, int line,
                                   const char *what) {
    static const char *const prefixes[] = {"file://localhost/", "file:///", "file:/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        floe_str prefix = floe_str_of(prefixes[i]);
        if (floe_str_starts_with(text, prefix)) {
            text = (floe_str){text.ptr + prefix.len - 1, text.len - prefix.len + 1};
            break;
        }
    }
    const char *colon = memchr(text.ptr, ':', text.len);
    if (colon != NULL && text.len - (size_t)(colon - text.ptr) > 2 && colon[1] == '/' && colon[2] == '/') {
        FLOE_FIND(decoder, line, FLOE_UNSUPPORTED, "%s: %.*s is no local path; this version reads local files only",
                  what, FLOE_STR_ARG(text));
        return NULL;
    }
    const char *copy = floe_arena_strndup(decoder->arena, text.ptr, text.len);
    return copy != NULL ? floe_path_join(decoder->arena, root, copy) : NULL;
}

floe_str floe_decode_absolute(const floe_decoder *decoder, const char *path) {
    const char *result = NULL;
    if (path == NULL) {
        return (floe_str){0};
    }
    floe_status status = floe_path_absolute(decoder->arena, path, &result, NULL);
    return floe_str_of(floe_failed(status) ? path : result);
}

/* ---- catalogs ---- */

static void decode_moved(const floe_decoder *decoder, const floe_node *node, const char *what,
                         floe_catalog_def *catalog) {
    static const char *const known[] = {"from", "to", NULL};
    const floe_node *moved = floe_decode_member(node, "moved");
    what = floe_decoder_printf(decoder, "%s: moved", what);
    if (moved != NULL && floe_decode_object(decoder, moved, what, known)) {
        floe_decode_need_text(decoder, moved, "from", what, &catalog->moved_from);
        floe_decode_need_text(decoder, moved, "to", what, &catalog->moved_to);
    }
}

static void decode_storage(const floe_decoder *decoder, const floe_node *node, const char *what,
                           floe_catalog_def *catalog) {
    static const char *const known[] = {"endpoint",   "region",        "path_style", "access_key",
                                        "secret_key", "session_token", NULL};
    const floe_node *storage = floe_decode_member(node, "storage");
    floe_storage_def *into = &catalog->storage;
    what = floe_decoder_printf(decoder, "%s: storage", what);
    if (storage == NULL || !floe_decode_object(decoder, storage, what, known)) {
        return;
    }
    into->given = true;
    floe_decode_opt_text(decoder, storage, "endpoint", what, &into->endpoint);
    floe_decode_opt_text(decoder, storage, "region", what, &into->region);
    floe_decode_opt_bool(decoder, storage, "path_style", what, &into->path_style);
    floe_decode_opt_text(decoder, storage, "access_key", what, &into->access_key);
    floe_decode_opt_text(decoder, storage, "secret_key", what, &into->secret_key);
    floe_decode_opt_text(decoder, storage, "session_token", what, &into->session_token);
    if ((into->access_key.len > 0) != (into->secret_key.len > 0)) {
        FLOE_FIND(decoder, storage->line, FLOE_INVALID, "%s: access_key and secret_key belong together", what);
    }
}

/* ---- type: directory ---- */

static bool is_object_uri(floe_str text) {
    return floe_str_starts_with(text, FLOE_STR("s3://")) || floe_str_starts_with(text, FLOE_STR("s3a://")) ||
           floe_str_starts_with(text, FLOE_STR("s3n://")) || floe_str_starts_with(text, FLOE_STR("gs://"));
}

static void decode_warehouse(const floe_decoder *decoder, const floe_node *node, const char *what, const char *root,
                             floe_catalog_def *catalog) {
    floe_str warehouse = {0};
    if (!floe_decode_need_text(decoder, node, "warehouse", what, &warehouse)) {
        return;
    }
    int line = floe_decode_line(node, "warehouse");
    catalog->warehouse =
        is_object_uri(warehouse)
            ? warehouse
            : floe_decode_absolute(decoder, floe_decode_local_path(decoder, root, warehouse, line, what));
}

static void decode_directory(const floe_decoder *decoder, const floe_node *node, const char *what, const char *root,
                             floe_catalog_def *catalog) {
    static const char *const rest_only[] = {"uri", "credential", "token", "oauth2_uri", "scope", "ca"};
    for (size_t i = 0; i < sizeof rest_only / sizeof *rest_only; i++) {
        if (floe_node_get(node, rest_only[i]) != NULL) {
            FLOE_FIND(decoder, floe_decode_line(node, rest_only[i]), FLOE_INVALID,
                      "%s: %s belongs to catalogs of type rest", what, rest_only[i]);
        }
    }
    decode_warehouse(decoder, node, what, root, catalog);
}

/* ---- type: rest ---- */

static bool is_http(floe_str text) {
    return floe_str_starts_with(text, FLOE_STR("http://")) || floe_str_starts_with(text, FLOE_STR("https://"));
}

static void decode_address(const floe_decoder *decoder, const floe_node *node, const char *key, const char *what,
                           floe_str *ret_text) {
    if (floe_decode_opt_text(decoder, node, key, what, ret_text) && !is_http(*ret_text)) {
        FLOE_FIND(decoder, floe_decode_line(node, key), FLOE_INVALID,
                  "%s: %s is an address that begins with http:// or https://", what, key);
    }
}

static void decode_rest(const floe_decoder *decoder, const floe_node *node, const char *what, const char *root,
                        floe_catalog_def *catalog) {
    floe_str ca = {0};
    if (floe_node_get(node, "uri") == NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s: uri is missing: the address of the catalog", what);
    }
    decode_address(decoder, node, "uri", what, &catalog->uri);
    decode_address(decoder, node, "oauth2_uri", what, &catalog->oauth2_uri);
    floe_decode_opt_text(decoder, node, "warehouse", what, &catalog->warehouse);
    floe_decode_opt_text(decoder, node, "credential", what, &catalog->credential);
    floe_decode_opt_text(decoder, node, "token", what, &catalog->token);
    floe_decode_opt_text(decoder, node, "scope", what, &catalog->scope);
    if (floe_decode_opt_text(decoder, node, "ca", what, &ca)) {
        catalog->ca = floe_decode_absolute(
            decoder, floe_decode_local_path(decoder, root, ca, floe_decode_line(node, "ca"), what));
    }
}

/* ---- any ---- */

/* What other catalogs are called is known, so that they are refused by name. */
static void find_unknown_type(const floe_decoder *decoder, const floe_node *node, const char *what, floe_str type) {
    static const char *const types[] = {"directory", "rest"};
    static const char *const foreign[] = {"glue", "hive", "nessie", "jdbc", "sql", "dynamodb", "hadoop", "snowflake"};
    int line = floe_decode_line(node, "type");
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (floe_str_is(type, foreign[i])) {
            FLOE_FIND(decoder, line, FLOE_UNSUPPORTED,
                      "%s: catalogs of type %s are not supported by this version; directory and rest are", what,
                      foreign[i]);
            return;
        }
    }
    FLOE_FIND(decoder, line, FLOE_INVALID, "%s: unknown type `%.*s`; there are directory and rest%s", what,
              FLOE_STR_ARG(type), floe_name_hint(decoder->arena, floe_str_nearest(type, types, 2)));
}

static void decode_catalog(const floe_decoder *decoder, const floe_member *member, const char *root,
                           floe_catalog_def *catalog) {
    static const char *const known[] = {"type",  "warehouse",  "moved", "storage", "uri", "credential",
                                        "token", "oauth2_uri", "scope", "ca",      NULL};
    const char *what = floe_decoder_printf(decoder, "catalog %.*s", FLOE_STR_ARG(member->key));
    *catalog = (floe_catalog_def){.name = member->key, .pos = floe_decoder_at(decoder, member->line)};
    const char *problem = floe_name_problem(member->key);
    if (problem != NULL) {
        FLOE_FIND(decoder, member->line, FLOE_INVALID, "%s: %s", what, problem);
    }
    if (!floe_decode_object(decoder, member->value, what, known) ||
        !floe_decode_need_text(decoder, member->value, "type", what, &catalog->type)) {
        return;
    }
    if (floe_str_is(catalog->type, "directory")) {
        decode_directory(decoder, member->value, what, root, catalog);
    } else if (floe_str_is(catalog->type, "rest")) {
        decode_rest(decoder, member->value, what, root, catalog);
    } else {
        find_unknown_type(decoder, member->value, what, catalog->type);
    }
    decode_storage(decoder, member->value, what, catalog);
    decode_moved(decoder, member->value, what, catalog);
}

void floe_decode_catalogs(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    const floe_node *map = floe_decode_member(root, "catalogs");
    if (map == NULL) {
        return;
    }
    if (map->kind != FLOE_NODE_OBJECT) {
        FLOE_FIND(decoder, map->line, FLOE_INVALID,
                  "catalogs must be a mapping of names to catalogs, as in lake: {type: directory, warehouse: ./lake}");
        return;
    }
    floe_catalog_def *catalogs = floe_arena_alloc(decoder->arena, map->count, sizeof *catalogs);
    for (size_t i = 0; catalogs != NULL && i < map->count; i++) {
        decode_catalog(decoder, &map->members[i], project->root, &catalogs[i]);
    }
    project->catalogs = catalogs;
    project->catalog_count = catalogs != NULL ? map->count : 0;
}
