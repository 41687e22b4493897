/*
 * Single values as little-endian bytes; shared by the key and the row codec.
 */
#ifndef FLOE_PROTO_VALUE_INT_H
#define FLOE_PROTO_VALUE_INT_H

#include "core/buf.h"
#include "core/value.h"

/* Bytes of a fixed-width value of the kind; 0: of variable length (string, bytes, list) or no kind at all. */
size_t floe_proto_width(floe_kind kind);

/* Whether the four bytes of a type mean something: a known kind, an element exactly for lists, decimal digits in
 * range. */
bool floe_proto_type_valid(floe_type type);

/* Appends a fixed-width value that is not null. Errors: INVALID for an int32 or date outside 32 bits. */
floe_status floe_proto_put_fixed(const floe_value *value, floe_buf *out, floe_error *err);

/* Reads a fixed-width value from exactly floe_proto_width bytes. Errors: CORRUPT for a bool other than 0 and 1 and a
 * decimal with more digits than its type. */
floe_status floe_proto_get_fixed(const uint8_t *bytes, floe_type type, floe_value *ret_value, floe_error *err);

/* Whether |unscaled| < 10^precision. */
bool floe_proto_decimal_fits(__int128 unscaled, uint8_t precision);

/* A type as four bytes: kind, element, precision, scale. */
#define FLOE_PROTO_TYPE_BYTES 4
void floe_proto_put_type(floe_type type, floe_buf *out);
floe_status floe_proto_get_type(floe_reader *reader, floe_type *ret_type, const char *what, floe_error *err);

#endif
