/* Types and their names, the order of values, and decimals. Texts of values are in value_text.c. */
#include "core/value.h"

#include <math.h>
#include <stdio.h>

#define DECIMAL_PRECISION_MAX 38

static const char *const kind_names[] = {
    [FLOE_KIND_NONE] = "none",       [FLOE_KIND_BOOL] = "bool",           [FLOE_KIND_INT32] = "int32",
    [FLOE_KIND_INT64] = "int64",     [FLOE_KIND_FLOAT] = "float",         [FLOE_KIND_DOUBLE] = "double",
    [FLOE_KIND_STRING] = "string",   [FLOE_KIND_BYTES] = "bytes",         [FLOE_KIND_DATE] = "date",
    [FLOE_KIND_DECIMAL] = "decimal", [FLOE_KIND_TIMESTAMP] = "timestamp", [FLOE_KIND_LIST] = "list",
};
#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

bool floe_type_equal(floe_type a, floe_type b) {
    if (a.kind != b.kind || (a.kind == FLOE_KIND_LIST && a.element != b.element)) {
        return false;
    }
    bool is_decimal = a.kind == FLOE_KIND_DECIMAL || (a.kind == FLOE_KIND_LIST && a.element == FLOE_KIND_DECIMAL);
    return !is_decimal || (a.precision == b.precision && a.scale == b.scale);
}

bool floe_type_widens(floe_type from, floe_type to) {
    if (from.kind == FLOE_KIND_DECIMAL && to.kind == FLOE_KIND_DECIMAL) {
        return from.scale <= to.scale && from.precision - from.scale <= to.precision - to.scale;
    }
    return floe_type_equal(from, to) || (from.kind == FLOE_KIND_INT32 && to.kind == FLOE_KIND_INT64);
}

__int128 floe_power_of_ten(unsigned digits) {
    __int128 power = 1;
    for (unsigned i = 0; i < digits; i++) {
        power *= 10;
    }
    return power;
}

floe_value floe_value_widen(floe_value value, floe_type type) {
    if (value.is_null) {
        return floe_value_null(type);
    }
    FLOE_ASSERT(floe_type_widens(value.type, type));
    if (type.kind == FLOE_KIND_DECIMAL) {
        /* A damaged file may hold more digits than its type: the bits wrap, nothing else. */
        value.as.decimal = (__int128)((unsigned __int128)value.as.decimal *
                                      (unsigned __int128)floe_power_of_ten((unsigned)(type.scale - value.type.scale)));
    }
    value.type = type;
    return value;
}

/* "name(" or "name<" … the closing character → what stands between, trimmed. */
static bool unwrap(floe_str text, const char *opening, char closing, floe_str *ret_inner) {
    floe_str prefix = floe_str_of(opening);
    if (!floe_str_starts_with(text, prefix) || text.ptr[text.len - 1] != closing) {
        return false;
    }
    *ret_inner = floe_str_trim((floe_str){text.ptr + prefix.len, text.len - prefix.len - 1});
    return true;
}

static floe_status parse_decimal_type(floe_str text, floe_str inner, floe_type *ret_type, floe_error *err) {
    floe_str head = {0};
    floe_str tail = inner;
    int64_t precision = 0;
    int64_t scale = 0;
    bool parsed = floe_str_split(&tail, ',', &head) &&
                  !floe_failed(floe_str_to_i64(floe_str_trim(head), &precision, NULL)) &&
                  !floe_failed(floe_str_to_i64(floe_str_trim(tail), &scale, NULL));
    FLOE_ENSURE(parsed, err, FLOE_INVALID,
                "type \"%.*s\": write a decimal as decimal(precision,scale), like decimal(10,2)", FLOE_STR_BRIEF(text));
    FLOE_ENSURE(precision >= 1 && precision <= DECIMAL_PRECISION_MAX && scale >= 0 && scale <= precision, err,
                FLOE_INVALID, "type \"%.*s\": the precision must be 1 to 38 and the scale 0 to the precision",
                FLOE_STR_BRIEF(text));
    *ret_type = (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
    return FLOE_OK;
}

static floe_status unknown_type(floe_str text, floe_error *err) {
    const char *nearest = floe_str_nearest(text, kind_names + 1, KIND_COUNT - 1);
    if (nearest != NULL && !floe_str_is(text, nearest)) {
        return FLOE_FAIL(err, FLOE_INVALID, "unknown type \"%.*s\"%s%s%s", FLOE_STR_BRIEF(text), FLOE_HINT(nearest));
    }
    return FLOE_FAIL(err, FLOE_INVALID,
                     "unknown type \"%.*s\": the types are bool int32 int64 float double string bytes date timestamp "
                     "decimal(p,s) and list<type>",
                     FLOE_STR_BRIEF(text));
}

static floe_status parse_scalar_type(floe_str text, floe_type *ret_type, floe_error *err) {
    floe_str inner = {0};
    if (unwrap(text, "decimal(", ')', &inner)) {
        return parse_decimal_type(text, inner, ret_type, err);
    }
    for (unsigned kind = FLOE_KIND_BOOL; kind < FLOE_KIND_DECIMAL; kind++) {
        if (floe_str_is(text, kind_names[kind])) {
            *ret_type = (floe_type){.kind = (floe_kind)kind};
            return FLOE_OK;
        }
    }
    if (floe_str_is(text, "decimal")) {
        return FLOE_FAIL(err, FLOE_INVALID, "type \"decimal\" needs precision and scale, like decimal(10,2)");
    }
    return unknown_type(text, err);
}

floe_status floe_type_parse(floe_str text, floe_type *ret_type, floe_error *err) {
    text = floe_str_trim(text);
    floe_str inner = {0};
    if (!unwrap(text, "list<", '>', &inner)) {
        return parse_scalar_type(text, ret_type, err);
    }
    FLOE_ENSURE(!floe_str_starts_with(inner, FLOE_STR("list")), err, FLOE_INVALID,
                "type \"%.*s\": a list of lists is not a type of floe", FLOE_STR_BRIEF(text));
    floe_type element = {0};
    FLOE_TRY(parse_scalar_type(inner, &element, err));
    *ret_type = element;
    ret_type->kind = FLOE_KIND_LIST;
    ret_type->element = element.kind;
    return FLOE_OK;
}

static const char *kind_name(floe_kind kind) {
    return (unsigned)kind < KIND_COUNT ? kind_names[kind] : "?";
}

const char *floe_type_name(floe_type type, char buf[FLOE_TYPE_NAME_MAX]) {
    bool is_list = type.kind == FLOE_KIND_LIST;
    floe_kind kind = is_list ? type.element : type.kind;
    const char *open = is_list ? "list<" : "";
    const char *shut = is_list ? ">" : "";
    if (kind == FLOE_KIND_DECIMAL) {
        snprintf(buf, FLOE_TYPE_NAME_MAX, "%sdecimal(%u,%u)%s", open, type.precision, type.scale, shut);
    } else {
        snprintf(buf, FLOE_TYPE_NAME_MAX, "%s%s%s", open, kind_name(kind), shut);
    }
    return buf;
}

static int compare_real(double a, double b) {
    if (isnan(a) || isnan(b)) {
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    }
    return (a > b) - (a < b);
}

static int compare_lists(const floe_value *a, const floe_value *b) {
    size_t common = a->as.list.count < b->as.list.count ? a->as.list.count : b->as.list.count;
    for (size_t i = 0; i < common; i++) {
        int order = floe_value_compare(&a->as.list.items[i], &b->as.list.items[i]);
        if (order != 0) {
            return order;
        }
    }
    return (a->as.list.count > b->as.list.count) - (a->as.list.count < b->as.list.count);
}

static bool are_comparable(floe_type a, floe_type b) {
    bool both_integers = floe_kind_is_integer(a.kind) && floe_kind_is_integer(b.kind);
    bool a_real = a.kind == FLOE_KIND_FLOAT || a.kind == FLOE_KIND_DOUBLE;
    bool b_real = b.kind == FLOE_KIND_FLOAT || b.kind == FLOE_KIND_DOUBLE;
    bool same = a.kind == b.kind && (a.kind != FLOE_KIND_DECIMAL || a.scale == b.scale);
    return both_integers || (a_real && b_real) || same;
}

int floe_value_compare(const floe_value *a, const floe_value *b) {
    if (a->is_null || b->is_null) {
        return (a->is_null ? 0 : 1) - (b->is_null ? 0 : 1);
    }
    FLOE_ASSERT(are_comparable(a->type, b->type));
    switch (a->type.kind) {
    case FLOE_KIND_BOOL:
        return (a->as.boolean ? 1 : 0) - (b->as.boolean ? 1 : 0);
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
        return (a->as.integer > b->as.integer) - (a->as.integer < b->as.integer);
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return compare_real(a->as.real, b->as.real);
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        return floe_str_compare(a->as.bytes, b->as.bytes);
    case FLOE_KIND_DECIMAL:
        return (a->as.decimal > b->as.decimal) - (a->as.decimal < b->as.decimal);
    case FLOE_KIND_LIST:
        return compare_lists(a, b);
    case FLOE_KIND_NONE:
        break;
    }
    return 0;
}

/* The digits of a decimal text, without sign and point, and how many stood behind the point. */
typedef struct digits_of {
    __int128 number;
    size_t count;
    size_t fraction_count;
    bool too_large;
} digits_of;

static bool read_digits(floe_str text, digits_of *ret_digits) {
    const __int128 too_large =
        floe_power_of_ten(DECIMAL_PRECISION_MAX - 1); /* with one digit more: past every precision */
    digits_of digits = {0};
    bool behind_point = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && !behind_point) {
            behind_point = true;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        digits.too_large = digits.too_large || digits.number >= too_large;
        digits.number = digits.too_large ? 0 : digits.number * 10 + (c - '0');
        digits.count++;
        digits.fraction_count += behind_point ? 1 : 0;
    }
    *ret_digits = digits;
    return digits.count > 0;
}

floe_status floe_decimal_parse(floe_str text, uint8_t precision, uint8_t scale, __int128 *ret_unscaled,
                               floe_error *err) {
    FLOE_ASSERT(precision >= 1 && precision <= DECIMAL_PRECISION_MAX && scale <= precision);
    bool negative = floe_str_starts_with(text, FLOE_STR("-"));
    bool has_sign = negative || floe_str_starts_with(text, FLOE_STR("+"));
    digits_of digits = {0};
    floe_str body = has_sign ? (floe_str){text.ptr + 1, text.len - 1} : text;
    if (!read_digits(body, &digits)) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not a decimal number", FLOE_STR_BRIEF(text));
    }
    FLOE_ENSURE(digits.fraction_count <= scale, err, FLOE_INVALID,
                "\"%.*s\" has %zu digits after the point, decimal(%u,%u) holds %u", FLOE_STR_BRIEF(text),
                digits.fraction_count, precision, scale, scale);
    __int128 limit = floe_power_of_ten(precision);
    uint8_t missing = (uint8_t)(scale - digits.fraction_count);
    if (digits.too_large || digits.number >= limit || digits.number > (limit - 1) / floe_power_of_ten(missing)) {
        return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" has too many digits for decimal(%u,%u)", FLOE_STR_BRIEF(text),
                         precision, scale);
    }
    __int128 unscaled = digits.number * floe_power_of_ten(missing);
    *ret_unscaled = negative ? -unscaled : unscaled;
    return FLOE_OK;
}

void floe_decimal_print(__int128 unscaled, uint8_t scale, floe_buf *out) {
    char text[48]; /* a sign, 39 digits, a point; filled from the end */
    size_t at = sizeof(text);
    unsigned __int128 rest = unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    FLOE_ASSERT(scale <= DECIMAL_PRECISION_MAX);
    for (unsigned written = 0; rest != 0 || written <= scale; written++) {
        if (written == scale && scale > 0) {
            text[--at] = '.';
        }
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (unscaled < 0) {
        text[--at] = '-';
    }
    floe_buf_append(out, text + at, sizeof(text) - at);
}
