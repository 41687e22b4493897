/*
 * The columns of one stream, looked at batch by batch, and the numbers of the keys in them.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_BATCH_H
#define FLOE_OFFLINE_PIT_ROWS_BATCH_H

#include "core/buf.h"
#include "offline/pit/question/question.h"
#include "offline/pit/rows/cells.h"

typedef struct pit_batch {
    struct ArrowSchema *schema;
    int64_t *index; /* child per column */
    pit_cells *cells;
    size_t count;
} pit_batch;

/* Finds the columns by name, in the arena. Errors: INVALID naming one that is missing. */
floe_status floe_pit_batch_columns(floe_arena *arena, struct ArrowSchema *schema, const floe_str *names, size_t count,
                                   pit_batch *ret_batch, floe_error *err);
/* A view of the same columns for another thread. */
floe_status floe_pit_batch_copy(const pit_batch *batch, floe_arena *arena, pit_batch *ret_copy, floe_error *err);
/* Looks at the next batch. */
floe_status floe_pit_batch_open(pit_batch *columns, const struct ArrowArray *batch, floe_error *err);

/* Room for the keys of one batch; of one thread. */
typedef struct pit_key_room {
    floe_buf bytes;
    uint32_t *ends;             /* per row: where its bytes end */
    uint64_t *hashes;           /* per row */
    int64_t *numbers;           /* per row */
    uint8_t *is_null;           /* per row */
    uint32_t *keys;             /* per row */
    uint32_t *missing, *places; /* rows that a memo does not know, and whose they are of those asked for */
    size_t rows;
} pit_key_room;

void floe_pit_key_room_close(pit_key_room *room);
/* room->keys[i]: the number of the key of rows[i]; PIT_NO_KEY when a part of it is null, or (without `add`) no label has it.
 * `cells` are the key columns; the memo is the thread's own for the group (NULL: none). Thread: with `add` one at a time, and nobody else at the group's keys. */
floe_status floe_pit_key_numbers(pit_group *group, const pit_cells *const *cells, const uint32_t *rows, size_t count,
                                 bool add, pit_memo *memo, pit_key_room *room, floe_error *err);

#endif
