/*
 * Private to the expression files: tokens, and how a place in the text is named.
 */
#ifndef FLOE_REGISTRY_EXPR_INT_H
#define FLOE_REGISTRY_EXPR_INT_H

#include "registry/expr.h"

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

/* The whole text as tokens, the last one END. Quoted forms with doubled quotes are copied into the arena. Errors: INVALID
 * with the position. */
floe_status floe_expr_lex(floe_arena *arena, floe_str text, const floe_token **ret_tokens, floe_error *err);

/* The 1-based number of the character at a byte offset. */
size_t floe_expr_position(floe_str text, size_t at);

/* Whether two words are the same but for ASCII case. */
bool floe_expr_same_word(floe_str a, const char *b);

/* A number as written → int64, decimal(p,s) or (with an exponent) double. Errors: INVALID when it fits none of them. */
floe_status floe_expr_number(floe_str text, bool negative, floe_value *ret_value, floe_error *err);

/* The comparison of two non-null values of comparable types by the rule of expr.h: <0, 0, >0. */
int floe_expr_compare(const floe_value *a, const floe_value *b);

/* SQL LIKE over UTF-8 text: % any run, _ one character, no escape. */
bool floe_expr_like(floe_str text, floe_str pattern);

#endif
