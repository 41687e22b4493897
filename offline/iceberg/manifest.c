/*
 * Manifests: the entries that name data and delete files.
 *
 * An entry is decoded into one struct on the stack; the visitor copies what it keeps. Counts and bounds of columns that
 * nobody asked for are skipped in the bytes, which for wide tables is most of the work.
 */
#include "offline/iceberg/manifest.h"

#include "core/json.h"
#include "core/limits.h"
#include "offline/iceberg/avro/avro.h"
#include "offline/iceberg/corrupt.h"
#include "offline/iceberg/metadata.h"

#include <inttypes.h>

#define AT(member) offsetof(floe_ice_data_file, member)
#define COUNT(member) offsetof(floe_ice_count_entry, member)
#define BYTES(member) offsetof(floe_ice_bytes_entry, member)
#define COUNT_PARTS(name, key_id, value_id)                                                                            \
    static const floe_avro_target name[] = {FLOE_AVRO_NEEDED(key_id, "key", I32, COUNT(field_id)),                     \
                                            FLOE_AVRO_NEEDED(value_id, "value", I64, COUNT(count))}
#define BYTES_PARTS(name, key_id, value_id)                                                                            \
    static const floe_avro_target name[] = {FLOE_AVRO_NEEDED(key_id, "key", I32, BYTES(field_id)),                     \
                                            FLOE_AVRO_NEEDED(value_id, "value", STR, BYTES(bytes))}
#define COUNTS(id, name, member, counter, parts)                                                                       \
    FLOE_AVRO_LIST(id, name, AT(member), AT(counter), floe_ice_count_entry, parts, true)
#define BOUNDS(id, name, member, counter, parts)                                                                       \
    FLOE_AVRO_LIST(id, name, AT(member), AT(counter), floe_ice_bytes_entry, parts, true)

/* Maps with integer keys are arrays of key and value records. */
COUNT_PARTS(SIZE_PARTS, 117, 118);
COUNT_PARTS(VALUE_COUNT_PARTS, 119, 120);
COUNT_PARTS(NULL_COUNT_PARTS, 121, 122);
COUNT_PARTS(NAN_COUNT_PARTS, 138, 139);
BYTES_PARTS(LOWER_PARTS, 126, 127);
BYTES_PARTS(UPPER_PARTS, 129, 130);

/* The last one only matters to who writes entries again, the one before it only to columns of reals. */
static const floe_avro_target FILE_TARGETS[] = {
    FLOE_AVRO_FIELD(134, "content", I32, AT(content)),
    FLOE_AVRO_NEEDED(100, "file_path", STR, AT(path)),
    FLOE_AVRO_NEEDED(101, "file_format", STR, AT(format)),
    FLOE_AVRO_FIELD(102, "partition", VALUES, AT(partition)),
    FLOE_AVRO_NEEDED(103, "record_count", I64, AT(record_count)),
    FLOE_AVRO_NEEDED(104, "file_size_in_bytes", I64, AT(file_len)),
    COUNTS(109, "value_counts", value_counts, value_count_count, VALUE_COUNT_PARTS),
    COUNTS(110, "null_value_counts", null_counts, null_count_count, NULL_COUNT_PARTS),
    BOUNDS(125, "lower_bounds", lower_bounds, lower_count, LOWER_PARTS),
    BOUNDS(128, "upper_bounds", upper_bounds, upper_count, UPPER_PARTS),
    FLOE_AVRO_FIELD(131, "key_metadata", PRESENT, AT(encrypted)),
    FLOE_AVRO_FIELD(140, "sort_order_id", I32, AT(sort_order_id)),
    FLOE_AVRO_FIELD(142, "first_row_id", I64, AT(first_row_id)),
    FLOE_AVRO_FIELD(143, "referenced_data_file", STR, AT(referenced_path)),
    FLOE_AVRO_FIELD(144, "content_offset", I64, AT(content_offset)),
    FLOE_AVRO_FIELD(145, "content_size_in_bytes", I64, AT(content_len)),
    {.field_id = 135,
     .name = "equality_ids",
     .want = FLOE_AVRO_WANT_I32_LIST,
     .offset = AT(equality_ids),
     .count_offset = AT(equality_id_count)},
    COUNTS(137, "nan_value_counts", nan_counts, nan_count_count, NAN_COUNT_PARTS),
    COUNTS(108, "column_sizes", column_sizes, column_size_count, SIZE_PARTS),
};

#define ENTRY_TARGETS(count)                                                                                           \
    FLOE_AVRO_NEEDED(0, "status", I32, AT(status)), FLOE_AVRO_FIELD(1, "snapshot_id", I64, AT(snapshot_id)),           \
        FLOE_AVRO_FIELD(3, "sequence_number", I64, AT(sequence_number)),                                               \
        FLOE_AVRO_FIELD(4, "file_sequence_number", I64, AT(file_sequence_number)), {                                   \
        .field_id = 2, .name = "data_file", .want = FLOE_AVRO_WANT_RECORD, .needed = true, .children = FILE_TARGETS,   \
        .child_count = (count)                                                                                         \
    }
enum { FILE_TARGET_COUNT = sizeof(FILE_TARGETS) / sizeof(FILE_TARGETS[0]) };
static const floe_avro_target TARGETS[] = {ENTRY_TARGETS(FILE_TARGET_COUNT - 1)};
static const floe_avro_target FEW_TARGETS[] = {ENTRY_TARGETS(FILE_TARGET_COUNT - 2)};
static const floe_avro_target WHOLE_TARGETS[] = {ENTRY_TARGETS(FILE_TARGET_COUNT)};

enum { UNSET = -1 };

/* What of a manifest is the same for all its entries. */
typedef struct entry_rules {
    const floe_ice_manifest *manifest;
    floe_ice_spec spec;
    int64_t format_version; /* UNSET: the header does not say */
    int64_t next_row_id;    /* of the next data file that has none of its own; UNSET: the manifest has none */
} entry_rules;

static floe_status header_number(const floe_avro_file *file, const char *key, int64_t fallback, int64_t *ret_value,
                                 floe_error *err) {
    floe_str text = floe_avro_header(file, key);
    *ret_value = fallback;
    if (text.ptr == NULL) {
        return FLOE_OK;
    }
    return floe_as_corrupt(floe_str_to_i64(text, ret_value, err), err);
}

/* The spec of the table's metadata; the header's own copy where the metadata has lost it. */
static floe_status find_spec(const floe_avro_file *file, const floe_manifest_reader *reader, int32_t spec_id,
                             floe_ice_spec *ret_spec, floe_error *err) {
    const floe_ice_spec *known = floe_ice_spec_by_id(reader->metadata, spec_id);
    if (known != NULL) {
        *ret_spec = *known;
        return FLOE_OK;
    }
    floe_str text = floe_avro_header(file, "partition-spec");
    const floe_node *list = NULL;
    FLOE_ENSURE(text.ptr != NULL, err, FLOE_CORRUPT, "the partition spec %d is nowhere described", (int)spec_id);
    FLOE_TRY(floe_as_corrupt(floe_json_parse(reader->arena, text, &list, err), err));
    FLOE_ENSURE(list->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT, "partition-spec in the header is no list");
    ret_spec->spec_id = spec_id;
    return floe_as_corrupt(floe_ice_spec_fields_decode(list, reader->arena, ret_spec, err), err);
}

static floe_status read_rules(const floe_avro_file *file, const floe_ice_manifest *manifest,
                              const floe_manifest_reader *reader, entry_rules *ret_rules, floe_error *err) {
    int64_t spec_id = manifest->spec_id;
    ret_rules->manifest = manifest;
    ret_rules->next_row_id = manifest->content == 0 ? manifest->first_row_id : UNSET;
    FLOE_TRY(header_number(file, "format-version", UNSET, &ret_rules->format_version, err));
    if (spec_id < 0) {
        FLOE_TRY(header_number(file, "partition-spec-id", 0, &spec_id, err));
        FLOE_ENSURE(spec_id >= 0 && spec_id <= INT32_MAX, err, FLOE_CORRUPT, "the header has the spec id %" PRId64,
                    spec_id);
    }
    return find_spec(file, reader, (int32_t)spec_id, &ret_rules->spec, err);
}

static floe_status inherit(const entry_rules *rules, floe_ice_data_file *file, floe_error *err) {
    const floe_ice_manifest *manifest = rules->manifest;
    bool added = file->status == 1;
    if (file->snapshot_id == UNSET) {
        file->snapshot_id = manifest->added_snapshot_id;
    }
    if (rules->format_version == 1) {
        file->sequence_number = 0;
        file->file_sequence_number = 0;
        return FLOE_OK;
    }
    /* Only what a manifest adds may inherit its number. What was written before there were numbers has 0. */
    bool numbered = rules->format_version >= 2 && manifest->sequence_number > 0;
    FLOE_ENSURE(file->sequence_number != UNSET || file->status != 0 || !numbered, err, FLOE_CORRUPT,
                "the file %.*s is listed as existing but has no sequence number", FLOE_STR_BRIEF(file->path));
    if (file->sequence_number == UNSET) {
        file->sequence_number = added ? manifest->sequence_number : 0;
    }
    if (file->file_sequence_number == UNSET) {
        file->file_sequence_number = added ? manifest->sequence_number : 0;
    }
    return FLOE_OK;
}

/* Files that were deleted take none of the manifest's row ids, as its first_row_id is given out for the rows that it adds
 * and keeps. */
static floe_status inherit_row_id(entry_rules *rules, floe_ice_data_file *file, floe_error *err) {
    if (rules->next_row_id == UNSET || file->content != 0) {
        file->first_row_id = UNSET;
    } else if (file->first_row_id == UNSET && file->status != 2) {
        file->first_row_id = rules->next_row_id;
        bool overflow = __builtin_add_overflow(rules->next_row_id, file->record_count, &rules->next_row_id);
        FLOE_ENSURE(!overflow, err, FLOE_CORRUPT, "the row ids of the file %.*s pass int64",
                    FLOE_STR_BRIEF(file->path));
    }
    FLOE_ENSURE(file->first_row_id >= UNSET, err, FLOE_CORRUPT, "the file %.*s has the first row id %" PRId64,
                FLOE_STR_BRIEF(file->path), file->first_row_id);
    return FLOE_OK;
}

/* No file is that large; sums over the files of a table stay within int64. */
#define ROWS_OF_A_FILE_MAX (INT64_C(1) << 40)
#define BYTES_OF_A_FILE_MAX (INT64_C(1) << 50)

static floe_status check_entry(const floe_ice_data_file *file, floe_error *err) {
    FLOE_ENSURE(file->status >= 0 && file->status <= 2, err, FLOE_CORRUPT, "the file %.*s has the status %d",
                FLOE_STR_BRIEF(file->path), file->status);
    FLOE_ENSURE(file->content >= 0 && file->content <= 2, err, FLOE_CORRUPT, "the file %.*s has the content %d",
                FLOE_STR_BRIEF(file->path), file->content);
    bool rows_fit = file->record_count >= 0 && file->record_count <= ROWS_OF_A_FILE_MAX;
    bool bytes_fit = file->file_len >= 0 && file->file_len <= BYTES_OF_A_FILE_MAX;
    FLOE_ENSURE(rows_fit && bytes_fit, err, FLOE_CORRUPT,
                "the file %.*s is said to hold %" PRId64 " rows in %" PRId64 " bytes", FLOE_STR_BRIEF(file->path),
                file->record_count, file->file_len);
    return FLOE_OK;
}

static floe_status visit_all(floe_avro_decoder *decoder, entry_rules *rules, const floe_manifest_reader *reader,
                             floe_error *err) {
    for (;;) {
        floe_ice_data_file file;
        bool more = false;
        FLOE_TRY(floe_avro_next(decoder, &file, &more, err));
        if (!more) {
            return FLOE_OK;
        }
        floe_status status = check_entry(&file, err);
        if (!floe_failed(status)) {
            status = inherit(rules, &file, err);
        }
        if (!floe_failed(status)) {
            status = inherit_row_id(rules, &file, err);
        }
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "%.*s", FLOE_STR_ARG(decoder->file->name));
        }
        FLOE_TRY(reader->visit(reader->context, &file, err));
    }
}

static floe_status spec_columns(const floe_ice_spec *spec, floe_arena *arena, floe_avro_options *options,
                                floe_error *err) {
    int32_t *ids = floe_arena_alloc(arena, spec->field_count + 1, sizeof(*ids));
    floe_str *names = floe_arena_alloc(arena, spec->field_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < spec->field_count; i++) {
        ids[i] = spec->fields[i].field_id;
        names[i] = spec->fields[i].name;
    }
    options->value_ids = ids;
    options->value_names = names;
    options->value_count = spec->field_count;
    return FLOE_OK;
}

floe_status floe_manifest_decode(const floe_ice_manifest *manifest, floe_str bytes, const floe_manifest_reader *reader,
                                 floe_error *err) {
    floe_avro_file file;
    floe_avro_decoder decoder;
    entry_rules rules = {0};
    FLOE_TRY(floe_avro_open_again(manifest->path, bytes, reader->memory, reader->arena, &file, err));
    floe_status status = read_rules(&file, manifest, reader, &rules, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%.*s", FLOE_STR_ARG(manifest->path));
    }
    const floe_ice_data_file empty = {
        .snapshot_id = UNSET,
        .sequence_number = UNSET,
        .file_sequence_number = UNSET,
        .sort_order_id = UNSET,
        .first_row_id = UNSET,
        .content_offset = UNSET,
        .content_len = UNSET,
        .spec_id = rules.spec.spec_id,
        .partition_count = rules.spec.field_count,
    };
    floe_avro_options options = {.defaults = &empty,
                                 .record_len = sizeof(empty),
                                 .keep_all = reader->stats.all,
                                 .keep_ids = reader->stats.field_ids,
                                 .keep_count = reader->stats.field_count};
    FLOE_TRY(spec_columns(&rules.spec, reader->arena, &options, err));
    const floe_avro_target *targets = reader->stats.all ? WHOLE_TARGETS : reader->stats.no_nans ? FEW_TARGETS : TARGETS;
    FLOE_TRY(floe_avro_compile(&file, targets, sizeof(TARGETS) / sizeof(TARGETS[0]), &options, &decoder, err));
    return visit_all(&decoder, &rules, reader, err);
}

floe_status floe_manifest_read(floe_fs *fs, const floe_moved *moved, const floe_ice_manifest *manifest,
                               const floe_manifest_reader *reader, floe_error *err) {
    floe_str bytes = {0};
    FLOE_ENSURE(!manifest->encrypted, err, FLOE_UNSUPPORTED, "the manifest %.*s is encrypted",
                FLOE_STR_BRIEF(manifest->path));
    floe_status status =
        floe_fs_read_moved(fs, moved, manifest->path, FLOE_LIMIT_MANIFEST_BYTES, reader->arena, NULL, &bytes, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "a manifest");
    }
    status = floe_manifest_decode(manifest, bytes, reader, err);
    return status.code == FLOE_CORRUPT
               ? floe_error_prefix(err, status, "a manifest is damaged (" FLOE_CORRUPT_ADVICE ")")
               : status;
}
