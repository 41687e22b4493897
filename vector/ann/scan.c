/*
 * The scan over rows and the list of the best, and the product for every machine.
 */
#include "vector/ann/scan_int.h"

#include "core/mem.h"

#include <stdlib.h>

/* From one row of so many on, rows are read as if all were. */
#define DENSE_SHARE 4
#define AHEAD 4

/* Sums of four lanes, which a compiler may keep in one register, and which round less than one long sum. */
static float product_portable(const float *query, const float *row, size_t dim) {
    float lanes[4] = {0};
    size_t i = 0;
    for (; i + 4 <= dim; i += 4) {
        for (size_t lane = 0; lane < 4; lane++) {
            lanes[lane] += query[i + lane] * row[i + lane];
        }
    }
    for (; i < dim; i++) {
        lanes[0] += query[i] * row[i];
    }
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

const floe_dot *floe_dot_portable(void) {
    static const floe_dot dot = {"portable", product_portable};
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

static void scan_one(const floe_scan *scan, size_t row, floe_top *top) {
    float score = scan->dot->product(scan->query, scan->rows + row * scan->dim, scan->dim);
    floe_top_offer(top, score, scan->base + (uint32_t)row);
}

/* Questions that are asked of the same rows. */
typedef struct asked {
    const floe_scan *scan;
    const float *const *queries;
    size_t count;
    floe_top *tops; /* of each */
} asked;

static void ask_row(const asked *of, size_t row) {
    const floe_scan *scan = of->scan;
    const float *values = scan->rows + row * scan->dim;
    for (size_t i = 0; i < of->count; i++) {
        floe_top_offer(&of->tops[i], scan->dot->product(of->queries[i], values, scan->dim), scan->base + (uint32_t)row);
    }
}

/* Rows here and there: each is asked for when it is named, and multiplied when a few more have been named. */
typedef struct queue {
    const asked *asked;
    size_t rows[AHEAD];
    size_t named, done;
} queue;

static void name_row(queue *of, size_t row) {
    const floe_scan *scan = of->asked->scan;
    const char *at = (const char *)(scan->rows + row * scan->dim);
    for (size_t line = 0; line < scan->dim * sizeof(float); line += 64) {
        __builtin_prefetch(at + line);
    }
    if (of->named - of->done == AHEAD) {
        ask_row(of->asked, of->rows[of->done++ % AHEAD]);
    }
    of->rows[of->named++ % AHEAD] = row;
}

static void finish(queue *of) {
    while (of->done < of->named) {
        ask_row(of->asked, of->rows[of->done++ % AHEAD]);
    }
}

void floe_scan_all(const floe_scan *scan, floe_top *top) {
    for (size_t row = 0; row < scan->count; row++) {
        scan_one(scan, row, top);
    }
}

void floe_scan_bitmap_batch(const floe_scan *scan, const uint64_t *bits, const float *const *queries, size_t count,
                            floe_top *tops) {
    asked all = {scan, queries, count, tops};
    queue waiting = {.asked = &all};
    bool is_dense = floe_bits_count(bits, scan->count) > scan->count / DENSE_SHARE;
    for (size_t word = 0; word < FLOE_BITS_WORDS(scan->count); word++) {
        for (uint64_t left = bits[word]; left != 0; left &= left - 1) {
            size_t row = word * 64 + (size_t)__builtin_ctzll(left);
            if (row >= scan->count) {
                break;
            }
            if (is_dense) {
                ask_row(&all, row);
            } else {
                name_row(&waiting, row);
            }
        }
    }
    finish(&waiting);
}

void floe_scan_bitmap(const floe_scan *scan, const uint64_t *bits, floe_top *top) {
    floe_scan_bitmap_batch(scan, bits, &scan->query, 1, top);
}

void floe_scan_list(const floe_scan *scan, const uint32_t *list, size_t list_count, floe_top *top) {
    asked one = {scan, &scan->query, 1, top};
    queue waiting = {.asked = &one};
    for (size_t i = 0; i < list_count; i++) {
        name_row(&waiting, list[i]);
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
