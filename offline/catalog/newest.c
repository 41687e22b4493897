/*
 * The newest metadata file of a table's folder.
 *
 * version-hint.text is only a hint: a writer that was killed between the metadata file and the hint leaves an older
 * one, so the search rolls forward from it, version by version, as Iceberg's own reader of such folders does.
 */
#include "offline/catalog/catalog.h"

#include "core/file.h"

#include <inttypes.h>
#include <stdio.h>

enum { HINT_BYTES_MAX = 256 };

/* "v3.metadata.json" → "v3", and likewise for the two spellings of gzip; ptr NULL for any other name. */
static floe_str stem_of(floe_str name) {
    static const char *const ENDINGS[] = {".gz.metadata.json", ".metadata.json.gz", ".metadata.json"};
    for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
        floe_str ending = floe_str_of(ENDINGS[i]);
        if (name.len > ending.len && floe_str_ends_with(name, ending)) {
            return (floe_str){name.ptr, name.len - ending.len};
        }
    }
    return (floe_str){0};
}

int64_t floe_catalog_metadata_version(floe_str file_name) {
    floe_str stem = stem_of(file_name);
    if (stem.ptr == NULL) {
        return -1;
    }
    bool counted = stem.ptr[0] == 'v'; /* v<n>; otherwise <n>-<uuid> */
    floe_str digits = counted ? (floe_str){stem.ptr + 1, stem.len - 1} : stem;
    const char *dash = counted ? NULL : memchr(digits.ptr, '-', digits.len);
    if (!counted) {
        if (dash == NULL) {
            return -1;
        }
        digits.len = (size_t)(dash - digits.ptr);
    }
    int64_t version = -1;
    floe_error ignored = {0};
    bool plain = digits.len > 0 && digits.ptr[0] >= '0' && digits.ptr[0] <= '9';
    return plain && !floe_failed(floe_str_to_i64(digits, &version, &ignored)) ? version : -1;
}

/* The file of that stem in the folder, or NULL. */
static const char *with_stem(floe_arena *arena, const char *folder, const char *const *names, size_t count,
                             floe_str stem) {
    for (size_t i = count; i-- > 0;) {
        floe_str name = floe_str_of(names[i]);
        if (stem.len > 0 && floe_str_equal(stem_of(name), stem)) {
            return floe_path_join(arena, folder, names[i]);
        }
    }
    return NULL;
}

static const char *with_version(floe_arena *arena, const char *folder, const char *const *names, size_t count,
                                int64_t version) {
    char stem[32];
    (void)snprintf(stem, sizeof(stem), "v%" PRId64, version);
    return with_stem(arena, folder, names, count, floe_str_of(stem));
}

/* The hint's text: a number means v<number>, anything else is a name without its ending. An unreadable hint is none. */
static floe_str read_hint(floe_fs *fs, const char *folder, floe_arena *arena) {
    FLOE_AUTO_BUF text = {0};
    floe_error ignored = {0};
    floe_buf_init(&text, HINT_BYTES_MAX);
    const char *path = floe_path_join(arena, folder, "version-hint.text");
    if (path == NULL || floe_failed(fs->ops->read(fs, path, &text, &ignored))) {
        return (floe_str){0};
    }
    return floe_arena_str(arena, floe_str_trim(floe_buf_view(&text)));
}

static const char *from_hint(floe_str hint, floe_arena *arena, const char *folder, const char *const *names,
                             size_t count) {
    int64_t version = 0;
    floe_error ignored = {0};
    if (hint.len == 0) {
        return NULL;
    }
    if (floe_failed(floe_str_to_i64(hint, &version, &ignored)) || version < 0) {
        return with_stem(arena, folder, names, count, hint);
    }
    const char *path = with_version(arena, folder, names, count, version);
    for (const char *later = path; later != NULL && version < INT64_MAX;) {
        path = later;
        later = with_version(arena, folder, names, count, ++version);
    }
    return path;
}

static const char *highest(floe_arena *arena, const char *folder, const char *const *names, size_t count) {
    const char *best = NULL;
    int64_t best_version = -1;
    for (size_t i = 0; i < count; i++) {
        int64_t version = floe_catalog_metadata_version(floe_str_of(names[i]));
        if (version >= 0 && version >= best_version) {
            best = names[i];
            best_version = version;
        }
    }
    return best == NULL ? NULL : floe_path_join(arena, folder, best);
}

floe_status floe_catalog_newest_metadata(floe_fs *fs, const char *table_folder, floe_arena *arena,
                                         const char **ret_metadata_path, floe_error *err) {
    const char *folder = floe_path_join(arena, table_folder, "metadata");
    const char *const *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    floe_error failure = {0};
    floe_status listed = fs->ops->list(fs, folder, arena, &names, &count, &failure);
    FLOE_ENSURE(listed.code != FLOE_NOT_FOUND && listed.code != FLOE_INVALID, err, FLOE_NOT_FOUND,
                "%s is no table: it has no folder metadata", table_folder);
    if (floe_failed(listed)) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    const char *path = from_hint(read_hint(fs, folder, arena), arena, folder, names, count);
    if (path == NULL) {
        path = highest(arena, folder, names, count);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(path != NULL, err, FLOE_NOT_FOUND,
                "%s holds no metadata file (v<n>.metadata.json, <n>-<uuid>.metadata.json)", folder);
    *ret_metadata_path = path;
    return FLOE_OK;
}
