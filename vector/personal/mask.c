/*
 * Masking: texts that people wrote, without what is personal in them by itself.
 *
 * Of prose each word is judged, its pieces, and each run of words that holds nothing but a number's characters, longest first. Of
 * SQL each literal is judged as a whole, with and without escapes, and then as prose, and so are comments and addresses that stand
 * nowhere; names and everything else stay as they are. Rule: what
 * is personal becomes its kind in angle brackets, inside of quotes where SQL wants them, so that SQL stays SQL.
 */
#include "vector/personal/personal_int.h"

#include <ctype.h>
#include <stdio.h>

/* Words that one number may be written in: "+49 30 123 45 67". */
#define NUMBER_WORDS 6
#define ADDRESS_MAX 320 /* RFC 3696: 64 before the @, 255 behind it */

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

/* Without what stands around a word, or around a pattern. */
static floe_str bare(floe_str word) {
    while (word.len > 0 && is_in(word.ptr[0], "\"'`[<{%^=:,;")) {
        word = part(word, 1, word.len);
    }
    while (word.len > 0 && is_in(word.ptr[word.len - 1], "\"'`]>}%$=:,;.?!")) {
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

/* Where a piece of a word ends: "card=4111…", "a,b" and {"k":"v"} are several things without a blank between them. */
static bool is_between(char c) {
    return is_in(c, ",;|[]{}\"'`<>=:");
}

static size_t piece_end(floe_str text, size_t at) {
    while (at < text.len && !is_blank(text.ptr[at]) && !is_between(text.ptr[at])) {
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
        inner = part(inner, 1, inner.len);
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
        if (ends[count - 1] < text.len && is_between(text.ptr[ends[count - 1]])) {
            break;
        }
    }
    for (size_t words = count; words > 0; words--) {
        floe_str run = bare(part(text, at, ends[words - 1]));
        floe_personal kind = words == 1 || is_number(run) ? number_of(run, ret_found) : FLOE_PERSONAL_NO;
        if (kind != FLOE_PERSONAL_NO) {
            return kind;
        }
    }
    return FLOE_PERSONAL_NO;
}

/* Up to behind what was found, or behind the piece. An address is one with the word around it, which has said so at its beginning. */
static size_t put_piece(floe_str text, size_t from, bool begins, floe_buf *out) {
    floe_str found = begins ? bare(part(text, from, word_end(text, from))) : (floe_str){0};
    bool address = begins && floe_personal_value(found) == FLOE_PERSONAL_EMAIL;
    floe_personal kind = address ? FLOE_PERSONAL_EMAIL : find_number(text, from, &found);
    if (kind == FLOE_PERSONAL_NO) {
        size_t end = piece_end(text, from);
        floe_buf_str(out, part(text, from, end));
        return end;
    }
    floe_buf_str(out, (floe_str){text.ptr + from, (size_t)(found.ptr - (text.ptr + from))});
    put_kind(out, kind);
    return (size_t)(found.ptr - text.ptr) + found.len;
}

static void put_prose(floe_str text, floe_buf *out) {
    size_t word = SIZE_MAX; /* end of the word that was asked for an address */
    for (size_t at = 0; at < text.len;) {
        size_t from = next_piece(text, at);
        floe_buf_str(out, part(text, at, from));
        if (from == text.len) {
            return;
        }
        bool begins = word == SIZE_MAX || from >= word;
        word = begins ? word_end(text, from) : word;
        at = put_piece(text, from, begins, out);
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

static int hex_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

/* The character of a number in the literal, of at most `most` digits, and how many it has; 0: there is none. */
static size_t read_code(floe_str value, size_t at, unsigned base, size_t most, unsigned *ret_code) {
    size_t len = 0;
    *ret_code = 0;
    for (; len < most && at + len < value.len; len++) {
        int digit = hex_of(value.ptr[at + len]);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }
        *ret_code = *ret_code * base + (unsigned)digit;
    }
    return len;
}

/* What a backslash and what follows it stand for, of U&'…' \0040 and \+000040, of others \x40, \100, \u0040 and \U00000040; else the
 * next character, as in a pattern. Returns how much was read of it. */
static size_t put_escaped(floe_str value, size_t at, bool unicode, floe_buf *out) {
    char mark = at + 1 < value.len ? value.ptr[at + 1] : '\\';
    bool named = is_in(mark, unicode ? "+" : "xuU");
    size_t behind = named ? 2 : 1;
    size_t most = mark == 'x' ? 2 : mark == 'u' ? 4 : mark == 'U' ? 8 : mark == '+' ? 6 : unicode ? 4 : 3;
    unsigned code = 0;
    size_t len = read_code(value, at + behind, named || unicode ? 16 : 8, most, &code);
    floe_buf_byte(out, (uint8_t)(len == 0 ? mark : code > 0 && code < 0x80 ? (char)code : '?'));
    return len == 0 ? 2 : behind + len;
}

/* What a literal with backslashes says, where they escape. */
static void unescape(floe_str value, bool unicode, floe_buf *out) {
    for (size_t at = 0; at < value.len;) {
        if (value.ptr[at] == '\\') {
            at += put_escaped(value, at, unicode, out);
        } else {
            floe_buf_byte(out, (uint8_t)value.ptr[at++]);
        }
    }
}

/* The first thing that is personal in the text. */
static floe_personal kind_in(floe_str text) {
    FLOE_AUTO_BUF masked;
    floe_buf_init(&masked, 2 * text.len + 64);
    put_literal(text, &masked);
    for (int kind = 1; !floe_str_equal(floe_buf_view(&masked), text) && kind < FLOE_PERSONAL_COUNT; kind++) {
        char name[64];
        int len = snprintf(name, sizeof(name), "<%s>", floe_personal_name((floe_personal)kind));
        if (masked.len >= (size_t)len && memmem(masked.ptr, masked.len, name, (size_t)len) != NULL) {
            return (floe_personal)kind;
        }
    }
    return FLOE_PERSONAL_NO;
}

/* Of a quoted literal, which may say by escapes what it does not spell. */
static void put_quoted(floe_str value, bool unicode, floe_buf *out) {
    floe_personal kind = FLOE_PERSONAL_NO;
    if (value.len > 0 && memchr(value.ptr, '\\', value.len) != NULL) {
        FLOE_AUTO_BUF said;
        floe_buf_init(&said, value.len + 1);
        unescape(value, unicode, &said);
        kind = kind_in(floe_buf_view(&said));
    }
    if (kind != FLOE_PERSONAL_NO) {
        put_kind(out, kind);
    } else {
        put_literal(value, out);
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
    put_quoted(part(sql, at + 1, closed ? end - 1 : end), at > 0 && sql.ptr[at - 1] == '&', out);
    floe_buf_text(out, closed ? "'" : "");
    return end;
}

static size_t find(floe_str sql, size_t from, floe_str what) {
    const char *found = from < sql.len ? memmem(sql.ptr + from, sql.len - from, what.ptr, what.len) : NULL;
    return found ? (size_t)(found - sql.ptr) : sql.len;
}

static size_t put_line_comment(floe_str sql, size_t at, floe_buf *out) {
    size_t end = find(sql, at, FLOE_STR("\n"));
    floe_buf_str(out, part(sql, at, at + 2));
    put_prose(part(sql, at + 2, end), out);
    return end;
}

/* Comments of this kind lie in each other. */
static size_t put_comment(floe_str sql, size_t at, floe_buf *out) {
    size_t end = at + 2;
    for (size_t depth = 1; depth > 0 && end < sql.len;) {
        bool opens = end + 1 < sql.len && sql.ptr[end] == '/' && sql.ptr[end + 1] == '*';
        bool closes = end + 1 < sql.len && sql.ptr[end] == '*' && sql.ptr[end + 1] == '/';
        depth += opens ? 1 : 0;
        depth -= closes ? 1 : 0;
        end += opens || closes ? 2 : 1;
    }
    floe_buf_str(out, part(sql, at, at + 2));
    put_prose(part(sql, at + 2, end), out);
    return end;
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
    put_quoted(part(sql, mark + 1, end), false, out);
    floe_buf_str(out, end < sql.len ? tag : FLOE_STR(""));
    return end < sql.len ? end + tag.len : end;
}

/* Digits, but for what parts them: 4111_1111_1111_1111. */
static floe_personal kind_of_number(floe_str number) {
    char digits[64];
    size_t len = 0;
    for (size_t i = 0; i < number.len && len < sizeof(digits); i++) {
        digits[len] = number.ptr[i];
        len += number.ptr[i] != '_' ? 1 : 0;
    }
    return len < sizeof(digits) ? floe_personal_value((floe_str){digits, len}) : FLOE_PERSONAL_NO;
}

/* Behind an address that stands where no literal is to begin: other dialects have other comments and other escapes. */
static size_t address_end(floe_str sql, size_t at) {
    size_t end = at;
    bool any = false;
    while (end < sql.len && end - at < ADDRESS_MAX && (is_name(sql.ptr[end]) || is_in(sql.ptr[end], ".@-+"))) {
        any = any || sql.ptr[end] == '@';
        end++;
    }
    floe_str word = bare(part(sql, at, end));
    return any && floe_personal_value(word) == FLOE_PERSONAL_EMAIL ? at + word.len : at;
}

/* A word, which may have digits in it, or a number, which is judged. */
static size_t put_word(floe_str sql, size_t at, floe_buf *out) {
    size_t end = at;
    while (end < sql.len && is_name(sql.ptr[end])) {
        end++;
    }
    floe_personal kind = FLOE_PERSONAL_NO;
    if (isdigit((unsigned char)sql.ptr[at])) {
        kind = kind_of_number(part(sql, at, end));
    }
    if (kind != FLOE_PERSONAL_NO) {
        floe_buf_printf(out, "'<%s>'", floe_personal_name(kind));
        return end;
    }
    size_t address = end < sql.len && is_in(sql.ptr[end], ".@-+") ? address_end(sql, at) : at;
    if (address > at) {
        put_kind(out, FLOE_PERSONAL_EMAIL);
        return address;
    }
    floe_buf_str(out, part(sql, at, end));
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
        return put_line_comment(sql, at, out);
    }
    if (sql.ptr[at] == '/' && next == '*') {
        return put_comment(sql, at, out);
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
