/*
 * Which files the snapshots that stay need, and which only those that go needed.
 *
 * Rule: a file is needed when its path is, or when the file system says that it is the same file as one that is: links and
 *       other spellings of a folder hide nothing. What a snapshot that stays names must be readable, or nothing is
 *       removed; of snapshots that go whatever is left is taken, since an earlier run may have removed the rest.
 */
#include "offline/maintain/maintain_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/manifest.h"

static char present;

/* ---- one file ---- */

typedef struct file_identity {
    uint64_t device, inode;
} file_identity;

static floe_str identity_key(const file_identity *identity) {
    return (floe_str){(const char *)identity, sizeof *identity};
}

static file_identity identity_of(const floe_fs_file *file) {
    return (file_identity){file->device, file->inode};
}

/* Objects have no identity besides their names, so that the store need not be asked about them. */
static floe_status need_local(expiry *state, const char *local_path, floe_error *err) {
    floe_fs_file file = {0};
    bool there = false;
    floe_map_put(&state->need.paths, floe_str_of(local_path), &present);
    if (state->import->moved.mirror && floe_path_is_copy(state->import->moved.mirror, local_path)) {
        return floe_arena_check(state->arena, err);
    }
    FLOE_TRY(floe_expire_look(state, local_path, &file, &there, err));
    if (there) {
        file_identity *identity = floe_arena_alloc(state->arena, 1, sizeof *identity);
        FLOE_TRY(floe_arena_check(state->arena, err));
        *identity = identity_of(&file);
        floe_map_put(&state->need.inodes, identity_key(identity), &present);
    }
    return floe_arena_check(state->arena, err);
}

bool floe_expire_is_needed(const expiry *state, const floe_fs_file *file) {
    file_identity identity = identity_of(file);
    bool has_identity = file->device != 0 || file->inode != 0;
    return floe_map_get(&state->need.paths, floe_str_of(file->path)) ||
           (has_identity && floe_map_get(&state->need.inodes, identity_key(&identity)));
}

static floe_status need_path(expiry *state, floe_str path, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_path_resolve(&state->import->moved, path, state->arena, &local, err));
    return need_local(state, local, err);
}

/* Hadoop's file system puts a checksum beside a file, ".x.crc" of "x", which has no use without it. */
static floe_status add_checksum(expiry *state, const char *local_path, floe_error *err) {
    floe_str name = floe_path_basename(local_path);
    const char *checksum =
        floe_arena_printf(state->arena, "%.*s.%.*s.crc", (int)(name.ptr - local_path), local_path, FLOE_STR_ARG(name));
    FLOE_TRY(floe_arena_check(state->arena, err));
    return floe_expire_add_local(state, checksum, EXPIRE_ORPHAN, err);
}

floe_status floe_expire_add_local(expiry *state, const char *local_path, expire_kind kind, floe_error *err) {
    floe_fs_file found = {0};
    bool there = false;
    floe_str path = floe_str_of(local_path);
    if (floe_map_get(&state->need.paths, path) || floe_map_get(&state->chosen, path)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_expire_look(state, local_path, &found, &there, err));
    if (!there || floe_expire_is_needed(state, &found)) {
        return FLOE_OK;
    }
    expire_file *file = FLOE_ARENA_PUSH(state->arena, state->files, state->file_count, state->file_capacity);
    FLOE_TRY(floe_arena_check(state->arena, err));
    *file = (expire_file){.file = found, .kind = kind};
    file->file.path = local_path;
    floe_map_put(&state->chosen, path, &present);
    bool has_checksum = kind != EXPIRE_ORPHAN && found.inode != 0; /* Hadoop's local files alone have them */
    return has_checksum ? add_checksum(state, local_path, err) : floe_arena_check(state->arena, err);
}

floe_status floe_expire_add(expiry *state, floe_str path, expire_kind kind, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_path_resolve(&state->import->moved, path, state->arena, &local, err));
    return floe_expire_add_local(state, local, kind, err);
}

/* ---- manifests ---- */

typedef struct manifest_walk {
    expiry *state;
    bool needed; /* else: candidates to go */
} manifest_walk;

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    manifest_walk *walk = context;
    if (walk->needed) { /* What a snapshot lists as deleted it does not need. */
        return file->status == 2 ? FLOE_OK : need_path(walk->state, file->path, err);
    }
    return floe_expire_add(walk->state, file->path, file->content == 0 ? EXPIRE_DATA : EXPIRE_DELETES, err);
}

/* Each manifest is read once, however many snapshots list it. The paths outlive the bytes of the manifest. */
static floe_status walk_manifest(manifest_walk *walk, const floe_ice_metadata *metadata,
                                 const floe_ice_manifest *manifest, floe_error *err) {
    floe_manifest_reader reader = {.metadata = metadata, .arena = walk->state->arena, .visit = visit, .context = walk};
    return floe_manifest_read(walk->state->import->table->fs, &walk->state->import->moved, manifest, &reader, err);
}

/* Whether a manifest was read before; it is from now on. */
static floe_status first_time(expiry *state, floe_str path, bool *ret_first, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_path_resolve(&state->import->moved, path, state->arena, &local, err));
    *ret_first = !floe_map_put(&state->need.manifests, floe_str_of(local), &present);
    return floe_arena_check(state->arena, err);
}

/* ---- snapshots that stay ---- */

static floe_status need_snapshot(expiry *state, const floe_ice_metadata *metadata, const floe_ice_snapshot *snapshot,
                                 floe_error *err) {
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    manifest_walk walk = {state, true};
    FLOE_TRY(floe_manifest_list_read(state->import->table->fs, &state->import->moved, snapshot, state->arena,
                                     &manifests, &count, err));
    FLOE_TRY(snapshot->manifest_list.len > 0 ? need_path(state, snapshot->manifest_list, err) : FLOE_OK);
    for (size_t i = 0; i < count; i++) {
        bool first = false;
        FLOE_TRY(first_time(state, manifests[i].path, &first, err));
        if (first) {
            FLOE_TRY(need_path(state, manifests[i].path, err));
            FLOE_TRY(walk_manifest(&walk, metadata, &manifests[i], err));
        }
    }
    return FLOE_OK;
}

static const char *const STATISTICS[] = {"statistics", "partition-statistics"};
enum { STATISTICS_LISTS = sizeof(STATISTICS) / sizeof(STATISTICS[0]) };

/* Statistics may be attached to a snapshot at any time, and what names them is whole: whatever it names stays. */
static floe_status need_statistics(expiry *state, const floe_ice_metadata *metadata, floe_error *err) {
    for (size_t l = 0; l < STATISTICS_LISTS; l++) {
        const floe_node *list = floe_node_get(metadata->root, STATISTICS[l]);
        for (size_t i = 0; list && list->kind == FLOE_NODE_ARRAY && i < list->count; i++) {
            const floe_node *path = floe_node_get(list->items[i], "statistics-path");
            FLOE_TRY(path && path->kind == FLOE_NODE_STRING ? need_path(state, path->text, err) : FLOE_OK);
        }
    }
    return FLOE_OK;
}

floe_status floe_expire_need_newer(expiry *state, const floe_ice_metadata *metadata, floe_error *err) {
    bool begun = false;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (floe_expire_keeps(state, metadata->snapshots[i].snapshot_id)) {
            continue;
        }
        if (!begun) { /* A manifest that was read to see what goes is read again to see what stays. */
            floe_map_init(&state->need.manifests, state->arena);
            begun = true;
        }
        FLOE_TRY(need_snapshot(state, metadata, &metadata->snapshots[i], err));
    }
    return need_statistics(state, metadata, err);
}

static bool names_kept_snapshot(const expiry *state, const floe_node *item) {
    const floe_node *id = floe_node_get(item, "snapshot-id");
    return !id || id->kind != FLOE_NODE_INT || floe_expire_keeps(state, id->as.integer);
}

/* Statistics files: those of snapshots that stay are needed, others go. */
static floe_status sort_statistics(expiry *state, const floe_ice_metadata *metadata, bool needed, floe_error *err) {
    for (size_t l = 0; l < STATISTICS_LISTS; l++) {
        const floe_node *list = floe_node_get(metadata->root, STATISTICS[l]);
        for (size_t i = 0; list && list->kind == FLOE_NODE_ARRAY && i < list->count; i++) {
            const floe_node *path = floe_node_get(list->items[i], "statistics-path");
            if (!path || path->kind != FLOE_NODE_STRING || names_kept_snapshot(state, list->items[i]) != needed) {
                continue;
            }
            FLOE_TRY(needed ? need_path(state, path->text, err)
                            : floe_expire_add(state, path->text, EXPIRE_STATISTICS, err));
        }
    }
    return FLOE_OK;
}

floe_status floe_expire_need(expiry *state, const floe_ice_metadata *metadata, floe_error *err) {
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (floe_expire_keeps(state, metadata->snapshots[i].snapshot_id)) {
            FLOE_TRY(need_snapshot(state, metadata, &metadata->snapshots[i], err));
        }
    }
    FLOE_TRY(sort_statistics(state, metadata, true, err));
    return need_local(state, state->import->table->metadata_path, err);
}

/* ---- snapshots that go ---- */

/* What is not there any more was removed before. */
static floe_status unless_gone(floe_status status, const floe_error *why, bool *ret_gone, floe_error *err) {
    *ret_gone = status.code == FLOE_NOT_FOUND;
    if (!floe_failed(status) || *ret_gone) {
        return FLOE_OK;
    }
    return floe_error_set(err, why->code, why->sys_errno, why->file, why->line, "%s", why->message);
}

static floe_status choose_manifest(expiry *state, const floe_ice_manifest *manifest, floe_error *err) {
    manifest_walk walk = {state, false};
    floe_error why = {0};
    bool first = false, gone = false;
    FLOE_TRY(first_time(state, manifest->path, &first, err));
    if (!first) {
        return FLOE_OK;
    }
    floe_status status = walk_manifest(&walk, &state->import->table->metadata, manifest, &why);
    FLOE_TRY(unless_gone(status, &why, &gone, err));
    return gone ? FLOE_OK : floe_expire_add(state, manifest->path, EXPIRE_MANIFEST, err);
}

static floe_status choose_snapshot(expiry *state, const floe_ice_snapshot *snapshot, floe_error *err) {
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error why = {0};
    bool gone = false;
    floe_status status = floe_manifest_list_read(state->import->table->fs, &state->import->moved, snapshot,
                                                 state->arena, &manifests, &count, &why);
    FLOE_TRY(unless_gone(status, &why, &gone, err));
    for (size_t i = 0; i < count && !gone; i++) {
        FLOE_TRY(choose_manifest(state, &manifests[i], err));
    }
    return gone || snapshot->manifest_list.len == 0 ? FLOE_OK
                                                    : floe_expire_add(state, snapshot->manifest_list, EXPIRE_LIST, err);
}

floe_status floe_expire_choose(expiry *state, floe_error *err) {
    for (size_t i = 0; i < state->dead.count; i++) {
        FLOE_TRY(choose_snapshot(state, state->dead.items[i], err));
    }
    return sort_statistics(state, &state->import->table->metadata, false, err);
}
