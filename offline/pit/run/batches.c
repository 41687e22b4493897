/*
 * The run of a question that spills: as many parts of the keys as fit are read back, put in order, swept and forgotten, and
 * their answers are written down. The answer to a key depends on its rows and labels alone, so it is the same as at once.
 *
 * One key is never divided, so the rows of the most frequent one are what a run needs at least.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/answers/shelf.h"
#include "offline/pit/rows/record.h"
#include "offline/pit/run/group.h"

#define MOVED_BYTES 48 /* of one row, beside its record and its cells, while it is put in order and swept */
#define LABEL_BYTES 24 /* of one label: times and order, and its run */
#define KEY_BYTES 96

static uint64_t part_bytes(const pit_group *group, size_t part, const uint32_t *labels) {
    uint64_t answers = 0;
    for (size_t v = 0; v < group->view_count; v++) {
        answers = group->views[v].sheet.row_len > answers ? group->views[v].sheet.row_len : answers;
    }
    return floe_pit_part_rows(group, part) * (2 * (uint64_t)group->record_len + MOVED_BYTES) + labels[part] * answers;
}

/* Labels per part. */
static void count_labels(const pit_group *group, size_t parts, uint32_t *labels) {
    for (uint32_t key = 0; key < group->keys.count; key++) {
        labels[key & (parts - 1)] += group->label_start[key + 1] - group->label_start[key];
    }
}

uint64_t floe_pit_label_bytes(const floe_pit *pit) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        bytes += pit->label_count * (uint64_t)LABEL_BYTES + pit->groups[g].keys.count * (uint64_t)KEY_BYTES;
    }
    return bytes;
}

/* Parts from `first` on until one more would be too much. */
static size_t last_that_fits(const floe_pit *pit, const pit_group *group, size_t first, const uint32_t *labels) {
    uint64_t used = floe_pit_label_bytes(pit), memory = pit->options.memory_bytes - pit->options.memory_bytes / 4;
    uint64_t room = used < memory ? memory - used : 0, bytes = 0;
    size_t last = first, parts = floe_pit_parts_count(group);
    while (last < parts) {
        bytes += part_bytes(group, last, labels);
        if (bytes > room && last > first) {
            break;
        }
        last++;
    }
    return last;
}

static floe_status answer_parts(const floe_pit *pit, pit_group *group, const pit_stint *stint, const pit_pace *pace,
                                floe_error *err) {
    size_t count;
    FLOE_TRY(floe_pit_shelf_begin(group, stint, &count, err));
    FLOE_TRY(floe_pit_arrange(group, stint->first, stint->last, pace->threads, err));
    for (size_t v = 0; v < group->view_count; v++) {
        FLOE_TRY(floe_pit_sheet_open(pit, group, &group->views[v], count, err));
        FLOE_TRY(floe_pit_sweep_view(pit, group, &group->views[v], stint, pace, err));
        FLOE_TRY(floe_pit_shelf_put(pit, group, v, pace->threads, err));
        floe_pit_sheet_close(&group->views[v], 0);
    }
    floe_pit_forget_rows(group);
    return FLOE_OK;
}

floe_status floe_pit_run_batches(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    FLOE_AUTO_FREE uint32_t *labels = NULL;
    FLOE_TRY(floe_pit_parts_open(pit, group, err)); /* where no row came */
    size_t parts = floe_pit_parts_count(group);
    FLOE_TRY(floe_alloc(parts, sizeof(*labels), &labels, err));
    count_labels(group, parts, labels);
    for (size_t v = 0; v < group->view_count; v++) {
        floe_pit_sheet_plan(group, &group->views[v]);
    }
    FLOE_TRY(floe_pit_shelf_open(pit, group, err));
    for (size_t first = 0, last; first < parts; first = last) {
        last = last_that_fits(pit, group, first, labels);
        const pit_stint stint = {(uint32_t)parts - 1, (uint32_t)first, (uint32_t)last};
        FLOE_TRY(answer_parts(pit, group, &stint, pace, err));
    }
    floe_pit_parts_close(&group->parts);
    floe_pit_forget_labels(group);
    return FLOE_OK;
}
