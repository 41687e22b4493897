/*
 * Partition transforms, backwards: from a stored value to the source values that it may stand for.
 */
#include "offline/iceberg/range.h"

#include "core/time.h"
#include "offline/iceberg/murmur3.h"

#include <math.h>

/* A stored value as a value of the source column: writers keep the type that the column had when they wrote. */
static bool coerce(const floe_value *stored, const floe_ice_type *source, floe_value *ret_value) {
    floe_type want = floe_ice_type_to_floe(source);
    floe_kind from = stored->type.kind;
    floe_value value = *stored;
    value.type = want;
    bool integer = floe_kind_is_integer(from) || from == FLOE_KIND_DATE || from == FLOE_KIND_TIMESTAMP;
    bool known = false;
    switch (want.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
    case FLOE_KIND_DATE:
        known = integer && from != FLOE_KIND_TIMESTAMP;
        break;
    case FLOE_KIND_TIMESTAMP:
        known = from == FLOE_KIND_TIMESTAMP || from == FLOE_KIND_INT64;
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        known = from == FLOE_KIND_FLOAT || from == FLOE_KIND_DOUBLE;
        break;
    case FLOE_KIND_DECIMAL:
        known = from == FLOE_KIND_DECIMAL
                    ? stored->type.scale == want.scale
                    : from == FLOE_KIND_BYTES && floe_bound_decode(source, stored->as.bytes, &value);
        break;
    default:
        known = from == want.kind && want.kind != FLOE_KIND_NONE && want.kind != FLOE_KIND_LIST;
    }
    if (known) {
        *ret_value = value;
    }
    return known;
}

static void set_lower(floe_range *range, floe_value value) {
    range->has_lower = true;
    range->lower = value;
}

static void set_upper(floe_range *range, floe_value value) {
    range->has_upper = true;
    range->upper = value;
}

static floe_range identity_range(const floe_ice_type *source, const floe_value *low, const floe_value *high) {
    floe_range range = floe_range_unknown(floe_ice_type_to_floe(source));
    floe_value value;
    bool real = range.maybe_nan;
    if (low != NULL && coerce(low, source, &value) && !(real && isnan(value.as.real))) {
        set_lower(&range, value);
    }
    if (high != NULL && coerce(high, source, &value) && !(real && isnan(value.as.real))) {
        set_upper(&range, value);
    }
    return range;
}

/* ---- time ---- */

/* The first day of a unit, or of the hour's day; false where it is beyond any date. */
static bool first_day(floe_ice_transform_kind transform, int64_t unit, int64_t *ret_days) {
    enum { UNITS_MAX = 3000000 }; /* far beyond every date, and days still fit */
    int64_t year = 0;
    switch (transform) {
    case FLOE_TRANSFORM_YEAR:
        year = 1970 + unit;
        *ret_days = floe_days_from_civil(year, 1, 1);
        return unit > -UNITS_MAX / 12 && unit < UNITS_MAX / 12;
    case FLOE_TRANSFORM_MONTH:
        year = 1970 + floe_floor_div(unit, 12);
        *ret_days = floe_days_from_civil(year, (unsigned)(unit - floe_floor_div(unit, 12) * 12) + 1, 1);
        return unit > -UNITS_MAX && unit < UNITS_MAX;
    default:
        *ret_days = unit;
        return unit > -100000000 && unit < 100000000;
    }
}

/* The first instant of a unit, in the units of the source. */
static bool first_instant(floe_ice_transform_kind transform, int64_t unit, floe_kind source, int64_t *ret_value) {
    enum { HOURS_MAX = 2000000000 };
    if (transform == FLOE_TRANSFORM_HOUR) {
        bool fits = source == FLOE_KIND_TIMESTAMP && unit > -HOURS_MAX && unit < HOURS_MAX;
        *ret_value = fits ? unit * (FLOE_US_PER_DAY / 24) : 0;
        return fits;
    }
    int64_t days = 0;
    if (unit < INT32_MIN || unit > INT32_MAX || !first_day(transform, unit, &days)) {
        return false;
    }
    *ret_value = source == FLOE_KIND_DATE ? days : days * FLOE_US_PER_DAY;
    return true;
}

static floe_range time_range(floe_ice_transform_kind transform, floe_type source, const floe_value *low,
                             const floe_value *high) {
    floe_range range = floe_range_unknown(source);
    floe_value value = {.type = source};
    bool timed = source.kind == FLOE_KIND_DATE || source.kind == FLOE_KIND_TIMESTAMP;
    bool low_whole = low != NULL && (floe_kind_is_integer(low->type.kind) || low->type.kind == FLOE_KIND_DATE);
    bool high_whole = high != NULL && (floe_kind_is_integer(high->type.kind) || high->type.kind == FLOE_KIND_DATE);
    if (timed && low_whole && low->as.integer >= INT32_MIN) {
        int64_t unit = low->as.integer <= 0 ? low->as.integer - 1 : low->as.integer;
        if (first_instant(transform, unit, source.kind, &value.as.integer)) {
            set_lower(&range, value);
        }
    }
    if (timed && high_whole && high->as.integer < INT32_MAX &&
        first_instant(transform, high->as.integer + 1, source.kind, &value.as.integer)) {
        value.as.integer--;
        set_upper(&range, value);
    }
    return range;
}

/* ---- truncate ---- */

static void truncate_upper(floe_range *range, floe_value value, int32_t width) {
    switch (value.type.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        if (!__builtin_add_overflow(value.as.integer, (int64_t)width - 1, &value.as.integer)) {
            set_upper(range, value);
        }
        break;
    case FLOE_KIND_DECIMAL:
        if (!__builtin_add_overflow(value.as.decimal, (__int128)width - 1, &value.as.decimal)) {
            set_upper(range, value);
        }
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        set_upper(range, value);
        range->upper_is_prefix = true;
        break;
    default:
        break;
    }
}

/* Truncating the smallest integers leaves the type, and writers wrap around: their stored value is then among the largest,
 * of int also where the column became long since. Source: Iceberg's Java Truncate, which subtracts in the column's type. */
static bool may_have_wrapped(floe_kind source, int32_t width, const floe_value *low, const floe_value *high) {
    if (!floe_kind_is_integer(source)) {
        return false;
    }
    int64_t first = low != NULL && floe_kind_is_integer(low->type.kind) ? low->as.integer : INT64_MIN;
    int64_t last = high != NULL && floe_kind_is_integer(high->type.kind) ? high->as.integer : INT64_MAX;
    bool as_int = first <= INT32_MAX && last > (int64_t)INT32_MAX - width + 1;
    return as_int || last > INT64_MAX - width + 1;
}

static floe_range truncate_range(const floe_ice_type *source, int32_t width, const floe_value *low,
                                 const floe_value *high) {
    floe_range range = floe_range_unknown(floe_ice_type_to_floe(source));
    floe_value value;
    if (may_have_wrapped(floe_ice_type_to_floe(source).kind, width, low, high)) {
        return range;
    }
    if (low != NULL && coerce(low, source, &value)) {
        set_lower(&range, value);
    }
    if (high != NULL && coerce(high, source, &value)) {
        truncate_upper(&range, value, width);
    }
    return range;
}

/* ---- bucket ---- */

int32_t floe_transform_bucket(const floe_ice_type *source, const floe_value *value, int32_t count) {
    floe_value own;
    uint32_t hash = 0;
    if (!coerce(value, source, &own)) {
        return -1;
    }
    switch (own.type.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
        hash = floe_ice_murmur3_i64(own.as.integer);
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        hash = floe_ice_murmur3(own.as.bytes.ptr, own.as.bytes.len);
        break;
    case FLOE_KIND_DECIMAL:
        hash = floe_ice_murmur3_decimal(own.as.decimal);
        break;
    default:
        return -1;
    }
    return (int32_t)((hash & INT32_MAX) % (uint32_t)count);
}

static floe_range bucket_range(const floe_ice_partition_field *field, const floe_ice_type *source,
                               const floe_value *low, const floe_value *high) {
    floe_range range = floe_range_unknown(floe_ice_type_to_floe(source));
    bool known = low != NULL && high != NULL && floe_kind_is_integer(low->type.kind) &&
                 floe_kind_is_integer(high->type.kind) && low->as.integer >= 0 && high->as.integer <= INT32_MAX;
    if (known) {
        range.bucket_count = field->argument;
        range.bucket_low = (int32_t)low->as.integer;
        range.bucket_high = (int32_t)high->as.integer;
    }
    return range;
}

floe_range floe_transform_range(const floe_ice_partition_field *field, const floe_ice_type *source,
                                const floe_value *low, const floe_value *high) {
    switch (field->transform) {
    case FLOE_TRANSFORM_IDENTITY:
        return identity_range(source, low, high);
    case FLOE_TRANSFORM_YEAR:
    case FLOE_TRANSFORM_MONTH:
    case FLOE_TRANSFORM_DAY:
    case FLOE_TRANSFORM_HOUR:
        return time_range(field->transform, floe_ice_type_to_floe(source), low, high);
    case FLOE_TRANSFORM_TRUNCATE:
        return truncate_range(source, field->argument, low, high);
    case FLOE_TRANSFORM_BUCKET:
        return bucket_range(field, source, low, high);
    default:
        return floe_range_unknown(floe_ice_type_to_floe(source));
    }
}
