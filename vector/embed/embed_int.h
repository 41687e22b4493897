/*
 * What each implementation of the seam provides. Every one begins with struct floe_embedder, fills `info` before it is
 * handed out, and is then used through the two functions alone.
 */
#ifndef FLOE_VECTOR_EMBED_EMBED_INT_H
#define FLOE_VECTOR_EMBED_EMBED_INT_H

#include "core/mem.h"
#include "vector/embed/embed.h"

typedef struct floe_embedder_ops {
    /* count >= 1. */
    floe_status (*embed)(floe_embedder *embedder, floe_embed_as as, const floe_str *texts, size_t count,
                         float *ret_vectors, floe_error *err);
    void (*close)(floe_embedder *embedder); /* frees the embedder itself too */
} floe_embedder_ops;

struct floe_embedder {
    const floe_embedder_ops *ops;
    floe_embedder_info info;
    char fingerprint[FLOE_EMBED_FINGERPRINT_MAX];
};

floe_status floe_embedder_none_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                    floe_error *err);
floe_status floe_embedder_local_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                     floe_error *err);
/* Where the model lies when the options do not say: FLOE_MODEL_DIR of the environment, else of the build; perhaps "". */
const char *floe_embedder_local_folder(void);
floe_status floe_embedder_http_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                    floe_error *err);

/* Sets the fingerprint: "kind/model/dim/" and a hash of model, `detail` and both prefixes. */
void floe_embedder_set_fingerprint(floe_embedder *embedder, floe_str detail, floe_str query_prefix,
                                   floe_str document_prefix);

/* Scales a row to length 1; false when it has no length, or none that a float holds. */
bool floe_embed_normalise(float *row, size_t dim);

#endif
