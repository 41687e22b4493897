/*
 * The runner of tests side by side counts what failed and what crashed, and lets none of it pass for the other.
 */
#include "tests/support/apart.h"

#include <stdlib.h>
#include <unistd.h>

static void inner_that_passes(void **state) {
    (void)state;
    assert_int_equal(1, 1);
}

static void inner_that_fails(void **state) {
    (void)state;
    assert_int_equal(1, 2);
}

static void inner_that_ends_early(void **state) {
    (void)state;
    _exit(3);
}

static int set_up_that_fails(void **state) {
    (void)state;
    return -1;
}

static void apart__failures_of_every_kind__are_counted(void **state) {
    (void)state;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_that_passes),
        cmocka_unit_test(inner_that_fails),
        cmocka_unit_test(inner_that_passes),
        cmocka_unit_test(inner_that_ends_early),
        cmocka_unit_test_setup_teardown(inner_that_passes, set_up_that_fails, NULL),
    };
    assert_int_equal(floe_test_run_apart(tests, 5), 3);
    assert_int_equal(floe_test_run_apart(tests, 1), 0);
    assert_int_equal(floe_test_run_apart(tests, 0), 0);
}

static void apart__more_than_run_at_once__all_run(void **state) {
    (void)state;
    struct CMUnitTest tests[20];
    for (size_t i = 0; i < 20; i++) {
        tests[i] = i % 2 ? (struct CMUnitTest)cmocka_unit_test(inner_that_fails)
                         : (struct CMUnitTest)cmocka_unit_test(inner_that_passes);
    }
    assert_int_equal(floe_test_run_apart(tests, 20), 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apart__failures_of_every_kind__are_counted),
        cmocka_unit_test(apart__more_than_run_at_once__all_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
