/*
 * Iceberg tables made by hand for tests: Avro container files byte by byte, manifests and manifest lists as writers of
 * either version make them, metadata documents, and whole table folders with Parquet files.
 *
 * Nothing here uses floe's own writer, so that reader and writer cannot share a mistake.
 */
#ifndef FLOE_TESTS_OFFLINE_ICE_SUPPORT_H
#define FLOE_TESTS_OFFLINE_ICE_SUPPORT_H

#include "tests/support/support.h"

#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/model.h"
#include "offline/offline.h"

/* ---- Avro ---- */

void avro_text(floe_buf *out, const char *text); /* string */
void avro_bytes(floe_buf *out, const void *bytes, size_t len);
void avro_long(floe_buf *out, int64_t value); /* int, long, union branch, counts */

typedef struct avro_pair {
    const char *key, *value;
} avro_pair;

/* The header: magic, map, sync. codec NULL: no avro.codec at all. */
void avro_header(floe_buf *out, const char *schema, const char *codec, const avro_pair *more, size_t more_count);
/* One block as it lies in the file: the payload is already compressed. */
void avro_block(floe_buf *out, int64_t count, floe_str payload);
extern const char AVRO_SYNC[16];

/* ---- manifests ---- */

typedef struct ice_bound {
    int32_t field_id;
    const void *bytes;
    size_t len;
} ice_bound;

typedef struct ice_entry {
    int status;              /* 1 where it is added */
    int64_t snapshot_id;     /* -1: null */
    int64_t sequence_number; /* -1: null */
    int content;
    const char *path;
    const char *format; /* NULL: PARQUET */
    floe_str partition; /* the encoded record */
    int64_t record_count;
    int64_t file_len;
    const ice_bound *lower, *upper;
    size_t lower_count, upper_count;
    const floe_ice_count_entry *nulls;
    size_t null_count;
    bool encrypted;
    const int32_t *equality_ids;
    size_t equality_id_count;            /* 0: null */
    const char *referenced;              /* data file that a delete is about; NULL: null */
    int64_t content_offset, content_len; /* both null when the length is 0 */
    bool has_first_row_id;
    int64_t first_row_id;
} ice_entry;

typedef struct ice_manifest {
    int version;                  /* 1: no sequence numbers, no content */
    const char *partition_fields; /* Avro fields of the partition record, "" for none */
    const char *spec_json;        /* header copy, NULL: none */
    const char *spec_id;          /* header, NULL: none */
    bool no_ids;                  /* leave field ids out of the schema */
    const ice_entry *entries;
    size_t entry_count;
} ice_manifest;

void ice_manifest_encode(const ice_manifest *manifest, floe_buf *out);

typedef struct ice_summary {
    bool contains_null;
    int contains_nan; /* -1: null */
    const void *lower, *upper;
    size_t lower_len, upper_len;
} ice_summary;

typedef struct ice_listed {
    const char *path;
    int64_t length;
    int spec_id;
    int content;
    int64_t sequence_number;
    int64_t snapshot_id;
    int64_t added, existing, deleted; /* -1: null */
    const ice_summary *summaries;
    size_t summary_count;
} ice_listed;

/* In version 3 data manifests have the first row id snapshot_id * 1000. */
void ice_list_encode(int version, const ice_listed *manifests, size_t count, floe_buf *out);

/* ---- tables ---- */

void ice_write_file(const char *path, floe_str bytes);
/* "a/b" in the folder; the text lives as long as the process. */
const char *ice_path(const char *folder, const char *name);

/* Opens, or fails the test. `lake` without catalogs. */
floe_table *ice_open(floe_lake *lake, const char *path);
floe_lake *ice_lake(void);

/* Little-endian bytes of a bound, in a ring of buffers. */
ice_bound ice_bound_i32(int32_t field_id, int32_t value);
ice_bound ice_bound_i64(int32_t field_id, int64_t value);
ice_bound ice_bound_f64(int32_t field_id, double value);
ice_bound ice_bound_text(int32_t field_id, const char *text);

/* A table folder that grows by snapshots: version 2, metadata rewritten on each. */
typedef struct ice_table {
    const char *folder;
    const char *schemas; /* JSON array */
    int current_schema;
    const char *specs; /* JSON array */
    const char *partition_fields;
    const char *properties;  /* JSON object, NULL: {} */
    int version;             /* 0: 2 */
    int spec_id;             /* of the manifests that are added */
    floe_buf snapshots, log; /* JSON, comma separated */
    int64_t snapshot_count;
    const char *refs; /* JSON object, NULL: none */
    floe_ptrs lists;  /* ice_listed of all snapshots */
    floe_arena arena;
} ice_table;

void ice_table_init(ice_table *table, const char *schemas, const char *specs, const char *partition_fields);
void ice_table_close(ice_table *table);
/* Adds a snapshot (ids 1, 2, …; time 1000000 ms + id * 1000) with one more manifest that holds the entries. */
void ice_table_add(ice_table *table, const char *operation, int content, const ice_entry *entries, size_t count);
/* Writes metadata/v<snapshots + 1>.metadata.json. */
void ice_table_write(ice_table *table);

#endif
