/*
 * A table made by hand with an engine to write its files and to read it: what the tests of deletes, defaults and
 * evolution share. Files are written by the engine alone, never by floe's writer.
 */
#ifndef FLOE_TESTS_OFFLINE_DELETE_SUPPORT_H
#define FLOE_TESTS_OFFLINE_DELETE_SUPPORT_H

#include "tests/offline/ice_support.h"
#include "tests/offline/sql_support.h"

#include "offline/iceberg/scan.h"
#include "offline/io/io.h"

#define FIELD(id, name, type) "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type "}"
#define SCHEMA(id, fields) "{\"schema-id\":" id ",\"type\":\"struct\",\"fields\":[" fields "]}"
#define UNPARTITIONED "[{\"spec-id\":0,\"fields\":[]}]"

typedef struct ice_world {
    floe_arena arena;
    floe_lake *lake;
    floe_session *session;
    ice_table table;
} ice_world;

void ice_world_open(ice_world *world, const char *schemas, const char *specs, const char *partition_fields);
void ice_world_close(ice_world *world);

/* Text that lives as long as the world. */
const char *ice_text(ice_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the query's rows into a Parquet file of the table's folder; ids as DuckDB's FIELD_IDS, "" for none. */
const char *ice_parquet(ice_world *world, const char *name, const char *select, const char *ids);
/* An added data file of no partition. */
ice_entry ice_added(const char *path, int64_t rows);

/* ---- reading: the metadata is written anew before each ---- */

/* The rows that a scan gives, in its order, as sql_support.h prints them. */
void ice_expect(ice_world *world, const char *where, const char *rows);
/* The same in any order: equality deletes are joins. */
void ice_expect_set(ice_world *world, const char *rows);
void ice_expect_at(ice_world *world, int64_t snapshot_id, const char *rows);
void ice_expect_moved(ice_world *world, const char *from, const char *to, const char *rows);
void ice_expect_columns(ice_world *world, const char *columns, const char *rows); /* "k,_row_id" */
/* The same through a query over the scan's SQL, for types that floe has no values of. */
void ice_expect_sql(ice_world *world, const char *select, const char *rows);
/* Every column, __floe_seq and __floe_pos. */
void ice_expect_positions(ice_world *world, const char *rows);
void ice_refused(ice_world *world, floe_code code, const char *part);
floe_scan_plan ice_plan(ice_world *world);
bool ice_appends_only(ice_world *world, int64_t from_snapshot_id);

#endif
