/*
 * Distinct byte strings numbered densely from 0, by open addressing with linear probing at a load of at most one half.
 * Keys of entities, text cells and the values that count_distinct counts all go through here. A slot has bits of the hash
 * beside the number, so that a look at one place nearly always tells; whole numbers have a table of their own.
 */
#include "offline/pit/memory/symbols.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

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

uint64_t floe_pit_symbols_bytes(const pit_symbols *symbols) {
    size_t each = sizeof(*symbols->hashes) + sizeof(*symbols->keys);
    each += symbols->has_values ? sizeof(*symbols->values) : 0;
    return symbols->arena.used + symbols->capacity * sizeof(*symbols->slots) + symbols->room * each;
}

/* The low bits are the place, so the tag is made of the high ones. */
static uint32_t tag_of(uint64_t hash) {
    return (uint32_t)(hash >> 32);
}

static floe_status rehash(pit_symbols *symbols, floe_error *err) {
    size_t capacity = symbols->capacity == 0 ? 64 : symbols->capacity * 2;
    pit_symbol_slot *slots = NULL;
    FLOE_TRY(floe_alloc(capacity, sizeof(*slots), &slots, err));
    for (size_t i = 0; i < symbols->count; i++) {
        size_t at = symbols->hashes[i] & (capacity - 1);
        while (slots[at].symbol != 0) {
            at = (at + 1) & (capacity - 1);
        }
        slots[at] = (pit_symbol_slot){tag_of(symbols->hashes[i]), (uint32_t)i + 1};
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
        if (symbols->has_values) {
            FLOE_TRY(floe_pit_grow(&symbols->values, symbols->room, room, sizeof(*symbols->values), err));
        }
        symbols->room = room;
    }
    return (symbols->count + 1) * 2 > symbols->capacity ? rehash(symbols, err) : FLOE_OK;
}

void floe_pit_symbol_prefetch(const pit_symbols *symbols, uint64_t hash) {
    if (symbols->capacity > 0) {
        __builtin_prefetch(&symbols->slots[hash & (symbols->capacity - 1)]);
    }
}

uint32_t floe_pit_symbol_find(const pit_symbols *symbols, floe_str bytes, uint64_t hash) {
    if (symbols->capacity == 0) {
        return PIT_NO_KEY;
    }
    size_t mask = symbols->capacity - 1;
    for (size_t at = hash & mask; symbols->slots[at].symbol != 0; at = (at + 1) & mask) {
        uint32_t symbol = symbols->slots[at].symbol - 1;
        if (symbols->slots[at].tag == tag_of(hash) && floe_str_equal(symbols->keys[symbol], bytes)) {
            return symbol;
        }
    }
    return PIT_NO_KEY;
}

floe_status floe_pit_symbol(pit_symbols *symbols, floe_str bytes, uint32_t *ret_symbol, bool *ret_new,
                            floe_error *err) {
    uint64_t hash = floe_xxh64(bytes.ptr, bytes.len, 0);
    uint32_t symbol = floe_pit_symbol_find(symbols, bytes, hash);
    if (ret_new) {
        *ret_new = symbol == PIT_NO_KEY;
    }
    if (symbol != PIT_NO_KEY) {
        *ret_symbol = symbol;
        return FLOE_OK;
    }
    FLOE_TRY(make_room(symbols, err));
    floe_str copy = floe_arena_str(&symbols->arena, bytes);
    FLOE_TRY(floe_arena_check(&symbols->arena, err));
    size_t mask = symbols->capacity - 1, at = hash & mask;
    while (symbols->slots[at].symbol != 0) {
        at = (at + 1) & mask;
    }
    symbol = (uint32_t)symbols->count++;
    symbols->hashes[symbol] = hash;
    symbols->keys[symbol] = copy;
    if (symbols->has_values) {
        symbols->values[symbol] = (floe_value){0};
    }
    symbols->slots[at] = (pit_symbol_slot){tag_of(hash), symbol + 1};
    *ret_symbol = symbol;
    return FLOE_OK;
}

/* ---- whole numbers ---- */

/* Fibonacci hashing: the top bits of a product spread numbers that follow one another. */
static size_t place_of(const pit_numbers *numbers, int64_t number) {
    return (size_t)(((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15)) >> numbers->shift);
}

static void put_number(pit_numbers *numbers, pit_number_slot slot) {
    size_t at = place_of(numbers, slot.number);
    while (numbers->slots[at].symbol != 0) {
        at = (at + 1) & (numbers->capacity - 1);
    }
    numbers->slots[at] = slot;
}

static floe_status widen(pit_numbers *numbers, floe_error *err) {
    pit_numbers wider = {.capacity = numbers->capacity == 0 ? 64 : numbers->capacity * 2,
                         .count = numbers->count,
                         .shift = numbers->capacity == 0 ? 58 : numbers->shift - 1};
    FLOE_TRY(floe_alloc(wider.capacity, sizeof(*wider.slots), &wider.slots, err));
    for (size_t i = 0; i < numbers->capacity; i++) {
        if (numbers->slots[i].symbol != 0) {
            put_number(&wider, numbers->slots[i]);
        }
    }
    floe_free(numbers->slots);
    *numbers = wider;
    return FLOE_OK;
}

floe_status floe_pit_number_add(pit_numbers *numbers, int64_t number, uint32_t symbol, floe_error *err) {
    if ((numbers->count + 1) * 2 > numbers->capacity) {
        FLOE_TRY(widen(numbers, err));
    }
    put_number(numbers, (pit_number_slot){number, symbol + 1});
    numbers->count++;
    return FLOE_OK;
}

uint32_t floe_pit_number_find(const pit_numbers *numbers, int64_t number) {
    if (numbers->capacity == 0) {
        return PIT_NO_KEY;
    }
    size_t at = place_of(numbers, number);
    while (numbers->slots[at].symbol != 0 && numbers->slots[at].number != number) {
        at = (at + 1) & (numbers->capacity - 1);
    }
    return numbers->slots[at].symbol - 1; /* of a free one: PIT_NO_KEY */
}

void floe_pit_number_prefetch(const pit_numbers *numbers, int64_t number) {
    if (numbers->capacity > 0) {
        __builtin_prefetch(&numbers->slots[place_of(numbers, number)]);
    }
}

void floe_pit_numbers_close(pit_numbers *numbers) {
    floe_free(numbers->slots);
    *numbers = (pit_numbers){0};
}
