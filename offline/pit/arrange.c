/*
 * Rows and labels by key. Rows are moved, not only listed, so that a sweep reads memory from front to back.
 *
 * Phases: count per key and list row numbers key by key; within a key sort them by event unless they lie so already; then
 * move every array of the group. Moving reads in order and writes to as many places as there are keys, which caches bear
 * far better than reading scattered rows in every window.
 */
#include "core/mem.h"
#include "offline/pit/pit_int.h"

#include <stdlib.h>

floe_status floe_pit_order_by_key(const uint32_t *item_key, size_t item_count, size_t key_count, uint32_t **ret_order,
                                  uint32_t **ret_start, floe_error *err) {
    FLOE_TRY(floe_alloc(key_count + 2, sizeof(uint32_t), ret_start, err));
    FLOE_TRY(floe_alloc(item_count + 1, sizeof(uint32_t), ret_order, err));
    uint32_t *start = *ret_start + 1; /* shifted by one while filling, so that it ends as the starts */
    for (size_t i = 0; i < item_count; i++) {
        if (item_key[i] != PIT_NO_KEY) {
            start[item_key[i] + 1]++;
        }
    }
    for (size_t k = 1; k <= key_count; k++) {
        start[k] += start[k - 1];
    }
    for (size_t i = 0; i < item_count; i++) {
        if (item_key[i] != PIT_NO_KEY) {
            (*ret_order)[start[item_key[i]]++] = (uint32_t)i;
        }
    }
    return FLOE_OK;
}

/* ---- order within a key ---- */

static int compare_moments(const void *a, const void *b) {
    const pit_moment *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return (x->row > y->row) - (x->row < y->row);
}

static bool is_sorted(const int64_t *event, const uint32_t *rows, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (event[rows[i - 1]] > event[rows[i]]) {
            return false;
        }
    }
    return true;
}

/* Rows of each key in order of event; equal ones as they came. */
static floe_status sort_rows(const pit_group *group, uint32_t *order, floe_error *err) {
    FLOE_AUTO_FREE pit_moment *moments = NULL;
    size_t room = 0;
    for (size_t k = 0; k < group->keys.count; k++) {
        uint32_t *rows = order + group->row_start[k];
        size_t count = group->row_start[k + 1] - group->row_start[k];
        if (is_sorted(group->event, rows, count)) {
            continue;
        }
        if (count > room) {
            room = count + count / 2;
            FLOE_TRY(floe_realloc(&moments, room, sizeof(*moments), err));
        }
        for (size_t i = 0; i < count; i++) {
            moments[i] = (pit_moment){group->event[rows[i]], rows[i]};
        }
        qsort(moments, count, sizeof(*moments), compare_moments);
        for (size_t i = 0; i < count; i++) {
            rows[i] = moments[i].row;
        }
    }
    return FLOE_OK;
}

/* ---- moving ---- */

/* moved[target[i]] = items[i], of 1, 4, 8 or 16 bytes. */
static void scatter(const void *items, void *moved, const uint32_t *target, size_t count, size_t element_len) {
    switch (element_len) {
    case 1:
        for (size_t i = 0; i < count; i++) {
            ((uint8_t *)moved)[target[i]] = ((const uint8_t *)items)[i];
        }
        break;
    case 4:
        for (size_t i = 0; i < count; i++) {
            ((uint32_t *)moved)[target[i]] = ((const uint32_t *)items)[i];
        }
        break;
    case 8:
        for (size_t i = 0; i < count; i++) {
            ((uint64_t *)moved)[target[i]] = ((const uint64_t *)items)[i];
        }
        break;
    default:
        FLOE_ASSERT(element_len == sizeof(__int128));
        for (size_t i = 0; i < count; i++) {
            ((__int128 *)moved)[target[i]] = ((const __int128 *)items)[i];
        }
        break;
    }
}

/* Moves one array, NULL allowed. `array` is a pointer to its pointer. */
static floe_status move_array(void *array, const uint32_t *target, size_t count, size_t element_len, floe_error *err) {
    void *items, *moved = NULL;
    memcpy(&items, array, sizeof(items));
    if (!items) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_realloc(&moved, count + 1, element_len, err));
    scatter(items, moved, target, count, element_len);
    floe_free(items);
    memcpy(array, &moved, sizeof(moved));
    return FLOE_OK;
}

static floe_status move_column(pit_column *column, const uint32_t *target, size_t count, floe_error *err) {
    FLOE_TRY(move_array(&column->is_null, target, count, sizeof(*column->is_null), err));
    FLOE_TRY(move_array(&column->symbol, target, count, sizeof(*column->symbol), err));
    return move_array(&column->data, target, count, column->class == PIT_I128 ? sizeof(__int128) : sizeof(int64_t),
                      err);
}

floe_status floe_pit_arrange(pit_group *group, floe_error *err) {
    FLOE_AUTO_FREE uint32_t *order = NULL;
    FLOE_AUTO_FREE uint32_t *target = NULL;
    size_t count = group->row_count;
    FLOE_TRY(floe_pit_order_by_key(group->row_key, count, group->keys.count, &order, &group->row_start, err));
    FLOE_TRY(sort_rows(group, order, err));
    FLOE_TRY(floe_realloc(&target, count + 1, sizeof(*target), err));
    bool moves = false;
    for (size_t i = 0; i < count; i++) {
        target[order[i]] = (uint32_t)i;
        moves = moves || order[i] != i;
    }
    if (!moves) {
        return FLOE_OK;
    }
    int64_t **times[] = {&group->event, &group->created, &group->end, &group->seq, &group->pos};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        FLOE_TRY(move_array(times[i], target, count, sizeof(int64_t), err));
    }
    FLOE_TRY(move_array(&group->tied, target, count, sizeof(*group->tied), err));
    for (size_t i = 0; i < group->column_count; i++) {
        FLOE_TRY(move_column(&group->columns[i], target, count, err));
    }
    return FLOE_OK;
}
