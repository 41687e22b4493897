/*
 * Distinct byte strings, and whole numbers, by number: keys of entities, text cells, and the values that count_distinct
 * counts. Thread: one at a time; looks alone, several.
 */
#ifndef FLOE_OFFLINE_PIT_MEMORY_SYMBOLS_H
#define FLOE_OFFLINE_PIT_MEMORY_SYMBOLS_H

#include "core/arena.h"
#include "core/value.h"
#include "offline/pit/memory/grow.h"

/* A symbol and some bits of its hash, so that most of those that are not asked for are passed over without a look. */
typedef struct pit_symbol_slot {
    uint32_t tag;
    uint32_t symbol; /* + 1; 0: free */
} pit_symbol_slot;

/* Distinct values numbered densely from 0: text, bytes, lists, and whatever count_distinct looks at. */
typedef struct pit_symbols {
    floe_arena arena;
    pit_symbol_slot *slots; /* open addressing */
    size_t capacity;
    uint64_t *hashes;
    floe_str *keys;
    bool has_values;    /* set before the first */
    floe_value *values; /* of text, bytes and lists */
    size_t count, room;
} pit_symbols;

/* Whole numbers and the symbol of each, for keys that are one: no detour over their bytes. */
typedef struct pit_number_slot {
    int64_t number;
    uint32_t symbol; /* + 1; 0: free */
} pit_number_slot;

typedef struct pit_numbers {
    pit_number_slot *slots;
    size_t capacity, count;
    unsigned shift; /* of the hash: its top bits */
} pit_numbers;

void floe_pit_symbols_init(pit_symbols *symbols);
void floe_pit_symbols_close(pit_symbols *symbols);
uint64_t floe_pit_symbols_bytes(const pit_symbols *symbols);
/* The number of these bytes; made on first sight. *ret_new tells a first sight (may be NULL). */
floe_status floe_pit_symbol(pit_symbols *symbols, floe_str bytes, uint32_t *ret_symbol, bool *ret_new, floe_error *err);
/* The same of bytes whose hash (XXH64, seed 0) is known; PIT_NO_KEY when they have no number. */
uint32_t floe_pit_symbol_find(const pit_symbols *symbols, floe_str bytes, uint64_t hash);
void floe_pit_symbol_prefetch(const pit_symbols *symbols, uint64_t hash);

/* Remembers the symbol of a number that is not there yet. */
floe_status floe_pit_number_add(pit_numbers *numbers, int64_t number, uint32_t symbol, floe_error *err);
uint32_t floe_pit_number_find(const pit_numbers *numbers, int64_t number);
void floe_pit_number_prefetch(const pit_numbers *numbers, int64_t number);
void floe_pit_numbers_close(pit_numbers *numbers);

#endif
