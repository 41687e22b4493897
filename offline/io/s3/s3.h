/*
 * Objects of S3 and of stores that speak like it: one request each, signed, sent again when the store is busy.
 */
#ifndef FLOE_OFFLINE_IO_S3_H
#define FLOE_OFFLINE_IO_S3_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What signs a request. */
typedef struct floe_s3_keys {
    floe_str access_key, secret_key, session_token; /* no access key: requests are not signed */
    uint64_t number;                                /* other keys of one source have other numbers, none has 0 */
} floe_s3_keys;

/* Where keys come from that may run out. */
typedef struct floe_s3_key_source {
    /* The keys that hold now, in the arena. `refused` is 0, or the number of keys that the store did not take: others are then had, if there
     * are any. Thread: any. Errors: those of whoever gives the keys; NOMEM. */
    floe_status (*get)(void *context, uint64_t refused, floe_arena *arena, floe_s3_keys *ret_keys, floe_error *err);
    void *context;
} floe_s3_key_source;

typedef struct floe_s3_options {
    floe_str endpoint;                              /* "http://127.0.0.1:9000"; empty: Amazon's of the region */
    floe_str region;                                /* empty: us-east-1 */
    bool path_style;                                /* endpoint/bucket/key; else the bucket is the host's first label */
    floe_str access_key, secret_key, session_token; /* no access key: requests are not signed */
    int64_t keys_until_us;                          /* when they run out, since 1970; 0: nobody said */
    const floe_s3_key_source *source; /* asked for the keys of each request; NULL: the keys above. Borrowed */
    const atomic_bool *cancelled;     /* NULL: never */
    floe_str ca_file;                 /* PEM, of what is trusted instead of the system's; empty: the system's */
} floe_s3_options;

typedef struct floe_s3_object {
    const char *bucket;
    floe_str key; /* bytes, no leading slash added or taken */
} floe_s3_object;

typedef struct floe_s3 floe_s3;
/* Copies the options; keeps its connection. Thread: one at a time. Errors: INVALID for an endpoint that is no http or https
 * address; NOMEM. */
floe_status floe_s3_open(const floe_s3_options *options, floe_s3 **ret_s3, floe_error *err);
void floe_s3_close(floe_s3 **s3); /* NULL-safe */

typedef struct floe_s3_stat {
    uint64_t len;
    char etag[128]; /* "" when the store names none, or a longer one */
} floe_s3_stat;
/* Errors: NOT_FOUND, DENIED, UNAVAILABLE, TIMEOUT, as all below; each names the object. */
floe_status floe_s3_head(floe_s3 *s3, const floe_s3_object *object, floe_s3_stat *ret_stat, floe_error *err);

/* Appends the object's bytes from `offset`, `len` of them; 0: all there are from the start. `etag` "": of whatever state.
 * Errors: CONFLICT when the object is no longer the one of that etag; IO when fewer bytes came; LIMIT (out's cap). */
floe_status floe_s3_get(floe_s3 *s3, const floe_s3_object *object, uint64_t offset, uint64_t len, const char *etag,
                        floe_buf *out, floe_error *err);

/* Writes the whole object. Errors: CONFLICT when it is there already and `exclusive` was asked for. */
floe_status floe_s3_put(floe_s3 *s3, const floe_s3_object *object, floe_str bytes, bool exclusive, floe_error *err);

/* One that is not there is no error. */
floe_status floe_s3_remove(floe_s3 *s3, const floe_s3_object *object, floe_error *err);

/* Names directly under a prefix that ends with a slash (or is empty), without it: of objects, and of what continues behind a
 * further slash, that slash left off. Sorted by byte, each once. `max` 0: all. Errors: CORRUPT for an answer that is none. */
floe_status floe_s3_list(floe_s3 *s3, const char *bucket, floe_str prefix, size_t max, floe_arena *arena,
                         const char *const **ret_names, size_t *ret_count, floe_error *err);

/* What a listing says of an object. */
typedef struct floe_s3_listed {
    floe_str key;
    int64_t len;        /* -1: not said */
    int64_t changed_us; /* INT64_MAX: not said */
} floe_s3_listed;
/* Every object whose key begins with a prefix, at any depth, in the store's order. Errors: as floe_s3_list. */
floe_status floe_s3_list_all(floe_s3 *s3, const char *bucket, floe_str prefix, floe_arena *arena,
                             const floe_s3_listed **ret_objects, size_t *ret_count, floe_error *err);

#endif
