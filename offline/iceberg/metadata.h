/*
 * From a metadata JSON document to the model, and the choice of snapshot and schema.
 */
#ifndef FLOE_OFFLINE_ICEBERG_METADATA_H
#define FLOE_OFFLINE_ICEBERG_METADATA_H

#include "offline/iceberg/model.h"
#include "offline/io/io.h"
#include "offline/offline.h"

/* Decodes a whole document, plain or gzip (told by its first bytes). Owns: everything lies in the arena and may borrow
 * from `bytes`. Errors: CORRUPT naming the member; UNSUPPORTED for a format version above 3; LIMIT. */
floe_status floe_metadata_decode(floe_str bytes, floe_arena *arena, floe_ice_metadata *ret_metadata, floe_error *err);

/* Reads and decodes a file. Errors: as above, prefixed by the path; NOT_FOUND, IO. */
floe_status floe_metadata_read(floe_fs *fs, const char *path, floe_arena *arena, floe_ice_metadata *ret_metadata,
                               floe_error *err);

/* A type as the spec writes it: a string, or an object of struct, list or map. Errors: CORRUPT. */
floe_status floe_ice_type_decode(const floe_node *json, floe_arena *arena, const floe_ice_type **ret_type,
                                 floe_error *err);
floe_status floe_ice_schema_decode(const floe_node *json, floe_arena *arena, floe_ice_schema *ret_schema,
                                   floe_error *err);
/* A list of partition fields, as `partition-spec` of version 1 and a manifest's header have it; spec_id is left alone. */
floe_status floe_ice_spec_fields_decode(const floe_node *list, floe_arena *arena, floe_ice_spec *ret_spec,
                                        floe_error *err);
/* "bucket[16]" → kind and argument; what is not known is FLOE_TRANSFORM_UNKNOWN. */
void floe_ice_transform_parse(floe_str text, floe_ice_partition_field *field);

/* The snapshot and schema that a request reads; *ret_snapshot NULL where the table has no current snapshot.
 * Rule: by id, tag or time the snapshot's own schema, by branch or current the table's. By time: of the snapshot-log's
 *       entries at or before it the one with the largest time, the first among equals; never the snapshots' own times,
 *       which would pick side branches.
 * Errors: NOT_FOUND naming id, ref or time and what there is. Source: Iceberg's SnapshotUtil.schemaFor. */
floe_status floe_snapshot_choose(const floe_ice_metadata *metadata, const floe_scan_request *request,
                                 const floe_ice_snapshot **ret_snapshot, const floe_ice_schema **ret_schema,
                                 floe_error *err);

/* Appends a metadata document in which snapshot ids that were printed without their sign have it (unsigned_ids.c); false where there
 * are none. */
bool floe_metadata_sign_ids(floe_str text, floe_buf *out);

/* Milliseconds as microseconds; times beyond int64 stop at its ends. */
int64_t floe_ice_ms_to_us(int64_t timestamp_ms);

/* Whether the table has encryption keys (format version 3). */
bool floe_metadata_is_encrypted(const floe_ice_metadata *metadata);

#endif
