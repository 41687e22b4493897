/*
 * Several threads at the same work, and the first failure of any.
 */
#include "offline/together.h"

#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 64

int floe_thread_count(int asked) {
    long threads = asked > 0 ? asked : sysconf(_SC_NPROCESSORS_ONLN);
    return threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : (int)threads;
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

floe_status floe_together(int threads, floe_status (*work)(void *context, floe_error *err), void *context,
                          atomic_bool *stop, floe_error *err) {
    together t = {.work = work, .context = context, .stop = stop, .status = FLOE_OK};
    pthread_mutex_init(&t.lock, NULL);
    pthread_t others[THREADS_MAX];
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

/* ---- by stretches ---- */

typedef struct over {
    floe_stretch_work work;
    void *context;
    size_t count, step;
    atomic_size_t next;
    atomic_bool stop;
} over;

static floe_status take_stretches(void *context, floe_error *err) {
    over *o = context;
    while (!atomic_load(&o->stop)) {
        size_t first = atomic_fetch_add(&o->next, o->step);
        if (first >= o->count) {
            break;
        }
        FLOE_TRY(o->work(o->context, first, o->count - first < o->step ? o->count : first + o->step, err));
    }
    return FLOE_OK;
}

floe_status floe_together_over(int threads, size_t count, size_t step, floe_stretch_work work, void *context,
                               floe_error *err) {
    over o = {.work = work, .context = context, .count = count, .step = step};
    size_t steps = (count + step - 1) / step;
    return floe_together(steps < (size_t)threads ? (int)steps : threads, take_stretches, &o, &o.stop, err);
}
