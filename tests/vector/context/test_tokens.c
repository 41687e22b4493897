/*
 * The count of tokens against two real tokenizers: tokens.jsonl holds texts with their counts by js-tiktoken 1.0.15
 * (make_tokens.cjs).
 */
#include "tests/support/support.h"

#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "vector/vector.h"

#include <stdlib.h>

static size_t count_of(const char *text) {
    return floe_tokens_count(floe_str_of(text));
}

typedef struct kind_bound {
    const char *kind;
    double least;       /* of ours to cl100k's, for each text */
    double least_other; /* of ours to o200k's */
    double most;        /* of all of ours to all of cl100k's */
} kind_bound;

/* What tokens.c states: never below on schemas, questions and prose, and not dear either; a tenth below on other languages;
 * random letters may be half. */
static const kind_bound bounds[] = {
    {"schema", 1, 0.97, 1.5},        {"question", 1, 0.97, 1.6},        {"prose", 1, 0.97, 1.6},
    {"language", 0.9, 0.97, 2.2},    {"random letters", 0.5, 0.5, 1.5}, {"random capitals", 0.9, 0.9, 1.6},
    {"random marks", 0.9, 0.9, 1.6}, {"random mixed", 0.5, 0.5, 1.5},
};
#define KINDS (sizeof(bounds) / sizeof(bounds[0]))

static void check_line(floe_str line, double ours_of[KINDS], double real_of[KINDS]) {
    FLOE_AUTO_ARENA arena;
    const floe_node *node = NULL;
    floe_str kind = {0};
    floe_str text = {0};
    int64_t real = 0;
    int64_t other = 0;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(4));
    assert_ok(floe_json_parse(&arena, line, &node, &err), &err);
    assert_ok(floe_node_need_str(node, "kind", "line", &kind, &err), &err);
    assert_ok(floe_node_need_str(node, "text", "line", &text, &err), &err);
    assert_ok(floe_node_need_i64(node, "cl100k", "line", &real, &err), &err);
    assert_ok(floe_node_need_i64(node, "o200k", "line", &other, &err), &err);
    for (size_t i = 0; i < KINDS; i++) {
        if (floe_str_is(kind, bounds[i].kind)) {
            double ours = (double)floe_tokens_count(text);
            if (ours < bounds[i].least * (double)real || ours < bounds[i].least_other * (double)other) {
                print_message("%.0f tokens instead of %lld and %lld: %.*s\n", ours, (long long)real, (long long)other,
                              FLOE_STR_ARG(text));
                fail();
            }
            ours_of[i] += ours;
            real_of[i] += (double)real;
            return;
        }
    }
    fail_msg("an unknown kind");
}

static void tokens__golden_texts__are_never_below_what_is_stated(void **state) {
    (void)state;
    FLOE_AUTO_BUF text;
    double ours[KINDS] = {0};
    double real[KINDS] = {0};
    floe_error err = {0};
    floe_buf_init(&text, FLOE_MIB(16));
    assert_ok(floe_file_read("tests/vector/context/tokens.jsonl", &text, &err), &err);
    floe_str rest = floe_buf_view(&text);
    floe_str line = {0};
    size_t lines = 0;
    while (floe_str_split(&rest, '\n', &line)) {
        if (line.len > 0) {
            check_line(line, ours, real);
            lines++;
        }
    }
    assert_true(lines > 300);
    for (size_t i = 0; i < KINDS; i++) {
        assert_true(real[i] > 0);
        assert_true(ours[i] <= bounds[i].most * real[i]);
    }
}

static void tokens__small_texts__count_as_derived(void **state) {
    (void)state;
    assert_int_equal(count_of(""), 0);
    assert_int_equal(count_of("a"), 1);
    assert_int_equal(count_of("origin"), 2);  /* six letters, a quarter each */
    assert_int_equal(count_of("flights"), 4); /* seven, and three quarters for each of t and s after g and h */
    assert_int_equal(count_of("SELECT"), 1);  /* a word of SQL */
    assert_int_equal(count_of(" SELECT"), 1); /* its space goes with it */
    assert_int_equal(count_of("2001"), 2);    /* three digits and one */
    assert_int_equal(count_of("123456"), 2);
    assert_int_equal(count_of("________"), 2);         /* one mark, and one more for eight equal */
    assert_int_equal(count_of("                "), 2); /* sixteen spaces */
    assert_int_equal(count_of("\n"), 1);
    assert_int_equal(count_of("a\nb"), 3);
}

/* A text in two pieces never counts less than the whole by more than the piece that is cut. */
static void tokens__whole__is_about_the_sum_of_its_parts(void **state) {
    (void)state;
    static const char text[] = "CREATE TABLE \"lake\".\"t\" (\n  \"a_b\" INTEGER, -- some comment here, 12.5 %\n);\n";
    size_t whole = count_of(text);
    for (size_t at = 0; at < sizeof(text); at++) {
        floe_str head = {text, at};
        floe_str tail = {text + at, sizeof(text) - 1 - (at < sizeof(text) ? at : 0)};
        size_t parts = floe_tokens_count(head) + floe_tokens_count(tail);
        assert_true(parts + 2 >= whole);
        assert_true(parts <= whole + 8);
        if (at == sizeof(text) - 1) {
            break;
        }
    }
}

static void tokens__any_bytes__are_counted_and_never_more_than_bytes(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 3000; round++) {
        char bytes[64];
        size_t len = floe_test_below(&rng, sizeof(bytes));
        floe_test_fill(&rng, bytes, len);
        for (size_t i = 0; i < len && round % 2; i++) {
            bytes[i] = (char)(bytes[i] & 0x7f);
        }
        size_t tokens = floe_tokens_count((floe_str){bytes, len});
        assert_true(len == 0 ? tokens == 0 : tokens >= 1);
        /* Consonants in a row and characters of two bytes are priced above their bytes by a half at most. */
        assert_true(tokens <= 2 * len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens__golden_texts__are_never_below_what_is_stated),
        cmocka_unit_test(tokens__small_texts__count_as_derived),
        cmocka_unit_test(tokens__whole__is_about_the_sum_of_its_parts),
        cmocka_unit_test(tokens__any_bytes__are_counted_and_never_more_than_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
