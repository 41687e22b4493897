/*
 * The embedder that is none: it has no dimension, and says so when it is asked for a vector.
 */
#include "vector/embed/embed_int.h"

static floe_status none_embed(floe_embedder *embedder, floe_embed_as as, const floe_str *texts, size_t count,
                              float *ret_vectors, floe_error *err) {
    (void)embedder, (void)as, (void)texts, (void)count, (void)ret_vectors;
    return FLOE_FAIL(err, FLOE_UNSUPPORTED,
                     "search: embedder none makes no vectors; write embedder: local or http for search by meaning");
}

static void none_close(floe_embedder *embedder) {
    floe_free(embedder);
}

floe_status floe_embedder_none_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                    floe_error *err) {
    static const floe_embedder_ops ops = {none_embed, none_close};
    floe_embedder *embedder = NULL;
    (void)options;
    FLOE_TRY(floe_alloc(1, sizeof(*embedder), &embedder, err));
    embedder->ops = &ops;
    embedder->info =
        (floe_embedder_info){.kind = FLOE_EMBEDDER_NONE, .model = FLOE_STR("none"), .batch_max = 1, .thread_count = 1};
    floe_embedder_set_fingerprint(embedder, (floe_str){0}, (floe_str){0}, (floe_str){0});
    *ret_embedder = embedder;
    return FLOE_OK;
}
