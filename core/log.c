/*
 * Log lines. A line is built on the stack, so that a process without memory can still say so, and leaves with one
 * write(2), so that the lines of several threads do not mix. What does not fit is cut at a whole character and the line
 * says "truncated". Control characters (C0, DEL, C1) are always escaped: a value that came over the network can neither
 * forge a second line nor drive a terminal. Bytes that are not UTF-8 become U+FFFD in JSON and \xNN in text.
 */
#include "core/log.h"

#include "core/str.h"
#include "core/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LEN 16384
#define TAIL_LEN 64 /* kept free for quotes, the mark of truncation and the line feed */

typedef struct line {
    bool json;
    bool cut;
    size_t len;
    char bytes[LINE_MAX_LEN];
} line;

static atomic_int level_now = FLOE_LOG_INFO;
static atomic_int format_now = FLOE_LOG_TEXT;

void floe_log_configure(floe_log_level level, floe_log_format format) {
    atomic_store(&level_now, (int)level);
    atomic_store(&format_now, (int)format);
}

bool floe_log_enabled(floe_log_level level) {
    return level != FLOE_LOG_OFF && (int)level >= atomic_load(&level_now);
}

static const char *level_name(floe_log_level level, bool json) {
    static const char *const names[][2] = {{"DEBUG", "debug"}, {"INFO", "info"}, {"WARN", "warn"}, {"ERROR", "error"}};
    return names[level][json ? 1 : 0];
}

/* Adds bytes, all or nothing; after the first that did not fit nothing is added any more. */
static void put(line *l, const char *bytes, size_t len) {
    if (l->cut || l->len + len > LINE_MAX_LEN - TAIL_LEN) {
        l->cut = true;
        return;
    }
    memcpy(l->bytes + l->len, bytes, len);
    l->len += len;
}

static void put_text(line *l, const char *text) {
    put(l, text, strlen(text));
}

/* Adds to the tail, which put leaves free. */
static void put_tail(line *l, const char *text) {
    size_t len = strlen(text);
    memcpy(l->bytes + l->len, text, len);
    l->len += len;
}

/* The length of the character at `at`, or 0 when no character begins there. */
static size_t character_len(const char *at, size_t left) {
    for (size_t len = 1; len <= 4 && len <= left; len++) {
        if (floe_str_is_utf8((floe_str){at, len})) {
            return len;
        }
    }
    return 0;
}

static void put_escape(line *l, const char *format, unsigned value) {
    char escape[12];
    (void)snprintf(escape, sizeof(escape), format, value);
    put_text(l, escape);
}

static void put_ascii(line *l, char byte) {
    switch (byte) {
    case '"':
    case '\\':
        put(l, (char[]){'\\', byte}, 2);
        return;
    case '\n':
        put_text(l, "\\n");
        return;
    case '\r':
        put_text(l, "\\r");
        return;
    case '\t':
        put_text(l, "\\t");
        return;
    default:
        if ((unsigned char)byte < 0x20 || byte == 0x7f) {
            put_escape(l, "\\u%04x", (unsigned char)byte);
        } else {
            put(l, &byte, 1);
        }
    }
}

/* The inside of a quoted text. */
static void put_escaped(line *l, const char *text) {
    size_t left = strlen(text);
    while (left > 0 && !l->cut) {
        size_t len = character_len(text, left);
        unsigned char second = len == 2 ? (unsigned char)text[1] : 0;
        if (len == 1) {
            put_ascii(l, *text);
        } else if (len == 2 && (unsigned char)*text == 0xc2 && second < 0xa0) {
            put_escape(l, "\\u%04x", second); /* C1: U+0080 to U+009F */
        } else if (len > 0) {
            put(l, text, len);
        } else if (l->json) {
            put_text(l, "\xef\xbf\xbd");
        } else {
            put_escape(l, "\\x%02x", (unsigned char)*text);
        }
        text += len > 0 ? len : 1;
        left -= len > 0 ? len : 1;
    }
}

/* A quote that was opened is closed, whatever fitted between. */
static void put_quoted(line *l, const char *text) {
    put(l, "\"", 1);
    if (!l->cut) {
        put_escaped(l, text);
        put_tail(l, "\"");
    }
}

/* A value of text format needs quotes unless it is printable ASCII without what separates pairs. */
static bool is_bare(const char *text) {
    for (const char *at = text; *at; at++) {
        if (*at <= ' ' || *at >= 0x7f || *at == '"' || *at == '=' || *at == '\\') {
            return false;
        }
    }
    return *text != '\0';
}

static void put_value(line *l, const char *value) {
    if (!value) {
        put_text(l, "null");
    } else if (!l->json && is_bare(value)) {
        put_text(l, value);
    } else {
        put_quoted(l, value);
    }
}

/* A pair is cut inside its value at most, never between key and value: a cut JSON line is still JSON. */
static void put_pair(line *l, const char *key, const char *value) {
    size_t start = l->len;
    if (l->json) {
        put_text(l, ",");
        put_quoted(l, key);
        put_text(l, ":");
    } else {
        put_text(l, " ");
        put_text(l, key);
        put_text(l, "=");
    }
    size_t value_start = l->len;
    if (!l->cut) {
        put_value(l, value);
    }
    if (l->cut && l->len == value_start) {
        l->len = start;
    }
}

static void begin_line(line *l, floe_log_level level, const char *message) {
    char when[FLOE_TIME_TEXT_MAX];
    (void)floe_time_format(floe_now_us(), when);
    l->json = atomic_load(&format_now) == FLOE_LOG_JSON;
    l->cut = false;
    l->len = 0;
    if (!l->json) {
        put_text(l, when);
        put_text(l, " ");
        put_text(l, level_name(level, false));
        put_text(l, " ");
        put_escaped(l, message);
        return;
    }
    put_text(l, "{\"ts\":\"");
    put_text(l, when);
    put_text(l, "\",\"level\":\"");
    put_text(l, level_name(level, true));
    put_text(l, "\",\"message\":");
    put_quoted(l, message);
}

/* Nothing can be done about a log that cannot be written; a line that was interrupted halfway is finished. */
static void end_line(line *l) {
    if (l->cut) {
        put_tail(l, l->json ? ",\"truncated\":true" : " truncated=true");
    }
    put_tail(l, l->json ? "}\n" : "\n");
    size_t done = 0;
    while (done < l->len) {
        ssize_t count = write(STDERR_FILENO, l->bytes + done, l->len - done);
        if (count < 0 && errno != EINTR) {
            return;
        }
        done += count > 0 ? (size_t)count : 0;
    }
}

void floe_log(floe_log_level level, const char *message, ...) {
    if (!floe_log_enabled(level)) {
        return;
    }
    line l;
    va_list pairs;
    begin_line(&l, level, message);
    va_start(pairs, message);
    for (const char *key = va_arg(pairs, const char *); key; key = va_arg(pairs, const char *)) {
        put_pair(&l, key, va_arg(pairs, const char *));
    }
    va_end(pairs);
    end_line(&l);
}

void floe_log_error(const char *message, const floe_error *err) {
    char where[256];
    (void)snprintf(where, sizeof(where), "%s:%d", err->file ? err->file : "?", err->line);
    if (err->sys_errno != 0) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%d", err->sys_errno);
        floe_log(FLOE_LOG_ERROR, message, "code", floe_code_describe(err->code)->name, "error", err->message, "errno",
                 number, "at", where, NULL);
        return;
    }
    floe_log(FLOE_LOG_ERROR, message, "code", floe_code_describe(err->code)->name, "error", err->message, "at", where,
             NULL);
}
