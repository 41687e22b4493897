/*
 * An embedder for tests whose vectors are the same bits whatever else is embedded beside them: a text's vector is the sum of
 * vectors drawn from hashes of its words' trigrams, so that words with letters in common are near.
 */
#ifndef FLOE_TESTS_VECTOR_HASH_EMBEDDER_H
#define FLOE_TESTS_VECTOR_HASH_EMBEDDER_H

#include "vector/embed/embed_int.h"

#define HASH_EMBEDDER_DIM 24

typedef struct hash_embedder {
    floe_embedder base;
    size_t calls, texts; /* since the caller set them */
    bool fails;          /* calls fail with `code`, or UNAVAILABLE when it is none */
    floe_code code;
} hash_embedder;

/* Ready for use; floe_embedder_close need not be called. */
void hash_embedder_init(hash_embedder *embedder);

#endif
