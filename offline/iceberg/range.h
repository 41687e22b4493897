/*
 * What is known about the values of one column in one file (or one manifest): the ground that pruning stands on.
 *
 * A range only ever says what *may* be there. Unknown is the widest range; every source of knowledge (partition value,
 * bounds, counts) narrows it, and what cannot be understood narrows nothing.
 */
#ifndef FLOE_OFFLINE_ICEBERG_RANGE_H
#define FLOE_OFFLINE_ICEBERG_RANGE_H

#include "offline/iceberg/model.h"

typedef struct floe_range {
    bool maybe_null;  /* a null may be there */
    bool maybe_value; /* something that is no null may be there */
    bool maybe_nan;   /* NaN, which bounds leave out and which floe holds larger than every number */
    bool has_lower, has_upper;
    bool upper_is_prefix;    /* every value's first bytes are at most `upper`: text that was cut */
    bool exact;              /* every value that is no null equals `lower` */
    floe_value lower, upper; /* of the column's type, both inclusive */
    int32_t bucket_count;    /* 0: unknown; else the bucket of every value lies in [bucket_low, bucket_high] */
    int32_t bucket_low, bucket_high;
} floe_range;

floe_range floe_range_unknown(floe_type type);
/* Narrows *range by what `other` knows. */
void floe_range_narrow(floe_range *range, const floe_range *other);

/* A single-value serialization → a value of the column's type. False, and nothing is known, where the length fits neither
 * the type nor one that it was promoted from (int, float, date, narrower decimal), and for a NaN.
 * Source: Iceberg table spec, "Binary single-value serialization". */
bool floe_bound_decode(const floe_ice_type *type, floe_str bytes, floe_value *ret_value);
/* The same where floe_ice_type_to_floe has been asked already. */
bool floe_bound_decode_as(floe_type type, floe_str bytes, floe_value *ret_value);

/* The values that a partition field's transform may have made [low, high] from; NULL bounds are open. Both are stored
 * (transformed) values of any type that writers use. What is not understood gives the unknown range.
 * Rule: year, month, day and hour floor; old writers rounded towards zero, so values at or before 1970 reach one unit
 *       further down. void and unknown transforms say nothing. */
floe_range floe_transform_range(const floe_ice_partition_field *field, const floe_ice_type *source,
                                const floe_value *low, const floe_value *high);

/* The bucket of a value of a column of that type, or -1 where the transform does not know the type. */
int32_t floe_transform_bucket(const floe_ice_type *source, const floe_value *value, int32_t count);

#endif
