/*
 * The run: rows and labels are put in key order, then the keys of each view are swept by several threads.
 * Threads: each takes the next stretch of keys (or the next part) from a shared counter and writes only the answers of those
 * keys' labels; everything else is read-only while they run. The first error stops all.
 */
#include "core/mem.h"
#include "offline/pit/record.h"

#include <unistd.h>

#define KEYS_PER_STRETCH 16

/* Labels of each key in time order, from their order by key. Labels without a key stand behind all. */
static floe_status sort_labels(const floe_pit *pit, pit_group *group, const uint32_t *order, floe_error *err) {
    FLOE_AUTO_FREE pit_moment *moments = NULL;
    FLOE_AUTO_FREE int64_t *times = NULL;
    size_t labels = group->label_start[group->keys.count];
    FLOE_TRY(floe_realloc(&times, labels + 1, sizeof(int64_t), err));
    FLOE_TRY(floe_realloc(&group->label_place, pit->label_count + 1, sizeof(uint32_t), err));
    FLOE_TRY(floe_realloc(&moments, 2 * labels + 2, sizeof(*moments), err));
    for (size_t i = 0; i < labels; i++) {
        moments[i] = (pit_moment){pit->label_time[order[i]], order[i]};
    }
    for (size_t k = 0; k < group->keys.count; k++) {
        size_t first = group->label_start[k];
        floe_pit_sort_moments(moments + first, group->label_start[k + 1] - first, moments + labels + 1);
    }
    for (size_t i = 0; i < pit->label_count; i++) {
        group->label_place[i] = (uint32_t)pit->label_count;
    }
    for (size_t i = 0; i < labels; i++) {
        times[i] = moments[i].at;
        group->label_place[moments[i].row] = (uint32_t)i;
    }
    group->label_times = times;
    times = NULL;
    return FLOE_OK;
}

floe_status floe_pit_index_labels(const floe_pit *pit, pit_group *group, floe_error *err) {
    if (group->label_times) {
        return FLOE_OK;
    }
    FLOE_AUTO_FREE uint32_t *order = NULL;
    FLOE_TRY(
        floe_pit_order_by_key(group->label_key, pit->label_count, group->keys.count, &order, &group->label_start, err));
    FLOE_TRY(sort_labels(pit, group, order, err));
    floe_free(group->label_key);
    group->label_key = NULL;
    return FLOE_OK;
}

floe_status floe_pit_group_index(floe_pit *pit, pit_group *group, int threads, floe_error *err) {
    FLOE_TRY(group->thins ? floe_pit_slots_gather(group, err) : floe_pit_arrange(group, threads, err));
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

/* ---- answers, as they are before any label is swept: counts 0, everything else null; so stays the last of all, which is
 * that of labels without a key ---- */

static size_t answer_len(const floe_output *output) {
    switch (output->function) {
    case FLOE_FN_MIN:
    case FLOE_FN_MAX:
    case FLOE_FN_FIRST:
    case FLOE_FN_LAST:
        return sizeof(uint32_t);
    case FLOE_FN_FIRST_K:
    case FLOE_FN_LAST_K:
    case FLOE_FN_TOP_K:
        return sizeof(uint32_t *);
    case FLOE_FN_SUM:
        return output->type.kind == FLOE_KIND_DECIMAL ? sizeof(__int128) : sizeof(int64_t);
    default:
        return sizeof(int64_t);
    }
}

static floe_status make_answers(const floe_pit *pit, pit_view *view, floe_error *err) {
    FLOE_TRY(floe_alloc(pit->label_count + 1, sizeof(uint32_t), &view->winner, err));
    memset(view->winner, 0xff, (pit->label_count + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < view->view->output_count; i++) {
        const floe_output *output = &view->view->outputs[i];
        if (!view->wanted[i] || output->function == FLOE_FN_NONE) {
            continue;
        }
        FLOE_TRY(floe_alloc(pit->label_count + 1, 1, &view->results[i].is_null, err));
        FLOE_TRY(floe_alloc(pit->label_count + 1, answer_len(output), &view->results[i].data, err));
        floe_mem_advise_huge(view->results[i].is_null, pit->label_count);
        floe_mem_advise_huge(view->results[i].data.i64,
                             pit->label_count * answer_len(output)); /* Gathered from all over. */
        bool counts = floe_function_counts(output->function);
        memset(view->results[i].is_null, counts ? 0 : 1, pit->label_count + 1);
    }
    return FLOE_OK;
}

/* ---- threads ---- */

int floe_pit_thread_count(int asked) {
    long threads = asked > 0 ? asked : sysconf(_SC_NPROCESSORS_ONLN);
    return threads < 1 ? 1 : threads > PIT_THREADS_MAX ? PIT_THREADS_MAX : (int)threads;
}

typedef struct together {
    floe_status (*work)(void *context, floe_error *err);
    void *context;
    atomic_bool *stop;
    pthread_mutex_t lock; /* err, status */
    floe_error err;
    floe_status status;
} together;

static void *together_thread(void *context) {
    together *t = context;
    floe_error err = {0};
    floe_status status = t->work(t->context, &err);
    if (floe_failed(status)) {
        atomic_store(t->stop, true);
        pthread_mutex_lock(&t->lock);
        if (!floe_failed(t->status)) {
            t->status = status;
            t->err = err;
        }
        pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

floe_status floe_pit_together(int threads, floe_status (*work)(void *context, floe_error *err), void *context,
                              atomic_bool *stop, floe_error *err) {
    together t = {.work = work, .context = context, .stop = stop, .status = FLOE_OK};
    pthread_mutex_init(&t.lock, NULL);
    pthread_t others[PIT_THREADS_MAX];
    int started = 0;
    while (started < threads - 1 && pthread_create(&others[started], NULL, together_thread, &t) == 0) {
        started++;
    }
    (void)together_thread(&t); /* This thread works too, so a system that gives no more threads is only slower. */
    for (int i = 0; i < started; i++) {
        pthread_join(others[i], NULL);
    }
    pthread_mutex_destroy(&t.lock);
    if (floe_failed(t.status) && err && err->code == FLOE_CODE_OK) {
        *err = t.err;
    }
    return t.status;
}

/* ---- the sweep of one view ---- */

typedef struct work {
    const floe_pit *pit;
    const pit_group *group;
    pit_view *view;
    const floe_run *run;
    atomic_uint_fast32_t next_key;
    atomic_bool stop;
    pthread_mutex_t lock; /* the view's ties */
} work;

static bool is_cancelled(const floe_run *run) {
    return run && run->cancelled && atomic_load(run->cancelled);
}

static floe_status sweep_stretch(work *w, pit_sweep *sweep, uint32_t first, floe_error *err) {
    uint32_t last = first + KEYS_PER_STRETCH;
    last = last > w->group->keys.count ? (uint32_t)w->group->keys.count : last;
    for (uint32_t key = first; key < last; key++) {
        if (w->group->label_start[key] < w->group->label_start[key + 1]) {
            FLOE_TRY(floe_pit_sweep_key(sweep, key, err));
        }
    }
    FLOE_ENSURE(!is_cancelled(w->run), err, FLOE_CANCELLED, "cancelled");
    return FLOE_OK;
}

static floe_status sweep_keys(void *context, floe_error *err) {
    work *w = context;
    FLOE_CLEANUP(floe_pit_sweep_close) pit_sweep *sweep = NULL;
    FLOE_TRY(floe_pit_sweep_open(w->pit, w->group, w->view, &sweep, err));
    while (!atomic_load(&w->stop)) {
        uint32_t first = (uint32_t)atomic_fetch_add(&w->next_key, KEYS_PER_STRETCH);
        if (first >= w->group->keys.count) {
            break;
        }
        FLOE_TRY(sweep_stretch(w, sweep, first, err));
    }
    pthread_mutex_lock(&w->lock);
    w->view->ties += floe_pit_sweep_ties(sweep);
    pthread_mutex_unlock(&w->lock);
    return FLOE_OK;
}

static floe_status sweep_view(const floe_pit *pit, const pit_group *group, pit_view *view, const floe_run *run,
                              int threads, floe_error *err) {
    work w = {.pit = pit, .group = group, .view = view, .run = run};
    pthread_mutex_init(&w.lock, NULL);
    floe_status status = floe_pit_together(threads, sweep_keys, &w, &w.stop, err);
    pthread_mutex_destroy(&w.lock);
    return status;
}

floe_status floe_pit_run(floe_pit *pit, const floe_run *run, floe_error *err) {
    int threads = floe_pit_thread_count(run ? run->threads : 0);
    if (pit->newest_labels) {
        FLOE_TRY(make_newest_labels(pit, err));
    }
    for (size_t g = 0; g < pit->group_count; g++) {
        pit_group *group = &pit->groups[g];
        FLOE_TRY(floe_pit_group_index(pit, group, threads, err));
        for (size_t v = 0; v < group->view_count; v++) {
            FLOE_TRY(make_answers(pit, &group->views[v], err));
            FLOE_TRY(sweep_view(pit, group, &group->views[v], run, threads, err));
        }
    }
    return FLOE_OK;
}
