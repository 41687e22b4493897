/*
 * The lexicon: stems numbered in the order they are met. A word is stemmed once; afterwards it is one look-up.
 */
#include "vector/rank/rank_int.h"

#include "core/hash.h"

void floe_lexicon_init(floe_lexicon *lexicon, floe_arena *arena) {
    *lexicon = (floe_lexicon){.arena = arena};
    floe_map_init(&lexicon->words, arena);
    floe_map_init(&lexicon->stems, arena);
}

/* Numbers live in the maps as pointers, one more than they are, so that none is NULL. */
static void *pointer_of(uint32_t number) {
    return (void *)(uintptr_t)((uint64_t)number + 1);
}

static uint32_t number_of(const void *pointer) {
    return pointer ? (uint32_t)((uintptr_t)pointer - 1) : FLOE_TERM_NONE;
}

static void put(floe_lexicon *lexicon, floe_map *map, floe_str key, uint32_t number) {
    floe_str copy = floe_arena_str(lexicon->arena, key);
    if (copy.ptr) {
        (void)floe_map_put(map, copy, pointer_of(number));
    }
}

uint32_t floe_lexicon_term(floe_lexicon *lexicon, floe_str word, bool add) {
    char buf[FLOE_WORD_MAX + 1];
    const void *known = floe_map_get(&lexicon->words, word);
    if (known) {
        return number_of(known);
    }
    floe_str stem = floe_word_stem(word, buf);
    uint32_t number = number_of(floe_map_get(&lexicon->stems, stem));
    if (!add) {
        return number;
    }
    if (number == FLOE_TERM_NONE) {
        number = lexicon->count++;
        put(lexicon, &lexicon->stems, stem, number);
    }
    put(lexicon, &lexicon->words, word, number);
    return number;
}

bool floe_text_keeps_stop_words(floe_str text) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        if (!floe_word_is_stop(word)) {
            return false;
        }
    }
    return true;
}

floe_str floe_text_bare(floe_str text) {
    text = floe_str_trim(text);
    size_t len = text.len < FLOE_WORD_MAX ? text.len : FLOE_WORD_MAX;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    return (floe_str){text.ptr, len};
}

static void hash_on(uint64_t *hashes, size_t count, floe_str word) {
    for (size_t i = 0; i < count; i++) {
        hashes[i] = floe_xxh64(word.ptr, word.len, hashes[i] + 1);
    }
}

void floe_words_hash_all(uint64_t *hashes, size_t count, floe_str text) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    bool any = false;
    for (; floe_words_next(&words, &word); any = true) {
        hash_on(hashes, count, word);
    }
    floe_str bare = any ? FLOE_STR("") : floe_text_bare(text);
    if (bare.len > 0) {
        hash_on(hashes, count, bare);
    }
}

uint64_t floe_words_hash(uint64_t hash, floe_str text) {
    floe_words_hash_all(&hash, 1, text);
    return hash;
}
