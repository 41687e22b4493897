/*
 * From written data files to a snapshot.
 *
 * Each attempt starts from the table as it is then: an append carries the newest manifests over, a replacement marks what
 * is there then as deleted. The manifest of the new files does not depend on that (its sequence number is inherited), yet
 * it is written anew each time, since it names the snapshot. Between attempts nothing of a lost one is left.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/iceberg/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define COMMIT_ATTEMPTS 20

typedef struct attempt {
    floe_import *import;
    const floe_ice_metadata *base; /* NULL: create */
    const char *base_path;         /* local */
    floe_arena *arena;
    int number;
    int64_t snapshot_id, sequence_number;
    floe_ice_manifest *manifests;
    size_t manifest_count, manifest_capacity;
    size_t manifests_written;
    int64_t removed_files, removed_rows, removed_bytes;
    size_t files_before; /* of import->written: what this attempt adds comes after */
} attempt;

/* ---- writing ---- */

static floe_status write_beside(attempt *state, floe_str path, floe_str bytes, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_import_local(state->import, path, &local, err));
    floe_import_will_write(state->import, local);
    FLOE_TRY(floe_arena_check(state->import->arena, err));
    FLOE_TRY(floe_file_mkdirs(floe_path_dirname(state->import->arena, local), err));
    return floe_file_write(local, bytes, true, err);
}

static floe_status add_manifest(attempt *state, const floe_ice_manifest_content *content, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_ice_manifest manifest;
    floe_buf_init(&bytes, FLOE_LIMIT_MANIFEST_BYTES);
    FLOE_TRY(floe_ice_write_manifest(content, &bytes, err));
    FLOE_TRY(floe_ice_manifest_describe(content, state->sequence_number, state->arena, &manifest, err));
    manifest.path = floe_str_of(floe_arena_printf(state->arena, "%.*s/metadata/%s-%d-m%zu.avro",
                                                  FLOE_STR_ARG(state->import->location), state->import->uuid,
                                                  state->number, state->manifests_written++));
    manifest.length = (int64_t)bytes.len;
    FLOE_TRY(floe_arena_check(state->arena, err));
    FLOE_TRY(write_beside(state, manifest.path, floe_buf_view(&bytes), err));
    floe_ice_manifest *slot =
        FLOE_ARENA_PUSH(state->arena, state->manifests, state->manifest_count, state->manifest_capacity);
    FLOE_TRY(floe_arena_check(state->arena, err));
    *slot = manifest;
    return FLOE_OK;
}

static floe_status add_new_files(attempt *state, floe_error *err) {
    const floe_import *import = state->import;
    if (import->entry_count == 0) {
        return FLOE_OK;
    }
    floe_ice_manifest_content content = {.schema = &import->schema,
                                         .spec = &import->spec,
                                         .snapshot_id = state->snapshot_id,
                                         .entries = import->entries,
                                         .entry_count = import->entry_count};
    return add_manifest(state, &content, err);
}

/* ---- what was there ---- */

typedef struct removal {
    attempt *state;
    floe_ice_entry *entries;
    size_t count, capacity;
} removal;

static floe_status visit_removed(void *context, const floe_ice_data_file *file, floe_error *err) {
    removal *removed = context;
    if (file->status == 2) {
        return FLOE_OK;
    }
    floe_ice_entry *entry = FLOE_ARENA_PUSH(removed->state->arena, removed->entries, removed->count, removed->capacity);
    FLOE_TRY(floe_arena_check(removed->state->arena, err));
    entry->file = *file;
    entry->file.status = 2;
    removed->state->removed_files++;
    removed->state->removed_rows += file->record_count;
    removed->state->removed_bytes += file->file_len;
    return FLOE_OK;
}

/* A schema of the table in which every source of the spec still is: an old spec may name a column that was dropped. */
static const floe_ice_schema *schema_for(const floe_ice_metadata *metadata, const floe_ice_spec *spec) {
    for (size_t s = metadata->schema_count; s > 0; s--) {
        const floe_ice_schema *schema = &metadata->schemas[s - 1];
        size_t found = 0;
        for (size_t i = 0; i < spec->field_count; i++) {
            found += floe_ice_field_by_id(schema, spec->fields[i].source_id) != NULL;
        }
        if (found == spec->field_count) {
            return schema;
        }
    }
    return NULL;
}

static floe_status remove_manifest(attempt *state, const floe_ice_manifest *manifest, floe_error *err) {
    removal removed = {.state = state};
    floe_manifest_reader reader = {.metadata = state->base,
                                   .stats = {.all = true},
                                   .arena = state->arena,
                                   .visit = visit_removed,
                                   .context = &removed};
    FLOE_TRY(floe_manifest_read(state->import->table->fs, &state->import->moved, manifest, &reader, err));
    const floe_ice_spec *spec = floe_ice_spec_by_id(state->base, manifest->spec_id);
    const floe_ice_schema *schema = spec ? schema_for(state->base, spec) : NULL;
    FLOE_ENSURE(schema, err, FLOE_CORRUPT, "%.*s: its partition spec %" PRId32 " is not in the metadata",
                FLOE_STR_ARG(manifest->path), manifest->spec_id);
    if (removed.count == 0) {
        return FLOE_OK;
    }
    floe_ice_manifest_content content = {.schema = schema,
                                         .spec = spec,
                                         .snapshot_id = state->snapshot_id,
                                         .entries = removed.entries,
                                         .entry_count = removed.count};
    return add_manifest(state, &content, err);
}

/* An append lists the former manifests after its own; a replacement lists the former data files as deleted, and lets
 * manifests of delete files go, which apply to nothing any more. */
static floe_status add_former(attempt *state, floe_error *err) {
    const floe_ice_snapshot *snapshot =
        state->base ? floe_ice_snapshot_by_id(state->base, state->base->current_snapshot_id) : NULL;
    const floe_ice_manifest *former = NULL;
    size_t count = 0;
    if (!snapshot) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_manifest_list_read(state->import->table->fs, &state->import->moved, snapshot, state->arena, &former,
                                     &count, err));
    for (size_t i = 0; i < count; i++) {
        if (state->import->request->mode == FLOE_IMPORT_APPEND) {
            floe_ice_manifest *slot =
                FLOE_ARENA_PUSH(state->arena, state->manifests, state->manifest_count, state->manifest_capacity);
            FLOE_TRY(floe_arena_check(state->arena, err));
            *slot = former[i];
        } else if (former[i].content == 0) {
            FLOE_TRY(remove_manifest(state, &former[i], err));
        }
    }
    return FLOE_OK;
}

/* ---- the snapshot's summary ---- */

static void sum_entries(const floe_import *import, int64_t *ret_rows, int64_t *ret_bytes) {
    *ret_rows = 0;
    *ret_bytes = 0;
    for (size_t i = 0; i < import->entry_count; i++) {
        *ret_rows += import->entries[i].file.record_count;
        *ret_bytes += import->entries[i].file.file_len;
    }
}

/* What the parent's summary says, plus; -1 where it says nothing. */
static int64_t total(const attempt *state, const char *key, int64_t added) {
    const floe_ice_snapshot *parent =
        state->base ? floe_ice_snapshot_by_id(state->base, state->base->current_snapshot_id) : NULL;
    if (!parent || state->import->request->mode != FLOE_IMPORT_APPEND) {
        return added;
    }
    const floe_node *text = parent->summary ? floe_node_get(parent->summary, key) : NULL;
    int64_t before = 0;
    if (!text || text->kind != FLOE_NODE_STRING || floe_failed(floe_str_to_i64(text->text, &before, NULL))) {
        return -1;
    }
    return before + added;
}

#define SUMMARY_ITEMS 13
static void summarise(const attempt *state, floe_ice_summary_item items[SUMMARY_ITEMS]) {
    int64_t rows = 0, bytes = 0, none = -1;
    int64_t files = (int64_t)state->import->entry_count;
    bool removed = state->removed_files > 0;
    sum_entries(state->import, &rows, &bytes);
    const floe_ice_summary_item filled[SUMMARY_ITEMS] = {
        {"added-data-files", files},
        {"added-records", rows},
        {"added-files-size", bytes},
        {"deleted-data-files", removed ? state->removed_files : none},
        {"deleted-records", removed ? state->removed_rows : none},
        {"removed-files-size", removed ? state->removed_bytes : none},
        {"changed-partition-count", state->import->spec.field_count > 0 || files == 0 ? files : 1},
        {"total-records", total(state, "total-records", rows)},
        {"total-files-size", total(state, "total-files-size", bytes)},
        {"total-data-files", total(state, "total-data-files", files)},
        {"total-delete-files", total(state, "total-delete-files", 0)},
        {"total-position-deletes", total(state, "total-position-deletes", 0)},
        {"total-equality-deletes", total(state, "total-equality-deletes", 0)},
    };
    for (size_t i = 0; i < SUMMARY_ITEMS; i++) {
        items[i] = filled[i];
    }
}

/* ---- one attempt ---- */

static floe_status write_list(attempt *state, floe_str *ret_path, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FLOE_LIMIT_MANIFEST_BYTES);
    floe_ice_manifest_list list = {.snapshot_id = state->snapshot_id,
                                   .parent_id = state->base ? state->base->current_snapshot_id : -1,
                                   .sequence_number = state->sequence_number,
                                   .manifests = state->manifests,
                                   .manifest_count = state->manifest_count};
    FLOE_TRY(floe_ice_write_manifest_list(&list, &bytes, err));
    *ret_path = floe_str_of(floe_arena_printf(state->arena, "%.*s/metadata/snap-%" PRId64 "-%d-%s.avro",
                                              FLOE_STR_ARG(state->import->location), state->snapshot_id, state->number,
                                              state->import->uuid));
    FLOE_TRY(floe_arena_check(state->arena, err));
    return write_beside(state, *ret_path, floe_buf_view(&bytes), err);
}

static floe_str base_path_of(attempt *state) {
    if (!state->base) {
        return (floe_str){0};
    }
    floe_str name = floe_path_basename(state->base_path);
    return floe_str_of(floe_arena_printf(state->arena, "%.*s/metadata/%.*s", FLOE_STR_ARG(state->import->location),
                                         FLOE_STR_ARG(name)));
}

static int64_t commit_time_ms(const floe_ice_metadata *base) {
    int64_t now_ms = floe_now_us() / 1000;
    return base && base->last_updated_ms > now_ms ? base->last_updated_ms : now_ms;
}

static floe_status write_document(attempt *state, floe_str list_path, floe_buf *out, floe_error *err) {
    const floe_import *import = state->import;
    floe_ice_summary_item summary[SUMMARY_ITEMS];
    char table_uuid[37];
    floe_import_uuid(table_uuid);
    summarise(state, summary);
    floe_ice_commit commit = {
        .base = state->base,
        .base_path = base_path_of(state),
        .table_uuid = floe_str_of(table_uuid),
        .location = import->location,
        .comment = import->comment,
        .schema = &import->schema,
        .last_column_id = import->last_column_id,
        .spec = &import->spec,
        .last_partition_id = import->last_partition_id,
        .snapshot_id = state->snapshot_id,
        .sequence_number = state->sequence_number,
        .timestamp_ms = commit_time_ms(state->base),
        .operation = import->request->mode == FLOE_IMPORT_REPLACE ? "overwrite" : "append",
        .manifest_list = list_path,
        .summary = summary,
        .summary_count = SUMMARY_ITEMS,
    };
    FLOE_TRY(floe_arena_check(state->arena, err));
    return floe_ice_write_metadata(&commit, out, err);
}

static floe_status try_commit(attempt *state, floe_import_result *ret_result, floe_error *err) {
    const floe_import *import = state->import;
    floe_str list_path;
    const char *metadata_path = NULL;
    FLOE_AUTO_BUF document;
    floe_buf_init(&document, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(add_new_files(state, err));
    FLOE_TRY(add_former(state, err));
    FLOE_TRY(write_list(state, &list_path, err));
    FLOE_TRY(write_document(state, list_path, &document, err));
    floe_catalog_commit_request request = {.namespace_name = import->namespace_name,
                                           .table = import->table_name,
                                           .base_metadata_path = state->base_path,
                                           .metadata_json = floe_buf_view(&document)};
    const atomic_bool *cancelled = import->run ? import->run->cancelled : NULL;
    FLOE_ENSURE(!cancelled || !atomic_load(cancelled), err, FLOE_CANCELLED, "cancelled");
    FLOE_TRY(floe_catalog_commit(import->catalog, &request, state->arena, &metadata_path, err));
    *ret_result = (floe_import_result){.files = (int64_t)import->entry_count, .snapshot_id = state->snapshot_id};
    sum_entries(import, &ret_result->rows, &ret_result->bytes);
    snprintf(ret_result->metadata_path, sizeof ret_result->metadata_path, "%s", metadata_path);
    return FLOE_OK;
}

static void forget_attempt(attempt *state) {
    floe_ptrs *written = &state->import->written;
    while (written->count > state->files_before) {
        FLOE_IGNORE(floe_file_remove(written->items[--written->count], NULL));
    }
}

/* The table after somebody else's commit. What was written must still fit: the ids in the files are those of the schema
 * and spec that the import started from. */
static floe_status reopen(floe_import *import, floe_error *err) {
    floe_table *newer = NULL;
    FLOE_TRY(floe_table_open(import->lake, import->request->table, NULL, NULL, &newer, err));
    const floe_ice_metadata *was = &import->table->metadata;
    const floe_ice_metadata *now = &newer->metadata;
    bool same = floe_str_equal(was->table_uuid, now->table_uuid) && was->current_schema_id == now->current_schema_id &&
                was->last_column_id == now->last_column_id && was->schema_count == now->schema_count &&
                was->default_spec_id == now->default_spec_id && was->spec_count == now->spec_count &&
                floe_str_equal(was->location, now->location);
    if (!same) {
        floe_table_close(&newer);
        return FLOE_FAIL(err, FLOE_CONFLICT,
                         "%s: schema or partitions were changed during the import; nothing was imported, try again",
                         import->request->table);
    }
    if (import->origin) {
        floe_table_close(&import->table);
    } else {
        import->origin = import->table;
    }
    import->table = newer;
    return FLOE_OK;
}

static void back_off(int number) {
    uint8_t salt = (uint8_t)floe_import_snapshot_id();
    int64_t wait_us = (INT64_C(2000) << (number < 6 ? number : 6)) + salt * INT64_C(50);
    struct timespec pause = {.tv_nsec = (long)(wait_us * 1000)};
    nanosleep(&pause, NULL);
}

static floe_status attempt_once(floe_import *import, int number, floe_import_result *ret_result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    attempt state = {.import = import,
                     .base = import->table ? &import->table->metadata : NULL,
                     .base_path = import->table ? import->table->metadata_path : NULL,
                     .arena = &arena,
                     .number = number,
                     .snapshot_id = floe_import_snapshot_id(),
                     .files_before = import->written.count};
    state.sequence_number = state.base ? state.base->last_sequence_number + 1 : 1;
    floe_status status = try_commit(&state, ret_result, err);
    if (floe_failed(status)) {
        forget_attempt(&state);
    }
    return status;
}

floe_status floe_import_commit(floe_import *import, floe_import_result *ret_result, floe_error *err) {
    floe_import_progress(import, "committing", -1);
    for (int number = 0;; number++) {
        floe_error failure = {0};
        floe_status status = attempt_once(import, number, ret_result, &failure);
        if (!floe_failed(status)) {
            return status;
        }
        bool again = status.code == FLOE_CONFLICT && import->table && number + 1 < COMMIT_ATTEMPTS;
        if (!again) {
            return floe_error_set(err, failure.code, failure.sys_errno, failure.file, failure.line, "%s",
                                  failure.message);
        }
        back_off(number);
        FLOE_TRY(reopen(import, err));
    }
}
