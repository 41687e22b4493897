/*
 * Lakes and tables: references, listing, opening, describing, snapshots.
 */
#include "tests/offline/ice_support.h"

#include "offline/iceberg/codec.h"
#include "offline/iceberg/scan.h"
#include "offline/lake_int.h"

#include <stdlib.h>
#include <unistd.h>

#define SCHEMAS                                                                                                        \
    "[{\"schema-id\":0,\"type\":\"struct\",\"fields\":["                                                               \
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\",\"doc\":\"which\"},"                                \
    "{\"id\":2,\"name\":\"at\",\"required\":false,\"type\":\"timestamptz\"},"                                          \
    "{\"id\":3,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":4,\"element\":"         \
    "\"string\",\"element-required\":false}},"                                                                         \
    "{\"id\":5,\"name\":\"u\",\"required\":false,\"type\":\"uuid\"}]}]"
#define SPECS                                                                                                          \
    "[{\"spec-id\":0,\"fields\":[{\"name\":\"at_month\",\"transform\":\"month\",\"source-id\":2,\"field-id\":1000},"   \
    "{\"name\":\"id_bucket\",\"transform\":\"bucket[4]\",\"source-id\":1,\"field-id\":1001},"                          \
    "{\"name\":\"old\",\"transform\":\"identity\",\"source-id\":77,\"field-id\":1002}]}]"
#define METADATA(more)                                                                                                 \
    "{\"format-version\":2,\"table-uuid\":\"u-1\",\"location\":\"/t\",\"last-sequence-number\":2,"                     \
    "\"current-schema-id\":0,\"schemas\":" SCHEMAS ",\"default-spec-id\":0,\"partition-specs\":" SPECS more "}"
#define HISTORY                                                                                                        \
    ",\"properties\":{\"comment\":\"what it is\"},\"current-snapshot-id\":2,\"snapshots\":["                           \
    "{\"snapshot-id\":1,\"sequence-number\":1,\"timestamp-ms\":1000,\"manifest-list\":\"/1\","                         \
    "\"summary\":{\"operation\":\"append\",\"added-records\":\"5\",\"total-records\":\"5\"}},"                         \
    "{\"snapshot-id\":2,\"parent-snapshot-id\":1,\"sequence-number\":2,\"timestamp-ms\":2500,\"manifest-list\":\"/"    \
    "2\","                                                                                                             \
    "\"summary\":{\"operation\":\"overwrite\",\"total-records\":\"8\",\"total-data-files\":\"3\","                     \
    "\"added-records\":\"many\"}}],"                                                                                   \
    "\"refs\":{\"main\":{\"snapshot-id\":2,\"type\":\"branch\"},\"v1\":{\"snapshot-id\":1,\"type\":\"tag\"},"          \
    "\"audit\":{\"snapshot-id\":2,\"type\":\"branch\"}}"

static floe_arena arena;
static const char *warehouse;
static floe_lake *lake;
static floe_catalog_def definitions[2];

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    warehouse = floe_test_temp_dir();
    definitions[0] = (floe_catalog_def){.name = FLOE_STR("lake"),
                                        .type = FLOE_STR("directory"),
                                        .warehouse = floe_str_of(ice_path(warehouse, "w")),
                                        .moved_from = FLOE_STR("s3://b"),
                                        .moved_to = FLOE_STR("/here")};
    definitions[1] = (floe_catalog_def){
        .name = FLOE_STR("archive"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(ice_path(warehouse, "a"))};
    ice_write_file(ice_path(warehouse, "w/aviation/flights/metadata/v1.metadata.json"), FLOE_STR(METADATA(HISTORY)));
    ice_write_file(ice_path(warehouse, "w/aviation/empty/metadata/v1.metadata.json"), FLOE_STR(METADATA("")));
    ice_write_file(ice_path(warehouse, "a/x/deep/t/metadata/v1.metadata.json"), FLOE_STR(METADATA("")));
    assert_ok(floe_lake_open(definitions, 2, NULL, &lake, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_lake_close(&lake);
    floe_arena_close(&arena);
    return 0;
}

/* ---- references ---- */

static void open_fails(const char *reference, floe_code code, const char *part) {
    floe_table *table = NULL;
    floe_error err = {0};
    assert_code(floe_table_open(lake, reference, NULL, NULL, &table, &err), code);
    assert_message(&err, part);
    assert_null(table);
}

static void open_ok(const char *reference) {
    floe_table *table = ice_open(lake, reference);
    assert_int_equal(floe_table_metadata(table)->format_version, 2);
    floe_table_close(&table);
    assert_null(table);
    floe_table_close(&table); /* twice is harmless */
}

static void open__by_each_form_of_reference__works(void **state) {
    (void)state;
    open_ok("lake.aviation.flights");
    open_ok("archive.x.deep.t");
    open_ok(ice_path(warehouse, "w/aviation/flights"));
    open_ok(ice_path(warehouse, "w/aviation/flights/"));
    open_ok(ice_path(warehouse, "w/aviation/flights/metadata/v1.metadata.json"));
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(1));
    open_ok(floe_arena_printf(&memory, "file://%s/w/aviation/flights", warehouse));
    open_ok(floe_arena_printf(&memory, "file:%s/w/aviation/flights", warehouse));
}

static void open__relative_names_in_the_current_folder__are_paths(void **state) {
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(ice_path(warehouse, "w/aviation")), 0);
    open_ok("flights");
    open_ok("./flights");
    open_fails("nothing", FLOE_NOT_FOUND, "no catalog \"nothing\"");
    assert_int_equal(chdir(before), 0);
}

static void open__gzipped_metadata_named_outright__works(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    assert_ok(floe_deflate_gzip(FLOE_STR(METADATA("")), 6, &packed, &err), &err);
    ice_write_file(ice_path(warehouse, "g/metadata/v1.gz.metadata.json"), floe_buf_view(&packed));
    ice_write_file(ice_path(warehouse, "h/metadata/v1.metadata.json.gz"), floe_buf_view(&packed));
    ice_write_file(ice_path(warehouse, "i/metadata/v1.metadata.json"),
                   floe_buf_view(&packed)); /* the name says nothing */
    open_ok(ice_path(warehouse, "g"));
    open_ok(ice_path(warehouse, "h"));
    open_ok(ice_path(warehouse, "i"));
    open_ok(ice_path(warehouse, "h/metadata/v1.metadata.json.gz"));
}

static void open__what_is_not_there__is_named_with_the_nearest(void **state) {
    (void)state;
    open_fails("", FLOE_INVALID, "empty");
    open_fails("lake.aviation.flihgts", FLOE_NOT_FOUND, "did you mean lake.aviation.flights?");
    open_fails("lkae.aviation.flights", FLOE_NOT_FOUND, "did you mean lake?");
    open_fails("lake.flights", FLOE_INVALID, "catalog.namespace.table");
    open_fails("lake..flights", FLOE_INVALID, "namespace");
    open_fails("/nowhere/at/all", FLOE_NOT_FOUND, "/nowhere/at/all");
    open_fails(ice_path(warehouse, "w/aviation"), FLOE_NOT_FOUND, "no folder metadata");
    open_fails("abfss://bucket/table", FLOE_UNSUPPORTED, "\"abfss\"");
}

static void open__without_catalogs__says_so(void **state) {
    (void)state;
    floe_lake *none = ice_lake();
    floe_table *table = NULL;
    floe_error err = {0};
    assert_code(floe_table_open(none, "lake.a.b", NULL, NULL, &table, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no catalogs");
    floe_lake_close(&none);
}

static void open__damaged_metadata__names_the_file(void **state) {
    (void)state;
    ice_write_file(ice_path(warehouse, "bad/metadata/v1.metadata.json"), FLOE_STR("{\"format-version\":2"));
    open_fails(ice_path(warehouse, "bad"), FLOE_CORRUPT, "bad/metadata/v1.metadata.json");
    ice_write_file(ice_path(warehouse, "bad/metadata/v2.metadata.json"), FLOE_STR(""));
    open_fails(ice_path(warehouse, "bad"), FLOE_CORRUPT, "v2.metadata.json");
}

static void moved__both_or_neither__and_the_catalogs_by_default(void **state) {
    (void)state;
    floe_table *table = NULL;
    floe_error err = {0};
    assert_code(floe_table_open(lake, "lake.aviation.flights", "/a", NULL, &table, &err), FLOE_INVALID);
    floe_error second = {0};
    assert_code(floe_table_open(lake, "lake.aviation.flights", "", "/b", &table, &second), FLOE_INVALID);
    floe_error third = {0};
    assert_ok(floe_table_open(lake, "lake.aviation.flights", NULL, NULL, &table, &third), &third);
    assert_true(floe_str_is(table->moved.from, "s3://b") && floe_str_is(table->moved.to, "/here"));
    floe_table_close(&table);
    assert_ok(floe_table_open(lake, "lake.aviation.flights", "/old", "/new", &table, &third), &third);
    assert_true(floe_str_is(table->moved.from, "/old"));
    floe_table_close(&table);
}

static void lake__catalog_of_an_unknown_type__is_refused_whole(void **state) {
    (void)state;
    floe_catalog_def both[2] = {definitions[0], {.name = FLOE_STR("prod"), .type = FLOE_STR("hive")}};
    floe_lake *other = NULL;
    floe_error err = {0};
    assert_code(floe_lake_open(both, 2, NULL, &other, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "\"prod\"");
    assert_null(other);
}

/* ---- list, describe, snapshots ---- */

static void list__every_catalog__sorted_by_full_name(void **state) {
    (void)state;
    const floe_table_name *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_table_list(lake, &arena, &names, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_true(floe_str_is(names[0].full, "archive.x.deep.t"));
    assert_true(floe_str_is(names[0].namespace_name, "x.deep"));
    assert_true(floe_str_is(names[1].full, "lake.aviation.empty"));
    assert_true(floe_str_is(names[2].full, "lake.aviation.flights"));
    assert_string_equal(names[2].metadata_path, ice_path(warehouse, "w/aviation/flights/metadata/v1.metadata.json"));
}

static void describe__a_table_with_history__says_everything(void **state) {
    (void)state;
    floe_table_info info;
    floe_error err = {0};
    floe_table *table = ice_open(lake, "lake.aviation.flights");
    assert_ok(floe_table_describe(table, &arena, &info, &err), &err);
    assert_true(floe_str_is(info.name, "lake.aviation.flights"));
    assert_true(floe_str_is(info.location, "/t"));
    assert_true(floe_str_is(info.uuid, "u-1"));
    assert_true(floe_str_is(info.comment, "what it is"));
    assert_true(floe_str_is(info.partition_text, "month(at), bucket[4](id), identity(#77)"));
    assert_int_equal(info.snapshot_id, 2);
    assert_true(info.snapshot_us == 2500000);
    assert_int_equal(info.record_count, 8);
    assert_int_equal(info.file_count, 3);
    assert_int_equal(info.column_count, 4);
    assert_true(floe_str_is(info.columns[0].doc, "which") && info.columns[0].required);
    assert_int_equal(info.columns[1].type.kind, FLOE_KIND_TIMESTAMP);
    assert_true(floe_str_is(info.columns[1].type_text, "timestamptz"));
    assert_int_equal(info.columns[2].type.kind, FLOE_KIND_LIST);
    assert_true(floe_str_is(info.columns[2].type_text, "list<string>"));
    assert_int_equal(info.columns[3].type.kind, FLOE_KIND_NONE);
    assert_int_equal(info.columns[3].field_id, 5);
    floe_table_close(&table);
}

static void describe__a_table_without_snapshots__has_none(void **state) {
    (void)state;
    floe_table_info info;
    floe_error err = {0};
    const floe_snapshot_info *snapshots = NULL;
    size_t count = 9;
    floe_table *table = ice_open(lake, "lake.aviation.empty");
    assert_ok(floe_table_describe(table, &arena, &info, &err), &err);
    assert_int_equal(info.snapshot_id, -1);
    assert_int_equal(info.record_count, 0);
    assert_int_equal(info.comment.len, 0);
    assert_ok(floe_table_snapshots(table, &arena, &snapshots, &count, &err), &err);
    assert_int_equal(count, 0);
    floe_table_close(&table);
}

static void snapshots__with_refs_and_counts__are_listed(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_snapshot_info *snapshots = NULL;
    size_t count = 0;
    floe_table *table = ice_open(lake, "lake.aviation.flights");
    assert_ok(floe_table_snapshots(table, &arena, &snapshots, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(snapshots[0].parent_id, -1);
    assert_int_equal(snapshots[0].added_records, 5);
    assert_true(floe_str_is(snapshots[0].refs, "tag:v1"));
    assert_int_equal(snapshots[1].parent_id, 1);
    assert_true(floe_str_is(snapshots[1].operation, "overwrite"));
    assert_true(floe_str_is(snapshots[1].refs, "main, audit"));
    assert_int_equal(snapshots[1].added_records, -1); /* "many" is no number */
    assert_int_equal(snapshots[1].total_records, 8);
    assert_true(snapshots[1].committed_us == 2500000);
    floe_table_close(&table);
}

static floe_status open_and_describe(void *context, floe_error *err) {
    (void)context;
    floe_lake *own = NULL;
    floe_table *table = NULL;
    floe_table_info info;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(16));
    FLOE_TRY(floe_lake_open(definitions, 2, NULL, &own, err));
    floe_status status = floe_table_open(own, "lake.aviation.flights", "/x", "/y", &table, err);
    if (!floe_failed(status)) {
        status = floe_table_describe(table, &memory, &info, err);
    }
    floe_table_close(&table);
    floe_lake_close(&own);
    return status;
}

static void memory__any_allocation_failing__is_reported_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(open_and_describe, NULL) > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(open__by_each_form_of_reference__works),
        T(open__relative_names_in_the_current_folder__are_paths),
        T(open__gzipped_metadata_named_outright__works),
        T(open__what_is_not_there__is_named_with_the_nearest),
        T(open__without_catalogs__says_so),
        T(open__damaged_metadata__names_the_file),
        T(moved__both_or_neither__and_the_catalogs_by_default),
        T(lake__catalog_of_an_unknown_type__is_refused_whole),
        T(list__every_catalog__sorted_by_full_name),
        T(describe__a_table_with_history__says_everything),
        T(describe__a_table_without_snapshots__has_none),
        T(snapshots__with_refs_and_counts__are_listed),
        T(memory__any_allocation_failing__is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
