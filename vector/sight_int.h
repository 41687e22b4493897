/*
 * Sights: what a handle searches in. One sight is of the whole index; each role that asks gets one of its own, made from the
 * units it sees (scope_int.h), so that its answers are those of an index which holds nothing else.
 *
 * The vectors are shared: a role's sight has the slots of the whole file and behind them, from a multiple of 64 on, those of
 * the few texts that only it has: documents without their hidden parts, embedded when the sight is made. Sights are kept and
 * used again, the least recently used ones making room when those of all roles together hold several times what the index
 * holds.
 */
#ifndef FLOE_VECTOR_SIGHT_INT_H
#define FLOE_VECTOR_SIGHT_INT_H

#include "vector/answers_int.h"
#include "vector/meaning_int.h"
#include "vector/scope_int.h"

typedef struct floe_sight {
    floe_arena arena; /* everything below, and what it points to */
    floe_role role;   /* of a role's */
    floe_corpus corpus;
    floe_meaning meaning; /* with an embedder */
    bool has_meaning;
    floe_ranker ranker;
    bool *asked;           /* by scope */
    floe_answers *answers; /* given before; NULL: none are kept */
    uint64_t used;
} floe_sight;

/* Scratch for questions, when corpus and meaning are there. */
floe_status floe_sight_ready(floe_sight *sight, floe_error *err);
/* Gives everything back; the sight can be loaded again. Safe on a zeroed one. */
void floe_sight_close(floe_sight *sight);

#define FLOE_SIGHTS_MAX 64
/* Sights of roles may hold so many times the entries of the index, all together. */
#define FLOE_SIGHTS_SHARE 4

typedef struct floe_sights {
    floe_sight *items[FLOE_SIGHTS_MAX];
    size_t count;
    uint64_t clock;
} floe_sights;

/* What the role sees of `whole`; NULL, and a role that sees everything: `whole` itself. Owns: the sights, until they are
 * closed; valid until the next call. Errors: NOMEM, LIMIT; those of the embedder. Cost: nothing when it is there, else as
 * loading that much of an index. */
floe_status floe_sights_of(floe_sights *sights, floe_sight *whole, const floe_role *role, floe_sight **ret_sight,
                           floe_error *err);
/* Whether what the role sees is still to be made, and there is room for it beside the others. */
bool floe_sights_wants(const floe_sights *sights, const floe_sight *whole, const floe_role *role);
void floe_sights_close(floe_sights *sights);

#endif
