/*
 * The event loop. No test sleeps or measures: a timer is awaited by turning the loop, and what is asserted is order and
 * count. Meant to run under the thread sanitizer as well.
 */
#include "tests/core/scratch.h"

#include "core/loop.h"
#include "core/mem.h"
#include "core/time.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Helpers ---- */

static floe_loop *open_loop(void) {
    floe_error err = {0};
    floe_loop *loop = NULL;
    assert_ok(floe_loop_open(&loop, &err), &err);
    return loop;
}

static void turn(floe_loop *loop, int64_t max_us) {
    floe_error err = {0};
    assert_ok(floe_loop_turn(loop, max_us, &err), &err);
}

static void run(floe_loop *loop) {
    floe_error err = {0};
    assert_ok(floe_loop_run(loop, &err), &err);
}

static void post(floe_loop *loop, floe_loop_fn callback, void *context) {
    floe_error err = {0};
    assert_ok(floe_loop_post(loop, callback, context, &err), &err);
}

static void count_up(void *context) {
    int *count = context;
    (*count)++;
}

static void stop_loop(void *context) {
    floe_loop_stop(context);
}

/* A pipe and the watch of one of its ends. */
typedef struct wire {
    floe_loop *loop;
    int ends[2];
    floe_watch *watch;
    unsigned events; /* of the last call */
    int calls;
    floe_watch **closes; /* what the callback shall close */
} wire;

static void on_wire(void *context, unsigned events) {
    wire *w = context;
    w->events = events;
    w->calls++;
    if (w->closes) {
        floe_watch_close(w->closes);
    }
}

static void wire_open(wire *w, floe_loop *loop, unsigned events) {
    floe_error err = {0};
    *w = (wire){.loop = loop};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, w->ends), 0);
    assert_ok(floe_watch_open(loop, w->ends[0], events, on_wire, w, &w->watch, &err), &err);
}

static void wire_set(wire *w, unsigned events) {
    floe_error err = {0};
    assert_ok(floe_watch_set(w->watch, events, &err), &err);
}

static void wire_close(wire *w) {
    floe_watch_close(&w->watch);
    for (int i = 0; i < 2; i++) {
        if (w->ends[i] >= 0) {
            close(w->ends[i]);
        }
    }
}

static void wire_send(wire *w) {
    assert_int_equal(write(w->ends[1], "x", 1), 1);
}

static void wire_drain(wire *w) {
    char bytes[100];
    assert_true(read(w->ends[0], bytes, sizeof(bytes)) > 0);
}

static void hang_up(wire *w) {
    close(w->ends[1]);
    w->ends[1] = -1;
}

/* ---- Descriptors ---- */

static void loop_watch__readable__is_called_until_it_is_read(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    wire w;
    wire_open(&w, loop, FLOE_LOOP_READ);
    turn(loop, 0);
    assert_int_equal(w.calls, 0);
    wire_send(&w);
    turn(loop, -1);
    turn(loop, -1);
    assert_int_equal(w.calls, 2);
    assert_int_equal(w.events, FLOE_LOOP_READ);
    wire_drain(&w);
    turn(loop, 0);
    assert_int_equal(w.calls, 2);
    wire_close(&w);
    floe_loop_close(&loop);
    assert_null(loop);
}

static void loop_watch__events__can_be_changed(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    wire w;
    wire_open(&w, loop, 0);
    wire_send(&w);
    turn(loop, 0);
    assert_int_equal(w.calls, 0);
    wire_set(&w, FLOE_LOOP_WRITE);
    turn(loop, -1);
    assert_int_equal(w.events, FLOE_LOOP_WRITE);
    wire_set(&w, FLOE_LOOP_READ | FLOE_LOOP_WRITE);
    turn(loop, -1);
    assert_int_equal(w.events, FLOE_LOOP_READ | FLOE_LOOP_WRITE);
    wire_set(&w, FLOE_LOOP_READ);
    wire_set(&w, FLOE_LOOP_READ);
    turn(loop, -1);
    assert_int_equal(w.events, FLOE_LOOP_READ);
    wire_set(&w, 0);
    wire_set(&w, 0);
    turn(loop, 0);
    assert_int_equal(w.calls, 3);
    wire_close(&w);
    floe_loop_close(&loop);
}

static void loop_watch__hang_up__sets_both_events(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    wire w;
    wire_open(&w, loop, FLOE_LOOP_READ);
    hang_up(&w);
    turn(loop, -1);
    assert_int_equal(w.events, FLOE_LOOP_READ | FLOE_LOOP_WRITE);
    wire_close(&w);
    floe_loop_close(&loop);
}

static void loop_watch__hang_up_while_nothing_is_watched__is_not_reported(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    wire w;
    int expired = 0;
    floe_timer *timer = NULL;
    floe_error err = {0};
    wire_open(&w, loop, 0);
    hang_up(&w);
    assert_ok(floe_timer_open(loop, count_up, &expired, &timer, &err), &err);
    floe_timer_set(timer, 2000);
    int turns = 0;
    while (expired == 0) {
        turn(loop, -1);
        turns++;
    }
    assert_true(turns < 10); /* a loop that spins on the hang-up would need thousands */
    assert_int_equal(w.calls, 0);
    wire_close(&w);
    floe_loop_close(&loop);
}

static void loop_watch__closed_in_its_own_callback__is_not_called_again(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    wire w;
    wire_open(&w, loop, FLOE_LOOP_READ);
    w.closes = &w.watch;
    wire_send(&w);
    turn(loop, -1);
    turn(loop, 0);
    assert_int_equal(w.calls, 1);
    assert_null(w.watch);
    wire_close(&w);
    floe_loop_close(&loop);
}

/* Both are ready in one turn; whichever comes first closes the other. A hang-up is reported whatever is watched for. */
static void loop_watch__closed_by_another_callback_of_the_turn__is_not_called(void **state) {
    (void)state;
    for (int hung_up = 0; hung_up < 2; hung_up++) {
        floe_loop *loop = open_loop();
        wire a;
        wire b;
        wire_open(&a, loop, FLOE_LOOP_READ);
        wire_open(&b, loop, FLOE_LOOP_READ);
        a.closes = &b.watch;
        b.closes = &a.watch;
        if (hung_up) {
            hang_up(&a);
            hang_up(&b);
        } else {
            wire_send(&a);
            wire_send(&b);
        }
        turn(loop, -1);
        assert_int_equal(a.calls + b.calls, 1);
        assert_true((a.watch == NULL) != (b.watch == NULL));
        wire_close(&a);
        wire_close(&b);
        floe_loop_close(&loop);
    }
}

typedef struct muter {
    wire *other;
    wire *mine;
    int calls;
} muter;

static void mute_other(void *context, unsigned events) {
    muter *m = context;
    (void)events;
    m->calls++;
    FLOE_IGNORE(floe_watch_set(m->other->watch, 0, NULL));
}

static void loop_watch__muted_by_another_callback_of_the_turn__is_not_called(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    floe_error err = {0};
    wire a;
    wire b;
    wire_open(&a, loop, 0);
    wire_open(&b, loop, 0);
    muter of_a = {.other = &b};
    muter of_b = {.other = &a};
    wire_close(&a);
    wire_close(&b);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a.ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b.ends), 0);
    assert_ok(floe_watch_open(loop, a.ends[0], FLOE_LOOP_READ, mute_other, &of_a, &a.watch, &err), &err);
    assert_ok(floe_watch_open(loop, b.ends[0], FLOE_LOOP_READ, mute_other, &of_b, &b.watch, &err), &err);
    wire_send(&a);
    wire_send(&b);
    turn(loop, -1);
    assert_int_equal(of_a.calls + of_b.calls, 1);
    wire_close(&a);
    wire_close(&b);
    floe_loop_close(&loop);
}

static void loop_watch__descriptor_that_cannot_be_watched__is_refused(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    floe_error err = {0};
    floe_watch *watch = NULL;
    wire w;
    int file = open("/proc/self/exe", O_RDONLY);
    assert_fails(floe_watch_open(loop, file, FLOE_LOOP_READ, on_wire, NULL, &watch, &err), &err, FLOE_IO);
    assert_int_equal(err.sys_errno, EPERM);
    err = (floe_error){0};
    assert_fails(floe_watch_open(loop, -1, FLOE_LOOP_READ, on_wire, NULL, &watch, &err), &err, FLOE_IO);
    err = (floe_error){0};
    wire_open(&w, loop, FLOE_LOOP_READ);
    assert_fails(floe_watch_open(loop, w.ends[0], FLOE_LOOP_READ, on_wire, NULL, &watch, &err), &err, FLOE_IO);
    assert_null(watch);
    close(file);
    wire_close(&w);
    floe_loop_close(&loop);
}

/* More than one call of epoll returns. */
static void loop_watch__many_ready_descriptors__are_all_called(void **state) {
    (void)state;
    enum { COUNT = 400 };
    floe_loop *loop = open_loop();
    wire *wires = test_calloc(COUNT, sizeof(wire));
    for (size_t i = 0; i < COUNT; i++) {
        wire_open(&wires[i], loop, FLOE_LOOP_READ);
        wire_send(&wires[i]);
    }
    for (int i = 0; i < 4; i++) {
        turn(loop, 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(wires[i].calls > 0);
        wire_close(&wires[i]);
    }
    test_free(wires);
    floe_loop_close(&loop);
}

static void loop_close__open_watches_timers_and_posts__are_released(void **state) {
    (void)state;
    size_t before = count_descriptors();
    floe_loop *loop = open_loop();
    floe_error err = {0};
    floe_timer *timer = NULL;
    wire w;
    int count = 0;
    wire_open(&w, loop, FLOE_LOOP_READ);
    assert_ok(floe_timer_open(loop, count_up, &count, &timer, &err), &err);
    floe_timer_set(timer, 0);
    post(loop, count_up, &count);
    floe_loop_close(&loop);
    floe_loop_close(&loop);
    floe_loop_close(NULL);
    floe_watch_close(NULL);
    floe_timer_close(NULL);
    assert_int_equal(count, 0);
    close(w.ends[0]);
    close(w.ends[1]);
    assert_int_equal(count_descriptors(), before);
}

/* ---- Posts, turns, stopping ---- */

static void loop_post__from_the_same_thread__runs_in_order_and_once(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    int count = 0;
    post(loop, count_up, &count);
    post(loop, count_up, &count);
    assert_int_equal(count, 0);
    turn(loop, -1);
    assert_int_equal(count, 2);
    turn(loop, 0);
    assert_int_equal(count, 2);
    floe_loop_close(&loop);
}

typedef struct reposter {
    floe_loop *loop;
    int calls;
} reposter;

static void post_again(void *context) {
    reposter *r = context;
    r->calls++;
    FLOE_IGNORE(floe_loop_post(r->loop, post_again, r, NULL));
}

static void loop_post__from_a_posted_call__runs_in_the_next_turn(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    reposter r = {.loop = loop};
    post(loop, post_again, &r);
    for (int i = 1; i <= 3; i++) {
        turn(loop, -1);
        assert_int_equal(r.calls, i);
    }
    floe_loop_close(&loop);
}

enum { POSTERS = 4, POSTS = 2000 };

typedef struct poster {
    floe_loop *loop;
    int *total; /* touched by the loop's thread only */
    int next;   /* the number that must come next */
    bool in_order;
    struct numbered {
        struct poster *of;
        int number;
    } items[POSTS];
} poster;

static void on_numbered(void *context) {
    const struct numbered *item = context;
    poster *p = item->of;
    p->in_order = p->in_order && item->number == p->next;
    p->next++;
    if (++*p->total == POSTERS * POSTS) {
        floe_loop_stop(p->loop);
    }
}

static void *post_many(void *context) {
    poster *p = context;
    for (int i = 0; i < POSTS; i++) {
        p->items[i] = (struct numbered){p, i};
        while (floe_failed(floe_loop_post(p->loop, on_numbered, &p->items[i], NULL))) {
        }
    }
    return NULL;
}

static void loop_post__from_many_threads__loses_nothing_and_keeps_each_order(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    pthread_t threads[POSTERS];
    poster *posters = test_calloc(POSTERS, sizeof(poster));
    int total = 0;
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i].loop = loop;
        posters[i].total = &total;
        posters[i].in_order = true;
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    run(loop); /* ends when the last post has arrived */
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(posters[i].in_order);
        assert_int_equal(posters[i].next, POSTS);
    }
    test_free(posters);
    floe_loop_close(&loop);
}

static void *stop_thread(void *context) {
    floe_loop_stop(context);
    return NULL;
}

static void loop_stop__from_another_thread__ends_the_run_and_it_can_run_again(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, stop_thread, loop), 0);
        run(loop);
        pthread_join(thread, NULL);
    }
    floe_loop_close(&loop);
}

static void loop_stop__before_run__makes_it_return_at_once(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    int count = 0;
    floe_loop_stop(loop);
    post(loop, count_up, &count);
    run(loop);
    assert_int_equal(count, 0);
    post(loop, stop_loop, loop);
    run(loop);
    assert_int_equal(count, 1);
    floe_loop_close(&loop);
}

static floe_loop *signalled_loop;

static void on_signal(int number) {
    (void)number;
    floe_loop_stop(signalled_loop);
}

static void raise_signal(void *context) {
    (void)context;
    raise(SIGUSR1);
}

static void loop_stop__in_a_signal_handler__ends_the_run(void **state) {
    (void)state;
    signalled_loop = open_loop();
    signal(SIGUSR1, on_signal);
    post(signalled_loop, raise_signal, NULL);
    run(signalled_loop);
    signal(SIGUSR1, SIG_DFL);
    floe_loop_close(&signalled_loop);
}

/* What happens in one turn, as letters. */
typedef struct diary {
    char text[32];
    size_t len;
} diary;

static void write_w(void *context, unsigned events) {
    diary *d = context;
    (void)events;
    d->text[d->len++] = 'w';
}

static void write_t(void *context) {
    diary *d = context;
    d->text[d->len++] = 't';
}

static void write_p(void *context) {
    diary *d = context;
    d->text[d->len++] = 'p';
}

static void write_1(void *context) {
    diary *d = context;
    d->text[d->len++] = '1';
}

static void write_2(void *context) {
    diary *d = context;
    d->text[d->len++] = '2';
}

static int64_t write_s(void *context) {
    diary *d = context;
    d->text[d->len++] = 's';
    return 0;
}

static void loop_turn__order__is_sleep_watches_timers_posts_on_turn(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    floe_error err = {0};
    diary d = {0};
    int ends[2];
    floe_watch *watch = NULL;
    floe_timer *timer = NULL;
    assert_int_equal(pipe(ends), 0);
    assert_ok(floe_watch_open(loop, ends[1], FLOE_LOOP_WRITE, write_w, &d, &watch, &err), &err);
    assert_ok(floe_timer_open(loop, write_t, &d, &timer, &err), &err);
    floe_loop_on_sleep(loop, write_s, &d);
    assert_ok(floe_loop_on_turn(loop, write_1, &d, &err), &err);
    assert_ok(floe_loop_on_turn(loop, write_2, &d, &err), &err);
    floe_timer_set(timer, 0);
    post(loop, write_p, &d);
    turn(loop, -1);
    assert_string_equal(d.text, "swtp12");
    turn(loop, -1);
    assert_string_equal(d.text, "swtp12sw12");
    floe_watch_close(&watch);
    close(ends[0]);
    close(ends[1]);
    floe_loop_close(&loop);
}

static void loop_on_turn__fifth_function__is_limit(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    floe_error err = {0};
    int count = 0;
    for (int i = 0; i < 4; i++) {
        assert_ok(floe_loop_on_turn(loop, count_up, &count, &err), &err);
    }
    assert_fails(floe_loop_on_turn(loop, count_up, &count, &err), &err, FLOE_LIMIT);
    turn(loop, 0);
    assert_int_equal(count, 4);
    floe_loop_close(&loop);
}

/* The limit ends a sleep that nothing else would end: without it this test would hang. */
static int64_t limit_1ms(void *context) {
    count_up(context);
    return 1000;
}

static void loop_on_sleep__limit__ends_an_endless_sleep(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    int asked = 0;
    floe_loop_on_sleep(loop, limit_1ms, &asked);
    turn(loop, -1);
    turn(loop, INT64_MAX);
    assert_int_equal(asked, 2);
    floe_loop_close(&loop);
}

static void loop__any_allocation_failing__is_nomem_and_leaks_nothing(void **state) {
    (void)state;
    size_t before = count_descriptors();
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        floe_loop *loop = NULL;
        floe_watch *watch = NULL;
        floe_timer *timer = NULL;
        int ends[2];
        int count = 0;
        assert_int_equal(pipe(ends), 0);
        floe_mem_fail_at(nth);
        floe_status status = floe_loop_open(&loop, &err);
        if (!floe_failed(status)) {
            status = floe_watch_open(loop, ends[0], FLOE_LOOP_READ, on_wire, NULL, &watch, &err);
        }
        if (!floe_failed(status)) {
            status = floe_timer_open(loop, count_up, &count, &timer, &err);
        }
        if (!floe_failed(status)) {
            status = floe_loop_post(loop, count_up, &count, &err);
        }
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        floe_loop_close(&loop);
        close(ends[0]);
        close(ends[1]);
        assert_int_equal(count_descriptors(), before);
        if (nth > asked) {
            assert_ok(status, &err);
            assert_int_equal(nth, 6); /* loop, watch, heap, timer, post */
            break;
        }
        assert_fails(status, &err, FLOE_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_watch__readable__is_called_until_it_is_read),
        cmocka_unit_test(loop_watch__events__can_be_changed),
        cmocka_unit_test(loop_watch__hang_up__sets_both_events),
        cmocka_unit_test(loop_watch__hang_up_while_nothing_is_watched__is_not_reported),
        cmocka_unit_test(loop_watch__closed_in_its_own_callback__is_not_called_again),
        cmocka_unit_test(loop_watch__closed_by_another_callback_of_the_turn__is_not_called),
        cmocka_unit_test(loop_watch__muted_by_another_callback_of_the_turn__is_not_called),
        cmocka_unit_test(loop_watch__descriptor_that_cannot_be_watched__is_refused),
        cmocka_unit_test(loop_watch__many_ready_descriptors__are_all_called),
        cmocka_unit_test(loop_close__open_watches_timers_and_posts__are_released),
        cmocka_unit_test(loop_post__from_the_same_thread__runs_in_order_and_once),
        cmocka_unit_test(loop_post__from_a_posted_call__runs_in_the_next_turn),
        cmocka_unit_test(loop_post__from_many_threads__loses_nothing_and_keeps_each_order),
        cmocka_unit_test(loop_stop__from_another_thread__ends_the_run_and_it_can_run_again),
        cmocka_unit_test(loop_stop__before_run__makes_it_return_at_once),
        cmocka_unit_test(loop_stop__in_a_signal_handler__ends_the_run),
        cmocka_unit_test(loop_turn__order__is_sleep_watches_timers_posts_on_turn),
        cmocka_unit_test(loop_on_turn__fifth_function__is_limit),
        cmocka_unit_test(loop_on_sleep__limit__ends_an_endless_sleep),
        cmocka_unit_test(loop__any_allocation_failing__is_nomem_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
