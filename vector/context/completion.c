/*
 * What comes back from a chat model: a completion's JSON, and the SQL in its text. Both are bytes that anybody may send.
 */
#include "vector/context/context_int.h"

#include <strings.h>

floe_status floe_ask_completion_text(floe_str body, floe_arena *arena, floe_str *ret_text, floe_error *err) {
    const floe_node *root = NULL;
    floe_error cause = {0};
    if (floe_failed(floe_json_parse(arena, body, &root, &cause))) {
        floe_code code = cause.code == FLOE_INVALID ? FLOE_CORRUPT : cause.code;
        return FLOE_FAIL(err, code, "the endpoint's answer is no JSON: %s", cause.message);
    }
    const floe_node *choices = floe_node_get(root, "choices");
    FLOE_ENSURE(choices && choices->kind == FLOE_NODE_ARRAY && choices->count > 0, err, FLOE_CORRUPT,
                "the endpoint's answer has no \"choices\"; is the url that of a chat/completions route?");
    const floe_node *message = floe_node_get(choices->items[0], "message");
    const floe_node *content = message ? floe_node_get(message, "content") : NULL;
    FLOE_ENSURE(content && content->kind == FLOE_NODE_STRING, err, FLOE_CORRUPT,
                "the endpoint's first choice has no \"message\" with a text as \"content\"");
    *ret_text = content->text;
    return FLOE_OK;
}

/* ---- SQL in text ---- */

static floe_str next_line(floe_str *rest) {
    floe_str line = {0};
    (void)floe_str_split(rest, '\n', &line);
    return line;
}

static bool is_fence(floe_str line) {
    return floe_str_starts_with(floe_str_trim(line), FLOE_STR("```"));
}

/* A block is SQL when its first fence says so or nothing. */
static bool opens_sql(floe_str line) {
    floe_str trimmed = floe_str_trim(line);
    floe_str says = floe_str_trim((floe_str){trimmed.ptr + 3, trimmed.len - 3});
    return says.len == 0 || floe_str_is_nocase(says, "sql") || floe_str_is_nocase(says, "duckdb");
}

/* The last block of SQL; one that is not closed goes to the end of the text. */
static floe_str last_block(floe_str text) {
    floe_str found = {0};
    floe_str rest = text;
    const char *begin = NULL;
    bool inside = false;
    while (rest.len > 0) {
        floe_str line = next_line(&rest);
        if (!is_fence(line)) {
            continue;
        }
        if (!inside) {
            begin = opens_sql(line) && rest.len > 0 ? rest.ptr : NULL;
        } else if (begin) {
            found = floe_str_trim((floe_str){begin, (size_t)(line.ptr - begin)});
            begin = NULL;
        }
        inside = !inside;
    }
    if (inside && begin) {
        found = floe_str_trim((floe_str){begin, (size_t)(text.ptr + text.len - begin)});
    }
    return found;
}

static bool begins_query(floe_str line) {
    static const char *const words[] = {"select", "with", "from", "(select", "values"};
    floe_str trimmed = floe_str_trim(line);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t len = strlen(words[i]);
        bool starts = trimmed.len >= len && strncasecmp(trimmed.ptr, words[i], len) == 0;
        if (starts && (trimmed.len == len || strchr(" \t\r(*", trimmed.ptr[len]))) {
            return true;
        }
    }
    return false;
}

floe_str floe_ask_sql_of(floe_str text) {
    floe_str block = last_block(text);
    if (block.len > 0) {
        return block;
    }
    floe_str rest = text;
    while (rest.len > 0) {
        floe_str line = next_line(&rest);
        if (begins_query(line)) {
            return floe_str_trim((floe_str){line.ptr, (size_t)(text.ptr + text.len - line.ptr)});
        }
    }
    return FLOE_STR("");
}
