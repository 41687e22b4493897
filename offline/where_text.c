/*
 * Whether text that only the engine understands is at least one closed expression over one row: quotes and parentheses
 * close, none closes what the text did not open, and there is no comment, no second statement, no window, no parameter, no
 * subquery and so no table function.
 *
 * Phases: the text itself is read first, so that it can be put between parentheses and what it lacks is said in plain
 * words; then the engine's parser says of what kind everything inside is, whatever its quotes and spaces hide.
 */
#include "offline/lake_int.h"

#include "core/limits.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Past a quoted text or name; NULL where it does not end. In E'…' a backslash keeps a quote from closing. */
static const char *skip_quoted(const char *text, const char *at) {
    bool escapes = *at == '\'' && at > text && (at[-1] | 0x20) == 'e' && (at - 1 == text || !is_word(at[-2]));
    char quote = *at++;
    while (*at && (*at != quote || at[1] == quote)) {
        at += *at == quote || (escapes && *at == '\\' && at[1]) ? 2 : 1;
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

static floe_status check_closed(const char *text, floe_error *err) {
    int depth = 0;
    for (const char *at = text; *at;) {
        FLOE_ENSURE(strncmp(at, "--", 2) != 0 && strncmp(at, "/*", 2) != 0, err, FLOE_INVALID,
                    "a comment; write the filter alone");
        FLOE_ENSURE(*at != ';' && *at != '$', err, FLOE_INVALID, "\"%c\" is no part of an expression", *at);
        FLOE_ENSURE(*at != '(' || !begins_query(at + 1), err, FLOE_UNSUPPORTED,
                    "a query inside a filter; it is one expression over the table's columns");
        depth += (*at == '(') - (*at == ')');
        FLOE_ENSURE(depth >= 0, err, FLOE_INVALID, "a \")\" without its \"(\"");
        at = *at == '\'' || *at == '"' ? skip_quoted(text, at) : at + 1;
        FLOE_ENSURE(at, err, FLOE_INVALID, "a quote that is not closed");
    }
    FLOE_ENSURE(depth == 0, err, FLOE_INVALID, "a \"(\" that is not closed");
    return FLOE_OK;
}

/* The engine's parser on the text; a syntax error is left to whoever runs it. */
static floe_status check_parsed(floe_session *session, const char *text, floe_error *err) {
    static const char SQL[] =
        "SELECT coalesce((SELECT min(value ->> '$') FROM json_tree(tree) WHERE key = 'class' AND (value ->> '$') IN "
        "('SUBQUERY', 'WINDOW', 'STAR', 'PARAMETER')), CASE WHEN json_array_length(tree, '$.statements') <> 1 OR "
        "json_array_length(tree, '$.statements[0].node.select_list') <> 1 THEN 'MORE' END, '') "
        "FROM (SELECT json_serialize_sql(CAST($1 AS VARCHAR)) AS tree)";
    static const struct {
        const char *kind, *words;
    } REFUSED[] = {{"SUBQUERY", "a query"},
                   {"WINDOW", "a window function"},
                   {"STAR", "columns without their names"},
                   {"PARAMETER", "a parameter"},
                   {"MORE", "more than one expression"}};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_query_rows rows;
    floe_value select = {.type = {.kind = FLOE_KIND_STRING}};
    select.as.bytes = floe_str_of(floe_arena_printf(&arena, "SELECT (%s)", text));
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_session_query(session, SQL, &(floe_sql_params){&select, 1}, &arena, &rows, err));
    for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
        FLOE_ENSURE(!floe_str_is(rows.values[0].as.bytes, REFUSED[i].kind), err, FLOE_UNSUPPORTED,
                    "%s inside a filter; it is one expression over the table's columns", REFUSED[i].words);
    }
    return FLOE_OK;
}

floe_status floe_where_check(floe_session *session, const char *text, floe_error *err) {
    FLOE_TRY(check_closed(text, err));
    return check_parsed(session, text, err);
}
