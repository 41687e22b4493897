/*
 * Cells of the engine's vectors as floe's values, for the functions that floe adds to SQL; and back.
 */
#include "offline/engine/duckdb_int.h"

#include "core/time.h"

static floe_type type_of(duckdb_logical_type logical) {
    static const struct {
        duckdb_type type;
        floe_kind kind;
    } kinds[] = {
        {DUCKDB_TYPE_BOOLEAN, FLOE_KIND_BOOL},        {DUCKDB_TYPE_INTEGER, FLOE_KIND_INT32},
        {DUCKDB_TYPE_BIGINT, FLOE_KIND_INT64},        {DUCKDB_TYPE_FLOAT, FLOE_KIND_FLOAT},
        {DUCKDB_TYPE_DOUBLE, FLOE_KIND_DOUBLE},       {DUCKDB_TYPE_VARCHAR, FLOE_KIND_STRING},
        {DUCKDB_TYPE_BLOB, FLOE_KIND_BYTES},          {DUCKDB_TYPE_DATE, FLOE_KIND_DATE},
        {DUCKDB_TYPE_TIMESTAMP, FLOE_KIND_TIMESTAMP}, {DUCKDB_TYPE_TIMESTAMP_TZ, FLOE_KIND_TIMESTAMP},
        {DUCKDB_TYPE_DECIMAL, FLOE_KIND_DECIMAL},
    };
    floe_type type = {0};
    duckdb_type id = duckdb_get_type_id(logical);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].type == id) {
            type.kind = kinds[i].kind;
        }
    }
    if (type.kind == FLOE_KIND_DECIMAL) {
        type.precision = duckdb_decimal_width(logical);
        type.scale = duckdb_decimal_scale(logical);
    }
    return type;
}

floe_vector floe_vector_of(duckdb_vector vector) {
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    floe_vector made = {.type = type_of(logical), .storage = duckdb_get_type_id(logical)};
    if (made.type.kind == FLOE_KIND_DECIMAL) {
        made.storage = duckdb_decimal_internal_type(logical);
    }
    duckdb_destroy_logical_type(&logical);
    made.data = duckdb_vector_get_data(vector);
    made.validity = duckdb_vector_get_validity(vector);
    return made;
}

static __int128 whole_at(const floe_vector *vector, idx_t row) {
    switch (vector->storage) {
    case DUCKDB_TYPE_SMALLINT:
        return ((const int16_t *)vector->data)[row];
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
        return ((const int32_t *)vector->data)[row];
    case DUCKDB_TYPE_HUGEINT: {
        duckdb_hugeint huge = ((const duckdb_hugeint *)vector->data)[row];
        return (__int128)(((unsigned __int128)(uint64_t)huge.upper << 64) | huge.lower);
    }
    default:
        return ((const int64_t *)vector->data)[row];
    }
}

void floe_vector_get(const floe_vector *vector, idx_t row, floe_value *ret_value) {
    *ret_value = (floe_value){.type = vector->type};
    ret_value->is_null = vector->type.kind == FLOE_KIND_NONE ||
                         (vector->validity && !duckdb_validity_row_is_valid(vector->validity, row));
    if (ret_value->is_null) {
        return;
    }
    switch (vector->type.kind) {
    case FLOE_KIND_BOOL:
        ret_value->as.boolean = ((const bool *)vector->data)[row];
        break;
    case FLOE_KIND_FLOAT:
        ret_value->as.real = (double)((const float *)vector->data)[row];
        break;
    case FLOE_KIND_DOUBLE:
        ret_value->as.real = ((const double *)vector->data)[row];
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES: {
        duckdb_string_t *text = &((duckdb_string_t *)(uintptr_t)vector->data)[row];
        ret_value->as.bytes = (floe_str){duckdb_string_t_data(text), duckdb_string_t_length(*text)};
        break;
    }
    case FLOE_KIND_DECIMAL:
        ret_value->as.decimal = whole_at(vector, row);
        break;
    default:
        ret_value->as.integer = (int64_t)whole_at(vector, row);
        break;
    }
}
