/*
 * The signature of a request to S3 and what speaks like it.
 */
#ifndef FLOE_OFFLINE_IO_SIGV4_H
#define FLOE_OFFLINE_IO_SIGV4_H

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

typedef struct floe_sigv4_header {
    const char *name; /* lower case */
    floe_str value;   /* without space at its ends */
} floe_sigv4_header;

typedef struct floe_sigv4_request {
    const char *method;
    floe_str path;                    /* as it is sent: percent-encoded, beginning with a slash */
    floe_str query;                   /* as it is sent: encoded, sorted by name, each with its "="; empty: none */
    const floe_sigv4_header *headers; /* those that are signed, by name: host, x-amz-content-sha256, x-amz-date … */
    size_t header_count;
    floe_str payload; /* the body's SHA-256 in hex, or "UNSIGNED-PAYLOAD" */
    floe_str access_key, secret_key;
    floe_str region, service; /* "us-east-1", "s3" */
    const char *time;         /* as in x-amz-date: "20130524T000000Z" */
} floe_sigv4_request;

/* The value of the header Authorization, in the arena. Errors: NOMEM.
 * Source: AWS Signature Version 4, "Authenticating Requests: Using the Authorization Header". */
floe_status floe_sigv4_authorization(const floe_sigv4_request *request, floe_arena *arena, floe_str *ret_value,
                                     floe_error *err);

/* Microseconds since 1970 → "20130524T000000Z". */
enum { FLOE_SIGV4_TIME_LEN = 16 };
void floe_sigv4_time(int64_t micros, char ret_text[FLOE_SIGV4_TIME_LEN + 1]);

/* Bytes → percent-encoded by S3's rule: letters, digits and "-_.~" stay, and with `keep_slash` the slash. */
const char *floe_sigv4_encode(floe_arena *arena, floe_str bytes, bool keep_slash);

#endif
