/*
 * The slow oracle of the functions that order, count or list values: sort what is in the window, then read the definition.
 */
#include "proto/sketch.h"
#include "tests/offline/pit_world.h"

#include <math.h>
#include <stdlib.h>

static const floe_value *cell(const world_row *row, int column) {
    return &row->cells[column];
}

/* ---- variance and its kin, from the definition ---- */

static double deviation(const floe_output *output, const world_row *const *rows, int column, size_t count) {
    bool population = output->function == FLOE_FN_STDDEV_POP || output->function == FLOE_FN_VARIANCE_POP;
    bool root = output->function == FLOE_FN_STDDEV_POP;
    long double mean = 0, spread = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite((double)world_number(cell(rows[i], column)))) {
            return NAN;
        }
        mean += world_number(cell(rows[i], column));
    }
    mean /= (long double)count;
    for (size_t i = 0; i < count; i++) {
        long double away = world_number(cell(rows[i], column)) - mean;
        spread += away * away;
    }
    long double variance = spread / (long double)(population ? count : count - 1);
    return (double)(root ? sqrtl(variance) : variance);
}

/* ---- order ---- */

static const world_row **sorted(const world_row *const *rows, size_t count) {
    const world_row **order = malloc((count + 1) * sizeof(*order));
    assert_non_null(order);
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 && world_beats(order[at - 1], rows[i]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = rows[i];
    }
    return order; /* oldest first */
}

static floe_value list_items[FLOE_FUNCTION_K_MAX];

static void set_list(floe_value *answer, size_t count) {
    answer->is_null = false;
    answer->as.list.items = list_items;
    answer->as.list.count = count;
}

static void ends(const floe_output *output, const world_row *const *rows, int column, size_t count,
                 floe_value *answer) {
    const world_row **order = sorted(rows, count);
    bool newest = output->function == FLOE_FN_LAST || output->function == FLOE_FN_LAST_K;
    size_t most = output->k > 0 ? output->k : 1;
    size_t listed = count < most ? count : most;
    for (size_t i = 0; i < listed; i++) {
        list_items[i] = *cell(order[newest ? count - 1 - i : i], column);
    }
    if (output->k > 0) {
        set_list(answer, listed);
    } else {
        *answer = list_items[0];
    }
    free(order);
}

/* Whether only file order tells two rows apart. */
static bool is_tie(const world_row *a, const world_row *b) {
    return a->event == b->event && a->created == b->created;
}

bool world_oracle_ends_tied(const floe_output *output, const world_row *const *rows, size_t count) {
    const world_row **order = sorted(rows, count);
    bool newest = output->function == FLOE_FN_LAST || output->function == FLOE_FN_LAST_K, tied = false;
    size_t most = output->k > 0 ? output->k : 1;
    for (size_t i = 0; i < most && i + 1 < count; i++) {
        size_t at = newest ? count - 1 - i : i;
        tied = tied || is_tie(order[at], order[newest ? at - 1 : at + 1]);
    }
    free(order);
    return tied;
}

/* ---- values ---- */

static int compare_doubles(const void *a, const void *b) {
    floe_value x = floe_value_double(*(const double *)a), y = floe_value_double(*(const double *)b);
    return floe_value_compare(&x, &y);
}

/* Linear between closest ranks: rank q (n - 1) from 0. */
static double percentile(double quantile, const world_row *const *rows, int column, size_t count) {
    double *numbers = malloc(count * sizeof(*numbers));
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (double)world_number(cell(rows[i], column));
    }
    qsort(numbers, count, sizeof(*numbers), compare_doubles);
    double rank = quantile * (double)(count - 1);
    size_t low = (size_t)floor(rank);
    double part = rank - floor(rank), answer = numbers[low];
    if (part > 0 && numbers[low] != numbers[low + 1]) {
        double step = numbers[low + 1] - numbers[low];
        answer = isfinite(step) ? numbers[low] + step * part : numbers[low] * (1 - part) + numbers[low + 1] * part;
    }
    free(numbers);
    return answer;
}

static size_t times(const world_row *const *rows, int column, size_t count, const floe_value *value) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += floe_value_compare(cell(rows[i], column), value) == 0;
    }
    return found;
}

/* k times the best of what is not listed yet. */
static void top(const floe_output *output, const world_row *const *rows, int column, size_t count, floe_value *answer) {
    size_t listed = 0;
    while (listed < output->k) {
        const floe_value *best = NULL;
        for (size_t i = 0; i < count; i++) {
            const floe_value *value = cell(rows[i], column);
            bool taken = false;
            for (size_t l = 0; l < listed; l++) {
                taken = taken || floe_value_compare(&list_items[l], value) == 0;
            }
            size_t mine = taken ? 0 : times(rows, column, count, value);
            size_t its = best ? times(rows, column, count, best) : 0;
            if (!taken && (!best || mine > its || (mine == its && floe_value_compare(value, best) < 0))) {
                best = value;
            }
        }
        if (!best) {
            break;
        }
        list_items[listed++] = *best;
    }
    set_list(answer, listed);
}

static int64_t approximate(const world_row *const *rows, int column, size_t count) {
    floe_sketch sketch = {{0}};
    for (size_t i = 0; i < count; i++) {
        floe_sketch_add(&sketch, floe_sketch_hash(cell(rows[i], column)));
    }
    return floe_sketch_count(&sketch);
}

void world_oracle_more(const floe_output *output, const world_row *const *rows, int column, size_t count,
                       floe_value *ret_answer) {
    if (output->function == FLOE_FN_APPROX_COUNT_DISTINCT) {
        *ret_answer = floe_value_int64(approximate(rows, column, count));
        return;
    }
    if (count == 0 || (output->function == FLOE_FN_VARIANCE && count == 1)) {
        return;
    }
    switch (output->function) {
    case FLOE_FN_PERCENTILE:
        *ret_answer = floe_value_double(percentile(output->quantile, rows, column, count));
        break;
    case FLOE_FN_TOP_K:
        top(output, rows, column, count, ret_answer);
        break;
    case FLOE_FN_STDDEV_POP:
    case FLOE_FN_VARIANCE:
    case FLOE_FN_VARIANCE_POP:
        *ret_answer = floe_value_double(deviation(output, rows, column, count));
        break;
    default:
        ends(output, rows, column, count, ret_answer);
        break;
    }
}
