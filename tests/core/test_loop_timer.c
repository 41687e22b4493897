/*
 * Timers of the event loop. Nothing is measured: a timer is awaited by turning the loop, and what is asserted is order
 * and count. Meant to run under the thread sanitizer as well.
 */
#include "tests/core/scratch.h"

#include "core/loop.h"
#include "core/time.h"

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

typedef struct alarm_clock {
    floe_timer *timer;
    int number;
    int *order; /* numbers in order of firing */
    size_t *fired;
    int64_t again_us; /* what the callback sets it to, or -1 */
    floe_timer **closes;
} alarm_clock;

static void on_alarm(void *context) {
    alarm_clock *a = context;
    a->order[(*a->fired)++] = a->number;
    if (a->again_us >= 0) {
        floe_timer_set(a->timer, a->again_us);
    }
    if (a->closes) {
        floe_timer_close(a->closes);
    }
}

static void alarm_open(alarm_clock *a, floe_loop *loop, int number, int *order, size_t *fired) {
    floe_error err = {0};
    *a = (alarm_clock){.number = number, .order = order, .fired = fired, .again_us = -1};
    assert_ok(floe_timer_open(loop, on_alarm, a, &a->timer, &err), &err);
}

static void loop_timer__fires_once_per_set_and_not_before_its_time(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    alarm_clock a;
    int order[10];
    size_t fired = 0;
    alarm_open(&a, loop, 1, order, &fired);
    turn(loop, 0);
    assert_int_equal(fired, 0);
    int64_t start_us = floe_monotonic_us();
    floe_timer_set(a.timer, 3000);
    while (fired == 0) {
        turn(loop, -1);
    }
    assert_true(floe_monotonic_us() - start_us >= 3000);
    turn(loop, 0);
    assert_int_equal(fired, 1);
    floe_timer_set(a.timer, 0);
    turn(loop, -1);
    assert_int_equal(fired, 2);
    floe_timer_close(&a.timer);
    assert_null(a.timer);
    floe_loop_close(&loop);
}

static void loop_timer__set_off_or_closed__does_not_fire(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    alarm_clock a;
    alarm_clock b;
    int order[10];
    size_t fired = 0;
    alarm_open(&a, loop, 1, order, &fired);
    alarm_open(&b, loop, 2, order, &fired);
    floe_timer_set(a.timer, 0);
    floe_timer_set(a.timer, -1);
    floe_timer_set(b.timer, 0);
    floe_timer_close(&b.timer);
    turn(loop, 0);
    assert_int_equal(fired, 0);
    floe_timer_set(a.timer, INT64_MAX); /* does not wrap into the past */
    turn(loop, 0);
    assert_int_equal(fired, 0);
    floe_loop_close(&loop);
}

static void loop_timer__set_again__replaces_the_earlier_setting(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    alarm_clock a;
    alarm_clock b;
    int order[10];
    size_t fired = 0;
    alarm_open(&a, loop, 1, order, &fired);
    alarm_open(&b, loop, 2, order, &fired);
    floe_timer_set(a.timer, 0);
    floe_timer_set(b.timer, 0);
    floe_timer_set(a.timer, 0); /* now later than b */
    while (fired < 2) {
        turn(loop, -1);
    }
    turn(loop, 0);
    assert_int_equal(fired, 2);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    floe_loop_close(&loop);
}

static void loop_timer__that_sets_itself_to_zero__fires_once_a_turn(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    alarm_clock a;
    int order[10];
    size_t fired = 0;
    alarm_open(&a, loop, 1, order, &fired);
    a.again_us = 0;
    floe_timer_set(a.timer, 0);
    for (size_t i = 1; i <= 5; i++) {
        turn(loop, -1);
        assert_int_equal(fired, i);
    }
    floe_loop_close(&loop);
}

static void loop_timer__closed_in_callbacks__own_and_other(void **state) {
    (void)state;
    floe_loop *loop = open_loop();
    alarm_clock a;
    alarm_clock b;
    int order[10];
    size_t fired = 0;
    alarm_open(&a, loop, 1, order, &fired);
    alarm_open(&b, loop, 2, order, &fired);
    a.closes = &b.timer;
    floe_timer_set(a.timer, 0);
    floe_timer_set(b.timer, 0);
    turn(loop, -1);
    turn(loop, 0);
    assert_int_equal(fired, 1);
    assert_null(b.timer);
    a.closes = &a.timer;
    floe_timer_set(a.timer, 0);
    turn(loop, -1);
    assert_int_equal(fired, 2);
    assert_null(a.timer);
    floe_loop_close(&loop);
}

/* What is known of a setting from outside: the deadline lies between the two clock readings plus the delay. */
typedef struct setting {
    bool set;
    int64_t earliest_us;
    int64_t latest_us;
    int fired;
} setting;

enum { ALARMS = 40 };

static size_t shuffle_alarms(uint64_t *seed, alarm_clock alarms[ALARMS], setting settings[ALARMS]) {
    size_t set = 0;
    for (int step = 0; step < 200; step++) {
        size_t i = random_below(seed, ALARMS);
        bool off = random_below(seed, 5) == 0;
        int64_t delay_us = off ? -1 : (int64_t)random_below(seed, 12) * 300;
        int64_t before_us = floe_monotonic_us();
        floe_timer_set(alarms[i].timer, delay_us);
        settings[i] = (setting){!off, before_us + delay_us, floe_monotonic_us() + delay_us, 0};
    }
    for (size_t i = 0; i < ALARMS; i++) {
        set += settings[i].set;
    }
    return set;
}

static void loop_timer__random_settings__fire_once_each_and_in_order(void **state) {
    (void)state;
    uint64_t seed = 99;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 40; round++) {
        floe_loop *loop = open_loop();
        alarm_clock alarms[ALARMS];
        setting settings[ALARMS] = {0};
        int order[ALARMS * 2];
        size_t fired = 0;
        for (int i = 0; i < ALARMS; i++) {
            alarm_open(&alarms[i], loop, i, order, &fired);
        }
        size_t set = shuffle_alarms(&seed, alarms, settings);
        while (fired < set) {
            turn(loop, -1);
        }
        turn(loop, 0);
        assert_int_equal(fired, set);
        int64_t latest_earliest_us = 0;
        for (size_t i = 0; i < fired; i++) {
            setting *now = &settings[order[i]];
            assert_true(now->set);
            assert_int_equal(++now->fired, 1);
            assert_true(now->latest_us >= latest_earliest_us);
            latest_earliest_us = now->earliest_us > latest_earliest_us ? now->earliest_us : latest_earliest_us;
        }
        floe_loop_close(&loop);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_timer__fires_once_per_set_and_not_before_its_time),
        cmocka_unit_test(loop_timer__set_off_or_closed__does_not_fire),
        cmocka_unit_test(loop_timer__set_again__replaces_the_earlier_setting),
        cmocka_unit_test(loop_timer__that_sets_itself_to_zero__fires_once_a_turn),
        cmocka_unit_test(loop_timer__closed_in_callbacks__own_and_other),
        cmocka_unit_test(loop_timer__random_settings__fire_once_each_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
