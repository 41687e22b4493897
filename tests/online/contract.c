#include "tests/online/contract.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/online_int.h"
#include "proto/row.h"

static floe_store_kind tested_kind;

int contract_open(void **state) {
    world *w = test_malloc(sizeof(*w));
    world_open(w, tested_kind);
    *state = w;
    return 0;
}

int contract_close(void **state) {
    world_close(*state);
    test_free(*state);
    return 0;
}

/* ---- who is newer ---- */

static void store__older_event__does_not_overwrite(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    assert_int_equal(put_simple(w, view, "a", 1000, 1), FLOE_WRITE_DONE);
    assert_int_equal(put_simple(w, view, "a", 999, 2), FLOE_WRITE_OLDER);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
    assert_int_equal(ask_simple(w, view, "a").event_us, 1000);
}

static void store__newer_event__overwrites(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    assert_int_equal(put_simple(w, view, "a", 1000, 1), FLOE_WRITE_DONE);
    assert_int_equal(put_simple(w, view, "a", 1001, 2), FLOE_WRITE_DONE);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 2);
}

static void store__full_tie__later_arrival_wins(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    assert_int_equal(put_simple(w, view, "a", 1000, 1), FLOE_WRITE_DONE);
    assert_int_equal(put_simple(w, view, "a", 1000, 2), FLOE_WRITE_DONE);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 2);
}

static void store__equal_event__later_created_wins_and_null_created_is_smallest(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = text("a");
    /* In this order: each row's created time, and whether it wins over what is there. */
    const struct {
        int64_t created_us;
        floe_write_outcome outcome;
    } rows[] = {{50, FLOE_WRITE_DONE},          {49, FLOE_WRITE_OLDER},
                {NO_CREATED, FLOE_WRITE_OLDER}, {51, FLOE_WRITE_DONE},
                {51, FLOE_WRITE_DONE},          {-1, FLOE_WRITE_OLDER},
                {INT64_MAX, FLOE_WRITE_DONE},   {INT64_MAX - 1, FLOE_WRITE_OLDER}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_value value = floe_value_int64((int64_t)i);
        assert_int_equal(put(w, view, &key, 1000, rows[i].created_us, NEVER, &value), rows[i].outcome);
    }
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 6);
}

static void store__null_created__loses_against_the_smallest_created(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = text("a");
    floe_value first = floe_value_int64(1);
    floe_value second = floe_value_int64(2);
    assert_int_equal(put(w, view, &key, 0, INT64_MIN + 1, NEVER, &first), FLOE_WRITE_DONE);
    assert_int_equal(put(w, view, &key, 0, NO_CREATED, NEVER, &second), FLOE_WRITE_OLDER);
}

/* Neighbours that a double cannot tell apart, times on both sides of 1970, and the ends of int64. */
static void store__times_over_all_of_int64__are_compared_exactly(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    const int64_t year_9999 = INT64_C(253402300799999999);
    const int64_t rising[] = {INT64_MIN,
                              INT64_MIN + 1,
                              -(INT64_C(1) << 53) - 1,
                              -(INT64_C(1) << 53),
                              INT64_C(-2208988800000000), /* 1900 */
                              -257,
                              -256,
                              -1,
                              0,
                              1,
                              127,
                              128,
                              255,
                              256,
                              INT64_C(9007199254740992), /* 2^53 */
                              INT64_C(9007199254740993),
                              year_9999 - 1,
                              year_9999,
                              INT64_MAX - 1,
                              INT64_MAX};
    size_t count = sizeof(rising) / sizeof(rising[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(put_simple(w, view, "a", rising[i], (int64_t)i), FLOE_WRITE_DONE);
        if (i > 0) {
            assert_int_equal(put_simple(w, view, "a", rising[i - 1], -1), FLOE_WRITE_OLDER);
        }
    }
    floe_value key = text("a");
    floe_cell *cell = ask(w, view, &key, INT64_MAX);
    assert_int_equal(cell->value.as.integer, (int64_t)count - 1);
    assert_int_equal(cell->event_us, INT64_MAX);
}

static void store__one_batch__is_decided_in_its_order(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    enum { count = 2500 };
    static floe_online_row rows[count];
    static floe_value keys[count];
    static floe_value values[count];
    static floe_write_outcome outcomes[count];
    for (size_t i = 0; i < count; i++) {
        keys[i] = text(i % 2 == 0 ? "even" : "odd");
        values[i] = floe_value_int64((int64_t)i);
        /* Even rows rise, odd rows fall. */
        rows[i] = (floe_online_row){&keys[i], i % 2 == 0 ? (int64_t)i : -(int64_t)i, NO_CREATED, NEVER, &values[i]};
    }
    assert_ok(floe_store_write(w->store, view, rows, count, outcomes, &world_error));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(outcomes[i], i % 2 == 0 || i == 1 ? FLOE_WRITE_DONE : FLOE_WRITE_OLDER);
    }
    assert_int_equal(ask_simple(w, view, "even").value.as.integer, count - 2);
    assert_int_equal(ask_simple(w, view, "odd").value.as.integer, 1);
}

static void store__future_row__is_refused_past_max_future(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_source source = *view->source;
    source.max_future_us = 60 * FLOE_US_PER_SECOND;
    view->source = &source;
    const int64_t now_us = INT64_C(1700000000000000);
    floe_now_pin(now_us);
    floe_write_outcome allowed = put_simple(w, view, "a", now_us + source.max_future_us, 1);
    floe_write_outcome refused = put_simple(w, view, "a", now_us + source.max_future_us + 1, 2);
    floe_cell cell = ask_simple(w, view, "a");
    floe_now_pin(0);
    assert_int_equal(allowed, FLOE_WRITE_DONE);
    assert_int_equal(refused, FLOE_WRITE_REFUSED);
    assert_int_equal(cell.status, FLOE_CELL_PRESENT);
    assert_int_equal(cell.value.as.integer, 1);
}

/* ---- what a lookup says ---- */

static void lookup__unknown_entity__is_not_found(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_cell before = ask_simple(w, view, "a"); /* no generation at all */
    assert_int_equal(before.status, FLOE_CELL_NOT_FOUND);
    put_simple(w, view, "a", 0, 1);
    world_reopen(w);
    floe_cell cell = ask_simple(w, view, "b");
    assert_int_equal(cell.status, FLOE_CELL_NOT_FOUND);
    assert_true(cell.value.is_null);
    assert_false(cell.has_event_us);
}

static void lookup__null_key__finds_nothing(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "", 0, 1);
    floe_value null_key = null_of(FLOE_KIND_STRING);
    assert_int_equal(ask(w, view, &null_key, 0)->status, FLOE_CELL_NOT_FOUND);
    assert_int_equal(ask_simple(w, view, "").value.as.integer, 1);
}

static void lookup__stored_null__is_null_value_with_its_time(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = text("a");
    floe_value value = null_of(FLOE_KIND_INT64);
    put(w, view, &key, 77, NO_CREATED, NEVER, &value);
    floe_cell cell = ask_simple(w, view, "a");
    assert_int_equal(cell.status, FLOE_CELL_NULL_VALUE);
    assert_true(cell.value.is_null);
    assert_true(cell.has_event_us);
    assert_int_equal(cell.event_us, 77);
}

static void lookup__ttl__holds_to_the_microsecond(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    view->ttl_us = 100;
    put_simple(w, view, "a", 1000, 1);
    floe_value key = text("a");
    /* event_ts >= t - ttl: 1000 >= 1100 - 100, but not 1101 - 100. */
    assert_int_equal(ask(w, view, &key, 1100)->status, FLOE_CELL_PRESENT);
    floe_cell *cell = ask(w, view, &key, 1101);
    assert_int_equal(cell->status, FLOE_CELL_OUTSIDE_MAX_AGE);
    assert_true(cell->value.is_null);
    assert_true(cell->has_event_us);
    assert_int_equal(cell->event_us, 1000);
    view->ttl_us = 0;
    assert_int_equal(ask(w, view, &key, INT64_MAX)->status, FLOE_CELL_PRESENT);
}

static void lookup__ttl_larger_than_all_time__does_not_overflow(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    view->ttl_us = INT64_MAX;
    put_simple(w, view, "a", INT64_MIN, 1);
    floe_value key = text("a");
    assert_int_equal(ask(w, view, &key, -2)->status, FLOE_CELL_PRESENT);
    /* INT64_MIN < 0 - INT64_MAX. */
    assert_int_equal(ask(w, view, &key, 1)->status, FLOE_CELL_OUTSIDE_MAX_AGE);
}

static void lookup__ended_row__is_null_and_no_older_row_steps_in(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = text("a");
    floe_value value = floe_value_int64(5);
    put_simple(w, view, "a", 900, 4);
    put(w, view, &key, 1000, NO_CREATED, 2000, &value);
    assert_int_equal(ask(w, view, &key, 1999)->status, FLOE_CELL_PRESENT);
    floe_cell *cell = ask(w, view, &key, 2000); /* end <= t */
    assert_int_equal(cell->status, FLOE_CELL_NULL_VALUE);
    assert_true(cell->value.is_null);
    assert_int_equal(cell->event_us, 1000);
}

static void lookup__at_before__row_ends_after_its_end(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    view->at_before = true;
    floe_value key = text("a");
    floe_value value = floe_value_int64(5);
    put(w, view, &key, 1000, NO_CREATED, 2000, &value);
    assert_int_equal(ask(w, view, &key, 2000)->status, FLOE_CELL_PRESENT); /* end < t is needed */
    assert_int_equal(ask(w, view, &key, 2001)->status, FLOE_CELL_NULL_VALUE);
}

static floe_status ask_status(world *w, const floe_view *view, const char *key, int64_t as_of_us) {
    floe_value *keys = floe_arena_alloc(&w->arena, 1, sizeof(*keys));
    *keys = text(key);
    const floe_value **columns = floe_arena_alloc(&w->arena, 1, sizeof(floe_value *));
    columns[0] = keys;
    floe_ref ref = {view, &view->outputs[0]};
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .as_of_us = as_of_us, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    return ask_both(w, &lookup);
}

static void lookup__as_of_before_the_stored_row__is_refused(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1000, 1);
    assert_code(ask_status(w, view, "a", 999), FLOE_INVALID);
    assert_message("keeps only the newest");
    assert_code(ask_status(w, view, "a", 1000), FLOE_CODE_OK);
    assert_code(ask_status(w, view, "unknown", 999), FLOE_CODE_OK);
}

static void lookup__as_of_at_the_stored_row_with_at_before__is_refused(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    view->at_before = true;
    put_simple(w, view, "a", 1000, 1);
    assert_code(ask_status(w, view, "a", 1000), FLOE_INVALID);
    assert_code(ask_status(w, view, "a", 1001), FLOE_CODE_OK);
}

/* ---- against an oracle ---- */

typedef struct oracle_row {
    bool there;
    int64_t event_us, created_us, end_us, value;
    bool null;
} oracle_row;

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void oracle_put(oracle_row *kept, const oracle_row *row) {
    bool older = kept->there && (kept->event_us > row->event_us ||
                                 (kept->event_us == row->event_us && kept->created_us > row->created_us));
    if (!older) {
        *kept = *row;
        kept->there = true;
    }
}

static void check_oracle(world *w, const floe_view *view, const oracle_row *row, const char *key, int64_t t) {
    floe_value keys = text(key);
    if (row->there && row->event_us > t) {
        assert_code(ask_status(w, view, key, t), FLOE_INVALID);
        return;
    }
    floe_cell *cell = ask(w, view, &keys, t);
    floe_cell_status expected = !row->there                        ? FLOE_CELL_NOT_FOUND
                                : row->event_us < t - view->ttl_us ? FLOE_CELL_OUTSIDE_MAX_AGE
                                : row->end_us <= t || row->null    ? FLOE_CELL_NULL_VALUE
                                                                   : FLOE_CELL_PRESENT;
    assert_int_equal(cell->status, expected);
    if (expected == FLOE_CELL_PRESENT) {
        assert_int_equal(cell->value.as.integer, row->value);
    }
}

static void store__random_history__is_what_the_oracle_keeps(void **state) {
    world *w = *state;
    const char *given = getenv("FLOE_TEST_SEED");
    uint32_t seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)floe_monotonic_us();
    print_message("seed %u\n", seed);
    floe_view *view = make_simple_view(w);
    view->ttl_us = 30;
    enum { keys = 20, steps = 3000 };
    oracle_row rows[keys] = {0};
    put_simple(w, view, "begins the generation, which the loop's side may otherwise see a second late", 0, 0);
    for (size_t i = 0; i < steps; i++) {
        uint32_t k = next_random(&seed) % keys;
        int64_t t = 1 + (int64_t)(next_random(&seed) % 100);
        const char *key = floe_arena_printf(&w->arena, "k%u", k);
        if (next_random(&seed) % 3 == 0) {
            check_oracle(w, view, &rows[k], key, t);
            continue;
        }
        oracle_row row = {.event_us = t, .value = (int64_t)i, .null = next_random(&seed) % 5 == 0};
        row.created_us = next_random(&seed) % 4 == 0 ? NO_CREATED : (int64_t)(next_random(&seed) % 5);
        row.end_us = next_random(&seed) % 2 == 0 ? NEVER : t + (int64_t)(next_random(&seed) % 40);
        floe_value keys_value = text(key);
        floe_value value = row.null ? null_of(FLOE_KIND_INT64) : floe_value_int64(row.value);
        put(w, view, &keys_value, row.event_us, row.created_us, row.end_us, &value);
        oracle_put(&rows[k], &row);
    }
}

int contract_run(floe_store_kind kind) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, contract_open, contract_close)
    const struct CMUnitTest tests[] = {
        TEST(store__older_event__does_not_overwrite),
        TEST(store__newer_event__overwrites),
        TEST(store__full_tie__later_arrival_wins),
        TEST(store__equal_event__later_created_wins_and_null_created_is_smallest),
        TEST(store__null_created__loses_against_the_smallest_created),
        TEST(store__times_over_all_of_int64__are_compared_exactly),
        TEST(store__one_batch__is_decided_in_its_order),
        TEST(store__future_row__is_refused_past_max_future),
        TEST(lookup__unknown_entity__is_not_found),
        TEST(lookup__null_key__finds_nothing),
        TEST(lookup__stored_null__is_null_value_with_its_time),
        TEST(lookup__ttl__holds_to_the_microsecond),
        TEST(lookup__ttl_larger_than_all_time__does_not_overflow),
        TEST(lookup__ended_row__is_null_and_no_older_row_steps_in),
        TEST(lookup__at_before__row_ends_after_its_end),
        TEST(lookup__as_of_before_the_stored_row__is_refused),
        TEST(lookup__as_of_at_the_stored_row_with_at_before__is_refused),
        TEST(store__random_history__is_what_the_oracle_keeps),
    };
#undef TEST
    size_t count = 0;
    const struct CMUnitTest *data = contract_data_tests(&count);
    const char *group = kind == FLOE_STORE_REDIS ? "redis" : "embedded";
    tested_kind = kind;
    return cmocka_run_group_tests_name(group, tests, NULL, NULL) +
           _cmocka_run_group_tests(group, data, count, NULL, NULL);
}
