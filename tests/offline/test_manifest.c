/*
 * Manifest lists and manifests as writers of both versions make them, and what is inherited.
 */
#include "tests/offline/ice_support.h"

#include "offline/iceberg/manifest.h"

static floe_arena arena;
static floe_buf bytes;

static const floe_ice_partition_field PARTS[] = {
    {.source_id = 1, .field_id = 1000, .name = {"p", 1}, .transform = FLOE_TRANSFORM_IDENTITY},
    {.source_id = 2, .field_id = 1001, .name = {"q", 1}, .transform = FLOE_TRANSFORM_IDENTITY}};
static const floe_ice_spec SPECS[] = {{.spec_id = 0}, {.spec_id = 3, .fields = PARTS, .field_count = 2}};
static const floe_ice_metadata METADATA = {.specs = SPECS, .spec_count = 2};

typedef struct visits {
    floe_ice_data_file files[8];
    size_t count;
} visits;

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    visits *seen = context;
    FLOE_ENSURE(seen->count < 8, err, FLOE_INTERNAL, "too many entries");
    seen->files[seen->count++] = *file;
    return FLOE_OK;
}

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&bytes, FLOE_MIB(16));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    floe_buf_close(&bytes);
    return 0;
}

static floe_status read(const ice_manifest *manifest, const floe_ice_manifest *listed, visits *seen, floe_error *err) {
    floe_buf_clear(&bytes);
    ice_manifest_encode(manifest, &bytes);
    *seen = (visits){.count = 0};
    floe_manifest_reader reader = {
        .metadata = &METADATA, .stats = {.all = true}, .arena = &arena, .visit = visit, .context = seen};
    return floe_manifest_decode(listed, floe_buf_view(&bytes), &reader, err);
}

static floe_ice_manifest listed_as(int64_t sequence_number, int32_t spec_id) {
    return (floe_ice_manifest){.path = FLOE_STR("/t/m.avro"),
                               .spec_id = spec_id,
                               .sequence_number = sequence_number,
                               .added_snapshot_id = 55,
                               .added_files = -1,
                               .existing_files = -1,
                               .deleted_files = -1};
}

static ice_entry entry(int status, int64_t snapshot_id, int64_t sequence_number) {
    return (ice_entry){.status = status,
                       .snapshot_id = snapshot_id,
                       .sequence_number = sequence_number,
                       .path = "/t/d.parquet",
                       .record_count = 3,
                       .file_len = 30};
}

/* ---- inheritance ---- */

static void v2__added_nulls__inherit_from_the_list(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    const ice_entry entries[] = {entry(1, -1, -1), entry(1, 7, 2), entry(0, 7, 2), entry(2, 7, 2)};
    ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = entries, .entry_count = 4};
    floe_ice_manifest listed = listed_as(9, 0);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    assert_int_equal(seen.count, 4);
    assert_int_equal(seen.files[0].snapshot_id, 55);
    assert_int_equal(seen.files[0].sequence_number, 9);
    assert_int_equal(seen.files[0].file_sequence_number, 9);
    assert_int_equal(seen.files[1].snapshot_id, 7);
    assert_int_equal(seen.files[1].sequence_number, 2); /* a rewrite keeps the old number */
    assert_int_equal(seen.files[2].sequence_number, 2);
    assert_int_equal(seen.files[3].status, 2);
}

static void v2__existing_without_a_number__is_corrupt(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    const ice_entry entries[] = {entry(0, 7, -1)};
    ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = entries, .entry_count = 1};
    floe_ice_manifest listed = listed_as(9, 0);
    assert_code(read(&manifest, &listed, &seen, &err), FLOE_CORRUPT);
    assert_message(&err, "/t/m.avro");
    assert_message(&err, "/t/d.parquet");
}

static void v1__existing_without_numbers__are_all_zero(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    const ice_entry entries[] = {entry(0, 7, -1), entry(1, 8, -1)};
    ice_manifest manifest = {.version = 1, .partition_fields = "", .entries = entries, .entry_count = 2};
    floe_ice_manifest listed = listed_as(4, 0); /* whatever a list says about a version 1 manifest */
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(seen.files[i].sequence_number, 0);
        assert_int_equal(seen.files[i].file_sequence_number, 0);
        assert_int_equal(seen.files[i].content, 0);
    }
    assert_int_equal(seen.files[1].snapshot_id, 8);
}

/* ---- entries ---- */

static void entries__bounds_counts_and_flags__come_through(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    const ice_bound lower[] = {ice_bound_i32(1, 5), ice_bound_text(2, "ab")};
    const ice_bound upper[] = {ice_bound_i32(1, 9)};
    const floe_ice_count_entry nulls[] = {{1, 4}};
    ice_entry item = entry(1, -1, -1);
    item.lower = lower;
    item.lower_count = 2;
    item.upper = upper;
    item.upper_count = 1;
    item.nulls = nulls;
    item.null_count = 1;
    item.encrypted = true;
    item.content = 2;
    ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = &item, .entry_count = 1};
    floe_ice_manifest listed = listed_as(1, 0);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    const floe_ice_data_file *file = &seen.files[0];
    assert_true(floe_str_is(file->path, "/t/d.parquet") && floe_str_is(file->format, "PARQUET"));
    assert_int_equal(file->record_count, 3);
    assert_int_equal(file->file_len, 30);
    assert_int_equal(file->content, 2);
    assert_true(file->encrypted);
    assert_int_equal(file->sort_order_id, -1);
    assert_int_equal(file->lower_count, 2);
    assert_true(floe_str_is(file->lower_bounds[1].bytes, "ab"));
    assert_int_equal(file->upper_count, 1);
    assert_int_equal(file->null_counts[0].count, 4);
}

static void entries__bounds_nobody_wants__are_not_decoded(void **state) {
    (void)state;
    static const int32_t WANTED[] = {2};
    floe_error err = {0};
    visits seen = {.count = 0};
    const ice_bound lower[] = {ice_bound_i32(1, 5), ice_bound_text(2, "ab")};
    ice_entry item = entry(1, -1, -1);
    item.lower = lower;
    item.lower_count = 2;
    ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = &item, .entry_count = 1};
    ice_manifest_encode(&manifest, &bytes);
    floe_manifest_reader reader = {.metadata = &METADATA,
                                   .stats = {.field_ids = WANTED, .field_count = 1},
                                   .arena = &arena,
                                   .visit = visit,
                                   .context = &seen};
    floe_ice_manifest listed = listed_as(1, 0);
    assert_ok(floe_manifest_decode(&listed, floe_buf_view(&bytes), &reader, &err), &err);
    assert_int_equal(seen.files[0].lower_count, 1);
    assert_int_equal(seen.files[0].lower_bounds[0].field_id, 2);
}

static void entries__without_field_ids__are_found_by_name(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    const ice_bound lower[] = {ice_bound_i32(1, 5)};
    ice_entry item = entry(1, 3, 4);
    item.lower = lower;
    item.lower_count = 1;
    ice_manifest manifest = {.version = 2, .partition_fields = "", .no_ids = true, .entries = &item, .entry_count = 1};
    floe_ice_manifest listed = listed_as(1, 0);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    assert_int_equal(seen.files[0].sequence_number, 4);
    assert_int_equal(seen.files[0].lower_count, 1);
}

static void entries__impossible_numbers__are_corrupt(void **state) {
    (void)state;
    ice_entry bad[4];
    for (size_t i = 0; i < 4; i++) {
        bad[i] = entry(1, 1, 1);
    }
    bad[0].status = 3;
    bad[1].content = 9;
    bad[2].record_count = -1;
    bad[3].file_len = -1;
    for (size_t i = 0; i < 4; i++) {
        visits seen;
        floe_error err = {0};
        ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = &bad[i], .entry_count = 1};
        floe_ice_manifest listed = listed_as(1, 0);
        assert_code(read(&manifest, &listed, &seen, &err), FLOE_CORRUPT);
        assert_message(&err, "/t/d.parquet");
    }
}

/* ---- partitions ---- */

#define PART_FIELD(name, id, type) "{\"name\":\"" name "\",\"type\":[\"null\"," type "]," id "}"

static void partitions__by_field_id__whatever_their_order(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    floe_buf part = {0};
    floe_buf_init(&part, FLOE_KIB(4));
    avro_long(&part, 1); /* q first: 7 */
    avro_long(&part, 7);
    avro_long(&part, 1); /* then p: "x" */
    avro_text(&part, "x");
    ice_entry item = entry(1, 1, 1);
    item.partition = floe_buf_view(&part);
    ice_manifest manifest = {.version = 2,
                             .partition_fields = PART_FIELD("q", "\"field-id\":1001", "\"int\"") "," PART_FIELD(
                                 "p", "\"field-id\":1000", "\"string\""),
                             .entries = &item,
                             .entry_count = 1};
    floe_ice_manifest listed = listed_as(1, 3);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    const floe_ice_data_file *file = &seen.files[0];
    assert_int_equal(file->spec_id, 3);
    assert_int_equal(file->partition_count, 2);
    assert_true(floe_str_is(file->partition[0].as.bytes, "x"));
    assert_int_equal(file->partition[1].as.integer, 7);
    floe_buf_close(&part);
}

static void partitions__null_is_told_from_missing(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    ice_entry item = entry(1, 1, 1);
    item.partition = (floe_str){"\0", 1};
    ice_manifest manifest = {.version = 2,
                             .partition_fields = PART_FIELD("p", "\"field-id\":1000", "\"string\""),
                             .entries = &item,
                             .entry_count = 1};
    floe_ice_manifest listed = listed_as(1, 3);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    assert_true(seen.files[0].partition[0].is_null);
    assert_int_not_equal(seen.files[0].partition[0].type.kind, FLOE_KIND_NONE);
    assert_true(seen.files[0].partition[1].is_null);
    assert_int_equal(seen.files[0].partition[1].type.kind, FLOE_KIND_NONE);
}

static void specs__lost_from_the_metadata__come_from_the_header(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    ice_entry item = entry(1, 1, 1);
    item.partition = FLOE_STR("\x02\x0c"); /* branch 1, then 6 */
    ice_manifest manifest = {.version = 2,
                             .partition_fields = PART_FIELD("z", "\"field-id\":1005", "\"int\""),
                             .spec_json =
                                 "[{\"name\":\"z\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1005}]",
                             .entries = &item,
                             .entry_count = 1};
    floe_ice_manifest listed = listed_as(1, 8);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    assert_int_equal(seen.files[0].spec_id, 8);
    assert_int_equal(seen.files[0].partition[0].as.integer, 6);
    manifest.spec_json = NULL;
    assert_code(read(&manifest, &listed, &seen, &err), FLOE_CORRUPT);
    assert_message(&err, "partition spec 8");
}

static void specs__of_a_manifest_without_a_list__come_from_its_header(void **state) {
    (void)state;
    visits seen;
    floe_error err = {0};
    ice_entry item = entry(1, 1, -1);
    ice_manifest manifest = {.version = 1, .partition_fields = "", .spec_id = "3", .entries = &item, .entry_count = 1};
    floe_ice_manifest listed = listed_as(0, -1);
    assert_ok(read(&manifest, &listed, &seen, &err), &err);
    assert_int_equal(seen.files[0].spec_id, 3);
    manifest.spec_id = "three";
    assert_code(read(&manifest, &listed, &seen, &err), FLOE_CORRUPT);
}

/* ---- lists ---- */

static void list__v2__keeps_every_member(void **state) {
    (void)state;
    static const ice_summary SUMMARIES[] = {
        {true, -1, "ab", "cd", 2, 2}, {false, 0, NULL, NULL, 0, 0}, {false, 1, "", "", 0, 0}};
    static const ice_listed LISTED[] = {{"/t/m1", 100, 3, 0, 9, 5, 1, 2, 3, SUMMARIES, 3},
                                        {"/t/m2", 200, 0, 1, 8, -1, -1, -1, -1, NULL, 0}};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error err = {0};
    ice_list_encode(2, LISTED, 2, &bytes);
    assert_ok(floe_manifest_list_decode(FLOE_STR("l.avro"), floe_buf_view(&bytes), &arena, &manifests, &count, &err),
              &err);
    assert_int_equal(count, 2);
    assert_true(floe_str_is(manifests[0].path, "/t/m1"));
    assert_int_equal(manifests[0].length, 100);
    assert_int_equal(manifests[0].spec_id, 3);
    assert_int_equal(manifests[0].sequence_number, 9);
    assert_int_equal(manifests[0].added_snapshot_id, 5);
    assert_int_equal(manifests[0].added_files, 1);
    assert_int_equal(manifests[0].existing_files, 2);
    assert_int_equal(manifests[0].deleted_files, 3);
    assert_int_equal(manifests[0].added_rows, -1);
    assert_int_equal(manifests[0].partition_count, 3);
    assert_int_equal(manifests[0].partitions[0].contains_nan, -1);
    assert_true(manifests[0].partitions[0].contains_null);
    assert_true(floe_str_is(manifests[0].partitions[0].upper, "cd"));
    assert_int_equal(manifests[0].partitions[1].contains_nan, 0);
    assert_null(manifests[0].partitions[1].lower.ptr);
    assert_int_equal(manifests[0].partitions[2].contains_nan, 1);
    assert_non_null(manifests[0].partitions[2].lower.ptr); /* an empty text is a bound */
    assert_int_equal(manifests[1].content, 1);
    assert_int_equal(manifests[1].added_snapshot_id, -1);
    assert_int_equal(manifests[1].added_files, -1);
    assert_int_equal(manifests[1].partition_count, 0);
}

static void list__v1__is_data_of_sequence_zero(void **state) {
    (void)state;
    static const ice_listed LISTED[] = {{"/t/m1", 100, 0, 0, 0, 5, 1, 0, 0, NULL, 0}};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error err = {0};
    ice_list_encode(1, LISTED, 1, &bytes);
    assert_ok(floe_manifest_list_decode(FLOE_STR("l.avro"), floe_buf_view(&bytes), &arena, &manifests, &count, &err),
              &err);
    assert_int_equal(count, 1);
    assert_int_equal(manifests[0].content, 0);
    assert_int_equal(manifests[0].sequence_number, 0);
    assert_int_equal(manifests[0].added_files, 1); /* under its name of version 1: the id decides */
}

static void list__of_paths__needs_no_file(void **state) {
    (void)state;
    static const floe_moved nowhere = {0};
    static const floe_str PATHS[] = {{"/t/m1", 5}, {"/t/m2", 5}};
    const floe_ice_snapshot snapshot = {.snapshot_id = 6, .manifests = PATHS, .manifest_count = 2};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_manifest_list_read(floe_fs_local(), &nowhere, &snapshot, &arena, &manifests, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(manifests[1].spec_id, -1);
    assert_int_equal(manifests[1].added_snapshot_id, 6);
    assert_int_equal(manifests[1].added_files, -1);
}

static void list__missing_file__names_snapshot_and_path(void **state) {
    (void)state;
    static const floe_moved nowhere = {0};
    const floe_ice_snapshot snapshot = {.snapshot_id = 6, .manifest_list = FLOE_STR("/nowhere/l.avro")};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_code(floe_manifest_list_read(floe_fs_local(), &nowhere, &snapshot, &arena, &manifests, &count, &err),
                FLOE_NOT_FOUND);
    assert_message(&err, "snapshot 6");
    assert_message(&err, "/nowhere/l.avro");
}

static void list__content_that_is_neither__is_corrupt(void **state) {
    (void)state;
    static const ice_listed LISTED[] = {{"/t/m1", 100, 0, 2, 0, 5, 1, 0, 0, NULL, 0}};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_error err = {0};
    ice_list_encode(2, LISTED, 1, &bytes);
    assert_code(floe_manifest_list_decode(FLOE_STR("l.avro"), floe_buf_view(&bytes), &arena, &manifests, &count, &err),
                FLOE_CORRUPT);
    assert_message(&err, "content 2");
}

static void manifest__encrypted__is_refused_by_name(void **state) {
    (void)state;
    static const floe_moved nowhere = {0};
    floe_error err = {0};
    floe_ice_manifest listed = listed_as(1, 0);
    listed.encrypted = true;
    floe_manifest_reader reader = {.metadata = &METADATA, .arena = &arena, .visit = visit};
    assert_code(floe_manifest_read(floe_fs_local(), &nowhere, &listed, &reader, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "/t/m.avro is encrypted");
}

static floe_status refuse(void *context, const floe_ice_data_file *file, floe_error *err) {
    (void)context;
    (void)file;
    return FLOE_FAIL(err, FLOE_CANCELLED, "enough");
}

static void manifest__visitor_that_fails__stops_the_reading(void **state) {
    (void)state;
    floe_error err = {0};
    const ice_entry entries[] = {entry(1, 1, 1)};
    ice_manifest manifest = {.version = 2, .partition_fields = "", .entries = entries, .entry_count = 1};
    ice_manifest_encode(&manifest, &bytes);
    floe_manifest_reader reader = {.metadata = &METADATA, .arena = &arena, .visit = refuse};
    floe_ice_manifest listed = listed_as(1, 0);
    assert_code(floe_manifest_decode(&listed, floe_buf_view(&bytes), &reader, &err), FLOE_CANCELLED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(v2__added_nulls__inherit_from_the_list),
        T(v2__existing_without_a_number__is_corrupt),
        T(v1__existing_without_numbers__are_all_zero),
        T(entries__bounds_counts_and_flags__come_through),
        T(entries__bounds_nobody_wants__are_not_decoded),
        T(entries__without_field_ids__are_found_by_name),
        T(entries__impossible_numbers__are_corrupt),
        T(partitions__by_field_id__whatever_their_order),
        T(partitions__null_is_told_from_missing),
        T(specs__lost_from_the_metadata__come_from_the_header),
        T(specs__of_a_manifest_without_a_list__come_from_its_header),
        T(list__v2__keeps_every_member),
        T(list__v1__is_data_of_sequence_zero),
        T(list__of_paths__needs_no_file),
        T(list__missing_file__names_snapshot_and_path),
        T(list__content_that_is_neither__is_corrupt),
        T(manifest__encrypted__is_refused_by_name),
        T(manifest__visitor_that_fails__stops_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
