/*
 * Masking of texts and of SQL: what is personal goes, everything else stays byte for byte. The addresses, numbers and ids are
 * documentation's own: example domains, the networks' test cards, numbers reserved for fiction.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/personal/personal.h"

#include <stdio.h>

typedef void (*mask)(floe_str text, floe_buf *out);

static void check(mask by, const char *text, const char *wanted) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    by(floe_str_of(text), &out);
    assert_false(out.failed);
    if (!floe_str_is(floe_buf_view(&out), wanted)) {
        fail_msg("%s became %.*s, not %s", text, FLOE_STR_ARG(floe_buf_view(&out)), wanted);
    }
}

typedef struct pair {
    const char *text, *wanted;
} pair;

static void check_all(mask by, const pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check(by, pairs[i].text, pairs[i].wanted);
        /* What is masked holds nothing that is personal. */
        check(by, pairs[i].wanted, pairs[i].wanted);
    }
}

static void check_same(mask by, const char *const *texts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check(by, texts[i], texts[i]);
    }
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- text ---- */

static void mask_text__what_is_personal__becomes_its_kind(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"jane@example.com", "<e-mail>"},
        {"What did jane@example.com order?", "What did <e-mail> order?"},
        {"orders of \"jane@example.com\", please", "orders of \"<e-mail>\", please"},
        {"mail to jane@example.com.", "mail to <e-mail>."},
        {"a@example.com b@example.org", "<e-mail> <e-mail>"},
        {"  jane@example.com\n", "  <e-mail>\n"},
        {"who has the card 4111 1111 1111 1111?", "who has the card <card>?"},
        {"card 4111-1111-1111-1111 or 5555555555554444", "card <card> or <card>"},
        {"call +44 20 7946 0958 now", "call <phone> now"},
        {"call (212) 555-0123 now", "call <phone> now"},
        {"the SSN 219-09-9999 is whose", "the SSN <national id> is whose"},
        {"card=4111111111111111", "card=<card>"},
        {"cards 4111111111111111,5555555555554444;", "cards <card>,<card>;"},
        {"{\"card\":\"4111111111111111\",\"n\":1}", "{\"card\":\"<card>\",\"n\":1}"},
        {"(4111111111111111) and (4111 1111 1111 1111)", "(<card>) and (<card>)"},
        {"tel:+442079460958 or phone: +44 20 7946 0958, +44 20 7946 0959", "tel:<phone> or phone: <phone>, <phone>"},
        {"tel:+44 20 7946 0958 now", "tel:<phone> now"},
        {"SSN(219-09-9999)", "SSN(<national id>)"},
        {"the SSN(219-09-9999), card(4111 1111 1111 1111)", "the SSN(<national id>), card(<card>)"},
        {"tel(212) 555-0123", "tel<phone>"},
        {"SSN#219-09-9999", "SSN#<national id>"},
        {"f(g(jane@example.com))", "<e-mail>"},
    };
    check_all(floe_personal_mask_text, pairs, COUNT(pairs));
}

static void mask_text__anything_else__is_left(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "\t\n ",
        "How many orders were placed last month?",
        "between 2024-01-01 and 2024-12-31",
        "orders over 1000000 in 2023",
        "git@github.com:acme/lake.git",
        "a @ b, or x@y",
        "flights from 10:30 to 12:45, \"late\" ones",
        "Zürich, 東京, 📊",
        "SELECT count(*) FROM orders WHERE id = 123456789012",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "round(x) of f(y(z)) and g(), ticket#12345",
        /* Bare digits may be anything: seconds, serials, ids. */
        "since 1700000000, serial 12345678901, customer 4155552671, 491711234567",
    };
    check_same(floe_personal_mask_text, texts, COUNT(texts));
}

/* ---- SQL ---- */

static void mask_sql__personal_literals__become_their_kind(void **state) {
    (void)state;
    static const pair pairs[] = {
        {"SELECT * FROM o WHERE mail = 'jane@example.com'", "SELECT * FROM o WHERE mail = '<e-mail>'"},
        {"WHERE mail LIKE '%jane@example.com%' AND x = 1", "WHERE mail LIKE '<e-mail>' AND x = 1"},
        {"WHERE mail IN ('a@example.com', 'b@example.com')", "WHERE mail IN ('<e-mail>', '<e-mail>')"},
        {"WHERE note = 'it''s jane@example.com''s'", "WHERE note = '<e-mail>'"},
        {"WHERE card = '4111 1111 1111 1111'", "WHERE card = '<card>'"},
        {"WHERE card = 4111111111111111 LIMIT 10", "WHERE card = '<card>' LIMIT 10"},
        {"WHERE card=4111111111111111;", "WHERE card='<card>';"},
        {"WHERE phone = '+44 20 7946 0958'", "WHERE phone = '<phone>'"},
        {"WHERE note = 'call +44 20 7946 0958 today'", "WHERE note = 'call <phone> today'"},
        {"WHERE ssn = '219-09-9999'", "WHERE ssn = '<national id>'"},
        {"WHERE mail = E'jane\\'@x jane@example.com' AND y = 'b'", "WHERE mail = E'<e-mail>' AND y = 'b'"},
        {"WHERE mail = $$jane@example.com$$ AND y = $1", "WHERE mail = $$<e-mail>$$ AND y = $1"},
        {"WHERE mail = $q$jane@example.com$q$", "WHERE mail = $q$<e-mail>$q$"},
        {"SELECT 1 -- asked by jane@example.com\nFROM o", "SELECT 1 -- asked by <e-mail>\nFROM o"},
        {"SELECT 1 /* jane@example.com */ FROM o", "SELECT 1 /* <e-mail> */ FROM o"},
        {"SELECT 1 /* a */* 'jane@example.com'", "SELECT 1 /* a */* '<e-mail>'"},
        {"SELECT 'jane@example.com", "SELECT '<e-mail>"},
        {"SELECT 1 -- jane@example.com", "SELECT 1 -- <e-mail>"},
        {"SELECT $q$jane@example.com", "SELECT $q$<e-mail>"},
        {"SELECT \"a'b\", 'jane@example.com'", "SELECT \"a'b\", '<e-mail>'"},
        {"WHERE doc = '{\"card\": \"4111111111111111\"}'", "WHERE doc = '{\"card\": \"<card>\"}'"},
        {"WHERE card = 4111_1111_1111_1111", "WHERE card = '<card>'"},
        {"SELECT 1 /* a /* b */ jane@example.com */ + 2", "SELECT 1 /* a /* b */ <e-mail> */ + 2"},
        {"SELECT 1 /* /* jane@example.com */", "SELECT 1 /* /* <e-mail> */"},
        {"WHERE mail = E'jane\\x40example.com'", "WHERE mail = E'<e-mail>'"},
        {"WHERE mail = E'jane\\100example.com'", "WHERE mail = E'<e-mail>'"},
        {"WHERE mail = E'jane\\u0040example.com'", "WHERE mail = E'<e-mail>'"},
        {"WHERE mail = E'jane\\U00000040example.com'", "WHERE mail = E'<e-mail>'"},
        {"WHERE mail = U&'jane\\0040example.com'", "WHERE mail = U&'<e-mail>'"},
        {"WHERE mail = U&'jane\\+000040example.com'", "WHERE mail = U&'<e-mail>'"},
        {"WHERE regexp_matches(mail, '^jane@example\\.com$')", "WHERE regexp_matches(mail, '<e-mail>')"},
        {"SELECT 1 # jane@example.com", "SELECT 1 # <e-mail>"},
        {"WHERE note = 'it\\'s jane@example.com'", "WHERE note = 'it\\'s <e-mail>'"},
        {"WHERE mail = 'jane@' || 'example.com' AND y = 'b'", "WHERE mail = '<e-mail>' AND y = 'b'"},
        {"WHERE mail = 'jane' || '@' || 'example' || '.com'", "WHERE mail = '<e-mail>'"},
        {"WHERE mail = 'jane'||E'\\x40'\n||\tU&'example\\002ecom'", "WHERE mail = '<e-mail>'"},
        {"WHERE mail = 'jane@'\n'example.com'", "WHERE mail = '<e-mail>'"},
        {"WHERE mail = concat('jane', '@example.com')", "WHERE mail = concat('<e-mail>')"},
        {"WHERE mail = CONCAT( 'jane@' , 'example.com' , x)", "WHERE mail = CONCAT( '<e-mail>' , x)"},
        {"WHERE card = '4111' || '1111' || '1111' || '1111'", "WHERE card = '<card>'"},
        {"WHERE card = '4111 1111 ' || '1111 1111", "WHERE card = '<card>'"},
        /* Of what stands in one alone the others stay. */
        {"WHERE note = 'to: ' || 'jane@example.com' || ' now'", "WHERE note = 'to: ' || '<e-mail>' || ' now'"},
    };
    check_all(floe_personal_mask_sql, pairs, COUNT(pairs));
}

static void mask_sql__anything_else__is_left(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "SELECT count(*) FROM lake.aviation.flights",
        "SELECT a-b, a--b\n, a/b, a$b, $1, $, '' , '''' FROM t",
        "SELECT \"jane@example.com\" FROM t",
        "SELECT table_4111111111111111, c4111111111111111 FROM t",
        "SELECT 1.5e10, 0x1F, 1_000_000, .5 FROM t WHERE d = DATE '2024-01-31'",
        "WHERE ts BETWEEN '2024-01-01 00:00:00' AND '2024-02-01'",
        "SELECT 'a' || 'b' || c, 'x' || y || 'z', concat('a', 'b', d), 'a' | 'b', 'jane@' + 'example.com' FROM t",
        "WHERE x IN ('4111', '1111', '1111', '1111') OR y IN ('jane@', 'example.com') OR myconcat('a@', 'b.com')",
        "SELECT 'a' ||",
        "SELECT 'a' || E",
        "SELECT 'a' || U&",
        "SELECT 'a' ||'",
        "SELECT concat('a',",
        "WHERE city = 'Oslo' AND name LIKE '%O''Neil%' -- late\n/* b */",
        "SELECT E'a\\'b', e'\\\\', 'c'",
        "SELECT $$a'b$$, $x$ $$ $x$",
        "SELECT '東京', \"Größe\" FROM größe",
        "SELECT a+b-c.d, @x.y, x @> y, E'\\x41\\u0042', '^\\d{16}$', 'a\\",
        "SELECT 1 /* a /* b */ c */ + 'x' /* d /* e */",
        "SELECT '{\"at\": \"10:30\", \"ids\": [1, 2, 3]}' WHERE x LIKE '\\%50\\_' ESCAPE '\\'",
        "/* not closed",
        "'",
        "\"",
        "$$",
        "--",
        "/*",
    };
    check_same(floe_personal_mask_sql, texts, COUNT(texts));
}

/* ---- any bytes ---- */

/* Pieces that mean something to the scanner, in any order: masked twice is masked once, and no address is left that stands in a
 * literal, a comment or plainly in a text. */
static void mask__any_pieces__are_masked_once_and_for_all(void **state) {
    (void)state;
    static const char *const pieces[] = {"'",
                                         "\"",
                                         "$$",
                                         "$q$",
                                         "--",
                                         "/*",
                                         "*/",
                                         "\n",
                                         "\\",
                                         " ",
                                         "jane@example.com",
                                         "4111111111111111",
                                         "+44 20 7946 0958",
                                         "||",
                                         "concat(",
                                         "jane@",
                                         "example.com",
                                         "e'",
                                         "a1",
                                         "\xff"};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    const mask masks[] = {floe_personal_mask_text, floe_personal_mask_sql};
    for (size_t round = 0; round < 20000; round++) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_KIB(4));
        size_t count = floe_test_below(&rng, 12);
        for (size_t i = 0; i < count; i++) {
            floe_buf_text(&text, pieces[floe_test_below(&rng, COUNT(pieces))]);
        }
        for (size_t m = 0; m < 2; m++) {
            FLOE_AUTO_BUF once;
            FLOE_AUTO_BUF twice;
            floe_buf_init(&once, FLOE_KIB(64));
            floe_buf_init(&twice, FLOE_KIB(64));
            masks[m](floe_buf_view(&text), &once);
            masks[m](floe_buf_view(&once), &twice);
            if (m == 0 && !floe_str_equal(floe_buf_view(&once), floe_buf_view(&twice))) {
                fail_msg("%.*s became %.*s and then %.*s", FLOE_STR_ARG(floe_buf_view(&text)),
                         FLOE_STR_ARG(floe_buf_view(&once)), FLOE_STR_ARG(floe_buf_view(&twice)));
            }
        }
    }
}

/* Each byte of a buffer that ends where it ends, so that AddressSanitizer sees a read behind it. */
static void mask_sql__cut_anywhere__reads_nothing_behind_the_end(void **state) {
    (void)state;
    static const char sql[] =
        "SELECT E'a\\'\\x40\\u00e9', U&'\\0041\\+00', $q$x$q$, 'b''c\\' /* d /* */ */ -- e\n, \"f\"\"g\", "
        "41_1111111111111, a.b@example.com, (tel:+44 20 7946 0958,1), concat( 'a@' , 'b.com'), 'a' || U&'b' ||E'c'";
    for (size_t len = 0; len < sizeof(sql); len++) {
        FLOE_AUTO_BUF out;
        char *copy = test_malloc(len + 1);
        floe_buf_init(&out, FLOE_KIB(4));
        memcpy(copy, sql, len);
        floe_personal_mask_sql((floe_str){copy, len < sizeof(sql) - 1 ? len : sizeof(sql) - 1}, &out);
        assert_false(out.failed);
        test_free(copy);
    }
}

/* Half a million literals in one chain: each is looked at once, or this would take hours. */
static void mask_sql__long_chains__are_left_in_one_pass(void **state) {
    (void)state;
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_BUF out;
    floe_buf_init(&sql, FLOE_MIB(8));
    floe_buf_init(&out, FLOE_MIB(8));
    for (size_t i = 0; i < 500000; i++) {
        floe_buf_text(&sql, i > 0 ? "|| 'a'" : "'a'");
    }
    floe_personal_mask_sql(floe_buf_view(&sql), &out);
    assert_true(floe_str_equal(floe_buf_view(&sql), floe_buf_view(&out)));
}

/* Whatever memory is missing, an address is masked or the text is not there. */
static floe_status mask_once(void *context, floe_error *err) {
    static const char *const sqls[] = {"SELECT 'a@' || 'example.com'", "SELECT E'a\\x40example.com'",
                                       "SELECT concat('a', '@example.com')"};
    (void)context;
    for (size_t i = 0; i < COUNT(sqls); i++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_KIB(4));
        floe_personal_mask_sql(floe_str_of(sqls[i]), &out);
        FLOE_TRY(floe_buf_check(&out, err));
        assert_non_null(memmem(out.ptr, out.len, "<e-mail>", 8));
    }
    return FLOE_OK;
}

static void mask_sql__any_allocation_failing__shows_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(mask_once, NULL) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask_text__what_is_personal__becomes_its_kind),
        cmocka_unit_test(mask_text__anything_else__is_left),
        cmocka_unit_test(mask_sql__personal_literals__become_their_kind),
        cmocka_unit_test(mask_sql__anything_else__is_left),
        cmocka_unit_test(mask_sql__long_chains__are_left_in_one_pass),
        cmocka_unit_test(mask_sql__any_allocation_failing__shows_nothing),
        cmocka_unit_test(mask__any_pieces__are_masked_once_and_for_all),
        cmocka_unit_test(mask_sql__cut_anywhere__reads_nothing_behind_the_end),
    };
    return cmocka_run_group_tests_name("vector/personal_mask", tests, NULL, NULL);
}
