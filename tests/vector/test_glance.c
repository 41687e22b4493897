/*
 * Glances against the entries that they are of: a glance may let through what is not named, never hold back what is.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/rank/rank_int.h"

#define TABLES 50
#define COLUMNS 300

typedef struct made {
    floe_table_entry tables[TABLES];
    floe_column_entry columns[COLUMNS];
    floe_corpus corpus;
    floe_glances glances;
} made;

/* Few distinct hashes, so that names are found as well as missed; 0 is an entry without one. */
static uint64_t any_hash(floe_test_rng *rng) {
    uint64_t number = floe_test_below(rng, 40);
    return number * UINT64_C(0x9e3779b97f4a7c15);
}

static void make(made *all, floe_test_rng *rng, floe_arena *arena) {
    for (uint32_t i = 0; i < TABLES; i++) {
        all->tables[i] = (floe_table_entry){.scope = (uint32_t)floe_test_below(rng, 5),
                                            .original = (uint32_t)floe_test_below(rng, TABLES),
                                            .group = (uint32_t)floe_test_below(rng, 7),
                                            .name_hash = any_hash(rng),
                                            .full_hash = any_hash(rng)};
    }
    for (uint32_t i = 0; i < COLUMNS; i++) {
        all->columns[i] = (floe_column_entry){.table = (uint32_t)floe_test_below(rng, TABLES),
                                              .name_hash = any_hash(rng),
                                              .table_hash = any_hash(rng),
                                              .full_hash = any_hash(rng)};
    }
    all->corpus =
        (floe_corpus){.tables = all->tables, .table_count = TABLES, .columns = all->columns, .column_count = COLUMNS};
    floe_glances_init(&all->glances, &all->corpus, arena);
    assert_false(arena->overflow);
}

static void ask_names(floe_question *question, size_t count, floe_test_rng *rng) {
    *question = (floe_question){0};
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = any_hash(rng);
        if (hash != 0) {
            question->names[question->name_count++] = hash;
            question->name_bits |= UINT64_C(1) << hash % 64;
        }
    }
}

static void glances__any_entries__say_what_the_entries_say(void **state) {
    (void)state;
    static made all;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    make(&all, &rng, &arena);
    for (size_t i = 0; i < TABLES; i++) {
        assert_int_equal(all.glances.tables[i].scope, all.tables[i].scope);
        assert_int_equal(all.glances.tables[i].original, all.tables[i].original);
        assert_int_equal(all.glances.tables[i].group, all.tables[i].group);
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        assert_int_equal(all.glances.columns[i].table, all.columns[i].table);
    }
}

static void may_be_named__whatever_a_question_names__is_let_through(void **state) {
    (void)state;
    static made all;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    size_t named = 0;
    for (size_t round = 0; round < 200; round++) {
        FLOE_AUTO_ARENA arena;
        floe_question question;
        floe_arena_init(&arena, FLOE_MIB(1));
        make(&all, &rng, &arena);
        ask_names(&question, round % 4, &rng);
        for (uint32_t i = 0; i < TABLES; i++) {
            bool is_named = floe_question_has_name(&question, all.tables[i].name_hash) ||
                            floe_question_has_name(&question, all.tables[i].full_hash);
            assert_true(!is_named || floe_table_may_be_named(&all.glances, &question, i));
            named += is_named;
        }
        for (uint32_t i = 0; i < COLUMNS; i++) {
            const floe_column_entry *column = &all.columns[i];
            bool is_named = floe_question_has_name(&question, column->name_hash) ||
                            floe_question_has_name(&question, column->table_hash) ||
                            floe_question_has_name(&question, column->full_hash);
            assert_true(!is_named || floe_column_may_be_named(&all.glances, &question, i));
            named += is_named;
        }
    }
    assert_true(named > 1000);
}

static void may_be_named__a_question_without_names__is_none(void **state) {
    (void)state;
    static made all;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_question question;
    floe_arena_init(&arena, FLOE_MIB(1));
    make(&all, &rng, &arena);
    ask_names(&question, 0, &rng);
    for (uint32_t i = 0; i < TABLES; i++) {
        assert_false(floe_table_may_be_named(&all.glances, &question, i));
    }
    for (uint32_t i = 0; i < COLUMNS; i++) {
        assert_false(floe_column_may_be_named(&all.glances, &question, i));
    }
}

static void glances_init__no_memory__is_noted_by_the_arena(void **state) {
    (void)state;
    static made all;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_ARENA full;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_arena_init(&full, 64);
    make(&all, &rng, &arena);
    floe_glances_init(&all.glances, &all.corpus, &full);
    assert_true(full.overflow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glances__any_entries__say_what_the_entries_say),
        cmocka_unit_test(may_be_named__whatever_a_question_names__is_let_through),
        cmocka_unit_test(may_be_named__a_question_without_names__is_none),
        cmocka_unit_test(glances_init__no_memory__is_noted_by_the_arena),
    };
    return cmocka_run_group_tests_name("vector/glance", tests, NULL, NULL);
}
