/*
 * What a group holds: the order of its rows, its labels in order, and the forgetting of labels and rows.
 */
#include "core/mem.h"
#include "offline/pit/question/question.h"
#include "offline/pit/question/sort.h"
#include "offline/together.h"

int floe_pit_compare_rows(const pit_group *group, uint32_t a, uint32_t b, bool *ret_file_order) {
    *ret_file_order = false;
    if (group->event[a] != group->event[b]) {
        return group->event[a] > group->event[b] ? 1 : -1;
    }
    if (group->created && group->created[a] != group->created[b]) {
        return group->created[a] > group->created[b] ? 1 : -1;
    }
    *ret_file_order = true;
    if (group->seq[a] != group->seq[b]) {
        return group->seq[a] > group->seq[b] ? 1 : -1;
    }
    return (group->pos[a] > group->pos[b]) - (group->pos[a] < group->pos[b]);
}

/* Items by key: *ret_order lists item numbers key by key (in item order within a key), *ret_start where each key begins.
 * Items without a key are left out. */
static floe_status order_by_key(const uint32_t *item_key, size_t item_count, size_t key_count, uint32_t **ret_order,
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

typedef struct label_sort {
    const floe_pit *pit;
    pit_group *group;
} label_sort;

#define SORTED_KEYS ((size_t)4096) /* by one thread at a time */

/* Labels of some keys in time order, from their order by key. */
static floe_status sort_labels(void *context, size_t first_key, size_t last_key, floe_error *err) {
    const label_sort *s = context;
    const uint32_t *starts = s->group->label_start;
    FLOE_AUTO_FREE pit_moment *moments = NULL;
    size_t most = 0;
    for (size_t k = first_key; k < last_key; k++) {
        size_t count = starts[k + 1] - starts[k];
        most = count > most ? count : most;
    }
    FLOE_TRY(floe_realloc(&moments, 2 * most + 2, sizeof(*moments), err));
    for (size_t k = first_key; k < last_key; k++) {
        size_t count = starts[k + 1] - starts[k];
        uint32_t *at = s->group->label_at + starts[k];
        int64_t *times = s->group->label_times + starts[k];
        for (size_t i = 0; i < count; i++) {
            moments[i] = (pit_moment){s->pit->label_time[at[i]], at[i]};
        }
        floe_pit_sort_moments(moments, count, moments + most + 1);
        for (size_t i = 0; i < count; i++) {
            times[i] = moments[i].at;
            at[i] = moments[i].row;
        }
    }
    return FLOE_OK;
}

floe_status floe_pit_index_labels(const floe_pit *pit, pit_group *group, floe_error *err) {
    if (group->label_at) {
        return FLOE_OK;
    }
    FLOE_TRY(order_by_key(group->label_key, pit->label_count, group->keys.count, &group->label_at, &group->label_start,
                          err));
    FLOE_TRY(
        floe_realloc(&group->label_times, group->label_start[group->keys.count] + (size_t)1, sizeof(int64_t), err));
    label_sort sort = {pit, group};
    FLOE_TRY(floe_together_over(pit->threads, group->keys.count, SORTED_KEYS, sort_labels, &sort, err));
    floe_free(group->label_key);
    group->label_key = NULL;
    return FLOE_OK;
}

#define FORGET(memory) (floe_free(memory), (memory) = NULL)

void floe_pit_forget_rows(pit_group *group) {
    FORGET(group->event);
    FORGET(group->created);
    FORGET(group->end);
    FORGET(group->seq);
    FORGET(group->pos);
    FORGET(group->tied);
    for (size_t i = 0; i < group->column_count; i++) {
        floe_pit_column_forget(&group->columns[i]);
    }
}

void floe_pit_forget_labels(pit_group *group) {
    FORGET(group->row_start);
    FORGET(group->row_end);
    FORGET(group->label_at);
    FORGET(group->label_start);
    FORGET(group->label_times);
}
