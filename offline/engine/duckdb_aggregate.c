/*
 * Aggregates that floe adds to SQL because DuckDB's own give other values: they add in an order of their own and round as
 * they go, fail where a part of a decimal sum leaves 38 digits and the whole does not, refuse deviations over infinities, and count
 * distinct values by another sketch.
 *
 *   floe_sum, floe_mean, floe_variance, floe_variance_pop, floe_stddev, floe_stddev_pop over numbers → DOUBLE
 *   floe_decimal_sum over decimals → VARCHAR, the sum as it is written; '' where it leaves 38 digits
 *   floe_percentile(DOUBLE, quantile DOUBLE) → DOUBLE
 *   floe_approx_count_distinct(any scalar) → BIGINT
 *
 * Nulls are ignored; of nothing the result is null, that of floe_approx_count_distinct 0.
 * A state is one pointer, NULL until the first value; what it points to belongs to the state.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/exact/moments.h"
#include "proto/sketch.h"

#include <math.h>
#include <stdlib.h>

typedef enum fold_kind { FOLD_SUM, FOLD_DECIMAL_SUM, FOLD_MEAN, FOLD_VARIANCE, FOLD_PERCENTILE, FOLD_SKETCH } fold_kind;

typedef struct fold_def {
    const char *name;
    fold_kind kind;
    bool population, root; /* of FOLD_VARIANCE */
} fold_def;

static const fold_def folds[] = {
    {"floe_sum", FOLD_SUM, false, false},
    {"floe_decimal_sum", FOLD_DECIMAL_SUM, false, false},
    {"floe_mean", FOLD_MEAN, false, false},
    {"floe_variance", FOLD_VARIANCE, false, false},
    {"floe_variance_pop", FOLD_VARIANCE, true, false},
    {"floe_stddev", FOLD_VARIANCE, false, true},
    {"floe_stddev_pop", FOLD_VARIANCE, true, true},
    {"floe_percentile", FOLD_PERCENTILE, false, false},
    {"floe_approx_count_distinct", FOLD_SKETCH, false, false},
};

enum { FOLD_COUNT = sizeof folds / sizeof *folds };

/* What one group has gathered; which parts are used is the fold's affair. */
typedef struct gathered {
    floe_moments moments;
    floe_sketch *sketch; /* 4 KB, of a sketch alone: windows keep a state for every few rows */
    double *numbers;
    size_t count, room;
    double quantile;
} gathered;

static gathered **slot_of(duckdb_aggregate_state state) {
    return (gathered **)(void *)state;
}

static idx_t state_size(duckdb_function_info info) {
    (void)info;
    return sizeof(gathered *);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state) {
    (void)info;
    *slot_of(state) = NULL;
}

static void state_destroy(duckdb_aggregate_state *states, idx_t count) {
    for (idx_t i = 0; i < count; i++) {
        gathered *state = *slot_of(states[i]);
        if (state) {
            floe_moments_close(&state->moments);
            floe_free(state->numbers);
            floe_free(state->sketch);
            floe_free(state);
            *slot_of(states[i]) = NULL;
        }
    }
}

/* ---- values ---- */

/* A cell of a vector as a floe value; the type is one of those floe_duckdb_value_type knows. */
static floe_value cell_at(const floe_vector *vector, idx_t row) {
    floe_value value;
    floe_vector_get(vector, row, &value);
    return value;
}

static floe_status gather_number(gathered *state, const floe_value *value) {
    if (floe_kind_is_integer(value->type.kind)) {
        floe_moments_whole(&state->moments, value->as.integer, false);
    } else if (value->type.kind == FLOE_KIND_DECIMAL) {
        floe_moments_decimal(&state->moments, value->as.decimal, false);
    } else {
        floe_moments_real(&state->moments, value->as.real, false);
    }
    return FLOE_OK;
}

static floe_status keep_number(gathered *state, double number, floe_error *err) {
    if (state->count == state->room) {
        size_t room = state->room * 2 + 8;
        FLOE_TRY(floe_realloc(&state->numbers, room, sizeof(*state->numbers), err));
        state->room = room;
    }
    state->numbers[state->count++] = number;
    return FLOE_OK;
}

static floe_status open_state(const fold_def *fold, floe_type type, gathered **slot, floe_error *err) {
    if (*slot) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(1, sizeof(**slot), slot, err));
    if (fold->kind == FOLD_SKETCH) {
        return floe_alloc(1, sizeof(*(*slot)->sketch), &(*slot)->sketch, err);
    }
    return fold->kind <= FOLD_VARIANCE ? floe_moments_want(&(*slot)->moments, type, fold->kind == FOLD_VARIANCE, err)
                                       : FLOE_OK;
}

static floe_status gather(const fold_def *fold, const floe_vector *values, const floe_vector *quantiles, idx_t row,
                          gathered **slot, floe_error *err) {
    floe_value value = cell_at(values, row);
    if (value.is_null) {
        return FLOE_OK;
    }
    FLOE_TRY(open_state(fold, value.type, slot, err));
    if (fold->kind == FOLD_SKETCH) {
        floe_sketch_add((*slot)->sketch, floe_sketch_hash(&value));
        return FLOE_OK;
    }
    if (fold->kind == FOLD_PERCENTILE) {
        (*slot)->quantile = cell_at(quantiles, row).as.real;
        return keep_number(*slot, value.as.real, err);
    }
    return gather_number(*slot, &value);
}

static void fail(duckdb_function_info info, const floe_error *err) {
    duckdb_aggregate_function_set_error(info, err->message);
}

static void update(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
    const fold_def *fold = duckdb_aggregate_function_get_extra_info(info);
    floe_error err = {0};
    floe_vector values = floe_vector_of(duckdb_data_chunk_get_vector(input, 0));
    floe_vector quantiles = {0};
    if (fold->kind == FOLD_PERCENTILE) {
        quantiles = floe_vector_of(duckdb_data_chunk_get_vector(input, 1));
    }
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        if (floe_failed(gather(fold, &values, &quantiles, row, slot_of(states[row]), &err))) {
            fail(info, &err);
            return;
        }
    }
}

/* ---- two states into one ---- */

static void merge_moments(floe_moments *into, const floe_moments *from) {
    into->count += from->count;
    into->whole += from->whole;
    into->high += from->high;
    into->low += from->low;
    into->square_sum += from->square_sum;
    into->wide_count += from->wide_count;
    into->nan_count += from->nan_count;
    into->inf_count += from->inf_count;
    into->negative_inf_count += from->negative_inf_count;
    floe_wide_merge(into->wide, from->wide);
    if (into->wide_squares) {
        floe_wide_merge(into->wide_squares, from->wide_squares);
    }
}

static floe_status merge(const fold_def *fold, gathered **into, const gathered *from, floe_error *err) {
    FLOE_TRY(open_state(fold, from->moments.type, into, err));
    if (fold->kind <= FOLD_VARIANCE) {
        merge_moments(&(*into)->moments, &from->moments);
    } else if (fold->kind == FOLD_SKETCH) {
        floe_sketch_merge((*into)->sketch, from->sketch);
    }
    (*into)->quantile = from->quantile;
    for (size_t i = 0; i < from->count; i++) {
        FLOE_TRY(keep_number(*into, from->numbers[i], err));
    }
    return FLOE_OK;
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                    idx_t count) {
    const fold_def *fold = duckdb_aggregate_function_get_extra_info(info);
    floe_error err = {0};
    for (idx_t i = 0; i < count; i++) {
        const gathered *from = *slot_of(source[i]);
        if (from && floe_failed(merge(fold, slot_of(target[i]), from, &err))) {
            fail(info, &err);
            return;
        }
    }
}

/* ---- results ---- */

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) {
        return (isnan(x) ? 1 : 0) - (isnan(y) ? 1 : 0);
    }
    return (x > y) - (x < y);
}

static double percentile(gathered *state) {
    qsort(state->numbers, state->count, sizeof(*state->numbers), compare_numbers);
    double place = state->quantile * (double)(state->count - 1);
    size_t low = (size_t)place;
    double part = place - (double)low;
    return floe_pit_between(state->numbers[low], state->numbers[part == 0 ? low : low + 1], part);
}

/* False: null. */
static bool result_of(const fold_def *fold, gathered *state, double *ret_real, int64_t *ret_count) {
    if (fold->kind == FOLD_SKETCH) {
        *ret_count = state ? floe_sketch_count(state->sketch) : 0;
        return true;
    }
    if (!state || (fold->kind == FOLD_VARIANCE && !fold->population && state->moments.count < 2)) {
        return false;
    }
    switch (fold->kind) {
    case FOLD_SUM:
        *ret_real = floe_moments_sum(&state->moments);
        break;
    case FOLD_DECIMAL_SUM: /* a text, which is put together elsewhere */
        break;
    case FOLD_MEAN:
        *ret_real = floe_moments_mean(&state->moments);
        break;
    case FOLD_VARIANCE:
        *ret_real = floe_moments_variance(&state->moments, fold->population, fold->root);
        break;
    default:
        *ret_real = percentile(state);
        break;
    }
    return true;
}

/* Of decimals: a group without one is null. */
static void put_decimal_sum(const gathered *state, duckdb_vector result, idx_t row) {
    FLOE_AUTO_BUF text;
    __int128 total = 0, bound = floe_power_of_ten(38) - 1;
    floe_buf_init(&text, FLOE_KIB(1));
    if (floe_moments_total(&state->moments, &total) && total <= bound && total >= -bound) {
        floe_decimal_print(total, state->moments.type.scale, &text);
    }
    floe_str view = floe_buf_view(&text);
    duckdb_vector_assign_string_element_len(result, row, view.len > 0 ? view.ptr : "", view.len);
}

static void finalize(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result, idx_t count,
                     idx_t offset) {
    const fold_def *fold = duckdb_aggregate_function_get_extra_info(info);
    void *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        double real = 0;
        int64_t whole = 0;
        if (!result_of(fold, *slot_of(states[i]), &real, &whole)) {
            duckdb_vector_ensure_validity_writable(result);
            duckdb_validity_set_row_invalid(duckdb_vector_get_validity(result), offset + i);
        } else if (fold->kind == FOLD_DECIMAL_SUM) {
            put_decimal_sum(*slot_of(states[i]), result, offset + i);
        } else if (fold->kind == FOLD_SKETCH) {
            ((int64_t *)data)[offset + i] = whole;
        } else {
            ((double *)data)[offset + i] = real;
        }
    }
}

/* ---- registering ---- */

static void set_types(duckdb_aggregate_function function, const fold_def *fold) {
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type real = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    duckdb_logical_type whole = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_aggregate_function_add_parameter(function, fold->kind == FOLD_PERCENTILE ? real : any);
    if (fold->kind == FOLD_PERCENTILE) {
        duckdb_aggregate_function_add_parameter(function, real);
    }
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_aggregate_function_set_return_type(function, fold->kind == FOLD_SKETCH        ? whole
                                                        : fold->kind == FOLD_DECIMAL_SUM ? text
                                                                                         : real);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_logical_type(&real);
    duckdb_destroy_logical_type(&whole);
}

floe_status floe_duckdb_register_aggregates(duckdb_connection connection, floe_error *err) {
    for (size_t i = 0; i < FOLD_COUNT; i++) {
        duckdb_aggregate_function function = duckdb_create_aggregate_function();
        duckdb_aggregate_function_set_name(function, folds[i].name);
        set_types(function, &folds[i]);
        duckdb_aggregate_function_set_functions(function, state_size, state_init, update, combine, finalize);
        duckdb_aggregate_function_set_destructor(function, state_destroy);
        duckdb_aggregate_function_set_extra_info(function, (void *)(uintptr_t)&folds[i], NULL);
        duckdb_state state = duckdb_register_aggregate_function(connection, function);
        duckdb_destroy_aggregate_function(&function);
        FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the aggregate %s", folds[i].name);
    }
    return FLOE_OK;
}
