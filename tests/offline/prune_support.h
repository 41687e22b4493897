/*
 * What the tests of pruning share: columns of every type, values, and the verdict on a file.
 */
#ifndef FLOE_TESTS_OFFLINE_PRUNE_SUPPORT_H
#define FLOE_TESTS_OFFLINE_PRUNE_SUPPORT_H

#include "tests/offline/ice_support.h"

#include "core/time.h"
#include "offline/iceberg/murmur3.h"
#include "offline/iceberg/prune.h"

#include <math.h>
#include <stdio.h>

static floe_arena arena;

static inline int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static const floe_ice_type BOOLEAN = {.kind = FLOE_ICE_BOOLEAN};
static const floe_ice_type INT = {.kind = FLOE_ICE_INT};
static const floe_ice_type LONG = {.kind = FLOE_ICE_LONG};
static const floe_ice_type FLOAT = {.kind = FLOE_ICE_FLOAT};
static const floe_ice_type DOUBLE = {.kind = FLOE_ICE_DOUBLE};
static const floe_ice_type DATE = {.kind = FLOE_ICE_DATE};
static const floe_ice_type TIMESTAMP = {.kind = FLOE_ICE_TIMESTAMP};
static const floe_ice_type STRING = {.kind = FLOE_ICE_STRING};
static const floe_ice_type DECIMAL = {.kind = FLOE_ICE_DECIMAL, .precision = 9, .scale = 2};
static const floe_ice_type UUID = {.kind = FLOE_ICE_UUID};

static inline floe_value int_value(floe_kind kind, int64_t value) {
    return (floe_value){.type = {.kind = kind}, .as.integer = value};
}

enum { ID_I = 1, ID_L, ID_F, ID_D, ID_T, ID_S, ID_B, ID_X, COLUMNS = 8 };

static const floe_ice_field FIELDS[COLUMNS] = {
    {.id = ID_I, .name = {"i", 1}, .type = &INT},       {.id = ID_L, .name = {"l", 1}, .type = &LONG},
    {.id = ID_F, .name = {"f", 1}, .type = &DOUBLE},    {.id = ID_D, .name = {"d", 1}, .type = &DATE},
    {.id = ID_T, .name = {"t", 1}, .type = &TIMESTAMP}, {.id = ID_S, .name = {"s", 1}, .type = &STRING},
    {.id = ID_B, .name = {"b", 1}, .type = &BOOLEAN},   {.id = ID_X, .name = {"x", 1}, .type = &DECIMAL},
};
static const floe_ice_schema SCHEMA = {.fields = FIELDS, .field_count = COLUMNS};

static inline floe_expr *bind(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    floe_column columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (floe_column){FIELDS[i].name, floe_ice_type_to_floe(FIELDS[i].type)};
    }
    assert_ok(floe_expr_parse(&arena, floe_str_of(text), &expr, &err), &err);
    assert_ok(floe_expr_bind(expr, &arena, columns, COLUMNS, &err), &err);
    return expr;
}

static inline floe_ice_bytes_entry entry_of(ice_bound bound) {
    return (floe_ice_bytes_entry){bound.field_id, {bound.bytes, bound.len}};
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
