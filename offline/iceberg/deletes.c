/*
 * Which delete files apply to which data files: see deletes.h.
 *
 * Phases: every delete file is filed under its spec and partition (a scope), under the one data file that it names, or
 * under "everywhere" → each list is sorted by data sequence number → what applies to a data file is the end of a list,
 * so that files share the lists and nothing is copied per pair.
 */
#include "offline/iceberg/deletes.h"

#include "core/limits.h"
#include "core/map.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Delete files by data sequence number. */
typedef struct delete_list {
    floe_ptrs files;
    size_t used_from; /* the first that applies to a file that is read */
} delete_list;

typedef struct delete_scope {
    delete_list positions, equalities;
} delete_scope;

/* What is about one data file. */
typedef struct delete_target {
    const floe_ice_data_file *vector;
    delete_list positions;
} delete_target;

typedef struct matcher {
    const floe_delete_request *request;
    floe_arena *arena;
    floe_scan_plan *plan;
    floe_map scopes;  /* spec and partition → delete_scope */
    floe_map targets; /* path → delete_target */
    floe_ptrs lists;  /* all delete_lists, to be counted */
    delete_list everywhere;
} matcher;

bool floe_ice_is_deletion_vector(const floe_ice_data_file *file) {
    return file->content == 1 && floe_str_is_nocase(file->format, "puffin");
}

floe_status floe_delete_path(const floe_moved *moved, floe_str path, floe_arena *arena, floe_str *ret_path,
                             floe_error *err) {
    floe_error elsewhere = {0};
    const char *local = NULL;
    floe_status status = floe_path_resolve(moved, path, arena, &local, &elsewhere);
    if (status.code == FLOE_UNSUPPORTED) {
        *ret_path = path;
        return FLOE_OK;
    }
    if (floe_failed(status)) {
        return FLOE_FAIL(err, elsewhere.code, "%s", elsewhere.message);
    }
    *ret_path = floe_str_of(local);
    return FLOE_OK;
}

/* ---- partitions ---- */

static bool is_partitioned(const floe_ice_spec *spec) {
    for (size_t i = 0; i < spec->field_count; i++) {
        if (spec->fields[i].transform != FLOE_TRANSFORM_VOID) {
            return true;
        }
    }
    return false;
}

static uint64_t real_bits(double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return value != value ? UINT64_C(0x7FF8000000000000) : bits;
}

/* Values of one field as bytes that are equal where the values are, however wide their writers stored them. */
static void put_value(const floe_value *value, floe_buf *out) {
    if (value->is_null) {
        floe_buf_byte(out, 'n');
        return;
    }
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_byte(out, value->as.boolean ? 't' : 'f');
        return;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        floe_buf_byte(out, 'r');
        floe_buf_u64(out, real_bits(value->as.real));
        return;
    case FLOE_KIND_DECIMAL:
        floe_buf_byte(out, 'd');
        floe_buf_u64(out, (uint64_t)value->as.decimal);
        floe_buf_u64(out, (uint64_t)(value->as.decimal >> 64));
        return;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        floe_buf_byte(out, 's');
        floe_buf_varint(out, value->as.bytes.len);
        floe_buf_str(out, value->as.bytes);
        return;
    default:
        floe_buf_byte(out, 'i');
        floe_buf_u64(out, (uint64_t)value->as.integer);
    }
}

static floe_status scope_key(const floe_ice_data_file *file, floe_arena *arena, floe_str *ret_key, floe_error *err) {
    FLOE_AUTO_BUF key = {0};
    floe_buf_init(&key, FLOE_MIB(16));
    floe_buf_u32(&key, (uint32_t)file->spec_id);
    for (size_t i = 0; file->partition != NULL && i < file->partition_count; i++) {
        put_value(&file->partition[i], &key);
    }
    FLOE_TRY(floe_buf_check(&key, err));
    *ret_key = floe_arena_str(arena, floe_buf_view(&key));
    return floe_arena_check(arena, err);
}

static floe_status find_scope(matcher *match, floe_ice_data_file *file, delete_scope **ret_scope, floe_error *err) {
    floe_str key = {0};
    FLOE_TRY(scope_key(file, match->arena, &key, err));
    delete_scope *scope = floe_map_get(&match->scopes, key);
    if (scope == NULL) {
        scope = floe_arena_alloc(match->arena, 1, sizeof(*scope));
        FLOE_TRY(floe_arena_check(match->arena, err));
        (void)floe_map_put(&match->scopes, key, scope);
        floe_ptrs_append(&match->lists, match->arena, &scope->positions);
        floe_ptrs_append(&match->lists, match->arena, &scope->equalities);
    }
    file->scope = scope;
    *ret_scope = scope;
    return floe_arena_check(match->arena, err);
}

static floe_status find_target(matcher *match, floe_str path, delete_target **ret_target, floe_error *err) {
    floe_str key = {0};
    FLOE_TRY(floe_delete_path(match->request->moved, path, match->arena, &key, err));
    delete_target *target = floe_map_get(&match->targets, key);
    if (target == NULL) {
        target = floe_arena_alloc(match->arena, 1, sizeof(*target));
        FLOE_TRY(floe_arena_check(match->arena, err));
        (void)floe_map_put(&match->targets, key, target);
        floe_ptrs_append(&match->lists, match->arena, &target->positions);
    }
    *ret_target = target;
    return floe_arena_check(match->arena, err);
}

/* ---- filing ---- */

static floe_status file_vector(matcher *match, const floe_ice_data_file *file, floe_error *err) {
    delete_target *target = NULL;
    FLOE_ENSURE(file->referenced_path.len > 0, err, FLOE_CORRUPT,
                "the deletion vector in %.*s does not name its data file", FLOE_STR_ARG(file->path));
    FLOE_ENSURE(file->content_offset >= 0 && file->content_len >= 0, err, FLOE_CORRUPT,
                "the deletion vector of %.*s in %.*s has no place in its file (content_offset, content_size_in_bytes)",
                FLOE_STR_ARG(file->referenced_path), FLOE_STR_ARG(file->path));
    FLOE_TRY(find_target(match, file->referenced_path, &target, err));
    FLOE_ENSURE(target->vector == NULL, err, FLOE_CORRUPT,
                "two deletion vectors for the data file %.*s: in %.*s at byte %" PRId64 " and in %.*s at byte %" PRId64,
                FLOE_STR_ARG(file->referenced_path), FLOE_STR_ARG(target->vector->path), target->vector->content_offset,
                FLOE_STR_ARG(file->path), file->content_offset);
    target->vector = file;
    return FLOE_OK;
}

static floe_status file_equality(matcher *match, floe_ice_data_file *file, delete_scope *scope, floe_error *err) {
    const floe_ice_spec *spec = floe_ice_spec_by_id(match->request->metadata, file->spec_id);
    FLOE_ENSURE(spec != NULL, err, FLOE_CORRUPT,
                "the equality delete file %.*s belongs to the partition spec %d, which the table does not have",
                FLOE_STR_ARG(file->path), (int)file->spec_id);
    FLOE_ENSURE(file->equality_id_count > 0, err, FLOE_CORRUPT, "the equality delete file %.*s names no columns",
                FLOE_STR_ARG(file->path));
    floe_ptrs_append(is_partitioned(spec) ? &scope->equalities.files : &match->everywhere.files, match->arena, file);
    return floe_arena_check(match->arena, err);
}

static floe_status file_one(matcher *match, floe_ice_data_file *file, floe_error *err) {
    delete_scope *scope = NULL;
    delete_target *target = NULL;
    FLOE_TRY(find_scope(match, file, &scope, err));
    if (file->content == 2) {
        return file_equality(match, file, scope, err);
    }
    if (floe_ice_is_deletion_vector(file)) {
        return file_vector(match, file, err);
    }
    if (file->referenced_path.len > 0) {
        FLOE_TRY(find_target(match, file->referenced_path, &target, err));
    }
    floe_ptrs_append(target != NULL ? &target->positions.files : &scope->positions.files, match->arena, file);
    return floe_arena_check(match->arena, err);
}

static int compare_deletes(const void *a, const void *b) {
    const floe_ice_data_file *x = *(const floe_ice_data_file *const *)a;
    const floe_ice_data_file *y = *(const floe_ice_data_file *const *)b;
    if (x->sequence_number != y->sequence_number) {
        return x->sequence_number < y->sequence_number ? -1 : 1;
    }
    return floe_str_compare(x->path, y->path);
}

static void sort_list(delete_list *list) {
    if (list->files.count > 0) {
        qsort(list->files.items, list->files.count, sizeof(*list->files.items), compare_deletes);
    }
    list->used_from = list->files.count;
}

/* ---- matching ---- */

/* The end of a list whose data sequence numbers are at least `least`. */
static floe_ice_delete_files applying(delete_list *list, int64_t least) {
    const floe_ice_data_file *const *files = (const floe_ice_data_file *const *)(void *)list->files.items;
    size_t low = 0;
    size_t high = list->files.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (files[middle]->sequence_number < least) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    list->used_from = low < list->used_from ? low : list->used_from;
    return (floe_ice_delete_files){list->files.count == low ? NULL : files + low, list->files.count - low};
}

/* A delete that names its data file but lies in another partition would do nothing for some readers and delete rows for
 * others. */
static floe_status check_partition(const floe_ice_data_file *file, const floe_ice_data_file *deleting,
                                   floe_error *err) {
    FLOE_ENSURE(deleting->scope == file->scope, err, FLOE_CORRUPT,
                "%.*s deletes rows of the data file %.*s but is of another partition or partition spec",
                FLOE_STR_ARG(deleting->path), FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

static floe_status match_target(matcher *match, size_t index, floe_ice_deletes *found, floe_error *err) {
    const floe_ice_data_file *file = match->request->files[index];
    delete_target *target = floe_map_get(&match->targets, floe_str_of(match->request->local_paths[index]));
    if (target == NULL) {
        return FLOE_OK;
    }
    if (target->vector != NULL && target->vector->sequence_number >= file->sequence_number) {
        FLOE_TRY(check_partition(file, target->vector, err));
        found->vector = target->vector;
        match->plan->delete_files++;
        match->plan->delete_rows += target->vector->record_count;
        return FLOE_OK;
    }
    found->own_positions = applying(&target->positions, file->sequence_number);
    for (size_t i = 0; i < found->own_positions.count; i++) {
        FLOE_TRY(check_partition(file, found->own_positions.files[i], err));
    }
    return FLOE_OK;
}

static floe_status match_file(matcher *match, size_t index, floe_error *err) {
    floe_ice_data_file *file = match->request->files[index];
    delete_scope *scope = NULL;
    floe_ice_deletes found = {0};
    FLOE_TRY(find_scope(match, file, &scope, err));
    FLOE_TRY(match_target(match, index, &found, err));
    if (found.vector == NULL) {
        found.positions = applying(&scope->positions, file->sequence_number);
    }
    found.equalities = applying(&scope->equalities, file->sequence_number + 1);
    found.everywhere = applying(&match->everywhere, file->sequence_number + 1);
    size_t count = found.own_positions.count + found.positions.count + found.equalities.count + found.everywhere.count;
    if (found.vector == NULL && count == 0) {
        return FLOE_OK;
    }
    floe_ice_deletes *copy = floe_arena_alloc(match->arena, 1, sizeof(*copy));
    FLOE_TRY(floe_arena_check(match->arena, err));
    *copy = found;
    file->deletes = copy;
    return FLOE_OK;
}

/* ---- what applies must be readable ---- */

static floe_status check_used(const floe_ice_data_file *file, floe_error *err) {
    FLOE_ENSURE(floe_ice_is_deletion_vector(file) || floe_str_is_nocase(file->format, "parquet"), err, FLOE_UNSUPPORTED,
                "the delete file %.*s is %.*s; floe reads Parquet delete files and Puffin deletion vectors",
                FLOE_STR_ARG(file->path), FLOE_STR_BRIEF(file->format));
    FLOE_ENSURE(!file->encrypted, err, FLOE_UNSUPPORTED, "the delete file %.*s is encrypted", FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

static floe_status count_used(matcher *match, const delete_list *list, floe_error *err) {
    for (size_t i = list->used_from; i < list->files.count; i++) {
        const floe_ice_data_file *file = list->files.items[i];
        FLOE_TRY(check_used(file, err));
        match->plan->delete_files++;
        match->plan->delete_rows += file->record_count;
    }
    return FLOE_OK;
}

static floe_status match_all(matcher *match, floe_error *err) {
    const floe_delete_request *request = match->request;
    for (size_t i = 0; i < request->delete_count; i++) {
        FLOE_TRY(file_one(match, request->deletes[i], err));
    }
    for (size_t i = 0; i < match->lists.count; i++) {
        sort_list(match->lists.items[i]);
    }
    for (size_t i = 0; i < request->file_count; i++) {
        FLOE_TRY(match_file(match, i, err));
        const floe_ice_deletes *found = request->files[i]->deletes;
        FLOE_TRY(found != NULL && found->vector != NULL ? check_used(found->vector, err) : FLOE_OK);
    }
    for (size_t i = 0; i < match->lists.count; i++) {
        FLOE_TRY(count_used(match, match->lists.items[i], err));
    }
    return FLOE_OK;
}

floe_status floe_deletes_match(const floe_delete_request *request, floe_arena *arena, floe_scan_plan *plan,
                               floe_error *err) {
    matcher match = {.request = request, .arena = arena, .plan = plan};
    if (request->delete_count == 0) {
        return FLOE_OK;
    }
    floe_map_init(&match.scopes, arena);
    floe_map_init(&match.targets, arena);
    floe_ptrs_append(&match.lists, arena, &match.everywhere);
    FLOE_TRY(floe_arena_check(arena, err));
    return match_all(&match, err);
}
