/*
 * The schema of an import: new field ids for a new table, the table's own schema for an append, and for a replacement a
 * new one that keeps the ids of columns that stay (same name, and every former value still fits).
 */
#include "offline/import/import_int.h"

#include "core/limits.h"

#include <inttypes.h>

/* ---- ids ---- */

typedef struct id_giver {
    floe_arena *arena;
    int32_t last_id;
} id_giver;

static const floe_ice_field *former_of(const floe_ice_field *former, size_t former_count, const floe_ice_field *field) {
    for (size_t i = 0; i < former_count; i++) {
        bool same = floe_str_equal(former[i].name, field->name);
        bool nested = field->type->field_count > 0 && field->type->kind == former[i].type->kind;
        if (same && (nested || floe_import_type_widens(former[i].type, field->type))) {
            return &former[i];
        }
    }
    return NULL;
}

static floe_ice_field *give_ids(id_giver *giver, const floe_ice_field *fields, size_t count,
                                const floe_ice_field *former, size_t former_count);

static const floe_ice_type *type_with_ids(id_giver *giver, const floe_ice_field *field, const floe_ice_field *former) {
    floe_ice_type *type = floe_arena_alloc(giver->arena, 1, sizeof *type);
    if (!type) {
        return NULL;
    }
    *type = *field->type;
    if (type->field_count > 0) {
        type->fields = give_ids(giver, type->fields, type->field_count, former ? former->type->fields : NULL,
                                former ? former->type->field_count : 0);
    }
    return type;
}

/* All fields of a level get their ids before any field inside them, as Iceberg's own writers do. NULL: out of memory. */
static floe_ice_field *give_ids(id_giver *giver, const floe_ice_field *fields, size_t count,
                                const floe_ice_field *former, size_t former_count) {
    floe_ice_field *given = floe_arena_alloc(giver->arena, count, sizeof *given);
    for (size_t i = 0; given && i < count; i++) {
        const floe_ice_field *match = former_of(former, former_count, &fields[i]);
        given[i] = fields[i];
        given[i].id = match ? match->id : ++giver->last_id;
        given[i].doc = match ? match->doc : (floe_str){0};
    }
    for (size_t i = 0; given && i < count; i++) {
        given[i].type = type_with_ids(giver, &given[i], former_of(former, former_count, &fields[i]));
    }
    return given;
}

/* ---- append ---- */

bool floe_import_keeps_schema(const floe_import_request *request) {
    return request->mode == FLOE_IMPORT_APPEND || request->mode == FLOE_IMPORT_OVERWRITE;
}

static floe_status mismatch(const import_column *column, const floe_ice_field *field, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(64));
    floe_ice_type_print(column->type, &text);
    floe_buf_text(&text, ", the table's ");
    floe_ice_type_print(field->type, &text);
    return FLOE_FAIL(err, FLOE_INVALID,
                     "column \"%.*s\": the input's type is %.*s; cast it in --select or name it in "
                     "--types",
                     FLOE_STR_BRIEF(column->name), FLOE_STR_ARG(floe_buf_view(&text)));
}

static floe_status match_columns(floe_import *import, const floe_ice_schema *schema, floe_error *err) {
    for (size_t i = 0; i < import->column_count; i++) {
        const import_column *column = &import->columns[i];
        const floe_ice_field *field = floe_ice_field_by_name(schema, column->name);
        FLOE_ENSURE(field, err, FLOE_INVALID, "the table has no column \"%.*s\": leave it out with --select",
                    FLOE_STR_BRIEF(column->name));
        if (!floe_import_type_widens(column->type, field->type)) {
            return mismatch(column, field, err);
        }
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        bool there = false;
        for (size_t c = 0; c < import->column_count && !there; c++) {
            there = floe_str_equal(import->columns[c].name, schema->fields[i].name);
        }
        FLOE_ENSURE(
            there, err, FLOE_INVALID,
            "the input has no column \"%.*s\", the table does: to leave it empty select NULL with its type under "
            "that name",
            FLOE_STR_BRIEF(schema->fields[i].name));
    }
    return FLOE_OK;
}

static floe_status append_schema(floe_import *import, floe_error *err) {
    const floe_ice_metadata *metadata = &import->table->metadata;
    const floe_ice_schema *schema = floe_ice_schema_by_id(metadata, metadata->current_schema_id);
    FLOE_ENSURE(schema, err, FLOE_CORRUPT, "%s: the current schema %" PRId32 " is not in the metadata",
                import->table->metadata_path, metadata->current_schema_id);
    FLOE_ENSURE(!import->request->describe, err, FLOE_INVALID,
                "descriptions belong to a new or replaced table: leave --describe out with --append");
    if (import->request->evolve) {
        return floe_import_evolve(import, schema, err);
    }
    FLOE_TRY(match_columns(import, schema, err));
    import->schema = *schema;
    import->last_column_id = metadata->last_column_id;
    return FLOE_OK;
}

/* ---- create and replace ---- */

static floe_ice_field *plain_fields(floe_import *import) {
    floe_ice_field *fields = floe_arena_alloc(import->arena, import->column_count, sizeof *fields);
    for (size_t i = 0; fields && i < import->column_count; i++) {
        fields[i] = (floe_ice_field){.name = import->columns[i].name, .type = import->columns[i].type};
    }
    return fields;
}

static floe_status new_schema(floe_import *import, floe_error *err) {
    const floe_ice_metadata *metadata = import->table ? &import->table->metadata : NULL;
    const floe_ice_schema *former = metadata ? floe_ice_schema_by_id(metadata, metadata->current_schema_id) : NULL;
    id_giver giver = {import->arena, metadata ? metadata->last_column_id : 0};
    floe_ice_field *plain = plain_fields(import);
    FLOE_TRY(floe_arena_check(import->arena, err));
    floe_ice_field *fields =
        give_ids(&giver, plain, import->column_count, former ? former->fields : NULL, former ? former->field_count : 0);
    FLOE_TRY(floe_arena_check(import->arena, err));
    if (import->request->describe) {
        FLOE_TRY(floe_import_describe(import, fields, import->column_count, err));
    }
    import->schema = (floe_ice_schema){.fields = fields, .field_count = import->column_count};
    import->last_column_id = giver.last_id;
    return metadata ? floe_import_number_schema(import, err) : FLOE_OK;
}

floe_status floe_import_schema(floe_import *import, floe_error *err) {
    FLOE_ENSURE(import->column_count > 0, err, FLOE_INVALID, "the input has no columns");
    return floe_import_keeps_schema(import->request) ? append_schema(import, err) : new_schema(import, err);
}
