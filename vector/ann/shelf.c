/*
 * Shelves: rows that questions look through again and again, put side by side. Where rows lie as their ids fall, a sieve of a tenth
 * of them waits for memory; side by side they are read as fast as memory gives.
 *
 * A row's second code stands for what the first leaves out, made the same way, so that the two together are some 16 bits per
 * dimension: of rows that are all alike the first leaves too many over.
 */
#include "vector/ann/store_int.h"

#include "core/mem.h"

/* What rounding a float that was left over may add to its distance. */
#define LEFT_ROUNDING 1e-8F

struct floe_ann_shelf {
    size_t part_count;
    floe_shelf parts[FLOE_ANN_PARTS_MAX + 1];
};

/* ---- of one index ---- */

/* `left` has room for a row; NULL: only the first code is made. */
static void put_row(const floe_scan *scan, size_t row, int8_t *coarse, int8_t *fine, floe_code_scale scales[2],
                    float *left) {
    const float *values = scan->rows + row * scan->dim;
    floe_codes_encode(values, scan->dim, coarse, &scales[0]);
    for (size_t i = 0; left != NULL && i < scan->dim; i++) {
        left[i] = (float)((double)values[i] - (double)scales[0].step * coarse[i]);
    }
    if (left != NULL) {
        floe_codes_encode(left, scan->dim, fine, &scales[1]);
        scales[1].distance += LEFT_ROUNDING;
    }
}

static void fill(const floe_scan *scan, const uint64_t *bits, floe_shelf *shelf, float *left) {
    char *at = shelf->block.begin;
    int8_t *coarse = (int8_t *)at;
    int8_t *fine = coarse + shelf->count * shelf->stride;
    floe_code_scale *scales = (floe_code_scale *)(void *)(fine + (left != NULL ? shelf->count * shelf->stride : 0));
    uint32_t *rows = (uint32_t *)(void *)(scales + 2 * shelf->count);
    size_t place = 0;
    for (size_t row = 0; row < scan->count; row++) {
        if (floe_bit(bits, row)) {
            rows[place] = (uint32_t)row;
            put_row(scan, row, coarse + place * shelf->stride, left != NULL ? fine + place * shelf->stride : NULL,
                    scales + 2 * place, left);
            place++;
        }
    }
    shelf->rows = rows;
    shelf->coarse = coarse;
    shelf->fine = left != NULL ? fine : NULL;
    shelf->scales = scales;
}

floe_status floe_shelf_open(const floe_scan *scan, const uint64_t *bits, bool is_fine, floe_shelf *ret_shelf,
                            floe_error *err) {
    FLOE_AUTO_FREE float *left = NULL;
    floe_shelf made = {.count = floe_bits_count(bits, scan->count),
                       .stride = (scan->dim + FLOE_CODES_ALIGN - 1) / FLOE_CODES_ALIGN * FLOE_CODES_ALIGN};
    size_t row_len = (is_fine ? 2 : 1) * made.stride + 2 * sizeof(floe_code_scale) + sizeof(uint32_t);
    if (is_fine) {
        FLOE_TRY(floe_alloc(scan->dim, sizeof(*left), &left, err));
    }
    FLOE_TRY(floe_block_open(made.count * row_len, &made.block, err));
    fill(scan, bits, &made, left);
    *ret_shelf = made;
    return FLOE_OK;
}

void floe_shelf_close(floe_shelf *shelf) {
    floe_block_close(&shelf->block);
    *shelf = (floe_shelf){0};
}

/* ---- of a view ---- */

void floe_ann_shelf_close(floe_ann_shelf **shelf) {
    if (*shelf != NULL) {
        for (size_t p = 0; p < (*shelf)->part_count; p++) {
            floe_shelf_close(&(*shelf)->parts[p]);
        }
        floe_free(*shelf);
        *shelf = NULL;
    }
}

const floe_shelf *floe_ann_shelf_part(const floe_ann_shelf *shelf, size_t part) {
    return shelf != NULL ? &shelf->parts[part] : NULL;
}

floe_status floe_ann_shelf_open(const floe_ann_view *view, const uint64_t *allowed, bool is_fine,
                                floe_ann_shelf **ret_shelf, floe_error *err) {
    FLOE_CLEANUP(floe_ann_shelf_close) floe_ann_shelf *made = NULL;
    FLOE_AUTO_FREE uint64_t *bits = NULL;
    size_t words = view->bases[view->part_count] / 64;
    FLOE_TRY(floe_alloc(1, sizeof(*made), &made, err));
    FLOE_TRY(floe_alloc(words, sizeof(*bits), &bits, err));
    for (size_t i = 0; i < words; i++) {
        bits[i] = allowed[i] & view->alive[i];
    }
    for (size_t p = 0; p < view->part_count; p++) {
        floe_ann_part part = {.ann = view->parts[p]->ann};
        floe_scan scan = floe_ann_part_scan_of(&part, NULL);
        FLOE_TRY(floe_shelf_open(&scan, bits + view->bases[p] / 64, is_fine, &made->parts[p], err));
        made->part_count++;
    }
    *ret_shelf = made;
    made = NULL;
    return FLOE_OK;
}
