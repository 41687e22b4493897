/*
 * Fixed-width values and types as bytes, little-endian on every machine. Decoding trusts nothing: what the encoder
 * never writes is CORRUPT.
 */
#include "proto/value_int.h"

size_t floe_proto_width(floe_kind kind) {
    switch (kind) {
    case FLOE_KIND_BOOL:
        return 1;
    case FLOE_KIND_INT32:
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DATE:
        return 4;
    case FLOE_KIND_INT64:
    case FLOE_KIND_DOUBLE:
    case FLOE_KIND_TIMESTAMP:
        return 8;
    case FLOE_KIND_DECIMAL:
        return 16;
    default:
        return 0;
    }
}

bool floe_proto_type_valid(floe_type type) {
    floe_kind scalar = type.kind == FLOE_KIND_LIST ? type.element : type.kind;
    if (type.kind != FLOE_KIND_LIST && type.element != FLOE_KIND_NONE) {
        return false;
    }
    if (scalar < FLOE_KIND_BOOL || scalar > FLOE_KIND_DECIMAL) {
        return false;
    }
    if (scalar == FLOE_KIND_DECIMAL) {
        return type.precision >= 1 && type.precision <= 38 && type.scale <= type.precision;
    }
    return type.precision == 0 && type.scale == 0;
}

bool floe_proto_decimal_fits(__int128 unscaled, uint8_t precision) {
    unsigned __int128 size = unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    unsigned __int128 limit = 1;
    for (unsigned i = 0; i < precision && i < 38; i++) {
        limit *= 10;
    }
    return size < limit;
}

static floe_status put_int32(const floe_value *value, floe_buf *out, floe_error *err) {
    int64_t integer = value->as.integer;
    FLOE_ENSURE(integer >= INT32_MIN && integer <= INT32_MAX, err, FLOE_INVALID,
                "%lld is outside the 32 bits of its type", (long long)integer);
    floe_buf_u32(out, (uint32_t)(int32_t)integer);
    return FLOE_OK;
}

static void put_float(double real, floe_buf *out) {
    float narrow = (float)real;
    uint32_t bits = 0;
    memcpy(&bits, &narrow, sizeof(bits));
    floe_buf_u32(out, bits);
}

static floe_status put_decimal(const floe_value *value, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(floe_proto_decimal_fits(value->as.decimal, value->type.precision), err, FLOE_INVALID,
                "a decimal has more digits than its type decimal(%u,%u)", value->type.precision, value->type.scale);
    unsigned __int128 bits = (unsigned __int128)value->as.decimal;
    floe_buf_u64(out, (uint64_t)bits);
    floe_buf_u64(out, (uint64_t)(bits >> 64));
    return FLOE_OK;
}

floe_status floe_proto_put_fixed(const floe_value *value, floe_buf *out, floe_error *err) {
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_byte(out, value->as.boolean ? 1 : 0);
        return FLOE_OK;
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        return put_int32(value, out, err);
    case FLOE_KIND_INT64:
    case FLOE_KIND_TIMESTAMP:
        floe_buf_u64(out, (uint64_t)value->as.integer);
        return FLOE_OK;
    case FLOE_KIND_FLOAT:
        put_float(value->as.real, out);
        return FLOE_OK;
    case FLOE_KIND_DOUBLE:
        floe_buf_f64(out, value->as.real);
        return FLOE_OK;
    case FLOE_KIND_DECIMAL:
        return put_decimal(value, out, err);
    default:
        return FLOE_FAIL(err, FLOE_INTERNAL, "kind %d is not of fixed width", (int)value->type.kind);
    }
}

static uint64_t load(const uint8_t *bytes, size_t len) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static double load_float(const uint8_t *bytes) {
    uint32_t bits = (uint32_t)load(bytes, 4);
    float narrow = 0;
    memcpy(&narrow, &bits, sizeof(narrow));
    return (double)narrow;
}

static double load_double(const uint8_t *bytes) {
    uint64_t bits = load(bytes, 8);
    double real = 0;
    memcpy(&real, &bits, sizeof(real));
    return real;
}

static floe_status get_decimal(const uint8_t *bytes, floe_value *value, floe_error *err) {
    unsigned __int128 bits = ((unsigned __int128)load(bytes + 8, 8) << 64) | load(bytes, 8);
    value->as.decimal = (__int128)bits;
    FLOE_ENSURE(floe_proto_decimal_fits(value->as.decimal, value->type.precision), err, FLOE_CORRUPT,
                "a stored decimal has more digits than its type decimal(%u,%u)", value->type.precision,
                value->type.scale);
    return FLOE_OK;
}

floe_status floe_proto_get_fixed(const uint8_t *bytes, floe_type type, floe_value *ret_value, floe_error *err) {
    floe_value value = {.type = type};
    switch (type.kind) {
    case FLOE_KIND_BOOL:
        FLOE_ENSURE(bytes[0] <= 1, err, FLOE_CORRUPT, "a stored bool is the byte %u, neither 0 nor 1", bytes[0]);
        value.as.boolean = bytes[0] == 1;
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        value.as.integer = (int32_t)(uint32_t)load(bytes, 4);
        break;
    case FLOE_KIND_INT64:
    case FLOE_KIND_TIMESTAMP:
        value.as.integer = (int64_t)load(bytes, 8);
        break;
    case FLOE_KIND_FLOAT:
        value.as.real = load_float(bytes);
        break;
    case FLOE_KIND_DOUBLE:
        value.as.real = load_double(bytes);
        break;
    case FLOE_KIND_DECIMAL:
        FLOE_TRY(get_decimal(bytes, &value, err));
        break;
    default:
        return FLOE_FAIL(err, FLOE_INTERNAL, "kind %d is not of fixed width", (int)type.kind);
    }
    *ret_value = value;
    return FLOE_OK;
}

void floe_proto_put_type(floe_type type, floe_buf *out) {
    floe_buf_byte(out, (uint8_t)type.kind);
    floe_buf_byte(out, (uint8_t)type.element);
    floe_buf_byte(out, type.precision);
    floe_buf_byte(out, type.scale);
}

floe_status floe_proto_get_type(floe_reader *reader, floe_type *ret_type, const char *what, floe_error *err) {
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_bytes(reader, FLOE_PROTO_TYPE_BYTES, &bytes, what, err));
    floe_type type = {.kind = FLOE_KIND_NONE};
    if (bytes[0] <= FLOE_KIND_LIST && bytes[1] <= FLOE_KIND_LIST) {
        type = (floe_type){(floe_kind)bytes[0], (floe_kind)bytes[1], bytes[2], bytes[3]};
    }
    FLOE_ENSURE(floe_proto_type_valid(type), err, FLOE_CORRUPT, "%s: %u,%u,%u,%u is no type", what, bytes[0], bytes[1],
                bytes[2], bytes[3]);
    *ret_type = type;
    return FLOE_OK;
}
