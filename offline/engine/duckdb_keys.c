/*
 * Equality deletes inside the engine: a key set is filled and asked by SQL, so that deletes and rows go through the same reading of
 * Parquet and keys of every type the engine has can be told apart.
 *
 *   floe_key_add(view BIGINT, sequence BIGINT, scope BIGINT, key …) → BIGINT: 1 per key that went into the view's set.
 *   floe_key_live(view BIGINT, file BIGINT, key …) → BOOLEAN: whether no delete of the view's set is about a row of that file.
 *
 * Lock: views.lock, written while keys are added, read while they are looked for; one chunk at a time. A number that no view has
 * keeps no row: nothing comes back by mistake.
 */
#include "offline/engine/duckdb_int.h"

#include "core/mem.h"

enum { KEY_COLUMNS_MAX = 64, ADD_FIXED = 3, LOOK_FIXED = 2 };

static floe_str text_at(const void *cells, size_t row) {
    duckdb_string_t *text = &((duckdb_string_t *)(uintptr_t)cells)[row];
    return (floe_str){duckdb_string_t_data(text), duckdb_string_t_length(*text)};
}

static bool kind_of(duckdb_type type, floe_key_kind *ret_kind) {
    static const struct {
        duckdb_type type;
        floe_key_kind kind;
    } KINDS[] = {{DUCKDB_TYPE_BOOLEAN, FLOE_KEY_WHOLE_1},
                 {DUCKDB_TYPE_SMALLINT, FLOE_KEY_WHOLE_2},
                 {DUCKDB_TYPE_INTEGER, FLOE_KEY_WHOLE_4},
                 {DUCKDB_TYPE_DATE, FLOE_KEY_WHOLE_4},
                 {DUCKDB_TYPE_BIGINT, FLOE_KEY_WHOLE_8},
                 {DUCKDB_TYPE_TIME, FLOE_KEY_WHOLE_8},
                 {DUCKDB_TYPE_TIMESTAMP, FLOE_KEY_WHOLE_8},
                 {DUCKDB_TYPE_TIMESTAMP_NS, FLOE_KEY_WHOLE_8},
                 {DUCKDB_TYPE_TIMESTAMP_TZ, FLOE_KEY_WHOLE_8},
                 {DUCKDB_TYPE_HUGEINT, FLOE_KEY_WHOLE_16},
                 {DUCKDB_TYPE_UUID, FLOE_KEY_WHOLE_16},
                 {DUCKDB_TYPE_FLOAT, FLOE_KEY_REAL_4},
                 {DUCKDB_TYPE_DOUBLE, FLOE_KEY_REAL_8},
                 {DUCKDB_TYPE_VARCHAR, FLOE_KEY_TEXT},
                 {DUCKDB_TYPE_BLOB, FLOE_KEY_TEXT}};
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
        if (KINDS[i].type == type) {
            *ret_kind = KINDS[i].kind;
            return true;
        }
    }
    return false;
}

static bool column_of(duckdb_vector vector, floe_key_cells *ret_column) {
    duckdb_logical_type logical = duckdb_vector_get_column_type(vector);
    duckdb_type type = duckdb_get_type_id(logical);
    type = type == DUCKDB_TYPE_DECIMAL ? duckdb_decimal_internal_type(logical) : type;
    duckdb_destroy_logical_type(&logical);
    *ret_column = (floe_key_cells){
        .cells = duckdb_vector_get_data(vector), .text_at = text_at, .validity = duckdb_vector_get_validity(vector)};
    return kind_of(type, &ret_column->kind);
}

/* The key columns of a chunk, behind the scope's where the view has scopes. */
typedef struct key_chunk {
    const floe_live_view *view;
    floe_key_cells columns[KEY_COLUMNS_MAX + 1];
    size_t count;
} key_chunk;

static const char *open_chunk(const floe_live_views *views, duckdb_data_chunk input, size_t fixed, key_chunk *chunk) {
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    size_t keys = duckdb_data_chunk_get_column_count(input) - fixed;
    chunk->view = numbers[0] >= 0 && (uint64_t)numbers[0] < views->count ? views->items[numbers[0]] : NULL;
    if (chunk->view == NULL || chunk->view->keys == NULL) {
        return "no such set of equality deletes";
    }
    if (keys > KEY_COLUMNS_MAX || duckdb_data_chunk_get_size(input) > FLOE_KEY_ROWS_MAX) {
        return "too many key columns or rows at once";
    }
    chunk->count = chunk->view->scopes != NULL ? 1 : 0;
    for (size_t i = 0; i < keys; i++) {
        if (!column_of(duckdb_data_chunk_get_vector(input, fixed + i), &chunk->columns[chunk->count++])) {
            return "a key of a type that equality deletes cannot have";
        }
    }
    return NULL;
}

/* ---- filling ---- */

static void add_chunk(const key_chunk *chunk, duckdb_function_info info, duckdb_data_chunk input) {
    floe_error err = {0};
    const int64_t *sequences = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    floe_status status =
        floe_key_set_add(chunk->view->keys, chunk->columns, sequences, duckdb_data_chunk_get_size(input), &err);
    if (floe_failed(status)) {
        duckdb_scalar_function_set_error(info, err.message);
    }
}

static void add(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    int64_t *added = duckdb_vector_get_data(output);
    key_chunk chunk;
    if (duckdb_data_chunk_get_size(input) == 0) {
        return;
    }
    (void)pthread_rwlock_wrlock(&views->lock);
    const char *wrong = open_chunk(views, input, ADD_FIXED, &chunk);
    if (wrong != NULL) {
        duckdb_scalar_function_set_error(info, wrong);
    } else {
        chunk.columns[0] =
            chunk.view->scopes == NULL
                ? chunk.columns[0]
                : (floe_key_cells){.kind = FLOE_KEY_WHOLE_8,
                                   .cells = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, ADD_FIXED - 1))};
        add_chunk(&chunk, info, input);
    }
    (void)pthread_rwlock_unlock(&views->lock);
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
        added[i] = 1;
    }
}

/* ---- asking ---- */

/* One number per row, picked by its file; false for a file that the view does not have. */
static bool pick(const floe_live_view *view, const int64_t *of_files, const int64_t *files, size_t count,
                 int64_t *ret_picked) {
    for (size_t i = 0; i < count; i++) {
        if (files[i] < 0 || (size_t)files[i] >= view->file_count) {
            return false;
        }
        ret_picked[i] = of_files[files[i]];
    }
    return true;
}

static void look_chunk(key_chunk *chunk, duckdb_function_info info, duckdb_data_chunk input, bool *alive) {
    int64_t sequences[FLOE_KEY_ROWS_MAX];
    int64_t scopes[FLOE_KEY_ROWS_MAX];
    const floe_live_view *view = chunk->view;
    const int64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    size_t count = duckdb_data_chunk_get_size(input);
    bool known = (view->sequences == NULL || pick(view, view->sequences, files, count, sequences)) &&
                 (view->scopes == NULL || pick(view, view->scopes, files, count, scopes));
    if (!known) {
        duckdb_scalar_function_set_error(info, "a file that the set of equality deletes does not know");
        return;
    }
    if (view->scopes != NULL) {
        chunk->columns[0] = (floe_key_cells){.kind = FLOE_KEY_WHOLE_8, .cells = scopes};
    }
    floe_key_set_look(view->keys, chunk->columns, view->sequences != NULL ? sequences : NULL, count, alive);
}

static void look(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    key_chunk chunk;
    if (duckdb_data_chunk_get_size(input) == 0) {
        return;
    }
    (void)pthread_rwlock_rdlock(&views->lock);
    const char *wrong = open_chunk(views, input, LOOK_FIXED, &chunk);
    if (wrong != NULL) {
        duckdb_scalar_function_set_error(info, wrong);
    } else {
        look_chunk(&chunk, info, input, duckdb_vector_get_data(output));
    }
    (void)pthread_rwlock_unlock(&views->lock);
}

/* ---- registering ---- */

static floe_status add_function(duckdb_connection connection, const char *name, duckdb_type result, size_t fixed,
                                duckdb_scalar_function_t body, floe_live_views *views, floe_error *err) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type whole = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type given = duckdb_create_logical_type(result);
    duckdb_scalar_function_set_name(function, name);
    for (size_t i = 0; i < fixed; i++) {
        duckdb_scalar_function_add_parameter(function, whole);
    }
    duckdb_scalar_function_set_varargs(function, any);
    duckdb_scalar_function_set_return_type(function, given);
    duckdb_scalar_function_set_special_handling(function); /* A null is a key like others. */
    duckdb_scalar_function_set_function(function, body);
    duckdb_scalar_function_set_extra_info(function, views, NULL);
    if (fixed == ADD_FIXED) {
        duckdb_scalar_function_set_volatile(function); /* Each row counts, whatever the planner thinks of equal ones. */
    }
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_logical_type(&whole);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&given);
    duckdb_destroy_scalar_function(&function);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function %s", name);
    return FLOE_OK;
}

floe_status floe_duckdb_register_keys(duckdb_connection connection, floe_live_views *views, floe_error *err) {
    FLOE_TRY(add_function(connection, "floe_key_add", DUCKDB_TYPE_BIGINT, ADD_FIXED, add, views, err));
    return add_function(connection, "floe_key_live", DUCKDB_TYPE_BOOLEAN, LOOK_FIXED, look, views, err);
}
