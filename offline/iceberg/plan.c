/*
 * Planning a scan: snapshot, manifests, pruning, and the refusal of everything that could not be read right.
 *
 * Phases: refuse versions and columns → choose the snapshot → read the manifest list → manifest by manifest: prune it,
 * or read it and prune its files → order what is left by (data sequence number, path).
 * → find the delete files that apply to them.
 * Invariants: a file is listed once, whether it is pruned or not, or the table is CORRUPT.
 */
#include "offline/iceberg/plan_int.h"

#include "core/map.h"
#include "offline/iceberg/deletes.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/prune.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

typedef struct scan_planner {
    floe_table *table;
    floe_arena *arena;
    floe_pruner pruner;
    floe_map seen; /* plain paths of live files */
    floe_ptrs kept, deletes;
    floe_table_scan_files *files;
    const floe_ice_manifest *manifest; /* the one that is read */
    int64_t live;                      /* entries of it that are not deleted */
} scan_planner;

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

floe_status floe_scan_check_file(const floe_table *table, const floe_ice_data_file *file, floe_error *err) {
    bool parquet = file->format.len == 7 && strncasecmp(file->format.ptr, "parquet", 7) == 0;
    FLOE_ENSURE(parquet, err, FLOE_UNSUPPORTED, "table %.*s: the data file %.*s is %.*s; floe reads Parquet",
                FLOE_STR_BRIEF(table->name), FLOE_STR_ARG(file->path), FLOE_STR_BRIEF(file->format));
    FLOE_ENSURE(!file->encrypted, err, FLOE_UNSUPPORTED, "table %.*s: the data file %.*s is encrypted",
                FLOE_STR_BRIEF(table->name), FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

/* ---- entries ---- */

static floe_status check_once(scan_planner *planner, const floe_ice_data_file *file, floe_error *err) {
    static char present;
    FLOE_ENSURE(file->path.len > 0, err, FLOE_CORRUPT, "%.*s lists a file without a path",
                FLOE_STR_ARG(planner->manifest->path));
    void *earlier = floe_map_put(&planner->seen, floe_path_plain(file->path), &present);
    FLOE_TRY(floe_arena_check(planner->arena, err));
    FLOE_ENSURE(earlier == NULL, err, FLOE_CORRUPT, "table %.*s: the snapshot lists the file %.*s twice",
                FLOE_STR_BRIEF(planner->table->name), FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

static floe_status keep(scan_planner *planner, floe_ptrs *list, const floe_ice_data_file *file, floe_error *err) {
    floe_ice_data_file *copy = floe_arena_alloc(planner->arena, 1, sizeof(*copy));
    FLOE_TRY(floe_arena_check(planner->arena, err));
    *copy = *file;
    floe_ptrs_append(list, planner->arena, copy);
    return floe_arena_check(planner->arena, err);
}

static floe_status keep_file(scan_planner *planner, const floe_ice_data_file *file, floe_error *err) {
    FLOE_TRY(floe_scan_check_file(planner->table, file, err));
    FLOE_TRY(keep(planner, &planner->kept, file, err));
    planner->files->plan.files_read++;
    planner->files->plan.bytes += file->file_len;
    planner->files->plan.rows += file->record_count;
    return FLOE_OK;
}

/* Several deletion vectors lie in one file: only their places tell them apart. */
static floe_status keep_delete(scan_planner *planner, const floe_ice_data_file *file, floe_error *err) {
    FLOE_ENSURE(file->content != 0 && planner->manifest->content == 1, err, FLOE_CORRUPT,
                "%.*s lists %s files, but the file %.*s holds %s", FLOE_STR_ARG(planner->manifest->path),
                planner->manifest->content == 1 ? "delete" : "data", FLOE_STR_ARG(file->path),
                file->content == 0 ? "data" : "deletes");
    if (!floe_ice_is_deletion_vector(file)) {
        FLOE_TRY(check_once(planner, file, err));
    }
    return keep(planner, &planner->deletes, file, err);
}

static floe_status visit_entry(void *context, const floe_ice_data_file *file, floe_error *err) {
    scan_planner *planner = context;
    floe_scan_plan *plan = &planner->files->plan;
    if (file->status == 2) { /* Deleted entries only tell readers of changes. */
        return FLOE_OK;
    }
    planner->live++;
    if (file->content != 0 || planner->manifest->content != 0) {
        return keep_delete(planner, file, err);
    }
    plan->files_total++;
    FLOE_TRY(check_once(planner, file, err));
    const floe_ice_spec *spec = floe_ice_spec_by_id(&planner->table->metadata, file->spec_id);
    switch (floe_prune_file(&planner->pruner, file, spec)) {
    case FLOE_PRUNE_BY_PARTITION:
        plan->files_pruned_by_partition++;
        return FLOE_OK;
    case FLOE_PRUNE_BY_BOUNDS:
        plan->files_pruned_by_bounds++;
        return FLOE_OK;
    default:
        return keep_file(planner, file, err);
    }
}

/* ---- manifests ---- */

static int64_t live_files(const floe_ice_manifest *manifest) {
    bool known = manifest->added_files >= 0 && manifest->existing_files >= 0;
    return known ? manifest->added_files + manifest->existing_files : -1;
}

static floe_status plan_manifest(scan_planner *planner, const floe_ice_manifest *manifest, floe_error *err) {
    const floe_ice_metadata *metadata = &planner->table->metadata;
    floe_scan_plan *plan = &planner->files->plan;
    int64_t live = live_files(manifest);
    plan->manifests_total++;
    if (live == 0) {
        return FLOE_OK;
    }
    const floe_ice_spec *spec = floe_ice_spec_by_id(metadata, manifest->spec_id);
    /* A delete manifest's summaries speak of its own partitions; equality deletes reach further. */
    if (manifest->content == 0 && !floe_prune_keeps_manifest(&planner->pruner, manifest, spec)) {
        plan->files_total += live > 0 ? live : 0;
        return FLOE_OK;
    }
    plan->manifests_read++;
    planner->manifest = manifest;
    planner->live = 0;
    floe_manifest_reader reader = {
        .metadata = metadata,
        .stats = {.field_ids = planner->pruner.field_ids, .field_count = planner->pruner.field_count},
        .arena = planner->arena,
        .visit = visit_entry,
        .context = planner};
    FLOE_TRY(floe_manifest_read(planner->table->fs, &planner->table->moved, manifest, &reader, err));
    /* A file that was cut between two blocks is a whole Avro file: only the manifest list knows what is missing. */
    FLOE_ENSURE(planner->live >= live, err, FLOE_CORRUPT,
                "%.*s: the manifest is cut off: it lists %" PRId64 " files, its manifest list says %" PRId64,
                FLOE_STR_ARG(manifest->path), planner->live, live);
    return FLOE_OK;
}

static floe_status check_cancelled(const floe_table *table, floe_error *err) {
    const floe_run *run = table->lake->run;
    bool cancelled = run != NULL && run->cancelled != NULL && atomic_load(run->cancelled);
    FLOE_ENSURE(!cancelled, err, FLOE_CANCELLED, "cancelled while planning the scan");
    return FLOE_OK;
}

static floe_status plan_manifests(scan_planner *planner, const floe_ice_snapshot *snapshot, floe_error *err) {
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    FLOE_TRY(floe_manifest_list_read(planner->table->fs, &planner->table->moved, snapshot, planner->arena, &manifests,
                                     &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(check_cancelled(planner->table, err));
        FLOE_TRY(plan_manifest(planner, &manifests[i], err));
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

static floe_status match_deletes(scan_planner *planner, floe_error *err) {
    floe_table_scan_files *files = planner->files;
    const floe_delete_request request = {.metadata = files->metadata,
                                         .moved = &planner->table->moved,
                                         .deletes = (floe_ice_data_file *const *)(void *)planner->deletes.items,
                                         .delete_count = planner->deletes.count,
                                         .files = (floe_ice_data_file *const *)(void *)planner->kept.items,
                                         .local_paths = files->local_paths,
                                         .file_count = files->file_count};
    files->deletes = (const floe_ice_data_file *const *)(void *)planner->deletes.items;
    files->delete_count = planner->deletes.count;
    floe_status status = floe_deletes_match(&request, planner->arena, &files->plan, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "table %.*s", FLOE_STR_BRIEF(planner->table->name))
                               : status;
}

floe_status floe_table_scan_plan_files(floe_table *table, const floe_scan_request *request, const floe_expr *filter,
                                       floe_arena *arena, floe_table_scan_files *ret_files, floe_error *err) {
    floe_table_scan_files files = {.metadata = &table->metadata};
    scan_planner planner = {.table = table, .arena = arena, .files = &files};
    FLOE_TRY(check_encryption(table, err));
    floe_status status = floe_snapshot_choose(&table->metadata, request, &files.snapshot, &files.schema, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "table %.*s", FLOE_STR_BRIEF(table->name));
    }
    FLOE_TRY(floe_scan_check_columns(request, files.schema, arena, err));
    FLOE_TRY(floe_pruner_init(&planner.pruner, filter, files.schema, arena, err));
    floe_map_init(&planner.seen, arena);
    files.plan.snapshot_id = files.snapshot ? files.snapshot->snapshot_id : -1;
    files.plan.note = FLOE_STR("");
    if (files.snapshot != NULL) {
        FLOE_TRY(plan_manifests(&planner, files.snapshot, err));
    }
    FLOE_TRY(floe_scan_order_files(table, &planner.kept, arena, &files, err));
    FLOE_TRY(match_deletes(&planner, err));
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
