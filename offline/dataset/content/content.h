/*
 * What a dataset's rows are: their content hash, and statistics of each feature.
 */
#ifndef FLOE_OFFLINE_DATASET_CONTENT_CONTENT_H
#define FLOE_OFFLINE_DATASET_CONTENT_CONTENT_H

#include "core/hash.h"
#include "offline/dataset/content/stats.h"
#include "offline/engine/engine.h"
#include "offline/write_rows.h"

/* ---- hash.c ---- */

/* The content hash of rows: schema and values in row order, whatever file format, thread count or batch size. */
typedef struct stretch_digest {
    uint8_t bytes[16];
} stretch_digest;

typedef struct content_hash {
    char hex[65];
    int64_t row_count;
    size_t column_count;
    column_stats *stats; /* per column, in the arena; NULL: not asked for */
    /* Of rows that came as a stream also what it is made of, in the arena: per stretch the digest of each column. */
    floe_str schema;
    stretch_digest *digests;
    size_t digest_count;
} content_hash;
/* Of the columns of `beside` (NULL: none), which must have as many rows, and then those of the stream. Errors: INTERNAL when
 * the rows are not as many. */
floe_status floe_content_hash(struct ArrowArrayStream *stream, const content_hash *beside, bool with_stats,
                              floe_arena *arena, content_hash *ret_hash, floe_error *err);
/* Of the columns of two hashes of the same rows, side by side, what a hash with more columns beside them is made of. */
floe_status floe_content_hash_join(const content_hash *before, const content_hash *more, floe_arena *arena,
                                   content_hash *ret_hash, floe_error *err);
/* The same of rows that are given by pieces, with statistics, by that many threads (0: one per processor). */
floe_status floe_content_hash_given(const floe_row_giver *giver, int threads, const content_hash *beside,
                                    floe_arena *arena, content_hash *ret_hash, floe_error *err);

/* The same while others read the rows. */
typedef struct given_hash {
    const floe_row_giver *giver;
    struct ArrowSchema schema;
    struct hash_pieces *pieces;
} given_hash;
/* The giver outlives it. */
floe_status floe_given_hash_open(const floe_row_giver *giver, int threads, given_hash *ret_hash, floe_error *err);
/* How much memory it takes for that many columns and rows. */
uint64_t floe_given_hash_bytes(size_t columns, int64_t rows);
void floe_given_hash_close(given_hash *given); /* NULL-safe in what it holds. */
/* A piece that came from the giver. Thread: several at a time. */
floe_status floe_given_hash_take(given_hash *given, const floe_row_piece *piece, const struct ArrowArray *batch,
                                 floe_error *err);
/* Reads what was not taken, and returns the hash. Once. */
floe_status floe_given_hash_end(given_hash *given, const content_hash *beside, floe_arena *arena,
                                content_hash *ret_hash, floe_error *err);

/* ---- cells.c ---- */

#define FLOE_HASH_STRETCH 1024 /* rows */

/* Appends the cells of rows [first, last) of a batch's column, and counts them in `stats`, which may be NULL. */
floe_status floe_hash_cells(const floe_arrow_view *view, int64_t first, int64_t last, column_stats *stats,
                            floe_buf *out, floe_error *err);
/* The digest of the cells of a stretch, which are cleared. */
floe_status floe_hash_stretch(floe_buf *cells, stretch_digest *ret_digest, floe_error *err);

/* ---- pieces.c ---- */

typedef struct hash_pieces hash_pieces;
/* `threads` 0: one per processor. Giver and schema outlive it. */
floe_status floe_hash_pieces_open(const floe_row_giver *giver, const struct ArrowSchema *schema, int threads,
                                  hash_pieces **ret_pieces, floe_error *err);
void floe_hash_pieces_close(hash_pieces **pieces);
/* Hashes the stretches that lie wholly in the piece. Thread: several at a time. */
floe_status floe_hash_pieces_take(hash_pieces *pieces, const floe_row_piece *piece, const struct ArrowArray *batch,
                                  floe_error *err);
/* Reads what was not taken; adds to the statistics of each column. Per stretch the digest of each column, which live as long as it. */
floe_status floe_hash_pieces_end(hash_pieces *pieces, column_stats *stats, const stretch_digest **ret_digests,
                                 floe_error *err);

#endif
