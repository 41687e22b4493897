/*
 * Finding the columns of a schema in a file.
 *
 * A file's columns are known by field id. Files that other tools wrote and that were added to a table have none: then
 * the table's name mapping says which names a column may have there. What is found is also checked for a type that can
 * be read as the column's, because the engine would cast anything to anything.
 */
#include "offline/iceberg/plan_int.h"

#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>
#include <strings.h>

static bool is_nested(const floe_ice_type *type) {
    return type->kind == FLOE_ICE_STRUCT || type->kind == FLOE_ICE_LIST || type->kind == FLOE_ICE_MAP;
}

/* ---- types ---- */

/* What DuckDB may call a file's column that is read as one of the kinds: its own type, and those it was promoted from. */
static bool type_fits(const floe_ice_type *type, floe_str found) {
    static const struct {
        floe_ice_kind kind;
        const char *names; /* separated by bars */
    } FITS[] = {
        {FLOE_ICE_BOOLEAN, "BOOLEAN"},
        {FLOE_ICE_INT, "INTEGER|SMALLINT|TINYINT|USMALLINT|UTINYINT"},
        {FLOE_ICE_LONG, "BIGINT|INTEGER|SMALLINT|TINYINT|UINTEGER|USMALLINT|UTINYINT"},
        {FLOE_ICE_FLOAT, "FLOAT"},
        {FLOE_ICE_DOUBLE, "DOUBLE|FLOAT"},
        {FLOE_ICE_DATE, "DATE"},
        {FLOE_ICE_TIME, "TIME"},
        {FLOE_ICE_TIMESTAMP, "TIMESTAMP|TIMESTAMP WITH TIME ZONE"},
        {FLOE_ICE_TIMESTAMPTZ, "TIMESTAMP WITH TIME ZONE|TIMESTAMP"},
        {FLOE_ICE_STRING, "VARCHAR"},
        {FLOE_ICE_UUID, "UUID"},
        {FLOE_ICE_FIXED, "BLOB"},
        {FLOE_ICE_BINARY, "BLOB"},
    };
    for (size_t i = 0; i < sizeof(FITS) / sizeof(FITS[0]); i++) {
        floe_str rest = floe_str_of(FITS[i].names);
        floe_str name = {0};
        while (FITS[i].kind == type->kind && floe_str_split(&rest, '|', &name)) {
            if (floe_str_equal(name, found)) {
                return true;
            }
        }
    }
    return false;
}

/* "DECIMAL(9,2)" of the same scale and no more digits. */
static bool decimal_fits(const floe_ice_type *type, floe_str found) {
    for (int precision = 1; precision <= type->precision; precision++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "DECIMAL(%d,%d)", precision, type->scale);
        if (floe_str_is(found, text)) {
            return true;
        }
    }
    return false;
}

static floe_status check_leaf(const floe_ice_field *field, floe_str found, const char *path, floe_error *err) {
    bool fits =
        field->type->kind == FLOE_ICE_DECIMAL ? decimal_fits(field->type, found) : type_fits(field->type, found);
    FLOE_ENSURE(fits, err, FLOE_UNSUPPORTED, "%s: column \"%.*s\" is of type %.*s, but the file holds %.*s", path,
                FLOE_STR_BRIEF(field->name), FLOE_STR_BRIEF(field->type->text), FLOE_STR_BRIEF(found));
    return FLOE_OK;
}

/* ---- nested columns ---- */

static const floe_parquet_node *find_inside(const floe_parquet_schema *schema, size_t column, int32_t id) {
    for (size_t i = column + 1; i < schema->node_count && schema->nodes[i].depth > 0; i++) {
        if (schema->nodes[i].field_id == id) {
            return &schema->nodes[i];
        }
    }
    return NULL;
}

/* Every member of a nested column must be in the file under its id and its name, because the engine goes by names. */
static floe_status check_members(const floe_parquet_schema *schema, size_t column, const floe_ice_field *field,
                                 const char *path, floe_error *err) {
    for (size_t i = 0; i < field->type->field_count; i++) {
        const floe_ice_field *member = &field->type->fields[i];
        const floe_parquet_node *node = find_inside(schema, column, member->id);
        bool named = field->type->kind == FLOE_ICE_STRUCT;
        FLOE_ENSURE(node != NULL && (!named || floe_str_equal(node->name, member->name)), err, FLOE_UNSUPPORTED,
                    "%s: the nested column \"%.*s\" has no member \"%.*s\" (id %d) there", path,
                    FLOE_STR_BRIEF(schema->nodes[column].name), FLOE_STR_BRIEF(member->name), (int)member->id);
        if (member->type->field_count == 0 && member->type->kind != FLOE_ICE_STRUCT) {
            FLOE_TRY(check_leaf(member, node->type, path, err));
        }
        FLOE_TRY(check_members(schema, column, member, path, err));
    }
    return FLOE_OK;
}

/* ---- name mapping ---- */

static floe_status read_mapping(const floe_ice_metadata *metadata, floe_arena *arena, const floe_node **ret_mapping,
                                floe_error *err) {
    const floe_node *text =
        metadata->properties == NULL ? NULL : floe_node_get(metadata->properties, "schema.name-mapping.default");
    *ret_mapping = NULL;
    if (text == NULL || text->kind != FLOE_NODE_STRING) {
        return FLOE_OK;
    }
    floe_status status = floe_json_parse(arena, text->text, ret_mapping, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "the property schema.name-mapping.default") : status;
}

/* The mapping's entry for a field, or NULL. */
static const floe_node *mapped(const floe_node *mapping, int32_t field_id) {
    for (size_t i = 0; mapping != NULL && mapping->kind == FLOE_NODE_ARRAY && i < mapping->count; i++) {
        int64_t id = -1;
        floe_error ignored = {0};
        bool read = !floe_failed(floe_node_opt_i64(mapping->items[i], "field-id", "a name mapping", &id, &ignored));
        if (read && id == field_id) {
            return mapping->items[i];
        }
    }
    return NULL;
}

static const floe_node *mapped_names(const floe_node *mapping, int32_t field_id) {
    const floe_node *entry = mapped(mapping, field_id);
    const floe_node *names = entry == NULL ? NULL : floe_node_get(entry, "names");
    return names != NULL && names->kind == FLOE_NODE_ARRAY ? names : NULL;
}

static bool lists(const floe_node *names, floe_str name) {
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        if (names->items[i]->kind == FLOE_NODE_STRING && floe_str_equal(names->items[i]->text, name)) {
            return true;
        }
    }
    return false;
}

static bool is_inside(const floe_parquet_schema *schema, size_t column, floe_str name) {
    for (size_t i = column + 1; i < schema->node_count && schema->nodes[i].depth > 0; i++) {
        if (floe_str_equal(schema->nodes[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Without ids the engine's way, by name, is right for members that the mapping knows under the schema's own name. */
static floe_status check_mapped(const floe_parquet_schema *schema, size_t column, const floe_node *mapping,
                                const floe_ice_field *field, const char *path, floe_error *err) {
    const floe_node *entry = mapped(mapping, field->id);
    const floe_node *inner = entry == NULL ? NULL : floe_node_get(entry, "fields");
    for (size_t i = 0; i < field->type->field_count; i++) {
        const floe_ice_field *member = &field->type->fields[i];
        bool named = field->type->kind == FLOE_ICE_STRUCT;
        bool found =
            !named || (lists(mapped_names(inner, member->id), member->name) && is_inside(schema, column, member->name));
        FLOE_ENSURE(found, err, FLOE_UNSUPPORTED,
                    "%s: the nested column \"%.*s\" has no field ids, and the name mapping does not find its member "
                    "\"%.*s\" under that name",
                    path, FLOE_STR_BRIEF(schema->nodes[column].name), FLOE_STR_BRIEF(member->name));
        FLOE_TRY(check_mapped(schema, column, inner, member, path, err));
    }
    return FLOE_OK;
}

static size_t find_by_names(const floe_parquet_schema *schema, const floe_node *names) {
    for (size_t n = 0; names != NULL && n < names->count; n++) {
        for (size_t i = 0; i < schema->node_count; i++) {
            if (schema->nodes[i].depth == 0 && names->items[n]->kind == FLOE_NODE_STRING &&
                floe_str_equal(schema->nodes[i].name, names->items[n]->text)) {
                return i;
            }
        }
    }
    return SIZE_MAX;
}

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
    const floe_parquet_schema *schema;
    const char *path;
    const floe_node *mapping; /* NULL: the file has ids */
    bool by_name;
} place_file;

static floe_status place_found(const place_file *file, size_t column, const floe_ice_field *field,
                               floe_column_place *ret_place, floe_error *err) {
    const floe_parquet_node *node = &file->schema->nodes[column];
    if (!is_nested(field->type)) {
        FLOE_TRY(check_leaf(field, node->type, file->path, err));
    } else if (file->mapping == NULL) {
        FLOE_TRY(check_members(file->schema, column, field, file->path, err));
    } else {
        FLOE_TRY(check_mapped(file->schema, column, file->mapping, field, file->path, err));
    }
    ret_place->source = file->by_name ? FLOE_COLUMN_BY_NAME : FLOE_COLUMN_BY_ID;
    ret_place->name = node->name;
    return FLOE_OK;
}

static floe_status look_at_file(const floe_ice_metadata *metadata, floe_arena *arena, place_file *file,
                                floe_error *err) {
    id_count ids = count_ids(file->schema);
    file->by_name = ids.with_id < ids.columns;
    if (ids.with_id == 0 && ids.columns > 0) {
        FLOE_TRY(read_mapping(metadata, arena, &file->mapping, err));
        FLOE_ENSURE(file->mapping != NULL, err, FLOE_UNSUPPORTED,
                    "%s: its columns have no field ids, and the table has no name mapping "
                    "(schema.name-mapping.default)",
                    file->path);
    }
    return file->by_name ? check_names(file->schema, file->path, err) : FLOE_OK;
}

floe_status floe_columns_place(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, const char *path,
                               const floe_ice_field *const *fields, size_t count, floe_arena *arena,
                               floe_column_place *ret_places, floe_error *err) {
    place_file file = {.schema = schema, .path = path};
    FLOE_TRY(look_at_file(metadata, arena, &file, err));
    for (size_t i = 0; i < count; i++) {
        size_t column = file.mapping != NULL ? find_by_names(schema, mapped_names(file.mapping, fields[i]->id))
                                             : find_by_id(schema, fields[i]->id);
        ret_places[i] = (floe_column_place){.source = FLOE_COLUMN_MISSING};
        if (column != SIZE_MAX) {
            FLOE_TRY(place_found(&file, column, fields[i], &ret_places[i], err));
        }
    }
    return FLOE_OK;
}
