/*
 * The newest rows per key that a sync takes: what a full request gives, what an incremental one may leave out, and that
 * one after the other gives the same as everything at once.
 */
#include "core/limits.h"
#include "tests/offline/import_support.h"
#include "tests/offline/view_support.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)

typedef struct fixture {
    import_fixture lake;
    view_fixture view;
} fixture;

static int open_fixture(void **state) {
    static fixture f;
    import_fixture_open(&f.lake);
    view_fixture_init(&f.view);
    *state = &f;
    return 0;
}

static int close_fixture(void **state) {
    import_fixture_close(&((fixture *)*state)->lake);
    return 0;
}

/* Rows as SQL: ('k', second, known second, v), … */
static int64_t append(fixture *f, const char *values) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_printf(&sql,
                    "SELECT k, make_timestamp(s * 1000000) AS ts, make_timestamp(c * 1000000) AS known, v::BIGINT AS v "
                    "FROM (VALUES %s) t(k, s, c, v)",
                    values);
    import_rows_of(&f->lake, sql.ptr, (floe_import_request){.mode = FLOE_IMPORT_APPEND});
    return f->lake.result.snapshot_id;
}

/* The first import makes the table, so that appending needs no special case. */
static int64_t create(fixture *f) {
    import_rows_of(
        &f->lake,
        "SELECT ''::VARCHAR AS k, TIMESTAMP '1970-01-01' AS ts, TIMESTAMP '1970-01-01' AS known, 0::BIGINT AS "
        "v WHERE false",
        (floe_import_request){.mode = FLOE_IMPORT_CREATE});
    return f->lake.result.snapshot_id;
}

static floe_newest_request everything(fixture *f, int64_t as_of_s) {
    return (floe_newest_request){.view = &f->view.view,
                                 .as_of_us = as_of_s * SECOND,
                                 .snapshot_id = -1,
                                 .since_snapshot_id = -1,
                                 .want_as_of = true};
}

/* Rows as text, sorted by key: "k|event|created|end|outputs;…"; "" when there is no stream. */
static const char *ask(fixture *f, const floe_newest_request *request, floe_newest_result *result) {
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    assert_ok(floe_newest_rows(f->lake.lake, request, NULL, &stream, result, &err), &err);
    if (result->rewritten || result->unchanged) {
        assert_null(stream.release);
        return "";
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(4));
    sql_run(&f->lake.sql, "DROP TABLE IF EXISTS newest");
    assert_ok(floe_session_load(f->lake.sql.session, "newest", &stream, &err), &err);
    floe_arrow_stream_release(&stream);
    return sql_text(&f->lake.sql,
                    "SELECT * REPLACE (epoch(__event_ts)::BIGINT AS __event_ts, epoch(__created_ts)::BIGINT AS "
                    "__created_ts) FROM newest ORDER BY k",
                    NULL);
}

static const char *ask_all(fixture *f, int64_t as_of_s) {
    floe_newest_request request = everything(f, as_of_s);
    floe_newest_result result;
    return ask(f, &request, &result);
}

static void newest__full__gives_one_row_per_key_by_the_rule(void **state) {
    fixture *f = *state;
    create(f);
    append(f, "('a', 10, 11, 1), ('a', 20, 25, 2), ('a', 20, 21, 3), ('b', 5, NULL, 4), (NULL, 9, 9, 5)");
    append(f, "('a', 15, 16, 6), ('b', 5, 2, 7), ('c', 99, 99, 8)");
    assert_string_equal(ask_all(f, 50), "a|20|25|∅|2;b|5|2|∅|7");
    assert_string_equal(ask_all(f, 100), "a|20|25|∅|2;b|5|2|∅|7;c|99|99|∅|8");
    assert_string_equal(ask_all(f, 4), "");
}

static void newest__row_at_the_time__depends_on_at(void **state) {
    fixture *f = *state;
    create(f);
    append(f, "('a', 10, 10, 1), ('a', 20, 20, 2)");
    assert_string_equal(ask_all(f, 20), "a|20|20|∅|2");
    f->view.view.at_before = true;
    assert_string_equal(ask_all(f, 20), "a|10|10|∅|1");
    assert_string_equal(ask_all(f, 10), "");
}

/* The store judges them at the time asked. */
static void newest__ttl__is_not_judged(void **state) {
    fixture *f = *state;
    f->view.view.ttl_us = SECOND;
    create(f);
    append(f, "('a', 10, 10, 1)");
    assert_string_equal(ask_all(f, 1000), "a|10|10|∅|1");
}

static void newest__aggregates__end_at_the_time_and_keep_quiet_keys(void **state) {
    fixture *f = *state;
    view_fixture_add_sum(&f->view, 10 * SECOND);
    create(f);
    append(f, "('a', 10, 10, 1), ('a', 15, 15, 2), ('a', 21, 21, 100), ('b', 1, 1, 7)");
    floe_newest_request request = everything(f, 20);
    request.want_aggregates = true;
    floe_newest_result result;
    assert_string_equal(ask(f, &request, &result), "a|15|15|∅|2|2;b|1|1|∅|7|∅");
    request.want_as_of = false;
    assert_string_equal(ask(f, &request, &result), "a|15|15|∅|2;b|1|1|∅|∅");
}

static void newest__empty_table__has_no_rows(void **state) {
    fixture *f = *state;
    create(f);
    assert_string_equal(ask_all(f, 100), "");
}

static void newest__pinned_snapshot__does_not_see_later_files(void **state) {
    fixture *f = *state;
    create(f);
    int64_t first = append(f, "('a', 10, 10, 1)");
    append(f, "('a', 20, 20, 2)");
    floe_newest_request request = everything(f, 100);
    request.snapshot_id = first;
    floe_newest_result result;
    assert_string_equal(ask(f, &request, &result), "a|10|10|∅|1");
    assert_true(result.snapshot_id == first);
}

static void newest__incremental__reads_what_was_appended(void **state) {
    fixture *f = *state;
    create(f);
    int64_t first = append(f, "('a', 10, 10, 1), ('b', 10, 10, 2)");
    int64_t second = append(f, "('b', 5, 5, 3), ('c', 7, 7, 4)");
    floe_newest_request request = everything(f, 100);
    request.since_snapshot_id = first;
    request.since_us = 50 * SECOND;
    floe_newest_result result;
    /* Of b only the older row that arrived late: the store's conditional write refuses it. */
    assert_string_equal(ask(f, &request, &result), "b|5|5|∅|3;c|7|7|∅|4");
    assert_true(result.snapshot_id == second);
    request.since_snapshot_id = second;
    assert_string_equal(ask(f, &request, &result), "");
    assert_true(result.unchanged);
    assert_false(result.rewritten);
}

static void newest__rows_dated_after_the_last_sync__are_read_again(void **state) {
    fixture *f = *state;
    create(f);
    int64_t first = append(f, "('a', 10, 10, 1), ('a', 80, 80, 2)");
    append(f, "('b', 20, 20, 3)");
    floe_newest_request request = everything(f, 100);
    request.since_snapshot_id = first;
    floe_newest_result result;
    request.since_us = 50 * SECOND; /* the row of second 80 was left out then */
    assert_string_equal(ask(f, &request, &result), "a|80|80|∅|2;b|20|20|∅|3");
    request.since_us = 80 * SECOND; /* it was taken: at_or_before */
    assert_string_equal(ask(f, &request, &result), "b|20|20|∅|3");
    f->view.view.at_before = true; /* it was not */
    assert_string_equal(ask(f, &request, &result), "a|80|80|∅|2;b|20|20|∅|3");
}

/* The old file is read again for its row of second 80; its row of second 10 lost to an equal one of a later file. */
static void newest__old_file_read_again__does_not_bring_back_what_lost_a_tie(void **state) {
    fixture *f = *state;
    create(f);
    append(f, "('a', 10, 10, 1), ('a', 80, 80, 2)");
    int64_t second = append(f, "('a', 10, 10, 9)");
    assert_string_equal(ask_all(f, 50), "a|10|10|∅|9");
    floe_newest_request request = everything(f, 60);
    request.since_snapshot_id = second;
    request.since_us = 50 * SECOND;
    floe_newest_result result;
    assert_string_equal(ask(f, &request, &result), "");
    append(f, "('a', 80, 80, 3), ('b', 10, 10, 4)");
    request.as_of_us = 90 * SECOND; /* Now the appended file's row wins the tie at 80. */
    assert_string_equal(ask(f, &request, &result), "a|80|80|∅|3;b|10|10|∅|4");
}

static void newest__rewritten_table__asks_for_a_full_request(void **state) {
    fixture *f = *state;
    create(f);
    int64_t first = append(f, "('a', 10, 10, 1)");
    import_rows_of(&f->lake,
                   "SELECT 'a' AS k, TIMESTAMP '1970-01-01' AS ts, TIMESTAMP '1970-01-01' AS known, 9::BIGINT AS v",
                   (floe_import_request){.mode = FLOE_IMPORT_REPLACE});
    floe_newest_request request = everything(f, 100);
    request.since_snapshot_id = first;
    floe_newest_result result;
    (void)ask(f, &request, &result);
    assert_true(result.rewritten);
    request.since_snapshot_id = 123456; /* no snapshot of this table */
    (void)ask(f, &request, &result);
    assert_true(result.rewritten);
    request.since_snapshot_id = -1;
    assert_string_equal(ask(f, &request, &result), "a|0|0|∅|9");
    assert_false(result.rewritten);
}

/* Aggregates need all rows, whatever was synced before. */
static void newest__aggregates__are_never_incremental(void **state) {
    fixture *f = *state;
    view_fixture_add_sum(&f->view, 0);
    create(f);
    int64_t first = append(f, "('a', 10, 10, 1)");
    append(f, "('a', 20, 20, 2)");
    floe_newest_request request = everything(f, 100);
    request.since_snapshot_id = first;
    request.since_us = 50 * SECOND;
    request.want_aggregates = true;
    floe_newest_result result;
    assert_string_equal(ask(f, &request, &result), "a|20|20|∅|2|3");
}

/* ---- one after the other ---- */

/* The table "store" takes "newest" by the store's rule: a row wins unless the stored (event, created) is larger. */
static void write_to_store(fixture *f) {
    sql_run(&f->lake.sql,
            "CREATE OR REPLACE TEMP TABLE merged AS SELECT * EXCLUDE (turn) FROM (SELECT *, 1 AS turn FROM newest "
            "UNION ALL "
            "SELECT *, 0 AS turn FROM store) QUALIFY row_number() OVER (PARTITION BY k ORDER BY __event_ts DESC, "
            "coalesce(__created_ts, TIMESTAMP '0001-01-01') DESC, turn DESC) = 1;"
            "CREATE OR REPLACE TEMP TABLE store AS FROM merged");
}

static void append_random(fixture *f, floe_test_rng *rng) {
    FLOE_AUTO_BUF values;
    floe_buf_init(&values, FLOE_KIB(64));
    size_t count = 1 + floe_test_below(rng, 6);
    for (size_t i = 0; i < count; i++) {
        int64_t second = floe_test_between(rng, 0, 60);
        floe_buf_printf(&values, "%s('%c', %lld, %lld, %lld)", i > 0 ? ", " : "", (char)('a' + floe_test_below(rng, 4)),
                        (long long)second, (long long)(second + floe_test_between(rng, 0, 3)),
                        (long long)floe_test_between(rng, 0, 1000));
    }
    append(f, values.ptr);
}

static void newest__syncs_one_after_the_other__equal_one_over_everything(void **state) {
    uint64_t first_seed = floe_test_seed();
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + 12; seed++) {
        void *opened;
        assert_int_equal(open_fixture(&opened), 0);
        fixture *f = opened;
        floe_test_rng rng = floe_test_rng_of(seed);
        f->view.view.at_before = floe_test_below(&rng, 2);
        create(f);
        append_random(f, &rng);
        int64_t time_s = 5;
        (void)ask_all(f, time_s);
        sql_run(&f->lake.sql, "CREATE OR REPLACE TEMP TABLE store AS FROM newest");
        floe_newest_request request = everything(f, time_s);
        floe_newest_result result;
        (void)ask(f, &request, &result);
        for (int round = 0; round < 4; round++) {
            if (floe_test_below(&rng, 4) > 0) {
                append_random(f, &rng);
            }
            request.since_snapshot_id = result.snapshot_id;
            request.since_us = time_s * SECOND;
            time_s += floe_test_between(&rng, 0, 25);
            request.as_of_us = time_s * SECOND;
            (void)ask(f, &request, &result);
            assert_false(result.rewritten);
            if (!result.unchanged) {
                write_to_store(f);
            }
            const char *stored = sql_text(&f->lake.sql,
                                          "SELECT k, epoch(__event_ts)::BIGINT, epoch(__created_ts)::BIGINT, "
                                          "__end_ts, last FROM store ORDER BY k",
                                          NULL);
            const char *whole = ask_all(f, time_s);
            if (strcmp(stored, whole) != 0) {
                fail_msg("seed %llu, round %d: the store holds %s, everything at once gives %s",
                         (unsigned long long)seed, round, stored, whole);
            }
        }
        close_fixture(&opened);
    }
}

#define with_lake(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_lake(newest__full__gives_one_row_per_key_by_the_rule),
        with_lake(newest__row_at_the_time__depends_on_at),
        with_lake(newest__ttl__is_not_judged),
        with_lake(newest__aggregates__end_at_the_time_and_keep_quiet_keys),
        with_lake(newest__empty_table__has_no_rows),
        with_lake(newest__pinned_snapshot__does_not_see_later_files),
        with_lake(newest__incremental__reads_what_was_appended),
        with_lake(newest__rows_dated_after_the_last_sync__are_read_again),
        with_lake(newest__old_file_read_again__does_not_bring_back_what_lost_a_tie),
        with_lake(newest__rewritten_table__asks_for_a_full_request),
        with_lake(newest__aggregates__are_never_incremental),
        cmocka_unit_test(newest__syncs_one_after_the_other__equal_one_over_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
