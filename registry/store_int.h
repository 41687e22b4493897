/*
 * Private to registry: an open registry file.
 */
#ifndef FLOE_REGISTRY_STORE_INT_H
#define FLOE_REGISTRY_STORE_INT_H

#include "core/mem.h"
#include "core/sql.h"
#include "registry/encode_int.h"
#include "registry/registry.h"

#define FLOE_AUTO_STMT FLOE_CLEANUP(floe_sql_finalize) floe_sql_stmt

struct floe_registry {
    floe_sql *sql;
    char *path;
};

/* The text of a column of the current row, copied into the arena; a failed copy is the arena's sticky flag. */
floe_str floe_store_text(floe_sql_stmt *stmt, int column, floe_arena *arena);

/* Runs a statement that gives no row. */
floe_status floe_store_run(floe_sql_stmt *stmt, floe_error *err);

/* Brings the tables up to this version, in one transaction. */
floe_status floe_store_migrate(floe_registry *registry, floe_error *err);
/* Whether the file has the table of API keys, which came with the second version of the schema. */
floe_status floe_store_has_keys(floe_registry *registry, bool *ret_there, floe_error *err);

/* Creates the tables of an empty file, or checks that they are ours. */
floe_status floe_store_prepare_schema(floe_registry *registry, bool create, floe_error *err);

#endif
