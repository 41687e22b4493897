/*
 * Datasets that the registry does not know yet.
 *
 * A dataset's folder under .floe/datasets is whole before the dataset's own file is renamed into place, and holds a note,
 * "unlisted", with the path that the file is renamed from, until the registry has the dataset. So whoever finds the note
 * without that path knows that the file is in place, and can list it: a process that is killed at any moment loses none. For a
 * table the path is that of a marker in the folder, which goes right after the commit.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

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
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_is = false;
    if (!floe_file_exists(note) || !floe_file_exists(path)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_file_read(note, &part, err));
    if (floe_file_exists(part.ptr ? part.ptr : "")) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_file_read(path, &manifest, err));
    *ret_item = (floe_dataset_unlisted){id, path, floe_arena_str(arena, floe_buf_view(&manifest))};
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

floe_status floe_dataset_listed(const char *root, const char *id, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *note = inside(root, id, "unlisted", &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    return floe_file_remove(note, err);
}
