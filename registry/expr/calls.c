/*
 * Functions of the expression language over one row.
 *
 * Lower and upper case are those of Latin, Greek, Cyrillic and Armenian letters that have exactly one counterpart;
 * other characters stay as they are, so that no text changes its number of characters or bytes and no locale plays in.
 */
#include "core/hash.h"
#include "core/time.h"
#include "registry/expr/expr_int.h"

#include <math.h>

static floe_value null_of(const floe_expr *expr) {
    return floe_value_null(expr->type);
}

static floe_value arg_at(const floe_expr *expr, const floe_expr_run *run, uint32_t i) {
    return floe_expr_node(expr->args[i], run);
}

/* ---- choices ---- */

static floe_value common_at(const floe_expr *expr, const floe_expr_run *run, uint32_t i) {
    floe_value value = arg_at(expr, run, i);
    return floe_expr_to_common(&value, expr->type);
}

static floe_value eval_if(const floe_expr *expr, const floe_expr_run *run) {
    floe_value condition = arg_at(expr, run, 0);
    return common_at(expr, run, !condition.is_null && condition.as.boolean ? 1 : 2);
}

static floe_value eval_coalesce(const floe_expr *expr, const floe_expr_run *run) {
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_value value = common_at(expr, run, i);
        if (!value.is_null) {
            return value;
        }
    }
    return null_of(expr);
}

/* Nulls are ignored; of equal values the first. */
static floe_value eval_best(const floe_expr *expr, const floe_expr_run *run, int sign) {
    floe_value best = null_of(expr);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_value value = common_at(expr, run, i);
        if (!value.is_null && (best.is_null || floe_expr_compare(&value, &best) * sign > 0)) {
            best = value;
        }
    }
    return best;
}

static floe_value eval_clip(const floe_expr *expr, const floe_expr_run *run) {
    floe_value value = common_at(expr, run, 0), low = common_at(expr, run, 1), high = common_at(expr, run, 2);
    if (value.is_null || low.is_null || high.is_null || floe_expr_compare(&low, &high) > 0) {
        return null_of(expr);
    }
    return floe_expr_compare(&value, &low) < 0 ? low : floe_expr_compare(&value, &high) > 0 ? high : value;
}

static floe_value eval_bucketize(const floe_expr *expr, const floe_expr_run *run) {
    floe_value value = arg_at(expr, run, 0);
    int64_t below = 0;
    for (uint32_t i = 1; i < expr->arg_count; i++) {
        floe_value bound = arg_at(expr, run, i);
        if (value.is_null || bound.is_null) {
            return null_of(expr);
        }
        below += floe_expr_compare(&bound, &value) <= 0;
    }
    return floe_value_int64(below);
}

/* ---- numbers ---- */

static floe_value eval_real(const floe_expr *expr, const floe_value *arg) {
    double x = floe_expr_real(arg);
    bool finite = isfinite(x);
    switch (expr->call) {
    case FLOE_CALL_LN:
        return x <= 0 ? null_of(expr) : floe_expr_finite(log(x), finite);
    case FLOE_CALL_LOG10:
        return x <= 0 ? null_of(expr) : floe_expr_finite(log10(x), finite);
    case FLOE_CALL_SQRT:
        return x < 0 ? null_of(expr) : floe_expr_finite(sqrt(x), finite);
    default:
        return floe_expr_finite(exp(x), finite);
    }
}

static double power_of_ten(int64_t exponent) {
    double power = 1;
    for (int64_t i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

/* Beyond this a double times a power of ten holds no digit that could be cut off. */
#define WHOLE_DOUBLE 0x1p52

static double round_real(floe_expr_function call, double x, int64_t digits) {
    double unit = power_of_ten(digits);
    switch (call) {
    case FLOE_CALL_ABS:
        return fabs(x);
    case FLOE_CALL_FLOOR:
        return floor(x);
    case FLOE_CALL_CEIL:
        return ceil(x);
    default:
        return fabs(x * unit) < WHOLE_DOUBLE ? round(x * unit) / unit : x;
    }
}

/* Digits after `scale` cut off a decimal: down, up, or to the nearest, half away from zero. */
static __int128 round_decimal(floe_expr_function call, __int128 unscaled, unsigned from, unsigned to) {
    __int128 result = unscaled, unit = 1;
    for (unsigned i = to; i < from; i++) {
        unit *= 10;
    }
    if (call == FLOE_CALL_ROUND) {
        (void)floe_expr_rescale(unscaled, from, to, &result);
        return result;
    }
    result = unscaled / unit;
    __int128 rest = unscaled % unit;
    return result + (call == FLOE_CALL_FLOOR && rest < 0 ? -1 : call == FLOE_CALL_CEIL && rest > 0 ? 1 : 0);
}

static floe_value eval_round(const floe_expr *expr, const floe_value *arg, const floe_expr_run *run) {
    floe_value result = {.type = expr->type};
    int64_t digits = expr->arg_count == 2 ? arg_at(expr, run, 1).as.integer : 0;
    if (expr->type.kind == FLOE_KIND_DOUBLE) {
        result.as.real = round_real(expr->call, floe_expr_real(arg), digits);
    } else if (expr->type.kind == FLOE_KIND_DECIMAL && expr->call == FLOE_CALL_ABS) {
        result.as.decimal = arg->as.decimal < 0 ? -arg->as.decimal : arg->as.decimal;
    } else if (expr->type.kind == FLOE_KIND_DECIMAL) {
        result.as.decimal = round_decimal(expr->call, arg->as.decimal, arg->type.scale, expr->type.scale);
    } else {
        bool negated = expr->call == FLOE_CALL_ABS && arg->as.integer < 0;
        result.as.integer = arg->as.integer;
        result.is_null = negated && __builtin_sub_overflow((int64_t)0, arg->as.integer, &result.as.integer);
    }
    return result;
}

/* ---- text ---- */

/* Capital letters first…last, every step-th of them; the small one is `away` further on. */
typedef struct case_range {
    int32_t first, last, step, away;
} case_range;

/* All letters of the four scripts below U+2000 of which each is the only counterpart of the other, in as many bytes.
 * Source: the simple case mappings of Unicode 14. */
static const case_range case_ranges[] = {
    {'A', 'Z', 1, 32},         {0xC0, 0xD6, 1, 32},     {0xD8, 0xDE, 1, 32},       {0x100, 0x12E, 2, 1},
    {0x132, 0x136, 2, 1},      {0x139, 0x147, 2, 1},    {0x14A, 0x176, 2, 1},      {0x178, 0x178, 1, -121},
    {0x179, 0x17D, 2, 1},      {0x181, 0x181, 1, 210},  {0x182, 0x184, 2, 1},      {0x186, 0x186, 1, 206},
    {0x187, 0x187, 1, 1},      {0x189, 0x18A, 1, 205},  {0x18B, 0x18B, 1, 1},      {0x18E, 0x18E, 1, 79},
    {0x18F, 0x18F, 1, 202},    {0x190, 0x190, 1, 203},  {0x191, 0x191, 1, 1},      {0x193, 0x193, 1, 205},
    {0x194, 0x194, 1, 207},    {0x196, 0x196, 1, 211},  {0x197, 0x197, 1, 209},    {0x198, 0x198, 1, 1},
    {0x19C, 0x19C, 1, 211},    {0x19D, 0x19D, 1, 213},  {0x19F, 0x19F, 1, 214},    {0x1A0, 0x1A4, 2, 1},
    {0x1A6, 0x1A6, 1, 218},    {0x1A7, 0x1A7, 1, 1},    {0x1A9, 0x1A9, 1, 218},    {0x1AC, 0x1AC, 1, 1},
    {0x1AE, 0x1AE, 1, 218},    {0x1AF, 0x1AF, 1, 1},    {0x1B1, 0x1B2, 1, 217},    {0x1B3, 0x1B5, 2, 1},
    {0x1B7, 0x1B7, 1, 219},    {0x1B8, 0x1B8, 1, 1},    {0x1BC, 0x1BC, 1, 1},      {0x1C4, 0x1C4, 1, 2},
    {0x1C7, 0x1C7, 1, 2},      {0x1CA, 0x1CA, 1, 2},    {0x1CD, 0x1DB, 2, 1},      {0x1DE, 0x1EE, 2, 1},
    {0x1F1, 0x1F1, 1, 2},      {0x1F4, 0x1F4, 1, 1},    {0x1F6, 0x1F6, 1, -97},    {0x1F7, 0x1F7, 1, -56},
    {0x1F8, 0x21E, 2, 1},      {0x220, 0x220, 1, -130}, {0x222, 0x232, 2, 1},      {0x23B, 0x23B, 1, 1},
    {0x23D, 0x23D, 1, -163},   {0x241, 0x241, 1, 1},    {0x243, 0x243, 1, -195},   {0x244, 0x244, 1, 69},
    {0x245, 0x245, 1, 71},     {0x246, 0x24E, 2, 1},    {0x370, 0x372, 2, 1},      {0x376, 0x376, 1, 1},
    {0x37F, 0x37F, 1, 116},    {0x386, 0x386, 1, 38},   {0x388, 0x38A, 1, 37},     {0x38C, 0x38C, 1, 64},
    {0x38E, 0x38F, 1, 63},     {0x391, 0x3A1, 1, 32},   {0x3A3, 0x3AB, 1, 32},     {0x3CF, 0x3CF, 1, 8},
    {0x3D8, 0x3E0, 2, 1},      {0x3F7, 0x3F7, 1, 1},    {0x3F9, 0x3F9, 1, -7},     {0x3FA, 0x3FA, 1, 1},
    {0x3FD, 0x3FF, 1, -130},   {0x400, 0x40F, 1, 80},   {0x410, 0x42F, 1, 32},     {0x460, 0x480, 2, 1},
    {0x48A, 0x4BE, 2, 1},      {0x4C0, 0x4C0, 1, 15},   {0x4C1, 0x4CD, 2, 1},      {0x4D0, 0x52E, 2, 1},
    {0x531, 0x556, 1, 48},     {0x1E00, 0x1E94, 2, 1},  {0x1EA0, 0x1EFE, 2, 1},    {0x1F08, 0x1F0F, 1, -8},
    {0x1F18, 0x1F1D, 1, -8},   {0x1F28, 0x1F2F, 1, -8}, {0x1F38, 0x1F3F, 1, -8},   {0x1F48, 0x1F4D, 1, -8},
    {0x1F59, 0x1F5F, 2, -8},   {0x1F68, 0x1F6F, 1, -8}, {0x1FB8, 0x1FB9, 1, -8},   {0x1FBA, 0x1FBB, 1, -74},
    {0x1FC8, 0x1FCB, 1, -86},  {0x1FD8, 0x1FD9, 1, -8}, {0x1FDA, 0x1FDB, 1, -100}, {0x1FE8, 0x1FE9, 1, -8},
    {0x1FEA, 0x1FEB, 1, -112}, {0x1FEC, 0x1FEC, 1, -7}, {0x1FF8, 0x1FF9, 1, -128}, {0x1FFA, 0x1FFB, 1, -126},
};

static uint32_t other_case(uint32_t character, bool upper) {
    int32_t c = (int32_t)character;
    for (size_t i = 0; character < 0x2000 && i < sizeof case_ranges / sizeof *case_ranges; i++) {
        const case_range *range = &case_ranges[i];
        int32_t first = range->first + (upper ? range->away : 0), last = range->last + (upper ? range->away : 0);
        if (c >= first && c <= last && (c - first) % range->step == 0) {
            return (uint32_t)(upper ? c - range->away : c + range->away);
        }
    }
    return character;
}

/* The character at a place and its bytes; a byte that begins none stands for itself and is left alone. */
static size_t character_at(floe_str text, size_t at, uint32_t *ret_character) {
    unsigned char lead = (unsigned char)text.ptr[at];
    size_t len = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    uint32_t character = lead < 0x80 ? lead : lead & (0x7Fu >> len);
    if (at + len > text.len || (lead >= 0x80 && lead < 0xC0)) {
        *ret_character = UINT32_MAX;
        return 1;
    }
    for (size_t i = 1; i < len; i++) {
        character = character << 6 | ((unsigned char)text.ptr[at + i] & 0x3Fu);
    }
    *ret_character = character;
    return len;
}

/* Pairs of one case differ in no range by their number of bytes. */
static void put_character(char *out, size_t len, uint32_t character) {
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1;) {
        out[i] = (char)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    out[0] = (char)(leads[len] | character);
}

static floe_value make_text(const floe_expr *expr, const floe_expr_run *run, size_t len, char **ret_bytes) {
    *ret_bytes = run->scratch != NULL ? floe_arena_alloc(run->scratch, len + 1, 1) : NULL;
    return *ret_bytes != NULL ? floe_value_string((floe_str){*ret_bytes, len}) : null_of(expr);
}

static floe_value eval_letters(const floe_expr *expr, const floe_value *arg, const floe_expr_run *run) {
    floe_str text = arg->as.bytes;
    char *bytes = NULL;
    floe_value result = make_text(expr, run, text.len, &bytes);
    for (size_t at = 0; bytes != NULL && at < text.len;) {
        uint32_t character = 0;
        size_t len = character_at(text, at, &character);
        uint32_t other = other_case(character, expr->call == FLOE_CALL_UPPER);
        if (other == character) {
            memcpy(bytes + at, text.ptr + at, len);
        } else {
            put_character(bytes + at, len, other);
        }
        at += len;
    }
    return result;
}

/* The byte at which a character (from 0) begins; the text's length when it has no more. */
static size_t byte_of(floe_str text, size_t from, int64_t characters) {
    while (characters > 0 && from < text.len) {
        uint32_t ignored;
        from += character_at(text, from, &ignored);
        characters--;
    }
    return from;
}

static floe_value eval_length(const floe_value *arg) {
    int64_t characters = 0;
    if (arg->type.kind == FLOE_KIND_BYTES) {
        return floe_value_int64((int64_t)arg->as.bytes.len);
    }
    for (size_t at = 0; at < arg->as.bytes.len; characters++) {
        at = byte_of(arg->as.bytes, at, 1);
    }
    return floe_value_int64(characters);
}

/* substr(text, from 1, how many): null where it would begin before the text or have fewer than no characters. */
static floe_value eval_substr(const floe_expr *expr, const floe_value *arg, const floe_expr_run *run) {
    floe_value from = arg_at(expr, run, 1);
    floe_value count = expr->arg_count == 3 ? arg_at(expr, run, 2) : floe_value_int64(INT64_MAX);
    if (from.is_null || count.is_null || from.as.integer < 1 || count.as.integer < 0) {
        return null_of(expr);
    }
    size_t begin = byte_of(arg->as.bytes, 0, from.as.integer - 1);
    size_t end = byte_of(arg->as.bytes, begin, count.as.integer);
    return floe_value_string((floe_str){arg->as.bytes.ptr + begin, end - begin});
}

static floe_value eval_concat(const floe_expr *expr, const floe_expr_run *run) {
    floe_value result = floe_value_string(FLOE_STR(""));
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_value part = arg_at(expr, run, i);
        char *bytes = NULL;
        if (part.is_null) {
            return null_of(expr);
        }
        floe_str before = result.as.bytes;
        result = make_text(expr, run, before.len + part.as.bytes.len, &bytes);
        if (bytes == NULL) {
            return null_of(expr);
        }
        memcpy(bytes, before.ptr, before.len);
        if (part.as.bytes.len > 0) {
            memcpy(bytes + before.len, part.as.bytes.ptr, part.as.bytes.len);
        }
    }
    return result;
}

/* ---- time ---- */

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

static floe_value eval_time(const floe_expr *expr, const floe_value *arg) {
    bool date = arg->type.kind == FLOE_KIND_DATE;
    int64_t days = date ? arg->as.integer : floor_div(arg->as.integer, FLOE_US_PER_DAY);
    int64_t minutes = date ? 0 : (arg->as.integer - days * FLOE_US_PER_DAY) / (60 * FLOE_US_PER_SECOND);
    int64_t year = 0;
    unsigned month = 0, day = 0;
    floe_civil_from_days(days, &year, &month, &day);
    switch (expr->call) {
    case FLOE_CALL_YEAR:
        return floe_value_int64(year);
    case FLOE_CALL_MONTH:
        return floe_value_int64(month);
    case FLOE_CALL_DAY:
        return floe_value_int64(day);
    case FLOE_CALL_HOUR:
        return floe_value_int64(minutes / 60);
    case FLOE_CALL_MINUTE:
        return floe_value_int64(minutes % 60);
    default:
        return floe_value_int64(days + 3 - 7 * floor_div(days + 3, 7) + 1); /* 1970-01-01 was a Thursday. */
    }
}

/* ---- all of them ---- */

/* Of an argument that is not null. */
static floe_value eval_one(const floe_expr *expr, const floe_value *arg, const floe_expr_run *run) {
    switch (expr->call) {
    case FLOE_CALL_LN:
    case FLOE_CALL_LOG10:
    case FLOE_CALL_EXP:
    case FLOE_CALL_SQRT:
        return eval_real(expr, arg);
    case FLOE_CALL_ABS:
    case FLOE_CALL_FLOOR:
    case FLOE_CALL_CEIL:
    case FLOE_CALL_ROUND:
        return eval_round(expr, arg, run);
    case FLOE_CALL_LOWER:
    case FLOE_CALL_UPPER:
        return eval_letters(expr, arg, run);
    case FLOE_CALL_LENGTH:
        return eval_length(arg);
    case FLOE_CALL_SUBSTR:
        return eval_substr(expr, arg, run);
    case FLOE_CALL_CAST:
        return floe_expr_cast(arg, expr->type, run->scratch);
    case FLOE_CALL_HASH:
        return floe_value_int64((int64_t)floe_xxh64(arg->as.bytes.ptr, arg->as.bytes.len, 0));
    default:
        return eval_time(expr, arg);
    }
}

floe_value floe_expr_eval_call(const floe_expr *expr, const floe_expr_run *run) {
    switch (expr->call) {
    case FLOE_CALL_IF:
        return eval_if(expr, run);
    case FLOE_CALL_COALESCE:
        return eval_coalesce(expr, run);
    case FLOE_CALL_LEAST:
        return eval_best(expr, run, -1);
    case FLOE_CALL_GREATEST:
        return eval_best(expr, run, 1);
    case FLOE_CALL_CLIP:
        return eval_clip(expr, run);
    case FLOE_CALL_BUCKETIZE:
        return eval_bucketize(expr, run);
    case FLOE_CALL_CONCAT:
        return eval_concat(expr, run);
    default:
        break;
    }
    floe_value arg = arg_at(expr, run, 0);
    return arg.is_null ? null_of(expr) : eval_one(expr, &arg, run);
}
