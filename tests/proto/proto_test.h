/* What the tests of proto share: golden bytes by name, values, checks. */
#ifndef FLOE_TESTS_PROTO_PROTO_TEST_H
#define FLOE_TESTS_PROTO_PROTO_TEST_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

extern floe_error proto_error; /* of the last call */

#define assert_ok(expression)                                                                                          \
    do {                                                                                                               \
        floe_error_clear(&proto_error);                                                                                \
        if (floe_failed(expression)) {                                                                                 \
            fail_msg("%s", proto_error.message);                                                                       \
        }                                                                                                              \
    } while (0)
#define assert_code(expression, expected)                                                                              \
    do {                                                                                                               \
        floe_error_clear(&proto_error);                                                                                \
        assert_int_equal((expression).code, (expected));                                                               \
    } while (0)
#define assert_message(needle) assert_non_null(strstr(proto_error.message, (needle)))

/* The bytes of one entry of tests/proto/golden/FILE.hex, in the arena. */
floe_str golden(floe_arena *arena, const char *file, const char *name);
void assert_bytes(floe_str have, floe_str want);

floe_type kind_type(floe_kind kind);
floe_value text(const char *string);
floe_value bytes_of(const void *bytes, size_t len);
floe_value integer(floe_kind kind, int64_t value);
floe_value real(floe_kind kind, double value);
floe_value boolean(bool value);
floe_value decimal(__int128 unscaled, uint8_t precision, uint8_t scale);

uint32_t next_random(uint32_t *seed);
uint32_t first_seed(void); /* FLOE_TEST_SEED or the clock; printed */

#endif
