/*
 * English stop words, sorted by byte for a binary search: function words, and the verbs people begin a question with.
 * Words that also name data ("state", "name", "number", "first", "last", "year") are not among them.
 */
#include "vector/words/text_int.h"

#include <stdlib.h>

static const char *const stop_words[] = {
    "a",      "about",   "above",  "after",   "again",   "all",   "also",    "am",     "an",    "and",     "any",
    "are",    "as",      "at",     "be",      "because", "been",  "before",  "being",  "below", "between", "both",
    "but",    "by",      "can",    "could",   "did",     "do",    "does",    "doing",  "down",  "during",  "each",
    "either", "every",   "few",    "find",    "for",     "from",  "further", "get",    "give",  "given",   "had",
    "has",    "have",    "having", "he",      "her",     "here",  "hers",    "him",    "his",   "how",     "i",
    "if",     "in",      "into",   "is",      "it",      "its",   "itself",  "just",   "let",   "list",    "many",
    "may",    "me",      "might",  "more",    "most",    "much",  "must",    "my",     "no",    "nor",     "not",
    "of",     "off",     "on",     "once",    "only",    "or",    "other",   "our",    "out",   "over",    "own",
    "please", "provide", "return", "s",       "same",    "shall", "she",     "should", "show",  "so",      "some",
    "such",   "tell",    "than",   "that",    "the",     "their", "theirs",  "them",   "then",  "there",   "these",
    "they",   "this",    "those",  "through", "to",      "too",   "under",   "until",  "up",    "us",      "very",
    "was",    "we",      "were",   "what",    "when",    "where", "which",   "while",  "who",   "whom",    "whose",
    "why",    "will",    "with",   "would",   "you",     "your",  "yours",
};

static int compare_word(const void *key, const void *element) {
    const floe_str *word = key;
    return floe_str_compare(*word, floe_str_of(*(const char *const *)element));
}

#define LONGEST 7 /* "because" */

bool floe_word_is_stop(floe_str word) {
    return word.len <= LONGEST && bsearch(&word, stop_words, sizeof(stop_words) / sizeof(stop_words[0]),
                                          sizeof(stop_words[0]), compare_word) != NULL;
}
