/*
 * The case table of the expression language: one row of values, and a file of `expression => type value` lines that the C
 * evaluator and the generated SQL both run. Rows of docs/expressions.md that say `expression` | `type value` are cases as well.
 */
#ifndef FLOE_TESTS_SUPPORT_EXPR_CASES_H
#define FLOE_TESTS_SUPPORT_EXPR_CASES_H

#include "core/arrow.h"
#include "core/value.h"

enum { EXPR_COLUMNS = 22 };
extern const floe_column expr_columns[EXPR_COLUMNS];
/* The one row; the values live for ever. */
void expr_row(floe_value row[EXPR_COLUMNS]);

typedef struct expr_case {
    int line;
    const char *text, *type, *value; /* value "null": null */
} expr_case;

/* Reads the cases of one file of the source tree, or of an absolute path. Owns: the arena. */
const expr_case *expr_cases_read(floe_arena *arena, const char *file, size_t *ret_count);

/* "type value" of a result as a case writes it. Owns: the arena. */
const char *expr_result(floe_arena *arena, floe_type type, const floe_value *value);

#endif
