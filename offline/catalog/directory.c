/*
 * A warehouse folder as a catalog.
 *
 * A folder with a metadata file in `metadata/` is a table; every other folder is a namespace, searched to a fixed
 * depth, names that begin with a dot left out. Of two tables whose folders, one with a dot, make one name, the one that the name
 * finds is listed (dotted.c). The atomic step of a commit is the exclusive creation of the next
 * v<n>.metadata.json: of two writers that started from the same version one gets the name and the other CONFLICT.
 */
#include "offline/catalog/directory.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMESPACE_DEPTH_MAX = 8 };

typedef struct directory_catalog {
    floe_catalog base;
    floe_fs *fs;
    char *warehouse; /* as tables spell it: a folder, or an object's prefix */
    char *folder;    /* of it, for fs */
} directory_catalog;

static directory_catalog *self_of(floe_catalog *catalog) {
    return (directory_catalog *)(void *)catalog;
}

/* ---- list ---- */

typedef struct walk {
    directory_catalog *self;
    floe_arena *arena;
    floe_catalog_entry *entries;
    size_t count, capacity;
} walk;

static floe_status walk_folder(walk *into, const char *path, const char *namespace_name, unsigned depth,
                               floe_error *err);

static floe_status add_entry(walk *into, const char *path, const char *namespace_name, const char *name,
                             const char *metadata_path, floe_error *err) {
    floe_catalog_entry *entry = FLOE_ARENA_PUSH(into->arena, into->entries, into->count, into->capacity);
    if (entry == NULL) {
        return floe_arena_check(into->arena, err);
    }
    entry->namespace_name = floe_str_of(namespace_name);
    entry->table = floe_str_of(name);
    entry->location = path;
    entry->metadata_path = metadata_path;
    entry->mirror = into->self->base.mirror;
    return FLOE_OK;
}

static floe_status walk_child(walk *into, const char *path, const char *namespace_name, const char *name,
                              unsigned depth, floe_error *err) {
    const char *metadata_path = NULL;
    floe_error missing = {0};
    floe_fs *fs = into->self->fs;
    floe_status status = floe_catalog_newest_metadata(fs, path, into->arena, &metadata_path, &missing);
    if (!floe_failed(status)) { /* A table outside any namespace has no name here; its path opens it. */
        return depth == 0 ? FLOE_OK : add_entry(into, path, namespace_name, name, metadata_path, err);
    }
    if (status.code == FLOE_CORRUPT && depth > 0) { /* A table all the same; whoever opens it is told. */
        return add_entry(into, path, namespace_name, name, path, err);
    }
    if (status.code != FLOE_NOT_FOUND) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    const char *inner = depth == 0 ? name : floe_arena_printf(into->arena, "%s.%s", namespace_name, name);
    FLOE_TRY(floe_arena_check(into->arena, err));
    return walk_folder(into, path, inner, depth + 1, err);
}

/* In a store whatever a name goes on behind is one: asking first would be a request that can fail in silence. */
static bool may_be_folder(const directory_catalog *self, const char *path) {
    return self->base.mirror != NULL || self->fs->ops->is_dir(self->fs, path);
}

static floe_status walk_folder(walk *into, const char *path, const char *namespace_name, unsigned depth,
                               floe_error *err) {
    const char *const *names = NULL;
    size_t count = 0;
    floe_error failure = {0};
    if (depth > NAMESPACE_DEPTH_MAX) {
        return FLOE_OK;
    }
    floe_status listed = into->self->fs->ops->list(into->self->fs, path, into->arena, &names, &count, &failure);
    if (listed.code == FLOE_NOT_FOUND) { /* an object, or a folder that is gone by now */
        return FLOE_OK;
    }
    if (floe_failed(listed)) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    for (size_t i = 0; i < count; i++) {
        const char *child = floe_path_join(into->arena, path, names[i]);
        FLOE_TRY(floe_arena_check(into->arena, err));
        if (names[i][0] != '.' && may_be_folder(into->self, child)) {
            FLOE_TRY(walk_child(into, child, namespace_name, names[i], depth, err));
        }
    }
    return FLOE_OK;
}

static int compare_entries(const void *a, const void *b) {
    const floe_catalog_entry *x = a;
    const floe_catalog_entry *y = b;
    int order = floe_str_compare(x->namespace_name, y->namespace_name);
    order = order != 0 ? order : floe_str_compare(x->table, y->table);
    return order != 0 ? order : strcmp(y->location, x->location); /* "a/b" before "a.b" */
}

/* Whether a reference to the second finds the first. */
static bool is_hidden_by(const floe_catalog_entry *second, const floe_catalog_entry *first) {
    return floe_str_equal(second->namespace_name, first->namespace_name) && floe_str_equal(second->table, first->table);
}

static floe_status directory_list(floe_catalog *catalog, floe_arena *arena, const floe_catalog_entry **ret_entries,
                                  size_t *ret_count, floe_error *err) {
    walk into = {.self = self_of(catalog), .arena = arena};
    if (may_be_folder(into.self, into.self->folder)) {
        FLOE_TRY(walk_folder(&into, into.self->folder, "", 0, err));
    } /* A warehouse that nothing was written to yet is empty. */
    if (into.count > 0) {
        qsort(into.entries, into.count, sizeof(*into.entries), compare_entries);
    }
    size_t kept = 0;
    for (size_t i = 0; i < into.count; i++) {
        if (kept == 0 || !is_hidden_by(&into.entries[i], &into.entries[kept - 1])) {
            into.entries[kept++] = into.entries[i];
        }
    }
    *ret_entries = into.entries;
    *ret_count = kept;
    return FLOE_OK;
}

/* ---- locate ---- */

/* A name must be one folder: not empty, no slash, no NUL, not hidden, and short enough for a file system. */
static floe_status check_name(floe_str name, const char *what, floe_error *err) {
    bool fits = name.len > 0 && name.len <= 200 && name.ptr[0] != '.' && memchr(name.ptr, '/', name.len) == NULL &&
                memchr(name.ptr, 0, name.len) == NULL;
    FLOE_ENSURE(fits, err, FLOE_INVALID, "the %s name \"%.*s\" cannot be a folder of a directory catalog", what,
                FLOE_STR_BRIEF(name));
    return FLOE_OK;
}

static floe_status directory_location(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                      const char **ret_location, floe_error *err) {
    directory_catalog *self = self_of(catalog);
    const floe_catalog_folders folders = {self->fs, self->folder, catalog->mirror != NULL};
    const char *path = self->warehouse, *dotted = NULL;
    floe_str rest = namespace_name;
    floe_str part = {0};
    FLOE_TRY(check_name(namespace_name, "namespace", err));
    FLOE_TRY(check_name(table, "table", err));
    FLOE_TRY(floe_catalog_find_dotted(&folders, namespace_name, table, arena, &dotted, err));
    if (dotted != NULL) {
        *ret_location = floe_arena_printf(arena, "%s/%s", path, dotted);
        return floe_arena_check(arena, err);
    }
    while (floe_str_split(&rest, '.', &part)) {
        FLOE_TRY(check_name(part, "namespace", err));
        path = floe_arena_printf(arena, "%s/%.*s", path, FLOE_STR_ARG(part));
    }
    *ret_location = floe_arena_printf(arena, "%s/%.*s", path, FLOE_STR_ARG(table));
    return floe_arena_check(arena, err);
}

/* A table's place as tables spell it → the folder for the file system. */
static floe_status folder_of(floe_catalog *catalog, const char *location, floe_arena *arena, const char **ret_folder,
                             floe_error *err) {
    floe_moved here = {.mirror = catalog->mirror};
    return floe_path_resolve(&here, floe_str_of(location), arena, ret_folder, err);
}

static floe_status directory_locate(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                    floe_catalog_entry *ret_entry, floe_error *err) {
    floe_catalog_entry entry = {.namespace_name = namespace_name, .table = table, .mirror = catalog->mirror};
    const char *folder = NULL;
    FLOE_TRY(directory_location(catalog, namespace_name, table, arena, &entry.location, err));
    FLOE_TRY(folder_of(catalog, entry.location, arena, &folder, err));
    floe_status status = floe_catalog_newest_metadata(self_of(catalog)->fs, folder, arena, &entry.metadata_path, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "no table %.*s.%.*s.%.*s", FLOE_STR_BRIEF(catalog->name),
                                 FLOE_STR_BRIEF(namespace_name), FLOE_STR_BRIEF(table));
    }
    *ret_entry = entry;
    return FLOE_OK;
}

/* ---- commit ---- */

static floe_status conflict(floe_catalog *catalog, const floe_catalog_commit_request *request, const char *why,
                            floe_error *err) {
    return FLOE_FAIL(err, FLOE_CONFLICT, "table %.*s.%.*s.%.*s %s", FLOE_STR_BRIEF(catalog->name),
                     FLOE_STR_BRIEF(request->namespace_name), FLOE_STR_BRIEF(request->table), why);
}

/* The version to write: one after the base, which must still be the newest. */
static floe_status next_version(floe_catalog *catalog, const floe_catalog_commit_request *request, const char *location,
                                floe_arena *arena, int64_t *ret_version, floe_error *err) {
    const char *newest = NULL;
    floe_error missing = {0};
    floe_status found = floe_catalog_newest_metadata(self_of(catalog)->fs, location, arena, &newest, &missing);
    if (floe_failed(found) && found.code != FLOE_NOT_FOUND) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    const char *base = request->base_metadata_path;
    if (base == NULL) {
        *ret_version = 1;
        return newest == NULL ? FLOE_OK : conflict(catalog, request, "exists already", err);
    }
    FLOE_ENSURE(newest != NULL, err, FLOE_NOT_FOUND, "%s is not there any more", location);
    floe_str name = floe_path_basename(base);
    if (!floe_str_equal(name, floe_path_basename(newest))) {
        return conflict(catalog, request, "was changed by somebody else; try again", err);
    }
    int64_t version = floe_catalog_metadata_version(name);
    FLOE_ENSURE(version >= 0 && version < INT64_MAX, err, FLOE_UNSUPPORTED,
                "%s has a name without a version; floe cannot commit after it", base);
    *ret_version = version + 1;
    return FLOE_OK;
}

/* Readers find the newest version without the hint, so that one that cannot be written takes nothing back. */
static void write_hint(directory_catalog *self, const char *location, int64_t version, floe_arena *arena) {
    char text[32];
    int len = snprintf(text, sizeof(text), "%" PRId64, version);
    const char *path = floe_arena_printf(arena, "%s/metadata/version-hint.text", location);
    if (path != NULL) {
        floe_error ignored = {0};
        FLOE_IGNORE(self->fs->ops->write(self->fs, path, (floe_str){text, (size_t)len}, false, &ignored));
    }
}

static floe_status directory_commit(floe_catalog *catalog, const floe_catalog_commit_request *request,
                                    floe_arena *arena, const char **ret_metadata_path, floe_error *err) {
    directory_catalog *self = self_of(catalog);
    const char *location = NULL;
    int64_t version = 0;
    FLOE_TRY(directory_location(catalog, request->namespace_name, request->table, arena, &location, err));
    FLOE_TRY(folder_of(catalog, location, arena, &location, err));
    FLOE_TRY(next_version(catalog, request, location, arena, &version, err));
    const char *path = floe_arena_printf(arena, "%s/metadata/v%" PRId64 ".metadata.json", location, version);
    FLOE_TRY(floe_arena_check(arena, err));
    floe_error failure = {0};
    floe_status status = self->fs->ops->write(self->fs, path, request->metadata_json, true, &failure);
    if (status.code == FLOE_CONFLICT) {
        return conflict(
            catalog, request,
            request->base_metadata_path == NULL ? "exists already" : "was changed by somebody else; try again", err);
    }
    if (floe_failed(status)) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    write_hint(self, location, version, arena);
    *ret_metadata_path = path;
    return FLOE_OK;
}

/* ---- open and close ---- */

static void directory_close(floe_catalog *catalog) {
    floe_mirror_close(&catalog->mirror);
    floe_free(self_of(catalog)->warehouse);
    floe_free(self_of(catalog)->folder);
    floe_free(catalog);
}

/* The warehouse as tables spell it, and its folder for the file system. */
static floe_status place_warehouse(const floe_catalog_def *definition, const floe_mirror *mirror, floe_arena *arena,
                                   const char **ret_warehouse, const char **ret_folder, floe_error *err) {
    const char *path = floe_arena_strndup(arena, definition->warehouse.ptr, definition->warehouse.len);
    FLOE_TRY(floe_arena_check(arena, err));
    if (!floe_path_is_object(definition->warehouse)) {
        FLOE_TRY(floe_path_absolute(arena, path, ret_warehouse, err));
        *ret_folder = *ret_warehouse;
        return FLOE_OK;
    }
    floe_str plain = definition->warehouse;
    while (plain.len > 0 && plain.ptr[plain.len - 1] == '/') {
        plain.len--;
    }
    floe_moved here = {.mirror = mirror};
    *ret_warehouse = floe_arena_strndup(arena, plain.ptr, plain.len);
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_path_resolve(&here, plain, arena, ret_folder, err);
}

floe_status floe_directory_catalog_open(const floe_catalog_def *definition, floe_mirror *mirror,
                                        floe_catalog **ret_catalog, floe_error *err) {
    static const floe_catalog_ops OPS = {
        .list = directory_list,
        .locate = directory_locate,
        .location = directory_location,
        .commit = directory_commit,
        .close = directory_close,
    };
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    const char *warehouse = NULL;
    const char *folder = NULL;
    FLOE_TRY(place_warehouse(definition, mirror, &arena, &warehouse, &folder, err));
    FLOE_AUTO_FREE char *kept_warehouse = NULL;
    FLOE_AUTO_FREE char *kept_folder = NULL;
    directory_catalog *self = NULL;
    FLOE_TRY(floe_strdup(warehouse, &kept_warehouse, err));
    FLOE_TRY(floe_strdup(folder, &kept_folder, err));
    FLOE_TRY(floe_alloc(1, sizeof(*self), &self, err));
    self->base.ops = &OPS;
    self->base.name = definition->name;
    self->base.mirror = mirror;
    self->base.owns_metadata = true;
    self->base.moved = (floe_moved){definition->moved_from, definition->moved_to, mirror};
    self->fs = mirror == NULL ? floe_fs_local() : floe_mirror_fs(mirror);
    self->warehouse = kept_warehouse;
    self->folder = kept_folder;
    kept_warehouse = NULL;
    kept_folder = NULL;
    *ret_catalog = &self->base;
    return FLOE_OK;
}
