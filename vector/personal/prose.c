/*
 * Masking of prose: each word is judged, its pieces, and each run of words that holds nothing but a number's characters, longest
 * first. Rule: what is personal becomes its kind in angle brackets, everything else stays as it is.
 */
#include "vector/personal/personal_int.h"

#include <ctype.h>

/* Words that one number may be written in: "+49 30 123 45 67". */
#define NUMBER_WORDS 6

static const char blanks[] = " \t\r\n";

static bool is_blank(char c) {
    return c != '\0' && strchr(blanks, c) != NULL;
}

floe_str floe_personal_bare(floe_str word) {
    while (word.len > 0 && floe_personal_is_in(word.ptr[0], "\"'`[<{%^=:,;")) {
        word = floe_personal_part(word, 1, word.len);
    }
    while (word.len > 0 && floe_personal_is_in(word.ptr[word.len - 1], "\"'`]>}%$=:,;.?!")) {
        word.len--;
    }
    return word;
}

static size_t word_end(floe_str text, size_t at) {
    while (at < text.len && !is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

static size_t next_word(floe_str text, size_t at) {
    while (at < text.len && is_blank(text.ptr[at])) {
        at++;
    }
    return at;
}

static bool is_number(floe_str run) {
    for (size_t i = 0; i < run.len; i++) {
        if (!isdigit((unsigned char)run.ptr[i]) && !floe_personal_is_in(run.ptr[i], " +-.()/")) {
            return false;
        }
    }
    return run.len > 0;
}

/* Where a piece of a word ends: "card=4111…", "a,b" and {"k":"v"} are several things without a blank between them. */
static bool is_between(char c) {
    return floe_personal_is_in(c, ",;|[]{}\"'`<>=:#");
}

/* So does it before a bracket right behind a letter: SSN(219-09-9999). */
static bool is_label(floe_str text, size_t at, size_t from) {
    return at > from && text.ptr[at] == '(' && floe_is_letter(text.ptr[at - 1]);
}

static size_t piece_end(floe_str text, size_t from) {
    size_t at = from;
    while (at < text.len && !is_blank(text.ptr[at]) && !is_between(text.ptr[at]) && !is_label(text, at, from)) {
        at++;
    }
    return at;
}

static size_t next_piece(floe_str text, size_t at) {
    while (at < text.len && (is_blank(text.ptr[at]) || is_between(text.ptr[at]))) {
        at++;
    }
    return at;
}

/* A number or an id; in brackets too, where they are not part of the number. */
static floe_personal number_of(floe_str run, floe_str *ret_found) {
    floe_str inner = run;
    while (inner.len > 0 && inner.ptr[0] == '(') {
        inner = floe_personal_part(inner, 1, inner.len);
    }
    while (inner.len > 0 && inner.ptr[inner.len - 1] == ')') {
        inner.len--;
    }
    floe_personal kind = floe_personal_value(run);
    *ret_found = kind == FLOE_PERSONAL_NO ? inner : run;
    kind = kind == FLOE_PERSONAL_NO ? floe_personal_value(inner) : kind;
    return kind == FLOE_PERSONAL_EMAIL ? FLOE_PERSONAL_NO : kind; /* of which the whole word tells */
}

/* What is personal of the words from `at` on: the longest run of them that is a number, without what stands around it. */
static floe_personal find_number(floe_str text, size_t at, floe_str *ret_found) {
    size_t ends[NUMBER_WORDS];
    size_t count = 0;
    for (size_t from = at; from < text.len && count < NUMBER_WORDS; from = next_word(text, ends[count - 1])) {
        ends[count++] = piece_end(text, from);
        if (ends[count - 1] < text.len && !is_blank(text.ptr[ends[count - 1]])) {
            break;
        }
    }
    for (size_t words = count; words > 0; words--) {
        floe_str run = floe_personal_bare(floe_personal_part(text, at, ends[words - 1]));
        floe_personal kind = words == 1 || is_number(run) ? number_of(run, ret_found) : FLOE_PERSONAL_NO;
        if (kind != FLOE_PERSONAL_NO) {
            return kind;
        }
    }
    return FLOE_PERSONAL_NO;
}

/* Up to behind what was found, or behind the piece. An address is one with the word around it, which has said so at its beginning. */
static size_t put_piece(floe_str text, size_t from, bool begins, floe_buf *out) {
    floe_str found = begins ? floe_personal_bare(floe_personal_part(text, from, word_end(text, from))) : (floe_str){0};
    bool address = begins && floe_personal_value(found) == FLOE_PERSONAL_EMAIL;
    floe_personal kind = address ? FLOE_PERSONAL_EMAIL : find_number(text, from, &found);
    if (kind == FLOE_PERSONAL_NO) {
        size_t end = piece_end(text, from);
        floe_buf_str(out, floe_personal_part(text, from, end));
        return end;
    }
    floe_buf_str(out, (floe_str){text.ptr + from, (size_t)(found.ptr - (text.ptr + from))});
    floe_personal_put_kind(out, kind);
    return (size_t)(found.ptr - text.ptr) + found.len;
}

void floe_personal_mask_text(floe_str text, floe_buf *out) {
    size_t word = SIZE_MAX; /* end of the word that was asked for an address */
    for (size_t at = 0; at < text.len;) {
        size_t from = next_piece(text, at);
        floe_buf_str(out, floe_personal_part(text, at, from));
        if (from == text.len) {
            return;
        }
        bool begins = word == SIZE_MAX || from >= word;
        word = begins ? word_end(text, from) : word;
        at = put_piece(text, from, begins, out);
    }
}
