/*
 * See helper_int.h. Lock: `mutex` guards `aside`, `state`, `closing`; no work runs under it.
 */
#include "vector/helper_int.h"

#include "core/mem.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

typedef enum state {
    IDLE,
    OFFERED, /* set aside, and nobody has begun */
    RUNNING,
    DONE
} state;

struct floe_helper {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* something is offered, it is done, or the helper shall end */
    const floe_aside *aside;
    state state;
    bool closing;
    bool is_started, has_failed; /* the thread; these two belong to the caller */
    pthread_t thread;
};

static bool has_processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) > 1;
}

floe_helper *floe_helper_open(void) {
    floe_helper *helper = NULL;
    if (!has_processors() || floe_failed(floe_alloc(1, sizeof(*helper), &helper, NULL))) {
        return NULL;
    }
    (void)pthread_mutex_init(&helper->mutex, NULL);
    (void)pthread_cond_init(&helper->changed, NULL);
    return helper;
}

/* ---- the thread ---- */

/* Waits for work; NULL when the thread shall end. */
static const floe_aside *take(floe_helper *helper) {
    (void)pthread_mutex_lock(&helper->mutex);
    while (helper->state != OFFERED && !helper->closing) {
        (void)pthread_cond_wait(&helper->changed, &helper->mutex);
    }
    const floe_aside *taken = helper->closing ? NULL : helper->aside;
    helper->state = taken != NULL ? RUNNING : IDLE;
    (void)pthread_mutex_unlock(&helper->mutex);
    return taken;
}

static void *run(void *context) {
    floe_helper *helper = context;
    const floe_aside *aside = take(helper);
    while (aside != NULL) {
        aside->work(aside->context);
        (void)pthread_mutex_lock(&helper->mutex);
        helper->state = DONE;
        (void)pthread_cond_broadcast(&helper->changed);
        (void)pthread_mutex_unlock(&helper->mutex);
        aside = take(helper);
    }
    return NULL;
}

/* A thread that cannot be had is not asked for again. */
static bool start(floe_helper *helper) {
    sigset_t all;
    sigset_t before;
    if (!helper->is_started && !helper->has_failed) {
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        helper->is_started = pthread_create(&helper->thread, NULL, run, helper) == 0;
        helper->has_failed = !helper->is_started;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return helper->is_started;
}

void floe_helper_close(floe_helper **helper_pointer) {
    floe_helper *helper = *helper_pointer;
    *helper_pointer = NULL;
    if (helper == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&helper->mutex);
    helper->closing = true;
    (void)pthread_cond_broadcast(&helper->changed);
    (void)pthread_mutex_unlock(&helper->mutex);
    if (helper->is_started) {
        (void)pthread_join(helper->thread, NULL);
    }
    (void)pthread_cond_destroy(&helper->changed);
    (void)pthread_mutex_destroy(&helper->mutex);
    floe_free(helper);
}

/* ---- the caller ---- */

void floe_helper_set_aside(floe_helper *helper, const floe_aside *aside) {
    if (helper == NULL || !start(helper)) {
        return;
    }
    (void)pthread_mutex_lock(&helper->mutex);
    FLOE_ASSERT(helper->state == IDLE);
    helper->aside = aside;
    helper->state = OFFERED;
    (void)pthread_cond_signal(&helper->changed);
    (void)pthread_mutex_unlock(&helper->mutex);
}

/* Whether the helper did it, or does: then it is done when this returns. */
static bool was_taken(floe_helper *helper) {
    (void)pthread_mutex_lock(&helper->mutex);
    while (helper->state == RUNNING) {
        (void)pthread_cond_wait(&helper->changed, &helper->mutex);
    }
    bool taken = helper->state == DONE;
    helper->state = IDLE;
    (void)pthread_mutex_unlock(&helper->mutex);
    return taken;
}

void floe_helper_settle(floe_helper *helper, const floe_aside *aside) {
    if (helper == NULL || !helper->is_started || !was_taken(helper)) {
        aside->work(aside->context);
    }
}
