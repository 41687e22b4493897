/*
 * What the files of the import share.
 *
 * Phases: source.c finds out what columns the input has and writes the SQL that yields them; schema.c gives
 * them types and field ids, or matches them with the table's; partition.c does the same for partitions;
 * data.c writes the data files and measures them; commit.c makes them a snapshot.
 */
#ifndef FLOE_OFFLINE_IMPORT_INT_H
#define FLOE_OFFLINE_IMPORT_INT_H

#include "offline/iceberg/write.h"
#include "offline/lake_int.h"

#define FLOE_IMPORT_SQL_CAP FLOE_MIB(64)
#define FLOE_IMPORT_PARTITIONS_MAX 10000 /* files of one import */
#define FLOE_IMPORT_METRICS_COLUMNS 100  /* columns with counts and bounds, as Iceberg's default has it */
#define FLOE_IMPORT_TYPE_DEPTH 32

/* One column of the input, after --types and --select. */
typedef struct import_column {
    floe_str name;
    const floe_ice_type *type; /* field ids inside are 0 */
} import_column;

typedef struct floe_import {
    floe_lake *lake;
    const floe_import_request *request;
    const floe_run *run; /* may be NULL */
    floe_arena *arena;
    floe_session *session;
    floe_catalog *catalog;
    floe_str namespace_name, table_name;
    floe_table *table; /* NULL: it is created */
    floe_table
        *origin; /* the table as it was first opened, once a commit had to be tried again: schema borrows from it */
    floe_str location;          /* as the table spells it */
    const char *local_location; /* where that is here */
    floe_moved moved;
    char uuid[37]; /* of this import, in file names */

    import_column *columns;
    size_t column_count;
    floe_str source_sql; /* SELECT of the input's columns under their names */
    floe_ice_schema schema;
    int32_t last_column_id;
    floe_ice_spec spec;
    floe_ice_type *partition_types; /* of the spec's fields */
    int32_t last_partition_id;
    floe_str comment; /* ptr NULL: none given */

    floe_ice_entry *entries;
    size_t entry_count, entry_capacity;
    floe_ptrs written; /* local paths, to remove on failure */
} floe_import;

/* ---- type.c: DuckDB's types and Iceberg's ---- */

/* "STRUCT(a INTEGER, b VARCHAR[])" → type without ids. Errors: UNSUPPORTED naming what Iceberg has no type for. */
floe_status floe_import_type_parse(floe_str text, floe_arena *arena, const floe_ice_type **ret_type, floe_error *err);
/* The DuckDB type that a column of this Iceberg type is written from. */
void floe_import_type_sql(floe_buf *out, const floe_ice_type *type);
/* A type as --types names it (floe's and Iceberg's names) → DuckDB's. Errors: INVALID. */
floe_status floe_import_type_named(floe_str text, floe_buf *out, floe_error *err);
/* Whether every value of `from` is a value of `to`: equal types, and the promotions that Iceberg knows. */
bool floe_import_type_widens(const floe_ice_type *from, const floe_ice_type *to);

/* ---- the phases ---- */

floe_status floe_import_source(floe_import *import, floe_error *err);
floe_status floe_import_schema(floe_import *import, floe_error *err);
floe_status floe_import_describe(floe_import *import, floe_ice_field *fields, size_t field_count, floe_error *err);
floe_status floe_import_partition(floe_import *import, floe_error *err);
floe_status floe_import_data(floe_import *import, floe_error *err);
floe_status floe_import_commit(floe_import *import, floe_import_result *ret_result, floe_error *err);

/* The SQL of a partition field's value over the columns of the input. */
void floe_import_transform_sql(const floe_ice_partition_field *field, const floe_ice_field *source, floe_buf *out);
/* "name=value" of each field, as a path. */
void floe_import_partition_path(const floe_ice_spec *spec, const floe_value *values, floe_buf *out);

/* Record count, sizes, counts and bounds of a written file. */
floe_status floe_import_measure(floe_import *import, const char *local_path, floe_ice_entry *entry, floe_error *err);

/* ---- common.c ---- */

/* All rows of a small query as values, row by row; text is copied into the import's arena. */
typedef struct import_rows {
    floe_value *values;
    size_t row_count, column_count;
} import_rows;
floe_status floe_import_query(floe_import *import, const char *sql, import_rows *ret_rows, floe_error *err);

/* Where a path of the table lies here. */
floe_status floe_import_local(floe_import *import, floe_str path, const char **ret_local, floe_error *err);
/* Remembers a path before anything is written there. */
void floe_import_will_write(floe_import *import, const char *local_path);

void floe_import_uuid(char ret_uuid[37]);
int64_t floe_import_snapshot_id(void);
void floe_import_progress(const floe_import *import, const char *step, double fraction);

#endif
