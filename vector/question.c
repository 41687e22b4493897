/*
 * From a question to its terms and to the names it may spell.
 *
 * Terms are the stems of its words, each once, without stop words (unless it has nothing else), without words that no
 * document in scope has. A name is the whole question, or a piece of it between spaces that holds an underscore, a dot or
 * a colon, which people type only when they mean it literally.
 */
#include "vector/rank_int.h"

static bool has_term(const floe_question *question, uint32_t number) {
    for (size_t i = 0; i < question->term_count; i++) {
        if (question->terms[i].number == number) {
            return true;
        }
    }
    return false;
}

/* The weight of a term is its idf among tables, or where no table has it the largest that any other field gives. */
static double weigh(const floe_corpus *corpus, const floe_question *question, uint32_t number) {
    double best = floe_field_idf(&corpus->fields[FLOE_FIELD_TABLE], question, number);
    for (int i = 0; best <= 0 && i < FLOE_FIELD_COUNT; i++) {
        best = floe_field_idf(&corpus->fields[i], question, number);
    }
    return best;
}

static void add_term(floe_corpus *corpus, floe_question *question, floe_str word, floe_arena *arena) {
    uint32_t number = floe_lexicon_term(&corpus->lexicon, word, false);
    if (number == FLOE_TERM_NONE || has_term(question, number) || question->term_count == FLOE_QUESTION_TERMS_MAX) {
        return;
    }
    double weight = weigh(corpus, question, number);
    if (weight > 0) {
        question->terms[question->term_count++] =
            (floe_term){.word = floe_arena_str(arena, word), .number = number, .weight = weight};
        question->weight += weight;
    }
}

static void add_name(floe_question *question, floe_str text) {
    uint64_t hash = floe_words_hash(0, text);
    if (hash != 0 && question->name_count < FLOE_QUESTION_NAMES_MAX) {
        question->names[question->name_count++] = hash;
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

static void add_names(floe_question *question, floe_str text) {
    floe_str piece = {0};
    add_name(question, text);
    while (floe_str_split(&text, ' ', &piece)) {
        if (looks_literal(piece)) {
            add_name(question, piece);
        }
    }
}

void floe_question_read(floe_corpus *corpus, const bool *asked, floe_str text, floe_arena *arena,
                        floe_question *ret_question) {
    *ret_question = (floe_question){.asked = asked, .scope_count = corpus->scope_count};
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            add_term(corpus, ret_question, word, arena);
        }
    }
    add_names(ret_question, text);
}

bool floe_question_names(const floe_question *question, uint64_t hash) {
    for (size_t i = 0; hash != 0 && i < question->name_count; i++) {
        if (question->names[i] == hash) {
            return true;
        }
    }
    return false;
}
