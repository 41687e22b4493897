/*
 * The catalog seam: which tables there are, where the newest metadata of each lies, and the one atomic step of a commit.
 * Behind it stand a directory catalog (directory.c: warehouse/namespace[/namespace…]/table/metadata/…) and the Iceberg REST
 * catalog (rest.c).
 *
 * A commit is optimistic: the writer names the metadata file that it started from (or none, to create the table), and
 * loses with CONFLICT when somebody else committed first. Thread: a catalog belongs to one thread at a time.
 */
#ifndef FLOE_OFFLINE_CATALOG_CATALOG_H
#define FLOE_OFFLINE_CATALOG_CATALOG_H

#include "offline/io/io.h"
#include "offline/io/mirror.h"
#include "registry/registry.h"

typedef struct floe_catalog floe_catalog;

/* One table of a catalog. */
typedef struct floe_catalog_entry {
    floe_str namespace_name; /* "aviation", "a.b" for nested namespaces */
    floe_str table;
    const char *location; /* the table's folder */
    const char
        *metadata_path;  /* its newest metadata file, as a local path; listed: its folder, where that cannot be told */
    floe_mirror *mirror; /* where its objects are copied to; NULL: it lies in local files. Of the catalog. */
} floe_catalog_entry;

typedef struct floe_catalog_commit_request {
    floe_str namespace_name, table;
    const char *base_metadata_path; /* metadata_path the new state was made from; NULL: the table must not exist yet */
    floe_str metadata_json;         /* the whole new metadata document */
} floe_catalog_commit_request;

typedef struct floe_catalog_ops {
    /* Every table, sorted by namespace and name. A folder without metadata is not a table. */
    floe_status (*list)(floe_catalog *catalog, floe_arena *arena, const floe_catalog_entry **ret_entries,
                        size_t *ret_count, floe_error *err);
    /* Errors: NOT_FOUND naming the table and where it was looked for; CORRUPT. */
    floe_status (*locate)(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                          floe_catalog_entry *ret_entry, floe_error *err);
    /* Where a table of that name lies or would lie: an absolute folder; nothing is created. Errors: INVALID for a name
     * that cannot be a folder. */
    floe_status (*location)(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                            const char **ret_location, floe_error *err);
    /* Errors: CONFLICT when the table's state is no longer base_metadata_path; IO. */
    floe_status (*commit)(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                          const char **ret_metadata_path, floe_error *err);
    void (*close)(floe_catalog *catalog);
} floe_catalog_ops;

struct floe_catalog {
    const floe_catalog_ops *ops;
    floe_str name;
    floe_moved moved;       /* of the definition: applies to every table of the catalog */
    floe_mirror *mirror;    /* of its storage, also for new tables; NULL: local files. Of the catalog. */
    bool owns_metadata;     /* metadata files are its writers' to remove; a service keeps its own */
    bool commit_is_unknown; /* the last commit failed in a way that leaves open whether it landed */
};

/* Opens the catalog that a definition describes; borrows the definition. Reads nothing yet. `cancelled` NULL: never. Errors:
 * UNSUPPORTED naming a type other than directory and rest. Owns: the caller, floe_catalog_close. */
floe_status floe_catalog_open(const floe_catalog_def *definition, const atomic_bool *cancelled,
                              floe_catalog **ret_catalog, floe_error *err);
void floe_catalog_close(floe_catalog **catalog); /* NULL-safe */

/* The calls of the seam. */
floe_status floe_catalog_list(floe_catalog *catalog, floe_arena *arena, const floe_catalog_entry **ret_entries,
                              size_t *ret_count, floe_error *err);
floe_status floe_catalog_locate(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                floe_catalog_entry *ret_entry, floe_error *err);
floe_status floe_catalog_location(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                  const char **ret_location, floe_error *err);

/* Makes the new metadata the table's state, atomically.
 * Rule: in a directory catalog the new file is metadata/v<n+1>.metadata.json, written exclusively, where n is the version
 *       of base_metadata_path (0 when the table is created); version-hint.text is written after it and is only a hint.
 * Errors: CONFLICT naming the table when another writer was first, or when it exists and base is NULL; NOT_FOUND when
 *         base is given and is not there; IO. A failure leaves no metadata file behind. The namespace is created.
 * Source: Iceberg table spec, "File System Tables". */
floe_status floe_catalog_commit(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                                const char **ret_metadata_path, floe_error *err);

/* The newest metadata file of a table's folder (the one that holds `metadata/`).
 * Rule: the highest version of v<n>.metadata.json and <n>-<uuid>.metadata.json, each also as .gz.metadata.json and
 *       .metadata.json.gz. version-hint.text may be behind it; one that spells out the name of a file which is there, other
 *       than v<n>, is followed as it is. Of two files of one version the hint's v<n>, else the one whose content proves it to
 *       be later.
 * Errors: NOT_FOUND naming the folder; CORRUPT naming both: the hint is ahead of every file, so that a commit is lost, or of
 *         two files of one version neither proves to be later. Owns: the arena. */
floe_status floe_catalog_newest_metadata(floe_fs *fs, const char *table_folder, floe_arena *arena,
                                         const char **ret_metadata_path, floe_error *err);

/* The version that a metadata file's name holds, or -1. */
int64_t floe_catalog_metadata_version(floe_str file_name);

#endif
