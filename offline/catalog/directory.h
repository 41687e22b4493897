/*
 * The directory catalog: warehouse/namespace[/namespace…]/table/metadata/….
 */
#ifndef FLOE_OFFLINE_CATALOG_DIRECTORY_H
#define FLOE_OFFLINE_CATALOG_DIRECTORY_H

#include "offline/catalog/catalog.h"

/* Borrows the definition. `mirror`, which the catalog owns from then on, is NULL for a local folder. Owns: the caller, floe_catalog_close. */
floe_status floe_directory_catalog_open(const floe_catalog_def *definition, floe_mirror *mirror,
                                        floe_catalog **ret_catalog, floe_error *err);

#endif
