/*
 * The content hash of rows.
 *
 * Rule: SHA-256 over the schema (per column its name, a NUL, its type's name, a NUL), then over the rows in stretches of
 * 1,024: per stretch and column the XXH64 (seed 0, then seed 1, little-endian) of the column's cells, a cell being 0 for null or
 * 1 and the value (whole numbers and times 8 bytes, doubles 8 bytes with one NaN and no negative zero, decimals 16 bytes,
 * text its length in 4 bytes and its bytes, lists their length and cells); last the number of rows. So neither file
 * format nor batch size nor thread count shows.
 *
 * A hash may remember its schema and the digests of its stretches: the hash of the same rows with more columns is then made
 * of those columns alone.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/content/content.h"

#include <inttypes.h>

#define STRETCH FLOE_HASH_STRETCH
#define STRETCH_DIGEST sizeof(stretch_digest)

typedef struct hasher {
    floe_sha256 sha;
    floe_buf *cells; /* per column: the current stretch */
    size_t column_count;
    int64_t row_count;
    const content_hash *beside; /* columns before these, hashed already; NULL: none */
    size_t before;              /* how many */
    column_stats *stats;        /* NULL: not asked for */
    content_hash *memory;       /* remembers what it is made of; NULL: no */
    size_t memory_room;
    floe_arena *arena;
} hasher;

static void update(hasher *hash, const void *bytes, size_t len) {
    floe_sha256_update(&hash->sha, bytes, len);
}

/* ---- what is remembered ---- */

static void remember(hasher *hash, const uint8_t digest[STRETCH_DIGEST]) {
    content_hash *memory = hash->memory;
    if (memory) {
        stretch_digest *kept = FLOE_ARENA_PUSH(hash->arena, memory->digests, memory->digest_count, hash->memory_room);
        if (kept) {
            memcpy(kept->bytes, digest, STRETCH_DIGEST);
        }
    }
}

/* The columns before, of the stretch that ends. */
static floe_status recall(hasher *hash, floe_error *err) {
    if (hash->before == 0) {
        return FLOE_OK;
    }
    size_t stretch = (size_t)((hash->row_count - 1) / STRETCH), first = stretch * hash->before;
    FLOE_ENSURE(first + hash->before <= hash->beside->digest_count, err, FLOE_INTERNAL,
                "the answer has more rows than the spine, which has %" PRId64, hash->beside->row_count);
    update(hash, hash->beside->digests[first].bytes, hash->before * STRETCH_DIGEST);
    return FLOE_OK;
}

/* ---- stretches ---- */

static floe_status flush(hasher *hash, floe_error *err) {
    FLOE_TRY(recall(hash, err));
    for (size_t i = 0; i < hash->column_count; i++) {
        stretch_digest digest;
        FLOE_TRY(floe_hash_stretch(&hash->cells[i], &digest, err));
        update(hash, digest.bytes, sizeof(digest.bytes));
        remember(hash, digest.bytes);
        if (hash->stats) {
            const stats_moments ended = floe_stats_stretch(&hash->stats[i]);
            floe_stats_follow(&hash->stats[i], &ended);
        }
    }
    return FLOE_OK;
}

static floe_status hash_schema(hasher *hash, const struct ArrowSchema *schema, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_GIB(1));
    for (int64_t i = 0; i < schema->n_children; i++) {
        floe_type type;
        char name[FLOE_TYPE_NAME_MAX];
        FLOE_TRY(floe_arrow_type(schema->children[i], &type, err));
        floe_type_name(type, name);
        if (hash->stats) {
            floe_stats_init(&hash->stats[i], type, hash->arena);
        }
        floe_buf_append(&text, schema->children[i]->name, strlen(schema->children[i]->name) + 1);
        floe_buf_append(&text, name, strlen(name) + 1);
    }
    FLOE_TRY(floe_buf_check(&text, err));
    if (hash->before > 0) {
        update(hash, hash->beside->schema.ptr, hash->beside->schema.len);
    }
    update(hash, text.ptr, text.len);
    if (hash->memory) {
        hash->memory->schema = floe_arena_str(hash->arena, floe_buf_view(&text));
    }
    return floe_arena_check(hash->arena, err);
}

/* Rows [first, last) of a batch, column by column. */
static floe_status hash_rows(hasher *hash, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                             int64_t first, int64_t last, floe_error *err) {
    for (size_t i = 0; i < hash->column_count; i++) {
        floe_arrow_view view;
        FLOE_TRY(floe_arrow_view_of(schema, batch, (int64_t)i, &view, err));
        FLOE_TRY(floe_hash_cells(&view, first, last, hash->stats ? &hash->stats[i] : NULL, &hash->cells[i], err));
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

static floe_status open_hasher(hasher *hash, const struct ArrowSchema *schema, bool with_stats, floe_error *err) {
    floe_sha256_init(&hash->sha);
    hash->column_count = (size_t)schema->n_children;
    hash->cells = floe_arena_alloc(hash->arena, hash->column_count, sizeof(*hash->cells));
    hash->stats = with_stats ? floe_arena_alloc(hash->arena, hash->column_count, sizeof(*hash->stats)) : NULL;
    FLOE_TRY(floe_arena_check(hash->arena, err));
    FLOE_TRY(hash_schema(hash, schema, err));
    for (size_t i = 0; i < hash->column_count; i++) {
        floe_buf_init(&hash->cells[i], FLOE_GIB(1));
    }
    return FLOE_OK;
}

static floe_status finish(hasher *hash, content_hash *ret_hash, floe_error *err) {
    uint8_t rows[8], digest[32];
    FLOE_ENSURE(hash->before == 0 || hash->beside->row_count == hash->row_count, err, FLOE_INTERNAL,
                "the answer has %" PRId64 " rows, the spine %" PRId64, hash->row_count, hash->beside->row_count);
    for (int b = 0; b < 8; b++) {
        rows[b] = (uint8_t)((uint64_t)hash->row_count >> (8 * b));
    }
    update(hash, rows, sizeof(rows));
    floe_sha256_final(&hash->sha, digest);
    floe_sha256_hex(digest, ret_hash->hex);
    ret_hash->row_count = hash->row_count;
    ret_hash->stats = hash->stats;
    ret_hash->column_count = hash->column_count;
    return floe_arena_check(hash->arena, err);
}

floe_status floe_content_hash(struct ArrowArrayStream *stream, const content_hash *beside, bool with_stats,
                              floe_arena *arena, content_hash *ret_hash, floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "content", &schema, err));
    *ret_hash = (content_hash){0};
    hasher hash = {.beside = beside, .before = beside ? beside->column_count : 0, .memory = ret_hash, .arena = arena};
    FLOE_TRY(open_hasher(&hash, &schema, with_stats, err));
    floe_status status = hash_stream(&hash, stream, &schema, err);
    for (size_t i = 0; i < hash.column_count; i++) {
        floe_buf_close(&hash.cells[i]);
    }
    FLOE_TRY(status);
    return finish(&hash, ret_hash, err);
}

floe_status floe_content_hash_join(const content_hash *before, const content_hash *more, floe_arena *arena,
                                   content_hash *ret_hash, floe_error *err) {
    content_hash joined = {.row_count = before->row_count, .column_count = before->column_count + more->column_count};
    size_t stretches = (size_t)((before->row_count + STRETCH - 1) / STRETCH);
    FLOE_ENSURE(before->row_count == more->row_count, err, FLOE_INTERNAL, "columns of %" PRId64 " and %" PRId64 " rows",
                before->row_count, more->row_count);
    joined.digest_count = stretches * joined.column_count;
    joined.digests = floe_arena_alloc(arena, joined.digest_count + 1, sizeof(*joined.digests));
    joined.schema.len = before->schema.len + more->schema.len;
    char *schema = floe_arena_alloc(arena, joined.schema.len + 1, 1);
    FLOE_TRY(floe_arena_check(arena, err));
    memcpy(schema, before->schema.ptr, before->schema.len);
    memcpy(schema + before->schema.len, more->schema.ptr, more->schema.len);
    joined.schema.ptr = schema;
    stretch_digest *to = joined.digests;
    for (size_t s = 0; s < stretches; s++) {
        memcpy(to, before->digests + s * before->column_count, before->column_count * sizeof(*to));
        to += before->column_count;
        memcpy(to, more->digests + s * more->column_count, more->column_count * sizeof(*to));
        to += more->column_count;
    }
    *ret_hash = joined;
    return FLOE_OK;
}

/* ---- by pieces ---- */

static floe_status hash_digests(hasher *hash, const stretch_digest *digests, int64_t rows, floe_error *err) {
    for (int64_t row = 0; row < rows; row += STRETCH) {
        hash->row_count = row + STRETCH < rows ? row + STRETCH : rows;
        FLOE_TRY(recall(hash, err));
        update(hash, digests->bytes, hash->column_count * STRETCH_DIGEST);
        digests += hash->column_count;
    }
    return FLOE_OK;
}

floe_status floe_given_hash_open(const floe_row_giver *giver, int threads, given_hash *ret_hash, floe_error *err) {
    ret_hash->giver = giver;
    FLOE_TRY(floe_arrow_schema_make(giver->columns, giver->column_count, &ret_hash->schema, err));
    return floe_hash_pieces_open(giver, &ret_hash->schema, threads, &ret_hash->pieces, err);
}

uint64_t floe_given_hash_bytes(size_t columns, int64_t rows) {
    return columns * ((uint64_t)rows / STRETCH + 1) * (STRETCH_DIGEST + sizeof(stats_moments) + 1);
}

floe_status floe_given_hash_take(given_hash *given, const floe_row_piece *piece, const struct ArrowArray *batch,
                                 floe_error *err) {
    return floe_hash_pieces_take(given->pieces, piece, batch, err);
}

floe_status floe_given_hash_end(given_hash *given, const content_hash *beside, floe_arena *arena,
                                content_hash *ret_hash, floe_error *err) {
    const stretch_digest *digests = NULL;
    *ret_hash = (content_hash){0};
    hasher hash = {.beside = beside, .before = beside ? beside->column_count : 0, .arena = arena};
    FLOE_TRY(open_hasher(&hash, &given->schema, true, err));
    FLOE_TRY(floe_hash_pieces_end(given->pieces, hash.stats, &digests, err));
    FLOE_TRY(hash_digests(&hash, digests, given->giver->row_count, err));
    return finish(&hash, ret_hash, err);
}

void floe_given_hash_close(given_hash *given) {
    floe_hash_pieces_close(&given->pieces);
    floe_arrow_schema_release(&given->schema);
}

floe_status floe_content_hash_given(const floe_row_giver *giver, int threads, const content_hash *beside,
                                    floe_arena *arena, content_hash *ret_hash, floe_error *err) {
    FLOE_CLEANUP(floe_given_hash_close) given_hash given = {0};
    FLOE_TRY(floe_given_hash_open(giver, threads, &given, err));
    return floe_given_hash_end(&given, beside, arena, ret_hash, err);
}
