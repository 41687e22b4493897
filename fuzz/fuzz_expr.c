/*
 * Expressions from any bytes: parsed, bound to one column of every kind, and evaluated over a row of values and a row of
 * nulls. What is bound must evaluate to its own type, and must bind and evaluate alike when its text is parsed again, and when
 * it is printed and that is read back.
 */
#include "core/limits.h"
#include "registry/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const floe_column columns[] = {
    {FLOE_STR("i"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("l"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("d"), {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 10}},
    {FLOE_STR("f"), {.kind = FLOE_KIND_FLOAT}},
    {FLOE_STR("g"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("s"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("z"), {.kind = FLOE_KIND_BYTES}},
    {FLOE_STR("b"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("ts"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("list"), {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64}},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void fill(floe_value *row, bool nulls) {
    for (int i = 0; i < COLUMNS; i++) {
        row[i] = (floe_value){.type = columns[i].type, .is_null = nulls};
    }
    row[0].as.integer = -7;
    row[1].as.integer = INT64_MIN;
    row[2].as.decimal = (__int128)INT64_MAX * INT64_MAX;
    row[3].as.real = 0.5;
    row[4].as.real = __builtin_nan("");
    row[5].as.bytes = FLOE_STR("aXb\xc3\xa9");
    row[6].as.bytes = FLOE_STR("\xff\x00");
    row[7].as.boolean = true;
    row[8].as.integer = INT32_MAX;
    row[9].as.integer = INT64_MAX;
}

/* What the printed tree evaluates to is what the tree does. */
static void check_printed(floe_arena *arena, const floe_expr *expr, const floe_value *row, const floe_value *value) {
    floe_expr *again = NULL;
    floe_error err = {0};
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(8));
    floe_expr_print(expr, false, &text);
    if (expr->op == FLOE_EXPR_LITERAL || floe_failed(floe_buf_check(&text, &err))) {
        return; /* A null of a type has no text of its own. */
    }
    FLOE_ASSERT(!floe_failed(floe_expr_parse_printed(arena, floe_buf_view(&text), &again, &err)));
    FLOE_ASSERT(!floe_failed(floe_expr_bind_value(again, arena, columns, COLUMNS, &err)));
    floe_value second = floe_expr_eval(again, row, arena);
    FLOE_ASSERT(second.is_null == value->is_null);
    FLOE_ASSERT(value->is_null || floe_value_compare(&second, value) == 0);
}

/* 0, 1, 2 for false, true, null; 3 when the text is no expression; 4 for another value. */
static int evaluate(floe_arena *arena, floe_str text, bool nulls) {
    floe_expr *expr = NULL;
    floe_value row[COLUMNS];
    floe_error err = {0};
    if (floe_failed(floe_expr_parse(arena, text, &expr, &err)) ||
        floe_failed(floe_expr_bind_value(expr, arena, columns, COLUMNS, &err))) {
        FLOE_ASSERT(err.code != FLOE_CODE_OK && err.code != FLOE_INTERNAL && err.message[0] != '\0');
        return 3;
    }
    fill(row, nulls);
    floe_value value = floe_expr_eval(expr, row, arena);
    if (floe_failed(floe_arena_check(arena, &err))) {
        return 4; /* concat of concat of … */
    }
    FLOE_ASSERT(floe_type_equal(value.type, expr->type) || floe_kind_is_number(expr->type.kind));
    check_printed(arena, expr, row, &value);
    if (value.type.kind != FLOE_KIND_BOOL) {
        return value.is_null ? 2 : 4;
    }
    return value.is_null ? 2 : value.as.boolean;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_str text = {(const char *)data, size};
    for (int nulls = 0; nulls < 2; nulls++) {
        int first = evaluate(&arena, text, nulls == 1);
        FLOE_ASSERT(evaluate(&arena, text, nulls == 1) == first);
    }
    return 0;
}
