/*
 * Borrowed text. Numbers are read in the C locale: floe never calls setlocale.
 */
#include "core/str.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_TEXT_MAX 400 /* longer than any double written out exactly with 17 digits and zeros around them */
#define DISTANCE_TEXT_MAX 255

int floe_str_compare(floe_str a, floe_str b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0) {
        return order < 0 ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool floe_str_is_nocase(floe_str text, const char *lower) {
    size_t len = strlen(lower);
    if (text.len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        char c = text.ptr[i];
        char folded = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        if (folded != lower[i]) {
            return false;
        }
    }
    return true;
}

bool floe_str_starts_with(floe_str text, floe_str prefix) {
    return text.len >= prefix.len && floe_str_equal((floe_str){text.ptr, prefix.len}, prefix);
}

bool floe_str_ends_with(floe_str text, floe_str suffix) {
    if (text.len < suffix.len || suffix.len == 0) {
        return suffix.len == 0;
    }
    return floe_str_equal((floe_str){text.ptr + (text.len - suffix.len), suffix.len}, suffix);
}

bool floe_str_ends_nocase(floe_str text, const char *lower) {
    size_t len = strlen(lower);
    return text.len >= len && floe_str_is_nocase((floe_str){text.ptr + (text.len - len), len}, lower);
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

floe_str floe_str_trim(floe_str text) {
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* An empty text has no piece, while what follows a last separator is one empty piece: the two are told apart by the
 * address of the latter. A rest whose ptr is NULL is exhausted. */
bool floe_str_split(floe_str *rest, char separator, floe_str *ret_head) {
    static const char after_separator[1] = "";
    if (rest->ptr == NULL || (rest->len == 0 && rest->ptr != after_separator)) {
        return false;
    }
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
    if (found == NULL) {
        *ret_head = *rest;
        *rest = (floe_str){NULL, 0};
        return true;
    }
    size_t head_len = (size_t)(found - rest->ptr);
    *ret_head = (floe_str){rest->ptr, head_len};
    size_t rest_len = rest->len - head_len - 1;
    *rest = (floe_str){rest_len == 0 ? after_separator : found + 1, rest_len};
    return true;
}

/* Source: The Unicode Standard, table 3-7: the second byte's range depends on the first. */
size_t floe_utf8_sequence(floe_str text) {
    const uint8_t *byte = (const uint8_t *)text.ptr;
    if (text.len == 0) {
        return 0;
    }
    uint8_t lead = byte[0];
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    size_t len = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (text.len < len) {
        return 0;
    }
    uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (byte[1] < low || byte[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < len; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return len;
}

bool floe_str_is_utf8(floe_str text) {
    while (text.len > 0) {
        size_t len = floe_utf8_sequence(text);
        if (len == 0) {
            return false;
        }
        text.ptr += len;
        text.len -= len;
    }
    return true;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

floe_status floe_str_to_i64(floe_str text, int64_t *ret_value, floe_error *err) {
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+') ? 1 : 0;
    bool negative = at == 1 && text.ptr[0] == '-';
    if (at == text.len) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not an integer", FLOE_STR_BRIEF(text));
    }
    int64_t value = 0; /* kept negative, where int64 has one number more */
    for (; at < text.len; at++) {
        if (!is_digit(text.ptr[at])) {
            return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not an integer", FLOE_STR_BRIEF(text));
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, text.ptr[at] - '0', &value)) {
            return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" does not fit a 64-bit integer", FLOE_STR_BRIEF(text));
        }
    }
    if (!negative && value == INT64_MIN) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" does not fit a 64-bit integer", FLOE_STR_BRIEF(text));
    }
    *ret_value = negative ? value : -value;
    return FLOE_OK;
}

/* NaN and the infinities by name, the sign already taken off. */
static bool parse_named_f64(floe_str name, bool negative, double *ret_value) {
    if (floe_str_is_nocase(name, "nan")) {
        *ret_value = NAN;
        return true;
    }
    if (floe_str_is_nocase(name, "inf") || floe_str_is_nocase(name, "infinity")) {
        *ret_value = negative ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

static size_t skip_digits(floe_str text, size_t at) {
    while (at < text.len && is_digit(text.ptr[at])) {
        at++;
    }
    return at;
}

/* Digits, a point with digits on at least one side, an exponent; strtod alone would also take hexadecimal and
 * blanks. */
static bool is_decimal_number(floe_str text) {
    size_t whole_end = skip_digits(text, 0);
    size_t digits = whole_end;
    size_t at = whole_end;
    if (at < text.len && text.ptr[at] == '.') {
        size_t fraction_end = skip_digits(text, at + 1);
        digits += fraction_end - at - 1;
        at = fraction_end;
    }
    if (digits == 0) {
        return false;
    }
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        at++;
        if (at < text.len && (text.ptr[at] == '-' || text.ptr[at] == '+')) {
            at++;
        }
        size_t exponent_end = skip_digits(text, at);
        if (exponent_end == at) {
            return false;
        }
        at = exponent_end;
    }
    return at == text.len;
}

/* Checks the grammar and makes the terminated copy that strtod needs. *ret_named tells that *ret_value is set
 * already. */
static floe_status prepare_number(floe_str text, char copy[NUMBER_TEXT_MAX + 1], double *ret_value, bool *ret_named,
                                  floe_error *err) {
    if (text.len == 0 || text.len > NUMBER_TEXT_MAX) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not a number", FLOE_STR_BRIEF(text));
    }
    bool has_sign = text.ptr[0] == '-' || text.ptr[0] == '+';
    floe_str unsigned_text = {text.ptr + (has_sign ? 1 : 0), text.len - (has_sign ? 1 : 0)};
    *ret_named = parse_named_f64(unsigned_text, text.ptr[0] == '-', ret_value);
    if (!*ret_named && !is_decimal_number(unsigned_text)) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not a number", FLOE_STR_BRIEF(text));
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return FLOE_OK;
}

floe_status floe_str_to_f64(floe_str text, double *ret_value, floe_error *err) {
    char copy[NUMBER_TEXT_MAX + 1];
    double value = 0;
    bool named = false;
    FLOE_TRY(prepare_number(text, copy, &value, &named, err));
    if (!named) {
        value = strtod(copy, NULL);
        FLOE_ENSURE(!isinf(value), err, FLOE_INVALID, "\"%.*s\" is beyond the range of a double", FLOE_STR_BRIEF(text));
    }
    *ret_value = value;
    return FLOE_OK;
}

floe_status floe_str_to_f32(floe_str text, float *ret_value, floe_error *err) {
    char copy[NUMBER_TEXT_MAX + 1];
    double value = 0;
    bool named = false;
    FLOE_TRY(prepare_number(text, copy, &value, &named, err));
    float narrow = named ? (float)value : strtof(copy, NULL);
    FLOE_ENSURE(named || !isinf(narrow), err, FLOE_INVALID, "\"%.*s\" is beyond the range of a float",
                FLOE_STR_BRIEF(text));
    *ret_value = narrow;
    return FLOE_OK;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* One row of the edit-distance table at a time, in place. */
bool floe_str_is_among(floe_str name, const floe_str *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(names[i], name)) {
            return true;
        }
    }
    return false;
}

unsigned floe_str_distance(floe_str a, floe_str b, unsigned limit) {
    size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;
    if (gap > limit || a.len > DISTANCE_TEXT_MAX || b.len > DISTANCE_TEXT_MAX) {
        return limit + 1;
    }
    unsigned row[DISTANCE_TEXT_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 0; i < a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.len; j++) {
            unsigned above = row[j + 1];
            row[j + 1] = min3(above + 1, row[j] + 1, diagonal + (a.ptr[i] == b.ptr[j] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[b.len] > limit ? limit + 1 : row[b.len];
}

const char *floe_str_nearest(floe_str word, const char *const *candidates, size_t count) {
    if (word.len > DISTANCE_TEXT_MAX) {
        return NULL;
    }
    unsigned best = 1 + (unsigned)word.len / 4;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = floe_str_distance(word, floe_str_of(candidates[i]), best);
        if (distance < best || (distance == best && nearest == NULL)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
