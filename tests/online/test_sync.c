/* One view, offline → online, over both kinds of stores. */
#include "tests/online/sync_world.h"

#include "online/online_int.h"

static floe_store_kind tested_kind;

static int open_world(void **state) {
    sync_world *s = test_calloc(1, sizeof(*s));
    sync_world_open(s, tested_kind);
    *state = s;
    return 0;
}

static int close_world(void **state) {
    sync_world_close(*state);
    test_free(*state);
    return 0;
}

/* ---- full ---- */

static void sync__first__is_full_and_fills_everything(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 5000, 1);
    table_add(&s->t, "a", NOW - 10, 2);
    table_add(&s->t, "b", NOW - TABLE_WINDOW_US, 3); /* just outside the window: event > t - w is needed */
    assert_ok(sync_run(s, view, false));
    assert_true(s->result.full);
    assert_true(floe_str_is(s->result.why_full, "first sync"));
    assert_int_equal(s->result.rows, 2);
    assert_int_equal(s->result.written, 2);
    floe_cell *a = cells_of(s, view, "a");
    assert_int_equal(a[0].value.as.integer, 2);
    assert_int_equal(a[0].event_us, NOW - 10);
    assert_int_equal(a[1].value.as.integer, 2);
    assert_int_equal(a[2].value.as.integer, 2);
    assert_false(a[1].has_event_us);
    floe_cell *b = cells_of(s, view, "b");
    assert_int_equal(b[1].value.as.integer, 1);
    assert_int_equal(b[2].status, FLOE_CELL_NULL_VALUE);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(s->w.store, view, &seen, &world_error));
    assert_true(seen.live);
    assert_false(seen.filling);
    assert_int_equal(seen.as_of_us, NOW);
}

static void sync__unknown_entity__has_counts_of_zero_once_synced(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    floe_cell *before = cells_of(s, view, "nobody");
    assert_int_equal(before[1].status, FLOE_CELL_NOT_FOUND); /* nobody has counted yet */
    table_add(&s->t, "a", NOW - 1, 1);
    assert_ok(sync_run(s, view, false));
    floe_cell *cells = cells_of(s, view, "nobody");
    assert_int_equal(cells[0].status, FLOE_CELL_NOT_FOUND);
    assert_int_equal(cells[1].status, FLOE_CELL_PRESENT);
    assert_int_equal(cells[1].value.as.integer, 0);
    assert_int_equal(cells[2].status, FLOE_CELL_NOT_FOUND);
    assert_true(cells[2].value.is_null);
}

static void sync__created_and_end_times__are_kept(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    s->t.rows[0].created_us = NOW - 5;
    s->t.rows[0].end_us = NOW;
    assert_ok(sync_run(s, view, false));
    assert_int_equal(value_of(s, view, "a"), -2);
    floe_value key = text("a");
    floe_value value = floe_value_int64(2);
    assert_int_equal(put(&s->w, view, &key, NOW - 10, NOW - 6, NEVER, &value), FLOE_WRITE_OLDER);
    assert_int_equal(put(&s->w, view, &key, NOW - 10, NOW - 5, NEVER, &value), FLOE_WRITE_DONE);
}

static void sync__rows_dated_after_it__are_not_taken(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW, 1);
    table_add(&s->t, "a", NOW + 1, 2);
    assert_ok(sync_run(s, view, false));
    assert_int_equal(value_of(s, view, "a"), 1);
    /* Later the same file holds a row that has become visible. */
    floe_now_pin(NOW + 10);
    assert_ok(sync_run(s, view, false));
    assert_false(s->result.full);
    assert_int_equal(s->t.last_need.since_us, NOW);
    assert_int_equal(value_of(s, view, "a"), 2);
}

static void sync__many_rows__all_arrive(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    enum { count = 2500 };
    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        table_add(&s->t, key, NOW - i, i);
    }
    assert_ok(sync_run(s, view, false));
    assert_int_equal(s->result.rows, count);
    assert_int_equal(count_rows(&s->w, view), 2 * count);
    assert_int_equal(value_of(s, view, "k2499"), 2499);
}

static void sync__empty_table__goes_live_empty(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    assert_ok(sync_run(s, view, false));
    assert_int_equal(s->result.rows, 0);
    assert_int_equal(cells_of(s, view, "a")[1].status, FLOE_CELL_PRESENT);
    assert_true(has_mark(s, view));
}

/* ---- incremental ---- */

static void sync__second__takes_only_what_was_appended(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    table_add(&s->t, "b", NOW - 10, 2);
    assert_ok(sync_run(s, view, false));
    table_commit(&s->t);
    table_add(&s->t, "a", NOW - 5, 3);
    table_add(&s->t, "b", NOW - 20, 4);
    assert_ok(sync_run(s, view, false));
    assert_false(s->result.full);
    assert_int_equal(s->t.last_need.since_snapshot_id, 1);
    assert_int_equal(s->result.rows, 2);
    assert_int_equal(s->result.written, 1);
    assert_int_equal(s->result.older, 1);
    assert_int_equal(value_of(s, view, "a"), 3);
    assert_int_equal(value_of(s, view, "b"), 2);
}

static void sync__nothing_appended__is_unchanged(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    assert_ok(sync_run(s, view, false));
    assert_true(s->result.unchanged);
    assert_false(s->result.full);
    assert_int_equal(s->result.rows, 0);
    assert_int_equal(value_of(s, view, "a"), 1);
}

static void sync__aggregates__are_rewritten_as_of_each_sync(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 5);
    assert_ok(sync_run(s, view, false));
    assert_int_equal(cells_of(s, view, "a")[2].value.as.integer, 5);
    floe_now_pin(NOW + TABLE_WINDOW_US); /* nothing appended, but the window has moved on */
    assert_ok(sync_run(s, view, false));
    assert_false(s->result.full);
    assert_false(s->result.unchanged);
    floe_cell *cells = cells_of(s, view, "a");
    assert_int_equal(cells[0].value.as.integer, 5);
    assert_int_equal(cells[1].value.as.integer, 1);
    assert_int_equal(cells[2].status, FLOE_CELL_NULL_VALUE);
    assert_int_equal(count_rows(&s->w, view), 2);
}

/* A source may stop to report a key without calling that a rewrite; what it had said is then no longer true. */
static void sync__key_without_aggregates_now__keeps_no_old_ones(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 5);
    table_add(&s->t, "b", NOW - 10, 5);
    assert_ok(sync_run(s, view, false));
    s->t.count = 1;
    assert_ok(sync_run(s, view, false));
    assert_false(s->result.full);
    floe_cell *cells = cells_of(s, view, "b");
    assert_int_equal(cells[1].status, FLOE_CELL_PRESENT);
    assert_int_equal(cells[1].value.as.integer, 0);
    assert_int_equal(cells[2].status, FLOE_CELL_NOT_FOUND);
}

/* ---- why full ---- */

static void sync__rewritten_rows__make_it_full_and_deleted_ones_vanish(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    table_add(&s->t, "b", NOW - 5, 2);
    assert_ok(sync_run(s, view, false));
    table_delete(&s->t, "b");
    assert_ok(sync_run(s, view, false));
    assert_true(s->result.full);
    assert_true(floe_str_is(s->result.why_full, "rows were rewritten"));
    assert_int_equal(value_of(s, view, "a"), 1);
    assert_int_equal(value_of(s, view, "b"), -1);
    assert_int_equal(count_rows(&s->w, view), 2);
}

static void sync__asked_for__is_full(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    assert_ok(sync_run(s, view, true));
    assert_true(floe_str_is(s->result.why_full, "asked for"));
    assert_int_equal(value_of(s, view, "a"), 1);
}

static void look_at_old_definition(void *context) {
    sync_world *s = context;
    floe_view *old = table_value_view(&s->w);
    assert_int_equal(value_of(s, old, "a"), 1);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(s->w.other, old, &seen, &world_error));
    assert_true(seen.filling);
    assert_int_equal(seen.fingerprint, old->fingerprint);
}

/* value_of opens the world's handles anew, so a sync that hooks it must run on a handle of its own. */
static floe_status sync_on_own_handle(sync_world *s, const floe_view *view, bool full) {
    floe_store *own = NULL;
    assert_ok(floe_store_open(&s->w.def, world_project(), &own, &world_error));
    floe_sync_request request = sync_request(s, view, full);
    request.store = own;
    floe_status status = sync_with(s, &request);
    floe_store_close(&own);
    return status;
}

static void sync__changed_definition__is_served_only_when_complete(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    floe_view *changed = table_value_view(&s->w);
    changed->fingerprint++;
    table_commit(&s->t);
    table_add(&s->t, "a", NOW - 5, 2);
    s->t.hook_context = s;
    s->t.on_ask = look_at_old_definition;
    s->t.on_end = look_at_old_definition; /* everything is written, nothing is visible */
    assert_ok(sync_on_own_handle(s, changed, false));
    s->t.on_ask = s->t.on_end = NULL;
    assert_true(floe_str_is(s->result.why_full, "definition changed"));
    assert_int_equal(value_of(s, changed, "a"), 2);
    assert_int_equal(count_rows(&s->w, changed), 1);
}

/* Counts are as unknown as everything else: 0 would be a claim. */
static void sync__changed_rows__have_no_counts_until_the_next_one(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    floe_view *changed = table_view(&s->w);
    changed->fingerprint++;
    changed->meaning++;
    for (size_t i = 0; i < 2; i++) {
        floe_cell *cells = cells_of(s, changed, i == 0 ? "a" : "nobody");
        for (size_t c = 0; c < 3; c++) {
            assert_int_equal(cells[c].status, FLOE_CELL_NOT_FOUND);
            assert_true(cells[c].value.is_null);
        }
    }
    assert_ok(sync_run(s, changed, false));
    assert_true(floe_str_is(s->result.why_full, "definition changed"));
    assert_int_equal(value_of(s, changed, "a"), 1);
    floe_cell *cells = cells_of(s, changed, "nobody");
    assert_int_equal(cells[1].status, FLOE_CELL_PRESENT);
    assert_int_equal(cells[1].value.as.integer, 0);
    assert_int_equal(value_of(s, view, "a"), -1); /* who still has the old definition is not deceived either */
}

/* An aggregate that changed is missing; the feature beside it stays, and so does the other aggregate. */
static void sync__changed_aggregate__is_missing_alone(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 5);
    assert_ok(sync_run(s, view, false));
    floe_view *changed = table_view(&s->w);
    changed->fingerprint++;
    ((floe_output *)(uintptr_t)changed->outputs)[1].meaning += 1000; /* the count, over another column */
    floe_cell *cells = cells_of(s, changed, "a");
    assert_int_equal(cells[0].value.as.integer, 5);
    assert_int_equal(cells[1].status, FLOE_CELL_NOT_FOUND);
    assert_int_equal(cells[2].status, FLOE_CELL_PRESENT);
    cells = cells_of(s, changed, "nobody");
    assert_int_equal(cells[1].status, FLOE_CELL_NOT_FOUND);
}

/* A store that an earlier version filled learns what its values mean at the next sync, without being filled anew. */
static void sync__of_a_store_without_meanings__brings_them(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    floe_view *old = table_view(&s->w);
    old->meaning = 0;
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, old, false));
    floe_view *added = table_view(&s->w);
    added->fingerprint++;
    assert_int_equal(value_of(s, added, "a"), -1);
    assert_ok(sync_run(s, view, false));
    assert_false(s->result.full);
    assert_int_equal(value_of(s, added, "a"), 1);
}

static void sync__emptied_store__gets_everything_again(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    floe_str before, after;
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    assert_ok(floe_store_identity(s->w.store, &s->w.arena, &before, &world_error));
    if (tested_kind == FLOE_STORE_REDIS) {
        floe_test_redis_command(&s->w.redis, "FLUSHALL", NULL, 0);
    } else {
        floe_store_close(&s->w.store);
        floe_store_close(&s->w.other);
        floe_online_close(&s->w.online);
        assert_ok(floe_file_remove_all(s->w.dir, &world_error));
        assert_ok(floe_file_mkdirs(s->w.dir, &world_error));
    }
    world_reopen(&s->w);
    assert_ok(floe_store_identity(s->w.store, &s->w.arena, &after, &world_error));
    assert_false(floe_str_equal(before, after));
    assert_int_equal(value_of(s, view, "a"), -1);
    assert_ok(sync_run(s, view, false));
    assert_true(s->result.full);
    assert_int_equal(value_of(s, view, "a"), 1);
}

static void sync__another_registry__does_not_know_the_store(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    floe_registry_close(&s->registry);
    s->registry_path = floe_path_join(&s->w.arena, s->dir, "other.db");
    assert_ok(floe_registry_open(s->registry_path, true, &s->registry, &world_error));
    assert_ok(sync_run(s, view, false));
    assert_true(floe_str_is(s->result.why_full, "first sync into this store"));
}

/* ---- what arrives meanwhile ---- */

static void push_during_filling(void *context) {
    sync_world *s = context;
    floe_view *view = table_value_view(&s->w);
    assert_int_equal(put_simple(&s->w, view, "pushed", NOW - 3, 77), FLOE_WRITE_DONE);
    assert_int_equal(put_simple(&s->w, view, "a", NOW - 3, 78), FLOE_WRITE_DONE);
    assert_int_equal(put_simple(&s->w, view, "b", NOW - 30, 79), FLOE_WRITE_OLDER);
    assert_int_equal(value_of(s, view, "pushed"), 77); /* in the old generation */
}

static void sync__write_during_filling__lands_in_both_generations(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    table_add(&s->t, "b", NOW - 1, 2); /* younger than the pushed rows: they are not copied, they were written */
    assert_ok(sync_run(s, view, false));
    s->t.hook_context = s;
    s->t.on_ask = push_during_filling;
    assert_ok(sync_on_own_handle(s, view, true));
    s->t.on_ask = NULL;
    assert_int_equal(value_of(s, view, "pushed"), 77);
    assert_int_equal(value_of(s, view, "a"), 78);
    assert_int_equal(value_of(s, view, "b"), 2);
}

static void sync__arrived_rows_younger_than_the_snapshot__are_copied(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    table_add(&s->t, "b", NOW - 9, 2);
    assert_ok(sync_run(s, view, false));
    put_simple(&s->w, view, "young", NOW - 8, 3);
    put_simple(&s->w, view, "a", NOW - 8, 4);
    put_simple(&s->w, view, "old", NOW - 9, 5); /* as old as the youngest of the snapshot: the table would have it */
    assert_ok(sync_run(s, view, true));
    assert_int_equal(value_of(s, view, "young"), 3);
    assert_int_equal(value_of(s, view, "a"), 4);
    assert_int_equal(value_of(s, view, "b"), 2);
    assert_int_equal(value_of(s, view, "old"), -1);
}

/* The youngest row of all is deleted from the table: it came from there, so it must not come back as "arrived". */
static void sync__deleted_youngest_row__is_not_taken_for_arrived(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    table_add(&s->t, "b", NOW - 1, 2);
    assert_ok(sync_run(s, view, false));
    table_delete(&s->t, "b");
    assert_ok(sync_run(s, view, false));
    assert_int_equal(value_of(s, view, "b"), -1);
    assert_int_equal(value_of(s, view, "a"), 1);
}

static void sync__pushed_first__keeps_what_was_pushed(void **state) {
    sync_world *s = *state;
    floe_view *view = table_value_view(&s->w);
    put_simple(&s->w, view, "pushed", NOW - 1, 9);
    assert_int_equal(value_of(s, view, "pushed"), 9);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    assert_true(s->result.full);
    assert_int_equal(value_of(s, view, "pushed"), 9);
    assert_int_equal(value_of(s, view, "a"), 1);
}

/* ---- failures ---- */

static void sync__failing_source__changes_nothing(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    s->t.fail_with = FLOE_IO;
    assert_code(sync_run(s, view, false), FLOE_IO);
    assert_message("sync of view both");
    assert_code(sync_run(s, view, true), FLOE_IO);
    s->t.fail_with = FLOE_CODE_OK;
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(s->w.store, view, &seen, &world_error));
    assert_false(seen.filling);
    assert_int_equal(value_of(s, view, "a"), 1);
    assert_ok(sync_run(s, view, true));
    assert_int_equal(count_rows(&s->w, view), 2);
}

static void sync__failure_that_names_its_view__names_it_once(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    static const struct {
        const char *words, *message;
    } CASES[] = {{"view both: its state is damaged", "sync: view both: its state is damaged"},
                 {"view both2: something", "sync of view both: view both2: something"},
                 {"view", "sync of view both: view"}};
    table_add(&s->t, "a", NOW - 10, 1);
    s->t.fail_with = FLOE_CORRUPT;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        s->t.fail_words = CASES[i].words;
        assert_code(sync_run(s, view, false), FLOE_CORRUPT);
        assert_string_equal(world_error.message, CASES[i].message);
    }
}

static void sync__first_that_fails__leaves_no_mark(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    s->t.fail_with = FLOE_UNAVAILABLE;
    assert_code(sync_run(s, view, false), FLOE_UNAVAILABLE);
    assert_false(has_mark(s, view));
}

static void sync__missing_column__is_named(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    s->t.drop_column = "s";
    assert_code(sync_run(s, view, false), FLOE_INTERNAL);
    assert_message("no column s");
}

static void sync__column_of_another_type__is_refused(void **state) {
    sync_world *s = *state;
    floe_output output = as_of_output("value", type_of(FLOE_KIND_STRING));
    floe_view *view = make_view(&s->w, "values", make_simple_entity(&s->w, "thing"), &output, 1);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_code(sync_run(s, view, false), FLOE_INVALID);
    assert_message("value is of type int64 now, but the definition says string");
}

static atomic_bool cancelled;

static void cancel(void *context) {
    (void)context;
    atomic_store(&cancelled, true);
}

static void sync__cancelled__serves_the_old_generation_and_can_be_run_again(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    assert_ok(sync_run(s, view, false));
    table_commit(&s->t);
    table_add(&s->t, "a", NOW - 5, 2);
    floe_sync_request request = sync_request(s, view, true);
    request.cancelled = &cancelled;
    s->t.on_end = cancel;
    assert_code(sync_with(s, &request), FLOE_CANCELLED);
    s->t.on_end = NULL;
    assert_int_equal(value_of(s, view, "a"), 1);
    request.store = s->w.store;
    assert_code(sync_with(s, &request), FLOE_CANCELLED);
    atomic_store(&cancelled, false);
    assert_ok(sync_with(s, &request));
    assert_int_equal(value_of(s, view, "a"), 2);
    assert_int_equal(count_rows(&s->w, view), 2);
}

static void cancel_after_announcement(void *context) {
    *(int *)context += 1;
    atomic_store(&cancelled, true);
}

/* The wait after the announcement ends at once when the sync is stopped, long before its hour is over. */
static void sync__cancelled_while_waiting__stops(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    int asked = 0;
    floe_sync_request request = sync_request(s, view, true);
    request.cancelled = &cancelled;
    request.announce_wait_us = 3600 * FLOE_US_PER_SECOND;
    s->t.on_ask = cancel_after_announcement;
    s->t.hook_context = &asked;
    atomic_store(&cancelled, true);
    assert_code(sync_with(s, &request), FLOE_CANCELLED);
    atomic_store(&cancelled, false);
    s->t.on_ask = NULL;
    assert_int_equal(asked, 0);
}

static void sync_in_between(void *context) {
    sync_world *s = context;
    sync_world inner = *s;
    floe_view *view = table_view(&s->w);
    s->t.on_ask = NULL;
    inner.w.store = s->w.other;
    floe_sync_request request = sync_request(s, view, true);
    request.store = s->w.other;
    assert_ok(sync_with(&inner, &request));
}

static void sync__two_at_once__the_later_wins_and_the_first_says_so(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    s->t.hook_context = s;
    s->t.on_ask = sync_in_between;
    assert_code(sync_run(s, view, true), FLOE_CONFLICT);
    assert_message("another sync");
    assert_int_equal(value_of(s, view, "a"), 1);
    assert_ok(sync_run(s, view, true)); /* sweeps what the first had written */
    assert_int_equal(count_rows(&s->w, view), 2);
}

static void sync__unfinished_retirement__is_finished_by_the_next(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    floe_sync_request request = sync_request(s, view, true);
    request.retire_wait_us = -1;
    assert_ok(sync_with(s, &request));
    assert_ok(sync_with(s, &request));
    assert_int_equal(count_rows(&s->w, view), 4); /* the old generation is still there for slow readers */
    floe_now_pin(NOW + 9 * FLOE_US_PER_SECOND);
    request.full = false;
    assert_ok(sync_with(s, &request));
    assert_int_equal(count_rows(&s->w, view), 5); /* new aggregates; nothing is 10 s old */
    floe_now_pin(NOW + 60 * FLOE_US_PER_SECOND);
    assert_ok(sync_with(s, &request));
    assert_int_equal(count_rows(&s->w, view), 3); /* one as-of row, aggregates old and new */
}

static void empty_store(void *context) {
    sync_world *s = context;
    floe_test_redis_command(&s->w.redis, "FLUSHALL", NULL, 0);
}

static void sync__store_emptied_meanwhile__leaves_no_mark(void **state) {
    sync_world *s = *state;
    if (tested_kind != FLOE_STORE_REDIS) {
        return; /* an open LMDB cannot be emptied from outside */
    }
    floe_view *view = table_view(&s->w);
    table_add(&s->t, "a", NOW - 10, 1);
    s->t.hook_context = s;
    s->t.on_end = empty_store;
    assert_code(sync_run(s, view, true), FLOE_CONFLICT);
    s->t.on_end = NULL;
    assert_false(has_mark(s, view));
    assert_ok(sync_run(s, view, false));
    assert_int_equal(value_of(s, view, "a"), 1);
}

static int run(floe_store_kind kind) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(sync__first__is_full_and_fills_everything),
        TEST(sync__unknown_entity__has_counts_of_zero_once_synced),
        TEST(sync__created_and_end_times__are_kept),
        TEST(sync__rows_dated_after_it__are_not_taken),
        TEST(sync__many_rows__all_arrive),
        TEST(sync__empty_table__goes_live_empty),
        TEST(sync__second__takes_only_what_was_appended),
        TEST(sync__nothing_appended__is_unchanged),
        TEST(sync__aggregates__are_rewritten_as_of_each_sync),
        TEST(sync__key_without_aggregates_now__keeps_no_old_ones),
        TEST(sync__rewritten_rows__make_it_full_and_deleted_ones_vanish),
        TEST(sync__asked_for__is_full),
        TEST(sync__changed_definition__is_served_only_when_complete),
        TEST(sync__changed_rows__have_no_counts_until_the_next_one),
        TEST(sync__changed_aggregate__is_missing_alone),
        TEST(sync__of_a_store_without_meanings__brings_them),
        TEST(sync__emptied_store__gets_everything_again),
        TEST(sync__another_registry__does_not_know_the_store),
        TEST(sync__write_during_filling__lands_in_both_generations),
        TEST(sync__arrived_rows_younger_than_the_snapshot__are_copied),
        TEST(sync__deleted_youngest_row__is_not_taken_for_arrived),
        TEST(sync__pushed_first__keeps_what_was_pushed),
        TEST(sync__failing_source__changes_nothing),
        TEST(sync__failure_that_names_its_view__names_it_once),
        TEST(sync__first_that_fails__leaves_no_mark),
        TEST(sync__missing_column__is_named),
        TEST(sync__column_of_another_type__is_refused),
        TEST(sync__cancelled__serves_the_old_generation_and_can_be_run_again),
        TEST(sync__cancelled_while_waiting__stops),
        TEST(sync__two_at_once__the_later_wins_and_the_first_says_so),
        TEST(sync__unfinished_retirement__is_finished_by_the_next),
        TEST(sync__store_emptied_meanwhile__leaves_no_mark),
    };
#undef TEST
    tested_kind = kind;
    return cmocka_run_group_tests_name(kind == FLOE_STORE_REDIS ? "redis" : "embedded", tests, NULL, NULL);
}

int main(void) {
    return run(FLOE_STORE_EMBEDDED) + run(FLOE_STORE_REDIS);
}
