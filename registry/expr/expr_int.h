/*
 * Private to the expression files: tokens, and how a place in the text is named.
 */
#ifndef FLOE_REGISTRY_EXPR_INT_H
#define FLOE_REGISTRY_EXPR_INT_H

#include "registry/expr/expr.h"

typedef enum floe_token_kind {
    FLOE_TOKEN_END,
    FLOE_TOKEN_NAME,   /* as written; may be a keyword */
    FLOE_TOKEN_QUOTED, /* "…": a column's name without its quotes */
    FLOE_TOKEN_TEXT,   /* '…': without its quotes */
    FLOE_TOKEN_NUMBER, /* as written, without a sign */
    FLOE_TOKEN_SYMBOL  /* as written */
} floe_token_kind;

typedef struct floe_token {
    floe_token_kind kind;
    floe_str text;
    uint32_t at; /* byte offset */
} floe_token;

/* The whole text as tokens, the last one END. Quoted forms with doubled quotes are copied into the arena. Errors:
 * INVALID with the position. */
floe_status floe_expr_lex(floe_arena *arena, floe_str text, size_t len_max, const floe_token **ret_tokens,
                          floe_error *err);

/* The 1-based number of the character at a byte offset. */
size_t floe_expr_position(floe_str text, size_t at);

/* Whether two words are the same but for ASCII case. */
bool floe_expr_same_word(floe_str a, const char *b);

/* A number as written → int64, decimal(p,s) or (with an exponent) double. Errors: INVALID when it fits none of them. */
floe_status floe_expr_number(floe_str text, bool negative, floe_value *ret_value, floe_error *err);

#define FLOE_EXPR_OPERATORS_MAX 1000 /* +, -, *, / and % in one expression: they nest without parentheses */

/* Finds a function by its name, in any case; false when there is none. */
bool floe_expr_function_find(floe_str name, floe_expr_function *ret_function);
const char *floe_expr_function_name(floe_expr_function function);
const char *floe_expr_function_nearest(floe_str name);
/* "exactly 2 arguments", when the number is wrong; else NULL. */
const char *floe_expr_function_arity(floe_expr_function function, size_t arg_count, char buf[40]);

typedef struct floe_expr_binder {
    floe_arena *arena;
    const floe_column *columns;
    size_t column_count;
    floe_error *err;
} floe_expr_binder;

/* What a node is, for messages: `delay (int64)`. */
const char *floe_expr_describe(const floe_expr_binder *binder, const floe_expr *expr);
/* Checks the arguments' types and sets the node's; the arguments are bound. */
floe_status floe_expr_bind_arithmetic(const floe_expr_binder *binder, floe_expr *expr);
floe_status floe_expr_bind_call(const floe_expr_binder *binder, floe_expr *expr);
floe_status floe_expr_bind_case(const floe_expr_binder *binder, floe_expr *expr);
/* INVALID when the two cannot be compared. */
floe_status floe_expr_check_comparable(const floe_expr_binder *binder, const floe_expr *left, const floe_expr *right);

/* ---- evaluation ---- */

typedef struct floe_expr_run {
    const floe_value *row;
    floe_arena *scratch;
} floe_expr_run;

floe_value floe_expr_node(const floe_expr *expr, const floe_expr_run *run);
floe_value floe_expr_eval_arithmetic(const floe_expr *expr, const floe_expr_run *run);
floe_value floe_expr_eval_call(const floe_expr *expr, const floe_expr_run *run);

/* A number as the nearest double. */
double floe_expr_real(const floe_value *value);
/* A number as an unscaled decimal of this scale, or rounded to it half away from zero; false when it leaves 38
 * digits. */
bool floe_expr_rescale(__int128 unscaled, unsigned from, unsigned to, __int128 *ret_unscaled);
/* `value` where it is finite or an argument was not; else null. */
floe_value floe_expr_finite(double value, bool finite_arguments);

/* A value brought to a common type that check_common gave: exact, or to double. */
floe_value floe_expr_to_common(const floe_value *value, floe_type type);

/* The comparison of two non-null values of comparable types by the rule of expr.h: <0, 0, >0. */
int floe_expr_compare(const floe_value *a, const floe_value *b);

/* SQL LIKE over UTF-8 text: % any run, _ one character, no escape. */
bool floe_expr_like(floe_str text, floe_str pattern);

#endif
