/*
 * Leaving out rows that can win for no label, while more are still coming.
 *
 * Between two labels of a key, all rows that become visible there are seen by the same labels: by the later one and all after
 * it. So of them only the largest can ever be an as-of winner; the others, and what becomes visible after the key's last
 * label, are of no use. A group whose views ask for as-of features alone therefore never needs more rows than it has labels,
 * however large its source is. What is lost with the others is whether one of them was equal to the winner but for the order
 * of files; that is kept in a mark, so that ties are counted as before.
 *
 * Phases: labels by key and time, once → per row the first label that sees it → per label the largest row → the arrays
 * closed up. Rows stay in the order they came in.
 */
#include "core/mem.h"
#include "offline/pit/pit_int.h"
#include "offline/pit/slide.h"

#define THIN_LEAST ((size_t)1 << 20) /* rows that come in before it is worth looking */

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

/* The times of a group's labels, key by key in order; NULL for the newest rows, whose keys have one label each. */
static floe_status order_times(floe_pit *pit, pit_group *group, int64_t **ret_times, floe_error *err) {
    if (pit->newest_labels) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_pit_index_labels(pit, group, err));
    size_t count = group->label_start[group->keys.count];
    FLOE_TRY(floe_alloc(count + 1, sizeof(**ret_times), ret_times, err));
    for (size_t i = 0; i < count; i++) {
        (*ret_times)[i] = pit->label_time[group->label_order[i]];
    }
    return FLOE_OK;
}

/* The place of the first label that sees a row; PIT_NO_ROW: none does. */
static uint32_t slot_of(const floe_pit *pit, const pit_group *group, const int64_t *times, uint32_t row) {
    int64_t from = floe_pit_visible_from(pit, group, group->views[0].before, row);
    uint32_t key = group->row_key[row];
    if (from == INT64_MAX) {
        return PIT_NO_ROW;
    }
    if (!times) {
        return from <= pit->newest_us ? key : PIT_NO_ROW;
    }
    uint32_t low = group->label_start[key], high = group->label_start[key + 1], end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (times[middle] >= from) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low < end ? low : PIT_NO_ROW;
}

/* best[slot]: the largest row of each; rows that only file order lets win or lose leave their mark on it. */
static void choose_best(const floe_pit *pit, pit_group *group, const int64_t *times, uint32_t *best) {
    for (uint32_t row = 0; row < group->row_count; row++) {
        uint32_t slot = slot_of(pit, group, times, row);
        if (slot == PIT_NO_ROW) {
            continue;
        }
        bool file_order = false;
        uint32_t other = best[slot];
        if (other == PIT_NO_ROW || floe_pit_compare_rows(group, row, other, &file_order) > 0) {
            best[slot] = row;
        }
        if (file_order) {
            group->tied[best[slot]] = 1;
        }
    }
}

static void close_up(void *items, const uint32_t *kept, size_t count, size_t element_len) {
    char *bytes = items;
    for (size_t i = 0; bytes && i < count; i++) {
        if (kept[i] != i) {
            memcpy(bytes + i * element_len, bytes + kept[i] * element_len, element_len);
        }
    }
}

static void keep_rows(pit_group *group, const uint32_t *kept, size_t count) {
    int64_t *times[] = {group->event, group->created, group->end, group->seq, group->pos};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        close_up(times[i], kept, count, sizeof(int64_t));
    }
    close_up(group->row_key, kept, count, sizeof(*group->row_key));
    close_up(group->tied, kept, count, sizeof(*group->tied));
    for (size_t i = 0; i < group->column_count; i++) {
        pit_column *column = &group->columns[i];
        close_up(column->is_null, kept, count, sizeof(*column->is_null));
        close_up(column->symbol, kept, count, sizeof(*column->symbol));
        close_up(column->data.i64, kept, count, column->class == PIT_I128 ? sizeof(__int128) : sizeof(int64_t));
    }
    group->row_count = count;
}

floe_status floe_pit_thin(floe_pit *pit, pit_group *group, floe_error *err) {
    FLOE_AUTO_FREE int64_t *times = NULL;
    FLOE_AUTO_FREE uint32_t *best = NULL;
    FLOE_TRY(order_times(pit, group, &times, err));
    size_t slots = pit->newest_labels ? group->keys.count : group->label_start[group->keys.count];
    FLOE_TRY(floe_realloc(&best, slots + group->row_count + 1, sizeof(*best), err));
    memset(best, 0xff, slots * sizeof(*best));
    choose_best(pit, group, times, best);
    /* Behind the slots: whether a row is one's best, then the rows that are, in order. */
    uint32_t *kept = best + slots;
    memset(kept, 0, group->row_count * sizeof(*kept));
    for (size_t slot = 0; slot < slots; slot++) {
        if (best[slot] != PIT_NO_ROW) {
            kept[best[slot]] = 1;
        }
    }
    size_t count = 0;
    for (uint32_t row = 0; row < group->row_count; row++) {
        if (kept[row]) {
            kept[count++] = row;
        }
    }
    keep_rows(group, kept, count);
    size_t more = pit->options.thin_rows > 0 ? pit->options.thin_rows : THIN_LEAST > slots ? THIN_LEAST : slots;
    group->thin_at = count + more;
    return FLOE_OK;
}
