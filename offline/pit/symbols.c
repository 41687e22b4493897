/*
 * Distinct byte strings numbered densely from 0, by open addressing with linear probing at a load of at most one half.
 * Keys of entities, text cells and the values that count_distinct counts all go through here.
 */
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/pit_int.h"

void floe_pit_symbols_init(pit_symbols *symbols) {
    *symbols = (pit_symbols){0};
    floe_arena_init(&symbols->arena, FLOE_GIB(64));
}

void floe_pit_symbols_close(pit_symbols *symbols) {
    floe_arena_close(&symbols->arena);
    floe_free(symbols->slots);
    floe_free(symbols->hashes);
    floe_free(symbols->keys);
    floe_free(symbols->values);
    *symbols = (pit_symbols){0};
}

floe_status floe_pit_grow(void *items, size_t room, size_t need, size_t element_len, floe_error *err) {
    FLOE_ENSURE(need <= PIT_ROW_MAX, err, FLOE_LIMIT, "more than %u rows per source and filter", PIT_ROW_MAX);
    return need <= room ? FLOE_OK : floe_realloc(items, need, element_len, err);
}

static floe_status rehash(pit_symbols *symbols, floe_error *err) {
    size_t capacity = symbols->capacity == 0 ? 64 : symbols->capacity * 2;
    uint32_t *slots = NULL;
    FLOE_TRY(floe_alloc(capacity, sizeof(*slots), &slots, err));
    for (size_t i = 0; i < symbols->count; i++) {
        size_t at = symbols->hashes[i] & (capacity - 1);
        while (slots[at] != 0) {
            at = (at + 1) & (capacity - 1);
        }
        slots[at] = (uint32_t)i + 1;
    }
    floe_free(symbols->slots);
    symbols->slots = slots;
    symbols->capacity = capacity;
    return FLOE_OK;
}

static floe_status make_room(pit_symbols *symbols, floe_error *err) {
    if (symbols->count == symbols->room) {
        size_t room = symbols->room == 0 ? 32 : symbols->room * 2;
        FLOE_TRY(floe_pit_grow(&symbols->hashes, symbols->room, room, sizeof(*symbols->hashes), err));
        FLOE_TRY(floe_pit_grow(&symbols->keys, symbols->room, room, sizeof(*symbols->keys), err));
        FLOE_TRY(floe_pit_grow(&symbols->values, symbols->room, room, sizeof(*symbols->values), err));
        symbols->room = room;
    }
    return (symbols->count + 1) * 2 > symbols->capacity ? rehash(symbols, err) : FLOE_OK;
}

floe_status floe_pit_symbol(pit_symbols *symbols, floe_str bytes, bool add, uint32_t *ret_symbol, bool *ret_new,
                            floe_error *err) {
    if (add) {
        FLOE_TRY(make_room(symbols, err));
    }
    uint64_t hash = floe_xxh64(bytes.ptr, bytes.len, 0);
    size_t mask = symbols->capacity - 1;
    size_t at = symbols->capacity == 0 ? 0 : hash & mask;
    while (symbols->capacity != 0 && symbols->slots[at] != 0) {
        uint32_t symbol = symbols->slots[at] - 1;
        if (symbols->hashes[symbol] == hash && floe_str_equal(symbols->keys[symbol], bytes)) {
            *ret_symbol = symbol;
            if (ret_new) {
                *ret_new = false;
            }
            return FLOE_OK;
        }
        at = (at + 1) & mask;
    }
    if (!add) {
        *ret_symbol = PIT_NO_KEY;
        return FLOE_OK;
    }
    floe_str copy = floe_arena_str(&symbols->arena, bytes);
    FLOE_TRY(floe_arena_check(&symbols->arena, err));
    uint32_t symbol = (uint32_t)symbols->count++;
    symbols->hashes[symbol] = hash;
    symbols->keys[symbol] = copy;
    symbols->values[symbol] = (floe_value){0};
    symbols->slots[at] = symbol + 1;
    *ret_symbol = symbol;
    if (ret_new) {
        *ret_new = true;
    }
    return FLOE_OK;
}
