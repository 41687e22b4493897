/*
 * Local files: reads with a cap, atomic writes, and folder operations.
 *
 * A write goes through a temporary file in the target's own folder, because a rename is atomic only inside one file
 * system: open the folder → create the temporary file → write → fsync → close → rename (or link, which refuses an
 * existing name) → fsync the folder. Names are resolved relative to the folder's descriptor, so a folder that is
 * renamed meanwhile cannot divert the write.
 *
 * Invariants: every call to the operating system goes through an os_* wrapper, which a test can make fail; after a
 * failure no temporary file is left and `ret_*` outputs are untouched. A descriptor is closed exactly once, even when
 * close reports an error, because Linux has freed its number by then.
 */
#include "core/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FLOE_FILE_CHUNK ((size_t)256 * 1024)
#define TEMP_NAME_MAX 80
#define TEMP_ATTEMPTS 100

/* ---- The calls to the operating system ---- */

static _Thread_local struct {
    bool on;
    uint64_t nth;
    uint64_t count;
    int sys_errno;
} fail_hook;

void floe_file_fail_at(uint64_t nth, int sys_errno) {
    fail_hook.on = true;
    fail_hook.nth = nth;
    fail_hook.count = 0;
    fail_hook.sys_errno = sys_errno;
}

void floe_file_fail_off(void) {
    fail_hook.on = false;
}

uint64_t floe_file_fail_count(void) {
    return fail_hook.count;
}

/* Counts one call and tells whether it is the one that shall fail. */
static bool os_fails(void) {
    if (!fail_hook.on) {
        return false;
    }
    fail_hook.count++;
    if (fail_hook.count != fail_hook.nth) {
        return false;
    }
    errno = fail_hook.sys_errno;
    return true;
}

static int os_openat(int folder, const char *name, int flags, mode_t mode) {
    return os_fails() ? -1 : openat(folder, name, flags | O_CLOEXEC, mode);
}

static ssize_t os_read(int fd, void *bytes, size_t len) {
    return os_fails() ? -1 : read(fd, bytes, len);
}

static ssize_t os_write(int fd, const void *bytes, size_t len) {
    return os_fails() ? -1 : write(fd, bytes, len);
}

static int os_fsync(int fd) {
    return os_fails() ? -1 : fsync(fd);
}

static int os_close(int fd) {
    bool fails = os_fails();
    int injected = errno;
    int result = close(fd);
    if (fails) {
        errno = injected;
        return -1;
    }
    return result;
}

static int os_stat(int folder, const char *name, struct stat *ret_stat) {
    return os_fails() ? -1 : fstatat(folder, name, ret_stat, 0);
}

static int os_chmod(int fd, mode_t mode) {
    return os_fails() ? -1 : fchmod(fd, mode);
}

static int os_rename(int folder, const char *from, const char *to) {
    return os_fails() ? -1 : renameat(folder, from, folder, to);
}

static int os_link(int folder, const char *from, const char *to) {
    return os_fails() ? -1 : linkat(folder, from, folder, to, 0);
}

static int os_unlink(int folder, const char *name, int flags) {
    return os_fails() ? -1 : unlinkat(folder, name, flags);
}

static int os_mkdir(const char *path) {
    return os_fails() ? -1 : mkdir(path, 0777);
}

static DIR *os_fdopendir(int fd) {
    return os_fails() ? NULL : fdopendir(fd);
}

/* NULL with errno 0 is the end. */
static struct dirent *os_readdir(DIR *dir) {
    errno = 0;
    return os_fails() ? NULL : readdir(dir);
}

static void close_quietly(int *fd) {
    if (*fd >= 0) {
        (void)os_close(*fd);
        *fd = -1;
    }
}

static void close_dir(DIR **dir) {
    if (*dir) {
        (void)closedir(*dir);
        *dir = NULL;
    }
}

#define AUTO_FD __attribute__((cleanup(close_quietly))) int
#define AUTO_DIR __attribute__((cleanup(close_dir))) DIR

/* What an errno of a file operation means to a caller. */
static floe_code code_of_errno(int number) {
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return FLOE_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return FLOE_DENIED;
    case EEXIST:
        return FLOE_CONFLICT;
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return FLOE_INVALID;
    case ENOMEM:
        return FLOE_NOMEM;
    default:
        return FLOE_IO;
    }
}

/* "cannot write data/x: No space left on device (the disk is full)", from errno. */
static floe_status fail_errno(floe_error *err, const char *verb, const char *path) {
    int number = errno;
    const char *hint = "";
    if (number == ENOSPC) {
        hint = " (the disk is full)";
    } else if (number == EDQUOT) {
        hint = " (the disk quota is used up)";
    }
    return FLOE_FAIL_ERRNO(err, code_of_errno(number), "cannot %s %s: %s%s", verb, path, strerror(number), hint);
}

/* ---- Reading ---- */

/* Whether the file has no byte left. A failed read counts as an error, not as the end. */
static floe_status expect_end(int fd, const char *path, const floe_buf *out, floe_error *err) {
    char byte;
    ssize_t got = os_read(fd, &byte, 1);
    if (got < 0) {
        return fail_errno(err, "read", path);
    }
    FLOE_ENSURE(got == 0, err, FLOE_LIMIT, "cannot read %s: it is larger than the limit of %zu bytes", path, out->cap);
    return FLOE_OK;
}

static floe_status read_all(int fd, const char *path, floe_buf *out, floe_error *err) {
    for (;;) {
        size_t room = out->cap > out->len ? out->cap - out->len : 0;
        if (room == 0) {
            return expect_end(fd, path, out, err);
        }
        size_t want = room < FLOE_FILE_CHUNK ? room : FLOE_FILE_CHUNK;
        char *target = floe_buf_reserve(out, want);
        if (!target) {
            return floe_buf_check(out, err);
        }
        ssize_t got = os_read(fd, target, want);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(err, "read", path);
        }
        if (got == 0) {
            return FLOE_OK;
        }
        floe_buf_advance(out, (size_t)got);
    }
}

floe_status floe_file_read(const char *path, floe_buf *out, floe_error *err) {
    FLOE_TRY(floe_buf_check(out, err));
    AUTO_FD fd = os_openat(AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0) {
        return fail_errno(err, "read", path);
    }
    size_t start = out->len;
    floe_status status = read_all(fd, path, out, err);
    if (floe_failed(status) && out->ptr) {
        out->len = start;
        out->ptr[start] = '\0';
    }
    return status;
}

/* ---- Writing ---- */

/* One write in progress. */
typedef struct temp_file {
    const char *path; /* as the caller wrote it, for messages */
    const char *name; /* its last part */
    int folder;
    int fd;
    bool exists; /* the temporary name */
    char temp[TEMP_NAME_MAX];
} temp_file;

static void temp_close(temp_file *file) {
    close_quietly(&file->fd);
    if (file->exists && os_unlink(file->folder, file->temp, 0) != 0) {
        /* Once more: an unlink that was interrupted on a network file system usually works the second time. */
        (void)os_unlink(file->folder, file->temp, 0);
    }
    close_quietly(&file->folder);
}

/* The folder part of a path, NUL-terminated in `folder`. */
static floe_status split_path(const char *path, char folder[PATH_MAX], const char **ret_name, floe_error *err) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t folder_len = slash ? (size_t)(slash - path) : 0;
    FLOE_ENSURE(*name != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0, err, FLOE_INVALID,
                "cannot write '%s': it names no file", path);
    FLOE_ENSURE(folder_len < PATH_MAX, err, FLOE_INVALID, "cannot write %s: the path is too long", path);
    memcpy(folder, path, folder_len);
    folder[folder_len] = '\0';
    if (folder_len == 0) {
        memcpy(folder, slash ? "/" : ".", 2);
    }
    *ret_name = name;
    return FLOE_OK;
}

/* Creates a file with a new name. The process id alone would not do: containers that share a volume share ids. */
static floe_status temp_create(temp_file *file, floe_error *err) {
    static atomic_uint serial;
    for (int attempt = 0; attempt < TEMP_ATTEMPTS; attempt++) {
        struct timespec now = {0};
        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)snprintf(file->temp, sizeof(file->temp), ".floe-%ld-%lx%lx-%x.tmp", (long)getpid(),
                       (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec, atomic_fetch_add(&serial, 1u));
        file->fd = os_openat(file->folder, file->temp, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (file->fd >= 0) {
            file->exists = true;
            return FLOE_OK;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return fail_errno(err, "create a temporary file for", file->path);
}

/* A file that is replaced keeps its permissions: a secret must not become readable by being rewritten. */
static floe_status temp_take_mode(temp_file *file, floe_error *err) {
    struct stat old;
    if (os_stat(file->folder, file->name, &old) != 0) {
        return errno == ENOENT ? FLOE_OK : fail_errno(err, "write", file->path);
    }
    if (S_ISREG(old.st_mode) && os_chmod(file->fd, old.st_mode & 07777) != 0) {
        return fail_errno(err, "set the permissions of", file->path);
    }
    return FLOE_OK;
}

static floe_status temp_fill(temp_file *file, floe_str bytes, floe_error *err) {
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = os_write(file->fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_errno(err, "write", file->path);
        }
        done += (size_t)put;
    }
    if (os_fsync(file->fd) != 0) {
        return fail_errno(err, "write", file->path);
    }
    int fd = file->fd;
    file->fd = -1;
    return os_close(fd) == 0 ? FLOE_OK : fail_errno(err, "write", file->path);
}

/* Makes the new entry of the folder durable. A file system that cannot fsync a folder says EINVAL. */
static floe_status sync_folder(const temp_file *file, floe_error *err) {
    if (os_fsync(file->folder) == 0 || errno == EINVAL) {
        return FLOE_OK;
    }
    return fail_errno(err, "make durable", file->path);
}

/* The name is taken by link(2), which decides atomically against every other writer. */
static floe_status publish_exclusive(temp_file *file, floe_error *err) {
    if (os_link(file->folder, file->temp, file->name) != 0) {
        return errno == EEXIST ? FLOE_FAIL_ERRNO(err, FLOE_CONFLICT, "%s exists already", file->path)
                               : fail_errno(err, "create", file->path);
    }
    floe_status status = sync_folder(file, err);
    if (floe_failed(status)) {
        (void)os_unlink(file->folder, file->name, 0);
    }
    return status;
}

static floe_status publish(temp_file *file, floe_error *err) {
    if (os_rename(file->folder, file->temp, file->name) != 0) {
        return fail_errno(err, "replace", file->path);
    }
    file->exists = false;
    return sync_folder(file, err);
}

floe_status floe_file_write(const char *path, floe_str bytes, bool exclusive, floe_error *err) {
    char folder[PATH_MAX];
    __attribute__((cleanup(temp_close))) temp_file file = {.path = path, .folder = -1, .fd = -1};
    FLOE_TRY(split_path(path, folder, &file.name, err));
    file.folder = os_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (file.folder < 0) {
        return fail_errno(err, "open the folder of", path);
    }
    FLOE_TRY(temp_create(&file, err));
    if (!exclusive) {
        FLOE_TRY(temp_take_mode(&file, err));
    }
    FLOE_TRY(temp_fill(&file, bytes, err));
    return exclusive ? publish_exclusive(&file, err) : publish(&file, err);
}

/* ---- Folders ---- */

/* A folder that another process makes at the same moment is as good as ours. A parent may exist where mkdir is refused
 * before it looks (EACCES, EROFS). */
static floe_status make_one(const char *prefix, const char *path, floe_error *err) {
    struct stat found = {0};
    if (os_mkdir(prefix) == 0) {
        return FLOE_OK;
    }
    int number = errno;
    if (number != EEXIST && number != EACCES && number != EROFS) {
        return fail_errno(err, "make the folder", path);
    }
    if (os_stat(AT_FDCWD, prefix, &found) == 0) {
        FLOE_ENSURE(S_ISDIR(found.st_mode), err, FLOE_CONFLICT, "cannot make the folder %s: %s is not a folder", path,
                    prefix);
        return FLOE_OK;
    }
    errno = errno == ENOENT ? number : errno;
    return fail_errno(err, "make the folder", path);
}

floe_status floe_file_mkdirs(const char *path, floe_error *err) {
    size_t len = strlen(path);
    char prefix[PATH_MAX];
    FLOE_ENSURE(len > 0, err, FLOE_INVALID, "cannot make a folder without a name");
    FLOE_ENSURE(len < PATH_MAX, err, FLOE_INVALID, "cannot make the folder %s: the path is too long", path);
    memcpy(prefix, path, len + 1);
    for (size_t at = 1; at <= len; at++) {
        bool end_of_part = (prefix[at] == '/' || prefix[at] == '\0') && prefix[at - 1] != '/';
        if (end_of_part) {
            char kept = prefix[at];
            prefix[at] = '\0';
            FLOE_TRY(make_one(prefix, path, err));
            prefix[at] = kept;
        }
    }
    return FLOE_OK;
}

floe_status floe_file_mkdirs_of(const char *path, floe_error *err) {
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    size_t len = slash ? (size_t)(slash - path) : 0;
    FLOE_ENSURE(len < PATH_MAX, err, FLOE_INVALID, "cannot make the folder of %s: the path is too long", path);
    memcpy(folder, path, len);
    folder[len] = '\0';
    return len > 0 ? floe_file_mkdirs(folder, err) : FLOE_OK;
}

bool floe_file_exists(const char *path) {
    struct stat found;
    return os_stat(AT_FDCWD, path, &found) == 0;
}

bool floe_file_is_dir(const char *path) {
    struct stat found;
    return os_stat(AT_FDCWD, path, &found) == 0 && S_ISDIR(found.st_mode);
}

floe_status floe_file_len(const char *path, uint64_t *ret_len, floe_error *err) {
    struct stat found;
    if (os_stat(AT_FDCWD, path, &found) != 0) {
        return fail_errno(err, "look at", path);
    }
    FLOE_ENSURE(!S_ISDIR(found.st_mode), err, FLOE_INVALID, "%s is a folder, not a file", path);
    *ret_len = (uint64_t)found.st_size;
    return FLOE_OK;
}

/* Linux answers EISDIR to unlink of a folder, POSIX EPERM. */
static bool may_be_folder(int number) {
    return number == EISDIR || number == EPERM;
}

static bool is_missing(int number) {
    return number == ENOENT || number == ENOTDIR;
}

floe_status floe_file_remove(const char *path, floe_error *err) {
    if (os_unlink(AT_FDCWD, path, 0) == 0 || is_missing(errno)) {
        return FLOE_OK;
    }
    if (may_be_folder(errno) && (os_unlink(AT_FDCWD, path, AT_REMOVEDIR) == 0 || is_missing(errno))) {
        return FLOE_OK;
    }
    return fail_errno(err, "remove", path);
}

/* Takes over fd. */
static floe_status open_dir(int fd, const char *path, DIR **ret_dir, floe_error *err) {
    DIR *dir = fd < 0 ? NULL : os_fdopendir(fd);
    if (!dir) {
        floe_status status = fail_errno(err, "open the folder", path);
        close_quietly(&fd);
        return status;
    }
    *ret_dir = dir;
    return FLOE_OK;
}

static bool is_dot(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static floe_status remove_tree(int folder, const char *name, const char *path, floe_error *err);

/* One pass over the entries. *ret_any tells whether it removed one. */
static floe_status remove_entries(DIR *dir, const char *path, bool *ret_any, floe_error *err) {
    *ret_any = false;
    for (;;) {
        struct dirent *entry = os_readdir(dir);
        if (!entry) {
            return errno == 0 ? FLOE_OK : fail_errno(err, "list", path);
        }
        if (!is_dot(entry->d_name)) {
            FLOE_TRY(remove_tree(dirfd(dir), entry->d_name, path, err));
            *ret_any = true;
        }
    }
}

/* Some file systems skip entries when others are removed during the walk: walk until one pass finds nothing. */
static floe_status remove_content(int folder, const char *name, const char *path, floe_error *err) {
    AUTO_DIR *dir = NULL;
    FLOE_TRY(open_dir(os_openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), path, &dir, err));
    bool any = true;
    while (any) {
        rewinddir(dir);
        FLOE_TRY(remove_entries(dir, path, &any, err));
    }
    return FLOE_OK;
}

/* The name is first taken for a file, so a symbolic link is removed itself and never followed. */
static floe_status remove_tree(int folder, const char *name, const char *path, floe_error *err) {
    if (os_unlink(folder, name, 0) == 0 || is_missing(errno)) {
        return FLOE_OK;
    }
    if (!may_be_folder(errno)) {
        return fail_errno(err, "remove", path);
    }
    FLOE_TRY(remove_content(folder, name, path, err));
    if (os_unlink(folder, name, AT_REMOVEDIR) != 0 && !is_missing(errno)) {
        return fail_errno(err, "remove", path);
    }
    return FLOE_OK;
}

floe_status floe_file_remove_all(const char *path, floe_error *err) {
    return remove_tree(AT_FDCWD, path, path, err);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

floe_status floe_file_list(const char *path, floe_arena *arena, const char *const **ret_names, size_t *ret_count,
                           floe_error *err) {
    const char **names = NULL;
    size_t count = 0;
    size_t capacity = 0;
    AUTO_DIR *dir = NULL;
    FLOE_TRY(open_dir(os_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0), path, &dir, err));
    for (;;) {
        struct dirent *entry = os_readdir(dir);
        if (!entry && errno != 0) {
            return fail_errno(err, "list", path);
        }
        if (!entry) {
            break;
        }
        const char **slot = is_dot(entry->d_name) ? NULL : FLOE_ARENA_PUSH(arena, names, count, capacity);
        if (slot) {
            *slot = floe_arena_strdup(arena, entry->d_name);
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    if (count > 1) {
        qsort(names, count, sizeof(*names), compare_names);
    }
    *ret_names = names;
    *ret_count = count;
    return FLOE_OK;
}
