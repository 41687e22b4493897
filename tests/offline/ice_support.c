/* See ice_support.h. */
#include "tests/offline/ice_support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char AVRO_SYNC[16] = "0123456789abcdef";

/* ---- Avro ---- */

void avro_long(floe_buf *out, int64_t value) {
    uint64_t bits = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (bits >= 0x80) {
        floe_buf_byte(out, (uint8_t)(bits | 0x80));
        bits >>= 7;
    }
    floe_buf_byte(out, (uint8_t)bits);
}

void avro_bytes(floe_buf *out, const void *bytes, size_t len) {
    avro_long(out, (int64_t)len);
    floe_buf_append(out, bytes, len);
}

void avro_text(floe_buf *out, const char *text) {
    avro_bytes(out, text, strlen(text));
}

void avro_header(floe_buf *out, const char *schema, const char *codec, const avro_pair *more, size_t more_count) {
    floe_buf_append(out, "Obj\x01", 4);
    avro_long(out, (int64_t)(1u + (codec != NULL ? 1u : 0u) + more_count));
    avro_text(out, "avro.schema");
    avro_text(out, schema);
    if (codec != NULL) {
        avro_text(out, "avro.codec");
        avro_text(out, codec);
    }
    for (size_t i = 0; i < more_count; i++) {
        avro_text(out, more[i].key);
        avro_text(out, more[i].value);
    }
    avro_long(out, 0);
    floe_buf_append(out, AVRO_SYNC, sizeof(AVRO_SYNC));
}

void avro_block(floe_buf *out, int64_t count, floe_str payload) {
    avro_long(out, count);
    avro_long(out, (int64_t)payload.len);
    floe_buf_append(out, payload.ptr, payload.len);
    floe_buf_append(out, AVRO_SYNC, sizeof(AVRO_SYNC));
}

/* ---- manifests ---- */

static void put_id(floe_buf *out, const ice_manifest *manifest, int id) {
    if (!manifest->no_ids) {
        floe_buf_printf(out, ",\"field-id\":%d", id);
    }
}

static void put_field(floe_buf *out, const ice_manifest *manifest, const char *name, const char *type, int id) {
    floe_buf_printf(out, "{\"name\":\"%s\",\"type\":%s", name, type);
    put_id(out, manifest, id);
    floe_buf_byte(out, '}');
}

static void put_map(floe_buf *out, const ice_manifest *manifest, const char *name, int id, int key_id,
                    const char *value) {
    floe_buf_printf(out,
                    ",{\"name\":\"%s\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\","
                    "\"name\":\"k%d_v%d\",\"fields\":[",
                    name, key_id, key_id + 1);
    put_field(out, manifest, "key", "\"int\"", key_id);
    floe_buf_byte(out, ',');
    put_field(out, manifest, "value", value, key_id + 1);
    floe_buf_text(out, "]}}]");
    put_id(out, manifest, id);
    floe_buf_byte(out, '}');
}

static void manifest_schema(const ice_manifest *manifest, floe_buf *out) {
    floe_buf_text(out, "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":[");
    put_field(out, manifest, "status", "\"int\"", 0);
    floe_buf_byte(out, ',');
    put_field(out, manifest, "snapshot_id", "[\"null\",\"long\"]", 1);
    if (manifest->version >= 2) {
        floe_buf_byte(out, ',');
        put_field(out, manifest, "sequence_number", "[\"null\",\"long\"]", 3);
    }
    floe_buf_text(out, ",{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":[");
    if (manifest->version >= 2) {
        put_field(out, manifest, "content", "\"int\"", 134);
        floe_buf_byte(out, ',');
    }
    put_field(out, manifest, "file_path", "\"string\"", 100);
    floe_buf_byte(out, ',');
    put_field(out, manifest, "file_format", "\"string\"", 101);
    floe_buf_printf(out, ",{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[%s]}",
                    manifest->partition_fields);
    put_id(out, manifest, 102);
    floe_buf_text(out, "},");
    put_field(out, manifest, "record_count", "\"long\"", 103);
    floe_buf_byte(out, ',');
    put_field(out, manifest, "file_size_in_bytes", "\"long\"", 104);
    put_map(out, manifest, "null_value_counts", 110, 121, "\"long\"");
    put_map(out, manifest, "lower_bounds", 125, 126, "\"bytes\"");
    put_map(out, manifest, "upper_bounds", 128, 129, "\"bytes\"");
    floe_buf_byte(out, ',');
    put_field(out, manifest, "key_metadata", "[\"null\",\"bytes\"]", 131);
    if (manifest->version >= 2) {
        floe_buf_text(out,
                      ",{\"name\":\"equality_ids\",\"type\":[\"null\",{\"type\":\"array\",\"items\":\"int\",\"element-"
                      "id\":136}]");
        put_id(out, manifest, 135);
        floe_buf_text(out, "},");
        put_field(out, manifest, "referenced_data_file", "[\"null\",\"string\"]", 143);
        floe_buf_byte(out, ',');
        put_field(out, manifest, "content_offset", "[\"null\",\"long\"]", 144);
        floe_buf_byte(out, ',');
        put_field(out, manifest, "content_size_in_bytes", "[\"null\",\"long\"]", 145);
        floe_buf_byte(out, ',');
        put_field(out, manifest, "first_row_id", "[\"null\",\"long\"]", 142);
    }
    floe_buf_text(out, "]}");
    put_id(out, manifest, 2);
    floe_buf_text(out, "}]}");
}

static void put_optional(floe_buf *out, int64_t value) {
    avro_long(out, value == -1 ? 0 : 1);
    if (value != -1) {
        avro_long(out, value);
    }
}

static void put_bounds(floe_buf *out, const ice_bound *bounds, size_t count) {
    avro_long(out, 1);
    if (count > 0) {
        avro_long(out, (int64_t)count);
    }
    for (size_t i = 0; i < count; i++) {
        avro_long(out, bounds[i].field_id);
        avro_bytes(out, bounds[i].bytes, bounds[i].len);
    }
    avro_long(out, 0);
}

static void put_delete_fields(floe_buf *out, const ice_entry *entry) {
    avro_long(out, entry->equality_id_count > 0 ? 1 : 0);
    if (entry->equality_id_count > 0) {
        avro_long(out, (int64_t)entry->equality_id_count);
        for (size_t i = 0; i < entry->equality_id_count; i++) {
            avro_long(out, entry->equality_ids[i]);
        }
        avro_long(out, 0);
    }
    avro_long(out, entry->referenced != NULL ? 1 : 0);
    if (entry->referenced != NULL) {
        avro_text(out, entry->referenced);
    }
    put_optional(out, entry->content_len > 0 ? entry->content_offset : -1);
    put_optional(out, entry->content_len > 0 ? entry->content_len : -1);
    put_optional(out, entry->has_first_row_id ? entry->first_row_id : -1);
}

static void put_entry(floe_buf *out, int version, const ice_entry *entry) {
    avro_long(out, entry->status);
    put_optional(out, entry->snapshot_id);
    if (version >= 2) {
        put_optional(out, entry->sequence_number);
        avro_long(out, entry->content);
    }
    avro_text(out, entry->path);
    avro_text(out, entry->format ? entry->format : "PARQUET");
    floe_buf_append(out, entry->partition.ptr, entry->partition.len);
    avro_long(out, entry->record_count);
    avro_long(out, entry->file_len);
    avro_long(out, 1);
    if (entry->null_count > 0) {
        avro_long(out, (int64_t)entry->null_count);
    }
    for (size_t i = 0; i < entry->null_count; i++) {
        avro_long(out, entry->nulls[i].field_id);
        avro_long(out, entry->nulls[i].count);
    }
    avro_long(out, 0);
    put_bounds(out, entry->lower, entry->lower_count);
    put_bounds(out, entry->upper, entry->upper_count);
    avro_long(out, entry->encrypted ? 1 : 0);
    if (entry->encrypted) {
        avro_text(out, "key");
    }
    if (version >= 2) {
        put_delete_fields(out, entry);
    }
}

void ice_manifest_encode(const ice_manifest *manifest, floe_buf *out) {
    FLOE_AUTO_BUF schema = {0};
    FLOE_AUTO_BUF payload = {0};
    floe_buf_init(&schema, FLOE_MIB(1));
    floe_buf_init(&payload, FLOE_MIB(64));
    manifest_schema(manifest, &schema);
    avro_pair more[3];
    size_t count = 0;
    more[count++] = (avro_pair){"format-version", manifest->version == 3 ? "3" : manifest->version >= 2 ? "2" : "1"};
    if (manifest->spec_json != NULL) {
        more[count++] = (avro_pair){"partition-spec", manifest->spec_json};
    }
    if (manifest->spec_id != NULL) {
        more[count++] = (avro_pair){"partition-spec-id", manifest->spec_id};
    }
    avro_header(out, schema.ptr, "null", more, count);
    for (size_t i = 0; i < manifest->entry_count; i++) {
        put_entry(&payload, manifest->version, &manifest->entries[i]);
    }
    if (manifest->entry_count > 0) {
        avro_block(out, (int64_t)manifest->entry_count, floe_buf_view(&payload));
    }
}

static const char LIST_V1[] =
    "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
    "{\"name\":\"manifest_path\",\"type\":\"string\",\"field-id\":500},"
    "{\"name\":\"manifest_length\",\"type\":\"long\",\"field-id\":501},"
    "{\"name\":\"partition_spec_id\",\"type\":\"int\",\"field-id\":502},"
    "{\"name\":\"added_snapshot_id\",\"type\":[\"null\",\"long\"],\"field-id\":503},"
    "{\"name\":\"added_data_files_count\",\"type\":[\"null\",\"int\"],\"field-id\":504},"
    "{\"name\":\"existing_data_files_count\",\"type\":[\"null\",\"int\"],\"field-id\":505},"
    "{\"name\":\"deleted_data_files_count\",\"type\":[\"null\",\"int\"],\"field-id\":506},"
    "{\"name\":\"partitions\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"r508\","
    "\"fields\":[{\"name\":\"contains_null\",\"type\":\"boolean\",\"field-id\":509},"
    "{\"name\":\"contains_nan\",\"type\":[\"null\",\"boolean\"],\"field-id\":518},"
    "{\"name\":\"lower_bound\",\"type\":[\"null\",\"bytes\"],\"field-id\":510},"
    "{\"name\":\"upper_bound\",\"type\":[\"null\",\"bytes\"],\"field-id\":511}]},\"element-id\":508}],\"field-id\":"
    "507}";
static const char LIST_V2[] = ",{\"name\":\"content\",\"type\":\"int\",\"field-id\":517},"
                              "{\"name\":\"sequence_number\",\"type\":\"long\",\"field-id\":515},"
                              "{\"name\":\"min_sequence_number\",\"type\":\"long\",\"field-id\":516}";

static const char LIST_V3[] = ",{\"name\":\"first_row_id\",\"type\":[\"null\",\"long\"],\"field-id\":520}";

static void put_summary(floe_buf *out, const ice_summary *summary) {
    floe_buf_byte(out, summary->contains_null ? 1 : 0);
    avro_long(out, summary->contains_nan < 0 ? 0 : 1);
    if (summary->contains_nan >= 0) {
        floe_buf_byte(out, (uint8_t)summary->contains_nan);
    }
    const void *bounds[] = {summary->lower, summary->upper};
    const size_t lens[] = {summary->lower_len, summary->upper_len};
    for (size_t i = 0; i < 2; i++) {
        avro_long(out, bounds[i] == NULL ? 0 : 1);
        if (bounds[i] != NULL) {
            avro_bytes(out, bounds[i], lens[i]);
        }
    }
}

static void put_listed(floe_buf *out, int version, const ice_listed *listed) {
    avro_text(out, listed->path);
    avro_long(out, listed->length);
    avro_long(out, listed->spec_id);
    put_optional(out, listed->snapshot_id);
    put_optional(out, listed->added);
    put_optional(out, listed->existing);
    put_optional(out, listed->deleted);
    avro_long(out, listed->summaries == NULL ? 0 : 1);
    if (listed->summaries != NULL) {
        avro_long(out, (int64_t)listed->summary_count);
        for (size_t i = 0; i < listed->summary_count; i++) {
            put_summary(out, &listed->summaries[i]);
        }
        if (listed->summary_count > 0) {
            avro_long(out, 0);
        }
    }
    if (version >= 2) {
        avro_long(out, listed->content);
        avro_long(out, listed->sequence_number);
        avro_long(out, listed->sequence_number);
    }
    if (version >= 3) {
        put_optional(out, listed->content == 0 ? listed->snapshot_id * 1000 : -1);
    }
}

void ice_list_encode(int version, const ice_listed *manifests, size_t count, floe_buf *out) {
    FLOE_AUTO_BUF schema = {0};
    FLOE_AUTO_BUF payload = {0};
    floe_buf_init(&schema, FLOE_MIB(1));
    floe_buf_init(&payload, FLOE_MIB(64));
    floe_buf_text(&schema, LIST_V1);
    floe_buf_text(&schema, version >= 2 ? LIST_V2 : "");
    floe_buf_text(&schema, version >= 3 ? LIST_V3 : "");
    floe_buf_text(&schema, "]}");
    avro_header(out, schema.ptr, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        put_listed(&payload, version, &manifests[i]);
    }
    if (count > 0) {
        avro_block(out, (int64_t)count, floe_buf_view(&payload));
    }
}

/* ---- bounds ---- */

static void *keep(const void *bytes, size_t len) {
    static char ring[4096][64];
    static size_t next;
    assert_true(len <= sizeof(ring[0]));
    char *slot = ring[next++ % 4096];
    memcpy(slot, bytes, len);
    return slot;
}

ice_bound ice_bound_i32(int32_t field_id, int32_t value) {
    return (ice_bound){field_id, keep(&value, sizeof(value)), sizeof(value)};
}

ice_bound ice_bound_i64(int32_t field_id, int64_t value) {
    return (ice_bound){field_id, keep(&value, sizeof(value)), sizeof(value)};
}

ice_bound ice_bound_f64(int32_t field_id, double value) {
    return (ice_bound){field_id, keep(&value, sizeof(value)), sizeof(value)};
}

ice_bound ice_bound_text(int32_t field_id, const char *text) {
    return (ice_bound){field_id, keep(text, strlen(text)), strlen(text)};
}

/* ---- tables ---- */

void ice_write_file(const char *path, floe_str bytes) {
    floe_error err = {0};
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    assert_ok(floe_file_mkdirs(floe_path_dirname(&arena, path), &err), &err);
    assert_ok(floe_file_write(path, bytes, false, &err), &err);
}

const char *ice_path(const char *folder, const char *name) {
    static char ring[512][512];
    static size_t next;
    char *slot = ring[next++ % 512];
    int len = snprintf(slot, sizeof(ring[0]), "%s/%s", folder, name);
    assert_true(len > 0 && (size_t)len < sizeof(ring[0]));
    return slot;
}

floe_lake *ice_lake(void) {
    floe_error err = {0};
    floe_lake *lake = NULL;
    assert_ok(floe_lake_open(NULL, 0, NULL, &lake, &err), &err);
    return lake;
}

floe_table *ice_open(floe_lake *lake, const char *path) {
    floe_error err = {0};
    floe_table *table = NULL;
    assert_ok(floe_table_open(lake, path, NULL, NULL, &table, &err), &err);
    return table;
}

void ice_table_init(ice_table *table, const char *schemas, const char *specs, const char *partition_fields) {
    *table = (ice_table){
        .folder = floe_test_temp_dir(), .schemas = schemas, .specs = specs, .partition_fields = partition_fields};
    floe_buf_init(&table->snapshots, FLOE_MIB(16));
    floe_buf_init(&table->log, FLOE_MIB(16));
    floe_arena_init(&table->arena, FLOE_MIB(256));
}

void ice_table_close(ice_table *table) {
    floe_buf_close(&table->snapshots);
    floe_buf_close(&table->log);
    floe_arena_close(&table->arena);
}

static const char *write_manifest(ice_table *table, const ice_entry *entries, size_t count) {
    FLOE_AUTO_BUF bytes = {0};
    floe_buf_init(&bytes, FLOE_MIB(64));
    const ice_manifest manifest = {.version = table->version ? table->version : 2,
                                   .partition_fields = table->partition_fields,
                                   .entries = entries,
                                   .entry_count = count};
    ice_manifest_encode(&manifest, &bytes);
    const char *path =
        floe_arena_printf(&table->arena, "%s/metadata/m%" PRId64 ".avro", table->folder, table->snapshot_count);
    ice_write_file(path, floe_buf_view(&bytes));
    return path;
}

static const char *write_list(ice_table *table) {
    FLOE_AUTO_BUF bytes = {0};
    floe_buf_init(&bytes, FLOE_MIB(64));
    ice_listed *all = floe_arena_alloc(&table->arena, table->lists.count + 1, sizeof(*all));
    for (size_t i = 0; i < table->lists.count; i++) {
        all[i] = *(ice_listed *)table->lists.items[i];
    }
    ice_list_encode(table->version ? table->version : 2, all, table->lists.count, &bytes);
    const char *path =
        floe_arena_printf(&table->arena, "%s/metadata/snap-%" PRId64 ".avro", table->folder, table->snapshot_count);
    ice_write_file(path, floe_buf_view(&bytes));
    return path;
}

void ice_table_add(ice_table *table, const char *operation, int content, const ice_entry *entries, size_t count) {
    int64_t id = ++table->snapshot_count;
    ice_listed *listed = floe_arena_alloc(&table->arena, 1, sizeof(*listed));
    *listed = (ice_listed){.path = write_manifest(table, entries, count),
                           .spec_id = table->spec_id,
                           .content = content,
                           .sequence_number = id,
                           .snapshot_id = id,
                           .added = -1,
                           .existing = -1,
                           .deleted = -1};
    floe_ptrs_append(&table->lists, &table->arena, listed);
    floe_buf_printf(&table->snapshots, "%s{\"snapshot-id\":%" PRId64 ",", id > 1 ? "," : "", id);
    if (id > 1) {
        floe_buf_printf(&table->snapshots, "\"parent-snapshot-id\":%" PRId64 ",", id - 1);
    }
    floe_buf_printf(&table->snapshots,
                    "\"sequence-number\":%" PRId64 ",\"timestamp-ms\":%" PRId64 ",\"schema-id\":%d,"
                    "\"summary\":{\"operation\":\"%s\",\"added-records\":\"7\"},\"manifest-list\":\"%s\"}",
                    id, 1000000 + id * 1000, table->current_schema, operation, write_list(table));
    floe_buf_printf(&table->log, "%s{\"snapshot-id\":%" PRId64 ",\"timestamp-ms\":%" PRId64 "}", id > 1 ? "," : "", id,
                    1000000 + id * 1000);
}

void ice_table_write(ice_table *table) {
    FLOE_AUTO_BUF json = {0};
    floe_buf_init(&json, FLOE_MIB(16));
    floe_buf_printf(&json,
                    "{\"format-version\":%d,\"table-uuid\":\"u\",\"location\":\"%s\",\"last-sequence-number\":%" PRId64
                    ",\"last-updated-ms\":1,\"last-column-id\":100,\"current-schema-id\":%d,\"schemas\":%s,"
                    "\"default-spec-id\":0,\"partition-specs\":%s,\"last-partition-id\":1000,"
                    "\"default-sort-order-id\":0,\"sort-orders\":[],\"properties\":%s,\"current-snapshot-id\":%" PRId64,
                    table->version ? table->version : 2, table->folder, table->snapshot_count, table->current_schema,
                    table->schemas, table->specs, table->properties ? table->properties : "{}",
                    table->snapshot_count == 0 ? -1 : table->snapshot_count);
    if (table->refs != NULL) {
        floe_buf_printf(&json, ",\"refs\":%s", table->refs);
    }
    floe_buf_text(&json, ",\"snapshots\":[");
    floe_buf_str(&json, floe_buf_view(&table->snapshots));
    floe_buf_text(&json, "],\"snapshot-log\":[");
    floe_buf_str(&json, floe_buf_view(&table->log));
    floe_buf_text(&json, "]}");
    char name[64];
    (void)snprintf(name, sizeof(name), "metadata/v%" PRId64 ".metadata.json", table->snapshot_count + 1);
    ice_write_file(ice_path(table->folder, name), floe_buf_view(&json));
}
