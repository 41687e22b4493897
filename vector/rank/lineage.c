/*
 * Features as evidence for the table they are computed from: people describe a feature when they define it, and often better
 * than anybody described the table. Rule: a table's evidence is the largest weighted share of the question that one of its
 * features matches, by name or by description, as it is: a feature that matches little says little, whatever else there is.
 */
#include "vector/rank/rank_int.h"

static void add_matches(const floe_ranker *ranker, const floe_question *question, const floe_term *term,
                        floe_scores *features) {
    const floe_corpus *corpus = ranker->corpus;
    const floe_field *names = &corpus->fields[FLOE_FIELD_FEATURE];
    const floe_field_id fields[] = {FLOE_FIELD_FEATURE, FLOE_FIELD_FEATURE_TEXT};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t count = 0;
        const floe_posting *postings = floe_field_postings(&corpus->fields[fields[i]], term->number, &count);
        for (size_t j = 0; j < count; j++) {
            uint32_t feature = postings[j].document;
            bool counted = i > 0 && floe_field_posting(names, term->number, feature) != NULL;
            if (question->asked[corpus->features[feature].scope] && !counted) {
                floe_scores_add(features, feature, term->weight);
            }
        }
    }
}

void floe_rank_lineage(floe_ranker *ranker, const floe_question *question) {
    floe_scores *features = &ranker->feature_scores;
    for (size_t i = 0; i < question->term_count; i++) {
        add_matches(ranker, question, &question->terms[i], features);
    }
    for (size_t i = 0; i < features->count; i++) {
        uint32_t table = ranker->corpus->features[features->touched[i]].table;
        double share = features->of[features->touched[i]] / question->weight;
        if (table != UINT32_MAX && share > ranker->lineage.of[table]) {
            floe_scores_add(&ranker->lineage, table, share - ranker->lineage.of[table]);
        }
    }
    floe_scores_clear(features);
}

bool floe_lineage_has(const floe_corpus *corpus, uint32_t table, uint32_t term) {
    const floe_field_id fields[] = {FLOE_FIELD_FEATURE, FLOE_FIELD_FEATURE_TEXT};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        size_t count = 0;
        const floe_posting *postings = floe_field_postings(&corpus->fields[fields[i]], term, &count);
        for (size_t j = 0; j < count; j++) {
            if (corpus->features[postings[j].document].table == table) {
                return true;
            }
        }
    }
    return false;
}
