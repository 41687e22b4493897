/*
 * A calendar of the labels of each key: which is the first at or after a time.
 */
#ifndef FLOE_OFFLINE_PIT_CALENDAR_H
#define FLOE_OFFLINE_PIT_CALENDAR_H

#include "offline/pit/pit_int.h"

typedef struct pit_calendar pit_calendar;

/* The labels of key k are [starts[k], starts[k + 1]) of times, which rise there. Borrows the times. */
floe_status floe_pit_calendar_open(const int64_t *times, const uint32_t *starts, size_t key_count,
                                   pit_calendar **ret_calendar, floe_error *err);
void floe_pit_calendar_close(pit_calendar **calendar);
/* ret_labels[i]: the first label of keys[i] at or after from[i]; PIT_NO_ROW: none, as for INT64_MAX. Thread: several. */
void floe_pit_calendar_find(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from, size_t count,
                            uint32_t *ret_labels);

#endif
