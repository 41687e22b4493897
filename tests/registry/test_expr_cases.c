/*
 * The case table of the expression language through the C evaluator: as it is written, and as it prints itself before
 * and after it is bound. The same for random expressions, against an evaluator in Python that shares nothing with ours.
 */
#include "registry/registry.h"
#include "tests/support/expr_cases.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static floe_arena arena;

static const char *evaluate(const char *file, const expr_case *test, floe_expr *expr) {
    floe_value row[EXPR_COLUMNS];
    floe_error err = {0};
    expr_row(row);
    if (floe_failed(floe_expr_bind_value(expr, &arena, expr_columns, EXPR_COLUMNS, &err))) {
        fail_msg("%s:%d: %s: %s", file, test->line, test->text, err.message);
    }
    floe_value value = floe_expr_eval(expr, row, &arena);
    assert_int_equal(value.type.kind, expr->type.kind);
    return expr_result(&arena, expr->type, &value);
}

static floe_expr *parse(const char *file, const expr_case *test, const char *text, bool printed) {
    floe_expr *expr = NULL;
    floe_error err = {0};
    floe_status status = printed ? floe_expr_parse_printed(&arena, floe_str_of(text), &expr, &err)
                                 : floe_expr_parse(&arena, floe_str_of(text), &expr, &err);
    if (floe_failed(status)) {
        fail_msg("%s:%d: %s: %s", file, test->line, text, err.message);
    }
    return expr;
}

/* Whether both are a double that reads to the same bits, however it is spelled. */
static bool same_double(const char *got, const char *want) {
    static const char word[] = "double ";
    if (strncmp(got, word, sizeof word - 1) != 0 || strncmp(want, word, sizeof word - 1) != 0) {
        return false;
    }
    char *got_end = NULL, *want_end = NULL;
    double a = strtod(got + sizeof word - 1, &got_end), b = strtod(want + sizeof word - 1, &want_end);
    return *got_end == '\0' && *want_end == '\0' && memcmp(&a, &b, sizeof a) == 0;
}

static void compare(const char *file, const expr_case *test, const char *text, const char *got) {
    const char *want = floe_arena_printf(&arena, "%s %s", test->type, test->value);
    if (strcmp(got, want) != 0 && !same_double(got, want)) {
        print_error("%s:%d: %s gives %s, not %s\n", file, test->line, text, got, want);
        fail();
    }
}

static const char *print(const floe_expr *expr) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 1 << 20);
    floe_expr_print(expr, false, &text);
    return floe_arena_strndup(&arena, text.ptr, text.len);
}

static void run_file(const char *file, size_t at_least) {
    size_t count = 0;
    const expr_case *cases = expr_cases_read(&arena, file, &count);
    assert_true(count >= at_least);
    for (size_t i = 0; i < count; i++) {
        floe_expr *expr = parse(file, &cases[i], cases[i].text, false);
        const char *unbound = print(expr);
        compare(file, &cases[i], cases[i].text, evaluate(file, &cases[i], expr));
        compare(file, &cases[i], unbound, evaluate(file, &cases[i], parse(file, &cases[i], unbound, true)));
        const char *bound = print(expr);
        compare(file, &cases[i], bound, evaluate(file, &cases[i], parse(file, &cases[i], bound, true)));
    }
}

static void expr_cases__table__is_what_the_evaluator_gives(void **state) {
    (void)state;
    run_file("tests/registry/data/expr_cases.txt", 250);
}

/* The reference says nothing that is not so. */
static void expr_cases__documentation__is_what_the_evaluator_gives(void **state) {
    (void)state;
    run_file("docs/expressions.md", 60);
}

static void expr_cases__random__are_what_exact_arithmetic_gives(void **state) {
    (void)state;
    const char *python = getenv("FLOE_PY"), *root = getenv("FLOE_ROOT");
    const char *file = floe_arena_printf(&arena, "%s/cases.txt", floe_test_temp_dir());
    const char *command =
        floe_arena_printf(&arena, "'%s' '%s/tests/registry/expr_oracle.py' %llu 4000 > '%s'",
                          python ? python : "python3", root ? root : ".", (unsigned long long)floe_test_seed(), file);
    assert_int_equal(system(command), 0);
    run_file(file, 4000);
}

static int open_arena(void **state) {
    (void)state;
    floe_arena_init(&arena, 256 << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr_cases__table__is_what_the_evaluator_gives),
        cmocka_unit_test(expr_cases__documentation__is_what_the_evaluator_gives),
        cmocka_unit_test(expr_cases__random__are_what_exact_arithmetic_gives),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
