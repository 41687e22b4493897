/*
 * The calls of the catalog seam, and which implementation a definition asks for.
 */
#include "offline/catalog/directory.h"

floe_status floe_catalog_open(const floe_catalog_def *definition, floe_catalog **ret_catalog, floe_error *err) {
    FLOE_ENSURE(floe_str_is(definition->type, "directory"), err, FLOE_UNSUPPORTED,
                "catalog \"%.*s\": the type \"%.*s\"; this version of floe knows directory catalogs",
                FLOE_STR_BRIEF(definition->name), FLOE_STR_BRIEF(definition->type));
    return floe_directory_catalog_open(definition, ret_catalog, err);
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
