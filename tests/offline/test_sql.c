/*
 * Generated SQL: quoting, constants, type names, and expressions. The oracle of expressions is floe_expr_eval, row by row;
 * the property test prints its seed, and FLOE_TEST_SEED sets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/sql_support.h"

#include "core/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sql_fixture fixture;

static int set_up(void **state) {
    (void)state;
    sql_fixture_open(&fixture);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    sql_fixture_close(&fixture);
    return 0;
}

static const char *literal_text(const floe_value *value) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_sql_literal(&sql, value);
    return floe_arena_strndup(&fixture.arena, floe_buf_view(&sql).ptr, sql.len);
}

/* ---- quoting ---- */

static void quote_name__quotes__are_doubled(void **state) {
    (void)state;
    static const char *const NAMES[][2] = {
        {"a", "\"a\""},   {"", "\"\""}, {"a b", "\"a b\""}, {"\"", "\"\"\"\""}, {"a\"b\"", "\"a\"\"b\"\"\""},
        {"é'", "\"é'\""},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 100);
        floe_sql_quote_name(&out, floe_str_of(NAMES[i][0]));
        assert_string_equal(floe_buf_view(&out).ptr, NAMES[i][1]);
    }
}

static void quote_name__odd_columns__are_found_by_the_engine(void **state) {
    (void)state;
    static const char *const NAMES[] = {"select", "a\"b", "drop table x; --", "ü ö", "'", "a.b", "*"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, 1000);
        floe_buf_text(&sql, "SELECT ");
        floe_sql_quote_name(&sql, floe_str_of(NAMES[i]));
        floe_buf_text(&sql, " FROM (SELECT 7 AS ");
        floe_sql_quote_name(&sql, floe_str_of(NAMES[i]));
        floe_buf_byte(&sql, ')');
        assert_string_equal(sql_text(&fixture, sql.ptr, NULL), "7");
    }
}

static void quote_text__every_byte__arrives(void **state) {
    (void)state;
    static const floe_str TEXTS[] = {
        {"", 0},     {"'", 1},     {"it''s", 5}, {"\\n\\", 4}, {"\n\r\t", 3}, {"\0", 1},
        {"a\0b", 3}, {"\0\0'", 3}, {"a\0", 2},   {"%_\"", 3},  {"é€😀", 9},
    };
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        FLOE_AUTO_BUF sql, hex;
        floe_buf_init(&sql, 1000);
        floe_buf_init(&hex, 100);
        floe_buf_text(&sql, "SELECT lower(hex(");
        floe_sql_quote_text(&sql, TEXTS[i]);
        floe_buf_text(&sql, "))");
        for (size_t b = 0; b < TEXTS[i].len; b++) {
            floe_buf_printf(&hex, "%02x", (unsigned)(unsigned char)TEXTS[i].ptr[b]);
        }
        assert_string_equal(sql_text(&fixture, sql.ptr, NULL), floe_buf_view(&hex).ptr);
    }
}

/* ---- types and constants ---- */

static void type_name__every_type__is_known_to_the_engine(void **state) {
    (void)state;
    static const struct {
        floe_type type;
        const char *name;
    } CASES[] = {
        {{.kind = FLOE_KIND_BOOL}, "BOOLEAN"},
        {{.kind = FLOE_KIND_INT32}, "INTEGER"},
        {{.kind = FLOE_KIND_INT64}, "BIGINT"},
        {{.kind = FLOE_KIND_FLOAT}, "FLOAT"},
        {{.kind = FLOE_KIND_DOUBLE}, "DOUBLE"},
        {{.kind = FLOE_KIND_STRING}, "VARCHAR"},
        {{.kind = FLOE_KIND_BYTES}, "BLOB"},
        {{.kind = FLOE_KIND_DATE}, "DATE"},
        {{.kind = FLOE_KIND_TIMESTAMP}, "TIMESTAMP"},
        {{.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 5}, "DECIMAL(38,5)"},
        {{.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, "VARCHAR[]"},
        {{.kind = FLOE_KIND_LIST, .element = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2}, "DECIMAL(9,2)[]"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, 1000);
        floe_buf_text(&sql, "SELECT typeof(CAST(NULL AS ");
        floe_sql_type_name(&sql, CASES[i].type);
        floe_buf_text(&sql, "))");
        assert_string_equal(sql_text(&fixture, sql.ptr, NULL), CASES[i].name);
    }
}

/* The parameter path binds the value itself: both ways into the engine must agree, type included. */
static void literal__every_value__equals_the_same_parameter(void **state) {
    (void)state;
    floe_value items[] = {floe_value_string(FLOE_STR("a")), floe_value_null((floe_type){.kind = FLOE_KIND_STRING})};
    floe_value values[] = {
        {.type.kind = FLOE_KIND_BOOL, .as.boolean = false},
        {.type.kind = FLOE_KIND_INT32, .as.integer = INT32_MIN},
        {.type.kind = FLOE_KIND_INT32, .as.integer = INT32_MAX},
        {.type.kind = FLOE_KIND_INT64, .as.integer = INT64_MIN},
        {.type.kind = FLOE_KIND_INT64, .as.integer = INT64_MAX},
        {.type.kind = FLOE_KIND_FLOAT, .as.real = 0.1f},
        {.type.kind = FLOE_KIND_FLOAT, .as.real = 3.4028234663852886e38},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = 0.1},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = 5e-324},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = 1.7976931348623157e308},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = NAN},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = INFINITY},
        {.type.kind = FLOE_KIND_DOUBLE, .as.real = -INFINITY},
        floe_value_string((floe_str){"it's \0 \xc3\xa9", 9}),
        {.type.kind = FLOE_KIND_BYTES, .as.bytes = {"\0\xff'", 3}},
        {.type.kind = FLOE_KIND_BYTES, .as.bytes = {"", 0}},
        {.type.kind = FLOE_KIND_DATE, .as.integer = -719162}, /* 0001-01-01 */
        {.type.kind = FLOE_KIND_DATE, .as.integer = 2932896}, /* 9999-12-31 */
        floe_value_timestamp(-1),
        floe_value_timestamp(INT64_C(253402300799999999)),
        {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 5, .scale = 5}, .as.decimal = -1},
        {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 0}, .as.decimal = (__int128)1 << 120},
        {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, .as.list = {items, 2}},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        floe_sql_params params = {&values[i], 1};
        const char *literal = literal_text(&values[i]);
        const char *sql = floe_arena_printf(
            &fixture.arena, "SELECT %s IS NOT DISTINCT FROM $1 AND typeof(%s) = typeof($1)", literal, literal);
        const char *answer = sql_text(&fixture, sql, &params);
        if (strcmp(answer, "true") != 0) {
            fail_msg("%s gives %s", sql, answer);
        }
    }
}

static void literal__nulls__keep_their_type(void **state) {
    (void)state;
    floe_value null = floe_value_null((floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2});
    assert_string_equal(literal_text(&null), "CAST(NULL AS DECIMAL(9,2))");
    null = floe_value_null((floe_type){0});
    assert_string_equal(literal_text(&null), "NULL");
}

/* ---- expressions ---- */

static const floe_column COLUMNS[] = {
    {{"b", 1}, {.kind = FLOE_KIND_BOOL}},
    {{"i", 1}, {.kind = FLOE_KIND_INT32}},
    {{"l", 1}, {.kind = FLOE_KIND_INT64}},
    {{"f", 1}, {.kind = FLOE_KIND_FLOAT}},
    {{"g", 1}, {.kind = FLOE_KIND_DOUBLE}},
    {{"s", 1}, {.kind = FLOE_KIND_STRING}},
    {{"u", 1}, {.kind = FLOE_KIND_STRING}},
    {{"d", 1}, {.kind = FLOE_KIND_DATE}},
    {{"t", 1}, {.kind = FLOE_KIND_TIMESTAMP}},
    {{"d5", 2}, {.kind = FLOE_KIND_DECIMAL, .precision = 5, .scale = 2}},
    {{"d9", 2}, {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 0}},
    {{"d22", 3}, {.kind = FLOE_KIND_DECIMAL, .precision = 22, .scale = 3}},
    {{"odd \"n", 6}, {.kind = FLOE_KIND_INT64}},
};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof *COLUMNS)

static uint64_t random_state;

static uint64_t next_random(void) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static int pick(int count) {
    return (int)(next_random() % (uint64_t)count);
}

static double random_real(bool narrow) {
    static const double ODD[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 1, 2, 2.5, -1, 0.1, 16777217, 9007199254740993.0};
    double real = ODD[pick(12)];
    return narrow ? (double)(float)real : real;
}

static floe_value random_value(floe_type type) {
    static const int64_t INTEGERS[] = {0, 1, 2, -1, 100, 16777217, INT32_MAX, INT32_MIN};
    static const int64_t LONGS[] = {0, 1, 2, -1, INT64_C(9007199254740993), INT64_MAX, INT64_MIN, 250};
    static const floe_str TEXTS[] = {{"", 0},    {"a", 1}, {"A", 1},   {"ab", 2}, {"abc", 3}, {"%", 1},
                                     {"a%b", 3}, {"é", 2}, {"aéb", 4}, {"\\", 1}, {"z", 1},   {"_", 1}};
    static const int64_t DAYS[] = {0, -1, 1, 11323, -25567, 10957};
    floe_value value = {.type = type, .is_null = pick(5) == 0};
    switch (type.kind) {
    case FLOE_KIND_BOOL:
        value.as.boolean = pick(2);
        break;
    case FLOE_KIND_INT32:
        value.as.integer = INTEGERS[pick(8)];
        break;
    case FLOE_KIND_INT64:
        value.as.integer = LONGS[pick(8)];
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        value.as.real = random_real(type.kind == FLOE_KIND_FLOAT);
        break;
    case FLOE_KIND_STRING:
        value.as.bytes = TEXTS[pick(12)];
        break;
    case FLOE_KIND_DATE:
        value.as.integer = DAYS[pick(6)];
        break;
    case FLOE_KIND_TIMESTAMP:
        value.as.integer = DAYS[pick(6)] * INT64_C(86400000000) + pick(3) - 1;
        break;
    default:
        value.as.decimal = type.precision > 18 ? (__int128)LONGS[pick(8)] * 50 : INTEGERS[pick(5)];
    }
    return value;
}

static void put_column(floe_buf *out, size_t index) {
    floe_buf_text(out, index == COLUMN_COUNT - 1 ? "\"odd \"\"n\"" : COLUMNS[index].name.ptr);
}

static const char *random_literal(floe_kind kind) {
    static const char *const NUMBERS[] = {"0",
                                          "1",
                                          "2",
                                          "-1",
                                          "2.5",
                                          "1.00",
                                          "0.10",
                                          "1e0",
                                          "250",
                                          "0.1",
                                          "16777217.0",
                                          "9007199254740993",
                                          "100",
                                          "-1.005",
                                          "9223372036854775807",
                                          "99999999999.999"};
    static const char *const TEXTS[] = {"''", "'a'", "'A'", "'ab'", "'a%b'", "'é'", "'\\'", "'z'"};
    static const char *const TIMES[] = {"DATE '1970-01-01'", "DATE '2001-01-01'", "TIMESTAMP '1970-01-01 00:00:00'",
                                        "TIMESTAMP '1969-12-31 23:59:59.999999'", "TIMESTAMP '2001-01-01T00:00:00Z'"};
    if (pick(12) == 0) {
        return "NULL";
    }
    if (kind == FLOE_KIND_BOOL) {
        return pick(2) ? "TRUE" : "FALSE";
    }
    if (kind == FLOE_KIND_STRING) {
        return TEXTS[pick(8)];
    }
    return kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP ? TIMES[pick(5)] : NUMBERS[pick(16)];
}

static bool same_family(floe_kind a, floe_kind b) {
    bool time = (a == FLOE_KIND_DATE || a == FLOE_KIND_TIMESTAMP) && (b == FLOE_KIND_DATE || b == FLOE_KIND_TIMESTAMP);
    return a == b || time || (floe_kind_is_number(a) && floe_kind_is_number(b));
}

static size_t partner_of(size_t column) {
    for (;;) {
        size_t other = (size_t)pick((int)COLUMN_COUNT);
        if (same_family(COLUMNS[column].type.kind, COLUMNS[other].type.kind)) {
            return other;
        }
    }
}

static void put_operand(floe_buf *out, size_t column) {
    if (pick(2)) {
        put_column(out, partner_of(column));
    } else {
        floe_buf_text(out, random_literal(COLUMNS[column].type.kind));
    }
}

static void put_leaf(floe_buf *out) {
    static const char *const SIGNS[] = {"=", "<>", "<", "<=", ">", ">="};
    static const char *const PATTERNS[] = {"'a%'", "'%b'",  "'_'",     "'a_b'", "'%'",
                                           "''",   "'%é%'", "'a\\%b'", "'\\'",  "'__'"};
    size_t column = (size_t)pick((int)COLUMN_COUNT);
    int form = pick(10);
    if (form == 0) {
        put_column(out, column);
        floe_buf_text(out, pick(2) ? " IS NULL" : " IS NOT NULL");
    } else if (form == 1) {
        floe_buf_printf(out, "%s%s %s", pick(2) ? "s" : "u", pick(2) ? " NOT LIKE" : " LIKE", PATTERNS[pick(10)]);
    } else if (form <= 3) {
        put_column(out, column);
        floe_buf_text(out, pick(2) ? " IN (" : " NOT IN (");
        for (int i = 0, count = 1 + pick(4); i < count; i++) {
            floe_buf_text(out, i ? ", " : "");
            put_operand(out, column);
        }
        floe_buf_byte(out, ')');
    } else if (form == 4) {
        put_column(out, column);
        floe_buf_text(out, " BETWEEN ");
        put_operand(out, column);
        floe_buf_text(out, " AND ");
        put_operand(out, column);
    } else {
        put_column(out, column);
        floe_buf_printf(out, " %s ", SIGNS[pick(6)]);
        put_operand(out, column);
    }
}

static void put_tree(floe_buf *out, int depth) {
    int form = depth > 0 ? pick(4) : 3;
    if (form == 3) {
        put_leaf(out);
        return;
    }
    floe_buf_text(out, form == 2 ? "NOT (" : "(");
    put_tree(out, depth - 1);
    floe_buf_text(out, form == 2 ? ")" : form == 1 ? " OR " : " AND ");
    if (form != 2) {
        put_tree(out, depth - 1);
        floe_buf_byte(out, ')');
    }
}

#define ROWS 300
static floe_value rows[ROWS][COLUMN_COUNT];

static void load_rows(void) {
    floe_error err = {0};
    floe_arrow_builder *builder = NULL;
    struct ArrowSchema schema = {0};
    struct ArrowArray batch = {0};
    FLOE_AUTO_STREAM stream = {0};
    must(floe_arrow_builder_open(COLUMNS, COLUMN_COUNT, &builder, &err), &err);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            rows[r][c] = random_value(COLUMNS[c].type);
        }
        must(floe_arrow_builder_row(builder, rows[r], &err), &err);
    }
    must(floe_arrow_builder_finish(builder, &batch, &err), &err);
    floe_arrow_builder_close(&builder);
    must(floe_arrow_schema_make(COLUMNS, COLUMN_COUNT, &schema, &err), &err);
    must(floe_arrow_stream_of_batches(&schema, &batch, 1, &stream, &err), &err);
    must(floe_session_load(fixture.session, "data", &stream, &err), &err);
}

/* "t", "f" or "n" for each row, by floe's own evaluation. */
static void evaluate(const floe_expr *expr, char answers[ROWS + 1]) {
    for (size_t r = 0; r < ROWS; r++) {
        floe_value value = floe_expr_eval(expr, rows[r], NULL);
        answers[r] = value.is_null ? 'n' : value.as.boolean ? 't' : 'f';
    }
    answers[ROWS] = 0;
}

static bool check_expression(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    must(floe_expr_parse(&fixture.arena, floe_str_of(text), &expr, &err), &err);
    must(floe_expr_bind(expr, &fixture.arena, COLUMNS, COLUMN_COUNT, &err), &err);
    floe_buf_text(&sql, "SELECT string_agg(CASE WHEN r IS NULL THEN 'n' WHEN r THEN 't' ELSE 'f' END, '' ORDER BY n) "
                        "FROM (SELECT x.rowid AS n, ");
    floe_status status = floe_sql_from_expr(expr, "x.", &sql, &err);
    if (status.code == FLOE_UNSUPPORTED) {
        return false;
    }
    must(status, &err);
    floe_buf_text(&sql, " AS r FROM data AS x)");
    char expected[ROWS + 1];
    evaluate(expr, expected);
    struct ArrowArrayStream stream = {0};
    if (floe_failed(floe_session_stream(fixture.session, sql.ptr, NULL, &stream, &err))) {
        fail_msg("%s\n%s\n%s", text, sql.ptr, err.message);
    }
    const char *answer = stream_text(&stream, &fixture.arena);
    if (strcmp(answer, expected) != 0) {
        size_t row = strspn(answer, "tfn");
        for (row = 0; answer[row] == expected[row]; row++) {
        }
        FLOE_AUTO_BUF cells;
        floe_buf_init(&cells, 4096);
        for (size_t c = 0; c < COLUMN_COUNT; c++) {
            floe_buf_printf(&cells, " %s=", COLUMNS[c].name.ptr);
            floe_value_print(&rows[row][c], &cells);
        }
        fail_msg("%s\n%s\nrow %zu: floe %c, engine %c:%s", text, sql.ptr, row, expected[row], answer[row], cells.ptr);
    }
    return true;
}

static void expression__random_trees__give_floes_answer_on_every_row(void **state) {
    (void)state;
    const char *given = getenv("FLOE_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("FLOE_TEST_SEED=%llu\n", (unsigned long long)seed);
    random_state = seed * 2 + 1;
    int checked = 0;
    load_rows();
    for (int i = 0; i < 1500; i++) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_KIB(16));
        put_tree(&text, 3);
        checked += check_expression(floe_buf_view(&text).ptr);
    }
    assert_true(checked > 1000); /* the rest is refused, see below */
}

static void expression__cases_where_the_engine_differs__are_floes(void **state) {
    (void)state;
    random_state = 88172645463325252u;
    load_rows();
    static const char *const CASES[] = {
        "i = f",                           /* INTEGER with FLOAT: as double, the engine alone would take FLOAT */
        "l IN (1, 2.5, 9007199254740993)", /* the engine alone would bring all items to one type */
        "l = g",
        "l IN (f, g, i)",
        "d5 IN (1, 2.50, g)",
        "d22 = g",
        "d = t",
        "t IN (DATE '1970-01-01', TIMESTAMP '2001-01-01 00:00:00')",
        "g = g AND f = f",
        "g > 1 OR g < 1",
        "NULL OR b",
        "b",
        "NOT b",
        "NULL",
        "i = NULL",
        "s LIKE 'a\\%b'",
        "\"odd \"\"n\" >= 0",
        "NOT (i IN (NULL, 1))",
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_true(check_expression(CASES[i]));
    }
}

/* The file has Bloom filters, as other writers' files do; in them 0.0 and -0.0 are two values, in floe one. */
static void expression__zero_in_a_file_with_bloom_filters__finds_both_zeros(void **state) {
    (void)state;
    static const floe_column COLUMN[] = {{{"g", 1}, {.kind = FLOE_KIND_DOUBLE}}};
    static const char *const FILTERS[] = {"g = 0", "g = 0.0", "g IN (7, 0)", "0 = g"};
    /* NaN keeps bounds out of the file, so that only the filters decide. */
    sql_run(&fixture, floe_arena_printf(&fixture.arena,
                                        "COPY (SELECT (['-0.0', '1.5', 'NaN'])[range %% 3 + 1]::DOUBLE AS g "
                                        "FROM range(9000)) TO '%s/z1.parquet'; "
                                        "COPY (SELECT (['0.0', '-0.0', 'NaN'])[range %% 3 + 1]::DOUBLE AS g "
                                        "FROM range(9000)) TO '%s/z2.parquet'",
                                        fixture.folder, fixture.folder));
    for (size_t i = 0; i < 4; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, FLOE_MIB(1));
        must(floe_expr_parse(&fixture.arena, floe_str_of(FILTERS[i]), &expr, &err), &err);
        must(floe_expr_bind(expr, &fixture.arena, COLUMN, 1, &err), &err);
        floe_buf_printf(&sql, "SELECT count(*) FROM read_parquet('%s/z*.parquet') WHERE ", fixture.folder);
        must(floe_sql_from_expr(expr, "", &sql, &err), &err);
        assert_string_equal(sql_text(&fixture, sql.ptr, NULL), "9000");
    }
}

/* The engine has no 39th digit; there floe's own evaluator answers. */
static void expression__decimals_too_wide_side_by_side__are_floes_own(void **state) {
    (void)state;
    static const floe_column WIDE[] = {{{"a", 1}, {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 0}},
                                       {{"b", 1}, {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 38}},
                                       {{"l", 1}, {.kind = FLOE_KIND_INT64}},
                                       {{"c", 1}, {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 19}}};
    static const struct {
        const char *text;
        bool own;
    } CASES[] = {{"a = b", true},  {"b < l", true},       {"a = l", false},
                 {"c = l", false}, {"l IN (1, b)", true}, {"a = a", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        floe_expr *expr = NULL;
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, FLOE_MIB(1));
        must(floe_expr_parse(&fixture.arena, floe_str_of(CASES[i].text), &expr, &err), &err);
        must(floe_expr_bind(expr, &fixture.arena, WIDE, 4, &err), &err);
        must(floe_sql_from_expr(expr, "", &sql, &err), &err);
        assert_int_equal(strstr(sql.ptr, "floe_eval_bool(") != NULL, CASES[i].own);
    }
}

static void expression__buffer_too_small__is_limit(void **state) {
    (void)state;
    floe_error err = {0};
    floe_expr *expr = NULL;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, 10);
    must(floe_expr_parse(&fixture.arena, FLOE_STR("i = 1 AND l = 2"), &expr, &err), &err);
    must(floe_expr_bind(expr, &fixture.arena, COLUMNS, COLUMN_COUNT, &err), &err);
    assert_int_equal(floe_sql_from_expr(expr, "", &sql, &err).code, FLOE_LIMIT);
}

#define SQL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        SQL_TEST(quote_name__quotes__are_doubled),
        SQL_TEST(quote_name__odd_columns__are_found_by_the_engine),
        SQL_TEST(quote_text__every_byte__arrives),
        SQL_TEST(type_name__every_type__is_known_to_the_engine),
        SQL_TEST(literal__every_value__equals_the_same_parameter),
        SQL_TEST(literal__nulls__keep_their_type),
        SQL_TEST(expression__random_trees__give_floes_answer_on_every_row),
        SQL_TEST(expression__cases_where_the_engine_differs__are_floes),
        SQL_TEST(expression__zero_in_a_file_with_bloom_filters__finds_both_zeros),
        SQL_TEST(expression__decimals_too_wide_side_by_side__are_floes_own),
        SQL_TEST(expression__buffer_too_small__is_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
