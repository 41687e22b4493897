/*
 * Folders for what does not fit into memory: one per lake, private to its process, with a lock that is held for as long as
 * the process lives. Whoever opens one removes those whose lock nobody holds: what a killed process left.
 */
#ifndef FLOE_OFFLINE_SPILL_H
#define FLOE_OFFLINE_SPILL_H

#include "core/error.h"

#include <stdint.h>

#define FLOE_SPILL_PATH_MAX 512

typedef struct floe_spill {
    char path[FLOE_SPILL_PATH_MAX]; /* "" where there is none */
    int lock_fd;
} floe_spill;

/* Makes $TMPDIR/floe-temp-PID-N (or below /tmp) and removes what dead processes left there. Errors: IO, DENIED, LIMIT (a
 * path that is too long). */
floe_status floe_spill_open(floe_spill *ret_spill, floe_error *err);
/* Removes the folder and everything in it. Safe on a zeroed one, and twice. */
void floe_spill_close(floe_spill *spill);

/* What this process may use: the machine's memory or its control group's limit, whichever is less. Units: bytes. */
uint64_t floe_memory_total(void);

#endif
