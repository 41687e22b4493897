/*
 * Sets of row positions of one data file: what position deletes and deletion vectors delete.
 *
 * A set is immutable. It is kept as blocks of 65,536 positions, ascending: few positions of a block as a sorted list, many
 * as one bit each, so that asking costs a few nanoseconds and a set never costs much more than a bit per row of the file
 * where rows were deleted. Positions go from 0 to 2^63 - 1. Everything lies in an arena; no heap call when asked.
 * Thread: a finished set may be asked by any number of threads.
 */
#ifndef FLOE_OFFLINE_ICEBERG_POSITIONS_H
#define FLOE_OFFLINE_ICEBERG_POSITIONS_H

#include "core/arena.h"
#include "core/map.h"
#include "offline/iceberg/key_set.h"

#include <stdint.h>

#define FLOE_POSITION_BLOCK 65536u     /* positions of one block */
#define FLOE_POSITION_LIST_MAX 64u     /* more of a block's positions than that are kept as bits */
#define FLOE_POSITION_BLOCK_WORDS 1024 /* 64-bit words of a block kept as bits */

typedef struct floe_position_block {
    uint64_t key;          /* position / FLOE_POSITION_BLOCK */
    const uint64_t *bits;  /* NULL: a list */
    const uint16_t *items; /* ascending */
    uint32_t count;
} floe_position_block;

typedef struct floe_positions {
    const floe_position_block *blocks; /* by key, ascending */
    size_t block_count;
    uint64_t count;
} floe_positions;

/* Whether the set holds the position. *hint (0 at first) is where the last answer was found: runs of neighbouring
 * positions need no search. */
bool floe_positions_has(const floe_positions *positions, uint64_t position, size_t *hint);

/* Which of `count` rows, by their positions, the set leaves alive; the same answer as by floe_positions_has, sooner. */
void floe_positions_keep(const floe_positions *positions, const int64_t *rows, size_t count, bool *ret_alive);

/* Positions of one data file as they come, in any order, with doubles; kept as the set will be, so that what was added twice or in
 * whole takes no more than the set itself. Owns: everything lies in the arena. */
typedef struct floe_positions_maker {
    floe_arena *arena;
    floe_map by_key; /* a block's key → the block that is being made */
    struct floe_position_heap **heaps;
    size_t heap_count, heap_capacity;
    struct floe_position_heap *last;
} floe_positions_maker;

void floe_positions_begin(floe_positions_maker *maker, floe_arena *arena);
/* Errors: CORRUPT for a negative position; NOMEM, LIMIT. The maker is of no use then. */
floe_status floe_positions_add(floe_positions_maker *maker, const int64_t *positions, size_t count, floe_error *err);
floe_status floe_positions_end(floe_positions_maker *maker, floe_positions *ret_positions, floe_error *err);

/* The low 16 bits of a block's positions, ascending and without doubles → a block. Errors: NOMEM, LIMIT. */
floe_status floe_position_block_make(uint64_t key, const uint16_t *items, uint32_t count, floe_arena *arena,
                                     floe_position_block *ret_block, floe_error *err);

/* ---- what a scan leaves out ---- */

#define FLOE_FILES_OF_VIEW (UINT64_C(1) << 32) /* more files than a view can have: a view and a file in one number */

/* Rows of position delete files, as the engine reads them. */
typedef struct floe_delete_rows {
    const uint64_t *deletes;  /* which delete file of those that are read */
    const int64_t *files;     /* which data file; negative: none */
    const int64_t *positions; /* of the row in it; INT64_MIN: null */
    size_t count;
} floe_delete_rows;

/* The sets of the files that one read goes over, by the file's index there; NULL where nothing is deleted. Or, for the
 * reading of delete files, what finds the number of a data file by its path, -1 for none, and what takes their rows. Or the keys of
 * equality deletes, with what each file is compared by where that must be. */
typedef struct floe_live_view {
    const floe_positions *const *files;
    size_t file_count; /* of files, sequences and scopes */
    int64_t (*find)(void *context, floe_str path);
    void (*add)(void *context, const floe_delete_rows *rows); /* one call at a time */
    void *context;
    floe_key_set *keys;
    const int64_t *sequences; /* data sequence numbers; NULL: every delete is younger than every file */
    const int64_t
        *scopes; /* numbers of spec and partition, the first column of a key; NULL: keys have no such column */
} floe_live_view;

/* What a set was made of: a digest, so that the next scan of the same finds it. */
typedef struct floe_live_key {
    uint8_t digest[32];
} floe_live_key;

/* Views that live and die together, with the arena that everything they point to lies in. */
typedef struct floe_live_set {
    floe_arena arena;
    floe_live_view *views;
    size_t view_count;
    bool keyed; /* may be found by its key */
    floe_live_key key;
    int64_t first_view;         /* number of views[0] once registered */
    size_t counted;             /* bytes that were taken off the engine's memory for it */
    struct floe_live_set *next; /* of the session's sets */
} floe_live_set;

floe_status floe_live_set_open(floe_live_set **ret_set, floe_error *err);
void floe_live_set_close(floe_live_set **set); /* NULL-safe */

#endif
