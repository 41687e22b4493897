/*
 * Logging to stderr: one line per event, text for people or JSON for machines. Only cli and api log.
 * Thread: any; a line is written with one write(2), needs no heap, and holds at most 16 KiB: what is longer is cut and
 * says "truncated". Control characters are escaped, so that no value can forge a line or drive a terminal.
 */
#ifndef FLOE_CORE_LOG_H
#define FLOE_CORE_LOG_H

#include "core/error.h"

typedef enum floe_log_level {
    FLOE_LOG_DEBUG,
    FLOE_LOG_INFO,
    FLOE_LOG_WARN,
    FLOE_LOG_ERROR,
    FLOE_LOG_OFF
} floe_log_level;
typedef enum floe_log_format { FLOE_LOG_TEXT, FLOE_LOG_JSON } floe_log_format;

/* Sets level and format for the process. Thread: before others start. */
void floe_log_configure(floe_log_level level, floe_log_format format);
bool floe_log_enabled(floe_log_level level);

/* One event: a fixed message, then key=value pairs ending with NULL: floe_log(FLOE_LOG_INFO, "listening", "url", url,
 * NULL). Values are strings; a value that is NULL prints null. Text: `TIME LEVEL message key=value`, with quotes where
 * a value needs them. JSON: {"ts":…,"level":…,"message":…,"key":"value"}. */
void floe_log(floe_log_level level, const char *message, ...) __attribute__((sentinel));
/* An error as one line: its code, message, errno and source position. */
void floe_log_error(const char *message, const floe_error *err);

#endif
