/*
 * Iceberg table metadata as floe holds it, for reader and writer alike (Iceberg table spec, format versions 1 to 3).
 * Everything lies in the arena it was decoded into. Ids and names as in the spec.
 */
#ifndef FLOE_OFFLINE_ICEBERG_MODEL_H
#define FLOE_OFFLINE_ICEBERG_MODEL_H

#include "core/arena.h"
#include "core/tree.h"
#include "core/value.h"

typedef enum floe_ice_kind {
    FLOE_ICE_BOOLEAN,
    FLOE_ICE_INT,
    FLOE_ICE_LONG,
    FLOE_ICE_FLOAT,
    FLOE_ICE_DOUBLE,
    FLOE_ICE_DECIMAL,
    FLOE_ICE_DATE,
    FLOE_ICE_TIME,
    FLOE_ICE_TIMESTAMP,
    FLOE_ICE_TIMESTAMPTZ,
    FLOE_ICE_TIMESTAMP_NS,
    FLOE_ICE_TIMESTAMPTZ_NS,
    FLOE_ICE_STRING,
    FLOE_ICE_UUID,
    FLOE_ICE_FIXED,
    FLOE_ICE_BINARY,
    FLOE_ICE_STRUCT,
    FLOE_ICE_LIST,
    FLOE_ICE_MAP,
    FLOE_ICE_UNKNOWN, /* v3: nothing but nulls */
    FLOE_ICE_OTHER    /* variant, geometry, geography …: kept by name, refused when projected */
} floe_ice_kind;

typedef struct floe_ice_type floe_ice_type;
typedef struct floe_ice_field {
    int32_t id;
    floe_str name;
    bool required;
    const floe_ice_type *type;
    floe_str doc;
    const floe_node *initial_default; /* v3; NULL: none */
    const floe_node *write_default;   /* v3; NULL: none; only carried over */
} floe_ice_field;

struct floe_ice_type {
    floe_ice_kind kind;
    uint8_t precision, scale;
    uint32_t fixed_len;
    floe_str text;                /* as written, of a primitive */
    const floe_ice_field *fields; /* STRUCT: members; LIST: the element; MAP: key, value */
    size_t field_count;
};
static inline bool floe_ice_is_nested(const floe_ice_type *type) {
    return type->kind == FLOE_ICE_STRUCT || type->kind == FLOE_ICE_LIST || type->kind == FLOE_ICE_MAP;
}
static inline bool floe_ice_is_nanoseconds(const floe_ice_type *type) {
    return type->kind == FLOE_ICE_TIMESTAMP_NS || type->kind == FLOE_ICE_TIMESTAMPTZ_NS;
}

typedef struct floe_ice_schema {
    int32_t schema_id;
    const floe_ice_field *fields;
    size_t field_count;
    const floe_node *identifier_ids; /* list of field ids, or NULL; only carried over */
} floe_ice_schema;

typedef enum floe_ice_transform_kind {
    FLOE_TRANSFORM_IDENTITY,
    FLOE_TRANSFORM_BUCKET,
    FLOE_TRANSFORM_TRUNCATE,
    FLOE_TRANSFORM_YEAR,
    FLOE_TRANSFORM_MONTH,
    FLOE_TRANSFORM_DAY,
    FLOE_TRANSFORM_HOUR,
    FLOE_TRANSFORM_VOID,
    FLOE_TRANSFORM_UNKNOWN /* prunes nothing */
} floe_ice_transform_kind;

typedef struct floe_ice_partition_field {
    int32_t source_id;
    int32_t field_id;
    floe_str name;
    floe_ice_transform_kind transform;
    int32_t argument; /* bucket count or truncate width */
    floe_str transform_text;
} floe_ice_partition_field;

typedef struct floe_ice_spec {
    int32_t spec_id;
    const floe_ice_partition_field *fields;
    size_t field_count;
} floe_ice_spec;

typedef struct floe_ice_snapshot {
    int64_t snapshot_id;
    int64_t parent_id; /* -1: none */
    int64_t sequence_number;
    int64_t timestamp_ms;
    floe_str manifest_list;    /* empty in v1 tables that list manifests */
    const floe_str *manifests; /* v1 */
    size_t manifest_count;
    int32_t schema_id;        /* -1: absent */
    const floe_node *summary; /* object of strings, or NULL */
    floe_str operation;       /* "" when absent */
} floe_ice_snapshot;

typedef struct floe_ice_ref {
    floe_str name;
    int64_t snapshot_id;
    bool is_branch;
} floe_ice_ref;

typedef struct floe_ice_log_entry {
    int64_t snapshot_id;
    int64_t timestamp_ms;
} floe_ice_log_entry;

typedef struct floe_ice_metadata {
    int format_version;
    floe_str table_uuid, location;
    int64_t last_sequence_number, last_updated_ms;
    int32_t last_column_id, current_schema_id, default_spec_id, last_partition_id, default_sort_order_id;
    const floe_ice_schema *schemas;
    size_t schema_count;
    const floe_ice_spec *specs;
    size_t spec_count;
    const floe_ice_snapshot *snapshots;
    size_t snapshot_count;
    int64_t current_snapshot_id; /* -1: none */
    const floe_ice_ref *refs;
    size_t ref_count;
    const floe_ice_log_entry *log;
    size_t log_count;
    const floe_node *properties; /* object of strings, or NULL */
    const floe_node *root;       /* the whole document, for the writer to carry over what it does not touch */
} floe_ice_metadata;

/* ---- manifests ---- */

typedef struct floe_ice_partition_summary {
    bool contains_null;
    int8_t contains_nan;   /* -1: unknown */
    floe_str lower, upper; /* single-value serialization; ptr NULL: absent */
} floe_ice_partition_summary;

typedef struct floe_ice_manifest {
    floe_str path;
    int64_t length;
    int32_t spec_id;
    int content; /* 0 data, 1 deletes */
    int64_t sequence_number, min_sequence_number, added_snapshot_id;
    int64_t added_files, existing_files, deleted_files, added_rows, existing_rows, deleted_rows; /* -1: unknown */
    const floe_ice_partition_summary *partitions;
    size_t partition_count; /* 0: unknown */
    bool encrypted;
    int64_t first_row_id; /* v3; -1: none */
} floe_ice_manifest;

/* One bound or count of one column. */
typedef struct floe_ice_bytes_entry {
    int32_t field_id;
    floe_str bytes;
} floe_ice_bytes_entry;
typedef struct floe_ice_count_entry {
    int32_t field_id;
    int64_t count;
} floe_ice_count_entry;

struct floe_ice_deletes;
typedef struct floe_ice_data_file {
    int status;                                                 /* 0 existing, 1 added, 2 deleted */
    int64_t snapshot_id, sequence_number, file_sequence_number; /* after inheritance */
    int content;                                                /* 0 data, 1 position deletes, 2 equality deletes */
    floe_str path;
    floe_str format; /* "PARQUET" … as written */
    int32_t spec_id;
    const floe_value *partition; /* one per field of the spec, stored (transformed) values; a null of kind NONE:
                                    the manifest has no such field */
    size_t partition_count;
    int64_t record_count, file_len;
    const floe_ice_count_entry *value_counts, *null_counts, *nan_counts;
    size_t value_count_count, null_count_count, nan_count_count;
    const floe_ice_count_entry *column_sizes; /* only where all is asked for */
    size_t column_size_count;
    const floe_ice_bytes_entry *lower_bounds, *upper_bounds;
    size_t lower_count, upper_count;
    bool encrypted;
    int32_t sort_order_id;       /* -1: absent */
    int64_t first_row_id;        /* of a data file, after inheritance; -1: none */
    const int32_t *equality_ids; /* of an equality delete file */
    size_t equality_id_count;
    floe_str referenced_path;               /* the one data file that position deletes are about; ptr NULL: any */
    int64_t content_offset, content_len;    /* of a deletion vector in its file; -1: none */
    const struct floe_ice_deletes *deletes; /* of a planned data file: what applies to it; NULL: nothing */
    const void *scope;                      /* of a planned file: equal pointers where spec and partition are equal */
} floe_ice_data_file;

typedef struct floe_ice_delete_files {
    const floe_ice_data_file *const *files; /* by (data sequence number, path) */
    size_t count;
} floe_ice_delete_files;

/* The delete files that apply to one data file. */
typedef struct floe_ice_deletes {
    const floe_ice_data_file *vector;    /* with it there are no position delete files */
    floe_ice_delete_files own_positions; /* that name the data file */
    floe_ice_delete_files positions;     /* of its partition */
    floe_ice_delete_files equalities;    /* of its partition */
    floe_ice_delete_files everywhere;    /* equality deletes of all partitions */
} floe_ice_deletes;

const floe_ice_schema *floe_ice_schema_by_id(const floe_ice_metadata *metadata, int32_t schema_id);
const floe_ice_spec *floe_ice_spec_by_id(const floe_ice_metadata *metadata, int32_t spec_id);
const floe_ice_snapshot *floe_ice_snapshot_by_id(const floe_ice_metadata *metadata, int64_t snapshot_id);
const floe_ice_field *floe_ice_field_by_id(const floe_ice_schema *schema, int32_t field_id); /* top level */
const floe_ice_field *floe_ice_field_by_name(const floe_ice_schema *schema, floe_str name);  /* top level, exact */
/* Copies a file with everything that it points to, but not its deletes and scope. */
floe_status floe_ice_data_file_copy(const floe_ice_data_file *file, floe_arena *arena, floe_ice_data_file **ret_copy,
                                    floe_error *err);
/* NONE where floe has no such type: time, uuid, fixed, struct, map, lists of those, and timestamps in nanoseconds, which are marked. */
floe_type floe_ice_type_to_floe(const floe_ice_type *type);
/* "timestamptz", "list<struct<a: int>>" */
void floe_ice_type_print(const floe_ice_type *type, floe_buf *out);
/* Whether two types are the same all the way down: kinds, parameters, member ids, names and order. */
bool floe_ice_type_same(const floe_ice_type *a, const floe_ice_type *b);

#endif
