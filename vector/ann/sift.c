/*
 * The sieve: rows by their codes first, then exactly those that may be among the best. See codes_int.h.
 *
 * Phases: the questions in whole numbers → each named row's least and most for each question, the k best of the leasts kept →
 * the rows whose most reaches the k-th least, row by row, through the exact scan. With a helper, each of the two halves of the
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

/* One question. */
typedef struct sifted {
    int16_t *whole;
    double step, length, distance; /* of the question as of a row */
    double rounding;               /* what the exact product itself may be off */
    float *most;                   /* by named row */
    floe_top least[2];             /* of the halves of the rows, then of all in the first */
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
        floe_top_close(&of->questions[i].least[0]);
        floe_top_close(&of->questions[i].least[1]);
    }
    floe_free(of->named);
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
    FLOE_TRY(floe_top_open(&added->least[0], k, err));
    if (of->helper != NULL) {
        FLOE_TRY(floe_top_open(&added->least[1], k, err));
    }
    FLOE_TRY(floe_alloc(of->row_count, sizeof(float), &added->most, err));
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

static void bound_row(const bounding *job, const products *by, size_t at) {
    sieve *of = job->of;
    floe_code_scale scale = scale_of(of, at);
    double step = (double)scale.step;
    double distance = (double)scale.distance;
    int32_t whole[FLOE_ANN_BATCH_MAX + 4];
    multiply(by, of, codes_of(of, at), whole);
    for (size_t i = 0; i < of->question_count; i++) {
        sifted *one = &of->questions[i];
        floe_top *kept = &one->least[job->half];
        double middle = step * one->step * whole[i];
        double off = one->length * distance + one->distance * (ROW_LENGTH_MAX + distance) + one->rounding;
        float least = (float)(middle - off);
        one->most[at] = (float)(middle + off);
        if (kept->count < kept->k || least >= kept->items[0].score) {
            floe_top_offer(kept, least, (uint32_t)at);
        }
    }
}

static void bound(void *context) {
    const bounding *job = context;
    products by = {floe_code_product_best(), floe_code_four_vnni()};
    for (size_t at = job->from; at < job->to; at++) {
        if (at + AHEAD < job->to && job->of->shelf == NULL) {
            prefetch(codes_of(job->of, at + AHEAD), job->of->stride);
        }
        bound_row(job, &by, at);
    }
}

static void offer_all(floe_top *to, const floe_top *from) {
    for (size_t i = 0; i < from->count; i++) {
        floe_top_offer(to, from->items[i].score, from->items[i].slot);
    }
}

static void bound_rows(sieve *of) {
    size_t middle = of->helper != NULL && of->row_count >= SHARED_ROWS ? of->row_count / 2 : of->row_count;
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
        offer_all(&of->questions[i].least[0], &of->questions[i].least[1]);
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

static void scan_shared(const sieve *of, const resting *all, floe_top *second) {
    resting mine = *all;
    resting other = *all;
    mine.count = all->count / 2;
    other.rows = all->rows + mine.count;
    other.count = all->count - mine.count;
    other.top = second;
    floe_aside aside = {scan_list, &other};
    floe_helper_set_aside(of->helper, &aside);
    scan_list(&mine);
    floe_helper_settle(of->helper, &aside);
    offer_all(all->top, second);
}

/* The k-th least is the root of the heap; a row whose most is smaller has k rows before it. */
static size_t choose_places(const sieve *of, const sifted *one, uint32_t *places) {
    float needed = one->least[0].items[0].score;
    size_t count = 0;
    for (size_t at = 0; at < of->row_count; at++) {
        places[count] = (uint32_t)at;
        count += one->most[at] >= needed;
    }
    return count;
}

/* Bounds the places again by both codes. */
static void bound_finely(const sieve *of, sifted *one, const uint32_t *places, size_t count) {
    const floe_shelf *shelf = of->shelf;
    floe_code_product product = floe_code_product_best();
    floe_top *kept = &one->least[0];
    kept->count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = places[i];
        const floe_code_scale *scales = shelf->scales + 2 * at;
        double coarse = (double)scales[0].step * product(one->whole, shelf->coarse + at * of->stride, of->stride);
        double fine = (double)scales[1].step * product(one->whole, shelf->fine + at * of->stride, of->stride);
        double distance = (double)scales[1].distance;
        double off = one->length * distance + one->distance * (ROW_LENGTH_MAX + distance) + one->rounding;
        double middle = one->step * (coarse + fine);
        one->most[at] = (float)(middle + off);
        floe_top_offer(kept, (float)(middle - off), (uint32_t)at);
    }
}

/* Which rows are left for a question; `rest` has room for all. */
static size_t choose_rest(const sieve *of, sifted *one, uint32_t *rest) {
    size_t count = choose_places(of, one, rest);
    if (of->shelf != NULL && of->shelf->fine != NULL && count > FINE_SHARE * one->least[0].k) {
        bound_finely(of, one, rest, count);
        float needed = one->least[0].items[0].score;
        size_t from = 0;
        size_t all = count;
        for (count = 0; from < all; from++) {
            rest[count] = rest[from];
            count += one->most[rest[from]] >= needed;
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
            one->least[1].count = 0;
            scan_shared(of, &all, &one->least[1]);
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
