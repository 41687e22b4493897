/*
 * floe_context_make: from a question to what may be said about it, and to the text.
 *
 * Phases: verified questions → ranked tables, columns, features → picks (ranked tables, then those that a verified question
 * reads, then those between the best ones) with the evidence of their columns → joins between picks → packing → the answer.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"

#define TEXT_BYTES_MAX FLOE_MIB(16)
#define JOINS_MAX 128
#define JOINS_OF_PAIR 4
#define JOINS_COUNTED 1024
/* Tables that are bridged: the best ones, and no further down than this share of the best score. */
#define BRIDGED_TABLES 8
#define BRIDGED_SHARE 0.35
/* What a table in between is worth beside the least of those: it is as needed as they are for a join. */
#define BRIDGE_SHARE 0.9
/* What a verified question's tables are worth beside the best of the search. */
#define QUESTION_SHARE 0.95
#define QUESTION_TABLES 20
#define PICKS_MAX (FLOE_CONTEXT_TABLES + QUESTION_TABLES + FLOE_CONTEXT_BRIDGES)

typedef struct making {
    floe_search *search;
    const floe_corpus *corpus;
    const floe_context_request *request;
    floe_arena *arena;
    floe_packing packing;
    size_t pick_room;
    floe_str mode;
} making;

/* ---- picks ---- */

static floe_pick *find_pick(const making *run, uint32_t table) {
    for (size_t i = 0; i < run->packing.pick_count; i++) {
        if (run->packing.picks[i].table == table) {
            return &run->packing.picks[i];
        }
    }
    return NULL;
}

static bool sees_table(const making *run, uint32_t table) {
    const floe_table_entry *entry = &run->corpus->tables[table];
    return floe_role_sees_table(run->request->role, entry->database, entry->name);
}

static void add_pick(making *run, uint32_t table, double score, bool bridge) {
    floe_pick *known = find_pick(run, table);
    if (known) {
        known->score = score > known->score ? score : known->score;
        return;
    }
    if (run->packing.pick_count == run->pick_room || !sees_table(run, table)) {
        return;
    }
    floe_pick *pick = &run->packing.picks[run->packing.pick_count++];
    *pick = (floe_pick){.table = table, .score = score, .bridge = bridge};
    floe_table_fill(run->corpus, table, run->request->role, run->arena, &pick->whole);
    pick->column_scores = floe_arena_alloc(run->arena, pick->whole.column_count + 1, sizeof(double));
}

/* The number of a table by its exact place; SIZE_MAX when it is not there. Cost: linear in the tables. */
static size_t number_of(const floe_corpus *corpus, floe_str database, floe_str table) {
    for (size_t i = 0; i < corpus->table_count; i++) {
        if (floe_str_equal(corpus->tables[i].name, table) && floe_str_equal(corpus->tables[i].database, database)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static floe_status search_for(making *run, floe_hit_kind kind, size_t k, floe_answer *ret_answer, floe_error *err) {
    floe_query query = {
        .text = run->request->question, .k = k, .kind = kind, .in = run->request->in, .role = run->request->role};
    return floe_search_query(run->search, &query, run->arena, ret_answer, err);
}

static floe_status pick_tables(making *run, floe_error *err) {
    floe_answer answer = {0};
    FLOE_TRY(search_for(run, FLOE_HIT_TABLE, FLOE_CONTEXT_TABLES, &answer, err));
    run->mode = answer.mode;
    double best = answer.hit_count > 0 && answer.hits[0].score > 0 ? answer.hits[0].score : 1;
    for (size_t i = 0; i < answer.hit_count; i++) {
        size_t table = number_of(run->corpus, answer.hits[i].database, answer.hits[i].table);
        if (table != SIZE_MAX) {
            add_pick(run, (uint32_t)table, answer.hits[i].score / best, false);
        }
    }
    return floe_arena_check(run->arena, err);
}

static bool is_in(floe_str name, floe_str in) {
    return in.len == 0 || floe_str_equal(name, in) ||
           (floe_str_starts_with(name, in) && name.len > in.len && name.ptr[in.len] == '.');
}

/* A set of questions may name tables that are no longer indexed; those say nothing. */
static void pick_of_questions(making *run) {
    for (size_t i = 0; i < run->packing.question_count; i++) {
        const floe_question_entry *entry = run->packing.questions[i].entry;
        for (size_t k = 0; k < entry->table_count; k++) {
            size_t table = number_of(run->corpus, entry->tables[k].database, entry->tables[k].table);
            if (table != SIZE_MAX && is_in(entry->tables[k].database, run->request->in)) {
                add_pick(run, (uint32_t)table, QUESTION_SHARE * run->packing.questions[i].score, false);
            }
        }
    }
}

/* Best first; equal ones keep their order. */
static void sort_picks(making *run) {
    floe_pick *picks = run->packing.picks;
    for (size_t i = 1; i < run->packing.pick_count; i++) {
        floe_pick moved = picks[i];
        size_t at = i;
        for (; at > 0 && picks[at - 1].score < moved.score; at--) {
            picks[at] = picks[at - 1];
        }
        picks[at] = moved;
    }
}

static void pick_bridges(making *run) {
    uint32_t tables[BRIDGED_TABLES + FLOE_CONTEXT_BRIDGES];
    size_t count = 0;
    double last = 0;
    for (size_t i = 0; i < run->packing.pick_count && count < BRIDGED_TABLES; i++) {
        const floe_pick *pick = &run->packing.picks[i];
        if (pick->score >= BRIDGED_SHARE * run->packing.picks[0].score) {
            tables[count++] = pick->table;
            last = pick->score;
        }
    }
    size_t all =
        floe_joins_bridge(run->corpus, run->request->role, tables, count, count + FLOE_CONTEXT_BRIDGES, run->arena);
    for (size_t i = count; i < all; i++) {
        add_pick(run, tables[i], BRIDGE_SHARE * last, true);
    }
}

/* ---- evidence of columns ---- */

static void score_column(making *run, const floe_hit *hit) {
    for (size_t i = 0; i < run->packing.pick_count; i++) {
        floe_pick *pick = &run->packing.picks[i];
        bool same = floe_str_equal(pick->whole.name, hit->table) && floe_str_equal(pick->whole.database, hit->database);
        for (size_t k = 0; same && k < pick->whole.column_count; k++) {
            if (floe_str_equal(pick->whole.columns[k].name, hit->column)) {
                pick->column_scores[k] = hit->score;
            }
        }
    }
}

static floe_status score_columns(making *run, floe_error *err) {
    floe_answer answer = {0};
    FLOE_TRY(search_for(run, FLOE_HIT_COLUMN, FLOE_CONTEXT_COLUMNS, &answer, err));
    for (size_t i = 0; i < answer.hit_count; i++) {
        score_column(run, &answer.hits[i]);
    }
    for (size_t i = 0; i < run->packing.pick_count; i++) {
        floe_pick_order(&run->packing.picks[i], run->arena);
    }
    return floe_arena_check(run->arena, err);
}

/* ---- features, joins ---- */

static floe_status find_features(making *run, floe_error *err) {
    floe_answer answer = {0};
    FLOE_TRY(search_for(run, FLOE_HIT_FEATURE, FLOE_CONTEXT_FEATURES, &answer, err));
    floe_context_feature *features = floe_arena_alloc(run->arena, answer.hit_count + 1, sizeof(*features));
    FLOE_TRY(floe_arena_check(run->arena, err));
    for (size_t i = 0; i < answer.hit_count; i++) {
        features[i] = (floe_context_feature){answer.hits[i].feature, answer.hits[i].description, answer.hits[i].score};
    }
    run->packing.features = features;
    run->packing.feature_count = answer.hit_count;
    run->packing.feature_taken = floe_arena_alloc(run->arena, answer.hit_count + 1, sizeof(bool));
    return floe_arena_check(run->arena, err);
}

static floe_status find_joins(making *run, floe_error *err) {
    floe_join *joins = floe_arena_alloc(run->arena, JOINS_MAX, sizeof(*joins));
    floe_join *found = floe_arena_alloc(run->arena, JOINS_COUNTED, sizeof(*found));
    uint32_t(*ends)[2] = floe_arena_alloc(run->arena, JOINS_MAX, sizeof(*ends));
    run->packing.join_taken = floe_arena_alloc(run->arena, JOINS_MAX, sizeof(bool));
    FLOE_TRY(floe_arena_check(run->arena, err));
    size_t count = 0;
    for (size_t i = 0; i < run->packing.pick_count; i++) {
        for (size_t k = i; k < run->packing.pick_count; k++) {
            size_t room = JOINS_MAX - count < JOINS_OF_PAIR ? JOINS_MAX - count : JOINS_OF_PAIR;
            size_t all = floe_joins_between(run->corpus, run->packing.picks[i].table, run->packing.picks[k].table,
                                            run->request->role, found, JOINS_COUNTED);
            size_t kept = all < room ? all : room;
            run->packing.joins_cut += all - kept;
            for (size_t n = 0; n < kept; n++, count++) {
                joins[count] = found[n];
                ends[count][0] = (uint32_t)i;
                ends[count][1] = (uint32_t)k;
            }
        }
    }
    run->packing.joins = joins;
    run->packing.join_ends = (const uint32_t(*)[2])ends;
    run->packing.join_count = count;
    return FLOE_OK;
}

static floe_status find_questions(making *run, floe_error *err) {
    const floe_context_request *request = run->request;
    FLOE_TRY(floe_verified_find(request->verified, request->question, request->role, FLOE_CONTEXT_QUESTIONS, run->arena,
                                &run->packing.questions, &run->packing.question_count, err));
    run->packing.question_taken = floe_arena_alloc(run->arena, run->packing.question_count + 1, sizeof(bool));
    return floe_arena_check(run->arena, err);
}

/* ---- the answer ---- */

static void set_table(const making *run, const floe_pick *pick, floe_context_table *table) {
    size_t count = 0;
    *table = (floe_context_table){.table = pick->whole,
                                  .score = pick->bridge ? 0 : pick->score,
                                  .bridge = pick->bridge,
                                  .shown = pick->detail != FLOE_DETAIL_NONE};
    const uint32_t *shown = floe_pick_columns(pick, pick->detail, run->arena, &count);
    floe_described_column *columns = floe_arena_alloc(run->arena, count + 1, sizeof(*columns));
    for (size_t i = 0; columns && i < count; i++) {
        columns[i] = pick->whole.columns[shown[i]];
    }
    table->table.columns = columns;
    table->table.column_count = columns ? count : 0;
    table->columns_left_out = pick->whole.column_count - count;
}

static void set_tables(const making *run, floe_context *context) {
    floe_context_table *tables = floe_arena_alloc(run->arena, run->packing.pick_count + 1, sizeof(*tables));
    for (size_t i = 0; tables && i < run->packing.pick_count; i++) {
        const floe_pick *pick = &run->packing.picks[i];
        if (pick->detail != FLOE_DETAIL_NONE || !pick->bridge) {
            set_table(run, pick, &tables[context->table_count++]);
        }
    }
    context->tables = tables;
}

/* The taken ones of a list, in its order: returns how many. */
static size_t keep_taken(const making *run, const void *items, size_t item_len, const bool *taken, size_t count,
                         const void **ret_kept) {
    char *kept = floe_arena_alloc(run->arena, count + 1, item_len);
    size_t kept_count = 0;
    for (size_t i = 0; kept && i < count; i++) {
        if (taken[i]) {
            memcpy(kept + kept_count++ * item_len, (const char *)items + i * item_len, item_len);
        }
    }
    *ret_kept = kept;
    return kept_count;
}

static void set_others(const making *run, floe_context *context) {
    const floe_packing *all = &run->packing;
    const void *kept = NULL;
    context->join_count = keep_taken(run, all->joins, sizeof(*all->joins), all->join_taken, all->join_count, &kept);
    context->joins = kept;
    context->feature_count =
        keep_taken(run, all->features, sizeof(*all->features), all->feature_taken, all->feature_count, &kept);
    context->features = kept;
    context->question_count =
        keep_taken(run, all->questions, sizeof(*all->questions), all->question_taken, all->question_count, &kept);
    context->questions = kept;
    context->joins_left_out = all->join_count - context->join_count + all->joins_cut;
    context->features_left_out = all->feature_count - context->feature_count;
    context->questions_left_out = all->question_count - context->question_count;
}

static floe_status pack(making *run, floe_context *ret_context, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, TEXT_BYTES_MAX);
    FLOE_TRY(floe_pack(&run->packing, &text, err));
    floe_context context = {.mode = run->mode,
                            .text = floe_arena_str(run->arena, floe_buf_view(&text)),
                            .tokens = floe_tokens_count(floe_buf_view(&text)),
                            .token_max = run->packing.token_max};
    set_tables(run, &context);
    set_others(run, &context);
    FLOE_TRY(floe_arena_check(run->arena, err));
    *ret_context = context;
    return FLOE_OK;
}

floe_status floe_context_make(floe_search *search, const floe_context_request *request, floe_arena *arena,
                              floe_context *ret_context, floe_error *err) {
    size_t token_max = request->token_max == 0 ? FLOE_CONTEXT_TOKENS : request->token_max;
    FLOE_ENSURE(token_max >= FLOE_CONTEXT_TOKENS_MIN && token_max <= FLOE_CONTEXT_TOKENS_MAX, err, FLOE_INVALID,
                "a context of %zu tokens; from %d to %d are possible", token_max, FLOE_CONTEXT_TOKENS_MIN,
                FLOE_CONTEXT_TOKENS_MAX);
    making run = {.search = search,
                  .request = request,
                  .arena = arena,
                  .packing = {.arena = arena, .token_max = token_max},
                  .pick_room = PICKS_MAX - FLOE_CONTEXT_BRIDGES};
    FLOE_TRY(floe_search_corpus(search, request->role, &run.corpus, err));
    run.packing.picks = floe_arena_alloc(arena, PICKS_MAX, sizeof(floe_pick));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(find_questions(&run, err));
    FLOE_TRY(pick_tables(&run, err));
    pick_of_questions(&run);
    sort_picks(&run);
    run.pick_room = PICKS_MAX;
    pick_bridges(&run);
    FLOE_TRY(score_columns(&run, err));
    FLOE_TRY(find_features(&run, err));
    FLOE_TRY(find_joins(&run, err));
    return pack(&run, ret_context, err);
}
