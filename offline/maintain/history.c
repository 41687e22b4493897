/*
 * The former metadata files of a table: what they still tell of snapshots that have expired, and which of them can go.
 *
 * A run that was killed after its commit leaves files of snapshots that the metadata does not name any more. The former
 * metadata files do, so a file of the log stays as long as it names a snapshot whose manifest list is still there, and
 * the next run finishes the work from it.
 */
#include "offline/maintain/maintain_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/metadata.h"

#include <string.h>

static char present;

static floe_status list_is_there(const expiry *state, const floe_ice_snapshot *snapshot, bool *ret_there,
                                 floe_error *err) {
    const char *local = NULL;
    floe_fs_file file;
    floe_error ignored = {0};
    *ret_there = false;
    if (snapshot->manifest_list.len == 0) {
        return FLOE_OK; /* Its manifests cannot be told from those of others without reading them. */
    }
    floe_status status =
        floe_path_resolve(&state->import->moved, snapshot->manifest_list, state->arena, &local, &ignored);
    return floe_failed(status) ? FLOE_OK : floe_expire_look(state, local, &file, ret_there, err);
}

static void add_dead(expiry *state, const floe_ice_snapshot *snapshot) {
    floe_str key = {(const char *)&snapshot->snapshot_id, sizeof snapshot->snapshot_id};
    if (!floe_map_put(&state->dead_ids, key, &present)) {
        floe_ptrs_append(&state->dead, state->arena, (void *)(uintptr_t)snapshot);
    }
}

/* The snapshots of a former state that are in no present one. *ret_finished: none of them has files left. */
static floe_status take_dead(expiry *state, const floe_ice_metadata *former, bool *ret_finished, floe_error *err) {
    *ret_finished = true;
    for (size_t i = 0; i < former->snapshot_count; i++) {
        const floe_ice_snapshot *snapshot = &former->snapshots[i];
        bool there = false;
        FLOE_TRY(floe_expire_keeps(state, snapshot->snapshot_id) ? FLOE_OK
                                                                 : list_is_there(state, snapshot, &there, err));
        if (!there) {
            continue;
        }
        *ret_finished = false;
        if (snapshot->timestamp_ms < state->cutoff_ms) {
            add_dead(state, snapshot);
        }
    }
    return floe_arena_check(state->arena, err);
}

/* Whether a failure says that there is nothing to be had from the file, now or later. */
static bool is_no_metadata(floe_status status) {
    return status.code == FLOE_NOT_FOUND || status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED ||
           status.code == FLOE_INVALID;
}

/* Reads a former metadata file; one that is gone or damaged tells nothing. */
static floe_status read_former(expiry *state, const char *local_path, bool *ret_finished, floe_error *err) {
    floe_ice_metadata *former = floe_arena_alloc(state->arena, 1, sizeof *former);
    floe_error why = {0};
    FLOE_TRY(floe_arena_check(state->arena, err));
    floe_status status = floe_metadata_read(state->import->table->fs, local_path, state->arena, former, &why);
    *ret_finished = true;
    if (floe_failed(status) && !is_no_metadata(status)) {
        return floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s", why.message);
    }
    bool same_table =
        !floe_failed(status) && floe_str_equal(former->table_uuid, state->import->table->metadata.table_uuid);
    return same_table ? take_dead(state, former, ret_finished, err) : FLOE_OK;
}

/* ---- the log ---- */

static floe_status keep_entry(expiry *state, const char *local_path, floe_error *err) {
    floe_map_put(&state->kept_log, floe_str_of(local_path), &present);
    floe_map_put(&state->need.paths, floe_str_of(local_path), &present);
    return floe_arena_check(state->arena, err);
}

static floe_status read_entry(expiry *state, const floe_node *entry, floe_error *err) {
    const floe_node *path = floe_node_get(entry, "metadata-file");
    const floe_node *time = floe_node_get(entry, "timestamp-ms");
    const char *local = NULL;
    bool finished = false;
    if (!path || path->kind != FLOE_NODE_STRING) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_path_resolve(&state->import->moved, path->text, state->arena, &local, err));
    FLOE_TRY(read_former(state, local, &finished, err));
    bool young = time && time->kind == FLOE_NODE_INT && time->as.integer >= state->cutoff_ms;
    if (young || !finished) {
        return keep_entry(state, local, err);
    }
    floe_ptrs_append(&state->trimmed, state->arena, (void *)(uintptr_t)local);
    return floe_arena_check(state->arena, err);
}

/* A commit writes one metadata file more: one that is made only to lose one entry of the log would come to no end. */
static floe_status trim_log(expiry *state, floe_error *err) {
    bool trims =
        state->owns_metadata && (state->dropped.count > 0 || state->dropped_refs.count > 0 || state->trimmed.count > 1);
    for (size_t i = 0; i < state->trimmed.count; i++) {
        const char *local = state->trimmed.items[i];
        FLOE_TRY(trims ? floe_expire_add_local(state, local, EXPIRE_METADATA, err) : keep_entry(state, local, err));
    }
    state->trims_log = trims && state->trimmed.count > 0;
    return FLOE_OK;
}

/* ---- files beside the log ---- */

/* Metadata files that have left the log, as it holds a hundred: what they name may be left over too. */
static floe_status read_unlogged(expiry *state, floe_error *err) {
    const char *folder = floe_arena_printf(state->arena, "%s/metadata", state->import->local_location);
    FLOE_TRY(floe_arena_check(state->arena, err));
    for (size_t i = 0; i < state->there_count; i++) {
        const floe_fs_file *file = &state->there[i];
        floe_str name = floe_path_basename(file->path);
        bool beside =
            (size_t)(name.ptr - file->path) == strlen(folder) + 1 && strncmp(file->path, folder, strlen(folder)) == 0;
        bool finished = false;
        if (beside && floe_expire_is_metadata_name(name) && floe_expire_is_old(state, file) &&
            !floe_map_get(&state->kept_log, floe_str_of(file->path)) &&
            !floe_map_get(&state->need.paths, floe_str_of(file->path))) {
            FLOE_TRY(read_former(state, file->path, &finished, err));
        }
    }
    return FLOE_OK;
}

floe_status floe_expire_read_history(expiry *state, floe_error *err) {
    const floe_node *log = floe_node_get(state->import->table->metadata.root, "metadata-log");
    for (size_t i = 0; i < state->dropped.count; i++) {
        add_dead(state, state->dropped.items[i]);
    }
    for (size_t i = 0; log && log->kind == FLOE_NODE_ARRAY && i < log->count; i++) {
        FLOE_TRY(read_entry(state, log->items[i], err));
    }
    FLOE_TRY(trim_log(state, err));
    return read_unlogged(state, err);
}
