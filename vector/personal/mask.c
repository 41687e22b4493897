/*
 * Masking of SQL that people wrote: each literal is judged as a whole, with and without escapes, with those that it is put together
 * with, and then as prose (prose.c), and so are comments and addresses that stand nowhere; names and everything else stay as
 * they are. Rule: what is personal becomes its kind in angle brackets, inside of quotes where SQL wants them, so that SQL stays
 * SQL.
 */
#include "vector/personal/personal_int.h"

#include <ctype.h>
#include <stdio.h>

#define KIND_MAX 16     /* of "<national id>", which may stand for a few bytes */
#define ADDRESS_MAX 320 /* RFC 3696: 64 before the @, 255 behind it */

/* ---- what a literal says ---- */

static void put_literal(floe_str value, floe_buf *out) {
    floe_personal kind = floe_personal_value(floe_personal_bare(value));
    if (kind != FLOE_PERSONAL_NO) {
        floe_personal_put_kind(out, kind);
    } else {
        floe_personal_mask_text(value, out);
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
    bool named = floe_personal_is_in(mark, unicode ? "+" : "xuU");
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

/* The first thing that is personal in the text. Where there was no memory to look, *out fails: what was not looked at may not be
 * shown. */
static floe_personal kind_in(const floe_buf *said, size_t from, floe_buf *out) {
    FLOE_AUTO_BUF masked;
    floe_str all = floe_buf_view(said), text = floe_personal_part(all, from < all.len ? from : all.len, all.len);
    floe_buf_init(&masked, KIND_MAX * (text.len + 1));
    put_literal(text, &masked);
    out->failed = out->failed || said->failed || masked.failed;
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
        kind = kind_in(&said, 0, out);
    }
    if (kind != FLOE_PERSONAL_NO) {
        floe_personal_put_kind(out, kind);
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

/* ---- literals, and those put together ---- */

/* A literal in single quotes. */
typedef struct literal {
    size_t end;     /* behind it */
    floe_str value; /* between its quotes */
    bool unicode, closed;
} literal;

static literal read_literal(floe_str sql, size_t at) {
    bool escapes = at > 0 && (sql.ptr[at - 1] | 0x20) == 'e' && (at == 1 || !is_name(sql.ptr[at - 2]));
    literal found = {.end = quoted_end(sql, at, escapes), .unicode = at > 0 && sql.ptr[at - 1] == '&'};
    found.closed = found.end > at + 1 && sql.ptr[found.end - 1] == '\'';
    found.value = floe_personal_part(sql, at + 1, found.closed ? found.end - 1 : found.end);
    return found;
}

static size_t skip_blanks(floe_str sql, size_t at) {
    while (at < sql.len && floe_personal_is_in(sql.ptr[at], " \t\r\n")) {
        at++;
    }
    return at;
}

/* Whether the literal at `at` is an argument of concat. */
static bool is_concat(floe_str sql, size_t at) {
    while (at > 0 && floe_personal_is_in(sql.ptr[at - 1], " \t\r\n")) {
        at--;
    }
    return at >= 7 && floe_str_is_nocase(floe_personal_part(sql, at - 7, at), "concat(") &&
           (at == 7 || !is_name(sql.ptr[at - 8]));
}

/* The literal that the one before `at` is put together with: 'a' || 'b', concat('a', 'b') and, as SQL has it, 'a' 'b'. sql.len: none. */
static size_t next_literal(floe_str sql, size_t at, bool concat) {
    at = skip_blanks(sql, at);
    bool joined = at + 1 < sql.len && sql.ptr[at] == '|' && sql.ptr[at + 1] == '|';
    bool listed = concat && at < sql.len && sql.ptr[at] == ',';
    at = skip_blanks(sql, at + (joined ? 2 : listed ? 1 : 0));
    bool marked = at + 1 < sql.len && floe_personal_is_in(sql.ptr[at], "eE") && sql.ptr[at + 1] == '\'';
    bool coded =
        at + 2 < sql.len && floe_personal_is_in(sql.ptr[at], "uU") && sql.ptr[at + 1] == '&' && sql.ptr[at + 2] == '\'';
    at += marked ? 1 : coded ? 2 : 0;
    return at < sql.len && sql.ptr[at] == '\'' ? at : sql.len;
}

/* What the literals together say, when none of them says it alone; `ret_end` is behind the last of them. */
static floe_personal kind_together(floe_str sql, size_t at, size_t *ret_end, floe_buf *out) {
    FLOE_AUTO_BUF said;
    floe_buf_init(&said, sql.len + 1);
    bool concat = is_concat(sql, at);
    bool alone = false;
    size_t count = 0;
    for (; at < sql.len; at = next_literal(sql, *ret_end, concat), count++) {
        literal one = read_literal(sql, at);
        size_t before = said.len;
        unescape(one.value, one.unicode, &said);
        alone = alone || kind_in(&said, before, out) != FLOE_PERSONAL_NO;
        *ret_end = one.end;
    }
    return count > 1 && !alone ? kind_in(&said, 0, out) : FLOE_PERSONAL_NO;
}

/* The literal at `at` and all that it is put together with, each of which is looked at once. */
static size_t put_string(floe_str sql, size_t at, floe_buf *out) {
    size_t end = at;
    floe_personal kind = kind_together(sql, at, &end, out);
    if (kind != FLOE_PERSONAL_NO) {
        floe_buf_byte(out, '\'');
        floe_personal_put_kind(out, kind);
        floe_buf_byte(out, '\'');
        return end;
    }
    bool concat = is_concat(sql, at);
    end = at;
    for (; at < sql.len; at = next_literal(sql, end, concat)) {
        literal one = read_literal(sql, at);
        floe_buf_str(out, floe_personal_part(sql, end, at));
        floe_buf_byte(out, '\'');
        put_quoted(one.value, one.unicode, out);
        floe_buf_text(out, one.closed ? "'" : "");
        end = one.end;
    }
    return end;
}

/* ---- everything else ---- */

static size_t find(floe_str sql, size_t from, floe_str what) {
    const char *found = from < sql.len ? memmem(sql.ptr + from, sql.len - from, what.ptr, what.len) : NULL;
    return found ? (size_t)(found - sql.ptr) : sql.len;
}

static size_t put_line_comment(floe_str sql, size_t at, floe_buf *out) {
    size_t end = find(sql, at, FLOE_STR("\n"));
    floe_buf_str(out, floe_personal_part(sql, at, at + 2));
    floe_personal_mask_text(floe_personal_part(sql, at + 2, end), out);
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
    floe_buf_str(out, floe_personal_part(sql, at, at + 2));
    floe_personal_mask_text(floe_personal_part(sql, at + 2, end), out);
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
    floe_str tag = floe_personal_part(sql, at, mark + 1);
    size_t end = find(sql, mark + 1, tag);
    floe_buf_str(out, tag);
    put_quoted(floe_personal_part(sql, mark + 1, end), false, out);
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
    while (end < sql.len && end - at < ADDRESS_MAX &&
           (is_name(sql.ptr[end]) || floe_personal_is_in(sql.ptr[end], ".@-+"))) {
        any = any || sql.ptr[end] == '@';
        end++;
    }
    floe_str word = floe_personal_bare(floe_personal_part(sql, at, end));
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
        kind = kind_of_number(floe_personal_part(sql, at, end));
    }
    if (kind != FLOE_PERSONAL_NO) {
        floe_buf_printf(out, "'<%s>'", floe_personal_name(kind));
        return end;
    }
    size_t address = end < sql.len && floe_personal_is_in(sql.ptr[end], ".@-+") ? address_end(sql, at) : at;
    if (address > at) {
        floe_personal_put_kind(out, FLOE_PERSONAL_EMAIL);
        return address;
    }
    floe_buf_str(out, floe_personal_part(sql, at, end));
    return end;
}

static size_t put_next(floe_str sql, size_t at, floe_buf *out) {
    char next = at + 1 < sql.len ? sql.ptr[at + 1] : '\0';
    switch (sql.ptr[at]) {
    case '\'':
        return put_string(sql, at, out);
    case '"': {
        size_t end = quoted_end(sql, at, false);
        floe_buf_str(out, floe_personal_part(sql, at, end));
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
    floe_buf_str(out, floe_personal_part(sql, at, at + 1));
    return at + 1;
}

void floe_personal_mask_sql(floe_str sql, floe_buf *out) {
    for (size_t at = 0; at < sql.len;) {
        at = put_next(sql, at, out);
    }
}
