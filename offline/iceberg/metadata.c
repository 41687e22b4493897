/*
 * Table metadata of format versions 1, 2 and 3 into one model.
 *
 * What version 1 left out is filled in as the spec says: one `schema` for `schemas`, one `partition-spec` for
 * `partition-specs`, partition field ids from 1000, sequence numbers 0. A `current-snapshot-id` of -1 is none.
 */
#include "offline/iceberg/metadata.h"

#include "core/json.h"
#include "core/limits.h"
#include "offline/iceberg/codec.h"
#include "offline/iceberg/corrupt.h"

static const char WHAT[] = "the table metadata";

static const floe_node *get_list(const floe_node *json, const char *key) {
    const floe_node *list = floe_node_get(json, key);
    return list != NULL && list->kind == FLOE_NODE_ARRAY ? list : NULL;
}

static floe_status opt_i32(const floe_node *json, const char *key, int32_t *ret_value, floe_error *err) {
    int64_t wide = *ret_value;
    FLOE_TRY(floe_node_opt_i64(json, key, WHAT, &wide, err));
    FLOE_ENSURE(wide >= INT32_MIN && wide <= INT32_MAX, err, FLOE_CORRUPT, "%s: %s is %lld, no 32-bit number", WHAT,
                key, (long long)wide);
    *ret_value = (int32_t)wide;
    return FLOE_OK;
}

static void *new_items(floe_arena *arena, size_t count, size_t len) {
    return floe_arena_alloc(arena, count + 1, len); /* one more, so that an empty list has an address too */
}

/* ---- schemas ---- */

static floe_status decode_schemas(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata,
                                  floe_error *err) {
    const floe_node *list = get_list(root, "schemas");
    const floe_node *single = floe_node_get(root, "schema");
    size_t count = list != NULL ? list->count : 0;
    FLOE_ENSURE(count > 0 || single != NULL, err, FLOE_CORRUPT, "%s has no schema", WHAT);
    floe_ice_schema *schemas = new_items(arena, count, sizeof(*schemas));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_ice_schema_decode(list->items[i], arena, &schemas[i], err));
    }
    if (count == 0) {
        FLOE_TRY(floe_ice_schema_decode(single, arena, &schemas[0], err));
        count = 1;
    }
    metadata->schemas = schemas;
    metadata->schema_count = count;
    metadata->current_schema_id = schemas[count - 1].schema_id;
    FLOE_TRY(opt_i32(root, "current-schema-id", &metadata->current_schema_id, err));
    FLOE_ENSURE(floe_ice_schema_by_id(metadata, metadata->current_schema_id) != NULL, err, FLOE_CORRUPT,
                "%s has no schema with the current id %d", WHAT, (int)metadata->current_schema_id);
    return FLOE_OK;
}

/* ---- partition specs ---- */

static floe_status decode_partition_field(const floe_node *json, size_t index, floe_ice_partition_field *ret_field,
                                          floe_error *err) {
    floe_str transform = {0};
    int32_t source_id = -1;
    int32_t field_id = 1000 + (int32_t)index; /* as version 1 writers counted */
    FLOE_TRY(opt_i32(json, "source-id", &source_id, err));
    FLOE_TRY(opt_i32(json, "field-id", &field_id, err));
    FLOE_TRY(floe_node_need_str(json, "name", "a partition field", &ret_field->name, err));
    FLOE_TRY(floe_node_need_str(json, "transform", "a partition field", &transform, err));
    floe_ice_transform_parse(transform, ret_field);
    bool several = get_list(json, "source-ids") != NULL;
    FLOE_ENSURE(source_id >= 0 || several, err, FLOE_CORRUPT, "the partition field \"%.*s\" has no source-id",
                FLOE_STR_BRIEF(ret_field->name));
    if (several) {
        ret_field->transform = FLOE_TRANSFORM_UNKNOWN; /* of several columns: prunes nothing */
    }
    ret_field->source_id = source_id;
    ret_field->field_id = field_id;
    return FLOE_OK;
}

floe_status floe_ice_spec_fields_decode(const floe_node *list, floe_arena *arena, floe_ice_spec *ret_spec,
                                        floe_error *err) {
    floe_ice_partition_field *fields = new_items(arena, list->count, sizeof(*fields));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < list->count; i++) {
        FLOE_TRY(decode_partition_field(list->items[i], i, &fields[i], err));
    }
    ret_spec->fields = fields;
    ret_spec->field_count = list->count;
    return FLOE_OK;
}

static floe_status decode_spec(const floe_node *json, floe_arena *arena, floe_ice_spec *ret_spec, floe_error *err) {
    int64_t id = 0;
    FLOE_TRY(floe_node_need_i64(json, "spec-id", "a partition spec", &id, err));
    FLOE_ENSURE(id >= 0 && id <= INT32_MAX, err, FLOE_CORRUPT, "a partition spec has the id %lld", (long long)id);
    ret_spec->spec_id = (int32_t)id;
    const floe_node *fields = get_list(json, "fields");
    FLOE_ENSURE(fields != NULL, err, FLOE_CORRUPT, "the partition spec %lld has no fields", (long long)id);
    return floe_ice_spec_fields_decode(fields, arena, ret_spec, err);
}

static floe_status decode_specs(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata,
                                floe_error *err) {
    const floe_node *list = get_list(root, "partition-specs");
    const floe_node *single = get_list(root, "partition-spec");
    size_t count = list != NULL ? list->count : 0;
    FLOE_ENSURE(count > 0 || single != NULL, err, FLOE_CORRUPT, "%s has no partition spec", WHAT);
    floe_ice_spec *specs = new_items(arena, count, sizeof(*specs));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(decode_spec(list->items[i], arena, &specs[i], err));
    }
    if (count == 0) {
        FLOE_TRY(floe_ice_spec_fields_decode(single, arena, &specs[0], err));
        count = 1;
    }
    metadata->specs = specs;
    metadata->spec_count = count;
    metadata->default_spec_id = specs[count - 1].spec_id;
    return opt_i32(root, "default-spec-id", &metadata->default_spec_id, err);
}

/* ---- snapshots ---- */

static floe_status decode_manifests(const floe_node *json, floe_arena *arena, floe_ice_snapshot *ret_snapshot,
                                    floe_error *err) {
    const floe_node *list = get_list(json, "manifests");
    FLOE_ENSURE(list != NULL, err, FLOE_CORRUPT, "the snapshot %lld has neither manifest-list nor manifests",
                (long long)ret_snapshot->snapshot_id);
    floe_str *paths = new_items(arena, list->count, sizeof(*paths));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < list->count; i++) {
        FLOE_ENSURE(list->items[i]->kind == FLOE_NODE_STRING, err, FLOE_CORRUPT,
                    "the snapshot %lld has a manifest that is no path", (long long)ret_snapshot->snapshot_id);
        paths[i] = list->items[i]->text;
    }
    ret_snapshot->manifests = paths;
    ret_snapshot->manifest_count = list->count;
    return FLOE_OK;
}

static floe_status decode_snapshot(const floe_node *json, floe_arena *arena, floe_ice_snapshot *ret_snapshot,
                                   floe_error *err) {
    static const char what[] = "a snapshot";
    ret_snapshot->parent_id = -1;
    ret_snapshot->schema_id = -1;
    FLOE_TRY(floe_node_need_i64(json, "snapshot-id", what, &ret_snapshot->snapshot_id, err));
    FLOE_TRY(floe_node_need_i64(json, "timestamp-ms", what, &ret_snapshot->timestamp_ms, err));
    FLOE_TRY(floe_node_opt_i64(json, "parent-snapshot-id", what, &ret_snapshot->parent_id, err));
    FLOE_TRY(floe_node_opt_i64(json, "sequence-number", what, &ret_snapshot->sequence_number, err));
    FLOE_TRY(floe_node_opt_str(json, "manifest-list", what, &ret_snapshot->manifest_list, err));
    FLOE_TRY(opt_i32(json, "schema-id", &ret_snapshot->schema_id, err));
    const floe_node *summary = floe_node_get(json, "summary");
    if (summary != NULL && summary->kind == FLOE_NODE_OBJECT) {
        ret_snapshot->summary = summary;
        FLOE_TRY(floe_node_opt_str(summary, "operation", what, &ret_snapshot->operation, err));
    }
    return ret_snapshot->manifest_list.len > 0 ? FLOE_OK : decode_manifests(json, arena, ret_snapshot, err);
}

static floe_status decode_snapshots(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata,
                                    floe_error *err) {
    const floe_node *list = get_list(root, "snapshots");
    size_t count = list != NULL ? list->count : 0;
    floe_ice_snapshot *snapshots = new_items(arena, count, sizeof(*snapshots));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(decode_snapshot(list->items[i], arena, &snapshots[i], err));
    }
    metadata->snapshots = snapshots;
    metadata->snapshot_count = count;
    return FLOE_OK;
}

/* The branch main and the current snapshot are one; either may be left out. */
static floe_status decode_current(const floe_node *root, floe_ice_metadata *metadata, floe_error *err) {
    const floe_node *refs = floe_node_get(root, "refs");
    const floe_node *main_ref = refs != NULL && refs->kind == FLOE_NODE_OBJECT ? floe_node_get(refs, "main") : NULL;
    int64_t current = INT64_MIN;
    int64_t branch = INT64_MIN;
    FLOE_TRY(floe_node_opt_i64(root, "current-snapshot-id", WHAT, &current, err));
    FLOE_TRY(main_ref != NULL ? floe_node_need_i64(main_ref, "snapshot-id", "a ref", &branch, err) : FLOE_OK);
    FLOE_ENSURE(current == INT64_MIN || branch == INT64_MIN || current == branch, err, FLOE_CORRUPT,
                "%s has the current snapshot %lld, but its branch main is at %lld", WHAT, (long long)current,
                (long long)branch);
    current = current == INT64_MIN ? branch : current;
    metadata->current_snapshot_id = current == INT64_MIN ? -1 : current;
    bool known =
        metadata->current_snapshot_id == -1 || floe_ice_snapshot_by_id(metadata, metadata->current_snapshot_id) != NULL;
    FLOE_ENSURE(known, err, FLOE_CORRUPT, "%s has no snapshot with the current id %lld", WHAT,
                (long long)metadata->current_snapshot_id);
    return FLOE_OK;
}

static floe_status decode_log(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata, floe_error *err) {
    const floe_node *list = get_list(root, "snapshot-log");
    size_t count = list != NULL ? list->count : 0;
    floe_ice_log_entry *log = new_items(arena, count, sizeof(*log));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_node_need_i64(list->items[i], "snapshot-id", "the snapshot-log", &log[i].snapshot_id, err));
        FLOE_TRY(floe_node_need_i64(list->items[i], "timestamp-ms", "the snapshot-log", &log[i].timestamp_ms, err));
    }
    metadata->log = log;
    metadata->log_count = count;
    return FLOE_OK;
}

/* Writers before refs existed have only the current snapshot: it is the branch main. */
static void add_main(floe_ice_ref *refs, size_t *count, const floe_ice_metadata *metadata) {
    bool found = metadata->current_snapshot_id == -1;
    for (size_t i = 0; i < *count && !found; i++) {
        found = floe_str_is(refs[i].name, "main");
    }
    if (!found) {
        refs[(*count)++] = (floe_ice_ref){FLOE_STR("main"), metadata->current_snapshot_id, true};
    }
}

static floe_status decode_refs(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata, floe_error *err) {
    const floe_node *object = floe_node_get(root, "refs");
    size_t count = object != NULL && object->kind == FLOE_NODE_OBJECT ? object->count : 0;
    floe_ice_ref *refs = new_items(arena, count, sizeof(*refs));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        const floe_node *ref = object->members[i].value;
        floe_str type = {0};
        FLOE_TRY(floe_node_need_i64(ref, "snapshot-id", "a ref", &refs[i].snapshot_id, err));
        FLOE_TRY(floe_node_need_str(ref, "type", "a ref", &type, err));
        refs[i].name = object->members[i].key;
        refs[i].is_branch = !floe_str_is(type, "tag");
    }
    add_main(refs, &count, metadata);
    metadata->refs = refs;
    metadata->ref_count = count;
    return FLOE_OK;
}

/* ---- the document ---- */

static floe_status decode_version(const floe_node *root, floe_ice_metadata *metadata, floe_error *err) {
    int64_t version = 0;
    FLOE_ENSURE(root->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT, "%s is no JSON object", WHAT);
    FLOE_TRY(floe_node_need_i64(root, "format-version", WHAT, &version, err));
    FLOE_ENSURE(version >= 1, err, FLOE_CORRUPT, "%s has the format version %lld", WHAT, (long long)version);
    FLOE_ENSURE(version <= 3, err, FLOE_UNSUPPORTED, "Iceberg format version %lld; floe knows 1 to 3",
                (long long)version);
    metadata->format_version = (int)version;
    return FLOE_OK;
}

static floe_status decode_numbers(const floe_node *root, floe_ice_metadata *metadata, floe_error *err) {
    metadata->last_partition_id = 999;
    FLOE_TRY(floe_node_opt_i64(root, "last-sequence-number", WHAT, &metadata->last_sequence_number, err));
    FLOE_TRY(floe_node_opt_i64(root, "last-updated-ms", WHAT, &metadata->last_updated_ms, err));
    FLOE_TRY(opt_i32(root, "last-column-id", &metadata->last_column_id, err));
    FLOE_TRY(opt_i32(root, "last-partition-id", &metadata->last_partition_id, err));
    return opt_i32(root, "default-sort-order-id", &metadata->default_sort_order_id, err);
}

static floe_status decode_root(const floe_node *root, floe_arena *arena, floe_ice_metadata *metadata, floe_error *err) {
    FLOE_TRY(decode_version(root, metadata, err));
    FLOE_ENSURE(floe_node_get(root, "view-uuid") == NULL && floe_node_get(root, "versions") == NULL, err,
                FLOE_UNSUPPORTED, "this describes a view and not a table; floe reads tables");
    FLOE_TRY(floe_node_opt_str(root, "table-uuid", WHAT, &metadata->table_uuid, err));
    FLOE_TRY(floe_node_need_str(root, "location", WHAT, &metadata->location, err));
    FLOE_TRY(decode_numbers(root, metadata, err));
    FLOE_TRY(decode_schemas(root, arena, metadata, err));
    FLOE_TRY(decode_specs(root, arena, metadata, err));
    FLOE_TRY(decode_snapshots(root, arena, metadata, err));
    FLOE_TRY(decode_current(root, metadata, err));
    FLOE_TRY(decode_log(root, arena, metadata, err));
    FLOE_TRY(decode_refs(root, arena, metadata, err));
    const floe_node *properties = floe_node_get(root, "properties");
    metadata->properties = properties != NULL && properties->kind == FLOE_NODE_OBJECT ? properties : NULL;
    metadata->root = root;
    return FLOE_OK;
}

static bool is_gzip(floe_str bytes) {
    return bytes.len >= 2 && (uint8_t)bytes.ptr[0] == 0x1f && (uint8_t)bytes.ptr[1] == 0x8b;
}

static floe_status plain_text(floe_str bytes, floe_arena *arena, floe_str *ret_text, floe_error *err) {
    if (!is_gzip(bytes)) {
        *ret_text = bytes;
        return FLOE_OK;
    }
    FLOE_AUTO_BUF plain = {0};
    floe_buf_init(&plain, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(floe_inflate_gzip(bytes, &plain, err));
    *ret_text = floe_arena_str(arena, floe_buf_view(&plain));
    return floe_arena_check(arena, err);
}

/* Parses a document; one that holds ids without their signs is no JSON of ours at first. */
static floe_status parse(floe_str text, floe_arena *arena, const floe_node **ret_root, floe_error *err) {
    FLOE_AUTO_BUF again = {0};
    floe_error failure = {0};
    floe_buf_init(&again, FLOE_LIMIT_METADATA_BYTES);
    floe_status status = floe_json_parse(arena, text, ret_root, &failure);
    if (!floe_failed(status)) {
        return status;
    }
    if (floe_metadata_sign_ids(text, &again)) {
        FLOE_TRY(floe_buf_check(&again, err));
        return floe_json_parse(arena, floe_arena_str(arena, floe_buf_view(&again)), ret_root, err);
    }
    return FLOE_FAIL(err, failure.code, "%s", failure.message);
}

floe_status floe_metadata_decode(floe_str bytes, floe_arena *arena, floe_ice_metadata *ret_metadata, floe_error *err) {
    floe_str text = {0};
    const floe_node *root = NULL;
    floe_ice_metadata metadata = {0};
    FLOE_TRY(plain_text(bytes, arena, &text, err));
    FLOE_TRY(floe_as_corrupt(parse(text, arena, &root, err), err));
    FLOE_TRY(floe_as_corrupt(decode_root(root, arena, &metadata, err), err));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_metadata = metadata;
    return FLOE_OK;
}

floe_status floe_metadata_read(floe_fs *fs, const char *path, floe_arena *arena, floe_ice_metadata *ret_metadata,
                               floe_error *err) {
    floe_str bytes = {0};
    FLOE_TRY(floe_fs_read_arena(fs, path, FLOE_LIMIT_METADATA_BYTES, arena, &bytes, err));
    floe_status status = floe_metadata_decode(bytes, arena, ret_metadata, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "%s", path) : status;
}

/* ---- version 3 ---- */

static bool has_members(const floe_node *node) {
    return node != NULL && (node->kind == FLOE_NODE_ARRAY || node->kind == FLOE_NODE_OBJECT) && node->count > 0;
}

bool floe_metadata_is_encrypted(const floe_ice_metadata *metadata) {
    return has_members(floe_node_get(metadata->root, "encryption-keys"));
}
