/*
 * Random catalogs, definitions and roles, and what is left of them for a role: worked out here by comparing texts, apart from
 * how the search does it. An index built from what is left is the oracle of a search for the role.
 */
#ifndef FLOE_TESTS_VECTOR_WORLD_H
#define FLOE_TESTS_VECTOR_WORLD_H

#include "tests/support/support.h"

#include "core/buf.h"
#include "registry/registry.h"
#include "vector/vector.h"

typedef struct world {
    floe_arena *arena;
    floe_catalog_table *tables;
    size_t table_count;
    floe_definitions definitions;
} world;

/* A word of the worlds' vocabulary. */
const char *world_word(floe_test_rng *rng);
/* About so many tables; a few of them come twice by chance and count once. */
void world_random(floe_test_rng *rng, size_t tables, floe_arena *arena, world *ret_world);
/* A role over the world's names, and over some that it has not. */
void world_role(floe_test_rng *rng, const world *whole, floe_role *ret_role);
/* What the role sees of the world. */
void world_scoped(const world *whole, const floe_role *role, world *ret_part);
/* How many tables, columns, features and so on there are, to see that something was hidden. */
size_t world_size(const world *all);

/* Builds the index of a world; `embedder` may be NULL. */
void world_index(const world *all, const char *folder, floe_embedder *embedder);

#endif
