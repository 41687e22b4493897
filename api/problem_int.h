/* Errors as the client reads them: application/problem+json (RFC 9457) with floe's stable code. */
#ifndef FLOE_API_PROBLEM_INT_H
#define FLOE_API_PROBLEM_INT_H

#include "api/http_int.h"

/* Answers with what the code's row in core/error.c says; failures of ours are also logged. */
void floe_problem_answer(floe_http_request *request, const floe_error *err);
/* Answers with an HTTP status that no code stands for. */
void floe_problem_answer_as(floe_http_request *request, int status, floe_code code, const char *detail);

#endif
