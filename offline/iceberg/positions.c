/*
 * Sets of row positions: see positions.h.
 */
#include "offline/iceberg/positions.h"

#include "core/limits.h"
#include "core/mem.h"

#include <string.h>

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

static bool block_has(const floe_position_block *block, size_t item) {
    return block->bits != NULL ? (block->bits[item / 64] >> (item % 64) & 1) != 0 : list_has(block, (uint16_t)item);
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
    return block_has(&positions->blocks[at], position % FLOE_POSITION_BLOCK);
}

/* The block of a position, or NULL. */
static const floe_position_block *block_of(const floe_positions *positions, uint64_t position) {
    size_t at = find_block(positions, position / FLOE_POSITION_BLOCK);
    bool there = at < positions->block_count && positions->blocks[at].key == position / FLOE_POSITION_BLOCK;
    return there ? &positions->blocks[at] : NULL;
}

#define LANES 4u
#define SHORT_RUN 16u /* rows that are asked for one by one */

/* Whether the first `count` rows, a multiple of LANES, count up: several at once on any machine. */
static uint64_t lanes_differ(const int64_t *rows, size_t count) {
    typedef uint64_t lanes __attribute__((vector_size(LANES * sizeof(uint64_t))));
    uint64_t first = (uint64_t)rows[0];
    lanes want = {first, first + 1, first + 2, first + 3};
    lanes differs = {0};
    for (size_t at = 0; at < count; at += LANES) {
        lanes got;
        memcpy(&got, rows + at, sizeof(got));
        differs |= got ^ want;
        want += LANES;
    }
    return differs[0] | differs[1] | differs[2] | differs[3];
}

/* How many of the rows lie in one block and count up by one. Most chunks do all the way; a look at the last row tells most others. */
static size_t run_len(const int64_t *rows, size_t count) {
    uint64_t first = (uint64_t)rows[0];
    uint64_t left = FLOE_POSITION_BLOCK - first % FLOE_POSITION_BLOCK;
    size_t most = count < left ? count : (size_t)left;
    uint64_t differs = (uint64_t)rows[most - 1] ^ (first + most - 1);
    size_t at = 0;
    if (differs == 0) {
        at = most / LANES * LANES;
        differs = lanes_differ(rows, at);
    }
    for (; differs == 0 && at < most; at++) {
        differs = (uint64_t)rows[at] ^ (first + at);
    }
    if (differs == 0) {
        return most;
    }
    size_t len = 1;
    while (len < most && (uint64_t)rows[len] == first + len) {
        len++;
    }
    return len;
}

/* 64 bits of a block from an item on; behind its end there are none. */
static uint64_t bits_from(const uint64_t *bits, size_t item) {
    size_t word = item / 64;
    size_t shift = item % 64;
    uint64_t low = bits[word] >> shift;
    bool more = shift > 0 && word + 1 < FLOE_POSITION_BLOCK_WORDS;
    return more ? low | bits[word + 1] << (64 - shift) : low;
}

/* Eight bits as eight truths, the lowest first: each bit is put into a byte of its own, and what is not zero becomes one. */
static void spread(uint64_t deleted, bool *ret_alive) {
    uint64_t apart = ((deleted & 0xFF) * UINT64_C(0x0101010101010101)) & UINT64_C(0x8040201008040201);
    uint64_t ones = ((apart + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7) & UINT64_C(0x0101010101010101);
    uint64_t alive = ones ^ UINT64_C(0x0101010101010101);
    memcpy(ret_alive, &alive, sizeof(alive));
}

static void keep_by_bits(const uint64_t *bits, size_t item, size_t count, bool *ret_alive) {
    size_t done = 0;
    for (; done + 64 <= count; done += 64) {
        uint64_t deleted = bits_from(bits, item + done);
        if (deleted == 0) {
            memset(ret_alive + done, true, 64);
            continue;
        }
        for (size_t i = 0; i < 64; i += 8) {
            spread(deleted >> i, ret_alive + done + i);
        }
    }
    for (; done < count; done++) {
        ret_alive[done] = (bits[(item + done) / 64] >> ((item + done) % 64) & 1) == 0;
    }
}

static void keep_by_list(const floe_position_block *block, size_t item, size_t count, bool *ret_alive) {
    memset(ret_alive, true, count);
    for (uint32_t i = 0; i < block->count; i++) {
        if (block->items[i] >= item && block->items[i] < item + count) {
            ret_alive[block->items[i] - item] = false;
        }
    }
}

static void keep_run(const floe_position_block *block, size_t item, size_t count, bool *ret_alive) {
    if (block == NULL) {
        memset(ret_alive, true, count);
    } else if (count < SHORT_RUN) {
        for (size_t i = 0; i < count; i++) {
            ret_alive[i] = !block_has(block, item + i);
        }
    } else if (block->bits != NULL) {
        keep_by_bits(block->bits, item, count, ret_alive);
    } else {
        keep_by_list(block, item, count, ret_alive);
    }
}

void floe_positions_keep(const floe_positions *positions, const int64_t *rows, size_t count, bool *ret_alive) {
    uint64_t key = UINT64_MAX;
    const floe_position_block *block = NULL;
    size_t len = 0;
    for (size_t at = 0; at < count; at += len) {
        uint64_t first = (uint64_t)rows[at];
        len = run_len(rows + at, count - at);
        if (first / FLOE_POSITION_BLOCK != key) {
            key = first / FLOE_POSITION_BLOCK;
            block = block_of(positions, first);
        }
        keep_run(block, first % FLOE_POSITION_BLOCK, len, ret_alive + at);
    }
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
