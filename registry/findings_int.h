/*
 * Private to registry: everything that is wrong with the definitions, collected so that one run names it all.
 */
#ifndef FLOE_REGISTRY_FINDINGS_INT_H
#define FLOE_REGISTRY_FINDINGS_INT_H

#include "registry/model.h"

typedef struct floe_finding {
    floe_code code;
    floe_pos pos;
    size_t number; /* order of discovery, for equal positions */
    const char *text;
} floe_finding;

typedef struct floe_findings {
    floe_arena *arena;
    floe_finding *items;
    size_t count;
    size_t capacity;
    size_t uncounted; /* found after the list was full */
} floe_findings;

/* Adds one finding; line breaks in it become spaces, and it is cut at a few hundred bytes. */
void floe_findings_add(floe_findings *findings, floe_code code, floe_pos pos, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a failed call's error as a finding, prefixed by `what` (NULL: as it is), and clears it. Errors: what is no
 * finding about the definitions (NOMEM, CANCELLED) is passed on. */
floe_status floe_findings_take(floe_findings *findings, floe_pos pos, const char *what, floe_error *error,
                               floe_error *err);

/* OK when nothing was found. Else the code of the first in file order, and its message: one line each, the first 10 as
 * far as they fit, then how many more. Errors: also NOMEM and LIMIT of the arena. */
floe_status floe_findings_report(floe_findings *findings, floe_error *err);

#endif
