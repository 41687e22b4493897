/*
 * Ranking tables.
 *
 * Phases: each field's BM25 → columns rolled up to their tables (sum of the best three) → a weighted sum of the signals,
 * each 1 at its best → namespaces: tables of one that matches well gain → a greedy pass that picks one table after the
 * other and favours those that a foreign key links to one already picked, and those that match words of the question which
 * the picked ones match less. What of a namespace counts differs between the first pick and later ones: weights_int.h.
 *
 * Invariants: the shares of a table sum to its score; scores never rise down the list (a table that the greedy pass lifts
 * past its predecessor's score is scaled down to it); an exact name comes before everything else.
 * Source: greedy join-aware selection as published for schema retrieval (one bonus for a declared link to a picked table).
 */
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

/* ---- evidence ---- */

/* Keeps the best scores of a table's columns in descending order. */
static void keep_best(double *best, double score) {
    for (size_t i = 0; i < FLOE_TOP_COLUMNS; i++) {
        if (score > best[i]) {
            double pushed = best[i];
            best[i] = score;
            score = pushed;
        }
    }
}

static void roll_up_columns(floe_ranker *ranker) {
    const floe_scores *columns = &ranker->fields[FLOE_FIELD_COLUMN];
    for (size_t i = 0; i < columns->count; i++) {
        uint32_t column = columns->touched[i];
        uint32_t table = ranker->glances.columns[column].table;
        keep_best(ranker->best_columns + (size_t)table * FLOE_TOP_COLUMNS, columns->of[column]);
        floe_scores_add(&ranker->columns, table, 1); /* only to note the table */
    }
    for (size_t i = 0; i < ranker->columns.count; i++) {
        uint32_t table = ranker->columns.touched[i];
        double *best = ranker->best_columns + (size_t)table * FLOE_TOP_COLUMNS;
        ranker->columns.of[table] = best[0] + best[1] + best[2];
        best[0] = best[1] = best[2] = 0;
    }
    floe_scores_normalise(&ranker->columns);
}

/* The best column of each table, by one field of columns. */
static void roll_up_best(const floe_ranker *ranker, floe_field_id field, floe_scores *tables) {
    const floe_scores *columns = &ranker->fields[field];
    for (size_t i = 0; i < columns->count; i++) {
        uint32_t column = columns->touched[i];
        uint32_t table = ranker->glances.columns[column].table;
        if (columns->of[column] > tables->of[table]) {
            floe_scores_add(tables, table, columns->of[column] - tables->of[table]);
        }
    }
    floe_scores_normalise(tables);
}

typedef struct table_signal {
    floe_signal signal;
    const floe_scores *scores;
    double weight;
} table_signal;

#define TABLE_SIGNALS 11

static void list_signals(const floe_ranker *ranker, table_signal signals[TABLE_SIGNALS]) {
    const floe_weights *by = &ranker->weights;
    const table_signal all[TABLE_SIGNALS] = {
        {FLOE_SIGNAL_NAMES, &ranker->fields[FLOE_FIELD_TABLE], by->table_names},
        {FLOE_SIGNAL_COLUMNS, &ranker->columns, by->table_columns},
        {FLOE_SIGNAL_DESCRIPTION, &ranker->fields[FLOE_FIELD_TABLE_TEXT], by->table_description},
        {FLOE_SIGNAL_COLUMN_TEXT, &ranker->column_text, by->table_column_text},
        {FLOE_SIGNAL_VALUES, &ranker->values, by->table_values},
        {FLOE_SIGNAL_MEANING, &ranker->dense_tables, by->table_dense},
        {FLOE_SIGNAL_COLUMN_MEANING, &ranker->dense_by_columns, by->table_dense_columns},
        {FLOE_SIGNAL_SIMILAR_WORDS, &ranker->soft_words, by->table_soft_words},
        {FLOE_SIGNAL_SIMILAR_PHRASES, &ranker->soft_phrases, by->table_soft_phrases},
        {FLOE_SIGNAL_VERIFIED, &ranker->verified, by->table_verified},
        {FLOE_SIGNAL_FEATURES, &ranker->lineage, by->table_features},
    };
    memcpy(signals, all, sizeof(all));
}

/* Whether tables of more than one namespace are asked: of a single one, nothing that is said of it tells its tables apart. */
static bool has_spaces(const floe_ranker *ranker, const floe_question *question) {
    const floe_field *tables = &ranker->corpus->fields[FLOE_FIELD_TABLE];
    size_t count = 0;
    for (size_t i = 0; i < question->scope_count && count < 2; i++) {
        count += question->asked[i] && tables->scope_documents[i] > 0 ? 1 : 0;
    }
    return count > 1;
}

/* The same of groups: a namespace may have several. */
static bool has_groups(const floe_ranker *ranker, const floe_question *question) {
    uint32_t first = UINT32_MAX;
    for (size_t i = 0; i < ranker->corpus->table_count; i++) {
        const floe_table_entry *table = &ranker->corpus->tables[i];
        if (question->asked[table->scope] && first != UINT32_MAX && table->group != first) {
            return true;
        }
        first = question->asked[table->scope] ? table->group : first;
    }
    return false;
}

static double space_share(const floe_ranker *ranker, uint32_t scope) {
    bool known = ranker->has_spaces && ranker->dense_spaces.of;
    return known ? ranker->weights.table_space * ranker->dense_spaces.of[scope] : 0;
}

/* Whether the question has a word that the copy has and its original has not. */
static bool is_meant(const floe_ranker *ranker, const floe_question *question, uint32_t copy) {
    const floe_field *field = &ranker->corpus->fields[FLOE_FIELD_TABLE];
    uint32_t original = ranker->corpus->tables[copy].original;
    for (size_t i = 0; i < question->term_count; i++) {
        uint32_t term = question->terms[i].number;
        if (floe_field_posting(field, term, copy) && !floe_field_posting(field, term, original)) {
            return true;
        }
    }
    return false;
}

/* What is left of a table's score: a copy that is not meant stands back. */
static double copy_share(const floe_ranker *ranker, const floe_question *question, uint32_t table) {
    bool copy = ranker->glances.tables[table].original != table;
    return copy && !is_meant(ranker, question, table) ? FLOE_COPY_SHARE : 1;
}

static void fuse(floe_ranker *ranker, const floe_question *question) {
    table_signal signals[TABLE_SIGNALS];
    floe_scores *fused = &ranker->fused;
    list_signals(ranker, signals);
    for (size_t i = 0; i < TABLE_SIGNALS; i++) {
        const floe_scores *scores = signals[i].scores;
        for (size_t j = 0; j < scores->count; j++) {
            floe_scores_add(fused, scores->touched[j], signals[i].weight * scores->of[scores->touched[j]]);
        }
    }
    for (size_t i = 0; i < fused->count; i++) {
        fused->of[fused->touched[i]] += space_share(ranker, ranker->glances.tables[fused->touched[i]].scope);
        fused->of[fused->touched[i]] *= copy_share(ranker, question, fused->touched[i]);
    }
    ranker->fused_scale = floe_scores_normalise(fused);
}

/* By how many the best of a group are averaged: a small namespace has no more to say for itself, but a table that stands alone in
 * a large one is not much worse for that than one among others whose names begin alike. */
static double coherence_tables(const floe_corpus *corpus, uint32_t group) {
    const floe_table_group *of = &corpus->groups[group];
    return of->is_part && of->tables < FLOE_COHERENCE_TABLES ? FLOE_COHERENCE_ALONE : FLOE_COHERENCE_TABLES;
}

/* The mean of the best tables of each namespace, where what matched nothing counts as nothing, and the best one. */
static void weigh_spaces(floe_ranker *ranker) {
    const floe_scores *fused = &ranker->fused;
    for (size_t i = 0; i < fused->count; i++) {
        uint32_t table = fused->touched[i];
        uint32_t group = ranker->glances.tables[table].group;
        keep_best(ranker->space_best + (size_t)group * FLOE_COHERENCE_TABLES, fused->of[table]);
    }
    for (size_t i = 0; i < ranker->corpus->group_count; i++) {
        double *best = ranker->space_best + i * FLOE_COHERENCE_TABLES;
        double mean = (best[0] + best[1] + best[2]) / coherence_tables(ranker->corpus, (uint32_t)i);
        ranker->spaces[i] = ranker->has_groups ? ranker->weights.coherence * mean : 0;
        ranker->best_spaces[i] = ranker->has_groups ? ranker->weights.coherence_best * best[0] : 0;
        best[0] = best[1] = best[2] = 0;
    }
}

static void cohere(floe_ranker *ranker) {
    const floe_scores *fused = &ranker->fused;
    weigh_spaces(ranker);
    ranker->first_scale = 0;
    for (size_t i = 0; i < fused->count; i++) {
        uint32_t table = fused->touched[i];
        uint32_t group = ranker->glances.tables[table].group;
        double first = fused->of[table] + ranker->spaces[group];
        floe_scores_add(&ranker->tables, table, fused->of[table] + ranker->best_spaces[group]);
        ranker->first_scale = first > ranker->first_scale ? first : ranker->first_scale;
    }
    ranker->later_scale = floe_scores_normalise(&ranker->tables);
}

void floe_rank_lexical(floe_ranker *ranker, const floe_question *question) {
    for (int i = 0; i <= FLOE_FIELD_VALUES; i++) {
        floe_field_score(&ranker->corpus->fields[i], question, &ranker->fields[i]);
    }
    roll_up_columns(ranker);
    roll_up_best(ranker, FLOE_FIELD_COLUMN_TEXT, &ranker->column_text);
    roll_up_best(ranker, FLOE_FIELD_VALUES, &ranker->values);
    for (int i = 0; i <= FLOE_FIELD_VALUES; i++) {
        floe_scores_normalise(&ranker->fields[i]);
    }
}

/* Words that no name has, but descriptions: what signals of names would have weighed for them is theirs. So a catalog in another
 * language than its names, or of names that say nothing (VBELN), is searched by what is said of it, and where names have all
 * words everything is as it was. */
static void weigh_prose(floe_ranker *ranker, const floe_question *question) {
    const floe_field *fields = ranker->corpus->fields;
    floe_weights *by = &ranker->weights;
    double of_tables = 0;
    double of_columns = 0;
    double at_all = 0; /* in descriptions of columns, whatever those of tables have */
    for (size_t i = 0; i < question->term_count; i++) {
        const floe_term *term = &question->terms[i];
        if (floe_field_idf(&fields[FLOE_FIELD_TABLE], question, term->number) > 0) {
            continue;
        }
        bool in_tables = floe_field_idf(&fields[FLOE_FIELD_TABLE_TEXT], question, term->number) > 0;
        bool in_columns = floe_field_idf(&fields[FLOE_FIELD_COLUMN_TEXT], question, term->number) > 0;
        of_tables += in_tables ? term->weight / question->weight : 0;
        of_columns += in_columns && !in_tables ? term->weight / question->weight : 0;
        at_all += in_columns ? term->weight / question->weight : 0;
    }
    double names = by->table_names + by->table_columns + by->table_soft_words + by->table_soft_phrases;
    by->table_description += by->table_description > 0 ? names * of_tables : 0;
    by->table_column_text += by->table_column_text > 0 ? names * of_columns : 0;
    by->column_description += (by->column_names + by->column_soft) * at_all;
}

floe_status floe_rank_prepare(floe_ranker *ranker, const floe_question *question, floe_hit_kind kind, floe_error *err) {
    FLOE_TRY(floe_rank_meaning(ranker, question, kind, err));
    floe_rank_lineage(ranker, question);
    weigh_prose(ranker, question);
    ranker->has_spaces = has_spaces(ranker, question);
    ranker->has_groups = has_groups(ranker, question);
    fuse(ranker, question);
    cohere(ranker);
    return FLOE_OK;
}

/* ---- picking ---- */

typedef struct candidate {
    uint32_t table;
    floe_exactness exact;
    bool picked;
    uint32_t linked;    /* UINT32_MAX: to none */
    bool inferred;      /* the link is no declared key */
    double stands;      /* what is left of it beside a picked table that it is a copy of, or the same one of */
    double first, base; /* as the first pick, as a later one */
} candidate;

/* What of the question is to be covered: its terms, or with vectors its words, which similar words cover in part. */
typedef struct aspects {
    size_t count;
    double weights[FLOE_QUESTION_TERMS_MAX];
    double weight; /* of all */
} aspects;

typedef struct greedy {
    floe_ranker *ranker;
    const floe_question *question;
    candidate *candidates;
    size_t candidate_count;
    aspects asked;
    double *matches; /* by candidate and aspect */
    double *matched; /* by aspect: the best of the picked tables */
    double last;     /* score of the pick before */
    double best;     /* of the first pick */
} greedy;

static floe_exactness exactness_of(const floe_ranker *ranker, const floe_question *question, uint32_t table) {
    const floe_table_entry *entry = &ranker->corpus->tables[table];
    if (!floe_table_may_be_named(&ranker->glances, question, table)) {
        return FLOE_EXACT_NO;
    }
    if (!floe_question_names(question, entry->name_hash) && !floe_question_names(question, entry->full_hash)) {
        return FLOE_EXACT_NO;
    }
    const floe_str parts[] = {entry->database, entry->name};
    return floe_question_spells(question, parts, 2) ? FLOE_EXACT_LETTERS : FLOE_EXACT_WORDS;
}

/* How well the table's own document matches a term, 0…1. */
static double match(const floe_ranker *ranker, uint32_t table, uint32_t term) {
    const floe_posting *posting = floe_field_posting(&ranker->corpus->fields[FLOE_FIELD_TABLE], term, table);
    return posting ? (double)posting->weight / ((double)posting->weight + FLOE_COVERAGE_HALF) : 0;
}

static double first_score(const floe_ranker *ranker, uint32_t table) {
    double fused = ranker->fused.of[table];
    return fused > 0 ? (fused + ranker->spaces[ranker->corpus->tables[table].group]) / ranker->first_scale : 0;
}

static void add_candidate(greedy *state, uint32_t table) {
    for (size_t i = 0; i < state->candidate_count; i++) {
        if (state->candidates[i].table == table) {
            return;
        }
    }
    const floe_ranker *ranker = state->ranker;
    double *matches = state->matches + state->candidate_count * state->asked.count;
    for (size_t i = 0; i < state->asked.count; i++) {
        matches[i] = ranker->meaning ? (double)ranker->word_matches[i * ranker->corpus->table_count + table]
                                     : match(ranker, table, state->question->terms[i].number);
    }
    state->candidates[state->candidate_count++] = (candidate){.table = table,
                                                              .exact = exactness_of(ranker, state->question, table),
                                                              .linked = UINT32_MAX,
                                                              .stands = 1,
                                                              .first = first_score(ranker, table),
                                                              .base = ranker->tables.of[table]};
}

/* Neighbours beyond this many are not looked at: a hub that everything refers to says little. */
#define NEIGHBOURS_MAX 64

static size_t neighbour_count(const floe_table_entry *table) {
    return table->neighbour_count < NEIGHBOURS_MAX ? table->neighbour_count : NEIGHBOURS_MAX;
}

static void add_candidates(greedy *state, const floe_ranked *order, size_t order_count) {
    for (size_t i = 0; i < order_count && i < FLOE_GREEDY_POOL; i++) {
        add_candidate(state, order[i].entry);
    }
    for (size_t i = 0; i < order_count && i < FLOE_GREEDY_FRONT; i++) {
        const floe_table_entry *table = &state->ranker->corpus->tables[order[i].entry];
        for (size_t j = 0; j < neighbour_count(table); j++) {
            add_candidate(state, table->neighbours[j]);
        }
    }
}

/* The weighted share of the question that the candidate matches better than the tables picked so far. */
static double coverage(const greedy *state, size_t at) {
    const aspects *asked = &state->asked;
    const double *matches = state->matches + at * asked->count;
    double gain = 0;
    for (size_t i = 0; i < asked->count; i++) {
        gain += matches[i] > state->matched[i] ? asked->weights[i] * (matches[i] - state->matched[i]) : 0;
    }
    return asked->weight > 0 ? state->ranker->weights.coverage * gain / asked->weight : 0;
}

/* What a key to a table picked before is worth. */
static double join_share(const greedy *state, const candidate *one) {
    const floe_weights *by = &state->ranker->weights;
    return one->linked == UINT32_MAX ? 0 : one->inferred ? by->join_inferred : by->join;
}

static double value(const greedy *state, size_t at) {
    const candidate *one = &state->candidates[at];
    return one->stands * (state->best > 0 ? one->base : one->first) + coverage(state, at) + join_share(state, one) +
           FLOE_WEIGHT_EXACT * (double)one->exact;
}

/* The shares of what a table had before the greedy pass, as the first pick or as a later one. */
static void set_base_shares(const greedy *state, uint32_t table, double stands, floe_found *found) {
    const floe_ranker *ranker = state->ranker;
    bool first = state->best <= 0;
    table_signal signals[TABLE_SIGNALS];
    list_signals(ranker, signals);
    if (ranker->tables.of[table] <= 0) {
        return;
    }
    uint32_t scope = ranker->corpus->tables[table].scope;
    uint32_t group = ranker->corpus->tables[table].group;
    double copied = copy_share(ranker, state->question, table);
    double scale = (first ? ranker->first_scale : ranker->later_scale) / stands;
    for (size_t i = 0; i < TABLE_SIGNALS; i++) {
        double score = signals[i].scores->of ? signals[i].scores->of[table] : 0;
        found->shares[signals[i].signal] = signals[i].weight * score * copied / ranker->fused_scale / scale;
    }
    double coherence = first ? ranker->spaces[group] : ranker->best_spaces[group];
    found->shares[FLOE_SIGNAL_NAMESPACE] =
        (space_share(ranker, scope) * copied / ranker->fused_scale + coherence) / scale;
}

/* Scales the shares so that the first table has 1 and no later one more than the one before it. */
static void set_score(greedy *state, floe_found *found) {
    double total = 0;
    for (size_t i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        total += found->shares[i];
    }
    if (state->best == 0) {
        state->best = state->last = total;
    }
    double held = total < state->last ? total : state->last;
    double scale = total > 0 ? held / total / state->best : 0;
    found->score = 0;
    for (size_t i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        found->shares[i] *= scale;
        found->score += found->shares[i];
    }
    state->last = held;
}

/* Links a candidate to the table just picked. The first table that links it counts, but a declared key before an inferred. */
static void link_to(const greedy *state, uint32_t picked, candidate *one) {
    const floe_table_entry *tables = state->ranker->corpus->tables;
    bool hub = tables[picked].neighbour_count > tables[one->table].neighbour_count; /* Links go both ways. */
    const floe_table_entry *table = &tables[hub ? one->table : picked];
    uint32_t other = hub ? picked : one->table;
    for (size_t i = 0; i < table->neighbour_count; i++) {
        bool inferred = i >= table->declared_count;
        if (table->neighbours[i] == other && (one->linked == UINT32_MAX || (one->inferred && !inferred))) {
            one->linked = picked;
            one->inferred = inferred;
        }
    }
}

/* Of copies of one table, and the table, one is enough for now. */
static void stand_back(const greedy *state, uint32_t picked, candidate *one) {
    const floe_ranker *ranker = state->ranker;
    const floe_table_entry *tables = ranker->corpus->tables;
    bool same = tables[picked].original == tables[one->table].original;
    if (same && copy_share(ranker, state->question, one->table) < 1) {
        one->stands = FLOE_COPY_SHARE;
    }
}

static void pick(greedy *state, size_t at, floe_found *found) {
    candidate *one = &state->candidates[at];
    *found = (floe_found){.kind = FLOE_HIT_TABLE, .entry = one->table, .linked = one->linked};
    set_base_shares(state, one->table, one->stands, found);
    found->shares[FLOE_SIGNAL_EXACT] = one->exact != FLOE_EXACT_NO ? FLOE_WEIGHT_EXACT : 0;
    found->shares[one->inferred ? FLOE_SIGNAL_INFERRED : FLOE_SIGNAL_JOIN] = join_share(state, one);
    found->shares[FLOE_SIGNAL_COVERAGE] = coverage(state, at);
    set_score(state, found);
    one->picked = true;
    const double *matches = state->matches + at * state->asked.count;
    for (size_t i = 0; i < state->asked.count; i++) {
        state->matched[i] = matches[i] > state->matched[i] ? matches[i] : state->matched[i];
    }
    for (size_t i = 0; i < state->candidate_count; i++) {
        link_to(state, one->table, &state->candidates[i]);
        stand_back(state, one->table, &state->candidates[i]);
    }
}

/* The best candidate that is left, ties by the smaller number; SIZE_MAX when none is. */
static size_t best_left(const greedy *state) {
    size_t best = SIZE_MAX;
    double best_value = 0;
    for (size_t i = 0; i < state->candidate_count; i++) {
        if (state->candidates[i].picked) {
            continue;
        }
        double own = value(state, i);
        bool tie = best != SIZE_MAX && own == best_value && state->candidates[i].table < state->candidates[best].table;
        if (best == SIZE_MAX || own > best_value || tie) {
            best = i;
            best_value = own;
        }
    }
    return best;
}

static bool is_candidate(const greedy *state, uint32_t table) {
    for (size_t i = 0; i < state->candidate_count; i++) {
        if (state->candidates[i].table == table) {
            return true;
        }
    }
    return false;
}

typedef struct ranking {
    const floe_ranked *order;
    size_t order_count, limit, count;
    floe_found *found;
} ranking;

/* What the pool had no room for follows in the order of its base: the exact names, or the others. */
static void append_rest(greedy *state, ranking *run, bool exact) {
    for (size_t i = 0; i < run->order_count && run->count < run->limit; i++) {
        uint32_t table = run->order[i].entry;
        bool named = exactness_of(state->ranker, state->question, table) != FLOE_EXACT_NO;
        if (named == exact && !is_candidate(state, table)) {
            floe_found *found = &run->found[run->count++];
            *found = (floe_found){.kind = FLOE_HIT_TABLE, .entry = table, .linked = UINT32_MAX};
            set_base_shares(state, table, 1, found);
            found->shares[FLOE_SIGNAL_EXACT] = exact ? FLOE_WEIGHT_EXACT : 0;
            set_score(state, found);
        }
    }
}

/* Exact names come first, also those that the pool had no room for. */
static void pick_all(greedy *state, ranking *run) {
    bool exact = true;
    for (size_t at = best_left(state); at != SIZE_MAX && run->count < run->limit; at = best_left(state)) {
        if (exact && state->candidates[at].exact == FLOE_EXACT_NO) {
            append_rest(state, run, true);
            exact = false;
        }
        if (run->count < run->limit) {
            pick(state, at, &run->found[run->count++]);
        }
    }
    if (exact) {
        append_rest(state, run, true);
    }
    append_rest(state, run, false);
}

/* Exact names must be in the pool whatever else they match. Returns whether there are any. */
static bool lift_exact(floe_ranker *ranker, const floe_question *question, double lift) {
    bool any = false;
    for (size_t i = 0; i < ranker->tables.count; i++) {
        uint32_t table = ranker->tables.touched[i];
        floe_exactness exact = exactness_of(ranker, question, table);
        ranker->tables.of[table] += lift * (double)exact;
        any = any || exact != FLOE_EXACT_NO;
    }
    return any;
}

static floe_ranked *order_tables(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                                 size_t *ret_count) {
    size_t wanted = limit > FLOE_GREEDY_POOL ? limit : FLOE_GREEDY_POOL;
    floe_ranked *order = floe_arena_alloc(arena, wanted, sizeof(*order));
    *ret_count = 0;
    if (order) {
        bool lifted = lift_exact(ranker, question, FLOE_WEIGHT_EXACT);
        *ret_count = floe_rank_best(&ranker->tables, order, wanted);
        if (lifted) {
            (void)lift_exact(ranker, question, -FLOE_WEIGHT_EXACT);
        }
    }
    return order;
}

static aspects aspects_of(const floe_ranker *ranker, const floe_question *question) {
    aspects asked = {.count = ranker->meaning ? question->meaning->word_count : question->term_count};
    for (size_t i = 0; i < asked.count; i++) {
        asked.weights[i] = ranker->meaning ? ranker->word_weights[i] : question->terms[i].weight;
        asked.weight += asked.weights[i];
    }
    return asked;
}

size_t floe_rank_tables(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                        floe_found *found) {
    const size_t room = FLOE_GREEDY_POOL + FLOE_GREEDY_FRONT * NEIGHBOURS_MAX;
    size_t order_count = 0;
    const floe_ranked *order = order_tables(ranker, question, limit, arena, &order_count);
    greedy state = {.ranker = ranker,
                    .question = question,
                    .candidates = floe_arena_alloc(arena, room, sizeof(candidate)),
                    .asked = aspects_of(ranker, question)};
    state.matches = floe_arena_alloc(arena, room * (state.asked.count + 1), sizeof(double));
    state.matched = floe_arena_alloc(arena, state.asked.count + 1, sizeof(double));
    if (arena->overflow) {
        return 0;
    }
    add_candidates(&state, order, order_count);
    ranking run = {.order = order, .order_count = order_count, .limit = limit, .found = found};
    pick_all(&state, &run);
    return run.count;
}
