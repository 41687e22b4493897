/*
 * Arena: memory for the data of one request, one batch or one parsed file, freed together.
 *
 * An arena has a cap and a sticky overflow flag: once an allocation failed, every later one returns NULL too, so that
 * a builder may check once at the end with floe_arena_check. Under AddressSanitizer each allocation is a malloc of its
 * own, so that an overrun is seen. floe_arena_reset keeps the largest block, so that a warmed-up arena does not touch
 * the heap. Thread: one at a time.
 */
#ifndef FLOE_CORE_ARENA_H
#define FLOE_CORE_ARENA_H

#include "core/error.h"
#include "core/str.h"

#include <stddef.h>

typedef struct floe_arena_block floe_arena_block;

typedef struct floe_arena {
    floe_arena_block *head;
    size_t used;     /* bytes handed out since the last reset */
    size_t cap;      /* most bytes it will hand out */
    bool overflow;   /* sticky: an allocation failed */
    bool out_of_cap; /* the failure was the cap, not the heap */
} floe_arena;

/* An empty arena that will hand out at most `cap` bytes. Allocates nothing yet. */
void floe_arena_init(floe_arena *arena, size_t cap);

/* Frees everything handed out; the arena can be used again. */
void floe_arena_reset(floe_arena *arena);

/* Gives all memory back to the heap. Safe on a zeroed arena, and twice. */
void floe_arena_close(floe_arena *arena);

/* count * element_len zeroed bytes, aligned for any type; NULL on overflow (sticky). */
void *floe_arena_alloc(floe_arena *arena, size_t count, size_t element_len);

/* A NUL-terminated copy; NULL on overflow (sticky). */
char *floe_arena_strndup(floe_arena *arena, const char *text, size_t len);
char *floe_arena_strdup(floe_arena *arena, const char *text);
floe_str floe_arena_str(floe_arena *arena, floe_str text);
char *floe_arena_printf(floe_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* OK, or LIMIT (cap) / NOMEM (heap) when any allocation since the reset failed. */
floe_status floe_arena_check(const floe_arena *arena, floe_error *err);

#define FLOE_AUTO_ARENA __attribute__((cleanup(floe_arena_close))) floe_arena

/* A growing list of pointers inside an arena; append is amortised O(1). A failed append sets the arena's flag. */
typedef struct floe_ptrs {
    void **items;
    size_t count;
    size_t capacity;
} floe_ptrs;

void floe_ptrs_append(floe_ptrs *list, floe_arena *arena, void *item);

/* Growing array of values inside an arena. Returns the new zeroed element or NULL (sticky): for
 * T *items; size_t count, capacity:  T *x = FLOE_ARENA_PUSH(arena, items, count, capacity); */
void *floe_arena_push(floe_arena *arena, void *items_pointer, size_t *count, size_t *capacity, size_t element_len);
#define FLOE_ARENA_PUSH(arena, items, count, capacity)                                                                 \
    floe_arena_push((arena), &(items), &(count), &(capacity), sizeof(*(items)))

#endif
