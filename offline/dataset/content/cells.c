/*
 * Cells of one column as the bytes that the content hash is made of (hash.c), and their statistics.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/content/content.h"

#include <math.h>

static void append_cell(floe_buf *out, const floe_value *value) {
    floe_buf_byte(out, value->is_null ? 0 : 1);
    if (value->is_null) {
        return;
    }
    double real;
    switch (value->type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        real = isnan(value->as.real) ? NAN : value->as.real;
        floe_buf_f64(out, real == 0 ? 0.0 : real);
        break;
    case FLOE_KIND_DECIMAL:
        floe_buf_u64(out, (uint64_t)value->as.decimal);
        floe_buf_u64(out, (uint64_t)(value->as.decimal >> 64));
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        floe_buf_u32(out, (uint32_t)value->as.bytes.len);
        floe_buf_str(out, value->as.bytes);
        break;
    case FLOE_KIND_LIST:
        floe_buf_u32(out, (uint32_t)value->as.list.count);
        for (size_t i = 0; i < value->as.list.count; i++) {
            append_cell(out, &value->as.list.items[i]);
        }
        break;
    case FLOE_KIND_BOOL:
        floe_buf_u64(out, value->as.boolean);
        break;
    default:
        floe_buf_u64(out, (uint64_t)value->as.integer);
        break;
    }
}

static inline char *put_word(char *to, uint64_t word) {
    for (int b = 0; b < 8; b++) {
        to[b] = (char)(word >> (8 * b));
    }
    return to + 8;
}

static inline uint64_t real_word(double real) {
    uint64_t word;
    real = isnan(real) ? NAN : real == 0 ? 0.0 : real;
    memcpy(&word, &real, sizeof(word));
    return word;
}

/* The same as cell by cell. */
static void hash_plain(floe_buf *out, column_stats *stats, const floe_arrow_plain *plain, bool is_real, int64_t first,
                       int64_t last) {
    char *from = floe_buf_reserve(out, (size_t)(last - first) * 9), *to = from;
    for (int64_t row = first; from && row < last; row++) {
        bool null = floe_arrow_plain_is_null(plain, row);
        *to++ = null ? 0 : 1;
        if (null) {
            if (stats) {
                stats->null_count++;
            }
        } else if (is_real) {
            double value = ((const double *)(const void *)plain->data)[plain->offset + row];
            to = put_word(to, real_word(value));
            if (stats) {
                floe_stats_add_real(stats, value);
            }
        } else {
            int64_t value = ((const int64_t *)(const void *)plain->data)[plain->offset + row];
            to = put_word(to, (uint64_t)value);
            if (stats) {
                floe_stats_add_whole(stats, value);
            }
        }
    }
    floe_buf_advance(out, from ? (size_t)(to - from) : 0);
}

floe_status floe_hash_cells(const floe_arrow_view *view, int64_t first, int64_t last, column_stats *stats,
                            floe_buf *out, floe_error *err) {
    floe_arrow_plain plain = floe_arrow_plain_of(view);
    if (plain.data && plain.cell_len == 8) {
        hash_plain(out, stats, &plain, view->type.kind == FLOE_KIND_DOUBLE, first, last);
        return FLOE_OK;
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    for (int64_t row = first; row < last; row++) {
        floe_value value;
        FLOE_TRY(floe_arrow_get(view, row, &arena, &value, err));
        append_cell(out, &value);
        if (stats) {
            floe_stats_add(stats, &value);
        }
    }
    return FLOE_OK;
}

floe_status floe_hash_stretch(floe_buf *cells, stretch_digest *ret_digest, floe_error *err) {
    FLOE_TRY(floe_buf_check(cells, err));
    floe_str bytes = floe_buf_view(cells);
    for (uint64_t seed = 0; seed < 2; seed++) {
        uint64_t digest = floe_xxh64(bytes.ptr, bytes.len, seed);
        for (int b = 0; b < 8; b++) {
            ret_digest->bytes[seed * 8 + (uint64_t)b] = (uint8_t)(digest >> (8 * b));
        }
    }
    floe_buf_clear(cells);
    return FLOE_OK;
}
