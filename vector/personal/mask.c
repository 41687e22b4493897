/*
 * Masking: texts that people wrote, without what is personal in them by itself.
 *
 * Of prose each word is judged, and each run of words that holds nothing but a number's characters, longest first. Of SQL each
 * literal is judged as a whole and then as prose, and so are comments; names and everything else stay as they are. Rule: what
 * is personal becomes its kind in angle brackets, inside of quotes where SQL wants them, so that SQL stays SQL.
 */
#include "vector/personal/personal_int.h"

#include <ctype.h>

/* Words that one number may be written in: "+49 30 123 45 67". */
#define NUMBER_WORDS 6

static const char blanks[] = " \t\r\n";

static bool is_blank(char c) {
    return c != '\0' && strchr(blanks, c) != NULL;
}

static floe_str part(floe_str text, size_t from, size_t to) {
    return (floe_str){text.ptr + from, to - from};
}

static void put_kind(floe_buf *out, floe_personal kind) {
    floe_buf_printf(out, "<%s>", floe_personal_name(kind));
}

/* ---- prose ---- */

static bool is_in(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}

/* Without what stands around a word, or around the pattern of LIKE. */
static floe_str bare(floe_str word) {
    while (word.len > 0 && is_in(word.ptr[0], "\"'`[<{%=:,;")) {
        word = part(word, 1, word.len);
    }
    while (word.len > 0 && is_in(word.ptr[word.len - 1], "\"'`]>}%=:,;.?!")) {
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
        if (!isdigit((unsigned char)run.ptr[i]) && !is_in(run.ptr[i], " +-.()/")) {
            return false;
        }
    }
    return run.len > 0;
}

/* What is personal of the words from `at` on: the longest run of them, without what stands around it. */
static floe_personal find_personal(floe_str text, size_t at, floe_str *ret_found) {
    size_t ends[NUMBER_WORDS];
    size_t count = 0;
    for (size_t from = at; from < text.len && count < NUMBER_WORDS; from = next_word(text, ends[count - 1])) {
        ends[count++] = word_end(text, from);
    }
    for (size_t words = count; words > 0; words--) {
        floe_str run = bare(part(text, at, ends[words - 1]));
        floe_personal kind = words == 1 || is_number(run) ? floe_personal_value(run) : FLOE_PERSONAL_NO;
        if (kind != FLOE_PERSONAL_NO) {
            *ret_found = run;
            return kind;
        }
    }
    return FLOE_PERSONAL_NO;
}

static void put_prose(floe_str text, floe_buf *out) {
    size_t at = 0;
    while (at < text.len) {
        size_t from = next_word(text, at);
        floe_str found = {0};
        floe_buf_str(out, part(text, at, from));
        floe_personal kind = find_personal(text, from, &found);
        at = word_end(text, from);
        if (kind == FLOE_PERSONAL_NO) {
            floe_buf_str(out, part(text, from, at));
            continue;
        }
        floe_buf_str(out, (floe_str){text.ptr + from, (size_t)(found.ptr - (text.ptr + from))});
        put_kind(out, kind);
        at = (size_t)(found.ptr - text.ptr) + found.len;
    }
}

/* ---- SQL ---- */

static void put_literal(floe_str value, floe_buf *out) {
    floe_personal kind = floe_personal_value(bare(value));
    if (kind != FLOE_PERSONAL_NO) {
        put_kind(out, kind);
    } else {
        put_prose(value, out);
    }
}

/* Behind the quote that closes the one at `at`; a doubled quote is none, nor, where backslashes escape, is one behind such. */
static size_t quoted_end(floe_str sql, size_t at, bool escapes) {
    char quote = sql.ptr[at++];
    while (at < sql.len) {
        bool closes = sql.ptr[at] == quote;
        bool doubled = closes && at + 1 < sql.len && sql.ptr[at + 1] == quote;
        bool escaped = escapes && sql.ptr[at] == '\\' && at + 1 < sql.len;
        if (closes && !doubled) {
            return at + 1;
        }
        at += doubled || escaped ? 2 : 1;
    }
    return sql.len;
}

static bool is_name(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t put_string(floe_str sql, size_t at, floe_buf *out) {
    bool escapes = at > 0 && (sql.ptr[at - 1] | 0x20) == 'e' && (at == 1 || !is_name(sql.ptr[at - 2]));
    size_t end = quoted_end(sql, at, escapes);
    bool closed = end > at + 1 && sql.ptr[end - 1] == '\'';
    floe_buf_byte(out, '\'');
    put_literal(part(sql, at + 1, closed ? end - 1 : end), out);
    floe_buf_text(out, closed ? "'" : "");
    return end;
}

static size_t find(floe_str sql, size_t from, floe_str what) {
    const char *found = from < sql.len ? memmem(sql.ptr + from, sql.len - from, what.ptr, what.len) : NULL;
    return found ? (size_t)(found - sql.ptr) : sql.len;
}

/* A comment, whose mark has two characters, up to behind what closes it. */
static size_t put_comment(floe_str sql, size_t at, floe_str close, floe_buf *out) {
    size_t end = find(sql, at + 2, close);
    floe_str closed = end < sql.len ? close : FLOE_STR("");
    floe_buf_str(out, part(sql, at, at + 2));
    put_prose(part(sql, at + 2, end), out);
    floe_buf_str(out, closed);
    return end + closed.len;
}

/* "$$ … $$" and "$tag$ … $tag$"; a lone dollar is copied. */
static size_t put_dollar(floe_str sql, size_t at, floe_buf *out) {
    size_t mark = at + 1;
    while (mark < sql.len && is_name(sql.ptr[mark])) {
        mark++;
    }
    if (mark == sql.len || sql.ptr[mark] != '$') {
        floe_buf_byte(out, '$');
        return at + 1;
    }
    floe_str tag = part(sql, at, mark + 1);
    size_t end = find(sql, mark + 1, tag);
    floe_buf_str(out, tag);
    put_literal(part(sql, mark + 1, end), out);
    floe_buf_str(out, end < sql.len ? tag : FLOE_STR(""));
    return end < sql.len ? end + tag.len : end;
}

/* A word, which may have digits in it, or a number, which is judged. */
static size_t put_word(floe_str sql, size_t at, floe_buf *out) {
    size_t end = at;
    while (end < sql.len && is_name(sql.ptr[end])) {
        end++;
    }
    floe_personal kind = FLOE_PERSONAL_NO;
    if (isdigit((unsigned char)sql.ptr[at])) {
        kind = floe_personal_value(part(sql, at, end));
    }
    if (kind == FLOE_PERSONAL_NO) {
        floe_buf_str(out, part(sql, at, end));
    } else {
        floe_buf_printf(out, "'<%s>'", floe_personal_name(kind));
    }
    return end;
}

static size_t put_next(floe_str sql, size_t at, floe_buf *out) {
    char next = at + 1 < sql.len ? sql.ptr[at + 1] : '\0';
    switch (sql.ptr[at]) {
    case '\'':
        return put_string(sql, at, out);
    case '"': {
        size_t end = quoted_end(sql, at, false);
        floe_buf_str(out, part(sql, at, end));
        return end;
    }
    case '$':
        return put_dollar(sql, at, out);
    default:
        break;
    }
    if (sql.ptr[at] == '-' && next == '-') {
        return put_comment(sql, at, FLOE_STR("\n"), out);
    }
    if (sql.ptr[at] == '/' && next == '*') {
        return put_comment(sql, at, FLOE_STR("*/"), out);
    }
    if (is_name(sql.ptr[at])) {
        return put_word(sql, at, out);
    }
    floe_buf_str(out, part(sql, at, at + 1));
    return at + 1;
}

void floe_personal_mask_text(floe_str text, floe_buf *out) {
    put_prose(text, out);
}

void floe_personal_mask_sql(floe_str sql, floe_buf *out) {
    for (size_t at = 0; at < sql.len;) {
        at = put_next(sql, at, out);
    }
}
