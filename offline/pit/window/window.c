/*
 * What the outputs of one column over one window share. Where a key's rows become visible in order, a window is a range of
 * them (window/ranges.h) and nothing happens per row; its usual answers are written into the label's row together. Otherwise,
 * and for what ranges do not answer, rows enter and leave: a count, exact sums (exact/moments.h), the best rows for min and
 * max, counts per symbol for count_distinct, counts per rank (window/slide.h) for the rest.
 *
 * Invariants: a row that entered leaves at most once; every quantity depends on the rows in the window alone and not on
 * what was there before.
 */
#include "offline/pit/window/window.h"

#include "core/mem.h"
#include "offline/pit/exact/moments.h"
#include "offline/pit/question/sort.h"
#include "offline/pit/window/extreme.h"
#include "offline/pit/window/ranges.h"
#include "offline/pit/window/slide.h"

#include <math.h>
#include <string.h>

struct pit_window {
    const pit_group *group;
    const pit_column *column; /* NULL: "*" */
    uint32_t column_index;
    int64_t leave_after; /* leave = event + leave_after; INT64_MAX: never */
    bool sums, squares, distinct;
    pit_range *range; /* of the column */
    bool ranged;      /* the key at hand is answered by it: by rows [next_out, row_end) */
    bool summed;      /* moments are those of the rows that are in; of a window that is answered by ranges */
    uint32_t row_end;
    uint32_t first_row, last_row, next_out; /* rows of the key; the next that may leave */
    int64_t count;                          /* values in the window */
    floe_moments moments;
    pit_extreme *smallest, *largest; /* NULL: not wanted */
    /* count_distinct */
    uint32_t *symbol_counts;
    uint32_t *touched;
    size_t touched_count, touched_room;
    int64_t distinct_count;
    /* Shared rankings of the key's rows, NULL where not wanted, and what is counted over them. */
    pit_ranking *by_value, *by_order, *by_hash;
    bool slides;                      /* one of the three is wanted */
    bool wants_ladder, wants_contest; /* over by_value */
    pit_ladder ladder, order;
    pit_contest contest;
    pit_sketch sketch;
    uint32_t *top_ranks; /* room for the largest k asked for */
    int64_t steps;
    size_t top_room;
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

/* ---- what is wanted ---- */

static floe_status want_extreme(const pit_column *column, bool smallest, pit_extreme **extreme, pit_peaks *peaks,
                                floe_error *err) {
    peaks->wanted = true;
    if (*extreme) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(1, sizeof(**extreme), extreme, err));
    (*extreme)->column = column;
    (*extreme)->smallest = smallest;
    return FLOE_OK;
}

static floe_status want_sums(pit_window *window, bool squares, floe_error *err) {
    window->sums = window->range->wants_sums = true;
    window->squares = window->squares || squares;
    window->range->wants_squares = window->range->wants_squares || squares;
    return floe_moments_want(&window->moments, window->column->type, squares, err);
}

static floe_status want_distinct(pit_window *window, floe_error *err) {
    window->distinct = true;
    return window->symbol_counts
               ? FLOE_OK
               : floe_alloc(window->column->symbols.count + 1, sizeof(uint32_t), &window->symbol_counts, err);
}

static floe_status want_top(pit_window *window, pit_rankings *rankings, uint32_t k, floe_error *err) {
    window->wants_contest = true;
    if (k > window->top_room) {
        FLOE_TRY(floe_realloc(&window->top_ranks, k, sizeof(*window->top_ranks), err));
        window->top_room = k;
    }
    return floe_pit_rankings_of(rankings, PIT_BY_VALUE, window->column, &window->by_value, err);
}

static floe_status want(pit_window *window, const floe_output *output, pit_rankings *rankings, floe_error *err) {
    switch (output->function) {
    case FLOE_FN_SUM:
    case FLOE_FN_MEAN:
        return want_sums(window, false, err);
    case FLOE_FN_STDDEV:
    case FLOE_FN_STDDEV_POP:
    case FLOE_FN_VARIANCE:
    case FLOE_FN_VARIANCE_POP:
        return want_sums(window, true, err);
    case FLOE_FN_COUNT_DISTINCT:
        return want_distinct(window, err);
    case FLOE_FN_APPROX_COUNT_DISTINCT:
        return floe_pit_rankings_of(rankings, PIT_BY_HASH, window->column, &window->by_hash, err);
    case FLOE_FN_MIN:
        return want_extreme(window->column, true, &window->smallest, &window->range->smallest, err);
    case FLOE_FN_MAX:
        return want_extreme(window->column, false, &window->largest, &window->range->largest, err);
    case FLOE_FN_FIRST:
    case FLOE_FN_LAST:
    case FLOE_FN_FIRST_K:
    case FLOE_FN_LAST_K:
        return floe_pit_rankings_of(rankings, PIT_BY_ORDER, NULL, &window->by_order, err);
    case FLOE_FN_PERCENTILE:
        window->wants_ladder = true;
        return floe_pit_rankings_of(rankings, PIT_BY_VALUE, window->column, &window->by_value, err);
    case FLOE_FN_TOP_K:
        return want_top(window, rankings, output->k, err);
    case FLOE_FN_COUNT: /* Every window counts its rows. */
    case FLOE_FN_NONE:  /* As-of values are no window's. */
    case FLOE_FN_END:
        return FLOE_OK;
    }
    return FLOE_OK;
}

floe_status floe_pit_window_want(pit_window *window, const floe_output *output, pit_rankings *rankings,
                                 pit_ranges *ranges, floe_error *err) {
    FLOE_TRY(floe_pit_ranges_of(ranges, window->column, &window->range, err));
    FLOE_TRY(want(window, output, rankings, err));
    window->slides = window->by_value || window->by_order || window->by_hash;
    return FLOE_OK;
}

bool floe_pit_window_choose(pit_window *window, bool in_order) {
    bool sums_fit = !window->sums || (window->range->sums_fit && (!window->squares || window->range->squares_fit));
    window->ranged = in_order && sums_fit && !window->distinct && !window->by_value && !window->by_hash;
    return window->ranged;
}

bool floe_pit_window_ranged(const pit_window *window) {
    return window->ranged;
}

bool floe_pit_window_orders(const pit_window *window) {
    return window->by_order != NULL;
}

static void close_extreme(pit_extreme *extreme) {
    if (extreme) {
        floe_free(extreme->items);
        floe_free(extreme);
    }
}

void floe_pit_window_close(pit_window **window) {
    if (*window) {
        floe_moments_close(&(*window)->moments);
        close_extreme((*window)->smallest);
        close_extreme((*window)->largest);
        floe_free((*window)->symbol_counts);
        floe_free((*window)->touched);
        floe_pit_ladder_close(&(*window)->ladder);
        floe_pit_ladder_close(&(*window)->order);
        floe_pit_contest_close(&(*window)->contest);
        floe_pit_sketch_close(&(*window)->sketch);
        floe_free((*window)->top_ranks);
        floe_free(*window);
        *window = NULL;
    }
}

/* ---- the next key ---- */

void floe_pit_window_clear(pit_window *window) {
    if (window->by_hash) {
        floe_pit_sketch_clear(&window->sketch, window->by_hash);
    }
}

static floe_status reset_slides(pit_window *window, floe_error *err) {
    if (window->wants_ladder) {
        FLOE_TRY(floe_pit_ladder_reset(&window->ladder, window->by_value->count, err));
    }
    if (window->wants_contest) {
        FLOE_TRY(floe_pit_contest_reset(&window->contest, window->by_value->count, err));
    }
    if (window->by_order) {
        FLOE_TRY(floe_pit_ladder_reset(&window->order, window->by_order->count, err));
    }
    return window->by_hash ? floe_pit_sketch_reset(&window->sketch, window->by_hash->count, err) : FLOE_OK;
}

floe_status floe_pit_window_reset(pit_window *window, uint32_t first_row, uint32_t last_row, floe_error *err) {
    window->first_row = window->next_out = window->row_end = first_row;
    window->last_row = last_row;
    window->count = window->distinct_count = 0;
    if (window->sums) {
        floe_moments_reset(&window->moments);
    }
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
    return window->ranged ? FLOE_OK : reset_slides(window, err);
}

/* ---- rows in, rows out ---- */

static inline void add_value(pit_window *window, uint32_t row, bool take) {
    const pit_column *column = window->column;
    if (column->class == PIT_I64) {
        floe_moments_whole(&window->moments, column->data.i64[row], take);
    } else if (column->class == PIT_F64) {
        floe_moments_real(&window->moments, column->data.f64[row], take);
    } else {
        floe_moments_decimal(&window->moments, column->data.i128[row], take);
    }
}

static void add_slides(pit_window *window, uint32_t row, bool take) {
    uint32_t at = row - window->first_row;
    if (window->wants_ladder) {
        floe_pit_ladder_add(&window->ladder, window->by_value->rank[at], take);
    }
    if (window->wants_contest) {
        floe_pit_contest_add(&window->contest, window->by_value->rank[at], take);
    }
    if (window->by_order) {
        floe_pit_ladder_add(&window->order, window->by_order->rank[at], take);
    }
    if (window->by_hash) {
        floe_pit_sketch_add(&window->sketch, window->by_hash, window->by_hash->rank[at], take);
    }
}

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

static int64_t leave_of(const pit_window *window, uint32_t row) {
    return window->leave_after == INT64_MAX ? INT64_MAX
                                            : floe_pit_saturating_add(window->group->event[row], window->leave_after);
}

static floe_status enter_rest(pit_window *window, uint32_t row, int64_t leave, floe_error *err) {
    if (window->slides) {
        add_slides(window, row, false);
    }
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
    bool rest = window->distinct || window->smallest || window->largest || window->slides;
    window->steps += (int64_t)count;
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
    if (window->slides) {
        add_slides(window, row, true);
    }
    if (window->distinct && --window->symbol_counts[window->column->symbol[row]] == 0) {
        window->distinct_count--;
    }
}

void floe_pit_window_leave(pit_window *window, const int64_t *entered_at, int64_t t) {
    if (window->ranged || window->leave_after == INT64_MAX) {
        return;
    }
    for (; window->next_out < window->last_row; window->next_out++, window->steps++) {
        int64_t leave = leave_of(window, window->next_out);
        if (leave > t) {
            return;
        }
        if (entered_at[window->next_out - window->first_row] < leave) {
            leave_row(window, window->next_out);
        }
    }
}

int64_t floe_pit_window_steps(const pit_window *window) {
    const pit_extreme *smallest = window->smallest, *largest = window->largest;
    return window->steps + (smallest ? smallest->steps : 0) + (largest ? largest->steps : 0);
}

/* The first row from next_out on that has not left at t. It is near, so the steps there double, and then are halved. */
static uint32_t first_that_stays(const pit_window *window, int64_t t) {
    uint32_t low = window->next_out, high = window->last_row, step = 1;
    while (high - low > step && leave_of(window, low + step - 1) <= t) {
        low += step;
        step *= 2;
    }
    high = high - low > step ? low + step : high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool left = leave_of(window, middle) <= t;
        low = left ? middle + 1 : low;
        high = left ? high : middle;
    }
    return low;
}

/* Of a window that is answered by ranges: its rows are from this one to row_end. */
static inline uint32_t first_in(const pit_window *window) {
    return window->next_out < window->row_end ? window->next_out : window->row_end;
}

void floe_pit_window_reach(pit_window *window, uint32_t last, int64_t t) {
    window->row_end = last;
    if (window->leave_after != INT64_MAX) {
        window->next_out = first_that_stays(window, t);
    }
    window->count = floe_pit_range_count(window->range, first_in(window), last);
    window->summed = false;
}

/* ---- answers ---- */

static void answer_real(pit_answer *answer, double real) {
    answer->kind = PIT_ANSWER_REAL;
    answer->as.real = real;
}

static floe_status answer_sum(const pit_window *window, pit_answer *answer, floe_error *err) {
    if (window->column->class == PIT_F64) {
        answer_real(answer, floe_moments_sum(&window->moments));
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
    bool fits = floe_moments_total(&window->moments, &total) && total <= bound &&
                total >= (window->column->class == PIT_I128 ? -bound : -bound - 1);
    FLOE_ENSURE(fits, err, FLOE_INVALID, "the sum of column \"%.*s\" does not fit %s; use mean, or a shorter window",
                FLOE_STR_ARG(window->column->name), window->column->class == PIT_I128 ? "38 digits" : "int64");
    if (window->column->class == PIT_I128) {
        answer->kind = PIT_ANSWER_DECIMAL;
        answer->as.decimal = total;
    } else {
        answer->kind = PIT_ANSWER_WHOLE;
        answer->as.whole = (int64_t)total;
    }
    return FLOE_OK;
}

/* The value of a row as a double, for percentiles. */
static double real_of(const pit_column *column, uint32_t row) {
    if (column->class == PIT_F64) {
        return column->data.f64[row];
    }
    return column->class == PIT_I64 ? (double)column->data.i64[row]
                                    : floe_expr_decimal_real(column->data.i128[row], column->type.scale);
}

static double percentile(const pit_window *window, double quantile) {
    double place = quantile * (double)(window->count - 1);
    uint64_t low = (uint64_t)place;
    const uint32_t *row_of = window->by_value->row_of;
    double a = real_of(window->column, row_of[floe_pit_ladder_at(&window->ladder, low)]);
    double part = place - (double)low;
    if (part == 0) {
        return floe_pit_between(a, a, 0);
    }
    return floe_pit_between(a, real_of(window->column, row_of[floe_pit_ladder_at(&window->ladder, low + 1)]), part);
}

/* A list of rows as its own memory: their number, then they. */
static floe_status make_list(pit_answer *answer, size_t count, uint32_t **ret_rows, floe_error *err) {
    FLOE_TRY(floe_alloc(count + 1, sizeof(uint32_t), &answer->as.list, err));
    answer->kind = PIT_ANSWER_LIST;
    answer->as.list[0] = (uint32_t)count;
    *ret_rows = answer->as.list + 1;
    return FLOE_OK;
}

static floe_status answer_top(pit_window *window, uint32_t k, pit_answer *answer, floe_error *err) {
    size_t count = 0;
    uint32_t *rows;
    FLOE_TRY(floe_pit_contest_top(&window->contest, k, window->top_ranks, &count, err));
    FLOE_TRY(make_list(answer, count, &rows, err));
    for (size_t i = 0; i < count; i++) {
        rows[i] = window->by_value->row_of[window->top_ranks[i]];
    }
    return FLOE_OK;
}

/* The k-th row from the older or the newer end. */
static uint32_t row_in_order(const pit_window *window, uint64_t k, bool newest) {
    if (window->ranged) {
        return floe_pit_range_row(window->range, window->next_out, window->row_end, k, newest);
    }
    uint64_t at = newest ? (uint64_t)window->count - 1 - k : k;
    return window->by_order->row_of[floe_pit_ladder_at(&window->order, at)];
}

/* Whether the k-th row, which is `row`, ties with the one behind it. Where the ladder would have to be climbed for that one, the
 * row's neighbour among all of the key's is looked at first, which nearly always tells that there is no tie. */
static bool ties_behind(const pit_window *window, uint32_t row, uint64_t k, bool newest) {
    if (k + 1 >= (uint64_t)window->count) {
        return false;
    }
    if (!window->ranged) {
        const pit_ranking *order = window->by_order;
        uint32_t rank = order->rank[row - order->first_row], next = newest ? rank - 1 : rank + 1; /* wraps below 0 */
        if (next < order->count && !floe_pit_is_tie(window->group, row, order->row_of[next])) {
            return false;
        }
    }
    return floe_pit_is_tie(window->group, row, row_in_order(window, k + 1, newest));
}

static floe_status answer_ends(const pit_window *window, uint32_t k, bool newest, pit_answer *answer, floe_error *err) {
    size_t count = (uint64_t)window->count < k ? (size_t)window->count : k;
    uint32_t *rows;
    FLOE_TRY(make_list(answer, count, &rows, err));
    for (size_t i = 0; i < count; i++) {
        rows[i] = row_in_order(window, i, newest);
        answer->tied = answer->tied || (i > 0 && floe_pit_is_tie(window->group, rows[i - 1], rows[i]));
    }
    answer->tied = answer->tied || ties_behind(window, rows[count - 1], count - 1, newest);
    return FLOE_OK;
}

static void answer_end(const pit_window *window, bool newest, pit_answer *answer) {
    answer->kind = PIT_ANSWER_ROW;
    answer->as.row = row_in_order(window, 0, newest);
    answer->tied = ties_behind(window, answer->as.row, 0, newest);
}

static void answer_count(const pit_window *window, floe_function function, pit_answer *answer) {
    answer->kind = PIT_ANSWER_WHOLE;
    answer->as.whole = function == FLOE_FN_COUNT            ? window->count
                       : function == FLOE_FN_COUNT_DISTINCT ? window->distinct_count
                                                            : floe_sketch_estimate(window->sketch.registers);
}

static uint32_t extreme_row(pit_window *window, bool smallest, int64_t t) {
    if (window->ranged) {
        return floe_pit_peaks_best(smallest ? &window->range->smallest : &window->range->largest, window->next_out);
    }
    return floe_pit_extreme_at(smallest ? window->smallest : window->largest, t);
}

/* Of at least one value; of a sample function at least two. */
static floe_status answer_of_some(pit_window *window, const floe_output *output, int64_t t, pit_answer *answer,
                                  floe_error *err) {
    floe_function function = output->function;
    bool population = function == FLOE_FN_STDDEV_POP || function == FLOE_FN_VARIANCE_POP;
    bool root = function == FLOE_FN_STDDEV_POP || function == FLOE_FN_STDDEV;
    switch (function) {
    case FLOE_FN_SUM:
        return answer_sum(window, answer, err);
    case FLOE_FN_MEAN:
        answer_real(answer, floe_moments_mean(&window->moments));
        return FLOE_OK;
    case FLOE_FN_STDDEV:
    case FLOE_FN_STDDEV_POP:
    case FLOE_FN_VARIANCE:
    case FLOE_FN_VARIANCE_POP:
        answer_real(answer, floe_moments_variance(&window->moments, population, root));
        return FLOE_OK;
    case FLOE_FN_PERCENTILE:
        answer_real(answer, percentile(window, output->quantile));
        return FLOE_OK;
    case FLOE_FN_TOP_K:
        return answer_top(window, output->k, answer, err);
    case FLOE_FN_FIRST_K:
    case FLOE_FN_LAST_K:
        return answer_ends(window, output->k, function == FLOE_FN_LAST_K, answer, err);
    case FLOE_FN_FIRST:
    case FLOE_FN_LAST:
        answer_end(window, function == FLOE_FN_LAST, answer);
        return FLOE_OK;
    default:
        answer->kind = PIT_ANSWER_ROW;
        answer->as.row = extreme_row(window, function == FLOE_FN_MIN, t);
        return FLOE_OK;
    }
}

floe_status floe_pit_window_answer(pit_window *window, const floe_output *output, int64_t t, pit_answer *ret_answer,
                                   floe_error *err) {
    *ret_answer = (pit_answer){.kind = PIT_ANSWER_NULL};
    if (floe_function_counts(output->function)) {
        answer_count(window, output->function, ret_answer);
        return FLOE_OK;
    }
    bool sample = output->function == FLOE_FN_STDDEV || output->function == FLOE_FN_VARIANCE;
    if (window->count == 0 || (sample && window->count < 2)) {
        return FLOE_OK;
    }
    if (window->ranged && window->sums && !window->summed) {
        floe_pit_range_moments(window->range, first_in(window), window->row_end, &window->moments);
        window->summed = true;
    }
    return answer_of_some(window, output, t, ret_answer, err);
}

/* ---- the usual answers, in place ---- */

bool floe_pit_window_writes(const pit_window *window, const floe_output *output) {
    bool numbers = window->column && (window->column->class == PIT_F64 || window->column->class == PIT_I64);
    switch (output->function) {
    case FLOE_FN_COUNT:
        return true;
    case FLOE_FN_SUM:
    case FLOE_FN_MEAN:
        return numbers && window->column->class == PIT_F64;
    case FLOE_FN_MIN:
    case FLOE_FN_MAX:
        return numbers;
    default:
        return false;
    }
}

static inline void write_best(const pit_window *window, const pit_peaks *peaks, uint8_t *cell) {
    uint32_t best = floe_pit_peaks_best(peaks, window->next_out);
    const pit_column *column = window->column;
    if (column->class == PIT_I64) {
        memcpy(cell, &column->data.i64[best], sizeof(int64_t));
    } else {
        double real = floe_pit_canonical(column->data.f64[best]);
        memcpy(cell, &real, sizeof(real));
    }
}

void floe_pit_window_write(const pit_window *window, const pit_written *outputs, size_t output_count, uint8_t *row) {
    const pit_range *range = window->range;
    double sum = window->count > 0 && window->sums ? floe_pit_range_sum(range, first_in(window), window->row_end) : 0;
    for (size_t i = 0; i < output_count; i++) {
        const pit_written *written = &outputs[i];
        uint8_t *cell = row + written->spot.at;
        if (written->function == FLOE_FN_COUNT) {
            memcpy(cell, &window->count, sizeof(int64_t));
            continue;
        }
        if (window->count == 0) {
            continue;
        }
        double real = sum;
        switch (written->function) {
        case FLOE_FN_MIN:
            write_best(window, &range->smallest, cell);
            break;
        case FLOE_FN_MAX:
            write_best(window, &range->largest, cell);
            break;
        default:
            real = written->function == FLOE_FN_MEAN ? sum / (double)window->count : sum;
            memcpy(cell, &real, sizeof(real));
            break;
        }
        floe_pit_sheet_mark(row, &written->spot);
    }
}
