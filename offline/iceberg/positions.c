/*
 * Sets of row positions: see positions.h.
 */
#include "offline/iceberg/positions.h"

#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>

#define LIVE_SET_CAP FLOE_GIB(16)

/* ---- asking ---- */

static size_t find_block(const floe_positions *positions, uint64_t key) {
    size_t low = 0;
    size_t high = positions->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (positions->blocks[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool list_has(const floe_position_block *block, uint16_t item) {
    uint32_t low = 0;
    uint32_t high = block->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (block->items[middle] < item) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < block->count && block->items[low] == item;
}

bool floe_positions_has(const floe_positions *positions, uint64_t position, size_t *hint) {
    uint64_t key = position / FLOE_POSITION_BLOCK;
    size_t at = *hint;
    if (at >= positions->block_count || positions->blocks[at].key != key) {
        at = find_block(positions, key);
        *hint = at;
    }
    if (at >= positions->block_count || positions->blocks[at].key != key) {
        return false;
    }
    const floe_position_block *block = &positions->blocks[at];
    uint16_t item = (uint16_t)(position % FLOE_POSITION_BLOCK);
    return block->bits != NULL ? (block->bits[item / 64] >> (item % 64) & 1) != 0 : list_has(block, item);
}

/* The block of a position, or NULL. */
static const floe_position_block *block_of(const floe_positions *positions, uint64_t position) {
    size_t at = find_block(positions, position / FLOE_POSITION_BLOCK);
    bool there = at < positions->block_count && positions->blocks[at].key == position / FLOE_POSITION_BLOCK;
    return there ? &positions->blocks[at] : NULL;
}

void floe_positions_keep(const floe_positions *positions, const int64_t *rows, size_t count, bool *ret_alive) {
    uint64_t key = UINT64_MAX;
    const floe_position_block *block = NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t position = (uint64_t)rows[i];
        if (position / FLOE_POSITION_BLOCK != key) {
            key = position / FLOE_POSITION_BLOCK;
            block = block_of(positions, position);
        }
        uint16_t item = (uint16_t)(position % FLOE_POSITION_BLOCK);
        if (block == NULL) {
            ret_alive[i] = true;
        } else if (block->bits != NULL) {
            ret_alive[i] = (block->bits[item / 64] >> (item % 64) & 1) == 0;
        } else {
            ret_alive[i] = !list_has(block, item);
        }
    }
}

/* ---- making ---- */

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

static int compare_positions(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Most writers sort; looking costs less than sorting again. */
static void sort_positions(uint64_t *positions, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (positions[i] < positions[i - 1]) {
            qsort(positions, count, sizeof(*positions), compare_positions);
            return;
        }
    }
}

/* How many of the positions from `at` on lie in the block of the first. */
static size_t block_len(const uint64_t *positions, size_t count, size_t at) {
    uint64_t key = positions[at] / FLOE_POSITION_BLOCK;
    size_t end = at;
    while (end < count && positions[end] / FLOE_POSITION_BLOCK == key) {
        end++;
    }
    return end - at;
}

static floe_status make_block(const uint64_t *positions, size_t count, floe_arena *arena,
                              floe_position_block *ret_block, floe_error *err) {
    uint16_t items[FLOE_POSITION_BLOCK];
    uint32_t item_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t item = (uint16_t)(positions[i] % FLOE_POSITION_BLOCK);
        if (item_count == 0 || items[item_count - 1] != item) {
            items[item_count++] = item;
        }
    }
    return floe_position_block_make(positions[0] / FLOE_POSITION_BLOCK, items, item_count, arena, ret_block, err);
}

floe_status floe_positions_make(uint64_t *positions, size_t count, floe_arena *arena, floe_positions *ret_positions,
                                floe_error *err) {
    sort_positions(positions, count);
    FLOE_ENSURE(count == 0 || positions[count - 1] <= INT64_MAX, err, FLOE_CORRUPT, "a row position is negative");
    size_t block_count = 0;
    for (size_t at = 0; at < count; at += block_len(positions, count, at)) {
        block_count++;
    }
    floe_position_block *blocks = floe_arena_alloc(arena, block_count + 1, sizeof(*blocks));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_positions = (floe_positions){.blocks = blocks, .block_count = block_count};
    size_t at = 0;
    for (size_t i = 0; i < block_count; i++) {
        size_t len = block_len(positions, count, at);
        FLOE_TRY(make_block(positions + at, len, arena, &blocks[i], err));
        ret_positions->count += blocks[i].count;
        at += len;
    }
    return FLOE_OK;
}

/* ---- what a scan leaves out ---- */

floe_status floe_live_set_open(floe_live_set **ret_set, floe_error *err) {
    floe_live_set *set = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*set), &set, err));
    floe_arena_init(&set->arena, LIVE_SET_CAP);
    *ret_set = set;
    return FLOE_OK;
}

void floe_live_set_close(floe_live_set **set) {
    if (*set != NULL) {
        floe_arena_close(&(*set)->arena);
        floe_free(*set);
        *set = NULL;
    }
}
