/*
 * For tests over real tables: one source over lake.ns.t and one view over it, written by hand.
 * Columns: k VARCHAR, ts and known TIMESTAMP, v BIGINT.
 */
#ifndef FLOE_TESTS_OFFLINE_VIEW_SUPPORT_H
#define FLOE_TESTS_OFFLINE_VIEW_SUPPORT_H

#include "registry/registry.h"

#define VIEW_OUTPUTS_MAX 4

typedef struct view_fixture {
    floe_source source;
    floe_entity entity;
    floe_view view;
    floe_output outputs[VIEW_OUTPUTS_MAX];
    floe_ref refs[VIEW_OUTPUTS_MAX];
} view_fixture;

/* A view "v" with the as-of feature "last" of column v. */
void view_fixture_init(view_fixture *fixture);
/* Adds the aggregate "total": the sum of v over a window. */
void view_fixture_add_sum(view_fixture *fixture, int64_t window_us);

#endif
