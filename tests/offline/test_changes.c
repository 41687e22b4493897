/*
 * What was added between two snapshots: rows of appends, whatever rewrote or deleted them later; snapshots that did
 * something else are named; ranges that cannot be told are refused. Expected rows follow from what each snapshot of the
 * table made by hand added.
 */
#include "tests/offline/maintain_support.h"

#include <stdio.h>
#include <string.h>

static maintain_world world;

static int set_up(void **state) {
    (void)state;
    maintain_open(&world, 2, false);
    return 0;
}

static int open_partitioned(void **state) {
    (void)state;
    maintain_open(&world, 2, true);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    maintain_close(&world);
    return 0;
}

#define TEXT(...) ice_text(&world.ice, __VA_ARGS__)

static floe_table *open_table(void) {
    floe_error err = {0};
    floe_table *table = NULL;
    assert_ok(floe_table_open(world.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    return table;
}

static floe_status read_added(floe_scan_request request, const char **ret_text, floe_error *err) {
    struct ArrowArrayStream stream = {0};
    request.at = FLOE_AT_ID;
    request.limit = -1;
    request.added_since = true;
    floe_table *table = open_table();
    floe_status status = floe_table_scan(table, &request, &stream, err);
    if (!floe_failed(status)) {
        *ret_text = stream_text(&stream, &world.ice.arena);
    }
    floe_table_close(&table);
    return status;
}

static const char *added(int64_t from, int64_t to) {
    floe_error err = {0};
    const char *text = NULL;
    assert_ok(read_added((floe_scan_request){.since_snapshot_id = from, .snapshot_id = to}, &text, &err), &err);
    return text;
}

static void refused(int64_t from, int64_t to, floe_code code, const char *part) {
    floe_error err = {0}, noted = {0};
    const char *text = NULL;
    const floe_change_note *notes = NULL;
    size_t count = 0;
    floe_status status = read_added((floe_scan_request){.since_snapshot_id = from, .snapshot_id = to}, &text, &err);
    assert_int_equal(status.code, code);
    assert_non_null(strstr(err.message, part));
    floe_table *table = open_table();
    assert_int_equal(floe_table_changes(table, from, to, &world.ice.arena, &notes, &count, &noted).code, code);
    floe_table_close(&table);
}

/* "id operation" of each note. */
static const char *notes_of(int64_t from, int64_t to) {
    floe_error err = {0};
    const floe_change_note *notes = NULL;
    size_t count = 0;
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(4));
    floe_table *table = open_table();
    assert_ok(floe_table_changes(table, from, to, &world.ice.arena, &notes, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(notes[i].forces) > 20);
        floe_buf_printf(&out, "%lld %.*s;", (long long)notes[i].snapshot_id, FLOE_STR_ARG(notes[i].operation));
    }
    floe_table_close(&table);
    return floe_arena_str(&world.ice.arena, floe_buf_view(&out)).ptr;
}

static void append(int k) {
    maintain_append(&world, maintain_rows(&world, TEXT("%d.parquet", k), TEXT("(%d, 'x')", k), ""));
}

/* A snapshot of any operation that adds a file. */
static void add_as(const char *operation, int k) {
    ice_entry entry = maintain_rows(&world, TEXT("%d.parquet", k), TEXT("(%d, 'x')", k), "");
    ice_table_add(&world.ice.table, operation, 0, &entry, 1);
}

static void range__of_appends__gives_their_rows_from_exclusive_to_inclusive(void **state) {
    (void)state;
    for (int k = 1; k <= 4; k++) {
        append(k);
    }
    maintain_write(&world);
    assert_string_equal(added(1, 4), "2|x;3|x;4|x");
    assert_string_equal(added(1, 2), "2|x");
    assert_string_equal(added(3, 3), "");
    assert_string_equal(notes_of(1, 4), "");
}

static void range__with_a_compaction__adds_nothing_of_it(void **state) {
    (void)state;
    append(1);
    append(2);
    add_as("replace", 3);
    append(4);
    maintain_write(&world);
    assert_string_equal(added(1, 4), "2|x;4|x");
    assert_string_equal(notes_of(1, 4), "");
}

/* floe's own: after it the appended files are no longer in the newest snapshot, and still what was added. */
static void range__over_files_that_were_compacted__gives_them_all(void **state) {
    (void)state;
    floe_error err = {0};
    floe_compact_result result = {0};
    append(1);
    append(2);
    append(3);
    maintain_write(&world);
    floe_compact_request request = {.table = "lake.ns.t"};
    assert_ok(floe_table_compact(world.lake, &request, NULL, &result, &err), &err);
    assert_string_equal(added(1, result.snapshot_id), "2|x;3|x");
    assert_string_equal(added(3, result.snapshot_id), "");
}

static void range__with_overwrites_and_deletes__names_them_and_gives_the_appends(void **state) {
    (void)state;
    append(1);
    append(2);
    add_as("overwrite", 3);
    maintain_delete_key(&world, "d.parquet", 2, "");
    append(5);
    maintain_write(&world);
    assert_string_equal(added(1, 5), "2|x;5|x"); /* as they were added, though row 2 was deleted since */
    assert_string_equal(notes_of(1, 5), "3 overwrite;4 delete;");
    assert_string_equal(notes_of(3, 5), "4 delete;");
    assert_string_equal(notes_of(4, 5), "");
}

/* What a snapshot did counts, not what it calls itself. */
static void snapshot__append_that_deletes__is_named_and_adds_nothing(void **state) {
    (void)state;
    append(1);
    ice_entry deletes = maintain_rows(&world, "d.parquet", "(1, 'x')", "");
    static const int32_t by_k[] = {1};
    deletes.content = 2;
    deletes.equality_ids = by_k;
    deletes.equality_id_count = 1;
    ice_table_add(&world.ice.table, "append", 1, &deletes, 1);
    maintain_write(&world);
    assert_string_equal(added(1, 2), "");
    assert_string_equal(notes_of(1, 2), "2 append;");
}

static void snapshot__without_operation_that_only_adds__is_an_append(void **state) {
    (void)state;
    append(1);
    add_as("", 2);
    maintain_write(&world);
    assert_string_equal(added(1, 2), "2|x");
    assert_string_equal(notes_of(1, 2), "");
}

/* An append may put older manifests together with its own: only what it added itself counts. */
static void snapshot__merged_manifests__gives_only_its_own_files(void **state) {
    (void)state;
    append(1);
    ice_entry both[] = {maintain_rows(&world, "1b.parquet", "(10, 'x')", ""),
                        maintain_rows(&world, "2.parquet", "(2, 'x')", "")};
    both[0].status = 0;
    both[0].snapshot_id = 1;
    both[0].sequence_number = 1;
    ice_table_add(&world.ice.table, "append", 0, both, 2);
    maintain_write(&world);
    assert_string_equal(added(1, 2), "2|x");
}

static void schema__of_the_later_snapshot__is_used(void **state) {
    (void)state;
    append(1);
    append(2);
    world.ice.table.schemas = "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "," SCHEMA(
        "1", FIELD("2", "renamed", "\"string\"") "," FIELD("1", "k", "\"long\"") "," FIELD("3", "n", "\"int\"")) "]";
    world.ice.table.current_schema = 1;
    append(3);
    maintain_write(&world);
    assert_string_equal(added(1, 3), "x|2|∅;x|3|∅");
    assert_string_equal(added(1, 2), "2|x"); /* the schema that snapshot had */
}

static void where__prunes_and_filters(void **state) {
    (void)state;
    floe_error err = {0};
    const char *text = NULL;
    maintain_append(&world, maintain_rows(&world, "1.parquet", "(1, 'a')", "a"));
    maintain_append(&world, maintain_rows(&world, "2.parquet", "(2, 'b')", "b"));
    maintain_append(&world, maintain_rows(&world, "3.parquet", "(3, 'c'), (4, 'c')", "c"));
    maintain_write(&world);
    floe_scan_request request = {.since_snapshot_id = 1, .snapshot_id = 3, .where = "s = 'c' AND k > 3"};
    assert_ok(read_added(request, &text, &err), &err);
    assert_string_equal(text, "4|c");
    floe_scan_plan plan;
    request.at = FLOE_AT_ID;
    request.limit = -1;
    request.added_since = true;
    floe_table *table = open_table();
    assert_ok(floe_table_plan(table, &request, &world.ice.arena, &plan, &err), &err);
    assert_int_equal(plan.files_total, 2);
    assert_int_equal(plan.files_pruned_by_partition, 1);
    assert_int_equal(plan.files_read, 1);
    floe_table_close(&table);
}

/* ---- ranges that cannot be told ---- */

static void range__start_that_has_expired__is_refused_by_its_id(void **state) {
    (void)state;
    append(1);
    append(2);
    maintain_write(&world);
    refused(77, 2, FLOE_NOT_FOUND, "77, where the range starts, has expired");
    refused(1, 88, FLOE_NOT_FOUND, "88");
}

static void range__that_expiry_cut__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_expire_result result = {0};
    for (int k = 1; k <= 4; k++) {
        append(k);
    }
    world.ice.table.refs =
        "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\"},\"v1\":{\"snapshot-id\":1,\"type\":\"tag\"}}";
    maintain_write(&world);
    floe_expire_request request = {.table = "lake.ns.t", .keep_last = 2};
    assert_ok(floe_table_expire(world.lake, &request, NULL, &world.ice.arena, &result, &err), &err);
    assert_string_equal(added(3, 4), "4|x");
    refused(2, 4, FLOE_NOT_FOUND, "2, where the range starts, has expired");
    refused(1, 4, FLOE_NOT_FOUND, "the snapshot 2, the parent of 3, has expired"); /* 1 is there, what follows is not */
}

static void range__turned_around__is_refused(void **state) {
    (void)state;
    append(1);
    append(2);
    maintain_write(&world);
    refused(2, 1, FLOE_INVALID, "2 is no ancestor of 1");
}

/* Two branches that part after snapshot 1: the document is put together by hand. */
static void range__across_branches__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    for (int k = 1; k <= 3; k++) {
        append(k);
    }
    maintain_write(&world);
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    const char *path = maintain_path(&world, "metadata/v4.metadata.json");
    assert_ok(floe_file_read(path, &text, &err), &err);
    char *parent = strstr(text.ptr, "\"parent-snapshot-id\":2");
    assert_non_null(parent);
    parent[strlen("\"parent-snapshot-id\":")] = '1';
    assert_ok(floe_file_write(path, floe_buf_view(&text), false, &err), &err);
    assert_string_equal(added(1, 3), "3|x");
    assert_string_equal(added(1, 2), "2|x");
    refused(2, 3, FLOE_INVALID, "no ancestor");
}

static void file__added_twice__is_corrupt(void **state) {
    (void)state;
    append(1);
    append(2);
    maintain_append(&world, maintain_rows(&world, "2.parquet", "(2, 'x')", ""));
    maintain_write(&world);
    floe_error err = {0};
    const char *text = NULL;
    floe_status status = read_added((floe_scan_request){.since_snapshot_id = 1, .snapshot_id = 3}, &text, &err);
    assert_int_equal(status.code, FLOE_CORRUPT);
    assert_non_null(strstr(err.message, "2.parquet"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(range__of_appends__gives_their_rows_from_exclusive_to_inclusive, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(range__with_a_compaction__adds_nothing_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(range__over_files_that_were_compacted__gives_them_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(range__with_overwrites_and_deletes__names_them_and_gives_the_appends, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(snapshot__append_that_deletes__is_named_and_adds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshot__without_operation_that_only_adds__is_an_append, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshot__merged_manifests__gives_only_its_own_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema__of_the_later_snapshot__is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where__prunes_and_filters, open_partitioned, tear_down),
        cmocka_unit_test_setup_teardown(range__start_that_has_expired__is_refused_by_its_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(range__that_expiry_cut__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(range__turned_around__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(range__across_branches__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file__added_twice__is_corrupt, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
