/*
 * One lookup from its JSON to its JSON, whoever asks: POST /v1/lookup, a tool of MCP over HTTP, or one on stdio.
 * Between prepare and print the asker has the lookup done, on a reactor's connection or by a blocking store.
 */
#ifndef FLOE_API_LOOKUP_INT_H
#define FLOE_API_LOOKUP_INT_H

#include "api/plans_int.h"

/* What is asked of: the caller's plans and definitions, and whose eyes. */
typedef struct floe_lookup_source {
    floe_plans *plans;
    floe_snapshot *snapshot;
    const floe_role *role; /* NULL: sees everything */
} floe_lookup_source;

typedef struct floe_lookup_call {
    floe_lookup lookup; /* ready to start but for `done` and `context` */
    floe_lookup_body body;
    floe_plan_entry *plan; /* held until the release */
} floe_lookup_call;

/* Rule: a view or service that the role does not see is answered as one that does not exist, word for word.
 * Owns: on success the plan, until the release; all else lies in the arena and borrows from `root`. Errors: those of
 * floe_lookup_body_read, floe_plans_get and floe_lookup_body_keys. */
floe_status floe_lookup_call_prepare(floe_lookup_call *call, const floe_lookup_source *source, const floe_node *root,
                                     floe_arena *arena, floe_error *err);
/* {"features":[…],"values":[[…]…],"statuses"?,"event_times"?} of a lookup that is done and did not fail. */
floe_status floe_lookup_call_print(const floe_lookup_call *call, floe_buf *out, floe_error *err);
/* Safe after a failed prepare of a zeroed call, and twice. */
void floe_lookup_call_release(floe_lookup_call *call);

#endif
