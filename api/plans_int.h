/*
 * Lookup plans, prepared once per question and kept per thread: the columns asked for, and the part of the answer that
 * is the same for every entity. Thread: the reactor's.
 */
#ifndef FLOE_API_PLANS_INT_H
#define FLOE_API_PLANS_INT_H

#include "api/body_int.h"
#include "api/snapshot_int.h"
#include "online/online.h"

#define FLOE_PLANS_MAX 128

typedef struct floe_plan_entry {
    size_t references;
    uint64_t hash;
    uint64_t used; /* the clock when it was last asked for */
    floe_str key;  /* the question, as bytes */
    floe_arena arena;
    floe_snapshot *snapshot; /* held: the plan borrows from it */
    const floe_lookup_plan *plan;
    floe_str head; /* {"features":["view:feature",…] */
} floe_plan_entry;

/* The least recently used one makes room. Zeroed is empty. */
typedef struct floe_plans {
    floe_plan_entry *items[FLOE_PLANS_MAX];
    size_t count;
    uint64_t clock;
} floe_plans;

/* The plan for what the body names, made from `snapshot` when it is not there. Owns: the caller gives it back with
 * floe_plan_release. Errors: NOT_FOUND naming what is not defined and the nearest; INVALID for a view that is not kept
 * online; those of floe_lookup_plan_make. Cost: no heap call when it is there. */
floe_status floe_plans_get(floe_plans *plans, floe_snapshot *snapshot, const floe_lookup_body *body, floe_arena *arena,
                           floe_plan_entry **ret_entry, floe_error *err);
void floe_plan_release(floe_plan_entry **entry);
/* Forgets all, when the definitions change. Those in use live on. */
void floe_plans_clear(floe_plans *plans);

#endif
