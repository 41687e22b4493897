/*
 * Files in a table's folder that nothing names: what a killed writer left.
 *
 * Rule: a file goes when its name is one that writers give (data, manifests, metadata, statistics, temporary files), no
 *       snapshot that stays needs it, and nobody changed it for the safety age, since a writer may be at work that has not
 *       committed. Whatever else lies there stays: what floe does not know it does not remove. Links are not followed; a
 *       folder that is another table's, told by its metadata files, is left alone.
 */
#include "offline/maintain/maintain_int.h"

#include "core/file.h"
#include "core/limits.h"

#include <string.h>

static char present;

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
static floe_status is_lone_checksum(expiry *state, const char *path, floe_str name, bool *ret_lone, floe_error *err) {
    floe_fs_file of;
    bool there = true;
    *ret_lone = false;
    if (name.len < 6 || name.ptr[0] != '.' || !floe_str_ends_with(name, FLOE_STR(".crc"))) {
        return FLOE_OK;
    }
    const char *beside =
        floe_arena_printf(state->arena, "%.*s%.*s", (int)(name.ptr - path), path, (int)(name.len - 5), name.ptr + 1);
    FLOE_TRY(floe_arena_check(state->arena, err));
    FLOE_TRY(floe_expire_look(state, beside, &of, &there, err));
    *ret_lone = !there;
    return FLOE_OK;
}

/* ---- other tables ---- */

static floe_str parent_of(floe_str path) {
    const char *slash = path.len == 0 ? NULL : memrchr(path.ptr, '/', path.len);
    return (floe_str){path.ptr, slash == NULL ? 0 : (size_t)(slash - path.ptr)};
}

/* The folders below the table's that are tables of their own. */
static floe_status find_other_tables(expiry *state, floe_map *ret_others, floe_error *err) {
    floe_map_init(ret_others, state->arena);
    for (size_t i = 0; i < state->there_count; i++) {
        floe_str path = floe_str_of(state->there[i].path);
        floe_str folder = parent_of(path);
        floe_str name = {path.ptr + folder.len + 1, path.len - folder.len - 1};
        bool is_metadata = floe_expire_is_metadata_name(name) && floe_str_ends_with(folder, FLOE_STR("/metadata"));
        floe_str table = parent_of(folder);
        if (is_metadata && !floe_str_is(table, state->import->local_location)) {
            floe_map_put(ret_others, table, &present);
        }
    }
    return floe_arena_check(state->arena, err);
}

static bool is_of_other_table(const expiry *state, const floe_map *others, floe_str path) {
    size_t own_len = strlen(state->import->local_location);
    for (floe_str folder = parent_of(path); folder.len > own_len; folder = parent_of(folder)) {
        if (floe_map_get(others, folder)) {
            return true;
        }
    }
    return false;
}

/* ---- the whole ---- */

static floe_status look_at(expiry *state, const floe_map *others, const floe_fs_file *file, floe_error *err) {
    floe_str path = floe_str_of(file->path);
    floe_str name = floe_path_basename(file->path);
    bool lone = false;
    if (!floe_expire_is_old(state, file) || is_of_other_table(state, others, path)) {
        return FLOE_OK;
    }
    FLOE_TRY(is_lone_checksum(state, file->path, name, &lone, err));
    return lone || is_known_name(state, name) ? floe_expire_add_local(state, file->path, EXPIRE_ORPHAN, err) : FLOE_OK;
}

floe_status floe_expire_find_orphans(expiry *state, floe_error *err) {
    floe_map others;
    FLOE_TRY(find_other_tables(state, &others, err));
    for (size_t i = 0; i < state->there_count; i++) {
        FLOE_TRY(look_at(state, &others, &state->there[i], err));
    }
    return FLOE_OK;
}
