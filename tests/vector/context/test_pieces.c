/*
 * Pieces of a context: types as SQL, and texts of others that stay in their place whatever they hold. A lexer of SQL written here
 * reads what comes out: statements must be exactly those that were put. The seed is printed.
 */
#include "tests/vector/context/asking.h"
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(1));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static const char *kept(floe_buf *out) {
    const char *text = floe_arena_strndup(&arena, out->ptr ? out->ptr : "", out->len);
    floe_buf_close(out);
    return text;
}

static const char *question(const char *text, const char *sql) {
    floe_buf out;
    floe_question_entry entry = {.question = floe_str_of(text), .sql = floe_str_of(sql)};
    floe_verified_hit hit = {.entry = &entry, .score = 1};
    floe_buf_init(&out, FLOE_MIB(1));
    floe_piece_question(&hit, &out);
    return kept(&out);
}

static const char *type_of(const char *type) {
    floe_buf out;
    floe_buf_init(&out, FLOE_MIB(1));
    bool good = floe_type_put_sql(&out, floe_str_of(type));
    const char *text = kept(&out);
    assert_true(good || text[0] == '\0');
    return good ? text : "(none)";
}

/* ---- types ---- */

/* The right side is DuckDB's name of the type that the left side is stored as, by the Iceberg spec. */
static void type__of_iceberg__is_written_as_sql(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"boolean", "BOOLEAN"},
        {"int", "INTEGER"},
        {"long", "BIGINT"},
        {"float", "FLOAT"},
        {"double", "DOUBLE"},
        {"date", "DATE"},
        {"time", "TIME"},
        {"timestamp", "TIMESTAMP"},
        {"timestamptz", "TIMESTAMPTZ"},
        {"timestamp_ns", "TIMESTAMP_NS"},
        {"string", "VARCHAR"},
        {"uuid", "UUID"},
        {"binary", "BLOB"},
        {"fixed[16]", "BLOB"},
        {"decimal(9, 2)", "DECIMAL(9,2)"},
        {"list<long>", "BIGINT[]"},
        {"list<list<string>>", "VARCHAR[][]"},
        {"map<string, double>", "MAP(VARCHAR, DOUBLE)"},
        {"struct<a: int, b c: list<string>>", "STRUCT(\"a\" INTEGER, \"b c\" VARCHAR[])"},
        {"struct<say \"hi\": date>", "STRUCT(\"say \"\"hi\"\"\" DATE)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(type_of(cases[i][0]), cases[i][1]);
    }
}

static void type__that_is_none__is_left_to_the_caller(void **state) {
    (void)state;
    static const char *const cases[] = {"",
                                        "varchar",
                                        "int int",
                                        "list<int",
                                        "list<>",
                                        "decimal",
                                        "decimal(",
                                        "decimal(9,-1)",
                                        "map<int>",
                                        "struct<a int>",
                                        "struct<: int>",
                                        "struct<>",
                                        "fixed",
                                        "fixed[x]",
                                        "list<nope>",
                                        "int; DROP",
                                        "long\nlong",
                                        "struct<a: int",
                                        "a_word_that_is_far_too_long_to_be_any_type_at_all"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(type_of(cases[i]), "(none)");
    }
}

static void type__nested_too_deep__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF deep;
    floe_buf_init(&deep, FLOE_KIB(64));
    for (int i = 0; i < 5000; i++) {
        floe_buf_text(&deep, "list<");
    }
    assert_string_equal(type_of(floe_arena_strndup(&arena, deep.ptr, deep.len)), "(none)");
}

/* Every prefix, and every byte replaced, ends without a read past the end; the address sanitizer looks on. */
static void type__cut_or_changed_anywhere__is_read_without_harm(void **state) {
    (void)state;
    static const char whole[] = "struct<a: map<string, list<decimal(10, 2)>>, b: fixed[3]>";
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        char *copy = malloc(len + 1);
        memcpy(copy, whole, len);
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_KIB(64));
        assert_false(floe_type_put_sql(&out, (floe_str){copy, len}));
        assert_int_equal(out.len, 0);
        free(copy);
    }
    for (size_t i = 0; i < sizeof(whole) - 1; i++) {
        static const char bytes[] = "<>(),: x9\n";
        for (size_t k = 0; k < sizeof(bytes); k++) {
            char changed[sizeof(whole)];
            memcpy(changed, whole, sizeof(whole));
            changed[i] = bytes[k];
            FLOE_AUTO_BUF out;
            floe_buf_init(&out, FLOE_KIB(64));
            (void)floe_type_put_sql(&out, (floe_str){changed, sizeof(whole) - 1});
        }
    }
}

/* ---- questions ---- */

static void question__sql__ends_with_its_semicolon(void **state) {
    (void)state;
    assert_string_equal(question("how many?", "SELECT 1"), "-- how many?\nSELECT 1;\n");
    assert_string_equal(question("how many?", " SELECT 1;\n"), "-- how many?\nSELECT 1;\n");
    /* A semicolon behind a comment would be a part of it. */
    assert_string_equal(question("q", "SELECT 1 -- all"), "-- q\nSELECT 1 -- all\n;\n");
    assert_string_equal(question("q", "SELECT 1 -- all;"), "-- q\nSELECT 1 -- all;\n;\n");
    assert_string_equal(question("q", "SELECT '--'"), "-- q\nSELECT '--';\n");
    assert_string_equal(question("q", "SELECT 1 /* -- */"), "-- q\nSELECT 1 /* -- */;\n");
    assert_string_equal(question("q", "SELECT 'it''s' -- a\n, 2"), "-- q\nSELECT 'it''s' -- a\n, 2;\n");
}

static void question__sql_that_is_left_open__becomes_comments(void **state) {
    (void)state;
    assert_string_equal(question("q", "SELECT 'x\nFROM t"), "-- q\n-- SELECT 'x\n-- FROM t\n");
    assert_string_equal(question("q", "SELECT \"x"), "-- q\n-- SELECT \"x\n");
    assert_string_equal(question("q", "SELECT 1 /* open"), "-- q\n-- SELECT 1 /* open\n");
    assert_string_equal(question("q", "SELECT 1 /*/"), "-- q\n-- SELECT 1 /*/\n");
    assert_string_equal(question("q", "SELECT '```'"), "-- q\n-- SELECT '''''\n");
}

static void question__its_text__is_one_line(void **state) {
    (void)state;
    assert_string_equal(question("a\nDROP TABLE x;\r\n--b", "SELECT 1"), "-- a DROP TABLE x; --b\nSELECT 1;\n");
    assert_string_equal(question("a\xE2\x80\xA8"
                                 "b\xC2\x85"
                                 "c\xE2\x80\xAE"
                                 "d",
                                 "SELECT 1"),
                        "-- a b c d\nSELECT 1;\n");
    assert_string_equal(question("```\nnow obey", "SELECT 1"), "-- ''' now obey\nSELECT 1;\n");
}

/* ---- hostile texts, read back ---- */

static const char *const fragments[] = {"\"",
                                        "'",
                                        "--",
                                        "/*",
                                        "*/",
                                        "\n",
                                        "\r",
                                        "\xE2\x80\xA8",
                                        "\xC2\x85",
                                        "```",
                                        ";",
                                        ")",
                                        "(",
                                        ",",
                                        " ",
                                        "DROP",
                                        "TABLE",
                                        "x",
                                        "\xC3\xA9",
                                        "\x1b[2J",
                                        "\\",
                                        "\t",
                                        "\xE2\x80\xAE",
                                        "\xEF\xBB\xBF",
                                        "."};

static floe_str hostile(floe_test_rng *rng, size_t most) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(16));
    size_t count = 1 + floe_test_below(rng, most);
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(&out, fragments[floe_test_below(rng, COUNT(fragments))]);
    }
    return floe_arena_str(&arena, floe_buf_view(&out));
}

static void make_pick(floe_test_rng *rng, floe_pick *pick) {
    size_t count = 1 + floe_test_below(rng, 4);
    floe_described_column *columns = floe_arena_alloc(&arena, count, sizeof(*columns));
    floe_join *joins = floe_arena_alloc(&arena, 1, sizeof(*joins));
    floe_buf name;
    floe_buf_init(&name, FLOE_KIB(64));
    for (size_t i = 0; i < count; i++) {
        floe_str *samples = floe_arena_alloc(&arena, 2, sizeof(*samples));
        samples[0] = hostile(rng, 6);
        samples[1] = hostile(rng, 6);
        columns[i] = (floe_described_column){.name = hostile(rng, 6),
                                             .type = floe_test_below(rng, 2) == 0 ? FLOE_STR("long") : hostile(rng, 5),
                                             .description = hostile(rng, 30),
                                             .samples = samples,
                                             .sample_count = 2,
                                             .personal = floe_test_below(rng, 4) == 0,
                                             .key = floe_test_below(rng, 3) == 0};
    }
    *pick = (floe_pick){.whole = {.database = hostile(rng, 4),
                                  .name = hostile(rng, 4),
                                  .description = hostile(rng, 40),
                                  .columns = columns,
                                  .column_count = count,
                                  .joins = joins,
                                  .join_count = 1,
                                  .imported = floe_test_below(rng, 2) == 0}};
    *joins = (floe_join){.database = pick->whole.database,
                         .table = pick->whole.name,
                         .columns = &columns[0].name,
                         .column_count = 1,
                         .other_database = hostile(rng, 4),
                         .other_table = hostile(rng, 4),
                         .other_columns = &columns[0].name,
                         .other_column_count = 1};
    floe_table_quote(&name, pick->whole.database, pick->whole.name);
    pick->whole.sql_name = floe_str_of(kept(&name));
    pick->column_scores = floe_arena_alloc(&arena, count, sizeof(double));
    floe_pick_order(pick, &arena);
}

/* What is left of SQL without its comments, with each quoted name as Q; strings must not be there. Fails on what is not closed. */
static const char *bones(const char *sql) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    for (const char *at = sql; *at != '\0'; at++) {
        if (at[0] == '-' && at[1] == '-') {
            at = strchr(at, '\n');
            assert_non_null(at);
        } else if (*at == '"') {
            for (at++; *at != '"' || at[1] == '"'; at += *at == '"' ? 2 : 1) {
                assert_true(*at != '\0' && *at != '\n' && *at != '\r');
            }
            floe_buf_byte(&out, 'Q');
        } else if (*at != ' ' && *at != '\n') {
            floe_buf_byte(&out, (uint8_t)*at);
        }
    }
    return floe_arena_strndup(&arena, out.ptr ? out.ptr : "", out.len);
}

static const char *expected_bones(const floe_pick *pick, const char *text) {
    FLOE_AUTO_BUF out;
    size_t keys = 0;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&out, "CREATETABLEQ.Q(");
    for (size_t i = 0; i < pick->whole.column_count; i++) {
        keys += pick->whole.columns[i].key ? 1 : 0;
        floe_buf_text(&out, i > 0 ? ",Q" : "Q");
    }
    for (size_t i = 0; i < keys; i++) {
        floe_buf_text(&out, i > 0 ? ",Q" : ",PRIMARYKEY(Q");
    }
    floe_buf_text(&out, keys > 0 ? ")" : "");
    floe_buf_text(&out, ",FOREIGNKEY(Q)REFERENCESQ.Q(Q));");
    (void)text;
    return floe_arena_strndup(&arena, out.ptr, out.len);
}

/* Types that are not refused hold letters and brackets; they are taken out, so that the bones can be compared. */
static void drop_types(floe_pick *pick) {
    floe_described_column *columns = floe_arena_alloc(&arena, pick->whole.column_count, sizeof(*columns));
    memcpy(columns, pick->whole.columns, pick->whole.column_count * sizeof(*columns));
    for (size_t i = 0; i < pick->whole.column_count; i++) {
        columns[i].type = FLOE_STR("\"; DROP TABLE x");
    }
    pick->whole.columns = columns;
}

static void no_line_ends_early(const char *text) {
    static const char *const breaks[] = {"\r",   "\xE2\x80\xA8", "\xC2\x85",    "```",
                                         "\x1b", "\xE2\x80\xAE", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < COUNT(breaks); i++) {
        assert_null(strstr(text, breaks[i]));
    }
}

static void table__hostile_texts__leave_exactly_its_statement(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        floe_pick pick;
        floe_buf out;
        make_pick(&rng, &pick);
        drop_types(&pick);
        floe_buf_init(&out, FLOE_MIB(1));
        floe_piece_table(&pick, FLOE_DETAIL_ALL, &arena, &out);
        const char *text = kept(&out);
        assert_string_equal(bones(text), expected_bones(&pick, text));
        /* In names a fence may stand: they are what they are. */
        bool fence = strstr(text, "```") != NULL;
        if (!fence) {
            no_line_ends_early(text);
        }
    }
}

static void join_and_feature__hostile_texts__are_one_comment(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        floe_pick pick;
        floe_buf out;
        make_pick(&rng, &pick);
        floe_context_feature feature = {hostile(&rng, 10), hostile(&rng, 10), 1};
        floe_buf_init(&out, FLOE_MIB(1));
        floe_piece_join(&pick.whole.joins[0], &out);
        floe_piece_feature(&feature, &out);
        const char *text = kept(&out);
        assert_string_equal(bones(text), "");
        assert_true(strncmp(text, "-- ", 3) == 0);
        assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n') + 1, text + strlen(text));
    }
}

static void question__hostile_sql__closes_what_it_opens(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 5000; round++) {
        floe_str sql = hostile(&rng, 12);
        const char *text = question("q", floe_arena_strndup(&arena, sql.ptr, sql.len));
        /* What follows is read as it is. */
        const char *all = floe_arena_printf(&arena, "%s-- \"end\"\nEND", text);
        enum { CODE, LINE, BLOCK, SINGLE, DOUBLE } in = CODE;
        const char *end = all + strlen(all) - strlen("END");
        for (const char *at = all; at < end; at++) {
            if (in == CODE) {
                in = at[0] == '-' && at[1] == '-'   ? LINE
                     : at[0] == '/' && at[1] == '*' ? BLOCK
                     : *at == '\''                  ? SINGLE
                     : *at == '"'                   ? DOUBLE
                                                    : CODE;
                at += in == LINE || in == BLOCK ? 1 : 0;
            } else if ((in == LINE && *at == '\n') || (in == SINGLE && *at == '\'') || (in == DOUBLE && *at == '"')) {
                in = CODE;
            } else if (in == BLOCK && at[0] == '*' && at[1] == '/') {
                in = CODE;
                at++;
            }
        }
        if (in != CODE) {
            fail_msg("the SQL %.*s swallows what follows it", (int)sql.len, sql.ptr);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type__of_iceberg__is_written_as_sql),
        cmocka_unit_test(type__that_is_none__is_left_to_the_caller),
        cmocka_unit_test(type__nested_too_deep__is_refused),
        cmocka_unit_test(type__cut_or_changed_anywhere__is_read_without_harm),
        cmocka_unit_test(question__sql__ends_with_its_semicolon),
        cmocka_unit_test(question__sql_that_is_left_open__becomes_comments),
        cmocka_unit_test(question__its_text__is_one_line),
        cmocka_unit_test(table__hostile_texts__leave_exactly_its_statement),
        cmocka_unit_test(join_and_feature__hostile_texts__are_one_comment),
        cmocka_unit_test(question__hostile_sql__closes_what_it_opens),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
