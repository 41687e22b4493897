/*
 * See sight_int.h. Thread: as the handle, one at a time.
 */
#include "vector/sight_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define SIGHT_ARENA_MAX FLOE_GIB(16)

floe_status floe_sight_ready(floe_sight *sight, floe_error *err) {
    floe_ranker_init(&sight->ranker, &sight->corpus, sight->has_meaning ? &sight->meaning : NULL, &sight->arena);
    sight->asked = floe_arena_alloc(&sight->arena, sight->corpus.scope_count + 1, sizeof(bool));
    sight->answers = floe_answers_open();
    return floe_arena_check(&sight->arena, err);
}

void floe_sight_close(floe_sight *sight) {
    floe_answers_close(&sight->answers);
    floe_meaning_close(&sight->meaning);
    floe_arena_close(&sight->arena);
    sight->has_meaning = false;
}

/* ---- making ---- */

static void free_sight(floe_sight **sight) {
    if (*sight) {
        floe_sight_close(*sight);
        floe_free(*sight);
        *sight = NULL;
    }
}

static floe_status fill(floe_sight *sight, floe_sight *whole, const floe_role *role, bool *ret_whole, floe_error *err) {
    floe_unit *units = NULL;
    size_t count = 0;
    floe_scope_copy(role, &sight->arena, &sight->role);
    floe_scope_units(&sight->role, whole->corpus.units, whole->corpus.unit_count, &sight->arena, &units, &count,
                     ret_whole);
    FLOE_TRY(floe_arena_check(&sight->arena, err));
    if (*ret_whole) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_corpus_build(units, count, whole->corpus.abbreviations, &sight->arena, &sight->corpus, err));
    if (whole->has_meaning) {
        sight->has_meaning = true;
        FLOE_TRY(floe_meaning_share(&whole->meaning, &sight->corpus, &sight->meaning, err));
    }
    return floe_sight_ready(sight, err);
}

/* A role that sees everything gets a sight without anything in it, which stands for the whole. */
static floe_status make(floe_sight *whole, const floe_role *role, floe_sight **ret_sight, floe_error *err) {
    FLOE_CLEANUP(free_sight) floe_sight *sight = NULL;
    bool is_whole = false;
    FLOE_TRY(floe_alloc(1, sizeof(*sight), &sight, err));
    floe_arena_init(&sight->arena, SIGHT_ARENA_MAX);
    FLOE_TRY(fill(sight, whole, role, &is_whole, err));
    if (is_whole) {
        floe_arena_reset(&sight->arena);
        floe_scope_copy(role, &sight->arena, &sight->role);
        FLOE_TRY(floe_arena_check(&sight->arena, err));
    }
    *ret_sight = sight;
    sight = NULL;
    return FLOE_OK;
}

/* ---- keeping ---- */

static size_t entries_of(const floe_sight *sight) {
    return sight->corpus.table_count + sight->corpus.column_count + sight->corpus.feature_count;
}

static bool is_full(const floe_sights *sights, const floe_sight *whole) {
    size_t entries = 0;
    for (size_t i = 0; i < sights->count; i++) {
        entries += entries_of(sights->items[i]);
    }
    return sights->count == FLOE_SIGHTS_MAX || entries > FLOE_SIGHTS_SHARE * entries_of(whole);
}

static void drop_oldest(floe_sights *sights) {
    size_t oldest = 0;
    for (size_t i = 1; i < sights->count; i++) {
        oldest = sights->items[i]->used < sights->items[oldest]->used ? i : oldest;
    }
    free_sight(&sights->items[oldest]);
    sights->items[oldest] = sights->items[--sights->count];
}

static floe_sight *find(const floe_sights *sights, const floe_role *role) {
    for (size_t i = 0; i < sights->count; i++) {
        if (floe_scope_same(&sights->items[i]->role, role)) {
            return sights->items[i];
        }
    }
    return NULL;
}

floe_status floe_sights_of(floe_sights *sights, floe_sight *whole, const floe_role *role, floe_sight **ret_sight,
                           floe_error *err) {
    floe_sight *sight = role ? find(sights, role) : whole;
    if (!sight) {
        while (sights->count > 0 && is_full(sights, whole)) {
            drop_oldest(sights);
        }
        FLOE_TRY(make(whole, role, &sight, err));
        sights->items[sights->count++] = sight;
    }
    sight->used = ++sights->clock;
    /* Only a sight that stands for the whole was never given scratch. */
    *ret_sight = sight->asked ? sight : whole;
    return FLOE_OK;
}

bool floe_sights_wants(const floe_sights *sights, const floe_sight *whole, const floe_role *role) {
    return find(sights, role) == NULL && !is_full(sights, whole);
}

void floe_sights_close(floe_sights *sights) {
    while (sights->count > 0) {
        free_sight(&sights->items[--sights->count]);
    }
}
