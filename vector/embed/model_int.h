/*
 * A folder with a BERT encoder, as Hugging Face and sentence-transformers write it: what its small files say.
 *
 * config.json (needed), tokenizer_config.json, sentence_bert_config.json, modules.json with the pooling's config.json and
 * config_sentence_transformers.json (each with its usual default), vocab.txt, one .safetensors file. What a file asks for
 * and floe does not do is refused by name, so that no vector is silently another than the model's.
 */
#ifndef FLOE_VECTOR_EMBED_MODEL_INT_H
#define FLOE_VECTOR_EMBED_MODEL_INT_H

#include "core/arena.h"
#include "vector/embed/tokenizer_int.h"

typedef enum floe_pooling { FLOE_POOLING_MEAN, FLOE_POOLING_CLS } floe_pooling;
const char *floe_pooling_name(floe_pooling pooling);

typedef struct floe_bert_config {
    size_t hidden, layers, heads, intermediate, vocab, positions, types;
    float epsilon;
    floe_pooling pooling;
} floe_bert_config;

typedef struct floe_model {
    floe_str name; /* the folder's */
    const char *weights_path, *vocab_path;
    floe_bert_config bert;
    floe_tokenizer_options tokenizer;
    size_t token_max; /* of a text, [CLS] and [SEP] included */
    floe_str query_prefix, document_prefix;
} floe_model;

/* Reads the small files of the folder into the arena. Errors: NOT_FOUND naming what is missing; INVALID and UNSUPPORTED
 * naming file and key; LIMIT. */
floe_status floe_model_read(const char *folder, floe_arena *arena, floe_model *ret_model, floe_error *err);

#endif
