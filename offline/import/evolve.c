/*
 * The schema of an append that may change it (--evolve): the table's columns in their order, promoted where the input's
 * type is wider, then the input's new columns, which may be null. Structs, list elements and map values likewise, at
 * every depth; map keys stay.
 * Source: Iceberg table spec, "Schema Evolution".
 */
#include "offline/import/import_int.h"

#include "core/limits.h"

#include <inttypes.h>

typedef struct evolution {
    floe_import *import;
    int32_t last_id;
    bool changed;
} evolution;

typedef struct merge_place {
    floe_str column; /* top level, for messages */
    bool in_map;     /* the fields are a map's key and value */
    bool is_key;     /* inside a map's key: nothing may change */
} merge_place;

static floe_status merge_fields(evolution *state, const floe_ice_field *former, size_t former_count,
                                const floe_ice_field *input, size_t input_count, const merge_place *place,
                                const floe_ice_field **ret_fields, size_t *ret_count, floe_error *err);

static floe_status refuse(const merge_place *place, const floe_ice_type *input, const floe_ice_type *former,
                          floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(64));
    floe_ice_type_print(input, &text);
    floe_buf_text(&text, " in the input and ");
    floe_ice_type_print(former, &text);
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "column \"%.*s\": the type is %.*s in the table, and neither holds all values of the other; cast it "
        "in --select or name it in --types",
        FLOE_STR_BRIEF(place->column), FLOE_STR_ARG(floe_buf_view(&text)));
}

static const floe_ice_field *field_named(const floe_ice_field *fields, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static floe_status merge_type(evolution *state, const floe_ice_type *former, const floe_ice_type *input,
                              const merge_place *place, const floe_ice_type **ret_type, floe_error *err) {
    *ret_type = former;
    if (floe_ice_is_nested(former) && former->kind == input->kind) {
        floe_ice_type *type = floe_arena_alloc(state->import->arena, 1, sizeof *type);
        FLOE_TRY(floe_arena_check(state->import->arena, err));
        merge_place inner = *place;
        inner.in_map = former->kind == FLOE_ICE_MAP;
        *type = *former;
        *ret_type = type;
        return merge_fields(state, former->fields, former->field_count, input->fields, input->field_count, &inner,
                            &type->fields, &type->field_count, err);
    }
    if (floe_import_type_widens(input, former)) {
        return FLOE_OK;
    }
    if (place->is_key || floe_ice_is_nested(former) || !floe_import_type_widens(former, input)) {
        return refuse(place, input, former, err);
    }
    state->changed = true;
    *ret_type = input;
    return FLOE_OK;
}

/* A new field, and all inside it, may be null and gets ids of its own. */
static floe_status add_field(evolution *state, floe_ice_field *field, floe_error *err) {
    state->changed = true;
    field->id = ++state->last_id;
    field->required = false;
    if (field->type->field_count == 0) {
        return FLOE_OK;
    }
    floe_ice_type *type = floe_arena_alloc(state->import->arena, 1, sizeof *type);
    floe_ice_field *fields = floe_arena_alloc(state->import->arena, field->type->field_count, sizeof *fields);
    FLOE_TRY(floe_arena_check(state->import->arena, err));
    *type = *field->type;
    type->fields = fields;
    for (size_t i = 0; i < type->field_count; i++) {
        fields[i] = field->type->fields[i];
        FLOE_TRY(add_field(state, &fields[i], err));
        fields[i].required = type->kind == FLOE_ICE_MAP && i == 0;
    }
    field->type = type;
    return FLOE_OK;
}

/* The parts of lists and maps have names of floe's own, alike on both sides. */
static floe_status merge_one(evolution *state, floe_ice_field *field, const floe_ice_field *found,
                             const merge_place *place, floe_error *err) {
    merge_place inner = *place;
    inner.column = place->column.ptr ? place->column : field->name;
    if (!found) {
        FLOE_ENSURE(!field->required || field->write_default, err, FLOE_INVALID,
                    "column \"%.*s\": \"%.*s\" is required in the table and not in the input",
                    FLOE_STR_BRIEF(inner.column), FLOE_STR_BRIEF(field->name));
        return FLOE_OK;
    }
    return merge_type(state, field->type, found->type, &inner, &field->type, err);
}

static floe_status merge_fields(evolution *state, const floe_ice_field *former, size_t former_count,
                                const floe_ice_field *input, size_t input_count, const merge_place *place,
                                const floe_ice_field **ret_fields, size_t *ret_count, floe_error *err) {
    floe_ice_field *fields = floe_arena_alloc(state->import->arena, former_count + input_count, sizeof *fields);
    size_t count = former_count;
    FLOE_TRY(floe_arena_check(state->import->arena, err));
    for (size_t i = 0; i < former_count; i++) {
        merge_place inner = *place;
        inner.is_key = place->is_key || (place->in_map && i == 0);
        fields[i] = former[i];
        FLOE_TRY(merge_one(state, &fields[i], field_named(input, input_count, former[i].name), &inner, err));
    }
    for (size_t i = 0; i < input_count; i++) {
        if (!field_named(former, former_count, input[i].name)) {
            FLOE_ENSURE(!place->is_key, err, FLOE_INVALID,
                        "column \"%.*s\": the keys of a map cannot get the member \"%.*s\"",
                        FLOE_STR_BRIEF(place->column), FLOE_STR_BRIEF(input[i].name));
            fields[count] = input[i];
            FLOE_TRY(add_field(state, &fields[count++], err));
        }
    }
    *ret_fields = fields;
    *ret_count = count;
    return FLOE_OK;
}

floe_status floe_import_evolve(floe_import *import, const floe_ice_schema *former, floe_error *err) {
    evolution state = {.import = import, .last_id = import->table->metadata.last_column_id};
    merge_place top = {0};
    floe_ice_field *input = floe_arena_alloc(import->arena, import->column_count, sizeof *input);
    FLOE_TRY(floe_arena_check(import->arena, err));
    for (size_t i = 0; i < import->column_count; i++) {
        input[i] = (floe_ice_field){.name = import->columns[i].name, .type = import->columns[i].type};
    }
    import->schema = *former;
    FLOE_TRY(merge_fields(&state, former->fields, former->field_count, input, import->column_count, &top,
                          &import->schema.fields, &import->schema.field_count, err));
    import->last_column_id = state.last_id;
    if (!state.changed) {
        import->schema = *former;
        return FLOE_OK;
    }
    return floe_import_number_schema(import, err);
}
