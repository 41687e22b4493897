/*
 * Redis: addresses, failures, keys and commands as bytes.
 */
#include "core/limits.h"
#include "online/redis/redis_int.h"

#include <stdio.h>

/* ---- addresses ---- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode_percent(floe_str text, char *out, size_t out_len) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len + 0 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0' || len + 1 >= out_len) {
            return false;
        }
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

static bool copy_text(floe_str text, char *out, size_t out_len) {
    if (text.len >= out_len || memchr(text.ptr, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return true;
}

static bool parse_number(floe_str text, int most, int *ret_number) {
    int64_t number = 0;
    if (floe_failed(floe_str_to_i64(text, &number, NULL)) || number < 0 || number > most) {
        return false;
    }
    *ret_number = (int)number;
    return true;
}

/* The last '@' ends the user part: a password may hold one unencoded. */
static bool parse_user(floe_str *rest, floe_redis_url *url) {
    size_t at = rest->len;
    while (at > 0 && rest->ptr[at - 1] != '@') {
        at--;
    }
    if (at == 0) {
        return true;
    }
    floe_str user = {rest->ptr, at - 1};
    floe_str password = {NULL, 0};
    const char *colon = memchr(user.ptr, ':', user.len);
    *rest = (floe_str){rest->ptr + at, rest->len - at};
    if (colon != NULL) {
        password = (floe_str){colon + 1, (size_t)(user.ptr + user.len - colon - 1)};
        user.len = (size_t)(colon - user.ptr);
    }
    return decode_percent(user, url->user, sizeof(url->user)) &&
           decode_percent(password, url->password, sizeof(url->password));
}

static bool parse_host(floe_str text, floe_redis_url *url) {
    floe_str host = text;
    floe_str port = {NULL, 0};
    const char *colon = NULL;
    if (text.len > 0 && text.ptr[0] == '[') {
        const char *end = memchr(text.ptr, ']', text.len);
        if (end == NULL) {
            return false;
        }
        host = (floe_str){text.ptr + 1, (size_t)(end - text.ptr - 1)};
        colon = end + 1 < text.ptr + text.len ? end + 1 : NULL;
        if (colon != NULL && *colon != ':') {
            return false;
        }
    } else {
        colon = memchr(text.ptr, ':', text.len);
        host.len = colon == NULL ? text.len : (size_t)(colon - text.ptr);
    }
    if (colon != NULL) {
        port = (floe_str){colon + 1, (size_t)(text.ptr + text.len - colon - 1)};
    }
    url->port = 6379;
    return host.len > 0 && copy_text(host, url->host, sizeof(url->host)) &&
           (colon == NULL || (parse_number(port, 65535, &url->port) && url->port > 0));
}

static bool parse_rest(floe_str rest, floe_redis_url *url) {
    if (!parse_user(&rest, url)) {
        return false;
    }
    const char *slash = rest.len == 0 ? NULL : memchr(rest.ptr, '/', rest.len);
    floe_str host = {rest.ptr, slash == NULL ? rest.len : (size_t)(slash - rest.ptr)};
    floe_str db = slash == NULL ? (floe_str){NULL, 0} : (floe_str){slash + 1, rest.len - host.len - 1};
    return parse_host(host, url) && (db.len == 0 || parse_number(db, 1000000, &url->db));
}

floe_status floe_redis_url_parse(floe_str text, floe_redis_url *ret_url, floe_error *err) {
    floe_redis_url url = {.port = 6379};
    FLOE_ENSURE(!floe_str_starts_with(text, FLOE_STR("rediss://")), err, FLOE_UNSUPPORTED,
                "online.url: rediss:// (TLS) is not supported by this version");
    floe_str scheme = FLOE_STR("redis://");
    bool valid = floe_str_starts_with(text, scheme) &&
                 parse_rest((floe_str){text.ptr + scheme.len, text.len - scheme.len}, &url);
    FLOE_ENSURE(valid, err, FLOE_INVALID, "online.url is not of the form redis://[user:password@]host:port/db");
    snprintf(url.address, sizeof(url.address), "%s:%d/%d", url.host, url.port, url.db);
    *ret_url = url;
    return FLOE_OK;
}

/* ---- failures ---- */

typedef struct error_word {
    const char *word;
    floe_code code;
} error_word;

static floe_code code_of(floe_str message) {
    static const error_word words[] = {
        {"NOAUTH", FLOE_DENIED},           {"WRONGPASS", FLOE_DENIED},       {"NOPERM", FLOE_DENIED},
        {"LOADING", FLOE_UNAVAILABLE},     {"BUSY", FLOE_UNAVAILABLE},       {"MASTERDOWN", FLOE_UNAVAILABLE},
        {"READONLY", FLOE_UNAVAILABLE},    {"NOREPLICAS", FLOE_UNAVAILABLE}, {"MISCONF", FLOE_UNAVAILABLE},
        {"CLUSTERDOWN", FLOE_UNAVAILABLE}, {"OOM", FLOE_UNAVAILABLE},        {"WRONGTYPE", FLOE_CORRUPT},
        {"MOVED", FLOE_UNSUPPORTED},       {"CROSSSLOT", FLOE_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (floe_str_starts_with(message, floe_str_of(words[i].word))) {
            return words[i].code;
        }
    }
    if (floe_str_starts_with(message, FLOE_STR("ERR AUTH")) ||
        floe_str_starts_with(message, FLOE_STR("ERR invalid p"))) {
        return FLOE_DENIED;
    }
    return FLOE_UNAVAILABLE;
}

static const char *advice_for(floe_code code, floe_str message) {
    if (floe_str_starts_with(message, FLOE_STR("OOM"))) {
        return "; give the server more memory (maxmemory)";
    }
    switch (code) {
    case FLOE_DENIED:
        return "; check user and password in online.url";
    case FLOE_CORRUPT:
        return "; something else than floe writes keys that begin with floe:";
    case FLOE_UNSUPPORTED:
        return "; this version does not speak to a Redis Cluster";
    default:
        return "";
    }
}

floe_status floe_redis_fail_reply(const floe_redis_url *url, const redisReply *reply, const char *what,
                                  floe_error *err) {
    floe_str message = {reply->str, reply->len};
    floe_code code = code_of(message);
    return FLOE_FAIL(err, code, "online store redis://%s: cannot %s: %.*s%s", url->address, what,
                     FLOE_STR_BRIEF(message), advice_for(code, message));
}

floe_status floe_redis_fail_connection(const floe_redis_url *url, const char *reason, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNAVAILABLE,
                     "online store redis://%s does not answer: %s; start it, or correct online.url in floe.yaml",
                     url->address, reason == NULL || reason[0] == '\0' ? "the connection was lost" : reason);
}

floe_status floe_redis_fail_kind(const floe_redis_url *url, const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNAVAILABLE, "online store redis://%s: an unexpected kind of answer to: %s",
                     url->address, what);
}

/* ---- keys and commands ---- */

static void append_number(floe_buf *out, size_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    floe_buf_append(out, digits + at, sizeof(digits) - at);
}

static void append_netstring(floe_buf *out, floe_str text) {
    append_number(out, text.len);
    floe_buf_byte(out, ':');
    floe_buf_str(out, text);
    floe_buf_byte(out, ':');
}

void floe_redis_prefix(const char *project, floe_str entity, floe_buf *out) {
    floe_buf_append(out, "floe:", 5);
    append_netstring(out, floe_str_of(project));
    append_netstring(out, entity);
}

void floe_redis_state_key(const char *project, floe_buf *out) {
    floe_buf_append(out, "floe:", 5);
    append_netstring(out, floe_str_of(project));
    floe_buf_text(out, "state");
}

void floe_redis_id_key(const char *project, floe_buf *out) {
    floe_buf_append(out, "floe:", 5);
    append_netstring(out, floe_str_of(project));
    floe_buf_text(out, "id");
}

void floe_redis_command(floe_buf *out, size_t count) {
    floe_buf_byte(out, '*');
    append_number(out, count);
    floe_buf_append(out, "\r\n", 2);
}

void floe_redis_argument(floe_buf *out, const void *bytes, size_t len) {
    floe_buf_byte(out, '$');
    append_number(out, len);
    floe_buf_append(out, "\r\n", 2);
    floe_buf_append(out, bytes, len);
    floe_buf_append(out, "\r\n", 2);
}
