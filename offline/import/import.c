/*
 * floe_table_import: files in, one snapshot out.
 *
 * Nothing of the table changes before the commit, which is one atomic step of the catalog. Whatever fails or is cancelled
 * before it, the files that were written are removed; what a killed process leaves are files that no snapshot names.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/scan.h"

#include <string.h>
#include <sys/stat.h>

/* ---- the table ---- */

static floe_status check_writable(const floe_import *import, floe_error *err) {
    const floe_ice_metadata *metadata = &import->table->metadata;
    FLOE_ENSURE(metadata->format_version <= 3, err, FLOE_UNSUPPORTED,
                "%s has format version %d: writing is supported for versions 1 to 3", import->request->table,
                metadata->format_version);
    FLOE_ENSURE(!floe_metadata_is_encrypted(metadata), err, FLOE_UNSUPPORTED,
                "%s is encrypted; floe writes tables without encryption", import->request->table);
    return FLOE_OK;
}

static void use_mirror(floe_import *import, floe_mirror *mirror) {
    import->moved.mirror = mirror;
    import->fs = mirror == NULL ? floe_fs_local() : floe_mirror_fs(mirror);
}

static bool is_one_folder(const char *a, const char *b) {
    struct stat x;
    struct stat y;
    return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* Whether the table lies where its metadata says. What is written goes there and what expires is taken away there: of a copied
 * table that would be the original. */
static floe_status check_location(floe_import *import, const floe_catalog_entry *entry, floe_error *err) {
    const char *said = NULL;
    const char *here = NULL;
    FLOE_TRY(floe_import_local(import, import->location, &said, err));
    FLOE_TRY(floe_import_local(import, floe_str_of(entry->location), &here, err));
    FLOE_ENSURE(
        is_one_folder(said, here), err, FLOE_CONFLICT,
        "%s lies in %s, and its metadata says %s: what is written to this copy would change the other one; where it "
        "was moved, say so in floe.yaml (the catalog's moved: {from, to})",
        import->request->table, here, said);
    return FLOE_OK;
}

/* Whether the table is there decides between the modes. */
static floe_status find_table(floe_import *import, floe_error *err) {
    const floe_import_request *request = import->request;
    floe_catalog_entry entry;
    floe_error missing = {0};
    floe_status found = floe_catalog_locate(import->catalog, import->namespace_name, import->table_name, import->arena,
                                            &entry, &missing);
    if (found.code == FLOE_NOT_FOUND && request->file_count > 0) {
        FLOE_ENSURE(!floe_import_keeps_schema(request), err, FLOE_NOT_FOUND,
                    "there is no table %s to %s: leave --%s out to create it", request->table,
                    request->mode == FLOE_IMPORT_APPEND ? "append to" : "overwrite",
                    request->mode == FLOE_IMPORT_APPEND ? "append" : "overwrite");
        const char *location = NULL;
        FLOE_TRY(floe_catalog_location(import->catalog, import->namespace_name, import->table_name, import->arena,
                                       &location, err));
        import->location = floe_str_of(location);
        use_mirror(import, import->catalog->mirror);
        return FLOE_OK;
    }
    if (floe_failed(found)) {
        return floe_error_set(err, missing.code, missing.sys_errno, missing.file, missing.line, "%s", missing.message);
    }
    FLOE_ENSURE(
        request->mode != FLOE_IMPORT_CREATE, err, FLOE_CONFLICT,
        "the table %s exists: use --append to add rows, --overwrite to replace the partitions that they are of or "
        "--replace to put these in the place of all",
        request->table);
    FLOE_TRY(floe_table_open(import->lake, request->table, NULL, NULL, &import->table, err));
    import->location = floe_arena_str(import->arena, import->table->metadata.location);
    import->moved.from = floe_arena_str(import->arena, import->table->moved.from);
    import->moved.to = floe_arena_str(import->arena, import->table->moved.to);
    use_mirror(import, entry.mirror);
    FLOE_TRY(floe_arena_check(import->arena, err));
    FLOE_TRY(check_location(import, &entry, err));
    return check_writable(import, err);
}

static floe_status find_catalog(floe_import *import, floe_error *err) {
    floe_str catalog;
    FLOE_TRY(floe_table_reference_split(floe_str_of(import->request->table), &catalog, &import->namespace_name,
                                        &import->table_name, err));
    import->catalog = floe_lake_catalog(import->lake, catalog);
    FLOE_ENSURE(import->catalog, err, FLOE_NOT_FOUND, "%s: there is no catalog \"%.*s\"", import->request->table,
                FLOE_STR_BRIEF(catalog));
    return FLOE_OK;
}

/* ---- the whole ---- */

floe_status floe_import_place(floe_import *import, floe_error *err) {
    FLOE_TRY(find_catalog(import, err));
    FLOE_TRY(find_table(import, err));
    return floe_import_local(import, import->location, &import->local_location, err);
}

floe_status floe_import_open(floe_import *import, floe_error *err) {
    floe_engine *engine = NULL;
    FLOE_TRY(floe_import_place(import, err));
    FLOE_TRY(floe_lake_engine(import->lake, &engine, err));
    return floe_session_open(engine, import->run, &import->session, err);
}

static floe_status run_phases(floe_import *import, floe_import_result *ret_result, floe_error *err) {
    FLOE_TRY(floe_import_open(import, err));
    FLOE_TRY(floe_import_source(import, err));
    FLOE_TRY(floe_import_schema(import, err));
    FLOE_TRY(floe_import_partition(import, err));
    FLOE_TRY(floe_import_sort(import, err));
    FLOE_TRY(floe_import_data(import, err));
    FLOE_TRY(floe_import_choose_removed(import, err));
    return floe_import_commit(import, ret_result, err);
}

/* Removes a file and the folders around it that are empty then: up to the table's, none above it. */
static void remove_upwards(char *path, size_t table_len) {
    FLOE_IGNORE(floe_file_remove(path, NULL));
    for (char *slash = strrchr(path, '/'); slash && (size_t)(slash - path) >= table_len; slash = strrchr(path, '/')) {
        *slash = 0;
        if (floe_failed(floe_file_remove(path, NULL))) {
            return; /* not empty, so none above it is */
        }
    }
}

/* Removes what was written, newest first. A path that is NULL had no room in the arena; nothing was written there. */
void floe_import_discard(floe_import *import) {
    size_t table_len = import->local_location ? strlen(import->local_location) : SIZE_MAX;
    if (import->catalog && import->catalog->commit_is_unknown) {
        return; /* a commit that landed needs its files */
    }
    while (import->written.count > 0) {
        char *path = import->written.items[--import->written.count];
        if (path && import->written.count < import->published) {
            FLOE_IGNORE(import->fs->ops->remove(import->fs, path, NULL));
        }
        if (path) {
            remove_upwards(path, table_len);
        }
    }
    char *metadata =
        import->local_location ? floe_arena_printf(import->arena, "%s/metadata", import->local_location) : NULL;
    if (metadata) { /* emptied when the attempt to commit was taken back */
        remove_upwards(metadata, table_len);
    }
}

floe_status floe_table_import(floe_lake *lake, const floe_import_request *request, const floe_run *run,
                              floe_import_result *ret_result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    floe_import import = {.lake = lake, .request = request, .run = run ? run : lake->run, .arena = &arena};
    floe_import_uuid(import.uuid);
    floe_status status = run_phases(&import, ret_result, err);
    floe_session_close(&import.session);
    floe_import_nanoseconds_end(&import, err);
    floe_table_close(&import.table);
    floe_table_close(&import.origin);
    if (floe_failed(status)) {
        floe_import_discard(&import);
    }
    return status;
}
