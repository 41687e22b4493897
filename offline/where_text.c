/*
 * Whether text that only the engine understands is at least one closed expression without a query inside: quotes and
 * parentheses close, none closes what the text did not open, and there is no comment, no second statement, no subquery and
 * so no table function.
 */
#include "offline/lake_int.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static const char *skip_quoted(const char *at) {
    char quote = *at++;
    while (*at && (*at != quote || at[1] == quote)) {
        at += *at == quote ? 2 : 1;
    }
    return *at ? at + 1 : NULL;
}

/* Whether the word that stands first in parentheses begins a query. */
static bool begins_query(const char *at) {
    static const char *const WORDS[] = {"select", "from",      "values",   "table", "with",   "pivot",  "unpivot",
                                        "show",   "summarize", "describe", "desc",  "insert", "update", "delete"};
    at += strspn(at, " \t\r\n(");
    size_t len = 0;
    while (is_word(at[len])) {
        len++;
    }
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (strlen(WORDS[i]) == len && strncasecmp(at, WORDS[i], len) == 0) {
            return true;
        }
    }
    return false;
}

floe_status floe_where_check(const char *text, floe_error *err) {
    int depth = 0;
    for (const char *at = text; *at;) {
        FLOE_ENSURE(strncmp(at, "--", 2) != 0 && strncmp(at, "/*", 2) != 0, err, FLOE_INVALID,
                    "where: a comment; write the filter alone");
        FLOE_ENSURE(*at != ';' && *at != '$', err, FLOE_INVALID, "where: \"%c\" is no part of an expression", *at);
        FLOE_ENSURE(*at != '(' || !begins_query(at + 1), err, FLOE_UNSUPPORTED,
                    "where: a query inside a filter; it is one expression over the table's columns");
        depth += (*at == '(') - (*at == ')');
        FLOE_ENSURE(depth >= 0, err, FLOE_INVALID, "where: a \")\" without its \"(\"");
        at = *at == '\'' || *at == '"' ? skip_quoted(at) : at + 1;
        FLOE_ENSURE(at, err, FLOE_INVALID, "where: a quote that is not closed");
    }
    FLOE_ENSURE(depth == 0, err, FLOE_INVALID, "where: a \"(\" that is not closed");
    return FLOE_OK;
}
