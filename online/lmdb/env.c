/*
 * Environments and transactions of the embedded store.
 *
 * LMDB allows an environment to be opened once per process, so handles share it through `environments` (lock 1). Its
 * memory map has a size that must not change under a transaction of this process: every transaction runs under the read
 * side of the environment's `resize` (lock 2), a change of size under the write side. A child process that inherited an
 * environment by fork opens its own and leaves the parent's alone.
 */
#include "online/lmdb/lmdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define READERS_MAX 1024
#define LOCK_BYTES                                                                                                     \
    (READERS_MAX * 64 + FLOE_KIB(4)) /* a cache line per reader, and their head: LMDB takes a longer table */
#define FULL_BYTES FLOE_KIB(64)      /* less room than this is none: one write of LMDB is up to 64 pages */

static size_t first_map_bytes = FLOE_GIB(1);

void floe_lmdb_first_map(size_t bytes) {
    first_map_bytes = bytes;
}

static pthread_mutex_t environments_mutex = PTHREAD_MUTEX_INITIALIZER;
static floe_lmdb_env *environments; /* guarded by environments_mutex */

/* ---- failures ---- */

static floe_code code_of(int rc) {
    switch (rc) {
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
        return FLOE_CORRUPT;
    case MDB_READERS_FULL:
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return FLOE_LIMIT;
    case ENOMEM:
        return FLOE_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return FLOE_DENIED;
    default:
        return FLOE_IO;
    }
}

/* LMDB makes EIO of a write that was cut short, which is what a disk does that fills up in the middle of it. */
static bool is_full(int rc, const char *path) {
    struct statvfs disk;
    return rc == ENOSPC || rc == EDQUOT ||
           (rc == EIO && statvfs(path, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < FULL_BYTES);
}

floe_status floe_lmdb_fail(int rc, const char *path, const char *what, floe_error *err) {
    rc = is_full(rc, path) ? ENOSPC : rc;
    const char *advice = rc == ENOSPC                  ? ": the disk is full; make room and try again"
                         : rc == MDB_READERS_FULL      ? ": too many processes read this store at once"
                         : code_of(rc) == FLOE_CORRUPT ? "; move the folder away and run floe sync to fill a new one"
                                                       : "";
    return floe_error_set(err, code_of(rc), rc > 0 ? rc : 0, __FILE__, __LINE__, "embedded store %s: cannot %s: %s%s",
                          path, what, mdb_strerror(rc), advice);
}

/* ---- environments ---- */

/* LMDB writes its table of readers through a memory map of a file that it only makes long: on a full disk the first
 * touch would be a SIGBUS. So its blocks are had first. A table that is there keeps its length, which others may have
 * mapped; a file system that cannot reserve is left to LMDB. */
static int reserve_locks(const char *folder) {
    char path[PATH_MAX];
    struct stat file;
    int written = snprintf(path, sizeof(path), "%s/lock.mdb", folder);
    if (written < 0 || (size_t)written >= sizeof(path)) {
        return ENAMETOOLONG;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return errno;
    }
    int rc = fstat(fd, &file) == 0 ? 0 : errno;
    if (rc == 0) {
        int done = -1;
        do {
            done = fallocate(fd, 0, 0, file.st_size > 0 ? file.st_size : (off_t)LOCK_BYTES);
        } while (done != 0 && errno == EINTR);
        rc = done == 0 || errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
    }
    (void)close(fd);
    return rc;
}

static int set_up(floe_lmdb_env *shared) {
    int rc = reserve_locks(shared->path);
    if (rc == 0) {
        rc = mdb_env_create(&shared->env);
    }
    if (rc == 0) {
        rc = mdb_env_set_maxreaders(shared->env, READERS_MAX);
    }
    if (rc == 0) {
        rc = mdb_env_set_mapsize(shared->env, first_map_bytes);
    }
    if (rc == 0) {
        rc = mdb_env_open(shared->env, shared->path, MDB_NOTLS, 0644);
    }
    return rc;
}

static int open_database(floe_lmdb_env *shared) {
    int dead = 0;
    MDB_txn *txn = NULL;
    (void)mdb_reader_check(shared->env, &dead); /* slots of killed readers would keep old pages alive */
    int rc = mdb_txn_begin(shared->env, NULL, MDB_RDONLY, &txn);
    if (rc == MDB_MAP_RESIZED) {
        rc = mdb_env_set_mapsize(shared->env, 0);
        rc = rc == 0 ? mdb_txn_begin(shared->env, NULL, MDB_RDONLY, &txn) : rc;
    }
    if (rc == 0) {
        rc = mdb_dbi_open(txn, NULL, 0, &shared->dbi);
        mdb_txn_abort(txn);
    }
    return rc;
}

static void free_environment(floe_lmdb_env *shared) {
    if (shared->env != NULL) {
        mdb_env_close(shared->env);
    }
    (void)pthread_rwlock_destroy(&shared->resize);
    floe_free(shared->path);
    floe_free(shared);
}

/* A writer of the lock waits only for transactions, which are short; new ones must not keep it waiting for ever. */
static void init_resize_lock(pthread_rwlock_t *lock) {
    pthread_rwlockattr_t attributes;
    (void)pthread_rwlockattr_init(&attributes);
    (void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
}

static floe_status make_environment(const char *path, floe_lmdb_env **ret_shared, floe_error *err) {
    floe_lmdb_env *shared = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*shared), &shared, err));
    init_resize_lock(&shared->resize);
    floe_status status = floe_strdup(path, &shared->path, err);
    if (!floe_failed(status)) {
        int rc = set_up(shared);
        rc = rc == 0 ? open_database(shared) : rc;
        status = rc == 0 ? FLOE_OK : floe_lmdb_fail(rc, path, "open it", err);
    }
    if (floe_failed(status)) {
        free_environment(shared);
        return status;
    }
    shared->owner = getpid();
    shared->references = 1;
    *ret_shared = shared;
    return FLOE_OK;
}

static floe_lmdb_env *find_environment(const char *path) {
    for (floe_lmdb_env *shared = environments; shared != NULL; shared = shared->next) {
        if (shared->owner == getpid() && strcmp(shared->path, path) == 0) {
            return shared;
        }
    }
    return NULL;
}

floe_status floe_lmdb_env_take(const char *path, floe_lmdb_env **ret_shared, floe_error *err) {
    floe_status status = FLOE_OK;
    (void)pthread_mutex_lock(&environments_mutex);
    floe_lmdb_env *shared = find_environment(path);
    if (shared != NULL) {
        shared->references++;
    } else {
        status = make_environment(path, &shared, err);
        if (!floe_failed(status)) {
            shared->next = environments;
            environments = shared;
        }
    }
    (void)pthread_mutex_unlock(&environments_mutex);
    if (!floe_failed(status)) {
        *ret_shared = shared;
    }
    return status;
}

void floe_lmdb_env_give(floe_lmdb_env *shared) {
    (void)pthread_mutex_lock(&environments_mutex);
    if (--shared->references == 0) {
        floe_lmdb_env **link = &environments;
        while (*link != shared) {
            link = &(*link)->next;
        }
        *link = shared->next;
        free_environment(shared);
    }
    (void)pthread_mutex_unlock(&environments_mutex);
}

/* ---- transactions ---- */

/* Takes over the size that another process gave the map, or (`grow`) doubles it. */
static int resize(floe_lmdb_env *shared, bool grow) {
    MDB_envinfo info;
    (void)pthread_rwlock_wrlock(&shared->resize);
    int rc = mdb_env_set_mapsize(shared->env, 0);
    if (rc == 0 && grow) {
        rc = mdb_env_info(shared->env, &info);
        rc = rc == 0 ? mdb_env_set_mapsize(shared->env, info.me_mapsize * 2) : rc;
    }
    (void)pthread_rwlock_unlock(&shared->resize);
    return rc;
}

static int renew_reader(floe_lmdb *store) {
    if (store->reader != NULL) {
        return mdb_txn_renew(store->reader);
    }
    return mdb_txn_begin(store->shared->env, NULL, MDB_RDONLY, &store->reader);
}

floe_status floe_lmdb_read_begin(floe_lmdb *store, floe_error *err) {
    for (;;) {
        (void)pthread_rwlock_rdlock(&store->shared->resize);
        int rc = renew_reader(store);
        if (rc == 0) {
            return FLOE_OK;
        }
        (void)pthread_rwlock_unlock(&store->shared->resize);
        rc = rc == MDB_MAP_RESIZED ? resize(store->shared, false) : rc;
        if (rc != 0) {
            return floe_lmdb_fail(rc, store->shared->path, "read", err);
        }
    }
}

void floe_lmdb_read_end(floe_lmdb *store) {
    mdb_txn_reset(store->reader);
    (void)pthread_rwlock_unlock(&store->shared->resize);
}

static int write_once(floe_lmdb *store, floe_lmdb_write_fn change, void *context) {
    MDB_txn *txn = NULL;
    (void)pthread_rwlock_rdlock(&store->shared->resize);
    int rc = mdb_txn_begin(store->shared->env, NULL, 0, &txn);
    if (rc == 0) {
        rc = change(store, txn, context);
        if (rc == 0) {
            rc = mdb_txn_commit(txn);
        } else {
            mdb_txn_abort(txn);
        }
    }
    (void)pthread_rwlock_unlock(&store->shared->resize);
    return rc;
}

floe_status floe_lmdb_write_txn(floe_lmdb *store, floe_lmdb_write_fn change, void *context, floe_error *err) {
    for (;;) {
        int rc = write_once(store, change, context);
        if (rc == 0) {
            return FLOE_OK;
        }
        bool sized = rc == MDB_MAP_FULL || rc == MDB_MAP_RESIZED;
        rc = sized ? resize(store->shared, rc == MDB_MAP_FULL) : rc;
        if (rc != 0) {
            return floe_lmdb_fail(rc, store->shared->path, "write", err);
        }
    }
}
