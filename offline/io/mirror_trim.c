/*
 * The bound of the folder of copies.
 */
#include "offline/io/mirror_int.h"

#include "core/limits.h"
#include "core/time.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IN_USE_US (600 * FLOE_US_PER_SECOND)
#define TRIM_ARENA FLOE_MIB(512)

static int by_use(const void *a, const void *b) {
    const floe_fs_file *x = *(const floe_fs_file *const *)a;
    const floe_fs_file *y = *(const floe_fs_file *const *)b;
    return x->changed_us < y->changed_us ? -1 : x->changed_us > y->changed_us;
}

/* The system's own clock: files have their times from it. */
static int64_t now_us(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * FLOE_US_PER_SECOND + now.tv_nsec / 1000;
}

void floe_mirror_trim(const floe_mirror *mirror) {
    FLOE_AUTO_ARENA arena = {0};
    const floe_fs_file *files = NULL;
    size_t count = 0;
    uint64_t total = 0;
    floe_error ignored = {0};
    int64_t before_us = now_us() - IN_USE_US;
    floe_arena_init(&arena, TRIM_ARENA);
    if (floe_failed(floe_fs_local()->ops->walk(floe_fs_local(), mirror->cache, &arena, &files, &count, &ignored))) {
        return;
    }
    const floe_fs_file **order = floe_arena_alloc(&arena, count + 1, sizeof(*order));
    for (size_t i = 0; order != NULL && i < count; i++) {
        order[i] = &files[i];
        total += (uint64_t)files[i].len;
    }
    if (order == NULL || total <= mirror->folder_max) {
        return;
    }
    qsort(order, count, sizeof(const floe_fs_file *), by_use);
    for (size_t i = 0; i < count && total > mirror->folder_max && order[i]->changed_us < before_us; i++) {
        total -= unlink(order[i]->path) == 0 ? (uint64_t)order[i]->len : 0;
    }
}
