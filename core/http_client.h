/*
 * HTTP requests to other services, over libcurl (http_client.c, the one file that includes it).
 *
 * One request is sent until it is answered well or the attempts are used up: after 429, 500, 502, 503, 504, a broken or
 * refused connection or a time-out it is sent again, after a wait that doubles and is drawn at random from its upper half, or
 * for as long as Retry-After asks. Redirects are not followed, so that a bearer token goes only where it was meant to. HTTP
 * and HTTPS are spoken, nothing else; certificates are verified. What comes back is a status and a body, whatever the status
 * says: floe_http_check turns one that is no success into an error.
 */
#ifndef FLOE_CORE_HTTP_CLIENT_H
#define FLOE_CORE_HTTP_CLIENT_H

#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct floe_http_client_options {
    int64_t connect_timeout_ms;     /* of one attempt; 0: 10 s */
    int64_t timeout_ms;             /* of one attempt, the whole of it; 0: 30 s */
    unsigned retry_max;             /* attempts after the first */
    int64_t retry_wait_ms;          /* before the second attempt, doubled for each further one; 0: 500 ms */
    int64_t retry_wait_max_ms;      /* and no longer than this; a Retry-After beyond it ends the attempts; 0: 30 s */
    bool as_stored;                 /* no encoding is asked for: bodies come as they lie in a store */
    const char *ca_file;            /* PEM; NULL: the system's. Borrowed. */
    const atomic_bool *cancelled;   /* looked at every second at least; NULL: never. Borrowed. */
    void (*sleep_ms)(int64_t time); /* test hook: replaces the waits between attempts */
} floe_http_client_options;

typedef struct floe_http_client floe_http_client;

/* Keeps its connections open between requests. Thread: one at a time. Errors: NOMEM, INTERNAL. */
floe_status floe_http_client_open(const floe_http_client_options *options, floe_http_client **ret_client,
                                  floe_error *err);
void floe_http_client_close(floe_http_client **client);

typedef struct floe_http_request {
    const char *method; /* "GET", "POST" …; NULL: POST with a body, else GET */
    const char *url;
    const char *bearer;         /* NULL or "": none. Must hold no control characters. */
    const char *content_type;   /* of the body */
    const char *const *headers; /* "Name: value" each, NULL-terminated; NULL: none further */
    floe_str body;
    bool once; /* never sent again: the service would do it twice */
} floe_http_request;

typedef struct floe_http_response {
    int status;
    floe_buf body;    /* its cap, which the caller sets, is the largest that is taken */
    floe_buf headers; /* the answer's lines, as they came; cap: 64 KiB */
    unsigned attempts;
} floe_http_response;

/* An empty response that takes a body of at most body_max bytes. It may be used for any number of requests. */
void floe_http_response_init(floe_http_response *response, size_t body_max);
void floe_http_response_close(floe_http_response *response);
#define FLOE_AUTO_HTTP_RESPONSE __attribute__((cleanup(floe_http_response_close))) floe_http_response

/* The value of a header of the answer, by its lower-case name; empty when it is not there. Borrowed from the response. */
floe_str floe_http_response_header(const floe_http_response *response, const char *lower_name);

/* Sends the request. On failure the response's content is undefined. Errors: UNAVAILABLE when the service cannot be reached
 * or breaks off, TIMEOUT, both retriable and naming the address and how often it was tried; DENIED for a certificate that is
 * not trusted; LIMIT for a body beyond the cap; INVALID for a URL or header that is none; CANCELLED; NOMEM. */
floe_status floe_http_send(floe_http_client *client, const floe_http_request *request, floe_http_response *response,
                           floe_error *err);

/* OK for 2xx. Else an error that names the address (without its query), the status and the beginning of the body: DENIED
 * (401, 403), NOT_FOUND (404, 410), TIMEOUT (408, 504), CONFLICT (409, 412), LIMIT (413), UNAVAILABLE (429, 5xx), INVALID (the
 * rest). */
floe_status floe_http_check(const floe_http_request *request, const floe_http_response *response, floe_error *err);

#endif
