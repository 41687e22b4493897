/*
 * Making codes of rows, and their product for every machine. See codes_int.h.
 */
#include "vector/ann/codes_int.h"

#include "core/mem.h"

#include <math.h>

/* ---- making ---- */

static float largest_of(const float *row, size_t dim) {
    float largest = 0;
    for (size_t i = 0; i < dim; i++) {
        float size = fabsf(row[i]);
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* Whichever way a number is rounded, the distance is that of what was kept. */
static void encode_portable(const float *row, size_t dim, int8_t *ret_codes, floe_code_scale *ret_scale) {
    float largest = largest_of(row, dim);
    float step = largest / FLOE_CODE_MAX;
    float per_step = largest > 0 ? FLOE_CODE_MAX / largest : 0;
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        float wanted = row[i] * per_step;
        int code = (int)(wanted + (wanted < 0 ? -0.5F : 0.5F));
        code = code > FLOE_CODE_MAX ? FLOE_CODE_MAX : code < -FLOE_CODE_MAX ? -FLOE_CODE_MAX : code;
        double left = (double)row[i] - (double)step * code;
        ret_codes[i] = (int8_t)code;
        square += left * left;
    }
    /* A millionth more than any rounding of the sum, the root and the float. */
    *ret_scale = (floe_code_scale){step, (float)(sqrt(square) * (1 + 1e-6))};
}

floe_code_encoder floe_code_encoder_portable(void) {
    return encode_portable;
}

void floe_codes_encode(const float *row, size_t dim, int8_t *ret_codes, floe_code_scale *ret_scale) {
    floe_code_encoder fast = dim % 16 == 0 ? floe_code_encoder_avx512() : NULL;
    (fast != NULL ? fast : encode_portable)(row, dim, ret_codes, ret_scale);
}

floe_status floe_codes_make(const float *rows, size_t count, size_t dim, floe_codes **ret_codes, floe_error *err) {
    FLOE_CLEANUP(floe_codes_close) floe_codes *codes = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*codes), &codes, err));
    codes->stride = (dim + FLOE_CODES_ALIGN - 1) / FLOE_CODES_ALIGN * FLOE_CODES_ALIGN;
    FLOE_TRY(floe_block_open(count * (codes->stride + sizeof(floe_code_scale)), &codes->block, err));
    int8_t *to = (int8_t *)codes->block.begin;
    floe_code_scale *scales = (floe_code_scale *)(void *)(codes->block.begin + count * codes->stride);
    for (size_t row = 0; row < count; row++) {
        floe_codes_encode(rows + row * dim, dim, to + row * codes->stride, &scales[row]);
    }
    codes->rows = to;
    codes->scales = scales;
    *ret_codes = codes;
    codes = NULL;
    return FLOE_OK;
}

void floe_codes_close(floe_codes **codes) {
    if (*codes != NULL) {
        floe_block_close(&(*codes)->block);
        floe_free(*codes);
        *codes = NULL;
    }
}

/* ---- products ---- */

static int32_t product_portable(const int16_t *query, const int8_t *row, size_t stride) {
    int32_t sum = 0;
    for (size_t i = 0; i < stride; i++) {
        sum += query[i] * row[i];
    }
    return sum;
}

floe_code_product floe_code_product_portable(void) {
    return product_portable;
}

floe_code_product floe_code_product_best(void) {
    floe_code_product fast[] = {floe_code_product_vnni(), floe_code_product_avx512(), floe_code_product_avx2()};
    for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
        if (fast[i] != NULL) {
            return fast[i];
        }
    }
    return product_portable;
}

/* ---- bounds ---- */

static uint64_t bound_portable(const floe_code_block *rows, const int32_t *products, const floe_code_question *by,
                               float *ret_least, float *ret_most) {
    uint64_t reach = 0;
    for (size_t i = 0; i < FLOE_CODES_BLOCK; i++) {
        double middle = rows->steps[i] * by->step * products[i];
        double off = by->by_distance * rows->distances[i] + by->always;
        ret_least[i] = (float)(middle - off);
        ret_most[i] = (float)(middle + off);
    }
    for (size_t i = 0; i < FLOE_CODES_BLOCK; i++) {
        reach |= (uint64_t)(ret_least[i] >= by->cut) << i;
    }
    return reach;
}

floe_code_bound floe_code_bound_portable(void) {
    return bound_portable;
}

floe_code_bound floe_code_bound_best(void) {
    floe_code_bound fast = floe_code_bound_avx512();
    return fast != NULL ? fast : bound_portable;
}
