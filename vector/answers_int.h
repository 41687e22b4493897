/*
 * Answers that were given: a handle keeps a few, because people and agents ask again.
 *
 * An index is immutable, so an answer stays right as long as its handle lives; what a role sees is kept with the role's sight.
 */
#ifndef FLOE_VECTOR_ANSWERS_INT_H
#define FLOE_VECTOR_ANSWERS_INT_H

#include "vector/vector.h"

#define FLOE_ANSWERS_KEPT 128
/* Larger answers are not kept. */
#define FLOE_ANSWER_BYTES_MAX FLOE_MIB(1)

typedef struct floe_answers floe_answers;

/* Never fails: NULL keeps nothing. */
floe_answers *floe_answers_open(void);
void floe_answers_close(floe_answers **answers);
/* A kept answer to the same question, copied into the arena; false when there is none. */
bool floe_answers_get(const floe_answers *answers, const floe_query *query, floe_arena *arena, floe_answer *ret_answer);
/* Keeps a copy in the place of another. */
void floe_answers_put(floe_answers *answers, const floe_query *query, const floe_answer *answer);

#endif
