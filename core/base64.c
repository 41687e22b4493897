/*
 * Base64. Decoding is strict: each byte string has exactly one text, so that keys written as base64 compare as text.
 */
#include "core/base64.h"

static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void floe_base64_encode(floe_str bytes, floe_buf *out) {
    const uint8_t *in = (const uint8_t *)bytes.ptr;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)in[i + 2] : 0;
        char text[4] = {alphabet[group >> 18], alphabet[(group >> 12) & 63], alphabet[(group >> 6) & 63],
                        alphabet[group & 63]};
        text[2] = left > 1 ? text[2] : '=';
        text[3] = left > 2 ? text[3] : '=';
        floe_buf_append(out, text, 4);
    }
}

static int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes four characters of which the last `padding` are '='. */
static bool decode_group(const char text[4], size_t padding, uint8_t bytes[3]) {
    uint32_t group = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = i < 4 - padding ? digit_of(text[i]) : 0;
        if (digit < 0) {
            return false;
        }
        group = (group << 6) | (uint32_t)digit;
    }
    bytes[0] = (uint8_t)(group >> 16);
    bytes[1] = (uint8_t)(group >> 8);
    bytes[2] = (uint8_t)group;
    return (group & ((1U << (8 * padding)) - 1)) == 0;
}

static size_t padding_of(floe_str text) {
    if (text.len == 0 || text.ptr[text.len - 1] != '=') {
        return 0;
    }
    return text.ptr[text.len - 2] == '=' ? 2 : 1;
}

floe_status floe_base64_decode(floe_str text, floe_arena *arena, floe_str *ret_bytes, floe_error *err) {
    FLOE_ENSURE(text.len % 4 == 0, err, FLOE_INVALID, "\"%.*s\" is not base64: %zu characters are no multiple of 4",
                FLOE_STR_BRIEF(text), text.len);
    size_t padding = padding_of(text);
    size_t len = text.len / 4 * 3 - padding;
    uint8_t *bytes = floe_arena_alloc(arena, len + 1, 1);
    if (bytes == NULL) {
        return floe_arena_check(arena, err);
    }
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        uint8_t group[3];
        if (!decode_group(text.ptr + i, last ? padding : 0, group)) {
            return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not base64: wrong characters from position %zu",
                             FLOE_STR_BRIEF(text), i + 1);
        }
        memcpy(bytes + i / 4 * 3, group, 3 - (last ? padding : 0));
    }
    *ret_bytes = (floe_str){(const char *)bytes, len};
    return FLOE_OK;
}
