/*
 * Sums from the first row of a key on, and peaks. See ranges.h.
 *
 * Invariant: a sum of n values that are below 2^bits counts in no more than bits + log n bits, which is checked to be less
 * than 127 before any is added.
 */
#include "offline/pit/window/ranges.h"

#include "core/mem.h"
#include "core/paged.h"
#include "offline/pit/exact/moments.h"
#include "offline/pit/window/extreme.h"
#include "offline/pit/window/slide.h"

#include <math.h>

#define SUM_BITS 126

floe_status floe_pit_ranges_of(pit_ranges *ranges, const pit_column *column, pit_range **ret_range, floe_error *err) {
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i]->column == column) {
            *ret_range = ranges->items[i];
            return FLOE_OK;
        }
    }
    if (ranges->count == ranges->room) {
        size_t room = ranges->room * 2 + 4;
        FLOE_TRY(floe_realloc(&ranges->items, room, sizeof(pit_range *), err));
        ranges->room = room;
    }
    pit_range *range = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*range), &range, err));
    range->column = column;
    range->smallest.smallest = true;
    ranges->items[ranges->count++] = range;
    *ret_range = range;
    return FLOE_OK;
}

void floe_pit_ranges_close(pit_ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++) {
        pit_range *range = ranges->items[i];
        void *arrays[] = {range->before,         range->row_of,        range->sums, range->squares,
                          range->smallest.items, range->largest.items, range};
        for (size_t a = 0; a < sizeof(arrays) / sizeof(arrays[0]); a++) {
            floe_free(arrays[a]);
        }
    }
    floe_free(ranges->items);
}

/* ---- do the values of a key fit ---- */

/* What is common to the values of a key: all of them are whole multiples of 2^exponent below 2^top. */
typedef struct extent {
    int exponent, top;
    bool small; /* all are whole numbers of few bits, so that their squares fit too */
} extent;

static void widen(extent *e, int exponent, int top) {
    e->exponent = exponent < e->exponent ? exponent : e->exponent;
    e->top = top > e->top ? top : e->top;
}

/* value = mantissa * 2^result, of a finite one. */
static int split(double value, uint64_t *ret_mantissa) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    int exponent = (int)((bits >> 52) & 0x7ff);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    *ret_mantissa = exponent == 0 ? fraction : fraction | (UINT64_C(1) << 52);
    return (exponent == 0 ? 1 : exponent) - 1075;
}

/* False: one is not finite. */
static bool extent_of_reals(const double *values, const uint8_t *is_null, size_t count, extent *e) {
    for (size_t i = 0; i < count; i++) {
        floe_paged_ease_at(i);
        if (is_null[i]) {
            continue;
        }
        if (!isfinite(values[i])) {
            return false;
        }
        e->small = e->small && fabs(values[i]) < (double)FLOE_MOMENTS_SMALL && values[i] == (double)(int64_t)values[i];
        uint64_t mantissa;
        int exponent = split(values[i], &mantissa);
        if (mantissa != 0) {
            int zeros = __builtin_ctzll(mantissa);
            widen(e, exponent + zeros, exponent + 64 - __builtin_clzll(mantissa));
        }
    }
    return true;
}

static void extent_of_whole(const int64_t *values, const uint8_t *is_null, size_t count, extent *e) {
    for (size_t i = 0; i < count; i++) {
        e->small = e->small && (is_null[i] || (values[i] < FLOE_MOMENTS_SMALL && values[i] > -FLOE_MOMENTS_SMALL));
    }
    widen(e, 0, 64);
}

static void extent_of_decimals(const __int128 *values, const uint8_t *is_null, size_t count, extent *e) {
    widen(e, 0, 1);
    for (size_t i = 0; i < count; i++) {
        __int128 value = is_null[i] ? 0 : values[i];
        uint64_t high = (uint64_t)((value < 0 ? ~value : value) >> 64);
        e->small = e->small && value < FLOE_MOMENTS_SMALL && value > -FLOE_MOMENTS_SMALL;
        widen(e, 0, high == 0 ? 64 : 128 - __builtin_clzll(high));
    }
}

static bool values_fit(const pit_column *column, uint32_t first_row, size_t count, extent *e) {
    const uint8_t *is_null = column->is_null + first_row;
    *e = (extent){.exponent = INT32_MAX, .top = INT32_MIN, .small = true};
    if (column->class == PIT_F64) {
        if (!extent_of_reals(column->data.f64 + first_row, is_null, count, e)) {
            return false;
        }
    } else if (column->class == PIT_I64) {
        extent_of_whole(column->data.i64 + first_row, is_null, count, e);
    } else {
        extent_of_decimals(column->data.i128 + first_row, is_null, count, e);
    }
    if (e->exponent == INT32_MAX) {
        e->exponent = e->top = 0; /* nothing, or zeros */
    }
    /* Small ones are counted as they are, for their squares. */
    e->exponent = e->small ? 0 : e->exponent;
    int count_bits = 64 - __builtin_clzll(count | 1);
    return e->top - e->exponent + count_bits <= SUM_BITS;
}

/* ---- sums ---- */

static __int128 scaled(double value, int exponent) {
    uint64_t mantissa;
    int shift = split(value, &mantissa) - exponent;
    if (mantissa == 0) {
        return 0;
    }
    /* Bits that a shift to the right drops are zeros: the exponent is that of the lowest bit of all. */
    __int128 whole = shift >= 0 ? (__int128)mantissa << shift : (__int128)(mantissa >> -shift);
    return signbit(value) ? -whole : whole;
}

static inline __int128 cell_at(const pit_column *column, uint32_t row, int exponent) {
    if (column->is_null[row]) {
        return 0;
    }
    return column->class == PIT_F64   ? scaled(column->data.f64[row], exponent)
           : column->class == PIT_I64 ? column->data.i64[row]
                                      : column->data.i128[row];
}

static void add_up(pit_range *range, size_t count) {
    extent e;
    range->sums_fit = values_fit(range->column, range->first_row, count, &e);
    range->squares_fit = range->sums_fit && range->wants_squares && e.small;
    range->exponent = e.exponent;
    range->unit = e.exponent > -1000 && e.exponent < 1000 ? ldexp(1, e.exponent) : 0;
    if (!range->sums_fit) {
        return;
    }
    __int128 sum = 0, square_sum = 0;
    for (size_t i = 0; i < count; i++) {
        floe_paged_ease_at(i);
        __int128 value = cell_at(range->column, range->first_row + (uint32_t)i, e.exponent);
        range->sums[i] = sum;
        sum += value;
        if (range->squares_fit) {
            range->squares[i] = square_sum;
            square_sum += value * value;
        }
    }
    range->sums[count] = sum;
    if (range->squares_fit) {
        range->squares[count] = square_sum;
    }
}

static void count_values(pit_range *range, size_t count) {
    const uint8_t *is_null = range->column->is_null + range->first_row;
    range->has_nulls = memchr(is_null, 1, count) != NULL;
    if (!range->has_nulls) {
        return;
    }
    uint32_t values = 0;
    for (size_t i = 0; i < count; i++) {
        floe_paged_ease_at(i);
        range->before[i] = values;
        if (!is_null[i]) {
            range->row_of[values++] = range->first_row + (uint32_t)i;
        }
    }
    range->before[count] = values;
}

static floe_status make_room(pit_range *range, size_t rows, floe_error *err) {
    if (rows <= range->room) {
        return FLOE_OK;
    }
    size_t room = rows + rows / 2;
    if (range->column) {
        FLOE_TRY(floe_realloc(&range->before, room, sizeof(*range->before), err));
        FLOE_TRY(floe_realloc(&range->row_of, room, sizeof(*range->row_of), err));
    }
    if (range->wants_sums) {
        FLOE_TRY(floe_realloc(&range->sums, room, sizeof(*range->sums), err));
    }
    if (range->wants_squares) {
        FLOE_TRY(floe_realloc(&range->squares, room, sizeof(*range->squares), err));
    }
    range->room = room;
    return FLOE_OK;
}

floe_status floe_pit_ranges_make(pit_ranges *ranges, uint32_t first_row, uint32_t last_row, floe_error *err) {
    size_t count = last_row - first_row;
    for (size_t i = 0; i < ranges->count; i++) {
        pit_range *range = ranges->items[i];
        FLOE_TRY(make_room(range, count + 1, err));
        range->first_row = first_row;
        range->smallest.count = range->largest.count = 0;
        if (range->column) {
            count_values(range, count);
        }
        if (range->wants_sums) {
            add_up(range, count);
        }
    }
    return FLOE_OK;
}

void floe_pit_range_moments(const pit_range *range, uint32_t low, uint32_t high, floe_moments *moments) {
    uint32_t from = low - range->first_row, to = high - range->first_row;
    __int128 total = range->sums[to] - range->sums[from];
    floe_moments_of(moments, floe_pit_range_count(range, low, high), total, range->exponent,
                    range->squares_fit ? range->squares[to] - range->squares[from] : 0);
}

double floe_pit_range_sum(const pit_range *range, uint32_t low, uint32_t high) {
    __int128 total = range->sums[high - range->first_row] - range->sums[low - range->first_row];
    return range->unit != 0 ? (double)total * range->unit : ldexp((double)total, range->exponent);
}

/* ---- peaks ---- */

static bool is_ranked(const pit_column *column) {
    return column->class == PIT_I64 || column->class == PIT_F64;
}

/* Whether nothing says that the peak is better than the row that came. */
static bool is_outdone(const pit_column *column, bool smallest, const pit_peak *peak, const pit_peak *coming) {
    if (is_ranked(column)) {
        return peak->rank <= coming->rank;
    }
    int order = floe_pit_compare_cells(column, peak->row, coming->row);
    return smallest ? order >= 0 : order <= 0;
}

static floe_status enter_peaks(const pit_column *column, pit_peaks *peaks, uint32_t row, floe_error *err) {
    pit_peak coming = {is_ranked(column) ? floe_pit_extreme_rank(column, peaks->smallest, row) : 0, row};
    while (peaks->count > 0 && is_outdone(column, peaks->smallest, &peaks->items[peaks->count - 1], &coming)) {
        peaks->count--;
    }
    if (peaks->count == peaks->room) {
        size_t room = peaks->room * 2 + 32;
        FLOE_TRY(floe_realloc(&peaks->items, room, sizeof(*peaks->items), err));
        peaks->room = room;
    }
    peaks->items[peaks->count++] = coming;
    return FLOE_OK;
}

floe_status floe_pit_ranges_enter(pit_ranges *ranges, uint32_t first, uint32_t last, floe_error *err) {
    for (size_t i = 0; i < ranges->count; i++) {
        pit_range *range = ranges->items[i];
        if (!range->smallest.wanted && !range->largest.wanted) {
            continue;
        }
        for (uint32_t row = first; row < last; row++) {
            if (range->column->is_null[row]) {
                continue;
            }
            if (range->smallest.wanted) {
                FLOE_TRY(enter_peaks(range->column, &range->smallest, row, err));
            }
            if (range->largest.wanted) {
                FLOE_TRY(enter_peaks(range->column, &range->largest, row, err));
            }
        }
    }
    return FLOE_OK;
}

uint32_t floe_pit_peaks_best(const pit_peaks *peaks, uint32_t low) {
    size_t first = 0, last = peaks->count;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        bool reached = peaks->items[middle].row >= low;
        last = reached ? middle : last;
        first = reached ? first : middle + 1;
    }
    FLOE_ASSERT(first < peaks->count);
    return peaks->items[first].row;
}

/* ---- rows by their place ---- */

uint32_t floe_pit_range_row(const pit_range *range, uint32_t low, uint32_t high, uint64_t k, bool newest) {
    if (!range->has_nulls) {
        return newest ? high - 1 - (uint32_t)k : low + (uint32_t)k;
    }
    uint32_t from = range->before[low - range->first_row], to = range->before[high - range->first_row];
    return range->row_of[newest ? to - 1 - k : from + k];
}
