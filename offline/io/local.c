/*
 * Local files behind the file-system seam.
 */
#include "offline/io/io.h"

#include "core/file.h"
#include "core/limits.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

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

static floe_status local_remove_all(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    (void)fs;
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_file_remove(paths[i], err));
    }
    return FLOE_OK;
}

/* ---- what is there ---- */

static floe_fs_file file_of(const char *path, const struct stat *about) {
    return (floe_fs_file){.path = path,
                          .len = (int64_t)about->st_size,
                          .changed_us = (int64_t)about->st_mtim.tv_sec * 1000000 + about->st_mtim.tv_nsec / 1000,
                          .device = (uint64_t)about->st_dev,
                          .inode = (uint64_t)about->st_ino};
}

static floe_status local_stat(floe_fs *fs, const char *path, floe_fs_file *ret_file, floe_error *err) {
    struct stat about;
    (void)fs;
    if (stat(path, &about) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return FLOE_FAIL(err,
                         missing           ? FLOE_NOT_FOUND
                         : errno == EACCES ? FLOE_DENIED
                                           : FLOE_IO,
                         "%s: %s", path, strerror(errno));
    }
    FLOE_ENSURE(S_ISREG(about.st_mode), err, FLOE_NOT_FOUND, "%s is no file", path);
    *ret_file = file_of(path, &about);
    return FLOE_OK;
}

static void close_tree(FTS **tree) {
    if (*tree != NULL) {
        (void)fts_close(*tree);
    }
}

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What cannot be looked into is an error: a walk that leaves something out would be taken for the whole. */
static floe_status check_entry(const FTSENT *entry, floe_error *err) {
    bool failed = entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS;
    bool missing = failed && entry->fts_errno == ENOENT;
    FLOE_ENSURE(!failed || missing, err, entry->fts_errno == EACCES ? FLOE_DENIED : FLOE_IO, "%s cannot be read: %s",
                entry->fts_path, strerror(entry->fts_errno));
    return FLOE_OK;
}

static floe_status local_walk(floe_fs *fs, const char *path, floe_arena *arena, const floe_fs_file **ret_files,
                              size_t *ret_count, floe_error *err) {
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    floe_fs_file *files = NULL;
    size_t count = 0;
    size_t capacity = 0;
    (void)fs;
    __attribute__((cleanup(close_tree))) FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FLOE_ENSURE(tree != NULL, err, FLOE_IO, "%s cannot be read: %s", path, strerror(errno));
    for (FTSENT *entry = NULL; (entry = fts_read(tree)) != NULL;) {
        FLOE_TRY(check_entry(entry, err));
        floe_fs_file *file = entry->fts_info == FTS_F ? FLOE_ARENA_PUSH(arena, files, count, capacity) : NULL;
        if (file != NULL && S_ISREG(entry->fts_statp->st_mode)) {
            *file = file_of(floe_arena_strdup(arena, entry->fts_path), entry->fts_statp);
        } else if (file != NULL) {
            count--; /* a pipe or a device */
        }
        FLOE_TRY(floe_arena_check(arena, err));
    }
    *ret_files = files;
    *ret_count = count;
    return FLOE_OK;
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
        .remove_all = local_remove_all,
        .stat = local_stat,
        .walk = local_walk,
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
    floe_error failure = {0};
    FLOE_TRY(floe_path_resolve(moved, path, arena, &local, err));
    floe_status status = floe_fs_read_arena(fs, local, cap, arena, ret_bytes, &failure);
    if (status.code == FLOE_NOT_FOUND) {
        floe_str name = floe_path_is_object(path) ? path : floe_str_of(local);
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "%.*s is not there%s", FLOE_STR_ARG(name),
                         moved->from.len == 0 ? "; a table that was moved needs --moved-from and --moved-to, or moved: "
                                                "{from, to} of its catalog in floe.yaml"
                                              : "");
    }
    if (floe_failed(status)) {
        return floe_error_set(err, failure.code, failure.sys_errno, failure.file, failure.line, "%s", failure.message);
    }
    if (ret_local) {
        *ret_local = local;
    }
    return FLOE_OK;
}
