/*
 * Ways between tables, against a slow oracle: on random graphs of keys, the tables that are added are those a search in breadth
 * by hand finds needed, none is hidden, and none is added for nothing. The seed is printed.
 */
#include "tests/vector/context/asking.h"
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES 16

typedef struct graph {
    bool link[TABLES][TABLES];
    bool seen[TABLES];
} graph;

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

static void make_graph(floe_test_rng *rng, graph *g, const char **ret_lines) {
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    memset(g, 0, sizeof(*g));
    for (int i = 0; i < TABLES; i++) {
        g->seen[i] = floe_test_below(rng, 5) > 0;
        floe_buf_printf(&lines, "{\"database\":\"d\",\"table\":\"t%02d\",\"columns\":[{\"name\":\"k\"}", i);
        for (int k = 0; k < i; k++) {
            g->link[i][k] = g->link[k][i] = floe_test_below(rng, TABLES) < 2;
            if (g->link[i][k]) {
                floe_buf_printf(&lines, ",{\"name\":\"r%02d\"}", k);
            }
        }
        floe_buf_text(&lines, "],\"primary_key\":[\"k\"],\"foreign_keys\":[");
        const char *comma = "";
        for (int k = 0; k < i; k++) {
            if (g->link[i][k]) {
                floe_buf_printf(&lines, "%s{\"columns\":[\"r%02d\"],\"table\":\"t%02d\",\"references\":[\"k\"]}", comma,
                                k, k);
                comma = ",";
            }
        }
        floe_buf_text(&lines, "]}\n");
    }
    *ret_lines = floe_arena_strndup(&arena, floe_buf_view(&lines).ptr, lines.len);
}

/* Groups of members that links among members hold together: by[i] is the smallest member of i's group. */
static void group(const graph *g, const bool members[TABLES], int by[TABLES]) {
    for (int i = 0; i < TABLES; i++) {
        by[i] = members[i] ? i : -1;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < TABLES; i++) {
            for (int k = 0; k < TABLES; k++) {
                if (by[i] >= 0 && by[k] >= 0 && g->link[i][k] && by[i] != by[k]) {
                    by[i] = by[k] = by[i] < by[k] ? by[i] : by[k];
                    changed = true;
                }
            }
        }
    }
}

/* Whether a way over one or two tables that are seen and no members leads from one group to another. */
static bool has_way(const graph *g, const bool members[TABLES], const int by[TABLES]) {
    for (int a = 0; a < TABLES; a++) {
        for (int x = 0; members[a] && x < TABLES; x++) {
            if (members[x] || !g->seen[x] || !g->link[a][x]) {
                continue;
            }
            for (int y = 0; y < TABLES; y++) {
                if (!g->link[x][y]) {
                    continue;
                }
                if (members[y] && by[y] != by[a]) {
                    return true;
                }
                for (int b = 0; !members[y] && g->seen[y] && b < TABLES; b++) {
                    if (members[b] && g->link[y][b] && by[b] != by[a]) {
                        return true;
                    }
                }
            }
        }
    }
    return false;
}

static const floe_role *role_of_graph(const graph *g) {
    FLOE_AUTO_BUF seen;
    floe_buf_init(&seen, FLOE_KIB(4));
    for (int i = 0; i < TABLES; i++) {
        if (g->seen[i]) {
            floe_buf_printf(&seen, "%sd.t%02d", seen.len > 0 ? "," : "", i);
        }
    }
    return role_of(&arena, NULL, floe_arena_strdup(&arena, floe_buf_view(&seen).ptr), NULL);
}

static void check_bridged(const graph *g, const uint32_t *tables, size_t before, size_t after) {
    bool members[TABLES] = {0};
    int by[TABLES];
    for (size_t i = 0; i < after; i++) {
        assert_true(tables[i] < TABLES && !members[tables[i]]);
        assert_true(i < before || g->seen[tables[i]]);
        members[tables[i]] = true;
    }
    group(g, members, by);
    assert_false(has_way(g, members, by));
    /* Each that was added joins something: without it, its group falls apart or it is a step of a way of two. */
    for (size_t i = before; i < after; i++) {
        size_t links = 0;
        for (size_t k = 0; k < after; k++) {
            links += k != i && g->link[tables[i]][tables[k]] ? 1 : 0;
        }
        assert_true(links >= 2);
    }
}

static void bridge__random_graphs__are_joined_as_far_as_two_tables_reach(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    size_t added = 0;
    for (int round = 0; round < 40; round++) {
        graph g;
        const char *lines = NULL;
        floe_error err = {0};
        make_graph(&rng, &g, &lines);
        floe_search *search = make_search(floe_arena_printf(&arena, "joins-%d", round), lines);
        const floe_role *role = role_of_graph(&g);
        /* The whole corpus with a role: the links of hidden tables are there, and must not be walked. */
        const floe_corpus *corpus = NULL;
        assert_ok(floe_search_corpus(search, NULL, &corpus, &err), &err);
        assert_int_equal(corpus->table_count, TABLES);
        for (int pick = 0; pick < 6; pick++) {
            uint32_t tables[TABLES];
            bool chosen[TABLES] = {0};
            size_t count = 0;
            for (uint64_t i = 2 + floe_test_below(&rng, 4); i > 0; i--) {
                uint32_t table = (uint32_t)floe_test_below(&rng, TABLES);
                if (g.seen[table] && !chosen[table]) {
                    chosen[table] = true;
                    tables[count++] = table;
                }
            }
            size_t after = floe_joins_bridge(corpus, role, tables, count, TABLES, &arena);
            check_bridged(&g, tables, count, after);
            added += after - count;
        }
        floe_search_close(&search);
    }
    assert_true(added > 20);
}

static void bridge__without_room__adds_nothing(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(7);
    graph g;
    const char *lines = NULL;
    floe_error err = {0};
    const floe_corpus *corpus = NULL;
    make_graph(&rng, &g, &lines);
    floe_search *search = make_search("joins-room", lines);
    assert_ok(floe_search_corpus(search, NULL, &corpus, &err), &err);
    uint32_t tables[TABLES] = {0, 15, 7};
    assert_int_equal(floe_joins_bridge(corpus, NULL, tables, 3, 3, &arena), 3);
    assert_int_equal(floe_joins_bridge(corpus, NULL, tables, 0, TABLES, &arena), 0);
    assert_int_equal(floe_joins_bridge(corpus, NULL, tables, 1, TABLES, &arena), 1);
    floe_search_close(&search);
}

/* Every key, either way, and both columns by name. */
static void between__random_graphs__gives_every_key_once(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    graph g;
    const char *lines = NULL;
    floe_error err = {0};
    const floe_corpus *corpus = NULL;
    make_graph(&rng, &g, &lines);
    floe_search *search = make_search("joins-between", lines);
    assert_ok(floe_search_corpus(search, NULL, &corpus, &err), &err);
    for (uint32_t i = 0; i < TABLES; i++) {
        for (uint32_t k = 0; k < TABLES; k++) {
            floe_join joins[4];
            size_t count = floe_joins_between(corpus, i, k, NULL, joins, 4);
            assert_int_equal(count, i != k && g.link[i][k] ? 1 : 0);
            if (count > 0) {
                uint32_t from = i > k ? i : k;
                uint32_t to = i > k ? k : i;
                assert_true(floe_str_is(joins[0].table, floe_arena_printf(&arena, "t%02u", from)));
                assert_true(floe_str_is(joins[0].other_table, floe_arena_printf(&arena, "t%02u", to)));
                assert_true(floe_str_is(joins[0].columns[0], floe_arena_printf(&arena, "r%02u", to)));
                assert_true(floe_str_is(joins[0].other_columns[0], "k"));
            }
        }
    }
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bridge__random_graphs__are_joined_as_far_as_two_tables_reach),
        cmocka_unit_test(bridge__without_room__adds_nothing),
        cmocka_unit_test(between__random_graphs__gives_every_key_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
