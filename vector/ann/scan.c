/*
 * The scan over rows and the list of the best, and the product for every machine.
 */
#include "vector/ann/scan_int.h"

#include "core/mem.h"

#include <stdlib.h>

/* Sums of four lanes, which a compiler may keep in one register, and which round less than one long sum. */
static void dot_portable(const float *query, const float *const rows[FLOE_DOT_ROWS], size_t dim, float *ret_scores) {
    for (size_t r = 0; r < FLOE_DOT_ROWS; r++) {
        float lanes[4] = {0};
        size_t i = 0;
        for (; i + 4 <= dim; i += 4) {
            for (size_t lane = 0; lane < 4; lane++) {
                lanes[lane] += query[i + lane] * rows[r][i + lane];
            }
        }
        for (; i < dim; i++) {
            lanes[0] += query[i] * rows[r][i];
        }
        ret_scores[r] = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
    }
}

const floe_dot *floe_dot_portable(void) {
    static const floe_dot dot = {"portable", dot_portable};
    return &dot;
}

const floe_dot *floe_dot_best(void) {
    const floe_dot *dot = floe_dot_avx512();
    if (dot == NULL) {
        dot = floe_dot_avx2();
    }
    return dot != NULL ? dot : floe_dot_portable();
}

/* ---- the best ---- */

static bool is_better(floe_scored a, floe_scored b) {
    return a.score > b.score || (a.score == b.score && a.slot < b.slot);
}

floe_status floe_top_open(floe_top *top, size_t k, floe_error *err) {
    *top = (floe_top){.k = k};
    return floe_alloc(k, sizeof(*top->items), &top->items, err);
}

void floe_top_close(floe_top *top) {
    floe_free(top->items);
    *top = (floe_top){0};
}

static void sift_up(floe_scored *items, size_t at) {
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!is_better(items[parent], items[at])) {
            return;
        }
        floe_scored swap = items[parent];
        items[parent] = items[at];
        items[at] = swap;
        at = parent;
    }
}

static void sift_down(floe_scored *items, size_t count) {
    size_t at = 0;
    for (;;) {
        size_t worst = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_better(items[worst], items[child])) {
                worst = child;
            }
        }
        if (worst == at) {
            return;
        }
        floe_scored swap = items[worst];
        items[worst] = items[at];
        items[at] = swap;
        at = worst;
    }
}

void floe_top_offer(floe_top *top, float score, uint32_t slot) {
    floe_scored item = {score, slot};
    if (top->count < top->k) {
        top->items[top->count] = item;
        sift_up(top->items, top->count++);
    } else if (is_better(item, top->items[0])) {
        top->items[0] = item;
        sift_down(top->items, top->count);
    }
}

static int compare(const void *a, const void *b) {
    const floe_scored *x = a;
    const floe_scored *y = b;
    return is_better(*x, *y) ? -1 : is_better(*y, *x) ? 1 : 0;
}

void floe_top_sort(floe_top *top) {
    qsort(top->items, top->count, sizeof(*top->items), compare);
}

/* ---- the scan ---- */

/* Rows wait until there are enough for one call of the product. */
typedef struct batch {
    const floe_scan *scan;
    floe_top *top;
    const float *rows[FLOE_DOT_ROWS];
    uint32_t numbers[FLOE_DOT_ROWS];
    size_t count;
} batch;

/* An unfinished batch is filled up with its first row, whose further scores nobody reads. */
static void flush(batch *waiting) {
    float scores[FLOE_DOT_ROWS];
    for (size_t i = waiting->count; i < FLOE_DOT_ROWS; i++) {
        waiting->rows[i] = waiting->rows[0];
    }
    waiting->scan->dot->rows(waiting->scan->query, waiting->rows, waiting->scan->dim, scores);
    for (size_t i = 0; i < waiting->count; i++) {
        floe_top_offer(waiting->top, scores[i], waiting->scan->base + waiting->numbers[i]);
    }
    waiting->count = 0;
}

/* The head of the row is asked for at once, so that it arrives while the rows before it are multiplied. */
static void add(batch *waiting, size_t row) {
    const float *at = waiting->scan->rows + row * waiting->scan->dim;
    __builtin_prefetch(at);
    __builtin_prefetch(at + 16);
    waiting->rows[waiting->count] = at;
    waiting->numbers[waiting->count] = (uint32_t)row;
    if (++waiting->count == FLOE_DOT_ROWS) {
        flush(waiting);
    }
}

static void finish(batch *waiting) {
    if (waiting->count > 0) {
        flush(waiting);
    }
}

void floe_scan_all(const floe_scan *scan, floe_top *top) {
    batch waiting = {.scan = scan, .top = top};
    for (size_t row = 0; row < scan->count; row++) {
        add(&waiting, row);
    }
    finish(&waiting);
}

void floe_scan_bitmap(const floe_scan *scan, const uint64_t *bits, floe_top *top) {
    batch waiting = {.scan = scan, .top = top};
    for (size_t word = 0; word < FLOE_BITS_WORDS(scan->count); word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(left);
            if (row >= scan->count) {
                break;
            }
            add(&waiting, row);
        }
    }
    finish(&waiting);
}

void floe_scan_list(const floe_scan *scan, const uint32_t *list, size_t list_count, floe_top *top) {
    batch waiting = {.scan = scan, .top = top};
    for (size_t i = 0; i < list_count; i++) {
        add(&waiting, list[i]);
    }
    finish(&waiting);
}

size_t floe_bits_count(const uint64_t *bits, size_t count) {
    size_t set = 0;
    for (size_t word = 0; word < count / 64; word++) {
        set += (size_t)__builtin_popcountll(bits[word]);
    }
    if (count % 64 != 0) {
        set += (size_t)__builtin_popcountll(bits[count / 64] & (((uint64_t)1 << (count % 64)) - 1));
    }
    return set;
}
