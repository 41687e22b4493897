/* core/map: a table against a linear list, empty keys, growth that fails. */
#include "tests/support/support.h"

#include "core/map.h"

#include <stdio.h>

static void get__empty_map__is_null(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    floe_map map;
    floe_map_init(&map, &arena);
    assert_null(floe_map_get(&map, FLOE_STR("x")));
    assert_null(floe_map_get(&map, FLOE_STR("")));
    assert_int_equal(arena.used, 0);
}

static void put__same_key__replaces_and_returns_the_earlier(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    floe_map map;
    floe_map_init(&map, &arena);
    int a = 1;
    int b = 2;
    assert_null(floe_map_put(&map, FLOE_STR("k"), &a));
    assert_ptr_equal(floe_map_put(&map, FLOE_STR("k"), &b), &a);
    assert_ptr_equal(floe_map_get(&map, FLOE_STR("k")), &b);
    assert_int_equal(map.count, 1);
}

static void put__null_and_empty_key__are_one_key(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    floe_map map;
    floe_map_init(&map, &arena);
    int a = 1;
    assert_null(floe_map_put(&map, (floe_str){NULL, 0}, &a));
    assert_ptr_equal(floe_map_get(&map, FLOE_STR("")), &a);
    assert_ptr_equal(floe_map_get(&map, (floe_str){NULL, 0}), &a);
    assert_null(floe_map_get(&map, (floe_str){"\0", 1}));
}

static void put__random_keys__equals_a_linear_list(void **state) {
    (void)state;
    enum { KEYS = 600, STEPS = 4000 };
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 22);
    floe_map map;
    floe_map_init(&map, &arena);
    char names[KEYS][8];
    int *list[KEYS] = {NULL};
    static int values[STEPS];
    size_t distinct = 0;
    for (size_t k = 0; k < KEYS; k++) {
        snprintf(names[k], sizeof(names[k]), "k%zu", k);
    }
    for (size_t step = 0; step < STEPS; step++) {
        size_t k = floe_test_below(&rng, KEYS);
        if (floe_test_below(&rng, 2) == 0) {
            distinct += list[k] == NULL ? 1 : 0;
            assert_ptr_equal(floe_map_put(&map, floe_str_of(names[k]), &values[step]), list[k]);
            list[k] = &values[step];
        }
        assert_ptr_equal(floe_map_get(&map, floe_str_of(names[k])), list[k]);
    }
    assert_int_equal(map.count, distinct);
    assert_true(map.count * 4 <= map.capacity * 3);
}

static void put__cap_passed__keeps_what_was_there(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1000);
    floe_map map;
    floe_map_init(&map, &arena);
    char names[100][8];
    int value = 0;
    for (size_t k = 0; k < 100; k++) {
        snprintf(names[k], sizeof(names[k]), "k%zu", k);
        floe_map_put(&map, floe_str_of(names[k]), &value);
    }
    assert_code(floe_arena_check(&arena, NULL), FLOE_LIMIT);
    assert_int_equal(map.count, 12); /* three quarters of the first 16 slots */
    for (size_t k = 0; k < 100; k++) {
        assert_ptr_equal(floe_map_get(&map, floe_str_of(names[k])), k < 12 ? &value : NULL);
    }
}

static floe_status fill_map(void *context, floe_error *err) {
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                       "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100000);
    floe_map map;
    floe_map_init(&map, &arena);
    for (size_t i = 0; i < 20; i++) {
        floe_map_put(&map, floe_str_of(keys[i]), context);
    }
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_ASSERT(map.count == 20);
    return FLOE_OK;
}

static void put__nth_allocation_fails__sets_the_arena_flag(void **state) {
    (void)state;
    int value = 0;
    assert_true(floe_test_alloc_sweep(fill_map, &value) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get__empty_map__is_null),
        cmocka_unit_test(put__same_key__replaces_and_returns_the_earlier),
        cmocka_unit_test(put__null_and_empty_key__are_one_key),
        cmocka_unit_test(put__random_keys__equals_a_linear_list),
        cmocka_unit_test(put__cap_passed__keeps_what_was_there),
        cmocka_unit_test(put__nth_allocation_fails__sets_the_arena_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
