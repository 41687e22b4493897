/*
 * The writing half of Iceberg (format versions 1 to 3): values to their binary single-value form, files to manifests,
 * manifests to a manifest list, and the new state of a table to a metadata document. Bytes in buffers; who calls decides
 * where they go and commits. A table keeps the version it has; a new one gets version 2.
 * Source: Iceberg table spec, "Manifests", "Manifest Lists", "Table Metadata Fields", Appendix A, C and D.
 */
#ifndef FLOE_OFFLINE_ICEBERG_WRITE_H
#define FLOE_OFFLINE_ICEBERG_WRITE_H

#include "core/buf.h"
#include "core/json.h"
#include "offline/iceberg/model.h"

/* ---- values ---- */

/* Appends the binary single-value form of a value that is not null, as the type `type` stores it. Errors: UNSUPPORTED for
 * a type floe has no values of. */
floe_status floe_ice_write_value(const floe_value *value, floe_buf *out, floe_error *err);

#define FLOE_ICE_BOUND_LEN 16 /* code points of a text bound, bytes of a binary one: the metrics mode truncate(16) */

/* A lower bound: the value, text and bytes cut to their first 16. Rule: zero of a float becomes -0.0; NaN has none. */
floe_status floe_ice_write_lower(const floe_value *value, floe_buf *out, bool *ret_any, floe_error *err);
/* An upper bound: text and bytes that are cut have their last code point or byte raised, from the right, where one can be
 * raised; *ret_any is false where none can. Rule: zero of a float becomes +0.0. */
floe_status floe_ice_write_upper(const floe_value *value, floe_buf *out, bool *ret_any, floe_error *err);

/* The type of a partition field's values. Errors: INVALID where the transform does not take the source's type;
 * UNSUPPORTED for identity of types floe has no values of. */
floe_status floe_ice_transform_type(const floe_ice_partition_field *field, const floe_ice_field *source,
                                    floe_ice_type *ret_type, floe_error *err);

/* What a partition value of the type is kept as: floe's own type where it has one, INT64 for times of day and nanoseconds, BYTES for
 * uuid and fixed; NONE for what cannot be one. */
floe_type floe_ice_partition_kept_type(const floe_ice_type *type);

/* ---- JSON ---- */

void floe_ice_write_type_json(floe_json_writer *writer, const floe_ice_type *type);
void floe_ice_write_schema_json(floe_json_writer *writer, const floe_ice_schema *schema);
void floe_ice_write_spec_fields_json(floe_json_writer *writer, const floe_ice_spec *spec);

/* ---- manifests ---- */

/* One entry of a manifest. An added file inherits its sequence numbers; one that is deleted or stays names them, and one
 * that stays names the snapshot that added it. */
typedef struct floe_ice_entry {
    floe_ice_data_file file;
    bool keeps_sequence; /* of an added file: its data sequence number is the file's, as when rows were only moved */
    const floe_ice_count_entry *column_sizes;
    size_t column_size_count;
} floe_ice_entry;

typedef struct floe_ice_manifest_content {
    int format_version; /* 0: 2 */
    int content;        /* 0 data, 1 deletes */
    const floe_ice_schema *schema;
    const floe_ice_spec *spec;
    int64_t snapshot_id;
    const floe_ice_entry *entries;
    size_t entry_count;
} floe_ice_manifest_content;

/* A whole manifest file (Avro, deflate). */
floe_status floe_ice_write_manifest(const floe_ice_manifest_content *content, floe_buf *out, floe_error *err);

/* What the manifest list says about a manifest: counts and, for each partition field, nulls, NaNs and bounds. Path and
 * length are the caller's to fill. */
floe_status floe_ice_manifest_describe(const floe_ice_manifest_content *content, int64_t sequence_number,
                                       floe_arena *arena, floe_ice_manifest *ret_manifest, floe_error *err);

/* Gives row ids to the data manifests that have none, in their order, from *next_row_id on, which moves past them.
 * Errors: UNSUPPORTED naming a manifest whose rows are not counted. Source: spec, "First Row ID Assignment". */
floe_status floe_ice_assign_row_ids(floe_ice_manifest *manifests, size_t count, int64_t *next_row_id, floe_error *err);

typedef struct floe_ice_manifest_list {
    int format_version;                              /* 0: 2 */
    int64_t snapshot_id, parent_id, sequence_number; /* parent_id -1: none */
    const floe_ice_manifest *manifests;
    size_t manifest_count;
} floe_ice_manifest_list;

/* A whole manifest list (Avro, deflate). Errors: UNSUPPORTED for an encrypted manifest. */
floe_status floe_ice_write_manifest_list(const floe_ice_manifest_list *list, floe_buf *out, floe_error *err);

/* ---- table metadata ---- */

typedef struct floe_ice_summary_item {
    const char *key;
    int64_t value; /* negative: unknown, left out */
} floe_ice_summary_item;

typedef struct floe_ice_sort_field {
    int32_t source_id;
    bool descending, nulls_last;
} floe_ice_sort_field;

typedef struct floe_ice_sort_order {
    int32_t order_id;                  /* 0: unsorted */
    const floe_ice_sort_field *fields; /* by the values themselves: transform identity */
    size_t field_count;
} floe_ice_sort_order;

/* A new state of a table: what `base` was (NULL: there was nothing), with one more snapshot on main. */
typedef struct floe_ice_commit {
    const floe_ice_metadata *base;
    floe_str base_path;            /* of base's metadata file, as the table spells paths */
    floe_str table_uuid, location; /* of a new table */
    floe_str comment;              /* ptr NULL: leave as it is */
    const floe_ice_schema *schema; /* becomes current; added unless base has its id */
    int32_t last_column_id;
    const floe_ice_spec *spec; /* becomes the default; added unless base has its id */
    int32_t last_partition_id;
    int64_t snapshot_id, sequence_number, timestamp_ms;
    const char *operation;
    floe_str manifest_list;
    const floe_ice_summary_item *summary;
    size_t summary_count;
    const floe_ice_sort_order *sort_order; /* NULL: none new; added unless base has its id */
    bool sorts_by_default;                 /* it becomes the table's */
    int64_t first_row_id, next_row_id;     /* version 3: the base's next row id, and the new state's */
} floe_ice_commit;

/* The whole metadata document (JSON). What floe does not touch is carried over. */
floe_status floe_ice_write_metadata(const floe_ice_commit *commit, floe_buf *out, floe_error *err);

/* The next row id of a table of version 3, 0 where it says none. */
int64_t floe_ice_next_row_id(const floe_ice_metadata *metadata);

/* ---- write/kept.c: a state without what has expired ---- */

typedef struct floe_ice_keep {
    const floe_ice_metadata *base;
    floe_str base_path; /* as the table spells paths */
    int64_t timestamp_ms;
    bool (*snapshot)(void *context, int64_t snapshot_id);
    bool (*ref)(void *context, floe_str name);
    bool (*log_file)(void *context, floe_str path, int64_t timestamp_ms); /* of the metadata-log */
    void *context;
} floe_ice_keep;

/* The base without the snapshots, refs and entries of the metadata-log that are not kept, and without statistics of such
 * snapshots. Rule: the snapshot-log begins after the last entry whose snapshot is gone, since what was current before it
 * is not known any more. Source: spec, "snapshot-log"; Java's TableMetadata.updateSnapshotLog. */
floe_status floe_ice_write_kept(const floe_ice_keep *keep, floe_buf *out, floe_error *err);

#endif
