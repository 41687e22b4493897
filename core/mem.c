/*
 * The heap. The test hook is one thread-local comparison on a path that calls the allocator anyway.
 */
#include "core/mem.h"

#include "core/mem_int.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* fail_at 0: off. Counting goes on after the failure, so that a sweep sees how far the code went. */
static _Thread_local uint64_t fail_at;
static _Thread_local uint64_t fail_count;

void floe_mem_fail_at(uint64_t nth) {
    fail_at = nth;
    fail_count = 0;
}

void floe_mem_fail_off(void) {
    fail_at = 0;
}

uint64_t floe_mem_fail_count(void) {
    return fail_count;
}

static bool told_to_fail(void) {
    fail_count++;
    return fail_at != 0 && fail_count >= fail_at;
}

static floe_status no_memory(size_t count, size_t element_len, floe_error *err) {
    return FLOE_FAIL(err, FLOE_NOMEM, "out of memory: cannot allocate %zu x %zu bytes", count, element_len);
}

/* The product, at least 1; false when no object can be that large. */
static bool total_of(size_t count, size_t element_len, size_t *ret_total) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, element_len, &total) || total > (size_t)PTRDIFF_MAX) {
        return false;
    }
    *ret_total = total == 0 ? 1 : total;
    return true;
}

floe_status floe_alloc(size_t count, size_t element_len, void *ret_memory, floe_error *err) {
    size_t total = 0;
    if (!total_of(count, element_len, &total) || told_to_fail()) {
        return no_memory(count, element_len, err);
    }
    void *memory = NULL;
    if (floe_paged_wants(total)) {
        FLOE_TRY(floe_paged_alloc(total, &memory, err));
    } else {
        memory = calloc(1, total);
    }
    if (memory == NULL) {
        return no_memory(count, element_len, err);
    }
    memcpy(ret_memory, &memory, sizeof(memory));
    return FLOE_OK;
}

/* A block of the heap that goes on in a file. */
static floe_status move_to_file(void **memory, size_t total, floe_error *err) {
    void *moved = NULL;
    FLOE_TRY(floe_paged_alloc(total, &moved, err));
    if (*memory) {
        size_t held = malloc_usable_size(*memory);
        memcpy(moved, *memory, held < total ? held : total);
        free(*memory);
    }
    *memory = moved;
    return FLOE_OK;
}

floe_status floe_realloc(void *memory, size_t count, size_t element_len, floe_error *err) {
    size_t total = 0;
    if (!total_of(count, element_len, &total) || told_to_fail()) {
        return no_memory(count, element_len, err);
    }
    void *block = NULL;
    size_t len = 0;
    memcpy(&block, memory, sizeof(block));
    if (floe_paged_has(block, &len)) {
        FLOE_TRY(floe_paged_resize(&block, total, err));
    } else if (floe_paged_wants(total)) {
        FLOE_TRY(move_to_file(&block, total, err));
    } else {
        block = realloc(block, total);
    }
    if (block == NULL) {
        return no_memory(count, element_len, err);
    }
    memcpy(memory, &block, sizeof(block));
    return FLOE_OK;
}

floe_status floe_strndup(const char *text, size_t len, char **ret_copy, floe_error *err) {
    if (len == SIZE_MAX) {
        return no_memory(len, 1, err);
    }
    char *copy = NULL;
    FLOE_TRY(floe_alloc(len + 1, 1, &copy, err));
    if (len > 0) {
        memcpy(copy, text, len);
    }
    *ret_copy = copy;
    return FLOE_OK;
}

floe_status floe_strdup(const char *text, char **ret_copy, floe_error *err) {
    return floe_strndup(text, strlen(text), ret_copy, err);
}

void floe_free(void *memory) {
    if (!floe_paged_free(memory)) {
        free(memory);
    }
}

void floe_free_indirect(void *pointer_to_memory) {
    void *memory = NULL;
    memcpy(&memory, pointer_to_memory, sizeof(memory));
    floe_free(memory);
}

#define HUGE_PAGE_LEN ((size_t)2 << 20)

void floe_mem_advise_huge(void *memory, size_t len) {
    uintptr_t from = ((uintptr_t)memory + HUGE_PAGE_LEN - 1) / HUGE_PAGE_LEN * HUGE_PAGE_LEN;
    uintptr_t to = ((uintptr_t)memory + len) / HUGE_PAGE_LEN * HUGE_PAGE_LEN;
    if (memory && to > from) {
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE); /* A wish; without it all works as well. */
    }
}

/* The library's own threshold rises with every large block that is freed, up to 32 MiB: what is below stays with the process. */
void floe_mem_return_early(void) {
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 256 << 10);
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

uint64_t floe_mem_resident(void) {
    unsigned long all = 0, resident = 0;
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
    FILE *file = fopen("/proc/self/statm", "re");
    bool told = file && fscanf(file, "%lu %lu", &all, &resident) == 2;
    if (file) {
        (void)fclose(file);
    }
    return told ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
