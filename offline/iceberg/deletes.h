/*
 * Which delete files apply to which data files of a planned scan.
 *
 * Rule: a position delete file or deletion vector applies to data files of its spec and partition whose data sequence
 *       number is at most its own, and to the one file that it names when it names one; a deletion vector replaces all
 *       position delete files of its data file. An equality delete file applies to data files whose data sequence number
 *       is smaller than its own, in its spec and partition, or everywhere when its spec has no partitions. Partitions
 *       are equal when their stored values are, null to null, floats by their bits (all NaN alike).
 * Source: Iceberg table spec, "Scan Planning".
 */
#ifndef FLOE_OFFLINE_ICEBERG_DELETES_H
#define FLOE_OFFLINE_ICEBERG_DELETES_H

#include "offline/iceberg/model.h"
#include "offline/io/io.h"
#include "offline/offline.h"

typedef struct floe_delete_request {
    const floe_ice_metadata *metadata;
    const floe_moved *moved;
    floe_ice_data_file *const *deletes; /* every live entry of the delete manifests */
    size_t delete_count;
    floe_ice_data_file *const *files; /* to be read */
    const char *const *local_paths;   /* one per file */
    size_t file_count;
} floe_delete_request;

/* Sets `deletes` and `scope` of the files, `scope` of the delete files, and counts in *plan. Owns: the arena. Errors:
 * CORRUPT naming both for two deletion vectors of one data file, and for a delete that names a data file of another
 * partition; UNSUPPORTED naming a delete file that applies and cannot be read. */
floe_status floe_deletes_match(const floe_delete_request *request, floe_arena *arena, floe_scan_plan *plan,
                               floe_error *err);

/* A path of the table as data files are known by it: as it can be opened here, so that spellings and moved prefixes do
 * not matter; paths that are not local stay as they are. Owns: the arena, or borrowed. */
floe_status floe_delete_path(const floe_moved *moved, floe_str path, floe_arena *arena, floe_str *ret_path,
                             floe_error *err);

/* Whether an entry of a delete manifest is a deletion vector. */
bool floe_ice_is_deletion_vector(const floe_ice_data_file *file);

#endif
