/*
 * What the files of the detector share: one rule per kind of value, and what names say.
 */
#ifndef FLOE_VECTOR_PERSONAL_INT_H
#define FLOE_VECTOR_PERSONAL_INT_H

#include "vector/personal/personal.h"

/* Letters (upper case) and digits of a value that consists of them and of the separators ' ', '-', '.', '/'. */
#define FLOE_COMPACT_MAX 40
typedef struct floe_compact {
    char text[FLOE_COMPACT_MAX + 1];
    size_t len;
    bool all_digits;
} floe_compact;

static inline bool floe_is_digit(char c) {
    return c >= '0' && c <= '9';
}
static inline bool floe_is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* False when the value has another character, is too long, or has none. */
bool floe_compact_read(floe_str value, floe_compact *ret_compact);
/* Whether the text has the shape: 'A' a letter, '9' a digit, 'X' either, all else itself. */
bool floe_has_shape(floe_str text, const char *shape);
/* ISO/IEC 7812-1 annex B. */
bool floe_is_luhn(const char *digits, size_t len);

/* id.c: national and bank identifiers, each by its shape and check digits. */
bool floe_is_national_id(floe_str value);

/* prose.c, mask.c: pieces of what is masked. */
static inline floe_str floe_personal_part(floe_str text, size_t from, size_t to) {
    return (floe_str){text.ptr + from, to - from};
}
static inline bool floe_personal_is_in(char c, const char *set) {
    return c != '\0' && strchr(set, c) != NULL;
}
static inline void floe_personal_put_kind(floe_buf *out, floe_personal kind) {
    floe_buf_printf(out, "<%s>", floe_personal_name(kind));
}
/* Without what stands around a word, or around a pattern. */
floe_str floe_personal_bare(floe_str word);

/* name.c: what a column's name says, without a look at values. */
floe_personal floe_personal_of_name(floe_str name);

#endif
