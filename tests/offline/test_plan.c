/*
 * Planning: which files a scan reads, what pruned the rest, and every refusal. No data file exists here: planning must
 * not need one.
 */
#include "tests/offline/ice_support.h"

#include "offline/iceberg/plan_int.h"
#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <string.h>

#define FIELD(id, name, type) "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type "}"
#define SCHEMA(id, fields) "{\"schema-id\":" id ",\"type\":\"struct\",\"fields\":[" fields "]}"
#define PLAIN "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]"
#define UNPARTITIONED "[{\"spec-id\":0,\"fields\":[]}]"

static floe_arena arena;
static floe_lake *lake;
static ice_table built;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    lake = ice_lake();
    ice_table_init(&built, PLAIN, UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_lake_close(&lake);
    ice_table_close(&built);
    floe_arena_close(&arena);
    return 0;
}

static ice_entry added(const char *path, int64_t rows) {
    return (ice_entry){.status = 1,
                       .snapshot_id = -1,
                       .sequence_number = -1,
                       .path = path,
                       .record_count = rows,
                       .file_len = rows * 10};
}

static floe_status plan(const floe_scan_request *request, floe_scan_plan *ret_plan, floe_error *err) {
    floe_table *table = ice_open(lake, built.folder);
    floe_status status = floe_table_plan(table, request, &arena, ret_plan, err);
    /* Paths borrow from the arena, not from the table. */
    floe_table_close(&table);
    return status;
}

static floe_scan_plan plan_ok(const char *where) {
    floe_scan_plan result;
    floe_error err = {0};
    floe_scan_request request = {.limit = -1, .where = where};
    assert_ok(plan(&request, &result, &err), &err);
    return result;
}

static void plan_fails(floe_scan_request request, floe_code code, const char *part) {
    floe_scan_plan result;
    floe_error err = {0};
    request.limit = -1;
    assert_code(plan(&request, &result, &err), code);
    assert_message(&err, part);
}

/* ---- files ---- */

static void files__in_sequence_then_path_order__deleted_left_out(void **state) {
    (void)state;
    const ice_entry first[] = {added("/d/z.parquet", 1), added("/d/b.parquet", 2)};
    ice_entry second[3] = {added("/d/a.parquet", 4), added("/d/gone.parquet", 8), added("/d/old.parquet", 16)};
    second[1].status = 2;
    second[2].status = 0;
    second[2].sequence_number = 1;
    second[2].snapshot_id = 1;
    ice_table_add(&built, "append", 0, first, 2);
    ice_table_add(&built, "append", 0, second, 3);
    ice_table_write(&built);
    floe_scan_plan result = plan_ok(NULL);
    static const char *const WANT[] = {"/d/b.parquet", "/d/old.parquet", "/d/z.parquet", "/d/a.parquet"};
    assert_int_equal(result.path_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(floe_str_is(result.paths[i], WANT[i]));
    }
    assert_int_equal(result.snapshot_id, 2);
    assert_int_equal(result.files_total, 4);
    assert_int_equal(result.files_read, 4);
    assert_int_equal(result.rows, 23);
    assert_int_equal(result.bytes, 230);
    assert_int_equal(result.manifests_total, 2);
    assert_int_equal(result.manifests_read, 2);
}

static void files__no_snapshot__none(void **state) {
    (void)state;
    ice_table_write(&built);
    floe_scan_plan result = plan_ok("k = 1");
    assert_int_equal(result.snapshot_id, -1);
    assert_int_equal(result.path_count, 0);
}

static void files__as_of_an_older_snapshot__are_its_own(void **state) {
    (void)state;
    const ice_entry first[] = {added("/d/a.parquet", 1)};
    const ice_entry second[] = {added("/d/b.parquet", 2)};
    ice_table_add(&built, "append", 0, first, 1);
    ice_table_add(&built, "append", 0, second, 1);
    ice_table_write(&built);
    floe_scan_plan result;
    floe_error err = {0};
    floe_scan_request by_id = {.limit = -1, .at = FLOE_AT_ID, .snapshot_id = 1};
    assert_ok(plan(&by_id, &result, &err), &err);
    assert_int_equal(result.path_count, 1);
    floe_scan_request by_time = {.limit = -1, .at = FLOE_AT_TIME, .as_of_us = 1001999000};
    assert_ok(plan(&by_time, &result, &err), &err);
    assert_int_equal(result.snapshot_id, 1);
}

static void files__one_path_twice__is_corrupt_even_where_pruned(void **state) {
    (void)state;
    const ice_bound low[] = {ice_bound_i64(1, 5)};
    const ice_bound high[] = {ice_bound_i64(1, 6)};
    ice_entry first = added("/d/a.parquet", 1);
    ice_entry second = added("file:///d/a.parquet", 1); /* another spelling of the same */
    first.lower = second.lower = low;
    first.upper = second.upper = high;
    first.lower_count = second.lower_count = first.upper_count = second.upper_count = 1;
    ice_table_add(&built, "append", 0, &first, 1);
    ice_table_add(&built, "append", 0, &second, 1);
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_CORRUPT, "/d/a.parquet twice");
    plan_fails((floe_scan_request){.where = "k = 100"}, FLOE_CORRUPT, "/d/a.parquet twice");
}

static void files__pruned_by_bounds__are_counted(void **state) {
    (void)state;
    const ice_bound low[] = {ice_bound_i64(1, 0), ice_bound_i64(1, 100)};
    const ice_bound high[] = {ice_bound_i64(1, 99), ice_bound_i64(1, 199)};
    ice_entry entries[3] = {added("/d/a.parquet", 1), added("/d/b.parquet", 1), added("/d/c.parquet", 1)};
    for (size_t i = 0; i < 2; i++) {
        entries[i].lower = &low[i];
        entries[i].upper = &high[i];
        entries[i].lower_count = entries[i].upper_count = 1;
    }
    ice_table_add(&built, "append", 0, entries, 3);
    ice_table_write(&built);
    floe_scan_plan result = plan_ok("k = 150");
    assert_int_equal(result.files_total, 3);
    assert_int_equal(result.files_pruned_by_bounds, 1);
    assert_int_equal(result.files_read, 2); /* the third has no bounds: it may hold anything */
    assert_true(floe_str_is(result.paths[0], "/d/b.parquet"));
}

static void files__elsewhere__can_be_planned(void **state) {
    (void)state;
    const ice_entry entries[] = {added("s3://bucket/a.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 1);
    ice_table_write(&built);
    floe_scan_plan result = plan_ok(NULL);
    assert_true(floe_str_is(result.paths[0], "s3://bucket/a.parquet"));
}

/* ---- filters ---- */

static void filter__that_floe_cannot_read__prunes_nothing_and_says_so(void **state) {
    (void)state;
    const ice_entry entries[] = {added("/d/a.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 1);
    ice_table_write(&built);
    floe_scan_plan result;
    floe_error err = {0};
    floe_scan_request request = {.limit = -1, .where = "reverse(s) = 'cba'", .engine_where = true};
    assert_ok(plan(&request, &result, &err), &err);
    assert_int_equal(result.files_read, 1);
    assert_true(result.note.len > 0);
    request.engine_where = false;
    floe_error refused = {0};
    assert_code(plan(&request, &result, &refused), FLOE_INVALID);
    assert_message(&refused, "where: ");
}

static void columns__unknown__are_named_with_the_nearest(void **state) {
    (void)state;
    static const floe_str WRONG[] = {{"kk", 2}};
    ice_table_write(&built);
    plan_fails((floe_scan_request){.columns = WRONG, .column_count = 1}, FLOE_NOT_FOUND, "did you mean k?");
    plan_fails((floe_scan_request){.where = "kk = 1"}, FLOE_NOT_FOUND, "kk");
    static const floe_str SPEC_ID[] = {{"_spec_id", 8}};
    plan_fails((floe_scan_request){.columns = SPEC_ID, .column_count = 1}, FLOE_UNSUPPORTED, "_spec_id");
}

/* ---- refusals ---- */

static void allowed__delete_manifest_of_deleted_entries_only(void **state) {
    (void)state;
    const ice_entry data[] = {added("/d/a.parquet", 1)};
    ice_entry delete = added("/d/del.parquet", 3);
    delete.content = 1;
    delete.status = 2;
    delete.sequence_number = 1;
    ice_table_add(&built, "append", 0, data, 1);
    ice_table_add(&built, "replace", 1, &delete, 1);
    ice_table_write(&built);
    assert_int_equal(plan_ok(NULL).files_read, 1);
}

static void refused__other_formats_and_encryption__by_file(void **state) {
    (void)state;
    ice_entry orc = added("/d/a.orc", 1);
    orc.format = "ORC";
    ice_table_add(&built, "append", 0, &orc, 1);
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_UNSUPPORTED, "/d/a.orc is ORC");
    ice_entry secret = added("/d/b.parquet", 1);
    secret.format = "parquet"; /* any case */
    secret.encrypted = true;
    ice_table_close(&built);
    ice_table_init(&built, PLAIN, UNPARTITIONED, "");
    ice_table_add(&built, "append", 0, &secret, 1);
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_UNSUPPORTED, "/d/b.parquet is encrypted");
}

/* An encrypted table has keys in its metadata; without any the version alone keeps nothing from being read. */
static void refused__encrypted_tables__by_name(void **state) {
    (void)state;
    built.version = 3;
    ice_table_write(&built);
    assert_int_equal(plan_ok(NULL).files_read, 0);
    built.refs = "{},\"encryption-keys\":[{\"key-id\":\"1\"}]";
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_UNSUPPORTED, "is encrypted");
}

static void refused__unknown_types__only_when_projected(void **state) {
    (void)state;
    static const floe_str GOOD[] = {{"k", 1}};
    static const char *const TYPES[] = {"\"geometry(srid:4326)\"", "\"variant\"",
                                        "{\"type\":\"list\",\"element-id\":9,\"element\":\"timestamptz_ns\"}"};
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        built.schemas = floe_arena_printf(
            &arena, "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "g", "%s")) "]", TYPES[i]);
        ice_table_write(&built);
        plan_fails((floe_scan_request){.where = NULL}, FLOE_UNSUPPORTED, "column \"g\"");
        floe_scan_plan result;
        floe_error err = {0};
        floe_scan_request request = {.limit = -1, .columns = GOOD, .column_count = 1};
        assert_ok(plan(&request, &result, &err), &err);
    }
}

#define INNER(members) "{\"type\":\"struct\",\"fields\":[" members "]}"

static void refused__struct_members_that_differ_in_case(void **state) {
    (void)state;
    built.schemas =
        "[" SCHEMA("0", FIELD("1", "n", INNER(FIELD("5", "x", "\"int\"") "," FIELD("6", "X", "\"int\"")))) "]";
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_UNSUPPORTED, "differ only in case");
}

/* ---- damage ---- */

static void damage__missing_and_cut_manifests__are_named(void **state) {
    (void)state;
    const ice_entry entries[] = {added("/d/a.parquet", 1), added("/d/b.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 2);
    ice_table_write(&built);
    const char *path = ice_path(built.folder, "metadata/m1.avro");
    FLOE_AUTO_BUF bytes = {0};
    floe_buf_init(&bytes, FLOE_MIB(1));
    floe_error err = {0};
    assert_ok(floe_file_read(path, &bytes, &err), &err);
    ice_write_file(path, (floe_str){bytes.ptr, bytes.len - 20});
    plan_fails((floe_scan_request){.where = NULL}, FLOE_CORRUPT, "m1.avro");
    assert_ok(floe_file_remove(path, &err), &err);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_NOT_FOUND, "m1.avro");
}

/* Cut between two blocks, a manifest is a whole Avro file: only the counts of the list tell. */
static void damage__manifest_cut_between_blocks__is_seen_by_its_count(void **state) {
    (void)state;
    const ice_entry entries[] = {added("/d/a.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 1);
    ((ice_listed *)built.lists.items[0])->added = 2; /* the list knows of two */
    ((ice_listed *)built.lists.items[0])->existing = 0;
    ice_table_add(&built, "append", 0, NULL, 0);
    ice_table_write(&built);
    plan_fails((floe_scan_request){.where = NULL}, FLOE_CORRUPT, "lists 1 files, its manifest list says 2");
}

static void manifests__known_to_hold_nothing_live__are_not_read(void **state) {
    (void)state;
    const ice_entry entries[] = {added("/d/a.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 1);
    ((ice_listed *)built.lists.items[0])->path = "/nowhere/m.avro";
    ((ice_listed *)built.lists.items[0])->added = 0;
    ((ice_listed *)built.lists.items[0])->existing = 0;
    ((ice_listed *)built.lists.items[0])->deleted = 5;
    const ice_entry more[] = {added("/d/b.parquet", 1)};
    ice_table_add(&built, "append", 0, more, 1);
    ice_table_write(&built);
    floe_scan_plan result = plan_ok(NULL);
    assert_int_equal(result.manifests_total, 2);
    assert_int_equal(result.manifests_read, 1);
    assert_int_equal(result.files_read, 1);
}

static void cancelled__before_it_begins__stops(void **state) {
    (void)state;
    const ice_entry entries[] = {added("/d/a.parquet", 1)};
    ice_table_add(&built, "append", 0, entries, 1);
    ice_table_write(&built);
    atomic_bool stop = true;
    floe_run run = {.cancelled = &stop};
    floe_lake *stopped = NULL;
    floe_scan_plan result;
    floe_error err = {0};
    floe_scan_request request = {.limit = -1};
    assert_ok(floe_lake_open(NULL, 0, &run, &stopped, &err), &err);
    floe_table *table = ice_open(stopped, built.folder);
    assert_code(floe_table_plan(table, &request, &arena, &result, &err), FLOE_CANCELLED);
    floe_table_close(&table);
    floe_lake_close(&stopped);
}

/* ---- partitions ---- */

static void partitions__manifest_and_file__are_pruned_by_month(void **state) {
    (void)state;
    built.schemas = "[" SCHEMA("0", FIELD("1", "at", "\"timestamp\"")) "]";
    built.specs =
        "[{\"spec-id\":0,\"fields\":[{\"name\":\"m\",\"transform\":\"month\",\"source-id\":1,\"field-id\":1000}]}]";
    built.partition_fields = "{\"name\":\"m\",\"type\":[\"null\",\"int\"],\"field-id\":1000}";
    ice_entry first[2] = {added("/d/jan.parquet", 1), added("/d/feb.parquet", 1)};
    first[0].partition = FLOE_STR("\x02\xe8\x05"); /* branch 1; 372 = 2001-01, zigzag 744 */
    first[1].partition = FLOE_STR("\x02\xea\x05");
    ice_entry none = added("/d/none.parquet", 1);
    none.partition = (floe_str){"\0", 1};
    ice_table_add(&built, "append", 0, first, 2);
    static const ice_summary SUMMARY = {false, -1, "\x74\x01\0\0", "\x75\x01\0\0", 4, 4};
    ((ice_listed *)built.lists.items[0])->summaries = &SUMMARY;
    ((ice_listed *)built.lists.items[0])->summary_count = 1;
    ice_table_add(&built, "append", 0, &none, 1);
    ice_table_write(&built);
    floe_scan_plan result = plan_ok("at < TIMESTAMP '2001-02-01 00:00:00'");
    assert_int_equal(result.files_read, 1);
    assert_int_equal(result.files_pruned_by_partition, 2);
    result = plan_ok("at >= TIMESTAMP '2001-03-01 00:00:00'");
    assert_int_equal(result.manifests_read, 1); /* the first by its summary */
    assert_int_equal(result.files_read, 0);
    result = plan_ok("at IS NULL");
    assert_int_equal(result.files_read, 1);
    assert_true(floe_str_is(result.paths[0], "/d/none.parquet"));
}

/* ---- appended ---- */

static void expect_appended(int64_t from, bool appends, size_t count) {
    floe_table *table = ice_open(lake, built.folder);
    floe_table_scan_files files;
    floe_error err = {0};
    floe_scan_request request = {.limit = -1};
    bool appends_only = !appends;
    const floe_ice_data_file *const *found = NULL;
    size_t found_count = 99;
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &arena, &files, &err), &err);
    assert_ok(floe_table_scan_appended(table, from, &files, &arena, &appends_only, &found, &found_count, &err), &err);
    assert_int_equal(appends_only, appends);
    if (appends) {
        assert_int_equal(found_count, count);
    }
    floe_table_close(&table);
}

static void appended__between_ancestors__are_found(void **state) {
    (void)state;
    const ice_entry first[] = {added("/d/a.parquet", 1)};
    ice_entry second[2] = {added("/d/b.parquet", 1), added("/d/c.parquet", 1)};
    ice_entry third[2] = {added("/d/d.parquet", 1), added("/d/e.parquet", 1)};
    third[1].status = 0; /* a merged manifest keeps the snapshot that added the file */
    third[1].snapshot_id = 1;
    third[1].sequence_number = 1;
    ice_table_add(&built, "append", 0, first, 1);
    ice_table_add(&built, "append", 0, second, 2);
    ice_table_add(&built, "append", 0, third, 2);
    ice_table_write(&built);
    expect_appended(3, true, 0);
    expect_appended(2, true, 1);
    expect_appended(1, true, 3);
    expect_appended(99, false, 0); /* no ancestor */
}

static void appended__with_a_rewrite_between__are_not_only_appends(void **state) {
    (void)state;
    static const char *const OPERATIONS[] = {"overwrite", "delete", "replace", ""};
    for (size_t i = 0; i < 4; i++) {
        const ice_entry a[] = {added("/d/a.parquet", 1)};
        const ice_entry b[] = {added("/d/b.parquet", 1)};
        const ice_entry c[] = {added("/d/c.parquet", 1)};
        ice_table_close(&built);
        ice_table_init(&built, PLAIN, UNPARTITIONED, "");
        ice_table_add(&built, "append", 0, a, 1);
        ice_table_add(&built, OPERATIONS[i], 0, b, 1);
        ice_table_add(&built, "append", 0, c, 1);
        ice_table_write(&built);
        expect_appended(1, false, 0);
        expect_appended(2, true, 1);
    }
}

/* ---- pieces of SQL ---- */

static void types__as_sql__quote_members_and_nest(void **state) {
    (void)state;
    built.schemas =
        "[" SCHEMA("0", FIELD("1", "n",
                              "{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,"
                              "\"value\":{\"type\":\"list\",\"element-id\":4,\"element\":" INNER(
                                  FIELD("5", "a\\\"b", "\"decimal(9,2)\"") "," FIELD(
                                      "6", "t", "\"timestamptz\"")) "}}") "," FIELD("7", "z", "\"timestamptz\"")) "]";
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    const floe_ice_schema *schema = &floe_table_metadata(table)->schemas[0];
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_KIB(4));
    floe_ice_type_sql(schema->fields[0].type, true, &sql);
    assert_string_equal(sql.ptr, "MAP(VARCHAR, STRUCT(\"a\"\"b\" DECIMAL(9,2), \"t\" TIMESTAMPTZ)[])");
    floe_buf_clear(&sql);
    floe_ice_type_sql(schema->fields[1].type, true, &sql);
    assert_string_equal(sql.ptr, "TIMESTAMP");
    floe_buf_clear(&sql);
    floe_ice_type_sql(schema->fields[1].type, false, &sql);
    assert_string_equal(sql.ptr, "TIMESTAMPTZ");
    floe_table_close(&table);
}

static floe_status plan_fresh(void *context, floe_error *err) {
    floe_scan_request request = {.limit = -1, .where = "k = 5 AND s LIKE 'a%'"};
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(64));
    floe_scan_plan result;
    return floe_table_plan(context, &request, &memory, &result, err);
}

static void memory__any_allocation_failing__is_reported(void **state) {
    (void)state;
    const ice_bound low[] = {ice_bound_i64(1, 5)};
    ice_entry entry = added("/d/a.parquet", 1);
    entry.lower = low;
    entry.lower_count = 1;
    ice_table_add(&built, "append", 0, &entry, 1);
    ice_table_write(&built);
    floe_table *table = ice_open(lake, built.folder);
    assert_true(floe_test_alloc_sweep(plan_fresh, table) > 0);
    floe_table_close(&table);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(files__in_sequence_then_path_order__deleted_left_out),
        T(files__no_snapshot__none),
        T(files__as_of_an_older_snapshot__are_its_own),
        T(files__one_path_twice__is_corrupt_even_where_pruned),
        T(files__pruned_by_bounds__are_counted),
        T(files__elsewhere__can_be_planned),
        T(filter__that_floe_cannot_read__prunes_nothing_and_says_so),
        T(columns__unknown__are_named_with_the_nearest),
        T(allowed__delete_manifest_of_deleted_entries_only),
        T(refused__other_formats_and_encryption__by_file),
        T(refused__encrypted_tables__by_name),
        T(refused__unknown_types__only_when_projected),
        T(refused__struct_members_that_differ_in_case),
        T(damage__missing_and_cut_manifests__are_named),
        T(damage__manifest_cut_between_blocks__is_seen_by_its_count),
        T(manifests__known_to_hold_nothing_live__are_not_read),
        T(cancelled__before_it_begins__stops),
        T(partitions__manifest_and_file__are_pruned_by_month),
        T(appended__between_ancestors__are_found),
        T(appended__with_a_rewrite_between__are_not_only_appends),
        T(types__as_sql__quote_members_and_nest),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
