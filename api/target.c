/*
 * Whether the target of a request line is one. The engine decodes escapes on its own and is content with anything; an
 * escaped NUL would end the path for whoever compares it, so that "/livez%00x" would be "/livez".
 */
#include "api/http_int.h"

#include <strings.h>

static int hex_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that the escape at text[0] stands for, or -1. */
static int escaped_byte(floe_str text) {
    if (text.len < 3) {
        return -1;
    }
    int high = hex_of(text.ptr[1]);
    int low = hex_of(text.ptr[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

floe_str floe_http_target_path(floe_str target) {
    static const char scheme[] = "http://";
    size_t len = sizeof(scheme) - 1;
    if (target.len < len || strncasecmp(target.ptr, scheme, len) != 0) {
        return target;
    }
    const char *slash = memchr(target.ptr + len, '/', target.len - len);
    return slash == NULL ? FLOE_STR("/") : (floe_str){slash, target.len - (size_t)(slash - target.ptr)};
}

const char *floe_http_target_problem(floe_str target) {
    if (floe_str_is(target, "*")) {
        return NULL;
    }
    if (target.len == 0 || floe_http_target_path(target).ptr[0] != '/') {
        return "the request target must be a path that begins with a slash, as in /v1/lookup";
    }
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.ptr[i];
        if (c <= ' ' || c == 0x7F) {
            return "the request target holds a space or a control character; escape it, as in %20";
        }
        if (c != '%') {
            continue;
        }
        int byte = escaped_byte((floe_str){target.ptr + i, target.len - i});
        if (byte < 0) {
            return "the request target holds a % that no two hexadecimal digits follow; write it as %25";
        }
        if (byte == 0) {
            return "the request target holds an escaped NUL byte (%00), which no path and no question has";
        }
        i += 2;
    }
    return NULL;
}
