/*
 * Expressions, first phase: text → tokens.
 *
 * The whole text is cut at once, so that the parser can look ahead freely. The text must be UTF-8; positions in
 * messages count characters, offsets in the tree count bytes.
 */
#include "core/limits.h"
#include "registry/expr/expr_int.h"

#include <ctype.h>

typedef struct expr_lexer {
    floe_arena *arena;
    floe_str text;
    size_t at;
    floe_token *tokens;
    size_t count;
    size_t capacity;
} expr_lexer;

size_t floe_expr_position(floe_str text, size_t at) {
    size_t position = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        position += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    }
    return position;
}

bool floe_expr_same_word(floe_str a, const char *b) {
    for (size_t i = 0; i < a.len; i++) {
        if (b[i] == '\0' || tolower((unsigned char)a.ptr[i]) != tolower((unsigned char)b[i])) {
            return false;
        }
    }
    return b[a.len] == '\0';
}

static bool is_name_start(char c) {
    return isalpha((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0;
}

static bool is_name_part(char c) {
    return is_name_start(c) || isdigit((unsigned char)c);
}

static char peek(const expr_lexer *lexer, size_t ahead) {
    return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : '\0';
}

static void push(expr_lexer *lexer, floe_token_kind kind, size_t start, floe_str text) {
    floe_token *token = FLOE_ARENA_PUSH(lexer->arena, lexer->tokens, lexer->count, lexer->capacity);
    if (token != NULL) {
        *token = (floe_token){kind, text, (uint32_t)start};
    }
}

static void push_span(expr_lexer *lexer, floe_token_kind kind, size_t start) {
    push(lexer, kind, start, (floe_str){lexer->text.ptr + start, lexer->at - start});
}

/* The content of a quoted form with every doubled quote made single; borrowed where nothing is doubled. */
static floe_str unquote(floe_arena *arena, floe_str inner, char quote, size_t doubled) {
    if (doubled == 0) {
        return inner;
    }
    char *copy = floe_arena_alloc(arena, inner.len, 1);
    if (copy == NULL) {
        return (floe_str){"", 0};
    }
    size_t len = 0;
    for (size_t i = 0; i < inner.len; i++) {
        copy[len++] = inner.ptr[i];
        i += inner.ptr[i] == quote;
    }
    return (floe_str){copy, len};
}

static floe_status lex_quoted(expr_lexer *lexer, char quote, floe_error *err) {
    size_t start = lexer->at++;
    size_t doubled = 0;
    for (;; lexer->at++) {
        FLOE_ENSURE(lexer->at < lexer->text.len, err, FLOE_INVALID, "expression, character %zu: %c is never closed",
                    floe_expr_position(lexer->text, start), quote);
        if (peek(lexer, 0) != quote) {
            continue;
        }
        if (peek(lexer, 1) != quote) {
            break;
        }
        doubled++;
        lexer->at++;
    }
    floe_str inner = {lexer->text.ptr + start + 1, lexer->at - start - 1};
    lexer->at++;
    FLOE_ENSURE(quote != '"' || inner.len > 0, err, FLOE_INVALID, "expression, character %zu: \"\" names no column",
                floe_expr_position(lexer->text, start));
    push(lexer, quote == '"' ? FLOE_TOKEN_QUOTED : FLOE_TOKEN_TEXT, start,
         unquote(lexer->arena, inner, quote, doubled));
    return FLOE_OK;
}

static void skip_digits(expr_lexer *lexer) {
    while (isdigit((unsigned char)peek(lexer, 0))) {
        lexer->at++;
    }
}

static floe_status lex_number(expr_lexer *lexer, floe_error *err) {
    size_t start = lexer->at;
    skip_digits(lexer);
    if (peek(lexer, 0) == '.') {
        lexer->at++;
        skip_digits(lexer);
    }
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
    if ((peek(lexer, 0) == 'e' || peek(lexer, 0) == 'E') && isdigit((unsigned char)peek(lexer, 1 + sign))) {
        lexer->at += 1 + sign;
        skip_digits(lexer);
    }
    FLOE_ENSURE(
        !is_name_part(peek(lexer, 0)) && peek(lexer, 0) != '.', err, FLOE_INVALID,
        "expression, character %zu: `%.*s` is followed by more than a number; put text in '…' and names that begin "
        "with a digit in \"…\"",
        floe_expr_position(lexer->text, start), (int)(lexer->at - start < 60 ? lexer->at - start : 60),
        lexer->text.ptr + start);
    push_span(lexer, FLOE_TOKEN_NUMBER, start);
    return FLOE_OK;
}

static floe_status lex_symbol(expr_lexer *lexer, floe_error *err) {
    static const char *const symbols[] = {"<=", ">=", "<>", "!=", "<", ">", "=", "(", ")",
                                          ",",  ".",  "+",  "-",  "*", "/", "%", "[", "]"};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t len = strlen(symbols[i]);
        if (lexer->text.len - lexer->at >= len && memcmp(lexer->text.ptr + lexer->at, symbols[i], len) == 0) {
            size_t start = lexer->at;
            lexer->at += len;
            push_span(lexer, FLOE_TOKEN_SYMBOL, start);
            return FLOE_OK;
        }
    }
    unsigned char byte = (unsigned char)lexer->text.ptr[lexer->at];
    if (isprint(byte)) {
        return FLOE_FAIL(err, FLOE_INVALID, "expression, character %zu: `%c` is not part of the expression language",
                         floe_expr_position(lexer->text, lexer->at), byte);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "expression, character %zu: byte 0x%02X is not part of the expression language",
                     floe_expr_position(lexer->text, lexer->at), byte);
}

static floe_status lex_one(expr_lexer *lexer, floe_error *err) {
    char c = peek(lexer, 0);
    if (c == '\'' || c == '"') {
        return lex_quoted(lexer, c, err);
    }
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)peek(lexer, 1)))) {
        return lex_number(lexer, err);
    }
    if (!is_name_start(c)) {
        return lex_symbol(lexer, err);
    }
    size_t start = lexer->at;
    while (is_name_part(peek(lexer, 0))) {
        lexer->at++;
    }
    push_span(lexer, FLOE_TOKEN_NAME, start);
    return FLOE_OK;
}

floe_status floe_expr_lex(floe_arena *arena, floe_str text, size_t len_max, const floe_token **ret_tokens,
                          floe_error *err) {
    FLOE_ENSURE(text.len <= len_max, err, FLOE_LIMIT, "the expression has %zu bytes; at most %zu are allowed", text.len,
                len_max);
    FLOE_ENSURE(floe_str_is_utf8(text), err, FLOE_INVALID, "the expression is not UTF-8 text");
    expr_lexer lexer = {.arena = arena, .text = text};
    while (lexer.at < text.len) {
        char c = text.ptr[lexer.at];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            lexer.at++;
        } else {
            FLOE_TRY(lex_one(&lexer, err));
        }
    }
    push(&lexer, FLOE_TOKEN_END, text.len, (floe_str){"", 0});
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_tokens = lexer.tokens;
    return FLOE_OK;
}

/* Decimal digits into an unscaled number. Returns false past 38 significant digits. */
static bool read_digits(floe_str text, __int128 *ret_unscaled, unsigned *ret_digits, unsigned *ret_scale) {
    __int128 unscaled = 0;
    unsigned digits = 0;
    unsigned scale = 0;
    bool after_point = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.') {
            after_point = true;
            continue;
        }
        digits += digits > 0 || text.ptr[i] != '0';
        scale += after_point;
        if (digits > 38 || scale > 38) {
            return false;
        }
        unscaled = unscaled * 10 + (text.ptr[i] - '0');
    }
    *ret_unscaled = unscaled;
    *ret_digits = digits;
    *ret_scale = scale;
    return true;
}

static bool has_any(floe_str text, const char *bytes) {
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(bytes, text.ptr[i]) != NULL) {
            return true;
        }
    }
    return false;
}

floe_status floe_expr_number(floe_str text, bool negative, floe_value *ret_value, floe_error *err) {
    if (has_any(text, "eE")) {
        double real = 0;
        FLOE_TRY(floe_str_to_f64(text, &real, err));
        *ret_value = floe_value_double(negative ? -real : real);
        return FLOE_OK;
    }
    __int128 unscaled = 0;
    unsigned digits = 0;
    unsigned scale = 0;
    FLOE_ENSURE(read_digits(text, &unscaled, &digits, &scale), err, FLOE_INVALID,
                "%.*s has more than 38 digits; write it with an exponent to compare as a double",
                FLOE_STR_ARG(((floe_str){text.ptr, text.len < 60 ? text.len : 60})));
    unscaled = negative ? -unscaled : unscaled;
    if (!has_any(text, ".") && unscaled >= INT64_MIN && unscaled <= INT64_MAX) {
        *ret_value = floe_value_int64((int64_t)unscaled);
        return FLOE_OK;
    }
    unsigned precision = digits > scale ? digits : scale;
    *ret_value = (floe_value){.type = {.kind = FLOE_KIND_DECIMAL,
                                       .precision = (uint8_t)(precision > 0 ? precision : 1),
                                       .scale = (uint8_t)scale},
                              .as.decimal = unscaled};
    return FLOE_OK;
}
