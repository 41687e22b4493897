/*
 * Answers as Arrow arrays, a column at a time: most are numbers that lie beside one another already.
 */
#ifndef FLOE_OFFLINE_PIT_COLUMNAR_H
#define FLOE_OFFLINE_PIT_COLUMNAR_H

#include "offline/pit/pit_int.h"

/* Where the answers of one column lie, by the place of each label: as numbers in `direct` (of int64, double or decimal), or as rows of a
 * column of the group. */
typedef struct pit_answers {
    floe_str name;
    floe_type type;
    const uint32_t *places; /* per label */
    const uint8_t *is_null; /* NULL: none but by the row */
    const void *direct;     /* NULL: by row */
    const uint32_t *rows;   /* PIT_NO_ROW: null */
    const pit_column *column;
    bool any_of_equals; /* -0.0 is 0.0, and NaN is one value: which of equal ones it was must not show */
} pit_answers;

/* Whether columns of this type are made here. */
bool floe_pit_columnar_takes(floe_type type);
/* Labels [first, first + count) of all columns as one batch, by up to so many threads where there is enough to do. Owns: the caller releases it. Errors: INVALID for a number that
 * does not fit its type, LIMIT for more than 2 GiB of text in a batch, NOMEM. */
floe_status floe_pit_columnar_batch(const pit_answers *columns, size_t column_count, size_t first, size_t count,
                                    int threads, struct ArrowArray *ret_batch, floe_error *err);

#endif
