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

static bool is_nested(const floe_ice_type *type) {
    return type->kind == FLOE_ICE_STRUCT || type->kind == FLOE_ICE_LIST || type->kind == FLOE_ICE_MAP;
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

static const floe_node *mapped_names(const floe_node *mapping, int32_t field_id) {
    for (size_t i = 0; mapping->kind == FLOE_NODE_ARRAY && i < mapping->count; i++) {
        int64_t id = -1;
        floe_error ignored = {0};
        const floe_node *names = floe_node_get(mapping->items[i], "names");
        bool read = !floe_failed(floe_node_opt_i64(mapping->items[i], "field-id", "a name mapping", &id, &ignored));
        if (read && id == field_id && names != NULL && names->kind == FLOE_NODE_ARRAY) {
            return names;
        }
    }
    return NULL;
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

static floe_status place_found(const floe_parquet_schema *schema, size_t column, const floe_ice_field *field,
                               const char *path, bool by_name, floe_column_place *ret_place, floe_error *err) {
    const floe_parquet_node *node = &schema->nodes[column];
    if (is_nested(field->type)) {
        FLOE_TRY(check_members(schema, column, field, path, err));
    } else {
        FLOE_TRY(check_leaf(field, node->type, path, err));
    }
    ret_place->source = by_name ? FLOE_COLUMN_BY_NAME : FLOE_COLUMN_BY_ID;
    ret_place->name = node->name;
    return FLOE_OK;
}

floe_status floe_columns_place(const floe_ice_metadata *metadata, const floe_parquet_schema *schema, const char *path,
                               const floe_ice_field *const *fields, size_t count, floe_arena *arena,
                               floe_column_place *ret_places, floe_error *err) {
    id_count ids = count_ids(schema);
    bool unnumbered = ids.with_id == 0 && ids.columns > 0;
    const floe_node *mapping = NULL;
    if (unnumbered) {
        FLOE_TRY(read_mapping(metadata, arena, &mapping, err));
        FLOE_ENSURE(mapping != NULL, err, FLOE_UNSUPPORTED,
                    "%s: its columns have no field ids, and the table has no name mapping "
                    "(schema.name-mapping.default)",
                    path);
    }
    bool by_name = ids.with_id < ids.columns;
    if (by_name) {
        FLOE_TRY(check_names(schema, path, err));
    }
    for (size_t i = 0; i < count; i++) {
        size_t column = unnumbered ? find_by_names(schema, mapped_names(mapping, fields[i]->id))
                                   : find_by_id(schema, fields[i]->id);
        ret_places[i] = (floe_column_place){.source = FLOE_COLUMN_MISSING};
        if (column != SIZE_MAX) {
            FLOE_TRY(place_found(schema, column, fields[i], path, by_name, &ret_places[i], err));
        }
    }
    return FLOE_OK;
}
