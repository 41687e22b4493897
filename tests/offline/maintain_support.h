/*
 * A table made by hand in a directory catalog, so that floe can commit to it: what the tests of compaction, expiry and
 * changes share. The table is lake.ns.t; its snapshots are added by ice_support.h's writer until floe takes over.
 */
#ifndef FLOE_TESTS_OFFLINE_MAINTAIN_SUPPORT_H
#define FLOE_TESTS_OFFLINE_MAINTAIN_SUPPORT_H

#include "tests/offline/delete_support.h"

typedef struct maintain_world {
    ice_world ice;
    char warehouse[300];
    floe_catalog_def definition;
    floe_lake *lake;
    floe_run run;
    atomic_bool cancelled;
} maintain_world;

/* The table's schema: k long, s string; one spec without partitions, or by identity of s. */
void maintain_open(maintain_world *world, int version, bool by_s);
void maintain_close(maintain_world *world);

/* ---- the table's past ---- */

/* An added data file of rows "(1, 'a'), (2, NULL)"; `s` its partition where the table has some ("" for none). */
ice_entry maintain_rows(maintain_world *world, const char *name, const char *values, const char *s);
void maintain_append(maintain_world *world, ice_entry entry);
/* A delete of one row by its place, and of all rows with a key; both of the data files' partition. */
void maintain_delete_position(maintain_world *world, const char *name, const char *data_name, int position,
                              const char *s);
void maintain_delete_key(maintain_world *world, const char *name, int64_t k, const char *s);
/* Writes metadata/v<snapshots + 1>.metadata.json. */
void maintain_write(maintain_world *world);
const char *maintain_path(maintain_world *world, const char *name);

/* ---- the table now ---- */

/* Rows in the order of a scan, as sql_support.h prints them; columns as "k,_row_id", NULL: all. */
const char *maintain_text(maintain_world *world, const char *columns);
/* All rows in any order, for scans with equality deletes, which are joins. */
void maintain_expect_set(maintain_world *world, const char *rows);
/* "name:sequence number" of each data file, by the scan's order, then "| " and the number of delete files. Names are cut at
 * the mark of a compaction. */
const char *maintain_files(maintain_world *world);
/* The current metadata document, decoded. */
const floe_ice_metadata *maintain_metadata(maintain_world *world);
/* Every file below the table's folder, sorted, one a line. */
const char *maintain_listing(maintain_world *world);
size_t maintain_file_count(maintain_world *world);

#endif
