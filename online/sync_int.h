/*
 * One sync of one view, in its parts: state changes (sync_state.c), rows (sync_rows.c), the procedure (sync.c).
 */
#ifndef FLOE_ONLINE_SYNC_INT_H
#define FLOE_ONLINE_SYNC_INT_H

#include "online/online_int.h"

#define FLOE_SYNC_ANNOUNCE_US (2 * FLOE_US_PER_SECOND)
#define FLOE_SYNC_RETIRE_US (10 * FLOE_US_PER_SECOND)

typedef struct floe_sync {
    const floe_sync_request *request;
    const floe_view *view;
    floe_store *store;
    floe_arena *arena;
    floe_sync_result *result;
    floe_stored_definition definition;
    uint64_t shape;
    const floe_row_layout *as_of;
    const floe_row_layout *aggregates;
    floe_str store_id;
    floe_sync_mark mark; /* of the last sync; its view is empty when there is none */
    int64_t as_of_us;
    uint64_t generation_id; /* as-of part that is written */
    uint64_t aggregates_id; /* aggregates part that is written; 0: the view has none */
    uint64_t copied_id;     /* live part whose arrived rows are copied into the new one; 0: none */
    int64_t youngest_us;    /* newest event time among the rows of the snapshot */
    int64_t switched_us;
} floe_sync;

static inline bool floe_sync_has_as_of(const floe_sync *sync) {
    return sync->as_of->count > 0;
}
static inline bool floe_sync_has_aggregates(const floe_sync *sync) {
    return sync->aggregates->count > 0;
}

/* Errors: CANCELLED when somebody asked to stop. */
floe_status floe_sync_check_cancelled(const floe_sync *sync, floe_error *err);
floe_status floe_sync_wait(const floe_sync *sync, int64_t wait_us, floe_error *err);

/* ---- states ---- */

/* Writes the new generation's ids into the view's state, so that writers fill it and nothing of it is ever lost sight
 * of. What an interrupted sync had been filling is put among what is to be deleted. */
floe_status floe_sync_announce(floe_sync *sync, floe_error *err);
/* The same for the aggregates of an incremental sync, which only this sync writes. */
floe_status floe_sync_announce_aggregates(floe_sync *sync, floe_error *err);
/* What was written becomes what is served. Errors: CONFLICT when another sync took over meanwhile. */
floe_status floe_sync_switch(floe_sync *sync, floe_error *err);
floe_status floe_sync_switch_aggregates(floe_sync *sync, floe_error *err);
/* Deletes the retired parts that nobody reads or writes since `before_us`. */
floe_status floe_sync_sweep(floe_sync *sync, int64_t before_us, floe_error *err);
/* After a failure: what this sync wrote is put among what is to be deleted. */
floe_status floe_sync_discard(floe_sync *sync, floe_error *err);

/* ---- rows ---- */

/* Writes a source's stream: as-of rows, aggregates, or both. */
floe_status floe_sync_write_stream(floe_sync *sync, struct ArrowArrayStream *stream, const floe_sync_need *need,
                                   floe_error *err);
/* Copies rows that arrived in the live generation and are younger than anything in the snapshot. */
floe_status floe_sync_copy_arrived(floe_sync *sync, floe_error *err);

#endif
