/*
 * Verified questions as evidence: a question somebody vouches for, and that is like the one that is asked, speaks for the tables
 * its SQL reads. Rule: a table's evidence is the likeness of the question that is most like, as it is: one that is little like
 * says little, whatever else there is.
 */
#include "vector/rank/rank_int.h"

#define LIKE_MAX 5

static bool reads(const floe_question_entry *entry, const floe_table_entry *table) {
    for (size_t i = 0; i < entry->table_count; i++) {
        if (floe_str_equal(entry->tables[i].table, table->name) &&
            floe_str_equal(entry->tables[i].database, table->database)) {
            return true;
        }
    }
    return false;
}

floe_status floe_rank_verified(floe_ranker *ranker, const floe_query *query, floe_question *question, floe_arena *arena,
                               floe_error *err) {
    const floe_corpus *corpus = ranker->corpus;
    FLOE_TRY(floe_verified_find(query->verified, query->text, query->role, LIKE_MAX, arena, &question->verified,
                                &question->verified_count, err));
    for (size_t i = 0; question->verified_count > 0 && i < corpus->table_count; i++) {
        const floe_verified_hit *hit = floe_question_verified(question, &corpus->tables[i]);
        if (hit && question->asked[corpus->tables[i].scope]) {
            floe_scores_add(&ranker->verified, (uint32_t)i, hit->score);
        }
    }
    return FLOE_OK;
}

/* They come best first. */
const floe_verified_hit *floe_question_verified(const floe_question *question, const floe_table_entry *table) {
    for (size_t i = 0; i < question->verified_count; i++) {
        if (reads(question->verified[i].entry, table)) {
            return &question->verified[i];
        }
    }
    return NULL;
}
