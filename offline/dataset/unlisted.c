/*
 * Datasets that the registry does not know yet.
 *
 * A dataset's folder under .floe/datasets is whole before the dataset's own file is renamed into place, and holds a note,
 * "unlisted", with the path that the file is renamed from, until the registry has the dataset. So whoever finds the note
 * without that path knows that the file is in place, and can list it: a process that is killed at any moment loses none. For a
 * table the path is that of a marker in the folder, which goes right after the commit; where it stayed, the table itself tells
 * whether the commit landed, by the snapshot that the manifest names.
 *
 * What dead builds left is swept by whoever looks next. The lock on the note tells the living from the dead, as for spill folders
 * (offline/spill.c): a build holds it from before the note says anything until its file or table is in place. A table's folder is
 * kept for an hour more, in which a catalog may still end a commit that it never answered.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/iceberg/corrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARKER "committing"
#define NOTE "unlisted"
#define ATTEMPTS 100
#define UNSURE_SECONDS 3600

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

/* ---- the lock on the note ---- */

/* Whether the descriptor is that of the file that lies there: who waited for a lock may have got that of a file that is gone. */
static bool is_there(int fd, const char *path) {
    struct stat held, there;
    return fstat(fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
}

/* Where the file system has no locks nobody gets one, and nothing is ever swept. */
static bool lock_or_none(int fd) {
    return flock(fd, LOCK_EX) == 0 || errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS;
}

/* A note that says nothing yet, locked. Another process may find it between its making and its lock, and sweep its folder. */
static floe_status make_note(const char *note, int *ret_fd, floe_error *err) {
    for (int i = 0; i < ATTEMPTS; i++) {
        FLOE_TRY(floe_file_mkdirs_of(note, err));
        int fd = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd >= 0 && lock_or_none(fd) && is_there(fd, note)) {
            *ret_fd = fd;
            return FLOE_OK;
        }
        bool is_gone = fd >= 0 || errno == ENOENT; /* with its folder */
        FLOE_TRY(is_gone ? FLOE_OK
                         : FLOE_FAIL_ERRNO(err, errno == EACCES || errno == EROFS ? FLOE_DENIED : FLOE_IO,
                                           "cannot write %s", note));
        if (fd >= 0) {
            close(fd);
        }
    }
    return FLOE_FAIL(err, FLOE_IO, "cannot lock %s", note);
}

/* The folder itself is made durable by what is written into it after the note. */
static floe_status fill_note(int fd, const char *note, floe_str text, floe_error *err) {
    bool written = write(fd, text.ptr, text.len) == (ssize_t)text.len && fsync(fd) == 0;
    return written ? FLOE_OK : FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot write %s", note);
}

floe_status floe_dataset_note(const floe_dataset_request *request, bool is_table, floe_dataset_result *result,
                              floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    int fd = -1;
    const char *path = NULL, *note = inside(request->root, result->id, NOTE, &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(until(request, result->id, is_table, &arena, &path, err));
    FLOE_TRY(make_note(note, &fd, err));
    result->note_lock = fd + 1;
    FLOE_TRY(is_table ? floe_file_write(path, FLOE_STR(""), false, err) : FLOE_OK);
    return fill_note(fd, note, floe_str_of(path), err);
}

void floe_dataset_note_unlock(floe_dataset_result *result) {
    if (result->note_lock > 0) {
        close(result->note_lock - 1);
        result->note_lock = 0;
    }
}

/* The note's lock, of a build that is dead; -1 where it lives, or did a moment ago. */
static int lock_dead(const char *note, int64_t seconds) {
    struct stat held;
    int fd = open(note, O_RDWR | O_CLOEXEC); /* to write, as some file systems want it of who locks */
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_there(fd, note) || fstat(fd, &held) != 0 ||
                    time(NULL) - held.st_mtime < seconds)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The folder of a dead build, with what it left beside the place of its file; nothing that anybody made since. */
static void sweep(const char *root, const char *id, const char *part, int64_t seconds, floe_arena *arena) {
    const char *note = inside(root, id, NOTE, arena);
    int fd = note ? lock_dead(note, seconds) : -1;
    if (fd < 0) {
        return;
    }
    if (part && floe_str_ends_with(floe_str_of(part), FLOE_STR(".part"))) {
        FLOE_IGNORE(floe_file_remove(part, NULL));
    }
    const char *folder = floe_path_dirname(arena, note);
    if (folder) {
        FLOE_IGNORE(floe_file_remove_all(folder, NULL));
    }
    close(fd);
}

void floe_dataset_sweep(const char *root, const char *id) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    sweep(root, id, NULL, UNSURE_SECONDS, &arena);
}

/* ---- finding ---- */

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
    const char *note = inside(root, id, NOTE, arena), *path = inside(root, id, "manifest.json", arena);
    const char *marker = inside(root, id, MARKER, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_is = false;
    if (!floe_file_exists(note)) {
        return FLOE_OK;
    }
    floe_error why = {0};
    floe_status status = floe_file_read(note, &part, &why);
    if (status.code == FLOE_NOT_FOUND) { /* listed or swept a moment ago */
        return FLOE_OK;
    }
    if (floe_failed(status)) {
        return floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s", why.message);
    }
    bool is_unsure = floe_file_exists(marker), has_manifest = floe_file_exists(path);
    if (!has_manifest || (!is_unsure && floe_file_exists(part.ptr ? part.ptr : ""))) {
        sweep(root, id, part.ptr, 0, arena);
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
    const char *note = inside(root, id, NOTE, &arena), *marker = inside(root, id, MARKER, &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    if (floe_file_exists(marker)) { /* its own build may be about to remove it */
        FLOE_IGNORE(floe_file_remove(marker, NULL));
    }
    return floe_file_remove(note, err);
}
