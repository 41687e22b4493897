/*
 * Values in Iceberg's binary single-value form, bounds, and the result types of partition transforms.
 * Source: Iceberg table spec, Appendix D, "Binary single-value serialization"; "Partition Transforms".
 */
#include "offline/iceberg/write/write.h"

#include "offline/iceberg/murmur3.h"

#include <math.h>
#include <string.h>

floe_status floe_ice_write_value(const floe_value *value, floe_buf *out, floe_error *err) {
    uint8_t bytes[16];
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_byte(out, value->as.boolean);
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        floe_buf_u32(out, (uint32_t)value->as.integer);
        break;
    case FLOE_KIND_INT64:
    case FLOE_KIND_TIMESTAMP:
        floe_buf_u64(out, (uint64_t)value->as.integer);
        break;
    case FLOE_KIND_FLOAT: {
        float narrow = (float)value->as.real;
        uint32_t bits = 0;
        memcpy(&bits, &narrow, sizeof bits);
        floe_buf_u32(out, bits);
        break;
    }
    case FLOE_KIND_DOUBLE:
        floe_buf_f64(out, value->as.real);
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        floe_buf_str(out, value->as.bytes);
        break;
    case FLOE_KIND_DECIMAL:
        floe_buf_append(out, bytes, floe_ice_decimal_bytes(value->as.decimal, bytes));
        break;
    case FLOE_KIND_NONE:
    case FLOE_KIND_LIST:
    default:
        return FLOE_FAIL(err, FLOE_UNSUPPORTED, "a value of kind %d has no single-value form", (int)value->type.kind);
    }
    return floe_buf_check(out, err);
}

/* ---- bounds ---- */

/* Bytes of the first 16 characters (of text) or bytes (of a binary value). */
static size_t bound_len(const floe_value *value) {
    floe_str bytes = value->as.bytes;
    if (value->type.kind != FLOE_KIND_STRING) {
        return bytes.len < FLOE_ICE_BOUND_LEN ? bytes.len : FLOE_ICE_BOUND_LEN;
    }
    size_t at = 0;
    for (unsigned i = 0; i < FLOE_ICE_BOUND_LEN && at < bytes.len; i++) {
        size_t len = floe_utf8_sequence((floe_str){bytes.ptr + at, bytes.len - at});
        at += len ? len : 1;
    }
    return at;
}

static bool is_text(const floe_value *value) {
    return value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES;
}

static bool is_real(const floe_value *value) {
    return value->type.kind == FLOE_KIND_FLOAT || value->type.kind == FLOE_KIND_DOUBLE;
}

static floe_status write_bound(const floe_value *value, double zero, floe_buf *out, bool *ret_any, floe_error *err) {
    floe_value bound = *value;
    *ret_any = !(is_real(value) && isnan(value->as.real));
    if (!*ret_any) {
        return FLOE_OK;
    }
    if (is_real(value) && value->as.real == 0.0) {
        bound.as.real = zero;
    }
    return floe_ice_write_value(&bound, out, err);
}

floe_status floe_ice_write_lower(const floe_value *value, floe_buf *out, bool *ret_any, floe_error *err) {
    floe_value bound = *value;
    if (is_text(value)) {
        bound.as.bytes.len = bound_len(value);
    }
    return write_bound(&bound, -0.0, out, ret_any, err);
}

static uint32_t decode_character(const uint8_t *at, size_t len) {
    static const uint8_t FIRST_MASK[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t character = at[0] & FIRST_MASK[len];
    for (size_t i = 1; i < len; i++) {
        character = (character << 6) | (at[i] & 0x3f);
    }
    return character;
}

static void append_character(floe_buf *out, uint32_t character) {
    if (character < 0x80) {
        floe_buf_byte(out, (uint8_t)character);
        return;
    }
    unsigned more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t FIRST[] = {0, 0xc0, 0xe0, 0xf0};
    floe_buf_byte(out, (uint8_t)(FIRST[more] | (character >> (6 * more))));
    while (more-- > 0) {
        floe_buf_byte(out, (uint8_t)(0x80 | ((character >> (6 * more)) & 0x3f)));
    }
}

/* The prefix with its last character raised; a character that cannot be raised (U+10FFFF) is dropped and the one before it
 * raised. U+D7FF is followed by U+E000: what lies between is no character. */
static bool raise_text(floe_str prefix, floe_buf *out) {
    for (size_t end = prefix.len; end > 0;) {
        size_t start = end - 1;
        while (start > 0 && ((uint8_t)prefix.ptr[start] & 0xc0) == 0x80) {
            start--;
        }
        uint32_t character = decode_character((const uint8_t *)prefix.ptr + start, end - start);
        if (character < 0x10ffff) {
            floe_buf_append(out, prefix.ptr, start);
            append_character(out, character == 0xd7ff ? 0xe000 : character + 1);
            return true;
        }
        end = start;
    }
    return false;
}

static bool raise_bytes(floe_str prefix, floe_buf *out) {
    size_t end = prefix.len;
    while (end > 0 && (uint8_t)prefix.ptr[end - 1] == 0xff) {
        end--;
    }
    if (end > 0) {
        floe_buf_append(out, prefix.ptr, end - 1);
        floe_buf_byte(out, (uint8_t)((uint8_t)prefix.ptr[end - 1] + 1));
    }
    return end > 0;
}

floe_status floe_ice_write_upper(const floe_value *value, floe_buf *out, bool *ret_any, floe_error *err) {
    size_t len = is_text(value) ? bound_len(value) : 0;
    if (!is_text(value) || len == value->as.bytes.len) {
        return write_bound(value, 0.0, out, ret_any, err);
    }
    floe_str prefix = {value->as.bytes.ptr, len};
    *ret_any = value->type.kind == FLOE_KIND_STRING ? raise_text(prefix, out) : raise_bytes(prefix, out);
    return floe_buf_check(out, err);
}

/* ---- transforms ---- */

static bool transform_takes(floe_ice_transform_kind transform, floe_ice_kind kind) {
    bool date = kind == FLOE_ICE_DATE;
    bool timestamp = kind == FLOE_ICE_TIMESTAMP || kind == FLOE_ICE_TIMESTAMPTZ;
    bool exact = kind == FLOE_ICE_INT || kind == FLOE_ICE_LONG || kind == FLOE_ICE_DECIMAL || kind == FLOE_ICE_STRING ||
                 kind == FLOE_ICE_BINARY;
    switch (transform) {
    case FLOE_TRANSFORM_IDENTITY:
    case FLOE_TRANSFORM_VOID:
        return kind < FLOE_ICE_STRUCT;
    case FLOE_TRANSFORM_BUCKET:
        return exact || date || timestamp || kind == FLOE_ICE_TIME || kind == FLOE_ICE_UUID || kind == FLOE_ICE_FIXED;
    case FLOE_TRANSFORM_TRUNCATE:
        return exact;
    case FLOE_TRANSFORM_YEAR:
    case FLOE_TRANSFORM_MONTH:
    case FLOE_TRANSFORM_DAY:
        return date || timestamp;
    case FLOE_TRANSFORM_HOUR:
        return timestamp;
    case FLOE_TRANSFORM_UNKNOWN:
    default:
        return false;
    }
}

floe_type floe_ice_partition_kept_type(const floe_ice_type *type) {
    switch (type->kind) {
    case FLOE_ICE_TIME:
    case FLOE_ICE_TIMESTAMP_NS:
    case FLOE_ICE_TIMESTAMPTZ_NS:
        return (floe_type){.kind = FLOE_KIND_INT64};
    case FLOE_ICE_UUID:
    case FLOE_ICE_FIXED:
        return (floe_type){.kind = FLOE_KIND_BYTES};
    default:
        return floe_ice_type_to_floe(type);
    }
}

floe_status floe_ice_transform_type(const floe_ice_partition_field *field, const floe_ice_field *source,
                                    floe_ice_type *ret_type, floe_error *err) {
    FLOE_ENSURE(transform_takes(field->transform, source->type->kind), err, FLOE_INVALID,
                "partition %.*s: the transform %.*s does not take column %.*s, whose type is %.*s",
                FLOE_STR_ARG(field->name), FLOE_STR_ARG(field->transform_text), FLOE_STR_ARG(source->name),
                FLOE_STR_ARG(source->type->text));
    bool keeps = field->transform == FLOE_TRANSFORM_IDENTITY || field->transform == FLOE_TRANSFORM_TRUNCATE ||
                 field->transform == FLOE_TRANSFORM_VOID;
    FLOE_ENSURE(!keeps || floe_ice_partition_kept_type(source->type).kind != FLOE_KIND_NONE, err, FLOE_UNSUPPORTED,
                "partition %.*s: partitioning by values of type %.*s is not supported", FLOE_STR_ARG(field->name),
                FLOE_STR_ARG(source->type->text));
    if (keeps) {
        *ret_type = *source->type;
    } else if (field->transform == FLOE_TRANSFORM_DAY) {
        *ret_type = (floe_ice_type){.kind = FLOE_ICE_DATE, .text = FLOE_STR("date")};
    } else {
        *ret_type = (floe_ice_type){.kind = FLOE_ICE_INT, .text = FLOE_STR("int")};
    }
    return FLOE_OK;
}
