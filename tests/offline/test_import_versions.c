/*
 * Imports into tables made by other hands: every format version, manifests whose list leaves counts out, tables of several
 * partition specs, defaults that the table has writers put. What is read afterwards is compared with what was there and
 * what came in.
 * timeout: 300
 */
#include "tests/offline/maintain_support.h"

#include <stdio.h>
#include <string.h>

static maintain_world world;

static int tear_down(void **state) {
    (void)state;
    maintain_close(&world);
    return 0;
}

static int open_v1(void **state) {
    (void)state;
    maintain_open(&world, 1, false);
    return 0;
}

static int open_v2(void **state) {
    (void)state;
    maintain_open(&world, 2, false);
    return 0;
}

static int open_v3(void **state) {
    (void)state;
    maintain_open(&world, 3, false);
    return 0;
}

static floe_status import_query(const char *select, floe_import_request request, floe_error *err) {
    floe_import_result result;
    const char *file = ice_parquet(&world.ice, "../in.parquet", select, "");
    request.files = &file;
    request.file_count = 1;
    request.table = "lake.ns.t";
    return floe_table_import(world.lake, &request, &world.run, &result, err);
}

static void import_ok(const char *select, floe_import_request request) {
    floe_error err = {0};
    assert_ok(import_query(select, request, &err), &err);
}

#define APPEND ((floe_import_request){.mode = FLOE_IMPORT_APPEND})
#define REPLACE ((floe_import_request){.mode = FLOE_IMPORT_REPLACE})
#define OVERWRITE ((floe_import_request){.mode = FLOE_IMPORT_OVERWRITE})
#define ROW "SELECT 7::BIGINT AS k, 'n' AS s"

static void two_files(void) {
    maintain_append(&world, maintain_rows(&world, "1.parquet", "(1, 'x'), (2, 'y')", ""));
    maintain_append(&world, maintain_rows(&world, "2.parquet", "(3, 'z')", ""));
    maintain_write(&world);
}

static void version_1__append_and_replace__stay_version_1(void **state) {
    (void)state;
    two_files();
    import_ok(ROW, APPEND);
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;7");
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    assert_int_equal(metadata->format_version, 1);
    assert_null(floe_node_get(metadata->root, "last-sequence-number"));
    import_ok("SELECT 8::BIGINT AS k, 'n' AS s", OVERWRITE);
    assert_string_equal(maintain_text(&world, "k"), "8");
    import_ok("SELECT 9 AS other", REPLACE);
    assert_string_equal(maintain_text(&world, NULL), "9");
    metadata = maintain_metadata(&world);
    assert_int_equal(metadata->format_version, 1);
    assert_int_equal(metadata->snapshot_count, 5);
    assert_int_equal(metadata->schema_count, 2);
}

static void version_2__append__counts_what_the_list_left_out(void **state) {
    (void)state;
    two_files();
    import_ok(ROW, APPEND);
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;7");
    assert_string_equal(maintain_files(&world) + strlen("1.parquet:1 2.parquet:2 "),
                        strstr(maintain_files(&world), "00000-"));
    assert_int_equal(maintain_metadata(&world)->last_sequence_number, 3);
}

/* The support's lists give data manifests the first row id snapshot * 1000; its document has no next-row-id. */
static void version_3__append__gives_new_row_ids_and_keeps_old_ones(void **state) {
    (void)state;
    two_files();
    import_ok("SELECT unnest([7, 8])::BIGINT AS k, 'n' AS s", APPEND);
    import_ok("SELECT 9::BIGINT AS k, 'n' AS s", APPEND);
    assert_string_equal(maintain_text(&world, "k,_row_id,_last_updated_sequence_number"),
                        "1|1000|1;2|1001|1;3|2000|2;7|0|3;8|1|3;9|2|4");
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    assert_int_equal(floe_node_get(metadata->root, "next-row-id")->as.integer, 3);
    const floe_node *last = floe_node_get(metadata->root, "snapshots")->items[3];
    assert_int_equal(floe_node_get(last, "first-row-id")->as.integer, 2);
    assert_int_equal(floe_node_get(last, "added-rows")->as.integer, 1);
}

/* Rows of files that are only listed anew keep the ids that they had by their manifest. */
static void version_3__overwrite__keeps_row_ids_of_what_stays(void **state) {
    (void)state;
    maintain_close(&world);
    maintain_open(&world, 3, true);
    ice_entry entries[] = {maintain_rows(&world, "1.parquet", "(1, 'a'), (2, 'a')", "a"),
                           maintain_rows(&world, "2.parquet", "(3, 'b')", "b"),
                           maintain_rows(&world, "3.parquet", "(4, 'c')", "c")};
    ice_table_add(&world.ice.table, "append", 0, entries, 3);
    maintain_write(&world);
    assert_string_equal(maintain_text(&world, "k,_row_id"), "1|1000;2|1001;3|1002;4|1003");
    import_ok("SELECT 7::BIGINT AS k, 'b' AS s", OVERWRITE);
    /* the new manifest comes first and takes one id, the one that is written anew reserves three */
    assert_string_equal(maintain_text(&world, "k,_row_id"), "1|1000;2|1001;4|1003;7|0");
}

static void version_3__write_default__is_what_a_missing_column_gets(void **state) {
    (void)state;
    world.ice.table.schemas =
        "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD(
                            "2", "s", "\"string\"") ",{\"id\":3,\"name\":\"d\","
                                                    "\"required\":true,\"type\":\"int\",\"initial-default\":1,"
                                                    "\"write-default\":2}") "]";
    two_files();
    assert_string_equal(maintain_text(&world, NULL), "1|x|1;2|y|1;3|z|1");
    import_ok(ROW, (floe_import_request){.mode = FLOE_IMPORT_APPEND, .evolve = true});
    assert_string_equal(maintain_text(&world, NULL), "1|x|1;2|y|1;3|z|1;7|n|2");
    /* the defaults are still there after a change of the schema */
    import_ok("SELECT 8::BIGINT AS k, 'n' AS s, 5 AS e",
              (floe_import_request){.mode = FLOE_IMPORT_APPEND, .evolve = true});
    assert_string_equal(maintain_text(&world, NULL), "1|x|1|∅;2|y|1|∅;3|z|1|∅;7|n|2|∅;8|n|2|5");
}

static void required_column__missing_in_the_input__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    world.ice.table.schemas =
        "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD(
                            "2", "s", "\"string\"") ",{\"id\":3,"
                                                    "\"name\":\"d\",\"required\":true,\"type\":\"int\"}") "]";
    two_files();
    floe_status status = import_query(ROW, (floe_import_request){.mode = FLOE_IMPORT_APPEND, .evolve = true}, &err);
    assert_int_equal(status.code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "\"d\" is required"));
}

#define BY_S "{\"source-id\":2,\"field-id\":1000,\"name\":\"s\",\"transform\":\"identity\"}"
#define BY_K "{\"source-id\":1,\"field-id\":1001,\"name\":\"k\",\"transform\":\"identity\"}"
#define PART_S "{\"name\":\"s\",\"field-id\":1000,\"type\":[\"null\",\"string\"],\"default\":null}"
#define PART_K "{\"name\":\"k\",\"field-id\":1001,\"type\":[\"null\",\"long\"],\"default\":null}"

/* The table is partitioned by s; older files by k and s, so that each lies in one partition of today's. */
static void overwrite__files_of_a_finer_spec__go_with_their_partition(void **state) {
    (void)state;
    world.ice.table.specs = "[{\"spec-id\":0,\"fields\":[" BY_S "]},{\"spec-id\":1,\"fields\":[" BY_K "," BY_S "]}]";
    world.ice.table.partition_fields = PART_K "," PART_S;
    world.ice.table.spec_id = 1;
    ice_entry first = maintain_rows(&world, "1.parquet", "(1, 'x')", "x");
    ice_entry second = maintain_rows(&world, "2.parquet", "(2, 'y')", "y");
    ice_entry third = maintain_rows(&world, "3.parquet", "(3, NULL)", "y");
    first.partition = (floe_str){"\x02\x02\x02\x02x", 5}; /* k = 1, s = x */
    second.partition = (floe_str){"\x02\x04\x02\x02y", 5};
    third.partition = (floe_str){"\x02\x06\0", 3};
    maintain_append(&world, first);
    maintain_append(&world, second);
    maintain_append(&world, third);
    maintain_write(&world);
    import_ok("SELECT 7::BIGINT AS k, 'x' AS s", OVERWRITE);
    maintain_expect_set(&world, "2|y;3|∅;7|x");
    import_ok("SELECT 8::BIGINT AS k, NULL::VARCHAR AS s", OVERWRITE);
    maintain_expect_set(&world, "2|y;8|∅;7|x");
}

/* Without partitions everything is of one, whatever older files are partitioned by. */
static void overwrite__table_that_lost_its_partitions__is_replaced(void **state) {
    (void)state;
    world.ice.table.specs = "[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[" BY_S "]}]";
    world.ice.table.partition_fields = PART_S;
    world.ice.table.spec_id = 1;
    maintain_append(&world, maintain_rows(&world, "1.parquet", "(1, 'x')", "x"));
    maintain_write(&world);
    import_ok(ROW, OVERWRITE);
    assert_string_equal(maintain_text(&world, "k"), "7");
}

/* The files of the coarser spec may hold rows of any partition. */
static void overwrite__files_of_a_coarser_spec__is_refused_naming_one(void **state) {
    (void)state;
    floe_error err = {0};
    world.ice.table.specs = "[{\"spec-id\":0,\"fields\":[" BY_K "]},{\"spec-id\":1,\"fields\":[" BY_S "]}]";
    world.ice.table.partition_fields = PART_S;
    world.ice.table.spec_id = 1;
    ice_entry old = maintain_rows(&world, "1.parquet", "(1, 'x')", "x");
    old.partition = (floe_str){"\x02\x02x", 3};
    maintain_append(&world, old);
    maintain_write(&world);
    size_t files = maintain_file_count(&world);
    assert_int_equal(import_query(ROW, OVERWRITE, &err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "1.parquet"));
    assert_non_null(strstr(err.message, "--replace"));
    assert_int_equal(maintain_file_count(&world), files);
    import_ok(ROW, APPEND); /* an append has nothing against them */
    assert_string_equal(maintain_text(&world, "k"), "1;7");
    import_ok(ROW, REPLACE);
    assert_string_equal(maintain_text(&world, "k"), "7");
}

/* Delete files of all partitions stay where others may need them; those of the partitions that go, go. */
static void overwrite__deletes__of_its_partitions_go(void **state) {
    (void)state;
    maintain_close(&world);
    maintain_open(&world, 2, true);
    maintain_append(&world, maintain_rows(&world, "1.parquet", "(1, 'a'), (2, 'a')", "a"));
    maintain_append(&world, maintain_rows(&world, "2.parquet", "(1, 'b'), (2, 'b')", "b"));
    maintain_delete_key(&world, "d1.parquet", 1, "a");
    maintain_delete_key(&world, "d2.parquet", 1, "b");
    maintain_write(&world);
    maintain_expect_set(&world, "2|a;2|b");
    import_ok("SELECT 1::BIGINT AS k, 'a' AS s", OVERWRITE);
    maintain_expect_set(&world, "2|b;1|a");
    assert_non_null(strstr(maintain_files(&world), "| 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_1__append_and_replace__stay_version_1, open_v1, tear_down),
        cmocka_unit_test_setup_teardown(version_2__append__counts_what_the_list_left_out, open_v2, tear_down),
        cmocka_unit_test_setup_teardown(version_3__append__gives_new_row_ids_and_keeps_old_ones, open_v3, tear_down),
        cmocka_unit_test_setup_teardown(version_3__overwrite__keeps_row_ids_of_what_stays, open_v3, tear_down),
        cmocka_unit_test_setup_teardown(version_3__write_default__is_what_a_missing_column_gets, open_v3, tear_down),
        cmocka_unit_test_setup_teardown(required_column__missing_in_the_input__is_refused, open_v2, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__files_of_a_finer_spec__go_with_their_partition, open_v2, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__table_that_lost_its_partitions__is_replaced, open_v2, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__files_of_a_coarser_spec__is_refused_naming_one, open_v2, tear_down),
        cmocka_unit_test_setup_teardown(overwrite__deletes__of_its_partitions_go, open_v2, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
