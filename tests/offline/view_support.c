/* Helpers of tests over real tables; see the header. */
#include "tests/offline/view_support.h"

static const floe_column columns[] = {{{"k", 1}, {.kind = FLOE_KIND_STRING}},
                                      {{"ts", 2}, {.kind = FLOE_KIND_TIMESTAMP}},
                                      {{"known", 5}, {.kind = FLOE_KIND_TIMESTAMP}},
                                      {{"v", 1}, {.kind = FLOE_KIND_INT64}}};
static const floe_str key_columns[] = {{"k", 1}};

static void add_output(view_fixture *fixture, const char *name, floe_function function, int64_t window_us) {
    size_t at = fixture->view.output_count++;
    floe_type whole = {.kind = FLOE_KIND_INT64};
    fixture->outputs[at] = (floe_output){.about.name = floe_str_of(name),
                                         .function = function,
                                         .column = FLOE_STR("v"),
                                         .window_us = window_us,
                                         .column_type = whole,
                                         .type = whole};
    fixture->refs[at] = (floe_ref){&fixture->view, &fixture->outputs[at]};
}

void view_fixture_init(view_fixture *fixture) {
    *fixture = (view_fixture){0};
    fixture->source = (floe_source){.about.name = FLOE_STR("events"),
                                    .table = FLOE_STR("lake.ns.t"),
                                    .event_time = FLOE_STR("ts"),
                                    .created_time = FLOE_STR("known"),
                                    .columns = columns,
                                    .column_count = 4};
    fixture->entity = (floe_entity){.about.name = FLOE_STR("e"), .keys = columns, .key_count = 1};
    fixture->view = (floe_view){.about.name = FLOE_STR("v"),
                                .entity = &fixture->entity,
                                .source = &fixture->source,
                                .key_columns = key_columns,
                                .outputs = fixture->outputs};
    add_output(fixture, "last", FLOE_FN_NONE, 0);
}

void view_fixture_add_sum(view_fixture *fixture, int64_t window_us) {
    add_output(fixture, "total", FLOE_FN_SUM, window_us);
}
