/*
 * The helper: what is set aside is done exactly once before it is settled, by either thread, with what it wrote to be seen; also
 * where there is no helper, where it does not come in time, and when it is closed without ever having worked.
 */
#include "core/mem.h"
#include "tests/support/support.h"
#include "vector/helper_int.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct counted {
    int done;
    uint64_t sum;
    pthread_t by;
} counted;

static void count(void *context) {
    counted *one = context;
    one->done++;
    one->by = pthread_self();
    for (uint64_t i = 1; i <= 1000; i++) {
        one->sum += i;
    }
}

static void assert_done(const counted *one) {
    assert_int_equal(one->done, 1);
    assert_int_equal(one->sum, 500500);
}

static void settle__many_times__each_is_done_once(void **state) {
    (void)state;
    floe_helper *helper = floe_helper_open();
    for (int i = 0; i < 20000; i++) {
        counted aside = {0};
        counted mine = {0};
        floe_aside job = {count, &aside};
        floe_helper_set_aside(helper, &job);
        if (i % 3 == 0) {
            count(&mine);
            assert_done(&mine);
        }
        floe_helper_settle(helper, &job);
        assert_done(&aside);
    }
    floe_helper_close(&helper);
    assert_null(helper);
}

static void settle__without_a_helper__the_caller_does_it(void **state) {
    (void)state;
    counted one = {0};
    floe_aside job = {count, &one};
    floe_helper_set_aside(NULL, &job);
    assert_int_equal(one.done, 0);
    floe_helper_settle(NULL, &job);
    assert_done(&one);
    assert_true(pthread_equal(one.by, pthread_self()));
}

/* Work that waits until the caller sees it begun: whoever settles then waits for it, and does not do it again. */
typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool begun, may_end;
    int done;
} gate;

static void pass(void *context) {
    gate *at = context;
    (void)pthread_mutex_lock(&at->mutex);
    at->begun = true;
    (void)pthread_cond_broadcast(&at->changed);
    while (!at->may_end) {
        (void)pthread_cond_wait(&at->changed, &at->mutex);
    }
    at->done++;
    (void)pthread_mutex_unlock(&at->mutex);
}

static void settle__work_that_has_begun__is_waited_for(void **state) {
    (void)state;
    floe_helper *helper = floe_helper_open();
    if (helper == NULL) {
        return; /* one processor: the test above is all there is */
    }
    gate at = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    floe_aside job = {pass, &at};
    floe_helper_set_aside(helper, &job);
    (void)pthread_mutex_lock(&at.mutex);
    while (!at.begun) {
        (void)pthread_cond_wait(&at.changed, &at.mutex);
    }
    at.may_end = true;
    (void)pthread_cond_broadcast(&at.changed);
    (void)pthread_mutex_unlock(&at.mutex);
    floe_helper_settle(helper, &job);
    assert_int_equal(at.done, 1);
    floe_helper_close(&helper);
}

static void close__never_asked_or_null__is_fine(void **state) {
    (void)state;
    floe_helper *none = NULL;
    floe_helper_close(&none);
    for (int i = 0; i < 50; i++) {
        floe_helper *helper = floe_helper_open();
        counted one = {0};
        floe_aside job = {count, &one};
        if (i % 2 == 0) {
            floe_helper_set_aside(helper, &job);
            floe_helper_settle(helper, &job);
            assert_done(&one);
        }
        floe_helper_close(&helper);
    }
}

static void open__no_memory__is_no_helper(void **state) {
    (void)state;
    floe_mem_fail_at(1);
    floe_helper *helper = floe_helper_open();
    floe_mem_fail_off();
    assert_null(helper);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settle__many_times__each_is_done_once),
        cmocka_unit_test(settle__without_a_helper__the_caller_does_it),
        cmocka_unit_test(settle__work_that_has_begun__is_waited_for),
        cmocka_unit_test(close__never_asked_or_null__is_fine),
        cmocka_unit_test(open__no_memory__is_no_helper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
