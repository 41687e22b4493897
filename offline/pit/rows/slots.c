/*
 * Slots: of a question for as-of features alone, one row per stretch between two labels of a key.
 *
 * Between two labels of a key, all rows that become visible there are seen by the same labels: by the later one and all after
 * it. So of them only the largest can ever be an as-of winner; the others, and what becomes visible after the key's last
 * label, are of no use. Each label has a slot, a row competes for the slot of the first label that sees it, and the larger
 * one stands in it. So memory follows the labels, however large the source is. Lost with the others is whether one of them
 * was equal to the winner but for the order of files; that is kept in a mark, so that ties are counted. Of the newest rows,
 * each key has one label, and so one slot.
 *
 * Most rows lose, by their event time. The times of those that stand in slots lie beside the labels' (calendar.h), so that
 * a row that loses touches no record and no lock: a time that stands there only ever rises.
 *
 * Invariant: what stands in a slot is the largest of the rows that came, whatever their order, and its mark says whether any
 * of them is equal but for file order: the equal one met either the winner, or one that stood between them and so was equal.
 * Threads: the slots of a key belong to one of a few locks; a batch goes through them one after the other, each thread
 * beginning at another one.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/rows/calendar.h"
#include "offline/pit/rows/record.h"
#include "offline/together.h"

#include <stdatomic.h>
#include <unistd.h>

#define BLOCK_BITS 16 /* slots of a block, which is given back when it is gathered */
#define BLOCK_SLOTS ((size_t)1 << BLOCK_BITS)
#define GATHER_SLOTS ((size_t)1 << 13) /* of a block at a time */
#define LOCKS 32

enum { STATE_TIED = 1, STATE_USED = 2 };

struct pit_slots {
    uint8_t **blocks; /* cleared; records, then of the newest rows the ranks that stand in them */
    size_t block_count, block_room;
    size_t slot_count; /* the last block may have room for no more */
    pthread_mutex_t locks[LOCKS];
    bool shared;            /* more than one thread brings rows */
    pit_calendar *calendar; /* NULL: of the newest rows */
};

bool floe_pit_can_thin(const pit_group *group) {
    for (size_t v = 0; v < group->view_count; v++) {
        const pit_view *view = &group->views[v];
        if (view->before != group->views[0].before) {
            return false; /* They see a row from different labels on. */
        }
        for (size_t i = 0; i < view->view->output_count; i++) {
            if (view->wanted[i] && view->view->outputs[i].function != FLOE_FN_NONE) {
                return false;
            }
        }
    }
    return true;
}

/* ---- memory ---- */

/* Blocks for that many slots. */
static floe_status make_blocks(const pit_group *group, pit_slots *slots, size_t count, floe_error *err) {
    size_t need = (count + BLOCK_SLOTS - 1) >> BLOCK_BITS;
    if (need > slots->block_room) {
        size_t room = need > 2 * slots->block_room ? need : 2 * slots->block_room;
        FLOE_TRY(floe_realloc(&slots->blocks, room, sizeof(*slots->blocks), err));
        slots->block_room = room;
    }
    while (slots->block_count < need) {
        size_t left = count - (slots->block_count << BLOCK_BITS);
        size_t some = slots->calendar && left < BLOCK_SLOTS ? left : BLOCK_SLOTS; /* Labels are known, keys come. */
        size_t len = group->record_len + (slots->calendar ? 0 : sizeof(atomic_uint_least64_t));
        FLOE_TRY(floe_alloc(some, len, &slots->blocks[slots->block_count], err));
        floe_mem_advise_huge(slots->blocks[slots->block_count++], some * len);
        slots->slot_count += some;
    }
    return FLOE_OK;
}

/* Rows come to all of the slots at once, and would find their pages missing under a lock each. */
static floe_status touch_blocks(void *context, size_t first, size_t last, floe_error *err) {
    (void)err;
    const pit_group *group = context;
    const pit_slots *slots = group->slots;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = first; i < last; i++) {
        size_t begin = i << BLOCK_BITS, left = slots->slot_count - begin;
        size_t len = (left < BLOCK_SLOTS ? left : BLOCK_SLOTS) * group->record_len;
        for (size_t at = 0; at < len; at += page) {
            ((volatile uint8_t *)slots->blocks[i])[at] = 0;
        }
    }
    return FLOE_OK;
}

static inline uint8_t *record_of(const pit_group *group, size_t slot) {
    return group->slots->blocks[slot >> BLOCK_BITS] + (slot & (BLOCK_SLOTS - 1)) * group->record_len;
}

/* Event times in the order of unsigned numbers, so that cleared memory is the earliest. */
static inline uint64_t rank_of(int64_t event) {
    return (uint64_t)event ^ (UINT64_C(1) << 63);
}

static inline int64_t event_of(uint64_t rank) {
    return (int64_t)(rank ^ (UINT64_C(1) << 63));
}

/* The rank of the event that stands in a slot. */
static inline atomic_uint_least64_t *standing(const pit_group *group, uint32_t slot) {
    const pit_slots *slots = group->slots;
    if (slots->calendar) {
        return floe_pit_calendar_standing(slots->calendar, slot);
    }
    void *ranks = slots->blocks[slot >> BLOCK_BITS] + BLOCK_SLOTS * group->record_len;
    return (atomic_uint_least64_t *)ranks + (slot & (BLOCK_SLOTS - 1));
}

floe_status floe_pit_slots_open(const floe_pit *pit, pit_group *group, floe_error *err) {
    if (!group->slots) {
        FLOE_TRY(floe_alloc(1, sizeof(*group->slots), &group->slots, err));
        group->slots->shared = pit->threads > 1;
        for (size_t i = 0; i < LOCKS; i++) {
            pthread_mutex_init(&group->slots->locks[i], NULL);
        }
    }
    if (pit->newest_labels) {
        return FLOE_OK; /* Slots are made as keys come. */
    }
    FLOE_TRY(floe_pit_index_labels(pit, group, err));
    if (!group->slots->calendar) {
        FLOE_TRY(floe_pit_calendar_open(group->label_times, group->label_start, group->keys.count, pit->threads,
                                        &group->slots->calendar, err));
    }
    if (!group->keeps_event) { /* Answered out of slots. */
        floe_free(group->label_times);
        group->label_times = NULL;
    }
    if (group->slots->block_count > 0) {
        return FLOE_OK; /* Rows of an earlier stream stand in them. */
    }
    FLOE_TRY(make_blocks(group, group->slots, group->label_start[group->keys.count], err));
    return floe_together_over(pit->threads, group->slots->block_count, 1, touch_blocks, group, err);
}

void floe_pit_slots_close(pit_slots **slots) {
    if (!*slots) {
        return;
    }
    for (size_t i = 0; i < (*slots)->block_count; i++) {
        floe_free((*slots)->blocks[i]);
    }
    for (size_t i = 0; i < LOCKS; i++) {
        pthread_mutex_destroy(&(*slots)->locks[i]);
    }
    floe_pit_calendar_close(&(*slots)->calendar);
    floe_free((*slots)->blocks);
    floe_free(*slots);
    *slots = NULL;
}

/* ---- which slot ---- */

/* Of the newest rows each key has one slot. */
static void find_newest(const floe_pit *pit, const pit_group *group, const pit_taken *taken, pit_slot_room *room) {
    for (size_t i = 0; i < taken->count; i++) {
        bool seen = room->from[i] != INT64_MAX && room->from[i] <= pit->newest_us;
        room->slots[i] = seen ? taken->keys[i] : PIT_NO_ROW;
        if (seen) {
            __builtin_prefetch(standing(group, taken->keys[i]));
        }
    }
    for (size_t i = 0; i < taken->count; i++) {
        uint32_t slot = room->slots[i];
        if (slot != PIT_NO_ROW && room->ranks[i] < atomic_load_explicit(standing(group, slot), memory_order_relaxed)) {
            room->slots[i] = PIT_NO_ROW;
        }
    }
}

/* The slots that rows compete for: room->slots; PIT_NO_ROW: no label sees the row, or one that is younger stands there. */
static void find_slots(const floe_pit *pit, const pit_group *group, const pit_taken *taken, pit_slot_room *room) {
    bool before = group->views[0].before, as_known = pit->options.as_known;
    for (size_t i = 0; i < taken->count; i++) {
        room->from[i] = floe_pit_visible(as_known, before, taken->event[i], as_known ? taken->created[i] : INT64_MIN);
        room->ranks[i] = rank_of(taken->event[i]);
    }
    if (pit->newest_labels) {
        find_newest(pit, group, taken, room);
    } else {
        floe_pit_calendar_find(group->slots->calendar, taken->keys, room->from, room->ranks, taken->count, room->slots);
    }
    for (size_t i = 0; i < taken->count; i++) {
        if (room->slots[i] != PIT_NO_ROW) {
            __builtin_prefetch(record_of(group, room->slots[i]), 1);
        }
    }
}

/* ---- who stands in it ---- */

/* What the order that picks the winner looks at. */
typedef struct precedence {
    int64_t parts[4]; /* event, created, sequence, position */
} precedence;

static precedence precedence_of(const pit_group *group, int64_t event, const uint8_t *record) {
    return (precedence){{event, floe_pit_record_created(group, record), floe_pit_record_time(record, group->seq_at),
                         floe_pit_record_time(record, group->pos_at)}};
}

/* As floe_pit_compare_rows. */
static int compare(const precedence *a, const precedence *b, bool *ret_file_order) {
    for (int part = 0; part < 4; part++) {
        *ret_file_order = part >= 2;
        if (a->parts[part] != b->parts[part]) {
            return a->parts[part] > b->parts[part] ? 1 : -1;
        }
    }
    return 0;
}

/* With a record of the same event time. */
static int compare_taken(const pit_group *group, const pit_taken *taken, size_t i, const uint8_t *record,
                         bool *ret_file_order) {
    const precedence stands = precedence_of(group, taken->event[i], record);
    const precedence comes = {
        {taken->event[i], group->keeps_created ? taken->created[i] : INT64_MIN, taken->seq[i], taken->pos[i]}};
    return compare(&comes, &stands, ret_file_order);
}

/* Whether the row now stands in the slot. */
static bool challenge(const pit_group *group, const pit_taken *taken, size_t i, uint32_t slot, uint8_t *record) {
    uint8_t *state = record + group->state_at;
    atomic_uint_least64_t *stands = standing(group, slot);
    uint64_t rank = rank_of(taken->event[i]), standing_rank = atomic_load_explicit(stands, memory_order_relaxed);
    bool file_order = false;
    if (*state & STATE_USED) {
        if (rank < standing_rank) {
            return false;
        }
        if (rank == standing_rank && compare_taken(group, taken, i, record, &file_order) <= 0) {
            *state |= file_order ? STATE_TIED : 0;
            return false;
        }
    }
    floe_pit_record_write(group, taken, i, record);
    atomic_store_explicit(stands, rank, memory_order_relaxed);
    *state = (uint8_t)(STATE_USED | (file_order ? STATE_TIED : 0));
    return true;
}

/* The rows order[first…last - 1] of those taken. */
static floe_status compete(const pit_group *group, const pit_taken *taken, pit_slot_room *room, size_t first,
                           size_t last, pit_keep_cells keep, void *context, floe_error *err) {
    size_t won = 0;
    for (size_t o = first; o < last; o++) {
        uint32_t i = room->order[o];
        uint8_t *record = record_of(group, room->slots[i]);
        if (challenge(group, taken, i, room->slots[i], record)) {
            room->rows[won] = taken->rows[i];
            room->records[won++] = record;
        }
    }
    return won == 0 ? FLOE_OK : keep(context, room->rows, room->records, won, err);
}

/* room->order: the rows that have a slot, lock by lock; starts[lock] where each lock's begin. */
static void order_by_lock(const pit_taken *taken, pit_slot_room *room, size_t *starts) {
    memset(starts, 0, (LOCKS + 2) * sizeof(*starts));
    for (size_t i = 0; i < taken->count; i++) {
        starts[2 + (room->slots[i] == PIT_NO_ROW ? LOCKS - 1 : taken->keys[i] % LOCKS)] += room->slots[i] != PIT_NO_ROW;
    }
    for (size_t lock = 1; lock <= LOCKS; lock++) {
        starts[lock + 1] += starts[lock];
    }
    for (size_t i = 0; i < taken->count; i++) {
        if (room->slots[i] != PIT_NO_ROW) {
            room->order[starts[1 + taken->keys[i] % LOCKS]++] = (uint32_t)i;
        }
    }
}

static floe_status compete_locked(pit_group *group, const pit_taken *taken, pit_slot_room *room, pit_keep_cells keep,
                                  void *context, floe_error *err) {
    size_t starts[LOCKS + 2];
    order_by_lock(taken, room, starts);
    for (size_t l = 0; l < LOCKS; l++) {
        size_t lock = (l + room->turn) % LOCKS;
        if (starts[lock] == starts[lock + 1]) {
            continue;
        }
        pthread_mutex_lock(&group->slots->locks[lock]);
        floe_status status = compete(group, taken, room, starts[lock], starts[lock + 1], keep, context, err);
        pthread_mutex_unlock(&group->slots->locks[lock]);
        FLOE_TRY(status);
    }
    return FLOE_OK;
}

floe_status floe_pit_slots_take(const floe_pit *pit, pit_group *group, const pit_taken *taken, pit_slot_room *room,
                                pit_keep_cells keep, void *context, floe_error *err) {
    if (pit->newest_labels) {
        FLOE_TRY(make_blocks(group, group->slots, group->keys.count, err));
    }
    find_slots(pit, group, taken, room);
    if (group->slots->shared) {
        return compete_locked(group, taken, room, keep, context, err);
    }
    size_t count = 0;
    for (size_t i = 0; i < taken->count; i++) {
        room->order[count] = (uint32_t)i;
        count += room->slots[i] != PIT_NO_ROW;
    }
    return compete(group, taken, room, 0, count, keep, context, err);
}

/* ---- the end ---- */

void floe_pit_slots_settle(pit_slots *slots) {
    floe_pit_calendar_close(&slots->calendar);
}

const uint8_t *floe_pit_slot_record(const pit_group *group, size_t slot, bool *ret_tied) {
    const uint8_t *record = record_of(group, slot);
    uint8_t state = record[group->state_at];
    *ret_tied = (state & STATE_TIED) != 0;
    return state & STATE_USED ? record : NULL;
}

int64_t floe_pit_slot_event(const pit_group *group, size_t slot) {
    return event_of(atomic_load_explicit(standing(group, (uint32_t)slot), memory_order_relaxed));
}

int64_t floe_pit_slot_label_time(const pit_group *group, size_t slot) {
    return floe_pit_calendar_time(group->slots->calendar, (uint32_t)slot);
}

int floe_pit_compare_slots(const pit_group *group, size_t a, size_t b, bool *ret_file_order) {
    const precedence left = precedence_of(group, floe_pit_slot_event(group, a), record_of(group, a));
    const precedence right = precedence_of(group, floe_pit_slot_event(group, b), record_of(group, b));
    return compare(&left, &right, ret_file_order);
}

int floe_pit_compare_records(const pit_group *group, const uint8_t *a, const uint8_t *b, bool *ret_file_order) {
    const precedence left = precedence_of(group, floe_pit_record_time(a, 0), a);
    const precedence right = precedence_of(group, floe_pit_record_time(b, 0), b);
    return compare(&left, &right, ret_file_order);
}

static size_t count_used(const pit_group *group) {
    size_t count = 0;
    for (size_t slot = 0; slot < group->slots->slot_count; slot++) {
        count += (record_of(group, slot)[group->state_at] & STATE_USED) != 0;
    }
    return count;
}

/* The rows of some slots behind `first`; the key of each tells where its key's rows end. */
static size_t gather_some(pit_group *group, const pit_lane *lanes, size_t lane_count, size_t slot,
                          const uint8_t **records, size_t first) {
    size_t count = 0, left = group->slots->slot_count - slot;
    for (size_t i = 0; i < GATHER_SLOTS && i < left; i++) {
        uint8_t *record = record_of(group, slot + i);
        if (record[group->state_at] & STATE_USED) {
            record[group->state_at] &= STATE_TIED;
            uint32_t key = floe_pit_record_key(group, record);
            if (group->row_end[key] == 0) {
                group->row_start[key] = (uint32_t)(first + count);
            }
            group->row_end[key] = (uint32_t)(first + count + 1);
            records[count++] = record;
        }
    }
    floe_pit_lanes_fill(lanes, lane_count, records, count, first);
    return first + count;
}

floe_status floe_pit_slots_gather(pit_group *group, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    pit_lane *lanes;
    size_t lane_count, rows = group->slots ? count_used(group) : 0;
    FLOE_TRY(floe_alloc(group->keys.count + 1, sizeof(uint32_t), &group->row_start, err));
    FLOE_TRY(floe_alloc(group->keys.count + 1, sizeof(uint32_t), &group->row_end, err));
    FLOE_TRY(floe_realloc(&group->tied, rows + 1, 1, err));
    FLOE_TRY(floe_pit_lanes_open(group, rows, &arena, &lanes, &lane_count, err));
    const uint8_t **records = floe_arena_alloc(&arena, GATHER_SLOTS, sizeof(*records));
    FLOE_TRY(floe_arena_check(&arena, err));
    size_t first = 0;
    for (size_t slot = 0; group->slots && slot < group->slots->slot_count; slot += GATHER_SLOTS) {
        first = gather_some(group, lanes, lane_count, slot, records, first);
        size_t block = slot >> BLOCK_BITS;
        if ((slot + GATHER_SLOTS) >> BLOCK_BITS > block) { /* The block ends. */
            floe_free(group->slots->blocks[block]);
            group->slots->blocks[block] = NULL;
        }
    }
    group->row_count = rows;
    floe_pit_slots_close(&group->slots);
    return FLOE_OK;
}
