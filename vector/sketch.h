/*
 * Sketches of columns: how many rows and distinct values a column has, and the smallest hashes of its values, by which one
 * column is told to hold the values of another without keeping any of them.
 *
 * A sketch belongs to the index: nothing answers with it. Of a column with personal data none is kept (mark.c), because a hash
 * of a phone number or an address is found by trying all of them.
 * Source: bottom-k sketches, Cohen and Kaplan, "Summarizing data using bottom-k sketches" (2007): because every column
 * keeps the smallest hashes of one and the same function, what two of them keep below both horizons is a sample of both.
 */
#ifndef FLOE_VECTOR_SKETCH_H
#define FLOE_VECTOR_SKETCH_H

#include "core/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Hashes that are kept of a column; with so many distinct values or fewer, all of them. */
#define FLOE_SKETCH_HASHES 256
/* A column of more distinct values than this is not sketched. */
#define FLOE_SKETCH_DISTINCT_MAX (INT64_C(1) << 20)

typedef struct floe_sketch {
    int64_t rows;           /* that were looked at */
    int64_t values;         /* of them not null, nor empty text */
    int64_t distinct;       /* of these; exact */
    bool whole;             /* the table has no other rows */
    bool is_integer;        /* every value is an integer, or the text of one */
    bool is_counter;        /* integers with hardly a gap between the least and the most, as counters give them */
    const uint32_t *hashes; /* ascending, each once */
    size_t hash_count;
} floe_sketch;

/* Collects the values of one column. */
typedef struct floe_sketcher {
    floe_arena *arena;
    uint64_t *slots; /* hashes of distinct values, open addressing; 0: empty */
    size_t capacity;
    int64_t rows, values, distinct;
    bool is_integer, given_up;
    int64_t least, most;
} floe_sketcher;

/* Owns: everything lies in the arena, whose overflow the caller checks. */
void floe_sketcher_init(floe_sketcher *sketcher, floe_arena *arena);
void floe_sketcher_null(floe_sketcher *sketcher);
void floe_sketcher_int(floe_sketcher *sketcher, int64_t value);
/* Text without the blanks around it; the decimal text of an integer is that integer. */
void floe_sketcher_text(floe_sketcher *sketcher, floe_str value);
/* NULL of a column without values, with too many distinct ones, or when the arena is full. Owns: in the arena. */
const floe_sketch *floe_sketcher_finish(const floe_sketcher *sketcher, bool whole);

/* Whether every value that was looked at is another one. */
bool floe_sketch_is_unique(const floe_sketch *sketch);
/* Whether so many different integers between these two are a counter's: such a column holds the values of many others. */
bool floe_sketch_counts(int64_t least, int64_t most, int64_t distinct);
/* Of the values of `part` that are comparable, those that `whole` has too. Rule: comparable is what lies below both horizons.
 * Returns how many are comparable; a sketch of a part of a table has none that it could be shown to lack. */
size_t floe_sketch_contains(const floe_sketch *whole, const floe_sketch *part, size_t *ret_found);

#endif
