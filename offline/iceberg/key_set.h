/*
 * The keys of equality deletes: a set that is filled once and then asked, chunk by chunk, which rows it deletes.
 *
 * A key is a row of cells, null being a value of its own; each key has the largest data sequence number of the deletes that
 * name it. Real numbers are equal by their bits, every NaN being one, so that -0.0 is not 0.0; texts are equal by their bytes.
 * A word of filter bits per few keys turns away nearly every row that is not in the set with one look into memory.
 * Thread: one at a time while it is filled; a sealed set may be asked by any number of threads.
 */
#ifndef FLOE_OFFLINE_ICEBERG_KEY_SET_H
#define FLOE_OFFLINE_ICEBERG_KEY_SET_H

#include "core/arena.h"
#include "core/str.h"

#include <stdint.h>

#define FLOE_KEY_ROWS_MAX 2048u /* of one chunk */

typedef enum floe_key_kind {
    FLOE_KEY_WHOLE_1, /* by width in bytes: whole numbers, booleans, times, decimals, uuids */
    FLOE_KEY_WHOLE_2,
    FLOE_KEY_WHOLE_4,
    FLOE_KEY_WHOLE_8,
    FLOE_KEY_WHOLE_16,
    FLOE_KEY_REAL_4,
    FLOE_KEY_REAL_8,
    FLOE_KEY_TEXT
} floe_key_kind;

/* One column of a chunk of keys; every chunk of a set has columns of the same kinds. */
typedef struct floe_key_cells {
    floe_key_kind kind;
    const void *cells;
    floe_str (*text_at)(const void *cells, size_t row); /* of TEXT */
    const uint64_t *validity;                           /* a bit per row, 0: null; NULL: there is no null */
} floe_key_cells;

typedef struct floe_key_set floe_key_set;

/* An empty set. Units: expected_count is a guess at how many keys will come. Owns: everything lies in the arena, whose cap is the
 * most that the set may take. Errors: NOMEM, LIMIT. */
floe_status floe_key_set_make(floe_arena *arena, size_t column_count, size_t expected_count, floe_key_set **ret_set,
                              floe_error *err);

/* Adds `count` rows (at most FLOE_KEY_ROWS_MAX) with their deletes' data sequence numbers. Errors: NOMEM, LIMIT; the set is of no
 * use then. */
floe_status floe_key_set_add(floe_key_set *set, const floe_key_cells *columns, const int64_t *sequences, size_t count,
                             floe_error *err);

/* Ends the filling. Errors: NOMEM, LIMIT. */
floe_status floe_key_set_seal(floe_key_set *set, floe_error *err);

/* Which of `count` rows (at most FLOE_KEY_ROWS_MAX) a sealed set leaves alive. `sequences` are the rows' data sequence numbers: only
 * larger ones delete; NULL: every key deletes. Cost: some nanoseconds a row, no heap call. */
void floe_key_set_look(const floe_key_set *set, const floe_key_cells *columns, const int64_t *sequences, size_t count,
                       bool *ret_alive);

size_t floe_key_set_count(const floe_key_set *set);

#endif
