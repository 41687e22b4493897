/*
 * The expression language of `where` and `--where`: floe parses and evaluates it itself, alike offline and online.
 *
 * This version knows its comparison half: columns, literals, comparison, IN, BETWEEN, LIKE, IS [NOT] NULL, NOT, AND, OR,
 * unary minus on numbers. What FACE names beyond it (arithmetic, CASE, functions) parses far enough to be refused by
 * name with UNSUPPORTED; what it does not know at all is INVALID with the position. Names are exact and "…" quotes them;
 * text is in '…'; DATE '…', TIMESTAMP '…' and TIMESTAMPTZ '…' are time literals. Null in, null out, except three-valued
 * AND/OR and IS; a row passes `where` only when TRUE. Integers compare as int64, mixed with decimal exactly, with float
 * as double; text compares by bytes; text with a number is refused. NaN equals NaN and is larger than every number.
 */
#ifndef FLOE_REGISTRY_EXPR_H
#define FLOE_REGISTRY_EXPR_H

#include "core/arena.h"
#include "core/arrow.h"
#include "core/value.h"

typedef enum floe_expr_op {
    FLOE_EXPR_LITERAL,
    FLOE_EXPR_COLUMN,
    FLOE_EXPR_EQ,
    FLOE_EXPR_NE,
    FLOE_EXPR_LT,
    FLOE_EXPR_LE,
    FLOE_EXPR_GT,
    FLOE_EXPR_GE,
    FLOE_EXPR_IN,      /* args[0] IN args[1…] */
    FLOE_EXPR_LIKE,    /* args[0] LIKE args[1]: % and _, no escape */
    FLOE_EXPR_IS_NULL, /* args[0] */
    FLOE_EXPR_NOT,
    FLOE_EXPR_AND,
    FLOE_EXPR_OR
} floe_expr_op; /* BETWEEN becomes AND of GE and LE; NOT IN, NOT LIKE, IS NOT NULL become NOT. */

typedef struct floe_expr floe_expr;
struct floe_expr {
    floe_expr_op op;
    uint32_t at;           /* byte offset in the text, for messages */
    floe_type type;        /* of the result; NONE until floe_expr_bind (an untyped NULL literal stays NONE) */
    floe_value literal;    /* LITERAL; bind converts it to the type of the other side where that is exact */
    floe_str column;       /* COLUMN: its name */
    uint32_t column_index; /* COLUMN: set by bind */
    floe_expr *const *args;
    uint32_t arg_count;
};

/* Parses the whole text. Owns: the tree lies in the arena and borrows from `text`. Errors: INVALID with the position
 * (character n) and what was expected; UNSUPPORTED naming the construct; LIMIT (length, depth). */
floe_status floe_expr_parse(floe_arena *arena, floe_str text, floe_expr **ret_expr, floe_error *err);

/* Resolves columns against `columns` and types the tree; a filter must come out bool. Errors: NOT_FOUND naming the column
 * and the nearest one; INVALID naming both sides of a comparison that has no meaning. */
floe_status floe_expr_bind(floe_expr *expr, floe_arena *arena, const floe_column *columns, size_t column_count,
                           floe_error *err);

/* Evaluates a bound tree over one row (`row[i]` is the value of columns[i] of bind). Result: TRUE, FALSE or null as a
 * bool value. Does not fail and does not allocate. */
floe_value floe_expr_eval(const floe_expr *expr, const floe_value *row);

/* Whether a bound filter lets the row pass (only TRUE does). */
bool floe_expr_passes(const floe_expr *expr, const floe_value *row);

/* A decimal as the nearest double. */
double floe_expr_decimal_real(__int128 unscaled, uint8_t scale);

/* The names of all columns the tree uses, once each, in order of first use. */
void floe_expr_columns(const floe_expr *expr, floe_arena *arena, floe_str **ret_names, size_t *ret_count);

#endif
