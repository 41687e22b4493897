/*
 * The ranker's scratch, and the ranking of columns and of features: a weighted sum of signals, each 1 at its best, exact
 * names first, the best entry scaled to 1.
 */
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

/* Entries whose scores are worth a second thread. */
#define SHARED_ENTRIES 8192

static void init_meaning(floe_ranker *ranker, size_t largest, floe_arena *arena) {
    const floe_corpus *corpus = ranker->corpus;
    floe_scores *const by_table[] = {&ranker->dense_tables, &ranker->dense_by_columns, &ranker->soft_words,
                                     &ranker->soft_phrases};
    for (size_t i = 0; i < sizeof(by_table) / sizeof(by_table[0]); i++) {
        floe_scores_init(by_table[i], corpus->table_count, arena);
    }
    floe_scores_init(&ranker->dense_columns, corpus->column_count, arena);
    floe_scores_init(&ranker->soft_columns, corpus->column_count, arena);
    floe_scores_init(&ranker->dense_features, corpus->feature_count, arena);
    floe_scores_init(&ranker->soft_features, corpus->feature_count, arena);
    floe_scores_init(&ranker->soft_best, largest, arena);
    floe_scores_init(&ranker->dense_spaces, corpus->scope_count, arena);
    ranker->word_matches =
        floe_arena_alloc(arena, FLOE_ASKED_WORDS_MAX * corpus->table_count + 1, sizeof(*ranker->word_matches));
    ranker->word_weights = floe_arena_alloc(arena, FLOE_ASKED_WORDS_MAX, sizeof(*ranker->word_weights));
}

void floe_ranker_init(floe_ranker *ranker, floe_corpus *corpus, floe_meaning *meaning, floe_arena *arena) {
    size_t entries = corpus->column_count > corpus->feature_count ? corpus->column_count : corpus->feature_count;
    size_t parents = corpus->table_count > corpus->feature_count ? corpus->table_count : corpus->feature_count;
    *ranker = (floe_ranker){
        .corpus = corpus, .meaning = meaning, .weights = meaning ? floe_weights_hybrid : floe_weights_lexical};
    if (meaning) {
        init_meaning(ranker, entries > parents ? entries : parents, arena);
    }
    for (size_t i = 0; i < FLOE_FIELD_COUNT; i++) {
        floe_scores_init(&ranker->fields[i], corpus->fields[i].document_count, arena);
    }
    floe_scores_init(&ranker->columns, corpus->table_count, arena);
    floe_scores_init(&ranker->column_text, corpus->table_count, arena);
    floe_scores_init(&ranker->values, corpus->table_count, arena);
    floe_scores_init(&ranker->verified, corpus->table_count, arena);
    floe_scores_init(&ranker->lineage, corpus->table_count, arena);
    floe_scores_init(&ranker->fused, corpus->table_count, arena);
    floe_scores_init(&ranker->tables, corpus->table_count, arena);
    floe_scores_init(&ranker->feature_scores, corpus->feature_count, arena);
    ranker->entry_words = entries / 64 + 1;
    ranker->entry_marks = floe_arena_alloc(arena, ranker->entry_words, sizeof(uint64_t));
    floe_glances_init(&ranker->glances, corpus, arena);
    ranker->repeats = floe_arena_alloc(arena, parents + 1, sizeof(uint32_t));
    ranker->best_columns = floe_arena_alloc(arena, corpus->table_count * FLOE_TOP_COLUMNS + 1, sizeof(double));
    ranker->spaces = floe_arena_alloc(arena, corpus->group_count + 1, sizeof(double));
    ranker->best_spaces = floe_arena_alloc(arena, corpus->group_count + 1, sizeof(double));
    ranker->space_best =
        floe_arena_alloc(arena, (size_t)corpus->group_count * FLOE_COHERENCE_TABLES + 1, sizeof(double));
}

void floe_ranker_clear(floe_ranker *ranker) {
    for (size_t i = 0; i < FLOE_FIELD_COUNT; i++) {
        floe_scores_clear(&ranker->fields[i]);
    }
    floe_scores_clear(&ranker->columns);
    floe_scores_clear(&ranker->column_text);
    floe_scores_clear(&ranker->values);
    floe_scores_clear(&ranker->verified);
    floe_scores_clear(&ranker->lineage);
    floe_scores_clear(&ranker->fused);
    floe_scores_clear(&ranker->tables);
    floe_scores_clear(&ranker->feature_scores);
    floe_scores *const of_meaning[] = {&ranker->dense_tables,     &ranker->dense_columns, &ranker->dense_features,
                                       &ranker->dense_by_columns, &ranker->soft_words,    &ranker->soft_phrases,
                                       &ranker->soft_columns,     &ranker->soft_features, &ranker->soft_best,
                                       &ranker->dense_spaces};
    for (size_t i = 0; i < sizeof(of_meaning) / sizeof(of_meaning[0]); i++) {
        floe_scores_clear(of_meaning[i]);
    }
}

/* One signal of an entry: the entry's own document in a field, or its table's fused score. */
typedef struct entry_signal {
    floe_signal signal;
    const floe_scores *scores;
    bool of_table;
    double weight;
} entry_signal;

typedef struct entry_ranking {
    floe_ranker *ranker;
    const floe_question *question;
    floe_hit_kind kind;
    const entry_signal *signals;
    size_t signal_count;
} entry_ranking;

static floe_exactness exactness_of_feature(const entry_ranking *run, uint32_t at) {
    const floe_feature_entry *feature = &run->ranker->corpus->features[at];
    if (!floe_question_names(run->question, feature->name_hash) &&
        !floe_question_names(run->question, feature->full_hash)) {
        return FLOE_EXACT_NO;
    }
    const char *colon = memrchr(feature->name.ptr, ':', feature->name.len);
    size_t from = colon ? (size_t)(colon - feature->name.ptr) + 1 : 0;
    const floe_str names[] = {feature->name, {feature->name.ptr + from, feature->name.len - from}};
    bool letters =
        floe_question_spells(run->question, &names[0], 1) || floe_question_spells(run->question, &names[1], 1);
    return letters ? FLOE_EXACT_LETTERS : FLOE_EXACT_WORDS;
}

static floe_exactness exactness_of(const entry_ranking *run, uint32_t at) {
    const floe_question *question = run->question;
    if (run->kind == FLOE_HIT_FEATURE) {
        return exactness_of_feature(run, at);
    }
    if (!floe_column_may_be_named(&run->ranker->glances, question, at)) {
        return FLOE_EXACT_NO;
    }
    const floe_column_entry *column = &run->ranker->corpus->columns[at];
    if (!floe_question_names(question, column->name_hash) && !floe_question_names(question, column->table_hash) &&
        !floe_question_names(question, column->full_hash)) {
        return FLOE_EXACT_NO;
    }
    const floe_table_entry *table = &run->ranker->corpus->tables[column->table];
    const floe_str parts[] = {table->database, table->name, column->name};
    return floe_question_spells(question, parts, 3) ? FLOE_EXACT_LETTERS : FLOE_EXACT_WORDS;
}

static double share(const entry_ranking *run, const entry_signal *signal, uint32_t at) {
    uint32_t document = signal->of_table ? run->ranker->glances.columns[at].table : at;
    return signal->scores->count > 0 ? signal->weight * signal->scores->of[document] : 0;
}

static void set_shares(const entry_ranking *run, floe_ranked ranked, double best, floe_found *found) {
    *found = (floe_found){.kind = run->kind, .entry = ranked.entry, .linked = UINT32_MAX};
    for (size_t i = 0; i < run->signal_count; i++) {
        found->shares[run->signals[i].signal] = share(run, &run->signals[i], ranked.entry) / best;
    }
    found->shares[FLOE_SIGNAL_EXACT] = exactness_of(run, ranked.entry) != FLOE_EXACT_NO ? FLOE_WEIGHT_EXACT / best : 0;
    for (size_t i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        found->score += found->shares[i];
    }
}

/* No later one has more than the one before it: what is spelt out comes first whatever else another one matches. */
static void hold(double last, floe_found *found) {
    double scale = found->score > last ? last / found->score : 1;
    for (size_t i = 0; scale < 1 && i < FLOE_SIGNAL_COUNT; i++) {
        found->shares[i] *= scale;
    }
    found->score = scale < 1 ? last : found->score;
}

/* Returns how many are marked, those of several signals once for each. */
static size_t mark_entries(const entry_ranking *run) {
    uint64_t *marks = run->ranker->entry_marks;
    size_t count = 0;
    for (size_t i = 0; i < run->signal_count; i++) {
        const floe_scores *scores = run->signals[i].scores;
        for (size_t j = 0; !run->signals[i].of_table && j < scores->count; j++, count++) {
            marks[scores->touched[j] / 64] |= UINT64_C(1) << scores->touched[j] % 64;
        }
    }
    return count;
}

/* An entry is ranked when a document of its own matches; its table alone does not make it a hit. */
static void offer_entry(const entry_ranking *run, uint32_t at, floe_best *best) {
    double score = 0;
    for (size_t i = 0; i < run->signal_count; i++) {
        score += run->signals[i].of_table ? 0 : share(run, &run->signals[i], at);
    }
    if (score <= 0) {
        return;
    }
    for (size_t i = 0; i < run->signal_count; i++) {
        score += run->signals[i].of_table ? share(run, &run->signals[i], at) : 0;
    }
    score += FLOE_WEIGHT_EXACT * (double)exactness_of(run, at);
    floe_best_offer(best, (floe_ranked){at, score});
}

/* The marks from word `from` to before `to`. */
typedef struct fusing {
    const entry_ranking *run;
    size_t from, to;
    floe_best best;
} fusing;

/* In the order of the entries, whatever the order in which signals found them: the scores of so many lie in more memory than the
 * caches hold, and are read from its one end to the other. Leaves no mark. */
static void fuse(void *context) {
    fusing *job = context;
    uint64_t *marks = job->run->ranker->entry_marks;
    for (size_t word = job->from; word < job->to; word++) {
        for (; marks[word] != 0; marks[word] &= marks[word] - 1) {
            offer_entry(job->run, (uint32_t)(word * 64 + (size_t)__builtin_ctzll(marks[word])), &job->best);
        }
    }
}

/* Of many the second thread fuses half; the best of both halves are the same however they are shared out. */
static floe_best fuse_entries(const entry_ranking *run, size_t limit, floe_arena *arena) {
    floe_ranker *ranker = run->ranker;
    size_t marked = mark_entries(run);
    size_t half = ranker->meaning && marked >= SHARED_ENTRIES ? ranker->entry_words / 2 : 0;
    fusing mine = {run, half, ranker->entry_words, {floe_arena_alloc(arena, limit, sizeof(floe_ranked)), 0, limit}};
    fusing other = {run, 0, half, {floe_arena_alloc(arena, half > 0 ? limit : 1, sizeof(floe_ranked)), 0, limit}};
    if (!mine.best.ranked || !other.best.ranked) {
        memset(ranker->entry_marks, 0, ranker->entry_words * sizeof(ranker->entry_marks[0]));
        return (floe_best){0};
    }
    floe_aside aside = {fuse, &other};
    if (half > 0) {
        floe_helper_set_aside(ranker->meaning->helper, &aside);
        fuse(&mine);
        floe_helper_settle(ranker->meaning->helper, &aside);
    } else {
        fuse(&mine);
    }
    for (size_t i = 0; i < other.best.count; i++) {
        floe_best_offer(&mine.best, other.best.ranked[i]);
    }
    floe_best_sort(&mine.best);
    return mine.best;
}

static size_t rank_entries(const entry_ranking *run, size_t limit, floe_arena *arena, floe_found *found) {
    floe_best chosen = fuse_entries(run, limit, arena);
    const floe_ranked *ranked = chosen.ranked;
    size_t count = chosen.count;
    /* Of letters that are exact the weight counts once in the score. */
    bool letters = count > 0 && exactness_of(run, ranked[0].entry) == FLOE_EXACT_LETTERS;
    double best = count > 0 ? ranked[0].score - (letters ? FLOE_WEIGHT_EXACT : 0) : 1;
    for (size_t i = 0; i < count; i++) {
        set_shares(run, ranked[i], best, &found[i]);
        hold(i == 0 ? 1 : found[i - 1].score, &found[i]);
    }
    return count;
}

size_t floe_rank_columns(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                         floe_found *found) {
    const floe_weights *by = &ranker->weights;
    const entry_signal signals[] = {
        {FLOE_SIGNAL_NAMES, &ranker->fields[FLOE_FIELD_COLUMN], false, by->column_names},
        {FLOE_SIGNAL_TABLE, &ranker->tables, true, by->column_table},
        {FLOE_SIGNAL_DESCRIPTION, &ranker->fields[FLOE_FIELD_COLUMN_TEXT], false, by->column_description},
        {FLOE_SIGNAL_VALUES, &ranker->fields[FLOE_FIELD_VALUES], false, by->column_values},
        {FLOE_SIGNAL_MEANING, &ranker->dense_columns, false, by->column_dense},
        {FLOE_SIGNAL_SIMILAR_WORDS, &ranker->soft_columns, false, by->column_soft},
    };
    entry_ranking run = {ranker, question, FLOE_HIT_COLUMN, signals, sizeof(signals) / sizeof(signals[0])};
    return rank_entries(&run, limit, arena, found);
}

size_t floe_rank_features(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                          floe_found *found) {
    floe_scores *names = &ranker->fields[FLOE_FIELD_FEATURE];
    floe_scores *text = &ranker->fields[FLOE_FIELD_FEATURE_TEXT];
    const entry_signal signals[] = {
        {FLOE_SIGNAL_NAMES, names, false, ranker->weights.feature_names},
        {FLOE_SIGNAL_DESCRIPTION, text, false, ranker->weights.feature_description},
        {FLOE_SIGNAL_MEANING, &ranker->dense_features, false, ranker->weights.feature_dense},
        {FLOE_SIGNAL_SIMILAR_WORDS, &ranker->soft_features, false, ranker->weights.feature_soft},
    };
    entry_ranking run = {ranker, question, FLOE_HIT_FEATURE, signals, sizeof(signals) / sizeof(signals[0])};
    floe_field_score(&ranker->corpus->fields[FLOE_FIELD_FEATURE], question, names);
    floe_field_score(&ranker->corpus->fields[FLOE_FIELD_FEATURE_TEXT], question, text);
    floe_scores_normalise(names);
    floe_scores_normalise(text);
    return rank_entries(&run, limit, arena, found);
}

/* ---- why ---- */

static bool table_has(const floe_corpus *corpus, uint32_t at, floe_field_id field, uint32_t term) {
    const floe_table_entry *table = &corpus->tables[at];
    if (field <= FLOE_FIELD_TABLE_TEXT) {
        return floe_field_posting(&corpus->fields[field], term, at) != NULL;
    }
    return floe_field_has_in_range(&corpus->fields[field], term, table->first_column,
                                   table->first_column + table->column_count);
}

/* FLOE_FIELD_COUNT: the signal is made of no field. */
static floe_field_id field_of_table(floe_signal signal) {
    switch (signal) {
    case FLOE_SIGNAL_NAMES:
    case FLOE_SIGNAL_COVERAGE:
        return FLOE_FIELD_TABLE;
    case FLOE_SIGNAL_COLUMNS:
        return FLOE_FIELD_COLUMN;
    case FLOE_SIGNAL_DESCRIPTION:
        return FLOE_FIELD_TABLE_TEXT;
    case FLOE_SIGNAL_COLUMN_TEXT:
        return FLOE_FIELD_COLUMN_TEXT;
    case FLOE_SIGNAL_VALUES:
        return FLOE_FIELD_VALUES;
    case FLOE_SIGNAL_EXACT:
    case FLOE_SIGNAL_TABLE:
    case FLOE_SIGNAL_MEANING:
    case FLOE_SIGNAL_COLUMN_MEANING:
    case FLOE_SIGNAL_SIMILAR_WORDS:
    case FLOE_SIGNAL_SIMILAR_PHRASES:
    case FLOE_SIGNAL_NAMESPACE:
    case FLOE_SIGNAL_JOIN:
    case FLOE_SIGNAL_INFERRED:
    case FLOE_SIGNAL_VERIFIED:
    case FLOE_SIGNAL_FEATURES:
    case FLOE_SIGNAL_COUNT:
    default:
        return FLOE_FIELD_COUNT;
    }
}

static floe_field_id field_of_entry(floe_hit_kind kind, floe_signal signal) {
    bool feature = kind == FLOE_HIT_FEATURE;
    switch ((int)signal) {
    case FLOE_SIGNAL_NAMES:
        return feature ? FLOE_FIELD_FEATURE : FLOE_FIELD_COLUMN;
    case FLOE_SIGNAL_DESCRIPTION:
        return feature ? FLOE_FIELD_FEATURE_TEXT : FLOE_FIELD_COLUMN_TEXT;
    case FLOE_SIGNAL_VALUES:
        return FLOE_FIELD_VALUES;
    default:
        return FLOE_FIELD_COUNT;
    }
}

bool floe_signal_has(const floe_corpus *corpus, const floe_found *found, floe_signal signal, uint32_t term) {
    if (found->kind == FLOE_HIT_TABLE && signal == FLOE_SIGNAL_FEATURES) {
        return found->shares[signal] > 0 && floe_lineage_has(corpus, found->entry, term);
    }
    if (found->kind == FLOE_HIT_TABLE) {
        floe_field_id field = field_of_table(signal);
        return field != FLOE_FIELD_COUNT && table_has(corpus, found->entry, field, term);
    }
    if (signal == FLOE_SIGNAL_TABLE) {
        return found->kind == FLOE_HIT_COLUMN &&
               table_has(corpus, corpus->columns[found->entry].table, FLOE_FIELD_TABLE, term);
    }
    floe_field_id field = field_of_entry(found->kind, signal);
    return field != FLOE_FIELD_COUNT && floe_field_posting(&corpus->fields[field], term, found->entry) != NULL;
}
