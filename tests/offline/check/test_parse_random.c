/*
 * Random SELECT statements whose tables are known because the test wrote them: the checker finds exactly those, and one function
 * or table function that is not on the list, at any place of any statement, makes it refuse. The seed is printed.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/offline.h"

#include <stdio.h>
#include <stdlib.h>

static floe_checker *checker;

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(floe_checker_open(&checker, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_checker_close(&checker);
    return 0;
}

#define TABLES 12
#define WITHS_MAX 8
#define DEPTH_MAX 4

typedef struct writer {
    floe_test_rng *rng;
    floe_buf *sql;
    bool used[TABLES];
    char withs[WITHS_MAX][16]; /* names of WITH queries in scope */
    size_t with_count;
    int poison_at; /* which expression is the bad one; < 0: none */
    int expressions;
    const char *poison;
} writer;

static uint64_t below(writer *w, uint64_t bound) {
    return floe_test_below(w->rng, bound);
}

static void put(writer *w, const char *text) {
    floe_buf_text(w->sql, text);
}

static void put_select(writer *w, int depth);

/* White space and comments where any may stand. */
static void gap(writer *w) {
    static const char *const gaps[] = {" ", "  ", "\n", "\t", " /* FROM secret */ ", " -- JOIN secret\n"};
    put(w, gaps[below(w, 6)]);
}

static void put_expression(writer *w, int depth) {
    static const char *const leaves[] = {"1",    "'it''s FROM secret'", "x", "a.x", "\"odd \"\"name\"\"\"",
                                         "NULL", "DATE '2001-01-01'"};
    if (w->expressions++ == w->poison_at) {
        put(w, w->poison);
        return;
    }
    switch (depth <= 0 ? 0 : below(w, 9)) {
    case 1:
        put(w, "upper(");
        put_expression(w, depth - 1);
        put(w, ")");
        break;
    case 2:
        put(w, "(");
        put_expression(w, depth - 1);
        put(w, " + ");
        put_expression(w, depth - 1);
        put(w, ")");
        break;
    case 3:
        put(w, "CASE WHEN ");
        put_expression(w, depth - 1);
        put(w, " THEN ");
        put_expression(w, depth - 1);
        put(w, " ELSE ");
        put_expression(w, depth - 1);
        put(w, " END");
        break;
    case 4:
        put(w, "(");
        put_select(w, depth - 1);
        put(w, ")");
        break;
    case 5:
        put(w, "EXISTS (");
        put_select(w, depth - 1);
        put(w, ")");
        break;
    case 6:
        put(w, "sum(");
        put_expression(w, 0);
        put(w, ") FILTER (WHERE ");
        put_expression(w, 0);
        put(w, ") OVER (PARTITION BY "); /* where no window may stand */
        put_expression(w, 0);
        put(w, ")");
        break;
    case 7:
        put(w, "CAST([");
        put_expression(w, depth - 1);
        put(w, "][1] AS VARCHAR)");
        break;
    case 8:
        put_expression(w, depth - 1);
        put(w, " IN (");
        put_select(w, depth - 1);
        put(w, ")");
        break;
    default:
        put(w, leaves[below(w, sizeof(leaves) / sizeof(leaves[0]))]);
        break;
    }
}

static void put_source(writer *w, int depth) {
    uint64_t kind = below(w, depth > 0 ? 5 : 2);
    if (kind == 0 && w->with_count > 0) {
        put(w, w->withs[below(w, w->with_count)]);
    } else if (kind == 2) {
        put(w, "(");
        put_select(w, depth - 1);
        put(w, ") AS s");
    } else if (kind == 3) {
        put(w, "(VALUES (");
        put_expression(w, depth - 1);
        put(w, ")) AS v(x)");
    } else {
        uint64_t table = below(w, TABLES);
        w->used[table] = true;
        floe_buf_printf(w->sql, below(w, 2) ? "\"t%d\"" : "t%d", (int)table);
        put(w, below(w, 2) ? " AS a" : "");
    }
}

static void put_from(writer *w, int depth) {
    gap(w);
    put(w, "FROM");
    gap(w);
    put_source(w, depth);
    for (uint64_t i = below(w, 3); i > 0; i--) {
        static const char *const joins[] = {", ", " CROSS JOIN ", " NATURAL JOIN ", " JOIN ",
                                            ", LATERAL (SELECT * FROM "};
        uint64_t join = below(w, 5);
        put(w, joins[join]);
        put_source(w, join == 4 ? 0 : depth - 1);
        put(w, join == 4 ? ") l" : "");
        if (join == 3) {
            put(w, " ON ");
            put_expression(w, depth - 1);
        }
    }
}

/* A WITH query's name holds from its list to the end of its statement. */
static size_t put_withs(writer *w, int depth) {
    size_t before = w->with_count;
    size_t count = depth > 0 && below(w, 3) == 0 ? 1 + below(w, 2) : 0;
    for (size_t i = 0; i < count && w->with_count < WITHS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "w%d", (int)below(w, 1000000));
        floe_buf_printf(w->sql, "%s%s AS (", i == 0 ? "WITH " : ", ", name);
        put_select(w, depth - 1);
        put(w, ") ");
        memcpy(w->withs[w->with_count++], name, sizeof(name));
    }
    return before;
}

static void put_select(writer *w, int depth) {
    size_t before = put_withs(w, depth);
    put(w, "SELECT");
    gap(w);
    put_expression(w, depth);
    put(w, below(w, 3) ? "" : ", *");
    put_from(w, depth);
    if (below(w, 2)) {
        put(w, " WHERE ");
        put_expression(w, depth - 1);
    }
    if (below(w, 4) == 0) {
        put(w, " GROUP BY ");
        put_expression(w, depth - 1);
        put(w, " HAVING ");
        put_expression(w, depth - 1);
    }
    if (depth > 0 && below(w, 5) == 0) {
        put(w, below(w, 2) ? " UNION ALL " : " EXCEPT ");
        put(w, "(");
        put_select(w, depth - 1);
        put(w, ")");
    }
    if (below(w, 4) == 0) {
        put(w, " ORDER BY 1 LIMIT 3");
    }
    w->with_count = before;
}

static floe_status parse(const writer *w, floe_arena *arena, const floe_query_name **ret_names, size_t *ret_count,
                         floe_error *err) {
    return floe_checker_parse(checker, floe_buf_view(w->sql), arena, ret_names, ret_count, err);
}

static void random_select__its_tables__are_exactly_those_it_names(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 200; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF sql;
        const floe_query_name *names = NULL;
        size_t count = 0;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(64));
        floe_buf_init(&sql, FLOE_QUERY_BYTES_MAX);
        writer w = {.rng = &rng, .sql = &sql, .poison_at = -1};
        put_select(&w, (int)below(&w, DEPTH_MAX));
        if (sql.failed) {
            continue;
        }
        floe_status status = parse(&w, &arena, &names, &count, &err);
        if (floe_failed(status)) {
            print_message("%s\n", sql.ptr);
        }
        assert_ok(status, &err);
        bool found[TABLES] = {0};
        for (size_t i = 0; i < count; i++) {
            int table = -1;
            char extra = 0;
            char name[32];
            (void)snprintf(name, sizeof(name), "%.*s", FLOE_STR_ARG(names[i].table));
            if (sscanf(name, "t%d%c", &table, &extra) != 1 || table < 0 || table >= TABLES || found[table]) {
                print_message("%s in %s\n", name, sql.ptr);
                fail();
            }
            found[table] = true;
        }
        if (memcmp(found, w.used, sizeof(found)) != 0) {
            print_message("%s\n", sql.ptr);
            fail();
        }
    }
}

static void random_select__one_bad_expression_anywhere__is_refused(void **state) {
    (void)state;
    static const char *const poisons[] = {"getenv('X')",
                                          "(SELECT content FROM read_text('/etc/passwd'))",
                                          "current_setting('x')",
                                          "(SELECT 1 FROM glob('*'))",
                                          "random()",
                                          "$1",
                                          "sleep_ms(1)",
                                          "(SELECT max(a) FROM read_csv('x') r)",
                                          "nextval('s')"};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF sql;
        const floe_query_name *names = NULL;
        size_t count = 0;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(64));
        floe_buf_init(&sql, FLOE_QUERY_BYTES_MAX);
        writer w = {.rng = &rng,
                    .sql = &sql,
                    .poison_at = (int)floe_test_below(&rng, 12),
                    .poison = poisons[floe_test_below(&rng, sizeof(poisons) / sizeof(poisons[0]))]};
        put_select(&w, (int)below(&w, DEPTH_MAX));
        if (sql.failed || w.expressions <= w.poison_at) {
            continue;
        }
        floe_status status = parse(&w, &arena, &names, &count, &err);
        if (status.code != FLOE_DENIED) {
            print_message("%s\n%s\n", err.message, sql.ptr);
        }
        assert_int_equal(status.code, FLOE_DENIED);
    }
}

/* A byte flipped, dropped or doubled: an answer or an error of the caller's, never ours and never a crash. */
static void random_select__damaged__is_judged_all_the_same(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF sql;
        const floe_query_name *names = NULL;
        size_t count = 0;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(64));
        floe_buf_init(&sql, FLOE_QUERY_BYTES_MAX);
        writer w = {.rng = &rng, .sql = &sql, .poison_at = -1};
        put_select(&w, 2);
        if (sql.failed || sql.len == 0) {
            continue;
        }
        for (uint64_t i = 1 + below(&w, 3); i > 0; i--) {
            sql.ptr[below(&w, sql.len)] = (char)below(&w, 128);
        }
        floe_status status = parse(&w, &arena, &names, &count, &err);
        if (floe_failed(status)) {
            bool told = err.code == FLOE_INVALID || err.code == FLOE_DENIED || err.code == FLOE_LIMIT ||
                        err.code == FLOE_UNSUPPORTED;
            if (!told) {
                print_message("%s: %s\n", err.message, sql.ptr);
            }
            assert_true(told);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_select__its_tables__are_exactly_those_it_names),
        cmocka_unit_test(random_select__one_bad_expression_anywhere__is_refused),
        cmocka_unit_test(random_select__damaged__is_judged_all_the_same),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
