/*
 * Borrowed text: a pointer and a length, never owned, not terminated. Bytes are UTF-8 unless said otherwise.
 */
#ifndef FLOE_CORE_STR_H
#define FLOE_CORE_STR_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct floe_str {
    const char *ptr;
    size_t len; /* bytes */
} floe_str;

/* For printf: "%.*s", FLOE_STR_ARG(s). */
#define FLOE_STR_ARG(s) (int)((s).len > 65535 ? 65535 : (s).len), ((s).ptr ? (s).ptr : "")
/* The same for messages that quote what somebody else wrote: at most 120 bytes of it. */
#define FLOE_STR_BRIEF(s) (int)((s).len > 120 ? 120 : (s).len), ((s).ptr ? (s).ptr : "")
/* A string literal as a floe_str. */
#define FLOE_STR(literal) ((floe_str){(literal), sizeof(literal) - 1})

static inline floe_str floe_str_of(const char *text) {
    return (floe_str){text, text ? strlen(text) : 0};
}

static inline bool floe_str_equal(floe_str a, floe_str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool floe_str_is(floe_str a, const char *text) {
    return floe_str_equal(a, floe_str_of(text));
}

/* Byte order, shorter first on a common prefix. Returns <0, 0, >0. */
int floe_str_compare(floe_str a, floe_str b);

/* Whether text is `lower` (lower-case ASCII) in any case. */
bool floe_str_is_nocase(floe_str text, const char *lower);

bool floe_str_starts_with(floe_str text, floe_str prefix);
bool floe_str_ends_with(floe_str text, floe_str suffix);
/* The same in any case: `lower` is lower-case ASCII, as the ending of a file's name. */
bool floe_str_ends_nocase(floe_str text, const char *lower);

/* ASCII white space off both ends. */
floe_str floe_str_trim(floe_str text);

/* Cuts the text at the first `separator`: *ret_head gets what is before it, *rest what is after. Returns false when
 * *rest is exhausted. Usage: while (floe_str_split(&rest, ',', &head)) … ; "a,,b" gives "a", "", "b"; "" gives none. */
bool floe_str_split(floe_str *rest, char separator, floe_str *ret_head);

/* Whether the bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool floe_str_is_utf8(floe_str text);

/* The length (1…4) of the well-formed UTF-8 sequence that `text` starts with, or 0. */
size_t floe_utf8_sequence(floe_str text);

/* Whole-text decimal number. A double may also be NaN, Infinity or inf, in any case and signed; a finite number that no
 * double is near (1e999) is refused. Errors: INVALID, naming the text. */
floe_status floe_str_to_i64(floe_str text, int64_t *ret_value, floe_error *err);
floe_status floe_str_to_f64(floe_str text, double *ret_value, floe_error *err);
/* The nearest float, rounded once. */
floe_status floe_str_to_f32(floe_str text, float *ret_value, floe_error *err);

/* Whether one of the names is this one. */
bool floe_str_is_among(floe_str name, const floe_str *names, size_t count);

/* Levenshtein distance over bytes, at most `limit` + 1; for "did you mean". Texts over 255 bytes count as too far. */
unsigned floe_str_distance(floe_str a, floe_str b, unsigned limit);

/* The candidate nearest to `word`, or NULL when none is near enough (distance ≤ 1 + len / 4). */
const char *floe_str_nearest(floe_str word, const char *const *candidates, size_t count);
/* The end of every message about a word that is not known, as three arguments of "%s%s%s": "; did you mean NEAREST?", nothing
 * for NULL. */
#define FLOE_HINT(nearest) (nearest) ? "; did you mean " : "", (nearest) ? (nearest) : "", (nearest) ? "?" : ""

#endif
