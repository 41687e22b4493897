/*
 * What the embedders share: their names, rows of length 1, and the fingerprint that says which model made them.
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
