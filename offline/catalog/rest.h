/*
 * The Iceberg REST catalog.
 */
#ifndef FLOE_OFFLINE_CATALOG_REST_H
#define FLOE_OFFLINE_CATALOG_REST_H

#include "offline/catalog/catalog.h"

#include <stdatomic.h>

/* Borrows the definition. Asks nothing yet. `cancelled` NULL: never. Owns: the caller, floe_catalog_close. */
floe_status floe_rest_catalog_open(const floe_catalog_def *definition, const atomic_bool *cancelled,
                                   floe_catalog **ret_catalog, floe_error *err);

#endif
