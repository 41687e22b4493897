/*
 * The vectors of a part of an index: those of the file, shared, and behind them those of texts that only the part has.
 *
 * A document that lost its hidden columns reads otherwise than the one that was indexed, so it is embedded when the part is
 * made. These are few (a table or view per denied column), and they are scanned.
 */
#include "vector/meaning_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define TEXT_ARENA_MAX FLOE_GIB(1)
#define EMBED_AT_ONCE 256

/* ---- file and extra texts as one ---- */

bool floe_meaning_find(const floe_meaning *meaning, uint64_t id, uint32_t *ret_slot) {
    uint32_t slot = 0;
    if (floe_ann_find(meaning->ann, id, ret_slot)) {
        return true;
    }
    if (!meaning->extra || !floe_ann_find(meaning->extra, id, &slot)) {
        return false;
    }
    *ret_slot = slot + (uint32_t)meaning->extra_slot;
    return true;
}

const float *floe_meaning_row(const floe_meaning *meaning, uint32_t slot) {
    bool is_extra = meaning->extra && slot >= meaning->extra_slot;
    return is_extra ? floe_ann_row(meaning->extra, slot - (uint32_t)meaning->extra_slot)
                    : floe_ann_row(meaning->ann, slot);
}

static bool comes_first(const floe_ann_hit *a, const floe_ann_hit *b) {
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* The k best of two sorted lists, into `hits`, which holds the first list. */
static size_t merge(floe_ann_hit *hits, size_t count, const floe_ann_hit *more, size_t more_count, size_t k) {
    size_t left = count;
    size_t right = more_count;
    size_t total = count + more_count;
    /* From the end, so that nothing is overwritten before it is read; what is beyond k falls off. */
    while (right > 0) {
        bool take_more = left == 0 || comes_first(&hits[left - 1], &more[right - 1]);
        floe_ann_hit last = take_more ? more[--right] : hits[--left];
        if (--total < k) {
            hits[total] = last;
        }
    }
    total = count + more_count;
    return total < k ? total : k;
}

floe_status floe_meaning_near(const floe_meaning *meaning, const floe_ann_query *query, floe_ann_hit *ret_hits,
                              size_t *ret_count, floe_error *err) {
    FLOE_TRY(floe_ann_search(meaning->ann, query, ret_hits, ret_count, err));
    if (!meaning->extra) {
        return FLOE_OK;
    }
    FLOE_AUTO_FREE floe_ann_hit *more = NULL;
    size_t more_count = 0;
    floe_ann_query rest = *query;
    rest.allowed = query->allowed + meaning->extra_slot / 64;
    FLOE_TRY(floe_alloc(query->k, sizeof(*more), &more, err));
    FLOE_TRY(floe_ann_search(meaning->extra, &rest, more, &more_count, err));
    for (size_t i = 0; i < more_count; i++) {
        more[i].slot += (uint32_t)meaning->extra_slot;
    }
    *ret_count = merge(ret_hits, *ret_count, more, more_count, query->k);
    return FLOE_OK;
}

/* ---- making a part ---- */

typedef struct missing {
    const floe_ann *ann;
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
    if (floe_ann_find(all->ann, floe_wording_id(text), &slot) || floe_map_get(&all->known, text)) {
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
    for (size_t from = 0; from < all->count; from += EMBED_AT_ONCE) {
        size_t count = all->count - from < EMBED_AT_ONCE ? all->count - from : EMBED_AT_ONCE;
        FLOE_TRY(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, all->texts + from, count, rows + from * dim, err));
    }
    for (size_t i = 0; i < all->count; i++) {
        ids[i] = floe_wording_id(all->texts[i]);
    }
    return FLOE_OK;
}

static floe_status build_extra(floe_meaning *meaning, const missing *all, floe_error *err) {
    const floe_embedder_info *about = floe_embedder_describe(meaning->embedder);
    FLOE_AUTO_FREE uint64_t *ids = NULL;
    FLOE_AUTO_FREE float *rows = NULL;
    FLOE_TRY(floe_alloc(all->count, sizeof(*ids), &ids, err));
    FLOE_TRY(floe_alloc(all->count * about->dim, sizeof(*rows), &rows, err));
    FLOE_TRY(embed(meaning->embedder, all, ids, rows, err));
    floe_ann_options options = {.kind = FLOE_ANN_SCAN, .dim = about->dim, .fingerprint = about->fingerprint};
    floe_ann_vectors vectors = {ids, rows, all->count};
    FLOE_TRY(floe_ann_build(&options, &vectors, &meaning->extra, err));
    meaning->extra_slot = (meaning->slot_count + 63) / 64 * 64;
    meaning->slot_count = meaning->extra_slot + all->count;
    return FLOE_OK;
}

floe_status floe_meaning_share(const floe_meaning *whole, floe_corpus *corpus, floe_meaning *ret_meaning,
                               floe_error *err) {
    __attribute__((cleanup(missing_close))) missing all = {.ann = whole->ann};
    floe_arena_init(&all.arena, TEXT_ARENA_MAX);
    floe_map_init(&all.known, &all.arena);
    *ret_meaning = *whole;
    ret_meaning->corpus = corpus;
    ret_meaning->is_part = true;
    ret_meaning->is_masked = false;
    ret_meaning->extra = NULL;
    ret_meaning->recall = NULL;
    FLOE_TRY(find_missing(corpus, &all, err));
    if (all.count > 0) {
        FLOE_TRY(build_extra(ret_meaning, &all, err));
    }
    return floe_meaning_link(ret_meaning, corpus, err);
}
