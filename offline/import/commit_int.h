/*
 * What the files of a commit share: one attempt, built on the table as it is then.
 */
#ifndef FLOE_OFFLINE_IMPORT_COMMIT_INT_H
#define FLOE_OFFLINE_IMPORT_COMMIT_INT_H

#include "offline/import/import_int.h"

/* Files that the snapshot removes, and what they held. */
typedef struct floe_removed {
    int64_t data_files, rows, bytes;
    int64_t delete_files, position_deletes, equality_deletes;
    bool everything; /* no file of the base stays */
} floe_removed;

typedef struct floe_attempt {
    floe_import *import;
    const floe_ice_metadata *base; /* NULL: create */
    const char *base_path;         /* local */
    floe_arena *arena;
    int number;
    int format_version;
    int64_t snapshot_id, sequence_number;
    int64_t first_row_id, next_row_id; /* version 3 */
    floe_ice_manifest *manifests;
    size_t manifest_count, manifest_capacity;
    size_t manifests_written;
    floe_removed removed;
    size_t files_before; /* of import->written: what this attempt adds comes after */
} floe_attempt;

/* ---- attempt.c ---- */

/* Writes a file of the table's metadata at a path of its location. Errors: as floe_file_write. */
floe_status floe_attempt_write(floe_attempt *attempt, floe_str path, floe_str bytes, floe_error *err);

/* Writes a manifest and lists it. `content` needs no version and no snapshot. */
floe_status floe_attempt_write_manifest(floe_attempt *attempt, floe_ice_manifest_content *content, floe_error *err);

/* A schema of the table in which every source of the spec still is, the newest first; NULL: there is none. */
const floe_ice_schema *floe_attempt_schema_for(const floe_attempt *attempt, const floe_ice_spec *spec);

/* former.c: lists the base's manifests, those of which files go written anew. */
floe_status floe_attempt_add_former(floe_attempt *attempt, floe_error *err);

#endif
