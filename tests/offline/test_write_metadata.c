/*
 * Table metadata as it is written for a table's next state, read back by floe's reader.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/limits.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/write/write.h"
#include "tests/offline/sql_support.h"

#include <string.h>

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static floe_ice_type ice(floe_ice_kind kind, const char *text) {
    return (floe_ice_type){.kind = kind, .text = floe_str_of(text)};
}

static floe_ice_type t_long, t_string, t_double, t_date, t_decimal, t_time;
static floe_ice_field fields[8];
static floe_ice_schema schema;
static floe_ice_partition_field partition_fields[6];
static floe_ice_spec spec;
static floe_ice_metadata metadata;

static void make_schema(void) {
    t_long = ice(FLOE_ICE_LONG, "long");
    t_string = ice(FLOE_ICE_STRING, "string");
    t_double = ice(FLOE_ICE_DOUBLE, "double");
    t_date = ice(FLOE_ICE_DATE, "date");
    t_time = ice(FLOE_ICE_TIMESTAMPTZ, "timestamptz");
    t_decimal =
        (floe_ice_type){.kind = FLOE_ICE_DECIMAL, .precision = 9, .scale = 2, .text = FLOE_STR("decimal(9, 2)")};
    const floe_ice_field made[] = {
        {.id = 1, .name = FLOE_STR("id"), .required = true, .type = &t_long, .doc = FLOE_STR("the \"key\"")},
        {.id = 2, .name = FLOE_STR("2nd name-é"), .type = &t_string},
        {.id = 3, .name = FLOE_STR("x"), .type = &t_double},
        {.id = 4, .name = FLOE_STR("day"), .type = &t_date},
        {.id = 5, .name = FLOE_STR("price"), .type = &t_decimal},
        {.id = 6, .name = FLOE_STR("at"), .type = &t_time},
    };
    memcpy(fields, made, sizeof made);
    schema = (floe_ice_schema){.schema_id = 3, .fields = fields, .field_count = 6};
    const floe_ice_partition_field partitions[] = {
        {2, 1000, FLOE_STR("2nd name-é"), FLOE_TRANSFORM_IDENTITY, 0, FLOE_STR("identity")},
        {4, 1001, FLOE_STR("day_day"), FLOE_TRANSFORM_DAY, 0, FLOE_STR("day")},
        {5, 1002, FLOE_STR("price"), FLOE_TRANSFORM_IDENTITY, 0, FLOE_STR("identity")},
        {3, 1003, FLOE_STR("x"), FLOE_TRANSFORM_IDENTITY, 0, FLOE_STR("identity")},
        {6, 1004, FLOE_STR("at"), FLOE_TRANSFORM_IDENTITY, 0, FLOE_STR("identity")},
        {1, 1005, FLOE_STR("id_bucket"), FLOE_TRANSFORM_BUCKET, 7, FLOE_STR("bucket[7]")},
    };
    memcpy(partition_fields, partitions, sizeof partitions);
    spec = (floe_ice_spec){.spec_id = 4, .fields = partition_fields, .field_count = 6};
    metadata = (floe_ice_metadata){
        .format_version = 2, .schemas = &schema, .schema_count = 1, .specs = &spec, .spec_count = 1};
}

/* ---- metadata ---- */

static const floe_ice_summary_item SUMMARY[] = {{"added-records", 7}, {"total-records", -1}, {"added-data-files", 0}};

static floe_ice_commit first_commit(void) {
    make_schema();
    return (floe_ice_commit){.table_uuid = FLOE_STR("9c12d441-03fe-4693-9a96-a0705ddf69c1"),
                             .location = FLOE_STR("/t"),
                             .comment = FLOE_STR("what \"it\" is"),
                             .schema = &schema,
                             .last_column_id = 6,
                             .spec = &spec,
                             .last_partition_id = 1005,
                             .snapshot_id = INT64_MAX,
                             .sequence_number = 1,
                             .timestamp_ms = 1000,
                             .operation = "append",
                             .manifest_list = FLOE_STR("/t/metadata/snap-1.avro"),
                             .summary = SUMMARY,
                             .summary_count = 3};
}

static void decode(const floe_buf *out, floe_ice_metadata *ret_metadata) {
    floe_error err = {0};
    floe_str copy = floe_arena_str(&arena, floe_buf_view(out));
    must(floe_metadata_decode(copy, &arena, ret_metadata, &err), &err);
}

static void metadata__new_table__reads_back(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_metadata back;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_ice_commit commit = first_commit();
    must(floe_ice_write_metadata(&commit, &out, &err), &err);
    decode(&out, &back);
    assert_int_equal(back.format_version, 2);
    assert_true(floe_str_equal(back.table_uuid, commit.table_uuid));
    assert_int_equal(back.current_snapshot_id, INT64_MAX);
    assert_int_equal(back.snapshots[0].parent_id, -1);
    assert_int_equal(back.snapshots[0].schema_id, 3);
    assert_true(floe_str_is(back.snapshots[0].operation, "append"));
    assert_null(floe_node_get(back.snapshots[0].summary, "total-records"));
    assert_true(floe_str_is(floe_node_get(back.snapshots[0].summary, "added-records")->text, "7"));
    assert_true(floe_str_is(floe_node_get(back.properties, "comment")->text, "what \"it\" is"));
    assert_int_equal(back.current_schema_id, 3);
    assert_int_equal(back.default_spec_id, 4);
    assert_int_equal(back.specs[0].fields[5].argument, 7);
    assert_int_equal(back.ref_count, 1);
    assert_true(floe_str_is(back.refs[0].name, "main"));
    assert_int_equal(back.log_count, 1);
    assert_int_equal(floe_node_get(back.root, "metadata-log")->count, 0);
}

static const char FORMER[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t\",\"last-sequence-number\":9,\"last-updated-ms\":500,"
    "\"last-column-id\":6,\"current-schema-id\":3,\"schemas\":[{\"type\":\"struct\",\"schema-id\":3,\"fields\":[{"
    "\"id\":1,"
    "\"name\":\"id\",\"required\":true,\"type\":\"long\"}]}],\"default-spec-id\":4,\"partition-specs\":[{\"spec-id\":4,"
    "\"fields\":[]}],\"last-partition-id\":999,\"default-sort-order-id\":2,\"sort-orders\":[{\"order-id\":2,\"fields\":"
    "[]}],"
    "\"properties\":{\"owner\":\"x\",\"comment\":\"old\"},\"current-snapshot-id\":5,\"refs\":{\"main\":{\"snapshot-"
    "id\":5,"
    "\"type\":\"branch\",\"min-snapshots-to-keep\":3},\"v1\":{\"snapshot-id\":5,\"type\":\"tag\"}},\"snapshots\":["
    "{\"snapshot-id\":5,\"sequence-number\":9,\"timestamp-ms\":500,\"summary\":{\"operation\":\"append\"},"
    "\"manifest-list\":\"/t/l\"}],\"snapshot-log\":[{\"timestamp-ms\":500,\"snapshot-id\":5}],\"metadata-log\":[],"
    "\"statistics\":[{\"snapshot-id\":5,\"statistics-path\":\"/s\"}],\"x-other-engine\":{\"a\":[1,2.5,null,\"é\"]}}";

static void metadata__next_state__carries_over_what_it_does_not_touch(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_metadata base, back;
    FLOE_AUTO_BUF former, out;
    floe_buf_init(&former, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&former, FORMER);
    decode(&former, &base);
    floe_ice_commit commit = first_commit();
    commit.base = &base;
    commit.base_path = FLOE_STR("/t/metadata/v1.metadata.json");
    commit.comment = (floe_str){0};
    commit.sequence_number = 10;
    commit.snapshot_id = 6;
    must(floe_ice_write_metadata(&commit, &out, &err), &err);
    decode(&out, &back);
    assert_true(floe_str_is(back.table_uuid, "u"));
    assert_int_equal(back.schema_count, 1); /* schema 3 and spec 4 are there already */
    assert_int_equal(back.spec_count, 1);
    assert_int_equal(back.snapshot_count, 2);
    assert_int_equal(back.snapshots[1].parent_id, 5);
    assert_int_equal(back.last_sequence_number, 10);
    assert_int_equal(back.default_sort_order_id, 2);
    assert_int_equal(back.ref_count, 2);
    assert_true(floe_str_is(floe_node_get(back.properties, "comment")->text, "old"));
    assert_true(floe_str_is(floe_node_get(back.properties, "owner")->text, "x"));
    assert_int_equal(back.log_count, 2);
    const floe_node *log = floe_node_get(back.root, "metadata-log");
    assert_int_equal(log->count, 1);
    assert_true(floe_str_is(floe_node_get(log->items[0], "metadata-file")->text, "/t/metadata/v1.metadata.json"));
    assert_int_equal(floe_node_get(back.root, "statistics")->count, 1);
    assert_int_equal(floe_node_get(floe_node_get(back.root, "x-other-engine"), "a")->count, 4);
    const floe_node *branch = floe_node_get(floe_node_get(back.root, "refs"), "main");
    assert_int_equal(floe_node_get(branch, "min-snapshots-to-keep")->as.integer, 3);
    assert_int_equal(floe_node_get(branch, "snapshot-id")->as.integer, 6);
}

static void metadata__later_format_version__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_ice_metadata base = {.format_version = 4};
    floe_ice_commit commit = first_commit();
    commit.base = &base;
    assert_int_equal(floe_ice_write_metadata(&commit, &out, &err).code, FLOE_UNSUPPORTED);
}

/* A table of version 1 as its first writers left it: one schema, one spec, neither lists of them nor refs. */
static const char VERSION_1[] =
    "{\"format-version\":1,\"location\":\"/t\",\"last-updated-ms\":500,\"last-column-id\":1,\"schema\":{\"type\":"
    "\"struct\",\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"long\"}]},\"partition-spec\":[],"
    "\"properties\":{},\"current-snapshot-id\":5,\"snapshots\":[{\"snapshot-id\":5,\"timestamp-ms\":500,\"manifests\":"
    "[\"/t/m\"]}]}";

static void metadata__version_1__stays_and_keeps_its_old_members(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_metadata base, back;
    FLOE_AUTO_BUF former, out;
    floe_buf_init(&former, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&former, VERSION_1);
    decode(&former, &base);
    floe_ice_commit commit = first_commit();
    commit.base = &base;
    commit.base_path = FLOE_STR("/t/metadata/v1.metadata.json");
    commit.sequence_number = 0;
    commit.snapshot_id = 6;
    must(floe_ice_write_metadata(&commit, &out, &err), &err);
    decode(&out, &back);
    assert_int_equal(back.format_version, 1);
    assert_null(floe_node_get(back.root, "table-uuid")); /* it had none */
    assert_null(floe_node_get(back.root, "last-sequence-number"));
    assert_null(floe_node_get(floe_node_get(back.root, "snapshots")->items[1], "sequence-number"));
    assert_non_null(floe_node_get(back.root, "schema"));
    assert_non_null(floe_node_get(back.root, "partition-spec"));
    assert_int_equal(back.schema_count, 2); /* the one it had, which was in no list, and the new */
    assert_non_null(floe_ice_schema_by_id(&back, 0));
    assert_int_equal(back.spec_count, 2);
    assert_int_equal(back.snapshots[0].manifest_count, 1);
    assert_int_equal(back.snapshots[1].parent_id, 5);
}

static void metadata__version_3__counts_row_ids(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_metadata base, back;
    FLOE_AUTO_BUF former, out;
    floe_buf_init(&former, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&former, FORMER);
    former.ptr[strlen("{\"format-version\":")] = '3';
    decode(&former, &base);
    floe_ice_commit commit = first_commit();
    commit.base = &base;
    commit.sequence_number = 10;
    commit.snapshot_id = 6;
    commit.first_row_id = floe_ice_next_row_id(&base);
    assert_int_equal(commit.first_row_id, 0); /* it says none */
    commit.next_row_id = 42;
    must(floe_ice_write_metadata(&commit, &out, &err), &err);
    decode(&out, &back);
    assert_int_equal(back.format_version, 3);
    assert_int_equal(floe_ice_next_row_id(&back), 42);
    const floe_node *snapshot = floe_node_get(back.root, "snapshots")->items[1];
    assert_int_equal(floe_node_get(snapshot, "first-row-id")->as.integer, 0);
    assert_int_equal(floe_node_get(snapshot, "added-rows")->as.integer, 42);
}

static void metadata__sort_order__is_added_once(void **state) {
    (void)state;
    static const floe_ice_sort_field SORTED[] = {{1, false, false}, {6, true, true}};
    floe_ice_sort_order order = {3, SORTED, 2};
    floe_ice_metadata base;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_ice_commit commit = first_commit();
    commit.sort_order = &order;
    for (int i = 0; i < 2; i++) {
        floe_error err = {0};
        floe_buf_clear(&out);
        commit.sorts_by_default = i == 0;
        commit.snapshot_id = i + 1;
        must(floe_ice_write_metadata(&commit, &out, &err), &err);
        decode(&out, &base);
        commit.base = &base;
        const floe_node *orders = floe_node_get(base.root, "sort-orders");
        assert_int_equal(orders->count, 2); /* the unsorted one is there too */
        assert_int_equal(base.default_sort_order_id, 3);
        const floe_node *field = floe_node_get(orders->items[1], "fields")->items[1];
        assert_int_equal(floe_node_get(field, "source-id")->as.integer, 6);
        assert_true(floe_str_is(floe_node_get(field, "direction")->text, "desc"));
        assert_true(floe_str_is(floe_node_get(field, "null-order")->text, "nulls-last"));
        assert_true(floe_str_is(floe_node_get(field, "transform")->text, "identity"));
    }
}

/* ---- without what expired ---- */

static const char FULL[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t\",\"last-sequence-number\":9,\"last-updated-ms\":500,"
    "\"last-column-id\":1,\"current-schema-id\":0,\"schemas\":[{\"schema-id\":0,\"type\":\"struct\",\"fields\":[]}],"
    "\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"last-partition-id\":999,"
    "\"refs\":{\"main\":{\"snapshot-id\":4,\"type\":\"branch\"},\"old\":{\"snapshot-id\":2,\"type\":\"tag\"},"
    "\"kept\":{\"snapshot-id\":1,\"type\":\"tag\"}},\"current-snapshot-id\":4,\"snapshots\":["
    "{\"snapshot-id\":1,\"timestamp-ms\":1,\"manifest-list\":\"/1\",\"odd\":true},"
    "{\"snapshot-id\":2,\"timestamp-ms\":2,\"manifest-list\":\"/2\"},"
    "{\"snapshot-id\":4,\"timestamp-ms\":4,\"parent-snapshot-id\":2,\"manifest-list\":\"/4\"}],"
    "\"snapshot-log\":[{\"timestamp-ms\":1,\"snapshot-id\":1},{\"timestamp-ms\":2,\"snapshot-id\":2},"
    "{\"timestamp-ms\":3,\"snapshot-id\":1},{\"timestamp-ms\":4,\"snapshot-id\":4}],"
    "\"metadata-log\":[{\"timestamp-ms\":1,\"metadata-file\":\"/t/metadata/v1\"},{\"timestamp-ms\":2,\"metadata-file\":"
    "\"/t/metadata/v2\"}],\"statistics\":[{\"snapshot-id\":2,\"statistics-path\":\"/s2\"},{\"snapshot-id\":4,"
    "\"statistics-path\":\"/s4\"}],\"partition-statistics\":[{\"snapshot-id\":2,\"statistics-path\":\"/p2\"}],"
    "\"x-other-engine\":[{\"snapshot-id\":2}]}";

static bool keeps_1_and_4(void *context, int64_t snapshot_id) {
    (void)context;
    return snapshot_id == 1 || snapshot_id == 4;
}

static bool keeps_other_refs(void *context, floe_str name) {
    (void)context;
    return !floe_str_is(name, "old");
}

static bool keeps_v2(void *context, floe_str path, int64_t timestamp_ms) {
    (void)context;
    assert_int_equal(timestamp_ms, floe_str_is(path, "/t/metadata/v2") ? 2 : 1);
    return floe_str_is(path, "/t/metadata/v2");
}

static void kept__loses_what_expired_and_nothing_else(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_metadata base, back;
    FLOE_AUTO_BUF former, out;
    floe_buf_init(&former, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&former, FULL);
    decode(&former, &base);
    floe_ice_keep keep = {.base = &base,
                          .base_path = FLOE_STR("/t/metadata/v3"),
                          .timestamp_ms = 777,
                          .snapshot = keeps_1_and_4,
                          .ref = keeps_other_refs,
                          .log_file = keeps_v2};
    must(floe_ice_write_kept(&keep, &out, &err), &err);
    decode(&out, &back);
    assert_int_equal(back.snapshot_count, 2);
    assert_true(floe_node_get(floe_node_get(back.root, "snapshots")->items[0], "odd")->as.boolean);
    assert_int_equal(back.snapshots[1].parent_id, 2); /* as it stands, though the parent is gone */
    assert_int_equal(back.ref_count, 2);
    assert_int_equal(back.log_count, 2); /* from after the second entry, whose snapshot is gone */
    assert_int_equal(back.log[0].snapshot_id, 1);
    assert_int_equal(back.log[0].timestamp_ms, 3);
    const floe_node *log = floe_node_get(back.root, "metadata-log");
    assert_int_equal(log->count, 2);
    assert_true(floe_str_is(floe_node_get(log->items[0], "metadata-file")->text, "/t/metadata/v2"));
    assert_true(floe_str_is(floe_node_get(log->items[1], "metadata-file")->text, "/t/metadata/v3"));
    assert_int_equal(floe_node_get(log->items[1], "timestamp-ms")->as.integer, 500);
    assert_int_equal(back.last_updated_ms, 777);
    assert_int_equal(floe_node_get(back.root, "statistics")->count, 1);
    assert_int_equal(floe_node_get(back.root, "partition-statistics")->count, 0);
    assert_int_equal(floe_node_get(back.root, "x-other-engine")->count, 1);
    assert_int_equal(back.current_snapshot_id, 4);
    assert_int_equal(back.last_sequence_number, 9);
}

static void schema_json__defaults_and_identifiers__are_carried_over(void **state) {
    (void)state;
    static const char TEXT[] =
        "{\"schema-id\":1,\"type\":\"struct\",\"identifier-field-ids\":[1],\"fields\":[{\"id\":1,"
        "\"name\":\"k\",\"required\":true,\"type\":\"int\",\"initial-default\":7,"
        "\"write-default\":8}]}";
    floe_error err = {0};
    floe_ice_schema decoded, back;
    const floe_node *node = NULL;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    must(floe_json_parse(&arena, FLOE_STR(TEXT), &node, &err), &err);
    must(floe_ice_schema_decode(node, &arena, &decoded, &err), &err);
    floe_json_writer json = floe_json_writer_of(&out);
    floe_ice_write_schema_json(&json, &decoded);
    must(floe_json_parse(&arena, floe_buf_view(&out), &node, &err), &err);
    must(floe_ice_schema_decode(node, &arena, &back, &err), &err);
    assert_int_equal(back.fields[0].initial_default->as.integer, 7);
    assert_int_equal(back.fields[0].write_default->as.integer, 8);
    assert_int_equal(back.identifier_ids->items[0]->as.integer, 1);
}

static void metadata__long_history__keeps_the_last_hundred_files(void **state) {
    (void)state;
    floe_ice_metadata base;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(4));
    floe_ice_commit commit = first_commit();
    for (int i = 0; i < 105; i++) {
        floe_error err = {0};
        floe_buf_clear(&out);
        commit.snapshot_id = i + 1;
        commit.sequence_number = i + 1;
        commit.base_path = floe_str_of(floe_arena_printf(&arena, "/t/metadata/v%d.metadata.json", i));
        must(floe_ice_write_metadata(&commit, &out, &err), &err);
        decode(&out, &base);
        commit.base = &base;
    }
    const floe_node *log = floe_node_get(base.root, "metadata-log");
    assert_int_equal(log->count, 100);
    assert_true(floe_str_is(floe_node_get(log->items[99], "metadata-file")->text, "/t/metadata/v104.metadata.json"));
    assert_int_equal(base.snapshot_count, 105);
}

static void schema_json__nested_types__read_back(void **state) {
    (void)state;
    floe_error err = {0};
    static floe_ice_type string, list, map, structure;
    static floe_ice_field element, entry[2], member, top[3];
    string = ice(FLOE_ICE_STRING, "string");
    element = (floe_ice_field){.id = 4, .name = FLOE_STR("element"), .type = &string};
    list = (floe_ice_type){.kind = FLOE_ICE_LIST, .fields = &element, .field_count = 1};
    entry[0] = (floe_ice_field){.id = 5, .name = FLOE_STR("key"), .required = true, .type = &string};
    entry[1] = (floe_ice_field){.id = 6, .name = FLOE_STR("value"), .type = &list};
    map = (floe_ice_type){.kind = FLOE_ICE_MAP, .fields = entry, .field_count = 2};
    member = (floe_ice_field){.id = 7, .name = FLOE_STR("m"), .type = &map};
    structure = (floe_ice_type){.kind = FLOE_ICE_STRUCT, .fields = &member, .field_count = 1};
    top[0] = (floe_ice_field){.id = 1, .name = FLOE_STR("s"), .type = &structure};
    floe_ice_schema nested = {.schema_id = 0, .fields = top, .field_count = 1}, back;
    FLOE_AUTO_BUF out, printed;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_init(&printed, FLOE_MIB(1));
    floe_json_writer json = floe_json_writer_of(&out);
    floe_ice_write_schema_json(&json, &nested);
    const floe_node *node = NULL;
    must(floe_json_parse(&arena, floe_buf_view(&out), &node, &err), &err);
    must(floe_ice_schema_decode(node, &arena, &back, &err), &err);
    floe_ice_type_print(back.fields[0].type, &printed);
    assert_string_equal(printed.ptr, "struct<m: map<string, list<string>>>");
    const floe_ice_field *deep = &back.fields[0].type->fields[0].type->fields[1].type->fields[0];
    assert_int_equal(deep->id, 4);
}

#define WRITE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WRITE_TEST(metadata__new_table__reads_back),
        WRITE_TEST(metadata__next_state__carries_over_what_it_does_not_touch),
        WRITE_TEST(metadata__later_format_version__is_refused),
        WRITE_TEST(metadata__version_1__stays_and_keeps_its_old_members),
        WRITE_TEST(metadata__version_3__counts_row_ids),
        WRITE_TEST(metadata__sort_order__is_added_once),
        WRITE_TEST(kept__loses_what_expired_and_nothing_else),
        WRITE_TEST(schema_json__defaults_and_identifiers__are_carried_over),
        WRITE_TEST(metadata__long_history__keeps_the_last_hundred_files),
        WRITE_TEST(schema_json__nested_types__read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
