/*
 * Digests of the columns of rows that are given by pieces, by several threads.
 *
 * Columns of numbers go a few at a time, whose cells lie beside one another, to whichever thread is free; where reading the
 * rows costs, as many at a time as let each thread read them once. Every other
 * column goes to the caller's thread, because statistics of texts share an arena. The cells of a column go by in the order of
 * rows, in one thread, so its statistics are those of a stream.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/together.h"

#include <pthread.h>

#define STRIPE_COLUMNS 8
#define PIECE_ROWS ((int64_t)4 * FLOE_HASH_STRETCH)

typedef struct stripe {
    size_t first, count; /* columns */
} stripe;

typedef struct striping {
    const floe_row_giver *giver;
    const struct ArrowSchema *schema;
    size_t width; /* columns of a stripe */
    column_stats *stats;
    stretch_digest *digests; /* per stretch, per column */
    stripe *numbers, *others;
    size_t number_count, other_count;
    pthread_t caller;
    size_t next_other; /* the caller's */
    atomic_size_t next_number;
    atomic_bool stop;
} striping;

static bool is_number(floe_kind kind) {
    return kind != FLOE_KIND_STRING && kind != FLOE_KIND_BYTES && kind != FLOE_KIND_LIST;
}

static floe_status make_stripes(striping *s, floe_arena *arena, floe_error *err) {
    const floe_row_giver *giver = s->giver;
    s->numbers = floe_arena_alloc(arena, giver->column_count, sizeof(*s->numbers));
    s->others = floe_arena_alloc(arena, giver->column_count, sizeof(*s->others));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < giver->column_count; i++) {
        stripe *last = s->number_count > 0 ? &s->numbers[s->number_count - 1] : NULL;
        if (!is_number(giver->columns[i].type.kind)) {
            s->others[s->other_count++] = (stripe){i, 1};
        } else if (last && last->first + last->count == i && last->count < s->width) {
            last->count++;
        } else {
            s->numbers[s->number_count++] = (stripe){i, 1};
        }
    }
    return FLOE_OK;
}

/* A piece begins with a stretch. */
static floe_status hash_piece(striping *s, const floe_row_piece *piece, floe_buf *cells, floe_error *err) {
    FLOE_AUTO_ARRAY batch = {0};
    struct ArrowSchema schema = *s->schema; /* of the piece's columns */
    schema.children += piece->first_column;
    schema.n_children = (int64_t)piece->column_count;
    FLOE_TRY(s->giver->give(s->giver->context, piece, &batch, err));
    for (size_t i = 0; i < piece->column_count; i++) {
        size_t column = piece->first_column + i;
        floe_arrow_view view;
        FLOE_TRY(floe_arrow_view_of(&schema, &batch, (int64_t)i, &view, err));
        for (int64_t row = 0; row < piece->row_count; row += FLOE_HASH_STRETCH) {
            int64_t left = piece->row_count - row;
            int64_t last = left < FLOE_HASH_STRETCH ? piece->row_count : row + FLOE_HASH_STRETCH;
            size_t stretch = (size_t)((piece->first_row + row) / FLOE_HASH_STRETCH);
            FLOE_TRY(floe_hash_cells(&view, row, last, &s->stats[column], cells, err));
            FLOE_TRY(floe_hash_stretch(cells, &s->digests[stretch * s->giver->column_count + column], err));
        }
    }
    return FLOE_OK;
}

static floe_status hash_stripe(striping *s, const stripe *columns, floe_error *err) {
    FLOE_AUTO_BUF cells;
    floe_buf_init(&cells, FLOE_GIB(1));
    int64_t rows = s->giver->row_count;
    for (int64_t row = 0; row < rows && !atomic_load(&s->stop); row += PIECE_ROWS) {
        int64_t count = rows - row < PIECE_ROWS ? rows - row : PIECE_ROWS;
        const floe_row_piece piece = {columns->first, columns->count, row, count};
        FLOE_TRY(hash_piece(s, &piece, &cells, err));
    }
    return FLOE_OK;
}

/* NULL: there is none left for this thread. */
static const stripe *next_stripe(striping *s) {
    if (pthread_equal(s->caller, pthread_self()) && s->next_other < s->other_count) {
        return &s->others[s->next_other++];
    }
    size_t next = atomic_fetch_add(&s->next_number, 1);
    return next < s->number_count ? &s->numbers[next] : NULL;
}

static floe_status hash_stripes(void *context, floe_error *err) {
    striping *s = context;
    for (const stripe *next; !atomic_load(&s->stop) && (next = next_stripe(s)) != NULL;) {
        FLOE_TRY(hash_stripe(s, next, err));
    }
    return FLOE_OK;
}

floe_status floe_hash_pieces(const floe_row_giver *giver, const struct ArrowSchema *schema, const hash_work *work,
                             stretch_digest **ret_digests, floe_error *err) {
    striping s = {.giver = giver, .schema = schema, .stats = work->stats, .caller = pthread_self()};
    size_t stretches = ((size_t)giver->row_count + FLOE_HASH_STRETCH - 1) / FLOE_HASH_STRETCH;
    s.digests = floe_arena_alloc(work->arena, stretches * giver->column_count + 1, sizeof(*s.digests));
    FLOE_TRY(floe_arena_check(work->arena, err));
    bool few = giver->row_count <= PIECE_ROWS; /* not worth a thread */
    int threads = few ? 1 : floe_thread_count(work->threads);
    size_t share = (giver->column_count + (size_t)threads - 1) / (size_t)threads;
    s.width = giver->costly && share > STRIPE_COLUMNS ? share : STRIPE_COLUMNS;
    FLOE_TRY(make_stripes(&s, work->arena, err));
    *ret_digests = s.digests;
    return floe_together(threads, hash_stripes, &s, &s.stop, err);
}
