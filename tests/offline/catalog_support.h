/*
 * What the tests of the directory catalog share: a warehouse in a folder of its own, and files put into it.
 */
#ifndef FLOE_TESTS_OFFLINE_CATALOG_SUPPORT_H
#define FLOE_TESTS_OFFLINE_CATALOG_SUPPORT_H

#include "tests/offline/ice_support.h"

#include "offline/catalog/catalog.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static floe_arena arena;
static const char *warehouse;
static floe_catalog *catalog;
static floe_catalog_def definition;

static inline int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    warehouse = floe_test_temp_dir();
    definition = (floe_catalog_def){
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(warehouse)};
    assert_ok(floe_catalog_open(&definition, NULL, &catalog, &err), &err);
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    floe_catalog_close(&catalog);
    floe_arena_close(&arena);
    return 0;
}

static inline void put(const char *name) {
    ice_write_file(ice_path(warehouse, name), FLOE_STR("{}"));
}

static inline void put_text(const char *name, const char *text) {
    ice_write_file(ice_path(warehouse, name), floe_str_of(text));
}

static inline floe_status commit(const char *base, const char *json, const char **ret_path, floe_error *err) {
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path = base,
                                           .metadata_json = floe_str_of(json)};
    return floe_catalog_commit(catalog, &request, &arena, ret_path, err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
