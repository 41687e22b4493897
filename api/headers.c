/*
 * The headers of a request that somebody looks at, and what their values mean: media types, what a client accepts, how
 * a body is encoded. Pure functions over text that anybody may send.
 */
#include "api/headers_int.h"

#include <strings.h>

/* Every header of every request is looked for here, so a name's length comes first. */
#define NAMES(name, lower) name, lower, sizeof(lower) - 1
static const struct {
    const char *name;
    const char *lower;
    size_t len;
    bool is_list; /* several lines of it are one list */
} headers[FLOE_HEADER_COUNT] = {
    [FLOE_HEADER_ACCEPT] = {NAMES("Accept", "accept"), true},
    [FLOE_HEADER_AUTHORIZATION] = {NAMES("Authorization", "authorization"), false},
    [FLOE_HEADER_CONTENT_ENCODING] = {NAMES("Content-Encoding", "content-encoding"), true},
    [FLOE_HEADER_CONTENT_LENGTH] = {NAMES("Content-Length", "content-length"), false},
    [FLOE_HEADER_CONTENT_TYPE] = {NAMES("Content-Type", "content-type"), false},
    [FLOE_HEADER_EXPECT] = {NAMES("Expect", "expect"), false},
    [FLOE_HEADER_HOST] = {NAMES("Host", "host"), false},
    [FLOE_HEADER_MCP_METHOD] = {NAMES("Mcp-Method", "mcp-method"), false},
    [FLOE_HEADER_MCP_NAME] = {NAMES("Mcp-Name", "mcp-name"), false},
    [FLOE_HEADER_MCP_PROTOCOL_VERSION] = {NAMES("MCP-Protocol-Version", "mcp-protocol-version"), false},
    [FLOE_HEADER_ORIGIN] = {NAMES("Origin", "origin"), false},
    [FLOE_HEADER_TRANSFER_ENCODING] = {NAMES("Transfer-Encoding", "transfer-encoding"), false},
    [FLOE_HEADER_X_API_KEY] = {NAMES("X-API-Key", "x-api-key"), false},
};

const char *floe_http_header_name(floe_http_header header) {
    return headers[header].name;
}

bool floe_http_header_is_list(floe_http_header header) {
    return headers[header].is_list;
}

bool floe_http_header_find(floe_str name, floe_http_header *ret_header) {
    for (size_t i = 0; i < FLOE_HEADER_COUNT; i++) {
        if (name.len == headers[i].len && floe_str_is_nocase(name, headers[i].lower)) {
            *ret_header = (floe_http_header)i;
            return true;
        }
    }
    return false;
}

static bool is_token_byte(unsigned char c) {
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || (c > ' ' && c < 0x7F && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

const char *floe_http_line_problem(floe_str name, floe_str value) {
    for (size_t i = 0; i < name.len; i++) {
        if (!is_token_byte((unsigned char)name.ptr[i])) {
            return "a header's name holds a blank or another character that no name has";
        }
    }
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) {
            return "a header's value holds a control character";
        }
    }
    return name.len == 0 ? "a header has no name" : NULL;
}

/* ---- media types ---- */

/* What stands before the first parameter. */
static floe_str essence_of(floe_str type) {
    floe_str head = {NULL, 0};
    (void)floe_str_split(&type, ';', &head);
    return floe_str_trim(head);
}

bool floe_media_type_is(floe_str type, const char *lower) {
    return floe_str_is_nocase(essence_of(type), lower);
}

static floe_str unquoted(floe_str text) {
    bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return quoted ? (floe_str){text.ptr + 1, text.len - 2} : text;
}

/* The value of a parameter of a type, or an empty text. */
static floe_str parameter_of(floe_str type, const char *lower) {
    floe_str part = {NULL, 0};
    (void)floe_str_split(&type, ';', &part);
    while (floe_str_split(&type, ';', &part)) {
        floe_str name = {NULL, 0};
        floe_str value = part;
        (void)floe_str_split(&value, '=', &name);
        if (floe_str_is_nocase(floe_str_trim(name), lower)) {
            return unquoted(floe_str_trim(value));
        }
    }
    return (floe_str){NULL, 0};
}

bool floe_charset_is_utf8(floe_str type) {
    floe_str charset = parameter_of(type, "charset");
    return charset.len == 0 || floe_str_is_nocase(charset, "utf-8") || floe_str_is_nocase(charset, "utf8") ||
           floe_str_is_nocase(charset, "us-ascii");
}

/* ---- Accept ---- */

/* "0", "0.", "0.0", "0.000": not acceptable. Anything else, also what is no number, is taken for a wish. */
static bool is_zero(floe_str quality) {
    if (quality.len == 0 || quality.ptr[0] != '0') {
        return false;
    }
    for (size_t i = 1; i < quality.len; i++) {
        if (quality.ptr[i] != (i == 1 ? '.' : '0')) {
            return false;
        }
    }
    return true;
}

/* How exactly a range names the type: 3 itself, 2 its kind, 1 anything, 0 not at all. */
static int match_of(floe_str range, floe_str lower_type) {
    floe_str kind = {NULL, 0};
    floe_str rest = lower_type;
    floe_str range_kind = {NULL, 0};
    floe_str range_rest = range;
    (void)floe_str_split(&rest, '/', &kind);
    (void)floe_str_split(&range_rest, '/', &range_kind);
    if (floe_str_is(range, "*/*") || floe_str_is(range, "*")) {
        return 1;
    }
    if (range_kind.len != kind.len || strncasecmp(range_kind.ptr, kind.ptr, kind.len) != 0) {
        return 0;
    }
    if (floe_str_is(range_rest, "*")) {
        return 2;
    }
    return range_rest.len == rest.len && strncasecmp(range_rest.ptr, rest.ptr, rest.len) == 0 ? 3 : 0;
}

bool floe_accept_admits(floe_str accept, const char *lower_type) {
    int best = 0;
    bool admitted = false;
    floe_str range = {NULL, 0};
    if (floe_str_trim(accept).len == 0) {
        return true;
    }
    while (floe_str_split(&accept, ',', &range)) {
        int match = match_of(essence_of(range), floe_str_of(lower_type));
        bool wanted = !is_zero(parameter_of(range, "q"));
        if (match > best || (match == best && match > 0 && wanted)) {
            best = match;
            admitted = wanted;
        }
    }
    return admitted;
}

bool floe_accept_names(floe_str accept, const char *lower_type) {
    floe_str range = {NULL, 0};
    while (floe_str_split(&accept, ',', &range)) {
        if (floe_media_type_is(range, lower_type) && !is_zero(parameter_of(range, "q"))) {
            return true;
        }
    }
    return false;
}

/* ---- Content-Encoding ---- */

bool floe_encoding_is_identity(floe_str encodings) {
    floe_str encoding = {NULL, 0};
    while (floe_str_split(&encodings, ',', &encoding)) {
        floe_str trimmed = floe_str_trim(encoding);
        if (trimmed.len > 0 && !floe_str_is_nocase(trimmed, "identity")) {
            return false;
        }
    }
    return true;
}
