/*
 * What a column of a training set holds, in one pass over its cells: counts, extremes, mean and deviation, and a histogram
 * of numbers and times; of texts and bytes the distinct values while they are few.
 *
 * The histogram knows no bounds beforehand. Its bins are as wide as a power of two and lie at multiples of their width;
 * when a value lies outside, neighbours are merged in pairs until it fits, which is exact. So its counts depend on the
 * values alone, and a bin's edges are numbers that a person can read.
 *
 * Cells may go by in any order, divided among several statistics that are merged at the end: only the mean and the deviation depend on
 * the order in which they are summed up. They are summed up stretch by stretch, which is put together in the order of rows.
 */
#ifndef FLOE_OFFLINE_DATASET_STATS_H
#define FLOE_OFFLINE_DATASET_STATS_H

#include "core/arena.h"
#include "core/json.h"
#include "core/value.h"

#define STATS_BINS 20
#define STATS_DISTINCT_MAX 256 /* texts counted apart; above, only that there are more */
#define STATS_PENDING 256      /* numbers that wait to be taken into the mean together */
#define STATS_TOP 5            /* of them shown */

typedef struct stats_text {
    floe_str text;
    int64_t count;
} stats_text;

/* Of the finite numbers of some rows. */
typedef struct stats_moments {
    int64_t count;
    double mean, m2;
} stats_moments;

typedef struct column_stats {
    floe_type type;
    floe_arena *arena;         /* for texts and extremes */
    int64_t null_count, count; /* count: not null */
    int64_t nan_count, infinite_count;
    floe_value min, max; /* of numbers and times that are neither null nor NaN */
    bool has_extremes;
    /* Of finite numbers. */
    int64_t number_count;
    stats_moments all, stretch; /* of the stretches before; of this one, but for what is pending */
    double pending[STATS_PENDING];
    size_t pending_count;
    /* Bin i holds [(first + i) * 2^exponent, (first + i + 1) * 2^exponent). */
    int exponent;
    double scale; /* 2^-exponent; 0: not known */
    int64_t first;
    int64_t bins[STATS_BINS];
    /* Of texts and bytes. */
    stats_text *texts;
    size_t text_count;
    bool many_texts;
} column_stats;

void floe_stats_init(column_stats *stats, floe_type type, floe_arena *arena);
/* Texts are copied while they are few. A full arena is seen by floe_arena_check. Cost: O(1) for numbers. */
void floe_stats_add(column_stats *stats, const floe_value *value);
/* The same of a number that is not null, of a column of whole numbers or times, or of doubles. */
void floe_stats_add_whole(column_stats *stats, int64_t number);
void floe_stats_add_real(column_stats *stats, double number);
/* Ends a stretch of rows: returns its moments, which are not yet those of all. */
stats_moments floe_stats_stretch(column_stats *stats);
/* Puts the moments of the next stretch behind those of all before. */
void floe_stats_follow(column_stats *stats, const stats_moments *next);
/* Adds what other cells of the column hold, all but their moments. */
void floe_stats_merge(column_stats *stats, const column_stats *others);
/* Members of the object that is open: nulls, count, and what the type has of the rest. */
void floe_stats_print(column_stats *stats, floe_json_writer *json);

#endif
