/*
 * Bounds as bytes, and ranges made from them.
 */
#include "offline/iceberg/range.h"

#include "core/time.h"

#include <math.h>

floe_range floe_range_unknown(floe_type type) {
    bool real = type.kind == FLOE_KIND_FLOAT || type.kind == FLOE_KIND_DOUBLE;
    return (floe_range){.maybe_null = true, .maybe_value = true, .maybe_nan = real || type.kind == FLOE_KIND_NONE};
}

static void narrow_lower(floe_range *range, const floe_range *other) {
    if (other->has_lower && (!range->has_lower || floe_value_compare(&other->lower, &range->lower) > 0)) {
        range->has_lower = true;
        range->lower = other->lower;
    }
}

/* A cut upper bound is not comparable with a whole one: the whole one stays. */
static void narrow_upper(floe_range *range, const floe_range *other) {
    bool take = !range->has_upper || (range->upper_is_prefix && !other->upper_is_prefix);
    if (other->has_upper && !take && range->upper_is_prefix == other->upper_is_prefix) {
        take = floe_value_compare(&other->upper, &range->upper) < 0;
    }
    if (other->has_upper && take) {
        range->has_upper = true;
        range->upper_is_prefix = other->upper_is_prefix;
        range->upper = other->upper;
    }
}

void floe_range_narrow(floe_range *range, const floe_range *other) {
    range->maybe_null = range->maybe_null && other->maybe_null;
    range->maybe_value = range->maybe_value && other->maybe_value;
    range->maybe_nan = range->maybe_nan && other->maybe_nan;
    if (other->bucket_count > 0) {
        range->bucket_count = other->bucket_count;
        range->bucket_low = other->bucket_low;
        range->bucket_high = other->bucket_high;
    }
    if (range->exact) { /* Nothing is narrower than one value. */
        return;
    }
    if (other->exact) {
        range->exact = true;
        range->has_lower = range->has_upper = true;
        range->upper_is_prefix = false;
        range->lower = other->lower;
        range->upper = other->upper;
        return;
    }
    narrow_lower(range, other);
    narrow_upper(range, other);
}

/* Little-endian two's complement of 4 or 8 bytes. */
static bool decode_integer(floe_str bytes, int64_t *ret_value) {
    if (bytes.len == sizeof(int32_t)) {
        int32_t narrow = 0;
        memcpy(&narrow, bytes.ptr, sizeof(narrow));
        *ret_value = narrow;
        return true;
    }
    if (bytes.len == sizeof(int64_t)) {
        memcpy(ret_value, bytes.ptr, sizeof(*ret_value));
        return true;
    }
    return false;
}

static bool decode_real(floe_str bytes, double *ret_value) {
    if (bytes.len == sizeof(float)) {
        float narrow = 0;
        memcpy(&narrow, bytes.ptr, sizeof(narrow));
        *ret_value = (double)narrow;
        return !isnan(*ret_value);
    }
    if (bytes.len == sizeof(double)) {
        memcpy(ret_value, bytes.ptr, sizeof(*ret_value));
        return !isnan(*ret_value);
    }
    return false;
}

/* Big-endian two's complement of the fewest bytes; longer ones are read where the extra bytes are only sign. */
static bool decode_decimal(floe_str bytes, __int128 *ret_value) {
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    if (bytes.len == 0 || bytes.len > 64) {
        return false;
    }
    uint8_t sign = at[0] & 0x80 ? 0xff : 0;
    unsigned __int128 bits = sign ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.len - i > sizeof(bits) && at[i] != sign) {
            return false;
        }
        bits = bits << 8 | at[i];
    }
    *ret_value = (__int128)bits;
    return true;
}

static bool fits_int32(int64_t value) {
    return value >= INT32_MIN && value <= INT32_MAX;
}

static bool decode_timestamp(floe_str bytes, int64_t *ret_micros) {
    if (!decode_integer(bytes, ret_micros)) {
        return false;
    }
    if (bytes.len == sizeof(int32_t)) { /* written when the column was a date: at most 2^31 days, which fit */
        return !__builtin_mul_overflow(*ret_micros, FLOE_US_PER_DAY, ret_micros);
    }
    return true;
}

bool floe_bound_decode(const floe_ice_type *type, floe_str bytes, floe_value *ret_value) {
    return floe_bound_decode_as(floe_ice_type_to_floe(type), bytes, ret_value);
}

bool floe_bound_decode_as(floe_type type, floe_str bytes, floe_value *ret_value) {
    floe_value value = {.type = type};
    bool known = bytes.ptr != NULL;
    switch (value.type.kind) {
    case FLOE_KIND_BOOL:
        known = known && bytes.len == 1;
        value.as.boolean = known && bytes.ptr[0] != 0;
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        known = known && decode_integer(bytes, &value.as.integer) && fits_int32(value.as.integer);
        break;
    case FLOE_KIND_INT64:
        known = known && decode_integer(bytes, &value.as.integer);
        break;
    case FLOE_KIND_TIMESTAMP:
        known = known && decode_timestamp(bytes, &value.as.integer);
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        known = known && decode_real(bytes, &value.as.real);
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        value.as.bytes = bytes;
        break;
    case FLOE_KIND_DECIMAL:
        known = known && decode_decimal(bytes, &value.as.decimal);
        break;
    default:
        known = false;
    }
    if (known) {
        *ret_value = value;
    }
    return known;
}
