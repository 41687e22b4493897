/*
 * Manifest lists, and the manifests of version 1 snapshots that have no list.
 */
#include "offline/iceberg/manifest.h"

#include "core/limits.h"
#include "offline/iceberg/avro/avro.h"
#include "offline/iceberg/corrupt.h"

#define AT(member) offsetof(floe_ice_manifest, member)
#define PART(member) offsetof(floe_ice_partition_summary, member)

static const floe_avro_target SUMMARY_TARGETS[] = {
    FLOE_AVRO_NEEDED(509, "contains_null", BOOL, PART(contains_null)),
    FLOE_AVRO_FIELD(518, "contains_nan", TRUTH, PART(contains_nan)),
    FLOE_AVRO_FIELD(510, "lower_bound", STR, PART(lower)),
    FLOE_AVRO_FIELD(511, "upper_bound", STR, PART(upper)),
};

/* Fields of version 2 are optional: a version 1 writer's list may be in a version 2 table. */
static const floe_avro_target TARGETS[] = {
    FLOE_AVRO_NEEDED(500, "manifest_path", STR, AT(path)),
    FLOE_AVRO_NEEDED(501, "manifest_length", I64, AT(length)),
    FLOE_AVRO_NEEDED(502, "partition_spec_id", I32, AT(spec_id)),
    FLOE_AVRO_FIELD(517, "content", I32, AT(content)),
    FLOE_AVRO_FIELD(515, "sequence_number", I64, AT(sequence_number)),
    FLOE_AVRO_FIELD(516, "min_sequence_number", I64, AT(min_sequence_number)),
    FLOE_AVRO_FIELD(503, "added_snapshot_id", I64, AT(added_snapshot_id)),
    FLOE_AVRO_FIELD(504, "added_files_count", I64, AT(added_files)),
    FLOE_AVRO_FIELD(505, "existing_files_count", I64, AT(existing_files)),
    FLOE_AVRO_FIELD(506, "deleted_files_count", I64, AT(deleted_files)),
    FLOE_AVRO_FIELD(512, "added_rows_count", I64, AT(added_rows)),
    FLOE_AVRO_FIELD(513, "existing_rows_count", I64, AT(existing_rows)),
    FLOE_AVRO_FIELD(514, "deleted_rows_count", I64, AT(deleted_rows)),
    FLOE_AVRO_LIST(507, "partitions", AT(partitions), AT(partition_count), floe_ice_partition_summary, SUMMARY_TARGETS,
                   false),
    FLOE_AVRO_FIELD(519, "key_metadata", PRESENT, AT(encrypted)),
    FLOE_AVRO_FIELD(520, "first_row_id", I64, AT(first_row_id)),
};

static const floe_ice_manifest EMPTY = {
    .added_snapshot_id = -1,
    .added_files = -1,
    .existing_files = -1,
    .deleted_files = -1,
    .added_rows = -1,
    .existing_rows = -1,
    .deleted_rows = -1,
    .first_row_id = -1,
};

static floe_status finish(floe_ice_manifest *manifest, floe_str name, floe_error *err) {
    FLOE_ENSURE(manifest->content == 0 || manifest->content == 1, err, FLOE_CORRUPT,
                "%.*s: the manifest %.*s has the content %d", FLOE_STR_ARG(name), FLOE_STR_BRIEF(manifest->path),
                manifest->content);
    floe_ice_partition_summary *summaries = (floe_ice_partition_summary *)(uintptr_t)manifest->partitions;
    for (size_t i = 0; i < manifest->partition_count; i++) {
        summaries[i].contains_nan--; /* from "0 null, 1 false, 2 true" to the model's -1, 0, 1 */
    }
    return FLOE_OK;
}

floe_status floe_manifest_list_decode(floe_str name, floe_str bytes, floe_arena *arena,
                                      const floe_ice_manifest **ret_manifests, size_t *ret_count, floe_error *err) {
    static const floe_avro_options OPTIONS = {.defaults = &EMPTY, .record_len = sizeof(EMPTY)};
    floe_avro_file file;
    floe_avro_decoder decoder;
    FLOE_TRY(floe_avro_open(name, bytes, arena, &file, err));
    FLOE_TRY(floe_avro_compile(&file, TARGETS, sizeof(TARGETS) / sizeof(TARGETS[0]), &OPTIONS, &decoder, err));
    floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        floe_ice_manifest next;
        bool more = false;
        FLOE_TRY(floe_avro_next(&decoder, &next, &more, err));
        if (!more) {
            break;
        }
        FLOE_TRY(finish(&next, name, err));
        floe_ice_manifest *slot = FLOE_ARENA_PUSH(arena, manifests, count, capacity);
        if (slot == NULL) {
            return floe_arena_check(arena, err);
        }
        *slot = next;
    }
    *ret_manifests = manifests;
    *ret_count = count;
    return FLOE_OK;
}

static floe_status from_paths(const floe_ice_snapshot *snapshot, floe_arena *arena,
                              const floe_ice_manifest **ret_manifests, size_t *ret_count, floe_error *err) {
    floe_ice_manifest *manifests = floe_arena_alloc(arena, snapshot->manifest_count + 1, sizeof(*manifests));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < snapshot->manifest_count; i++) {
        manifests[i] = EMPTY;
        manifests[i].path = snapshot->manifests[i];
        manifests[i].spec_id = -1;
        manifests[i].added_snapshot_id = snapshot->snapshot_id;
    }
    *ret_manifests = manifests;
    *ret_count = snapshot->manifest_count;
    return FLOE_OK;
}

floe_status floe_manifest_list_read(floe_fs *fs, const floe_moved *moved, const floe_ice_snapshot *snapshot,
                                    floe_arena *arena, const floe_ice_manifest **ret_manifests, size_t *ret_count,
                                    floe_error *err) {
    if (snapshot->manifest_list.len == 0) {
        return from_paths(snapshot, arena, ret_manifests, ret_count, err);
    }
    const char *path = NULL;
    floe_str bytes = {0};
    floe_status status =
        floe_fs_read_moved(fs, moved, snapshot->manifest_list, FLOE_LIMIT_MANIFEST_BYTES, arena, &path, &bytes, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the manifest list of snapshot %lld", (long long)snapshot->snapshot_id);
    }
    status = floe_manifest_list_decode(floe_str_of(path), bytes, arena, ret_manifests, ret_count, err);
    return status.code == FLOE_CORRUPT
               ? floe_error_prefix(err, status,
                                   "the manifest list of snapshot %lld is damaged (" FLOE_CORRUPT_ADVICE ")",
                                   (long long)snapshot->snapshot_id)
               : status;
}
