/* See values.h. */
#include "tests/core/values.h"

#include <math.h>

floe_type random_type(floe_test_rng *rng, bool with_lists) {
    floe_type type = {.kind = (floe_kind)floe_test_between(rng, FLOE_KIND_BOOL, FLOE_KIND_LIST - (with_lists ? 0 : 1))};
    if (type.kind == FLOE_KIND_LIST) {
        type.element = (floe_kind)floe_test_between(rng, FLOE_KIND_BOOL, FLOE_KIND_DECIMAL);
    }
    if (type.kind == FLOE_KIND_DECIMAL || type.element == FLOE_KIND_DECIMAL) {
        type.precision = (uint8_t)floe_test_between(rng, 1, 38);
        type.scale = (uint8_t)floe_test_between(rng, 0, type.precision);
    }
    return type;
}

static double random_real(floe_test_rng *rng) {
    static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 5e-324, 1.7976931348623157e308, 1e15, 0.1};
    if (floe_test_below(rng, 3) == 0) {
        return special[floe_test_below(rng, sizeof(special) / sizeof(special[0]))];
    }
    uint64_t bits = floe_test_next(rng);
    double real = 0;
    memcpy(&real, &bits, sizeof(real));
    return floe_test_below(rng, 2) == 0 ? real : (double)floe_test_between(rng, -100000, 100000) / 8;
}

static floe_str random_text(floe_test_rng *rng, floe_arena *arena) {
    static const char *const pieces[] = {
        "a",    "Z",  "0", " ", "\"", "\\", "\n", "\t", "\x01", "/", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "null", "[1]"};
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1000);
    for (uint64_t left = floe_test_below(rng, 12); left > 0; left--) {
        floe_buf_text(&buf, pieces[floe_test_below(rng, sizeof(pieces) / sizeof(pieces[0]))]);
    }
    return floe_arena_str(arena, floe_buf_view(&buf));
}

static floe_str random_bytes(floe_test_rng *rng, floe_arena *arena) {
    size_t len = floe_test_below(rng, 20);
    char *bytes = floe_arena_alloc(arena, len, 1);
    floe_test_fill(rng, bytes, len);
    return (floe_str){bytes, len};
}

static __int128 random_decimal(floe_test_rng *rng, uint8_t precision) {
    __int128 number = 0;
    for (uint64_t digits = floe_test_below(rng, (uint64_t)precision + 1); digits > 0; digits--) {
        number = number * 10 + (__int128)floe_test_below(rng, 10);
    }
    return floe_test_below(rng, 2) == 0 ? number : -number;
}

static void random_list(floe_test_rng *rng, bool with_nulls, floe_arena *arena, floe_value *value) {
    floe_type item = value->type;
    item.kind = value->type.element;
    item.element = FLOE_KIND_NONE;
    size_t count = floe_test_below(rng, 5);
    floe_value *items = floe_arena_alloc(arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = random_value(rng, item, with_nulls, arena);
    }
    value->as.list.items = items;
    value->as.list.count = count;
}

floe_value random_value(floe_test_rng *rng, floe_type type, bool with_nulls, floe_arena *arena) {
    floe_value value = {.type = type};
    if (with_nulls && floe_test_below(rng, 8) == 0) {
        value.is_null = true;
        return value;
    }
    switch (type.kind) {
    case FLOE_KIND_BOOL:
        value.as.boolean = floe_test_below(rng, 2) == 0;
        break;
    case FLOE_KIND_INT32:
        value.as.integer = (int32_t)floe_test_next(rng) >> floe_test_below(rng, 32);
        break;
    case FLOE_KIND_INT64:
        value.as.integer = (int64_t)floe_test_next(rng) >> floe_test_below(rng, 64);
        break;
    case FLOE_KIND_FLOAT:
        value.as.real = (float)random_real(rng);
        break;
    case FLOE_KIND_DOUBLE:
        value.as.real = random_real(rng);
        break;
    case FLOE_KIND_STRING:
        value.as.bytes = random_text(rng, arena);
        break;
    case FLOE_KIND_BYTES:
        value.as.bytes = random_bytes(rng, arena);
        break;
    case FLOE_KIND_DATE:
        value.as.integer = floe_test_between(rng, -719162, 2932896);
        break;
    case FLOE_KIND_TIMESTAMP:
        value.as.integer = floe_test_between(rng, INT64_C(-62135596800000000), INT64_C(253402300799999999));
        break;
    case FLOE_KIND_DECIMAL:
        value.as.decimal = random_decimal(rng, type.precision);
        break;
    case FLOE_KIND_LIST:
        random_list(rng, with_nulls, arena, &value);
        break;
    case FLOE_KIND_NONE:
        break;
    }
    return value;
}
