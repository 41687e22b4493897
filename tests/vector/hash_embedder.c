/*
 * See hash_embedder.h.
 */
#include "tests/vector/hash_embedder.h"

#include "core/hash.h"

#include <math.h>
#include <stdio.h>

static void add_trigram(const char *letters, double sum[HASH_EMBEDDER_DIM]) {
    for (size_t i = 0; i < HASH_EMBEDDER_DIM; i++) {
        sum[i] += (double)(floe_xxh64(letters, 3, i) % 2001) - 1000;
    }
}

/* Letters other than a-z and digits end a word; each word is read between two spaces. */
static void embed_one(floe_str text, float *row) {
    double sum[HASH_EMBEDDER_DIM] = {0};
    char last[3] = {' ', ' ', ' '};
    double square = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : ' ';
        last[0] = last[1];
        last[1] = last[2];
        last[2] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : ' ';
        if (last[1] != ' ') {
            add_trigram(last, sum);
        }
    }
    sum[0] += square == 0 ? 1 : 0;
    for (size_t i = 0; i < HASH_EMBEDDER_DIM; i++) {
        square += sum[i] * sum[i];
    }
    for (size_t i = 0; i < HASH_EMBEDDER_DIM; i++) {
        row[i] = (float)(sum[i] / sqrt(square));
    }
}

static floe_status embed(floe_embedder *base, floe_embed_as as, const floe_str *texts, size_t count, float *ret_vectors,
                         floe_error *err) {
    hash_embedder *embedder = (hash_embedder *)base;
    (void)as;
    FLOE_ENSURE(!embedder->fails, err, embedder->code ? embedder->code : FLOE_UNAVAILABLE,
                "the embedder is told to fail");
    embedder->calls++;
    embedder->texts += count;
    for (size_t i = 0; i < count; i++) {
        embed_one(texts[i], ret_vectors + i * HASH_EMBEDDER_DIM);
    }
    return FLOE_OK;
}

static void close_nothing(floe_embedder *embedder) {
    (void)embedder;
}

void hash_embedder_init(hash_embedder *embedder) {
    static const floe_embedder_ops ops = {embed, close_nothing};
    *embedder = (hash_embedder){.base = {.ops = &ops}};
    embedder->base.info = (floe_embedder_info){.kind = FLOE_EMBEDDER_LOCAL,
                                               .model = FLOE_STR("hash"),
                                               .dim = HASH_EMBEDDER_DIM,
                                               .batch_max = 64,
                                               .thread_count = 1};
    (void)snprintf(embedder->base.fingerprint, sizeof(embedder->base.fingerprint), "test/hash/%d", HASH_EMBEDDER_DIM);
    embedder->base.info.fingerprint = floe_str_of(embedder->base.fingerprint);
}
