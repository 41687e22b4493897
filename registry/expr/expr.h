/*
 * The expression language of `where`, `--where` and request features: floe parses and evaluates it itself, alike offline and
 * online. docs/expressions.md is its reference.
 *
 * Tightest first: unary -; * / %; + -; comparison, IN, BETWEEN, LIKE, IS [NOT] NULL; NOT; AND; OR; and CASE and functions.
 * Names are exact and "…" quotes them; text is in '…'; DATE '…', TIMESTAMP '…' and TIMESTAMPTZ '…' are time literals.
 * Null in, null out, except three-valued AND/OR, IS, CASE, if, coalesce, least, greatest; a row passes `where` only when
 * TRUE. Integers compute in int64, mixed with decimal exactly, with float in double; `/` is double; `%` has the dividend's
 * sign; division by zero, overflow and arguments outside a function's domain are null: also a double that is not finite
 * although all its arguments are. Text compares by bytes; text with a number is refused. NaN equals NaN and is larger than
 * every number. What the language does not know is INVALID with the position.
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
    FLOE_EXPR_OR,
    FLOE_EXPR_BETWEEN, /* args[0] >= args[1] AND args[0] <= args[2] */
    FLOE_EXPR_NEG,     /* -args[0] */
    FLOE_EXPR_ADD,
    FLOE_EXPR_SUB,
    FLOE_EXPR_MUL,
    FLOE_EXPR_DIV,
    FLOE_EXPR_MOD,
    FLOE_EXPR_CASE,   /* condition, value, …, and last the value otherwise */
    FLOE_EXPR_SWITCH, /* what is looked at, then text, value, …, and last the value otherwise */
    FLOE_EXPR_CALL    /* a function of the arguments */
} floe_expr_op; /* BETWEEN of a column or a value becomes AND of GE and LE; NOT IN, NOT LIKE, IS NOT NULL become NOT. */

typedef enum floe_expr_function {
    FLOE_CALL_IF,
    FLOE_CALL_COALESCE,
    FLOE_CALL_LN,
    FLOE_CALL_LOG10,
    FLOE_CALL_EXP,
    FLOE_CALL_SQRT,
    FLOE_CALL_ABS,
    FLOE_CALL_FLOOR,
    FLOE_CALL_CEIL,
    FLOE_CALL_ROUND,
    FLOE_CALL_LEAST,
    FLOE_CALL_GREATEST,
    FLOE_CALL_CLIP,
    FLOE_CALL_BUCKETIZE, /* args[0], then the bounds */
    FLOE_CALL_LOWER,
    FLOE_CALL_UPPER,
    FLOE_CALL_LENGTH,
    FLOE_CALL_SUBSTR,
    FLOE_CALL_CONCAT,
    FLOE_CALL_CAST, /* to the node's type */
    FLOE_CALL_HASH,
    FLOE_CALL_YEAR,
    FLOE_CALL_MONTH,
    FLOE_CALL_DAY,
    FLOE_CALL_HOUR,
    FLOE_CALL_MINUTE,
    FLOE_CALL_DAY_OF_WEEK,
    FLOE_CALL_END
} floe_expr_function;

typedef struct floe_expr floe_expr;
struct floe_expr {
    floe_expr_op op;
    uint32_t at;             /* the character of the text where it stands, from 1, for messages */
    floe_type type;          /* of the result; NONE until floe_expr_bind (an untyped NULL literal stays NONE) */
    floe_expr_function call; /* CALL */
    floe_value literal;      /* LITERAL; bind converts it to the type of the other side where that is exact */
    floe_str column;         /* COLUMN: its name */
    uint32_t column_index;   /* COLUMN: set by bind */
    floe_expr *const *args;
    uint32_t arg_count;
};

/* Parses the whole text. Owns: the tree lies in the arena and borrows from `text`. Errors: INVALID with the position
 * (character n) and what was expected; UNSUPPORTED naming the construct; LIMIT (length, depth). */
floe_status floe_expr_parse(floe_arena *arena, floe_str text, floe_expr **ret_expr, floe_error *err);

/* The same for what floe_expr_print wrote, which may be longer and deeper than what people write. */
floe_status floe_expr_parse_printed(floe_arena *arena, floe_str text, floe_expr **ret_expr, floe_error *err);

/* Resolves columns against `columns` and types the tree; subtrees of constants become one. Errors: NOT_FOUND naming the
 * column and the nearest one; INVALID naming what has no meaning, as both sides of a comparison of text and number. */
floe_status floe_expr_bind_value(floe_expr *expr, floe_arena *arena, const floe_column *columns, size_t column_count,
                                 floe_error *err);

/* The same for a filter, which must come out bool. */
floe_status floe_expr_bind(floe_expr *expr, floe_arena *arena, const floe_column *columns, size_t column_count,
                           floe_error *err);

/* Whether evaluating makes new text, and so needs a scratch arena. */
bool floe_expr_makes_text(const floe_expr *expr);

/* Evaluates a bound tree over one row (`row[i]` is the value of columns[i] of bind). Result: a value of the tree's type, or
 * null. Owns: text may lie in `scratch` or be borrowed from the row; scratch may be NULL where no text is made. Does not fail;
 * when scratch is full the result is null, and floe_arena_check says so. */
floe_value floe_expr_eval(const floe_expr *expr, const floe_value *row, floe_arena *scratch);

/* Whether a bound filter lets the row pass (only TRUE does). */
bool floe_expr_passes(const floe_expr *expr, const floe_value *row, floe_arena *scratch);

/* A value as another type, as cast() does: null where it does not fit. The pair of types must be castable. */
floe_value floe_expr_cast(const floe_value *value, floe_type type, floe_arena *scratch);
bool floe_expr_castable(floe_type from, floe_type to);

/* The tree as text that parses to it again: every operation in parentheses, every name quoted. Columns by their names, or
 * (by_index) as "c0", "c1" … by their places. Reading it back needs floe_expr_parse_printed. */
void floe_expr_print(const floe_expr *expr, bool by_index, floe_buf *out);

/* A decimal as the nearest double. */
double floe_expr_decimal_real(__int128 unscaled, uint8_t scale);

/* The names of all columns the tree uses, once each, in order of first use. */
void floe_expr_columns(const floe_expr *expr, floe_arena *arena, floe_str **ret_names, size_t *ret_count);

#endif
