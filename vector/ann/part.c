/*
 * One index searched by whatever is cheapest: a scan, unless the graph costs less.
 *
 * The cost of both is told in rows: a scan of n rows costs n, a graph searched with a beam of ef some 100 × ef, whatever the
 * dimension. A filter that leaves the share s of the rows needs a beam of ef / s to see as much that may be found.
 */
#include "vector/ann/ann_int.h"

#include "core/mem.h"

floe_scan floe_ann_part_scan_of(const floe_ann_part *part, const float *vector) {
    return (floe_scan){.dot = floe_dot_best(),
                       .query = vector,
                       .rows = part->ann->rows,
                       .dim = part->ann->info.dim,
                       .count = part->ann->info.count,
                       .base = part->base};
}

floe_status floe_ann_part_scan(const floe_ann_part *part, const floe_ann_query *query, floe_top *top, floe_error *err) {
    floe_scan scan = floe_ann_part_scan_of(part, query->vector);
    if (part->bits != NULL) {
        floe_sifting by = {atomic_load(&part->ann->codes), part->shelf, query->helper, part->bits};
        return floe_sift_bitmap_batch(&scan, &by, &query->vector, 1, top, err);
    }
    floe_scan_all(&scan, top);
    return FLOE_OK;
}

/* The beam that k neighbours among the survivors want; above the index's own rounded up to a power of two, so that most
 * searches share one. */
static size_t beam_of(const floe_ann_part *part, size_t k) {
    double share = (double)part->survivors / (double)part->ann->info.count;
    size_t own = part->ann->info.ef_search;
    double wanted = (double)(own > 2 * k ? own : 2 * k) / share;
    size_t beam = FLOE_ANN_EF_MIN;
    /* A few dead rows are no reason for another beam. */
    if (wanted <= 1.25 * (double)own) {
        return own;
    }
    while ((double)beam < wanted && beam <= FLOE_ANN_EF_MAX) {
        beam *= 2;
    }
    return beam;
}

/* FAISS finds, we score: a few more than k, because half precision may swap near ones. */
floe_status floe_ann_part_faiss(const floe_ann_part *part, const floe_ann_query *query, size_t beam, floe_top *top,
                                bool *ret_enough, floe_error *err) {
    FLOE_AUTO_FREE int64_t *rows = NULL;
    FLOE_AUTO_FREE float *scores = NULL;
    FLOE_AUTO_FREE uint32_t *list = NULL;
    size_t k = query->k + query->k / 2 + 16;
    size_t found = 0;
    k = k < part->survivors ? k : part->survivors;
    FLOE_TRY(floe_alloc(k, sizeof(*rows), &rows, err));
    FLOE_TRY(floe_alloc(k, sizeof(*scores), &scores, err));
    FLOE_TRY(floe_alloc(k, sizeof(*list), &list, err));
    floe_faiss_query asked = {query->vector, k, (unsigned)beam, part->bits, part->ann->info.count};
    FLOE_TRY(floe_faiss_search(part->ann->faiss, &asked, rows, scores, err));
    for (size_t i = 0; i < k; i++) {
        if (rows[i] >= 0) {
            list[found++] = (uint32_t)rows[i];
        }
    }
    *ret_enough = found >= (query->k < part->survivors ? query->k : part->survivors);
    if (*ret_enough) {
        floe_scan scan = floe_ann_part_scan_of(part, query->vector);
        floe_scan_list(&scan, list, found, top);
    }
    return FLOE_OK;
}

floe_status floe_ann_part_search(const floe_ann_part *part, const floe_ann_query *query, floe_top *top,
                                 floe_error *err) {
    floe_ann_kind kind = part->ann->info.kind;
    bool enough = false;
    if (part->survivors == 0) {
        return FLOE_OK;
    }
    if (kind == FLOE_ANN_FLAT) {
        FLOE_TRY(floe_ann_part_faiss(part, query, 0, top, &enough, err));
    } else if (kind == FLOE_ANN_HNSW && part->may_graph) {
        size_t beam = beam_of(part, query->k);
        /* Below some rows the graph never pays; an index that was built small on purpose is asked all the same. */
        bool is_cheaper = part->survivors > FLOE_ANN_ROWS_PER_BEAM * beam || part->ann->info.count < FLOE_ANN_GRAPH_MIN;
        if (beam <= FLOE_ANN_EF_MAX && is_cheaper) {
            FLOE_TRY(floe_ann_part_faiss(part, query, beam, top, &enough, err));
        }
    }
    /* A graph may not reach as many as there are; then every row is looked at. */
    return enough ? FLOE_OK : floe_ann_part_scan(part, query, top, err);
}
