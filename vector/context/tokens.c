/*
 * How many tokens a text has, from above, without the vocabulary of any model.
 *
 * The text is cut into the pieces that cl100k_base cuts it into before it merges anything: a word with one character before
 * it, up to three digits, a run of punctuation with one space before it, a run of white space. Within a piece the price is
 * counted in quarters of a token:
 * - a lower-case word, capitalised or not, and each hump of a camelCase one: a quarter per letter, at least one token, and
 *   three quarters more for each consonant after the second in a row, because a vocabulary knows few of those;
 * - letters in capitals: three quarters each, a whole token when the word is one of SQL's, which every vocabulary knows;
 * - characters beyond ASCII: one and a half tokens where UTF-8 has two bytes, and half a token less than their bytes above;
 * - punctuation: a token for each change of character, and one more for each eight equal ones;
 * - white space: one token, and one more for each sixteen characters.
 * What each piece costs is rounded up to whole tokens.
 *
 * Error, measured against cl100k_base and o200k_base (tests/vector/tokens.jsonl): on schemas, questions and English prose
 * never below the real count but by the last three per cent of o200k's, and on the average 30 to 40 per cent above; on other
 * languages in Latin letters at most ten per cent below. Letters drawn at random can be undercounted by half: no text of
 * that kind is a schema, and a budget is no wall that something breaks behind.
 */
#include "vector/context/context.h"

#include <ctype.h>

#define QUARTERS 4
#define EQUAL_PER_TOKEN 8
#define SPACES_PER_TOKEN 16
#define DIGITS_PER_TOKEN 3

/* In the order of bytes. */
static const char *const sql_words[] = {
    "ALL",    "AND",   "AS",        "ASC",   "AVG",        "BIGINT",  "BOOLEAN", "BY",      "CASE",  "COUNT",
    "CREATE", "DATE",  "DECIMAL",   "DESC",  "DISTINCT",   "DOUBLE",  "ELSE",    "END",     "FLOAT", "FOREIGN",
    "FROM",   "GROUP", "HAVING",    "IN",    "INT",        "INTEGER", "IS",      "JOIN",    "KEY",   "LEFT",
    "LIKE",   "LIMIT", "MAX",       "MIN",   "NOT",        "NULL",    "NUMBER",  "NUMERIC", "ON",    "OR",
    "ORDER",  "OVER",  "PRIMARY",   "REAL",  "REFERENCES", "SELECT",  "STRING",  "SUM",     "TABLE", "TEXT",
    "THEN",   "TIME",  "TIMESTAMP", "UNION", "UNIQUE",     "USING",   "VARCHAR", "WHEN",    "WHERE", "WITH"};

static bool is_letter(char c) {
    return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_vowel(char c) {
    return strchr("aeiouyAEIOUY", c) != NULL;
}

static bool is_sql_word(floe_str word) {
    size_t low = 0;
    size_t high = sizeof(sql_words) / sizeof(sql_words[0]);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = floe_str_compare(word, floe_str_of(sql_words[middle]));
        if (order == 0) {
            return true;
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    return false;
}

/* ---- one hump of a word, in quarters ---- */

static size_t price_capitals(floe_str hump) {
    if (is_sql_word(hump)) {
        return QUARTERS;
    }
    return hump.len <= 2 ? QUARTERS * hump.len - 2 * (hump.len - 1) : QUARTERS * ((3 * hump.len + 3) / 4);
}

static size_t price_lower(floe_str hump) {
    size_t price = hump.len <= QUARTERS ? QUARTERS : hump.len;
    size_t run = 0;
    for (size_t i = 0; i < hump.len; i++) {
        run = is_vowel(hump.ptr[i]) ? 0 : run + 1;
        price += run > 2 ? 3 : 0;
    }
    return price;
}

static bool upper_at(floe_str text, size_t at) {
    return at < text.len && isupper((unsigned char)text.ptr[at]);
}

static bool lower_at(floe_str text, size_t at) {
    return at < text.len && islower((unsigned char)text.ptr[at]);
}

/* The length of the hump of ASCII letters that begins at `at`: capitals up to the last, which begins the next hump when a
 * small letter follows; or one letter and the small ones after it. */
static size_t hump_len(floe_str word, size_t at) {
    size_t end = at + 1;
    if (upper_at(word, at) && upper_at(word, end)) {
        while (upper_at(word, end)) {
            end++;
        }
        return (lower_at(word, end) ? end - 1 : end) - at;
    }
    while (lower_at(word, end)) {
        end++;
    }
    return end - at;
}

/* A character beyond ASCII; bytes that are no UTF-8 are a character each. */
static size_t price_wide(floe_str text, size_t *ret_len) {
    size_t len = floe_utf8_sequence(text);
    *ret_len = len > 0 ? len : 1;
    return len <= 2 ? QUARTERS + 2 : QUARTERS * len - 2;
}

static size_t price_word(floe_str word) {
    size_t price = 0;
    for (size_t at = 0; at < word.len;) {
        size_t len = 0;
        floe_str rest = {word.ptr + at, word.len - at};
        if ((unsigned char)word.ptr[at] >= 0x80) {
            price += price_wide(rest, &len);
        } else {
            len = hump_len(word, at);
            rest.len = len;
            price +=
                upper_at(word, at) && (len == 1 || upper_at(word, at + 1)) ? price_capitals(rest) : price_lower(rest);
        }
        at += len;
    }
    return price;
}

/* ---- pieces ---- */

static size_t run_of(floe_str text, size_t at, bool (*is)(char c)) {
    size_t end = at;
    while (end < text.len && is(text.ptr[end])) {
        end++;
    }
    return end - at;
}

static bool is_digit(char c) {
    return isdigit((unsigned char)c);
}

static bool is_space(char c) {
    return isspace((unsigned char)c);
}

static bool is_mark(char c) {
    return !is_letter(c) && !is_digit(c) && !is_space(c);
}

static size_t marks_tokens(floe_str marks) {
    size_t tokens = 0;
    size_t equal = 0;
    for (size_t i = 0; i < marks.len; i++) {
        bool same = i > 0 && marks.ptr[i] == marks.ptr[i - 1];
        equal = same ? equal + 1 : 1;
        tokens += !same || equal % EQUAL_PER_TOKEN == 0 ? 1 : 0;
    }
    return tokens;
}

/* A word may take the character before it, whatever that is but a digit or the end of a line; a space, an underscore or a
 * point before a word is nearly always one token with it. */
static size_t take_word(floe_str text, size_t at, size_t *ret_len) {
    bool lead = !is_letter(text.ptr[at]);
    size_t len = run_of(text, at + lead, is_letter);
    size_t price = price_word((floe_str){text.ptr + at + lead, len});
    bool free = lead && (text.ptr[at] == ' ' || text.ptr[at] == '_' || text.ptr[at] == '.');
    *ret_len = len + lead;
    return (price + (lead && !free ? QUARTERS : 0) + QUARTERS - 1) / QUARTERS;
}

static size_t take_marks(floe_str text, size_t at, size_t *ret_len) {
    bool space = text.ptr[at] == ' ';
    size_t len = run_of(text, at + space, is_mark);
    size_t tokens = marks_tokens((floe_str){text.ptr + at + space, len});
    size_t end = at + space + len;
    while (end < text.len && (text.ptr[end] == '\n' || text.ptr[end] == '\r')) {
        end++;
    }
    *ret_len = end - at;
    return tokens;
}

/* White space leaves its last character to a word that follows. */
static size_t take_spaces(floe_str text, size_t at, size_t *ret_len) {
    size_t len = run_of(text, at, is_space);
    bool leaves = at + len < text.len && len > 1 && text.ptr[at + len - 1] != '\n' && !is_digit(text.ptr[at + len]);
    *ret_len = leaves ? len - 1 : len;
    return 1 + *ret_len / SPACES_PER_TOKEN;
}

static size_t take_piece(floe_str text, size_t at, size_t *ret_len) {
    char first = text.ptr[at];
    bool more = at + 1 < text.len;
    if (is_digit(first)) {
        size_t len = run_of(text, at, is_digit);
        *ret_len = len < DIGITS_PER_TOKEN ? len : DIGITS_PER_TOKEN;
        return 1;
    }
    bool ends_line = first == '\n' || first == '\r';
    if (is_letter(first) || (more && !ends_line && is_letter(text.ptr[at + 1]))) {
        return take_word(text, at, ret_len);
    }
    if (is_mark(first) || (first == ' ' && more && is_mark(text.ptr[at + 1]))) {
        return take_marks(text, at, ret_len);
    }
    return take_spaces(text, at, ret_len);
}

size_t floe_tokens_count(floe_str text) {
    size_t tokens = 0;
    for (size_t at = 0; at < text.len;) {
        size_t len = 0;
        tokens += take_piece(text, at, &len);
        at += len;
    }
    return tokens;
}
