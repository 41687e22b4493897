/*
 * What of a context fits.
 *
 * Phases: a price for every piece, in tokens → the tables found first, as they are the answer's core → then always the piece
 * with the most worth per token that fits, among those whose tables are there (a join needs both its tables, a table grows
 * detail by detail) → the text, with a line at the end that says what was left out. The sum of the prices is above the price of
 * the text but for a few tokens, so when the text is too long the piece of least worth per token goes, until it fits.
 *
 * Invariants: no piece is cut; the text never costs more than token_max.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"

#define PIECES_MAX 1024
/* The tables that come in by their rank whatever they cost, as long as they fit. */
#define SEEDS 2
/* Kept free for the headings and the last line. */
#define RESERVED 60
#define NAMES_LEFT_MAX 8

typedef enum piece_kind { PIECE_TABLE, PIECE_JOIN, PIECE_FEATURE, PIECE_QUESTION } piece_kind;

typedef struct piece {
    piece_kind kind;
    uint32_t item;
    floe_detail detail; /* of a table: this one, when the one before is there */
    size_t tokens;      /* of a table's detail: beyond the one before */
    double worth;
    bool taken;
    bool barred; /* it was taken and turned out to be of no use */
} piece;

typedef struct packer {
    floe_packing *all;
    piece pieces[PIECES_MAX];
    size_t count;
    size_t order[PIECES_MAX]; /* in which pieces were taken */
    size_t taken;
    size_t used;
    floe_buf scratch;
} packer;

static piece *add_piece(packer *state, piece_kind kind, uint32_t item, size_t tokens, double worth) {
    if (state->count == PIECES_MAX) {
        return NULL;
    }
    state->pieces[state->count] = (piece){.kind = kind, .item = item, .tokens = tokens, .worth = worth};
    return &state->pieces[state->count++];
}

static size_t scratch_tokens(packer *state) {
    size_t tokens = floe_tokens_count(floe_buf_view(&state->scratch)) + 1;
    floe_buf_clear(&state->scratch);
    return tokens;
}

/* ---- prices and worths ---- */

/* The worth falls with the square of the score: the table that answers the question is worth more than two that might. */
static void add_tables(packer *state) {
    static const double shares[FLOE_DETAIL_COUNT] = {0, 1, 0.4, 0.15};
    for (size_t i = 0; i < state->all->pick_count; i++) {
        const floe_pick *pick = &state->all->picks[i];
        size_t before = 0;
        size_t shown = SIZE_MAX;
        for (int detail = FLOE_DETAIL_KEYS; detail < FLOE_DETAIL_COUNT; detail++) {
            if (pick->shown[detail] == shown) {
                continue;
            }
            shown = pick->shown[detail];
            floe_piece_table(pick, (floe_detail)detail, state->all->arena, &state->scratch);
            size_t tokens = scratch_tokens(state);
            piece *added = add_piece(state, PIECE_TABLE, (uint32_t)i, tokens > before ? tokens - before : 1,
                                     shares[detail] * pick->score * pick->score);
            if (added) {
                added->detail = (floe_detail)detail;
            }
            before = tokens;
        }
    }
}

static void add_others(packer *state) {
    const floe_packing *all = state->all;
    for (size_t i = 0; i < all->join_count; i++) {
        double left = all->picks[all->join_ends[i][0]].score;
        double right = all->picks[all->join_ends[i][1]].score;
        floe_piece_join(&all->joins[i], &state->scratch);
        (void)add_piece(state, PIECE_JOIN, (uint32_t)i, scratch_tokens(state), left * right * 0.5);
    }
    for (size_t i = 0; i < all->feature_count; i++) {
        double score = all->features[i].score;
        floe_piece_feature(&all->features[i], &state->scratch);
        (void)add_piece(state, PIECE_FEATURE, (uint32_t)i, scratch_tokens(state), score * score * 0.3);
    }
    for (size_t i = 0; i < all->question_count; i++) {
        double score = all->questions[i].score;
        floe_piece_question(&all->questions[i], &state->scratch);
        (void)add_piece(state, PIECE_QUESTION, (uint32_t)i, scratch_tokens(state), score * score);
    }
}

/* ---- choosing ---- */

/* Whether a table's detail is the next one it lacks. */
static bool is_next_detail(const packer *state, const piece *one) {
    floe_detail next = FLOE_DETAIL_COUNT;
    for (size_t i = 0; i < state->count; i++) {
        const piece *other = &state->pieces[i];
        bool same = other->kind == PIECE_TABLE && other->item == one->item && !other->taken;
        next = same && other->detail < next ? other->detail : next;
    }
    return one->detail == next;
}

static bool may_come(const packer *state, const piece *one) {
    const floe_packing *all = state->all;
    if (one->taken || one->barred || state->used + one->tokens + RESERVED > all->token_max) {
        return false;
    }
    if (one->kind == PIECE_JOIN) {
        return all->picks[all->join_ends[one->item][0]].detail != FLOE_DETAIL_NONE &&
               all->picks[all->join_ends[one->item][1]].detail != FLOE_DETAIL_NONE;
    }
    return one->kind != PIECE_TABLE || is_next_detail(state, one);
}

static void set_taken(packer *state, piece *one, bool taken) {
    floe_packing *all = state->all;
    one->taken = taken;
    state->used = taken ? state->used + one->tokens : state->used - one->tokens;
    switch (one->kind) {
    case PIECE_TABLE: {
        floe_detail before = FLOE_DETAIL_NONE;
        for (size_t i = 0; i < state->count; i++) {
            const piece *other = &state->pieces[i];
            bool below = other->kind == PIECE_TABLE && other->item == one->item && other->taken;
            before = below && other->detail > before ? other->detail : before;
        }
        all->picks[one->item].detail = before;
        break;
    }
    case PIECE_JOIN:
        all->join_taken[one->item] = taken;
        break;
    case PIECE_FEATURE:
        all->feature_taken[one->item] = taken;
        break;
    case PIECE_QUESTION:
    default:
        all->question_taken[one->item] = taken;
        break;
    }
}

static void take(packer *state, size_t at) {
    set_taken(state, &state->pieces[at], true);
    state->order[state->taken++] = at;
}

static size_t best_piece(const packer *state) {
    size_t best = SIZE_MAX;
    double best_rate = 0;
    for (size_t i = 0; i < state->count; i++) {
        double rate = state->pieces[i].worth / (double)state->pieces[i].tokens;
        if ((best == SIZE_MAX || rate > best_rate) && may_come(state, &state->pieces[i])) {
            best = i;
            best_rate = rate;
        }
    }
    return best;
}

static void choose(packer *state) {
    for (size_t i = 0; i < state->count; i++) {
        const piece *one = &state->pieces[i];
        bool seed = one->kind == PIECE_TABLE && one->item < SEEDS && !state->all->picks[one->item].bridge;
        if (seed && state->all->picks[one->item].detail == FLOE_DETAIL_NONE && may_come(state, one)) {
            take(state, i);
        }
    }
}

/* Whatever still fits. */
static void fill(packer *state) {
    for (size_t at = best_piece(state); at != SIZE_MAX; at = best_piece(state)) {
        take(state, at);
    }
}

/* A table that only lies between others is of no use without one of them. */
static bool is_useful_bridge(const packer *state, uint32_t pick) {
    for (size_t i = 0; i < state->all->join_count; i++) {
        if (state->all->join_taken[i] && (state->all->join_ends[i][0] == pick || state->all->join_ends[i][1] == pick)) {
            return true;
        }
    }
    return false;
}

/* Whether anything was dropped, which leaves room for something else. */
static bool drop_loose(packer *state) {
    const floe_packing *all = state->all;
    bool dropped = false;
    for (size_t i = 0; i < state->count; i++) {
        piece *one = &state->pieces[i];
        bool table = one->kind == PIECE_TABLE && one->taken && all->picks[one->item].bridge;
        bool join = one->kind == PIECE_JOIN && one->taken;
        bool loose = (table && !is_useful_bridge(state, one->item)) ||
                     (join && (all->picks[all->join_ends[one->item][0]].detail == FLOE_DETAIL_NONE ||
                               all->picks[all->join_ends[one->item][1]].detail == FLOE_DETAIL_NONE));
        if (loose) {
            set_taken(state, one, false);
            one->barred = true;
            dropped = true;
        }
    }
    return dropped;
}

/* Takes the piece back that came last. */
static bool drop_last(packer *state) {
    while (state->taken > 0) {
        piece *one = &state->pieces[state->order[--state->taken]];
        if (one->taken) {
            set_taken(state, one, false);
            (void)drop_loose(state);
            return true;
        }
    }
    return false;
}

/* ---- text ---- */

static void put_tables(const packer *state, floe_buf *out) {
    bool any = false;
    for (size_t i = 0; i < state->all->pick_count; i++) {
        const floe_pick *pick = &state->all->picks[i];
        if (pick->detail != FLOE_DETAIL_NONE) {
            floe_buf_text(out, any ? "\n" : "");
            floe_piece_table(pick, pick->detail, state->all->arena, out);
            any = true;
        }
    }
}

static void put_others(const packer *state, floe_buf *out) {
    const floe_packing *all = state->all;
    const char *heading = "\n-- Joins:\n";
    for (size_t i = 0; i < all->join_count; i++) {
        if (all->join_taken[i]) {
            floe_buf_text(out, heading);
            floe_piece_join(&all->joins[i], out);
            heading = "";
        }
    }
    heading = "\n-- Features that floe serves (no SQL tables):\n";
    for (size_t i = 0; i < all->feature_count; i++) {
        if (all->feature_taken[i]) {
            floe_buf_text(out, heading);
            floe_piece_feature(&all->features[i], out);
            heading = "";
        }
    }
    heading = "\n-- Verified questions and their SQL:\n";
    for (size_t i = 0; i < all->question_count; i++) {
        if (all->question_taken[i]) {
            floe_buf_text(out, heading);
            floe_piece_question(&all->questions[i], out);
            heading = "";
        }
    }
}

static size_t count_left(const bool *taken, size_t count) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        left += taken[i] ? 0 : 1;
    }
    return left;
}

static void put_left_number(floe_buf *out, size_t count, const char *one, const char *many, bool *any) {
    if (count > 0) {
        floe_buf_printf(out, "%s%zu %s", *any ? "; " : "", count, count == 1 ? one : many);
        *any = true;
    }
}

/* "-- Left out …": the names of at most `names` tables. A bridge that is not needed is not missed. */
static void put_left(const packer *state, size_t names, floe_buf *out) {
    const floe_packing *all = state->all;
    size_t tables = 0;
    size_t named = 0;
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, FLOE_MIB(1));
    for (size_t i = 0; i < all->pick_count; i++) {
        const floe_pick *pick = &all->picks[i];
        if (pick->detail == FLOE_DETAIL_NONE && !pick->bridge && ++tables <= names) {
            floe_buf_text(&line, named++ > 0 ? ", " : "");
            floe_buf_str(&line, pick->whole.sql_name);
        }
    }
    bool any = named > 0;
    if (named == 0 || tables > named) {
        put_left_number(&line, tables - named, named > 0 ? "more table" : "table", named > 0 ? "more tables" : "tables",
                        &any);
    }
    size_t joins = count_left(all->join_taken, all->join_count) + all->joins_cut;
    put_left_number(&line, joins, "join", "joins", &any);
    put_left_number(&line, count_left(all->feature_taken, all->feature_count), "feature", "features", &any);
    put_left_number(&line, count_left(all->question_taken, all->question_count), "verified question",
                    "verified questions", &any);
    if (any) {
        floe_buf_text(out, out->len > 0 ? "\n-- Left out for want of room: " : "-- Left out for want of room: ");
        floe_buf_str(out, floe_buf_view(&line));
        floe_buf_byte(out, '\n');
    }
}

static void put_text(const packer *state, size_t names, floe_buf *out) {
    const floe_packing *all = state->all;
    floe_buf_clear(out);
    if (all->pick_count == 0 && all->feature_count == 0 && all->question_count == 0) {
        floe_buf_text(out, "-- Nothing in the catalog matches the question.\n");
        return;
    }
    put_tables(state, out);
    put_others(state, out);
    put_left(state, names, out);
}

floe_status floe_pack(floe_packing *packing, floe_buf *out, floe_error *err) {
    packer *state = floe_arena_alloc(packing->arena, 1, sizeof(*state));
    FLOE_TRY(floe_arena_check(packing->arena, err));
    size_t names = NAMES_LEFT_MAX;
    state->all = packing;
    floe_buf_init(&state->scratch, FLOE_MIB(16));
    add_tables(state);
    add_others(state);
    choose(state);
    fill(state);
    while (drop_loose(state)) {
        fill(state);
    }
    put_text(state, names, out);
    while (floe_tokens_count(floe_buf_view(out)) > packing->token_max) {
        if (names > 0) {
            names /= 2;
        } else if (!drop_last(state)) {
            floe_buf_clear(out);
            break;
        }
        put_text(state, names, out);
    }
    floe_status status = floe_buf_check(&state->scratch, err);
    floe_buf_close(&state->scratch);
    FLOE_TRY(status);
    FLOE_TRY(floe_arena_check(packing->arena, err));
    return floe_buf_check(out, err);
}
