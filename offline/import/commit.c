/*
 * From written data files to a snapshot.
 *
 * Each attempt starts from the table as it is then: an append carries the newest manifests over, other changes write those
 * anew of which files go (former.c). The manifest of the new files does not depend on that (its sequence number is
 * inherited), yet it is written anew each time, since it names the snapshot. Between attempts nothing of a lost one is
 * left.
 */
#include "offline/import/commit_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define COMMIT_ATTEMPTS 20

/* ---- the new files ---- */

/* The entries of one spec, in their order. */
static floe_status add_files_of(floe_attempt *attempt, const floe_ice_spec *spec, floe_error *err) {
    const floe_import *import = attempt->import;
    floe_ice_entry *entries = floe_arena_alloc(attempt->arena, import->entry_count, sizeof *entries);
    size_t count = 0;
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    for (size_t i = 0; i < import->entry_count; i++) {
        if (import->entries[i].file.spec_id == spec->spec_id) {
            entries[count++] = import->entries[i];
        }
    }
    bool own = spec->spec_id == import->spec.spec_id;
    const floe_ice_schema *schema = own ? &import->schema : floe_attempt_schema_for(attempt, spec);
    FLOE_ENSURE(schema, err, FLOE_UNSUPPORTED,
                "the partition spec %" PRId32 " has a column that no schema of the table has", spec->spec_id);
    floe_ice_manifest_content content = {.schema = schema, .spec = spec, .entries = entries, .entry_count = count};
    return count > 0 ? floe_attempt_write_manifest(attempt, &content, err) : FLOE_OK;
}

static floe_status add_new_files(floe_attempt *attempt, floe_error *err) {
    FLOE_TRY(add_files_of(attempt, &attempt->import->spec, err));
    for (size_t i = 0; attempt->base && i < attempt->base->spec_count; i++) {
        const floe_ice_spec *spec = &attempt->base->specs[i];
        if (spec->spec_id != attempt->import->spec.spec_id) {
            FLOE_TRY(add_files_of(attempt, spec, err));
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

/* What the parent's summary says, plus and minus; -1 where it says nothing. */
static int64_t total(const floe_attempt *attempt, const char *key, int64_t added, int64_t removed) {
    const floe_ice_snapshot *parent =
        attempt->base ? floe_ice_snapshot_by_id(attempt->base, attempt->base->current_snapshot_id) : NULL;
    if (!parent || attempt->removed.everything) {
        return added;
    }
    const floe_node *text = parent->summary ? floe_node_get(parent->summary, key) : NULL;
    int64_t before = 0;
    if (!text || text->kind != FLOE_NODE_STRING || floe_failed(floe_str_to_i64(text->text, &before, NULL))) {
        return -1;
    }
    return before + added >= removed ? before + added - removed : -1;
}

static int64_t some(int64_t count) {
    return count > 0 ? count : -1;
}

#define SUMMARY_ITEMS 16
static void summarise(const floe_attempt *attempt, floe_ice_summary_item items[SUMMARY_ITEMS]) {
    int64_t rows = 0, bytes = 0;
    int64_t files = (int64_t)attempt->import->entry_count;
    const floe_removed *removed = &attempt->removed;
    sum_entries(attempt->import, &rows, &bytes);
    bool any = removed->data_files + removed->delete_files > 0;
    const floe_ice_summary_item filled[SUMMARY_ITEMS] = {
        {"added-data-files", files},
        {"added-records", rows},
        {"added-files-size", bytes},
        {"deleted-data-files", some(removed->data_files)},
        {"deleted-records", removed->data_files > 0 ? removed->rows : -1},
        {"removed-files-size", any ? removed->bytes : -1},
        {"removed-delete-files", some(removed->delete_files)},
        {"removed-position-deletes", some(removed->position_deletes)},
        {"removed-equality-deletes", some(removed->equality_deletes)},
        {"changed-partition-count", attempt->import->spec.field_count > 0 || files == 0 ? files : 1},
        {"total-records", total(attempt, "total-records", rows, removed->rows)},
        {"total-files-size", total(attempt, "total-files-size", bytes, removed->bytes)},
        {"total-data-files", total(attempt, "total-data-files", files, removed->data_files)},
        {"total-delete-files", total(attempt, "total-delete-files", 0, removed->delete_files)},
        {"total-position-deletes", total(attempt, "total-position-deletes", 0, removed->position_deletes)},
        {"total-equality-deletes", total(attempt, "total-equality-deletes", 0, removed->equality_deletes)},
    };
    for (size_t i = 0; i < SUMMARY_ITEMS; i++) {
        items[i] = filled[i];
    }
}

/* ---- one attempt ---- */

static floe_status write_list(floe_attempt *attempt, floe_str *ret_path, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FLOE_LIMIT_MANIFEST_BYTES);
    floe_ice_manifest_list list = {.format_version = attempt->format_version,
                                   .snapshot_id = attempt->snapshot_id,
                                   .parent_id = attempt->base ? attempt->base->current_snapshot_id : -1,
                                   .sequence_number = attempt->sequence_number,
                                   .manifests = attempt->manifests,
                                   .manifest_count = attempt->manifest_count};
    if (attempt->format_version > 2) {
        attempt->first_row_id = attempt->next_row_id = floe_ice_next_row_id(attempt->base);
        FLOE_TRY(floe_ice_assign_row_ids(attempt->manifests, attempt->manifest_count, &attempt->next_row_id, err));
    }
    FLOE_TRY(floe_ice_write_manifest_list(&list, &bytes, err));
    *ret_path = floe_str_of(floe_arena_printf(attempt->arena, "%.*s/metadata/snap-%" PRId64 "-%d-%s.avro",
                                              FLOE_STR_ARG(attempt->import->location), attempt->snapshot_id,
                                              attempt->number, attempt->import->uuid));
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    return floe_attempt_write(attempt, *ret_path, floe_buf_view(&bytes), err);
}

static floe_str base_path_of(floe_attempt *attempt) {
    if (!attempt->base) {
        return (floe_str){0};
    }
    floe_str name = floe_path_basename(attempt->base_path);
    return floe_str_of(floe_arena_printf(attempt->arena, "%.*s/metadata/%.*s", FLOE_STR_ARG(attempt->import->location),
                                         FLOE_STR_ARG(name)));
}

static int64_t commit_time_ms(const floe_ice_metadata *base) {
    int64_t now_ms = floe_now_us() / 1000;
    return base && base->last_updated_ms > now_ms ? base->last_updated_ms : now_ms;
}

static floe_status write_document(floe_attempt *attempt, floe_str list_path, floe_buf *out, floe_error *err) {
    const floe_import *import = attempt->import;
    floe_ice_summary_item summary[SUMMARY_ITEMS];
    char table_uuid[37];
    floe_import_uuid(table_uuid);
    summarise(attempt, summary);
    floe_ice_commit commit = {
        .base = attempt->base,
        .base_path = base_path_of(attempt),
        .table_uuid = floe_str_of(table_uuid),
        .location = import->location,
        .comment = import->comment,
        .schema = &import->schema,
        .last_column_id = import->last_column_id,
        .spec = &import->spec,
        .last_partition_id = import->last_partition_id,
        .snapshot_id = attempt->snapshot_id,
        .sequence_number = attempt->sequence_number,
        .timestamp_ms = commit_time_ms(attempt->base),
        .operation = import->operation,
        .manifest_list = list_path,
        .summary = summary,
        .summary_count = SUMMARY_ITEMS,
        .sort_order = import->sort_order.order_id > 0 ? &import->sort_order : NULL,
        .sorts_by_default = import->sorts_by_default,
        .first_row_id = attempt->first_row_id,
        .next_row_id = attempt->next_row_id,
    };
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    return floe_ice_write_metadata(&commit, out, err);
}

/* What was written becomes the store's before anything names it. */
static floe_status publish(floe_import *import, floe_error *err) {
    const char *const *paths = (const char *const *)import->written.items;
    size_t count = import->written.count - import->published;
    FLOE_TRY(import->fs->ops->publish(import->fs, paths + import->published, count, err));
    import->published = import->written.count;
    return FLOE_OK;
}

static floe_status try_commit(floe_attempt *attempt, floe_import_result *ret_result, floe_error *err) {
    const floe_import *import = attempt->import;
    floe_str list_path;
    const char *metadata_path = NULL;
    FLOE_AUTO_BUF document;
    floe_buf_init(&document, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(add_new_files(attempt, err));
    FLOE_TRY(floe_attempt_add_former(attempt, err));
    FLOE_TRY(write_list(attempt, &list_path, err));
    FLOE_TRY(write_document(attempt, list_path, &document, err));
    floe_catalog_commit_request request = {.namespace_name = import->namespace_name,
                                           .table = import->table_name,
                                           .base_metadata_path = attempt->base_path,
                                           .metadata_json = floe_buf_view(&document)};
    const atomic_bool *cancelled = import->run ? import->run->cancelled : NULL;
    FLOE_ENSURE(!cancelled || !atomic_load(cancelled), err, FLOE_CANCELLED, "cancelled");
    FLOE_TRY(publish(attempt->import, err));
    FLOE_TRY(floe_catalog_commit(import->catalog, &request, attempt->arena, &metadata_path, err));
    *ret_result = (floe_import_result){.files = (int64_t)import->entry_count, .snapshot_id = attempt->snapshot_id};
    sum_entries(import, &ret_result->rows, &ret_result->bytes);
    snprintf(ret_result->metadata_path, sizeof ret_result->metadata_path, "%s", metadata_path);
    return FLOE_OK;
}

static void forget_attempt(floe_attempt *attempt) {
    floe_ptrs *written = &attempt->import->written;
    floe_fs *fs = attempt->import->fs;
    if (attempt->import->catalog->commit_is_unknown) {
        return; /* a commit that landed needs its files */
    }
    while (written->count > attempt->files_before) {
        FLOE_IGNORE(fs->ops->remove(fs, written->items[--written->count], NULL));
    }
    if (attempt->import->published > written->count) {
        attempt->import->published = written->count;
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
    floe_attempt attempt = {.import = import,
                            .base = import->table ? &import->table->metadata : NULL,
                            .base_path = import->table ? import->table->metadata_path : NULL,
                            .arena = &arena,
                            .number = number,
                            .snapshot_id = import->snapshot_id > 0 ? import->snapshot_id : floe_import_snapshot_id(),
                            .files_before = import->written.count};
    attempt.format_version = attempt.base ? attempt.base->format_version : 2;
    attempt.sequence_number = attempt.base ? attempt.base->last_sequence_number + 1 : 1;
    if (attempt.format_version == 1) {
        attempt.sequence_number = 0; /* There are none. */
    }
    floe_status status = try_commit(&attempt, ret_result, err);
    if (floe_failed(status)) {
        forget_attempt(&attempt);
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
        FLOE_TRY(import->check ? import->check(import->change, import->table, err) : FLOE_OK);
    }
}
