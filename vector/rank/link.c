/*
 * Tables that are linked by a key, declared or inferred: each knows its neighbours.
 */
#include "vector/rank/rank_int.h"

static bool has_neighbour(const floe_table_entry *table, uint32_t other) {
    for (size_t i = 0; i < table->neighbour_count; i++) {
        if (table->neighbours[i] == other) {
            return true;
        }
    }
    return false;
}

static void add_neighbour(floe_corpus *corpus, uint32_t from, uint32_t to) {
    floe_table_entry *table = &corpus->tables[from];
    uint32_t *added =
        FLOE_ARENA_PUSH(corpus->arena, table->neighbours, table->neighbour_count, table->neighbour_capacity);
    if (added) {
        *added = to;
    }
}

/* Who has whom is mutual, so the one with fewer is asked: a hub has thousands. */
void floe_corpus_link(floe_corpus *corpus, uint32_t a, uint32_t b) {
    bool few = corpus->tables[a].neighbour_count <= corpus->tables[b].neighbour_count;
    if (!(few ? has_neighbour(&corpus->tables[a], b) : has_neighbour(&corpus->tables[b], a))) {
        add_neighbour(corpus, a, b);
        add_neighbour(corpus, b, a);
    }
}
