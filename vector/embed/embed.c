/*
 * The door of the seam: picks the implementation and checks what every caller and every implementation must keep.
 */
#include "vector/embed/embed_int.h"

floe_status floe_embedder_open(const floe_embedder_options *options, floe_embedder **ret_embedder, floe_error *err) {
    switch (options->kind) {
    case FLOE_EMBEDDER_LOCAL:
        return floe_embedder_local_open(options, ret_embedder, err);
    case FLOE_EMBEDDER_HTTP:
        return floe_embedder_http_open(options, ret_embedder, err);
    case FLOE_EMBEDDER_NONE:
        return floe_embedder_none_open(options, ret_embedder, err);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "there is no embedder of kind %d", (int)options->kind);
}

void floe_embedder_close(floe_embedder **embedder) {
    if (*embedder != NULL) {
        (*embedder)->ops->close(*embedder);
        *embedder = NULL;
    }
}

const floe_embedder_info *floe_embedder_describe(const floe_embedder *embedder) {
    return &embedder->info;
}

floe_status floe_embedder_embed(floe_embedder *embedder, floe_embed_as as, const floe_str *texts, size_t count,
                                float *ret_vectors, floe_error *err) {
    FLOE_ENSURE(as == FLOE_EMBED_DOCUMENT || as == FLOE_EMBED_QUERY, err, FLOE_INVALID,
                "a text is embedded as a document or as a query, not as %d", (int)as);
    return count > 0 ? embedder->ops->embed(embedder, as, texts, count, ret_vectors, err) : FLOE_OK;
}
