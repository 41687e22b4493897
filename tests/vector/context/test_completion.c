/*
 * What a model sends back: the text of a completion, and the SQL in it.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/vector.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void completion__well_formed__gives_the_first_choices_text(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"SELECT 1\"}}]}", "SELECT 1"},
        {"{\"id\":\"x\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\\nb\"}},{\"message\":{\"content\":\"c\"}"
         "}],"
         "\"usage\":{\"total_tokens\":3}}",
         "a\nb"},
        {"{\"choices\":[{\"message\":{\"content\":\"\"}}]}", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        FLOE_AUTO_ARENA arena;
        floe_str text = {0};
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(1));
        assert_ok(floe_ask_completion_text(floe_str_of(cases[i][0]), &arena, &text, &err), &err);
        assert_true(floe_str_is(text, cases[i][1]));
    }
}

static void completion__anything_else__is_corrupt_and_says_what(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "no JSON"},
        {"<html>busy</html>", "no JSON"},
        {"[]", "choices"},
        {"{}", "choices"},
        {"null", "choices"},
        {"{\"error\":{\"message\":\"no\"}}", "choices"},
        {"{\"choices\":{}}", "choices"},
        {"{\"choices\":[]}", "choices"},
        {"{\"choices\":[1]}", "message"},
        {"{\"choices\":[{}]}", "message"},
        {"{\"choices\":[{\"message\":{}}]}", "content"},
        {"{\"choices\":[{\"message\":{\"content\":null}}]}", "content"},
        {"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\"}]}}]}", "content"},
        {"{\"choices\":[{\"text\":\"SELECT 1\"}]}", "message"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        FLOE_AUTO_ARENA arena;
        floe_str text = {0};
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(1));
        assert_code(floe_ask_completion_text(floe_str_of(cases[i][0]), &arena, &text, &err), FLOE_CORRUPT);
        assert_message(&err, cases[i][1]);
    }
}

static void sql_of__texts__give_the_statement(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"SELECT 1", "SELECT 1"},
        {"  select 1\n", "select 1"},
        {"```sql\nSELECT 1\n```", "SELECT 1"},
        {"```SQL\nSELECT 1;\n```\n", "SELECT 1;"},
        {"```duckdb\nSELECT 1\n```", "SELECT 1"},
        {"```\nSELECT 1\n```", "SELECT 1"},
        {"Here it is:\n\n```sql\nSELECT a\nFROM t\n```\nIt counts.", "SELECT a\nFROM t"},
        {"```sql\nSELECT 1\n```\nBetter:\n```sql\nSELECT 2\n```", "SELECT 2"},
        {"```python\nimport x\n```\n```sql\nSELECT 2\n```", "SELECT 2"},
        {"```sql\nSELECT 2\n```\n```python\nprint(1)\n```", "SELECT 2"},
        {"```sql\r\nSELECT 1\r\n```\r\n", "SELECT 1"},
        {"  ```sql\n  SELECT 1\n  ```", "SELECT 1"},
        {"```sql\nSELECT 1", "SELECT 1"},
        {"The query is\nWITH w AS (SELECT 1)\nSELECT * FROM w", "WITH w AS (SELECT 1)\nSELECT * FROM w"},
        {"Sure.\nFROM t SELECT a", "FROM t SELECT a"},
        {"Sure.\n(SELECT 1) UNION (SELECT 2)", "(SELECT 1) UNION (SELECT 2)"},
        {"SELECT(1)", "SELECT(1)"},
        {"select*from t", "select*from t"},
        {"", ""},
        {"I cannot answer that.", ""},
        {"Selections are hard.\nWithout data", ""},
        {"```", ""},
        {"```\n```", ""},
        {"```json\n{}\n```", ""},
        {"DROP TABLE t", ""},
        {"```sql\nDROP TABLE t\n```", "DROP TABLE t"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        floe_str got = floe_ask_sql_of(floe_str_of(cases[i][0]));
        if (!floe_str_is(got, cases[i][1])) {
            print_message("%s\n→ %.*s\n", cases[i][0], FLOE_STR_ARG(got));
            fail();
        }
    }
}

/* What is found lies in the text, whatever the text is. */
static void sql_of__any_bytes__give_a_piece_of_them(void **state) {
    (void)state;
    static const char *const parts[] = {"```",  "sql", "\n",    "SELECT 1", " ",      "\r\n",
                                        "WITH", "x",   "FROM ", "\xff",     "(select"};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 5000; round++) {
        char text[256] = "";
        uint64_t count = floe_test_below(&rng, 14);
        for (uint64_t i = 0; i < count; i++) {
            strcat(text, parts[floe_test_below(&rng, COUNT(parts))]);
        }
        floe_str got = floe_ask_sql_of(floe_str_of(text));
        assert_true(got.len == 0 || (got.ptr >= text && got.ptr + got.len <= text + strlen(text)));
        assert_true(got.len == floe_str_trim(got).len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completion__well_formed__gives_the_first_choices_text),
        cmocka_unit_test(completion__anything_else__is_corrupt_and_says_what),
        cmocka_unit_test(sql_of__texts__give_the_statement),
        cmocka_unit_test(sql_of__any_bytes__give_a_piece_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
