/*
 * Looking things up in table metadata, and types as text and as floe's own.
 */
#include "offline/iceberg/model.h"

const floe_ice_schema *floe_ice_schema_by_id(const floe_ice_metadata *metadata, int32_t schema_id) {
    for (size_t i = 0; i < metadata->schema_count; i++) {
        if (metadata->schemas[i].schema_id == schema_id) {
            return &metadata->schemas[i];
        }
    }
    return NULL;
}

const floe_ice_spec *floe_ice_spec_by_id(const floe_ice_metadata *metadata, int32_t spec_id) {
    for (size_t i = 0; i < metadata->spec_count; i++) {
        if (metadata->specs[i].spec_id == spec_id) {
            return &metadata->specs[i];
        }
    }
    return NULL;
}

const floe_ice_snapshot *floe_ice_snapshot_by_id(const floe_ice_metadata *metadata, int64_t snapshot_id) {
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        if (metadata->snapshots[i].snapshot_id == snapshot_id) {
            return &metadata->snapshots[i];
        }
    }
    return NULL;
}

const floe_ice_field *floe_ice_field_by_id(const floe_ice_schema *schema, int32_t field_id) {
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].id == field_id) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

const floe_ice_field *floe_ice_field_by_name(const floe_ice_schema *schema, floe_str name) {
    for (size_t i = 0; i < schema->field_count; i++) {
        if (floe_str_equal(schema->fields[i].name, name)) {
            return &schema->fields[i];
        }
    }
    return NULL;
}

static floe_kind primitive_kind(floe_ice_kind kind) {
    switch (kind) {
    case FLOE_ICE_BOOLEAN:
        return FLOE_KIND_BOOL;
    case FLOE_ICE_INT:
        return FLOE_KIND_INT32;
    case FLOE_ICE_LONG:
        return FLOE_KIND_INT64;
    case FLOE_ICE_FLOAT:
        return FLOE_KIND_FLOAT;
    case FLOE_ICE_DOUBLE:
        return FLOE_KIND_DOUBLE;
    case FLOE_ICE_DECIMAL:
        return FLOE_KIND_DECIMAL;
    case FLOE_ICE_DATE:
        return FLOE_KIND_DATE;
    case FLOE_ICE_TIMESTAMP:
    case FLOE_ICE_TIMESTAMPTZ:
        return FLOE_KIND_TIMESTAMP;
    case FLOE_ICE_STRING:
        return FLOE_KIND_STRING;
    case FLOE_ICE_BINARY:
        return FLOE_KIND_BYTES;
    default:
        return FLOE_KIND_NONE;
    }
}

floe_type floe_ice_type_to_floe(const floe_ice_type *type) {
    bool list = type->kind == FLOE_ICE_LIST;
    const floe_ice_type *item = list ? type->fields[0].type : type;
    floe_kind kind = primitive_kind(item->kind);
    if (kind == FLOE_KIND_NONE) {
        return (floe_type){.kind = FLOE_KIND_NONE};
    }
    return (floe_type){.kind = list ? FLOE_KIND_LIST : kind,
                       .element = list ? kind : FLOE_KIND_NONE,
                       .precision = item->precision,
                       .scale = item->scale};
}

void floe_ice_type_print(const floe_ice_type *type, floe_buf *out) {
    if (type->kind == FLOE_ICE_LIST || type->kind == FLOE_ICE_MAP) {
        floe_buf_text(out, type->kind == FLOE_ICE_LIST ? "list<" : "map<");
        for (size_t i = 0; i < type->field_count; i++) {
            floe_buf_text(out, i > 0 ? ", " : "");
            floe_ice_type_print(type->fields[i].type, out);
        }
        floe_buf_byte(out, '>');
        return;
    }
    if (type->kind != FLOE_ICE_STRUCT) {
        floe_buf_str(out, type->text);
        return;
    }
    floe_buf_text(out, "struct<");
    for (size_t i = 0; i < type->field_count; i++) {
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_buf_str(out, type->fields[i].name);
        floe_buf_text(out, ": ");
        floe_ice_type_print(type->fields[i].type, out);
    }
    floe_buf_byte(out, '>');
}

bool floe_ice_type_same(const floe_ice_type *a, const floe_ice_type *b) {
    bool same = a->kind == b->kind && a->precision == b->precision && a->scale == b->scale &&
                a->fixed_len == b->fixed_len && a->field_count == b->field_count &&
                (a->kind != FLOE_ICE_OTHER || floe_str_equal(a->text, b->text));
    for (size_t i = 0; i < a->field_count && same; i++) {
        const floe_ice_field *x = &a->fields[i];
        const floe_ice_field *y = &b->fields[i];
        same = x->id == y->id && floe_str_equal(x->name, y->name) && floe_ice_type_same(x->type, y->type);
    }
    return same;
}
