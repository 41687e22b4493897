/*
 * Manifest lists and manifests: Avro files that name manifests and data files.
 */
#ifndef FLOE_OFFLINE_ICEBERG_MANIFEST_H
#define FLOE_OFFLINE_ICEBERG_MANIFEST_H

#include "offline/iceberg/avro/avro.h"
#include "offline/iceberg/model.h"
#include "offline/io/io.h"

/* The manifests of a snapshot. Version 1 snapshots that list manifest paths give entries with spec_id -1, no counts and
 * sequence number 0. Owns: the arena. Errors: CORRUPT naming file and place; NOT_FOUND; UNSUPPORTED; LIMIT. */
floe_status floe_manifest_list_read(floe_fs *fs, const floe_moved *moved, const floe_ice_snapshot *snapshot,
                                    floe_arena *arena, const floe_ice_manifest **ret_manifests, size_t *ret_count,
                                    floe_error *err);
/* The same from bytes; `name` is for messages. */
floe_status floe_manifest_list_decode(floe_str name, floe_str bytes, floe_arena *arena,
                                      const floe_ice_manifest **ret_manifests, size_t *ret_count, floe_error *err);

/* Which columns' counts and bounds are decoded. */
typedef struct floe_manifest_stats {
    bool all;
    const int32_t *field_ids; /* ascending */
    size_t field_count;
    bool no_nans; /* none of them can hold NaN: their counts are not decoded either */
} floe_manifest_stats;

/* Gets every entry, deleted ones too, in the order of the file; what it points to lies in the arena. */
typedef floe_status floe_manifest_visit(void *context, const floe_ice_data_file *file, floe_error *err);

typedef struct floe_manifest_reader {
    const floe_ice_metadata *metadata; /* for the partition specs */
    floe_manifest_stats stats;
    floe_arena *arena;
    floe_avro_memory *memory; /* for who reads many manifests one after the other; may be NULL */
    floe_manifest_visit *visit;
    void *context;
} floe_manifest_reader;

/* Reads a manifest.
 * Rule: a null sequence number is inherited from the manifest list, and only by added entries; manifests of version 1 have
 *       none, all theirs are 0. A null snapshot id is the one that added the manifest.
 * Errors: CORRUPT naming file and place; UNSUPPORTED when it is encrypted.
 * Source: Iceberg table spec, "Sequence Number Inheritance". */
floe_status floe_manifest_read(floe_fs *fs, const floe_moved *moved, const floe_ice_manifest *manifest,
                               const floe_manifest_reader *reader, floe_error *err);
/* The same from bytes. */
floe_status floe_manifest_decode(const floe_ice_manifest *manifest, floe_str bytes, const floe_manifest_reader *reader,
                                 floe_error *err);

#endif
