/*
 * Manifest lists: the manifests of one snapshot, with counts and partition summaries, so that a reader can leave a
 * manifest closed.
 * Source: Iceberg table spec, "Manifest Lists" (field ids), "field_summary".
 */
#include "offline/iceberg/write/write.h"
#include "offline/iceberg/write/avro.h"

#include "core/limits.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- summaries ---- */

static floe_status bound_bytes(const floe_value *value, bool upper, floe_arena *arena, floe_str *ret_bytes,
                               floe_error *err) {
    FLOE_AUTO_BUF bytes;
    bool any = false;
    floe_buf_init(&bytes, FLOE_MIB(1));
    FLOE_TRY(upper ? floe_ice_write_upper(value, &bytes, &any, err) : floe_ice_write_lower(value, &bytes, &any, err));
    if (any) {
        floe_str copy = {floe_arena_strndup(arena, floe_buf_view(&bytes).ptr, bytes.len), bytes.len};
        *ret_bytes = copy;
    }
    return floe_arena_check(arena, err);
}

static bool is_nan(const floe_value *value) {
    bool real = value->type.kind == FLOE_KIND_FLOAT || value->type.kind == FLOE_KIND_DOUBLE;
    return real && isnan(value->as.real);
}

static floe_status summarise(const floe_ice_manifest_content *content, size_t field, floe_arena *arena,
                             floe_ice_partition_summary *ret_summary, floe_error *err) {
    const floe_value *low = NULL;
    const floe_value *high = NULL;
    for (size_t i = 0; i < content->entry_count; i++) {
        const floe_value *value = &content->entries[i].file.partition[field];
        if (value->is_null) {
            ret_summary->contains_null = true;
        } else if (is_nan(value)) {
            ret_summary->contains_nan = 1;
        } else {
            low = !low || floe_value_compare(value, low) < 0 ? value : low;
            high = !high || floe_value_compare(value, high) > 0 ? value : high;
        }
    }
    if (low) {
        FLOE_TRY(bound_bytes(low, false, arena, &ret_summary->lower, err));
        FLOE_TRY(bound_bytes(high, true, arena, &ret_summary->upper, err));
    }
    return FLOE_OK;
}

static void count_entries(const floe_ice_manifest_content *content, floe_ice_manifest *manifest) {
    for (size_t i = 0; i < content->entry_count; i++) {
        const floe_ice_data_file *file = &content->entries[i].file;
        manifest->added_files += file->status == 1;
        manifest->added_rows += file->status == 1 ? file->record_count : 0;
        manifest->deleted_files += file->status == 2;
        manifest->deleted_rows += file->status == 2 ? file->record_count : 0;
        manifest->existing_files += file->status == 0;
        manifest->existing_rows += file->status == 0 ? file->record_count : 0;
        bool inherits = file->status == 1 && !content->entries[i].keeps_sequence;
        if (!inherits && file->status != 2 && file->sequence_number < manifest->min_sequence_number) {
            manifest->min_sequence_number = file->sequence_number;
        }
    }
}

floe_status floe_ice_manifest_describe(const floe_ice_manifest_content *content, int64_t sequence_number,
                                       floe_arena *arena, floe_ice_manifest *ret_manifest, floe_error *err) {
    size_t count = content->spec->field_count;
    floe_ice_partition_summary *summaries = floe_arena_alloc(arena, count, sizeof *summaries);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(summarise(content, i, arena, &summaries[i], err));
    }
    *ret_manifest = (floe_ice_manifest){.spec_id = content->spec->spec_id,
                                        .content = content->content,
                                        .first_row_id = -1,
                                        .sequence_number = sequence_number,
                                        .min_sequence_number = sequence_number,
                                        .added_snapshot_id = content->snapshot_id,
                                        .partitions = summaries,
                                        .partition_count = count};
    count_entries(content, ret_manifest);
    return FLOE_OK;
}

/* ---- the file ---- */

static const char LIST_BEGIN[] = "{\"type\":\"record\",\"name\":\"manifest_file\",\"fields\":["
                                 "{\"name\":\"manifest_path\",\"type\":\"string\",\"field-id\":500},"
                                 "{\"name\":\"manifest_length\",\"type\":\"long\",\"field-id\":501},"
                                 "{\"name\":\"partition_spec_id\",\"type\":\"int\",\"field-id\":502},";
static const char LIST_NUMBERED[] = /* from version 2 on */
    "{\"name\":\"content\",\"type\":\"int\",\"field-id\":517},"
    "{\"name\":\"sequence_number\",\"type\":\"long\",\"field-id\":515},"
    "{\"name\":\"min_sequence_number\",\"type\":\"long\",\"field-id\":516},";
static const char LIST_COUNTS[] =
    "{\"name\":\"added_snapshot_id\",\"type\":\"long\",\"field-id\":503},"
    "{\"name\":\"added_files_count\",\"type\":\"int\",\"field-id\":504},"
    "{\"name\":\"existing_files_count\",\"type\":\"int\",\"field-id\":505},"
    "{\"name\":\"deleted_files_count\",\"type\":\"int\",\"field-id\":506},"
    "{\"name\":\"added_rows_count\",\"type\":\"long\",\"field-id\":512},"
    "{\"name\":\"existing_rows_count\",\"type\":\"long\",\"field-id\":513},"
    "{\"name\":\"deleted_rows_count\",\"type\":\"long\",\"field-id\":514},"
    "{\"name\":\"partitions\",\"default\":null,\"field-id\":507,\"type\":[\"null\",{\"type\":\"array\",\"element-id\":"
    "508,"
    "\"items\":{\"type\":\"record\",\"name\":\"r508\",\"fields\":["
    "{\"name\":\"contains_null\",\"type\":\"boolean\",\"field-id\":509},"
    "{\"name\":\"contains_nan\",\"type\":[\"null\",\"boolean\"],\"default\":null,\"field-id\":518},"
    "{\"name\":\"lower_bound\",\"type\":[\"null\",\"bytes\"],\"default\":null,\"field-id\":510},"
    "{\"name\":\"upper_bound\",\"type\":[\"null\",\"bytes\"],\"default\":null,\"field-id\":511}]}}]}";
static const char LIST_ROW_IDS[] = /* from version 3 on */
    ",{\"name\":\"first_row_id\",\"type\":[\"null\",\"long\"],\"default\":null,\"field-id\":520}";

static void put_bound(floe_buf *out, floe_str bytes) {
    floe_avro_put_present(out, bytes.ptr != NULL);
    if (bytes.ptr) {
        floe_avro_put_bytes(out, bytes);
    }
}

static void put_summaries(floe_buf *out, const floe_ice_manifest *manifest) {
    floe_avro_put_present(out, manifest->partition_count > 0);
    if (manifest->partition_count == 0) {
        return;
    }
    floe_avro_begin_items(out, manifest->partition_count);
    for (size_t i = 0; i < manifest->partition_count; i++) {
        const floe_ice_partition_summary *summary = &manifest->partitions[i];
        floe_avro_put_bool(out, summary->contains_null);
        floe_avro_put_present(out, summary->contains_nan >= 0);
        if (summary->contains_nan >= 0) {
            floe_avro_put_bool(out, summary->contains_nan > 0);
        }
        put_bound(out, summary->lower);
        put_bound(out, summary->upper);
    }
    floe_avro_end_items(out, manifest->partition_count);
}

/* A count that an older writer left out. The spec has readers take that for "some", which a writer of version 2, whose
 * counts are required, can only say with a number. */
static int64_t known(int64_t count) {
    return count < 0 ? 1 : count;
}

static void put_manifest(floe_buf *out, const floe_ice_manifest *manifest, int version) {
    floe_avro_put_bytes(out, manifest->path);
    floe_avro_put_long(out, manifest->length);
    floe_avro_put_long(out, manifest->spec_id);
    if (version > 1) {
        floe_avro_put_long(out, manifest->content);
        floe_avro_put_long(out, manifest->sequence_number);
        floe_avro_put_long(out, manifest->min_sequence_number);
    }
    floe_avro_put_long(out, manifest->added_snapshot_id);
    floe_avro_put_long(out, known(manifest->added_files));
    floe_avro_put_long(out, known(manifest->existing_files));
    floe_avro_put_long(out, known(manifest->deleted_files));
    floe_avro_put_long(out, known(manifest->added_rows));
    floe_avro_put_long(out, known(manifest->existing_rows));
    floe_avro_put_long(out, known(manifest->deleted_rows));
    put_summaries(out, manifest);
    if (version > 2) {
        bool has_row_ids = manifest->content == 0 && manifest->first_row_id >= 0;
        floe_avro_put_present(out, has_row_ids);
        if (has_row_ids) {
            floe_avro_put_long(out, manifest->first_row_id);
        }
    }
}

floe_status floe_ice_assign_row_ids(floe_ice_manifest *manifests, size_t count, int64_t *next_row_id, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        floe_ice_manifest *manifest = &manifests[i];
        if (manifest->content != 0 || manifest->first_row_id >= 0) {
            continue;
        }
        FLOE_ENSURE(manifest->added_rows >= 0 && manifest->existing_rows >= 0, err, FLOE_UNSUPPORTED,
                    "the manifest %.*s was listed without counts of its rows, so that they cannot be given row ids",
                    FLOE_STR_ARG(manifest->path));
        manifest->first_row_id = *next_row_id;
        bool overflow = __builtin_add_overflow(*next_row_id, manifest->added_rows, next_row_id) ||
                        __builtin_add_overflow(*next_row_id, manifest->existing_rows, next_row_id);
        FLOE_ENSURE(!overflow, err, FLOE_LIMIT, "the table's row ids pass int64");
    }
    return FLOE_OK;
}

static floe_status put_manifests(const floe_ice_manifest_list *list, int version, floe_buf *out, floe_error *err) {
    for (size_t i = 0; i < list->manifest_count; i++) {
        FLOE_ENSURE(!list->manifests[i].encrypted, err, FLOE_UNSUPPORTED, "manifest %.*s is encrypted",
                    FLOE_STR_ARG(list->manifests[i].path));
        put_manifest(out, &list->manifests[i], version);
    }
    return floe_buf_check(out, err);
}

floe_status floe_ice_write_manifest_list(const floe_ice_manifest_list *list, floe_buf *out, floe_error *err) {
    char snapshot[24], parent[24], sequence[24], number[16];
    int version = list->format_version ? list->format_version : 2;
    snprintf(number, sizeof number, "%d", version);
    snprintf(snapshot, sizeof snapshot, "%" PRId64, list->snapshot_id);
    snprintf(parent, sizeof parent, "%" PRId64, list->parent_id);
    snprintf(sequence, sizeof sequence, "%" PRId64, list->sequence_number);
    FLOE_AUTO_BUF records, schema;
    floe_buf_init(&records, FLOE_LIMIT_MANIFEST_BYTES);
    floe_buf_init(&schema, FLOE_MIB(1));
    FLOE_TRY(put_manifests(list, version, &records, err));
    floe_buf_printf(&schema, "%s%s%s%s]}", LIST_BEGIN, version > 1 ? LIST_NUMBERED : "", LIST_COUNTS,
                    version > 2 ? LIST_ROW_IDS : "");
    FLOE_TRY(floe_buf_check(&schema, err));
    const floe_avro_header_item header[] = {
        {"snapshot-id", floe_str_of(snapshot)},
        {"parent-snapshot-id", list->parent_id < 0 ? FLOE_STR("null") : floe_str_of(parent)},
        {"format-version", floe_str_of(number)},
        {"sequence-number", floe_str_of(sequence)},
    };
    size_t header_count = sizeof header / sizeof *header; /* version 1 does not know of sequence numbers */
    floe_avro_document document = {.header = header,
                                   .header_count = version == 1 ? header_count - 1 : header_count,
                                   .schema = floe_buf_view(&schema),
                                   .records = floe_buf_view(&records),
                                   .record_count = list->manifest_count};
    return floe_avro_write(&document, out, err);
}
