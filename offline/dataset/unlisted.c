/*
 * Datasets that the registry does not know yet.
 *
 * A dataset's folder under .floe/datasets is whole before the dataset's own file is renamed into place, and holds a note,
 * "unlisted", with the path that the file is renamed from, until the registry has the dataset. So whoever finds the note
 * without that path knows that the file is in place, and can list it: a process that is killed at any moment loses none. For a
 * table the path is that of a marker in the folder, which goes right after the commit; where it stayed, the table itself tells
 * whether the commit landed, by the snapshot that the manifest names.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/iceberg/corrupt.h"

#define MARKER "committing"

static const char *inside(const char *root, const char *id, const char *name, floe_arena *arena) {
    return floe_arena_printf(arena, "%s/.floe/datasets/%s/%s", root, id, name);
}

/* What lies there while what was built is not in place: a file's part, or a table's marker. */
static floe_status until(const floe_dataset_request *request, const char *id, bool is_table, floe_arena *arena,
                         const char **ret_path, floe_error *err) {
    FLOE_AUTO_BUF part;
    floe_buf_init(&part, FLOE_KIB(16));
    FLOE_TRY(floe_rows_part(request->out, &part, err));
    const char *path = is_table ? inside(request->root, id, MARKER, arena) : part.ptr;
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_path_absolute(arena, path, ret_path, err);
}

floe_status floe_dataset_note(const floe_dataset_request *request, const char *id, bool is_table, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *path = NULL, *note = inside(request->root, id, "unlisted", &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(until(request, id, is_table, &arena, &path, err));
    FLOE_TRY(is_table ? floe_file_write(path, FLOE_STR(""), false, err) : FLOE_OK);
    return floe_file_write(note, floe_str_of(path), false, err);
}

floe_status floe_dataset_marker_remove(const floe_dataset_request *request, const char *id) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *marker = inside(request->root, id, MARKER, &arena);
    FLOE_TRY(floe_arena_check(&arena, NULL));
    return floe_file_remove(marker, NULL);
}

static floe_status read_unlisted(const char *root, const char *id, floe_arena *arena, floe_dataset_unlisted *ret_item,
                                 bool *ret_is, floe_error *err) {
    FLOE_AUTO_BUF part, manifest;
    floe_buf_init(&part, FLOE_KIB(16));
    floe_buf_init(&manifest, FLOE_MIB(64));
    const char *note = inside(root, id, "unlisted", arena), *path = inside(root, id, "manifest.json", arena);
    const char *marker = inside(root, id, MARKER, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_is = false;
    if (!floe_file_exists(note) || !floe_file_exists(path)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_file_read(note, &part, err));
    bool is_unsure = floe_file_exists(marker);
    if (!is_unsure && floe_file_exists(part.ptr ? part.ptr : "")) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_file_read(path, &manifest, err));
    *ret_item = (floe_dataset_unlisted){id, path, floe_arena_str(arena, floe_buf_view(&manifest)), is_unsure};
    *ret_is = true;
    return floe_arena_check(arena, err);
}

floe_status floe_datasets_unlisted(const char *root, floe_arena *arena, const floe_dataset_unlisted **ret_items,
                                   size_t *ret_count, floe_error *err) {
    const char *const *ids = NULL;
    size_t id_count = 0, count = 0;
    const char *folder = floe_arena_printf(arena, "%s/.floe/datasets", root);
    FLOE_TRY(floe_arena_check(arena, err));
    if (floe_file_is_dir(folder)) {
        FLOE_TRY(floe_file_list(folder, arena, &ids, &id_count, err));
    }
    floe_dataset_unlisted *items = floe_arena_alloc(arena, id_count + 1, sizeof(*items));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < id_count; i++) {
        bool is_unlisted = false;
        FLOE_TRY(read_unlisted(root, ids[i], arena, &items[count], &is_unlisted, err));
        count += is_unlisted;
    }
    *ret_items = items;
    *ret_count = count;
    return FLOE_OK;
}

/* The table and the snapshot that a manifest names. */
static floe_status read_output(floe_str manifest, floe_arena *arena, const char **ret_table, int64_t *ret_snapshot_id,
                               floe_error *err) {
    const floe_node *root = NULL;
    floe_str table;
    FLOE_TRY(floe_as_corrupt(floe_json_parse_any_text(arena, manifest, &root, err), err));
    const floe_node *output = floe_node_get(root, "output");
    FLOE_ENSURE(output && output->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT, "the manifest names no table");
    FLOE_TRY(floe_node_need_str(output, "table", "the manifest", &table, err));
    FLOE_TRY(floe_node_need_i64(output, "snapshot_id", "the manifest", ret_snapshot_id, err));
    *ret_table = floe_arena_strndup(arena, table.ptr, table.len);
    return floe_arena_check(arena, err);
}

floe_status floe_dataset_committed(floe_lake *lake, floe_str manifest, bool *ret_committed, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_CLEANUP(floe_table_close) floe_table *table = NULL;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_error why = {0};
    const char *name = NULL;
    int64_t snapshot_id = -1;
    FLOE_TRY(read_output(manifest, &arena, &name, &snapshot_id, err));
    floe_status status = floe_table_open(lake, name, NULL, NULL, &table, &why);
    if (status.code == FLOE_NOT_FOUND) {
        *ret_committed = false;
        return FLOE_OK;
    }
    if (floe_failed(status)) {
        return floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s", why.message);
    }
    *ret_committed = floe_ice_snapshot_by_id(floe_table_metadata(table), snapshot_id) != NULL;
    return FLOE_OK;
}

floe_status floe_dataset_listed(const char *root, const char *id, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *note = inside(root, id, "unlisted", &arena), *marker = inside(root, id, MARKER, &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    if (floe_file_exists(marker)) { /* its own build may be about to remove it */
        FLOE_IGNORE(floe_file_remove(marker, NULL));
    }
    return floe_file_remove(note, err);
}
