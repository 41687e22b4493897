/*
 * Vectors beside a loaded index: which entry has which text.
 *
 * Phases of loading: open the vectors → word every unit again, in the order of the entries' numbers, and look each text up →
 * counting sort of (slot, entry) pairs into links. A text without a vector means that vectors and generation do not
 * belong together.
 */
#include "vector/meaning_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>

#define PAIR_ARENA_MAX FLOE_GIB(4)

typedef struct link_pair {
    uint32_t slot, entry;
} link_pair;

typedef struct pair_list {
    link_pair *pairs;
    size_t count, capacity;
} pair_list;

/* Where texts lie that came lately: most are words and names that come again and again, and looking one up among all ids reads
 * memory here and there. */
#define LATELY 8192
typedef struct lately {
    uint64_t id;
    uint32_t slot;
    bool known;
} lately;

typedef struct linker {
    lately *seen; /* LATELY of them, by id */
    floe_meaning *meaning;
    floe_corpus *corpus;
    floe_arena arena; /* of the pairs */
    pair_list lists[FLOE_LINK_COUNT];
    uint32_t table, column, feature; /* the first entries of the unit */
} linker;

static void linker_close(linker *link) {
    floe_free(link->seen);
    floe_arena_close(&link->arena);
}

/* ---- pairs ---- */

static uint32_t entry_of(const linker *link, floe_link_id id, size_t part) {
    switch (id) {
    case FLOE_LINK_TABLE:
    case FLOE_LINK_TABLE_WORD:
    case FLOE_LINK_TABLE_PHRASE:
        return link->table;
    case FLOE_LINK_COLUMN:
    case FLOE_LINK_COLUMN_WORD:
        return link->column + (uint32_t)part;
    case FLOE_LINK_FEATURE:
    case FLOE_LINK_FEATURE_WORD:
    case FLOE_LINK_COUNT:
    default:
        return link->feature + (part == SIZE_MAX ? 0 : (uint32_t)part + 1);
    }
}

/* Keeps the text of vocabulary; a text of several words has no stem. */
static void note_word(linker *link, floe_link_id id, uint32_t slot, floe_str text) {
    floe_meaning *meaning = link->meaning;
    meaning->vocabulary[slot / 64] |= UINT64_C(1) << slot % 64;
    if (!meaning->words[slot].ptr) {
        meaning->words[slot] = floe_arena_str(link->corpus->arena, text);
    }
    if (id != FLOE_LINK_TABLE_PHRASE) {
        meaning->stems[slot] = floe_lexicon_term(&link->corpus->lexicon, text, false);
    }
}

static bool find_slot(linker *link, floe_str text, uint32_t *ret_slot) {
    uint64_t id = floe_wording_id(text);
    lately *place = &link->seen[id % LATELY];
    if (!place->known || place->id != id) {
        uint32_t slot = 0;
        bool known = floe_ann_view_find(link->meaning->view, id, &slot);
        *place = (lately){id, slot, known};
    }
    *ret_slot = place->slot;
    return place->known;
}

static floe_status take_text(void *context, floe_link_id id, size_t part, floe_str text, floe_error *err) {
    linker *link = context;
    uint32_t slot = 0;
    FLOE_ENSURE(find_slot(link, text, &slot), err, FLOE_CORRUPT, "the index has no vector of \"%.*s\"; run floe index",
                FLOE_STR_BRIEF(text));
    pair_list *list = &link->lists[id];
    link_pair *pair = FLOE_ARENA_PUSH(&link->arena, list->pairs, list->count, list->capacity);
    FLOE_TRY(floe_arena_check(&link->arena, err));
    *pair = (link_pair){slot, entry_of(link, id, part)};
    link->meaning->visible[slot / 64] |= UINT64_C(1) << slot % 64;
    if (id >= FLOE_LINK_DOCUMENTS) {
        note_word(link, id, slot, text);
    } else {
        link->meaning->slot_of[id][pair->entry] = slot;
    }
    return FLOE_OK;
}

static floe_status take_units(linker *link, floe_error *err) {
    floe_wording_sink sink = {.text = take_text, .context = link};
    for (size_t i = 0; i < link->corpus->unit_count; i++) {
        const floe_unit *unit = &link->corpus->units[i];
        FLOE_TRY(floe_wording_each(unit, &link->corpus->speller, &sink, err));
        if (unit->kind == FLOE_UNIT_TABLE) {
            link->table += 1;
            link->column += (uint32_t)unit->part_count;
        } else {
            link->feature += (uint32_t)unit->part_count + 1;
        }
    }
    return FLOE_OK;
}

/* ---- links ---- */

/* Pairs of one slot come with ascending entries, and the sort keeps their order; repeats are neighbours. */
static void sort_pairs(const pair_list *list, size_t slot_count, floe_arena *arena, floe_links *links) {
    uint32_t *first = floe_arena_alloc(arena, slot_count + 2, sizeof(*first));
    uint32_t *entries = floe_arena_alloc(arena, list->count + 1, sizeof(*entries));
    *links = (floe_links){first, entries};
    if (arena->overflow) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        first[list->pairs[i].slot + 2]++;
    }
    for (size_t i = 0; i < slot_count; i++) {
        first[i + 2] += first[i + 1];
    }
    for (size_t i = 0; i < list->count; i++) {
        entries[first[list->pairs[i].slot + 1]++] = list->pairs[i].entry;
    }
    uint32_t to = 0;
    uint32_t from = 0;
    for (size_t slot = 0; slot < slot_count; slot++) {
        uint32_t begin = to;
        for (uint32_t end = first[slot + 1]; from < end; from++) {
            if (to == begin || entries[to - 1] != entries[from]) {
                entries[to++] = entries[from];
            }
        }
        first[slot] = begin;
    }
    first[slot_count] = to;
}

static floe_status make_links(floe_meaning *meaning, floe_corpus *corpus, floe_error *err) {
    __attribute__((cleanup(linker_close))) linker link = {.meaning = meaning, .corpus = corpus};
    floe_arena_init(&link.arena, PAIR_ARENA_MAX);
    FLOE_TRY(floe_alloc(LATELY, sizeof(*link.seen), &link.seen, err));
    FLOE_TRY(take_units(&link, err));
    for (int i = 0; i < FLOE_LINK_COUNT; i++) {
        sort_pairs(&link.lists[i], meaning->slot_count, corpus->arena, &meaning->links[i]);
    }
    return floe_arena_check(corpus->arena, err);
}

/* What a namespace is about is the mean of what its tables are about. */
static floe_status sum_spaces(floe_meaning *meaning, floe_error *err) {
    const floe_corpus *corpus = meaning->corpus;
    meaning->spaces = floe_arena_alloc(corpus->arena, corpus->scope_count * meaning->dim + 1, sizeof(float));
    FLOE_TRY(floe_arena_check(corpus->arena, err));
    for (size_t i = 0; i < corpus->table_count; i++) {
        const float *row = floe_ann_view_row(meaning->view, meaning->slot_of[FLOE_LINK_TABLE][i]);
        float *sum = meaning->spaces + corpus->tables[i].scope * meaning->dim;
        for (size_t j = 0; j < meaning->dim; j++) {
            sum[j] += row[j];
        }
    }
    return FLOE_OK;
}

floe_status floe_meaning_load(const char *folder, floe_embedder *embedder, floe_corpus *corpus,
                              floe_meaning *ret_meaning, floe_error *err) {
    const floe_embedder_info *about = floe_embedder_describe(embedder);
    floe_meaning *meaning = ret_meaning;
    *meaning = (floe_meaning){.embedder = embedder, .corpus = corpus, .dim = about->dim};
    floe_error cause = {0};
    floe_ann_options options = {.dim = about->dim, .fingerprint = about->fingerprint};
    const char *path = floe_vectors_folder(corpus->arena, folder, about->fingerprint);
    FLOE_TRY(floe_arena_check(corpus->arena, err));
    if (floe_failed(floe_ann_view_open(path, &options, &meaning->view, &cause))) {
        /* Who opens the index says so of what is missing. */
        return FLOE_FAIL(err, cause.code, "%s%s", cause.message,
                         cause.code == FLOE_NOT_FOUND ? "" : "; run floe index");
    }
    FLOE_TRY(floe_ann_view_prepare(meaning->view, err));
    return floe_meaning_link(meaning, corpus, err);
}

/* What every question looks through. */
static floe_status make_shelves(floe_meaning *meaning, floe_error *err) {
    FLOE_AUTO_FREE uint64_t *tables = NULL;
    FLOE_TRY(floe_alloc(meaning->slot_count / 64 + 1, sizeof(*tables), &tables, err));
    for (size_t i = 0; i < meaning->corpus->table_count; i++) {
        uint32_t slot = meaning->slot_of[FLOE_LINK_TABLE][i];
        tables[slot / 64] |= UINT64_C(1) << slot % 64;
    }
    FLOE_TRY(floe_ann_shelf_open(meaning->view, meaning->vocabulary, false, &meaning->word_shelf, err));
    return floe_ann_shelf_open(meaning->view, tables, true, &meaning->table_shelf, err);
}

floe_status floe_meaning_link(floe_meaning *meaning, floe_corpus *corpus, floe_error *err) {
    floe_ann_view_info info;
    FLOE_TRY(floe_recall_open(&meaning->recall, err));
    floe_ann_view_describe(meaning->view, &info);
    meaning->slot_count = info.slot_count;
    size_t mask_words = meaning->slot_count / 64 + 1;
    meaning->words = floe_arena_alloc(corpus->arena, meaning->slot_count + 1, sizeof(floe_str));
    meaning->stems = floe_arena_alloc(corpus->arena, meaning->slot_count + 1, sizeof(uint32_t));
    meaning->vocabulary = floe_arena_alloc(corpus->arena, mask_words, sizeof(uint64_t));
    meaning->asked_words = floe_arena_alloc(corpus->arena, mask_words, sizeof(uint64_t));
    meaning->near_columns = floe_arena_alloc(corpus->arena, mask_words, sizeof(uint64_t));
    meaning->visible = floe_arena_alloc(corpus->arena, mask_words, sizeof(uint64_t));
    meaning->masked = floe_arena_alloc(corpus->arena, corpus->scope_count + 1, sizeof(bool));
    const size_t entries[FLOE_LINK_DOCUMENTS] = {corpus->table_count, corpus->column_count, corpus->feature_count};
    for (int i = 0; i < FLOE_LINK_DOCUMENTS; i++) {
        meaning->masks[i] = floe_arena_alloc(corpus->arena, mask_words, sizeof(uint64_t));
        meaning->slot_of[i] = floe_arena_alloc(corpus->arena, entries[i] + 1, sizeof(uint32_t));
    }
    FLOE_TRY(floe_arena_check(corpus->arena, err));
    for (size_t i = 0; i < meaning->slot_count; i++) {
        meaning->stems[i] = FLOE_TERM_NONE;
    }
    FLOE_TRY(make_links(meaning, corpus, err));
    FLOE_TRY(make_shelves(meaning, err));
    return sum_spaces(meaning, err);
}

void floe_meaning_close(floe_meaning *meaning) {
    floe_ann_shelf_close(&meaning->word_shelf);
    floe_ann_shelf_close(&meaning->table_shelf);
    floe_ann_view_release(&meaning->view);
    floe_recall_close(&meaning->recall);
}

/* ---- scopes ---- */

static bool any_asked(const floe_meaning *meaning, floe_link_id link, uint32_t slot, const bool *asked) {
    const floe_links *links = &meaning->links[link];
    for (uint32_t i = links->first[slot]; i < links->first[slot + 1]; i++) {
        if (asked[floe_meaning_scope(meaning, link, links->entries[i])]) {
            return true;
        }
    }
    return false;
}

/* The words and names of what is asked: the nearest of them are looked for, not those of the nearest of all that are in scope. */
static void mask_words(floe_meaning *meaning) {
    meaning->scope_id = 0;
    if (meaning->asks_all) {
        return;
    }
    meaning->scope_id = floe_xxh64(meaning->masked, meaning->corpus->scope_count, 0) | 1;
    memset(meaning->asked_words, 0, (meaning->slot_count / 64 + 1) * sizeof(uint64_t));
    for (uint32_t slot = 0; slot < meaning->slot_count; slot++) {
        bool is_asked = false;
        for (int link = FLOE_LINK_DOCUMENTS; link < FLOE_LINK_COUNT && !is_asked; link++) {
            is_asked = any_asked(meaning, (floe_link_id)link, slot, meaning->masked);
        }
        meaning->asked_words[slot / 64] |= (uint64_t)is_asked << slot % 64;
    }
}

static void count_asked(floe_meaning *meaning) {
    const floe_corpus *corpus = meaning->corpus;
    memset(meaning->asked_counts, 0, sizeof(meaning->asked_counts));
    for (size_t i = 0; i < corpus->table_count; i++) {
        bool is_asked = meaning->masked[corpus->tables[i].scope];
        meaning->asked_counts[FLOE_LINK_TABLE] += is_asked ? 1 : 0;
        meaning->asked_counts[FLOE_LINK_COLUMN] += is_asked ? corpus->tables[i].column_count : 0;
    }
    for (size_t i = 0; i < corpus->feature_count; i++) {
        meaning->asked_counts[FLOE_LINK_FEATURE] += meaning->masked[corpus->features[i].scope] ? 1 : 0;
    }
}

void floe_meaning_mask(floe_meaning *meaning, const bool *asked) {
    size_t scopes = meaning->corpus->scope_count;
    if (meaning->is_masked && memcmp(meaning->masked, asked, scopes) == 0) {
        return;
    }
    for (int link = 0; link < FLOE_LINK_DOCUMENTS; link++) {
        memset(meaning->masks[link], 0, (meaning->slot_count / 64 + 1) * sizeof(uint64_t));
        for (uint32_t slot = 0; slot < meaning->slot_count; slot++) {
            if (any_asked(meaning, (floe_link_id)link, slot, asked)) {
                meaning->masks[link][slot / 64] |= UINT64_C(1) << slot % 64;
            }
        }
    }
    meaning->asks_all = true;
    for (size_t i = 0; i < scopes; i++) {
        meaning->masked[i] = asked[i];
        meaning->asks_all = meaning->asks_all && asked[i];
    }
    count_asked(meaning);
    mask_words(meaning);
    meaning->is_masked = true;
}
