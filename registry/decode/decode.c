/*
 * Decoding, the common part: typed access to members with findings instead of failures.
 */
#include "core/time.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

#include <stdarg.h>
#include <stdio.h>

const char *floe_decoder_printf(const floe_decoder *decoder, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = floe_arena_strdup(decoder->arena, text);
    return copy != NULL ? copy : "";
}

const floe_node *floe_decode_member(const floe_node *object, const char *key) {
    const floe_node *member = floe_node_get(object, key);
    return member != NULL && member->kind != FLOE_NODE_NULL ? member : NULL;
}

int floe_decode_line(const floe_node *object, const char *key) {
    const floe_node *member = floe_node_get(object, key);
    return member != NULL ? member->line : object->line;
}

/* "a list", "a mapping", "text" …, for messages. */
static const char *shape(const floe_node *node) {
    switch (node->kind) {
    case FLOE_NODE_NULL:
        return "nothing";
    case FLOE_NODE_BOOL:
        return "true or false";
    case FLOE_NODE_INT:
    case FLOE_NODE_REAL:
        return "a number";
    case FLOE_NODE_STRING:
        return "text";
    case FLOE_NODE_ARRAY:
        return "a list";
    case FLOE_NODE_OBJECT:
        return "a mapping";
    }
    return "something else";
}

/* "; known here: a, b, c" */
static const char *known_keys(const floe_decoder *decoder, const char *const *keys) {
    char text[300] = "; known here:";
    size_t len = strlen(text);
    for (size_t i = 0; keys[i] != NULL && len + strlen(keys[i]) + 3 < sizeof text; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s %s", i > 0 ? "," : "", keys[i]);
    }
    return floe_decoder_printf(decoder, "%s", text);
}

static void find_unknown_key(const floe_decoder *decoder, const floe_member *member, const char *what,
                             const char *const *keys) {
    size_t count = 0;
    while (keys[count] != NULL) {
        count++;
    }
    const char *nearest = floe_str_nearest(member->key, keys, count);
    FLOE_FIND(decoder, member->line, FLOE_INVALID, "unknown key `%.*s` in %s%s", FLOE_STR_ARG(member->key), what,
              nearest != NULL ? floe_name_hint(decoder->arena, nearest) : known_keys(decoder, keys));
}

bool floe_decode_object(const floe_decoder *decoder, const floe_node *node, const char *what, const char *const *keys) {
    if (node->kind != FLOE_NODE_OBJECT) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s must be a mapping of keys to values, not %s", what,
                  shape(node));
        return false;
    }
    for (size_t i = 0; i < node->count; i++) {
        size_t k = 0;
        while (keys[k] != NULL && !floe_str_is(node->members[i].key, keys[k])) {
            k++;
        }
        if (keys[k] == NULL) {
            find_unknown_key(decoder, &node->members[i], what, keys);
        }
    }
    return true;
}

bool floe_decode_text_node(const floe_decoder *decoder, const floe_node *node, const char *what, floe_str *ret_text) {
    if (node->kind == FLOE_NODE_STRING && node->text.len > 0) {
        *ret_text = node->text;
        return true;
    }
    if (node->kind == FLOE_NODE_STRING) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s cannot be empty", what);
    } else if (node->kind == FLOE_NODE_INT || node->kind == FLOE_NODE_REAL || node->kind == FLOE_NODE_BOOL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s must be text, and %.*s is %s: put it in quotes", what,
                  FLOE_STR_ARG(node->text), shape(node));
    } else {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s must be text, not %s", what, shape(node));
    }
    return false;
}

bool floe_decode_opt_text(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                          floe_str *ret_text) {
    const floe_node *member = floe_decode_member(object, key);
    return member != NULL &&
           floe_decode_text_node(decoder, member, floe_decoder_printf(decoder, "%s: %s", what, key), ret_text);
}

bool floe_decode_need_text(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                           floe_str *ret_text) {
    if (floe_decode_member(object, key) == NULL) {
        FLOE_FIND(decoder, object->line, FLOE_INVALID, "%s needs `%s:`", what, key);
        return false;
    }
    return floe_decode_opt_text(decoder, object, key, what, ret_text);
}

void floe_decode_opt_bool(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                          bool *ret_value) {
    const floe_node *member = floe_decode_member(object, key);
    if (member == NULL) {
        return;
    }
    if (member->kind != FLOE_NODE_BOOL) {
        FLOE_FIND(decoder, member->line, FLOE_INVALID, "%s: %s must be true or false, not %s", what, key,
                  member->kind == FLOE_NODE_STRING ? floe_decoder_printf(decoder, "`%.*s`", FLOE_STR_ARG(member->text))
                                                   : shape(member));
        return;
    }
    *ret_value = member->as.boolean;
}

void floe_decode_opt_duration(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                              int64_t *ret_us) {
    floe_str text = {0};
    floe_error error = {0};
    const floe_node *member = floe_decode_member(object, key);
    if (member != NULL && (member->kind == FLOE_NODE_INT || member->kind == FLOE_NODE_REAL)) {
        FLOE_FIND(decoder, member->line, FLOE_INVALID, "%s: %s is a duration and needs a unit (s m h d w), as in %.*sd",
                  what, key, FLOE_STR_ARG(member->text));
        return;
    }
    if (floe_decode_opt_text(decoder, object, key, what, &text) &&
        floe_failed(floe_duration_parse(text, ret_us, &error))) {
        FLOE_FIND(decoder, member->line, error.code, "%s: %s: %s", what, key, error.message);
    }
}

const floe_node *floe_decode_opt_list(const floe_decoder *decoder, const floe_node *object, const char *key,
                                      const char *what) {
    const floe_node *member = floe_decode_member(object, key);
    if (member != NULL && member->kind != FLOE_NODE_ARRAY) {
        FLOE_FIND(decoder, member->line, FLOE_INVALID, "%s: %s must be a list, not %s", what, key, shape(member));
        return NULL;
    }
    return member;
}

/* ---- about ---- */

/* Text that may be empty. */
static void decode_free_text(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                             floe_str *ret_text) {
    const floe_node *member = floe_decode_member(object, key);
    if (member != NULL && member->kind == FLOE_NODE_STRING) {
        *ret_text = member->text;
    } else {
        floe_decode_opt_text(decoder, object, key, what, ret_text);
    }
}

static void decode_tags(const floe_decoder *decoder, const floe_node *object, const char *what, floe_about *about) {
    const floe_node *list = floe_decode_opt_list(decoder, object, "tags", what);
    floe_str *tags = list != NULL ? floe_arena_alloc(decoder->arena, list->count, sizeof *tags) : NULL;
    for (size_t i = 0; tags != NULL && i < list->count; i++) {
        about->tag_count += floe_decode_text_node(
            decoder, list->items[i], floe_decoder_printf(decoder, "%s: a tag", what), &tags[about->tag_count]);
    }
    about->tags = tags;
}

void floe_decode_notes(const floe_decoder *decoder, const floe_node *node, const char *what, floe_about *about) {
    decode_free_text(decoder, node, "description", what, &about->description);
    decode_free_text(decoder, node, "owner", what, &about->owner);
    decode_tags(decoder, node, what, about);
}

const char *floe_decode_about(const floe_decoder *decoder, const floe_node *node, const char *kind,
                              floe_about *ret_about) {
    floe_about about = {.pos = {decoder->file, node->line}};
    if (!floe_decode_need_text(decoder, node, "name",
                               floe_decoder_printf(decoder, strchr("aeiou", kind[0]) ? "an %s" : "a %s", kind),
                               &about.name)) {
        return NULL;
    }
    const char *what = floe_decoder_printf(decoder, "%s %.*s", kind, FLOE_STR_ARG(about.name));
    const char *problem =
        strcmp(kind, "feature view") == 0 ? floe_view_name_problem(about.name) : floe_name_problem(about.name);
    if (problem != NULL) {
        FLOE_FIND(decoder, floe_decode_line(node, "name"), FLOE_INVALID, "%s: %s", what, problem);
        return NULL;
    }
    floe_decode_notes(decoder, node, what, &about);
    *ret_about = about;
    return what;
}
