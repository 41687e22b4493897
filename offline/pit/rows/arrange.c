/*
 * Rows by key and event.
 *
 * Phases, of some parts or all: how many each part has says where its rows begin; then several threads take part after part: count per
 * key and list records key by key; within a key sort them by event unless they lie so already; then fill every array from
 * the records, in order. Which part a thread takes when does not show. A part that is more than there is memory for: large.c.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/rows/order.h"
#include "offline/together.h"

#include <stdlib.h>

/* ---- records ---- */

#define LARGE_PART ((size_t)1 << 20) /* rows: of one key, or of few */

void floe_pit_order_close(pit_order *order) {
    floe_free(order->came);
    floe_free(order->moments);
    floe_free(order->spare);
    floe_free(order->starts);
    floe_pit_spill_room_close(&order->spill);
    *order = (pit_order){0};
}

floe_status floe_pit_order_begin(pit_order *order, size_t rows, size_t keys, floe_error *err) {
    size_t room = rows + 1;
    if (room > order->rows) {
        FLOE_TRY(floe_realloc(&order->came, room, sizeof(*order->came), err));
        FLOE_TRY(floe_realloc(&order->moments, room, sizeof(*order->moments), err));
        FLOE_TRY(floe_realloc(&order->spare, room, sizeof(*order->spare), err));
        order->rows = room;
    }
    if (keys > order->keys || !order->starts) {
        FLOE_TRY(floe_realloc(&order->starts, keys + 3, sizeof(*order->starts), err));
        order->keys = keys;
    }
    memset(order->starts, 0, (keys + 2) * sizeof(*order->starts));
    order->count = 0;
    return FLOE_OK;
}

void floe_pit_order_add(const pit_group *group, pit_order *order, size_t part_bits, const uint8_t *records,
                        size_t count) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = records + i * group->record_len;
        order->came[order->count++] = record;
        order->starts[(floe_pit_record_key(group, record) >> part_bits) + 2]++;
    }
}

typedef struct equal_records {
    const pit_group *group;
    const uint8_t *const *came;
} equal_records;

static int compare_equal(const void *a, const void *b, void *context) {
    const equal_records *equal = context;
    bool file_order;
    return floe_pit_compare_records(equal->group, equal->came[((const pit_moment *)a)->row],
                                    equal->came[((const pit_moment *)b)->row], &file_order);
}

/* Where the order of equal events shows, it is that which picks the winner. */
static void order_equal(const pit_group *group, const pit_order *order, pit_moment *moments, size_t count) {
    equal_records equal = {group, order->came};
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && moments[last].at == moments[first].at;) {
            last++;
        }
        if (last - first > 1) {
            qsort_r(moments + first, last - first, sizeof(*moments), compare_equal, &equal);
        }
    }
}

/* Moments key by key, each key's by event. */
static void sort_moments(const pit_group *group, pit_order *order, size_t part_bits, size_t keys) {
    for (size_t i = 0; i < order->count; i++) {
        uint32_t key = floe_pit_record_key(group, order->came[i]) >> part_bits;
        order->moments[order->starts[key + 1]++] = (pit_moment){floe_pit_record_time(order->came[i], 0), (uint32_t)i};
    }
    for (size_t k = 0; k < keys; k++) {
        size_t count = order->starts[k + 1] - order->starts[k];
        order->moved += (int64_t)floe_pit_sort_moments(order->moments + order->starts[k], count, order->spare);
        if (group->keeps_order) {
            order_equal(group, order, order->moments + order->starts[k], count);
        }
    }
}

/* The records of the moments, in their order, in the memory of the moments: a record's address is half as long and goes where moments were
 * read before. */
static void take_ordered(pit_order *order) {
    for (size_t i = 0; i < order->count; i++) {
        const uint8_t *record = order->came[order->moments[i].row];
        memcpy((uint8_t *)order->moments + i * sizeof(record), &record, sizeof(record));
    }
}

/* Memory that only the sort of a large part needed, before the rows are there a second time. */
static floe_status shrink_large(pit_order *order, floe_error *err) {
    if (order->count <= LARGE_PART) {
        return FLOE_OK;
    }
    floe_free(order->came);
    floe_free(order->spare);
    order->came = NULL;
    order->spare = NULL;
    order->rows = 0;
    return floe_realloc(&order->moments, order->count / 2 + 1, sizeof(*order->moments), err);
}

floe_status floe_pit_order_end(const pit_group *group, pit_order *order, size_t part_bits, size_t keys,
                               const uint8_t *const **ret_records, floe_error *err) {
    for (size_t k = 1; k <= keys; k++) {
        order->starts[k + 1] += order->starts[k];
    }
    sort_moments(group, order, part_bits, keys);
    take_ordered(order);
    FLOE_TRY(shrink_large(order, err));
    *ret_records = (const uint8_t *const *)(const void *)order->moments;
    return FLOE_OK;
}

/* ---- parts ---- */

/* What threads put in order together. */
typedef struct arranger {
    pit_group *group;
    const pit_lane *lanes;
    size_t lane_count;
    size_t first_part, last_part;
    const size_t *part_start; /* per part, from the first on: rows before it */
    atomic_size_t *next_part;
    atomic_bool *stop;
} arranger;

static floe_status arrange_part(const arranger *a, size_t part, pit_order *order, floe_error *err) {
    pit_group *group = a->group;
    size_t parts = floe_pit_parts_count(group), part_bits = (size_t)__builtin_ctzll(parts);
    const size_t *start = &a->part_start[part - a->first_part];
    size_t first = start[0], rows = start[1] - first, some;
    size_t keys = (group->keys.count + parts - 1 - part) >> part_bits;
    const uint8_t *const *ordered, *records;
    FLOE_TRY(floe_pit_part_load(group, part, &order->spill, err));
    FLOE_TRY(floe_pit_order_begin(order, rows, keys, err));
    for (const pit_chunk *chunk = floe_pit_part_first(group, part); chunk;) {
        chunk = floe_pit_chunk_next(chunk, &records, &some);
        floe_pit_order_add(group, order, part_bits, records, some);
    }
    FLOE_TRY(floe_pit_order_end(group, order, part_bits, keys, &ordered, err));
    for (size_t k = 0; k < keys; k++) {
        group->row_start[(k << part_bits) + part] = (uint32_t)(first + order->starts[k]);
        group->row_end[(k << part_bits) + part] = (uint32_t)(first + order->starts[k + 1]);
    }
    floe_pit_lanes_fill(a->lanes, a->lane_count, ordered, rows, first);
    floe_pit_part_forget(group, part);
    return FLOE_OK;
}

static floe_status arrange_parts(void *context, floe_error *err) {
    const arranger *a = context;
    FLOE_CLEANUP(floe_pit_order_close) pit_order order = {0};
    while (!atomic_load(a->stop)) {
        size_t part = atomic_fetch_add(a->next_part, 1);
        if (part >= a->last_part) {
            break;
        }
        FLOE_TRY(arrange_part(a, part, &order, err));
    }
    atomic_fetch_add(&a->group->rows_moved, order.moved);
    return FLOE_OK;
}

floe_status floe_pit_row_starts_make(pit_group *group, floe_error *err) {
    if (group->row_start) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(group->keys.count + 1, sizeof(uint32_t), &group->row_start, err));
    return floe_alloc(group->keys.count + 1, sizeof(uint32_t), &group->row_end, err);
}

floe_status floe_pit_arrange(pit_group *group, size_t first_part, size_t last_part, int threads, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    size_t parts = last_part - first_part;
    size_t *start = floe_arena_alloc(&arena, parts + 1, sizeof(*start));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t p = 0; p < parts; p++) {
        start[p + 1] = start[p] + floe_pit_part_rows(group, first_part + p);
    }
    FLOE_ENSURE(start[parts] <= PIT_ROW_MAX, err, FLOE_LIMIT, "more than %u rows per source and filter", PIT_ROW_MAX);
    pit_lane *lanes;
    size_t lane_count;
    FLOE_TRY(floe_pit_row_starts_make(group, err));
    FLOE_TRY(floe_pit_lanes_open(group, start[parts], &arena, &lanes, &lane_count, err));
    atomic_size_t next_part = first_part;
    atomic_bool stop = false;
    arranger a = {group, lanes, lane_count, first_part, last_part, start, &next_part, &stop};
    FLOE_TRY(floe_together(threads < (int)parts ? threads : (int)parts, arrange_parts, &a, &stop, err));
    group->row_count += start[parts];
    return FLOE_OK;
}
