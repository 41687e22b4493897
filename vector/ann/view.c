/*
 * Views: several indexes searched as one, some of their rows dead. The slots of a part begin at a multiple of 64, so that the
 * bits of a part are whole words of the view's bitmaps.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "vector/ann/store_int.h"

#include <inttypes.h>

/* ---- making ---- */

floe_status floe_view_check_options(const floe_ann_options *options, floe_error *err) {
    FLOE_ENSURE(options->dim >= 1 && options->dim <= FLOE_ANN_DIM_MAX, err, FLOE_INVALID,
                "vectors have %zu dimensions; 1 to %d are possible", options->dim, FLOE_ANN_DIM_MAX);
    FLOE_ENSURE(options->fingerprint.len < FLOE_ANN_FINGERPRINT_MAX, err, FLOE_LIMIT,
                "the model's fingerprint has %zu bytes; %d are possible", options->fingerprint.len,
                FLOE_ANN_FINGERPRINT_MAX - 1);
    FLOE_ENSURE(options->fingerprint.len == 0 || memchr(options->fingerprint.ptr, 0, options->fingerprint.len) == NULL,
                err, FLOE_INVALID, "a fingerprint holds no NUL");
    return FLOE_OK;
}

floe_status floe_view_make(floe_part *const *parts, size_t part_count, const floe_ann_options *options,
                           floe_ann_view **ret_view, floe_error *err) {
    FLOE_CLEANUP(floe_view_release) floe_ann_view *view = NULL;
    FLOE_ENSURE(part_count <= FLOE_ANN_PARTS_MAX, err, FLOE_LIMIT, "a store holds at most %d indexes",
                FLOE_ANN_PARTS_MAX);
    FLOE_TRY(floe_alloc(1, sizeof(*view), &view, err));
    atomic_init(&view->users, 1);
    view->dim = options->dim;
    if (options->fingerprint.len > 0) {
        memcpy(view->fingerprint, options->fingerprint.ptr, options->fingerprint.len);
    }
    for (size_t p = 0; p < part_count; p++) {
        floe_part_keep(parts[p]);
        view->parts[view->part_count++] = parts[p];
        view->bases[p + 1] = view->bases[p] + FLOE_BITS_WORDS(parts[p]->ann->info.count) * 64;
        view->alive_count += parts[p]->ann->info.count;
    }
    FLOE_ENSURE(view->bases[part_count] <= FLOE_ANN_COUNT_MAX, err, FLOE_LIMIT, "a store holds at most %zu vectors",
                FLOE_ANN_COUNT_MAX);
    FLOE_TRY(floe_alloc(view->bases[part_count] / 64, sizeof(*view->alive), &view->alive, err));
    for (size_t p = 0; p < part_count; p++) {
        for (size_t row = 0; row < parts[p]->ann->info.count; row++) {
            size_t slot = view->bases[p] + row;
            view->alive[slot / 64] |= (uint64_t)1 << (slot % 64);
        }
    }
    *ret_view = view;
    view = NULL;
    return FLOE_OK;
}

void floe_view_release(floe_ann_view **view) {
    if (*view != NULL && atomic_fetch_sub(&(*view)->users, 1) == 1) {
        for (size_t p = 0; p < (*view)->part_count; p++) {
            floe_part_release(&(*view)->parts[p]);
        }
        floe_free((*view)->alive);
        floe_free(*view);
    }
    *view = NULL;
}

void floe_view_kill(floe_ann_view *view, size_t slot) {
    if (floe_bit(view->alive, slot)) {
        view->alive[slot / 64] &= ~((uint64_t)1 << (slot % 64));
        view->alive_count--;
    }
}

void floe_view_copy_dead(floe_ann_view *view, const floe_ann_view *from) {
    for (size_t p = 0; p < view->part_count; p++) {
        for (size_t f = 0; f < from->part_count; f++) {
            if (view->parts[p] != from->parts[f]) {
                continue;
            }
            for (size_t row = 0; row < view->parts[p]->ann->info.count; row++) {
                if (!floe_bit(from->alive, from->bases[f] + row)) {
                    floe_view_kill(view, view->bases[p] + row);
                }
            }
        }
    }
}

static const uint64_t *part_bits(const floe_ann_view *view, const uint64_t *bits, size_t part) {
    return bits + view->bases[part] / 64;
}

size_t floe_view_part_alive(const floe_ann_view *view, size_t part) {
    return floe_bits_count(part_bits(view, view->alive, part), view->parts[part]->ann->info.count);
}

void floe_gathered_close(floe_gathered *gathered) {
    floe_free(gathered->ids);
    floe_free(gathered->rows);
    *gathered = (floe_gathered){0};
}

floe_status floe_view_gather(const floe_ann_view *view, size_t from, size_t to, floe_gathered *ret_gathered,
                             floe_error *err) {
    FLOE_CLEANUP(floe_gathered_close) floe_gathered made = {0};
    size_t count = 0;
    for (size_t p = from; p < to; p++) {
        count += floe_view_part_alive(view, p);
    }
    FLOE_TRY(floe_alloc(count, sizeof(*made.ids), &made.ids, err));
    FLOE_TRY(floe_alloc(count, view->dim * sizeof(*made.rows), &made.rows, err));
    for (size_t p = from; p < to; p++) {
        const floe_ann *ann = view->parts[p]->ann;
        for (size_t row = 0; row < ann->info.count; row++) {
            if (floe_bit(view->alive, view->bases[p] + row)) {
                made.ids[made.count] = ann->ids[row];
                memcpy(made.rows + made.count * view->dim, ann->rows + row * view->dim, view->dim * sizeof(float));
                made.count++;
            }
        }
    }
    *ret_gathered = made;
    made = (floe_gathered){0};
    return FLOE_OK;
}

/* ---- looking ---- */

void floe_ann_view_release(const floe_ann_view **view) {
    /* Counting users is the one thing that changes in a view. */
    floe_ann_view *mutable_view = (floe_ann_view *)(uintptr_t)*view;
    floe_view_release(&mutable_view);
    *view = NULL;
}

void floe_ann_view_describe(const floe_ann_view *view, floe_ann_view_info *ret_info) {
    *ret_info = (floe_ann_view_info){.dim = view->dim,
                                     .slot_count = view->bases[view->part_count],
                                     .alive = view->alive_count,
                                     .parts = view->part_count,
                                     .fingerprint = floe_str_of(view->fingerprint)};
}

/* The part that a slot lies in, which must be one of the view's. */
static size_t part_of(const floe_ann_view *view, uint32_t slot) {
    size_t part = 0;
    while (part + 1 < view->part_count && slot >= view->bases[part + 1]) {
        part++;
    }
    return part;
}

bool floe_ann_view_id(const floe_ann_view *view, uint32_t slot, uint64_t *ret_id) {
    if (slot >= view->bases[view->part_count] || !floe_bit(view->alive, slot)) {
        return false;
    }
    size_t part = part_of(view, slot);
    *ret_id = view->parts[part]->ann->ids[slot - view->bases[part]];
    return true;
}

/* Newest part first; an id lives in one part at most. */
bool floe_ann_view_find(const floe_ann_view *view, uint64_t id, uint32_t *ret_slot) {
    for (size_t p = view->part_count; p-- > 0;) {
        uint32_t row = 0;
        if (floe_ann_find(view->parts[p]->ann, id, &row) && floe_bit(view->alive, view->bases[p] + row)) {
            *ret_slot = (uint32_t)view->bases[p] + row;
            return true;
        }
    }
    return false;
}

const float *floe_ann_view_row(const floe_ann_view *view, uint32_t slot) {
    FLOE_ASSERT(slot < view->bases[view->part_count]);
    size_t part = part_of(view, slot);
    return floe_ann_row(view->parts[part]->ann, slot - (uint32_t)view->bases[part]);
}

/* ---- a view by itself ---- */

static floe_status check_new(const floe_ann_view *view, const floe_ann_vectors *more, floe_error *err) {
    for (size_t i = 0; i < more->count; i++) {
        uint32_t slot = 0;
        FLOE_ENSURE(!floe_ann_view_find(view, more->ids[i], &slot), err, FLOE_INVALID,
                    "the id %" PRIu64 " is in the view that is extended", more->ids[i]);
    }
    return FLOE_OK;
}

floe_status floe_ann_view_extend(const floe_ann_view *view, const floe_ann_vectors *more,
                                 const floe_ann_view **ret_view, floe_error *err) {
    FLOE_CLEANUP(floe_part_release) floe_part *part = NULL;
    floe_part *parts[FLOE_ANN_PARTS_MAX + 1];
    floe_ann *ann = NULL;
    floe_ann_view *made = NULL;
    size_t count = view->part_count;
    floe_ann_options options = {.kind = FLOE_ANN_SCAN, .dim = view->dim, .fingerprint = floe_str_of(view->fingerprint)};
    memcpy(parts, view->parts, count * sizeof(parts[0]));
    if (more->count > 0) {
        FLOE_TRY(check_new(view, more, err));
        FLOE_TRY(floe_ann_build(&options, more, &ann, err));
        FLOE_TRY(floe_part_make(&ann, 0, &part, err));
        parts[count++] = part;
    }
    FLOE_TRY(floe_view_make(parts, count, &options, &made, err));
    floe_view_copy_dead(made, view);
    *ret_view = made;
    return FLOE_OK;
}

floe_status floe_ann_view_prepare(const floe_ann_view *view, floe_error *err) {
    for (size_t p = 0; p < view->part_count; p++) {
        FLOE_TRY(floe_ann_prepare(view->parts[p]->ann, err));
    }
    return FLOE_OK;
}

/* ---- searching ---- */

/* Hits of one question, joined part by part. */
typedef struct gathering {
    floe_ann_hit *hits;
    size_t count, k;
} gathering;

static bool comes_first(const floe_ann_hit *a, const floe_ann_hit *b) {
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* Joins the best of one part, which `top` holds, with those of the parts before it: from the end, so that nothing is overwritten
 * before it is read; what is beyond k falls off. Within a part slots ascend with ids. */
static void join(const floe_ann_view *view, size_t part, floe_top *top, gathering *all) {
    const floe_ann *ann = view->parts[part]->ann;
    floe_top_sort(top);
    size_t left = all->count;
    size_t right = top->count;
    size_t total = left + right;
    all->count = total < all->k ? total : all->k;
    while (right > 0) {
        uint32_t slot = top->items[right - 1].slot;
        floe_ann_hit hit = {ann->ids[slot - view->bases[part]], slot, top->items[right - 1].score};
        bool is_last = left == 0 || comes_first(&all->hits[left - 1], &hit);
        floe_ann_hit last = is_last ? hit : all->hits[left - 1];
        right -= is_last;
        left -= !is_last;
        if (--total < all->k) {
            all->hits[total] = last;
        }
    }
    top->count = 0;
}

static void scan_candidates(const floe_ann_view *view, const floe_ann_query *query, floe_top *top, gathering *all) {
    for (size_t p = 0; p < view->part_count; p++) {
        floe_ann_part part = {.ann = view->parts[p]->ann, .base = (uint32_t)view->bases[p]};
        floe_scan scan = floe_ann_part_scan_of(&part, query->vector);
        for (size_t i = 0; i < query->candidate_count; i++) {
            uint32_t slot = query->candidates[i];
            uint32_t row = slot - part.base;
            if (slot >= part.base && slot < view->bases[p + 1] && floe_bit(view->alive, slot)) {
                floe_scan_list(&scan, &row, 1, top);
            }
        }
        join(view, p, top, all);
    }
}

/* `bits`: what may be found, by slot of the view. */
static floe_status search_parts(const floe_ann_view *view, const floe_ann_query *query, const uint64_t *bits,
                                floe_top *top, gathering *all, floe_error *err) {
    for (size_t p = 0; p < view->part_count; p++) {
        const floe_ann *ann = view->parts[p]->ann;
        const uint64_t *mine = part_bits(view, bits, p);
        size_t survivors = floe_bits_count(mine, ann->info.count);
        floe_ann_part part = {.ann = ann,
                              .bits = survivors == ann->info.count ? NULL : mine,
                              .shelf = floe_ann_shelf_part(query->shelf, p),
                              .survivors = survivors,
                              .base = (uint32_t)view->bases[p],
                              .may_graph = query->allowed == NULL || query->may_approximate};
        FLOE_TRY(floe_ann_part_search(&part, query, top, err));
        join(view, p, top, all);
    }
    return FLOE_OK;
}

/* What is allowed and alive. Owns: the caller, floe_free. */
static floe_status both_bits(const floe_ann_view *view, const uint64_t *allowed, uint64_t **ret_bits, floe_error *err) {
    size_t words = view->bases[view->part_count] / 64;
    FLOE_TRY(floe_alloc(words, sizeof(**ret_bits), ret_bits, err));
    for (size_t i = 0; i < words; i++) {
        (*ret_bits)[i] = allowed[i] & view->alive[i];
    }
    return FLOE_OK;
}

floe_status floe_ann_view_search(const floe_ann_view *view, const floe_ann_query *query, floe_ann_hit *ret_hits,
                                 size_t *ret_count, floe_error *err) {
    FLOE_CLEANUP(floe_top_close) floe_top top = {0};
    FLOE_AUTO_FREE uint64_t *both = NULL;
    gathering all = {.hits = ret_hits, .k = query->k};
    FLOE_TRY(floe_ann_check_query(query, view->dim, view->bases[view->part_count], err));
    FLOE_TRY(floe_top_open(&top, query->k, err));
    if (query->candidates != NULL) {
        scan_candidates(view, query, &top, &all);
    } else {
        if (query->allowed != NULL) {
            FLOE_TRY(both_bits(view, query->allowed, &both, err));
        }
        FLOE_TRY(search_parts(view, query, both != NULL ? both : view->alive, &top, &all, err));
    }
    *ret_count = all.count;
    return FLOE_OK;
}

/* ---- several questions ---- */

static void close_tops(floe_top *tops, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floe_top_close(&tops[i]);
    }
}

static floe_status open_tops(const floe_ann_view *view, const floe_ann_query *query, const floe_ann_batch *batch,
                             floe_top *tops, floe_error *err) {
    for (size_t i = 0; i < batch->count; i++) {
        floe_ann_query one = *query;
        one.vector = batch->vectors[i];
        FLOE_TRY(floe_ann_check_query(&one, view->dim, view->bases[view->part_count], err));
        FLOE_TRY(floe_top_open(&tops[i], query->k, err));
        batch->counts[i] = 0;
    }
    return FLOE_OK;
}

static floe_status search_batch(const floe_ann_view *view, const floe_ann_query *query, const floe_ann_batch *batch,
                                floe_top *tops, floe_error *err) {
    FLOE_AUTO_FREE uint64_t *both = NULL;
    FLOE_TRY(open_tops(view, query, batch, tops, err));
    FLOE_TRY(both_bits(view, query->allowed, &both, err));
    for (size_t p = 0; p < view->part_count; p++) {
        floe_ann_part part = {.ann = view->parts[p]->ann, .base = (uint32_t)view->bases[p]};
        floe_scan scan = floe_ann_part_scan_of(&part, NULL);
        floe_sifting by = {atomic_load(&part.ann->codes), floe_ann_shelf_part(query->shelf, p), query->helper,
                           part_bits(view, both, p)};
        FLOE_TRY(floe_sift_bitmap_batch(&scan, &by, batch->vectors, batch->count, tops, err));
        for (size_t i = 0; i < batch->count; i++) {
            gathering all = {batch->hits + i * query->k, batch->counts[i], query->k};
            join(view, p, &tops[i], &all);
            batch->counts[i] = all.count;
        }
    }
    return FLOE_OK;
}

floe_status floe_ann_view_search_batch(const floe_ann_view *view, const floe_ann_query *query,
                                       const floe_ann_batch *batch, floe_error *err) {
    floe_top tops[FLOE_ANN_BATCH_MAX] = {0};
    FLOE_ENSURE(batch->count >= 1 && batch->count <= FLOE_ANN_BATCH_MAX, err, FLOE_INVALID,
                "1 to %d questions can be asked at once, not %zu", FLOE_ANN_BATCH_MAX, batch->count);
    FLOE_ENSURE(query->allowed != NULL && query->candidates == NULL, err, FLOE_INVALID,
                "questions are asked at once of a bitmap");
    floe_status status = search_batch(view, query, batch, tops, err);
    close_tops(tops, batch->count);
    return status;
}
