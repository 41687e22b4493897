/*
 * What questions meant: a cache of the vectors of questions and of the near words of their words.
 *
 * Words repeat from question to question far more than questions do, and a word that the catalog itself has needs no
 * embedding at all. Each cache is an array in which a text has one place; a new text takes the place of the old one. So
 * memory is bounded, and what is asked often is soon there again.
 */
#include "vector/meaning_int.h"
#include "vector/weights_int.h"

#include "core/mem.h"

#define QUESTIONS 1024
#define WORDS 4096
/* Near words that are kept of a word. */
#define NEAR_MAX 512

typedef struct remembered {
    char *text;
    size_t len;
    void *value; /* of a question: its vector; of a word: floe_near */
    size_t count;
} remembered;

struct floe_recall {
    remembered questions[QUESTIONS];
    remembered words[WORDS];
};

floe_status floe_recall_open(floe_recall **ret_recall, floe_error *err) {
    return floe_alloc(1, sizeof(floe_recall), ret_recall, err);
}

static void forget(remembered *place) {
    floe_free(place->text);
    floe_free(place->value);
    *place = (remembered){0};
}

void floe_recall_close(floe_recall **recall) {
    if (!*recall) {
        return;
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        forget(&(*recall)->questions[i]);
    }
    for (size_t i = 0; i < WORDS; i++) {
        forget(&(*recall)->words[i]);
    }
    floe_free(*recall);
    *recall = NULL;
}

static bool holds(const remembered *place, floe_str text) {
    return place->text && place->len == text.len && memcmp(place->text, text.ptr, text.len) == 0;
}

static floe_status remember(remembered *place, floe_str text, const void *value, size_t count, size_t element_len,
                            floe_error *err) {
    FLOE_AUTO_FREE void *copy = NULL;
    FLOE_AUTO_FREE char *name = NULL;
    FLOE_TRY(floe_alloc(count, element_len, &copy, err));
    FLOE_TRY(floe_strndup(text.ptr, text.len, &name, err));
    if (count > 0) {
        memcpy(copy, value, count * element_len);
    }
    forget(place);
    *place = (remembered){name, text.len, copy, count};
    copy = NULL;
    name = NULL;
    return FLOE_OK;
}

/* ---- words ---- */

static remembered *place_of_word(floe_recall *recall, floe_str word) {
    return &recall->words[floe_wording_id(word) % WORDS];
}

/* The words and names of the catalog near to a vector, the nearest first. A word of the same stem is as good as equal. */
static floe_status find_near(const floe_meaning *meaning, floe_str word, const float *vector, floe_near *near,
                             size_t *ret_count, floe_error *err) {
    floe_ann_hit hits[NEAR_MAX];
    size_t count = 0;
    floe_ann_query query = {.vector = vector, .k = NEAR_MAX, .allowed = meaning->vocabulary};
    uint32_t stem = floe_lexicon_term((floe_lexicon *)&meaning->corpus->lexicon, word, false);
    FLOE_TRY(floe_meaning_near(meaning, &query, hits, &count, err));
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        double closeness = ((double)hits[i].score - FLOE_SOFT_FLOOR) / (1 - FLOE_SOFT_FLOOR);
        bool equal = stem != FLOE_TERM_NONE && meaning->stems[hits[i].slot] == stem;
        if (equal || closeness > 0) {
            near[(*ret_count)++] = (floe_near){hits[i].slot, equal || closeness > 1 ? 1 : (float)closeness};
        }
    }
    return FLOE_OK;
}

static floe_status remember_word(floe_meaning *meaning, floe_str word, const float *vector, floe_error *err) {
    floe_near near[NEAR_MAX];
    size_t count = 0;
    FLOE_TRY(find_near(meaning, word, vector, near, &count, err));
    return remember(place_of_word(meaning->recall, word), word, near, count, sizeof(near[0]), err);
}

/* ---- questions ---- */

/* What of a question must be embedded. */
typedef struct reading {
    floe_str words[FLOE_ASKED_WORDS_MAX];
    size_t word_count;
    char folded[FLOE_ASKED_WORDS_MAX][FLOE_WORD_MAX];
} reading;

static void add_word(reading *read, floe_str word) {
    for (size_t i = 0; i < read->word_count; i++) {
        if (floe_str_equal(read->words[i], word)) {
            return;
        }
    }
    if (read->word_count < FLOE_ASKED_WORDS_MAX && word.len <= FLOE_WORD_MAX) {
        char *copy = read->folded[read->word_count];
        memcpy(copy, word.ptr, word.len);
        read->words[read->word_count++] = (floe_str){copy, word.len};
    }
}

static void read_words(floe_str text, reading *read) {
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    read->word_count = 0;
    while (floe_words_next(&words, &word)) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            add_word(read, word);
        }
    }
}

/* Words that the catalog has need only be looked up; the others are embedded as what they are compared with. A word that only
 * hidden things have is embedded like one that nobody has, so that time does not tell which it is. */
static floe_status learn_words(floe_meaning *meaning, const reading *read, floe_error *err) {
    floe_str unknown[FLOE_ASKED_WORDS_MAX];
    size_t count = 0;
    size_t dim = floe_embedder_describe(meaning->embedder)->dim;
    FLOE_AUTO_FREE float *rows = NULL;
    for (size_t i = 0; i < read->word_count; i++) {
        uint32_t slot = 0;
        if (holds(place_of_word(meaning->recall, read->words[i]), read->words[i])) {
            continue;
        }
        if (floe_meaning_find(meaning, floe_wording_id(read->words[i]), &slot) && floe_meaning_shows(meaning, slot)) {
            FLOE_TRY(remember_word(meaning, read->words[i], floe_meaning_row(meaning, slot), err));
        } else {
            unknown[count++] = read->words[i];
        }
    }
    if (count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(count * dim, sizeof(float), &rows, err));
    FLOE_TRY(floe_embedder_embed(meaning->embedder, FLOE_EMBED_DOCUMENT, unknown, count, rows, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(remember_word(meaning, unknown[i], rows + i * dim, err));
    }
    return FLOE_OK;
}

static floe_status learn_question(floe_meaning *meaning, floe_str text, floe_error *err) {
    remembered *place = &meaning->recall->questions[floe_wording_id(text) % QUESTIONS];
    size_t dim = floe_embedder_describe(meaning->embedder)->dim;
    FLOE_AUTO_FREE float *vector = NULL;
    if (holds(place, text)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(dim, sizeof(float), &vector, err));
    FLOE_TRY(floe_embedder_embed(meaning->embedder, FLOE_EMBED_QUERY, &text, 1, vector, err));
    return remember(place, text, vector, dim, sizeof(float), err);
}

/* Two words of one question that share a place take it from each other: the later one is left without near words. */
floe_status floe_recall_ask(floe_meaning *meaning, floe_str text, floe_asked *ret_asked, floe_error *err) {
    reading read;
    read_words(text, &read);
    FLOE_TRY(learn_question(meaning, text, err));
    FLOE_TRY(learn_words(meaning, &read, err));
    *ret_asked = (floe_asked){.vector = meaning->recall->questions[floe_wording_id(text) % QUESTIONS].value};
    for (size_t i = 0; i < read.word_count; i++) {
        const remembered *place = place_of_word(meaning->recall, read.words[i]);
        if (holds(place, read.words[i])) {
            ret_asked->words[ret_asked->word_count++] =
                (floe_asked_word){{place->text, place->len}, place->value, place->count};
        }
    }
    return FLOE_OK;
}
