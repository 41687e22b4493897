/*
 * The forward pass of a BERT encoder: ids of texts → one unit vector each.
 *
 * Shape: the texts of a batch lie one after the other, token by token, without padding, so nothing needs to be masked and
 * no product is spent on what is thrown away; only attention looks at each text by itself.
 *   x = norm(word[id] + position[i] + type[0])
 *   per layer: q, k, v = x·Wᵀ + b; a = softmax(q·kᵀ/√d)·v per head; x = norm(x + a·Woᵀ + bo);
 *              h = gelu(x·W1ᵀ + b1); x = norm(x + h·W2ᵀ + b2)
 *   pooled = mean of the text's rows, or its first row; scaled to length 1
 * Source: Devlin et al., "BERT", 2018, and the layout of Hugging Face's BertModel (post-norm, erf GELU).
 * Thread: the model is immutable and shared; a work area belongs to one thread at a time.
 */
#ifndef FLOE_VECTOR_EMBED_BERT_INT_H
#define FLOE_VECTOR_EMBED_BERT_INT_H

#include "vector/embed/halves_int.h"
#include "vector/embed/kernels_int.h"
#include "vector/embed/model_int.h"
#include "vector/embed/safetensors_int.h"

typedef struct floe_bert_layer {
    const float *qkv, *qkv_bias; /* the three stacked: [3·hidden × hidden] */
    const float *out, *out_bias;
    floe_norm attention_norm;
    const float *up, *up_bias;     /* [intermediate × hidden] */
    const float *down, *down_bias; /* [hidden × intermediate] */
    floe_norm output_norm;
    const floe_halves *qkv_halves, *out_halves, *up_halves, *down_halves; /* the same weights; NULL: none */
} floe_bert_layer;

typedef struct floe_bert {
    floe_bert_config config;
    const floe_kernels *kernels;
    const float *words, *positions, *types;
    floe_norm norm;
    const floe_bert_layer *layers;
} floe_bert;

/* Finds every tensor (with or without the prefix "bert."), checks its shape, stacks query, key and value. Owns: what is
 * made lies in the arena, the rest borrows from the tensors' file. Errors: CORRUPT naming the tensor that is missing or of
 * another shape than config.json says; UNSUPPORTED for other types than F32, F16 and BF16. */
floe_status floe_bert_load(const floe_bert_config *config, const floe_tensors *tensors, floe_arena *arena,
                           floe_bert *ret_bert, floe_error *err);

/* Room for a batch of at most `token_max` tokens whose longest text has `text_max`. */
typedef struct floe_bert_work {
    float *x, *qkv, *context, *hidden, *scores;
    size_t token_max, text_max;
} floe_bert_work;
floe_status floe_bert_work_open(const floe_bert_config *config, size_t token_max, size_t text_max,
                                floe_bert_work *ret_work, floe_error *err);
void floe_bert_work_close(floe_bert_work *work);

typedef struct floe_bert_batch {
    const int32_t *ids; /* of all texts, one after the other; each 0…vocab-1 */
    const size_t *lens; /* tokens of each text, 1…positions */
    size_t count;       /* texts */
    size_t token_count; /* the sum of lens */
} floe_bert_batch;

/* ret_rows[i] gets the vector of text i: `hidden` floats. Nothing allocates, nothing can fail. */
void floe_bert_forward(const floe_bert *bert, floe_bert_work *work, const floe_bert_batch *batch,
                       float *const *ret_rows);

#endif
