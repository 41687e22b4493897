/*
 * Parsing of expressions: shapes of trees, literals, positions, and everything that is refused.
 */
#include "core/limits.h"
#include "tests/registry/helpers.h"
#include "registry/expr/expr_int.h"

#include <stdio.h>
#include <stdlib.h>

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

typedef struct shape_case {
    const char *text;
    const char *tree;
} shape_case;

static void check_shapes(const shape_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        assert_ok(floe_expr_parse(&arena, floe_str_of(cases[i].text), &expr, &err), &err);
        const char *tree = test_print_expr(expr, &arena);
        if (strcmp(tree, cases[i].tree) != 0) {
            fail_msg("%s\n gives %s\n not   %s", cases[i].text, tree, cases[i].tree);
        }
    }
}

static void expr_parse__levels__bind_as_the_language_says(void **state) {
    (void)state;
    static const shape_case cases[] = {
        {"a", "a"},
        {"a = b", "(= a b)"},
        {"a <> b", "(<> a b)"},
        {"a != b", "(<> a b)"},
        {"a < b", "(< a b)"},
        {"a <= b", "(<= a b)"},
        {"a > b", "(> a b)"},
        {"a >= b", "(>= a b)"},
        {"a=b AND c=d OR e=f", "(or (and (= a b) (= c d)) (= e f))"},
        {"a=b OR c=d AND e=f", "(or (= a b) (and (= c d) (= e f)))"},
        {"(a=b OR c=d) AND e=f", "(and (or (= a b) (= c d)) (= e f))"},
        {"a AND b AND c", "(and a b c)"},
        {"a OR b OR c", "(or a b c)"},
        {"NOT a = b", "(not (= a b))"},
        {"NOT a AND b", "(and (not a) b)"},
        {"NOT NOT a", "(not (not a))"},
        {"NOT (a AND b)", "(not (and a b))"},
        {"((a))", "a"},
        {"(a = b) = c", "(= (= a b) c)"},
        {"a = b IS NULL", "(isnull (= a b))"},
        {"a IS NULL IS NOT NULL", "(not (isnull (isnull a)))"},
        {"a IN (1) OR b", "(or (in a 1) b)"},
    };
    check_shapes(cases, sizeof cases / sizeof *cases);
}

static void expr_parse__sugar__becomes_the_plain_operators(void **state) {
    (void)state;
    static const shape_case cases[] = {
        {"a BETWEEN 1 AND 2", "(and (>= a 1) (<= a 2))"},
        {"a BETWEEN 1 AND 2 AND b", "(and (and (>= a 1) (<= a 2)) b)"},
        {"a NOT BETWEEN 1 AND 2", "(not (and (>= a 1) (<= a 2)))"},
        {"5 BETWEEN a AND b", "(and (>= 5 a) (<= 5 b))"},
        {"a IN (1, 2, 3)", "(in a 1 2 3)"},
        {"a NOT IN (1)", "(not (in a 1))"},
        {"a IN ('x', b)", "(in a x b)"},
        {"a LIKE 'x%'", "(like a x%)"},
        {"a NOT LIKE 'x%'", "(not (like a x%))"},
        {"a IS NULL", "(isnull a)"},
        {"a IS NOT NULL", "(not (isnull a))"},
    };
    check_shapes(cases, sizeof cases / sizeof *cases);
}

static void expr_parse__keywords__ignore_case_and_names_do_not(void **state) {
    (void)state;
    static const shape_case cases[] = {
        {"a and B oR not c", "(or (and a B) (not c))"},
        {"a is NoT nUlL", "(not (isnull a))"},
        {"a In (1)", "(in a 1)"},
        {"Delay = delay", "(= Delay delay)"},
        {"tRue", "true"},
        {"FALSE", "false"},
    };
    check_shapes(cases, sizeof cases / sizeof *cases);
}

static void expr_parse__quotes__name_columns_and_text(void **state) {
    (void)state;
    static const shape_case cases[] = {
        {"\"a b\" = 'c d'", "(= a b c d)"},
        {"\"say \"\"hi\"\"\" IS NULL", "(isnull say \"hi\")"},
        {"a = 'it''s'", "(= a it's)"},
        {"a = ''", "(= a )"},
        {"a = ''''", "(= a ')"},
        {"\"and\" = \"or\"", "(= and or)"},
        {"größe > 1", "(> größe 1)"},
        {"date = DATE '2001-02-03'", "(= date 2001-02-03)"},
        {"timestamp > timestamp", "(> timestamp timestamp)"},
        {"if = coalesce", "(= if coalesce)"},
        {" a\t=\n b\r", "(= a b)"},
    };
    check_shapes(cases, sizeof cases / sizeof *cases);
}

/* ---- literals ---- */

static floe_value literal(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_ok(floe_expr_parse(&arena, floe_str_of(text), &expr, &err), &err);
    assert_int_equal(expr->op, FLOE_EXPR_LITERAL);
    return expr->literal;
}

static void check_literal(const char *text, const char *type_name, const char *printed) {
    char name[FLOE_TYPE_NAME_MAX];
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 1000);
    floe_value value = literal(text);
    floe_value_print(&value, &out);
    if (strcmp(floe_type_name(value.type, name), type_name) != 0 || !floe_str_is(floe_buf_view(&out), printed)) {
        fail_msg("%s is %s %.*s, not %s %s", text, name, (int)out.len, out.ptr, type_name, printed);
    }
}

static void expr_parse__numbers__take_the_narrowest_exact_kind(void **state) {
    (void)state;
    check_literal("0", "int64", "0");
    check_literal("-0", "int64", "0");
    check_literal("42", "int64", "42");
    check_literal("-42", "int64", "-42");
    check_literal("- 42", "int64", "-42");
    check_literal("9223372036854775807", "int64", "9223372036854775807");
    check_literal("-9223372036854775808", "int64", "-9223372036854775808");
    check_literal("9223372036854775808", "decimal(19,0)", "9223372036854775808");
    check_literal("-9223372036854775809", "decimal(19,0)", "-9223372036854775809");
    check_literal("1.5", "decimal(2,1)", "1.5");
    check_literal("-0.050", "decimal(3,3)", "-0.050");
    check_literal(".5", "decimal(1,1)", "0.5");
    check_literal("0.0", "decimal(1,1)", "0.0");
    check_literal("12345678901234567890123456789012345678", "decimal(38,0)", "12345678901234567890123456789012345678");
    check_literal("1e3", "double", "1000.0");
    check_literal("-2.5E-1", "double", "-0.25");
    check_literal("1e+2", "double", "100.0");
}

static void expr_parse__time_literals__are_utc(void **state) {
    (void)state;
    check_literal("DATE '1970-01-02'", "date", "1970-01-02");
    check_literal("date '2001-01-15'", "date", "2001-01-15");
    /* 2001-01-15 is day 11337: 31 years of 365 days, 8 leap days (72 … 00), 14 days of January. */
    assert_int_equal(literal("DATE '2001-01-15'").as.integer, 31 * 365 + 8 + 14);
    assert_int_equal(literal("TIMESTAMP '2001-01-15 10:00:00'").as.integer, (INT64_C(11337) * 86400 + 36000) * 1000000);
    assert_int_equal(literal("TIMESTAMPTZ '2001-01-15T12:00:00+02:00'").as.integer,
                     (INT64_C(11337) * 86400 + 36000) * 1000000);
    assert_int_equal(literal("TIMESTAMP '2001-01-15T10:00:00Z'").type.kind, FLOE_KIND_TIMESTAMP);
}

static void expr_parse__null__has_no_type(void **state) {
    (void)state;
    floe_value value = literal("NULL");
    assert_true(value.is_null);
    assert_int_equal(value.type.kind, FLOE_KIND_NONE);
}

static void expr_parse__node__knows_its_byte(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    assert_ok(floe_expr_parse(&arena, FLOE_STR("ü = 1 AND  b = 'x'"), &expr, NULL), NULL);
    assert_int_equal(expr->args[0]->args[1]->at, 5);
    assert_int_equal(expr->args[1]->at, 12);
    /* A node over another is where that one is, however many there are: it is not counted as a byte again. */
    assert_ok(floe_expr_parse(&arena, FLOE_STR("ü = 1 AND NOT NOT NOT b"), &expr, NULL), NULL);
    for (const floe_expr *node = expr->args[1]; node != NULL; node = node->arg_count > 0 ? node->args[0] : NULL) {
        assert_int_equal(node->at, 23);
    }
    assert_ok(floe_expr_parse(&arena, FLOE_STR("üüüü IN (1) AND ü BETWEEN 1 AND 2"), &expr, NULL), NULL);
    assert_int_equal(expr->at, 1);
    assert_int_equal(expr->args[0]->at, 1);
    assert_int_equal(expr->args[1]->at, 17);
}

/* ---- refusals ---- */

typedef struct error_case {
    const char *text;
    floe_code code;
    const char *part;
    const char *part2;
} error_case;

static void check_errors(const error_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        floe_status status = floe_expr_parse(&arena, floe_str_of(cases[i].text), &expr, &err);
        if (status.code != cases[i].code || strstr(err.message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(err.message, cases[i].part2) == NULL)) {
            fail_msg("%s\n gives %d %s\n not   %d … %s … %s", cases[i].text, (int)status.code, err.message,
                     (int)cases[i].code, cases[i].part, cases[i].part2 != NULL ? cases[i].part2 : "");
        }
        assert_null(expr);
    }
}

/* The tree as text with every operation in parentheses tells what binds tighter. */
static void expr_parse__precedence__is_as_printed(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a + b * c", "(\"a\" + (\"b\" * \"c\"))"},
        {"(a + b) * c", "((\"a\" + \"b\") * \"c\")"},
        {"a - b - c", "(\"a\" - \"b\" - \"c\")"},
        {"a - (b - c)", "(\"a\" - (\"b\" - \"c\"))"},
        {"a / b % c * d", "(\"a\" / \"b\" % \"c\" * \"d\")"},
        {"-a * b", "((- \"a\") * \"b\")"},
        {"- -a", "(- (- \"a\"))"},
        {"a - -5", "(\"a\" - (-5))"},
        {"-5 % a", "((-5) % \"a\")"},
        {"a + 1 < b * 2 AND c", "(((\"a\" + (1)) < (\"b\" * (2))) AND \"c\")"},
        {"NOT a + 1 IS NULL", "(NOT ((\"a\" + (1)) IS NULL))"},
        {"a + 1 BETWEEN b - 1 AND b + 1 OR c", "(((\"a\" + (1)) BETWEEN (\"b\" - (1)) AND (\"b\" + (1))) OR \"c\")"},
        {"a + 1 IN (b * 2, 3)", "((\"a\" + (1)) IN ((\"b\" * (2)), (3)))"},
        {"a || b", NULL},
        {"lower(concat(a, 'x')) LIKE 'y'", "(lower(concat(\"a\", 'x')) LIKE 'y')"},
        {"CASE WHEN a OR b THEN c + 1 ELSE d END + 1",
         "(CASE WHEN (\"a\" OR \"b\") THEN (\"c\" + (1)) ELSE \"d\" END + (1))"},
        {"case a when 1 then 2 end", "CASE \"a\" WHEN (1) THEN (2) ELSE NULL END"},
        {"BUCKETIZE(a, [1, b])", "bucketize(\"a\", [(1), \"b\"])"},
        {"Cast(a AS decimal(5, 2))", "cast(\"a\" AS decimal(5,2))"},
        {"if(a = 1 AND b, c, d)", "if(((\"a\" = (1)) AND \"b\"), \"c\", \"d\")"},
        {"\"if\" + \"a\"\"b\"", "(\"if\" + \"a\"\"b\")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        FLOE_AUTO_BUF printed;
        floe_buf_init(&printed, FLOE_KIB(4));
        floe_status status = floe_expr_parse(&arena, floe_str_of(cases[i][0]), &expr, &err);
        if (cases[i][1] == NULL) {
            assert_code(status, FLOE_INVALID);
            continue;
        }
        assert_ok(status, &err);
        floe_expr_print(expr, false, &printed);
        assert_string_equal(printed.ptr, cases[i][1]);
    }
}

/* A chain of operators nests without parentheses, so it has a limit of its own; its print needs no deeper parser. */
static void expr_parse__operators__are_allowed_up_to_the_limit_and_not_past_it(void **state) {
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(1));
        floe_buf_text(&text, "a");
        for (size_t i = 0; i < 1000 + extra; i++) {
            floe_buf_text(&text, i % 3 == 0 ? "*b" : "-b");
        }
        floe_status status = floe_expr_parse(&arena, floe_buf_view(&text), &expr, &err);
        assert_code(status, extra == 0 ? FLOE_CODE_OK : FLOE_LIMIT);
        if (extra == 0) {
            FLOE_AUTO_BUF printed;
            floe_buf_init(&printed, FLOE_MIB(1));
            floe_expr_print(expr, false, &printed);
            assert_ok(floe_expr_parse_printed(&arena, floe_buf_view(&printed), &expr, &err), &err);
        }
    }
}

static void expr_parse__bad_text__names_the_character_and_what_was_expected(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"", FLOE_INVALID, "character 1", "expected a column or a value, found the end"},
        {"   ", FLOE_INVALID, "character 4", "found the end"},
        {"a =", FLOE_INVALID, "character 4", "found the end"},
        {"= a", FLOE_INVALID, "character 1", "found `=`"},
        {"a b", FLOE_INVALID, "character 3", "expected AND, OR or the end, found `b`"},
        {"a AND", FLOE_INVALID, "character 6", "found the end"},
        {"a AND AND b", FLOE_INVALID, "character 7", "found `AND`"},
        {"(a", FLOE_INVALID, "character 3", "expected ), found the end"},
        {"a)", FLOE_INVALID, "character 2", "found `)`"},
        {"()", FLOE_INVALID, "character 2", "found `)`"},
        {"a < b < c", FLOE_INVALID, "character 7", "comparisons do not chain"},
        {"a = b = c", FLOE_INVALID, "character 7", "parentheses"},
        {"a IS NULL = b", FLOE_INVALID, "character 11", "do not chain"},
        {"a IS 5", FLOE_INVALID, "character 6", "expected NULL after IS"},
        {"a IS NOT b", FLOE_INVALID, "character 10", "expected NULL after IS"},
        {"a IN 1", FLOE_INVALID, "character 6", "expected ( after IN"},
        {"a IN ()", FLOE_INVALID, "character 7", "expected a column or a value"},
        {"a IN (1 2)", FLOE_INVALID, "character 9", "expected , or ) in the list of IN"},
        {"a IN (1,)", FLOE_INVALID, "character 9", "expected a column or a value"},
        {"a NOT b", FLOE_INVALID, "character 3", "expected IN, BETWEEN or LIKE after NOT"},
        {"a BETWEEN 1", FLOE_INVALID, "character 12", "expected AND between the bounds"},
        {"a BETWEEN 1 OR 2", FLOE_INVALID, "character 13", "expected AND between the bounds"},
        {"a +", FLOE_INVALID, "character 4", "expected a column or a value, found the end"},
        {"a * * b", FLOE_INVALID, "character 5", "found `*`"},
        {"a - AND b", FLOE_INVALID, "character 5", "found `AND`"},
        {"lower(a", FLOE_INVALID, "character 8", "expected , or ) after the arguments"},
        {"lower()", FLOE_INVALID, "character 1", "lower() takes 1 argument, not 0"},
        {"if(a, b)", FLOE_INVALID, "character 1", "if() takes 3 arguments, not 2"},
        {"substr(a)", FLOE_INVALID, "character 1", "substr() takes 2 or 3 arguments, not 1"},
        {"a + COALESCE()", FLOE_INVALID, "character 5", "coalesce() takes at least 1 argument, not 0"},
        {"cast(a)", FLOE_INVALID, "character 7", "expected AS and a type"},
        {"cast(a AS int46)", FLOE_INVALID, "character 11", "int46"},
        {"cast(a AS decimal(50,2))", FLOE_INVALID, "character 11", "decimal(50,2)"},
        {"cast(a AS decimal(5,2)", FLOE_INVALID, "character 23", "expected , or )"},
        {"cast(a AS 5)", FLOE_INVALID, "character 11", "a type after AS"},
        {"bucketize(a, 1)", FLOE_INVALID, "character 14", "bucketize(x, [1, 2, 5])"},
        {"bucketize(a, [])", FLOE_INVALID, "character 15", "found `]`"},
        {"bucketize(a, [1)", FLOE_INVALID, "character 16", "in the list of bounds"},
        {"[1]", FLOE_INVALID, "character 1", "found `[`"},
        {"CASE", FLOE_INVALID, "character 5", "found the end"},
        {"CASE END", FLOE_INVALID, "character 6", "found `END`"},
        {"CASE a END", FLOE_INVALID, "character 8", "expected WHEN"},
        {"CASE WHEN a END", FLOE_INVALID, "character 13", "expected THEN"},
        {"CASE WHEN a THEN b", FLOE_INVALID, "character 19", "expected WHEN, ELSE or END"},
        {"CASE WHEN a THEN b ELSE c", FLOE_INVALID, "character 26", "expected WHEN, ELSE or END"},
        {"date(a) = 1", FLOE_INVALID, "character 1", "there is no function date()"},
        {"a = 'x", FLOE_INVALID, "character 5", "never closed"},
        {"\"a = 1", FLOE_INVALID, "character 1", "never closed"},
        {"\"\" = 1", FLOE_INVALID, "character 1", "names no column"},
        {"a = 12x", FLOE_INVALID, "character 5", "more than a number"},
        {"a = 1.2.3", FLOE_INVALID, "character 5", "more than a number"},
        {"a = 1e", FLOE_INVALID, "character 5", "more than a number"},
        {"a.b = 1", FLOE_INVALID, "character 2", "found `.`"},
        {"a == 1", FLOE_INVALID, "character 4", "found `=`"},
        {"a ; b", FLOE_INVALID, "character 3", "`;` is not part"},
        {"a::int = 1", FLOE_INVALID, "character 2", "`:` is not part"},
        {"a || b = 'x'", FLOE_INVALID, "character 3", "`|` is not part"},
        {"a = +5", FLOE_INVALID, "character 5", "found `+`"},
        {"ü = ?", FLOE_INVALID, "character 5", "`?` is not part"},
        {"a = DATE 'soon'", FLOE_INVALID, "character 5", "soon"},
        {"a = DATE '2001-02-29'", FLOE_INVALID, "character 5", "2001-02-29"},
        {"a = TIMESTAMP '10:00'", FLOE_INVALID, "character 5", "10:00"},
        {"frobnicate(a) = 1", FLOE_INVALID, "no function frobnicate()", NULL},
        {"lowr(a) = 'x'", FLOE_INVALID, "no function lowr()", "did you mean lower?"},
        {"a = 123456789012345678901234567890123456789", FLOE_INVALID, "character 5", "38 digits"},
        {"a = 1e999", FLOE_INVALID, "character 5", "1e999"},
        {"null null", FLOE_INVALID, "character 6", "found `null`"},
        {"select 1", FLOE_INVALID, "character 8", "found `1`"},
        {"end = 1", FLOE_INVALID, "character 1", "quote a column of that name"},
        {"a LIKE", FLOE_INVALID, "character 7", "found the end"},
    };
    check_errors(cases, sizeof cases / sizeof *cases);
}

static void expr_parse__bytes_that_are_no_utf8__are_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_code(floe_expr_parse(&arena, FLOE_STR("a = '\xff'"), &expr, &err), FLOE_INVALID);
    assert_message(&err, "UTF-8");
    floe_error_clear(&err);
    assert_code(floe_expr_parse(&arena, (floe_str){"a\0b", 3}, &expr, &err), FLOE_INVALID);
    assert_message(&err, "byte 0x00");
    assert_message(&err, "character 2");
}

/* ---- limits ---- */

/* `open` n times, then "a", then `close` n times. */
static floe_str nested(const char *open, const char *close, size_t n) {
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, FLOE_MIB(1));
    for (size_t i = 0; i < n; i++) {
        floe_buf_text(&buf, open);
    }
    floe_buf_text(&buf, "a");
    for (size_t i = 0; i < n; i++) {
        floe_buf_text(&buf, close);
    }
    return floe_arena_str(&arena, floe_buf_view(&buf));
}

static void expr_parse__depth__is_allowed_up_to_the_limit_and_not_past_it(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    floe_error err = {0};
    /* The whole expression is one level itself. */
    assert_ok(floe_expr_parse(&arena, nested("(", ")", FLOE_LIMIT_EXPRESSION_DEPTH - 1), &expr, &err), &err);
    assert_code(floe_expr_parse(&arena, nested("(", ")", FLOE_LIMIT_EXPRESSION_DEPTH), &expr, &err), FLOE_LIMIT);
    assert_message(&err, "64 levels");
    floe_error_clear(&err);
    assert_ok(floe_expr_parse(&arena, nested("NOT ", "", FLOE_LIMIT_EXPRESSION_DEPTH - 1), &expr, &err), &err);
    assert_code(floe_expr_parse(&arena, nested("NOT ", "", FLOE_LIMIT_EXPRESSION_DEPTH), &expr, &err), FLOE_LIMIT);
    floe_error_clear(&err);
    assert_ok(floe_expr_parse(&arena, nested("", " IS NULL", FLOE_LIMIT_EXPRESSION_DEPTH - 1), &expr, &err), &err);
    assert_code(floe_expr_parse(&arena, nested("", " IS NULL", FLOE_LIMIT_EXPRESSION_DEPTH), &expr, &err), FLOE_LIMIT);
}

static void expr_parse__siblings__do_not_count_as_depth(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, FLOE_MIB(1));
    for (int i = 0; i < 500; i++) {
        floe_buf_printf(&buf, "%s(NOT a = %d)", i > 0 ? " OR " : "", i);
    }
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_ok(floe_expr_parse(&arena, floe_buf_view(&buf), &expr, &err), &err);
    assert_int_equal(expr->op, FLOE_EXPR_OR);
    assert_int_equal(expr->arg_count, 500);
}

static void expr_parse__length__is_allowed_up_to_the_limit_and_not_past_it(void **state) {
    (void)state;
    char *text = floe_arena_alloc(&arena, FLOE_LIMIT_EXPRESSION_BYTES + 1, 1);
    memset(text, ' ', FLOE_LIMIT_EXPRESSION_BYTES + 1);
    text[0] = 'a';
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_ok(floe_expr_parse(&arena, (floe_str){text, FLOE_LIMIT_EXPRESSION_BYTES}, &expr, &err), &err);
    assert_code(floe_expr_parse(&arena, (floe_str){text, FLOE_LIMIT_EXPRESSION_BYTES + 1}, &expr, &err), FLOE_LIMIT);
    assert_message(&err, "16385 bytes");
}

static floe_status parse_all(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(1));
    floe_expr *expr = NULL;
    return floe_expr_parse(&own,
                           FLOE_STR("a IN (1, 2.5, 'it''s') AND NOT b LIKE 'x' OR c BETWEEN DATE '2001-01-01' AND d "
                                    "OR \"e \"\" f\" IS NOT NULL"),
                           &expr, err);
}

static void expr_parse__any_failing_allocation__is_reported(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(parse_all, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr_parse__levels__bind_as_the_language_says),
        cmocka_unit_test(expr_parse__sugar__becomes_the_plain_operators),
        cmocka_unit_test(expr_parse__keywords__ignore_case_and_names_do_not),
        cmocka_unit_test(expr_parse__quotes__name_columns_and_text),
        cmocka_unit_test(expr_parse__numbers__take_the_narrowest_exact_kind),
        cmocka_unit_test(expr_parse__time_literals__are_utc),
        cmocka_unit_test(expr_parse__null__has_no_type),
        cmocka_unit_test(expr_parse__node__knows_its_byte),
        cmocka_unit_test(expr_parse__precedence__is_as_printed),
        cmocka_unit_test(expr_parse__operators__are_allowed_up_to_the_limit_and_not_past_it),
        cmocka_unit_test(expr_parse__bad_text__names_the_character_and_what_was_expected),
        cmocka_unit_test(expr_parse__bytes_that_are_no_utf8__are_refused),
        cmocka_unit_test(expr_parse__depth__is_allowed_up_to_the_limit_and_not_past_it),
        cmocka_unit_test(expr_parse__siblings__do_not_count_as_depth),
        cmocka_unit_test(expr_parse__length__is_allowed_up_to_the_limit_and_not_past_it),
        cmocka_unit_test(expr_parse__any_failing_allocation__is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
