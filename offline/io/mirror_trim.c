/*
 * The bound of the folder of copies.
 */
#include "offline/io/mirror_int.h"

#include "core/limits.h"

#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { IN_USE_S = 600 };
#define TRIM_ARENA FLOE_MIB(512)

typedef struct copy {
    const char *path;
    int64_t used_s;
    uint64_t len;
} copy;

static int by_use(const void *a, const void *b) {
    const copy *x = a;
    const copy *y = b;
    return x->used_s < y->used_s ? -1 : x->used_s > y->used_s;
}

static void close_tree(FTS **tree) {
    if (*tree != NULL) {
        (void)fts_close(*tree);
    }
}

void floe_mirror_trim(const floe_mirror *mirror) {
    FLOE_AUTO_ARENA arena = {0};
    copy *copies = NULL;
    size_t count = 0;
    size_t capacity = 0;
    uint64_t total = 0;
    char *const roots[] = {(char *)(uintptr_t)mirror->cache, NULL};
    int64_t now_s = (int64_t)time(NULL);
    __attribute__((cleanup(close_tree))) FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    floe_arena_init(&arena, TRIM_ARENA);
    for (FTSENT *entry = NULL; tree != NULL && (entry = fts_read(tree)) != NULL;) {
        copy *slot = entry->fts_info == FTS_F ? FLOE_ARENA_PUSH(&arena, copies, count, capacity) : NULL;
        if (slot != NULL) {
            *slot = (copy){floe_arena_strdup(&arena, entry->fts_path), (int64_t)entry->fts_statp->st_mtime,
                           (uint64_t)entry->fts_statp->st_size};
            total += slot->len;
        }
    }
    if (count > 1) {
        qsort(copies, count, sizeof(*copies), by_use);
    }
    for (size_t i = 0; i < count && total > mirror->folder_max && copies[i].used_s < now_s - IN_USE_S; i++) {
        if (copies[i].path != NULL && unlink(copies[i].path) == 0) {
            total -= copies[i].len;
        }
    }
}
