/*
 * The door of the seam: picks the implementation and checks what every caller and every implementation must keep.
 */
#include "vector/embed/embed_int.h"

#include "core/hash.h"

#include <math.h>
#include <stdio.h>

const char *floe_embedder_kind_name(floe_embedder_kind kind) {
    switch (kind) {
    case FLOE_EMBEDDER_LOCAL:
        return "local";
    case FLOE_EMBEDDER_HTTP:
        return "http";
    case FLOE_EMBEDDER_NONE:
    default:
        return "none";
    }
}

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

static uint64_t hash_more(uint64_t hash, floe_str text) {
    uint64_t len = text.len;
    hash = floe_xxh64(&len, sizeof(len), hash);
    return floe_xxh64(text.ptr != NULL ? text.ptr : "", text.len, hash);
}

void floe_embedder_set_fingerprint(floe_embedder *embedder, floe_str detail, floe_str query_prefix,
                                   floe_str document_prefix) {
    const floe_embedder_info *info = &embedder->info;
    uint64_t hash = hash_more(1, info->model);
    hash = hash_more(hash, detail);
    hash = hash_more(hash, query_prefix);
    hash = hash_more(hash, document_prefix);
    (void)snprintf(embedder->fingerprint, sizeof(embedder->fingerprint), "%s/%.*s/%zu/%016llx",
                   floe_embedder_kind_name(info->kind), FLOE_STR_BRIEF(info->model), info->dim,
                   (unsigned long long)hash);
    embedder->info.fingerprint = floe_str_of(embedder->fingerprint);
    embedder->info.is_alike = floe_str_equal(query_prefix, document_prefix);
}

bool floe_embed_normalise(float *row, size_t dim) {
    double squares = 0;
    for (size_t i = 0; i < dim; i++) {
        squares += (double)row[i] * row[i];
    }
    if (!(squares > 0) || !isfinite(squares)) {
        return false;
    }
    double scale = 1.0 / sqrt(squares);
    for (size_t i = 0; i < dim; i++) {
        row[i] = (float)(row[i] * scale);
    }
    return true;
}
