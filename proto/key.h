/*
 * Entity keys as bytes: what a store's rows are found by.
 *
 * The bytes say how many keys there are and of each its type and length, so that no two different keys share bytes:
 * ("a","bc") and ("ab","c") differ, and so do the integer 1 and the text "1". Keys are written in the order of the
 * entity's definition; another order is another key. The exact bytes stand in proto/FORMATS.md (entity key, format 1).
 * The order of the bytes means nothing. Thread: any.
 */
#ifndef FLOE_PROTO_KEY_H
#define FLOE_PROTO_KEY_H

#include "core/arrow.h"
#include "core/buf.h"
#include "core/value.h"

#define FLOE_KEY_FORMAT 1

/* Whether values of the type may identify an entity: bool, integers, string, bytes, date, timestamp, decimal. Floats and
 * lists may not: equality of floats is no identity. */
bool floe_key_type_allowed(floe_type type);

/* How many bytes floe_key_encode makes of values of allowed types, none null, however many that are. */
size_t floe_key_bytes(const floe_value *values, size_t count);

/* Whether an entity with these values (1…FLOE_LIMIT_ENTITY_KEYS of them, of allowed types, none null) takes at most
 * FLOE_LIMIT_KEY_BYTES as bytes: the one limit for everything that names an entity, online and offline. Errors: LIMIT
 * naming the longest key by its name and its first bytes, and what to do. */
floe_status floe_key_check(const floe_column *keys, const floe_value *values, size_t count, floe_error *err);

/* Appends the bytes of `count` keys (1…FLOE_LIMIT_ENTITY_KEYS) to `out`; on failure what was appended is undefined.
 * Errors: INVALID for a null key, a type that is not allowed or an integer outside its type; LIMIT past
 * FLOE_LIMIT_KEY_BYTES. */
floe_status floe_key_encode(const floe_value *keys, size_t count, floe_buf *out, floe_error *err);

/* Bytes → keys in the arena; text borrows from `bytes`. Errors: CORRUPT for anything floe_key_encode does not write;
 * UNSUPPORTED for another format version. */
floe_status floe_key_decode(floe_str bytes, floe_arena *arena, floe_value **ret_keys, size_t *ret_count,
                            floe_error *err);

#endif
