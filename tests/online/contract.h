/*
 * The contract of every kind of store, as tests that are run over each.
 */
#ifndef FLOE_TESTS_ONLINE_CONTRACT_H
#define FLOE_TESTS_ONLINE_CONTRACT_H

#include "tests/online/world.h"

/* Runs all tests over stores of the kind; the number of failed tests. */
int contract_run(floe_store_kind kind);

#endif
