/*
 * What the tests of import share beside import_support.h: refusals and the fields of a schema.
 */
#ifndef FLOE_TESTS_OFFLINE_IMPORT_EXPECT_H
#define FLOE_TESTS_OFFLINE_IMPORT_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/import_support.h"
#include "tests/support/support.h"

#include "core/file.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

static import_fixture fixture;

static inline int set_up(void **state) {
    (void)state;
    import_fixture_open(&fixture);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    import_fixture_close(&fixture);
    return 0;
}

#define CREATE ((floe_import_request){.mode = FLOE_IMPORT_CREATE})
#define APPEND ((floe_import_request){.mode = FLOE_IMPORT_APPEND})
#define REPLACE ((floe_import_request){.mode = FLOE_IMPORT_REPLACE})

/* The import must fail with the code and say all parts (separated by "…"). */
static inline void expect_refused(const char *file, floe_import_request request, floe_code code, const char *part) {
    floe_error err = {0};
    size_t before = count_files(fixture.warehouse);
    floe_status status = import_one(&fixture, file, request, &err);
    if (status.code != code || !strstr(err.message, part)) {
        fail_msg("%s: %s, expected \"%s\"", floe_code_describe(status.code)->name, err.message, part);
    }
    assert_int_equal(count_files(fixture.warehouse), before);
}

static const floe_node *schema_fields(size_t schema) {
    const floe_node *schemas = floe_node_get(table_document(&fixture), "schemas");
    return floe_node_get(schemas->items[schema], "fields");
}

#define IMPORT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
