/*
 * Manifests and manifest lists, read back by floe's reader, which decodes by field id and knows nothing of the writer.
 * (tests/offline/test_interop_*.py holds them against other engines' readers.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "offline/iceberg/avro/avro.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/write/write.h"
#include "tests/offline/sql_support.h"

#include <math.h>
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

static floe_value integer(floe_kind kind, int64_t value) {
    return (floe_value){.type.kind = kind, .as.integer = value};
}

static floe_value real(floe_kind kind, double value) {
    return (floe_value){.type.kind = kind, .as.real = value};
}

static floe_value decimal(uint8_t precision, uint8_t scale, __int128 unscaled) {
    return (floe_value){.type = {.kind = FLOE_KIND_DECIMAL, .precision = precision, .scale = scale},
                        .as.decimal = unscaled};
}

static floe_ice_type ice(floe_ice_kind kind, const char *text) {
    return (floe_ice_type){.kind = kind, .text = floe_str_of(text)};
}

/* ---- manifests ---- */

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

static const floe_ice_count_entry COUNTS[] = {{1, 10}, {2, 20}, {1000000, INT64_MAX}};
static const floe_ice_bytes_entry LOWER[] = {{1, {"\1\0\0\0\0\0\0\0", 8}}, {2, {"", 0}}};
static const floe_ice_bytes_entry UPPER[] = {{2, {"z", 1}}};

static void make_partition(int n, floe_value values[6]) {
    values[0] = floe_value_string(floe_str_of(floe_arena_printf(&arena, "p%d", n)));
    values[1] = integer(FLOE_KIND_DATE, 100 - n);
    values[2] = decimal(9, 2, -5 * n);
    values[3] = real(FLOE_KIND_DOUBLE, n == 2 ? (double)NAN : n);
    values[4] = integer(FLOE_KIND_TIMESTAMP, n * 1000000 - 1);
    values[5] = integer(FLOE_KIND_INT32, n);
    for (int i = 0; i < 6; i++) {
        values[i].is_null = n == 3 && i != 4;
    }
}

static floe_ice_entry *make_entries(size_t count) {
    floe_ice_entry *entries = floe_arena_alloc(&arena, count, sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        floe_value *values = floe_arena_alloc(&arena, 6, sizeof *values);
        make_partition((int)i, values);
        entries[i].file = (floe_ice_data_file){.status = i == 1   ? 2
                                                         : i == 4 ? 0
                                                                  : 1,
                                               .snapshot_id = 30 + (int64_t)i,
                                               .sequence_number = 40 + (int64_t)i,
                                               .file_sequence_number = 50 + (int64_t)i,
                                               .path = floe_str_of(floe_arena_printf(&arena, "/t/data/é %zu", i)),
                                               .format = FLOE_STR("PARQUET"),
                                               .spec_id = 4,
                                               .partition = values,
                                               .partition_count = 6,
                                               .record_count = 1000 + (int64_t)i,
                                               .file_len = 5000000000 + (int64_t)i,
                                               .value_counts = COUNTS,
                                               .value_count_count = 3,
                                               .null_counts = COUNTS,
                                               .null_count_count = 2,
                                               .lower_bounds = LOWER,
                                               .lower_count = 2,
                                               .upper_bounds = UPPER,
                                               .upper_count = 1,
                                               .sort_order_id = i == 0 ? -1 : 0};
        entries[i].column_sizes = COUNTS;
        entries[i].column_size_count = i == 0 ? 0 : 1;
    }
    return entries;
}

typedef struct visited {
    floe_ice_data_file files[8];
    size_t count;
} visited;

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    visited *seen = context;
    FLOE_ENSURE(seen->count < 8, err, FLOE_INTERNAL, "too many");
    seen->files[seen->count++] = *file;
    return FLOE_OK;
}

static void write_manifest(size_t count, floe_buf *out, floe_ice_manifest *ret_manifest) {
    floe_error err = {0};
    make_schema();
    floe_ice_manifest_content content = {
        .schema = &schema, .spec = &spec, .snapshot_id = 77, .entries = make_entries(count), .entry_count = count};
    must(floe_ice_write_manifest(&content, out, &err), &err);
    must(floe_ice_manifest_describe(&content, 60, &arena, ret_manifest, &err), &err);
    ret_manifest->path = FLOE_STR("/t/metadata/m.avro");
    ret_manifest->length = (int64_t)out->len;
}

static void expect_same_file(const floe_ice_data_file *file, const floe_ice_data_file *wrote) {
    assert_int_equal(file->status, wrote->status);
    assert_int_equal(file->snapshot_id, wrote->status == 0 ? wrote->snapshot_id : 77);
    assert_int_equal(file->sequence_number, wrote->status == 1 ? 60 : wrote->sequence_number);
    assert_int_equal(file->file_sequence_number, wrote->status == 1 ? 60 : wrote->file_sequence_number);
    assert_true(floe_str_equal(file->path, wrote->path));
    assert_true(floe_str_equal(file->format, wrote->format));
    assert_int_equal(file->record_count, wrote->record_count);
    assert_int_equal(file->file_len, wrote->file_len);
    assert_int_equal(file->sort_order_id, wrote->sort_order_id);
    assert_int_equal(file->value_count_count, 3);
    assert_int_equal(file->value_counts[2].count, INT64_MAX);
    assert_int_equal(file->null_count_count, 2);
    assert_int_equal(file->nan_count_count, 0);
    assert_int_equal(file->lower_count, 2);
    assert_true(floe_str_equal(file->lower_bounds[0].bytes, LOWER[0].bytes));
    assert_int_equal(file->lower_bounds[1].bytes.len, 0);
    assert_int_equal(file->upper_count, 1);
    assert_int_equal(file->partition_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(file->partition[i].is_null, wrote->partition[i].is_null);
        if (!wrote->partition[i].is_null) {
            assert_int_equal(floe_value_compare(&file->partition[i], &wrote->partition[i]), 0);
        }
    }
}

static void manifest__read_back__is_what_was_written(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifest;
    visited seen = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(5, &out, &manifest);
    floe_manifest_reader reader = {
        .metadata = &metadata, .stats = {.all = true}, .arena = &arena, .visit = visit, .context = &seen};
    must(floe_manifest_decode(&manifest, floe_buf_view(&out), &reader, &err), &err);
    assert_int_equal(seen.count, 5);
    floe_ice_entry *wrote = make_entries(5);
    for (size_t i = 0; i < 5; i++) {
        expect_same_file(&seen.files[i], &wrote[i].file);
    }
}

static void manifest__header__names_schema_spec_and_content(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifest;
    floe_avro_file file;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(1, &out, &manifest);
    must(floe_avro_open(FLOE_STR("m"), floe_buf_view(&out), &arena, &file, &err), &err);
    assert_true(floe_str_is(floe_avro_header(&file, "content"), "data"));
    assert_true(floe_str_is(floe_avro_header(&file, "format-version"), "2"));
    assert_true(floe_str_is(floe_avro_header(&file, "partition-spec-id"), "4"));
    assert_int_equal(file.codec, FLOE_AVRO_CODEC_DEFLATE);
    const floe_node *json = NULL;
    floe_ice_schema back;
    must(floe_json_parse(&arena, floe_avro_header(&file, "schema"), &json, &err), &err);
    must(floe_ice_schema_decode(json, &arena, &back, &err), &err);
    assert_int_equal(back.field_count, 6);
    assert_true(floe_str_equal(back.fields[0].doc, fields[0].doc));
    must(floe_json_parse(&arena, floe_avro_header(&file, "partition-spec"), &json, &err), &err);
    assert_int_equal(json->count, 6);
}

/* Avro takes letters, digits and _ alone, no digit first, and each name of a type once. */
static void manifest__partition_names__are_avro_names(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifest;
    floe_avro_file file;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(1, &out, &manifest);
    must(floe_avro_open(FLOE_STR("m"), floe_buf_view(&out), &arena, &file, &err), &err);
    floe_str text = floe_avro_header(&file, "avro.schema");
    char *copy = floe_arena_strndup(&arena, text.ptr, text.len);
    assert_non_null(strstr(copy, "\"name\":\"_2nd_x20name_x2D_xC3_xA9\""));
}

static void manifest__no_entries__is_a_file_without_blocks(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifest;
    visited seen = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(0, &out, &manifest);
    floe_manifest_reader reader = {
        .metadata = &metadata, .stats = {.all = true}, .arena = &arena, .visit = visit, .context = &seen};
    must(floe_manifest_decode(&manifest, floe_buf_view(&out), &reader, &err), &err);
    assert_int_equal(seen.count, 0);
}

static void manifest__same_content__gives_the_same_bytes(void **state) {
    (void)state;
    floe_ice_manifest manifest;
    FLOE_AUTO_BUF a, b;
    floe_buf_init(&a, FLOE_MIB(16));
    floe_buf_init(&b, FLOE_MIB(16));
    write_manifest(4, &a, &manifest);
    write_manifest(4, &b, &manifest);
    assert_true(floe_str_equal(floe_buf_view(&a), floe_buf_view(&b)));
}

static void manifest__partition_source_that_is_gone__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    make_schema();
    partition_fields[0].source_id = 99;
    floe_ice_manifest_content content = {.schema = &schema, .spec = &spec, .snapshot_id = 1};
    assert_int_equal(floe_ice_write_manifest(&content, &out, &err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "99"));
}

static void manifest__nth_allocation_fails__is_reported(void **state) {
    (void)state;
    for (uint64_t nth = 1; nth < 2000; nth++) {
        floe_error err = {0};
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_MIB(16));
        make_schema();
        floe_ice_manifest_content content = {
            .schema = &schema, .spec = &spec, .snapshot_id = 77, .entries = make_entries(3), .entry_count = 3};
        floe_mem_fail_at(nth);
        floe_status status = floe_ice_write_manifest(&content, &out, &err);
        floe_mem_fail_off();
        if (!floe_failed(status)) {
            assert_true(nth > 3);
            return;
        }
        assert_int_equal(status.code, FLOE_NOMEM);
    }
    fail_msg("never succeeded");
}

/* ---- manifest lists ---- */

static void describe__counts_and_bounds__are_those_of_the_entries(void **state) {
    (void)state;
    floe_ice_manifest manifest;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(5, &out, &manifest); /* 0, 2, 3 added, 1 deleted, 4 existing with sequence number 44 */
    assert_int_equal(manifest.added_files, 3);
    assert_int_equal(manifest.added_rows, 1000 + 1002 + 1003);
    assert_int_equal(manifest.deleted_files, 1);
    assert_int_equal(manifest.deleted_rows, 1001);
    assert_int_equal(manifest.existing_files, 1);
    assert_int_equal(manifest.existing_rows, 1004);
    assert_int_equal(manifest.sequence_number, 60);
    assert_int_equal(manifest.min_sequence_number, 44);
    assert_int_equal(manifest.partition_count, 6);
    const floe_ice_partition_summary *x = &manifest.partitions[3]; /* 0, 1, NaN, null, 4 */
    assert_true(x->contains_null);
    assert_int_equal(x->contains_nan, 1);
    assert_memory_equal(x->lower.ptr, "\0\0\0\0\0\0\0\x80", 8);
    assert_memory_equal(x->upper.ptr, "\0\0\0\0\0\0\x10\x40", 8);
    const floe_ice_partition_summary *at = &manifest.partitions[4]; /* never null */
    assert_false(at->contains_null);
    assert_int_equal(at->contains_nan, 0);
    const floe_ice_partition_summary *price = &manifest.partitions[2]; /* 0 … -20 */
    assert_int_equal(price->lower.len, 1);
    assert_int_equal((int8_t)price->lower.ptr[0], -20);
    assert_int_equal(price->upper.ptr[0], 0);
}

static void describe__only_nulls__has_no_bounds(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifest;
    make_schema();
    floe_ice_entry *entries = make_entries(4);
    floe_ice_manifest_content content = {
        .schema = &schema, .spec = &spec, .snapshot_id = 1, .entries = entries + 3, .entry_count = 1};
    must(floe_ice_manifest_describe(&content, 1, &arena, &manifest, &err), &err);
    assert_null(manifest.partitions[0].lower.ptr);
    assert_null(manifest.partitions[0].upper.ptr);
    assert_true(manifest.partitions[0].contains_null);
}

static void list__read_back__is_what_was_written(void **state) {
    (void)state;
    floe_error err = {0};
    floe_ice_manifest manifests[3];
    FLOE_AUTO_BUF one, out;
    floe_buf_init(&one, FLOE_MIB(16));
    floe_buf_init(&out, FLOE_MIB(16));
    write_manifest(5, &one, &manifests[0]);
    manifests[1] = (floe_ice_manifest){.path = FLOE_STR("/x"),
                                       .length = 9,
                                       .content = 1,
                                       .added_files = 2,
                                       .added_snapshot_id = INT64_MAX,
                                       .sequence_number = 5};
    manifests[2] = (floe_ice_manifest){.path = FLOE_STR("/old"),
                                       .length = 1,
                                       .added_files = -1,
                                       .existing_files = -1,
                                       .deleted_files = -1,
                                       .added_rows = -1,
                                       .existing_rows = -1,
                                       .deleted_rows = -1};
    floe_ice_manifest_list list = {
        .snapshot_id = 77, .parent_id = -1, .sequence_number = 60, .manifests = manifests, .manifest_count = 3};
    must(floe_ice_write_manifest_list(&list, &out, &err), &err);
    const floe_ice_manifest *back = NULL;
    size_t count = 0;
    must(floe_manifest_list_decode(FLOE_STR("l"), floe_buf_view(&out), &arena, &back, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_true(floe_str_equal(back[0].path, manifests[0].path));
    assert_int_equal(back[0].length, manifests[0].length);
    assert_int_equal(back[0].spec_id, 4);
    assert_int_equal(back[0].min_sequence_number, 44);
    assert_int_equal(back[0].partition_count, 6);
    assert_true(floe_str_equal(back[0].partitions[3].lower, manifests[0].partitions[3].lower));
    assert_int_equal(back[0].partitions[3].contains_nan, 1);
    assert_int_equal(back[1].content, 1);
    assert_int_equal(back[1].added_snapshot_id, INT64_MAX);
    assert_int_equal(back[1].partition_count, 0);
    assert_int_equal(back[2].added_files, 1); /* unknown is said as "some" */
}

static void list__encrypted_manifest__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_ice_manifest manifest = {.path = FLOE_STR("/secret"), .encrypted = true};
    floe_ice_manifest_list list = {.manifests = &manifest, .manifest_count = 1};
    assert_int_equal(floe_ice_write_manifest_list(&list, &out, &err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "/secret"));
}

/* ---- other versions, deletes, rows that were moved ---- */

static void read_back(const floe_ice_manifest_content *content, int64_t sequence_number, visited *ret_seen) {
    floe_error err = {0};
    floe_ice_manifest manifest;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    must(floe_ice_write_manifest(content, &out, &err), &err);
    must(floe_ice_manifest_describe(content, sequence_number, &arena, &manifest, &err), &err);
    manifest.path = FLOE_STR("/t/metadata/m.avro");
    manifest.first_row_id = content->format_version == 3 ? 500 : -1;
    floe_manifest_reader reader = {
        .metadata = &metadata, .stats = {.all = true}, .arena = &arena, .visit = visit, .context = ret_seen};
    must(floe_manifest_decode(&manifest, floe_buf_view(&out), &reader, &err), &err);
}

static floe_ice_manifest_content content_of(int version, size_t count) {
    make_schema();
    return (floe_ice_manifest_content){.format_version = version,
                                       .schema = &schema,
                                       .spec = &spec,
                                       .snapshot_id = 77,
                                       .entries = make_entries(count),
                                       .entry_count = count};
}

/* Version 1 has neither content nor sequence numbers: readers take 0. Snapshots are required. */
static void manifest__version_1__has_no_sequence_numbers(void **state) {
    (void)state;
    visited seen = {0};
    floe_ice_manifest_content content = content_of(1, 5);
    read_back(&content, 0, &seen);
    assert_int_equal(seen.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(seen.files[i].sequence_number, 0);
        assert_int_equal(seen.files[i].snapshot_id, i == 4 ? 34 : 77);
        assert_int_equal(seen.files[i].content, 0);
        assert_int_equal(seen.files[i].record_count, 1000 + (int64_t)i);
    }
    FLOE_AUTO_BUF out;
    floe_error err = {0};
    floe_avro_file file;
    floe_buf_init(&out, FLOE_MIB(16));
    must(floe_ice_write_manifest(&content, &out, &err), &err);
    must(floe_avro_open(FLOE_STR("m"), floe_buf_view(&out), &arena, &file, &err), &err);
    assert_true(floe_str_is(floe_avro_header(&file, "format-version"), "1"));
    assert_null(floe_avro_header(&file, "content").ptr);
    floe_str text = floe_avro_header(&file, "avro.schema");
    char *copy = floe_arena_strndup(&arena, text.ptr, text.len);
    assert_non_null(strstr(copy, "block_size_in_bytes"));
    assert_null(strstr(copy, "sequence_number"));
}

/* A file that a compaction made is added by the snapshot and as old as the rows that it holds. */
static void manifest__added_that_keeps_its_sequence__names_it(void **state) {
    (void)state;
    visited seen = {0};
    floe_ice_manifest manifest;
    floe_error err = {0};
    floe_ice_manifest_content content = content_of(2, 1);
    floe_ice_entry *entries = make_entries(1);
    entries[0].keeps_sequence = true;
    entries[0].file.sequence_number = 12;
    content.entries = entries;
    read_back(&content, 60, &seen);
    assert_int_equal(seen.files[0].status, 1);
    assert_int_equal(seen.files[0].sequence_number, 12);
    assert_int_equal(seen.files[0].file_sequence_number, 60);
    must(floe_ice_manifest_describe(&content, 60, &arena, &manifest, &err), &err);
    assert_int_equal(manifest.min_sequence_number, 12);
    assert_int_equal(manifest.sequence_number, 60);
}

static void manifest__of_deletes__names_keys_and_places(void **state) {
    (void)state;
    static const int32_t BY[] = {1, 6};
    for (int version = 2; version <= 3; version++) {
        visited seen = {0};
        floe_ice_manifest_content content = content_of(version, 2);
        floe_ice_entry *entries = make_entries(2);
        content.content = 1;
        content.entries = entries;
        entries[0].file.content = 2;
        entries[0].file.equality_ids = BY;
        entries[0].file.equality_id_count = 2;
        entries[0].file.content_offset = entries[0].file.content_len = -1;
        entries[1].file.content = 1;
        entries[1].file.status = 0;
        entries[1].file.referenced_path = FLOE_STR("/t/data/x.parquet");
        entries[1].file.content_offset = 4;
        entries[1].file.content_len = 99;
        read_back(&content, 60, &seen);
        assert_int_equal(seen.files[0].content, 2);
        assert_int_equal(seen.files[0].equality_id_count, 2);
        assert_int_equal(seen.files[0].equality_ids[1], 6);
        assert_null(seen.files[0].referenced_path.ptr);
        assert_int_equal(seen.files[1].content, 1);
        assert_int_equal(seen.files[1].equality_id_count, 0);
        assert_true(floe_str_is(seen.files[1].referenced_path, "/t/data/x.parquet"));
        assert_int_equal(seen.files[1].content_offset, version == 3 ? 4 : -1);
        assert_int_equal(seen.files[1].content_len, version == 3 ? 99 : -1);
    }
}

/* What stays names its row ids, what is added inherits them: 500 is the manifest's first. */
static void manifest__version_3__keeps_row_ids_of_what_stays(void **state) {
    (void)state;
    visited seen = {0};
    floe_ice_manifest_content content = content_of(3, 5);
    floe_ice_entry *entries = make_entries(5);
    for (size_t i = 0; i < 5; i++) {
        entries[i].file.first_row_id = 9000 + (int64_t)i;
    }
    content.entries = entries;
    read_back(&content, 60, &seen);
    assert_int_equal(seen.files[0].first_row_id, 500);
    assert_int_equal(seen.files[2].first_row_id, 1500); /* after the thousand rows of the first; 1 is deleted */
    assert_int_equal(seen.files[4].status, 0);
    assert_int_equal(seen.files[4].first_row_id, 9004);
}

/* The partition column was an int when the file was written, a float, a narrower decimal: it is stored as it is now. */
static void manifest__promoted_partition_values__are_stored_as_the_present_type(void **state) {
    (void)state;
    visited seen = {0};
    floe_ice_manifest_content content = content_of(2, 1);
    floe_ice_entry *entries = make_entries(1);
    floe_value *values = floe_arena_alloc(&arena, 6, sizeof *values);
    make_partition(0, values);
    values[2] = decimal(5, 2, -12345);
    values[3] = real(FLOE_KIND_FLOAT, 1.5);
    entries[0].file.partition = values;
    content.entries = entries;
    read_back(&content, 60, &seen);
    assert_int_equal(seen.files[0].partition[2].as.decimal, -12345);
    assert_true(seen.files[0].partition[3].as.real == 1.5);
    values[2] = decimal(12, 2, 1);
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    assert_int_equal(floe_ice_write_manifest(&content, &out, &err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "price"));
}

static void manifest__encrypted_file__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    floe_ice_manifest_content content = content_of(2, 1);
    floe_ice_entry *entries = make_entries(1);
    entries[0].file.encrypted = true;
    content.entries = entries;
    assert_int_equal(floe_ice_write_manifest(&content, &out, &err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "encrypted"));
}

static floe_ice_manifest counted(int content, int64_t first_row_id, int64_t added, int64_t existing) {
    return (floe_ice_manifest){.path = FLOE_STR("/m"),
                               .content = content,
                               .first_row_id = first_row_id,
                               .added_rows = added,
                               .existing_rows = existing};
}

static void row_ids__are_given_to_data_manifests_without(void **state) {
    (void)state;
    floe_error err = {0};
    int64_t next = 100;
    floe_ice_manifest manifests[] = {counted(0, -1, 10, 5), counted(0, 40, 99, 99), counted(1, -1, 7, 7),
                                     counted(0, -1, 1, 0)};
    must(floe_ice_assign_row_ids(manifests, 4, &next, &err), &err);
    assert_int_equal(manifests[0].first_row_id, 100);
    assert_int_equal(manifests[1].first_row_id, 40);
    assert_int_equal(manifests[2].first_row_id, -1);
    assert_int_equal(manifests[3].first_row_id, 115);
    assert_int_equal(next, 116);
    floe_ice_manifest unknown = counted(0, -1, -1, 0);
    assert_int_equal(floe_ice_assign_row_ids(&unknown, 1, &next, &err).code, FLOE_UNSUPPORTED);
    floe_ice_manifest huge = counted(0, -1, INT64_MAX, 0);
    floe_error limit = {0};
    assert_int_equal(floe_ice_assign_row_ids(&huge, 1, &next, &limit).code, FLOE_LIMIT);
}

static void list__other_versions__read_back(void **state) {
    (void)state;
    for (int version = 1; version <= 3; version += 2) {
        floe_error err = {0};
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_MIB(16));
        floe_ice_manifest manifests[] = {counted(0, 77, 3, 4), counted(1, -1, 1, 0)};
        manifests[1].sequence_number = 9;
        floe_ice_manifest_list list = {.format_version = version,
                                       .snapshot_id = 5,
                                       .parent_id = 4,
                                       .sequence_number = 9,
                                       .manifests = manifests,
                                       .manifest_count = version == 1 ? 1 : 2};
        must(floe_ice_write_manifest_list(&list, &out, &err), &err);
        const floe_ice_manifest *back = NULL;
        size_t count = 0;
        must(floe_manifest_list_decode(FLOE_STR("l"), floe_buf_view(&out), &arena, &back, &count, &err), &err);
        assert_int_equal(count, version == 1 ? 1 : 2);
        assert_int_equal(back[0].added_rows, 3);
        assert_int_equal(back[0].existing_rows, 4);
        assert_int_equal(back[0].first_row_id, version == 3 ? 77 : -1);
        if (version == 3) {
            assert_int_equal(back[1].content, 1);
            assert_int_equal(back[1].sequence_number, 9);
            assert_int_equal(back[1].first_row_id, -1);
        }
    }
}

#define WRITE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WRITE_TEST(manifest__read_back__is_what_was_written),
        WRITE_TEST(manifest__header__names_schema_spec_and_content),
        WRITE_TEST(manifest__partition_names__are_avro_names),
        WRITE_TEST(manifest__no_entries__is_a_file_without_blocks),
        WRITE_TEST(manifest__same_content__gives_the_same_bytes),
        WRITE_TEST(manifest__partition_source_that_is_gone__is_refused),
        WRITE_TEST(manifest__nth_allocation_fails__is_reported),
        WRITE_TEST(describe__counts_and_bounds__are_those_of_the_entries),
        WRITE_TEST(describe__only_nulls__has_no_bounds),
        WRITE_TEST(list__read_back__is_what_was_written),
        WRITE_TEST(list__encrypted_manifest__is_refused),
        WRITE_TEST(manifest__version_1__has_no_sequence_numbers),
        WRITE_TEST(manifest__added_that_keeps_its_sequence__names_it),
        WRITE_TEST(manifest__of_deletes__names_keys_and_places),
        WRITE_TEST(manifest__version_3__keeps_row_ids_of_what_stays),
        WRITE_TEST(manifest__promoted_partition_values__are_stored_as_the_present_type),
        WRITE_TEST(manifest__encrypted_file__is_refused),
        WRITE_TEST(row_ids__are_given_to_data_manifests_without),
        WRITE_TEST(list__other_versions__read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
