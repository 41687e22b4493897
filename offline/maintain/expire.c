/*
 * floe_table_expire: old snapshots go, then the files that only they needed.
 *
 * Phases of an attempt, all on one state of the table: choose what stays → list what it needs → list what goes → commit
 * the metadata without it → remove the files, data before what names them. Somebody else's commit in between makes it
 * start anew. Invariant: no file is removed before the commit, and none that the committed state needs.
 */
#include "offline/maintain/maintain_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"

#include <stdio.h>
#include <time.h>

#define EXPIRE_ATTEMPTS 20

static floe_status check_cancelled(const expiry *state, floe_error *err) {
    const floe_run *run = state->import->run;
    FLOE_ENSURE(!run || !run->cancelled || !atomic_load(run->cancelled), err, FLOE_CANCELLED, "cancelled");
    return FLOE_OK;
}

/* ---- what goes ---- */

static floe_status check_allowed(const expiry *state, floe_error *err) {
    const floe_node *properties = state->import->table->metadata.properties;
    const floe_node *gc = properties ? floe_node_get(properties, "gc.enabled") : NULL;
    bool forbidden = gc && gc->kind == FLOE_NODE_STRING && floe_str_is_nocase(gc->text, "false");
    FLOE_ENSURE(!forbidden, err, FLOE_UNSUPPORTED,
                "%s has the property gc.enabled = false: other tables may share its files, so none may be removed",
                state->request->table);
    bool has_store = state->import->moved.mirror && floe_path_is_object(state->import->location);
    return has_store ? FLOE_OK : floe_path_check_local(floe_path_plain(state->import->location), err);
}

/* The directory catalog names metadata files v<n>. Others are a catalog service's, which may still read them. */
static bool owns_metadata(const expiry *state) {
    floe_str name = floe_path_basename(state->import->table->metadata_path);
    return state->import->catalog->owns_metadata && name.len > 0 && name.ptr[0] == 'v' &&
           floe_catalog_metadata_version(name) >= 0;
}

static void begin(expiry *state) {
    floe_map *maps[] = {&state->kept,           &state->kept_refs,  &state->kept_log,
                        &state->dead_ids,       &state->need.paths, &state->need.inodes,
                        &state->need.manifests, &state->chosen,     &state->listed};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        floe_map_init(maps[i], state->arena);
    }
    int64_t age_us = state->request->older_than_us;
    state->now_us = floe_now_us();
    state->cutoff_ms = floe_floor_div(state->now_us - age_us, 1000);
}

static floe_status choose(expiry *state, floe_error *err) {
    FLOE_TRY(floe_import_open(state->import, err));
    FLOE_TRY(check_allowed(state, err));
    state->owns_metadata = owns_metadata(state);
    FLOE_TRY(floe_expire_retain(state, err));
    floe_import_progress(state->import, "listing what is needed", -1);
    FLOE_TRY(floe_expire_list(state, err));
    FLOE_TRY(floe_expire_need(state, &state->import->table->metadata, err));
    FLOE_TRY(check_cancelled(state, err));
    FLOE_TRY(floe_expire_read_history(state, err));
    FLOE_TRY(floe_expire_choose(state, err));
    return floe_expire_find_orphans(state, err);
}

/* ---- the commit ---- */

static bool keeps_snapshot(void *context, int64_t snapshot_id) {
    return floe_expire_keeps(context, snapshot_id);
}

static bool keeps_ref(void *context, floe_str name) {
    const expiry *state = context;
    return floe_map_get(&state->kept_refs, name) != NULL;
}

static bool keeps_log_file(void *context, floe_str path, int64_t timestamp_ms) {
    expiry *state = context;
    const char *local = NULL;
    floe_error ignored = {0};
    (void)timestamp_ms;
    return floe_failed(floe_path_resolve(&state->import->moved, path, state->arena, &local, &ignored)) ||
           floe_map_get(&state->kept_log, floe_str_of(local)) != NULL;
}

static floe_status write_document(expiry *state, floe_buf *out, floe_error *err) {
    const floe_import *import = state->import;
    floe_str name = floe_path_basename(import->table->metadata_path);
    int64_t now_ms = state->now_us / 1000;
    const floe_ice_metadata *base = &import->table->metadata;
    floe_ice_keep kept = {.base = base,
                          .base_path = floe_str_of(floe_arena_printf(
                              state->arena, "%.*s/metadata/%.*s", FLOE_STR_ARG(import->location), FLOE_STR_ARG(name))),
                          .timestamp_ms = base->last_updated_ms > now_ms ? base->last_updated_ms : now_ms,
                          .snapshot = keeps_snapshot,
                          .ref = keeps_ref,
                          .log_file = keeps_log_file,
                          .context = state};
    FLOE_TRY(floe_arena_check(state->arena, err));
    FLOE_TRY(floe_ice_write_kept(&kept, out, err));
    return floe_arena_check(state->arena, err);
}

static floe_status commit(expiry *state, floe_expire_result *result, floe_error *err) {
    const floe_import *import = state->import;
    const char *metadata_path = NULL;
    FLOE_AUTO_BUF document;
    floe_buf_init(&document, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(write_document(state, &document, err));
    floe_catalog_commit_request request = {.namespace_name = import->namespace_name,
                                           .table = import->table_name,
                                           .base_metadata_path = import->table->metadata_path,
                                           .metadata_json = floe_buf_view(&document)};
    FLOE_TRY(check_cancelled(state, err));
    floe_import_progress(import, "committing", -1);
    FLOE_TRY(floe_catalog_commit(import->catalog, &request, state->arena, &metadata_path, err));
    snprintf(result->metadata_path, sizeof result->metadata_path, "%s", metadata_path);
    return FLOE_OK;
}

/* Where there is nothing to commit, nothing has told yet whether somebody else did. */
static floe_status check_unchanged(expiry *state, floe_error *err) {
    const floe_import *import = state->import;
    floe_catalog_entry entry;
    FLOE_TRY(
        floe_catalog_locate(import->catalog, import->namespace_name, import->table_name, state->arena, &entry, err));
    FLOE_ENSURE(floe_str_is(floe_str_of(entry.metadata_path), import->table->metadata_path), err, FLOE_CONFLICT,
                "%s was changed by somebody else; try again", state->request->table);
    return FLOE_OK;
}

/* ---- the files ---- */

/* A catalog service puts its own state together: a snapshot that somebody added between the look at the table and the commit
 * is in it, and what it needs stays. */
static floe_status spare_newer(expiry *state, floe_error *err) {
    floe_table *newer = NULL;
    size_t kept = 0;
    if (state->import->catalog->owns_metadata) {
        return FLOE_OK; /* The document is the one that was written. */
    }
    FLOE_TRY(floe_table_open(state->import->lake, state->request->table, NULL, NULL, &newer, err));
    floe_status status = floe_expire_need_newer(state, &newer->metadata, err);
    floe_table_close(&newer);
    FLOE_TRY(status);
    for (size_t i = 0; i < state->file_count; i++) {
        if (!floe_expire_is_needed(state, &state->files[i].file)) {
            state->files[kept++] = state->files[i];
        }
    }
    state->file_count = kept;
    return FLOE_OK;
}

/* Objects are removed many at a time. */
enum { REMOVE_AT_ONCE = 256 };

static floe_status remove_kind(expiry *state, expire_kind kind, size_t *removed, floe_error *err) {
    const char *paths[REMOVE_AT_ONCE];
    size_t most = state->import->moved.mirror ? REMOVE_AT_ONCE : 1;
    size_t count = 0;
    floe_fs *fs = state->import->fs;
    for (size_t i = 0; i < state->file_count; i++) {
        if (state->files[i].kind == kind) {
            paths[count++] = state->files[i].file.path;
        }
        if (count == most || (count > 0 && i + 1 == state->file_count)) {
            FLOE_TRY(check_cancelled(state, err));
            FLOE_TRY(fs->ops->remove_all(fs, paths, count, err));
            *removed += count;
            count = 0;
            floe_import_progress(state->import, "removing", (double)*removed / (double)state->file_count);
        }
    }
    return FLOE_OK;
}

static floe_status remove_files(expiry *state, floe_error *err) {
    size_t removed = 0;
    for (int kind = 0; kind < EXPIRE_KIND_COUNT; kind++) {
        FLOE_TRY(remove_kind(state, (expire_kind)kind, &removed, err));
    }
    return FLOE_OK;
}

/* ---- the result ---- */

static void count_files(const expiry *state, floe_expire_result *result) {
    int64_t *const counts[EXPIRE_KIND_COUNT] = {
        [EXPIRE_DATA] = &result->data_files,
        [EXPIRE_DELETES] = &result->delete_files,
        [EXPIRE_STATISTICS] = &result->statistics_files,
        [EXPIRE_MANIFEST] = &result->manifests,
        [EXPIRE_LIST] = &result->manifest_lists,
        [EXPIRE_METADATA] = &result->metadata_files,
        [EXPIRE_ORPHAN] = &result->orphans,
    };
    for (size_t kind = 0; kind < EXPIRE_KIND_COUNT; kind++) {
        *counts[kind] = 0;
    }
    result->bytes = 0;
    for (size_t i = 0; i < state->file_count; i++) {
        (*counts[state->files[i].kind])++;
        result->bytes += state->files[i].file.len > 0 ? state->files[i].file.len : 0;
    }
}

static floe_status report(const expiry *state, floe_arena *arena, floe_expire_result *result, floe_error *err) {
    int64_t *ids = floe_arena_alloc(arena, state->dropped.count, sizeof *ids);
    floe_str *refs = floe_arena_alloc(arena, state->dropped_refs.count, sizeof *refs);
    floe_pinned_snapshot *held = floe_arena_alloc(arena, state->held.count, sizeof *held);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < state->dropped.count; i++) {
        ids[i] = ((const floe_ice_snapshot *)state->dropped.items[i])->snapshot_id;
    }
    for (size_t i = 0; i < state->dropped_refs.count; i++) {
        refs[i] = floe_arena_str(arena, ((const floe_ice_ref *)state->dropped_refs.items[i])->name);
    }
    for (size_t i = 0; i < state->held.count; i++) {
        held[i] = *(const floe_pinned_snapshot *)state->held.items[i];
    }
    *result = (floe_expire_result){.snapshot_ids = ids,
                                   .snapshot_count = state->dropped.count,
                                   .refs = refs,
                                   .ref_count = state->dropped_refs.count,
                                   .held = held,
                                   .held_count = state->held.count};
    count_files(state, result);
    return floe_arena_check(arena, err);
}

/* ---- the whole ---- */

static floe_status run_attempt(expiry *state, floe_arena *arena, floe_expire_result *result, floe_error *err) {
    begin(state);
    FLOE_TRY(choose(state, err));
    FLOE_TRY(report(state, arena, result, err));
    if (state->request->dry_run) {
        return FLOE_OK;
    }
    bool changes = state->dropped.count > 0 || state->dropped_refs.count > 0 || state->trims_log;
    FLOE_TRY(changes ? commit(state, result, err) : check_unchanged(state, err));
    FLOE_TRY(spare_newer(state, err));
    count_files(state, result);
    return remove_files(state, err);
}

static floe_status attempt(floe_lake *lake, const floe_expire_request *request, const floe_run *run,
                           floe_arena *result_arena, floe_expire_result *result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(8));
    floe_import_request writing = {.table = request->table, .mode = FLOE_IMPORT_APPEND};
    floe_import import = {.lake = lake, .request = &writing, .run = run ? run : lake->run, .arena = &arena};
    expiry state = {.request = request, .import = &import, .arena = &arena};
    floe_status status = run_attempt(&state, result_arena, result, err);
    floe_session_close(&import.session);
    floe_table_close(&import.table);
    return status;
}

floe_status floe_table_expire(floe_lake *lake, const floe_expire_request *request, const floe_run *run,
                              floe_arena *arena, floe_expire_result *ret_result, floe_error *err) {
    FLOE_ENSURE(request->older_than_us >= 0 && request->orphan_age_us >= 0 && request->keep_last >= 0, err,
                FLOE_INVALID, "ages and counts must not be negative");
    for (int number = 0;; number++) {
        floe_error failure = {0};
        floe_expire_result result = {0};
        floe_status status = attempt(lake, request, run, arena, &result, &failure);
        if (!floe_failed(status)) {
            *ret_result = result;
            return status;
        }
        if (status.code != FLOE_CONFLICT || number + 1 >= EXPIRE_ATTEMPTS) {
            return floe_error_set(err, failure.code, failure.sys_errno, failure.file, failure.line, "%s",
                                  failure.message);
        }
        struct timespec pause = {.tv_nsec = 5000000};
        nanosleep(&pause, NULL);
    }
}
