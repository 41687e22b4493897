/*
 * Rows while they come in: each is one record, so that keeping a row touches one place in memory and not one per column.
 *
 * A group whose questions need only the best row between two labels has slots (slots.c), any other has parts (parts.c). Both
 * take rows batch by batch from several threads, and end in arrays by key and event.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_RECORD_H
#define FLOE_OFFLINE_PIT_ROWS_RECORD_H

#include "offline/pit/memory/spill.h"
#include "offline/pit/question/question.h"

static inline int64_t floe_pit_record_time(const uint8_t *record, uint32_t at) {
    int64_t value;
    memcpy(&value, record + at, sizeof(value));
    return value;
}

/* What is not kept is as if it were null. */
static inline int64_t floe_pit_record_created(const pit_group *group, const uint8_t *record) {
    return group->keeps_created ? floe_pit_record_time(record, group->created_at) : INT64_MIN;
}

static inline uint32_t floe_pit_record_key(const pit_group *group, const uint8_t *record) {
    uint32_t key;
    memcpy(&key, record + group->key_at, sizeof(key));
    return key;
}

/* Rows of one batch that some label may ask for. Arrays of one thread; `created` and `end` are filled where kept. */
typedef struct pit_taken {
    const uint32_t *rows; /* of the batch */
    const uint32_t *keys;
    const int64_t *event, *created, *end, *seq, *pos;
    size_t count;
} pit_taken;

/* Writes times, order and key of taken row i. */
void floe_pit_record_write(const pit_group *group, const pit_taken *taken, size_t i, uint8_t *record);

/* Decides what is kept of a row, and where in a record. The columns and views are known. */
void floe_pit_record_plan(const floe_pit *pit, pit_group *group);

/* ---- one column of records into one array ---- */

typedef struct pit_lane {
    void *items; /* the array */
    uint32_t at, len;
} pit_lane;

/* Makes the arrays of a group for that many rows, and lists them with their place in a record. */
floe_status floe_pit_lanes_open(pit_group *group, size_t rows, floe_arena *arena, pit_lane **ret_lanes,
                                size_t *ret_count, floe_error *err);
/* items[first + i] of each lane = its part of records[i]. */
void floe_pit_lanes_fill(const pit_lane *lanes, size_t lane_count, const uint8_t *const *records, size_t count,
                         size_t first);

/* ---- slots ---- */

typedef struct pit_slots pit_slots;
/* Cells of the rows that won their slot, to be written while the lock that is held is held. */
typedef floe_status (*pit_keep_cells)(void *context, const uint32_t *rows, uint8_t *const *records, size_t count,
                                      floe_error *err);
/* Room of one thread. */
typedef struct pit_slot_room {
    int64_t *from;   /* which time on each row is visible */
    uint64_t *ranks; /* event times in the order of unsigned numbers */
    uint32_t *slots;
    uint32_t *order;
    uint32_t *rows;
    uint8_t **records;
    unsigned turn; /* which stretch of locks it begins with */
} pit_slot_room;

/* Whether no row is needed but the largest between two labels. */
bool floe_pit_can_thin(const pit_group *group);
floe_status floe_pit_slots_open(const floe_pit *pit, pit_group *group, floe_error *err);
void floe_pit_slots_close(pit_slots **slots);
/* Lets the rows compete for their slots. Thread: several at a time, each with a room of its own. */
floe_status floe_pit_slots_take(const floe_pit *pit, pit_group *group, const pit_taken *taken, pit_slot_room *room,
                                pit_keep_cells keep, void *context, floe_error *err);
/* What stands in a slot, the number of its label in order of key and time; NULL: nothing. *ret_tied: it had an equal but for the
 * order of files. */
const uint8_t *floe_pit_slot_record(const pit_group *group, size_t slot, bool *ret_tied);
/* Event time of what stands in it. */
int64_t floe_pit_slot_event(const pit_group *group, size_t slot);
/* Time of its label. */
int64_t floe_pit_slot_label_time(const pit_group *group, size_t slot);
/* As floe_pit_compare_rows, of two slots in which something stands. */
int floe_pit_compare_slots(const pit_group *group, size_t a, size_t b, bool *ret_file_order);
/* Every label's winner is known: times go, what stands in the slots stays. */
void floe_pit_slots_settle(pit_slots *slots);
/* As floe_pit_compare_rows, of a group that keeps events and their order. */
int floe_pit_compare_records(const pit_group *group, const uint8_t *a, const uint8_t *b, bool *ret_file_order);
/* Ends the slots: what stands in them becomes the group's rows. */
floe_status floe_pit_slots_gather(pit_group *group, floe_error *err);

/* ---- parts ---- */

typedef struct pit_parts pit_parts;
typedef struct pit_chunk pit_chunk;
typedef struct pit_full_chunk {
    pit_chunk *chunk;
    size_t part;
} pit_full_chunk;
/* What one thread fills. */
typedef struct pit_part_room {
    pit_chunk **open;     /* per part */
    pit_chunk **spare;    /* per part: empty ones */
    pit_full_chunk *full; /* to be written down */
    size_t full_count, full_room;
    uint8_t *stretch; /* memory of the next chunks */
    size_t stretch_len;
    pit_spill_room spill;
} pit_part_room;

floe_status floe_pit_parts_open(const floe_pit *pit, pit_group *group, floe_error *err);
void floe_pit_parts_close(pit_parts **parts);
/* Gives taken row i the record records[i]. Thread: several at a time, each with a room of its own. */
floe_status floe_pit_parts_take(pit_group *group, const pit_taken *taken, pit_part_room *room, uint8_t **records,
                                floe_error *err);
/* When the cells of all that was taken are there: writes down what is to be. */
floe_status floe_pit_parts_shed(pit_group *group, pit_part_room *room, floe_error *err);
void floe_pit_part_room_close(pit_part_room *room); /* The rows stay. */
size_t floe_pit_parts_count(const pit_group *group);
/* The chunks of a part in order of coming: how many rows; then chunk by chunk, NULL after the last. */
size_t floe_pit_part_rows(const pit_group *group, size_t part);
/* What the rows of a part take in memory. */
uint64_t floe_pit_part_bytes(const pit_group *group, size_t part);
/* Reads back what was written down of a part. Thread: several, each at parts of its own. */
floe_status floe_pit_part_load(pit_group *group, size_t part, pit_spill_room *room, floe_error *err);
const pit_chunk *floe_pit_part_first(const pit_group *group, size_t part);
const pit_chunk *floe_pit_chunk_next(const pit_chunk *chunk, const uint8_t **ret_records, size_t *ret_count);
/* All records of a part, some at a time, in order of coming; what was written down is read back for each call alone. */
typedef floe_status (*pit_part_look)(void *context, const uint8_t *records, size_t count, floe_error *err);
floe_status floe_pit_part_visit(const pit_group *group, size_t part, pit_part_look look, void *context,
                                floe_error *err);
/* Gives the memory of a part back to the system. */
void floe_pit_part_forget(pit_group *group, size_t part);

/* Makes row_start and row_end of the group; once. */
floe_status floe_pit_row_starts_make(pit_group *group, floe_error *err);
/* The rows of parts [first, last) become the group's, in order of key and event. */
floe_status floe_pit_arrange(pit_group *group, size_t first_part, size_t last_part, int threads, floe_error *err);
/* The same of one part, with about that much memory beside the group's arrays (large.c). */
floe_status floe_pit_arrange_large(pit_group *group, size_t part, pit_spill *spill, uint64_t memory_bytes,
                                   floe_error *err);

#endif
