/*
 * Readings of words.
 *
 * Order of what is tried: the user's and our abbreviations → the word is listed → the word is learned → its plural's singular
 * is listed → parts that are glued together → a word it may be short for. The first that holds is the reading, and it is kept.
 */
#include "vector/words/spell_int.h"

#include <math.h>

/* Listed words of a rank beyond it are only known: neither parts nor what something is short for. */
#define PART_RANK 8000
#define SHORT_RANK 6000
/* What a learned word and an abbreviation count as when parts are weighed. */
#define LEARNED_RANK 1500
#define ABBREVIATION_RANK 3000
#define PARTS_MAX 6
#define PART_MIN 3
/* Letters of glued words, and of their parts on average: "perpetrator" is not per, pet, rat, or. */
#define GLUED_MIN 6
#define PART_MEAN 3.5
/* Each further part costs as much as a word e^COST times rarer. */
#define PART_COST 3.0
/* A learned word from so many letters on tells something of others. */
#define LEARNED_MIN 5

typedef struct word_list {
    floe_str *items;
    size_t count, capacity;
} word_list;

static bool is_letters(floe_str word) {
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < 'a' || word.ptr[i] > 'z') {
            return false;
        }
    }
    return word.len > 0;
}

/* ---- lists ---- */

static void list_word(floe_speller *speller, floe_str word) {
    size_t letter = (size_t)(word.ptr[0] - 'a');
    floe_str *item = FLOE_ARENA_PUSH(speller->arena, speller->listed[letter], speller->listed_count[letter],
                                     speller->listed_capacity[letter]);
    if (item) {
        *item = word;
    }
}

static void list_words(floe_speller *speller, const char *const *lines) {
    for (; *lines; lines++) {
        floe_str rest = floe_str_of(*lines);
        floe_str word = {0};
        while (floe_str_split(&rest, ' ', &word)) {
            size_t rank = speller->ranks.count + 1;
            (void)floe_map_put(&speller->ranks, word, (void *)rank);
            if (rank <= SHORT_RANK) {
                list_word(speller, word);
            }
        }
    }
}

static size_t rank_of(const floe_speller *speller, floe_str word) {
    const void *rank = floe_map_get(&speller->ranks, word);
    return rank ? (size_t)(uintptr_t)rank : SIZE_MAX;
}

static void set_words(floe_speller *speller, floe_str text, floe_reading *reading) {
    floe_str rest = text;
    floe_str word = {0};
    size_t count = 0;
    while (floe_str_split(&rest, ' ', &word)) {
        count++;
    }
    floe_str *words = floe_arena_alloc(speller->arena, count + 1, sizeof(*words));
    for (count = 0; words && floe_str_split(&text, ' ', &word); count++) {
        words[count] = word;
    }
    *reading = (floe_reading){.words = words, .count = words ? count : 0, .known = true, .silent = count == 0};
}

static void put_abbreviation(floe_speller *speller, floe_str short_form, floe_str long_form) {
    floe_reading *reading = floe_arena_alloc(speller->arena, 1, sizeof(*reading));
    if (reading) {
        set_words(speller, long_form, reading);
        (void)floe_map_put(&speller->abbreviations, short_form, reading);
    }
}

/* A short form without a long one is a word as it stands. */
static floe_status take_pair(void *context, floe_str short_form, floe_str long_form, floe_error *err) {
    floe_speller *speller = context;
    floe_str own = floe_arena_str(speller->arena, short_form);
    floe_str words = long_form.len > 0 ? floe_arena_str(speller->arena, long_form) : own;
    FLOE_TRY(floe_arena_check(speller->arena, err));
    put_abbreviation(speller, own, words);
    return FLOE_OK;
}

floe_status floe_speller_init(floe_speller *speller, floe_arena *arena, floe_str abbreviations, floe_error *err) {
    *speller = (floe_speller){.arena = arena};
    floe_map *const maps[] = {&speller->ranks,    &speller->abbreviations, &speller->learned,
                              &speller->teaching, &speller->readings,      &speller->spelt_out};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        floe_map_init(maps[i], arena);
    }
    list_words(speller, floe_words_common);
    list_words(speller, floe_words_more);
    for (size_t i = 0; i < floe_abbreviation_count; i++) {
        put_abbreviation(speller, floe_str_of(floe_abbreviations[i].short_form),
                         floe_str_of(floe_abbreviations[i].long_form));
    }
    floe_abbreviation_sink sink = {.pair = take_pair, .context = speller};
    FLOE_TRY(floe_abbreviations_read(abbreviations, "abbreviations", &sink, err));
    return floe_arena_check(arena, err);
}

/* ---- learning ---- */

#define KEY_MAX 1024

/* Namespace and word as one text; a namespace that is too long is cut, and then shares what it learned with its like. */
static floe_str key_of(floe_str space, floe_str word, char buf[KEY_MAX]) {
    size_t room = KEY_MAX - word.len - 1;
    size_t len = space.len < room ? space.len : room;
    memcpy(buf, space.ptr, len);
    buf[len] = '\n';
    memcpy(buf + len + 1, word.ptr, word.len);
    return (floe_str){buf, len + 1 + word.len};
}

static bool is_learned(const floe_speller *speller, floe_str space, floe_str word) {
    char buf[KEY_MAX];
    return space.len > 0 && floe_map_get(&speller->learned, key_of(space, word, buf)) != NULL;
}

static const word_list *learned_of(const floe_speller *speller, floe_str space, char letter) {
    char buf[KEY_MAX];
    return space.len > 0 ? floe_map_get(&speller->spelt_out, key_of(space, (floe_str){&letter, 1}, buf)) : NULL;
}

static void learn(floe_speller *speller, floe_str space, floe_str word) {
    char buf[KEY_MAX];
    if (is_learned(speller, space, word)) {
        return;
    }
    floe_str key = floe_arena_str(speller->arena, key_of(space, word, buf));
    floe_str first = key_of(space, (floe_str){word.ptr, 1}, buf);
    word_list *list = floe_map_get(&speller->spelt_out, first);
    if (!list) {
        list = floe_arena_alloc(speller->arena, 1, sizeof(*list));
        floe_str copy = floe_arena_str(speller->arena, first);
        if (!list || !copy.ptr) {
            return;
        }
        (void)floe_map_put(&speller->spelt_out, copy, list);
    }
    floe_str *item = FLOE_ARENA_PUSH(speller->arena, list->items, list->count, list->capacity);
    if (item && key.ptr) {
        *item = (floe_str){key.ptr + key.len - word.len, word.len};
        (void)floe_map_put(&speller->teaching, (floe_str){key.ptr, key.len - word.len - 1}, list);
        (void)floe_map_put(&speller->learned, key, list);
    }
}

/* Prose spells words out, and so does a listed word of a name; other words of names may be what is to be read. */
static void learn_text(floe_speller *speller, floe_str space, floe_str text, bool prose) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        bool spelt_out = word.len >= LEARNED_MIN && is_letters(word);
        if (spelt_out && (prose || rank_of(speller, word) != SIZE_MAX)) {
            learn(speller, space, word);
        }
    }
}

void floe_speller_learn(floe_speller *speller, const floe_unit *table) {
    if (table->space.len == 0) {
        return;
    }
    learn_text(speller, table->space, table->name, false);
    learn_text(speller, table->space, table->description, true);
    for (size_t i = 0; i < table->part_count; i++) {
        learn_text(speller, table->space, table->parts[i].name, false);
        learn_text(speller, table->space, table->parts[i].description, true);
    }
}

/* ---- glued words ---- */

/* How rare a part is as a rank; SIZE_MAX when it is none. */
static size_t part_rank(const floe_speller *speller, floe_str space, floe_str part) {
    size_t rank = rank_of(speller, part);
    if (is_learned(speller, space, part)) {
        return rank < LEARNED_RANK ? rank : LEARNED_RANK;
    }
    if (rank <= PART_RANK) {
        return rank;
    }
    const floe_reading *abbreviation = floe_map_get(&speller->abbreviations, part);
    return abbreviation && abbreviation->count > 0 ? ABBREVIATION_RANK : SIZE_MAX;
}

static bool is_short_part(floe_str part) {
    static const char *const parts[] = {"id", "no", "by", "of", "to", "at", "in", "is", "on"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (floe_str_is(part, parts[i])) {
            return true;
        }
    }
    return false;
}

/* The cheapest way to cut a word's first letters into parts. */
typedef struct cut {
    double cost;
    size_t count, from;
} cut;

static void extend(const floe_speller *speller, floe_str space, floe_str word, cut *cuts, size_t end) {
    cuts[end].cost = INFINITY;
    for (size_t from = 0; from + 2 <= end; from++) {
        floe_str part = {word.ptr + from, end - from};
        if (cuts[from].cost == INFINITY || cuts[from].count == PARTS_MAX || part.len == word.len) {
            continue;
        }
        size_t rank = part.len >= PART_MIN  ? part_rank(speller, space, part)
                      : is_short_part(part) ? ABBREVIATION_RANK
                                            : SIZE_MAX;
        double cost = rank == SIZE_MAX ? INFINITY : cuts[from].cost + PART_COST + log((double)rank + 50);
        if (cost < cuts[end].cost) {
            cuts[end] = (cut){cost, cuts[from].count + 1, from};
        }
    }
}

/* Puts a part, or what it is short for, before the `at` words that are there. */
static size_t put_before(const floe_speller *speller, floe_str part, floe_str *words, size_t at) {
    const floe_reading *abbreviation = floe_map_get(&speller->abbreviations, part);
    bool stands = rank_of(speller, part) <= PART_RANK || !abbreviation || abbreviation->count == 0;
    for (size_t i = stands ? 0 : abbreviation->count; i > 0; i--) {
        words[--at] = abbreviation->words[i - 1];
    }
    if (stands) {
        words[--at] = part;
    }
    return at;
}

#define WORDS_MAX (PARTS_MAX * 6)

static bool read_glued(const floe_speller *speller, floe_str space, floe_str word, floe_reading *ret_reading) {
    cut cuts[FLOE_WORD_MAX + 1] = {{0}};
    floe_str words[WORDS_MAX];
    size_t at = WORDS_MAX;
    if (word.len < GLUED_MIN) {
        return false;
    }
    for (size_t end = 1; end <= word.len; end++) {
        extend(speller, space, word, cuts, end);
    }
    const cut *whole = &cuts[word.len];
    if (whole->cost == INFINITY || (double)word.len / (double)whole->count < PART_MEAN) {
        return false;
    }
    for (size_t end = word.len; end > 0; end = cuts[end].from) {
        at = put_before(speller, (floe_str){word.ptr + cuts[end].from, end - cuts[end].from}, words, at);
    }
    size_t count = WORDS_MAX - at;
    floe_str *copy = floe_arena_alloc(speller->arena, count, sizeof(*copy));
    if (copy) {
        memcpy(copy, words + at, count * sizeof(*copy));
        *ret_reading = (floe_reading){.words = copy, .count = count, .known = true};
    }
    return copy != NULL;
}

/* ---- words that others are short for ---- */

static bool is_vowel(char letter) {
    return letter == 'a' || letter == 'e' || letter == 'i' || letter == 'o' || letter == 'u';
}

typedef enum shortness { NOT_SHORT, CUT_SKELETON, BEGINNING, SKELETON } shortness;

/* How a short form is made of a long one: without the vowels after the first letter (stdnt), cut off (stud), or both (stdn). */
static shortness shortness_of(floe_str short_form, floe_str long_form, size_t beginning_min) {
    size_t matched = 0;
    size_t skeleton = 0;
    bool fits = true;
    if (long_form.len < short_form.len + 1) {
        return NOT_SHORT;
    }
    for (size_t i = 0; i < long_form.len; i++) {
        if (i > 0 && is_vowel(long_form.ptr[i])) {
            continue;
        }
        skeleton++;
        fits = fits && (matched == short_form.len || long_form.ptr[i] == short_form.ptr[matched]);
        matched += fits && matched < short_form.len ? 1 : 0;
    }
    if (fits && matched == short_form.len && short_form.len >= PART_MIN) {
        return skeleton == short_form.len ? SKELETON : short_form.len > PART_MIN ? CUT_SKELETON : NOT_SHORT;
    }
    bool begins = long_form.len >= short_form.len + 2 && short_form.len >= beginning_min &&
                  memcmp(long_form.ptr, short_form.ptr, short_form.len) == 0;
    return begins ? BEGINNING : NOT_SHORT;
}

typedef struct long_form {
    floe_str word;
    shortness how;
    size_t rank;
} long_form;

/* The surer way wins, then the more frequent word, then the shorter. */
static void consider(const floe_speller *speller, floe_str short_form, floe_str word, size_t beginning_min,
                     long_form *best) {
    long_form own = {word, shortness_of(short_form, word, beginning_min), 0};
    if (own.how == NOT_SHORT || own.how < best->how) {
        return;
    }
    own.rank = rank_of(speller, word);
    bool ahead = own.rank < best->rank || (own.rank == best->rank && floe_str_compare(own.word, best->word) < 0);
    if (own.how > best->how || ahead) {
        *best = own;
    }
}

static bool read_short(const floe_speller *speller, floe_str space, floe_str word, floe_reading *ret_reading) {
    long_form best = {.how = NOT_SHORT, .rank = SIZE_MAX};
    const word_list *learned = learned_of(speller, space, word.ptr[0]);
    for (size_t i = 0; learned && i < learned->count; i++) {
        consider(speller, word, learned->items[i], PART_MIN, &best);
    }
    size_t letter = (size_t)(word.ptr[0] - 'a');
    size_t listed_count = best.how == NOT_SHORT ? speller->listed_count[letter] : 0;
    for (size_t i = 0; i < listed_count; i++) {
        consider(speller, word, speller->listed[letter][i], PART_MIN + 1, &best);
    }
    floe_str *copy = best.how != NOT_SHORT ? floe_arena_alloc(speller->arena, 1, sizeof(*copy)) : NULL;
    if (copy) {
        *copy = best.word;
        *ret_reading = (floe_reading){.words = copy, .count = 1, .known = true};
    }
    return copy != NULL;
}

/* ---- reading ---- */

bool floe_speller_lists(const floe_speller *speller, floe_str word) {
    floe_str singular = {word.ptr, word.len > 0 ? word.len - 1 : 0};
    return rank_of(speller, word) != SIZE_MAX ||
           (word.len > 3 && word.ptr[word.len - 1] == 's' && rank_of(speller, singular) != SIZE_MAX);
}

const floe_reading *floe_speller_abbreviation(const floe_speller *speller, floe_str word) {
    const floe_reading *reading = floe_map_get(&speller->abbreviations, word);
    return reading && reading->count > 0 ? reading : NULL;
}

static void read_word(const floe_speller *speller, floe_str space, floe_str word, floe_reading *reading) {
    const floe_reading *abbreviation = floe_map_get(&speller->abbreviations, word);
    if (abbreviation) {
        *reading = *abbreviation;
        return;
    }
    bool stands = floe_speller_lists(speller, word) || is_learned(speller, space, word);
    if (stands || !is_letters(word)) {
        *reading = (floe_reading){.known = stands};
        return;
    }
    if (!read_glued(speller, space, word, reading)) {
        (void)read_short(speller, space, word, reading);
    }
}

const floe_reading *floe_speller_read(floe_speller *speller, floe_str space, floe_str word) {
    static const floe_reading itself = {0};
    char buf[KEY_MAX];
    /* Namespaces that teach nothing read alike, so their readings are kept once. */
    space = floe_map_get(&speller->teaching, space) ? space : FLOE_STR("");
    floe_str key = key_of(space, word, buf);
    const floe_reading *kept = floe_map_get(&speller->readings, key);
    if (kept) {
        return kept;
    }
    floe_reading *reading = floe_arena_alloc(speller->arena, 1, sizeof(*reading));
    floe_str own = floe_arena_str(speller->arena, key);
    if (!reading || !own.ptr) {
        return &itself;
    }
    /* The parts of a glued word lie in the word, so the word that is kept is the one that is read. */
    read_word(speller, space, (floe_str){own.ptr + own.len - word.len, word.len}, reading);
    (void)floe_map_put(&speller->readings, own, reading);
    return reading;
}

const floe_reading *floe_speller_peek(const floe_speller *speller, floe_str space, floe_str word, floe_arena *arena) {
    static const floe_reading itself = {0};
    char buf[KEY_MAX];
    floe_speller asking = *speller;
    space = floe_map_get(&speller->teaching, space) ? space : FLOE_STR("");
    const floe_reading *kept = floe_map_get(&speller->readings, key_of(space, word, buf));
    if (kept) {
        return kept;
    }
    asking.arena = arena;
    floe_reading *reading = floe_arena_alloc(arena, 1, sizeof(*reading));
    floe_str own = floe_arena_str(arena, word);
    if (!reading || !own.ptr) {
        return &itself;
    }
    read_word(&asking, space, own, reading);
    return reading;
}
