/*
 * What a thread that takes rows in works with.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_FEED_H
#define FLOE_OFFLINE_PIT_ROWS_FEED_H

#include "offline/pit/rows/batch.h"
#include "offline/pit/rows/record.h"

/* The columns of one source's rows, found once and the same for all threads. */
typedef struct pit_row_columns {
    const floe_pit_need *need;
    size_t event, created, end, seq, pos, where; /* the fixed columns stand after the need's data columns */
    bool has_created, has_end;
} pit_row_columns;

typedef struct pit_feeder pit_feeder;
/* For the groups of one need. The stream's columns and pit outlive it. */
floe_status floe_pit_feeder_open(floe_pit *pit, size_t need_index, const pit_row_columns *columns,
                                 const pit_batch *batch, pit_feeder **ret_feeder, floe_error *err);
void floe_pit_feeder_close(pit_feeder **feeder);
/* Takes the rows of one batch. Thread: several feeders at a time. */
floe_status floe_pit_feeder_take(pit_feeder *feeder, const struct ArrowArray *batch, floe_error *err);

#endif
