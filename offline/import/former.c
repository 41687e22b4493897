/*
 * What was there before a commit: the former manifests, carried over as they are, or written anew without the files that
 * go, which are listed as deleted once.
 */
#include "offline/import/commit_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/manifest.h"

#include <inttypes.h>

typedef struct former_entries {
    floe_attempt *attempt;
    floe_ice_entry *entries;
    size_t count, capacity;
    size_t removed_count;
} former_entries;

static void count_removed(floe_removed *removed, const floe_ice_data_file *file) {
    removed->data_files += file->content == 0;
    removed->rows += file->content == 0 ? file->record_count : 0;
    removed->bytes += file->file_len;
    removed->delete_files += file->content != 0;
    removed->position_deletes += file->content == 1 ? file->record_count : 0;
    removed->equality_deletes += file->content == 2 ? file->record_count : 0;
}

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    former_entries *former = context;
    floe_import *import = former->attempt->import;
    bool removes = false;
    if (file->status == 2) {
        return FLOE_OK;
    }
    FLOE_TRY(import->removes ? import->removes(import->change, file, &removes, err) : FLOE_OK);
    floe_ice_entry *entry = FLOE_ARENA_PUSH(former->attempt->arena, former->entries, former->count, former->capacity);
    FLOE_TRY(floe_arena_check(former->attempt->arena, err));
    entry->file = *file;
    entry->file.status = removes ? 2 : 0;
    entry->column_sizes = file->column_sizes;
    entry->column_size_count = file->column_size_count;
    former->removed_count += removes;
    former->attempt->removed.everything = former->attempt->removed.everything && removes;
    return FLOE_OK;
}

static floe_status read_former(floe_attempt *attempt, const floe_ice_manifest *manifest, former_entries *ret_former,
                               floe_error *err) {
    *ret_former = (former_entries){.attempt = attempt};
    floe_manifest_reader reader = {.metadata = attempt->base,
                                   .stats = {.all = true},
                                   .arena = attempt->arena,
                                   .visit = visit,
                                   .context = ret_former};
    return floe_manifest_read(attempt->import->table->fs, &attempt->import->moved, manifest, &reader, err);
}

static floe_status carry(floe_attempt *attempt, const floe_ice_manifest *manifest, floe_error *err) {
    floe_ice_manifest *slot =
        FLOE_ARENA_PUSH(attempt->arena, attempt->manifests, attempt->manifest_count, attempt->manifest_capacity);
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    *slot = *manifest;
    return FLOE_OK;
}

/* The spec that all entries of a manifest have; one without entries is of any. */
static int32_t spec_of(const former_entries *former, const floe_ice_manifest *manifest) {
    return manifest->spec_id >= 0 || former->count == 0 ? manifest->spec_id : former->entries[0].file.spec_id;
}

static floe_status rewrite(floe_attempt *attempt, const floe_ice_manifest *manifest, const former_entries *former,
                           floe_error *err) {
    const floe_ice_spec *spec = floe_ice_spec_by_id(attempt->base, spec_of(former, manifest));
    const floe_ice_schema *schema = spec ? floe_attempt_schema_for(attempt, spec) : NULL;
    FLOE_ENSURE(schema, err, FLOE_CORRUPT, "%.*s: its partition spec %" PRId32 " is not in the metadata",
                FLOE_STR_ARG(manifest->path), spec_of(former, manifest));
    for (size_t i = 0; i < former->count; i++) {
        if (former->entries[i].file.status == 2) {
            count_removed(&attempt->removed, &former->entries[i].file);
        }
    }
    floe_ice_manifest_content content = {.content = manifest->content,
                                         .schema = schema,
                                         .spec = spec,
                                         .entries = former->entries,
                                         .entry_count = former->count};
    return floe_attempt_write_manifest(attempt, &content, err);
}

/* A snapshot of version 1 that names its manifests says neither their specs nor their counts, and a list of version 1 may
 * leave counts out; later versions ask for them. */
static bool must_be_counted(const floe_ice_manifest *manifest) {
    return manifest->spec_id < 0 || manifest->added_files < 0 || manifest->existing_files < 0 ||
           manifest->added_rows < 0 || manifest->existing_rows < 0 || manifest->deleted_files < 0 ||
           manifest->deleted_rows < 0;
}

static floe_status carry_counted(floe_attempt *attempt, const floe_ice_manifest *manifest, const former_entries *former,
                                 floe_error *err) {
    const char *local = NULL;
    uint64_t len = 0;
    floe_ice_manifest whole = *manifest;
    FLOE_TRY(floe_import_local(attempt->import, manifest->path, &local, err));
    FLOE_TRY(floe_file_len(local, &len, err));
    whole.spec_id = spec_of(former, manifest) < 0 ? 0 : spec_of(former, manifest);
    whole.length = (int64_t)len;
    whole.added_snapshot_id = manifest->spec_id < 0 ? attempt->base->current_snapshot_id : manifest->added_snapshot_id;
    whole.added_files = whole.deleted_files = whole.added_rows = whole.deleted_rows = 0;
    whole.existing_files = (int64_t)former->count;
    whole.existing_rows = 0;
    for (size_t i = 0; i < former->count; i++) {
        whole.existing_rows += former->entries[i].file.record_count;
    }
    return carry(attempt, &whole, err);
}

static floe_status add_one(floe_attempt *attempt, const floe_ice_manifest *manifest, floe_error *err) {
    former_entries former;
    if (manifest->added_files == 0 && manifest->existing_files == 0) {
        return FLOE_OK; /* What it says was deleted is deleted for longer than one snapshot. */
    }
    if (!attempt->import->removes && !must_be_counted(manifest)) {
        attempt->removed.everything = false;
        return carry(attempt, manifest, err);
    }
    FLOE_TRY(read_former(attempt, manifest, &former, err));
    if (former.removed_count > 0) {
        return rewrite(attempt, manifest, &former, err);
    }
    if (former.count == 0) {
        return FLOE_OK;
    }
    return must_be_counted(manifest) ? carry_counted(attempt, manifest, &former, err) : carry(attempt, manifest, err);
}

floe_status floe_attempt_add_former(floe_attempt *attempt, floe_error *err) {
    const floe_ice_snapshot *snapshot =
        attempt->base ? floe_ice_snapshot_by_id(attempt->base, attempt->base->current_snapshot_id) : NULL;
    const floe_ice_manifest *former = NULL;
    size_t count = 0;
    attempt->removed = (floe_removed){.everything = true};
    if (!snapshot) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_manifest_list_read(attempt->import->table->fs, &attempt->import->moved, snapshot, attempt->arena,
                                     &former, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(add_one(attempt, &former[i], err));
    }
    return FLOE_OK;
}
