/*
 * Requests to S3 and what speaks like it.
 *
 * Phases of each: address and path of the object → the headers that are signed → signature → core's HTTP client, which
 * repeats what may be repeated → the answer's status as an error of ours. A repeated request carries the signature of
 * the first; stores take it for fifteen minutes. One that is refused for its keys is sent again with others, if there are any.
 */
#include "offline/io/s3/s3_int.h"

#include "core/hash.h"
#include "core/http_client.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/io/s3/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS_MAX = 8, ATTEMPTS = 4, ANSWER_MAX = 1 << 16, ANSWER_TIMEOUT_MS = 120000, KEYS_MAX = 3 };
#define LIST_ANSWER_MAX FLOE_MIB(16)
#define REQUEST_ARENA FLOE_MIB(64)

struct floe_s3 {
    floe_arena arena; /* of the options */
    floe_s3_options options;
    floe_str scheme;    /* "http://" */
    floe_str authority; /* host, and port when one was written */
    floe_str base_path; /* of an endpoint with one: "/store"; else empty */
    floe_http_client *http;
};

/* ---- open and close ---- */

static floe_str copied(floe_s3 *s3, floe_str text) {
    return text.len == 0 ? (floe_str){0} : floe_arena_str(&s3->arena, text);
}

/* The scheme's own port is left out of the Host header, which is signed. */
static floe_str without_port(floe_str host, floe_str port) {
    return floe_str_ends_with(host, port) ? (floe_str){host.ptr, host.len - port.len} : host;
}

static floe_status split_endpoint(floe_s3 *s3, floe_error *err) {
    floe_str rest = s3->options.endpoint;
    bool is_http = floe_str_starts_with(rest, FLOE_STR("http://"));
    FLOE_ENSURE(is_http || floe_str_starts_with(rest, FLOE_STR("https://")), err, FLOE_INVALID,
                "the storage endpoint %.*s is no http:// or https:// address", FLOE_STR_BRIEF(rest));
    s3->scheme = is_http ? FLOE_STR("http://") : FLOE_STR("https://");
    rest = (floe_str){rest.ptr + s3->scheme.len, rest.len - s3->scheme.len};
    while (rest.len > 0 && rest.ptr[rest.len - 1] == '/') {
        rest.len--;
    }
    const char *slash = memchr(rest.ptr, '/', rest.len);
    size_t host_len = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
    floe_str host = without_port((floe_str){rest.ptr, host_len}, is_http ? FLOE_STR(":80") : FLOE_STR(":443"));
    FLOE_ENSURE(host_len > 0, err, FLOE_INVALID, "the storage endpoint %.*s names no host",
                FLOE_STR_BRIEF(s3->options.endpoint));
    s3->authority = host;
    s3->base_path = (floe_str){rest.ptr + host_len, rest.len - host_len};
    return FLOE_OK;
}

static floe_status copy_options(floe_s3 *s3, const floe_s3_options *options, floe_error *err) {
    s3->options =
        (floe_s3_options){.endpoint = copied(s3, options->endpoint),
                          .region = copied(s3, options->region.len > 0 ? options->region : FLOE_STR("us-east-1")),
                          .path_style = options->path_style,
                          .access_key = copied(s3, options->access_key),
                          .secret_key = copied(s3, options->secret_key),
                          .session_token = copied(s3, options->session_token),
                          .source = options->source,
                          .ca_file = copied(s3, options->ca_file)};
    if (options->endpoint.len == 0) {
        const char *amazon =
            floe_arena_printf(&s3->arena, "https://s3.%.*s.amazonaws.com", FLOE_STR_ARG(s3->options.region));
        s3->options.endpoint = floe_str_of(amazon ? amazon : "");
    }
    FLOE_TRY(floe_arena_check(&s3->arena, err));
    return split_endpoint(s3, err);
}

floe_status floe_s3_open(const floe_s3_options *options, floe_s3 **ret_s3, floe_error *err) {
    __attribute__((cleanup(floe_s3_close))) floe_s3 *s3 = NULL;
    floe_http_client_options http = {
        .retry_max = ATTEMPTS, .timeout_ms = ANSWER_TIMEOUT_MS, .as_stored = true, .cancelled = options->cancelled};
    FLOE_TRY(floe_alloc(1, sizeof(*s3), &s3, err));
    floe_arena_init(&s3->arena, FLOE_KIB(256));
    FLOE_TRY(copy_options(s3, options, err));
    http.ca_file = s3->options.ca_file.len > 0 ? s3->options.ca_file.ptr : NULL;
    FLOE_TRY(floe_http_client_open(&http, &s3->http, err));
    *ret_s3 = s3;
    s3 = NULL;
    return FLOE_OK;
}

void floe_s3_close(floe_s3 **s3) {
    if (*s3 != NULL) {
        if ((*s3)->http != NULL) {
            floe_http_client_close(&(*s3)->http);
        }
        floe_arena_close(&(*s3)->arena);
        floe_free(*s3);
        *s3 = NULL;
    }
}

/* ---- one request ---- */

typedef struct s3_call {
    floe_s3 *s3;
    floe_arena *arena;
    const char *method;
    const char *bucket;
    floe_str key;   /* empty: the bucket itself */
    floe_str query; /* encoded and sorted; empty: none */
    const char *range, *if_match;
    bool if_none;
    floe_str body;
    floe_s3_keys keys; /* set by run_call */
} s3_call;

/* A bucket with dots is no label of a host, and no certificate is for it. */
static bool in_path(const s3_call *call) {
    bool tls = floe_str_is(call->s3->scheme, "https://");
    return call->s3->options.path_style || (tls && strchr(call->bucket, '.') != NULL);
}

static floe_str host_of(const s3_call *call) {
    if (in_path(call)) {
        return call->s3->authority;
    }
    return floe_str_of(floe_arena_printf(call->arena, "%s.%.*s", call->bucket, FLOE_STR_ARG(call->s3->authority)));
}

static floe_str path_of(const s3_call *call) {
    const char *key = floe_sigv4_encode(call->arena, call->key, true);
    const char *path = floe_arena_printf(call->arena, "%.*s%s%s/%s", FLOE_STR_ARG(call->s3->base_path),
                                         in_path(call) ? "/" : "", in_path(call) ? call->bucket : "", key ? key : "");
    return floe_str_of(path ? path : "");
}

static void digest_of(floe_str body, char ret_hex[65]) {
    uint8_t digest[32];
    floe_sha256 hash;
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, body.ptr, body.len);
    floe_sha256_final(&hash, digest);
    floe_sha256_hex(digest, ret_hex);
}

/* The signature of a request and what it signs, as headers behind those that are there. */
static floe_status sign_call(const s3_call *call, floe_str host, floe_str path, const char **headers, size_t *count,
                             floe_error *err) {
    char time[FLOE_SIGV4_TIME_LEN + 1];
    char hex[65];
    floe_sigv4_time(floe_now_us(), time);
    digest_of(call->body, hex);
    floe_sigv4_header signed_headers[] = {{"host", host},
                                          {"x-amz-content-sha256", floe_str_of(hex)},
                                          {"x-amz-date", floe_str_of(time)},
                                          {"x-amz-security-token", call->keys.session_token}};
    floe_sigv4_request request = {.method = call->method,
                                  .path = path,
                                  .query = call->query,
                                  .headers = signed_headers,
                                  .header_count = call->keys.session_token.len > 0 ? 4 : 3,
                                  .payload = floe_str_of(hex),
                                  .access_key = call->keys.access_key,
                                  .secret_key = call->keys.secret_key,
                                  .region = call->s3->options.region,
                                  .service = FLOE_STR("s3"),
                                  .time = time};
    floe_str authorization = {0};
    FLOE_TRY(floe_sigv4_authorization(&request, call->arena, &authorization, err));
    headers[(*count)++] = floe_arena_printf(call->arena, "Authorization: %.*s", FLOE_STR_ARG(authorization));
    headers[(*count)++] = floe_arena_printf(call->arena, "x-amz-content-sha256: %s", hex);
    headers[(*count)++] = floe_arena_printf(call->arena, "x-amz-date: %s", time);
    if (call->keys.session_token.len > 0) {
        headers[(*count)++] =
            floe_arena_printf(call->arena, "x-amz-security-token: %.*s", FLOE_STR_ARG(call->keys.session_token));
    }
    return floe_arena_check(call->arena, err);
}

/* The headers that go along, NULL at their end. */
static floe_status make_headers(const s3_call *call, floe_str host, floe_str path, const char *headers[HEADERS_MAX],
                                floe_error *err) {
    size_t count = 0;
    if (call->range != NULL) {
        headers[count++] = call->range;
    }
    if (call->if_match != NULL) {
        headers[count++] = call->if_match;
    }
    if (call->if_none) {
        headers[count++] = "If-None-Match: *";
    }
    if (call->keys.access_key.len > 0) {
        FLOE_TRY(sign_call(call, host, path, headers, &count, err));
    }
    headers[count] = NULL;
    return FLOE_OK;
}

static const char *store_name(const s3_call *call) {
    const char *name = floe_arena_printf(call->arena, "s3://%s/%.*s", call->bucket, FLOE_STR_BRIEF(call->key));
    return name ? name : "the object";
}

static floe_status send_call(const s3_call *call, floe_http_response *response, floe_error *err) {
    const char *headers[HEADERS_MAX];
    floe_str host = host_of(call);
    floe_str path = path_of(call);
    FLOE_TRY(floe_arena_check(call->arena, err));
    FLOE_TRY(make_headers(call, host, path, headers, err));
    const char *url =
        floe_arena_printf(call->arena, "%.*s%.*s%.*s%s%.*s", FLOE_STR_ARG(call->s3->scheme), FLOE_STR_ARG(host),
                          FLOE_STR_ARG(path), call->query.len > 0 ? "?" : "", FLOE_STR_ARG(call->query));
    FLOE_TRY(floe_arena_check(call->arena, err));
    floe_http_request request = {.method = call->method,
                                 .url = url,
                                 .content_type = call->body.len > 0 ? "application/octet-stream" : NULL,
                                 .headers = headers,
                                 .body = call->body};
    return floe_http_send(call->s3->http, &request, response, err);
}

/* Whether the store says that the token's time is over. An answer to HEAD has no body that could. */
static bool is_expired(const floe_http_response *response) {
    static const char said[] = "ExpiredToken";
    return response->body.len > 0 && memmem(response->body.ptr, response->body.len, said, sizeof(said) - 1) != NULL;
}

static floe_status judge(const s3_call *call, const floe_http_response *response, floe_error *err) {
    floe_http_request named = {.method = call->method, .url = store_name(call)};
    floe_status status = floe_http_check(&named, response, err);
    if (floe_failed(status) && is_expired(response)) {
        return floe_error_prefix(
            err, status,
            "the keys for the store have run out: run the command again, which gets new ones from a "
            "catalog that gives keys, or have keys that last longer than it takes");
    }
    return status;
}

static floe_status take_keys(const s3_call *call, uint64_t refused, floe_s3_keys *ret_keys, floe_error *err) {
    const floe_s3_options *options = &call->s3->options;
    if (options->source != NULL) {
        return options->source->get(options->source->context, refused, call->arena, ret_keys, err);
    }
    *ret_keys = (floe_s3_keys){options->access_key, options->secret_key, options->session_token, 1};
    return FLOE_OK;
}

/* Whether other keys may help. Only some stores name keys that have run out; an answer to HEAD cannot, and Amazon's is then 400. */
static bool is_of_keys(const s3_call *call, const floe_http_response *response, unsigned tries) {
    bool denied = response->status == 401 || response->status == 403;
    bool bare = response->status == 400 && strcmp(call->method, "HEAD") == 0;
    bool expired = response->status >= 400 && is_expired(response);
    return call->keys.access_key.len > 0 && (expired || (tries == 1 && (denied || bare)));
}

/* With each of the keys that are there one after the other, as long as the store does not take them. */
static floe_status run_call(const s3_call *given, floe_http_response *response, floe_error *err) {
    s3_call call = *given;
    FLOE_TRY(take_keys(&call, 0, &call.keys, err));
    for (unsigned tries = 1;; tries++) {
        uint64_t refused = call.keys.number;
        floe_error why = {0};
        floe_status status = send_call(&call, response, err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "%s", store_name(&call));
        }
        if (tries == KEYS_MAX || !is_of_keys(&call, response, tries)) {
            return judge(&call, response, err);
        }
        status = take_keys(&call, refused, &call.keys, &why);
        FLOE_ENSURE(!floe_failed(status), err, why.code,
                    "%s: the store takes the keys no more (%d), and there are no others: %s", store_name(&call),
                    response->status, why.message);
        if (call.keys.number == refused) {
            return judge(&call, response, err);
        }
    }
}

/* ---- objects ---- */

floe_status floe_s3_head(floe_s3 *s3, const floe_s3_object *object, floe_s3_stat *ret_stat, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_arena_init(&arena, REQUEST_ARENA);
    floe_http_response_init(&response, ANSWER_MAX);
    s3_call call = {.s3 = s3, .arena = &arena, .method = "HEAD", .bucket = object->bucket, .key = object->key};
    FLOE_TRY(run_call(&call, &response, err));
    int64_t len = -1;
    floe_str etag = floe_http_response_header(&response, "etag");
    floe_status known = floe_str_to_i64(floe_http_response_header(&response, "content-length"), &len, NULL);
    FLOE_ENSURE(!floe_failed(known) && len >= 0, err, FLOE_CORRUPT, "%s: the store does not say how long it is",
                store_name(&call));
    *ret_stat = (floe_s3_stat){.len = (uint64_t)len};
    if (etag.len < sizeof(ret_stat->etag)) {
        memcpy(ret_stat->etag, etag.ptr ? etag.ptr : "", etag.len);
    }
    return FLOE_OK;
}

floe_status floe_s3_get(floe_s3 *s3, const floe_s3_object *object, uint64_t offset, uint64_t len, const char *etag,
                        floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_arena_init(&arena, REQUEST_ARENA);
    floe_http_response_init(&response, len > 0 && len < out->cap - out->len ? len + ANSWER_MAX : out->cap - out->len);
    s3_call call = {.s3 = s3, .arena = &arena, .method = "GET", .bucket = object->bucket, .key = object->key};
    if (len > 0) {
        call.range = floe_arena_printf(&arena, "Range: bytes=%llu-%llu", (unsigned long long)offset,
                                       (unsigned long long)(offset + len - 1));
    }
    if (etag[0] != 0) {
        call.if_match = floe_arena_printf(&arena, "If-Match: %s", etag);
    }
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(run_call(&call, &response, err));
    floe_str body = floe_buf_view(&response.body);
    if (len > 0 && response.status == 200 && body.len >= offset + len) { /* the store gave the whole object */
        body = (floe_str){body.ptr + offset, len};
    }
    FLOE_ENSURE(len == 0 || body.len == len, err, FLOE_IO, "%s: %zu bytes came of the %llu from %llu on",
                store_name(&call), body.len, (unsigned long long)len, (unsigned long long)offset);
    floe_buf_str(out, body);
    return floe_buf_check(out, err);
}

floe_status floe_s3_put(floe_s3 *s3, const floe_s3_object *object, floe_str bytes, bool exclusive, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_arena_init(&arena, REQUEST_ARENA);
    floe_http_response_init(&response, ANSWER_MAX);
    s3_call call = {.s3 = s3,
                    .arena = &arena,
                    .method = "PUT",
                    .bucket = object->bucket,
                    .key = object->key,
                    .if_none = exclusive,
                    .body = bytes};
    return run_call(&call, &response, err);
}

floe_status floe_s3_remove(floe_s3 *s3, const floe_s3_object *object, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_error missing = {0};
    floe_arena_init(&arena, REQUEST_ARENA);
    floe_http_response_init(&response, ANSWER_MAX);
    s3_call call = {.s3 = s3, .arena = &arena, .method = "DELETE", .bucket = object->bucket, .key = object->key};
    floe_status status = run_call(&call, &response, &missing);
    if (floe_failed(status) && status.code != FLOE_NOT_FOUND) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    return FLOE_OK;
}

/* ---- listing ---- */

typedef struct s3_listing {
    floe_s3 *s3;
    const char *bucket;
    floe_str prefix;
    bool flat;  /* every object below; else what is directly there */
    size_t max; /* 0: all */
    floe_arena *arena;
    floe_s3_listed *items;
    size_t count, capacity;
} s3_listing;

static floe_str list_query(const s3_listing *listing, floe_str token) {
    size_t max = listing->max;
    const char *after = floe_sigv4_encode(listing->arena, token, false);
    const char *under = floe_sigv4_encode(listing->arena, listing->prefix, false);
    const char *text = floe_arena_printf(
        listing->arena, "%s%s%s%sencoding-type=url&list-type=2&max-keys=%zu&prefix=%s",
        token.len > 0 ? "continuation-token=" : "", token.len > 0 && after ? after : "", token.len > 0 ? "&" : "",
        listing->flat ? "" : "delimiter=%2F&", max == 0 || max > 1000 ? 1000 : max, under ? under : "");
    return floe_str_of(text ? text : "");
}

static floe_status read_page(s3_listing *listing, floe_str *token, floe_error *err) {
    FLOE_AUTO_HTTP_RESPONSE response = {0};
    floe_s3_page page = {0};
    floe_http_response_init(&response, LIST_ANSWER_MAX);
    s3_call call = {.s3 = listing->s3,
                    .arena = listing->arena,
                    .method = "GET",
                    .bucket = listing->bucket,
                    .query = list_query(listing, *token)};
    FLOE_TRY(run_call(&call, &response, err));
    floe_status status = floe_s3_page_read(floe_buf_view(&response.body), listing->arena, &page, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "s3://%s/%.*s", listing->bucket, FLOE_STR_BRIEF(listing->prefix));
    }
    for (size_t i = 0; i < page.count; i++) {
        floe_s3_listed *slot = FLOE_ARENA_PUSH(listing->arena, listing->items, listing->count, listing->capacity);
        if (slot != NULL) {
            *slot = page.items[i];
        }
    }
    *token = page.token;
    return floe_arena_check(listing->arena, err);
}

static floe_status read_listing(s3_listing *listing, floe_error *err) {
    floe_str token = {0};
    do {
        floe_str before = token;
        FLOE_TRY(read_page(listing, &token, err));
        FLOE_ENSURE(token.len == 0 || !floe_str_equal(token, before), err, FLOE_UNAVAILABLE,
                    "s3://%s/%.*s: the store's listing begins again at the same place", listing->bucket,
                    FLOE_STR_BRIEF(listing->prefix));
    } while (token.len > 0 && (listing->max == 0 || listing->count < listing->max));
    return FLOE_OK;
}

floe_status floe_s3_list_all(floe_s3 *s3, const char *bucket, floe_str prefix, floe_arena *arena,
                             const floe_s3_listed **ret_objects, size_t *ret_count, floe_error *err) {
    s3_listing listing = {.s3 = s3, .bucket = bucket, .prefix = prefix, .flat = true, .arena = arena};
    FLOE_TRY(read_listing(&listing, err));
    *ret_objects = listing.items;
    *ret_count = listing.count;
    return FLOE_OK;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The part of a key behind the prefix, without a slash at its end; NULL for the prefix itself. */
static const char *name_under(floe_arena *arena, floe_str key, floe_str prefix) {
    if (!floe_str_starts_with(key, prefix) || key.len == prefix.len) {
        return NULL;
    }
    floe_str rest = {key.ptr + prefix.len, key.len - prefix.len};
    rest.len -= rest.ptr[rest.len - 1] == '/' ? 1 : 0;
    return rest.len == 0 || memchr(rest.ptr, 0, rest.len) != NULL ? NULL
                                                                  : floe_arena_strndup(arena, rest.ptr, rest.len);
}

floe_status floe_s3_list(floe_s3 *s3, const char *bucket, floe_str prefix, size_t max, floe_arena *arena,
                         const char *const **ret_names, size_t *ret_count, floe_error *err) {
    s3_listing listing = {.s3 = s3, .bucket = bucket, .prefix = prefix, .max = max, .arena = arena};
    size_t count = 0;
    size_t kept = 0;
    FLOE_TRY(read_listing(&listing, err));
    const char **names = floe_arena_alloc(arena, listing.count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < listing.count; i++) {
        const char *name = name_under(arena, listing.items[i].key, prefix);
        if (name != NULL) {
            names[count++] = name;
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    if (count > 0) {
        qsort(names, count, sizeof(*names), compare_names);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) {
            names[kept++] = names[i];
        }
    }
    *ret_names = names;
    *ret_count = kept;
    return FLOE_OK;
}
