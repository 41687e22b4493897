/*
 * What the tests of the stored registry share: a registry in a folder of its own, and the way from text to a version.
 */
#ifndef FLOE_TESTS_REGISTRY_STORED_H
#define FLOE_TESTS_REGISTRY_STORED_H

#include "tests/registry/helpers.h"

typedef struct test_store {
    floe_arena arena;
    const char *path;
    floe_registry *registry;
    floe_error err;
} test_store;

void test_store_open(test_store *store);
void test_store_close(test_store *store);
/* Applies definitions from text and returns the version. */
int64_t test_store_apply(test_store *store, const char *yaml);
/* Runs SQL on a database behind everybody's back. */
void test_sql_run(const char *path, const char *text);

/* An entity and a source; a view of theirs; its outputs. */
#define TEST_HEAD                                                                                                      \
    "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"                                                 \
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"
#define TEST_VIEW "feature_views:\n  - name: v\n    entity: e\n    source: t\n"
#define TEST_OUTPUTS                                                                                                   \
    "    features: [{name: f, column: delay}]\n"                                                                       \
    "    aggregates: [{column: delay, functions: [mean, max], windows: [7d]}]\n"

#endif
