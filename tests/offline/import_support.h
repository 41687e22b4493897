/*
 * For tests that import: a warehouse in a temporary folder, input files made by the engine, tables read back by floe's
 * own scan.
 */
#ifndef FLOE_TESTS_OFFLINE_IMPORT_SUPPORT_H
#define FLOE_TESTS_OFFLINE_IMPORT_SUPPORT_H

#include "core/tree.h"
#include "tests/offline/sql_support.h"

typedef struct import_fixture {
    sql_fixture sql; /* makes input files; its folder holds everything */
    char warehouse[300];
    floe_catalog_def definition;
    floe_lake *lake;
    floe_import_result result;
} import_fixture;

void import_fixture_open(import_fixture *fixture);
void import_fixture_close(import_fixture *fixture);

/* Writes the rows of a query into folder/name, by its ending. Returns the path. */
const char *input_file(import_fixture *fixture, const char *name, const char *query);

/* Imports one file into lake.ns.t. */
floe_status import_one(import_fixture *fixture, const char *file, floe_import_request request, floe_error *err);
/* The same from rows of a query, by Parquet; must succeed. */
void import_rows_of(import_fixture *fixture, const char *query, floe_import_request request);

/* All rows of lake.ns.t, in file order, as stream_text prints them; "" when there is no table. */
const char *table_text(import_fixture *fixture);

/* The current metadata document of lake.ns.t. */
const floe_node *table_document(import_fixture *fixture);

/* Files below a folder, folders counted by what is in them. */
size_t count_files(const char *folder);

#endif
