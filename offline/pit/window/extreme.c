/*
 * The best row of a window that slides: a monotone queue, which becomes a heap for keys whose rows enter far out of order.
 *
 * The queue is in order of leaving, and each item is better than all behind it: an item that leaves no later than a better
 * one can never be the answer and is dropped. A row that enters late is put in its place from the back; where that place is
 * far, moving items for every row would be quadratic, so the queue (best first, hence a heap as it lies) goes on as a heap
 * whose top is popped when it has left.
 */
#include "offline/pit/window/extreme.h"

#include "core/mem.h"
#include "offline/pit/window/slide.h"

#define REACH_MAX 64 /* items that a late row may be moved in front of */

void floe_pit_extreme_reset(pit_extreme *extreme) {
    extreme->first = extreme->count = 0;
    extreme->heaped = false;
}

/* ---- order ---- */

int64_t floe_pit_extreme_rank(const pit_column *column, bool smallest, uint32_t row) {
    if (column->class == PIT_I64 || column->class == PIT_F64) {
        int64_t rank = column->class == PIT_I64 ? column->data.i64[row] : floe_pit_real_rank(column->data.f64[row]);
        return smallest ? ~rank : rank;
    }
    return 0;
}

static bool is_better(const pit_extreme *extreme, const pit_extreme_item *a, const pit_extreme_item *b) {
    const pit_column *column = extreme->column;
    if (column->class == PIT_I64 || column->class == PIT_F64) {
        return a->rank > b->rank;
    }
    int order = floe_pit_compare_cells(column, a->row, b->row);
    return extreme->smallest ? order < 0 : order > 0;
}

/* ---- heap ---- */

static void heap_push(pit_extreme *extreme, const pit_extreme_item *item) {
    size_t at = extreme->count++;
    pit_extreme_item *heap = extreme->items;
    while (at > 0 && is_better(extreme, item, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
        extreme->steps++;
    }
    heap[at] = *item;
}

static void heap_pop(pit_extreme *extreme) {
    pit_extreme_item *heap = extreme->items;
    pit_extreme_item item = heap[--extreme->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= extreme->count) {
            break;
        }
        if (child + 1 < extreme->count && is_better(extreme, &heap[child + 1], &heap[child])) {
            child++;
        }
        if (!is_better(extreme, &heap[child], &item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
        extreme->steps++;
    }
    heap[at] = item;
}

/* ---- queue ---- */

static void move_to_front(pit_extreme *extreme) {
    extreme->steps += (int64_t)extreme->count;
    memmove(extreme->items, extreme->items + extreme->first, extreme->count * sizeof(*extreme->items));
    extreme->first = 0;
}

static floe_status make_room(pit_extreme *extreme, floe_error *err) {
    if (extreme->first + extreme->count < extreme->room) {
        return FLOE_OK;
    }
    if (extreme->first > extreme->room / 2) {
        move_to_front(extreme);
        return FLOE_OK;
    }
    size_t room = extreme->room == 0 ? 64 : extreme->room * 2;
    FLOE_TRY(floe_pit_grow(&extreme->items, extreme->room, room, sizeof(*extreme->items), err));
    extreme->room = room;
    return FLOE_OK;
}

/* Puts an item in its place; false when that is too far from the back. */
static bool queue_push(pit_extreme *extreme, const pit_extreme_item *item) {
    pit_extreme_item *items = extreme->items + extreme->first;
    size_t later = extreme->count; /* where those that leave later begin */
    while (later > 0 && items[later - 1].leave > item->leave) {
        later--;
        extreme->steps++;
        if (extreme->count - later > REACH_MAX) {
            return false;
        }
    }
    if (later < extreme->count && !is_better(extreme, item, &items[later])) {
        return true; /* Something at least as good stays longer. */
    }
    size_t at = later;
    while (at > 0 && !is_better(extreme, &items[at - 1], item)) {
        at--;
        extreme->steps++;
    }
    memmove(&items[at + 1], &items[later], (extreme->count - later) * sizeof(*items));
    items[at] = *item;
    extreme->count = extreme->count - (later - at) + 1;
    return true;
}

floe_status floe_pit_extreme_enter(pit_extreme *extreme, uint32_t row, int64_t leave, floe_error *err) {
    pit_extreme_item item = {floe_pit_extreme_rank(extreme->column, extreme->smallest, row), leave, row};
    FLOE_TRY(make_room(extreme, err));
    if (!extreme->heaped && !queue_push(extreme, &item)) {
        move_to_front(extreme);
        extreme->heaped = true;
    } else if (!extreme->heaped) {
        return FLOE_OK;
    }
    heap_push(extreme, &item);
    return FLOE_OK;
}

uint32_t floe_pit_extreme_at(pit_extreme *extreme, int64_t t) {
    while (extreme->count > 0 && extreme->items[extreme->first].leave <= t) {
        if (extreme->heaped) {
            heap_pop(extreme);
        } else {
            extreme->first++;
            extreme->count--;
        }
    }
    FLOE_ASSERT(extreme->count > 0);
    return extreme->items[extreme->first].row;
}
