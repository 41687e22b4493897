/*
 * The footer of a Parquet file, read from its end, and private copies in which a few of its bytes are others.
 *
 * A Parquet file ends with its footer, the footer's length in four bytes, little-endian, and "PAR1"; with "PARE" the footer is
 * encrypted. The copy is made by the kernel where it can (copy_file_range), which then shares blocks, and else by reading and
 * writing. Each byte is compared before it is changed: the file may have become another meanwhile.
 */
#include "offline/io/parquet.h"

#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE FLOE_MIB(64) /* after each of which somebody may have cancelled */
#define SMALL_PIECE FLOE_MIB(1)
#define TAIL 8

static void close_file(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

static floe_status fail_errno(floe_error *err, const char *verb, const char *path) {
    int number = errno;
    floe_code code = number == ENOENT                      ? FLOE_NOT_FOUND
                     : number == EACCES || number == EPERM ? FLOE_DENIED
                     : number == EEXIST                    ? FLOE_CONFLICT
                                                           : FLOE_IO;
    const char *hint =
        number == ENOSPC || number == EDQUOT ? " (the disk is full: set TMPDIR to a folder with more room)" : "";
    return FLOE_FAIL_ERRNO(err, code, "cannot %s %s: %s%s", verb, path, strerror(number), hint);
}

static floe_status open_file(const char *path, int *ret_fd, uint64_t *ret_len, floe_error *err) {
    struct stat there;
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0 || fstat(*ret_fd, &there) != 0) {
        return fail_errno(err, "read", path);
    }
    FLOE_ENSURE(S_ISREG(there.st_mode), err, FLOE_INVALID, "cannot read %s: it is no file", path);
    *ret_len = (uint64_t)there.st_size;
    return FLOE_OK;
}

static floe_status read_at(int fd, const char *path, char *out, size_t len, uint64_t at, floe_error *err) {
    for (size_t done = 0; done < len;) {
        ssize_t got = pread(fd, out + done, len - done, (off_t)(at + done));
        if (got < 0 && errno != EINTR) {
            return fail_errno(err, "read", path);
        }
        FLOE_ENSURE(got != 0, err, FLOE_CORRUPT, "%s ends before its footer does", path);
        done += got > 0 ? (size_t)got : 0;
    }
    return FLOE_OK;
}

floe_status floe_parquet_footer_read(const char *path, floe_buf *out, uint64_t *ret_at, floe_error *err) {
    FLOE_CLEANUP(close_file) int fd = -1;
    uint64_t len = 0;
    char tail[TAIL];
    uint32_t footer_len = 0;
    FLOE_TRY(open_file(path, &fd, &len, err));
    FLOE_ENSURE(len >= TAIL + 4, err, FLOE_CORRUPT, "%s is no Parquet file: it is too short", path);
    FLOE_TRY(read_at(fd, path, tail, TAIL, len - TAIL, err));
    FLOE_ENSURE(memcmp(tail + 4, "PARE", 4) != 0, err, FLOE_UNSUPPORTED, "%s is encrypted, which is not supported",
                path);
    FLOE_ENSURE(memcmp(tail + 4, "PAR1", 4) == 0, err, FLOE_CORRUPT, "%s is no Parquet file: it does not end like one",
                path);
    floe_reader reader = floe_reader_of(tail, 4);
    FLOE_TRY(floe_read_u32(&reader, &footer_len, "a Parquet file's end", err));
    FLOE_ENSURE(footer_len <= len - TAIL - 4, err, FLOE_CORRUPT, "%s: its footer is said to be longer than the file",
                path);
    FLOE_ENSURE(footer_len <= FLOE_LIMIT_PARQUET_FOOTER_BYTES, err, FLOE_LIMIT,
                "%s: its footer of %u bytes is larger than the limit of %zu", path, footer_len,
                FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    char *room = floe_buf_reserve(out, footer_len);
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_TRY(read_at(fd, path, room, footer_len, len - TAIL - footer_len, err));
    floe_buf_advance(out, footer_len);
    *ret_at = len - TAIL - footer_len;
    return FLOE_OK;
}

/* ---- copies ---- */

typedef struct copying {
    const floe_parquet_copy *copy;
    int from, to;
    char *piece; /* NULL while the kernel copies by itself */
} copying;

static floe_status write_all(const copying *run, const char *bytes, size_t len, floe_error *err) {
    for (size_t done = 0; done < len;) {
        ssize_t put = write(run->to, bytes + done, len - done);
        if (put < 0 && errno != EINTR) {
            return fail_errno(err, "write", run->copy->to);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return FLOE_OK;
}

/* By reading and writing, from where either file is at. *ret_got 0: the end. */
static floe_status copy_small(copying *run, ssize_t *ret_got, floe_error *err) {
    do {
        *ret_got = read(run->from, run->piece, SMALL_PIECE);
    } while (*ret_got < 0 && errno == EINTR);
    return *ret_got < 0 ? fail_errno(err, "read", run->copy->from) : write_all(run, run->piece, (size_t)*ret_got, err);
}

static floe_status copy_piece(copying *run, ssize_t *ret_got, floe_error *err) {
    if (run->piece == NULL) {
        *ret_got = copy_file_range(run->from, NULL, run->to, NULL, PIECE, 0);
        if (*ret_got > 0) {
            return FLOE_OK;
        }
        if (*ret_got < 0 && (errno == ENOSPC || errno == EDQUOT)) {
            return fail_errno(err, "write", run->copy->to);
        }
        /* Not between these two file systems; or nothing more, of which some of them are not to be believed. */
        FLOE_TRY(floe_alloc(SMALL_PIECE, 1, &run->piece, err));
    }
    return copy_small(run, ret_got, err);
}

static floe_status copy_bytes(copying *run, floe_error *err) {
    const atomic_bool *cancelled = run->copy->cancelled;
    for (ssize_t got = 1; got > 0;) {
        FLOE_ENSURE(cancelled == NULL || !atomic_load(cancelled), err, FLOE_CANCELLED, "cancelled");
        FLOE_TRY(copy_piece(run, &got, err));
    }
    return FLOE_OK;
}

static floe_status patch(const copying *run, floe_error *err) {
    const floe_parquet_copy *copy = run->copy;
    for (size_t i = 0; i < copy->patch_count; i++) {
        char byte = 0;
        uint64_t at = copy->footer_at + copy->patches[i].at;
        FLOE_TRY(read_at(run->to, copy->from, &byte, 1, at, err));
        FLOE_ENSURE((uint8_t)byte == copy->patches[i].from, err, FLOE_CONFLICT, "%s was changed while it was read",
                    copy->from);
        if (pwrite(run->to, &copy->patches[i].to, 1, (off_t)at) != 1) {
            return fail_errno(err, "write", copy->to);
        }
    }
    return FLOE_OK;
}

static floe_status write_at(const copying *run, const char *bytes, size_t len, uint64_t at, floe_error *err) {
    for (size_t done = 0; done < len;) {
        ssize_t put = pwrite(run->to, bytes + done, len - done, (off_t)(at + done));
        if (put < 0 && errno != EINTR) {
            return fail_errno(err, "write", run->copy->to);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return FLOE_OK;
}

/* The footer with the bytes that are put between its own, its length after it. */
static void put_longer(const copying *run, floe_str footer, floe_buf *out) {
    const floe_parquet_copy *copy = run->copy;
    size_t done = 0;
    for (size_t i = 0; i < copy->patch_count; i++) {
        const floe_parquet_patch *one = &copy->patches[i];
        if (one->before_len > 0) {
            floe_buf_append(out, footer.ptr + done, (size_t)one->at - done);
            floe_buf_append(out, one->before, one->before_len);
            done = (size_t)one->at;
        }
    }
    floe_buf_append(out, footer.ptr + done, footer.len - done);
    floe_buf_u32(out, (uint32_t)out->len);
    floe_buf_text(out, "PAR1");
}

static floe_status lengthen(const copying *run, floe_error *err) {
    const floe_parquet_copy *copy = run->copy;
    FLOE_AUTO_BUF footer, longer;
    uint64_t at = 0;
    bool any = false;
    floe_buf_init(&footer, FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    floe_buf_init(&longer, 2 * FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    for (size_t i = 0; i < copy->patch_count; i++) {
        any = any || copy->patches[i].before_len > 0;
    }
    if (!any) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_parquet_footer_read(copy->to, &footer, &at, err));
    FLOE_ENSURE(at == copy->footer_at, err, FLOE_CONFLICT, "%s was changed while it was read", copy->from);
    put_longer(run, floe_buf_view(&footer), &longer);
    FLOE_TRY(floe_buf_check(&longer, err));
    return write_at(run, longer.ptr, longer.len, at, err);
}

static floe_status fill(copying *run, floe_error *err) {
    FLOE_TRY(copy_bytes(run, err));
    FLOE_TRY(patch(run, err));
    return lengthen(run, err);
}

floe_status floe_parquet_copy_make(const floe_parquet_copy *copy, floe_error *err) {
    FLOE_CLEANUP(close_file) int from = -1;
    FLOE_CLEANUP(close_file) int to = -1;
    FLOE_AUTO_FREE char *piece = NULL;
    uint64_t len = 0;
    FLOE_TRY(open_file(copy->from, &from, &len, err));
    to = open(copy->to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        return fail_errno(err, "write", copy->to);
    }
    copying run = {.copy = copy, .from = from, .to = to};
    floe_status status = fill(&run, err);
    piece = run.piece;
    if (floe_failed(status)) {
        (void)unlink(copy->to);
    }
    return status;
}
