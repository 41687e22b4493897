/*
 * Waiting and stopping: a sync that was told to stop notices within a step.
 */
#include "core/time.h"
#include "online/sync_int.h"

#include <time.h>

#define WAIT_STEP_US 20000

floe_status floe_sync_check_cancelled(const floe_sync *sync, floe_error *err) {
    const atomic_bool *cancelled = sync->request->cancelled;
    FLOE_ENSURE(cancelled == NULL || !atomic_load(cancelled), err, FLOE_CANCELLED,
                "the sync of view %.*s was stopped; what was served before is served on",
                FLOE_STR_BRIEF(sync->view->about.name));
    return FLOE_OK;
}

floe_status floe_sync_wait(const floe_sync *sync, int64_t wait_us, floe_error *err) {
    int64_t end_us = floe_monotonic_us() + wait_us;
    for (int64_t left = wait_us; left > 0; left = end_us - floe_monotonic_us()) {
        int64_t step = left < WAIT_STEP_US ? left : WAIT_STEP_US;
        struct timespec pause = {.tv_nsec = (long)(step * 1000)};
        FLOE_TRY(floe_sync_check_cancelled(sync, err));
        (void)nanosleep(&pause, NULL);
    }
    return floe_sync_check_cancelled(sync, err);
}
