/*
 * Looking things up in table metadata, and types as text and as floe's own.
 */
#include "offline/iceberg/model.h"

#include <string.h>

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
    if (floe_ice_is_nanoseconds(type)) {
        return floe_type_nanoseconds(type->kind == FLOE_ICE_TIMESTAMPTZ_NS);
    }
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

/* ---- copying ---- */

static floe_str copy_text(floe_str text, floe_arena *arena) {
    static const floe_str PARQUET = {"PARQUET", 7};
    if (text.ptr == NULL || floe_str_equal(text, PARQUET)) {
        return text.ptr == NULL ? text : PARQUET;
    }
    return floe_arena_str(arena, text);
}

static const floe_value *copy_values(const floe_value *values, size_t count, floe_arena *arena) {
    floe_value *copy = values == NULL ? NULL : floe_arena_alloc(arena, count + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = values[i];
        bool bytes = values[i].type.kind == FLOE_KIND_STRING || values[i].type.kind == FLOE_KIND_BYTES;
        if (bytes && !values[i].is_null) {
            copy[i].as.bytes = floe_arena_str(arena, values[i].as.bytes);
        }
    }
    return copy;
}

static const floe_ice_count_entry *copy_counts(const floe_ice_count_entry *entries, size_t count, floe_arena *arena) {
    floe_ice_count_entry *copy = count == 0 ? NULL : floe_arena_alloc(arena, count, sizeof(*copy));
    if (copy != NULL) {
        memcpy(copy, entries, count * sizeof(*copy));
    }
    return copy;
}

static const floe_ice_bytes_entry *copy_bounds(const floe_ice_bytes_entry *entries, size_t count, floe_arena *arena) {
    floe_ice_bytes_entry *copy = count == 0 ? NULL : floe_arena_alloc(arena, count, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = (floe_ice_bytes_entry){entries[i].field_id, copy_text(entries[i].bytes, arena)};
    }
    return copy;
}

floe_status floe_ice_data_file_copy(const floe_ice_data_file *file, floe_arena *arena, floe_ice_data_file **ret_copy,
                                    floe_error *err) {
    floe_ice_data_file *copy = floe_arena_alloc(arena, 1, sizeof(*copy));
    FLOE_TRY(floe_arena_check(arena, err));
    *copy = *file;
    copy->path = copy_text(file->path, arena);
    copy->format = copy_text(file->format, arena);
    copy->referenced_path = copy_text(file->referenced_path, arena);
    copy->partition = copy_values(file->partition, file->partition_count, arena);
    copy->value_counts = copy_counts(file->value_counts, file->value_count_count, arena);
    copy->null_counts = copy_counts(file->null_counts, file->null_count_count, arena);
    copy->nan_counts = copy_counts(file->nan_counts, file->nan_count_count, arena);
    copy->column_sizes = copy_counts(file->column_sizes, file->column_size_count, arena);
    copy->lower_bounds = copy_bounds(file->lower_bounds, file->lower_count, arena);
    copy->upper_bounds = copy_bounds(file->upper_bounds, file->upper_count, arena);
    int32_t *ids = file->equality_id_count == 0 ? NULL : floe_arena_alloc(arena, file->equality_id_count, sizeof(*ids));
    if (ids != NULL) {
        memcpy(ids, file->equality_ids, file->equality_id_count * sizeof(*ids));
    }
    copy->equality_ids = ids;
    *ret_copy = copy;
    return floe_arena_check(arena, err);
}
