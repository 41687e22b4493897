/*
 * A file of blocks for what does not fit into memory: each is written once, packed, and read back by its place.
 *
 * The file has no name from the start, so nothing is left of it however the process ends. Thread: several at a time.
 */
#ifndef FLOE_OFFLINE_PIT_MEMORY_SPILL_H
#define FLOE_OFFLINE_PIT_MEMORY_SPILL_H

#include "core/buf.h"
#include "core/error.h"

typedef struct pit_spill pit_spill;

/* Where a block lies, and how long it is; len 0: there is none. */
typedef struct pit_block {
    uint64_t at;
    uint32_t packed_len, len;
} pit_block;

/* Memory of one thread for packing and unpacking; zeroed at first. */
typedef struct pit_spill_room {
    floe_buf packed, bytes;
} pit_spill_room;
void floe_pit_spill_room_close(pit_spill_room *room);

#define PIT_BLOCK_MAX ((size_t)64 << 20)

/* Errors: IO, DENIED. */
floe_status floe_pit_spill_open(const char *folder, pit_spill **ret_spill, floe_error *err);
void floe_pit_spill_close(pit_spill **spill);
/* Up to PIT_BLOCK_MAX bytes. Errors: IO, naming a full disk. */
floe_status floe_pit_spill_write(pit_spill *spill, const void *bytes, size_t len, pit_spill_room *room,
                                 pit_block *ret_block, floe_error *err);
/* *ret_bytes: block->len bytes in the room, until its next use. Errors: IO, CORRUPT. */
floe_status floe_pit_spill_read(const pit_spill *spill, const pit_block *block, pit_spill_room *room,
                                const uint8_t **ret_bytes, floe_error *err);

#endif
