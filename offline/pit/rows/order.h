/*
 * Records of one part of the keys put in order of key and event.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_ORDER_H
#define FLOE_OFFLINE_PIT_ROWS_ORDER_H

#include "offline/pit/question/sort.h"
#include "offline/pit/rows/record.h"

/* Room of one thread to put records in order of key and event. A moment's row is the number of a record in `came`. */
typedef struct pit_order {
    const uint8_t **came; /* in order of coming; when they are sorted, in order */
    pit_moment *moments, *spare;
    uint32_t *starts; /* per key of the part */
    pit_spill_room spill;
    size_t rows, keys;
    size_t count;  /* of those that came */
    int64_t moved; /* how often one was, since the room was made */
} pit_order;
void floe_pit_order_close(pit_order *order);
/* For at most that many records of that many keys, the keys of one part of 1 << part_bits. */
floe_status floe_pit_order_begin(pit_order *order, size_t rows, size_t keys, floe_error *err);
void floe_pit_order_add(const pit_group *group, pit_order *order, size_t part_bits, const uint8_t *records,
                        size_t count);
/* The records in order; those of the part's key k are [starts[k], starts[k + 1]). */
floe_status floe_pit_order_end(const pit_group *group, pit_order *order, size_t part_bits, size_t keys,
                               const uint8_t *const **ret_records, floe_error *err);

#endif
