/*
 * What the files of maintenance share.
 *
 * Compaction: runs.c finds the runs of neighbouring files that become one file each; rewrite.c writes them; compact.c
 * commits and, where somebody else committed meanwhile, checks that what was planned still holds.
 * Expiry: retain.c says which snapshots stay; there.c which files there are; reach.c which of them are needed; orphans.c which
 * nobody needs; expire.c commits and then deletes.
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

/* ---- expiry ---- */

/* What a file is; they are removed in this order, so that what tells of others goes after them. */
typedef enum expire_kind {
    EXPIRE_DATA,
    EXPIRE_DELETES,
    EXPIRE_STATISTICS,
    EXPIRE_MANIFEST,
    EXPIRE_LIST,
    EXPIRE_METADATA,
    EXPIRE_ORPHAN,
    EXPIRE_KIND_COUNT
} expire_kind;

typedef struct expire_file {
    floe_fs_file file; /* its path is a local one */
    expire_kind kind;
} expire_file;

/* Which files are needed, by path and by what the file system says they are, so that no spelling hides one. */
typedef struct expire_need {
    floe_map paths;     /* local paths, which for objects are all there is to know */
    floe_map inodes;    /* device and inode */
    floe_map manifests; /* that were read, by local path */
} expire_need;

typedef struct expiry {
    const floe_expire_request *request;
    floe_import *import; /* the table and its catalog */
    floe_arena *arena;   /* of one attempt */
    int64_t now_us, cutoff_ms;
    floe_map kept;      /* snapshot ids that stay, as 8 bytes */
    floe_map kept_refs; /* names */
    floe_map kept_log;  /* local paths of metadata files of the log that stay */
    floe_map dead_ids;
    const floe_fs_file *there; /* the files of the table's folder, by path */
    size_t there_count;
    floe_map listed; /* path → floe_fs_file of `there`; only of a store, which is not asked about each file */
    floe_ptrs dead;  /* floe_ice_snapshot: those that expire now, and those that earlier runs did not finish */
    expire_need need;
    expire_file *files; /* to be removed */
    size_t file_count, file_capacity;
    floe_map chosen;        /* local paths of `files` */
    floe_ptrs dropped;      /* floe_ice_snapshot of the table that expire now, oldest first */
    floe_ptrs dropped_refs; /* floe_ice_ref */
    floe_ptrs held;         /* floe_pinned_snapshot */
    floe_ptrs trimmed;      /* local paths of metadata files that the log can lose */
    bool trims_log;
    bool owns_metadata; /* metadata files are floe's to remove; a catalog service keeps its own */
} expiry;

/* retain.c: sets kept, kept_refs, dropped, dropped_refs and held. */
floe_status floe_expire_retain(expiry *state, floe_error *err);
bool floe_expire_keeps(const expiry *state, int64_t snapshot_id);

/* there.c: lists the table's folder. */
floe_status floe_expire_list(expiry *state, floe_error *err);
/* Whether a file is there, and what it is. Errors: those of the file system, so that nothing is taken for gone that is not. */
floe_status floe_expire_look(const expiry *state, const char *local_path, floe_fs_file *ret_file, bool *ret_there,
                             floe_error *err);
/* Whether nobody changed a file for the safety age. */
bool floe_expire_is_old(const expiry *state, const floe_fs_file *file);
/* "v3.metadata.json" and other names of metadata files. */
bool floe_expire_is_metadata_name(floe_str name);

/* reach.c: what the snapshots that stay need, and what the dead ones needed alone. */
floe_status floe_expire_need(expiry *state, const floe_ice_metadata *metadata, floe_error *err);
floe_status floe_expire_choose(expiry *state, floe_error *err);
/* What is needed by snapshots that others added meanwhile: `metadata` is the state after the commit. */
floe_status floe_expire_need_newer(expiry *state, const floe_ice_metadata *metadata, floe_error *err);
bool floe_expire_is_needed(const expiry *state, const floe_fs_file *file);
/* Adds a file to those that go, unless it is needed, gone or there already. Errors: UNSUPPORTED (not local). */
floe_status floe_expire_add(expiry *state, floe_str path, expire_kind kind, floe_error *err);
floe_status floe_expire_add_local(expiry *state, const char *local_path, expire_kind kind, floe_error *err);

/* history.c: the metadata files of the table: which entries of the log stay, and which snapshots earlier runs left. */
floe_status floe_expire_read_history(expiry *state, floe_error *err);

/* orphans.c: files of the table's folder that nothing names. */
floe_status floe_expire_find_orphans(expiry *state, floe_error *err);

#endif
