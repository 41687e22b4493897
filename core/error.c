/*
 * Status and error. Everything here works in the caller's storage: reporting that memory is gone must not need memory.
 */
#include "core/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exit codes: 0 is success, 1 belongs to the C library and the sanitizers, 2 to a wrong command line; the classes
 * follow from 3 in the order of the enum. */
static const floe_code_info code_table[FLOE_CODE_COUNT] = {
    [FLOE_CODE_OK] = {"OK", 200, 0, false},
    [FLOE_INVALID] = {"INVALID", 400, 3, false},
    [FLOE_NOT_FOUND] = {"NOT_FOUND", 404, 4, false},
    [FLOE_CONFLICT] = {"CONFLICT", 409, 5, false},
    [FLOE_LIMIT] = {"LIMIT", 413, 6, false},
    [FLOE_NOMEM] = {"NOMEM", 503, 7, true},
    [FLOE_TIMEOUT] = {"TIMEOUT", 504, 8, true},
    [FLOE_UNAVAILABLE] = {"UNAVAILABLE", 503, 9, true},
    [FLOE_IO] = {"IO", 500, 10, false},
    [FLOE_CORRUPT] = {"CORRUPT", 500, 11, false},
    [FLOE_UNSUPPORTED] = {"UNSUPPORTED", 501, 12, false},
    [FLOE_DENIED] = {"DENIED", 403, 13, false},
    [FLOE_CANCELLED] = {"CANCELLED", 503, 14, false},
    [FLOE_INTERNAL] = {"INTERNAL", 500, 15, false},
};

const floe_code_info *floe_code_describe(floe_code code) {
    if ((unsigned)code >= FLOE_CODE_COUNT) {
        return &code_table[FLOE_INTERNAL];
    }
    return &code_table[code];
}

void floe_error_clear(floe_error *err) {
    if (err != NULL) {
        *err = (floe_error){0};
    }
}

/* The length of the longest prefix of text[0…len) that does not end inside a UTF-8 sequence: a message that was cut
 * for its length must still be text that JSON can carry. */
static size_t whole_characters(const char *text, size_t len) {
    size_t start = len;
    while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xC0U) == 0x80U) {
        start--;
    }
    if (start == 0) {
        return len;
    }
    uint8_t lead = (uint8_t)text[start - 1];
    size_t need = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : lead >= 0xC0U ? 2 : 1;
    return len - (start - 1) < need ? start - 1 : len;
}

/* Prints to message[at…], and cuts at a whole character when it does not fit. */
static void print_at(char message[FLOE_ERROR_MESSAGE_MAX], size_t at, const char *format, va_list args) {
    int written = vsnprintf(message + at, FLOE_ERROR_MESSAGE_MAX - at, format, args);
    if (written < 0) {
        message[at] = '\0';
    } else if ((size_t)written >= FLOE_ERROR_MESSAGE_MAX - at) {
        message[whole_characters(message, FLOE_ERROR_MESSAGE_MAX - 1)] = '\0';
    }
}

floe_status floe_error_set(floe_error *err, floe_code code, int sys_errno, const char *file, int line,
                           const char *format, ...) {
    FLOE_ASSERT(code > FLOE_CODE_OK && code < FLOE_CODE_COUNT);
    if (err == NULL) {
        return (floe_status){code};
    }
    if (err->code != FLOE_CODE_OK) {
        return (floe_status){err->code};
    }
    err->code = code;
    err->retriable = floe_code_describe(code)->retriable;
    err->sys_errno = sys_errno;
    err->file = file;
    err->line = line;
    va_list args;
    va_start(args, format);
    print_at(err->message, 0, format, args);
    va_end(args);
    return (floe_status){code};
}

floe_status floe_error_prefix(floe_error *err, floe_status status, const char *format, ...) {
    if (err == NULL || err->code == FLOE_CODE_OK || !floe_failed(status)) {
        return status;
    }
    char old[FLOE_ERROR_MESSAGE_MAX];
    memcpy(old, err->message, sizeof(old));
    va_list args;
    va_start(args, format);
    print_at(err->message, 0, format, args);
    va_end(args);
    size_t at = strlen(err->message);
    int written = snprintf(err->message + at, FLOE_ERROR_MESSAGE_MAX - at, ": %s", old);
    if (written >= 0 && (size_t)written >= FLOE_ERROR_MESSAGE_MAX - at) {
        err->message[whole_characters(err->message, FLOE_ERROR_MESSAGE_MAX - 1)] = '\0';
    }
    return (floe_status){err->code};
}

void floe_error_append_line(floe_error *err, const char *format, ...) {
    if (err == NULL) {
        return;
    }
    size_t at = strlen(err->message);
    if (at + 2 > FLOE_ERROR_MESSAGE_MAX - 1) {
        return;
    }
    if (at > 0) {
        err->message[at++] = '\n';
    }
    va_list args;
    va_start(args, format);
    print_at(err->message, at, format, args);
    va_end(args);
}

void floe_assert_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    abort();
}
