/*
 * What all tests in C share: cmocka itself, checks of floe's statuses, a seeded generator, temporary folders, and the
 * sweep that lets every allocation of a function fail once.
 */
#ifndef FLOE_TESTS_SUPPORT_SUPPORT_H
#define FLOE_TESTS_SUPPORT_SUPPORT_H

#include "core/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A fresh empty folder, removed with everything in it when the process ends. The path lives until then. */
const char *floe_test_temp_dir(void);

/* The seed of this run: FLOE_SEED, or a random one. Printed the first time, so that a failure can be repeated. */
uint64_t floe_test_seed(void);

/* A small generator (splitmix64); equal seeds give equal sequences on every machine. */
typedef struct floe_test_rng {
    uint64_t state;
} floe_test_rng;

floe_test_rng floe_test_rng_of(uint64_t seed);
uint64_t floe_test_next(floe_test_rng *rng);
uint64_t floe_test_below(floe_test_rng *rng, uint64_t bound);             /* 0…bound-1; bound > 0 */
int64_t floe_test_between(floe_test_rng *rng, int64_t low, int64_t high); /* both inclusive */
void floe_test_fill(floe_test_rng *rng, void *bytes, size_t len);

/* Checks of a status. err may be NULL; its message is printed when it was not expected. */
void floe_test_check_ok(floe_status status, const floe_error *err, const char *expression, const char *file, int line);
void floe_test_check_code(floe_status status, floe_code code, const char *expression, const char *file, int line);
void floe_test_check_message(const floe_error *err, const char *part, const char *file, int line);

#define assert_ok(expression, err) floe_test_check_ok((expression), (err), #expression, __FILE__, __LINE__)
#define assert_code(expression, code) floe_test_check_code((expression), (code), #expression, __FILE__, __LINE__)
/* The error's message contains the text. */
#define assert_message(err, part) floe_test_check_message((err), (part), __FILE__, __LINE__)

/*
 * Runs fn with the 1st, 2nd … allocation of this thread (and all after it) failing, until a run asks for fewer. Each
 * failing run must give NOMEM, or LIMIT or OK where the function recovers, with err filled alike; the last run must give
 * OK. fn releases what it made, so that a leak is seen by the address sanitizer. Returns the number of failing runs: a
 * test checks that it is not 0, or the sweep has proved nothing.
 */
typedef floe_status (*floe_test_fallible)(void *context, floe_error *err);
uint64_t floe_test_alloc_sweep(floe_test_fallible fn, void *context);

#endif
