/*
 * Under ThreadSanitizer only: C11 threads on top of POSIX threads. librdkafka uses C11's, which the sanitizer does not
 * intercept: it would meet threads it has never heard of (and crash) and would not see the locks. These definitions
 * take the place of libc's, because the program's symbols come before those of its libraries. glibc's C11 and POSIX
 * objects have one layout.
 */
#if defined(__SANITIZE_THREAD__)
#define FLOE_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLOE_TEST_TSAN 1
#endif
#endif

#ifdef FLOE_TEST_TSAN

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "one layout");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "one layout");

typedef struct start {
    thrd_start_t function;
    void *argument;
} start;

static void *run(void *context) {
    start begun = *(start *)context;
    free(context);
    return (void *)(intptr_t)begun.function(begun.argument);
}

static int result_of(int rc) {
    return rc == 0 ? thrd_success : rc == EBUSY ? thrd_busy : rc == ETIMEDOUT ? thrd_timedout : thrd_error;
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument) {
    start *begun = malloc(sizeof(*begun));
    if (begun == NULL) {
        return thrd_nomem;
    }
    *begun = (start){function, argument};
    return result_of(pthread_create(thread, NULL, run, begun));
}

int thrd_join(thrd_t thread, int *ret_result) {
    void *result = NULL;
    int rc = pthread_join(thread, &result);
    if (ret_result != NULL) {
        *ret_result = (int)(intptr_t)result;
    }
    return result_of(rc);
}

int thrd_detach(thrd_t thread) {
    return result_of(pthread_detach(thread));
}

int mtx_init(mtx_t *mutex, int type) {
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    if ((type & mtx_recursive) != 0) {
        (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    }
    return result_of(pthread_mutex_init((pthread_mutex_t *)mutex, &attributes));
}

void mtx_destroy(mtx_t *mutex) {
    (void)pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int mtx_lock(mtx_t *mutex) {
    return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_trylock(mtx_t *mutex) {
    return result_of(pthread_mutex_trylock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex) {
    return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int cnd_init(cnd_t *condition) {
    return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

void cnd_destroy(cnd_t *condition) {
    (void)pthread_cond_destroy((pthread_cond_t *)condition);
}

int cnd_signal(cnd_t *condition) {
    return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition) {
    return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex) {
    return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
    return result_of(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}

#else
typedef int floe_test_c11_threads_unused;
#endif
