/*
 * What one thread remembers of short values and their numbers: keys of entities, text cells, what count_distinct looks at.
 * Sources repeat them, and a value that comes again is found here without its hash, a look at memory far away, or a lock.
 * A number once given stays, so what is remembered stays true. Thread: one.
 */
#ifndef FLOE_OFFLINE_PIT_MEMORY_MEMO_H
#define FLOE_OFFLINE_PIT_MEMORY_MEMO_H

#include "core/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PIT_MEMO_BITS 9  /* of places: what two values share is remembered of the later one */
#define PIT_MEMO_TEXT 16 /* bytes; longer texts are not remembered */

/* The bytes of a value; `len` tells those apart that begin alike. */
typedef struct pit_memo_key {
    uint64_t low, high;
    uint32_t len; /* + 1; 0: a free place */
} pit_memo_key;

typedef struct pit_memo {
    struct {
        uint64_t low, high;
        uint32_t len, number;
    } places[1 << PIT_MEMO_BITS];
} pit_memo;

static inline bool floe_pit_memo_takes(floe_str text) {
    return text.len <= PIT_MEMO_TEXT;
}

/* Of a text that a memo takes: its first and last bytes, which may be the same ones. */
static inline pit_memo_key floe_pit_memo_text(floe_str text) {
    pit_memo_key key = {.len = (uint32_t)text.len + 1};
    if (text.len >= sizeof(uint64_t)) {
        memcpy(&key.low, text.ptr, sizeof(uint64_t));
        memcpy(&key.high, text.ptr + text.len - sizeof(uint64_t), sizeof(uint64_t));
    } else if (text.len >= sizeof(uint32_t)) {
        memcpy(&key.low, text.ptr, sizeof(uint32_t));
        memcpy(&key.high, text.ptr + text.len - sizeof(uint32_t), sizeof(uint32_t));
    } else if (text.len > 0) {
        const uint8_t *bytes = (const uint8_t *)text.ptr;
        key.low = bytes[0] | (uint64_t)bytes[text.len / 2] << 8 | (uint64_t)bytes[text.len - 1] << 16;
    }
    return key;
}

static inline pit_memo_key floe_pit_memo_bits(uint64_t bits) {
    return (pit_memo_key){.low = bits, .len = sizeof(bits) + 1};
}

static inline size_t floe_pit_memo_place(pit_memo_key key) {
    uint64_t mixed = (key.low ^ key.high * UINT64_C(0xff51afd7ed558ccd)) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> (64 - PIT_MEMO_BITS));
}

/* false: it is not remembered. */
static inline bool floe_pit_memo_find(const pit_memo *memo, pit_memo_key key, uint32_t *ret_number) {
    size_t at = floe_pit_memo_place(key);
    *ret_number = memo->places[at].number;
    return memo->places[at].low == key.low && memo->places[at].high == key.high && memo->places[at].len == key.len;
}

static inline void floe_pit_memo_put(pit_memo *memo, pit_memo_key key, uint32_t number) {
    size_t at = floe_pit_memo_place(key);
    memo->places[at].low = key.low;
    memo->places[at].high = key.high;
    memo->places[at].len = key.len;
    memo->places[at].number = number;
}

#endif
