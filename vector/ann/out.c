/*
 * Writing and reading. A file is never seen half: it has its name only once it is whole and on the disk.
 */
#include "vector/ann/file_int.h"

#include "core/hash.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static floe_status failed(const char *path, const char *what, floe_error *err) {
    floe_code code = errno == ENOENT || errno == ENOTDIR                   ? FLOE_NOT_FOUND
                     : errno == EACCES || errno == EPERM || errno == EROFS ? FLOE_DENIED
                                                                           : FLOE_IO;
    const char *why = errno == ENOSPC ? "the disk is full" : strerror(errno);
    return FLOE_FAIL_ERRNO(err, code, "%s cannot be %s: %s", path, what, why);
}

uint64_t floe_chunks_hash(const void *bytes, size_t len) {
    const char *from = bytes;
    uint64_t hash = 0;
    while (len > 0) {
        size_t part = len < FLOE_OUT_CHUNK ? len : FLOE_OUT_CHUNK;
        hash = floe_xxh64(from, part, hash);
        from += part;
        len -= part;
    }
    return hash;
}

static floe_status write_all(floe_out *out, const char *bytes, size_t len, floe_error *err) {
    while (len > 0) {
        ssize_t done = write(out->file, bytes, len);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return failed(out->path, "written", err);
        }
        bytes += done;
        len -= (size_t)done;
    }
    return FLOE_OK;
}

floe_status floe_out_begin(const char *path, size_t head_len, floe_out *out, floe_error *err) {
    static atomic_uint number;
    char name[64];
    size_t name_len = (size_t)snprintf(name, sizeof(name), ".%ld-%u.tmp", (long)getpid(), atomic_fetch_add(&number, 1));
    size_t path_len = strlen(path);
    *out = (floe_out){.file = -1};
    FLOE_TRY(floe_strdup(path, &out->path, err));
    FLOE_TRY(floe_alloc(path_len + name_len + 1, 1, &out->temporary, err));
    memcpy(out->temporary, path, path_len);
    memcpy(out->temporary + path_len, name, name_len);
    FLOE_TRY(floe_alloc(FLOE_OUT_CHUNK, 1, &out->chunk, err));
    out->file = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (out->file < 0) {
        return failed(path, "written", err);
    }
    return lseek(out->file, (off_t)head_len, SEEK_SET) < 0 ? failed(path, "written", err) : FLOE_OK;
}

floe_status floe_out_flush(floe_out *out, floe_error *err) {
    if (out->chunk_len == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(write_all(out, out->chunk, out->chunk_len, err));
    out->hash = floe_xxh64(out->chunk, out->chunk_len, out->hash);
    out->chunk_len = 0;
    return FLOE_OK;
}

floe_status floe_out_write(floe_out *out, const void *bytes, size_t len, floe_error *err) {
    const char *from = bytes;
    out->len += len;
    while (len > 0) {
        size_t room = FLOE_OUT_CHUNK - out->chunk_len;
        size_t part = len < room ? len : room;
        memcpy(out->chunk + out->chunk_len, from, part);
        out->chunk_len += part;
        from += part;
        len -= part;
        if (out->chunk_len == FLOE_OUT_CHUNK) {
            FLOE_TRY(floe_out_flush(out, err));
        }
    }
    return FLOE_OK;
}

/* The rename is durable once its folder is. */
static floe_status sync_folder(const char *path, floe_error *err) {
    FLOE_AUTO_FREE char *folder = NULL;
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    FLOE_TRY(floe_strndup(slash == NULL ? "." : path, len, &folder, err));
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) {
        return failed(folder, "opened", err);
    }
    int rc = fsync(file);
    int sys_errno = errno;
    (void)close(file);
    errno = sys_errno;
    return rc != 0 ? failed(folder, "made durable", err) : FLOE_OK;
}

floe_status floe_out_end(floe_out *out, const void *head, size_t head_len, floe_error *err) {
    FLOE_TRY(floe_out_flush(out, err));
    if (lseek(out->file, 0, SEEK_SET) < 0) {
        return failed(out->path, "written", err);
    }
    FLOE_TRY(write_all(out, head, head_len, err));
    if (fsync(out->file) != 0) {
        return failed(out->path, "made durable", err);
    }
    int file = out->file;
    out->file = -1;
    if (close(file) != 0 || rename(out->temporary, out->path) != 0) {
        floe_status status = failed(out->path, "replaced", err);
        (void)unlink(out->temporary);
        return status;
    }
    return sync_folder(out->path, err);
}

void floe_out_close(floe_out *out) {
    if (out->file >= 0) {
        (void)close(out->file);
        (void)unlink(out->temporary);
    }
    floe_free(out->path);
    floe_free(out->temporary);
    floe_free(out->chunk);
    *out = (floe_out){.file = -1};
}

static floe_status read_all(int file, const char *path, const floe_block *into, floe_error *err) {
    size_t at = 0;
    while (at < into->len) {
        ssize_t done = read(file, into->begin + at, into->len - at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return failed(path, "read", err);
        }
        FLOE_ENSURE(done > 0, err, FLOE_CORRUPT, "%s became shorter while it was read", path);
        at += (size_t)done;
    }
    return FLOE_OK;
}

static floe_status read_open(int file, const char *path, size_t least, floe_block *ret_block, floe_error *err) {
    FLOE_CLEANUP(floe_block_close) floe_block made = {0};
    struct stat about;
    FLOE_ENSURE(fstat(file, &about) == 0 && S_ISREG(about.st_mode), err, FLOE_CORRUPT, "%s is no file", path);
    FLOE_ENSURE((uint64_t)about.st_size >= least, err, FLOE_CORRUPT,
                "%s has %" PRId64 " bytes, which is less than its head", path, (int64_t)about.st_size);
    FLOE_TRY(floe_block_open((size_t)about.st_size, &made, err));
    FLOE_TRY(read_all(file, path, &made, err));
    *ret_block = made;
    made = (floe_block){0};
    return FLOE_OK;
}

floe_status floe_read_block(const char *path, size_t least, floe_block *ret_block, floe_error *err) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return failed(path, "opened", err);
    }
    floe_status status = read_open(file, path, least, ret_block, err);
    (void)close(file);
    return status;
}
