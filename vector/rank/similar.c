/*
 * Words that a question most likely means when it has one that nobody in scope has.
 *
 * Phases: a misspelt word → the catalog's word that is fewest letters away → else, what the word stands for as a name would
 * (orderlines: order, lines). A word that is listed English is taken as it is: who asks for planes does not mean places.
 */
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include <stdlib.h>

static int compare_words(const void *a, const void *b) {
    const floe_str *left = a;
    const floe_str *right = b;
    if (left->len != right->len) {
        return left->len < right->len ? -1 : 1;
    }
    return floe_str_compare(*left, *right);
}

void floe_similar_init(floe_corpus *corpus) {
    floe_map *words = &corpus->lexicon.words;
    floe_similar *similar = &corpus->similar;
    similar->words = floe_arena_alloc(corpus->arena, words->count + 1, sizeof(*similar->words));
    for (size_t i = 0; similar->words && i < words->capacity; i++) {
        if (words->slots[i].key.ptr && floe_typos_allowed(words->slots[i].key) > 0) {
            similar->words[similar->count++] = words->slots[i].key;
        }
    }
    if (similar->count > 0) {
        qsort(similar->words, similar->count, sizeof(*similar->words), compare_words);
    }
    size_t at = 0;
    for (size_t len = 0; len <= FLOE_WORD_MAX + 1; len++) {
        while (at < similar->count && similar->words[at].len < len) {
            at++;
        }
        similar->first[len] = at;
    }
}

/* People get the first letter right, or swap it with the second. */
static bool begins_alike(floe_str a, floe_str b) {
    return a.ptr[0] == b.ptr[0] || (a.ptr[0] == b.ptr[1] && a.ptr[1] == b.ptr[0]);
}

typedef struct nearest_word {
    floe_str word;
    size_t typos;
    double weight;
} nearest_word;

/* Fewer typos win, then the word that more documents have. */
static void consider(const floe_corpus *corpus, const floe_question *question, floe_str asked, floe_str word,
                     nearest_word *best) {
    size_t typos = begins_alike(asked, word) ? floe_typos(asked, word, best->typos) : SIZE_MAX;
    if (typos > best->typos) {
        return;
    }
    uint32_t number = floe_lexicon_term((floe_lexicon *)&corpus->lexicon, word, false);
    double weight = number == FLOE_TERM_NONE ? 0 : floe_term_weight(corpus, question, number);
    if (weight > 0 && (best->word.len == 0 || typos < best->typos || weight < best->weight)) {
        *best = (nearest_word){word, typos, weight};
    }
}

bool floe_similar_word(const floe_corpus *corpus, const floe_question *question, floe_str asked, floe_str *ret_word,
                       size_t *ret_typos) {
    const floe_similar *similar = &corpus->similar;
    nearest_word best = {.typos = floe_typos_allowed(asked)};
    size_t shortest = asked.len - (best.typos < asked.len ? best.typos : 0);
    size_t longest = asked.len + best.typos < FLOE_WORD_MAX ? asked.len + best.typos : FLOE_WORD_MAX;
    size_t end = best.typos > 0 ? similar->first[longest + 1] : 0;
    for (size_t i = best.typos > 0 ? similar->first[shortest] : 0; i < end; i++) {
        consider(corpus, question, asked, similar->words[i], &best);
    }
    *ret_word = best.word;
    *ret_typos = best.typos;
    return best.word.len > 0;
}

/* ---- why ---- */

static bool is_lexical(floe_signal signal) {
    return signal == FLOE_SIGNAL_NAMES || signal == FLOE_SIGNAL_COLUMNS || signal == FLOE_SIGNAL_TABLE ||
           signal == FLOE_SIGNAL_DESCRIPTION || signal == FLOE_SIGNAL_COLUMN_TEXT || signal == FLOE_SIGNAL_VALUES;
}

/* The share of a signal's words, by weight, that are not spelt as asked. */
static double spelt_share(const floe_corpus *corpus, const floe_question *question, const floe_found *found,
                          floe_signal signal) {
    double all = 0;
    double spelt = 0;
    for (size_t i = 0; i < question->term_count; i++) {
        const floe_term *term = &question->terms[i];
        double weight = floe_signal_has(corpus, found, signal, term->number) ? term->weight : 0;
        all += weight;
        spelt += term->meant.len > 0 ? weight : 0;
    }
    return all > 0 ? spelt / all : 0;
}

void floe_similar_tell(const floe_corpus *corpus, const floe_question *question, floe_found *found) {
    for (int i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        if (is_lexical((floe_signal)i) && found->shares[i] > 0) {
            double moved = found->shares[i] * spelt_share(corpus, question, found, (floe_signal)i);
            found->shares[FLOE_SIGNAL_SPELLING] += moved;
            found->shares[i] -= moved;
        }
    }
}

static bool has_anywhere(const floe_corpus *corpus, const floe_found *found, uint32_t term) {
    for (int i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        if (is_lexical((floe_signal)i) && floe_signal_has(corpus, found, (floe_signal)i, term)) {
            return true;
        }
    }
    return false;
}

void floe_similar_put(const floe_corpus *corpus, const floe_question *question, const floe_found *found,
                      floe_buf *out) {
    for (size_t i = 0; i < question->term_count; i++) {
        const floe_term *term = &question->terms[i];
        if (term->meant.len > 0 && has_anywhere(corpus, found, term->number)) {
            floe_buf_printf(out, "%s%.*s ~ %.*s", out->len > 0 ? ", " : "", FLOE_STR_ARG(term->word),
                            FLOE_STR_ARG(term->meant));
        }
    }
}
