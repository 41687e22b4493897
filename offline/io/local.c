/*
 * Local files behind the file-system seam.
 */
#include "offline/io/io.h"

#include "core/file.h"
#include "core/limits.h"

static floe_status local_read(floe_fs *fs, const char *path, floe_buf *out, floe_error *err) {
    (void)fs;
    return floe_file_read(path, out, err);
}

static floe_status local_write(floe_fs *fs, const char *path, floe_str bytes, bool exclusive, floe_error *err) {
    (void)fs;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_file_mkdirs(folder, err));
    return floe_file_write(path, bytes, exclusive, err);
}

static floe_status local_list(floe_fs *fs, const char *path, floe_arena *arena, const char *const **ret_names,
                              size_t *ret_count, floe_error *err) {
    (void)fs;
    return floe_file_list(path, arena, ret_names, ret_count, err);
}

static bool local_exists(floe_fs *fs, const char *path) {
    (void)fs;
    return floe_file_exists(path);
}

static bool local_is_dir(floe_fs *fs, const char *path) {
    (void)fs;
    return floe_file_is_dir(path);
}

static floe_status local_fetch(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    (void)fs, (void)paths, (void)count, (void)err;
    return FLOE_OK; /* they are where they are */
}

static floe_status local_publish(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    (void)fs, (void)paths, (void)count, (void)err;
    return FLOE_OK; /* they are where they belong */
}

static floe_status local_remove(floe_fs *fs, const char *path, floe_error *err) {
    (void)fs;
    return floe_file_remove(path, err);
}

floe_fs *floe_fs_local(void) {
    static const floe_fs_ops OPS = {
        .read = local_read,
        .write = local_write,
        .list = local_list,
        .exists = local_exists,
        .is_dir = local_is_dir,
        .fetch = local_fetch,
        .publish = local_publish,
        .remove = local_remove,
    };
    static floe_fs local = {&OPS};
    return &local;
}

floe_status floe_fs_read_arena(floe_fs *fs, const char *path, size_t cap, floe_arena *arena, floe_str *ret_bytes,
                               floe_error *err) {
    FLOE_AUTO_BUF bytes = {0};
    floe_buf_init(&bytes, cap);
    FLOE_TRY(fs->ops->read(fs, path, &bytes, err));
    *ret_bytes = floe_arena_str(arena, floe_buf_view(&bytes));
    return floe_arena_check(arena, err);
}

floe_status floe_fs_read_moved(floe_fs *fs, const floe_moved *moved, floe_str path, size_t cap, floe_arena *arena,
                               const char **ret_local, floe_str *ret_bytes, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_path_resolve(moved, path, arena, &local, err));
    FLOE_ENSURE(fs->ops->exists(fs, local), err, FLOE_NOT_FOUND, "%s is not there%s", local,
                moved->from.len == 0 ? "; a table that was moved needs --moved-from and --moved-to" : "");
    FLOE_TRY(floe_fs_read_arena(fs, local, cap, arena, ret_bytes, err));
    if (ret_local) {
        *ret_local = local;
    }
    return FLOE_OK;
}
