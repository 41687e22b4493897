/*
 * The directory catalog: warehouse/namespace[/namespace…]/table/metadata/….
 */
#ifndef FLOE_OFFLINE_CATALOG_DIRECTORY_H
#define FLOE_OFFLINE_CATALOG_DIRECTORY_H

#include "offline/catalog/catalog.h"

/* Borrows the definition. `mirror`, which the catalog owns from then on, is NULL for a local folder. Owns: the caller, floe_catalog_close. */
floe_status floe_directory_catalog_open(const floe_catalog_def *definition, floe_mirror *mirror,
                                        floe_catalog **ret_catalog, floe_error *err);

/* ---- dotted.c ---- */

/* A warehouse. */
typedef struct floe_catalog_folders {
    floe_fs *fs;
    const char *root;
    bool is_store; /* not local files */
} floe_catalog_folders;

/* The folders below the warehouse, "a/b.c/t", in which a table whose name has dots lies, or would lie because its namespace does. NULL:
 * neither is there. Errors: those of the store. Cost: a look per folder that the parts of the name can make. */
floe_status floe_catalog_find_dotted(const floe_catalog_folders *folders, floe_str namespace_name, floe_str table,
                                     floe_arena *arena, const char **ret_folders, floe_error *err);

#endif
