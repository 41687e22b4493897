/*
 * What the files of the import share.
 *
 * Phases: source.c finds out what columns the input has and writes the SQL that yields them; schema.c gives
 * them types and field ids, or matches them with the table's; partition.c does the same for partitions;
 * sort.c the order of rows; data.c writes the data files and measures them; overwrite.c says which former files go;
 * commit.c makes the whole a snapshot, attempt by attempt. Maintenance (offline/maintain) writes and commits by the last of these phases.
 */
#ifndef FLOE_OFFLINE_IMPORT_INT_H
#define FLOE_OFFLINE_IMPORT_INT_H

#include "offline/iceberg/write/write.h"
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
    const char
        *read_columns;   /* options of a reader of JSON that is not to guess, or over all rows; NULL: it may over few */
    const char **copies; /* of Parquet, by file: what is read in its stead, or NULL; NULL: each file itself */
    floe_str replaced;   /* of Parquet: "expression AS column, …" over what is read; empty: none */
    floe_str source_sql; /* SELECT of the input's columns under their names */
    floe_ice_schema schema;
    int32_t last_column_id;
    floe_ice_spec spec;
    floe_ice_type *partition_types; /* of the spec's fields */
    int32_t last_partition_id;
    floe_str comment; /* ptr NULL: none given */

    floe_ice_sort_order sort_order; /* of the rows in the new files; order_id 0: as the input has them */
    bool sorts_by_default;

    int64_t snapshot_id; /* of the snapshot that the commit makes; 0: one that is drawn then */

    bool with_lineage; /* the rows bring _row_id and _last_updated_sequence_number along */

    floe_ice_entry *entries;
    size_t entry_count, entry_capacity;

    /* What the snapshot does besides adding the entries. */
    const char *operation;
    /* Whether a live file of the base goes; NULL: every one stays. */
    floe_status (*removes)(void *context, const floe_ice_data_file *file, bool *ret_removes, floe_error *err);
    /* Looks at the table that the next attempt builds on, before it; NULL: nothing to check. Errors: CONFLICT ends the
     * commit where the attempt's own would not. */
    floe_status (*check)(void *context, floe_table *table, floe_error *err);
    void *change;      /* context of both */
    floe_ptrs written; /* local paths, to remove on failure */
    size_t published;  /* of them: how many are the store's as well */
    floe_fs *fs;
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

/* ---- files.c ---- */

typedef struct import_reader {
    const char *ending;
    const char *function;
    bool takes_types; /* the reader itself must know them: text has lost what it drops while guessing */
} import_reader;
/* The reader for a file's ending, or NULL. */
const import_reader *floe_import_reader(const char *path);
/* Whether the files are there, of one format and, with what they hold, one table. Errors: NOT_FOUND, INVALID, UNSUPPORTED,
 * each naming the file. */
floe_status floe_import_check_files(floe_import *import, floe_error *err);

/* ---- nanoseconds.c ---- */

/* Finds the Parquet columns that the engine would cut or distort, so that `copies` and `replaced` give what is in the files: whole
 * microseconds as their type, others as TIMESTAMP_NS to --select. Errors: INVALID naming file, row, column and value; UNSUPPORTED
 * naming file and column; those of floe_parquet_look_at and floe_parquet_copy_make. Cost: nothing without such columns; else they
 * are read once more, from a copy of the file where they have a zone or are times of day. */
floe_status floe_import_nanoseconds(floe_import *import, floe_error *err);
/* Removes the copies; a message of the engine that names one names the file instead. */
void floe_import_nanoseconds_end(floe_import *import, floe_error *err);

/* ---- the phases ---- */

floe_status floe_import_source(floe_import *import, floe_error *err);
/* The rows of a query of the import's session instead of files. Errors: UNSUPPORTED naming a column's type. */
floe_status floe_import_query_source(floe_import *import, floe_str select, floe_error *err);
floe_status floe_import_schema(floe_import *import, floe_error *err);
/* The schema of an append with --evolve. Errors: INVALID naming the column. */
floe_status floe_import_evolve(floe_import *import, const floe_ice_schema *former, floe_error *err);
/* Gives the schema the id of the table's equal one, else the next free id. */
floe_status floe_import_number_schema(floe_import *import, floe_error *err);
/* Whether the rows come into the table's own schema and spec. */
bool floe_import_keeps_schema(const floe_import_request *request);
floe_status floe_import_describe(floe_import *import, floe_ice_field *fields, size_t field_count, floe_error *err);
floe_status floe_import_partition(floe_import *import, floe_error *err);
/* Reads --sort. Errors: INVALID, NOT_FOUND. */
floe_status floe_import_sort(floe_import *import, floe_error *err);
/* The sort order's columns as a list of ORDER BY, a comma after each. */
void floe_import_order_sql(const floe_import *import, floe_buf *out);
floe_status floe_import_data(floe_import *import, floe_error *err);
/* Decides what the snapshot removes, by the mode. */
floe_status floe_import_choose_removed(floe_import *import, floe_error *err);
floe_status floe_import_commit(floe_import *import, floe_import_result *ret_result, floe_error *err);

/* Writes the rows of a query as one data file, measures it and adds its entry, which *ret_entry is until the next; NULL
 * where there were no rows, and then there is no file. */
typedef struct floe_import_output {
    floe_str path; /* as the table spells it */
    const floe_ice_spec *spec;
    const floe_value *partition;
} floe_import_output;
floe_status floe_import_write_file(floe_import *import, floe_str query, const floe_import_output *output,
                                   floe_ice_entry **ret_entry, floe_error *err);
/* Removes what was written, after a failure. */
void floe_import_discard(floe_import *import);
/* Where the table is, or will be, by the mode. Errors: CONFLICT, NOT_FOUND, UNSUPPORTED. */
floe_status floe_import_place(floe_import *import, floe_error *err);
/* The same, and a session. What is needed to write to a table that is there: `table` may be written to, and lies in a catalog. */
floe_status floe_import_open(floe_import *import, floe_error *err);

/* A file's spec and partition as bytes: equal where both are. */
floe_status floe_import_partition_key(const floe_ice_data_file *file, floe_arena *arena, floe_str *ret_key,
                                      floe_error *err);

/* The SQL of a partition field's value over the columns of the input. */
void floe_import_transform_sql(const floe_ice_partition_field *field, const floe_ice_field *source, floe_buf *out);
/* "name=value" of each field, as a path. */
void floe_import_partition_path(const floe_ice_spec *spec, const floe_value *values, floe_buf *out);

/* Record count, sizes, counts and bounds of a written file. */
floe_status floe_import_measure(floe_import *import, const char *local_path, floe_ice_entry *entry, floe_error *err);

/* ---- common.c ---- */

/* All rows of a small query; text lies in the import's arena. */
floe_status floe_import_query(floe_import *import, const char *sql, floe_query_rows *ret_rows, floe_error *err);

/* Where a path of the table lies here. */
floe_status floe_import_local(floe_import *import, floe_str path, const char **ret_local, floe_error *err);
/* Remembers a path before anything is written there. */
void floe_import_will_write(floe_import *import, const char *local_path);

void floe_import_uuid(char ret_uuid[37]);
int64_t floe_import_snapshot_id(void);
void floe_import_progress(const floe_import *import, const char *step, double fraction);

#endif
