/*
 * YAML scalars: their types and the variables in them. The oracle for types is the set of regular expressions of YAML
 * 1.2.2, chapter 10.3.2, run by regexec(3).
 */
#include "tests/core/yaml_help.h"

#include <math.h>
#include <regex.h>

/* ---- Scalars ---- */

static void assert_kind(const char *text, floe_node_kind kind) {
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse_ok(&arena, text);
    if (root->kind != kind) {
        fail_msg("%s is %s, expected %s", text, floe_node_kind_name(root->kind), floe_node_kind_name(kind));
    }
}

static void yaml_scalar__words_of_yaml_1_1__are_text(void **state) {
    (void)state;
    static const char *const words[] = {
        "yes",  "no",   "on",   "off",   "y",  "n",          "Yes", "tRUE", "nULL", "1:30", "1_000",
        "0b11", "+0x1", "-0o7", "0X1F",  "1e", "2001-01-15", ".",   "-",    "+",    "e5",   "1.2.3",
        "NaN",  "inf",  ".iNF", "+.nan", "0x", "0o",         "0o8", "0xg",  "--1",  "1-",   "Infinity"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i], "-") != 0) { /* "-" opens a list */
            assert_kind(words[i], FLOE_NODE_STRING);
        }
    }
}

static void yaml_scalar__numbers__have_their_values(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"0", "i0"},
        {"-0", "i0"},
        {"+12", "i12"},
        {"010", "i10"}, /* decimal: the core schema has no leading-zero octal */
        {"0o17", "i15"},
        {"0x1f", "i31"},
        {"0xFF", "i255"},
        {"9223372036854775807", "i9223372036854775807"},
        {"-9223372036854775808", "i-9223372036854775808"},
        {"0x7fffffffffffffff", "i9223372036854775807"},
        {"0.5", "r0.5"},
        {".5", "r0.5"},
        {"5.", "r5"},
        {"-1.5e3", "r-1500"},
        {"1e2", "r100"},
        {"+1E+2", "r100"},
        {"1e-400", "r0"},
        {".inf", "rinf"},
        {"-.INF", "r-inf"},
        {"+.Inf", "rinf"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_dump(cases[i][0], cases[i][1]);
    }
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse_ok(&arena, ".nan");
    assert_int_equal(root->kind, FLOE_NODE_REAL);
    assert_true(isnan(root->as.real));
}

static void yaml_scalar__numbers_past_64_bits__are_refused_and_quoted_ones_are_text(void **state) {
    (void)state;
    static const char *const numbers[] = {"9223372036854775808",
                                          "-9223372036854775809",
                                          "0x8000000000000000",
                                          "0o1000000000000000000000",
                                          "1e999",
                                          "-1e999"};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "a: 1\nb: %s\n", numbers[i]);
        assert_parse_fails(text, FLOE_INVALID, "f.yaml:2:4: ", "does not fit 64 bits");
        snprintf(text, sizeof(text), "'%s'", numbers[i]);
        assert_kind(text, FLOE_NODE_STRING);
    }
}

static regex_t compiled(const char *pattern) {
    regex_t made;
    assert_int_equal(regcomp(&made, pattern, REG_EXTENDED | REG_NOSUB), 0);
    return made;
}

/* YAML 1.2.2, 10.3.2, word for word but for the anchors. */
static const struct {
    const char *pattern;
    floe_node_kind kind;
} schema[] = {
    {"^(null|Null|NULL|~)$", FLOE_NODE_NULL},
    {"^(true|True|TRUE|false|False|FALSE)$", FLOE_NODE_BOOL},
    {"^[-+]?[0-9]+$", FLOE_NODE_INT},
    {"^0o[0-7]+$", FLOE_NODE_INT},
    {"^0x[0-9a-fA-F]+$", FLOE_NODE_INT},
    {"^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$", FLOE_NODE_REAL},
    {"^[-+]?(\\.inf|\\.Inf|\\.INF)$", FLOE_NODE_REAL},
    {"^(\\.nan|\\.NaN|\\.NAN)$", FLOE_NODE_REAL},
};
#define SCHEMA_COUNT (sizeof(schema) / sizeof(schema[0]))

static floe_node_kind kind_by_schema(const regex_t patterns[SCHEMA_COUNT], const char *text) {
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        if (regexec(&patterns[i], text, 0, NULL, 0) == 0) {
            return schema[i].kind;
        }
    }
    return FLOE_NODE_STRING;
}

static void yaml_scalar__random_text__has_the_kind_of_the_core_schema(void **state) {
    (void)state;
    regex_t patterns[SCHEMA_COUNT];
    uint64_t seed = 4711;
    size_t seen[FLOE_NODE_STRING + 1] = {0};
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        patterns[i] = compiled(schema[i].pattern);
    }
    for (int i = 0; i < 40000; i++) {
        char text[16] = "[";
        size_t len = 1 + random_below(&seed, 6);
        for (size_t at = 0; at < len; at++) {
            text[at + 1] = "0012789+-..eEoxaAfF"[random_below(&seed, 19)];
        }
        floe_node_kind expected = kind_by_schema(patterns, text + 1);
        memcpy(text + 1 + len, "]", 2); /* in a list, so that a lone "-" is no document of its own */
        FLOE_AUTO_ARENA arena;
        floe_error err = {0};
        const floe_node *root = NULL;
        floe_status status = parse(&arena, text, strlen(text), &root, &err);
        if (floe_failed(status)) { /* "-" and what follows it, or 1e999 */
            assert_true(text[1] == '-' || strpbrk(text, "eE") != NULL);
            continue;
        }
        if (root->items[0]->kind != expected) {
            fail_msg("%s is %s, expected %s", text, floe_node_kind_name(root->items[0]->kind),
                     floe_node_kind_name(expected));
        }
        seen[expected]++;
    }
    assert_true(seen[FLOE_NODE_INT] > 1000 && seen[FLOE_NODE_REAL] > 1000 && seen[FLOE_NODE_STRING] > 1000);
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        regfree(&patterns[i]);
    }
}

/* ---- Variables ---- */

static void yaml_variables__are_expanded_inside_scalars(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a: ${PORT}", "{\"a\":i6379}"}, /* plain, one variable: resolved */
        {"a: ${YES}", "{\"a\":b1}"},
        {"a: ${NIL}", "{\"a\":n}"},
        {"a: ${EMPTY}", "{\"a\":n}"},
        {"a: ${NONE:-5}", "{\"a\":i5}"},
        {"a: ${NONE:-}", "{\"a\":n}"},
        {"a: ${EMPTY:-x}", "{\"a\":\"x\"}"}, /* empty counts as unset, as in a shell */
        {"a: ${PORT:-1}", "{\"a\":i6379}"},
        {"a: '${PORT}'", "{\"a\":\"6379\"}"}, /* quoted: text */
        {"a: \"${PORT}\"", "{\"a\":\"6379\"}"},
        {"a: ${PORT}0", "{\"a\":\"63790\"}"}, /* more than a variable: text */
        {"a: 1${PORT}", "{\"a\":\"16379\"}"},
        {"a: ${PORT}${PORT}", "{\"a\":\"63796379\"}"},
        {"a: ${NAME}://h:${PORT}/", "{\"a\":\"redis://h:6379/\"}"},
        {"a: |\n  ${NAME}\n", "{\"a\":\"redis\n\"}"},
        {"${NAME}: 1", "{\"redis\":i1}"}, /* keys too */
        {"['${NAME}', \"${NONE:-a,b}\"]", "[\"redis\",\"a,b\"]"},
        {"a: $$", "{\"a\":\"$\"}"},
        {"a: $${PORT}", "{\"a\":\"${PORT}\"}"},
        {"a: $$$${PORT}", "{\"a\":\"$${PORT}\"}"},
        {"a: $$${PORT}", "{\"a\":\"$6379\"}"},
        {"a: $5 and $", "{\"a\":\"$5 and $\"}"},
        {"a: ^x$", "{\"a\":\"^x$\"}"},
        {"a: $PORT", "{\"a\":\"$PORT\"}"},
        {"a: ${NONE:-$$5}", "{\"a\":\"$5\"}"},
        {"a: ${NONE:-cost $5$}", "{\"a\":\"cost $5$\"}"},
        {"a: ${NONE:-x:-y}", "{\"a\":\"x:-y\"}"},
        {"a: ${DOLLAR}", "{\"a\":\"$$\"}"}, /* values are not expanded again */
        {"a: ${RECURSIVE}", "{\"a\":\"${PORT}\"}"},
        {"a: ${QUOTE}", "{\"a\":\"a: 'b' # c\"}"},    /* a value cannot change the structure */
        {"a: \"\\u0024{PORT}\"", "{\"a\":\"6379\"}"}, /* after parsing means after escapes */
        {"!!str ${PORT}", "\"6379\""},
        {"a: 5 # ${NONE}", "{\"a\":i5}"}, /* not in comments */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_dump(cases[i][0], cases[i][1]);
    }
}

static void yaml_variables__unset__are_all_named_with_their_places(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    const char *text = "a: ${FIRST}\nb:\n  - ok ${SECOND} ${PORT}\n${THIRD}: 1\n${FOURTH}: 2\n";
    assert_fails(parse(&arena, text, strlen(text), &root, &err), &err, FLOE_INVALID);
    assert_null(root);
    static const char *const parts[] = {"f.yaml:1:4: the variable FIRST is not set", "f.yaml:3:5: the variable SECOND",
                                        "f.yaml:4:1: the variable THIRD", "${FIRST:-default}"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_message_has(&err, parts[i]);
    }
    assert_null(strstr(err.message, "PORT"));
    root = NULL;
    floe_arena_reset(&arena);
    assert_true(floe_failed(floe_yaml_parse(&arena, FLOE_STR("${NO_SUCH}"), "f", test_env, NULL, &root, NULL)));
    assert_null(root);
}

static void yaml_variables__malformed__are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"a: ${PORT", "not closed"},       {"a: 'x ${'", "not closed"},        {"a: ${}", "not followed"},
        {"a: ${1A}", "not followed"},      {"a: ${A-x}", "not followed"},      {"a: ${A:+x}", "not followed"},
        {"a: ${A B}", "not followed"},     {"a: ${NONE:-${PORT}}", "further"}, {"a: ${NONE:-a", "not closed"},
        {"a: ${NONE:-x #}", "not closed"}, {"a: \"${\\0}\"", "not followed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_parse_fails(cases[i][0], FLOE_INVALID, "f.yaml:1:4: ", cases[i][1]);
    }
    char longest[FLOE_LIMIT_NAME_BYTES + 16];
    snprintf(longest, sizeof(longest), "${%0*d:-x}", FLOE_LIMIT_NAME_BYTES + 1, 0);
    longest[2] = 'A';
    assert_parse_fails(longest, FLOE_INVALID, "f.yaml:1:1: ", "not followed");
    assert_parse_fails("a: x${BAD}", FLOE_INVALID, "f.yaml:1:4: ", "UTF-8");
    assert_parse_fails("a: ${HUGE}", FLOE_INVALID, "f.yaml:1:4: ", "does not fit");
    assert_parse_fails("${NIL}: 1", FLOE_INVALID, "f.yaml:1:1: ", "key is missing or null");
    assert_parse_fails("redis: 1\n${NAME}: 2", FLOE_INVALID, "f.yaml:2:1: ", "duplicate key 'redis'");
}

static void yaml_variables__without_a_lookup__come_from_the_environment(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    floe_arena_init(&arena, ARENA_CAP);
    assert_int_equal(setenv("FLOE_TEST_YAML", "42", 1), 0);
    assert_ok(floe_yaml_parse(&arena, FLOE_STR("${FLOE_TEST_YAML}"), "f", NULL, NULL, &root, &err), &err);
    assert_int_equal(root->as.integer, 42);
    assert_int_equal(unsetenv("FLOE_TEST_YAML"), 0);
    assert_fails(floe_yaml_parse(&arena, FLOE_STR("${FLOE_TEST_YAML}"), "f", NULL, NULL, &root, &err), &err,
                 FLOE_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_scalar__words_of_yaml_1_1__are_text),
        cmocka_unit_test(yaml_scalar__numbers__have_their_values),
        cmocka_unit_test(yaml_scalar__numbers_past_64_bits__are_refused_and_quoted_ones_are_text),
        cmocka_unit_test(yaml_scalar__random_text__has_the_kind_of_the_core_schema),
        cmocka_unit_test(yaml_variables__are_expanded_inside_scalars),
        cmocka_unit_test(yaml_variables__unset__are_all_named_with_their_places),
        cmocka_unit_test(yaml_variables__malformed__are_refused),
        cmocka_unit_test(yaml_variables__without_a_lookup__come_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
