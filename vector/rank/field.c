/*
 * Fields: building and searching one inverted index.
 *
 * Built by a counting sort of triples by term; they come in the order of documents, and the sort keeps it, so postings
 * ascend by document and the same word of one document lies together and is merged.
 * Source: BM25 as weights_int.h says, idf = ln(1 + (N - n + 0.5) / (n + 0.5)).
 */
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include <math.h>

static void add_word(floe_field_builder *builder, floe_lexicon *lexicon, uint32_t document, floe_str word,
                     float weight) {
    uint32_t term = floe_lexicon_term(lexicon, word, true);
    floe_triple *triple = FLOE_ARENA_PUSH(&builder->arena, builder->triples, builder->count, builder->capacity);
    if (triple) {
        *triple = (floe_triple){.term = term, .document = document, .weight = weight};
    }
}

void floe_field_add_name(floe_field_builder *builder, floe_lexicon *lexicon, uint32_t document, floe_str space,
                         floe_str name, float weight) {
    bool keep_stop_words = floe_text_keeps_stop_words(name);
    floe_words words = floe_words_of(name);
    floe_str word = {0};
    bool any = false;
    for (; floe_words_next(&words, &word); any = true) {
        const floe_reading *reading = lexicon->speller ? floe_speller_read(lexicon->speller, space, word) : NULL;
        bool stands = !reading || (reading->count == 0 && !reading->silent);
        for (size_t i = 0; !stands && i < reading->count; i++) {
            if (!floe_word_is_stop(reading->words[i])) {
                add_word(builder, lexicon, document, reading->words[i], weight);
            }
        }
        if (keep_stop_words || !floe_word_is_stop(word)) {
            add_word(builder, lexicon, document, word, stands ? weight : weight * FLOE_WRITTEN_WEIGHT);
        }
    }
    floe_str bare = any ? FLOE_STR("") : floe_text_bare(name);
    if (bare.len > 0) {
        add_word(builder, lexicon, document, bare, weight);
    }
}

void floe_field_repeat(floe_field_builder *builder, size_t from, size_t count, uint32_t document) {
    for (size_t i = from; i < from + count; i++) {
        floe_triple *triple = FLOE_ARENA_PUSH(&builder->arena, builder->triples, builder->count, builder->capacity);
        if (triple) {
            *triple = builder->triples[i];
            triple->document = document;
        }
    }
}

void floe_field_add(floe_field_builder *builder, floe_lexicon *lexicon, uint32_t document, floe_str text,
                    float weight) {
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            add_word(builder, lexicon, document, word, weight);
        }
    }
}

/* Sums the weights of neighbours of one term and one document, and moves the lists together. */
static void merge_repeats(floe_posting *postings, uint32_t *first, uint32_t term_count) {
    uint32_t to = 0;
    uint32_t from = 0;
    for (uint32_t term = 0; term < term_count; term++) {
        uint32_t end = first[term + 1];
        uint32_t begin = to;
        for (; from < end; from++) {
            if (to > begin && postings[to - 1].document == postings[from].document) {
                postings[to - 1].weight += postings[from].weight;
            } else {
                postings[to++] = postings[from];
            }
        }
        first[term] = begin;
    }
    first[term_count] = to;
}

static void sum_lengths(const floe_field_builder *builder, floe_field *field) {
    for (size_t i = 0; i < builder->count; i++) {
        field->lengths[builder->triples[i].document] += builder->triples[i].weight;
    }
    for (uint32_t i = 0; i < field->document_count; i++) {
        if (field->lengths[i] > 0) {
            field->scope_documents[field->scopes[i]]++;
            field->scope_lengths[field->scopes[i]] += (double)field->lengths[i];
        }
    }
}

void floe_field_finish(const floe_field_builder *builder, const uint32_t *scopes, uint32_t document_count,
                       uint32_t scope_count, uint32_t term_count, floe_arena *arena, floe_field *ret_field) {
    uint32_t *first = floe_arena_alloc(arena, (size_t)term_count + 2, sizeof(*first));
    floe_posting *postings = floe_arena_alloc(arena, builder->count + 1, sizeof(*postings));
    *ret_field = (floe_field){.document_count = document_count,
                              .term_count = term_count,
                              .first = first,
                              .postings = postings,
                              .lengths = floe_arena_alloc(arena, (size_t)document_count + 1, sizeof(float)),
                              .scopes = scopes,
                              .scope_documents = floe_arena_alloc(arena, (size_t)scope_count + 1, sizeof(uint32_t)),
                              .scope_lengths = floe_arena_alloc(arena, (size_t)scope_count + 1, sizeof(double))};
    if (arena->overflow) {
        return;
    }
    /* first[t + 2] counts, then first[t + 1] is where term t begins, and after filling where it ends. */
    for (size_t i = 0; i < builder->count; i++) {
        first[builder->triples[i].term + 2]++;
    }
    for (uint32_t term = 0; term < term_count; term++) {
        first[term + 2] += first[term + 1];
    }
    for (size_t i = 0; i < builder->count; i++) {
        const floe_triple *triple = &builder->triples[i];
        postings[first[triple->term + 1]++] = (floe_posting){triple->document, triple->weight};
    }
    merge_repeats(postings, first, term_count);
    sum_lengths(builder, ret_field);
}

/* The index of the first posting of the term whose document is not below `document`. */
static uint32_t lower_bound(const floe_field *field, uint32_t term, uint32_t document) {
    uint32_t low = field->first[term];
    uint32_t high = field->first[term + 1];
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (field->postings[middle].document < document) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const floe_posting *floe_field_postings(const floe_field *field, uint32_t term, size_t *ret_count) {
    bool known = term < field->term_count;
    *ret_count = known ? field->first[term + 1] - field->first[term] : 0;
    return *ret_count > 0 ? field->postings + field->first[term] : NULL;
}

const floe_posting *floe_field_posting(const floe_field *field, uint32_t term, uint32_t document) {
    if (term >= field->term_count) {
        return NULL;
    }
    uint32_t at = lower_bound(field, term, document);
    return at < field->first[term + 1] && field->postings[at].document == document ? &field->postings[at] : NULL;
}

bool floe_field_has_in_range(const floe_field *field, uint32_t term, uint32_t first, uint32_t end) {
    if (term >= field->term_count) {
        return false;
    }
    uint32_t at = lower_bound(field, term, first);
    return at < field->first[term + 1] && field->postings[at].document < end;
}

/* ---- scoring ---- */

typedef struct collection {
    double documents; /* with a word, in the scopes asked; the scopes counted in the order of scopes */
    double mean_length;
} collection;

static collection collect(const floe_field *field, const bool *asked, size_t scope_count) {
    collection sum = {0};
    double length = 0;
    for (size_t i = 0; i < scope_count; i++) {
        if (asked[i]) {
            sum.documents += field->scope_documents[i];
            length += field->scope_lengths[i];
        }
    }
    sum.mean_length = sum.documents > 0 ? length / sum.documents : 1;
    return sum;
}

static double count_documents(const floe_field *field, const bool *asked, uint32_t term) {
    double count = 0;
    for (uint32_t i = field->first[term]; i < field->first[term + 1]; i++) {
        count += asked[field->scopes[field->postings[i].document]] ? 1 : 0;
    }
    return count;
}

static double idf(double documents, double with_term) {
    return with_term > 0 ? log(1 + (documents - with_term + 0.5) / (with_term + 0.5)) : 0;
}

double floe_field_idf(const floe_field *field, const floe_question *question, uint32_t term) {
    if (term >= field->term_count) {
        return 0;
    }
    collection all = collect(field, question->asked, question->scope_count);
    return idf(all.documents, count_documents(field, question->asked, term));
}

static void score_term(const floe_field *field, const bool *asked, const floe_term *of, collection all,
                       floe_scores *scores) {
    uint32_t term = of->number;
    double weight = of->trust * idf(all.documents, count_documents(field, asked, term));
    for (uint32_t i = field->first[term]; weight > 0 && i < field->first[term + 1]; i++) {
        const floe_posting *posting = &field->postings[i];
        if (asked[field->scopes[posting->document]]) {
            double length = (double)field->lengths[posting->document] / all.mean_length;
            double often = (double)posting->weight;
            double damped = FLOE_BM25_K1 * (1 - FLOE_BM25_B + FLOE_BM25_B * length);
            floe_scores_add(scores, posting->document, weight * often * (FLOE_BM25_K1 + 1) / (often + damped));
        }
    }
}

void floe_field_score(const floe_field *field, const floe_question *question, floe_scores *scores) {
    collection all = collect(field, question->asked, question->scope_count);
    for (size_t i = 0; i < question->term_count; i++) {
        if (question->terms[i].number < field->term_count) {
            score_term(field, question->asked, &question->terms[i], all, scores);
        }
    }
}

/* ---- score arrays ---- */

void floe_scores_init(floe_scores *scores, size_t len, floe_arena *arena) {
    *scores = (floe_scores){.of = floe_arena_alloc(arena, len + 1, sizeof(double)),
                            .touched = floe_arena_alloc(arena, len + 1, sizeof(uint32_t))};
}

void floe_scores_clear(floe_scores *scores) {
    for (size_t i = 0; i < scores->count; i++) {
        scores->of[scores->touched[i]] = 0;
    }
    scores->count = 0;
}

double floe_scores_normalise(floe_scores *scores) {
    double best = 0;
    for (size_t i = 0; i < scores->count; i++) {
        double score = scores->of[scores->touched[i]];
        best = score > best ? score : best;
    }
    for (size_t i = 0; best > 0 && i < scores->count; i++) {
        scores->of[scores->touched[i]] /= best;
    }
    return best;
}

static bool is_better(floe_ranked a, floe_ranked b) {
    return a.score > b.score || (a.score == b.score && a.entry < b.entry);
}

/* Puts ranked[at] where it belongs in a heap whose root is the worst. */
static void sift_down(floe_ranked *heap, size_t count, size_t at) {
    floe_ranked moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_better(heap[child], heap[child + 1])) {
            child++;
        }
        if (!is_better(moved, heap[child])) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

void floe_best_offer(floe_best *best, floe_ranked next) {
    floe_ranked *ranked = best->ranked;
    if (best->count < best->limit) {
        ranked[best->count++] = next;
        for (size_t at = best->count / 2; best->count == best->limit && at > 0; at--) {
            sift_down(ranked, best->count, at - 1);
        }
    } else if (best->limit > 0 && is_better(next, ranked[0])) {
        ranked[0] = next;
        sift_down(ranked, best->count, 0);
    }
}

void floe_best_sort(floe_best *best) {
    floe_ranked *ranked = best->ranked;
    for (size_t at = best->count / 2; at > 0; at--) {
        sift_down(ranked, best->count, at - 1);
    }
    for (size_t left = best->count; left > 1; left--) {
        floe_ranked worst = ranked[0];
        ranked[0] = ranked[left - 1];
        ranked[left - 1] = worst;
        sift_down(ranked, left - 1, 0);
    }
}

size_t floe_rank_best(const floe_scores *scores, floe_ranked *ranked, size_t limit) {
    floe_best best = {.ranked = ranked, .limit = limit};
    for (size_t i = 0; i < scores->count; i++) {
        floe_best_offer(&best, (floe_ranked){scores->touched[i], scores->of[scores->touched[i]]});
    }
    floe_best_sort(&best);
    return best.count;
}
