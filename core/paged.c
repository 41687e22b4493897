/* Blocks in files without names, and the watcher that keeps few of their pages in memory. See paged.h.
 *
 * Lock: `lock` is held over the list of blocks, also while the watcher lets go of pages, so that none is unmapped meanwhile. */
#include "core/paged.h"

#include "core/mem.h"
#include "core/mem_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PATH_MOST 4096
#define LOOK_NS 1000000 /* between two looks of the watcher */

/* Lies on the heap, however long the block is. */
typedef struct block {
    struct block *next;
    floe_paged *owner; /* NULL: it was closed */
    char *memory;
    size_t len;
    int fd;
} block;

struct floe_paged {
    char *folder;
    uint64_t resident_bytes;
    uint64_t beside_bytes; /* what is mapped of other files */
    int statm;
    pthread_t watcher;
    bool watched;
    atomic_bool stop;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *blocks;
static atomic_size_t block_count;
static _Thread_local floe_paged *used;

static size_t page_len(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t len) {
    return (len + page_len() - 1) / page_len() * page_len();
}

/* ---- the watcher ---- */

/* What of mapped files is in memory; 0 where the system does not tell. */
static uint64_t mapped_bytes(const floe_paged *paged) {
    char text[128];
    unsigned long all, resident, shared;
    ssize_t len = pread(paged->statm, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return sscanf(text, "%lu %lu %lu", &all, &resident, &shared) == 3 ? shared * (uint64_t)page_len() : 0;
}

static void let_go(const floe_paged *paged) {
    pthread_mutex_lock(&lock);
    for (const block *b = blocks; b; b = b->next) {
        if (b->owner == paged) {
            (void)madvise(b->memory, b->len, MADV_DONTNEED); /* Shared, so the file keeps what they hold. */
        }
    }
    pthread_mutex_unlock(&lock);
}

static void look(const floe_paged *paged) {
    if (mapped_bytes(paged) > paged->beside_bytes + paged->resident_bytes) {
        let_go(paged);
    }
}

void floe_paged_ease(void) {
    if (used) {
        look(used);
    }
}

static void *watch(void *context) {
    floe_paged *paged = context;
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    while (!atomic_load(&paged->stop)) {
        look(paged);
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

floe_status floe_paged_open(const char *folder, uint64_t resident_bytes, floe_paged **ret_paged, floe_error *err) {
    FLOE_CLEANUP(floe_paged_close) floe_paged *paged = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*paged), &paged, err));
    paged->resident_bytes = resident_bytes;
    paged->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    FLOE_TRY(floe_strdup(folder, &paged->folder, err));
    paged->beside_bytes = mapped_bytes(paged);
    paged->watched = pthread_create(&paged->watcher, NULL, watch, paged) == 0;
    FLOE_ENSURE(paged->watched, err, FLOE_UNAVAILABLE, "the system gives no thread that watches the memory");
    *ret_paged = paged;
    paged = NULL;
    return FLOE_OK;
}

static void disown(const floe_paged *paged) {
    pthread_mutex_lock(&lock);
    for (block *b = blocks; b; b = b->next) {
        b->owner = b->owner == paged ? NULL : b->owner;
    }
    pthread_mutex_unlock(&lock);
}

void floe_paged_close(floe_paged **paged) {
    floe_paged *p = *paged;
    if (!p) {
        return;
    }
    used = used == p ? NULL : used;
    if (p->watched) {
        atomic_store(&p->stop, true);
        (void)pthread_join(p->watcher, NULL);
    }
    disown(p);
    if (p->statm >= 0) {
        (void)close(p->statm);
    }
    floe_free(p->folder);
    floe_free(p);
    *paged = NULL;
}

void floe_paged_use(floe_paged *paged) {
    used = paged;
}

/* ---- blocks ---- */

bool floe_paged_wants(size_t len) {
    return used && len >= FLOE_PAGED_LEAST;
}

static floe_status fail_folder(const char *folder, int code, floe_error *err) {
    errno = code;
    return FLOE_FAIL_ERRNO(err, code == EACCES || code == EPERM ? FLOE_DENIED : FLOE_IO,
                           "cannot write down in %s what does not fit into memory: %s; make room there, name another "
                           "place by TMPDIR or give the question more memory",
                           folder, code == ENOSPC ? "the disk is full" : strerror(code));
}

static floe_status open_file(const char *folder, int *ret_fd, floe_error *err) {
    char path[PATH_MOST];
    int len = snprintf(path, sizeof(path), "%s/array-XXXXXX", folder);
    FLOE_ENSURE(len > 0 && (size_t)len < sizeof(path), err, FLOE_INVALID, "the folder %s has too long a name", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        return fail_folder(folder, errno, err);
    }
    (void)unlink(path);
    *ret_fd = fd;
    return FLOE_OK;
}

static floe_status map(const block *b, size_t len, void **ret_memory, floe_error *err) {
    int code = posix_fallocate(b->fd, 0, (off_t)len);
    if (code != 0) {
        return fail_folder(used ? used->folder : "the spill folder", code, err);
    }
    void *memory = b->memory ? mremap(b->memory, b->len, len, MREMAP_MAYMOVE)
                             : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
    FLOE_ENSURE(memory != MAP_FAILED, err, FLOE_NOMEM, "out of memory: cannot map %zu bytes", len);
    *ret_memory = memory;
    return FLOE_OK;
}

static void block_close(block **b) {
    if (*b) {
        if ((*b)->memory) {
            (void)munmap((*b)->memory, (*b)->len);
        }
        if ((*b)->fd >= 0) {
            (void)close((*b)->fd); /* With it the room on disk is free again. */
        }
        floe_free(*b);
        *b = NULL;
    }
}

floe_status floe_paged_alloc(size_t len, void **ret_memory, floe_error *err) {
    FLOE_CLEANUP(block_close) block *b = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*b), &b, err));
    b->fd = -1;
    b->owner = used;
    FLOE_TRY(open_file(used->folder, &b->fd, err));
    void *memory;
    FLOE_TRY(map(b, whole_pages(len), &memory, err));
    b->memory = memory;
    b->len = whole_pages(len);
    *ret_memory = memory;
    pthread_mutex_lock(&lock);
    b->next = blocks;
    blocks = b;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&block_count, 1);
    b = NULL;
    return FLOE_OK;
}

/* Where the list has the block that begins there; the lock is held. */
static block **find(const void *memory) {
    block **at = &blocks;
    while (*at && (*at)->memory != memory) {
        at = &(*at)->next;
    }
    return *at ? at : NULL;
}

/* Of most memory this says no without the lock. */
static bool may_be_block(const void *memory) {
    return atomic_load(&block_count) > 0 && memory && (uintptr_t)memory % page_len() == 0;
}

bool floe_paged_has(const void *memory, size_t *ret_len) {
    if (!may_be_block(memory)) {
        return false;
    }
    pthread_mutex_lock(&lock);
    block **at = find(memory);
    *ret_len = at ? (*at)->len : 0;
    pthread_mutex_unlock(&lock);
    return at != NULL;
}

floe_status floe_paged_resize(void **memory, size_t len, floe_error *err) {
    pthread_mutex_lock(&lock);
    block *b = *find(*memory);
    void *moved = b->memory;
    floe_status status = whole_pages(len) > b->len ? map(b, whole_pages(len), &moved, err) : FLOE_OK;
    if (!floe_failed(status) && whole_pages(len) > b->len) {
        b->memory = moved;
        b->len = whole_pages(len);
    }
    *memory = b->memory;
    pthread_mutex_unlock(&lock);
    return status;
}

bool floe_paged_free(void *memory) {
    if (!may_be_block(memory)) {
        return false;
    }
    pthread_mutex_lock(&lock);
    block **at = find(memory), *b = at ? *at : NULL;
    if (b) {
        *at = b->next;
        atomic_fetch_sub(&block_count, 1);
    }
    pthread_mutex_unlock(&lock);
    bool was = b != NULL;
    block_close(&b);
    return was;
}

uint64_t floe_paged_bytes(void) {
    uint64_t bytes = 0;
    pthread_mutex_lock(&lock);
    for (const block *b = blocks; b; b = b->next) {
        bytes += b->len;
    }
    pthread_mutex_unlock(&lock);
    return bytes;
}
