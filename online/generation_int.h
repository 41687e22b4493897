/*
 * Generations: what of a view is served, what is being filled, and how a definition's columns are found in stored rows.
 */
#ifndef FLOE_ONLINE_GENERATION_INT_H
#define FLOE_ONLINE_GENERATION_INT_H

#include "online/store_int.h"
#include "proto/row.h"

/* How often a writer or reader looks whether a view's state has changed. Sync waits longer than this after it announced
 * a generation and before it deletes one. */
#define FLOE_STATE_FRESH_US (FLOE_US_PER_SECOND)

/* The definition of a view as it is kept with a generation; lists in the arena, names borrowed from the view. */
floe_status floe_generation_definition(const floe_view *view, floe_arena *arena, floe_stored_definition *ret_definition,
                                       floe_error *err);
/* A number that two definitions share when rows written with one can be read with the other: fingerprint and stored
 * definition. */
floe_status floe_generation_shape(const floe_stored_definition *definition, uint64_t fingerprint, uint64_t *ret_shape,
                                  floe_error *err);
/* The types of one part's columns, in their order in the row. */
floe_status floe_generation_layout(const floe_stored_definition *definition, bool aggregates, floe_arena *arena,
                                   const floe_row_layout **ret_layout, floe_error *err);

/* A decoded state with what is derived from it; immutable, counted. Thread: the count is not atomic: one thread. */
typedef struct floe_generation {
    size_t references;
    floe_arena arena;
    floe_str bytes; /* as read from the store */
    floe_stored_state state;
    uint64_t live_shape;               /* 0: not live */
    uint64_t filling_shape;            /* 0: none is filled */
    const floe_row_layout *as_of;      /* of the live generation */
    const floe_row_layout *aggregates; /* of the live generation */
} floe_generation;

floe_status floe_generation_open(floe_str bytes, floe_generation **ret_generation, floe_error *err);
floe_generation *floe_generation_hold(floe_generation *generation);
void floe_generation_release(floe_generation **generation);

/* Whether the live generation's rows were made of the rows that this view's definition means: the same table, times,
 * keys, where and boundary. Not for a state of format 1, which does not tell. */
bool floe_generation_same_rows(const floe_generation *generation, const floe_view *view);
/* The column of the part's row that holds `output`, found by name, type and meaning; false when the live generation has
 * none. Rule: only where floe_generation_same_rows. */
bool floe_generation_find(const floe_generation *generation, const floe_output *output, size_t *ret_column);

/* A random id that is not 0. Errors: IO when the system has no randomness to give. */
floe_status floe_generation_new_id(uint64_t *ret_id, floe_error *err);

/* ---- a view's state in the store ---- */

floe_status floe_generation_read(floe_backend *backend, floe_str view, floe_generation **ret_generation,
                                 floe_error *err);

/* Changes a view's state, again and again until nobody else came in between. `change` gets the current state to edit
 * (its lists may be replaced by ones in the arena) and may refuse. */
typedef floe_status (*floe_state_change_fn)(void *context, floe_stored_state *state, floe_arena *arena,
                                            floe_error *err);
floe_status floe_generation_change(floe_backend *backend, floe_str view, floe_state_change_fn change, void *context,
                                   floe_error *err);

#endif
