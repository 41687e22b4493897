/*
 * The calls of the catalog seam, and which implementation a definition asks for.
 */
#include "offline/catalog/directory.h"
#include "offline/catalog/rest.h"

static floe_status open_directory(const floe_catalog_def *definition, const atomic_bool *cancelled,
                                  floe_catalog **ret_catalog, floe_error *err) {
    const floe_storage_def *storage = &definition->storage;
    __attribute__((cleanup(floe_mirror_close))) floe_mirror *mirror = NULL;
    if (storage->given || floe_path_is_object(definition->warehouse)) {
        floe_mirror_options options = {.s3 = floe_s3_options_of_environment()};
        if (storage->given) {
            options.s3 = (floe_s3_options){.endpoint = storage->endpoint,
                                           .region = storage->region,
                                           .path_style = storage->path_style,
                                           .access_key = storage->access_key,
                                           .secret_key = storage->secret_key,
                                           .session_token = storage->session_token};
        }
        options.s3.cancelled = cancelled;
        FLOE_TRY(floe_mirror_open(&options, &mirror, err));
    }
    FLOE_TRY(floe_directory_catalog_open(definition, mirror, ret_catalog, err));
    mirror = NULL;
    return FLOE_OK;
}

floe_status floe_catalog_open(const floe_catalog_def *definition, const atomic_bool *cancelled,
                              floe_catalog **ret_catalog, floe_error *err) {
    if (floe_str_is(definition->type, "directory")) {
        return open_directory(definition, cancelled, ret_catalog, err);
    }
    FLOE_ENSURE(floe_str_is(definition->type, "rest"), err, FLOE_UNSUPPORTED,
                "catalog \"%.*s\": the type \"%.*s\"; floe knows directory and rest", FLOE_STR_BRIEF(definition->name),
                FLOE_STR_BRIEF(definition->type));
    return floe_rest_catalog_open(definition, cancelled, ret_catalog, err);
}

void floe_catalog_close(floe_catalog **catalog) {
    if (*catalog != NULL) {
        (*catalog)->ops->close(*catalog);
        *catalog = NULL;
    }
}

floe_status floe_catalog_list(floe_catalog *catalog, floe_arena *arena, const floe_catalog_entry **ret_entries,
                              size_t *ret_count, floe_error *err) {
    return catalog->ops->list(catalog, arena, ret_entries, ret_count, err);
}

floe_status floe_catalog_locate(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                floe_catalog_entry *ret_entry, floe_error *err) {
    return catalog->ops->locate(catalog, namespace_name, table, arena, ret_entry, err);
}

floe_status floe_catalog_location(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                  const char **ret_location, floe_error *err) {
    return catalog->ops->location(catalog, namespace_name, table, arena, ret_location, err);
}

floe_status floe_catalog_commit(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                                const char **ret_metadata_path, floe_error *err) {
    return catalog->ops->commit(catalog, request, arena, ret_metadata_path, err);
}
