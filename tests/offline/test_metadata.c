/*
 * Table metadata of every version, the choice of snapshot and schema, and types as text.
 */
#include "tests/offline/ice_support.h"

#include "offline/iceberg/codec.h"
#include "offline/iceberg/metadata.h"

#include <stdio.h>

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static floe_ice_metadata decode_ok(const char *json) {
    floe_ice_metadata metadata;
    floe_error err = {0};
    assert_ok(floe_metadata_decode(floe_str_of(json), &arena, &metadata, &err), &err);
    return metadata;
}

static void expect(const char *json, floe_code code, const char *part) {
    floe_ice_metadata metadata;
    floe_error err = {0};
    assert_code(floe_metadata_decode(floe_str_of(json), &arena, &metadata, &err), code);
    assert_int_equal(err.code, code);
    assert_message(&err, part);
}

#define SCHEMA_0                                                                                                       \
    "{\"schema-id\":0,\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"long\"}]}"
#define SCHEMA_1                                                                                                       \
    "{\"schema-id\":1,\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"long\","  \
    "\"doc\":\"the a\"},{\"id\":2,\"name\":\"b\",\"required\":false,\"type\":\"string\"}]}"
#define SPEC_0 "{\"spec-id\":0,\"fields\":[]}"
#define V2(more)                                                                                                       \
    "{\"format-version\":2,\"table-uuid\":\"u-1\",\"location\":\"/t\",\"last-sequence-number\":7,"                     \
    "\"last-updated-ms\":5,\"last-column-id\":2,\"current-schema-id\":1,\"schemas\":[" SCHEMA_0 "," SCHEMA_1 "],"      \
    "\"default-spec-id\":0,\"partition-specs\":[" SPEC_0                                                               \
    "],\"last-partition-id\":999,\"default-sort-order-id\":0" more "}"

/* ---- versions ---- */

static void v2__all_members__are_there(void **state) {
    (void)state;
    floe_ice_metadata m = decode_ok(
        V2(",\"properties\":{\"comment\":\"hi\"},\"current-snapshot-id\":9223372036854775807,"
           "\"snapshots\":[{\"snapshot-id\":9223372036854775807,\"parent-snapshot-id\":3,\"sequence-number\":7,"
           "\"timestamp-ms\":100,\"schema-id\":1,\"manifest-list\":\"/t/l.avro\","
           "\"summary\":{\"operation\":\"append\"}}],\"snapshot-log\":[]"));
    assert_int_equal(m.format_version, 2);
    assert_true(floe_str_is(m.table_uuid, "u-1"));
    assert_true(floe_str_is(m.location, "/t"));
    assert_int_equal(m.last_sequence_number, 7);
    assert_int_equal(m.schema_count, 2);
    assert_int_equal(m.current_schema_id, 1);
    assert_true(m.current_snapshot_id == INT64_MAX); /* never through a double */
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(&m, INT64_MAX);
    assert_int_equal(snapshot->parent_id, 3);
    assert_int_equal(snapshot->schema_id, 1);
    assert_true(floe_str_is(snapshot->operation, "append"));
    assert_true(floe_str_is(snapshot->manifest_list, "/t/l.avro"));
    const floe_ice_field *field = floe_ice_field_by_name(floe_ice_schema_by_id(&m, 1), FLOE_STR("a"));
    assert_true(field->id == 1 && !field->required && floe_str_is(field->doc, "the a"));
    assert_null(floe_ice_field_by_name(floe_ice_schema_by_id(&m, 1), FLOE_STR("A"))); /* names are exact */
    assert_int_equal(m.ref_count, 1);                                                 /* the current snapshot is main */
    assert_true(floe_str_is(m.refs[0].name, "main") && m.refs[0].is_branch);
}

static void v1__singular_members__fill_the_model(void **state) {
    (void)state;
    floe_ice_metadata m = decode_ok(
        "{\"format-version\":1,\"location\":\"/t\",\"last-updated-ms\":5,\"last-column-id\":1,"
        "\"schema\":{\"type\":\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":\"int\"}]},"
        "\"partition-spec\":[{\"name\":\"p\",\"transform\":\"bucket[8]\",\"source-id\":1},"
        "{\"name\":\"q\",\"transform\":\"identity\",\"source-id\":1}],"
        "\"current-snapshot-id\":4,\"snapshots\":[{\"snapshot-id\":4,\"timestamp-ms\":1,"
        "\"manifests\":[\"/t/m1.avro\",\"/t/m2.avro\"]}]}");
    assert_int_equal(m.schema_count, 1);
    assert_int_equal(m.spec_count, 1);
    assert_int_equal(m.specs[0].fields[0].field_id, 1000);
    assert_int_equal(m.specs[0].fields[1].field_id, 1001);
    assert_int_equal(m.specs[0].fields[0].transform, FLOE_TRANSFORM_BUCKET);
    assert_int_equal(m.specs[0].fields[0].argument, 8);
    assert_int_equal(m.last_sequence_number, 0);
    assert_int_equal(m.snapshots[0].sequence_number, 0);
    assert_int_equal(m.snapshots[0].schema_id, -1);
    assert_int_equal(m.snapshots[0].parent_id, -1);
    assert_int_equal(m.snapshots[0].manifest_count, 2);
    assert_true(floe_str_is(m.snapshots[0].manifests[1], "/t/m2.avro"));
    assert_int_equal(m.table_uuid.len, 0);
}

static void snapshots__minus_one_and_null_and_missing__are_none(void **state) {
    (void)state;
    assert_int_equal(decode_ok(V2(",\"current-snapshot-id\":-1")).current_snapshot_id, -1);
    assert_int_equal(decode_ok(V2(",\"current-snapshot-id\":null,\"snapshots\":null")).current_snapshot_id, -1);
    floe_ice_metadata m = decode_ok(V2(""));
    assert_int_equal(m.current_snapshot_id, -1);
    assert_int_equal(m.ref_count, 0);
}

static void gzip__by_its_first_bytes__is_read(void **state) {
    (void)state;
    floe_ice_metadata m;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    assert_ok(floe_deflate_gzip(FLOE_STR(V2("")), 6, &packed, &err), &err);
    assert_ok(floe_metadata_decode(floe_buf_view(&packed), &arena, &m, &err), &err);
    assert_int_equal(m.schema_count, 2);
    for (size_t len = 2; len < packed.len; len++) { /* cut anywhere: never a smaller table */
        floe_error cut = {0};
        assert_code(floe_metadata_decode((floe_str){packed.ptr, len}, &arena, &m, &cut), FLOE_CORRUPT);
    }
}

static void gzip__several_members__are_one_text(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    FLOE_AUTO_BUF plain = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    floe_buf_init(&plain, FLOE_MIB(1));
    assert_ok(floe_deflate_gzip(FLOE_STR("one "), 1, &packed, &err), &err);
    assert_ok(floe_deflate_gzip(FLOE_STR("two"), 9, &packed, &err), &err);
    assert_ok(floe_inflate_gzip(floe_buf_view(&packed), &plain, &err), &err);
    assert_true(floe_str_is(floe_buf_view(&plain), "one two"));
}

static void inflate__past_the_cap__is_limit_and_at_the_cap_is_fine(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF zeros = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&zeros, FLOE_MIB(1));
    floe_buf_init(&packed, FLOE_MIB(1));
    for (int i = 0; i < 100000; i++) {
        floe_buf_byte(&zeros, 0);
    }
    assert_ok(floe_deflate_raw(floe_buf_view(&zeros), 6, &packed, &err), &err);
    assert_true(packed.len < 1000);
    for (size_t cap = 99999; cap <= 100001; cap++) {
        floe_error local = {0};
        FLOE_AUTO_BUF plain = {0};
        floe_buf_init(&plain, cap);
        floe_status status = floe_inflate_raw(floe_buf_view(&packed), &plain, &local);
        if (cap < 100000) {
            assert_code(status, FLOE_LIMIT);
        } else {
            assert_ok(status, &local);
            assert_int_equal(plain.len, 100000);
        }
    }
}

/* ---- damage ---- */

static void damage__each_missing_or_wrong_member__is_named(void **state) {
    (void)state;
    expect("", FLOE_CORRUPT, "");
    expect("[]", FLOE_CORRUPT, "no JSON object");
    expect("{}", FLOE_CORRUPT, "format-version");
    expect("{\"format-version\":\"2\"}", FLOE_CORRUPT, "format-version");
    expect("{\"format-version\":0}", FLOE_CORRUPT, "format version 0");
    expect("{\"format-version\":4}", FLOE_UNSUPPORTED, "format version 4");
    expect("{\"format-version\":2}", FLOE_CORRUPT, "location");
    expect("{\"format-version\":2,\"location\":\"/t\"}", FLOE_CORRUPT, "no schema");
    expect("{\"format-version\":2,\"location\":\"/t\",\"schemas\":[" SCHEMA_0 "],\"current-schema-id\":5}",
           FLOE_CORRUPT, "current id 5");
    expect("{\"format-version\":2,\"location\":\"/t\",\"schemas\":[" SCHEMA_0 "],\"current-schema-id\":0}",
           FLOE_CORRUPT, "no partition spec");
    expect(V2(",\"current-snapshot-id\":3"), FLOE_CORRUPT, "no snapshot with the current id 3");
    expect(V2(",\"current-snapshot-id\":99999999999999999999"), FLOE_CORRUPT, "");
    expect(V2(",\"snapshots\":[{\"timestamp-ms\":1}]"), FLOE_CORRUPT, "snapshot-id");
    expect(V2(",\"snapshots\":[{\"snapshot-id\":1}]"), FLOE_CORRUPT, "timestamp-ms");
    expect(V2(",\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1}]"), FLOE_CORRUPT, "neither manifest-list");
    expect(V2(",\"refs\":{\"x\":{\"type\":\"tag\"}}"), FLOE_CORRUPT, "snapshot-id");
    expect(V2(",\"location\":\"/again\""), FLOE_CORRUPT, ""); /* a key twice */
}

#define WITH_TYPE(type)                                                                                                \
    "{\"format-version\":2,\"location\":\"/t\",\"current-schema-id\":0,\"schemas\":[{\"schema-id\":0,\"type\":"        \
    "\"struct\",\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":false,\"type\":" type "}]}],"                        \
    "\"partition-specs\":[" SPEC_0 "]}"

static void damage__types_that_are_none__are_named(void **state) {
    (void)state;
    expect(WITH_TYPE("7"), FLOE_CORRUPT, "a type is a");
    expect(WITH_TYPE("\"decimal(39,0)\""), FLOE_CORRUPT, "decimal(39,0)");
    expect(WITH_TYPE("\"decimal(5,6)\""), FLOE_CORRUPT, "decimal(5,6)");
    expect(WITH_TYPE("\"decimal()\""), FLOE_CORRUPT, "decimal()");
    expect(WITH_TYPE("\"fixed[x]\""), FLOE_CORRUPT, "fixed[x]");
    expect(WITH_TYPE("{\"type\":\"list\",\"element-id\":2}"), FLOE_CORRUPT, "no element");
    expect(WITH_TYPE("{\"type\":\"list\",\"element\":\"int\"}"), FLOE_CORRUPT, "element-id");
    expect(WITH_TYPE("{\"type\":\"map\",\"key-id\":2,\"key\":\"int\",\"value-id\":3}"), FLOE_CORRUPT, "no value");
    expect(WITH_TYPE("{\"type\":\"struct\"}"), FLOE_CORRUPT, "no fields");
    expect(WITH_TYPE("{\"type\":\"struct\",\"fields\":[{\"id\":2,\"name\":\"x\",\"type\":\"int\"},"
                     "{\"id\":2,\"name\":\"y\",\"type\":\"int\"}]}"),
           FLOE_CORRUPT, "id 2 is used twice");
}

/* Some writers print the 64 bits of an id as an unsigned number: 2^63 is then INT64_MIN and 2^64 - 1 is -1. */
static void snapshots__ids_printed_without_their_sign__are_those_bits(void **state) {
    (void)state;
    floe_ice_metadata m = decode_ok(
        V2(",\"current-snapshot-id\":9876543210123456789,\"properties\":{\"snapshot-id\":\"9876543210123456789\","
           "\"x\":\"\\\"snapshot-id\\\":18446744073709551614\"},\"snapshots\":["
           "{\"snapshot-id\" : \n9876543210123456789,\"parent-snapshot-id\":9223372036854775808,\"timestamp-ms\":1,"
           "\"manifest-list\":\"/l\"},"
           "{\"snapshot-id\":9223372036854775808,\"timestamp-ms\":1,\"manifest-list\":\"/l\"},"
           "{\"snapshot-id\":5,\"timestamp-ms\":1,\"manifest-list\":\"/l\"}]"));
    assert_true(m.current_snapshot_id == INT64_C(-8570200863586094827)); /* 9876543210123456789 - 2^64 */
    const floe_ice_snapshot *current = floe_ice_snapshot_by_id(&m, m.current_snapshot_id);
    assert_non_null(current);
    assert_true(current->parent_id == INT64_MIN);
    assert_non_null(floe_ice_snapshot_by_id(&m, INT64_MIN));
    assert_non_null(floe_ice_snapshot_by_id(&m, 5));
    assert_true(floe_str_is(floe_node_get(m.properties, "snapshot-id")->text, "9876543210123456789"));
    assert_true(floe_str_is(floe_node_get(m.properties, "x")->text, "\"snapshot-id\":18446744073709551614"));
}

static void snapshots__ids_beyond_64_bits__are_refused(void **state) {
    (void)state;
    expect(V2(",\"current-snapshot-id\":18446744073709551616"), FLOE_CORRUPT, "integer");
    expect(V2(",\"current-snapshot-id\":-9876543210123456789"), FLOE_CORRUPT, "integer");
    expect(V2(",\"current-snapshot-id\":9876543210123456789.0"), FLOE_CORRUPT, "current-snapshot-id");
    expect(V2(",\"next-row-id\":9876543210123456789"), FLOE_CORRUPT, "integer");
    expect(V2(",\"current-snapshot-id\":9876543210123456789,\"x\":\"\\"), FLOE_CORRUPT, "JSON");
}

static void damage__random_bytes_changed__never_crash(void **state) {
    (void)state;
    static const char JSON[] =
        V2(",\"snapshots\":[{\"snapshot-id\":1,\"timestamp-ms\":1,\"manifest-list\":\"/l\"}],"
           "\"current-snapshot-id\":1,\"snapshot-log\":[{\"snapshot-id\":1,\"timestamp-ms\":1}]");
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    char copy[sizeof(JSON)];
    for (int round = 0; round < 5000; round++) {
        memcpy(copy, JSON, sizeof(JSON));
        for (int i = 0; i < 2; i++) {
            copy[floe_test_below(&rng, sizeof(JSON) - 1)] = (char)floe_test_between(&rng, 32, 126);
        }
        floe_ice_metadata m;
        floe_error err = {0};
        floe_status status = floe_metadata_decode((floe_str){copy, sizeof(JSON) - 1}, &arena, &m, &err);
        assert_true(status.code == FLOE_CODE_OK || status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED);
        floe_arena_reset(&arena);
    }
}

/* ---- types ---- */

static void types__each__prints_as_written_and_maps(void **state) {
    (void)state;
    static const struct {
        const char *json, *text;
        floe_kind kind, element;
    } CASES[] = {
        {"\"boolean\"", "boolean", FLOE_KIND_BOOL, 0},
        {"\"int\"", "int", FLOE_KIND_INT32, 0},
        {"\"long\"", "long", FLOE_KIND_INT64, 0},
        {"\"float\"", "float", FLOE_KIND_FLOAT, 0},
        {"\"double\"", "double", FLOE_KIND_DOUBLE, 0},
        {"\"decimal(9, 2)\"", "decimal(9, 2)", FLOE_KIND_DECIMAL, 0},
        {"\"date\"", "date", FLOE_KIND_DATE, 0},
        {"\"time\"", "time", FLOE_KIND_NONE, 0},
        {"\"timestamp\"", "timestamp", FLOE_KIND_TIMESTAMP, 0},
        {"\"timestamptz\"", "timestamptz", FLOE_KIND_TIMESTAMP, 0},
        {"\"timestamp_ns\"", "timestamp_ns", FLOE_KIND_NONE, 0},
        {"\"string\"", "string", FLOE_KIND_STRING, 0},
        {"\"uuid\"", "uuid", FLOE_KIND_NONE, 0},
        {"\"fixed[16]\"", "fixed[16]", FLOE_KIND_NONE, 0},
        {"\"binary\"", "binary", FLOE_KIND_BYTES, 0},
        {"\"variant\"", "variant", FLOE_KIND_NONE, 0},
        {"{\"type\":\"list\",\"element-id\":2,\"element\":\"int\",\"element-required\":true}", "list<int>",
         FLOE_KIND_LIST, FLOE_KIND_INT32},
        {"{\"type\":\"list\",\"element-id\":2,\"element\":\"uuid\"}", "list<uuid>", FLOE_KIND_NONE, 0},
        {"{\"type\":\"map\",\"key-id\":2,\"key\":\"string\",\"value-id\":3,\"value\":\"long\"}", "map<string, long>",
         FLOE_KIND_NONE, 0},
        {"{\"type\":\"list\",\"element-id\":2,\"element\":{\"type\":\"struct\",\"fields\":[{\"id\":3,\"name\":\"x\","
         "\"type\":\"int\"},{\"id\":4,\"name\":\"y z\",\"type\":\"date\"}]}}",
         "list<struct<x: int, y z: date>>", FLOE_KIND_NONE, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char json[1024];
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_KIB(4));
        (void)snprintf(json, sizeof(json), WITH_TYPE("%s"), CASES[i].json);
        floe_ice_metadata m = decode_ok(json);
        const floe_ice_type *type = m.schemas[0].fields[0].type;
        floe_ice_type_print(type, &text);
        assert_string_equal(text.ptr, CASES[i].text);
        floe_type mapped = floe_ice_type_to_floe(type);
        assert_int_equal(mapped.kind, CASES[i].kind);
        assert_int_equal(mapped.element, CASES[i].element);
        assert_true(floe_ice_type_same(type, type));
    }
}

static void types__any_difference_inside__is_seen(void **state) {
    (void)state;
#define INNER(id, name, type)                                                                                          \
    "{\"type\":\"struct\",\"fields\":[{\"id\":" id ",\"name\":\"" name "\",\"type\":\"" type "\"}]}"
    static const char *const SHAPES[] = {INNER("2", "x", "int"),          INNER("3", "x", "int"),
                                         INNER("2", "y", "int"),          INNER("2", "x", "long"),
                                         INNER("2", "x", "decimal(5,1)"), INNER("2", "x", "decimal(5,2)"),
                                         INNER("2", "x", "fixed[3]"),     INNER("2", "x", "fixed[4]"),
                                         INNER("2", "x", "variant"),      INNER("2", "x", "geometry")};
    enum { COUNT = sizeof(SHAPES) / sizeof(SHAPES[0]) };
    const floe_ice_type *types[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        char *json = floe_arena_printf(&arena, WITH_TYPE("%s"), SHAPES[i]);
        types[i] = decode_ok(json).schemas[0].fields[0].type;
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < COUNT; k++) {
            assert_int_equal(floe_ice_type_same(types[i], types[k]), i == k);
        }
    }
}

static void transforms__each_text__parses(void **state) {
    (void)state;
    static const struct {
        const char *text;
        floe_ice_transform_kind kind;
        int32_t argument;
    } CASES[] = {
        {"identity", FLOE_TRANSFORM_IDENTITY, 0},  {"year", FLOE_TRANSFORM_YEAR, 0},
        {"month", FLOE_TRANSFORM_MONTH, 0},        {"day", FLOE_TRANSFORM_DAY, 0},
        {"hour", FLOE_TRANSFORM_HOUR, 0},          {"void", FLOE_TRANSFORM_VOID, 0},
        {"bucket[16]", FLOE_TRANSFORM_BUCKET, 16}, {"truncate[4]", FLOE_TRANSFORM_TRUNCATE, 4},
        {"bucket[0]", FLOE_TRANSFORM_UNKNOWN, 0},  {"truncate[-1]", FLOE_TRANSFORM_UNKNOWN, 0},
        {"bucket[]", FLOE_TRANSFORM_UNKNOWN, 0},   {"bucket[4294967296]", FLOE_TRANSFORM_UNKNOWN, 0},
        {"bucket[1x]", FLOE_TRANSFORM_UNKNOWN, 0}, {"zorder", FLOE_TRANSFORM_UNKNOWN, 0},
        {"IDENTITY", FLOE_TRANSFORM_UNKNOWN, 0},   {"", FLOE_TRANSFORM_UNKNOWN, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_ice_partition_field field = {0};
        floe_ice_transform_parse(floe_str_of(CASES[i].text), &field);
        assert_int_equal(field.transform, CASES[i].kind);
        assert_int_equal(field.argument, CASES[i].argument);
    }
}

/* ---- choosing ---- */

/* Snapshot 1 (schema 0) → 2 (schema 1), and 3 on a side branch that is younger than both. */
static const char HISTORY[] =
    V2(",\"current-snapshot-id\":2,\"snapshots\":["
       "{\"snapshot-id\":1,\"timestamp-ms\":1000,\"schema-id\":0,\"manifest-list\":\"/1\"},"
       "{\"snapshot-id\":2,\"parent-snapshot-id\":1,\"timestamp-ms\":2000,\"schema-id\":1,\"manifest-list\":\"/2\"},"
       "{\"snapshot-id\":3,\"parent-snapshot-id\":1,\"timestamp-ms\":1500,\"schema-id\":0,\"manifest-list\":\"/3\"},"
       "{\"snapshot-id\":4,\"parent-snapshot-id\":1,\"timestamp-ms\":1600,\"manifest-list\":\"/4\"}],"
       "\"snapshot-log\":[{\"snapshot-id\":1,\"timestamp-ms\":1000},{\"snapshot-id\":2,\"timestamp-ms\":2000},"
       "{\"snapshot-id\":1,\"timestamp-ms\":2000},{\"snapshot-id\":99,\"timestamp-ms\":5000}],"
       "\"refs\":{\"main\":{\"snapshot-id\":2,\"type\":\"branch\"},\"audit\":{\"snapshot-id\":3,\"type\":\"branch\"},"
       "\"v1\":{\"snapshot-id\":3,\"type\":\"tag\"},\"gone\":{\"snapshot-id\":98,\"type\":\"tag\"}}");

static void choose(floe_scan_request request, int64_t want_snapshot, int32_t want_schema) {
    floe_ice_metadata m = decode_ok(HISTORY);
    const floe_ice_snapshot *snapshot = NULL;
    const floe_ice_schema *schema = NULL;
    floe_error err = {0};
    assert_ok(floe_snapshot_choose(&m, &request, &snapshot, &schema, &err), &err);
    assert_int_equal(snapshot->snapshot_id, want_snapshot);
    assert_int_equal(schema->schema_id, want_schema);
}

static void choose_fails(floe_scan_request request, const char *part) {
    floe_ice_metadata m = decode_ok(HISTORY);
    const floe_ice_snapshot *snapshot = NULL;
    const floe_ice_schema *schema = NULL;
    floe_error err = {0};
    assert_code(floe_snapshot_choose(&m, &request, &snapshot, &schema, &err), FLOE_NOT_FOUND);
    assert_message(&err, part);
}

static void choose__by_each_way__takes_the_schema_of_that_way(void **state) {
    (void)state;
    choose((floe_scan_request){.at = FLOE_AT_CURRENT}, 2, 1);
    choose((floe_scan_request){.at = FLOE_AT_ID, .snapshot_id = 1}, 1, 0);
    choose((floe_scan_request){.at = FLOE_AT_ID, .snapshot_id = 4}, 4, 1); /* without one: the table's */
    choose((floe_scan_request){.at = FLOE_AT_REF, .ref = "audit"}, 3, 1);  /* a branch: the table's */
    choose((floe_scan_request){.at = FLOE_AT_REF, .ref = "v1"}, 3, 0);     /* a tag: the snapshot's */
    choose((floe_scan_request){.at = FLOE_AT_REF, .ref = "main"}, 2, 1);
}

static void choose__by_time__follows_the_log_and_not_side_branches(void **state) {
    (void)state;
    choose((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 1000000}, 1, 0); /* at its very millisecond */
    choose((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 1999999}, 1, 0); /* not 3 or 4, which are younger */
    choose((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 2000000}, 2, 1); /* first of two of one time */
    choose((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 4999999}, 2, 1);
    choose_fails((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 999999}, "its log begins at 1970-01-01T00:00:01Z");
    choose_fails((floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = 5000000}, "snapshot 99"); /* expired */
}

static void choose__what_is_not_there__is_named(void **state) {
    (void)state;
    choose_fails((floe_scan_request){.at = FLOE_AT_ID, .snapshot_id = 77}, "no snapshot 77");
    choose_fails((floe_scan_request){.at = FLOE_AT_REF, .ref = "audti"}, "did you mean audit?");
    choose_fails((floe_scan_request){.at = FLOE_AT_REF, .ref = "gone"}, "tag \"gone\"");
    floe_ice_metadata m = decode_ok(V2(""));
    const floe_ice_snapshot *snapshot = (const floe_ice_snapshot *)(uintptr_t)1;
    const floe_ice_schema *schema = NULL;
    floe_error err = {0};
    floe_scan_request request = {.at = FLOE_AT_TIME, .as_of_us = 5};
    assert_code(floe_snapshot_choose(&m, &request, &snapshot, &schema, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no snapshot-log");
    request.at = FLOE_AT_CURRENT;
    floe_error fresh = {0};
    assert_ok(floe_snapshot_choose(&m, &request, &snapshot, &schema, &fresh), &fresh);
    assert_null(snapshot);
}

static void times__beyond_int64_micros__stop_at_the_ends(void **state) {
    (void)state;
    assert_true(floe_ice_ms_to_us(1234) == 1234000);
    assert_true(floe_ice_ms_to_us(INT64_MAX) == INT64_MAX);
    assert_true(floe_ice_ms_to_us(INT64_MIN) == INT64_MIN);
}

static void v3__encryption_keys__are_seen(void **state) {
    (void)state;
#define V3(keys)                                                                                                       \
    "{\"format-version\":3,\"location\":\"/t\",\"next-row-id\":12,\"current-schema-id\":0," keys                       \
    "\"schemas\":[{\"schema-id\":0,\"type\":\"struct\",\"fields\":["                                                   \
    "{\"id\":1,\"name\":\"v\",\"type\":\"variant\"},{\"id\":2,\"name\":\"d\",\"type\":\"unknown\"}]}],"                \
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":[{\"name\":\"p\",\"field-id\":1000,"                               \
    "\"source-ids\":[1,2],\"transform\":\"bucket[4]\"}]}]}"
    floe_ice_metadata m = decode_ok(V3("\"encryption-keys\":[{}],"));
    assert_true(floe_metadata_is_encrypted(&m));
    assert_int_equal(m.specs[0].fields[0].transform, FLOE_TRANSFORM_UNKNOWN); /* of several columns */
    assert_int_equal(m.schemas[0].fields[0].type->kind, FLOE_ICE_OTHER);
    assert_int_equal(m.schemas[0].fields[1].type->kind, FLOE_ICE_UNKNOWN);
    m = decode_ok(V3("\"encryption-keys\":[],"));
    assert_false(floe_metadata_is_encrypted(&m));
    m = decode_ok(V3(""));
    assert_false(floe_metadata_is_encrypted(&m));
}

static floe_status decode_fresh(void *context, floe_error *err) {
    floe_ice_metadata m;
    floe_arena_close(&arena);
    floe_arena_init(&arena, FLOE_MIB(64));
    return floe_metadata_decode(*(floe_str *)context, &arena, &m, err);
}

static void memory__any_allocation_failing__is_reported(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    assert_ok(floe_deflate_gzip(FLOE_STR(V2("")), 6, &packed, &err), &err);
    floe_str texts[] = {FLOE_STR(V2("")), floe_buf_view(&packed)};
    assert_true(floe_test_alloc_sweep(decode_fresh, &texts[0]) > 0);
    assert_true(floe_test_alloc_sweep(decode_fresh, &texts[1]) > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(v2__all_members__are_there),
        T(v1__singular_members__fill_the_model),
        T(snapshots__minus_one_and_null_and_missing__are_none),
        T(gzip__by_its_first_bytes__is_read),
        T(gzip__several_members__are_one_text),
        T(inflate__past_the_cap__is_limit_and_at_the_cap_is_fine),
        T(damage__each_missing_or_wrong_member__is_named),
        T(damage__types_that_are_none__are_named),
        T(snapshots__ids_printed_without_their_sign__are_those_bits),
        T(snapshots__ids_beyond_64_bits__are_refused),
        T(damage__random_bytes_changed__never_crash),
        T(types__each__prints_as_written_and_maps),
        T(types__any_difference_inside__is_seen),
        T(transforms__each_text__parses),
        T(choose__by_each_way__takes_the_schema_of_that_way),
        T(choose__by_time__follows_the_log_and_not_side_branches),
        T(choose__what_is_not_there__is_named),
        T(times__beyond_int64_micros__stop_at_the_ends),
        T(v3__encryption_keys__are_seen),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
