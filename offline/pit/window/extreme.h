/*
 * Extremes: the best row among those that have entered and not left.
 */
#ifndef FLOE_OFFLINE_PIT_WINDOW_EXTREME_H
#define FLOE_OFFLINE_PIT_WINDOW_EXTREME_H

#include "offline/pit/memory/columns.h"

typedef struct pit_extreme_item {
    int64_t rank;  /* larger is better; of types that have no rank: 0, and the cells are compared */
    int64_t leave; /* INT64_MAX: never */
    uint32_t row;
} pit_extreme_item;

typedef struct pit_extreme {
    const pit_column *column;
    bool smallest;
    bool heaped; /* items are a heap, not a monotone queue */
    pit_extreme_item *items;
    size_t first, count, room; /* of a queue: [first, first + count) */
    int64_t steps;             /* items that others passed, since it was made */
} pit_extreme;

/* Of the cell of a row: larger is better; 0 of types that have none. */
int64_t floe_pit_extreme_rank(const pit_column *column, bool smallest, uint32_t row);
void floe_pit_extreme_reset(pit_extreme *extreme);
floe_status floe_pit_extreme_enter(pit_extreme *extreme, uint32_t row, int64_t leave, floe_error *err);
/* The best row that has not left at t; there must be one. */
uint32_t floe_pit_extreme_at(pit_extreme *extreme, int64_t t);

#endif
