/*
 * Manifests: which files a snapshot added, keeps or deleted, with partition values, counts and bounds.
 *
 * The schema depends on format version, content and partition spec alone. Null sequence numbers of added entries are inherited from the manifest
 * list, which is what lets a commit be tried again without rewriting the manifest.
 * Source: Iceberg table spec, "Manifests" (field ids), Appendix A (Avro types).
 */
#include "offline/iceberg/write/write.h"
#include "offline/iceberg/write/avro.h"

#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- the schema ---- */

static const floe_ice_field *source_of(const floe_ice_manifest_content *content, size_t field) {
    return floe_ice_field_by_id(content->schema, content->spec->fields[field].source_id);
}

static floe_status partition_type(const floe_ice_manifest_content *content, size_t field, floe_ice_type *ret_type,
                                  floe_error *err) {
    const floe_ice_partition_field *partition = &content->spec->fields[field];
    const floe_ice_field *source = source_of(content, field);
    FLOE_ENSURE(source, err, FLOE_UNSUPPORTED,
                "partition %.*s: its source column (id %" PRId32 ") is not in the schema",
                FLOE_STR_ARG(partition->name), partition->source_id);
    return floe_ice_transform_type(partition, source, ret_type, err);
}

/* An Avro name may hold [A-Za-z0-9_] and not start with a digit; other bytes are spelled as Iceberg's Java does. */
static void put_avro_name(floe_buf *out, floe_str name) {
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (digit && i > 0)) {
            floe_buf_byte(out, c);
        } else if (digit) {
            floe_buf_printf(out, "_%c", c);
        } else {
            floe_buf_printf(out, "_x%X", c);
        }
    }
}

static void put_avro_type(floe_buf *out, const floe_ice_type *type, int32_t field_id) {
    switch (type->kind) {
    case FLOE_ICE_BOOLEAN:
    case FLOE_ICE_INT:
    case FLOE_ICE_LONG:
    case FLOE_ICE_FLOAT:
    case FLOE_ICE_DOUBLE:
    case FLOE_ICE_STRING:
        floe_buf_printf(out, "\"%.*s\"", FLOE_STR_ARG(type->text));
        break;
    case FLOE_ICE_DATE:
        floe_buf_text(out, "{\"type\":\"int\",\"logicalType\":\"date\"}");
        break;
    case FLOE_ICE_TIMESTAMP:
    case FLOE_ICE_TIMESTAMPTZ:
        floe_buf_printf(out, "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":%s}",
                        type->kind == FLOE_ICE_TIMESTAMPTZ ? "true" : "false");
        break;
    case FLOE_ICE_TIME:
        floe_buf_text(out, "{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
        break;
    case FLOE_ICE_TIMESTAMP_NS:
    case FLOE_ICE_TIMESTAMPTZ_NS:
        floe_buf_printf(out, "{\"type\":\"long\",\"logicalType\":\"timestamp-nanos\",\"adjust-to-utc\":%s}",
                        type->kind == FLOE_ICE_TIMESTAMPTZ_NS ? "true" : "false");
        break;
    case FLOE_ICE_UUID:
        floe_buf_printf(out, "{\"type\":\"fixed\",\"name\":\"uuid_%" PRId32 "\",\"size\":16,\"logicalType\":\"uuid\"}",
                        field_id);
        break;
    case FLOE_ICE_FIXED:
        floe_buf_printf(out, "{\"type\":\"fixed\",\"name\":\"fixed_%" PRId32 "\",\"size\":%" PRIu32 "}", field_id,
                        type->fixed_len);
        break;
    case FLOE_ICE_DECIMAL: /* named by the field, since Avro takes each name once */
        floe_buf_printf(out,
                        "{\"type\":\"fixed\",\"name\":\"decimal_%u_%u_%" PRId32
                        "\",\"size\":%u,\"logicalType\":\"decimal\",\"precision\":%u,\"scale\":%u}",
                        type->precision, type->scale, field_id, floe_avro_decimal_len(type->precision), type->precision,
                        type->scale);
        break;
    default:
        floe_buf_text(out, "\"bytes\"");
    }
}

static floe_status put_partition_schema(const floe_ice_manifest_content *content, floe_buf *out, floe_error *err) {
    floe_buf_text(out, "{\"name\":\"partition\",\"field-id\":102,\"type\":{\"type\":\"record\",\"name\":\"r102\","
                       "\"fields\":[");
    for (size_t i = 0; i < content->spec->field_count; i++) {
        floe_ice_type type;
        FLOE_TRY(partition_type(content, i, &type, err));
        floe_buf_text(out, i ? ",{\"name\":\"" : "{\"name\":\"");
        put_avro_name(out, content->spec->fields[i].name);
        floe_buf_text(out, "\",\"iceberg-field-name\":");
        floe_json_quote(out, content->spec->fields[i].name);
        floe_buf_text(out, ",\"default\":null,\"type\":[\"null\",");
        put_avro_type(out, &type, content->spec->fields[i].field_id);
        floe_buf_printf(out, "],\"field-id\":%" PRId32 "}", content->spec->fields[i].field_id);
    }
    floe_buf_text(out, "]}},");
    return FLOE_OK;
}

static void put_map_schema(floe_buf *out, const char *name, int id, const char *value_type) {
    int key_id = id == 137 ? 138 : id == 108 ? 117 : id == 109 ? 119 : id == 110 ? 121 : id == 125 ? 126 : 129;
    floe_buf_printf(out,
                    "{\"name\":\"%s\",\"field-id\":%d,\"default\":null,\"type\":[\"null\",{\"type\":\"array\","
                    "\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k%d_v%d\",\"fields\":["
                    "{\"name\":\"key\",\"type\":\"int\",\"field-id\":%d},"
                    "{\"name\":\"value\",\"type\":\"%s\",\"field-id\":%d}]}}]},",
                    name, id, key_id, key_id + 1, key_id, value_type, key_id + 1);
}

static int version_of(const floe_ice_manifest_content *content) {
    return content->format_version ? content->format_version : 2;
}

/* Version 1 has neither sequence numbers nor delete files, and asks for the snapshot of each entry. */
static void put_entry_schema(int version, floe_buf *out) {
    floe_buf_text(out, "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
                       "{\"name\":\"status\",\"type\":\"int\",\"field-id\":0},");
    if (version == 1) {
        floe_buf_text(out, "{\"name\":\"snapshot_id\",\"type\":\"long\",\"field-id\":1},");
    } else {
        floe_buf_text(
            out, "{\"name\":\"snapshot_id\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":1},"
                 "{\"name\":\"sequence_number\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":3},"
                 "{\"name\":\"file_sequence_number\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":4},");
    }
    floe_buf_text(out,
                  "{\"name\":\"data_file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":[");
    floe_buf_text(out, version == 1 ? "" : "{\"name\":\"content\",\"type\":\"int\",\"field-id\":134},");
    floe_buf_text(out, "{\"name\":\"file_path\",\"type\":\"string\",\"field-id\":100},"
                       "{\"name\":\"file_format\",\"type\":\"string\",\"field-id\":101},");
}

static void put_optional_schema(const char *name, int id, const char *type, floe_buf *out) {
    floe_buf_printf(out, ",{\"name\":\"%s\",\"type\":[\"null\",%s],\"default\":null,\"field-id\":%d}", name, type, id);
}

/* What only delete files have, and what only data files of version 3 have. */
static void put_last_schema(const floe_ice_manifest_content *content, floe_buf *out) {
    if (content->content == 1) {
        put_optional_schema("equality_ids", 135, "{\"type\":\"array\",\"items\":\"int\",\"element-id\":136}", out);
        put_optional_schema("referenced_data_file", 143, "\"string\"", out);
    }
    if (content->content == 1 && version_of(content) >= 3) {
        put_optional_schema("content_offset", 144, "\"long\"", out);
        put_optional_schema("content_size_in_bytes", 145, "\"long\"", out);
    } else if (version_of(content) >= 3) {
        put_optional_schema("first_row_id", 142, "\"long\"", out);
    }
}

static floe_status put_schema(const floe_ice_manifest_content *content, floe_buf *out, floe_error *err) {
    put_entry_schema(version_of(content), out);
    FLOE_TRY(put_partition_schema(content, out, err));
    floe_buf_text(out, "{\"name\":\"record_count\",\"type\":\"long\",\"field-id\":103},"
                       "{\"name\":\"file_size_in_bytes\",\"type\":\"long\",\"field-id\":104},");
    if (version_of(content) == 1) {
        floe_buf_text(out, "{\"name\":\"block_size_in_bytes\",\"type\":\"long\",\"field-id\":105},");
    }
    put_map_schema(out, "column_sizes", 108, "long");
    put_map_schema(out, "value_counts", 109, "long");
    put_map_schema(out, "null_value_counts", 110, "long");
    put_map_schema(out, "nan_value_counts", 137, "long");
    put_map_schema(out, "lower_bounds", 125, "bytes");
    put_map_schema(out, "upper_bounds", 128, "bytes");
    floe_buf_text(out, "{\"name\":\"sort_order_id\",\"type\":[\"null\",\"int\"],\"default\":null,\"field-id\":140}");
    put_last_schema(content, out);
    floe_buf_text(out, "]}}]}");
    return floe_buf_check(out, err);
}

/* ---- the records ---- */

static void put_counts(floe_buf *out, const floe_ice_count_entry *entries, size_t count) {
    floe_avro_put_present(out, count > 0);
    if (count > 0) {
        floe_avro_begin_items(out, count);
        for (size_t i = 0; i < count; i++) {
            floe_avro_put_long(out, entries[i].field_id);
            floe_avro_put_long(out, entries[i].count);
        }
        floe_avro_end_items(out, count);
    }
}

static void put_bounds(floe_buf *out, const floe_ice_bytes_entry *entries, size_t count) {
    floe_avro_put_present(out, count > 0);
    if (count > 0) {
        floe_avro_begin_items(out, count);
        for (size_t i = 0; i < count; i++) {
            floe_avro_put_long(out, entries[i].field_id);
            floe_avro_put_bytes(out, entries[i].bytes);
        }
        floe_avro_end_items(out, count);
    }
}

/* The value as a value of the type that the schema now gives the field, since its column may have been promoted after the
 * file was written. Whole numbers and dates of any length are one encoding. */
static floe_status promote(const floe_ice_manifest_content *content, size_t field, floe_value *value, bool *ret_fixed,
                           floe_error *err) {
    floe_ice_type type;
    FLOE_TRY(partition_type(content, field, &type, err));
    floe_type wanted = floe_ice_partition_kept_type(&type);
    size_t len = type.kind == FLOE_ICE_UUID ? 16 : type.kind == FLOE_ICE_FIXED ? type.fixed_len : SIZE_MAX;
    floe_kind is = value->type.kind;
    bool number = is == FLOE_KIND_INT32 || is == FLOE_KIND_INT64;
    bool fits = is == wanted.kind || (is == FLOE_KIND_FLOAT && wanted.kind == FLOE_KIND_DOUBLE) ||
                (number && (wanted.kind == FLOE_KIND_INT64 || wanted.kind == FLOE_KIND_DATE)) ||
                (number && wanted.kind == FLOE_KIND_INT32 && value->as.integer == (int32_t)value->as.integer);
    fits = fits && (is != FLOE_KIND_DECIMAL ||
                    (wanted.scale == value->type.scale && wanted.precision >= value->type.precision));
    fits = fits && (len == SIZE_MAX || value->as.bytes.len == len);
    *ret_fixed = len != SIZE_MAX;
    FLOE_ENSURE(fits, err, FLOE_UNSUPPORTED,
                "partition %.*s: a file's value was stored as another type than the column now has",
                FLOE_STR_BRIEF(content->spec->fields[field].name));
    value->type = wanted;
    return FLOE_OK;
}

static floe_status put_partition(const floe_ice_manifest_content *content, floe_buf *out,
                                 const floe_ice_data_file *file, floe_error *err) {
    for (size_t i = 0; i < file->partition_count; i++) {
        floe_avro_put_present(out, !file->partition[i].is_null);
        if (!file->partition[i].is_null) {
            floe_value value = file->partition[i];
            bool fixed = false; /* of a length that the schema has */
            FLOE_TRY(promote(content, i, &value, &fixed, err));
            if (fixed) {
                floe_buf_str(out, value.as.bytes);
            } else {
                FLOE_TRY(floe_avro_put_value(out, &value, err));
            }
        }
    }
    return FLOE_OK;
}

static void put_optional(floe_buf *out, bool present, int64_t value) {
    floe_avro_put_present(out, present);
    if (present) {
        floe_avro_put_long(out, value);
    }
}

static void put_equality_ids(floe_buf *out, const floe_ice_data_file *file) {
    floe_avro_put_present(out, file->equality_id_count > 0);
    if (file->equality_id_count > 0) {
        floe_avro_begin_items(out, file->equality_id_count);
        for (size_t i = 0; i < file->equality_id_count; i++) {
            floe_avro_put_long(out, file->equality_ids[i]);
        }
        floe_avro_end_items(out, file->equality_id_count);
    }
}

static void put_last(const floe_ice_manifest_content *content, const floe_ice_data_file *file, floe_buf *out) {
    if (content->content == 1) {
        put_equality_ids(out, file);
        floe_avro_put_present(out, file->referenced_path.ptr != NULL);
        if (file->referenced_path.ptr) {
            floe_avro_put_bytes(out, file->referenced_path);
        }
    }
    if (content->content == 1 && version_of(content) >= 3) {
        put_optional(out, file->content_offset >= 0, file->content_offset);
        put_optional(out, file->content_len >= 0, file->content_len);
    } else if (version_of(content) >= 3) { /* what is added inherits */
        put_optional(out, file->status != 1 && file->first_row_id >= 0, file->first_row_id);
    }
}

/* Status, snapshot and sequence numbers. */
static void put_origin(const floe_ice_manifest_content *content, const floe_ice_entry *entry, floe_buf *out) {
    const floe_ice_data_file *file = &entry->file;
    bool added = file->status == 1;
    int64_t snapshot_id = file->status == 0 ? file->snapshot_id : content->snapshot_id;
    floe_avro_put_long(out, file->status);
    if (version_of(content) == 1) {
        floe_avro_put_long(out, snapshot_id);
        return;
    }
    put_optional(out, true, snapshot_id);
    put_optional(out, !added || entry->keeps_sequence, file->sequence_number);
    put_optional(out, !added, file->file_sequence_number);
    floe_avro_put_long(out, file->content);
}

#define BLOCK_LEN INT64_C(67108864) /* version 1 asks for a number that nobody reads: what its own writers put */

static floe_status put_entry(const floe_ice_manifest_content *content, const floe_ice_entry *entry, floe_buf *out,
                             floe_error *err) {
    const floe_ice_data_file *file = &entry->file;
    FLOE_ENSURE(!file->encrypted, err, FLOE_UNSUPPORTED, "the file %.*s is encrypted", FLOE_STR_ARG(file->path));
    FLOE_ENSURE(file->partition_count == content->spec->field_count, err, FLOE_INTERNAL,
                "%.*s has %zu partition values, its spec %zu", FLOE_STR_ARG(file->path), file->partition_count,
                content->spec->field_count);
    put_origin(content, entry, out);
    floe_avro_put_bytes(out, file->path);
    floe_avro_put_bytes(out, file->format);
    FLOE_TRY(put_partition(content, out, file, err));
    floe_avro_put_long(out, file->record_count);
    floe_avro_put_long(out, file->file_len);
    if (version_of(content) == 1) {
        floe_avro_put_long(out, BLOCK_LEN);
    }
    put_counts(out, entry->column_sizes, entry->column_size_count);
    put_counts(out, file->value_counts, file->value_count_count);
    put_counts(out, file->null_counts, file->null_count_count);
    put_counts(out, file->nan_counts, file->nan_count_count);
    put_bounds(out, file->lower_bounds, file->lower_count);
    put_bounds(out, file->upper_bounds, file->upper_count);
    put_optional(out, file->sort_order_id >= 0, file->sort_order_id);
    put_last(content, file, out);
    return FLOE_OK;
}

floe_status floe_ice_write_manifest(const floe_ice_manifest_content *content, floe_buf *out, floe_error *err) {
    FLOE_AUTO_BUF schema, avro_schema, spec, records;
    floe_buf_init(&schema, FLOE_LIMIT_METADATA_BYTES);
    floe_buf_init(&avro_schema, FLOE_LIMIT_METADATA_BYTES);
    floe_buf_init(&spec, FLOE_LIMIT_METADATA_BYTES);
    floe_buf_init(&records, FLOE_LIMIT_MANIFEST_BYTES);
    floe_json_writer json = floe_json_writer_of(&schema);
    floe_ice_write_schema_json(&json, content->schema);
    json = floe_json_writer_of(&spec);
    floe_ice_write_spec_fields_json(&json, content->spec);
    FLOE_TRY(put_schema(content, &avro_schema, err));
    for (size_t i = 0; i < content->entry_count; i++) {
        FLOE_TRY(put_entry(content, &content->entries[i], &records, err));
    }
    FLOE_TRY(floe_buf_check(&schema, err));
    FLOE_TRY(floe_buf_check(&spec, err));
    FLOE_TRY(floe_buf_check(&records, err));
    char spec_id[16], version[16];
    snprintf(spec_id, sizeof spec_id, "%" PRId32, content->spec->spec_id);
    snprintf(version, sizeof version, "%d", version_of(content));
    const floe_avro_header_item header[] = {
        {"schema", floe_buf_view(&schema)},
        {"partition-spec", floe_buf_view(&spec)},
        {"partition-spec-id", floe_str_of(spec_id)},
        {"format-version", floe_str_of(version)},
        {"content", content->content == 1 ? FLOE_STR("deletes") : FLOE_STR("data")},
    };
    size_t header_count = sizeof header / sizeof *header; /* version 1 does not know of content */
    floe_avro_document document = {.header = header,
                                   .header_count = version_of(content) == 1 ? header_count - 1 : header_count,
                                   .schema = floe_buf_view(&avro_schema),
                                   .records = floe_buf_view(&records),
                                   .record_count = content->entry_count};
    return floe_avro_write(&document, out, err);
}
