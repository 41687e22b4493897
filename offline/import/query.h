/*
 * Rows of a query into an Iceberg table, in two steps: files beside the table, then one commit. For who has something to do in
 * between, as a dataset has its manifest to write.
 */
#ifndef FLOE_OFFLINE_IMPORT_QUERY_H
#define FLOE_OFFLINE_IMPORT_QUERY_H

#include "offline/lake_int.h"

typedef struct floe_query_import floe_query_import;

typedef struct floe_query_target {
    const char *table; /* catalog.ns.table; the namespace is created */
    bool
        replace; /* a table that is there gets these rows, and their schema, in the place of all; else it is CONFLICT */
} floe_query_target;

/* Whether rows may go there. Errors: CONFLICT (it exists), NOT_FOUND (no such catalog), UNSUPPORTED (partitioned: its rows
 * could not keep their order), INVALID. */
floe_status floe_query_import_check(floe_lake *lake, const floe_query_target *target, floe_error *err);

/* Writes the rows of `select`, in their order, as a data file that nothing names yet. The session must stay open until the
 * close. *ret_snapshot_id: the snapshot's that the commit will make.
 * Errors: those of the check; UNSUPPORTED naming a column whose type Iceberg does not have. */
floe_status floe_query_import_open(floe_lake *lake, floe_session *session, const floe_query_target *target,
                                   const char *select, const floe_run *run, floe_query_import **ret_import,
                                   floe_error *err);
int64_t floe_query_import_snapshot(const floe_query_import *import);
int64_t floe_query_import_rows(const floe_query_import *import);
/* One atomic step. Errors: CONFLICT when somebody made or changed the table meanwhile; then nothing happened. */
floe_status floe_query_import_commit(floe_query_import *import, floe_error *err);
/* NULL-safe. What was not committed is removed. */
void floe_query_import_close(floe_query_import **import);

#endif
