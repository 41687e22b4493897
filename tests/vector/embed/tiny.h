/*
 * Small BERT encoders of random weights for tests: written to a folder as Hugging Face writes them, and computed a second
 * time here, in double precision, as slowly and plainly as the formulas stand in the papers.
 */
#ifndef FLOE_TESTS_VECTOR_EMBED_TINY_H
#define FLOE_TESTS_VECTOR_EMBED_TINY_H

#include "core/buf.h"
#include "tests/support/support.h"
#include "vector/embed/model_int.h"

/* A vocabulary of the special tokens, the letters (whole and continued) and a few words. */
extern const char floe_tiny_vocab[];
#define FLOE_TINY_VOCAB_COUNT 66

typedef struct floe_tiny_tensor {
    char name[96];
    size_t rank, shape[2], count;
    float *values;
} floe_tiny_tensor;

typedef struct floe_tiny {
    floe_bert_config config;
    floe_tiny_tensor *tensors;
    size_t tensor_count;
} floe_tiny;

/* Random weights; every value can be held by a BF16 and by an F16. */
void floe_tiny_init(floe_tiny *tiny, const floe_bert_config *config, floe_test_rng *rng);
void floe_tiny_close(floe_tiny *tiny);

/* A .safetensors file; type is "F32", "F16" or "BF16", prefix is put before each name. */
void floe_tiny_print(const floe_tiny *tiny, const char *type, const char *prefix, floe_buf *out);
/* config.json, vocab.txt, model.safetensors (F32) and 1_Pooling/config.json in the folder, which must exist. */
void floe_tiny_write(const floe_tiny *tiny, const char *folder);
void floe_tiny_write_file(const char *folder, const char *name, floe_str bytes);

/* The vector of one text. */
void floe_tiny_forward(const floe_tiny *tiny, const int32_t *ids, size_t len, double *ret_vector);

double floe_test_cosine(const float *a, const double *b, size_t dim);

#endif
