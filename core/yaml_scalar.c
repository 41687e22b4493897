/*
 * Scalars of YAML: variables are expanded first, then the type of a plain scalar is resolved by the core schema.
 * Expanding after parsing means that no value of a variable can change the structure of the document.
 *
 * Source: YAML 1.2.2, chapter 10.3.2 (tag resolution of the core schema).
 */
#include "core/yaml_int.h"

#include "core/limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Variables ---- */

/* The output of one expansion: counted first, then written. */
typedef struct writer {
    char *ptr; /* NULL while counting */
    size_t len;
} writer;

typedef struct expansion {
    floe_yaml_source *source;
    const floe_yaml_scalar *scalar;
    bool report; /* in the counting pass only */
} expansion;

static void put(writer *out, const char *bytes, size_t len) {
    if (out->ptr && len > 0) {
        memcpy(out->ptr + out->len, bytes, len);
    }
    out->len += len;
}

static bool is_name_byte(char byte, bool first) {
    bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    return letter || (!first && byte >= '0' && byte <= '9');
}

#define NAME_MAX_BYTES FLOE_LIMIT_NAME_BYTES

/* One "${…}": the name, and the default when there is one. */
typedef struct reference {
    char name[NAME_MAX_BYTES + 1];
    bool has_default;
    floe_str fallback;
    size_t end; /* offset after the brace */
} reference;

static floe_status fail_scalar(const expansion *x, const char *what, floe_str where, floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID, "%s:%d:%d: %s in '%.*s'; write $$ for a dollar sign", x->source->file,
                     x->scalar->mark.line, x->scalar->mark.column, what, FLOE_STR_ARG(where));
}

/* The scalar for a message, cut between characters to a length that leaves room for the rest. */
static floe_str shown(const floe_yaml_scalar *scalar) {
    floe_str text = scalar->text;
    size_t len = text.len > 200 ? 200 : text.len;
    while (len < text.len && len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    return (floe_str){text.ptr, len};
}

/* Reads the reference whose "${" is at `start`. */
static floe_status read_reference(const expansion *x, size_t start, reference *ret, floe_error *err) {
    floe_str text = x->scalar->text;
    const char *close = memchr(text.ptr + start, '}', text.len - start);
    if (!close) {
        return fail_scalar(x, "'${' is not closed", shown(x->scalar), err);
    }
    floe_str inner = {text.ptr + start + 2, (size_t)(close - (text.ptr + start + 2))};
    size_t name_len = 0;
    while (name_len < inner.len && is_name_byte(inner.ptr[name_len], name_len == 0)) {
        name_len++;
    }
    floe_str rest = {inner.ptr + name_len, inner.len - name_len};
    ret->has_default = floe_str_starts_with(rest, FLOE_STR(":-"));
    if (name_len == 0 || name_len > NAME_MAX_BYTES || (rest.len > 0 && !ret->has_default)) {
        return fail_scalar(x, "'${' is not followed by NAME} or NAME:-default}", shown(x->scalar), err);
    }
    memcpy(ret->name, inner.ptr, name_len);
    ret->name[name_len] = '\0';
    ret->fallback = ret->has_default ? (floe_str){rest.ptr + 2, rest.len - 2} : FLOE_STR("");
    ret->end = (size_t)(close - text.ptr) + 1;
    return FLOE_OK;
}

/* A default is text in which only $$ means something. */
static floe_status put_default(const expansion *x, floe_str text, writer *out, floe_error *err) {
    for (size_t i = 0; i < text.len; i++) {
        bool dollar = text.ptr[i] == '$' && i + 1 < text.len;
        if (dollar && text.ptr[i + 1] == '{') {
            return fail_scalar(x, "a default holds a further '${'", shown(x->scalar), err);
        }
        put(out, &text.ptr[i], 1);
        if (dollar && text.ptr[i + 1] == '$') {
            i++;
        }
    }
    return FLOE_OK;
}

static void report_unset(const expansion *x, const char *name, floe_error *err) {
    const char *format = "%s:%d:%d: the variable %s is not set; set it or write ${%s:-default}";
    floe_yaml_source *source = x->source;
    floe_yaml_mark at = x->scalar->mark;
    if (floe_failed(source->unset)) {
        floe_error_append_line(err, format, source->file, at.line, at.column, name, name);
    } else {
        source->unset = FLOE_FAIL(err, FLOE_INVALID, format, source->file, at.line, at.column, name, name);
    }
}

static floe_status put_variable(const expansion *x, const reference *ref, writer *out, floe_error *err) {
    const floe_yaml_source *source = x->source;
    const char *value = source->env ? source->env(ref->name, source->env_context) : getenv(ref->name);
    if (ref->has_default && (!value || !*value)) {
        return put_default(x, ref->fallback, out, err);
    }
    if (!value && x->report) {
        report_unset(x, ref->name, err);
    }
    if (value) {
        put(out, value, strlen(value));
    }
    return FLOE_OK;
}

/* One pass over the text. *ret_whole: the text is one variable and nothing else. */
static floe_status expand_pass(const expansion *x, writer *out, bool *ret_whole, floe_error *err) {
    floe_str text = x->scalar->text;
    *ret_whole = false;
    for (size_t i = 0; i < text.len;) {
        bool dollar = text.ptr[i] == '$' && i + 1 < text.len;
        if (dollar && text.ptr[i + 1] == '{') {
            reference ref;
            FLOE_TRY(read_reference(x, i, &ref, err));
            FLOE_TRY(put_variable(x, &ref, out, err));
            *ret_whole = i == 0 && ref.end == text.len;
            i = ref.end;
        } else {
            put(out, &text.ptr[i], 1);
            i += dollar && text.ptr[i + 1] == '$' ? 2 : 1;
        }
    }
    return FLOE_OK;
}

/* Whether "${" or "$$" occurs: most scalars are left alone. */
static bool has_variables(floe_str text) {
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.ptr[i] == '$' && (text.ptr[i + 1] == '{' || text.ptr[i + 1] == '$')) {
            return true;
        }
    }
    return false;
}

floe_status floe_yaml_expand(floe_yaml_source *source, floe_arena *arena, floe_yaml_scalar *scalar, floe_error *err) {
    if (!has_variables(scalar->text)) {
        return FLOE_OK;
    }
    bool whole = false;
    writer count = {0};
    FLOE_TRY(expand_pass(&(expansion){source, scalar, true}, &count, &whole, err));
    writer out = {.ptr = floe_arena_alloc(arena, count.len + 1, 1)};
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(expand_pass(&(expansion){source, scalar, false}, &out, &whole, err));
    FLOE_ENSURE(out.len == count.len, err, FLOE_INTERNAL, "%s: a variable changed while it was read", source->file);
    FLOE_ENSURE(floe_str_is_utf8((floe_str){out.ptr, out.len}), err, FLOE_INVALID,
                "%s:%d:%d: the value of a variable is not UTF-8", source->file, scalar->mark.line, scalar->mark.column);
    scalar->text = (floe_str){out.ptr, out.len};
    scalar->plain = scalar->plain && whole;
    return FLOE_OK;
}

/* ---- Types ---- */

static bool is_any(floe_str text, const char *const *words) {
    for (size_t i = 0; words[i]; i++) {
        if (floe_str_is(text, words[i])) {
            return true;
        }
    }
    return false;
}

bool floe_yaml_is_null(floe_str text) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_any(text, words);
}

static bool is_true(floe_str text) {
    static const char *const words[] = {"true", "True", "TRUE", NULL};
    return is_any(text, words);
}

static bool is_false(floe_str text) {
    static const char *const words[] = {"false", "False", "FALSE", NULL};
    return is_any(text, words);
}

static size_t digits_len(floe_str text, size_t start) {
    size_t at = start;
    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
    }
    return at - start;
}

static size_t sign_len(floe_str text) {
    return text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
}

static unsigned digit_of(char byte) {
    if (byte >= '0' && byte <= '9') {
        return (unsigned)(byte - '0');
    }
    if (byte >= 'a' && byte <= 'f') {
        return (unsigned)(byte - 'a') + 10;
    }
    return byte >= 'A' && byte <= 'F' ? (unsigned)(byte - 'A') + 10 : 16;
}

typedef enum number_fit { NOT_A_NUMBER, FITS, TOO_LARGE } number_fit;

/* Digits of one base from `start` to the end. Counts downwards, because INT64_MIN has no positive counterpart. */
static number_fit read_digits(floe_str text, size_t start, unsigned base, int64_t *ret_negated) {
    int64_t value = 0;
    bool fits = true;
    if (start >= text.len) {
        return NOT_A_NUMBER;
    }
    for (size_t i = start; i < text.len; i++) {
        unsigned digit = digit_of(text.ptr[i]);
        if (digit >= base) {
            return NOT_A_NUMBER;
        }
        fits = fits && !__builtin_mul_overflow(value, (int64_t)base, &value) &&
               !__builtin_sub_overflow(value, (int64_t)digit, &value);
    }
    *ret_negated = value;
    return fits ? FITS : TOO_LARGE;
}

/* [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+ */
static number_fit read_integer(floe_str text, int64_t *ret_value) {
    unsigned base = 10;
    size_t start = sign_len(text);
    if (floe_str_starts_with(text, FLOE_STR("0x"))) {
        base = 16;
        start = 2;
    } else if (floe_str_starts_with(text, FLOE_STR("0o"))) {
        base = 8;
        start = 2;
    }
    int64_t negated = 0;
    number_fit fit = read_digits(text, start, base, &negated);
    bool negative = base == 10 && text.len > 0 && text.ptr[0] == '-';
    if (fit == FITS && !negative && negated == INT64_MIN) {
        return TOO_LARGE;
    }
    *ret_value = negative || fit != FITS ? negated : -negated;
    return fit;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool has_real_form(floe_str text) {
    size_t at = sign_len(text);
    size_t whole = digits_len(text, at);
    size_t fraction = 0;
    at += whole;
    if (at < text.len && text.ptr[at] == '.') {
        fraction = digits_len(text, at + 1);
        at += 1 + fraction;
    }
    if (whole == 0 && fraction == 0) {
        return false;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        floe_str exponent = {text.ptr + at + 1, text.len - at - 1};
        size_t digits = digits_len(exponent, sign_len(exponent));
        return digits > 0 && sign_len(exponent) + digits == exponent.len;
    }
    return at == text.len;
}

/* `text` is followed by a NUL. The process stays in the "C" locale, so strtod reads a point. */
static number_fit read_real(floe_str text, double *ret_value) {
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    floe_str unsigned_text = {text.ptr + sign_len(text), text.len - sign_len(text)};
    if (is_any(unsigned_text, infinities)) {
        *ret_value = text.ptr[0] == '-' ? -INFINITY : INFINITY;
        return FITS;
    }
    if (is_any(text, nans)) {
        *ret_value = NAN;
        return FITS;
    }
    if (!has_real_form(text)) {
        return NOT_A_NUMBER;
    }
    *ret_value = strtod(text.ptr, NULL);
    return isinf(*ret_value) ? TOO_LARGE : FITS;
}

/* The kinds that a plain scalar can have beside text. */
static number_fit resolve_plain(floe_node *node) {
    if (floe_yaml_is_null(node->text)) {
        node->kind = FLOE_NODE_NULL;
        return FITS;
    }
    if (is_true(node->text) || is_false(node->text)) {
        node->kind = FLOE_NODE_BOOL;
        node->as.boolean = is_true(node->text);
        return FITS;
    }
    number_fit fit = read_integer(node->text, &node->as.integer);
    if (fit != NOT_A_NUMBER) {
        node->kind = FLOE_NODE_INT;
        return fit;
    }
    fit = read_real(node->text, &node->as.real);
    if (fit != NOT_A_NUMBER) {
        node->kind = FLOE_NODE_REAL;
    }
    return fit;
}

floe_status floe_yaml_resolve(const floe_yaml_source *source, floe_arena *arena, const floe_yaml_scalar *scalar,
                              floe_node *node, floe_error *err) {
    char *copy = floe_arena_strndup(arena, scalar->text.ptr, scalar->text.len);
    FLOE_TRY(floe_arena_check(arena, err));
    node->kind = FLOE_NODE_STRING;
    node->line = scalar->mark.line;
    node->text = (floe_str){copy, scalar->text.len};
    FLOE_ENSURE(!scalar->plain || resolve_plain(node) != TOO_LARGE, err, FLOE_INVALID,
                "%s:%d:%d: the number %.*s does not fit 64 bits; quote it when it is meant as text", source->file,
                scalar->mark.line, scalar->mark.column, FLOE_STR_ARG(shown(scalar)));
    return FLOE_OK;
}
