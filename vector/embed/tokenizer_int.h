/*
 * BERT's tokenizer: text → ids of word pieces.
 *
 * Way of a text: special tokens written out ("[SEP]") are taken as such → control characters are dropped, white space
 * becomes a space → spaces around Chinese characters → accents off (canonical decomposition, non-spacing marks dropped) →
 * lower case → words, at white space and around each punctuation character → pieces of each word, the longest one in the
 * vocabulary first; a word with a piece that is missing, or of more than 100 characters, is [UNK] as a whole.
 * Source: BertNormalizer, BertPreTokenizer and WordPiece of huggingface/tokenizers, whose ids these equal.
 * Thread: any, once opened. Nothing but opening allocates.
 */
#ifndef FLOE_VECTOR_EMBED_TOKENIZER_INT_H
#define FLOE_VECTOR_EMBED_TOKENIZER_INT_H

#include "core/error.h"
#include "core/limits.h"
#include "core/str.h"

#include <stdint.h>

#define FLOE_TOKENIZER_WORD_CHARS 100 /* longer words are [UNK] */
#define FLOE_TOKENIZER_VOCAB_BYTES FLOE_MIB(64)

typedef struct floe_tokenizer_options {
    bool lower_case;
    bool strip_accents;
    bool chinese_spaces;
} floe_tokenizer_options;

typedef struct floe_tokenizer floe_tokenizer;

/* Reads a vocab.txt: one piece a line, its id the number of the line from 0. The text is copied. Errors: INVALID when
 * [UNK], [CLS] or [SEP] is missing or a piece is there twice, naming the lines; LIMIT; NOMEM. */
floe_status floe_tokenizer_open(floe_str vocab, const floe_tokenizer_options *options, floe_tokenizer **ret_tokenizer,
                                floe_error *err);
void floe_tokenizer_close(floe_tokenizer **tokenizer);
size_t floe_tokenizer_vocab_count(const floe_tokenizer *tokenizer);

/* Writes [CLS], the pieces of `prefix` and `text` as if they were one, [SEP]: at most `max` ids (>= 2), the pieces cut where
 * they no longer fit. Bytes that are not UTF-8 are dropped. Returns the number of ids. Cost: linear in what is read; reading ends where `max` is reached. */
size_t floe_tokenizer_encode(const floe_tokenizer *tokenizer, floe_str prefix, floe_str text, int32_t *ret_ids,
                             size_t max);

#endif
