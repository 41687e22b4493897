/*
 * Counts per rank that slide: a binary indexed tree for the k-th smallest, a tournament for the most frequent, and bits per
 * register for a sketch.
 * Source: P. Fenwick, "A new data structure for cumulative frequency tables" (1994).
 */
#include "offline/pit/window/slide.h"

#include "core/mem.h"

#include <string.h>

/* ---- the k-th smallest ---- */

floe_status floe_pit_ladder_reset(pit_ladder *ladder, size_t ranks, floe_error *err) {
    if (ranks + 1 > ladder->room) {
        size_t room = ranks + ranks / 2 + 1;
        FLOE_TRY(floe_realloc(&ladder->sums, room, sizeof(*ladder->sums), err));
        ladder->room = room;
    }
    memset(ladder->sums, 0, (ranks + 1) * sizeof(*ladder->sums));
    ladder->count = ranks;
    ladder->top = 1;
    while (ladder->top * 2 <= ranks) {
        ladder->top *= 2;
    }
    return FLOE_OK;
}

void floe_pit_ladder_add(pit_ladder *ladder, uint32_t rank, bool take) {
    for (size_t at = (size_t)rank + 1; at <= ladder->count; at += at & -at) {
        ladder->sums[at] += take ? UINT32_MAX : 1;
    }
}

uint32_t floe_pit_ladder_at(const pit_ladder *ladder, uint64_t k) {
    size_t at = 0;
    for (size_t step = ladder->top; step > 0; step /= 2) {
        if (at + step <= ladder->count && ladder->sums[at + step] <= k) {
            at += step;
            k -= ladder->sums[at];
        }
    }
    FLOE_ASSERT(at < ladder->count);
    return (uint32_t)at;
}

void floe_pit_ladder_close(pit_ladder *ladder) {
    floe_free(ladder->sums);
}

/* ---- the most frequent ---- */

floe_status floe_pit_contest_reset(pit_contest *contest, size_t ranks, floe_error *err) {
    size_t leaves = 1;
    while (leaves < ranks) {
        leaves *= 2;
    }
    if (leaves > contest->room) {
        FLOE_TRY(floe_realloc(&contest->counts, leaves, sizeof(*contest->counts), err));
        FLOE_TRY(floe_realloc(&contest->winners, 2 * leaves, sizeof(*contest->winners), err));
        contest->room = leaves;
    }
    contest->leaves = leaves;
    contest->ranks = ranks;
    memset(contest->counts, 0, leaves * sizeof(*contest->counts));
    for (size_t i = 0; i < leaves; i++) {
        contest->winners[leaves + i] = (uint32_t)i;
    }
    for (size_t node = leaves - 1; node > 0; node--) {
        contest->winners[node] = contest->winners[2 * node];
    }
    return FLOE_OK;
}

/* Whether rank a is ahead of rank b. */
static bool is_ahead(const pit_contest *contest, uint32_t a, uint32_t b) {
    return contest->counts[a] != contest->counts[b] ? contest->counts[a] > contest->counts[b] : a < b;
}

void floe_pit_contest_add(pit_contest *contest, uint32_t rank, bool take) {
    contest->counts[rank] += take ? UINT32_MAX : 1;
    for (size_t node = (contest->leaves + rank) / 2; node > 0; node /= 2) {
        uint32_t left = contest->winners[2 * node], right = contest->winners[2 * node + 1];
        contest->winners[node] = is_ahead(contest, right, left) ? right : left;
    }
}

/* ---- listing the first k: the best node of the tree is opened until it is a leaf ---- */

static void heap_push(pit_contest *contest, size_t *count, uint32_t node) {
    size_t at = (*count)++;
    while (at > 0 && is_ahead(contest, contest->winners[node], contest->winners[contest->heap[(at - 1) / 2]])) {
        contest->heap[at] = contest->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    contest->heap[at] = node;
}

static uint32_t heap_pop(pit_contest *contest, size_t *count) {
    uint32_t best = contest->heap[0], last = contest->heap[--(*count)];
    size_t at = 0;
    for (size_t child = 1; child < *count; child = 2 * at + 1) {
        if (child + 1 < *count &&
            is_ahead(contest, contest->winners[contest->heap[child + 1]], contest->winners[contest->heap[child]])) {
            child++;
        }
        if (!is_ahead(contest, contest->winners[contest->heap[child]], contest->winners[last])) {
            break;
        }
        contest->heap[at] = contest->heap[child];
        at = child;
    }
    contest->heap[at] = last;
    return best;
}

/* The winner of a node stands in one of its children, so a leaf is reached in as many steps as the tree is deep, and each
 * step leaves one sibling in the heap. */
floe_status floe_pit_contest_top(pit_contest *contest, size_t k, uint32_t *ret_ranks, size_t *ret_count,
                                 floe_error *err) {
    size_t depth = 2;
    for (size_t leaves = contest->leaves; leaves > 1; leaves /= 2) {
        depth++;
    }
    if (k * depth > contest->heap_room) {
        FLOE_TRY(floe_realloc(&contest->heap, k * depth, sizeof(*contest->heap), err));
        contest->heap_room = k * depth;
    }
    size_t nodes = 0, listed = 0;
    heap_push(contest, &nodes, 1);
    while (nodes > 0 && listed < k) {
        uint32_t node = heap_pop(contest, &nodes);
        uint32_t rank = contest->winners[node];
        if (contest->counts[rank] == 0) {
            break; /* Nothing behind it has any either. */
        }
        if (node >= contest->leaves) {
            ret_ranks[listed++] = rank;
        } else {
            heap_push(contest, &nodes, 2 * node);
            heap_push(contest, &nodes, 2 * node + 1);
        }
    }
    *ret_count = listed;
    return FLOE_OK;
}

void floe_pit_contest_close(pit_contest *contest) {
    floe_free(contest->counts);
    floe_free(contest->winners);
    floe_free(contest->heap);
}

/* ---- a sketch ---- */

floe_status floe_pit_sketch_reset(pit_sketch *sketch, size_t ranks, floe_error *err) {
    if (!sketch->seen) {
        FLOE_TRY(floe_alloc(FLOE_SKETCH_REGISTERS, sizeof(*sketch->seen), &sketch->seen, err));
    }
    if (ranks + 1 > sketch->room) {
        size_t room = ranks + ranks / 2 + 1;
        FLOE_TRY(floe_realloc(&sketch->counts, room, sizeof(*sketch->counts), err));
        sketch->room = room;
    }
    memset(sketch->counts, 0, (ranks + 1) * sizeof(*sketch->counts));
    memset(sketch->registers, 0, sizeof(sketch->registers));
    sketch->registers[0] = FLOE_SKETCH_REGISTERS;
    return FLOE_OK;
}

/* The largest rank whose bit is set; 0: none. */
static uint32_t largest(uint64_t seen) {
    return seen == 0 ? 0 : 63 - (uint32_t)__builtin_clzll(seen);
}

void floe_pit_sketch_add(pit_sketch *sketch, const pit_ranking *ranking, uint32_t rank, bool take) {
    uint32_t cell = ranking->cell_of[rank];
    uint64_t *seen = &sketch->seen[cell / 64];
    uint64_t bit = UINT64_C(1) << (cell % 64);
    sketch->counts[rank] += take ? UINT32_MAX : 1;
    uint64_t now = sketch->counts[rank] > 0 ? *seen | bit : *seen & ~bit;
    sketch->registers[largest(*seen)]--;
    sketch->registers[largest(now)]++;
    *seen = now;
}

/* For the next key: only the registers that this one touched are cleared. */
void floe_pit_sketch_clear(pit_sketch *sketch, const pit_ranking *ranking) {
    for (size_t i = 0; sketch->seen && i < ranking->count; i++) {
        sketch->seen[ranking->cell_of[i] / 64] = 0;
    }
}

void floe_pit_sketch_close(pit_sketch *sketch) {
    floe_free(sketch->seen);
    floe_free(sketch->counts);
}
