/*
 * Views: several indexes searched as one, some of their rows dead. The slots of a part begin at a multiple of 64, so that the
 * bits of a part are whole words of the view's bitmaps.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "vector/ann/store_int.h"

/* ---- parts ---- */

floe_status floe_part_make(floe_ann **ann, uint64_t number, floe_part **ret_part, floe_error *err) {
    floe_part *part = NULL;
    floe_status status = floe_alloc(1, sizeof(*part), &part, err);
    if (floe_failed(status)) {
        floe_ann_close(ann);
        return status;
    }
    atomic_init(&part->users, 1);
    part->number = number;
    part->ann = *ann;
    *ann = NULL;
    *ret_part = part;
    return FLOE_OK;
}

void floe_part_keep(floe_part *part) {
    atomic_fetch_add(&part->users, 1);
}

void floe_part_release(floe_part **part) {
    if (*part != NULL && atomic_fetch_sub(&(*part)->users, 1) == 1) {
        floe_ann_close(&(*part)->ann);
        floe_free(*part);
    }
    *part = NULL;
}

/* ---- making ---- */

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

/* ---- searching ---- */

static void scan_candidates(const floe_ann_view *view, const floe_ann_query *query, floe_top *top) {
    const floe_dot *dot = floe_dot_best();
    for (size_t i = 0; i < query->candidate_count; i++) {
        uint32_t slot = query->candidates[i];
        if (!floe_bit(view->alive, slot)) {
            continue;
        }
        size_t part = part_of(view, slot);
        const floe_ann *ann = view->parts[part]->ann;
        floe_scan scan = {dot, query->vector, ann->rows, view->dim, ann->info.count, (uint32_t)view->bases[part]};
        uint32_t row = slot - (uint32_t)view->bases[part];
        floe_scan_list(&scan, &row, 1, top);
    }
}

/* `bits`: what may be found, by slot of the view. */
static floe_status search_parts(const floe_ann_view *view, const floe_ann_query *query, const uint64_t *bits,
                                floe_top *top, floe_error *err) {
    for (size_t p = 0; p < view->part_count; p++) {
        const floe_ann *ann = view->parts[p]->ann;
        const uint64_t *mine = part_bits(view, bits, p);
        size_t survivors = floe_bits_count(mine, ann->info.count);
        floe_ann_part part = {.ann = ann,
                              .bits = survivors == ann->info.count ? NULL : mine,
                              .survivors = survivors,
                              .base = (uint32_t)view->bases[p],
                              .may_graph = query->allowed == NULL || query->may_approximate};
        FLOE_TRY(floe_ann_part_search(&part, query, top, err));
    }
    return FLOE_OK;
}

static floe_status search_view(const floe_ann_view *view, const floe_ann_query *query, floe_top *top, floe_error *err) {
    FLOE_AUTO_FREE uint64_t *both = NULL;
    if (query->candidates != NULL) {
        scan_candidates(view, query, top);
        return FLOE_OK;
    }
    if (query->allowed == NULL) {
        return search_parts(view, query, view->alive, top, err);
    }
    size_t words = view->bases[view->part_count] / 64;
    FLOE_TRY(floe_alloc(words, sizeof(*both), &both, err));
    for (size_t i = 0; i < words; i++) {
        both[i] = query->allowed[i] & view->alive[i];
    }
    return search_parts(view, query, both, top, err);
}

floe_status floe_ann_view_search(const floe_ann_view *view, const floe_ann_query *query, floe_ann_hit *ret_hits,
                                 size_t *ret_count, floe_error *err) {
    FLOE_CLEANUP(floe_top_close) floe_top top = {0};
    FLOE_TRY(floe_ann_check_query(query, view->dim, view->bases[view->part_count], err));
    FLOE_TRY(floe_top_open(&top, query->k, err));
    FLOE_TRY(search_view(view, query, &top, err));
    floe_top_sort(&top);
    for (size_t i = 0; i < top.count; i++) {
        uint64_t id = 0;
        FLOE_ASSERT(floe_ann_view_id(view, top.items[i].slot, &id));
        ret_hits[i] = (floe_ann_hit){id, top.items[i].slot, top.items[i].score};
    }
    *ret_count = top.count;
    return FLOE_OK;
}
