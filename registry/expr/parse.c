/*
 * Expressions, second phase: tokens → tree, by recursive descent over the levels OR, AND, NOT, comparison, sum,
 * product, sign, primary.
 *
 * AND and OR are flat nodes of any number of arguments. Operators of sums and products nest to the left, so their
 * number is limited in all: the tree is only as deep as its parentheses, NOTs and those.
 */
#include "core/limits.h"
#include "core/time.h"
#include "registry/expr/expr_int.h"

typedef struct expr_parser {
    floe_arena *arena;
    floe_str text;
    const floe_token *token; /* the next one; END is never passed */
    unsigned depth, depth_max;
    unsigned operators; /* of sums and products, in all */
    size_t counted_at;  /* a byte offset whose character is known, */
    size_t counted;     /* and that character, from 1: the next asked for is near it */
    floe_error *err;
} expr_parser;

static floe_status parse_or(expr_parser *parser, floe_expr **ret_expr);

#define FAIL_AT(parser, at, code, format, ...)                                                                         \
    FLOE_FAIL((parser)->err, (code), "expression, character %zu: " format, floe_expr_position((parser)->text, (at)),   \
              __VA_ARGS__)

static bool is_symbol(const floe_token *token, const char *symbol) {
    return token->kind == FLOE_TOKEN_SYMBOL && floe_str_is(token->text, symbol);
}

static bool is_word(const floe_token *token, const char *word) {
    return token->kind == FLOE_TOKEN_NAME && floe_expr_same_word(token->text, word);
}

static bool take_symbol(expr_parser *parser, const char *symbol) {
    bool taken = is_symbol(parser->token, symbol);
    parser->token += taken;
    return taken;
}

static bool take_word(expr_parser *parser, const char *word) {
    bool taken = is_word(parser->token, word);
    parser->token += taken;
    return taken;
}

static bool is_reserved(const floe_token *token) {
    static const char *const words[] = {"and",  "or",    "not",  "in",   "between", "like", "is", "null",
                                        "true", "false", "case", "when", "then",    "else", "end"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(token, words[i])) {
            return true;
        }
    }
    return false;
}

static floe_status fail_expected(const expr_parser *parser, const char *expected) {
    const floe_token *token = parser->token;
    if (token->kind == FLOE_TOKEN_END) {
        return FAIL_AT(parser, token->at, FLOE_INVALID, "expected %s, found the end", expected);
    }
    floe_str found = token->text.len > 60 ? (floe_str){token->text.ptr, 60} : token->text;
    return FAIL_AT(parser, token->at, FLOE_INVALID, "expected %s, found `%.*s`", expected, FLOE_STR_ARG(found));
}

static floe_status enter(expr_parser *parser) {
    if (++parser->depth > parser->depth_max) {
        return FAIL_AT(parser, parser->token->at, FLOE_LIMIT, "nested more than %u levels deep", parser->depth_max);
    }
    return FLOE_OK;
}

/* As floe_expr_position, but counted from the place that was asked for last: a long text has many nodes. */
static uint32_t character_of(expr_parser *parser, size_t at) {
    for (; parser->counted_at < at; parser->counted_at++) {
        parser->counted += ((unsigned char)parser->text.ptr[parser->counted_at] & 0xC0) != 0x80;
    }
    for (; parser->counted_at > at; parser->counted_at--) {
        parser->counted -= ((unsigned char)parser->text.ptr[parser->counted_at - 1] & 0xC0) != 0x80;
    }
    return (uint32_t)parser->counted;
}

/* A node at a character of the text. */
static floe_status make_there(expr_parser *parser, floe_expr_op op, uint32_t character, const floe_ptrs *args,
                              floe_expr **ret_expr) {
    floe_expr *expr = floe_arena_alloc(parser->arena, 1, sizeof *expr);
    FLOE_TRY(floe_arena_check(parser->arena, parser->err));
    *expr = (floe_expr){.op = op, .at = character};
    if (args != NULL) {
        expr->args = (floe_expr *const *)args->items;
        expr->arg_count = (uint32_t)args->count;
    }
    *ret_expr = expr;
    return FLOE_OK;
}

/* A node at a byte of the text. */
static floe_status make(expr_parser *parser, floe_expr_op op, size_t at, const floe_ptrs *args, floe_expr **ret_expr) {
    return make_there(parser, op, character_of(parser, at), args, ret_expr);
}

static floe_status make_unary(expr_parser *parser, floe_expr_op op, floe_expr *arg, floe_expr **ret_expr) {
    floe_ptrs args = {0};
    floe_ptrs_append(&args, parser->arena, arg);
    return make_there(parser, op, arg->at, &args, ret_expr);
}

static floe_status make_binary(expr_parser *parser, floe_expr_op op, floe_expr *left, floe_expr *right,
                               floe_expr **ret_expr) {
    floe_ptrs args = {0};
    floe_ptrs_append(&args, parser->arena, left);
    floe_ptrs_append(&args, parser->arena, right);
    return make_there(parser, op, left->at, &args, ret_expr);
}

static floe_status make_literal(expr_parser *parser, size_t at, floe_value value, floe_expr **ret_expr) {
    FLOE_TRY(make(parser, FLOE_EXPR_LITERAL, at, NULL, ret_expr));
    (*ret_expr)->literal = value;
    return FLOE_OK;
}

/* ---- operands ---- */

static floe_status parse_number(expr_parser *parser, size_t at, bool negative, floe_expr **ret_expr) {
    floe_value value = {0};
    floe_status status = floe_expr_number(parser->token->text, negative, &value, parser->err);
    if (floe_failed(status)) {
        return floe_error_prefix(parser->err, status, "expression, character %zu",
                                 floe_expr_position(parser->text, at));
    }
    parser->token++;
    return make_literal(parser, at, value, ret_expr);
}

/* DATE '…', TIMESTAMP '…', TIMESTAMPTZ '…'; the token after the word is known to be text. */
static floe_status parse_time(expr_parser *parser, floe_expr **ret_expr) {
    size_t at = parser->token->at;
    bool is_date = is_word(parser->token, "date");
    floe_str text = parser->token[1].text;
    floe_value value = {.type.kind = is_date ? FLOE_KIND_DATE : FLOE_KIND_TIMESTAMP};
    floe_status status = FLOE_OK;
    if (is_date) {
        int32_t days = 0;
        status = floe_date_parse(text, &days, parser->err);
        value.as.integer = days;
    } else {
        status = floe_time_parse(text, &value.as.integer, parser->err);
    }
    if (floe_failed(status)) {
        return floe_error_prefix(parser->err, status, "expression, character %zu",
                                 floe_expr_position(parser->text, at));
    }
    parser->token += 2;
    return make_literal(parser, at, value, ret_expr);
}

/* ---- functions and CASE ---- */

static floe_status fail_function(const expr_parser *parser) {
    floe_str name = parser->token->text;
    const char *nearest = floe_expr_function_nearest(name);
    name.len = name.len > 60 ? 60 : name.len;
    return FAIL_AT(parser, parser->token->at, FLOE_INVALID, "there is no function %.*s()%s%s%s", FLOE_STR_ARG(name),
                   FLOE_HINT(nearest));
}

/* expr (, expr)*, appended to the arguments. */
static floe_status parse_list(expr_parser *parser, floe_ptrs *args) {
    do {
        floe_expr *arg = NULL;
        FLOE_TRY(parse_or(parser, &arg));
        floe_ptrs_append(args, parser->arena, arg);
    } while (take_symbol(parser, ","));
    return FLOE_OK;
}

/* `int64`, `decimal(10,2)`: the text up to its end. */
static floe_status parse_type(expr_parser *parser, floe_type *ret_type) {
    const floe_token *first = parser->token;
    if (first->kind != FLOE_TOKEN_NAME) {
        return fail_expected(parser, "a type after AS");
    }
    parser->token++;
    if (take_symbol(parser, "(")) {
        while (parser->token->kind == FLOE_TOKEN_NUMBER || is_symbol(parser->token, ",")) {
            parser->token++;
        }
        if (!take_symbol(parser, ")")) {
            return fail_expected(parser, ") after the digits of the type");
        }
    }
    const floe_token *last = parser->token - 1;
    floe_str text = {parser->text.ptr + first->at, last->at + last->text.len - first->at};
    floe_status status = floe_type_parse(text, ret_type, parser->err);
    if (floe_failed(status)) {
        return floe_error_prefix(parser->err, status, "expression, character %zu",
                                 floe_expr_position(parser->text, first->at));
    }
    return FLOE_OK;
}

static floe_status parse_arguments(expr_parser *parser, floe_expr_function function, floe_ptrs *args,
                                   floe_type *ret_type) {
    FLOE_TRY(is_symbol(parser->token, ")") ? FLOE_OK : parse_list(parser, args));
    if (function == FLOE_CALL_CAST) {
        if (!take_word(parser, "as")) {
            return fail_expected(parser, "AS and a type, as in cast(x AS int64)");
        }
        FLOE_TRY(parse_type(parser, ret_type));
    }
    return FLOE_OK;
}

/* The bounds of bucketize stand in brackets: bucketize(x, [1, 2, 5]). */
static floe_status parse_bucketize(expr_parser *parser, floe_ptrs *args) {
    floe_expr *x = NULL;
    FLOE_TRY(parse_or(parser, &x));
    floe_ptrs_append(args, parser->arena, x);
    if (!take_symbol(parser, ",") || !take_symbol(parser, "[")) {
        return fail_expected(parser, "a list of bounds, as in bucketize(x, [1, 2, 5])");
    }
    FLOE_TRY(parse_list(parser, args));
    return take_symbol(parser, "]") ? FLOE_OK : fail_expected(parser, ", or ] in the list of bounds");
}

static floe_status parse_call(expr_parser *parser, floe_expr **ret_expr) {
    const floe_token *name = parser->token;
    floe_expr_function function = FLOE_CALL_END;
    if (!floe_expr_function_find(name->text, &function)) {
        return fail_function(parser);
    }
    parser->token += 2;
    floe_ptrs args = {0};
    floe_type type = {0};
    char arity[40];
    FLOE_TRY(function == FLOE_CALL_BUCKETIZE ? parse_bucketize(parser, &args)
                                             : parse_arguments(parser, function, &args, &type));
    if (!take_symbol(parser, ")")) {
        return fail_expected(parser, ", or ) after the arguments");
    }
    const char *wrong = floe_expr_function_arity(function, args.count, arity);
    if (wrong != NULL) {
        return FAIL_AT(parser, name->at, FLOE_INVALID, "%s() takes %s, not %zu", floe_expr_function_name(function),
                       wrong, args.count);
    }
    FLOE_TRY(make(parser, FLOE_EXPR_CALL, name->at, &args, ret_expr));
    (*ret_expr)->call = function;
    (*ret_expr)->type = type;
    return FLOE_OK;
}

static floe_status parse_branches(expr_parser *parser, floe_ptrs *args) {
    do {
        floe_expr *arg = NULL;
        FLOE_TRY(parse_or(parser, &arg));
        floe_ptrs_append(args, parser->arena, arg);
        if (!take_word(parser, "then")) {
            return fail_expected(parser, "THEN");
        }
        FLOE_TRY(parse_or(parser, &arg));
        floe_ptrs_append(args, parser->arena, arg);
    } while (take_word(parser, "when"));
    return FLOE_OK;
}

/* CASE WHEN c THEN v … [ELSE v] END, or CASE x WHEN w THEN v … [ELSE v] END. Without ELSE it is null otherwise. */
static floe_status parse_case(expr_parser *parser, floe_expr **ret_expr) {
    size_t at = parser->token->at;
    floe_ptrs args = {0};
    floe_expr *arg = NULL;
    parser->token++;
    bool looks_at = !is_word(parser->token, "when");
    if (looks_at) {
        FLOE_TRY(parse_or(parser, &arg));
        floe_ptrs_append(&args, parser->arena, arg);
    }
    if (!take_word(parser, "when")) {
        return fail_expected(parser, "WHEN");
    }
    FLOE_TRY(parse_branches(parser, &args));
    if (take_word(parser, "else")) {
        FLOE_TRY(parse_or(parser, &arg));
    } else {
        FLOE_TRY(make_literal(parser, at, (floe_value){.is_null = true}, &arg));
    }
    floe_ptrs_append(&args, parser->arena, arg);
    if (!take_word(parser, "end")) {
        return fail_expected(parser, "WHEN, ELSE or END");
    }
    return make(parser, looks_at ? FLOE_EXPR_SWITCH : FLOE_EXPR_CASE, at, &args, ret_expr);
}

/* ---- values and columns ---- */

static floe_status parse_constant_word(expr_parser *parser, floe_expr **ret_expr, bool *ret_found) {
    size_t at = parser->token->at;
    floe_value value = {0};
    *ret_found = true;
    if (take_word(parser, "null")) {
        value.is_null = true;
    } else if (take_word(parser, "true")) {
        value = (floe_value){.type.kind = FLOE_KIND_BOOL, .as.boolean = true};
    } else if (take_word(parser, "false")) {
        value = (floe_value){.type.kind = FLOE_KIND_BOOL, .as.boolean = false};
    } else {
        *ret_found = false;
        return FLOE_OK;
    }
    return make_literal(parser, at, value, ret_expr);
}

static floe_status parse_word(expr_parser *parser, floe_expr **ret_expr) {
    const floe_token *token = parser->token;
    bool found = false;
    FLOE_TRY(parse_constant_word(parser, ret_expr, &found));
    if (found) {
        return FLOE_OK;
    }
    if (is_word(token, "case")) {
        return parse_case(parser, ret_expr);
    }
    if (is_symbol(token + 1, "(") && !is_reserved(token)) {
        return parse_call(parser, ret_expr);
    }
    if (token[1].kind == FLOE_TOKEN_TEXT &&
        (is_word(token, "date") || is_word(token, "timestamp") || is_word(token, "timestamptz"))) {
        return parse_time(parser, ret_expr);
    }
    if (is_reserved(token)) {
        return fail_expected(parser, "a column or a value (quote a column of that name with \"…\")");
    }
    FLOE_TRY(make(parser, FLOE_EXPR_COLUMN, token->at, NULL, ret_expr));
    (*ret_expr)->column = token->text;
    parser->token++;
    return FLOE_OK;
}

static floe_status parse_parenthesis(expr_parser *parser, floe_expr **ret_expr) {
    parser->token++;
    FLOE_TRY(parse_or(parser, ret_expr));
    return take_symbol(parser, ")") ? FLOE_OK : fail_expected(parser, ")");
}

static floe_status parse_primary(expr_parser *parser, floe_expr **ret_expr) {
    const floe_token *token = parser->token;
    switch (token->kind) {
    case FLOE_TOKEN_NAME:
        return parse_word(parser, ret_expr);
    case FLOE_TOKEN_QUOTED:
        FLOE_TRY(make(parser, FLOE_EXPR_COLUMN, token->at, NULL, ret_expr));
        (*ret_expr)->column = token->text;
        parser->token++;
        return FLOE_OK;
    case FLOE_TOKEN_TEXT:
        parser->token++;
        return make_literal(parser, token->at, floe_value_string(token->text), ret_expr);
    case FLOE_TOKEN_NUMBER:
        return parse_number(parser, token->at, false, ret_expr);
    case FLOE_TOKEN_SYMBOL:
        if (is_symbol(token, "(")) {
            return parse_parenthesis(parser, ret_expr);
        }
        return fail_expected(parser, "a column or a value");
    case FLOE_TOKEN_END:
        break;
    }
    return fail_expected(parser, "a column or a value");
}

/* A minus right before a number belongs to it, so that the smallest int64 can be written. */
static floe_status parse_sign(expr_parser *parser, floe_expr **ret_expr) {
    size_t at = parser->token->at;
    if (!take_symbol(parser, "-")) {
        return parse_primary(parser, ret_expr);
    }
    if (parser->token->kind == FLOE_TOKEN_NUMBER) {
        return parse_number(parser, at, true, ret_expr);
    }
    FLOE_TRY(enter(parser));
    FLOE_TRY(parse_sign(parser, ret_expr));
    parser->depth--;
    FLOE_TRY(make_unary(parser, FLOE_EXPR_NEG, *ret_expr, ret_expr));
    (*ret_expr)->at = character_of(parser, at);
    return FLOE_OK;
}

typedef struct operator_symbol {
    const char *symbol;
    floe_expr_op op;
} operator_symbol;

static const operator_symbol *find_operator(const floe_token *token, const operator_symbol *symbols, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (is_symbol(token, symbols[i].symbol)) {
            return &symbols[i];
        }
    }
    return NULL;
}

/* next (operator next)*, to the left. */
static floe_status parse_operators(expr_parser *parser, const operator_symbol *symbols, size_t count,
                                   floe_status (*next)(expr_parser *, floe_expr **), floe_expr **ret_expr) {
    FLOE_TRY(next(parser, ret_expr));
    const operator_symbol *symbol;
    while ((symbol = find_operator(parser->token, symbols, count)) != NULL) {
        if (++parser->operators > FLOE_EXPR_OPERATORS_MAX) {
            return FAIL_AT(parser, parser->token->at, FLOE_LIMIT, "more than %d operators", FLOE_EXPR_OPERATORS_MAX);
        }
        parser->token++;
        floe_expr *right = NULL;
        FLOE_TRY(next(parser, &right));
        FLOE_TRY(make_binary(parser, symbol->op, *ret_expr, right, ret_expr));
    }
    return FLOE_OK;
}

static floe_status parse_product(expr_parser *parser, floe_expr **ret_expr) {
    static const operator_symbol symbols[] = {{"*", FLOE_EXPR_MUL}, {"/", FLOE_EXPR_DIV}, {"%", FLOE_EXPR_MOD}};
    return parse_operators(parser, symbols, 3, parse_sign, ret_expr);
}

/* What a comparison compares. */
static floe_status parse_operand(expr_parser *parser, floe_expr **ret_expr) {
    static const operator_symbol symbols[] = {{"+", FLOE_EXPR_ADD}, {"-", FLOE_EXPR_SUB}};
    return parse_operators(parser, symbols, 2, parse_product, ret_expr);
}

/* ---- comparisons ---- */

static bool comparison_op(const floe_token *token, floe_expr_op *ret_op) {
    static const struct {
        const char *symbol;
        floe_expr_op op;
    } table[] = {{"=", FLOE_EXPR_EQ},  {"<>", FLOE_EXPR_NE}, {"!=", FLOE_EXPR_NE}, {"<", FLOE_EXPR_LT},
                 {"<=", FLOE_EXPR_LE}, {">", FLOE_EXPR_GT},  {">=", FLOE_EXPR_GE}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (is_symbol(token, table[i].symbol)) {
            *ret_op = table[i].op;
            return true;
        }
    }
    return false;
}

static floe_status parse_in(expr_parser *parser, floe_expr *left, floe_expr **ret_expr) {
    if (!take_symbol(parser, "(")) {
        return fail_expected(parser, "( after IN");
    }
    floe_ptrs args = {0};
    floe_ptrs_append(&args, parser->arena, left);
    do {
        floe_expr *item = NULL;
        FLOE_TRY(parse_operand(parser, &item));
        floe_ptrs_append(&args, parser->arena, item);
    } while (take_symbol(parser, ","));
    if (!take_symbol(parser, ")")) {
        return fail_expected(parser, ", or ) in the list of IN");
    }
    return make_there(parser, FLOE_EXPR_IN, left->at, &args, ret_expr);
}

/* x BETWEEN lo AND hi → x >= lo AND x <= hi where x is a column or a value, which may stand twice; else a node of its
 * own, so that nesting cannot double the work at every level. */
static floe_status parse_between(expr_parser *parser, floe_expr *left, floe_expr **ret_expr) {
    floe_expr *low = NULL;
    floe_expr *high = NULL;
    FLOE_TRY(parse_operand(parser, &low));
    if (!take_word(parser, "and")) {
        return fail_expected(parser, "AND between the bounds of BETWEEN");
    }
    FLOE_TRY(parse_operand(parser, &high));
    if (left->op != FLOE_EXPR_COLUMN && left->op != FLOE_EXPR_LITERAL) {
        floe_ptrs args = {0};
        floe_ptrs_append(&args, parser->arena, left);
        floe_ptrs_append(&args, parser->arena, low);
        floe_ptrs_append(&args, parser->arena, high);
        return make_there(parser, FLOE_EXPR_BETWEEN, left->at, &args, ret_expr);
    }
    floe_expr *copy = NULL;
    FLOE_TRY(make_there(parser, left->op, left->at, NULL, &copy));
    *copy = *left;
    FLOE_TRY(make_binary(parser, FLOE_EXPR_GE, left, low, &low));
    FLOE_TRY(make_binary(parser, FLOE_EXPR_LE, copy, high, &high));
    return make_binary(parser, FLOE_EXPR_AND, low, high, ret_expr);
}

/* IN, BETWEEN or LIKE after an optional NOT; *ret_found says whether there was one. */
static floe_status parse_membership(expr_parser *parser, floe_expr **expr, bool *ret_found) {
    bool negated = is_word(parser->token, "not");
    const floe_token *word = parser->token + negated;
    *ret_found = is_word(word, "in") || is_word(word, "between") || is_word(word, "like");
    if (!*ret_found) {
        return negated ? fail_expected(parser, "IN, BETWEEN or LIKE after NOT") : FLOE_OK;
    }
    parser->token = word + 1;
    if (is_word(word, "in")) {
        FLOE_TRY(parse_in(parser, *expr, expr));
    } else if (is_word(word, "between")) {
        FLOE_TRY(parse_between(parser, *expr, expr));
    } else {
        floe_expr *pattern = NULL;
        FLOE_TRY(parse_operand(parser, &pattern));
        FLOE_TRY(make_binary(parser, FLOE_EXPR_LIKE, *expr, pattern, expr));
    }
    return negated ? make_unary(parser, FLOE_EXPR_NOT, *expr, expr) : FLOE_OK;
}

static floe_status parse_is(expr_parser *parser, floe_expr **expr) {
    bool negated = take_word(parser, "not");
    if (!take_word(parser, "null")) {
        return fail_expected(parser, "NULL after IS");
    }
    FLOE_TRY(make_unary(parser, FLOE_EXPR_IS_NULL, *expr, expr));
    return negated ? make_unary(parser, FLOE_EXPR_NOT, *expr, expr) : FLOE_OK;
}

/* One comparison, IN, BETWEEN or LIKE at most, then any number of IS [NOT] NULL. */
static floe_status parse_comparison(expr_parser *parser, floe_expr **ret_expr) {
    FLOE_TRY(parse_operand(parser, ret_expr));
    floe_expr_op op = FLOE_EXPR_EQ;
    if (comparison_op(parser->token, &op)) {
        parser->token++;
        floe_expr *right = NULL;
        FLOE_TRY(parse_operand(parser, &right));
        FLOE_TRY(make_binary(parser, op, *ret_expr, right, ret_expr));
    } else {
        bool found = false;
        FLOE_TRY(parse_membership(parser, ret_expr, &found));
    }
    unsigned depth = parser->depth;
    while (take_word(parser, "is")) {
        FLOE_TRY(enter(parser));
        FLOE_TRY(parse_is(parser, ret_expr));
    }
    parser->depth = depth;
    if (comparison_op(parser->token, &op)) {
        return fail_expected(parser, "AND, OR or the end (comparisons do not chain: use parentheses)");
    }
    return FLOE_OK;
}

static floe_status parse_not(expr_parser *parser, floe_expr **ret_expr) {
    if (!take_word(parser, "not")) {
        return parse_comparison(parser, ret_expr);
    }
    FLOE_TRY(enter(parser));
    FLOE_TRY(parse_not(parser, ret_expr));
    parser->depth--;
    return make_unary(parser, FLOE_EXPR_NOT, *ret_expr, ret_expr);
}

/* next (word next)* as one flat node. */
static floe_status parse_chain(expr_parser *parser, const char *word, floe_expr_op op,
                               floe_status (*next)(struct expr_parser *, floe_expr **), floe_expr **ret_expr) {
    floe_expr *first = NULL;
    FLOE_TRY(next(parser, &first));
    *ret_expr = first;
    if (!is_word(parser->token, word)) {
        return FLOE_OK;
    }
    floe_ptrs args = {0};
    floe_ptrs_append(&args, parser->arena, first);
    while (take_word(parser, word)) {
        floe_expr *arg = NULL;
        FLOE_TRY(next(parser, &arg));
        floe_ptrs_append(&args, parser->arena, arg);
    }
    return make_there(parser, op, first->at, &args, ret_expr);
}

static floe_status parse_and(expr_parser *parser, floe_expr **ret_expr) {
    return parse_chain(parser, "and", FLOE_EXPR_AND, parse_not, ret_expr);
}

static floe_status parse_or(expr_parser *parser, floe_expr **ret_expr) {
    FLOE_TRY(enter(parser));
    FLOE_TRY(parse_chain(parser, "or", FLOE_EXPR_OR, parse_and, ret_expr));
    parser->depth--;
    return FLOE_OK;
}

/* Printing puts parentheses around every operation, of which one level of a text may hold one for each precedence. */
enum { PRINTED_DEPTH = 8, PRINTED_BYTES = 16 };

static floe_status parse(floe_arena *arena, floe_str text, bool printed, floe_expr **ret_expr, floe_error *err) {
    expr_parser parser = {.arena = arena, .text = text, .counted = 1, .err = err};
    parser.depth_max = FLOE_LIMIT_EXPRESSION_DEPTH * (printed ? PRINTED_DEPTH : 1);
    FLOE_TRY(
        floe_expr_lex(arena, text, FLOE_LIMIT_EXPRESSION_BYTES * (printed ? PRINTED_BYTES : 1), &parser.token, err));
    floe_expr *expr = NULL;
    FLOE_TRY(parse_or(&parser, &expr));
    if (parser.token->kind != FLOE_TOKEN_END) {
        return fail_expected(&parser, "AND, OR or the end");
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_expr = expr;
    return FLOE_OK;
}

floe_status floe_expr_parse(floe_arena *arena, floe_str text, floe_expr **ret_expr, floe_error *err) {
    return parse(arena, text, false, ret_expr, err);
}

floe_status floe_expr_parse_printed(floe_arena *arena, floe_str text, floe_expr **ret_expr, floe_error *err) {
    return parse(arena, text, true, ret_expr, err);
}
