/*
 * Types as catalogs write them, written as the SQL engine's: "list<long>" is BIGINT[].
 *
 * The nesting is read here, once; which plain words there are is the caller's table. Nothing of a type's text comes out
 * but digits, and names of a struct's members, quoted by the caller: so whatever a catalog holds, it cannot become SQL.
 * Source: Iceberg's table spec, Appendix C, for how types are written.
 */
#ifndef FLOE_CORE_TYPE_SQL_H
#define FLOE_CORE_TYPE_SQL_H

#include "core/buf.h"

typedef struct floe_type_word {
    const char *word, *sql; /* `word` in lower case; it is found in any */
} floe_type_word;

typedef struct floe_type_words {
    const floe_type_word *words; /* plain types; decimals, fixed and nested ones are known */
    size_t count;
    /* NULL: types are Iceberg's alone, whole and right. Else what a word that is not known stands for; then `numeric`
     * and `array` are words too, a decimal that cannot be is a DOUBLE, and what follows a type is left unread. */
    const char *other;
    void (*put_name)(floe_buf *out, floe_str name); /* quotes the name of a member */
} floe_type_words;

/* Appends the type. False, and nothing appended, for a text that is none, nests deeper than 16 types, or is longer than
 * a megabyte as SQL. Thread: any. */
bool floe_type_write_sql(floe_buf *out, floe_str type, const floe_type_words *words);

#endif
