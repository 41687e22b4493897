/*
 * Personal data: which columns hold it, so that their values never enter an index and are masked wherever a schema is shown.
 *
 * A column is personal when it is tagged so, or when its values or its name say so. A tag is a word among the tags of a
 * feature, of a source (then of all its table's columns) or of an imported column, or in square brackets in a description:
 * "personal" or "pii" marks, "not-personal" takes back what the detector found. What is detected: e-mail addresses, phone
 * numbers, payment cards (by their check digit) and national ids (each by its own rule), in the values a column was sampled
 * with, or by the column's name where there are no values to judge by. A column's verdict is kept in its unit
 * (floe_part.personal): the values it was made from are gone by then.
 *
 * What the detector gets wrong is measured on tests/vector/personal.tsv, and stated in docs/access.md.
 */
#ifndef FLOE_VECTOR_PERSONAL_H
#define FLOE_VECTOR_PERSONAL_H

#include "core/buf.h"
#include "core/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Written to disk: never reuse a number. */
typedef enum floe_personal {
    FLOE_PERSONAL_NO = 0,
    FLOE_PERSONAL_TAGGED = 1,
    FLOE_PERSONAL_EMAIL = 2,
    FLOE_PERSONAL_PHONE = 3,
    FLOE_PERSONAL_CARD = 4,
    FLOE_PERSONAL_NATIONAL_ID = 5,
    FLOE_PERSONAL_COUNT
} floe_personal;

/* What a column is judged by; all of it is borrowed, and every part may be empty. */
typedef struct floe_personal_column {
    floe_str name, type, description;
    const floe_str *tags;
    size_t tag_count;
    const floe_str *samples;
    size_t sample_count;
} floe_personal_column;

/* Rule: a tag decides; else the kind that most of the values are of; else, without values, what the name says. Thread: any.
 * Cost: linear in the bytes of the samples. */
floe_personal floe_personal_judge(const floe_personal_column *column);
bool floe_column_is_personal(const floe_personal_column *column);

/* Whether a value of a column that is not personal may be kept: not one that is personal by itself, such as one address among
 * names of queues, unless a tag says that the column is not. */
bool floe_column_may_show(const floe_personal_column *column, floe_str value);

/* "no", "tagged", "e-mail", "phone", "card", "national id". */
const char *floe_personal_name(floe_personal kind);

/* What one value is by itself, without a column around it: the detector's rules for values. */
floe_personal floe_personal_value(floe_str value);

/* Writes a text, or SQL, with "<e-mail>", "<card>" … in the place of what is personal by itself: of SQL in literals and comments, so that it
 * stays SQL. Nothing else is changed. Thread: any. Cost: linear. */
void floe_personal_mask_text(floe_str text, floe_buf *out);
void floe_personal_mask_sql(floe_str sql, floe_buf *out);

#endif
