/*
 * A sweep: the labels of one view, key by key. Thread: a sweep belongs to one thread; several may work on different keys.
 */
#ifndef FLOE_OFFLINE_PIT_RUN_SWEEP_H
#define FLOE_OFFLINE_PIT_RUN_SWEEP_H

#include "offline/pit/run/divide.h"

/* Answers the labels of one key of one view. */
typedef struct pit_sweep pit_sweep;
floe_status floe_pit_sweep_open(const floe_pit *pit, const pit_group *group, pit_view *view, pit_sweep **ret_sweep,
                                floe_error *err);
void floe_pit_sweep_close(pit_sweep **sweep);
/* The answer to a label stands on the rows that it sees, not on the labels before it, so any slice of a key may be answered alone. One
 * that follows the slice before it goes on from there. */
floe_status floe_pit_sweep_slice(pit_sweep *sweep, const pit_slice *slice, floe_error *err);
/* Adds what it counted to the view's. Once. */
void floe_pit_sweep_count(const pit_sweep *sweep, pit_view *view);

#endif
