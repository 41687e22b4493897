/*
 * From a question to its terms and to the names it may spell.
 *
 * Terms are the stems of its words, each once, without stop words (unless it has nothing else). For a word that no document
 * in scope has, and beside an abbreviation, come the words that it most likely means; they count for less. A name is the whole question, or a piece of it between spaces that holds an underscore, a dot or
 * a colon, which people type only when they mean it literally.
 */
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include "core/limits.h"

#include <ctype.h>

static bool has_term(const floe_question *question, uint32_t number) {
    for (size_t i = 0; i < question->term_count; i++) {
        if (question->terms[i].number == number) {
            return true;
        }
    }
    return false;
}

/* The weight of a term is its idf among tables, or where no table has it the largest that any other field gives. */
double floe_term_weight(const floe_corpus *corpus, const floe_question *question, uint32_t number) {
    double best = floe_field_idf(&corpus->fields[FLOE_FIELD_TABLE], question, number);
    for (int i = 0; best <= 0 && i < FLOE_FIELD_COUNT; i++) {
        best = floe_field_idf(&corpus->fields[i], question, number);
    }
    return best;
}

typedef struct reader {
    floe_corpus *corpus;
    floe_question *question;
    floe_arena *arena;
} reader;

/* Adds `term` for the word that was asked; they differ when it is not what was asked but what that most likely means. Returns
 * whether something in scope has it. */
static bool add_term(const reader *read, floe_str word, floe_str term, double trust) {
    floe_question *question = read->question;
    uint32_t number = floe_lexicon_term(&read->corpus->lexicon, term, false);
    double weight = number == FLOE_TERM_NONE ? 0 : floe_term_weight(read->corpus, question, number);
    if (weight > 0 && !has_term(question, number) && question->term_count < FLOE_QUESTION_TERMS_MAX) {
        bool same = floe_str_equal(word, term);
        question->terms[question->term_count++] =
            (floe_term){.word = floe_arena_str(read->arena, word),
                        .number = number,
                        .weight = weight * trust,
                        .trust = trust,
                        .meant = same ? FLOE_STR("") : floe_arena_str(read->arena, term)};
        question->weight += weight * trust;
    }
    return weight > 0;
}

static void add_reading(const reader *read, floe_str word, const floe_reading *reading) {
    for (size_t i = 0; reading && i < reading->count; i++) {
        if (!floe_word_is_stop(reading->words[i])) {
            (void)add_term(read, word, reading->words[i], FLOE_TRUST_READING);
        }
    }
}

/* The question with a word of it put right. */
static void put_right(const reader *read, floe_str wrong, floe_str right) {
    FLOE_AUTO_BUF text;
    floe_str rest = read->question->text;
    floe_buf_init(&text, 2 * FLOE_LIMIT_QUERY_BYTES);
    while (rest.len > 0) {
        size_t len = 0;
        bool same = true;
        for (; len < rest.len && isalpha((unsigned char)rest.ptr[len]); len++) {
            same = same && len < wrong.len && tolower((unsigned char)rest.ptr[len]) == wrong.ptr[len];
        }
        same = same && len == wrong.len;
        floe_buf_str(&text, same ? right : (floe_str){rest.ptr, len > 0 ? len : 1});
        rest = (floe_str){rest.ptr + (len > 0 ? len : 1), rest.len - (len > 0 ? len : 1)};
    }
    if (!text.failed) {
        read->question->text = floe_arena_str(read->arena, floe_buf_view(&text));
    }
}

/* A word that nothing in scope has. */
static void add_meant(const reader *read, floe_str word) {
    floe_str meant = {0};
    size_t typos = 0;
    if (floe_speller_lists(&read->corpus->speller, word)) {
        return;
    }
    if (floe_similar_word(read->corpus, read->question, word, &meant, &typos)) {
        (void)add_term(read, word, meant, typos > 1 ? FLOE_TRUST_TYPO * FLOE_TRUST_TYPO : FLOE_TRUST_TYPO);
        put_right(read, word, meant);
        return;
    }
    add_reading(read, word, floe_speller_peek(&read->corpus->speller, FLOE_STR(""), word, read->arena));
}

static void read_word(const reader *read, floe_str word) {
    bool found = add_term(read, word, word, 1);
    const floe_reading *abbreviation = floe_speller_abbreviation(&read->corpus->speller, word);
    if (abbreviation) {
        add_reading(read, word, abbreviation);
    } else if (!found) {
        add_meant(read, word);
    }
}

/* Without the marks that SQL puts around a name. */
static floe_str unquoted(floe_str text, floe_arena *arena) {
    char *bytes = floe_arena_alloc(arena, text.len + 1, 1);
    size_t len = 0;
    for (size_t i = 0; bytes && i < text.len; i++) {
        if (text.ptr[i] != '"' && text.ptr[i] != '`') {
            bytes[len++] = text.ptr[i];
        }
    }
    return (floe_str){bytes, len};
}

static void add_name(floe_question *question, floe_str text, floe_arena *arena) {
    uint64_t hash = floe_words_hash(0, text);
    if (hash != 0 && question->name_count < FLOE_QUESTION_NAMES_MAX) {
        question->spelt[question->name_count] = unquoted(floe_str_trim(text), arena);
        question->names[question->name_count++] = hash;
        question->name_bits |= UINT64_C(1) << hash % 64;
    }
}

static bool looks_literal(floe_str piece) {
    for (size_t i = 1; i + 1 < piece.len; i++) {
        if (piece.ptr[i] == '_' || piece.ptr[i] == '.' || piece.ptr[i] == ':') {
            return true;
        }
    }
    return false;
}

static void add_names(floe_question *question, floe_str text, floe_arena *arena) {
    floe_str piece = {0};
    add_name(question, text, arena);
    while (floe_str_split(&text, ' ', &piece)) {
        if (looks_literal(piece)) {
            add_name(question, piece, arena);
        }
    }
}

void floe_question_read(floe_corpus *corpus, const bool *asked, floe_str text, floe_arena *arena,
                        floe_question *ret_question) {
    *ret_question = (floe_question){.text = text, .asked = asked, .scope_count = corpus->scope_count};
    reader read = {corpus, ret_question, arena};
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    bool any = false;
    for (; floe_words_next(&words, &word); any = true) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            read_word(&read, word);
        }
    }
    floe_str bare = any ? FLOE_STR("") : floe_text_bare(text);
    if (bare.len > 0) {
        (void)add_term(&read, bare, bare, 1);
    }
    add_names(ret_question, text, arena);
}

bool floe_question_has_name(const floe_question *question, uint64_t hash) {
    for (size_t i = 0; hash != 0 && i < question->name_count; i++) {
        if (question->names[i] == hash) {
            return true;
        }
    }
    return false;
}

/* Whether the text is the parts with dots between them. */
static bool is_joined(const floe_str *parts, size_t count, floe_str text) {
    for (size_t i = 0; i < count; i++) {
        floe_str part = parts[i];
        bool dot = i == 0 || (text.len > 0 && text.ptr[0] == '.');
        text = i == 0 || !dot ? text : (floe_str){text.ptr + 1, text.len - 1};
        if (!dot || !floe_str_starts_with(text, part)) {
            return false;
        }
        text = (floe_str){text.ptr + part.len, text.len - part.len};
    }
    return text.len == 0;
}

bool floe_question_spells(const floe_question *question, const floe_str *parts, size_t count) {
    for (size_t i = 0; i < question->name_count; i++) {
        for (size_t first = 0; question->spelt[i].len > 0 && first < count; first++) {
            if (is_joined(parts + first, count - first, question->spelt[i])) {
                return true;
            }
        }
    }
    return false;
}
