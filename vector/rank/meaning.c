/*
 * Scores by vectors: dense (documents near to the question) and soft lexical (words near to its words).
 *
 * A cosine by itself says little: all of a catalog's documents are somewhat near to any question. So the hundredth best is
 * taken as nothing, and what is above it counts.
 * Source: soft lexical matching has BM25's idf with sums of closeness in the place of counts.
 */
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>

/* ---- dense ---- */

typedef struct near_entry {
    uint32_t entry;
    double cosine;
} near_entry;

typedef struct near_list {
    near_entry *items;
    size_t count;
    size_t nearest_count; /* those behind the FLOE_DENSE_NEAR best hits */
} near_list;

static void near_list_free(near_list *list) {
    floe_free(list->items);
}

/* Entries in scope behind the hits, best first. */
static floe_status spread(const floe_meaning *meaning, floe_link_id link, const floe_ann_hit *hits, size_t count,
                          near_list *ret_list, floe_error *err) {
    const floe_links *links = &meaning->links[link];
    size_t room = 0;
    for (size_t i = 0; i < count; i++) {
        room += links->first[hits[i].slot + 1] - links->first[hits[i].slot];
    }
    FLOE_TRY(floe_alloc(room + 1, sizeof(near_entry), &ret_list->items, err));
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = links->first[hits[i].slot]; j < links->first[hits[i].slot + 1]; j++) {
            if (floe_meaning_is_asked(meaning, link, links->entries[j])) {
                ret_list->items[ret_list->count++] = (near_entry){links->entries[j], (double)hits[i].score};
            }
        }
        ret_list->nearest_count = i < FLOE_DENSE_NEAR ? ret_list->count : ret_list->nearest_count;
    }
    return FLOE_OK;
}

/* What is looked for. */
typedef struct near_query {
    floe_link_id link;
    size_t k;
    floe_helper *helper; /* NULL: by the calling thread alone */
} near_query;

static floe_status find_near(floe_meaning *meaning, const near_query *by, const floe_question *question,
                             near_list *ret_list, floe_error *err) {
    floe_link_id link = by->link;
    FLOE_AUTO_FREE floe_ann_hit *hits = NULL;
    size_t count = 0;
    floe_ann_query query = {.vector = question->meaning->vector,
                            .k = by->k,
                            .allowed = link == FLOE_LINK_COLUMN ? meaning->near_columns : meaning->masks[link],
                            .may_approximate = meaning->asks_all && !meaning->is_part,
                            .shelf = link == FLOE_LINK_TABLE && meaning->asks_all ? meaning->table_shelf : NULL,
                            .helper = by->helper};
    FLOE_TRY(floe_alloc(by->k, sizeof(*hits), &hits, err));
    FLOE_TRY(floe_ann_view_search(meaning->view, &query, hits, &count, err));
    return spread(meaning, link, hits, count, ret_list, err);
}

/* What counts as nothing. */
static double base_of(const near_list *list) {
    double base = list->count > FLOE_DENSE_RANK ? list->items[FLOE_DENSE_RANK - 1].cosine : FLOE_DENSE_FLOOR;
    return base > FLOE_DENSE_FLOOR ? base : FLOE_DENSE_FLOOR;
}

static void add_above(const near_list *list, floe_scores *scores) {
    double base = base_of(list);
    for (size_t i = 0; i < list->count && list->items[i].cosine > base; i++) {
        floe_scores_add(scores, list->items[i].entry, list->items[i].cosine - base);
    }
}

floe_status floe_meaning_score(floe_meaning *meaning, floe_link_id link, const floe_question *question,
                               floe_scores *scores, floe_error *err) {
    __attribute__((cleanup(near_list_free))) near_list list = {0};
    near_query by = {link, FLOE_DENSE_NEAR, NULL};
    FLOE_TRY(find_near(meaning, &by, question, &list, err));
    add_above(&list, scores);
    return FLOE_OK;
}

static int compare_near(const void *a, const void *b) {
    const near_entry *left = a;
    const near_entry *right = b;
    if (left->cosine != right->cosine) {
        return left->cosine > right->cosine ? -1 : 1;
    }
    return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* The best cosines of a table, summed; a column further away than those found counts as the furthest of them. */
static void average_columns(const floe_meaning *meaning, const near_list *columns, floe_scores *tables,
                            near_list *ret_means) {
    const floe_corpus *corpus = meaning->corpus;
    double furthest = columns->count > 0 ? columns->items[columns->count - 1].cosine : 0;
    uint8_t *taken = (uint8_t *)(ret_means->items + columns->count); /* behind the items, by table */
    for (size_t i = 0; i < columns->count; i++) {
        uint32_t table = corpus->columns[columns->items[i].entry].table;
        if (taken[table] < FLOE_TOP_COLUMNS) {
            if (taken[table]++ == 0) {
                ret_means->items[ret_means->count++].entry = table;
            }
            /* Cosines may be negative; one more keeps the sums positive. */
            floe_scores_add(tables, table, 1 + columns->items[i].cosine);
        }
    }
    for (size_t i = 0; i < ret_means->count; i++) {
        uint32_t table = ret_means->items[i].entry;
        double wanted = corpus->tables[table].column_count < FLOE_TOP_COLUMNS ? corpus->tables[table].column_count
                                                                              : FLOE_TOP_COLUMNS;
        double sum = tables->of[table] + (wanted - taken[table]) * (1 + furthest);
        ret_means->items[i].cosine = sum / wanted - 1;
    }
    floe_scores_clear(tables);
    qsort(ret_means->items, ret_means->count, sizeof(near_entry), compare_near);
}

floe_status floe_meaning_score_columns(floe_meaning *meaning, const floe_question *question, floe_scores *tables,
                                       floe_scores *single, floe_error *err) {
    __attribute__((cleanup(near_list_free))) near_list columns = {0};
    __attribute__((cleanup(near_list_free))) near_list means = {0};
    near_query by = {FLOE_LINK_COLUMN, FLOE_DENSE_COLUMNS, meaning->helper};
    FLOE_TRY(find_near(meaning, &by, question, &columns, err));
    size_t tail = meaning->corpus->table_count / sizeof(near_entry) + 1;
    FLOE_TRY(floe_alloc(columns.count + tail, sizeof(near_entry), &means.items, err));
    average_columns(meaning, &columns, tables, &means);
    add_above(&means, tables);
    if (single) {
        columns.count = columns.nearest_count;
        add_above(&columns, single);
    }
    return FLOE_OK;
}

/* The cosine of a question's vector with a namespace's; 0 of a scope without tables. */
static double space_cosine(const float *vector, const float *space, size_t dim) {
    double product = 0;
    double square = 0;
    for (size_t i = 0; i < dim; i++) {
        product += (double)vector[i] * (double)space[i];
        square += (double)space[i] * (double)space[i];
    }
    return square > 0 ? product / sqrt(square) : 0;
}

static int compare_descending(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left > right ? -1 : left < right;
}

floe_status floe_meaning_score_spaces(const floe_meaning *meaning, const floe_question *question, floe_scores *spaces,
                                      floe_error *err) {
    size_t count = 0;
    FLOE_AUTO_FREE double *cosines = NULL;
    FLOE_AUTO_FREE double *sorted = NULL;
    FLOE_TRY(floe_alloc(question->scope_count + 1, sizeof(double), &cosines, err));
    FLOE_TRY(floe_alloc(question->scope_count + 1, sizeof(double), &sorted, err));
    for (size_t i = 0; i < question->scope_count; i++) {
        const float *space = meaning->spaces + i * meaning->dim;
        cosines[i] = question->asked[i] ? space_cosine(question->meaning->vector, space, meaning->dim) : 0;
        if (cosines[i] > FLOE_DENSE_FLOOR) {
            sorted[count++] = cosines[i];
        }
    }
    qsort(sorted, count, sizeof(double), compare_descending);
    double base = count > FLOE_SPACE_RANK ? sorted[FLOE_SPACE_RANK - 1] : FLOE_DENSE_FLOOR;
    for (uint32_t i = 0; i < question->scope_count; i++) {
        if (cosines[i] > base) {
            floe_scores_add(spaces, i, cosines[i] - base);
        }
    }
    return FLOE_OK;
}

/* ---- soft lexical ---- */

static double count_entries(const floe_meaning *meaning, floe_link_id link) {
    return (double)meaning->asked_counts[link == FLOE_LINK_COLUMN_WORD    ? FLOE_LINK_COLUMN
                                         : link == FLOE_LINK_FEATURE_WORD ? FLOE_LINK_FEATURE
                                                                          : FLOE_LINK_TABLE];
}

/* The closeness of the nearest word of each entry. The nearest words come first, so the first one counts. */
static double spread_word(const floe_meaning *meaning, floe_link_id link, const floe_asked_word *word,
                          floe_scores *best) {
    const floe_links *links = &meaning->links[link];
    double sum = 0;
    for (size_t i = 0; i < word->near_count; i++) {
        uint32_t slot = word->near[i].slot;
        double closeness = (double)word->near[i].closeness;
        for (uint32_t j = links->first[slot]; j < links->first[slot + 1]; j++) {
            uint32_t entry = links->entries[j];
            double more = closeness - best->of[entry];
            if (more > 0 && floe_meaning_is_asked(meaning, link, entry)) {
                floe_scores_add(best, entry, more);
                sum += more;
            }
        }
    }
    return sum;
}

void floe_soft_score(const floe_meaning *meaning, floe_link_id link, const floe_question *question,
                     const floe_soft_out *out) {
    double entries = count_entries(meaning, link);
    for (size_t i = 0; i < question->meaning->word_count; i++) {
        double sum = spread_word(meaning, link, &question->meaning->words[i], out->best);
        double weight = log(1 + (entries - sum + 0.5) / (sum + 0.5));
        if (out->weights) {
            out->weights[i] = sum > 0 ? weight : 0;
        }
        for (size_t j = 0; j < out->best->count; j++) {
            uint32_t entry = out->best->touched[j];
            double closeness = out->best->of[entry];
            floe_scores_add(out->scores, entry, weight * closeness);
            if (out->matches) {
                out->matches[i * out->stride + entry] = (float)closeness;
            }
        }
        floe_scores_clear(out->best);
    }
}

/* ---- all of it ---- */

/* What the helper does while the documents of tables are looked through. */
typedef struct wording {
    floe_ranker *ranker;
    const floe_question *question;
    floe_hit_kind kind;
} wording;

static void score_words(void *context) {
    const wording *job = context;
    floe_ranker *ranker = job->ranker;
    const floe_question *question = job->question;
    floe_hit_kind kind = job->kind;
    size_t tables = ranker->corpus->table_count;
    memset(ranker->word_matches, 0, question->meaning->word_count * tables * sizeof(float));
    floe_soft_out words = {&ranker->soft_words, &ranker->soft_best, ranker->word_matches, tables, ranker->word_weights};
    floe_soft_out phrases = {.scores = &ranker->soft_phrases, .best = &ranker->soft_best};
    floe_soft_out columns = {.scores = &ranker->soft_columns, .best = &ranker->soft_best};
    floe_soft_out features = {.scores = &ranker->soft_features, .best = &ranker->soft_best};
    floe_soft_score(ranker->meaning, FLOE_LINK_TABLE_WORD, question, &words);
    floe_soft_score(ranker->meaning, FLOE_LINK_TABLE_PHRASE, question, &phrases);
    if (kind == FLOE_HIT_ANY || kind == FLOE_HIT_COLUMN) {
        floe_soft_score(ranker->meaning, FLOE_LINK_COLUMN_WORD, question, &columns);
    }
    if (kind == FLOE_HIT_ANY || kind == FLOE_HIT_FEATURE) {
        floe_soft_score(ranker->meaning, FLOE_LINK_FEATURE_WORD, question, &features);
    }
}

static void add_candidates(floe_scores *sum, const floe_scores *signal) {
    for (size_t i = 0; i < signal->count; i++) {
        floe_scores_add(sum, signal->touched[i], signal->of[signal->touched[i]]);
    }
}

static void allow_columns(floe_meaning *meaning, uint32_t table) {
    const floe_table_entry *entry = &meaning->corpus->tables[table];
    for (uint32_t i = entry->first_column; i < entry->first_column + entry->column_count; i++) {
        uint32_t slot = meaning->slot_of[FLOE_LINK_COLUMN][i];
        meaning->near_columns[slot / 64] |= UINT64_C(1) << slot % 64;
    }
}

/* Which columns are compared with the question: all that are asked, or those of the tables that are best so far. */
static void choose_columns(floe_ranker *ranker) {
    floe_meaning *meaning = ranker->meaning;
    size_t bytes = (meaning->slot_count / 64 + 1) * sizeof(uint64_t);
    if (ranker->corpus->column_count <= FLOE_DENSE_COLUMNS_ALL) {
        memcpy(meaning->near_columns, meaning->masks[FLOE_LINK_COLUMN], bytes);
        return;
    }
    floe_ranked best[FLOE_DENSE_COLUMNS_TABLES];
    const floe_scores *const signals[] = {&ranker->fields[FLOE_FIELD_TABLE], &ranker->columns, &ranker->dense_tables,
                                          &ranker->soft_words, &ranker->soft_phrases};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        add_candidates(&ranker->soft_best, signals[i]);
    }
    size_t count = floe_rank_best(&ranker->soft_best, best, FLOE_DENSE_COLUMNS_TABLES);
    floe_scores_clear(&ranker->soft_best);
    memset(meaning->near_columns, 0, bytes);
    for (size_t i = 0; i < count; i++) {
        allow_columns(meaning, best[i].entry);
    }
}

static floe_status score_documents(floe_ranker *ranker, const floe_question *question, floe_hit_kind kind,
                                   floe_error *err) {
    floe_meaning *meaning = ranker->meaning;
    choose_columns(ranker);
    floe_scores *single = kind == FLOE_HIT_ANY || kind == FLOE_HIT_COLUMN ? &ranker->dense_columns : NULL;
    FLOE_TRY(floe_meaning_score_columns(meaning, question, &ranker->dense_by_columns, single, err));
    FLOE_TRY(floe_meaning_score_spaces(meaning, question, &ranker->dense_spaces, err));
    if (kind == FLOE_HIT_ANY || kind == FLOE_HIT_FEATURE) {
        FLOE_TRY(floe_meaning_score(meaning, FLOE_LINK_FEATURE, question, &ranker->dense_features, err));
    }
    return FLOE_OK;
}

/* The masks are those of the question: it was read in them. */
floe_status floe_rank_meaning(floe_ranker *ranker, const floe_question *question, floe_hit_kind kind, floe_error *err) {
    if (!ranker->meaning) {
        return FLOE_OK;
    }
    floe_scores *const words[] = {&ranker->soft_words, &ranker->soft_phrases, &ranker->soft_columns,
                                  &ranker->soft_features};
    floe_scores *const documents[] = {&ranker->dense_columns, &ranker->dense_features, &ranker->dense_by_columns,
                                      &ranker->dense_spaces};
    wording job = {ranker, question, kind};
    floe_aside aside = {score_words, &job};
    floe_helper_set_aside(ranker->meaning->helper, &aside);
    floe_status status = floe_meaning_score(ranker->meaning, FLOE_LINK_TABLE, question, &ranker->dense_tables, err);
    floe_helper_settle(ranker->meaning->helper, &aside);
    FLOE_TRY(status);
    floe_scores_normalise(&ranker->dense_tables);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        floe_scores_normalise(words[i]);
    }
    FLOE_TRY(score_documents(ranker, question, kind, err));
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        floe_scores_normalise(documents[i]);
    }
    return FLOE_OK;
}
