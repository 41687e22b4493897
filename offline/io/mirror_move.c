/*
 * Objects are fetched, sent and removed by several threads, each with a connection of its own; where there are fewer objects than
 * threads, several fetch pieces of one. The calling thread waits; the first failure ends the others after the piece they are at.
 */
#include "offline/io/mirror_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS_MAX = 8 };
#define PIECE_LEN FLOE_MIB(8)
#define OBJECT_MAX FLOE_GIB(5) /* of one PUT, by S3's rule */

typedef struct transfer {
    floe_mirror *mirror;
    const char *const *paths;
    size_t count;
    floe_mirror_task task;
    atomic_size_t next; /* index of the path that nobody has taken yet */
    atomic_bool failed;
    pthread_mutex_t lock; /* of what follows */
    floe_status status;
    floe_error *err;
} transfer;

static void close_fd(const int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
    }
}
#define AUTO_FD __attribute__((cleanup(close_fd))) int

/* ---- fetch ---- */

/* One object, of which several threads take one piece after the other. */
typedef struct object_fetch {
    transfer *work;
    const floe_s3_object *object;
    floe_s3_stat stat;
    int fd;
    const char *path;
    atomic_size_t next; /* number of the piece that nobody has taken yet */
} object_fetch;

static floe_status write_piece(const object_fetch *fetch, floe_str piece, uint64_t at, floe_error *err) {
    while (piece.len > 0) {
        ssize_t done = pwrite(fetch->fd, piece.ptr, piece.len, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        FLOE_ENSURE(done > 0, err, FLOE_IO, "%s cannot be written: %s", fetch->path, strerror(errno));
        piece = (floe_str){piece.ptr + done, piece.len - (size_t)done};
        at += (uint64_t)done;
    }
    return FLOE_OK;
}

static floe_status take_pieces(object_fetch *fetch, floe_s3 *s3, floe_error *err) {
    FLOE_AUTO_BUF piece = {0};
    floe_buf_init(&piece, PIECE_LEN + FLOE_KIB(64));
    for (;;) {
        uint64_t at = (uint64_t)atomic_fetch_add(&fetch->next, 1) * PIECE_LEN;
        if (at >= fetch->stat.len) {
            return FLOE_OK;
        }
        uint64_t len = fetch->stat.len - at < PIECE_LEN ? fetch->stat.len - at : PIECE_LEN;
        FLOE_ENSURE(!atomic_load(&fetch->work->failed), err, FLOE_CANCELLED, "another object failed");
        floe_buf_clear(&piece);
        FLOE_TRY(floe_s3_get(s3, fetch->object, at, len, fetch->stat.etag, &piece, err));
        FLOE_TRY(write_piece(fetch, floe_buf_view(&piece), at, err));
    }
}

static void note_failure(transfer *work, floe_status status, const floe_error *failure) {
    (void)pthread_mutex_lock(&work->lock);
    if (!floe_failed(work->status)) {
        work->status = FLOE_FAIL(work->err, status.code, "%s", failure->message);
        atomic_store(&work->failed, true);
    }
    (void)pthread_mutex_unlock(&work->lock);
}

/* A thread beside the one that has the object, with a connection of its own. */
static void help(void *context) {
    object_fetch *fetch = context;
    __attribute__((cleanup(floe_s3_close))) floe_s3 *s3 = NULL;
    floe_error failure = {0};
    floe_status status = floe_s3_open(&fetch->work->mirror->s3_options, &s3, &failure);
    if (!floe_failed(status)) {
        status = take_pieces(fetch, s3, &failure);
    }
    if (floe_failed(status)) {
        note_failure(fetch->work, status, &failure);
    }
}

/* How many threads are free for one object while all of them are under way. */
static size_t helper_count(const object_fetch *fetch) {
    size_t objects = fetch->work->count < THREADS_MAX ? fetch->work->count : THREADS_MAX;
    size_t share = THREADS_MAX / objects;
    size_t pieces = (size_t)((fetch->stat.len + PIECE_LEN - 1) / PIECE_LEN);
    size_t useful = pieces < share ? pieces : share;
    return useful > 1 ? useful - 1 : 0;
}

/* What no helper takes this thread does, so that a system that gives no more threads is only slower. */
static floe_status take_all(object_fetch *fetch, floe_s3 *s3, floe_error *err) {
    size_t helpers = helper_count(fetch);
    floe_pool *pool = NULL;
    floe_error ignored = {0};
    if (helpers > 0 && !floe_failed(floe_pool_open(helpers, helpers, &pool, &ignored))) {
        for (size_t i = 0; i < helpers; i++) {
            FLOE_IGNORE(floe_pool_submit(pool, help, fetch, &ignored));
        }
    }
    floe_status status = take_pieces(fetch, s3, err);
    if (floe_failed(status)) {
        note_failure(fetch->work, status, err);
    }
    floe_pool_close(&pool);
    return status;
}

static floe_status fetch_pieces(transfer *work, floe_s3 *s3, const floe_s3_object *object, int fd, const char *path,
                                floe_error *err) {
    object_fetch fetch = {.work = work, .object = object, .fd = fd, .path = path};
    FLOE_TRY(floe_s3_head(s3, object, &fetch.stat, err));
    FLOE_TRY(take_all(&fetch, s3, err));
    FLOE_ENSURE(!atomic_load(&work->failed), err, FLOE_CANCELLED, "another object failed");
    FLOE_ENSURE(fdatasync(fd) == 0, err, FLOE_IO, "%s cannot be written: %s", path, strerror(errno));
    return FLOE_OK;
}

/* A name of its own in a folder beside the stores', on the same file system. */
static const char *part_path(const floe_mirror *mirror, floe_arena *arena) {
    uint64_t random = 0;
    (void)!getrandom(&random, sizeof(random), 0);
    return floe_arena_printf(arena, "%s/%%part/%ld-%016llx", mirror->cache, (long)getpid(), (unsigned long long)random);
}

static floe_status make_folder(floe_arena *arena, const char *path, floe_error *err) {
    const char *folder = floe_path_dirname(arena, path);
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_file_mkdirs(folder, err);
}

static floe_status fetch_into(transfer *work, floe_s3 *s3, const floe_s3_object *object, const char *part,
                              const char *path, floe_error *err) {
    AUTO_FD fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FLOE_ENSURE(fd >= 0, err, FLOE_IO, "%s cannot be made: %s", part, strerror(errno));
    FLOE_TRY(fetch_pieces(work, s3, object, fd, part, err));
    FLOE_ENSURE(rename(part, path) == 0, err, FLOE_IO, "%s cannot be made: %s", path, strerror(errno));
    return FLOE_OK;
}

static floe_status fetch_one(transfer *work, floe_s3 *s3, const char *path, floe_arena *arena, floe_error *err) {
    floe_s3_object object = {0};
    const char *part = part_path(work->mirror, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_mirror_object(work->mirror, path, arena, &object, err));
    FLOE_TRY(make_folder(arena, part, err));
    FLOE_TRY(make_folder(arena, path, err));
    floe_status status = fetch_into(work, s3, &object, part, path, err);
    if (floe_failed(status)) {
        (void)unlink(part);
    }
    return status;
}

/* ---- send ---- */

static floe_status send_bytes(floe_s3 *s3, const floe_s3_object *object, int fd, uint64_t len, floe_error *err) {
    if (len == 0) {
        return floe_s3_put(s3, object, (floe_str){"", 0}, false, err);
    }
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    FLOE_ENSURE(bytes != MAP_FAILED, err, FLOE_IO, "a file cannot be mapped: %s", strerror(errno));
    floe_status status = floe_s3_put(s3, object, (floe_str){bytes, len}, false, err);
    (void)munmap(bytes, len);
    return status;
}

static floe_status send_one(transfer *work, floe_s3 *s3, const char *path, floe_arena *arena, floe_error *err) {
    floe_s3_object object = {0};
    struct stat stat = {0};
    FLOE_TRY(floe_mirror_object(work->mirror, path, arena, &object, err));
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    FLOE_ENSURE(fd >= 0 && fstat(fd, &stat) == 0, err, FLOE_IO, "%s cannot be read: %s", path, strerror(errno));
    FLOE_ENSURE((uint64_t)stat.st_size <= OBJECT_MAX, err, FLOE_LIMIT, "%s is larger than one object may be (5 GiB)",
                path);
    return send_bytes(s3, &object, fd, (uint64_t)stat.st_size, err);
}

/* ---- remove ---- */

/* The copy goes last: while the object is there, so may be who reads it. */
floe_status floe_mirror_remove(const floe_mirror *mirror, floe_s3 *s3, const char *path, floe_arena *arena,
                               floe_error *err) {
    floe_s3_object object = {0};
    FLOE_TRY(floe_mirror_object(mirror, path, arena, &object, err));
    FLOE_TRY(floe_s3_remove(s3, &object, err));
    return floe_file_remove(path, err);
}

/* ---- side by side ---- */

static floe_status run_one(transfer *work, floe_s3 *s3, const char *path, floe_arena *arena, floe_error *err) {
    switch (work->task) {
    case FLOE_MIRROR_SEND:
        return send_one(work, s3, path, arena, err);
    case FLOE_MIRROR_REMOVE:
        return floe_mirror_remove(work->mirror, s3, path, arena, err);
    case FLOE_MIRROR_FETCH:
    default:
        return fetch_one(work, s3, path, arena, err);
    }
}

static floe_status run_paths(transfer *work, floe_error *err) {
    __attribute__((cleanup(floe_s3_close))) floe_s3 *s3 = NULL;
    FLOE_TRY(floe_s3_open(&work->mirror->s3_options, &s3, err));
    for (;;) {
        FLOE_AUTO_ARENA arena = {0};
        size_t at = atomic_fetch_add(&work->next, 1);
        if (at >= work->count || atomic_load(&work->failed)) {
            return FLOE_OK;
        }
        floe_arena_init(&arena, FLOE_MIB(4));
        FLOE_TRY(run_one(work, s3, work->paths[at], &arena, err));
    }
}

static void run_thread(void *context) {
    transfer *work = context;
    floe_error failure = {0};
    floe_status status = run_paths(work, &failure);
    if (floe_failed(status)) {
        note_failure(work, status, &failure);
    }
}

static floe_status run_all(transfer *work, floe_error *err) {
    size_t threads = work->count < THREADS_MAX ? work->count : THREADS_MAX;
    floe_pool *pool = NULL;
    FLOE_TRY(floe_pool_open(threads, threads, &pool, err));
    for (size_t i = 0; i < threads; i++) {
        floe_error failure = {0};
        floe_status status = floe_pool_submit(pool, run_thread, work, &failure);
        if (floe_failed(status)) {
            note_failure(work, status, &failure);
        }
    }
    floe_pool_close(&pool);
    return work->status;
}

/* Of the paths those with which something is to be done: all of the store's own, but of those to be fetched the ones that have
 * no copy yet. A copy that is there counts as used now. */
static size_t wanted_of(const floe_mirror *mirror, const char *const *paths, size_t count, floe_mirror_task task,
                        const char **wanted) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!floe_path_is_copy(mirror, paths[i])) {
            continue;
        }
        if (task != FLOE_MIRROR_FETCH || !floe_file_exists(paths[i])) {
            wanted[kept++] = paths[i];
        } else {
            (void)utimensat(AT_FDCWD, paths[i], NULL, 0);
        }
    }
    return kept;
}

floe_status floe_mirror_run(floe_mirror *mirror, const char *const *paths, size_t count, floe_mirror_task task,
                            floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(256));
    const char **wanted = floe_arena_alloc(&arena, count + 1, sizeof(*wanted));
    FLOE_TRY(floe_arena_check(&arena, err));
    transfer work = {.mirror = mirror, .paths = wanted, .task = task, .status = FLOE_OK, .err = err};
    work.count = wanted_of(mirror, paths, count, task, wanted);
    if (work.count == 0) {
        return FLOE_OK;
    }
    (void)pthread_mutex_init(&work.lock, NULL);
    floe_status status = run_all(&work, err);
    (void)pthread_mutex_destroy(&work.lock);
    if (!floe_failed(status) && task != FLOE_MIRROR_REMOVE) {
        floe_mirror_trim(mirror);
    }
    return status;
}
