/*
 * The state of one view in a store, as bytes: which generation is served, which one is being filled, which ones wait to
 * be deleted. A generation carries the definition its rows were written with, so that a reader needs nothing else to
 * decode them. The exact bytes stand in proto/FORMATS.md (view state, format 1). Thread: any.
 */
#ifndef FLOE_PROTO_STATE_H
#define FLOE_PROTO_STATE_H

#include "core/arrow.h"
#include "core/buf.h"

#define FLOE_STATE_FORMAT 2 /* 1, without meanings, is still read */
#define FLOE_STATE_RETIRED_MAX 64
#define FLOE_STATE_BYTES_MAX FLOE_MIB(4)

/* A set of rows that come and go together. */
typedef enum floe_part_kind { FLOE_PART_AS_OF = 'a', FLOE_PART_AGGREGATES = 'g' } floe_part_kind;

typedef struct floe_part {
    floe_part_kind kind;
    uint64_t id; /* random, never 0 and never used again: rows of different parts cannot meet */
} floe_part;

/* A part's name inside a store: its kind's letter and its id, big-endian. */
#define FLOE_PART_BYTES 9
void floe_part_encode(floe_part part, uint8_t ret_bytes[FLOE_PART_BYTES]);

typedef struct floe_stored_output {
    floe_str name;
    bool aggregate; /* lies in the aggregates row; else in the as-of row */
    floe_type type;
    uint64_t meaning; /* floe_output.meaning; 0: not known */
} floe_stored_output;

/* What rows were written with. */
typedef struct floe_stored_definition {
    floe_str entity;
    bool at_before;
    const floe_column *keys;
    size_t key_count;
    const floe_stored_output *outputs; /* definition order; a row holds those of its part in this order */
    size_t output_count;
    uint64_t meaning; /* floe_view.meaning; 0: not known */
} floe_stored_definition;

typedef struct floe_stored_generation {
    uint64_t id;            /* of the as-of part; 0: there is no such generation */
    uint64_t aggregates_id; /* 0: no aggregates yet */
    uint64_t fingerprint;   /* floe_view.fingerprint */
    int64_t as_of_us;       /* the aggregates' time; 0 without them */
    floe_stored_definition definition;
} floe_stored_generation;

typedef struct floe_retired_part {
    floe_part part;
    floe_str entity;
    int64_t retired_us; /* when the last reader was told to leave */
} floe_retired_part;

typedef struct floe_stored_state {
    floe_stored_generation live;
    floe_stored_generation filling;
    const floe_retired_part *retired;
    size_t retired_count;
} floe_stored_state;

/* Appends the definition alone, without meanings: equal bytes mean rows that can be read alike. */
void floe_stored_definition_encode(const floe_stored_definition *definition, floe_buf *out);

floe_status floe_stored_state_encode(const floe_stored_state *state, floe_buf *out, floe_error *err);

/* Owns: the lists lie in the arena, names borrow from `bytes`. Empty bytes are the state of a view that was never
 * written. Errors: CORRUPT; UNSUPPORTED for another format; LIMIT, NOMEM. */
floe_status floe_stored_state_decode(floe_str bytes, floe_arena *arena, floe_stored_state *ret_state, floe_error *err);

#endif
