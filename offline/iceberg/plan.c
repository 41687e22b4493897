/*
 * Planning a scan: snapshot, manifests, pruning, and the refusal of everything that could not be read right.
 *
 * Phases: refuse versions and columns → choose the snapshot → read its manifests (plan_manifests.c) → order what is left by (data
 * sequence number, path) → find the delete files that apply to them.
 * Invariants: a file is listed once, whether it is pruned or not, or the table is CORRUPT.
 */
#include "offline/iceberg/plan_int.h"

#include "offline/iceberg/deletes.h"
#include "offline/iceberg/metadata.h"
#include "offline/lake_int.h"

#include <stdlib.h>
#include <strings.h>

/* ---- refusals ---- */

static floe_status check_encryption(const floe_table *table, floe_error *err) {
    FLOE_ENSURE(!floe_metadata_is_encrypted(&table->metadata), err, FLOE_UNSUPPORTED,
                "table %.*s is encrypted; floe reads tables without encryption", FLOE_STR_BRIEF(table->name));
    return FLOE_OK;
}

floe_status floe_scan_check_columns(const floe_scan_request *request, const floe_ice_schema *schema, floe_arena *arena,
                                    floe_error *err) {
    const floe_ice_field *const *fields = NULL;
    size_t count = 0;
    FLOE_TRY(floe_columns_find(schema, request->columns, request->column_count, arena, &fields, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_column_check(fields[i], err));
    }
    return FLOE_OK;
}

/* ---- the result ---- */

static int compare_files(const void *a, const void *b) {
    const floe_ice_data_file *x = *(const floe_ice_data_file *const *)a;
    const floe_ice_data_file *y = *(const floe_ice_data_file *const *)b;
    if (x->sequence_number != y->sequence_number) {
        return x->sequence_number < y->sequence_number ? -1 : 1;
    }
    return floe_str_compare(x->path, y->path);
}

/* A file elsewhere does not keep the scan from being planned; the scan itself refuses it. */
static floe_status local_path(const floe_table *table, floe_str path, floe_arena *arena, const char **ret_local,
                              floe_error *err) {
    floe_error elsewhere = {0};
    floe_status status = floe_path_resolve(&table->moved, path, arena, ret_local, &elsewhere);
    if (status.code == FLOE_UNSUPPORTED) {
        *ret_local = floe_arena_strndup(arena, path.ptr, path.len);
        return floe_arena_check(arena, err);
    }
    return floe_failed(status) ? FLOE_FAIL(err, elsewhere.code, "%s", elsewhere.message) : status;
}

floe_status floe_scan_order_files(const floe_table *table, const floe_ptrs *kept, floe_arena *arena,
                                  floe_table_scan_files *ret_files, floe_error *err) {
    size_t count = kept->count;
    const floe_ice_data_file **files = (const floe_ice_data_file **)(void *)kept->items;
    const char **local_paths = floe_arena_alloc(arena, count + 1, sizeof(*local_paths));
    floe_str *paths = floe_arena_alloc(arena, count + 1, sizeof(*paths));
    FLOE_TRY(floe_arena_check(arena, err));
    if (count > 0) {
        qsort(files, count, sizeof(*files), compare_files);
    }
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(local_path(table, files[i]->path, arena, &local_paths[i], err));
        paths[i] = files[i]->path;
    }
    ret_files->files = files;
    ret_files->file_count = count;
    ret_files->local_paths = local_paths;
    ret_files->plan.paths = paths;
    ret_files->plan.path_count = count;
    return FLOE_OK;
}

static floe_status match_deletes(const floe_manifest_scan *scan, floe_table_scan_files *files, floe_error *err) {
    const floe_delete_request request = {.metadata = files->metadata,
                                         .moved = &scan->table->moved,
                                         .deletes = (floe_ice_data_file *const *)(void *)scan->deletes.items,
                                         .delete_count = scan->deletes.count,
                                         .files = (floe_ice_data_file *const *)(void *)scan->kept.items,
                                         .local_paths = files->local_paths,
                                         .file_count = files->file_count};
    files->deletes = (const floe_ice_data_file *const *)(void *)scan->deletes.items;
    files->delete_count = scan->deletes.count;
    floe_status status = floe_deletes_match(&request, scan->arena, &files->plan, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "table %.*s", FLOE_STR_BRIEF(scan->table->name))
                               : status;
}

floe_status floe_table_scan_plan_files(floe_table *table, const floe_scan_request *request, const floe_expr *filter,
                                       floe_arena *arena, floe_table_scan_files *ret_files, floe_error *err) {
    floe_table_scan_files files = {.metadata = &table->metadata};
    FLOE_TRY(check_encryption(table, err));
    floe_status status = floe_snapshot_choose(&table->metadata, request, &files.snapshot, &files.schema, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "table %.*s", FLOE_STR_BRIEF(table->name));
    }
    FLOE_TRY(floe_scan_check_columns(request, files.schema, arena, err));
    floe_manifest_scan scan = {
        .table = table, .schema = files.schema, .filter = filter, .arena = arena, .plan = &files.plan};
    files.plan.snapshot_id = files.snapshot ? files.snapshot->snapshot_id : -1;
    files.plan.note = FLOE_STR("");
    if (files.snapshot != NULL) {
        FLOE_TRY(floe_scan_read_manifests(&scan, files.snapshot, err));
    }
    FLOE_TRY(floe_scan_order_files(table, &scan.kept, arena, &files, err));
    FLOE_TRY(match_deletes(&scan, &files, err));
    *ret_files = files;
    return FLOE_OK;
}

/* ---- what was appended ---- */

typedef struct snapshot_range {
    const int64_t *ids;
    size_t count;
} snapshot_range;

/* The snapshots after `from` up to and including `to`; *ret_appends false when one of them is no append, or `from` is no
 * ancestor. */
static floe_status walk_back(const floe_ice_metadata *metadata, int64_t from, const floe_ice_snapshot *to,
                             floe_arena *arena, bool *ret_appends, snapshot_range *ret_range, floe_error *err) {
    int64_t *ids = floe_arena_alloc(arena, metadata->snapshot_count + 1, sizeof(*ids));
    FLOE_TRY(floe_arena_check(arena, err));
    const floe_ice_snapshot *at = to;
    size_t count = 0;
    *ret_appends = true;
    while (at != NULL && at->snapshot_id != from && count < metadata->snapshot_count) {
        *ret_appends = *ret_appends && floe_str_is(at->operation, "append");
        ids[count++] = at->snapshot_id;
        at = at->parent_id == -1 ? NULL : floe_ice_snapshot_by_id(metadata, at->parent_id);
    }
    *ret_appends = *ret_appends && at != NULL && at->snapshot_id == from;
    *ret_range = (snapshot_range){ids, count};
    return FLOE_OK;
}

static bool contains(const snapshot_range *range, int64_t id) {
    for (size_t i = 0; i < range->count; i++) {
        if (range->ids[i] == id) {
            return true;
        }
    }
    return false;
}

floe_status floe_table_scan_appended(floe_table *table, int64_t from_snapshot_id, const floe_table_scan_files *to,
                                     floe_arena *arena, bool *ret_appends_only,
                                     const floe_ice_data_file *const **ret_files, size_t *ret_count, floe_error *err) {
    bool appends = false;
    snapshot_range range = {0};
    floe_ptrs found = {0};
    FLOE_TRY(walk_back(&table->metadata, from_snapshot_id, to->snapshot, arena, &appends, &range, err));
    for (size_t i = 0; i < to->file_count && appends; i++) {
        if (contains(&range, to->files[i]->snapshot_id)) {
            floe_ptrs_append(&found, arena, (void *)(uintptr_t)to->files[i]);
        }
    }
    for (size_t i = 0; i < to->delete_count && appends; i++) {
        appends = !contains(&range, to->deletes[i]->snapshot_id); /* whatever its snapshot calls itself */
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_appends_only = appends;
    *ret_files = (const floe_ice_data_file *const *)(void *)found.items;
    *ret_count = found.count;
    return FLOE_OK;
}
