/*
 * The XML of a listing, by expat (the one file that includes it).
 */
#include "offline/io/s3/s3_int.h"

#include "core/time.h"

#include <expat.h>
#include <string.h>

enum { DEPTH_MAX = 8, TEXT_MAX = 16384 };

typedef struct reader {
    XML_Parser parser;
    floe_arena *arena;
    floe_s3_page *page;
    char path[DEPTH_MAX][32]; /* the names of the open elements */
    size_t depth;
    size_t text_len;
    floe_s3_listed object; /* of the open Contents */
    bool truncated;        /* said by the store: more pages follow */
    bool wrong;            /* no listing, or text beyond its bound */
    char text[TEXT_MAX];
} reader;

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes) {
    reader *self = context;
    (void)attributes;
    if (self->depth >= DEPTH_MAX || (self->depth == 0 && strcmp(name, "ListBucketResult") != 0)) {
        self->wrong = true;
        (void)XML_StopParser(self->parser, XML_FALSE);
        return;
    }
    size_t len = strlen(name);
    len = len < sizeof(self->path[0]) ? len : sizeof(self->path[0]) - 1;
    memcpy(self->path[self->depth], name, len);
    self->path[self->depth][len] = 0;
    self->depth++;
    self->text_len = 0;
    if (self->depth == 2) {
        self->object = (floe_s3_listed){.len = -1, .changed_us = INT64_MAX};
    }
}

static void on_text(void *context, const XML_Char *text, int len) {
    reader *self = context;
    if (len < 0 || (size_t)len > sizeof(self->text) - self->text_len) {
        self->wrong = true;
        (void)XML_StopParser(self->parser, XML_FALSE);
        return;
    }
    memcpy(self->text + self->text_len, text, (size_t)len);
    self->text_len += (size_t)len;
}

static int hex_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* encoding-type=url: percent signs and, of form encoding, plus for a space. */
static floe_str decoded(floe_arena *arena, floe_str text) {
    char *out = floe_arena_strndup(arena, text.ptr, text.len);
    size_t at = 0;
    for (size_t i = 0; out != NULL && i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? hex_of(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_of(text.ptr[i + 2]) : -1;
        out[at++] = low >= 0 ? (char)(high << 4 | low) : text.ptr[i] == '+' ? ' ' : text.ptr[i];
        i += low >= 0 ? 2 : 0;
    }
    return (floe_str){out, out == NULL ? 0 : at};
}

static bool is_at(const reader *self, const char *outer, const char *name) {
    size_t depth = outer == NULL ? 2 : 3;
    return self->depth == depth && strcmp(self->path[depth - 1], name) == 0 &&
           (outer == NULL || strcmp(self->path[1], outer) == 0);
}

static void add(reader *self, const floe_s3_listed *item) {
    floe_s3_listed *slot = FLOE_ARENA_PUSH(self->arena, self->page->items, self->page->count, self->page->capacity);
    if (slot != NULL) {
        *slot = *item;
    }
}

/* What is said of an object; its name comes with the others, in whatever order. */
static void take_object(reader *self, floe_str text) {
    floe_error ignored = {0};
    if (is_at(self, "Contents", "Key")) {
        self->object.key = decoded(self->arena, text);
    } else if (is_at(self, "Contents", "Size")) {
        self->wrong =
            self->wrong || floe_failed(floe_str_to_i64(text, &self->object.len, &ignored)) || self->object.len < 0;
    } else if (is_at(self, "Contents", "LastModified")) {
        self->wrong = self->wrong || floe_failed(floe_time_parse(text, &self->object.changed_us, &ignored));
    } else if (is_at(self, NULL, "Contents") && self->object.key.len > 0) {
        add(self, &self->object);
    }
}

static void on_end(void *context, const XML_Char *name) {
    reader *self = context;
    floe_str text = {self->text, self->text_len};
    (void)name;
    if (is_at(self, "CommonPrefixes", "Prefix")) {
        add(self, &(floe_s3_listed){.key = decoded(self->arena, text), .len = -1, .changed_us = INT64_MAX});
    } else if (is_at(self, NULL, "NextContinuationToken")) {
        self->page->token = floe_arena_str(self->arena, text);
    } else if (is_at(self, NULL, "IsTruncated")) {
        self->truncated = floe_str_is(text, "true");
    } else {
        take_object(self, text);
    }
    self->depth--;
    self->text_len = 0;
}

/* A listing has no document type: entities of its own making are nothing but an attack. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id,
                       int has_subset) {
    reader *self = context;
    (void)name, (void)system_id, (void)public_id, (void)has_subset;
    self->wrong = true;
    (void)XML_StopParser(self->parser, XML_FALSE);
}

static void free_parser(XML_Parser *parser) {
    if (*parser != NULL) {
        XML_ParserFree(*parser);
    }
}

floe_status floe_s3_page_read(floe_str xml, floe_arena *arena, floe_s3_page *ret_page, floe_error *err) {
    floe_s3_page page = {0};
    __attribute__((cleanup(free_parser))) XML_Parser parser = XML_ParserCreate("UTF-8");
    reader *self = floe_arena_alloc(arena, 1, sizeof(*self));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(parser != NULL, err, FLOE_NOMEM, "no memory for a reader of XML");
    *self = (reader){.parser = parser, .arena = arena, .page = &page};
    XML_SetUserData(parser, self);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    FLOE_ENSURE(xml.len <= INT32_MAX, err, FLOE_LIMIT, "a listing of %zu bytes is too long", xml.len);
    bool whole = XML_Parse(parser, xml.ptr, (int)xml.len, 1) == XML_STATUS_OK;
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(whole && !self->wrong, err, FLOE_CORRUPT, "the store's listing is no ListBucketResult");
    FLOE_ENSURE(!self->truncated || page.token.len > 0, err, FLOE_CORRUPT,
                "the store's listing goes on but names no token to continue with");
    if (!self->truncated) {
        page.token = (floe_str){0};
    }
    *ret_page = page;
    return FLOE_OK;
}
