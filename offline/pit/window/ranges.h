/*
 * Ranges: what windows are read from where the rows of a key become visible in the order of their events, which they do
 * unless rows that were known late are asked for as known. Then a window is a stretch of the key's rows, [low, high), at
 * every label, and nothing has to be done per row and window: counts and sums are differences of sums from the first row on,
 * the largest value is found among the few that no later one outdoes. All windows over a column share these.
 *
 * Sums are whole numbers of 128 bits, floats scaled by a power of two, so that differences are exact; where the values of a
 * key do not fit so, its windows let rows in and out one by one (window.c), with the same answer.
 * Thread: those of a sweep belong to its thread.
 */
#ifndef FLOE_OFFLINE_PIT_WINDOW_RANGES_H
#define FLOE_OFFLINE_PIT_WINDOW_RANGES_H

#include "offline/pit/exact/moments.h"
#include "offline/pit/question/question.h"

/* Rows of which each is better than all behind it: the first at or after `low` is the best of [low, high). */
typedef struct pit_peak {
    int64_t rank; /* as in pit_extreme_item */
    uint32_t row;
} pit_peak;

typedef struct pit_peaks {
    bool wanted, smallest;
    pit_peak *items;
    size_t count, room;
} pit_peaks;

typedef struct pit_range {
    const pit_column *column; /* NULL: "*" */
    bool wants_sums, wants_squares;
    pit_peaks smallest, largest;
    /* Of the key at hand: */
    uint32_t first_row;
    bool has_nulls;
    uint32_t *before; /* where has_nulls: per row, and one more, the values before it */
    uint32_t *row_of; /* where has_nulls: per value its row */
    bool sums_fit, squares_fit;
    int exponent;             /* sums count 2^exponent */
    double unit;              /* that; 0: it is none of the ordinary doubles */
    __int128 *sums, *squares; /* per row, and one more: of the values before it */
    size_t room;
} pit_range;

typedef struct pit_ranges {
    const pit_group *group;
    pit_range **items;
    size_t count, room;
} pit_ranges;

/* The range of a column (NULL of "*"), made on first sight. */
floe_status floe_pit_ranges_of(pit_ranges *ranges, const pit_column *column, pit_range **ret_range, floe_error *err);
/* For the next key, whose rows are [first_row, last_row), in order of event. */
floe_status floe_pit_ranges_make(pit_ranges *ranges, uint32_t first_row, uint32_t last_row, floe_error *err);
/* Rows [first, last) become visible. */
floe_status floe_pit_ranges_enter(pit_ranges *ranges, uint32_t first, uint32_t last, floe_error *err);
void floe_pit_ranges_close(pit_ranges *ranges);

static inline int64_t floe_pit_range_count(const pit_range *range, uint32_t low, uint32_t high) {
    return !range->has_nulls ? (int64_t)high - low
                             : (int64_t)range->before[high - range->first_row] - range->before[low - range->first_row];
}

/* What sum, mean and variance are read from, as if the values of [low, high) had been added one by one. */
void floe_pit_range_moments(const pit_range *range, uint32_t low, uint32_t high, floe_moments *moments);
/* Of floats: the sum of [low, high), rounded once. */
double floe_pit_range_sum(const pit_range *range, uint32_t low, uint32_t high);
/* The best row from `low` on among those that are visible; there must be one that has a value. */
uint32_t floe_pit_peaks_best(const pit_peaks *peaks, uint32_t low);
/* The k-th row that has a value, from the older or the newer end; there must be that many. */
uint32_t floe_pit_range_row(const pit_range *range, uint32_t low, uint32_t high, uint64_t k, bool newest);

#endif
