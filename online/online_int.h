/*
 * The blocking store's handle, and rows gathered into batches; shared by lookup, write, sync and ingest.
 */
#ifndef FLOE_ONLINE_ONLINE_INT_H
#define FLOE_ONLINE_ONLINE_INT_H

#include "online/generation_int.h"

/* What a writer knows of a view's state, and since when. */
typedef struct floe_known_state {
    floe_str view; /* in the store's arena */
    floe_generation *generation;
    int64_t read_us; /* monotonic */
} floe_known_state;

#define FLOE_BATCH_PUTS 1000
#define FLOE_BATCH_BYTES FLOE_MIB(16) /* a batch that has grown to this is full */

/* Rows on their way into a store. */
typedef struct floe_batch {
    floe_arena arena;
    floe_put puts[FLOE_BATCH_PUTS];
    floe_write_outcome outcomes[FLOE_BATCH_PUTS];
    size_t count;
} floe_batch;

struct floe_store {
    floe_backend backend;
    floe_arena arena;
    floe_known_state *known;
    size_t known_count;
    size_t known_capacity;
    floe_buf scratch;
    floe_buf key;
    floe_buf row;
    floe_batch batch;
};

/* The view's state, at most FLOE_STATE_FRESH_US old. Borrowed until the next call. */
floe_status floe_store_state(floe_store *store, floe_str view, const floe_generation **ret_generation, floe_error *err);
/* Makes the next floe_store_state read it again. */
void floe_store_forget(floe_store *store, floe_str view);

typedef struct floe_batch_row {
    floe_str entity;
    const floe_value *keys;
    size_t key_count;
    const floe_row_layout *layout;
    floe_row_header header;
    const floe_value *values;
    const floe_part *parts; /* copied */
    size_t part_count;
} floe_batch_row;

/* Encodes a row into the store's batch, which must not be full. Errors: INVALID, LIMIT. */
floe_status floe_batch_add(floe_store *store, const floe_batch_row *row, floe_error *err);
/* The same for bytes that are encoded already. */
floe_status floe_batch_add_raw(floe_store *store, floe_str entity, floe_str key, floe_str row, floe_part part,
                               floe_error *err);
bool floe_batch_full(const floe_store *store);
/* Writes what was gathered; the outcomes stand in store->batch until the next add. The batch is empty afterwards, also
 * after a failure. */
floe_status floe_batch_flush(floe_store *store, bool keep_on_tie, size_t *ret_count, floe_error *err);

/* A value widened to what the entity's key or the view's output declares (floe_type_widens, and float to double); all else as it is. */
floe_value floe_value_widened(floe_value value, floe_type type);

#endif
