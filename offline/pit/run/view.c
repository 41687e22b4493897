/*
 * One view swept by several threads.
 *
 * Threads: each takes the next keys, or a slice of a large one (or the next part), and writes only the answers of those labels;
 * everything else is read-only while they run. The first error stops all.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/question/question.h"
#include "offline/pit/run/divide.h"
#include "offline/pit/run/group.h"
#include "offline/pit/run/sweep.h"
#include "offline/together.h"

typedef struct work {
    const floe_pit *pit;
    const pit_group *group;
    pit_view *view;
    const floe_run *run;
    pit_shares shares;
    atomic_bool stop;
    pthread_mutex_t lock; /* what the view counts */
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
    floe_pit_sweep_count(sweep, w->view);
    pthread_mutex_unlock(&w->lock);
    return FLOE_OK;
}

floe_status floe_pit_sweep_view(const floe_pit *pit, const pit_group *group, pit_view *view, const pit_stint *stint,
                                const pit_pace *pace, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    work w = {.pit = pit, .group = group, .view = view, .run = pace->run};
    /* Each thread that has a slice sums up the rows of the whole key, for which there may be no memory. */
    FLOE_TRY(floe_pit_shares_make(group, stint, pace->whole_keys ? 1 : pace->threads, &arena, &w.shares, err));
    pthread_mutex_init(&w.lock, NULL);
    floe_status status = floe_together(pace->threads, sweep_keys, &w, &w.stop, err);
    pthread_mutex_destroy(&w.lock);
    return status;
}
