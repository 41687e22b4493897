/*
 * A calendar of the labels of each key: which is the first at or after a time, and the latest row that stands there.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_CALENDAR_H
#define FLOE_OFFLINE_PIT_ROWS_CALENDAR_H

#include "offline/pit/question/question.h"

#include <stdatomic.h>

/* One label. Its two halves are read one after the other, so they lie in one line of the cache. */
typedef struct pit_post {
    int64_t time;
    atomic_uint_least64_t standing; /* rank of what stands in its slot; it only rises, and 0 is below all */
} pit_post;

typedef struct pit_calendar pit_calendar;

/* The labels of key k are [starts[k], starts[k + 1]) of times, which rise there. Made by that many threads. */
floe_status floe_pit_calendar_open(const int64_t *times, const uint32_t *starts, size_t key_count, int threads,
                                   pit_calendar **ret_calendar, floe_error *err);
void floe_pit_calendar_close(pit_calendar **calendar);
/* ret_labels[i]: the first label of keys[i] at or after from[i]; PIT_NO_ROW: none, as for INT64_MAX, and where what stands at
 * that label has a rank above ranks[i] (NULL: all have the highest). Thread: several. */
void floe_pit_calendar_find(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from,
                            const uint64_t *ranks, size_t count, uint32_t *ret_labels);
atomic_uint_least64_t *floe_pit_calendar_standing(const pit_calendar *calendar, uint32_t label);
int64_t floe_pit_calendar_time(const pit_calendar *calendar, uint32_t label);

#endif
