/*
 * Evaluation of expressions, against tables written out by hand and against a small evaluator of another making: it
 * computes truth as -1, 0, 1 (false, unknown, true), so that AND is a minimum, OR a maximum and NOT a change of sign;
 * it keeps exact numbers in thousandths, and matches LIKE by plain recursion.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "registry/expr/expr_int.h"
#include "tests/registry/helpers.h"

#include <math.h>
#include <stdio.h>

static floe_arena arena;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(1));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

enum { COL_I, COL_L, COL_D, COL_E, COL_F, COL_G, COL_S, COL_T, COL_B, COL_DAY, COL_TS, COLUMNS };

static const floe_column columns[COLUMNS] = {
    {FLOE_STR("i"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("l"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("d"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("e"), {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 3}},
    {FLOE_STR("f"), {.kind = FLOE_KIND_FLOAT}},
    {FLOE_STR("g"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("s"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("t"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("b"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("ts"), {.kind = FLOE_KIND_TIMESTAMP}},
};

static floe_value row[COLUMNS];

static void clear_row(void) {
    for (int i = 0; i < COLUMNS; i++) {
        row[i] = floe_value_null(columns[i].type);
    }
}

static void put_int(int column, int64_t value) {
    row[column] = (floe_value){.type = columns[column].type, .as.integer = value};
}
static void put_decimal(int column, __int128 unscaled) {
    row[column] = (floe_value){.type = columns[column].type, .as.decimal = unscaled};
}
static void put_real(int column, double value) {
    row[column] = (floe_value){.type = columns[column].type, .as.real = value};
}
static void put_text(int column, const char *text) {
    row[column] = floe_value_string(floe_str_of(text));
}
static void put_bool(int column, bool value) {
    row[column] = (floe_value){.type = columns[column].type, .as.boolean = value};
}

/* -1 false, 0 unknown, 1 true. */
static int evaluate(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    assert_ok(floe_expr_parse(&arena, floe_str_of(text), &expr, &err), &err);
    assert_ok(floe_expr_bind(expr, &arena, columns, COLUMNS, &err), &err);
    floe_value value = floe_expr_eval(expr, row, NULL);
    assert_int_equal(value.type.kind, FLOE_KIND_BOOL);
    int result = value.is_null ? 0 : value.as.boolean ? 1 : -1;
    assert_int_equal(floe_expr_passes(expr, row, NULL), result == 1);
    return result;
}

typedef struct truth_case {
    const char *text;
    int result;
} truth_case;

static void check_all(const truth_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int result = evaluate(cases[i].text);
        if (result != cases[i].result) {
            fail_msg("%s gives %d, not %d", cases[i].text, result, cases[i].result);
        }
    }
}
#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof *(cases))

static void expr_eval__logic__follows_the_three_valued_tables(void **state) {
    (void)state;
    clear_row();
    static const truth_case cases[] = {
        {"TRUE AND TRUE", 1},
        {"TRUE AND FALSE", -1},
        {"TRUE AND NULL", 0},
        {"FALSE AND TRUE", -1},
        {"FALSE AND FALSE", -1},
        {"FALSE AND NULL", -1},
        {"NULL AND TRUE", 0},
        {"NULL AND FALSE", -1},
        {"NULL AND NULL", 0},
        {"TRUE OR TRUE", 1},
        {"TRUE OR FALSE", 1},
        {"TRUE OR NULL", 1},
        {"FALSE OR TRUE", 1},
        {"FALSE OR FALSE", -1},
        {"FALSE OR NULL", 0},
        {"NULL OR TRUE", 1},
        {"NULL OR FALSE", 0},
        {"NULL OR NULL", 0},
        {"NOT TRUE", -1},
        {"NOT FALSE", 1},
        {"NOT NULL", 0},
        {"NULL", 0},
        {"TRUE", 1},
        {"FALSE", -1},
        {"b", 0},
        {"NOT b", 0},
        {"b IS NULL", 1},
        {"b IS NOT NULL", -1},
        {"TRUE IS NULL", -1},
        {"NULL AND NULL AND FALSE", -1},
        {"NULL OR NULL OR TRUE", 1},
    };
    CHECK_ALL(cases);
}

static void expr_eval__null__makes_every_comparison_unknown(void **state) {
    (void)state;
    clear_row();
    static const truth_case cases[] = {
        {"i = 1", 0},
        {"i <> 1", 0},
        {"i < 1", 0},
        {"i >= 1", 0},
        {"NULL = NULL", 0},
        {"s LIKE '%'", 0},
        {"'x' LIKE s", 0},
        {"i BETWEEN 1 AND 2", 0},
        {"1 BETWEEN i AND 0", -1},
        {"i IN (1)", 0},
        {"NULL IN (NULL)", 0},
        {"i NOT IN (1)", 0},
        {"i IS NULL", 1},
        {"(i = 1) IS NULL", 1},
        {"1 IN (2, i)", 0},
        {"1 IN (1, i)", 1},
        {"1 NOT IN (2, i)", 0},
        {"1 NOT IN (1, i)", -1},
        {"1 IN (2, 3)", -1},
        {"1 NOT IN (2, 3)", 1},
        {"ts > DATE '2001-01-01'", 0},
    };
    CHECK_ALL(cases);
}

static void expr_eval__numbers__of_every_mix_compare_by_value(void **state) {
    (void)state;
    clear_row();
    put_int(COL_I, 5);
    put_int(COL_L, INT64_C(9007199254740993)); /* 2^53 + 1 */
    put_decimal(COL_D, 550);                   /* 5.50 */
    put_decimal(COL_E, 5500);                  /* 5.500 */
    put_real(COL_F, 0.5);
    put_real(COL_G, 0.1);
    static const truth_case cases[] = {
        {"i = 5", 1},
        {"i = 5.0", 1},
        {"i < 5.5", 1},
        {"i = 5e0", 1},
        {"d = e", 1},
        {"d = 5.5", 1},
        {"d > i", 1},
        {"e >= 5.5001", -1},
        {"e < 5.5001", 1},
        {"d > 5.49", 1},
        {"g = 0.1", 1},
        {"f = 0.5", 1},
        {"f = 1e-1", -1},
        {"l = 9007199254740993", 1},
        {"l > 9007199254740992", 1},
        {"l = 9007199254740993.0", 1},
        {"l > 9007199254740992.5", 1},
        /* As doubles both are 2^53: a number meets a float as a double. */
        {"l = 9007199254740992e0", 1},
        {"5 = 5.000", 1},
        {"1e0 = 1", 1},
        {"0.1 = 1e-1", 1},
        {"i BETWEEN 5 AND 5", 1},
        {"i NOT BETWEEN 5 AND 5", -1},
        {"i BETWEEN 6 AND 4", -1},
        {"i IN (1, 5.0)", 1},
        {"99999999999999999999 > l", 1},
    };
    CHECK_ALL(cases);
}

static void expr_eval__nan_and_signed_zero__have_their_place(void **state) {
    (void)state;
    clear_row();
    put_real(COL_F, NAN);
    put_real(COL_G, -NAN);
    put_int(COL_I, 0);
    static const truth_case nan_cases[] = {
        {"f = g", 1},  {"f <> g", -1},  {"f > 1e308", 1}, {"f < 1e308", -1}, {"f >= g", 1},
        {"f > g", -1}, {"g IN (f)", 1}, {"i < f", 1},     {"f IS NULL", -1}, {"f BETWEEN 0 AND g", 1},
    };
    CHECK_ALL(nan_cases);
    put_real(COL_F, INFINITY);
    static const truth_case inf_cases[] = {{"f < g", 1}, {"f > 1e308", 1}, {"f = f", 1}, {"-1e308 < f", 1}};
    CHECK_ALL(inf_cases);
    put_real(COL_F, -0.0);
    put_real(COL_G, 0.0);
    static const truth_case zero_cases[] = {{"f = g", 1}, {"f < g", -1}, {"f = 0", 1}, {"f = i", 1}, {"f >= -0.0", 1}};
    CHECK_ALL(zero_cases);
}

static void expr_eval__decimals__compare_exactly_at_the_ends_of_their_range(void **state) {
    (void)state;
    clear_row();
    __int128 big = 1;
    for (int i = 0; i < 38; i++) {
        big *= 10;
    }
    put_decimal(COL_E, big - 1); /* 38 nines, 35 before the point */
    put_decimal(COL_D, -1);      /* -0.01 */
    put_int(COL_L, INT64_MIN);
    static const truth_case cases[] = {
        {"e > l", 1},
        {"e > 99999999999999999999999999999999999.998", 1},
        {"e = 99999999999999999999999999999999999.999", 1},
        {"e < 99999999999999999999999999999999999999", 1},
        {"d < 0", 1},
        {"d > -0.011", 1},
        {"d = -0.010", 1},
        {"d < 0.00000000000000000000000000000000000001", 1},
        {"d < -0.00000000000000000000000000000000000001", 1},
        {"l < d", 1},
        {"l = -9223372036854775808", 1},
        {"e > 9e34", 1},
        {"e < 1.1e35", 1},
    };
    CHECK_ALL(cases);
}

static void expr_eval__decimal_as_double__is_the_nearest_double(void **state) {
    (void)state;
    /* Expected: what the C compiler makes of the same decimal text. */
    assert_true(floe_expr_decimal_real(1, 1) == 0.1);
    assert_true(floe_expr_decimal_real(-3, 1) == -0.3);
    assert_true(floe_expr_decimal_real((__int128)9007199254740993, 0) == 9007199254740993.0);
    assert_true(floe_expr_decimal_real((__int128)9007199254740993, 3) == 9007199254740.993);
    assert_true(floe_expr_decimal_real((__int128)1234567890123456789, 18) == 1.234567890123456789);
    assert_true(floe_expr_decimal_real((__int128)-1234567890123456789, 38) == -1234567890123456789e-38);
    assert_true(floe_expr_decimal_real((__int128)123456789, 25) == 123456789e-25);
    assert_true(floe_expr_decimal_real(0, 38) == 0.0);
}

static void expr_eval__times__compare_as_instants(void **state) {
    (void)state;
    clear_row();
    put_int(COL_DAY, 11337);                                    /* 2001-01-15 */
    put_int(COL_TS, INT64_C(11337) * INT64_C(86400000000) + 1); /* one microsecond later */
    static const truth_case cases[] = {
        {"day < ts", 1},
        {"day = DATE '2001-01-15'", 1},
        {"ts > DATE '2001-01-15'", 1},
        {"ts < DATE '2001-01-16'", 1},
        {"day = TIMESTAMP '2001-01-15 00:00:00'", 1},
        {"day < TIMESTAMP '2001-01-15 00:00:00.000001'", 1},
        {"ts = TIMESTAMP '2001-01-15 00:00:00.000001'", 1},
        {"ts IN (DATE '2001-01-15', TIMESTAMP '2001-01-15 00:00:00.000001')", 1},
    };
    CHECK_ALL(cases);
    put_int(COL_DAY, INT32_MAX); /* beyond what microseconds in int64 can say */
    static const truth_case far[] = {{"day > ts", 1}, {"day > TIMESTAMP '9999-12-31 23:59:59'", 1}};
    CHECK_ALL(far);
}

static void expr_eval__text__compares_by_bytes(void **state) {
    (void)state;
    clear_row();
    put_text(COL_S, "abc");
    put_text(COL_T, "é"); /* 0xC3 0xA9 */
    static const truth_case cases[] = {
        {"s = 'abc'", 1}, {"s < 'abd'", 1}, {"s < 'abcd'", 1}, {"s > 'ab'", 1},          {"s > 'ABC'", 1},
        {"s > ''", 1},    {"t > 'z'", 1},   {"t = 'é'", 1},    {"s IN ('x', 'abc')", 1},
    };
    CHECK_ALL(cases);
}

static void expr_like__wildcards__match_runs_and_characters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *pattern;
        bool matches;
    } cases[] = {
        {"", "", true},
        {"", "%", true},
        {"", "_", false},
        {"a", "", false},
        {"a", "_", true},
        {"ab", "_", false},
        {"ab", "__", true},
        {"abc", "a%", true},
        {"abc", "%c", true},
        {"abc", "%b%", true},
        {"abc", "a_c", true},
        {"abc", "a%c", true},
        {"abc", "a%d", false},
        {"abc", "%%%", true},
        {"abcabc", "%bc", true},
        {"abcabd", "%bc", false},
        {"é", "_", true},
        {"éa", "_a", true},
        {"aé", "%_", true},
        {"é", "__", false},
        {"日本", "_本", true},
        {"日本", "%本", true},
        {"a%b", "a%b", true},
        {"mississippi", "m%iss%p_", true},
        {"mississippi", "m%iss%x_", false},
        {"ABC", "abc", false},
        {"a\\b", "a\\b", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (floe_expr_like(floe_str_of(cases[i].text), floe_str_of(cases[i].pattern)) != cases[i].matches) {
            fail_msg("'%s' LIKE '%s'", cases[i].text, cases[i].pattern);
        }
    }
}

static bool naive_like(const char *text, const char *pattern) {
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '%') {
        return naive_like(text, pattern + 1) || (*text != '\0' && naive_like(text + 1, pattern));
    }
    return *text != '\0' && (*pattern == '_' || *pattern == *text) && naive_like(text + 1, pattern + 1);
}

static void random_word(floe_test_rng *rng, char *out, const char *alphabet, size_t max_len) {
    size_t len = (size_t)floe_test_below(rng, max_len + 1);
    for (size_t i = 0; i < len; i++) {
        out[i] = alphabet[floe_test_below(rng, strlen(alphabet))];
    }
    out[len] = '\0';
}

static void expr_like__random_patterns__agree_with_plain_recursion(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    int matches = 0;
    for (int i = 0; i < 50000; i++) {
        char text[16];
        char pattern[16];
        random_word(&rng, text, "ab", 12);
        random_word(&rng, pattern, "ab%_", 8);
        bool expected = naive_like(text, pattern);
        matches += expected;
        if (floe_expr_like(floe_str_of(text), floe_str_of(pattern)) != expected) {
            fail_msg("'%s' LIKE '%s' is not %d", text, pattern, expected);
        }
    }
    assert_true(matches > 1000 && matches < 49000);
}

static void expr_like__hostile_pattern__takes_no_exponential_time(void **state) {
    (void)state;
    /* Recursion would try about 4000 choose 12 ways here. */
    char *text = floe_arena_alloc(&arena, 4001, 1);
    memset(text, 'a', 4000);
    assert_false(floe_expr_like(floe_str_of(text), FLOE_STR("%a%a%a%a%a%a%a%a%a%a%a%a%b")));
    assert_true(floe_expr_like(floe_str_of(text), FLOE_STR("%a%a%a%a%a%a%a%a%a%a%a%a%")));
}

/* ---- the property: random expressions against the small evaluator ---- */

typedef struct number {
    bool is_null;
    bool is_real;
    double real;
    int64_t thousandths;
} number;

typedef struct generator {
    floe_test_rng rng;
    floe_buf text;
} generator;

static uint64_t pick(generator *g, uint64_t bound) {
    return floe_test_below(&g->rng, bound);
}

static const double reals[] = {0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 0.25, 1.5, NAN, INFINITY, -INFINITY};

static number oracle_row[COL_S];
static char oracle_text[2][16];
static bool oracle_text_null[2];
static int oracle_bool;

static void fill_number(generator *g, int column) {
    number *n = &oracle_row[column];
    *n = (number){.is_null = pick(g, 5) == 0, .is_real = column >= COL_F};
    row[column] = floe_value_null(columns[column].type);
    if (n->is_null) {
        return;
    }
    if (n->is_real) {
        n->real = reals[pick(g, sizeof reals / sizeof *reals)];
        put_real(column, n->real);
    } else if (column <= COL_L) {
        int64_t value = floe_test_between(&g->rng, -2, 2);
        n->thousandths = value * 1000;
        put_int(column, value);
    } else {
        int64_t step = column == COL_D ? 250 : 125;
        n->thousandths = floe_test_between(&g->rng, -16, 16) * step;
        put_decimal(column, column == COL_D ? n->thousandths / 10 : n->thousandths);
    }
}

static void fill_row(generator *g) {
    for (int column = COL_I; column < COL_S; column++) {
        fill_number(g, column);
    }
    for (int k = 0; k < 2; k++) {
        random_word(&g->rng, oracle_text[k], "ab", 4);
        oracle_text_null[k] = pick(g, 5) == 0;
        row[COL_S + k] = floe_value_null(columns[COL_S].type);
        if (!oracle_text_null[k]) {
            put_text(COL_S + k, oracle_text[k]);
        }
    }
    oracle_bool = (int)pick(g, 3) - 1;
    row[COL_B] = floe_value_null(columns[COL_B].type);
    if (oracle_bool != 0) {
        put_bool(COL_B, oracle_bool > 0);
    }
}

static number number_literal(generator *g) {
    number n = {0};
    switch (pick(g, 4)) {
    case 0:
        n.thousandths = floe_test_between(&g->rng, -2, 2) * 1000;
        floe_buf_printf(&g->text, "%d", (int)(n.thousandths / 1000));
        break;
    case 1: {
        int quarters = (int)floe_test_between(&g->rng, 0, 8);
        n.thousandths = quarters * 250;
        floe_buf_printf(&g->text, "%d.%02d", quarters / 4, quarters % 4 * 25);
        break;
    }
    case 2:
        n.is_real = true;
        n.real = (double)floe_test_between(&g->rng, -4, 4) / 2;
        floe_buf_printf(&g->text, "%.1fe0", n.real);
        break;
    default:
        n.is_null = true;
        floe_buf_text(&g->text, "NULL");
        break;
    }
    return n;
}

static number number_operand(generator *g) {
    if (pick(g, 3) == 0) {
        return number_literal(g);
    }
    int column = (int)pick(g, COL_S);
    floe_buf_str(&g->text, columns[column].name);
    return oracle_row[column];
}

static double oracle_real(number n) {
    return n.is_real ? n.real : (double)n.thousandths / 1000.0;
}

static int oracle_order(number a, number b) {
    if (!a.is_real && !b.is_real) {
        return (a.thousandths > b.thousandths) - (a.thousandths < b.thousandths);
    }
    double x = oracle_real(a);
    double y = oracle_real(b);
    if (x != x || y != y) {
        return (x != x) - (y != y);
    }
    return x > y ? 1 : x < y ? -1 : 0;
}

static int apply_op(uint64_t op, int order) {
    bool results[6] = {order == 0, order != 0, order<0, order <= 0, order> 0, order >= 0};
    return results[op] ? 1 : -1;
}

static const char *const op_texts[6] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};

static int gen_number_comparison(generator *g) {
    number a = number_operand(g);
    uint64_t op = pick(g, 6);
    floe_buf_text(&g->text, op_texts[op]);
    number b = number_operand(g);
    return a.is_null || b.is_null ? 0 : apply_op(op, oracle_order(a, b));
}

static int gen_between(generator *g) {
    number x = number_operand(g);
    bool negated = pick(g, 2) == 0;
    floe_buf_text(&g->text, negated ? " NOT BETWEEN " : " BETWEEN ");
    number low = number_operand(g);
    floe_buf_text(&g->text, " AND ");
    number high = number_operand(g);
    int above = x.is_null || low.is_null ? 0 : apply_op(5, oracle_order(x, low));
    int below = x.is_null || high.is_null ? 0 : apply_op(3, oracle_order(x, high));
    int both = above < below ? above : below;
    return negated ? -both : both;
}

static int gen_in(generator *g) {
    number x = number_operand(g);
    bool negated = pick(g, 2) == 0;
    floe_buf_text(&g->text, negated ? " NOT IN (" : " IN (");
    int result = -1;
    uint64_t count = 1 + pick(g, 4);
    for (uint64_t i = 0; i < count; i++) {
        floe_buf_text(&g->text, i > 0 ? ", " : "");
        number item = number_operand(g);
        int equal = x.is_null || item.is_null ? 0 : apply_op(0, oracle_order(x, item));
        result = equal > result ? equal : result; /* x IN (a, b) is x = a OR x = b. */
    }
    floe_buf_text(&g->text, ")");
    return negated ? -result : result;
}

static int gen_text(generator *g) {
    int k = (int)pick(g, 2);
    char word[16];
    floe_buf_str(&g->text, columns[COL_S + k].name);
    if (pick(g, 2) == 0) {
        random_word(&g->rng, word, "ab%_", 4);
        floe_buf_printf(&g->text, " LIKE '%s'", word);
        return oracle_text_null[k] ? 0 : naive_like(oracle_text[k], word) ? 1 : -1;
    }
    random_word(&g->rng, word, "ab", 4);
    uint64_t op = pick(g, 6);
    floe_buf_printf(&g->text, "%s'%s'", op_texts[op], word);
    return oracle_text_null[k] ? 0 : apply_op(op, strcmp(oracle_text[k], word));
}

static int gen_leaf(generator *g) {
    switch (pick(g, 6)) {
    case 0:
        return gen_between(g);
    case 1:
        return gen_in(g);
    case 2:
        return gen_text(g);
    case 3:
        floe_buf_text(&g->text, "b");
        return oracle_bool;
    default:
        return gen_number_comparison(g);
    }
}

static int gen(generator *g, int depth) {
    if (depth == 0 || pick(g, 4) == 0) {
        return gen_leaf(g);
    }
    floe_buf_text(&g->text, "(");
    int result = 0;
    switch (pick(g, 4)) {
    case 0:
        floe_buf_text(&g->text, "NOT ");
        result = -gen(g, depth - 1);
        break;
    case 1: {
        bool negated = pick(g, 2) == 0;
        floe_buf_text(&g->text, "(");
        result = gen(g, depth - 1) == 0 ? 1 : -1;
        floe_buf_text(&g->text, negated ? ") IS NOT NULL" : ") IS NULL");
        result = negated ? -result : result;
        break;
    }
    default: {
        bool is_and = pick(g, 2) == 0;
        uint64_t count = 2 + pick(g, 2);
        result = is_and ? 1 : -1;
        for (uint64_t i = 0; i < count; i++) {
            floe_buf_text(&g->text, i == 0 ? "" : is_and ? " AND " : " OR ");
            int arg = gen(g, depth - 1);
            result = is_and ? (arg < result ? arg : result) : (arg > result ? arg : result);
        }
        break;
    }
    }
    floe_buf_text(&g->text, ")");
    return result;
}

static void expr_eval__random_expressions__agree_with_the_small_evaluator(void **state) {
    (void)state;
    generator g = {.rng = floe_test_rng_of(floe_test_seed())};
    floe_buf_init(&g.text, FLOE_MIB(1));
    int seen[3] = {0};
    clear_row();
    for (int i = 0; i < 20000; i++) {
        floe_buf_clear(&g.text);
        fill_row(&g);
        int expected = gen(&g, 4);
        assert_false(g.text.failed);
        if (g.text.len > FLOE_LIMIT_EXPRESSION_BYTES) {
            continue;
        }
        int found = evaluate(g.text.ptr);
        if (found != expected) {
            fail_msg("%s gives %d, not %d", g.text.ptr, found, expected);
        }
        seen[expected + 1]++;
        floe_arena_reset(&arena);
    }
    floe_buf_close(&g.text);
    assert_true(seen[0] > 1000 && seen[1] > 1000 && seen[2] > 1000);
}

static void expr_eval__bound_tree__allocates_nothing(void **state) {
    (void)state;
    floe_expr *expr = NULL;
    clear_row();
    put_decimal(COL_E, (__int128)1 << 100);
    put_text(COL_S, "abcabcabc");
    assert_ok(floe_expr_parse(&arena, FLOE_STR("e > 1e30 AND (s LIKE '%a%c' OR i IN (1, 2))"), &expr, NULL), NULL);
    assert_ok(floe_expr_bind(expr, &arena, columns, COLUMNS, NULL), NULL);
    floe_mem_fail_at(1);
    bool passes = floe_expr_passes(expr, row, NULL);
    uint64_t asked = floe_mem_fail_count();
    floe_mem_fail_off();
    assert_int_equal(asked, 0);
    /* 2^100 / 1000 is 1.27e27. */
    assert_false(passes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expr_eval__logic__follows_the_three_valued_tables),
        cmocka_unit_test(expr_eval__null__makes_every_comparison_unknown),
        cmocka_unit_test(expr_eval__numbers__of_every_mix_compare_by_value),
        cmocka_unit_test(expr_eval__nan_and_signed_zero__have_their_place),
        cmocka_unit_test(expr_eval__decimals__compare_exactly_at_the_ends_of_their_range),
        cmocka_unit_test(expr_eval__decimal_as_double__is_the_nearest_double),
        cmocka_unit_test(expr_eval__times__compare_as_instants),
        cmocka_unit_test(expr_eval__text__compares_by_bytes),
        cmocka_unit_test(expr_like__wildcards__match_runs_and_characters),
        cmocka_unit_test(expr_like__random_patterns__agree_with_plain_recursion),
        cmocka_unit_test(expr_like__hostile_pattern__takes_no_exponential_time),
        cmocka_unit_test(expr_eval__random_expressions__agree_with_the_small_evaluator),
        cmocka_unit_test(expr_eval__bound_tree__allocates_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
