/*
 * Files in a table's folder that nothing names: what a killed writer left.
 *
 * Rule: a file goes when its name is one that writers give (data, manifests, metadata, statistics, temporary files), no
 *       snapshot that stays needs it, and nobody changed it for the safety age, since a writer may be at work that has not
 *       committed. Whatever else lies there stays: what floe does not know it does not remove. Links are not followed; a
 *       folder that is another table's is not entered.
 */
#include "offline/maintain/maintain_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/catalog/catalog.h"

#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 64 };

static bool is_known_name(const expiry *state, floe_str name) {
    static const char *const ENDINGS[] = {".parquet", ".orc",   ".avro",          ".puffin",
                                          ".bin",     ".stats", ".metadata.json", ".metadata.json.gz"};
    size_t count = sizeof ENDINGS / sizeof *ENDINGS - (state->owns_metadata ? 0 : 2);
    for (size_t i = 0; i < count; i++) {
        if (name.ptr[0] != '.' && floe_str_ends_with(name, floe_str_of(ENDINGS[i]))) {
            return true;
        }
    }
    return floe_str_starts_with(name, FLOE_STR(".floe-")) && floe_str_ends_with(name, FLOE_STR(".tmp"));
}

/* The checksum that Hadoop's file system puts beside a file: ".x.crc" of "x". It goes when the file is not there. */
static bool is_lone_checksum(expiry *state, const char *folder, floe_str name) {
    if (name.len < 6 || name.ptr[0] != '.' || !floe_str_ends_with(name, FLOE_STR(".crc"))) {
        return false;
    }
    const char *of = floe_arena_printf(state->arena, "%s/%.*s", folder, (int)(name.len - 5), name.ptr + 1);
    return of && !floe_file_exists(of);
}

static bool is_old(const expiry *state, const struct stat *about) {
    int64_t changed_us = (int64_t)about->st_mtim.tv_sec * 1000000 + about->st_mtim.tv_nsec / 1000;
    return state->now_us - changed_us >= state->request->orphan_age_us;
}

static bool is_other_table(expiry *state, const char *folder) {
    const char *metadata_path = NULL;
    floe_error ignored = {0};
    return !floe_failed(
        floe_catalog_newest_metadata(state->import->table->fs, folder, state->arena, &metadata_path, &ignored));
}

static floe_status walk(expiry *state, const char *folder, unsigned depth, floe_error *err);

static floe_status look_at(expiry *state, const char *folder, const char *name, unsigned depth, floe_error *err) {
    struct stat about;
    const char *path = floe_path_join(state->arena, folder, name);
    FLOE_TRY(floe_arena_check(state->arena, err));
    if (lstat(path, &about) != 0) {
        return FLOE_OK; /* Somebody else was faster. */
    }
    if (S_ISDIR(about.st_mode)) {
        return is_other_table(state, path) ? FLOE_OK : walk(state, path, depth + 1, err);
    }
    bool known = is_known_name(state, floe_str_of(name)) || is_lone_checksum(state, folder, floe_str_of(name));
    if (!S_ISREG(about.st_mode) || !known || !is_old(state, &about)) {
        return FLOE_OK;
    }
    return floe_expire_add_local(state, path, EXPIRE_ORPHAN, err);
}

static floe_status walk(expiry *state, const char *folder, unsigned depth, floe_error *err) {
    const char *const *names = NULL;
    size_t count = 0;
    if (depth > DEPTH_MAX) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_file_list(folder, state->arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(look_at(state, folder, names[i], depth, err));
    }
    return FLOE_OK;
}

floe_status floe_expire_find_orphans(expiry *state, floe_error *err) {
    return walk(state, state->import->local_location, 0, err);
}
