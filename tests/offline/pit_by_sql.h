/*
 * The worlds of the kernel's tests (pit_world.h), answered by the generated SQL.
 */
#ifndef FLOE_TESTS_OFFLINE_PIT_BY_SQL_H
#define FLOE_TESTS_OFFLINE_PIT_BY_SQL_H

#include "tests/offline/pit_world.h"
#include "tests/offline/sql_support.h"

/* The world's answers by SQL, as world_run gives them, or the failure of the query. Rows are shuffled by the seed. */
floe_status world_by_sql(world *w, sql_fixture *fixture, const floe_pit_options *options, uint64_t seed,
                         floe_value **ret_answers, int64_t *ret_ties, floe_error *err);

#endif
