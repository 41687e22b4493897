/*
 * Digests and statistics of the columns of rows that are given by pieces, in any order, to several threads: by whoever reads them for
 * another purpose, so that they are read once, and of what nobody read in the end.
 *
 * A stretch of a column is one cell of work: its digest and the moments of its numbers stand on its own rows. All else of the
 * statistics may be merged in any order, so each thread at work has its own.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/content/content.h"
#include "offline/together.h"

#include <pthread.h>

#define PIECE_CELLS ((int64_t)1 << 18)            /* read at once of what nobody read */
#define PIECE_STRETCHES ((int64_t)4)              /* of them at most */
#define FEW_ROWS ((int64_t)4 * FLOE_HASH_STRETCH) /* not worth a thread */

/* What one thread works with. */
typedef struct hash_seat {
    struct hash_seat *next;
    column_stats *stats;
    floe_arena arena;
    floe_buf cells;
} hash_seat;

struct hash_pieces {
    const floe_row_giver *giver;
    const struct ArrowSchema *schema;
    int threads;
    size_t stretches;
    stretch_digest *digests; /* per stretch, per column, as are the others */
    stats_moments *moments;
    atomic_uchar *taken;
    pthread_mutex_t lock; /* free, all */
    hash_seat *free;
    hash_seat **all;
    size_t count, room;
};

static size_t cell_at(const hash_pieces *pieces, size_t stretch, size_t column) {
    return stretch * pieces->giver->column_count + column;
}

floe_status floe_hash_pieces_open(const floe_row_giver *giver, const struct ArrowSchema *schema, int threads,
                                  hash_pieces **ret_pieces, floe_error *err) {
    FLOE_CLEANUP(floe_hash_pieces_close) hash_pieces *pieces = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*pieces), &pieces, err));
    pthread_mutex_init(&pieces->lock, NULL);
    pieces->giver = giver;
    pieces->schema = schema;
    pieces->threads = threads;
    pieces->stretches = ((size_t)giver->row_count + FLOE_HASH_STRETCH - 1) / FLOE_HASH_STRETCH;
    size_t cells = pieces->stretches * giver->column_count + 1;
    FLOE_TRY(floe_alloc(cells, sizeof(*pieces->digests), &pieces->digests, err));
    FLOE_TRY(floe_alloc(cells, sizeof(*pieces->moments), &pieces->moments, err));
    FLOE_TRY(floe_alloc(cells, sizeof(*pieces->taken), &pieces->taken, err));
    *ret_pieces = pieces;
    pieces = NULL;
    return FLOE_OK;
}

static void seat_close(hash_seat **seat) {
    if (*seat) {
        floe_buf_close(&(*seat)->cells);
        floe_arena_close(&(*seat)->arena);
        floe_free(*seat);
        *seat = NULL;
    }
}

void floe_hash_pieces_close(hash_pieces **pieces) {
    hash_pieces *p = *pieces;
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        seat_close(&p->all[i]);
    }
    floe_free(p->all);
    floe_free(p->digests);
    floe_free(p->moments);
    floe_free(p->taken);
    pthread_mutex_destroy(&p->lock);
    floe_free(p);
    *pieces = NULL;
}

/* ---- seats ---- */

/* Under the lock. */
static floe_status add_seat(hash_pieces *pieces, floe_error *err) {
    FLOE_CLEANUP(seat_close) hash_seat *seat = NULL;
    if (pieces->count == pieces->room) {
        FLOE_TRY(floe_realloc(&pieces->all, 2 * pieces->room + 4, sizeof(hash_seat *), err));
        pieces->room = 2 * pieces->room + 4;
    }
    FLOE_TRY(floe_alloc(1, sizeof(*seat), &seat, err));
    floe_arena_init(&seat->arena, FLOE_GIB(1));
    floe_buf_init(&seat->cells, FLOE_GIB(1));
    size_t columns = pieces->giver->column_count;
    seat->stats = floe_arena_alloc(&seat->arena, columns + 1, sizeof(*seat->stats));
    FLOE_TRY(floe_arena_check(&seat->arena, err));
    for (size_t i = 0; i < columns; i++) {
        floe_stats_init(&seat->stats[i], pieces->giver->columns[i].type, &seat->arena);
    }
    seat->next = pieces->free;
    pieces->free = seat;
    pieces->all[pieces->count++] = seat;
    seat = NULL;
    return FLOE_OK;
}

static floe_status take_seat(hash_pieces *pieces, hash_seat **ret_seat, floe_error *err) {
    (void)pthread_mutex_lock(&pieces->lock);
    floe_status status = pieces->free ? FLOE_OK : add_seat(pieces, err);
    if (!floe_failed(status)) {
        *ret_seat = pieces->free;
        pieces->free = (*ret_seat)->next;
    }
    (void)pthread_mutex_unlock(&pieces->lock);
    return status;
}

static void leave_seat(hash_pieces *pieces, hash_seat *seat) {
    (void)pthread_mutex_lock(&pieces->lock);
    seat->next = pieces->free;
    pieces->free = seat;
    (void)pthread_mutex_unlock(&pieces->lock);
}

/* ---- pieces ---- */

/* The stretches that lie wholly in a piece: [*first, *last). */
static void stretches_of(const hash_pieces *pieces, const floe_row_piece *piece, size_t *first, size_t *last) {
    int64_t end = piece->first_row + piece->row_count;
    *first = (size_t)((piece->first_row + FLOE_HASH_STRETCH - 1) / FLOE_HASH_STRETCH);
    *last = end == pieces->giver->row_count ? pieces->stretches : (size_t)(end / FLOE_HASH_STRETCH);
}

static floe_status take_column(hash_pieces *pieces, hash_seat *seat, const floe_row_piece *piece, size_t i,
                               const floe_arrow_view *view, floe_error *err) {
    size_t first, last, column = piece->first_column + i;
    stretches_of(pieces, piece, &first, &last);
    for (size_t stretch = first; stretch < last; stretch++) {
        size_t at = cell_at(pieces, stretch, column);
        int64_t from = (int64_t)stretch * FLOE_HASH_STRETCH - piece->first_row;
        int64_t to = piece->row_count - from < FLOE_HASH_STRETCH ? piece->row_count : from + FLOE_HASH_STRETCH;
        if (atomic_exchange(&pieces->taken[at], 1) != 0) {
            continue;
        }
        FLOE_TRY(floe_hash_cells(view, from, to, &seat->stats[column], &seat->cells, err));
        FLOE_TRY(floe_hash_stretch(&seat->cells, &pieces->digests[at], err));
        pieces->moments[at] = floe_stats_stretch(&seat->stats[column]);
    }
    return FLOE_OK;
}

static floe_status take(hash_pieces *pieces, hash_seat *seat, const floe_row_piece *piece,
                        const struct ArrowArray *batch, floe_error *err) {
    struct ArrowSchema schema = *pieces->schema; /* of the piece's columns */
    schema.children += piece->first_column;
    schema.n_children = (int64_t)piece->column_count;
    for (size_t i = 0; i < piece->column_count; i++) {
        floe_arrow_view view;
        FLOE_TRY(floe_arrow_view_of(&schema, batch, (int64_t)i, &view, err));
        FLOE_TRY(take_column(pieces, seat, piece, i, &view, err));
    }
    return FLOE_OK;
}

floe_status floe_hash_pieces_take(hash_pieces *pieces, const floe_row_piece *piece, const struct ArrowArray *batch,
                                  floe_error *err) {
    hash_seat *seat;
    FLOE_TRY(take_seat(pieces, &seat, err));
    floe_status status = take(pieces, seat, piece, batch, err);
    leave_seat(pieces, seat);
    return status;
}

/* ---- what nobody read ---- */

static bool is_taken(const hash_pieces *pieces, size_t first, size_t last) {
    bool taken = true;
    for (size_t at = cell_at(pieces, first, 0); taken && at < cell_at(pieces, last, 0); at++) {
        taken = atomic_load(&pieces->taken[at]) != 0;
    }
    return taken;
}

static floe_status read_stretches(void *context, size_t first, size_t last, floe_error *err) {
    hash_pieces *pieces = context;
    FLOE_AUTO_ARRAY batch = {0};
    if (is_taken(pieces, first, last)) {
        return FLOE_OK;
    }
    int64_t row = (int64_t)first * FLOE_HASH_STRETCH, end = (int64_t)last * FLOE_HASH_STRETCH;
    end = end < pieces->giver->row_count ? end : pieces->giver->row_count;
    const floe_row_piece piece = {0, pieces->giver->column_count, row, end - row};
    FLOE_TRY(pieces->giver->give(pieces->giver->context, &piece, &batch, err));
    return floe_hash_pieces_take(pieces, &piece, &batch, err);
}

floe_status floe_hash_pieces_end(hash_pieces *pieces, column_stats *stats, const stretch_digest **ret_digests,
                                 floe_error *err) {
    size_t columns = pieces->giver->column_count;
    int64_t some = PIECE_CELLS / FLOE_HASH_STRETCH / (int64_t)(columns + 1) + 1;
    some = some < PIECE_STRETCHES ? some : PIECE_STRETCHES;
    int threads = pieces->giver->row_count <= FEW_ROWS ? 1 : floe_thread_count(pieces->threads);
    FLOE_TRY(floe_together_over(threads, pieces->stretches, (size_t)some, read_stretches, pieces, err));
    for (size_t i = 0; i < columns; i++) {
        for (size_t s = 0; s < pieces->count; s++) {
            floe_stats_merge(&stats[i], &pieces->all[s]->stats[i]);
        }
        for (size_t stretch = 0; stretch < pieces->stretches; stretch++) {
            floe_stats_follow(&stats[i], &pieces->moments[cell_at(pieces, stretch, i)]);
        }
    }
    for (size_t s = 0; s < pieces->count; s++) {
        FLOE_TRY(floe_arena_check(&pieces->all[s]->arena, err));
    }
    *ret_digests = pieces->digests;
    return FLOE_OK;
}
