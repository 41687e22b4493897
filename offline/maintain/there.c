/*
 * Which files a table's folder holds.
 *
 * The folder is listed once. A store is not asked about each file: what lies below the table's folder is there when the listing
 * has it. Local files are looked at one by one, because links may lead anywhere.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"

#include <string.h>

bool floe_expire_is_metadata_name(floe_str name) {
    return floe_str_ends_with(name, FLOE_STR(".metadata.json")) ||
           floe_str_ends_with(name, FLOE_STR(".metadata.json.gz"));
}

bool floe_expire_is_old(const expiry *state, const floe_fs_file *file) {
    return file->changed_us != INT64_MAX && state->now_us - file->changed_us >= state->request->orphan_age_us;
}

static bool is_below(const char *path, const char *folder) {
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static bool is_listed_only(const expiry *state, const char *local_path) {
    const floe_mirror *mirror = state->import->moved.mirror;
    return mirror && floe_path_is_copy(mirror, local_path) && is_below(local_path, state->import->local_location);
}

floe_status floe_expire_list(expiry *state, floe_error *err) {
    floe_fs *fs = state->import->fs;
    FLOE_TRY(fs->ops->walk(fs, state->import->local_location, state->arena, &state->there, &state->there_count, err));
    for (size_t i = 0; state->import->moved.mirror && i < state->there_count; i++) {
        floe_map_put(&state->listed, floe_str_of(state->there[i].path), (void *)(uintptr_t)&state->there[i]);
    }
    return floe_arena_check(state->arena, err);
}

floe_status floe_expire_look(const expiry *state, const char *local_path, floe_fs_file *ret_file, bool *ret_there,
                             floe_error *err) {
    floe_fs *fs = state->import->fs;
    floe_error failure = {0};
    if (is_listed_only(state, local_path)) {
        const floe_fs_file *file = floe_map_get(&state->listed, floe_str_of(local_path));
        *ret_there = file != NULL;
        *ret_file = file ? *file : (floe_fs_file){.path = local_path};
        return FLOE_OK;
    }
    floe_status status = fs->ops->stat(fs, local_path, ret_file, &failure);
    *ret_there = !floe_failed(status);
    if (!floe_failed(status) || status.code == FLOE_NOT_FOUND) {
        return FLOE_OK;
    }
    return floe_error_set(err, failure.code, failure.sys_errno, failure.file, failure.line, "%s", failure.message);
}
