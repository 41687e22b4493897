/*
 * What questions to an LLM and their contexts share: the verified questions of the registry, the checker of SQL that
 * cli wires in, and two threads of their own for asking, so that an endpoint that takes its time holds up no search.
 */
#ifndef FLOE_API_ASKER_INT_H
#define FLOE_API_ASKER_INT_H

#include "api/http_int.h"
#include "core/pool.h"
#include "vector/vector.h"

#include <stdatomic.h>

typedef struct floe_asker floe_asker;

/* `project` and `check` (NULL: none was wired in) must live as long. Reads nothing yet. */
floe_status floe_asker_open(const floe_project *project, const floe_sql_check *check, floe_asker **ret_asker,
                            floe_error *err);
/* The server stops: what is being asked ends within a second. Thread: any. */
void floe_asker_cancel(floe_asker *asker);
/* Ends the threads. NULL-safe. */
void floe_asker_close(floe_asker **asker);

/* The verified questions, at most half a second old; they stay until they are released. Rule: what cannot be read
 * leaves those that were read last. *ret_held NULL: there are none. Errors: those of the registry, when nothing was
 * ever read. Thread: any. */
typedef struct floe_held_questions floe_held_questions;
floe_status floe_asker_hold(floe_asker *asker, floe_held_questions **ret_held, floe_error *err);
const floe_verified *floe_held_set(const floe_held_questions *held); /* NULL-safe */
void floe_asker_release(floe_held_questions **held);

/* NULL without `ask:`. */
floe_pool *floe_asker_pool(floe_asker *asker);
const floe_sql_check *floe_asker_check(const floe_asker *asker);
const atomic_bool *floe_asker_cancelled(const floe_asker *asker);

/* The body of a context or of a question: {"question","tokens"?,"in"?}. `route` is for messages. Owns: borrows from the
 * request. Errors: INVALID naming the member, LIMIT. */
floe_status floe_question_body(floe_http_request *request, const char *route, floe_context_request *ret_request,
                               floe_error *err);

#endif
