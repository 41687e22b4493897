/*
 * The ways in which a group is answered: view by view from rows in order, out of slots, or part by part of its keys.
 */
#ifndef FLOE_OFFLINE_PIT_RUN_GROUP_H
#define FLOE_OFFLINE_PIT_RUN_GROUP_H

#include "offline/pit/question/question.h"

#include <stdatomic.h>

/* How a run goes on. */
typedef struct pit_pace {
    const floe_run *run; /* may be NULL */
    int threads;
    bool whole_keys; /* a key is one thread's */
} pit_pace;
static inline bool floe_pit_is_cancelled(const floe_run *run) {
    return run && run->cancelled && atomic_load(run->cancelled);
}

/* Answers the labels of some keys, whose rows are in order, into the view's sheet. */
floe_status floe_pit_sweep_view(const floe_pit *pit, const pit_group *group, pit_view *view, const pit_stint *stint,
                                const pit_pace *pace, floe_error *err);
/* Answers a group whose rows stand in slots, out of them. */
floe_status floe_pit_run_slots(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err);

/* Of a question that spills: answers a group, to its shelf. */
floe_status floe_pit_run_batches(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err);

#endif
