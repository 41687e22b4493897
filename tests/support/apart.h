/*
 * Tests that wait more than they compute, side by side.
 */
#ifndef FLOE_TESTS_SUPPORT_APART_H
#define FLOE_TESTS_SUPPORT_APART_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs each test in a process of its own, several at a time, and prints what they said in their order. Returns how many
 * failed, crashed ones too. To be called before anything starts a thread. */
int floe_test_run_apart(const struct CMUnitTest *tests, size_t count);

#endif
