/*
 * What the files of maintenance share.
 *
 * Compaction: runs.c finds the runs of neighbouring files that become one file each; rewrite.c writes them; compact.c
 * commits and, where somebody else committed meanwhile, checks that what was planned still holds.
 * Expiry: retain.c says which snapshots stay; reach.c which files they need; orphans.c which files nobody needs; expire.c
 * commits and then deletes.
 */
#ifndef FLOE_OFFLINE_MAINTAIN_MAINTAIN_INT_H
#define FLOE_OFFLINE_MAINTAIN_MAINTAIN_INT_H

#include "core/map.h"
#include "offline/iceberg/scan.h"
#include "offline/import/import_int.h"

/* ---- compaction ---- */

/* Neighbours of one partition, by (data sequence number, path). */
typedef struct compact_run {
    const size_t *files; /* indexes into the plan, ascending */
    size_t file_count;
    floe_str path; /* of the new file; ptr NULL: all rows are deleted, there is none */
} compact_run;

/* The files of one partition in order, as a scan reads them. */
typedef struct compact_partition {
    size_t *files;
    size_t file_count, file_capacity;
} compact_partition;

typedef struct compaction {
    floe_lake *lake;
    const floe_compact_request *request;
    floe_import *import;
    floe_arena *arena;
    int64_t target_bytes;
    floe_table_scan_files plan; /* of the table as it was first opened */
    floe_ptrs partitions;       /* compact_partition */
    compact_run *runs;
    size_t run_count, run_capacity;
    floe_map replaced;      /* paths of the runs' files → compact_run */
    floe_map known_deletes; /* delete files of the plan, by key */
    floe_map kept_deletes;  /* of those, the ones that apply to a file that stays, as of the last check */
    floe_compact_result result;
} compaction;

/* Finds the runs: small neighbours up to the target size, and files to which deletes apply. */
floe_status floe_compact_find_runs(compaction *state, floe_error *err);

/* Sorts the files of a plan into partitions. */
floe_status floe_compact_partitions(const floe_table_scan_files *plan, floe_arena *arena, floe_ptrs *ret_partitions,
                                    floe_error *err);

/* Writes every run's new file. */
floe_status floe_compact_rewrite(compaction *state, floe_error *err);

/* Names a path after every one before `low` in the order of bytes and before `high`, beside `near`, which lies between
 * them; low and high may be empty. *ret_path ptr NULL: there is none. */
floe_status floe_compact_path_between(floe_str low, floe_str high, floe_str near, const char *mark, floe_arena *arena,
                                      floe_str *ret_path, floe_error *err);

/* A delete file by its path and, for deletion vectors, its place in it. */
floe_status floe_compact_delete_key(const floe_ice_data_file *file, floe_arena *arena, floe_str *ret_key,
                                    floe_error *err);

#endif
