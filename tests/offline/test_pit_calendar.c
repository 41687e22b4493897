/*
 * The calendar of labels against a look at every one of them: labels that lie evenly, all in one corner, at the ends of time.
 */
#include "offline/pit/rows/calendar.h"
#include "tests/support/support.h"

#include <stdlib.h>

static int compare_times(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static uint32_t by_looking(const int64_t *times, const uint32_t *starts, uint32_t key, int64_t from) {
    for (uint32_t label = starts[key]; label < starts[key + 1] && from != INT64_MAX; label++) {
        if (times[label] >= from) {
            return label;
        }
    }
    return PIT_NO_ROW;
}

enum { KEYS = 6, LABELS = 400, ASKED = 300 };

/* How the times of a key lie. */
static int64_t draw(floe_test_rng *rng, uint64_t kind) {
    switch (kind) {
    case 0:
        return floe_test_between(rng, 0, 1000000);
    case 1:
        return floe_test_below(rng, 20) == 0 ? floe_test_between(rng, 0, 1000000000) : floe_test_between(rng, 0, 9);
    case 2:
        return floe_test_below(rng, 2) ? INT64_MIN + 1 + (int64_t)floe_test_below(rng, 3)
                                       : INT64_MAX - 1 - (int64_t)floe_test_below(rng, 3);
    case 3:
        return 7;
    default:
        return (int64_t)floe_test_next(rng) >> floe_test_below(rng, 60);
    }
}

static void check_finds(floe_test_rng *rng, const int64_t *times, const uint32_t *starts, uint64_t seed) {
    floe_error err = {0};
    pit_calendar *calendar = NULL;
    assert_ok(floe_pit_calendar_open(times, starts, KEYS, 2, &calendar, &err), &err);
    uint32_t keys[ASKED], found[ASKED];
    int64_t from[ASKED];
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < ASKED; i++) {
        keys[i] = (uint32_t)floe_test_below(rng, KEYS);
        uint32_t count = starts[keys[i] + 1] - starts[keys[i]];
        from[i] = i < sizeof(ends) / sizeof(ends[0]) ? ends[i] : draw(rng, floe_test_below(rng, 5));
        if (count > 0 && floe_test_below(rng, 2)) { /* at a label, and one beside it */
            int64_t at = times[starts[keys[i]] + floe_test_below(rng, count)];
            from[i] = at + (at < INT64_MAX && at > INT64_MIN ? floe_test_between(rng, -1, 1) : 0);
        }
    }
    floe_pit_calendar_find(calendar, keys, from, NULL, ASKED, found);
    for (size_t i = 0; i < ASKED; i++) {
        if (found[i] != by_looking(times, starts, keys[i], from[i])) {
            fail_msg("seed %llu: key %u from %lld gives %u", (unsigned long long)seed, keys[i], (long long)from[i],
                     found[i]);
        }
    }
    floe_pit_calendar_close(&calendar);
}

static void calendar__any_times__give_what_looking_at_all_gives(void **state) {
    (void)state;
    uint64_t first = floe_test_seed();
    for (uint64_t i = 0; i < 300; i++) {
        floe_test_rng rng = floe_test_rng_of(first + i);
        int64_t times[LABELS + 1];
        uint32_t starts[KEYS + 1] = {0};
        for (size_t k = 0; k < KEYS; k++) {
            uint32_t room = LABELS - starts[k];
            uint32_t count = k + 1 == KEYS ? 0 : (uint32_t)floe_test_below(&rng, room / 2 + 1);
            count = floe_test_below(&rng, 4) == 0 ? (count > 0) : count; /* one label, and the last key has none */
            uint64_t kind = floe_test_below(&rng, 5);
            for (uint32_t l = 0; l < count; l++) {
                times[starts[k] + l] = draw(&rng, kind);
            }
            qsort(times + starts[k], count, sizeof(int64_t), compare_times);
            starts[k + 1] = starts[k] + count;
        }
        check_finds(&rng, times, starts, first + i);
    }
}

static void calendar__no_keys__is_empty(void **state) {
    (void)state;
    floe_error err = {0};
    pit_calendar *calendar = NULL;
    uint32_t starts[] = {0};
    assert_ok(floe_pit_calendar_open(NULL, starts, 0, 1, &calendar, &err), &err);
    floe_pit_calendar_find(calendar, NULL, NULL, NULL, 0, NULL);
    floe_pit_calendar_close(&calendar);
    assert_null(calendar);
    floe_pit_calendar_close(&calendar);
}

static floe_status open_small(void *context, floe_error *err) {
    (void)context;
    static const int64_t times[] = {1, 2, 9};
    static const uint32_t starts[] = {0, 2, 3};
    pit_calendar *calendar = NULL;
    FLOE_TRY(floe_pit_calendar_open(times, starts, 2, 1, &calendar, err));
    floe_pit_calendar_close(&calendar);
    return FLOE_OK;
}

static void calendar__every_allocation__may_fail(void **state) {
    (void)state;
    assert_int_equal(floe_test_alloc_sweep(open_small, NULL), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calendar__any_times__give_what_looking_at_all_gives),
        cmocka_unit_test(calendar__no_keys__is_empty),
        cmocka_unit_test(calendar__every_allocation__may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
