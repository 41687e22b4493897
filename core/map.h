/*
 * A map from byte strings to pointers, open addressing, inside an arena. Keys are borrowed: they must live as long as
 * the map. No removal. Thread: one at a time while it grows; any number of readers afterwards.
 */
#ifndef FLOE_CORE_MAP_H
#define FLOE_CORE_MAP_H

#include "core/arena.h"
#include "core/str.h"

typedef struct floe_map_slot {
    floe_str key; /* ptr NULL: empty */
    uint64_t hash;
    void *value;
} floe_map_slot;

typedef struct floe_map {
    floe_arena *arena;
    floe_map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} floe_map;

void floe_map_init(floe_map *map, floe_arena *arena);
/* The value, or NULL. */
void *floe_map_get(const floe_map *map, floe_str key);
/* Sets the value and returns the earlier one, or NULL. A failed growth sets the arena's overflow flag. */
void *floe_map_put(floe_map *map, floe_str key, void *value);

#endif
