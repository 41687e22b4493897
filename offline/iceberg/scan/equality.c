/*
 * Which equality deletes apply to which groups of data files, and by which columns.
 *
 * Phases: every set of equality ids becomes a set of key columns, looked for in the schema that is read and then in all
 * schemas of the table from the newest on, because a key may have been dropped → per group of data files, the deletes of
 * one key set become one batch (scan/keys.c says how a batch leaves rows out).
 * Invariant: a key column is read by the same rules on both sides (renames, promotions, defaults, partition constants).
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"

#include <stdlib.h>

/* ---- keys ---- */

/* The column or member with that id: the type of it, and the way to it in *members. */
static const floe_ice_type *find_inside(const floe_ice_field *field, int32_t id, floe_buf *members) {
    if (field->id == id) {
        return field->type;
    }
    for (size_t i = 0; field->type->kind == FLOE_ICE_STRUCT && i < field->type->field_count; i++) {
        const floe_ice_field *member = &field->type->fields[i];
        size_t len = members->len;
        floe_buf_byte(members, '.');
        floe_sql_quote_name(members, member->name);
        const floe_ice_type *type = find_inside(member, id, members);
        if (type != NULL) {
            return type;
        }
        members->len = len;
    }
    return NULL;
}

static bool find_in_schema(const floe_ice_schema *schema, int32_t id, scan_key *ret_key, floe_buf *members) {
    for (size_t i = 0; i < schema->field_count; i++) {
        floe_buf_clear(members);
        const floe_ice_type *type = find_inside(&schema->fields[i], id, members);
        if (type != NULL) {
            *ret_key = (scan_key){.root = &schema->fields[i], .type = type};
            return true;
        }
    }
    return false;
}

static floe_status find_key(const sql_builder *builder, const floe_ice_data_file *file, int32_t id, scan_key *ret_key,
                            floe_error *err) {
    const floe_ice_metadata *metadata = builder->files->metadata;
    FLOE_AUTO_BUF members = {0};
    floe_buf_init(&members, FLOE_MIB(1));
    bool found = find_in_schema(builder->files->schema, id, ret_key, &members);
    for (size_t i = metadata->schema_count; i > 0 && !found; i--) {
        found = find_in_schema(&metadata->schemas[i - 1], id, ret_key, &members);
    }
    FLOE_ENSURE(found, err, FLOE_CORRUPT,
                "the equality delete file %.*s deletes by the field %d, which no schema of the table has",
                FLOE_STR_ARG(file->path), (int)id);
    bool plain = ret_key->type->kind != FLOE_ICE_STRUCT && ret_key->type->kind != FLOE_ICE_LIST &&
                 ret_key->type->kind != FLOE_ICE_MAP;
    FLOE_ENSURE(plain, err, FLOE_UNSUPPORTED, "the equality delete file %.*s deletes by the nested column \"%.*s\"",
                FLOE_STR_ARG(file->path), FLOE_STR_BRIEF(ret_key->root->name));
    FLOE_TRY(floe_buf_check(&members, err));
    ret_key->members = floe_arena_strndup(builder->arena, members.ptr ? members.ptr : "", members.len);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    return floe_column_check(ret_key->root, err);
}

/* A root column that is read anyway must be read with the same type. */
static floe_status add_root(sql_builder *builder, scan_key_set *set, const floe_ice_field *root,
                            const floe_ice_data_file *file, floe_error *err) {
    for (size_t i = 0; i < set->root_count; i++) {
        if (set->roots[i]->id == root->id) {
            return FLOE_OK;
        }
    }
    set->roots[set->root_count++] = root;
    for (size_t i = 0; i < builder->field_count; i++) {
        if (builder->fields[i]->id == root->id) {
            FLOE_ENSURE(floe_ice_type_same(builder->fields[i]->type, root->type), err, FLOE_UNSUPPORTED,
                        "the equality delete file %.*s deletes by a member of \"%.*s\" that was dropped",
                        FLOE_STR_ARG(file->path), FLOE_STR_BRIEF(root->name));
            return FLOE_OK;
        }
    }
    const floe_ice_field **fields = floe_arena_alloc(builder->arena, builder->field_count + 2, sizeof(*fields));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < builder->field_count; i++) {
        fields[i] = builder->fields[i];
    }
    fields[builder->field_count++] = root;
    builder->fields = fields;
    return FLOE_OK;
}

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The ids in order, which is what makes two delete files of one set. */
static floe_status set_ids(const sql_builder *builder, const floe_ice_data_file *file, int32_t **ret_ids,
                           floe_error *err) {
    int32_t *ids = floe_arena_alloc(builder->arena, file->equality_id_count + 1, sizeof(*ids));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    memcpy(ids, file->equality_ids, file->equality_id_count * sizeof(*ids));
    qsort(ids, file->equality_id_count, sizeof(*ids), compare_ids);
    *ret_ids = ids;
    return FLOE_OK;
}

static floe_status make_set(sql_builder *builder, const floe_ice_data_file *file, const int32_t *ids,
                            scan_key_set **ret_set, floe_error *err) {
    scan_key_set *set = floe_arena_alloc(builder->arena, 1, sizeof(*set));
    scan_key *keys = floe_arena_alloc(builder->arena, file->equality_id_count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    set->keys = keys;
    set->roots = floe_arena_alloc(builder->arena, file->equality_id_count, sizeof(*set->roots));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < file->equality_id_count; i++) {
        FLOE_TRY(find_key(builder, file, ids[i], &keys[set->key_count++], err));
        FLOE_TRY(add_root(builder, set, keys[i].root, file, err));
    }
    *ret_set = set;
    return FLOE_OK;
}

static floe_status find_set(sql_builder *builder, const floe_ice_data_file *file, scan_key_set **ret_set,
                            floe_error *err) {
    int32_t *ids = NULL;
    FLOE_TRY(set_ids(builder, file, &ids, err));
    floe_str key = {(const char *)ids, file->equality_id_count * sizeof(*ids)};
    *ret_set = floe_map_get(&builder->key_sets, key);
    if (*ret_set == NULL) {
        FLOE_TRY(make_set(builder, file, ids, ret_set, err));
        (void)floe_map_put(&builder->key_sets, key, *ret_set);
    }
    return floe_arena_check(builder->arena, err);
}

static floe_status find_sets(sql_builder *builder, const floe_ice_delete_files *deletes, floe_error *err) {
    scan_key_set *ignored = NULL;
    for (size_t i = 0; i < deletes->count; i++) {
        FLOE_TRY(find_set(builder, deletes->files[i], &ignored, err));
    }
    return FLOE_OK;
}

floe_status floe_scan_keys_find(sql_builder *builder, floe_error *err) {
    const floe_ice_deletes *last = NULL; /* neighbours mostly share the ends of lists */
    for (size_t i = 0; i < builder->files->file_count; i++) {
        const floe_ice_deletes *found = builder->files->files[i]->deletes;
        if (found == NULL) {
            continue;
        }
        if (last == NULL || found->equalities.files != last->equalities.files) {
            FLOE_TRY(find_sets(builder, &found->equalities, err));
        }
        if (last == NULL || found->everywhere.files != last->everywhere.files) {
            FLOE_TRY(find_sets(builder, &found->everywhere, err));
        }
        last = found;
    }
    return FLOE_OK;
}

/* ---- batches ---- */

floe_status floe_scan_scope_number(sql_builder *builder, const floe_ice_data_file *file, int64_t *ret_number,
                                   floe_error *err) {
    floe_str key = {(const char *)&file->scope, sizeof(file->scope)};
    uintptr_t number = (uintptr_t)floe_map_get(&builder->scopes, key);
    if (number == 0) {
        number = builder->scopes.count + 1;
        (void)floe_map_put(&builder->scopes, floe_arena_str(builder->arena, key), (void *)number);
    }
    *ret_number = (int64_t)number;
    return floe_arena_check(builder->arena, err);
}

static floe_status find_batch(sql_builder *builder, scan_group *group, const scan_key_set *set, bool everywhere,
                              scan_batch **ret_batch, floe_error *err) {
    for (size_t i = 0; i < group->batches.count; i++) {
        scan_batch *batch = group->batches.items[i];
        if (batch->keys == set && batch->everywhere == everywhere) {
            *ret_batch = batch;
            return FLOE_OK;
        }
    }
    scan_batch *batch = floe_arena_alloc(builder->arena, 1, sizeof(*batch));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *batch = (scan_batch){.keys = set, .everywhere = everywhere, .least_sequence = INT64_MAX, .view = -1};
    floe_ptrs_append(&group->batches, builder->arena, batch);
    *ret_batch = batch;
    return floe_arena_check(builder->arena, err);
}

/* Adds the deletes that are not in a batch of the group yet. */
static floe_status add_deletes(sql_builder *builder, scan_group *group, const floe_ice_delete_files *deletes,
                               bool everywhere, floe_map *seen, floe_error *err) {
    static char present;
    for (size_t i = 0; i < deletes->count; i++) {
        const floe_ice_data_file *file = deletes->files[i];
        scan_key_set *set = NULL;
        scan_batch *batch = NULL;
        if (floe_map_put(seen, file->path, &present) != NULL) {
            continue;
        }
        FLOE_TRY(find_set(builder, file, &set, err));
        FLOE_TRY(find_batch(builder, group, set, everywhere, &batch, err));
        floe_ptrs_append(&batch->deletes, builder->arena, (void *)(uintptr_t)file);
        batch->least_sequence =
            file->sequence_number < batch->least_sequence ? file->sequence_number : batch->least_sequence;
    }
    return floe_arena_check(builder->arena, err);
}

floe_status floe_scan_batches_make(sql_builder *builder, scan_group *group, floe_error *err) {
    floe_map seen;
    const void *scope = NULL;
    bool several = false;
    int64_t most = INT64_MIN;
    floe_map_init(&seen, builder->arena);
    for (size_t i = 0; i < group->file_count; i++) {
        const floe_ice_data_file *file = builder->files->files[group->files[i]];
        if (file->deletes == NULL) {
            continue;
        }
        FLOE_TRY(add_deletes(builder, group, &file->deletes->equalities, false, &seen, err));
        FLOE_TRY(add_deletes(builder, group, &file->deletes->everywhere, true, &seen, err));
        several = several || (scope != NULL && scope != file->scope);
        scope = file->scope;
        most = file->sequence_number > most ? file->sequence_number : most;
    }
    for (size_t i = 0; i < group->batches.count; i++) {
        scan_batch *batch = group->batches.items[i];
        batch->by_sequence = most >= batch->least_sequence;
        batch->by_scope = !batch->everywhere && several;
    }
    return FLOE_OK;
}
