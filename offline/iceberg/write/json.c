/*
 * Schemas, types and partition specs as JSON, for table metadata and the headers of manifests.
 * Source: Iceberg table spec, Appendix C, "JSON serialization".
 */
#include "offline/iceberg/write/write.h"

#include "core/limits.h"

/* floe_json_raw puts the comma that is due; the node then follows as it stands. */
static void put_default(floe_json_writer *writer, const char *key, const floe_node *value) {
    if (value) {
        floe_json_key(writer, key);
        floe_json_raw(writer, FLOE_STR(""));
        floe_json_print(value, writer->out);
    }
}

static void write_field(floe_json_writer *writer, const floe_ice_field *field) {
    floe_json_object_begin(writer);
    floe_json_key(writer, "id");
    floe_json_int(writer, field->id);
    floe_json_key(writer, "name");
    floe_json_string(writer, field->name);
    floe_json_key(writer, "required");
    floe_json_bool(writer, field->required);
    floe_json_key(writer, "type");
    floe_ice_write_type_json(writer, field->type);
    if (field->doc.len > 0) {
        floe_json_key(writer, "doc");
        floe_json_string(writer, field->doc);
    }
    put_default(writer, "initial-default", field->initial_default);
    put_default(writer, "write-default", field->write_default);
    floe_json_object_end(writer);
}

static void write_fields(floe_json_writer *writer, const floe_ice_field *fields, size_t count) {
    floe_json_key(writer, "fields");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        write_field(writer, &fields[i]);
    }
    floe_json_array_end(writer);
}

/* The member of a list or map: "element-id", "element", "element-required". */
static void write_member(floe_json_writer *writer, const char *const names[3], const floe_ice_field *field) {
    floe_json_key(writer, names[0]);
    floe_json_int(writer, field->id);
    floe_json_key(writer, names[1]);
    floe_ice_write_type_json(writer, field->type);
    if (names[2]) {
        floe_json_key(writer, names[2]);
        floe_json_bool(writer, field->required);
    }
}

void floe_ice_write_type_json(floe_json_writer *writer, const floe_ice_type *type) {
    static const char *const ELEMENT[] = {"element-id", "element", "element-required"};
    static const char *const KEY[] = {"key-id", "key", NULL};
    static const char *const VALUE[] = {"value-id", "value", "value-required"};
    if (type->kind != FLOE_ICE_STRUCT && type->kind != FLOE_ICE_LIST && type->kind != FLOE_ICE_MAP) {
        floe_json_string(writer, type->text);
        return;
    }
    floe_json_object_begin(writer);
    floe_json_key(writer, "type");
    if (type->kind == FLOE_ICE_STRUCT) {
        floe_json_text(writer, "struct");
        write_fields(writer, type->fields, type->field_count);
    } else if (type->kind == FLOE_ICE_LIST) {
        floe_json_text(writer, "list");
        write_member(writer, ELEMENT, &type->fields[0]);
    } else {
        floe_json_text(writer, "map");
        write_member(writer, KEY, &type->fields[0]);
        write_member(writer, VALUE, &type->fields[1]);
    }
    floe_json_object_end(writer);
}

void floe_ice_write_schema_json(floe_json_writer *writer, const floe_ice_schema *schema) {
    floe_json_object_begin(writer);
    floe_json_key(writer, "type");
    floe_json_text(writer, "struct");
    floe_json_key(writer, "schema-id");
    floe_json_int(writer, schema->schema_id);
    put_default(writer, "identifier-field-ids", schema->identifier_ids);
    write_fields(writer, schema->fields, schema->field_count);
    floe_json_object_end(writer);
}

void floe_ice_write_spec_fields_json(floe_json_writer *writer, const floe_ice_spec *spec) {
    floe_json_array_begin(writer);
    for (size_t i = 0; i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        floe_json_object_begin(writer);
        floe_json_key(writer, "source-id");
        floe_json_int(writer, field->source_id);
        floe_json_key(writer, "field-id");
        floe_json_int(writer, field->field_id);
        floe_json_key(writer, "name");
        floe_json_string(writer, field->name);
        floe_json_key(writer, "transform");
        floe_json_string(writer, field->transform_text);
        floe_json_object_end(writer);
    }
    floe_json_array_end(writer);
}
