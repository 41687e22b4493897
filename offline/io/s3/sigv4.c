/*
 * Phases: the request in its canonical form → its digest in the text to sign → the day's key → the signature.
 */
#include "offline/io/s3/sigv4.h"

#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/time.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_LEN = 8, DIGEST_LEN = 32, HEX_LEN = 65 };

void floe_sigv4_time(int64_t micros, char ret_text[FLOE_SIGV4_TIME_LEN + 1]) {
    int64_t seconds = floe_floor_div(micros, FLOE_US_PER_SECOND);
    int64_t days = floe_floor_div(seconds, 86400);
    int64_t second = seconds - days * 86400;
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    char text[64];
    floe_civil_from_days(days, &year, &month, &day);
    (void)snprintf(text, sizeof(text), "%04d%02u%02uT%02d%02d%02dZ", (int)(year % 10000), month, day,
                   (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    memcpy(ret_text, text, FLOE_SIGV4_TIME_LEN);
    ret_text[FLOE_SIGV4_TIME_LEN] = 0;
}

static bool is_plain(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~';
}

const char *floe_sigv4_encode(floe_arena *arena, floe_str bytes, bool keep_slash) {
    static const char HEX[] = "0123456789ABCDEF";
    char *text = floe_arena_alloc(arena, bytes.len + 1, 3);
    size_t at = 0;
    for (size_t i = 0; text != NULL && i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (is_plain(c) || (keep_slash && c == '/')) {
            text[at++] = (char)c;
        } else {
            text[at++] = '%';
            text[at++] = HEX[c >> 4];
            text[at++] = HEX[c & 15];
        }
    }
    if (text != NULL) {
        text[at] = 0;
    }
    return text;
}

static void put_signed_names(const floe_sigv4_request *request, floe_buf *out) {
    for (size_t i = 0; i < request->header_count; i++) {
        floe_buf_text(out, i == 0 ? "" : ";");
        floe_buf_text(out, request->headers[i].name);
    }
}

static void put_canonical(const floe_sigv4_request *request, floe_buf *out) {
    floe_buf_printf(out, "%s\n%.*s\n%.*s\n", request->method, FLOE_STR_ARG(request->path),
                    FLOE_STR_ARG(request->query));
    for (size_t i = 0; i < request->header_count; i++) {
        floe_buf_text(out, request->headers[i].name);
        floe_buf_byte(out, ':');
        floe_buf_str(out, request->headers[i].value);
        floe_buf_byte(out, '\n');
    }
    floe_buf_byte(out, '\n');
    put_signed_names(request, out);
    floe_buf_byte(out, '\n');
    floe_buf_str(out, request->payload);
}

static void put_scope(const floe_sigv4_request *request, floe_buf *out) {
    floe_buf_append(out, request->time, DAY_LEN);
    floe_buf_printf(out, "/%.*s/%.*s/aws4_request", FLOE_STR_ARG(request->region), FLOE_STR_ARG(request->service));
}

static void put_text_to_sign(const floe_sigv4_request *request, floe_str canonical, floe_buf *out) {
    uint8_t digest[DIGEST_LEN];
    char hex[HEX_LEN];
    floe_sha256 hash;
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, canonical.ptr, canonical.len);
    floe_sha256_final(&hash, digest);
    floe_sha256_hex(digest, hex);
    floe_buf_printf(out, "AWS4-HMAC-SHA256\n%s\n", request->time);
    put_scope(request, out);
    floe_buf_printf(out, "\n%s", hex);
}

/* The chain of keys: secret → day → region → service → request. */
static void sign(const floe_sigv4_request *request, floe_str secret, floe_str text, char ret_hex[HEX_LEN]) {
    uint8_t key[DIGEST_LEN];
    floe_hmac_sha256(secret.ptr, secret.len, request->time, DAY_LEN, key);
    floe_hmac_sha256(key, sizeof(key), request->region.ptr, request->region.len, key);
    floe_hmac_sha256(key, sizeof(key), request->service.ptr, request->service.len, key);
    floe_hmac_sha256(key, sizeof(key), "aws4_request", strlen("aws4_request"), key);
    floe_hmac_sha256(key, sizeof(key), text.ptr, text.len, key);
    floe_sha256_hex(key, ret_hex);
}

floe_status floe_sigv4_authorization(const floe_sigv4_request *request, floe_arena *arena, floe_str *ret_value,
                                     floe_error *err) {
    FLOE_AUTO_BUF canonical = {0};
    FLOE_AUTO_BUF text = {0};
    FLOE_AUTO_BUF secret = {0};
    FLOE_AUTO_BUF value = {0};
    char signature[HEX_LEN];
    floe_buf_init(&canonical, FLOE_MIB(1));
    floe_buf_init(&text, FLOE_KIB(64));
    floe_buf_init(&secret, FLOE_KIB(64));
    floe_buf_init(&value, FLOE_KIB(64));
    put_canonical(request, &canonical);
    FLOE_TRY(floe_buf_check(&canonical, err));
    put_text_to_sign(request, floe_buf_view(&canonical), &text);
    FLOE_TRY(floe_buf_check(&text, err));
    floe_buf_text(&secret, "AWS4");
    floe_buf_str(&secret, request->secret_key);
    FLOE_TRY(floe_buf_check(&secret, err));
    sign(request, floe_buf_view(&secret), floe_buf_view(&text), signature);
    floe_buf_printf(&value, "AWS4-HMAC-SHA256 Credential=%.*s/", FLOE_STR_ARG(request->access_key));
    put_scope(request, &value);
    floe_buf_text(&value, ",SignedHeaders=");
    put_signed_names(request, &value);
    floe_buf_printf(&value, ",Signature=%s", signature);
    FLOE_TRY(floe_buf_check(&value, err));
    *ret_value = floe_arena_str(arena, floe_buf_view(&value));
    return floe_arena_check(arena, err);
}
