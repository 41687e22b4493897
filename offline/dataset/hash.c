/*
 * The content hash of rows.
 *
 * Rule: SHA-256 over the schema (per column its name, a NUL, its type's name, a NUL), then over the rows in stretches of
 * 1,024: per stretch and column the XXH64 (seed 0, then seed 1, little-endian) of the column's cells, a cell being 0 for null or
 * 1 and the value (whole numbers and times 8 bytes, doubles 8 bytes with one NaN and no negative zero, decimals 16 bytes,
 * text its length in 4 bytes and its bytes, lists their length and cells); last the number of rows. So neither file
 * format nor batch size nor thread count shows.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <math.h>

#define STRETCH 1024

typedef struct hasher {
    floe_sha256 sha;
    floe_buf *cells; /* per column: the current stretch */
    size_t column_count;
    int64_t row_count;
    size_t first_stats;
    column_stats *stats;
} hasher;

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

static floe_status flush(hasher *hash, floe_error *err) {
    for (size_t i = 0; i < hash->column_count; i++) {
        FLOE_TRY(floe_buf_check(&hash->cells[i], err));
        floe_str cells = floe_buf_view(&hash->cells[i]);
        for (uint64_t seed = 0; seed < 2; seed++) {
            uint64_t digest = floe_xxh64(cells.ptr, cells.len, seed);
            uint8_t bytes[8];
            for (int b = 0; b < 8; b++) {
                bytes[b] = (uint8_t)(digest >> (8 * b));
            }
            floe_sha256_update(&hash->sha, bytes, sizeof(bytes));
        }
        floe_buf_clear(&hash->cells[i]);
    }
    return FLOE_OK;
}

static floe_status hash_schema(hasher *hash, const struct ArrowSchema *schema, floe_arena *arena, floe_error *err) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        floe_type type;
        char name[FLOE_TYPE_NAME_MAX];
        FLOE_TRY(floe_arrow_type(schema->children[i], &type, err));
        floe_type_name(type, name);
        floe_stats_init(&hash->stats[i], type, arena);
        floe_sha256_update(&hash->sha, schema->children[i]->name, strlen(schema->children[i]->name) + 1);
        floe_sha256_update(&hash->sha, name, strlen(name) + 1);
    }
    return FLOE_OK;
}

/* Rows [first, last) of a batch, column by column. */
static floe_status hash_rows(hasher *hash, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             int64_t first, int64_t last, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    for (size_t i = 0; i < hash->column_count; i++) {
        floe_arrow_view view;
        FLOE_TRY(floe_arrow_view_of(schema, batch, (int64_t)i, &view, err));
        for (int64_t row = first; row < last; row++) {
            floe_value value;
            FLOE_TRY(floe_arrow_get(&view, row, &arena, &value, err));
            append_cell(&hash->cells[i], &value);
            if (i >= hash->first_stats) {
                floe_stats_add(&hash->stats[i], &value);
            }
        }
    }
    return FLOE_OK;
}

static floe_status hash_batch(hasher *hash, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                              floe_error *err) {
    for (int64_t row = 0; row < batch->length;) {
        int64_t room = STRETCH - hash->row_count % STRETCH;
        int64_t last = row + room < batch->length ? row + room : batch->length;
        FLOE_TRY(hash_rows(hash, schema, batch, row, last, err));
        hash->row_count += last - row;
        row = last;
        if (hash->row_count % STRETCH == 0) {
            FLOE_TRY(flush(hash, err));
        }
    }
    return FLOE_OK;
}

static floe_status hash_stream(hasher *hash, struct ArrowArrayStream *stream, const struct ArrowSchema *schema,
                               floe_error *err) {
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "content", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(hash_batch(hash, schema, &batch, err));
    }
    return hash->row_count % STRETCH == 0 ? FLOE_OK : flush(hash, err);
}

floe_status floe_content_hash(struct ArrowArrayStream *stream, size_t first_stats, floe_arena *arena,
                              content_hash *ret_hash, floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "content", &schema, err));
    hasher hash = {.column_count = (size_t)schema.n_children, .first_stats = first_stats};
    floe_sha256_init(&hash.sha);
    hash.cells = floe_arena_alloc(arena, hash.column_count, sizeof(*hash.cells));
    hash.stats = floe_arena_alloc(arena, hash.column_count, sizeof(*hash.stats));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(hash_schema(&hash, &schema, arena, err));
    for (size_t i = 0; i < hash.column_count; i++) {
        floe_buf_init(&hash.cells[i], FLOE_GIB(1));
    }
    floe_status status = hash_stream(&hash, stream, &schema, err);
    for (size_t i = 0; i < hash.column_count; i++) {
        floe_buf_close(&hash.cells[i]);
    }
    FLOE_TRY(status);
    uint8_t rows[8], digest[32];
    for (int b = 0; b < 8; b++) {
        rows[b] = (uint8_t)((uint64_t)hash.row_count >> (8 * b));
    }
    floe_sha256_update(&hash.sha, rows, sizeof(rows));
    floe_sha256_final(&hash.sha, digest);
    floe_sha256_hex(digest, ret_hash->hex);
    ret_hash->row_count = hash.row_count;
    ret_hash->stats = hash.stats;
    return floe_arena_check(arena, err);
}
