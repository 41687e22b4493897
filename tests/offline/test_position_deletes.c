/*
 * Position deletes over real Parquet files: which rows go, by path, sequence number and partition, and what is refused.
 * Files are written by the engine; what must be left follows from the rules of the spec ("Scan Planning").
 * timeout: 300
 */
#include "tests/offline/delete_support.h"

#include <stdio.h>
#include <unistd.h>

#define PLAIN "[" SCHEMA("0", FIELD("1", "k", "\"long\"")) "]"

static ice_world world;

static int set_up(void **state) {
    (void)state;
    ice_world_open(&world, PLAIN, UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ice_world_close(&world);
    return 0;
}

/* A data file of the rows from…to as k. */
static ice_entry rows(const char *name, int from, int to) {
    return ice_added(
        ice_parquet(&world, name, ice_text(&world, "SELECT range AS k FROM range(%d, %d)", from, to + 1), "k: 1"),
        to - from + 1);
}

static void append(ice_entry entry) {
    ice_table_add(&world.table, "append", 0, &entry, 1);
}

/* A position delete file of rows "('path', 3), (NULL, 5)". */
static ice_entry deletes(const char *name, const char *values) {
    ice_entry entry = ice_added(
        ice_parquet(&world, name,
                    ice_text(&world, "SELECT a AS file_path, b::BIGINT AS pos FROM (VALUES %s) t(a, b)", values),
                    "file_path: 2147483546, pos: 2147483545"),
        1);
    entry.content = 1;
    return entry;
}

static void remove_rows(const char *name, const char *values) {
    ice_entry entry = deletes(name, values);
    ice_table_add(&world.table, "delete", 1, &entry, 1);
}

static const char *at(const char *name) {
    return ice_path(world.table.folder, name);
}

#define TEXT(...) ice_text(&world, __VA_ARGS__)

/* ---- which rows go ---- */

static void delete__rows_of_one_file__leave_the_others(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    append(rows("2.parquet", 20, 22));
    remove_rows("d.parquet",
                TEXT("('%s', 0), ('%s', 3), ('%s', 3)", at("1.parquet"), at("1.parquet"), at("1.parquet")));
    ice_expect(&world, NULL, "11;12;14;20;21;22");
    ice_expect(&world, "k >= 13", "14;20;21;22");
    ice_expect(&world, "k = 10", "");
}

static void delete__of_several_delete_files__add_up(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 9));
    remove_rows("d1.parquet", TEXT("('%s', 9), ('%s', 1)", at("1.parquet"), at("1.parquet")));
    remove_rows("d2.parquet", TEXT("('%s', 5), ('%s', 1)", at("1.parquet"), at("1.parquet")));
    ice_expect(&world, NULL, "0;2;3;4;6;7;8");
}

static void delete__spellings_of_one_path__are_one(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 5));
    remove_rows("d.parquet", TEXT("('file:%s', 0), ('file://%s', 2), ('file://localhost%s', 4), ('%s', 5)",
                                  at("1.parquet"), at("1.parquet"), at("1.parquet"), at("1.parquet")));
    ice_expect(&world, NULL, "1;3");
}

static void delete__rows_without_a_path_or_of_unknown_files__say_nothing(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("(NULL, 0), ('s3://b/x', 1), ('/nowhere', 1), ('', 1), ('%s', 1)", at("1.parquet")));
    ice_expect(&world, NULL, "0;2");
}

static void delete__position_past_the_end__deletes_nothing(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', 3), ('%s', 4611686018427387904)", at("1.parquet"), at("1.parquet")));
    ice_expect(&world, NULL, "0;1;2");
}

static void delete__every_row__leaves_none(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet",
                TEXT("('%s', 2), ('%s', 1), ('%s', 0)", at("1.parquet"), at("1.parquet"), at("1.parquet")));
    ice_expect(&world, NULL, "");
}

static void delete__by_names_without_ids__is_read(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = ice_added(
        ice_parquet(&world, "d.parquet", TEXT("SELECT 1 AS row, 1 AS pos, '%s' AS file_path", at("1.parquet")), ""), 1);
    entry.content = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_expect(&world, NULL, "0;2");
}

static void delete__many_blocks_of_a_large_file__each_position_counts(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 299999));
    ice_entry entry = ice_added(
        ice_parquet(&world, "d.parquet",
                    TEXT("SELECT '%s' AS file_path, range AS pos FROM range(0, 300000) WHERE range %% 7 <> 3 ORDER BY "
                         "range %% 1000",
                         at("1.parquet")),
                    "file_path: 2147483546, pos: 2147483545"),
        1);
    entry.content = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    /* What is left is 3, 10, 17 … 299,995: 42,857 rows. */
    ice_expect_sql(&world, "count(*), min(k), max(k), sum(k % 7)", "42857|3|299995|128571");
}

/* ---- sequence numbers ---- */

static void sequence__file_added_later__is_not_touched(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', 1), ('%s', 1)", at("1.parquet"), at("2.parquet")));
    append(rows("2.parquet", 10, 12)); /* sequence number 3 > 2 */
    ice_expect(&world, NULL, "0;2;10;11;12");
}

static void sequence__of_the_same_commit__is_touched(void **state) {
    (void)state;
    ice_entry data = rows("1.parquet", 0, 2);
    ice_entry entry = deletes("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    data.sequence_number = 2; /* data sequence number 2, as the delete below */
    ice_table_add(&world.table, "append", 0, &data, 1);
    ice_table_add(&world.table, "overwrite", 1, &entry, 1);
    ice_expect(&world, NULL, "0;2");
}

static void sequence__before_the_delete__sees_all_rows(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    ice_expect_at(&world, 1, "0;1;2");
    ice_expect_at(&world, 2, "0;2");
}

static void sequence__delete_file_that_was_removed__is_over(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    ice_entry gone = deletes("gone.parquet", TEXT("('%s', 0)", at("1.parquet")));
    gone.status = 2;
    gone.sequence_number = 2;
    ice_table_add(&world.table, "replace", 1, &gone, 1);
    ice_expect(&world, NULL, "0;2");
}

/* ---- referenced files ---- */

static void referenced__rows_of_other_files__say_nothing(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    append(rows("2.parquet", 10, 12));
    ice_entry entry = deletes("d.parquet", TEXT("('%s', 1), ('%s', 1)", at("1.parquet"), at("2.parquet")));
    entry.referenced = TEXT("file://%s", at("1.parquet"));
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_expect(&world, NULL, "0;2;10;11;12");
}

static void referenced__file_that_is_not_read__is_not_opened(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = ice_added("/nowhere/d.parquet", 1);
    entry.content = 1;
    entry.referenced = "/nowhere/data.parquet";
    entry.format = "AVRO";
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_expect(&world, NULL, "0;1;2");
}

/* ---- partitions ---- */

#define BY_P                                                                                                           \
    "[{\"spec-id\":0,\"fields\":[{\"name\":\"p\",\"transform\":\"identity\",\"source-id\":1,\"field-id\":1000}]}]"
#define PART_P "{\"name\":\"p\",\"type\":[\"null\",\"long\"],\"field-id\":1000}"

static ice_entry in_partition(ice_entry entry, const char *encoded, size_t len) {
    entry.partition = (floe_str){encoded, len};
    return entry;
}

static void partition__same__applies_null_too(void **state) {
    (void)state;
    world.table.specs = BY_P;
    world.table.partition_fields = PART_P;
    const ice_entry data[] = {in_partition(rows("1.parquet", 0, 2), "\x02\x02", 2),
                              in_partition(rows("2.parquet", 10, 12), "\0", 1)};
    const ice_entry removed[] = {in_partition(deletes("d1.parquet", TEXT("('%s', 1)", at("1.parquet"))), "\x02\x02", 2),
                                 in_partition(deletes("d2.parquet", TEXT("('%s', 0)", at("2.parquet"))), "\0", 1)};
    ice_table_add(&world.table, "append", 0, data, 2);
    ice_table_add(&world.table, "delete", 1, removed, 2);
    ice_expect(&world, NULL, "0;2;11;12");
}

static void partition__another__contradicts_and_is_corrupt(void **state) {
    (void)state;
    world.table.specs = BY_P;
    world.table.partition_fields = PART_P;
    const ice_entry data[] = {in_partition(rows("1.parquet", 0, 2), "\x02\x02", 2),
                              in_partition(rows("2.parquet", 10, 12), "\x02\x04", 2)};
    ice_entry removed = in_partition(deletes("d.parquet", TEXT("('%s', 1)", at("1.parquet"))), "\x02\x04", 2);
    ice_table_add(&world.table, "append", 0, data, 2);
    ice_table_add(&world.table, "delete", 1, &removed, 1);
    ice_refused(&world, FLOE_CORRUPT, "1.parquet but is of another partition");
    ice_refused(&world, FLOE_CORRUPT, "d.parquet deletes rows of");
}

static void partition__another__with_the_file_named__is_corrupt_at_planning(void **state) {
    (void)state;
    world.table.specs = BY_P;
    world.table.partition_fields = PART_P;
    ice_entry data = in_partition(rows("1.parquet", 0, 2), "\x02\x02", 2);
    ice_entry removed = in_partition(deletes("d.parquet", TEXT("('%s', 1)", at("1.parquet"))), "\x02\x04", 2);
    removed.referenced = at("1.parquet");
    ice_table_add(&world.table, "append", 0, &data, 1);
    ice_table_add(&world.table, "delete", 1, &removed, 1);
    ice_refused(&world, FLOE_CORRUPT, "another partition");
}

/* ---- moved tables ---- */

static void moved__delete_files_hold_the_old_prefix(void **state) {
    (void)state;
    ice_entry data = rows("1.parquet", 0, 3);
    data.path = "file:///old/t/1.parquet";
    ice_entry removed =
        deletes("d.parquet", TEXT("('/old/t/1.parquet', 0), ('file:/old/t/1.parquet', 2), ('%s', 3)", at("1.parquet")));
    removed.path = "/old/t/d.parquet";
    ice_table_add(&world.table, "append", 0, &data, 1);
    ice_table_add(&world.table, "delete", 1, &removed, 1);
    ice_expect_moved(&world, "/old/t", world.table.folder, "1");
}

/* ---- refusals ---- */

static void refused__delete_files_that_cannot_be_read(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = ice_added("/nowhere/d.parquet", 1);
    entry.content = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_NOT_FOUND, "the delete file /nowhere/d.parquet is not there");
    entry.format = "AVRO";
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_CORRUPT, "twice");
}

static void refused__formats_and_encryption__by_name(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = ice_added("/nowhere/d.avro", 1);
    entry.content = 1;
    entry.format = "AVRO";
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_UNSUPPORTED, "the delete file /nowhere/d.avro is AVRO");
}

static void refused__encrypted__by_name(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = deletes("d.parquet", "('x', 0)");
    entry.encrypted = true;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_UNSUPPORTED, "d.parquet is encrypted");
}

static void refused__damaged_rows__name_the_delete_file(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', -1)", at("1.parquet")));
    ice_refused(&world, FLOE_CORRUPT, "d.parquet deletes the row -1");
}

/* A session reads position deletes once: the second scan does not miss the file, the one after another commit reads anew. */
static void shared__second_scan_of_a_session__reads_no_delete_file(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 4));
    append(rows("2.parquet", 5, 9));
    remove_rows("d.parquet", TEXT("('%s', 1), ('%s', 0)", at("1.parquet"), at("2.parquet")));
    ice_expect_sql(&world, "count(*)", "8");
    assert_int_equal(unlink(at("d.parquet")), 0);
    ice_expect_sql(&world, "count(*)", "8");
    append(rows("3.parquet", 10, 11));
    ice_refused(&world, FLOE_NOT_FOUND, "d.parquet");
}

static void refused__null_position__names_the_delete_file(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    remove_rows("d.parquet", TEXT("('%s', NULL)", at("1.parquet")));
    ice_refused(&world, FLOE_CORRUPT, "d.parquet deletes a row without a position of");
}

static void refused__parquet_without_the_columns(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = rows("d.parquet", 0, 2);
    entry.content = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_CORRUPT, "d.parquet is no position delete file");
}

static void refused__no_parquet_at_all(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_write_file(at("d.parquet"), FLOE_STR("PAR1 this is no Parquet file PAR1"));
    ice_entry entry = ice_added(at("d.parquet"), 1);
    entry.content = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_CORRUPT, "d.parquet");
}

static void refused__data_file_in_a_delete_manifest(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = rows("2.parquet", 0, 2);
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_refused(&world, FLOE_CORRUPT, "lists delete files, but the file");
}

static void refused__delete_file_in_a_data_manifest(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 2));
    ice_entry entry = deletes("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    ice_table_add(&world.table, "append", 0, &entry, 1);
    ice_refused(&world, FLOE_CORRUPT, "lists data files, but the file");
}

/* ---- planning, positions, appended files ---- */

static void plan__counts_what_applies(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 9));
    ice_entry first = deletes("d1.parquet", TEXT("('%s', 9), ('%s', 1)", at("1.parquet"), at("1.parquet")));
    first.record_count = 2;
    ice_table_add(&world.table, "delete", 1, &first, 1);
    append(rows("2.parquet", 10, 19));
    ice_entry old = ice_added("/nowhere/old.parquet", 50); /* older than every data file */
    old.content = 1;
    old.sequence_number = 0;
    old.status = 0;
    ice_table_add(&world.table, "replace", 1, &old, 1);
    floe_scan_plan plan = ice_plan(&world);
    assert_int_equal(plan.rows, 20);
    assert_int_equal(plan.delete_files, 1);
    assert_int_equal(plan.delete_rows, 2);
}

static void positions__of_the_rows_that_are_left__are_those_in_the_file(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 3));
    append(rows("2.parquet", 10, 11));
    remove_rows("d.parquet", TEXT("('%s', 1), ('%s', 0)", at("1.parquet"), at("2.parquet")));
    ice_expect_positions(&world, "0|0|0;2|0|2;3|0|3;11|1|1");
}

static void appended__delete_in_between__is_a_rewrite(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 3));
    append(rows("2.parquet", 10, 11));
    assert_true(ice_appends_only(&world, 1));
    remove_rows("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    assert_false(ice_appends_only(&world, 1));
    assert_false(ice_appends_only(&world, 2));
    assert_true(ice_appends_only(&world, 3));
}

static void appended__delete_that_calls_itself_append__is_a_rewrite(void **state) {
    (void)state;
    append(rows("1.parquet", 0, 3));
    ice_entry removed = deletes("d.parquet", TEXT("('%s', 1)", at("1.parquet")));
    ice_table_add(&world.table, "append", 1, &removed, 1);
    assert_false(ice_appends_only(&world, 1));
}

/* Files of different shapes are read in groups: each has its own view of the deletes. */
static void groups__of_different_schemas__each_lose_their_own_rows(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]";
    append(rows("1.parquet", 0, 2));
    append(
        ice_added(ice_parquet(&world, "2.parquet", "SELECT range AS k, 'x' AS s FROM range(10, 13)", "k: 1, s: 2"), 3));
    append(rows("3.parquet", 20, 22));
    remove_rows("d.parquet",
                TEXT("('%s', 0), ('%s', 1), ('%s', 2)", at("1.parquet"), at("2.parquet"), at("3.parquet")));
    ice_expect_sql(&world, "string_agg(k || coalesce(s, '-'), ' ' ORDER BY k)", "1- 2- 10x 12x 20- 21-");
}

/* ---- random ---- */

static void random__positions__are_what_a_plain_list_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    bool deleted[3][200] = {{false}};
    static const char *const NAMES[] = {"0.parquet", "1.parquet", "2.parquet"};
    for (int f = 0; f < 3; f++) {
        append(rows(NAMES[f], f * 1000, f * 1000 + 199));
    }
    for (int d = 0; d < 4; d++) {
        FLOE_AUTO_BUF values = {0};
        floe_buf_init(&values, FLOE_MIB(1));
        for (int i = 0; i < 60; i++) {
            size_t f = floe_test_below(&rng, 3);
            size_t row = floe_test_below(&rng, 200);
            deleted[f][row] = true;
            floe_buf_printf(&values, "%s('%s', %zu)", i > 0 ? ", " : "", at(NAMES[f]), row);
        }
        remove_rows(TEXT("d%d.parquet", d), values.ptr);
    }
    FLOE_AUTO_BUF want = {0};
    floe_buf_init(&want, FLOE_MIB(1));
    for (size_t i = 0; i < 600; i++) {
        if (!deleted[i / 200][i % 200]) {
            floe_buf_printf(&want, "%s%zu", want.len > 0 ? ";" : "", i / 200 * 1000 + i % 200);
        }
    }
    ice_expect(&world, NULL, want.ptr);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(delete__rows_of_one_file__leave_the_others),
        T(delete__of_several_delete_files__add_up),
        T(delete__spellings_of_one_path__are_one),
        T(delete__rows_without_a_path_or_of_unknown_files__say_nothing),
        T(delete__position_past_the_end__deletes_nothing),
        T(delete__every_row__leaves_none),
        T(delete__by_names_without_ids__is_read),
        T(delete__many_blocks_of_a_large_file__each_position_counts),
        T(sequence__file_added_later__is_not_touched),
        T(sequence__of_the_same_commit__is_touched),
        T(sequence__before_the_delete__sees_all_rows),
        T(sequence__delete_file_that_was_removed__is_over),
        T(referenced__rows_of_other_files__say_nothing),
        T(referenced__file_that_is_not_read__is_not_opened),
        T(partition__same__applies_null_too),
        T(partition__another__contradicts_and_is_corrupt),
        T(partition__another__with_the_file_named__is_corrupt_at_planning),
        T(moved__delete_files_hold_the_old_prefix),
        T(refused__delete_files_that_cannot_be_read),
        T(refused__formats_and_encryption__by_name),
        T(refused__encrypted__by_name),
        T(refused__damaged_rows__name_the_delete_file),
        T(shared__second_scan_of_a_session__reads_no_delete_file),
        T(refused__null_position__names_the_delete_file),
        T(refused__parquet_without_the_columns),
        T(refused__no_parquet_at_all),
        T(refused__data_file_in_a_delete_manifest),
        T(refused__delete_file_in_a_data_manifest),
        T(plan__counts_what_applies),
        T(positions__of_the_rows_that_are_left__are_those_in_the_file),
        T(appended__delete_in_between__is_a_rewrite),
        T(appended__delete_that_calls_itself_append__is_a_rewrite),
        T(groups__of_different_schemas__each_lose_their_own_rows),
        T(random__positions__are_what_a_plain_list_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
