/*
 * Words: how identifiers and sentences become the terms that are indexed and asked for.
 *
 * Way of a text: split (camelCase, snake_case, digits, punctuation) and fold (case, accents, width) → drop stop words →
 * stem. Tables and questions go the same way, so that they meet. Nothing here allocates. Thread: any.
 */
#ifndef FLOE_VECTOR_TEXT_INT_H
#define FLOE_VECTOR_TEXT_INT_H

#include "core/str.h"

/* Bytes of a folded word; what is longer is cut at a character. */
#define FLOE_WORD_MAX 64

typedef struct floe_words {
    floe_str rest; /* what is not read yet */
    char word[FLOE_WORD_MAX];
    size_t len;
} floe_words;

static inline floe_words floe_words_of(floe_str text) {
    return (floe_words){.rest = text};
}

/* The next word, folded to lower case without accents; borrowed until the next call. Rule: a new word begins between a
 * lower-case letter or digit and an upper-case letter, before the last upper-case letter of a run that a lower-case letter
 * follows (HTTPServer: http, server; but IDs: ids), between a letter and a digit, at everything that is neither, and at
 * every ideograph, kana or hangul syllable. "'s" after a word is dropped. Bytes that are not UTF-8 separate. */
bool floe_words_next(floe_words *words, floe_str *ret_word);

/* Whether a folded word says nothing about data: articles, prepositions, question words, verbs of asking. */
bool floe_word_is_stop(floe_str word);

/* The stem of a folded word, in `buf`; a word that is not made of a-z alone stays as it is.
 * Source: M. F. Porter, "The English (Porter2) stemming algorithm", snowballstem.org, as of Snowball 2.2; without the
 * rules for apostrophes, which the splitter has taken away. */
floe_str floe_word_stem(floe_str word, char buf[FLOE_WORD_MAX + 1]);

#endif
