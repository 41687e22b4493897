/* Random types and values, for the round-trip tests of texts and of Arrow batches. */
#ifndef FLOE_TESTS_CORE_VALUES_H
#define FLOE_TESTS_CORE_VALUES_H

#include "core/value.h"
#include "tests/support/support.h"

/* Any type; lists when `with_lists`. */
floe_type random_type(floe_test_rng *rng, bool with_lists);

/* A value of the type, in one of eight cases null when `with_nulls`; text and items lie in the arena. Times and dates
 * are within the years 1 to 9999, reals may be NaN or infinite, text is UTF-8 with quotes and control characters. */
floe_value random_value(floe_test_rng *rng, floe_type type, bool with_nulls, floe_arena *arena);

#endif
