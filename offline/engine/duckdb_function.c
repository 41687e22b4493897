/*
 * Functions that floe adds to SQL. So far one: floe_murmur3, which Iceberg's bucket transform needs and DuckDB lacks.
 * It takes what is hashed (BIGINT, HUGEINT for the unscaled value of a decimal, BLOB, VARCHAR) and gives the hash as
 * INTEGER without its sign bit; null stays null.
 */
#include "offline/engine/duckdb_int.h"

#include "offline/iceberg/murmur3.h"

static uint32_t hash_at(duckdb_type type, void *data, idx_t row) {
    if (type == DUCKDB_TYPE_BIGINT) {
        return floe_ice_murmur3_i64(((int64_t *)data)[row]);
    }
    if (type == DUCKDB_TYPE_HUGEINT) {
        duckdb_hugeint value = ((duckdb_hugeint *)data)[row];
        return floe_ice_murmur3_decimal((__int128)value.upper * ((__int128)1 << 64) + (__int128)value.lower);
    }
    duckdb_string_t *text = &((duckdb_string_t *)data)[row];
    return floe_ice_murmur3(duckdb_string_t_data(text), duckdb_string_t_length(*text));
}

static void murmur3(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    (void)info;
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    duckdb_type type = duckdb_get_type_id(logical);
    duckdb_destroy_logical_type(&logical);
    void *data = duckdb_vector_get_data(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    int32_t *hashes = duckdb_vector_get_data(output);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        if (!validity || duckdb_validity_row_is_valid(validity, row)) {
            hashes[row] = (int32_t)(hash_at(type, data, row) & INT32_MAX);
        } else {
            duckdb_vector_ensure_validity_writable(output);
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
        }
    }
}

static void add_overload(duckdb_scalar_function_set set, duckdb_type type) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type parameter = duckdb_create_logical_type(type);
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
    duckdb_scalar_function_set_name(function, "floe_murmur3");
    duckdb_scalar_function_add_parameter(function, parameter);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_scalar_function_set_function(function, murmur3);
    (void)duckdb_add_scalar_function_to_set(set, function);
    duckdb_destroy_logical_type(&parameter);
    duckdb_destroy_logical_type(&result);
    duckdb_destroy_scalar_function(&function);
}

floe_status floe_duckdb_register_functions(duckdb_connection connection, floe_error *err) {
    duckdb_scalar_function_set set = duckdb_create_scalar_function_set("floe_murmur3");
    add_overload(set, DUCKDB_TYPE_BIGINT);
    add_overload(set, DUCKDB_TYPE_HUGEINT);
    add_overload(set, DUCKDB_TYPE_BLOB);
    add_overload(set, DUCKDB_TYPE_VARCHAR);
    duckdb_state state = duckdb_register_scalar_function_set(connection, set);
    duckdb_destroy_scalar_function_set(&set);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function floe_murmur3");
    return FLOE_OK;
}
