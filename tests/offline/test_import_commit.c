/*
 * What an import leaves when it does not get through: failing writes, cancelling, a killed process, a full disk, another
 * writer. A table is as it was, or has the new snapshot whole; files are left only by a process that was killed.
 * timeout: 600
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/import_support.h"

#include "core/file.h"
#include "core/limits.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static import_fixture fixture;

static int set_up(void **state) {
    (void)state;
    import_fixture_open(&fixture);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    import_fixture_close(&fixture);
    return 0;
}

#define CREATE ((floe_import_request){.mode = FLOE_IMPORT_CREATE})
#define APPEND ((floe_import_request){.mode = FLOE_IMPORT_APPEND})
#define REPLACE ((floe_import_request){.mode = FLOE_IMPORT_REPLACE})

/* ---- failing writes ---- */

/* The table as it is before each try of a sweep: none, or one row. */
static void start_over(bool with_table) {
    floe_error err = {0};
    must(floe_file_remove_all(fixture.warehouse, &err), &err);
    if (with_table) {
        import_rows_of(&fixture, "SELECT range AS n, range % 2 AS k FROM range(1)", CREATE);
    }
}

/* Fails the n-th call to the operating system for every n that there is. A call whose failure changes nothing (is there a
 * file? the hint of the newest version) may let the import through; then the result must be whole. */
static void sweep(bool with_table, floe_import_request request, const char *before, const char *after) {
    const char *file = input_file(&fixture, "sweep.parquet", "SELECT range + 10 AS n, range % 2 AS k FROM range(2)");
    int refused = 0;
    bool reached = true;
    for (uint64_t nth = 1; reached; nth++) {
        floe_error err = {0};
        start_over(with_table);
        size_t files = count_files(fixture.warehouse);
        floe_file_fail_at(nth, ENOSPC);
        floe_status status = import_one(&fixture, file, request, &err);
        reached = floe_file_fail_count() >= nth;
        floe_file_fail_off();
        if (floe_failed(status) && count_files(fixture.warehouse) != files) {
            fail_msg("call %d left something: %s", (int)nth, err.message);
        }
        assert_string_equal(table_text(&fixture), floe_failed(status) ? before : after);
        refused += floe_failed(status);
    }
    assert_true(refused > 5);
}

static void create__nth_write_fails__leaves_nothing(void **state) {
    (void)state;
    sweep(false, (floe_import_request){.partition = "k"}, "", "10|0;11|1");
}

static void append__nth_write_fails__leaves_the_table_as_it_was(void **state) {
    (void)state;
    sweep(true, APPEND, "0|0", "0|0;10|0;11|1");
}

static void replace__nth_write_fails__leaves_the_table_as_it_was(void **state) {
    (void)state;
    sweep(true, REPLACE, "0|0", "10|0;11|1");
}

/* A limit on file sizes makes the engine's own write fail half way, as a full disk does. */
static void append__data_file_cannot_be_written__is_one_message_and_no_file(void **state) {
    (void)state;
    floe_error err = {0};
    struct rlimit limit, small;
    import_rows_of(&fixture, "SELECT 1::BIGINT AS n, 2::UBIGINT AS h", CREATE);
    const char *file = input_file(&fixture, "big.parquet", "SELECT range AS n, hash(range) AS h FROM range(1000000)");
    size_t files = count_files(fixture.warehouse);
    const char *before = table_text(&fixture);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){1 << 20, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    floe_status status = import_one(&fixture, file, APPEND, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(status.code, FLOE_IO);
    assert_non_null(strstr(err.message, ".parquet"));
    assert_null(strchr(err.message, '\n'));
    assert_int_equal(count_files(fixture.warehouse), files);
    assert_string_equal(table_text(&fixture), before);
}

/* ---- cancelling ---- */

static void cancel_at(void *context, const char *step, double fraction) {
    (void)fraction;
    if (strcmp(step, context) == 0) {
        atomic_store(&fixture.sql.cancelled, true);
    }
}

static void cancelled__at_every_step__leaves_nothing(void **state) {
    (void)state;
    char *steps[] = {"reading and sorting", "writing", "committing"};
    const char *file = input_file(&fixture, "c.parquet", "SELECT range AS n, range % 5 AS k FROM range(1000)");
    fixture.sql.run.progress = cancel_at;
    for (size_t i = 0; i < 3; i++) {
        floe_error err = {0};
        fixture.sql.run.progress_context = steps[i];
        floe_status status = import_one(&fixture, file, (floe_import_request){.partition = "k"}, &err);
        atomic_store(&fixture.sql.cancelled, false);
        assert_int_equal(status.code, FLOE_CANCELLED);
        assert_int_equal(count_files(fixture.warehouse), 0);
        char table[400];
        snprintf(table, sizeof table, "%s/ns/t", fixture.warehouse);
        assert_false(floe_file_exists(table));
    }
    fixture.sql.run.progress = NULL;
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
}

/* ---- other processes ---- */

/* In a process of its own: engines and their threads do not survive a fork. */
static pid_t in_child(void (*work)(import_fixture *own, int number), int number) {
    pid_t child = fork();
    if (child == 0) {
        import_fixture own;
        char warehouse[300];
        snprintf(warehouse, sizeof warehouse, "%s", fixture.warehouse);
        import_fixture_open(&own);
        snprintf(own.warehouse, sizeof own.warehouse, "%s", warehouse);
        floe_lake_close(&own.lake);
        floe_error err = {0};
        own.definition.warehouse = floe_str_of(own.warehouse);
        if (floe_failed(floe_lake_open(&own.definition, 1, &own.sql.run, &own.lake, &err))) {
            _exit(9);
        }
        work(&own, number);
        import_fixture_close(&own);
        _exit(0);
    }
    return child;
}

static int wait_for(pid_t child) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void die_at(void *context, const char *step, double fraction) {
    (void)fraction;
    if (strcmp(step, context) == 0) {
        kill(getpid(), SIGKILL);
    }
}

static char *const STEPS[] = {"reading and sorting", "writing", "committing"};

static void import_and_die(import_fixture *own, int number) {
    floe_error err = {0};
    const char *file = input_file(own, "d.parquet", "SELECT 100 + range AS n, range % 2 AS k FROM range(4)");
    own->sql.run.progress = die_at;
    own->sql.run.progress_context = STEPS[number];
    FLOE_IGNORE(import_one(own, file, APPEND, &err));
}

static void killed__before_the_commit__table_is_readable_and_goes_on(void **state) {
    (void)state;
    floe_import_request request = {.partition = "k"};
    import_rows_of(&fixture, "SELECT 1::BIGINT AS n, 0::BIGINT AS k", request);
    for (int step = 0; step < 3; step++) {
        int status = wait_for(in_child(import_and_die, step));
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_string_equal(table_text(&fixture), "1|0");
    }
    import_rows_of(&fixture, "SELECT 2::BIGINT AS n, 0::BIGINT AS k", APPEND);
    assert_string_equal(table_text(&fixture), "1|0;2|0");
}

#define WRITERS 3
#define APPENDS 6

static void append_often(import_fixture *own, int number) {
    for (int i = 0; i < APPENDS; i++) {
        floe_error err = {0};
        char query[200];
        snprintf(query, sizeof query, "SELECT %d AS n", number * 100 + i);
        floe_status status = import_one(own, input_file(own, "a.parquet", query), APPEND, &err);
        if (floe_failed(status)) {
            fprintf(stderr, "writer %d: %s\n", number, err.message);
            _exit(1);
        }
    }
}

/* Every append of every writer is there once, and each writer's rows are in the order of its appends. */
static void concurrent__appends_of_several_processes__all_land(void **state) {
    (void)state;
    import_rows_of(&fixture, "SELECT -1 AS n", CREATE);
    pid_t children[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        children[i] = in_child(append_often, i);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = wait_for(children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    int next[WRITERS] = {0};
    int rows = 0;
    char *text = floe_arena_strdup(&fixture.sql.arena, table_text(&fixture));
    char *rest = text;
    for (char *cell = strtok_r(text, ";", &rest); cell; cell = strtok_r(NULL, ";", &rest), rows++) {
        int n = atoi(cell);
        if (n >= 0) {
            assert_int_equal(n % 100, next[n / 100]++);
        }
    }
    assert_int_equal(rows, 1 + WRITERS * APPENDS);
    const floe_node *root = table_document(&fixture);
    assert_int_equal(floe_node_get(root, "snapshots")->count, 1 + WRITERS * APPENDS);
    assert_int_equal(floe_node_get(root, "last-sequence-number")->as.integer, 1 + WRITERS * APPENDS);
    /* metadata files, lists and manifests of lost attempts are gone: one each and the hint */
    char folder[400];
    snprintf(folder, sizeof folder, "%s/ns/t/metadata", fixture.warehouse);
    assert_int_equal(count_files(folder), 3 * (1 + WRITERS * APPENDS) + 1);
}

static void create_once(import_fixture *own, int number) {
    floe_error err = {0};
    char query[200];
    snprintf(query, sizeof query, "SELECT %d AS n", number);
    floe_status status = import_one(own, input_file(own, "a.parquet", query), CREATE, &err);
    import_fixture_close(own);
    _exit(floe_failed(status) ? (status.code == FLOE_CONFLICT ? 2 : 1) : 0);
}

static void concurrent__creates__one_wins_and_the_others_say_so(void **state) {
    (void)state;
    pid_t children[WRITERS];
    int won = 0;
    for (int i = 0; i < WRITERS; i++) {
        children[i] = in_child(create_once, i);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = wait_for(children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        won += WEXITSTATUS(status) == 0;
    }
    assert_int_equal(won, 1);
    assert_int_equal(strlen(table_text(&fixture)), 1);
    assert_int_equal(count_files(fixture.warehouse), 5); /* data, manifest, list, metadata, hint: the winner's alone */
}

/* Another writer replaces the table with other columns while the import writes: its files' ids would be wrong. */
static void replace_meanwhile(void *context, const char *step, double fraction) {
    (void)fraction;
    if (strcmp(step, "committing") == 0) {
        floe_error err = {0};
        floe_lake *lake = NULL;
        fixture.sql.run.progress = NULL;
        must(floe_lake_open(&fixture.definition, 1, NULL, &lake, &err), &err);
        const char *file = context;
        floe_import_request request = {
            .files = &file, .file_count = 1, .table = "lake.ns.t", .mode = FLOE_IMPORT_REPLACE};
        floe_import_result result;
        must(floe_table_import(lake, &request, NULL, &result, &err), &err);
        floe_lake_close(&lake);
    }
}

static void concurrent__schema_changed_meanwhile__is_conflict_and_leaves_no_file(void **state) {
    (void)state;
    floe_error err = {0};
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    char *other = floe_arena_strdup(&fixture.sql.arena, input_file(&fixture, "o.parquet", "SELECT 'x' AS other"));
    const char *file = input_file(&fixture, "a.parquet", "SELECT 2 AS n");
    fixture.sql.run.progress = replace_meanwhile;
    fixture.sql.run.progress_context = other;
    floe_status status = import_one(&fixture, file, APPEND, &err);
    assert_int_equal(status.code, FLOE_CONFLICT);
    assert_non_null(strstr(err.message, "changed during the import"));
    assert_string_equal(table_text(&fixture), "x");
    char folder[400];
    snprintf(folder, sizeof folder, "%s/ns/t/data", fixture.warehouse);
    assert_int_equal(count_files(folder), 2); /* the first rows, kept for history, and the replacement's */
}

/* The same with the same columns: both land, the append on top of the replacement. */
static void concurrent__replaced_meanwhile__append_is_tried_again(void **state) {
    (void)state;
    floe_error err = {0};
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    char *other = floe_arena_strdup(&fixture.sql.arena, input_file(&fixture, "o.parquet", "SELECT 5 AS n"));
    const char *file = input_file(&fixture, "a.parquet", "SELECT 2 AS n");
    fixture.sql.run.progress = replace_meanwhile;
    fixture.sql.run.progress_context = other;
    must(import_one(&fixture, file, APPEND, &err), &err);
    assert_string_equal(table_text(&fixture), "5;2");
}

static void concurrent__replace_after_replace__last_one_stands(void **state) {
    (void)state;
    floe_error err = {0};
    import_rows_of(&fixture, "SELECT 1 AS n", CREATE);
    char *other = floe_arena_strdup(&fixture.sql.arena, input_file(&fixture, "o.parquet", "SELECT 5 AS n"));
    const char *file = input_file(&fixture, "a.parquet", "SELECT 2 AS n");
    fixture.sql.run.progress = replace_meanwhile;
    fixture.sql.run.progress_context = other;
    must(import_one(&fixture, file, REPLACE, &err), &err);
    assert_string_equal(table_text(&fixture), "2");
    assert_int_equal(floe_node_get(table_document(&fixture), "snapshots")->count, 3);
}

#define COMMIT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        COMMIT_TEST(create__nth_write_fails__leaves_nothing),
        COMMIT_TEST(append__nth_write_fails__leaves_the_table_as_it_was),
        COMMIT_TEST(replace__nth_write_fails__leaves_the_table_as_it_was),
        COMMIT_TEST(append__data_file_cannot_be_written__is_one_message_and_no_file),
        COMMIT_TEST(cancelled__at_every_step__leaves_nothing),
        COMMIT_TEST(killed__before_the_commit__table_is_readable_and_goes_on),
        COMMIT_TEST(concurrent__appends_of_several_processes__all_land),
        COMMIT_TEST(concurrent__creates__one_wins_and_the_others_say_so),
        COMMIT_TEST(concurrent__schema_changed_meanwhile__is_conflict_and_leaves_no_file),
        COMMIT_TEST(concurrent__replaced_meanwhile__append_is_tried_again),
        COMMIT_TEST(concurrent__replace_after_replace__last_one_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
