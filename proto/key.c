/*
 * Entity keys: version, count, then per key its kind, length and bytes. Every length has one spelling (varints are the
 * shortest ones, checked on decode), so equal keys have equal bytes and unequal keys never do.
 */
#include "proto/key.h"

#include "core/limits.h"
#include "proto/value_int.h"

#define SHOWN_BYTES 40       /* of a key that is too long */
#define DECIMAL_KEY_BYTES 18 /* precision, scale, 16 bytes of the unscaled value */

bool floe_key_type_allowed(floe_type type) {
    switch (type.kind) {
    case FLOE_KIND_BOOL:
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
    case FLOE_KIND_DECIMAL:
        return true;
    default:
        return false;
    }
}

static floe_status encode_one(const floe_value *key, size_t index, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(!key->is_null, err, FLOE_INVALID, "entity key %zu is null: a row without its keys cannot be stored",
                index + 1);
    char name[FLOE_TYPE_NAME_MAX];
    FLOE_ENSURE(floe_key_type_allowed(key->type), err, FLOE_INVALID,
                "entity key %zu is of type %s, which cannot be a key", index + 1, floe_type_name(key->type, name));
    floe_buf_byte(out, (uint8_t)key->type.kind);
    size_t width = floe_proto_width(key->type.kind);
    if (width == 0) {
        floe_buf_varint(out, key->as.bytes.len);
        floe_buf_str(out, key->as.bytes);
        return FLOE_OK;
    }
    if (key->type.kind == FLOE_KIND_DECIMAL) {
        floe_buf_varint(out, DECIMAL_KEY_BYTES);
        floe_buf_byte(out, key->type.precision);
        floe_buf_byte(out, key->type.scale);
    } else {
        floe_buf_varint(out, width);
    }
    return floe_error_prefix(err, floe_proto_put_fixed(key, out, err), "entity key %zu", index + 1);
}

/* ---- how long ---- */

static size_t varint_len(uint64_t value) {
    size_t len = 1;
    for (; value >= 128; value >>= 7) {
        len++;
    }
    return len;
}

static size_t content_len(const floe_value *key) {
    size_t width = floe_proto_width(key->type.kind);
    return width == 0 ? key->as.bytes.len : key->type.kind == FLOE_KIND_DECIMAL ? DECIMAL_KEY_BYTES : width;
}

size_t floe_key_bytes(const floe_value *keys, size_t count) {
    size_t len = 1 + varint_len(count);
    for (size_t i = 0; i < count; i++) {
        size_t content = content_len(&keys[i]);
        len += 1 + varint_len(content) + content;
    }
    return len;
}

/* The first characters of a text, whole ones; bytes in hex. */
static void show_start(const floe_value *key, floe_buf *out) {
    floe_str bytes = key->as.bytes;
    size_t len = bytes.len < SHOWN_BYTES ? bytes.len : SHOWN_BYTES;
    if (key->type.kind == FLOE_KIND_BYTES) {
        for (size_t i = 0; i < len / 2; i++) {
            floe_buf_printf(out, "%02x", (unsigned)(uint8_t)bytes.ptr[i]);
        }
        return;
    }
    while (len > 0 && len < bytes.len && ((uint8_t)bytes.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    floe_buf_str(out, (floe_str){bytes.ptr, len});
}

floe_status floe_key_check(const floe_column *keys, const floe_value *values, size_t count, floe_error *err) {
    size_t len = floe_key_bytes(values, count);
    if (len <= FLOE_LIMIT_KEY_BYTES) {
        return FLOE_OK;
    }
    size_t longest = 0;
    for (size_t i = 1; i < count; i++) {
        longest = content_len(&values[i]) > content_len(&values[longest]) ? i : longest;
    }
    FLOE_AUTO_BUF start;
    floe_buf_init(&start, FLOE_KIB(1));
    show_start(&values[longest], &start);
    return FLOE_FAIL(
        err, FLOE_LIMIT,
        "the key %.*s is %zu bytes long (it begins with \"%.*s\"), and the entity's keys take %zu bytes; at "
        "most %zu are allowed. Leave such rows out, in a view with `where:`, or name the entity by something "
        "shorter",
        FLOE_STR_BRIEF(keys[longest].name), content_len(&values[longest]), FLOE_STR_BRIEF(floe_buf_view(&start)), len,
        FLOE_LIMIT_KEY_BYTES);
}

floe_status floe_key_encode(const floe_value *keys, size_t count, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(count >= 1 && count <= FLOE_LIMIT_ENTITY_KEYS, err, FLOE_INVALID, "an entity has 1 to %d keys, not %zu",
                FLOE_LIMIT_ENTITY_KEYS, count);
    for (size_t i = 0; i < count; i++) {
        bool long_text = !keys[i].is_null && floe_proto_width(keys[i].type.kind) == 0 &&
                         floe_key_type_allowed(keys[i].type) && keys[i].as.bytes.len > FLOE_LIMIT_KEY_BYTES;
        FLOE_ENSURE(!long_text, err, FLOE_LIMIT, "entity key %zu is %zu bytes long; the keys may take at most %zu",
                    i + 1, keys[i].as.bytes.len, FLOE_LIMIT_KEY_BYTES);
    }
    size_t start = out->len;
    floe_buf_byte(out, FLOE_KEY_FORMAT);
    floe_buf_varint(out, count);
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(encode_one(&keys[i], i, out, err));
    }
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_ENSURE(out->len - start <= FLOE_LIMIT_KEY_BYTES, err, FLOE_LIMIT,
                "the entity's keys take %zu bytes; at most %zu are allowed", out->len - start, FLOE_LIMIT_KEY_BYTES);
    return FLOE_OK;
}

/* A varint in its shortest form; a longer one would give one key two spellings. */
static floe_status read_length(floe_reader *reader, uint64_t *ret_len, const char *what, floe_error *err) {
    size_t start = reader->at;
    FLOE_TRY(floe_read_varint(reader, ret_len, what, err));
    FLOE_ENSURE(reader->at - start == 1 || reader->ptr[reader->at - 1] != 0, err, FLOE_CORRUPT,
                "%s at byte %zu is not in its shortest form", what, start);
    return FLOE_OK;
}

static floe_status decode_decimal(const uint8_t *bytes, floe_value *ret_key, floe_error *err) {
    floe_type type = {.kind = FLOE_KIND_DECIMAL, .precision = bytes[0], .scale = bytes[1]};
    FLOE_ENSURE(floe_proto_type_valid(type), err, FLOE_CORRUPT, "an entity key is a decimal(%u,%u)", bytes[0],
                bytes[1]);
    return floe_proto_get_fixed(bytes + 2, type, ret_key, err);
}

static floe_status decode_one(floe_reader *reader, floe_value *ret_key, floe_error *err) {
    uint8_t kind = 0;
    uint64_t len = 0;
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_u8(reader, &kind, "an entity key's type", err));
    floe_type type = {.kind = kind <= FLOE_KIND_LIST ? (floe_kind)kind : FLOE_KIND_NONE};
    FLOE_ENSURE(floe_key_type_allowed(type), err, FLOE_CORRUPT, "an entity key has the unknown type %u", kind);
    FLOE_TRY(read_length(reader, &len, "an entity key's length", err));
    FLOE_TRY(floe_read_bytes(reader, len, &bytes, "an entity key", err));
    size_t width = floe_proto_width(type.kind);
    if (width == 0) {
        *ret_key = (floe_value){.type = type, .as.bytes = {(const char *)bytes, len}};
        return FLOE_OK;
    }
    size_t expected = type.kind == FLOE_KIND_DECIMAL ? DECIMAL_KEY_BYTES : width;
    FLOE_ENSURE(len == expected, err, FLOE_CORRUPT, "an entity key of type %u has %llu bytes instead of %zu", kind,
                (unsigned long long)len, expected);
    return type.kind == FLOE_KIND_DECIMAL ? decode_decimal(bytes, ret_key, err)
                                          : floe_proto_get_fixed(bytes, type, ret_key, err);
}

static floe_status decode_count(floe_reader *reader, uint64_t *ret_count, floe_error *err) {
    uint8_t format = 0;
    FLOE_TRY(floe_read_u8(reader, &format, "an entity key's format", err));
    FLOE_ENSURE(format == FLOE_KEY_FORMAT, err, FLOE_UNSUPPORTED,
                "entity keys of format %u; this version reads format %d", format, FLOE_KEY_FORMAT);
    FLOE_TRY(read_length(reader, ret_count, "the number of entity keys", err));
    FLOE_ENSURE(*ret_count >= 1 && *ret_count <= FLOE_LIMIT_ENTITY_KEYS, err, FLOE_CORRUPT, "an entity of %llu keys",
                (unsigned long long)*ret_count);
    return FLOE_OK;
}

floe_status floe_key_decode(floe_str bytes, floe_arena *arena, floe_value **ret_keys, size_t *ret_count,
                            floe_error *err) {
    floe_reader reader = floe_reader_of(bytes.ptr, bytes.len);
    uint64_t count = 0;
    FLOE_TRY(decode_count(&reader, &count, err));
    floe_value *keys = floe_arena_alloc(arena, count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(arena, err));
    for (uint64_t i = 0; i < count; i++) {
        FLOE_TRY(decode_one(&reader, &keys[i], err));
    }
    FLOE_ENSURE(floe_reader_left(&reader) == 0, err, FLOE_CORRUPT, "%zu bytes follow an entity's keys",
                floe_reader_left(&reader));
    *ret_keys = keys;
    *ret_count = count;
    return FLOE_OK;
}
