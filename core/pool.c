/*
 * Worker threads behind a bounded queue, a ring that is allocated once.
 *
 * Lock: `mutex` guards all fields but `threads`, which belong to the thread that opens and closes the pool; no job runs
 * under it. A worker ends when the pool is closing and the queue is empty, so a job that submits another one while the
 * pool is closing still sees it run: its own thread takes it at the latest.
 */
#include "core/pool.h"

#include "core/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#define THREADS_MAX 1024
#define QUEUE_MAX ((size_t)1 << 20)

typedef struct job {
    floe_job_fn run;
    void *context;
} job;

struct floe_pool {
    pthread_mutex_t mutex;
    pthread_cond_t wakeup; /* a job came, or the pool is closing */
    job *ring;
    size_t ring_len;
    size_t first;
    size_t count;
    bool closing;
    pthread_t *threads;
    size_t thread_count;
};

/* Waits for a job; false when the thread shall end. */
static bool take_job(floe_pool *pool, job *ret_job) {
    (void)pthread_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->closing) {
        (void)pthread_cond_wait(&pool->wakeup, &pool->mutex);
    }
    bool taken = pool->count > 0;
    if (taken) {
        *ret_job = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->ring_len;
        pool->count--;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return taken;
}

static void *work(void *context) {
    job next;
    while (take_job(context, &next)) {
        next.run(next.context);
    }
    return NULL;
}

/* Signals belong to the main thread: the workers are born with all of them blocked. */
static floe_status start_threads(floe_pool *pool, size_t thread_count, floe_error *err) {
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = 0;
    while (number == 0 && pool->thread_count < thread_count) {
        number = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
        pool->thread_count += number == 0 ? 1 : 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number != 0) {
        errno = number;
        return FLOE_FAIL_ERRNO(err, FLOE_LIMIT, "cannot start worker thread %zu of %zu: %s", pool->thread_count + 1,
                               thread_count, strerror(number));
    }
    return FLOE_OK;
}

static floe_status fill(floe_pool *pool, size_t thread_count, size_t queue_max, floe_error *err) {
    FLOE_TRY(floe_alloc(queue_max, sizeof(job), &pool->ring, err));
    pool->ring_len = queue_max;
    FLOE_TRY(floe_alloc(thread_count, sizeof(pthread_t), &pool->threads, err));
    return start_threads(pool, thread_count, err);
}

floe_status floe_pool_open(size_t thread_count, size_t queue_max, floe_pool **ret_pool, floe_error *err) {
    floe_pool *pool = NULL;
    FLOE_ENSURE(thread_count >= 1 && thread_count <= THREADS_MAX, err, FLOE_INVALID,
                "a pool has 1 to %d threads, not %zu", THREADS_MAX, thread_count);
    FLOE_ENSURE(queue_max >= 1 && queue_max <= QUEUE_MAX, err, FLOE_INVALID, "a pool queues 1 to %zu jobs, not %zu",
                QUEUE_MAX, queue_max);
    FLOE_TRY(floe_alloc(1, sizeof(*pool), &pool, err));
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->wakeup, NULL);
    floe_status status = fill(pool, thread_count, queue_max, err);
    if (floe_failed(status)) {
        floe_pool_close(&pool);
        return status;
    }
    *ret_pool = pool;
    return FLOE_OK;
}

void floe_pool_close(floe_pool **pool_pointer) {
    floe_pool *pool = pool_pointer ? *pool_pointer : NULL;
    if (!pool) {
        return;
    }
    *pool_pointer = NULL;
    (void)pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    (void)pthread_cond_broadcast(&pool->wakeup);
    (void)pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->thread_count; i++) {
        (void)pthread_join(pool->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&pool->wakeup);
    (void)pthread_mutex_destroy(&pool->mutex);
    floe_free(pool->threads);
    floe_free(pool->ring);
    floe_free(pool);
}

floe_status floe_pool_submit(floe_pool *pool, floe_job_fn run, void *context, floe_error *err) {
    FLOE_ASSERT(run != NULL);
    (void)pthread_mutex_lock(&pool->mutex);
    bool fits = pool->count < pool->ring_len;
    if (fits) {
        pool->ring[(pool->first + pool->count) % pool->ring_len] = (job){run, context};
        pool->count++;
        (void)pthread_cond_signal(&pool->wakeup);
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (fits) {
        return FLOE_OK;
    }
    bool first = err && err->code == FLOE_CODE_OK;
    floe_status status =
        FLOE_FAIL(err, FLOE_LIMIT, "all workers are busy and %zu jobs are waiting; try again later", pool->ring_len);
    if (first) {
        err->retriable = true;
    }
    return status;
}
