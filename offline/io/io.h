/*
 * The file-system seam of offline: where a table's metadata, manifest lists and manifests are read from. Local files
 * stand behind it (io/local.c), and the objects of S3 stores as local copies (io/mirror.h); data files are read by the engine,
 * which gets the local paths that are resolved here, after `fetch`.
 *
 * Paths. A table holds absolute paths as its writer spelled them. `file:/x`, `file:///x`, `file://localhost/x` and `/x`
 * are one path; nothing else is normalised, and percent signs are part of the name. A moved prefix is compared after
 * that normalisation and ends at a path component.
 */
#ifndef FLOE_OFFLINE_IO_IO_H
#define FLOE_OFFLINE_IO_IO_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct floe_fs floe_fs;

/* What a file is. */
typedef struct floe_fs_file {
    const char *path;
    int64_t len;
    int64_t changed_us;     /* INT64_MAX: not known */
    uint64_t device, inode; /* both 0: the path alone says which file it is */
} floe_fs_file;

typedef struct floe_fs_ops {
    /* Appends the whole file. Errors: NOT_FOUND, DENIED, IO, LIMIT (out's cap). */
    floe_status (*read)(floe_fs *fs, const char *path, floe_buf *out, floe_error *err);
    /* Atomic write; exclusive: CONFLICT when it exists. Makes missing folders. */
    floe_status (*write)(floe_fs *fs, const char *path, floe_str bytes, bool exclusive, floe_error *err);
    /* Names in a folder, sorted by byte. Errors: NOT_FOUND. */
    floe_status (*list)(floe_fs *fs, const char *path, floe_arena *arena, const char *const **ret_names,
                        size_t *ret_count, floe_error *err);
    bool (*exists)(floe_fs *fs, const char *path);
    bool (*is_dir)(floe_fs *fs, const char *path);
    /* Brings copies of those files here that lie elsewhere, for whoever opens them by path; says nothing about local ones.
     * Errors: NOT_FOUND naming one that is missing; those of the store. */
    floe_status (*fetch)(floe_fs *fs, const char *const *paths, size_t count, floe_error *err);
    /* Files that were made by path become the store's. Errors: those of the store. */
    floe_status (*publish)(floe_fs *fs, const char *const *paths, size_t count, floe_error *err);
    /* A missing file is no error. */
    floe_status (*remove)(floe_fs *fs, const char *path, floe_error *err);
    /* The same for many, side by side where that is faster. */
    floe_status (*remove_all)(floe_fs *fs, const char *const *paths, size_t count, floe_error *err);
    /* What a file is, through links; ret_file->path is the path given. Errors: NOT_FOUND, also for what is no file. */
    floe_status (*stat)(floe_fs *fs, const char *path, floe_fs_file *ret_file, floe_error *err);
    /* Every file of a folder at any depth, by path. Links are left out and not followed; a folder that is not there has no
     * files. Owns: the arena. */
    floe_status (*walk)(floe_fs *fs, const char *path, floe_arena *arena, const floe_fs_file **ret_files,
                        size_t *ret_count, floe_error *err);
} floe_fs_ops;
struct floe_fs {
    const floe_fs_ops *ops;
};

/* The local file system; stateless, any thread. */
floe_fs *floe_fs_local(void);

/* Reads a whole file into an arena, so that decoded text may borrow from it. Errors: as read; LIMIT past `cap`. */
floe_status floe_fs_read_arena(floe_fs *fs, const char *path, size_t cap, floe_arena *arena, floe_str *ret_bytes,
                               floe_error *err);

typedef struct floe_mirror floe_mirror;

/* How a path that a table holds is found here. */
typedef struct floe_moved {
    floe_str from, to; /* a prefix that was replaced when the table was moved; empty: not moved. Both as written */
    const floe_mirror *mirror; /* where objects are copied to; NULL: local files only */
} floe_moved;

/* Strips the spellings of a local file URI off: "file:///x" → "/x"; everything else stays as it is. Borrowed. */
floe_str floe_path_plain(floe_str path);

/* The path of an object's copy ("s3://bucket/key", also s3a, s3n and gs). False when `uri` is of no such scheme; *ret_path is
 * NULL when the arena is full. */
bool floe_mirror_path(const floe_mirror *mirror, floe_str uri, floe_arena *arena, const char **ret_path);

/* Whether a local path is that of an object's copy. */
bool floe_path_is_copy(const floe_mirror *mirror, const char *local_path);

/* Whether a path is an object's name. */
bool floe_path_is_object(floe_str path);

/* Whether a plain path is a local one. Errors: UNSUPPORTED naming the scheme. */
floe_status floe_path_check_local(floe_str path, floe_error *err);

/* A path of a table → a path that can be opened here. Owns: the arena. Errors: UNSUPPORTED naming the scheme of a path
 * that is not local, CORRUPT for an empty path or one with a NUL byte. */
floe_status floe_path_resolve(const floe_moved *moved, floe_str path, floe_arena *arena, const char **ret_local,
                              floe_error *err);

/* Reads a file that a table names into an arena; *ret_local (may be NULL) is where it lies here. Errors: as both above;
 * NOT_FOUND says how to read a table that was moved. */
floe_status floe_fs_read_moved(floe_fs *fs, const floe_moved *moved, floe_str path, size_t cap, floe_arena *arena,
                               const char **ret_local, floe_str *ret_bytes, floe_error *err);

#endif
