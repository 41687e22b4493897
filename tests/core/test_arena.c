/* core/arena: zeroed and aligned memory, cap and sticky flag, reuse after reset, growing lists. */
#include "tests/support/support.h"

#include "core/arena.h"
#include "core/mem.h"

#include <stdio.h>

static bool is_zero(const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void alloc__any_sizes__are_zeroed_aligned_and_apart(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 24);
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    char *blocks[300];
    size_t lens[300];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 300; i++) {
            lens[i] = floe_test_below(&rng, 2000);
            blocks[i] = floe_arena_alloc(&arena, lens[i], 1);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % 16, 0);
            assert_true(is_zero(blocks[i], lens[i]));
            memset(blocks[i], (int)(i % 255) + 1, lens[i]);
        }
        for (size_t i = 0; i < 300; i++) {
            for (size_t k = 0; k < lens[i]; k++) {
                assert_int_equal((unsigned char)blocks[i][k], i % 255 + 1);
            }
        }
        floe_arena_reset(&arena);
        assert_int_equal(arena.used, 0);
    }
}

static void alloc__zero_bytes__is_not_null(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100);
    void *a = floe_arena_alloc(&arena, 0, 8);
    void *b = floe_arena_alloc(&arena, 0, 8);
    assert_non_null(a);
    assert_ptr_not_equal(a, b);
}

static void alloc__exactly_the_cap__fits_and_one_more_does_not(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100);
    assert_non_null(floe_arena_alloc(&arena, 10, 10));
    floe_error err = {0};
    assert_ok(floe_arena_check(&arena, &err), &err);
    assert_null(floe_arena_alloc(&arena, 1, 1));
    assert_code(floe_arena_check(&arena, &err), FLOE_LIMIT);
    assert_message(&err, "100 bytes");
    floe_arena_reset(&arena);
    assert_null(floe_arena_alloc(&arena, 101, 1));
}

static void alloc__after_overflow__stays_null_until_reset(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1000);
    assert_null(floe_arena_alloc(&arena, 2000, 1));
    assert_null(floe_arena_alloc(&arena, 1, 1));
    assert_null(floe_arena_strdup(&arena, "x"));
    assert_null(floe_arena_printf(&arena, "%d", 1));
    assert_null(floe_arena_str(&arena, FLOE_STR("x")).ptr);
    floe_arena_reset(&arena);
    assert_ok(floe_arena_check(&arena, NULL), NULL);
    assert_non_null(floe_arena_alloc(&arena, 1, 1));
}

static void alloc__product_overflow__is_limit(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, SIZE_MAX);
    assert_null(floe_arena_alloc(&arena, SIZE_MAX / 2, 3));
    assert_code(floe_arena_check(&arena, NULL), FLOE_LIMIT);
    floe_arena_reset(&arena);
    assert_null(floe_arena_strndup(&arena, "", SIZE_MAX));
    assert_code(floe_arena_check(&arena, NULL), FLOE_LIMIT);
    floe_arena_reset(&arena);
    assert_non_null(floe_arena_alloc(&arena, 1, 1));
    assert_null(floe_arena_alloc(&arena, SIZE_MAX - 4, 1));
    assert_code(floe_arena_check(&arena, NULL), FLOE_LIMIT);
}

static void alloc__heap_refuses__is_nomem(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1000);
    floe_mem_fail_at(1);
    assert_null(floe_arena_alloc(&arena, 10, 1));
    floe_mem_fail_off();
    floe_error err = {0};
    assert_code(floe_arena_check(&arena, &err), FLOE_NOMEM);
    assert_message(&err, "out of memory");
    assert_null(floe_arena_alloc(&arena, 10, 1));
}

static void close__zeroed_and_twice__is_safe(void **state) {
    (void)state;
    floe_arena arena = {0};
    floe_arena_close(&arena);
    floe_arena_init(&arena, 100);
    assert_non_null(floe_arena_alloc(&arena, 1, 1));
    floe_arena_close(&arena);
    floe_arena_close(&arena);
    floe_arena_reset(&arena);
    assert_non_null(floe_arena_alloc(&arena, 100, 1));
    floe_arena_close(&arena);
}

/* The point of an arena in the server: a request like the one before takes nothing from the heap. */
static void reset__warmed_up__does_not_touch_the_heap(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 24);
    for (int request = 0; request < 20; request++) {
        floe_mem_fail_at(UINT64_MAX);
        for (int i = 0; i < 1000; i++) {
            assert_non_null(floe_arena_alloc(&arena, 100, 1));
        }
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (!FLOE_ASAN && request >= 2) {
            assert_int_equal(asked, 0);
        }
        floe_arena_reset(&arena);
    }
}

static void text__copies__are_terminated_and_keep_nul_bytes(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    assert_string_equal(floe_arena_strdup(&arena, "floe"), "floe");
    assert_string_equal(floe_arena_strndup(&arena, "floes", 4), "floe");
    assert_string_equal(floe_arena_strndup(&arena, NULL, 0), "");
    floe_str copy = floe_arena_str(&arena, (floe_str){"a\0b", 3});
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    floe_str empty = floe_arena_str(&arena, (floe_str){NULL, 0});
    assert_non_null(empty.ptr);
    assert_int_equal(empty.len, 0);
    assert_string_equal(floe_arena_printf(&arena, "%s-%05d", "part", 42), "part-00042");
    assert_string_equal(floe_arena_printf(&arena, "%s", ""), "");
}

static void printf__long_text__is_whole(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100000);
    char *text = floe_arena_printf(&arena, "%*d", 9000, 7);
    assert_int_equal(strlen(text), 9000);
    assert_int_equal(text[8999], '7');
}

static void push__many_elements__keep_their_values(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 24);
    struct pair {
        int a;
        double b;
    } *pairs = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (int i = 0; i < 5000; i++) {
        struct pair *pair = FLOE_ARENA_PUSH(&arena, pairs, count, capacity);
        assert_non_null(pair);
        assert_int_equal(pair->a, 0);
        *pair = (struct pair){i, i / 2.0};
    }
    assert_int_equal(count, 5000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(pairs[i].a, i);
        assert_true(pairs[i].b == i / 2.0);
    }
}

static void push__after_elements_were_dropped__is_zeroed(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    int *numbers = NULL;
    size_t count = 0;
    size_t capacity = 0;
    *(int *)FLOE_ARENA_PUSH(&arena, numbers, count, capacity) = 7;
    count--;
    int *again = FLOE_ARENA_PUSH(&arena, numbers, count, capacity);
    assert_int_equal(*again, 0);
}

static void push__cap_passed__leaves_the_array_as_it_was(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 191); /* 64 bytes for eight numbers, and one too few for the next 128 */
    int64_t *numbers = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (int64_t i = 0; i < 8; i++) {
        *(int64_t *)FLOE_ARENA_PUSH(&arena, numbers, count, capacity) = i;
    }
    assert_null(FLOE_ARENA_PUSH(&arena, numbers, count, capacity));
    assert_int_equal(count, 8);
    assert_int_equal(numbers[7], 7);
    assert_code(floe_arena_check(&arena, NULL), FLOE_LIMIT);
}

static void ptrs__append__keeps_the_order(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100000);
    static int things[100];
    floe_ptrs list = {0};
    for (size_t i = 0; i < 100; i++) {
        floe_ptrs_append(&list, &arena, &things[i]);
    }
    assert_int_equal(list.count, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_ptr_equal(list.items[i], &things[i]);
    }
}

static floe_status build_list(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    floe_ptrs list = {0};
    for (int i = 0; i < 200; i++) {
        floe_ptrs_append(&list, &arena, floe_arena_printf(&arena, "item %d %s", i, "padding padding padding"));
    }
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_ASSERT(list.count == 200);
    return FLOE_OK;
}

static void arena__nth_allocation_fails__is_seen_at_the_end(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(build_list, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc__any_sizes__are_zeroed_aligned_and_apart),
        cmocka_unit_test(alloc__zero_bytes__is_not_null),
        cmocka_unit_test(alloc__exactly_the_cap__fits_and_one_more_does_not),
        cmocka_unit_test(alloc__after_overflow__stays_null_until_reset),
        cmocka_unit_test(alloc__product_overflow__is_limit),
        cmocka_unit_test(alloc__heap_refuses__is_nomem),
        cmocka_unit_test(close__zeroed_and_twice__is_safe),
        cmocka_unit_test(reset__warmed_up__does_not_touch_the_heap),
        cmocka_unit_test(text__copies__are_terminated_and_keep_nul_bytes),
        cmocka_unit_test(printf__long_text__is_whole),
        cmocka_unit_test(push__many_elements__keep_their_values),
        cmocka_unit_test(push__after_elements_were_dropped__is_zeroed),
        cmocka_unit_test(push__cap_passed__leaves_the_array_as_it_was),
        cmocka_unit_test(ptrs__append__keeps_the_order),
        cmocka_unit_test(arena__nth_allocation_fails__is_seen_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
