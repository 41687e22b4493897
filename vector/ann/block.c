/*
 * Memory for many vectors: one block, on huge pages where the system lends them. A scan of rows is bound by memory, and with
 * small pages it spends half of its time looking addresses up.
 */
#include "vector/ann/block_int.h"

#include "core/mem.h"

#include <sys/mman.h>
#include <unistd.h>

#define ALIGN 64
#define HUGE_LEN ((size_t)2 << 20)

static char *up(char *at, size_t align) {
    return at + (align - (uintptr_t)at % align) % align;
}

floe_status floe_block_open(size_t len, floe_block *ret_block, floe_error *err) {
    floe_block made = {.len = len};
    FLOE_TRY(floe_alloc(1, len + ALIGN, &made.memory, err));
    made.begin = up(made.memory, ALIGN);
    floe_mem_advise_huge(made.begin, len);
    *ret_block = made;
    return FLOE_OK;
}

void floe_block_close(floe_block *block) {
    floe_free(block->memory);
    *block = (floe_block){0};
}

void floe_block_forget(floe_block *block, size_t from) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *begin = up(block->begin + from, page);
    char *end = block->begin + block->len;
    if (end > begin && (size_t)(end - begin) >= HUGE_LEN) {
        (void)madvise(begin, (size_t)(end - begin) / page * page, MADV_DONTNEED);
    }
}
