/*
 * The run: rows and labels are put in key order, then the keys of each view are swept by several threads.
 * Threads: each takes the next keys, or a slice of a large one (or the next part), and writes only the answers of those labels; everything else is read-only while they run. The first error stops all.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/record.h"

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

floe_status floe_pit_group_index(const floe_pit *pit, pit_group *group, int threads, floe_error *err) {
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

/* ---- the sweep of one view ---- */

typedef struct work {
    const floe_pit *pit;
    const pit_group *group;
    pit_view *view;
    const floe_run *run;
    pit_shares shares;
    atomic_bool stop;
    pthread_mutex_t lock; /* the view's ties */
} work;

static floe_status sweep_keys(void *context, floe_error *err) {
    work *w = context;
    pit_slice slices[PIT_SHARE_MOST];
    FLOE_CLEANUP(floe_pit_sweep_close) pit_sweep *sweep = NULL;
    FLOE_TRY(floe_pit_sweep_open(w->pit, w->group, w->view, &sweep, err));
    for (size_t count; !atomic_load(&w->stop) && (count = floe_pit_shares_take(&w->shares, slices)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            FLOE_TRY(floe_pit_sweep_slice(sweep, &slices[i], err));
        }
        FLOE_ENSURE(!floe_pit_is_cancelled(w->run), err, FLOE_CANCELLED, "cancelled");
    }
    pthread_mutex_lock(&w->lock);
    w->view->ties += floe_pit_sweep_ties(sweep);
    pthread_mutex_unlock(&w->lock);
    return FLOE_OK;
}

floe_status floe_pit_sweep_view(const floe_pit *pit, const pit_group *group, pit_view *view, const pit_stint *stint,
                                const pit_pace *pace, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    work w = {.pit = pit, .group = group, .view = view, .run = pace->run};
    /* Each thread that has a slice sums up the rows of the whole key, for which a question that spills has no memory. */
    FLOE_TRY(floe_pit_shares_make(group, stint, pit->spill ? 1 : pace->threads, &arena, &w.shares, err));
    pthread_mutex_init(&w.lock, NULL);
    floe_status status = floe_pit_together(pace->threads, sweep_keys, &w, &w.stop, err);
    pthread_mutex_destroy(&w.lock);
    return status;
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

static floe_status run_group(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    const pit_stint all = {.last = 1};
    if (group->thins && !pit->newest_labels && !pit->options.newest) {
        FLOE_TRY(floe_pit_index_labels(pit, group, err));
        return floe_pit_run_slots(pit, group, pace, err);
    }
    FLOE_TRY(floe_pit_group_index(pit, group, pace->threads, err));
    for (size_t v = 0; v < group->view_count; v++) {
        FLOE_TRY(floe_pit_sheet_open(pit, group, &group->views[v], pit->label_count, err));
        FLOE_TRY(floe_pit_sweep_view(pit, group, &group->views[v], &all, pace, err));
    }
    if (floe_pit_sheets_suffice(pit, group)) { /* They hold what they show, so the memory of the rows can go. */
        floe_pit_forget_rows(group);
        floe_pit_forget_labels(group);
    }
    return FLOE_OK;
}

floe_status floe_pit_run(floe_pit *pit, const floe_run *run, floe_error *err) {
    const pit_pace pace = {run, floe_pit_thread_count(run ? run->threads : 0)};
    if (pit->newest_labels) {
        FLOE_TRY(make_newest_labels(pit, err));
    }
    for (size_t g = 0; g < pit->group_count && pit->spill; g++) {
        FLOE_TRY(floe_pit_index_labels(pit, &pit->groups[g], err));
    }
    if (pit->spill) {
        FORGET(pit->label_time); /* Every group has them in its own order now. */
    }
    for (size_t g = 0; g < pit->group_count; g++) {
        FLOE_TRY(pit->spill ? floe_pit_run_batches(pit, &pit->groups[g], &pace, err)
                            : run_group(pit, &pit->groups[g], &pace, err));
    }
    return FLOE_OK;
}
