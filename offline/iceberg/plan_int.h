/*
 * What planning and the making of SQL share.
 */
#ifndef FLOE_OFFLINE_ICEBERG_PLAN_INT_H
#define FLOE_OFFLINE_ICEBERG_PLAN_INT_H

#include "offline/iceberg/scan.h"

/* Whether a column can be read right: its type is known all the way down, it has no default value, and if it is nested
 * no schema of the table ever gave it another shape. Errors: UNSUPPORTED naming the column and the reason. */
floe_status floe_column_check(const floe_ice_metadata *metadata, const floe_ice_field *field, floe_error *err);

/* The columns of that name in the schema; NULL names: all. Errors: NOT_FOUND naming the nearest. */
floe_status floe_columns_find(const floe_ice_schema *schema, const floe_str *names, size_t count, floe_arena *arena,
                              const floe_ice_field *const **ret_fields, size_t *ret_count, floe_error *err);

/* The DuckDB name of a type: "BIGINT", STRUCT("a" INTEGER)[]. With plain_times a top-level timestamptz is TIMESTAMP. */
void floe_ice_type_sql(const floe_ice_type *type, bool plain_times, floe_buf *out);

/* A stored partition value of an identity field as a DuckDB constant of the column's type. Errors: UNSUPPORTED where the
 * stored type is none that the column can have had. */
floe_status floe_partition_constant(const floe_ice_field *field, bool plain_times, const floe_value *stored,
                                    floe_buf *out, floe_error *err);

/* ---- the columns of Parquet files ---- */

/* One node of a Parquet schema, depth first. */
typedef struct floe_parquet_node {
    floe_str name;
    int32_t field_id; /* -1: none */
    uint32_t depth;   /* 0: a column */
    floe_str type;    /* as DuckDB sees a leaf; empty otherwise */
} floe_parquet_node;

typedef struct floe_parquet_schema {
    const floe_parquet_node *nodes;
    size_t node_count;
    uint32_t number; /* files with equal schemas have equal numbers */
} floe_parquet_schema;

/* The schemas of files, read through the session; equal ones are one. Errors: NOT_FOUND or IO naming the file. */
floe_status floe_parquet_schemas_read(floe_session *session, const char *list_sql, const char *const *paths,
                                      size_t count, floe_arena *arena, const floe_parquet_schema *const **ret_schemas,
                                      floe_error *err);

/* How a projected column is found in the files of one schema. */
typedef enum floe_column_source {
    FLOE_COLUMN_BY_ID,
    FLOE_COLUMN_BY_NAME, /* under `name` in the file */
    FLOE_COLUMN_MISSING
} floe_column_source;

typedef struct floe_column_place {
    floe_column_source source;
    floe_str name;
} floe_column_place;

/* Finds each field in a file's schema and checks that what is there can be read as the field's type.
 * Rule: by field id; in files without any ids by the table's name mapping; never by position. A file where only some
 *       columns have ids is addressed by its names, because DuckDB stops looking for ids at the first column without.
 * Errors: UNSUPPORTED naming file and column. Source: Iceberg table spec, "Column Projection". */
floe_status floe_columns_place(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, const char *path,
                               const floe_ice_field *const *fields, size_t count, floe_arena *arena,
                               floe_column_place *ret_places, floe_error *err);

/* ---- SQL ---- */

typedef struct floe_scan_sql_options {
    bool schema_names;  /* columns under the schema's names; else c<field id> */
    bool plain_times;   /* timestamptz as TIMESTAMP in UTC */
    bool with_position; /* __seq and __pos */
    bool with_file;     /* __file: the path as the manifest has it */
    bool with_sequence; /* __dseq: the data sequence number */
    bool with_scope;    /* __scope: a number per spec and partition */
} floe_scan_sql_options;

/* As floe_table_scan_sql, with fields and options. */
floe_status floe_scan_sql_build(floe_table *table, const floe_table_scan_files *files,
                                const floe_ice_field *const *fields, size_t field_count,
                                const floe_scan_sql_options *options, floe_session *session, floe_buf *out,
                                floe_error *err);

#endif
