/*
 * Byte buffer and bounded reader. Invariants of a buffer: len ≤ cap; with memory, capacity ≥ len + 1 and ptr[len] is
 * NUL. Numbers are little-endian on every machine.
 */
#include "core/buf.h"

#include "core/mem.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

void floe_buf_init(floe_buf *buf, size_t cap) {
    *buf = (floe_buf){.cap = cap};
}

void floe_buf_close(floe_buf *buf) {
    floe_free(buf->ptr);
    *buf = (floe_buf){.cap = buf->cap};
}

void floe_buf_clear(floe_buf *buf) {
    buf->len = 0;
    buf->failed = false;
    buf->out_of_cap = false;
    if (buf->ptr != NULL) {
        buf->ptr[0] = '\0';
    }
}

static bool fail(floe_buf *buf, bool out_of_cap) {
    buf->failed = true;
    buf->out_of_cap = out_of_cap;
    return false;
}

/* Makes capacity for `len` more bytes and the NUL. */
static bool grow(floe_buf *buf, size_t len) {
    if (buf->failed) {
        return false;
    }
    if (len > buf->cap - buf->len) {
        return fail(buf, true);
    }
    size_t need = buf->len + len;
    if (buf->ptr != NULL && need < buf->capacity) {
        return true;
    }
    if (need == SIZE_MAX) {
        return fail(buf, true);
    }
    size_t capacity = buf->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buf->capacity;
    while (capacity <= need) {
        capacity = capacity > SIZE_MAX / 2 ? need + 1 : capacity * 2;
    }
    if (capacity > buf->cap && buf->cap < SIZE_MAX) {
        capacity = buf->cap + 1;
    }
    if (floe_failed(floe_realloc(&buf->ptr, capacity, 1, NULL))) {
        return fail(buf, false);
    }
    buf->capacity = capacity;
    return true;
}

char *floe_buf_reserve(floe_buf *buf, size_t len) {
    if (!grow(buf, len)) {
        return NULL;
    }
    buf->ptr[buf->len] = '\0';
    return buf->ptr + buf->len;
}

void floe_buf_advance(floe_buf *buf, size_t len) {
    if (buf->failed || (len == 0 && buf->ptr == NULL)) {
        return;
    }
    FLOE_ASSERT(len < buf->capacity - buf->len && len <= buf->cap - buf->len);
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void floe_buf_append(floe_buf *buf, const void *bytes, size_t len) {
    if (!grow(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->ptr + buf->len, bytes, len);
    }
    buf->len += len;
    buf->ptr[buf->len] = '\0';
}

void floe_buf_str(floe_buf *buf, floe_str text) {
    floe_buf_append(buf, text.ptr, text.len);
}

void floe_buf_text(floe_buf *buf, const char *text) {
    floe_buf_append(buf, text, strlen(text));
}

void floe_buf_byte(floe_buf *buf, uint8_t byte) {
    floe_buf_append(buf, &byte, 1);
}

void floe_buf_printf(floe_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    size_t room = buf->ptr == NULL ? 0 : buf->capacity - buf->len;
    int len = buf->failed ? -1 : vsnprintf(room == 0 ? NULL : buf->ptr + buf->len, room, format, args);
    va_end(args);
    if (len >= 0 && grow(buf, (size_t)len)) {
        if ((size_t)len >= room) {
            vsnprintf(buf->ptr + buf->len, buf->capacity - buf->len, format, again);
        }
        buf->len += (size_t)len;
    } else if (buf->ptr != NULL) {
        buf->ptr[buf->len] = '\0';
    }
    if (len < 0 && !buf->failed) {
        fail(buf, false);
    }
    va_end(again);
}

static void append_little_endian(floe_buf *buf, uint64_t value, size_t len) {
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    floe_buf_append(buf, bytes, len);
}

void floe_buf_u16(floe_buf *buf, uint16_t value) {
    append_little_endian(buf, value, 2);
}

void floe_buf_u32(floe_buf *buf, uint32_t value) {
    append_little_endian(buf, value, 4);
}

void floe_buf_u64(floe_buf *buf, uint64_t value) {
    append_little_endian(buf, value, 8);
}

void floe_buf_f64(floe_buf *buf, double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    append_little_endian(buf, bits, 8);
}

void floe_buf_varint(floe_buf *buf, uint64_t value) {
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    floe_buf_append(buf, bytes, len);
}

void floe_buf_zigzag(floe_buf *buf, int64_t value) {
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    floe_buf_varint(buf, ((uint64_t)value << 1) ^ sign);
}

void floe_buf_int(floe_buf *buf, int64_t value) {
    char text[20]; /* filled from the end */
    size_t at = sizeof(text);
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        text[--at] = (char)('0' + (char)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        text[--at] = '-';
    }
    floe_buf_append(buf, text + at, sizeof(text) - at);
}

/* Whole numbers of up to 15 digits are exact as integers, and are most of what a feature store holds. */
static bool append_whole(floe_buf *buf, double value) {
    if (!(value > -1e15 && value < 1e15)) {
        return false;
    }
    int64_t whole = (int64_t)value;
    if ((double)whole != value || (whole == 0 && signbit(value))) {
        return false;
    }
    floe_buf_int(buf, whole);
    floe_buf_text(buf, ".0");
    return true;
}

static bool reads_back(const char *text, double value, bool is_float) {
    return is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

static void append_real(floe_buf *buf, double value, bool is_float) {
    if (isnan(value)) {
        floe_buf_text(buf, "NaN");
        return;
    }
    if (isinf(value)) {
        floe_buf_text(buf, value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (!is_float && append_whole(buf, value)) {
        return;
    }
    char text[40];
    int most = is_float ? 9 : 17;
    /* Every number of up to 15 (6) digits survives a double (float); only subnormal ones have fewer to give. */
    int digits = fabs(value) < (is_float ? FLT_MIN : DBL_MIN) ? 1 : is_float ? 6 : 15;
    for (; digits <= most; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (reads_back(text, value, is_float)) {
            break;
        }
    }
    floe_buf_text(buf, text);
    if (strpbrk(text, ".e") == NULL) {
        floe_buf_text(buf, ".0");
    }
}

void floe_buf_real(floe_buf *buf, double value) {
    append_real(buf, value, false);
}

void floe_buf_real32(floe_buf *buf, double value) {
    append_real(buf, value, true);
}

floe_status floe_buf_check(const floe_buf *buf, floe_error *err) {
    if (!buf->failed) {
        return FLOE_OK;
    }
    if (buf->out_of_cap) {
        return FLOE_FAIL(err, FLOE_LIMIT, "the text or bytes would be longer than the %zu bytes allowed here",
                         buf->cap);
    }
    return FLOE_FAIL(err, FLOE_NOMEM, "out of memory in a buffer that holds %zu bytes", buf->len);
}

floe_status floe_read_bytes(floe_reader *reader, size_t len, const uint8_t **ret_bytes, const char *what,
                            floe_error *err) {
    if (len > floe_reader_left(reader)) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "%s at byte %zu needs %zu bytes, but only %zu are left", what, reader->at,
                         len, floe_reader_left(reader));
    }
    *ret_bytes = reader->ptr == NULL ? (const uint8_t *)"" : reader->ptr + reader->at;
    reader->at += len;
    return FLOE_OK;
}

static floe_status read_little_endian(floe_reader *reader, size_t len, uint64_t *ret_value, const char *what,
                                      floe_error *err) {
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_bytes(reader, len, &bytes, what, err));
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    *ret_value = value;
    return FLOE_OK;
}

floe_status floe_read_u8(floe_reader *reader, uint8_t *ret_value, const char *what, floe_error *err) {
    uint64_t value = 0;
    FLOE_TRY(read_little_endian(reader, 1, &value, what, err));
    *ret_value = (uint8_t)value;
    return FLOE_OK;
}

floe_status floe_read_u16(floe_reader *reader, uint16_t *ret_value, const char *what, floe_error *err) {
    uint64_t value = 0;
    FLOE_TRY(read_little_endian(reader, 2, &value, what, err));
    *ret_value = (uint16_t)value;
    return FLOE_OK;
}

floe_status floe_read_u32(floe_reader *reader, uint32_t *ret_value, const char *what, floe_error *err) {
    uint64_t value = 0;
    FLOE_TRY(read_little_endian(reader, 4, &value, what, err));
    *ret_value = (uint32_t)value;
    return FLOE_OK;
}

floe_status floe_read_u64(floe_reader *reader, uint64_t *ret_value, const char *what, floe_error *err) {
    return read_little_endian(reader, 8, ret_value, what, err);
}

floe_status floe_read_f64(floe_reader *reader, double *ret_value, const char *what, floe_error *err) {
    uint64_t bits = 0;
    FLOE_TRY(read_little_endian(reader, 8, &bits, what, err));
    memcpy(ret_value, &bits, sizeof(bits));
    return FLOE_OK;
}

floe_status floe_read_varint(floe_reader *reader, uint64_t *ret_value, const char *what, floe_error *err) {
    size_t start = reader->at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = 0;
        FLOE_TRY(floe_read_u8(reader, &byte, what, err));
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7FU) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_CORRUPT, "%s at byte %zu is a variable-length integer of more than 64 bits", what,
                     start);
}

floe_status floe_read_zigzag(floe_reader *reader, int64_t *ret_value, const char *what, floe_error *err) {
    uint64_t value = 0;
    FLOE_TRY(floe_read_varint(reader, &value, what, err));
    uint64_t sign = (value & 1) != 0 ? UINT64_MAX : 0;
    *ret_value = (int64_t)((value >> 1) ^ sign);
    return FLOE_OK;
}
