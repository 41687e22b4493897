/*
 * What fits: over random sets of tables, joins, features and questions the budget holds, what is taken is whole and what is left
 * would not have fitted, and more room never takes the best table away. The seed is printed.
 */
#include "tests/vector/context/asking.h"
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLES_MAX 12
#define COLUMNS_MAX 40
/* What the packer keeps free for headings and the last line, and a token for the line break of each piece. */
#define SLACK 180

static floe_str text_of(floe_arena *arena, floe_test_rng *rng, const char *stem, size_t number, size_t words) {
    FLOE_AUTO_BUF text;
    static const char *const parts[] = {"delay", "airport", "customer id", "Straße", "x", "price of it.", "born 2001"};
    floe_buf_init(&text, FLOE_KIB(64));
    floe_buf_printf(&text, "%s%zu", stem, number);
    for (size_t i = 0; i < words; i++) {
        floe_buf_printf(&text, " %s", parts[floe_test_below(rng, sizeof(parts) / sizeof(parts[0]))]);
    }
    return floe_arena_str(arena, floe_buf_view(&text));
}

static void make_pick(floe_arena *arena, floe_test_rng *rng, size_t number, floe_pick *pick) {
    size_t count = 1 + floe_test_below(rng, COLUMNS_MAX);
    floe_described_column *columns = floe_arena_alloc(arena, count, sizeof(*columns));
    double *scores = floe_arena_alloc(arena, count + 1, sizeof(*scores));
    for (size_t i = 0; i < count; i++) {
        columns[i] = (floe_described_column){.name = text_of(arena, rng, "c", i, floe_test_below(rng, 3)),
                                             .type = FLOE_STR("double"),
                                             .description = text_of(arena, rng, "d", i, floe_test_below(rng, 12)),
                                             .personal = floe_test_below(rng, 6) == 0,
                                             .key = i == 0 && floe_test_below(rng, 2) == 0};
        scores[i] = floe_test_below(rng, 4) == 0 ? (double)floe_test_below(rng, 100) / 100 : 0;
    }
    floe_str name = text_of(arena, rng, "t", number, 1);
    *pick =
        (floe_pick){.table = (uint32_t)number,
                    .score = number == 0 ? 1 : (double)floe_test_below(rng, 1000) / 1000,
                    .bridge = number > 3 && floe_test_below(rng, 6) == 0,
                    .whole = {.database = FLOE_STR("d"),
                              .name = name,
                              .sql_name = floe_str_of(floe_arena_printf(arena, "\"d\".\"%.*s\"", FLOE_STR_ARG(name))),
                              .description = text_of(arena, rng, "about ", number, floe_test_below(rng, 9)),
                              .columns = columns,
                              .column_count = count},
                    .column_scores = scores};
    floe_pick_order(pick, arena);
}

static void make_joins(floe_arena *arena, floe_test_rng *rng, floe_packing *all) {
    floe_join *joins = floe_arena_alloc(arena, 8, sizeof(*joins));
    uint32_t(*ends)[2] = floe_arena_alloc(arena, 8, sizeof(*ends));
    all->join_count = floe_test_below(rng, 8);
    for (size_t i = 0; i < all->join_count; i++) {
        ends[i][0] = (uint32_t)floe_test_below(rng, all->pick_count);
        ends[i][1] = (uint32_t)floe_test_below(rng, all->pick_count);
        const floe_described_table *left = &all->picks[ends[i][0]].whole;
        const floe_described_table *right = &all->picks[ends[i][1]].whole;
        joins[i] = (floe_join){.database = left->database,
                               .table = left->name,
                               .columns = &left->columns[0].name,
                               .column_count = 1,
                               .other_database = right->database,
                               .other_table = right->name,
                               .other_columns = &right->columns[0].name,
                               .other_column_count = 1,
                               .inferred = floe_test_below(rng, 2) == 0};
    }
    all->joins = joins;
    all->join_ends = (const uint32_t(*)[2])ends;
    all->join_taken = floe_arena_alloc(arena, 8, sizeof(bool));
}

static void make_others(floe_arena *arena, floe_test_rng *rng, floe_packing *all) {
    floe_context_feature *features = floe_arena_alloc(arena, 5, sizeof(*features));
    floe_verified_hit *questions = floe_arena_alloc(arena, 4, sizeof(*questions));
    all->feature_count = floe_test_below(rng, 5);
    for (size_t i = 0; i < all->feature_count; i++) {
        features[i] = (floe_context_feature){text_of(arena, rng, "view:f", i, 0), text_of(arena, rng, "what", i, 5),
                                             (double)floe_test_below(rng, 100) / 100};
    }
    all->question_count = floe_test_below(rng, 4);
    for (size_t i = 0; i < all->question_count; i++) {
        floe_question_entry *entry = floe_arena_alloc(arena, 1, sizeof(*entry));
        entry->question = text_of(arena, rng, "how many ", i, 4);
        entry->sql = text_of(arena, rng, "SELECT ", i, 10);
        questions[i] = (floe_verified_hit){entry, (double)floe_test_below(rng, 100) / 100};
    }
    all->features = features;
    all->feature_taken = floe_arena_alloc(arena, 5, sizeof(bool));
    all->questions = questions;
    all->question_taken = floe_arena_alloc(arena, 4, sizeof(bool));
}

static floe_packing make_packing(floe_arena *arena, uint64_t seed, size_t token_max) {
    floe_test_rng rng = floe_test_rng_of(seed);
    floe_packing all = {.arena = arena, .token_max = token_max, .pick_count = 1 + floe_test_below(&rng, TABLES_MAX)};
    all.picks = floe_arena_alloc(arena, TABLES_MAX, sizeof(*all.picks));
    for (size_t i = 0; i < all.pick_count; i++) {
        make_pick(arena, &rng, i, &all.picks[i]);
    }
    make_joins(arena, &rng, &all);
    make_others(arena, &rng, &all);
    return all;
}

static bool has(floe_str text, floe_str part) {
    return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static floe_str piece_of(floe_arena *arena, const floe_pick *pick, floe_detail detail) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_piece_table(pick, detail, arena, &out);
    return floe_arena_str(arena, floe_buf_view(&out));
}

/* Every table is in the text exactly as its piece is, or not at all. */
static void check_tables(const floe_packing *all, floe_str text) {
    for (size_t i = 0; i < all->pick_count; i++) {
        const floe_pick *pick = &all->picks[i];
        floe_str begin =
            floe_str_of(floe_arena_printf(all->arena, "CREATE TABLE %.*s (", FLOE_STR_ARG(pick->whole.sql_name)));
        assert_int_equal(has(text, begin), pick->detail != FLOE_DETAIL_NONE);
        if (pick->detail != FLOE_DETAIL_NONE) {
            assert_true(has(text, piece_of(all->arena, pick, pick->detail)));
        }
    }
    for (size_t i = 0; i < all->join_count; i++) {
        bool both = all->picks[all->join_ends[i][0]].detail != FLOE_DETAIL_NONE &&
                    all->picks[all->join_ends[i][1]].detail != FLOE_DETAIL_NONE;
        assert_true(!all->join_taken[i] || both);
    }
}

/* A table that answers and was left out would not have fitted into what was left free. */
static void check_full(const floe_packing *all, size_t used) {
    for (size_t i = 0; i < all->pick_count; i++) {
        const floe_pick *pick = &all->picks[i];
        if (pick->detail == FLOE_DETAIL_NONE && !pick->bridge) {
            size_t tokens = floe_tokens_count(piece_of(all->arena, pick, FLOE_DETAIL_KEYS));
            assert_true(used + tokens + SLACK > all->token_max);
        }
    }
}

static void pack__random_sets__hold_the_budget_and_use_it(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 400; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF out;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(256));
        floe_buf_init(&out, FLOE_MIB(1));
        floe_packing all = make_packing(&arena, floe_test_next(&rng), 100 + floe_test_below(&rng, 3000));
        assert_ok(floe_pack(&all, &out, &err), &err);
        size_t used = floe_tokens_count(floe_buf_view(&out));
        assert_true(used <= all.token_max);
        check_tables(&all, floe_buf_view(&out));
        check_full(&all, used);
    }
}

static void pack__more_room__keeps_the_best_table_and_its_columns(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 40; round++) {
        uint64_t seed = floe_test_next(&rng);
        floe_detail before = FLOE_DETAIL_NONE;
        for (size_t budget = 100; budget < 8000; budget *= 2) {
            FLOE_AUTO_ARENA arena;
            FLOE_AUTO_BUF out;
            floe_error err = {0};
            floe_arena_init(&arena, FLOE_MIB(256));
            floe_buf_init(&out, FLOE_MIB(1));
            floe_packing all = make_packing(&arena, seed, budget);
            assert_ok(floe_pack(&all, &out, &err), &err);
            assert_true(all.picks[0].detail != FLOE_DETAIL_NONE || before == FLOE_DETAIL_NONE);
            before = all.picks[0].detail > before ? all.picks[0].detail : before;
        }
        assert_true(before != FLOE_DETAIL_NONE);
    }
}

/* With room for everything everything is there, and nothing is said to be left out. */
static void pack__room_for_all__leaves_nothing_out(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 60; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF out;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(256));
        floe_buf_init(&out, FLOE_MIB(4));
        floe_packing all = make_packing(&arena, floe_test_next(&rng), 200000);
        assert_ok(floe_pack(&all, &out, &err), &err);
        assert_false(has(floe_buf_view(&out), FLOE_STR("Left out")));
        for (size_t i = 0; i < all.pick_count; i++) {
            const floe_pick *pick = &all.picks[i];
            assert_true(pick->bridge || pick->shown[pick->detail] == pick->whole.column_count);
        }
        for (size_t i = 0; i < all.question_count; i++) {
            assert_true(all.question_taken[i]);
        }
        for (size_t i = 0; i < all.feature_count; i++) {
            assert_true(all.feature_taken[i]);
        }
    }
}

/* ---- columns ---- */

static void order__keys__come_first_and_every_column_once(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 200; round++) {
        FLOE_AUTO_ARENA arena;
        floe_pick pick;
        bool there[COLUMNS_MAX] = {0};
        floe_arena_init(&arena, FLOE_MIB(16));
        make_pick(&arena, &rng, 0, &pick);
        size_t count = pick.whole.column_count;
        for (size_t i = 0; i < count; i++) {
            assert_true(pick.order[i] < count && !there[pick.order[i]]);
            there[pick.order[i]] = true;
            assert_int_equal(pick.whole.columns[pick.order[i]].key, i < pick.key_count);
            bool ranked =
                i <= pick.key_count || pick.column_scores[pick.order[i]] <= pick.column_scores[pick.order[i - 1]];
            assert_true(ranked);
        }
        assert_true(pick.shown[FLOE_DETAIL_KEYS] >= pick.key_count && pick.shown[FLOE_DETAIL_KEYS] >= 1);
        assert_true(pick.shown[FLOE_DETAIL_KEYS] <= pick.shown[FLOE_DETAIL_SOME]);
        assert_true(pick.shown[FLOE_DETAIL_SOME] <= pick.shown[FLOE_DETAIL_ALL]);
        assert_int_equal(pick.shown[FLOE_DETAIL_ALL], count);
        size_t shown = 0;
        const uint32_t *columns = floe_pick_columns(&pick, FLOE_DETAIL_SOME, &arena, &shown);
        assert_int_equal(shown, pick.shown[FLOE_DETAIL_SOME]);
        for (size_t i = 1; i < shown; i++) {
            assert_true(columns[i - 1] < columns[i]);
        }
    }
}

static void piece__a_personal_column__shows_no_value(void **state) {
    (void)state;
    static const floe_str samples[] = {{"ada@example.com", 15}};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    double scores[2] = {0};
    floe_described_column column = {.name = FLOE_STR("mail"),
                                    .type = FLOE_STR("text"),
                                    .description = FLOE_STR("Where to write."),
                                    .samples = samples,
                                    .sample_count = 1};
    floe_pick pick = {
        .whole = {.name = FLOE_STR("t"), .sql_name = FLOE_STR("\"d\".\"t\""), .columns = &column, .column_count = 1},
        .column_scores = scores};
    floe_pick_order(&pick, &arena);
    assert_true(has(piece_of(&arena, &pick, FLOE_DETAIL_ALL),
                    FLOE_STR("  \"mail\" text -- Where to write.; such as 'ada@example.com'\n);\n")));
    column.personal = true;
    floe_str masked = piece_of(&arena, &pick, FLOE_DETAIL_ALL);
    assert_true(has(masked, FLOE_STR("-- Where to write.; personal data, values are masked\n")));
    assert_false(has(masked, FLOE_STR("ada@")));
    column.description = FLOE_STR("");
    assert_true(has(piece_of(&arena, &pick, FLOE_DETAIL_ALL), FLOE_STR("text -- personal data, values are masked\n")));
}

static floe_status pack_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    (void)context;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_buf_init(&out, FLOE_MIB(1));
    floe_test_rng rng = floe_test_rng_of(3);
    floe_packing all = {.arena = &arena, .token_max = 300, .pick_count = 1};
    floe_pick pick = {0};
    double scores[2] = {0};
    floe_described_column column = {
        .name = FLOE_STR("c"), .type = FLOE_STR("int"), .description = FLOE_STR("what it is")};
    (void)rng;
    pick.whole = (floe_described_table){
        .name = FLOE_STR("t"), .sql_name = FLOE_STR("\"t\""), .columns = &column, .column_count = 1};
    pick.score = 1;
    pick.column_scores = scores;
    floe_pick_order(&pick, &arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    all.picks = &pick;
    return floe_pack(&all, &out, err);
}

static void pack__any_allocation_fails__is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(pack_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack__random_sets__hold_the_budget_and_use_it),
        cmocka_unit_test(pack__more_room__keeps_the_best_table_and_its_columns),
        cmocka_unit_test(pack__room_for_all__leaves_nothing_out),
        cmocka_unit_test(order__keys__come_first_and_every_column_once),
        cmocka_unit_test(piece__a_personal_column__shows_no_value),
        cmocka_unit_test(pack__any_allocation_fails__is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
