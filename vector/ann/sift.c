/*
 * The sieve: rows by their codes first, then exactly those that may be among the best. See codes_int.h.
 *
 * Phases: the questions in whole numbers → each named row's least and most for each question, block by block, and the k-th of
 * the leasts → the rows whose most reaches it, row by row, through the exact scan. With a helper, each of the two halves of the
 * rows is one thread's; what is best of both is the same, however the rows are shared out.
 */
#include "vector/ann/codes_int.h"

#include "core/mem.h"
#include "vector/ann/ann_int.h"
#include "vector/helper_int.h"

#include <math.h>

#define AHEAD 16
/* Of the exact product, that rows are of length 1 within 1 %. */
#define ROW_LENGTH_MAX 1.02
/* A float's rounding, twice over. */
#define ROUNDING 1.2e-7
/* Questions of other lengths, which might overflow a float, are scanned. */
#define LENGTH_MIN 1e-3
#define LENGTH_MAX 1e3
/* Rows, bounded or scanned, that are worth a second thread. */
#define SHARED_ROWS 1024
/* The second codes are looked at when the first leave so many times as many rows as are wanted. */
#define FINE_SHARE 3

/* Rows that are bounded together: their products by question, then all of them for each question. */
enum { BLOCK = FLOE_CODES_BLOCK };

/* The k largest of what was kept, and a few more that wait to be told from them. */
typedef struct leasts {
    float *items;
    size_t count, k;
    float cut; /* what is less is not among them */
} leasts;

/* One question. */
typedef struct sifted {
    int16_t *whole;
    double step, length, distance; /* of the question as of a row */
    double rounding;               /* what the exact product itself may be off */
    float *most;                   /* by named row */
    leasts least[2];               /* of the halves of the rows, then of all in the first */
    float needed;                  /* the k-th least: a row whose most is smaller has k rows before it */
} sifted;

typedef struct sieve {
    const floe_scan *scan;
    const floe_codes *codes;
    const floe_shelf *shelf; /* NULL: rows are looked up where they lie */
    floe_helper *helper;
    size_t stride;
    size_t question_count;
    sifted questions[FLOE_ANN_BATCH_MAX];
    uint32_t *named; /* without a shelf */
    const uint32_t *rows;
    size_t row_count;
} sieve;

static void sieve_close(sieve *of) {
    for (size_t i = 0; i < of->question_count; i++) {
        floe_free(of->questions[i].whole);
        floe_free(of->questions[i].most);
        floe_free(of->questions[i].least[0].items);
        floe_free(of->questions[i].least[1].items);
    }
    floe_free(of->named);
}

/* ---- the k largest ---- */

static size_t leasts_room(size_t k) {
    return 2 * k + BLOCK;
}

static floe_status leasts_open(leasts *of, size_t k, floe_error *err) {
    *of = (leasts){.k = k, .cut = -INFINITY};
    return floe_alloc(leasts_room(k), sizeof(*of->items), &of->items, err);
}

/* Puts the k largest of 1…count first, in no order, and returns the least of them (Hoare's selection). */
static float select_largest(float *items, size_t count, size_t k) {
    int64_t low = 0, high = (int64_t)count - 1, wanted = (int64_t)k - 1;
    while (low < high) {
        float pivot = items[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (items[i] > pivot) {
                i++;
            }
            while (items[j] < pivot) {
                j--;
            }
            if (i <= j) {
                float moved = items[i];
                items[i++] = items[j];
                items[j--] = moved;
            }
        }
        if (wanted > j && wanted < i) {
            break;
        }
        high = wanted <= j ? j : high;
        low = wanted >= i ? i : low;
    }
    return items[wanted];
}

static void keep(leasts *of, float least) {
    of->items[of->count++] = least;
    if (of->count == leasts_room(of->k)) {
        of->cut = select_largest(of->items, of->count, of->k);
        of->count = of->k;
    }
}

static float kth_of(leasts *of) {
    return of->count < of->k ? -INFINITY : select_largest(of->items, of->count, of->k);
}

/* ---- questions ---- */

/* The largest whole number of a question, so that no sum of its products leaves 32 bits. */
static int whole_max(size_t stride) {
    size_t most = (size_t)INT32_MAX / (127 * stride);
    return most < INT16_MAX ? (int)most : INT16_MAX;
}

static void make_whole(const float *query, size_t dim, size_t stride, sifted *of) {
    double largest = 0;
    double square = 0;
    double left_square = 0;
    for (size_t i = 0; i < dim; i++) {
        largest = fabs((double)query[i]) > largest ? fabs((double)query[i]) : largest;
        square += (double)query[i] * (double)query[i];
    }
    of->step = largest / whole_max(stride);
    for (size_t i = 0; i < dim; i++) {
        of->whole[i] = (int16_t)lrint((double)query[i] / of->step);
        double left = (double)query[i] - of->step * of->whole[i];
        left_square += left * left;
    }
    of->length = sqrt(square) * (1 + 1e-9);
    of->distance = sqrt(left_square) * (1 + 1e-9);
    of->rounding = (double)(dim + 2) * ROUNDING * of->length * ROW_LENGTH_MAX;
}

static double length_of(const float *query, size_t dim) {
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        square += (double)query[i] * (double)query[i];
    }
    return sqrt(square);
}

static floe_status add_question(sieve *of, const float *query, size_t k, floe_error *err) {
    sifted *added = &of->questions[of->question_count++];
    FLOE_TRY(leasts_open(&added->least[0], k, err));
    if (of->helper != NULL) {
        FLOE_TRY(leasts_open(&added->least[1], k, err));
    }
    FLOE_TRY(floe_alloc(of->row_count + BLOCK, sizeof(float), &added->most, err));
    FLOE_TRY(floe_alloc(of->stride, sizeof(int16_t), &added->whole, err));
    make_whole(query, of->scan->dim, of->stride, added);
    return FLOE_OK;
}

/* ---- rows ---- */

static void name_rows(sieve *of, const uint64_t *bits) {
    size_t count = 0;
    for (size_t word = 0; word < FLOE_BITS_WORDS(of->scan->count); word++) {
        for (uint64_t left = bits[word]; left != 0 && count < of->row_count; left &= left - 1) {
            of->named[count++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(left));
        }
    }
}

static void prefetch(const void *at, size_t len) {
    for (size_t line = 0; line < len; line += 64) {
        __builtin_prefetch((const char *)at + line);
    }
}

/* The rows from `from` to before `to`, whose leasts are kept as those of half `half`. */
typedef struct bounding {
    sieve *of;
    size_t from, to, half;
} bounding;

/* How products are come by, chosen once per job. */
typedef struct products {
    floe_code_product one;
    floe_code_four four; /* NULL: one by one */
    floe_code_bound bound;
} products;

static void multiply(const products *by, const sieve *of, const int8_t *code, int32_t *ret_products) {
    size_t stride = of->stride;
    size_t at = 0;
    for (; by->four != NULL && at + 1 < of->question_count; at += 4) {
        const int16_t *whole[4];
        for (size_t i = 0; i < 4; i++) {
            /* Where there are fewer, the last stands in for those that lack. */
            whole[i] = of->questions[at + i < of->question_count ? at + i : of->question_count - 1].whole;
        }
        by->four(whole, code, stride, ret_products + at);
    }
    for (; at < of->question_count; at++) {
        ret_products[at] = by->one(of->questions[at].whole, code, stride);
    }
}

static const int8_t *codes_of(const sieve *of, size_t at) {
    return of->shelf != NULL ? of->shelf->coarse + at * of->stride : of->codes->rows + of->rows[at] * of->stride;
}

static floe_code_scale scale_of(const sieve *of, size_t at) {
    return of->shelf != NULL ? of->shelf->scales[2 * at] : of->codes->scales[of->rows[at]];
}

/* Rows side by side, and their products by question; those that a last block lacks are zeros. */
typedef struct block {
    floe_code_block rows;
    int32_t products[FLOE_ANN_BATCH_MAX][BLOCK];
} block;

static void fill_block(const bounding *job, const products *by, size_t from, size_t count, block *ret) {
    const sieve *of = job->of;
    int32_t whole[FLOE_ANN_BATCH_MAX + 4];
    for (size_t i = 0; i < count; i++) {
        floe_code_scale scale = scale_of(of, from + i);
        if (from + i + AHEAD < job->to && of->shelf == NULL) {
            prefetch(codes_of(of, from + i + AHEAD), of->stride);
        }
        multiply(by, of, codes_of(of, from + i), whole);
        ret->rows.steps[i] = (double)scale.step;
        ret->rows.distances[i] = (double)scale.distance;
        for (size_t q = 0; q < of->question_count; q++) {
            ret->products[q][i] = whole[q];
        }
    }
}

/* Behind the last rows there is room for a block's. */
static void bound_block(const bounding *job, const products *by, const block *rows, size_t q, size_t from,
                        size_t count) {
    sifted *one = &job->of->questions[q];
    leasts *kept = &one->least[job->half];
    floe_code_question how = {.step = one->step,
                              .by_distance = one->length + one->distance,
                              .always = one->distance * ROW_LENGTH_MAX + one->rounding,
                              .cut = kept->cut};
    float least[BLOCK];
    uint64_t reach = by->bound(&rows->rows, rows->products[q], &how, least, one->most + from);
    reach &= count < BLOCK ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
    for (; reach != 0; reach &= reach - 1) {
        keep(kept, least[__builtin_ctzll(reach)]);
    }
}

static void bound(void *context) {
    const bounding *job = context;
    products by = {floe_code_product_best(), floe_code_four_vnni(), floe_code_bound_best()};
    block rows;
    memset(&rows, 0, sizeof(rows));
    for (size_t from = job->from; from < job->to; from += BLOCK) {
        size_t count = job->to - from < BLOCK ? job->to - from : BLOCK;
        fill_block(job, &by, from, count, &rows);
        for (size_t q = 0; q < job->of->question_count; q++) {
            bound_block(job, &by, &rows, q, from, count);
        }
    }
}

/* The halves meet where a block ends, so that neither writes into the other's. */
static void bound_rows(sieve *of) {
    size_t half = of->row_count / 2 / BLOCK * BLOCK;
    size_t middle = of->helper != NULL && of->row_count >= SHARED_ROWS ? half : of->row_count;
    bounding mine = {of, 0, middle, 0};
    bounding other = {of, middle, of->row_count, 1};
    floe_aside aside = {bound, &other};
    if (middle < of->row_count) {
        floe_helper_set_aside(of->helper, &aside);
        bound(&mine);
        floe_helper_settle(of->helper, &aside);
    } else {
        bound(&mine);
    }
    for (size_t i = 0; i < of->question_count; i++) {
        sifted *one = &of->questions[i];
        for (size_t j = 0; j < one->least[1].count; j++) {
            keep(&one->least[0], one->least[1].items[j]);
        }
        one->needed = kth_of(&one->least[0]);
    }
}

/* ---- the rest ---- */

typedef struct resting {
    floe_scan scan;
    const uint32_t *rows;
    size_t count;
    floe_top *top;
} resting;

static void scan_list(void *context) {
    const resting *job = context;
    floe_scan_list(&job->scan, job->rows, job->count, job->top);
}

static void offer_all(floe_top *to, const floe_top *from) {
    for (size_t i = 0; i < from->count; i++) {
        floe_top_offer(to, from->items[i].score, from->items[i].slot);
    }
}

static floe_status scan_shared(const sieve *of, const resting *all, floe_error *err) {
    FLOE_CLEANUP(floe_top_close) floe_top second = {0};
    resting mine = *all;
    resting other = *all;
    FLOE_TRY(floe_top_open(&second, all->top->k, err));
    mine.count = all->count / 2;
    other.rows = all->rows + mine.count;
    other.count = all->count - mine.count;
    other.top = &second;
    floe_aside aside = {scan_list, &other};
    floe_helper_set_aside(of->helper, &aside);
    scan_list(&mine);
    floe_helper_settle(of->helper, &aside);
    offer_all(all->top, &second);
    return FLOE_OK;
}

static size_t choose_places(const sieve *of, const sifted *one, uint32_t *places) {
    size_t count = 0;
    for (size_t at = 0; at < of->row_count; at++) {
        places[count] = (uint32_t)at;
        count += one->most[at] >= one->needed;
    }
    return count;
}

/* Bounds the places again by both codes. */
static void bound_finely(const sieve *of, sifted *one, const uint32_t *places, size_t count) {
    const floe_shelf *shelf = of->shelf;
    floe_code_product product = floe_code_product_best();
    leasts *kept = &one->least[0];
    kept->count = 0;
    kept->cut = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        size_t at = places[i];
        const floe_code_scale *scales = shelf->scales + 2 * at;
        double coarse = (double)scales[0].step * product(one->whole, shelf->coarse + at * of->stride, of->stride);
        double fine = (double)scales[1].step * product(one->whole, shelf->fine + at * of->stride, of->stride);
        double distance = (double)scales[1].distance;
        double off = one->length * distance + one->distance * (ROW_LENGTH_MAX + distance) + one->rounding;
        double middle = one->step * (coarse + fine);
        one->most[at] = (float)(middle + off);
        keep(kept, (float)(middle - off));
    }
    one->needed = kth_of(kept);
}

/* Which rows are left for a question; `rest` has room for all. */
static size_t choose_rest(const sieve *of, sifted *one, uint32_t *rest) {
    size_t count = choose_places(of, one, rest);
    if (of->shelf != NULL && of->shelf->fine != NULL && count > FINE_SHARE * one->least[0].k) {
        bound_finely(of, one, rest, count);
        size_t from = 0;
        size_t all = count;
        for (count = 0; from < all; from++) {
            rest[count] = rest[from];
            count += one->most[rest[from]] >= one->needed;
        }
    }
    for (size_t i = 0; i < count; i++) {
        rest[i] = of->rows[rest[i]];
    }
    return count;
}

static floe_status scan_rest(sieve *of, const float *const *queries, floe_top *tops, floe_error *err) {
    FLOE_AUTO_FREE uint32_t *rest = NULL;
    FLOE_TRY(floe_alloc(of->row_count + 1, sizeof(*rest), &rest, err));
    for (size_t i = 0; i < of->question_count; i++) {
        sifted *one = &of->questions[i];
        resting all = {.scan = *of->scan, .rows = rest, .count = choose_rest(of, one, rest), .top = &tops[i]};
        all.scan.query = queries[i];
        if (of->helper != NULL && all.count >= SHARED_ROWS) {
            FLOE_TRY(scan_shared(of, &all, err));
        } else {
            scan_list(&all);
        }
    }
    return FLOE_OK;
}

/* ---- all of it ---- */

/* Few rows, or more wanted than there are: nothing is saved. */
static bool pays(const floe_scan *scan, const float *const *queries, size_t count, size_t rows, size_t k) {
    bool usable = count <= FLOE_ANN_BATCH_MAX && k < rows;
    for (size_t i = 0; i < count && usable; i++) {
        double length = length_of(queries[i], scan->dim);
        usable = length >= LENGTH_MIN && length <= LENGTH_MAX;
    }
    return usable;
}

static floe_status set_rows(sieve *of, const uint64_t *bits, floe_error *err) {
    if (of->shelf != NULL) {
        of->rows = of->shelf->rows;
        of->stride = of->shelf->stride;
        return FLOE_OK;
    }
    of->stride = of->codes->stride;
    FLOE_TRY(floe_alloc(of->row_count, sizeof(*of->named), &of->named, err));
    name_rows(of, bits);
    of->rows = of->named;
    return FLOE_OK;
}

floe_status floe_sift_bitmap_batch(const floe_scan *scan, const floe_sifting *by, const float *const *queries,
                                   size_t count, floe_top *tops, floe_error *err) {
    bool has_codes = by->codes != NULL || by->shelf != NULL;
    size_t rows = by->shelf != NULL ? by->shelf->count : has_codes ? floe_bits_count(by->bits, scan->count) : 0;
    if (!has_codes || !pays(scan, queries, count, rows, tops[0].k)) {
        floe_scan_bitmap_batch(scan, by->bits, queries, count, tops);
        return FLOE_OK;
    }
    __attribute__((cleanup(sieve_close)))
    sieve of = {.scan = scan, .codes = by->codes, .shelf = by->shelf, .helper = by->helper, .row_count = rows};
    FLOE_TRY(set_rows(&of, by->bits, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(add_question(&of, queries[i], tops[i].k, err));
    }
    bound_rows(&of);
    return scan_rest(&of, queries, tops, err);
}
