/*
 * What the outputs of one column over one window share while rows enter and leave: a count, sums as exact integers (and a
 * wide accumulator for what is no small integer), the best rows for min and max, counts per symbol for count_distinct.
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
    const pit_column *column; /* NULL: "*" */
    uint32_t column_index;
    int64_t leave_after; /* leave = event + leave_after; INT64_MAX: never */
    bool sums, squares, distinct;
    uint32_t first_row, last_row, next_out; /* rows of the key; the next that may leave */
    int64_t count;                          /* values in the window */
    /* Integers (and floats that are small integers): whole, and for decimals high * 2^64 + low. */
    __int128 whole;
    __int128 high;
    unsigned __int128 low;
    __int128 square_sum; /* of small numbers */
    /* Everything else. */
    floe_wide *wide, *wide_squares;
    int64_t wide_count;
    int64_t nan_count, inf_count, negative_inf_count;
    pit_extreme *smallest, *largest; /* NULL: not wanted */
    /* count_distinct */
    uint32_t *symbol_counts;
    uint32_t *touched;
    size_t touched_count, touched_room;
    int64_t distinct_count;
};

floe_status floe_pit_window_open(const pit_group *group, uint32_t column, int64_t leave_after, pit_window **ret_window,
                                 floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**ret_window), ret_window, err));
    pit_window *window = *ret_window;
    window->group = group;
    window->column = column == PIT_NO_ROW ? NULL : &group->columns[column];
    window->column_index = column;
    window->leave_after = leave_after;
    return FLOE_OK;
}

bool floe_pit_window_is(const pit_window *window, uint32_t column, int64_t leave_after) {
    return window->column_index == column && window->leave_after == leave_after;
}

static floe_status open_wide(floe_wide **wide, floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**wide), wide, err));
    (*wide)->low = FLOE_WIDE_LIMBS;
    (*wide)->high = -1;
    return FLOE_OK;
}

static floe_status open_extreme(const pit_column *column, bool smallest, pit_extreme **extreme, floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**extreme), extreme, err));
    (*extreme)->column = column;
    (*extreme)->smallest = smallest;
    return FLOE_OK;
}

floe_status floe_pit_window_want(pit_window *window, floe_function function, floe_error *err) {
    bool squares = function == FLOE_FN_STDDEV;
    bool sums = squares || function == FLOE_FN_SUM || function == FLOE_FN_MEAN;
    if (sums && !window->wide) {
        FLOE_TRY(open_wide(&window->wide, err));
    }
    if (squares && !window->wide_squares) {
        FLOE_TRY(open_wide(&window->wide_squares, err));
    }
    if (function == FLOE_FN_COUNT_DISTINCT && !window->symbol_counts) {
        FLOE_TRY(floe_alloc(window->column->symbols.count + 1, sizeof(uint32_t), &window->symbol_counts, err));
    }
    if (function == FLOE_FN_MIN && !window->smallest) {
        FLOE_TRY(open_extreme(window->column, true, &window->smallest, err));
    }
    if (function == FLOE_FN_MAX && !window->largest) {
        FLOE_TRY(open_extreme(window->column, false, &window->largest, err));
    }
    window->sums = window->sums || sums;
    window->squares = window->squares || squares;
    window->distinct = window->distinct || function == FLOE_FN_COUNT_DISTINCT;
    return FLOE_OK;
}

static void close_extreme(pit_extreme *extreme) {
    if (extreme) {
        floe_free(extreme->items);
        floe_free(extreme);
    }
}

void floe_pit_window_close(pit_window **window) {
    if (*window) {
        floe_free((*window)->wide);
        floe_free((*window)->wide_squares);
        close_extreme((*window)->smallest);
        close_extreme((*window)->largest);
        floe_free((*window)->symbol_counts);
        floe_free((*window)->touched);
        floe_free(*window);
        *window = NULL;
    }
}

static void reset_sums(pit_window *window) {
    window->whole = window->high = window->square_sum = 0;
    window->low = 0;
    window->wide_count = window->nan_count = window->inf_count = window->negative_inf_count = 0;
    if (window->wide) {
        floe_wide_reset(window->wide);
    }
    if (window->wide_squares) {
        floe_wide_reset(window->wide_squares);
    }
}

void floe_pit_window_reset(pit_window *window, uint32_t first_row, uint32_t last_row) {
    window->first_row = window->next_out = first_row;
    window->last_row = last_row;
    window->count = window->distinct_count = 0;
    reset_sums(window);
    if (window->smallest) {
        floe_pit_extreme_reset(window->smallest);
    }
    if (window->largest) {
        floe_pit_extreme_reset(window->largest);
    }
    for (size_t i = 0; i < window->touched_count; i++) {
        window->symbol_counts[window->touched[i]] = 0;
    }
    window->touched_count = 0;
}

/* ---- sums ---- */

static void add_square(pit_window *window, __int128 value, bool take) {
    if (value < SMALL_LIMIT && value > -SMALL_LIMIT) {
        int64_t square = (int64_t)value * (int64_t)value;
        window->square_sum += take ? -square : square;
    } else {
        floe_wide_add_int_square(window->wide_squares, value, take);
        window->wide_count += take ? -1 : 1;
    }
}

static inline void add_whole(pit_window *window, int64_t value, bool take) {
    window->whole += take ? -(__int128)value : (__int128)value;
    if (window->squares) {
        add_square(window, value, take);
    }
}

static void add_decimal(pit_window *window, __int128 value, bool take) {
    __int128 high = value >> 64;
    uint64_t low = (uint64_t)value;
    window->high += take ? -high : high;
    window->low += take ? -(unsigned __int128)low : (unsigned __int128)low;
    if (window->squares) {
        add_square(window, value, take);
    }
}

static void add_real(pit_window *window, double value, bool take) {
    int64_t step = take ? -1 : 1;
    if (fabs(value) < (double)SMALL_LIMIT && value == (double)(int64_t)value) {
        add_whole(window, (int64_t)value, take);
    } else if (isnan(value)) {
        window->nan_count += step;
    } else if (isinf(value)) {
        *(value > 0 ? &window->inf_count : &window->negative_inf_count) += step;
    } else {
        floe_wide_add_double(window->wide, value, take);
        if (window->squares) {
            floe_wide_add_square(window->wide_squares, value, take);
        }
        window->wide_count += step;
    }
}

static inline void add_value(pit_window *window, uint32_t row, bool take) {
    const pit_column *column = window->column;
    if (column->class == PIT_I64) {
        add_whole(window, column->data.i64[row], take);
    } else if (column->class == PIT_F64) {
        add_real(window, column->data.f64[row], take);
    } else {
        add_decimal(window, column->data.i128[row], take);
    }
}

/* The total of what is whole; false when it leaves int128. */
static bool integer_total(const pit_window *window, __int128 *ret_total) {
    if (window->column->class != PIT_I128) {
        *ret_total = window->whole;
        return true;
    }
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
    floe_wide_add_int(total, window->whole, false);
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
    int exponent = 0;
    if (window->wide_count == 0 && integer_total(window, &total)) {
        spread = (double)((__int128)window->count * window->square_sum - total * total);
    } else {
        floe_wide sum, squares = *window->wide_squares;
        wide_total(window, &sum);
        floe_wide_add_int(&squares, window->square_sum, false);
        spread = floe_wide_spread(&squares, &sum, window->count, &exponent);
    }
    double n = (double)window->count;
    return ldexp(sqrt(spread / (n * (n - 1))), exponent / 2) / power_of_ten(scale_of(window));
}

/* ---- count_distinct ---- */

static floe_status count_symbol(pit_window *window, uint32_t symbol, floe_error *err) {
    if (window->symbol_counts[symbol]++ > 0) {
        return FLOE_OK;
    }
    window->distinct_count++;
    if (window->touched_count == window->touched_room) {
        size_t room = window->touched_room == 0 ? 64 : window->touched_room * 2;
        FLOE_TRY(floe_pit_grow(&window->touched, window->touched_room, room, sizeof(uint32_t), err));
        window->touched_room = room;
    }
    window->touched[window->touched_count++] = symbol;
    return FLOE_OK;
}

/* ---- rows in, rows out, answers ---- */

static int64_t leave_of(const pit_window *window, uint32_t row) {
    return window->leave_after == INT64_MAX ? INT64_MAX
                                            : floe_pit_saturating_add(window->group->event[row], window->leave_after);
}

static floe_status enter_rest(pit_window *window, uint32_t row, int64_t leave, floe_error *err) {
    if (window->distinct) {
        FLOE_TRY(count_symbol(window, window->column->symbol[row], err));
    }
    if (window->smallest) {
        FLOE_TRY(floe_pit_extreme_enter(window->smallest, row, leave, err));
    }
    return window->largest ? floe_pit_extreme_enter(window->largest, row, leave, err) : FLOE_OK;
}

floe_status floe_pit_window_enter(pit_window *window, const pit_moment *entering, size_t count, int64_t t,
                                  floe_error *err) {
    bool rest = window->distinct || window->smallest || window->largest;
    for (size_t i = 0; i < count; i++) {
        uint32_t row = entering[i].row;
        int64_t leave = leave_of(window, row);
        if (leave <= t || (window->column && window->column->is_null[row])) {
            continue;
        }
        window->count++;
        if (window->sums) {
            add_value(window, row, false);
        }
        if (rest) {
            FLOE_TRY(enter_rest(window, row, leave, err));
        }
    }
    return FLOE_OK;
}

static void leave_row(pit_window *window, uint32_t row) {
    if (window->column && window->column->is_null[row]) {
        return;
    }
    window->count--;
    if (window->sums) {
        add_value(window, row, true);
    }
    if (window->distinct && --window->symbol_counts[window->column->symbol[row]] == 0) {
        window->distinct_count--;
    }
}

void floe_pit_window_leave(pit_window *window, const int64_t *entered_at, int64_t t) {
    if (window->leave_after == INT64_MAX) {
        return;
    }
    for (; window->next_out < window->last_row; window->next_out++) {
        int64_t leave = leave_of(window, window->next_out);
        if (leave > t) {
            return;
        }
        if (entered_at[window->next_out - window->first_row] < leave) {
            leave_row(window, window->next_out);
        }
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

floe_status floe_pit_window_answer(pit_window *window, floe_function function, int64_t t, pit_result *result,
                                   size_t label, floe_error *err) {
    if (function == FLOE_FN_COUNT || function == FLOE_FN_COUNT_DISTINCT) {
        result->data.i64[label] = function == FLOE_FN_COUNT ? window->count : window->distinct_count;
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
        result->data.symbol[label] =
            floe_pit_extreme_at(function == FLOE_FN_MIN ? window->smallest : window->largest, t);
        return FLOE_OK;
    }
}
