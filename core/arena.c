/*
 * Arena. Blocks form a list with the newest first, each at least twice as large as the one before, so that a reset,
 * which keeps the newest, soon leaves one block that holds a whole request. Memory is handed out zeroed: a fresh block
 * is zero already, and a kept one is cleared only as far as it was ever used (`dirty`).
 *
 * Under AddressSanitizer every allocation is a block of its own with exactly its length, so that an overrun is seen.
 */
#include "core/arena.h"

#include "core/mem.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>

#define FIRST_BLOCK_LEN 4096
#define ALIGNMENT ((size_t)16)

struct floe_arena_block {
    floe_arena_block *next;
    size_t len;   /* bytes of data */
    size_t used;  /* bytes handed out */
    size_t dirty; /* bytes that may be other than zero */
    alignas(16) char data[];
};

void floe_arena_init(floe_arena *arena, size_t cap) {
    *arena = (floe_arena){.cap = cap};
}

static void free_blocks(floe_arena_block *block) {
    while (block != NULL) {
        floe_arena_block *next = block->next;
        floe_free(block);
        block = next;
    }
}

void floe_arena_reset(floe_arena *arena) {
    floe_arena_block *kept = FLOE_ASAN ? NULL : arena->head;
    if (kept == NULL) {
        free_blocks(arena->head);
    } else {
        free_blocks(kept->next);
        kept->next = NULL;
        kept->used = 0;
    }
    *arena = (floe_arena){.head = kept, .cap = arena->cap};
}

void floe_arena_close(floe_arena *arena) {
    free_blocks(arena->head);
    *arena = (floe_arena){.cap = arena->cap};
}

static void *overflow(floe_arena *arena, bool out_of_cap) {
    if (!arena->overflow) {
        arena->overflow = true;
        arena->out_of_cap = out_of_cap;
    }
    return NULL;
}

/* The length of the next block: room for `len`, twice the newest, but no more than the cap can ever ask of it. */
static size_t next_block_len(const floe_arena *arena, size_t start, size_t len) {
    if (FLOE_ASAN) {
        return len;
    }
    size_t wanted = arena->head == NULL ? FIRST_BLOCK_LEN : arena->head->len;
    if (arena->head != NULL && wanted <= SIZE_MAX / 2) {
        wanted *= 2;
    }
    size_t most = arena->cap - start;
    wanted = wanted > most ? most : wanted;
    return wanted < len ? len : wanted;
}

static bool add_block(floe_arena *arena, size_t start, size_t len) {
    size_t block_len = next_block_len(arena, start, len);
    if (block_len > SIZE_MAX - sizeof(floe_arena_block)) {
        return false;
    }
    floe_arena_block *block = NULL;
    if (floe_failed(floe_alloc(1, sizeof(*block) + block_len, &block, NULL))) {
        return false;
    }
    block->next = arena->head;
    block->len = block_len;
    arena->head = block;
    return true;
}

static size_t align_up(size_t offset) {
    return (offset + (ALIGNMENT - 1)) & ~(ALIGNMENT - 1);
}

/* Cuts `len` zeroed bytes off the newest block, or NULL when they do not fit. */
static void *cut(floe_arena_block *block, size_t len) {
    if (block == NULL) {
        return NULL;
    }
    size_t start = align_up(block->used);
    if (start > block->len || block->len - start < len) {
        return NULL;
    }
    size_t end = start + len;
    if (start < block->dirty) {
        memset(block->data + start, 0, (end < block->dirty ? end : block->dirty) - start);
    }
    block->used = end;
    block->dirty = block->dirty < end ? end : block->dirty;
    return block->data + start;
}

void *floe_arena_alloc(floe_arena *arena, size_t count, size_t element_len) {
    size_t len = 0;
    if (arena->overflow) {
        return NULL;
    }
    if (__builtin_mul_overflow(count, element_len, &len)) {
        return overflow(arena, true);
    }
    len = len == 0 ? 1 : len;
    size_t start = align_up(arena->used);
    if (start < arena->used || start > arena->cap || arena->cap - start < len) {
        return overflow(arena, true);
    }
    void *memory = FLOE_ASAN ? NULL : cut(arena->head, len);
    if (memory == NULL) {
        if (!add_block(arena, start, len)) {
            return overflow(arena, false);
        }
        memory = cut(arena->head, len);
    }
    arena->used = start + len;
    return memory;
}

char *floe_arena_strndup(floe_arena *arena, const char *text, size_t len) {
    if (len == SIZE_MAX) {
        return overflow(arena, true);
    }
    char *copy = floe_arena_alloc(arena, len + 1, 1);
    if (copy != NULL && len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *floe_arena_strdup(floe_arena *arena, const char *text) {
    return floe_arena_strndup(arena, text, strlen(text));
}

floe_str floe_arena_str(floe_arena *arena, floe_str text) {
    char *copy = floe_arena_strndup(arena, text.ptr, text.len);
    return copy == NULL ? (floe_str){NULL, 0} : (floe_str){copy, text.len};
}

char *floe_arena_printf(floe_arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? overflow(arena, false) : floe_arena_alloc(arena, (size_t)len + 1, 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}

floe_status floe_arena_check(const floe_arena *arena, floe_error *err) {
    if (!arena->overflow) {
        return FLOE_OK;
    }
    if (arena->out_of_cap) {
        return FLOE_FAIL(err, FLOE_LIMIT, "more than the %zu bytes allowed here would be needed", arena->cap);
    }
    return FLOE_FAIL(err, FLOE_NOMEM, "out of memory in an arena that holds %zu bytes", arena->used);
}

void floe_ptrs_append(floe_ptrs *list, floe_arena *arena, void *item) {
    void **slot = floe_arena_push(arena, &list->items, &list->count, &list->capacity, sizeof(*list->items));
    if (slot != NULL) {
        *slot = item;
    }
}

void *floe_arena_push(floe_arena *arena, void *items_pointer, size_t *count, size_t *capacity, size_t element_len) {
    char *items = NULL;
    memcpy(&items, items_pointer, sizeof(items));
    if (*count == *capacity) {
        size_t grown = *capacity == 0 ? 8 : *capacity * 2;
        if (grown <= *capacity) {
            return overflow(arena, true);
        }
        char *moved = floe_arena_alloc(arena, grown, element_len);
        if (moved == NULL) {
            return NULL;
        }
        if (*count > 0) {
            memcpy(moved, items, *count * element_len);
        }
        items = moved;
        memcpy(items_pointer, &items, sizeof(items));
        *capacity = grown;
    }
    char *element = items + *count * element_len;
    memset(element, 0, element_len); /* a caller may have taken elements off the end */
    *count += 1;
    return element;
}
