/*
 * What the tests of online share: definitions made by hand, one store of either kind, rows written and looked up. Every
 * lookup is made twice, blocking and on a loop, and both answers must be the same.
 */
#ifndef FLOE_TESTS_ONLINE_WORLD_H
#define FLOE_TESTS_ONLINE_WORLD_H

#include "online/online.h"
#include "tests/support/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define NEVER INT64_MAX
#define NO_CREATED INT64_MIN

typedef struct world {
    floe_arena arena;
    floe_online_def def;
    floe_test_redis redis; /* of a Redis world */
    char dir[64];          /* of an embedded world */
    floe_store *store;
    floe_store *other; /* a second handle, as another process would have it */
    floe_loop *loop;
    floe_online *online;
} world;

/* Set-up and tear-down of one test; the kind of store. */
void world_open(world *w, floe_store_kind kind);
void world_close(world *w);
/* Closes and opens the handles again, so that they know nothing. */
void world_reopen(world *w);
floe_str world_project(void);

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        floe_status assert_ok_status_ = (expression);                                                                  \
        if (floe_failed(assert_ok_status_)) {                                                                          \
            fail_msg("%s: %s", floe_code_describe(assert_ok_status_.code)->name, world_error.message);                 \
        }                                                                                                              \
    } while (0)
#define assert_code(expression, expected)                                                                              \
    do {                                                                                                               \
        floe_error_clear(&world_error);                                                                                \
        floe_status assert_code_status_ = (expression);                                                                \
        if (assert_code_status_.code != (expected)) {                                                                  \
            fail_msg("%s instead of %s: %s", floe_code_describe(assert_code_status_.code)->name,                       \
                     floe_code_describe(expected)->name, world_error.message);                                         \
        }                                                                                                              \
    } while (0)
#define assert_message(needle)                                                                                         \
    do {                                                                                                               \
        if (strstr(world_error.message, (needle)) == NULL) {                                                           \
            fail_msg("no \"%s\" in: %s", (needle), world_error.message);                                               \
        }                                                                                                              \
    } while (0)
extern floe_error world_error; /* of the last failed call */

/* ---- definitions ---- */

floe_type type_of(floe_kind kind);
floe_entity *make_entity(world *w, const char *name, const char *const *keys, const floe_type *types, size_t count);
/* An entity of one text key named after it. */
floe_entity *make_simple_entity(world *w, const char *name);
floe_output as_of_output(const char *name, floe_type type);
floe_output aggregate_output(const char *name, floe_function function, floe_type type);
/* A view with a source of its own, without ttl or where; a future row is never refused. */
floe_view *make_view(world *w, const char *name, const floe_entity *entity, const floe_output *outputs, size_t count);
/* A view over one text key with one int64 feature "value". */
floe_view *make_simple_view(world *w);

/* ---- values ---- */

floe_value text(const char *string);
floe_value bytes_of(const void *bytes, size_t len);
floe_value null_of(floe_kind kind);

/* ---- rows ---- */

floe_write_outcome put(world *w, const floe_view *view, const floe_value *keys, int64_t event_us, int64_t created_us,
                       int64_t end_us, const floe_value *values);
/* For simple views: key and value, without created and end time. */
floe_write_outcome put_simple(world *w, const floe_view *view, const char *key, int64_t event_us, int64_t value);

/* One entity, all outputs of one view, at a time (0: now); cells in the world's arena. */
floe_cell *ask(world *w, const floe_view *view, const floe_value *keys, int64_t as_of_us);
/* Any lookup, made both ways. Returns the blocking one's status. */
floe_status ask_both(world *w, floe_lookup *lookup);
/* Only on the loop. */
floe_status ask_loop(world *w, floe_lookup *lookup);
floe_cell ask_simple(world *w, const floe_view *view, const char *key);

/* How many rows of any part the store holds for an entity, by looking inside. */
size_t count_rows(world *w, const floe_view *view);

#endif
