/*
 * Moments by time. What lies in order, or in a few runs that follow one another (a source that is sorted by time, taken in by
 * several threads), is left or merged; the rest goes by digits of the time, least first, for as many as the times differ in.
 *
 * Invariant: every step keeps the order of equal times, and rows of equal times come in rising, so ties end by row.
 */
#include "offline/pit/question/sort.h"

#include <stdbool.h>
#include <string.h>

#define FEW 32 /* that are put in place one by one */
#define RUNS_MAX 8
#define DIGIT_BITS 11
#define DIGITS ((size_t)1 << DIGIT_BITS)
#define MANY 1024 /* that are worth counting digits for */

static bool is_before(const pit_moment *a, const pit_moment *b) {
    return a->at < b->at || (a->at == b->at && a->row < b->row);
}

static size_t insert_each(pit_moment *moments, size_t count) {
    size_t moved = 0;
    for (size_t i = 1; i < count; i++) {
        pit_moment moment = moments[i];
        size_t at = i;
        for (; at > 0 && is_before(&moment, &moments[at - 1]); at--) {
            moments[at] = moments[at - 1];
        }
        moments[at] = moment;
        moved += i - at;
    }
    return moved;
}

/* moments[0…middle) and [middle…count) are in order each. */
static size_t merge(pit_moment *moments, size_t middle, size_t count, pit_moment *spare) {
    if (middle == 0 || middle == count || is_before(&moments[middle - 1], &moments[middle])) {
        return 0;
    }
    memcpy(spare, moments, middle * sizeof(*moments));
    size_t left = 0, right = middle, at = 0;
    while (left < middle && right < count) {
        moments[at++] = is_before(&moments[right], &spare[left]) ? moments[right++] : spare[left++];
    }
    memcpy(moments + at, spare + left, (middle - left) * sizeof(*moments));
    return middle + count;
}

static size_t sort_by_halves(pit_moment *moments, size_t count, pit_moment *spare) {
    if (count <= FEW) {
        return insert_each(moments, count);
    }
    size_t moved = sort_by_halves(moments, count / 2, spare);
    moved += sort_by_halves(moments + count / 2, count - count / 2, spare);
    return moved + merge(moments, count / 2, count, spare);
}

/* Where the runs begin; more than RUNS_MAX are not counted. */
static size_t find_runs(const pit_moment *moments, size_t count, size_t *starts) {
    size_t runs = 1;
    starts[0] = 0;
    for (size_t i = 1; i < count && runs <= RUNS_MAX; i++) {
        if (is_before(&moments[i], &moments[i - 1])) {
            starts[runs++] = i;
        }
    }
    return runs;
}

static size_t merge_runs(pit_moment *moments, size_t count, const size_t *starts, size_t runs, pit_moment *spare) {
    size_t moved = 0;
    for (size_t r = 1; r < runs; r++) {
        moved += merge(moments, starts[r], r + 1 < runs ? starts[r + 1] : count, spare);
    }
    return moved;
}

/* One pass over one digit of the distance from `least`; false when all have the same. */
static bool place_by_digit(const pit_moment *from, size_t count, int64_t least, unsigned shift, pit_moment *to) {
    uint32_t places[DIGITS] = {0};
    for (size_t i = 0; i < count; i++) {
        places[(((uint64_t)from[i].at - (uint64_t)least) >> shift) & (DIGITS - 1)]++;
    }
    uint32_t sum = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        uint32_t here = places[d];
        if (here == count) {
            return false;
        }
        places[d] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count; i++) {
        to[places[(((uint64_t)from[i].at - (uint64_t)least) >> shift) & (DIGITS - 1)]++] = from[i];
    }
    return true;
}

static size_t sort_by_digits(pit_moment *moments, size_t count, pit_moment *spare) {
    size_t moved = 0;
    int64_t least = moments[0].at, most = moments[0].at;
    bool rising = true; /* rows, so that keeping equal times as they are orders them */
    for (size_t i = 1; i < count; i++) {
        least = moments[i].at < least ? moments[i].at : least;
        most = moments[i].at > most ? moments[i].at : most;
        rising = rising && moments[i].row > moments[i - 1].row;
    }
    if (!rising) {
        return sort_by_halves(moments, count, spare);
    }
    uint64_t distance = (uint64_t)most - (uint64_t)least;
    pit_moment *from = moments, *to = spare;
    for (unsigned shift = 0; shift < 64 && distance >> shift != 0; shift += DIGIT_BITS) {
        if (place_by_digit(from, count, least, shift, to)) {
            pit_moment *swap = from;
            from = to;
            to = swap;
            moved += count;
        }
    }
    if (from != moments) {
        memcpy(moments, from, count * sizeof(*moments));
        moved += count;
    }
    return moved;
}

size_t floe_pit_sort_moments(pit_moment *moments, size_t count, pit_moment *spare) {
    if (count <= FEW) {
        return insert_each(moments, count);
    }
    size_t starts[RUNS_MAX + 1];
    size_t runs = find_runs(moments, count, starts);
    if (runs <= RUNS_MAX) {
        return merge_runs(moments, count, starts, runs, spare);
    }
    return count < MANY ? sort_by_halves(moments, count, spare) : sort_by_digits(moments, count, spare);
}
