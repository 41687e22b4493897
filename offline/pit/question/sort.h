/*
 * Rows by the time at which something happens to them.
 */
#ifndef FLOE_OFFLINE_PIT_QUESTION_SORT_H
#define FLOE_OFFLINE_PIT_QUESTION_SORT_H

#include <stddef.h>
#include <stdint.h>

/* A row and when it enters. */
typedef struct pit_moment {
    int64_t at;
    uint32_t row;
} pit_moment;

/* By `at`, equal ones by row. Moments that lie so already, or in a few runs, cost no sort. `spare` has room for as many. Returns how
 * often one was moved: 0 where they lay so. */
size_t floe_pit_sort_moments(pit_moment *moments, size_t count, pit_moment *spare);

#endif
