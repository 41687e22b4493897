/*
 * Structures that slide: what percentile, top_k, first, last and approx_count_distinct are read from while rows enter and
 * leave a window, each in O(log n) a row.
 *
 * All stand on rankings: the rows of one key numbered by some order, made once per key and column and shared by the windows
 * over it. A window then counts rows per rank in a tree, and asks the tree.
 * Thread: those of a sweep belong to its thread.
 */
#ifndef FLOE_OFFLINE_PIT_WINDOW_SLIDE_H
#define FLOE_OFFLINE_PIT_WINDOW_SLIDE_H

#include "offline/pit/question/question.h"
#include "offline/pit/question/sort.h"
#include "proto/sketch.h"

#include <math.h>

/* ---- rankings ---- */

typedef enum pit_ranking_kind {
    PIT_BY_VALUE, /* equal values share a rank; NaN is one value above all, -0.0 is 0.0 */
    PIT_BY_ORDER, /* the order that picks the as-of winner: each row its own rank */
    PIT_BY_HASH   /* cells of a sketch: register * 64 + rank of the value's hash */
} pit_ranking_kind;

typedef struct pit_ranking {
    pit_ranking_kind kind;
    const pit_group *group;
    const pit_column *column; /* NULL of BY_ORDER */
    uint32_t first_row;
    uint32_t *rank;    /* per row of the key; of a null: anything */
    uint32_t *row_of;  /* per rank: the first row that has it */
    uint32_t *cell_of; /* per rank of BY_HASH */
    size_t count;      /* ranks */
    size_t room;
    pit_moment *places, *spare;
} pit_ranking;

/* The rankings that the windows of one sweep share. */
typedef struct pit_rankings {
    const pit_group *group;
    pit_ranking **items;
    size_t count, room;
} pit_rankings;

/* The ranking of this kind and column (NULL of BY_ORDER), made on first sight. */
floe_status floe_pit_rankings_of(pit_rankings *rankings, pit_ranking_kind kind, const pit_column *column,
                                 pit_ranking **ret_ranking, floe_error *err);
/* Numbers the rows [first_row, last_row) of the next key in all of them; by order only where `orders`. */
floe_status floe_pit_rankings_make(pit_rankings *rankings, uint32_t first_row, uint32_t last_row, bool orders,
                                   floe_error *err);
void floe_pit_rankings_close(pit_rankings *rankings);

/* Numbers the rows [first_row, last_row) of one key. */
floe_status floe_pit_ranking_make(pit_ranking *ranking, uint32_t first_row, uint32_t last_row, floe_error *err);
void floe_pit_ranking_close(pit_ranking *ranking);

/* Doubles in the order of int64: NaN is one value above all, -0.0 is 0.0. */
static inline int64_t floe_pit_real_rank(double real) {
    if (isnan(real)) {
        return INT64_MAX;
    }
    int64_t bits;
    real = real == 0 ? 0.0 : real;
    memcpy(&bits, &real, sizeof(bits));
    return bits < 0 ? INT64_MIN - bits : bits; /* below zero: minus the magnitude's bits */
}

/* Values of two rows of a column, by the rule of floe_value_compare. */
int floe_pit_compare_cells(const pit_column *column, uint32_t a, uint32_t b);

/* ---- counts per rank, and the k-th smallest: a binary indexed tree ---- */

typedef struct pit_ladder {
    uint32_t *sums; /* 1-based */
    size_t count;   /* ranks */
    size_t room;
    size_t top; /* the highest power of two <= count */
} pit_ladder;

floe_status floe_pit_ladder_reset(pit_ladder *ladder, size_t ranks, floe_error *err);
void floe_pit_ladder_add(pit_ladder *ladder, uint32_t rank, bool take);
/* The rank of the k-th smallest, from 0; there must be that many. */
uint32_t floe_pit_ladder_at(const pit_ladder *ladder, uint64_t k);
void floe_pit_ladder_close(pit_ladder *ladder);

/* ---- the most frequent ranks: a tournament ---- */

typedef struct pit_contest {
    uint32_t *counts;  /* per rank */
    uint32_t *winners; /* of a complete binary tree, 1-based: the most frequent rank below, ties by the smaller */
    size_t leaves;     /* a power of two */
    size_t ranks, room;
    uint32_t *heap; /* nodes, while the first k are listed */
    size_t heap_room;
} pit_contest;

floe_status floe_pit_contest_reset(pit_contest *contest, size_t ranks, floe_error *err);
void floe_pit_contest_add(pit_contest *contest, uint32_t rank, bool take);
/* The at most k most frequent ranks with a count above 0, most frequent first; returns how many. */
floe_status floe_pit_contest_top(pit_contest *contest, size_t k, uint32_t *ret_ranks, size_t *ret_count,
                                 floe_error *err);
void floe_pit_contest_close(pit_contest *contest);

/* ---- a sketch from which values can be taken out ---- */

typedef struct pit_sketch {
    uint64_t *seen;                               /* per register: a bit for each rank that is in */
    uint32_t registers[FLOE_SKETCH_RANK_MAX + 1]; /* how many registers have each rank as their largest */
    uint32_t *counts;                             /* rows per rank of the ranking */
    size_t room;
} pit_sketch;

floe_status floe_pit_sketch_reset(pit_sketch *sketch, size_t ranks, floe_error *err);
void floe_pit_sketch_add(pit_sketch *sketch, const pit_ranking *ranking, uint32_t rank, bool take);
/* Before the ranking is made for the next key. */
void floe_pit_sketch_clear(pit_sketch *sketch, const pit_ranking *ranking);
void floe_pit_sketch_close(pit_sketch *sketch);

#endif
