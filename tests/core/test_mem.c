/* core/mem: zeroed blocks, overflow checks, the hook that lets the n-th allocation fail. */
#include "tests/support/support.h"

#include "core/mem.h"

static void alloc__fresh_block__is_zeroed_and_aligned(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_FREE unsigned char *block = NULL;
    assert_ok(floe_alloc(100, 7, &block, &err), &err);
    for (size_t i = 0; i < 700; i++) {
        assert_int_equal(block[i], 0);
    }
    assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
}

static void alloc__zero_size__gives_a_unique_pointer(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_FREE void *a = NULL;
    FLOE_AUTO_FREE void *b = NULL;
    assert_ok(floe_alloc(0, 8, &a, &err), &err);
    assert_ok(floe_alloc(8, 0, &b, &err), &err);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
}

/* 2^32 * 2^32 wraps to 0 in 64 bits; SIZE_MAX * 2 to SIZE_MAX - 1; the rest is past the largest object. */
static void alloc__product_overflows__is_nomem_and_leaves_the_output(void **state) {
    (void)state;
    static const size_t sizes[][2] = {
        {(size_t)1 << 32, (size_t)1 << 32}, {SIZE_MAX, 2}, {SIZE_MAX, 1}, {(size_t)PTRDIFF_MAX + 1, 1}};
    for (size_t i = 0; i < 4; i++) {
        floe_error err = {0};
        char mark = 0;
        void *block = &mark;
        assert_code(floe_alloc(sizes[i][0], sizes[i][1], &block, &err), FLOE_NOMEM);
        assert_ptr_equal(block, &mark);
        assert_message(&err, "out of memory");
        assert_true(err.retriable);
    }
}

static void realloc__null_then_larger__keeps_the_content(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_FREE int *numbers = NULL;
    assert_ok(floe_realloc(&numbers, 4, sizeof(int), &err), &err);
    for (int i = 0; i < 4; i++) {
        numbers[i] = i * i;
    }
    assert_ok(floe_realloc(&numbers, 4000, sizeof(int), &err), &err);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(numbers[i], i * i);
    }
}

static void realloc__failure__keeps_the_old_block(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_FREE char *text = NULL;
    assert_ok(floe_strdup("kept", &text, &err), &err);
    char *before = text;
    floe_mem_fail_at(1);
    assert_code(floe_realloc(&text, 100, 1, &err), FLOE_NOMEM);
    floe_mem_fail_off();
    assert_code(floe_realloc(&text, SIZE_MAX, 16, NULL), FLOE_NOMEM);
    assert_ptr_equal(text, before);
    assert_string_equal(text, "kept");
}

static void strndup__part_of_a_text__is_terminated(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_FREE char *part = NULL;
    FLOE_AUTO_FREE char *empty = NULL;
    assert_ok(floe_strndup("abcdef", 3, &part, &err), &err);
    assert_string_equal(part, "abc");
    assert_ok(floe_strndup(NULL, 0, &empty, &err), &err);
    assert_string_equal(empty, "");
    assert_code(floe_strndup("", SIZE_MAX, &empty, NULL), FLOE_NOMEM);
}

static void strndup__bytes_with_nul__are_all_copied(void **state) {
    (void)state;
    FLOE_AUTO_FREE char *copy = NULL;
    assert_ok(floe_strndup("a\0b", 3, &copy, NULL), NULL);
    assert_memory_equal(copy, "a\0b", 4);
}

static void free__null__is_allowed(void **state) {
    (void)state;
    floe_free(NULL);
    void *none = NULL;
    floe_free_indirect(&none);
}

static void fail_at__nth__lets_the_earlier_pass_and_the_later_fail(void **state) {
    (void)state;
    void *blocks[5] = {NULL};
    floe_code codes[5];
    floe_mem_fail_at(3);
    for (size_t i = 0; i < 5; i++) {
        codes[i] = floe_alloc(1, 1, &blocks[i], NULL).code;
    }
    assert_int_equal(floe_mem_fail_count(), 5);
    floe_mem_fail_off();
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(codes[i], i < 2 ? FLOE_CODE_OK : FLOE_NOMEM);
        floe_free(blocks[i]);
    }
    FLOE_AUTO_FREE void *again = NULL;
    assert_ok(floe_alloc(1, 1, &again, NULL), NULL);
}

static floe_status two_copies(void *context, floe_error *err) {
    FLOE_AUTO_FREE char *first = NULL;
    FLOE_AUTO_FREE char *second = NULL;
    FLOE_TRY(floe_strdup(context, &first, err));
    return floe_strdup(first, &second, err);
}

static void alloc_sweep__two_allocations__fails_each_once(void **state) {
    (void)state;
    assert_int_equal(floe_test_alloc_sweep(two_copies, (void *)(uintptr_t) "text"), 2);
}

static void resident__what_is_touched_and_freed__comes_and_goes(void **state) {
    (void)state;
    enum { LEN = 64 << 20 };
    floe_error err = {0};
    char *block = NULL;
    uint64_t before = floe_mem_resident();
    assert_true(before > 1 << 20);
    assert_ok(floe_alloc(LEN, 1, &block, &err), &err);
    memset(block, 1, LEN);
    assert_true(floe_mem_resident() >= before + LEN - (1 << 20));
    floe_free(block);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    assert_true(floe_mem_resident() < before + LEN / 2);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc__fresh_block__is_zeroed_and_aligned),
        cmocka_unit_test(alloc__zero_size__gives_a_unique_pointer),
        cmocka_unit_test(alloc__product_overflows__is_nomem_and_leaves_the_output),
        cmocka_unit_test(realloc__null_then_larger__keeps_the_content),
        cmocka_unit_test(realloc__failure__keeps_the_old_block),
        cmocka_unit_test(strndup__part_of_a_text__is_terminated),
        cmocka_unit_test(strndup__bytes_with_nul__are_all_copied),
        cmocka_unit_test(free__null__is_allowed),
        cmocka_unit_test(fail_at__nth__lets_the_earlier_pass_and_the_later_fail),
        cmocka_unit_test(alloc_sweep__two_allocations__fails_each_once),
        cmocka_unit_test(resident__what_is_touched_and_freed__comes_and_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
