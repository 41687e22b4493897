/*
 * Binding of expressions: columns found, types checked, literals brought to the type of the column they meet.
 */
#include "core/limits.h"
#include "tests/registry/helpers.h"

static floe_arena arena;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static const floe_column columns[] = {
    {FLOE_STR("i"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("l"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("d"), {.kind = FLOE_KIND_DECIMAL, .precision = 6, .scale = 2}},
    {FLOE_STR("f"), {.kind = FLOE_KIND_FLOAT}},
    {FLOE_STR("g"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("s"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("z"), {.kind = FLOE_KIND_BYTES}},
    {FLOE_STR("b"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("ts"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("list"), {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT64}},
    {FLOE_STR("odd"), {.kind = FLOE_KIND_NONE}},
    {FLOE_STR("destination"), {.kind = FLOE_KIND_STRING}},
};

static floe_status bind(const char *text, floe_expr **ret_expr, floe_error *err) {
    FLOE_TRY(floe_expr_parse(&arena, floe_str_of(text), ret_expr, err));
    return floe_expr_bind(*ret_expr, &arena, columns, sizeof columns / sizeof *columns, err);
}

static void check(const char *text, const char *tree) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_ok(bind(text, &expr, &err), &err);
    const char *found = test_print_expr(expr, &arena);
    if (strcmp(found, tree) != 0) {
        fail_msg("%s\n gives %s\n not   %s", text, found, tree);
    }
}

static void expr_bind__integer_literal__takes_the_columns_type_where_exact(void **state) {
    (void)state;
    check("i = 5", "(= i:int32 5:int32)");
    check("5 = i", "(= 5:int32 i:int32)");
    check("i = 2147483647", "(= i:int32 2147483647:int32)");
    check("i < 2147483648", "(< i:int32 2147483648:int64)");
    check("i > -2147483649", "(> i:int32 -2147483649:int64)");
    check("l = 5", "(= l:int64 5:int64)");
    check("d = 5", "(= d:decimal(6,2) 5.00:decimal(6,2))");
    check("d = 9999", "(= d:decimal(6,2) 9999.00:decimal(6,2))");
    check("d = 10000", "(= d:decimal(6,2) 10000:int64)");
    check("d = -9999", "(= d:decimal(6,2) -9999.00:decimal(6,2))");
    check("d = 0", "(= d:decimal(6,2) 0.00:decimal(6,2))");
    check("g = 5", "(= g:double 5.0:double)");
    check("f = 5", "(= f:float 5.0:float)");
}

static void expr_bind__decimal_literal__takes_the_columns_type_where_exact(void **state) {
    (void)state;
    check("i = 5.0", "(= i:int32 5:int32)");
    check("i > 5.5", "(> i:int32 5.5:decimal(2,1))");
    check("l = 3000000000.00", "(= l:int64 3000000000:int64)");
    check("i = 3000000000.00", "(= i:int32 3000000000.00:decimal(12,2))");
    check("d = 1.5", "(= d:decimal(6,2) 1.50:decimal(6,2))");
    check("d = 1.500", "(= d:decimal(6,2) 1.50:decimal(6,2))");
    check("d < 1.505", "(< d:decimal(6,2) 1.505:decimal(4,3))");
    check("d < 99999.5", "(< d:decimal(6,2) 99999.5:decimal(6,1))");
    check("g = 0.1", "(= g:double 0.1:double)");
    check("f = 0.5", "(= f:float 0.5:float)");
    /* 0.1 is no float: as a float it would mean another number, so it stays a double. */
    check("f = 0.1", "(= f:float 0.1:double)");
}

static void expr_bind__double_literal__stays_double_beside_exact_columns(void **state) {
    (void)state;
    check("i = 1e0", "(= i:int32 1.0:double)");
    check("d = 1e0", "(= d:decimal(6,2) 1.0:double)");
    check("g = 1e0", "(= g:double 1.0:double)");
}

static void expr_bind__times__meet_as_days_or_instants(void **state) {
    (void)state;
    check("day = DATE '2001-01-15'", "(= day:date 2001-01-15:date)");
    check("ts >= DATE '2001-01-15'", "(>= ts:timestamp 2001-01-15T00:00:00Z:timestamp)");
    check("day = TIMESTAMP '2001-01-15 00:00:00'", "(= day:date 2001-01-15:date)");
    check("day < TIMESTAMP '2001-01-15 00:00:01'", "(< day:date 2001-01-15T00:00:01Z:timestamp)");
    check("day < ts", "(< day:date ts:timestamp)");
    /* Half a day before 1970-01-01 is no whole day, whichever way the division rounds. */
    check("day < TIMESTAMP '1969-12-31 12:00:00'", "(< day:date 1969-12-31T12:00:00Z:timestamp)");
    check("day = TIMESTAMP '1969-12-31 00:00:00'", "(= day:date 1969-12-31:date)");
}

static void expr_bind__in_and_between__convert_every_literal(void **state) {
    (void)state;
    check("i IN (1, 2.0, 2.5)", "(in i:int32 1:int32 2:int32 2.5:decimal(2,1))");
    check("d BETWEEN 1 AND 2", "(and (>= d:decimal(6,2) 1.00:decimal(6,2)) (<= d:decimal(6,2) 2.00:decimal(6,2)))");
    check("1 BETWEEN i AND g", "(and (>= 1:int32 i:int32) (<= 1.0:double g:double))");
    check("s IN ('x', NULL)", "(in s:string x:string null)");
    check("ts NOT IN (DATE '2001-01-15')", "(not (in ts:timestamp 2001-01-15T00:00:00Z:timestamp))");
}

static void expr_bind__null__goes_with_everything(void **state) {
    (void)state;
    check("i = NULL", "(= i:int32 null)");
    check("NULL LIKE s", "(like null s:string)");
    check("NULL AND b", "(and null b:bool)");
    check("NOT NULL", "(not null)");
    check("NULL", "null:bool");
    check("list IS NULL", "(isnull list:list<int64>)");
    check("(i = 1) IS NULL", "(isnull (= i:int32 1:int32))");
    check("(i = 1) = b", "(= (= i:int32 1:int32) b:bool)");
    check("b", "b:bool");
    check("z = z AND s < s", "(and (= z:bytes z:bytes) (< s:string s:string))");
}

/* What is constant is computed once, so that planning sees a plain comparison. */
static void expr_bind__constants__become_one_literal(void **state) {
    (void)state;
    check("i > 60 * 60", "(> i:int32 3600:int32)");
    check("g < 1 / 4", "(< g:double 0.25:double)");
    check("s = lower('ABC')", "(= s:string abc:string)");
    check("day >= cast('2001-01-15' AS date)", "(>= day:date 2001-01-15:date)");
    check("i IN (1 + 1, -(-3))", "(in i:int32 2:int32 3:int32)");
    check("i BETWEEN 2 * 2 AND 10 % 7", "(and (>= i:int32 4:int32) (<= i:int32 3:int32))");
    check("i > CASE WHEN true THEN 5 ELSE 6 END", "(> i:int32 5:int32)");
}

static void expr_bind__column__knows_its_index(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    assert_ok(bind("g > 1 AND s = 'x'", &expr, NULL), NULL);
    assert_int_equal(expr->args[0]->args[0]->column_index, 4);
    assert_int_equal(expr->args[1]->args[0]->column_index, 5);
    assert_int_equal(expr->type.kind, FLOE_KIND_BOOL);
}

static void expr_bind__bad_types_and_names__are_refused_with_both_sides(void **state) {
    (void)state;
    static const struct {
        const char *text;
        floe_code code;
        const char *part;
        const char *part2;
    } cases[] = {
        {"x = 1", FLOE_NOT_FOUND, "no column x", NULL},
        {"destinaton = 'x'", FLOE_NOT_FOUND, "no column destinaton", "did you mean destination?"},
        {"I = 1", FLOE_NOT_FOUND, "no column I", NULL},
        {"odd = 1", FLOE_UNSUPPORTED, "column odd", "type"},
        {"odd IS NULL", FLOE_UNSUPPORTED, "column odd", NULL},
        {"s = 1", FLOE_INVALID, "s (string)", "type int64"},
        {"i = '1'", FLOE_INVALID, "i (int32)", "'1' (string)"},
        {"s > g", FLOE_INVALID, "s (string)", "g (double)"},
        {"b = 1", FLOE_INVALID, "b (bool)", "type int64"},
        {"b = i", FLOE_INVALID, "b (bool)", "i (int32)"},
        {"z = 'x'", FLOE_INVALID, "z (bytes)", "'x' (string)"},
        {"day = '2001-01-15'", FLOE_INVALID, "day (date)", "write DATE '…'"},
        {"'2001-01-15' < ts", FLOE_INVALID, "ts (timestamp)", "write TIMESTAMP '…'"},
        {"day = 5", FLOE_INVALID, "day (date)", "type int64"},
        {"s + 1 > 2", FLOE_INVALID, "+ needs numbers", "s (string)"},
        {"-s > 2", FLOE_INVALID, "unary - needs numbers", "s (string)"},
        {"i * b = 1", FLOE_INVALID, "* needs numbers", "b (bool)"},
        {"day - day = 1", FLOE_INVALID, "- needs numbers", "day (date)"},
        {"lower(i) = 'x'", FLOE_INVALID, "lower() needs text", "cast(x AS string)"},
        {"length(i) = 1", FLOE_INVALID, "length() needs text or bytes", "i (int32)"},
        {"substr(s, 'x') = 'a'", FLOE_INVALID, "substr() needs whole numbers", "'x' (string)"},
        {"substr(s, 1.5) = 'a'", FLOE_INVALID, "substr() needs whole numbers", "decimal(2,1)"},
        {"concat(s, i) = 'a'", FLOE_INVALID, "concat() needs text", "i (int32)"},
        {"year(i) = 1", FLOE_INVALID, "year() needs a date or a timestamp", "i (int32)"},
        {"sqrt(s) = 1", FLOE_INVALID, "sqrt needs numbers", "s (string)"},
        {"bucketize(s, [1]) = 1", FLOE_INVALID, "bucketize needs numbers", "s (string)"},
        {"hash(i) = 1", FLOE_INVALID, "hash() needs text or bytes", "i (int32)"},
        {"round(g, i) = 1", FLOE_INVALID, "the digits of round()", "0 to 15"},
        {"round(g, 16) = 1", FLOE_INVALID, "the digits of round()", NULL},
        {"if(i, 1, 2) = 1", FLOE_INVALID, "first argument of if() is a condition", "i (int32)"},
        {"if(b, 1, s) = 1", FLOE_INVALID, "if gives", "no common type"},
        {"coalesce(day, i) = 1", FLOE_INVALID, "coalesce gives day (date) and i (int32)", "no common type"},
        {"greatest(s, i) = 1", FLOE_INVALID, "greatest gives", "no common type"},
        {"CASE WHEN i THEN 1 END = 1", FLOE_INVALID, "WHEN needs a condition", "i (int32)"},
        {"CASE s WHEN 1 THEN 1 END = 1", FLOE_INVALID, "cannot compare s (string)", NULL},
        {"CASE WHEN b THEN 1 ELSE s END = 1", FLOE_INVALID, "CASE gives", "s (string)"},
        {"coalesce(list, list) IS NULL", FLOE_INVALID, "no common type", NULL},
        {"cast(list AS string) = 'x'", FLOE_INVALID, "list (list<int64>) cannot be cast to string", NULL},
        {"cast(s AS bytes) = z", FLOE_INVALID, "s (string) cannot be cast to bytes", NULL},
        {"cast(i AS date) = day", FLOE_INVALID, "i (int32) cannot be cast to date", NULL},
        {"cast(g AS bool)", FLOE_INVALID, "g (double) cannot be cast to bool", NULL},
        {"i + 1", FLOE_INVALID, "a filter must be a condition (bool)", "an expression of type int64"},
        {"list = 1", FLOE_INVALID, "list (list<int64>)", "only be tested with IS NULL"},
        {"list = list", FLOE_INVALID, "list (list<int64>)", "IS NULL"},
        {"list IN (1)", FLOE_INVALID, "list (list<int64>)", "IS NULL"},
        {"list IN (NULL, NULL)", FLOE_INVALID, "list (list<int64>)", "IS NULL"},
        {"i IN (1, 'x')", FLOE_INVALID, "i (int32)", "'x' (string)"},
        {"i BETWEEN 1 AND 'x'", FLOE_INVALID, "i (int32)", "'x' (string)"},
        {"i LIKE 'x'", FLOE_INVALID, "LIKE compares text", "i (int32)"},
        {"s LIKE 1", FLOE_INVALID, "LIKE compares text", "type int64"},
        {"z LIKE 'x'", FLOE_INVALID, "LIKE compares text", "z (bytes)"},
        {"NOT i", FLOE_INVALID, "NOT needs conditions", "i (int32)"},
        {"b AND s", FLOE_INVALID, "AND needs conditions", "s (string)"},
        {"b OR 1", FLOE_INVALID, "OR needs conditions", "type int64"},
        {"i", FLOE_INVALID, "a filter must be a condition", "i (int32)"},
        {"'x'", FLOE_INVALID, "a filter must be a condition", "'x' (string)"},
        {"(i = 1) = 'x'", FLOE_INVALID, "a condition of type bool", "'x' (string)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        floe_status status = bind(cases[i].text, &expr, &err);
        if (status.code != cases[i].code || strstr(err.message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(err.message, cases[i].part2) == NULL)) {
            fail_msg("%s gives %d %s", cases[i].text, (int)status.code, err.message);
        }
    }
}

static void expr_columns__every_name__once_in_order_of_use(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    floe_str *names = NULL;
    size_t count = 0;
    assert_ok(floe_expr_parse(&arena, FLOE_STR("s = 'x' AND i > l OR s LIKE destination AND i IS NULL"), &expr, NULL),
              NULL);
    floe_expr_columns(expr, &arena, &names, &count);
    assert_int_equal(count, 4);
    assert_str(names[0], "s");
    assert_str(names[1], "i");
    assert_str(names[2], "l");
    assert_str(names[3], "destination");
}

static void expr_columns__no_column__is_an_empty_list(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    floe_str *names = NULL;
    size_t count = 1;
    assert_ok(floe_expr_parse(&arena, FLOE_STR("1 = 2"), &expr, NULL), NULL);
    floe_expr_columns(expr, &arena, &names, &count);
    assert_int_equal(count, 0);
}

static floe_status bind_all(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(1));
    floe_expr *expr = NULL;
    floe_str *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_expr_parse(&own, floe_str_of(context), &expr, err));
    floe_expr_columns(expr, &own, &names, &count);
    floe_status status = floe_expr_bind(expr, &own, columns, sizeof columns / sizeof *columns, err);
    if (status.code == FLOE_NOT_FOUND || status.code == FLOE_INVALID) {
        floe_error_clear(err);
        return FLOE_OK;
    }
    return status;
}

static void expr_bind__any_failing_allocation__is_reported(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(bind_all, "i IN (1, 2) AND destination = 'x' OR d > 1.5") > 0);
    assert_true(floe_test_alloc_sweep(bind_all, "destinatoin = 'x'") > 0);
    assert_true(floe_test_alloc_sweep(bind_all, "i = 'x'") > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr_bind__integer_literal__takes_the_columns_type_where_exact),
        cmocka_unit_test(expr_bind__decimal_literal__takes_the_columns_type_where_exact),
        cmocka_unit_test(expr_bind__double_literal__stays_double_beside_exact_columns),
        cmocka_unit_test(expr_bind__times__meet_as_days_or_instants),
        cmocka_unit_test(expr_bind__in_and_between__convert_every_literal),
        cmocka_unit_test(expr_bind__null__goes_with_everything),
        cmocka_unit_test(expr_bind__constants__become_one_literal),
        cmocka_unit_test(expr_bind__column__knows_its_index),
        cmocka_unit_test(expr_bind__bad_types_and_names__are_refused_with_both_sides),
        cmocka_unit_test(expr_columns__every_name__once_in_order_of_use),
        cmocka_unit_test(expr_columns__no_column__is_an_empty_list),
        cmocka_unit_test(expr_bind__any_failing_allocation__is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
