/*
 * Making sets of row positions: see positions.h.
 *
 * Phases: a position goes to the heap of its block → few positions of a block are an ascending list without doubles; one
 * more than a list may hold turns it into bits → at the end the blocks are put in order.
 */
#include "offline/iceberg/positions.h"

#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ITEMS 4u /* a list's room at first; it grows fourfold, to FLOE_POSITION_LIST_MAX */

/* A block that is being made. */
typedef struct floe_position_heap {
    uint64_t key;
    uint64_t *bits;  /* NULL: a list */
    uint16_t *items; /* ascending */
    uint32_t count, room;
} floe_position_heap;

floe_status floe_position_block_make(uint64_t key, const uint16_t *items, uint32_t count, floe_arena *arena,
                                     floe_position_block *ret_block, floe_error *err) {
    *ret_block = (floe_position_block){.key = key, .count = count};
    if (count > FLOE_POSITION_LIST_MAX) {
        uint64_t *bits = floe_arena_alloc(arena, FLOE_POSITION_BLOCK_WORDS, sizeof(*bits));
        for (uint32_t i = 0; bits != NULL && i < count; i++) {
            bits[items[i] / 64] |= UINT64_C(1) << (items[i] % 64);
        }
        ret_block->bits = bits;
        return floe_arena_check(arena, err);
    }
    uint16_t *copy = floe_arena_alloc(arena, count + 1, sizeof(*copy));
    for (uint32_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = items[i];
    }
    ret_block->items = copy;
    return floe_arena_check(arena, err);
}

void floe_positions_begin(floe_positions_maker *maker, floe_arena *arena) {
    *maker = (floe_positions_maker){.arena = arena};
    floe_map_init(&maker->by_key, arena);
}

/* ---- heaps ---- */

static floe_position_heap *new_heap(floe_positions_maker *maker, uint64_t key) {
    floe_position_heap *heap = floe_arena_alloc(maker->arena, 1, sizeof(*heap));
    floe_position_heap **slot = FLOE_ARENA_PUSH(maker->arena, maker->heaps, maker->heap_count, maker->heap_capacity);
    if (heap == NULL || slot == NULL) {
        return NULL;
    }
    *heap = (floe_position_heap){.key = key};
    *slot = heap;
    (void)floe_map_put(&maker->by_key, (floe_str){(const char *)&heap->key, sizeof(heap->key)}, heap);
    return heap;
}

/* The heap of a block; NULL when there is no memory. Neighbours are mostly of the same. */
static floe_position_heap *heap_of(floe_positions_maker *maker, uint64_t key) {
    if (maker->last == NULL || maker->last->key != key) {
        floe_position_heap *known = floe_map_get(&maker->by_key, (floe_str){(const char *)&key, sizeof(key)});
        maker->last = known != NULL ? known : new_heap(maker, key);
    }
    return maker->last;
}

/* Where the item is in the list or would be. */
static uint32_t list_place(const floe_position_heap *heap, uint16_t item) {
    uint32_t at = heap->count;
    while (at > 0 && heap->items[at - 1] >= item) {
        at--;
    }
    return at;
}

static void add_bit(floe_position_heap *heap, uint16_t item) {
    uint64_t bit = UINT64_C(1) << (item % 64);
    heap->count += (heap->bits[item / 64] & bit) == 0;
    heap->bits[item / 64] |= bit;
}

static void list_to_bits(floe_positions_maker *maker, floe_position_heap *heap) {
    uint64_t *bits = floe_arena_alloc(maker->arena, FLOE_POSITION_BLOCK_WORDS, sizeof(*bits));
    for (uint32_t i = 0; bits != NULL && i < heap->count; i++) {
        bits[heap->items[i] / 64] |= UINT64_C(1) << (heap->items[i] % 64);
    }
    heap->bits = bits;
}

static void grow_list(floe_positions_maker *maker, floe_position_heap *heap) {
    uint32_t room = heap->room == 0 ? FIRST_ITEMS : heap->room * 4;
    uint16_t *items = floe_arena_alloc(maker->arena, room, sizeof(*items));
    if (items != NULL && heap->count > 0) {
        memcpy(items, heap->items, heap->count * sizeof(*items));
    }
    heap->items = items;
    heap->room = room;
}

/* False when there is no memory. */
static bool add_to_list(floe_positions_maker *maker, floe_position_heap *heap, uint16_t item) {
    uint32_t at = list_place(heap, item);
    if (at < heap->count && heap->items[at] == item) {
        return true;
    }
    if (heap->count == FLOE_POSITION_LIST_MAX) {
        list_to_bits(maker, heap);
        if (heap->bits != NULL) {
            add_bit(heap, item);
        }
        return heap->bits != NULL;
    }
    if (heap->count == heap->room) {
        grow_list(maker, heap);
    }
    if (heap->items == NULL) {
        return false;
    }
    memmove(heap->items + at + 1, heap->items + at, (heap->count - at) * sizeof(*heap->items));
    heap->items[at] = item;
    heap->count++;
    return true;
}

/* ---- the whole ---- */

floe_status floe_positions_add(floe_positions_maker *maker, const int64_t *positions, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(positions[i] >= 0, err, FLOE_CORRUPT, "a row position is negative");
        uint16_t item = (uint16_t)(positions[i] % FLOE_POSITION_BLOCK);
        floe_position_heap *heap = heap_of(maker, (uint64_t)positions[i] / FLOE_POSITION_BLOCK);
        if (heap != NULL && heap->bits != NULL) {
            add_bit(heap, item);
        } else if (heap == NULL || !add_to_list(maker, heap, item)) {
            break;
        }
    }
    return floe_arena_check(maker->arena, err);
}

static int compare_heaps(const void *a, const void *b) {
    uint64_t x = (*(floe_position_heap *const *)a)->key;
    uint64_t y = (*(floe_position_heap *const *)b)->key;
    return x < y ? -1 : x > y;
}

floe_status floe_positions_end(floe_positions_maker *maker, floe_positions *ret_positions, floe_error *err) {
    floe_position_block *blocks = floe_arena_alloc(maker->arena, maker->heap_count + 1, sizeof(*blocks));
    FLOE_TRY(floe_arena_check(maker->arena, err));
    floe_positions made = {.blocks = blocks, .block_count = maker->heap_count};
    if (maker->heap_count > 0) {
        qsort(maker->heaps, maker->heap_count, sizeof(*maker->heaps), compare_heaps);
    }
    for (size_t i = 0; i < maker->heap_count; i++) {
        const floe_position_heap *heap = maker->heaps[i];
        blocks[i] =
            (floe_position_block){.key = heap->key, .bits = heap->bits, .items = heap->items, .count = heap->count};
        made.count += heap->count;
    }
    *ret_positions = made;
    return FLOE_OK;
}
