/*
 * Compaction of tables made by hand: what becomes one file, which data sequence number and place it gets, which deletes
 * are applied and go, what others may commit meanwhile, and what a failure leaves. That the rows and their order stay is
 * the rule of offline.h; sequence numbers follow from the spec ("Sequence Numbers", "Scan Planning").
 * timeout: 600
 */
#include "tests/offline/dv_support.h"
#include "tests/offline/maintain_support.h"

#include "core/mem.h"
#include "offline/maintain/maintain_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static maintain_world world;

static int close_world(void **state) {
    (void)state;
    maintain_close(&world);
    return 0;
}

static int open_v2(void **state) {
    (void)state;
    maintain_open(&world, 2, false);
    return 0;
}

static int open_partitioned(void **state) {
    (void)state;
    maintain_open(&world, 2, true);
    return 0;
}

static int open_v3(void **state) {
    (void)state;
    maintain_open(&world, 3, false);
    return 0;
}

static int open_v1(void **state) {
    (void)state;
    maintain_open(&world, 1, false);
    return 0;
}

#define ROWS(name, values) maintain_append(&world, maintain_rows(&world, name, values, ""))
#define ROWS_OF(name, values, s) maintain_append(&world, maintain_rows(&world, name, values, s))

static floe_compact_result compact(int64_t target_bytes, const char *where) {
    floe_error err = {0};
    floe_compact_result result = {0};
    floe_compact_request request = {.table = "lake.ns.t", .target_bytes = target_bytes, .where = where};
    assert_ok(floe_table_compact(world.lake, &request, &world.run, &result, &err), &err);
    return result;
}

static floe_status try_compact(floe_error *err) {
    floe_compact_result result = {0};
    floe_compact_request request = {.table = "lake.ns.t"};
    return floe_table_compact(world.lake, &request, &world.run, &result, err);
}

static const char *summary(const char *key) {
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(metadata, metadata->current_snapshot_id);
    const floe_node *text = floe_node_get(snapshot->summary, key);
    return text ? floe_arena_str(&world.ice.arena, text->text).ptr : "absent";
}

/* ---- what becomes one ---- */

static void files__small_neighbours__become_one_in_order(void **state) {
    (void)state;
    ROWS("b.parquet", "(1, 'x'), (2, 'y')");
    ROWS("a.parquet", "(3, NULL)");
    ROWS("c.parquet", "(0, 'z'), (9, 'w')");
    maintain_write(&world);
    const char *before = maintain_text(&world, NULL);
    assert_string_equal(before, "1|x;2|y;3|∅;0|z;9|w");
    floe_compact_result result = compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), before);
    assert_string_equal(maintain_files(&world), "c-c:3 | 0");
    assert_int_equal(result.files_before, 3);
    assert_int_equal(result.files_after, 1);
    assert_int_equal(result.rows_after, 5);
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(metadata, result.snapshot_id);
    assert_true(floe_str_is(snapshot->operation, "replace"));
    assert_int_equal(metadata->current_snapshot_id, result.snapshot_id);
    assert_int_equal(snapshot->parent_id, 3);
    assert_int_equal(metadata->last_sequence_number, 4);
    assert_string_equal(summary("added-data-files"), "1");
    assert_string_equal(summary("deleted-data-files"), "3");
    assert_string_equal(summary("added-records"), "5");
    assert_string_equal(summary("deleted-records"), "5");
}

static void files__one_alone_and_whole__is_left(void **state) {
    (void)state;
    ROWS("a.parquet", "(1, 'x')");
    maintain_write(&world);
    floe_compact_result result = compact(0, NULL);
    assert_int_equal(result.snapshot_id, -1);
    assert_int_equal(result.files_before, 0);
    assert_string_equal(maintain_files(&world), "a.parquet:1 | 0");
    assert_int_equal(maintain_metadata(&world)->snapshot_count, 1);
}

static void files__twice__finds_nothing_the_second_time(void **state) {
    (void)state;
    ROWS("a.parquet", "(1, 'x')");
    ROWS("b.parquet", "(2, 'x')");
    maintain_write(&world);
    assert_true(compact(0, NULL).snapshot_id > 0);
    assert_int_equal(compact(0, NULL).snapshot_id, -1);
}

/* Five files of about 400 bytes; a target of 1000 takes two at a time. */
static void files__target__ends_a_run(void **state) {
    (void)state;
    for (int i = 1; i <= 5; i++) {
        ROWS(ice_text(&world.ice, "%d.parquet", i), ice_text(&world.ice, "(%d, 'x')", i));
    }
    maintain_write(&world);
    uint64_t len = 0;
    floe_error err = {0};
    assert_ok(floe_file_len(maintain_path(&world, "1.parquet"), &len, &err), &err);
    compact((int64_t)len * 5 / 2, NULL);
    assert_string_equal(maintain_files(&world), "2-c:2 4-c:4 5.parquet:5 | 0");
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;4;5");
}

/* A file over three quarters of the target stays where it is, and nothing is put together across it. */
static void files__large_one_between__parts_its_neighbours(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'x')");
    ROWS("2.parquet", "(2, 'x')");
    maintain_append(
        &world, ice_added(ice_parquet(&world.ice, "3.parquet",
                                      "SELECT range AS k, hash(range)::VARCHAR AS s FROM range(3, 5)", "k: 1, s: 2"),
                          2));
    ROWS("4.parquet", "(5, 'x')");
    ROWS("5.parquet", "(6, 'x')");
    ice_entry large = maintain_rows(&world, "6.parquet", "(7, 'x')", "");
    large.file_len = 100000;
    maintain_append(&world, large);
    ROWS("7.parquet", "(8, 'x')");
    ROWS("8.parquet", "(9, 'x')");
    maintain_write(&world);
    compact(20000, NULL);
    assert_string_equal(maintain_files(&world), "5-c:5 6.parquet:6 8-c:8 | 0");
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;4;5;6;7;8;9");
}

static void files__partitions__are_kept_apart(void **state) {
    (void)state;
    ROWS_OF("1.parquet", "(1, 'a')", "a");
    ROWS_OF("2.parquet", "(2, 'b')", "b");
    ROWS_OF("3.parquet", "(3, 'a')", "a");
    ROWS_OF("4.parquet", "(4, NULL)", "null");
    ROWS_OF("5.parquet", "(5, NULL)", "null");
    maintain_write(&world);
    floe_compact_result result = compact(0, NULL);
    assert_int_equal(result.partitions, 3);
    assert_string_equal(maintain_files(&world), "2.parquet:2 3-c:3 5-c:5 | 0");
    assert_string_equal(maintain_text(&world, NULL), "2|b;1|a;3|a;4|∅;5|∅");
}

static void files__where__takes_only_files_that_may_hold_such_rows(void **state) {
    (void)state;
    ROWS_OF("1.parquet", "(1, 'a')", "a");
    ROWS_OF("2.parquet", "(2, 'b')", "b");
    ROWS_OF("3.parquet", "(3, 'a')", "a");
    ROWS_OF("4.parquet", "(4, 'b')", "b");
    maintain_write(&world);
    compact(0, "s = 'b'");
    assert_string_equal(maintain_files(&world), "1.parquet:1 3.parquet:3 4-c:4 | 0");
}

static void where__not_understood__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_compact_result result = {0};
    ROWS("1.parquet", "(1, 'a')");
    maintain_write(&world);
    floe_compact_request request = {.table = "lake.ns.t", .where = "nowhere = 1"};
    assert_true(floe_failed(floe_table_compact(world.lake, &request, &world.run, &result, &err)));
    assert_non_null(strstr(err.message, "--where"));
    assert_non_null(strstr(err.message, "nowhere"));
}

/* Version 1 knows no sequence numbers: the path alone is the order. */
static void files__version_1__stay_in_the_order_of_paths(void **state) {
    (void)state;
    ROWS("c.parquet", "(3, 'x')");
    ROWS("a.parquet", "(1, 'x')");
    ROWS("b.parquet", "(2, 'x')");
    maintain_write(&world);
    const char *before = maintain_text(&world, NULL);
    assert_string_equal(before, "1|x;2|x;3|x");
    compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), before);
    assert_string_equal(maintain_files(&world), "c-c:0 | 0");
    assert_int_equal(maintain_metadata(&world)->format_version, 1);
}

/* ---- deletes ---- */

static void deletes__by_position__are_applied_and_go(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'x'), (2, 'y'), (3, 'z')");
    maintain_delete_position(&world, "d.parquet", "1.parquet", 1, "");
    maintain_write(&world);
    floe_compact_result result = compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), "1|x;3|z");
    assert_string_equal(maintain_files(&world), "1-c:1 | 0");
    assert_int_equal(result.rows_before - result.rows_after, 1);
    assert_int_equal(result.delete_files, 1);
    assert_string_equal(summary("removed-delete-files"), "1");
    assert_string_equal(summary("removed-position-deletes"), "1");
}

/* A row that came after the delete of its key stays, though it lies in one file with one that went. */
static void deletes__by_key__leave_younger_rows(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'old'), (2, 'x')");
    maintain_delete_key(&world, "d.parquet", 1, "");
    ROWS("2.parquet", "(1, 'new')");
    maintain_write(&world);
    compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), "2|x;1|new");
    assert_string_equal(maintain_files(&world), "2-c:3 | 0");
    assert_string_equal(summary("removed-equality-deletes"), "1");
}

static void deletes__every_row__leave_no_file(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'x')");
    maintain_delete_key(&world, "d.parquet", 1, "");
    maintain_write(&world);
    floe_compact_result result = compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), "");
    assert_string_equal(maintain_files(&world), "| 0");
    assert_int_equal(result.files_after, 0);
    assert_string_equal(summary("total-records"), "0");
}

static void deletes__large_file__is_rewritten_for_them(void **state) {
    (void)state;
    ice_entry large = maintain_rows(&world, "1.parquet", "(1, 'x'), (2, 'y')", "");
    large.file_len = 1000000;
    maintain_append(&world, large);
    maintain_delete_position(&world, "d.parquet", "1.parquet", 0, "");
    maintain_write(&world);
    compact(1000, NULL);
    assert_string_equal(maintain_text(&world, NULL), "2|y");
    assert_string_equal(maintain_files(&world), "1-c:1 | 0");
}

/* What still applies to a file that the filter left out must stay. */
static void deletes__that_still_apply_elsewhere__stay(void **state) {
    (void)state;
    ROWS_OF("1.parquet", "(1, 'a')", "a");
    ROWS_OF("2.parquet", "(1, 'b'), (2, 'b')", "b");
    maintain_delete_key(&world, "d1.parquet", 1, "a");
    maintain_delete_key(&world, "d2.parquet", 1, "b");
    maintain_write(&world);
    floe_compact_result result = compact(0, "s = 'a'");
    assert_int_equal(result.delete_files, 1);
    assert_string_equal(maintain_text(&world, NULL), "2|b");
    assert_string_equal(maintain_files(&world), "2.parquet:2 | 1");
    compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), "2|b");
    assert_string_equal(maintain_files(&world), "2-c:2 | 0");
}

static void deletes__that_apply_to_nothing__go_alone(void **state) {
    (void)state;
    maintain_delete_key(&world, "d.parquet", 1, "");
    ROWS("1.parquet", "(1, 'x')");
    maintain_write(&world);
    floe_compact_result result = compact(0, NULL);
    assert_int_equal(result.delete_files, 1);
    assert_int_equal(result.files_before, 0);
    assert_true(result.snapshot_id > 0);
    assert_string_equal(maintain_files(&world), "1.parquet:2 | 0");
    assert_string_equal(maintain_text(&world, NULL), "1|x");
}

/* ---- version 3 ---- */

static void remove_by_vector(const char *data_name, const uint64_t *positions, size_t count) {
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    dv_encode(positions, count, false, &blob);
    ice_write_file(maintain_path(&world, "v.bin"), floe_buf_view(&blob));
    ice_entry entry = ice_added(maintain_path(&world, "v.bin"), (int64_t)count);
    entry.content = 1;
    entry.format = "PUFFIN";
    entry.referenced = maintain_path(&world, data_name);
    entry.content_len = (int64_t)blob.len;
    ice_table_add(&world.ice.table, "delete", 1, &entry, 1);
}

/* The support's lists give data manifests the first row id snapshot * 1000. */
static void lineage__rows__keep_ids_and_sequence_numbers(void **state) {
    (void)state;
    static const uint64_t SECOND[] = {1};
    ROWS("1.parquet", "(1, 'a'), (2, 'b'), (3, 'c')");
    ROWS("2.parquet", "(4, 'd')");
    remove_by_vector("1.parquet", SECOND, 1);
    maintain_write(&world);
    const char *before = maintain_text(&world, "k,_row_id,_last_updated_sequence_number");
    assert_string_equal(before, "1|1000|1;3|1002|1;4|2000|2");
    floe_compact_result result = compact(0, NULL);
    assert_int_equal(result.delete_files, 1);
    assert_string_equal(maintain_files(&world), "2-c:2 | 0");
    assert_string_equal(maintain_text(&world, "k,_row_id,_last_updated_sequence_number"), before);
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    assert_int_equal(metadata->format_version, 3);
    assert_non_null(floe_node_get(metadata->root, "next-row-id"));
    /* Appended to and compacted again, the old rows still have theirs. */
    floe_error err = {0};
    const char *file = ice_parquet(&world.ice, "in.parquet", "SELECT 9::BIGINT AS k, 'n' AS s", "");
    floe_import_request request = {.files = &file, .file_count = 1, .table = "lake.ns.t", .mode = FLOE_IMPORT_APPEND};
    floe_import_result imported;
    assert_ok(floe_table_import(world.lake, &request, &world.run, &imported, &err), &err);
    const char *with_new = maintain_text(&world, "k,_row_id,_last_updated_sequence_number");
    assert_memory_equal(with_new, before, strlen(before));
    compact(0, NULL);
    assert_string_equal(maintain_text(&world, "k,_row_id,_last_updated_sequence_number"), with_new);
    assert_string_equal(maintain_text(&world, NULL), "1|a;3|c;4|d;9|n");
}

/* ---- somebody else meanwhile ---- */

static void (*meanwhile)(void);

static void act_once(void *context, const char *step, double fraction) {
    (void)context;
    (void)fraction;
    if (meanwhile && strcmp(step, "committing") == 0) {
        void (*act)(void) = meanwhile;
        meanwhile = NULL;
        act();
    }
}

static void write_rows_by_floe(floe_import_mode mode) {
    floe_error err = {0};
    floe_lake *lake = NULL;
    floe_import_result imported;
    const char *file = ice_parquet(&world.ice, "in.parquet", "SELECT 7::BIGINT AS k, 'n' AS s", "");
    floe_import_request request = {.files = &file, .file_count = 1, .table = "lake.ns.t", .mode = mode};
    assert_ok(floe_lake_open(&world.definition, 1, NULL, &lake, &err), &err);
    assert_ok(floe_table_import(lake, &request, NULL, &imported, &err), &err);
    floe_lake_close(&lake);
}

static void append_meanwhile(void) {
    write_rows_by_floe(FLOE_IMPORT_APPEND);
}

static void replace_meanwhile(void) {
    write_rows_by_floe(FLOE_IMPORT_REPLACE);
}

static void compact_meanwhile(void) {
    floe_error err = {0};
    floe_lake *lake = NULL;
    floe_compact_result result;
    floe_compact_request request = {.table = "lake.ns.t"};
    assert_ok(floe_lake_open(&world.definition, 1, NULL, &lake, &err), &err);
    assert_ok(floe_table_compact(lake, &request, NULL, &result, &err), &err);
    floe_lake_close(&lake);
}

/* The writer by hand counts on from its own snapshots, which is what a writer that started from the same state does. */
static void position_delete_meanwhile(void) {
    maintain_delete_position(&world, "late.parquet", "1.parquet", 0, "");
    maintain_write(&world);
}

static void key_delete_meanwhile(void) {
    maintain_delete_key(&world, "late.parquet", 2, "");
    maintain_write(&world);
}

static void two_files(void) {
    ROWS("1.parquet", "(1, 'x'), (2, 'y')");
    ROWS("2.parquet", "(3, 'z')");
    maintain_write(&world);
    world.run.progress = act_once;
}

static void concurrent__append__is_built_upon(void **state) {
    (void)state;
    two_files();
    meanwhile = append_meanwhile;
    compact(0, NULL);
    assert_string_equal(maintain_text(&world, NULL), "1|x;2|y;3|z;7|n");
    assert_int_equal(maintain_metadata(&world)->snapshot_count, 4);
}

/* It is younger than the new file, which has the sequence number of what it replaced, and so applies to it. */
static void concurrent__delete_by_key__applies_to_the_new_file(void **state) {
    (void)state;
    two_files();
    meanwhile = key_delete_meanwhile;
    compact(0, NULL);
    maintain_expect_set(&world, "1|x;3|z");
    assert_string_equal(maintain_files(&world), "2-c:2 | 1");
}

/* Whether a file's name begins so. Inside of a name the same signs may stand by chance: ids are of hexadecimal digits and dashes. */
static bool has_file(const char *name) {
    floe_str rest = floe_str_of(maintain_listing(&world));
    floe_str line = {0};
    while (floe_str_split(&rest, '\n', &line)) {
        const char *slash = line.len == 0 ? NULL : memrchr(line.ptr, '/', line.len);
        size_t folder_len = slash == NULL ? 0 : (size_t)(slash + 1 - line.ptr);
        floe_str file = {line.ptr + folder_len, line.len - folder_len};
        if (floe_str_starts_with(file, floe_str_of(name))) {
            return true;
        }
    }
    return false;
}

static void expect_conflict(void (*act)(void), const char *rows) {
    floe_error err = {0};
    two_files();
    meanwhile = act;
    assert_int_equal(try_compact(&err).code, FLOE_CONFLICT);
    assert_non_null(strstr(err.message, "lake.ns.t"));
    assert_non_null(strstr(err.message, "during the compaction"));
    assert_string_equal(maintain_text(&world, NULL), rows);
}

static void concurrent__delete_by_position__is_conflict(void **state) {
    (void)state;
    expect_conflict(position_delete_meanwhile, "2|y;3|z");
    /* one delete file, its manifest, list and metadata file are new; of the compaction nothing is left */
    assert_true(has_file("late.parquet"));
    assert_false(has_file("1-c") || has_file("2-c"));
}

static void concurrent__replace__is_conflict(void **state) {
    (void)state;
    expect_conflict(replace_meanwhile, "7|n");
    assert_false(has_file("1-c") || has_file("2-c"));
}

static void concurrent__compaction__is_conflict(void **state) {
    (void)state;
    expect_conflict(compact_meanwhile, "1|x;2|y;3|z");
}

/* ---- failures ---- */

static void failure__nth_call__leaves_the_table_and_no_file(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'x'), (2, 'y')");
    maintain_delete_position(&world, "d.parquet", "1.parquet", 0, "");
    ROWS("2.parquet", "(3, 'z')");
    maintain_write(&world);
    const char *before = maintain_listing(&world);
    int refused = 0;
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        floe_file_fail_at(nth, ENOSPC);
        floe_status status = try_compact(&err);
        bool reached = floe_file_fail_count() >= nth;
        floe_file_fail_off();
        if (!floe_failed(status)) {
            assert_string_equal(maintain_text(&world, NULL), "2|y;3|z");
            assert_true(!reached || refused > 5);
            break;
        }
        refused++;
        assert_true(strlen(err.message) > 0);
        assert_string_equal(maintain_listing(&world), before);
        assert_string_equal(maintain_text(&world, NULL), "2|y;3|z");
    }
    assert_true(refused > 5);
}

static void cancel(void *context, const char *step, double fraction) {
    (void)fraction;
    if (strcmp(step, context) == 0) {
        atomic_store(&world.cancelled, true);
    }
}

static void cancelled__at_every_step__leaves_nothing(void **state) {
    (void)state;
    ROWS("1.parquet", "(1, 'x')");
    ROWS("2.parquet", "(3, 'z')");
    maintain_write(&world);
    const char *before = maintain_listing(&world);
    char *steps[] = {"rewriting", "committing"};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        world.run.progress = cancel;
        world.run.progress_context = steps[i];
        assert_int_equal(try_compact(&err).code, FLOE_CANCELLED);
        atomic_store(&world.cancelled, false);
        assert_string_equal(maintain_listing(&world), before);
    }
}

static void type__that_floe_cannot_write__is_refused_by_name(void **state) {
    (void)state;
    floe_error err = {0};
    world.ice.table.schemas = "[" SCHEMA(
        "0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"") "," FIELD("3", "f", "\"fixed[4]\"")) "]";
    ROWS("1.parquet", "(1, 'x')");
    ROWS("2.parquet", "(3, 'z')");
    maintain_write(&world);
    assert_int_equal(try_compact(&err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "\"f\""));
    assert_non_null(strstr(err.message, "fixed[4]"));
}

static void table__that_is_not_there__is_said(void **state) {
    (void)state;
    floe_error err = {0};
    assert_int_equal(try_compact(&err).code, FLOE_NOT_FOUND);
}

/* ---- names ---- */

static void expect_between(const char *low, const char *high, const char *near, const char *path) {
    floe_error err = {0};
    floe_str found = {0};
    assert_ok(floe_compact_path_between(floe_str_of(low), floe_str_of(high), floe_str_of(near), "0123abcd",
                                        &world.ice.arena, &found, &err),
              &err);
    if (path) {
        assert_true(floe_str_is(found, path));
    } else {
        assert_null(found.ptr);
    }
}

static void path__between__is_the_shortest_that_fits(void **state) {
    (void)state;
    expect_between(NULL, NULL, "/d/1.parquet", "/d/1-c0123abcd.parquet");
    expect_between("/d/0.parquet", "/d/2.parquet", "/d/1.parquet", "/d/1-c0123abcd.parquet");
    /* the mark of an earlier compaction is replaced, not lengthened */
    expect_between(NULL, NULL, "/d/1-cffffffff.parquet", "/d/1-c0123abcd.parquet");
    /* "-" sorts before "." and what comes before the file: the whole name must stay */
    expect_between("/d/1-x.parquet", NULL, "/d/1.parquet", "/d/1.parquet-c0123abcd.parquet");
    expect_between("/d/1-cfffffffe.parquet", NULL, "/d/1-cffffffff.parquet", "/d/1-cffffffff-c0123abcd.parquet");
    /* no Parquet ending, or another writer's */
    expect_between(NULL, NULL, "/d/part-7", "/d/part-7-c0123abcd.parquet");
    expect_between(NULL, NULL, "x", "x-c0123abcd.parquet");
    /* the next file begins with every name that could be given */
    expect_between("/d/1.parquet", "/d/1.parquet-", "/d/1.parquet", NULL);
}

static void put_random_path(unsigned *seed, char *out, size_t capacity) {
    static const char ALPHABET[] = "-.0c/a~";
    size_t len = 1 + (size_t)(rand_r(seed) % 12);
    for (size_t i = 0; i < len && i + 1 < capacity; i++) {
        out[i] = ALPHABET[rand_r(seed) % (int)(sizeof ALPHABET - 1)];
        out[i + 1] = 0;
    }
}

/* Of three random names in order, the answer lies strictly between the outer ones, or there is none. */
static void path__between_random_neighbours__lies_between(void **state) {
    (void)state;
    unsigned seed = getenv("FLOE_TEST_SEED") ? (unsigned)atoi(getenv("FLOE_TEST_SEED")) : 20011;
    print_message("seed %u\n", seed);
    int found = 0;
    for (int i = 0; i < 20000; i++) {
        char names[3][16];
        floe_error err = {0};
        floe_str path = {0};
        for (size_t n = 0; n < 3; n++) {
            put_random_path(&seed, names[n], sizeof names[n]);
        }
        qsort(names, 3, sizeof names[0], (int (*)(const void *, const void *))strcmp);
        if (strcmp(names[0], names[1]) == 0 || strcmp(names[1], names[2]) == 0) {
            continue;
        }
        assert_ok(floe_compact_path_between(floe_str_of(names[0]), floe_str_of(names[2]), floe_str_of(names[1]),
                                            "00000000", &world.ice.arena, &path, &err),
                  &err);
        if (path.ptr) {
            found++;
            assert_true(strcmp(names[0], path.ptr) < 0 && strcmp(path.ptr, names[2]) < 0);
        }
    }
    assert_true(found > 10000);
}

/* Files of one commit share a sequence number: the new file must still lie between its neighbours by name. */
static void order__one_sequence_number__is_kept_by_names(void **state) {
    (void)state;
    ice_entry entries[6];
    for (int i = 0; i < 6; i++) {
        entries[i] = maintain_rows(&world, ice_text(&world.ice, "data/%05d-u.parquet", i),
                                   ice_text(&world.ice, "(%d, 'x')", i), "");
        entries[i].file_len = i == 2 || i == 5 ? 1000000 : entries[i].file_len;
    }
    ice_table_add(&world.ice.table, "append", 0, entries, 6);
    maintain_write(&world);
    compact(10000, NULL);
    assert_string_equal(maintain_text(&world, "k"), "0;1;2;3;4;5");
    assert_string_equal(maintain_files(&world), "00001-u-c:1 00002-u.parquet:1 00004-u-c:1 00005-u.parquet:1 | 0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files__small_neighbours__become_one_in_order, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__one_alone_and_whole__is_left, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__twice__finds_nothing_the_second_time, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__target__ends_a_run, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__large_one_between__parts_its_neighbours, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__partitions__are_kept_apart, open_partitioned, close_world),
        cmocka_unit_test_setup_teardown(files__where__takes_only_files_that_may_hold_such_rows, open_partitioned,
                                        close_world),
        cmocka_unit_test_setup_teardown(where__not_understood__is_refused, open_v2, close_world),
        cmocka_unit_test_setup_teardown(files__version_1__stay_in_the_order_of_paths, open_v1, close_world),
        cmocka_unit_test_setup_teardown(deletes__by_position__are_applied_and_go, open_v2, close_world),
        cmocka_unit_test_setup_teardown(deletes__by_key__leave_younger_rows, open_v2, close_world),
        cmocka_unit_test_setup_teardown(deletes__every_row__leave_no_file, open_v2, close_world),
        cmocka_unit_test_setup_teardown(deletes__large_file__is_rewritten_for_them, open_v2, close_world),
        cmocka_unit_test_setup_teardown(deletes__that_still_apply_elsewhere__stay, open_partitioned, close_world),
        cmocka_unit_test_setup_teardown(deletes__that_apply_to_nothing__go_alone, open_v2, close_world),
        cmocka_unit_test_setup_teardown(lineage__rows__keep_ids_and_sequence_numbers, open_v3, close_world),
        cmocka_unit_test_setup_teardown(concurrent__append__is_built_upon, open_v2, close_world),
        cmocka_unit_test_setup_teardown(concurrent__delete_by_key__applies_to_the_new_file, open_v2, close_world),
        cmocka_unit_test_setup_teardown(concurrent__delete_by_position__is_conflict, open_v2, close_world),
        cmocka_unit_test_setup_teardown(concurrent__replace__is_conflict, open_v2, close_world),
        cmocka_unit_test_setup_teardown(concurrent__compaction__is_conflict, open_v2, close_world),
        cmocka_unit_test_setup_teardown(failure__nth_call__leaves_the_table_and_no_file, open_v2, close_world),
        cmocka_unit_test_setup_teardown(cancelled__at_every_step__leaves_nothing, open_v2, close_world),
        cmocka_unit_test_setup_teardown(type__that_floe_cannot_write__is_refused_by_name, open_v2, close_world),
        cmocka_unit_test_setup_teardown(table__that_is_not_there__is_said, open_v2, close_world),
        cmocka_unit_test_setup_teardown(path__between__is_the_shortest_that_fits, open_v2, close_world),
        cmocka_unit_test_setup_teardown(path__between_random_neighbours__lies_between, open_v2, close_world),
        cmocka_unit_test_setup_teardown(order__one_sequence_number__is_kept_by_names, open_v2, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
