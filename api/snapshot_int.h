/*
 * The definitions that are served: an immutable copy of one version of the registry, counted, shared by the threads.
 */
#ifndef FLOE_API_SNAPSHOT_INT_H
#define FLOE_API_SNAPSHOT_INT_H

#include "registry/registry.h"

#include <stdatomic.h>

typedef struct floe_snapshot {
    atomic_size_t references;
    floe_arena arena;
    const floe_definitions *definitions;
} floe_snapshot;

/* Reads the newest version, unless that is `known`: then *ret_snapshot stays untouched and *ret_changed is false. The
 * registry is opened anew each time, so that a file which was replaced is noticed. Errors: NOT_FOUND when nothing is
 * applied. Thread: any. */
floe_status floe_snapshot_load(const char *registry, int64_t known, floe_snapshot **ret_snapshot, bool *ret_changed,
                               floe_error *err);
/* Thread: any. */
floe_snapshot *floe_snapshot_hold(floe_snapshot *snapshot);
void floe_snapshot_release(floe_snapshot **snapshot);

#endif
