/*
 * English words that names are made of: the common ones, and less common ones, which are known so that they are not taken for
 * several glued ones. The lists lie in files of their own, the more frequent words first.
 * Source: the word list of Wordninja 2.0.0 (MIT licence), which counts Wikipedia, of it what the vocabulary of
 * BERT (Apache licence 2.0) holds as a whole word; after the first three thousand, words of business that columns are named
 * with.
 */
#include "vector/words/spell_int.h"

const char *const floe_words_common[] = {
#include "vector/words/words_common.inc"
    NULL,
};

const char *const floe_words_more[] = {
#include "vector/words/words_more.inc"
    NULL,
};
