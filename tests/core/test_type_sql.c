/*
 * core/type_sql: nesting, member names and decimals under both tables of words, whatever the text holds. What the words of
 * catalogs stand for is tested where their tables are.
 */
#include "tests/support/support.h"

#include "core/arena.h"
#include "core/limits.h"
#include "core/type_sql.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_bare(floe_buf *out, floe_str name) {
    floe_buf_byte(out, '[');
    floe_buf_str(out, name);
    floe_buf_byte(out, ']');
}

static const floe_type_word plain[] = {{"int", "INTEGER"}, {"string", "VARCHAR"}};
static const floe_type_words iceberg = {plain, COUNT(plain), NULL, put_bare};
static const floe_type_words foreign = {plain, COUNT(plain), "TEXT", put_bare};

/* The type as SQL, or "-". What stood in the buffer before stays. */
static const char *written(const char *type, const floe_type_words *words) {
    static char text[1024];
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(64));
    floe_buf_text(&out, "=");
    bool good = floe_type_write_sql(&out, floe_str_of(type), words);
    assert_int_equal(out.ptr[0], '=');
    assert_true(good || out.len == 1);
    assert_true(out.len < sizeof text);
    memcpy(text, out.ptr + 1, out.len);
    return good ? text : "-";
}

/* By the grammar of Iceberg's Appendix C on the left; of other databases also what their documentation writes. */
static const struct {
    const char *type, *iceberg, *foreign;
} cases[] = {
    {"int", "INTEGER", "INTEGER"},
    {"INT", "INTEGER", "INTEGER"},
    {"  int  ", "INTEGER", "INTEGER"},
    {"int(11) unsigned", "-", "INTEGER"},
    {"integral", "-", "TEXT"},
    {"", "-", "TEXT"},
    {"(", "-", "TEXT"},
    {"decimal(10,2)", "DECIMAL(10,2)", "DECIMAL(10,2)"},
    {"decimal( 38 , 38 )", "DECIMAL(38,38)", "DECIMAL(38,38)"},
    {"decimal(39,2)", "-", "DOUBLE"},
    {"decimal(0,0)", "-", "DOUBLE"},
    {"decimal(4,5)", "-", "DOUBLE"},
    {"decimal(5)", "-", "DECIMAL(5,0)"},
    {"decimal(5,)", "-", "DOUBLE"},
    {"decimal(99999999999999999999,1)", "-", "DOUBLE"},
    {"decimal(5,99999999999999999999)", "-", "DOUBLE"},
    {"decimal", "-", "DOUBLE"},
    {"numeric(5,1)", "-", "DECIMAL(5,1)"},
    {"fixed[16]", "BLOB", "BLOB"},
    {"fixed", "-", "BLOB"},
    {"fixed[]", "-", "TEXT!"},
    {"fixed[-1]", "-", "TEXT!"},
    {"list<fixed[3]>", "BLOB[]", "BLOB[]"},
    {"array<int>", "-", "INTEGER[]"},
    {"list<unheard>", "-", "TEXT[]"},
    {"list<int>>", "-", "INTEGER[]"},
    {"map<string,list<int>>", "MAP(VARCHAR, INTEGER[])", "MAP(VARCHAR, INTEGER[])"},
    {"map<string>", "-", "TEXT!"},
    {"map<string;int>", "-", "TEXT!"},
    {"struct<a: int>", "STRUCT([a] INTEGER)", "STRUCT([a] INTEGER)"},
    {"struct< a b : int , c : string >", "STRUCT([a b] INTEGER, [c] VARCHAR)", "STRUCT([a b] INTEGER, [c] VARCHAR)"},
    {"struct<a<b: int>", "STRUCT([a<b] INTEGER)", "STRUCT([a<b] INTEGER)"},
    {"struct<a: struct<b: int>, c: int>", "STRUCT([a] STRUCT([b] INTEGER), [c] INTEGER)",
     "STRUCT([a] STRUCT([b] INTEGER), [c] INTEGER)"},
    {"struct<>", "-", "TEXT!"},
    {"struct< : int>", "-", "TEXT!"},
    {"struct<a: int,>", "-", "TEXT!"},
    {"struct<a: int", "-", "TEXT!"},
    {"struct a: int>", "-", "TEXT!"},
};

static void write_sql__of_both_tables__follows_the_grammar(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *other = strcmp(cases[i].foreign, "TEXT!") == 0 ? "-" : cases[i].foreign;
        const char *actual = written(cases[i].type, &iceberg);
        if (strcmp(actual, cases[i].iceberg) != 0) {
            fail_msg("%s gives %s", cases[i].type, actual);
        }
        actual = written(cases[i].type, &foreign);
        if (strcmp(actual, other) != 0) {
            fail_msg("of another database %s gives %s", cases[i].type, actual);
        }
    }
}

static void write_sql__sixteen_types_deep__is_taken_and_seventeen_are_not(void **state) {
    (void)state;
    for (int depth = 16; depth <= 17; depth++) {
        char type[300] = "";
        for (int i = 1; i < depth; i++) {
            strcat(type, "list<");
        }
        strcat(type, "int");
        for (int i = 1; i < depth; i++) {
            strcat(type, ">");
        }
        assert_int_equal(strcmp(written(type, &iceberg), "-") == 0, depth == 17);
        assert_int_equal(strcmp(written(type, &foreign), "-") == 0, depth == 17);
    }
}

static void write_sql__word_of_forty_bytes_and_more__is_no_known_one(void **state) {
    (void)state;
    char type[64];
    for (size_t len = 38; len < 44; len++) {
        memset(type, 'i', len);
        type[len] = '\0';
        assert_string_equal(written(type, &iceberg), "-");
        assert_string_equal(written(type, &foreign), "TEXT");
    }
    memset(type, ' ', 40);
    memcpy(type + 40, "int", 4);
    assert_string_equal(written(type, &iceberg), "INTEGER");
}

static void write_sql__zero_byte_in_a_name__is_no_type(void **state) {
    (void)state;
    static const char type[] = "struct<a\0b: int>";
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(1));
    assert_false(floe_type_write_sql(&out, (floe_str){type, sizeof type - 1}, &foreign));
    assert_int_equal(out.len, 0);
}

/* Every prefix in memory that ends with it; the address sanitizer looks on. No prefix of this text is whole. */
static void write_sql__cut_anywhere__is_no_type(void **state) {
    (void)state;
    static const char whole[] = "struct<a: map<string, list<decimal(10, 2)>>, b: fixed[3]>";
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, whole, len);
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_KIB(64));
        assert_false(floe_type_write_sql(&out, (floe_str){copy, len}, &iceberg));
        assert_int_equal(out.len, 0);
        free(copy);
    }
}

/* Random texts: what comes out holds the table's words, digits and closed brackets, and of the text only members' names. */
static void write_sql__random_texts__close_what_they_open(void **state) {
    (void)state;
    static const char *const parts[] = {"int",  "list<", ">", "struct<", "a: ", ",", "map<", "decimal(", "9",
                                        ", 2)", "\"",    ")", "--",      "'",   " ", "x",    "array<",   "fixed["};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    int whole = 0;
    for (int round = 0; round < 20000; round++) {
        char type[200] = "";
        for (uint64_t count = floe_test_below(&rng, 9); count > 0; count--) {
            strcat(type, parts[floe_test_below(&rng, COUNT(parts))]);
        }
        const char *sql = written(type, round % 2 ? &iceberg : &foreign);
        int depth = 0;
        bool named = false;
        for (const char *at = sql; *at && strcmp(sql, "-") != 0; at++) {
            named = *at == '[' && at[1] != ']' ? true : named && *at != ']';
            depth += named ? 0 : (*at == '(') - (*at == ')');
            assert_true(depth >= 0);
            assert_true(named || !strchr("\"'-;x<>", *at));
        }
        assert_int_equal(depth, 0);
        whole += strcmp(sql, "-") != 0;
    }
    assert_true(whole > 1000);
}

static void write_sql__buffer_that_is_full__fails_by_its_flag(void **state) {
    (void)state;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 4);
    (void)floe_type_write_sql(&out, FLOE_STR("string"), &iceberg);
    assert_true(out.failed);
}

static floe_status write_once(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(1));
    bool good = floe_type_write_sql(&out, FLOE_STR("map<string, struct<a: int>>"), &iceberg);
    FLOE_TRY(floe_buf_check(&out, err));
    /* Without memory for what it writes first there is no type; the caller then shows none. */
    return good ? FLOE_OK : FLOE_FAIL(err, FLOE_NOMEM, "no type");
}

static void write_sql__any_failing_allocation__appends_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(write_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_sql__of_both_tables__follows_the_grammar),
        cmocka_unit_test(write_sql__sixteen_types_deep__is_taken_and_seventeen_are_not),
        cmocka_unit_test(write_sql__word_of_forty_bytes_and_more__is_no_known_one),
        cmocka_unit_test(write_sql__zero_byte_in_a_name__is_no_type),
        cmocka_unit_test(write_sql__cut_anywhere__is_no_type),
        cmocka_unit_test(write_sql__random_texts__close_what_they_open),
        cmocka_unit_test(write_sql__buffer_that_is_full__fails_by_its_flag),
        cmocka_unit_test(write_sql__any_failing_allocation__appends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
