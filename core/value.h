/*
 * The types a feature can have, and one value of such a type.
 *
 * Types: bool int32 int64 float double string bytes date timestamp decimal(p,s), and lists of them. Units: a date is
 * days since 1970-01-01, a timestamp microseconds since 1970-01-01T00:00:00 UTC. A value borrows its bytes and items;
 * whoever made it says who owns them (usually an arena).
 */
#ifndef FLOE_CORE_VALUE_H
#define FLOE_CORE_VALUE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

typedef enum floe_kind {
    FLOE_KIND_NONE = 0,
    FLOE_KIND_BOOL = 1,
    FLOE_KIND_INT32 = 2,
    FLOE_KIND_INT64 = 3,
    FLOE_KIND_FLOAT = 4,
    FLOE_KIND_DOUBLE = 5,
    FLOE_KIND_STRING = 6,
    FLOE_KIND_BYTES = 7,
    FLOE_KIND_DATE = 8,
    FLOE_KIND_TIMESTAMP = 9,
    FLOE_KIND_DECIMAL = 10,
    FLOE_KIND_LIST = 11
} floe_kind; /* The numbers are written to disk and wire: never reuse one. */

typedef struct floe_type {
    floe_kind kind;
    floe_kind element; /* of a list; else NONE */
    uint8_t precision; /* of a decimal or a list of them: 1…38 */
    uint8_t scale;     /* 0…precision */
} floe_type;

typedef struct floe_value {
    floe_type type; /* NONE for an untyped null */
    bool is_null;
    union {
        bool boolean;
        int64_t integer;  /* int32, int64, date (days), timestamp (µs) */
        double real;      /* float (exactly representable) and double */
        floe_str bytes;   /* string, bytes */
        __int128 decimal; /* unscaled */
        struct {
            const struct floe_value *items;
            size_t count;
        } list;
    } as;
} floe_value;

bool floe_type_equal(floe_type a, floe_type b);
/* Whether every value of `from` is one of `to`, so that keys of both meet: types that are equal, int32 in int64, and decimals with no
 * more digits before the point and behind it. */
bool floe_type_widens(floe_type from, floe_type to);

/* A table's timestamps in nanoseconds: no type of values, of which nothing can be made, but the times of a source may be such and are
 * rounded up to microseconds. Zoned ones are told apart by the precision: the engine reads only their microseconds. */
static inline floe_type floe_type_nanoseconds(bool zoned) {
    return (floe_type){.kind = FLOE_KIND_NONE, .precision = zoned, .scale = 9};
}
static inline bool floe_type_is_nanoseconds(floe_type type) {
    return type.kind == FLOE_KIND_NONE && type.scale == 9;
}
static inline bool floe_kind_is_integer(floe_kind kind) {
    return kind == FLOE_KIND_INT32 || kind == FLOE_KIND_INT64;
}
static inline bool floe_kind_is_number(floe_kind kind) {
    return floe_kind_is_integer(kind) || kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE ||
           kind == FLOE_KIND_DECIMAL;
}

/* "int64", "decimal(10,2)", "list<string>" → type. Errors: INVALID, naming the nearest known type. */
floe_status floe_type_parse(floe_str text, floe_type *ret_type, floe_error *err);

/* The type's name into buf, as floe_type_parse reads it. */
#define FLOE_TYPE_NAME_MAX 48
const char *floe_type_name(floe_type type, char buf[FLOE_TYPE_NAME_MAX]);

static inline floe_value floe_value_null(floe_type type) {
    return (floe_value){.type = type, .is_null = true};
}
static inline floe_value floe_value_int64(int64_t integer) {
    return (floe_value){.type = {.kind = FLOE_KIND_INT64}, .as.integer = integer};
}
static inline floe_value floe_value_double(double real) {
    return (floe_value){.type = {.kind = FLOE_KIND_DOUBLE}, .as.real = real};
}
static inline floe_value floe_value_string(floe_str text) {
    return (floe_value){.type = {.kind = FLOE_KIND_STRING}, .as.bytes = text};
}
static inline floe_value floe_value_timestamp(int64_t micros) {
    return (floe_value){.type = {.kind = FLOE_KIND_TIMESTAMP}, .as.integer = micros};
}

/* 10^digits, of at most 38 digits, which fits 127 bits. */
__int128 floe_power_of_ten(unsigned digits);

/* The value in a type that its own widens to: the same number. Nulls become nulls of that type. */
floe_value floe_value_widen(floe_value value, floe_type type);

/* Total order within one kind: nulls first, NaN equal to NaN and above every number, -0.0 equal to 0.0, text and bytes
 * by byte. Both must be of one type (ints of both widths and floats of both widths compare with each other). */
int floe_value_compare(const floe_value *a, const floe_value *b);

/* Text → value of the type, as a person types it: RFC 3339 times, plain decimal numbers, true/false in any case, base64
 * bytes with padding, lists as JSON arrays. The reverse of floe_value_print for all but nulls.
 * Owns: string bytes are borrowed from text; bytes are decoded into the arena. Errors: INVALID, naming text and type. */
floe_status floe_value_parse(floe_str text, floe_type type, floe_arena *arena, floe_value *ret_value, floe_error *err);

/* A node of a JSON or YAML document → value of the type, by the rule of floe_value_print_json: null is null, numbers for
 * numbers (whole ones for integers), text for string, bytes, date, timestamp and decimal, "NaN" and the infinities for
 * floats; a decimal may also be a whole number. Owns: string bytes are borrowed from the node. Errors: INVALID. */
struct floe_node;
floe_status floe_value_from_node(const struct floe_node *node, floe_type type, floe_arena *arena, floe_value *ret_value,
                                 floe_error *err);

/* The value as a person reads it (CSV and tables): null is empty. Decimals keep their scale; doubles in the shortest
 * form that reads back; times RFC 3339 with Z; bytes base64; lists as JSON arrays. */
void floe_value_print(const floe_value *value, floe_buf *out);

/* The value as JSON, by the rule of the REST answers: int64 exact numbers, decimals as strings, bytes base64, dates and
 * timestamps RFC 3339, NaN and infinities as "NaN", "Infinity", "-Infinity". */
void floe_value_print_json(const floe_value *value, floe_buf *out);

/* Decimal helpers: text with at most `scale` fraction digits → unscaled, and back. */
floe_status floe_decimal_parse(floe_str text, uint8_t precision, uint8_t scale, __int128 *ret_unscaled,
                               floe_error *err);
void floe_decimal_print(__int128 unscaled, uint8_t scale, floe_buf *out);

#endif
