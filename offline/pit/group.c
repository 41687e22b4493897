/*
 * What a group holds: its labels in order, and the forgetting of labels and rows.
 */
#include "core/mem.h"
#include "offline/pit/pit_int.h"

/* Labels of each key in time order, from their order by key. */
static floe_status sort_labels(const floe_pit *pit, pit_group *group, floe_error *err) {
    FLOE_AUTO_FREE pit_moment *moments = NULL;
    size_t labels = group->label_start[group->keys.count], most = 0;
    for (size_t k = 0; k < group->keys.count; k++) {
        size_t count = group->label_start[k + 1] - group->label_start[k];
        most = count > most ? count : most;
    }
    FLOE_TRY(floe_realloc(&group->label_times, labels + 1, sizeof(int64_t), err));
    FLOE_TRY(floe_realloc(&moments, 2 * most + 2, sizeof(*moments), err));
    for (size_t k = 0; k < group->keys.count; k++) {
        size_t first = group->label_start[k], count = group->label_start[k + 1] - first;
        for (size_t i = 0; i < count; i++) {
            moments[i] = (pit_moment){pit->label_time[group->label_at[first + i]], group->label_at[first + i]};
        }
        floe_pit_sort_moments(moments, count, moments + most + 1);
        for (size_t i = 0; i < count; i++) {
            group->label_times[first + i] = moments[i].at;
            group->label_at[first + i] = moments[i].row;
        }
    }
    return FLOE_OK;
}

floe_status floe_pit_index_labels(const floe_pit *pit, pit_group *group, floe_error *err) {
    if (group->label_times) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_pit_order_by_key(group->label_key, pit->label_count, group->keys.count, &group->label_at,
                                   &group->label_start, err));
    FLOE_TRY(sort_labels(pit, group, err));
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
