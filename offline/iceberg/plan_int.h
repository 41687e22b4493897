/*
 * What planning and the making of SQL share.
 */
#ifndef FLOE_OFFLINE_ICEBERG_PLAN_INT_H
#define FLOE_OFFLINE_ICEBERG_PLAN_INT_H

#include "offline/iceberg/scan.h"

/* Whether a column can be read right: its type is known all the way down, no two members of a struct differ only in
 * case. Errors: UNSUPPORTED naming the column and the reason. */
floe_status floe_column_check(const floe_ice_field *field, floe_error *err);
/* The same where times are plain: then the column itself may be timestamptz_ns. */
floe_status floe_column_check_plain(const floe_ice_field *field, floe_error *err);

/* The columns of that name in the schema; NULL names: all. Errors: NOT_FOUND naming the nearest. */
floe_status floe_columns_find(const floe_ice_schema *schema, const floe_str *names, size_t count, floe_arena *arena,
                              const floe_ice_field *const **ret_fields, size_t *ret_count, floe_error *err);

/* ---- plan.c, plan_manifests.c: what every way of choosing files shares ---- */

/* The columns of the request are there and can be read. Errors: NOT_FOUND, UNSUPPORTED. */
floe_status floe_scan_check_columns(const floe_scan_request *request, const floe_ice_schema *schema, floe_arena *arena,
                                    floe_error *err);
/* A data file that can be read: Parquet, not encrypted. Errors: UNSUPPORTED naming it. */
floe_status floe_scan_check_file(const floe_table *table, const floe_ice_data_file *file, floe_error *err);
/* Puts files (floe_ice_data_file, which are sorted in place) into the scan by (data sequence number, path). */
floe_status floe_scan_order_files(const floe_table *table, const floe_ptrs *kept, floe_arena *arena,
                                  floe_table_scan_files *ret_files, floe_error *err);

/* What the manifests of a snapshot are read for, and what they gave. */
typedef struct floe_manifest_scan {
    floe_table *table;
    const floe_ice_schema *schema; /* that the filter is bound to */
    const floe_expr *filter;       /* NULL: none */
    floe_arena *arena;
    floe_scan_plan *plan;    /* counts are added */
    floe_ptrs kept, deletes; /* floe_ice_data_file, in no order: data files that may hold rows, and all delete files */
} floe_manifest_scan;

/* Reads the snapshot's manifests, on several threads where there are many. Owns: the scan's arena. Errors: CORRUPT for a file that
 * is listed twice, naming it; those of floe_manifest_read and floe_scan_check_file. */
floe_status floe_scan_read_manifests(floe_manifest_scan *scan, const floe_ice_snapshot *snapshot, floe_error *err);

/* The files that append snapshots added after request->since_snapshot_id up to the request's snapshot, with the schema
 * of the latter; no deletes apply. Errors: as floe_table_changes and floe_table_scan_plan_files. */
floe_status floe_scan_plan_changes(floe_table *table, const floe_scan_request *request, const floe_expr *filter,
                                   floe_arena *arena, floe_table_scan_files *ret_files, floe_error *err);

/* The DuckDB name of a type: "BIGINT", STRUCT("a" INTEGER)[]. With plain_times a top-level timestamptz is TIMESTAMP, a
 * timestamptz_ns TIMESTAMP_NS. */
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
    bool repeated;    /* the group between a list or map and what it holds */
    bool marked;      /* a group that the file calls a list or a map; old writers left that out */
} floe_parquet_node;

typedef struct floe_parquet_schema {
    const floe_parquet_node *nodes;
    size_t node_count;
    uint32_t number; /* files with equal schemas have equal numbers */
    bool mapped;     /* the ids come from the table's name mapping */
    bool doubtful;   /* the least and largest bytes that the files give of a column are ordered nobody knows how */
} floe_parquet_schema;

/* The schemas of files, read through the session; equal ones are one.
 * Rule: files without ids may be older than the format's orders of columns. Their writers compared the bytes of texts as signed ones,
 *       so that a filter on what the files say of themselves would lose rows: these files' schemas are `doubtful`.
 * Errors: NOT_FOUND or IO naming the file. */
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
    floe_str name;       /* in the file */
    floe_str read_type;  /* what it is read as, where that is not the column's type; else ptr NULL */
    floe_str expression; /* what makes the column of it then */
    bool zoned;          /* a time that the file gives a zone, whose cast to one without takes the engine long */
    bool cut;            /* the engine would cut its nanoseconds: a copy is read (scan/nanoseconds.c) */
} floe_column_place;

/* Whether a leaf that DuckDB sees as `found` can be read as the field's type: its own, and those that it can have been
 * promoted from. Errors: UNSUPPORTED naming file and column. Source: Iceberg table spec, "Schema Evolution". */
floe_status floe_leaf_check(const floe_ice_field *field, int format_version, floe_str found, const char *path,
                            floe_error *err);

/* How a nested column of a file (the node `column`) becomes the field's type: sets read_type and expression where names
 * alone do not tell. Errors: UNSUPPORTED naming file and column. */
floe_status floe_nested_place(const floe_parquet_schema *schema, size_t column, const char *path,
                              const floe_ice_field *field, int format_version, floe_arena *arena,
                              floe_column_place *place, floe_error *err);

/* The schema of a file without ids, with the ids that the table's name mapping gives. Errors: UNSUPPORTED without a
 * mapping, naming the file; CORRUPT, INVALID for a mapping that cannot be read. */
floe_status floe_name_mapping_apply(const floe_ice_metadata *metadata, const floe_parquet_schema *schema,
                                    const char *path, floe_arena *arena, floe_parquet_schema *ret_schema,
                                    floe_error *err);

/* A field's initial default as an expression of exactly its type; a null where it has none. Errors: CORRUPT for a value
 * that is none of the type's. */
floe_status floe_default_sql(const floe_ice_field *field, bool plain_times, floe_buf *out, floe_error *err);

/* Finds each field in a file's schema and checks that what is there can be read as the field's type.
 * Rule: by field id; in files without any ids by the table's name mapping; never by position. A file where only some
 *       columns have ids is addressed by its names, because DuckDB stops looking for ids at the first column without.
 *       Nested columns likewise, at every depth.
 * Errors: UNSUPPORTED naming file and column. Source: Iceberg table spec, "Column Projection". */
floe_status floe_columns_place(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, const char *path,
                               const floe_ice_field *const *fields, size_t count, floe_arena *arena,
                               floe_column_place *ret_places, floe_error *err);

/* ---- SQL ---- */

typedef struct floe_scan_sql_options {
    bool schema_names;  /* columns under the schema's names; else c<field id> */
    bool plain_times;   /* timestamptz and timestamptz_ns as TIMESTAMP and TIMESTAMP_NS in UTC */
    bool with_position; /* __floe_seq and __floe_pos */
    bool with_file;     /* __floe_file: the path as the manifest has it */
    bool with_sequence; /* __floe_dseq: the data sequence number */
    bool with_scope;    /* __floe_scope: a number per spec and partition */
    bool with_row_ids;  /* __floe_first: the first row id of the file, null where it has none */
} floe_scan_sql_options;

/* As floe_table_scan_sql, with fields and options. */
floe_status floe_scan_sql_build(floe_table *table, const floe_table_scan_files *files,
                                const floe_ice_field *const *fields, size_t field_count,
                                const floe_scan_sql_options *options, floe_session *session, floe_buf *out,
                                floe_error *err);

#endif
