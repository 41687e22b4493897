/*
 * Answers as Arrow arrays, a column at a time, out of sheets.
 */
#ifndef FLOE_OFFLINE_PIT_ANSWERS_COLUMNAR_H
#define FLOE_OFFLINE_PIT_ANSWERS_COLUMNAR_H

#include "offline/pit/question/question.h"

/* Where the answers of one column lie. */
typedef struct pit_answers {
    floe_str name;
    floe_type type;
    const pit_sheet *sheet;
    size_t group, view; /* of the group */
    size_t output;      /* of the view */
    pit_spot spot;
    const pit_symbols *symbols; /* of texts and bytes */
} pit_answers;

/* Where the answers of a reference lie. */
void floe_pit_answers_find(const floe_pit *pit, const floe_ref *ref, const floe_column *column,
                           pit_answers *ret_answers);
/* The same by its group, view and output. */
typedef struct pit_asked {
    const pit_group *group;
    const pit_view *view;
    size_t output;
} pit_asked;
pit_asked floe_pit_asked_of(const floe_pit *pit, const floe_ref *ref);

/* Whether columns of this type are made here. */
bool floe_pit_columnar_takes(floe_type type);
/* Labels [first, first + count) of all columns as one batch, by up to so many threads where there is enough to do. Owns: the
 * caller releases it. Errors: INVALID for a number that does not fit its type, LIMIT for more than 2 GiB of text in a batch,
 * NOMEM. Thread: several at a time. */
floe_status floe_pit_columnar_batch(const pit_answers *columns, size_t column_count, size_t first, size_t count,
                                    int threads, struct ArrowArray *ret_batch, floe_error *err);

#endif
