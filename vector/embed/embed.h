/*
 * The embedder seam: texts → unit vectors, whose dot product says how near two texts are in meaning.
 *
 * Three implementations pass one contract test: *local*, a BERT encoder (all-MiniLM-L6-v2 by default) computed in this
 * process; *http*, a service with OpenAI's /v1/embeddings; *none*, which says that search is lexical only. An embedder never
 * falls back to another one, and a failure is never a vector: what came back OK is whole, finite and of length 1.
 *
 * Vectors may be compared only when they were made by embedders of one fingerprint; an index keeps the fingerprint it was
 * built with and compares it with floe_embedder_info before it searches.
 */
#ifndef FLOE_VECTOR_EMBED_EMBED_H
#define FLOE_VECTOR_EMBED_EMBED_H

#include "core/error.h"
#include "core/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum floe_embedder_kind { FLOE_EMBEDDER_NONE, FLOE_EMBEDDER_LOCAL, FLOE_EMBEDDER_HTTP } floe_embedder_kind;
/* "none", "local", "http": as in floe.yaml. */
const char *floe_embedder_kind_name(floe_embedder_kind kind);

/* Some models want to be told whether a text is a question or what is searched; they are trained with a prefix for each. */
typedef enum floe_embed_as { FLOE_EMBED_DOCUMENT, FLOE_EMBED_QUERY } floe_embed_as;

#define FLOE_EMBED_DIM_MAX 8192
#define FLOE_EMBED_FINGERPRINT_MAX 192 /* bytes, the NUL included */

/* What is wanted. All texts are borrowed during floe_embedder_open only. Zero values are the defaults. */
typedef struct floe_embedder_options {
    floe_embedder_kind kind;
    /* Put before each text; {NULL, 0}: what the model's folder says (local), nothing (http). An empty text that is not
     * NULL is no prefix. */
    floe_str query_prefix, document_prefix;

    /* local */
    const char *model_dir; /* NULL: the environment's FLOE_MODEL_DIR, else the folder that ./dev build fills */
    size_t thread_count;   /* forward passes at once, 1…256; 0: one per processor that this process may use */

    /* http */
    floe_str url;     /* of the embeddings route itself: https://api.example.com/v1/embeddings */
    floe_str model;   /* as the service names it */
    floe_str api_key; /* sent as a bearer token; empty: none. Never in a message. */
    size_t dim;       /* what the index holds: no request at opening. 0: opening asks the service. */
    size_t batch_max; /* texts of a request; 0: 64. A service that refuses a batch for its size is asked with halves. */
    int64_t timeout_ms;             /* of one attempt; 0: 30 s */
    unsigned retry_max;             /* further attempts after 429, 5xx and broken connections; 0: 4; UINT_MAX: none */
    const char *ca_file;            /* trusted certificates (PEM) instead of the system's; NULL: the system's */
    const atomic_bool *cancelled;   /* ends a waiting request; NULL: never */
    void (*sleep_ms)(int64_t time); /* test hook: replaces the waits between attempts */
} floe_embedder_options;

typedef struct floe_embedder floe_embedder;

typedef struct floe_embedder_info {
    floe_embedder_kind kind;
    floe_str model; /* the model's name */
    size_t dim;     /* floats of a vector; none: 0 */
    /* One line that changes when vectors are no longer comparable: kind, model, dimension, pooling, longest text, prefixes
     * and, of local, a hash of weights and vocabulary. Of http it names the model but not the address, so that a service may
     * move; the service is trusted to keep its model. */
    floe_str fingerprint;
    size_t batch_max;    /* texts that one embed call handles best; more are split inside */
    size_t thread_count; /* calls that run beside each other without waiting */
    bool is_alike;       /* a question and a document of one text have one vector: both have the same prefix */
} floe_embedder_info;

/* Opens the embedder. Owns: the caller, until floe_embedder_close. Errors: NOT_FOUND, naming what to run, when the model's
 * files are missing; CORRUPT for damaged ones; UNSUPPORTED for a model beyond what local computes; INVALID for bad options;
 * of http with dim 0 what floe_embedder_embed gives. Thread: any. Cost, local: the weights are mapped and read once for their
 * hash, some 20 ms for MiniLM. */
floe_status floe_embedder_open(const floe_embedder_options *options, floe_embedder **ret_embedder, floe_error *err);
void floe_embedder_close(floe_embedder **embedder);

/* Valid until the close. Thread: any. */
const floe_embedder_info *floe_embedder_describe(const floe_embedder *embedder);

/*
 * Embeds `count` texts. Shape: ret_vectors holds count × dim floats, row-major, each row of length 1; on failure its content
 * is undefined, whatever was embedded before.
 * Rule: equal texts give vectors equal but for rounding, whatever else is in the batch. Texts may be empty (local embeds the
 * two special tokens, http sends a space). Bytes that are not UTF-8: local drops them, http sends U+FFFD. What is longer
 * than the model takes is cut at its end, as the model's makers do.
 * Errors: UNSUPPORTED by none; of http UNAVAILABLE or TIMEOUT (retriable) when the service does not answer well after all
 * attempts, DENIED for a wrong key, INVALID for a refused request, CORRUPT for an answer that is not one vector of the
 * expected dimension per text, CANCELLED. Thread: any; beyond thread_count, calls wait for each other.
 * Cost, local: 21 MFLOP per token for MiniLM; no heap.
 */
floe_status floe_embedder_embed(floe_embedder *embedder, floe_embed_as as, const floe_str *texts, size_t count,
                                float *ret_vectors, floe_error *err);

#endif
