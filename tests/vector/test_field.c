/*
 * BM25 against a direct reading of the formula over plain lists of words, and the selection of the best against a sort.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WORDS 12
#define DOCUMENTS 40
#define SCOPES 4

/* Words of one letter are stems of themselves and none is a stop word ("a", "i" and "s" are left out). */
static const char vocabulary[WORDS + 1] = "bcdefghjklmn";

typedef struct collection {
    double counts[DOCUMENTS][WORDS];
    uint32_t scopes[DOCUMENTS];
    char texts[DOCUMENTS][64];
} collection;

static void random_collection(floe_test_rng *rng, collection *all) {
    memset(all, 0, sizeof(*all));
    for (size_t d = 0; d < DOCUMENTS; d++) {
        size_t words = floe_test_below(rng, 9);
        all->scopes[d] = (uint32_t)floe_test_below(rng, SCOPES);
        for (size_t i = 0; i < words; i++) {
            size_t word = floe_test_below(rng, WORDS);
            all->counts[d][word] += 1;
            all->texts[d][2 * i] = vocabulary[word];
            all->texts[d][2 * i + 1] = ' ';
        }
    }
}

static double length_of(const collection *all, size_t document) {
    double sum = 0;
    for (size_t w = 0; w < WORDS; w++) {
        sum += all->counts[document][w];
    }
    return sum;
}

/* The formula, document by document: nothing shared with the code but the constants. */
static double oracle(const collection *all, const bool *asked, const bool *query, size_t document) {
    double documents = 0;
    double lengths = 0;
    double with[WORDS] = {0};
    for (size_t d = 0; d < DOCUMENTS; d++) {
        if (asked[all->scopes[d]] && length_of(all, d) > 0) {
            documents += 1;
            lengths += length_of(all, d);
            for (size_t w = 0; w < WORDS; w++) {
                with[w] += all->counts[d][w] > 0;
            }
        }
    }
    double score = 0;
    for (size_t w = 0; w < WORDS && asked[all->scopes[document]]; w++) {
        double tf = all->counts[document][w];
        if (query[w] && tf > 0) {
            double idf = log(1 + (documents - with[w] + 0.5) / (with[w] + 0.5));
            double norm = 1 - FLOE_BM25_B + FLOE_BM25_B * length_of(all, document) / (lengths / documents);
            score += idf * tf * (FLOE_BM25_K1 + 1) / (tf + FLOE_BM25_K1 * norm);
        }
    }
    return score;
}

static void build(const collection *all, floe_lexicon *lexicon, floe_arena *arena, floe_field *field) {
    floe_field_builder builder = {0};
    floe_arena_init(&builder.arena, FLOE_MIB(4));
    for (uint32_t d = 0; d < DOCUMENTS; d++) {
        floe_field_add(&builder, lexicon, d, floe_str_of(all->texts[d]), 1);
    }
    floe_field_finish(&builder, all->scopes, DOCUMENTS, SCOPES, lexicon->count, arena, field);
    floe_arena_close(&builder.arena);
}

static void field__random_documents__score_as_the_formula_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 200; round++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(16));
        collection all;
        floe_lexicon lexicon;
        floe_field field;
        floe_scores scores;
        bool asked[SCOPES];
        bool query[WORDS] = {0};
        random_collection(&rng, &all);
        floe_lexicon_init(&lexicon, &arena);
        build(&all, &lexicon, &arena, &field);
        floe_scores_init(&scores, DOCUMENTS, &arena);
        floe_question question = {.asked = asked, .scope_count = SCOPES};
        for (size_t s = 0; s < SCOPES; s++) {
            asked[s] = floe_test_below(&rng, 3) > 0;
        }
        for (size_t w = 0; w < WORDS; w++) {
            uint32_t number = floe_lexicon_term(&lexicon, (floe_str){vocabulary + w, 1}, false);
            if (number != FLOE_TERM_NONE && floe_test_below(&rng, 3) == 0) {
                query[w] = true;
                question.terms[question.term_count++] = (floe_term){.number = number, .trust = 1};
            }
        }
        floe_field_score(&field, &question, &scores);
        for (size_t d = 0; d < DOCUMENTS; d++) {
            assert_true(fabs(scores.of[d] - oracle(&all, asked, query, d)) < 1e-9);
        }
        floe_scores_clear(&scores);
        for (size_t d = 0; d < DOCUMENTS; d++) {
            assert_true(scores.of[d] == 0);
        }
    }
}

static void field__postings__hold_each_document_once(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    collection all;
    floe_lexicon lexicon;
    floe_field field;
    random_collection(&rng, &all);
    floe_lexicon_init(&lexicon, &arena);
    build(&all, &lexicon, &arena, &field);
    for (size_t w = 0; w < WORDS; w++) {
        uint32_t number = floe_lexicon_term(&lexicon, (floe_str){vocabulary + w, 1}, false);
        for (uint32_t d = 0; d < DOCUMENTS && number != FLOE_TERM_NONE; d++) {
            const floe_posting *posting = floe_field_posting(&field, number, d);
            assert_true((posting != NULL) == (all.counts[d][w] > 0));
            assert_true(!posting || (double)posting->weight == all.counts[d][w]);
            for (uint32_t end = d; end <= DOCUMENTS; end++) {
                bool any = false;
                for (uint32_t i = d; i < end; i++) {
                    any = any || all.counts[i][w] > 0;
                }
                assert_true(floe_field_has_in_range(&field, number, d, end) == any);
            }
        }
    }
    assert_null(floe_field_posting(&field, lexicon.count, 0));
    assert_null(floe_field_posting(&field, FLOE_TERM_NONE, 0));
    assert_false(floe_field_has_in_range(&field, FLOE_TERM_NONE, 0, DOCUMENTS));
}

static void lexicon__inflections__share_a_number(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_lexicon lexicon;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_lexicon_init(&lexicon, &arena);
    uint32_t number = floe_lexicon_term(&lexicon, FLOE_STR("delays"), true);
    assert_int_equal(floe_lexicon_term(&lexicon, FLOE_STR("delayed"), false), number);
    assert_int_equal(floe_lexicon_term(&lexicon, FLOE_STR("delay"), true), number);
    assert_int_equal(floe_lexicon_term(&lexicon, FLOE_STR("flight"), false), FLOE_TERM_NONE);
    assert_int_equal(lexicon.count, 1);
}

static void lexicon__names_spelt_differently__have_one_hash(void **state) {
    (void)state;
    uint64_t hash = floe_words_hash(0, FLOE_STR("flight_delays"));
    assert_true(floe_words_hash(0, FLOE_STR("FlightDelays")) == hash);
    assert_true(floe_words_hash(0, FLOE_STR("  flight   DELAYS ")) == hash);
    assert_true(floe_words_hash(floe_words_hash(0, FLOE_STR("flight")), FLOE_STR("delays")) == hash);
    assert_false(floe_words_hash(0, FLOE_STR("flight_delay")) == hash);
    assert_false(floe_words_hash(0, FLOE_STR("delays_flight")) == hash);
    assert_true(floe_words_hash(0, FLOE_STR("  ")) == 0);
    /* What has no words is told apart by its characters. */
    assert_false(floe_words_hash(0, FLOE_STR(" -- ")) == 0);
    assert_true(floe_words_hash(0, FLOE_STR(" -- ")) == floe_words_hash(0, FLOE_STR("--")));
    assert_false(floe_words_hash(0, FLOE_STR("--")) == floe_words_hash(0, FLOE_STR("#")));
    assert_false(floe_words_hash(hash, FLOE_STR("#")) == hash);
    static const char *const texts[] = {"FlightDelays", "", "  ", "#", "d.t_x", "caf\xC3\xA9"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t hashes[] = {0, hash, 7};
        floe_words_hash_all(hashes, 3, floe_str_of(texts[i]));
        assert_true(hashes[0] == floe_words_hash(0, floe_str_of(texts[i])));
        assert_true(hashes[1] == floe_words_hash(hash, floe_str_of(texts[i])));
        assert_true(hashes[2] == floe_words_hash(7, floe_str_of(texts[i])));
    }
}

static void lexicon__text_of_stop_words_only__keeps_them(void **state) {
    (void)state;
    assert_true(floe_text_keeps_stop_words(FLOE_STR("who")));
    assert_true(floe_text_keeps_stop_words(FLOE_STR("show_all")));
    assert_true(floe_text_keeps_stop_words(FLOE_STR("")));
    assert_false(floe_text_keeps_stop_words(FLOE_STR("the flight")));
}

static int by_rank(const void *a, const void *b) {
    const floe_ranked *left = a;
    const floe_ranked *right = b;
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    return left->entry < right->entry ? -1 : 1;
}

static void best__random_scores__are_those_a_sort_puts_first(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        double of[64] = {0};
        uint32_t touched[64];
        floe_ranked sorted[64];
        floe_ranked best[64];
        floe_scores scores = {.of = of, .touched = touched};
        size_t count = floe_test_below(&rng, 64);
        for (uint32_t i = 0; i < count; i++) {
            /* Few distinct scores, so that ties are frequent. */
            uint32_t at = (i * 37) % 64;
            floe_scores_add(&scores, at, 1 + (double)floe_test_below(&rng, 5));
            sorted[i] = (floe_ranked){at, of[at]};
        }
        size_t limit = floe_test_below(&rng, 70);
        limit = limit > 64 ? 64 : limit;
        qsort(sorted, count, sizeof(sorted[0]), by_rank);
        size_t found = floe_rank_best(&scores, best, limit);
        assert_int_equal(found, count < limit ? count : limit);
        for (size_t i = 0; i < found; i++) {
            assert_int_equal(best[i].entry, sorted[i].entry);
            assert_true(best[i].score == sorted[i].score);
        }
    }
}

static void normalise__best__becomes_one(void **state) {
    (void)state;
    double of[4] = {0};
    uint32_t touched[4];
    floe_scores scores = {.of = of, .touched = touched};
    assert_true(floe_scores_normalise(&scores) == 0);
    floe_scores_add(&scores, 2, 4);
    floe_scores_add(&scores, 0, 1);
    floe_scores_add(&scores, 0, 1);
    assert_int_equal(scores.count, 2);
    assert_true(floe_scores_normalise(&scores) == 4);
    assert_true(of[2] == 1 && of[0] == 0.5 && of[1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(field__random_documents__score_as_the_formula_says),
        cmocka_unit_test(field__postings__hold_each_document_once),
        cmocka_unit_test(lexicon__inflections__share_a_number),
        cmocka_unit_test(lexicon__names_spelt_differently__have_one_hash),
        cmocka_unit_test(lexicon__text_of_stop_words_only__keeps_them),
        cmocka_unit_test(best__random_scores__are_those_a_sort_puts_first),
        cmocka_unit_test(normalise__best__becomes_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
