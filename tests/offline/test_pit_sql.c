/*
 * The generated SQL as the second oracle: random worlds through DuckDB and through the kernel, which is also held to the
 * nested loop, with its rows in memory and in a file, by one thread and by several. Every answer is the same value, to the
 * last bit.
 * timeout: 600
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/sql/sql.h"
#include "tests/offline/pit_by_sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Bit for bit, but that NaN is NaN, and -0.0 is 0.0 where a value is made and not picked. */
static bool agree(const floe_output *output, const floe_value *a, const floe_value *b) {
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null;
    }
    bool picked =
        output->function == FLOE_FN_NONE || output->function == FLOE_FN_FIRST || output->function == FLOE_FN_LAST;
    bool real = a->type.kind == FLOE_KIND_FLOAT || a->type.kind == FLOE_KIND_DOUBLE;
    bool same_zero = !picked || !real || a->as.real != 0 || !signbit(a->as.real) == !signbit(b->as.real);
    return floe_type_equal(a->type, b->type) && floe_value_compare(a, b) == 0 && same_zero;
}

static void compare(world *w, sql_fixture *fixture, const floe_pit_options *options, uint64_t seed) {
    floe_error err = {0};
    floe_value *by_kernel, *by_sql;
    floe_pit_stats stats;
    int64_t ties;
    assert_ok(world_run(w, options, 1 + (int)(seed % 4), seed, &by_kernel, &stats, &err), &err);
    assert_ok(world_by_sql(w, fixture, options, seed, &by_sql, &ties, &err), &err);
    if (ties != stats.ties) {
        fail_msg("seed %llu: the kernel counts %lld ties, the SQL %lld", (unsigned long long)seed,
                 (long long)stats.ties, (long long)ties);
    }
    for (size_t c = 0; c < w->ref_count; c++) {
        for (size_t label = 0; label < w->label_count; label++) {
            size_t at = c * w->label_count + label;
            if (!agree(w->refs[c].output, &by_sql[at], &by_kernel[at])) {
                world_fail(w, &w->refs[c], label, &by_kernel[at], &by_sql[at], "the SQL", seed);
            }
        }
    }
}

static void check_spilled(world *w, floe_pit_options options, const char *folder, uint64_t seed) {
    world_ask_no_lists(w);
    options.spill_folder = folder;
    options.memory_bytes = seed % 2 ? 0 : FLOE_GIB(1);
    options.run_bytes = seed % 3 ? FLOE_GIB(1) : 0;
    options.answers_bytes = seed % 4 == 2 ? FLOE_GIB(1) : seed % 4 == 1 ? 4000 : 0;
    if (w->ref_count > 0) {
        world_check(w, &options, 1 + (int)(seed / 4 % 4), seed);
    }
}

/* FLOE_SEED and FLOE_PIT_CASES=1 repeat a world; more cases make a long run. */
static void pit_sql__random_worlds__equal_the_kernel(void **state) {
    sql_fixture *fixture = *state;
    const char *cases_text = getenv("FLOE_PIT_CASES");
    uint64_t cases = cases_text ? strtoull(cases_text, NULL, 10) : 120;
    uint64_t first = floe_test_seed();
    for (uint64_t seed = first; seed < first + cases; seed++) {
        world w;
        world_random(&w, seed);
        floe_pit_options options = {.as_known = seed % 3 == 1, .ignore_at = seed % 7 == 3};
        compare(&w, fixture, &options, seed);
        world_check(&w, &options, 1 + (int)(seed % 4), seed);
        check_spilled(&w, options, fixture->folder, seed);
        world_close(&w);
    }
}

/* Every window of a world with NaN and the infinities, on both sides. */
static void pit_sql__not_finite__is_as_in_the_kernel(void **state) {
    static const double values[] = {NAN, INFINITY, -INFINITY, -0.0, 0.0, 1.5, -2.5};
    sql_fixture *fixture = *state;
    uint64_t seed = floe_test_seed();
    for (uint64_t i = 0; i < 30; i++) {
        floe_test_rng rng = floe_test_rng_of(seed + i);
        world w;
        world_init(&w);
        floe_view *view = world_view(&w, "v", false);
        world_output(&w, view, FLOE_FN_NONE, WORLD_D, 0);
        for (floe_function function = FLOE_FN_COUNT; function < FLOE_FN_END; function++) {
            world_parameter(world_output(&w, view, function, WORLD_D, 0), 3, 0.3);
            world_parameter(world_output(&w, view, function, WORLD_D, 4), 2, 0.75);
        }
        for (int r = 0; r < 12; r++) {
            world_row *row = world_add_row(&w, "a", 0, floe_test_between(&rng, 0, 20));
            world_set_d(row, values[floe_test_below(&rng, 7)]);
        }
        for (int64_t t = -1; t < 26; t++) {
            world_add_label(&w, "a", 0, t);
        }
        world_ask_all(&w);
        compare(&w, fixture, &(floe_pit_options){0}, seed + i);
        world_close(&w);
    }
}

static void pit_sql__integer_sum_outside_int64__is_refused(void **state) {
    sql_fixture *fixture = *state;
    world w;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_SUM, WORLD_I, 0);
    world_set_i(world_add_row(&w, "a", 0, 1), INT64_MAX);
    world_set_i(world_add_row(&w, "a", 0, 2), 1);
    world_add_label(&w, "a", 0, 2);
    world_ask_all(&w);
    floe_error err = {0};
    floe_value *answers;
    int64_t ties;
    assert_code(world_by_sql(&w, fixture, &(floe_pit_options){0}, 1, &answers, &ties, &err), FLOE_INVALID);
    assert_message(&err, "v:o1 of k1=a at 1970-01-01T00:00:00.000002Z: the sum of column \"i\" does not fit int64");
    world_close(&w);
}

/* Three times the largest number, over everything that was seen: more than any window holds. The time is written as floe
 * writes times: no fraction, three digits of it, or six. */
static void pit_sql__sum_outside_int64__says_the_time_as_floe_does(void **state) {
    sql_fixture *fixture = *state;
    static const struct {
        int64_t time_us;
        const char *text;
    } times[] = {{5000000, "at 1970-01-01T00:00:05Z:"},
                 {5120000, "at 1970-01-01T00:00:05.120Z:"},
                 {5000100, "at 1970-01-01T00:00:05.000100Z:"},
                 {-1000, "at 1969-12-31T23:59:59.999Z:"}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        world w;
        world_init(&w);
        world_output(&w, world_view(&w, "v", false), FLOE_FN_SUM, WORLD_I, 0);
        for (int64_t r = 1; r <= 3; r++) {
            world_set_i(world_add_row(&w, "a", 0, times[i].time_us - r), INT64_MAX);
        }
        world_set_i(world_add_row(&w, "b", 0, times[i].time_us - 1), INT64_MAX); /* Fits, alone. */
        world_add_label(&w, "b", 0, times[i].time_us);
        world_add_label(&w, "a", 0, times[i].time_us);
        world_ask_all(&w);
        floe_error err = {0};
        floe_value *answers;
        int64_t ties;
        assert_code(world_by_sql(&w, fixture, &(floe_pit_options){0}, 1, &answers, &ties, &err), FLOE_INVALID);
        assert_message(&err, "v:o1 of k1=a ");
        assert_message(&err, times[i].text);
        assert_null(strstr(err.message, "INT128"));
        world_close(&w);
    }
}

/* A person reads it: one join per view, and the rule's comparisons as the document writes them. */
static void pit_sql__text__spells_the_rule_out(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "airport", false);
    view->at_before = true;
    view->ttl_us = 90;
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    world_output(&w, view, FLOE_FN_MEAN, WORLD_I, 7);
    world_ask_all(&w);
    floe_error err = {0};
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    assert_ok(floe_pit_open(w.refs, w.ref_count, &(floe_pit_options){.as_known = true}, &pit, &err), &err);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, 1 << 20);
    const char *const sources[] = {"events"};
    assert_ok(floe_pit_sql(pit, &(floe_pit_sql_from){"labels", sources}, &sql, &err), &err);
    static const char *const parts[] = {"s.\"k1\" = l.\"k1\"",
                                        "s.__floe_event < l.__floe_time",
                                        "s.__floe_created <= l.__floe_time",
                                        "s.__floe_event >= l.__floe_time - 90",
                                        "s.__floe_event >= l.__floe_time - 7",
                                        "found_0_airport",
                                        ".winner.ends < label.__floe_time",
                                        "AS \"airport__o1\""};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!strstr(sql.ptr, parts[i])) {
            fail_msg("%s is not in:\n%s", parts[i], sql.ptr);
        }
    }
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pit_sql__random_worlds__equal_the_kernel),
        cmocka_unit_test(pit_sql__not_finite__is_as_in_the_kernel),
        cmocka_unit_test(pit_sql__integer_sum_outside_int64__is_refused),
        cmocka_unit_test(pit_sql__sum_outside_int64__says_the_time_as_floe_does),
        cmocka_unit_test(pit_sql__text__spells_the_rule_out),
    };
    return cmocka_run_group_tests(tests, sql_fixture_set_up, sql_fixture_tear_down);
}
