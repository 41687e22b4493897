/*
 * Finding the columns of a schema in a file.
 *
 * A file's columns are known by field id. Files that other tools wrote and that were added to a table have none: then
 * the table's name mapping gives them ids (name_mapping.c). What is found is also checked for a type that can
 * be read as the column's.
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <strings.h>

static size_t find_by_id(const floe_parquet_schema *schema, int32_t field_id) {
    for (size_t i = 0; i < schema->node_count; i++) {
        if (schema->nodes[i].depth == 0 && schema->nodes[i].field_id == field_id) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* ---- placing ---- */

typedef struct id_count {
    size_t columns, with_id;
} id_count;

static id_count count_ids(const floe_parquet_schema *schema) {
    id_count count = {0};
    for (size_t i = 0; i < schema->node_count; i++) {
        if (schema->nodes[i].depth == 0) {
            count.columns++;
            count.with_id += schema->nodes[i].field_id >= 0 ? 1 : 0;
        }
    }
    return count;
}

/* The engine gives a list or map the field id of the repeated node inside it, where that has one, as the elements of lists of two levels
 * do: the column's own id then finds nothing, and its name must be used. */
static bool hides_an_id(const floe_parquet_schema *schema) {
    bool hides = false;
    for (size_t i = 0; i < schema->node_count && !hides; i++) {
        hides = schema->nodes[i].depth == 1 && schema->nodes[i].repeated && schema->nodes[i].field_id >= 0;
    }
    return hides;
}

/* Names address columns only while no two are the same to the engine, which ignores case. */
static floe_status check_names(const floe_parquet_schema *schema, const char *path, floe_error *err) {
    for (size_t i = 0; i < schema->node_count; i++) {
        for (size_t k = 0; k < i; k++) {
            floe_str a = schema->nodes[k].name;
            floe_str b = schema->nodes[i].name;
            bool both = schema->nodes[i].depth == 0 && schema->nodes[k].depth == 0;
            FLOE_ENSURE(!both || a.len != b.len || strncasecmp(a.ptr, b.ptr, a.len) != 0, err, FLOE_UNSUPPORTED,
                        "%s: not every column has a field id, and the names \"%.*s\" and \"%.*s\" differ only in case",
                        path, FLOE_STR_BRIEF(a), FLOE_STR_BRIEF(b));
        }
    }
    return FLOE_OK;
}

/* One file as columns are looked for in it. */
typedef struct place_file {
    floe_parquet_schema schema; /* with the ids that count */
    const char *path;
    bool by_name;
    int format_version;
} place_file;

/* Texts that their writer did not mark as such are bytes to the engine, whose cast would write them out in hexadecimal; and the other
 * way round. False where it is neither. */
static floe_status place_bytes(const floe_parquet_node *node, const floe_ice_field *field, floe_arena *arena,
                               floe_column_place *ret_place, bool *ret_done, floe_error *err) {
    bool decode = field->type->kind == FLOE_ICE_STRING && floe_str_is(node->type, "BLOB");
    bool encode = field->type->kind == FLOE_ICE_BINARY && floe_str_is(node->type, "VARCHAR");
    *ret_done = decode || encode;
    if (*ret_done) {
        ret_place->read_type = decode ? FLOE_STR("BLOB") : FLOE_STR("VARCHAR");
        ret_place->expression =
            floe_str_of(floe_arena_printf(arena, "%s(c%d)", decode ? "decode" : "encode", (int)field->id));
    }
    return floe_arena_check(arena, err);
}

/* Nanoseconds in a column of microseconds are read where they are whole microseconds. Any other is refused: cut down, it would come
 * before what happened later within its microsecond. */
static floe_status place_nanoseconds(const floe_parquet_node *node, const floe_ice_field *field, floe_arena *arena,
                                     floe_column_place *ret_place, bool *ret_done, floe_error *err) {
    bool micros = field->type->kind == FLOE_ICE_TIMESTAMP || field->type->kind == FLOE_ICE_TIMESTAMPTZ;
    *ret_done = micros && floe_str_is(node->type, "TIMESTAMP_NS");
    if (*ret_done) {
        int id = (int)field->id;
        ret_place->read_type = FLOE_STR("TIMESTAMP_NS");
        ret_place->expression = floe_str_of(
            floe_arena_printf(arena,
                              "CASE WHEN epoch_ns(c%d) %% 1000 <> 0 THEN error('a time in nanoseconds that are no "
                              "whole microseconds, in the "
                              "column with the field id %d, whose type is %s') ELSE c%d::TIMESTAMP END",
                              id, id, field->type->kind == FLOE_ICE_TIMESTAMP ? "timestamp" : "timestamptz", id));
    }
    return floe_arena_check(arena, err);
}

/* Bytes of any kind, of a file whose own statistics must not be asked: the engine asks them for bare columns alone. */
static floe_status place_doubtful(const place_file *file, const floe_ice_field *field, floe_arena *arena,
                                  floe_column_place *ret_place, floe_error *err) {
    floe_ice_kind kind = field->type->kind;
    bool bytes = kind == FLOE_ICE_STRING || kind == FLOE_ICE_BINARY || kind == FLOE_ICE_FIXED ||
                 kind == FLOE_ICE_UUID || kind == FLOE_ICE_DECIMAL || floe_ice_is_nested(field->type);
    if (file->schema.doubtful && bytes && ret_place->expression.ptr == NULL) {
        ret_place->expression = floe_str_of(floe_arena_printf(arena, "coalesce(c%d, NULL)", (int)field->id));
    }
    return floe_arena_check(arena, err);
}

static floe_status place_found(const place_file *file, size_t column, const floe_ice_field *field, floe_arena *arena,
                               floe_column_place *ret_place, floe_error *err) {
    const floe_parquet_node *node = &file->schema.nodes[column];
    ret_place->source = file->by_name ? FLOE_COLUMN_BY_NAME : FLOE_COLUMN_BY_ID;
    ret_place->name = node->name;
    ret_place->cut =
        field->type->kind == FLOE_ICE_TIMESTAMPTZ_NS && floe_str_is(node->type, "TIMESTAMP_NS WITH TIME ZONE");
    ret_place->zoned = !floe_ice_is_nested(field->type) && floe_str_is(node->type, "TIMESTAMP WITH TIME ZONE") &&
                       (field->type->kind == FLOE_ICE_TIMESTAMP || field->type->kind == FLOE_ICE_TIMESTAMPTZ);
    bool done = false;
    FLOE_TRY(place_bytes(node, field, arena, ret_place, &done, err));
    if (!done) {
        FLOE_TRY(place_nanoseconds(node, field, arena, ret_place, &done, err));
    }
    if (done) {
        return FLOE_OK;
    }
    FLOE_TRY(
        floe_ice_is_nested(field->type)
            ? floe_nested_place(&file->schema, column, file->path, field, file->format_version, arena, ret_place, err)
            : floe_leaf_check(field, file->format_version, node->type, file->path, err));
    return place_doubtful(file, field, arena, ret_place, err);
}

static floe_status look_at_file(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, floe_arena *arena,
                                place_file *file, floe_error *err) {
    id_count ids = count_ids(schema);
    file->schema = *schema;
    file->by_name = ids.with_id < ids.columns || hides_an_id(schema);
    if (ids.with_id == 0 && ids.columns > 0) {
        FLOE_TRY(floe_name_mapping_apply(metadata, schema, file->path, arena, &file->schema, err));
    }
    return file->by_name ? check_names(schema, file->path, err) : FLOE_OK;
}

floe_status floe_columns_place(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, const char *path,
                               const floe_ice_field *const *fields, size_t count, floe_arena *arena,
                               floe_column_place *ret_places, floe_error *err) {
    place_file file = {.path = path, .format_version = metadata->format_version};
    FLOE_TRY(look_at_file(metadata, schema, arena, &file, err));
    for (size_t i = 0; i < count; i++) {
        size_t column = find_by_id(&file.schema, fields[i]->id);
        ret_places[i] = (floe_column_place){.source = FLOE_COLUMN_MISSING};
        if (column != SIZE_MAX) {
            FLOE_TRY(place_found(&file, column, fields[i], arena, &ret_places[i], err));
        }
    }
    return FLOE_OK;
}
