/*
 * The run: rows and labels are put in key order, then each view of each group is swept.
 */
#include "offline/pit/run/group.h"

#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/rows/record.h"
#include "offline/together.h"

/* Puts the rows of a group in order of key and event, and lists its labels in order of key and time. */
static floe_status index_group(const floe_pit *pit, pit_group *group, int threads, floe_error *err) {
    if (group->thins) {
        FLOE_TRY(floe_pit_slots_gather(group, err));
    } else {
        FLOE_TRY(floe_pit_arrange(group, 0, floe_pit_parts_count(group), threads, err));
        floe_pit_parts_close(&group->parts);
    }
    return floe_pit_index_labels(pit, group, err);
}

/* The keys that the source brought become the labels. */
static floe_status make_newest_labels(floe_pit *pit, floe_error *err) {
    pit_group *group = &pit->groups[0];
    pit->label_count = group->keys.count;
    FLOE_TRY(floe_alloc(pit->label_count + 1, sizeof(int64_t), &pit->label_time, err));
    FLOE_TRY(floe_alloc(pit->label_count + 1, sizeof(uint32_t), &group->label_key, err));
    for (size_t i = 0; i < pit->label_count; i++) {
        pit->label_time[i] = pit->newest_us;
        group->label_key[i] = (uint32_t)i;
    }
    return FLOE_OK;
}

static floe_status run_group(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    const pit_stint all = {.last = 1};
    if (group->thins && !pit->newest_labels && !pit->options.newest) {
        FLOE_TRY(floe_pit_index_labels(pit, group, err));
        return floe_pit_run_slots(pit, group, pace, err);
    }
    FLOE_TRY(index_group(pit, group, pace->threads, err));
    for (size_t v = 0; v < group->view_count; v++) {
        bool opened = group->views[v].sheet.rows != NULL; /* by the feed, to lend its memory */
        FLOE_TRY(opened ? floe_pit_sheet_reclaim(&group->views[v].sheet, pace->threads, err)
                        : floe_pit_sheet_open(pit, group, &group->views[v], pit->label_count, err));
        FLOE_TRY(floe_pit_sweep_view(pit, group, &group->views[v], &all, pace, err));
    }
    if (floe_pit_sheets_suffice(pit, group)) { /* They hold what they show, so the memory of the rows can go. */
        floe_pit_forget_rows(group);
        floe_pit_forget_labels(group);
    }
    return FLOE_OK;
}

floe_status floe_pit_run(floe_pit *pit, const floe_run *run, floe_error *err) {
    const pit_pace pace = {.run = run, .threads = floe_thread_count(run ? run->threads : 0)};
    if (pit->newest_labels) {
        FLOE_TRY(make_newest_labels(pit, err));
    }
    for (size_t g = 0; g < pit->group_count && pit->spill; g++) {
        FLOE_TRY(floe_pit_index_labels(pit, &pit->groups[g], err));
    }
    if (pit->spill) { /* Every group has them in its own order now. */
        floe_free(pit->label_time);
        pit->label_time = NULL;
    }
    for (size_t g = 0; g < pit->group_count; g++) {
        FLOE_TRY(pit->spill ? floe_pit_run_batches(pit, &pit->groups[g], &pace, err)
                            : run_group(pit, &pit->groups[g], &pace, err));
    }
    return FLOE_OK;
}
