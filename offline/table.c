/*
 * Opening a table, and what can be said about it from its metadata alone.
 */
#include "offline/lake_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLE_ARENA FLOE_GIB(8)

/* ---- open ---- */

/* A path and not a name: it names no catalog and holds a slash, ends like a metadata file or is there; or it names one and holds a
 * slash, but is there. */
static bool is_path(floe_lake *lake, const char *reference) {
    floe_str text = floe_str_of(reference);
    floe_str catalog = text;
    floe_str rest = text;
    (void)floe_str_split(&rest, '.', &catalog);
    bool slash = memchr(reference, '/', text.len) != NULL;
    bool is_file = floe_str_ends_with(text, FLOE_STR(".json")) || floe_str_ends_with(text, FLOE_STR(".json.gz"));
    bool there = floe_file_exists(reference) || floe_file_is_dir(reference);
    return floe_lake_catalog(lake, catalog) == NULL ? slash || is_file || there : slash && there;
}

static void use_mirror(floe_table *table, floe_mirror *mirror) {
    if (mirror != NULL) {
        table->moved.mirror = mirror;
        table->fs = floe_mirror_fs(mirror);
    }
}

/* A table that is named by its path lies in the store that the environment names, or its files may. */
static floe_status use_environment(floe_table *table, const char *reference, floe_error *err) {
    floe_mirror *mirror = NULL;
    if (floe_path_is_object(floe_str_of(reference)) || getenv("AWS_ACCESS_KEY_ID") != NULL) {
        FLOE_TRY(floe_lake_mirror(table->lake, &mirror, err));
    }
    use_mirror(table, mirror);
    return FLOE_OK;
}

static floe_status locate_path(floe_table *table, const char *reference, floe_error *err) {
    const char *path = NULL;
    FLOE_TRY(use_environment(table, reference, err));
    FLOE_TRY(floe_path_resolve(&table->moved, floe_str_of(reference), &table->arena, &path, err));
    bool is_object = floe_path_is_object(floe_str_of(reference));
    if (is_object && floe_str_ends_with(floe_str_of(path), FLOE_STR(".json"))) {
        table->metadata_path = path; /* what cannot be read is said when it is read */
        return FLOE_OK;
    }
    if (is_object || table->fs->ops->is_dir(table->fs, path)) {
        return floe_catalog_newest_metadata(table->fs, path, &table->arena, &table->metadata_path, err);
    }
    FLOE_ENSURE(table->fs->ops->exists(table->fs, path), err, FLOE_NOT_FOUND,
                "no table at %s: neither a folder nor a metadata file", path);
    table->metadata_path = path;
    return FLOE_OK;
}

static floe_status no_catalog(floe_lake *lake, const char *reference, floe_error *err) {
    if (lake->catalog_count == 0) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "no table \"%s\": the project has no catalogs, and no such path exists",
                         reference);
    }
    const char *names[32];
    size_t count = lake->catalog_count < 32 ? lake->catalog_count : 32;
    for (size_t i = 0; i < count; i++) {
        names[i] = floe_arena_str(&lake->arena, lake->catalogs[i]->name).ptr;
    }
    FLOE_TRY(floe_arena_check(&lake->arena, err));
    floe_str rest = floe_str_of(reference);
    floe_str catalog = {0};
    (void)floe_str_split(&rest, '.', &catalog);
    const char *nearest = floe_str_nearest(catalog, names, count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no catalog \"%.*s\" for the table \"%s\"%s%s%s%s%s", FLOE_STR_BRIEF(catalog),
                     reference, FLOE_HINT(nearest), nearest ? "" : "; the first is ", nearest ? "" : names[0]);
}

/* Names the table that was probably meant; a list that cannot be read changes nothing about the finding. */
static void suggest(floe_lake *lake, const char *reference, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    const floe_table_name *names = NULL;
    size_t count = 0;
    floe_error ignored = {0};
    if (err == NULL || floe_failed(floe_table_list(lake, &arena, &names, &count, &ignored)) || count == 0) {
        return;
    }
    const char **texts = floe_arena_alloc(&arena, count, sizeof(*texts));
    for (size_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = names[i].full.ptr;
    }
    const char *nearest = texts == NULL ? NULL : floe_str_nearest(floe_str_of(reference), texts, count);
    if (nearest != NULL) {
        size_t at = strlen(err->message);
        snprintf(err->message + at, sizeof(err->message) - at, "%s%s%s", FLOE_HINT(nearest));
    }
}

static floe_status locate_name(floe_table *table, const char *reference, floe_error *err) {
    floe_str catalog_name;
    floe_str namespace_name;
    floe_str table_name;
    floe_str rest = floe_str_of(reference);
    floe_str first = {0};
    (void)floe_str_split(&rest, '.', &first);
    if (floe_lake_catalog(table->lake, first) == NULL) {
        return no_catalog(table->lake, reference, err);
    }
    FLOE_TRY(floe_table_reference_split(floe_str_of(reference), &catalog_name, &namespace_name, &table_name, err));
    floe_catalog *catalog = floe_lake_catalog(table->lake, catalog_name);
    floe_catalog_entry entry;
    floe_status status = floe_catalog_locate(catalog, namespace_name, table_name, &table->arena, &entry, err);
    if (status.code == FLOE_NOT_FOUND) {
        suggest(table->lake, reference, err);
    }
    FLOE_TRY(status);
    table->metadata_path = entry.metadata_path;
    table->moved = catalog->moved;
    use_mirror(table, entry.mirror);
    return FLOE_OK;
}

static floe_status set_moved(floe_table *table, const char *moved_from, const char *moved_to, floe_error *err) {
    FLOE_ENSURE((moved_from == NULL) == (moved_to == NULL), err, FLOE_INVALID,
                "a table that was moved needs both prefixes: where it was and where it is");
    if (moved_from != NULL) {
        FLOE_ENSURE(moved_from[0] != 0 && moved_to[0] != 0, err, FLOE_INVALID, "a moved prefix is empty");
        table->moved.from = floe_arena_str(&table->arena, floe_str_of(moved_from));
        table->moved.to = floe_arena_str(&table->arena, floe_str_of(moved_to));
    }
    return floe_arena_check(&table->arena, err);
}

floe_status floe_table_open(floe_lake *lake, const char *reference, const char *moved_from, const char *moved_to,
                            floe_table **ret_table, floe_error *err) {
    __attribute__((cleanup(floe_table_close))) floe_table *table = NULL;
    FLOE_ENSURE(reference[0] != 0, err, FLOE_INVALID, "the table's name is empty");
    FLOE_TRY(floe_alloc(1, sizeof(*table), &table, err));
    floe_arena_init(&table->arena, TABLE_ARENA);
    table->lake = lake;
    table->fs = floe_fs_local();
    table->name = floe_arena_str(&table->arena, floe_str_of(reference));
    FLOE_TRY(is_path(lake, reference) ? locate_path(table, reference, err) : locate_name(table, reference, err));
    FLOE_TRY(set_moved(table, moved_from, moved_to, err));
    FLOE_TRY(floe_metadata_read(table->fs, table->metadata_path, &table->arena, &table->metadata, err));
    *ret_table = table;
    table = NULL;
    return FLOE_OK;
}

void floe_table_close(floe_table **table) {
    if (*table != NULL) {
        floe_arena_close(&(*table)->arena);
        floe_free(*table);
        *table = NULL;
    }
}

const floe_ice_metadata *floe_table_metadata(const floe_table *table) {
    return &table->metadata;
}

/* ---- describe ---- */

static floe_str type_text(const floe_ice_type *type, floe_arena *arena) {
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    floe_ice_type_print(type, &text);
    return floe_arena_str(arena, floe_buf_view(&text));
}

static floe_status describe_columns(const floe_ice_metadata *metadata, floe_arena *arena, floe_table_info *info,
                                    floe_error *err) {
    const floe_ice_schema *schema = floe_ice_schema_by_id(metadata, metadata->current_schema_id);
    floe_table_column *columns = floe_arena_alloc(arena, schema->field_count + 1, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < schema->field_count; i++) {
        const floe_ice_field *field = &schema->fields[i];
        columns[i] = (floe_table_column){.name = field->name,
                                         .field_id = field->id,
                                         .type = floe_ice_type_to_floe(field->type),
                                         .type_text = type_text(field->type, arena),
                                         .doc = field->doc,
                                         .required = field->required};
    }
    info->columns = columns;
    info->column_count = schema->field_count;
    return floe_arena_check(arena, err);
}

/* "month(date), bucket[16](id)"; a source column that was dropped is named by its id. */
static floe_str partition_text(const floe_ice_metadata *metadata, floe_arena *arena) {
    const floe_ice_spec *spec = floe_ice_spec_by_id(metadata, metadata->default_spec_id);
    const floe_ice_schema *schema = floe_ice_schema_by_id(metadata, metadata->current_schema_id);
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    for (size_t i = 0; spec != NULL && i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        const floe_ice_field *source = floe_ice_field_by_id(schema, field->source_id);
        floe_buf_text(&text, i > 0 ? ", " : "");
        floe_buf_str(&text, field->transform_text);
        if (source != NULL) {
            floe_buf_printf(&text, "(%.*s)", FLOE_STR_ARG(source->name));
        } else {
            floe_buf_printf(&text, "(#%d)", (int)field->source_id);
        }
    }
    return floe_arena_str(arena, floe_buf_view(&text));
}

/* A count of a snapshot's summary, which holds texts; -1 where it is missing or no number. */
static int64_t summary_count(const floe_ice_snapshot *snapshot, const char *key) {
    floe_str text = {0};
    int64_t count = -1;
    floe_error ignored = {0};
    if (snapshot == NULL || snapshot->summary == NULL ||
        floe_failed(floe_node_opt_str(snapshot->summary, key, "a summary", &text, &ignored)) || text.len == 0 ||
        floe_failed(floe_str_to_i64(text, &count, &ignored))) {
        return -1;
    }
    return count;
}

floe_status floe_table_describe(floe_table *table, floe_arena *arena, floe_table_info *ret_info, floe_error *err) {
    const floe_ice_metadata *metadata = &table->metadata;
    const floe_ice_snapshot *snapshot =
        metadata->current_snapshot_id == -1 ? NULL : floe_ice_snapshot_by_id(metadata, metadata->current_snapshot_id);
    floe_table_info info = {.name = table->name,
                            .location = metadata->location,
                            .metadata_path = floe_str_of(table->metadata_path),
                            .uuid = metadata->table_uuid,
                            .format_version = metadata->format_version,
                            .partition_text = partition_text(metadata, arena),
                            .snapshot_id = metadata->current_snapshot_id,
                            .snapshot_us = snapshot ? floe_ice_ms_to_us(snapshot->timestamp_ms) : 0,
                            .record_count = snapshot ? summary_count(snapshot, "total-records") : 0,
                            .file_count = snapshot ? summary_count(snapshot, "total-data-files") : 0};
    const floe_node *comment = metadata->properties ? floe_node_get(metadata->properties, "comment") : NULL;
    info.comment = comment != NULL && comment->kind == FLOE_NODE_STRING ? comment->text : FLOE_STR("");
    FLOE_TRY(describe_columns(metadata, arena, &info, err));
    *ret_info = info;
    return FLOE_OK;
}

/* ---- snapshots ---- */

static floe_str refs_text(const floe_ice_metadata *metadata, int64_t snapshot_id, floe_arena *arena) {
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    for (size_t i = 0; i < metadata->ref_count; i++) {
        const floe_ice_ref *ref = &metadata->refs[i];
        if (ref->snapshot_id == snapshot_id) {
            floe_buf_text(&text, text.len > 0 ? ", " : "");
            floe_buf_text(&text, ref->is_branch ? "" : "tag:");
            floe_buf_str(&text, ref->name);
        }
    }
    return floe_arena_str(arena, floe_buf_view(&text));
}

floe_status floe_table_snapshots(floe_table *table, floe_arena *arena, const floe_snapshot_info **ret_snapshots,
                                 size_t *ret_count, floe_error *err) {
    const floe_ice_metadata *metadata = &table->metadata;
    floe_snapshot_info *infos = floe_arena_alloc(arena, metadata->snapshot_count + 1, sizeof(*infos));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const floe_ice_snapshot *snapshot = &metadata->snapshots[i];
        infos[i] = (floe_snapshot_info){.snapshot_id = snapshot->snapshot_id,
                                        .parent_id = snapshot->parent_id,
                                        .sequence_number = snapshot->sequence_number,
                                        .committed_us = floe_ice_ms_to_us(snapshot->timestamp_ms),
                                        .operation = snapshot->operation,
                                        .added_records = summary_count(snapshot, "added-records"),
                                        .total_records = summary_count(snapshot, "total-records"),
                                        .refs = refs_text(metadata, snapshot->snapshot_id, arena)};
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_snapshots = infos;
    *ret_count = metadata->snapshot_count;
    return FLOE_OK;
}
