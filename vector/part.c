/*
 * The vectors of a part of an index: those of the whole, shared, and behind them those of texts that only the part has.
 *
 * A document that lost its hidden columns reads otherwise than the one that was indexed, so it is embedded when the part is
 * made. These are few (a table or view per denied column), and they are scanned.
 */
#include "vector/meaning_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define TEXT_ARENA_MAX FLOE_GIB(1)
#define EMBED_AT_ONCE 256

typedef struct missing {
    const floe_ann_view *view;
    floe_arena arena;
    floe_map known;
    floe_str *texts;
    size_t count, capacity;
} missing;

static void missing_close(missing *all) {
    floe_arena_close(&all->arena);
}

static floe_status take_text(void *context, floe_link_id link, size_t part, floe_str text, floe_error *err) {
    missing *all = context;
    uint32_t slot = 0;
    (void)link;
    (void)part;
    if (floe_ann_view_find(all->view, floe_wording_id(text), &slot) || floe_map_get(&all->known, text)) {
        return FLOE_OK;
    }
    floe_str copy = floe_arena_str(&all->arena, text);
    floe_str *added = FLOE_ARENA_PUSH(&all->arena, all->texts, all->count, all->capacity);
    FLOE_TRY(floe_arena_check(&all->arena, err));
    *added = copy;
    (void)floe_map_put(&all->known, copy, all);
    return floe_arena_check(&all->arena, err);
}

static floe_status find_missing(floe_corpus *corpus, missing *all, floe_error *err) {
    floe_wording_sink sink = {.text = take_text, .context = all};
    for (size_t i = 0; i < corpus->unit_count; i++) {
        FLOE_TRY(floe_wording_each(&corpus->units[i], &corpus->speller, &sink, err));
    }
    return FLOE_OK;
}

static floe_status embed(floe_embedder *embedder, const missing *all, uint64_t *ids, float *rows, floe_error *err) {
    size_t dim = floe_embedder_describe(embedder)->dim;
    floe_error cause = {0};
    for (size_t from = 0; from < all->count; from += EMBED_AT_ONCE) {
        size_t count = all->count - from < EMBED_AT_ONCE ? all->count - from : EMBED_AT_ONCE;
        if (floe_failed(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, all->texts + from, count, rows + from * dim,
                                            &cause))) {
            return floe_embedding_failed(&cause, err);
        }
    }
    for (size_t i = 0; i < all->count; i++) {
        ids[i] = floe_wording_id(all->texts[i]);
    }
    return FLOE_OK;
}

/* The view of the whole with the texts that it has not. */
static floe_status extend(const floe_meaning *whole, const missing *all, const floe_ann_view **ret_view,
                          floe_error *err) {
    FLOE_AUTO_FREE uint64_t *ids = NULL;
    FLOE_AUTO_FREE float *rows = NULL;
    FLOE_TRY(floe_alloc(all->count, sizeof(*ids), &ids, err));
    FLOE_TRY(floe_alloc(all->count * whole->dim, sizeof(*rows), &rows, err));
    FLOE_TRY(embed(whole->embedder, all, ids, rows, err));
    floe_ann_vectors vectors = {ids, rows, all->count};
    return floe_ann_view_extend(whole->view, &vectors, ret_view, err);
}

floe_status floe_meaning_share(const floe_meaning *whole, floe_corpus *corpus, floe_meaning *ret_meaning,
                               floe_error *err) {
    __attribute__((cleanup(missing_close))) missing all = {.view = whole->view};
    floe_arena_init(&all.arena, TEXT_ARENA_MAX);
    floe_map_init(&all.known, &all.arena);
    *ret_meaning = (floe_meaning){
        .embedder = whole->embedder, .corpus = corpus, .dim = whole->dim, .is_part = true, .helper = whole->helper};
    FLOE_TRY(find_missing(corpus, &all, err));
    FLOE_TRY(extend(whole, &all, &ret_meaning->view, err));
    return floe_meaning_link(ret_meaning, corpus, err);
}
