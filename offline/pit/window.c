/*
 * What one aggregate over one window keeps while rows enter and leave: sums as exact integers (and a wide accumulator for
 * what is no small integer), a heap of rows for min and max, counts per symbol for count_distinct.
 *
 * Invariants: a row that entered leaves at most once; every quantity is exact, so that it depends on the rows in the window
 * alone and not on what was there before.
 */
#include "core/mem.h"
#include "offline/pit/pit_int.h"

#include <math.h>

#define SMALL_LIMIT (INT64_C(1) << 31) /* squares of smaller numbers, 2^32 of them and times 2^32, fit 127 bits */

struct pit_window {
    const pit_group *group;
    const floe_output *output;
    const pit_column *column; /* NULL: "*" */
    int64_t leave_after;      /* leave = event + leave_after; INT64_MAX: never */
    int64_t count;            /* values in the window */
    /* Integers (and floats that are small integers): the total is high * 2^64 + low. */
    __int128 high;
    unsigned __int128 low;
    __int128 squares; /* of small numbers */
    /* Everything else. */
    floe_wide *wide, *wide_squares;
    int64_t wide_count;
    int64_t nan_count, inf_count, negative_inf_count;
    /* min, max */
    uint32_t *heap;
    size_t heap_count, heap_room;
    /* count_distinct */
    uint32_t *symbol_counts;
    uint32_t *touched;
    size_t touched_count, touched_room;
    int64_t distinct;
};

static bool is_extreme(const pit_window *window) {
    return window->output->function == FLOE_FN_MIN || window->output->function == FLOE_FN_MAX;
}

static bool needs_squares(const pit_window *window) {
    return window->output->function == FLOE_FN_STDDEV;
}

static void window_cleanup(pit_window **window) {
    floe_pit_window_close(window);
}

floe_status floe_pit_window_open(const pit_group *group, const floe_output *output, uint32_t column,
                                 pit_window **ret_window, floe_error *err) {
    FLOE_CLEANUP(window_cleanup) pit_window *window = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*window), &window, err));
    window->group = group;
    window->output = output;
    window->column = column == PIT_NO_ROW ? NULL : &group->columns[column];
    floe_function function = output->function;
    if (function == FLOE_FN_SUM || function == FLOE_FN_MEAN || function == FLOE_FN_STDDEV) {
        FLOE_TRY(floe_alloc(1, sizeof(*window->wide), &window->wide, err));
        FLOE_TRY(floe_alloc(1, sizeof(*window->wide_squares), &window->wide_squares, err));
        window->wide->low = window->wide_squares->low = FLOE_WIDE_LIMBS;
        window->wide->high = window->wide_squares->high = -1;
    }
    if (function == FLOE_FN_COUNT_DISTINCT) {
        FLOE_TRY(floe_alloc(window->column->symbols.count + 1, sizeof(uint32_t), &window->symbol_counts, err));
    }
    *ret_window = window;
    window = NULL;
    return FLOE_OK;
}

void floe_pit_window_close(pit_window **window) {
    if (*window) {
        floe_free((*window)->wide);
        floe_free((*window)->wide_squares);
        floe_free((*window)->heap);
        floe_free((*window)->symbol_counts);
        floe_free((*window)->touched);
        floe_free(*window);
        *window = NULL;
    }
}

void floe_pit_window_reset(pit_window *window) {
    window->count = window->distinct = 0;
    window->high = 0;
    window->low = 0;
    window->squares = 0;
    if (window->wide) {
        floe_wide_reset(window->wide);
        floe_wide_reset(window->wide_squares);
    }
    window->wide_count = window->nan_count = window->inf_count = window->negative_inf_count = 0;
    window->heap_count = 0;
    for (size_t i = 0; i < window->touched_count; i++) {
        window->symbol_counts[window->touched[i]] = 0;
    }
    window->touched_count = 0;
}

/* ---- sums ---- */

static void add_integer(pit_window *window, __int128 value, bool take) {
    __int128 high = value >> 64;
    uint64_t low = (uint64_t)value;
    window->high += take ? -high : high;
    window->low += take ? -(unsigned __int128)low : (unsigned __int128)low;
    if (!needs_squares(window)) {
        return;
    }
    if (value < SMALL_LIMIT && value > -SMALL_LIMIT) {
        window->squares += take ? -(value * value) : value * value;
    } else {
        floe_wide_add_int_square(window->wide_squares, value, take);
        window->wide_count += take ? -1 : 1;
    }
}

static void add_real(pit_window *window, double value, bool take) {
    int64_t step = take ? -1 : 1;
    if (isnan(value)) {
        window->nan_count += step;
    } else if (isinf(value)) {
        *(value > 0 ? &window->inf_count : &window->negative_inf_count) += step;
    } else if (fabs(value) < (double)SMALL_LIMIT && value == (double)(int64_t)value) {
        add_integer(window, (int64_t)value, take);
    } else {
        floe_wide_add_double(window->wide, value, take);
        if (needs_squares(window)) {
            floe_wide_add_square(window->wide_squares, value, take);
        }
        window->wide_count += step;
    }
}

static void add_value(pit_window *window, uint32_t row, bool take) {
    const pit_column *column = window->column;
    if (column->class == PIT_F64) {
        add_real(window, column->data.f64[row], take);
    } else {
        add_integer(window, column->class == PIT_I128 ? column->data.i128[row] : column->data.i64[row], take);
    }
}

/* high * 2^64 + low; false when it leaves int128. */
static bool integer_total(const pit_window *window, __int128 *ret_total) {
    __int128 high = window->high + (__int128)(window->low >> 64);
    if (high > INT64_MAX || high < INT64_MIN) {
        return false;
    }
    *ret_total = (__int128)(((unsigned __int128)high << 64) | (uint64_t)window->low);
    return true;
}

/* Everything finite that is in the window, as a wide number. */
static void wide_total(const pit_window *window, floe_wide *total) {
    *total = *window->wide;
    floe_wide_add(total, window->low, 0, false);
    __int128 high = window->high;
    floe_wide_add(total, (unsigned __int128)(high < 0 ? -high : high), 64, high < 0);
}

static double power_of_ten(unsigned exponent) {
    double power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

static unsigned scale_of(const pit_window *window) {
    return window->column->type.kind == FLOE_KIND_DECIMAL ? window->column->type.scale : 0;
}

/* The sum rounded once; IEEE where something is not finite. */
static double real_sum(const pit_window *window) {
    if (window->nan_count > 0 || (window->inf_count > 0 && window->negative_inf_count > 0)) {
        return NAN;
    }
    if (window->inf_count > 0 || window->negative_inf_count > 0) {
        return window->inf_count > 0 ? INFINITY : -INFINITY;
    }
    __int128 total;
    double sum;
    if (window->wide_count == 0 && integer_total(window, &total)) {
        sum = (double)total;
    } else {
        floe_wide wide;
        wide_total(window, &wide);
        sum = floe_wide_value(&wide);
    }
    return sum / power_of_ten(scale_of(window));
}

/* Sample standard deviation of n >= 2 values. */
static double deviation(const pit_window *window) {
    if (window->nan_count + window->inf_count + window->negative_inf_count > 0) {
        return NAN;
    }
    __int128 total;
    double spread;
    if (window->wide_count == 0 && integer_total(window, &total)) {
        spread = (double)((__int128)window->count * window->squares - total * total);
    } else {
        floe_wide sum, squares = *window->wide_squares;
        wide_total(window, &sum);
        floe_wide_add_int(&squares, window->squares, false);
        spread = floe_wide_spread(&squares, &sum, window->count);
    }
    double n = (double)window->count;
    return sqrt(spread / (n * (n - 1))) / power_of_ten(scale_of(window));
}

/* ---- min and max ---- */

static int compare_cells(const pit_column *column, uint32_t a, uint32_t b) {
    switch (column->class) {
    case PIT_I64:
        return (column->data.i64[a] > column->data.i64[b]) - (column->data.i64[a] < column->data.i64[b]);
    case PIT_I128:
        return (column->data.i128[a] > column->data.i128[b]) - (column->data.i128[a] < column->data.i128[b]);
    case PIT_F64: {
        double x = column->data.f64[a], y = column->data.f64[b];
        if (isnan(x) || isnan(y)) {
            return (isnan(x) != 0) - (isnan(y) != 0);
        }
        return (x > y) - (x < y);
    }
    case PIT_SYMBOL:
        break;
    }
    return floe_str_compare(column->symbols.keys[column->symbol[a]], column->symbols.keys[column->symbol[b]]);
}

/* Whether row a belongs nearer to the top of the heap than row b. */
static bool is_better(const pit_window *window, uint32_t a, uint32_t b) {
    int order = compare_cells(window->column, a, b);
    return window->output->function == FLOE_FN_MIN ? order < 0 : order > 0;
}

static int64_t leave_of(const pit_window *window, uint32_t row) {
    int64_t leave;
    return __builtin_add_overflow(window->group->event[row], window->leave_after, &leave) ? INT64_MAX : leave;
}

static floe_status heap_push(pit_window *window, uint32_t row, floe_error *err) {
    if (window->leave_after == INT64_MAX && window->heap_count == 1) {
        if (is_better(window, row, window->heap[0])) {
            window->heap[0] = row;
        }
        return FLOE_OK;
    }
    if (window->heap_count == window->heap_room) {
        size_t room = window->heap_room == 0 ? 64 : window->heap_room * 2;
        FLOE_TRY(floe_pit_grow(&window->heap, window->heap_room, room, sizeof(uint32_t), err));
        window->heap_room = room;
    }
    size_t at = window->heap_count++;
    while (at > 0 && is_better(window, row, window->heap[(at - 1) / 2])) {
        window->heap[at] = window->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    window->heap[at] = row;
    return FLOE_OK;
}

static void heap_pop(pit_window *window) {
    uint32_t row = window->heap[--window->heap_count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= window->heap_count) {
            break;
        }
        if (child + 1 < window->heap_count && is_better(window, window->heap[child + 1], window->heap[child])) {
            child++;
        }
        if (!is_better(window, window->heap[child], row)) {
            break;
        }
        window->heap[at] = window->heap[child];
        at = child;
    }
    window->heap[at] = row;
}

/* ---- count_distinct ---- */

static floe_status count_symbol(pit_window *window, uint32_t symbol, floe_error *err) {
    if (window->symbol_counts[symbol]++ > 0) {
        return FLOE_OK;
    }
    window->distinct++;
    if (window->touched_count == window->touched_room) {
        size_t room = window->touched_room == 0 ? 64 : window->touched_room * 2;
        FLOE_TRY(floe_pit_grow(&window->touched, window->touched_room, room, sizeof(uint32_t), err));
        window->touched_room = room;
    }
    window->touched[window->touched_count++] = symbol;
    return FLOE_OK;
}

/* ---- rows in, rows out, answers ---- */

floe_status floe_pit_window_enter(pit_window *window, uint32_t row, int64_t leave_after, floe_error *err) {
    window->leave_after = leave_after;
    if (window->column && window->column->is_null[row]) {
        return FLOE_OK;
    }
    window->count++;
    if (is_extreme(window)) {
        return heap_push(window, row, err);
    }
    if (window->output->function == FLOE_FN_COUNT_DISTINCT) {
        return count_symbol(window, window->column->symbol[row], err);
    }
    if (window->wide) {
        add_value(window, row, false);
    }
    return FLOE_OK;
}

void floe_pit_window_leave(pit_window *window, uint32_t row) {
    if (window->column && window->column->is_null[row]) {
        return;
    }
    window->count--;
    if (window->output->function == FLOE_FN_COUNT_DISTINCT) {
        if (--window->symbol_counts[window->column->symbol[row]] == 0) {
            window->distinct--;
        }
    } else if (window->wide) {
        add_value(window, row, true);
    }
}

static floe_status answer_sum(const pit_window *window, pit_result *result, size_t label, floe_error *err) {
    if (window->column->class == PIT_F64) {
        result->data.f64[label] = real_sum(window);
        return FLOE_OK;
    }
    __int128 total = 0, bound = INT64_MAX;
    if (window->column->class == PIT_I128) {
        bound = 1;
        for (int i = 0; i < 38; i++) {
            bound *= 10;
        }
        bound -= 1;
    }
    bool fits = integer_total(window, &total) && total <= bound &&
                total >= (window->column->class == PIT_I128 ? -bound : -bound - 1);
    FLOE_ENSURE(fits, err, FLOE_INVALID, "the sum of column \"%.*s\" does not fit %s; use mean, or a shorter window",
                FLOE_STR_ARG(window->column->name), window->column->class == PIT_I128 ? "38 digits" : "int64");
    if (window->column->class == PIT_I128) {
        result->data.i128[label] = total;
    } else {
        result->data.i64[label] = (int64_t)total;
    }
    return FLOE_OK;
}

floe_status floe_pit_window_answer(pit_window *window, int64_t t, pit_result *result, size_t label, floe_error *err) {
    floe_function function = window->output->function;
    if (function == FLOE_FN_COUNT || function == FLOE_FN_COUNT_DISTINCT) {
        result->data.i64[label] = function == FLOE_FN_COUNT ? window->count : window->distinct;
        return FLOE_OK;
    }
    if (window->count == 0 || (function == FLOE_FN_STDDEV && window->count < 2)) {
        return FLOE_OK; /* stays null */
    }
    result->is_null[label] = 0;
    switch (function) {
    case FLOE_FN_SUM:
        return answer_sum(window, result, label, err);
    case FLOE_FN_MEAN:
        result->data.f64[label] = real_sum(window) / (double)window->count;
        return FLOE_OK;
    case FLOE_FN_STDDEV:
        result->data.f64[label] = deviation(window);
        return FLOE_OK;
    default:
        while (leave_of(window, window->heap[0]) <= t) {
            heap_pop(window);
        }
        result->data.symbol[label] = window->heap[0];
        return FLOE_OK;
    }
}
