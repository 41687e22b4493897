/*
 * Spill folders. The lock is what tells the living from the dead: a number of a process may be another's by now, or one of
 * another container that shares the folder.
 *
 * Making one: mkdir, then the lock file, then the lock. Between these steps somebody else may take the lock, find nobody
 * alive and remove the folder; so whoever has the lock looks whether the file still stands there, and else begins anew.
 */
#include "offline/spill.h"

#include "core/file.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "floe-temp-"
#define LOCK_NAME "lock"
#define ATTEMPTS 100

static const char *base_folder(void) {
    const char *base = getenv("TMPDIR");
    return base && base[0] ? base : "/tmp";
}

/* The lock file's descriptor with the lock held; -1 when somebody else holds it or there is none. */
static int take_lock(const char *folder, int flags) {
    char path[FLOE_SPILL_PATH_MAX + 16];
    struct stat held, there;
    snprintf(path, sizeof(path), "%s/" LOCK_NAME, folder);
    int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (fd < 0) {
        return -1;
    }
    bool mine = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
                held.st_ino == there.st_ino && held.st_dev == there.st_dev;
    if (!mine) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What the dead left. Whatever fails is left for the next one. */
static void remove_dead(const char *base) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    const char *const *names = NULL;
    size_t count = 0;
    if (floe_failed(floe_file_list(base, &arena, &names, &count, NULL))) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char folder[FLOE_SPILL_PATH_MAX];
        bool fits = snprintf(folder, sizeof(folder), "%s/%s", base, names[i]) < (int)sizeof(folder);
        int fd = fits && strncmp(names[i], PREFIX, strlen(PREFIX)) == 0 ? take_lock(folder, 0) : -1;
        if (fd >= 0) {
            FLOE_IGNORE(floe_file_remove_all(folder, NULL));
            close(fd);
        }
    }
}

floe_status floe_spill_open(floe_spill *ret_spill, floe_error *err) {
    static atomic_uint next;
    floe_spill spill = {.lock_fd = -1};
    const char *base = base_folder();
    remove_dead(base);
    for (int i = 0; i < ATTEMPTS && spill.lock_fd < 0; i++) {
        int len = snprintf(spill.path, sizeof(spill.path), "%s/" PREFIX "%ld-%u", base, (long)getpid(),
                           atomic_fetch_add(&next, 1));
        FLOE_ENSURE(len < (int)sizeof(spill.path) - 64, err, FLOE_LIMIT,
                    "the folder for temporary files, %.200s, has too "
                    "long a path; set TMPDIR to another",
                    base);
        if (mkdir(spill.path, 0700) != 0) {
            FLOE_ENSURE(
                errno == EEXIST, err, errno == EACCES || errno == EPERM || errno == EROFS ? FLOE_DENIED : FLOE_IO,
                "cannot make a folder for temporary files in %s: %s; set TMPDIR to another", base, strerror(errno));
            continue;
        }
        spill.lock_fd = take_lock(spill.path, O_CREAT);
    }
    FLOE_ENSURE(spill.lock_fd >= 0, err, FLOE_IO, "cannot lock a folder for temporary files in %s", base);
    *ret_spill = spill;
    return FLOE_OK;
}

void floe_spill_close(floe_spill *spill) {
    if (spill->path[0] != '\0') {
        FLOE_IGNORE(floe_file_remove_all(spill->path, NULL));
        close(spill->lock_fd);
        *spill = (floe_spill){.lock_fd = -1};
    }
}

/* ---- memory ---- */

/* The number in a file of the control group; 0 where it says no limit. */
static uint64_t group_limit(const char *path) {
    FLOE_AUTO_BUF text;
    int64_t bytes = 0;
    floe_buf_init(&text, FLOE_KIB(1));
    if (floe_failed(floe_file_read(path, &text, NULL)) ||
        floe_failed(floe_str_to_i64(floe_str_trim(floe_buf_view(&text)), &bytes, NULL))) {
        return 0;
    }
    return bytes > 0 ? (uint64_t)bytes : 0;
}

uint64_t floe_memory_total(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page_len = sysconf(_SC_PAGESIZE);
    uint64_t total = pages > 0 && page_len > 0 ? (uint64_t)pages * (uint64_t)page_len : FLOE_GIB(1);
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        uint64_t limit = group_limit(limits[i]);
        total = limit > 0 && limit < total ? limit : total;
    }
    return total;
}
