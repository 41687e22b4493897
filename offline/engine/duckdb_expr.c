/*
 * Floe's own evaluator inside the engine, for the part of the expression language that SQL would compute differently:
 * arithmetic, CASE and functions.
 *
 *   floe_eval_bool | int | real | text | bytes (expression VARCHAR, columns STRUCT) → BOOLEAN | BIGINT | DOUBLE | VARCHAR | BLOB
 *
 * The expression is what floe_expr_print wrote, its columns are the fields of the struct. Dates come out as days,
 * timestamps as microseconds, decimals as text. A chunk parses and binds its expression once.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"

typedef struct result_kind {
    const char *name;
    duckdb_type type;
} result_kind;

static const result_kind result_kinds[] = {{"floe_eval_bool", DUCKDB_TYPE_BOOLEAN},
                                           {"floe_eval_int", DUCKDB_TYPE_BIGINT},
                                           {"floe_eval_real", DUCKDB_TYPE_DOUBLE},
                                           {"floe_eval_text", DUCKDB_TYPE_VARCHAR},
                                           {"floe_eval_bytes", DUCKDB_TYPE_BLOB}};

/* The fields of one chunk. */
typedef struct fields {
    floe_column *columns;
    floe_vector *vectors;
    floe_value *row;
    size_t count;
} fields;

static floe_status open_fields(duckdb_vector vector, floe_arena *arena, fields *ret_fields, floe_error *err) {
    duckdb_logical_type type = duckdb_vector_get_column_type(vector);
    size_t count = duckdb_get_type_id(type) == DUCKDB_TYPE_STRUCT ? duckdb_struct_type_child_count(type) : 0;
    fields made = {floe_arena_alloc(arena, count + 1, sizeof(floe_column)),
                   floe_arena_alloc(arena, count + 1, sizeof(floe_vector)),
                   floe_arena_alloc(arena, count + 1, sizeof(floe_value)), count};
    for (size_t i = 0; !arena->overflow && i < count; i++) {
        char *name = duckdb_struct_type_child_name(type, i);
        made.vectors[i] = floe_vector_of(duckdb_struct_vector_get_child(vector, i));
        made.columns[i] = (floe_column){floe_str_of(floe_arena_strdup(arena, name)), made.vectors[i].type};
        duckdb_free(name);
    }
    duckdb_destroy_logical_type(&type);
    *ret_fields = made;
    return floe_arena_check(arena, err);
}

static void put_null(duckdb_vector output, idx_t row) {
    duckdb_vector_ensure_validity_writable(output);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(output), row);
}

static void put_text(duckdb_vector output, idx_t row, const floe_value *value) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(4));
    floe_str bytes = value->as.bytes;
    if (value->type.kind == FLOE_KIND_DECIMAL) {
        floe_value_print(value, &text);
        bytes = floe_buf_view(&text);
    }
    duckdb_vector_assign_string_element_len(output, row, bytes.len > 0 ? bytes.ptr : "", bytes.len);
}

static void put(duckdb_type type, duckdb_vector output, idx_t row, const floe_value *value) {
    void *data = duckdb_vector_get_data(output);
    if (value->is_null) {
        put_null(output, row);
    } else if (type == DUCKDB_TYPE_BOOLEAN) {
        ((bool *)data)[row] = value->as.boolean;
    } else if (type == DUCKDB_TYPE_BIGINT) {
        ((int64_t *)data)[row] = value->as.integer;
    } else if (type == DUCKDB_TYPE_DOUBLE) {
        ((double *)data)[row] = value->as.real;
    } else {
        put_text(output, row, value);
    }
}

static floe_status eval_rows(const result_kind *kind, duckdb_data_chunk input, duckdb_vector output, floe_error *err) {
    FLOE_AUTO_ARENA arena, scratch;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_arena_init(&scratch, FLOE_MIB(256));
    floe_vector text = floe_vector_of(duckdb_data_chunk_get_vector(input, 0));
    fields in = {0};
    floe_value source;
    floe_expr *expr = NULL;
    floe_vector_get(&text, 0, &source);
    FLOE_TRY(open_fields(duckdb_data_chunk_get_vector(input, 1), &arena, &in, err));
    FLOE_TRY(floe_expr_parse_printed(&arena, source.as.bytes, &expr, err));
    FLOE_TRY(floe_expr_bind_value(expr, &arena, in.columns, in.count, err));
    idx_t count = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < count; row++) {
        for (size_t i = 0; i < in.count; i++) {
            floe_vector_get(&in.vectors[i], row, &in.row[i]);
        }
        floe_value value = floe_expr_eval(expr, in.row, &scratch);
        FLOE_TRY(floe_arena_check(&scratch, err));
        put(kind->type, output, row, &value);
        floe_arena_reset(&scratch);
    }
    return FLOE_OK;
}

static void eval(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_error err = {0};
    if (duckdb_data_chunk_get_size(input) > 0 &&
        floe_failed(eval_rows(duckdb_scalar_function_get_extra_info(info), input, output, &err))) {
        duckdb_scalar_function_set_error(info, err.message);
    }
}

static duckdb_state add_kind(duckdb_connection connection, const result_kind *kind) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type result = duckdb_create_logical_type(kind->type);
    duckdb_scalar_function_set_name(function, kind->name);
    duckdb_scalar_function_add_parameter(function, text);
    duckdb_scalar_function_add_parameter(function, any);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_scalar_function_set_special_handling(function); /* Nulls are the expression's affair. */
    duckdb_scalar_function_set_extra_info(function, (void *)(uintptr_t)kind, NULL);
    duckdb_scalar_function_set_function(function, eval);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&result);
    duckdb_destroy_scalar_function(&function);
    return state;
}

floe_status floe_duckdb_register_expressions(duckdb_connection connection, floe_error *err) {
    for (size_t i = 0; i < sizeof result_kinds / sizeof *result_kinds; i++) {
        FLOE_ENSURE(add_kind(connection, &result_kinds[i]) == DuckDBSuccess, err, FLOE_INTERNAL,
                    "the engine refuses the function %s", result_kinds[i].name);
    }
    return FLOE_OK;
}
