/*
 * The run of a question that spills: as many parts of the keys as fit are read back, put in order, swept and forgotten, and
 * their answers are written down. The answer to a key depends on its rows and labels alone, so it is the same as at once.
 *
 * A part that alone is more than fits, because one of its keys is, is answered by one thread whose arrays lie in files
 * (core/paged.h): its rows are put in order by large.c, and the sweep goes through them as it always does, in order of time, so what is in
 * memory are the places that rows enter and leave its windows at.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/paged.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/answers/shelf.h"
#include "offline/pit/rows/record.h"
#include "offline/pit/run/group.h"
#include "offline/pit/run/sweep.h"

#define MOVED_BYTES 48 /* of one row, beside its record and its cells, while it is put in order and swept */
#define LABEL_BYTES 24 /* of one label: times and order, and its run */
#define KEY_BYTES 96
#define LABELS_LEAST 4096       /* of a part that is answered run by run, beside those that fit */
#define LARGE_LEAST FLOE_MIB(1) /* what is less is answered in memory, however little of it there is */

/* Of a label, in the view that has most. */
static uint64_t answer_bytes(const pit_group *group) {
    uint64_t bytes = 0;
    for (size_t v = 0; v < group->view_count; v++) {
        bytes = group->views[v].sheet.row_len > bytes ? group->views[v].sheet.row_len : bytes;
    }
    return bytes;
}

static uint64_t part_bytes(const pit_group *group, size_t part, const uint32_t *labels) {
    return floe_pit_part_rows(group, part) * (2 * (uint64_t)group->record_len + MOVED_BYTES) +
           labels[part] * answer_bytes(group);
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

/* For parts, beside the labels. */
static uint64_t room_for_parts(const floe_pit *pit) {
    uint64_t used = floe_pit_label_bytes(pit), memory = pit->options.memory_bytes - pit->options.memory_bytes / 4;
    return used < memory ? memory - used : 0;
}

/* Parts from `first` on until one more would be too much. */
static size_t last_that_fits(const floe_pit *pit, const pit_group *group, size_t first, const uint32_t *labels) {
    uint64_t bytes = 0;
    size_t last = first, parts = floe_pit_parts_count(group);
    while (last < parts) {
        bytes += part_bytes(group, last, labels);
        if (bytes > room_for_parts(pit) && last > first) {
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

/* ---- a part that does not fit ---- */

typedef struct large {
    const floe_pit *pit;
    pit_group *group;
    const pit_pace *pace;
    floe_paged *paged;
    pit_sweep **sweeps;     /* per view: each goes on from run to run */
    uint32_t labels_in_run; /* at most, so that their answers fit into memory */
} large;

static void large_close(large *l) {
    for (size_t v = 0; l->sweeps && v < l->group->view_count; v++) {
        floe_pit_sweep_close(&l->sweeps[v]);
    }
    floe_free(l->sweeps);
    floe_paged_close(&l->paged);
}

static floe_status sweep_run(const large *l, size_t view, const pit_stint *stint, floe_error *err) {
    for (uint32_t key = 0; key < l->group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(l->group, stint, key);
        if (slice.first < slice.last) {
            FLOE_TRY(floe_pit_sweep_slice(l->sweeps[view], &slice, err));
            FLOE_ENSURE(!floe_pit_is_cancelled(l->pace->run), err, FLOE_CANCELLED, "cancelled");
        }
    }
    return FLOE_OK;
}

static floe_status answer_run(const large *l, const pit_stint *stint, floe_error *err) {
    size_t count;
    FLOE_TRY(floe_pit_shelf_begin(l->group, stint, &count, err));
    for (size_t v = 0; v < l->group->view_count; v++) {
        pit_view *view = &l->group->views[v];
        FLOE_TRY(floe_pit_sheet_open(l->pit, l->group, view, count, err));
        floe_paged_use(l->paged);
        floe_status status = sweep_run(l, v, stint, err);
        floe_paged_use(NULL);
        FLOE_TRY(status);
        FLOE_TRY(floe_pit_shelf_put(l->pit, l->group, v, l->pace->threads, err));
        floe_pit_sheet_close(view, 0);
    }
    return FLOE_OK;
}

/* The labels of the part run by run: cut where there are as many as fit, within a key too. */
static floe_status answer_runs(const large *l, const pit_stint *part, floe_error *err) {
    pit_stint run = *part;
    uint32_t count = 0;
    for (uint32_t key = 0; key < l->group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(l->group, part, key);
        while (slice.last - slice.first > l->labels_in_run - count) {
            slice.first += l->labels_in_run - count;
            run.last_label = slice.first;
            FLOE_TRY(answer_run(l, &run, err));
            run.first_label = slice.first;
            count = 0;
        }
        count += slice.last - slice.first;
    }
    run.last_label = l->group->label_start[l->group->keys.count];
    return count > 0 ? answer_run(l, &run, err) : FLOE_OK;
}

static floe_status open_sweeps(large *l, floe_error *err) {
    FLOE_TRY(floe_alloc(l->group->view_count, sizeof(pit_sweep *), &l->sweeps, err));
    for (size_t v = 0; v < l->group->view_count; v++) {
        FLOE_TRY(floe_pit_sweep_open(l->pit, l->group, &l->group->views[v], &l->sweeps[v], err));
    }
    return FLOE_OK;
}

/* The room is for pages; the answers of a run, and pages that come between two looks, have the quarter that it leaves free. */
static floe_status answer_large(const floe_pit *pit, pit_group *group, const pit_stint *part, const pit_pace *pace,
                                floe_error *err) {
    uint64_t room = room_for_parts(pit), fit = room / 4 / (answer_bytes(group) + 1) + LABELS_LEAST;
    FLOE_CLEANUP(large_close)
    large l = {
        .pit = pit, .group = group, .pace = pace, .labels_in_run = fit < UINT32_MAX ? (uint32_t)fit : UINT32_MAX};
    FLOE_TRY(floe_pit_row_starts_make(group, err));
    FLOE_TRY(floe_paged_open(pit->options.spill_folder, room, &l.paged, err));
    floe_paged_use(l.paged);
    FLOE_TRY(floe_pit_arrange_large(group, part->first, pit->spill, room / 2, err));
    floe_paged_use(NULL);
    FLOE_TRY(open_sweeps(&l, err));
    FLOE_TRY(answer_runs(&l, part, err));
    for (size_t v = 0; v < group->view_count; v++) {
        floe_pit_sweep_count(l.sweeps[v], &group->views[v]);
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
        const pit_stint stint = {.mask = (uint32_t)parts - 1, .first = (uint32_t)first, .last = (uint32_t)last};
        uint64_t bytes = part_bytes(group, first, labels);
        bool too_large = bytes > LARGE_LEAST && bytes > room_for_parts(pit);
        FLOE_TRY(too_large ? answer_large(pit, group, &stint, pace, err) : answer_parts(pit, group, &stint, pace, err));
    }
    floe_pit_parts_close(&group->parts);
    floe_pit_forget_labels(group);
    return FLOE_OK;
}
