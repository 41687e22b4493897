/*
 * The sieve: rows by their codes first, then exactly those that may be among the best. See codes_int.h.
 *
 * Phases: the questions in whole numbers → each named row's least and most for each question, the k best of the leasts kept →
 * the rows whose most reaches the k-th least, row by row, through the exact scan.
 */
#include "vector/ann/codes_int.h"

#include "core/mem.h"
#include "vector/ann/ann_int.h"

#include <math.h>

#define AHEAD 16
/* Of the exact product, that rows are of length 1 within 1 %. */
#define ROW_LENGTH_MAX 1.02
/* A float's rounding, twice over. */
#define ROUNDING 1.2e-7
/* Questions of other lengths, which might overflow a float, are scanned. */
#define LENGTH_MIN 1e-3
#define LENGTH_MAX 1e3

/* One question. */
typedef struct sifted {
    int16_t *whole;
    double step, length, distance; /* of the question as of a row */
    double rounding;               /* what the exact product itself may be off */
    float *most;                   /* by named row */
    floe_top least;
} sifted;

typedef struct sieve {
    const floe_scan *scan;
    const floe_codes *codes;
    size_t question_count;
    sifted questions[FLOE_ANN_BATCH_MAX];
    uint32_t *rows; /* named */
    size_t row_count;
} sieve;

static void sieve_close(sieve *of) {
    for (size_t i = 0; i < of->question_count; i++) {
        floe_free(of->questions[i].whole);
        floe_free(of->questions[i].most);
        floe_top_close(&of->questions[i].least);
    }
    floe_free(of->rows);
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
    FLOE_TRY(floe_top_open(&added->least, k, err));
    FLOE_TRY(floe_alloc(of->row_count, sizeof(float), &added->most, err));
    FLOE_TRY(floe_alloc(of->codes->stride, sizeof(int16_t), &added->whole, err));
    make_whole(query, of->scan->dim, of->codes->stride, added);
    return FLOE_OK;
}

/* ---- rows ---- */

static void name_rows(sieve *of, const uint64_t *bits) {
    size_t count = 0;
    for (size_t word = 0; word < FLOE_BITS_WORDS(of->scan->count); word++) {
        for (uint64_t left = bits[word]; left != 0 && count < of->row_count; left &= left - 1) {
            of->rows[count++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(left));
        }
    }
}

static void prefetch(const void *at, size_t len) {
    for (size_t line = 0; line < len; line += 64) {
        __builtin_prefetch((const char *)at + line);
    }
}

static void bound_row(sieve *of, floe_code_product product, size_t at) {
    const floe_codes *codes = of->codes;
    uint32_t row = of->rows[at];
    const int8_t *code = codes->rows + (size_t)row * codes->stride;
    double step = (double)codes->scales[row].step;
    double distance = (double)codes->scales[row].distance;
    for (size_t i = 0; i < of->question_count; i++) {
        sifted *one = &of->questions[i];
        double middle = step * one->step * product(one->whole, code, codes->stride);
        double off = one->length * distance + one->distance * (ROW_LENGTH_MAX + distance) + one->rounding;
        one->most[at] = (float)(middle + off);
        floe_top_offer(&one->least, (float)(middle - off), (uint32_t)at);
    }
}

static void bound_rows(sieve *of) {
    floe_code_product product = floe_code_product_best();
    for (size_t at = 0; at < of->row_count; at++) {
        if (at + AHEAD < of->row_count) {
            prefetch(of->codes->rows + (size_t)of->rows[at + AHEAD] * of->codes->stride, of->codes->stride);
        }
        bound_row(of, product, at);
    }
}

/* The k-th least is the root of the heap; a row whose most is smaller has k rows before it. */
static floe_status scan_rest(const sieve *of, const float *const *queries, floe_top *tops, floe_error *err) {
    FLOE_AUTO_FREE uint32_t *rest = NULL;
    FLOE_TRY(floe_alloc(of->row_count, sizeof(*rest), &rest, err));
    for (size_t i = 0; i < of->question_count; i++) {
        const sifted *one = &of->questions[i];
        float needed = one->least.items[0].score;
        size_t count = 0;
        for (size_t at = 0; at < of->row_count; at++) {
            rest[count] = of->rows[at];
            count += one->most[at] >= needed;
        }
        floe_scan scan = *of->scan;
        scan.query = queries[i];
        floe_scan_list(&scan, rest, count, &tops[i]);
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

floe_status floe_sift_bitmap_batch(const floe_scan *scan, const floe_codes *codes, const uint64_t *bits,
                                   const float *const *queries, size_t count, floe_top *tops, floe_error *err) {
    size_t rows = codes != NULL ? floe_bits_count(bits, scan->count) : 0;
    if (codes == NULL || !pays(scan, queries, count, rows, tops[0].k)) {
        floe_scan_bitmap_batch(scan, bits, queries, count, tops);
        return FLOE_OK;
    }
    __attribute__((cleanup(sieve_close))) sieve of = {.scan = scan, .codes = codes, .row_count = rows};
    FLOE_TRY(floe_alloc(rows, sizeof(*of.rows), &of.rows, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(add_question(&of, queries[i], tops[i].k, err));
    }
    name_rows(&of, bits);
    bound_rows(&of);
    return scan_rest(&of, queries, tops, err);
}
