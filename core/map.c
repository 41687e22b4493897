/*
 * Map: linear probing, at most three quarters full, doubled by rehashing into new slots (the old ones stay in the arena
 * until it is reset).
 */
#include "core/map.h"

#include "core/hash.h"

#define FIRST_CAPACITY 16

void floe_map_init(floe_map *map, floe_arena *arena) {
    *map = (floe_map){.arena = arena};
}

/* The slot that holds the key, or the empty one where it belongs. There is always an empty one. */
static floe_map_slot *probe(floe_map_slot *slots, size_t capacity, floe_str key, uint64_t hash) {
    size_t at = (size_t)hash & (capacity - 1);
    while (slots[at].key.ptr != NULL && !(slots[at].hash == hash && floe_str_equal(slots[at].key, key))) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

void *floe_map_get(const floe_map *map, floe_str key) {
    if (map->count == 0) {
        return NULL;
    }
    return probe(map->slots, map->capacity, key, floe_xxh64(key.ptr, key.len, 0))->value;
}

static bool grow(floe_map *map) {
    size_t capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    floe_map_slot *slots = floe_arena_alloc(map->arena, capacity, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        floe_map_slot *old = &map->slots[i];
        if (old->key.ptr != NULL) {
            *probe(slots, capacity, old->key, old->hash) = *old;
        }
    }
    map->slots = slots;
    map->capacity = capacity;
    return true;
}

void *floe_map_put(floe_map *map, floe_str key, void *value) {
    if (key.ptr == NULL) {
        key = FLOE_STR("");
    }
    if ((map->count + 1) * 4 > map->capacity * 3 && !grow(map)) {
        return NULL;
    }
    uint64_t hash = floe_xxh64(key.ptr, key.len, 0);
    floe_map_slot *slot = probe(map->slots, map->capacity, key, hash);
    void *earlier = slot->value;
    if (slot->key.ptr == NULL) {
        *slot = (floe_map_slot){.key = key, .hash = hash};
        map->count++;
    }
    slot->value = value;
    return earlier;
}
