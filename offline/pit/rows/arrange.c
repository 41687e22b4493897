/*
 * Rows by key and event.
 *
 * Phases, of some parts or all: how many each part has says where its rows begin; then several threads take part after part: count per
 * key and list records key by key; within a key sort them by event unless they lie so already; then fill every array from
 * the records, in order. Which part a thread takes when does not show.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/question/sort.h"
#include "offline/pit/rows/record.h"
#include "offline/together.h"

#include <stdlib.h>

/* ---- one part ---- */

#define LARGE_PART ((size_t)1 << 20) /* rows: of one key, or of few */

/* What one thread puts in order. A moment's row is the number of a record of the part. */
typedef struct arranger {
    pit_group *group;
    const pit_lane *lanes;
    size_t lane_count;
    size_t first_part, last_part;
    const size_t *part_start; /* per part, from the first on: rows before it */
    atomic_size_t *next_part;
    atomic_bool *stop;
} arranger;

typedef struct part_room {
    const uint8_t **came; /* records in order of coming */
    pit_moment *moments, *spare;
    uint32_t *starts; /* per key of the part */
    pit_spill_room spill;
    size_t rows, keys;
} part_room;

typedef struct arranger_part {
    const pit_group *group;
    const uint8_t *const *came;
} arranger_part;

static void part_room_close(part_room *room) {
    floe_free(room->came);
    floe_free(room->moments);
    floe_free(room->spare);
    floe_free(room->starts);
    floe_pit_spill_room_close(&room->spill);
}

static floe_status part_room_make(part_room *room, size_t rows, size_t keys, floe_error *err) {
    if (rows > room->rows) {
        FLOE_TRY(floe_realloc(&room->came, rows, sizeof(*room->came), err));
        FLOE_TRY(floe_realloc(&room->moments, rows, sizeof(*room->moments), err));
        FLOE_TRY(floe_realloc(&room->spare, rows, sizeof(*room->spare), err));
        room->rows = rows;
    }
    if (keys > room->keys) {
        FLOE_TRY(floe_realloc(&room->starts, keys + 2, sizeof(*room->starts), err));
        room->keys = keys;
    }
    return FLOE_OK;
}

/* Lists the records of a part as they came, and counts those of each of its keys. */
static void list_part(const arranger *a, size_t part, size_t part_bits, part_room *room, size_t keys) {
    size_t count = 0, some;
    const uint8_t *records;
    memset(room->starts, 0, (keys + 2) * sizeof(*room->starts));
    for (const pit_chunk *chunk = floe_pit_part_first(a->group, part); chunk;) {
        chunk = floe_pit_chunk_next(chunk, &records, &some);
        for (size_t i = 0; i < some; i++) {
            const uint8_t *record = records + i * a->group->record_len;
            room->came[count++] = record;
            room->starts[(floe_pit_record_key(a->group, record) >> part_bits) + 2]++;
        }
    }
    for (size_t k = 1; k <= keys; k++) {
        room->starts[k + 1] += room->starts[k];
    }
}

static int compare_equal(const void *a, const void *b, void *context) {
    const arranger_part *part = context;
    bool file_order;
    return floe_pit_compare_records(part->group, part->came[((const pit_moment *)a)->row],
                                    part->came[((const pit_moment *)b)->row], &file_order);
}

/* Where the order of equal events shows, it is that which picks the winner. */
static void order_equal(const arranger *a, const part_room *room, pit_moment *moments, size_t count) {
    arranger_part part = {a->group, room->came};
    for (size_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && moments[last].at == moments[first].at;) {
            last++;
        }
        if (last - first > 1) {
            qsort_r(moments + first, last - first, sizeof(*moments), compare_equal, &part);
        }
    }
}

/* Moments key by key, each key's by event. */
static void order_part(const arranger *a, size_t part_bits, part_room *room, size_t rows, size_t keys) {
    for (size_t i = 0; i < rows; i++) {
        uint32_t key = floe_pit_record_key(a->group, room->came[i]) >> part_bits;
        room->moments[room->starts[key + 1]++] = (pit_moment){floe_pit_record_time(room->came[i], 0), (uint32_t)i};
    }
    for (size_t k = 0; k < keys; k++) {
        size_t count = room->starts[k + 1] - room->starts[k];
        floe_pit_sort_moments(room->moments + room->starts[k], count, room->spare);
        if (a->group->keeps_order) {
            order_equal(a, room, room->moments + room->starts[k], count);
        }
    }
}

/* The records of the moments, in their order, in the memory of the moments: a record's address is half as long and goes where moments were
 * read before. */
static void take_ordered(part_room *room, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *record = room->came[room->moments[i].row];
        memcpy((uint8_t *)room->moments + i * sizeof(record), &record, sizeof(record));
    }
}

/* Memory that only the sort of a large part needed, before the rows are there a second time. */
static floe_status shrink_large(part_room *room, size_t rows, floe_error *err) {
    if (rows <= LARGE_PART) {
        return FLOE_OK;
    }
    floe_free(room->came);
    floe_free(room->spare);
    room->came = NULL;
    room->spare = NULL;
    room->rows = 0;
    return floe_realloc(&room->moments, rows / 2 + 1, sizeof(*room->moments), err);
}

static floe_status arrange_part(const arranger *a, size_t part, part_room *room, floe_error *err) {
    size_t parts = floe_pit_parts_count(a->group), part_bits = (size_t)__builtin_ctzll(parts);
    const size_t *start = &a->part_start[part - a->first_part];
    size_t first = start[0], rows = start[1] - first;
    size_t keys = (a->group->keys.count + parts - 1 - part) >> part_bits;
    FLOE_TRY(floe_pit_part_load(a->group, part, &room->spill, err));
    FLOE_TRY(part_room_make(room, rows + 1, keys + 1, err));
    list_part(a, part, part_bits, room, keys);
    order_part(a, part_bits, room, rows, keys);
    for (size_t k = 0; k < keys; k++) {
        a->group->row_start[(k << part_bits) + part] = (uint32_t)(first + room->starts[k]);
        a->group->row_end[(k << part_bits) + part] = (uint32_t)(first + room->starts[k + 1]);
    }
    take_ordered(room, rows);
    FLOE_TRY(shrink_large(room, rows, err));
    floe_pit_lanes_fill(a->lanes, a->lane_count, (const uint8_t **)(void *)room->moments, rows, first);
    floe_pit_part_forget(a->group, part);
    return FLOE_OK;
}

static void part_room_cleanup(part_room *room) {
    part_room_close(room);
}

static floe_status arrange_parts(void *context, floe_error *err) {
    const arranger *a = context;
    FLOE_CLEANUP(part_room_cleanup) part_room room = {0};
    while (!atomic_load(a->stop)) {
        size_t part = atomic_fetch_add(a->next_part, 1);
        if (part >= a->last_part) {
            break;
        }
        FLOE_TRY(arrange_part(a, part, &room, err));
    }
    return FLOE_OK;
}

static floe_status make_starts(pit_group *group, floe_error *err) {
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
    FLOE_TRY(make_starts(group, err));
    FLOE_TRY(floe_pit_lanes_open(group, start[parts], &arena, &lanes, &lane_count, err));
    atomic_size_t next_part = first_part;
    atomic_bool stop = false;
    arranger a = {group, lanes, lane_count, first_part, last_part, start, &next_part, &stop};
    FLOE_TRY(floe_together(threads < (int)parts ? threads : (int)parts, arrange_parts, &a, &stop, err));
    group->row_count += start[parts];
    return FLOE_OK;
}
