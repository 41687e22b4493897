/*
 * Look-ups in the tables of unicode_class.c, unicode_nfd.c and unicode_lower.c, by bisection; Hangul is computed.
 */
#include "vector/embed/unicode_int.h"

#define HANGUL_FIRST 0xAC00u
#define HANGUL_LAST 0xD7A3u
#define HANGUL_LEAD 0x1100u
#define HANGUL_VOWEL 0x1161u
#define HANGUL_TAIL 0x11A7u
#define HANGUL_VOWELS 21u
#define HANGUL_TAILS 28u

bool floe_unicode_in(const floe_unicode_set *set, uint32_t code) {
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > set->ranges[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < set->count && code >= set->ranges[low].first;
}

static const floe_unicode_pair *find_pair(const floe_unicode_pairs *pairs, uint32_t code) {
    size_t low = 0;
    size_t high = pairs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > pairs->pairs[middle].code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < pairs->count && pairs->pairs[low].code == code ? &pairs->pairs[low] : NULL;
}

uint32_t floe_unicode_order(uint32_t code) {
    const floe_unicode_pair *pair = find_pair(&floe_unicode_ordered, code);
    return pair != NULL ? pair->value : 0;
}

/* The Unicode Standard, section 3.12, "Hangul Syllable Decomposition". */
static size_t decompose_hangul(uint32_t code, uint32_t *ret_parts) {
    uint32_t index = code - HANGUL_FIRST;
    uint32_t tail = index % HANGUL_TAILS;
    ret_parts[0] = HANGUL_LEAD + index / (HANGUL_VOWELS * HANGUL_TAILS);
    ret_parts[1] = HANGUL_VOWEL + index / HANGUL_TAILS % HANGUL_VOWELS;
    ret_parts[2] = HANGUL_TAIL + tail;
    return tail != 0 ? 3 : 2;
}

size_t floe_unicode_decompose(uint32_t code, uint32_t ret_parts[FLOE_UNICODE_PARTS_MAX]) {
    if (code >= HANGUL_FIRST && code <= HANGUL_LAST) {
        return decompose_hangul(code, ret_parts);
    }
    const floe_unicode_pair *pair = find_pair(&floe_unicode_decomposed, code);
    if (pair == NULL) {
        ret_parts[0] = code;
        return 1;
    }
    size_t count = pair->value & 7u;
    for (size_t i = 0; i < count; i++) {
        ret_parts[i] = floe_unicode_parts[(pair->value >> 3) + i];
    }
    return count;
}

size_t floe_unicode_lower(uint32_t code, uint32_t ret_parts[FLOE_UNICODE_PARTS_MAX]) {
    const floe_unicode_shifts *all = &floe_unicode_lowered;
    size_t low = 0;
    size_t high = all->count;
    if (code == 0x130) {
        ret_parts[0] = 'i';
        ret_parts[1] = 0x307;
        return 2;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code > all->shifts[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const floe_unicode_shift *run = &all->shifts[low];
    bool moves = low < all->count && code >= run->first && (code - run->first) % run->step == 0;
    ret_parts[0] = moves ? (uint32_t)((int32_t)code + run->distance) : code;
    return 1;
}
