/*
 * The contract of every kind of store, as tests that are run over each.
 */
#ifndef FLOE_TESTS_ONLINE_CONTRACT_H
#define FLOE_TESTS_ONLINE_CONTRACT_H

#include "tests/online/world.h"

/* Runs all tests over stores of the kind; the number of failed tests. */
int contract_run(floe_store_kind kind);

/* The half of it that is about keys, values, plans and parts (contract_data.c). */
const struct CMUnitTest *contract_data_tests(size_t *ret_count);

/* Set-up and tear-down of one test: a world with a store of the kind under test. */
int contract_open(void **state);
int contract_close(void **state);

#endif
