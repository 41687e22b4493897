/*
 * Objects' names as local paths: FOLDER/bucket/key, each component percent-encoded where a file system or a pattern would
 * take it for something else, so that the name can be had back from the path. "%" alone is an empty component, and a
 * component that ends in "+" goes on in the next one, since file systems bound the length of a name.
 */
#include "offline/io/mirror_int.h"

#include "core/buf.h"
#include "core/limits.h"

enum { PIECE_MAX = 240 };

static bool is_kept(unsigned char c) {
    return c > ' ' && c != 127 && strchr("%+*?[]{}\\\"'", c) == NULL;
}

static int hex_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void put_component(floe_buf *out, floe_str name) {
    bool dots = floe_str_is(name, ".") || floe_str_is(name, "..");
    size_t piece = 0;
    if (name.len == 0) {
        floe_buf_byte(out, '%');
    }
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (piece >= PIECE_MAX) {
            floe_buf_text(out, "+/");
            piece = 0;
        }
        if (is_kept(c) && !dots) {
            floe_buf_byte(out, c);
            piece++;
        } else {
            floe_buf_printf(out, "%%%02X", c);
            piece += 3;
        }
    }
}

/* "s3://bucket/key" and its older spellings → bucket and key; false for anything else. */
static bool split_uri(floe_str uri, floe_str *ret_bucket, floe_str *ret_key) {
    static const char *const SCHEMES[] = {"s3://", "s3a://", "s3n://", "gs://"};
    for (size_t i = 0; i < sizeof(SCHEMES) / sizeof(SCHEMES[0]); i++) {
        floe_str scheme = floe_str_of(SCHEMES[i]);
        if (floe_str_starts_with(uri, scheme)) {
            floe_str rest = {uri.ptr + scheme.len, uri.len - scheme.len};
            const char *slash = memchr(rest.ptr, '/', rest.len);
            size_t len = slash == NULL ? rest.len : (size_t)(slash - rest.ptr);
            *ret_bucket = (floe_str){rest.ptr, len};
            *ret_key = slash == NULL ? (floe_str){rest.ptr + len, 0} : (floe_str){slash + 1, rest.len - len - 1};
            return len > 0;
        }
    }
    return false;
}

bool floe_path_is_object(floe_str path) {
    floe_str bucket = {0};
    floe_str key = {0};
    return split_uri(path, &bucket, &key);
}

bool floe_mirror_path(const floe_mirror *mirror, floe_str uri, floe_arena *arena, const char **ret_path) {
    floe_str bucket = {0};
    floe_str key = {0};
    FLOE_AUTO_BUF out = {0};
    bool elsewhere = floe_str_starts_with(uri, FLOE_STR("gs://")) && mirror->s3_options.endpoint.len == 0;
    if (!split_uri(uri, &bucket, &key) || elsewhere) {
        return false; /* Google's objects are not Amazon's */
    }
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_printf(&out, "%s/", mirror->folder);
    put_component(&out, bucket);
    while (key.len > 0 || key.ptr != NULL) {
        const char *slash = key.len == 0 ? NULL : memchr(key.ptr, '/', key.len);
        size_t len = slash == NULL ? key.len : (size_t)(slash - key.ptr);
        if (slash == NULL && len == 0) {
            break; /* a key that ends in a slash is the folder */
        }
        floe_buf_byte(&out, '/');
        put_component(&out, (floe_str){key.ptr, len});
        key = slash == NULL ? (floe_str){0} : (floe_str){slash + 1, key.len - len - 1};
    }
    *ret_path = out.failed ? NULL : floe_arena_strndup(arena, out.ptr, out.len);
    return true;
}

/* One component back; returns whether it goes on in the next. */
static bool take_component(floe_buf *out, floe_str name) {
    bool more = name.len > 0 && name.ptr[name.len - 1] == '+';
    name.len -= more ? 1 : 0;
    for (size_t i = 0; i < name.len; i++) {
        int high = name.ptr[i] == '%' && i + 2 < name.len ? hex_of(name.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_of(name.ptr[i + 2]) : -1;
        if (low >= 0) {
            floe_buf_byte(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else if (name.ptr[i] != '%') {
            floe_buf_byte(out, (uint8_t)name.ptr[i]);
        }
    }
    return more;
}

floe_status floe_mirror_object(const floe_mirror *mirror, const char *path, floe_arena *arena,
                               floe_s3_object *ret_object, floe_error *err) {
    floe_str rest = floe_str_of(path);
    floe_str folder = floe_str_of(mirror->folder);
    FLOE_ENSURE(floe_str_starts_with(rest, folder) && rest.len > folder.len + 1 && rest.ptr[folder.len] == '/', err,
                FLOE_INTERNAL, "%s is no copy of an object", path);
    rest = (floe_str){rest.ptr + folder.len + 1, rest.len - folder.len - 1};
    FLOE_AUTO_BUF out = {0};
    floe_str name = {0};
    size_t bucket_len = 0;
    bool more = false;
    floe_buf_init(&out, FLOE_MIB(1));
    while (floe_str_split(&rest, '/', &name)) {
        if (out.len > 0 && !more) {
            bucket_len = bucket_len == 0 ? out.len : bucket_len;
            floe_buf_byte(&out, '/');
        }
        more = take_component(&out, name);
    }
    FLOE_TRY(floe_buf_check(&out, err));
    floe_str whole = floe_arena_str(arena, floe_buf_view(&out));
    bucket_len = bucket_len == 0 ? whole.len : bucket_len;
    *ret_object = (floe_s3_object){.bucket = floe_arena_strndup(arena, whole.ptr, bucket_len)};
    if (whole.len > bucket_len) {
        ret_object->key = (floe_str){whole.ptr + bucket_len + 1, whole.len - bucket_len - 1};
    }
    return floe_arena_check(arena, err);
}
