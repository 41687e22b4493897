/* Worker threads: every job runs once, the queue is bounded, closing waits. Meant for the thread sanitizer as well. */
#include "tests/core/scratch.h"

#include "core/mem.h"
#include "core/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

static floe_pool *open_pool(size_t threads, size_t queue) {
    floe_error err = {0};
    floe_pool *pool = NULL;
    assert_ok(floe_pool_open(threads, queue, &pool, &err), &err);
    return pool;
}

static void count_up(void *context) {
    atomic_fetch_add((atomic_int *)context, 1);
}

static void pool__every_job__runs_exactly_once(void **state) {
    (void)state;
    enum { JOBS = 5000 };
    atomic_int *counts = test_calloc(JOBS, sizeof(atomic_int));
    for (size_t threads = 1; threads <= 5; threads += 2) {
        floe_pool *pool = open_pool(threads, JOBS);
        for (size_t i = 0; i < JOBS; i++) {
            floe_error err = {0};
            atomic_store(&counts[i], 0);
            assert_ok(floe_pool_submit(pool, count_up, &counts[i], &err), &err);
        }
        floe_pool_close(&pool);
        assert_null(pool);
        for (size_t i = 0; i < JOBS; i++) {
            assert_int_equal(atomic_load(&counts[i]), 1);
        }
    }
    test_free(counts);
}

/* A job that waits until it is let go, and says when it began. */
typedef struct gate {
    sem_t began;
    sem_t go;
} gate;

static void gate_open(gate *g) {
    sem_init(&g->began, 0, 0);
    sem_init(&g->go, 0, 0);
}

static void wait_at_gate(void *context) {
    gate *g = context;
    sem_post(&g->began);
    sem_wait(&g->go);
}

static void pool_submit__full_queue__is_a_retriable_limit(void **state) {
    (void)state;
    floe_pool *pool = open_pool(1, 2);
    floe_error err = {0};
    atomic_int count = 0;
    gate g;
    gate_open(&g);
    assert_ok(floe_pool_submit(pool, wait_at_gate, &g, &err), &err);
    sem_wait(&g.began); /* the only thread is busy and the queue empty */
    assert_ok(floe_pool_submit(pool, count_up, &count, &err), &err);
    assert_ok(floe_pool_submit(pool, count_up, &count, &err), &err);
    assert_fails(floe_pool_submit(pool, count_up, &count, &err), &err, FLOE_LIMIT);
    assert_true(err.retriable);
    assert_message_has(&err, "2 jobs");
    assert_int_equal(floe_pool_submit(pool, count_up, &count, NULL).code, FLOE_LIMIT);
    sem_post(&g.go);
    floe_pool_close(&pool);
    assert_int_equal(atomic_load(&count), 2);
}

/* Two jobs that each wait for the other to begin can only end when they run at the same time. */
typedef struct meeting {
    gate *mine;
    gate *other;
} meeting;

static void meet(void *context) {
    meeting *m = context;
    sem_post(&m->mine->began);
    sem_wait(&m->other->began);
}

static void pool__two_threads__run_two_jobs_at_once(void **state) {
    (void)state;
    gate a;
    gate b;
    gate_open(&a);
    gate_open(&b);
    meeting first = {&a, &b};
    meeting second = {&b, &a};
    floe_error err = {0};
    floe_pool *pool = open_pool(2, 2);
    assert_ok(floe_pool_submit(pool, meet, &first, &err), &err);
    assert_ok(floe_pool_submit(pool, meet, &second, &err), &err);
    floe_pool_close(&pool);
}

typedef struct chain {
    floe_pool *pool;
    gate *start;
    atomic_int left;
} chain;

static void submit_next(void *context) {
    chain *c = context;
    if (atomic_fetch_sub(&c->left, 1) > 1) {
        FLOE_ASSERT(!floe_failed(floe_pool_submit(c->pool, submit_next, c, NULL)));
    }
}

static void pool_close__jobs_that_submit_jobs__are_all_run(void **state) {
    (void)state;
    chain c = {.left = 100};
    floe_error err = {0};
    c.pool = open_pool(3, 4);
    floe_pool *pool = c.pool;
    assert_ok(floe_pool_submit(pool, submit_next, &c, &err), &err);
    floe_pool_close(&pool);
    assert_int_equal(atomic_load(&c.left), 0);
}

static void read_mask(void *context) {
    pthread_sigmask(SIG_SETMASK, NULL, context);
}

static void pool__threads__leave_signals_to_others(void **state) {
    (void)state;
    sigset_t inside;
    sigset_t before;
    sigset_t after;
    floe_error err = {0};
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    floe_pool *pool = open_pool(1, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_ok(floe_pool_submit(pool, read_mask, &inside, &err), &err);
    floe_pool_close(&pool);
    assert_true(sigismember(&inside, SIGTERM) == 1 && sigismember(&inside, SIGINT) == 1);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

typedef struct submitter {
    floe_pool *pool;
    atomic_int *count;
    int accepted;
} submitter;

static void *submit_many(void *context) {
    submitter *s = context;
    for (int i = 0; i < 3000; i++) {
        s->accepted += !floe_failed(floe_pool_submit(s->pool, count_up, s->count, NULL));
    }
    return NULL;
}

static void pool_submit__from_many_threads__runs_what_it_accepted(void **state) {
    (void)state;
    atomic_int count = 0;
    floe_pool *pool = open_pool(2, 7);
    pthread_t threads[4];
    submitter submitters[4];
    int accepted = 0;
    for (size_t i = 0; i < 4; i++) {
        submitters[i] = (submitter){pool, &count, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        accepted += submitters[i].accepted;
    }
    floe_pool_close(&pool);
    assert_true(accepted >= 7);
    assert_int_equal(atomic_load(&count), accepted);
}

static void pool_open__impossible_figures__are_invalid(void **state) {
    (void)state;
    static const size_t cases[][2] = {{0, 1}, {1, 0}, {1025, 1}, {SIZE_MAX, 1}, {1, SIZE_MAX}, {1, 1048577}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        floe_pool *pool = NULL;
        assert_fails(floe_pool_open(cases[i][0], cases[i][1], &pool, &err), &err, FLOE_INVALID);
        assert_null(pool);
    }
    floe_pool_close(NULL);
    floe_pool *none = NULL;
    floe_pool_close(&none);
}

static void pool_open__any_allocation_failing__is_nomem(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        floe_error err = {0};
        floe_pool *pool = NULL;
        floe_mem_fail_at(nth);
        floe_status status = floe_pool_open(2, 3, &pool, &err);
        floe_mem_fail_off();
        if (nth == 4) { /* the pool, its ring, its threads */
            assert_ok(status, &err);
        } else {
            assert_fails(status, &err, FLOE_NOMEM);
            assert_null(pool);
        }
        floe_pool_close(&pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool__every_job__runs_exactly_once),
        cmocka_unit_test(pool_submit__full_queue__is_a_retriable_limit),
        cmocka_unit_test(pool__two_threads__run_two_jobs_at_once),
        cmocka_unit_test(pool_close__jobs_that_submit_jobs__are_all_run),
        cmocka_unit_test(pool__threads__leave_signals_to_others),
        cmocka_unit_test(pool_submit__from_many_threads__runs_what_it_accepted),
        cmocka_unit_test(pool_open__impossible_figures__are_invalid),
        cmocka_unit_test(pool_open__any_allocation_failing__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
